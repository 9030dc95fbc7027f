"""The log of tiles: what cells and role budget wrote comes into one tree under
signed checkpoints; receipts; a killed role; a rotated key; a ledger that was rolled
back does not start."""
import glob
import json
import os
import re
import shutil
import signal
import time

import fakes
import gatetest as g

up = fakes.HttpUpstream("modern")
gate = g.Gateway({"servers": {"up": {"url": up.url, "era": "modern"}},
                  "cells": 2,
                  "budgets": {"calls": {"calls": 10 ** 6, "lease": 4}}})
log = os.path.join(gate.state, "log")


def checkpoint():
    try:
        with open(os.path.join(log, "checkpoint"), encoding="utf-8") as f:
            return f.read()
    except FileNotFoundError:
        return ""


def size():
    lines = checkpoint().split("\n")
    return int(lines[1]) if len(lines) > 1 else 0


def cli(*args):
    return gate.cli(*args)


def key(*more):
    return cli("keys", "show", *more, gate.state)[1]


def sound():
    code, out, err = cli("ledger", "fsck", "--vkey", key().split("\n")[0], log)
    return code == 0 and out.rstrip().split("\n")[-1].startswith("valid"), \
        out[-300:] + err


def calls(n):
    for _ in range(n):
        gate.agent(path="/s/up/mcp").call("echo")


def charges():
    return g.readledger.budget_records(gate.state)


def written():
    return len(gate.records()) + len(charges())


def all_in():
    """Every record of every log is under the checkpoint."""
    return g.until(lambda: size() == written(), 10)


calls(300)
g.ok(all_in(), "every record comes under a signed checkpoint",
     f"{size()} of {written()}")
g.ok(sound()[0], "the log holds, entry by entry", sound()[1])
g.ok(glob.glob(log + "/tile/entries/000"), "a full bundle stands")
g.ok(not os.path.exists(log + "/tile/entries/000.p"),
     "what it replaced is gone")

# Receipts, by the program's verifier.
with open(os.path.join(gate.dir, "trust"), "w") as f:
    f.write(key("--trust"))
whose = [(r, f"cell {r['cell']}", ("--cell", str(r["cell"])))
         for r in gate.records()[:2] + gate.records()[-2:]]
whose += [(r, "budgets", ("--budgets",))
          for r in charges()[:2] + charges()[-2:]]
g.ok({"start", "charge"} <= {r["kind"] for r in charges()},
     "the budgets' log has charges")
for r, name, option in whose:
    code, out, err = cli("ledger", "receipt", *option, gate.state,
                         str(r["seq"]))
    path = os.path.join(gate.dir, "receipt")
    with open(path, "w") as f:
        f.write(out)
    g.same(json.loads(re.search("^record (.*)$", out, re.M).group(1)), r,
           f"a receipt of record {r['seq']} of {name}")
    code, said, err = cli("verify", "receipt", "--trust",
                          os.path.join(gate.dir, "trust"), path)
    g.same(code, 0, "is valid")
with open(path, "w") as f:
    f.write(out.replace('"kind":"', '"kind":"x'))
g.ok(cli("verify", "receipt", "--trust", os.path.join(gate.dir, "trust"),
         path)[0] != 0, "changed it is not")
g.same(cli("ledger", "receipt", gate.state, "999999")[0], 1,
       "a record that is not there has none")

# What the log's files do not prove is not printed.
changed = g.directory("changed")
shutil.copytree(log, os.path.join(changed, "log"))
for r, name, option in (whose[0], whose[4]):
    ask = ("ledger", "receipt", *option, changed, str(r["seq"]))
    code, out, err = cli(*ask)
    g.ok(code == 0 and out, f"a copy of the log is as good: {name}", err)
    stamp, hit = b'"time":%d' % r["time"], 0
    for path in glob.glob(changed + "/log/tile/entries/**/*", recursive=True):
        if not os.path.isfile(path):
            continue
        with open(path, "rb") as f:
            data = f.read()
        if stamp in data:
            hit += 1
            last = b"1" if stamp[-1:] == b"0" else b"0"
            with open(path, "wb") as f:
                f.write(data.replace(stamp, stamp[:-1] + last))
    code, out, err = cli(*ask)
    g.ok(hit > 0 and code == 4 and out == "" and "do not prove entry" in err
         and "fsck" in err, f"a byte of a record of {name} in its bundle is "
         "changed: no receipt", (hit, code, out, err))

# Killed in the middle of its work, again and again.
for role in ("tiles", "keys", "budget") * 3:
    os.kill(gate.roles()[role][0][1], signal.SIGKILL)
    calls(40)
    g.until(lambda: role in gate.roles(), 5)
g.ok(all_in(), "killed nine times, the tree is whole again",
     gate.log()[-1500:])
g.ok(sound()[0], "and holds", sound()[1])

# A start goes on; another key signs beside the first, and then alone.
first = key().strip()
gate.stop()
before = size()
g.same(before, written(), "what was written last is in it at the end")
g.same(cli("keys", "rotate", gate.state)[0], 0, "the key is rotated")
code, out, err = cli("keys", "rotate", "--retire", gate.state)
g.ok(code == 1 and "not signed by the newest" in err and key().count("\n") == 2,
     "the older one stays while all that is signed is signed by it", out + err)
gate.start()
calls(20)
g.ok(all_in() and size() > before, "a second life goes on in the same tree")
g.same(checkpoint().count("\n— "), 2, "and both keys sign")
second = key().split("\n")[0]
for k in (first, second):
    g.same(cli("ledger", "fsck", "--vkey", k, log)[0], 0,
           f"who trusts {k[-12:]} believes")
g.same(cli("keys", "rotate", "--retire", gate.state)[0], 0, "the older retires")
g.same(cli("keys", "rotate", "--retire", gate.state)[0], 1,
       "the last one cannot")
g.same(cli("keys", "init", gate.state, "example.com/other")[0], 1,
       "and a log keeps its name")
gate.stop()
gate.start()
calls(5)
g.ok(all_in(), "a third life")
g.same(checkpoint().count("\n— "), 1, "one key signs")
g.same(cli("ledger", "fsck", "--vkey", first, log)[0], 1,
       "who trusts only the older one is told")

# Rolled back: nothing starts, and says why; restored, it does.
gate.stop()
kept = gate.dir + "/kept"
shutil.copytree(gate.state, kept)


def refuses(what, *words):
    before = len(gate.log())
    gate.start(wait=False)
    g.until(lambda: gate.process.poll() is not None, 10)
    said = gate.log()[before:]
    g.ok(gate.process.poll() not in (None, 0) and
         all(w in said for w in words), what, said)
    gate.stop()
    shutil.rmtree(gate.state)
    shutil.copytree(kept, gate.state)


last = sorted(glob.glob(gate.state + "/ledger/cell-0-*.seg"))[-1]
os.truncate(last, 0)
refuses("a cell whose newest records are gone is refused", "rolled back")
last = sorted(glob.glob(gate.state + "/ledger/budget-*.seg"))[-1]
os.truncate(last, 0)
refuses("budgets whose newest charges are gone are refused", "budgets",
        "rolled back")
with open(log + "/merged", "w") as f:
    f.write('{"cells":[1,1],"size":2}\n')
refuses("a tree smaller than was signed is refused", "rolled back")
os.unlink(log + "/merged")
refuses("one whose state is gone too", "rolled back")
other = checkpoint().replace("gatehouse.invalid/", "gatehouse.invalid/x")
with open(log + "/checkpoint", "w", encoding="utf-8") as f:
    f.write(other)
refuses("another log's checkpoint is refused", "none of this log's")
gate.start()
calls(5)
g.ok(all_in(), "restored, it goes on")
g.ok(sound()[0], "and holds", sound()[1])
gate.stop()

# A log of a program that did not take the budgets' records takes them now.
old = g.Gateway({"servers": {"up": {"url": up.url, "era": "modern"}}})
old.agent(path="/s/up/mcp").call("echo")
log = os.path.join(old.state, "log")
g.ok(g.until(lambda: size() == len(old.records()), 10), "without budgets")
old.stop()
with open(log + "/merged") as f:
    text = f.read()
with open(log + "/merged", "w") as f:
    f.write(text.replace('"budget":0,', ""))
old.config["budgets"] = {"calls": {"calls": 10}}
old.write_config()
old.start()
old.agent(path="/s/up/mcp").call("echo")
gate = old
g.ok('"budget":0,' in text and all_in() and charges(),
     "with budgets, over a log that did not know them", text)
old.stop()

# A name of the operator's.
named = os.path.join(gate.dir, "named")
code, out, err = cli("keys", "init", named, "example.com/gatehouse")
g.ok(code == 0 and out.startswith("example.com/gatehouse+"),
     "a log can be named before its first run", out + err)
g.same(cli("keys", "init", named + "2", "no good name")[0], 2,
       "not with spaces")
g.done()
