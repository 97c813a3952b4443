/* up.h: what this room calls on higher floors.
 *
 * panic_is_entry   panic/report.c: which functions of the runtime a user knows as `panic`.
 * panic_value_at   panic/report.c: the value of the panic whose record lies in a frame.
 */
#ifndef DUMP_UP_H
#define DUMP_UP_H

#include "base/attr.h"

struct g;

bool panic_is_entry(const char *function);
bool panic_value_at(const struct g *g, uintptr_t lo, uintptr_t hi, uintptr_t *type,
                    uintptr_t *data);

#endif
