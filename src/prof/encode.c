/* encode.c: profile.proto, the format of `go tool pprof`.
 *
 * Owns    one profile while it is written: its samples, each a key (places, labels) and values that are
 *         added up; places and words, each kept once.
 * Holds   1. sample s has its key in `keys` from key[s] on, its values in value[s * ncolumns], and is
 *            entered in `by_key` under the hash of the key; places and words likewise.
 *         2. A key is the bytes that stand in the file: u32 length of the places, places, labels.
 * Locks   none; one caller at a time.
 * Instead of protobuf-c: docs/decisions/0012-profile-writer.md.
 */
#include "prof/prof_int.h"

#include "dump/cgo.h"
#include "mem/mem.h"

#include <errno.h>
#include <string.h>

enum { COLUMNS_MAX = 4, LINES = SYMB_LINES };

struct word {
    size_t at, len; /* in `text` */
};
struct place {
    uintptr_t addr;   /* in the call; 0: only a name */
    const char *name; /* NULL: a pc */
    bool used;        /* by a sample that is written */
};
struct function {
    uint32_t name, file; /* words */
    uint32_t start_line;
};

struct pprof {
    struct pprof_head head;
    struct pbuf text, keys, out;
    struct word *words;
    struct place *places;
    struct function *functions;
    size_t *key;
    int64_t *value;
    size_t words_cap, places_cap, functions_cap, key_cap, value_cap;
    struct index by_text, by_place, by_function, by_key;
    struct pbuf scratch, inner, ids, label;
    struct prof_maps maps;
    bool failed;
};

/* ---- the wire */
enum wire { VARINT = 0, BYTES = 2 };

static void put_varint(struct pbuf *b, uint64_t v)
{
    char bytes[10];
    size_t n = 0;
    for (; v >= 128; v >>= 7)
        bytes[n++] = (char)(v | 128);
    bytes[n++] = (char)v;
    pbuf_bytes(b, bytes, n);
}

static void put_tag(struct pbuf *b, unsigned field, enum wire type)
{
    put_varint(b, field << 3 | type);
}

static void put_number(struct pbuf *b, unsigned field, uint64_t v)
{
    if (v == 0)
        return;
    put_tag(b, field, VARINT);
    put_varint(b, v);
}

static void put_bytes(struct pbuf *b, unsigned field, const void *bytes, size_t n)
{
    put_tag(b, field, BYTES);
    put_varint(b, n);
    pbuf_bytes(b, bytes, n);
}

static void put_message(struct pbuf *b, unsigned field, struct pbuf *m)
{
    put_bytes(b, field, m->mem, m->len);
    b->failed |= m->failed;
    m->len = 0;
}

/* ---- what is kept once */
struct text {
    const char *s;
    size_t n;
};

static bool is_word(uint32_t i, const void *key, void *arg)
{
    const struct pprof *w = arg;
    const struct text *t = key;
    return w->words[i].len == t->n && memcmp(w->text.mem + w->words[i].at, t->s, t->n) == 0;
}

static uint32_t word_bytes(struct pprof *w, const char *s, size_t n)
{
    struct text t = {s, n};
    uint64_t hash = prof_hash(s, n, 0);
    uint32_t i = index_find(&w->by_text, hash, is_word, &t, w);
    if (i != UINT32_MAX)
        return i;
    struct word *words =
        prof_table_room(w->words, &w->words_cap, w->by_text.n + 1, sizeof words[0]);
    if (words == NULL || !index_add(&w->by_text, hash)) {
        w->failed = true;
        return 0;
    }
    w->words = words;
    words[w->by_text.n - 1] = (struct word){w->text.len, n};
    pbuf_bytes(&w->text, s, n);
    return (uint32_t)(w->by_text.n - 1);
}

static uint32_t word(struct pprof *w, const char *s)
{
    return word_bytes(w, s, strlen(s));
}

static bool is_place(uint32_t i, const void *key, void *arg)
{
    const struct pprof *w = arg;
    const struct place *p = key;
    return w->places[i].addr == p->addr && w->places[i].name == p->name;
}

/* Its id in the file. */
static uint64_t place(struct pprof *w, const struct place *p)
{
    uint64_t hash =
        prof_hash(p->name == NULL ? (const void *)&p->addr : &p->name, sizeof p->addr, 0);
    uint32_t i = index_find(&w->by_place, hash, is_place, p, w);
    if (i != UINT32_MAX)
        return i + 1;
    struct place *places =
        prof_table_room(w->places, &w->places_cap, w->by_place.n + 1, sizeof places[0]);
    if (places == NULL || !index_add(&w->by_place, hash)) {
        w->failed = true;
        return 1;
    }
    w->places = places;
    places[w->by_place.n - 1] = *p;
    return w->by_place.n;
}

static bool is_function(uint32_t i, const void *key, void *arg)
{
    const struct pprof *w = arg;
    return memcmp(&w->functions[i], key, sizeof w->functions[i]) == 0;
}

static uint64_t function(struct pprof *w, uint32_t name, uint32_t file, uint32_t start_line)
{
    struct function f = {name, file, start_line};
    uint64_t hash = prof_hash(&f, sizeof f, 0);
    uint32_t i = index_find(&w->by_function, hash, is_function, &f, w);
    if (i != UINT32_MAX)
        return i + 1;
    struct function *functions =
        prof_table_room(w->functions, &w->functions_cap, w->by_function.n + 1, sizeof f);
    if (functions == NULL || !index_add(&w->by_function, hash)) {
        w->failed = true;
        return 1;
    }
    w->functions = functions;
    functions[w->by_function.n - 1] = f;
    return w->by_function.n;
}

/* ---- begin */
struct pprof *pprof_begin(const struct pprof_head *h)
{
    struct pprof *w = mem_table_grow(NULL, 0, sizeof *w);
    if (w == NULL)
        return NULL;
    w->head = *h;
    (void)word_bytes(w, "", 0); /* word 0 */
    return w;
}

void pprof_set_duration(struct pprof *w, int64_t ns)
{
    if (w != NULL)
        w->head.duration_ns = ns;
}

void pprof_set_time(struct pprof *w, int64_t time_ns, int64_t duration_ns)
{
    if (w != NULL)
        w->head.time_ns = time_ns;
    pprof_set_duration(w, duration_ns);
}

static void pprof_free(struct pprof *w)
{
    struct pbuf *bufs[] = {&w->text, &w->keys, &w->out, &w->scratch, &w->inner, &w->ids, &w->label};
    for (size_t i = 0; i < ARRAY_LEN(bufs); i++)
        pbuf_free(bufs[i]);
    prof_table_free(w->words, w->words_cap, sizeof w->words[0]);
    prof_table_free(w->places, w->places_cap, sizeof w->places[0]);
    prof_table_free(w->functions, w->functions_cap, sizeof w->functions[0]);
    prof_table_free(w->key, w->key_cap, sizeof w->key[0]);
    prof_table_free(w->value, w->value_cap, sizeof w->value[0]);
    index_free(&w->by_text);
    index_free(&w->by_place);
    index_free(&w->by_function);
    index_free(&w->by_key);
    prof_maps_free(&w->maps);
    (void)mem_table_grow(w, sizeof *w, 0);
}

void pprof_abandon(struct pprof *w)
{
    if (w != NULL)
        pprof_free(w);
}

/* ---- samples */
static size_t key_len(const struct pprof *w, uint32_t s)
{
    return (s + 1 < w->by_key.n ? w->key[s + 1] : w->keys.len) - w->key[s];
}

static bool is_key(uint32_t s, const void *key, void *arg)
{
    const struct pprof *w = arg;
    const struct pbuf *k = key;
    return key_len(w, s) == k->len && memcmp(w->keys.mem + w->key[s], k->mem, k->len) == 0;
}

static bool sample_new(struct pprof *w, uint64_t hash)
{
    size_t n = w->by_key.n, columns = w->head.ncolumns;
    size_t *key = prof_table_room(w->key, &w->key_cap, n + 1, sizeof key[0]);
    if (key != NULL)
        w->key = key;
    int64_t *value = prof_table_room(w->value, &w->value_cap, (n + 1) * columns, sizeof value[0]);
    if (value != NULL)
        w->value = value;
    if (key == NULL || value == NULL || !index_add(&w->by_key, hash))
        return false;
    key[n] = w->keys.len;
    memset(&value[n * columns], 0, columns * sizeof value[0]);
    pbuf_bytes(&w->keys, w->scratch.mem, w->scratch.len);
    return !w->keys.failed;
}

/* Adds values to the sample whose key is in `scratch`. */
static void sample_add(struct pprof *w, const int64_t *values)
{
    uint64_t hash = prof_hash(w->scratch.mem, w->scratch.len, 0);
    uint32_t s = index_find(&w->by_key, hash, is_key, &w->scratch, w);
    if (s == UINT32_MAX) {
        s = (uint32_t)w->by_key.n;
        if (!sample_new(w, hash)) {
            w->failed = true;
            return;
        }
    }
    for (size_t c = 0; c < w->head.ncolumns; c++)
        w->value[s * w->head.ncolumns + c] += values[c];
}

static void put_label(struct pprof *w, const char *key, unsigned field, uint64_t value)
{
    w->label.len = 0;
    put_number(&w->label, 1, word(w, key));
    put_number(&w->label, field, value);
    put_message(&w->scratch, 3, &w->label);
}

static bool add_label(const char *key, const char *value, void *arg)
{
    struct pprof *w = arg;
    put_label(w, key, 2, word(w, value));
    return true;
}

static bool broken(const struct pprof *w)
{
    return w->failed || w->scratch.failed || w->ids.failed || w->label.failed || w->keys.failed ||
           w->text.failed;
}

static void put_places_of(struct pprof *w, const uintptr_t *pcs, size_t n)
{
    w->ids.len = 0;
    n = prof_without_start(pcs, n);
    for (size_t i = 0; i < n; i++)
        put_varint(&w->ids, place(w, &(struct place){.addr = pcs[i] - 1}));
}

/* The sample of the places in `ids`. */
static void put_sample(struct pprof *w, const int64_t *values, const gort_pprof_labels *labels,
                       int64_t bytes)
{
    uint32_t len = (uint32_t)w->ids.len;
    w->scratch.len = 0;
    pbuf_bytes(&w->scratch, &len, sizeof len);
    pbuf_bytes(&w->scratch, w->ids.mem, w->ids.len);
    if (labels != NULL)
        gort_pprof_for_labels(labels, add_label, w);
    if (bytes > 0)
        put_label(w, "bytes", 3, (uint64_t)bytes);
    if (!broken(w))
        sample_add(w, values);
}

void pprof_sample(struct pprof *w, const uintptr_t *pcs, size_t n, const int64_t *values,
                  const gort_pprof_labels *labels, int64_t bytes)
{
    if (w == NULL || broken(w))
        return;
    put_places_of(w, pcs, n);
    put_sample(w, values, labels, bytes);
}

void pprof_sample_named(struct pprof *w, const uintptr_t *pcs, size_t n, const char *name,
                        const int64_t *values, const gort_pprof_labels *labels)
{
    if (w == NULL || broken(w))
        return;
    put_places_of(w, pcs, n);
    put_varint(&w->ids, place(w, &(struct place){.name = name}));
    put_sample(w, values, labels, 0);
}

/* ---- the file */
static void put_type(struct pprof *w, unsigned field, const struct pprof_column *c)
{
    w->inner.len = 0;
    put_number(&w->inner, 1, word(w, c->type));
    put_number(&w->inner, 2, word(w, c->unit));
    put_message(&w->out, field, &w->inner);
}

static void put_head(struct pprof *w)
{
    const struct pprof_head *h = &w->head;
    for (size_t c = 0; c < h->ncolumns; c++)
        put_type(w, 1, &h->columns[c]);
    put_number(&w->out, 9, (uint64_t)h->time_ns);
    put_number(&w->out, 10, (uint64_t)h->duration_ns);
    if (h->period.type != NULL)
        put_type(w, 11, &h->period);
    put_number(&w->out, 12, (uint64_t)h->period_value);
    if (h->default_column != NULL)
        put_number(&w->out, 14, word(w, h->default_column));
}

static bool is_zero(const int64_t *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (values[i] != 0)
            return false;
    return true;
}

static void mark_used(struct pprof *w, const char *ids, size_t n)
{
    uint64_t id = 0;
    unsigned shift = 0;
    for (size_t i = 0; i < n; i++) {
        id |= (uint64_t)(ids[i] & 127) << shift;
        shift += 7;
        if ((ids[i] & 128) == 0) {
            w->places[id - 1].used = true;
            id = shift = 0;
        }
    }
}

static void put_samples(struct pprof *w)
{
    for (uint32_t s = 0; s < w->by_key.n; s++) {
        const int64_t *values = &w->value[s * w->head.ncolumns];
        const char *key = w->keys.mem + w->key[s];
        uint32_t ids;
        if (is_zero(values, w->head.ncolumns))
            continue;
        memcpy(&ids, key, sizeof ids);
        key += sizeof ids;
        mark_used(w, key, ids);
        w->inner.len = w->label.len = 0;
        put_bytes(&w->inner, 1, key, ids);
        for (size_t c = 0; c < w->head.ncolumns; c++)
            put_varint(&w->label, (uint64_t)values[c]);
        put_message(&w->inner, 2, &w->label);
        pbuf_bytes(&w->inner, key + ids, key_len(w, s) - sizeof ids - ids);
        put_message(&w->out, 2, &w->inner);
    }
}

/* ---- places, with names as far as they are known */
static void put_line(struct pprof *w, const struct symb_line *l)
{
    uint32_t name = word(w, l->function), file = l->path != NULL ? word(w, l->path) : 0;
    w->label.len = 0;
    put_number(&w->label, 1, function(w, name, file, (uint32_t)l->start_line));
    put_number(&w->label, 2, (uint64_t)l->line);
    put_message(&w->inner, 4, &w->label);
}

/* What is known of places: flags of a mapping, and their fields there. */
enum known { HAS_FUNCTIONS = 1, HAS_FILES = 2, HAS_LINES = 4, HAS_INLINED = 8, FIRST_FLAG = 7 };

/* What of it is known of this place. */
static char put_lines(struct pprof *w, const struct place *p)
{
    struct symb_line lines[LINES];
    unsigned known = 0;
    if (p->name != NULL) {
        put_line(w, &(struct symb_line){.function = p->name});
        return 0;
    }
    size_t n = cgo_lines(p->addr, true, lines, LINES);
    bool plain = w->head.plain_runtime && symb_is_runtime(p->addr, &lines[n - 1]);
    for (size_t i = plain ? n - 1 : 0; i < n; i++) {
        known |= lines[i].function != NULL ? HAS_FUNCTIONS : 0;
        known |= lines[i].path != NULL ? HAS_FILES : 0;
        known |=
            lines[i].line > 0 ? HAS_LINES | HAS_INLINED : 0; /* both are of the debug information */
        if (lines[i].function != NULL)
            put_line(w, &lines[i]);
    }
    return (char)known;
}

/* `known` says of each mapping what is known of its places. */
static void put_places(struct pprof *w, struct pbuf *known)
{
    for (size_t i = 0; i < w->by_place.n; i++) {
        const struct place *p = &w->places[i];
        if (!p->used)
            continue;
        size_t map = p->name == NULL ? prof_maps_find(&w->maps, p->addr) : w->maps.n;
        w->inner.len = 0;
        put_number(&w->inner, 1, i + 1);
        put_number(&w->inner, 2, map < w->maps.n ? map + 1 : 0);
        put_number(&w->inner, 3, p->addr);
        char here = put_lines(w, p);
        if (map < w->maps.n && !known->failed)
            known->mem[map] |= here;
        put_message(&w->out, 4, &w->inner);
    }
}

/* has_functions and the like: a viewer that finds one of them looks for no names of its own. So they are set
 * as soon as there are names: a start-up stub that has none would make it throw away all others, and the
 * inlined calls with them. Without any, it looks by the build id. */
static void put_mapping(struct pprof *w, size_t i, char known)
{
    const struct prof_mapping *m = &w->maps.map[i];
    w->inner.len = 0;
    put_number(&w->inner, 1, i + 1);
    put_number(&w->inner, 2, m->start);
    put_number(&w->inner, 3, m->limit);
    put_number(&w->inner, 4, m->offset);
    put_number(&w->inner, 5, word(w, w->maps.text.mem + m->file));
    put_number(&w->inner, 6, word(w, w->maps.text.mem + m->build_id));
    for (unsigned flag = 0; flag < 4; flag++)
        put_number(&w->inner, FIRST_FLAG + flag, (unsigned)known >> flag & 1);
    put_message(&w->out, 3, &w->inner);
}

static void put_mappings(struct pprof *w, const struct pbuf *known)
{
    if (w->maps.n == 0) {
        w->inner.len = 0;
        put_number(&w->inner, 1, 1);
        put_message(&w->out, 3, &w->inner);
        return;
    }
    put_mapping(w, w->maps.main, known->mem[w->maps.main]);
    for (size_t i = 0; i < w->maps.n; i++)
        if (i != w->maps.main)
            put_mapping(w, i, known->mem[i]);
}

static void put_places_and_mappings(struct pprof *w)
{
    struct pbuf known = {.mem = NULL};
    char *seen = pbuf_room(&known, w->maps.n + 1);
    if (seen == NULL) {
        w->failed = true;
        return;
    }
    memset(seen, 0, w->maps.n + 1);
    put_places(w, &known);
    put_mappings(w, &known);
    pbuf_free(&known);
}

static void put_functions(struct pprof *w)
{
    for (size_t i = 0; i < w->by_function.n; i++) {
        w->inner.len = 0;
        put_number(&w->inner, 1, i + 1);
        put_number(&w->inner, 2, w->functions[i].name);
        put_number(&w->inner, 3, w->functions[i].name);
        put_number(&w->inner, 4, w->functions[i].file);
        put_number(&w->inner, 5, w->functions[i].start_line);
        put_message(&w->out, 5, &w->inner);
    }
}

static void put_words(struct pprof *w)
{
    for (size_t i = 0; i < w->by_text.n; i++)
        put_bytes(&w->out, 6, w->text.mem + w->words[i].at, w->words[i].len);
}

static void encode(void *writer)
{
    struct pprof *w = writer;
    struct pbuf zipped = {.mem = NULL};
    if (broken(w) || !prof_maps_read(&w->maps)) {
        w->failed = true;
        return;
    }
    put_head(w);
    put_samples(w);
    put_places_and_mappings(w);
    put_functions(w);
    put_words(w);
    w->failed |= broken(w) || w->inner.failed;
    if (!w->failed)
        prof_gzip(&w->out, &zipped);
    pbuf_free(&w->out);
    w->out = zipped;
}

PARKS int pprof_end(struct pprof *w, int fd)
{
    if (w == NULL)
        return -ENOMEM;
    prof_foreign(encode, w);
    int r = w->failed ? -ENOMEM : prof_write_all(fd, &w->out);
    pprof_free(w);
    return r;
}
