/* count.c: profiles that count stacks: goroutine, threadcreate, and the program's own.
 *
 * Owns    merging of equal stacks, and their order.
 */
#include "prof/prof_int.h"

#include "os/os.h"

#include <errno.h>
#include <string.h>

struct group {
    const struct prof_stack *s;
    int64_t count;
    size_t label; /* its labels as text; 0: none */
    const struct pbuf *text;
};

struct counts {
    const char *name;
    const struct prof_stack *s;
    size_t n;
    bool as_text;
    /* made here: */
    struct group *group;
    size_t cap;
    struct index by_stack;
    struct pbuf text; /* of labels, each ended by NUL */
    struct pbuf out;
    bool failed;
};

/* ---- equal ones */
static bool is_group(uint32_t i, const void *key, void *arg)
{
    const struct counts *c = arg;
    const struct group *a = &c->group[i], *b = key;
    return a->s->n == b->s->n && memcmp(a->s->pcs, b->s->pcs, a->s->n * sizeof a->s->pcs[0]) == 0 &&
           strcmp(c->text.mem + a->label, c->text.mem + b->label) == 0;
}

static size_t label_text(struct counts *c, const gort_pprof_labels *l)
{
    size_t at = c->text.len;
    if (l == NULL)
        return 0;
    prof_text_labels(&c->text, l);
    pbuf_char(&c->text, '\0');
    if (!c->text.failed && strcmp(c->text.mem + at, "{}") == 0) {
        c->text.len = at;
        return 0;
    }
    return at;
}

static void merge(struct counts *c, const struct prof_stack *s)
{
    struct group new = {.s = s, .count = 1, .label = label_text(c, s->labels), .text = &c->text};
    if (c->text.failed)
        return;
    const char *label = c->text.mem + new.label;
    uint64_t hash = prof_hash(s->pcs, s->n * sizeof s->pcs[0], prof_hash(label, strlen(label), 0));
    uint32_t i = index_find(&c->by_stack, hash, is_group, &new, c);
    if (i != UINT32_MAX) {
        c->group[i].count++;
        if (new.label != 0)
            c->text.len = new.label;
        return;
    }
    struct group *g = prof_table_room(c->group, &c->cap, c->by_stack.n + 1, sizeof *g);
    if (g == NULL || !index_add(&c->by_stack, hash)) {
        c->failed = true;
        return;
    }
    c->group = g;
    g[c->by_stack.n - 1] = new;
}

/* ---- their order: the count, then the text of the stack */
static int compare_hex(uintptr_t a, uintptr_t b)
{
    int shift_a = a == 0 ? 0 : (63 - __builtin_clzl(a)) / 4 * 4;
    int shift_b = b == 0 ? 0 : (63 - __builtin_clzl(b)) / 4 * 4;
    for (; shift_a >= 0 && shift_b >= 0; shift_a -= 4, shift_b -= 4) {
        unsigned x = a >> shift_a & 15, y = b >> shift_b & 15;
        if (x != y)
            return x < y ? -1 : 1;
    }
    return shift_a < 0 ? (shift_b < 0 ? 0 : -1) : 1;
}

static int compare(const void *pa, const void *pb)
{
    const struct group *a = pa, *b = pb;
    if (a->count != b->count)
        return a->count > b->count ? -1 : 1;
    for (size_t i = 0; i < a->s->n && i < b->s->n; i++) {
        int c = compare_hex(a->s->pcs[i], b->s->pcs[i]);
        if (c != 0)
            return c;
    }
    if (a->s->n != b->s->n)
        return a->s->n < b->s->n ? -1 : 1;
    return strcmp(a->text->mem + a->label, b->text->mem + b->label);
}

static void merge_all(void *arg)
{
    struct counts *c = arg;
    pbuf_char(&c->text, '\0'); /* no labels */
    for (size_t i = 0; i < c->n && !c->failed; i++)
        merge(c, &c->s[i]);
    c->failed |= c->text.failed;
    c->failed = c->failed || !prof_sort(c->group, c->by_stack.n, sizeof c->group[0], compare);
}

/* ---- the two forms */
static void print_all(void *arg)
{
    struct counts *c = arg;
    pbuf_str(&c->out, c->name);
    pbuf_str(&c->out, " profile: total ");
    pbuf_uint(&c->out, c->n);
    pbuf_char(&c->out, '\n');
    for (size_t i = 0; i < c->by_stack.n; i++) {
        const struct group *g = &c->group[i];
        pbuf_int(&c->out, g->count);
        pbuf_str(&c->out, " @");
        prof_text_pcs(&c->out, g->s->pcs, g->s->n);
        if (g->label != 0) {
            pbuf_str(&c->out, "\n# labels: ");
            pbuf_str(&c->out, c->text.mem + g->label);
        }
        pbuf_char(&c->out, '\n');
        prof_text_stack(&c->out, g->s->pcs, g->s->n, PROF_WITHOUT_RUNTIME);
    }
}

PARKS static int write_text(struct counts *c, int fd)
{
    prof_foreign(print_all, c);
    int r = prof_write_all(fd, &c->out);
    pbuf_free(&c->out);
    return r;
}

void prof_count_head(struct pprof_head *h, const char *name)
{
    *h = (struct pprof_head){
        .columns = {{name, "count"}},
        .ncolumns = 1,
        .period = {name, "count"},
        .period_value = 1,
        .time_ns = os_walltime(),
    };
}

PARKS static int write_proto(const struct counts *c, int fd)
{
    struct pprof_head head;
    prof_count_head(&head, c->name);
    struct pprof *w = pprof_begin(&head);
    for (size_t i = 0; i < c->by_stack.n; i++) {
        const struct group *g = &c->group[i];
        pprof_sample(w, g->s->pcs, g->s->n, &g->count, g->s->labels, 0);
    }
    return pprof_end(w, fd);
}

PARKS int prof_write_counts(const char *name, struct prof_stack *s, size_t n, int fd, int debug)
{
    struct counts c = {.name = name, .s = s, .n = n};
    prof_foreign(merge_all, &c);
    int r = c.failed ? -ENOMEM : debug > 0 ? write_text(&c, fd) : write_proto(&c, fd);
    prof_table_free(c.group, c.cap, sizeof c.group[0]);
    index_free(&c.by_stack);
    pbuf_free(&c.text);
    return r;
}
