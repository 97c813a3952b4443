/* stack.h: stacks of goroutines.
 *
 * A stack is a slot of fixed virtual size in a large reserved region, committed by touch:
 *
 *   lo - guard      lo                                   hi            slot end
 *   |  guard pages  |  stack, grows down      <- sp      |  head, colour  |
 *
 * The caller keeps `head_bytes` at the top of the slot for itself (struct g), on the same page as
 * the first frames. Stack tops are coloured: neighbours begin on different cache lines.
 */
#ifndef STACK_STACK_H
#define STACK_STACK_H

#include "base/atomic.h"
#include "base/attr.h"

struct stack {
    uintptr_t lo, hi; /* usable bytes; hi is 16-byte aligned */
    uint32_t region, slot;
};

struct region;

void stack_init(size_t head_bytes, size_t default_bytes);
size_t stack_default_bytes(void);
/* A head, zeroed if cold, of a free slot of at least `bytes` (0: the default); *cold tells whether
 * it is new (its page untouched). NULL when the kernel has no more memory. */
void *stack_take(size_t bytes, struct stack *s, bool *cold);
/* Takes up to n heads of default size that are still warm from the depot; the count. */
unsigned stack_take_warm(void **heads, unsigned n);
/* The stack of a head that stack_take_warm returned. */
struct stack stack_of_warm(const void *head);
/* Gives a slot back, keeping its pages for a while; `head` is what stack_take returned. */
void stack_put(void *head, const struct stack *s);
/* The same for several of default size. */
void stack_put_many(void **heads, struct stack *const *stacks, unsigned n);
/* For a thread that has nothing to do: makes a few slots warm if somebody has been taking cold ones,
 * so that the page faults are on this thread. False when nobody has. */
bool stack_warm_up(void);
/* Gives pages of slots that nobody wanted for an interval back to the system; at most `max` slots.
 * Called by the monitor about once a second. */
void stack_trim(unsigned max);
/* Calls fn(head) for every slot that is taken or warm. */
void stack_each_head(void (*fn)(void *head, void *arg), void *arg);
/* Calls fn for the part [lo, hi) of each region that has ever been used. */
void stack_each_region(void (*fn)(uintptr_t lo, uintptr_t hi, void *arg), void *arg);
/* Is any slot of [lo, hi), which lies in one region, taken? What is taken meanwhile may be missed. */
bool stack_any_taken(uintptr_t lo, uintptr_t hi);
/* The head of the slot that holds `addr`, if that slot is taken; NULL otherwise. [*slot_lo, *slot_end)
 * is the slot without its guard, taken or not; both are 0 outside of all slots ever used. Logarithmic
 * in the number of regions. */
void *stack_head_at(uintptr_t addr, uintptr_t *slot_lo, uintptr_t *slot_end);
/* A word of the slot that `head` lies in, 0 at first, which stays as it is when the slot's pages are given back;
 * NULL outside of all slots. For prof/shot.c. */
au32 *stack_word(const void *head);
/* Calls fn(head) for the taken slots of one part of parts: for walks in parallel. */
void stack_each_head_part(unsigned part, unsigned parts, void (*fn)(void *head, void *arg),
                          void *arg);
/* Gives the whole OS pages of [s->lo, sp) that are in memory back to the system; bytes. Nobody may be
 * running on the stack. */
size_t stack_release_below(const struct stack *s, uintptr_t sp);
/* Slots that are taken, about. */
uint64_t stack_count_taken(void);

#endif
