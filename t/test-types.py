"""Tools as servers show them: recorded, first of all; calls typed by them;
policies held against them; and what a server says of itself opens nothing."""
import json
import os
import tempfile

import fakes
import gatetest as g

DIR = g.directory("types")


def tool(name, properties, **more):
    return {"name": name, "inputSchema": {
        "type": "object", "properties": properties}, **more}


ECHO = {"amount": {"type": "number"}, "to": {"type": "string"},
        "mode": {"type": "string", "enum": ["slow", "fast"]}}
PAY = tool("echo", ECHO)
BOOK = tool("mirror", {
    "seats": {"type": "integer", "minimum": 1, "maximum": 9},
    "code": {"type": "string", "pattern": "^[A-Z]{3}$"},
    "note": {"type": "string", "maxLength": 5},
    "tags": {"type": "array", "maxItems": 2, "uniqueItems": True,
             "items": {"type": "string"}},
    "who": {"type": "object", "properties": {
        "age": {"type": "integer", "exclusiveMinimum": 17}}},
    "kind": {"const": "table"},
    "paths": {"type": "array", "items": {"type": "string"}}})
BOOK["inputSchema"]["dependentRequired"] = {"code": ["note"]}
HEADED = tool("big", {"text": {"type": "string", "x-mcp-header": "no name"}})
TWISTED = tool("secret", {"x": {"type": "string", "pattern": "(a)\\1"}})
fakes.TOOLS[:] = [PAY, tool("ok_read", {}), BOOK, TWISTED, HEADED]
POLICIES = """
@id("small")
permit (principal, action in [Gatehouse::Action::"up___echo",
        Gatehouse::Action::"old___echo"], resource)
when { context has input && context.input has amount &&
       context.input.amount.lessThan(decimal("100.0")) };
@id("ok")
permit (principal, action == Gatehouse::Action::"kid___echo", resource)
when { context has input && context.input has text &&
       context.input.text like "ok*" };
@id("reads") permit (principal, action in [Gatehouse::Action::"up___ok_read",
    Gatehouse::Action::"up___mirror", Gatehouse::Action::"old___mirror",
    Gatehouse::Action::"old___big",
    Gatehouse::Action::"up___secret", Gatehouse::Action::"wide___secret",
    Gatehouse::Action::"wide___mirror", Gatehouse::Action::"wide___ok_read"],
    resource);
@id("workspace") forbid (principal,
    action == Gatehouse::Action::"up___mirror", resource)
when { context.derived has paths && !(
    context.derived.paths.all.under.contains("/w") &&
    !context.derived.paths.each.hidden.contains(true)) };
"""


def write(name, text):
    with open(os.path.join(DIR, name), "w") as f:
        f.write(text)


up = fakes.HttpUpstream("modern")
old = fakes.HttpUpstream("legacy")
idle = fakes.HttpUpstream("modern")
journal = tempfile.mkdtemp(dir="/var/tmp", prefix="gatehouse-types-")
g.atexit.register(g.shutil.rmtree, journal, True)
write("p.cedar", POLICIES)
gate = g.Gateway({"servers": {
    "up": {"url": up.url, "era": "modern", "keep": {"echo": ["amount"]},
           "facts": {"mirror": {"paths": "path*"}}},
    "old": {"url": old.url, "era": "legacy"},
    "kid": {**fakes.stdio_command("modern", os.path.join(journal, "j")),
            "era": "modern"},
    "wide": {"url": up.url, "era": "modern", "arguments": "typed"},
    "idle": {"url": idle.url, "era": "modern"}},
    "policies": ["p.cedar"], "rules": [], "cells": 1}, where=DIR)


def call(server, arguments, name="echo"):
    return gate.agent(path=f"/s/{server}/mcp").call(name, arguments)


def kinds(server):
    return [r["kind"] for r in gate.records() if r.get("server") == server]


# --- the first call, before anybody has listed anything --------------------

for server, fake in (("up", up), ("old", old)):
    a = call(server, {"amount": 99.5, "to": "x"})
    g.ok(a.allowed, f"{server}: a call within its bounds", a)
    g.same(len(fake.requests("tools/list")), 1,
           f"{server}: was asked for its list first")
    g.same(kinds(server)[:6],
           ["catalogue"] + ["definition"] * 4 + ["finding"],
           f"{server}: and all of that is on record")
    for arguments, want in (
            ({"amount": 100}, "default-deny"),
            ({"amount": 99.99999}, "argument amount: must be a number"),
            ({"amount": "5"}, "argument amount: must be a number"),
            ({"amount": 5, "too": "x"},
             "argument too: the tool does not declare it"),
            ({"amount": 5, "to": 7}, "argument to: must be a string"),
            ({"amount": 5, "mode": "quick"},
             "argument mode: must be one of the texts")):
        before = len(fake.calls())
        a = call(server, arguments)
        g.ok(not a.allowed and want in a.text and
             len(fake.calls()) == before,
             f"{server}: {arguments}: {want}", a)
    for arguments in ({"amount": 5, "to": "7", "mode": "fast"},
                      {"amount": 1e1}, {"amount": -0.0001}):
        a = call(server, arguments)
        g.ok(a.allowed, f"{server}: {arguments}", a)
    g.same(len(fake.requests("tools/list")), 1,
           f"{server}: nor is it asked again")

# --- what else the schema asks: each refused by its path, beside its twin --

for server, fake in (("up", up), ("old", old)):
    for good, bad, want in (
            ({"seats": 9}, {"seats": 10}, "argument /seats: "),
            ({"seats": 1}, {"seats": 0}, "argument /seats: "),
            ({"note": "fives"}, {"note": "sixsix"}, "argument /note: "),
            ({"code": "ABC", "note": ""}, {"code": "abc", "note": ""},
             "argument /code: "),
            ({"tags": ["a", "b"]}, {"tags": ["a", "b", "c"]},
             "argument /tags: "),
            ({"tags": ["a"]}, {"tags": ["a", "a"]}, "argument /tags: "),
            ({"who": {"age": 18}}, {"who": {"age": 17}},
             "argument /who/age: "),
            ({"kind": "table"}, {"kind": "chair"}, "argument /kind: "),
            ({"code": "ABC", "note": "x"}, {"code": "ABC"},
             "arguments: ")):
        a = call(server, good, "mirror")
        g.ok(a.allowed, f"{server}: {good}", a)
        before = len(fake.calls())
        a = call(server, bad, "mirror")
        g.ok(not a.allowed and "by rule arguments: " + want in a.text and
             len(fake.calls()) == before, f"{server}: {bad}: {want}", a)
d = [r for r in gate.records() if r["kind"] == "decision"][-1]
g.ok(d["verdict"] == "deny" and d["rule"] == "arguments" and
     d["name"] == "mirror", "and is on record like any denial", d)
for good, bad, want in (
        (["/w/a", "/w/b/../c"], ["/w/a", "/w/../etc/passwd"], "workspace"),
        (["/w/a", "/w/b"], ["/w/a", "/w/.ssh/id"], "workspace"),
        (["/w/a"], ["/w/a", "/w/a%2fb/../../x"], "arguments: argument paths[1]: ")):
    a = call("up", {"paths": good}, "mirror")
    g.ok(a.allowed, f"a list, each element of it: {good}", a)
    a = call("up", {"paths": bad}, "mirror")
    g.ok(not a.allowed and "by rule " + want in a.text,
         f"one bad element hides behind none: {bad}", a)
a = call("up", {"x": "aa"}, "secret")
g.ok(not a.allowed and "inputSchema cannot be judged" in a.text and
     "back-reference" in a.text, "a schema that cannot be judged: denied", a)
d = [r for r in gate.records() if r["kind"] == "definition" and
     r["server"] == "up" and r["name"] == "secret"]
g.ok("back-reference" in d[0]["reason"], "its record says why", d)
a = gate.agent(path="/s/old/mcp").modern("tools/list")
b = call("old", {"text": "x"}, "big")
g.ok("big" in [t["name"] for t in a.result["tools"]] and b.allowed,
     "a legacy server's schema may name a header that cannot be", b)
b = call("old", {"text": 1}, "big")
g.ok(not b.allowed and "must be a string" in b.text, "it has its types", b)
a = call("wide", {"x": "aa"}, "secret")
g.ok(a.allowed, "typed: no policy reads the arguments of it", a)
a = call("wide", {"seats": 10}, "mirror")
g.ok(a.allowed, "nor of this one", a)
a = call("kid", {"text": "ok"})
g.ok(a.allowed, "a program: right", a)
a = call("kid", {"text": ["ok"]})
g.ok(not a.allowed and "argument text: must be a string" in a.text,
     "a program: wrong", a)
a = call("up", {"amount": 5}, "hidden")
g.ok(not a.allowed, "a tool that no list shows", a)
a = call("up", {"anything": 1}, "ok_read")
g.ok(not a.allowed and "argument anything: the tool does not declare it" in
     a.text, "undeclared, though no policy reads the arguments", a)
a = call("up", {}, "ok_read")
g.ok(a.allowed, "what it declares", a)
a = call("wide", {"anything": 1}, "ok_read")
g.ok(a.allowed, "typed: no policy reads the arguments of this one", a)

# --- what is recorded ------------------------------------------------------

first = [r for r in gate.records() if r["kind"] == "definition" and
         r["server"] == "up" and r["name"] == "echo"]
g.ok(len(first) == 1 and first[0]["definition"] == PAY and
     first[0]["verdict"] == "first" and first[0]["digest_form"] == "jcs",
     "the definition, whole and with its digest", first)
fakes.TOOLS[0] = tool("echo", {**ECHO, "amount": {"type": "string"}},
                      description="now harmless")
a = gate.agent(path="/s/up/mcp").modern("tools/list")
a = gate.agent(path="/s/up/mcp").modern("tools/list")
now = [r for r in gate.records() if r["kind"] == "definition" and
       r["server"] == "up" and r["name"] == "echo"]
g.ok(len(now) == 2 and now[1]["verdict"] == "changed" and
     now[1]["digest"] != now[0]["digest"] and
     now[1]["definition"]["description"] == "now harmless",
     "another definition of it: once more, as changed", now)
a = call("up", {"amount": 5})
g.ok(a.allowed, "the first one stands", a)
a = call("up", {"amount": "5"})
g.ok(not a.allowed, "for what is not of it as well", a)
fakes.TOOLS[0] = PAY
gate.agent(path="/s/up/mcp").modern("tools/list")

# --- asked again, the arguments have the same types ------------------------

write("cases.yaml", """cases:
  - {principal: local, server: up, name: echo, arguments: {amount: 99}, expect: allow, by: small}
  - {principal: local, server: up, name: echo, arguments: {amount: "9"}, expect: deny, by: arguments}
""")
status, out, err = gate.cli("policy", "test", "cases.yaml")
g.ok(status == 0, "policy test takes the types from the ledger", out + err)
write("other.yaml", """policies: [p.cedar]
servers: {up: {}}
tools: {up: tools.json}
cases:
  - {principal: local, server: up, name: echo, arguments: {amount: 99}, expect: allow, by: small}
  - {principal: local, server: up, name: echo, arguments: {amount: 99, x: 1}, expect: deny, by: arguments}
""")
write("tools.json", json.dumps({"tools": [PAY]}))
status, out, err = gate.cli("policy", "test", "other.yaml")
g.ok(status == 0, "or from a file", out + err)
write("same.cedar", POLICIES)
status, out, err = gate.cli("policy", "replay", gate.state, "--with",
                            "same.cedar", "--json")
n = json.loads(out)
g.ok(n["newly_denied"] == n["newly_allowed"] == 0 and n["unchanged"] > 10 and
     n["without_row"] == 0, "policy replay: the same policies decide the same",
     out + err)
write("tight.cedar", POLICIES.replace("100.0", "10.0"))
status, out, err = gate.cli("policy", "replay", gate.state, "--with",
                            "tight.cedar", "--json")
g.ok(status == 1 and json.loads(out)["newly_denied"] == 1,
     "a tighter bound denies some by their values", out + err)

write("any.cedar", '@id("any") permit (principal, action, resource);')
status, out, err = gate.cli("policy", "replay", gate.state, "--with",
                            "any.cedar", "--json")
rules = [r["rule"] for r in gate.records() if r["kind"] == "decision" and
         r.get("name") == "mirror" and r["verdict"] == "deny"]
rows = {r["change"]: r["count"] for r in json.loads(out)["rows"]
        if r["name"] == "mirror" and r["server"] == "up"}
old_rows = {r["change"] for r in json.loads(out)["rows"]
            if r["name"] == "mirror" and r["server"] == "old"}
g.ok(rules.count("workspace") == rows["newly_allowed"] == 2 and
     old_rows == {"not_established"} and rows["not_established"] ==
     rules.count("arguments") - 9 and len(rows) == 2,
     "what was beyond a schema that no policy reads is not newly allowed",
     out + err)

# --- policies against what the ledger has ----------------------------------

status, out, err = gate.cli("policy", "check")
g.ok(status == 0 and "valid; errors: 0" in out and
     "server idle: its tools are not known" in out,
     "policy check takes the tools from the ledger", out + err)
status, out, err = gate.cli("policy", "map")
g.ok(status == 0 and "ok_read" in out and "depends" in out and
     "server idle" in err, "policy map too", out + err)
WRONG = POLICIES.replace('"ok*" };', '"ok*" };\n@id("w") forbid (principal, '
                         'action == Gatehouse::Action::"up___echo", resource)'
                         '\nwhen { context.input has mode && context.input.mode == "fast" };')
write("p.cedar", WRONG)
where = WRONG.split('== "fast"')[0].count("\n") + 1
status, out, err = gate.cli("policy", "check")
g.ok(status == 1 and f"p.cedar:{where}:" in out and
     "Gatehouse::up___echo::Input::mode" in out,
     "a text compared with a choice: file, line, column, types", out + err)
status, out, err = gate.cli("policy", "check", "--json")
found = [json.loads(x) for x in out.splitlines()]
g.ok(status == 1 and [f["line"] for f in found if f["level"] == "error"] ==
     [where], "as JSON", out)
status, out, err = gate.cli("check")
g.ok(status == 1 and f"p.cedar:{where}:" in out, "check says so", out + err)
status, out, err = gate.cli("reload")
g.ok(status == 1 and f"p.cedar:{where}:" in err + out,
     "reload keeps the old set and says why", out + err)
a = call("up", {"amount": 5, "mode": "fast"})
g.ok(a.allowed, "the old set serves on", a)
gate.stop()
gate.start(wait=False)
g.ok(g.until(lambda: gate.process.poll() is not None) and
     gate.process.returncode != 0 and f"p.cedar:{where}:" in gate.log(),
     "run refuses to start", gate.log()[-600:])
write("p.cedar", WRONG.replace(
    '== "fast"', '== Gatehouse::up___echo::Input::mode::"fast"'))
gate.start()
a = call("up", {"amount": 5, "mode": "fast"})
g.ok(not a.allowed and "by rule w" in a.text, "mended: the choice counts", a)
a = call("up", {"amount": 5, "mode": "slow"})
g.ok(a.allowed, "and the other one does not", a)
gate.stop()

# --- what a server says of itself ------------------------------------------

SAID = {"echo": {"readOnlyHint": True, "openWorldHint": False},
        "ok_read": {}, "secret": {"destructiveHint": False,
                                  "openWorldHint": False}}
fakes.TOOLS[:] = [tool(n, {}, annotations=a) for n, a in SAID.items()]
write("risk.cedar", """
@id("readers") permit (principal == Gatehouse::Agent::"reader",
                       action in Gatehouse::Action::"read", resource);
@id("all") permit (principal == Gatehouse::Agent::"all", action, resource);
@id("lists") permit (principal, action == Gatehouse::Action::"get_prompt",
                     resource);
@id("whole") forbid (principal, action in Gatehouse::Action::"destructive",
                     resource);
""")
TOKENS = {"reader": "r" * 20, "all": "a" * 20}
wary = g.Gateway({"servers": {
    "up": {"url": up.url, "era": "modern", "risk": {"secret": ["read"]}},
    "mine": {"url": up.url, "era": "modern", "annotations": "trusted",
             "risk": {"ok_read": []}}},
    "policies": ["risk.cedar"], "rules": [], "cells": 1}, agents=TOKENS,
    where=DIR)


def shown(who, server):
    a = wary.agent(path=f"/s/{server}/mcp", token=TOKENS[who])
    return {t["name"] for t in a.modern("tools/list").result["tools"]}


def may(who, server, name):
    return wary.agent(path=f"/s/{server}/mcp", token=TOKENS[who]) \
        .call(name).allowed


g.same(shown("reader", "up"), {"secret"},
       "a claim to read opens nothing; what is declared does")
g.same(shown("all", "up"), {"secret"},
       "nor does it lift a forbid; what is declared does")
g.same(shown("reader", "mine"), {"echo"}, "a trusted server's claim counts")
g.same(shown("all", "mine"), set(SAID),
       "so does what it says not to be, and the operator before it")
for who, server, name, want in (
        ("reader", "up", "echo", False), ("reader", "up", "secret", True),
        ("all", "up", "echo", False), ("all", "up", "ok_read", False),
        ("all", "up", "secret", True), ("reader", "mine", "echo", True),
        ("reader", "mine", "secret", False), ("all", "mine", "secret", True),
        ("all", "mine", "ok_read", True)):
    g.ok(may(who, server, name) == want,
         f"{who} {'may' if want else 'may not'} call {name} at {server}")
d = [r for r in wary.records() if r["kind"] == "decision" and
     r.get("name") == "echo" and r.get("server") == "up"][-1]
g.ok(d["guessed"] is True and "risk" not in d,
     "that nobody declared it is on record", d)
g.done()
