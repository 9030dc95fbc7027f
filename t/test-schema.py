#!/usr/bin/env python3
"""gatehouse schema check: verdicts, faults, exit codes, documents, --json."""
import json
import os
import subprocess

import gatetest as g

SCHEMA = {
    "type": "object",
    "properties": {
        "path": {"type": "string", "pattern": "^/srv/"},
        "limit": {"type": "integer", "maximum": 100},
        "when": {"format": "date"},
        "who": {"$ref": "http://x.example/who.json"},
    },
    "required": ["path"],
}
WHO = {"$id": "http://x.example/who.json", "enum": ["alice", "bob"]}
PLAIN = {k: v for k, v in SCHEMA.items()}
PLAIN["properties"] = {k: v for k, v in SCHEMA["properties"].items()
                       if k != "who"}
CASES = (  # value, options, status, words on stdout
    ({"path": "/srv/a"}, [], 0, "v.json: valid"),
    ({"path": "/etc/a"}, [], 1, "/path: must match ^/srv/ (pattern, #/prop"),
    ({"path": "/srv/a", "limit": 101}, [], 1, "/limit: must be at most 100"),
    ({"path": "/srv/a", "limit": 100.0}, [], 0, "valid"),
    ({}, [], 1, 'v.json: member "path" is missing (required, #)'),
    ({"path": "/srv/a", "x": 1}, [], 0, "valid"),
    ({"path": "/srv/a", "x": 1}, ["--closed"], 1, "/x: the schema has no"),
    ({"path": "/srv/a"}, ["--closed"], 0, "valid"),
    ({"path": "/srv/a", "when": "now"}, [], 0, "valid"),
    ({"path": "/srv/a", "when": "now"}, ["--formats"], 1, "format date"),
    ({"path": "/srv/a", "when": "2026-02-28"}, ["--formats"], 0, "valid"),
)


def run(cwd, *args):
    return subprocess.run([g.BINARY, "schema", "check", *args], cwd=cwd,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=30)


def write(cwd, name, value):
    path = os.path.join(cwd, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(value if isinstance(value, str) else json.dumps(value))


def cases(cwd):
    write(cwd, "s.json", PLAIN)
    for value, options, status, words in CASES:
        write(cwd, "v.json", value)
        r = run(cwd, *options, "s.json", "v.json")
        g.ok(r.returncode == status and words in r.stdout,
             f"{value} {options}: {r.returncode} {r.stdout.strip()}")


def documents(cwd):
    write(cwd, "s.json", SCHEMA)
    write(cwd, "docs/deep/who.json", WHO)
    write(cwd, "v.json", {"path": "/srv/a", "who": "alice"})
    write(cwd, "w.json", {"path": "/srv/a", "who": "eve"})
    r = run(cwd, "s.json", "v.json")
    g.ok(r.returncode == 1 and "nothing is fetched" in r.stderr,
         "a document that was not given is refused")
    r = run(cwd, "--docs", "docs", "s.json", "v.json")
    g.ok(r.returncode == 0, "one that was given is used: " + r.stderr)
    r = run(cwd, "--docs", "docs", "s.json", "v.json", "w.json")
    g.ok(r.returncode == 1 and "v.json: valid" in r.stdout and
         'w.json: /who: must be one of "alice", "bob"' in r.stdout,
         "each file has its verdict, the worst is the exit status")
    r = run(cwd, "--json", "--docs", "docs", "s.json", "v.json", "w.json")
    lines = [json.loads(x) for x in r.stdout.splitlines()]
    g.ok([x["verdict"] for x in lines] == ["valid", "invalid"] and
         lines[1]["faults"][0]["at"] == "/who" and
         lines[1]["faults"][0]["keyword"] == "enum" and
         lines[1]["faults"][0]["schema"] == "http://x.example/who.json#",
         "--json: one object a file")


def bad(cwd):
    write(cwd, "s.json", {"properties": {"a": {"type": "text"}}})
    write(cwd, "v.json", {})
    r = run(cwd, "s.json", "v.json")
    g.ok(r.returncode == 1 and "s.json: #/properties/a/type" in r.stderr,
         "a schema that is none names the place: " + r.stderr.strip())
    write(cwd, "s.json", "{")
    r = run(cwd, "s.json", "v.json")
    g.ok(r.returncode == 1 and "s.json" in r.stderr, "nor is what is no JSON")
    write(cwd, "s.json", {})
    r = run(cwd, "s.json", "none.json")
    g.ok(r.returncode == 4 and "none.json" in r.stderr, "a file is not there")
    write(cwd, "s.json", {"pattern": "(a|b|c|d|e|f)*x$"})
    write(cwd, "v.json", json.dumps("a" * 300))
    write(cwd, "w.json", json.dumps("a" * 300000))
    r = run(cwd, "s.json", "v.json")
    g.ok(r.returncode == 1, "a short text does not match")
    r = run(cwd, "s.json", "w.json")
    g.ok(r.returncode == 4 and "unknown" in r.stdout,
         "a long one takes too many steps: " + r.stdout.strip())


directory = g.directory("schema")
cases(directory)
documents(directory)
bad(directory)
g.done()
