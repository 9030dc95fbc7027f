"""Policies over time: which set decided is on record; what another set would
have decided is replayed; what was used makes the least policy."""
import hashlib
import json
import os
import signal
import subprocess

import fakes
import gatetest as g

up = fakes.HttpUpstream("modern")
DIR = g.directory("replay")


def write(name, text):
    path = os.path.join(DIR, name)
    with open(path, "w") as f:
        f.write(text)
    return path


FIRST = """@id("tools") permit (principal, action in Gatehouse::Action::"call_tool", resource);
@id("not-etc") forbid (principal, action == Gatehouse::Action::"up___echo", resource)
when { context.derived has text && context.derived.text.under.contains("/etc") };
"""
SECOND = FIRST.replace('contains("/etc")', 'contains("/srv/private")')
write("p.cedar", FIRST)
gate = g.Gateway({"servers": {"up": {
    "url": up.url, "era": "modern", "facts": {"echo": {"text": "path"}},
    "risk": {"echo": ["read"]}, "keep": {"echo": ["text"]}}},
    "policies": ["p.cedar"], "rules": [], "cells": 1}, where=DIR)
agent = gate.agent(path="/s/up/mcp")


def sets():
    return [r for r in gate.records() if r["kind"] == "policy"]


def shown():
    return hashlib.sha256(gate.cli("policy", "show")[1].encode()).hexdigest()


# Which set decides is on record, and anybody can make its digest again.
a = agent.call("echo", {"text": "/srv/private/x", "other": "needle"})
g.ok(a.allowed, "a path that the first set permits", a)
g.ok(g.until(lambda: any(r.get("name") == "echo" for r in gate.records())),
     "it is on record")
g.same([r["policy"] for r in sets()], [shown()],
       "the set is on record at the start, with the digest of policy show")
call = [r for r in gate.records() if r.get("name") == "echo"][-1]
g.same((call["policy"], call["kept"], call["facts"], call["risk"],
        call["withheld"]),
       (shown(), {"text": "/srv/private/x"}, {"text": "path"}, ["read"], 1),
       "a decision keeps what was declared")
g.ok("needle" not in json.dumps(gate.records()), "and nothing else")

# A reload is taken up whole and recorded; a bad one changes nothing.
before = shown()
write("p.cedar", SECOND)
status, out, err = gate.cli("reload")
g.ok(status == 0, "reload", out + err)
g.ok(g.until(lambda: len(sets()) == 2), "it is recorded")
g.ok(shown() != before and sets()[1]["policy"] == shown(),
     "with the digest of the new set")
a = agent.call("echo", {"text": "/srv/private/x"})
g.ok(not a.allowed, "which decides", a)
for bad, says in (("permit (principal, action, resorce);\n", "p.cedar:1:28: "),
                  (SECOND + '@id("tools") permit (principal, action, resource);',
                   "tools")):
    write("p.cedar", bad)
    status, out, err = gate.cli("reload")
    g.ok(status != 0 and says in out + err + gate.log(),
         f"reload refuses {bad[-40:]!r} and says where", out + err)
    a = agent.call("echo", {"text": "/srv/private/x"})
    b = agent.call("echo", {"text": "/etc/x"})
    g.ok(not a.allowed and b.allowed, "the old set decides on", (a, b))
g.same(len(sets()), 2, "what was not taken up is not on record")
last = [r for r in gate.records() if r.get("name") == "echo"][-1]["policy"]
g.same(last, sets()[1]["policy"], "decisions say so too")

# A judge that is killed comes back with the set in force, and says so; what is
# on disk meanwhile does not matter until a reload or a start.
for _, pid in gate.roles()["judge"]:
    os.kill(pid, signal.SIGKILL)
g.ok(g.until(lambda: len(sets()) == 3), "a new judge records its set",
     gate.log()[-500:])
g.same(sets()[2]["policy"], sets()[1]["policy"], "it is the one in force")
g.ok(g.until(lambda: agent.call("echo", {"text": "/etc/x"}).allowed),
     "and decides")
a = agent.call("echo", {"text": "/srv/private/x"})
g.ok(not a.allowed, "as before", a)

# The whole gateway dies in the middle of a reload: either set, never none.
write("p.cedar", FIRST)
gate.process.send_signal(signal.SIGHUP)
os.killpg(gate.process.pid, signal.SIGKILL)
gate.process.wait()
gate.start()
g.ok(g.until(lambda: sets()[-1]["policy"] == shown()),
     "started anew: the set on disk is in force and recorded")
a = agent.call("echo", {"text": "/etc/x"})
g.ok(not a.allowed, "and decides", a)
status, out, _ = gate.cli("ledger", "verify", gate.state)
g.ok(status == 0, "the ledger is valid", out)
known = {r["policy"] for r in sets()}
g.ok(all(r["policy"] in known for r in gate.records()
         if r["kind"] == "decision"),
     "every decision names a set that is on record")

# A gateway does not start with policies that do not compile.
write("p.cedar", "permit (principal, action, resorce);\n")
gate.stop()
says = subprocess.run([g.BINARY, "run", gate.path], capture_output=True,
                      text=True, check=False, timeout=30, cwd=DIR)
g.ok(says.returncode != 0 and "p.cedar:1:28: " in says.stdout + says.stderr,
     "run refuses to start", says.stdout + says.stderr)
g.done()
