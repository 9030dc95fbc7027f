"""An upstream of 2024-11-05 (HTTP+SSE), and batches of 2025-03-26."""
import json
import threading

import fakes
import gatetest as g


class Old:
    """`behave` of an HttpUpstream: GET /sse is the session."""

    def __init__(self, endpoint="/messages?s={}"):
        self.endpoint, self.n, self.streams = endpoint, 0, {}
        self.waiting, self.posts = {}, []
        self.state = {"calls": 0}

    def __call__(self, conn, r):
        path, m = r["path"], r["message"]
        if r["verb"] == "GET" and path == "/sse":
            return self._stream(conn)
        if r["verb"] != "POST" or not path.startswith("/messages?s="):
            return conn.reply(405)
        s = self.streams.get(path.split("=")[1])
        if s is None:
            return conn.reply(404)
        self.posts.append(r)
        conn.reply(202, b"Accepted")
        if "method" not in m and m.get("id") in self.waiting:
            s.event({"id": self.waiting.pop(m["id"]), "result": fakes.text(
                json.dumps(m.get("result")))})
        elif "id" in m and "method" in m:
            self._answer(s, m)
        return True

    def _answer(self, s, m):
        params = m.get("params") or {}
        if params.get("name") == "ask":
            self.waiting[0] = m["id"]
            return s.event({"id": 0, "method": "elicitation/create",
                            "params": fakes.ASK})
        if params.get("name") == "slow":
            token = (params.get("_meta") or {}).get("progressToken")
            for i in (1, 2):
                s.event({"method": "notifications/progress", "params": {
                    "progressToken": token, "progress": i}})
        got = fakes.answer("legacy", m, self.state)
        if m["method"] == "initialize":
            got["result"]["protocolVersion"] = "2024-11-05"
        return s.event({"id": m["id"], **got})

    def _stream(self, conn):
        conn.sse()
        where = self.endpoint.format(self.n)
        self.streams[str(self.n)] = conn
        self.n += 1
        conn.chunk(f"event: endpoint\ndata: {where}\n\n".encode())
        conn.hold = threading.Event()
        while not conn.gone() and not conn.hold.wait(0.1):
            conn.comment()
        raise OSError("closed")


def upstream(behave):
    up = fakes.HttpUpstream("legacy", behave=behave)
    up.url = up.url.replace("/mcp", "/sse")
    return up


old = Old()
up = upstream(old)
thief = upstream(Old("http://127.0.0.1:1/messages?s={}"))
gate = g.Gateway({
    "servers": {"old": {"url": up.url}, "thief": {"url": thief.url}},
    "rules": [{"deny": {"name": "secret"}}, {"allow": {}}]})

# A legacy agent.
a = gate.agent(path="/s/old/mcp")
got = a.initialize(capabilities={"elicitation": {}})
g.ok(got.allowed and "tools" in got.result["capabilities"],
     "a server of 2024-11-05 is opened", got)
got = a.legacy_call("echo", {"text": "x"})
g.ok(got.allowed and "echo" in got.text, "a call goes through", got)
before = len(old.posts)
got = a.legacy_call("secret")
g.ok(not got.allowed and len(old.posts) == before,
     "refused: what policy denies is not posted", got)
head = old.posts[-1]["headers"]
g.ok("mcp-protocol-version" not in head and "mcp-session-id" not in head,
     "it is sent no header of later versions", head)
got = a.legacy("tools/call", {"name": "slow", "arguments": {},
                              "_meta": {"progressToken": "mine"}})
g.same([m["params"]["progressToken"] for m in got.messages if "method" in m],
       ["mine", "mine"], "progress comes under the agent's token")
s = a.stream("POST", json.dumps({
    "jsonrpc": "2.0", "id": 5, "method": "tools/call",
    "params": {"name": "ask", "arguments": {}}}).encode(), a.legacy_headers())
m, rest = s.message(), None
if m and m.get("method") == "elicitation/create":
    a.http("POST", json.dumps({
        "jsonrpc": "2.0", "id": m["id"],
        "result": {"action": "accept", "content": {"ok": True}}}).encode(),
        a.legacy_headers())
    rest = s.message()
s.close()
g.ok(rest and rest.get("id") == 5 and "accept" in json.dumps(rest),
     "its question is asked and answered", (m, rest))
b = gate.agent(path="/s/old/mcp")
b.initialize()
g.ok(old.n >= 2 and b.legacy_call("echo").allowed,
     "another session has a stream of its own")

# A modern agent, bridged.
n = gate.agent(path="/s/old/mcp")
got = n.call("echo", {"text": "y"})
g.ok(got.allowed and "echo" in got.text, "a modern agent calls it too", got)

# The end of the stream is the end of the session; the next call opens one.
before = old.n
for conn in list(old.streams.values()):
    conn.hold.set()
got = g.until(lambda: (lambda x: x if x.allowed else None)(
    a.legacy_call("echo")), 5)
g.ok(got and old.n > before, "after the stream's end a new one is opened", got)

# Somebody else's endpoint.
x = gate.agent(path="/s/thief/mcp")
got = x.call("echo")
g.ok(got.status == 502 and not got.allowed and
     not [r for r in thief.seen if r["path"].startswith("/messages")],
     "refused: an endpoint of another origin", got)
# We are no such server: its clients open with GET.
got = gate.agent(path="/s/old/mcp").http(
    "GET", headers={"Accept": "text/event-stream"})
g.ok(got.status in (400, 405), "refused: an agent of that transport", got)
gate.stop()
up.stop()
thief.stop()


# ---- batches of servers, of 2025-03-26 alone ----

def batch(conn, r):
    m = r["message"]
    if not isinstance(m, dict) or m.get("method") != "tools/call":
        return False
    body = json.dumps([
        {"jsonrpc": "2.0", "id": m["id"], "result": fakes.text("in a batch")},
        {"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}])
    return conn.reply(200, body.encode(),
                      {"Content-Type": "application/json"})


up = fakes.HttpUpstream("legacy", behave=batch)
gate = g.Gateway({"servers": {"b": {"url": up.url}}, "rules": [
    {"deny": {"name": "secret"}}, {"allow": {}}]})
for version, want in (("2025-03-26", True), ("2025-06-18", False)):
    a = gate.agent(path="/s/b/mcp")
    a.initialize(version=version)
    got = a.legacy_call("echo")
    g.ok(got.allowed == want and (got.text == "in a batch") == want,
         f"{'allowed' if want else 'refused'}: a server's batch of {version}",
         got)

# Batches of agents: each message for itself.
TWO = [{"jsonrpc": "2.0", "id": i, "method": "tools/list"} for i in (1, 2)]
for version, want in (("2025-03-26", True), ("2025-06-18", False)):
    a = gate.agent(path="/s/b/mcp")
    a.initialize(version=version)
    got = a.http("POST", json.dumps(TWO).encode(), a.legacy_headers())
    ids = sorted(m["id"] for m in got.messages if "result" in m)
    g.ok((ids == [1, 2]) == want,
         f"{'allowed' if want else 'refused'}: an agent's batch of {version}",
         got)
# One that is denied stays so among those that are not.
a = gate.agent(path="/s/b/mcp")
a.initialize(version="2025-03-26")
before = len(up.calls())
got = a.http("POST", json.dumps([
    {"jsonrpc": "2.0", "id": n, "method": "tools/call",
     "params": {"name": n, "arguments": {}}}
    for n in ("echo", "secret", "ok_read")]).encode(), a.legacy_headers())
fine = sorted(m["id"] for m in got.messages
              if "result" in m and not m["result"].get("isError"))
g.same(fine, ["echo", "ok_read"], "in a batch each call is decided for itself")
g.same([m["params"]["name"] for m in up.calls()[before:]], ["echo", "ok_read"],
       "and what is denied is not sent on")
gate.stop()
up.stop()
g.done()
