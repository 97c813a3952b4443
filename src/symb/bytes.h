/* bytes.h: reading bytes that nobody vouches for.
 *
 * Holds   a read beyond the end gives 0, sets `bad` and leaves nothing to read: loops end by themselves.
 */
#ifndef SYMB_BYTES_H
#define SYMB_BYTES_H

#include "base/attr.h"

#include <string.h>

/* A piece of a file, in memory. */
struct part {
    const unsigned char *p;
    size_t n;
};
struct bytes {
    const unsigned char *at, *end;
    bool bad;
};

static inline struct bytes bytes_of(struct part p)
{
    return (struct bytes){.at = p.p, .end = p.p == NULL ? NULL : p.p + p.n};
}
/* What follows `offset`; nothing when that is beyond the end. */
static inline struct bytes bytes_from(struct part p, uint64_t offset)
{
    struct bytes b = bytes_of(p);
    if (offset > p.n) {
        b.at = b.end;
        b.bad = true;
    } else if (p.p != NULL) {
        b.at += offset;
    }
    return b;
}
static inline size_t bytes_left(const struct bytes *b)
{
    return (size_t)(b->end - b->at);
}
static inline bool bytes_need(struct bytes *b, uint64_t n)
{
    if (likely(bytes_left(b) >= n))
        return true;
    b->at = b->end;
    b->bad = true;
    return false;
}
static inline void bytes_skip(struct bytes *b, uint64_t n)
{
    if (bytes_need(b, n))
        b->at += n;
}
/* An unsigned number of n <= 8 bytes, in the machine's order (both machines': little end first). */
static inline uint64_t bytes_uint(struct bytes *b, unsigned n)
{
    uint64_t v = 0;
    if (!bytes_need(b, n))
        return 0;
    memcpy(&v, b->at, n);
    b->at += n;
    return v;
}
static inline uint8_t bytes_u8(struct bytes *b)
{
    return bytes_need(b, 1) ? *b->at++ : 0;
}
static inline uint64_t bytes_uleb(struct bytes *b)
{
    uint64_t v = 0;
    if (likely(b->at < b->end && *b->at < 0x80)) /* nearly all */
        return *b->at++;
    for (unsigned shift = 0;; shift += 7) {
        if (!bytes_need(b, 1))
            return 0;
        uint8_t byte = *b->at++;
        if (shift < 64)
            v |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return v;
    }
}
static inline int64_t bytes_sleb(struct bytes *b)
{
    uint64_t v = 0;
    for (unsigned shift = 0;;) {
        if (!bytes_need(b, 1))
            return 0;
        uint8_t byte = *b->at++;
        if (shift < 64)
            v |= (uint64_t)(byte & 0x7f) << shift;
        shift += 7;
        if (!(byte & 0x80)) {
            if (shift < 64 && (byte & 0x40))
                v |= ~(uint64_t)0 << shift;
            return (int64_t)v;
        }
    }
}
/* A text with its end; "" when that is missing. */
static inline const char *bytes_text(struct bytes *b)
{
    const unsigned char *s = b->at;
    const unsigned char *end = bytes_left(b) > 0 ? memchr(s, 0, bytes_left(b)) : NULL;
    if (end == NULL) {
        bytes_skip(b, (uint64_t)bytes_left(b) + 1);
        return "";
    }
    b->at = end + 1;
    return (const char *)s;
}
/* The text at `offset` of a section of texts; NULL when there is none. */
static inline const char *part_text(struct part p, uint64_t offset)
{
    struct bytes b = bytes_from(p, offset);
    const char *s = bytes_text(&b);
    return b.bad ? NULL : s;
}

#endif
