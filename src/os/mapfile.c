/* mapfile.c: files for reading.
 *
 * Owns    what is done where a file cannot be mapped: it is read into memory of its own.
 */
#include "os/mapfile.h"
#include "os/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_file(const char *path)
{
    if (FAULT(open_file)) {
        errno = EMFILE;
        return -1;
    }
    return open(path, O_RDONLY | O_CLOEXEC);
}

static void *map(int fd, size_t bytes)
{
    if (FAULT(map_file))
        return MAP_FAILED;
    return mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, fd, 0);
}

/* Some file systems map nothing. What lies behind the end of a file that became shorter is 0. */
static void *read_whole(int fd, size_t bytes)
{
    char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ssize_t n = 1;
    for (size_t done = 0; p != MAP_FAILED && done < bytes && n != 0;
         done += n > 0 ? (size_t)n : 0) {
        n = pread(fd, p + done, bytes - done, (off_t)done);
        if (n < 0 && errno != EINTR) {
            munmap(p, bytes);
            return MAP_FAILED;
        }
    }
    return p;
}

const void *os_map_file(const char *path, size_t *bytes)
{
    int keep = errno;
    void *p = MAP_FAILED;
    struct stat st;
    int fd = open_file(path);
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
        *bytes = (size_t)st.st_size;
        p = map(fd, *bytes);
        if (p == MAP_FAILED)
            p = read_whole(fd, *bytes);
    }
    if (fd >= 0)
        close(fd);
    errno = keep;
    return p == MAP_FAILED ? NULL : p;
}

int os_open_read(const char *path)
{
    int keep = errno;
    int fd = open_file(path);
    int r = fd >= 0 ? fd : -errno;
    errno = keep;
    return r;
}
