"""client.py: what the programs share that test gort with other people's tools.

Each folder here is one tool, with a program `run` that is given the folder of a build (build/release). It
counts with expect(), names what is missing with tool(), and ends with finish().
"""
import os
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
BUILT = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, "build/release"))
TEMP = tempfile.mkdtemp(prefix="gort-client-")
passed, failures, skipped = 0, [], []


def expect(name, good, saw=""):
    global passed
    if good:
        passed += 1
        return True
    failures.append(name)
    print(f"FAILED {name}: {str(saw)[:3000]}")
    return False


def tool(name, package=None):
    """True if the command is here; else what needs it is skipped, and said so."""
    if shutil.which(name):
        return True
    if name not in skipped:
        skipped.append(name)
        print(f"skipped: no {name} here (Debian's package {package or name})")
    return False


def build(source, *flags, name=None, libs=()):
    """Compiles a program with libgort, as its users would; the path of the result."""
    out = os.path.join(TEMP, name or os.path.basename(source).rsplit(".", 1)[0])
    cmd = [*os.environ.get("CC", "gcc").split(), "-O2", "-g", "-fno-omit-frame-pointer", "-Wall", *flags, "-I" + ROOT + "/include",
           source, *libs, BUILT + "/libgort.a", "-pthread", "-ldl", "-lm", "-o", out]
    subprocess.run(cmd, check=True)
    return out


def run(*cmd, limit=300, env=None, **more):
    return subprocess.run(cmd, capture_output=True, text=True, errors="replace", timeout=limit,
                          env={**os.environ, **(env or {})}, **more)


def finish(label):
    shutil.rmtree(TEMP, ignore_errors=True)
    print(f"{label}: {passed} passed, {len(failures)} failed" + (f", {len(skipped)} skipped" if skipped else ""))
    tally = os.environ.get("GORT_TALLY")
    if tally:
        with open(tally, "a", encoding="utf-8") as f:
            f.write(f"{passed} {len(failures)} {len(skipped)} {label}\n")
    sys.exit(1 if failures else 0)
