/* gort/type.h: what the runtime knows about the types of a program.
 *
 * A descriptor says how large a type is, where its pointers are and what it is called. It has,
 * field for field, the layout of the descriptors that gccgo emits. Three macros make and find them;
 * in each, `T` is one identifier: a typedef name or a basic type of one word.
 *
 *     typedef struct { node *next; char *name; int n; } node;
 *     GORT_TYPE(node, next, name)        at file scope: these fields are pointers, the others not
 *     GORT_TYPE_NOSCAN(point)            at file scope: no field is one
 *     gort_typeof(node)                  its descriptor, NULL if no file of the program described
 * it
 *
 * The library describes the basic types (`int`, `double`, `uint8_t`, `gort_string`, ...) itself.
 * A name means one type in the whole program: if two files describe different types of one name, the linker
 * keeps one of the descriptions. (An object whose size shows that it is the other's is searched
 * conservatively; of two types of one size the runtime cannot know.) Give such types different names.
 *
 * Two descriptors mean the same type when size, kind and name agree, so a type may be described in
 * several files and several shared objects.
 */
#ifndef GORT_TYPE_H
#define GORT_TYPE_H

#include <gort/base.h>

GORT_BEGIN_DECLS

/* Go's string: `len` bytes at `ptr`. Strings that this library makes have a NUL behind the last. */
typedef struct {
    const char *ptr;
    size_t len;
} gort_string;

/* Go's numbers of kinds, the low five bits of `kind`. */
enum {
    GORT_KIND_BOOL = 1,
    GORT_KIND_INT = 2,
    GORT_KIND_INT8 = 3,
    GORT_KIND_INT16 = 4,
    GORT_KIND_INT32 = 5,
    GORT_KIND_INT64 = 6,
    GORT_KIND_UINT = 7,
    GORT_KIND_UINT8 = 8,
    GORT_KIND_UINT16 = 9,
    GORT_KIND_UINT32 = 10,
    GORT_KIND_UINT64 = 11,
    GORT_KIND_UINTPTR = 12,
    GORT_KIND_FLOAT32 = 13,
    GORT_KIND_FLOAT64 = 14,
    GORT_KIND_COMPLEX64 = 15,
    GORT_KIND_COMPLEX128 = 16,
    GORT_KIND_ARRAY = 17,
    GORT_KIND_CHAN = 18,
    GORT_KIND_FUNC = 19,
    GORT_KIND_INTERFACE = 20,
    GORT_KIND_MAP = 21,
    GORT_KIND_PTR = 22,
    GORT_KIND_SLICE = 23,
    GORT_KIND_STRING = 24,
    GORT_KIND_STRUCT = 25,
    GORT_KIND_UNSAFE_POINTER = 26,
    GORT_KIND_MASK = 0x1f,
    GORT_KIND_DIRECT = 0x20,      /* in a gort_any the data word is the value: it is a pointer */
    GORT_KIND_PROGRAM = 0x40,     /* gcdata is a program, not a mask */
    GORT_KIND_NO_POINTERS = 0x80, /* ptrdata is 0 */
    GORT_TFLAG_MEMORY = 8,        /* equal when the bytes are equal */
};

typedef struct gort_type gort_type;

/* One method: gccgo's 40 bytes. */
struct gort_method {
    const gort_string *name, *pkg_path;
    const gort_type *mtype, *type;
    void (*code)(void);
};

/* What a named type, or one with methods, has besides. `pkg_path` is NULL for Go's own types. */
struct gort_uncommon {
    const gort_string *name, *pkg_path;
    const struct gort_method *methods;
    uintptr_t nmethods, methods_cap;
};

struct gort_type {
    uintptr_t size;
    uintptr_t ptrdata; /* bytes of the prefix that holds pointers; 0: none */
    uint32_t hash;
    uint8_t tflag, align, field_align;
    uint8_t kind;
    const void *equal; /* gccgo's: a closure of bool (const void *, const void *) */
    /* One bit for each word of `ptrdata`, lowest first. NULL with ptrdata > 0 means that nobody
     * knows: every word of the object may be a pointer. */
    const uint8_t *gcdata;
    const gort_string *string; /* its name; parts between tabs are not printed */
    const struct gort_uncommon *uncommon;
    const gort_type *ptr_to_this;
};

/* The type of the methods that GORT_TYPE_ERROR and GORT_TYPE_STRINGER define. */
GORT_API extern const gort_type gort_type_text_method;
/* The names of these methods, and the package of C types. */
GORT_API extern const gort_string gort_text_Error, gort_text_String, gort_text_package;

GORT_END_DECLS

/* The descriptor of `T`: a `const gort_type *`, or NULL if no file of the program described it. */
#define gort_typeof(T)                                                                             \
    __extension__({                                                                                \
        extern const gort_type gort_type_##T GORT_SYMBOL_(T) __attribute__((weak));                \
        &gort_type_##T;                                                                            \
    })

/* The same, but never NULL: an undescribed `T` gets a descriptor of this place, which knows its
 * name, size and kind. What boxes values uses it, since each value must say what it is. */
#define gort_typeof_or_name(T)                                                                     \
    __extension__({                                                                                \
        extern const gort_type gort_type_##T GORT_SYMBOL_(T) __attribute__((weak));                \
        static const gort_string gort_name_ = {#T, sizeof #T - 1};                                 \
        static const struct gort_uncommon gort_uncommon_ = {&gort_name_, &gort_text_package, NULL, \
                                                            0, 0};                                 \
        static const gort_type gort_fallback_ =                                                    \
            GORT_TYPE_INIT(T, #T, GORT_SCALAR_PTRDATA_(T), NULL, &gort_name_, &gort_uncommon_);    \
        const gort_type *gort_described_ = &gort_type_##T;                                         \
        gort_described_ != NULL ? gort_described_ : &gort_fallback_;                               \
    })

/* Describes `T` and names its pointer fields, 1 to 16 of them. A field is what offsetof accepts:
 * `next`, `in.next`, `slot[2]`; one that is an array or a struct counts as nothing but pointers.
 * Fields behind the first 4 KiB make the whole type one whose pointers nobody knows. */
#define GORT_TYPE(T, ...)                                                                          \
    GORT_TYPE_HEAD_(T)                                                                             \
    union gort_ends_##T {                                                                          \
        GORT_EACH_(GORT_END_, T, __VA_ARGS__)                                                      \
    };                                                                                             \
    static const uint64_t gort_mask_##T[8] = {GORT_MASK_(T, 0, __VA_ARGS__),                       \
                                              GORT_MASK_(T, 1, __VA_ARGS__),                       \
                                              GORT_MASK_(T, 2, __VA_ARGS__),                       \
                                              GORT_MASK_(T, 3, __VA_ARGS__),                       \
                                              GORT_MASK_(T, 4, __VA_ARGS__),                       \
                                              GORT_MASK_(T, 5, __VA_ARGS__),                       \
                                              GORT_MASK_(T, 6, __VA_ARGS__),                       \
                                              GORT_MASK_(T, 7, __VA_ARGS__)};                      \
    GORT_TYPE_TAIL_(                                                                               \
        T, sizeof(union gort_ends_##T) <= 4096 ? sizeof(union gort_ends_##T) : sizeof(T),          \
        sizeof(union gort_ends_##T) <= 4096 ? (const uint8_t *)(const void *)gort_mask_##T         \
                                            : (const uint8_t *)0)

/* Describes `T`, which holds no pointer into the collected heap. */
#define GORT_TYPE_NOSCAN(T)                                                                        \
    GORT_TYPE_HEAD_(T)                                                                             \
    GORT_TYPE_TAIL_(T, 0, NULL)

/* Gives `T` the method Error() string, which makes it an error: fn is `const char *fn(const T *)`.
 * Where the type is described, its printing in a panic and gort_error_string use it. */
#define GORT_TYPE_ERROR(T, fn) GORT_TYPE_METHOD_(T, Error, fn)
/* Gives `T` the method String() string. */
#define GORT_TYPE_STRINGER(T, fn) GORT_TYPE_METHOD_(T, String, fn)

/* ---- how the macros do it */
#ifdef __cplusplus
#define GORT_C_         extern "C"
#define GORT_SYMBOL_(T) __asm__("gort_type_" #T) /* also where a namespace would mangle it */
#else
#define GORT_C_ extern
#define GORT_SYMBOL_(T)
#endif
#define GORT_WEAK_ __attribute__((weak, visibility("hidden")))

#define GORT_TYPE_METHOD_(T, method, fn)                                                           \
    GORT_C_ GORT_WEAK_ const char *gort_##method##_##T(const void *v);                             \
    GORT_WEAK_ const char *gort_##method##_##T(const void *v)                                      \
    {                                                                                              \
        return fn((const T *)v);                                                                   \
    }

#define GORT_TYPE_HEAD_(T)                                                                         \
    GORT_C_ const gort_type gort_type_##T GORT_SYMBOL_(T) GORT_WEAK_;                              \
    GORT_C_ GORT_WEAK_ const char *gort_Error_##T(const void *v);                                  \
    GORT_C_ GORT_WEAK_ const char *gort_String_##T(const void *v);                                 \
    static const gort_string gort_name_##T = {#T, sizeof #T - 1};                                  \
    static const struct gort_method gort_methods_##T[2] = {                                        \
        {&gort_text_Error, NULL, &gort_type_text_method, NULL, (void (*)(void))gort_Error_##T},    \
        {&gort_text_String, NULL, &gort_type_text_method, NULL, (void (*)(void))gort_String_##T}}; \
    static const struct gort_uncommon gort_uncommon_##T = {&gort_name_##T, &gort_text_package,     \
                                                           gort_methods_##T, 2, 2};

#define GORT_TYPE_TAIL_(T, ptrdata, mask)                                                          \
    const gort_type gort_type_##T =                                                                \
        GORT_TYPE_INIT(T, #T, ptrdata, mask, &gort_name_##T, &gort_uncommon_##T);

#define GORT_TYPE_INIT(T, text, ptrdata, mask, name, uncommon)                                     \
    {                                                                                              \
        sizeof(T), (ptrdata), GORT_HASH_(text, sizeof(T)), GORT_TFLAG_(GORT_KIND_OF(T)),           \
            (uint8_t) __alignof__(T), (uint8_t) __alignof__(T),                                    \
            (uint8_t)(GORT_KIND_OF(T) |                                                            \
                      (GORT_KIND_OF(T) == GORT_KIND_PTR ||                                         \
                               GORT_KIND_OF(T) == GORT_KIND_UNSAFE_POINTER                         \
                           ? GORT_KIND_DIRECT                                                      \
                           : 0) |                                                                  \
                      ((ptrdata) == 0 ? GORT_KIND_NO_POINTERS : 0)),                               \
            NULL, (mask), (name), (uncommon), NULL                                                 \
    }

/* Mixes size and name; a compile-time constant. */
#define GORT_HASH_(text, size)                                                                     \
    (((uint32_t)(size)*0x9e3779b1u + (uint32_t)(sizeof(text)) * 0x85ebca6bu) ^                     \
     (uint32_t)(unsigned char)(text)[0] * 0xc2b2ae35u ^                                            \
     (uint32_t)(unsigned char)(text)[(sizeof(text) - 1) / 2] * 0x27d4eb2fu ^                       \
     (uint32_t)(unsigned char)(text)[sizeof(text) < 3 ? 0 : sizeof(text) - 3] * 0x165667b1u)

#define GORT_TFLAG_(kind)                                                                          \
    (uint8_t)((kind) <= GORT_KIND_UINTPTR || (kind) == GORT_KIND_PTR ||                            \
                      (kind) == GORT_KIND_UNSAFE_POINTER                                           \
                  ? GORT_TFLAG_MEMORY                                                              \
                  : 0)

/* What an undescribed `T` may hold: numbers hold no pointer, of anything else nobody knows. */
#define GORT_SCALAR_PTRDATA_(T) (GORT_KIND_OF(T) <= GORT_KIND_COMPLEX128 ? (size_t)0 : sizeof(T))

/* The kind of `T`, a constant. The unnamed rest (long double, unions, ...) passes for a struct. */
#ifdef __cplusplus
extern "C++" {
template <class T> struct gort_kind_of {
    static constexpr int of_enum = sizeof(T) == 1   ? GORT_KIND_UINT8
                                   : sizeof(T) == 2 ? GORT_KIND_UINT16
                                   : sizeof(T) == 4 ? GORT_KIND_UINT32
                                                    : GORT_KIND_UINT64;
    static constexpr int value = __is_enum(T) ? of_enum : GORT_KIND_STRUCT;
};
template <class T> struct gort_kind_of<T *> {
    static constexpr int value = GORT_KIND_PTR;
};
#define GORT_KIND_IS_(type, kind)                                                                  \
    template <> struct gort_kind_of<type> {                                                        \
        static constexpr int value = kind;                                                         \
    };
GORT_KIND_IS_(bool, GORT_KIND_BOOL)
GORT_KIND_IS_(char, char(-1) < 0 ? GORT_KIND_INT8 : GORT_KIND_UINT8)
GORT_KIND_IS_(signed char, GORT_KIND_INT8)
GORT_KIND_IS_(unsigned char, GORT_KIND_UINT8)
GORT_KIND_IS_(short, GORT_KIND_INT16)
GORT_KIND_IS_(unsigned short, GORT_KIND_UINT16)
GORT_KIND_IS_(int, GORT_KIND_INT32)
GORT_KIND_IS_(unsigned, GORT_KIND_UINT32)
GORT_KIND_IS_(long, sizeof(long) == 8 ? GORT_KIND_INT64 : GORT_KIND_INT32)
GORT_KIND_IS_(unsigned long, sizeof(long) == 8 ? GORT_KIND_UINT64 : GORT_KIND_UINT32)
GORT_KIND_IS_(long long, GORT_KIND_INT64)
GORT_KIND_IS_(unsigned long long, GORT_KIND_UINT64)
GORT_KIND_IS_(float, GORT_KIND_FLOAT32)
GORT_KIND_IS_(double, GORT_KIND_FLOAT64)
GORT_KIND_IS_(void *, GORT_KIND_UNSAFE_POINTER)
GORT_KIND_IS_(gort_string, GORT_KIND_STRING)
#undef GORT_KIND_IS_
}
#define GORT_KIND_OF(T) (gort_kind_of<T>::value)
#else
#define GORT_KIND_OF(T)                                                                            \
    _Generic(*(T *)0,                                                                              \
        _Bool: GORT_KIND_BOOL,                                                                     \
        char: (char)-1 < 0 ? GORT_KIND_INT8 : GORT_KIND_UINT8,                                     \
        signed char: GORT_KIND_INT8,                                                               \
        unsigned char: GORT_KIND_UINT8,                                                            \
        short: GORT_KIND_INT16,                                                                    \
        unsigned short: GORT_KIND_UINT16,                                                          \
        int: GORT_KIND_INT32,                                                                      \
        unsigned: GORT_KIND_UINT32,                                                                \
        long: sizeof(long) == 8 ? GORT_KIND_INT64 : GORT_KIND_INT32,                               \
        unsigned long: sizeof(long) == 8 ? GORT_KIND_UINT64 : GORT_KIND_UINT32,                    \
        long long: GORT_KIND_INT64,                                                                \
        unsigned long long: GORT_KIND_UINT64,                                                      \
        float: GORT_KIND_FLOAT32,                                                                  \
        double: GORT_KIND_FLOAT64,                                                                 \
        float _Complex: GORT_KIND_COMPLEX64,                                                       \
        double _Complex: GORT_KIND_COMPLEX128,                                                     \
        void *: GORT_KIND_UNSAFE_POINTER,                                                          \
        const void *: GORT_KIND_UNSAFE_POINTER,                                                    \
        gort_string: GORT_KIND_STRING,                                                             \
        default: __builtin_classify_type(*(T *)0) == 5 && sizeof(T) == sizeof(void *)              \
            ? GORT_KIND_PTR                                                                        \
            : GORT_KIND_STRUCT)
#endif

/* A member for each field, as long as the type up to the end of the field's last word. */
#define GORT_END_(T, i, f) char end##i[(offsetof(T, f) + sizeof(((T *)0)->f) + 7) & ~(size_t)7];

/* The bits of words [64 k, 64 k + 64) of the mask. */
#define GORT_MASK_(T, k, ...) GORT_EACH_(GORT_BITS_##k##_, T, __VA_ARGS__) UINT64_C(0)
#define GORT_BITS_0_(T, i, f) GORT_BITS_(T, 0, f) |
#define GORT_BITS_1_(T, i, f) GORT_BITS_(T, 64, f) |
#define GORT_BITS_2_(T, i, f) GORT_BITS_(T, 128, f) |
#define GORT_BITS_3_(T, i, f) GORT_BITS_(T, 192, f) |
#define GORT_BITS_4_(T, i, f) GORT_BITS_(T, 256, f) |
#define GORT_BITS_5_(T, i, f) GORT_BITS_(T, 320, f) |
#define GORT_BITS_6_(T, i, f) GORT_BITS_(T, 384, f) |
#define GORT_BITS_7_(T, i, f) GORT_BITS_(T, 448, f) |
#define GORT_BITS_(T, first, f)                                                                    \
    (GORT_LOW_((int64_t)((offsetof(T, f) + sizeof(((T *)0)->f) + 7) / 8) - (first)) &              \
     ~GORT_LOW_((int64_t)(offsetof(T, f) / 8) - (first)))
/* The lowest n bits, for any n. */
#define GORT_LOW_(n)                                                                               \
    ((n) <= 0 ? UINT64_C(0) : (n) >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << ((n)&63)) - 1)

/* M(T, i, f) for each of up to 16 fields. */
#define GORT_EACH_(M, T, ...)                                                                      \
    GORT_PICK_(__VA_ARGS__, GORT_EACH16_, GORT_EACH15_, GORT_EACH14_, GORT_EACH13_, GORT_EACH12_,  \
               GORT_EACH11_, GORT_EACH10_, GORT_EACH9_, GORT_EACH8_, GORT_EACH7_, GORT_EACH6_,     \
               GORT_EACH5_, GORT_EACH4_, GORT_EACH3_, GORT_EACH2_, GORT_EACH1_, )                  \
    (M, T, __VA_ARGS__)
#define GORT_PICK_(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, each, ...) each
#define GORT_EACH1_(M, T, f)                                                  M(T, 1, f)
#define GORT_EACH2_(M, T, f, ...)                                             M(T, 2, f) GORT_EACH1_(M, T, __VA_ARGS__)
#define GORT_EACH3_(M, T, f, ...)                                             M(T, 3, f) GORT_EACH2_(M, T, __VA_ARGS__)
#define GORT_EACH4_(M, T, f, ...)                                             M(T, 4, f) GORT_EACH3_(M, T, __VA_ARGS__)
#define GORT_EACH5_(M, T, f, ...)                                             M(T, 5, f) GORT_EACH4_(M, T, __VA_ARGS__)
#define GORT_EACH6_(M, T, f, ...)                                             M(T, 6, f) GORT_EACH5_(M, T, __VA_ARGS__)
#define GORT_EACH7_(M, T, f, ...)                                             M(T, 7, f) GORT_EACH6_(M, T, __VA_ARGS__)
#define GORT_EACH8_(M, T, f, ...)                                             M(T, 8, f) GORT_EACH7_(M, T, __VA_ARGS__)
#define GORT_EACH9_(M, T, f, ...)                                             M(T, 9, f) GORT_EACH8_(M, T, __VA_ARGS__)
#define GORT_EACH10_(M, T, f, ...)                                            M(T, 10, f) GORT_EACH9_(M, T, __VA_ARGS__)
#define GORT_EACH11_(M, T, f, ...)                                            M(T, 11, f) GORT_EACH10_(M, T, __VA_ARGS__)
#define GORT_EACH12_(M, T, f, ...)                                            M(T, 12, f) GORT_EACH11_(M, T, __VA_ARGS__)
#define GORT_EACH13_(M, T, f, ...)                                            M(T, 13, f) GORT_EACH12_(M, T, __VA_ARGS__)
#define GORT_EACH14_(M, T, f, ...)                                            M(T, 14, f) GORT_EACH13_(M, T, __VA_ARGS__)
#define GORT_EACH15_(M, T, f, ...)                                            M(T, 15, f) GORT_EACH14_(M, T, __VA_ARGS__)
#define GORT_EACH16_(M, T, f, ...)                                            M(T, 16, f) GORT_EACH15_(M, T, __VA_ARGS__)

#endif
