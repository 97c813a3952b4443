/* build_id_test.c: build ids in notes: whatever lengths they claim, only what is there is looked at. */
#include "symb/build_id.h"

#include <criterion/criterion.h>
#include <elf.h>
#include <stdlib.h>

struct note {
    ElfW(Nhdr) h;
    char rest[24];
};
static bool id(const void *notes, size_t bytes, char *text)
{
    /* right before the end of the copy, so that asan sees what is read behind it */
    unsigned char *copy = malloc(bytes > 0 ? bytes : 1);
    memcpy(copy, notes, bytes);
    struct build_id found = build_id_among((struct part){.p = copy, .n = bytes});
    cr_expect_eq(build_id_text(&found, text), 2u * found.n);
    free(copy);
    return found.n > 0;
}

Test(build_id, is_read_within_its_note)
{
    char text[BUILD_ID_TEXT];
    struct note n[2] = {{{4, 5, NT_GNU_ABI_TAG}, "GNU\0abcde"},
                        {{4, 4, NT_GNU_BUILD_ID}, "GNU\0\x01\xab\xff\x20"}};
    struct note one;
    memcpy(&one, &n[0], sizeof one);
    char both[64];
    memcpy(both, &n[0], 12 + 4 + 8);
    memcpy(both + 24, &n[1], 12 + 4 + 4);
    cr_expect(id(both, 44, text));
    cr_expect_str_eq(text, "01abff20");
    for (size_t cut = 0; cut < 44; cut++)
        cr_expect_not(id(both, cut, text), "cut at %zu", cut);
    for (uint32_t size = 5; size != 0; size *= 2) { /* to 2^32 */
        one = n[1];
        one.h.n_descsz = size;
        cr_expect(size <= 16 || !id(&one, 12 + 4 + 16, text), "description of %u", size);
        one = n[1];
        one.h.n_namesz = size;
        cr_expect_not(id(&one, sizeof one, text), "name of %u", size);
    }
    one.h.n_namesz = UINT32_MAX;
    cr_expect_not(id(&one, sizeof one, text));
    one.h.n_namesz = 4;
    one.h.n_descsz = UINT32_MAX;
    cr_expect_not(id(&one, sizeof one, text));
}

/* A module whose note is said to lie where nothing is mapped has none. */
Test(build_id, of_a_loaded_module_is_read_within_its_segments)
{
    ElfW(Phdr) ph[2] = {{.p_type = PT_NOTE, .p_vaddr = 4096, .p_memsz = 36},
                        {.p_type = PT_LOAD, .p_flags = PF_R, .p_vaddr = 0, .p_memsz = 4096 + 35}};
    struct dl_phdr_info info = {.dlpi_addr = 0, .dlpi_phdr = ph, .dlpi_phnum = 2};
    cr_expect_eq(build_id_loaded(&info).n, 0);
    ph[0].p_memsz = UINT64_MAX;
    cr_expect_eq(build_id_loaded(&info).n, 0);
    struct note n = {{4, 4, NT_GNU_BUILD_ID}, "GNU\0\x01\xab\xff\x20"};
    ph[0].p_vaddr = ph[1].p_vaddr = (uintptr_t)&n;
    ph[0].p_memsz = ph[1].p_memsz = 12 + 4 + 4;
    cr_expect_eq(build_id_loaded(&info).n, 4);
    ph[1].p_flags = PF_X;
    cr_expect_eq(build_id_loaded(&info).n, 0);
}
