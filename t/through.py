#!/usr/bin/env python3
"""
through: a client of the conformance suite, with Gatehouse in between.  The
suite appends the URL of its own server; this starts Gatehouse before that
URL, runs node/client.mjs against Gatehouse, and ends as the client ends.
"""
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import gatetest as g


def main():
    url = sys.argv[-1]
    # typed: the suite's clients send what its tools do not declare
    gate = g.Gateway({"servers": {"suite": {"url": url,
                                            "arguments": "typed"}}})
    try:
        return subprocess.run(
            [g.node(), os.path.join(g.NODE_DIR, "client.mjs"),
             f"http://127.0.0.1:{gate.port}/s/suite/mcp"],
            timeout=25).returncode
    except subprocess.TimeoutExpired:
        return 124
    finally:
        gate.stop()
        keep = os.environ.get("THROUGH_LOG")
        if keep:
            with open(keep, "a") as f:
                f.write(gate.log())


if __name__ == "__main__":
    sys.exit(main())
