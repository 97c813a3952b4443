"""gort-gdb.py: goroutines in gdb, of a living program or of a core dump.

gdb loads it by itself with a program that contains libgort (section .debug_gdb_scripts), where its auto-load
safe-path allows it; `source gort-gdb.py` does the same by hand.

  info goroutines [TEXT]     a line for each: * if it runs, its number, what it does, where; TEXT must occur
  goroutine N CMD            CMD (bt, frame function, info locals, ...) in goroutine N
  goroutine all CMD          in each of them
  info gort-procs            processors (P) and what they run
  info gort-threads          threads (M) and what they run
  info gort-chans            channels that goroutines wait for, and who waits
  info gort-spans ADDRESS    the span and the object of the collected heap that hold it
  $goid()                    the number of the goroutine that the selected thread runs, 0 if none

Channels, gort_any, spans and goroutines are printed with what is in them.
"""
import re

import gdb
import gdb.unwinder

DEAD, IDLE = 6, 0
STATUS = {0: "idle", 1: "runnable", 2: "running", 3: "syscall", 4: "waiting", 6: "dead"}


# ---- values of the runtime
def file_of(function):
    """The static block of the file that defines a function: names are not unique in a program."""
    symbol = gdb.lookup_global_symbol(function) or gdb.lookup_static_symbol(function)
    if symbol is None:
        raise gdb.GdbError("gort: no function '%s': is this a program with libgort and its debug information?" % function)
    return symbol.symtab.static_block()


def variable(name, function):
    """A static variable of the file of `function`."""
    return gdb.lookup_symbol(name, file_of(function))[0].value()


def pointer_to(type_name):
    return gdb.lookup_type(type_name).pointer()


def atom(v):
    """The value inside an atomic wrapper (struct au32 and the like), or the value itself."""
    t = v.type.strip_typedefs()
    if t.code == gdb.TYPE_CODE_STRUCT and len(t.fields()) == 1 and t.fields()[0].name == "v":
        v = v["v"]
        t = v.type.strip_typedefs()
    return v


def number(v):
    return int(atom(v).cast(gdb.lookup_type("unsigned long")))


def pointer(v, type_name, function="sched_init"):
    """As a pointer to the struct that the file of `function` knows: gdb.lookup_type looks in any file for those."""
    symbol = gdb.lookup_symbol(type_name.split()[-1], file_of(function), gdb.SYMBOL_STRUCT_DOMAIN)[0]
    found = symbol.type if symbol is not None else gdb.lookup_type(type_name)
    return atom(v).cast(found.pointer())


def text_of(reason):
    try:
        texts = gdb.parse_and_eval("wait_reason_text::texts")
        return texts[reason].string()
    except gdb.error:
        return "waiting"


# ---- goroutines
SLOT_TAKEN = 1


def heads():
    """Every struct g in a stack slot that is taken, then those of attached threads."""
    pool = variable("pool", "stack_init")
    head_bytes = int(pool["head_bytes"])
    colours = 16  # STACK_COLOURS of conf/limits.h
    gptr = gdb.lookup_type("struct g", file_of("sched_init")).pointer()
    inferior = gdb.selected_inferior()
    for k in range(number(pool["nregions"])):
        r = pointer(pool["regions"][k], "struct region", "stack_init")
        used, slot = number(r["nused"]), int(r["slot_bytes"])
        if used == 0:
            continue
        states = bytes(inferior.read_memory(int(r["state"]), used))
        base = int(r["base"])
        for i in range(used):
            if states[i] == SLOT_TAKEN:
                at = base + (i + 1) * slot - (i % colours) * 64 - head_bytes
                yield gdb.Value(at).cast(gptr)
    for m in threads():
        g = pointer(m["curg"], "struct g")
        if int(g) != 0 and bool(g["foreign"]):
            yield g


def threads():
    m = pointer(variable("sched", "sched_init")["all_ms"], "struct m")
    while int(m) != 0:
        yield m
        m = pointer(m["all_next"], "struct m")


class Goroutine:
    def __init__(self, g):
        self.g = g
        self.id = int(g["id"])
        self.status = number(g["status"])
        self.m = pointer(g["m"], "struct m")

    def on_thread(self):
        """True if its registers are those of a thread."""
        if int(self.m) == 0 or int(pointer(self.m["curg"], "struct g")) != int(self.g):
            return False
        return int(self.g["sigctx"]) == 0 and self.status == 2

    def does(self):
        if self.on_thread() and number(self.m["announced"]) > (1 if bool(self.g["foreign"]) else 0):
            return "syscall"
        if self.status == 4:
            return text_of(number(self.g["wait_reason"]))
        return STATUS.get(self.status, "???")

    def registers(self):
        """pc, sp, and the rest that it left, by gdb's names; None while it is on a thread."""
        if self.on_thread():
            return None
        arch = gdb.selected_inferior().architecture().name()
        if int(self.g["sigctx"]) != 0:
            return signal_registers(self.g["sigctx"], arch)
        c = self.g["ctx"]
        if arch.startswith("aarch64"):
            regs = {"pc": c["pc"], "sp": c["sp"], "x29": c["fp"], "x30": c["lr"]}
            regs.update({"x%d" % (19 + i): c["x19"][i] for i in range(10)})
        else:
            regs = {"rip": c["pc"], "rsp": c["sp"], "rbp": c["fp"]}
            regs.update({r: c[r] for r in ("rbx", "r12", "r13", "r14", "r15")})
        return {name: int(v) for name, v in regs.items()}

    def pc(self):
        regs = self.registers()
        if regs is not None:
            return regs.get("rip", regs.get("pc"))
        thread = thread_of(self.m)
        if thread is None:
            return 0
        with Selected(thread):
            return gdb.newest_frame().pc()

    def function(self):
        if not bool(self.g["started"]) and not bool(self.g["foreign"]):
            return name_at(int(self.g["start"]["fn"])) + " (not started)"
        return place_of_user(self)


def signal_registers(ucontext, arch):
    u = ucontext.cast(pointer_to("ucontext_t"))
    if arch.startswith("aarch64"):
        mc = u["uc_mcontext"]
        regs = {"x%d" % i: int(mc["regs"][i]) for i in range(31)}
        regs.update({"pc": int(mc["pc"]), "sp": int(mc["sp"])})
        return regs
    names = ["r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rdi", "rsi", "rbp", "rbx", "rdx", "rax", "rcx",
             "rsp", "rip"]
    greg = u["uc_mcontext"]["gregs"]
    return {name: int(greg[i]) & (2 ** 64 - 1) for i, name in enumerate(names)}


def goroutines():
    found = [Goroutine(g) for g in heads()]
    return sorted((g for g in found if g.status not in (DEAD, IDLE)), key=lambda g: g.id)


def runs_on(m, thread):
    """A thread that just begins has no number yet, and gdb's has two, of which one may be 0."""
    tid = int(m["tid"])
    return tid != 0 and tid in (thread.ptid[1], thread.ptid[2])


def thread_of(m):
    for t in gdb.selected_inferior().threads():
        if runs_on(m, t):
            return t
    return None


def name_at(pc):
    block = gdb.block_for_pc(pc)
    while block is not None and block.function is None:
        block = block.superblock
    if block is not None:
        return block.function.print_name
    line = gdb.execute("info symbol %#x" % pc, to_string=True).split()
    return line[0] if line and line[0] != "No" else hex(pc)


# ---- another goroutine's frames
class Selected:
    """A thread, selected for as long as the block runs."""

    def __init__(self, thread):
        self.thread = thread

    def __enter__(self):
        self.was = gdb.selected_thread()
        self.thread.switch()

    def __exit__(self, *_):
        if self.was is not None and self.was.is_valid():
            self.was.switch()


class FrameId:
    def __init__(self, sp, pc):
        self.sp, self.pc = gdb.Value(sp), gdb.Value(pc)


class Elsewhere(gdb.unwinder.Unwinder):
    """While `registers` is set, the caller of the selected thread's newest frame is that goroutine. So gdb's own
    unwinding shows it, with inlined calls, arguments and locals; in core dumps, too, whose registers cannot be set."""

    def __init__(self):
        super().__init__("gort goroutines")
        self.registers = None

    def __call__(self, pending):
        if self.registers is None or pending.level() != 0:
            return None
        names = ("rsp", "rip") if "rip" in self.registers else ("sp", "pc")
        # An identity of its own, below the goroutine's stack: two frames of one identity end a backtrace.
        info = pending.create_unwind_info(FrameId(self.registers[names[0]] - 4096, pending.read_register(names[1])))
        word = gdb.lookup_type("unsigned long")
        for name, value in self.registers.items():
            info.add_saved_register(name, gdb.Value(value).cast(word))
        return info


def left_behind():
    """The registers that the selected thread left on a goroutine's stack when it went on on another one, unless gdb
    goes there by itself: it takes a caller that lies below for a broken stack."""
    frame = gdb.newest_frame()
    while frame.older() is not None:
        frame = frame.older()
    if frame.name() != "arch_call_on" or frame.unwind_stop_reason() != gdb.FRAME_UNWIND_INNER_ID:
        return None
    arm64 = frame.architecture().name().startswith("aarch64")
    names = ("x29", "pc", "sp") if arm64 else ("rbp", "rip", "rsp")
    kept = ["x%d" % i for i in range(19, 29)] if arm64 else ["rbx", "r12", "r13", "r14", "r15"]
    regs = {name: int(frame.read_register(name)) & (2 ** 64 - 1) for name in kept}
    record = int(frame.read_register(names[0]))
    words = gdb.Value(record).cast(gdb.lookup_type("unsigned long").pointer())
    regs.update({names[0]: int(words[0]), names[1]: int(words[1]), names[2]: record + 16})
    return regs


class There:
    """Makes frame 1 of the selected thread that of a goroutine."""

    def __init__(self, goroutine):
        self.g = goroutine
        self.regs = goroutine.registers()
        self.behind = None  # of its own stack, while its thread is on another one
        self.selected = None

    def __enter__(self):
        if self.regs is None:
            thread = thread_of(self.g.m)
            if thread is None:
                raise gdb.GdbError("gort: goroutine %d runs on a thread that gdb does not know" % self.g.id)
            self.selected = Selected(thread)
            self.selected.__enter__()
            gdb.newest_frame().select()
            self.behind = left_behind()
            if self.behind is not None and not bool(self.g.g["in_cgo"]):
                self.regs = self.behind  # what the runtime does for it there is not looked at
        if self.regs is not None:
            self.go_to(self.regs)
        return self

    def go_to(self, regs):
        elsewhere.registers = regs
        gdb.invalidate_cached_frames()
        first = gdb.newest_frame().older()
        if first is not None:
            first.select()

    def __exit__(self, *_):
        if elsewhere.registers is not None:
            elsewhere.registers = None
            gdb.invalidate_cached_frames()
            gdb.newest_frame().select()
        if self.selected is not None:
            self.selected.__exit__()

    def run(self, command):
        text = gdb.execute(command, to_string=True)
        if not re.match(r"\s*(bt|backtrace|where)\b", command):
            return text
        if self.regs is not None:
            return renumbered(text, 0)
        stopped = re.search(r"^Backtrace stopped: previous frame inner.*\n", text, re.M)
        if self.behind is not None and stopped:
            self.go_to(self.behind)
            text = text[:stopped.start()]
            text += renumbered(gdb.execute(command, to_string=True), len(re.findall(r"^#", text, re.M)))
        return text


def renumbered(text, first):
    """A backtrace without its first frame, which is the thread's; the next one is number `first`."""
    out, keep = [], False
    for line in text.splitlines(keepends=True):
        m = re.match(r"#(\d+)(\s+)", line)
        if m:
            keep = int(m.group(1)) > 0
            line = "#%-3d%s" % (int(m.group(1)) - 1 + first, line[m.end():])
        if keep:
            out.append(line)
    return "".join(out)


def is_own(frame):
    """A frame of the runtime itself."""
    sal = frame.find_sal()
    name = sal.symtab.filename if sal and sal.symtab else ""
    return bool(re.match(r"(.*/)?src/(arch|base|boot|chan|dump|gc|io|mem|os|panic|poll|sched|stack|sync|timer)/[^/]*\.[cSh]$",
                         name))


def place_of_user(goroutine):
    """The first function that is not the runtime's own, with its line."""
    try:
        with There(goroutine) as there:
            frame = gdb.selected_frame()
            while frame is not None and is_own(frame) and frame.older() is not None:
                frame = frame.older()
            sal = frame.find_sal()
            where = " at %s:%d" % (sal.symtab.filename.split("/")[-1], sal.line) if sal and sal.symtab else ""
            return (frame.name() or hex(frame.pc())) + where
    except gdb.error as e:
        return "? (%s)" % e


elsewhere = Elsewhere()
gdb.unwinder.register_unwinder(None, elsewhere, replace=True)


# ---- commands
class InfoGoroutines(gdb.Command):
    """Lists goroutines: info goroutines [TEXT that must occur in the line]."""

    def __init__(self):
        super().__init__("info goroutines", gdb.COMMAND_STACK, gdb.COMPLETE_NONE)

    def invoke(self, arg, _from_tty):
        for g in goroutines():
            line = "%s %-6d %-18s %s" % ("*" if g.on_thread() else " ", g.id, g.does(), g.function())
            if arg.strip() in line:
                print(line)


class GoroutineCommand(gdb.Command):
    """Runs a command in a goroutine: goroutine N CMD, goroutine all CMD."""

    def __init__(self):
        super().__init__("goroutine", gdb.COMMAND_STACK, gdb.COMPLETE_COMMAND)

    def invoke(self, arg, _from_tty):
        parts = arg.split(None, 1)
        if len(parts) != 2 or not (parts[0] == "all" or parts[0].isdigit()):
            raise gdb.GdbError("usage: goroutine N|all COMMAND")
        some = [g for g in goroutines() if parts[0] == "all" or g.id == int(parts[0])]
        if not some:
            raise gdb.GdbError("gort: there is no goroutine %s" % parts[0])
        for g in some:
            if parts[0] == "all":
                print("goroutine %d [%s]:" % (g.id, g.does()))
            with There(g) as there:
                if not bool(g.g["started"]) and not bool(g.g["foreign"]):
                    print("not started: %s" % name_at(int(g.g["start"]["fn"])))
                else:
                    print(there.run(parts[1]), end="")
            if parts[0] == "all":
                print()


def described(g):
    return "goroutine %d" % int(g["id"]) if int(g["id"]) != 0 else "its scheduler"


class InfoProcs(gdb.Command):
    """Lists processors (P)."""

    def __init__(self):
        super().__init__("info gort-procs", gdb.COMMAND_STATUS)

    def invoke(self, _arg, _from_tty):
        sched = variable("sched", "sched_init")
        names = {0: "idle", 1: "running", 2: "syscall", 3: "stopped", 4: "dead"}
        table = atom(sched["ps"]).cast(gdb.lookup_type("struct p", file_of("sched_init")).pointer().pointer())
        for i in range(number(sched["nps"])):
            p = table[i]
            m = pointer(p["m"], "struct m")
            queued = (number(p["runq_tail"]) - number(p["runq_head"])) % 2 ** 32
            runs = " M%d %s" % (int(m["id"]), described(pointer(m["curg"], "struct g"))) if int(m) else ""
            print("P%-3d %-8s runq=%d next=%s%s" % (i, names.get(number(p["status"]), "?"), queued,
                                                   "yes" if number(p["runnext"]) else "no", runs))
        print("global queue: %d, threads that look for work: %d" % (number(sched["runq_size"]),
                                                                   number(sched["nspinning"])))


class InfoThreads(gdb.Command):
    """Lists threads of the runtime (M)."""

    def __init__(self):
        super().__init__("info gort-threads", gdb.COMMAND_STATUS)

    def invoke(self, _arg, _from_tty):
        for m in threads():
            p, g = pointer(m["p"], "struct p"), pointer(m["curg"], "struct g")
            state = ["P%d" % int(p["id"])] if int(p) else ["no P"]
            if int(g):
                state.append(described(g))
            if number(m["announced"]):
                state.append("in a call")
            if number(m["blocked"]):
                state.append("asleep")
            if number(m["spinning"]):
                state.append("looks for work")
            print("M%-3d LWP %-8d %s" % (int(m["id"]), int(m["tid"]), ", ".join(state)))


def waiters(queue):
    w = pointer(queue["first"], "struct waiter", "gort_chan_recv")
    while int(w) != 0:
        yield int(w["g"]["id"])
        w = w["next"]


class InfoChans(gdb.Command):
    """Lists the channels that goroutines wait for."""

    def __init__(self):
        super().__init__("info gort-chans", gdb.COMMAND_DATA)

    def invoke(self, _arg, _from_tty):
        seen = set()
        for g in goroutines():
            if g.does() not in ("chan receive", "chan send", "select"):
                continue
            for c in channels_of(g):
                if int(c) not in seen:
                    seen.add(int(c))
                    print("%#x %s" % (int(c), ChanPrinter(c.dereference()).to_string()))


def channels_of(g):
    """The channels whose queues have waiters that lie on g's stack: found from the frames of the runtime."""
    with There(g):
        frame = gdb.selected_frame()
        while frame is not None:
            for name in ("c", "chan"):
                try:
                    v = frame.read_var(name)
                except (ValueError, gdb.error):
                    continue
                if not v.is_optimized_out and str(v.type.strip_typedefs().unqualified()) == "struct gort_chan *" and int(v):
                    yield v
            frame = frame.older()


def arenas():
    """As mem/arena.c keeps them: a list, the newest first."""
    a = pointer(variable("newest", "arena_init"), "struct arena", "arena_init")
    while int(a) != 0:
        yield a
        a = a["next"]


def span_at(addr):
    """The span in use that holds the address, None if there is none: what arena_span answers."""
    span_mask, in_use = (1 << 48) - 1, 1 << 57  # enum PE_... of mem/mem.h
    for a in arenas():
        pages = a["page"].type.range()[1] + 1
        base = int(a["base"])
        if base <= addr < base + pages * 8192:
            entry = number(a["page"][(addr - base) // 8192])
            if entry & in_use:
                return pointer(gdb.Value(entry & span_mask), "struct span", "arena_init").dereference()
    return None


class InfoSpans(gdb.Command):
    """Says what of the collected heap lies at an address: info gort-spans ADDRESS."""

    def __init__(self):
        super().__init__("info gort-spans", gdb.COMMAND_DATA, gdb.COMPLETE_EXPRESSION)

    def invoke(self, arg, _from_tty):
        if not arg:
            raise gdb.GdbError("usage: info gort-spans ADDRESS")
        addr = int(gdb.parse_and_eval(arg).cast(gdb.lookup_type("unsigned long")))
        span = span_at(addr)
        if span is None:
            print("%#x is not in the collected heap" % addr)
            return
        base, slot = int(span["base"]), int(span["slot_bytes"])
        print("%s: slot %d, an object of %d bytes at %#x" % (SpanPrinter(span).to_string(), (addr - base) // slot, slot,
                                                            base + (addr - base) // slot * slot))


class Goid(gdb.Function):
    """$goid(): the number of the goroutine that the selected thread runs; 0: none."""

    def __init__(self):
        super().__init__("goid")

    def invoke(self):
        thread = gdb.selected_thread()
        for m in threads():
            if thread is not None and runs_on(m, thread):
                g = pointer(m["curg"], "struct g")
                return int(g["id"]) if int(g) else 0
        return 0


# ---- printers
class ChanPrinter:
    def __init__(self, v):
        self.v = v

    def to_string(self):
        v = self.v
        text = "chan (len %d, cap %d%s" % (number(v["count"]), int(v["cap"]), ", closed" if number(v["closed"]) else "")
        for name, queue in (("receivers", "receivers"), ("senders", "senders")):
            who = list(waiters(v[queue]))
            if who:
                text += ", %s %s" % (name, " ".join("g%d" % i for i in who[:8]) + (" ..." if len(who) > 8 else ""))
        return text + ")"

    def children(self):
        v = self.v
        n, cap, size = number(v["count"]), int(v["cap"]), int(v["elem_bytes"])
        kind = {1: "unsigned char", 2: "short", 4: "int", 8: "long"}.get(size)
        for i in range(min(n, 200)):
            at = int(v["buf"]) + (int(v["recv_at"]) + i) % cap * size
            if kind is not None:
                yield "[%d]" % i, gdb.Value(at).cast(gdb.lookup_type(kind).pointer()).dereference()
            else:
                yield "[%d]" % i, bytes(gdb.selected_inferior().read_memory(at, min(size, 64))).hex()

    def display_hint(self):
        return "array"


class AnyPrinter:
    def __init__(self, v):
        self.v = v

    def to_string(self):
        t, data = self.v["type"], int(self.v["data"])
        if int(t) == 0:
            return "nil"
        name = type_name(t)
        ctype = {"string": None, "bool": "bool", "int": "int", "error": None}.get(name, name)
        if ctype is not None and data != 0:
            try:
                return "%s(%s)" % (name, gdb.Value(data).cast(gdb.lookup_type(ctype).pointer()).dereference())
            except gdb.error:
                pass
        return "%s %#x" % (name, data)


def type_name(t):
    t = t.dereference()
    if int(t["string"]) == 0:
        return "?"
    s = t["string"].dereference()
    name = bytes(gdb.selected_inferior().read_memory(int(s["ptr"]), int(s["len"]))).decode("utf-8", "replace")
    return re.sub("\t[^\t]*\t", "", name)


class SpanPrinter:
    def __init__(self, v):
        self.v = v

    def to_string(self):
        v = self.v
        kinds = {0: "no pointers", 1: "precise", 2: "conservative"}
        return "span %#x, %d pages, %d slots of %d bytes, %s" % (
            int(v["base"]), int(v["npages"]), int(v["nslots"]), int(v["slot_bytes"]), kinds.get(int(v["kind"]), "?"))


class GPrinter:
    def __init__(self, v):
        self.v = v

    def to_string(self):
        g = Goroutine(self.v.address)
        return "goroutine %d [%s]" % (g.id, g.does())


PRINTERS = {"struct gort_chan": ChanPrinter, "struct span": SpanPrinter, "struct g": GPrinter}


def find_printer(v):
    t = v.type.unqualified()
    if t.name == "gort_any":
        return AnyPrinter(v)
    t = t.strip_typedefs()
    if t.code == gdb.TYPE_CODE_STRUCT and t.tag is not None:
        make = PRINTERS.get("struct " + t.tag)
        return make(v) if make is not None else None
    return None


gdb.pretty_printers[:] = [p for p in gdb.pretty_printers if getattr(p, "__name__", "") != "find_printer"]
gdb.pretty_printers.append(find_printer)
for command in (InfoGoroutines, GoroutineCommand, InfoProcs, InfoThreads, InfoChans, InfoSpans, Goid):
    command()
