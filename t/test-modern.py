"""The modern era: no state between calls but what is sealed."""
import json
import time

import gatetest as g
from two import Two

t = Two({"alice": "token-a", "bob": "token-b"})
alice = t.gate.agent(path="/s/new/mcp", token="token-a")
bob = t.gate.agent(path="/s/new/mcp", token="token-b")
FORM = {"elicitation": {"form": {}}}

# Discovery and lists.
a = alice.modern("server/discover")
g.ok(a.allowed and g.MODERN in a.result.get("supportedVersions", []),
     "discover", a)
g.ok((a.result or {}).get("resultType") == "complete" and
     a.result.get("cacheScope") in ("private", "public") and
     isinstance(a.result.get("ttlMs"), int), "with cache hints", a)
a = alice.modern("tools/list")
names = [x["name"] for x in (a.result or {}).get("tools", [])]
g.ok("echo" in names, "tools are listed", names)
g.ok("secret" not in names, "what policy denies is not shown", names)
agg = t.gate.agent(path="/mcp", token="token-a")
names = [x["name"] for x in
         (agg.modern("tools/list").result or {}).get("tools", [])]
g.ok("new___echo" in names and "old___echo" in names,
     "one endpoint shows all servers", names)
a = t.gate.agent(path="/mcp", token="token-b").modern("tools/list")
names = [x["name"] for x in (a.result or {}).get("tools", [])]
g.ok("new___echo" in names and "old___echo" not in names,
     "a list is for who asks", names)

# Renaming: what the server gets is in its own words.
t.allowed("a call by its long name",
          lambda: agg.call("new___echo", {"text": "x"}))
seen = t.new.seen[-1]
g.same(seen["headers"].get("mcp-name"), "echo", "Mcp-Name is the server's")
g.same(seen["message"]["params"]["name"], "echo", "so is params.name")
g.same(seen["headers"].get("mcp-protocol-version"), g.MODERN,
       "the version is of that hop")
t.refused("a short name at the endpoint of all",
          lambda: agg.call("echo"), (200, 400, 404))
t.refused("a server that is not there",
          lambda: agg.call("none___echo"), (200, 400, 403, 404))
t.refused("bob at alice's server", lambda: t.gate.agent(
    path="/mcp", token="token-b").call("old___echo"), (200, 403))
t.refused("bob at its endpoint", lambda: t.gate.agent(
    path="/s/old/mcp", token="token-b").call("echo"), (200, 403, 404))

# Sealed state.
a = alice.call("ask", {"text": "1"}, capabilities=FORM)
r = a.result or {}
g.ok(r.get("resultType") == "input_required" and r.get("inputRequests"),
     "a server may ask", a)
state = r.get("requestState", "")
g.ok(state and "upstream-state" not in state, "its state is sealed", state)
key = next(iter(r.get("inputRequests") or {"go": 1}))
given = {"inputResponses": {key: {"action": "accept",
                                  "content": {"ok": True}}},
         "requestState": state}


def retry(agent, more=None, name="ask", arguments=None, **kw):
    p = {"name": name, "arguments": arguments or {"text": "1"}, **given}
    p.update(more or {})
    return agent.modern("tools/call", p, capabilities=FORM, **kw)


flipped = state[:-4] + ("A" if state[-4:-3] != "A" else "B") + state[-3:]
for name, send in (
        ("state of another principal", lambda: retry(bob)),
        ("state with other arguments",
         lambda: retry(alice, arguments={"text": "2"})),
        ("state with another tool", lambda: retry(alice, name="echo")),
        ("state at another server",
         lambda: retry(t.gate.agent(path="/s/old/mcp", token="token-a"))),
        ("state with one bit changed",
         lambda: retry(alice, {"requestState": flipped})),
        ("state cut short", lambda: retry(alice,
                                          {"requestState": state[:20]})),
        ("state of the server's own making",
         lambda: retry(alice, {"requestState": "upstream-state-0"})),
        ("state that is no text", lambda: retry(alice,
                                                {"requestState": 7}))):
    t.refused(name, send, (200, 400, 403))
a = t.allowed("the honest retry", lambda: retry(alice))
g.ok(a is not None and "upstream-state-" in a.text,
     "the server got its own state back, byte for byte", a)
a = alice.call("ask", {"text": "1"})
g.ok(not (a.result or {}).get("inputRequests"),
     "who cannot be asked is not asked", a)
g.ok(a.code == -32021 or not a.allowed, "it is an error instead", a)

# Leaving is cancelling.
h, m = alice.modern_parts("tools/call", {"name": "slow", "arguments": {},
                          "_meta": {"progressToken": "p"}})
s = alice.stream("POST", json.dumps(m).encode(), h)
first = s.message()
g.ok(s.headers.get("x-accel-buffering") == "no" and
     s.headers.get("cache-control") == "no-cache" and not t.new.closed,
     "an event is there before the answer, and no proxy is to keep it",
     s.headers)
g.ok(first and first.get("method") == "notifications/progress" and
     first["params"].get("progressToken") == "p",
     "progress under the agent's own token", first)
s.close()
g.ok(g.until(lambda: t.new.closed, 3), "hanging up cancels at the server")

# Listening.
h, m = alice.modern_parts("subscriptions/listen", {
    "notifications": {"toolsListChanged": True}}, id="sub-9")
s = alice.stream("POST", json.dumps(m).encode(), h)
first = s.message() or {}
g.same(first.get("method"), "notifications/subscriptions/acknowledged",
       "the acknowledgement comes first")
sub = ((first.get("params") or {}).get("_meta") or {}).get(
    g.META + "subscriptionId")
g.same(sub, "sub-9", "under the agent's own id")
if g.until(lambda: t.new.streams.get("listen"), 3):
    time.sleep(0.1)
    t.new.notify("notifications/prompts/list_changed")
    t.new.notify("notifications/tools/list_changed")
    second = s.message() or {}
    g.same(second.get("method"), "notifications/tools/list_changed",
           "a change is told, and only what was asked for")
    g.same(((second.get("params") or {}).get("_meta") or {}).get(
        g.META + "subscriptionId"), "sub-9", "tagged with the agent's id")
else:
    g.ok(False, "the server is listened to")
s.close()

# Verbs.
for verb in ("GET", "DELETE", "PUT"):
    g.same(alice.http(verb).status, 405, f"{verb} is not here")
g.ok(t.gate.process.poll() is None, "still running")
t.all_recorded()
t.stop()
g.done()
