/* hostile_test.c: files of modules that were cut short or changed, at random and on purpose. */
#include "base/fmt.h"
#include "symb/inflate.h"
#include "symb/module.h"
#include "symb/symb.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static unsigned char *original, *bytes;
static size_t length;

static void load(void)
{
    struct stat st;
    int fd = open("/proc/self/exe", O_RDONLY);
    cr_assert(fd >= 0 && fstat(fd, &st) == 0);
    length = (size_t)st.st_size;
    original = malloc(length);
    bytes = malloc(length + 64);
    for (size_t at = 0; at < length;) {
        ssize_t n = read(fd, original + at, length - at);
        cr_assert(n > 0);
        at += (size_t)n;
    }
    close(fd);
}

static uint64_t seed = 1;

static uint64_t dice(uint64_t n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (seed >> 33) % n;
}

static void ask(struct module *m, uint64_t addr)
{
    static struct symb_answer room;
    memset(&room, 0, sizeof room);
    module_describe(m, addr, &room);
    cr_assert(room.n >= 1 && room.n <= SYMB_LINES);
}

/* Where the functions of this program are, as the untouched file says. */
enum { ASKED = 40 };
static uint64_t addrs[ASKED];

static void ask_all(size_t n)
{
    static struct module m;
    memset(&m, 0, sizeof m);
    m.path = "/nowhere/module";
    m.memory = (struct part){.p = bytes, .n = n};
    for (int i = 0; i < ASKED; i++)
        ask(&m, addrs[i]);
    module_break(&m);
}

static void learn_addresses(void)
{
    static struct module m;
    memset(&m, 0, sizeof m);
    m.path = "/nowhere/module";
    m.memory = (struct part){.p = original, .n = length};
    module_open(&m);
    cr_assert(m.has_dwarf && m.nsymbols > ASKED);
    for (int i = 0; i < ASKED; i++)
        addrs[i] = m.symbols[dice(m.nsymbols)].addr + 1;
    module_break(&m);
}

/* A place in one of the sections that are read, or in the header or the table of sections. */
static size_t interesting(void)
{
    static const char *const names[] = {".debug_info",     ".debug_abbrev",  ".debug_line",
                                        ".debug_rnglists", ".debug_ranges",  ".symtab",
                                        ".strtab",         ".debug_line_str"};
    struct image im;
    struct pool none = {.next = NULL};
    cr_assert(image_of(&im, (struct part){.p = original, .n = length}));
    uint64_t which = dice(ARRAY_LEN(names) + 2);
    if (which == ARRAY_LEN(names))
        return dice(sizeof(ElfW(Ehdr)));
    if (which > ARRAY_LEN(names))
        return (size_t)((const unsigned char *)im.sections - original) +
               dice(im.nsections * sizeof(ElfW(Shdr)));
    struct part p = image_section(&im, names[which], &none);
    return p.n > 0 ? (size_t)(p.p - original) + dice(p.n) : 0;
}

Test(hostile, changed_at_random)
{
    load();
    learn_addresses();
    memcpy(bytes, original, length);
    for (int round = 0; round < 150; round++) {
        enum { CHANGES = 24 };
        size_t at[CHANGES];
        for (int i = 0; i < CHANGES; i++) {
            at[i] = interesting();
            bytes[at[i]] = dice(3) == 0 ? 0xff : dice(2) == 0 ? 0 : (unsigned char)dice(256);
        }
        ask_all(length);
        for (int i = 0; i < CHANGES; i++)
            bytes[at[i]] = original[at[i]];
    }
}

Test(hostile, cut_short)
{
    load();
    learn_addresses();
    for (int round = 0; round < 60; round++) {
        size_t n = round < 20 ? (size_t)round * 8 : dice(length);
        bytes = malloc(n + 1); /* AddressSanitizer sees what is read beyond */
        memcpy(bytes, original, n);
        ask_all(n);
        free(bytes);
    }
}

/* A section whose content moved: everything in it is read from the wrong place. */
Test(hostile, sections_that_lie_elsewhere)
{
    load();
    learn_addresses();
    memcpy(bytes, original, length);
    struct image im;
    cr_assert(image_of(&im, (struct part){.p = original, .n = length}));
    ElfW(Shdr) *sh =
        (ElfW(Shdr) *)(void *)(bytes + ((const unsigned char *)im.sections - original));
    for (uint32_t i = 1; i < im.nsections; i++) {
        ElfW(Shdr) was = sh[i];
        sh[i].sh_offset += 1 + dice(4096);
        ask_all(length);
        sh[i] = was;
        sh[i].sh_size = UINT64_MAX - dice(64);
        ask_all(length);
        sh[i] = was;
        sh[i].sh_link = (uint32_t)dice(im.nsections + 2);
        ask_all(length);
        sh[i] = was;
    }
}

/* ---- packed sections */
Test(inflate, stored_and_fixed_and_broken)
{
    unsigned char out[16];
    /* "hello" stored; "aaaaaaaa" by fixed codes; both made by zlib */
    static const unsigned char stored[] = {0x78, 0x01, 0x01, 0x05, 0x00, 0xfa, 0xff, 'h',
                                           'e',  'l',  'l',  'o',  0x06, 0x2c, 0x02, 0x15};
    static const unsigned char fixed[] = {0x78, 0x9c, 0x4b, 0x4c, 0x84, 0x00,
                                          0x00, 0x0d, 0xac, 0x03, 0x09};
    cr_assert(inflate_zlib((struct part){.p = stored, .n = sizeof stored}, out, 5));
    cr_expect(memcmp(out, "hello", 5) == 0);
    cr_assert(inflate_zlib((struct part){.p = fixed, .n = sizeof fixed}, out, 8));
    cr_expect(memcmp(out, "aaaaaaaa", 8) == 0);
    cr_expect(!inflate_zlib((struct part){.p = fixed, .n = sizeof fixed}, out, 7), "it is longer");
    cr_expect(!inflate_zlib((struct part){.p = fixed, .n = sizeof fixed}, out, 9), "it is shorter");
    for (size_t n = 0; n < 5; n++)
        cr_expect(!inflate_zlib((struct part){.p = fixed, .n = n}, out, 8));
    for (int round = 0; round < 20000; round++) {
        unsigned char noise[64] = {0x78, 0x9c};
        for (size_t i = 2; i < sizeof noise; i++)
            noise[i] = (unsigned char)dice(256);
        (void)inflate_zlib((struct part){.p = noise, .n = sizeof noise}, out, sizeof out);
    }
}

/* ---- ranges in ranges */
Test(spans, the_innermost_is_found)
{
    struct pool p = {.next = NULL};
    struct spans s = {.n = 0};
    spans_add(&s, 100, 200, 0);
    spans_add(&s, 120, 180, 1);
    spans_add(&s, 120, 150, 2);
    spans_add(&s, 150, 180, 3);
    spans_add(&s, 300, 400, 4);
    spans_add(&s, 350, 450, 5); /* beyond its outer one */
    spans_add(&s, 0, 1000, 6);  /* thrown away by the linker */
    cr_assert(spans_seal(&s, &p));
    static const struct {
        uint64_t addr;
        uint32_t what;
    } want[] = {{99, SPAN_NONE}, {100, 0}, {119, 0},        {120, 2}, {149, 2},
                {150, 3},        {179, 3}, {180, 0},        {199, 0}, {200, SPAN_NONE},
                {349, 4},        {350, 5}, {400, SPAN_NONE}};
    static const uint64_t ends[] = {0, 120, 120, 150, 150, 180, 180, 200, 200, 0, 350, 400, 0};
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        uint64_t end = 0;
        cr_expect_eq(spans_find(&s, want[i].addr, &end), want[i].what, "at %lu",
                     (unsigned long)want[i].addr);
        cr_expect(want[i].what == SPAN_NONE || end == ends[i], "from %lu to %lu",
                  (unsigned long)want[i].addr, (unsigned long)end);
    }
    pool_drop(&p);
}
