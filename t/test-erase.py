#!/usr/bin/env python3
"""Content of calls: committed to and not written, kept sealed and erased."""
import base64
import glob
import hashlib
import json
import os
import shutil
import signal
import subprocess
import time

import fakes
import gatetest as g
import sdjwt

DIR = g.directory("erase")
NODE = shutil.which(g.node())
up = fakes.HttpUpstream("modern")
CONFIG = {"servers": {"up": {
    "url": up.url, "era": "modern", "keep": {"echo": ["plain"]},
    "arguments": "typed",  # of names that its tools do not declare
    "data": {"echo": {"text": "personal", "pin": "redact", "junk": "drop",
                      "card": "commit", "soon": "brief"}},
    "results": {"echo": "personal"}, "subject": {"slow": "who"}}},
    "data": {"classes": {"personal": {"do": "keep"},
                         "brief": {"do": "keep", "retention": "2s"}}},
    "cells": 1}
gate = g.Gateway(CONFIG, where=DIR)
agent = gate.agent(path="/s/up/mcp")
SECRETS = {"text": "needle-TEXT-1f0a", "pin": "needle-PIN-2b7c",
           "junk": "needle-JUNK-3c1d", "card": "needle-CARD-4d9e"}


def record(seq):
    return [r for r in gate.records() if r["seq"] == seq][0]


def call(**arguments):
    """(decision, outcome) of a call of echo."""
    before = {r["seq"] for r in gate.records()}
    a = agent.call("echo", arguments)
    g.ok(a.allowed, "the call is allowed", a)

    def done():
        return [r for r in gate.records() if r["seq"] not in before and
                r["kind"] == "outcome"]
    g.ok(g.until(done), "and its outcome is on record")
    return record(done()[-1]["decision"]), done()[-1]


def everywhere(needle):
    """Files of the state directory, and the log, that hold these bytes."""
    found = []
    for top, _, names in os.walk(gate.state):
        for n in names:
            path = os.path.join(top, n)
            if os.path.isfile(path):
                with open(path, "rb") as f:
                    if needle.encode() in f.read():
                        found.append(path)
    return found + (["log"] if needle in gate.log() else [])


first, answer = call(plain="needle-PLAIN", **SECRETS)
again, _ = call(plain="needle-PLAIN", **SECRETS)
g.same((first["kept"], first["redacted"], first["withheld"]),
       ({"plain": "needle-PLAIN"}, ["pin"], 4),
       "safe stands in the record, of what is redacted the name alone")
g.same(len(first["params"]["arguments"]["_sd"]), 2,
       "text and card are committed to, what is redacted or dropped is not")
g.ok(not set(sdjwt.digests(first)) & set(sdjwt.digests(again)),
     "the same call's commitments are others each time")
g.ok(len(answer["result"]["_sd"]) >= 1 and "needle" not in json.dumps(answer),
     "its answer is committed to", answer)
side = os.path.join(gate.state, "side")
g.ok(g.until(lambda: glob.glob(os.path.join(side, "*.seg"))),
     "what is kept is in the side store")
time.sleep(2.5)
for name, needle in SECRETS.items():
    g.same(everywhere(needle), [], f"{name} is found nowhere in the clear")
g.ok(everywhere("needle-PLAIN"), "what is declared safe is (the search finds)")


# What is kept can be read by who may read the state, and only as committed to.
def show(seq, *options, state=None):
    code, out, err = gate.cli("ledger", "show", state or gate.state, str(seq),
                              "--disclose", *options)
    return code, out + err


code, out = show(first["seq"])
g.ok(code == 0 and "content: kept" in out and
     'disclosed "text": "needle-TEXT-1f0a"' in out and
     "committed params.arguments.card: the value is not kept" in out and
     not any(SECRETS[k] in out for k in ("pin", "junk", "card")),
     "show --disclose prints what is kept, and says what is not", out)
code, out = show(first["seq"], "--json")
kept = json.loads(out)
g.ok(code == 0 and kept["content"] == "kept" and kept["erasure"] is None and
     {tuple(h) for h in kept["hidden"]} >= {("params", "arguments", "card")},
     "and as JSON", out)
g.ok(all(sdjwt.digest(d) in set(sdjwt.digests(first))
         for d in kept["disclosures"]) and kept["disclosures"],
     "each disclosure, by another's reckoning, is committed to", kept)
g.same([sdjwt.read(d)[1:] for d in kept["disclosures"]],
       [["text", SECRETS["text"]]], "and has name and value")

# A record that is not there, and a ledger that is not valid up to one.
for options in ((), ("--json",)):
    code, out, err = gate.cli("ledger", "show", gate.state, "99999",
                              "--disclose", *options)
    g.ok(code == 1 and out == "" and "cell 0 has no record 99999" in err,
         f"no such record {options}", (code, out, err))
changed = g.directory("changed")
for name in ("ledger", "side"):
    shutil.copytree(os.path.join(gate.state, name),
                    os.path.join(changed, name))
code, out = show(first["seq"], "--json", state=changed)
g.ok(code == 0 and json.loads(out)["content"] == "kept", "a copy is as good",
     (code, out))
with open(sorted(glob.glob(os.path.join(changed, "ledger", "cell-0-*")))[0],
          "r+b") as f:
    at = f.read().index(b'"kind"')
    f.seek(at)
    f.write(b'"Kind"')
for options in ((), ("--json",)):
    code, out = show(first["seq"], *options, state=changed)
    g.ok(code == 1 and "not valid up to this record" in out and
         SECRETS["text"] not in out,
         f"one after a changed record discloses nothing {options}", (code, out))
code, out, err = gate.cli("ledger", "show", "/nonexistent", "1", "--disclose",
                          "--json")
g.ok(code == 3 and "No such file" in err, "no ledger there", (code, err))

# A receipt with what is chosen, before two verifiers.
trust = os.path.join(DIR, "trust")
with open(trust, "w") as f:
    f.write(gate.cli("keys", "show", gate.state, "--trust")[1])


def receipt(seq, *options):
    def there():
        return gate.cli("ledger", "receipt", gate.state, str(seq), *options)[0] == 0
    g.until(there, 15)
    return gate.cli("ledger", "receipt", gate.state, str(seq), *options)


def verdicts(text):
    """Exit statuses' words of both verifiers."""
    path = os.path.join(DIR, "r")
    with open(path, "w") as f:
        f.write(text)
    code, out, err = gate.cli("verify", "receipt", "--trust", trust, path)
    said = [{0: "valid", 1: "invalid", 4: "malformed"}.get(code, code)]
    if NODE:
        with open(trust, "rb") as f:
            said.append(page([(text.encode(), f.read())])[0]["state"])
    return said, out


def page(cases):
    lines = "".join(base64.b64encode(r).decode() + " " +
                    base64.b64encode(t).decode() + "\n" for r, t in cases)
    p = subprocess.run([g.node(), "--no-warnings",
                        os.path.join(g.NODE_DIR, "verify.mjs"),
                        os.path.join(g.TOP, "web", "verify", "index.html")],
                       timeout=60, input=lines, stdout=subprocess.PIPE, text=True)
    return [json.loads(line) for line in p.stdout.splitlines()]


def sealed(text):
    """The receipt with its digest line made right again."""
    head, _, body = text.split("\n", 2)
    return f"{head}\nsha256 {hashlib.sha256(body.encode()).hexdigest()}\n{body}"


if not NODE:
    print("# no node here: the second verifier is not asked")
code, plain, err = receipt(first["seq"])
code, shown, err = receipt(first["seq"], "--disclose", "text")
said, out = verdicts(shown)
g.ok(set(said) == {"valid"} and "needle-TEXT" in out,
     "a receipt that discloses an argument is valid", (said, out, err))
g.ok(set(verdicts(plain)[0]) == {"valid"} and "needle-TEXT" not in
     plain + verdicts(plain)[1], "and one that discloses none", plain)
line = [x for x in shown.split("\n") if x.startswith("disclosure ")][0]
mine = line.split(" ")[1]
salt, name, value = sdjwt.read(mine)
for what, bad in (
        ("unknown", line + "\ndisclosure " + sdjwt.disclosure("x", 1)),
        ("twice", line + "\n" + line),
        ("altered", "disclosure " + sdjwt.disclosure(name, value + "x", salt)),
        ("under another name", "disclosure " + sdjwt.disclosure("txt", value, salt)),
        ("with another salt", "disclosure " + sdjwt.disclosure(name, value)),
        ("of another record", "disclosure " + json.loads(
            show(again["seq"], "--json")[1])["disclosures"][0])):
    said, out = verdicts(sealed(shown.replace(line, bad)))
    g.ok(set(said) == {"invalid"}, f"a disclosure {what} is refused", (said, out))
code, out, err = gate.cli("ledger", "receipt", gate.state, str(first["seq"]),
                          "--disclose", "text,card")
g.ok(code == 1 and '"card"' in err, "what is not kept cannot be disclosed", err)

# Policy is asked again with what is kept.
with open(os.path.join(DIR, "new.cedar"), "w") as f:
    f.write('permit (principal, action, resource);\n@id("t") forbid (principal, '
            'action == Gatehouse::Action::"up___echo", resource) when { '
            'context.input has text && context.input.text like "needle-TEXT*" };')


def replay():
    code, out, err = gate.cli("policy", "replay", gate.state, "--with",
                              "new.cedar", "--json")
    return json.loads(out)


g.same(replay()["newly_denied"], 2, "replay reads the side store")

# Retention: what ended is not read, and does not stay.
brief, _ = call(soon="needle-SOON-5e0f")
g.ok(g.until(lambda: "needle-SOON" in show(brief["seq"])[1]),
     "kept for a while")
g.ok(g.until(lambda: "content: ended" in show(brief["seq"])[1], 10),
     "then no more", show(brief["seq"]))

# Erasing: one record, beside the running gateway.
def erase(*options, reason="asked to"):
    code, out, err = gate.cli("ledger", "erase", gate.state, "--reason", reason,
                              "--json", "--yes", *options)
    return code, out + err


def holds():
    code, out, err = gate.cli("ledger", "verify", gate.state)
    return code == 0


before = [r for r in gate.records() if r["seq"] <= answer["seq"]]
code, out = erase("--record", str(again["seq"]))
g.ok(code == 0 and json.loads(out)["entries"] == 1, "one record is erased", out)
done = json.loads(out)
r = record(done["seq"])
g.ok(r["kind"] == "erasure" and r["reason"] == "asked to" and
     r["records"] == [f"0/{again['seq']}"] and r["uid"] == os.getuid(),
     "why, who and what is on record", r)
code, out = show(again["seq"])
g.ok("content: erased" in out and "needle-TEXT" not in out and
     "erasure: {" in out, "show says erased, and by which record", out)
g.ok("needle-TEXT" in show(first["seq"])[1], "another record's content stands")
code, out = erase("--record", str(again["seq"]))
g.ok(code == 1 and "nothing to erase" in out, "there is nothing left", out)

# A subject that an argument names, and a principal.
slow = gate.agent(path="/s/up/mcp").call("slow", {"who": "person-77"})
time.sleep(2.5)
seq = [r for r in gate.records() if r.get("name") == "slow"][-1]["seq"]
code, out = erase("--subject", "who=person-77")
r = record(json.loads(out)["seq"])
g.ok(code == 0 and r["subject"] == "who" and f"0/{seq}" in r["records"] and
     "person-77" not in json.dumps(r), "a data subject, without its name", r)
g.same(everywhere("person-77"), [],
       "whose name is nowhere any more")
code, out = erase("--subject", "local")
whole = json.loads(out)
g.ok(code == 0 and whole["entries"] >= 2 and whole["keys"] >= 1,
     "all of a principal", out)
r = record(whole["seq"])
g.ok(r["subject"] == "local" and f"0/{first['seq']}" in r["records"], "on record", r)
code, out = show(first["seq"])
g.ok("content: erased" in out and "needle-TEXT" not in out, "is not readable", out)
g.ok(holds() and before == [r for r in gate.records()
                            if r["seq"] <= answer["seq"]],
     "the ledger is as it was, and verifies")
g.ok(set(verdicts(plain)[0]) == {"valid"} and
     set(verdicts(receipt(first["seq"])[1])[0]) == {"valid"},
     "proofs from before and after the erasure hold")
g.same(replay().get("not_established"), 2, "replay: not established now")

# Only a lock that is not there says that nobody runs.
kept, _ = call(text="needle-KEPT-2c8d")
g.ok(g.until(lambda: "needle-KEPT" in show(kept["seq"])[1]), "kept")
lock = os.path.join(gate.state, "lock")
os.rename(lock, lock + ".kept")
os.symlink("lock.kept", lock)
code, out = erase("--record", str(kept["seq"]))
g.ok(code == 4 and "lock" in out and "needle-KEPT" in show(kept["seq"])[1],
     "where the lock cannot be opened nothing is erased beside a gateway",
     (code, out))
os.rename(lock + ".kept", lock)
code, out = erase("--record", str(kept["seq"]))
g.ok(code == 0 and "seq" in json.loads(out), "the lock back, the gateway does",
     (code, out))

# On a stopped gateway; the next start records it.
last, _ = call(text="needle-LAST-6f1a")
g.ok(g.until(lambda: "needle-LAST" in show(last["seq"])[1]), "kept")
gate.stop()
moved = g.directory("moved")
shutil.copytree(side, os.path.join(moved, "side"))
code, out = erase("--subject", "local", reason="closed")
g.ok(code == 0 and json.loads(out)["recorded"] is False, "erased while stopped",
     out)
g.ok("content: erased, not recorded" in show(last["seq"])[1], "show says so",
     show(last["seq"]))
code, out, err = gate.cli("ledger", "erase", moved, "--record",
                          str(last["seq"]), "--reason", "x", "--yes", "--json")
g.ok(code == 0 and json.loads(out)["recorded"] is False,
     "a store with no lock beside it is nobody's", (code, out, err))
gate.start()
g.ok(g.until(lambda: any(r["kind"] == "erasure" and r["reason"] == "closed"
                         for r in gate.records())), "recorded by the next start")
g.ok("content: erased\n" in show(last["seq"])[1] and holds(), "and it verifies")

# What a process wrote down and did not carry out (it died between, or a disk
# failed) is carried out before it is recorded.
torn, _ = call(text="needle-TORN-6f2b")
g.ok(g.until(lambda: "needle-TORN" in show(torn["seq"])[1]), "kept")
gate.stop()
request = os.path.join(side, "erase-x.json")
with open(request, "w") as f:
    json.dump({"by": "me", "cell": 0, "reason": "torn", "seq": torn["seq"],
               "done": {"by": "me", "entries": 1, "keys": 0, "reason": "torn",
                        "records": [f"0/{torn['seq']}"], "uid": os.getuid()}}, f)
g.ok("needle-TORN" in show(torn["seq"])[1], "written down, and there still")
gate.start()
g.ok(g.until(lambda: any(r["kind"] == "erasure" and r["reason"] == "torn"
                         for r in gate.records())), "it is on record")
g.ok("content: erased\n" in show(torn["seq"])[1], "and was gone before",
     show(torn["seq"]))
g.ok(g.until(lambda: not os.path.exists(request)), "then the request went")

# What is damaged is said to be that.
more, _ = call(text="needle-MORE-7a2b")
g.ok(g.until(lambda: "needle-MORE" in show(more["seq"])[1]), "kept")
gate.stop()
for path in glob.glob(os.path.join(side, "*.seg")):
    data = bytearray(open(path, "rb").read())
    for at in range(8 + 64, len(data), 7):
        data[at] ^= 1
    with open(path, "wb") as f:
        f.write(data)
code, out = show(more["seq"])
g.ok("needle-MORE" not in out and ("damaged" in out or "not_established" in out),
     "a changed store is never read as something else", out)

# What role tiles did not take is said to be lost.
gate.start()
[(_, pid)] = [x for x in gate.roles()["tiles"]]
os.kill(pid, signal.SIGSTOP)
lost, _ = call(text="needle-GONE-8b3c")
time.sleep(1.5)
os.kill(pid, signal.SIGKILL)
g.ok(g.until(lambda: any(r["kind"] == "content" and r["from"] <= lost["seq"] <= r["to"]
                         for r in gate.records()), 15),
     "content that was not confirmed is on record as not established",
     [r for r in gate.records() if r["kind"] == "content"])
g.ok(agent.call("echo", {"text": "x"}).allowed, "no call waits for it")
g.done()
