/* hashtree.c: checksums and packs every file below a folder, with a library that knows nothing of
 * goroutines.
 *
 *     hashtree [DIR]        DIR: /usr/include; a line for each file: CRC32 BYTES PACKED-BYTES NAME
 *
 * What to look at: zlib's crc32() and compress() are called as they are, though they compute for
 * long and ask for nothing. A goroutine inside them loses its processor after 10 ms if others want
 * it, so that the ticker that shows the progress is on time even with GOMAXPROCS=1; its last line
 * says how late it was at worst.
 */
// link: -lz
#include <gort.h>

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

typedef struct {
    char *name;
    unsigned long crc, bytes, packed;
    int err; /* 0, or why it could not be read */
} job;
GORT_TYPE(job, name)

static job *jobs;
static size_t njobs, room;
static gort_waitgroup left;
static gort_sema tokens; /* as many as files may be in memory at once */

/* Called by nftw() for each file, while run() is the only goroutine. */
static int found(const char *name, const struct stat *st, int kind, struct FTW *where)
{
    (void)where;
    if (kind != FTW_F || !S_ISREG(st->st_mode))
        return 0;
    if (njobs == room) {
        job *larger = gort_new_array(job, room = 2 * room + 256);
        if (njobs > 0)
            memcpy(larger, jobs, njobs * sizeof *jobs);
        jobs = larger;
    }
    jobs[njobs++] = (job){.name = gort_strdup(name)};
    return 0;
}

/* The bytes of a file, malloc'ed; NULL with errno. */
static unsigned char *read_all(const char *name, unsigned long *len)
{
    struct stat st;
    int fd = gort_open(name, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return NULL;
    unsigned char *bytes = NULL;
    if (fstat(fd, &st) == 0 && (bytes = malloc((size_t)st.st_size + 1)) != NULL) {
        ssize_t n;
        *len = 0;
        while ((n = gort_read(fd, bytes + *len, (size_t)st.st_size - *len)) > 0)
            *len += (unsigned long)n;
    }
    gort_close(fd);
    return bytes;
}

static void hash(job *j)
{
    gort_sema_acquire(&tokens);
    unsigned char *bytes = read_all(j->name, &j->bytes);
    if (bytes != NULL) {
        j->packed = compressBound(j->bytes);
        unsigned char *packed = malloc(j->packed);
        j->crc = crc32(0, bytes, (uInt)j->bytes);
        if (packed == NULL || compress(packed, &j->packed, bytes, j->bytes) != Z_OK)
            j->err = ENOMEM;
        free(packed);
        free(bytes);
    } else {
        j->err = errno;
    }
    gort_sema_release(&tokens);
    gort_waitgroup_done(&left);
}

/* Ticks every 10 ms until told to stop, and then says how late the latest tick was. */
static void tick(gort_chan *stop, gort_chan *latest)
{
    gort_ticker *ticker = gort_ticker_new(10 * GORT_MILLISECOND);
    gort_select_case cases[] = {GORT_RECV(gort_ticker_chan(ticker), NULL), GORT_RECV(stop, NULL)};
    int64_t late = 0, last = gort_nanotime();
    while (gort_select(cases, 2) == 0) {
        int64_t now = gort_nanotime();
        if (now - last - 10 * GORT_MILLISECOND > late)
            late = now - last - 10 * GORT_MILLISECOND;
        last = now;
    }
    gort_chan_send(latest, &late);
}

static int run(int argc, char **argv)
{
    const char *folder = argc > 1 ? argv[1] : "/usr/include";
    if (nftw(folder, found, 64, FTW_PHYS) != 0)
        return perror(folder), 1;
    for (int i = 0; i < 2 * gort_gomaxprocs(0); i++)
        gort_sema_release(&tokens);

    int64_t began = gort_nanotime(), late;
    gort_chan *stop = gort_make_chan(bool, 0), *latest = gort_make_chan(int64_t, 0);
    gort_go(tick, stop, latest);
    gort_waitgroup_add(&left, (int)njobs);
    for (size_t i = 0; i < njobs; i++)
        gort_go(hash, &jobs[i]);
    gort_waitgroup_wait(&left);
    gort_chan_close(stop);
    gort_chan_recv(latest, &late);

    int failed = 0;
    unsigned long bytes = 0;
    for (const job *j = jobs; j < jobs + njobs; j++) {
        if (j->err == 0)
            printf("%08lx %lu %lu %s\n", j->crc, j->bytes, j->packed, j->name);
        else
            failed = fprintf(stderr, "%s: %s\n", j->name, strerror(j->err));
        bytes += j->bytes;
    }
    fprintf(stderr, "%zu files, %lu MB, %.3f s, the latest tick was %.1f ms late\n", njobs,
            bytes >> 20, (double)(gort_nanotime() - began) / 1e9, (double)late / 1e6);
    return failed != 0;
}

GORT_MAIN(run)
