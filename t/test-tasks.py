"""Tasks of both eras: whose they are, what is shown, decided and recorded."""
import json
import threading

import fakes
import faketasks
import gatetest as g

LEGACY, MODERN = faketasks.Tasks("legacy"), faketasks.Tasks("modern")
old = fakes.HttpUpstream("legacy", behave=LEGACY)
new = fakes.HttpUpstream("modern", behave=MODERN)
LEGACY.up, MODERN.up = old, new
gate = g.Gateway({
    "servers": {"new": {"url": new.url, "era": "modern"},
                "old": {"url": old.url, "era": "legacy"}},
    "cells": 2,
    "limits": {"tasks": 6, "task_ttl": "30s"},
    "rules": [
        {"deny": {"principal": "bob", "method": "tasks/cancel"},
         "id": "bob-waits"},
        {"allow": {}, "id": "everything"}]},
    agents={"alice": "token-a", "bob": "token-b"})
EXT = {"extensions": {faketasks.EXT: {}}}
TASK = {"name": "task", "arguments": {}, "task": {"ttl": 10000}}


def asked(up, method):
    return [r["message"]["params"] for r in up.requests(method)]


def modern(agent, method, params, caps=EXT, **kw):
    h, m = agent.modern_parts(method, params, **kw)
    m["params"]["_meta"][fakes.META + "clientCapabilities"] = caps
    if "taskId" in params:
        h.setdefault("Mcp-Name", params["taskId"])
    return agent.http("POST", json.dumps(m).encode(), h)


# ---- legacy: made, watched, fetched, cancelled ----
alice = gate.agent(path="/s/old/mcp", token="token-a")
a = alice.initialize(capabilities={"elicitation": {}})
caps = a.result["capabilities"].get("tasks") or {}
g.same(caps, {"list": {}, "cancel": {}, "requests": {"tools": {"call": {}}}},
       "the server's tasks are offered")
tools = {t["name"]: t for t in alice.legacy("tools/list").result["tools"]}
g.same((tools["task"].get("execution") or {}).get("taskSupport"), "optional",
       "a tool says that it can be a task")
a = alice.legacy("tools/call", TASK)
task = (a.result or {}).get("task") or {}
mine = task.get("taskId", "")
g.ok(mine and mine != "upstream-task-0" and task["status"] == "working",
     "a call becomes a task under our id", a)
made = [r for r in gate.records() if r["kind"] == "outcome" and
        r.get("task") == mine]
g.same([(r["status"], r["observed"]) for r in made], [("answered", "pending")],
       "the outcome of a call that is still under way is pending")
g.same(old.calls("task")[-1]["params"].get("task"), {"ttl": 10000},
       "the server was asked for one")
a = alice.legacy("tasks/get", {"taskId": mine})
g.ok(a.allowed and a.result["taskId"] == mine, "its state is told", a)
g.same(asked(old, "tasks/get")[-1]["taskId"], "upstream-task-0",
       "the server heard its own id")
a = alice.legacy("tasks/get", {"taskId": "upstream-task-0"})
g.same(a.code, -32602, "refused: the server's own id")
answers = []
waiter = threading.Thread(target=lambda: answers.append(
    alice.legacy("tasks/result", {"taskId": mine})))
waiter.start()
g.until(lambda: asked(old, "tasks/result"), 3)
g.ok(not answers, "the result is waited for")
LEGACY.set("upstream-task-0", "completed", fakes.text("done"))
waiter.join(10)
a = answers[0] if answers else None
g.ok(a and a.text == "done" and
     a.result["_meta"][faketasks.RELATED] == {"taskId": mine},
     "and comes related to our id", a)
a = alice.legacy("tasks/cancel", {"taskId": mine})
g.same(a.code, -32602, "refused: cancelling what is over")
a = alice.legacy("tools/call", TASK)
other = a.result["task"]["taskId"]
a = alice.legacy("tasks/cancel", {"taskId": other})
g.ok(a.allowed and a.result["status"] == "cancelled" and
     a.result["taskId"] == other, "allowed: cancelling what runs", a)
a = alice.legacy("tools/call", {"name": "task", "arguments": {}})
g.ok(a.allowed and "content" in a.result, "a plain call stays plain", a)
a = alice.legacy("tools/call", {**TASK, "task": {"ttl": 99000000}})
g.same(old.calls("task")[-1]["params"]["task"], {"ttl": 30000},
       "a ttl is no longer than task_ttl")
g.same(a.result["task"]["ttl"], 30000, "and so it is shown")
a = alice.legacy("tools/call", {"name": "secret", "task": {}})
g.ok(a.allowed, "allowed: a task call that policy allows", a)

# ---- whose they are ----
also = gate.agent(path="/s/old/mcp", token="token-a")
also.initialize()
bob = gate.agent(path="/s/old/mcp", token="token-b")
bob.initialize()
for who, agent in (("another session of hers", also),
                   ("another principal", bob)):
    for method in ("tasks/get", "tasks/result", "tasks/cancel"):
        before = len(asked(old, method))
        a = agent.legacy(method, {"taskId": mine})
        g.ok(a.code == -32602 and len(asked(old, method)) == before,
             f"refused: {method} of {who}", a)
    g.same(len(agent.legacy("tasks/list").result["tasks"]), 0,
           f"nor does {who} see it in a list")
got = alice.legacy("tasks/list").result["tasks"]
g.ok(mine in [t["taskId"] for t in got] and
     not any("upstream" in t["taskId"] for t in got),
     "she sees her own", got)
a = bob.legacy("tools/call", TASK)
bobs = a.result["task"]["taskId"]
a = bob.legacy("tasks/cancel", {"taskId": bobs})
g.ok(a.code == -31001, "refused: what policy denies", a)
a = bob.legacy("tasks/get", {"taskId": bobs})
g.ok(a.allowed, "allowed: what it does not", a)

# ---- an older version, the other era ----
older = gate.agent(path="/s/old/mcp", token="token-a")
a = older.initialize(version="2025-06-18")
g.ok("tasks" not in a.result["capabilities"], "older versions have none", a)
g.same(older.legacy("tasks/list").code, -32601, "refused: listing them there")
tools = {t["name"]: t for t in older.legacy("tools/list").result["tools"]}
g.ok("taskSupport" not in (tools["task"].get("execution") or {}),
     "nor does a tool say so", tools["task"])
x = gate.agent(path="/s/old/mcp", token="token-a")
a = modern(x, "server/discover", {})
g.ok("extensions" not in a.result["capabilities"],
     "a legacy server's tasks are not offered to a modern agent", a)
a = modern(x, "tools/call", {**TASK})
g.ok(a.allowed and "task" not in old.calls("task")[-1]["params"],
     "and its call is a plain one", a)
x = gate.agent(path="/s/new/mcp", token="token-a")
a = x.initialize()
g.ok("tasks" not in a.result["capabilities"] and
     "extensions" not in a.result["capabilities"],
     "nor a modern server's to a legacy agent", a)
a = x.legacy("tools/call", TASK)
g.ok("error" in a.last and "task" in a.last["error"]["message"],
     "what cannot be is a clear error", a)

# ---- modern ----
m = gate.agent(path="/s/new/mcp", token="token-a")
a = modern(m, "server/discover", {})
g.same(a.result["capabilities"].get("extensions"), {faketasks.EXT: {}},
       "the extension is offered")
a = modern(m, "tools/call", {"name": "task", "arguments": {}}, caps={})
g.ok(a.status == 400 and a.code == -32021,
     "refused: a task for who cannot follow it", a)
a = modern(m, "tools/call", {"name": "task", "arguments": {}})
mid = (a.result or {}).get("taskId", "")
g.ok(a.result["resultType"] == "task" and mid and "upstream" not in mid,
     "a modern server makes a task", a)
g.same(a.result.get("ttlMs"), 30000, "its ttl is clamped")
for _ in range(6):  # whichever cell is asked
    one = gate.agent(path="/s/new/mcp", token="token-a")
    a = modern(one, "tasks/get", {"taskId": mid})
    g.ok(a.allowed and a.result["taskId"] == mid and
         a.result["resultType"] == "complete",
         "it is found from every connection", a)
head = new.requests("tasks/get")[-1]["headers"]
g.same(head.get("mcp-name"), "upstream-task-0",
       "the server is told by its own name for it")
for name, path, token, caps, want in (
        ("without the extension", "/s/new/mcp", "token-a", {}, -32021),
        ("another principal's", "/s/new/mcp", "token-b", EXT, -32602),
        ("at another endpoint", "/mcp", "token-a", EXT, -32602)):
    before = len(asked(new, "tasks/get"))
    a = modern(gate.agent(path=path, token=token), "tasks/get",
               {"taskId": mid}, caps)
    g.ok(a.code == want and len(asked(new, "tasks/get")) == before,
         f"refused: a task {name}", a)
a = modern(m, "tasks/get", {"taskId": "upstream-task-0"})
g.same(a.code, -32602, "refused: the server's own id, modern")
a = modern(m, "tasks/get", {"taskId": mid}, headers={"Mcp-Name": "other"})
g.same(a.code, -32020, "refused: a header that names another task")
h, msg = m.modern_parts("tasks/get", {"taskId": mid})
msg["params"]["_meta"][fakes.META + "clientCapabilities"] = EXT
h.pop("Mcp-Name", None)
a = m.http("POST", json.dumps(msg).encode(), h)
g.same(a.code, -32020, "refused: no header")
for method in ("tasks/list", "tasks/result"):
    a = modern(m, method, {"taskId": mid})
    g.ok(a.status == 404 and a.code == -32601, f"refused: {method}, modern", a)
WANT = {"k": {"method": "elicitation/create", "params": fakes.ASK}}
MODERN.set("upstream-task-0", "input_required", inputs=WANT)
a = modern(m, "tasks/get", {"taskId": mid})
g.ok(a.code == -31003, "refused: inputs that were not declared", a)
a = modern(m, "tasks/get", {"taskId": mid}, {**EXT, "elicitation": {}})
g.same((a.result or {}).get("inputRequests"), WANT, "allowed: declared ones")
a = modern(m, "tasks/update", {"taskId": mid, "inputResponses": {
    "k": {"action": "decline"}}})
g.ok(a.allowed and MODERN.updates == [{"k": {"action": "decline"}}],
     "the answer reaches the server", a)

# Its news, to who listens.
h, msg = m.modern_parts("subscriptions/listen", {"notifications": {
    "taskIds": [mid, "0-" + "f" * 32, "upstream-task-0"]}})
msg["params"]["_meta"][fakes.META + "clientCapabilities"] = EXT
before = len(new.streams.get("listen", []))
s = m.stream("POST", json.dumps(msg).encode(), h)
ack = s.message()
g.same(ack["params"]["notifications"].get("taskIds"), [mid],
       "only her own task is followed")
g.until(lambda: len(new.streams.get("listen", [])) > before, 3)
g.same(asked(new, "subscriptions/listen")[-1]["notifications"].get("taskIds"),
       ["upstream-task-0"], "the server is asked by its own id")
MODERN.set("upstream-task-0", "completed", fakes.text("news"))
new.notify("notifications/tasks", {**MODERN.shape("upstream-task-0"),
                                   "taskId": "upstream-task-9"})
new.notify("notifications/tasks", MODERN.shape("upstream-task-0"))
e = s.message()
g.ok(e["method"] == "notifications/tasks" and e["params"]["taskId"] == mid and
     e["params"]["result"] == fakes.text("news"),
     "its end is told, nobody else's is", e)
s.close()
a = modern(m, "tasks/get", {"taskId": mid})
g.same((a.result or {}).get("result"), fakes.text("news"),
       "the result is in the task")
a = modern(m, "tasks/cancel", {"taskId": mid})
g.ok(a.allowed, "cancel is acknowledged", a)

# ---- the endpoint of many servers ----
both = gate.agent(path="/mcp", token="token-a")
a = both.initialize()
g.ok("tasks" in a.result["capabilities"], "the aggregate offers tasks", a)
a = both.legacy("tools/call", {"name": "old___task", "arguments": {},
                               "task": {}})
there = (a.result.get("task") or {}).get("taskId", "")
a = both.legacy("tasks/get", {"taskId": there})
g.ok(a.allowed and a.result["taskId"] == there, "an id leads to its server", a)
got = both.legacy("tasks/list").result["tasks"]
g.same([t["taskId"] for t in got], [there], "its list is of this session")
a = both.legacy("tasks/get", {"taskId": mine})
g.same(a.code, -32602, "refused: a task of the other endpoint")

# ---- how many ----
for n in range(8):
    a = both.legacy("tools/call", {"name": "old___task", "arguments": {},
                                   "task": {}})
    if "task" not in (a.result or {}):
        break
before = len(old.calls("task"))
a = both.legacy("tools/call", {"name": "old___task", "arguments": {},
                               "task": {}})
g.ok(a.code == -31002 and len(old.calls("task")) == before,
     "refused: one task too many", a)
a = both.legacy("tools/call", {"name": "old___task", "arguments": {}})
g.ok(a.allowed, "allowed: the same call, plain", a)

# ---- records ----
rec = gate.records()
made = [r for r in rec if r.get("kind") == "outcome" and r.get("task") == mine]
follow = [r for r in rec if r.get("kind") == "decision" and
          r.get("task") == mine and r["method"] == "tasks/result"]
by = {r["seq"]: r for r in rec if r["cell"] == (made or [{}])[0].get("cell")}
g.ok(made and follow and made[0]["decision"] == follow[0]["origin"] and
     by[follow[0]["origin"]]["method"] == "tools/call" and
     follow[0]["name"] == "task" and follow[0]["server"] == "old",
     "a task's records lead to the call that made it", (made, follow))
g.ok(any(r.get("kind") == "task" and r.get("task") == mid for r in rec),
     "an end that was told is on record")
gate.stop()
old.stop()
new.stop()
g.done()
