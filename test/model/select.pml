/* spin: -run -O2 -safety -collapse -w24 -m100000 */
/* spin-fails: -DNO_CAS -run -O2 -safety -collapse -w24 -m100000 */
/* spin-fails: -DEARLY_RESET -run -O2 -safety -collapse -w24 -m100000 */
/* spin-fails: -DNO_DEQUEUE -run -O2 -safety -collapse -w24 -m100000 */
/* select.pml: the race of several channels for one goroutine that waits in select.
 *
 * Two goroutines receive from channel 0 or channel 1, twice each. Three send on channel 0 and one
 * on channel 1. A selecting goroutine locks its channels in order, takes a sender that waits, else
 * queues one waiter on each channel and parks; the channels are unlocked once it is parked. Whoever
 * wakes a waiter takes it out of the queue under that channel's lock only, so two channels may try
 * for one goroutine at once: the first to set select_done wins, and the loser drops the waiter
 * and looks at the next. After it is woken, the goroutine locks all its channels again, takes its
 * other waiters out, and only then clears select_done.
 *
 * Holds   1. Only a parked goroutine is woken, and once.
 *         2. Each element arrives once: a sender is done exactly when one receiver has its element.
 *         3. When nothing moves any more, no sender waits on a channel that a receiver waits on.
 *         4. A queue never has two waiters of one select.
 */
#define NSEL   2
#define NSEND  4
#define ROUNDS 2
#define NOBODY 255

mtype = { RUNNING, WAITING };

bool locked[2];
chan recvq0 = [4] of { byte }; /* selecting goroutines */
chan recvq1 = [4] of { byte };
chan sendq0 = [4] of { byte }; /* sending goroutines */
chan sendq1 = [4] of { byte };

mtype status[NSEL] = RUNNING;
bool select_done[NSEL];
byte got[NSEL] = NOBODY;      /* param: the sender whose element was handed over */
byte from[NSEL];              /* and the channel that won */

mtype send_status[NSEND] = RUNNING;
byte arrived[NSEND];          /* how often this sender's element was received */

inline lock(c)
{
    atomic { !locked[c] -> locked[c] = true }
}

inline unlock(c)
{
    locked[c] = false
}

/* dequeue a receiver: waiters of a goroutine that another channel has won are dropped. */
inline dequeue_receiver(rq, w, won)
{
    won = false;
    do
    :: atomic { nempty(rq) -> rq?w };
#ifdef NO_CAS
       if
       :: !select_done[w] -> select_done[w] = true; won = true; break /* look, then set: two steps */
       :: else -> skip
       fi
#else
       atomic {
           if
           :: !select_done[w] -> select_done[w] = true; won = true
           :: else -> skip
           fi
       };
       if
       :: won -> break
       :: else -> skip
       fi
#endif
    :: empty(rq) -> break
    od
}

proctype Sender(byte me; byte c; chan rq; chan sq)
{
    byte w;
    bool won;

    lock(c);
    dequeue_receiver(rq, w, won);
    if
    :: won ->
       assert(got[w] == NOBODY);
       got[w] = me;
       from[w] = c;
       arrived[me]++;
       unlock(c);
       atomic { assert(status[w] == WAITING); status[w] = RUNNING } /* ready */
    :: else ->
       atomic { sq!me; send_status[me] = WAITING };
       unlock(c);
end_waiting:
       send_status[me] == RUNNING
    fi;
    assert(arrived[me] == 1)
}

inline receive_from_waiting(c, sq, s)
{
    sq?s;
    arrived[s]++;
    unlock(0);
    unlock(1);
    atomic { assert(send_status[s] == WAITING); send_status[s] = RUNNING }
}

inline remove(rq, who)
{
    if
    :: rq??[eval(who)] -> rq??eval(who)
    :: else -> skip
    fi
}

proctype Selector(byte me)
{
    byte s;
    byte round;

    do
    :: round < ROUNDS ->
       lock(0);
       lock(1);
       if
       :: nempty(sendq0) -> receive_from_waiting(0, sendq0, s)
       :: nempty(sendq1) -> receive_from_waiting(1, sendq1, s)
       :: empty(sendq0) && empty(sendq1) ->
          atomic {
              assert(!recvq0??[eval(me)] && !recvq1??[eval(me)]);
              recvq0!me;
              recvq1!me
          };
          status[me] = WAITING; /* park; its commit unlocks */
          unlock(1);
          unlock(0);
end_waiting:
          status[me] == RUNNING;
#ifdef EARLY_RESET
          select_done[me] = false;
#endif
          lock(0);
          lock(1);
          assert(got[me] != NOBODY);
#ifndef NO_DEQUEUE
          remove(recvq0, me);
          remove(recvq1, me);
#endif
          got[me] = NOBODY;
          select_done[me] = false;
          unlock(1);
          unlock(0)
       fi;
       round++
    :: else -> break
    od
}

active proctype quiet()
{
    timeout;
    assert(empty(recvq0) || empty(sendq0));
    assert(empty(recvq1) || empty(sendq1));
    assert(!locked[0] && !locked[1]);
    /* as many receives as sends: everybody is done */
    assert(arrived[0] + arrived[1] + arrived[2] + arrived[3] == NSEL * ROUNDS);
    assert(status[0] == RUNNING && status[1] == RUNNING)
}

init
{
    atomic {
        run Selector(0);
        run Selector(1);
        run Sender(0, 0, recvq0, sendq0);
        run Sender(1, 1, recvq1, sendq1);
        run Sender(2, 0, recvq0, sendq0);
        run Sender(3, 0, recvq0, sendq0)
    }
}
