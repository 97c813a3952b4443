/* spin: -run -O2 -safety -collapse -w24 -m100000 */
/* spin-fails: -DCOMMIT_STORES -run -O2 -safety -collapse -w24 -m100000 */
/* spin-fails: -DEDGE_FORGETS -run -O2 -safety -collapse -w24 -m100000 */
/* spin-fails: -DNO_CLOSED_CHECK -run -O2 -safety -collapse -w24 -m100000 */
/* spin-fails: -DCLEAR_LATE -run -O2 -safety -collapse -w24 -m100000 */
/* poll.pml: one direction of a pollable descriptor, src/poll/poll.h.
 *
 * The side word is a binary semaphore with two users: one goroutine waits, and edges from the
 * kernel (seen by any thread that polls), a deadline and a close wake it. The kernel reports an
 * edge once: one that is forgotten never comes again.
 *
 *   EMPTY --edge--> READY --begin_wait--> EMPTY
 *   EMPTY --begin_wait--> PREPARED --commit--> WAITER --edge--> READY, the waiter is readied
 *   PREPARED, WAITER --deadline, close--> EMPTY, the waiter is readied
 *
 * Holds   1. Who waits is woken: nothing sleeps on data that is there, or past a deadline or close.
 *         2. Only a parked goroutine is readied, and once.
 *         3. end_wait finds READY or EMPTY, never PREPARED or itself.
 */
#define BYTES 3

mtype = { EMPTY, READY, PREPARED, WAITER };
mtype = { RUNNING, PARKED };

mtype side = EMPTY;
mtype g = RUNNING;
byte data = 0;       /* in the socket's buffer */
byte sent = 0;
bool closed = false;
byte edges = 0;      /* reported by the kernel, not yet seen by a poller */

inline ready()
{
    atomic { assert(g == PARKED); g = RUNNING }
}

/* A compare-and-swap loop, as poll.c has it: load, decide, swap. */
inline unblock(old, io)
{
    do
    :: old = side;
       if
       :: old == READY -> old = EMPTY; break
       :: old == EMPTY && !io -> break
       :: else ->
#ifdef EDGE_FORGETS
          if
          :: old == EMPTY -> break
          :: else -> skip
          fi;
#endif
          atomic {
              if
              :: side == old && io -> side = READY; break
              :: side == old && !io -> side = EMPTY; break
              :: else -> skip
              fi
          }
       fi
    od;
    if
    :: old == WAITER -> ready()
    :: else -> skip
    fi
}

/* The peer sends; the kernel makes an edge of it, in one step with the data. */
active proctype peer()
{
    do
    :: sent < BYTES -> atomic { data++; sent++; edges = (edges < 2 -> edges + 1 : edges) }
    :: break /* and may stop any time */
    od
}

/* Two threads poll: the scheduler's and the monitor's. */
active [2] proctype poller()
{
    mtype old;
end_polling:
    do
    :: atomic { edges > 0 -> edges-- }; unblock(old, true)
    od
}

active proctype closer()
{
    mtype old;

    if
    :: true -> closed = true; unblock(old, false) /* published first, then the waiter is taken */
    :: true -> skip
    fi
}

active proctype reader()
{
    byte got = 0;
    bool edge;
    mtype old;
    bool commit;

    do
    :: got == BYTES -> break
    :: got < BYTES ->
#ifndef CLEAR_LATE
       /* clear: an edge seen so far says nothing that the read will not find by itself */
       atomic {
           if
           :: side == READY -> side = EMPTY
           :: else -> skip
           fi
       };
#endif
       atomic {
           if
           :: data > 0 -> got = got + data; data = 0; edge = true
           :: else -> edge = false /* EAGAIN */
           fi
       };
       if
       :: edge -> skip
       :: else ->
#ifdef CLEAR_LATE
          atomic {
              if
              :: side == READY -> side = EMPTY
              :: else -> skip
              fi
          };
#endif
          /* begin_wait */
          atomic {
              if
              :: side == READY -> side = EMPTY; edge = true
              :: side == EMPTY -> side = PREPARED; edge = false
              :: else -> assert(false)
              fi
          };
          if
          :: edge -> skip
          :: else ->
             commit = false;
#ifndef NO_CLOSED_CHECK
             if
             :: closed -> skip
             :: else ->
#endif
                g = PARKED; /* park: the commit runs when the goroutine can be readied */
#ifdef COMMIT_STORES
                atomic { side = WAITER; commit = true };
#else
                atomic {
                    if
                    :: side == PREPARED -> side = WAITER; commit = true
                    :: else -> skip
                    fi
                };
#endif
                if
                :: commit ->
end_parked:
                   g == RUNNING
                :: else -> g = RUNNING
                fi;
#ifndef NO_CLOSED_CHECK
             fi;
#endif
             /* end_wait */
             atomic {
                 old = side;
                 side = EMPTY;
                 assert(old == READY || old == EMPTY || (old == PREPARED && !commit && closed))
             };
             if
             :: closed -> break
             :: else -> skip
             fi
          fi
       fi
    od
}

active proctype quiet()
{
    timeout;
    assert(edges == 0);
    assert(!(g == PARKED && (data > 0 || closed)))
}
