/* crash.c: the program dies, and the flight recorder leaves its file.
 *
 * Owns    what is done then with memory that other threads may have been changing.
 * Holds   1. Of the current generation only events up to one moment are written: then all that a later one
 *            depends on is there. The moment lies SETTLE_NS before the look at the buffers, so that what
 *            was being written then is complete.
 *         2. No lock is waited for, nothing is allocated, names come from symbol tables alone.
 *         3. From `trace_dying` on the tracer's thread ends no generation; what it was at when it looked last is
 *            over SETTLE_NS later. One that it had ended by then is waited for, ENDING_NS at most, and after
 *            that (ENDING_LOST) it frees none that is kept.
 * What cannot be had is left out: if the tracer's thread has not made the bytes of the generation before by
 * then, the file has the current one alone.
 */
#include "trace/trace_int.h"

#include "base/fmt.h"
#include "conf/limits.h"
#include "os/os.h"
#include "symb/symb.h"

#include <string.h>

enum { SETTLE_NS = 2000000, ENDING_NS = 500000000 };

static struct {
    int fd;
    uint64_t until;
    size_t n;
    uint8_t bytes[BATCH_BYTES_MAX];
} crash;

static void put(const void *bytes, size_t n)
{
    for (const char *at = bytes; n > 0;) {
        int64_t k = os_write(crash.fd, at, n);
        if (k <= 0)
            return;
        at += k;
        n -= (size_t)k;
    }
}

static void put_batch(const uint8_t *body, size_t n)
{
    uint8_t head[HEAD_BYTES_MAX + 10], *at = head;
    *at++ = EV_BATCH;
    at = put_number(at, trace_generation);
    at = put_number(at, NOBODY);
    at = put_number(at, crash.until);
    put(head, (size_t)(put_number(at, n) - head));
    put(body, n);
}

/* ---- events up to the moment */
static const uint8_t *number(const uint8_t *at, const uint8_t *end, uint64_t *v)
{
    *v = 0;
    for (unsigned shift = 0; at < end && shift < 64; shift += 7) {
        *v |= (uint64_t)(*at & 0x7f) << shift;
        if (*at++ < 0x80)
            return at;
    }
    return NULL;
}

static const uint8_t *skip_numbers(const uint8_t *at, const uint8_t *end, unsigned n)
{
    for (uint64_t v; n > 0 && at != NULL; n--)
        at = number(at, end, &v);
    return at;
}

/* Where the events of the body end that happened in time. */
static const uint8_t *cut(const uint8_t *at, const uint8_t *end, uint64_t time)
{
    static const uint8_t nargs[] = {
        [EV_PROCS_CHANGE] = 2,
        [EV_PROC_START] = 2,
        [EV_PROC_STATUS] = 2,
        [EV_GO_CREATE] = 3,
        [EV_GO_CREATE_SYSCALL] = 1,
        [EV_GO_START] = 2,
        [EV_GO_STOP] = 2,
        [EV_GO_BLOCK] = 2,
        [EV_GO_UNBLOCK] = 3,
        [EV_GO_STATUS] = 3,
        [EV_GO_SYSCALL_BEGIN] = 2,
        [EV_STW_BEGIN] = 2,
        [EV_GC_ACTIVE] = 1,
        [EV_GC_BEGIN] = 2,
        [EV_GC_END] = 1,
        [EV_SWEEP_BEGIN] = 1,
        [EV_SWEEP_END] = 2,
        [EV_ASSIST_ACTIVE] = 1,
        [EV_ASSIST_BEGIN] = 1,
        [EV_HEAP_ALLOC] = 1,
        [EV_HEAP_GOAL] = 1,
        [EV_TASK_BEGIN] = 4,
        [EV_TASK_END] = 2,
        [EV_REGION_BEGIN] = 3,
        [EV_REGION_END] = 3,
        [EV_LOG] = 4,
        [EV_GO_STATUS_STACK] = 4,
    };
    while (at < end && *at <= EV_GO_STATUS_STACK) {
        uint64_t delta;
        const uint8_t *next = number(at + 1, end, &delta);
        time += delta;
        if (next == NULL || time > crash.until)
            return at;
        next = skip_numbers(next, end, *at < ARRAY_LEN(nargs) ? nargs[*at] : 0);
        if (next == NULL)
            return at;
        at = next;
    }
    return at;
}

/* A batch of a thread, which ends at `end`. */
static void put_events(const struct buffer *b, const uint8_t *end)
{
    uint64_t time = 0;
    const uint8_t *body = b->data + b->size_at + 3;
    const uint8_t *at = skip_numbers(b->data + 1, body, 2); /* generation, thread */
    if (at == NULL || number(at, body, &time) == NULL || end < body)
        return;
    const uint8_t *last = cut(body, end, time);
    uint8_t size[3];
    put_size(size, (size_t)(last - body));
    put(b->data, b->size_at);
    put(size, sizeof size);
    put(body, (size_t)(last - body));
}

static void put_filled(const struct buffer *b, void *arg)
{
    (void)arg;
    put_events(b, b->data + b->len);
}

static void put_unfilled(struct trace_m *t)
{
    const struct buffer *b = __atomic_load_n(&t->buffer, __ATOMIC_ACQUIRE); /* begin_batch */
    const uint8_t *at = __atomic_load_n(&t->at, __ATOMIC_ACQUIRE);          /* event_done */
    if (b != NULL && at > b->data && at <= b->data + HEAD_BYTES_MAX + TRACE_BUFFER_BYTES)
        put_events(b, at);
}

/* ---- stacks and strings: a function's number is made of its stack's and its place there */
static void flush_entries(void)
{
    if (crash.n > 1)
        put_batch(crash.bytes, crash.n);
    crash.n = 1;
}

static uint8_t *entry(size_t most)
{
    if (crash.n + most > sizeof crash.bytes)
        flush_entries();
    return crash.bytes + crash.n;
}

static uint64_t name_id(const struct stack_record *r, uint32_t i)
{
    return ((uint64_t)r->id + 1) << 20 | i;
}

static void put_stack(const struct stack_record *r, void *arg)
{
    (void)arg;
    uint32_t n = r->n < STACK_FRAMES_MAX ? r->n : STACK_FRAMES_MAX;
    uint8_t *at = entry(32 + (size_t)n * 40);
    *at++ = EV_STACK;
    at = put_number(at, r->id);
    at = put_number(at, n);
    for (uint32_t i = 0; i < n; i++) {
        at = put_number(at, r->pcs[i]);
        at = put_number(at, name_id(r, i));
        at = put_number(at, 0);
        at = put_number(at, 0);
    }
    crash.n = (size_t)(at - crash.bytes);
}

static void put_text(uint64_t id, const char *text, size_t len)
{
    if (len > STRING_BYTES_MAX)
        len = STRING_BYTES_MAX;
    uint8_t *at = entry(32 + len);
    *at++ = EV_STRING;
    at = put_number(at, id);
    at = put_number(at, len);
    memcpy(at, text, len);
    crash.n = (size_t)(at - crash.bytes) + len;
}

/* As names.c calls it in generations that are complete. */
static void put_name(uint64_t id, uintptr_t pc)
{
    char text[STRING_BYTES_MAX];
    struct symb_symbol s;
    struct out o;
    const char *name = symb_elf_symbol(pc, &s) ? s.name : "?";
    out_init_mem(&o, text, sizeof text);
    if (symb_in_own_text(pc) && strncmp(name, "gort_", 5) != 0)
        out_str(&o, "runtime.");
    out_str(&o, name);
    put_text(id, o.mem, o.len);
}

static void put_names(const struct stack_record *r, void *arg)
{
    (void)arg;
    for (uint32_t i = 0; i < r->n && i < STACK_FRAMES_MAX; i++)
        put_name(name_id(r, i), r->pcs[i] - 1);
}

static void put_string(const struct string_record *r, void *arg)
{
    (void)arg;
    put_text(r->id, r->text, r->len);
}

static void put_fixed(unsigned id, const char *text)
{
    put_text(id, text, strlen(text));
}

static void put_current(void)
{
    uint8_t frequency[12] = {EV_FREQUENCY};
    put_batch(frequency, (size_t)(put_number(frequency + 1, UNITS_PER_SECOND) - frequency));
    buffers_each_filled(put_filled, NULL);
    trace_each(put_unfilled);
    crash.bytes[0] = EV_STACKS;
    crash.n = 1;
    tables_each_stack(tables_now, put_stack, NULL);
    flush_entries();
    crash.bytes[0] = EV_STRINGS;
    trace_each_text(put_fixed);
    tables_each_string(tables_now, put_string, NULL);
    tables_each_stack(tables_now, put_names, NULL);
    flush_entries();
}

static void put_gen(const struct gen *g)
{
    for (const struct piece *p = g->first; p != NULL; p = p->next)
        put(p->data, p->len);
}

/* True if nobody changes what is kept. */
static bool ending_is_over(void)
{
    for (int64_t left = ENDING_NS;; left -= SETTLE_NS) {
        uint32_t state = load_seq(&trace_ending);
        if (state == ENDING_NONE ||
            (left <= 0 && cas_seq(&trace_ending, (uint32_t)ENDING_SEALED, (uint32_t)ENDING_LOST)))
            return true;
        if (left <= -ENDING_NS)
            return false;
        os_sleep_ns(SETTLE_NS);
    }
}

void trace_crash(void)
{
    const char *path = flight_crash_path();
    if (path == NULL || trace_generation == 0 || swap_seq(&trace_dying, 1u) != 0)
        return;
    crash.until = trace_time();
    os_sleep_ns(SETTLE_NS);
    crash.fd = os_create(path);
    if (crash.fd < 0)
        return;
    bool settled = ending_is_over();
    put(TRACE_HEADER, TRACE_HEADER_BYTES);
    if (settled && flight_last_number() + 1 == trace_generation)
        flight_each_kept(put_gen);
    put_current();
    os_close(crash.fd);
}
