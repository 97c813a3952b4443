/* spin: -run -O2 -safety -collapse -w24 -m100000 */
/* spin-fails: -DNO_MEMBARRIER -run -O2 -safety -collapse -w24 -m100000 */
/* spin-fails: -DNO_WAIT -run -O2 -safety -collapse -w24 -m100000 */
/* spin-fails: -DNO_OWNER_CHECK -run -O2 -safety -collapse -w24 -m100000 */
/* revoke.pml: taking the P of a thread that is outside the runtime; src/sched/sched.h, p.c.
 *
 * A thread enters by a plain store and a load: locks = 1, then attention. The processor may keep
 * the store in its store buffer past the load (TSO, and every weaker order). Who takes a P sets
 * REVOKING, makes every thread pass a barrier (membarrier), and then loads locks.
 *
 *   thread m                        revoker
 *   locks = 1   (buffered)          m = p->m; attention |= REVOKING
 *   read attention                  membarrier
 *    0: inside, the P is ours       locks == 0, and m and p still belong together:
 *    REVOKING: wait                    p->m = NULL; attention |= REVOKED; the P is taken
 *    REVOKED: get another P         attention &= ~REVOKING
 *
 * Holds   1. A P is used by one thread at a time.
 *         2. A thread that is inside has its P until it gives it away itself.
 *         3. Nobody waits for ever, and no P is lost: when nothing moves any more, every thread has
 *            gone its rounds and both Ps are idle.
 * Threads go outside -> inside -> outside. Inside they use their P, and may give it away and wait
 * for one (park). A revoked thread still points at its old P until it looks at attention.
 */
#define NM     2
#define NP     2
#define ROUNDS 2
#define TRIES  3
#define NONE   255
#define TAKER  254

#ifdef NO_OWNER_CHECK
#define BELONG(m, p) true
#else
#define BELONG(m, p) (mp[m] == p && pm[p] == m)
#endif

chan buffer[NM] = [2] of { byte }; /* stores of `locks` on their way to memory, oldest first */
byte locks[NM];                    /* in memory */
bool revoking[NM];                 /* attention */
bool revoked[NM];
byte mp[NM];                       /* m->p */
byte pm[NP];                       /* p->m */
byte used_by[NP] = NONE;           /* who relies on having this P, right now */
bool idle[NP];                     /* in the list of idle Ps, under the lock */
byte left = NM;

/* Stores leave the buffer in order, at any time. */
proctype store_buffers()
{
end_drained:
    do
    :: atomic { nempty(buffer[0]) -> buffer[0]?locks[0] }
    :: atomic { nempty(buffer[1]) -> buffer[1]?locks[1] }
    od
}

inline barrier(m)
{
    atomic {
        do
        :: nempty(buffer[m]) -> buffer[m]?locks[m]
        :: empty(buffer[m]) -> break
        od
    }
}

/* A thread without a P gets an idle one: from the list under the lock, then made its own. */
inline acquire(me, p)
{
    barrier(me);
    atomic {
        idle[0] || idle[1];
        if
        :: idle[0] -> p = 0
        :: idle[1] -> p = 1
        fi;
        idle[p] = false
    };
    pm[p] = me;
    mp[me] = p
}

inline release(me, p)
{
    mp[me] = NONE;
    pm[p] = NONE;
    barrier(me);
    idle[p] = true
}

/* m_enter: afterwards the P is ours, whichever it is. */
inline enter(me, p)
{
    buffer[me]!1;
    if
    :: !revoking[me] && !revoked[me] -> skip
    :: revoking[me] || revoked[me] ->
#ifndef NO_WAIT
       !revoking[me];
#endif
       if
       :: revoked[me] ->
          revoked[me] = false;
          mp[me] = NONE;
          acquire(me, p)
       :: else -> skip
       fi
    fi
}

proctype M(byte me; byte p)
{
    byte round;

    do
    :: round < ROUNDS ->
       enter(me, p);
       do
       :: atomic { assert(used_by[p] == NONE); used_by[p] = me };
          atomic { assert(used_by[p] == me && mp[me] == p && pm[p] == me); used_by[p] = NONE };
          break
       :: release(me, p); acquire(me, p) /* park, and go on elsewhere */
       od;
       buffer[me]!0; /* m_leave */
       round++
    :: else -> break
    od;
    enter(me, p);
    release(me, p); /* the thread sleeps for good */
    left--
}

/* The monitor: p_revoke, and the P goes to the idle list, where the threads wait for one. */
proctype revoker()
{
    byte m, p, tries;

    do
    :: tries < TRIES ->
       if
       :: p = 0
       :: p = 1
       fi;
       m = pm[p];
       if
       :: m == NONE -> skip
       :: else ->
          revoking[m] = true;
#ifndef NO_MEMBARRIER
          barrier(0); /* one thread after the other */
          barrier(1);
#endif
          if
          :: locks[m] == 0 && BELONG(m, p) && !revoked[m] ->
             atomic { assert(used_by[p] == NONE); used_by[p] = TAKER };
             pm[p] = NONE;
             revoked[m] = true;
             revoking[m] = false;
             used_by[p] = NONE;
             idle[p] = true
          :: else -> revoking[m] = false
          fi
       fi;
       m = 0;
       tries++
    :: else -> break
    od
}

active proctype quiet()
{
    timeout;
    assert(left == 0);
    assert(idle[0] && idle[1])
}

init
{
    atomic {
        mp[1] = 1;
        pm[1] = 1;
        run store_buffers();
        run M(0, 0);
        run M(1, 1);
        run revoker()
    }
}
