/* gort/http.h: the debug server: libgort_http, a library of its own. Go: net/http/pprof and expvar, and
 * Prometheus' Go collector. */
#ifndef GORT_HTTP_H
#define GORT_HTTP_H

#include <gort/base.h>

GORT_BEGIN_DECLS

/* Serves /debug/pprof/, /debug/goroutines, /debug/vars and /metrics until the program ends or
 * gort_debug_serve_stop. Whoever reaches the port can read stacks, profiles and the command line.
 *
 * Waits    while a host's name is looked up; the requests are answered by goroutines of their own.
 * addr     "host:port", "[host]:port", ":port" or "port"; without a host on 127.0.0.1 only. Port 0: any that
 *          is free.
 * Returns  the port, or -1 with errno.
 * Fails    EINVAL for a bad address, EADDRINUSE, EADDRNOTAVAIL for a host that has no address or none of
 *          this machine, EACCES, EBUSY when it serves already, EPERM when the caller is no goroutine.
 * Callers  any goroutine. While it serves, a deadlock of all others does not end the program: they can be
 *          looked at.
 */
GORT_API int gort_debug_serve(const char *addr);

/* Ends it: requests that wait are broken off, the port is free. Does nothing if it does not serve.
 *
 * Waits    until no goroutine of the server runs any more, but for those that make a difference of profiles.
 * Callers  any goroutine.
 */
GORT_API void gort_debug_serve_stop(void);

GORT_END_DECLS

#endif
