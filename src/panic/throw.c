/* throw.c: the program cannot go on.
 *
 * Owns    the two kinds of fatal error: the program's (fatal) and our own (throw, failed checks).
 *         What is printed after the first line, and how the process ends, is report.c.
 */
#include "base/check.h"

#include "base/fmt.h"
#include "dump/dump.h"
#include "gc/up.h"
#include "panic/report.h"

#include <gort/debug.h>

/* Prints `fatal error: ` and the text in one piece: other threads may be doing the same. */
static void print_fatal_line(const char *text)
{
    struct out o;
    crash_begins();
    out_init_fd(&o, 2);
    out_str(&o, "fatal error: ");
    out_str(&o, text);
    out_char(&o, '\n');
    out_flush(&o);
}

void throw(const char *text)
{
    struct context here;
    print_fatal_line(text);
    (void)arch_save(&here);
    report_die(REPORT_RUNTIME, &here);
}

void fatal(const char *text)
{
    struct context here;
    print_fatal_line(text);
    (void)arch_save(&here);
    report_die(REPORT_PROGRAM, &here);
}

/* ---- as Go has it where it works on the thread's own stack */
struct elsewhere {
    const char *text;
    struct context at; /* of the goroutine */
};

static void throw_there(void *elsewhere)
{
    const struct elsewhere *e = elsewhere;
    struct context here;
    print_fatal_line(e->text);
    (void)arch_save(&here);
    report_die_on_thread_stack(&e->at, &here);
}

void throw_on_thread_stack(const char *text)
{
    struct m *m = self();
    struct elsewhere e = {.text = text};
    if (m_curg(m) == &m->g0 || m_curg(m)->foreign || m_curg(m)->in_cgo)
        throw(text);
    (void)arch_save(&e.at);
    dump_on_thread_stack(m, m->g0.ctx.sp, throw_there, &e);
    throw(text);
}

void check_failed(const char *what, const char *file, int line)
{
    print("runtime: check failed: %s at %s:%d\n", what, file, (int64_t)line);
    throw("check failed");
}

void gort_throw(const char *text)
{
    struct context here;
    print_fatal_line(text);
    (void)arch_save(&here);
    report_die(REPORT_RUNTIME, &here);
}
