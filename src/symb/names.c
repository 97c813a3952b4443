/* names.c: the function, file and line of an instruction, with the calls that were inlined there.
 *
 * Owns    how an answer is made: the module's debugging information, else its symbols.
 * Holds   a broken or hostile file costs names, never the program: what is read is checked, and a fault
 *         while reading (a file that became shorter) ends in guard_run.
 * Locks   rank symb while an answer is made; none when it is known. Who holds it is not stopped in its tracks,
 *         by a dying program neither; but a thread that fails itself may hold it: after a while the report
 *         goes on with elf.c.
 * Instead of elfutils: it is not safe against hostile files, needs malloc, which may be what failed, cannot
 *         be loaded into a static program, and walks a unit's entries anew for each pc.
 */
#include "symb/symb.h"

#include "arch/calls.h"
#include "base/fmt.h"
#include "os/os.h"
#include "symb/functab.h"
#include "symb/inflate.h"
#include "symb/symb_int.h"
#include "symb/up.h"

enum { PATIENCE_NS = 1500 * 1000000, LOOK_NS = 1000000, PATH_BYTES = 2048 };

static struct lock names_lock = LOCK_INIT(symb);

/* ---- faults */
struct guard {
    struct context back;
    bool faulted;
};
static __thread struct guard *guarding __attribute__((tls_model("initial-exec")));

static void guard_back(void *guard)
{
    struct guard *g = guard;
    g->faulted = true;
    arch_jump(&g->back);
}

bool symb_catch_fault(void *ucontext)
{
    struct guard *g = guarding;
    if (g == NULL)
        return false;
    guarding = NULL;
    arch_ucontext_jump(ucontext, (void *)(g->back.sp - 128), guard_back, g);
    return true;
}

/* Calls fn(arg); false if that faulted. */
static NOINLINE bool guard_run(void (*fn)(void *arg), void *arg)
{
    struct guard g = {.faulted = false};
    if (arch_save(&g.back) == 0) {
        guarding = &g;
        compiler_barrier();
        fn(arg);
        compiler_barrier();
        guarding = NULL;
    }
    return !*(volatile bool *)&g.faulted;
}

/* ---- one answer; the lock is held */
struct making {
    struct module *m;
    uint64_t addr; /* as in the module's file */
    struct symb_answer *a;
    struct scope
        *of[SYMB_LINES]; /* each line's, when DWARF tells the function that has the frame */
    bool next_is_its;    /* at addr + 1 are the same calls */
};

static void out_folder(struct out *o, const char *folder)
{
    if (folder == NULL)
        return;
    out_str(o, folder);
    out_char(o, '/');
}

static const char *path_of(const struct unit *u, const struct source *s)
{
    char path[PATH_BYTES];
    struct out o;
    const char *first = s->dir != NULL && s->name[0] != '/' ? s->dir : s->name;
    out_init_mem(&o, path, sizeof path - 1);
    if (first[0] != '/')
        out_folder(&o, u->dir);
    if (first != s->name)
        out_folder(&o, first);
    out_str(&o, s->name);
    path[o.len] = '\0';
    return intern(path);
}

static void place(const struct unit *u, struct source *s, uint64_t line, struct symb_line *l)
{
    l->line = line <= INT32_MAX ? (int)line : 0;
    if (s == NULL || s->name == NULL)
        return;
    if (s->path == NULL)
        s->path = path_of(u, s);
    l->path = s->path;
}

/* Where a function begins, that is its declaration, as in Go. */
static void at_instruction(struct making *k, struct unit *u, uint32_t scope, struct symb_line *l)
{
    struct dwarf *d = &k->m->dwarf;
    uint64_t line = 0;
    struct source *s = NULL;
    if (scope != NO_SCOPE && !u->scopes[scope].inlined && u->scopes[scope].entry == k->addr)
        s = dwarf_scope_declared(d, u, scope, &line);
    struct row r = {.file = ROW_END};
    if (line == 0 && (r = dwarf_line_at(d, u, k->addr)).file != ROW_END)
        s = dwarf_source(d, u, r.file), line = r.line;
    if (line != 0)
        place(u, s, line, l);
}

/* Without a declaration, as with clang's -gline-tables-only: the line where its code begins. */
static int start_line(struct dwarf *d, struct unit *u, const struct scope *s)
{
    if (s->line != 0 || s->inlined || s->entry == 0)
        return (int)s->line;
    struct row r = dwarf_line_at(d, u, s->entry);
    return r.file != ROW_END && r.line <= INT32_MAX ? (int)r.line : 0;
}

/* The place of a line is the instruction for the first, the call of the one before for the others. False
 * when the function that has the frame is not known. */
static bool lines_of_scopes(struct making *k, struct unit *u, uint32_t scope, struct symb_line *at)
{
    struct symb_answer *a = k->a;
    a->n = 0;
    while (scope != NO_SCOPE && a->n < SYMB_LINES) {
        struct scope *s = k->of[a->n] = &u->scopes[scope];
        const char *name = dwarf_scope_name(&k->m->dwarf, u, scope);
        struct symb_line *l = &a->line[a->n++];
        *l = *at;
        l->function = name;
        l->inlined = s->inlined;
        l->start_line = start_line(&k->m->dwarf, u, s);
        l->entry = s->entry + k->m->bias;
        if (!s->inlined)
            return true;
        *at = (struct symb_line){.line = 0};
        place(u, dwarf_source(&k->m->dwarf, u, s->call_file), s->call_line, at);
        scope = s->parent;
    }
    return false;
}

/* True when the function that has the frame is known. */
static bool lines_of_dwarf(struct making *k)
{
    struct unit *u = k->m->has_dwarf ? dwarf_unit_at(&k->m->dwarf, k->addr) : NULL;
    struct symb_line at = {.line = 0};
    if (u == NULL)
        return false;
    uint64_t end;
    uint32_t scope = dwarf_scope_at(u, k->addr, &end);
    k->next_is_its = scope != NO_SCOPE && k->addr + 1 < end;
    at_instruction(k, u, scope, &at);
    if (lines_of_scopes(k, u, scope, &at))
        return true;
    if (k->a->n == SYMB_LINES)
        k->a->n--;
    k->a->line[k->a->n] = at;
    return false;
}

/* A scope's is always the same. */
static const struct symb_func *func_of(struct scope *s, const char *name, uintptr_t entry)
{
    if (s == NULL)
        return functab_func(name, entry);
    if (s->func == NULL)
        s->func = functab_func(name, entry);
    return s->func;
}

static void lines_finish(struct making *k, bool has_scopes)
{
    struct symb_answer *a = k->a;
    uintptr_t entry = a->line[a->n - 1].entry;
    for (unsigned i = 0; i < a->n; i++) {
        struct symb_line *l = &a->line[i];
        l->entry = entry;
        l->func =
            l->function != NULL ? func_of(has_scopes ? k->of[i] : NULL, l->function, entry) : NULL;
        if (l->func == NULL)
            l->function = NULL;
    }
}

/* Does the function that `sym` names begin at `addr`, without a call before it that returns there? */
static bool begins_at(const struct module *m, uint64_t addr)
{
    const struct symbol *sym = module_symbol(m, addr);
    if (sym == NULL || sym->addr != addr)
        return false;
    const unsigned char *code = image_at(&m->file, addr - ARCH_CALL_BYTES, ARCH_CALL_BYTES);
    return code == NULL || !arch_is_call(code + ARCH_CALL_BYTES);
}

/* Of the function that has the frame, which DWARF does not tell: the module's symbol. */
static void line_of_symbol(struct making *k, struct symb_line *l)
{
    const struct symbol *s = module_symbol(k->m, k->addr);
    l->function = s != NULL ? intern(s->name) : NULL;
    l->entry = s != NULL ? s->addr + k->m->bias : 0;
    l->exported = s != NULL && s->global;
}

static bool scope_exported(const struct module *m, struct scope *s, uint64_t addr)
{
    if (!s->looked_up) {
        const struct symbol *sym = module_symbol(m, s->entry != 0 ? s->entry : addr);
        s->exported = sym != NULL && sym->global;
        s->looked_up = true;
    }
    return s->exported;
}

void module_describe(struct module *m, uintptr_t pc, struct symb_answer *a)
{
    struct making making, *k = &making;
    k->m = m;
    k->addr = pc - m->bias;
    k->a = a;
    k->next_is_its = false;
    module_open(m);
    bool has_scopes = lines_of_dwarf(k);
    if (has_scopes)
        a->line[a->n - 1].exported = scope_exported(m, k->of[a->n - 1], k->addr);
    else
        line_of_symbol(k, &a->line[a->n++]);
    lines_finish(k, has_scopes);
    a->next_begins = !k->next_is_its && begins_at(k->m, k->addr + 1);
}

struct asked {
    struct module *m;
    struct symb_answer *a;
};

static void describe(void *asked)
{
    struct asked *q = asked;
    module_describe(q->m, q->a->pc, q->a);
}

/* One line that says nothing; lines behind it are not touched. */
static void answer_empty(struct symb_answer *a, uintptr_t pc)
{
    memset(a, 0, offsetof(struct symb_answer, line) + sizeof a->line[0]);
    a->pc = pc;
    a->n = 1;
}

uint32_t symb_beat(void)
{
    return load_rlx(&inflate_beat);
}

static void make_answer(uintptr_t pc, struct symb_answer *room)
{
    struct asked q = {.m = module_at(pc), .a = room};
    answer_empty(room, pc);
    if (q.m == NULL)
        return;
    room->module = q.m;
    room->epoch = load_rlx(&q.m->epoch);
    if (q.m->broken)
        return;
    room->n = 0;
    if (!guard_run(describe, &q)) {
        module_break(q.m);
        answer_empty(room, pc);
        room->module = q.m;
        room->epoch = load_rlx(&q.m->epoch);
    }
}

static const struct symb_answer *answer_locked(uintptr_t pc, struct symb_answer *room)
{
    if (module_at(pc) == NULL && !modules_current())
        modules_refresh();
    const struct symb_answer *a = functab_find(pc);
    if (a != NULL)
        return a;
    make_answer(pc, room);
    a = room->module != NULL ? functab_keep(room) : NULL;
    return a != NULL ? a : room;
}

static bool names_lock_patiently(void) NO_TSA
{
    for (int64_t waited = 0; waited < PATIENCE_NS; waited += LOOK_NS) {
        if (lock_try(&names_lock))
            return true;
        os_sleep_ns(LOOK_NS);
    }
    return false;
}

/* Without the lock. */
static const struct symb_answer *answer_by_symbol(uintptr_t pc, struct symb_answer *room)
{
    struct symb_symbol s;
    answer_empty(room, pc);
    if (symb_elf_symbol(pc, &s)) {
        room->line[0].function = s.name;
        room->line[0].entry = s.entry;
    }
    return room;
}

static const struct symb_answer *answer_anew(uintptr_t pc, struct symb_answer *room) NO_TSA
{
    const struct symb_answer *a;
    if (sched_is_inside()) {
        if (!names_lock_patiently())
            return answer_by_symbol(pc, room);
        a = answer_locked(pc, room);
        unlock(&names_lock);
        return a;
    }
    sched_enter_syscall();
    sched_steady(true);
    lock(&names_lock);
    a = answer_locked(pc, room);
    unlock(&names_lock);
    sched_steady(false);
    sched_exit_syscall();
    return a;
}

/* Modules came or went. */
static COLD void look_anew(void) NO_TSA
{
    sched_enter_syscall();
    sched_steady(true);
    lock(&names_lock);
    modules_refresh();
    unlock(&names_lock);
    sched_steady(false);
    sched_exit_syscall();
}

void symb_look(void)
{
    if (!sched_is_inside() && !modules_current())
        look_anew();
}

const struct symb_answer *symb_answer_known(uintptr_t pc, struct symb_answer *room)
{
    const struct symb_answer *a = functab_find(pc);
    return a != NULL ? a : answer_anew(pc, room);
}

const struct symb_answer *symb_answer(uintptr_t pc, struct symb_answer *room)
{
    symb_look();
    return symb_answer_known(pc, room);
}

const struct symb_answer *symb_answer_return(uintptr_t at, uintptr_t *pc, struct symb_answer *room)
{
    const struct symb_answer *a = symb_answer_known(at - 1, room);
    *pc = at - 1;
    if (!a->next_begins)
        return a;
    *pc = at;
    return symb_answer_known(at, room);
}

const char *symb_text(const char *s) NO_TSA
{
    if (sched_is_inside()) { /* a thread of the runtime's, or a dying program */
        const char *known = NULL;
        if (names_lock_patiently()) {
            known = intern(s);
            unlock(&names_lock);
        }
        return known;
    }
    sched_enter_syscall();
    sched_steady(true);
    lock(&names_lock);
    const char *kept = intern(s);
    unlock(&names_lock);
    sched_steady(false);
    sched_exit_syscall();
    return kept;
}

size_t symb_lines(uintptr_t at, bool exact, enum symb_way way, struct symb_line *lines, size_t max)
{
    struct symb_answer room;
    memset(&lines[0], 0, sizeof lines[0]);
    if (way == SYMB_SAFE)
        return 1;
    const struct symb_answer *a = symb_answer(exact ? at : at - 1, &room);
    size_t n = a->n < max ? a->n : max;
    memcpy(lines, a->line, n * sizeof lines[0]);
    if (n < a->n)
        lines[n - 1] = a->line[a->n - 1]; /* the frame's own function is always there */
    return n;
}

/* Objects that were not joined (tests that look inside) are told by where their source lies. */
static bool is_our_source(const struct symb_line *l)
{
    return l->path != NULL && strstr(l->path, "/src/") != NULL;
}

bool symb_is_runtime(uintptr_t pc, const struct symb_line *first)
{
    uintptr_t lo = (uintptr_t)text_begin, hi = (uintptr_t)text_end;
    if (lo != hi)
        return pc >= lo && pc <= hi;
    return is_our_source(first);
}

bool symb_in_own_text(uintptr_t pc)
{
    return own_text_has(pc);
}
