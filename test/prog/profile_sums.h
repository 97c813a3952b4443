/* profile_sums.h: adds up what a profile.proto says of a function or of labels. Link with -lz. */
#ifndef TEST_PROG_PROFILE_SUMS_H
#define TEST_PROG_PROFILE_SUMS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum { PPROF_IDS = 1 << 16, PPROF_DEPTH = 512 };

/* Part of a message; what is left of it. */
struct pp_bytes {
    const unsigned char *at, *end;
};
struct pp_field {
    unsigned number;
    uint64_t value; /* wire type 0 */
    struct pp_bytes bytes;
};
struct pprof_file {
    unsigned char *mem;
    struct pp_bytes all;
    struct pp_bytes text[PPROF_IDS];
    unsigned ntexts;
    struct pp_bytes location[PPROF_IDS];
    uint64_t function[PPROF_IDS]; /* its name */
};
/* One sample, its stack expanded: inlined calls have entries of their own, the innermost first. */
struct pprof_read {
    const char *call[PPROF_DEPTH];
    unsigned n;
    int64_t value[4];
    char labels[512]; /* "key=value;", in the file's order */
};

static void pp_die(const char *what)
{
    printf("bad profile: %s\n", what);
    exit(1);
}

static uint64_t pp_varint(struct pp_bytes *b)
{
    uint64_t v = 0;
    for (unsigned shift = 0;; shift += 7) {
        if (b->at == b->end || shift > 63)
            pp_die("number");
        v |= (uint64_t)(*b->at & 0x7f) << shift;
        if ((*b->at++ & 0x80) == 0)
            return v;
    }
}

static bool pp_next(struct pp_bytes *b, struct pp_field *f)
{
    if (b->at == b->end)
        return false;
    uint64_t tag = pp_varint(b);
    f->number = (unsigned)(tag >> 3);
    f->bytes = (struct pp_bytes){NULL, NULL};
    f->value = pp_varint(b);
    if ((tag & 7) == 2) {
        if (f->value > (uint64_t)(b->end - b->at))
            pp_die("length");
        f->bytes = (struct pp_bytes){b->at, b->at + f->value};
        b->at += f->value;
    } else if ((tag & 7) != 0) {
        pp_die("wire type");
    }
    return true;
}

/* The words of a repeated field, packed or not. */
static unsigned pp_words(const struct pp_field *f, uint64_t *to, unsigned n, unsigned max)
{
    struct pp_bytes b = f->bytes;
    if (b.at == NULL && n < max)
        to[n++] = f->value;
    while (b.at != b.end && n < max)
        to[n++] = pp_varint(&b);
    return n;
}

static const char *pp_text(struct pprof_file *p, uint64_t i)
{
    static char copies[1 << 20];
    static size_t used;
    if (i >= p->ntexts)
        pp_die("string");
    size_t n = (size_t)(p->text[i].end - p->text[i].at);
    if (used + n + 1 > sizeof copies)
        used = 0;
    char *s = copies + used;
    memcpy(s, p->text[i].at, n);
    s[n] = '\0';
    used += n + 1;
    return s;
}

static void pp_index(struct pprof_file *p)
{
    struct pp_bytes all = p->all;
    struct pp_field f, in;
    while (pp_next(&all, &f)) {
        struct pp_bytes b = f.bytes;
        uint64_t id = 0, name = 0;
        if (f.number == 6 && p->ntexts < PPROF_IDS)
            p->text[p->ntexts++] = f.bytes;
        if (f.number != 4 && f.number != 5)
            continue;
        while (pp_next(&b, &in)) {
            id = in.number == 1 ? in.value : id;
            name = in.number == 2 ? in.value : name;
        }
        if (id == 0 || id >= PPROF_IDS)
            pp_die("id");
        if (f.number == 4)
            p->location[id] = f.bytes;
        else
            p->function[id] = name;
    }
}

/* Reads and unpacks a file. */
static struct pprof_file *pprof_open(const char *path)
{
    enum { MOST = 64 << 20 };
    struct pprof_file *p = calloc(1, sizeof *p);
    gzFile z = gzopen(path, "rb");
    p->mem = malloc(MOST);
    int n = z != NULL ? gzread(z, p->mem, MOST) : -1;
    if (n <= 0 || gzclose(z) != Z_OK)
        pp_die("gzip");
    p->all = (struct pp_bytes){p->mem, p->mem + n};
    pp_index(p);
    return p;
}

static void pprof_close(struct pprof_file *p)
{
    free(p->mem);
    free(p);
}

static void pp_calls(struct pprof_file *p, uint64_t location, struct pprof_read *s)
{
    struct pp_bytes b;
    struct pp_field f, in;
    if (location >= PPROF_IDS || p->location[location].at == NULL)
        pp_die("location");
    b = p->location[location];
    while (pp_next(&b, &f)) {
        struct pp_bytes line = f.bytes;
        while (f.number == 4 && pp_next(&line, &in))
            if (in.number == 1 && s->n < PPROF_DEPTH)
                s->call[s->n++] = pp_text(p, p->function[in.value % PPROF_IDS]);
    }
}

static void pp_label(struct pprof_file *p, struct pp_bytes b, struct pprof_read *s)
{
    struct pp_field f;
    uint64_t key = 0, text = 0;
    while (pp_next(&b, &f)) {
        key = f.number == 1 ? f.value : key;
        text = f.number == 2 ? f.value : text;
    }
    size_t at = strlen(s->labels);
    snprintf(s->labels + at, sizeof s->labels - at, "%s=%s;", pp_text(p, key), pp_text(p, text));
}

/* The next sample after *at, which begins as p->all; false: there are no more. */
static bool pprof_next(struct pprof_file *p, struct pp_bytes *at, struct pprof_read *s)
{
    struct pp_field f, in;
    do {
        if (!pp_next(at, &f))
            return false;
    } while (f.number != 2);
    struct pp_bytes b = f.bytes;
    uint64_t location[PPROF_DEPTH], value[4] = {0};
    unsigned n = 0, nv = 0;
    memset(s, 0, sizeof *s);
    while (pp_next(&b, &in)) {
        if (in.number == 1)
            n = pp_words(&in, location, n, PPROF_DEPTH);
        else if (in.number == 2)
            nv = pp_words(&in, value, nv, 4);
        else if (in.number == 3)
            pp_label(p, in.bytes, s);
    }
    for (unsigned i = 0; i < n; i++)
        pp_calls(p, location[i], s);
    for (unsigned i = 0; i < nv; i++)
        s->value[i] = (int64_t)value[i];
    return true;
}

/* Is the function on the stack? */
static bool pprof_calls(const struct pprof_read *s, const char *function)
{
    for (unsigned i = 0; i < s->n; i++)
        if (strcmp(s->call[i], function) == 0)
            return true;
    return false;
}

/* The sum of column `column` over the samples that contain `function` (NULL: all) and carry `labels` (NULL:
 * any). */
static int64_t pprof_sum(struct pprof_file *p, const char *function, const char *labels, int column)
{
    struct pprof_read s;
    struct pp_bytes at = p->all;
    int64_t sum = 0;
    while (pprof_next(p, &at, &s))
        if ((function == NULL || pprof_calls(&s, function)) &&
            (labels == NULL || strcmp(s.labels, labels) == 0))
            sum += s.value[column];
    return sum;
}

/* A name for a file that nobody else has. */
static int pprof_temporary(char *path, size_t n)
{
    const char *dir = getenv("TMPDIR");
    snprintf(path, n, "%s/gort-prof-XXXXXX", dir != NULL ? dir : "/tmp");
    int fd = mkstemp(path);
    if (fd < 0)
        pp_die("no temporary file");
    return fd;
}

#endif
