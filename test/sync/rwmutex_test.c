/* rwmutex_test.c: readers together, writers alone. */
#include "sync_support.h"

static gort_rwmutex rw;
static gort_waitgroup wg;
static au32 readers, writers, trace;

static void alone(void)
{
    gort_rwmutex_rlock(&rw);
    gort_rwmutex_rlock(&rw);
    cr_expect(gort_rwmutex_tryrlock(&rw));
    cr_expect(!gort_rwmutex_trylock(&rw));
    gort_rwmutex_runlock(&rw);
    gort_rwmutex_runlock(&rw);
    gort_rwmutex_runlock(&rw);
    gort_rwmutex_lock(&rw);
    cr_expect(!gort_rwmutex_tryrlock(&rw));
    cr_expect(!gort_rwmutex_trylock(&rw));
    gort_rwmutex_unlock(&rw);
    cr_expect(gort_rwmutex_trylock(&rw));
    gort_rwmutex_unlock(&rw);
    cr_expect(rw.readers_ == 0 && rw.departing_ == 0);
}

Test(rwmutex, try_tells_who_is_inside)
{
    cr_assert(in_gort(alone) == 0);
}

static void use(uint32_t id)
{
    for (uint32_t i = 0; i < 1500; i++) {
        if ((i + id) % 7 == 0) {
            if (i % 2 == 0 || !gort_rwmutex_trylock(&rw))
                gort_rwmutex_lock(&rw);
            cr_expect(add_seq(&writers, 1u) == 0 && load_seq(&readers) == 0);
            if (i % 5 == 0)
                gort_gosched();
            sub_seq(&writers, 1u);
            gort_rwmutex_unlock(&rw);
        } else {
            if (i % 3 != 0 || !gort_rwmutex_tryrlock(&rw))
                gort_rwmutex_rlock(&rw);
            add_seq(&readers, 1u);
            cr_expect(load_seq(&writers) == 0);
            if (i % 11 == 0)
                gort_gosched();
            sub_seq(&readers, 1u);
            gort_rwmutex_runlock(&rw);
        }
    }
    gort_waitgroup_done(&wg);
}

static void excludes(void)
{
    gort_waitgroup_add(&wg, 20);
    for (uint32_t i = 0; i < 20; i++)
        gort_go(use, i);
    gort_waitgroup_wait(&wg);
    cr_expect(rw.readers_ == 0 && rw.departing_ == 0 && rw.reader_sema_ == 0 &&
              rw.writer_sema_ == 0 && rw.writers_.state_ == 0);
    sema_check();
}

Test(rwmutex, a_writer_is_alone, .timeout = 120)
{
    cr_assert(in_gort(excludes) == 0);
}

/* Readers may be here at the same time. */
static void note(uint32_t digit)
{
    uint32_t before;
    do
        before = load_seq(&trace);
    while (!cas_seq(&trace, before, before * 10 + digit));
}

static void writer(uint32_t id)
{
    gort_rwmutex_lock(&rw);
    note(id);
    gort_rwmutex_unlock(&rw);
    gort_waitgroup_done(&wg);
}

static void reader(uint32_t id)
{
    gort_rwmutex_rlock(&rw);
    note(id);
    gort_rwmutex_runlock(&rw);
    gort_waitgroup_done(&wg);
}

/* A waiting writer keeps later readers out, and goes before them. */
static void turns(void)
{
    gort_rwmutex_rlock(&rw);
    gort_waitgroup_add(&wg, 2);
    gort_go(writer, 1);
    until(sema_waiters(&rw.writer_sema_) == 1);
    gort_go(reader, 2);
    until(sema_waiters(&rw.reader_sema_) == 1);
    cr_expect(!gort_rwmutex_tryrlock(&rw));
    gort_rwmutex_runlock(&rw);
    gort_waitgroup_wait(&wg);
    cr_expect(load_seq(&trace) == 12, "%u", load_seq(&trace));

    /* And readers that waited for one writer go before the next. */
    store_seq(&trace, 0u);
    gort_rwmutex_lock(&rw);
    gort_waitgroup_add(&wg, 3);
    gort_go(writer, 3);
    until(load_seq(sync_u32(&rw.writers_.state_)) >> 3 == 1);
    gort_go(reader, 2);
    until(sema_waiters(&rw.reader_sema_) == 1);
    gort_go(reader, 2);
    until(sema_waiters(&rw.reader_sema_) == 2);
    gort_rwmutex_unlock(&rw);
    gort_waitgroup_wait(&wg);
    cr_expect(load_seq(&trace) == 223, "%u", load_seq(&trace));
}

Test(rwmutex, readers_and_writers_take_turns)
{
    cr_assert(in_gort(turns) == 0);
}

static void runlock_free(void)
{
    gort_rwmutex_runlock(&rw);
}
static void runlock_free_program(void)
{
    in_gort(runlock_free);
}
static void runlock_written(void)
{
    gort_rwmutex_lock(&rw);
    gort_rwmutex_runlock(&rw);
}
static void runlock_written_program(void)
{
    in_gort(runlock_written);
}
static void unlock_free(void)
{
    gort_rwmutex_unlock(&rw);
}
static void unlock_free_program(void)
{
    in_gort(unlock_free);
}
static void unlock_read(void)
{
    gort_rwmutex_rlock(&rw);
    gort_rwmutex_unlock(&rw);
}
static void unlock_read_program(void)
{
    in_gort(unlock_read);
}

Test(rwmutex, misuse_is_fatal)
{
    expect_fatal(runlock_free_program, "sync: RUnlock of unlocked RWMutex");
    expect_fatal(runlock_written_program, "sync: RUnlock of unlocked RWMutex");
    expect_fatal(unlock_free_program, "sync: Unlock of unlocked RWMutex");
    expect_fatal(unlock_read_program, "sync: Unlock of unlocked RWMutex");
}
