/* inflate.c: RFC 1950 and 1951, for debug sections that were compressed.
 *
 * Holds   every index is checked; what does not fit is an error, whatever the stream says. The checksum at
 *         the end is not looked at: what reads the result trusts nothing either.
 * Instead of libz: it would be loaded into a dying program, and wants malloc.
 */
#include "symb/inflate.h"

enum { MAX_BITS = 15, LENGTHS = 286, DISTANCES = 30, CODES = 320, FAST_BITS = 9 };

struct code {
    uint16_t count[MAX_BITS + 1];  /* codes of each length */
    uint16_t symbol[CODES];        /* in the order of their codes */
    uint16_t fast[1 << FAST_BITS]; /* by the next bits: symbol * 16 + length; 0: a longer code */
};

au32 inflate_beat;

struct stream {
    struct bytes in;
    uint64_t bits;
    unsigned nbits;
    unsigned char *out;
    size_t n, cap;
    bool bad;
    struct code lengths, distances;
};

static void fill(struct stream *s)
{
    while (s->nbits <= 56 && s->in.at < s->in.end) {
        s->bits |= (uint64_t)*s->in.at++ << s->nbits;
        s->nbits += 8;
    }
}

static unsigned take(struct stream *s, unsigned n)
{
    fill(s);
    if (s->nbits < n) {
        s->bad = true;
        return 0;
    }
    unsigned v = (unsigned)(s->bits & ((1u << n) - 1));
    s->bits >>= n;
    s->nbits -= n;
    return v;
}

static unsigned reversed(unsigned code, unsigned length)
{
    unsigned r = 0;
    for (unsigned i = 0; i < length; i++)
        r |= (code >> i & 1) << (length - 1 - i);
    return r;
}

static void fill_fast(struct code *c, const uint8_t *length, unsigned n)
{
    unsigned next[MAX_BITS + 2] = {0};
    memset(c->fast, 0, sizeof c->fast);
    for (unsigned len = 1; len <= MAX_BITS; len++)
        next[len + 1] = (next[len] + c->count[len]) << 1;
    for (unsigned i = 0; i < n; i++) {
        unsigned len = length[i];
        if (len == 0)
            continue;
        unsigned code = next[len]++;
        if (len > FAST_BITS)
            continue;
        for (unsigned at = reversed(code, len); at < 1u << FAST_BITS; at += 1u << len)
            c->fast[at] = (uint16_t)(i << 4 | len);
    }
}

/* A canonical code from the lengths of its symbols; false when they cannot be those of one. */
static bool build(struct code *c, const uint8_t *length, unsigned n)
{
    uint16_t at[MAX_BITS + 1];
    int left = 1;
    memset(c->count, 0, sizeof c->count);
    for (unsigned i = 0; i < n; i++)
        c->count[length[i]]++;
    c->count[0] = 0;
    for (unsigned len = 1; len <= MAX_BITS; len++) {
        left = 2 * left - c->count[len];
        if (left < 0)
            return false;
    }
    at[1] = 0;
    for (unsigned len = 1; len < MAX_BITS; len++)
        at[len + 1] = (uint16_t)(at[len] + c->count[len]);
    for (unsigned i = 0; i < n; i++)
        if (length[i] != 0)
            c->symbol[at[length[i]]++] = (uint16_t)i;
    fill_fast(c, length, n);
    return true;
}

static unsigned decode_slow(struct stream *s, const struct code *c)
{
    unsigned code = 0, first = 0, index = 0;
    for (unsigned len = 1; len <= MAX_BITS; len++) {
        code |= take(s, 1);
        unsigned count = c->count[len];
        if (s->bad)
            return 0;
        if (code < first + count)
            return c->symbol[index + (code - first)];
        index += count;
        first = (first + count) << 1;
        code <<= 1;
    }
    s->bad = true;
    return 0;
}

static unsigned decode(struct stream *s, const struct code *c)
{
    fill(s);
    unsigned f = c->fast[s->bits & ((1u << FAST_BITS) - 1)];
    if (f == 0 || (f & 15) > s->nbits)
        return decode_slow(s, c);
    s->bits >>= f & 15;
    s->nbits -= f & 15;
    return f >> 4;
}

static void copy_back(struct stream *s, unsigned distance, unsigned length)
{
    if (distance > s->n || length > s->cap - s->n) {
        s->bad = true;
        return;
    }
    for (unsigned i = 0; i < length; i++, s->n++)
        s->out[s->n] = s->out[s->n - distance];
}

static void block_of_codes(struct stream *s)
{
    static const uint16_t len_base[29] = {3,  4,  5,  6,   7,   8,   9,   10,  11, 13,
                                          15, 17, 19, 23,  27,  31,  35,  43,  51, 59,
                                          67, 83, 99, 115, 131, 163, 195, 227, 258};
    static const uint8_t len_more[29] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                         2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
    static const uint16_t dist_base[30] = {
        1,   2,   3,   4,   5,   7,    9,    13,   17,   25,   33,   49,   65,    97,    129,
        193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
    static const uint8_t dist_more[30] = {0, 0, 0, 0, 1, 1, 2, 2,  3,  3,  4,  4,  5,  5,  6,
                                          6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13};
    while (!s->bad) {
        unsigned symbol = decode(s, &s->lengths);
        if (s->bad || symbol == 256)
            return;
        if (symbol < 256) {
            if (s->n == s->cap)
                s->bad = true;
            else
                s->out[s->n++] = (unsigned char)symbol;
            continue;
        }
        symbol -= 257;
        if (symbol >= 29)
            break;
        unsigned length = len_base[symbol] + take(s, len_more[symbol]);
        unsigned d = decode(s, &s->distances);
        if (d >= 30)
            break;
        copy_back(s, dist_base[d] + take(s, dist_more[d]), length);
    }
    s->bad = true;
}

static void block_stored(struct stream *s)
{
    (void)take(s, s->nbits & 7);
    unsigned n = take(s, 16), inverse = take(s, 16);
    if (s->bad || n != (~inverse & 0xffff) || n > s->cap - s->n) {
        s->bad = true;
        return;
    }
    for (unsigned i = 0; i < n && !s->bad; i++)
        s->out[s->n++] = (unsigned char)take(s, 8);
}

static void fixed_codes(struct stream *s)
{
    uint8_t length[288];
    for (unsigned i = 0; i < 288; i++)
        length[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
    s->bad |= !build(&s->lengths, length, 288);
    memset(length, 5, DISTANCES);
    s->bad |= !build(&s->distances, length, DISTANCES);
}

/* The lengths of both codes, which are themselves in a code. */
static void read_lengths(struct stream *s, uint8_t *length, unsigned n)
{
    for (unsigned i = 0; i < n && !s->bad;) {
        unsigned symbol = decode(s, &s->lengths), times = 1;
        uint8_t value = (uint8_t)symbol;
        if (symbol == 16 && i == 0)
            s->bad = true;
        if (symbol >= 16) {
            value = symbol == 16 && i > 0 ? length[i - 1] : 0;
            times = symbol == 16 ? 3 + take(s, 2) : symbol == 17 ? 3 + take(s, 3) : 11 + take(s, 7);
        }
        if (times > n - i)
            s->bad = true;
        for (; times > 0 && i < n; times--)
            length[i++] = value;
    }
}

static void dynamic_codes(struct stream *s)
{
    static const uint8_t order[19] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                      11, 4,  12, 3, 13, 2, 14, 1, 15};
    uint8_t length[CODES] = {0};
    unsigned nlen = take(s, 5) + 257, ndist = take(s, 5) + 1, ncode = take(s, 4) + 4;
    if (nlen > LENGTHS || ndist > DISTANCES) {
        s->bad = true;
        return;
    }
    for (unsigned i = 0; i < ncode; i++)
        length[order[i]] = (uint8_t)take(s, 3);
    if (s->bad || !build(&s->lengths, length, 19)) {
        s->bad = true;
        return;
    }
    memset(length, 0, sizeof length);
    read_lengths(s, length, nlen + ndist);
    s->bad |=
        s->bad || !build(&s->lengths, length, nlen) || !build(&s->distances, length + nlen, ndist);
}

static void inflate_blocks(struct stream *s)
{
    bool last = false;
    while (!last && !s->bad) {
        last = take(s, 1) != 0;
        unsigned type = take(s, 2);
        if (s->bad)
            return;
        add_rlx(&inflate_beat, 1u);
        if (type == 0) {
            block_stored(s);
            continue;
        }
        if (type == 1)
            fixed_codes(s);
        else if (type == 2)
            dynamic_codes(s);
        else
            s->bad = true;
        if (!s->bad)
            block_of_codes(s);
    }
}

bool inflate_zlib(struct part in, unsigned char *out, size_t n)
{
    struct stream s = {.in = bytes_of(in), .out = out, .cap = n};
    unsigned method = bytes_u8(&s.in), flags = bytes_u8(&s.in);
    if (s.in.bad || (method & 15) != 8 || (method * 256 + flags) % 31 != 0 || (flags & 32) != 0)
        return false;
    inflate_blocks(&s);
    return !s.bad && s.n == n;
}
