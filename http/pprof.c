/* pprof.c: /debug/pprof/, as Go's net/http/pprof answers it.
 *
 * Owns    the index, the CPU profile, profiles by name and their differences, the trace, the command line,
 *         names of addresses.
 * Holds   1. Texts and headers are Go's: its tools show them.
 *         2. What takes seconds ends early when the client goes: nobody profiles for nobody.
 */
#include "http_int.h"

#include <gort/callers.h>
#include <gort/go.h>
#include <gort/io.h>
#include <gort/mem.h>
#include <gort/pprof.h>
#include <gort/time.h>
#include <gort/trace.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_SECONDS 3600 /* the server's write timeout (daemon.c) */

/* ---- parameters */

/* The number after `key`, 0 where there is none, as `n, _ := strconv.Atoi(r.FormValue(key))`. */
static int64_t number(struct request *r, const char *key)
{
    int64_t n = 0;
    char *value = uri_value(r->query, key);
    if (value != NULL)
        (void)uri_int(value, &n);
    free(value);
    return n;
}

static bool too_long(struct request *r, double seconds)
{
    if (seconds < MAX_SECONDS)
        return false;
    http_pprof_error(r, 400, "profile duration exceeds server's WriteTimeout");
    return true;
}

/* ---- profiles by name */

static const char *const differs[] = {"allocs", "block", "goroutine",
                                      "heap",   "mutex", "threadcreate"};

static bool has_difference(const char *name)
{
    for (size_t i = 0; i < sizeof differs / sizeof differs[0]; i++)
        if (strcmp(differs[i], name) == 0)
            return true;
    return false;
}

static void make_difference(struct request *r, int64_t ns)
{
    char name[64];
    int fd = http_file(r);
    if (fd < 0)
        return;
    gort_pprof_delta *d = gort_pprof_delta_begin(r->name);
    bool wanted = d != NULL && http_wait(r, ns);
    int err = d == NULL || gort_pprof_delta_end(d, wanted ? fd : -1) != 0 ? errno : 0;
    if (err != 0) {
        http_pprof_error(r, 500, "failed to collect profile: %s", strerror(err));
        (void)gort_close(fd);
        return;
    }
    (void)strcat(strncat(strcpy(name, ""), r->name, 40), "-delta");
    http_attachment(r, name);
    http_send_file(r, fd);
}

static void answer_difference(struct request *r, const char *value)
{
    int64_t seconds;
    if (!uri_int(value, &seconds) || seconds <= 0) {
        http_pprof_error(r, 400, "invalid value for \"seconds\" - must be a positive integer");
    } else if (!has_difference(r->name)) {
        http_pprof_error(r, 400, "\"seconds\" parameter is not supported for this profile type");
    } else if (too_long(r, (double)seconds)) {
        return;
    } else if (number(r, "debug") != 0) {
        http_pprof_error(r, 400, "seconds and debug params are incompatible");
    } else {
        make_difference(r, seconds * GORT_SECOND);
    }
}

static void answer_profile(struct request *r)
{
    int64_t debug = number(r, "debug");
    if (strcmp(r->name, "heap") == 0 && number(r, "gc") > 0)
        gort_gc();
    int fd = http_file(r);
    if (fd < 0)
        return;
    debug = debug < INT32_MIN ? INT32_MIN : debug > INT32_MAX ? INT32_MAX : debug;
    if (gort_pprof_write(r->name, fd, (int)debug) != 0) {
        http_pprof_error(r, 500, "failed to collect profile: %s", strerror(errno));
        (void)gort_close(fd);
        return;
    }
    if (debug != 0)
        http_text(r, 200, "text/plain; charset=utf-8");
    else
        http_attachment(r, r->name);
    http_send_file(r, fd);
}

void http_named(struct request *r)
{
    if (r->name[0] == 0) {
        http_index(r);
        return;
    }
    if (gort_pprof_lookup(r->name) == NULL && strcmp(r->name, "goroutineleak") != 0) {
        http_pprof_error(r, 404, "Unknown profile");
        return;
    }
    char *seconds = uri_value(r->query, "seconds");
    if (seconds == NULL)
        http_pprof_error(r, 500, "failed to collect profile: %s", strerror(ENOMEM));
    else if (seconds[0] != 0)
        answer_difference(r, seconds);
    else
        answer_profile(r);
    free(seconds);
}

/* ---- CPU profile and trace */

void http_profile(struct request *r)
{
    int64_t seconds = number(r, "seconds");
    if (seconds <= 0)
        seconds = 30;
    if (too_long(r, (double)seconds))
        return;
    int fd = http_file(r);
    if (fd < 0)
        return;
    int err = gort_pprof_start_cpu_profile(fd) == 0 ? 0 : errno;
    if (err != 0) {
        http_pprof_error(r, 500, "Could not enable CPU profiling: %s",
                         err == EBUSY ? "cpu profiling already in use" : strerror(err));
        (void)gort_close(fd);
        return;
    }
    (void)http_wait(r, seconds * GORT_SECOND);
    if (gort_pprof_stop_cpu_profile() != 0) {
        http_pprof_error(r, 500, "failed to collect profile: %s", strerror(errno));
        (void)gort_close(fd);
        return;
    }
    http_attachment(r, "profile");
    http_send_file(r, fd);
}

struct tracing {
    struct request *r;
    int64_t ns;
    int write_fd;
    gort_sema ended;
};

static void tracing_end(struct tracing *v)
{
    size_t place = http_enter(v->r->server);
    (void)http_wait(v->r, v->ns);
    (void)gort_trace_stop();
    (void)gort_close(v->write_fd);
    http_leave(v->r->server, place);
    gort_sema_release(&v->ended);
}

/* Passes on what the runtime writes into the pipe until both ends are done. Who gave up still reads: a pipe
 * that fills up would keep the trace from ending. */
static void pass_on(struct request *r, int fd)
{
    const size_t room = 64 * 1024;
    char *part = malloc(room);
    bool wanted = part != NULL;
    char spill[512];
    ssize_t n;
    while ((n = wanted ? gort_read(fd, part, room) : gort_read(fd, spill, sizeof spill)) > 0)
        wanted = wanted && http_stream_write(r, part, (size_t)n);
    free(part);
}

void http_trace(struct request *r)
{
    struct tracing *v;
    double seconds = 0;
    int fds[2];
    char *value = uri_value(r->query, "seconds");
    if (value == NULL || !uri_float(value, &seconds) || seconds <= 0)
        seconds = 1;
    free(value);
    if (too_long(r, seconds))
        return;
    v = calloc(1, sizeof *v);
    if (v == NULL || gort_pipe2(fds, O_CLOEXEC) != 0) {
        http_pprof_error(r, 500, "Could not enable tracing: %s", strerror(errno));
        free(v);
        return;
    }
    *v = (struct tracing){.r = r, .ns = (int64_t)(seconds * 1e9), .write_fd = fds[1]};
    if (gort_trace_start(fds[1]) != 0) {
        http_pprof_error(r, 500, "Could not enable tracing: %s",
                         errno == EBUSY ? "tracing is already enabled" : strerror(errno));
        (void)gort_close(fds[1]);
    } else {
        http_attachment(r, "trace");
        http_stream_begin(r);
        gort_go(tracing_end, v);
        pass_on(r, fds[0]);
        gort_sema_acquire(&v->ended);
    }
    (void)gort_close(fds[0]);
    free(v);
}

/* ---- small ones */

void http_cmdline(struct request *r)
{
    struct text *t = &r->answer.text;
    if (!http_read_file(t, "/proc/self/cmdline")) {
        http_pprof_error(r, 500, "no command line");
        return;
    }
    if (t->len > 0 && t->p[t->len - 1] == 0)
        t->len--;
    http_text(r, 200, "text/plain; charset=utf-8");
}

/* What is to be looked up stands in the query, or in the body of a POST: numbers with a `+` in between. */
void http_symbol(struct request *r)
{
    struct text *t = &r->answer.text;
    const char *p = r->body.len > 0 ? r->body.p : r->query;
    size_t n = r->body.len > 0 ? r->body.len : strlen(r->query);
    http_text(r, 200, "text/plain; charset=utf-8");
    text_add(t, "num_symbols: 1\n");
    while (n > 0) {
        const char *plus = memchr(p, '+', n);
        size_t len = plus == NULL ? n : (size_t)(plus - p);
        uint64_t pc = 0;
        const gort_func *f =
            uri_uint_any_base(p, len, &pc) && pc != 0 ? gort_func_for_pc((uintptr_t)pc) : NULL;
        if (f != NULL)
            text_printf(t, "%#llx %s\n", (unsigned long long)pc, gort_func_name(f));
        p += plus == NULL ? len : len + 1;
        n -= plus == NULL ? len : len + 1;
    }
}

/* ---- the index */

static const struct {
    const char *name, *what;
} descriptions[] = {
    {"allocs", "A sample of all past memory allocations, by where they were made."},
    {"block",
     "Where goroutines waited for channels and locks; gort_set_block_profile_rate switches it on."},
    {"goroutine", "The stacks of all goroutines; with debug=2 as a panic prints them."},
    {"heap", "A sample of what is allocated and alive; with gc=1 after a collection."},
    {"mutex",
     "Who held locks that others waited for; gort_set_mutex_profile_fraction switches it on."},
    {"threadcreate", "Where threads of the operating system were made."},
};

static const struct {
    const char *name, *what;
} others[] = {
    {"cmdline", "The program's command line."},
    {"goroutineleak",
     "The stacks of goroutines that nobody can ever wake; a collection looks for them."},
    {"profile", "Where CPU time is spent: a profile of 30 seconds, or of seconds=N."},
    {"symbol", "The names of addresses, for <code>go tool pprof</code>."},
    {"trace", "What the runtime did in 1 second, or in seconds=N, for <code>go tool trace</code>."},
};

static const char *description_of(const char *name)
{
    for (size_t i = 0; i < sizeof descriptions / sizeof descriptions[0]; i++)
        if (strcmp(descriptions[i].name, name) == 0)
            return descriptions[i].what;
    return "The program's own.";
}

/* A name as part of a path. */
static void link_of(struct text *t, const char *name)
{
    static const char plain[] = "-._~/";
    for (; *name != 0; name++) {
        char c = *name;
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (letter || strchr(plain, c) != NULL)
            text_bytes(t, &c, 1);
        else
            text_printf(t, "%%%02X", (unsigned)(unsigned char)c);
    }
}

static void row(struct text *t, const char *name, int count)
{
    text_printf(t, "<tr><td class=\"count\">%d<td><a href=\"", count);
    link_of(t, name);
    text_add(t, "?debug=1\">");
    text_html(t, name, strlen(name));
    text_add(t, "</a><td>");
    text_add(t, description_of(name));
    text_add(t, "<td><a href=\"");
    link_of(t, name);
    text_add(t, "\">file</a>\n");
}

static void rows(struct text *t)
{
    enum { MOST = 1000 };
    gort_pprof_profile **all = gort_alloc(MOST * sizeof *all);
    size_t n = gort_pprof_profiles(all, MOST);
    for (size_t i = 0; i < n && i < MOST; i++)
        row(t, gort_pprof_name(all[i]), gort_pprof_count(all[i]));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        text_printf(t, "<tr><td><td><a href=\"%s\">%s</a><td>%s<td>\n", others[i].name,
                    others[i].name, others[i].what);
}

void http_index(struct request *r)
{
    struct text *t = &r->answer.text;
    http_page(r);
    if (r->answer.status != 200)
        return;
    text_add(t, "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">"
                "<meta name=\"viewport\" content=\"width=device-width\">"
                "<title>/debug/pprof/</title><style>");
    text_bytes(t, http_page_style, (size_t)(http_page_style_end - http_page_style));
    text_add(t, "</style><main><h1>/debug/pprof/</h1><table class=\"profiles\">"
                "<thead><tr><th>Count<th>Profile<th>What it shows<th></thead><tbody>\n");
    rows(t);
    text_add(
        t,
        "</table><p class=\"links\"><a href=\"goroutine?debug=2\">full goroutine stack dump</a> "
        "<a href=\"/debug/goroutines\">goroutines, grouped</a> <a href=\"/metrics\">metrics</a> "
        "<a href=\"/debug/vars\">variables</a>"
        "<p>Set <code>debug=1</code> as a query parameter for text, none for a file that "
        "<code>go tool pprof</code> reads; <code>seconds=N</code> for what is added in the next N "
        "seconds.</main></html>\n");
}
