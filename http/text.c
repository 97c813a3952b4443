/* text.c: text that grows, and what other languages must be told by escapes.
 *
 * Owns    struct text.
 * Holds   1. Names of functions and files, labels and arguments may hold any bytes. What leaves here is
 *            UTF-8, and means nothing but itself where it is put.
 */
#include "http_int.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool text_room(struct text *t, size_t more)
{
    if (t->failed || more > SIZE_MAX / 4 - t->len)
        t->failed = true;
    if (t->failed || t->len + more <= t->room)
        return !t->failed;
    size_t room = t->room < 512 ? 1024 : t->room * 2;
    while (room < t->len + more)
        room *= 2;
    char *p = realloc(t->p, room);
    if (p == NULL) {
        t->failed = true;
        return false;
    }
    t->p = p;
    t->room = room;
    return true;
}

void text_bytes(struct text *t, const char *p, size_t n)
{
    if (n == 0 || !text_room(t, n))
        return;
    memcpy(t->p + t->len, p, n);
    t->len += n;
}

void text_add(struct text *t, const char *s)
{
    text_bytes(t, s, strlen(s));
}

void text_printf(struct text *t, const char *fmt, ...)
{
    char line[512], *p = line;
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(line, sizeof line, fmt, args);
    if (n >= (int)sizeof line && text_room(t, (size_t)n + 1)) {
        p = t->p + t->len;
        n = vsnprintf(p, (size_t)n + 1, fmt, again);
    }
    va_end(again);
    va_end(args);
    if (n < 0 || t->failed)
        t->failed = true;
    else if (p == line)
        text_bytes(t, line, (size_t)n);
    else
        t->len += (size_t)n;
}

void text_free(struct text *t)
{
    free(t->p);
    *t = (struct text){0};
}

/* ---- UTF-8 */

#define REPLACEMENT "\xef\xbf\xbd"

/* How many bytes of p[0, n) are one character; 0: they are none. */
static size_t character(const unsigned char *p, size_t n)
{
    if (p[0] < 0x80)
        return 1;
    size_t len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || len > n)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
    bool surrogate = p[0] == 0xed && p[1] > 0x9f;
    bool beyond = p[0] == 0xf4 && p[1] > 0x8f;
    return overlong || surrogate || beyond ? 0 : len;
}

/* Adds p[0, n) with `escape` of each ASCII character in place of those for which it returns one. */
static void text_escaped(struct text *t, const char *p, size_t n,
                         const char *(*escape)(char c, char *room))
{
    size_t i = 0, plain = 0;
    while (i < n) {
        char room[8];
        size_t len = character((const unsigned char *)p + i, n - i);
        const char *instead = len == 0 ? REPLACEMENT : len == 1 ? escape(p[i], room) : NULL;
        if (len == 3 && memcmp(p + i, "\xe2\x80\xa8", 2) == 0 &&
            ((unsigned char)p[i + 2] & 0xfe) == 0xa8)
            instead = " "; /* line and paragraph separators end a line of old JavaScript */
        if (instead != NULL) {
            text_bytes(t, p + plain, i - plain);
            text_add(t, instead);
            plain = i + (len == 0 ? 1 : len);
        }
        i += len == 0 ? 1 : len;
    }
    text_bytes(t, p + plain, n - plain);
}

static const char *escape_html(char c, char *room)
{
    (void)room;
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return ((unsigned char)c < 0x20 && c != '\n' && c != '\t') || c == 0x7f ? REPLACEMENT
                                                                                : NULL;
    }
}

static const char *escape_json(char c, char *room)
{
    switch (c) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '\n':
        return "\\n";
    case '\t':
        return "\\t";
    default:
        if ((unsigned char)c >= 0x20 && c != 0x7f && c != '<' && c != '>' && c != '&')
            return NULL;
        (void)snprintf(room, 8, "\\u%04x", (unsigned)(unsigned char)c);
        return room;
    }
}

static const char *escape_label(char c, char *room)
{
    (void)room;
    return c == '"' ? "\\\"" : c == '\\' ? "\\\\" : c == '\n' ? "\\n" : NULL;
}

void text_html(struct text *t, const char *p, size_t n)
{
    text_escaped(t, p, n, escape_html);
}

void text_json(struct text *t, const char *p, size_t n)
{
    text_add(t, "\"");
    text_escaped(t, p, n, escape_json);
    text_add(t, "\"");
}

void text_label(struct text *t, const char *p, size_t n)
{
    text_escaped(t, p, n, escape_label);
}

/* ---- numbers */

void text_double(struct text *t, double v)
{
    char line[40];
    if (isnan(v)) {
        text_add(t, "NaN");
        return;
    }
    if (isinf(v)) {
        text_add(t, v > 0 ? "+Inf" : "-Inf");
        return;
    }
    for (int digits = 1; digits <= 17; digits++) {
        (void)snprintf(line, sizeof line, "%.*g", digits, v);
        if (strtod(line, NULL) == v)
            break;
    }
    text_add(t, line);
}
