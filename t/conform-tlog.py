#!/usr/bin/env python3
"""Transparency logs against published data: every Merkle vector, and Tessera's
test log under each of its checkpoints.  A part that is not there is skipped by
name.  The last line is "N passed, N failed"."""
import argparse
import glob
import os
import subprocess
import sys

VKEY = ("example.com/log/testdata+33d7b496+"
        "AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx")


class Count:
    def __init__(self, program):
        self.program, self.passed, self.failed = program, 0, 0

    def run(self, *args):
        return subprocess.run([self.program, *args], timeout=60, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def judge(self, name, good, why=""):
        self.passed += bool(good)
        self.failed += not good
        if not good:
            print(f"FAIL {name}: {why}")


def merkle(count, path):
    got = count.run("ledger", "vectors", path)
    words = got.stdout.splitlines()[-1].split()
    count.passed += int(words[0])
    count.failed += int(words[2])
    if got.returncode:
        print(got.stdout)


def tessera(count, log):
    for path in [f"{log}/checkpoint", *sorted(glob.glob(f"{log}/checkpoint.*"))]:
        got = count.run("ledger", "fsck", "--vkey", VKEY, "--checkpoint", path,
                        log)
        with open(path, encoding="utf-8") as f:
            size = f.read().split("\n")[1]
        count.judge(path, got.returncode == 0 and
                    got.stdout.splitlines()[-1].startswith(
                        f"valid: {size} entries"), got.stdout)


PARTS = (("merkle", merkle), ("tlog/tessera-testdata/log", tessera))


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--corpora", required=True)
    ap.add_argument("--gatehouse",
                    default=os.environ.get("GATEHOUSE", "build/gatehouse"))
    a = ap.parse_args()
    count = Count(a.gatehouse)
    for name, part in PARTS:
        path = os.path.join(a.corpora, name)
        if os.path.exists(path):
            part(count, path)
        else:
            print(f"skipped: {name}, not in {a.corpora}")
    print(f"{count.passed} passed, {count.failed} failed")
    return count.failed != 0


if __name__ == "__main__":
    sys.exit(main())
