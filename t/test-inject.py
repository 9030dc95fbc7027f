#!/usr/bin/env python3
"""
What the disk refuses and who is killed, at chosen system calls (t/inject.c).
A role is killed before its k-th call, life after life; in a start, which ends
it; load, while it reads a cell's log back; the parent in a start, in the very
first one, and around each segment that it opens later; keys init and rotate;
writes, syncs and renames of judge, ledger, budget and tiles fail with ENOSPC or
EIO or write half.  Each time calls must flow again by themselves (after a death
in a start or of the parent: after the next start), and in the end the ledger is
held against what an agent and a server wrote down: every call that left is on
record and charged, every answer too, the ledger verifies, and the signed tree
holds every record of every log.

    t/test-inject.py [--all] [--seed S] [--role ROLE] [--jobs N] [--resume FILE]

A few k from a seed; --all: every k up to a role's reach (make torture).  The
work is cut in pieces, a house each, of which N run at a time.  FILE keeps what
passed: with the same programs and the same seed it is not done again.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import platform
import random
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import gatetest as g
import journal

INJECT = os.path.join(g.TOP, "build", "t", "inject")
# Up to which of its calls a role is killed, in each life anew.
REACH = {"judge": 2000, "ledger": 2000, "budget": 2000, "tiles": 600}
SECONDS = 10  # for a life to come so far
PIECE = 60  # kills of one house
# role, call, of which files, what, every so many of them, how often
FAULTS = (
    ("judge", "write", "cell-", "ENOSPC", 40, 2),
    ("judge", "write", "cell-", "EIO", 50, 2),
    ("judge", "write", "cell-", "short", 7, 20),
    ("ledger", "fdatasync", "cell-", "EIO", 40, 2),
    ("ledger", "write", "cell-", "ENOSPC", 1, 1),
    ("budget", "write", "budget-", "ENOSPC", 20, 2),
    ("budget", "write", "budget-", "short", 5, 20),
    ("budget", "fdatasync", "budget-", "EIO", 20, 2),
    ("tiles", "write", "log/new", "ENOSPC", 9, 2),
    ("tiles", "write", "log/new", "short", 4, 10),
    ("tiles", "renameat", "new", "EIO", 7, 2),
    ("tiles", "syncfs", None, "EIO", 2, 2),
    ("tiles", "fsync", None, "EIO", 3, 2),
    ("tiles", "fdatasync", ".seg", "EIO", 3, 2),
    ("parent", "openat", ".seg", "EIO", 1, 3),
    ("parent", "openat", ".seg", "ENOSPC", 2, 2),
    ("parent", "fsync", "ledger", "EIO", 1, 3),
)


class House:
    """A gateway under the injector, a server and agents that never rest."""

    def __init__(self, name, *options, serving=True, started=True):
        """serving: nothing is done before it serves."""
        self.dir = g.directory("inject")
        self.after = os.path.join(self.dir, "after")
        self.report = os.path.join(self.dir, "report")
        self.up = journal.Upstream(os.path.join(self.dir, "one"))
        self.gate = g.Gateway({
            "servers": {"one": dict(journal.KEEP, url=self.up.url, era="modern")},
            "cells": 1,
            "budgets": {"calls": {"calls": 10 ** 9, "server": "one",
                                  "lease": 4}}},
            where=self.dir, start=False)
        self.agents = journal.Agents(
            self.gate, ["one"], os.path.join(self.dir, "agent"), name,
            threads=3)
        if started:
            self.start(*options, serving=serving)

    def start(self, *options, serving=False):
        """Under the injector."""
        for path in (self.after, self.report):
            if os.path.exists(path):
                os.unlink(path)
        self.gate.under = [
            INJECT, "--report", self.report, "--patience", str(SECONDS),
            *options, *(("--after", self.after) if serving else ()), "--"]
        self.gate.start(wait=False)
        if serving:
            if not self.flows():
                raise SystemExit("it does not serve: " + self.gate.log())
            with open(self.after, "w", encoding="utf-8"):
                pass

    def restart(self):
        """By hand and without the injector, as a service manager would."""
        g.until(lambda: not g.listening(self.gate.port), 5)
        self.gate.stop()
        self.gate.under = []
        self.gate.start()

    def said(self):
        try:
            with open(self.report, encoding="utf-8") as f:
                return [json.loads(x) for x in f if x.endswith("\n")]
        except FileNotFoundError:
            return []

    def did(self):
        return [x for x in self.said() if "did" in x]

    def ended(self):
        return self.gate.process.poll() is not None

    def good(self):
        return self.agents.good["one"]

    def flows(self, seconds=20):
        before = self.good()
        return g.until(lambda: self.good() > before + 5, seconds)

    def written(self):
        return len(self.gate.records()) + \
            len(g.readledger.budget_records(self.gate.state))

    def signed(self):
        try:
            with open(os.path.join(self.gate.state, "log", "checkpoint"),
                      encoding="utf-8") as f:
                return int(f.read().split("\n")[1])
        except (OSError, IndexError, ValueError):
            return 0

    def kill(self, *roles):
        for r in roles:
            for _, pid in self.gate.roles().get(r, ()):
                os.kill(pid, signal.SIGKILL)

    def check(self, what):
        """What must hold in the end; stops it."""
        self.agents.stop()
        whole = g.until(lambda: self.signed() == self.written(), 15)
        g.ok(whole, f"{what}: every record is under a signed checkpoint",
             f"{self.signed()} of {self.written()}\n" +
             self.gate.log()[-1500:])
        lost, unended, verifies, said, saw, got = journal.violations(
            self.gate, self.agents, [self.up])
        g.ok(not lost, f"{what}: each of {saw} calls that the server saw has "
             "a decision record", lost[:5])
        g.ok(not unended, f"{what}: each of {got} answers has an outcome",
             unended[:5])
        g.ok(verifies, f"{what}: the ledger verifies", said)
        tree_holds(self.gate, what)
        wrong = g.readledger.budget_complaints(self.gate.state)
        code, out, err = self.gate.cli("budgets", "gatehouse.yaml", "--json")
        used = json.loads(out)["budgets"][0]["totals"][0]["used"] \
            if code == 0 else 0
        g.ok(used >= saw and not wrong,
             f"{what}: each call was charged ({used})", (wrong[:3], err))
        self.end()

    def end(self):
        self.agents.stop()
        self.gate.stop()
        self.up.stop()
        shutil.rmtree(self.dir, ignore_errors=True)


def tree_holds(gate, what):
    key = gate.cli("keys", "show", gate.state)[1].split("\n")[0]
    code, out, err = gate.cli("ledger", "fsck", "--vkey", key,
                              os.path.join(gate.state, "log"))
    g.ok(code == 0, f"{what}: the tree holds", out[-300:] + err)


# ---- pieces: each returns how often something was done ----

def kills(seed, role, at):
    """Life i of the role ends before its at[i]-th call."""
    h = House(f"{seed}-{role}", "--role", role, "--do", "kill", "--at",
              ",".join(map(str, at)))
    idle = [0, 0.0]

    def enough():
        n = len(h.did())
        if n != idle[0]:
            idle[:] = n, time.monotonic()
        elif role == "load" and time.monotonic() > idle[1] + 0.5:
            h.kill("judge")  # whose log load reads back
        return n >= len(at)

    done = g.until(enough, 30 + (SECONDS + 1) * len(at))
    g.ok(done and not h.ended(), f"{role}: killed {len(at)} times",
         h.gate.log()[-1500:])
    g.ok(h.flows(), f"{role}: and calls flow again", h.gate.log()[-1500:])
    late = sum(x["did"] == "late" for x in h.did())
    calls = sorted({x["call"] for x in h.did()})
    g.note(f"{role}: killed before {len(h.did())} calls ({late} of them "
           f"late), numbers {', '.join(calls)}")
    h.check(role)
    return len(at)


def starts(seed, role, at):
    """Dies at such calls of a start, which ends it; for the parent, the whole
    house.  What is left is started over, again and again."""
    h = House(f"{seed}-{role}-start", started=False)
    done = served = 0
    for i, k in enumerate(at):
        h.start("--role", role, "--do", "kill", "--at", str(k))
        g.until(lambda: h.ended() or h.gate.healthy(), 20)
        if h.did() and role == "parent":
            g.until(h.ended, 5)
        done += bool(h.did())
        served = served + 1 if not h.did() else 0
        if i % 5 == 4 or i == len(at) - 1 or not h.ended():
            if h.ended():
                h.restart()
            if not h.flows():
                g.ok(False, f"{role}: calls flow after one killed at {k}",
                     h.gate.log()[-1500:])
            if i < len(at) - 1 and served < 3:
                h.gate.stop()
        if served == 3:  # a start has no more of them
            break
    g.ok(True, f"{role}: killed in {done} starts")
    g.note(f"{role}: killed in {done} starts, at calls from {at[0]} on; the "
           "next ones served")
    h.check(f"{role} in a start")
    return done


def firsts(_seed, at, *more):
    """The parent dies in the first start of all, and leaves half a state."""
    up = journal.fakes.HttpUpstream("modern")
    done = 0
    for k in at:
        d = g.directory("inject")
        report = os.path.join(d, "report")
        gate = g.Gateway({"servers": {"one": {"url": up.url, "era": "modern"}},
                          "cells": 1}, where=d, wait=False,
                         under=[INJECT, "--role", "parent", *more, "--do",
                                "kill", "--at", str(k), "--report", report,
                                "--"])
        g.until(lambda: gate.process.poll() is not None or gate.healthy(), 20)
        gate.stop()
        with open(report, encoding="utf-8") as f:
            killed = '"kill"' in f.read()
        done += killed
        g.until(lambda: not g.listening(gate.port), 5)
        gate.under = []
        gate.start()
        a = gate.agent(path="/s/one/mcp").call("echo")
        gate.stop()
        code, out, err = gate.cli("ledger", "verify", gate.state)
        if not (a.allowed and code == 0):
            g.ok(False, f"parent: killed at {k} of the first start; the next "
                 "one serves", (killed, a, out, err, gate.log()[-900:]))
        if k == at[-1] or not killed:
            tree_holds(gate, "a start over half a first one")
        shutil.rmtree(d, ignore_errors=True)
        if not killed:  # a start has no more of them
            break
    up.stop()
    g.ok(done or not more, f"parent: killed in {done} first starts")
    g.note(f"parent: killed in {done} first starts, at calls from {at[0]} on")
    return done


def segments(seed, after):
    """The parent opens a segment for who was started again, and dies so many
    calls later."""
    h = House(f"{seed}-segments", started=False)
    done = 0
    for n in after:
        h.start("--role", "parent", "--call", "openat", "--path", ".seg",
                "--do", "kill", "--at", "1", "--plus", str(n), serving=True)
        h.kill("judge", "budget")
        g.until(h.ended, 15)
        what = (h.did() or [{}])[0]
        done += what.get("did") == "kill" and h.ended()
        h.restart()
        if what.get("did") != "kill" or not h.flows():
            g.ok(False, f"parent: killed {n} calls after it opened a segment",
                 (what, h.gate.log()[-900:]))
        if n != after[-1]:
            h.gate.stop()
    g.same(done, len(after), f"parent: killed {len(after)} times, {after[0]} "
           f"to {after[-1]} calls after it opened a segment")
    h.check("parent at a segment")
    return done


def commands(_seed, *argv):
    """keys ARGV is killed before each of its calls, over and over what it left,
    till it ends by itself; then a gateway signs with what is there."""
    up = journal.fakes.HttpUpstream("modern")
    gate = g.Gateway({"servers": {"one": {"url": up.url, "era": "modern"}},
                      "cells": 1})
    what = "keys " + " ".join(argv)
    more = ["example.com/log"] if argv[0] == "init" else []
    gate.stop()
    if "--retire" in argv:
        gate.cli("keys", "rotate", gate.state)
        gate.start()
        gate.agent(path="/s/one/mcp").call("echo")
        gate.stop()  # with both keys under its last checkpoint
    keys = os.path.join(gate.state, "keys", "log.key")
    with open(keys, encoding="utf-8") as f:
        before = f.read()
    want = 2 if "--retire" in argv else 3  # lines then, and an empty end
    done, code = 0, -1
    while code < 0 or code > 127:
        done += 1
        if argv[0] == "init":
            shutil.rmtree(gate.state)
            os.mkdir(gate.state, 0o700)
        code = subprocess.run(
            [INJECT, "--role", "parent", "--do", "kill", "--at", str(done),
             "--report", os.path.join(gate.dir, "report"), "--", g.BINARY,
             "keys", *argv, gate.state, *more],
            capture_output=True, timeout=30, check=False).returncode
        if argv[0] == "init":
            continue
        with open(keys, encoding="utf-8") as f:
            now = f.read()
        if not (now == before or len(now.split("\n")) == want):
            g.ok(False, f"{what}, killed at {done}: the old keys or the new",
                 now.count("\n"))
        if code < 0 or code > 127:
            with open(keys, "w", encoding="utf-8") as f:
                f.write(before)
    g.ok(code == 0 and done > 50, f"{what}: killed before each of {done - 1} "
         "calls, then done", code)
    gate.start()
    a = gate.agent(path="/s/one/mcp").call("echo")
    g.ok(a.allowed, f"{what}: and a gateway serves with it", a)
    gate.stop()
    tree_holds(gate, what)
    up.stop()
    return done - 1


def faults(seed, role, call, path, what, every, times):
    name = f"{role} {call} {what}"
    h = House(f"{seed}-{role}-{call}-{what}", "--role", role, "--call", call,
              *(("--path", path) if path else ()), "--do", what, "--every",
              str(every), "--times", str(times))

    def enough():
        if role == "parent":  # who opens a segment for who is started again
            h.kill("judge", "budget")
            time.sleep(0.5)
        return len(h.did()) >= times

    done = g.until(enough, 60 + 3 * times)
    g.ok(done and not h.ended(), f"{name}: {times} times",
         h.said() or h.gate.log()[-900:])
    g.ok(h.flows(), f"{name}: serves again when the disk does",
         h.gate.log()[-2500:])
    h.check(name)
    return times


PIECES = {f.__name__: f for f in (kills, starts, firsts, segments, commands,
                                  faults)}


# ---- what there is to do ----

def counted(role):
    """How many calls the longest life of a role had when the house served."""
    h = House("count", "--role", role, "--do", "count", serving=False)
    h.agents.stop()
    g.until(h.gate.healthy)
    for pid in [int(p) for p in g.descendants(h.gate.process.pid)]:
        os.kill(pid, signal.SIGKILL)
    g.until(h.ended, 5)
    most = next((x["counted"] for x in h.said() if "counted" in x), 0)
    g.ok(most > 0, f"{role}: its calls are counted: {most}", h.gate.log())
    h.end()
    # load has its own; others go on, and a piece ends where a start does
    return most if role == "load" else most + -most % 50


def cut(seq, n=PIECE):
    return [seq[i:i + n] for i in range(0, len(seq), n)]


def plan(every, want, rnd, calls):
    """[(role, piece, arguments)]; every: all there are, else a few; calls:
    how many a role has in a start."""
    out = []
    calls = {r: calls.get(r, 9) for r in (*REACH, "load", "parent")}

    def some(n, few):
        return list(range(1, n + 1)) if every else \
            sorted(rnd.sample(range(1, n + 1), few))

    for role, reach in REACH.items():
        at = some(reach, 5)
        rnd.shuffle(at)
        out += [(role, "kills", role, x) for x in cut(at)]
        out += [(role, "starts", role, x) for x in cut(some(calls[role], 2), 50)]
    out += [("load", "kills", "load", x) for x in cut(some(calls["load"], 4))]
    out += [("parent", "starts", "parent", x) for x in cut(some(calls["parent"], 3), 100)]
    out += [("parent", "firsts", x) for x in cut(some(calls["parent"], 3), 50)]
    out += [("parent", "firsts", [1], "--call", call, "--path", "log.key")
            for call in ("write", "fsync", "renameat")]
    out += [("parent", "segments", [x - 1 for x in y])
            for y in cut(some(40, 2), 20)]
    out += [("keys", "commands", *x) for x in (
        ("init",), ("rotate",), ("rotate", "--retire"))[:3 if every else 1]]
    for *row, times in FAULTS:
        # of some there is one in the life of a cell
        out.append((row[0], "faults", *row,
                    times * (10 if every and times > 1 else 1)))
    return [x for x in out if want in (None, x[0])]


def digest(*paths):
    h = hashlib.sha256()
    for p in paths:
        with open(p, "rb") as f:
            h.update(f.read())
    return h.hexdigest()


def one(seed, row):
    """(passed, injections, what was said) of a piece, by a process of its own."""
    p = subprocess.run(
        [sys.executable, os.path.abspath(__file__), "--seed", seed, "--piece",
         json.dumps(row[1:])], capture_output=True, text=True, check=False,
        timeout=3600)
    last = p.stdout.rsplit("# injected ", 1)
    n = int(last[1].split()[0]) if len(last) == 2 else 0
    return p.returncode == 0 and len(last) == 2, n, p.stdout + p.stderr


def run(a, rows):
    """Each piece is a line; those of the resumed file are not done again."""
    me = [digest(g.BINARY, INJECT, os.path.abspath(__file__)), a.seed]
    before = {}
    if a.resume and os.path.exists(a.resume):
        with open(a.resume, encoding="utf-8") as f:
            before = {json.dumps(x["row"]): x["n"] for x in map(json.loads, f)
                      if x["of"] == me}
    total = passed = 0
    with concurrent.futures.ThreadPoolExecutor(a.jobs) as pool:
        todo = {}
        for row in rows:
            n = before.get(json.dumps(row))
            if n is None:
                todo[pool.submit(one, a.seed, row)] = row
            else:
                total, passed = total + n, passed + n
        g.note(f"{len(rows)} pieces, {len(rows) - len(todo)} of them passed "
               "before")
        for f in concurrent.futures.as_completed(todo):
            row, (fine, n, said) = todo[f], f.result()
            total, passed = total + n, passed + n * fine
            name = " ".join(str(x) for x in row[1:] if not isinstance(x, list))
            lines = said.splitlines()
            g.ok(fine, f"{name}: {n} times, " +
                 "; ".join(x[2:] for x in lines if x.startswith("# " + row[0])),
                 "\n".join(x for x in lines if not x.startswith("ok ")))
            if fine and a.resume:
                with open(a.resume, "a", encoding="utf-8") as f:
                    f.write(json.dumps({"of": me, "row": row, "n": n}) + "\n")
    g.note(f"{total} injections, {passed} passed")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--all", action="store_true")
    p.add_argument("--seed", default=os.environ.get(
        "SEED", str(int(time.time()))))
    p.add_argument("--role", choices=[*REACH, "load", "parent", "keys"])
    p.add_argument("--jobs", type=int, default=3)
    p.add_argument("--resume")
    p.add_argument("--piece")
    a = p.parse_args()
    if platform.machine() != "x86_64":
        g.skip_all("the injector knows x86-64 alone: " + platform.machine())
    if a.piece:
        name, *rest = json.loads(a.piece)
        n = PIECES[name](a.seed, *rest)
        g.note(f"injected {n}")
        g.done()
    g.note(f"seed {a.seed}")
    calls = {r: counted(r) for r in (*REACH, "load", "parent")
             if a.role in (None, r)}
    run(a, plan(a.all, a.role, random.Random(a.seed), calls))
    g.done()


if __name__ == "__main__":
    main()
