/* spin: -run -O2 -safety -collapse -w22 -m100000 */
/* spin-fails: -DANY_TRACE -run -O2 -safety -collapse -w22 -m100000 */
/* spin-fails: -DNOT_HELD -run -O2 -safety -collapse -w22 -m100000 */
/* spin-fails: -DDYING_ASKED_NOT -run -O2 -safety -collapse -w22 -m100000 */
/* spin-fails: -DDRAINED_AT_ONCE -run -O2 -safety -collapse -w22 -m100000 */
/* trace_read.pml: who has generations that are complete; src/trace/control.c, flight.c, crash.c. How they come
 * about is trace.pml.
 *
 * Two goroutines each begin a trace and stop one, whichever it is; a third reads whatever there is. The flight
 * recorder keeps the last generation; a fourth has it written to a file, and takes its time. A dying program
 * reads what is kept without a lock. The tracer's thread does what it is asked, one thing after the other; each
 * atomic block is what happens under control.c's lock.
 *
 * Holds   1. Nobody reads a generation that has been freed; it is freed once.
 *         2. Who has stopped a trace comes back, and not before all of that trace has been read.
 *         3. In the end all are free but the one that is kept.
 */
#define NGEN 8
#define NONE 255

mtype = { START, STOP, NOW };
mtype = { OFF, ON, DRAINING };

chan asked = [3] of { mtype, byte };
chan unread = [NGEN] of { byte };
mtype phase = OFF;
byte nth = 0, ngen = 0, kept = NONE, stopping = NONE;
byte readers[NGEN];
bool freed[NGEN], given[NGEN];
bool answered[3], ok[3], woken[2];
byte number[3];
byte last_of[5] = NONE;              /* the last generation of each trace */
bool read_to_end[NGEN];
bool dying = false;
byte left = 3;

inline drop(g)
{
    assert(!freed[g] && readers[g] > 0);
    readers[g]--;
    if
    :: readers[g] == 0 -> freed[g] = true
    :: else -> skip
    fi
}

inline hand_out(g)
{
    g = ngen;
    ngen++;
    atomic {
        if
#ifdef DYING_ASKED_NOT
        :: true ->
#else
        :: !dying ->
#endif
            readers[g] = 1;
            if
            :: phase == ON -> readers[g]++; unread!g; last_of[nth] = g
            :: else -> skip
            fi;
            readers[g]++;
            if
            :: kept != NONE -> drop(kept)
            :: else -> skip
            fi;
            kept = g;
            drop(g)
        :: else -> skip
        fi
    }
}

proctype Tracer()
{
    mtype op;
    byte who, g;

end_asleep:
    do
    :: asked?op,who ->
        ok[who] = true;
        if
        :: op == START && phase == OFF -> atomic { phase = ON; nth++ }
        :: op == STOP && phase == ON -> hand_out(g);
            atomic { number[who] = nth; phase = DRAINING }
        :: op == NOW -> hand_out(g)
        :: else -> ok[who] = false
        fi;
        answered[who] = true
    od
}

inline ask(op, who)
{
    answered[who] = false;
    asked!op,who;
    answered[who]
}

#ifdef ANY_TRACE
#define MINE true
#else
#define MINE (nth == number[me])
#endif

proctype User(byte me)
{
    ask(START, me);
    ask(STOP, me);
    if
    :: ok[me] ->
        if
        :: atomic { phase == DRAINING && MINE -> stopping = me }
            woken[me]
        :: atomic { !(phase == DRAINING && MINE) -> skip }
        fi;
        assert(last_of[number[me]] == NONE || read_to_end[last_of[number[me]]])
    :: else -> skip
    fi;
    left--
}

proctype Reader()
{
    byte reading = NONE;

end_nothing:
    do
    :: atomic { nempty(unread) || phase == DRAINING ->
           if
           :: reading != NONE -> read_to_end[reading] = true; drop(reading); reading = NONE
           :: else -> skip
           fi;
           if
#ifdef DRAINED_AT_ONCE
           :: phase != DRAINING && nempty(unread) -> unread?reading
           :: phase == DRAINING ->
#else
           :: nempty(unread) -> unread?reading
           :: empty(unread) && phase == DRAINING ->
#endif
               phase = OFF;
               if
               :: stopping != NONE -> woken[stopping] = true; stopping = NONE
               :: else -> skip
               fi
           fi }
       if
       :: reading != NONE -> assert(!freed[reading])
       :: else -> skip
       fi
    od
}

proctype Recorder()
{
    byte mine;

    ask(NOW, 2);
    atomic {
        mine = kept;
        if
        :: mine != NONE ->
#ifndef NOT_HELD
            readers[mine]++
#else
            skip
#endif
        :: else -> skip
        fi
    }
    if
    :: mine != NONE -> assert(!freed[mine]); assert(!freed[mine]);
#ifndef NOT_HELD
        atomic { drop(mine) }
#endif
    :: else -> skip
    fi;
    left--
}

/* The program dies, or not. */
proctype Crash()
{
    byte mine;

    if
    :: dying = true;
        mine = kept;
        if
        :: mine != NONE -> assert(!freed[mine]); assert(!freed[mine])
        :: else -> skip
        fi
    :: skip
    fi
}

active proctype quiet()
{
    byte i;

    timeout;
    assert(left == 0);
    do
    :: i < ngen && !dying -> assert(freed[i] != (i == kept)); i++
    :: else -> break
    od
}

init
{
    atomic { run Tracer(); run User(0); run User(1); run Reader(); run Recorder(); run Crash() }
}
