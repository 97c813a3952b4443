/* mapfile.h: files, for reading. */
#ifndef OS_MAPFILE_H
#define OS_MAPFILE_H

#include "base/attr.h"

/* The file's bytes, for ever, or NULL. `*bytes` is its length. */
const void *os_map_file(const char *path, size_t *bytes);
/* A descriptor to os_read from (what /proc makes up has no length to map), or -errno. */
int os_open_read(const char *path);

#endif
