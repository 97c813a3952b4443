/* spin: -run -O2 -safety -collapse -w24 -m100000 */
/* spin-fails: -DNO_RECHECK -run -O2 -safety -collapse -w24 -m100000 */
/* spin-fails: -DONLY_SPINNERS_RECHECK -run -O2 -safety -collapse -w24 -m100000 */
/* spin-fails: -DNO_GLOBAL_RECHECK -run -O2 -safety -collapse -w24 -m100000 */
/* spin-fails: -DNO_HANDOVER -run -O2 -safety -collapse -w24 -m100000 */
/* spin-fails: -DNO_MONITOR -run -O2 -safety -collapse -w24 -m100000 */
/* spin-fails: -DSILENT_OUTSIDER -run -O2 -safety -collapse -w24 -m100000 */
/* spin-fails: -DEARLY_CLEAR -run -O2 -safety -collapse -w24 -m100000 */
/* wake.pml: parking and waking of threads; no wake-up is lost.
 *
 * An M (thread) with a P looks for a runnable goroutine in its own queue, then spins: it steals.
 * One that finds nothing gives its P back, stops spinning, looks once more at every queue, and
 * sleeps on its note. It looks once more also if it did not spin, because others did: they may
 * have found work and made more meanwhile, and have seen no idle P then to wake anyone for. Whoever makes a goroutine runnable puts it into a queue and then calls wakep,
 * which starts one spinning M if a P is idle and nobody spins yet. ready() may skip that: it
 * expects its own P to be free soon, sets want_wake, and leaves the rest to the monitor.
 *
 * Holds   1. When nothing moves any more, no goroutine is queued while a P is idle.
 *         2. nspinning is the number of spinning Ms; in the end it is zero.
 *         3. A P has one M at most.
 * Each atomic block is one atomic operation of the code, or a section under the lock `sched`. A
 * goroutine that computes for ever (end_computing) is legal, and is what makes 1 worth checking:
 * what lies in the queue of its P must find another one.
 */
#define NP     2
#define NM     3 /* one more than can hold a P, so that wakep always finds one or makes it */
#define WORK   3 /* goroutines made in all */
#define GLOBAL NP
#define NONE   255

byte q[NP + 1];    /* runnable goroutines: ring and runnext of each P together; the global queue */
bool want_wake[NP];
byte owner[NP];    /* the M that has the P; NONE: idle */
byte nidle;
byte nspinning = 0;
bool spinning[NM];
bool asleep[NM];   /* in the list of idle Ms */
bool raised[NM];   /* the note */
byte nextp[NM];    /* handed over together with the note */
byte made = 1;

#define SOME_M_ASLEEP (asleep[0] || asleep[1] || asleep[2])

inline take_idle_p(out)
{
    assert(nidle > 0);
    out = 0;
    do
    :: owner[out] != NONE -> out++
    :: owner[out] == NONE -> break
    od;
    nidle--
}

/* At most one M is started on behalf of all producers until it has found work or given up. */
inline wakep(i, pp)
{
    if
    :: atomic { nidle == 0 || nspinning != 0 -> skip }
    :: atomic { nidle > 0 && nspinning == 0 -> nspinning = 1 };
       atomic {
           /* Without an idle M the code makes a new one; here one is on its way to sleep. */
           nidle == 0 || SOME_M_ASLEEP;
           if
           :: nidle == 0 -> nspinning--
           :: else ->
              take_idle_p(pp);
              i = 0;
              do
              :: !asleep[i] -> i++
              :: asleep[i] -> break
              od;
              asleep[i] = false;
              owner[pp] = i;
              nextp[i] = pp;
              spinning[i] = true;
              raised[i] = true
           fi;
           i = 0;
           pp = 0
       }
    fi
}

proctype M(byte me; byte p)
{
    byte i, v;
    byte pp;

    if
    :: p == NONE -> goto sleep
    :: else
    fi;

find:
    atomic { /* the own queue */
        if
        :: q[p] > 0 ->
           q[p]--;
#ifdef EARLY_CLEAR
           want_wake[p] = false;
#endif
           goto execute
        :: else
        fi
    };
    atomic { /* spin, unless enough others do */
        if
        :: !spinning[me] && 2 * nspinning < NP - nidle -> nspinning++; spinning[me] = true
        :: else
        fi
    };
    if
    :: spinning[me] -> /* steal; each look is an operation of its own */
       do
       :: v < NP ->
          atomic {
              if
              :: q[v] > 0 -> q[v]--; v = 0; goto execute
              :: else -> v++
              fi
          }
       :: else -> v = 0; break
       od
    :: else
    fi;
    atomic { /* under the lock: the global queue, else the P is given back */
        assert(owner[p] == me);
        if
        :: q[GLOBAL] > 0 -> q[GLOBAL]--; goto execute
        :: else -> owner[p] = NONE; nidle++; p = NONE
        fi
    };
    atomic {
        if
        :: spinning[me] -> spinning[me] = false; assert(nspinning > 0); nspinning--
#ifdef ONLY_SPINNERS_RECHECK
        :: else -> goto sleep
#else
        :: else
#endif
        fi
    };
#ifndef NO_RECHECK
#ifdef NO_GLOBAL_RECHECK
#define LAST NP
#else
#define LAST (NP + 1)
#endif
    do
    :: v < LAST ->
       if
       :: q[v] > 0 ->
          v = 0;
          atomic { /* under the lock: an idle P, if there still is one */
              if
              :: nidle > 0 ->
                 take_idle_p(p);
                 owner[p] = me;
                 nspinning++;
                 spinning[me] = true;
                 goto find
              :: else -> break
              fi
          }
       :: else -> v++
       fi
    :: else -> v = 0; break
    od;
#endif

sleep:
    asleep[me] = true; /* under the lock */
end_asleep:
    atomic {
        raised[me] ->
        raised[me] = false;
        p = nextp[me];
        assert(owner[p] == me)
    };
    goto find;

execute:
    if
    :: spinning[me] -> /* the last spinner starts the next before it runs what it found */
       atomic { spinning[me] = false; assert(nspinning > 0); nspinning-- };
#ifndef NO_HANDOVER
       wakep(i, pp)
#endif
    :: else
    fi;
    do
    :: atomic { made < WORK -> made++; q[p]++ }; /* go f() */
       wakep(i, pp)
    :: atomic { made < WORK -> made++; q[p]++ }; /* ready() into runnext */
       want_wake[p] = true
    :: break              /* the goroutine ends or waits */
    :: goto end_computing /* it never looks at the runtime again */
    od;
    goto find;

end_computing:
    false
}

/* A thread that holds no P makes a goroutine runnable: its own, which lost its P to the monitor. */
proctype outsider()
{
    byte i;
    byte pp;

    q[GLOBAL]++; /* under the lock */
#ifndef SILENT_OUTSIDER
    wakep(i, pp)
#endif
}

/* Every so often: who counted on its own P gets the wake-up after all. */
proctype monitor()
{
    byte i;
    byte pp;

#ifdef NO_MONITOR
end_off:
    false;
#endif
end_idle:
    do
    :: atomic { want_wake[0] -> want_wake[0] = false }; wakep(i, pp)
    :: atomic { want_wake[1] -> want_wake[1] = false }; wakep(i, pp)
    od
}

active proctype quiet()
{
    timeout;
    assert(nspinning == 0);
    assert(nidle == 0 || q[0] + q[1] + q[GLOBAL] == 0)
}

init
{
    atomic {
        owner[1] = NONE;
        nidle = NP - 1;
        q[0] = 1;
        run M(0, 0);
        run M(1, NONE);
        run M(2, NONE);
        run outsider();
        run monitor()
    }
}
