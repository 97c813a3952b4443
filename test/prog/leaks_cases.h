/* Goroutines that nobody can wake, some of each kind, and others that somebody can. Who includes it says in
 * which way the collector works. */
#ifndef LEAKS_CASES_H
#define LEAKS_CASES_H

#include <gort.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOINLINE __attribute__((noinline))

enum { EACH = 20, TEXT = 4 << 20 };

typedef gort_chan *chan;

static gort_chan *gate, *in_a_global, *full;
static _Thread_local gort_chan *volatile in_a_thread_local;
static gort_mutex static_mutex;
static struct {
    gort_chan **rooted;
    void **object;
} kept;

/* ---- leaked: the names are looked for in tracebacks */
static NOINLINE void leaked_receive(gort_chan *c)
{
    gort_chan_recv(c, NULL);
    gort_keep_alive(c);
}

static NOINLINE void leaked_send(gort_chan *c)
{
    int v = 1;
    gort_chan_send(c, &v);
    gort_keep_alive(c);
}

static NOINLINE void leaked_select(gort_chan *c, gort_chan *d)
{
    int v = 1, w;
    gort_select_case k[] = {GORT_SEND(c, &v), GORT_RECV(d, &w)};
    gort_select(k, 2);
    gort_keep_alive(d);
}

static NOINLINE void leaked_nil(void)
{
    gort_chan_recv(NULL, NULL);
    abort();
}

static NOINLINE void leaked_nothing(void)
{
    gort_select(NULL, 0);
    abort();
}

static NOINLINE void leaked_mutex(gort_mutex *mu)
{
    gort_mutex_lock(mu);
    gort_mutex_lock(mu);
    gort_keep_alive(mu);
}

static NOINLINE void leaked_rwmutex(gort_rwmutex *mu)
{
    gort_rwmutex_rlock(mu);
    gort_rwmutex_lock(mu);
    gort_keep_alive(mu);
}

static NOINLINE void leaked_group(gort_waitgroup *wg)
{
    gort_waitgroup_add(wg, 1);
    gort_waitgroup_wait(wg);
    gort_keep_alive(wg);
}

struct condition {
    gort_mutex mu;
    gort_cond cond;
};

static NOINLINE void leaked_cond(struct condition *c)
{
    gort_mutex_lock(&c->mu);
    gort_cond_wait(&c->cond, &c->mu);
    gort_keep_alive(c);
}

/* Each knows what the other one waits for, and nobody else does. */
static NOINLINE void leaked_pair(gort_chan *mine, gort_chan *other)
{
    gort_chan_recv(mine, NULL);
    gort_chan_close(other);
}

/* ---- the others */
#define RECEIVER(name)                                                                             \
    static NOINLINE void name(gort_chan *c)                                                        \
    {                                                                                              \
        gort_chan_recv(c, NULL);                                                                   \
        gort_keep_alive(c);                                                                        \
    }
RECEIVER(fine_global)
RECEIVER(fine_thread_local)
RECEIVER(fine_rooted)
RECEIVER(fine_in_object)
RECEIVER(fine_in_buffer)
RECEIVER(fine_on_stack)

static NOINLINE void fine_select(gort_chan *c, gort_chan *d)
{
    gort_select_case k[] = {GORT_RECV(c, NULL), GORT_RECV(d, NULL)};
    gort_select(k, 2);
    gort_keep_alive(c);
}

static NOINLINE void fine_timer(gort_chan *c)
{
    int64_t t;
    gort_select_case k[] = {GORT_RECV(c, NULL), GORT_RECV(gort_after(3600 * GORT_SECOND), &t)};
    gort_select(k, 2);
    gort_keep_alive(c);
}

static NOINLINE void fine_mutex(gort_mutex *mu)
{
    gort_mutex_lock(mu);
    gort_mutex_unlock(mu);
}

/* The last of a chain waits at the gate; whoever is behind waits for the one before. */
static NOINLINE void fine_chain(gort_chan *before, int n)
{
    gort_chan *mine = gort_make_chan(int, 0);
    if (n > 0)
        gort_go(fine_chain, mine, n - 1);
    gort_chan_recv(before, NULL);
    gort_chan_close(mine);
}

static NOINLINE void fine_sleeper(void)
{
    gort_chan *mine = gort_make_chan(int, 0);
    gort_go(fine_on_stack, mine);
    gort_sleep(3600 * GORT_SECOND);
    gort_chan_close(mine);
}

static NOINLINE void start_leaked(void)
{
    for (int i = 0; i < EACH; i++) {
        gort_go(leaked_receive, gort_make_chan(int, 0));
        gort_go(leaked_send, gort_make_chan(int, 0));
        gort_go(leaked_select, gort_make_chan(int, 0), gort_make_chan(int, 3));
        gort_go(leaked_nil);
        gort_go(leaked_nothing);
        gort_go(leaked_mutex, gort_new(gort_mutex));
        gort_go(leaked_rwmutex, gort_new(gort_rwmutex));
        gort_go(leaked_group, gort_new(gort_waitgroup));
        gort_go(leaked_cond, (struct condition *)gort_alloc(sizeof(struct condition)));
        gort_chan *c = gort_make_chan(int, 0), *d = gort_make_chan(int, 0);
        gort_go(leaked_pair, c, d);
        gort_go(leaked_pair, d, c);
    }
}

static NOINLINE void start_fine(void)
{
    gate = gort_make_chan(int, 0);
    in_a_global = gort_make_chan(int, 0);
    gort_chan *tls = in_a_thread_local =
        gort_make_chan(int, 0); /* this may soon be another thread */
    full = gort_make_chan(chan, 4);
    kept.rooted = malloc(sizeof *kept.rooted);
    *kept.rooted = gort_make_chan(int, 0);
    gort_add_roots(kept.rooted, sizeof *kept.rooted);
    kept.object = gort_alloc(2 * sizeof *kept.object);
    kept.object[1] = gort_make_chan(int, 0);
    gort_chan *in_a_buffer = gort_make_chan(int, 0);
    gort_chan_send(full, &in_a_buffer);
    gort_mutex_lock(&static_mutex);
    for (int i = 0; i < EACH; i++) {
        gort_go(fine_global, in_a_global);
        gort_go(fine_thread_local, tls);
        gort_go(fine_rooted, *kept.rooted);
        gort_go(fine_in_object, (gort_chan *)kept.object[1]);
        gort_go(fine_in_buffer, in_a_buffer);
        gort_go(fine_select, gort_make_chan(int, 0), in_a_global);
        gort_go(fine_timer, gort_make_chan(int, 0));
        gort_go(fine_mutex, &static_mutex);
        gort_go(fine_chain, gate, 5);
        gort_go(fine_sleeper);
    }
}

/* ---- what the tracebacks say */
static char text[TEXT];

static bool all_wait(void)
{
    size_t n = gort_stack(text, sizeof text - 1, true);
    text[n < sizeof text ? n : sizeof text - 1] = '\0';
    const char *running = strstr(text, "[running]"); /* this one */
    return strstr(text, "[runnable") == NULL && running != NULL &&
           strstr(running + 1, "[running") == NULL;
}

/* Of the goroutines in this function, how many are called leaked, and how many are not. */
static void count(const char *function, int *leaked, int *others)
{
    *leaked = *others = 0;
    for (const char *g = strstr(text, "goroutine "); g != NULL;) {
        const char *end = strstr(g, "\n\n"), *here = strstr(g, function);
        const char *mark = strstr(g, " (leaked)"), *line = strchr(g, '\n');
        if (here != NULL && (end == NULL || here < end)) {
            bool is = mark != NULL && mark < line;
            *leaked += is;
            *others += !is;
        }
        g = end == NULL ? NULL : strstr(end, "goroutine ");
    }
}

/* A word left over may hide a few. */
static void say(const char *function, bool expected)
{
    int leaked, others;
    count(function, &leaked, &others);
    bool good = expected ? leaked > others : leaked == 0 && others >= EACH;
    if (good)
        printf("%s: %s\n", function, expected ? "leaked" : "not leaked");
    else
        printf("%s: %d leaked, %d not\n", function, leaked, others);
}

static int leaks_run(int argc, char **argv)
{
    (void)argc, (void)argv;
    start_leaked();
    start_fine();
    while (!all_wait())
        gort_gosched();
    int n = gort_goroutine_leaks();
    size_t bytes = gort_stack(text, sizeof text - 1, true);
    text[bytes < sizeof text ? bytes : sizeof text - 1] = '\0';
    static const char *const leaked[] = {
        "leaked_receive(", "leaked_send(",    "leaked_select(", "leaked_nil(",  "leaked_nothing(",
        "leaked_mutex(",   "leaked_rwmutex(", "leaked_group(",  "leaked_cond(", "leaked_pair("};
    static const char *const fine[] = {"fine_global(",    "fine_thread_local(", "fine_rooted(",
                                       "fine_in_object(", "fine_in_buffer(",    "fine_on_stack(",
                                       "fine_select(",    "fine_timer(",        "fine_mutex(",
                                       "fine_chain(",     "fine_sleeper("};
    for (size_t i = 0; i < sizeof leaked / sizeof leaked[0]; i++)
        say(leaked[i], true);
    for (size_t i = 0; i < sizeof fine / sizeof fine[0]; i++)
        say(fine[i], false);
    printf("%s\n", n > 0 && n <= 11 * EACH ? "counted" : "miscounted");
    gort_chan_close(gate); /* the chains end, and nobody who ended was leaked */
    while (!all_wait())
        gort_gosched();
    int again = gort_goroutine_leaks();
    printf("%s\n", again > 0 && again <= 11 * EACH ? "counted again" : "miscounted");
    return 0;
}
GORT_MAIN(leaks_run)

#endif
