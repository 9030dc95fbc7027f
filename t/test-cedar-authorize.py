#!/usr/bin/env python3
"""One request decided on the command line; corpora that must be named bad."""
import gzip
import json
import os
import subprocess

import gatetest as g

POLICIES = """permit(principal in G::"g", action == Action::"read", resource)
when { context.n < 10 };
forbid(principal, action, resource) when { principal.bad };
"""
ENTITIES = [{"uid": {"type": "U", "id": "a"}, "attrs": {"bad": False},
             "parents": [{"type": "G", "id": "g"}]},
            {"uid": {"type": "U", "id": "b"}, "attrs": {},
             "parents": [{"type": "G", "id": "g"}]}]
SCHEMA = """entity G; entity D; entity U in [G] = { bad?: Bool };
action read appliesTo { principal: U, resource: D, context: { n: Long } };"""

d = g.tempfile.mkdtemp(prefix="gatehouse-cedar-")
g.atexit.register(g.shutil.rmtree, d, True)


def put(name, text):
    path = os.path.join(d, name)
    with open(path, "w") as f:
        f.write(text)
    return path


FILES = ["--policies", put("p.cedar", POLICIES),
         "--entities", put("e.json", json.dumps(ENTITIES))]
LOW, HIGH = put("low.json", '{"n": 3}'), put("high.json", '{"n": 30}')


def cedar(*args):
    r = subprocess.run([g.BINARY, "cedar", *args], text=True,
                       capture_output=True, check=False)
    return r.returncode, r.stdout, r.stderr


def ask(principal, context, *more, files=FILES):
    return cedar("authorize", *files, "--principal", principal, "--action",
                 'Action::"read"', "--resource", 'D::"d"', "--context",
                 context, *more)


g.same(ask('U::"a"', LOW), (0, "ALLOW\nbecause of policy0\n", ""),
       "a permit that applies allows")
g.same(ask('U::"a"', HIGH), (1, "DENY\n", ""), "none that applies denies")
code, out, err = ask('U::"b"', LOW)
g.same((code, out.splitlines()[0]), (0, "ALLOW"), "who fails a forbid")
g.ok("policy1 failed: 3:54: entity has no attribute" in out,
     "is told which and where", out)
code, out, err = ask('U::"b"', LOW, "--json")
got = json.loads(out)
g.same((got["decision"], got["reason"], got["errors"][0]["policy"]),
       ("allow", ["policy0"], "policy1"), "the same in JSON")
g.same(ask('U::"zz"', LOW)[0], 1, "who is not there is in no group")
g.same(ask("U:a", LOW)[0], 2, "a name that is none is misuse")
g.same(cedar("authorize", *FILES)[0], 2, "so is no principal")
schema = ["--schema", put("s.cedarschema", SCHEMA)]
g.same(ask('U::"a"', LOW, *schema)[0], 0, "with a schema that fits")
code, out, err = ask('U::"a"', put("x.json", '{"n": "3"}'), *schema)
g.same((code, out), (4, ""), "a context that does not is refused")
g.ok("context.n: expected long, found string" in err, "and named", err)
code, out, err = ask('U::"a"', LOW, files=[
    "--policies", put("bad.cedar", "permit(principal, action);"), *FILES[2:]])
g.same((code, out), (4, ""), "policies that are wrong are refused")
g.ok("bad.cedar:1:" in err, "with their place", err)

TEST = {"requests": [{"description": "r", "principal": {"type": "U", "id": "a"},
                      "action": {"type": "Action", "id": "read"},
                      "resource": {"type": "D", "id": "d"},
                      "context": {"n": 3}, "decision": "allow",
                      "reason": ["policy0"], "errors": []}],
        "shouldValidate": False}


def corpus(change, squeeze=False):
    test = json.loads(json.dumps(TEST))
    change(test)
    line = json.dumps({"id": "one", "test": json.dumps(test),
                       "policies": POLICIES, "schema": SCHEMA,
                       "entities": json.dumps(ENTITIES)}) + "\n"
    path = os.path.join(d, "c.jsonl")
    with (gzip.open if squeeze else open)(path, "wt") as f:
        f.write(line)
    return cedar("corpus", path)


def wrong(**what):
    return lambda test: test["requests"][0].update(what)


for squeeze in (False, True):
    code, out, err = corpus(lambda t: None, squeeze)
    g.same((code, out.splitlines()[-1]), (0, "1 passed, 0 failed"),
           "a test is passed" + (", compressed" if squeeze else ""))
for name, change, say in [
        ("decision", wrong(decision="deny"), "want deny, got allow"),
        ("reason", wrong(reason=[]), "want 0 reasons"),
        ("errors", wrong(errors=["policy1"]), "1 errors"),
        ("context", wrong(context={}), "is refused: context"),
        ("verdict", lambda t: t.update(shouldValidate=True), "shouldValidate")]:
    code, out, err = corpus(change)
    g.same((code, out.splitlines()[-1]), (1, "0 passed, 1 failed"),
           f"a wrong {name} fails")
    g.ok(say in out, "and is named", out)
g.same(cedar("corpus", os.path.join(d, "none"))[0], 4, "no file is a failure")
g.same(cedar("corpus", d)[0], 4, "nor is a directory without tests a success")
g.done()
