/* race.c: what a race looks like.
 *
 * Owns    GORACE, and the text of a report that ThreadSanitizer makes in a program with goroutines: Go's.
 *         What the tool knows of goroutines is base/track.c.
 * Holds   1. Nothing here runs in a program without ThreadSanitizer.
 *         2. The tool's own text of a report that we print goes nowhere: its descriptor is /dev/null from
 *            race_on_report to __tsan_on_report. What else it has to say is printed as ever.
 * Locks   none of ours. The tool holds its own while it asks: a report is printed by one thread at a time.
 *
 * The functions with foreign names are called by the tool; two of them are its own in C++, which it lets
 * others replace. Those with two underscores are weak, since a program may have its own. A libgort.so cannot take
 * the tool's names from it, as the loader finds the tool first: there the program carries them, from
 * gort/sanitize.h, and they lead here. Clang's tool, which is linked before all, takes its own options; then what
 * it does not know of GORACE is done here, as far as it can be.
 */
#define GORT_OWN_SANITIZER_ANSWERS
#include "panic/race.h"

#include "base/fmt.h"
#include "base/track.h"
#include "conf/conf.h"
#include "os/call.h"
#include "os/os.h"
#include "sched/sched.h"
#include "symb/symb.h"

#include <fcntl.h>
#include <gort/sanitize.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FRAMES = 64, LINES = SYMB_LINES, OPTIONS_BYTES = 4096, PATH_BYTES = 1024, MOPS = 4 };

#ifdef TRACK_TSAN /* we are what is looked at, and the tool is not ready when it asks for options */
void race_start(void)
{
}

const char *gort_tsan_options(void)
{
    return "";
}

const char *gort_asan_options(void)
{
    return "";
}

bool gort_tsan_report(const void *report, bool suppressed)
{
    (void)report;
    return suppressed;
}

void gort_tsan_reported(void *report)
{
    (void)report;
}

int gort_tsan_finalize(bool failed)
{
    return failed;
}
#else

#define WEAK        __attribute__((weak))
int __tsan_get_report_data(void *report, const char **what, int *count, int *nstacks, int *nmops,
                           int *nlocs, int *nmutexes, int *nthreads, int *nunique, void **sleep,
                           uintptr_t n) WEAK;
int __tsan_get_report_mop(void *report, uintptr_t i, int *tid, void **addr, int *size, int *write,
                          int *atomic, void **trace, uintptr_t n) WEAK;
int __tsan_get_report_thread(void *report, uintptr_t i, int *tid, int *os_id, int *running,
                             const char **name, int *parent, void **trace, uintptr_t n) WEAK;
void __sanitizer_set_report_fd(void *fd) WEAK;
void __sanitizer_set_report_path(const char *path) WEAK;

GORT_API const char *__tsan_default_options(void) WEAK;
GORT_API const char *__asan_default_options(void) WEAK;
GORT_API void __tsan_on_report(void *report) WEAK;
int __tsan_on_finalize(int failed) WEAK; /* the program's own */
GORT_API int race_on_finalize(bool failed) __asm__("_ZN6__tsan10OnFinalizeEb");
GORT_API bool race_on_report(const void *report,
                             bool suppressed) __asm__("_ZN6__tsan8OnReportEPKNS_10ReportDescEb");

static struct {
    /* const after race_start: */
    char log_path[PATH_BYTES];     /* "": descriptor 2 */
    char strip_prefix[PATH_BYTES]; /* "": nothing */
    bool asked;                    /* the tool took our options */
    int exit_status;
    bool halts;
    /* owner (who reports): */
    int fd; /* where reports go; 0: not open */
    unsigned found;
    bool silent;
} race = {.exit_status = 66};

/* ---- GORACE */
/* The value of `name` in a list of name=value, the last of several; values may be in quotes. */
static void option(const char *list, const char *name, char *value, size_t cap)
{
    size_t n = strlen(name);
    for (const char *at = list; *at != '\0';) {
        size_t skip = strspn(at, " ,:\n\t\r");
        at += skip;
        size_t len = strcspn(at, " ,:\n\t\r=");
        const char *v = at + len + 1;
        if (at[len] != '=') {
            at += len;
            continue;
        }
        char quote = *v == '\'' || *v == '"' ? *v++ : '\0';
        const char ends[] = {quote, '\0'};
        size_t vlen = strcspn(v, quote != '\0' ? ends : " ,:\n\t\r");
        if (len == n && strncmp(at, name, n) == 0 && vlen < cap) {
            memcpy(value, v, vlen);
            value[vlen] = '\0';
        }
        at = v + vlen + (v[vlen] != '\0' && quote != '\0' ? 1 : 0);
    }
}

/* Copies the variable's text from the block that the kernel gave. Calls nothing of libc: neither that nor the
 * tool is ready. */
static void environment(const char *name, char *value, size_t cap)
{
    char buf[OPTIONS_BYTES];
    size_t n = 0, at = 0;
    bool begins = true, ours = false;
    int64_t got, fd = os_call(SYS_openat, AT_FDCWD, WORD("/proc/self/environ"), O_RDONLY, 0, 0, 0);
    while (name[n] != '\0')
        n++;
    value[0] = '\0';
    size_t matched = 0;
    while (fd >= 0 && (got = os_call(SYS_read, fd, WORD(buf), sizeof buf, 0, 0, 0)) > 0) {
        for (int64_t i = 0; i < got; i++) {
            char c = buf[i];
            if (ours) {
                if (c == '\0' || at + 1 >= cap) {
                    value[at] = '\0';
                    (void)os_call(SYS_close, fd, 0, 0, 0, 0, 0);
                    return;
                }
                value[at++] = c;
            } else if (c == '\0') {
                begins = true;
                matched = 0;
            } else if (begins && matched == n && c == '=') {
                ours = true;
            } else {
                begins = begins && matched < n && c == name[matched];
                matched++;
            }
        }
    }
    value[at] = '\0';
    if (fd >= 0)
        (void)os_call(SYS_close, fd, 0, 0, 0, 0, 0);
}

static void learn(const char *name)
{
    const char *list = os_env(name);
    char number[16] = "", halts[16] = "";
    if (list == NULL)
        return;
    option(list, "log_path", race.log_path, sizeof race.log_path);
    option(list, "strip_path_prefix", race.strip_prefix, sizeof race.strip_prefix);
    option(list, "exitcode", number, sizeof number);
    (void)conf_parse_int32(number, strlen(number), &race.exit_status);
    option(list, "halt_on_error", halts, sizeof halts);
    if (halts[0] != '\0')
        race.halts =
            strcmp(halts, "1") == 0 || strcmp(halts, "true") == 0 || strcmp(halts, "yes") == 0;
}

/* Faults become panics, so the tools leave them alone. */
#define OUR_SIGNALS "handle_segv=0:handle_sigbus=0:handle_sigfpe=0:use_sigaltstack=0"

#define ALWAYS OUR_SIGNALS ":exitcode=66:"

/* The names and values of GORACE are the tool's own. What TSAN_OPTIONS says comes after this, and wins. */
const char *gort_tsan_options(void)
{
    static char options[sizeof ALWAYS + OPTIONS_BYTES] = ALWAYS;
    race.asked = true;
    environment("GORACE", options + sizeof ALWAYS - 1, OPTIONS_BYTES);
    return options;
}

const char *gort_asan_options(void)
{
    return OUR_SIGNALS;
}

/* ---- where it goes */
static int log_fd(void)
{
    char path[PATH_BYTES + 24];
    struct out o;
    if (race.log_path[0] == '\0' || strcmp(race.log_path, "stderr") == 0)
        return 2;
    if (strcmp(race.log_path, "stdout") == 0)
        return 1;
    if (race.fd != 0)
        return race.fd;
    out_init_mem(&o, path, sizeof path - 1);
    out_str(&o, race.log_path);
    out_char(&o, '.');
    out_int(&o, getpid());
    path[o.len] = '\0';
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0660);
    race.fd = fd >= 0 ? fd : 2;
    return race.fd;
}

static void silence(void)
{
    static int nowhere = -1;
    if (nowhere < 0)
        nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (race.silent || nowhere < 0 || __sanitizer_set_report_fd == NULL)
        return;
    __sanitizer_set_report_fd((void *)(intptr_t)nowhere);
    race.silent = true;
}

static void speak(void)
{
    if (!race.silent)
        return;
    race.silent = false;
    if (race.log_path[0] != '\0' && __sanitizer_set_report_path != NULL)
        __sanitizer_set_report_path(race.log_path);
    else
        __sanitizer_set_report_fd((void *)2);
}

/* ---- frames */
static const char *stripped(const char *path)
{
    const char *at = race.strip_prefix[0] != '\0' ? strstr(path, race.strip_prefix) : NULL;
    if (at == NULL)
        return path;
    at += strlen(race.strip_prefix);
    return at[0] == '.' && at[1] == '/' ? at + 2 : at;
}

static void print_line(struct out *o, const struct symb_line *l, uintptr_t pc)
{
    out_str(o, "  ");
    out_str(o, l->function != NULL ? l->function : "??");
    out_str(o, "()\n      ");
    out_str(o, l->path != NULL ? stripped(l->path) : "??");
    out_char(o, ':');
    out_int(o, l->line);
    if (l->entry != 0 && pc > l->entry) {
        out_str(o, " +");
        out_hex(o, pc - l->entry);
    }
    out_char(o, '\n');
}

/* The tool repeats a pc for each call that was inlined there; symb tells those itself. */
static unsigned print_those(struct out *o, void *const *trace, bool ours)
{
    struct symb_line lines[LINES];
    unsigned shown = 0;
    for (size_t i = 0; i < FRAMES && trace[i] != NULL; i++) {
        uintptr_t pc = (uintptr_t)trace[i];
        if (symb_in_own_text(pc) != ours || (i > 0 && trace[i] == trace[i - 1]))
            continue;
        size_t n = symb_lines(pc, false, SYMB_FULL, lines, LINES);
        for (size_t k = 0; k < n; k++, shown++)
            print_line(o, &lines[k], pc);
    }
    return shown;
}

static void print_frames(struct out *o, void *const *trace)
{
    if (print_those(o, trace, false) == 0 && print_those(o, trace, true) == 0)
        out_str(o, "  [failed to restore the stack]\n");
}

/* ---- who */
struct who {
    int tid, running, parent;
    const char *name; /* "" or NULL: a thread that runs no goroutine */
    void *trace[FRAMES];
};

static void thread_at(void *report, size_t i, struct who *w)
{
    int os_id;
    memset(w, 0, sizeof *w);
    __tsan_get_report_thread(report, i, &w->tid, &os_id, &w->running, &w->name, &w->parent,
                             w->trace, FRAMES);
}

static bool is_goroutine(const struct who *w)
{
    return w->name != NULL && strstr(w->name, "goroutine") != NULL;
}

static void print_who(struct out *o, const struct who *w)
{
    if (is_goroutine(w)) {
        out_str(o, w->name);
    } else if (w->tid == 0) {
        out_str(o, "main thread");
    } else {
        out_str(o, "thread T");
        out_int(o, w->tid);
    }
}

static void print_by(struct out *o, void *report, int nthreads, int tid)
{
    struct who w;
    for (int i = 0; i < nthreads; i++) {
        thread_at(report, (size_t)i, &w);
        if (w.tid == tid)
            break;
        w = (struct who){.tid = tid};
    }
    print_who(o, &w);
}

static void print_created(struct out *o, void *report, int nthreads)
{
    struct who w;
    for (int i = 0; i < nthreads; i++) {
        thread_at(report, (size_t)i, &w);
        if (w.tid == 0 || (w.name != NULL && strcmp(w.name, "main goroutine") == 0))
            continue;
        out_char(o, '\n');
        if (is_goroutine(&w)) {
            out_char(o, 'G');
            out_str(o, w.name + 1);
        } else {
            out_str(o, "Thread T");
            out_int(o, w.tid);
        }
        out_str(o, w.running ? " (running) created at:\n" : " (finished) created at:\n");
        print_frames(o, w.trace);
    }
}

/* ---- one report */
static void print_address(struct out *o, uintptr_t addr)
{
    static const char digits[] = "0123456789abcdef";
    out_str(o, "0x");
    for (int shift = 44; shift >= 0; shift -= 4)
        out_char(o, digits[addr >> shift & 15]);
}

static void print_access(struct out *o, void *report, int i, int nthreads)
{
    static const char *const verb[2][2][2] = {
        {{"Read", "Atomic read"}, {"Write", "Atomic write"}},
        {{"Previous read", "Previous atomic read"}, {"Previous write", "Previous atomic write"}},
    };
    void *addr, *trace[FRAMES] = {NULL};
    int tid, size, write, atomic;
    if (i > 0)
        out_char(o, '\n');
    __tsan_get_report_mop(report, (uintptr_t)i, &tid, &addr, &size, &write, &atomic, trace, FRAMES);
    out_str(o, verb[i > 0][write != 0][atomic != 0]);
    out_str(o, " at ");
    print_address(o, (uintptr_t)addr);
    out_str(o, " by ");
    print_by(o, report, nthreads, tid);
    out_str(o, ":\n");
    print_frames(o, trace);
}

static bool is_race(void *report, int *nmops, int *nthreads)
{
    const char *what = NULL;
    int count, nstacks, nlocs, nmutexes, nunique;
    void *sleep[1];
    __tsan_get_report_data(report, &what, &count, &nstacks, nmops, &nlocs, &nmutexes, nthreads,
                           &nunique, sleep, 1);
    return what != NULL && strncmp(what, "data-race", strlen("data-race")) == 0;
}

static void print_report(void *report, int nmops, int nthreads)
{
    static const char line[] = "==================\n";
    struct out o;
    out_init_fd(&o, log_fd());
    out_str(&o, line);
    out_str(&o, "WARNING: DATA RACE\n");
    for (int i = 0; i < nmops && i < MOPS; i++)
        print_access(&o, report, i, nthreads);
    print_created(&o, report, nthreads);
    out_str(&o, line);
    out_flush(&o);
}

/* The tool is about to print. True: it is not to. */
bool gort_tsan_report(const void *report, bool suppressed)
{
    int nmops, nthreads;
    void *r = (void *)(uintptr_t)report;
    if (suppressed || !track_is(TRACK_RACES) || __tsan_get_report_data == NULL)
        return suppressed;
    if (!is_race(r, &nmops, &nthreads)) {
        speak();
        return false;
    }
    silence();
    /* Libc's functions that wait are ours (io/announce.c): with the tool's locks held nobody may park. So we
     * are inside, but as m_enter's nested callers are: without having asked whether to give way. */
    struct m *m = self();
    bool ours = (load_rlx(&m->attention) & ATT_NOBODY) == 0;
    if (ours)
        store_rlx(&m->locks, load_rlx(&m->locks) + 1);
    print_report(r, nmops, nthreads);
    if (ours)
        m_leave(m);
    race.found++;
    if (race.halts && !race.asked)
        os_exit(race.exit_status);
    return false;
}

/* It has printed. */
void gort_tsan_reported(void *report)
{
    (void)report;
    if (race.found > 0)
        speak();
}

/* The tool's own last line would count the same. */
static void at_exit(void)
{
    if (race.found > 0)
        silence();
}

int gort_tsan_finalize(bool failed)
{
    struct out o;
    if (race.found > 0) {
        out_init_fd(&o, log_fd());
        out_str(&o, "Found ");
        out_uint(&o, race.found);
        out_str(&o, " data race(s)\n");
        out_flush(&o);
    }
    int bad = __tsan_on_finalize != NULL ? __tsan_on_finalize(failed) : failed;
    if (bad == 0 || race.asked)
        return bad;
    fflush(NULL);
    if (race.exit_status != 0)
        os_exit(race.exit_status);
    return 0;
}

/* ---- by the names that the tools know */
const char *__tsan_default_options(void)
{
    return gort_tsan_options();
}

const char *__asan_default_options(void)
{
    return gort_asan_options();
}

bool race_on_report(const void *report, bool suppressed)
{
    return gort_tsan_report(report, suppressed);
}

void __tsan_on_report(void *report)
{
    gort_tsan_reported(report);
}

int race_on_finalize(bool failed)
{
    return gort_tsan_finalize(failed);
}

/* Names are looked up once before the first report, which is made with the tool's locks held. */
void race_start(void)
{
    struct symb_line lines[LINES];
    if (!track_is(TRACK_RACES))
        return;
    learn("GORACE");
    learn("TSAN_OPTIONS");
    (void)symb_lines((uintptr_t)race_start, true, SYMB_FULL, lines, LINES);
    atexit(at_exit);
}
#endif
