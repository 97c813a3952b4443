/* up.h: what this room calls on higher floors.
 *
 * panic_is_entry   panic/report.c: which functions of the runtime a user knows as `panic`.
 */
#ifndef DUMP_UP_H
#define DUMP_UP_H

#include "base/attr.h"

bool panic_is_entry(const char *function);

#endif
