#!/usr/bin/env python3
"""
conform: the official conformance suite, directly against our fixture and then
through Gatehouse with policy on, compared check by check.

    t/conform.py [--direct] [--leg LEG] [--keep DIR] [--corpora DIR]

Server side: the fixture behind Gatehouse, reached over HTTP and over stdio.
Client side: the suite's own servers, with Gatehouse before them.  A scenario
passes when it passes directly, and no check that succeeds directly does worse
through Gatehouse.  Ends "N passed, N failed".
"""
import argparse
import glob
import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import gatetest as g

REVISIONS = ("2025-11-25", "2026-07-28")
SUITE = os.path.join(g.NODE_DIR, "node_modules", "@modelcontextprotocol",
                     "conformance")
CLIENT = {  # what our client does, of the client scenarios that need no OAuth
    "2025-11-25": ("initialize", "tools_call", "sse-retry",
                   "elicitation-sep1034-client-defaults",
                   "json-schema-2020-12-preservation"),
    "2026-07-28": ("tools_call", "request-metadata",
                   "sep-2322-client-request-state", "http-standard-headers",
                   "http-custom-headers", "http-invalid-tool-headers",
                   "json-schema-ref-no-deref",
                   "json-schema-2020-12-preservation"),
}
TASK_CHECKS = 8  # of t/node/tasks.mjs
# What a leg cannot show, and why; anything else that differs is a failure.
CANNOT = {
    ("stdio", "server-sse-polling", "server-sse-disconnect-resume"):
        "a stdio server has no stream to close in the middle of a call",
}
RANK = {"SUCCESS": 0, "INFO": 1, "SKIPPED": 1, "WARNING": 2, "FAILURE": 3}
# The corpora that this version checks: folder, command.
CORPORA = (("json", ["json", "check"]),)


def required(revision, side):
    """The scenarios that conformance to a revision needs."""
    names, here = [], False
    with open(os.path.join(SUITE, "requirements", revision + ".yaml")) as f:
        for line in f:
            line = line.split("#")[0].rstrip()
            if re.match(r"\S", line):
                here = line == side + ":"
            elif here and re.match(r"\s+-\s+\S", line):
                names.append(line.split("-", 1)[1].strip())
    return names


def suite(*args, env=None, timeout=300):
    return subprocess.run(
        [g.node(), os.path.join(SUITE, "dist", "index.js"), *args],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env=dict(os.environ, **(env or {})), timeout=timeout)


def results(out):
    """{scenario: {(check, name, n): (status, message)}} of one run."""
    found = {}
    for path in sorted(glob.glob(os.path.join(out, "*", "checks.json"))):
        scenario = os.path.basename(os.path.dirname(path))
        scenario = re.sub(r"-\d{4}-\d\d-\d\dT[\d-]+Z$", "", scenario)
        scenario = re.sub(r"^(server|client)-(?=.)", "", scenario, 1) \
            if scenario.startswith("server-") else scenario
        checks = found.setdefault(scenario, {})
        with open(path) as f:
            for c in json.load(f):
                if c["status"] == "INFO":
                    continue
                n = 0
                while (c["id"], c["name"], n) in checks:
                    n += 1
                checks[c["id"], c["name"], n] = (
                    c["status"], c.get("errorMessage") or "")
    return found


class Report:
    def __init__(self):
        self.passed = self.failed = 0

    def line(self, good, leg, revision, scenario, detail=()):
        self.passed += good
        self.failed += not good
        if not good:
            print(f"not ok  {revision} {leg:12} {scenario}")
            for d in detail:
                print(f"          {d[:300]}")

    def direct(self, leg, revision, scenario, checks):
        bad = [f"{k[0]}: {s}: {m}" for k, (s, m) in checks.items()
               if s == "FAILURE"]
        good = bool(checks) and not bad
        self.line(good, leg, revision, scenario,
                  bad or ["no check was recorded"])
        return good

    def compare(self, leg, revision, scenario, direct, through):
        worse = []
        for k, (status, _) in direct.items():
            got, message = through.get(k, ("(absent)", ""))
            if RANK.get(got, 3) <= RANK[status] or \
                    (leg.split("-")[-1], scenario, k[0]) in CANNOT:
                continue
            worse.append(f"{k[0]} {k[1]}: {status} -> {got}: {message}")
        for k, (status, message) in through.items():
            if k not in direct and status == "FAILURE":
                worse.append(f"{k[0]} {k[1]}: new FAILURE: {message}")
        self.line(not worse, leg, revision, scenario, worse)
        return not worse


def table_row(leg, revision, good, of, checks, note=""):
    print(f"{revision}  {leg:12} {good:3}/{of:<3} required   "
          f"{checks:4} checks {note}", flush=True)


def server_run(url, revision, out):
    r = suite("server", "--url", url, "--requirements", revision, "-o", out,
              "--timeout", "20000")
    with open(os.path.join(out, "log"), "w") as f:
        f.write(r.stdout)
    return results(out)


def passes(checks):
    """What the suite calls a pass."""
    return bool(checks) and all(s != "FAILURE" for s, _ in checks.values())


def scored(checks):
    return {k: v for k, v in checks.items() if not k.startswith("tasks-")}


def server_side(report, keep, legs):
    fixture = os.path.join(g.NODE_DIR, "fixture.mjs")
    port = g.free_port()
    f = g.start([g.node(), fixture, "--http", str(port)],
                stderr=subprocess.DEVNULL)
    g.until(lambda: g.listening(port))
    url = f"http://127.0.0.1:{port}/mcp"
    direct = {}
    for revision in REVISIONS:
        out = os.path.join(keep, f"server-direct-{revision}")
        os.makedirs(out)
        direct[revision] = scored(server_run(url, revision, out))
        need = required(revision, "server")
        good = sum(report.direct("direct", revision, s,
                                 direct[revision].get(s, {})) for s in need)
        table_row("direct", revision, good, len(need),
                  sum(map(len, direct[revision].values())))
    upstream = {"http": {"url": url},
                "stdio": {"command": [g.node(), fixture, "--stdio"],
                          "cwd": g.NODE_DIR,
                          "sandbox": {"read": [*g.SYSTEM, g.TOP]}}}
    for leg in legs:
        for revision in REVISIONS:
            through_one(report, keep, leg, revision, upstream[leg],
                        direct[revision])
    g.stop(f)


def through_one(report, keep, leg, revision, server, direct):
    need = required(revision, "server")
    out = os.path.join(keep, f"server-{leg}-{revision}")
    os.makedirs(out)
    try:
        # A page of this machine may call, as the suite wants to see.
        port = g.free_port()
        gate = g.Gateway({"servers": {"fixture": server},
                          "rules": rules("fixture"),
                          "listen": f"127.0.0.1:{port}", "origins": [
                              f"http://{h}:{port}" for h in
                              ("127.0.0.1", "localhost")]})
        got = server_run(f"http://127.0.0.1:{gate.port}/s/fixture/mcp",
                         revision, out)
        gate.stop()
        shutil.copy(gate.log_path, os.path.join(out, "gatehouse.log"))
    except RuntimeError as e:
        print(f"# {e}")
        got = {}
    same = sum(report.compare("via-" + leg, revision, s, direct[s],
                              got.get(s, {})) for s in sorted(direct))
    good = sum(passes(got.get(s, {})) for s in need)
    table_row("via-" + leg, revision, good, len(need),
              sum(map(len, got.values())),
              f"  {len(direct) - same} scenarios differ from direct")


def rules(server):
    """Policy on: what the suite needs is allowed by name, nothing else."""
    return [
        {"deny": {"server": server, "method": "tools/call",
                  "name": "never_*"}, "id": "never"},
        {"allow": {"principal": "local", "server": server},
         "id": "suite", "reason": "the conformance suite"},
    ]


def client_side(report, keep, legs):
    direct_cmd = f"{g.node()} {os.path.join(g.NODE_DIR, 'client.mjs')}"
    through_cmd = f"{sys.executable} {os.path.join(g.TOP, 't/through.py')}"
    for revision in REVISIONS:
        runs = {}
        for leg, cmd in (("direct", direct_cmd), ("via", through_cmd)):
            if leg == "via" and not legs:
                continue
            runs[leg] = {}
            for s in CLIENT[revision]:
                out = os.path.join(keep, f"client-{leg}-{revision}-{s}")
                os.makedirs(out)
                r = suite("client", "--command", cmd, "--scenario", s,
                          "--spec-version", revision, "-o", out,
                          env={"THROUGH_LOG": os.path.join(out, "gate.log")})
                with open(os.path.join(out, "log"), "w") as f:
                    f.write(r.stdout)
                runs[leg][s] = results(out).get(s, {})
        client_table(report, revision, runs)


def client_table(report, revision, runs):
    names = CLIENT[revision]
    good = sum(report.direct("client", revision, s, runs["direct"][s])
               for s in names)
    table_row("client", revision, good, len(names),
              sum(map(len, runs["direct"].values())))
    if "via" in runs:
        same = sum(report.compare("client-via", revision, s,
                                  runs["direct"][s], runs["via"][s])
                   for s in names)
        good = sum(passes(runs["via"][s]) for s in names)
        table_row("client-via", revision, good, len(names),
                  sum(map(len, runs["via"].values())),
                  f"  {len(names) - same} scenarios differ from direct")


def tasks_side(report, legs):
    """An SDK agent and a real server follow each other's tasks."""
    everything = os.path.join(
        g.NODE_DIR, "node_modules/@modelcontextprotocol/server-everything",
        "dist/index.js")
    upstream, started = {}, []
    for leg, mode, path in (("http", "streamableHttp", "mcp"),
                            ("sse", "sse", "sse")):
        port = g.free_port()
        started.append(g.start([g.node(), everything, mode],
                               env=dict(os.environ, PORT=str(port)),
                               stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL))
        g.until(lambda: g.listening(port))
        upstream[leg] = {"url": f"http://127.0.0.1:{port}/{path}"}
    upstream["stdio"] = {"command": [g.node(), everything, "stdio"],
                         "cwd": g.NODE_DIR,
                         "sandbox": {"read": [*g.SYSTEM, g.TOP]}}
    for leg in [*legs, *(["sse"] if "http" in legs else [])]:
        gate = g.Gateway({"servers": {"everything": upstream[leg]}})
        for path, prefix in (("/s/everything/mcp", ""),
                             ("/mcp", "everything___")):
            r = subprocess.run(
                [g.node(), os.path.join(g.NODE_DIR, "tasks.mjs"),
                 f"http://127.0.0.1:{gate.port}{path}", prefix],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                timeout=120)
            rows = r.stdout.splitlines()
            bad = [x for x in rows if not x.startswith("ok ")]
            good = r.returncode == 0 and len(rows) == TASK_CHECKS and not bad
            report.line(good, leg, "2025-11-25", f"tasks at {path}",
                        bad or [r.stdout[-300:]])
            table_row("via-" + leg, "2025-11-25",
                      sum(x.startswith("ok ") for x in rows), TASK_CHECKS,
                      len(rows), f"  tasks at {path}")
        gate.stop()
    for f in started:
        g.stop(f)


def corpora(report, top):
    for folder, command in CORPORA:
        path = os.path.join(top, folder)
        if not os.path.isdir(path):
            print(f"skipped: {path} is not there")
            continue
        r = subprocess.run([g.BINARY, *command, path], text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        print(r.stdout, end="")
        m = re.findall(r"^(\d+) passed, (\d+) failed", r.stdout, re.M)
        report.passed += int(m[-1][0]) if m else 0
        report.failed += int(m[-1][1]) if m else 1
        if m and r.returncode != 0 and m[-1][1] == "0":
            report.failed += 1


def cedar(*args, text=None):
    r = subprocess.run([g.BINARY, "cedar", *args], input=text, text=True,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return r.stdout if r.returncode == 0 else f"failed: {r.stderr}"


def cedar_texts(top):
    """Every policy text of the corpus, by name."""
    with gzip.open(os.path.join(top, "cedar-corpus.given.jsonl.gz")) as f:
        for line in f:
            test = json.loads(line)
            yield test["id"], test["policies"]
    for path in sorted(glob.glob(os.path.join(top, "*", "*", "*.cedar"))):
        with open(path, encoding="utf-8") as f:
            yield path, f.read()


def cedar_forms(report, top):
    """All of the corpus's policies, printed and through JSON, stay the same.
    Texts are joined by the hundred; one with a template goes alone, as JSON
    keeps templates apart and so changes the order."""
    top = os.path.join(top, "cedar")
    if not os.path.isdir(top):
        print(f"skipped: {top} is not there")
        return
    alone, joined, n = [], [], 0
    for name, text in cedar_texts(top):
        n += 1
        if re.search(r"[?](principal|resource)", text):
            alone.append((name, text))
        elif n % 100 == 1 or not joined:
            joined.append((name, text))
        else:
            joined[-1] = (joined[-1][0] + " and on",
                          joined[-1][1] + "\n" + text)
    for name, text in joined + alone:
        as_json = cedar("to-json", text=text)
        laid = cedar("format", text=text)
        good = (as_json.startswith("{") and
                cedar("to-json", text=laid) == as_json and
                cedar("format", text=laid) == laid and
                cedar("to-json", text=cedar("from-json", text=as_json))
                == as_json)
        report.passed += good
        report.failed += not good
        if not good:
            print(f"FAILED: cedar forms: {name}: {as_json[:200]}")
    print(f"cedar forms: {n} texts in {len(joined + alone)} runs")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--direct", action="store_true",
                   help="only the fixture and the client, without Gatehouse")
    p.add_argument("--leg", choices=("http", "stdio"), action="append")
    p.add_argument("--only", choices=("server", "client", "tasks", "corpora"))
    p.add_argument("--keep", help="keep the suite's results here")
    p.add_argument("--corpora", help="folder of corpora to run over too")
    a = p.parse_args()
    keep = a.keep or tempfile.mkdtemp(prefix="gatehouse-conform-")
    os.makedirs(keep, exist_ok=True)
    legs = [] if a.direct else (a.leg or ["http", "stdio"])
    report = Report()
    if a.only in (None, "server"):
        server_side(report, keep, legs)
    if a.only in (None, "client"):
        client_side(report, keep, legs)
    if a.only in (None, "tasks"):
        tasks_side(report, legs)
    if a.corpora and a.only in (None, "corpora"):
        corpora(report, a.corpora)
        cedar_forms(report, a.corpora)
    for (leg, s, check), why in CANNOT.items():
        print(f"note: over {leg}, {s}/{check} is not compared: {why}")
    if not a.keep:
        shutil.rmtree(keep, ignore_errors=True)
    print(f"{report.passed} passed, {report.failed} failed")
    return 1 if report.failed or not report.passed else 0


if __name__ == "__main__":
    sys.exit(main())
