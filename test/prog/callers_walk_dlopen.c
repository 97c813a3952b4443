// Callers through libraries that come and go: at one address there is now this code, now that.
// expect: first: ok
// expect: second: ok
// expect: first: ok
// expect: second: ok
// expect: at one address: yes
// link: -ldl
// skip-on: arm64
#include "callers_walk.h"

#include <dlfcn.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

/* Two functions of one size at one place, with frames of different sizes and no frame pointers. */
static void make_library(const char *path, const char *frame)
{
    char command[1024];
    snprintf(
        command, sizeof command,
        "echo 'int through(int (*f)(int), int x) { volatile char v[%s]; v[5] = 1; "
        "return f(x) + v[5]; }' | "
        "cc -shared -fPIC -O2 -fomit-frame-pointer -fno-stack-protector -Wl,--build-id=none -x c "
        "-o %s -",
        frame, path);
    if (system(command) != 0)
        exit(3);
}

static const char *what;

static __attribute__((noinline)) int inner(int x)
{
    ENTER();
    expect_all_entered(what);
    LEAVE();
    return x;
}

typedef int (*through_fn)(int (*)(int), int);

static __attribute__((noinline)) uintptr_t call(const char *path)
{
    void *library = dlopen(path, RTLD_NOW);
    if (library == NULL)
        exit(4);
    through_fn through;
    void *sym = dlsym(library, "through");
    memcpy(&through, &sym, sizeof sym);
    ENTER();
    if (through(inner, 1) != 2)
        exit(5);
    LEAVE();
    dlclose(library);
    return (uintptr_t)sym;
}

static int program(int argc, char **argv)
{
    char folder[] = "/tmp/gort-callers-XXXXXX", path[2][128];
    uintptr_t at[4];
    (void)argc, (void)argv;
    if (mkdtemp(folder) == NULL)
        return 2;
    for (int i = 0; i < 2; i++) {
        snprintf(path[i], sizeof path[i], "%s/%d.so", folder, i);
        make_library(path[i], i == 0 ? "400" : "4000");
    }
    for (int i = 0; i < 4; i++) {
        what = i % 2 == 0 ? "first" : "second";
        at[i] = call(path[i % 2]);
    }
    for (int i = 0; i < 2; i++)
        unlink(path[i]);
    rmdir(folder);
    printf("at one address: %s\n", at[2] == at[3] ? "yes" : "no, nothing was tested");
    return 0;
}

int main(int argc, char **argv)
{
    return gort_run(program, argc, argv);
}
