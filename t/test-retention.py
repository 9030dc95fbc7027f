#!/usr/bin/env python3
"""log.retention: what is over it goes while the gateway runs, on record, and
nothing else does; proofs of the rest hold."""
import glob
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import time

import fakes
import gatetest as g

WRITE = os.path.join(g.TOP, "build", "bench", "bench-ledger")
if not os.path.exists(WRITE):
    sys.exit("there is no bench-ledger: make V=rel build/bench/bench-ledger")
RECORDS = 250000  # three segments of 64 MiB, the last one part full, of 2023
FULL = RECORDS // 256 * 256
up = fakes.HttpUpstream("modern")


def config(retention):
    return {"servers": {"up": {"url": up.url, "era": "modern"}}, "cells": 1,
            "log": {"retention": retention}}


gate = g.Gateway(config("400d"), where=g.directory("retention"))
gate.stop()
shutil.rmtree(gate.state)
os.mkdir(gate.state, 0o700)
log = os.path.join(gate.state, "log")
g.same(gate.cli("keys", "init", gate.state, "example.com/old")[0], 0, "a key")
subprocess.run([WRITE, "state", gate.state, str(RECORDS)], check=True,
               stdout=subprocess.DEVNULL)
first = os.path.join(gate.state, "ledger", "cell-0-000001.seg")
key = gate.cli("keys", "show", gate.state)[1].split("\n")[0]


def start(retention):
    gate.config["log"] = {"retention": retention}
    gate.write_config()
    gate.start()


def bundles():
    return len([p for p in glob.glob(log + "/tile/entries/x*/**",
                                     recursive=True) + glob.glob(
        log + "/tile/entries/[0-9]*") if os.path.isfile(p)])


def pruned():
    try:
        with open(log + "/pruned", encoding="utf-8") as f:
            return json.load(f)
    except FileNotFoundError:
        return None


def call():
    g.ok(gate.agent(path="/s/up/mcp").call("echo").allowed, "a call")


# How far it is, for who waits at a terminal.  (It is stopped for longer than
# progress waits before it is shown.)
def watched(*words, then=()):
    master, slave = pty.openpty()
    p = subprocess.Popen([g.BINARY, *words], stdout=subprocess.DEVNULL,
                         stderr=slave)
    os.close(slave)
    time.sleep(0.05)
    p.send_signal(signal.SIGSTOP)
    time.sleep(1.2)
    for s in (*then, signal.SIGCONT):
        p.send_signal(s)
    text = b""
    while True:
        try:
            part = os.read(master, 4096)
        except OSError:
            break
        if not part:
            break
        text += part
    os.close(master)
    return p.wait(120), text.decode()


for words in (("ledger", "verify", gate.state),
              ("ledger", "fsck", "--vkey", key, log)):
    code, text = watched(*words)
    g.ok(code == 0 and " % of " in text and text.endswith("\r\x1b[K"),
         f"{words[1]} says how far it is, and wipes it", (code, text))
    code, text = watched(*words, "--json")
    g.same((code, text), (0, ""), "but not with --json")
    code, text = watched(*words, then=(signal.SIGINT,))
    g.same(code, -signal.SIGINT, "and can be interrupted")

# Nothing goes before its time: the records are of 2023.
before = bundles()
start("30000d")
call()
time.sleep(4)
g.ok(pruned() is None and bundles() >= before and os.path.exists(first) and
     not [r for r in gate.records() if r["kind"] == "prune"],
     "what is younger than log.retention stays", pruned())
gate.stop()

# The tree of what is older goes.  The segment was written to just now: whoever
# says that it is old, the parent does not remove it.
start("1h")
call()
g.ok(g.until(lambda: (pruned() or {}).get("minimum") == FULL, 90),
     "entries over it go while the gateway runs", (pruned(), gate.log()[-800:]))
call()
kept = [r for r in gate.records() if r["seq"] > RECORDS]
mine = [r for r in kept if r["kind"] == "prune"]
g.ok(mine and mine[-1]["minimum"] == FULL and mine[-1]["cells"][0] == 2 and
     all(a["minimum"] <= b["minimum"] for a, b in zip(mine, mine[1:])),
     "on record, in its order", mine)
g.ok(g.until(lambda: bundles() < before / 100, 10), "and the files with them",
     bundles())
g.ok(os.path.exists(first), "a segment that was written to since stays")
gate.stop()

# So the next start removes it, once it is as old as it says.
os.utime(first, (1.7e9, 1.7e9))
second = first.replace("0001.seg", "0002.seg")
os.utime(second, (1.7e9, 1.7e9))
start("1h")
g.ok(g.until(lambda: not os.path.exists(first), 20), "an old one goes",
     gate.log()[-800:])
g.ok(os.path.exists(second), "one that a start reads stays, however old")
call()


def checked():
    code, out, err = gate.cli("ledger", "verify", "--json", gate.state,
                              timeout=300)
    return code, json.loads(out) if out else err


code, out = checked()
g.ok(code == 0 and out["cells"][0]["pruned"] > 0 and out["log"]["compared"] and
     out["log"]["pruned"] == FULL, "verify holds and says what is gone", out)
code, out, err = gate.cli("ledger", "fsck", "--json", "--vkey", key, log)
g.ok(code == 0 and json.loads(out)["pruned"] == FULL, "so does fsck", out)
with open(os.path.join(gate.dir, "trust"), "w") as f:
    f.write(gate.cli("keys", "show", "--trust", gate.state)[1])
code, out, err = gate.cli("ledger", "receipt", gate.state, str(mine[0]["seq"]))
with open(os.path.join(gate.dir, "r"), "w") as f:
    f.write(out)
g.same(gate.cli("verify", "receipt", "--trust",
                os.path.join(gate.dir, "trust"),
                os.path.join(gate.dir, "r"))[0], 0, "and receipts of the rest")
code, out, err = gate.cli("ledger", "receipt", gate.state, "8")
g.ok(code == 1 and "pruned" in err, "there is none of what went", err)

# A file that says more than the records is refused as ever.
gate.stop()
with open(log + "/pruned", encoding="utf-8") as f:
    text = f.read()
with open(log + "/pruned", "w", encoding="utf-8") as f:
    f.write(text.replace(f'"minimum":{FULL}', f'"minimum":{FULL + 256}'))
code, out = checked()
g.ok(code == 1 and not out["valid"], "but not what no record says went", out)
up.stop()
g.done()
