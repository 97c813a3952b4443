/* goroutines.c: /debug/goroutines: a page that a person can search; the same as JSON.
 *
 * Owns    asking the runtime for the text, and putting the page together: the data, the style and the script
 *         that draws are one file, so that it works without any other, and when it was saved.
 */
#include "http_int.h"

#include <gort/debug.h>
#include <gort/go.h>
#include <gort/prof.h>

#include <stdlib.h>
#include <string.h>

#define FIRST_BYTES ((size_t)1 << 20)
#define MAX_BYTES   ((size_t)64 << 20) /* as in Go */

/* The text of all goroutines, of malloc; NULL: no memory. */
static char *all_stacks(size_t *n, bool *truncated)
{
    for (size_t room = FIRST_BYTES;; room *= 2) {
        char *p = malloc(room);
        if (p == NULL)
            return NULL;
        *n = gort_stack(p, room, true);
        *truncated = *n >= room;
        if (!*truncated || room >= MAX_BYTES)
            return p;
        free(p);
    }
}

static void text_page(struct text *t, const char *p, const char *end)
{
    text_bytes(t, p, (size_t)(end - p));
}

void dump_page(struct text *t, const struct dump *d, const char *nonce)
{
    text_add(t,
             "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
             "<meta name=\"viewport\" content=\"width=device-width\">\n<title>goroutines</title>\n"
             "<link rel=\"icon\" href=\"data:,\">\n<style>\n");
    text_page(t, http_page_style, http_page_style_end);
    text_add(t, "</style>\n");
    text_page(t, http_page_goroutines, http_page_goroutines_end);
    text_add(t, "<script type=\"application/json\" id=\"data\">");
    dump_json(t, d);
    text_printf(t, "</script>\n<script nonce=\"%s\">\n", nonce);
    text_page(t, http_page_script, http_page_script_end);
    text_add(t, "</script>\n</html>\n");
}

void http_goroutines(struct request *r)
{
    uint64_t ours[2 * HTTP_MAX_JOBS + 2];
    struct dump d = {0};
    struct text *t = &r->answer.text;
    size_t n;
    char *format = uri_value(r->query, "format");
    char *leaks = uri_value(r->query, "leaks");
    bool found = leaks == NULL || strcmp(leaks, "1") != 0 || gort_goroutine_leaks() >= 0;
    char *text = all_stacks(&n, &d.truncated);
    bool json = format != NULL && strcmp(format, "json") == 0;
    if (text != NULL)
        dump_parse(&d, text, n, ours, http_ids(r->server, ours, sizeof ours / sizeof ours[0]));
    if (json)
        http_text(r, 200, "application/json; charset=utf-8");
    else
        http_page(r);
    if (text == NULL || format == NULL || leaks == NULL || !found || d.failed) {
        http_error(r, 500, "out of memory");
    } else if (format[0] != 0 && !json) {
        http_error(r, 400, "invalid value for \"format\" - must be json");
    } else if (json) {
        dump_json(t, &d);
    } else if (r->answer.status == 200) {
        dump_page(t, &d, r->answer.nonce);
    }
    if (t->failed)
        http_error(r, 500, "out of memory");
    dump_free(&d);
    free(text);
    free(format);
    free(leaks);
}
