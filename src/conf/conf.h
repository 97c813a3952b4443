/* conf.h: what the environment says, read once by conf_init as Go reads it.
 *
 * GODEBUG is a comma-separated list of name=value; unknown names and malformed values are ignored,
 * the last valid one wins. The table is knobs.def.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include "base/atomic.h"
#include "base/attr.h"
#include "conf/limits.h"

struct knobs {
#define KNOB(name, def, text) int32_t name;
#include "conf/knobs.def"
#undef KNOB
};
extern struct knobs knobs;

struct traceback_conf {
    uint32_t level; /* 0 nothing, 1 user frames, >= 2 also the runtime's */
    bool all;       /* every goroutine */
    bool crash;     /* end by SIGABRT */
};

void conf_init(void);
struct traceback_conf conf_traceback(void);
/* debug.SetTraceback: can only add to what the environment asked for. */
void conf_set_traceback(const char *level);
/* GOMAXPROCS, or `cpus` where it says nothing valid. */
int conf_gomaxprocs(int cpus);
/* GORT_STACK: bytes with an optional KiB, MiB or GiB; 0 where it says nothing valid. */
size_t conf_stack_bytes(void);
/* GOGC: the percentage, -1 for `off` and for negative numbers, 100 where it says nothing valid. */
int32_t conf_gogc(void);
/* GOMEMLIMIT in bytes, INT64_MAX for none. Dies if it is malformed, in Go's words. */
int64_t conf_memory_limit(void);
/* debug.SetMaxStack: no new goroutine may ask for a larger stack, in bytes. */
extern au64 conf_max_stack;
/* "" when neither $GOROOT nor the build names one. */
const char *conf_goroot(void);

/* Go's integer syntax: optional '-', digits; false when malformed or out of range. */
bool conf_parse_int32(const char *s, size_t n, int32_t *out);

/* Go's sizes: digits, then nothing, B, KiB, MiB, GiB or TiB; false when malformed or 2^63 and more. */
bool conf_parse_bytes(const char *s, int64_t *out);

/* GODEBUG=name=text: copies the text of the first such element into value[n]. False if there is none,
 * it is empty, or too long. Their names and meanings: STRING in knobs.def. */
bool conf_godebug_string(const char *name, char *value, size_t n);

#endif
