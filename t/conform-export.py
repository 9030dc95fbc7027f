#!/usr/bin/env python3
"""Exports judged by others' words: each OCSF event against the schema's own
files, each OTLP line through OpenTelemetry's transformer.  A record of every
kind that the ledger's format page names, bare and full, and a real run.  The
validator itself must refuse events that are wrong.  A part that is not there is
skipped by name.  The last line is "N passed, N failed"."""
import argparse
import copy
import json
import os
import subprocess
import sys

import exports
import fakes
import gatetest as g
import ocsf


class Count:
    passed = failed = 0

    def judge(self, name, good, why=""):
        self.passed += bool(good)
        self.failed += not good
        if not good:
            print(f"FAIL {name}: {why}")


def export(form, state):
    p = subprocess.run([g.BINARY, "ledger", "export", "--format", form, state],
                       stdout=subprocess.PIPE, timeout=60, check=True)
    return p.stdout.decode().splitlines()


def real_run():
    """The state directory of a gateway that saw a little of everything."""
    up = fakes.HttpUpstream("modern")
    gate = g.Gateway({"servers": {"up": {"url": up.url, "era": "modern"}},
                      "rules": [{"deny": {"name": "slow"}, "id": "no-slow"},
                                {"allow": {}, "id": "everything"}],
                      "budgets": {"day": {"calls": 50, "per": "principal",
                                          "window": "1h"}}},
                     agents={"robot": "tok-robot-1234567890"})
    agent = gate.agent(token="tok-robot-1234567890")
    agent.modern("tools/list")
    for tool in ("up___echo", "up___slow", "up___task", "up___nothing"):
        agent.call(tool)
    gate.agent(token="nobody").call("up___echo")
    gate.agent(token="tok-robot-1234567890").http(body=b"{")
    gate.stop()
    return gate.state


def events(count, schema, name, state):
    seen = {}
    for line in export("ocsf", state):
        event = json.loads(line)
        wrong = schema.validate(event)
        kind = event["metadata"].get("event_code", "")
        count.judge(f"{name}, {kind}", not wrong, wrong[:3])
        seen.setdefault(kind, event)
    return seen


WRONG = [  # to what a good event is changed, and the word of the complaint
    (lambda e: e.pop("time"), "time is required"),
    (lambda e: e["api"].pop("operation"), "api.operation is required"),
    (lambda e: e.update(src_endpoint={}), "at_least_one"),
    (lambda e: e.update(severity_id=7), "not among"),
    (lambda e: e.update(severity="High"), "not Informational"),
    (lambda e: e.update(type_uid=600301), "type_uid"),
    (lambda e: e.update(category_uid=3), "category_uid"),
    (lambda e: e.update(time="now"), "no integer"),
    (lambda e: e.update(colour="red"), "no attribute"),
    (lambda e: e["metadata"].update(profiles=[]), "no attribute"),
    (lambda e: e["actor"].update(app_name=7), "no text"),
    (lambda e: e.pop("activity_name"), "must say what 99 is"),
    (lambda e: e.update(resources={}), "no array"),
]


def validator(count, schema, good):
    count.judge("the validator accepts", not schema.validate(good),
                schema.validate(good))
    for change, word in WRONG:
        event = copy.deepcopy(good)
        change(event)
        wrong = schema.validate(event)
        count.judge(f"the validator says \"{word}\"",
                    any(word in w for w in wrong), wrong)


def otlp(count, name, state):
    module = os.path.join(g.NODE_DIR, "node_modules", "@opentelemetry")
    if not os.path.exists(module):
        print(f"skipped: OTLP, there is no {module} (tool/need node)")
        return
    lines = export("otlp-json", state)
    given = lines + [lines[0].replace('"severityNumber"', '"severityNumbr"'),
                     lines[0].replace('"timeUnixNano":"', '"timeUnixNano":"x')]
    p = subprocess.run([g.node(), os.path.join(g.NODE_DIR, "otlp.mjs")],
                       input="\n".join(given) + "\n", text=True, timeout=120,
                       stdout=subprocess.PIPE, check=True)
    got = p.stdout.splitlines()
    for n, answer in enumerate(got[:-2]):
        count.judge(f"{name}, OTLP line {n}", answer == "same", answer[:300])
    count.judge("the transformer is given each line",
                len(got) == len(given), len(got))
    for answer in got[-2:]:
        count.judge("and says what is wrong", answer != "same", answer[:300])


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--corpora", required=True)
    a = ap.parse_args()
    count = Count()
    made = g.directory("exports")
    exports.make(made)
    states = [("made", made), ("run", real_run())]
    directory = os.path.join(a.corpora, "ocsf")
    if os.path.exists(directory):
        schema = ocsf.Schema(directory)
        seen = {}
        for name, state in states:
            seen.update(events(count, schema, name, state))
        for kind in exports.kinds():
            count.judge(f"kind {kind} is exported", kind in seen)
        allowed = next(json.loads(x) for x in export("ocsf", made)
                       if '"action":"Allowed"' in x)
        validator(count, schema, allowed)
    else:
        print(f"skipped: OCSF, there is no {directory}")
    for name, state in states:
        otlp(count, name, state)
    print(f"{count.passed} passed, {count.failed} failed")
    return count.failed != 0


if __name__ == "__main__":
    sys.exit(main())
