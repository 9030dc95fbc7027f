"""Observed Effect records of our own, under keys made here, for each of the 34
ids of CoSAI's RFC-189 suite: what is asked and what must be answered.  They try
the rule, not CoSAI's fixtures; make conform tries those too where they are."""
import base64
import copy
import hashlib
import json
import os
import subprocess
import tempfile

PREDICATE = ("https://probityai.github.io/agent-evidence-vectors/predicate/v1/"
             "observed-effect")


def canonical(value):
    """RFC 8785 of what these records hold: ASCII texts, integers, lists."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"),
                      ensure_ascii=False).encode()


def sha(data):
    return hashlib.sha256(data).hexdigest()


class Key:
    def __init__(self, directory, name):
        self.pem = os.path.join(directory, name + ".pem")
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out",
                        self.pem], check=True, stderr=subprocess.DEVNULL)
        self.public = subprocess.run(
            ["openssl", "pkey", "-in", self.pem, "-pubout", "-outform", "DER"],
            check=True, stdout=subprocess.PIPE).stdout[-32:]

    def sign(self, data):
        with tempfile.NamedTemporaryFile() as f:
            f.write(data)
            f.flush()
            return subprocess.run(
                ["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", self.pem,
                 "-in", f.name], check=True, stdout=subprocess.PIPE).stdout


BEFORE, AFTER = "1" * 64, "2" * 64


def predicate(interval="iv-1", writes=(), **change):
    """A record that holds; change overrides members of it."""
    after = AFTER if writes else BEFORE
    at, rows = BEFORE, []
    for i, path in enumerate(writes):
        to = after if i + 1 == len(writes) else f"{i + 3:x}" * 64
        rows.append({"path": path, "preStateDigest": at,
                     "postStateDigest": to, "inScope": True})
        at = to
    p = {"intervalId": interval, "tier": "authoritative",
         "mutation": "observed" if writes else "none",
         "hashAlgorithm": "sha256",
         "interval": {"beforeRoot": BEFORE, "afterRoot": after,
                      "baseResolution": "supplied",
                      "openedAt": "2026-10-01T10:00:00Z",
                      "sealedAt": "2026-10-01T10:00:09Z"},
         "pathScope": ["/srv/app/"], "authorityDigest": "a" * 64,
         "observation": {"vantage": "below-observed",
                         "coverage": {"scopeComplete": True, "gaps": []},
                         "observedSigners": ["b" * 32],
                         "origin": "first-hand"},
         "reads": [{"path": "/srv/app/x", "preStateDigest": BEFORE,
                    "blobDigest": "c" * 64, "readState": "no-bytes-read"}],
         "writes": rows, "doesNotAssert": ["anything else"],
         "dualValues": [{"fact": "writes.count",
                         "observedValue": str(len(rows)),
                         "reportedValue": str(len(rows)),
                         "agreement": "agree"}],
         "issuedAt": "2026-10-01T10:00:10Z"}
    p = copy.deepcopy(p)
    for path, value in change.items():
        *way, last = path.split("__")
        target = p
        for step in way:
            target = target[step]
        target[last] = value
    return p


def commit(p, key, nonce="d" * 64):
    text = canonical({"authorityDigest": p["authorityDigest"],
                      "beforeRoot": p["interval"]["beforeRoot"],
                      "intervalId": p["intervalId"], "witnessNonce": nonce})
    p["observation"]["priorCommitment"] = {
        "committedAt": "2026-10-01T09:59:59Z", "witnessNonce": nonce,
        "commitmentDigest": sha(text), "keyid": "e" * 32,
        "sig": key.sign(text).hex()}
    return sha(text)


def envelope(p, key):
    statement = canonical({
        "_type": "https://in-toto.io/Statement/v1", "predicateType": PREDICATE,
        "subject": [{"name": p["intervalId"], "digest":
                     {p["hashAlgorithm"]: p["interval"]["afterRoot"]}}],
        "predicate": p})
    kind = "application/vnd.in-toto+json"
    pae = b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(statement),
                                   statement)
    return json.dumps({"payload": base64.b64encode(statement).decode(),
                       "payloadType": kind, "signatures": [
                           {"sig": base64.b64encode(key.sign(pae)).decode()}]})


GAP = {"scopeComplete": False, "gaps": ["/srv/app/vendor/"]}
NO_WRITE = "no_write_in_scope"
OUTCOME = "action_outcome"
WITNESSED = {n: {"controlled_by": "platform", "established_by": "review",
                 "evidence_ref": n + ".json"}
             for n in ("trust_domain", "identity_basis", "key_control")}


def without(name, **change):
    """The independence evidence with one condition another; None: absent."""
    out = copy.deepcopy(WITNESSED)
    for member, value in change.items():
        if value is None:
            del out[name][member]
        else:
            out[name][member] = value
    return out


# id, the record's changes, the question's, and the answer: a verdict or an
# outcome, and the obligation or the code.
OE = (
    ("OE-01-PASS", {}, {}, "pass", None),
    ("OE-02-FAIL-WITNESS", {"writes": ("/srv/app/a", "/srv/app/b")}, {},
     "fail", None),
    ("OE-03-NE-NAMED-GAP", {"tier": "voluntary", "observation__coverage": GAP},
     {}, "not_established", "observation_coverage"),
    ("OE-04-PASS-GAP-OUTSIDE-CLAIM",
     {"tier": "voluntary", "observation__coverage": GAP},
     {"scope": ["/srv/app/data/"]}, "pass", None),
    ("OE-05-FAIL-WITNESS-DESPITE-GAP",
     {"writes": ("/srv/app/a",), "tier": "voluntary",
      "observation__coverage": GAP}, {}, "fail", None),
    ("OE-06-MALFORMED-UNNAMED-GAP",
     {"tier": "voluntary",
      "observation__coverage": {"scopeComplete": False, "gaps": []}}, {},
     "MalformedEvidence", "coverage-incomplete-without-gaps"),
    ("OE-07-MALFORMED-CONTRADICTORY-COVERAGE",
     {"observation__coverage": dict(GAP, scopeComplete=True)}, {},
     "MalformedEvidence", "coverage-self-contradictory"),
    ("OE-08-NE-SELF-VANTAGE-CLAIMING-INDEPENDENCE",
     {"observation__vantage": "self", "observation__origin": "self"}, {},
     "not_established", "observation_vantage"),
    ("OE-09-NE-INDEPENDENCE-CLAIMED-OVER-A-GAP",
     {"observation__coverage": GAP}, {}, "not_established",
     "observation_coverage"),
    ("OE-10-NE-SELF-VANTAGE",
     {"tier": "voluntary", "observation__vantage": "self",
      "observation__origin": "self"}, {}, "not_established",
     "observation_vantage"),
    ("OE-11-NE-COVERAGE-FOR-ANOTHER-CLAIM", {}, {"claim_ref": "iv-2"},
     "not_established", "observation_coverage"),
    ("OE-12-NE-SCOPE-WIDER-THAN-OBSERVED", {}, {"scope": ["/srv/"]},
     "not_established", "observation_coverage"),
    ("OE-13-UNSUPPORTED-PROPERTY", {}, {"name": "no_read_in_scope"},
     "UnsupportedVerification", None),
    ("OE-14-NE-SAME-ID-WRONG-COMMITMENT", {},
     {"anchored_commitment_digest": "f" * 64}, "not_established",
     "invocation_binding"),
    ("OE-15-NE-NO-EXTERNAL-COMMITMENT", {},
     {"anchored_commitment_digest": None}, "not_established",
     "invocation_binding"),
    ("OE-16-NE-CAPABILITY-FOR-ANOTHER-CLAIM", {},
     {"producer_capability": {"claim_ref": "iv-2",
                              "visible_write_paths": ["/srv/app/"]}},
     "not_established", "producer_capability_coverage"),
    ("OE-17-NE-NO-WRITE-VISIBILITY", {}, {"producer_capability": None},
     "not_established", "producer_capability_coverage"),
    ("OE-18-NE-WRITE-VISIBILITY-NARROWER-THAN-CLAIM", {},
     {"producer_capability": {"claim_ref": "iv-1",
                              "visible_write_paths": ["/srv/app/data/"]}},
     "not_established", "producer_capability_coverage"),
    ("OE-19-NE-RETRY-WRITE-NOT-YET-WITNESSED",
     {"tier": "voluntary", "observation__coverage":
      {"scopeComplete": False, "gaps": ["/srv/app/orders/"]}},
     {"scope": ["/srv/app/orders/"]}, "not_established",
     "observation_coverage"),
    ("OE-20-PENDING-RETRY-OUTCOME-AFTER-WINDOW",
     {"tier": "voluntary", "observation__coverage":
      {"scopeComplete": False, "gaps": ["/srv/app/orders/"]}},
     {"name": OUTCOME, "scope": ["/srv/app/orders/"]}, "pending",
     "observation_coverage"),
    ("OE-21-PRESENT-RETRY-ONE-WRITE", {"writes": ("/srv/app/orders/1",)},
     {"name": OUTCOME, "scope": ["/srv/app/orders/"]}, "present", None),
    ("OE-22-PENDING-TIMEOUT-READ-AS-NO-WRITE",
     {"tier": "voluntary", "observation__coverage": GAP}, {"name": OUTCOME},
     "pending", "observation_coverage"),
    ("OE-23-PENDING-SELF-REPORTED-WRITE",
     {"writes": ("/srv/app/a",), "tier": "voluntary",
      "observation__vantage": "self", "observation__origin": "self"},
     {"name": OUTCOME}, "pending", "observation_vantage"),
    ("OE-24-ABSENT-READ-ONLY", {}, {"name": OUTCOME}, "absent", None),
)
IND = (
    ("IND-01-PASS-ATTESTED-IDENTITY", {}, WITNESSED, "pass", None),
    ("IND-02-PASS-SOFTWARE-ONLY-IDENTITY", {},
     without("identity_basis", basis="a software key, kept elsewhere"),
     "pass", None),
    ("IND-03-NE-TRUST-DOMAIN-MISSING", {},
     {k: v for k, v in WITNESSED.items() if k != "trust_domain"},
     "not_established", "observer_trust_domain"),
    ("IND-04-NE-TRUST-DOMAIN-PRODUCER-CONTROLLED", {},
     without("trust_domain", controlled_by="agent"), "not_established",
     "observer_trust_domain"),
    ("IND-05-NE-IDENTITY-DECLARED-ONLY", {},
     without("identity_basis", evidence_ref=None), "not_established",
     "observer_identity_basis"),
    ("IND-06-NE-IDENTITY-PRODUCER-ISSUED", {},
     without("identity_basis", established_by="agent"), "not_established",
     "observer_identity_basis"),
    ("IND-07-NE-KEY-CONTROL-MISSING", {},
     dict(WITNESSED, key_control={}), "not_established",
     "observer_key_control"),
    ("IND-08-NE-KEY-CONTROL-PRODUCER-ASSERTED", {},
     without("key_control", established_by="agent"), "not_established",
     "observer_key_control"),
    ("IND-09-NE-SELF-VANTAGE-WITH-EVIDENCE",
     {"tier": "voluntary", "observation__vantage": "self",
      "observation__origin": "self"}, WITNESSED, "not_established",
     "observation_vantage"),
    ("IND-10-NE-EVIDENCE-FOR-ANOTHER-CLAIM", {"interval": "iv-2"}, WITNESSED,
     "not_established", "observation_coverage"),
)


def cases(key):
    """(id, checker input, answer, obligation or code)"""
    for table in (OE, IND):
        for name, record, asked, answer, why in table:
            p = predicate(**record)
            digest = commit(p, key)
            context = {"claim_ref": "iv-1",
                       "observer_public_key": key.public.hex(),
                       "anchored_commitment_digest": digest,
                       "producer_capability": {
                           "claim_ref": "iv-1",
                           "visible_write_paths": ["/srv/app/"]}}
            prop = {"name": NO_WRITE, "scope": ["/srv/app/"]}
            if table is IND:
                prop["name"] = "observer_independence"
                context.update(producer="agent", independence_evidence=asked)
            else:
                for k, v in asked.items():
                    (prop if k in prop else context)[k] = v
            context = {k: v for k, v in context.items() if v is not None}
            yield ("RFC189-" + name,
                   {"property": prop, "context": context,
                    "evidence": {"envelope": envelope(p, key)}}, answer, why)
