"""What a decision record says besides the decision: every field that evidence
needs is there, says that there is none, or says why that is not known; and what
it refers to is on record."""
import hashlib
import json
import os
import signal

import fakes
import gatetest as g
import readledger
import writeledger

up = fakes.HttpUpstream("modern")
DIR = g.directory("records")


def write(name, text):
    with open(os.path.join(DIR, name), "w") as f:
        f.write(text)


INVENTORY = {"agents": {"bot": {"acts_for": "ann"}, "lone": {}},
             "users": {"ann": {}, "joe": {}}, "servers": {"up": {}},
             "tools": {"up/*": {}}}
write("i.yaml", json.dumps(INVENTORY))
gate = g.Gateway({"servers": {"up": {"url": up.url, "era": "modern"}},
                  "inventory": "i.yaml", "cells": 1,
                  "excluded": ["the operator's own shell"]},
                 agents={"bot": "t1", "lone": "t2"}, where=DIR)
bot = gate.agent(path="/s/up/mcp", token="t1")
lone = gate.agent(path="/s/up/mcp", token="t2")
thief = gate.agent(path="/s/up/mcp", token="t3")


def decisions(**want):
    return [r for r in gate.records() if r["kind"] == "decision" and
            all(r.get(k) == v for k, v in want.items())]


def last(**want):
    g.until(lambda: decisions(**want))
    return decisions(**want)[-1]


g.ok(bot.call("echo", {"text": "a"}).allowed, "a call before any list")
g.ok("not_established" in last(name="echo")["catalogue"],
     "what list it was made from is not established")
listed = bot.modern("tools/list").result["tools"]
g.ok(bot.call("echo", {"text": "b"}).allowed, "one after it")
own = hashlib.sha256(json.dumps(
    listed, sort_keys=True, ensure_ascii=False,
    separators=(",", ":")).encode()).hexdigest()
g.same(last(name="echo")["catalogue"], own,
       "then it is the digest of the list as the agent has it")
g.ok(lone.call("echo", {"text": "c"}).allowed, "another agent's call")
g.ok("not_established" in last(principal="lone")["catalogue"],
     "which was shown no list")
g.ok(not thief.call("echo", {"text": "d"}).allowed, "an unknown credential")
old = gate.agent(path="/s/up/mcp", token="t2")
old.initialize()
old.legacy_call("echo", {"text": "e"})
g.same(last(session=old.session)["catalogue"], "absent",
       "a session that was shown no list: that is known")
g.same([r["session_seq"] for r in decisions(session=old.session)], [1],
       "and counts from one")
g.same([r["session_seq"] for r in decisions(principal="bot")], [1, 2, 3],
       "an agent without a session counts too")

# Who and for whom.
who = {r["principal"]: r for r in gate.records() if r["kind"] == "identity"}
g.same(who["bot"]["actor"], {"id": "bot", "provenance": "connection-credential",
                             "verified": True}, "who acts, once")
g.same((who["bot"]["subject"]["id"], who["lone"]["subject"],
        who["lone"]["chain"]), ("ann", "absent", "absent"), "and for whom")
bad = decisions(step="admit")[-1]
g.same((bad["actor"], "identity" in bad, list(bad["principal"])),
       ({"provenance": "connection-credential", "verified": False}, False,
        ["not_established"]), "of an unknown credential nothing is made up")
statement = [r for r in gate.records() if r["kind"] == "boundary"][0]
g.same(statement["statement"]["excluded"][-1], "the operator's own shell",
       "the boundary says what the operator excludes")

# A second reader finds every field, over reloads and restarts.
write("i.yaml", json.dumps({**INVENTORY, "agents": {
    "bot": {"acts_for": "joe"}, "lone": {}}}))
gate.cli("reload", gate.path)
g.until(lambda: len([r for r in gate.records() if r["kind"] == "policy"]) > 1)
bot.call("echo", {"text": "f"})
g.until(lambda: last(principal="bot")["chain"][0]["name"] == "joe")
g.same(last(principal="bot")["chain"][0]["name"], "joe",
       "a reload changes for whom it acts")
[(_, killed)] = gate.roles()["judge"]
os.kill(killed, signal.SIGKILL)
g.until(lambda: gate.roles().get("judge", [(0, killed)]) != [(0, killed)])
g.ok(g.until(lambda: bot.call("echo", {"text": "g"}).allowed), "it is back")
counts = [r["session_seq"] for r in decisions(principal="bot")]
anew = counts.index(1, 1) if counts.count(1) == 2 else 0
g.same(counts, [*range(1, anew + 1), *range(1, len(counts) - anew + 1)],
       "a new process counts anew")
g.ok(3 < anew < len(counts), "once, and after all that the first counted",
     counts)
found = readledger.records(gate.state)
g.same(readledger.field_complaints(found), [],
       "every decision has every field, and what it refers to is there")
broken = [dict(r) for r in found]
del [r for r in broken if r["kind"] == "decision"][0]["catalogue"]
g.ok(readledger.field_complaints(broken), "one taken away is missed")
g.ok(readledger.field_complaints([r for r in found if r["kind"] != "boundary"]),
     "and so is a record that decisions name")

# For a reader it is looked up.
one = decisions(principal="bot")[2]
code, out, _ = gate.cli("ledger", "show", gate.state, str(one["seq"]))
lines = dict(x.split(": ", 1) for x in out.splitlines()[2:])
kinds = {k: json.loads(v) for k, v in lines.items()}
g.same((code, list(kinds)), (0, ["start", "identity", "policy", "boundary",
                                 "catalogue", "outcome"]),
       "ledger show says what a decision refers to")
g.ok(kinds["identity"]["seq"] == one["identity"] and
     kinds["boundary"]["seq"] == one["boundary"] and
     kinds["catalogue"]["catalogue"] == one["catalogue"] and
     kinds["outcome"]["decision"] == one["seq"], "the right ones", out)
out = gate.cli("ledger", "show", gate.state, str(bad["seq"]))[1]
g.ok("\noutcome: absent" in out and "catalogue:" not in out,
     "a refused call has no outcome", out)
out = gate.cli("ledger", "show", "--json", gate.state, str(one["seq"]))[1]
g.same(json.loads(out)["seq"], one["seq"], "--json: the record alone")

# Tampering by who can chain anew: what a session's sequence shows.
code, out, _ = gate.cli("ledger", "verify", gate.state)
g.ok(code == 0 and "NOT" not in out, "the real one is whole", out)
gate.stop()


def verdict(records, cells=None):
    where = os.path.join(DIR, f"forged-{len(os.listdir(DIR))}")
    for cell, rows in (cells or {0: records}).items():
        writeledger.write(where, rows, cell)
    code, out, _ = gate.cli("ledger", "verify", "--json", where)
    out = json.loads(out)
    bad = next((c for c in out["cells"] if not c["valid"]), {})
    return code, bad.get("first_bad"), bad.get("why", "")


def said(n, kind="decision", **more):
    return {"kind": kind, "session_seq": n, "verdict": "deny", **more}


START = {"kind": "start"}
WHOLE = [START, said(1, principal="a"), said(1, principal="a", session="s"),
         said(2, "input", principal="a", session="s"),
         {"kind": "outcome", "decision": 2}, said(2, principal="a"),
         said(3, "plan", principal="a", session="s"), said(1, principal="b"),
         said(1, principal={"not_established": "x"}),
         said(2, principal={"not_established": "x"}), START,
         said(1, principal="a"), said(2, principal="a")]
g.same(verdict(WHOLE)[0], 0, "sequences without a gap are valid")
g.same(verdict(WHOLE, {0: WHOLE, 1: WHOLE})[0], 0, "each cell has its own")
for left in (1, 2, 3, 5, 8):  # the last of a sequence is not missed by it
    code, at, why = verdict(WHOLE[:left] + WHOLE[left + 1:])
    after = next(i for i, r in enumerate(WHOLE) if i > left and
                 r.get("session") == WHOLE[left].get("session") and
                 r.get("principal") == WHOLE[left].get("principal")
                 ) if left != 5 else None
    g.same((code, at), (1, after) if after else (0, None),
           f"record {left + 1} left out: {why or 'the end of its sequence'}")
for twice in (1, 3, 7):
    code, at, why = verdict(WHOLE[:twice + 1] + WHOLE[twice:])
    g.same((code, at, "twice" in why), (1, twice + 2, True),
           f"record {twice + 1} twice: {why}")
swapped = WHOLE[:2] + [WHOLE[3], WHOLE[2]] + WHOLE[4:]
g.same(verdict(swapped)[:2], (1, 3), "two swapped")
for bad in (0, -1, "7", 1.5, None, 2 ** 60):
    code, at, why = verdict([START, said(bad, principal="a")])
    g.same((code, at), (1, 2), f"session_seq {bad!r}: {why}")
g.same(verdict([said(7, principal="a"), said(8, principal="a")])[0], 0,
       "without the start before it a sequence begins anywhere")
g.same(verdict([said(7, principal="a"), said(9, principal="a")])[:2], (1, 2),
       "and goes on without a gap")
g.same(verdict([START, {"kind": "decision"}])[0], 0,
       "a record without one is of an older form")
g.done()
