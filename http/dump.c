/* dump.c: the text of all goroutines, read, put into groups, and judged.
 *
 * Owns    struct dump: goroutines, their frames, groups of those with one stack.
 * Holds   1. Pieces point into the text, which is somebody else's.
 *         2. Any text is read without a fault: what does not look like a goroutine is passed over.
 *         3. groups[k] owns order[first, first + n); each goroutine is in one group.
 * Instead of asking the runtime for structs: the text is the public and complete form, the one a panic
 *         prints, and a page made from it can be made from a saved report, too.
 */
#include "http_int.h"

#include <stdlib.h>
#include <string.h>

#define MANY 10 /* goroutines at one stack that are suspicious */

/* ---- pieces */

static struct piece piece(const char *p, const char *end)
{
    return (struct piece){p, (size_t)(end - p)};
}

static bool is(struct piece a, const char *s)
{
    return a.n == strlen(s) && memcmp(a.p, s, a.n) == 0;
}

static bool begins(struct piece a, const char *s)
{
    size_t n = strlen(s);
    return a.n >= n && memcmp(a.p, s, n) == 0;
}

static bool same(struct piece a, struct piece b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static struct piece without(struct piece a, size_t front)
{
    return (struct piece){a.p + front, a.n - front};
}

/* The digits at the beginning of `a`. */
static uint64_t number(struct piece a)
{
    uint64_t v = 0;
    for (size_t i = 0; i < a.n && a.p[i] >= '0' && a.p[i] <= '9' && v < UINT64_MAX / 10 - 1; i++)
        v = v * 10 + (uint64_t)(a.p[i] - '0');
    return v;
}

static struct piece line_of(const char **p, const char *end)
{
    const char *nl = memchr(*p, '\n', (size_t)(end - *p));
    struct piece line = piece(*p, nl == NULL ? end : nl);
    *p = nl == NULL ? end : nl + 1;
    return line;
}

/* ---- reading */

static bool grow(void **table, size_t *room, size_t n, size_t each)
{
    if (n < *room)
        return true;
    size_t more = *room == 0 ? 256 : *room * 2;
    void *p = realloc(*table, more * each);
    if (p == NULL)
        return false;
    *table = p;
    *room = more;
    return true;
}

/* Takes the word off the end of the piece, if it is there. */
static bool cut_end(struct piece *p, const char *word)
{
    size_t n = strlen(word);
    if (p->n <= n || memcmp(p->p + p->n - n, word, n) != 0)
        return false;
    p->n -= n;
    return true;
}

/* `goroutine 7 [chan receive, 5 minutes, locked to thread]:`, and false for anything else. */
static bool read_head(struct piece line, struct dump_goroutine *g)
{
    static const char word[] = "goroutine ";
    if (!begins(line, word) || line.n < sizeof word + 3 ||
        memcmp(line.p + line.n - 2, "]:", 2) != 0)
        return false;
    const char *open = memchr(line.p, '[', line.n), *end = line.p + line.n - 2;
    if (open == NULL || line.p[sizeof word - 1] < '0' || line.p[sizeof word - 1] > '9')
        return false;
    *g = (struct dump_goroutine){.id = number(without(line, sizeof word - 1))};
    bool first = true;
    for (const char *p = open + 1; p <= end; first = false) {
        const char *comma = memmem(p, (size_t)(end - p), ", ", 2);
        struct piece part = piece(p, comma == NULL ? end : comma);
        p = comma == NULL ? end + 1 : comma + 2;
        if (first)
            g->state = part;
        else if (is(part, "locked to thread"))
            g->locked = true;
        else if (part.n > 8 && memcmp(part.p + part.n - 8, " minutes", 8) == 0)
            g->minutes = number(part);
    }
    (void)cut_end(&g->state, " (scan)");
    g->leaked = cut_end(&g->state, " (leaked)");
    return true;
}

/* `f(0x1, {...})` without what is in the last pair of parentheses, which are the arguments. */
static struct piece without_arguments(struct piece f)
{
    size_t depth = 0;
    if (f.n == 0 || f.p[f.n - 1] != ')')
        return f;
    for (size_t i = f.n; i-- > 0;) {
        depth += f.p[i] == ')';
        depth -= f.p[i] == '(';
        if (depth == 0)
            return i == 0 ? f : (struct piece){f.p, i};
    }
    return f;
}

/* `<TAB>/path/file.c:7 +0x12`: the file and line. */
static struct piece place(struct piece line)
{
    line = without(line, 1);
    for (size_t i = line.n; i-- > 0;)
        if (line.p[i] == ' ' && line.n - i > 3 && memcmp(line.p + i, " +0x", 4) == 0)
            return (struct piece){line.p, i};
    return line;
}

/* `created by f in goroutine 3` */
static void read_creator(struct piece line, struct dump_goroutine *g)
{
    static const char by[] = "created by ", in[] = " in goroutine ";
    g->created.function = without(line, sizeof by - 1);
    struct piece f = g->created.function;
    const char *p = memmem(f.p, f.n, in, sizeof in - 1);
    if (p == NULL)
        return;
    g->creator = number(piece(p + sizeof in - 1, f.p + f.n));
    g->created.function = piece(f.p, p);
}

/* One line below the head. `last` is where the next indented line belongs: a frame, or SIZE_MAX. */
static void read_line(struct dump *d, struct dump_goroutine *g, struct piece line, bool *creator)
{
    if (begins(line, "created by ")) {
        read_creator(line, g);
        *creator = true;
    } else if (line.p[0] == '\t' && *creator) {
        g->created.file = place(line);
    } else if (line.p[0] == '\t' && g->nframes > 0) {
        d->frames[g->frame + g->nframes - 1].file = place(line);
    } else if (!*creator &&
               grow((void **)&d->frames, &d->frames_room, d->nframes, sizeof *d->frames)) {
        struct piece f = line.p[0] == '\t' ? without(line, 1) : without_arguments(line);
        d->frames[d->nframes++] = (struct dump_frame){.function = f, .file = {line.p, 0}};
        g->nframes++;
    } else if (!*creator) {
        d->failed = true;
    }
}

static uint32_t hash_piece(uint32_t h, struct piece a)
{
    for (size_t i = 0; i < a.n; i++)
        h = (h ^ (unsigned char)a.p[i]) * 16777619u;
    return (h ^ 0xff) * 16777619u;
}

static void finish(struct dump *d, struct dump_goroutine *g)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < g->nframes; i++) {
        h = hash_piece(h, d->frames[g->frame + i].function);
        h = hash_piece(h, d->frames[g->frame + i].file);
    }
    h = hash_piece(h, g->created.function);
    g->hash = hash_piece(h, g->created.file);
}

static void read_all(struct dump *d, const char *p, const char *end)
{
    struct dump_goroutine *g = NULL, head;
    bool creator = false;
    while (p < end && !d->failed) {
        struct piece line = line_of(&p, end);
        if (read_head(line, &head)) {
            if (!grow((void **)&d->g, &d->room, d->n, sizeof *d->g)) {
                d->failed = true;
                return;
            }
            g = &d->g[d->n++];
            *g = head;
            g->frame = d->nframes;
            creator = false;
        } else if (line.n == 0) {
            g = NULL;
        } else if (g != NULL) {
            read_line(d, g, line, &creator);
        }
    }
    for (size_t i = 0; i < d->n; i++)
        finish(d, &d->g[i]);
}

/* ---- groups */

static bool same_stack(const struct dump *d, const struct dump_goroutine *a,
                       const struct dump_goroutine *b)
{
    if (a->hash != b->hash || a->nframes != b->nframes || a->ours != b->ours ||
        !same(a->created.function, b->created.function) || !same(a->created.file, b->created.file))
        return false;
    for (size_t i = 0; i < a->nframes; i++) {
        const struct dump_frame *x = &d->frames[a->frame + i], *y = &d->frames[b->frame + i];
        if (!same(x->function, y->function) || !same(x->file, y->file))
            return false;
    }
    return true;
}

/* Gives each goroutine the number of its group, in the order of their first goroutines. */
static void number_groups(struct dump *d)
{
    size_t cap = 64;
    while (cap < d->n * 2)
        cap *= 2;
    size_t *table = calloc(cap, sizeof *table); /* index of a goroutine plus 1 */
    if (table == NULL) {
        d->failed = true;
        return;
    }
    for (size_t i = 0; i < d->n; i++) {
        size_t k = d->g[i].hash & (cap - 1);
        while (table[k] != 0 && !same_stack(d, &d->g[table[k] - 1], &d->g[i]))
            k = (k + 1) & (cap - 1);
        d->g[i].group = table[k] != 0 ? d->g[table[k] - 1].group : d->ngroups++;
        if (table[k] == 0)
            table[k] = i + 1;
    }
    free(table);
}

static int by_group(const void *a, const void *b, void *arg)
{
    const struct dump_goroutine *g = arg, *x = &g[*(const size_t *)a], *y = &g[*(const size_t *)b];
    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
    if (x->minutes != y->minutes)
        return x->minutes > y->minutes ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

/* ---- judging */

static bool one_of(struct piece state, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (is(state, words[i]))
            return true;
    return false;
}

/* Nobody can end this wait. */
static bool waits_for_ever(struct piece state)
{
    static const char *const words[] = {"chan receive (nil chan)", "chan send (nil chan)",
                                        "select (no cases)"};
    return one_of(state, words, 3);
}

static bool waits_for_lock(struct piece state)
{
    static const char *const words[] = {"sync.Mutex.Lock", "sync.RWMutex.RLock",
                                        "sync.RWMutex.Lock"};
    return one_of(state, words, 3);
}

/* Only another goroutine can end it. */
static bool waits_for_others(struct piece state)
{
    static const char *const words[] = {"chan receive", "chan send",      "select",
                                        "semacquire",   "sync.Cond.Wait", "sync.WaitGroup.Wait"};
    return one_of(state, words, 6) || waits_for_ever(state) || waits_for_lock(state);
}

static bool blocked(struct piece state)
{
    static const char *const words[] = {"IO wait", "sleep"};
    return waits_for_others(state) || one_of(state, words, 2);
}

static void judge(struct dump *d, struct dump_group *k)
{
    size_t stuck = 0, leaked = 0, locks = 0, old = 0;
    for (size_t i = k->first; i < k->first + k->n; i++) {
        const struct dump_goroutine *g = &d->g[d->order[i]];
        stuck += waits_for_ever(g->state);
        leaked += g->leaked;
        locks += waits_for_lock(g->state);
        old += g->minutes > 0 && blocked(g->state);
        k->minutes = k->minutes > g->minutes ? k->minutes : g->minutes;
        k->ours = g->ours;
    }
    if (k->ours)
        return;
    k->suspicion = (stuck == k->n ? DUMP_STUCK : 0u) | (leaked > 0 ? DUMP_LEAKED : 0u) |
                   (old >= MANY ? DUMP_LEAK : 0u) | (locks >= MANY ? DUMP_CONVOY : 0u);
}

static void judge_all(struct dump *d)
{
    size_t program = 0, waiting = 0;
    for (size_t i = 0; i < d->n; i++) {
        if (d->g[i].ours)
            continue;
        program++;
        waiting += waits_for_others(d->g[i].state);
    }
    d->deadlock = program > 0 && waiting == program && !d->truncated;
}

static int by_interest(const void *a, const void *b)
{
    const struct dump_group *x = a, *y = b;
    unsigned sx = x->suspicion & (0u - x->suspicion), sy = y->suspicion & (0u - y->suspicion);
    if (x->ours != y->ours)
        return x->ours ? 1 : -1;
    if (sx != sy)
        return sx - 1 < sy - 1 ? -1 : 1; /* the worst first, none last */
    if (x->minutes != y->minutes)
        return x->minutes > y->minutes ? -1 : 1;
    if (x->n != y->n)
        return x->n > y->n ? -1 : 1;
    return x->first < y->first ? -1 : 1;
}

static void make_groups(struct dump *d)
{
    number_groups(d);
    d->order = calloc(d->n + 1, sizeof *d->order);
    d->groups = calloc(d->ngroups + 1, sizeof *d->groups);
    if (d->failed || d->order == NULL || d->groups == NULL) {
        d->failed = true;
        return;
    }
    for (size_t i = 0; i < d->n; i++)
        d->order[i] = i;
    qsort_r(d->order, d->n, sizeof *d->order, by_group, d->g);
    for (size_t i = 0; i < d->n; i++) {
        struct dump_group *k = &d->groups[d->g[d->order[i]].group];
        if (k->n++ == 0)
            k->first = i;
    }
    for (size_t i = 0; i < d->ngroups; i++)
        judge(d, &d->groups[i]);
    qsort(d->groups, d->ngroups, sizeof *d->groups, by_interest);
}

void dump_parse(struct dump *d, const char *text, size_t n, const uint64_t *ours, size_t nours)
{
    read_all(d, text, text + n);
    for (size_t i = 0; i < d->n; i++)
        for (size_t k = 0; k < nours; k++)
            d->g[i].ours = d->g[i].ours || d->g[i].id == ours[k];
    if (!d->failed)
        make_groups(d);
    if (!d->failed)
        judge_all(d);
}

void dump_free(struct dump *d)
{
    free(d->g);
    free(d->frames);
    free(d->groups);
    free(d->order);
    *d = (struct dump){0};
}

/* ---- JSON */

static void json_piece(struct text *t, const char *key, struct piece a)
{
    text_printf(t, "\"%s\":", key);
    text_json(t, a.p, a.n);
}

/* `file:line` as two members. */
static void json_frame(struct text *t, const struct dump_frame *f)
{
    struct piece file = f->file;
    size_t colon = file.n;
    while (colon > 0 && file.p[colon - 1] != ':')
        colon--;
    uint64_t line = colon > 0 ? number(without(file, colon)) : 0;
    json_piece(t, "function", f->function);
    text_add(t, ",");
    json_piece(t, "file", colon > 0 ? (struct piece){file.p, colon - 1} : file);
    text_printf(t, ",\"line\":%llu", (unsigned long long)line);
}

static void json_goroutine(struct text *t, const struct dump_goroutine *g)
{
    text_printf(t, "{\"id\":%llu,", (unsigned long long)g->id);
    json_piece(t, "state", g->state);
    if (g->minutes > 0)
        text_printf(t, ",\"minutes\":%llu", (unsigned long long)g->minutes);
    if (g->locked)
        text_add(t, ",\"locked\":true");
    if (g->leaked)
        text_add(t, ",\"leaked\":true");
    if (g->creator > 0)
        text_printf(t, ",\"creator\":%llu", (unsigned long long)g->creator);
    text_add(t, "}");
}

static void json_suspicions(struct text *t, unsigned which)
{
    static const char *const names[] = {"stuck", "leaked", "leak", "convoy"};
    const char *comma = "";
    text_add(t, "\"suspicions\":[");
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
        if ((which & 1u << i) != 0) {
            text_printf(t, "%s\"%s\"", comma, names[i]);
            comma = ",";
        }
    text_add(t, "]");
}

static void json_group(struct text *t, const struct dump *d, const struct dump_group *k)
{
    const struct dump_goroutine *g = &d->g[d->order[k->first]];
    text_printf(t, "{\"count\":%zu,\"minutes\":%llu,\"server\":%s,", k->n,
                (unsigned long long)k->minutes, k->ours ? "true" : "false");
    json_suspicions(t, k->suspicion);
    text_add(t, ",\"frames\":[");
    for (size_t i = 0; i < g->nframes; i++) {
        text_add(t, i == 0 ? "{" : ",{");
        json_frame(t, &d->frames[g->frame + i]);
        text_add(t, "}");
    }
    text_add(t, "]");
    if (g->created.function.n > 0) {
        text_add(t, ",\"created_by\":{");
        json_frame(t, &g->created);
        text_add(t, "}");
    }
    text_add(t, ",\"goroutines\":[");
    for (size_t i = 0; i < k->n; i++) {
        if (i > 0)
            text_add(t, ",");
        json_goroutine(t, &d->g[d->order[k->first + i]]);
    }
    text_add(t, "]}");
}

void dump_json(struct text *t, const struct dump *d)
{
    text_printf(t, "{\"count\":%zu,\"deadlock\":%s,\"truncated\":%s,\"groups\":[", d->n,
                d->deadlock ? "true" : "false", d->truncated ? "true" : "false");
    for (size_t i = 0; i < d->ngroups; i++) {
        text_add(t, i == 0 ? "\n" : ",\n");
        json_group(t, d, &d->groups[i]);
    }
    text_add(t, "\n]}\n");
}
