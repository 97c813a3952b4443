/* snapshot.c: a child process marks the heap as it was.
 *
 * Owns    the page in which the child leaves its result.
 * Holds   1. One child at a time.
 *         2. A result is believed only if the child both left it and ended as it should: one that was
 *            killed half-way, by the system for want of memory or by a fault of ours, found nothing out.
 * Locks   none. In the child only what the leader of the gang may take with the world stopped: the
 *         threads that held anything else are not there.
 *
 * The marks that the child sets are shared memory (mem_share_marks); the rest of its memory is a copy,
 * made page by page as the program writes.
 */
#include "gc/gc_int.h"

#include <errno.h>
#include <sys/wait.h>

struct result {
    au32 done;
    ai32 value;
};
static struct result *result; /* shared; const once made */

struct work {
    int (*fn)(void *arg);
    void *arg;
};

static void child_main(void *arg)
{
    const struct work *w = arg;
    store_rlx(&result->value, (int32_t)w->fn(w->arg));
    store_rel(&result->done, 1u); /* pairs with snapshot_wait */
}

int snapshot_start(int (*fn)(void *arg), void *arg)
{
    struct work w = {fn, arg};
    if (result == NULL)
        result = os_map_shared(os_page_bytes());
    if (result == NULL)
        return -ENOMEM;
    store_rlx(&result->done, 0u);
    return os_clone_child(child_main, &w);
}

int snapshot_wait(int pid)
{
    int status = os_child_wait(pid);
    bool ended = status >= 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (!ended || load_acq(&result->done) == 0) /* pairs with child_main */
        return -1;
    return load_rlx(&result->value);
}
