/* The pieces of profile files: order, words, notes, lines of maps, numbers. */
#include "prof/prof_int.h"

#include "support.h"

#include <criterion/criterion.h>

#include <link.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *text_of(struct pbuf *b)
{
    pbuf_char(b, '\0');
    cr_expect_not(b->failed);
    return b->mem;
}

/* ---- numbers */
static void expect_float(double v, const char *text)
{
    struct pbuf b = {.mem = NULL};
    prof_text_float(&b, v);
    cr_expect_str_eq(text_of(&b), text);
    pbuf_free(&b);
}
Test(text, prints_floats_as_go_does)
{
    expect_float(0, "0");
    expect_float(0.01850186481771316, "0.01850186481771316");
    expect_float(0.1, "0.1");
    expect_float(0.0001, "0.0001");
    expect_float(0.00001, "1e-05");
    expect_float(0.0000125, "1.25e-05");
    expect_float(1.5e-300, "1.5e-300");
    expect_float(1, "1");
    expect_float(123.5, "123.5");
    expect_float(-2.25, "-2.25");
    expect_float(1e20, "100000000000000000000");
    expect_float(1e21, "1e+21");
    expect_float(1.0 / 3, "0.3333333333333333");
}

Test(text, prints_integers)
{
    struct pbuf b = {.mem = NULL};
    pbuf_int(&b, INT64_MIN);
    pbuf_uint(&b, UINT64_MAX);
    pbuf_hex(&b, 0);
    pbuf_hex(&b, 0xdeadbeef);
    cr_expect_str_eq(text_of(&b), "-9223372036854775808184467440737095516150x00xdeadbeef");
}

/* ---- labels */
static void labels(void)
{
    struct pbuf b = {.mem = NULL};
    const gort_pprof_labels *l =
        gort_pprof_with_labels(NULL, "tab\t\"quote\"", "back\\slash\n", "a", "\x01\x7f\xff", "z",
                               "\xc3\xa9\xe2\x82\xac\xed\xa0\x80", "empty", "", NULL);
    prof_text_labels(&b, l);
    cr_expect_str_eq(
        text_of(&b),
        "{\"a\":\"\\x01\\x7f\\xff\", \"empty\":\"\", \"tab\\t\\\"quote\\\"\":\"back\\\\slash\\n\", "
        "\"z\":\"\xc3\xa9\xe2\x82\xac\\xed\\xa0\\x80\"}");
    pbuf_free(&b);
}
Test(text, quotes_labels_as_go_does)
{
    cr_expect_eq(in_gort(labels), 0);
}

/* ---- count profiles */
static char *file_of(int fd)
{
    char *text = calloc(1, 1 << 16);
    cr_expect(pread(fd, text, (1 << 16) - 1, 0) >= 0);
    return text;
}

static int temporary(void)
{
    FILE *f = tmpfile();
    return fileno(f);
}

static void counting(void)
{
    /* addresses where nothing is: no names */
    uintptr_t a[] = {0x20, 0x30}, b[] = {0x100, 0x30}, c[] = {0x20}, d[] = {0x3}, none[1];
    const gort_pprof_labels *x = gort_pprof_with_labels(NULL, "k", "x", NULL);
    const gort_pprof_labels *same = gort_pprof_with_labels(NULL, "k", "x", NULL);
    const gort_pprof_labels *y = gort_pprof_with_labels(NULL, "k", "y", NULL);
    struct prof_stack s[] = {{a, 2, NULL}, {b, 2, NULL}, {a, 2, x},      {c, 1, NULL},
                             {d, 1, NULL}, {a, 2, same}, {a, 2, y},      {b, 2, NULL},
                             {a, 2, NULL}, {b, 2, NULL}, {none, 0, NULL}};
    int fd = temporary();
    cr_expect_eq(prof_write_counts("thing", s, sizeof s / sizeof s[0], fd, 1), 0);
    cr_expect_str_eq(file_of(fd), "thing profile: total 11\n"
                                  "3 @ 0x100 0x30\n#\t0xff\n#\t0x2f\n\n"
                                  "2 @ 0x20 0x30\n#\t0x1f\n#\t0x2f\n\n"
                                  "2 @ 0x20 0x30\n# labels: {\"k\":\"x\"}\n#\t0x1f\n#\t0x2f\n\n"
                                  "1 @\n#\t0x0\n\n"
                                  "1 @ 0x20\n#\t0x1f\n\n"
                                  "1 @ 0x20 0x30\n# labels: {\"k\":\"y\"}\n#\t0x1f\n#\t0x2f\n\n"
                                  "1 @ 0x3\n#\t0x2\n\n");
    fd = temporary();
    cr_expect_eq(prof_write_counts("none", NULL, 0, fd, 1), 0);
    cr_expect_str_eq(file_of(fd), "none profile: total 0\n");
}
Test(count, merges_equal_stacks_and_sorts_them_as_go_does)
{
    cr_expect_eq(in_gort(counting), 0);
}

/* ---- aligned columns */
static void aligned(void)
{
    char line[200];
    struct pbuf b = {.mem = NULL};
    uintptr_t pcs[] = {(uintptr_t)counting + 1, 0x10, (uintptr_t)qsort + 2,
                       (uintptr_t)expect_float + 1};
    prof_text_stack(&b, pcs, 4, PROF_PLAIN_RUNTIME);
    char *text = text_of(&b);
    cr_expect_eq(strncmp(text, "#\t0x", 4), 0);
    cr_expect_not_null(strstr(text, "\tcounting+0x0\t/"));
    cr_expect_not_null(strstr(text, "\n#\t0xf\n#\t0x"), "a pc without a name");
    /* two adjacent lines: the name cells end at the same multiple of 8, a blank at least behind the longer */
    const char *mine = strstr(text, "\texpect_float+0x0\t");
    cr_expect_not_null(mine);
    snprintf(line, sizeof line, "%s", strstr(text, "\tqsort+0x1") + 1);
    size_t n = strcspn(line, "\t"), tabs = strspn(line + n, "\t");
    cr_expect_eq((n / 8 + tabs) * 8, 24, "%s", text);
    cr_expect_str_eq(text + strlen(text) - 2, "\n\n");
}
Test(text, aligns_cells_of_adjacent_lines)
{
    cr_expect_eq(in_gort(aligned), 0);
}

/* ---- sorting */
static int by_tens(const void *a, const void *b)
{
    return *(const int *)a / 10 - *(const int *)b / 10;
}
Test(sort, is_stable)
{
    enum { N = 1000 };
    static int v[N];
    for (int n = 0; n <= N; n = n < 20 ? n + 1 : n * 3) {
        for (int i = 0; i < n; i++)
            v[i] = (n - i) / 3 % 40 * 10 + i % 7;
        static int before[N];
        memcpy(before, v, sizeof v);
        cr_expect(prof_sort(v, (size_t)n, sizeof v[0], by_tens));
        for (int i = 1; i < n; i++)
            cr_expect_leq(by_tens(&v[i - 1], &v[i]), 0);
        for (int tens = 0; tens < 40; tens++) { /* those of one tens in their old order */
            int at = 0;
            for (int i = 0; i < n; i++) {
                if (before[i] / 10 != tens)
                    continue;
                while (v[at] / 10 != tens)
                    at++;
                cr_expect_eq(v[at++], before[i]);
            }
        }
    }
}

/* ---- numbers by hash */
static bool is_number(uint32_t i, const void *key, void *arg)
{
    return ((const int *)arg)[i] == *(const int *)key;
}
Test(index, finds_what_was_added_also_when_hashes_collide)
{
    enum { N = 5000 };
    static int key[N];
    struct index x = {.slot = NULL};
    for (int i = 0; i < N; i++) {
        key[i] = i * 7;
        cr_expect_eq(index_find(&x, (uint64_t)(i % 100), is_number, &key[i], key), UINT32_MAX);
        cr_expect(index_add(&x, (uint64_t)(i % 100)));
        if (i > 200)
            i += 9;
    }
    for (int i = 0; i < 200; i++)
        cr_expect_eq(index_find(&x, (uint64_t)(i % 100), is_number, &key[i], key), (uint32_t)i);
    index_free(&x);
}

/* ---- /proc/self/maps */
Test(maps, takes_executable_lines_only)
{
    struct prof_maps m = {.map = NULL};
    pbuf_char(&m.text, '\0');
    cr_expect(prof_maps_line(&m, "00400000-00500000 r--p 00000000 08:01 17   /bin/a"));
    cr_expect(prof_maps_line(&m, "00500000-00600000 r-xp 00100000 08:01 17   /bin/a b (deleted)"));
    cr_expect(prof_maps_line(&m, "00700000-00800000 rwxp 00000000 00:00 0 "));
    cr_expect(prof_maps_line(&m, "00800000-00900000 r-xp 00000000 00:00 0      [vdso]"));
    cr_expect_eq(m.n, 2);
    cr_expect_eq(m.map[0].start, 0x500000);
    cr_expect_eq(m.map[0].limit, 0x600000);
    cr_expect_eq(m.map[0].offset, 0x100000);
    cr_expect_str_eq(m.text.mem + m.map[0].file, "/bin/a b");
    cr_expect_str_eq(m.text.mem + m.map[1].file, "[vdso]");
    cr_expect_eq(prof_maps_find(&m, 0x500000), 0);
    cr_expect_eq(prof_maps_find(&m, 0x5fffff), 0);
    cr_expect_eq(prof_maps_find(&m, 0x600000), 2, "between two");
    cr_expect_eq(prof_maps_find(&m, 0x8fffff), 1);
    cr_expect_eq(prof_maps_find(&m, 0x4fffff), 2);
    static const char *const bad[] = {"",     "x",        "1",         "1-",          "1-2",
                                      "1-2 ", "1-2 r-xp", "1-2 r-xp ", "1-2 r-xpp 3", "-"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        (void)prof_maps_line(&m, bad[i]); /* ends within the line */
    prof_maps_free(&m);
}

/* ---- gzip */
static void zip(void *arg)
{
    struct pbuf *b = arg;
    prof_gzip(&b[0], &b[1]);
    prof_gzip_stored(&b[0], &b[2]);
}

static bool unzips(const struct pbuf *zipped, const struct pbuf *to)
{
    char path[] = "/tmp/gort_gzip_XXXXXX", command[100], *back = malloc(to->len + 1);
    int fd = mkstemp(path);
    bool same = write(fd, zipped->mem, zipped->len) == (ssize_t)zipped->len;
    snprintf(command, sizeof command, "gzip -dc < %s", path);
    FILE *f = popen(command, "r");
    size_t n = fread(back, 1, to->len + 1, f);
    same = same && n == to->len && memcmp(back, to->mem, n) == 0;
    same = pclose(f) == 0 && same;
    close(fd);
    unlink(path);
    free(back);
    return same;
}

static void gzip(void)
{
    for (size_t n = 1; n < 400000; n = n * 5 + (n > 20000 ? 3 : 0)) {
        struct pbuf b[3] = {{.mem = NULL}};
        for (size_t i = 0; i < n; i++)
            pbuf_char(&b[0], (char)(i * i >> 7));
        if (n == 78125)
            b[0].len = 65535; /* exactly one block */
        prof_foreign(zip, b);
        cr_expect(unzips(&b[1], &b[0]), "%zu bytes, compressed", b[0].len);
        cr_expect(unzips(&b[2], &b[0]), "%zu bytes, stored", b[0].len);
        for (int i = 0; i < 3; i++)
            pbuf_free(&b[i]);
    }
}
Test(gzip, is_read_by_gzip)
{
    cr_expect_eq(in_gort(gzip), 0);
}
