/* spin: -run -O2 -safety -collapse -w24 -m1000000 */
/* spin-fails: -DNO_WAIT -run -O2 -safety -collapse -w24 -m1000000 */
/* spin-fails: -DBIRTH_UNMARKED -run -O2 -safety -collapse -w24 -m1000000 */
/* spin-fails: -DLATE_LOOK -run -O2 -safety -collapse -w24 -m1000000 */
/* spin-fails: -DTHREADS_LATER -run -O2 -safety -collapse -w24 -m1000000 */
/* spin-fails: -DOFF_EARLY -run -O2 -safety -collapse -w24 -m1000000 */
/* spin-fails: -DPASSES_BUSY -run -O2 -safety -collapse -w24 -m1000000 */
/* spin-fails: -DWORD_IN_G -run -O2 -safety -collapse -w24 -m1000000 */
/* shot.pml: the stacks of all goroutines as they are at one instant, noted while the program goes on.
 *
 * Slots for goroutines. Threads switch to a goroutine that waits, which moves: from then on it is at another
 * place; then it waits again, or ends. Or they give birth in an empty slot. Each time they first look at the
 * probe, then at the slot's word, as src/prof/shot.c says. An empty slot's pages may be given back at any time. A
 * profiler takes two shots: it stops the threads between what they do, notes who has a thread, walks the slots.
 *
 * Holds   1. At the end of a shot, each goroutine that was alive at the instant has been noted once, at the place
 *            where it was then, and nobody else.
 *         2. Nobody notes anything but between an instant and the end of its shot.
 */
#define SLOTS   2
#define THREADS 2
#define DEEDS   2 /* of each thread */
#define SHOTS   2
#define BUSY    1
#define NOBODY  255

mtype = { DEAD, WAITS, RUNS };

mtype status[SLOTS];
bool taken[SLOTS];    /* by a thread: it was in a queue, or on the list of dead ones */
byte place[SLOTS];    /* where it is; changes with each step of it */
byte word[SLOTS];

bool inside[THREADS]; /* between two points where a stop finds it */
byte runs[THREADS];   /* the goroutine that has it; NOBODY */
bool stopping, probe;
byte epoch;           /* even */

bool on;              /* a shot is being taken */
bool was[SLOTS];      /* alive at the instant */
byte was_at[SLOTS];
byte notes[SLOTS];

inline note(s, at)
{
    atomic {
        assert(on);
        assert(was[s] && at == was_at[s]);
        notes[s]++;
        assert(notes[s] == 1)
    }
}

/* won = there is something to do */
inline claim(s, won)
{
    do
    :: atomic { word[s] == epoch -> won = false }; break
#ifdef NO_WAIT
    :: atomic { word[s] == epoch + BUSY -> won = false }; break
#endif
    :: atomic { word[s] != epoch && word[s] != epoch + BUSY -> word[s] = epoch + BUSY; won = true }; break
    od
}

inline settle(s)
{
    word[s] = epoch
}

/* Whoever looks takes two looks at the place: it must not move meanwhile. */
inline walk_and_note(s, at)
{
    at = place[s];
    assert(at == place[s]);
    note(s, at)
}

proctype Thread(byte me)
{
    byte s, at, deeds;
    bool won, seen;

    do
    :: deeds < DEEDS ->
       deeds++;
       atomic { !stopping -> inside[me] = true };
       if
       :: runs[me] == NOBODY ->
          if
          :: atomic { status[0] == WAITS && !taken[0] -> taken[0] = true; s = 0 }
          :: atomic { status[1] == WAITS && !taken[1] -> taken[1] = true; s = 1 }
          :: atomic { status[0] == DEAD && !taken[0] -> taken[0] = true; s = 0 }
          :: atomic { status[1] == DEAD && !taken[1] -> taken[1] = true; s = 1 }
          :: atomic { taken[0] && taken[1] -> s = NOBODY }
          fi;
          if
          :: s == NOBODY -> skip
          :: s != NOBODY && status[s] == WAITS -> /* switch_to */
             seen = probe;
             if
             :: seen ->
                claim(s, won);
                if
                :: won -> walk_and_note(s, at); settle(s)
                :: else -> skip
                fi
             :: else -> skip
             fi;
             atomic { status[s] = RUNS; place[s]++; runs[me] = s }
          :: s != NOBODY && status[s] == DEAD -> /* g_new */
             seen = probe;
#ifndef BIRTH_UNMARKED
             if
             :: seen ->
                settle(s)
             :: else -> skip
             fi;
#endif
             place[s]++;
             atomic { status[s] = WAITS; taken[s] = false }
          fi
       :: runs[me] != NOBODY -> /* it has moved on, and waits or ends */
          s = runs[me];
          place[s]++;
          if
          :: atomic { runs[me] = NOBODY; status[s] = WAITS; taken[s] = false }
          :: atomic { runs[me] = NOBODY; status[s] = DEAD };
#ifdef WORD_IN_G
             word[s] = 0; /* its pages are given back */
#endif
             taken[s] = false
          fi
       fi;
       inside[me] = false
    :: else -> break
    od
}

/* Who has a thread, within the stop. */
inline take_with_thread(t, s, won)
{
    if
    :: runs[t] != NOBODY ->
       s = runs[t];
       claim(s, won);
       assert(won);
       walk_and_note(s, at);
       settle(s)
    :: else -> skip
    fi
}

proctype Profiler()
{
    byte s, at, shots;
    bool won;

    do
    :: shots < SHOTS ->
       shots++;
       stopping = true;
       !inside[0] && !inside[1];
       atomic {
           epoch = epoch + 2;
           on = true;
           s = 0;
           do
           :: s < SLOTS -> was[s] = status[s] != DEAD; was_at[s] = place[s]; notes[s] = 0; s++
           :: else -> break
           od
       };
#ifdef THREADS_LATER
       probe = true;
       stopping = false;
       atomic { take_with_thread(0, s, won) };
       atomic { take_with_thread(1, s, won) };
#else
       take_with_thread(0, s, won);
       take_with_thread(1, s, won);
       probe = true;
       stopping = false;
#endif
#ifdef OFF_EARLY
       probe = false;
#endif
       s = 0;
       do
       :: s < SLOTS ->
          if
#ifdef LATE_LOOK
          :: true ->
#else
          :: status[s] == DEAD -> skip
          :: status[s] != DEAD ->
#endif
#ifdef PASSES_BUSY
             if
             :: atomic { word[s] != epoch && word[s] != epoch + BUSY -> word[s] = epoch + BUSY; won = true }
             :: atomic { word[s] == epoch || word[s] == epoch + BUSY -> won = false }
             fi;
#else
             claim(s, won);
#endif
             if
#ifdef LATE_LOOK
             :: won && status[s] == DEAD -> settle(s)
             :: won && status[s] != DEAD -> walk_and_note(s, at); settle(s)
#else
             :: won -> walk_and_note(s, at); settle(s)
#endif
             :: !won -> skip
             fi
          fi;
          s++
       :: else -> break
       od;
       probe = false;
       atomic {
           on = false;
           s = 0;
           do
           :: s < SLOTS -> assert(notes[s] == was[s]); s++
           :: else -> break
           od
       }
    :: else -> break
    od
}

init
{
    atomic {
        runs[0] = NOBODY;
        runs[1] = NOBODY;
        status[0] = WAITS;
        status[1] = DEAD;
        run Thread(0);
        run Thread(1);
        run Profiler()
    }
}
