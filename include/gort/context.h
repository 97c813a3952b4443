/* gort/context.h: deadlines, cancellation and values that follow a request through its goroutines.
 *
 * Contexts form a tree: a context is cancelled by its owner, by its deadline, or with its parent.
 * They are garbage-collected; one that can be cancelled should be, as soon as nobody needs it,
 * because its parent (and its timer) hold it until then.
 *
 *     gort_context *ctx = gort_context_with_timeout(gort_context_background(), 2 * GORT_SECOND);
 *     gort_select_case cases[] = {GORT_RECV(results, &r), GORT_RECV(gort_context_done(ctx), NULL)};
 *     if (gort_select(cases, 2) == 1)
 *         fail(gort_context_err(ctx));
 *     gort_context_cancel(ctx);
 */
#ifndef GORT_CONTEXT_H
#define GORT_CONTEXT_H

#include <gort/base.h>
#include <gort/chan.h>

GORT_BEGIN_DECLS

typedef struct gort_context gort_context;

/* The two things that gort_context_err says, besides NULL; compare the pointers. */
GORT_API extern const char gort_context_canceled[];          /* "context canceled" */
GORT_API extern const char gort_context_deadline_exceeded[]; /* "context deadline exceeded" */

/* The roots: never cancelled, no deadline, no values. Go's context.Background() and context.TODO().
 */
GORT_API gort_context *gort_context_background(void);
GORT_API gort_context *gort_context_todo(void);

/* A child of `parent` that gort_context_cancel cancels; cancelled already if `parent` is. Go's
 * context.WithCancel. Never waits. Panics with `cannot create context from nil parent` on NULL, as
 * the next three do. Any goroutine. */
GORT_API gort_context *gort_context_with_cancel(gort_context *parent);

/* The same, and it is cancelled by itself at the moment `at_ns` of gort_nanotime, or at the
 * deadline of `parent` if that is earlier: Go's context.WithDeadline. */
GORT_API gort_context *gort_context_with_deadline(gort_context *parent, int64_t at_ns);

/* The same, `ns` from now: Go's context.WithTimeout. */
GORT_API gort_context *gort_context_with_timeout(gort_context *parent, int64_t ns);

/* A child of `parent` in which `key` has the value `value`: Go's context.WithValue. Keys are
 * compared as pointers: use the address of something of your own. Panics with `nil key` on a NULL
 * key. */
GORT_API gort_context *gort_context_with_value(gort_context *parent, const void *key, void *value);

/* Cancels `ctx` and everything below it: what Go's cancel function does.
 *
 * Waits    never. Does nothing the second time.
 * ctx      made by gort_context_with_cancel, _with_deadline or _with_timeout; on another one,
 * panics with `context has no cancel function`. Callers  any goroutines at once.
 */
GORT_API void gort_context_cancel(gort_context *ctx);

/* The same, and gort_context_cause will return `cause`, which is kept, not copied; NULL stands for
 * gort_context_canceled. */
GORT_API void gort_context_cancel_cause(gort_context *ctx, const char *cause);

/* A channel that is closed when `ctx` is cancelled, the same at each call; NULL if it never can be.
 */
GORT_API gort_chan *gort_context_done(gort_context *ctx);

/* NULL while `ctx` is not cancelled; then gort_context_canceled or gort_context_deadline_exceeded.
 * Once it is not NULL, the channel of gort_context_done is closed. */
GORT_API const char *gort_context_err(gort_context *ctx);

/* Why: what gort_context_cancel_cause said here or above, or what gort_context_err says. */
GORT_API const char *gort_context_cause(gort_context *ctx);

/* True if there is a deadline, with *at_ns set to it. */
GORT_API bool gort_context_deadline(const gort_context *ctx, int64_t *at_ns);

/* The value of `key` here or in the nearest ancestor that has it, else NULL. */
GORT_API void *gort_context_value(const gort_context *ctx, const void *key);

GORT_END_DECLS

#endif
