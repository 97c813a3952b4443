/* gort/trace.h: execution traces, for `go tool trace` and gotraceui. Go: runtime.StartTrace and package
 * runtime/trace. */
#ifndef GORT_TRACE_H
#define GORT_TRACE_H

#include <gort/any.h>
#include <gort/base.h>

GORT_BEGIN_DECLS

/* Begins a trace. A nil value, or the error `tracing is already enabled`. Go: runtime.StartTrace. */
GORT_API gort_any gort_start_trace(void);
/* Ends it; waits until gort_read_trace has returned NULL. Go: runtime.StopTrace. */
GORT_API void gort_stop_trace(void);
/* The next part of the trace, valid until the next call; waits for it. NULL once, after gort_stop_trace.
 * Go: runtime.ReadTrace. */
GORT_API const void *gort_read_trace(size_t *len);

/* Begins a trace that a goroutine of the runtime writes to `fd`. 0, or -1 with EBUSY. Go: trace.Start. */
GORT_API int gort_trace_start(int fd);
/* Ends it; returns when all is written: 0, or -1 with errno of a failed write. Go: trace.Stop. */
GORT_API int gort_trace_stop(void);
/* Go: trace.IsEnabled. */
GORT_API bool gort_trace_is_enabled(void);

/* What the program says of itself. Strings are copied. Cheap while no trace runs. */
typedef struct {
    uint64_t id; /* 0: the background task */
} gort_trace_task;
/* Go: trace.NewTask, Task.End. */
GORT_API gort_trace_task gort_trace_task_begin(gort_trace_task parent, const char *name);
GORT_API void gort_trace_task_end(gort_trace_task t);
/* A region of one goroutine: begun and ended on it, properly nested. Go: trace.StartRegion, Region.End. */
GORT_API void gort_trace_region_begin(gort_trace_task t, const char *name);
GORT_API void gort_trace_region_end(gort_trace_task t, const char *name);
/* Go: trace.WithRegion. */
GORT_API void gort_trace_with_region(gort_trace_task t, const char *name, void (*fn)(void *arg),
                                     void *arg);
/* Go: trace.Log, trace.Logf. */
GORT_API void gort_trace_log(gort_trace_task t, const char *category, const char *message);
GORT_API void gort_trace_logf(gort_trace_task t, const char *category, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The flight recorder: a trace of which only the end is kept, until somebody asks for it. Go:
 * trace.FlightRecorder. */
typedef struct {
    int64_t min_age_ns;     /* keep at least this much; 0: 10 s */
    size_t max_bytes;       /* and no more than about this much; 0: 10 MiB */
    const char *crash_path; /* written there, too, when the program dies; NULL: not */
} gort_trace_flight_options;
/* 0, or -1 with EBUSY. `o` may be NULL. */
GORT_API int gort_trace_flight_start(const gort_trace_flight_options *o);
/* Writes what is kept as a trace of its own; recording goes on. -1 with EINVAL without a recorder, ENOMEM if
 * there was no memory for what happened just now, or as write says. */
GORT_API int gort_trace_flight_write(int fd);
GORT_API void gort_trace_flight_stop(void);

GORT_END_DECLS

#endif
