/* trace_test.c: traces begin, are read and end as Go's do; what cannot be written ends orderly. */
#include "trace/trace_int.h"

#include "base/fmt.h"
#include "conf/limits.h"
#include "sched/up.h"

#include "support.h"

#include <criterion/criterion.h>
#include <gort.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static gort_chan *done;

static void read_all(void)
{
    size_t len;
    int n = 0;
    while (gort_read_trace(&len) != NULL)
        n++;
    gort_chan_send(done, &n);
}

static void begin_end(void)
{
    int n;
    size_t len;
    done = gort_make_chan(int, 1);
    const void *first = gort_read_trace(&len);
    cr_expect(len == 16 && memcmp(first, "go 1.23 trace\0\0\0", 16) == 0);
    gort_stop_trace(); /* nothing to stop */
    cr_expect_not(gort_trace_is_enabled());
    for (int i = 0; i < 3; i++) {
        cr_expect_null(gort_start_trace().type);
        cr_expect(gort_trace_is_enabled());
        gort_any again = gort_start_trace();
        cr_expect(gort_is_runtime_error(again));
        cr_expect_str_eq(((const gort_string *)again.data)->ptr,
                         "runtime error: tracing is already enabled");
        gort_go(read_all);
        gort_stop_trace();
        cr_expect_not(gort_trace_is_enabled());
        gort_chan_recv(done, &n);
        cr_expect_geq(n, 2); /* the header, and at least one generation */
    }
}

Test(trace, begins_and_ends_again_and_again)
{
    in_gort(begin_end);
}

static au32 stopped;

static void stop_it(void)
{
    int n = 0;
    gort_stop_trace();
    store_seq(&stopped, 1u);
    gort_chan_send(done, &n);
}

static void not_drained(void)
{
    int n;
    size_t len;
    done = gort_make_chan(int, 1);
    gort_start_trace();
    gort_go(stop_it);
    while (gort_trace_is_enabled())
        gort_gosched();
    while (gort_read_trace(&len) != NULL) { /* not before all is read */
        cr_expect_not_null(gort_start_trace().type);
        cr_expect_not(load_seq(&stopped));
    }
    gort_chan_recv(done, &n);
    cr_expect_null(gort_start_trace().type);
}

Test(trace, stop_waits_until_all_is_read)
{
    in_gort(not_drained);
}

static void second_reader(void)
{
    size_t len;
    done = gort_make_chan(int, 1);
    gort_read_trace(&len); /* the header */
    gort_go(read_all);
    while (!trace_busy()) /* it waits for bytes */
        gort_gosched();
    if (gort_read_trace(&len) == NULL)
        print("nothing for the second\n");
}

static void in_child(void)
{
    in_gort(second_reader);
}

Test(trace, has_one_reader)
{
    char *out;
    int status;
    run_forked(in_child, &out, &status);
    cr_expect_str_eq(out, "runtime: ReadTrace called from multiple goroutines simultaneously\n"
                          "nothing for the second\n");
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    free(out);
}

static void full_disk(void)
{
    int fd = open("/dev/full", O_WRONLY);
    cr_expect_eq(gort_trace_start(fd), 0);
    errno = 0;
    cr_expect_eq(gort_trace_start(fd), -1);
    cr_expect_eq(errno, EBUSY);
    for (int i = 0; i < 1000; i++)
        gort_gosched();
    errno = 0;
    cr_expect_eq(gort_trace_stop(), -1);
    cr_expect_eq(errno, ENOSPC);
    int null = open("/dev/null", O_WRONLY);
    cr_expect_eq(gort_trace_start(null), 0);
    cr_expect_eq(gort_trace_stop(), 0);
    cr_expect_eq(gort_trace_stop(), 0);
}

Test(trace, stop_says_that_the_disk_is_full)
{
    in_gort(full_disk);
}

static void unread(void)
{
    size_t len, bytes = 0;
    trace_unread_max = 100000;
    done = gort_make_chan(int, 0);
    gort_start_trace();
    while (probe_on(PROBE_TRACE)) /* until it is too much */
        gort_gosched();
    cr_expect(gort_trace_is_enabled());
    cr_expect(trace_was_cut_off());
    gort_go(stop_it);
    while (gort_read_trace(&len) != NULL)
        bytes += len;
    cr_expect_lt(bytes, 1 << 24);
    trace_unread_max = (size_t)1 << 28;
    cr_expect_null(gort_start_trace().type);
}

Test(trace, ends_by_itself_when_nobody_reads, .timeout = 60)
{
    in_gort(unread);
}

static int null_fd(void)
{
    return open("/dev/null", O_WRONLY | O_CLOEXEC);
}

/* Much is kept, so that a generation or two, however long their reader takes, are less. */
static void kept_is_not_unread(void)
{
    enum { MUCH = 400000 };
    int n;
    struct stat kept = {0};
    FILE *f = tmpfile();
    done = gort_make_chan(int, 1);
    cr_expect_eq(gort_trace_flight_start(&(gort_trace_flight_options){.min_age_ns = INT64_MAX}), 0);
    while (kept.st_size <= MUCH) {
        for (int i = 0; i < 20000; i++)
            gort_gosched();
        cr_expect_eq(ftruncate(fileno(f), 0), 0);
        rewind(f);
        cr_expect_eq(gort_trace_flight_write(fileno(f)), 0);
        fstat(fileno(f), &kept);
    }
    fclose(f);
    trace_unread_max = MUCH;
    gort_start_trace();
    gort_go(read_all);
    gort_stop_trace();
    gort_chan_recv(done, &n);
    cr_expect_not(trace_was_cut_off());
    gort_trace_flight_stop();
}

Test(trace, what_the_flight_recorder_keeps_is_not_unread)
{
    in_gort(kept_is_not_unread);
}

static void two_stops(void)
{
    int n;
    size_t len;
    done = gort_make_chan(int, 2);
    gort_start_trace();
    gort_go(read_all);
    gort_stop_trace();
    gort_chan_recv(done, &n);
    gort_start_trace();
    gort_go(stop_it);
    while (gort_trace_is_enabled())
        gort_gosched();
    trace_await_drained(1); /* that has been read, whatever the second does */
    while (gort_read_trace(&len) != NULL)
        ;
    gort_chan_recv(done, &n);
}

Test(trace, who_stopped_one_does_not_wait_for_the_next)
{
    in_gort(two_stops);
}

/* A generation may end by itself before it is asked for: then the next one is cut. */
static void cut_flight(void)
{
    int fds[2], got;
    ssize_t n;
    static char bytes[1 << 20];
    cr_expect_eq(gort_trace_flight_start(NULL), 0);
    do {
        cr_expect_eq(pipe2(fds, O_CLOEXEC), 0);
        cr_expect_geq(fcntl(fds[1], F_SETPIPE_SZ, (int)sizeof bytes), (int)sizeof bytes);
        store_rlx(&trace_cut, 1u); /* as when there is no memory for a buffer */
        errno = 0;
        got = gort_trace_flight_write(fds[1]);
        cr_expect(got == 0 || errno == ENOMEM);
        close(fds[1]);
        n = read(fds[0], bytes, sizeof bytes);
        cr_expect(got == 0 ? n > TRACE_HEADER_BYTES : n == 0, "%d, %zd bytes", got, n);
        close(fds[0]);
    } while (got == 0 && n > TRACE_HEADER_BYTES);
    gort_trace_flight_stop();
}

Test(flight, of_nothing_writes_no_file)
{
    in_gort(cut_flight);
}

static void dying(void)
{
    cr_expect_eq(gort_trace_flight_start(NULL), 0);
    cr_expect_eq(gort_trace_flight_write(null_fd()), 0);
    store_seq(&trace_dying, 1u);
    cr_expect_neq(trace_control(OP_FLIGHT_NOW), 0); /* what was under way is over */
    uint64_t number = trace_generation;
    cr_expect_neq(trace_control(OP_FLIGHT_NOW), 0);
    cr_expect_eq(trace_generation, number);
    store_seq(&trace_dying, 0u);
    cr_expect_eq(trace_control(OP_FLIGHT_NOW), 0);
    cr_expect_neq(trace_generation, number);
    gort_trace_flight_stop();
}

Test(flight, of_a_dying_program_is_left_alone)
{
    in_gort(dying);
}

/* As all of the runtime's: who holds a lock is not stopped for somebody else's turn. */
static uint32_t stack(struct tables *t, const uintptr_t *pcs, size_t n)
{
    struct m *m = m_enter();
    uint32_t number = tables_stack(t, pcs, n);
    m_leave(m);
    return number;
}

static uint32_t string(struct tables *t, const char *text, size_t n)
{
    struct m *m = m_enter();
    uint32_t number = tables_string(t, text, n);
    m_leave(m);
    return number;
}

static void numbers(void)
{
    struct tables *t = tables_new();
    uintptr_t pcs[STACK_FRAMES_MAX];
    uint32_t last = 0;
    for (size_t i = 0; i < STACK_FRAMES_MAX; i++)
        pcs[i] = 1000 + i;
    uint32_t one = stack(t, pcs, 5), other = stack(t, pcs, 6);
    cr_expect(one != 0 && other != 0 && one != other);
    cr_expect_eq(stack(t, pcs, 5), one);
    cr_expect_eq(stack(t, pcs, 0), 0);
    for (uint32_t i = 0; i < 2 * TRACE_STACK_SLOTS; i++) {
        pcs[0] = i;
        last = stack(t, pcs, STACK_FRAMES_MAX);
    }
    cr_expect_eq(last, 0); /* there is no room for so many */
    pcs[0] = 1000;
    cr_expect_eq(stack(t, pcs, 5), one);
    uint32_t a = string(t, "a", 1), empty = string(t, "", 0);
    cr_expect(a >= TEXTS && empty >= TEXTS && a != empty);
    cr_expect_eq(string(t, "ab", 1), a);
    static char longest[3000];
    memset(longest, 'x', sizeof longest);
    cr_expect_eq(string(t, longest, 3000), string(t, longest, STRING_BYTES_MAX));
    m_enter();
    tables_clear(t);
    m_leave(self());
    cr_expect_eq(string(t, "other", 5), (uint32_t)TEXTS);
    cr_expect_eq(stack(t, pcs, 7), 1);
}

Test(tables, give_the_same_number_for_the_same)
{
    in_gort(numbers);
}

Test(format, numbers_are_leb128)
{
    uint8_t b[16];
    cr_expect_eq(put_number(b, 127) - b, 1);
    cr_expect_eq(put_number(b, 128) - b, 2);
    cr_expect(b[0] == 0x80 && b[1] == 1);
    cr_expect_eq(put_number(b, UINT64_MAX) - b, 10);
    put_size(b, 65536);
    cr_expect(b[0] == 0x80 && b[1] == 0x80 && b[2] == 4);
}

static void sample(const uintptr_t *pcs, size_t n)
{
    struct m *m = m_enter();
    trace_cpu_sample(m, m_curg(m), pcs, n);
    m_leave(m);
}

static int long_ago(void)
{
    return 1;
}

static void sampled(void)
{
    size_t len;
    uintptr_t pcs[3] = {(uintptr_t)sampled + 1, (uintptr_t)in_gort + 1, 1};
    gort_start_trace();
    for (int i = 0; i < 2000; i++) /* more than there is room for */
        sample(pcs, 3);
    done = gort_make_chan(int, 1);
    gort_go(stop_it);
    bool found = false;
    for (const char *p; (p = gort_read_trace(&len)) != NULL;)
        found |= memmem(p, len, "sampled", 7) != NULL;
    cr_expect(found);
    sample(pcs, 3); /* no trace: nothing */
    probe_set(PROBE_TRACE, true);
    pcs[0] = (uintptr_t)long_ago + 1;
    sample(pcs, 1); /* by a handler that began before the trace ended */
    probe_set(PROBE_TRACE, false);
    gort_start_trace();
    gort_go(stop_it);
    found = false;
    for (const char *p; (p = gort_read_trace(&len)) != NULL;)
        found |= memmem(p, len, "long_ago", 8) != NULL;
    cr_expect_not(found);
}

Test(samples, are_part_of_the_trace)
{
    in_gort(sampled);
}

static void regions(void)
{
    struct g *g = g_self();
    done = gort_make_chan(int, 1);
    gort_start_trace();
    gort_trace_region_begin((gort_trace_task){0}, "a");
    gort_trace_region_begin((gort_trace_task){1}, "b");
    cr_expect_eq(g->trace.nregions, 2);
    gort_trace_region_end((gort_trace_task){0}, "a"); /* does not fit */
    cr_expect_eq(g->trace.nregions, 2);
    gort_trace_region_end((gort_trace_task){1}, "b");
    gort_trace_region_end((gort_trace_task){0}, "a");
    gort_trace_region_end((gort_trace_task){0}, "a");
    cr_expect_eq(g->trace.nregions, 0);
    for (int i = 0; i < 20; i++)
        gort_trace_region_begin((gort_trace_task){0}, "deep");
    for (int i = 0; i < 20; i++)
        gort_trace_region_end((gort_trace_task){0}, "deep");
    cr_expect_eq(g->trace.nregions, 0);
    gort_go(read_all);
    gort_stop_trace();
}

Test(user, regions_that_do_not_fit_are_left_out)
{
    in_gort(regions);
}

static gort_chan *over;

static void leaves_open(void)
{
    int n = 0;
    for (int i = 0; i < 5; i++)
        gort_trace_region_begin((gort_trace_task){0}, "left open");
    gort_chan_send(done, &n);
    gort_chan_recv(over, &n);
}

static void starts_anew(void)
{
    int n = (int)g_self()->trace.nregions;
    gort_chan_send(done, &n);
}

static void trace_once(void (*fn)(void), int *n)
{
    gort_start_trace();
    gort_go(fn);
    gort_chan_recv(done, n);
    gort_go(read_all);
    gort_stop_trace();
}

/* Of the goroutines that take the dead one's place, some other one may be first. */
static void born_again(void)
{
    enum { TRIES = 100 };
    int n;
    done = gort_make_chan(int, 0);
    over = gort_make_chan(int, 0);
    gort_gomaxprocs(1);
    trace_once(leaves_open, &n);
    gort_chan_recv(done, &n); /* of read_all */
    gort_chan_send(over, &n); /* it dies while no trace is made */
    gort_gosched();
    for (int i = 0; i < TRIES; i++) {
        trace_once(starts_anew, &n);
        cr_expect_eq(n, 0);
        gort_chan_recv(done, &n);
    }
}

Test(user, a_goroutine_begins_without_regions)
{
    in_gort(born_again);
}
