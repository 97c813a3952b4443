/* up.h: what this room calls on higher floors.
 *
 * trace_crash    trace/crash.c: a program that dies leaves what its flight recorder has.
 */
#ifndef PANIC_UP_H
#define PANIC_UP_H

void trace_crash(void);

#endif
