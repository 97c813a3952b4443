/* atomic.h: atomics with the order in the name.
 *
 * The wrapped types make a plain access a compile error (nobody spells `.v` but this file and futexes). Anything but relaxed names its partner
 * where it is used. There is no bare fence: ThreadSanitizer cannot see one.
 */
#ifndef BASE_ATOMIC_H
#define BASE_ATOMIC_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint32_t v;
} au32;
typedef struct {
    uint64_t v;
} au64;
typedef struct {
    int64_t v;
} ai64;
typedef struct {
    int32_t v;
} ai32;
typedef struct {
    void *v;
} aptr;

/* Two steps, so that the word `relaxed` and its like are spelled once. */
#define load_rlx(a)       ATOMIC_LOAD((a), __ATOMIC_RELAXED)
#define load_acq(a)       ATOMIC_LOAD((a), __ATOMIC_ACQUIRE)
#define load_seq(a)       ATOMIC_LOAD((a), __ATOMIC_SEQ_CST)
#define store_rlx(a, x)   __atomic_store_n(&(a)->v, (x), __ATOMIC_RELAXED)
#define store_rel(a, x)   __atomic_store_n(&(a)->v, (x), __ATOMIC_RELEASE)
#define store_seq(a, x)   __atomic_store_n(&(a)->v, (x), __ATOMIC_SEQ_CST)
#define ATOMIC_LOAD(a, o) __atomic_load_n(&(a)->v, o)

/* Each returns the value before the operation. */
#define add_rlx(a, x)      __atomic_fetch_add(&(a)->v, (x), __ATOMIC_RELAXED)
#define add_acq_rel(a, x)  __atomic_fetch_add(&(a)->v, (x), __ATOMIC_ACQ_REL)
#define add_seq(a, x)      __atomic_fetch_add(&(a)->v, (x), __ATOMIC_SEQ_CST)
#define sub_seq(a, x)      __atomic_fetch_sub(&(a)->v, (x), __ATOMIC_SEQ_CST)
#define or_rlx(a, x)       __atomic_fetch_or(&(a)->v, (x), __ATOMIC_RELAXED)
#define or_seq(a, x)       __atomic_fetch_or(&(a)->v, (x), __ATOMIC_SEQ_CST)
#define and_seq(a, x)      __atomic_fetch_and(&(a)->v, (x), __ATOMIC_SEQ_CST)
#define swap_acq(a, x)     __atomic_exchange_n(&(a)->v, (x), __ATOMIC_ACQUIRE)
#define swap_acq_rel(a, x) __atomic_exchange_n(&(a)->v, (x), __ATOMIC_ACQ_REL)
#define swap_seq(a, x)     __atomic_exchange_n(&(a)->v, (x), __ATOMIC_SEQ_CST)

/* True if `*a` held `old` and now holds `new`. */
#define CAS_WITH(a, old, new, order)                                                               \
    __extension__({                                                                                \
        __typeof__((a)->v) cas_old_ = (old);                                                       \
        __atomic_compare_exchange_n(&(a)->v, &cas_old_, (new), false, order, __ATOMIC_RELAXED);    \
    })
#define cas_acq(a, old, new)     CAS_WITH(a, old, new, __ATOMIC_ACQUIRE)
#define cas_rel(a, old, new)     CAS_WITH(a, old, new, __ATOMIC_RELEASE)
#define cas_acq_rel(a, old, new) CAS_WITH(a, old, new, __ATOMIC_ACQ_REL)
#define cas_seq(a, old, new)     CAS_WITH(a, old, new, __ATOMIC_SEQ_CST)

#endif
