/* up.h: what this room calls on higher floors.
 *
 * throw, fatal, check_failed   panic/throw.c: every floor may find itself broken.
 * os_write                     os/fd.c: reports must reach a descriptor.
 */
#ifndef BASE_UP_H
#define BASE_UP_H

#include "base/attr.h"

NORETURN COLD void throw(const char *text);
NORETURN COLD void fatal(const char *text);
NORETURN COLD void check_failed(const char *what, const char *file, int line);
SIGSAFE int64_t os_write(int fd, const void *buf, size_t n);

#endif
