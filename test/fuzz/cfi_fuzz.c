/* cfi_fuzz.c: any bytes as unwind tables: no crash, no read outside of them, an end.
 *
 * The input is {how the tables are found, the address asked for, bytes of .eh_frame_hdr and .eh_frame}. Built with
 * libFuzzer and AddressSanitizer by `make fuzz`; test/symb/cfi_test.c gives it mutated tables of real code. */
// fuzz: src/symb/cfi.c src/symb/rules.c
#include "symb/cfi.h"

#include "cfi_fuzz.h"

#include <stdlib.h>
#include <string.h>

static void apply(const struct cfi_row *row)
{
    enum { WORDS = 64 };
    uintptr_t words[WORDS], cfa;
    struct cfi_regs r = {.known = ~(uint64_t)0};
    const struct stack stacks[2] = {{.lo = (uintptr_t)words, .hi = (uintptr_t)(words + WORDS)}};
    for (int i = 0; i < WORDS; i++)
        words[i] = (uintptr_t)&words[(i * 7) % WORDS];
    for (int i = 0; i < ARCH_CFI_COLUMNS; i++)
        r.column[i] = (uintptr_t)&words[i];
    for (int steps = 0; steps < 4 && cfi_apply(row, stacks, &r, &cfa) == CFI_CALLER; steps++)
        r.known |= 1u << ARCH_DWARF_FP;
}

int cfi_fuzz_one(const uint8_t *bytes, size_t n)
{
    struct cfi_row row;
    struct cfi_fuzz_head head;
    if (n < sizeof head)
        return 0;
    memcpy(&head, bytes, sizeof head);
    n -= sizeof head;
    uint8_t *copy = malloc(n + 1); /* of its own, so that AddressSanitizer knows its ends */
    if (copy == NULL)
        return 0;
    memcpy(copy, bytes + sizeof head, n);
    size_t split = head.split < n ? head.split : n;
    struct cfi_tables t = {.frames_lo = copy, .frames_hi = copy + n};
    if ((head.how & 1) != 0) {
        t.header = copy;
        t.header_end = (head.how & 2) != 0 ? copy + n : copy + split;
    } else {
        t.frames = copy + split;
    }
    int found =
        cfi_find(&t, (uintptr_t)copy + (uintptr_t)(intptr_t)head.address, &row) == CFI_FOUND;
    if (found)
        apply(&row);
    free(copy);
    return found;
}

#ifdef GORT_FUZZ_MAIN
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    cfi_fuzz_one(bytes, n);
    return 0;
}
#endif
