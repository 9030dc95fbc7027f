#!/usr/bin/env python3
"""Evidence against what others published: CoSAI's sample record, every text and
number of it changed; the RFC-189 cases, with the records that they name where
the package agent-evidence-vectors is (tool/need pypi); that package's own
records; and our table of the 34 ids against CoSAI's.  A part that is not there
is skipped by name.  The last line is "N passed, N failed"."""
import argparse
import copy
import glob
import json
import os
import subprocess
import sys
import tempfile

import effects

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VECTORS = os.path.join(TOP, "build", "pypi", "agent_evidence_vectors",
                       "corpora", "vectors-observed-effect")
SIGNER = "ZWYVWADXLAO_DoNBRjB0mr5lMVXEmBwHzKYUpInqq6M"


class Count:
    def __init__(self, program, directory):
        self.program, self.directory = program, directory
        self.passed = self.failed = 0

    def judge(self, name, good, why=""):
        self.passed += bool(good)
        self.failed += not good
        if not good:
            print(f"FAIL {name}: {why}")

    def run(self, *args):
        p = subprocess.run([self.program, "verify", *args], timeout=60,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        return p.returncode, json.loads(p.stdout) if p.stdout else \
            {"why": p.stderr.decode()}

    def put(self, data):
        path = os.path.join(self.directory, "f")
        with open(path, "wb") as f:
            f.write(data)
        return path


def load(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def leaves(value, way=()):
    if isinstance(value, (dict, list)):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for k, v in items:
            yield from leaves(v, (*way, k))
    else:
        yield way


def other(value):
    if isinstance(value, bool) or value is None:
        return not value
    return value + "x" if isinstance(value, str) else value + 1


def sample(count, path):
    code, got = count.run("evidence", "--json", "--signer", SIGNER, path)
    count.judge(path, code == 0 and got["entries"] == 3 and got["pinned"], got)
    record = load(path)
    # what the sample says of itself outside entries and checkpoint is no part
    # of either: nothing covers it
    for way in leaves(record):
        if way[0] not in ("entries", "sequence") or \
                way[:2] in (("sequence", "hash"), ("sequence", "chain")) or \
                way[-2:] == ("signer", "note"):
            continue
        changed = copy.deepcopy(record)
        at = changed
        for step in way[:-1]:
            at = at[step]
        at[way[-1]] = other(at[way[-1]])
        code, got = count.run("evidence", "--json", "--signer", SIGNER,
                              count.put(json.dumps(changed).encode()))
        want = way[1] if way[0] == "entries" else 3
        count.judge("/".join(map(str, way)),
                    code == 1 and got["first_bad"] == want, got)


def answer(got):
    return {k: got[k] for k in ("verdict", "outcome", "unmet_obligation",
                                "processing_failure", "codes") if k in got}


def cases(count, path):
    if not os.path.exists(VECTORS):
        print("skipped: the records that the RFC-189 cases name, without the "
              "package agent-evidence-vectors")
        return
    for name in sorted(glob.glob(f"{path}/*.json")):
        case = load(name)
        given = case["checker_input"]
        vector = given["evidence"]["observed_effect"]["vector"]
        # the expectation is not given to the program
        _, got = count.run(
            "observed-effect", "--json", "--record",
            f"{VECTORS}/statements/{vector}.json",
            count.put(json.dumps({"checker_input": given}).encode()))
        count.judge(case["id"], answer(got) == case["expected"], got)


def table(count, path):
    """Do we expect of each id what CoSAI does?  (nine rows there are inferred)"""
    ours = {"RFC189-" + row[0]: row[3:] for row in effects.OE + effects.IND}
    theirs = {}
    for row in load(path)["cases"]:
        theirs[row["id"]] = (
            row.get("verdict") or row.get("outcome")
            or row["processing_failure"],
            row.get("unmet_obligation") or (row.get("codes") or [None])[0])
    count.judge("the ids", set(ours) == set(theirs), set(ours) ^ set(theirs))
    for name, want in theirs.items():
        count.judge(f"table {name}", ours.get(name) == want, ours.get(name))


def vectors(count, path):
    manifest = load(f"{path}/MANIFEST.json")
    key = manifest["keys"]["observer"]["publicKey"]
    blob = os.path.join(count.directory, "blob")
    with open(blob, "w", encoding="utf-8") as f:
        f.write(next(iter(manifest["blobs"].values())))
    for v in manifest["vectors"]:
        _, got = count.run("observed-effect", "--json", "--key", key, "--blob",
                           blob, f"{path}/{v['file']}")
        if "readings" in v:
            good = got["admission"] in [r["verdict"] for r in v["readings"]]
        else:
            good = got["admission"] == v["expected"]["verdict"] and \
                got.get("codes", []) == v["expected"]["codes"]
        count.judge(v["slug"], good, got)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--corpora", required=True)
    ap.add_argument("--gatehouse",
                    default=os.environ.get("GATEHOUSE", "build/gatehouse"))
    a = ap.parse_args()
    cosai = os.path.join(a.corpora, "cosai")
    effect = os.path.join(cosai, "RFC-189", "observed-effect")
    with tempfile.TemporaryDirectory() as directory:
        count = Count(a.gatehouse, directory)
        for part, path in (
                (sample, os.path.join(cosai, "containment_evidence",
                                      "evidence-record-software-only.json")),
                (cases, os.path.join(effect, "cases")),
                (table, os.path.join(effect, "expected-all-34.json")),
                (vectors, VECTORS)):
            if os.path.exists(path):
                part(count, path)
            else:
                print(f"skipped: {path} is not there")
        print(f"{count.passed} passed, {count.failed} failed")
    return count.failed != 0


if __name__ == "__main__":
    sys.exit(main())
