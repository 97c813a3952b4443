/* mapfile.h: a whole file, read-only, in memory. */
#ifndef OS_MAPFILE_H
#define OS_MAPFILE_H

#include "base/attr.h"

/* The file's bytes, for ever, or NULL. `*bytes` is its length. */
const void *os_map_file(const char *path, size_t *bytes);

#endif
