/* gort/sanitize.h: what ThreadSanitizer and AddressSanitizer ask of a program, answered by this library: GORACE,
 * the words of a report, who has the signals.
 *
 * The tools ask the program, and then themselves; a shared library is never asked. So a program that is
 * compiled for one of them carries these functions, which hand on. They are weak: the program's own in another
 * file are used instead. Where its own stand in a file that includes a header of gort, that file says
 * GORT_OWN_SANITIZER_ANSWERS before.
 */
#ifndef GORT_SANITIZE_H
#define GORT_SANITIZE_H

#include <stdbool.h>

#ifndef GORT_API
#define GORT_API __attribute__((visibility("default")))
#endif

#if defined(__SANITIZE_THREAD__)
#define GORT_TSAN_ 1
#elif defined(__SANITIZE_ADDRESS__)
#define GORT_ASAN_ 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define GORT_TSAN_ 1
#elif __has_feature(address_sanitizer)
#define GORT_ASAN_ 1
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Options for -fsanitize=thread, as its __tsan_default_options returns them: those of GORACE among them. Callable
 * before anything else; signal handlers too. */
GORT_API const char *gort_tsan_options(void);
/* The same for -fsanitize=address. */
GORT_API const char *gort_asan_options(void);
/* A report of ThreadSanitizer's is about to be printed; was printed; the program is about to end. Called by the
 * tool only, on any thread. */
GORT_API bool gort_tsan_report(const void *report, bool suppressed);
GORT_API void gort_tsan_reported(void *report);
GORT_API int gort_tsan_finalize(bool failed);

#define GORT_ANSWER_ GORT_API __attribute__((weak, no_sanitize("thread", "address")))

#if defined(GORT_TSAN_)
GORT_ANSWER_ bool
gort_tsan_report_(const void *report,
                  bool suppressed) __asm__("_ZN6__tsan8OnReportEPKNS_10ReportDescEb");
GORT_ANSWER_ bool gort_tsan_report_(const void *report, bool suppressed)
{
    return gort_tsan_report(report, suppressed);
}

GORT_ANSWER_ int gort_tsan_finalize_(bool failed) __asm__("_ZN6__tsan10OnFinalizeEb");
GORT_ANSWER_ int gort_tsan_finalize_(bool failed)
{
    return gort_tsan_finalize(failed);
}
#endif

#if defined(GORT_TSAN_) && !defined(GORT_OWN_SANITIZER_ANSWERS)
GORT_ANSWER_ const char *__tsan_default_options(void);
GORT_ANSWER_ const char *__tsan_default_options(void)
{
    return gort_tsan_options();
}

GORT_ANSWER_ void __tsan_on_report(void *report);
GORT_ANSWER_ void __tsan_on_report(void *report)
{
    gort_tsan_reported(report);
}
#endif

#if defined(GORT_ASAN_) && !defined(GORT_OWN_SANITIZER_ANSWERS)
GORT_ANSWER_ const char *__asan_default_options(void);
GORT_ANSWER_ const char *__asan_default_options(void)
{
    return gort_asan_options();
}
#endif

#ifdef __cplusplus
}
#endif

#endif
