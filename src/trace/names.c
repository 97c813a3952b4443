/* names.c: what a pc means, remembered from generation to generation.
 *
 * Owns    the table of answers, its memory, and how the runtime's own functions are called in traces.
 * Locks   none: only the tracer's thread asks. symb/names.c's while asking.
 */
#include "trace/trace_int.h"

#include "base/fmt.h"
#include "dump/cgo.h"
#include "symb/symb.h"

#include <string.h>

enum { SLOTS = 16384, CHUNK_BYTES = 256 * 1024, INLINED_MAX = 32, NAME_MAX_BYTES = 1000 };

struct chunk {
    struct chunk *next;
    size_t used;
    uint8_t data[];
};
struct answer {
    uintptr_t pc; /* 0: none */
    size_t n;
    struct frame *frames;
};

static struct {
    struct answer *slots;
    size_t n;
    struct chunk *chunk;
} table;

static void forget_all(void)
{
    for (struct chunk *c = table.chunk, *next; c != NULL; c = next) {
        next = c->next;
        os_unmap(c, CHUNK_BYTES);
    }
    memset(table.slots, 0, SLOTS * sizeof *table.slots);
    table.chunk = NULL;
    table.n = 0;
}

static void *room(size_t bytes)
{
    bytes = (bytes + 7) & ~(size_t)7;
    struct chunk *c = table.chunk;
    if (c == NULL || c->used + bytes > CHUNK_BYTES - sizeof *c) {
        if ((c = os_map(CHUNK_BYTES)) == NULL)
            return NULL;
        c->next = table.chunk;
        table.chunk = c;
    }
    void *p = c->data + c->used;
    c->used += bytes;
    return p;
}

static const char *keep(const struct out *o)
{
    char *p = room(o->len + 1);
    if (p == NULL)
        return "?";
    memcpy(p, o->mem, o->len);
    p[o->len] = '\0';
    return p;
}

/* The tools take what begins with `runtime.` for the runtime's own, as it is: but what programs call is
 * shown to them. */
static const char *function_name(uintptr_t pc, const struct symb_line *l)
{
    char text[NAME_MAX_BYTES];
    struct out o;
    out_init_mem(&o, text, sizeof text);
    if (l->function == NULL) {
        out_hex(&o, pc);
    } else {
        if (symb_in_own_text(pc) && strncmp(l->function, "gort_", 5) != 0)
            out_str(&o, "runtime.");
        out_str(&o, l->function);
    }
    return keep(&o);
}

static const char *file_name(const struct symb_line *l)
{
    char text[NAME_MAX_BYTES];
    struct out o;
    out_init_mem(&o, text, sizeof text);
    if (l->path == NULL)
        return "";
    out_str(&o, l->path);
    return keep(&o);
}

static void ask(struct answer *a, uintptr_t pc)
{
    struct symb_line lines[INLINED_MAX];
    size_t n = cgo_lines(pc, false, lines, INLINED_MAX);
    a->frames = room(n * sizeof *a->frames);
    if (a->frames == NULL)
        return;
    a->pc = pc;
    a->n = n;
    for (size_t i = 0; i < n; i++)
        a->frames[i] = (struct frame){
            .pc = pc | (uint64_t)i << 56, /* inlined calls share an instruction */
            .function = function_name(pc - 1, &lines[i]),
            .file = file_name(&lines[i]),
            .line = lines[i].line > 0 ? lines[i].line : 0,
        };
}

/* The frames of this return address, the innermost first. */
size_t names_of(uintptr_t pc, struct frame *f, size_t max)
{
    if (table.slots == NULL && (table.slots = os_map(SLOTS * sizeof *table.slots)) == NULL)
        return 0;
    if (table.n > SLOTS / 4 * 3)
        forget_all();
    size_t at = (pc * 0x9E3779B97F4A7C15ULL >> 40) % SLOTS;
    while (table.slots[at].pc != 0 && table.slots[at].pc != pc)
        at = (at + 1) % SLOTS;
    struct answer *a = &table.slots[at];
    if (a->pc == 0) {
        ask(a, pc);
        table.n++;
    }
    size_t n = a->n < max ? a->n : max;
    if (n > 0)
        memcpy(f, a->frames, n * sizeof *f);
    return n;
}
