#!/usr/bin/env python3
"""Cedar schemas against published files: the JSON form of each schema of the
corpus, and the schemas that other tools make from the same lists of tools.
Prints each difference, and last "N passed, N failed"."""
import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile

GOLDEN = [  # tools, expected, options
    ("tool", "tool_default", []),
    ("tool", "tool_encode_numbers_as_decimal", ["--numbers-as-decimal"]),
    ("tool", "tool_flattened_namespace", ["--flatten-namespaces"]),
    ("tool", "tool_include_outputs", ["--include-outputs"]),
    ("tool", "tool_keep_annotations", ["--keep-annotations"]),
    ("tool", "tool_objects_as_records", ["--objects-as-records"]),
    ("tool_mixed_array", "tool_mixed_array", []),
    ("tool_nullable_objects", "tool_nullable_objects", []),
    ("tool_tuple", "tool_tuple", []),
]


class Count:
    def __init__(self, program):
        self.program, self.passed, self.failed = program, 0, 0

    def run(self, *args):
        return subprocess.run([self.program, "cedar", *args], timeout=60,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def judge(self, name, good, why=""):
        if good:
            self.passed += 1
        else:
            self.failed += 1
            print(f"{name}: {why}")


def tools(count, root):
    folder = os.path.join(root, "mcp-schema-simple")
    stub = os.path.join(root, "stub.cedarschema")
    for source, wanted, options in GOLDEN:
        args = ["mcp-schema", "--stub", stub, *options,
                os.path.join(folder, source + ".json")]
        expected = os.path.join(folder, wanted + ".cedarschema")
        got = count.run(*args)
        with open(expected, "rb") as f:
            count.judge(wanted, got.stdout.split() == f.read().split(),
                        got.stderr.decode() or "other text")
        if os.path.exists(expected + ".json"):
            got = count.run(*args[:1], "--json", *args[1:])
            with open(expected + ".json", "rb") as f:
                same = got.returncode == 0 and \
                    json.loads(got.stdout) == json.load(f)
            count.judge(wanted + ".json", same, "other JSON")


def schemas(count, path):
    with gzip.open(path, "rt") as lines, tempfile.NamedTemporaryFile() as f:
        for line in lines:
            test = json.loads(line)
            if "schema_json" not in test:
                continue
            f.seek(0)
            f.truncate()
            f.write(test["schema"].encode())
            f.flush()
            got = count.run("schema-to-json", f.name)
            count.judge(test["id"], got.returncode == 0 and
                        json.loads(got.stdout) ==
                        json.loads(test["schema_json"]),
                        got.stderr.decode() or "other JSON")


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--corpora", required=True)
    ap.add_argument("--gatehouse",
                    default=os.environ.get("GATEHOUSE", "build/gatehouse"))
    a = ap.parse_args()
    root = os.path.join(a.corpora, "cedar")
    corpus = os.path.join(root, "cedar-corpus.given.jsonl.gz")
    if not os.path.exists(corpus):
        print(f"skipped: Cedar schemas, there is no {corpus}")
        return 0
    count = Count(a.gatehouse)
    tools(count, root)
    schemas(count, corpus)
    print(f"{count.passed} passed, {count.failed} failed")
    return count.failed != 0


if __name__ == "__main__":
    sys.exit(main())
