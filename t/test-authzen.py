"""Other enforcement points ask what would be decided (AuthZEN): the sections of
the certification scenario, the same calls through the gateway, who may ask."""
import json
import os
import random
import re
import shutil
import signal
import subprocess

import authzen
import fakes
import gatetest as g

DIR = g.directory("authzen")
TOKENS = {"alice": "a" * 20, "bob": "b" * 20, "carol": "c" * 20,
          "pep": "p" * 20}


def write(name, text):
    path = os.path.join(DIR, name)
    with open(path, "w") as f:
        f.write(text)
    return path


def principals(*evaluate):
    return {name: dict({"token_sha256": g.token_hash(t)},
                       **({"evaluates": True} if name in evaluate else {}))
            for name, t in TOKENS.items()}


# --- the same calls, both ways ---------------------------------------------

POLICY = """
@id("alices") @obligation("log:full")
permit (principal == Gatehouse::Agent::"alice", action, resource);
@id("bobs") permit (principal == Gatehouse::Agent::"bob", action, resource)
when { context.input has text && context.input.text like "/srv/*" };
@id("inside") @reason("Only below /srv.")
forbid (principal, action == Gatehouse::Action::"up___echo", resource)
unless { context.derived.text.under.contains("/srv") };
@id("eyes") @requestable("two-eyes")
forbid (principal, action in Gatehouse::Action::"money", resource)
when { context.input has n && context.input.n > 10 };
@id("more-eyes") @requestable("four-eyes")
forbid (principal, action in Gatehouse::Action::"money", resource)
when { context.input has n && context.input.n > 10 };
@id("never") forbid (principal == Gatehouse::Agent::"bob", action in
  Gatehouse::Action::"money", resource)
when { context.input has n && context.input.n < 0 };
@id("prompts") permit (principal, action == Gatehouse::Action::"get_prompt", resource);
"""
write("same.cedar", POLICY)
ANY = {"type": "object", "properties": {
    "text": {"type": "string"}, "n": {"type": "integer"},
    "deep": {"type": "object", "properties": {
        "er": {"type": "object", "properties": {"x": {"type": "string"}}}}}}}
for tool in fakes.TOOLS:  # what policies read must be what servers declare
    if tool["name"] in ("echo", "ok_read", "secret"):
        tool["inputSchema"] = ANY
up = fakes.HttpUpstream("modern")
web = fakes.HttpUpstream("legacy")
gate = g.Gateway({"servers": {
    "up": {"url": up.url, "era": "modern",
           "risk": {"ok_read": ["money"], "echo": ["read"]},
           "facts": {"echo": {"text": "path"}}},
    "web": {"url": web.url, "era": "legacy", "risk": {"echo": ["read"]}}},
    "policies": ["same.cedar"], "cells": 1, "limits": {"refusals": 0},
    "rules": [{"deny": {"server": "web", "name": "secret"}, "id": "no-secret",
               "reason": "never"},
              {"allow": {"principal": "bob", "server": "web",
                         "method": "tools/*"}, "id": "bob-web"},
              {"allow": {"principal": "carol", "server": "web",
                         "name": "echo"}, "id": "carol-web"}],
    "budgets": {"few": {"calls": 25, "principal": "carol", "lease": 1}},
    "principals": principals("pep")}, where=DIR)
pdp = authzen.Pdp(gate.desk, TOKENS["pep"])


def line(who, tool, arguments, meta=None):
    """(allowed, rule, words) of a call through the gateway."""
    params = {"name": tool.replace("/", "___"), "arguments": arguments}
    if meta:
        params["_meta"] = meta
    a = gate.agent(token=TOKENS[who]).modern("tools/call", params)
    d = [r for r in gate.records() if r["kind"] == "decision"][-1]
    m = re.fullmatch(r"denied by rule (\S+): (.*)", a.text, re.S)
    if m:
        return False, m[1], m[2]
    return d["verdict"] == "allow", d["rule"], d["reason"]


ARGUMENTS = ({}, {"text": "/srv/a"}, {"text": "/srv/../etc"}, {"text": "x"},
             {"text": 7}, {"text": "/srv/a", "n": 11}, {"n": 10}, {"n": -1},
             {"n": 0.123456}, {"n": 12345678901234567890}, {"n": 1.5},
             {"n": "1"}, {"text": None}, {"text": ["/srv/a", {"b": [True]}]},
             {"deep": {"er": {"x": "\u00e9\u2028"}}})
random.seed(7)
cases = [(w, t, a) for w in ("alice", "bob", "carol")
         for t in ("up/echo", "up/ok_read", "up/nothing", "web/echo",
                   "web/secret") for a in ARGUMENTS]
random.shuffle(cases)
differ, allowed, rules = [], 0, set()
for who, tool, arguments in cases:
    status, _, a = pdp.one(authzen.call(who, tool, arguments))
    want = line(who, tool, arguments)
    if status != 200:
        differ.append((who, tool, arguments, want, status, a))
        continue
    c = a["context"]
    got = (a["decision"], c["rule"], c["message"])
    held = c["reason"] == "approval_required"
    if got != want and not (held and not want[0] and
                            want[1] == c["rule"]):
        differ.append((who, tool, arguments, want, got))
    allowed += want[0]
    rules.add(want[1])
g.ok(not differ, f"{len(cases)} calls are decided alike, by the same rule, in "
     "the same words", differ[:3])
g.ok(20 < allowed < 200 and
     {"alices", "bobs", "inside", "eyes", "no-secret", "bob-web", "arguments",
      "default-deny", "policy-error"} <= rules,
     "and they are of every kind", (allowed, rules))
# A budget that is used up: asking uses nothing of it.
left = []
for _ in range(40):
    asked = [pdp.one(authzen.call("carol", "web/echo", {"n": 1}))[2]
             for _ in range(3)][-1]
    want = line("carol", "web/echo", {"n": 1})
    c = asked["context"]
    if want != (asked["decision"], c["rule"], c["message"]):
        left.append((want, asked))
    if not want[0]:
        break
g.ok(not left and not want[0] and want[1].startswith("budget"),
     "so is a budget, until it is used up", (left, want))
for who, meta, context in (
        ("alice", {"io.gatehouse/onBehalfOf": "bob"}, {"on_behalf_of": "bob"}),
        ("alice", {"io.gatehouse/onBehalfOf": "nobody"},
         {"on_behalf_of": "nobody"}),
        ("alice", {"io.gatehouse/model": 7}, {"model": 7})):
    want = line(who, "up/ok_read", {"n": 1}, meta)
    a = pdp.one(authzen.call(who, "up/ok_read", {"n": 1}, **context))[2]
    g.same((a["decision"], a["context"]["rule"], a["context"]["message"]),
           want, f"claims: {context}")
for who in ("alice", "carol"):
    for method, params, resource in (
            ("prompts/get", {"name": "up___hi"}, {"type": "prompt",
                                                  "id": "up/hi"}),
            ("completion/complete",
             {"ref": {"type": "ref/prompt", "name": "up___hi"},
              "argument": {"name": "a", "value": ""}},
             {"type": "prompt", "id": "up___hi"}),
            ("tools/list", {}, {"type": "server", "id": "up"})):
        path = "/s/up/mcp" if method == "tools/list" else "/mcp"
        a = gate.agent(token=TOKENS[who], path=path).modern(method, params)
        s, _, b = pdp.one({"subject": {"type": "agent", "id": who},
                           "action": {"name": method}, "resource": resource})
        g.ok(s == 200 and b["decision"] == (a.result is not None),
             f"{method} of {who}", (a, b))
# A resource belongs to who showed it, as it does for the agent.
read = {"subject": {"type": "agent", "id": "alice"},
        "action": {"name": "resources/read"},
        "resource": {"type": "resource", "id": "test://a"}}
g.same(pdp.one(read)[2]["context"]["rule"], "unknown-resource",
       "a resource that nobody has shown")
gate.agent(token=TOKENS["alice"], path="/mcp").modern("resources/list")
g.same(pdp.one(read)[2]["context"]["rule"], "uri-collision",
       "and one that two servers have")
named = dict(read, resource=dict(read["resource"], properties={
    "server": "up"}))
g.same(pdp.one(named)[2]["decision"], True, "of a named server")

# --- what is told besides --------------------------------------------------

held = pdp.one(authzen.call("alice", "up/ok_read", {"n": 11}))[2]
g.ok(held["decision"] is False and
     held["context"]["reason"] == "approval_required" and
     held["context"]["requestable"] == ["four-eyes", "two-eyes"] and
     held["context"]["policies"] == ["eyes", "more-eyes"],
     "what a person may lift is denied, and says so", held)
a = pdp.one(authzen.call("alice", "up/echo", {"text": "/srv/a"}))[2]
g.same(a["context"]["obligations"],
       [{"id": "log:full", "type": "custom", "properties":
         {"vendor": "gatehouse", "action": "log:full"}}], "obligations")
cell, seq = map(int, a["context"]["evaluation_id"].split("-"))
r = [r for r in gate.records() if (r["cell"], r["seq"]) == (cell, seq)][0]
g.ok(r["kind"] == "evaluation" and r["asker"] == "pep" and
     r["principal"] == "alice" and r["verdict"] == "allow" and
     r["server"] == "up" and r["name"] == "echo" and 
     len(r["params"]["arguments"]["_sd"]) == 1 and "/srv/a" not in str(r),
     "evaluation_id leads to the record", r)
who = {"provenance": "unsigned-request-claim", "verified": False}
g.same(r["actor"], dict(who, id="alice"), "who it is, is the asker's word")
g.ok(all(p["provenance"] == who["provenance"] for p in r["chain"])
     if isinstance(r["chain"], list) else r["chain"] == "absent",
     "and on whose behalf", r["chain"])
g.ok(isinstance(r["boundary"], int) and
     all("not_available" in r[k] for k in ("budget", "catalogue", "outcome")),
     "what is not known here is said not to be, and why", r)
sent = len(up.calls("echo"))
pdp.one(authzen.call("alice", "up/echo", {"text": "/srv/b"}))
g.same(len(up.calls("echo")), sent, "nothing is sent anywhere")
for semantic, n in (("execute_all", 4), ("deny_on_first_deny", 2),
                    ("permit_on_first_permit", 1)):
    a = pdp.many({"subject": {"type": "agent", "id": "bob"},
                  "action": {"name": "tools/call"},
                  "options": {"evaluations_semantic": semantic},
                  "evaluations": [{"resource": {"type": "tool", "id": i}}
                                  for i in ("web/echo", "web/secret",
                                            "web/slow", "no/such")]})[2]
    g.same([e["decision"] for e in a["evaluations"]],
           [True, False, True, False][:n], semantic)
for part, value, rule in (
        ("subject", {"type": "ship", "id": "alice"}, "unknown-subject"),
        ("subject", {"type": "user", "id": "eve"}, "unknown-subject"),
        ("action", {"name": "fly"}, "unknown-action"),
        ("resource", {"type": "record", "id": "up/echo"}, "unknown-resource"),
        ("resource", {"type": "tool", "id": "no/echo"}, "unknown-resource")):
    s, _, a = pdp.one(dict(authzen.call("alice", "up/ok_read"),
                           **{part: value}))
    g.ok(s == 200 and a["decision"] is False and a["context"]["rule"] == rule,
         f"{value} is unknown, not malformed", a)

# --- who may ask, and how much ---------------------------------------------

good = authzen.call("alice", "up/ok_read")
for token, want in ((None, 401), ("x" * 20, 401), (TOKENS["alice"], 403),
                    (TOKENS["pep"], 200)):
    s, h, a = authzen.Pdp(gate.desk, token).one(good)
    g.ok(s == want and (s != 401 or h["www-authenticate"] == "Bearer"),
         f"token {token and token[0]}: {want}", (s, h, a))
refused = [r for r in gate.records() if r["kind"] == "refusal"]
g.ok(any(r.get("principal") == "alice" for r in refused) and
     any("credential" in r["reason"] for r in refused), "refusals are on record",
     refused)
for headers, want in (({"Host": "evil.example"}, 403), ({}, 200),
                      ({"Origin": "http://evil.example"}, 403),
                      ({"X-Request-ID": "x" * 129}, 400),
                      ({"X-Request-ID": "x" * 128}, 200),
                      ({"Content-Type": "application/json; charset=utf-8"},
                       200),
                      ({"Content-Type": "application/json; charset=latin1"},
                       400)):
    s, h, a = pdp.one(good, headers)
    g.ok(s == want, f"{headers}: {want}", (s, h, a))
s, _, _ = pdp.request("GET", "/access/v1/evaluation")
g.same(s, 405, "GET")
for body, want in (('{"a":1,"a":2}', 400), (b'{"a":"\xff"}', 400),
                   ("[" * 100 + "]" * 100, 400), ("7", 400)):
    g.same(pdp.one(body)[0], want, f"{body[:16]!r}")
many = {"evaluations": [good] * 100}
g.same(pdp.many(many)[0], 200, "a hundred evaluations")
g.same(pdp.many({"evaluations": [good] * 101})[0], 413, "one more")
large = dict(good, context={"pad": "x" * 60000})
g.same(pdp.many(dict(large, evaluations=[{}] * 60))[0], 200,
       "defaults that are large")
g.same(pdp.many(dict(large, evaluations=[{}] * 90))[0], 413,
       "and too large when written out")
g.same(pdp.one(dict(good, context={"pad": "x" * (5 << 20)}))[0], 413,
       "a body over limits.body")
metrics = g.raw(gate.desk, f"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:"
                f"{gate.desk}\r\n\r\n".encode()).decode()
count = {k: int(v) for k, v in re.findall(
    r"^gatehouse_evaluations_(\w+)_total (\d+)$", metrics, re.M)}
recorded = [r for r in gate.records() if r["kind"] == "evaluation"]
g.ok(count["allowed"] + count["denied"] == len(recorded) and
     count["allowed"] == sum(r["verdict"] == "allow" for r in recorded) and
     count["refused"] >= 10, "counters agree with the ledger", count)

# A judge that dies answers nothing; its successor does.
for _, pid in gate.roles()["judge"]:
    os.kill(pid, signal.SIGKILL)
s = pdp.one(good)[0]
g.ok(s in (200, 503), "while a judge is started again", s)
g.ok(g.until(lambda: pdp.one(good)[0] == 200), "it is asked again")
for _, pid in gate.roles()["desk"]:
    os.kill(pid, signal.SIGKILL)


def asked_again():
    try:
        return pdp.one(good)[0] == 200
    except OSError:
        return False


g.ok(g.until(asked_again), "and so is it through another desk")

status, out, err = gate.cli("ledger", "verify", gate.state)
g.ok(status == 0, "the ledger holds", out + err)
gate.stop()

# --- the certification scenario --------------------------------------------

records = g.directory("records")
with open(os.path.join(records, "records.cedar"), "w") as f:
    f.write(authzen.POLICY)
fakes.TOOLS.extend(authzen.TOOLS)
gate = g.Gateway({"servers": {"records": {"url": up.url, "risk": {
    t["name"]: [] for t in authzen.TOOLS}}}, "rules": [],
                  "policies": ["records.cedar"], "cells": 2,
                  "desk_url": "https://pdp.example",
                  "principals": principals("pep")}, where=records)
authzen.scenario(authzen.Pdp(gate.desk, TOKENS["pep"], "pdp.example"),
                 "https://pdp.example", g.ok, g.note)
here = authzen.Pdp(gate.desk, None)
s, _, meta = here.request("GET", "/.well-known/authzen-configuration")
g.same(meta["policy_decision_point"], "https://pdp.example",
       "one name, however it was reached")

# --- what a reload changes -------------------------------------------------

pdp = authzen.Pdp(gate.desk, TOKENS["pep"])
good = authzen.call("alice", "records/read", {"id": "record-1"})
g.ok(g.until(lambda: pdp.many({"evaluations": [good] * 6})[0] == 200),
     "six at once")
gate.config["limits"] = {"rate": 5}
gate.write_config()
gate.process.send_signal(signal.SIGHUP)
g.ok(g.until(lambda: pdp.many({"evaluations": [good] * 6})[0] == 429),
     "each evaluation counts for the rate")
g.ok(g.until(lambda: pdp.one(good)[0] == 200), "and one may be asked")
gate.config["principals"] = principals("carol")
gate.write_config()
gate.process.send_signal(signal.SIGHUP)
g.ok(g.until(lambda: pdp.one(good)[0] == 403), "a right that is taken away")
g.ok(g.until(lambda: authzen.Pdp(gate.desk, TOKENS["carol"]).one(good)[0] ==
             200), "and given")
gate.stop()

# --- the page for who points something at it -------------------------------

page = open(os.path.join(g.TOP, "doc", "authzen.md")).read()
blocks = re.findall(r"^```(\w+)\n(.*?)^```$", page, re.M | re.S)
conf = [t for k, t in blocks if k == "yaml"][0]
shell = [t for k, t in blocks if k == "sh"]
shown = [json.loads(t) for k, t in blocks if k == "json"]
where = g.directory("page")
port, desk = g.free_port(), g.free_port()
conf = conf.replace("8642", str(port)).replace("8643", str(desk))
for name in ("alice", "gateway-2"):
    conf = conf.replace(f"<hash of {name}>", g.token_hash(name + "-token"))
with open(os.path.join(where, "gatehouse.yaml"), "w") as f:
    f.write(conf)
run = g.start([g.BINARY, "run"], cwd=where, stdin=subprocess.DEVNULL,
              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
g.until(lambda: g.listening(desk))
if shutil.which("curl"):
    for text, want in zip(shell, shown):
        p = subprocess.run(
            ["sh", "-c", text.replace("8643", str(desk))], timeout=20,
            env=dict(os.environ, TOKEN="gateway-2-token"),
            capture_output=True, text=True, check=False)
        try:
            got = json.loads(re.sub(r'"evaluation_id":"\d+-\d+"',
                                    '"evaluation_id":"0-7"', p.stdout)
                             .replace(str(desk), "8643"))
        except ValueError:
            got = p.stdout + p.stderr
        g.same(got, want, "doc/authzen.md: " + text.split("\n")[0])
else:
    g.note("no curl here: the page's commands were not run")
g.ok(len(shell) == len(shown) >= 3, "doc/authzen.md has examples")
g.stop(run)
g.done()
