/* text.c: C strings on the collected heap.
 *
 * Owns    gort_sprintf and gort_strdup. The C library formats outside the runtime, so that a long
 *         text may be pre-empted like any code of the program.
 * Locks   none.
 */
#include <gort/mem.h>

#include <stdio.h>
#include <string.h>

enum { SHORT_TEXT = 256 };

char *gort_vsprintf(const char *fmt, va_list args)
{
    char brief[SHORT_TEXT];
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(brief, sizeof brief, fmt, args);
    char *text = NULL;
    if (n >= 0) {
        text = gort_alloc_noscan((size_t)n + 1);
        if (n < SHORT_TEXT)
            memcpy(text, brief, (size_t)n + 1);
        else
            vsnprintf(text, (size_t)n + 1, fmt, again);
    }
    va_end(again);
    return text;
}

char *gort_sprintf(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    char *text = gort_vsprintf(fmt, args);
    va_end(args);
    return text;
}

char *gort_strdup(const char *s)
{
    size_t bytes = strlen(s) + 1;
    return memcpy(gort_alloc_noscan(bytes), s, bytes);
}
