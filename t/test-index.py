#!/usr/bin/env python3
"""Questions to a ledger: every answer of the index, and every filter of tail
and grep, against a reading of the segments by brute force; an index that was
touched, a ledger that was; names that are an attack."""
import glob
import json
import os
import pty
import random
import re
import shutil
import sqlite3
import subprocess
import threading
import time

import fakes
import gatetest as g
import readledger
import writeledger

SEED = int(os.environ.get("SEED", time.time_ns() % 10**6))
g.note(f"SEED={SEED}")
chance = random.Random(SEED)
d = g.directory("index")
ledger = os.path.join(d, "ledger")
env = dict(os.environ, XDG_CACHE_HOME=os.path.join(d, "cache"))

HOSTILE = ["x' OR '1'='1", "\"; DROP TABLE records; --", "\x1b[2J\x1b]0;own\x07",
           "%s%n", "tool\x00end", "..", "a" * 2000, " ", "null"]
AGENTS = ["robot", "x'y", HOSTILE[0], "\x1b[31magent"]
TOOLS = ["read", "write"] + HOSTILE
POLICIES = [f"{n:064x}" for n in (1, 2)]


def digest():
    return f"{chance.getrandbits(256):064x}"


def made_up(n, before=()):
    """n records more: decisions and outcomes, some of which refer to what is no
    decision, and records of kinds that nobody knows."""
    out = list(before) or [{"kind": "start", "config": digest()}]
    while len(out) < len(before) + n:
        if chance.random() < 0.1:
            out.append({"kind": chance.choice(["plan", "identity", "failure"]),
                        "principal": chance.choice(AGENTS),
                        "subject": chance.choice(
                            [{"subject_id": "carl"}, {"id": "dora"}, "absent",
                             {"not_established": "why"}]),
                        "chain": "absent",
                        "any": {"deep": [digest()]}})
            continue
        call = {"kind": "decision", "method": "tools/call",
                "principal": chance.choice(AGENTS),
                "name": chance.choice(TOOLS), "server": "files",
                "session": f"s{chance.randrange(9)}",
                "policy": chance.choice(POLICIES), "digest": digest(),
                "verdict": chance.choice(["allow", "allow", "deny", "hold"])}
        known = [n for n, r in enumerate(out, 1) if r["kind"] == "identity"]
        if known and chance.random() < 0.5:
            call["identity"] = chance.choice(known)
        if chance.random() < 0.3:
            call["chain"] = [{"name": chance.choice(["ann", "bob"])}]
        out.append(call)
        if call["verdict"] == "allow" and chance.random() < 0.9:
            of = len(out) if chance.random() < 0.9 else 1
            out.append({"kind": "outcome", "decision": of,
                        "status": "answered", "digest": digest()})
    return out


def run(*args, **kw):
    p = subprocess.run([g.BINARY, "ledger", *args], capture_output=True,
                       text=True, timeout=60, env=env, **kw)
    return p.returncode, p.stdout, p.stderr


def rows(*args):
    code, out, err = run(*args, "--json")
    g.ok(code in (0, 1) and "Sanitizer" not in err, f"{args[0]} ends well", err)
    return [json.loads(line) for line in out.splitlines()]


# --- by brute force --------------------------------------------------------

def read():
    """Every record; an outcome has what it does not say from its decision."""
    out, decided = [], {}
    for r in readledger.records(d):
        of = decided.get((r["cell"], r.get("decision")), {})
        of = of if of.get("kind") == "decision" else {}
        have = {k: of[k] for k in ("principal", "session", "server", "name",
                                   "policy") if k in of}
        it = decided.get((r["cell"], r.get("identity", of.get("identity"))),
                         {})
        who = []
        for x in (r, of.get("record", {}), it.get("record", {})):
            if isinstance(x.get("chain"), list):
                who += [c["name"] for c in x["chain"]]
            if isinstance(x.get("subject"), dict):
                who += [x["subject"].get("id"), x["subject"].get("subject_id")]
        r = {**have, **r, "who": who, "record": r}
        if "identity" in of:
            r.setdefault("identity", of["identity"])
        decided[r["cell"], r["seq"]] = r
        out.append(r)
    return sorted(out, key=lambda r: (r["time"], r["cell"], r["seq"]))


def places(found):
    return sorted((r["cell"], r["seq"]) for r in found)


def holds(r, what):
    return what in json.dumps(r["record"])


QUESTIONS = [  # words, option, is it meant?
    ("session", "--session", lambda r, v: r.get("session") == v,
     [f"s{n}" for n in range(10)]),
    ("tool", "--tool", lambda r, v: r.get("name") == v,
     [t for t in TOOLS if "\0" not in t]),
    ("subject", "--subject", lambda r, v: v in r["who"],
     ["ann", "bob", "carl", "dora", "absent", "nobody"]),
    ("digest", "--digest", holds, POLICIES),
    (None, "--agent", lambda r, v: r.get("principal") == v, AGENTS),
    (None, "--verdict", lambda r, v: r.get("verdict") == v,
     ["allow", "deny", "hold", "maybe"]),
    (None, "--kind", lambda r, v: r["kind"] == v,
     ["plan", "outcome", "x' OR '1'='1"]),
    (None, "--policy", lambda r, v: r.get("policy") == v, POLICIES),
    (None, "--server", lambda r, v: r.get("server") == v, ["files", "no"]),
]


def questions(say):
    everything = read()
    for word, option, meant, values in QUESTIONS:
        wrong = []
        for v in values:
            want = places(r for r in everything if meant(r, v))
            asked = [rows("query", d, "records", option, v),
                     rows("grep", d, option, v)]
            if word:
                asked.append(rows("query", d, word, v))
            for got in asked:
                if places(r for r in got if "seq" in r) != want or \
                        [r for r in got if "seq" in r] != \
                        [r["record"] for r in everything if meant(r, v)]:
                    wrong.append((v, want[:5], got[:2]))
        g.ok(not wrong, f"{say}: {word or 'records'} {option}", wrong[:1])
    one = chance.choice([r for r in everything if "digest" in r])
    g.same(places(rows("query", d, "digest", one["digest"])),
           places([one]), f"{say}: one digest of all")
    leaf = readledger.sha(b"\0", json.dumps(
        one["record"], sort_keys=True, separators=(",", ":")).encode()).hex()
    g.same(places(rows("query", d, "digest", leaf)), places([one]),
           f"{say}: a record by its own leaf hash")
    tables(everything, say)


def tables(everything, say):
    decided = [r for r in everything if r["kind"] == "decision"]
    want = {}
    for r in everything:
        if "principal" in r:
            want.setdefault(r["principal"], []).append(r)
    got = {r["agent"]: r for r in rows("query", d, "agents")}
    g.same({a: (r["records"], r["allowed"], r["denied"], r["held"], r["first"],
                r["last"]) for a, r in got.items()},
           {a: (len(rs), *(sum(r["kind"] == "decision" and
                               r.get("verdict") == v for r in rs)
                           for v in ("allow", "deny", "hold")),
                rs[0]["time"], rs[-1]["time"]) for a, rs in want.items()},
           f"{say}: which agents were active")
    want = {}
    for r in decided:
        if r["verdict"] == "allow":
            key = (r["principal"], r["server"], r["name"], r["policy"])
            want[key] = want.get(key, 0) + 1
    g.same({(r["agent"], r["server"], r["name"], r["policy"]): r["calls"]
            for r in rows("query", d, "allowed")}, want,
           f"{say}: what they were allowed, under which policy")
    middle = everything[len(everything) // 2]["time"]
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(middle // 10**6)) \
        + f".{middle % 10**6:06d}Z"
    for option, want in (("--since", [r for r in everything
                                      if r["time"] >= middle]),
                         ("--until", [r for r in everything
                                      if r["time"] < middle])):
        g.same(places(rows("query", d, "records", option, stamp)),
               places(want), f"{say}: {option}")
        g.same(places(rows("grep", d, option, stamp)), places(want),
               f"{say}: {option} of grep")


def db():
    return glob.glob(os.path.join(d, "cache", "gatehouse", "index",
                                  "*.sqlite"))[0]


first = [made_up(300), made_up(200)]
for cell, records in enumerate(first):
    writeledger.write(ledger, records, cell)
questions("made up")
code, out, err = run("index", d, "--json")
got = json.loads(out)
g.ok(code == 0 and not got["made_anew"] and got["added"] == 0 and
     got["records"] == sum(map(len, first)), "nothing is new", out + err)
code, out, _ = run("verify", d, "--json")
g.same([(c["cell"], c["size"], c["root"]) for c in got["cells"]],
       [(c["cell"], c["records"], c["root"]) for c in json.loads(out)["cells"]],
       "it was built from what verify says is there")

# --- what comes is added ---------------------------------------------------
more = [made_up(100, first[0]), first[1]]
for cell, records in enumerate(more):
    writeledger.write(ledger, records, cell)
got = json.loads(run("index", d, "--json")[1])
g.ok(not got["made_anew"] and got["added"] == len(more[0]) - len(first[0]),
     "only what is new is read", got)
questions("brought up to date")

# --- no approvals ----------------------------------------------------------
code, out, err = run("query", d, "approvals")
held = sum(r.get("verdict") == "hold" for r in read())
g.ok(code == 1 and out == "" and f"nobody has approved a call; {held} were held"
     in err, "no approval is said, with the reason", out + err)
got = rows("query", d, "approvals")
g.ok(got[0]["status"] == "absent" and "approval" in got[0]["reason"],
     "in JSON too", got)

# --- an index that was touched ---------------------------------------------
want = rows("query", d, "session", "s1")


def again(say, reason):
    code, out, err = run("query", d, "session", "s1", "--json")
    g.ok(code == 0 and [json.loads(x) for x in out.splitlines()] == want and
         reason in err, f"{say}: made anew, same answer", err)
    code, out, err = run("query", d, "session", "s1", "--json")
    g.ok(code == 0 and err == "", f"{say}: once", err)


def sql(text):
    c = sqlite3.connect(db())
    c.execute(text)
    c.commit()
    c.close()


sql("DELETE FROM records WHERE id % 3 = 0")
again("rows were deleted", "made anew: it was changed")
sql("UPDATE records SET session = NULL")
again("a column was emptied", "made anew: it was changed")
sql("CREATE TRIGGER t AFTER INSERT ON records BEGIN DELETE FROM records; END")
again("a trigger was put in", "made anew: it was changed")
with open(db(), "r+b") as f:
    f.seek(9000)
    f.write(b"\xff" * 5000)
again("bytes were written over", "made anew: it was changed")
os.truncate(db(), 5000)
again("it was cut", "made anew: it was changed")
os.unlink(db())
again("it is gone", "")
shutil.copy(db(), db() + ".copy")
os.replace(db() + ".copy", db())
again("it was restored from a copy", "made anew: it was changed")
os.unlink(db() + ".seal")
again("its making was interrupted", "made anew: it was changed")
# Sealed by hand: what its rows say is still not believed.
sql("UPDATE records SET at = at + 1")
st = os.stat(db())
with open(db() + ".seal", "w") as f:
    f.write(f"{st.st_size} {st.st_ino} {st.st_ctime_ns // 10**9}."
            f"{st.st_ctime_ns % 10**9:09d}\n")
code, out, err = run("query", d, "session", "s1")
g.ok(code == 1 and out == "" and "was changed" in err,
     "a forged row shows nothing", out + err)
run("index", d, "--rebuild")
g.same(rows("query", d, "session", "s1"), want, "--rebuild makes it anew")
os.chmod(os.path.dirname(db()), 0o777)
code, _, err = run("query", d, "agents")
g.ok(code == 4 and "others can write" in err, "nor in a directory of all", err)
os.chmod(os.path.dirname(db()), 0o700)
shutil.rmtree(os.path.join(d, "cache"))
many = [g.start([g.BINARY, "ledger", "query", d, "session", "s1", "--json"],
                stdout=subprocess.PIPE, env=env) for _ in range(4)]
g.ok(all([json.loads(x) for x in p.communicate(timeout=60)[0].splitlines()] ==
         want for p in many), "four at once, and no index yet: one answer")
g.same(run("query", d, "agents", "--index", os.path.join(d, "here"))[0], 0,
       "elsewhere, by --index")

# --- a ledger that was touched ---------------------------------------------
writeledger.write(ledger, more[0][:150], 0)
code, out, err = run("query", d, "session", "s1")
g.ok(code == 1 and out == "" and "no longer begins with" in err and
     "--rebuild" in err, "a ledger that was rolled back is refused", out + err)
writeledger.write(ledger, [*more[0][:100], *more[0][101:]], 0)
g.ok(run("query", d, "session", "s1")[0] == 1, "one with a record less")
seg = os.path.join(ledger, "cell-1-000001.seg")
os.rename(seg, seg + "x")
writeledger.write(ledger, more[0], 0)
code, _, err = run("query", d, "session", "s1")
g.ok(code == 1 and "cell 1 is gone" in err, "one without a cell", err)
os.rename(seg + "x", seg)
g.same(rows("query", d, "session", "s1"), want, "mended, it answers")
with open(os.path.join(ledger, "cell-0-000001.seg"), "r+b") as f:
    data = f.read()
    at = data.index(b'"kind":"decision"', len(data) // 2)
    f.seek(at)
    f.write(b'"kind":"Decision"')
bad = len(readledger.read(open(f.name, "rb").read())[0]) + 1
for args in (("query", d, "records", "--rebuild"), ("grep", d),
             ("tail", d, "-n", "9999")):
    code, out, err = run(*args, "--json")
    seqs = [r["seq"] for r in map(json.loads, out.splitlines())
            if r["cell"] == 0]
    g.ok(code == 1 and f"cell 0, record {bad}" in err and
         seqs == list(range(1, bad)),
         f"a changed record: {args[0]} answers up to it, and says so", err)
code, out, err = run("query", d, "session", "s1")
g.ok(code == 1 and "not valid" in err, "and again, with no index kept", err)
writeledger.write(ledger, more[0], 0)
g.same(rows("query", d, "session", "s1"), want, "mended, it answers")

# --- several segments, and what was pruned of them ---------------------------
kept, d = d, g.directory("pruned")
ledger = os.path.join(d, "ledger")
env["XDG_CACHE_HOME"] = os.path.join(d, "cache")
records = made_up(400)
writeledger.write(ledger, records[:350], 0, 100)
writeledger.write(ledger, made_up(50), 1)
rows("query", d, "kinds")
writeledger.write(ledger, records, 0, 100)
g.same(run("verify", d)[0], 0, "four segments")
questions("four segments")
os.mkdir(os.path.join(d, "log"))
with open(os.path.join(d, "log", "pruned"), "w", encoding="utf-8") as f:
    f.write('{"budget":0,"cells":[3,1],"minimum":0}')
for n in (1, 2):
    os.unlink(os.path.join(ledger, f"cell-0-{n:06d}.seg"))
code, out, err = run("index", d, "--json")
g.ok(code == 0 and "pruned since" in err and json.loads(out)["records"] ==
     len(read()), "pruned: the index forgets it too", out + err)
questions("pruned")
got = json.loads(run("index", d, "--json")[1])
g.ok(not got["made_anew"] and got["added"] == 0, "and is gone on from", got)
more = made_up(60, records)
writeledger.write(ledger, more, 0, 100)
for n in (1, 2):
    os.unlink(os.path.join(ledger, f"cell-0-{n:06d}.seg"))
got = json.loads(run("index", d, "--json")[1])
g.ok(not got["made_anew"] and got["added"] == len(more) - len(records),
     "by what is new", got)
questions("pruned, and more")

# A higher cell is pruned: what the index found of the lower ones counts too.
d = g.directory("pruned-higher")
ledger = os.path.join(d, "ledger")
env["XDG_CACHE_HOME"] = os.path.join(d, "cache")
low = made_up(50)
writeledger.write(ledger, low, 0)
writeledger.write(ledger, made_up(300), 1, 100)
rows("query", d, "kinds")
os.mkdir(os.path.join(d, "log"))


def prune(*cells):
    with open(os.path.join(d, "log", "pruned"), "w", encoding="utf-8") as f:
        f.write(json.dumps({"budget": 0, "cells": cells, "minimum": 0},
                           separators=(",", ":")))
    for cell, first in enumerate(cells):
        for n in range(1, first):
            path = os.path.join(ledger, f"cell-{cell}-{n:06d}.seg")
            if os.path.exists(path):
                os.unlink(path)


prune(1, 3)
code, out, err = run("index", d, "--json")
g.ok(code == 0 and "cell 1 were pruned since" in err and
     json.loads(out)["records"] == len(read()),
     "a higher cell was pruned: no record of a lower one is lost", out + err)
questions("a higher cell was pruned")

# A lower cell is pruned and a higher one rolled back: the latter is said.
writeledger.write(ledger, made_up(150, low), 0, 100)
full = made_up(90)
writeledger.write(ledger, full, 2)
rows("query", d, "kinds")
prune(2, 3, 1)
writeledger.write(ledger, full[:60], 2)
code, out, err = run("index", d, "--json")
g.ok(code == 1 and out == "" and "cell 2" in err and
     "no longer begins with" in err,
     "a prune of a lower cell does not hide a rollback", out + err)
writeledger.write(ledger, full, 2)
code, out, err = run("index", d, "--json")
g.ok(code == 0 and "cell 0 were pruned since" in err and
     json.loads(out)["records"] == len(read()), "without one it is made anew",
     out + err)
d, ledger = kept, os.path.join(kept, "ledger")
env["XDG_CACHE_HOME"] = os.path.join(d, "cache")

# --- words ------------------------------------------------------------------
for args, code, word in [
        (("query", d), 2, "what is asked"),
        (("query", d, "agnets"), 2, "no query"),
        (("query", d, "session"), 2, "needs a value"),
        (("query", d, "agents", "x"), 2, "takes no value"),
        (("query", d, "digest", "abc"), 2, "64 hexadecimal"),
        (("query", d, "records", "--since", "yesterday"), 2, "--since"),
        (("query", d, "records", "--since", "2026-02-29"), 2, "--since"),
        (("query", d, "records", "--since", "2024-02-29"), 1, ""),
        (("query", d, "records", "--since", "1s"), 1, ""),
        (("grep", d, "--agent", ""), 2, "--agent"),
        (("grep", d, "no such text"), 1, ""),
        (("grep", "/nonexistent"), 3, "No such file"),
        (("index", "/nonexistent"), 3, "No such file"),
        (("tail", d, "-n", "0"), 2, "-n is")]:
    got, _, err = run(*args)
    g.ok(got == code and word in err, f"{' '.join(args[:1] + args[2:])}: "
         f"exit {code}", f"{got} {err}")
g.same(len(rows("query", d, "records", "-n", "7")), 7, "-n")
g.same(places(rows("grep", d, '"any":')),
       places(r for r in read() if "any" in r), "grep for a text")

# --- terminals ---------------------------------------------------------------
writeledger.write(ledger, [
    {"kind": "decision", "verdict": "deny", "principal": "\x1b[2Jx",
     "name": "\u009b31m\u202e\U0001f600", "reason": "\x07"},
    {"kind": "decision", "verdict": "allow", "principal": "\x1b[2Jy",
     "name": "\u009b31m\u202e2J"}], 0)
shutil.rmtree(os.path.join(d, "cache"))


def on_terminal(*args, **more):
    """What a terminal is sent."""
    parent, child = pty.openpty()
    p = subprocess.Popen([g.BINARY, "ledger", *args], stdout=child,
                         stderr=child, env={**env, **more})
    os.close(child)
    out = b""
    try:
        while chunk := os.read(parent, 65536):
            out += chunk
    except OSError:
        pass
    p.wait(10)
    return out


for args in (("tail", d, "-n", "999"), ("query", d, "records"),
             ("query", d, "agents"), ("query", d, "allowed"),
             ("grep", d, "--kind", "decision")):
    out = on_terminal(*args, NO_COLOR="1")
    g.ok(b"\x1b" not in out and b"\x9b" not in out and b"\xe2\x80\xae" not in
         out and b"\x07" not in out, f"{args[0]}: no escape reaches a terminal",
         out)
    out = on_terminal(*args, "--json")
    g.ok(b"\x1b" not in out and not any(c > 0x7e for c in out) and
         b"2J" in out, f"{args[0]} --json: neither, and all of it", out)
    got = [json.loads(x) for x in out.split(b"\r\n") if x[:1] == b"{"]
    g.same(got, rows(*args), f"{args[0]} --json: the same JSON")
for name in ("ocsf", "otlp-json"):
    out = on_terminal("export", "--format", name, d)
    g.ok(not any(c > 0x7e or c < 0x20 and c not in b"\r\n" for c in out) and
         b"2J" in out, f"export {name}: no escape reaches a terminal", out)
out = on_terminal("tail", d, "-n", "999")
g.ok(b"\x1b[31mdeny\x1b[0m" in out, "a denial is red", out)
g.same(re.sub(rb"\x1b\[(3\dm|0m)", b"", out).count(b"\x1b"), 0,
       "and nothing else is coloured")

# --- a running gateway --------------------------------------------------------
up = fakes.HttpUpstream("modern")
gate = g.Gateway({"servers": {"up": {"url": up.url, "era": "modern"}},
                  "cells": 2})
gate.agent(path="/s/up/mcp").call("echo")
follower = g.start([g.BINARY, "ledger", "tail", "--follow", "--json",
                    "--kind", "decision", gate.state],
                   stdout=subprocess.PIPE)
for _ in range(20):
    gate.agent(path="/s/up/mcp").call("echo")
asked = gate.agent(path="/s/up/mcp").call("secret")  # the last to come
g.ok(asked.allowed, "a last call", asked)
decisions = [r for r in gate.records() if r["kind"] == "decision"]
late = threading.Timer(30, follower.kill)  # readline has no bound of its own
late.start()
seen = []
while len(seen) < len(decisions) or not any(
        r.get("name") == "secret" for r in seen):
    line = follower.stdout.readline()
    if not line:
        break
    seen.append(json.loads(line))
late.cancel()
g.same(sorted((r["cell"], r["seq"]) for r in seen),
       sorted((r["cell"], r["seq"]) for r in decisions),
       "--follow shows what comes, once")
g.stop(follower)
d = gate.state
for _ in range(3):
    gate.agent(path="/s/up/mcp").call("echo")
    g.same(places(rows("query", d, "tool", "echo")),
           places(r for r in read() if r.get("name") == "echo"),
           "a running gateway's ledger: the newest is in the answer")
code, out, err = run("index", d)
g.ok(code == 0 and "made anew" not in out, "and the index is gone on from", out)
g.done()
