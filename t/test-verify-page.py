#!/usr/bin/env python3
"""The verifier in web/verify, which is written apart from ours: it accepts the
receipt, refuses it when one byte of anything is another, and calls each change
by the same name as we do: not valid, or malformed.  Under Node; in headless
Chromium too where there is one (make conform installs it)."""
import base64
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

import gatetest as g

PAGE = os.path.join(g.TOP, "web", "verify", "index.html")
RUNNER = os.path.join(g.NODE_DIR, "verify.mjs")
SEED = int(os.environ.get("SEED", random.randrange(1 << 30)))
STATES = {0: "valid", 1: "invalid", 4: "malformed"}
BODY = len("gatehouse receipt v1\nsha256 \n") + 64


def read(name):
    with open(os.path.join(g.TOP, "t", "receipts", name), "rb") as f:
        return f.read()


def page(cases):
    """What the page says of each (receipt, trust)."""
    lines = "".join(base64.b64encode(r).decode() + " " +
                    base64.b64encode(t).decode() + "\n" for r, t in cases)
    p = subprocess.run([g.node(), "--no-warnings", RUNNER, PAGE], timeout=300,
                       input=lines, stdout=subprocess.PIPE, text=True)
    return [json.loads(line) for line in p.stdout.splitlines()]


def ours(directory, cases):
    for name, data in zip(("r", "t"), cases):
        with open(os.path.join(directory, name), "wb") as f:
            f.write(data)
    p = subprocess.run([g.BINARY, "verify", "receipt", "--json", "--trust",
                        os.path.join(directory, "t"),
                        os.path.join(directory, "r")], timeout=60,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return STATES.get(p.returncode, p.returncode), p.stdout or p.stderr


def seal(receipt):
    """The receipt with its digest line made right again."""
    digest = hashlib.sha256(receipt[BODY:]).hexdigest().encode()
    return receipt[:28] + digest + receipt[92:]


def flipped(data, at, bit):
    return data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1:]


def changes(receipt, trust):
    """Every byte with one bit another, as it is and sealed again; of the trust
    file too; every beginning."""
    rng = random.Random(SEED)
    for at in range(len(receipt)):
        bit = rng.randrange(8)
        yield flipped(receipt, at, bit), trust
        if at >= BODY:
            yield seal(flipped(receipt, at, bit)), trust
    for at in range(len(trust)):
        yield receipt, flipped(trust, at, rng.randrange(8))
    for at in range(0, len(receipt), 29):
        yield receipt[:at], trust
        yield seal(receipt[:max(at, BODY)]), trust


# What a careless reader of JSON or of numbers would let pass or not.
RECORDS = (b'{"a":1,"a":1}', b'{"a":9007199254740993}', b'{"a":-0}',
           b'{"a":1.0}', b'{"a":1e2}', b'{"b":1,"a":1}', b'{ "a":1}',
           b'{"a":"\\u0041"}', b'{"a":"\\/"}', b'[]', b'"a"', b'',
           b'{"a":"\xc3"}', b'{"a":"\\ud800"}', b'{"_sd_alg":"sha-512"}',
           b'{"__proto__":1,"a":2}', b'{"a":1]', b'{"a":1,}', b'{"a":[1,]}',
           b'{"a":tru}', b'{"a":01}', b'{"a":1}x', b'{"a"1}', b'{,"a":1}',
           b'{"a":1e400}', b'{"a":"\\u00"}', b'{"a":[,1]}',
           b'{"a":' + b'[' * 100 + b']' * 100 + b'}')


def odd(receipt, trust):
    """Some of these are valid: a disclosure left out is one not made."""
    lines = receipt.splitlines(True)
    for i in range(2, len(lines)):
        for new in (lines[:i] + lines[i + 1:],
                    lines[:i] + [lines[i]] + lines[i:],
                    lines[:i] + lines[i + 1:i + 2] + lines[i:i + 1]
                    + lines[i + 2:]):
            yield seal(b"".join(new)), trust
    for record in RECORDS:
        yield seal(b"".join(lines[:2] + [b"record " + record + b"\n"]
                            + lines[3:])), trust
    for disclosure in (b"", b"!", b"W10", b"WyJhIiwiYiIsMV0", b"bnVsbA",
                       b"WyJhIiwiX3NkIiwxXQ", b"WyJhIiwiYiIsIlx1ZDgwMCJd",
                       b"WyJhIiwiYiIseyJhIjoxLCJhIjoxfV0", b"WyJhIl0="):
        yield seal(b"".join(lines[:3] + [b"disclosure " + disclosure + b"\n"]
                            + lines[3:])), trust
    yield receipt, trust.replace(b"group two 2", b"group two 01")
    yield receipt, trust.replace(b"quorum two\n", b"quorum none\n")
    yield receipt, trust.replace(b"quorum two\n", b"quorum W2\n")
    yield receipt, b"# none\n\n \t\n" + trust


def differential(directory, receipt, trust):
    cases = list(changes(receipt, trust))
    got = page(cases)
    g.ok(len(got) == len(cases), f"{len(cases)} changes, seed {SEED}")
    taken = [c for c, r in zip(cases, got) if r["state"] == "valid"]
    g.ok(not taken, "none is accepted", taken[:1])
    cases += odd(receipt, trust)
    got = page(cases)
    differ = []
    for case, theirs in zip(cases, got):
        state, text = ours(directory, case)
        if state != theirs["state"]:
            differ.append((case, state, text, theirs))
    g.ok(not differ, f"and of {len(cases)} both verifiers say the same",
         differ[:1])


DRIVER = """
<script>
(async () => {
  const cases = %s, out = [];
  for (const [r, t] of cases) {
    for (const [id, v] of [["receipt", r], ["trust", t]]) {
      document.getElementById(id).value = v;
      document.getElementById(id).dispatchEvent(new Event("input"));
    }
    const box = document.getElementById("result");
    delete box.dataset.state;
    document.getElementById("go").click();
    while (box.dataset.state === undefined)
      await new Promise((go) => setTimeout(go, 1));
    out.push(document.getElementById("state").textContent + "|" +
      document.getElementById("record").textContent.length);
  }
  document.body.innerHTML = "";
  document.title = "done " + JSON.stringify(out);
})();
</script>
"""


def chromium(directory, receipt, trust):
    program = shutil.which("chromium")
    if program is None:
        g.ok(True, "SKIP in Chromium: there is none (tool/need browser)")
        return
    data, policy = receipt.decode(), trust.decode()
    cases = [(data, policy), (data.replace("allow", "alloy"), policy),
             (data.replace("record ", "records "), policy),
             (data, policy.replace("quorum two", "quorum W2"))]
    with open(PAGE, encoding="utf-8") as f:
        text = f.read().replace("</body>", DRIVER % json.dumps(
            cases).replace("</", "<\\/") + "</body>")
    path = os.path.join(directory, "page.html")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    p = subprocess.run([program, "--headless", "--no-sandbox", "--disable-gpu",
                        f"--user-data-dir={directory}/profile",
                        "--virtual-time-budget=20000", "--dump-dom",
                        "file://" + path], timeout=120, text=True,
                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    title = p.stdout.partition("<title>")[2].partition("</title>")[0]
    got = json.loads(title[5:]) if title.startswith("done ") else []
    words = [x.split("|")[0] for x in got]
    g.ok(words == ["\u2714 Valid", "\u2718 Not valid", "! Cannot be judged",
                   "\u2718 Not valid"] and int(got[0].split("|")[1]) > 100,
         "in Chromium the page shows the same", p.stdout[-600:])


def main():
    if shutil.which(g.node()) is None:
        g.skip_all("there is no node")
    receipt, trust = read("good.receipt"), read("trust.policy")
    good = page([(receipt, trust)])[0]
    g.ok(good["state"] == "valid" and good["cosigned_by"] == ["W1", "W3"]
         and [d["name"] for d in good["disclosed"]]
         == ["amount", "payee", "iban", None], "the page accepts it", good)
    with open(PAGE, encoding="utf-8") as f:
        text = f.read()
    g.ok("http" not in text.replace("http-equiv", "") and "import(" not in
         text and "fetch(" not in text, "and loads nothing")
    with tempfile.TemporaryDirectory() as directory:
        differential(directory, receipt, trust)
        chromium(directory, receipt, trust)
    g.done()


if __name__ == "__main__":
    sys.exit(main())
