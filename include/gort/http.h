/* gort/http.h: the debug server: libgort_http, a library of its own. Go: net/http/pprof and expvar, and
 * Prometheus' Go collector. */
#ifndef GORT_HTTP_H
#define GORT_HTTP_H

#include <gort/base.h>

GORT_BEGIN_DECLS

/* Serves /debug/pprof/, /debug/goroutines, /debug/vars and /metrics on "host:port", "port" or ":port";
 * without a host on loopback only. Answers until the program ends or gort_debug_serve_stop.
 *
 * Returns  the port, or -1 with errno. Port 0: any that is free.
 * Callers  any goroutine, after gort_run.
 */
GORT_API int gort_debug_serve(const char *addr);
GORT_API void gort_debug_serve_stop(void);

GORT_END_DECLS

#endif
