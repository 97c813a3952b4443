/* Compiled code that no file describes, with the program's own symbolizer: its names are in frames, in the text of
 * stacks, and in the report of a panic. */
// On arm64 the walk of a dying program ends behind code without call-frame information.
// skip-on: arm64
// exit: 2
// expect: frames: from_jit inlined.js:3 caller.js:7 run
// expect: stack has both
// expect: each traceback ended with pc 0
// expect-re: ^panic: from compiled code$
// expect-re: ^from_jit\(\)$
// expect-re: ^js:inlined$
// expect-re: ^\tinlined\.js:3 pc=0x[0-9a-f]+$
// expect-re: ^js:caller$
// expect-re: ^\tcaller\.js:7 pc=0x[0-9a-f]+$
// expect-re: ^run\(\)$
#include "jit.h"

#include <gort.h>
#include <stdio.h>
#include <stdlib.h>

static int asked, ended;

static void traceback(struct gort_cgo_traceback_arg *arg)
{
    if (arg->max > 0)
        arg->buf[0] = 0;
}

static void symbolizer(struct gort_cgo_symbolizer_arg *arg)
{
    if (arg->pc == 0) {
        ended++;
        return;
    }
    uintptr_t at = arg->pc - (uintptr_t)jit_code;
    if (at >= JIT_BYTES)
        return;
    asked++;
    if (at < JIT_CALL_AT || at > JIT_CALL_AT + 3)
        abort(); /* not in the call */
    bool first = arg->data == 0;
    arg->func = first ? "js:inlined" : "js:caller";
    arg->file = first ? "inlined.js" : "caller.js";
    arg->lineno = first ? 3 : 7;
    arg->entry = (uintptr_t)jit_code;
    arg->more = first;
    arg->data = first;
}

static void from_jit(void *arg)
{
    uintptr_t pcs[16];
    static char text[8192];
    gort_frame f;
    (void)arg;
    printf("frames:");
    gort_frames *all = gort_callers_frames(pcs, gort_callers(1, pcs, 16));
    for (bool more = true; more;) {
        more = gort_frames_next(all, &f);
        if (strncmp(f.function, "js:", 3) == 0 && f.func == NULL && f.entry == (uintptr_t)jit_code)
            printf(" %s:%d", f.file, f.line);
        else
            printf(" %s", f.function);
    }
    printf("\n");
    text[gort_stack(text, sizeof text - 1, false)] = '\0';
    char *inlined = strstr(text, "js:inlined\n\tinlined.js:3 pc=0x");
    printf("%s\n", inlined != NULL && strstr(inlined, "js:caller\n\tcaller.js:7 pc=0x") != NULL
                       ? "stack has both"
                       : text);
    printf("%s\n", asked == 4 && ended == 2 ? "each traceback ended with pc 0"
                                            : "not as often as it should");
    fflush(stdout);
    gort_panic(gort_any_string("from compiled code"));
}

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    gort_set_cgo_traceback(0, (void *)traceback, NULL, (void *)symbolizer);
    jit_make(jit_with_frame, sizeof jit_with_frame)(from_jit, NULL);
    return 0;
}

GORT_MAIN(run)
