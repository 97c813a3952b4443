/* gort/any.h: values that know their type, Go's `interface {}`, and errors.
 *
 * A value is boxed by copying it to the collected heap; a pointer is its own box. Panics carry
 * these values (gort/panic.h), and print them as Go prints its own:
 *
 *     gort_any v = gort_box(int, 42);
 *     int n = gort_assert(v, int);                   v.(int)
 *     double d;
 *     bool ok = gort_assert_ok(v, double, &d);       d, ok := v.(double)
 *
 * Boxing allocates, as gort_new does; everything here may be called from any goroutine.
 */
#ifndef GORT_ANY_H
#define GORT_ANY_H

#include <gort/type.h>

GORT_BEGIN_DECLS

/* Go's interface{}. A NULL type is nil. `data` points to the value, or is it where the type's kind
 * has GORT_KIND_DIRECT. */
typedef struct {
    const gort_type *type;
    const void *data;
} gort_any;

/* Boxes `value`, an initialiser of a `T`: gort_box(int, 42), gort_box(point, {1, 2}). A `T` that no
 * GORT_TYPE describes still has its name, and its box is scanned conservatively.
 *
 * Returns  the boxed value; it keeps alive what `value` points to.
 * Fails    by the fatal error "out of memory".
 */
#define gort_box(T, ...)                                                                           \
    __extension__({                                                                                \
        T gort_boxed_ = __VA_ARGS__;                                                               \
        gort_box_value(gort_typeof_or_name(T), &gort_boxed_);                                      \
    })

/* Takes the `T` out of `v`: v.(T).
 *
 * Returns  the value, a copy.
 * Fails    by a panic with a *runtime.TypeAssertionError if `v` holds something else.
 */
#define gort_assert(v, T)                                                                          \
    __extension__({                                                                                \
        T gort_out_;                                                                               \
        gort_assert_value((v), gort_typeof_or_name(T), &gort_out_);                                \
        gort_out_;                                                                                 \
    })

/* The same without a panic: `*out`, a `T`, is zeroed if `v` holds something else.
 *
 * Returns  true if `v` holds a `T`.
 */
#define gort_assert_ok(v, T, out)                                                                  \
    __extension__({                                                                                \
        T *gort_out_ = (out);                                                                      \
        gort_assert_value_ok((v), gort_typeof_or_name(T), gort_out_);                              \
    })

/* Boxes a copy of a string as Go's `string`.
 *
 * text     ends with a NUL; NULL counts as "".
 * Returns  a value of type `string`; gort_assert(v, gort_string) takes it out.
 */
GORT_API gort_any gort_any_string(const char *text);

/* An error value with a text made as by printf: errors.New, fmt.Errorf.
 *
 * Returns  a value whose gort_error_string is the text.
 */
GORT_API gort_any gort_errorf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* What the value has to say about itself.
 *
 * Returns  v.Error(), else v.String(), by the methods that GORT_TYPE_ERROR and GORT_TYPE_STRINGER
 * gave its type; NULL if there is neither. The text of a library's error lives as long as `v`.
 */
GORT_API const char *gort_error_string(gort_any v);

/* Takes the text of an error out of `v`: v.(error).Error().
 *
 * Fails    by a panic with a *runtime.TypeAssertionError if `v` is nil or has no Error method.
 */
GORT_API const char *gort_assert_error(gort_any v);

/* Returns  true if `v` is an error made by the runtime: it implements runtime.Error. */
GORT_API bool gort_is_runtime_error(gort_any v);

/* Returns  true if `v` is the error of a failed type assertion: a *runtime.TypeAssertionError. Its text, which names the
 * types, is gort_error_string's. */
GORT_API bool gort_is_type_assertion_error(gort_any v);

/* The address that a fault was about, of the errors that gort_debug_set_panic_on_fault allows: the
 * method Addr() uintptr.
 *
 * Returns  true if `v` is such an error; `*addr` is its address.
 */
GORT_API bool gort_error_addr(gort_any v, uintptr_t *addr);

/* Is it the same type? True for one descriptor, and for two that agree in size, kind and name. NULL
 * is the type of nil. */
GORT_API bool gort_type_same(const gort_type *a, const gort_type *b);

/* What the macros above call. */
GORT_API gort_any gort_box_value(const gort_type *type, const void *value);
GORT_API void gort_assert_value(gort_any v, const gort_type *want, void *out);
GORT_API bool gort_assert_value_ok(gort_any v, const gort_type *want, void *out);

GORT_END_DECLS

#endif
