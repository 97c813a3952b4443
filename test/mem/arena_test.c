/* What is known of a page from its address alone. */
#include "mem/mem.h"

#include <criterion/criterion.h>
#include <sys/wait.h>
#include <unistd.h>

static void setup(void)
{
    mem_cache_new();
}

TestSuite(arena, .init = setup);

static void expect_entries(struct span *s)
{
    span_check(s);
    for (size_t i = 0; i < s->npages; i++) {
        uint64_t e = page_entry(s->base + i * PAGE_BYTES + 4097);
        cr_expect(pe_in_use(e));
        cr_expect_eq(pe_span(e), s);
        cr_expect_eq(pe_class(e), s->class);
        cr_expect_eq(pe_kind(e), (enum obj_kind)s->kind);
        cr_expect_eq(pe_page(e), s->class == 0 && i > 1 ? 1 : i);
    }
    cr_expect_eq(arena_of(s->base)->noscan, s->kind == OBJ_NOSCAN);
}

Test(arena, entries_say_what_lies_on_a_page)
{
    for (unsigned c = 1; c < CLASSES; c++)
        for (int k = 0; k < OBJ_KINDS; k++)
            if (c != 1 || k != OBJ_PRECISE)
                expect_entries(pages_take(class_pages[c], c, k));
    for (size_t n = 1; n < 200; n += 33)
        expect_entries(pages_take(n, 0, OBJ_CONSERVATIVE));
    pages_check();
}

Test(arena, entries_of_pages_not_in_use_have_no_span)
{
    struct span *s = pages_take(5, 0, OBJ_NOSCAN);
    uintptr_t base = s->base;
    pages_put(s);
    for (size_t at = 0; at < 5 * PAGE_BYTES; at += PAGE_BYTES) {
        cr_expect_not(pe_in_use(page_entry(base + at)));
        cr_expect_null(arena_span(base + at));
    }
    cr_expect_null(arena_span(0));
    cr_expect_null(arena_span(UINTPTR_MAX));
    cr_expect_null(arena_span(HEAP_MAX));
    cr_expect_null(arena_span(HEAP_MAX - 1));
    cr_expect_null(arena_span((uintptr_t)&base));
}

Test(arena, every_offset_of_every_class_finds_its_slot)
{
    for (unsigned c = 1; c < CLASSES; c++)
        for (uint64_t at = 0; at < class_pages[c] * PAGE_BYTES; at++)
            cr_assert_eq(at * class_magic[c] >> 32, at / class_bytes[c]);
}

struct seen {
    uintptr_t word;
    int n;
    bool noscan;
};
static void see(struct arena *a, uintptr_t lo, uintptr_t hi, void *arg)
{
    struct seen *seen = arg;
    cr_expect(lo == a->base && lo < hi && hi <= a->base + ARENA_BYTES);
    cr_expect_eq(arena_of(lo), a);
    if (seen->word >= lo && seen->word < hi) {
        seen->n++;
        seen->noscan = a->noscan;
    }
}

static void expect_seen(uintptr_t word, bool noscan)
{
    struct seen seen = {.word = word};
    arena_each(see, &seen);
    cr_expect_eq(seen.n, 1);
    cr_expect_eq(seen.noscan, noscan);
}

Test(arena, walks_find_every_span_once)
{
    /* Across several arenas, up to the last page. */
    struct span *large = pages_take(3 * ARENA_PAGES, 0, OBJ_NOSCAN);
    struct span *small = pages_take(1, 5, OBJ_PRECISE);
    for (size_t at = 0; at < 3 * ARENA_BYTES; at += ARENA_BYTES / 8)
        expect_seen(large->base + at, true);
    expect_seen(large->base + 3 * ARENA_BYTES - 1, true);
    expect_seen(small->base, false);
    struct seen none = {.word = (uintptr_t)&none};
    arena_each(see, &none);
    cr_expect_eq(none.n, 0);
}

Test(arena_shared, marks_are_shared_with_a_child)
{
    mem_share_marks();
    mem_cache_new();
    struct span *s = pages_take(1, 6, OBJ_CONSERVATIVE);
    pid_t pid = fork();
    if (pid == 0) {
        span_mark(s, 3, 70);
        _exit(0);
    }
    int status = -1;
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_expect_eq(status, 0);
    cr_expect_eq(load_rlx(&s->meta->mark[0][0]), ~(uint64_t)7);
    cr_expect_eq(load_rlx(&s->meta->mark[0][1]), (uint64_t)0x3f);
}
