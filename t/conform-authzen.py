#!/usr/bin/env python3
"""AuthZEN answers against the published schemas: what the decision point says to
the requests of the certification scenario and to others is validated by another
program.  The requests that the schema refuses must be refused (400) and the
others not.  Prints each difference, and last "N passed, N failed"."""
import argparse
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import authzen
import fakes
import gatetest as g

# Besides those of the scenario: every member in its type and in others.
MORE = [authzen.call("alice", "records/read", {"id": "record-1"}),
        authzen.call("alice", "records/none"),
        authzen.call("eve", "records/read"),
        authzen.call("alice", "records/write", {"n": 0.00001})]
PARTS = (("subject", "type"), ("subject", "id"), ("subject", "properties"),
         ("action", "name"), ("action", "properties"), ("resource", "type"),
         ("resource", "id"), ("resource", "properties"))


def requests():
    found = [authzen.translated(r, {}) for _, r, _ in authzen.ONE] + MORE
    found += [authzen.translated(r, {}) if isinstance(r["subject"], dict) and
              isinstance(r["action"].get("name", ""), str) else r
              for _, rows in authzen.BAD for r in rows
              if "subject" in r and "action" in r]
    for value in (None, 1, "x", [], {}, True):
        for part, key in PARTS:
            r = json.loads(json.dumps(MORE[0]))
            r[part][key] = value
            found.append(r)
        for part in ("subject", "action", "resource", "context"):
            found.append(dict(MORE[0], **{part: value}))
    return found


def validated(schema, values):
    p = subprocess.run([g.node(), os.path.join(g.NODE_DIR, "schema.mjs"),
                        schema], text=True, timeout=60, check=True,
                       input="".join(json.dumps(v) + "\n" for v in values),
                       capture_output=True)
    return p.stdout.splitlines()


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--corpora", required=True)
    root = os.path.join(ap.parse_args().corpora, "authzen", "api", "schemas")
    if not os.path.isdir(root):
        print(f"skipped: AuthZEN schemas, there is no {root}")
        return 0
    where = g.directory("conform")
    with open(os.path.join(where, "p.cedar"), "w") as f:
        f.write(authzen.POLICY + '@id("eyes") @requestable("two") forbid ('
                'principal == Gatehouse::Agent::"bob", action, resource);')
    fakes.TOOLS.extend(authzen.TOOLS)
    up = fakes.HttpUpstream("modern")
    gate = g.Gateway({"servers": {"records": {"url": up.url}},
                      "rules": [], "policies": ["p.cedar"], "principals": {
                          n: {"token_sha256": g.token_hash(n),
                              "evaluates": n == "pep"}
                          for n in ("alice", "bob", "pep")}}, where=where)
    pdp = authzen.Pdp(gate.desk, "pep")
    asked = requests()
    says = validated(os.path.join(root, "evaluation-request.schema.json"),
                     asked)
    told = [pdp.one(r) for r in asked]
    passed, failed, answers = 0, [], []
    for r, word, (status, _, a) in zip(asked, says, told):
        if status == (200 if word == "ok" else 400):
            passed += 1
        else:
            failed.append((r, word, status, a))
        if status == 200:
            answers.append(a)
    many = pdp.many({"evaluations": [r for r in asked
                                     if isinstance(r, dict)][:100]})[2]
    answers += many["evaluations"]
    for a, word in zip(answers, validated(os.path.join(
            root, "evaluation-response.schema.json"), answers)):
        if word == "ok":
            passed += 1
        else:
            failed.append((a, word))
    gate.stop()
    for f in failed:
        print(f)
    print(f"{passed} passed, {len(failed)} failed")
    return failed != []


if __name__ == "__main__":
    sys.exit(main())
