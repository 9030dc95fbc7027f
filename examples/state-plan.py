#!/usr/bin/env python3
"""
state-plan: an agent says what it works on and what it means to do, before it
does it.

    GATEHOUSE_TOKEN=... state-plan.py URL [--input TEXT] [STEP=SERVER___TOOL ...]

URL is the gateway's, as http://127.0.0.1:8642.  The gateway needs plans: true,
and a rule or policy that lets this principal use tool plan of server gatehouse.
Prints the number of the record.  Calls name their step in _meta, as
io.gatehouse/planStep; what is outside of the plan is on record, and policies
see it as context.session.plan.  Exit 0 recorded, 1 refused, 2 misuse,
3 unreachable.
"""
import argparse
import json
import os
import sys
import urllib.error
import urllib.request


def main():
    p = argparse.ArgumentParser(description="states input and plan")
    p.add_argument("url")
    p.add_argument("--input", help="what was asked for")
    p.add_argument("--session", help="Mcp-Session-Id of a legacy session")
    p.add_argument("step", nargs="*", metavar="STEP=SERVER___TOOL")
    a = p.parse_intermixed_args()
    event = {}
    if a.input is not None:
        event["input"] = a.input
    if a.step:
        event["plan"] = [dict(zip(("step", "tool"), s.split("=", 1)))
                         for s in a.step]
    if not event:
        p.error("nothing is stated")
    headers = {"Content-Type": "application/json"}
    if "GATEHOUSE_TOKEN" in os.environ:
        headers["Authorization"] = "Bearer " + os.environ["GATEHOUSE_TOKEN"]
    if a.session:
        headers["Mcp-Session-Id"] = a.session
    request = urllib.request.Request(a.url.rstrip("/") + "/v1/events",
                                     json.dumps(event).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            said = json.load(answer)
    except urllib.error.HTTPError as e:
        print(f"refused: {e.code} {e.read().decode(errors='replace')}",
              file=sys.stderr)
        return 1
    except OSError as e:
        print(f"unreachable: {e}", file=sys.stderr)
        return 3
    print(f"cell {said['cell']}, record {said['record']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
