#!/usr/bin/env python3
"""The segments against the log of tiles, and the budgets' log among the others:
who wrote one of them anew, chain and headers and all, is found by the other."""
import glob
import json
import os
import shutil
import struct

import fakes
import gatetest as g
import readledger

up = fakes.HttpUpstream("modern")
gate = g.Gateway({"servers": {"up": {"url": up.url, "era": "modern"}},
                  "cells": 1, "budgets": {"day": {"calls": 1000, "lease": 1}}},
                 where=g.directory("tree"))
agent = gate.agent(path="/s/up/mcp")
for _ in range(3):
    g.ok(agent.call("echo").allowed, "a call")
cell = [r for r in gate.records()]
books = readledger.budget_records(gate.state)
N = len(cell) + len(books)


def verify(state=gate.state):
    code, out, err = gate.cli("ledger", "verify", "--json", state)
    return code, json.loads(out) if out else err


g.ok(g.until(lambda: verify()[1].get("log", {}).get("under_checkpoint", 0) >= N,
             10), "under a running gateway all of it comes into the tree",
     verify())
code, out = verify()
g.ok(code == 0 and out["log"]["valid"] and out["log"]["compared"] and
     out["log"]["signed"] and out["budgets"]["records"] == len(books),
     "and it is held against the segments", out)


# What a budget was charged is found as everything else is.
def lines(*words):
    code, out, err = gate.cli("ledger", *words)
    return code, [json.loads(x) for x in out.splitlines()], err


kept = [r for r in books if r["kind"] != "start"]
g.ok(len([r for r in kept if r["kind"] == "charge"]) == 3, "three charges",
     books)
for words in (("grep", gate.state, "--kind", "accounting", "--json"),
              ("query", gate.state, "records", "--kind", "accounting",
               "--json", "--index", g.directory("index"))):
    code, got, err = lines(*words)
    g.ok(code == 0 and got == kept, f"ledger {words[0]} has them", (got, err))
code, got, err = lines("grep", gate.state, "--kind", "charge", "--json")
g.same([r["seq"] for r in got], [r["seq"] for r in kept
                                 if r["kind"] == "charge"], "and by their kind")
code, got, err = lines("grep", gate.state, "--kind", "decision", "--json")
g.same(len(got), 3, "decisions are what they were")
code, out, err = gate.cli("ledger", "tail", "-n", "1000", gate.state)
g.same(out.count(" budgets/"), len(books), "ledger tail names their log")
code, got, err = lines("export", "--format", "ocsf", gate.state)
g.ok([e["metadata"]["uid"] for e in got if e["metadata"]["event_code"] ==
      "charge"] == [f"budgets/{r['seq']}" for r in kept
                    if r["kind"] == "charge"], "and so does an export", got)
code, out, err = gate.cli("ledger", "receipt", "--budgets", gate.state,
                          str(kept[-1]["seq"]))
g.ok(code == 0 and '"kind":"charge"' in out, "a receipt of a charge", (out, err))
gate.stop()


# ---- one side written anew ----

def written_anew(path, change):
    """The records of a segment as change(list of texts) has them, with a chain
    that fits."""
    with open(path, "rb") as f:
        data = f.read()
    nodes = struct.unpack_from("<I", data, 12)[0]
    at = 120 + 32 * nodes + 32
    out, chain, texts = [data[:at]], data[at - 32:at], []
    while at < len(data) and any(data[at:at + 4]):
        n = struct.unpack_from("<I", data, at)[0]
        texts.append(data[at + 8:at + 8 + n])
        at += 40 + n
    for text in change(texts):
        mark = len(text) ^ struct.unpack_from("<I", chain)[0]
        chain = readledger.sha(b"\2", chain, readledger.sha(b"\0", text))
        out.append(struct.pack("<II", len(text), mark) + text + chain)
    with open(path, "wb") as f:
        f.write(b"".join(out))


def bundle_of(state):
    """The newest partial bundle: there is no full one."""
    return max(glob.glob(state + "/log/tile/entries/000.p/*"),
               key=lambda p: int(os.path.basename(p)))


def entries(state):
    out = []
    with open(bundle_of(state), "rb") as f:
        data = f.read()
    while data:
        n = struct.unpack_from(">H", data)[0]
        out.append(data[2:2 + n])
        data = data[2 + n:]
    return out


def copy():
    to = os.path.join(gate.dir, "copy")
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(gate.state, to, ignore=lambda d, names: [
        n for n in names if n.endswith(".sock")])
    return to


def segment(state, name):
    return sorted(glob.glob(f"{state}/ledger/{name}-*.seg"))[0]


code, out = verify(copy())
g.ok(code == 0 and out["log"]["valid"] and out["log"]["waiting"] == 0,
     "a copy is as good", out)
all_of_it = entries(gate.state)
for name, what in (("cell-0", b'"allow"'), ("budget", b'"day"')):
    state = copy()
    victim = [t for t in all_of_it if what in t and
              (b'"charge"' in t) == (name == "budget")][1]
    written_anew(segment(state, name),
                 lambda texts: [t.replace(what, what[:-2] + b'z"')
                                if t == victim else t for t in texts])
    code, out = verify(state)
    g.ok(code == 1 and out["log"]["first_bad"] == all_of_it.index(victim) and
         "the segment was changed" in out["log"]["why"],
         f"a record of {name} changed and chained again: its entry is named",
         out)
    code, text, err = gate.cli("ledger", "verify", state)
    g.ok(code == 1 and text.splitlines()[-1].startswith(
        f"NOT valid: log, entry {all_of_it.index(victim)}: "), "and for people",
        text)
    state = copy()
    written_anew(segment(state, name), lambda texts: texts[:-1])
    code, out = verify(state)
    g.ok(code == 1 and out["log"]["first_bad"] > 0 and not out["log"]["valid"],
         f"the last record of {name} cut off", out)

state = copy()
with open(bundle_of(state), "r+b") as f:
    f.seek(len(all_of_it[0]) + 2 + 10)
    f.write(b"\0")
code, out = verify(state)
g.ok(code == 1 and out["log"]["first_bad"] == 1, "a changed entry is named", out)
with open(state + "/ledger/cell-0-000001.seg", "r+b") as f:
    f.seek(300)
    f.write(b"\0")
code, out = verify(state)
g.ok(code == 1 and not out["cells"][0]["valid"] and
     not out["log"]["compared"], "where both are damaged each is said", out)

state = copy()
shutil.rmtree(state + "/keys")
code, out = verify(state)
g.ok(code == 0 and not out["log"]["signed"],
     "without keys there is nobody to ask whose signature it is", out)
os.makedirs(gate.dir + "/other", exist_ok=True)
gate.cli("keys", "init", gate.dir + "/other", "example.com/other")
shutil.copytree(gate.dir + "/other/keys", state + "/keys")
code, out = verify(state)
g.ok(code == 1 and out["log"]["first_bad"] == 0 and "not signed" in
     out["log"]["why"], "with another's the checkpoint is not its", out)
up.stop()
g.done()
