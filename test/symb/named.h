/* named.h: is a return address in a function of that name, or in one inlined there? */
#ifndef TEST_SYMB_NAMED_H
#define TEST_SYMB_NAMED_H

#include "symb/symb.h"

#include <string.h>

static bool named(uintptr_t pc, const char *name)
{
    struct symb_answer room;
    const struct symb_answer *a = symb_answer(pc - 1, &room);
    for (size_t i = 0; i < a->n; i++)
        if (a->line[i].function != NULL && strcmp(a->line[i].function, name) == 0)
            return true;
    return false;
}

#endif
