#!/usr/bin/env python3
"""
What the disk refuses and who is killed, at chosen system calls (t/inject.c):
a role is killed before its k-th call, life after life; the parent is killed
while it opens a segment; writes, syncs and renames of judge, ledger, budget
and tiles fail with ENOSPC or EIO or write half.  Each time calls must flow
again by themselves (the parent's death apart), and in the end the ledger is
held against what an agent and a server wrote down: every call that left is on
record and charged, every answer too, the ledger verifies, and the signed tree
holds every record of every log.

    t/test-inject.py [--all] [--seed S] [--role ROLE]

A few k from a seed; --all: every k that a life of 2 s has (make torture).
"""
import argparse
import json
import os
import platform
import random
import shutil
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import gatetest as g
import journal

INJECT = os.path.join(g.TOP, "build", "t", "inject")
# Roughly how many calls a life has before it is killed for being late.
REACH = {"judge": 700, "ledger": 500, "tiles": 250, "budget": 500}
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

    def __init__(self, name, *options, serving=True):
        """serving: nothing is done before it serves."""
        self.dir = g.directory("inject")
        after = os.path.join(self.dir, "after")
        self.report = os.path.join(self.dir, "report")
        self.up = journal.Upstream(os.path.join(self.dir, "one"))
        under = [INJECT, "--report", self.report, *options,
                 *(("--after", after) if serving else ()), "--"]
        self.gate = g.Gateway({
            "servers": {"one": dict(journal.KEEP, url=self.up.url, era="modern")},
            "cells": 1,
            "budgets": {"calls": {"calls": 10 ** 9, "server": "one",
                                  "lease": 4}}},
            where=self.dir, under=under, wait=False)
        self.agents = journal.Agents(
            self.gate, ["one"], os.path.join(self.dir, "agent"), name,
            threads=3)
        if serving:
            if not self.flows():
                raise SystemExit("it does not serve: " + self.gate.log())
            with open(after, "w", encoding="utf-8"):
                pass

    def said(self):
        try:
            with open(self.report, encoding="utf-8") as f:
                return [json.loads(x) for x in f if x.endswith("\n")]
        except FileNotFoundError:
            return []

    def did(self):
        return [x for x in self.said() if "did" in x]

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

    def restart(self):
        """By hand and without the injector, as a service manager would."""
        g.until(lambda: not g.listening(self.gate.port), 5)
        self.gate.stop()
        self.gate.under = []
        self.gate.start()

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
        key = self.gate.cli("keys", "show", self.gate.state)[1].split("\n")[0]
        code, out, err = self.gate.cli(
            "ledger", "fsck", "--vkey", key,
            os.path.join(self.gate.state, "log"))
        g.ok(code == 0, f"{what}: the tree holds", out[-300:] + err)
        wrong = g.readledger.budget_complaints(self.gate.state)
        code, out, err = self.gate.cli("budgets", "gatehouse.yaml", "--json")
        used = json.loads(out)["budgets"][0]["totals"][0]["used"] \
            if code == 0 else 0
        g.ok(used >= saw and not wrong,
             f"{what}: each call was charged ({used})", (wrong[:3], err))
        self.gate.stop()
        self.up.stop()
        shutil.rmtree(self.dir, ignore_errors=True)


def kills(role, at, seed):
    """Life i of the role ends before its at[i]-th call."""
    h = House(f"{seed}-{role}", "--role", role, "--do", "kill", "--at",
              ",".join(map(str, at)))
    done = g.until(lambda: len(h.did()) >= len(at), 15 + 4 * len(at))
    g.ok(done and h.gate.process.poll() is None,
         f"{role}: killed {len(at)} times", h.gate.log()[-1500:])
    g.ok(h.flows(), f"{role}: and calls flow again", h.gate.log()[-1500:])
    late = sum(x["did"] == "late" for x in h.did())
    calls = sorted({x["call"] for x in h.did()})
    g.note(f"{role}: killed before {len(h.did())} calls ({late} of them "
           f"late), numbers {', '.join(calls)}")
    h.check(role)


def starts(role, at, seed, *more):
    """Dies in a start, which ends it; for the parent, the whole house."""
    h = House(f"{seed}-{role}-{at}", "--role", role, *more, "--do", "kill",
              "--at", str(at), serving=False)
    g.until(lambda: h.did() and h.gate.process.poll() is not None, 15)
    what = h.did()[0] if h.did() else {}
    g.ok(what.get("did") == "kill",
         f"{role}: killed in a start, at {what.get('call')} ({at}, "
         f"{' '.join(more)})", h.gate.log()[-600:])
    h.restart()
    g.ok(h.flows(), f"{role}: and calls flow after the next start",
         h.gate.log()[-1500:])
    h.check(f"{role} in a start, {at}")


def faults(role, call, path, what, every, times, seed):
    name = f"{role} {call} {what}"
    h = House(f"{seed}-{role}-{call}-{what}", "--role", role, "--call", call,
              *(("--path", path) if path else ()), "--do", what, "--every",
              str(every), "--times", str(times))
    def enough():
        if role == "parent":  # who opens a segment for who is started again
            for r in ("judge", "budget"):
                for _, pid in h.gate.roles().get(r, ()):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.5)
        return len(h.did()) >= times

    done = g.until(enough, 60)
    g.ok(done and h.gate.process.poll() is None, f"{name}: {times} times",
         h.said() or h.gate.log()[-900:])
    g.ok(h.flows(), f"{name}: serves again when the disk does",
         h.gate.log()[-2500:])
    h.check(name)


def counted(role):
    """How many calls the longest life of a role has within its 2 s."""
    h = House("count", "--role", role, "--do", "kill", "--at",
              ",".join(["1000000"] * 2))
    g.until(lambda: len(h.did()) == 2, 20)
    most = max((x["k"] for x in h.did()), default=0)
    h.agents.stop()
    h.gate.stop()
    h.up.stop()
    shutil.rmtree(h.dir, ignore_errors=True)
    g.ok(most > 0, f"{role}: has {most} calls in 2 s", most)
    return most


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--all", action="store_true")
    p.add_argument("--seed", default=os.environ.get(
        "SEED", str(int(time.time()))))
    p.add_argument("--role", choices=[*REACH, "parent"])
    a = p.parse_args()
    if platform.machine() != "x86_64":
        g.skip_all("the injector knows x86-64 alone: " + platform.machine())
    g.note(f"seed {a.seed}")
    rnd = random.Random(a.seed)
    for role, reach in REACH.items():
        if a.role not in (None, role):
            continue
        if a.all:
            at = list(range(1, counted(role) + 1))
            for i in range(0, len(at), 60):
                kills(role, at[i:i + 60], f"{a.seed}-{i}")
        else:
            kills(role, [rnd.randrange(1, reach) for _ in range(5)], a.seed)
        for at in range(1, 60, 1 if a.all else 40):
            starts(role, at, a.seed)
    if a.role in (None, "parent"):
        # while it opens segments: the first three, and what follows each
        where = [(k, j) for k in range(1, 4) for j in range(8)]
        for k, j in where if a.all else rnd.sample(where, 2):
            starts("parent", k, a.seed, "--call", "openat", "--path", ".seg",
                   "--plus", str(j))
    for row in FAULTS:
        if a.role in (None, row[0]):
            faults(*row, a.seed)
    g.done()


if __name__ == "__main__":
    main()
