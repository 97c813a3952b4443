/* json.c: reads JSON, answers a question about it, prints it.
 *
 *     json [-cu] [-n TIMES] FILE [QUERY]        FILE: - is the standard input
 *
 *     .users[2].name   the member `users`, of its items the third, of that the member `name`
 *     [-1]             the last item
 *     ["a.b"]          a member whose name is written as in JSON
 *     []               each item, or the value of each member
 *
 * -c prints without blanks, -u prints UTF-8 and not \u escapes. -n parses so often, and tells how fast that
 * was. The exit status is 1 if there is no such value.
 *
 * What to look at: in json.h, values that point to values, and GORT_TYPE, which tells the collector where
 * the pointers are. A tree that nothing points to any more (with -n, all but the last) costs no more than
 * its room until the next collection. A query's own garbage does not matter either.
 */
#include <gort.h>

#include "json.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static bool compact, utf8;

static char *read_all(const char *file, size_t *len)
{
    int fd = strcmp(file, "-") == 0 ? 0 : gort_open(file, O_RDONLY | O_CLOEXEC, 0);
    size_t n = 0, room = 64 * 1024;
    char *text = gort_alloc_noscan(room);
    ssize_t got = fd;
    while (fd >= 0 && (got = gort_read(fd, text + n, room - n)) > 0)
        if ((n += (size_t)got) == room)
            text = memcpy(gort_alloc_noscan(2 * room), text, room), room *= 2;
    if (got < 0) {
        perror(file);
        exit(2);
    }
    *len = n;
    return text; /* zeros are behind it */
}

/* ---- printing */

static void print_string(const value *v)
{
    putchar('"');
    for (const char *s = v->text, *end = s + v->count; s < end;) {
        static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
        const char *start = s;
        int c = json_get(&s);
        const char *f = c == 0 || c >= 0x80 ? NULL : strchr(from, c);
        if (f != NULL)
            printf("\\%c", to[f - from]);
        else if (c >= 0x10000 && !utf8)
            printf("\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10), 0xdc00 + (c & 0x3ff));
        else if (c < ' ' || (c >= 0x7f && !utf8) || (c >= 0xd800 && c < 0xe000))
            printf("\\u%04x", c);
        else
            fwrite(start, 1, (size_t)(s - start), stdout);
    }
    putchar('"');
}

static void new_line(int indent)
{
    if (!compact)
        printf("\n%*s", 4 * indent, "");
}

static void print(const value *v, int indent)
{
    if (v->kind == '"') {
        print_string(v);
        return;
    }
    if (v->kind != '{' && v->kind != '[') {
        fwrite(v->text, 1, v->count, stdout);
        return;
    }
    putchar(v->kind);
    for (uint32_t i = 0; i < v->count; i++) {
        if (i > 0)
            putchar(',');
        new_line(indent + 1);
        if (v->kind == '{') {
            print_string(v->items[i++]);
            fputs(compact ? ":" : ": ", stdout);
        }
        print(v->items[i], indent + 1);
    }
    if (v->count > 0)
        new_line(indent);
    putchar(v->kind == '{' ? '}' : ']');
}

/* ---- asking */

static const value *member(const value *v, const value *name)
{
    uint32_t *slot = v->kind == '{' && name != NULL && v->count > 0 ? json_slot(v, name) : NULL;
    return slot == NULL || *slot == 0 ? NULL : v->items[*slot];
}

static const value *item(const value *v, long i)
{
    i += i < 0 ? (long)v->count : 0;
    return v->kind == '[' && i >= 0 && i < (long)v->count ? v->items[i] : NULL;
}

/* Prints what the query finds in `v`; false if something of it is not there. */
static bool answer(const value *v, const char *query)
{
    if (*query == 0) {
        print(v, 0);
        putchar('\n');
        return true;
    }
    const char *rest = query + strcspn(query + 1, ".[") + 1;
    const value *found = NULL;
    if (query[0] == '.' && rest == query + 1) /* nothing, or a bracket follows */
        return answer(v, rest);
    if (query[0] == '.') {
        found = member(v, json_text('"', query + 1, (size_t)(rest - query - 1)));
    } else if (strncmp(query, "[]", 2) == 0) {
        bool all = v->kind == '[' || v->kind == '{';
        for (uint32_t i = v->kind == '{'; all && i < v->count; i += 1 + (v->kind == '{'))
            all = answer(v->items[i], query + 2);
        return all;
    } else if (strncmp(query, "[\"", 2) == 0) {
        json_parser p = {.begin = query, .at = query + 2, .end = query + strlen(query)};
        found = member(v, json_string(&p));
        rest = p.at + 1;
    } else {
        char *end;
        found = item(v, strtol(query + 1, &end, 10));
        rest = end + 1;
    }
    if ((query[0] != '.' && (query[0] != '[' || rest[-1] != ']')) || found == NULL) {
        fprintf(stderr, "json: no %s here\n", query);
        return false;
    }
    return answer(found, rest);
}

static int run(int argc, char **argv)
{
    long times = 1;
    for (int opt; (opt = getopt(argc, argv, "cun:")) != -1;) {
        if (opt == 'n')
            times = atol(optarg);
        else if (opt == 'c' || opt == 'u')
            *(opt == 'c' ? &compact : &utf8) = true;
        else
            return 2;
    }
    if (optind >= argc || times < 1) {
        fprintf(stderr, "usage: json [-cu] [-n TIMES] FILE [QUERY]\n");
        return 2;
    }
    size_t len;
    char *text = read_all(argv[optind], &len);
    value *v = NULL;
    json_parser p;
    int64_t began = gort_nanotime();
    for (long i = 0; i < times; i++)
        v = json_parse_text(&p, text, len);
    if (times > 1)
        fprintf(stderr, "%.1f MB/s\n",
                (double)len * (double)times * 1e3 / (double)(gort_nanotime() - began));
    if (v == NULL) {
        int line = 1;
        const char *start = p.begin;
        for (const char *c = start; c < p.at; c++)
            if (*c == '\n')
                line++, start = c + 1;
        fprintf(stderr, "%s: line %d, column %d: %s\n", argv[optind], line, (int)(p.at - start) + 1,
                p.wrong);
        return 2;
    }
    return answer(v, optind + 1 < argc ? argv[optind + 1] : "") ? 0 : 1;
}

GORT_MAIN(run)
