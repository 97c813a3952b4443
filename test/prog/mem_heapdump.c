/* A heap dump is read to its last byte, and shows a graph of objects as it is. */
// no-fault: library open_file
// env: GODEBUG=memprofilerate=1
// limit: 60
// expect: ends with its last byte
// expect: the chain is whole
// expect: what is free is not there
// expect: a parked goroutine has its frames
// expect: the dumping one says so
// expect: globals are roots
// expect: an added range is a root
// expect: the finalizer is there
// expect: deferred functions are listed
// expect: numbers agree
// expect: the profile knows the sample
// expect: a full device is an error
#include "await.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct node {
    long number;
    struct node *next;
    long more[3];
} node;
GORT_TYPE(node, next)

/* ---- the program that is dumped */
static node *chain = NULL;
static gort_chan *never;
static void **added;

static __attribute__((noinline)) node *make(long number, node *next)
{
    node *n = gort_new(node);
    n->number = number;
    n->next = next;
    return n;
}

static __attribute__((noinline)) void parked(void)
{
    void *volatile only_here = gort_strdup("on a parked stack");
    gort_chan_recv(never, NULL);
    (void)only_here;
}

static void finalizer(void *n)
{
    (void)n;
}

static void deferred(void *arg)
{
    (void)arg;
}

static __attribute__((noinline)) uintptr_t garbage(void)
{
    char *s = gort_strdup("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx garbage");
    return ~(uintptr_t)s;
}

static __attribute__((noinline)) void clear_stack(void)
{
    char block[16384];
    memset(block, 0, sizeof block);
    __asm__ volatile("" : : "r"(block) : "memory");
}

/* ---- the reader */
static const unsigned char *at, *end;
static bool bad;

static uint64_t number(void)
{
    uint64_t v = 0;
    for (int shift = 0; at < end && shift < 64; shift += 7) {
        v |= (uint64_t)(*at & 0x7f) << shift;
        if (*at++ < 0x80)
            return v;
    }
    bad = true;
    return 0;
}

struct bytes {
    const unsigned char *p;
    size_t n;
};

static struct bytes memory(void)
{
    struct bytes b = {NULL, number()};
    if (b.n > (size_t)(end - at)) {
        bad = true;
        b.n = 0;
    }
    b.p = at;
    at += b.n;
    return b;
}

static bool is(struct bytes b, const char *text)
{
    return b.n == strlen(text) && memcmp(b.p, text, b.n) == 0;
}

struct fields {
    int n;
    uint64_t first;
    bool has; /* the one asked for */
};

static struct fields fields(uint64_t wanted)
{
    struct fields f = {0};
    uint64_t kind;
    while (!bad && (kind = number()) != 0) {
        uint64_t offset = number();
        if (kind != 1)
            bad = true;
        if (f.n++ == 0)
            f.first = offset;
        f.has |= offset == wanted;
    }
    return f;
}

static struct {
    int nodes, parked_strings, garbage;
    bool parked_g, parked_frame, dumping, root, added, finalizer, defer, stats, sample, bucket;
    uint64_t parked_sp, heap_lo, heap_hi, objects, node_bucket;
    bool chain_broken;
} seen;
static uintptr_t hidden_garbage;

static void object(void)
{
    uint64_t base = number();
    struct bytes b = memory();
    struct fields f = fields(8);
    seen.objects++;
    if (base < seen.heap_lo || base + b.n > seen.heap_hi)
        bad = true;
    seen.garbage += base == ~hidden_garbage;
    if (b.n >= 18 && memcmp(b.p, "on a parked stack", 18) == 0) {
        seen.parked_strings++;
        seen.chain_broken |= f.n != 0;
    }
    for (node *n = chain; n != NULL; n = n->next) {
        if ((uint64_t)(uintptr_t)n != base)
            continue;
        seen.nodes++;
        seen.chain_broken |= b.n != 48 || memcmp(b.p, n, sizeof *n) != 0 || f.n != 1 || !f.has;
    }
}

static void goroutine(void)
{
    number();
    uint64_t sp = number(), id = number();
    number();
    uint64_t status = number();
    bool system = number() != 0, background = number() != 0;
    number();
    struct bytes why = memory();
    number();
    number();
    uint64_t defer = number(), panic = number();
    if (is(why, "chan receive") && status == 4 && !system) {
        seen.parked_g = true;
        seen.parked_sp = sp;
    }
    if (is(why, "dumping heap"))
        seen.dumping = id == 1 && status == 4 && defer != 0;
    if (background || panic != 0 || status == 2 || status == 6)
        bad = true;
}

static void frame(void)
{
    static uint64_t last_sp, last_depth;
    uint64_t sp = number(), depth = number(), child = number();
    struct bytes b = memory();
    uint64_t entry = number();
    number();
    number();
    struct bytes name = memory();
    fields(0);
    if (depth == 0 ? child != 0 : child != last_sp || depth != last_depth + 1)
        bad = true;
    if (entry == (uint64_t)(uintptr_t)parked && is(name, "parked") && b.n > 0)
        seen.parked_frame = true;
    last_sp = sp;
    last_depth = depth;
}

static void segment(void)
{
    uint64_t lo = number();
    struct bytes b = memory();
    struct fields f = fields((uint64_t)(uintptr_t)&chain - lo);
    if ((uint64_t)(uintptr_t)&chain - lo < b.n)
        seen.root = f.has && memcmp(b.p + ((uint64_t)(uintptr_t)&chain - lo), &chain, 8) == 0;
}

static void stats(void)
{
    uint64_t v[24];
    for (int i = 0; i < 24; i++)
        v[i] = number();
    for (int i = 0; i < 256; i++)
        number();
    number();
    seen.stats = v[0] == v[6] && v[4] - v[5] == v[11] && v[7] == v[8] + v[9] &&
                 v[2] == v[7] + v[13] + v[15] + v[17] + v[18] + v[19] + v[20] &&
                 seen.objects == v[11];
}

static void bucket(void)
{
    uint64_t id = number(), bytes = number(), n = number();
    bool of_make = false;
    for (uint64_t i = 0; i < n && !bad; i++) {
        struct bytes function = memory(), file = memory();
        uint64_t line = number();
        of_make |= is(function, "make") && file.n > 0 && line > 0;
    }
    uint64_t allocs = number(), frees = number();
    if (bytes == 48 && of_make) {
        seen.bucket = allocs == 4 && frees == 0;
        seen.node_bucket = id;
    }
}

static void skip(int n)
{
    while (n-- > 0)
        number();
}

/* False at the end. */
static bool record(void)
{
    uint64_t tag = number(), a, b;
    switch (tag) {
    case 0:
        return false;
    case 1:
        object();
        break;
    case 2:
        if (is(memory(), "added roots") & (number() == (uint64_t)(uintptr_t)added[1]))
            seen.added = true;
        break;
    case 4:
        goroutine();
        break;
    case 5:
        frame();
        break;
    case 6:
        bad |= number() != 0 || number() != 8;
        seen.heap_lo = number();
        seen.heap_hi = number();
        memory();
        bad |= memory().n < 4;
        bad |= number() < 1;
        break;
    case 7:
    case 11:
        a = number();
        b = number();
        skip(3);
        seen.finalizer |=
            tag == 7 && a == (uint64_t)(uintptr_t)chain && b == (uint64_t)(uintptr_t)finalizer;
        break;
    case 9:
        skip(3);
        break;
    case 10:
        stats();
        break;
    case 12:
    case 13:
        segment();
        break;
    case 14:
        skip(4);
        seen.defer |= number() == (uint64_t)(uintptr_t)deferred;
        skip(2);
        break;
    case 15:
        skip(6);
        break;
    case 16:
        bucket();
        break;
    case 17:
        a = number();
        b = number();
        seen.sample |= a == (uint64_t)(uintptr_t)chain && b == seen.node_bucket;
        break;
    default:
        bad = true;
    }
    return !bad;
}

static void say(bool ok, const char *what)
{
    printf("%s%s\n", ok ? "" : "NOT: ", what);
}

static void read_dump(int fd)
{
    struct stat st;
    fstat(fd, &st);
    const unsigned char *file = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    at = file;
    end = file + st.st_size;
    if (st.st_size < 17 || memcmp(at, "go1.7 heap dump\n", 16) != 0)
        bad = true;
    at += 16;
    while (!bad && record()) {
    }
    say(!bad && at == end, "ends with its last byte");
    say(seen.nodes == 4 && !seen.chain_broken, "the chain is whole");
    say(seen.garbage == 0, "what is free is not there");
    say(seen.parked_g && seen.parked_frame && seen.parked_strings == 1,
        "a parked goroutine has its frames");
    say(seen.dumping, "the dumping one says so");
    say(seen.root, "globals are roots");
    say(seen.added, "an added range is a root");
    say(seen.finalizer, "the finalizer is there");
    say(seen.defer, "deferred functions are listed");
    say(seen.stats, "numbers agree");
    say(seen.bucket && seen.sample, "the profile knows the sample");
}

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    never = gort_make_chan(int, 0);
    gort_go(parked);
    for (long i = 0; i < 4; i++)
        chain = make(i, chain);
    gort_set_finalizer(chain, finalizer);
    added = malloc(4 * sizeof *added);
    memset(added, 0, 4 * sizeof *added);
    gort_add_roots(added, 4 * sizeof *added);
    added[1] = gort_alloc(24);
    hidden_garbage = garbage();
    await("[chan receive]", 1);
    clear_stack();
    gort_gc();
    int fd = memfd_create("dump", 0), full = open("/dev/full", O_WRONLY);
    gort_defer(deferred, NULL);
    if (gort_debug_write_heap_dump(fd) != 0)
        gort_throw("the heap dump failed");
    read_dump(fd);
    say(gort_debug_write_heap_dump(full) == -1 && errno == ENOSPC, "a full device is an error");
    fflush(stdout);
    return 0;
}
GORT_MAIN(run)
