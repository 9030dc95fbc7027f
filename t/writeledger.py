"""
writeledger: a second writer of the ledger, from doc/formats/ledger.md alone,
for tests that need a ledger of their own making.  ASCII and integers only, so
that sorted JSON is JCS.
"""
import hashlib
import json
import os
import struct


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def write(directory, records, cell=0):
    """One segment of one cell; seq and time are added."""
    os.makedirs(directory, exist_ok=True)
    name = f"cell-{cell}-000001"
    out = struct.pack("<8sIIQ", b"GHLEDGER", 1, 0, 0) + sha(b"") + \
        name.encode().ljust(64, b"\0")
    chain = sha(out)
    out = [out, chain]
    for n, record in enumerate(records, 1):
        text = json.dumps(dict(record, seq=n, time=1700000000000000 + n,
                               cell=cell),
                          sort_keys=True, separators=(",", ":")).encode()
        mark = len(text) ^ struct.unpack_from("<I", chain)[0]
        chain = sha(b"\2", chain, sha(b"\0", text))
        out.append(struct.pack("<II", len(text), mark) + text + chain)
    with open(os.path.join(directory, name + ".seg"), "wb") as f:
        f.write(b"".join(out))
