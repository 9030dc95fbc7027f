#!/usr/bin/env python3
"""Go's sumdb/note and sumdb/tlog, a cosignature verifier and Tessera's fsck (t/go,
pinned by its go.sum) against logs that we write; and a note of Go's against us.
Without go, or where its modules cannot be had, it is skipped by name.  The last
line is "N passed, N failed"."""
import argparse
import os
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "t"))
import gatetest as g  # noqa: E402

WRITE = os.path.join(TOP, "build", "bench", "bench-tlog")
SIZES = (1, 2, 3, 255, 256, 257, 700, 1000, 65536, 70000)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--gatehouse",
                    default=os.environ.get("GATEHOUSE", "build/gatehouse"))
    a = ap.parse_args()
    client = os.path.join(TOP, "build", "interop-go")
    why = g.go_build("go", client)
    if why:
        print(f"skipped: clients in Go: {why}")
        return 0
    passed = failed = 0
    for size in SIZES:
        with tempfile.TemporaryDirectory() as log:
            subprocess.run([WRITE, "--write", log, str(size)], check=True)
            got = subprocess.run([client, log], stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True)
            lines = got.stdout.splitlines() or ["0 passed, 1 failed"]
            words = lines[-1].split()
            passed += int(words[0])
            failed += int(words[2])
            if got.returncode:
                print(f"log of {size} entries:", *lines[:-1], got.stderr[-400:],
                      sep="\n")
                continue
            with open(f"{log}/vkey.go", encoding="utf-8") as f:
                key = f.read()
            ours = subprocess.run(
                [a.gatehouse, "ledger", "fsck", "--vkey", key, "--checkpoint",
                 f"{log}/checkpoint.go", log], stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True)
            passed += ours.returncode == 0
            failed += ours.returncode != 0
            if ours.returncode:
                print(f"FAIL Go's note of {size} entries: {ours.stdout}")
    print(f"{passed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
