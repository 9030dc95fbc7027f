"""Policies over time: which set decided is on record; what another set would
have decided is replayed; what was used makes the least policy."""
import hashlib
import json
import os
import signal
import subprocess

import fakes
import gatetest as g
import sdjwt
import writeledger

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
    "arguments": "typed",  # its calls say more than their tool declares
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

# --- what another set would have decided -------------------------------------
DIR = g.directory("replay-2")
TOOLS = '@id("tools") permit (principal, action, resource);\n'
write("p.cedar", TOOLS + """@id("not-etc") forbid (principal, action == Gatehouse::Action::"up___echo", resource)
when { context.derived.text.under.contains("/etc") };
""")
gate = g.Gateway({"servers": {"up": {
    "url": up.url, "era": "modern", "facts": {"echo": {"text": "path"}},
    "risk": {"echo": ["read"], "secret": ["write"]},
    "keep": {"echo": ["text"]}}},
    "policies": ["p.cedar"], "rules": [], "cells": 1}, where=DIR)
agent = gate.agent(path="/s/up/mcp")
for text in ("/srv/a", "/srv/b", "/etc/x"):
    agent.call("echo", {"text": text})
agent.call("secret", {"text": "one"})
agent.call("secret", {"text": "two"})
agent.modern("tools/list")
g.until(lambda: sum(r["kind"] == "decision" for r in gate.records()) >= 6)
gate.stop()
old = {r["seq"]: r for r in gate.records() if r["kind"] == "decision"}
secrets = [n for n, r in old.items() if r.get("name") == "secret"]


def replay(text, *args, name="new.cedar", state=None):
    write(name, text)
    status, out, err = gate.cli("policy", "replay", state or gate.state,
                                "--with", name, *args)
    return status, out + err


def counts(text, *args, **kw):
    status, out = replay(text, "--json", *args, **kw)
    if not out.startswith("{"):
        return status, out, [{"policy": out, "missing": out, "name": ""}]
    j = json.loads(out)
    return status, {k: v for k, v in j.items() if v and k != "rows"}, j["rows"]


same_set = open(os.path.join(DIR, "p.cedar")).read()
status, out = replay(same_set)
g.ok(status == 0 and "unchanged 6" in out, "the same set changes nothing", out)
status, n, rows = counts(TOOLS)
g.ok(status == 1 and n == {"newly_allowed": 1, "unchanged": 5} and
     rows[0]["policy"] == "tools" and rows[0]["name"] == "echo" and
     old[rows[0]["examples"][0]["seq"]]["kept"]["text"] == "/etc/x",
     "without its forbid one call more is allowed, by facts of kept arguments",
     (n, rows))
status, n, rows = counts(same_set + '@id("no-b") forbid (principal, action, '
                         'resource) when { context has derived && '
                         'context.derived.text.name == "b" };')
g.ok(status == 1 and n == {"newly_denied": 1, "unchanged": 5} and
     rows[0]["policy"] == "no-b", "a new forbid denies one", (n, rows))
status, n, rows = counts(same_set + '@id("ask") @requestable("w") forbid '
                         '(principal, action in Gatehouse::Action::"write", '
                         'resource);')
g.ok(status == 1 and n == {"newly_held": 2, "unchanged": 4} and
     rows[0]["policy"] == "ask" and rows[0]["count"] == 2,
     "recorded groups: the scope alone settles it, kept or not", (n, rows))
READS = same_set + """@id("not-two") forbid (principal, action == Gatehouse::Action::"up___secret", resource)
when { context.input has text && context.input.text == "two" };
"""
status, n, rows = counts(READS)
g.ok(status == 1 and n == {"not_established": 3, "unchanged": 3} or
     n == {"not_established": 2, "unchanged": 4},
     "an argument that nobody kept is not established", (n, rows))
g.ok(any(r["missing"] == "context.input.text" and r["name"] == "secret" and
         r["count"] == 2 for r in rows), "and is named", rows)
status, out = replay(READS)
g.ok(status == 1 and "not established" in out and "up/secret" in out and
     "context.input.text" in out, "in the table too", out)

# What the operator holds settles it, when it is what was recorded.
again, held = os.path.join(DIR, "again"), {}
records = [{k: v for k, v in r.items() if k not in ("seq", "time")}
           for r in gate.records()]
for seq, text in zip(secrets, ("one", "two")):
    records[seq - 1], held[seq] = sdjwt.commit(records[seq - 1], text=text)
writeledger.write(os.path.join(again, "ledger"), records)


def disclose(*lines):
    write("d.jsonl", "".join(json.dumps(x) + "\n" for x in lines))
    return counts(READS, "--disclosures", "d.jsonl", state=again)


def of(seq, *disclosures):
    return {"cell": 0, "seq": seq, "disclosures": list(disclosures)}


status, n, rows = disclose(of(secrets[0], *held[secrets[0]]),
                           of(secrets[1], *held[secrets[1]]))
g.ok(status == 1 and n == {"newly_denied": 1, "unchanged": 5} and
     rows[0]["policy"] == "not-two", "disclosures settle it", (n, rows))
for what, bad in (
        ("another record's", of(secrets[0], *held[secrets[1]])),
        ("another value", of(secrets[0], sdjwt.disclosure(
            "text", "two", sdjwt.read(held[secrets[0]][0])[0]))),
        ("another salt", of(secrets[0], sdjwt.disclosure("text", "one"))),
        ("twice", of(secrets[0], *held[secrets[0]], *held[secrets[0]]))):
    write("d.jsonl", json.dumps(bad) + "\n")
    status, out = replay(READS, "--disclosures", "d.jsonl", state=again)
    g.ok(status == 4 and "is not what record 0/" in out,
         f"a disclosure that is not what was recorded is no evidence: {what}",
         out)
for bad, says in ((of(9999), "about no call"),
                  ({"disclosures": []}, "needs seq"),
                  ({"seq": secrets[0]}, "needs seq")):
    write("d.jsonl", json.dumps(bad) + "\n")
    status, out = replay(READS, "--disclosures", "d.jsonl", state=again)
    g.ok(status == 4 and says in out, f"a disclosure is refused: {bad}", out)
write("d.jsonl", '{"seq": 1, "disclosures": []\n')
status, out = replay(READS, "--disclosures", "d.jsonl")
g.ok(status == 4 and "line 1" in out, "and so is what is no JSON", out)

# A whole configuration: its servers, principals and declarations hold.
conf = dict(gate.config, policies=["p.cedar"])
status, n, rows = counts(json.dumps(dict(conf, anonymous="other")),
                         name="new.yaml")
g.same((status, n.get("newly_denied"), rows[0]["policy"]),
       (1, 5, "no-principal"), "a principal that is not there any more")
write("new.yaml", json.dumps(conf))
status, out, err = gate.cli("policy", "replay", gate.state, "--with", "new.yaml")
g.ok(status == 0 and "unchanged 6" in out, "a configuration with the same set",
     out + err)
conf["servers"]["up"]["risk"] = {"echo": ["write"]}
conf["policies"] = ["held.cedar"]
write("held.cedar", same_set + '@id("ask") @requestable("w") forbid (principal, '
      'action in Gatehouse::Action::"write", resource);')
write("new.yaml", json.dumps(conf))
status, out, err = gate.cli("policy", "replay", gate.state, "--with", "new.yaml",
                            "--json")
j = json.loads(out)
g.ok(status == 1 and j["newly_held"] == 4, "with groups of its own", out + err)

# What cannot be used is said.
status, out = replay("permit (principal, action, resorce);\n")
g.ok(status == 1 and "new.cedar:1:28: " in out, "a set that does not compile",
     out)
status, out, err = gate.cli("policy", "replay", gate.state)
g.ok(status == 2 and "--with" in err, "NEW is needed", err)
status, out, err = gate.cli("policy", "replay", DIR, "--with", "new.cedar")
g.ok(status in (1, 3), "no ledger there", err)
status, out, err = gate.cli("policy", "replay", "/nowhere", "--with", "p.cedar")
g.same(status, 3, "no directory there")
segment = os.path.join(gate.state, "ledger", "cell-0-000001.seg")
data = bytearray(open(segment, "rb").read())
data[len(data) // 2] ^= 1
open(segment, "wb").write(data)
status, out = replay(same_set)
g.ok(status == 4 and "not valid" in out and "unchanged" not in out,
     "from a ledger that is not valid nothing follows", out)
g.done()
