/* json.h: JSON as values on the collected heap, for json.c.
 *
 * json_parse makes a tree of values; nobody frees it, nor the beginnings of one whose text turns out to be
 * malformed. Strings are decoded to UTF-8; numbers keep the digits they were written with.
 */
#ifndef JSON_H
#define JSON_H

#include <gort.h>

#include <stdlib.h>
#include <string.h>

typedef struct value value;
struct value {
    char kind;            /* one of { [ " t f n, or 0 for a number */
    uint32_t count, room; /* items, or bytes of text */
    union {
        char *text;    /* of a string, decoded; else as it was written */
        value **items; /* in an object each member's name, then its value */
    };
    uint32_t *index; /* of an object: a hash table with `room` slots of a name's position + 1 */
};
GORT_TYPE(value, text, index)

typedef struct {
    const char *begin, *at, *end; /* a NUL is behind the last character */
    const char *wrong;            /* what is malformed at `at` */
    int depth;
} json_parser;

enum { JSON_DEEPEST = 1000 };

static value *json_parse(json_parser *p);

/* ---- values */

static value *json_text(char kind, const char *from, size_t len)
{
    value *v = gort_new(value);
    v->kind = kind;
    v->text = memcpy(gort_alloc_noscan(len + 1), from, len);
    v->count = (uint32_t)len;
    return v;
}

/* The slot of a member's name, or the free one where it belongs. */
static uint32_t *json_slot(const value *object, const value *name)
{
    uint32_t hash = 2166136261u;
    for (uint32_t i = 0; i < name->count; i++)
        hash = (hash ^ (unsigned char)name->text[i]) * 16777619u;
    for (;; hash++) {
        uint32_t *slot = &object->index[hash % object->room];
        if (*slot == 0)
            return slot;
        const value *other = object->items[*slot - 1];
        if (other->count == name->count && memcmp(other->text, name->text, name->count) == 0)
            return slot;
    }
}

static void json_add(value *v, value *item)
{
    if (v->count == v->room) {
        v->room = v->room == 0 ? 4 : 2 * v->room;
        value **items = gort_alloc(v->room * sizeof(value *)); /* every word may be a pointer */
        v->items = v->count == 0 ? items : memcpy(items, v->items, v->count * sizeof(value *));
        if (v->kind == '{') {
            v->index = gort_alloc_noscan(v->room * sizeof(uint32_t));
            for (uint32_t i = 0; i < v->count; i += 2)
                *json_slot(v, v->items[i]) = i + 1;
        }
    }
    v->items[v->count++] = item;
}

/* Of several members with one name the last one counts. */
static void json_add_member(value *object, value *name, value *item)
{
    uint32_t *slot = object->count > 0 ? json_slot(object, name) : NULL;
    if (slot != NULL && *slot != 0) {
        object->items[*slot] = item;
        return;
    }
    json_add(object, name);
    *json_slot(object, name) = object->count;
    json_add(object, item);
}

/* ---- characters */

static value *json_fail(json_parser *p, const char *wrong)
{
    p->wrong = wrong;
    return NULL;
}

/* Steps over blanks, and over `c` if that comes next. */
static bool json_take(json_parser *p, char c)
{
    p->at += strspn(p->at, " \t\r\n");
    if (*p->at != c)
        return false;
    p->at++;
    return true;
}

/* The character of UTF-8 at *at, and steps over it; -1 if it is malformed. */
static int json_get(const char **at)
{
    static const int least[] = {0, 0x80, 0x800, 0x10000};
    const unsigned char *s = (const unsigned char *)*at;
    int more = s[0] < 0x80 ? 0 : s[0] < 0xe0 ? 1 : s[0] < 0xf0 ? 2 : 3;
    int c = more == 0 ? s[0] : s[0] & (0x3f >> more);
    for (int i = 1; i <= more; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return -1;
        c = c << 6 | (s[i] & 0x3f);
    }
    if ((s[0] & 0xc0) == 0x80 || s[0] >= 0xf8 || c < least[more] || c > 0x10ffff)
        return -1;
    *at += more + 1;
    return c;
}

static char *json_put(char *out, int c)
{
    static const unsigned char first[] = {0, 0xc0, 0xe0, 0xf0};
    int more = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    *out++ = (char)(first[more] | c >> 6 * more);
    while (more-- > 0)
        *out++ = (char)(0x80 | (c >> 6 * more & 0x3f));
    return out;
}

/* The number of \uXXXX, or -1. */
static int json_unit(const char *s)
{
    if (s[0] != '\\' || s[1] != 'u')
        return -1;
    char hex[5] = {s[2], s[2] ? s[3] : 0, s[2] && s[3] ? s[4] : 0, 0, 0};
    hex[3] = hex[2] ? s[5] : 0;
    return strspn(hex, "0123456789abcdefABCDEF") == 4 ? (int)strtol(hex, NULL, 16) : -1;
}

/* What an escape means, and steps over it; -1 if JSON has none such. */
static int json_escape(const char **at)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *s = *at, *f = s[1] == 0 ? NULL : strchr(from, s[1]);
    int c = f != NULL ? to[f - from] : json_unit(s);
    *at += f != NULL ? 2 : c >= 0 ? 6 : 0;
    if (c >> 10 != 0xd800 >> 10 || json_unit(*at) >> 10 != 0xdc00 >> 10)
        return c; /* maybe half of a pair: its other half is not there */
    int low = json_unit(*at);
    *at += 6;
    return 0x10000 + ((c & 0x3ff) << 10) + (low & 0x3ff);
}

/* ---- parsing */

static value *json_string(json_parser *p)
{
    const char *close = p->at;
    while (close < p->end && *close != '"')
        close += 1 + (*close == '\\');
    if (close >= p->end)
        return json_fail(p, "this string has no end");
    value *v = json_text('"', "", 0);
    char *out = v->text = gort_alloc_noscan((size_t)(close - p->at) + 1); /* no escape is shorter */
    while (p->at < close) {
        bool escaped = *p->at == '\\';
        const char *start = p->at;
        int c = escaped ? json_escape(&p->at) : json_get(&p->at);
        bool half = !escaped && c >= 0xd800 && c < 0xe000;
        if (c < 0 || half || (!escaped && c < ' ')) {
            p->at = start;
            return json_fail(p, escaped           ? "no escape of JSON"
                                : c >= 0 && !half ? "a control character"
                                                  : "no UTF-8");
        }
        out = json_put(out, c);
    }
    v->count = (uint32_t)(out - v->text);
    p->at++;
    return v;
}

static bool json_digits(json_parser *p)
{
    size_t n = strspn(p->at, "0123456789");
    p->at += n;
    return n > 0;
}

static value *json_number(json_parser *p)
{
    const char *start = p->at;
    p->at += *p->at == '-';
    bool good = *p->at == '0' ? (p->at++, true) : json_digits(p);
    if (good && *p->at == '.')
        good = (p->at++, json_digits(p));
    if (good && (*p->at == 'e' || *p->at == 'E')) {
        p->at += 1 + (p->at[1] == '+' || p->at[1] == '-');
        good = json_digits(p);
    }
    if (!good)
        return json_fail(p, p->at == start ? "a value should be here" : "a digit should be here");
    return json_text(0, start, (size_t)(p->at - start));
}

static value *json_container(json_parser *p, char kind, char last)
{
    value *v = gort_new(value);
    v->kind = kind;
    if (++p->depth > JSON_DEEPEST)
        return json_fail(p, "nested too deeply");
    for (bool first = true; !json_take(p, last); first = false) {
        if (!first && !json_take(p, ','))
            return json_fail(p, kind == '{' ? "a comma or } should be here"
                                            : "a comma or ] should be here");
        value *name = NULL;
        if (kind == '{') {
            if (!json_take(p, '"'))
                return json_fail(p, "a name in quotes should be here");
            if ((name = json_string(p)) == NULL)
                return NULL;
            if (!json_take(p, ':'))
                return json_fail(p, "a colon should be here");
        }
        value *item = json_parse(p);
        if (item == NULL)
            return NULL;
        name != NULL ? json_add_member(v, name, item) : json_add(v, item);
    }
    p->depth--;
    return v;
}

/* A value with what is in it; NULL, with p->wrong, if it is malformed. */
static value *json_parse(json_parser *p)
{
    static const char *const words[] = {"true", "false", "null"};
    for (int i = 0; i < 3; i++) {
        size_t len = strlen(words[i]);
        p->at += strspn(p->at, " \t\r\n");
        if (strncmp(p->at, words[i], len) == 0) {
            p->at += len;
            return json_text(words[i][0], words[i], len);
        }
    }
    return json_take(p, '{')   ? json_container(p, '{', '}')
           : json_take(p, '[') ? json_container(p, '[', ']')
           : json_take(p, '"') ? json_string(p)
                               : json_number(p);
}

/* All of a text: one value, and nothing behind it. */
static value *json_parse_text(json_parser *p, const char *text, size_t len)
{
    *p = (json_parser){.begin = text, .at = text, .end = text + len};
    value *v = json_parse(p);
    p->at += v != NULL ? strspn(p->at, " \t\r\n") : 0;
    return v != NULL && p->at < p->end ? json_fail(p, "something is behind the value") : v;
}

#endif
