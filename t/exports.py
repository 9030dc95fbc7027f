"""
exports: a ledger with a record of every kind, for the tests of what is exported
from it.  make(DIR) writes it as a state directory with a key; KINDS are the
kinds that the ledger's format page names, read from there.
"""
import os
import re
import subprocess

import gatetest as g
import writeledger

FORMAT = os.path.join(g.TOP, "doc", "formats", "ledger.md")


def kinds():
    """What the table "What the judge says" names, and one that nobody knows."""
    with open(FORMAT, encoding="utf-8") as f:
        table = f.read().split("What the judge says")[1].split("\n\n")[1]
    found = []
    for line in table.split("\n")[2:]:
        found += re.findall(r"`(\w+)`", line.split("|")[1])
    assert "decision" in found and len(found) > 10, found
    return found + ["never-heard-of"]


D1, D2, D3 = (f"{n:064x}" for n in (1, 2, 3))
WHO = {"principal": "robot", "server": "files", "method": "tools/call",
       "name": "read", "session": "s1"}


def decision(verdict, **more):
    return dict({"kind": "decision", "boundary": 2, "identity": 3,
                 "policy": D2, "params": {"_sd": ["A" * 43]},
                 "catalogue": D1, "rule": "r1", "reason": "because",
                 "endpoint": "/mcp", "era": "modern", "session_seq": 1,
                 "verdict": verdict, "budget": "absent", **WHO}, **more)


def records():
    """The known ones with what they really have; then each kind as little and
    as much as may be."""
    out = [
        {"kind": "start", "config": D1, "covers": "params",
         "canonicalization": "RFC 8785", "digests": "SHA-256",
         "program": "gatehouse 0.1.0", "runtime": {"not_available": "none"}},
        {"kind": "boundary", "boundary": D1, "start": 1, "statement": {
            "allow_fallback": "absent", "covered": [], "excluded": ["x"]}},
        {"kind": "identity", "principal": "robot", "chain": [
            {"name": "ann", "provenance": "connection-credential",
             "verified": True},
            {"name": "carl", "provenance": "unsigned-request-claim",
             "verified": False}],
         "actor": {"id": "robot", "provenance": "connection-credential",
                   "verified": True},
         "subject": {"id": "carl", "provenance": "unsigned-request-claim",
                     "verified": False}},
        {"kind": "policy", "policy": D2, "files": [], "reads": [], "rules": 1},
        decision("allow", budget=[{"name": "day", "key": "robot", "charged": 1,
                                   "used": 1, "left": 4, "reservation": 3}]),
        {"kind": "outcome", "decision": 5, "status": "answered",
         "result": {"_sd": ["E" * 42 + "A"]}},
        decision("deny", step="decide"),
        decision("hold", needs="write"),
        decision("allow", method="resources/read", name="file:///x"),
        {"kind": "outcome", "decision": 9, "status": "failed",
         "error": "the server is gone"},
        decision("allow"),  # and no outcome: unknown
        decision("allow", covers="absent", chain={"not_established": "why"},
                 subject={"not_established": "why"}, principal="\x1b[31m",
                 actor={"provenance": "absent", "verified": False}),
        {"kind": "outcome", "decision": 12, "status": "continued"},
        {"kind": "outcome", "decision": 12, "status": "cancelled"},
        {"kind": "definition", "verdict": "first", "digest": D1, "name": "read",
         "server": "files", "definition": {"name": "read"}},
        {"kind": "definition", "verdict": "changed", "digest": D2,
         "name": "read", "server": "files"},
        {"kind": "finding", "verdict": "hidden", "reason": "not declared",
         **WHO},
        {"kind": "evaluation", "asker": "gate", "verdict": "deny", **WHO},
    ]
    for kind in kinds():
        out.append({"kind": kind})
        out.append({"kind": kind, "verdict": "deny", "reason": "r",
                    "error": "e", "status": "error", "digest": D1, "policy": D2,
                    "boundary": 2, "decision": 4, "chain": "absent",
                    "rule": "r", "deep": {"er": [None, True, 1, "x"]}, **WHO})
    return out


def make(directory, what=None):
    """A state directory, with a key; cell 1 has one record."""
    writeledger.write(os.path.join(directory, "ledger"), what or records())
    writeledger.write(os.path.join(directory, "ledger"),
                      [{"kind": "start", "config": D2}], 1)
    if not os.path.exists(os.path.join(directory, "keys")):
        subprocess.run([g.BINARY, "keys", "init", directory, "example.com/t"],
                       check=True, stdout=subprocess.DEVNULL, timeout=60)
