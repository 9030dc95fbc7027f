#!/usr/bin/env python3
"""Our log before a witness that others wrote (the omniwitness), and our witness
before logs that others wrote (Tessera's appender, the omniwitness's client): t/go/witness,
pinned by its go.sum.  Without go, or where its modules cannot be had, it is
skipped by name.  The last line is "N passed, N failed"."""
import hashlib
import os
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "t"))
import fakes  # noqa: E402
import gatetest as g  # noqa: E402
import notes  # noqa: E402

passed = failed = 0


def ok(condition, what, why=""):
    global passed, failed
    passed += bool(condition)
    failed += not condition
    if not condition:
        print(f"FAIL {what}: {str(why)[-900:]}")


def cli(*args):
    return subprocess.run([g.BINARY, *args], capture_output=True, text=True)


def read(path):
    try:
        with open(path, encoding="utf-8") as f:
            return f.read()
    except OSError:
        return ""


def our_log(go):
    """A witness of theirs cosigns our checkpoints."""
    home = g.directory("log")
    state = os.path.join(home, "state")
    key = cli("keys", "init", state, "log.example/gatehouse").stdout.strip()
    theirs = g.start([go, "serve", "omni.example/w", key],
                     stdout=subprocess.PIPE, text=True)
    url, vkey = theirs.stdout.readline().split()
    up = fakes.HttpUpstream("modern")
    gate = g.Gateway({"servers": {"up": {"url": up.url, "era": "modern"}},
                      "log": {"witnesses": {"omni": {"url": url, "key": vkey}},
                              "quorum": 1}}, where=home)
    for life in range(2):
        for _ in range(3):
            for _ in range(40):
                gate.agent(path="/s/up/mcp").call("echo")
            ok(g.until(lambda: read(state + "/log/checkpoint").split("\n")[1:2]
                       == [str(len(gate.records()))], 10),
               "every record comes under a checkpoint that it cosigned",
               read(state + "/log/checkpoint") + gate.log())
            ok(notes.cosigned(vkey, read(state + "/log/checkpoint")),
               "the omniwitness's cosignature", gate.log())
        out = cli("ledger", "fsck", "--vkey", key, state + "/log")
        ok(out.returncode == 0, "the log holds", out.stdout)
        gate.stop()
        if life == 0:
            gate.start()
    trust = os.path.join(home, "trust")
    with open(trust, "w") as f:
        f.write(cli("keys", "show", state, "--trust", "-c", gate.path).stdout)
    receipt = os.path.join(home, "receipt")
    with open(receipt, "w") as f:
        f.write(cli("ledger", "receipt", state, "5").stdout)
    out = cli("verify", "receipt", "--trust", trust, receipt)
    ok(out.returncode == 0 and "cosigned by omni" in out.stdout,
       "a receipt under its quorum", out.stdout + out.stderr)
    g.stop(theirs)
    return trust


def our_witness(go, trust):
    """Logs of theirs are cosigned by us."""
    home = g.directory("witness")
    state = os.path.join(home, "state")
    ours = cli("keys", "init", state, "gatehouse.example/w", "--witness"
               ).stdout.strip()
    keys = {}
    for name in ("tessera.example/log", "numbers.example"):
        secret, vkey = subprocess.run(
            [go, "key", name], capture_output=True, text=True,
            check=True).stdout.split()
        keys[name] = secret, vkey
    port = g.free_port()
    gate = g.Gateway({"witness": {
        "listen": f"127.0.0.1:{port}",
        "logs": [vkey for _, vkey in keys.values()]}}, where=home)
    url = f"http://127.0.0.1:{port}"
    out = subprocess.run([go, "probe", url], text=True, capture_output=True,
                         input=keys["numbers.example"][0])
    words = (out.stdout.splitlines() or ["0 passed, 1 failed"])[-1].split()
    global passed, failed
    passed += int(words[0])
    failed += int(words[2])
    if out.returncode:
        print(out.stdout, out.stderr[-400:])
    policy = os.path.join(home, "policy")
    with open(policy, "w") as f:
        f.write(f"witness us {ours} {url}\nquorum us\n")
    log = os.path.join(home, "tessera")
    hashed = hashlib.sha256(b"tessera.example/log").hexdigest()
    size = 0
    for n in (1, 5, 300, 700):
        out = subprocess.run([go, "log", log, policy, str(n)], text=True,
                             capture_output=True,
                             input=keys["tessera.example/log"][0])
        size += n
        note = read(log + "/checkpoint")
        ok(out.returncode == 0 and note.split("\n")[1:2] == [str(size)] and
           notes.cosigned(ours, note),
           f"Tessera publishes {size} entries with our cosignature",
           note + out.stderr)
        ok(read(f"{state}/witness/{hashed}").split("\n")[:3] ==
           note.split("\n")[:3], "which is the last that we know")
        gate.stop()
        gate.start()
    out = cli("ledger", "fsck", "--vkey", keys["tessera.example/log"][1], log)
    ok(out.returncode == 0, "and its log holds", out.stdout)
    # Tessera reads the trust file that we print.
    text = "".join(f"{line}\n" for line in read(trust).splitlines()
                   if line.startswith(("group", "quorum", "witness")))
    with open(policy, "w") as f:
        f.write(text.replace(text.split()[2], ours)
                .replace(text.split()[3], url))
    out = subprocess.run([go, "log", log, policy, "2"], text=True,
                         capture_output=True,
                         input=keys["tessera.example/log"][0])
    ok(out.returncode == 0, "a trust file of ours is a policy of theirs",
       out.stderr)
    gate.stop()


def main():
    go = os.path.join(TOP, "build", "interop-witness")
    why = g.go_build(os.path.join("go", "witness"), go)
    if why:
        print(f"skipped: witnesses in Go: {why}")
        return 0
    our_witness(go, our_log(go))
    print(f"{passed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
