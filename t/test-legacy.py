"""Legacy sessions: whose they are, how they end, what crosses them."""
import json
import threading
import time

import gatetest as g
from two import Two, call_text

t = Two({"alice": "token-a", "bob": "token-b"})
OLD = "/s/old/mcp"
alice = t.gate.agent(path=OLD, token="token-a")
bob = t.gate.agent(path=OLD, token="token-b")
also = t.gate.agent(path=OLD, token="token-a")

# Opening.
a = alice.initialize()
g.ok(a.allowed and alice.session, "initialize opens a session", a)
g.ok(alice.session and all(0x21 <= ord(c) <= 0x7e for c in alice.session) and
     len(alice.session) >= 22, "its id is visible and long", alice.session)
g.ok(alice.session != "upstream-session-0" and
     "upstream-session" not in (alice.session or ""),
     "its id is ours, not the server's", alice.session)
t.allowed("a call in the session",
          lambda: alice.legacy_call("echo", {"text": "x"}))
for version in ("2025-06-18", "2025-03-26", "2024-11-05"):
    x = t.gate.agent(path=OLD, token="token-a")
    got = (x.initialize(version=version).result or {}).get("protocolVersion")
    g.same(got, version, f"version {version} is agreed on")
x = t.gate.agent(path=OLD, token="token-a")
got = (x.initialize(version="1999-01-01").result or {}).get("protocolVersion")
g.ok(got in ("2025-11-25", "2025-06-18"), "an unknown version gets a known "
     "one offered", got)

# Policy by the body, whatever headers claim.
t.refused("a denied tool", lambda: alice.legacy_call("secret"), (200, 403))
t.refused("a denied tool behind a lying Mcp-Name",
          lambda: alice.legacy_call("secret", headers={
              "Mcp-Name": "echo", "Mcp-Method": "tools/call"}), (200, 400, 403))
t.allowed("an allowed tool behind headers that name a denied one",
          lambda: alice.legacy_call("echo", headers={
              "Mcp-Name": "secret", "Mcp-Method": "tools/list"}))
t.refused("a batch on a session", lambda: alice.http("POST", json.dumps([
    {"jsonrpc": "2.0", "id": 1, "method": "tools/call",
     "params": {"name": "echo", "arguments": {}}},
    {"jsonrpc": "2.0", "id": 2, "method": "tools/call",
     "params": {"name": "secret", "arguments": {}}}]).encode(),
    alice.legacy_headers()))
t.refused("a modern body on a legacy session", lambda: alice.http(
    "POST", call_text().encode(), alice.legacy_headers()), code=-32020)
t.refused("another known version on a session",
          lambda: alice.legacy_call("echo", headers={
              "MCP-Protocol-Version": "2025-06-18"}))
t.refused("an unknown version on a session",
          lambda: alice.legacy_call("echo", headers={
              "MCP-Protocol-Version": "bogus"}))
t.allowed("the agreed version", lambda: alice.legacy_call("echo"))
t.allowed("a task parameter nobody declared", lambda: alice.legacy(
    "tools/call", {"name": "echo", "arguments": {}, "task": {"ttl": 1}}))
g.ok("task" not in (t.old.calls("echo")[-1].get("params") or {}),
     "it is not passed on", t.old.calls("echo")[-1])

# Whose session it is.
bob.session, bob.version = alice.session, alice.version
t.refused("another principal in the session",
          lambda: bob.legacy_call("echo"), (404,))
also.session, also.version = alice.session, alice.version
t.allowed("the same principal on another connection",
          lambda: also.legacy_call("echo"))
also.path = "/mcp"
t.refused("the session at another endpoint",
          lambda: also.legacy_call("old___echo"), (404,))
nobody = t.gate.agent(path=OLD)
nobody.session, nobody.version = alice.session, alice.version
t.refused("the session without a token",
          lambda: nobody.legacy_call("echo"), (401,))
ghost = t.gate.agent(path=OLD, token="token-a")
t.refused("no session", lambda: ghost.legacy_call("echo"), (400,))
ghost.session = "x" * 32
t.refused("an invented session", lambda: ghost.legacy_call("echo"), (404,))
a = bob.http("DELETE", headers=bob.legacy_headers())
g.ok(a.status == 404, "another principal cannot end it", a)
t.allowed("it goes on", lambda: alice.legacy_call("echo"))

# What goes to the server: its own session, its own version, nothing of ours.
seen = t.old.seen[-1]["headers"]
g.ok(seen.get("mcp-session-id", "").startswith("upstream-session-"),
     "the server's own session id is used", seen)
g.ok("authorization" not in seen and "cookie" not in seen,
     "no credential of the agent is sent", seen)
g.ok("mcp-method" not in seen and "mcp-name" not in seen,
     "no modern header is sent to a legacy server", seen)

# Two agents with the same ids do not meet.
bob = t.gate.agent(path="/s/new/mcp", token="token-b")
alice_new = t.gate.agent(path="/s/new/mcp", token="token-a")
answers = {}


def same_ids(who, agent, word):
    answers[who] = [agent.call("echo", {"text": f"{word}{i}"}, id=i).text
                    for i in range(20)]


pair = [threading.Thread(target=same_ids, args=("a", alice_new, "alice")),
        threading.Thread(target=same_ids, args=("b", bob, "bob"))]
for x in pair:
    x.start()
for x in pair:
    x.join()
g.ok(all(f"alice{i}" in x for i, x in enumerate(answers["a"])) and
     all(f"bob{i}" in x for i, x in enumerate(answers["b"])),
     "answers to the same ids go to who asked", answers)

# Progress and the stream.
s = alice.stream("POST", json.dumps({
    "jsonrpc": "2.0", "id": 77, "method": "tools/call", "params": {
        "name": "slow", "arguments": {},
        "_meta": {"progressToken": "mine"}}}).encode(),
    alice.legacy_headers())
got = []
while True:
    m = s.message()
    if m is None:
        break
    got.append(m)
s.close()
tokens = {m["params"]["progressToken"] for m in got if "method" in m}
g.same(tokens, {"mine"}, "progress comes back under the agent's token")
g.ok(got and got[-1].get("id") == 77 and "result" in got[-1],
     "the answer ends the stream", got[-2:])
sent = t.old.calls("slow")[-1]["params"]["_meta"]["progressToken"]
g.ok(sent != "mine", "the server saw another token", sent)
again = [m["params"]["progress"] for m in got if "method" in m]
g.ok(len(again) > 3 and again == sorted(set(again)), "progress only grows",
     again)

# Asking the person: the request crosses, the answer finds its way back.
asker = t.gate.agent(path=OLD, token="token-a")
asker.initialize(capabilities={"elicitation": {}})
s = asker.stream("POST", json.dumps({
    "jsonrpc": "2.0", "id": 5, "method": "tools/call",
    "params": {"name": "ask", "arguments": {}}}).encode(),
    asker.legacy_headers())
m = s.message()
g.ok(m and m.get("method") == "elicitation/create",
     "a server's question arrives on the stream of its call", m)
thief = t.gate.agent(path=OLD, token="token-b")
thief.initialize(capabilities={"elicitation": {}})
reply = {"jsonrpc": "2.0", "id": (m or {}).get("id"),
         "result": {"action": "accept", "content": {"ok": True}}}
stolen = dict(reply, result={"action": "accept", "content": {"ok": False}})
thief.http("POST", json.dumps(stolen).encode(), thief.legacy_headers())
a = asker.http("POST", json.dumps(reply).encode(), asker.legacy_headers())
g.same(a.status, 202, "the answer is accepted")
m = s.message()
s.close()
g.ok(m and m.get("id") == 5 and '\\"ok\\": true' in json.dumps(m),
     "the server got the answer of who was asked", m)
plain = t.gate.agent(path=OLD, token="token-a")
plain.initialize()
a = plain.legacy_call("ask")
g.ok(all("elicitation" not in json.dumps(x) for x in a.messages[:-1]),
     "nobody is asked who did not declare it", a)

# Hanging up is not cancelling; the answer waits.
s = alice.stream("POST", json.dumps({
    "jsonrpc": "2.0", "id": 88, "method": "tools/call", "params": {
        "name": "slow", "arguments": {},
        "_meta": {"progressToken": 1}}}).encode(), alice.legacy_headers())
e = s.event()
first = None
while e is not None and not e.get("data"):
    first = e.get("id", first)
    e = s.event()
first = (e or {}).get("id", first)
s.close()
time.sleep(1.5)
g.ok(not t.old.closed, "a lost stream does not cancel a legacy call",
     t.old.closed)
g.ok(first, "events carry ids", e)
if first:
    r = alice.stream("GET", headers=alice.legacy_headers({
        "Last-Event-ID": first, "Accept": "text/event-stream"}))
    got = []
    for _ in range(20):
        m = r.message()
        if m is None:
            break
        got.append(m)
        if m.get("id") == 88:
            break
    r.close()
    g.ok(got and got[-1].get("id") == 88 and "result" in got[-1],
         "the answer is there for who comes back", got[-2:])
    bad = t.gate.agent(path=OLD, token="token-b", timeout=2)
    bad.session, bad.version = alice.session, alice.version
    a = bad.http("GET", headers=bad.legacy_headers({
        "Last-Event-ID": first, "Accept": "text/event-stream"}))
    g.same(a.status, 404, "another principal cannot replay it")

# Cancelling.
s = alice.stream("POST", json.dumps({
    "jsonrpc": "2.0", "id": 99, "method": "tools/call",
    "params": {"name": "slow", "arguments": {}}}).encode(),
    alice.legacy_headers())
time.sleep(0.3)
alice.legacy("notifications/cancelled", {"requestId": 99})
asked = t.old.calls("slow")[-1]["id"]
found = g.until(lambda: [
    r for r in t.old.requests("notifications/cancelled")
    if r["message"]["params"].get("requestId") == asked] or
    asked in t.old.closed, 3)
g.ok(found, "cancelled reaches the server under the server's id",
     [r["message"] for r in t.old.requests("notifications/cancelled")])
s.close()

# Change notifications on the GET stream.
r = alice.stream("GET", headers=alice.legacy_headers(
    {"Accept": "text/event-stream"}))
g.same(r.status, 200, "a GET stream opens")
if r.status == 200 and g.until(lambda: t.old.streams, 3):
    t.old.notify("notifications/tools/list_changed")
    g.same((r.message() or {}).get("method"),
           "notifications/tools/list_changed", "a change is told")
r.close()

# Ending.
a = alice.http("DELETE", headers=alice.legacy_headers())
g.ok(a.status in (200, 204), "DELETE ends the session", a)
t.refused("a call after it", lambda: alice.legacy_call("echo"), (404,))
a = also.http("GET", headers={"Accept": "text/event-stream"}, path=OLD)
g.ok(a.status in (400, 405), "GET without a session", a)
g.ok(t.gate.process.poll() is None, "still running")
t.all_recorded()
t.stop()
g.done()
