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


def grow(nodes, leaf):
    """One leaf more in a tree, as {height: root of 2^height leaves}."""
    h = 0
    while h in nodes:
        leaf, h = sha(b"\1", nodes.pop(h), leaf), h + 1
    nodes[h] = leaf


def root(nodes):
    out = None
    for h in sorted(nodes):
        out = nodes[h] if out is None else sha(b"\1", nodes[h], out)
    return out or sha(b"")


def write(directory, records, cell=0, most=None):
    """One cell, in segments of at most `most` records; seq and time are
    added."""
    os.makedirs(directory, exist_ok=True)
    nodes, seq = {}, 0
    for number in range(1, 2 if not most else 1 + -(-len(records) // most)):
        part = records[seq:seq + most] if most else records
        name = f"cell-{cell}-{number:06d}"
        out = struct.pack("<8sIIQ", b"GHLEDGER", 1, len(nodes), seq) + \
            root(nodes) + name.encode().ljust(64, b"\0") + \
            b"".join(nodes[h] for h in sorted(nodes))
        chain = sha(out)
        out = [out, chain]
        for record in part:
            seq += 1
            text = json.dumps(dict(record, seq=seq,
                                   time=1700000000000000 + seq, cell=cell),
                              sort_keys=True, separators=(",", ":")).encode()
            mark = len(text) ^ struct.unpack_from("<I", chain)[0]
            leaf = sha(b"\0", text)
            chain = sha(b"\2", chain, leaf)
            grow(nodes, leaf)
            out.append(struct.pack("<II", len(text), mark) + text + chain)
        with open(os.path.join(directory, name + ".seg"), "wb") as f:
            f.write(b"".join(out))
