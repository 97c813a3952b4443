/* cgocheck.c: what foreign code is given, and what is kept where the collector does not look.
 *
 * Owns    GODEBUG=cgocheck. 1: what gort_cgocall is given. 2: also, at each collection, pointers that
 *         only memory of malloc holds.
 *
 * Go refuses an argument that points to memory with further pointers, for it cannot follow them in
 * foreign code. Here stacks and registers of foreign calls are roots like any others, so such a
 * pointer is lost only if the callee keeps it in memory of its own. What is refused by default is
 * therefore what Go's compiler would refuse for the same reason: a described object (GORT_TYPE), whose
 * pointer fields lead to other objects. Objects nobody described, structs on the stack and in malloc'ed
 * memory pass.
 *
 * Instead of catching each store to foreign memory, as Go's write barrier can: at the end of marking
 * malloc's memory is searched for the addresses of objects that are about to be freed. That finds the
 * mistake when it would hurt, not when it is made, and finds nothing in memory of another allocator
 * than glibc's. A pointer in memory that was given to free() counts too: it was stored there.
 */
#include "gc/gc_int.h"

#include "gc/up.h"

#include <gort/type.h>

#include "base/fmt.h"
#include "base/track.h"
#include "conf/conf.h"
#include "os/mapfile.h"
#include "stack/stack.h"

#include <string.h>

/* ---- what an object may hold */
static bool type_has_pointer_at(const struct gort_type *t, size_t at)
{
    if (t == NULL || t->size == 0 || t->gcdata == NULL)
        return false;
    at %= t->size;
    return at < t->ptrdata && (t->gcdata[at / 64] >> at / 8 % 8 & 1) != 0;
}

bool gc_word_may_point(const struct object *o, size_t word)
{
    struct span *s = o->span;
    if (s->kind != OBJ_PRECISE)
        return s->kind == OBJ_CONSERVATIVE;
    if (s->class == 0)
        return type_has_pointer_at(load_acq(&s->u.type), word * 8); /* note_type, in alloc.c */
    if (s->slot_bytes > BITS_MAX)
        return type_has_pointer_at(load_acq(&s->u.types[o->slot]), word * 8); /* the same */
    size_t bit = (o->base - s->base) / 8 + word;
    return (load_rlx(&s->meta->ptr[bit / 64]) >> bit % 64 & 1) != 0;
}

/* ---- 1: arguments */
static bool holds_pointers(uintptr_t arg)
{
    struct object o, to;
    if (!arena_find_object(arg, &o) || o.base != arg || o.span->kind != OBJ_PRECISE)
        return false;
    const uintptr_t *words = (const uintptr_t *)arg;
    for (size_t i = 0; i < o.bytes / 8; i++)
        if (gc_word_may_point(&o, i) && words[i] != 0 && arena_find_object(words[i], &to))
            return true;
    return false;
}

void gc_check_cgo_arg(const void *arg)
{
    uint64_t e = page_entry((uintptr_t)arg);
    if (!pe_in_use(e) || pe_kind(e) != OBJ_PRECISE)
        return;
    m_enter();
    bool bad = holds_pointers((uintptr_t)arg);
    m_leave(self());
    if (bad)
        panic_runtime("cgo argument has Go pointer to Go pointer");
}

/* ---- 2: what only foreign memory points to */
static void check_word(const uintptr_t *at)
{
    struct object o;
    if (*at == 0 || !arena_find_object(*at, &o) || o.base != *at || gc_is_marked(&o))
        return;
    print("write of Go pointer %x to non-Go memory %x\n", (uint64_t)*at, (uint64_t)(uintptr_t)at);
    throw("Go pointer stored into non-Go memory");
}

static void check_words(uintptr_t lo, uintptr_t hi)
{
    for (uintptr_t p = lo; p < hi; p += sizeof p)
        check_word((const uintptr_t *)p);
}

/* glibc's layout. A heap of a thread's arena is aligned to HEAP_BYTES and begins with these words. */
enum { LIBC_HEAP_BYTES = 64 << 20, LIBC_MMAPPED = 2, LIBC_FLAGS = 7 };
struct libc_heap {
    uintptr_t arena;
    uintptr_t older;
    size_t bytes, rw_bytes;
};

/* How many bytes from p on are a heap of an arena, in a mapping that ends at hi. */
static size_t libc_heap_at(uintptr_t p, uintptr_t hi)
{
    const struct libc_heap *h = (const struct libc_heap *)p;
    if (p % LIBC_HEAP_BYTES != 0 || h->bytes == 0 || h->bytes % os_page_bytes() != 0 ||
        h->bytes > hi - p || h->rw_bytes < h->bytes || h->rw_bytes > LIBC_HEAP_BYTES)
        return 0;
    bool first = h->arena > p && h->arena - p <= 16 * sizeof p;
    return first || h->older % LIBC_HEAP_BYTES == 0 ? h->bytes : 0;
}

/* The same for a large block, which has a mapping to itself: no block before, its size, a flag. */
static size_t libc_block_at(uintptr_t p, uintptr_t hi)
{
    const size_t *head = (const size_t *)p;
    size_t bytes = head[1] & ~(size_t)LIBC_FLAGS;
    bool is = head[0] == 0 && (head[1] & LIBC_FLAGS) == LIBC_MMAPPED && bytes != 0 &&
              bytes % os_page_bytes() == 0 && bytes <= hi - p;
    return is ? bytes : 0;
}

struct region {
    uintptr_t at, end;
};

static void find_stacks(uintptr_t lo, uintptr_t hi, void *region)
{
    struct region *r = region;
    if (r->at >= lo && r->at < hi)
        r->end = hi;
}

/* Where what is surely the collector's or a stack ends, from p on; p if it is neither. */
static uintptr_t skip_own(uintptr_t p)
{
    if (arena_of(p) != NULL)
        return (p / ARENA_BYTES + 1) * ARENA_BYTES;
    struct region r = {p, p};
    stack_each_region(find_stacks, &r);
    return r.end;
}

/* A mapping without a name may be malloc's, the collector's, a stack, or several of them. */
static void check_nameless(uintptr_t lo, uintptr_t hi)
{
    for (uintptr_t p = lo; p < hi;) {
        uintptr_t after = skip_own(p);
        if (after != p) {
            p = after;
            continue;
        }
        size_t bytes = libc_heap_at(p, hi);
        if (bytes == 0)
            bytes = libc_block_at(p, hi);
        if (bytes > 0)
            check_words(p, p + bytes);
        p += bytes > 0 ? bytes : os_page_bytes();
    }
}

/* ---- /proc/self/maps: `lo-hi rw-p offset major:minor inode   name` */
static const char *hex(const char *s, uintptr_t *v)
{
    *v = 0;
    for (;; s++) {
        char c = *s;
        if (c >= '0' && c <= '9')
            *v = *v * 16 + (uintptr_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            *v = *v * 16 + (uintptr_t)(c - 'a' + 10);
        else
            return s;
    }
}

static const char *skip_field(const char *s)
{
    while (*s != ' ' && *s != '\0')
        s++;
    while (*s == ' ')
        s++;
    return s;
}

static void check_mapping(const char *line)
{
    uintptr_t lo, hi;
    const char *s = hex(line, &lo);
    if (*s != '-')
        return;
    s = hex(s + 1, &hi);
    if (strncmp(s, " rw-p ", 6) != 0)
        return;
    s++;
    for (int field = 0; field < 4; field++) /* access, offset, device, inode */
        s = skip_field(s);
    if (strcmp(s, "[heap]") == 0)
        check_words(lo, hi);
    else if (*s == '\0')
        check_nameless(lo, hi);
}

static void each_line(int fd, void (*fn)(const char *line))
{
    static char buf[8192];
    size_t have = 0;
    int64_t n;
    while ((n = os_read(fd, buf + have, sizeof buf - 1 - have)) > 0) {
        char *line = buf, *end;
        have += (size_t)n;
        buf[have] = '\0';
        while ((end = strchr(line, '\n')) != NULL) {
            *end = '\0';
            fn(line);
            line = end + 1;
        }
        have -= (size_t)(line - buf);
        memmove(buf, line, have);
    }
}

STW void gc_cgocheck2(void)
{
    if (knobs.cgocheck < 2 || track_fibers() || track_is(TRACK_ADDRESS))
        return; /* a malloc of their own, and mappings of terabytes */
    int fd = os_open_read("/proc/self/maps");
    if (fd < 0)
        return;
    each_line(fd, check_mapping);
    (void)os_close(fd);
}
