/* jobs.c: what the server's goroutine and those that answer tell each other.
 *
 * Owns    the box in which jobs put what they have done, the stream of an answer that comes in parts, and
 *         the numbers of our own goroutines.
 * Holds   1. A request is in the box at most once; `posted` says what is new about it.
 *         2. A chunk belongs to the job again when `consumed` was released once for it.
 * Locks   server.lock, a goroutine's mutex, for a few stores.
 *
 *      job                                server
 *      http_job: route->answer            suspends the connection
 *        [http_stream_begin]  ANSWER ->   resumes it, begins to answer
 *        [http_stream_write]  CHUNK  ->   copies it to the client, releases `consumed`
 *      the end              FINISHED ->   resumes it, answers or ends the stream
 *      http_wait ends early     <- cancel nobody is there any more
 */
#include "http_int.h"

#include <gort/debug.h>
#include <gort/go.h>
#include <gort/io.h>
#include <gort/time.h>

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

void http_wake(struct server *s)
{
    const uint64_t one = 1;
    (void)gort_write(s->wake_fd, &one, sizeof one);
}

void http_post(struct request *r, unsigned what)
{
    struct server *s = r->server;
    gort_mutex_lock(&s->lock);
    if (r->posted == 0) {
        r->next_posted = s->posted;
        s->posted = r;
    }
    r->posted |= what;
    gort_mutex_unlock(&s->lock);
    http_wake(s);
}

void http_job(struct request *r)
{
    size_t place = http_enter(r->server);
    r->route->answer(r);
    http_leave(r->server, place);
    http_post(r, POST_FINISHED);
}

/* ---- who gave up */

bool http_gone(struct request *r)
{
    return __atomic_load_n(&r->gone, __ATOMIC_ACQUIRE) != 0;
}

/* Called by the server's goroutine. */
void http_cancel(struct request *r)
{
    const uint64_t one = 1;
    if (__atomic_exchange_n(&r->gone, 1u, __ATOMIC_ACQ_REL) == 0)
        (void)gort_write(r->cancel_fd, &one, sizeof one);
}

bool http_wait(struct request *r, int64_t ns)
{
    const int64_t until = gort_nanotime() + ns;
    for (;;) {
        int64_t left = until - gort_nanotime();
        if (http_gone(r))
            return false;
        if (left <= 0)
            return true;
        struct pollfd p = {.fd = r->cancel_fd, .events = POLLIN};
        int64_t ms = (left + GORT_MILLISECOND - 1) / GORT_MILLISECOND;
        (void)gort_poll(&p, 1, ms > 1000000 ? 1000000 : (int)ms);
    }
}

/* ---- an answer in parts */

void http_stream_begin(struct request *r)
{
    r->answer.stream = true;
    http_post(r, POST_ANSWER);
}

bool http_stream_write(struct request *r, const char *p, size_t n)
{
    if (n == 0 || http_gone(r))
        return n == 0;
    r->chunk = p;
    r->chunk_len = n;
    http_post(r, POST_CHUNK);
    gort_sema_acquire(&r->consumed);
    return !http_gone(r);
}

/* ---- which goroutines are ours */

/* The number in the first line of a traceback: `goroutine 7 [running]:`. */
static uint64_t own_number(void)
{
    char line[40];
    unsigned long long id = 0;
    size_t n = gort_stack(line, sizeof line - 1, false);
    line[n] = 0;
    return sscanf(line, "goroutine %llu ", &id) == 1 ? id : 0;
}

size_t http_enter(struct server *s)
{
    const size_t n = sizeof s->ids / sizeof s->ids[0];
    uint64_t id = own_number();
    size_t i = 0;
    gort_mutex_lock(&s->lock);
    while (i < n - 1 && s->ids[i] != 0)
        i++;
    s->ids[i] = id;
    gort_mutex_unlock(&s->lock);
    return i;
}

void http_leave(struct server *s, size_t place)
{
    gort_mutex_lock(&s->lock);
    s->ids[place] = 0;
    gort_mutex_unlock(&s->lock);
}

size_t http_ids(struct server *s, uint64_t *ids, size_t n)
{
    size_t k = 0;
    gort_mutex_lock(&s->lock);
    for (size_t i = 0; i < sizeof s->ids / sizeof s->ids[0] && k < n; i++)
        if (s->ids[i] != 0)
            ids[k++] = s->ids[i];
    gort_mutex_unlock(&s->lock);
    return k;
}
