/* inflate.h: what zlib packed, unpacked. */
#ifndef SYMB_INFLATE_H
#define SYMB_INFLATE_H

#include "base/atomic.h"
#include "symb/bytes.h"

extern au32 inflate_beat; /* grows with each block of what is unpacked */

/* Unpacks the zlib stream `in` to exactly n bytes at `out`; false when it is not that. */
bool inflate_zlib(struct part in, unsigned char *out, size_t n);

#endif
