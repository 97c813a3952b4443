/* seal.c: a generation that has ended becomes bytes in a row.
 *
 * Owns    the order of batches in a generation: the frequency first, so that a file that breaks off is
 *         still read as far as it goes; strings last, since all others add to them.
 * Locks   none: the tracer's thread, without the world being stopped. Asking for names may wait for a lock
 *         of libc that a stopped goroutine holds: nobody waits for us meanwhile who is needed for that.
 */
#include "trace/trace_int.h"

#include <string.h>

static struct batch batch; /* the tracer's thread's */

static size_t head(uint8_t *to, const struct gen *g, size_t body)
{
    uint8_t *at = to;
    *at++ = EV_BATCH;
    at = put_number(at, g->number);
    at = put_number(at, NOBODY);
    at = put_number(at, (uint64_t)g->began_ns >> UNIT_SHIFT);
    return (size_t)(put_number(at, body) - to);
}

void batch_begin(struct batch *b, struct gen *g, enum event kind)
{
    b->gen = g;
    b->kind = kind;
    b->n = 1;
    b->body[0] = (uint8_t)kind;
}

static void batch_write(struct batch *b)
{
    uint8_t bytes[HEAD_BYTES_MAX + 10];
    gen_write(b->gen, bytes, head(bytes, b->gen, b->n));
    gen_write(b->gen, b->body, b->n);
    b->n = 1;
}

void batch_add(struct batch *b, const uint8_t *entry, size_t n)
{
    if (b->n + n > BATCH_BYTES_MAX)
        batch_write(b);
    memcpy(b->body + b->n, entry, n);
    b->n += n;
}

void batch_end(struct batch *b)
{
    if (b->n > 1)
        batch_write(b);
}

static void write_frequency(struct gen *g)
{
    uint8_t entry[10];
    batch_begin(&batch, g, EV_FREQUENCY);
    batch_add(&batch, entry, (size_t)(put_number(entry, UNITS_PER_SECOND) - entry));
    batch_end(&batch);
}

static void write_events(struct gen *g)
{
    for (const struct buffer *b = g->buffers.first; b != NULL; b = b->next)
        gen_write(g, b->data, b->len);
    buffers_put_all(&g->buffers);
}

static uint64_t string_of(struct gen *g, const char *text)
{
    return tables_string(g->tables, text, strlen(text));
}

static void write_stack(const struct stack_record *r, void *arg)
{
    struct gen *g = arg;
    struct frame f[STACK_FRAMES_MAX];
    uint8_t entry[16 + STACK_FRAMES_MAX * 4 * 10], *at = entry;
    size_t n = 0;
    for (uint32_t i = 0; i < r->n && n < STACK_FRAMES_MAX; i++)
        n += names_of(r->pcs[i], f + n, STACK_FRAMES_MAX - n);
    *at++ = EV_STACK;
    at = put_number(at, r->id);
    at = put_number(at, n);
    for (size_t i = 0; i < n; i++) {
        at = put_number(at, f[i].pc);
        at = put_number(at, string_of(g, f[i].function));
        at = put_number(at, string_of(g, f[i].file));
        at = put_number(at, (uint64_t)f[i].line);
    }
    batch_add(&batch, entry, (size_t)(at - entry));
}

static void write_text(uint64_t id, const char *text, size_t len)
{
    uint8_t entry[32 + STRING_BYTES_MAX], *at = entry;
    *at++ = EV_STRING;
    at = put_number(at, id);
    at = put_number(at, len);
    memcpy(at, text, len);
    batch_add(&batch, entry, (size_t)(at - entry) + len);
}

static void write_string(const struct string_record *r, void *arg)
{
    (void)arg;
    write_text(r->id, r->text, r->len);
}

void trace_each_text(void (*fn)(unsigned id, const char *text))
{
    static const char *const texts[] = {
        NULL,
#define TEXT(name, words) words,
#include "trace/texts.def"
#undef TEXT
    };
    for (unsigned i = 1; i < ARRAY_LEN(texts); i++)
        fn(i, texts[i]);
}

static void write_fixed(unsigned id, const char *text)
{
    write_text(id, text, strlen(text));
}

static void write_strings(struct gen *g)
{
    batch_begin(&batch, g, EV_STRINGS);
    trace_each_text(write_fixed);
    tables_each_string(g->tables, write_string, NULL);
    batch_end(&batch);
}

void trace_seal(struct gen *g)
{
    if (!g->cut) {
        write_frequency(g);
        write_events(g);
        samples_write(&batch, g);
        batch_begin(&batch, g, EV_STACKS);
        tables_each_stack(g->tables, write_stack, g);
        batch_end(&batch);
        write_strings(g);
    } else {
        buffers_put_all(&g->buffers);
    }
    tables_clear(g->tables);
    g->tables = NULL;
}
