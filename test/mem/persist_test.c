/* Memory outside the heap. */
#include "mem/mem.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>

Test(persist, pieces_are_aligned_zeroed_and_apart)
{
    char *last = NULL;
    for (size_t bytes = 1; bytes < 3000; bytes += 7) {
        size_t align = (size_t)1 << bytes % 13;
        char *p = persist_alloc(bytes, align);
        cr_assert_eq((uintptr_t)p % align, 0u);
        for (size_t i = 0; i < bytes; i++)
            cr_assert_eq(p[i], 0);
        memset(p, 0xff, bytes);
        cr_assert_neq(p, last);
        last = p;
    }
}

static void *fill(void *arg)
{
    unsigned char mine = (unsigned char)(uintptr_t)arg;
    unsigned char *piece[2000];
    for (int i = 0; i < 2000; i++) {
        piece[i] = persist_alloc(100, 4);
        for (int k = 0; k < 100; k++)
            if (piece[i][k] != 0)
                return NULL;
        memset(piece[i], mine, 100);
    }
    for (int i = 0; i < 2000; i++)
        for (int k = 0; k < 100; k++)
            if (piece[i][k] != mine)
                return NULL;
    return arg;
}

Test(persist, threads_get_different_pieces)
{
    pthread_t t[8];
    for (uintptr_t i = 0; i < 8; i++)
        pthread_create(&t[i], NULL, fill, (void *)(i + 1));
    for (uintptr_t i = 0; i < 8; i++) {
        void *r = NULL;
        pthread_join(t[i], &r);
        cr_expect_eq(r, (void *)(i + 1));
    }
}

Test(persist, bytes_are_counted_once)
{
    struct mem_usage before, after;
    persist_alloc(8, 8);
    mem_usage_read(&before);
    persist_alloc_for(1000, 8, SYS_GC);
    persist_alloc_for((size_t)1 << 20, 8, SYS_GC);
    mem_usage_read(&after);
    cr_expect_eq(after.sys[SYS_GC] - before.sys[SYS_GC], 1000u + (1u << 20));
    cr_expect_eq(before.sys[SYS_OTHER] - after.sys[SYS_OTHER], 1000u);
}

Test(persist, table_keeps_its_contents_and_is_zero_behind)
{
    char *t = mem_table_grow(NULL, 0, 100);
    memset(t, 'x', 100);
    t = mem_table_grow(t, 100, 50);
    t = mem_table_grow(t, 50, 100000);
    for (int i = 0; i < 100000; i++)
        cr_assert_eq(t[i], i < 50 ? 'x' : 0);
    cr_expect_null(mem_table_grow(t, 100000, 0));
}

Test(fixed, gives_zeroed_structs_and_takes_them_back)
{
    static struct fixed f = FIXED_INIT(40, SYS_OTHER);
    char *p[1000];
    for (int i = 0; i < 1000; i++) {
        p[i] = fixed_take(&f);
        for (int k = 0; k < 40; k++)
            cr_assert_eq(p[i][k], 0);
        memset(p[i], 1, 40);
    }
    cr_expect_eq(load_rlx(&f.inuse_bytes), 40000u);
    for (int i = 0; i < 1000; i++)
        fixed_put(&f, p[i]);
    char *again = fixed_take(&f);
    cr_expect_eq(again, p[999]);
    cr_expect_eq(again[8], 0);
    cr_expect_eq(load_rlx(&f.inuse_bytes), 40u);
}
