#!/usr/bin/env python3
"""gatehouse ledger fsck and gatehouse verify from outside, on a log that this
file writes by itself: hashing, tiles and notes once more, signed by openssl."""
import base64
import hashlib
import json
import os
import shutil
import struct
import subprocess
import tempfile

import gatetest as g

HERE = os.path.dirname(os.path.abspath(__file__))
RECEIPTS = os.path.join(HERE, "receipts")
ORIGIN = "example.org/log"


def h(data):
    return hashlib.sha256(data).digest()


def mth(leaves):
    if not leaves:
        return h(b"")
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return h(b"\x01" + mth(leaves[:k]) + mth(leaves[k:]))


class Key:
    """An Ed25519 key of openssl's, as a note's verifier and signer."""

    def __init__(self, directory, name, kind=1):
        self.name, self.kind = name, kind
        self.pem = os.path.join(directory, name.replace("/", "_") + ".pem")
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out",
                        self.pem], check=True, stderr=subprocess.DEVNULL)
        der = subprocess.run(["openssl", "pkey", "-in", self.pem, "-pubout",
                              "-outform", "DER"], check=True,
                             stdout=subprocess.PIPE).stdout
        self.typed = bytes([kind]) + der[-32:]
        self.id = h(name.encode() + b"\n" + self.typed)[:4]
        self.vkey = (f"{name}+{self.id.hex()}+"
                     + base64.b64encode(self.typed).decode())

    def sign(self, text):
        with tempfile.NamedTemporaryFile() as f:
            f.write(text.encode())
            f.flush()
            sig = subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin",
                                  "-inkey", self.pem, "-in", f.name],
                                 check=True, stdout=subprocess.PIPE).stdout
        return ("\u2014 " + self.name + " "
                + base64.b64encode(self.id + sig).decode() + "\n")


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(data)


def tile(n, width):
    return f"{n:03d}" + ("" if width == 256 else f".p/{width}")


def write_log(directory, entries, key):
    leaves = [h(b"\x00" + e) for e in entries]
    for n in range(0, len(entries), 256):
        part = entries[n:n + 256]
        name = tile(n // 256, len(part))
        write(f"{directory}/tile/entries/{name}",
              b"".join(struct.pack(">H", len(e)) + e for e in part))
        write(f"{directory}/tile/0/{name}", b"".join(leaves[n:n + 256]))
    full = len(entries) // 256
    if full:
        write(f"{directory}/tile/1/{tile(0, full)}",
              b"".join(mth(leaves[256 * i:256 * i + 256])
                       for i in range(full)))
    root = base64.b64encode(mth(leaves)).decode()
    text = f"{ORIGIN}\n{len(entries)}\n{root}\n"
    write(f"{directory}/checkpoint", (text + "\n" + key.sign(text)).encode())


def run(*args):
    p = subprocess.run([g.BINARY, *args], stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, timeout=60)
    return p.returncode, p.stdout.decode(), p.stderr.decode()


def change(path, at, to=None):
    with open(path, "r+b") as f:
        f.seek(at)
        b = f.read(1)
        f.seek(at)
        f.write(bytes([b[0] ^ 1]) if to is None else to)


def test_fsck(top):
    key, other = Key(top, ORIGIN), Key(top, "other.example/log")
    log = f"{top}/log"
    entries = [b'{"seq":%d}' % i for i in range(600)]
    write_log(log, entries, key)
    code, out, _ = run("ledger", "fsck", "--vkey", key.vkey, log)
    g.ok(code == 0 and "entries 0 to 599: hold" in out
         and out.splitlines()[-1].startswith("valid: 600 entries"),
         "a log that this file wrote holds", out)
    code, out, _ = run("ledger", "fsck", "--vkey", other.vkey, log)
    g.ok(code == 1 and "NOT signed by the key" in out
         and "nothing against the holder of the key" in out
         and "NOT valid from entry 0 on" in out,
         "under another's key it says what that leaves", out)
    where = f"{log}/tile/entries/001"
    change(where, 13 * 44 + 5)
    code, out, _ = run("ledger", "fsck", "--json", "--vkey", key.vkey, log)
    got = json.loads(out)
    g.ok(code == 1 and got["first_bad"] == 300 and got["hold"] == 599
         and got["changed"] == 1 and not got["valid"],
         "a changed byte: its entry is named", out)
    change(where, 13 * 44 + 5)
    change(f"{log}/tile/0/000", 100)
    code, out, _ = run("ledger", "fsck", "--vkey", key.vkey, log)
    g.ok(code == 1 and "entries 0 to 599: hold" in out
         and "tile/0/000" in out and "can be made again" in out,
         "a changed tile: the entries hold", out)
    os.unlink(f"{log}/tile/entries/002.p/88")
    code, out, _ = run("ledger", "fsck", "--vkey", key.vkey, log)
    g.ok(code == 1 and "entries 512 to 599: missing" in out
         and "NOT valid from entry 512 on" in out, "a lost bundle", out)
    change(f"{log}/checkpoint", 0, b"\n")
    code, _, err = run("ledger", "fsck", "--vkey", key.vkey, log)
    g.ok(code == 4, "a malformed checkpoint is a failure", err)
    code, _, err = run("ledger", "fsck", "--vkey", key.vkey, f"{top}/none")
    g.ok(code == 3, "none is unreachable", err)
    code, _, err = run("ledger", "fsck", log)
    g.ok(code == 2 and "--vkey KEY" in err, "no key is misuse", err)
    code, _, err = run("ledger", "fsck", "--vkey", "x", log)
    g.ok(code == 2 and "NAME+ID+KEY" in err, "nor is any word one", err)


def test_receipt(top):
    good = f"{RECEIPTS}/good.receipt"
    trust = f"{RECEIPTS}/trust.policy"
    with open(good, "rb") as f:
        data = f.read()
    code, out, _ = run("verify", "receipt", "--trust", trust, good)
    g.ok(code == 0 and "disclosed: amount = 120" in out
         and "cosigned by W3" in out and out.splitlines()[-1]
         == "valid: the record is logged as the trust file wants it",
         "a receipt is valid", out)
    code, out, _ = run("verify", "receipt", "--json", "--trust", trust, good)
    g.ok(code == 0 and json.loads(out)["index"] == 3, "as JSON", out)
    path = f"{top}/r"
    codes = set()
    for at in range(0, len(data), 7):
        shutil.copy(good, path)
        change(path, at)
        codes.add(run("verify", "receipt", "--trust", trust, path)[0])
    g.ok(codes == {1, 4}, "changed anywhere it is refused", codes)
    with open(path, "wb") as f:
        f.write(data.replace(b"\nrecord", b"\nrecords"))
    code, _, err = run("verify", "receipt", "--trust", trust, path)
    g.ok(code == 4 and "record RECORD" in err, "malformed is 4", err)
    with open(path, "wb") as f:
        f.write(data.replace(b"allow", b"alloy"))
    code, out, _ = run("verify", "receipt", "--trust", trust, path)
    g.ok(code == 1 and "NOT valid: the receipt was changed" in out,
         "not valid is 1", out)
    code, out, _ = run("verify", "--trust", trust, good)
    g.ok(code == 0 and "cosigned by W3" in out, "its kind is seen", out)
    code, _, err = run("verify", "--trust", trust, trust)
    g.ok(code == 4 and "neither a receipt" in err, "or said to be none", err)
    code, _, err = run("verify", "receipt", good)
    g.ok(code == 2 and "--trust FILE" in err, "no trust is misuse", err)
    code, _, err = run("verify", "receipt", "--trust", good, good)
    g.ok(code == 4 and "line 1" in err, "a receipt is no trust file", err)
    return data


def test_record(top, data):
    head, proof = data.split(b"\n\n", 1)
    record = next(line for line in head.split(b"\n")
                  if line.startswith(b"record "))[7:]
    write(f"{top}/p.tlog-proof", proof)
    args = ("--trust", f"{RECEIPTS}/trust.policy", "--proof",
            f"{top}/p.tlog-proof")
    for end in (b"", b"\n"):
        write(f"{top}/record", record + end)
        code, out, err = run("verify", "record", *args, f"{top}/record")
        g.ok(code == 0 and "entry 3 of 5" in out, "a record and its proof",
             out + err)
    write(f"{top}/record", record + b"\n\n")
    code, out, _ = run("verify", "record", *args, f"{top}/record")
    g.ok(code == 1 and "does not lead" in out, "another is not", out)
    write(f"{top}/p.tlog-proof", proof.replace(b"index 3", b"index x"))
    code, _, err = run("verify", "record", *args, f"{top}/record")
    g.ok(code == 4 and "index N" in err, "a malformed proof is a failure", err)


def test_prove(top):
    """From a log to what convinces somebody who has only the trust file."""
    log, key = f"{top}/proved", Key(top, ORIGIN)
    entries = [b'{"seq":%d}' % i for i in range(600)]
    entries[7] = b"no JSON"
    write_log(log, entries, key)
    write(f"{top}/trust", f"log {key.vkey}\nquorum none\n".encode())
    trust = ("--trust", f"{top}/trust")
    for index in (0, 255, 256, 599):
        code, out, err = run("ledger", "prove", log, str(index))
        write(f"{top}/proof", out.encode())
        write(f"{top}/entry", entries[index])
        got = run("verify", "record", *trust, "--proof", f"{top}/proof",
                  f"{top}/entry")
        g.ok(code == 0 and got[0] == 0 and f"entry {index} of 600" in got[1],
             f"entry {index} is proved", err + got[2])
        code, out, err = run("ledger", "prove", "--receipt", log, str(index))
        write(f"{top}/receipt", out.encode())
        got = run("verify", "receipt", *trust, f"{top}/receipt")
        g.ok(code == 0 and got[0] == 0 and f'{{"seq":{index}}}' in got[1],
             "and has a receipt", err + got[2])
    for index, args, want, part in (
            ("600", (), 1, "600"), ("x", (), 2, "from 0"),
            ("0", ("--disclose", "x"), 2, "goes with --receipt")):
        code, out, err = run("ledger", "prove", *args, log, index)
        g.ok(code == want and part in err and not out,
             f"no proof of {index}", err)
    code, out, err = run("ledger", "prove", "--receipt", log, "7")
    write(f"{top}/receipt", out.encode())
    code, out, err = run("verify", "receipt", *trust, f"{top}/receipt")
    g.ok(code == 4 and "the record" in err, "an entry that is no record", err)
    change(f"{log}/tile/entries/000", 40)
    code, out, err = run("ledger", "prove", log, "3")
    g.ok(code == 1 and not out and "ledger fsck" in err,
         "a changed entry has no proof", err)
    code, out, err = run("ledger", "prove", f"{top}/none", "3")
    g.ok(code == 3, "nor has a log that is not there", err)


def main():
    with tempfile.TemporaryDirectory() as top:
        test_fsck(top)
        data = test_receipt(top)
        test_record(top, data)
        test_prove(top)
    g.done()


if __name__ == "__main__":
    main()
