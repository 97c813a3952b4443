/* maps.h: what is mapped at an address, as the kernel's list of this process has it. */
#ifndef OS_MAPS_H
#define OS_MAPS_H

#include "base/attr.h"

#include <stdint.h>
#include <sys/ioctl.h>

/* The question that the descriptor of /proc/self/maps answers (Linux 6.11); headers of older systems lack it. */
struct map_query {
    uint64_t size, flags, addr;
    uint64_t start, end, rights, page_bytes, offset, inode;
    uint32_t device[2], name_bytes, build_id_bytes;
    uint64_t name, build_id;
};
enum { MAP_IS_EXECUTABLE = 4, MAP_IS_SHARED = 8 };
#define MAP_QUERY _IOWR('f', 17, struct map_query)

/* A descriptor of the list, or -errno. */
SIGSAFE int os_maps_open(void);

/* May the processor run what lies at `addr`? True, too, where the kernel does not tell. Costs a few system calls,
 * and on kernels before 6.11 as many words as the list has; a page that was found executable is not asked for
 * again. */
SIGSAFE bool os_may_execute(uintptr_t addr);
/* The same, read from the list's text behind `maps`. */
SIGSAFE bool os_may_execute_by_text(int maps, uintptr_t addr);

#endif
