#!/usr/bin/env python3
"""libgatehouse-cedar as others meet it: installed, found, linked, run."""
import os
import re
import shutil
import subprocess

import gatetest as g

# What a program of files, sockets, clocks or processes would need.
FOREIGN = {"open", "openat", "read", "write", "socket", "connect", "time",
           "clock_gettime", "getenv", "fork", "execve", "pthread_create",
           "fopen64", "fopen", "printf", "exit", "random", "getrandom"}

d = g.directory("lib")


def run(*args, **kw):
    r = subprocess.run(args, text=True, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, check=False, **kw)
    return r.returncode, r.stdout.strip()


code, out = run("make", "-s", "install-lib", f"PREFIX={d}/usr", "DESTDIR=",
                cwd=g.TOP,
                env={k: v for k, v in os.environ.items() if "MAKE" not in k})
g.ok(code == 0, "it installs", out[-2000:])
lib = os.path.join(d, "usr", "lib")
env = dict(os.environ, PKG_CONFIG_PATH=os.path.join(lib, "pkgconfig"))
flags = {}
for what in ("--cflags", "--libs", "--modversion"):
    code, out = run("pkg-config", what, "gatehouse-cedar", env=env)
    g.ok(code == 0, f"pkg-config {what}", out)
    flags[what] = out.split()
code, out = run(g.BINARY, "version")
g.same(f"gatehouse {flags['--modversion'][0]}", out, "of the same version")

NINE = "permit(principal, action, resource) when { context.hour < 18 };"
BROKEN = "permit(principal, action);"
strict = ["-std=c17", "-Wall", "-Wextra", "-Werror"]
example = os.path.join(g.TOP, "examples", "cedar.c")
with open(example, encoding="utf-8") as f:
    g.ok(len(f.readlines()) <= 20, "the example has at most 20 lines")
code, out = run("pkg-config", "--static", "--cflags", "--libs",
                "gatehouse-cedar", env=env)
for how, more in [("shared", flags["--cflags"] + flags["--libs"] +
                   [f"-Wl,-rpath,{lib}"]),
                  ("static", ["-static", *out.split()])]:
    program = os.path.join(d, how)
    code, out = run("cc", *strict, "-o", program, example, *more)
    g.same((code, out), (0, ""), f"the example compiles, {how}")
    g.same(run(program, NINE), (0, "allow"), f"and permits, {how}")
    g.same(run(program, NINE.replace("18", "8")), (1, "deny"), "and denies")
    g.same(run(program), (1, "deny"), "what nothing permits too")
    code, out = run(program, BROKEN)
    g.ok(code == 2 and out.startswith("1:25: "),
         "and says where a policy is wrong", (code, out))
    other = os.path.join(d, "other-" + how)
    code, out = run("cc", *strict, "-o", other,
                    os.path.join(g.TOP, "t", "library.c"), *more)
    g.same((code, out), (0, ""),
           f"names of a program's own do not clash, {how}")
    g.same(run(other), (0, 'allow {"hour": 9} by policy0'), "nor take over")
code, out = run("ldd", os.path.join(d, "shared"))
g.ok(lib in out, "one of them loads the shared library", out)

code, out = run("nm", "-D", "--undefined-only",
                os.path.join(lib, "libgatehouse-cedar.so"))
needs = {line.split()[-1].split("@")[0] for line in out.splitlines()}
g.ok(code == 0 and "memcpy" in needs and not needs & FOREIGN,
     "the library does no system's work", needs & FOREIGN)
header = os.path.join(d, "usr", "include", "gatehouse", "cedar.h")
with open(header, encoding="utf-8") as f:
    text = re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S)
declared = set(re.findall(r"\b(\w+)\([^()]*(?:\([^()]*\)[^()]*)*\);", text))
for what, *args in [("shared", "-D", "libgatehouse-cedar.so"),
                    ("static", "-g", "libgatehouse-cedar.a")]:
    code, out = run("nm", args[0], "--defined-only", os.path.join(lib, args[1]))
    names = {line.split()[-1].split("@")[0] for line in out.splitlines()
             if len(line.split()) == 3}
    g.same(sorted(n for n in names if not n.startswith("cedar_")), [],
           f"all that the {what} library shows begins with cedar_")
    g.same(names - {"cedar_0"}, declared,
           "and is what the header declares, no more and no less")
words = set(re.findall(r"^#define (\w+)", text, re.M)) | \
    set(re.findall(r"\b(?:struct|enum|union) (\w+)", text)) | \
    set(re.findall(r"^\t([A-Z]\w+)(?: = \w+)?,", text, re.M)) | declared
g.same(sorted(w for w in words if not re.match("cedar_|CEDAR_|GATEHOUSE_", w)),
       [], "so does all that the header defines")
for lang in ("c", "c++"):
    if lang == "c++" and shutil.which("c++") is None:
        print("# skipped: the header in C++, no c++ here")
        continue
    code, out = run("cc" if lang == "c" else lang, "-Wall", "-Wextra",
                    "-Werror", "-fsyntax-only", "-x", lang, header)
    g.same((code, out), (0, ""), f"the header compiles alone as {lang}")
g.done()
