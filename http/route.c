/* route.c: which function answers which path, and the page at the root. */
#include "http_int.h"

#include <string.h>

static void to_index(struct request *r)
{
    r->answer.location = "/debug/pprof/";
    http_error(r, 301, "moved to /debug/pprof/");
}

static const struct route routes[] = {
    {"/", METHOD_GET, http_root},
    {"/debug/pprof", METHOD_GET, to_index},
    {"/debug/pprof/", METHOD_GET, http_named},
    {"/debug/pprof/cmdline", METHOD_GET, http_cmdline},
    {"/debug/pprof/profile", METHOD_GET, http_profile},
    {"/debug/pprof/symbol", METHOD_GET | METHOD_POST, http_symbol},
    {"/debug/pprof/trace", METHOD_GET, http_trace},
    {"/debug/goroutines", METHOD_GET, http_goroutines},
    {"/debug/vars", METHOD_GET, http_vars},
    {"/metrics", METHOD_GET, http_metrics},
};

const struct route *http_route(const char *path, const char **name)
{
    static const char folder[] = "/debug/pprof/";
    const struct route *below = NULL;
    *name = "";
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        if (strcmp(routes[i].path, path) == 0)
            return &routes[i];
        if (strcmp(routes[i].path, folder) == 0 && strncmp(path, folder, sizeof folder - 1) == 0)
            below = &routes[i];
    }
    if (below != NULL)
        *name = path + sizeof folder - 1;
    return below;
}

void http_root(struct request *r)
{
    http_page(r);
    if (r->answer.status != 200)
        return;
    struct text *t = &r->answer.text;
    text_add(t,
             "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">"
             "<meta name=\"viewport\" content=\"width=device-width\"><title>gort</title><style>");
    text_bytes(t, http_page_style, (size_t)(http_page_style_end - http_page_style));
    text_add(
        t, "</style><main><h1>The running program</h1><ul class=\"links\">"
           "<li><a href=\"/debug/goroutines\">goroutines</a>: what each waits for, and which look "
           "stuck"
           "<li><a href=\"/debug/pprof/\">profiles</a>: for <code>go tool pprof</code>"
           "<li><a href=\"/metrics\">metrics</a>: for Prometheus"
           "<li><a href=\"/debug/vars\">variables</a>: command line and memory, in JSON"
           "</ul></main></html>\n");
}
