/* cfi_fuzz.h: one run of the reader of call-frame information over any bytes. */
#ifndef CFI_FUZZ_H
#define CFI_FUZZ_H

#include <stddef.h>
#include <stdint.h>

struct cfi_fuzz_head {
    uint8_t how; /* bit 0: there is a header; bit 1: it may reach as far as the rest */
    uint8_t unused;
    uint16_t split;  /* where the header ends, or .eh_frame begins */
    int32_t address; /* asked for, from the first byte */
};

/* 1 if a row was found. */
int cfi_fuzz_one(const uint8_t *bytes, size_t n);

#endif
