/* support.h: what the tests share. */
#ifndef TEST_SUPPORT_H
#define TEST_SUPPORT_H

/* Runs `fn` as goroutine 1 in this process, once per process; returns what gort_run returned, 0
 * when `fn` came back. Inside a goroutine use cr_expect: cr_assert leaves by a jump to another
 * stack. */
int in_gort(void (*fn)(void));

/* Runs `fn` in a forked child whose stdout and stderr go to one pipe.
 *
 * output   set to what it wrote, ended by NUL; the caller frees it. NULL: not wanted.
 * status   set to what waitpid says, for WIFEXITED and its like: status 0 when `fn` came back.
 * Dies     with the caller, so that a test's time limit ends it too.
 * Callers  before in_gort: a child of a program with threads has only one of them. */
void run_forked(void (*fn)(void), char **output, int *status);

/* Calls what takes the runtime's locks as the runtime does, in a bracket: who is stopped elsewhere, with a lock held,
 * keeps it from all others. Wants sched/sched.h. */
#define INSIDE(call)                                                                               \
    do {                                                                                           \
        struct m *inside = m_enter();                                                              \
        call;                                                                                      \
        m_leave(inside);                                                                           \
    } while (0)

#endif
