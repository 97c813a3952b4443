/* build_id.c: build ids, read from the notes of files and of loaded modules.
 *
 * Holds   a note of a loaded module is read only where a readable segment holds it.
 */
#include "symb/build_id.h"

#include "os/loaded.h"

enum { ALIGN = 4 };

struct build_id build_id_among(struct part notes)
{
    struct build_id id = {.n = 0};
    struct bytes b = bytes_of(notes);
    while (bytes_left(&b) > 0) {
        uint32_t name = (uint32_t)bytes_uint(&b, 4), desc = (uint32_t)bytes_uint(&b, 4);
        uint32_t type = (uint32_t)bytes_uint(&b, 4);
        const unsigned char *s = b.at;
        bytes_skip(&b, ((uint64_t)name + ALIGN - 1) & ~(uint64_t)(ALIGN - 1));
        const unsigned char *d = b.at;
        bytes_skip(&b, ((uint64_t)desc + ALIGN - 1) & ~(uint64_t)(ALIGN - 1));
        if (b.bad || type != NT_GNU_BUILD_ID || name != 4 || memcmp(s, "GNU", 4) != 0 ||
            desc == 0 || desc > BUILD_ID_MAX)
            continue;
        id.n = (uint8_t)desc;
        memcpy(id.bytes, d, desc);
        break;
    }
    return id;
}

struct build_id build_id_loaded(const struct dl_phdr_info *module)
{
    struct build_id id = {.n = 0};
    for (int i = 0; i < module->dlpi_phnum && id.n == 0; i++) {
        const ElfW(Phdr) *ph = &module->dlpi_phdr[i];
        uintptr_t at = module->dlpi_addr + ph->p_vaddr;
        if (ph->p_type == PT_NOTE && loaded_holds(module, at, ph->p_memsz, PF_R))
            id = build_id_among((struct part){.p = (const unsigned char *)at, .n = ph->p_memsz});
    }
    return id;
}

size_t build_id_text(const struct build_id *id, char text[BUILD_ID_TEXT])
{
    size_t n = 0;
    for (size_t i = 0; i < id->n; i++) {
        text[n++] = "0123456789abcdef"[id->bytes[i] >> 4];
        text[n++] = "0123456789abcdef"[id->bytes[i] & 15];
    }
    text[n] = '\0';
    return n;
}
