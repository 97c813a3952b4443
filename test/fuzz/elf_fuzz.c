/* elf_fuzz.c: any bytes as the file of a loaded module, asked for names all over the place.
 *
 * The input is a file, when its first byte is even; else a list of {where, 3 bytes; what, 1 byte} to change in a small
 * module with debugging information, which clang makes at the start: so that what is read is mostly right. */
// fuzz: src/*/*.c src/arch/amd64/*.c src/arch/amd64/*.S -pthread -ldl -lm
#include "symb/module.h"
#include "symb/symb.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static unsigned char base[1 << 16];
static size_t base_bytes;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    char path[] = "/tmp/gort-fuzz-XXXXXX", command[1024];
    int fd = mkstemp(path);
    (void)argc, (void)argv;
    if (fd < 0)
        abort();
    snprintf(
        command, sizeof command,
        "printf 'namespace a { namespace { struct s { struct t; static inline "
        "__attribute__((always_inline)) "
        "int in(int x)\\n{ __asm__(\"\"); return x * 3; } }; struct s::t { int f(int x); }; } }\\n"
        "__attribute__((used)) int a::s::t::f(int x) { return s::in(x) + 1; }\\nint g(int x) { "
        "struct l { "
        "static int h(int x) { return a::s::in(x); } };\\nif (x > 9) return l::h(a::s::t().f(x)); "
        "return a::s::t().f(l::h(x)); }\\n' |"
        " clang -x c++ -O2 -g -shared -nostdlib -o %s -",
        path);
    if (system(command) != 0)
        abort();
    ssize_t got = read(fd, base, sizeof base);
    base_bytes = got > 0 ? (size_t)got : 0;
    if (base_bytes == 0)
        abort();
    close(fd);
    unlink(path);
    return 0;
}

static void ask(struct module *m, uint64_t addr)
{
    static struct symb_answer room;
    memset(&room, 0, sizeof room);
    module_describe(m, addr, &room);
    if (room.n == 0 || room.n > SYMB_LINES)
        abort();
}

static void ask_all(unsigned char *file, size_t n)
{
    static struct module m;
    memset(&m, 0, sizeof m);
    m.path = "/nowhere/module";
    m.memory = (struct part){.p = file, .n = n};
    ask(&m, 0x1000);
    for (size_t i = 0; i < m.nsymbols && i < 32; i++)
        ask(&m, m.symbols[i].addr + m.symbols[i].bytes / 2);
    for (uint32_t i = 0; i < m.dwarf.nunits && i < 32; i++)
        for (uint64_t at = 0; at < 64; at += 3)
            ask(&m, m.dwarf.units[i].low_pc + at);
    module_break(&m);
}

static size_t change(unsigned char *file, const uint8_t *data, size_t n)
{
    memcpy(file, base, base_bytes);
    for (; n >= 4; data += 4, n -= 4)
        file[(data[0] | (size_t)data[1] << 8 | (size_t)data[2] << 16) % base_bytes] = data[3];
    return base_bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n == 0)
        return 0;
    bool is_file = data[0] % 2 == 0;
    size_t bytes = is_file ? n - 1 : base_bytes;
    uint8_t *file = malloc(bytes + 1);
    if (is_file)
        memcpy(file, data + 1, n - 1);
    else
        bytes = change(file, data + 1, n - 1);
    ask_all(file, bytes);
    free(file);
    return 0;
}
