"""
sdjwt: commitments and disclosures (RFC 9901) once more, for tests that hold
what the gateway writes against them.
"""
import base64
import hashlib
import json
import os


def b64(raw):
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def disclosure(name, value, salt=None):
    return b64(json.dumps([salt or b64(os.urandom(16)), name, value],
                          separators=(",", ":"),
                          ensure_ascii=False).encode())


def digest(text):
    return b64(hashlib.sha256(text.encode()).digest())


def read(text):
    """[salt, name, value] of a disclosure."""
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def digests(record):
    """Every digest in a record."""
    if isinstance(record, dict):
        for k, v in record.items():
            if k == "_sd":
                yield from v
            else:
                yield from digests(v)
    elif isinstance(record, list):
        for v in record:
            yield from digests(v)


def commit(record, **arguments):
    """The record with commitments to these arguments; and the disclosures."""
    out = [disclosure(k, v) for k, v in arguments.items()]
    return (dict(record, params={"arguments": {
        "_sd": sorted(digest(d) for d in out)}}), out)
