/* text.c: the lines of debug=1.
 *
 * Owns    how a stack, labels and a number look in the old format of pprof, as Go's package prints them.
 *         Columns are aligned by its text/tabwriter: cells are as wide as the widest of adjacent lines,
 *         up to the next multiple of 8, and filled with tabs.
 * Locks   those of names: only in prof_foreign.
 */
#include "prof/prof_int.h"

#include "dump/cgo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINES = SYMB_LINES, TAB = 8 };

void prof_text_pcs(struct pbuf *b, const uintptr_t *pcs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        pbuf_char(b, ' ');
        pbuf_hex(b, pcs[i]);
    }
}

/* ---- a stack
 *
 *   #<TAB>pc<TAB>function+offset<TAB>file:line       cells 0 to 3, aligned with such lines around it
 *   #<TAB>pc                                         of a pc without a name */
struct call {
    bool named;
    size_t at, cell[4]; /* where its text is, and how long its cells are */
};

struct calls {
    struct pbuf text;
    struct call *call;
    size_t n, cap;
    bool plain_runtime;
};

/* Characters, not bytes. */
static size_t width(const char *s, size_t n)
{
    size_t w = 0;
    for (size_t i = 0; i < n; i++)
        w += (s[i] & 0xc0) != 0x80;
    return w;
}

static size_t end_cell(struct calls *c, size_t from)
{
    return c->text.failed ? 0 : width(c->text.mem + from, c->text.len - from);
}

static void add_call(struct calls *c, uintptr_t pc, const struct symb_line *l)
{
    struct call *call = prof_table_room(c->call, &c->cap, c->n + 1, sizeof *call);
    if (call == NULL) {
        c->text.failed = true;
        return;
    }
    c->call = call;
    call = &call[c->n++];
    *call = (struct call){.named = l->function != NULL, .at = c->text.len};
    pbuf_hex(&c->text, pc);
    call->cell[1] = end_cell(c, call->at);
    size_t from = c->text.len;
    if (call->named) {
        pbuf_str(&c->text, l->function);
        pbuf_char(&c->text, '+');
        pbuf_hex(&c->text, l->entry != 0 && pc > l->entry ? pc - l->entry : 0);
    }
    call->cell[2] = end_cell(c, from);
    from = c->text.len;
    if (call->named) {
        pbuf_str(&c->text, l->path != NULL ? l->path : "?");
        pbuf_char(&c->text, ':');
        pbuf_int(&c->text, l->line);
    }
    call->cell[3] = end_cell(c, from);
}

/* The calls of one frame; true if something was shown. */
static bool add_frame(struct calls *c, uintptr_t pc, bool show_runtime)
{
    struct symb_line lines[LINES];
    size_t n = cgo_lines(pc, false, lines, LINES);
    bool runtime = symb_is_runtime(pc, &lines[n - 1]);
    if (!show_runtime && runtime)
        return false;
    for (size_t i = runtime && c->plain_runtime ? n - 1 : 0; i < n; i++)
        add_call(c, pc - 1, &lines[i]);
    return true;
}

static void add_frames(struct calls *c, const uintptr_t *pcs, size_t n, bool show_runtime)
{
    for (size_t i = 0; i < n; i++)
        show_runtime |= add_frame(c, pcs[i], show_runtime);
}

/* The width of one cell over the named lines around `i`. */
static size_t column(const struct calls *c, size_t i, int cell)
{
    size_t most = 0, from = i;
    while (from > 0 && c->call[from - 1].named)
        from--;
    for (; from < c->n && c->call[from].named; from++)
        if (c->call[from].cell[cell] > most)
            most = c->call[from].cell[cell];
    return (most + 1 + TAB - 1) / TAB * TAB; /* a blank at least */
}

static void print_cell(struct pbuf *b, const char *text, size_t bytes, size_t chars, size_t to)
{
    pbuf_bytes(b, text, bytes);
    for (; chars < to; chars = chars / TAB * TAB + TAB)
        pbuf_char(b, '\t');
}

static size_t cell_bytes(const char *text, size_t chars)
{
    size_t n = 0;
    while (chars > 0 || (text[n] & 0xc0) == 0x80)
        chars -= (text[n++] & 0xc0) != 0x80;
    return n;
}

static void print_call(struct pbuf *b, const struct calls *c, size_t i)
{
    const struct call *call = &c->call[i];
    const char *text = c->text.mem + call->at;
    pbuf_str(b, "#\t");
    for (int cell = 1; cell <= (call->named ? 3 : 1); cell++) {
        size_t bytes = cell_bytes(text, call->cell[cell]);
        bool last = cell == 3 || !call->named;
        print_cell(b, text, bytes, call->cell[cell], last ? 0 : column(c, i, cell));
        text += bytes;
    }
    pbuf_char(b, '\n');
}

void prof_text_stack(struct pbuf *b, const uintptr_t *pcs, size_t n, enum prof_frames which)
{
    struct calls c = {.plain_runtime = which == PROF_PLAIN_RUNTIME};
    n = prof_without_start(pcs, n);
    add_frames(&c, pcs, n, which == PROF_PLAIN_RUNTIME);
    if (c.n == 0)
        add_frames(&c, pcs, n, true);
    pbuf_char(&c.text, '\0');
    b->failed |= c.text.failed;
    if (n == 0)
        pbuf_str(b, "#\t0x0\n");
    for (size_t i = 0; i < c.n && !b->failed; i++)
        print_call(b, &c, i);
    pbuf_char(b, '\n');
    prof_table_free(c.call, c.cap, sizeof c.call[0]);
    pbuf_free(&c.text);
}

/* ---- labels */
static size_t utf8_len(const unsigned char *s)
{
    static const struct {
        unsigned char mask, lead, least, most; /* of the second byte */
    } two_and_more[] = {
        {0xe0, 0xc0, 0x80, 0xbf}, {0xf0, 0xe0, 0x80, 0xbf}, {0xf8, 0xf0, 0x80, 0xbf}};
    if (s[0] < 0x80)
        return 1;
    if (s[0] == 0xc0 || s[0] == 0xc1 || s[0] > 0xf4 || (s[0] == 0xe0 && s[1] < 0xa0) ||
        (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
        (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    for (size_t k = 0; k < ARRAY_LEN(two_and_more); k++) {
        if ((s[0] & two_and_more[k].mask) != two_and_more[k].lead)
            continue;
        for (size_t i = 1; i <= k + 1; i++)
            if ((s[i] & 0xc0) != 0x80)
                return 0;
        return k + 2;
    }
    return 0;
}

/* strconv.Quote, but for characters beyond ASCII that do not print. */
static void quote(struct pbuf *b, const char *text)
{
    static const char plain[] = "\a\b\f\n\r\t\v\\\"", escaped[] = "abfnrtv\\\"";
    pbuf_char(b, '"');
    for (const unsigned char *s = (const unsigned char *)text; *s != '\0';) {
        const char *e = strchr(plain, *s);
        size_t n = utf8_len(s);
        if (e != NULL) {
            pbuf_char(b, '\\');
            pbuf_char(b, escaped[e - plain]);
        } else if (n == 0 || *s < ' ' || *s == 0x7f) {
            pbuf_str(b, "\\x");
            pbuf_char(b, "0123456789abcdef"[*s >> 4]);
            pbuf_char(b, "0123456789abcdef"[*s & 15]);
        } else {
            pbuf_bytes(b, s, n);
        }
        s += n > 0 ? n : 1;
    }
    pbuf_char(b, '"');
}

struct label_list {
    struct pbuf *b;
    bool more;
};

static bool add_label(const char *key, const char *value, void *arg)
{
    struct label_list *l = arg;
    if (l->more)
        pbuf_str(l->b, ", ");
    l->more = true;
    quote(l->b, key);
    pbuf_char(l->b, ':');
    quote(l->b, value);
    return true;
}

void prof_text_labels(struct pbuf *b, const gort_pprof_labels *l)
{
    struct label_list list = {.b = b};
    pbuf_char(b, '{');
    gort_pprof_for_labels(l, add_label, &list);
    pbuf_char(b, '}');
}

/* ---- numbers */
struct decimal {
    char digits[32];
    int n, exponent; /* of the first digit */
};

/* "%e" has the point of the program's locale: only digits are looked at. */
static struct decimal shortest(double v)
{
    struct decimal d = {.n = 0};
    char text[64];
    for (int precision = 0; precision <= 17; precision++) {
        (void)snprintf(text, sizeof text, "%.*e", precision, v);
        if (strtod(text, NULL) == v)
            break;
    }
    const char *e = strchr(text, 'e');
    for (const char *p = text; p < e; p++)
        if (*p >= '0' && *p <= '9')
            d.digits[d.n++] = *p;
    d.exponent = atoi(e + 1);
    return d;
}

void prof_text_float(struct pbuf *b, double v)
{
    if (v < 0)
        pbuf_char(b, '-');
    struct decimal d = shortest(v < 0 ? -v : v);
    if (d.exponent < -4 || d.exponent >= 21) {
        pbuf_char(b, d.digits[0]);
        if (d.n > 1)
            pbuf_char(b, '.');
        pbuf_bytes(b, d.digits + 1, (size_t)d.n - 1);
        pbuf_str(b, d.exponent < 0 ? "e-" : "e+");
        int e = abs(d.exponent);
        if (e < 10)
            pbuf_char(b, '0');
        pbuf_int(b, e);
        return;
    }
    if (d.exponent < 0)
        pbuf_str(b, "0.");
    for (int i = d.exponent + 1; i < 0; i++)
        pbuf_char(b, '0');
    for (int i = 0; i < d.n || i <= d.exponent; i++) {
        if (i == d.exponent + 1 && i > 0)
            pbuf_char(b, '.');
        pbuf_char(b, i < d.n ? d.digits[i] : '0');
    }
}
