/* functab.h: what was asked before. */
#ifndef SYMB_FUNCTAB_H
#define SYMB_FUNCTAB_H

#include "symb/module.h"
#include "symb/symb.h"

/* Takes no lock; NULL: not asked before, or its module is gone. */
const struct symb_answer *functab_find(uintptr_t pc);
/* The rest is for holders of rank symb. */
/* Keeps a copy of an answer; NULL: there is no room. */
const struct symb_answer *functab_keep(const struct symb_answer *a);
/* NULL: no memory. */
const struct symb_func *functab_func(const char *name, uintptr_t entry);

#endif
