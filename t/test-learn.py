"""Learning a policy: random ledgers, decided by random policies.  Whatever was
recorded, what is proposed parses, validates strictly, permits every call that
it says it covers, and nothing that was refused."""
import json
import os
import random
import re
import subprocess
import sys

import gatetest as g
import writeledger

SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 1
LEDGERS = int(os.environ.get("LEDGERS", "60"))
DIR = g.directory("learn")
dice = random.Random(SEED)


def write(name, text):
    path = os.path.join(DIR, name)
    with open(path, "w") as f:
        f.write(text)
    return path


def gatehouse(*args):
    r = subprocess.run([g.BINARY, *args], capture_output=True, text=True,
                       cwd=DIR, check=False, timeout=60)
    return r.returncode, r.stdout, r.stderr


# Tools, what their arguments are, and values to choose from.
PATHS = ["/srv/a/x", "/srv/a/y", "/srv/b/x", "/srv/a", "/etc/passwd", "rel/x",
         "/srv/../etc/x", "/home/u/.ssh/id", "/", "/srv/a/sub/deep/z"]
URLS = ["https://a.example/x", "https://b.example/y?q=1", "http://10.0.0.1/",
        "https://a.example:8443/z"]
SQL = ["SELECT a FROM t", "DELETE FROM t", "UPDATE u SET a=1 WHERE b=2",
       "SELECT 1; DROP TABLE t"]
SHELL = ["ls /srv", "rm -rf /", "cat a | grep b", "git status"]
WORDS = ["one", "two", "it's \"q\"", "back\\slash", "*"]
TOOLS = {
    "read": {"path": ("path", PATHS), "mode": (None, WORDS + [1, 2, True]),
             "if": (None, [True, False])},
    "fetch": {"url": ("url", URLS), "n": ("count", [1, 2, 30]),
              "odd name": (None, [1, 7, -3])},
    "query": {"sql": ("sql", SQL)},
    "sh": {"cmd": ("shell", SHELL), "deep": (None, [{"a": [1]}, [1, 2]])},
    "pay": {"sum": ("money", ["12.50 EUR", "3 USD", "100 EUR"]),
            "level": (None, ["low", "high"])},
}
FACTS = {t: {a: k for a, (k, _) in args.items() if k}
         for t, args in TOOLS.items()}
# No type: any value is one.
SCHEMA = {"path": "string", "url": "string", "sql": "string", "cmd": "string",
          "n": "integer", "sum": "string", "odd name": "integer",
          "if": "boolean", "deep": None}
ENUMS = {"level": {"enum": ["low", "high"]}}
LISTS = {"tools": [{"name": t, "inputSchema": {
    "type": "object", "properties": {
        a: {"type": SCHEMA.get(a, "string"), **ENUMS.get(a, {})}
        if SCHEMA.get(a, "string") else {} for a in args}}} for t, args in TOOLS.items()]}
DEFINITIONS = [{"kind": "definition", "server": "fs", "name": t["name"],
                "verdict": "first", "definition": t} for t in LISTS["tools"]]
CONDITIONS = [
    'context has derived && context.derived has path && '
    'context.derived.path.under.contains("/srv")',
    'context has derived && context.derived has path && '
    'context.derived.path.hidden',
    'context has derived && context.derived has url && '
    'context.derived.url.host == "a.example"',
    'context has derived && context.derived has sql && '
    'context.derived.sql.read_only',
    'context has derived && context.derived has cmd && '
    'context.derived.cmd.commands.contains("rm")',
    'context has input && context.input has mode && '
    'context.input.mode == "one"',
    'context has derived && context.derived has n && context.derived.n.n > 2',
    'context has derived && context.derived has path && '
    'context.derived.path.name == "y"',
    'true',
]
SCOPES = ['principal, action, resource',
          'principal == Gatehouse::Agent::"ann", action, resource',
          'principal, action == Gatehouse::Action::"fs___read", resource',
          'principal, action == Gatehouse::Action::"fs___fetch", resource']


def random_policy():
    lines = []
    for i in range(dice.randint(1, 4)):
        effect = "forbid" if i and dice.random() < 0.5 else "permit"
        lift = '@requestable("w") ' if effect == "forbid" and \
            dice.random() < 0.3 else ""
        if i == 0 and dice.random() < 0.6:
            lines.append('@id("p0") permit (principal, action, resource);')
            continue
        lines.append(f'@id("p{i}") {lift}{effect} ({dice.choice(SCOPES)}) '
                     f'when {{ {dice.choice(CONDITIONS)} }};')
    return "\n".join(lines)


def random_call(tame):
    tool = dice.choice(list(TOOLS))
    arguments = {}
    for name, (_, values) in TOOLS[tool].items():
        if dice.random() < 0.8:
            pool = [v for v in values if type(v) is type(values[0])] \
                if tame else values
            arguments[name] = dice.choice(pool)
    return {"principal": dice.choice(["ann", "bob", 'odd"name']), "server": "fs",
            "name": tool, "arguments": arguments}


def ledger(policy, tame):
    """Random calls, as they would be decided and recorded."""
    keep = {t: [a for a in args if dice.random() < 0.7]
            for t, args in TOOLS.items()}
    calls = [random_call(tame) for _ in range(dice.randint(5, 60))]
    write("p.cedar", policy)
    write("cases.yaml", json.dumps({
        "policies": ["p.cedar"], "servers": {"fs": {"facts": FACTS}},
        "cases": [dict(c, expect="allow") for c in calls]}))
    status, out, err = gatehouse("policy", "test", "--json", "cases.yaml")
    got = [json.loads(line) for line in out.splitlines()]
    if status not in (0, 1) or len(got) != len(calls):
        raise RuntimeError(out + err)
    reads = ["input"] if "context.input" in policy else []
    records = [{"kind": "policy", "policy": "d", "reads": reads, "rules": 0}]
    records += DEFINITIONS
    for c, verdict in zip(calls, got):
        r = {"kind": "decision", "method": "tools/call", "policy": "d",
             "principal": c["principal"], "server": "fs", "name": c["name"],
             "endpoint": "/s/fs/mcp", "verdict": "allow"
             if verdict["effect"] == "allow" else "deny",
             "rule": verdict["by"], "facts": FACTS[c["name"]]}
        if r["verdict"] == "deny":
            r["step"] = "decide"
        if reads and verdict["by"] != "arguments" and tame:
            r["typed"] = True
        if verdict["effect"] == "hold":
            r["needs"] = ["w"]
        kept = {a: v for a, v in c["arguments"].items()
                if a in keep[c["name"]]}
        if kept:
            r["kept"] = kept
        if len(kept) < len(c["arguments"]):
            r["withheld"] = len(c["arguments"]) - len(kept)
            absent = [a for a in keep[c["name"]] if a not in c["arguments"]]
            if absent:
                r["absent"] = absent
        records.append(r)
    writeledger.write(os.path.join(DIR, "ledger"), records)
    return records[1 + len(DEFINITIONS):]


write("tools.json", json.dumps(LISTS))
write("gatehouse.yaml", json.dumps({
    "anonymous": "ann", "servers": {"fs": {"command": ["/bin/cat"],
                                           "facts": FACTS}},
    "policies": ["learned.cedar"]}))
wrong, seen = [], {"covered": 0, "left": 0, "refused": 0, "exact": 0}
for n in range(LEDGERS):
    tame = dice.random() < 0.7  # each argument of one type, as its schema says
    policy = random_policy()
    records = ledger(policy, tame)
    allowed = sum(r["verdict"] == "allow" for r in records)
    status, out, err = gatehouse("policy", "learn", "--json", "ledger")
    if status not in (0, 1):
        wrong.append((n, policy, out + err))
        continue
    learned = json.loads(out)
    write("learned.cedar", learned["policy"])
    status, out, err = gatehouse("policy", "replay", "--json", "ledger",
                                 "--with", "learned.cedar")
    j = json.loads(out or "{}")
    left = allowed - learned["covered"]
    lost = sum(row["count"] for row in j.get("rows", ())
               if row["was"] == "allow" and row["now"] == "deny")
    if not (learned["allowed"] == allowed and
            j.get("newly_allowed") == 0 and j.get("newly_held") == 0 and
            j.get("not_established") == 0 and lost == left and
            (learned["left_out"] > 0) == (left > 0)):
        wrong.append((n, policy, learned["policy"], out + err, records))
    if tame:
        status, out, err = gatehouse("policy", "check", "fs=tools.json")
        if status != 0:
            wrong.append((n, learned["policy"], out + err))
    seen["covered"] += learned["covered"]
    seen["left"] += left
    seen["refused"] += learned["refused"]
    seen["exact"] += "only what was used" in learned["policy"]
g.note(f"seed {SEED}: {seen}")
g.ok(not wrong, f"{LEDGERS} random ledgers: what is learned parses, validates, "
     "permits what it covers and nothing that was refused",
     "\n".join(str(x) for x in reversed(wrong[0])) if wrong else "")
g.ok(min(seen["covered"], seen["left"], seen["refused"]) > 0,
     "all cases happened", seen)

# What a person reads.
call = {"kind": "decision", "method": "tools/call", "policy": "d",
        "principal": "ann", "server": "fs", "name": "read",
        "endpoint": "/s/fs/mcp", "verdict": "allow", "rule": "p",
        "facts": {"path": "path"}}
POLICY = {"kind": "policy", "policy": "d", "reads": ["input"], "rules": 0}
REFUSED = {"verdict": "deny", "step": "decide", "rule": "default-deny"}


def learn(*calls, args=()):
    writeledger.write(os.path.join(DIR, "ledger"),
                      [POLICY] + DEFINITIONS + [dict(call, **c) for c in calls])
    status, out, err = gatehouse("policy", "learn", *args, "ledger")
    return status, re.sub(r"\s+", " ", out + err)


status, out = learn({"kept": {"path": "/srv/w/a/x"}},
                    {"kept": {"path": "/srv/w/b/c/y"}})
g.ok(status == 0 and 'under.containsAny(["/srv/w"])' in out and
     "// 2 calls, the first is record 0/7" in out, "a common directory", out)
status, out = learn({"kept": {"path": "/srv/w/a"}},
                    {"kept": {"path": "/home/u/b"}})
g.ok('containsAny(["/srv/w", "/home/u"])' in out, "two of them", out)
status, out = learn({"kept": {"path": "/srv/w/a"}}, {"kept": {"path": "/srv/w/b"}},
                    dict(REFUSED, kept={"path": "/srv/w/secret"}))
g.ok(status == 0 and '["/srv/w/a", "/srv/w/b"].contains' in out and
     "something near it was refused" in out,
     "one beside them was refused: these alone", out)
status, out = learn({"kept": {"path": "/srv/w/a"}},
                    dict(REFUSED, kept={"path": "/srv/w/a"}))
g.ok(status == 1 and "Left out: 1 calls of ann to fs/read" in out and
     "permit (" not in out, "the same was refused: left out, and said", out)
status, out = learn({"withheld": 1}, {"withheld": 1})
g.ok(status == 0 and 'any value of "path": of 2 of these calls nobody kept it'
     in out and "when" not in out, "what it could not see is said", out)
status, out = learn({"withheld": 1}, dict(REFUSED, withheld=1))
g.ok(status == 1 and "Left out" in out, "and refusals that look the same", out)
status, out = learn({"kept": {"path": "/srv/a"}},
                    dict(REFUSED, name="rm", kept={"path": "/srv/b"}))
g.ok(status == 0 and "fs___rm" not in out and
     "1 calls that policy refused or held were not learned" in out,
     "refused calls are not learned", out)
status, out = learn({"kept": {"path": "/srv/a"}},
                    dict(REFUSED, name="rm", kept={"path": "/srv/b"}),
                    args=["--with-denied"])
g.ok(status == 0 and "fs___rm" in out, "but with --with-denied", out)
status, out = learn({"name": "fetch", "facts": {"url": "url"},
                     "kept": {"url": "https://a.example/x"}},
                    {"name": "fetch", "facts": {"url": "url"},
                     "kept": {"url": "https://b.example/y"}})
g.ok('["a.example", "b.example"].contains(context.derived.url.host)' in out,
     "hosts of urls", out)
status, out = learn({"method": "resources/read", "name": "file:///a"},
                    {"method": "prompts/get", "name": "hi"})
g.ok(status == 0 and 'Gatehouse::Action::"read_resource"' in out and
     'Gatehouse::Resource::"file:///a"' in out and
     'Gatehouse::Prompt::"fs/hi"' in out, "resources and prompts", out)
status, out = learn()
g.ok(status == 0 and "0 of 0" in out, "nothing was called", out)
g.same(gatehouse("policy", "learn", "/nowhere")[0], 3, "no ledger there")
g.done()
