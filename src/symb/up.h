/* up.h: what this room calls on higher floors.
 *
 * sched_is_inside        sched/syscall.c: is this thread between m_enter and m_leave? There, nothing may wait
 *                        for the loader's lock.
 * sched_enter_syscall,   sched/syscall.c: outside, reading files is announced: the goroutine is not stopped
 * sched_exit_syscall     with our lock in hand, and its processor is free meanwhile.
 * sched_steady           sched/syscall.c: not stopped, even if the program dies: its report wants the lock.
 */
#ifndef SYMB_UP_H
#define SYMB_UP_H

#include "base/attr.h"

bool sched_is_inside(void);
void sched_enter_syscall(void);
void sched_exit_syscall(void);
void sched_steady(bool steady);

#endif
