/* fmt.h: printing without malloc, locks or errno; safe in a signal handler.
 *
 * A `struct out` collects text and hands it to write(2) when full or flushed. With fd < 0 it keeps
 * what fits in `mem` instead and drops the rest (for texts that become strings or stack dumps).
 */
#ifndef BASE_FMT_H
#define BASE_FMT_H

#include "base/attr.h"

struct out {
    int fd;
    size_t len, cap;
    char *mem;      /* where text goes; `inline_buf` for a descriptor */
    size_t dropped; /* bytes that did not fit in `mem` (fd < 0) */
    char inline_buf[512];
};

SIGSAFE void out_init_fd(struct out *o, int fd);
SIGSAFE void out_init_mem(struct out *o, char *mem, size_t cap);
SIGSAFE void out_flush(struct out *o);
/* From now on, what is written to descriptor 2 is written to fd, too. */
SIGSAFE void out_copy_to(int fd);
SIGSAFE void out_char(struct out *o, char c);
SIGSAFE void out_bytes(struct out *o, const char *s, size_t n);
SIGSAFE void out_str(struct out *o, const char *s);
SIGSAFE void out_int(struct out *o, int64_t v);
SIGSAFE void out_uint(struct out *o, uint64_t v);
SIGSAFE void out_hex(struct out *o, uint64_t v); /* 0x and lower-case digits, no padding */
SIGSAFE void out_float(struct out *o, double v); /* [+-]d.dddddde[+-]ddd, NaN, +Inf, -Inf */
/* Nanoseconds as milliseconds: Go's "ms3", three decimals at most, two digits once there are that many.
 */
SIGSAFE void out_ms(struct out *o, int64_t ns);

/* Whole lines to descriptor 2: `%s %d %u %x` with int64_t, uint64_t, uint64_t; nothing else. */
SIGSAFE void print(const char *fmt, ...);

#endif
