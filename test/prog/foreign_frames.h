/* foreign_frames.h: a callback through compiled code that has no frame pointer and that no file describes, and the
 * functions that know it. The stack is
 *
 *   what the callback calls ... callback   js:inlined in js:inner, js:outer   gort_cgocall ... its caller
 *
 * where our own walk sees the first half of js:inner. A context tells whose call it is. */
#ifndef TEST_PROG_FOREIGN_FRAMES_H
#define TEST_PROG_FOREIGN_FRAMES_H

#include "jit.h"

#include <gort.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { JS_OUTER_AT = 1000, JS_CONTEXT = 77 };
static _Atomic int js_recorded, js_dropped, js_with_context, js_in_handler, js_ended;
static jit_fn js_code;

static void js_context(struct gort_cgo_context_arg *arg)
{
    if (arg->context == 0) {
        arg->context = JS_CONTEXT;
        atomic_fetch_add(&js_recorded, 1);
    } else if (arg->context == JS_CONTEXT) {
        atomic_fetch_add(&js_dropped, 1);
    }
}

static void js_traceback(struct gort_cgo_traceback_arg *arg)
{
    uintptr_t n = 0;
    if (arg->context == JS_CONTEXT)
        atomic_fetch_add(&js_with_context, 1);
    if (arg->sig_context != 0)
        atomic_fetch_add(&js_in_handler, 1);
    if (arg->max > 2) {
        arg->buf[n++] = (uintptr_t)jit_code + JIT_CALL_AT_WITHOUT;
        arg->buf[n++] = (uintptr_t)jit_code + JS_OUTER_AT;
    }
    arg->buf[n] = 0;
}

/* The text lives until the last call, as the documentation allows. */
static void js_symbolizer(struct gort_cgo_symbolizer_arg *arg)
{
    char *text = (char *)arg->data;
    uintptr_t at = arg->pc - (uintptr_t)jit_code;
    if (text == NULL)
        arg->data = (uintptr_t)(text = calloc(1, 64));
    if (arg->pc == 0) {
        free(text);
        atomic_fetch_add(&js_ended, 1);
        return;
    }
    arg->file = at < JIT_BYTES ? "foreign.js" : NULL;
    arg->func = at < JIT_BYTES ? text : NULL;
    if (at < JIT_BYTES && at >= JS_OUTER_AT) {
        strcpy(text, "js:outer");
        arg->lineno = 9;
    } else if (at < JIT_BYTES) {
        arg->more = !arg->more;
        strcpy(text, arg->more ? "js:inlined" : "js:inner");
        arg->lineno = arg->more ? 3 : 7;
    }
}

static void js_set(void)
{
    js_code = jit_make(jit_without_frame, sizeof jit_without_frame);
    gort_set_cgo_traceback(0, (void *)js_traceback, (void *)js_context, (void *)js_symbolizer);
}

struct js_call {
    void (*fn)(void *);
    void *arg;
};
static void js_callback(void *call)
{
    struct js_call *c = call;
    c->fn(c->arg);
    __asm__ volatile("" ::: "memory");
}
static void js_foreign(void *call)
{
    js_code(js_callback, call);
    __asm__ volatile("" ::: "memory");
}
/* Calls fn(arg) as above. */
static __attribute__((noinline, unused)) void js_run(void (*fn)(void *), void *arg)
{
    struct js_call c = {fn, arg};
    gort_cgocall(js_foreign, &c);
    __asm__ volatile("" ::: "memory");
}

#endif
