/* any.h: values with a type, as panics carry and print them, and descriptors of the basic types. */
#ifndef LANG_ANY_H
#define LANG_ANY_H

#include "base/attr.h"

#include <gort/any.h>

struct out;

/* ---- types.c */
GORT_API extern const gort_type gort_type_gort_string; /* Go's string */
GORT_API extern const gort_type gort_type_gort_any;    /* Go's interface {} */
/* The code of a method without parameters that returns a C text; NULL if `t` has none. */
typedef const char *(*text_method)(const void *value);
text_method type_text_method(const gort_type *t, const char *name);
bool type_has_method(const gort_type *t, const char *name);
/* Without the parts between tabs. */
void type_print_name(struct out *o, const gort_type *t);

/* ---- any.c */
/* Where the value is: `data` of a pointer is the value itself. */
static inline const void *any_value(const gort_any *v)
{
    return v->type->kind & GORT_KIND_DIRECT ? (const void *)&v->data : v->data;
}
/* A value of type `t`, which begins with a gort_string: a copy of `text`, and zeros up to `bytes`.
 */
void *any_new_text(const char *text, size_t len, size_t bytes);
/* As Go's print of a panic value that is neither error nor Stringer. */
void any_print(struct out *o, gort_any v);

#endif
