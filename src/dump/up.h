/* up.h: what this room calls on higher floors.
 *
 * panic_is_entry   panic/report.c: which functions of the runtime a user knows as `panic`.
 * panic_value_at   panic/report.c: the value of the panic whose record lies in a frame.
 * panic_string     panic/errors.c: misuse that Go answers with a panic.
 * panic_nil        panic/errors.c: the entry, the line of a function that is nil.
 * panic_each         panic/report.c: the panics of a goroutine, the newest first, for the heap dump.
 * defer_each         panic/defer.c: its deferred functions, the next to run first, for the heap dump.
 * prof_heap_each     prof/heap.c: the memory profile, for the heap dump.
 */
#ifndef DUMP_UP_H
#define DUMP_UP_H

#include "base/attr.h"

struct g;

bool panic_is_entry(const char *function);
bool panic_value_at(const struct g *g, uintptr_t lo, uintptr_t hi, uintptr_t *type,
                    uintptr_t *data);
NORETURN void panic_string(const char *text);
NORETURN COLD void panic_nil(void);
typedef void (*panic_fn)(const void *p, uintptr_t type, uintptr_t data, const void *older,
                         void *arg);
void panic_each(const struct g *g, panic_fn fn, void *arg);
struct context;
typedef void (*defer_fn)(const void *d, const struct context *scope, void (*f)(void *), void *arg);
void defer_each(const struct g *g, defer_fn fn, void *arg);
typedef void (*prof_heap_fn)(const void *bucket, size_t bytes, const uintptr_t *pcs, size_t n,
                             uint64_t allocs, uint64_t frees, void *arg);
void prof_heap_each(prof_heap_fn fn, void *arg);

#endif
