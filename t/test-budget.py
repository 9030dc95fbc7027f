"""Budgets: what one principal may use over all cells, at once and over
restarts; what comes back and what never does; and what happens while nobody
counts.  Real processes, killed for real."""
import json
import os
import signal
import threading
import time

import fakes
import gatetest as g

MB = 1000 * 1000


def short(conn, r):
    """Answers a call without sending it back."""
    m = r["message"]
    if not isinstance(m, dict) or m.get("method") != "tools/call":
        return False
    conn.json({"id": m["id"], "result": {"resultType": "complete",
                                         **fakes.text("done")}})
    return True


def house(budgets, behave=short, **settings):
    up = fakes.HttpUpstream("modern", behave=behave)
    # typed: what is sent here, its tools do not declare
    server = {"url": up.url, "era": "modern", "arguments": "typed"}
    server.update(settings.pop("server", {}))
    gate = g.Gateway({"servers": {"web": server}, "cells": 2,
                      "budgets": budgets}, **settings)
    return up, gate


def at_once(gate, n, arguments, tool="web___echo", threads=None, **agent):
    """n calls, all of them under way together; how many were allowed."""
    got, lock = [], threading.Lock()
    todo = list(range(n))

    def worker():
        a = gate.agent(timeout=60, **agent)
        while True:
            with lock:
                if not todo:
                    return
                todo.pop()
            answer = a.call(tool, arguments)
            with lock:
                got.append(answer)
    ts = [threading.Thread(target=worker) for _ in range(threads or n)]
    for t in ts:
        t.start()
    for t in ts:
        t.join()
    return got


def used(gate, budget, key="local"):
    status, out, err = gate.cli("budgets", "gatehouse.yaml", "--json")
    if status != 0:
        return (status, err)
    for b in json.loads(out)["budgets"]:
        if b["name"] == budget:
            return {t["key"]: t["used"] for t in b["totals"]}.get(key, 0)
    return None


def metric(gate, name):
    out = g.raw(gate.desk, f"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:"
                f"{gate.desk}\r\n\r\n".encode(), 2.0).decode()
    return sum(int(line.rsplit(" ", 1)[1]) for line in out.splitlines()
               if line.startswith(name))


def pid(gate, role, instance=0):
    rows = g.until(lambda: gate.roles().get(role))
    return dict(rows)[instance]


def many():
    """Twelve workers of 10 MB under 100 MB."""
    up, gate = house({"out": {"bytes": 100 * MB}},
                     server={"risk": {"echo": ["egress"]}},
                     limits={"body": "16MiB", "string": "16MiB"})
    arguments = {"text": "x" * (10 * MB - len('{"text":""}'))}
    got = at_once(gate, 12, arguments)
    g.same(sum(a.allowed for a in got), 10, "ten workers of 10 MB pass")
    g.same(len(up.calls()), 10, "and no more leave")
    no = [a for a in got if not a.allowed]
    g.ok(all("denied by budget:out: local has used 100000000 of 100000000 "
             "bytes of arguments; this call needs 10000000" in a.text
             for a in no), "the eleventh and twelfth are refused, in words",
         [a.text for a in no])
    g.same(used(gate, "out"), 100 * MB, "gatehouse budgets says so")
    rec = [r for r in gate.records() if r.get("rule") == "budget:out"]
    g.ok(len(rec) == 2 and all(
        r["verdict"] == "deny" and r["principal"] == "local" and
        r["server"] == "web" and r["name"] == "echo" and
        r["step"] == "reserve" and r["budget"] == [
            {"charged": 0, "key": "local", "left": 0, "name": "out",
             "reservation": 0, "used": 100 * MB}] for r in rec),
         "refusals are recorded with the lineage of a success", rec)
    rec = [r for r in gate.records()
           if r["kind"] == "decision" and r["verdict"] == "allow"
           and r["method"] == "tools/call"]
    g.ok(len(rec) == 10 and
         sorted(r["budget"][0]["used"] for r in rec) ==
         [n * 10 * MB for n in range(1, 11)] and
         all(r["budget"][0]["charged"] == 10 * MB and
             r["budget"][0]["used"] + r["budget"][0]["left"] == 100 * MB
             for r in rec), "and so is what each was charged", rec)
    log = [r for r in g.readledger.budget_records(gate.state)
           if r["kind"] == "charge"]
    g.ok({r["budget"][0]["reservation"] for r in rec} ==
         {r["seq"] for r in log}, "each names its charge in the budgets' log",
         log)
    gate.stop()
    up.stop()


def thousand(lease):
    """1,000 concurrent reservations over two cells."""
    up, gate = house({"few": {"calls": 600, "lease": lease}})
    got = at_once(gate, 1000, {}, threads=64)
    yes = sum(a.allowed for a in got)
    cells = {r["cell"] for r in gate.records()
             if r.get("method") == "tools/call"}
    g.same(cells, {0, 1}, f"lease {lease}: both cells were asked")
    g.same(len(up.calls()), yes, f"lease {lease}: what was allowed left")
    g.ok(yes == 600 if lease == 1 else 500 < yes <= 600,
         f"lease {lease}: of 1000 calls {yes} pass a budget of 600")
    g.same(used(gate, "few"), 600, f"lease {lease}: all of it is used up")
    g.ok(all("budget:few" in a.text for a in got if not a.allowed),
         f"lease {lease}: the others are refused for it",
         {a.text for a in got if not a.allowed})
    asked = metric(gate, "gatehouse_budget_charges_total")
    # While one call asks for more, others of its cell ask for themselves: how
    # many do is the scheduler's.  ahead() has the exact figure.
    g.ok(asked == 600 if lease == 1 else asked < 550,
         f"lease {lease}: {asked} charges for {yes} calls")
    gate.stop()
    up.stop()


def ahead():
    """One agent after itself: each charge is for eight calls of its cell, as
    long as an eighth of what is left over two cells is more than that."""
    up, gate = house({"few": {"calls": 600, "lease": 8}})
    agent = gate.agent()
    got = [agent.call("web___echo", {}).allowed for _ in range(100)]
    asked = metric(gate, "gatehouse_budget_charges_total")
    calls = [r["cell"] for r in gate.records() if r["kind"] == "decision"]
    want = sum(-(-calls.count(cell) // 8) for cell in (0, 1))
    g.ok(all(got) and len(calls) == 100 and asked == want,
         f"lease 8: {asked} charges for 100 calls, one after the other",
         (calls.count(0), calls.count(1), want))
    gate.stop()
    up.stop()


def warm(gate):
    """Both cells know the server's tools: nothing else is asked for."""
    g.until(lambda: not any(not gate.roles().get(r)
                            for r in ("judge", "front", "budget")))
    g.until(lambda: all(attempt(gate.agent(), "web___secret").allowed
                        for _ in range(24)))


def parked(gate):
    """One call that is reserved and waits for its cell's ledger."""
    warm(gate)
    before = used(gate, "few")
    for i in (0, 1):
        os.kill(pid(gate, "ledger", i), signal.SIGSTOP)
    out = []
    t = threading.Thread(target=lambda: out.append(
        attempt(gate.agent(timeout=5))), daemon=True)
    t.start()
    held = g.until(lambda: used(gate, "few") == before + 1)
    return t, out, held


def attempt(agent, tool="web___echo", arguments=None):
    try:
        return agent.call(tool, arguments)
    except (OSError, g.http.client.HTTPException):
        return g.Answer(0, [], b"")


def go_on(gate):
    for i in (0, 1):
        for k, p in gate.roles().get("ledger", []):
            os.kill(p, signal.SIGCONT)


def kills():
    """kill -9 between reserve and commit."""
    up, gate = house({"few": {"calls": 20, "tool": "echo", "lease": 1}})
    tried = []

    def passes():
        tried.append(attempt(gate.agent()))
        return tried[-1].allowed
    g.ok(passes(), "kill: a call passes")
    for role in ("judge", "budget"):
        before, seen = used(gate, "few"), len(up.calls("echo"))
        t, out, held = parked(gate)
        g.ok(held, f"kill {role}: a call is reserved, and waits")
        for i, p in gate.roles()[role]:
            os.kill(p, signal.SIGKILL)
        go_on(gate)
        t.join(10)
        tried += out
        g.ok(g.until(passes), f"kill {role}: calls pass again")
        g.ok(used(gate, "few") >= before + 2,
             f"kill {role}: what was reserved stays charged",
             (before, used(gate, "few")))
        g.ok(len(up.calls("echo")) - seen <= used(gate, "few") - before,
             f"kill {role}: nothing left uncharged")
    before = used(gate, "few")
    t, out, held = parked(gate)
    g.ok(held, "kill parent: a call is reserved, and waits")
    os.kill(gate.process.pid, signal.SIGKILL)
    go_on(gate)
    gate.process.wait()
    t.join(10)
    g.until(lambda: not g.listening(gate.port))
    gate.start()
    g.same(used(gate, "few"), before + 1,
           "kill parent: what was reserved stays charged")
    tried += out
    while passes():
        pass
    tried.pop()  # refused by the budget, which charges nothing
    g.same(used(gate, "few"), 20, "kill: the budget ends where it should")
    left = len(up.calls("echo"))
    # One call is one charge at most, and what was answered had left: so what
    # is charged and did not leave is a call that failed.  Two did for certain:
    # those that waited when the judge and the parent were killed.
    lost = sum(not a.allowed for a in tried)
    g.ok(20 - lost <= left <= 18, "kill: of 20 charges each left but for "
         f"calls that failed ({left} left, {lost} failed)",
         g.readledger.budget_records(gate.state))
    gate.stop()
    up.stop()


def storm():
    """Role budget and judges killed at random under load."""
    up, gate = house({"few": {"calls": 400, "lease": 8}})
    stop = []

    def load():
        a = gate.agent(timeout=5)
        while not stop:
            attempt(a)
    ts = [threading.Thread(target=load, daemon=True) for _ in range(8)]
    for t in ts:
        t.start()
    for i in range(8):
        time.sleep(0.15)
        role = ("budget", "judge")[i % 2]
        for _, p in gate.roles().get(role, [])[:1]:
            os.kill(p, signal.SIGKILL)
    g.until(lambda: used(gate, "few") == 400, 30)
    stop.append(1)
    for t in ts:
        t.join(10)
    left = len(up.calls())
    g.ok(50 < left <= 400,
         f"storm: {left} calls left under a budget of 400, and no more")
    status, out, _ = gate.cli("ledger", "verify", gate.state)
    g.ok(status == 0 and "\nbudgets: " in out, "storm: the ledger verifies, "
         "and the budgets' log", out)
    g.same(g.readledger.budget_complaints(gate.state), [],
           "storm: the budgets' log holds, read by another reader")
    gate.stop()
    up.stop()


def nobody_counts():
    """Role budget does not answer, or is gone."""
    up, gate = house({"few": {"calls": 50, "tool": "echo", "lease": 1}},
                     limits={"budget": "200ms"})
    a = gate.agent()
    g.ok(a.call("web___echo").allowed, "late: a call passes")
    p = pid(gate, "budget")
    os.kill(p, signal.SIGSTOP)
    start = time.monotonic()
    no = a.call("web___echo")
    took = time.monotonic() - start
    g.ok("denied by budget-late" in no.text and 0.15 < took < 0.8,
         f"late: no answer in time is a refusal, after {took:.1f} s", no)
    g.ok(a.call("web___secret").allowed,
         "late: what no budget is about goes on")
    g.same(metric(gate, "gatehouse_budget_late_total"), 1,
           "late: it is counted")
    os.kill(p, signal.SIGCONT)
    g.ok(g.until(lambda: a.call("web___echo").allowed),
         "late: calls pass again")
    g.ok(g.until(lambda: used(gate, "few") == len(up.calls("echo"))),
         "late: the charge that came too late is taken back",
         (used(gate, "few"), len(up.calls("echo"))))
    rec = [r for r in gate.records() if r.get("rule") == "budget-late"]
    g.ok(len(rec) == 1 and rec[0]["verdict"] == "deny",
         "late: it is recorded", rec)
    os.kill(pid(gate, "budget"), signal.SIGKILL)
    g.ok(g.until(lambda: a.call("web___echo").allowed, 5),
         "gone: it is started again")
    g.ok(used(gate, "few") >= len(up.calls("echo")),
         "gone: and knows its totals")
    gate.stop()
    up.stop()


def comes_back():
    """What is known not to have happened is given back; nothing else is."""
    policy = os.path.join(g.directory("p"), "p.cedar")
    with open(policy, "w") as f:
        f.write('@id("all") permit (principal, action, resource);\n'
                '@id("reserve-kept") forbid (principal, action, resource) '
                'when { context has budget && context.budget has few && '
                'context.budget.few.left < 2 };\n')
    for lease in (1, 64):
        up, gate = house({"few": {"calls": 40, "lease": lease}}, rules=[],
                         policies=[policy])
        a = gate.agent(path="/s/web/mcp")
        got = [a.call("echo") for _ in range(50)]
        yes = sum(x.allowed for x in got)
        g.ok(yes == 38 if lease == 1 else 30 <= yes <= 38,
             f"lease {lease}: policies see what is left ({yes})")
        g.ok("reserve-kept" in got[-1].text if lease == 1 else
             "denied by" in got[-1].text, f"lease {lease}: and deny",
             got[-1].text)
        if lease == 1:
            g.same(used(gate, "few"), 38, "what they deny is given back")
            g.same(metric(gate, "gatehouse_budget_released_total"), 12,
                   "and it is counted")
        gate.stop()
        up.stop()
    up, gate = house({"few": {"calls": 5, "lease": 1}},
                     behave=lambda conn, r: conn.s.close()
                     if isinstance(r["message"], dict) and
                     r["message"].get("method") == "tools/call" else False)
    a = gate.agent()
    for _ in range(5):
        g.ok(not a.call("web___echo").allowed, "a server that hangs up")
    g.same(used(gate, "few"), 5, "an unknown outcome stays charged")
    g.ok("budget:few" in a.call("web___echo").text, "and counts")
    gate.stop()
    up.stop()


def things():
    """Money, hosts, windows, globs."""
    up, gate = house(
        {"pay": {"spend": 10000, "currency": "EUR"},
         "to": {"destinations": 2, "risk": ["egress"]},
         "burst": {"calls": 2, "window": "1s", "tool": "mirror"},
         "writes": {"calls": 1, "risk": ["write"]}},
        server={"facts": {"echo": {"amount": "money"},
                          "secret": {"url": "url"}},
                "risk": {"echo": ["money"], "secret": ["egress"],
                         "mirror": ["read"], "ok_read": ["write"]}})
    a = gate.agent()

    def pays(amount):
        return a.call("web___echo", {"amount": amount} if amount else {})
    g.ok(pays("60.00 EUR").allowed and pays(30).allowed and
         pays("10.00").allowed, "spend: 100.00 EUR in three parts")
    no = pays("0.01")
    g.ok("budget:pay" in no.text and "10000 of 10000 minor units" in no.text,
         "spend: and no cent more", no.text)
    g.ok("another currency" in pays("0.00 USD").text,
         "spend: another currency is refused")
    g.ok("how much" in pays(None).text, "spend: and so is no amount")
    g.ok("less than nothing" in pays("-5").text, "spend: and a debt")
    g.same(used(gate, "pay"), 10000, "spend: as much is on record")

    def goes(url):
        return a.call("web___secret", {"url": url})
    g.ok(goes("https://a.example/x").allowed and
         goes("https://A.EXAMPLE/y").allowed and
         goes("http://b.example:80/").allowed, "hosts: two, one of them twice")
    g.ok("budget:to" in goes("https://c.example/").text, "hosts: not a third")
    g.ok("budget:to" in a.call("web___big").text,
         "hosts: a call that names none goes to its server, and one of a tool "
         "that nobody declared may")
    g.ok(goes("https://b.example/z").allowed, "hosts: those it knows go on")
    log = json.dumps(list(g.readledger.budget_records(gate.state)))
    g.ok("a.example" not in log, "hosts: the log does not name them")
    g.ok(a.call("web___mirror").allowed and a.call("web___mirror").allowed and
         "budget:burst" in a.call("web___mirror").text, "window: two a second")
    g.ok(g.until(lambda: a.call("web___mirror").allowed, 3, 0.1),
         "window: and again later")
    g.ok(a.call("web___ok_read").allowed and
         "budget:writes" in a.call("web___ok_read").text,
         "risk: a budget of side effects")
    # a reload that changes limits is taken up, and counts what was used
    gate.config["budgets"]["pay"]["spend"] = 10001
    gate.write_config()
    g.ok(gate.cli("reload", "gatehouse.yaml")[0] == 0, "reload: a new limit")
    g.ok(g.until(lambda: pays("0.01").allowed, 3) and
         "budget:pay" in pays("0.01").text, "reload: one cent more")
    del gate.config["budgets"]
    gate.write_config()
    out = "".join(gate.cli("reload", "gatehouse.yaml"[:]) [1:])
    g.ok("budgets changed: that needs a restart" in out,
         "reload: without any budget is for a restart", out)
    gate.config["budgets"] = {"pay": {"spend": 10001, "currency": "EUR"}}
    gate.write_config()
    gate.stop()
    gate.start()
    g.ok("budget:pay" in pays("0.01").text, "restart: totals are kept")
    gate.stop()
    # a damaged log is no start
    seg = sorted(os.listdir(os.path.join(gate.state, "ledger")))
    seg = [s for s in seg if s.startswith("budget-")][-1]
    path = os.path.join(gate.state, "ledger", seg)
    data = bytearray(open(path, "rb").read())
    data[len(data) // 2] ^= 1
    with open(path, "wb") as f:
        f.write(data)
    status, _, err = gate.cli("budgets", "gatehouse.yaml")
    g.ok(status == 1 and "log" in err, "damage: budgets says so", err)
    status, out, _ = gate.cli("ledger", "verify", gate.state)
    g.ok(status == 1 and "NOT valid: budgets, record" in out,
         "damage: and so does ledger verify", out)
    status, out, _ = gate.cli("ledger", "verify", "--json", gate.state)
    out = json.loads(out)
    g.ok(status == 1 and not out["valid"] and not out["budgets"]["valid"] and
         all(c["valid"] for c in out["cells"]), "damage: as JSON", out)
    gate.start(wait=False)
    g.ok(g.until(lambda: gate.process.poll() is not None) and
         gate.process.returncode == 1 and seg[:-4] in gate.log(),
         "damage: and the gateway does not start", gate.log()[-600:])
    up.stop()


def chains():
    """What delegates use counts for who delegated; what they only claim
    does not."""
    where = g.directory("i")
    with open(os.path.join(where, "inventory.yaml"), "w") as f:
        json.dump({"users": {"ann": {}}, "servers": {"web": {}},
                   "tools": {"web/*": {}}, "agents": {
                       "plan": {"acts_for": "ann"}, "other": {},
                       "one": {"acts_for": "plan"},
                       "two": {"acts_for": "plan"}}}, f)
    names = ("plan", "one", "two", "other")
    up, gate = house(
        {"tree": {"calls": 5, "per": "subtree", "principal": "plan",
                  "tool": "echo", "lease": 1},
         "kids": {"agents": 1, "per": "subtree", "principal": "plan",
                  "tool": "secret"},
         "deep": {"depth": 0, "per": "subtree", "principal": "plan",
                  "tool": "mirror"}},
        inventory="inventory.yaml", where=where,
        agents={n: "token-" + n for n in names})
    a = {n: gate.agent(token="token-" + n) for n in names}
    g.ok(a["one"].call("web___echo").allowed and
         a["two"].call("web___echo").allowed and
         a["one"].call("web___echo").allowed and
         a["plan"].call("web___echo").allowed, "subtree: four of five")
    for _ in range(3):
        got = a["other"].call("web___echo", None)
        g.ok(got.allowed, "subtree: another is no part of it", got)
        a["other"].modern("tools/call", {
            "name": "web___echo", "arguments": {},
            "_meta": {"io.gatehouse/onBehalfOf": ["plan"]}})
    g.same(used(gate, "tree", "plan"), 4,
           "subtree: who only claims to be counts for nobody")
    g.ok(a["two"].call("web___echo").allowed, "subtree: the fifth")
    no = a["one"].call("web___echo")
    g.ok("budget:tree: plan has used 5 of 5 calls" in no.text,
         "subtree: not a sixth", no)
    rec = [r for r in gate.records() if r.get("rule") == "budget:tree"]
    g.ok(len(rec) == 1 and rec[0]["principal"] == "one" and
         rec[0]["budget"][0]["key"] == "plan",
         "subtree: on record, who and whose", rec)
    g.ok(a["one"].call("web___secret").allowed and
         "budget:kids" in a["two"].call("web___secret").text and
         a["one"].call("web___secret").allowed, "agents: one, and no other")
    g.ok(a["plan"].call("web___mirror").allowed and
         "budget:deep: plan has used 0 of 0 links" in
         a["one"].call("web___mirror").text, "depth: itself, and no delegate")
    gate.stop()
    up.stop()


many()
thousand(1)
thousand(64)
ahead()
kills()
storm()
nobody_counts()
comes_back()
things()
chains()
g.done()
