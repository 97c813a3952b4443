/* modules_test.c: writable segments and thread-locals of what is loaded, listed and found current. */
#include "os/os.h"
#include "support.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct os_module *module;
static const struct os_tls *tls;
static size_t nmodules, ntls;

static void list(void)
{
    os_modules(&module, &nmodules, &tls, &ntls);
    cr_assert_gt(nmodules, 0);
}

static const struct os_module *module_at(const void *p)
{
    for (size_t i = 0; i < nmodules; i++)
        if (module[i].lo <= (uintptr_t)p && (uintptr_t)p < module[i].hi)
            return &module[i];
    return NULL;
}

static bool in_static(uintptr_t tp, const void *p)
{
    uintptr_t lo, hi;
    os_tls_static(tp, &lo, &hi);
    return lo <= (uintptr_t)p && (uintptr_t)p < hi;
}

/* Reads memory that is not the test's. */
#define LOOKS __attribute__((no_sanitize("address", "undefined", "thread")))

/* Reads all of it: a bound too far faults. */
LOOKS static long sum(uintptr_t lo, uintptr_t hi)
{
    long s = 0;
    for (uintptr_t a = lo; a < hi; a += sizeof(long))
        s += *(volatile long *)a;
    return s;
}

static long written = 5;
static long zeroed[100000];
static const void *const relocated = &written;

Test(modules, data_and_bss_are_found)
{
    list();
    const struct os_module *m = module_at(&written);
    cr_assert_not_null(m);
    cr_expect(m->lo <= m->bss_lo && m->bss_lo <= m->hi);
    cr_expect_eq(module_at(&zeroed[99999]), m);
    cr_expect((uintptr_t)&zeroed[99999] >= m->bss_lo);
    cr_expect_eq(m->bss_lo % os_page_bytes(), 0);
    cr_expect_not_null(module_at(stdout), "libc's");
    cr_expect_null(module_at((void *)(uintptr_t)&sum), "code");
    cr_expect_null(module_at(&tls[0]));
    cr_expect_eq(*(const long *const volatile *)&relocated, &written);
    for (size_t i = 0; i < nmodules; i++)
        sum(module[i].lo, module[i].hi & ~(uintptr_t)7);
}

/* ---- thread-locals */
static __thread long mine = 7;
static __thread char mine_zeroed[512];

Test(modules, static_thread_locals_are_around_the_thread_pointer)
{
    list();
    uintptr_t tp = os_thread_pointer(), lo, hi;
    cr_expect(in_static(tp, &mine));
    cr_expect(in_static(tp, mine_zeroed) && in_static(tp, mine_zeroed + 511));
    cr_expect(in_static(tp, &errno));
    cr_expect(in_static(tp, (void *)(pthread_self() + 16)), "the control block");
    os_tls_static(tp, &lo, &hi);
    cr_expect(hi - lo < 65536);
    sum((lo + 7) & ~(uintptr_t)7, hi & ~(uintptr_t)7);
    size_t found = 0;
    for (size_t i = 0; i < ntls; i++) {
        uintptr_t at = tp + (uintptr_t)tls[i].offset;
        if (tls[i].offset != INT64_MIN && at <= (uintptr_t)&mine &&
            (uintptr_t)&mine < at + tls[i].bytes)
            found++;
        if (tls[i].offset != INT64_MIN && os_tls_block(tp, tls[i].id) != 0)
            cr_expect_eq(os_tls_block(tp, tls[i].id), at);
    }
    cr_expect_eq(found, 1);
    cr_expect_eq(os_tls_block(tp, 1000), 0);
}

static au64 other_tp;
static long *other_mine;
static struct note ready_note, done_note;
static pthread_key_t key;

/* The only copy of `value` in its thread: is it where the collector looks? */
LOOKS static bool holds(uintptr_t tp, uintptr_t value)
{
    uintptr_t lo, hi;
    os_tls_static(tp, &lo, &hi);
    for (uintptr_t a = (lo + 7) & ~(uintptr_t)7; a + 8 <= hi; a += 8)
        if (*(volatile uintptr_t *)a == value)
            return true;
    return false;
}

enum { KEY_VALUE = 0x5a5a1230 };

static void *other(void *arg)
{
    other_mine = &mine;
    pthread_setspecific(key, (void *)(uintptr_t)KEY_VALUE);
    store_rel(&other_tp, (uint64_t)os_thread_pointer());
    note_wake(&ready_note);
    note_sleep(&done_note);
    return arg;
}

Test(modules, thread_locals_of_another_thread)
{
    pthread_t t;
    list();
    pthread_key_create(&key, NULL);
    pthread_create(&t, NULL, other, NULL);
    note_sleep(&ready_note);
    uintptr_t tp = (uintptr_t)load_acq(&other_tp);
    cr_expect_neq(tp, os_thread_pointer());
    cr_expect(in_static(tp, other_mine));
    cr_expect(holds(tp, KEY_VALUE), "pthread_setspecific");
    cr_expect_not(holds(os_thread_pointer(), KEY_VALUE));
    note_wake(&done_note);
    pthread_join(t, NULL);
}

/* ---- where a thread sleeps */
static au32 tid;
static au64 stack_at;

static void *sleep_here(void *arg)
{
    char here;
    store_rlx(&stack_at, (uint64_t)(uintptr_t)&here);
    store_rel(&tid, (uint32_t)os_thread_id());
    note_sleep(&done_note);
    return arg;
}

Test(modules, the_stack_pointer_of_a_sleeping_thread)
{
    pthread_t t;
    uintptr_t sp = 0;
    pthread_create(&t, NULL, sleep_here, NULL);
    while (load_acq(&tid) == 0 || os_thread_asleep((int)load_acq(&tid)) == 0)
        os_thread_yield();
    for (int i = 0; sp == 0 && i < 1000; i++)
        sp = os_thread_sleeping_sp((int)load_acq(&tid));
    uintptr_t at = (uintptr_t)load_rlx(&stack_at);
    if (sp == 0)
        cr_skip_test("this kernel does not say");
    cr_expect(sp < at && at - sp < 65536);
    cr_expect_eq(os_thread_sleeping_sp(0x7fffffff), 0);
    note_wake(&done_note);
    pthread_join(t, NULL);
}

/* ---- loading */
static const char source[] = "long lib_data = 1, lib_zeroed[4096];\n"
                             "__thread long lib_tls[8];\n"
                             "long *lib_tls_here(void) { return lib_tls; }\n";

/* A library of its own for each call, built by the system's compiler. */
static char *build_library(void)
{
    static char path[64], command[256];
    snprintf(path, sizeof path, "/tmp/gort-modules-XXXXXX");
    int fd = mkstemp(path);
    cr_assert(fd >= 0);
    close(fd);
    snprintf(command, sizeof command, "cc -xc -shared -fPIC -o %s - 2>/dev/null", path);
    FILE *f = popen(command, "w");
    if (f == NULL || fputs(source, f) < 0 || pclose(f) != 0) {
        unlink(path);
        cr_skip_test("no compiler");
    }
    return path;
}

Test(modules, loading_and_unloading_is_noticed)
{
    char *path = build_library();
    cr_expect_not(os_modules_current(), "nothing was listed yet");
    list();
    cr_expect(os_modules_current());
    free(malloc(100));
    cr_expect(os_modules_current());
    size_t before = nmodules, tls_before = ntls;
    void *lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (lib == NULL) {
        unlink(path);
        cr_skip_test("the compiler is another machine's");
    }
    cr_expect_not(os_modules_current());
    list();
    cr_expect(os_modules_current());
    cr_expect_eq(nmodules, before + 1);
    cr_expect_eq(ntls, tls_before + 1);
    const struct os_module *m = module_at(dlsym(lib, "lib_data"));
    cr_expect_not_null(m);
    cr_expect_eq(module_at(dlsym(lib, "lib_zeroed")), m);

    uintptr_t tp = os_thread_pointer();
    size_t id = 0;
    for (size_t i = 0; i < ntls; i++)
        if (tls[i].bytes == 8 * sizeof(long) && tls[i].offset == INT64_MIN)
            id = tls[i].id;
    cr_expect_neq(id, 0);
    cr_expect_eq(os_tls_block(tp, id), 0, "not touched yet");
    void *address = dlsym(lib, "lib_tls_here");
    long *(*here)(void);
    memcpy(&here, &address, sizeof here);
    long *block = here();
    cr_expect_eq(os_tls_block(tp, id), (uintptr_t)block);

    dlclose(lib);
    cr_expect_not(os_modules_current());
    list();
    cr_expect_eq(nmodules, before);
    cr_expect(os_modules_current());
    lib = dlopen(path, RTLD_NOW | RTLD_LOCAL); /* as many as before, and then others */
    dlclose(lib);
    cr_expect(os_modules_current() == (nmodules == before));
    unlink(path);
}

/* From now on mincore answers EPERM. */
static void refuse_mincore(void)
{
    struct sock_filter step[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mincore, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {.len = sizeof step / sizeof step[0], .filter = step};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
        cr_skip_test("no filters of system calls here");
}

Test(modules, thread_locals_are_found_where_the_kernel_does_not_say_what_is_in_memory)
{
    char *path = build_library();
    void *lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    unlink(path);
    if (lib == NULL)
        cr_skip_test("the compiler is another machine's");
    list();
    size_t id = 0;
    for (size_t i = 0; i < ntls; i++)
        if (tls[i].bytes == 8 * sizeof(long) && tls[i].offset == INT64_MIN)
            id = tls[i].id;
    cr_assert_neq(id, 0);
    void *address = dlsym(lib, "lib_tls_here");
    long *(*here)(void);
    memcpy(&here, &address, sizeof here);
    long *block = here();
    refuse_mincore();
    cr_expect_eq(os_tls_block(os_thread_pointer(), id), (uintptr_t)block);
    cr_expect_eq(os_tls_block(os_thread_pointer(), 1000), 0);
}

Test(modules, other_namespaces_are_found)
{
    char *path = build_library();
    list();
    void *lib = dlmopen(LM_ID_NEWLM, path, RTLD_NOW | RTLD_LOCAL);
    unlink(path);
    if (lib == NULL)
        cr_skip_test("no other namespaces here");
    long *data = dlsym(lib, "lib_data");
    cr_expect_not(os_modules_current());
    list();
    cr_expect(os_modules_current());
    cr_expect_not_null(module_at(data));
    cr_expect_eq(*data, 1);
    for (size_t i = 0; i < nmodules; i++)
        for (size_t k = 0; k < i; k++)
            cr_expect(module[i].lo >= module[k].hi || module[k].lo >= module[i].hi, "listed once");
}

/* ---- many of them: the tables grow */
Test(modules, as_many_as_there_are)
{
    enum { MANY = 40 };
    char names[MANY][64], *path = build_library();
    void *lib[MANY];
    list();
    size_t before = nmodules;
    for (int i = 0; i < MANY; i++) {
        char command[256];
        snprintf(names[i], sizeof names[i], "%s-%d", path, i);
        snprintf(command, sizeof command, "cp %s %s", path, names[i]);
        lib[i] = system(command) == 0 ? dlopen(names[i], RTLD_NOW | RTLD_LOCAL) : NULL;
        unlink(names[i]);
    }
    unlink(path);
    if (lib[0] == NULL)
        cr_skip_test("the compiler is another machine's");
    list();
    cr_expect_eq(nmodules, before + MANY);
    for (int i = 0; i < MANY; i++)
        cr_expect_not_null(module_at(dlsym(lib[i], "lib_data")));
}
