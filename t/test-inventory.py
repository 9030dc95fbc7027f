"""What is declared: what is not is refused and on record; what a session has
read follows it; a call is allowed to everybody on whose behalf it is."""
import json
import os
import shutil

import fakes
import gatetest as g

up = fakes.HttpUpstream("modern")
web = fakes.HttpUpstream("legacy")
DIR = g.directory("inventory")
PRIVATE = os.path.join(g.TOP, "policies", "no-egress-after-private-read.cedar")
INVENTORY = """
users: {ann: {purpose: research}}
agents:
  alice: {owner: lab, sponsor: ann}
  bob: {}
  carol: {acts_for: ann}
servers: {up: {}, web: {}}
tools: {up/echo: {}, up/ok_read: {}, up/ask: {}, web/*: {}}
resources: {"test://*": {}}
models: {claude-*: {}}
datasets:
  customers:
    classification: private
    resources: ["test://a"]
    arguments:
      - {server: up, tool: echo, argument: text, fact: under, values: [/srv/customers]}
"""
MORE = """
@id("resources") permit (principal, action == Gatehouse::Action::"read_resource", resource);
@id("not-ann") @reason("Ann may not.")
forbid (principal == Gatehouse::User::"ann", action == Gatehouse::Action::"up___ok_read", resource);
"""


def write(name, text):
    path = os.path.join(DIR, name)
    with open(path, "w") as f:
        f.write(text)
    return path


shutil.copy(PRIVATE, os.path.join(DIR, "private.cedar"))
write("more.cedar", MORE)
write("inventory.yaml", INVENTORY)
TOKENS = {"alice": "a" * 20, "bob": "b" * 20, "carol": "c" * 20,
          "dave": "d" * 20}
gate = g.Gateway({"servers": {
    "up": {"url": up.url, "era": "modern",
           "facts": {"echo": {"text": "path"}},
           "risk": {"echo": ["read"], "ok_read": ["read"],
                    "secret": ["read"]}},
    "web": {"url": web.url, "era": "legacy", "risk": {"echo": ["egress"]}}},
    "policies": ["private.cedar", "more.cedar"], "rules": [], "cells": 1,
    "inventory": "inventory.yaml"}, agents=TOKENS, where=DIR)


def agent(name, server="up"):
    return gate.agent(path=f"/s/{server}/mcp", token=TOKENS[name])


def decision(name):
    """The newest decision about somebody."""
    return [r for r in gate.records() if r["kind"] == "decision" and
            r.get("principal") == name][-1]


# --- what is not declared --------------------------------------------------

status, out, err = gate.cli("check", "gatehouse.yaml")
g.ok(status == 0 and "principals.dave: is not declared under agents" in out,
     "check says who is configured and not declared", out + err)
a = agent("alice").call("ok_read")
g.ok(a.allowed, "a declared tool", a)
a = agent("alice").call("secret")
g.ok(not a.allowed and 'no tool "up/secret"' in a.text,
     "a tool that is not declared", a)
g.ok(decision("alice")["rule"] == "undeclared" and
     'no tool "up/secret"' in decision("alice")["reason"],
     "is on record", decision("alice"))
g.same(up.calls("secret"), [], "and was never sent")
a = agent("dave").call("ok_read")
g.ok(not a.allowed and 'no agent "dave"' in a.text,
     "an agent that is not declared", a)
names = {t["name"] for t in agent("alice").modern("tools/list")
         .result["tools"]}
g.same(names, {"echo", "ok_read", "ask"}, "lists show what is declared")
hidden = {r["name"] for r in gate.records() if r["kind"] == "finding" and
          r["verdict"] == "hidden"}
g.ok({"secret", "slow"} <= hidden, "what a server shows besides is on record",
     hidden)

# --- private data does not leave -------------------------------------------

a = agent("alice", "web").call("echo", {"text": "before"})
g.ok(a.allowed, "sending before anything was read", a)
a = agent("alice").call("echo", {"text": "/srv/public/a"})
g.ok(a.allowed and agent("alice", "web").call("echo").allowed,
     "sending after public data: the benign twin", a)
a = agent("alice").call("echo", {"text": "/srv/x/../customers/a"})
g.ok(a.allowed, "reading private data", a)
sent = len(web.calls())
a = agent("alice", "web").call("echo", {"text": "the customers"})
g.ok(not a.allowed and "has read private data" in a.text,
     "the attack: it is not sent out", a)
g.same(len(web.calls()), sent, "nothing reached the server")
d = decision("alice")
g.ok(d["rule"] == "no-egress-after-private-read" and
     d["session_facts"]["labels"] == ["private"], "on record with why", d)
old = agent("alice", "web")
old.initialize()
a = old.legacy_call("echo", {"text": "again"})
g.ok(not a.allowed, "nor in another session", a)
a = agent("bob", "web").call("echo", {"text": "mine"})
g.ok(a.allowed, "another agent that has read nothing sends", a)
a = agent("bob").modern("resources/read", {"uri": "test://a"})
g.ok(a.allowed and not agent("bob", "web").call("echo").allowed,
     "until it has read a resource of the dataset", a)
a = agent("bob").call("ok_read")
g.ok(a.allowed, "what sends nothing out goes on", a)

# --- on whose behalf -------------------------------------------------------

a = agent("carol").call("ok_read")
g.ok(not a.allowed and "For ann, on whose behalf it is: Ann may not." in a.text,
     "what is forbidden to whom an agent acts for", a)
g.same(decision("carol")["chain"],
       [{"name": "ann", "provenance": "connection-credential",
         "verified": True}], "the chain is on record")
g.ok(agent("carol").call("echo", {"text": "/x"}).allowed,
     "what is not, is allowed")


def claims(who):
    return agent("bob").modern("tools/call", {
        "name": "ok_read", "arguments": {},
        "_meta": {"io.gatehouse/onBehalfOf": who}})


a = claims("ann")
g.ok(not a.allowed, "a claim takes away", a)
g.same(decision("bob")["chain"][0]["provenance"], "unsigned-request-claim",
       "and is on record as a claim")
g.ok(claims(["alice"]).allowed, "a claim of somebody who may")
a = claims("zoe")
g.ok(not a.allowed and 'Nobody knows "zoe"' in a.text and
     decision("bob")["rule"] == "delegation", "a name that nobody knows", a)
a = agent("bob").modern("tools/call", {"name": "ok_read", "_meta": {
    "io.gatehouse/model": "gpt-x"}})
g.ok(not a.allowed and 'no model "gpt-x"' in a.text,
     "a model that is not declared", a)
a = agent("bob").modern("tools/call", {"name": "ok_read", "_meta": {
    "io.gatehouse/model": "claude-1"}})
g.ok(a.allowed, "one that is", a)

# --- policies about it are checked, and mapped -----------------------------

GOOD = """@id("a") permit (principal in Gatehouse::AgentClass::"lab", action in Gatehouse::Action::"call_tool", resource)
when { principal has owner && principal.owner == "x" && context.chain_depth < 2 && resource has version
 && context.session.hour > 6 && context.session.risk.egress < 10 && context.session.sandbox == "closed"
 && context.session.now > datetime("2026-01-01") && !context.labels.contains("private")
 && [Gatehouse::Dataset::"customers"].containsAll(context.datasets) };
@id("b") forbid (principal, action, resource)
when { context has on_behalf_of && context.on_behalf_of.name == "x" ||
       context has model && context.model has purpose && context.model.purpose == "y" };
@id("c") forbid (principal, action, resource) unless { context.chain_agents.contains(Gatehouse::Agent::"x") };
@id("d") forbid (principal in Gatehouse::User::"ann", action == Gatehouse::Action::"use_model", resource == Gatehouse::Model::"m")
when { resource has classification && resource.classification == "x" };
"""
apart = g.directory("inventory-check")
with open(os.path.join(apart, "tools.json"), "w") as f:
    json.dump({"tools": fakes.TOOLS}, f)
for name, good, bad, says in (
        ("types", "", "", ""),
        ("a member of the session", "risk.egress", "risk.egres",
         'did you mean "egress"?'),
        ("a set of datasets", "containsAll(context.datasets)",
         "contains(context.datasets)", "Set<Gatehouse::Dataset>"),
        ("an attribute of a declaration", "principal.owner", "principal.ownr",
         '"ownr"'),
        ("a member of the context", "context.chain_depth", "context.depth",
         '"depth"')):
    for f, t in (("inventory.yaml", INVENTORY),
                 ("p.cedar", GOOD.replace(good, bad) if good else GOOD)):
        with open(os.path.join(apart, f), "w") as out:
            out.write(t)
    with open(os.path.join(apart, "gatehouse.yaml"), "w") as out:
        json.dump(dict(gate.config, policies=["p.cedar"], rules=[]), out)
    status, out, err = gate.cli("policy", "check", "-c", os.path.join(
        apart, "gatehouse.yaml"), "up=" + os.path.join(apart, "tools.json"))
    g.ok(status == (1 if good else 0) and says in out,
         f"policy check, strictly: {name}", out + err)

status, out, err = gate.cli("policy", "map", "--json", "-c", "gatehouse.yaml",
                            "up=" + os.path.join(apart, "tools.json"))
rows = len(out.splitlines())
square = {(r["principal"], r["object"], r["action"]): (r["may"], r["by"])
          for r in map(json.loads, out.splitlines())}
for what, want in (
        (("alice", "up/ok_read", "up___ok_read"), ("allow", "use-tools")),
        (("carol", "up/ok_read", "up___ok_read"), ("forbidden", "not-ann")),
        (("dave", "up/ok_read", "up___ok_read"), ("undeclared", "undeclared")),
        (("alice", "up/secret", "up___secret"), ("undeclared", "undeclared")),
        (("alice", "customers", "up___echo"), ("allow", "use-tools")),
        (("alice", "customers", "read_resource"), ("allow", "resources")),
        (("alice", "test://*", "read_resource"), ("depends", "on the name")),
        (("alice", "claude-*", "use_model"), ("depends", "on the name"))):
    g.same(square.get(what), want, f"policy map: {' '.join(what)}")
status, out, err = gate.cli("policy", "map", "-c", "gatehouse.yaml",
                            "up=" + os.path.join(apart, "tools.json"))
g.ok(status == 0 and out.split()[:7] == [
    "principal", "kind", "server", "object", "action", "may", "by"] and
     len(out.splitlines()) == rows + 1, "the map as a table", out)

# --- another inventory -----------------------------------------------------

write("inventory.yaml", INVENTORY.replace("  bob: {}\n", ""))
status, out, err = gate.cli("reload", "-c", "gatehouse.yaml")
g.ok(status == 0, "reload takes it up", out + err)
a = agent("bob").call("ok_read")
g.ok(not a.allowed and 'no agent "bob"' in a.text, "who is gone is refused", a)
a = agent("alice", "web").call("echo")
g.ok(not a.allowed and "private" in a.text, "labels outlive it", a)
write("inventory.yaml", INVENTORY.replace("fact: under", "fact: undr"))
status, out, err = gate.cli("reload", "-c", "gatehouse.yaml")
g.ok(status != 0 and "inventory.yaml:16:9: a path has no fact" in
     out + err + gate.log(), "a broken one is refused, with its place",
     out + err)
write("inventory.yaml", INVENTORY.replace("sponsor: ann", "sponsor: an"))
status, out, err = gate.cli("check", "--json", "gatehouse.yaml")
f = json.loads(out)["findings"][0]
g.ok(status == 1 and f["file"] == "inventory.yaml" and f["line"] == 4 and
     "no such user" in f["text"], "check --json names its file", out)
g.ok(agent("alice").call("ok_read").allowed, "the old one serves on")
gate.stop()
g.done()
