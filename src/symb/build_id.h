/* build_id.h: what names a module for certain, in its file and in memory. */
#ifndef SYMB_BUILD_ID_H
#define SYMB_BUILD_ID_H

#include "symb/bytes.h"

#include <link.h>

enum { BUILD_ID_MAX = 64, BUILD_ID_TEXT = 2 * BUILD_ID_MAX + 1 };
struct build_id {
    uint8_t n; /* 0: there is none */
    unsigned char bytes[BUILD_ID_MAX];
};

/* Of the first build-id note among `notes`, whatever lengths they claim. */
struct build_id build_id_among(struct part notes);
/* Of a loaded module, as it stands in memory; in dl_iterate_phdr. */
struct build_id build_id_loaded(const struct dl_phdr_info *module);
/* In hexadecimal digits; returns how many. */
size_t build_id_text(const struct build_id *id, char text[BUILD_ID_TEXT]);

static inline bool build_id_same(const struct build_id *a, const struct build_id *b)
{
    return a->n == b->n && memcmp(a->bytes, b->bytes, a->n) == 0;
}

#endif
