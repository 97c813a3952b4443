/* MemStats adds up at any moment: while goroutines allocate and collect, another one reads. */
// expect: all equations hold
// limit: 60
#include <gort.h>
#include <stdio.h>
#include <string.h>

static int broken;

#define EXPECT(x)                                                                                  \
    do {                                                                                           \
        if (!(x)) {                                                                                \
            broken++;                                                                              \
            printf("line %d: %s\n", __LINE__, #x);                                                 \
        }                                                                                          \
    } while (0)

enum { WRITERS = 4, READS = 200 };
static int stop;
static void *volatile keep[WRITERS][64];

static void use(int me)
{
    for (unsigned i = 0; !__atomic_load_n(&stop, __ATOMIC_RELAXED); i++) {
        size_t bytes = i % 50 == 0 ? 40000 : 1 + i * 7919 % 3000;
        keep[me][i % 64] = i % 3 == 0 ? gort_alloc_noscan(bytes) : gort_alloc(bytes);
        if (i % 2000 == 0)
            gort_gc();
        if (i % 64 == 0)
            gort_gosched();
    }
}

static void check_sums(const gort_mem_stats *s)
{
    uint64_t mallocs = 0, frees = 0;
    EXPECT(s->sys == s->heap_sys + s->stack_sys + s->mspan_sys + s->mcache_sys + s->buck_hash_sys +
                         s->gc_sys + s->other_sys);
    EXPECT(s->heap_sys == s->heap_idle + s->heap_inuse);
    EXPECT(s->mallocs - s->frees == s->heap_objects);
    EXPECT(s->alloc == s->heap_alloc && s->alloc <= s->total_alloc);
    EXPECT(s->heap_inuse >= s->heap_alloc);
    EXPECT(s->heap_idle >= s->heap_released);
    EXPECT(s->stack_inuse > 0 && s->stack_sys >= s->stack_inuse);
    EXPECT(s->mspan_inuse > 0 && s->mspan_sys >= s->mspan_inuse);
    EXPECT(s->mcache_inuse > 0 && s->mcache_sys >= s->mcache_inuse);
    EXPECT(s->lookups == 0 && s->enable_gc && !s->debug_gc);
    for (int c = 0; c < 61; c++) {
        EXPECT(s->by_size[c].mallocs >= s->by_size[c].frees);
        EXPECT(c == 0 || s->by_size[c].size > s->by_size[c - 1].size);
        mallocs += s->by_size[c].mallocs;
        frees += s->by_size[c].frees;
    }
    EXPECT(s->by_size[0].size == 0 && s->by_size[0].mallocs == 0);
    EXPECT(mallocs <= s->mallocs && frees <= s->frees);
}

static void check_pauses(const gort_mem_stats *s)
{
    uint64_t total = 0;
    for (unsigned i = 0; i < 256; i++)
        total += s->pause_ns[i];
    EXPECT(s->num_gc >= 256 || total == s->pause_total_ns);
    EXPECT(s->num_forced_gc <= s->num_gc + 1);
    if (s->num_gc > 0) {
        EXPECT(s->pause_ns[(s->num_gc + 255) % 256] > 0);
        EXPECT(s->pause_end[(s->num_gc + 255) % 256] > 1000000000000000000u);
        EXPECT(s->last_gc >= s->pause_end[(s->num_gc + 255) % 256]);
        EXPECT(s->gc_cpu_fraction >= 0);
        EXPECT(s->next_gc > 0);
    }
}

static void check_growth(const gort_mem_stats *a, const gort_mem_stats *b)
{
    EXPECT(b->total_alloc >= a->total_alloc);
    EXPECT(b->mallocs >= a->mallocs && b->frees >= a->frees);
    EXPECT(b->num_gc >= a->num_gc && b->pause_total_ns >= a->pause_total_ns);
    EXPECT(b->last_gc >= a->last_gc && b->num_forced_gc >= a->num_forced_gc);
    EXPECT(b->mspan_sys >= a->mspan_sys && b->mcache_sys >= a->mcache_sys);
    EXPECT(b->total_alloc - b->heap_alloc >= a->total_alloc - a->heap_alloc);
    for (int c = 0; c < 61; c++) {
        EXPECT(b->by_size[c].mallocs >= a->by_size[c].mallocs);
        EXPECT(b->by_size[c].frees >= a->by_size[c].frees);
    }
}

static int run(int argc, char **argv)
{
    static gort_mem_stats last, now;
    (void)argc;
    (void)argv;
    for (int i = 0; i < WRITERS; i++)
        gort_go(use, i);
    gort_read_mem_stats(&last);
    for (int i = 0; (i < READS || now.num_gc == 0 || now.frees == 0) && broken == 0; i++) {
        gort_sleep(1000000);
        gort_read_mem_stats(&now);
        check_sums(&now);
        check_pauses(&now);
        check_growth(&last, &now);
        last = now;
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    if (broken == 0)
        printf("all equations hold\n");
    return 0;
}
GORT_MAIN(run)
