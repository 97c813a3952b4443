/* server.c: a program with something to look at, whose debug server the client in test/http/check asks.
 *
 * usage: server ADDRESS [GOROUTINES]      or server ADDRESS deadlock: there is nothing that could go on
 * Prints `port N` once all stands; ends, with status 0, when its standard input does. Lines of input are
 * orders: `stop`, `start ADDRESS`, `stacks` (says how many goroutines there are), each answered by a line.
 */
#include <gort.h>
#include <gort/http.h>
#include <gort/pprof.h>
#include <gort/prof.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAITERS 20
#define LOST    40
#define QUEUED  12

static gort_chan *never, *tokens;
static gort_mutex convoy;
static volatile uint64_t burnt;
static void *volatile kept[64];
static uint32_t ended;

__attribute__((noinline)) void waits_for_news(void)
{
    gort_chan_recv(never, NULL);
    gort_keep_alive(&never);
}

__attribute__((noinline)) void waits_for_nothing(void)
{
    gort_chan_recv(NULL, NULL);
    gort_keep_alive(&never);
}

__attribute__((noinline)) void selects_nothing(void)
{
    (void)gort_select(NULL, 0);
    gort_keep_alive(&never);
}

__attribute__((noinline)) void queues_up(void)
{
    gort_mutex_lock(&convoy);
    gort_mutex_unlock(&convoy);
}

__attribute__((noinline)) void burns_time(void)
{
    for (int i = 0; i < 1000000; i++)
        burnt += (uint64_t)i * i;
}

/* Computes, allocates and hands a token to and fro, so that every profile has something. */
__attribute__((noinline)) void works(void)
{
    for (int i = 0; __atomic_load_n(&ended, __ATOMIC_RELAXED) == 0; i++) {
        burns_time();
        kept[i % 64] = gort_alloc(10000);
        gort_chan_send(tokens, &i);
        gort_sleep(GORT_MILLISECOND);
    }
}

__attribute__((noinline)) void takes_tokens(void)
{
    while (gort_chan_recv(tokens, NULL))
        burns_time();
}

/* Nobody else knows the channel. */
__attribute__((noinline)) void waits_for_the_lost(gort_chan *lost)
{
    gort_chan_recv(lost, NULL);
    gort_keep_alive(lost);
}

/* Each of many goroutines has one of 16 stacks: the bits of its number. */
__attribute__((noinline)) void many_right(unsigned bits, int depth);
__attribute__((noinline)) void many_left(unsigned bits, int depth)
{
    if (depth == 0)
        waits_for_news();
    else if ((bits & 1) != 0)
        many_left(bits >> 1, depth - 1);
    else
        many_right(bits >> 1, depth - 1);
    gort_keep_alive(&bits);
}
void many_right(unsigned bits, int depth)
{
    many_left(bits >> 1, depth > 0 ? depth - 1 : 0);
    gort_keep_alive(&bits);
}

static void start_all(int many)
{
    static int one, two;
    gort_pprof_profile *own = gort_pprof_new("test/own \"<&");
    gort_pprof_add(own, &one, 0);
    gort_pprof_add(own, &two, 0);
    gort_set_block_profile_rate(1);
    gort_set_mutex_profile_fraction(1);
    never = gort_make_chan(int, 0);
    tokens = gort_make_chan(int, 0);
    gort_mutex_lock(&convoy);
    for (int i = 0; i < WAITERS; i++)
        gort_go(waits_for_news);
    for (int i = 0; i < QUEUED; i++)
        gort_go(queues_up);
    for (int i = 0; i < 3; i++)
        gort_go(waits_for_nothing);
    gort_go(selects_nothing);
    for (int i = 0; i < LOST; i++)
        gort_go(waits_for_the_lost, gort_make_chan(int, 0));
    gort_go(works);
    gort_go(takes_tokens);
    for (int i = 0; i < many; i++)
        gort_go(many_left, i, 4);
}

static void serve(const char *address)
{
    int port = gort_debug_serve(address);
    if (port < 0)
        printf("error %s\n", strerror(errno));
    else
        printf("port %d\n", port);
    (void)fflush(stdout);
}

static void obey(char *line)
{
    line[strcspn(line, "\n")] = 0;
    if (strncmp(line, "start ", 6) == 0) {
        serve(line + 6);
    } else if (strcmp(line, "stop") == 0) {
        gort_debug_serve_stop();
        puts("stopped");
    } else {
        printf("goroutines %d\n", gort_num_goroutine());
    }
    (void)fflush(stdout);
}

static int program(int argc, char **argv)
{
    char line[512];
    size_t n = 0;
    if (argc > 2 && strcmp(argv[2], "deadlock") == 0) {
        serve(argv[1]);
        waits_for_nothing();
    }
    start_all(argc > 2 ? atoi(argv[2]) : 0);
    serve(argc > 1 ? argv[1] : "0");
    while (gort_read(0, line + n, 1) == 1) {
        n++;
        if (line[n - 1] == '\n' || n == sizeof line - 1) {
            line[n] = 0;
            obey(line);
            n = 0;
        }
    }
    __atomic_store_n(&ended, 1u, __ATOMIC_RELAXED);
    gort_debug_serve_stop();
    return 0;
}

GORT_MAIN(program)
