"""Retention: what is old, signed and read by no start goes; what is kept is
proved as before; what went is on record; and no file makes it look so that was
not."""
import glob
import json
import os
import re
import shutil
import subprocess
import sys

import fakes
import gatetest as g

WRITE = os.path.join(g.TOP, "build", "bench", "bench-ledger")
if not os.path.exists(WRITE):
    sys.exit("there is no bench-ledger: make V=rel build/bench/bench-ledger")
RECORDS = 250000  # three segments of 64 MiB, the last one part full
up = fakes.HttpUpstream("modern")
gate = g.Gateway({"servers": {"up": {"url": up.url, "era": "modern"}},
                  "cells": 1, "budgets": {"calls": {"calls": 10 ** 6}}})
gate.stop()
shutil.rmtree(gate.state)
os.mkdir(gate.state, 0o700)
log = os.path.join(gate.state, "log")
cli = gate.cli
g.same(cli("keys", "init", gate.state, "example.com/prune")[0], 0, "a key")
subprocess.run([WRITE, "state", gate.state, str(RECORDS)], check=True,
               stdout=subprocess.DEVNULL)
key = cli("keys", "show", gate.state)[1].split("\n")[0]
with open(os.path.join(gate.dir, "trust"), "w") as f:
    f.write(cli("keys", "show", "--trust", gate.state)[1])


def size():
    with open(os.path.join(log, "checkpoint"), encoding="utf-8") as f:
        return int(f.read().split("\n")[1])


def call(n=1):
    for _ in range(n):
        g.ok(gate.agent(path="/s/up/mcp").call("echo").allowed, "a call")


def files():
    return {f: os.path.getsize(f) for f in glob.glob(
        gate.state + "/**/*", recursive=True) if os.path.isfile(f)}


def prune(*more):
    when = () if "--before" in more else ("--before", "2026-01-01")
    return cli("ledger", "prune", *when, *more, gate.state)


def fsck():
    code, out, err = cli("ledger", "fsck", "--json", "--vkey", key, log,
                         timeout=120)
    return code, json.loads(out)


def verify():
    code, out, err = cli("ledger", "verify", "--json", gate.state, timeout=120)
    return code, json.loads(out)


def receipt(seq):
    code, out, err = cli("ledger", "receipt", gate.state, str(seq))
    path = os.path.join(gate.dir, "receipt")
    with open(path, "w", encoding="utf-8") as f:
        f.write(out)
    return code, path, err


def valid(path):
    return cli("verify", "receipt", "--trust",
               os.path.join(gate.dir, "trust"), path)[0]


gate.start()
call(3)
code, out, err = prune()
g.ok(code == 1 and "stop the gateway" in err, "not under a running gateway",
     err)
gate.stop()
lock = os.path.join(gate.state, "lock")
os.rename(lock, lock + ".kept")
held = files()
code, out, err = prune()
g.ok(code == 1 and "no file lock" in err and "in use" not in err and
     files() == held, "nor where there is no lock to hold", (code, err))
os.symlink("lock.kept", lock)
code, out, err = prune()
g.ok(code == 4 and "lock" in err and "in use" not in err,
     "nor where it cannot be opened", (code, err))
os.rename(lock + ".kept", lock)
code, old, _ = receipt(7)
g.same(code, 0, "a receipt of an old record")
os.rename(old, old + ".old")
before, bytes_before = files(), sum(files().values())
g.same(cli("ledger", "prune", gate.state)[0], 2, "--before is needed")
g.same(prune("--before", "yesterday")[0], 2, "as a time")
code, out, err = prune("--dry-run", "--json")
planned = json.loads(out)
g.ok(code == 0 and not planned["pruned"] and files() == before,
     "--dry-run changes nothing", err)
g.ok(planned["segments"] == 1 and
     planned["minimum"] == RECORDS // 256 * 256,
     "one segment may go, for a start reads the others; all full bundles",
     planned)

# It goes.
code, out, err = prune("--json")
done = json.loads(out)
g.ok(code == 0 and done == dict(planned, pruned=True), "it goes as planned",
     (done, planned, err))
g.ok(sum(files().values()) < bytes_before - done["segment_bytes"] -
     done["entries"] * 600, "and the disk has it back")
code, out = fsck()
g.ok(code == 0 and out["valid"] and out["pruned"] == done["minimum"] and
     out["hold"] == out["size"] - done["minimum"],
     "fsck: valid, and says what was pruned", out)
code, out, err = cli("ledger", "fsck", "--vkey", key, log)
g.ok("may still conclude of 249856 pruned" in out, "and what that means", out)
code, out = verify()
first = done["segment_records"] + 1
g.ok(code == 0 and out["valid"] and
     out["cells"][0]["pruned"] == first - 1 and
     not out["cells"][0]["unmatched_outcomes"], "verify: likewise", out)
g.same(valid(old + ".old"), 0, "a receipt from before is as good as ever")
code, _, err = receipt(8)
g.ok(code == 1 and "pruned" in err, "there is none any more of what went", err)
code, out, err = cli("ledger", "show", gate.state, str(first))
g.same(code, 0, "the first record that is kept is shown")

# A start over it; its records, and the one of the pruning, come into the tree.
gate.start()
call(3)
kept = [r for r in gate.records() if r["seq"] >= first]
mine = [r for r in kept if r["kind"] == "prune"]
g.ok(len(mine) == 1 and mine[0]["minimum"] == done["minimum"] and
     mine[0]["cells"] == [2], "the pruning is on record", mine)
charges = g.readledger.budget_records(gate.state)
g.ok(g.until(lambda: size() == first - 1 + len(kept) + len(charges), 10),
     "a start goes on in the same tree",
     f"{size()} of {first - 1 + len(kept) + len(charges)}")
for seq in (mine[0]["seq"], kept[-1]["seq"]):
    code, path, err = receipt(seq)
    g.ok(code == 0 and valid(path) == 0, f"a receipt of record {seq}", err)
code, out, err = cli("budgets", "gatehouse.yaml", "--json")
g.same(json.loads(out)["budgets"][0]["totals"][0]["used"] >= 6, True,
       "and what was charged is known")
g.ok(fsck()[0] == 0 and verify()[0] == 0, "all holds")
gate.stop()
code, out, err = prune("--json")
again = json.loads(out)
g.ok(code == 0 and again["segments"] == 0 and again["entries"] == 0 and
     len([r for r in gate.records() if r["kind"] == "prune"]) == 1,
     "again there is nothing to do, and no record of it", again)

# What is not so.
kept = gate.dir + "/kept"
shutil.copytree(gate.state, kept)


def refused(what, ask, *words):
    code, out = ask()
    g.ok(code == 1 and not out["valid"] and
         all(w in json.dumps(out) for w in words), what, out)
    shutil.rmtree(gate.state)
    shutil.copytree(kept, gate.state)


with open(log + "/pruned") as f:
    text = f.read()
for was, now, what in (
        ('"cells":[2]', '"cells":[3]', "a segment more"),
        ('"minimum":249856', '"minimum":250112', "more of the log"),
        ('"budget":1', '"budget":2', "a segment of the budgets")):
    with open(log + "/pruned", "w") as f:
        f.write(text.replace(was, now))
    code, out, err = cli("ledger", "verify", gate.state, timeout=120)
    g.ok(was in text and code == 1 and "prune" in out,
         f"a file that says that {what} went is nobody's word", out)
os.unlink(log + "/pruned")
refused("without the file the segments are missing", verify, "missing")
os.unlink(log + "/pruned")
refused("and so are the bundles", fsck, "missing")
for path in glob.glob(log + "/tile/entries/976.p/*"):
    os.unlink(path)
refused("what is above the minimum index is missing when it is gone", fsck,
        "missing", "249856")
gate.start()
call()
gate.stop()
up.stop()
g.done()
