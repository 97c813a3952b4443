/* any.c: values that know their type.
 *
 * Owns    boxes: a copy of the value on the collected heap, never written again.
 * Holds   1. The data word of a type whose kind has GORT_KIND_DIRECT is the value.
 *         2. A text that the library makes is one pointer-free object: a gort_string, what else the
 *            type has, and the bytes, to which the string points from inside; a NUL ends them.
 * Locks   none.
 */
#include "lang/any.h"

#include "base/fmt.h"
#include "gc/gc.h"
#include "panic/panic.h"
#include "sched/sched.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char nothing[1]; /* what a value of no size points to */

/* A type that nobody described, or not to the end. */
static bool pointers_unknown(const gort_type *t)
{
    return t->ptrdata != 0 && t->gcdata == NULL;
}

gort_any gort_box_value(const gort_type *t, const void *value)
{
    gort_any v = {t, nothing};
    if (t->kind & GORT_KIND_DIRECT) {
        memcpy(&v.data, value, sizeof v.data);
        return v;
    }
    if (t->size == 0)
        return v;
    m_enter();
    void *box = pointers_unknown(t) ? gc_alloc(t->size, OBJ_CONSERVATIVE) : gc_alloc_type(t, 1);
    m_leave(self());
    memcpy(box, value, t->size);
    v.data = box;
    return v;
}

bool gort_assert_value_ok(gort_any v, const gort_type *want, void *out)
{
    if (!gort_type_same(v.type, want)) {
        memset(out, 0, want->size);
        return false;
    }
    memcpy(out, any_value(&v), want->size);
    return true;
}

void gort_assert_value(gort_any v, const gort_type *want, void *out)
{
    if (!gort_assert_value_ok(v, want, out))
        panic_type_assert(&gort_type_gort_any, v.type, want, NULL);
}

/* ---- texts */

void *any_new_text(const char *text, size_t len, size_t bytes)
{
    m_enter();
    char *box = gc_alloc(bytes + len + 1, OBJ_NOSCAN);
    m_leave(self());
    memcpy(box + bytes, text, len);
    box[bytes + len] = '\0';
    *(gort_string *)(void *)box = (gort_string){box + bytes, len};
    return box;
}

gort_any gort_any_string(const char *text)
{
    if (text == NULL)
        text = "";
    return (gort_any){&gort_type_gort_string,
                      any_new_text(text, strlen(text), sizeof(gort_string))};
}

const char *gort_error_string(gort_any v)
{
    if (v.type == NULL)
        return NULL;
    text_method code = type_text_method(v.type, "Error");
    if (code == NULL)
        code = type_text_method(v.type, "String");
    return code == NULL ? NULL : code(any_value(&v));
}

static const gort_string name_of_error = {"error", 5};
static const gort_type type_error = {
    .size = sizeof(gort_any),
    .ptrdata = sizeof(gort_any),
    .kind = GORT_KIND_INTERFACE,
    .string = &name_of_error,
};

const char *gort_assert_error(gort_any v)
{
    text_method code = v.type == NULL ? NULL : type_text_method(v.type, "Error");
    if (code == NULL)
        panic_type_assert(NULL, v.type, &type_error, v.type == NULL ? NULL : "Error");
    return code(any_value(&v));
}

/* ---- printing */

static int64_t read_int(const void *p, size_t size)
{
    int8_t b;
    int16_t h;
    int32_t w;
    int64_t x;
    switch (size) {
    case 1:
        memcpy(&b, p, 1);
        return b;
    case 2:
        memcpy(&h, p, 2);
        return h;
    case 4:
        memcpy(&w, p, 4);
        return w;
    default:
        memcpy(&x, p, 8);
        return x;
    }
}

static uint64_t read_uint(const void *p, size_t size)
{
    uint64_t x = (uint64_t)read_int(p, size);
    return size >= 8 ? x : x & ((1ull << (8 * size)) - 1);
}

static double read_float(const void *p, size_t size)
{
    float f;
    double d;
    if (size == sizeof f) {
        memcpy(&f, p, sizeof f);
        return (double)f;
    }
    memcpy(&d, p, sizeof d);
    return d;
}

/* Real and imaginary part, each with its sign. */
static void print_complex(struct out *o, const char *p, size_t size)
{
    out_float(o, read_float(p, size / 2));
    out_float(o, read_float(p + size / 2, size / 2));
    out_char(o, 'i');
}

static void print_string(struct out *o, const gort_string *s, bool quoted)
{
    if (quoted)
        out_char(o, '"');
    out_bytes(o, s->ptr, s->len);
    if (quoted)
        out_char(o, '"');
}

/* False: a kind that Go prints as an address. */
static bool print_basic(struct out *o, const gort_type *t, const void *p, bool named)
{
    unsigned kind = t->kind & GORT_KIND_MASK;
    if (kind == GORT_KIND_BOOL)
        out_str(o, *(const uint8_t *)p ? "true" : "false");
    else if (kind >= GORT_KIND_INT && kind <= GORT_KIND_INT64)
        out_int(o, read_int(p, t->size));
    else if (kind >= GORT_KIND_UINT && kind <= GORT_KIND_UINTPTR)
        out_uint(o, read_uint(p, t->size));
    else if (kind == GORT_KIND_FLOAT32 || kind == GORT_KIND_FLOAT64)
        out_float(o, read_float(p, t->size));
    else if (kind == GORT_KIND_COMPLEX64 || kind == GORT_KIND_COMPLEX128)
        print_complex(o, p, t->size);
    else if (kind == GORT_KIND_STRING)
        print_string(o, p, named);
    else
        return false;
    return true;
}

static bool is_basic(const gort_type *t)
{
    unsigned kind = t->kind & GORT_KIND_MASK;
    return (kind >= GORT_KIND_BOOL && kind <= GORT_KIND_COMPLEX128) || kind == GORT_KIND_STRING;
}

static bool is_complex(const gort_type *t)
{
    unsigned kind = t->kind & GORT_KIND_MASK;
    return kind == GORT_KIND_COMPLEX64 || kind == GORT_KIND_COMPLEX128;
}

void any_print(struct out *o, gort_any v)
{
    if (v.type == NULL) {
        out_str(o, "nil");
        return;
    }
    bool named = v.type->uncommon != NULL && v.type->uncommon->pkg_path != NULL;
    bool parens = named || is_complex(v.type); /* one pair only, also for a named complex */
    if (!is_basic(v.type)) {
        out_char(o, '(');
        type_print_name(o, v.type);
        out_str(o, ") ");
        out_hex(o, (uintptr_t)v.data);
        return;
    }
    if (named)
        type_print_name(o, v.type);
    if (parens)
        out_char(o, '(');
    print_basic(o, v.type, any_value(&v), named);
    if (parens)
        out_char(o, ')');
}
