#!/usr/bin/env python3
"""Exports: every record of every kind in OCSF and OTLP, the same bytes each
time, and nothing held; CoSAI's evidence record of our own runs, which its
verifier accepts, and changed does not."""
import base64
import copy
import hashlib
import json
import os
import subprocess
import time

import exports
import fakes
import gatetest as g
import readledger
import writeledger

d = g.directory("export")
exports.make(d)


def run(*args, where="ledger"):
    p = subprocess.run([g.BINARY, where, *args], capture_output=True, text=True,
                       timeout=120)
    return p.returncode, p.stdout, p.stderr


def export(form, *args, state=d):
    code, out, err = run("export", "--format", form, *args, state)
    return code, [json.loads(x) for x in out.splitlines()], err


def flat(attributes):
    return {a["key"]: next(iter(a["value"].values())) for a in attributes}


def log_records(lines):
    return [r for line in lines for resource in line["resourceLogs"]
            for scope in resource["scopeLogs"] for r in scope["logRecords"]]


records = sorted(readledger.records(d),
                 key=lambda r: (r["time"], r["cell"], r["seq"]))
jcs = [json.dumps(r, sort_keys=True, separators=(",", ":")) for r in records]
leaves = [readledger.sha(b"\0", x.encode()).hex() for x in jcs]

# --- OCSF -------------------------------------------------------------------
code, events, err = export("ocsf")
g.ok(code == 0 and [e["raw_data"] for e in events] == jcs,
     "OCSF: every record is an event, and in it as it stands", err)
g.same([e["unmapped"]["leaf_hash"] for e in events], leaves,
       "with its leaf hash")
by = {(r["cell"], r["seq"]): e for r, e in zip(records, events)}
e = by[0, 5]
g.same((e["class_uid"], e["action_id"], e["disposition_id"], e["status"],
        e["severity"]), (6003, 1, 1, "Unknown", "Informational"),
       "an allowed call is API Activity, allowed, and no success yet")
g.same({k: e["unmapped"][k] for k in (
    "correlation_id", "mcp_method", "mcp_name", "delegation_path",
    "attestation_state")},
    {"correlation_id": "0/5", "mcp_method": "tools/call", "mcp_name": "read",
     "delegation_path": ["carl", "ann", "robot"],
     "attestation_state": "not_available"}, "with the fields that are asked for")
e = by[0, 6]
g.same((e["unmapped"]["correlation_id"], e["status"], e["api"]["operation"],
        e["actor"]["app_name"], e["unmapped"]["delegation_path"]),
       ("0/5", "Success", "tools/call", "robot", ["carl", "ann", "robot"]),
       "its outcome has what its decision says")
g.same((by[0, 7]["action"], by[0, 7]["status"], by[0, 8]["disposition"],
        by[0, 8]["action"]), ("Denied", "Failure", "Delayed", "Denied"),
       "a denial, and a call that is held")
g.same([by[0, n]["class_uid"] for n in (1, 2, 3, 4, 15, 17, 18)],
       [6002, 3004, 3002, 3004, 3004, 2004, 6003], "the other classes")
g.same({e["class_uid"] for e in events
        if e["raw_data"].find('"never-heard-of"') > 0}, {0},
       "a kind that nobody knows is a base event")

# --- OTLP -------------------------------------------------------------------
code, lines, err = export("otlp-json")
got = log_records(lines)
g.ok(code == 0 and [r["body"]["stringValue"] for r in got] == jcs,
     "OTLP: every record is a log record, and in it as it stands", err)
g.same([r["timeUnixNano"] for r in got],
       [str(r["time"] * 1000) for r in records], "at its time")
a = flat(got[records.index(next(r for r in records if r["seq"] == 6))]
         ["attributes"])
g.same([a.get(k) for k in ("correlation_id", "mcp_method", "mcp_name",
                           "attestation_state", "gen_ai.tool.name",
                           "gen_ai.operation.name", "mcp.session.id")],
       ["0/5", "tools/call", "read", "not_available", "read", "execute_tool",
        "s1"], "with the names of the conventions, and those asked for")
g.same([v["stringValue"] for v in a["delegation_path"]["values"]],
       ["carl", "ann", "robot"], "and the path of delegation")
g.ok(all(len(log_records([x])) <= 64 for x in lines) and len(lines) ==
     (len(records) + 63) // 64, "at most 64 to a line")

# --- both -------------------------------------------------------------------
for form in ("ocsf", "otlp-json", "cosai-containment"):
    g.same(run("export", "--format", form, d), run("export", "--format", form,
                                                   d), f"{form}: same bytes")
code, events, _ = export("ocsf", "--verdict", "deny")
g.same([json.loads(e["raw_data"]) for e in events],
       [r for r in records if r.get("verdict") == "deny"], "filters apply")
code, out, _ = run("tail", "--format", "ocsf", "-n", "3", d)
g.same([json.loads(x)["raw_data"] for x in out.splitlines()], jcs[-3:],
       "tail --format ocsf")
code, out, _ = run("tail", "--format", "otlp-json", "-n", "3", d)
g.same([r["body"]["stringValue"] for r in log_records(
    map(json.loads, out.splitlines()))], jcs[-3:], "tail --format otlp-json")
for args, want in ((("export", d), 2), (("export", "--format", "x", d), 2),
                   (("tail", "--format", "cosai-containment", d), 2),
                   (("export", "--format", "ocsf", "/nonexistent"), 3)):
    g.same(run(*args)[0], want, f"exit {want}: {' '.join(args[:3])}")

# --- CoSAI ------------------------------------------------------------------
signer = run("show", d, where="keys")[1].strip()


def verify(document, *more):
    path = os.path.join(d, "evidence.json")
    with open(path, "w", encoding="utf-8") as f:
        f.write(document if isinstance(document, str) else
                json.dumps(document))
    code, out, err = run("evidence", "--json", *more, path, where="verify")
    return code, json.loads(out) if out else err


def canonical(value):
    """RFC 8785 of what we write: no floats, no surrogate pairs as keys."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"),
                      ensure_ascii=False).encode()


code, out, err = run("export", "--format", "cosai-containment", d)
g.same(code, 0, "CoSAI: an evidence record is written")
document = json.loads(out)
decided = [r for r in records if r["kind"] == "decision" and
           r.get("verdict") in ("allow", "deny", "hold") and r["seq"] < 15]
code, got = verify(out, "--signer", signer)
g.ok(code == 1, "decisions that say nothing are no evidence: refused", got)

sound = [r for r in exports.records()[:18]]
s = g.directory("sound")
exports.make(s, sound)
signer = run("show", s, where="keys")[1].strip()
code, out, err = run("export", "--format", "cosai-containment", s)
code, got = verify(out, "--signer", signer)
g.ok(code == 0 and got["pinned"], "verify evidence accepts our own run", got)
plain = base64.urlsafe_b64encode(base64.b64decode(
    signer.split("+", 2)[2])[1:]).decode().rstrip("=")
g.same(verify(out, "--signer", plain)[0], 0, "under the bare key too")
g.same(verify(out, "--signer", run("show", d, where="keys")[1].strip())[0], 1,
       "not under another log's")
document = json.loads(out)
entries = document["entries"]
kinds = [e["kind"] for e in entries]
g.same([kinds.count(k) for k in ("enforcement_decision", "accounting_decision",
                                 "outcome")], [6, 6, 3],
       "every decision, what was charged for it, every outcome")
g.same((got["decisions"], got["outcomes"], got["unknown"]), (6, 3, 1),
       "and the call without an outcome is unknown")
prev = ""
for n, e in enumerate(entries):
    rest = {k: v for k, v in e.items() if k != "entry_hash"}
    prev = "sha256:" + hashlib.sha256(canonical(rest)).hexdigest() \
        if e["index"] == n and e["prev_hash"] == prev else "broken"
    if prev != e["entry_hash"]:
        break
g.same(prev, document["sequence"]["checkpoint"]["entry_hash"],
       "its chain, counted here again")
one = entries[0]
g.same((one["principal"]["id"], one["actor"]["actor_id"],
        one["subject"]["subject_id"], one["actor"]["verification"]["status"],
        one["subject"]["verification"]["status"], one["policy"]["version"],
        one["action_id"], one["decision"]["verdict"],
        one["request_digest"]["commitment"]["_sd"][0]),
       ("robot", "robot", "carl", "verified", "not_verified",
        "sha256:" + exports.D2, "0/5", "allow", "A" * 43),
       "who, for whom, under what, what and how")
g.same(one["assurance_boundary"]["statement"], sound[1]["statement"],
       "the boundary's statement as it was recorded")


def other(value):
    if isinstance(value, bool) or value is None:
        return not value
    return value + "x" if isinstance(value, str) else value + 1


def leaves_of(value, way=()):
    if isinstance(value, (dict, list)) and value:
        for k, v in (value.items() if isinstance(value, dict)
                     else enumerate(value)):
            yield from leaves_of(v, (*way, k))
    elif not isinstance(value, (dict, list)):
        yield way


accepted = []
ways = [w for w in leaves_of(document) if w[0] == "entries" or
        w[:2] == ("sequence", "checkpoint")]
for way in ways:
    changed = copy.deepcopy(document)
    at = changed
    for step in way[:-1]:
        at = at[step]
    at[way[-1]] = other(at[way[-1]])
    if verify(changed, "--signer", signer)[0] != 1:
        accepted.append(way)
g.ok(not accepted and len(ways) > 300,
     f"each of {len(ways)} values, changed: refused", accepted[:3])
code, out, err = run("export", "--format", "cosai-containment", "--kind",
                     "outcome", s)
g.ok(code == 1 and out == "" and "no decision" in err,
     "outcomes alone are no evidence", err)
code, out, err = run("export", "--format", "cosai-containment", "--session",
                     "s1", s)
code, got = verify(out, "--signer", signer)
g.ok(code == 0 and "of session s1" in json.loads(out)["sequence"]["checkpoint"]
     ["collection_scope"]["declared"], "a part says what it is a part of", got)
many = g.directory("many")
exports.make(many, sound[:4] + [exports.decision("allow")] * 6000)
code, out, err = run("export", "--format", "cosai-containment", many)
g.ok(code == 4 and out == "" and "--since" in err,
     "more than a verifier takes is refused, with the remedy", err)
code, out, err = run("export", "--format", "cosai-containment", "/nonexistent")
g.same(code, 3, "no ledger there")
at = os.path.join(many, "ledger", "cell-0-000001.seg")
with open(at, "r+b") as f:
    f.seek(5000)
    f.write(b"XX")
code, out, err = run("export", "--format", "cosai-containment", many)
g.ok(code == 1 and out == "" and "nothing is signed" in err,
     "of a ledger that is not valid nothing is signed", err)

# --- a running gateway --------------------------------------------------------
up = fakes.HttpUpstream("modern")
gate = g.Gateway({"servers": {"up": {"url": up.url, "era": "modern"}},
                  "cells": 2,
                  "rules": [{"deny": {"name": "slow"}, "id": "no-slow"},
                            {"allow": {}, "id": "everything"}],
                  "budgets": {"day": {"calls": 50, "per": "principal",
                                      "window": "1h"}}},
                 agents={"robot": "tok-robot-1234567890"})
agent = gate.agent(token="tok-robot-1234567890")
agent.modern("tools/list")
for tool in ("up___echo", "up___slow", "up___echo", "up___nothing"):
    agent.call(tool)
gate.agent(token="nobody").call("up___echo")
signer = run("show", gate.state, where="keys")[1].strip()
code, out, err = run("export", "--format", "cosai-containment", gate.state)
code, got = verify(out, "--signer", signer)
decided = [r for r in gate.records() if r["kind"] == "decision"]
g.ok(code == 0 and got["decisions"] == len(decided) >= 5,
     "a real run: verify evidence accepts it", got)
gate.stop()

# --- nothing is held ------------------------------------------------------------
big = g.directory("big")
writeledger.write(os.path.join(big, "ledger"), [
    exports.decision("allow") if n % 2 == 0 else
    {"kind": "outcome", "decision": n, "status": "answered"}
    for n in range(60000)])
size = os.path.getsize(os.path.join(big, "ledger", "cell-0-000001.seg"))


def anonymous(form):
    """The most memory of its own that an export took, and its lines."""
    p = g.start([g.BINARY, "ledger", "export", "--format", form, big],
                stdout=subprocess.PIPE)
    most = lines = 0
    at = time.monotonic()
    for line in p.stdout:
        lines += 1
        if time.monotonic() - at > 0.05:
            at = time.monotonic()
            try:
                with open(f"/proc/{p.pid}/status", encoding="ascii") as f:
                    most = max([most] + [int(x.split()[1]) for x in f
                                         if x.startswith("RssAnon")])
            except OSError:
                pass
    return most * 1024, lines, p.wait(10)


for form in ("ocsf", "otlp-json"):
    most, lines, code = anonymous(form)
    g.ok(code == 0 and lines >= 60000 / 64 and 0 < most < size / 3,
         f"{form}: {size} bytes of ledger, and no third of it held", most)
g.done()
