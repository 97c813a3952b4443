/* library.c: libraries of the system, loaded at the first need.
 *
 * Owns    dlopen and dlsym. A library is tried once; it stays loaded.
 * Instead of linking with them: libunwind and what it needs cost mappings and time at each
 * start, and a program would not start where they are not installed.
 */
#include "symb/symb_int.h"

#include "os/fault.h"
#include "os/os.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <string.h>

enum { LIB_NEW, LIB_LOADING, LIB_THERE, LIB_MISSING };

static int has_interpreter(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_INTERP)
            *(bool *)arg = true;
    return 1; /* the first is the program itself */
}

/* In a statically linked program dlopen would bring a second C library, with a malloc and with
 * thread-locals of its own. */
static bool have_loader(void)
{
    bool yes = false;
    dl_iterate_phdr(has_interpreter, &yes);
    return yes;
}

static bool library_open(struct symb_library *lib, const struct symb_import *imports, size_t n)
{
    void *handle =
        FAULT(library) || !have_loader() ? NULL : dlopen(lib->name, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL)
        return false;
    for (size_t i = 0; i < n; i++) {
        void *sym = dlsym(handle, imports[i].name);
        if (sym == NULL)
            return false;
        memcpy(imports[i].to, &sym, sizeof sym);
    }
    return true;
}

bool symb_library_load(struct symb_library *lib, const struct symb_import *imports, size_t n)
{
    uint32_t s = load_acq(&lib->state); /* pairs with store_rel below */
    if (s == LIB_NEW && cas_acq(&lib->state, (uint32_t)LIB_NEW, (uint32_t)LIB_LOADING)) {
        int keep = errno;
        s = library_open(lib, imports, n) ? LIB_THERE : LIB_MISSING;
        errno = keep;
        store_rel(&lib->state, s);
    }
    while (s == LIB_LOADING) { /* a second thread: loading takes milliseconds, once */
        os_thread_yield();
        s = load_acq(&lib->state);
    }
    return s == LIB_THERE;
}
