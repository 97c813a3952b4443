/* module_copy.h: a copy of libm, which the program may load, unload and spoil. Link with -ldl. */
#ifndef TEST_PROG_MODULE_COPY_H
#define TEST_PROG_MODULE_COPY_H

#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static char copy[64] = "/tmp/gort-module-XXXXXX";

static bool copy_file(const char *from)
{
    char buf[65536];
    size_t n;
    FILE *in = fopen(from, "rb"), *out = fdopen(mkstemp(copy), "wb");
    if (in == NULL || out == NULL)
        return false;
    while ((n = fread(buf, 1, sizeof buf, in)) > 0)
        fwrite(buf, 1, n, out);
    fclose(in);
    return fclose(out) == 0;
}

/* False if libm's file cannot be had. */
static bool copy_libm(void)
{
    Dl_info info;
    void *libm = dlopen("libm.so.6", RTLD_NOW);
    return libm != NULL && dladdr(dlsym(libm, "cbrt"), &info) != 0 && copy_file(info.dli_fname);
}

#endif
