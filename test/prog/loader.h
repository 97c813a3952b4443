/* loader.h: what the program does when the loader is asked for the modules, as a traceback asks it. */
#ifndef TEST_PROG_LOADER_H
#define TEST_PROG_LOADER_H

#include <gort.h>

#include <dlfcn.h>
#include <link.h>
#include <unistd.h>

static void (*volatile on_asking)(void);

static inline void wait_for_ever(void)
{
    for (;;)
        usleep(100000);
}

static inline void fault(void)
{
    *(volatile int *)16 = 1;
}

typedef int (*each_module)(struct dl_phdr_info *info, size_t size, void *arg);

int dl_iterate_phdr(each_module fn, void *arg)
{
    int (*real)(each_module fn, void *arg);
    void *sym = dlsym(RTLD_NEXT, "dl_iterate_phdr");
    if (on_asking != NULL)
        on_asking();
    __builtin_memcpy(&real, &sym, sizeof real);
    return real(fn, arg);
}

#endif
