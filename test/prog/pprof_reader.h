/* pprof_reader.h: reads back what a program wrote in profile.proto, as strictly as `go tool pprof` does.
 * Linked with -lz. */
#ifndef TEST_PROG_PPROF_READER_H
#define TEST_PROG_PPROF_READER_H

#include <gort.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define PPROF_CHECK(x)                                                                             \
    ((x) ? (void)0 : (printf("not a good profile: %s, line %d\n", #x, __LINE__), exit(1)))

struct pprof_span {
    const unsigned char *p, *end;
};
enum { PPROF_MAX = 4096, PPROF_CALLS = 1024 };
struct pprof_file {
    unsigned char *bytes;
    size_t len;
    struct pprof_span string[PPROF_MAX], sample[PPROF_MAX], location[PPROF_MAX],
        function[PPROF_MAX], mapping[PPROF_MAX], type[8];
    size_t strings, samples, locations, functions, mappings, types;
    long time_ns, duration_ns, period, default_type;
    bool stored; /* nothing was compressed */
};

static unsigned long pprof_varint(struct pprof_span *s)
{
    unsigned long v = 0;
    for (unsigned shift = 0;; shift += 7) {
        PPROF_CHECK(s->p < s->end && shift < 70);
        v |= (unsigned long)(*s->p & 127) << shift;
        if ((*s->p++ & 128) == 0)
            return v;
    }
}

/* The next field of a message: its number, and its value or its bytes. 0 at the end. */
static unsigned pprof_field(struct pprof_span *s, unsigned long *v, struct pprof_span *sub)
{
    if (s->p == s->end)
        return 0;
    unsigned long tag = pprof_varint(s);
    *v = pprof_varint(s);
    *sub = (struct pprof_span){s->p, s->p};
    PPROF_CHECK((tag & 7) == 0 || (tag & 7) == 2);
    if ((tag & 7) == 2) {
        PPROF_CHECK(*v <= (size_t)(s->end - s->p));
        sub->end = s->p + *v;
        s->p = sub->end;
    }
    return (unsigned)(tag >> 3);
}

static bool pprof_get(struct pprof_span m, unsigned field, unsigned long *v, struct pprof_span *sub)
{
    unsigned f;
    while ((f = pprof_field(&m, v, sub)) != 0)
        if (f == field)
            return true;
    *v = 0;
    return false;
}

static unsigned long pprof_number(struct pprof_span m, unsigned field)
{
    struct pprof_span sub;
    unsigned long v;
    pprof_get(m, field, &v, &sub);
    return v;
}

/* A string of the table, which lives as long as the process. */
static const char *pprof_string(const struct pprof_file *f, unsigned long i)
{
    PPROF_CHECK(i < f->strings);
    size_t n = (size_t)(f->string[i].end - f->string[i].p);
    char *s = malloc(n + 1);
    memcpy(s, f->string[i].p, n);
    s[n] = '\0';
    return s;
}

static struct pprof_span pprof_by_id(const struct pprof_span *all, size_t n, unsigned long id)
{
    PPROF_CHECK(id != 0);
    for (size_t i = 0; i < n; i++)
        if (pprof_number(all[i], 1) == id)
            return all[i];
    PPROF_CHECK(!"a missing id");
    return all[0];
}

static void pprof_parse(struct pprof_file *f)
{
    struct pprof_span all = {f->bytes, f->bytes + f->len}, sub;
    unsigned long v;
    unsigned field;
    while ((field = pprof_field(&all, &v, &sub)) != 0) {
        struct pprof_span *to[] = {NULL,        f->type,     f->sample, f->mapping,
                                   f->location, f->function, f->string};
        size_t *n[] = {NULL,          &f->types,     &f->samples, &f->mappings,
                       &f->locations, &f->functions, &f->strings};
        if (field <= 6) {
            PPROF_CHECK(*n[field] < (field == 1 ? 8 : PPROF_MAX));
            to[field][(*n[field])++] = sub;
        } else if (field == 9) {
            PPROF_CHECK(f->time_ns == 0);
            f->time_ns = (long)v;
        } else if (field == 10) {
            f->duration_ns = (long)v;
        } else if (field == 12) {
            f->period = (long)v;
        } else if (field == 14) {
            f->default_type = (long)v;
        }
    }
    PPROF_CHECK(f->strings > 0 && f->string[0].p == f->string[0].end);
    PPROF_CHECK(f->mappings > 0);
}

/* Reads the file and checks that all of it is as it should be. */
static struct pprof_file *pprof_read(const char *path)
{
    struct pprof_file *f = calloc(1, sizeof *f);
    gzFile z = gzopen(path, "rb");
    PPROF_CHECK(z != NULL);
    f->bytes = malloc(1 << 24);
    int n = gzread(z, f->bytes, 1 << 24);
    PPROF_CHECK(n > 0 && !gzdirect(z) && gzclose(z) == Z_OK);
    f->len = (size_t)n;
    unsigned char head[11];
    int fd = open(path, O_RDONLY);
    PPROF_CHECK(read(fd, head, sizeof head) == sizeof head && head[0] == 0x1f && head[1] == 0x8b);
    f->stored = (head[10] & 6) == 0;
    close(fd);
    pprof_parse(f);
    return f;
}

static int pprof_column(const struct pprof_file *f, const char *type)
{
    for (size_t i = 0; i < f->types; i++)
        if (strcmp(pprof_string(f, pprof_number(f->type[i], 1)), type) == 0)
            return (int)i;
    PPROF_CHECK(!"no such column");
    return -1;
}

/* The calls of a sample, the innermost first. They live as long as the process. */
struct pprof_calls {
    const char *call[PPROF_CALLS];
    unsigned n;
};
static struct pprof_calls pprof_calls(const struct pprof_file *f, size_t sample)
{
    struct pprof_calls c = {.n = 0};
    struct pprof_span s = f->sample[sample], ids, line;
    unsigned long v;
    if (!pprof_get(s, 1, &v, &ids))
        return c;
    while (ids.p < ids.end) {
        struct pprof_span l = pprof_by_id(f->location, f->locations, pprof_varint(&ids));
        unsigned long map = pprof_number(l, 2);
        if (map != 0) {
            struct pprof_span m = pprof_by_id(f->mapping, f->mappings, map);
            PPROF_CHECK(pprof_number(l, 3) >= pprof_number(m, 2));
            PPROF_CHECK(pprof_number(l, 3) < pprof_number(m, 3));
        }
        for (unsigned field; (field = pprof_field(&l, &v, &line)) != 0;) {
            if (field != 4)
                continue;
            struct pprof_span fn = pprof_by_id(f->function, f->functions, pprof_number(line, 1));
            PPROF_CHECK(c.n < PPROF_CALLS);
            c.call[c.n++] = pprof_string(f, pprof_number(fn, 2));
        }
    }
    return c;
}

static __attribute__((unused)) bool pprof_has(const struct pprof_calls *c, const char *function)
{
    for (unsigned i = 0; i < c->n; i++)
        if (strcmp(c->call[i], function) == 0)
            return true;
    return false;
}

/* The same as one text: "leaf;caller;caller's caller;". */
static const char *pprof_stack(const struct pprof_file *f, size_t sample)
{
    struct pprof_calls c = pprof_calls(f, sample);
    size_t n = 1;
    for (unsigned i = 0; i < c.n; i++)
        n += strlen(c.call[i]) + 1;
    char *text = calloc(1, n), *at = text; /* several goroutines read at once */
    for (unsigned i = 0; i < c.n; i++)
        at += sprintf(at, "%s;", c.call[i]);
    return text;
}

static long pprof_value(const struct pprof_file *f, size_t sample, int column)
{
    struct pprof_span values;
    unsigned long v;
    PPROF_CHECK(pprof_get(f->sample[sample], 2, &v, &values));
    for (size_t i = 0; i < f->types; i++) {
        v = pprof_varint(&values);
        if ((int)i == column)
            return (long)v;
    }
    PPROF_CHECK(!"one value for each column");
    return 0;
}

/* The sum over the samples whose stack, as above, contains `calls`: "leaf;" or ";caller;". */
static __attribute__((unused)) long pprof_sum(const struct pprof_file *f, const char *type,
                                              const char *calls)
{
    int column = pprof_column(f, type);
    long sum = 0;
    for (size_t i = 0; i < f->samples; i++)
        if (strstr(pprof_stack(f, i), calls) != NULL)
            sum += pprof_value(f, i, column);
    return sum;
}

/* The labels of a sample that are texts: "key=value;", in the file's order. Lives as long as the process. */
static const char *pprof_labels(const struct pprof_file *f, size_t sample)
{
    char *text = calloc(1, 1 << 12);
    struct pprof_span s = f->sample[sample], label;
    unsigned long v;
    for (unsigned field; (field = pprof_field(&s, &v, &label)) != 0;) {
        if (field != 3 || pprof_number(label, 2) == 0)
            continue;
        size_t at = strlen(text);
        snprintf(text + at, (1 << 12) - at, "%s=%s;", pprof_string(f, pprof_number(label, 1)),
                 pprof_string(f, pprof_number(label, 2)));
    }
    return text;
}

/* The sum as above, of samples that have just these labels. */
static __attribute__((unused)) long pprof_sum_labelled(const struct pprof_file *f, const char *type,
                                                       const char *calls, const char *labels)
{
    int column = pprof_column(f, type);
    long sum = 0;
    for (size_t i = 0; i < f->samples; i++)
        if (strstr(pprof_stack(f, i), calls) != NULL && strcmp(pprof_labels(f, i), labels) == 0)
            sum += pprof_value(f, i, column);
    return sum;
}

/* The number of a label, -1 if the sample has none of that key. */
static __attribute__((unused)) long pprof_label_number(const struct pprof_file *f, size_t sample,
                                                       const char *key)
{
    struct pprof_span s = f->sample[sample], label;
    unsigned long v;
    for (unsigned field; (field = pprof_field(&s, &v, &label)) != 0;)
        if (field == 3 && strcmp(pprof_string(f, pprof_number(label, 1)), key) == 0)
            return (long)pprof_number(label, 3);
    return -1;
}

/* A file for a profile; its name goes to `path`. */
static int pprof_temporary(char path[static 32])
{
    strcpy(path, "/tmp/gort_pprof_XXXXXX");
    int fd = mkstemp(path);
    PPROF_CHECK(fd >= 0);
    return fd;
}

/* Writes the profile of that name to a file that is gone afterwards, and reads it back. */
static __attribute__((unused)) struct pprof_file *pprof_of(const char *name)
{
    char path[32];
    int fd = pprof_temporary(path);
    PPROF_CHECK(gort_pprof_write(name, fd, 0) == 0);
    gort_close(fd);
    struct pprof_file *f = pprof_read(path);
    unlink(path);
    return f;
}

/* The same of a text, which lives as long as the process. */
static __attribute__((unused)) char *pprof_text(const char *name, int debug)
{
    char path[32], *text = calloc(1, 1 << 20);
    int fd = pprof_temporary(path);
    PPROF_CHECK(gort_pprof_write(name, fd, debug) == 0);
    PPROF_CHECK(pread(fd, text, (1 << 20) - 1, 0) > 0);
    gort_close(fd);
    unlink(path);
    return text;
}

#endif
