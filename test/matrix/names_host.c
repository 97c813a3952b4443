/* names_host.c: runs the chain, which may be in a module that it loads. */
#include <gort.h>
#include <dlfcn.h>
#include <stdio.h>

int chain(int n);

static int run(int argc, char **argv)
{
    int (*fn)(int);
#ifdef LOADED
    /* Twice: what was known of the module is void once it was unloaded. */
    for (int i = 0; i < 2; i++) {
        void *module = dlopen(argv[1], RTLD_NOW);
        if (module == NULL || (fn = (int (*)(int))dlsym(module, "chain")) == NULL) {
            printf("%s\n", dlerror());
            return 2;
        }
        int wrong = fn(argc);
        if (wrong != 0)
            return wrong;
        dlclose(module);
    }
    return 0;
#else
    (void)argv;
    fn = chain;
    return fn(argc);
#endif
}

GORT_MAIN(run)
