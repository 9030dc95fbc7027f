"""What went wrong in other gateways must not here (peers.md 6.1)."""
import json
import os
import re
import subprocess

import fakes
import gatetest as g
from two import Two

# Refused at start.  Each row: what is wrong, the configuration, its twin.
up = fakes.HttpUpstream("modern")
SERVERS = {"up": {"url": up.url}}
ALICE = {"alice": {"token_sha256": g.token_hash("t")}}
d = g.directory("peers")


def check(config, command="check", seconds=5):
    base = {"listen": f"127.0.0.1:{g.free_port()}",
            "desk": f"127.0.0.1:{g.free_port()}",
            "state": os.path.join(d, "state"), "servers": SERVERS}
    base.update(config)
    path = os.path.join(d, "gatehouse.yaml")
    with open(path, "w") as f:
        json.dump(base, f)
    try:
        p = subprocess.run([g.BINARY, command, path], capture_output=True,
                           text=True, timeout=seconds)
        return p.returncode, p.stdout + p.stderr
    except subprocess.TimeoutExpired:
        return None, "runs"


for name, config, twin in (
        ("anonymous beyond loopback",
         {"listen": "0.0.0.0:18642", "anonymous": "x"},
         {"anonymous": "x"}),
        ("no TLS beyond loopback",
         {"listen": "0.0.0.0:18642", "principals": ALICE},
         {"principals": ALICE}),
        ("desk beyond loopback", {"desk": "0.0.0.0:18643"}, {}),
        ("a rule about a field that does not exist",
         {"rules": [{"allow": {"arguments": "x"}}]},
         {"rules": [{"allow": {"name": "x"}}]}),
        ("a rule that is neither allow nor deny",
         {"rules": [{"reason": "x"}]}, {"rules": [{"deny": {}}]}),
        ("a rule for a server that is not there",
         {"rules": [{"allow": {"server": "nope"}}]},
         {"rules": [{"allow": {"server": "up"}}]}),
        ("an unknown key", {"listenn": "127.0.0.1:1"}, {}),
        ("a token that is no hash",
         {"principals": {"a": {"token_sha256": "secret-api-key"}}},
         {"principals": ALICE}),
        ("a token in clear", {"principals": {"a": {"token": "x"}}},
         {"principals": ALICE}),
        ("two servers of one name in two spellings",
         {"servers": {"up": {"url": up.url}, "UP": {"url": up.url}}},
         {"servers": {"up": {"url": up.url}, "up2": {"url": up.url}}})):
    code, out = check(config)
    g.ok(code == 1, f"check refuses: {name}", f"{code} {out}")
    g.ok(re.search(r"\d+:\d+|line \d+", out), f"it says where: {name}", out)
    code, out = check(config, "run")
    g.ok(code not in (0, None), f"run refuses: {name}", f"{code} {out}")
    code, out = check(twin)
    g.ok(code == 0, f"check takes the twin of: {name}", f"{code} {out}")

code, out = check({"servers": {"up": {"url": "http://192.0.2.1/mcp"}}})
g.ok(code == 0 and "warning" in out and "clear" in out,
     "plain HTTP to another machine is warned of", f"{code} {out}")

# No policy: deny all, and it says so.
gate = g.Gateway({"servers": SERVERS, "rules": []})
a = gate.agent(path="/s/up/mcp").call("echo")
g.ok(not a.allowed and not up.calls(), "no rules: nothing goes through", a)
gate.stop()
gate = g.Gateway({"servers": SERVERS, "rules": [{"allow": {}}]})
a = gate.agent(path="/s/up/mcp").call("echo")
g.ok(a.allowed and up.calls(), "one rule: it goes through", a)
gate.stop()

# Everybody says who they are; what is internal cannot be sent from outside.
t = Two({"alice": "token-a", "bob": "token-b"})
for name, h in (("nobody", {}), ("an empty token", {"Authorization":
                                                    "Bearer "}),
                ("the wrong token", {"Authorization": "Bearer token-c"}),
                ("the hash for a token", {
                    "Authorization": "Bearer " + g.token_hash("token-a")}),
                ("a default secret", {"Authorization":
                                      "Bearer secret-api-key"}),
                ("basic", {"Authorization": "Basic YWxpY2U6"}),
                ("two tokens in one", {
                    "Authorization": "Bearer token-a, Bearer token-b"}),
                ("a token in the query", {})):
    path = "/s/new/mcp?access_token=token-a" if "query" in name \
        else "/s/new/mcp"
    a = t.modern.modern("tools/list", headers=h)
    g.same(a.status, 401, f"refused: {name}")
    a = t.modern.http("GET", headers=h, path=path)
    g.ok(a.status in (401, 405), f"refused on GET: {name}", a)
alice = t.gate.agent(path="/s/new/mcp", token="token-a")
t.allowed("alice", lambda: alice.call("echo"))
t.allowed("her token in lower case scheme", lambda: t.modern.call(
    "echo", headers={"Authorization": "bearer token-a"}))
for h in ("X-Principal", "X-Forwarded-User", "X-Gatehouse-Principal",
          "X-User", "Router-Key", "Forwarded", "X-Forwarded-For"):
    bob = t.gate.agent(path="/s/old/mcp", token="token-b")
    t.refused(f"bob calls himself alice by {h}", lambda h=h: bob.call(
        "echo", headers={h: "alice"}), (200, 403, 404))
t.allowed("the same header changes nothing for alice", lambda: alice.call(
    "echo", headers={"X-Principal": "bob"}))
g.ok(all("x-principal" not in r["headers"] for r in t.new.seen),
     "what claims identity is not passed on")

# Sessions of a server are never shared between principals by accident.
a = t.gate.agent(path="/s/old/mcp", token="token-a")
b = t.gate.agent(path="/s/old/mcp", token="token-a")
a.initialize(), b.initialize()
a.legacy_call("echo", {"text": "from-a"})
b.legacy_call("echo", {"text": "from-b"})
of = {word: {r["headers"].get("mcp-session-id") for r in t.old.seen
             if word in r["body"].decode("utf-8", "replace")}
      for word in ("from-a", "from-b")}
g.ok(of["from-a"] and of["from-b"] and not of["from-a"] & of["from-b"],
     "each session has its own at the server", of)

# What is refused is on record: calls, lists, parse failures.
bob = t.gate.agent(path="/s/new/mcp", token="token-b")
bob.call("secret", {"text": "needle-argument"})
bob.http("POST", b"{not json", {"Content-Type": "application/json"})
bob.modern("tools/list")
records = g.until(lambda: [r for r in t.gate.records()
                           if "bob" in json.dumps(r)])
text = json.dumps(records)
g.ok("secret" in text and "deny" in text, "a denial is on record", text[:500])
g.ok("tools/list" in text, "a list is on record", text[:500])
g.ok(any(r.get("kind") == "refusal" and r.get("verdict") == "deny"
         for r in t.gate.records()),
     "a message that is none is on record", text[:500])
g.ok("needle-argument" not in json.dumps(t.gate.records()),
     "arguments are not in the ledger in clear")
g.ok("token-a" not in json.dumps(t.gate.records()) + t.gate.log(),
     "no token is in ledger or log")
code, out, err = t.gate.cli("ledger", "verify", t.gate.state)
g.ok(code == 0, "the ledger verifies", out + err)
t.all_recorded()
t.stop()
g.done()
