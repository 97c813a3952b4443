/* symb_int.h: what the files of this room share. */
#ifndef SYMB_SYMB_INT_H
#define SYMB_SYMB_INT_H

#include "base/atomic.h"
#include "base/attr.h"

/* ---- library.c: libraries that are loaded at the first need */
struct symb_library {
    const char *name;
    au32 state; /* 0 not tried, 1 loading, 2 there, 3 missing */
};
struct symb_import {
    const char *name;
    void **to;
};
/* True if the library is there with all of `imports`, whose pointers are then set. */
bool symb_library_load(struct symb_library *lib, const struct symb_import *imports, size_t n);

/* ---- names.c */
/* The library's text, when it was joined with its code in a section of its own. */
extern const char text_begin[] __asm__("__start_gort_text")
    __attribute__((weak, visibility("hidden")));
extern const char text_end[] __asm__("__stop_gort_text")
    __attribute__((weak, visibility("hidden")));
static inline bool own_text_has(uintptr_t pc)
{
    return pc >= (uintptr_t)text_begin && pc < (uintptr_t)text_end;
}

/* ---- unwind.c */
SIGSAFE bool symb_in_fault_entry(uintptr_t pc);

#endif
