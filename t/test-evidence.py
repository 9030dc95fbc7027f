#!/usr/bin/env python3
"""gatehouse verify evidence and verify observed-effect, on records that are
made here, under keys made here, by openssl."""
import base64
import copy
import hashlib
import json
import os
import subprocess
import tempfile

import effects
import gatetest as g


def run(*args):
    p = subprocess.run([g.BINARY, "verify", *args], stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, timeout=60)
    return p.returncode, p.stdout.decode(), p.stderr.decode()


class Files:
    def __init__(self, directory):
        self.directory = directory

    def put(self, value):
        path = os.path.join(self.directory, "f")
        with open(path, "wb") as f:
            f.write(value if isinstance(value, bytes)
                    else json.dumps(value).encode())
        return path


# --- observed effect --------------------------------------------------------

EXITS = {"pass": 0, "present": 0, "absent": 0, "fail": 1, "pending": 1,
         "not_established": 1, "MalformedEvidence": 4,
         "UnsupportedVerification": 4, "CandidateInputError": 4}


def asked(files, value):
    code, out, err = run("observed-effect", "--json", files.put(value))
    got = json.loads(out) if out else {"error": err}
    answer = got.get("verdict") or got.get("outcome") \
        or got.get("processing_failure")
    why = got.get("unmet_obligation") or (got.get("codes") or [None])[0]
    return code, answer, why, got


def test_rule(files, key):
    for name, value, answer, why in effects.cases(key):
        code, got, reason, out = asked(files, value)
        g.ok((got, reason, code) == (answer, why, EXITS[answer]), name, out)
        shown = out.get("evaluation", {})
        if shown.get("property") != value["property"] or \
                shown["context"]["claim_ref"] != value["context"]["claim_ref"]:
            g.ok(False, f"{name}: the answer is bound to its question", out)


def test_question(files, key):
    """A question put wrongly is a failure, never not established."""
    good = next(effects.cases(key))[1]

    def changed(**to):
        v = copy.deepcopy(good)
        for path, value in to.items():
            where, member = path.split("__")
            if value is None:
                del v[where][member]
            else:
                v[where][member] = value
        return v
    for name, value in (
            ("no scope", changed(property__scope=None)),
            ("an empty scope", changed(property__scope=[])),
            ("a relative scope", changed(property__scope=["srv"])),
            ("no name", changed(property__name=None)),
            ("no claim", changed(context__claim_ref=None)),
            ("an empty claim", changed(context__claim_ref="")),
            ("a short key", changed(context__observer_public_key="ab")),
            ("an anchor of other form",
             changed(context__anchored_commitment_digest="F" * 64)),
            ("a capability that is none",
             changed(context__producer_capability={"claim_ref": "iv-1"})),
            ("independence without a producer",
             changed(property__name="observer_independence")),
            ("no record", changed(evidence__envelope=None)),
            ("another record", changed(
                evidence__observed_effect={"sha256": "0" * 64})),
            ("a list", []), ("no JSON", b"{")):
        code, got, _, out = asked(files, value)
        g.ok((got, code) == ("CandidateInputError", 4), f"asked wrongly: "
             f"{name}", out)
    case = {"id": "x", "checker_input": good, "expected": {"verdict": "fail"}}
    code, got, _, out = asked(files, case)
    g.ok((got, code) == ("pass", 0), "what is expected is never read", out)
    code, out, _ = run("observed-effect", files.put(good))
    g.ok(code == 0 and out.startswith("pass: "), "in words", out)


def test_record(files, key):
    """Each way a record is broken has its name; none settles anything."""
    other = effects.Key(files.directory, "other")
    for name, change, state, code in (
            ("as it is", {}, "valid", None),
            ("an unknown word", {"tier": "sure"}, "malformed", "tier-unknown"),
            ("a time without zone", {"issuedAt": "2026-10-01T10:00:10"},
             "malformed", "timestamp-not-utc-basic:issuedAt"),
            ("a day that is none", {"issuedAt": "2026-02-30T10:00:10Z"},
             "malformed", "timestamp-not-utc-basic:issuedAt"),
            ("issued too early", {"issuedAt": "2026-10-01T10:00:08Z"},
             "malformed", "issued-before-sealed"),
            ("a pattern as scope", {"pathScope": ["/srv/*"]}, "malformed",
             "path-scope-glob-metacharacter"),
            ("dots in the scope", {"pathScope": ["/srv/../etc/"]},
             "malformed", "path-scope-not-normalized"),
            ("none, with another root", {"interval__afterRoot": "9" * 64},
             "malformed", "mutation-none-with-moved-root"),
            ("a count that is false",
             {"dualValues": [{"fact": "writes.count", "observedValue": "1",
                              "reportedValue": "1", "agreement": "agree"}]},
             "malformed", "dual-value-not-recomputable"),
            ("an integer beyond 2^53", {"extra": 2 ** 53}, "malformed",
             "integer-not-ijson-safe"),
            ("no rows", {"reads": []}, "invalid",
             "authoritative-without-observed-rows"),
            ("a lower tier than it has", {"tier": "voluntary"}, "invalid",
             "tier-recompute-mismatch")):
        p = effects.predicate(**change)
        effects.commit(p, key)
        path = files.put(effects.envelope(p, key).encode())
        status, out, _ = run("observed-effect", "--json", "--key",
                             key.public.hex(), path)
        got = json.loads(out)
        want = {"valid": 0, "invalid": 1, "malformed": 4}[state]
        g.ok((got["admission"], got.get("codes", [None])[0], status)
             == (state, code, want), f"a record: {name}", out)
    p = effects.predicate()
    effects.commit(p, key)
    status, out, _ = run("observed-effect", "--key", key.public.hex(),
                         files.put(effects.envelope(p, other).encode()))
    g.ok(status == 1 and "envelope-signature-invalid" in out,
         "a record signed by another", out)
    effects.commit(p, other)
    status, out, _ = run("observed-effect", "--key", key.public.hex(),
                         files.put(effects.envelope(p, key).encode()))
    g.ok(status == 1 and "commitment-signature-invalid" in out,
         "a commitment signed by another", out)


# --- containment evidence ---------------------------------------------------

def digest(value):
    return "sha256:" + hashlib.sha256(effects.canonical(value)).hexdigest()


def b64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def evidence(key, entries=None, **change):
    """A record of our own; change is laid over the checkpoint."""
    statement = {"as_of": "2026-10-01T10:00:00Z", "covered": ["tools"],
                 "excluded": ["the operator"], "allow_fallback": {
                     "status": "absent", "reason": "none is configured"}}
    verified = {"status": "verified", "verifier": "us"}
    decision = {
        "kind": "enforcement_decision", "sequenced_before_dispatch": True,
        "principal": {"id": "p", "delegation_chain": [{"hop": 0}]},
        "actor": {"actor_id": "a", "provenance": "connection-credential",
                  "verification": verified},
        "subject": {"subject_id": "s", "provenance": "connection-credential",
                    "verification": verified},
        "policy": {"version": "sha256:1"},
        "assurance_boundary": {"statement": statement,
                               "statement_digest": digest(statement)},
        "tool_catalog": {"version": "sha256:2"}, "action_id": "call:1",
        "request_digest": {"commitment": "hmac-sha256:3", "covers": ["tool"],
                           "canonicalization": "RFC 8785"},
        "runtime": {"attestation": {"status": "not-available",
                                    "reason": "software only"}},
        "decision": {"verdict": "allow", "reason": {"code": "rule"}}}
    accounting = {
        "kind": "accounting_decision", "references": {"action_id": "call:1"},
        "authority": "us", "principal": "p", "subtree": "p",
        "decision": {"verdict": "allowed", "reason": {"code": "none"}},
        "budget": {"remaining": {"status": "not_established",
                                 "missing_premise": "no budget"}},
        "reservation_ref": "r"}
    outcome = {"kind": "outcome", "references": {"action_id": "call:1"},
               "outcome": {"status": "completed"},
               "accounting": {"consumed": {"usd": 0}}}
    entries = entries or [decision, accounting, outcome]
    prev = ""
    for i, e in enumerate(entries):
        e.update(index=i, prev_hash=prev)
        if i > 0 and "references" in e:
            e["references"].setdefault("decision_entry_hash",
                                       entries[0]["entry_hash"])
        if e["kind"] == "outcome" and i > 1:
            e["accounting"].setdefault("reconciled_with",
                                       entries[1]["entry_hash"])
        e.pop("entry_hash", None)
        e["entry_hash"] = prev = digest(e)
    checkpoint = {"sequence_id": "seq:1", "index": len(entries) - 1,
                  "entry_hash": prev,
                  "collection_scope": {
                      "declared": "all calls", "omitted_before_recording": {
                          "status": "absent", "reason": "written first"}},
                  "expected_boundaries": {"first_index": 0,
                                          "last_index": len(entries) - 1}}
    checkpoint.update(change)
    sig = key.sign(effects.canonical(checkpoint))
    checkpoint["signature"] = {
        "alg": "EdDSA", "value": b64url(sig), "signer": {
            "kty": "OKP", "crv": "Ed25519", "x": b64url(key.public)}}
    return {"record_format": "cosai-ws4/agent-containment/evidence-sample",
            "sequence": {"id": "seq:1", "checkpoint": checkpoint},
            "entries": entries}


def judged(files, record, *args):
    code, out, err = run("evidence", "--json", *args, files.put(record))
    return code, json.loads(out) if out else {"why": err}


def leaves(value, way=()):
    """The way to each text and number in it."""
    if isinstance(value, dict):
        for k in value:
            yield from leaves(value[k], (*way, k))
    elif isinstance(value, list):
        for i, v in enumerate(value):
            yield from leaves(v, (*way, i))
    else:
        yield way


def test_evidence(files, key):
    good = evidence(key)
    x = b64url(key.public)
    code, got = judged(files, good)
    g.ok(code == 0 and got["valid"] and got["pinned"] is False
         and got["signer"] == x, "an evidence record; its key is not pinned",
         got)
    code, got = judged(files, good, "--signer", x)
    g.ok(code == 0 and got["pinned"], "named by who asks, it is", got)
    code, got = judged(files, good, "--signer", "A" * 43)
    g.ok(code == 1 and "another key" in got["why"], "another key", got)
    missed, misnamed, n = [], [], 0
    for way in leaves(good):
        record = copy.deepcopy(good)
        at = record
        for step in way[:-1]:
            at = at[step]
        was = at[way[-1]]
        at[way[-1]] = (not was if isinstance(was, bool) else was + 1
                       if isinstance(was, int) else was + "x")
        code, got = judged(files, record)
        n += 1
        # entry_hash of an entry is covered by itself and by what follows
        want = way[1] if way[0] == "entries" else 3
        if way == ("record_format",):
            if code != 4:
                missed.append(way)
        elif code != 1:
            missed.append(way)
        elif got["first_bad"] != want:
            misnamed.append((way, got))
    g.ok(not missed, f"each of {n} texts and numbers counts", missed)
    g.ok(not misnamed, "and the first bad entry is named", misnamed[:3])


def test_evidence_places(files, key):
    good = evidence(key)
    e = good["entries"]
    for name, entries, bad in (
            ("dropped", e[:1] + e[2:], 1), ("cut", e[:2], 2),
            ("swapped", [e[1], e[0], e[2]], 0), ("doubled", e[:1] + e, 1),
            ("spliced", e[:2] + [dict(e[2], extra=1)], 2)):
        code, got = judged(files, dict(good, entries=entries))
        g.ok(code == 1 and got["first_bad"] == bad, f"entries {name}: {bad}",
             got)
    for name, record in (
            ("no entries", dict(good, entries=[])),
            ("another format", dict(good, record_format="x")),
            ("no JSON", b"{"), ("a member twice", b'{"a":1,"a":1}')):
        code, got = judged(files, record)
        g.ok(code == 4, f"{name} is a failure of processing", got)


def test_evidence_resigned(files, key):
    """Wrong, and signed all the same: the signature is not the only judge."""
    def fresh():
        return copy.deepcopy(evidence(key)["entries"])

    def with_(change):
        entries = fresh()
        for e in entries:
            e.get("references", {}).pop("decision_entry_hash", None)
            e.get("accounting", {}).pop("reconciled_with", None)
        change(entries)
        return evidence(key, entries)
    for name, change, bad, why in (
            ("no principal", lambda e: e[0]["principal"].pop("id"), 0,
             "principal"),
            ("an unknown provenance", lambda e: e[0]["actor"].update(
                provenance="trust me"), 0, "provenance"),
            ("another boundary", lambda e: e[0]["assurance_boundary"][
                "statement"].update(covered=["all"]), 0, "boundary"),
            ("decided after dispatch", lambda e: e[0].update(
                sequenced_before_dispatch=False), 0, "before dispatch"),
            ("no attestation and no reason", lambda e: e[0]["runtime"][
                "attestation"].pop("reason"), 0, "without a reason"),
            ("not established for no reason", lambda e: e[1]["budget"][
                "remaining"].pop("missing_premise"), 1, "missing premise"),
            ("a verdict of the other kind", lambda e: e[1][
                "decision"].update(verdict="allow"), 1, "allowed"),
            ("another action", lambda e: e[2]["references"].update(
                action_id="call:2"), 2, "another action"),
            ("of no decision", lambda e: e[2]["references"].update(
                decision_entry_hash="sha256:0"), 2, "no earlier decision"),
            ("an unknown kind", lambda e: e[1].update(kind="x"), 1, "kind")):
        code, got = judged(files, with_(change))
        g.ok(code == 1 and got["first_bad"] == bad and why in got["why"],
             f"signed, and wrong: {name}", got)
    for name, change, why in (
            ("of another sequence", {"sequence_id": "seq:2"}, "sequence"),
            ("that ends too early", {"index": 1}, "last entry"),
            ("that expects more", {"expected_boundaries": {
                "first_index": 0, "last_index": 3}}, "expects"),
            ("without a scope", {"collection_scope": {}}, "scope")):
        code, got = judged(files, evidence(key, **change))
        g.ok(code == 1 and why in got["why"], f"a checkpoint {name}", got)
    code, got = judged(files, with_(lambda e: e.pop()))
    g.ok(code == 0 and got["unknown"] == 1, "a decision without an outcome is "
         "unknown, never success", got)


def main():
    with tempfile.TemporaryDirectory() as directory:
        files, key = Files(directory), effects.Key(directory, "observer")
        test_rule(files, key)
        test_question(files, key)
        test_record(files, key)
        test_evidence(files, key)
        test_evidence_places(files, key)
        test_evidence_resigned(files, key)
    g.done()


if __name__ == "__main__":
    main()
