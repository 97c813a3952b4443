/* fmt_test.c: the formats of Go's own print. */
#include "base/fmt.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static char text[256];
static struct out o;

static void begin(void)
{
    memset(text, 0, sizeof text);
    out_init_mem(&o, text, sizeof text - 1);
}

Test(fmt, integers_are_decimal_with_a_sign_only_when_negative)
{
    begin();
    out_int(&o, 0);
    out_char(&o, ' ');
    out_int(&o, -42);
    out_char(&o, ' ');
    out_int(&o, INT64_MIN);
    out_char(&o, ' ');
    out_uint(&o, UINT64_MAX);
    cr_expect_str_eq(text, "0 -42 -9223372036854775808 18446744073709551615");
}

Test(fmt, hex_has_no_padding)
{
    begin();
    out_hex(&o, 0);
    out_char(&o, ' ');
    out_hex(&o, 0xdeadbeefULL);
    out_char(&o, ' ');
    out_hex(&o, UINT64_MAX);
    cr_expect_str_eq(text, "0x0 0xdeadbeef 0xffffffffffffffff");
}

Test(fmt, floats_have_seven_digits_and_a_three_digit_exponent)
{
    const double v[] = {3.14159, 1e100, 0, -0.0, -2.5, 9.9999999, 1.25e-7};
    begin();
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        out_float(&o, v[i]);
        out_char(&o, ' ');
    }
    cr_expect_str_eq(text, "+3.141590e+000 +1.000000e+100 +0.000000e+000 -0.000000e+000 "
                           "-2.500000e+000 +1.000000e+001 +1.250000e-007 ");
}

Test(fmt, floats_that_are_no_numbers)
{
    begin();
    out_float(&o, (double)NAN);
    out_float(&o, (double)INFINITY);
    out_float(&o, -(double)INFINITY);
    cr_expect_str_eq(text, "NaN+Inf-Inf");
}

Test(fmt, memory_keeps_what_fits_and_counts_the_rest)
{
    char small[4];
    out_init_mem(&o, small, sizeof small);
    out_str(&o, "abcdefg");
    cr_expect_eq(o.len, 4u);
    cr_expect_eq(o.dropped, 3u);
    cr_expect_eq(memcmp(small, "abcd", 4), 0);
}

Test(fmt, milliseconds_have_two_digits_and_three_decimals_at_most)
{
    const int64_t ns[] = {0,      999,     1000,    8000,    56999,    99999,    100000,
                          712000, 1030000, 9870000, 9999999, 10000000, 12345678, 3000000000};
    begin();
    for (size_t i = 0; i < sizeof ns / sizeof ns[0]; i++) {
        out_ms(&o, ns[i]);
        out_char(&o, ' ');
    }
    cr_expect_str_eq(text, "0 0 0.001 0.008 0.056 0.099 0.10 0.71 1.0 9.8 9.9 10 12 3000 ");
}
