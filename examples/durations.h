/* durations.h: how long things took: counts, percentiles, a histogram of the collector's stops. For cache.c.
 */
#ifndef DURATIONS_H
#define DURATIONS_H

#include <gort.h>

#include <stdatomic.h>
#include <stdio.h>

/* Counts, in steps of a sixteenth of a power of two nanoseconds. */
enum { STEPS = 16, SLOTS = 61 * STEPS };
typedef struct {
    atomic_ulong slot[SLOTS];
} durations;

static void durations_add(durations *d, int64_t duration_ns)
{
    uint64_t ns = (uint64_t)duration_ns;
    unsigned power = ns < STEPS ? 3 : 63 - (unsigned)__builtin_clzll(ns);
    d->slot[(power - 3) * STEPS + (unsigned)(ns < STEPS ? ns : ns >> (power - 4)) % STEPS]++;
}

static double durations_us(unsigned slot)
{
    return slot < STEPS ? slot / 1e3
                        : (double)((uint64_t)(STEPS + slot % STEPS) << (slot / STEPS - 1)) / 1e3;
}

/* The durations that 50, 90, ... percent of all are not longer than. */
static void durations_print(const char *what, durations *d)
{
    static const double parts[] = {0.5, 0.9, 0.99, 0.999, 1};
    unsigned long count = 0, seen = 0;
    for (unsigned i = 0; i < SLOTS; i++)
        count += d->slot[i];
    printf("%s: %lu, in us", what, count);
    unsigned slot = 0;
    for (int k = 0; k < 5 && count > 0; k++) {
        while (slot < SLOTS - 1 && (double)(seen + d->slot[slot]) < parts[k] * (double)count)
            seen += d->slot[slot++];
        printf("%s%g%%: %.1f", k > 0 ? ", " : " ", parts[k] * 100, durations_us(slot));
    }
    puts("");
}

/* How often the world stood still for how long, from the ring of the last 256 stops. */
static void durations_print_pauses(void)
{
    gort_mem_stats *m = gort_new(gort_mem_stats);
    gort_read_mem_stats(m);
    int counts[65] = {0}, least = 64, most = 0;
    for (uint32_t i = 0; i < 256 && i < m->num_gc; i++) {
        uint64_t us = m->pause_ns[i] / 1000;
        int power = us == 0 ? 0 : 64 - __builtin_clzll(us);
        counts[power]++;
        most = power > most ? power : most;
        least = power < least ? power : least;
    }
    printf("collections: %u of a heap of %.0f MB; each stopped the program for\n", m->num_gc,
           (double)m->heap_inuse / 1e6);
    for (int i = least; i <= most; i++)
        printf("  less than %7lu us: %3d %.*s\n", 1ul << i, counts[i],
               counts[i] > 60 ? 60 : counts[i],
               "************************************************************");
}

#endif
