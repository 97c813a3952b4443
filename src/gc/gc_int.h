/* gc_int.h: between the files of this room.
 *
 * One cycle (cycle.c, on the leader of the gang, when request.c says so):
 *
 *   sweep what is left
 *   dirty_arm                       pages of pointerful arenas, stacks, large root ranges: protected
 *   -- world stopped                mem_mark_start, pools rotate, phase = GC_MARK
 *   roots, parked stacks, drain     gang, assists; the program runs, objects are born marked
 *   rounds: dirty_collect, drain    until few pages were written during a round
 *   slices, if rounds do not shrink backlog_fill lists the written pages; then in turns
 *     -- world stopped 1 ms           the gang looks at them
 *     -- world runs 1 ms              the leader goes on looking
 *   -- world stopped, strays too    last dirty pages, registers, thread-locals, data segments, drain;
 *                                   mem_mark_end, phase = GC_OFF
 *   sweep                           gang, and whoever allocates
 *
 * A brief cycle, tried when the last one found little to look at:
 *
 *   sweep what is left
 *   -- world stopped, strays too    mem_mark_start, pools rotate, phase = GC_TERM; all roots, all stacks,
 *                                   drain; mem_mark_end, phase = GC_OFF
 *        if it takes too long:      phase = GC_MARK, dirty_arm; on from `roots` above
 *   sweep
 *
 * Why no reachable object stays unmarked: at the end of the second stop, (a) every root was looked at
 * after the world stopped, or was looked at after it was protected and was not written since; (b) the
 * same holds for the contents of every marked object; (c) nothing is grey. So everything reachable is
 * marked (test/model/mark.pml).
 */
#ifndef GC_GC_INT_H
#define GC_GC_INT_H

#include "gc/gc.h"
#include "sched/sched.h"

/* How a cycle sees what the program writes while marking runs. */
enum gc_way {
    WAY_AUTO,
    WAY_DIRTY,    /* the kernel tells which pages were written (dirty.c) */
    WAY_SNAPSHOT, /* a child process marks the heap as it was (snapshot.c) */
    WAY_STOPPED,  /* nothing runs */
};

enum gc_phase {
    GC_OFF,
    GC_MARK, /* workers and assists mark */
    GC_TERM, /* the world is stopped for the end of marking */
};

/* The collector's state; written by the leader with the world stopped, unless said otherwise. */
struct gc {
    au32 phase; /* enum gc_phase */
    au32 cycle; /* completed cycles: MemStats.num_gc */
    enum gc_way way;
    au32 stopping; /* marking threads are to return to their callers soon: a stop is near */
};
extern struct gc gc;

/* ---- work.c: what is grey; who marks; when nothing is left.
 *
 * A marker holds the buffers of one marking thread. Grey things wait as spans (small pointerful slots:
 * PAGE_QUEUED) and as objects or parts of objects (oblets). */
struct marker;
/* A marker for this thread, registered as working: while one is registered, marking is not over.
 * Never NULL. */
struct marker *marker_take(void);
/* Gives its work to the others, its counts to the totals, and the marker back. */
void marker_put(struct marker *mk);
/* Scans grey things until `work` bytes were scanned, nothing is to be had, or gc.stopping is set;
 * the bytes scanned. */
size_t mark_drain(struct marker *mk, size_t work);
/* Nothing is grey anywhere and no marker is registered. Final only while nobody adds roots. */
bool mark_quiet(void);
/* Is there anything for another thread to take? */
bool mark_has_work(void);
/* In a child of snapshot.c, the only thread there: forgets buffers and locks of other threads. */
void work_reset_in_child(void);
/* Forgets all that is grey and in no marker. */
STW void work_drop(void);

struct mark_counts {
    uint64_t heap_bytes, stack_bytes, global_bytes; /* scanned */
    uint64_t marked_bytes, marked_objects;          /* slots; those born marked are not counted */
};
/* Totals since mark_reset; those of registered markers are missing. */
void mark_counts(struct mark_counts *c);
STW void mark_reset(void);

/* ---- mark.c: one word, one range, one object */
enum root_kind {
    ROOT_STACK, /* stacks, registers: one past the end of an object keeps it too */
    ROOT_DATA,  /* data segments, thread-locals, registered ranges */
};
/* Every aligned word of [lo, hi) may be a pointer. */
void mark_range(struct marker *mk, const void *lo, const void *hi, enum root_kind kind);
/* The object at or around `word` is reachable, if there is one. */
void mark_word(struct marker *mk, uintptr_t word);
/* What the object points to is reachable; itself it is only if something else says so (a
 * finalizer's object). */
void mark_contents(struct marker *mk, const struct object *o);
/* OS pages [lo, hi) of a pointerful arena were written: scans what lies there of marked objects, and
 * of those with finalizers. */
void mark_written(struct marker *mk, uintptr_t lo, uintptr_t hi);
/* Is the object marked in the current, or while no cycle marks, the last cycle? */
bool gc_is_marked(const struct object *o);
/* Marks an object that is dead but needed once more (its finalizer will run). Only before its span is
 * swept, by who sweeps it. */
void gc_revive(const struct object *o);

/* Clears all marks of the running cycle and forgets what is grey: somebody gave up halfway. */
STW void gc_unmark_all(void);

/* ---- check.c, verify.c */
/* GODEBUG=gccheckmark=1: marks again from all roots, and dies if something new is found. */
STW void gc_checkmark(void);
/* Calls fn with nothing marked and nothing grey; afterwards what was marked is so again. */
STW void gc_with_marks_aside(void (*fn)(void *arg), void *arg);

/* ---- leaks.c */
/* Marking is over: looks for leaked goroutines, if somebody asked. */
STW void leaks_look(void);

/* Walks the whole heap: spans, marks, specials (make paranoid). */
STW void gc_verify(void);

/* ---- roots.c: memory that holds pointers without being found by itself */
/* Lists the modules' data segments and thread-local blocks: asks the loader, so outside of a stop. */
void roots_list(void);
/* With the world stopped: are these still all? The loader may have loaded something meanwhile, or be
 * at it: then start the world and list again. */
STW bool roots_current(void);
/* The thread-locals of modules, as listed. */
void roots_tls(const struct os_tls **tls, size_t *n);
/* Scans data segments, registered ranges and the tables of the runtime (timers, ...). Those that
 * dirty.c tracks are only scanned with `all`. May run in parallel: part of parts. */
void roots_mark(struct marker *mk, unsigned part, unsigned parts, bool all);
/* Bytes of data segments and registered ranges. */
size_t roots_bytes(void);
/* Calls fn for pieces of whole pages of large roots in private memory, held in place meanwhile: of
 * those tracked already, or with ROOTS_ALL of all that might be. fn's answer for all pieces says
 * whether a root is tracked from now on. For dirty.c. */
enum roots_which { ROOTS_TRACKED, ROOTS_ALL };
typedef bool (*roots_fn)(uintptr_t lo, uintptr_t hi, void *arg);
void roots_each_large(enum roots_which which, unsigned part, unsigned parts, roots_fn fn,
                      void *arg);

/* ---- stacks.c */
/* Scans every goroutine that does not run, from its stack pointer up, while the program runs. */
void stacks_mark_parked(struct marker *mk, unsigned part, unsigned parts);
/* OS pages [lo, hi) of a region of stacks were written: scans them. */
void stacks_mark_written(struct marker *mk, uintptr_t lo, uintptr_t hi);
/* For every thread of the runtime and every attached one: registers, thread-locals, the stack of what
 * it runs, signal stacks. */
STW void stacks_mark_threads(struct marker *mk, unsigned part, unsigned parts);
/* All goroutines and threads: where nothing is known about pages. */
STW void stacks_mark_all(struct marker *mk, unsigned part, unsigned parts);
/* Goroutines that are on no thread, but those for which leave_out is true; or one of them. For leaks.c. */
STW void stacks_mark_but(struct marker *mk, bool (*leave_out)(struct g *g, void *arg), void *arg);
STW void stacks_mark_one(struct marker *mk, const struct g *g);
/* Gives pages below the stack pointers of parked goroutines back (unless gcshrinkstackoff). A few at a
 * time, outside of a stop. */
void stacks_shrink(void);
/* Bytes of stacks in use, about. */
uint64_t stacks_bytes(void);

/* ---- dirty.c: which pages the program wrote */
enum dirty_kind { DIRTY_HEAP, DIRTY_STACK, DIRTY_ROOT };
/* Asks the kernel; 0, or -errno where it refuses. Once, before the first cycle. */
int dirty_start(void);
/* Protects everything that is tracked: from now on its writes are known. Concurrent. 0, or -errno where
 * the kernel refuses now (descriptors closed by the program, no memory): use another way. */
int dirty_arm(unsigned part, unsigned parts);
/* Calls fn for runs of OS pages written since dirty_arm or the last dirty_collect, which are protected
 * again first; the number of pages. Without `stacks` those wait for the next call. part of parts may run in parallel. New arenas and regions of
 * stacks are taken along, as written; and if the kernel refuses, everything is written. Guards of
 * stacks are reported, too. */
typedef void (*dirty_fn)(enum dirty_kind kind, uintptr_t lo, uintptr_t hi, void *arg);
size_t dirty_collect(unsigned part, unsigned parts, bool stacks, dirty_fn fn, void *arg);
/* A dirty_fn: looks at written pages again, as their kind asks; arg is the marker. */
void mark_pages(enum dirty_kind kind, uintptr_t lo, uintptr_t hi, void *marker);

/* ---- backlog.c: written pages, worked off in slices */
/* Lists the pages written since the last look, protected again; how many. */
size_t backlog_fill(bool stacks);
/* n threads look at them until `until_ns`; true: nothing is left, and nothing is grey. */
bool backlog_work_off(int64_t until_ns, unsigned n);

/* ---- snapshot.c: the child that marks */
/* With the world stopped: starts a child that runs fn(arg) with all of memory as it is now. The child's
 * pid, or -errno. fn's caller exits with its result. */
STW int snapshot_start(int (*fn)(void *arg), void *arg);
/* Waits for it; its result, or -1 if it died. */
int snapshot_wait(int pid);

/* ---- weak.c */
/* The object that this handle leads to is unreachable. */
void weak_clear(void *handle);

/* ---- gang.c: the collector's own threads; none has a P */
/* Runs fn(i, n, arg) on n threads at once, the caller (the leader) being 0; returns when all have
 * returned. n is at most gang_size(). */
typedef void (*gang_fn)(unsigned i, unsigned n, void *arg);
void gang_run(gang_fn fn, void *arg, unsigned n);
unsigned gang_size(void);
/* Makes one more thread if there are fewer than n; outside of a stop. */
void gang_grow(unsigned n);

/* ---- request.c: who asks for a cycle */
enum gc_why { GC_WHY_HEAP, GC_WHY_TIME, GC_WHY_CALL };
/* Asks for a cycle; never waits. Any thread. */
void gc_request(enum gc_why why);
/* The running cycle, whose marking begins, is what was asked for. */
void gc_request_met(enum gc_why why);
/* Is a cycle under way or asked for? Then waiting goroutines are no deadlock. */
bool gc_busy(void);

/* ---- cycle.c */
/* One whole cycle, the sweep included. By the leader. */
void gc_run_cycle(bool forced);
/* When the last cycle began; 0: there was none. Any thread. */
int64_t gc_began_ns(void);

/* What MemStats, GCStats and the heap dump say of past cycles. Written with the world stopped. */
struct gc_pauses {
    uint64_t pause_ns
        [256]; /* a ring; all stops of a cycle together; the latest at (num_gc + 255) % 256 */
    uint64_t pause_end[256]; /* since 1970, ns */
    uint64_t pause_total_ns;
    uint64_t last_gc;    /* since 1970, ns; 0: none */
    uint64_t longest_ns; /* one stop */
    uint32_t num_gc, num_forced_gc;
    double
        cpu_fraction; /* of all CPU time of GOMAXPROCS Ps since the start; idle workers not counted */
};
extern struct gc_pauses gc_pauses;

/* ---- pacer.c: when, and how hard */
/* The arithmetic, apart from the running program. Sizes in bytes. */
struct pacer {
    /* what was asked for: */
    int32_t percent; /* GOGC; negative: off */
    uint64_t limit;  /* GOMEMLIMIT; INT64_MAX: none */
    uint32_t procs;
    /* of the last cycle: */
    uint64_t marked;                /* bytes that survived */
    uint64_t heap_scan, stack_scan; /* bytes that were looked at */
    uint64_t globals_scan;          /* how large they are */
    uint64_t sweep_min; /* no cycle below this: the last one is still being swept. 0: it is not */
    /* measured, in bytes allocated per byte scanned, for the same CPU time: */
    double cons_mark;         /* the largest of the last five */
    double last_cons_mark[4]; /* the latest is last */
    /* of the running cycle: */
    uint64_t triggered;  /* the heap when it began; UINT64_MAX: none runs */
    uint64_t heap_most;  /* what may have to be scanned at most */
    uint64_t stack_most; /* the same */
};
struct pacer_memory {
    uint64_t mapped_ready; /* everything mapped and not given back */
    uint64_t heap_free;    /* of that, pages without objects */
    uint64_t heap_alloc;   /* of that, objects, dead ones that are not swept included */
};
struct pacer_goals {
    uint64_t goal, trigger;
    bool limit_decides;
};
/* The cycle that is over. */
struct pacer_result {
    uint64_t marked_bytes;                        /* all that survives: those born marked too */
    uint64_t heap_scan, stack_scan, globals_scan; /* bytes */
    int64_t assist_ns, background_ns, idle_ns;    /* CPU time of marking */
    int64_t mark_ns;                              /* wall time */
};
struct pacer_goals pacer_goals(const struct pacer *p, const struct pacer_memory *mem);
/* Bytes to scan for each byte allocated, so that `work` bytes scanned become all there are before the
 * heap grows from `live` to `goal`. */
double pacer_assist_ratio(const struct pacer *p, uint64_t live, uint64_t goal, uint64_t work);
/* Takes over what a cycle found, with `live` bytes of heap at its end. The part of all CPU time that
 * marking used; negative: the heap did not grow, and says nothing. */
double pacer_learn(struct pacer *p, const struct pacer_result *r, uint64_t live);
/* How many workers, of a P each, and which part of every P besides. */
unsigned pacer_workers(uint32_t procs, double *fraction);

/* The program's pacer. Any thread. */
/* World stopped, at the start of marking: fixes the goal of this cycle and the assists' ratio. */
STW void pacer_mark_start(void);
/* From time to time while marking: the ratio follows what was found. */
void pacer_revise(void);
/* World stopped, marking is over: sets the next goal and trigger. */
STW void pacer_mark_end(const struct pacer_result *r);
/* Recomputes goal and trigger: the limit is near, or the number of Ps changed. The first call, before
 * there are goroutines, reads the environment. */
void pacer_update(void);
/* The percentage, and the limit; each returns the one before. */
int32_t pacer_set_percent(int32_t percent);
int32_t pacer_percent(void);
uint64_t pacer_set_limit(uint64_t bytes);
uint64_t pacer_limit(void);
uint64_t pacer_goal(void);           /* bytes of heap: MemStats.next_gc */
uint64_t pacer_live(void);           /* bytes: marked by the last cycle, and allocated since */
uint64_t pacer_goal_now(void);       /* goal of the running cycle */
bool pacer_collects_by_itself(void); /* false with GOGC=off and no limit */
bool pacer_late(void);    /* the heap asked for a cycle, which has not ended, and is at its goal */
double pacer_ratio(void); /* of assists; 0: none */
/* The heap grows: counts it, and asks for a cycle at the trigger. */
void pacer_grow(size_t bytes);

/* ---- assist.c; gc_allocated, gc_assist */
/* Background marking did `work` bytes: credit for those who would have to assist. The caller holds no
 * lock. */
void assist_credit(size_t work);
/* Marking ended or the ratio changed: lets the waiting go. The caller holds no lock. */
void assist_wake_all(void);
int64_t assist_take_ns(void); /* CPU time of assists since the last call */
/* Waits until nothing marks. The caller is inside. */
PARKS void assist_await_mark_end(void);

/* ---- limiter.c: at most half of the CPU for the collector */
/* A leaky bucket of CPU time: the collector's time fills it, the program's drains it. */
struct limiter {
    uint64_t fill_ns, capacity_ns; /* CPU time; the capacity is one second for each P */
    bool limiting;
};
void limiter_resize(struct limiter *l, uint32_t procs);
/* So much more CPU time of the collector and of the program. */
void limiter_pour(struct limiter *l, uint64_t gc_ns, uint64_t program_ns);
/* The program's limiter. Any thread. */
bool limiter_limiting(void);
void limiter_mark_start(int64_t now_ns);
void limiter_mark_end(int64_t now_ns);
void limiter_add_assist(int64_t ns);
void limiter_add_stop(int64_t ns); /* wall time that the world stood still for the collector */
void limiter_update(int64_t now_ns);

/* ---- cpu.c: who used the CPU */
void gc_cpu_init(void);
void cpu_report(enum cpu_use use, int64_t ns);
void cpu_report_child(int64_t ns); /* a child process marked for so long */
/* The world stood still for the collector; with so many Ps. */
void cpu_report_stop(int64_t ns, uint32_t procs);
/* Shares what is new out of available_ns between the program, which used up to program_ns since its start, and
 * idleness. */
void cpu_share_out(struct gc_cpu *cpu, int64_t available_ns, int64_t program_ns);

/* ---- sweep.c */
/* Sweeps everything, in slices; several threads may call it. On return nothing waits to be swept. */
void sweep_all(void);
/* What was freed since the start of the program: exact while nobody sweeps. */
struct sweep_counts {
    uint64_t freed[CLASSES]; /* objects, per class; [0] large ones */
    uint64_t freed_large_bytes;
};
void sweep_counts(struct sweep_counts *c);

/* ---- watch.c: GODEBUG=allocfreetrace */
/* While not 0, caches stay empty, and each object that is born or dies is shown. A tiny one is then
 * not put in with others. type is NULL where the program gave none. */
extern au32 gc_watch_allocs, gc_watch_frees;
void gc_watch_alloc(uintptr_t addr, size_t bytes, const struct gort_type *type);
void gc_watch_free(uintptr_t addr, size_t bytes);
/* Reads the knob; before the first allocation. */
void gc_watch_init(void);
/* At the start of marking, then after the world was started: all goroutines are shown. */
STW void gc_watch_cycle(void);
void gc_watch_cycle_say(void);

/* ---- watch.c: samples for the memory profile. mem/up.h's gc_sample_run too. */
/* Is the object at hand, the only one of its run, to be sampled? Says so once. */
bool gc_sample_is_now(struct cache *c, enum obj_kind kind, unsigned class);
/* The same for a large object. */
bool gc_sample_large(struct cache *c, size_t bytes);
/* p is a new object: notes who allocated it. */
void gc_sampled(void *p);

/* ---- cgocheck.c */
/* GODEBUG=cgocheck=2, at the end of marking, before anything is swept: dies if malloc's memory holds
 * the address of an object that is not marked. */
STW void gc_cgocheck2(void);

/* ---- special.c: what is attached to an object */
enum special_kind {
    SPECIAL_FINALIZER, /* id: its argument's offset in the slot (0 but for tiny objects) */
    SPECIAL_CLEANUP,   /* id: counted */
    SPECIAL_WEAK,      /* the handle of one address; id: its offset in the slot */
    SPECIAL_SAMPLE,    /* the record of the memory profile; id: 0 */
    SPECIAL_KINDS
};
struct special {
    struct special *next; /* in the span, by slot, then kind, then id */
    uint32_t slot;
    uint8_t kind; /* enum special_kind */
    void *a,
        *b; /* finalizer: function, NULL; cleanup: function, argument; weak: handle; sample: record */
    uint64_t id; /* tells apart those of one kind and object */
};
/* Adds one; false if the object has one of this kind and id. The caller is inside; the span is swept
 * first. While marking runs, what it keeps alive is marked. */
bool special_add(const struct object *o, enum special_kind kind, void *a, void *b, uint64_t id);
/* Takes it away; false if there is none. `out` may be NULL. */
bool special_remove(const struct object *o, enum special_kind kind, uint64_t id,
                    struct special *out);
bool special_find(const struct object *o, enum special_kind kind, uint64_t id, struct special *out);
/* Does a cycle mark while the program runs, in this process? The caller is inside. */
bool gc_marks_beside_program(void);
/* Scans what finalizers and cleanups need kept: roots. part of parts. */
void specials_mark(struct marker *mk, unsigned part, unsigned parts);
/* The same for the objects of one span. */
void specials_mark_span(struct marker *mk, struct span *s);
/* By who sweeps `s`, before its bits turn: for each object with specials that is not marked: clears
 * weak pointers, queues finalizers (then gc_revive) and cleanups, drops samples. */
void specials_sweep(struct span *s);
/* Calls fn for every special of kind; under locks, with the world stopped. For the heap dump. */
void specials_each(enum special_kind kind,
                   void (*fn)(const struct object *o, const struct special *s, void *arg),
                   void *arg);
void specials_check(struct span *s);

/* ---- final.c: the goroutine that runs finalizers and cleanups */
/* Makes that goroutine, the first time. The caller is inside and holds no lock. */
void final_start(void);
/* Queues; never parks, wakes nobody. For a finalizer obj is its argument; a cleanup's is b. */
void final_queue(enum special_kind kind, void *obj, void *a, void *b);
/* Wakes the goroutine if something is queued; no lock is held. */
void final_wake(void);
/* Does p lie in the data of a loaded module? Asks the loader, so outside of the runtime. */
bool final_lives_for_ever(const void *p);
/* Scans what is queued: roots. */
void final_mark(struct marker *mk);
void final_each_queued(void (*fn)(void *obj, void *a, void *b, void *arg), void *arg);

/* ---- scavenger.c: free pages go back to the system in the background */
/* After the first cycle: the thread that does it, about 1% of a CPU. */
void scavenge_start(void);
/* A cycle is swept: scavenge_start, GODEBUG=scavenge=1 and the line of scavtrace=1. By the thread that
 * swept last, outside of a stop. */
void scavenge_swept(void);
/* debug.FreeOSMemory after its collection: gives back all there is, the bytes; the forced line. */
size_t scavenge_forced(void);

/* ---- trace.c: lines of gctrace, gcpacertrace, scavtrace */
struct gc_trace {
    uint32_t cycle;
    int64_t at_ns; /* since the start of the program */
    double fraction;
    int64_t stop1_ns, mark_ns, stop2_ns;                               /* wall */
    int64_t stop1_cpu_ns, assist_ns, worker_ns, idle_ns, stop2_cpu_ns; /* CPU */
    uint64_t live_start, live_end, marked, goal, stacks, globals;      /* bytes */
    uint32_t procs;
    bool forced;
};
void gc_trace_print(const struct gc_trace *t);
/* Names the way of the cycle that the next line is about, if it is not that of the line before. By the
 * leader. */
void gc_trace_way(enum gc_way way);
/* The two lines of gcpacertrace, which say nothing unless it is set. */
void trace_pacer_start(double ratio, uint64_t scan_bytes, uint64_t live, uint64_t goal,
                       uint32_t procs);
struct trace_pacer {
    double utilization, cons_mark;                /* cons_mark: as it was before */
    uint64_t heap_scan, stack_scan, globals_scan; /* bytes */
    uint64_t expected, triggered, live, goal;     /* bytes */
};
void trace_pacer_end(const struct trace_pacer *t);

#endif
