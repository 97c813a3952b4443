/* types_test.c: what the macros of gort/type.h compute. */
#include <criterion/criterion.h>

#include "lang/any.h"

#include <stddef.h>
#include <string.h>

typedef struct node {
    struct node *next;
    int n;
    char *name;
    struct {
        long a;
        void *p;
    } in;
    void *arr[3];
} node;
GORT_TYPE(node, next, name, in.p, arr)

typedef struct {
    char pad[800];
    void *p;
    char more[3000];
    void *q;
} big;
GORT_TYPE(big, p, q)

typedef struct {
    char pad[8000];
    void *p;
} huge;
GORT_TYPE(huge, p)

typedef struct {
    void *f[17];
} many;
GORT_TYPE(many, f[0], f[1], f[2], f[3], f[4], f[5], f[6], f[7], f[8], f[9], f[10], f[11], f[12],
          f[13], f[14], f[16])

typedef struct {
    void *words[130];
} wide;
GORT_TYPE(wide, words)

typedef struct {
    int x, y;
} point;
GORT_TYPE_NOSCAN(point)

typedef enum { RED, GREEN } colour;
GORT_TYPE_NOSCAN(colour)
typedef void *ptr;

static bool bit(const gort_type *t, size_t byte)
{
    return t->gcdata[byte / 64] >> (byte / 8 % 8) & 1;
}

Test(types, mask_names_the_pointer_fields)
{
    const gort_type *t = gort_typeof(node);
    cr_assert(t->size == sizeof(node) && t->ptrdata == sizeof(node));
    for (size_t at = 0; at < sizeof(node); at += 8)
        cr_expect(bit(t, at) == (at != offsetof(node, n) && at != offsetof(node, in.a)), "%zu", at);
    cr_expect(t->string->len == 4 && memcmp(t->string->ptr, "node", 4) == 0);
    cr_expect((t->kind & GORT_KIND_MASK) == GORT_KIND_STRUCT);
    cr_expect((t->kind & GORT_KIND_NO_POINTERS) == 0);
}

Test(types, mask_reaches_4_kib_and_then_gives_up)
{
    const gort_type *t = gort_typeof(big);
    for (size_t at = 0; at < t->ptrdata; at += 8)
        cr_expect(bit(t, at) == (at == offsetof(big, p) || at == offsetof(big, q)), "%zu", at);
    t = gort_typeof(huge);
    cr_expect(t->gcdata == NULL && t->ptrdata == sizeof(huge));
}

Test(types, sixteen_fields_and_arrays_over_several_mask_words)
{
    const gort_type *t = gort_typeof(many);
    cr_expect(t->gcdata[0] == 0xff && t->gcdata[1] == 0x7f && t->gcdata[2] == 1);
    t = gort_typeof(wide);
    for (size_t i = 0; i < 16; i++)
        cr_expect(t->gcdata[i] == 0xff);
    cr_expect(t->gcdata[16] == 3 && t->ptrdata == sizeof(wide));
}

Test(types, without_pointers)
{
    const gort_type *t = gort_typeof(point);
    cr_expect(t->ptrdata == 0 && t->gcdata == NULL && (t->kind & GORT_KIND_NO_POINTERS));
    cr_expect((gort_typeof(colour)->kind & GORT_KIND_MASK) == GORT_KIND_UINT32);
}

Test(types, undescribed_is_null_but_has_a_name)
{
    typedef struct {
        long a;
    } stranger;
    cr_expect(gort_typeof(stranger) == NULL);
    const gort_type *t = gort_typeof_or_name(stranger);
    cr_expect(t->size == 8 && t->string->len == 8 && t->ptrdata == 8 && t->gcdata == NULL);
    t = gort_typeof_or_name(ptr);
    cr_expect((t->kind & GORT_KIND_MASK) == GORT_KIND_UNSAFE_POINTER);
    cr_expect((t->kind & GORT_KIND_DIRECT) != 0);
}

Test(types, basic_types_are_there)
{
    cr_expect(gort_typeof(int)->size == 4 && gort_typeof(int)->uncommon == NULL);
    cr_expect(gort_typeof(bool) != NULL && gort_typeof(_Bool) == gort_typeof(bool));
    cr_expect((gort_typeof(double)->kind & GORT_KIND_MASK) == GORT_KIND_FLOAT64);
    cr_expect((gort_typeof(size_t)->kind & GORT_KIND_MASK) == GORT_KIND_UINT64);
    cr_expect(gort_typeof(gort_string)->ptrdata == 8);
    cr_expect(gort_typeof(gort_any)->ptrdata == 16);
}

Test(types, identity_is_size_kind_and_name)
{
    gort_type copy = *gort_typeof(int);
    static const gort_string name = {"int", 3};
    copy.string = &name;
    cr_expect(gort_type_same(&copy, gort_typeof(int)));
    cr_expect(!gort_type_same(gort_typeof(int), gort_typeof(unsigned)));
    cr_expect(!gort_type_same(gort_typeof(int), NULL));
    cr_expect(gort_type_same(NULL, NULL));
    copy.size = 8;
    cr_expect(!gort_type_same(&copy, gort_typeof(int)));
}

Test(types, layout_is_that_of_gccgo)
{
    cr_expect(sizeof(gort_type) == 64 && offsetof(gort_type, kind) == 23);
    cr_expect(offsetof(gort_type, gcdata) == 32 && offsetof(gort_type, uncommon) == 48);
    cr_expect(sizeof(struct gort_uncommon) == 40 && sizeof(struct gort_method) == 40);
}
