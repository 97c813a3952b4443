/* symb_int.h: what the files of this room share. */
#ifndef SYMB_SYMB_INT_H
#define SYMB_SYMB_INT_H

#include <stdbool.h>
#include <stdint.h>

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

#endif
