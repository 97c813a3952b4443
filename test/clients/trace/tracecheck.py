#!/usr/bin/env python3
"""tracecheck: reads an execution trace and checks every rule of the format.

usage: test/clients/trace/tracecheck.py [--from-any] FILE...

The order of events is found as Go's reader finds it: by time, but an event whose sequence number or state
does not fit yet waits for those of other threads. Beyond that reader, this one wants each generation to be
complete in itself: every goroutine and processor that it mentions has a status there, and the file that
begins with any one of its generations must be as good as the whole (--from-any tries three of them).
Prints one line of counts; exit status 1 and the reason where a rule is broken.
"""
import argparse
import heapq
import sys
from collections import Counter

NONE = (1 << 64) - 1
HEADER = b"go 1.23 trace\0\0\0"
#         name, number of arguments, places of strings, place of the stack
EVENTS = {
    9: ("ProcsChange", 2, (), (1,)), 10: ("ProcStart", 2, (), ()), 11: ("ProcStop", 0, (), ()),
    12: ("ProcSteal", 3, (), ()), 13: ("ProcStatus", 2, (), ()), 14: ("GoCreate", 3, (), (1, 2)),
    15: ("GoCreateSyscall", 1, (), ()), 16: ("GoStart", 2, (), ()), 17: ("GoDestroy", 0, (), ()),
    18: ("GoDestroySyscall", 0, (), ()), 19: ("GoStop", 2, (0,), (1,)), 20: ("GoBlock", 2, (0,), (1,)),
    21: ("GoUnblock", 3, (), (2,)), 22: ("GoSyscallBegin", 2, (), (1,)), 23: ("GoSyscallEnd", 0, (), ()),
    24: ("GoSyscallEndBlocked", 0, (), ()), 25: ("GoStatus", 3, (), ()), 26: ("STWBegin", 2, (0,), (1,)),
    27: ("STWEnd", 0, (), ()), 28: ("GCActive", 1, (), ()), 29: ("GCBegin", 2, (), (1,)),
    30: ("GCEnd", 1, (), ()), 31: ("GCSweepActive", 1, (), ()), 32: ("GCSweepBegin", 1, (), (0,)),
    33: ("GCSweepEnd", 2, (), ()), 34: ("GCMarkAssistActive", 1, (), ()),
    35: ("GCMarkAssistBegin", 1, (), (0,)), 36: ("GCMarkAssistEnd", 0, (), ()), 37: ("HeapAlloc", 1, (), ()),
    38: ("HeapGoal", 1, (), ()), 39: ("GoLabel", 1, (0,), ()), 40: ("UserTaskBegin", 4, (2,), (3,)),
    41: ("UserTaskEnd", 2, (), (1,)), 42: ("UserRegionBegin", 3, (1,), (2,)),
    43: ("UserRegionEnd", 3, (1,), (2,)), 44: ("UserLog", 4, (1, 2), (3,)),
    48: ("GoStatusStack", 4, (), (3,)),
}
RUNNABLE, RUNNING, SYSCALL, WAITING = 1, 2, 3, 4
P_RUNNING, P_IDLE, P_SYSCALL = 1, 2, 3


class Broken(Exception):
    pass


class Bytes:
    def __init__(self, data, at=0, end=None):
        self.data, self.at, self.end = data, at, len(data) if end is None else end

    def byte(self):
        if self.at >= self.end:
            raise Broken("cut off at byte %d" % self.at)
        self.at += 1
        return self.data[self.at - 1]

    def number(self):
        v = shift = 0
        while True:
            b = self.byte()
            v |= (b & 0x7F) << shift
            if b < 0x80:
                if v > NONE:
                    raise Broken("number too large at byte %d" % self.at)
                return v
            shift += 7

    def take(self, n):
        if self.at + n > self.end:
            raise Broken("cut off at byte %d" % self.at)
        self.at += n
        return self.data[self.at - n:self.at]


class Generation:
    def __init__(self, number):
        self.number = number
        self.batches = {}  # thread: events in order
        self.stacks, self.strings, self.samples = {}, {}, []
        self.frequency = None
        self.nbatches = 0


def read_stacks(gen, b):
    while b.at < b.end:
        if b.byte() != 3:
            raise Broken("no stack where one is due")
        ident, n = b.number(), b.number()
        if n > 128:
            raise Broken("stack of %d frames" % n)
        if ident == 0 or ident in gen.stacks:
            raise Broken("stack %d twice, or 0" % ident)
        gen.stacks[ident] = [tuple(b.number() for _ in range(4)) for _ in range(n)]


def read_strings(gen, b):
    while b.at < b.end:
        if b.byte() != 5:
            raise Broken("no string where one is due")
        ident, n = b.number(), b.number()
        if n > 1024:
            raise Broken("string of %d bytes" % n)
        if ident == 0 or ident in gen.strings:
            raise Broken("string %d twice, or 0" % ident)
        gen.strings[ident] = b.take(n)


def read_samples(gen, b):
    while b.at < b.end:
        if b.byte() != 7:
            raise Broken("no sample where one is due")
        gen.samples.append(tuple(b.number() for _ in range(5)))


def read_events(gen, thread, time, b):
    events = gen.batches.setdefault(thread, [])
    if events and events[-1][0] > time:
        raise Broken("batches of thread %d out of order" % thread)
    while b.at < b.end:
        kind = b.byte()
        if kind not in EVENTS:
            raise Broken("event %d at byte %d" % (kind, b.at))
        time += b.number()
        events.append((time, kind, [b.number() for _ in range(EVENTS[kind][1])]))


def read_batch(gen, b):
    thread, time, size = b.number(), b.number(), b.number()
    if size > 65536:
        raise Broken("batch of %d bytes" % size)
    if time == 0:
        raise Broken("time 0")
    body = Bytes(b.data, b.at, b.at + size)
    b.take(size)
    gen.nbatches += 1
    kind = b.data[body.at] if size > 0 else 0
    if gen.nbatches == 1 and kind != 8:
        raise Broken("generation %d does not begin with its frequency" % gen.number)
    if kind in (2, 4, 6, 8):
        body.at += 1
    if kind == 2:
        read_stacks(gen, body)
    elif kind == 4:
        read_strings(gen, body)
    elif kind == 6:
        read_samples(gen, body)
    elif kind == 8:
        if gen.frequency is not None:
            raise Broken("two frequencies")
        gen.frequency = body.number()
    else:
        read_events(gen, thread, time, body)


def read_file(data):
    if data[:16] != HEADER:
        raise Broken("header %r" % data[:16])
    b, gens = Bytes(data, 16), []
    while b.at < b.end:
        if b.byte() != 1:
            raise Broken("no batch at byte %d" % (b.at - 1))
        number = b.number()
        if not gens or gens[-1].number != number:
            if gens and gens[-1].number + 1 != number:
                raise Broken("generation %d after %d" % (number, gens[-1].number))
            gens.append(Generation(number))
        read_batch(gens[-1], b)
    return gens


class G:
    def __init__(self, state):
        self.state, self.seq, self.gen, self.m = state, 0, None, None
        self.stw, self.assist, self.regions, self.root = set(), False, [], None


class P:
    def __init__(self, state):
        self.state, self.seq, self.gen, self.sweep = state, 0, None, False


class M:
    def __init__(self):
        self.g = self.p = None


class Machine:
    """What a reader believes while it goes through the events."""

    def __init__(self):
        self.gs, self.ps, self.ms, self.tasks = {}, {}, {}, set()
        self.gc = self.gcseq = None
        self.first = True
        self.stopped = False
        self.count = Counter()

    def need(self, ok, text):
        if not ok:
            raise Broken("%s: %s" % (self.what, text))

    def begin(self, gen):
        self.gen = gen
        self.need_names = Counter()
        for ident, frames in gen.stacks.items():
            for pc, fn, file, _ in frames:
                if fn not in gen.strings or (file and file not in gen.strings):
                    raise Broken("stack %d names an unknown string" % ident)
        lines = {}
        for frames in gen.stacks.values():
            for pc, fn, file, line in frames:
                means = (gen.strings[fn], gen.strings.get(file), line)
                if lines.setdefault(pc, means) != means:
                    raise Broken("pc %#x means two lines" % pc)
        if gen.frequency is None:
            raise Broken("no frequency")

    def end(self):
        for sample in self.gen.samples:
            if sample[4] not in self.gen.stacks and sample[4] != 0:
                raise Broken("sample with an unknown stack")
            self.count["CPUSample"] += 1
        for ident, g in self.gs.items():
            if g.gen != self.gen.number:
                raise Broken("goroutine %d has no status in generation %d" % (ident, self.gen.number))
            if g.stw:
                raise Broken("the world is stopped over the end of a generation")
        for ident, p in self.ps.items():
            if p.sweep:
                raise Broken("processor %d sweeps over the end of a generation" % ident)
        self.first = False

    def ref(self, m, p, g):
        self.need(not p or m.p is not None, "no processor")
        self.need(not g or m.g is not None, "no goroutine")

    def g_of(self, ident):
        self.need(ident in self.gs, "unknown goroutine %d" % ident)
        g = self.gs[ident]
        self.need(g.gen == self.gen.number, "goroutine %d has no status yet" % ident)
        return g

    def p_of(self, ident):
        self.need(ident in self.ps and self.ps[ident].gen == self.gen.number,
                  "processor %d has no status yet" % ident)
        return self.ps[ident]

    def running(self, m):
        self.ref(m, True, True)
        g = self.gs[m.g]
        self.need(g.state == RUNNING, "goroutine %d does not run" % m.g)
        return g

    def name_root(self, g, ident, stack):
        """All stacks of a goroutine whose first function we know end in that, which names it."""
        frames = self.gen.stacks.get(stack)
        if not frames:
            return
        name = self.gen.strings[frames[-1][1]]
        self.need(g.root in (None, name), "goroutine %d began in %r and in %r" % (ident, g.root, name))

    def step(self, thread, time, kind, a):
        """False: it must wait for others."""
        name, _, strings, stacks = EVENTS[kind]
        self.what = "generation %d, thread %d, %s%r at %d" % (self.gen.number, thread, name, tuple(a), time)
        m = self.ms.setdefault(thread, M())
        if not getattr(self, "on_" + name)(m, thread, a):
            return False
        for i in strings:
            self.need(a[i] == 0 or a[i] in self.gen.strings, "unknown string")
        for i in stacks:
            self.need(a[i] == 0 or a[i] in self.gen.stacks, "unknown stack")
        self.count[name] += 1
        return True

    # ---- processors
    def on_ProcsChange(self, m, thread, a):
        self.ref(m, True, True)
        self.need(0 < a[0], "no processors")
        return True

    def on_ProcStatus(self, m, thread, a):
        ident, state = a
        self.need(state in (P_IDLE, P_RUNNING), "state")
        p = self.ps.get(ident)
        if p is None:
            p = self.ps[ident] = P(state)
        self.need(p.state == state, "was in state %d" % p.state)
        self.need(state == P_IDLE, "a processor runs when a generation begins")
        p.seq, p.gen = 0, self.gen.number
        return True

    def on_ProcStart(self, m, thread, a):
        self.need(thread != NONE and m.p is None, "the thread has a processor")
        p = self.p_of(a[0])
        if p.state != P_IDLE or a[1] != p.seq + 1:
            return False
        p.state, p.seq, m.p = P_RUNNING, a[1], a[0]
        return True

    def on_ProcStop(self, m, thread, a):
        self.ref(m, True, False)
        p = self.ps[m.p]
        self.need(p.state in (P_RUNNING, P_SYSCALL), "state %d" % p.state)
        self.need(not p.sweep, "sweeps")
        p.state, m.p = P_IDLE, None
        return True

    # ---- goroutines
    def on_GoStatus(self, m, thread, a):
        ident, tid, state = a
        g = self.gs.get(ident)
        if g is None:
            self.need(self.first, "a goroutine that was not there before")
            g = self.gs[ident] = G(state)
            if state == SYSCALL:
                self.need(tid != NONE, "in a call on no thread")
                of = self.ms.setdefault(tid, M())
                self.need(of.g is None, "thread %d has goroutine %s" % (tid, of.g))
                of.g, g.m = ident, tid
        self.need(state in (RUNNABLE, SYSCALL, WAITING), "state %d" % state)
        self.need(g.state == state, "was in state %d" % g.state)
        self.need(state != SYSCALL or g.m == tid, "was on thread %s" % g.m)
        self.need(g.gen != self.gen.number, "two of them")
        g.seq, g.gen = 0, self.gen.number
        return True

    def on_GoStatusStack(self, m, thread, a):
        self.on_GoStatus(m, thread, a[:3])
        self.name_root(self.gs[a[0]], a[0], a[3])
        frames = self.gen.stacks.get(a[3])
        if frames:
            self.gs[a[0]].root = self.gen.strings[frames[-1][1]]
        return True

    def on_GoCreate(self, m, thread, a):
        self.ref(m, True, False)
        self.need(m.g is None or self.gs[m.g].state == RUNNING, "the creator does not run")
        self.need(a[0] not in self.gs, "exists")
        g = self.gs[a[0]] = G(RUNNABLE)
        g.gen = self.gen.number
        frames = self.gen.stacks.get(a[1])
        g.root = self.gen.strings[frames[-1][1]] if frames else None
        return True

    def on_GoCreateSyscall(self, m, thread, a):
        self.need(m.g is None, "the thread has a goroutine")
        self.need(a[0] not in self.gs, "exists")
        g = self.gs[a[0]] = G(SYSCALL)
        g.gen, g.m, m.g = self.gen.number, thread, a[0]
        return True

    def on_GoStart(self, m, thread, a):
        self.ref(m, True, False)
        self.need(m.g is None, "the thread runs goroutine %s" % m.g)
        g = self.gs.get(a[0])
        if g is None or g.gen != self.gen.number or g.state != RUNNABLE or a[1] != g.seq + 1:
            return False
        g.state, g.seq, g.m, m.g = RUNNING, a[1], thread, a[0]
        return True

    def leave(self, m, state):
        g = self.running(m)
        self.need(not g.stw, "stops the world")
        g.state, g.m, m.g = state, None, None
        return g

    def on_GoDestroy(self, m, thread, a):
        ident = m.g
        self.need(not self.leave(m, None).assist, "assists")
        del self.gs[ident]
        return True

    def on_GoStop(self, m, thread, a):
        ident = m.g
        g = self.leave(m, RUNNABLE)
        if self.gen.strings.get(a[0]) != b"preempted":  # at any instruction: a frame may be missing
            self.name_root(g, ident, a[1])
        return True

    def on_GoBlock(self, m, thread, a):
        ident = m.g
        self.name_root(self.leave(m, WAITING), ident, a[1])
        return True

    def on_GoUnblock(self, m, thread, a):
        g = self.gs.get(a[0])
        if g is None or g.gen != self.gen.number or g.state != WAITING or a[1] != g.seq + 1:
            return False
        g.state, g.seq = RUNNABLE, a[1]
        return True

    def on_GoSyscallBegin(self, m, thread, a):
        g, p = self.running(m), self.ps[m.p]
        self.need(a[0] == p.seq + 1, "processor's number is %d" % p.seq)
        self.name_root(g, m.g, a[1])
        p.seq, p.state, g.state = a[0], P_SYSCALL, SYSCALL
        return True

    def on_GoSyscallEnd(self, m, thread, a):
        self.ref(m, True, True)
        g, p = self.gs[m.g], self.ps[m.p]
        self.need(g.state == SYSCALL and p.state == P_SYSCALL, "not in a call")
        g.state, p.state = RUNNING, P_RUNNING
        return True

    def on_GoSyscallEndBlocked(self, m, thread, a):
        self.ref(m, False, True)
        g = self.gs[m.g]
        self.need(g.state == SYSCALL, "not in a call")
        self.need(m.p is None, "has its processor")
        g.state, g.m, m.g = RUNNABLE, None, None
        return True

    # ---- ranges
    def on_STWBegin(self, m, thread, a):
        g = self.running(m)
        self.need(not self.stopped, "somebody else stops the world")
        self.stopped = True
        g.stw.add(a[0])
        return True

    def on_STWEnd(self, m, thread, a):
        g = self.running(m)
        self.need(len(g.stw) == 1, "the world is not stopped")
        g.stw.clear()
        self.stopped = False
        return True

    def collector(self, m, a, want, now):
        self.running(m)
        if self.gcseq is not None and a[0] != self.gcseq + 1:
            return False
        self.need(self.gc in (None, want), "collection in state %s" % self.gc)
        self.gcseq, self.gc = a[0], now
        return True

    def on_GCActive(self, m, thread, a):
        return self.collector(m, a, True, True)

    def on_GCBegin(self, m, thread, a):
        return self.collector(m, a, False, True)

    def on_GCEnd(self, m, thread, a):
        self.need(self.gc, "no collection runs")
        return self.collector(m, a, True, False)

    def on_GCSweepBegin(self, m, thread, a):
        self.ref(m, True, False)
        self.need(not self.ps[m.p].sweep, "sweeps already")
        self.ps[m.p].sweep = True
        return True

    def on_GCSweepEnd(self, m, thread, a):
        self.ref(m, True, False)
        self.need(self.ps[m.p].sweep, "does not sweep")
        self.need(a[1] <= a[0], "more freed than swept")
        self.ps[m.p].sweep = False
        return True

    def on_GCMarkAssistActive(self, m, thread, a):
        g = self.g_of(a[0])
        self.need(self.first or g.assist, "does not assist")
        g.assist = True
        return True

    def on_GCMarkAssistBegin(self, m, thread, a):
        g = self.running(m)
        self.need(not g.assist, "assists already")
        g.assist = True
        return True

    def on_GCMarkAssistEnd(self, m, thread, a):
        g = self.running(m)
        self.need(g.assist, "does not assist")
        g.assist = False
        return True

    def on_HeapAlloc(self, m, thread, a):
        self.ref(m, True, False)
        return True

    on_HeapGoal = on_HeapAlloc

    # ---- the program's own
    def on_UserTaskBegin(self, m, thread, a):
        self.running(m)
        self.need(a[0] not in self.tasks, "task is open")
        self.tasks.add(a[0])
        return True

    def on_UserTaskEnd(self, m, thread, a):
        self.running(m)
        self.tasks.discard(a[0])
        return True

    def on_UserRegionBegin(self, m, thread, a):
        self.running(m).regions.append((a[0], self.gen.strings.get(a[1])))
        return True

    def on_UserRegionEnd(self, m, thread, a):
        open_ones = self.running(m).regions
        if open_ones:
            self.need(open_ones.pop() == (a[0], self.gen.strings.get(a[1])), "not the innermost region")
        return True

    def on_UserLog(self, m, thread, a):
        self.running(m)
        return True


def run_generation(machine, gen):
    machine.begin(gen)
    heads = [(events[0][0], thread, 0) for thread, events in gen.batches.items() if events]
    heapq.heapify(heads)
    waiting = []
    while heads:
        time, thread, i = heapq.heappop(heads)
        _, kind, args = gen.batches[thread][i]
        if not machine.step(thread, time, kind, args):
            waiting.append((time, thread, i))
            if not heads:
                raise Broken("nothing can go on: " + ", ".join(
                    "%s%r of thread %d at %d" % (EVENTS[gen.batches[t][j][1]][0], tuple(gen.batches[t][j][2]), t,
                                                 at) for at, t, j in sorted(waiting)))
            continue
        if i + 1 < len(gen.batches[thread]):
            heapq.heappush(heads, (gen.batches[thread][i + 1][0], thread, i + 1))
        for w in waiting:
            heapq.heappush(heads, w)
        waiting.clear()
    machine.end()


def check(gens):
    machine = Machine()
    machine.what = "file"
    for gen in gens:
        run_generation(machine, gen)
    return machine.count


def check_first_functions(gens):
    for gen in gens:
        for number, frames in gen.stacks.items():
            if len(frames) < 2 or frames[-2][1] != frames[-1][1]:
                continue
            # A compiler may split a function and inline one part into the other: two frames of one address.
            if (frames[-2][0] ^ frames[-1][0]) & (1 << 56) - 1:
                raise Broken("stack %d begins twice with %s" % (number, gen.strings[frames[-1][1]]))


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ap.add_argument("--from-any", action="store_true")
    ap.add_argument("--no-recursion", action="store_true", help="no first function calls itself")
    ap.add_argument("--need", action="append", default=[], help="an event that must be there")
    ap.add_argument("files", nargs="+")
    args = ap.parse_args()
    for path in args.files:
        try:
            with open(path, "rb") as f:
                gens = read_file(f.read())
            count = check(gens)
            if args.no_recursion:
                check_first_functions(gens)
            for i in {1, len(gens) // 2, len(gens) - 1} - {0, len(gens)} if args.from_any else ():
                check(gens[i:])
            for name in args.need:
                if count[name] == 0:
                    raise Broken("no %s" % name)
        except Broken as why:
            print("%s: %s" % (path, why))
            sys.exit(1)
        print("%s: %d generations, %d events, %s" % (path, len(gens), sum(count.values()), ", ".join(
            "%s %d" % (k, v) for k, v in sorted(count.items()))))


main()
