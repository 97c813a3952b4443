"""results: what each test said the last time: build/<kind>/results has a line for each, `ok`, `FAIL` or `skip`, and its
name, which is that of its source without `test/` and `.c`. A run of some tests leaves what others said. scripts/coverage
reads it.
"""
import fcntl
import os


def read(build):
    """{name: verdict}; empty where nothing was run."""
    try:
        with open(os.path.join(build, "results"), encoding="utf-8") as lines:
            return {name: verdict for verdict, _, name in (line.rstrip("\n").partition(" ") for line in lines)}
    except FileNotFoundError:
        return {}


def note(build, verdicts):
    """Adds the verdicts of this run, and forgets tests that are gone."""
    path = os.path.join(build, "results")
    os.makedirs(build, exist_ok=True)
    with open(path + ".lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known = dict(read(build), **verdicts)
        with open(path + ".new", "w", encoding="utf-8") as out:
            out.writelines("%s %s\n" % (known[name], name) for name in sorted(known)
                           if os.path.exists("test/%s.c" % name))
        os.replace(path + ".new", path)
