/* gort_debug_stack has all of a deep stack, on the collected heap; and what GOTRACEBACK says of dying programs does
 * not change it. */
// no-fault: open_file
// env: GOTRACEBACK=none
// expect: begins with the header
// expect: all 60 frames, and main's
// expect: the same with every setting
#include <gort.h>
#include <gort/debug.h>
#include <stdio.h>
#include <string.h>

static char *texts[5];
static size_t len;

__attribute__((noinline)) static int deep(int n)
{
    static const char *const levels[] = {"none", "single", "all", "system", "2"};
    if (n == 0) {
        for (int i = 0; i < 5; i++) {
            gort_debug_set_traceback(levels[i]);
            texts[i] = gort_debug_stack(&len);
        }
        return 0;
    }
    volatile int below = deep(n - 1); /* not to become a loop */
    return below + 1;
}

static int count(const char *text, const char *what)
{
    int n = 0;
    for (; (text = strstr(text, what)) != NULL; text++)
        n++;
    return n;
}

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    deep(59);
    if (strncmp(texts[0], "goroutine 1 [running]:\n", 23) == 0 && strlen(texts[4]) == len)
        puts("begins with the header");
    if (count(texts[0], "deep(...)") + count(texts[0], "deep()") == 60 &&
        count(texts[0], "run(") >= 1)
        puts("all 60 frames, and main's");
    int same = 0;
    for (int i = 1; i < 5; i++)
        same +=
            count(texts[i], "\n") == count(texts[0], "\n") && strstr(texts[i], " sp=0x") == NULL;
    puts(same == 4 ? "the same with every setting" : texts[3]);
    return 0;
}

GORT_MAIN(run)
