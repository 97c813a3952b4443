/* wordcount.c: counts the words of all files below some folders, a goroutine for each file and
 * folder.
 *
 *     wordcount [-a] [-p] [DIR...]        DIR: /usr/share/doc; -a: all words, not 20; -p: show
 * progress
 *
 * What to look at: gort_go for whatever can go on by itself, however much that is; a channel that
 * hands out a few tables, so that no more are being filled and none needs a lock; opendir and
 * qsort, as in any C program.
 */
#include <gort.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    char *text; /* NULL: a free slot */
    uint32_t hash;
    unsigned long count;
} entry;
GORT_TYPE(entry, text)

/* A hash table of words with open addressing, and room to read a file into. */
typedef struct {
    entry *slots;
    size_t nslots, used; /* nslots is a power of two */
    char *buf;
    size_t buf_bytes;
} table;
GORT_TYPE(table, slots, buf)
typedef table *table_ref;

static gort_chan *tables; /* of table_ref: those that nobody is filling */
static gort_waitgroup all;
static gort_sema folders = GORT_SEMA_INIT(64); /* that may be open at once */
static atomic_long files, bytes, peak;

static table *new_table(void)
{
    table *t = gort_new(table);
    t->slots = gort_new_array(entry, t->nslots = 1024);
    t->buf = gort_alloc_noscan(t->buf_bytes = 64 * 1024);
    return t;
}

/* The slot that holds the word, or the free one where it belongs. */
static entry *find(const table *t, const char *word, size_t len, uint32_t hash)
{
    for (size_t i = hash;; i++) {
        entry *e = &t->slots[i % t->nslots];
        if (e->text == NULL || (e->hash == hash && !strncmp(e->text, word, len) && !e->text[len]))
            return e;
    }
}

static void grow(table *t)
{
    table old = *t;
    t->slots = gort_new_array(entry, t->nslots *= 2);
    for (const entry *e = old.slots; e < old.slots + old.nslots; e++)
        if (e->text != NULL)
            *find(t, e->text, strlen(e->text), e->hash) = *e;
}

static void add(table *t, const char *word, size_t len, unsigned long count)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)word[i]) * 16777619u;
    if (t->used * 2 >= t->nslots)
        grow(t);
    entry *e = find(t, word, len, hash);
    if (e->text == NULL) {
        e->text = memcpy(gort_alloc_noscan(len + 1), word, len);
        e->hash = hash;
        t->used++;
    }
    e->count += count;
}

/* Counts the words of an open file and closes it. A word at the end of the buffer may go on in what
 * is read next. */
static void count_words(table *t, int fd)
{
    size_t start = 0, end = 0; /* buf[start, end) is the word so far */
    ssize_t n;
    while ((n = gort_read(fd, t->buf + end, t->buf_bytes - end)) > 0) {
        bytes += n;
        for (size_t i = end, stop = end + (size_t)n; i < stop; i++) {
            char c = t->buf[i] | 0x20;
            if (c >= 'a' && c <= 'z') {
                t->buf[end++] = c;
                continue;
            }
            if (end > start)
                add(t, t->buf + start, end - start, 1);
            start = end = i + 1;
        }
        memmove(t->buf, t->buf + start, end -= start);
        start = 0;
        if (end == t->buf_bytes) /* one word fills it all */
            t->buf = memcpy(gort_alloc_noscan(t->buf_bytes *= 2), t->buf, end);
    }
    if (end > 0)
        add(t, t->buf, end, 1);
    gort_close(fd);
    files++;
}

static void visit_file(const char *path)
{
    table *t;
    gort_chan_recv(tables, &t);
    int fd = gort_open(path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0)
        perror(path);
    else
        count_words(t, fd);
    gort_chan_send(tables, &t);
    gort_waitgroup_done(&all);
}

static void visit_folder(const char *path)
{
    gort_sema_acquire(&folders);
    DIR *d = opendir(path);
    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
        bool folder = e->d_type == DT_DIR;
        if (folder ? !strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") : e->d_type != DT_REG)
            continue; /* a link, or the file system does not say */
        gort_waitgroup_add(&all, 1);
        gort_go(folder ? visit_folder : visit_file, gort_sprintf("%s/%s", path, e->d_name));
    }
    d == NULL ? perror(path) : (void)closedir(d);
    gort_sema_release(&folders);
    gort_waitgroup_done(&all);
}

/* Looks every 50 ms how far we are, and at the end, when it is told to stop. */
static void watch(gort_chan *stop, bool show)
{
    gort_ticker *tick = gort_ticker_new(50 * GORT_MILLISECOND);
    gort_select_case cases[] = {GORT_RECV(gort_ticker_chan(tick), NULL), GORT_RECV(stop, NULL)};
    while (gort_select(cases, 2) == 0) {
        long now = gort_num_goroutine();
        peak = now > peak ? now : peak;
        if (show)
            fprintf(stderr, "\r%ld files, %ld MB, %ld goroutines   ", files, bytes >> 20, now);
    }
    if (show)
        fprintf(stderr, "\r%ld files, %ld MB, all of them    \n", files, bytes >> 20);
    gort_chan_recv(stop, NULL); /* now who told us may go on */
}

/* By count, downwards; the free slots are last. */
static int by_count(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    int less = (x->count < y->count) - (x->count > y->count);
    return less != 0 || x->text == NULL ? less : strcmp(x->text, y->text);
}

static int run(int argc, char **argv)
{
    bool every = false, show = isatty(2);
    for (int opt; (opt = getopt(argc, argv, "ap")) != -1;)
        *(opt == 'a' ? &every : &show) = true;
    int64_t began = gort_nanotime();
    size_t ntables = 2 * (size_t)gort_gomaxprocs(0);
    tables = gort_make_chan(table_ref, ntables);
    for (size_t i = 0; i < ntables; i++)
        gort_chan_send(tables, &(table_ref){new_table()});
    gort_chan *stop = gort_make_chan(bool, 0);
    gort_go(watch, stop, show);
    for (int i = optind; i == optind || i < argc; i++) {
        gort_waitgroup_add(&all, 1);
        gort_go(visit_folder, i < argc ? argv[i] : "/usr/share/doc");
    }
    gort_waitgroup_wait(&all);
    for (int i = 0; i < 2; i++)
        gort_chan_send(stop, &(bool){true});
    table *sum = new_table(), *t;
    while (gort_chan_try_recv(tables, &t, NULL))
        for (const entry *e = t->slots; e < t->slots + t->nslots; e++)
            if (e->text != NULL)
                add(sum, e->text, strlen(e->text), e->count);
    qsort(sum->slots, sum->nslots, sizeof(entry), by_count);
    for (size_t i = 0; i < sum->used && (every || i < 20); i++)
        printf("%lu %s\n", sum->slots[i].count, sum->slots[i].text);
    fprintf(stderr, "%ld files, %ld MB, %zu different words, up to %ld goroutines, %.3f s\n", files,
            bytes >> 20, sum->used, peak, (double)(gort_nanotime() - began) / 1e9);
    return 0;
}

GORT_MAIN(run)
