/* Pointers in thread-locals, global data, a thread's specific values, registered memory, and what is no
 * root: memory of malloc's. */
// env: GODEBUG=clobberfree=1
// expect: thread-local: kept
// expect: zeroed global: kept
// expect: initialised global: kept
// expect: pthread_setspecific: kept
// expect: registered: kept
// expect: interior: kept
// expect: one past the end: kept
// expect: through a chain: kept
#include "keep.h"
#include <pthread.h>
#include <stdlib.h>

static __thread secret *local;
static secret *zeroed;
static secret *initialised = (secret *)8;
static pthread_key_t key;

__attribute__((noinline)) static void put(secret ***registered)
{
    local = secret_new("local");
    zeroed = secret_new("zeroed");
    initialised = secret_new("initialised");
    pthread_setspecific(key, secret_new("specific"));
    *registered = malloc(sizeof **registered);
    **registered = secret_new("registered");
    gort_add_roots(*registered, sizeof **registered);
}

__attribute__((noinline)) static char *interior(void)
{
    return secret_new("interior")->text + 17;
}

__attribute__((noinline)) static char *past(void)
{
    return (char *)(secret_new("past") + 1);
}

__attribute__((noinline)) static secret *chain(int n)
{
    secret *s = secret_new("the last");
    while (n-- > 0) {
        secret *before = secret_new("link");
        before->next = s;
        s = before;
    }
    return s;
}

static int run(int argc, char **argv)
{
    secret **registered;
    (void)argc;
    (void)argv;
    gort_lock_os_thread();
    pthread_key_create(&key, NULL);
    put(&registered);
    char *in = interior(), *behind = past();
    secret *s = chain(1000);
    wipe_stack();
    collect();
    show("thread-local", local, "local");
    show("zeroed global", zeroed, "zeroed");
    show("initialised global", initialised, "initialised");
    show("pthread_setspecific", pthread_getspecific(key), "specific");
    show("registered", *registered, "registered");
    show("interior", (secret *)(void *)(in - 17 - offsetof(secret, text)), "interior");
    show("one past the end", (secret *)(void *)behind - 1, "past");
    while (s->next != NULL)
        s = s->next;
    show("through a chain", s, "the last");
    return 0;
}
GORT_MAIN(run)
