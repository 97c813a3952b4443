/* mapfile.c: files for reading. */
#include "os/mapfile.h"
#include "os/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

const void *os_map_file(const char *path, size_t *bytes)
{
    if (FAULT(map_file))
        return NULL;
    int keep = errno;
    void *p = MAP_FAILED;
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
        *bytes = (size_t)st.st_size;
        p = mmap(NULL, *bytes, PROT_READ, MAP_PRIVATE, fd, 0);
    }
    if (fd >= 0)
        close(fd);
    errno = keep;
    return p == MAP_FAILED ? NULL : p;
}

int os_open_read(const char *path)
{
    if (FAULT(map_file))
        return -ENOENT;
    int keep = errno;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int r = fd >= 0 ? fd : -errno;
    errno = keep;
    return r;
}
