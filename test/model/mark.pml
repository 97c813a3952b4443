/* spin: -run -O2 -safety -collapse -w24 -m100000 */
/* spin: -DBORN_WHITE -run -O2 -safety -collapse -w24 -m100000 */
/* spin-fails: -DSCAN_THEN_PROTECT -run -O2 -safety -collapse -w24 -m100000 */
/* spin-fails: -DNO_LAST_PAGES -run -O2 -safety -collapse -w24 -m100000 */
/* spin-fails: -DNO_REGISTERS -run -O2 -safety -collapse -w24 -m100000 */
/* spin-fails: -DSTACKS_NOT_TRACKED -run -O2 -safety -collapse -w24 -m100000 */
/* spin-fails: -DSTRAYS_RUN_ON -run -O2 -safety -collapse -w24 -m100000 */
/* spin-fails: -DROOTS_ONCE -run -O2 -safety -collapse -w24 -m100000 */
/* spin-fails: -DQUIET_WITHOUT_WORKERS -run -O2 -safety -collapse -w24 -m100000 */
/* mark.pml: marking while the program runs; no reachable object is left unmarked.
 *
 * Objects have one field and a page each. Two mutators have two registers and a stack frame each; a
 * frame has a page too, and the other mutator may write it (a job record on the waiter's stack). A
 * global variable has a page that nobody tracks. A store sets `written` of its page. The leader protects
 * the pages (written = 0), stops the mutators, lets objects be born marked, and starts them again; the
 * leader and a helper mark what hangs on frames and the global; a round looks again at pages that were
 * written, protecting them first; then the mutators are stopped for the second time, the last written
 * pages, the registers and the global are looked at, and marking ends when nothing is grey and nobody
 * marks.
 *
 * Holds   1. When marking has ended every object that can be reached is marked.
 * That objects are born marked is not needed for this (BORN_WHITE): it keeps what the program builds
 * during marking out of the last stop.
 * Each atomic block is one store, one mark, or a step that the code makes while the world is stopped.
 */
#define NOBJ  4
#define NMUT  2
#define OPS   4 /* of both mutators together */
#define NONE  255

byte field[NOBJ];
bool mark[NOBJ], grey[NOBJ], born[NOBJ], written[NOBJ];
byte reg0[NMUT], reg1[NMUT], frame[NMUT];
bool fwritten[NMUT];
byte global = NONE;
bool stopped[NMUT];
byte ops = OPS;
byte nborn;
bool marking = false;
byte nworkers = 0;
bool helping = false;
bool over = false;

inline shade(o)
{
    if
    :: (o) != NONE && !mark[o] -> mark[o] = true; grey[o] = true
    :: else -> skip
    fi
}

#define SOME_GREY (grey[0] || grey[1] || grey[2] || grey[3])

/* Takes grey objects until there are none: the object in hand is in nobody's queue. */
inline drain(o, v)
{
    do
    :: atomic { SOME_GREY ->
           if
           :: grey[0] -> o = 0
           :: !grey[0] && grey[1] -> o = 1
           :: !grey[0] && !grey[1] && grey[2] -> o = 2
           :: !grey[0] && !grey[1] && !grey[2] -> o = 3
           fi;
           grey[o] = false }
       v = field[o];
       atomic { shade(v); o = 0; v = 0 }
    :: !SOME_GREY -> break
    od
}

proctype Mutator(byte me)
{
    byte other = 1 - me;
    do
    :: atomic { !stopped[me] && ops > 0 && !over -> ops--;
        if
        :: reg0[me] != NONE -> reg1[me] = field[reg0[me]]
        :: reg0[me] != NONE -> field[reg0[me]] = reg1[me]; written[reg0[me]] = true
        :: reg0[me] != NONE -> field[reg0[me]] = NONE; written[reg0[me]] = true
        :: frame[me] = reg1[me]; fwritten[me] = true; reg1[me] = NONE
        :: frame[me] != NONE -> reg1[me] = frame[me]; frame[me] = NONE; fwritten[me] = true
        :: frame[other] = reg1[me]; fwritten[other] = true; reg1[me] = NONE
        :: global = reg1[me]; reg1[me] = NONE
        :: global != NONE -> reg1[me] = global; global = NONE
        :: reg0[me] = reg1[me]; reg1[me] = NONE
        :: nborn < NOBJ && reg1[me] == NONE ->
            reg1[me] = nborn;
            nborn++;
            born[reg1[me]] = true;
#ifndef BORN_WHITE
            mark[reg1[me]] = marking;
#endif
            written[reg1[me]] = true
        fi }
    :: over -> break
    :: ops == 0 -> break
    od
}

/* An assist, or another member of the gang. */
proctype Helper()
{
    byte o, v;
    do
    :: atomic { helping && SOME_GREY -> nworkers++ }
       drain(o, v);
       nworkers--
    :: over -> break
    od
}

#ifdef QUIET_WITHOUT_WORKERS
#define QUIET (!SOME_GREY)
#else
#define QUIET (!SOME_GREY && nworkers == 0)
#endif

/* Looks again at a written page; what is not marked waits until something marks it. */
inline rescan(p)
{
#ifdef SCAN_THEN_PROTECT
    if
    :: written[p] ->
        if
        :: mark[p] -> o = p; v = field[o]; atomic { shade(v); o = 0; v = 0 }
        :: else -> skip
        fi;
        written[p] = false
    :: else -> skip
    fi
#else
    if
    :: atomic { written[p] -> written[p] = false }
        if
        :: mark[p] -> v = field[p]; atomic { shade(v); v = 0 }
        :: else -> skip
        fi
    :: else -> skip
    fi
#endif
}

inline rescan_all()
{
    p = 0;
    do
    :: p < NOBJ -> rescan(p); p++
    :: else -> break
    od;
    p = 0;
#ifndef STACKS_NOT_TRACKED
    do
    :: p < NMUT ->
        if
        :: atomic { fwritten[p] -> fwritten[p] = false } v = frame[p]; atomic { shade(v); v = 0 }
        :: else -> skip
        fi;
        p++
    :: else -> break
    od;
    p = 0
#endif
}

inline see(o)
{
    if
    :: (o) != NONE && !seen[o] -> seen[o] = true; again = true
    :: else -> skip
    fi
}

/* Holds 1, by a walk of its own. */
inline check_all_reachable()
{
    see(global); see(reg0[0]); see(reg1[0]); see(frame[0]); see(reg0[1]); see(reg1[1]); see(frame[1]);
    do
    :: again -> again = false;
        p = 0;
        do
        :: p < NOBJ && seen[p] -> see(field[p]); p++
        :: p < NOBJ && !seen[p] -> p++
        :: p == NOBJ -> break
        od
    :: !again -> break
    od;
    p = 0;
    do
    :: p < NOBJ -> assert(!seen[p] || mark[p]); p++
    :: p == NOBJ -> break
    od
}

proctype Leader()
{
    byte p = 0, o, v;
    bool seen[NOBJ], again = false;
    do /* protect */
    :: p < NOBJ -> written[p] = false; p++
    :: else -> break
    od;
    fwritten[0] = false;
    fwritten[1] = false;
    atomic { stopped[0] = true; stopped[1] = true; marking = true; stopped[0] = false;
             stopped[1] = false; p = 0; helping = true; nworkers++ }
    atomic { shade(global) }
    v = frame[0]; atomic { shade(v); v = 0 }
    v = frame[1]; atomic { shade(v); v = 0 }
    drain(o, v);
    rescan_all();
    drain(o, v);
    nworkers--;
    QUIET;
#ifdef STRAYS_RUN_ON
    stopped[0] = true; /* the other has no P, and computes */
#else
    atomic { stopped[0] = true; stopped[1] = true }
#endif
    nworkers++;
#ifndef NO_LAST_PAGES
    rescan_all();
#endif
#ifndef ROOTS_ONCE
    atomic { shade(global) }
#endif
#ifndef NO_REGISTERS
    atomic { shade(reg0[0]); shade(reg1[0]); shade(reg0[1]); shade(reg1[1]) }
#endif
    drain(o, v);
    nworkers--;
    QUIET;
    atomic { over = true; check_all_reachable() }
}

init {
    atomic {
        /* 0 -> 1 in the first mutator's register; 2 in the frame of the second. */
        field[0] = 1; field[1] = NONE; field[2] = NONE; field[3] = NONE;
        reg0[0] = 0; reg1[0] = NONE; reg0[1] = 2; reg1[1] = NONE;
        frame[0] = NONE; frame[1] = 2;
        nborn = 3;
        run Mutator(0); run Mutator(1); run Helper(); run Leader()
    }
}
