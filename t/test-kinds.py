"""Kinds of record that stand by themselves: what the parent sees (roles that
die, disks, the configuration in force, credentials), and the ends of lives.
Each with a twin that has none."""
import hashlib
import os
import signal

import fakes
import gatetest as g

TOKENS = {"robot": "tok-robot-1234567890", "carl": "tok-carl-1234567890"}


def some(gate, kind, **has):
    """Records of a kind that have these members."""
    return [r for r in gate.records() if r["kind"] == kind and
            all(r.get(k) == v for k, v in has.items())]


def soon(gate, kind, **has):
    g.until(lambda: some(gate, kind, **has), 10)
    found = some(gate, kind, **has)
    return found[-1] if found else {}


up = fakes.HttpUpstream("modern")
gate = g.Gateway({"servers": {"up": {"url": up.url, "era": "modern"}}},
                 agents=TOKENS)

# --- a life: it serves, it stops, it is killed ---
serving = soon(gate, "role", status="serving")
with open(gate.binary, "rb") as f:
    build = hashlib.sha256(f.read()).hexdigest()
g.same(serving.get("build"), build, "a start names its program by digest")
g.same(serving.get("cells"), 2, "how many cells serve")
g.same(serving.get("roles", {}).get("judge"), 2, "and which roles")
g.ok("fetch" not in serving["roles"], "but none that this house has not")
config = soon(gate, "configuration", status="in force")
g.same(config.get("config"), some(gate, "start")[0]["config"],
       "the configuration in force, by digest")
g.ok("changed" not in config, "a start says of no change")
g.ok(not some(gate, "stop"), "while it runs there is no stop")
g.ok(not some(gate, "failure"), "nor a failure", some(gate, "failure"))

# --- a role that dies ---
instance, pid = gate.roles()["back"][0]
os.kill(pid, signal.SIGKILL)
died = soon(gate, "failure", failed="role")
g.same((died.get("role"), died.get("instance"), died.get("server")),
       ("back", instance, "up"), "a killed back is on record")
g.ok("signal 9" in died.get("reason", ""), "with how it ended", died)
g.ok("started again" in died.get("followed", ""), "and what followed", died)
again = soon(gate, "role", status="started")
g.same((again.get("role"), again.get("instance"), again.get("restarts")),
       ("back", instance, 1), "and that it serves again")
g.ok(died["time"] <= again["time"] and died["event"] < again["event"],
     "in that order")
g.same(len(some(gate, "failure")), 1, "one death is one failure")

# a judge takes its cell with it: another one's judge, or its own next, says so
pid = gate.roles()["judge"][0][1]
os.kill(pid, signal.SIGKILL)
died = soon(gate, "failure", role="judge")
g.ok(died and "the cell" in died["followed"], "a killed judge is on record",
     gate.log()[-600:])
g.ok(g.until(lambda: len(some(gate, "role", status="started")) >= 4, 10),
     "and those that ended with it start again", some(gate, "role"))
g.same([r["role"] for r in some(gate, "failure")], ["back", "judge"],
       "they did not fail")
events = [r["event"] for r in gate.records() if "event" in r]
g.same(sorted(set(events)), list(range(1, max(events) + 1)),
       "events are numbered without a gap")


# --- reloads ---
def reload(change, status):
    change(gate.config)
    gate.write_config()
    n = len(some(gate, "configuration"))
    gate.process.send_signal(signal.SIGHUP)
    g.until(lambda: len(some(gate, "configuration")) > n, 10)
    found = some(gate, "configuration")
    g.same((len(found), found[-1]["status"]), (n + 1, status),
           f"a reload is on record: {status}")
    return found[-1]


before = config["config"]
r = reload(lambda c: c.update(limits={"inflight": 7}), "in force")
g.same(r.get("changed"), ["limits.inflight"], "by the setting's name alone")
g.ok(r["before"] == before and r["config"] != before, "and both digests", r)
g.ok("7" not in str(r["changed"]), "not by its value")
g.ok(not some(gate, "credential"), "no credential changed")


def principals(c):
    c["principals"].pop("carl")
    c["principals"]["new"] = {"token_sha256": g.token_hash("tok-new-123456789")}
    c["principals"]["robot"] = {"token_sha256": g.token_hash("tok-next-12345678")}


r = reload(principals, "in force")
g.same(sorted(r.get("changed")),
       ["principals.carl", "principals.new", "principals.robot"],
       "principals by their names")
g.until(lambda: len(some(gate, "credential")) == 3, 10)
g.same(sorted((x["status"], x["principal"]) for x in some(gate, "credential")),
       [("added", "new"), ("removed", "carl"), ("rotated", "robot")],
       "credentials added, removed, rotated")
g.ok(not any(g.token_hash(t) in str(gate.records())
             for t in list(TOKENS.values()) + ["tok-next-12345678"]),
     "without what they are the digest of")
r = reload(lambda c: c.update(cells=1), "refused")
g.ok("cells" in r["reason"] and r["config"] == some(
    gate, "configuration", status="in force")[-1]["config"],
     "a refused one says why, and what stays in force", r)
r = reload(lambda c: c.update(cells=2, nonsense=1), "refused")
del gate.config["nonsense"]
gate.write_config()

# --- the end ---
gate.stop()
stops = some(gate, "stop")
g.same([(s["cell"], s["reason"]) for s in sorted(stops, key=lambda s:
                                                 s["cell"])],
       [(0, "terminated"), (1, "terminated")], "each cell's life has its stop")
for cell in 0, 1:
    mine = [x for x in gate.records() if x["cell"] == cell and
            x["kind"] not in ("charge", "total", "totals")]
    g.same(mine[-1]["kind"], "stop", f"the last record of cell {cell}")
code, out, _ = gate.cli("ledger", "verify", gate.state)
g.ok(code == 0, "and the ledger verifies", out)
code, out, _ = gate.cli("ledger", "grep", "--kind", "failure", gate.state)
g.ok(code == 0 and "role judge" in out and "signal 9" in out,
     "ledger grep shows it in a line", out)
code, out, _ = gate.cli("ledger", "query", gate.state, "kinds")
g.ok("failure" in out and "configuration" in out, "the index has the kinds",
     out)

# --- what can happen as often as somebody likes: once, then counted ---
dead = []


def hang_up(_, _2):
    if dead:
        raise OSError("the server is gone")


up = fakes.HttpUpstream("modern", behave=hang_up)
gate = g.Gateway({"servers": {"up": {"url": up.url, "era": "modern"}},
                  "cells": 1}, agents=TOKENS)
agent = gate.agent(token=TOKENS["robot"])
g.same(agent.modern("tools/list").status, 200, "a list is read")
g.ok(agent.call("up___echo").allowed, "and a call answered")
g.ok(not some(gate, "failure") and not some(gate, "credential"),
     "of neither there is a failure")
for _ in range(20):
    gate.agent(token="nobody-1234567890").call("up___echo")
    gate.agent().call("up___echo")
found = some(gate, "credential", status="refused")
g.same(sorted(r["reason"] for r in found), ["it is not known", "none came"],
       "a credential that is refused is on record, once of each sort")
dead.append(True)
for _ in range(20):
    last = agent.call("up___echo")
g.ok(not last.allowed, "a server that hangs up", last)
found = some(gate, "failure")
g.same([(r["failed"], r["server"]) for r in found], [("upstream", "up")],
       "a server that is gone is on record, once")
g.ok(found[0]["reason"] and found[0]["followed"], "why, and what followed",
     found)
for _ in range(3):
    agent.modern("tools/list")
found = some(gate, "failure", failed="list")
g.same([(r["server"], r["method"]) for r in found], [("up", "tools/list")],
       "and a list that could not be read")
g.ok("without what this server has" in found[0]["followed"],
     "and what was shown instead", found)
gate.stop()
g.same(sorted(r["count"] for r in some(gate, "credential") if "count" in r),
       [19, 19], "how often the others came stands before the stop")
g.same(sorted((r["failed"], r["count"]) for r in some(gate, "failure")
              if "count" in r), [("list", 2), ("upstream", 19)],
       "and how often the server failed")
g.same(gate.records()[-1]["kind"], "stop", "which is the last")
g.done()
