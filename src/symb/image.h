/* image.h: an ELF file, in memory as it is on disk. Nothing it says is trusted. */
#ifndef SYMB_IMAGE_H
#define SYMB_IMAGE_H

#include "symb/build_id.h"
#include "symb/bytes.h"
#include "symb/pool.h"

#include <elf.h>
#include <link.h>

struct image {
    struct part file;
    const ElfW(Shdr) * sections; /* checked to lie in the file; NULL: none */
    uint32_t nsections;
    struct part names; /* of the sections */
};

/* False when it is no ELF file of this machine's kind. */
bool image_of(struct image *im, struct part file);
/* Maps the file first. */
bool image_open(struct image *im, const char *path);
void image_close(struct image *im);

/* What the section holds as it stands in the file; nothing for what is only in memory. */
struct part image_raw(const struct image *im, const ElfW(Shdr) * sh);
/* The section with this index, or of this type; NULL: there is none. */
const ElfW(Shdr) * image_nth(const struct image *im, uint32_t i);
const ElfW(Shdr) * image_typed(const struct image *im, uint32_t type);
/* A section by its name, unpacked into `p` if it is compressed; nothing when it is missing. */
struct part image_section(const struct image *im, const char *name, struct pool *p);

struct build_id image_build_id(const struct image *im);
/* n bytes that the loader puts at `addr`, or NULL. */
const unsigned char *image_at(const struct image *im, uint64_t addr, size_t n);
/* As .gnu_debuglink has it. */
uint32_t image_crc(const struct image *im);

#endif
