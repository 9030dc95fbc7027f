"""Checkpoints that witnesses must cosign (C2SP tlog-witness, tlog-policy): the
quorum, slow, dead and lying witnesses, which hold no call; publication; receipts
under a quorum; two gateways that are each other's witness; another key."""
import glob
import http.server
import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time

import fakes
import gatetest as g
import notes

up = fakes.HttpUpstream("modern")
SERVERS = {"up": {"url": up.url, "era": "modern"}}


def cli(*args):
    return subprocess.run([g.BINARY, *args], capture_output=True, text=True)


def read(path):
    try:
        with open(path, encoding="utf-8") as f:
            return f.read()
    except OSError:
        return ""


class Gate(g.Gateway):
    """With its log at hand."""

    @property
    def logdir(self):
        return os.path.join(self.state, "log")

    @property
    def checkpoint(self):
        return read(self.logdir + "/checkpoint")

    def size(self, name="checkpoint"):
        lines = read(f"{self.logdir}/{name}").split("\n")
        return int(lines[1]) if len(lines) > 1 else 0

    def calls(self, n):
        """The slowest, in seconds."""
        worst = 0
        for _ in range(n):
            begun = time.monotonic()
            answer = self.agent(path="/s/up/mcp").call("echo")
            worst = max(worst, time.monotonic() - begun)
            if not answer.allowed:
                raise RuntimeError(f"a call was refused: {answer}")
        return worst

    def all_in(self, seconds=10):
        return g.until(lambda: self.size() == len(self.records()), seconds)

    def metric(self, name):
        out = g.raw(self.desk, f"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:"
                    f"{self.desk}\r\n\r\n".encode()).decode()
        return int(re.search(rf"^gatehouse_{name} (\d+)$", out, re.M)[1])

    def vkey(self):
        return cli("keys", "show", self.state).stdout.split("\n")[0]

    def sound(self):
        out = cli("ledger", "fsck", "--vkey", self.vkey(), self.logdir)
        return out.returncode == 0


def dead():
    return {"url": f"http://127.0.0.1:{g.free_port()}",
            "key": notes.Key("dead.example", 4).vkey}


# --- one of two; the other is dead ---
w1 = notes.Witness("w1.example")
gate = Gate({"servers": SERVERS, "log": {
    "witnesses": {"w1": w1.conf, "dead": dead()}, "quorum": 1}})
gate.calls(20)
g.ok(gate.all_in() and notes.cosigned(w1.key.vkey, gate.checkpoint),
     "one of two witnesses: the checkpoint counts with its cosignature",
     gate.checkpoint)
worst = 0
for _ in range(3):
    worst = max(worst, gate.calls(20))
    time.sleep(1)
g.ok(gate.all_in(), "and grows", gate.size())
g.ok(worst < 1, "no call waits for it", worst)
g.ok(gate.sound(), "the log holds")
g.ok(all(int(b.split("\n")[0][4:]) > 0 for b in w1.asked[1:]) and
     len(w1.asked) > 2, "each time from the size that it knows",
     [b.split("\n")[0] for b in w1.asked])
g.ok(gate.metric("log_cosignatures_total") >= 3 and
     gate.metric("log_witness_failures_total") >= 1 and
     gate.metric("log_quorum_missing") == 0 and
     gate.metric("log_published_entries") == gate.size(),
     "all of which is counted")
g.same(gate.log().count("witness dead"), 1, "and the dead one is told once")

# --- a new life: it does not know what the witness knows ---
gate.stop()
asked = len(w1.asked)
gate.start()
gate.calls(5)
g.ok(gate.all_in() and gate.sound(), "a new life")
g.ok(w1.asked[asked].startswith("old 0\n") and
     not w1.asked[asked + 1].startswith("old 0\n"),
     "asks, hears a size, and asks from there",
     [b.split("\n")[0] for b in w1.asked[asked:]])
for role in ("fetch", "tiles", "dial", "keys") * 2:
    os.kill(gate.roles()[role][0][1], signal.SIGKILL)
    gate.calls(10)
    g.until(lambda: role in gate.roles(), 5)
g.ok(gate.all_in(20) and gate.sound() and
     notes.cosigned(w1.key.vkey, gate.checkpoint),
     "fetch, tiles, dial and keys killed twice, it goes on", gate.log()[-900:])

# --- receipts under a quorum ---
trust = os.path.join(gate.dir, "trust")
with open(trust, "w") as f:
    f.write(cli("keys", "show", gate.state, "--trust", "-c", gate.path).stdout)
g.ok("\nquorum 1-of-2:witnesses\n" in read(trust), "the trust file of a quorum",
     read(trust))
loose = os.path.join(gate.dir, "loose")
with open(loose, "w") as f:
    f.write(cli("keys", "show", gate.state, "--trust").stdout)
receipt = os.path.join(gate.dir, "receipt")
with open(receipt, "w") as f:
    f.write(cli("ledger", "receipt", gate.state, "2").stdout)
out = cli("verify", "receipt", "--trust", trust, receipt)
g.ok(out.returncode == 0 and "cosign" in out.stdout,
     "a receipt is valid under it, and says so", out.stdout + out.stderr)
bare = os.path.join(gate.dir, "bare")
copy = os.path.join(gate.dir, "copy")
shutil.copytree(gate.state, copy, ignore=shutil.ignore_patterns("*.sock"))
with open(copy + "/log/checkpoint", "w", encoding="utf-8") as f:
    f.write("".join(l for l in gate.checkpoint.splitlines(True)
                    if not l.startswith("\u2014 w1.example")))
with open(bare, "w") as f:
    f.write(cli("ledger", "receipt", copy, "2").stdout)
out = cli("verify", "receipt", "--trust", trust, bare)
g.ok(out.returncode == 1 and "quorum" in out.stdout + out.stderr,
     "without its cosignature it is not", out.stdout + out.stderr)
g.same(cli("verify", "receipt", "--trust", loose, bare).returncode, 0,
       "for who asks for none it is")
gate.stop()

# --- rolled back as a whole: only the witness can know ---
kept = gate.dir + "/kept"
shutil.copytree(gate.state, kept)
gate.start()
gate.calls(10)
g.ok(gate.all_in(), "what was cosigned after the copy")
gate.stop()
shutil.rmtree(gate.state)
shutil.copytree(kept, gate.state)
open(gate.log_path, "w").close()
gate.start()
g.ok(g.until(lambda: "was the log rolled back?" in gate.log(), 10),
     "a state directory put back as a whole: the witness knows better",
     gate.log()[-800:])
size = gate.size()
gate.calls(60)
time.sleep(2.5)
g.ok(gate.size() == size and gate.metric("log_quorum_missing") == 1,
     "and the other history counts for nothing",
     f"{gate.size()} {size} {gate.log()[-300:]}")
gate.stop()

# --- two of three, one after the other ---
d = g.directory("tls")
subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{d}/k",
                "-out", f"{d}/c", "-days", "2", "-subj", "/CN=w", "-addext",
                "subjectAltName=IP:127.0.0.1"], check=True,
               capture_output=True)
w1 = notes.Witness("w1.example")
w2 = notes.Witness("w2.example", cert=(f"{d}/c", f"{d}/k"))
w2_port = w2.port
w2.close()
heads = []


class Sink(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    status = 500

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        heads.append((self.path, body.decode()))
        self.send_response(Sink.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *a):
        pass


sink = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sink)
threading.Thread(target=sink.serve_forever, daemon=True).start()
out = g.directory("out")
gate = Gate({"servers": SERVERS, "log": {
    "witnesses": {"w1": w1.conf, "w2": dict(w2.conf, ca=f"{d}/c"),
                  "w3": dead()}, "quorum": 2,
    "publish": {"file": {"file": f"{out}/head"},
                "web": {"url": f"http://127.0.0.1:{sink.server_address[1]}"
                               "/heads/1"}}}})
worst = gate.calls(20)
g.ok(g.until(lambda: gate.size("signed") == len(gate.records()), 10),
     "one of the two that must: signed", gate.size("signed"))
time.sleep(1.5)
g.same(gate.size(), 0, "and it does not count")
g.ok(not os.path.exists(f"{out}/head") and not heads, "nor is it published")
g.ok(gate.metric("log_quorum_missing") == 1 and
     gate.metric("log_signed_entries") >= 20 and
     gate.metric("log_published_entries") == 0, "the metrics say so")
health = g.raw(gate.desk, f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:"
               f"{gate.desk}\r\n\r\n".encode()).decode()
g.ok('"log_waits_for_witnesses":true' in health and '"ok":true' in health,
     "health says so, and that calls are served", health)
said = cli("ledger", "head", gate.state, "-c", gate.path)
g.ok(said.returncode == 1 and "waits for" in said.stdout,
     "and \"ledger head\"", said.stdout + said.stderr)
g.same(cli("ledger", "receipt", gate.state, "2").returncode, 1,
       "there is no receipt yet")
g.ok(worst < 1, "calls go on", worst)
w2 = notes.Witness("w2.example", port=w2_port, cert=(f"{d}/c", f"{d}/k"))
g.ok(g.until(lambda: gate.size() == len(gate.records()), 40) and
     all(notes.cosigned(w.key.vkey, gate.checkpoint) for w in (w1, w2)),
     "with the second, over TLS, it counts", gate.checkpoint +
     gate.log()[-800:])
g.ok(g.until(lambda: read(f"{out}/head") == gate.checkpoint, 5),
     "and is in the file", read(f"{out}/head"))
g.same(os.listdir(out), ["head"], "and nothing else beside it")
g.ok(g.until(lambda: heads, 5) and heads[0][0] == "/heads/1",
     "and was put to the url", heads)
g.ok(g.until(lambda: gate.metric("log_publication_failures_total") > 0, 5),
     "which failed, and is counted")
Sink.status = 201
g.ok(g.until(lambda: heads[-1][1] == gate.checkpoint and gate.metric(
    "log_publications_total") >= 2, 20), "and is put again", heads[-1])
said = cli("ledger", "head", gate.state, "-c", gate.path)
g.ok(said.returncode == 0 and "w1" in said.stdout and "w2" in said.stdout,
     "\"ledger head\" says who cosigned", said.stdout + said.stderr)
said = cli("ledger", "head", gate.state, "-c", gate.path, "--json")
told = json.loads(said.stdout or "{}")
g.ok(told.get("quorum") is True and told.get("published") == gate.size() and
     sorted(w["name"] for w in told["witnesses"] if w["cosigned"]) ==
     ["w1", "w2"], "also as JSON", said.stdout)
gate.stop()

# --- lies ---
forged = notes.Key("w1.example", 4, seed=b"f" * 32)


def bad_signature(body, answer):
    line = answer[2]
    i = len(line) - 40
    return 200, "text/plain", line[:i] + ("A" if line[i] != "A" else "B") + \
        line[i + 1:]


def slow(body, answer):
    time.sleep(4)


LIES = [
    ("a signature that is not good", bad_signature, "is not good"),
    ("another's key", lambda b, a: (200, "text/plain", forged.line(
        b.partition("\n\n")[2].rpartition("\n\n")[0] + "\n")),
     "no cosignature of that key"),
    ("a cosignature of another text", lambda b, a: (
        200, "text/plain", w.key.line("x\n1\nAA\n")), "is not good"),
    ("one without a time", lambda b, a: (200, "text/plain", w.key.line(
        b.partition("\n\n")[2].rpartition("\n\n")[0] + "\n", when=0)),
     "without a time"),
    ("a page", lambda b, a: (200, "text/html", "<html>\n"),
     "a signature line does not begin with an em dash"),
    ("nothing", lambda b, a: (200, "text/plain", ""),
     "no signature after a blank line"),
    ("a megabyte", lambda b, a: (200, "text/plain", "x" * 10**6 + "\n"),
     "malformed or too large"),
    ("a size that is none", lambda b, a: (409, "text/x.tlog.size", "many\n"),
     "it answered 409"),
    ("always another size", lambda b, a: (409, "text/x.tlog.size", "1\n"),
     "it answered 409"),
    ("a size beyond ours", lambda b, a: (
        409, "text/x.tlog.size", "99999999\n"), "rolled back?"),
    ("a refusal", lambda b, a: (403, "text/plain", "no\n"), "it answered 403"),
    ("an error", lambda b, a: (500, "text/plain", "oh\n"), "it answered 500"),
]
for what, lie, words in LIES:
    w = notes.Witness("w1.example", says=lie)
    gate = Gate({"servers": SERVERS, "cells": 1, "log": {
        "witnesses": {"w1": w.conf}, "quorum": 1}})
    gate.calls(3)
    told = g.until(lambda: "witness w1: " in gate.log(), 8)
    said = [x for x in gate.log().split("\n") if "witness w1: " in x]
    g.ok(told and any(words in x for x in said) and gate.size() == 0 and
         gate.metric("log_witness_failures_total") > 0 and
         gate.metric("log_cosignatures_total") == 0,
         f"{what}: it does not count", (words, said))
    w.says = None
    w.last = {}
    g.ok(g.until(lambda: gate.size() > 0, 10), "the truth does",
         gate.log()[-400:])
    gate.stop()
    w.close()
w = notes.Witness("w1.example", cert=(f"{d}/c", f"{d}/k"))
gate = Gate({"servers": SERVERS, "cells": 1, "log": {
    "witnesses": {"w1": w.conf}, "quorum": 1}})
gate.calls(3)
g.ok(g.until(lambda: "witness w1: " in gate.log(), 8) and gate.size() == 0 and
     "certificate" in gate.log() and not w.asked,
     "one whose certificate nobody vouches for is not asked",
     gate.log()[-400:])
gate.stop()
gate.config["log"]["witnesses"]["w1"]["ca"] = f"{d}/c"
gate.write_config()
gate.start()
g.ok(g.until(lambda: gate.size() > 0, 10) and w.asked, "with ca it is",
     gate.log()[-400:])
gate.stop()
w.close()
w = notes.Witness("w1.example", says=slow)
v = notes.Witness("w2.example")
gate = Gate({"servers": SERVERS, "cells": 1, "log": {
    "witnesses": {"slow": w.conf, "quick": v.conf}, "quorum": 1}})
begun = time.monotonic()
worst = gate.calls(10)
g.ok(gate.all_in(5) and time.monotonic() - begun < 3.9,
     "a slow one holds neither what counts nor calls", worst)
g.ok(notes.cosigned(v.key.vkey, gate.checkpoint), "the quick one cosigned")
gate.stop()
w.close()

# --- each other's witness ---
homes = [g.directory("pair") for _ in range(2)]
states = [os.path.join(h, "state") for h in homes]
ports = [g.free_port() for _ in homes]
logs = [cli("keys", "init", s, f"log{i}.example").stdout.strip()
        for i, s in enumerate(states)]
keys = [cli("keys", "init", s, f"witness{i}.example", "--witness")
        .stdout.strip() for i, s in enumerate(states)]
pair = [Gate({"servers": SERVERS, "cells": 1,
              "witness": {"listen": f"127.0.0.1:{ports[i]}",
                          "logs": [logs[1 - i]]},
              "log": {"quorum": 1, "witnesses": {"other": {
                  "url": f"http://127.0.0.1:{ports[1 - i]}/",
                  "key": keys[1 - i]}}}}, where=homes[i])
        for i in range(2)]
for i, x in enumerate(pair):
    x.calls(20)
for i, x in enumerate(pair):
    g.ok(x.all_in(15) and notes.cosigned(keys[1 - i], x.checkpoint) and
         x.sound(), f"two gateways, each cosigned by the other: {i}",
         x.checkpoint + x.log()[-500:])
for role in ("cosign", "witness"):
    os.kill(pair[0].roles()[role][0][1], signal.SIGKILL)
    pair[1].calls(10)
g.ok(pair[1].all_in(20), "one's witness killed, the other goes on",
     pair[1].log()[-500:])

# --- another key for the log, before its witness ---
x, other = pair
first = x.vkey()
old = os.path.join(homes[0], "old-receipt")
with open(old, "w") as f:
    f.write(cli("ledger", "receipt", x.state, "3").stdout)
old_trust = os.path.join(homes[0], "old-trust")
with open(old_trust, "w") as f:
    f.write(cli("keys", "show", x.state, "--trust", "-c", x.path).stdout)
x.stop()
before = x.size()
g.same(cli("keys", "rotate", x.state).returncode, 0, "the log gets a new key")
x.start()
x.calls(10)
g.ok(x.all_in(15) and x.size() > before and
     x.checkpoint.startswith("log0.example\n") and
     x.checkpoint.count("\n\u2014 log0.example ") == 2 and
     notes.cosigned(keys[1], x.checkpoint),
     "both sign, the origin stays, and the witness that knows the old one "
     "cosigns", x.checkpoint + x.log()[-300:])
second = x.vkey()
both = os.path.join(homes[0], "both-trust")
with open(both, "w") as f:
    f.write(cli("keys", "show", x.state, "--trust", "-c", x.path).stdout)
across = os.path.join(homes[0], "across")
with open(across, "w") as f:
    f.write(cli("ledger", "receipt", x.state, "3").stdout)


def verdict(trust, receipt):
    return cli("verify", "receipt", "--trust", trust, receipt).returncode


g.same([verdict(old_trust, old), verdict(old_trust, across),
        verdict(both, old), verdict(both, across)], [0, 0, 0, 0],
       "receipts of before and after are valid for who knows the old key, and "
       "for who knows both")
x.stop()
g.same(cli("keys", "rotate", "--retire", x.state).returncode, 0,
       "the old one retires")
x.start()
x.calls(10)
g.ok(g.until(lambda: "witness other: it answered 403" in x.log(), 10),
     "the witness does not know the new one alone", x.log()[-500:])
g.same(x.metric("log_quorum_missing"), 1, "so what it signs does not count")
other.stop()
other.config["witness"]["logs"].append(second)
other.write_config()
other.start()
g.ok(g.until(lambda: x.size() == len(x.records()), 70) and x.sound() and
     x.checkpoint.count("\n\u2014 log0.example ") == 1,
     "told of it, it cosigns, and the tree goes on", x.checkpoint +
     x.log()[-500:])
with open(across, "w") as f:
    f.write(cli("ledger", "receipt", x.state, "3").stdout)
new_trust = os.path.join(homes[0], "new-trust")
with open(new_trust, "w") as f:
    f.write(cli("keys", "show", x.state, "--trust", "-c", x.path).stdout)
g.same([verdict(old_trust, old), verdict(old_trust, across),
        verdict(new_trust, old), verdict(new_trust, across),
        verdict(both, old), verdict(both, across)], [0, 1, 1, 0, 0, 0],
       "receipts: the old key's stay valid under the old key, the new key's "
       "are valid under the new one, both under both")
for y in pair:
    y.stop()

# --- what a configuration may not say ---
for what, witness, words in (
        ("a log's key", notes.Key("a").vkey, "not a witness's"),
        ("no key", "nonsense", "no verifier key")):
    said = g.refused_start({"servers": SERVERS, "log": {"witnesses": {
        "w1": {"url": "http://127.0.0.1:1", "key": witness}}}})
    g.ok("log.witnesses.w1.key: " in said and words in said,
         f"{what} is refused at the start", said)
said = g.refused_start({"servers": SERVERS, "log": {"publish": {
    "f": {"file": "/nowhere/at/all/head"}}}})
g.ok("log.publish: /nowhere/at/all" in said, "so is a directory that is not "
     "there", said)
g.done()
