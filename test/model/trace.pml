/* spin: -run -O2 -safety -collapse -w22 -m200000 */
/* spin: -DAGAIN -run -O2 -safety -collapse -w22 -m200000 */
/* spin-fails: -DFAR_WITHOUT_LOCK -run -O2 -safety -collapse -w22 -m200000 */
/* spin-fails: -DFAR_WITHOUT_LOOK -run -O2 -safety -collapse -w22 -m200000 */
/* spin-fails: -DFLAG_AFTER_LOOK -run -O2 -safety -collapse -w22 -m200000 */
/* spin-fails: -DFLAG_BEFORE_STATUS -run -O2 -safety -collapse -w22 -m200000 */
/* spin-fails: -DSTATUS_OF_G -run -O2 -safety -collapse -w22 -m200000 */
/* spin-fails: -DUNBLOCK_ALWAYS -run -O2 -safety -collapse -w22 -m200000 */
/* spin-fails: -DSTEAL_LATE -run -O2 -safety -collapse -w22 -m200000 */
/* spin-fails: -DSTEAL_PLAIN -run -O2 -safety -collapse -w22 -m200000 */
/* spin-fails: -DSEQ_GOES_ON -run -O2 -safety -collapse -w22 -m200000 */
/* spin-fails: -DNO_FLUSH -run -O2 -safety -collapse -w22 -m200000 */
/* spin-fails: -DFREE_EARLY -run -O2 -safety -collapse -w22 -m200000 */
/* spin-fails: -DTURN_WITHOUT_STOP -run -O2 -safety -collapse -w22 -m200000 */
/* trace.pml: threads write events without a lock, generations end, a reader finds the order; src/trace/emit.c,
 * turn.c, memory.c, seal.c. Who may read a generation that has ended is trace_read.pml.
 *
 * A thread runs two goroutines on two Ps: one waits, wakes the other, makes a call that is announced or not. A
 * poller without a P wakes them, too. The monitor takes the P of the thread while that is in a call, and writes so
 * into its buffer, in its name (revoke.pml has how it comes to that). The tracer's thread stops the world three
 * times: a trace begins, a generation ends, the trace ends; or (AGAIN) one is made, then another. It gives each
 * generation to a reader of Go's kind, who is told what everything is and then takes the next event of any thread
 * that fits: never by time, only by sequence numbers and states, beginning with the first thread or the last.
 *
 * Holds   1. A buffer has one writer, and is nobody's and the reader's when it is read.
 *         2. An event is in the generation in which it happened; the reader gets it once.
 *         3. The reader can always go on, to the last event: what each generation says first fits what came
 *            before it, and every sequence number follows.
 *         4. Nothing is written when no trace is made.
 *         5. Each stop ends: when nothing moves any more, the tracer's thread is done.
 * An event is two steps: room is found, then it is there. What a thread does with a P lies in between anywhere.
 */
#define NG   2
#define NP   2
#define NT   3 /* the thread, the poller, the tracer's thread */
#define NB   6 /* two for each: one is written, one read */
#define CAP  15
#define OPS  2 /* of the thread and the poller together */
#define NONE 15

#define FAR    1
#define TRACER 2

#define RUNNABLE 1
#define RUNNING  2
#define SYSCALL  3
#define WAITING  4

#define IDLE    1
#define RUN     2
#define INCALL  3
#define STOPPED 4

mtype = { PSTART, PSTOP, GSTART, GBLOCK, GSTOP, GUNBLOCK, SYSBEGIN, SYSEND, SYSENDB };

/* ---- the scheduler */
byte status[NG], on[NG] = NONE;      /* on: its thread */
bool queued[NG], findable[NG];
byte cur[NT] = NONE, mp[NT] = NONE;
bool outside[NT], revoking[NT], revoked[NT];
byte pst[NP] = IDLE;
bool stopping = false, over = false;
byte ops = OPS;

/* ---- the tracer */
bool probe = false, locked = false;
byte generation = 0;                 /* 0: off */
byte gs[NG], gseq[NG], pseq[NP];
byte buf[NT] = NONE;
bool writing[NT];

/* ---- buffers: 0 free, 1 some thread's, 2 of the generation that has ended */
byte bst[NB], bgen[NB], n[NB];
mtype kind[NB * CAP];
byte arg[NB * CAP], seq[NB * CAP];
byte nwritten, nread;

/* ---- what each generation says first, and what the reader believes */
byte says[NG], says_on[NG], told[NG], told_on[NG];
byte rg[NG], rgs[NG], rp[NP], rps[NP], rmg[NT] = NONE, rmp[NT] = NONE;

inline room(t)
{
    assert(!writing[t] && generation != 0);
    writing[t] = true;
    if
    :: buf[t] != NONE -> skip
    :: else ->
        buf[t] = (bst[2 * t] == 0 -> 2 * t : 2 * t + 1);
        assert(bst[buf[t]] == 0);
        bst[buf[t]] = 1; bgen[buf[t]] = generation; n[buf[t]] = 0
    fi
}

inline put(t, k, a, s)
{
    assert(writing[t] && bst[buf[t]] == 1 && bgen[buf[t]] == generation && n[buf[t]] < CAP);
    kind[buf[t] * CAP + n[buf[t]]] = k;
    arg[buf[t] * CAP + n[buf[t]]] = a;
    seq[buf[t] * CAP + n[buf[t]]] = s;
    n[buf[t]]++;
    nwritten++;
    writing[t] = false
}

/* Events that are no more than that. */
inline tap(t, k, a)
{
    if
    :: d_step { probe -> room(t) } d_step { put(t, k, a, 0) }
    :: else -> skip
    fi
}

inline tap_pstart(t, p)
{
    if
    :: d_step { probe -> room(t); pseq[p]++ } d_step { put(t, PSTART, p, pseq[p]) }
    :: else -> skip
    fi
}

inline tap_gstart(t, g)
{
    if
    :: d_step { probe -> assert(gs[g] == RUNNABLE); room(t); gseq[g]++ }
        d_step { put(t, GSTART, g, gseq[g]); gs[g] = RUNNING }
    :: else -> skip
    fi
}

inline run_again(t, g)
{
    if
    :: d_step { gs[g] == SYSCALL -> room(t) } d_step { put(t, SYSEND, 0, 0); gs[g] = RUNNING }
    :: else -> skip
    fi
}

inline tap_leave(t, k, g, to)
{
    if
    :: probe -> run_again(t, g); d_step { room(t) } d_step { put(t, k, 0, 0); gs[g] = to }
    :: else -> skip
    fi
}

inline unblock(t, g)
{
    if
#ifdef UNBLOCK_ALWAYS
    :: true ->
#else
    :: gs[g] == WAITING ->
#endif
        d_step { room(t); gseq[g]++ } d_step { put(t, GUNBLOCK, g, gseq[g]); gs[g] = RUNNABLE }
    :: else -> skip
    fi
}

inline syscall_begin(t, g, p)
{
    if
    :: d_step { gs[g] == RUNNING -> room(t); pseq[p]++ }
        d_step { put(t, SYSBEGIN, p, pseq[p]); gs[g] = SYSCALL }
    :: else -> skip
    fi
}

#ifdef FAR_WITHOUT_LOCK
#define LOCK_FAR skip
#define UNLOCK_FAR skip
#else
#define LOCK_FAR atomic { !locked -> locked = true }
#define UNLOCK_FAR locked = false
#endif
#ifdef FAR_WITHOUT_LOOK
#define STILL_ON true
#else
#define STILL_ON (generation != 0)
#endif

/* make_runnable, and the look at the flag: a read-modify-write, or it could come first. */
inline make_runnable(g, saw)
{
#ifdef FLAG_BEFORE_STATUS
    saw = probe;
    status[g] = RUNNABLE
#else
    status[g] = RUNNABLE;
    saw = probe
#endif
}

inline unblock_far(t, g, saw)
{
    if
    :: saw -> LOCK_FAR;
        if
        :: STILL_ON -> unblock(t, g)
        :: else -> skip
        fi;
        UNLOCK_FAR
    :: else -> skip
    fi
}

inline syscall_lost(t, g, saw)
{
    if
    :: saw -> LOCK_FAR;
        if
        :: STILL_ON && gs[g] == SYSCALL -> d_step { room(t) }
                                           d_step { put(t, SYSENDB, 0, 0); gs[g] = RUNNABLE }
        :: else -> skip
        fi;
        UNLOCK_FAR
    :: else -> skip
    fi
}

#define ANY_QUEUED (queued[0] || queued[1])
#define ANY_IDLE   (pst[0] == IDLE || pst[1] == IDLE)
#define take_idle(p) if :: pst[0] == IDLE -> p = 0 :: else -> p = 1 fi; pst[p] = RUN

/* m_enter found that its P was taken. */
inline regain(me, g, p, saw)
{
    mp[me] = NONE;
    if
    :: atomic { !stopping && ANY_IDLE -> take_idle(p) }
        saw = probe;
        syscall_lost(me, g, saw);
        mp[me] = p;
        tap_pstart(me, p);
        tap_gstart(me, g)
    :: stopping || !ANY_IDLE ->
        make_runnable(g, saw);
        syscall_lost(me, g, saw);
        atomic { on[g] = NONE; cur[me] = NONE; queued[g] = true; g = NONE }
    fi;
    saw = false
}

inline give_p(me, p)
{
    tap(me, PSTOP, 0);
    d_step {
        mp[me] = NONE;
        if
        :: stopping -> pst[p] = STOPPED
        :: else -> pst[p] = IDLE
        fi;
        p = NONE
    }
}

proctype Thread(byte me; byte g; byte p)
{
    byte o = NONE;
    bool saw;

    do
    :: over -> break

    /* without a P */
    :: atomic { mp[me] == NONE && cur[me] == NONE && !stopping && ANY_QUEUED && ANY_IDLE ->
                take_idle(p); mp[me] = p }
        tap_pstart(me, p)

    /* with one, in the scheduler */
    :: mp[me] != NONE && cur[me] == NONE && (stopping || !ANY_QUEUED) -> give_p(me, p)
    :: atomic { mp[me] != NONE && cur[me] == NONE && !stopping && ANY_QUEUED ->
                if
                :: queued[0] -> g = 0
                :: queued[1] -> g = 1
                fi;
                queued[g] = false; cur[me] = g; on[g] = me }
        status[g] = RUNNING;
        tap_gstart(me, g)

    /* with one, in a goroutine */
    :: mp[me] != NONE && cur[me] != NONE && stopping ->
        tap_leave(me, GSTOP, g, RUNNABLE);
        atomic { status[g] = RUNNABLE; on[g] = NONE; cur[me] = NONE; queued[g] = true; g = NONE }
    :: atomic { mp[me] != NONE && cur[me] != NONE && ops > 0 && !over -> ops-- }
        if
        :: tap_leave(me, GBLOCK, g, WAITING); /* park */
            status[g] = WAITING;
            atomic { on[g] = NONE; cur[me] = NONE; findable[g] = true; g = NONE }
        :: atomic { findable[1 - g] -> findable[1 - g] = false; o = 1 - g } /* ready */
            status[o] = RUNNABLE;
            if
            :: probe -> unblock(me, o)
            :: else -> skip
            fi;
            atomic { queued[o] = true; o = NONE }
        :: if /* a call; its begin is announced or not */
            :: probe -> syscall_begin(me, g, p)
            :: skip
            fi;
            outside[me] = true;
            atomic { !revoking[me] -> outside[me] = false }
            if
            :: revoked[me] -> revoked[me] = false; regain(me, g, p, saw)
            :: else ->
                if
                :: probe -> run_again(me, g)
                :: else -> skip
                fi
            fi
        fi
    od
}

/* Descriptors and timers, by a thread that has no P. */
proctype Poller()
{
    byte o = NONE;
    bool saw;

    do
    :: over -> break
    :: atomic { ops > 0 && (findable[0] || findable[1]) -> ops--;
                if
                :: findable[0] -> o = 0
                :: findable[1] -> o = 1
                fi;
                findable[o] = false }
        make_runnable(o, saw);
        unblock_far(FAR, o, saw);
        atomic { queued[o] = true; o = NONE; saw = false }
    od
}

inline taken(m, p)
{
    d_step {
        revoked[m] = true;
        revoking[m] = false;
        if
        :: stopping -> pst[p] = STOPPED
        :: else -> pst[p] = IDLE
        fi
    }
}

inline steal_events(m, p)
{
    if
    :: probe ->
#ifndef STEAL_PLAIN
        syscall_begin(m, cur[m], p);
#endif
        tap(m, PSTOP, 0)
    :: else -> skip
    fi
}

#define IN_REACH(m) (outside[m] && !revoking[m] && !revoked[m] && mp[m] != NONE)

proctype Monitor()
{
    byte m = NONE, p = NONE;

    do
    :: over -> break
    :: atomic { IN_REACH(0) -> m = 0; revoking[m] = true; p = mp[m] }
#ifdef STEAL_LATE
        taken(m, p);
        steal_events(m, p);
#else
        steal_events(m, p);
        taken(m, p);
#endif
        atomic { m = NONE; p = NONE }
    od
}

/* ---- the reader */
#define FITS_PSTART   (rp[a] == IDLE && rps[a] + 1 == s && rmp[t] == NONE)
#define FITS_GSTART   (rg[a] == RUNNABLE && rgs[a] + 1 == s)
#define FITS_GUNBLOCK (rg[a] == WAITING && rgs[a] + 1 == s)
#define FITS_SYSENDB  (rmp[t] == NONE)

/* The next event of thread t, if it fits. */
inline step()
{
    b = old[t];
    if
    :: b == NONE || at[t] == n[b] -> skip
    :: else ->
#ifndef FREE_EARLY
        assert(bst[b] == 2);
#endif
        assert(bgen[b] == ended);
        i = b * CAP + at[t];
        a = arg[i];
        s = seq[i];
        moved = true;
        if
        :: kind[i] == PSTART ->
            if
            :: FITS_PSTART -> rp[a] = RUN; rps[a] = s; rmp[t] = a
            :: else -> moved = false
            fi
        :: kind[i] == PSTOP ->
            assert(rmp[t] != NONE);
            rp[rmp[t]] = IDLE; rmp[t] = NONE
        :: kind[i] == GSTART ->
            if
            :: FITS_GSTART -> assert(rmp[t] != NONE && rmg[t] == NONE);
                rg[a] = RUNNING; rgs[a] = s; rmg[t] = a
            :: else -> moved = false
            fi
        :: kind[i] == GBLOCK || kind[i] == GSTOP ->
            assert(rmp[t] != NONE && rmg[t] != NONE && rg[rmg[t]] == RUNNING);
            rg[rmg[t]] = (kind[i] == GBLOCK -> WAITING : RUNNABLE);
            rmg[t] = NONE
        :: kind[i] == GUNBLOCK ->
            if
            :: FITS_GUNBLOCK -> rg[a] = RUNNABLE; rgs[a] = s
            :: else -> moved = false
            fi
        :: kind[i] == SYSBEGIN ->
            assert(rmp[t] == a && rmg[t] != NONE && rg[rmg[t]] == RUNNING && rps[a] + 1 == s);
            rg[rmg[t]] = SYSCALL; rp[a] = INCALL; rps[a] = s
        :: kind[i] == SYSEND ->
            assert(rmg[t] != NONE && rg[rmg[t]] == SYSCALL && rmp[t] != NONE && rp[rmp[t]] == INCALL);
            rg[rmg[t]] = RUNNING; rp[rmp[t]] = RUN
        :: kind[i] == SYSENDB ->
            if
            :: FITS_SYSENDB -> assert(rmg[t] != NONE && rg[rmg[t]] == SYSCALL);
                rg[rmg[t]] = RUNNABLE; rmg[t] = NONE
            :: else -> moved = false
            fi
        fi;
        if
        :: moved -> at[t]++; nread++
        :: else -> skip
        fi
    fi
}

/* What the generation says first: all that the reader knows, or just what it knows already. */
inline believe(g)
{
    if
    :: first -> rg[g] = told[g]
    :: else -> assert(rg[g] == told[g])
    fi;
    rgs[g] = 0;
    if
    :: told[g] == SYSCALL ->
        assert(told_on[g] != NONE && (first || rmg[told_on[g]] == g));
        rmg[told_on[g]] = g
    :: else -> skip
    fi
}

inline read_generation()
{
    d_step {
        i = 0;
        do
        :: first && i < NT -> rmg[i] = NONE; rmp[i] = NONE; i++
        :: else -> break
        od;
        believe(0);
        believe(1);
        assert(first || (rp[0] == IDLE && rp[1] == IDLE));
        rp[0] = IDLE; rp[1] = IDLE; rps[0] = 0; rps[1] = 0;
        first = false;
        i = 0;
        do
        :: i < NT -> at[i] = 0; i++
        :: else -> break
        od;
        tries = 0;
        t = way;
        do
        :: tries < NT -> moved = false; step();
            if
            :: moved -> tries = 0; t = way
            :: else -> tries++; t = (way == 0 -> t + 1 : (t == 0 -> NT - 1 : t - 1))
            fi
        :: else -> break
        od;
        assert(nread == nold_events);
        b = 0; a = 0; s = 0; t = 0; tries = 0; moved = false; way = 0; i = 0;
        do
        :: i < NT -> at[i] = 0; i++
        :: else -> break
        od;
        i = 0
    }
}

/* ---- the tracer's thread */
inline stop_world()
{
    atomic { stopping = true;
        if :: pst[0] == IDLE -> pst[0] = STOPPED :: else -> skip fi;
        if :: pst[1] == IDLE -> pst[1] = STOPPED :: else -> skip fi }
#ifndef TURN_WITHOUT_STOP
    pst[0] == STOPPED && pst[1] == STOPPED
#endif
}

inline start_world()
{
    d_step { stopping = false;
        if :: pst[0] == STOPPED -> pst[0] = IDLE :: else -> skip fi;
        if :: pst[1] == STOPPED -> pst[1] = IDLE :: else -> skip fi }
}

inline adopt()   { d_step { room(TRACER); pseq[0]++; put(TRACER, PSTART, 0, pseq[0]) } }
inline unadopt() { d_step { room(TRACER); put(TRACER, PSTOP, 0, 0) } }

inline say(g, anew)
{
    if
#ifdef STATUS_OF_G
    :: true ->
#else
    :: anew ->
#endif
        gs[g] = (status[g] == RUNNING -> SYSCALL : status[g])
    :: else -> skip
    fi;
#ifndef SEQ_GOES_ON
    gseq[g] = 0;
#endif
    says[g] = gs[g];
    says_on[g] = on[g]
}

inline begin_generation(anew)
{
    number++;
    generation = number;
#ifndef FLAG_AFTER_LOOK
    probe = true;
#endif
    d_step { pseq[0] = 0; pseq[1] = 0 }
    if
    :: anew -> d_step { say(0, anew) } d_step { say(1, anew) }
    :: else -> d_step { say(0, anew); say(1, anew) } /* who has no P waits for the lock */
    fi;
    probe = true;
    adopt()
}

inline end_generation()
{
    unadopt();
    d_step {
        nold_events = 0;
        i = 0;
        do
        :: i < NT ->
            assert(!writing[i]);
            old[i] = buf[i];
            if
            :: buf[i] != NONE -> nold_events = nold_events + n[buf[i]];
#ifndef NO_FLUSH
                bst[buf[i]] = 2; buf[i] = NONE
#endif
            :: else -> skip
            fi;
            i++
        :: else -> break
        od;
        told[0] = says[0]; told[1] = says[1]; told_on[0] = says_on[0]; told_on[1] = says_on[1];
        assert(nold_events == nwritten);
        nwritten = 0; nread = 0; ended = number; i = 0
    }
}

#ifdef FREE_EARLY
inline put_all()
{
    d_step {
        i = 0;
        do
        :: i < NT ->
            if
            :: old[i] != NONE -> bst[old[i]] = 0
            :: else -> skip
            fi;
            i++
        :: else -> break
        od;
        i = 0
    }
}

#endif

/* The buffers are free again; what they held is wiped, so that states are alike. */
inline forget_all()
{
    d_step {
        i = 0;
        do
        :: i < NT ->
            if
            :: old[i] != NONE ->
                do
                :: n[old[i]] > 0 -> n[old[i]]--; kind[old[i] * CAP + n[old[i]]] = 0;
                    arg[old[i] * CAP + n[old[i]]] = 0; seq[old[i] * CAP + n[old[i]]] = 0
                :: else -> break
                od;
                bst[old[i]] = 0; bgen[old[i]] = 0; old[i] = NONE
            :: else -> skip
            fi;
            i++
        :: else -> break
        od;
        i = 0
    }
}

/* The reader asks one thread after the other; which one first, makes no difference. */
inline seal()
{
    if
    :: way = 0
    :: way = NT - 1
    fi;
#ifdef FREE_EARLY
    put_all();
    read_generation();
    forget_all()
#else
    read_generation();
    forget_all()
#endif
}

#define START 0
#define NEXT  1
#define STOP  2

inline turn(how)
{
    stop_world();
    if
    :: probe -> adopt()
    :: else -> skip
    fi;
    atomic { !locked -> locked = true }
    if
    :: how != START -> end_generation()
    :: else -> skip
    fi;
    if
    :: how != STOP -> begin_generation(how == START)
    :: else -> generation = 0; probe = false
    fi;
    locked = false;
    if
    :: probe -> unadopt()
    :: else -> skip
    fi;
    start_world()
}

proctype Tracer()
{
    byte at[NT], old[NT] = NONE;
    byte i, b, a, s, t, tries, way, number, ended, nold_events;
    bool moved, first = true;

    turn(START);
#ifndef AGAIN
    turn(NEXT);
    seal();
#endif
    turn(STOP);
    seal();
#ifdef AGAIN
    first = true;
    turn(START);
    turn(STOP);
    seal();
#endif
    over = true
}

init
{
    atomic {
        status[0] = RUNNING; on[0] = 0; cur[0] = 0; mp[0] = 0; pst[0] = RUN;
        status[1] = RUNNABLE; queued[1] = true;
        run Thread(0, 0, 0);
        run Poller();
        run Monitor();
        run Tracer()
    }
}
