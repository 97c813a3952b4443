/* logs.c: reads log lines for as long as they come, and reports on the last minute, within a memory limit.
 *
 *     some program | GOMEMLIMIT=40MiB logs [-w SECONDS]
 *     GOMEMLIMIT=40MiB logs [-w SECONDS] -g LINES        invents the lines itself, 2000 for each second
 *
 * A line is `TIME LEVEL SERVICE MS TEXT`, with the time in seconds, never going back; SECONDS: 60. Whenever
 * a minute of log time is over, there is a line for each service: how many lines the window holds, how many
 * of them are errors, half and 99% of them took no more than how many ms, and the slowest's text. The last
 * line tells how much memory that took.
 *
 * What to look at: each line becomes an object, with its text, in a queue that it leaves when it is too old.
 * Without GOMEMLIMIT the heap grows to twice what the window needs; with it, collections come earlier where
 * there is less room than that. GOGC=off GOMEMLIMIT=... collects only when the limit is near.
 */
#include <gort.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct record record;
struct record {
    record *next; /* younger */
    char *text;
    long time;
    int ms;
    bool error;
};
GORT_TYPE(record, next, text)

typedef struct service service;
struct service {
    service *next;
    char *name;
    record *oldest, **end; /* a queue */
    size_t count;
};
GORT_TYPE(service, next, name, oldest, end)

static service *services; /* by name */
static long window = 60;

/* ---- the windows */

static service *find(const char *name)
{
    service **s = &services;
    while (*s != NULL && strcmp((*s)->name, name) < 0)
        s = &(*s)->next;
    if (*s == NULL || strcmp((*s)->name, name) != 0) {
        service *added = gort_new(service);
        *added = (service){.next = *s, .name = gort_strdup(name)};
        added->end = &added->oldest; /* a pointer into an object keeps it as well */
        *s = added;
    }
    return *s;
}

static void forget_before(service *s, long time)
{
    for (; s->oldest != NULL && s->oldest->time < time; s->count--)
        s->oldest = s->oldest->next;
    if (s->oldest == NULL)
        s->end = &s->oldest;
}

static int by_ms(const void *a, const void *b)
{
    const record *x = *(record *const *)a, *y = *(record *const *)b;
    return (x->ms > y->ms) - (x->ms < y->ms);
}

static void report(long now)
{
    for (service *s = services; s != NULL; s = s->next) {
        forget_before(s, now - window);
        record **sorted = gort_alloc((s->count + 1) * sizeof(record *)), **end = sorted;
        size_t errors = 0;
        const record *slowest = s->oldest;
        for (record *r = s->oldest; r != NULL; r = r->next) {
            *end++ = r;
            slowest = r->ms > slowest->ms ? r : slowest;
            errors += r->error;
        }
        qsort(sorted, s->count, sizeof *sorted, by_ms);
        if (s->count > 0)
            printf("%ld %s: %zu lines, %zu errors, %d ms, 99%%: %d ms, slowest: %s\n", now, s->name,
                   s->count, errors, sorted[(s->count - 1) / 2]->ms,
                   sorted[(s->count - 1) * 99 / 100]->ms, slowest->text);
    }
}

/* Takes one line; false if it is none of a log. */
static bool take(const char *line)
{
    static long next_report = -1;
    char level[16], name[64];
    long time;
    int ms, text = 0;
    if (sscanf(line, "%ld %15s %63s %d %n", &time, level, name, &ms, &text) < 4 || text == 0)
        return false;
    if (next_report < 0)
        next_report = time + 60;
    for (; time >= next_report; next_report += 60)
        report(next_report);
    service *s = find(name);
    forget_before(s, time - window);
    record *r = gort_new(record);
    *r = (record){.text = gort_strdup(line + text), .time = time, .ms = ms};
    r->error = strcmp(level, "ERROR") == 0;
    *s->end = r;
    s->end = &r->next;
    s->count++;
    return true;
}

/* ---- where lines come from */

static long read_lines(int fd)
{
    size_t room = 64 * 1024, have = 0;
    char *buf = gort_alloc_noscan(room);
    long bad = 0;
    for (ssize_t n; (n = gort_read(fd, buf + have, room - have - 1)) > 0;) {
        char *line = buf, *end;
        have += (size_t)n;
        for (; (end = memchr(line, '\n', have)) != NULL; line = end + 1) {
            *end = 0;
            bad += !take(line);
            have -= (size_t)(end + 1 - line);
        }
        memmove(buf, line, have);
        if (have == room - 1)
            have = 0, bad++; /* such a long line is none */
    }
    buf[have] = 0;
    return bad + (have > 0 && !take(buf));
}

static void invent_lines(long count)
{
    uint64_t random = 88172645463325252u;
    for (long i = 0; i < count; i++) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        unsigned ms = (unsigned)(random >> 20 & 0xff) * (unsigned)(random >> 30 & 0xff) >> 6;
        take(gort_sprintf("%ld %s service%u %u request %ld of user %u", i / 2000,
                          random % 50 == 0 ? "ERROR" : "INFO", (unsigned)(random >> 40) % 5, ms, i,
                          (unsigned)(random >> 8)));
    }
}

/* ---- memory */

static uint64_t most_in_use;

/* What GOMEMLIMIT limits: what the runtime has mapped and not given back. */
static void look(gort_mem_stats *m)
{
    gort_read_mem_stats(m);
    uint64_t in_use = m->sys - m->heap_released;
    most_in_use = in_use > most_in_use ? in_use : most_in_use;
}

static void watch(gort_mem_stats *m)
{
    for (;; gort_sleep(5 * GORT_MILLISECOND))
        look(m);
}

static int run(int argc, char **argv)
{
    long invented = -1;
    for (int opt; (opt = getopt(argc, argv, "w:g:")) != -1;) {
        if (opt == '?')
            return 2;
        *(opt == 'w' ? &window : &invented) = atol(optarg);
    }
    gort_mem_stats *mine = gort_new(gort_mem_stats);
    gort_go(watch, gort_new(gort_mem_stats));
    long bad = 0;
    if (invented >= 0)
        invent_lines(invented);
    else
        bad = read_lines(0);
    look(mine);
    if (bad > 0)
        fprintf(stderr, "%ld lines are none of a log\n", bad);
    int64_t limit = gort_debug_set_memory_limit(-1);
    fprintf(stderr, "memory: %.1f MB at most, limit %.1f MB, %.0f MB allocated, %u collections\n",
            (double)most_in_use / 1e6, limit == INT64_MAX ? 0.0 : (double)limit / 1e6,
            (double)mine->total_alloc / 1e6, mine->num_gc);
    return bad > 0;
}

GORT_MAIN(run)
