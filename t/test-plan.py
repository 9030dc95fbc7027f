"""An agent states input and plan: in _meta, by the tool gatehouse___plan, by
POST /v1/events.  Each is recorded as its claim; a call outside the plan is a
fact that policy reads; and the gateway's own tool passes policy like any."""
import json
import os
import subprocess

import fakes
import gatetest as g

POLICY = """@id("tools") permit (principal, action, resource);
@id("own") forbid (principal == Gatehouse::Agent::"mute", action, resource)
when { resource is Gatehouse::Tool && resource.server == "gatehouse" };
@id("planned") forbid (principal, action in Gatehouse::Action::"write", resource)
unless { context.session.plan == "inside" };
"""
up = fakes.HttpUpstream("modern")
DIR = g.directory("plan")
with open(os.path.join(DIR, "p.cedar"), "w") as f:
    f.write(POLICY)
gate = g.Gateway({"servers": {"up": {
    "url": up.url, "era": "modern", "risk": {"echo": ["write"],
                                             "add": ["read"]}}},
    "policies": ["p.cedar"], "rules": [], "cells": 1, "plans": True},
    agents={"bot": "t1", "mute": "t2"}, where=DIR)
bot, mute = gate.agent(token="t1"), gate.agent(token="t2")
PLAN = [{"step": "a", "tool": "up___echo", "why": "NEEDLE"}]


def records(kind):
    return [r for r in gate.records() if r["kind"] == kind]


def denied(a):
    return not a.allowed


# Offered, decided, recorded.
names = [t["name"] for t in bot.modern("tools/list").result["tools"]]
g.ok("gatehouse___plan" in names, "the tool is offered", names)
names = [t["name"] for t in mute.modern("tools/list").result["tools"]]
g.ok("gatehouse___plan" not in names, "not to whom policy does not let use it")
a = bot.call("up___echo", {"text": "1"})
g.ok(denied(a) and not up.calls("echo"), "no plan: policy refuses the call", a)
a = mute.call("gatehouse___plan", {"plan": PLAN})
g.ok(denied(a) and not records("plan"),
     "a meta-tool does not bypass policy", a)
last = [r for r in records("decision") if r.get("server") == "gatehouse"][-1]
g.same((last["verdict"], last["rule"], last["name"]), ("deny", "own", "plan"),
       "it is refused by a rule, on record")
a = bot.call("gatehouse___plan", {"plan": PLAN, "input": "NEEDLE"})
g.ok(a.allowed and "structuredContent" in a.result, "its twin is taken", a)
g.same([r["steps"] for r in records("plan")],
       [[{"step": "a", "tool": "up___echo"}]], "a plan's steps are recorded")
g.ok(len(records("input")) == 1 and len(records("input")[0]["params"]["_sd"]) == 1,
     "an input is committed to")
g.ok("NEEDLE" not in json.dumps(gate.records()), "and no word of either")
said = a.result["structuredContent"]["record"]
g.same(records("plan")[0]["seq"], said, "the answer names the record")
a = bot.call("up___echo", {"text": "2"})
g.ok(a.allowed and len(up.calls("echo")) == 1, "the call in the plan leaves", a)
g.same(records("decision")[-1]["plan"], {"record": said, "says": "inside"},
       "and its decision names the plan")
a = bot.modern("tools/call", {"name": "up___echo", "arguments": {"text": "3"},
                              "_meta": {"io.gatehouse/planStep": "a"}})
g.ok(a.result and not a.result.get("isError"), "one that names its step too", a)
seen = up.calls("echo")[-1]["params"].get("_meta", {})
g.ok(not [k for k in seen if k.startswith("io.gatehouse/plan")],
     "the server is not told", seen)
a = bot.modern("tools/call", {"name": "up___echo", "arguments": {"text": "4"},
                              "_meta": {"io.gatehouse/planStep": "b"}})
g.ok(a.result["isError"] and
     records("decision")[-1]["plan"]["says"] == "outside",
     "a step that is in no plan is outside", a)
found = [r for r in records("finding") if r["verdict"] == "outside"]
g.same([(r["decision"], r["name"], r["principal"]) for r in found],
       [(records("decision")[-1]["seq"], "echo", "bot")],
       "which is a finding about that call, and of no other")
a = bot.modern("tools/call", {"name": "up___add", "arguments": {"a": 1, "b": 2},
                              "_meta": {"io.gatehouse/plan": "add"}})
g.ok(a.result is None and not up.calls("add"), "a plan that is none", a)

# The same by POST /v1/events, and by the example.
head = {"Content-Type": "application/json", "Authorization": "Bearer t1"}


def event(body, **more):
    h = "".join(f"{k}: {v}\r\n" for k, v in {**head, **more}.items())
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    out = g.raw(gate.port, (f"POST /v1/events HTTP/1.1\r\nHost: 127.0.0.1:"
                            f"{gate.port}\r\n{h}Content-Length: {len(data)}"
                            f"\r\n\r\n").encode() + data, 5.0)
    return g.status_of(out), out.split(b"\r\n\r\n", 1)[-1]


status, body = event({"plan": [{"step": "x", "tool": "up___add"}]})
g.same((status, json.loads(body)),
       (200, {"cell": 0, "record": records("plan")[-1]["seq"]}),
       "an event is recorded, and says where")
g.ok(denied(bot.call("up___echo", {"text": "5"})),
     "the new plan takes the place of the last")
for what, status, kw in (
        ({"plan": PLAN}, 403, {"Authorization": "Bearer t2"}),
        ({"plan": PLAN}, 401, {"Authorization": "Bearer nobody"}),
        ({"plan": 7}, 400, {}), ({}, 400, {}), ([], 400, {}), (b"{", 400, {}),
        ({"plan": [], "more": 1}, 400, {}),
        ({"plan": PLAN}, 404, {"Mcp-Session-Id": "0-none"}),
        ({"plan": PLAN}, 400, {"Mcp-Session-Id": "a\x7fb"}),
        ({"plan": PLAN}, 415, {"Content-Type": "text/plain"})):
    n = len(records("plan"))
    got, body = event(what, **kw)
    g.ok(got == status and len(records("plan")) == n,
         f"{what!r:.40} {kw}: {status}", (got, body))
out = g.raw(gate.port, f"GET /v1/events HTTP/1.1\r\nHost: 127.0.0.1:"
            f"{gate.port}\r\n\r\n".encode(), 5.0)
g.same(g.status_of(out), 405, "events are posted")
old = gate.agent(token="t1")
old.initialize()
status, body = event({"plan": PLAN}, **{"Mcp-Session-Id": old.session})
g.same((status, records("plan")[-1]["session"]), (200, old.session),
       "an event of a session is that session's")
g.ok(denied(bot.call("up___echo", {"text": "6"})), "and not its principal's")
run = subprocess.run(
    [os.path.join(g.TOP, "examples", "state-plan.py"),
     f"http://127.0.0.1:{gate.port}", "--input", "tidy up", "1=up___echo"],
    env={**os.environ, "GATEHOUSE_TOKEN": "t1"}, capture_output=True, text=True)
g.same((run.returncode, run.stdout),
       (0, f"cell 0, record {records('plan')[-1]['seq']}\n"),
       "the example states a plan")
g.ok(bot.call("up___echo", {"text": "7"}).allowed, "which holds")
run = subprocess.run(
    [os.path.join(g.TOP, "examples", "state-plan.py"),
     f"http://127.0.0.1:{gate.port}", "1=up___echo"],
    env={**os.environ, "GATEHOUSE_TOKEN": "t2"}, capture_output=True, text=True)
g.same(run.returncode, 1, "and says when it is refused")

# Not offered: there is neither.
gate.config["plans"] = False
gate.write_config()
said = gate.cli("reload", gate.path)
g.until(lambda: event({"plan": PLAN})[0] == 404)
g.same(event({"plan": PLAN})[0], 404, f"plans: false takes it away {said}")
g.ok(denied(bot.call("gatehouse___plan", {"plan": PLAN})), "and the tool")
code, out, err = gate.cli("ledger", "verify", gate.state)
g.same(code, 0, "the ledger is valid")
gate.stop()
# What is on record of the gateway's own tool is no obstacle to a start, nor to
# those who read records back.
gate.config["plans"] = True
gate.write_config()
gate.start()
a = bot.call("gatehouse___plan", {"plan": PLAN})
g.ok(a.allowed, "it starts again, and policy judges the tool as before",
     f"{a} {gate.log()[-400:]}")
g.ok(bot.call("up___echo", {"text": "8"}).allowed, "a call in the plan")
code, out, err = gate.cli("policy", "replay", "--with", gate.path, gate.state)
g.ok(code == 0 and "newly" in out, "records are replayed: all decided as they "
     "were", (code, out, err))
gate.stop()
g.done()
