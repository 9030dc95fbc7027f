"""Every agent before every server: two eras, two transports each side."""
import json
import os

import fakes
import gatetest as g

d = g.directory("bridge")
http = {era: fakes.HttpUpstream(era) for era in ("modern", "legacy")}
journal = {era: os.path.join(d, f"{era}.journal") for era in http}
servers = {}
for era in http:
    servers[f"h-{era}"] = {"url": http[era].url}
    servers[f"s-{era}"] = fakes.stdio_command(era, journal[era])
gate = g.Gateway({"servers": servers})


def arrived(kind, era, word):
    if kind == "h":
        return any(word in json.dumps(m) for m in http[era].calls())
    return any(word in json.dumps(m) for m in fakes.journal_of(journal[era]))


for name in sorted(servers):
    kind, era = name.split("-")
    path = f"/s/{name}/mcp"

    new = gate.agent(path=path)
    a = new.modern("server/discover")
    g.ok(a.allowed, f"modern agent discovers {name}", a)
    a = new.modern("tools/list")
    g.ok(a.allowed and a.result.get("resultType") == "complete" and
         "ttlMs" in a.result, f"modern agent lists {name}", a)
    a = new.call("echo", {"text": f"new-{name}"})
    g.ok(a.allowed and a.result.get("resultType") == "complete" and
         arrived(kind, era, f"new-{name}"), f"modern agent calls {name}", a)

    old = gate.agent(path=path)
    a = old.initialize(capabilities={"elicitation": {}})
    g.ok(a.allowed and "tools" in a.result.get("capabilities", {}),
         f"legacy agent opens {name}", a)
    a = old.legacy("tools/list")
    g.ok(a.allowed and a.result.get("tools"), f"legacy agent lists {name}", a)
    a = old.legacy_call("echo", {"text": f"old-{name}"})
    g.ok(a.allowed and arrived(kind, era, f"old-{name}"),
         f"legacy agent calls {name}", a)
    a = old.legacy("ping")
    g.ok(a.result == {}, f"ping is answered before {name}", a)

    # A question crosses in each agent's own way.
    a = new.call("ask", {}, capabilities={"elicitation": {"form": {}}})
    r = a.result or {}
    g.ok(r.get("resultType") == "input_required",
         f"modern agent is asked by {name}", a)
    if r.get("resultType") == "input_required":
        key = next(iter(r["inputRequests"]))
        a = new.modern("tools/call", {
            "name": "ask", "arguments": {}, "inputResponses": {
                key: {"action": "accept", "content": {"ok": True}}},
            "requestState": r.get("requestState")},
            capabilities={"elicitation": {"form": {}}})
        g.ok(a.allowed and "accept" in a.text,
             f"its answer reaches {name}", a)
    s = old.stream("POST", json.dumps({
        "jsonrpc": "2.0", "id": 41, "method": "tools/call",
        "params": {"name": "ask", "arguments": {}}}).encode(),
        old.legacy_headers())
    m = s.message() or {}
    g.ok(m.get("method") == "elicitation/create",
         f"legacy agent is asked by {name}", m)
    if "id" in m and m.get("method"):
        old.http("POST", json.dumps({"jsonrpc": "2.0", "id": m["id"],
                 "result": {"action": "accept", "content": {"ok": True}}})
                 .encode(), old.legacy_headers())
        m = s.message() or {}
        g.ok(m.get("id") == 41 and "accept" in json.dumps(m),
             f"its answer reaches {name}", m)
    s.close()

# The child: no environment, no descriptors, gone with its gateway.
for era in http:
    born = [x for x in fakes.journal_of(journal[era]) if "started" in x]
    g.ok(born, f"the {era} child ran")
    for x in born[:1]:
        extra = set(x["env"]) - {"PATH", "HOME", "LANG", "TMPDIR", "PWD",
                                 "SHLVL", "_", "LC_CTYPE"}
        g.ok(not extra, f"the {era} child's environment is clean", extra)
        kinds = [f.split(":")[0] for f in x["fds"]]
        g.ok(len([k for k in kinds if k in ("pipe", "socket")]) <= 3 and
             not [f for f in x["fds"] if "memfd" in f or "anon" in f],
             f"the {era} child has its pipes and nothing else", x["fds"])


g.ok(g.children(d), "children run")
code = gate.stop()
g.ok(code == 0, "it ends by SIGTERM", code)
g.ok(g.until(lambda: not g.children(d), 5), "children are gone with it",
     g.children(d))
g.done()
