/* fail.c: a program that fails in each way there is, to see what it says then.
 *
 *     fail NAME        fails that way
 *     fail             prints each name, its exit status, and the first line of what it prints
 *
 * Every report has the same parts: why; for a fault the signal, in brackets; then the goroutine
 * that failed, its calls from the innermost one with file and line, and `created by`. The exit
 * status is 2. If all goroutines wait, the report shows each with what it waits for: try `fail
 * deadlock`.
 *
 *   - A panic (panic, error, nil, divide, index, closed ...) runs the deferred functions first, and
 * one of them may stop it: `fail recover`. Nobody did, so it ends the program, whichever goroutine
 * it was in.
 *   - A fatal error (deadlock, unlock, overflow, throw) cannot be stopped.
 *   - SIGQUIT (Ctrl-\) asks any program for the report. With GOTRACEBACK=all, a panic shows the
 * other goroutines too; with GOTRACEBACK=none only why; with GOTRACEBACK=crash it dumps core at the
 * end.
 */
#include <gort.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *path;
    int code;
} open_error;
GORT_TYPE(open_error, path)

static const char *open_error_text(const open_error *e)
{
    return gort_sprintf("cannot open %s: code %d", e->path, e->code);
}
GORT_TYPE_ERROR(open_error, open_error_text)

static volatile int zero; /* as the compiler cannot know */
static int *volatile nowhere;
#define NIL "runtime error: invalid memory address or nil pointer dereference"

static void panic_string(void)
{
    gort_panic(gort_any_string("out of coffee"));
}

static void panic_error(void)
{
    gort_panic(gort_box(open_error, {"/etc/nothing", 2}));
}

static void panic_format(void)
{
    gort_panicf("%d of %d failed", 3, 4);
}

static void say(void *arg)
{
    (void)arg;
    fprintf(stderr, "deferred functions run first\n");
}

static void panic_deferred(void)
{
    gort_defer(say, NULL);
    panic_string();
}

static void stop_panic(void *arg)
{
    gort_any v;
    if (gort_recover(&v))
        fprintf(stderr, "recovered: %s\n", gort_error_string(v));
    (void)arg;
}

static void recover(void)
{
    GORT_SCOPE
    {
        gort_defer(stop_panic, NULL);
        *nowhere = 1;
    }
    fprintf(stderr, "and the program goes on\n");
}

static void nil(void)
{
    *nowhere = 1;
}

static void divide(void)
{
    zero = 7 / zero;
}

static void index_out(void)
{
    int squares[3] = {0, 1, 4};
    zero = squares[gort_index(5 + zero, 3)];
}

static void closed(void)
{
    gort_chan *c = gort_make_chan(int, 1);
    gort_chan_close(c);
    gort_chan_send(c, &(int){1});
}

static void wrong_type(void)
{
    zero = gort_assert(gort_any_string("three"), int);
}

static void receive(gort_chan *c)
{
    gort_chan_recv(c, NULL);
}

static void deadlock(void)
{
    gort_chan *c = gort_make_chan(int, 0);
    gort_mutex m = {0};
    gort_go(receive, c);
    gort_mutex_lock(&m);
    gort_mutex_lock(&m);
}

static void in_goroutine(void)
{
    gort_go(nil);
    gort_sleep(10 * GORT_SECOND);
}

static __attribute__((noinline)) int recurse(int n)
{
    volatile char room[100] = {(char)n};
    return (zero ? 0 : recurse(n + 1)) + room[zero];
}

static void overflow(void)
{
    recurse(0);
}

static void unlock(void)
{
    gort_mutex m = {0};
    gort_mutex_unlock(&m);
}

static void throw(void)
{
    gort_throw("this cannot be");
}

static void quit(void)
{
    raise(SIGQUIT);
}

static const struct {
    const char *name, *first;
    int status;
    void (*fn)(void);
} ways[] = {
    {"panic", "panic: out of coffee", 2, panic_string},
    {"error", "panic: cannot open /etc/nothing: code 2", 2, panic_error},
    {"format", "panic: 3 of 4 failed", 2, panic_format},
    {"deferred", "deferred functions run first", 2, panic_deferred},
    {"recover", "recovered: " NIL, 0, recover},
    {"nil", "panic: " NIL, 2, nil},
    {"divide", "panic: runtime error: integer divide by zero", 2, divide},
    {"index", "panic: runtime error: index out of range [5] with length 3", 2, index_out},
    {"closed", "panic: send on closed channel", 2, closed},
    {"type", "panic: interface conversion: interface {} is string, not int", 2, wrong_type},
    {"goroutine", "panic: " NIL, 2, in_goroutine},
    {"deadlock", "fatal error: all goroutines are asleep - deadlock!", 2, deadlock},
    {"overflow", "runtime: goroutine stack exceeds", 2, overflow},
    {"unlock", "fatal error: sync: unlock of unlocked mutex", 2, unlock},
    {"throw", "fatal error: this cannot be", 2, throw},
    {"goexit", "fatal error: no goroutines (main called runtime.Goexit) - deadlock!", 2,
     gort_goexit},
    {"quit", "SIGQUIT: quit", 2, quit},
};

static int run(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        if (argc < 2)
            printf("%-10s %d  %s\n", ways[i].name, ways[i].status, ways[i].first);
        else if (strcmp(argv[1], ways[i].name) == 0)
            return ways[i].fn(), 0;
    }
    return argc < 2 ? 0 : 1;
}

GORT_MAIN(run)
