/* prof_int.h: what the files of this room share. */
#ifndef PROF_PROF_INT_H
#define PROF_PROF_INT_H

#include "base/attr.h"
#include "prof/bucket.h"
#include "symb/symb.h"

#include <gort/pprof.h>

/* ---- buf.c: memory that profiles are made in; outside the collected heap, no lock, no M needed */
/* Bytes that grow. Once there is no memory, `failed`, and nothing more is added. */
struct pbuf {
    char *mem;
    size_t len, cap;
    bool failed;
};
/* Room for n bytes more, which the caller fills in; NULL when failed. */
char *pbuf_room(struct pbuf *b, size_t n);
void pbuf_bytes(struct pbuf *b, const void *bytes, size_t n);
void pbuf_str(struct pbuf *b, const char *s);
void pbuf_char(struct pbuf *b, char c);
void pbuf_int(struct pbuf *b, int64_t v);
void pbuf_uint(struct pbuf *b, uint64_t v);
void pbuf_hex(struct pbuf *b, uint64_t v); /* 0x and lower-case digits */
void pbuf_free(struct pbuf *b);
/* A table of elements of `bytes` each, with room for `n` and more; NULL, and `table` is as it was, without
 * memory. */
void *prof_table_room(void *table, size_t *cap, size_t n, size_t bytes);
void prof_table_free(void *table, size_t cap, size_t bytes);

/* Numbers 0, 1, ... by hash. */
struct index_slot {
    uint32_t number; /* plus 1; 0: empty */
    uint32_t hash;
};
struct index {
    struct index_slot *slot;
    size_t cap, n;
};
/* The number for which is(number, key, arg) among those of this hash; or UINT32_MAX. */
typedef bool (*index_is)(uint32_t number, const void *key, void *arg);
uint32_t index_find(const struct index *x, uint64_t hash, index_is is, const void *key, void *arg);
/* Enters the next number, index.n, under `hash`; false without memory. */
bool index_add(struct index *x, uint64_t hash);
void index_free(struct index *x);
uint64_t prof_hash(const void *bytes, size_t n, uint64_t seed);

/* A stable sort; false without memory. */
bool prof_sort(void *array, size_t n, size_t bytes, int (*compare)(const void *, const void *));

/* Calls fn(arg) where libraries may be called and take long: on the thread's own stack, in an announced
 * call. A goroutine, outside the runtime. */
void prof_foreign(void (*fn)(void *arg), void *arg);
/* Writes all of it; 0 or -errno. */
PARKS int prof_write_all(int fd, const struct pbuf *b);

/* ---- encode.c: profile.proto, written as it comes */
struct pprof_column {
    const char *type, *unit;
};
struct pprof_head {
    struct pprof_column columns[4];
    size_t ncolumns;
    struct pprof_column period;
    int64_t period_value;
    const char *default_column; /* NULL: the last */
    int64_t time_ns;            /* since 1970 */
    int64_t duration_ns;        /* 0: not said */
    bool plain_runtime;         /* without the calls inlined in the runtime's own functions */
};
struct pprof; /* one profile that is being written; outside the collected heap */
/* NULL without memory, which the functions below take and pprof_end reports. */
struct pprof *pprof_begin(const struct pprof_head *h);
/* Adds to one sample: values of the same stack, labels and bytes are added up, and what is all zero in the
 * end is left out. `pcs` are return addresses, the innermost first. `bytes` > 0 becomes the numeric label. */
void pprof_sample(struct pprof *w, const uintptr_t *pcs, size_t n, const int64_t *values,
                  const gort_pprof_labels *labels, int64_t bytes);
/* The same with a place that has no pc, such as `runtime._GC` (a literal), as the outermost caller; n may be
 * 0. */
void pprof_sample_named(struct pprof *w, const uintptr_t *pcs, size_t n, const char *function,
                        const int64_t *values, const gort_pprof_labels *labels);
/* What is known when a profile ends. */
void pprof_set_duration(struct pprof *w, int64_t ns);
void pprof_set_time(struct pprof *w, int64_t time_ns, int64_t duration_ns);
/* Instead of pprof_end: nothing is written. */
void pprof_abandon(struct pprof *w);
/* Names, mappings, gzip; frees w. 0, or -errno. Takes long, may park: outside the runtime (no m_enter). */
PARKS int pprof_end(struct pprof *w, int fd);

/* ---- maps.c: what is mapped where, for who looks names up elsewhere */
struct prof_mapping {
    uint64_t start, limit, offset;
    size_t file, build_id; /* in `text`; "" if there is none */
};
struct prof_maps {
    struct prof_mapping *map; /* by address */
    size_t n, cap;
    size_t main; /* the program's own */
    struct pbuf text;
};
/* Only code. In prof_foreign. False without memory. */
bool prof_maps_read(struct prof_maps *m);
/* One line of /proc/self/maps, without its end. */
bool prof_maps_line(struct prof_maps *m, const char *line);
/* The mapping at `addr`, or m->n. */
size_t prof_maps_find(const struct prof_maps *m, uint64_t addr);
void prof_maps_free(struct prof_maps *m);

/* ---- gzip.c: by zlib, or without it uncompressed in the same format. In prof_foreign. */
void prof_gzip(const struct pbuf *in, struct pbuf *out);
void prof_gzip_stored(const struct pbuf *in, struct pbuf *out);

/* ---- text.c: the lines of debug=1. In prof_foreign. */
enum prof_frames { PROF_WITHOUT_RUNTIME, PROF_PLAIN_RUNTIME };
/* ` 0x1 0x2` */
void prof_text_pcs(struct pbuf *b, const uintptr_t *pcs, size_t n);
/* A line for each call, and an empty one; without the runtime's own calls at the beginning, unless there
 * are no others. PROF_PLAIN_RUNTIME: but without what is inlined in the runtime's functions. */
void prof_text_stack(struct pbuf *b, const uintptr_t *pcs, size_t n, enum prof_frames which);
/* `{"key":"value", ...}` as Go quotes it. */
void prof_text_labels(struct pbuf *b, const gort_pprof_labels *l);
/* The shortest digits that are read back as v, as Go prints them. */
void prof_text_float(struct pbuf *b, double v);

/* ---- count.c: goroutine, threadcreate and the program's own, in formats 0 and 1 */
struct prof_stack {
    uintptr_t *pcs;
    size_t n;
    const gort_pprof_labels *labels;
};
void prof_count_head(struct pprof_head *h, const char *name);
/* Merges equal ones, the most frequent first. 0 or -errno. */
PARKS int prof_write_counts(const char *name, struct prof_stack *s, size_t n, int fd, int debug);

/* ---- heap.c, heap_file.c */
struct prof_heap_record {
    const struct bucket *b;
    struct heap_counts counts;
};
/* The bucket `newest` and all older ones, as they are now. */
size_t prof_heap_take(const struct bucket *newest, struct prof_heap_record *r);
enum prof_heap_kind { PROF_HEAP, PROF_ALLOCS }; /* which column is the first to be looked at */
PARKS int prof_write_heap(enum prof_heap_kind kind, int fd, int debug);
void prof_heap_head(struct pprof_head *h, enum prof_heap_kind kind);
/* Adds all samples of now, `times` as often: 1 or -1. 0 or -errno. */
int prof_heap_add(struct pprof *w, int times);

/* ---- block.c, block_file.c: BUCKET_BLOCK and BUCKET_MUTEX */
struct prof_block_record {
    const struct bucket *b;
    double count;
    int64_t cycles;
};
size_t prof_block_take(enum bucket_kind kind, const struct bucket *newest,
                       struct prof_block_record *r);
/* Of arch_ticks. Waits for the end of the first 5 ms of the program. */
int64_t prof_ticks_per_second(void);
PARKS int prof_write_block(enum bucket_kind kind, int fd, int debug);
void prof_block_head(struct pprof_head *h);
int prof_block_add(struct pprof *w, enum bucket_kind kind, int times);

/* ---- custom.c */
/* The stacks of a profile of the program's own. False: there is none of that name. */
PARKS bool prof_custom_take(const char *name, struct prof_stack **s, size_t *n);

/* ---- labels.c: those of a goroutine, for whoever samples it; NULL: none. The running goroutine's may be
 * read in a signal handler on its thread. To read them: gort_pprof_for_labels, anywhere. */
struct g;
SIGSAFE const gort_pprof_labels *prof_labels_of(const struct g *g);
/* How many bytes they are: a copy of so many, anywhere, is as good. */
size_t prof_labels_bytes(const gort_pprof_labels *l);
/* The same words? NULL is the empty set. */
bool prof_labels_same(const gort_pprof_labels *a, const gort_pprof_labels *b);

/* ---- goroutine.c, threads.c */
/* Without what called the function of a goroutine (arch_start); n, or less. */
SIGSAFE size_t prof_without_start(const uintptr_t *pcs, size_t n);
PARKS int prof_write_goroutines(int fd, int debug);
/* Those that nobody can wake; with debug 2 all of them, and the leaked ones are called so. */
PARKS int prof_write_leaks(int fd, int debug);
PARKS int prof_write_threads(int fd, int debug);
/* What these two count, for differences. *s is on the collected heap, with all it points to. 0 or -errno. */
PARKS int prof_take_goroutines(struct prof_stack **s, size_t *n);
PARKS int prof_take_threads(struct prof_stack **s, size_t *n);

#endif
