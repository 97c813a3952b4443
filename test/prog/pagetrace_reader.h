/* pagetrace_reader.h: reads a file of GODEBUG=pagetrace and says the first thing that is wrong with it. */
#ifndef TEST_PROG_PAGETRACE_READER_H
#define TEST_PROG_PAGETRACE_READER_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRACE_ALLOC = 1, TRACE_FREE = 2, TRACE_SCAVENGE = 3, TRACE_PAGE = 8192, TRACE_PS = 64 };

struct trace_event {
    uint64_t tick; /* of 128 ns */
    int64_t p;
    uint64_t base, npages, order;
    int type;
};

struct trace_read {
    struct trace_event *event;
    size_t n, blocks, syncs, large, ps;
    size_t count[4];
    char wrong[128]; /* empty: nothing is */
};

static int trace_order(const void *a, const void *b)
{
    const struct trace_event *x = a, *y = b;
    if (x->tick != y->tick)
        return x->tick < y->tick ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

static const char *trace_words(struct trace_read *t, const uint64_t *w, size_t n)
{
    int64_t p = -2, seen[TRACE_PS];
    uint64_t tick = 0, last[TRACE_PS] = {0}, block = 0;
    size_t k = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned type = w[i] & 3, bit = w[i] >> 2 & 1;
        if (w[i] == 0)
            return "a zero word";
        if (type == 0 && bit != 0) { /* a block begins */
            if (i + 1 == n || (w[i + 1] & 7) != 0)
                return "no sync behind the name of a P";
            p = (int64_t)w[i] >> 3;
            block = i;
            t->blocks++;
            for (k = 0; k < t->ps && seen[k] != p; k++)
                ;
            if (k == TRACE_PS)
                return "too many Ps";
            if (k == t->ps)
                seen[t->ps++] = p;
            continue;
        }
        if (p == -2)
            return "no P at the start";
        if (i - block >= 4096)
            return "a block of more than 32 KiB";
        if (type == 0) {
            tick = w[i] >> 3;
            t->syncs++;
            continue;
        }
        struct trace_event e = {
            .tick = tick + (w[i] >> 48), .p = p, .order = t->n, .type = (int)type};
        e.base = w[i] & 0xffffffffe000;
        e.npages = w[i] >> 3 & 1023;
        if (bit != 0) {
            if (e.npages != 0 || ++i == n)
                return "a large event without its count";
            e.npages = w[i];
            t->large++;
        }
        if (e.npages == 0 || (bit != 0 && e.npages < 1024))
            return "a strange number of pages";
        if (e.tick < last[k])
            return "time goes back on a P";
        last[k] = e.tick;
        t->count[type]++;
        t->event[t->n++] = e;
    }
    return NULL;
}

/* Bit 0: allocated, bit 1: given back; of each page of an arena of 64 MiB. */
struct trace_arena {
    struct trace_arena *next;
    uint64_t number;
    unsigned char page[8192];
};

static unsigned char *trace_page(struct trace_arena **all, uint64_t addr)
{
    struct trace_arena *a = *all;
    while (a != NULL && a->number != addr >> 26)
        a = a->next;
    if (a == NULL) {
        a = calloc(1, sizeof *a);
        a->number = addr >> 26;
        a->next = *all;
        *all = a;
    }
    return &a->page[(addr >> 13) % 8192];
}

static const char *trace_replay(const struct trace_read *t)
{
    struct trace_arena *all = NULL;
    const char *wrong = NULL;
    for (size_t i = 0; i < t->n && wrong == NULL; i++) {
        const struct trace_event *e = &t->event[i];
        if (i > 0 && e->tick == e[-1].tick && e->p != e[-1].p)
            wrong = "two Ps at one time";
        for (uint64_t k = 0; k < e->npages; k++) {
            unsigned char *page = trace_page(&all, e->base + k * TRACE_PAGE);
            if (e->type == TRACE_ALLOC && (*page & 1) != 0)
                wrong = "a page allocated twice";
            if (e->type == TRACE_FREE && (*page & 1) == 0)
                wrong = "a page freed twice";
            if (e->type == TRACE_SCAVENGE && (*page & 1) != 0)
                wrong = "an allocated page given back";
            *page = e->type == TRACE_ALLOC ? 1 : e->type == TRACE_FREE ? 0 : 2;
        }
    }
    while (all != NULL) {
        struct trace_arena *next = all->next;
        free(all);
        all = next;
    }
    return wrong;
}

/* Afterwards events are in the order of time. */
static void trace_read(struct trace_read *t, const char *path)
{
    memset(t, 0, sizeof *t);
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        snprintf(t->wrong, sizeof t->wrong, "no file");
        return;
    }
    fseek(f, 0, SEEK_END);
    size_t bytes = (size_t)ftell(f);
    rewind(f);
    uint64_t *words = malloc(bytes + 8);
    t->event = malloc((bytes / 8 + 1) * sizeof *t->event);
    const char *wrong = "not a multiple of 8 in size";
    if (fread(words, 1, bytes, f) == bytes && bytes % 8 == 0)
        wrong = trace_words(t, words, bytes / 8);
    fclose(f);
    free(words);
    qsort(t->event, t->n, sizeof *t->event, trace_order);
    if (wrong == NULL)
        wrong = trace_replay(t);
    if (wrong != NULL)
        snprintf(t->wrong, sizeof t->wrong, "%s", wrong);
}

#endif
