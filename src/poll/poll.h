/* poll.h: which descriptors are ready. Knows descriptors, not goroutines.
 *
 * Each pollable descriptor has one struct pollfd_state for its life. Each direction is a two-sided
 * binary semaphore: a waiter and the kernel's edges meet there, whoever comes first
 * (test/model/poll.pml).
 *
 *   EMPTY --edge--> READY --begin_wait--> EMPTY    (was ready: no wait)
 *   EMPTY --begin_wait--> PREPARED --commit_wait--> waiter
 *   PREPARED, waiter --edge--> READY --end_wait--> EMPTY
 *   PREPARED, waiter --unblock--> EMPTY            (a deadline, a close)
 *
 * The state belongs to the caller and its memory is never given back, because an event that is
 * under way may still point to it; a generation number, packed into the event beside the pointer,
 * tells which life of the descriptor the event speaks of. (A table of states inside this room would
 * cost a lock at each open and close, and io has a table by descriptor number anyway.)
 */
#ifndef POLL_POLL_H
#define POLL_POLL_H

#include "base/atomic.h"
#include "base/attr.h"

enum poll_mode { POLL_READ = 0, POLL_WRITE = 1 };

/* Zeroed is closed. */
struct ALIGNED(64) pollfd_state {
    /* atomic: */
    aptr side[2];    /* NULL, POLL_IS_READY, POLL_IS_PREPARED, or a waiter */
    au32 sticky;     /* 1: hang-up, error or urgent data seen: never trust "drained" */
    au32 generation; /* events of an earlier life are dropped */
    /* const while open: */
    int fd;
};
#define POLL_IS_READY    ((void *)1)
#define POLL_IS_PREPARED ((void *)2)

/* Most waiters that one poll_wait returns. */
#define POLL_EVENTS  128
#define POLL_MAX_OUT (2 * POLL_EVENTS)

/* ---- epoll.c: the kernel's side */
/* Starts the poller once; 0 or -errno. */
int poll_init(void);
bool poll_started(void);
/* Begins a life of `s`; what is ready now counts as an edge. 0; -EPERM for a descriptor that is
 * always ready (a regular file); -errno. */
int poll_open(struct pollfd_state *s, int fd);
/* Ends it. Nobody waits any more; `s->fd` is still open, or its number is somebody else's. */
void poll_close(struct pollfd_state *s);
/* Collects up to `max` (at least 2) waiters to be readied. ns: 0 does not wait, < 0 waits until
 * somebody is ready or poll_break is called. */
int poll_wait(int64_t ns, void **waiters, int max);
/* Ends a poll_wait that is under way, or the next that would wait. */
SIGSAFE void poll_break(void);

/* ---- poll.c: the waiters' side */
/* Forgets an edge seen so far, before a read or write that will tell by itself. */
void poll_clear(struct pollfd_state *s, enum poll_mode mode);
/* False: it is ready (and that is now taken): try again at once. */
bool poll_begin_wait(struct pollfd_state *s, enum poll_mode mode);
/* The commit of a park: publishes `waiter`; false if it must not wait after all. */
bool poll_commit_wait(struct pollfd_state *s, enum poll_mode mode, void *waiter);
/* After a park or a failed commit: takes back what is there. True if an edge came. */
bool poll_end_wait(struct pollfd_state *s, enum poll_mode mode);
/* For a deadline or a close: the waiter to be readied, or NULL. */
void *poll_unblock(struct pollfd_state *s, enum poll_mode mode);
/* For the kernel's edges: the waiter to be readied, or NULL. */
void *poll_edge(struct pollfd_state *s, enum poll_mode mode);
/* Number of waiters published now. */
uint32_t poll_waiters(void);
void poll_check(const struct pollfd_state *s);

#endif
