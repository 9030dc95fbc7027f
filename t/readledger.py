"""
readledger: a second reader of the ledger, from doc/formats/ledger.md alone.
It shares nothing with the program, so that what both say is so.

    python3 readledger.py DIR      counts records; says what is wrong
"""
import hashlib
import json
import os
import re
import struct
import sys


# What a killed writer leaves, in a segment that others follow too; that nothing
# is gone with it, the header of the next one says.
TORN = ("torn", "no whole header")


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def segments(directory):
    """[(cell, number, path)] in the order in which they were written."""
    found = []
    for top, _, names in os.walk(directory):
        for n in names:
            m = re.fullmatch(r"cell-(\d+)-(\d+)\.seg", n)
            if m:
                found.append((int(m[1]), int(m[2]), os.path.join(top, n)))
    return sorted(found)


def read(data):
    """(records, complaint) of one segment; the complaint is "" when every
    byte is accounted for, and names the offset otherwise."""
    if len(data) < 120:
        return [], "no whole header"
    magic, version, nodes, size = struct.unpack_from("<8sIIQ", data)
    end = 120 + 32 * nodes + 32
    if magic != b"GHLEDGER" or version != 1 or \
            nodes != bin(size).count("1") or len(data) < end:
        return [], "not a header"
    chain = sha(data[:end - 32])
    if chain != data[end - 32:end]:
        return [], "the header's digest is wrong"
    at, out = end, []
    while at < len(data) and any(data[at:at + 4] or data[at:]):
        if len(data) - at < 8:
            return out, f"torn at {at}"
        n, mark = struct.unpack_from("<II", data, at)
        if mark != n ^ struct.unpack_from("<I", chain)[0] or n > 65535:
            return out, f"no mark at {at}"
        text = data[at + 8:at + 8 + n]
        after = data[at + 8 + n:at + 40 + n]
        if len(after) < 32:
            return out, f"torn at {at}"
        chain = sha(b"\2", chain, sha(b"\0", text))
        if chain != after:
            return out, f"the chain breaks at {at}"
        record = json.loads(text)
        if record.get("seq") != size + len(out) + 1:
            return out, f"seq {record.get('seq')} at {at}"
        out.append(record)
        at += 40 + n
    return out, ""


def chain(paths):
    """(path, records, complaints) of each segment of one log, in order."""
    before = None
    for path in paths:
        with open(path, "rb") as f:
            data = f.read()
        got, complaint = read(data)
        wrong = [complaint] if complaint else []
        if got or not complaint.startswith(("no whole", "not a", "the header")):
            size = struct.unpack_from("<Q", data, 16)[0]
            if before not in (None, size):
                wrong.append(f"goes on from {size}, not from {before}")
            before = size + len(got)
        yield path, got, wrong


def records(directory):
    """Every whole record, each with its cell, cell by cell in order."""
    out = []
    for cell, _, path in segments(directory):
        with open(path, "rb") as f:
            for r in read(f.read())[0]:
                out.append({"cell": cell, **r})
    return out


# What every decision says, or the record that it names as `identity`.
ALWAYS = ("boundary", "budget", "catalogue", "cell", "principal", "reason",
          "session_seq", "verdict")
WHO = ("actor", "chain", "subject")


def field_complaints(found):
    """What evidence is missing: a field of a decision, or a record that it
    refers to.  found: records() of a directory."""
    wrong, by_seq, policies, start = [], {}, set(), {}
    for r in found:
        by_seq[r["cell"], r["seq"]] = r
        if r["kind"] == "policy":
            policies.add((r["cell"], r["policy"]))
        if r["kind"] == "start":
            start[r["cell"]] = r
        if r["kind"] != "decision":
            continue
        where = (r["cell"], r["seq"])
        who = by_seq.get((r["cell"], r.get("identity")), r)
        if who is not r and who["kind"] != "identity":
            wrong.append((where, "identity"))
        wrong += [(where, f) for f in ALWAYS if f not in r]
        wrong += [(where, f) for f in WHO if f not in who]
        frame = by_seq.get((r["cell"], r["boundary"]), {})
        if frame.get("kind") != "boundary" or sha(json.dumps(
                frame["statement"], sort_keys=True, ensure_ascii=False,
                separators=(",", ":")).encode()).hex() != frame["boundary"]:
            wrong.append((where, "boundary"))
        if (r["cell"], r["policy"]) not in policies:
            wrong.append((where, "policy"))
        if "runtime" not in start.get(r["cell"], {}):
            wrong.append((where, "runtime"))
        if ("params" in r) == ("covers" in r):
            wrong.append((where, "params"))
    return wrong


def budget_segments(directory):
    """[(number, path)] of role budget's log."""
    found = []
    for top, _, names in os.walk(directory):
        for n in names:
            m = re.fullmatch(r"budget-(\d+)\.seg", n)
            if m:
                found.append((int(m[1]), os.path.join(top, n)))
    return sorted(found)


def budget_records(directory):
    """Every whole record of it, in order."""
    out = []
    for _, path in budget_segments(directory):
        with open(path, "rb") as f:
            out += read(f.read())[0]
    return out


def budget_complaints(directory):
    """What is wrong with it: a record that was changed; a charge over its
    limit, counted here from the charges alone; a state that is not what the
    charges before it come to.  Of budgets without a window."""
    wrong, total = [], {}
    for number, got, complaints in chain(
            path for _, path in budget_segments(directory)):
        wrong += [(number, c) for c in complaints if not c.startswith(TORN)]
        for r in got:
            for c in r.get("charges", ()):
                key = (c["budget"], c["key"])
                sign = -1 if r["kind"] == "release" else 1
                if c["window_ms"] or "amount" not in c:
                    continue
                total[key] = total.get(key, 0) + sign * c["amount"]
                if total[key] > c["limit"] or \
                        sign > 0 and total[key] != c["used"]:
                    wrong.append((number, r["seq"], total[key], c))
            if r["kind"] == "total" and r["window_ms"] == 0 and \
                    "parts" in r:
                key = (r["budget"], r["key"])
                if sum(n for _, n in r["parts"]) != total.get(key):
                    wrong.append((number, r, total.get(key)))
    return wrong


def main():
    wrong, cells = 0, {}
    for cell, _, path in segments(sys.argv[1]):
        cells.setdefault(cell, []).append(path)
    for path, got, complaints in (x for p in cells.values() for x in chain(p)):
        print(": ".join([f"{path}: {len(got)} records", *complaints]))
        wrong += sum(not c.startswith(TORN) for c in complaints)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
