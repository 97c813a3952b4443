/* cfi_test.c: the reader of call-frame information, with tables that are right, mutated and random. */
#include "symb/cfi.h"

#include "base/rand.h"
#include "../fuzz/cfi_fuzz.c"

#include <criterion/criterion.h>
#include <stdlib.h>

static uint64_t rnd = 1;

static uint32_t random_below(uint32_t n)
{
    return (uint32_t)(rand_next(&rnd) % n);
}

/* ---- real tables */
static struct cfi_tables own_tables(void)
{
    struct cfi_tables t;
    bool stays;
    symb_init();
    cr_assert(cfi_module((uintptr_t)own_tables, &t, &stays));
    cr_assert(stays && t.header != NULL);
    return t;
}

static __attribute__((noinline)) int some_function(int x)
{
    volatile int v[100];
    v[x % 100] = x;
    return rand() + v[x % 100];
}

Test(cfi, finds_the_row_of_a_function)
{
    struct cfi_tables t = own_tables();
    struct cfi_row row;
    cr_assert_eq(cfi_find(&t, (uintptr_t)some_function, &row), CFI_FOUND);
    cr_expect(!row.signal_frame && !row.cfa_by_expr);
    cr_expect_eq(row.cfa_column, ARCH_DWARF_SP);
#if defined(__x86_64__)
    cr_expect_eq(row.cfa_value, 8);
    cr_expect(row.rule[row.pc_column].kind == CFI_OFFSET && row.rule[row.pc_column].value == -8);
#else
    cr_expect_eq(row.cfa_value, 0);
#endif
}

Test(cfi, says_the_same_with_the_sorted_table_and_without)
{
    struct cfi_tables t = own_tables(), all = t;
    struct cfi_row a, b;
    int32_t distance;
    memcpy(&distance, t.header + 4, sizeof distance);
    all.header = NULL;
    all.frames = t.header + 4 + distance;
    uintptr_t lo = (uintptr_t)some_function - 2000;
    for (uintptr_t addr = lo; addr < lo + 6000; addr++) {
        enum cfi_found found = cfi_find(&t, addr, &a);
        cr_assert_eq(cfi_find(&all, addr, &b), found);
        if (found == CFI_FOUND)
            cr_assert(memcmp(&a, &b, sizeof a) == 0);
    }
}

Test(cfi, knows_the_hand_written_frames)
{
    struct cfi_tables t = own_tables();
    struct cfi_row row;
    cr_assert_eq(cfi_find(&t, (uintptr_t)arch_start + 8, &row), CFI_FOUND);
    cr_expect_eq(row.rule[row.pc_column].kind, CFI_UNDEFINED);
    cr_assert_eq(cfi_find(&t, (uintptr_t)arch_fault_entry + 1, &row), CFI_FOUND);
    cr_expect(row.signal_frame && row.cfa_value == 32);
}

Test(cfi, code_of_nobody_has_no_tables)
{
    struct cfi_tables t;
    bool stays = true;
    symb_init();
    cr_expect(!cfi_module(0, &t, &stays) && !stays);
    cr_expect(!cfi_module((uintptr_t)&t, &t, &stays));
    cr_expect(!cfi_module(12345, &t, &stays) && !stays);
}

Test(cfi, what_the_program_needs_stays)
{
    struct cfi_tables t;
    bool stays = false;
    symb_init();
    cr_expect(cfi_module((uintptr_t)some_function, &t, &stays) && stays);
    stays = false;
    cr_expect(cfi_module((uintptr_t)qsort, &t, &stays) && stays);
}

/* ---- mutated tables: pieces of the real ones, as the fuzzer takes them */
enum { PIECE = 3000 };
static uint8_t input[sizeof(struct cfi_fuzz_head) + PIECE];

/* A table by itself: one CIE and its FDEs from the program, and a header that leads to them; code is said to
 * begin at the header. */
static size_t build(const struct cfi_tables *t, uint32_t into_function)
{
    struct cfi_fuzz_head head = {.how = 3};
    int32_t distance;
    memcpy(&distance, t->header + 4, sizeof distance);
    const uint8_t *frames = t->header + 4 + distance;
    size_t bytes = (size_t)(t->frames_hi - frames) < 2000 ? (size_t)(t->frames_hi - frames) : 2000;
    uint8_t *to = input + sizeof head;
    struct {
        uint8_t version, frames_form, count_form, table_form;
        int32_t frames;
        uint32_t n;
        int32_t table[2 * 60];
    } header = {1, 0x1b, 0x03, 0x3b, sizeof header - 4, 0, {0}};
    memcpy(to + sizeof header, frames, bytes);
    size_t at = 0;
    while (at + 12 < bytes && header.n < 60) {
        uint32_t len, back;
        memcpy(&len, frames + at, 4);
        memcpy(&back, frames + at + 4, 4);
        if (len == 0 || at + 4 + len > bytes)
            break;
        if (back != 0) { /* an FDE: its code begins at 100 times its number */
            int32_t code = (int32_t)(100 * header.n) - (int32_t)(sizeof header + at + 8);
            memcpy(to + sizeof header + at + 8, &code, 4);
            header.table[2 * header.n] = (int32_t)(100 * header.n);
            header.table[2 * header.n + 1] = (int32_t)(sizeof header + at);
            header.n++;
        }
        at += 4 + len;
    }
    memcpy(to, &header, sizeof header);
    head.split = (uint16_t)sizeof header;
    head.address = (int32_t)(100 * random_below(header.n) + into_function);
    memcpy(input, &head, sizeof head);
    return sizeof head + sizeof header + bytes;
}

Test(cfi, mutated_tables_are_read_without_harm)
{
    struct cfi_tables t = own_tables();
    size_t found = 0, rounds = 60000;
    for (size_t i = 0; i < rounds; i++) {
        size_t n = build(&t, i == 0 ? 0 : random_below(60)), changes = random_below(6);
        if (i == 0)
            cr_assert(n > PIECE / 2 && cfi_fuzz_one(input, n) == 1,
                      "the tables that are mutated are right");
        for (size_t k = 0; k < changes; k++) {
            size_t at = random_below(2) == 0 ? random_below((uint32_t)n)
                                             : random_below(n < 700 ? (uint32_t)n : 700);
            input[at] = random_below(3) == 0 ? (uint8_t)(input[at] ^ 1u << random_below(8))
                                             : (uint8_t)rand_next(&rnd);
        }
        found += (size_t)cfi_fuzz_one(input, random_below(10) == 0 ? random_below((uint32_t)n) : n);
    }
    cr_expect(found > rounds / 10 && found < rounds, "%zu of %zu", found, rounds);
}

Test(cfi, random_bytes_are_read_without_harm)
{
    for (int i = 0; i < 60000; i++) {
        size_t n = sizeof(struct cfi_fuzz_head) + random_below(200);
        for (size_t k = 0; k < n; k++)
            input[k] = (uint8_t)rand_next(&rnd);
        cfi_fuzz_one(input, n);
    }
}

/* ---- expressions */
static enum cfi_step value_of(const uint8_t *block, size_t n, uintptr_t *v)
{
    uintptr_t words[4] = {11, 22, 33, 44};
    const struct stack stacks[2] = {{.lo = (uintptr_t)words, .hi = (uintptr_t)(words + 4)}};
    struct cfi_regs r = {.known = (uint64_t)1 << ARCH_DWARF_SP};
    struct cfi_row row = {
        .cfa_column = ARCH_DWARF_SP, .pc_column = 0, .base = block, .end = block + n};
    r.column[ARCH_DWARF_SP] = (uintptr_t)words;
    row.rule[0].kind = CFI_VAL_EXPR;
    uintptr_t cfa;
    enum cfi_step step = cfi_apply(&row, stacks, &r, &cfa);
    *v = r.pc;
    return step;
}

#define VALUE(...)                                                                                 \
    __extension__({                                                                                \
        const uint8_t ops_[] = {__VA_ARGS__}, n_ = sizeof ops_;                                    \
        uint8_t block_[sizeof ops_ + 1] = {n_};                                                    \
        memcpy(block_ + 1, ops_, n_);                                                              \
        uintptr_t v_ = 0;                                                                          \
        step = value_of(block_, sizeof block_, &v_);                                               \
        v_;                                                                                        \
    })

Test(cfi, expressions_compute)
{
    enum cfi_step step;
    enum { SP = 0x70 + ARCH_DWARF_SP };
    cr_expect_eq(VALUE(0x35), 5);                             /* lit5; the CFA lies below */
    cr_expect_eq(VALUE(SP, 8, 0x06), 22);                     /* breg sp+8, deref */
    cr_expect_eq(VALUE(SP, 8, 0x06, SP, 16, 0x06, 0x22), 55); /* plus */
    cr_expect_eq(VALUE(0x3a, 0x3b, 0x2a, 0x33, 0x24), 0);     /* 10 >= 11, shl 3: x86's PLT */
    cr_expect_eq(VALUE(0x3b, 0x3b, 0x2a, 0x33, 0x24), 8);
    cr_expect_eq(VALUE(0x08, 200, 0x09, 0xff, 0x22), 199);            /* const1u, const1s, plus */
    cr_expect_eq(VALUE(0x31, 0x32, 0x33, 0x17, 0x1c), (uintptr_t)-1); /* rot: 3 1 2, minus */
    cr_expect_eq(VALUE(0x31, 0x28, 1, 0, 0x00, 0x37), 7);             /* bra over a bad byte */
    cr_expect_eq(step, CFI_CALLER);
    VALUE(0x2f, 0xfd, 0xff); /* skip to itself */
    cr_expect_eq(step, CFI_NONSENSE);
    VALUE(0x31, 0x30, 0x1b); /* 1 / 0 */
    cr_expect_eq(step, CFI_NONSENSE);
    VALUE(SP, 32, 0x06); /* behind the stack */
    cr_expect_eq(step, CFI_NONSENSE);
    VALUE(0x13, 0x13); /* drop, drop */
    cr_expect_eq(step, CFI_NONSENSE);
    VALUE(0x73, 0); /* a register that is not known */
    cr_expect_eq(step, CFI_UNKNOWN);
}
