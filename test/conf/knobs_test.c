/* knobs_test.c: the environment, read as Go reads it. */
#include "conf/conf.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static bool parse(const char *s, int32_t *v)
{
    return conf_parse_int32(s, strlen(s), v);
}

Test(knobs, integers)
{
    int32_t v = 7;
    cr_expect(parse("2147483647", &v) && v == INT32_MAX);
    cr_expect(parse("-2147483648", &v) && v == INT32_MIN);
    cr_expect(parse("007", &v) && v == 7);
    cr_expect(parse("-", &v) && v == 0, "a bare minus is 0, as in Go");
    cr_expect_not(parse("", &v));
    cr_expect_not(parse("+1", &v));
    cr_expect_not(parse(" 1", &v));
    cr_expect_not(parse("1x", &v));
    cr_expect_not(parse("2147483648", &v));
    cr_expect_not(parse("99999999999999999999", &v));
}

Test(knobs, the_last_valid_entry_wins)
{
    setenv("GODEBUG", "schedtrace=5,schedtrace=x,unknown=1,novalue,,schedtrace=7, scheddetail=1",
           1);
    conf_init();
    cr_expect_eq(knobs.schedtrace, 7);
    cr_expect_eq(knobs.scheddetail, 0, "a space belongs to the name");
}

static void expect_traceback(const char *value, uint32_t level, bool all, bool crash)
{
    if (value != NULL)
        setenv("GOTRACEBACK", value, 1);
    else
        unsetenv("GOTRACEBACK");
    conf_init();
    struct traceback_conf t = conf_traceback();
    cr_expect(t.level == level && t.all == all && t.crash == crash, "GOTRACEBACK=%s gave %u %d %d",
              value != NULL ? value : "(unset)", t.level, t.all, t.crash);
}

Test(knobs, traceback_levels_and_their_aliases)
{
    expect_traceback(NULL, 1, false, false);
    expect_traceback("", 1, false, false);
    expect_traceback("single", 1, false, false);
    expect_traceback("none", 0, false, false);
    expect_traceback("all", 1, true, false);
    expect_traceback("system", 2, true, false);
    expect_traceback("crash", 2, true, true);
    expect_traceback("0", 0, true, false);
    expect_traceback("1", 1, true, false);
    expect_traceback("2", 2, true, false);
    expect_traceback("7", 7, true, false);
    expect_traceback("bogus", 0, true, false);
    expect_traceback("-1", 0, true, false);
    expect_traceback("4294967296", 0, true, false);
    expect_traceback("NONE", 0, true, false);
}

Test(knobs, set_traceback_only_adds)
{
    expect_traceback("all", 1, true, false);
    conf_set_traceback("none");
    cr_expect(conf_traceback().all);
    expect_traceback("single", 1, false, false);
    conf_set_traceback("system");
    cr_expect_eq(conf_traceback().level, 3u);
    expect_traceback("none", 0, false, false);
    conf_set_traceback("single");
    cr_expect_eq(conf_traceback().level, 1u);
}

Test(knobs, gomaxprocs)
{
    static const char *const bad[] = {"", "0", "-1", "5x", "abc", "2147483648"};
    setenv("GOMAXPROCS", "3", 1);
    cr_expect_eq(conf_gomaxprocs(8), 3);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        setenv("GOMAXPROCS", bad[i], 1);
        cr_expect_eq(conf_gomaxprocs(8), 8, "GOMAXPROCS=%s", bad[i]);
    }
}

Test(knobs, stack_bytes)
{
    static const struct {
        const char *text;
        size_t bytes;
    } table[] = {{"65536", 65536}, {"64KiB", 65536},  {"1MiB", 1048576}, {"1GiB", 1073741824},
                 {"5B", 5},        {"5k", 0},         {"-1", 0},         {"", 0},
                 {"1.5MiB", 0},    {"99999999GiB", 0}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        setenv("GORT_STACK", table[i].text, 1);
        cr_expect_eq(conf_stack_bytes(), table[i].bytes, "GORT_STACK=%s", table[i].text);
    }
}

Test(knobs, gogc)
{
    static const struct {
        const char *text;
        int32_t percent;
    } table[] = {{"", 100},     {"off", -1},  {"50", 50},          {"0", 0},
                 {"-300", -1},  {"-", 0},     {"abc", 100},        {"100x", 100},
                 {" 100", 100}, {"OFF", 100}, {"2147483648", 100}, {"2147483647", 2147483647},
                 {"+5", 100},   {"-1", -1}};
    unsetenv("GOGC");
    cr_expect_eq(conf_gogc(), 100);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        setenv("GOGC", table[i].text, 1);
        cr_expect_eq(conf_gogc(), table[i].percent, "GOGC=%s", table[i].text);
    }
}

Test(knobs, sizes_that_are_valid)
{
    static const struct {
        const char *text;
        int64_t bytes;
    } table[] = {{"0", 0},
                 {"1048576", 1048576},
                 {"5B", 5},
                 {"64KiB", 65536},
                 {"10MiB", 10485760},
                 {"2GiB", 2147483648},
                 {"1TiB", 1099511627776},
                 {"8388607TiB", 8388607ll << 40},
                 {"0007", 7},
                 {"9223372036854775807", INT64_MAX}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        int64_t v = -1;
        cr_expect(conf_parse_bytes(table[i].text, &v) && v == table[i].bytes, "%s", table[i].text);
        setenv("GOMEMLIMIT", table[i].text, 1);
        cr_expect_eq(conf_memory_limit(), table[i].bytes, "GOMEMLIMIT=%s", table[i].text);
    }
}

Test(knobs, sizes_that_are_not)
{
    static const char *const bad[] = {"",
                                      "x",
                                      "5k",
                                      "5K",
                                      "5KB",
                                      "5kib",
                                      "1.5GiB",
                                      " 5",
                                      "-1",
                                      "+1",
                                      "KiB",
                                      "8388608TiB",
                                      "5 KiB",
                                      "5Ki",
                                      "5iB",
                                      "5b",
                                      "9223372036854775808"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t v = -1;
        cr_expect_not(conf_parse_bytes(bad[i], &v), "%s", bad[i]);
    }
}

Test(knobs, no_memory_limit)
{
    unsetenv("GOMEMLIMIT");
    cr_expect_eq(conf_memory_limit(), INT64_MAX);
    setenv("GOMEMLIMIT", "", 1);
    cr_expect_eq(conf_memory_limit(), INT64_MAX);
    setenv("GOMEMLIMIT", "off", 1);
    cr_expect_eq(conf_memory_limit(), INT64_MAX);
}

Test(knobs, goroot)
{
    setenv("GOROOT", "/somewhere", 1);
    conf_init();
    cr_expect_str_eq(conf_goroot(), "/somewhere");
}
