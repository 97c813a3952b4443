/* Pointers in the data and the thread-locals of a library that is loaded while the program runs. */
// env: GODEBUG=clobberfree=1
// expect: data of a library: kept
// expect: its thread-local: kept
// link: -ldl
// skip-on: arm64
#include "keep.h"
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

/* Compiled here and now: the library must not be known when the program starts. */
static void *load(void)
{
    char folder[] = "/tmp/gort-keep-XXXXXX", command[512], path[128];
    if (mkdtemp(folder) == NULL)
        return NULL;
    snprintf(path, sizeof path, "%s/kept.so", folder);
    snprintf(command, sizeof command,
             "echo 'void *kept_data; static __thread void *l[100]; void **kept_local(void) { "
             "return &l[50]; }' | "
             "cc -shared -fPIC -x c -o %s -",
             path);
    if (system(command) != 0)
        return NULL;
    void *library = dlopen(path, RTLD_NOW);
    unlink(path);
    rmdir(folder);
    return library;
}

__attribute__((noinline)) static void put(void **data, void **tl)
{
    *data = secret_new("data");
    *tl = secret_new("tls");
}

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    gort_lock_os_thread();
    gort_gc(); /* the roots are listed without it */
    void *library = load();
    if (library == NULL)
        return 1;
    void **data = dlsym(library, "kept_data");
    void *symbol = dlsym(library, "kept_local");
    void **(*local)(void);
    memcpy(&local, &symbol, sizeof local);
    put(data, local());
    wipe_stack();
    collect();
    show("data of a library", *data, "data");
    show("its thread-local", *local(), "tls");
    return 0;
}
GORT_MAIN(run)
