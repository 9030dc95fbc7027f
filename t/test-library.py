#!/usr/bin/env python3
"""libgatehouse-cedar as others meet it: installed, found, linked, run."""
import os
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

example = os.path.join(g.TOP, "examples", "cedar.c")
strict = ["-std=c17", "-Wall", "-Wextra", "-Werror"]
for how, libs in [("shared", flags["--libs"] + [f"-Wl,-rpath,{lib}"]),
                  ("static", [f"{lib}/libgatehouse-cedar.a"])]:
    program = os.path.join(d, how)
    code, out = run("cc", *strict, *flags["--cflags"], "-o", program, example,
                    *libs)
    g.same((code, out), (0, ""), f"the example compiles, {how}")
    g.same(run(program), (0, "allow"), f"and decides, {how}")

code, out = run("nm", "-D", "--undefined-only",
                os.path.join(lib, "libgatehouse-cedar.so"))
needs = {line.split()[-1].split("@")[0] for line in out.splitlines()}
g.ok(code == 0 and "memcpy" in needs and not needs & FOREIGN,
     "the library does no system's work", needs & FOREIGN)
code, out = run("nm", "-D", "--defined-only",
                os.path.join(lib, "libgatehouse-cedar.so"))
names = {line.split()[-1].split("@")[0] for line in out.splitlines()}
g.ok("cedar_authorize" in names and "ast_make" not in names,
     "its insides are not seen")
code, out = run("nm", "-g", "--defined-only",
                os.path.join(lib, "libgatehouse-cedar.a"))
names = {line.split()[-1] for line in out.splitlines() if " T " in line}
g.ok("cedar_authorize" in names and "ast_make" not in names,
     "nor those of the static one")
g.done()
