/* cpu_test.c: what is available is shared out, and nobody ever loses what he was given. */
#include "gc/gc_int.h"

#include "base/timehist.h"
#include "support.h"

#include <gort/go.h>

#include <criterion/criterion.h>

static int64_t all_of(const struct gc_cpu *c)
{
    int64_t sum = c->user_ns + c->idle_ns;
    for (int i = 0; i < CPU_USES; i++)
        sum += c->ns[i];
    return sum;
}

Test(cpu, the_rest_is_the_programs_as_far_as_it_used_it_and_idle)
{
    struct gc_cpu c = {.ns = {[CPU_PAUSE] = 100, [CPU_ASSIST] = 50}};
    cpu_share_out(&c, 1000, 600);
    cr_expect(c.user_ns == 600 && c.idle_ns == 250);
    cpu_share_out(&c, 1100, 650);
    cr_expect(c.user_ns == 650 && c.idle_ns == 300);
    cr_expect_eq(all_of(&c), 1100);
}

Test(cpu, more_than_there_is_is_nobodys)
{
    struct gc_cpu c = {.user_ns = 0};
    cpu_share_out(&c, 1000, 5000);
    cr_expect(c.user_ns == 1000 && c.idle_ns == 0);
    cpu_share_out(&c, 1500, 1200);
    cr_expect(c.user_ns == 1200 && c.idle_ns == 300);
    cr_expect_eq(all_of(&c), 1500);
}

Test(cpu, a_late_report_takes_nothing_back)
{
    struct gc_cpu c = {.user_ns = 0};
    cpu_share_out(&c, 1000, 400);
    c.ns[CPU_DEDICATED] = 300; /* of the thousand that were shared out */
    cpu_share_out(&c, 1100, 350);
    cr_expect(c.user_ns == 400 && c.idle_ns == 600);
    cpu_share_out(&c, 2000, 700);
    cr_expect(c.user_ns == 700 && c.idle_ns == 1000);
    cr_expect_eq(all_of(&c), 2000);
}

static void read_twice(void)
{
    struct gc_cpu a, b;
    gort_gomaxprocs(3);
    m_enter();
    int64_t procs_before = sched_procs_ns(os_nanotime());
    gc_cpu_read(&a);
    cpu_report(CPU_ASSIST, 1000);
    cpu_report_child(5000);
    cpu_report_stop(200, 3);
    gc_cpu_read(&b);
    m_leave(self());
    cr_expect_eq(b.ns[CPU_ASSIST] - a.ns[CPU_ASSIST], 1000);
    cr_expect_eq(b.ns[CPU_DEDICATED] - a.ns[CPU_DEDICATED], 5000);
    cr_expect_eq(b.ns[CPU_PAUSE] - a.ns[CPU_PAUSE], 600);
    cr_expect(b.user_ns >= a.user_ns && b.idle_ns >= a.idle_ns);
    cr_expect(all_of(&a) >= procs_before);
    cr_expect_eq(load_rlx(&gc_pause_times.counts[timehist_bucket(200)]), 1u);
}
Test(cpu, reports_are_read)
{
    cr_expect_eq(in_gort(read_twice), 0);
}

static void read_until_time_passes(void)
{
    struct gc_cpu a, b;
    m_enter();
    gc_cpu_read(&a);
    do
        gc_cpu_read(&b);
    while (all_of(&b) == all_of(&a));
    cr_expect(all_of(&b) > all_of(&a) && b.user_ns >= a.user_ns && b.idle_ns >= a.idle_ns);
    cpu_report(CPU_IDLE, 700); /* told at once, however young the reading is */
    gc_cpu_read(&a);
    cr_expect_eq(a.ns[CPU_IDLE] - b.ns[CPU_IDLE], 700);
    cr_expect(all_of(&a) >= all_of(&b));
    m_leave(self());
}
Test(cpu, a_young_reading_is_told_again_until_it_is_old_or_somebody_reports)
{
    cr_expect_eq(in_gort(read_until_time_passes), 0);
}
