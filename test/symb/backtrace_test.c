/* backtrace_test.c: the fast walk, beside the compiler's own. */
#include "symb/symb.h"

#include "base/rand.h"
#include "os/os.h"
#include "symb/named.h"

#include <alloca.h>
#include <criterion/criterion.h>
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unwind.h>

enum { MAX = 200 };

struct seen {
    uintptr_t pcs[MAX];
    size_t n;
};

static struct stack here;

static void setup(void)
{
    symb_init();
    os_thread_stack(&here.lo, &here.hi);
}

TestSuite(backtrace, .init = setup);

/* ---- walks from one place: the compiler's, with which exceptions find their way; ours, fast, the later ones
 * from the cache; and ours frame by frame */
static size_t compared;
static struct seen fast, full;

static _Unwind_Reason_Code note_frame(struct _Unwind_Context *at, void *arg)
{
    (void)arg;
    if (_Unwind_GetIP(at) != 0 && full.n < MAX)
        full.pcs[full.n++] = (uintptr_t)_Unwind_GetIP(at);
    return _URC_NO_REASON;
}

static void compare_frames(const struct context *c)
{
    static struct symb_walk w;
    struct symb_frame f;
    size_t n = 0;
    symb_walk_begin(&w, c, &here, NULL, false);
    while (symb_walk_next(&w, &f) && n < MAX) {
        cr_assert(n < fast.n && f.pc == fast.pcs[n] && !f.exact, "frame %zu", n);
        n++;
    }
    cr_assert_eq(n, fast.n);
}

static __attribute__((noinline)) void compare_here(void)
{
    struct context c;
    arch_keep(&c);
    full.n = 0;
    (void)_Unwind_Backtrace(note_frame, NULL);
    for (int times = 0; times < 3; times++) {
        fast.n = symb_backtrace(&c, false, &here, NULL, fast.pcs, MAX);
        cr_assert_eq(fast.n, full.n, "%zu, not %zu, time %d", fast.n, full.n, times);
        for (size_t i = 1; i < full.n; i++) /* the first is in this very function */
            cr_assert_eq(fast.pcs[i], full.pcs[i], "frame %zu of %zu, time %d: %#lx, not %#lx", i,
                         full.n, times, fast.pcs[i], full.pcs[i]);
    }
    compare_frames(&c);
    compared += full.n;
}

/* ---- random trees of calls, through code of all kinds */
static uint64_t rnd = 1;
static int depth;
static volatile bool stepping; /* of_every_single_instruction */

typedef int (*kind_of_call)(int);
static const kind_of_call kinds[];
static unsigned nkinds(void);

static __attribute__((noinline)) int go_on(int x)
{
    if (depth == 0) {
        if (!stepping)
            compare_here();
        return x;
    }
    depth--;
    int r = kinds[rand_next(&rnd) % nkinds()](x);
    depth++;
    return (r & 0xffff) + 1;
}

static __attribute__((noinline)) int plain(int x)
{
    return (go_on(x + 1) & 0xffff) * 3;
}

#if defined(__clang__)
#define NO_FP
#else
#define NO_FP __attribute__((optimize("omit-frame-pointer")))
#endif

static __attribute__((noinline)) NO_FP int without_fp(int x)
{
    int v[20];
    for (int i = 0; i < 20; i++)
        v[i] = x + i;
    __asm__ volatile("" : : "r"(v) : "memory");
    return go_on(x) + v[x & 15];
}

/* Uses all registers that a call preserves, the frame pointer's too. */
static __attribute__((noinline)) NO_FP int many_registers(int x)
{
    x &= 0xffff;
    int a = x * 3, b = x * 5, c = x * 7, d = x * 11, e = x * 13, f = x * 17, g = x * 19;
    __asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f));
    int r = go_on(x);
    __asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f));
    return (r & 0xffff) + a + b + c + d + e + f + g;
}

static __attribute__((noinline)) NO_FP int large_frame(int x)
{
    volatile char v[200000];
    v[x & 1023] = 1;
    int r = go_on(x);
    return r + v[x & 1023];
}

static __attribute__((noinline)) NO_FP int variable_frame(int x)
{
    size_t n = 16 + (size_t)(x & 255) * 8;
    volatile char *v = alloca(n);
    v[n - 1] = 1;
    return go_on(x) + v[n - 1];
}

/* Realigns its stack: the CFA is an expression. */
static __attribute__((noinline)) NO_FP int realigned(int x)
{
    _Alignas(64) volatile char v[64];
    v[x & 63] = 1;
    return go_on(x) + v[x & 63];
}

static __attribute__((noinline)) NO_FP int realigned_and_variable(int x)
{
    _Alignas(64) volatile char v[64];
    volatile char *more = alloca(16 + (size_t)(x & 31));
    v[x & 63] = more[0] = 1;
    return go_on(x) + v[x & 63] + more[0];
}

static __attribute__((noinline)) NO_FP int many_arguments(int a, int b, int c, int d, int e, int f,
                                                          int g, int h, int i, int j)
{
    return go_on(a) + b + c + d + e + f + g + h + i + j;
}

static __attribute__((noinline)) NO_FP int arguments_on_stack(int x)
{
    return many_arguments(x, 1, 2, 3, 4, 5, 6, 7, x, 9);
}

static int sum, once;

static int by_qsort(const void *a, const void *b)
{
    if (once++ == 0)
        sum = go_on(1);
    return *(const int *)a - *(const int *)b;
}

static __attribute__((noinline)) int through_qsort(int x)
{
    int v[] = {3, x, 1}, keep = once;
    once = 0;
    qsort(v, 3, sizeof v[0], by_qsort);
    once = keep;
    return sum;
}

static int by_bsearch(const void *a, const void *b)
{
    (void)a, (void)b;
    sum = go_on(2);
    return 0;
}

static __attribute__((noinline)) int through_bsearch(int x)
{
    return bsearch(&x, &x, 1, sizeof x, by_bsearch) != NULL;
}

static __attribute__((noinline)) void by_call_on(void *x)
{
    sum = go_on(*(int *)x);
}

static __attribute__((noinline)) NO_FP int through_call_on(int x)
{
    char *top = (char *)__builtin_frame_address(0) - 100000;
    arch_call_on((void *)((uintptr_t)top & ~(uintptr_t)63), by_call_on, &x);
    return sum;
}

static const kind_of_call kinds[] = {
    plain,          without_fp, many_registers,         large_frame,        variable_frame,
    plain,          realigned,  realigned_and_variable, arguments_on_stack, through_qsort,
    through_bsearch};

static unsigned nkinds(void)
{
    return ARRAY_LEN(kinds);
}

Test(backtrace, random_calls_are_as_the_compiler_sees_them)
{
    for (int i = 0; i < 300; i++) {
        depth = (int)(rand_next(&rnd) % 30);
        go_on(i);
    }
    cr_expect(compared > 3000);
}

Test(backtrace, through_a_call_on_another_part_of_the_stack)
{
    depth = 3;
    through_call_on(1);
    cr_expect(compared > 5);
}

/* ---- the running code's own stack */
static __attribute__((noinline)) void look_here(struct seen *s, bool keep)
{
    s->n = symb_backtrace_here(&here, NULL, keep, s->pcs, MAX);
    __asm__ volatile("" ::: "memory");
}

Test(backtrace, of_the_caller_begins_at_the_caller)
{
    static struct seen s;
    for (int times = 0; times < 2; times++) {
        look_here(&s, false);
        cr_assert(s.n >= 2);
        cr_expect(named(s.pcs[0], "look_here"));
        cr_expect(named(s.pcs[1], "backtrace_of_the_caller_begins_at_the_caller_impl"));
    }
}

/* ---- gort_callers' way, beside step by step */
static __attribute__((noinline)) int compare_callers(const void *a, const void *b)
{
    static uintptr_t want[MAX], got[MAX];
    const uintptr_t *record = __builtin_frame_address(0);
    uintptr_t cfa = (uintptr_t)__builtin_dwarf_cfa();
    struct symb_steps w;
    size_t n = MAX;
    for (size_t room = 0; room <= n + 1 && room <= MAX; room++) {
        symb_steps_caller(&w, record, cfa, &here, NULL);
        n = symb_steps_run(&w, want, MAX);
        symb_steps_caller(&w, record, cfa, &here, NULL);
        size_t k = symb_steps_run(&w, want, room);
        k = symb_steps_trim(&w, want, k, true);
        cr_assert_eq(symb_callers(record, cfa, &here, NULL, got, room), k);
        cr_assert(memcmp(want, got, k * sizeof got[0]) == 0);
        cr_assert(k == (room < n ? room : n));
    }
    compared += n;
    return a < b ? -1 : a > b;
}

static __attribute__((noinline)) void below(int depth)
{
    int few[] = {3, 1, 2};
    if (depth > 0)
        below(depth - 1);
    else
        qsort(few, 3, sizeof few[0], compare_callers); /* through code without frame pointers */
    __asm__ volatile("" ::: "memory");
}

Test(backtrace, a_list_of_callers_is_what_the_steps_find)
{
    const struct stack nowhere = {.lo = 16, .hi = 4096};
    uintptr_t pc;
    compare_callers(NULL, NULL);
    for (int depth = 0; depth < 40; depth += 13)
        below(depth);
    cr_expect(compared > 100);
    cr_expect_eq(symb_callers(__builtin_frame_address(0), (uintptr_t)__builtin_dwarf_cfa(),
                              &nowhere, NULL, &pc, 1),
                 0);
}

Test(backtrace, stops_at_the_room_given)
{
    static struct seen s, t;
    look_here(&s, false);
    t.pcs[2] = 42;
    t.n = symb_backtrace_here(&here, NULL, false, t.pcs, 2);
    cr_expect(t.n == 2 && t.pcs[2] == 42 && t.pcs[1] == s.pcs[2]);
    cr_expect(symb_backtrace_here(&here, NULL, false, t.pcs, 0) == 0);
}

/* ---- handlers */
static struct stack alternate;
static struct seen from_handler;
static volatile int handled;

static void handler(int sig, siginfo_t *info, void *ucontext)
{
    struct context c;
    (void)sig, (void)info;
    arch_ucontext_to_context(ucontext, &c);
    from_handler.n = symb_backtrace(&c, true, &here, NULL, from_handler.pcs, MAX);
    handled++;
}

/* Through the frame that the kernel made, from the handler's own stack. */
static void handler_outwards(int sig, siginfo_t *info, void *ucontext)
{
    struct context c;
    (void)sig, (void)info, (void)ucontext;
    arch_keep(&c);
    from_handler.n = symb_backtrace(&c, false, &alternate, &here, from_handler.pcs, MAX);
    handled++;
}

static void catch_usr1(void (*fn)(int, siginfo_t *, void *))
{
    enum { BYTES = 65536 };
    alternate.lo =
        (uintptr_t)mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    alternate.hi = alternate.lo + BYTES;
    stack_t ss = {.ss_sp = (void *)alternate.lo, .ss_size = BYTES};
    struct sigaction sa = {.sa_sigaction = fn, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    cr_assert(sigaltstack(&ss, NULL) == 0 && sigaction(SIGUSR1, &sa, NULL) == 0);
}

static __attribute__((noinline)) NO_FP int raise_here(int x)
{
    raise(SIGUSR1);
    return x + handled;
}

static size_t index_of(const struct seen *s, const char *name)
{
    for (size_t i = 0; i < s->n; i++)
        if (named(s->pcs[i], name))
            return i;
    return MAX;
}

Test(backtrace, of_interrupted_code_from_a_handler)
{
    catch_usr1(handler);
    raise_here(1);
    cr_assert_eq(handled, 1);
    size_t at = index_of(&from_handler, "raise_here");
    cr_assert(at > 0 && at < 6);
    cr_expect(named(from_handler.pcs[at + 1], "backtrace_of_interrupted_code_from_a_handler_impl"));
}

Test(backtrace, outwards_from_a_handler)
{
    for (int times = 1; times <= 2; times++) {
        catch_usr1(handler_outwards);
        raise_here(1);
        cr_assert_eq(handled, times);
        size_t at = index_of(&from_handler, "raise_here");
        cr_assert(at >= 2 && at < 8, "%zu of %zu", at, from_handler.n);
        cr_expect(named(from_handler.pcs[0], "handler_outwards"));
        cr_expect(named(from_handler.pcs[at + 1], "backtrace_outwards_from_a_handler_impl"));
    }
}

/* ---- each instruction of a function, prologue and epilogue too, and the PLT's */
#if defined(__x86_64__)
#include <ucontext.h>

static size_t steps;

static void on_step(int sig, siginfo_t *info, void *ucontext)
{
    struct context c;
    ucontext_t *u = ucontext;
    (void)sig, (void)info;
    if (!stepping) {
        u->uc_mcontext.gregs[REG_EFL] &= ~0x100ll;
        return;
    }
    arch_ucontext_to_context(ucontext, &c);
    static struct seen s;
    s.n = symb_backtrace(&c, true, &here, NULL, s.pcs, MAX);
    steps++;
    bool found = false;
    for (size_t i = 0; i < s.n && !found; i++)
        found = s.pcs[i] == from_handler.pcs[0];
    if (!found) {
        from_handler.pcs[1] = c.pc;
        stepping = false;
    }
}

static void trap_flag(bool on)
{
    if (on)
        __asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq" ::: "memory", "cc");
    else
        __asm__ volatile("pushfq; andq $~0x100, (%%rsp); popfq" ::: "memory", "cc");
}

/* What all of the frames within have above them, is found from every single instruction. */
static __attribute__((noinline)) int stepped_calls(int x)
{
    int r = 0;
    trap_flag(true);
    r += many_registers(x) + realigned(x) + realigned_and_variable(x) + variable_frame(x) +
         large_frame(x) + through_qsort(x) + through_bsearch(x) + arguments_on_stack(x);
    r += atoi("17") + abs((int)strtol("x1", NULL, 16)) + (int)strlen(getenv("PATH"));
    trap_flag(false);
    return r;
}

static __attribute__((noinline)) int stepped(int x)
{
    struct sigaction sa = {.sa_sigaction = on_step, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigaction(SIGTRAP, &sa, NULL);
    from_handler.pcs[0] = (uintptr_t)__builtin_return_address(0);
    stepping = true;
    int r = stepped_calls(x);
    cr_expect(stepping, "the way was lost at %#lx", from_handler.pcs[1]);
    stepping = false;
    return r;
}

Test(backtrace, of_every_single_instruction)
{
    catch_usr1(handler);
    depth = 0;
    for (int x = 0; x < 3; x++) {
        once = 0;
        stepped(x);
    }
    cr_expect(steps > 3000, "%zu", steps);
}
#endif

/* ---- what is broken */
static __attribute__((noinline)) size_t broken(uintptr_t *fake, size_t words, uintptr_t pc,
                                               uintptr_t fp)
{
    struct stack own = {.lo = (uintptr_t)fake, .hi = (uintptr_t)(fake + words)};
    struct context c = {.pc = pc, .sp = (uintptr_t)fake, .fp = fp};
    uintptr_t pcs[MAX];
    return symb_backtrace(&c, true, &own, NULL, pcs, MAX);
}

Test(backtrace, of_garbage_ends)
{
    enum { WORDS = 512 };
    size_t page = 4096;
    char *three = mmap(NULL, 3 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert(mprotect(three + page, page, PROT_READ | PROT_WRITE) == 0);
    uintptr_t *fake = (uintptr_t *)(three + page);
    uintptr_t code[] = {(uintptr_t)plain,       (uintptr_t)without_fp, (uintptr_t)many_registers,
                        (uintptr_t)large_frame, (uintptr_t)qsort,      (uintptr_t)arch_call_on,
                        (uintptr_t)realigned,   (uintptr_t)here.lo,    (uintptr_t)arch_fault_entry};
    for (int round = 0; round < 20000; round++) {
        for (int i = 0; i < WORDS; i++)
            switch (rand_next(&rnd) % 4) {
            case 0:
                fake[i] = code[rand_next(&rnd) % ARRAY_LEN(code)] + rand_next(&rnd) % 64;
                break;
            case 1:
                fake[i] = (uintptr_t)fake + rand_next(&rnd) % (page + 64);
                break;
            case 2:
                fake[i] = (uintptr_t)&fake[rand_next(&rnd) % WORDS];
                break;
            default:
                fake[i] = (uintptr_t)rand_next(&rnd) << 32 | rand_next(&rnd);
            }
        cr_assert(broken(fake, WORDS,
                         code[rand_next(&rnd) % ARRAY_LEN(code)] + rand_next(&rnd) % 64,
                         fake[rand_next(&rnd) % WORDS]) <= MAX);
    }
}

Test(backtrace, nothing_of_nothing)
{
    uintptr_t fake[8] = {0};
    cr_expect_eq(broken(fake, 8, 0, 0), 0);
    cr_expect_eq(broken(fake, 8, 1, 0), 1);
}

/* ---- several threads at one cache */
static void *walk_often(void *arg)
{
    struct stack own;
    static __thread struct seen first, again;
    (void)arg;
    os_thread_stack(&own.lo, &own.hi);
    for (int i = 0; i < 20000; i++) {
        again.n = symb_backtrace_here(&own, NULL, false, again.pcs, MAX);
        if (i == 0)
            first = again;
        if (again.n != first.n ||
            memcmp(again.pcs + 1, first.pcs + 1, sizeof first.pcs[0] * (first.n - 1)) != 0)
            return (void *)1;
    }
    return NULL;
}

#include <pthread.h>

Test(backtrace, threads_do_not_disturb_each_other)
{
    pthread_t t[4];
    void *bad;
    for (int i = 0; i < 4; i++)
        cr_assert(pthread_create(&t[i], NULL, walk_often, NULL) == 0);
    for (int i = 0; i < 4; i++) {
        pthread_join(t[i], &bad);
        cr_expect(bad == NULL);
    }
}

/* ---- markers */
Test(backtrace, markers_say_how_many)
{
    unsigned drop;
    for (unsigned i = 0; i < SYMB_SKIP_MAX; i++) {
        cr_assert(symb_is_skip_marker(symb_skip_marker(i), &drop));
        cr_expect_eq(drop, i);
    }
    cr_expect(!symb_is_skip_marker(symb_skip_marker(0) - 1, &drop));
    cr_expect(!symb_is_skip_marker(symb_skip_marker(SYMB_SKIP_MAX - 1) + 1, &drop));
    cr_expect(!symb_is_skip_marker((uintptr_t)plain, &drop));
}
