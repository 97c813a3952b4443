/* types.c: descriptors of the basic types, and questions about descriptors.
 *
 * Owns    gort_type_int and its like: what gort_typeof finds for types that the program did not
 *         describe itself. They have no `uncommon`, which makes them predeclared: their values
 *         print as 42, not as int(42).
 * Holds   1. The library itself reaches the exported descriptors through their symbols, so that a program
 *            that copied one into its own data shares it.
 * Locks   none: constants.
 */
#include "lang/any.h"

#include "base/fmt.h"

#include <string.h>
#include <sys/types.h>
#include <time.h>

const gort_string gort_text_Error = {"Error", 5};
const gort_string gort_text_String = {"String", 6};
const gort_string gort_text_package = {"", 0};

static const gort_string text_method_name = {"func() *char", 12};
const gort_type gort_type_text_method = {
    .size = sizeof(void *),
    .ptrdata = sizeof(void *),
    .hash = 0x7e57f00d,
    .align = sizeof(void *),
    .field_align = sizeof(void *),
    .kind = GORT_KIND_FUNC | GORT_KIND_DIRECT,
    .string = &text_method_name,
};

#define BASIC(T)                                                                                   \
    GORT_API extern const gort_type gort_type_##T;                                                 \
    static const gort_string name_##T = {#T, sizeof #T - 1};                                       \
    const gort_type gort_type_##T = GORT_TYPE_INIT(T, #T, 0, NULL, &name_##T, NULL);

#undef bool
typedef _Bool bool;
BASIC(bool)
BASIC(char)
BASIC(short)
BASIC(int)
BASIC(long)
BASIC(unsigned)
BASIC(float)
BASIC(double)
BASIC(int8_t)
BASIC(int16_t)
BASIC(int32_t)
BASIC(int64_t)
BASIC(uint8_t)
BASIC(uint16_t)
BASIC(uint32_t)
BASIC(uint64_t)
BASIC(intptr_t)
BASIC(uintptr_t)
BASIC(intmax_t)
BASIC(uintmax_t)
BASIC(size_t)
BASIC(ssize_t)
BASIC(ptrdiff_t)
BASIC(off_t)
BASIC(pid_t)
BASIC(time_t)

/* <stdbool.h> makes `bool` a macro: inside other macros the type is called _Bool. */
GORT_API extern const gort_type gort_type__Bool __attribute__((alias("gort_type_bool")));

static const uint8_t first_word[] = {1}, two_words[] = {3};

static const gort_string name_string = {"string", 6};
const gort_type gort_type_gort_string = {
    .size = sizeof(gort_string),
    .ptrdata = sizeof(void *),
    .hash = 0x5712139b,
    .align = sizeof(void *),
    .field_align = sizeof(void *),
    .kind = GORT_KIND_STRING,
    .gcdata = first_word,
    .string = &name_string,
};

static const gort_string name_any = {"interface {}", 12};
const gort_type gort_type_gort_any = {
    .size = sizeof(gort_any),
    .ptrdata = sizeof(gort_any),
    .hash = 0x1f4ce001,
    .align = sizeof(void *),
    .field_align = sizeof(void *),
    .kind = GORT_KIND_INTERFACE,
    .gcdata = two_words,
    .string = &name_any,
};

static bool same_text(const gort_string *a, const gort_string *b)
{
    return a == b || (a->len == b->len && memcmp(a->ptr, b->ptr, a->len) == 0);
}

bool gort_type_same(const gort_type *a, const gort_type *b)
{
    if (a == b)
        return true;
    if (a == NULL || b == NULL)
        return false;
    return a->size == b->size && ((a->kind ^ b->kind) & GORT_KIND_MASK) == 0 &&
           same_text(a->string, b->string);
}

static const struct gort_method *find_method(const gort_type *t, const char *name)
{
    const struct gort_uncommon *u = t->uncommon;
    size_t len = strlen(name);
    for (uintptr_t i = 0; u != NULL && i < u->nmethods; i++) {
        const struct gort_method *m = &u->methods[i];
        if (m->code != NULL && m->name->len == len && memcmp(m->name->ptr, name, len) == 0)
            return m;
    }
    return NULL;
}

text_method type_text_method(const gort_type *t, const char *name)
{
    const struct gort_method *m = find_method(t, name);
    if (m == NULL || m->mtype != &gort_type_text_method)
        return NULL;
    return (text_method)(void *)m->code;
}

bool type_has_method(const gort_type *t, const char *name)
{
    return find_method(t, name) != NULL;
}

void type_print_name(struct out *o, const gort_type *t)
{
    const gort_string *s = t->string;
    bool quoted = false;
    for (size_t i = 0; i < s->len; i++) {
        if (s->ptr[i] == '\t')
            quoted = !quoted;
        else if (!quoted)
            out_char(o, s->ptr[i]);
    }
}
