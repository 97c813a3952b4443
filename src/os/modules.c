/* modules.c: the writable memory of what the loader has loaded.
 *
 * Owns    the tables of writable segments and of modules with thread-locals, as listed last; what a
 *         listing is compared with to see that it still holds.
 * Holds   1. A listing is made while the loader holds its own lock, in dl_iterate_phdr.
 *         2. It is current while each namespace of the loader is consistent (r_debug, what debuggers look
 *            at) and its link maps are the same ones, at the same places, in the same order.
 * Locks   os_modules waits for the loader's; one caller at a time. The rest takes none, for it is called
 *         while stopped threads may hold the loader's lock.
 *
 * A thread's own memory, in glibc: its control block and the thread-locals of the modules loaded at the
 * start, in one piece around the thread pointer (arch/.../tls.h); and for each module loaded later a block
 * of its own once the thread has used it, found by the module's number in the thread's table (the dtv).
 * The piece has a reserve for dlopen'ed modules with the initial-exec model: it is all taken as in use.
 * What lies elsewhere are values of pthread_setspecific beyond the first 32 keys: libc keeps them in
 * malloc'ed memory.
 */
#include "os/os.h"

#include "arch/arch.h"
#include "base/check.h"
#include "os/call.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>

/* link.h's r_debug_extended, which older systems lack. */
struct debug_state {
    struct r_debug base;
    struct debug_state *next; /* from r_version 2 on: the next namespace */
};

struct table {
    void *at;
    size_t len, bytes; /* entries; bytes of memory */
};

static struct {
    struct table segments, tls;
    bool listed;
    unsigned long long loads, unloads; /* as dl_iterate_phdr counts them, at the last listing */
    /* of the loader: */
    bool asked;
    struct debug_state *debug; /* NULL: statically linked, nothing is ever loaded */
    uint64_t seen;             /* debug_digest at the last listing */
    /* of a thread's own memory: */
    bool static_said; /* by the C library; else bounds are guessed */
    size_t static_bytes, control_bytes;
    int64_t static_lo, static_hi; /* static thread-locals seen, from the thread pointer */
} loaded;

static uintptr_t page_down(uintptr_t a)
{
    return a & ~(uintptr_t)(os_page_bytes() - 1);
}

static uintptr_t page_up(uintptr_t a)
{
    return page_down(a + os_page_bytes() - 1);
}

/* Is there memory? Nothing is said about rights; where the kernel does not tell, it is what can be read. */
static bool is_mapped(uintptr_t lo, uintptr_t hi)
{
    enum { AT_ONCE = 256 };
    unsigned char in_memory[AT_ONCE];
    size_t page = os_page_bytes(), n;
    for (lo = page_down(lo); lo < hi; lo += n * page) {
        n = (page_up(hi) - lo) / page;
        if (n > AT_ONCE)
            n = AT_ONCE;
        int r = os_pages_in_memory((const void *)lo, n, in_memory);
        if (r == -ENOMEM)
            return false;
        for (size_t i = 0; r != 0 && i < n; i++)
            if (!os_can_read(lo + i * page))
                return false;
    }
    return true;
}

/* Room for one more entry; the table may move. Not mem_table_grow: that is a floor above. */
static void *table_add(struct table *t, size_t entry_bytes)
{
    size_t used = t->len * entry_bytes;
    if (used + entry_bytes > t->bytes) {
        size_t bytes = t->bytes == 0 ? os_page_bytes() : 2 * t->bytes;
        void *bigger = os_map(bytes);
        if (bigger == NULL)
            throw("runtime: cannot allocate memory");
        if (t->at != NULL) {
            memcpy(bigger, t->at, used);
            os_unmap(t->at, t->bytes);
        }
        t->at = bigger;
        t->bytes = bytes;
    }
    t->len++;
    return (char *)t->at + used;
}

/* ---- what the loader says of itself */
static uint64_t mix(uint64_t h, uint64_t x)
{
    h = (h ^ x) * 0x9E3779B97F4A7C15ull;
    return h ^ h >> 29;
}

static struct debug_state *debug_next(const struct debug_state *d)
{
    return d->base.r_version >= 2 ? d->next : NULL;
}

__attribute__((no_sanitize("thread"))) static uint64_t debug_digest(bool *consistent)
{
    uint64_t h = 1;
    *consistent = true;
    for (struct debug_state *d = loaded.debug; d != NULL; d = debug_next(d)) {
        if (d->base.r_state != RT_CONSISTENT)
            *consistent = false;
        for (struct link_map *l = d->base.r_map; l != NULL; l = l->l_next)
            h = mix(mix(mix(h, (uintptr_t)l), l->l_addr), (uintptr_t)l->l_ld);
        h = mix(h, 0);
    }
    return h;
}

static void note_state(void)
{
    bool consistent;
    uint64_t h = debug_digest(&consistent);
    loaded.seen = consistent ? h : mix(h, 1); /* equal to nothing that is consistent */
}

/* Once: asks the C library's symbols, which are there for debuggers. A statically linked program has
 * no loader to ask. */
static void ask_loader(void)
{
    void (*static_info)(size_t * bytes, size_t * align);
    loaded.asked = true;
    loaded.debug = dlsym(RTLD_DEFAULT, "_r_debug");
    const uint32_t *control = dlsym(RTLD_DEFAULT, "_thread_db_sizeof_pthread");
    void *info = dlsym(RTLD_DEFAULT, "_dl_get_tls_static_info");
    if (control == NULL || info == NULL)
        return;
    size_t align;
    memcpy(&static_info, &info, sizeof info);
    static_info(&loaded.static_bytes, &align);
    loaded.control_bytes = *control;
    loaded.static_said = true;
}

static int has_interpreter(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_INTERP)
            *(bool *)arg = true;
    return 1; /* the first is the program itself */
}

/* ---- listing */
static void add_segment(uintptr_t base, const ElfW(Phdr) * p, uintptr_t relro_end)
{
    uintptr_t lo = base + p->p_vaddr, hi = lo + p->p_memsz;
    uintptr_t bss = page_up(lo + p->p_filesz);
    if (bss > hi)
        bss = hi;
    if (relro_end > lo && relro_end <= bss) /* read-only since before any code of it ran */
        lo = relro_end;
    if (lo < hi)
        *(struct os_module *)table_add(&loaded.segments, sizeof(struct os_module)) =
            (struct os_module){.lo = lo, .hi = hi, .bss_lo = bss};
}

/* Where the part that relocation alone writes ends; the last page of it may have other data. */
static uintptr_t relro_end_of(uintptr_t base, const ElfW(Phdr) * p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i].p_type == PT_GNU_RELRO)
            return page_down(base + p[i].p_vaddr + p[i].p_memsz);
    return 0;
}

static void add_segments(uintptr_t base, const ElfW(Phdr) * p, size_t n)
{
    uintptr_t relro_end = relro_end_of(base, p, n);
    for (size_t i = 0; i < n; i++)
        if (p[i].p_type == PT_LOAD && (p[i].p_flags & PF_W) != 0)
            add_segment(base, &p[i], relro_end);
}

/* Is this block part of the piece around the thread pointer? */
static bool is_static(uintptr_t block, size_t bytes, bool only_such)
{
    uintptr_t lo, hi;
    if (!loaded.static_said)
        return only_such;
    os_tls_static(arch_thread_pointer(), &lo, &hi);
    return block >= lo && block + bytes <= hi;
}

static void add_tls(const struct dl_phdr_info *info)
{
    struct os_tls t = {.id = info->dlpi_tls_modid, .offset = INT64_MIN};
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_TLS)
            t.bytes = info->dlpi_phdr[i].p_memsz;
    uintptr_t block = (uintptr_t)info->dlpi_tls_data; /* this thread's; NULL: not made yet */
    if (t.bytes == 0)
        return;
    if (block != 0 && is_static(block, t.bytes, loaded.debug == NULL)) {
        t.offset = (int64_t)(block - arch_thread_pointer());
        if (t.offset < loaded.static_lo)
            loaded.static_lo = t.offset;
        if (t.offset + (int64_t)t.bytes > loaded.static_hi)
            loaded.static_hi = t.offset + (int64_t)t.bytes;
    }
    *(struct os_tls *)table_add(&loaded.tls, sizeof t) = t;
}

static int list_one(struct dl_phdr_info *info, size_t size, void *arg)
{
    bool *first = arg;
    if (*first)
        note_state(); /* under the loader's lock, as what follows */
    *first = false;
    add_segments(info->dlpi_addr, info->dlpi_phdr, info->dlpi_phnum);
    if (size >= offsetof(struct dl_phdr_info, dlpi_tls_data) + sizeof info->dlpi_tls_data &&
        info->dlpi_tls_modid != 0)
        add_tls(info);
    return 0;
}

/* Is the same module in the first namespace, too? The loader itself is in every one. */
static bool is_first_too(const struct link_map *l)
{
    for (struct link_map *f = loaded.debug->base.r_map; f != NULL; f = f->l_next)
        if (f->l_ld == l->l_ld)
            return true;
    return false;
}

static void add_mapped_elf(const struct link_map *l)
{
    ElfW(Ehdr) head;
    uintptr_t at = l->l_addr;
    if (at == 0 || !is_mapped(at, at + sizeof head))
        return;
    memcpy(&head, (const void *)at, sizeof head);
    if (memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || head.e_phentsize != sizeof(ElfW(Phdr)) ||
        !is_mapped(at, at + head.e_phoff + head.e_phnum * sizeof(ElfW(Phdr))))
        return;
    add_segments(at, (const void *)(at + head.e_phoff), head.e_phnum);
}

/* The data of modules in namespaces of dlmopen, which dl_iterate_phdr leaves out. */
static int list_other_namespaces(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)info, (void)size, (void)arg;
    for (struct debug_state *d = debug_next(loaded.debug); d != NULL; d = debug_next(d))
        for (struct link_map *l = d->base.r_map; l != NULL; l = l->l_next)
            if (d->base.r_state == RT_CONSISTENT && !is_first_too(l))
                add_mapped_elf(l);
    return 1; /* called for the loader's lock alone */
}

/* The loader's counts come with every module; the first will do. */
static int read_counts(struct dl_phdr_info *info, size_t size, void *arg)
{
    unsigned long long *counts = arg;
    if (size >= offsetof(struct dl_phdr_info, dlpi_subs) + sizeof info->dlpi_subs) {
        counts[0] = info->dlpi_adds;
        counts[1] = info->dlpi_subs;
    }
    return 1;
}

/* Has anything been loaded or unloaded since the last listing? Other namespaces are not counted. */
static bool changed(void)
{
    unsigned long long counts[2] = {0, 0};
    bool others = loaded.debug != NULL && debug_next(loaded.debug) != NULL;
    dl_iterate_phdr(read_counts, counts);
    bool same =
        loaded.listed && !others && counts[0] == loaded.loads && counts[1] == loaded.unloads;
    loaded.loads = counts[0];
    loaded.unloads = counts[1];
    return !same || counts[0] == 0;
}

static void list_all(void)
{
    bool first = true, dynamic = false;
    if (!loaded.asked) {
        dl_iterate_phdr(has_interpreter, &dynamic);
        if (dynamic)
            ask_loader();
        loaded.asked = true;
    }
    loaded.segments.len = loaded.tls.len = 0;
    dl_iterate_phdr(list_one, &first);
    if (loaded.debug != NULL && debug_next(loaded.debug) != NULL)
        dl_iterate_phdr(list_other_namespaces, NULL);
    loaded.listed = true;
}

void os_modules(const struct os_module **m, size_t *nm, const struct os_tls **t, size_t *nt)
{
    int keep = errno;
    if (changed())
        list_all();
    errno = keep;
    *m = loaded.segments.at;
    *nm = loaded.segments.len;
    *t = loaded.tls.at;
    *nt = loaded.tls.len;
}

bool os_modules_current(void)
{
    bool consistent;
    return loaded.listed && debug_digest(&consistent) == loaded.seen && consistent;
}

void os_modules_forget(void)
{
    loaded.listed = false;
}

/* ---- thread-locals */
uintptr_t os_thread_pointer(void)
{
    return arch_thread_pointer();
}

/* Of another thread, which nobody asks: not for the sanitizers. */
#define OTHERS __attribute__((no_sanitize("thread", "address")))

static const struct os_tls *tls_of(size_t id)
{
    const struct os_tls *t = loaded.tls.at;
    for (size_t i = 0; i < loaded.tls.len; i++)
        if (t[i].id == id)
            return &t[i];
    return NULL;
}

/* The dtv: pairs of words, by number; of pair -1 the first is the count, of pair 0 the generation. The
 * thread may be stopped just where it replaces the dtv, so what is found there is not trusted. */
OTHERS uintptr_t os_tls_block(uintptr_t thread_pointer, size_t id)
{
    const struct os_tls *t = tls_of(id);
    if (t != NULL && t->offset != INT64_MIN)
        return thread_pointer + (uintptr_t)t->offset;
    uintptr_t dtv = ((const uintptr_t *)thread_pointer)[TLS_DTV_WORD];
    size_t pair = 2 * sizeof(uintptr_t);
    if (t == NULL || dtv == 0 || !is_mapped(dtv - pair, dtv + pair))
        return 0;
    size_t count = *(const uintptr_t *)(dtv - pair);
    if (id > count || !is_mapped(dtv + id * pair, dtv + (id + 1) * pair))
        return 0;
    uintptr_t block = *(const uintptr_t *)(dtv + id * pair);
    if (block == UINTPTR_MAX || block == 0 || !is_mapped(block, block + t->bytes))
        return 0;
    return block;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* In a statically linked program: the thread-locals that were seen, and as much of the page and of
 * what a control block takes at most as is there. */
static void guess_static(uintptr_t tp, uintptr_t *lo, uintptr_t *hi)
{
    size_t before = loaded.static_lo < 0 ? (size_t)-loaded.static_lo : 0;
    size_t behind = loaded.static_hi > 0 ? (size_t)loaded.static_hi : 0;
    uintptr_t sure_lo = page_down(tp - before), sure_hi = page_up(tp + behind + 1);
    before = larger(before, TLS_CONTROL_BEFORE);
    behind = larger(behind, TLS_CONTROL_BEHIND);
    *lo = tp - before;
    *hi = tp + behind;
    if (*lo < sure_lo && !is_mapped(*lo, sure_lo))
        *lo = sure_lo;
    if (*hi > sure_hi && !is_mapped(sure_hi, *hi))
        *hi = sure_hi;
}

void os_tls_static(uintptr_t thread_pointer, uintptr_t *lo, uintptr_t *hi)
{
    if (loaded.static_said)
        arch_tls_bounds(thread_pointer, loaded.static_bytes, loaded.control_bytes, lo, hi);
    else
        guess_static(thread_pointer, lo, hi);
}

void os_tls_program(uintptr_t thread_pointer, uintptr_t *lo, uintptr_t *hi)
{
    const ElfW(Phdr) *h = (const ElfW(Phdr) *)getauxval(AT_PHDR);
    size_t n = getauxval(AT_PHNUM);
    *lo = *hi = 0;
    for (size_t i = 0; h != NULL && i < n; i++)
        if (h[i].p_type == PT_TLS)
            arch_tls_program(thread_pointer, h[i].p_memsz, h[i].p_align, lo, hi);
}
