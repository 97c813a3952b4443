/* errors.c: Go's error values and texts.
 *
 * Owns    the types of the runtime's own errors; their values are texts (lang/any.c, invariant 2).
 * Holds   1. What has the method RuntimeError is a runtime.Error.
 *         2. Two nil dereferences panic with the same constant value, and allocate nothing: a fault can
 *            come while memory is short.
 * Locks   none.
 */
#include "panic/panic.h"

#include "base/fmt.h"
#include "gc/gc.h"
#include "lang/any.h"

#include <gort/debug.h>

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- types */

static const char *error_of_value(const void *v)
{
    return ((const gort_string *)v)->ptr;
}

static const char *error_of_pointer(const void *v)
{
    return (*(const gort_string *const *)v)->ptr;
}

static void runtime_error_marker(void)
{
}

struct address_error {
    gort_string text;
    uintptr_t addr;
};

static const gort_string name_RuntimeError = {"RuntimeError", 12};
static const gort_string runtime_path = {"runtime", 7}, errors_path = {"errors", 6};

#define METHODS(id, code)                                                                          \
    static const struct gort_method methods_##id[] = {                                             \
        {&gort_text_Error, NULL, &gort_type_text_method, NULL, (void (*)(void))code},              \
        {&name_RuntimeError, NULL, NULL, NULL, runtime_error_marker}};
METHODS(value, error_of_value)
METHODS(pointer, error_of_pointer)

static const uint8_t one_pointer[] = {1};

/* n: how many of the methods it has. */
#define ERROR_TYPE(id, shown, bytes, kinds, methods, n, path)                                      \
    static const gort_string name_##id = {shown, sizeof shown - 1};                                \
    static const struct gort_uncommon uncommon_##id = {&name_##id, &path, methods, n, n};          \
    static const gort_type type_##id = {.size = bytes,                                             \
                                        .ptrdata = sizeof(void *),                                 \
                                        .hash = GORT_HASH_(shown, bytes),                          \
                                        .align = sizeof(void *),                                   \
                                        .field_align = sizeof(void *),                             \
                                        .kind = kinds,                                             \
                                        .gcdata = one_pointer,                                     \
                                        .string = &name_##id,                                      \
                                        .uncommon = &uncommon_##id};

ERROR_TYPE(plain, "runtime.plainError", sizeof(gort_string), GORT_KIND_STRING, methods_value, 2,
           runtime_path)
ERROR_TYPE(runtime, "runtime.errorString", sizeof(gort_string), GORT_KIND_STRING, methods_value, 2,
           runtime_path)
ERROR_TYPE(bounds, "runtime.boundsError", sizeof(gort_string), GORT_KIND_STRUCT, methods_value, 2,
           runtime_path)
ERROR_TYPE(address, "runtime.errorAddressString", sizeof(struct address_error), GORT_KIND_STRUCT,
           methods_value, 2, runtime_path)
ERROR_TYPE(assertion, "*runtime.TypeAssertionError", sizeof(void *),
           GORT_KIND_PTR | GORT_KIND_DIRECT, methods_pointer, 2, runtime_path)
ERROR_TYPE(text, "*errors.errorString", sizeof(void *), GORT_KIND_PTR | GORT_KIND_DIRECT,
           methods_pointer, 1, errors_path)

bool gort_is_runtime_error(gort_any v)
{
    return v.type != NULL && type_has_method(v.type, "RuntimeError");
}

bool gort_is_type_assertion_error(gort_any v)
{
    return v.type == &type_assertion;
}

bool gort_error_addr(gort_any v, uintptr_t *addr)
{
    if (v.type != &type_address)
        return false;
    *addr = ((const struct address_error *)v.data)->addr;
    return true;
}

/* ---- errors of the program */

__attribute__((format(printf, 1, 0))) static gort_any error_from(const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    if (len < 0)
        len = 0;
    struct gort_string_box {
        gort_string s;
        char text[];
    } *box = any_new_text("", 0, sizeof(gort_string) + (size_t)len);
    vsnprintf(box->text, (size_t)len + 1, fmt, again);
    va_end(again);
    box->s = (gort_string){box->text, (size_t)len};
    return (gort_any){&type_text, box};
}

gort_any gort_errorf(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    gort_any v = error_from(fmt, args);
    va_end(args);
    return v;
}

void gort_panicf(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    gort_any v = error_from(fmt, args);
    va_end(args);
    gort_panic(v);
}

/* ---- errors of the runtime */

/* Inside the runtime nothing can be undone: the short text is fatal. */
static void check_outside(const char *text)
{
    if (unlikely(load_rlx(&self()->locks) != 0 || g_self() == NULL))
        throw(text);
}

static NORETURN void panic_text(const gort_type *t, const char *text, size_t bytes)
{
    gort_panic((gort_any){t, any_new_text(text, strlen(text), bytes)});
}

void panic_plain(const char *text)
{
    check_outside(text);
    panic_text(&type_plain, text, sizeof(gort_string));
}

void panic_runtime(const char *text)
{
    char buf[256];
    struct out o;
    check_outside(text);
    out_init_mem(&o, buf, sizeof buf - 1);
    out_str(&o, "runtime error: ");
    out_str(&o, text);
    buf[o.len] = '\0';
    panic_text(&type_runtime, buf, sizeof(gort_string));
}

gort_any panic_runtime_error(const gort_string *text)
{
    return (gort_any){&type_runtime, text};
}

void panic_string(const char *text)
{
    check_outside(text);
    gort_panic(gort_any_string(text));
}

#define CONSTANT_ERROR(id, words)                                                                  \
    static const gort_string text_##id = {"runtime error: " words,                                 \
                                          sizeof "runtime error: " words - 1};                     \
    static NORETURN void panic_constant_##id(void)                                                 \
    {                                                                                              \
        check_outside(words);                                                                      \
        gort_panic((gort_any){&type_runtime, &text_##id});                                         \
    }
CONSTANT_ERROR(nil, "invalid memory address or nil pointer dereference")
CONSTANT_ERROR(divide, "integer divide by zero")
CONSTANT_ERROR(overflow, "integer overflow")
CONSTANT_ERROR(float, "floating point error")

void panic_nil(void)
{
    panic_constant_nil();
}

static NORETURN void panic_address(uintptr_t addr)
{
    struct address_error *e = any_new_text(text_nil.ptr, text_nil.len, sizeof *e);
    e->addr = addr;
    gort_panic((gort_any){&type_address, e});
}

/* ---- faults */

enum { NIL_BYTES = 4096 };

static bool is_nil_fault(const struct g *g)
{
    if (g->fault.addr >= NIL_BYTES)
        return false;
    if (g->fault.sig == SIGBUS)
        return g->fault.code == BUS_ADRERR;
    return g->fault.code == 0 || g->fault.code == SEGV_MAPERR || g->fault.code == SEGV_ACCERR;
}

bool gort_debug_set_panic_on_fault(bool on)
{
    struct g *g = panic_self("gort_debug_set_panic_on_fault");
    bool old = g->panic_on_fault;
    g->panic_on_fault = on;
    return old;
}

void panic_fault(struct g *g)
{
    if (g->fault.sig == SIGFPE) {
        if (g->fault.code == FPE_INTDIV)
            panic_constant_divide();
        if (g->fault.code == FPE_INTOVF)
            panic_constant_overflow();
        panic_constant_float();
    }
    if (is_nil_fault(g))
        panic_constant_nil();
    if (g->panic_on_fault)
        panic_address(g->fault.addr);
    struct out o;
    out_init_fd(&o, 2);
    out_str(&o, "unexpected fault address ");
    out_hex(&o, g->fault.addr);
    out_char(&o, '\n');
    out_flush(&o);
    throw("fault");
}

/* ---- bounds */

/* # stands for x, @ for y. A negative x needs no y to be wrong. */
static const struct {
    const char *text, *negative;
} bounds_forms[] = {
    [BOUNDS_INDEX] = {"index out of range [#] with length @", "index out of range [#]"},
    [BOUNDS_SLICE_LEN] = {"slice bounds out of range [:#] with length @",
                          "slice bounds out of range [:#]"},
    [BOUNDS_SLICE_CAP] = {"slice bounds out of range [:#] with capacity @",
                          "slice bounds out of range [:#]"},
    [BOUNDS_SLICE] = {"slice bounds out of range [#:@]", "slice bounds out of range [#:]"},
    [BOUNDS_SLICE3_LEN] = {"slice bounds out of range [::#] with length @",
                           "slice bounds out of range [::#]"},
    [BOUNDS_SLICE3_CAP] = {"slice bounds out of range [::#] with capacity @",
                           "slice bounds out of range [::#]"},
    [BOUNDS_SLICE3_MIDDLE] = {"slice bounds out of range [:#:@]",
                              "slice bounds out of range [:#:]"},
    [BOUNDS_SLICE3_LOW] = {"slice bounds out of range [#:@:]", "slice bounds out of range [#::]"},
    [BOUNDS_CONVERT] =
        {"cannot convert slice with length # to array or pointer to array with length @",
         "cannot convert slice with length #"},
};

static void print_bounds(struct out *o, const char *form, int64_t x, enum bounds_sign sign,
                         int64_t y)
{
    out_str(o, "runtime error: ");
    for (const char *p = form; *p != '\0'; p++) {
        if (*p == '@')
            out_int(o, y);
        else if (*p != '#')
            out_char(o, *p);
        else if (sign == BOUNDS_SIGNED)
            out_int(o, x);
        else
            out_uint(o, (uint64_t)x);
    }
}

void panic_bounds(enum bounds what, int64_t x, enum bounds_sign sign, int64_t y)
{
    bool negative = sign == BOUNDS_SIGNED && x < 0;
    char buf[160];
    struct out o;
    check_outside(what == BOUNDS_INDEX ? "index out of range" : "slice bounds out of range");
    out_init_mem(&o, buf, sizeof buf - 1);
    print_bounds(&o, negative ? bounds_forms[what].negative : bounds_forms[what].text, x, sign, y);
    buf[o.len] = '\0';
    panic_text(&type_bounds, buf, sizeof(gort_string));
}

void gort_panic_index(int64_t i, size_t len)
{
    panic_bounds(BOUNDS_INDEX, i, BOUNDS_SIGNED, (int64_t)len);
}

/* ---- type assertions */

static void print_conversion(struct out *o, const gort_type *iface, const gort_type *have,
                             const gort_type *want, const char *missing)
{
    out_str(o, "interface conversion: ");
    if (missing != NULL) {
        type_print_name(o, have);
        out_str(o, " is not ");
        type_print_name(o, want);
        out_str(o, ": missing method ");
        out_str(o, missing);
        return;
    }
    if (iface != NULL)
        type_print_name(o, iface);
    else
        out_str(o, "interface");
    out_str(o, " is ");
    if (have != NULL)
        type_print_name(o, have);
    else
        out_str(o, "nil");
    out_str(o, ", not ");
    type_print_name(o, want);
    if (have != NULL && have->string->len == want->string->len &&
        memcmp(have->string->ptr, want->string->ptr, want->string->len) == 0)
        out_str(o, " (types from different scopes)");
}

void panic_type_assert(const gort_type *iface, const gort_type *have, const gort_type *want,
                       const char *missing)
{
    struct out o;
    check_outside("interface conversion");
    size_t cap = 128 + want->string->len + (iface != NULL ? iface->string->len : 0) +
                 (have != NULL ? have->string->len : 0) + (missing != NULL ? strlen(missing) : 0);
    gort_string *s = any_new_text("", 0, sizeof *s + cap);
    char *text = (char *)(s + 1);
    out_init_mem(&o, text, cap);
    print_conversion(&o, iface, have, want, missing);
    text[o.len] = '\0';
    *s = (gort_string){text, o.len};
    gort_panic((gort_any){&type_assertion, s});
}
