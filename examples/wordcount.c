/* wordcount.c: counts the words of all files below some folders, a goroutine for each file and folder.
 *
 *     wordcount [-a] [-p] [-n TOP] [DIR...]        DIR: /usr/share/doc
 *
 * -a prints every word with its count, in the order of words; without it the TOP (20) most frequent. A word is
 * a run of the letters a-z, in either case. A progress line is shown where stderr is a terminal, or with -p.
 *
 * What to look at: gort_go for anything that can go on by itself, without a thought for how many that makes;
 * a channel that hands out a few tables, so that no more than these are being filled and no lock is needed;
 * opendir, readdir and malloc, which are called as in any C program; a ticker and a select.
 */
#include <gort.h>

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    char *text; /* NULL: a free slot */
    uint32_t hash;
    uint64_t count;
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
    t->nslots = 1024;
    t->slots = gort_new_array(entry, t->nslots);
    t->buf_bytes = 64 * 1024;
    t->buf = gort_alloc_noscan(t->buf_bytes);
    return t;
}

static entry *find(const table *t, const char *word, size_t len, uint32_t hash)
{
    for (size_t i = hash;; i++) {
        entry *e = &t->slots[i & (t->nslots - 1)];
        if (e->text == NULL ||
            (e->hash == hash && strncmp(e->text, word, len) == 0 && e->text[len] == '\0'))
            return e;
    }
}

/* Doubles the slots. */
static void grow(table *t)
{
    table old = *t;
    t->nslots *= 2;
    t->slots = gort_new_array(entry, t->nslots);
    for (size_t i = 0; i < old.nslots; i++) {
        const entry *e = &old.slots[i];
        if (e->text != NULL)
            *find(t, e->text, strlen(e->text), e->hash) = *e;
    }
}

static void add(table *t, const char *word, size_t len, uint64_t count)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)word[i]) * 16777619u;
    entry *e = find(t, word, len, hash);
    if (e->text == NULL) {
        e->text = gort_alloc_noscan(len + 1);
        memcpy(e->text, word, len);
        e->hash = hash;
        if (++t->used * 2 > t->nslots)
            grow(t), e = find(t, word, len, hash);
    }
    e->count += count;
}

/* Counts the words of an open file. A word at the end of the buffer may go on in what is read next. */
static void count_words(table *t, int fd)
{
    size_t start = 0, end = 0; /* buf[start, end) is the word so far */
    ssize_t n;
    while ((n = gort_read(fd, t->buf + end, t->buf_bytes - end)) > 0) {
        atomic_fetch_add_explicit(&bytes, n, memory_order_relaxed);
        for (size_t i = end, stop = end + (size_t)n; i < stop; i++) {
            char c = t->buf[i] | 0x20;
            if (c >= 'a' && c <= 'z') {
                t->buf[end++] = c;
            } else {
                if (end > start)
                    add(t, t->buf + start, end - start, 1);
                start = end = i + 1;
            }
        }
        memmove(t->buf, t->buf + start, end - start);
        end -= start, start = 0;
        if (end == t->buf_bytes) { /* one word fills it all */
            char *larger = gort_alloc_noscan(t->buf_bytes *= 2);
            t->buf = memcpy(larger, t->buf, end);
        }
    }
    if (end > 0)
        add(t, t->buf, end, 1);
}

static void visit_file(char *path)
{
    table *t;
    gort_chan_recv(tables, &t);
    int fd = gort_open(path, O_RDONLY | O_CLOEXEC, 0);
    if (fd >= 0) {
        count_words(t, fd);
        gort_close(fd);
        atomic_fetch_add(&files, 1);
    } else {
        perror(path);
    }
    gort_chan_send(tables, &t);
    gort_waitgroup_done(&all);
}

static void visit_folder(char *path)
{
    gort_sema_acquire(&folders);
    DIR *d = opendir(path);
    if (d == NULL)
        perror(path);
    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (e->d_type != DT_REG && e->d_type != DT_DIR)
            continue; /* a link: not followed, as by find -type f */
        gort_waitgroup_add(&all, 1);
        gort_go(e->d_type == DT_DIR ? visit_folder : visit_file,
                gort_sprintf("%s/%s", path, e->d_name));
    }
    if (d != NULL)
        closedir(d);
    gort_sema_release(&folders);
    gort_waitgroup_done(&all);
}

/* Looks every 50 ms how far we are, until `done` is closed. */
static void watch(gort_chan *done, gort_chan *gone, bool show)
{
    gort_ticker *tick = gort_ticker_new(50 * GORT_MILLISECOND);
    gort_select_case cases[] = {GORT_RECV(gort_ticker_chan(tick), NULL), GORT_RECV(done, NULL)};
    while (gort_select(cases, 2) == 0) {
        long now = gort_num_goroutine();
        if (now > peak)
            peak = now;
        if (show)
            fprintf(stderr, "\r%ld files, %ld MB, %ld goroutines   ", files, bytes >> 20, now);
    }
    if (show)
        fprintf(stderr, "\r%60s\r", "");
    gort_chan_close(gone);
}

static int by_word(const void *a, const void *b)
{
    return strcmp(((const entry *)a)->text, ((const entry *)b)->text);
}

static int by_count(const void *a, const void *b)
{
    uint64_t x = ((const entry *)a)->count, y = ((const entry *)b)->count;
    return x != y ? (x < y ? 1 : -1) : by_word(a, b);
}

static int run(int argc, char **argv)
{
    bool everything = false, show = isatty(2);
    size_t top = 20, ntables = 2 * (size_t)gort_gomaxprocs(0);
    for (int opt; (opt = getopt(argc, argv, "apn:")) != -1;) {
        if (opt == '?')
            return 2;
        everything |= opt == 'a', show |= opt == 'p';
        top = opt == 'n' ? strtoul(optarg, NULL, 10) : top;
    }
    int64_t began = gort_nanotime();
    tables = gort_make_chan(table_ref, ntables);
    for (size_t i = 0; i < ntables; i++)
        gort_chan_send(tables, &(table_ref){new_table()});
    gort_chan *done = gort_make_chan(bool, 0), *gone = gort_make_chan(bool, 0);
    gort_go(watch, done, gone, show);
    gort_waitgroup_add(&all, optind < argc ? argc - optind : 1);
    for (int i = optind; i == optind || i < argc; i++)
        gort_go(visit_folder, i < argc ? argv[i] : "/usr/share/doc");
    gort_waitgroup_wait(&all);
    gort_chan_close(done);
    gort_chan_recv(gone, NULL);

    table *sum = new_table(), *t;
    while (gort_chan_try_recv(tables, &t, NULL))
        for (size_t i = 0; i < t->nslots; i++)
            if (t->slots[i].text != NULL)
                add(sum, t->slots[i].text, strlen(t->slots[i].text), t->slots[i].count);
    entry *list = gort_new_array(entry, sum->used);
    size_t n = 0;
    for (size_t i = 0; i < sum->nslots; i++)
        if (sum->slots[i].text != NULL)
            list[n++] = sum->slots[i];
    qsort(list, n, sizeof *list, everything ? by_word : by_count);
    for (size_t i = 0; i < n && (everything || i < top); i++)
        printf("%" PRIu64 " %s\n", list[i].count, list[i].text);
    fprintf(stderr, "%ld files, %ld MB, %zu different words, up to %ld goroutines, %.3f s\n", files,
            bytes >> 20, n, peak, (double)(gort_nanotime() - began) / 1e9);
    return 0;
}

GORT_MAIN(run)
