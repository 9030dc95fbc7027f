"""A witness to others' logs (C2SP tlog-witness): what it cosigns, each refusal
with what is allowed beside it, and that it never goes back: not for a race, not
for a kill between its disk and its answer, not for a state that was changed."""
import base64
import glob
import hashlib
import http.client
import os
import re
import signal
import socket
import threading
import time

import gatetest as g
import notes

log = notes.Log(notes.Key("a.example/log"))
both = notes.Log([notes.Key("b.example"), notes.Key("b.example", seed=b"n" * 32)])
fresh = [notes.Log(notes.Key(f"fresh.example/{i}")) for i in range(20)]
stranger = notes.Log(notes.Key("stranger.example"))

where = g.directory("witness")
state = os.path.join(where, "state")
port = g.free_port()


def cli(*args):
    return g.subprocess.run([g.BINARY, *args], capture_output=True, text=True)


made = cli("keys", "init", state, "w.example/w1", "--witness")
vkey = made.stdout.strip()
g.ok(made.returncode == 0 and vkey.startswith("w.example/w1+"),
     "a witness can be named before its first run", made.stderr)
g.same(cli("keys", "show", state, "--witness").stdout.strip(), vkey,
       "and its key is shown")
gate = g.Gateway({"witness": {"listen": f"127.0.0.1:{port}", "logs": [
    k.vkey for x in [log, both] + fresh for k in x.key]}}, where=where)


def post(body, path="/add-checkpoint", method="POST", conn=None, **kw):
    """(status, type, text)"""
    c = conn or http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    c.request(method, path, body.encode() if body is not None else None, **kw)
    r = c.getresponse()
    out = r.status, r.headers.get("Content-Type"), r.read().decode()
    if conn is None:
        c.close()
    return out


def good(answer, text, what):
    """200 with a cosignature of this text, of now."""
    when = notes.cosigned(vkey, text + "\n" + answer[2])
    return g.ok(answer[0] == 200 and when and abs(when - time.time()) < 5 and
                answer[2].count("\n") == 1, what, f"{answer} {when}")


def knows(x):
    """The size cosigned last, as a 409 says it."""
    status, kind, text = post(f"old 2\n\n{x.note(2)}")
    if status == 200:
        return 2
    g.ok(status == 409 and kind == "text/x.tlog.size", "409 has its type",
         f"{status} {kind} {text}")
    return int(text)


# --- what is cosigned ---
good(post(log.ask(0, 3)), log.text(3), "the first checkpoint of a log")
good(post(log.ask(3, 3)), log.text(3), "the same again")
good(post(log.ask(3, 8)), log.text(8), "one that grows")
good(post(log.ask(8, 9, more="an extension\nand one\n")),
     log.text(9, "an extension\nand one\n"), "one with extension lines")
good(post(both.ask(0, 5)), both.text(5), "one signed by two keys of its log")
one = notes.Log(both.key[1])
good(post(one.ask(5, 6)), both.text(6), "and by one of them alone")
text = log.text(10)
good(post(f"old 9\n{notes.b64(notes.consistency(9, log.leaves(10))[0])}\n" +
          "".join(notes.b64(h) + "\n" for h in
                  notes.consistency(9, log.leaves(10))[1:]) +
          "\n" + text + "\n" + stranger.key[0].line(text) +
          notes.Key(log.name, seed=b"x" * 32).line(text) +
          log.key[0].line(text)), text, "beside signatures of unknown keys")

# --- what is not ---
forked = notes.Log(log.key, fork=5)
flipped = log.note(10)
flipped = flipped[:-30] + ("A" if flipped[-30] != "A" else "B") + flipped[-29:]
unsigned = log.text(10) + "\n" + stranger.key[0].line(log.text(10))
H = notes.b64(b"h" * 32) + "\n"
for want, what, body in [
        (404, "an unknown origin", stranger.ask(0, 3)),
        (403, "no signature of a known key", f"old 10\n\n{unsigned}"),
        (403, "a signature that is not good", f"old 10\n\n{flipped}"),
        (403, "a short one under a known key", "old 10\n\n" + log.text(10) +
         f"\n\u2014 {log.name} {notes.b64(log.key[0].id + b'short')}\n"),
        (400, "an old size over the new one", f"old 11\n\n{log.note(10)}"),
        (409, "an old size that was passed", log.ask(9, 10)),
        (409, "nothing, where there is something", log.ask(0, 12)),
        (409, "an old size that is not reached yet", log.ask(11, 12)),
        (409, "a rollback", log.ask(3, 8)),
        (422, "a fork of the same size", f"old 10\n\n{forked.note(10)}"),
        (422, "a fork that has grown", forked.ask(10, 12)),
        (422, "no proof", f"old 10\n\n{log.note(12)}"),
        (422, "a proof of another size", "old 10\n" + "".join(
            notes.b64(h) + "\n" for h in
            notes.consistency(9, log.leaves(12))) + f"\n{log.note(12)}"),
        (422, "one hash too many", log.ask(10, 12).replace(
            "\n\n", f"\n{H}\n", 1)),
        (422, "a proof from nothing", f"old 0\n{H}\n{fresh[0].note(3)}"),
        (422, "an empty tree with a root", "old 0\n\n" + (
            lambda t: t + "\n" + fresh[0].key[0].line(t))(
                f"{fresh[0].name}\n0\n{notes.b64(b'0' * 32)}\n")),
        (400, "no old line", log.note(10)),
        (400, "an old size with a zero before it", f"old 010\n\n{log.note(10)}"),
        (400, "lines that end in CR LF", f"old 10\r\n\r\n{log.note(10)}"),
        (400, "no empty line", f"old 10\n{log.note(10)}"),
        (400, "a line that is no hash", f"old 10\nAAAA\n\n{log.note(12)}"),
        (400, "64 lines of proof", f"old 10\n{H * 64}\n{log.note(12)}"),
        (422, "63 lines of proof", f"old 10\n{H * 63}\n{log.note(12)}"),
        (400, "no signature", f"old 10\n\n{log.text(10)}\n"),
        (400, "a note without its end", f"old 10\n\n{log.note(10)[:-1]}"),
        (400, "a size that is no number", f"old 10\n\n" +
         log.note(10).replace("\n10\n", "\nten\n", 1)),
        (400, "nothing", ""),
        (413, "a body of 70 KB", f"old 10\n\n{'x' * 70000}"),
]:
    status, kind, said = post(body)
    g.ok(status == want, f"{want}: {what}", f"{status} {said}")
    if status == 409:
        g.ok((kind, said) == ("text/x.tlog.size", "10\n"), "and the size",
             f"{kind} {said}")
good(post(log.ask(10, 10)), log.text(10), "after all that it knows what it knew")
name = hashlib.sha256(log.name.encode()).hexdigest()
g.same(sorted(os.path.basename(f)[-5:] for f in
              glob.glob(f"{state}/witness/{name}*")),
       sorted([".fork", name[-5:]]), "the fork is kept as evidence")
with open(f"{state}/witness/{name}.fork", encoding="utf-8") as f:
    g.same(f.read(), forked.note(10), "as the log signed it")
g.ok("log-forked" in gate.log(), "and is told", gate.log()[-600:])

# --- HTTP ---
for want, method, path, body in [
        (405, "GET", "/add-checkpoint", None), (404, "POST", "/", "x"),
        (404, "POST", "/add-checkpoint/", "x"), (404, "GET", "/checkpoint", None),
        (404, "GET", f"/{'0' * 64}/checkpoint", None),
        (404, "GET", f"/{name.upper()[:63]}/checkpoint", None),
        (405, "POST", f"/{name}/checkpoint", ""),
        (200, "GET", f"/{name}/checkpoint", None)]:
    status, kind, said = post(body, path, method)
    g.same(status, want, f"{method} {path[:20]}")
g.ok(said.startswith(log.text(10)) and notes.cosigned(vkey, said) and
     log.key[0].line(log.text(10)) in said and
     stranger.name not in said, "monitors see the checkpoint, the signature of "
     "its log and ours", said)
g.same(post(None, f"/{hashlib.sha256(fresh[1].name.encode()).hexdigest()}"
            "/checkpoint", "GET")[0], 404, "of a log never cosigned there is none")
c = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
good(post(log.ask(10, 11), conn=c), log.text(11), "a connection")
good(post(log.ask(11, 12), conn=c), log.text(12), "is used again")
g.same(post("old 1\n", conn=c)[0], 400, "also after a refusal")
good(post(log.ask(12, 13), conn=c, headers={"Connection": "close"}),
     log.text(13), "and ends when it is asked to")
c.close()


def chunks(body):
    yield body.encode()[:50]
    yield body.encode()[50:]


c = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
c.request("POST", "/add-checkpoint", chunks(log.ask(13, 14)),
          encode_chunked=True, headers={"Transfer-Encoding": "chunked"})
r = c.getresponse()
good((r.status, "", r.read().decode()), log.text(14), "in chunks")
c.close()
body = log.ask(14, 15).encode()
wire = (f"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: "
        f"{len(body)}\r\n\r\n").encode() + body
body = log.ask(15, 16).encode()
wire += (f"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nConnection: close\r\n"
         f"Content-Length: {len(body)}\r\n\r\n").encode() + body
out = g.raw(port, wire)
g.same(out.count(b"HTTP/1.1 200"), 2, "two requests sent at once")
g.same(g.status_of(g.raw(port, b"GET / HTTP/1.1\nHost: w\n\n")), 400,
       "what is no HTTP is refused")
with socket.create_connection(("127.0.0.1", port), 5) as s:
    for byte in wire[:100]:
        s.send(bytes([byte]))
good(post(log.ask(16, 16)), log.text(16), "who goes in the midst of it")

# --- races ---
for x in fresh[2:6]:
    good(post(x.ask(0, 5)), x.text(5), "a log")
    answers = {}

    def race(size, x=x):
        answers[size] = post(x.ask(5, size))[0]

    threads = [threading.Thread(target=race, args=(5 + i,))
               for i in range(1, 9)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    won = [size for size, status in answers.items() if status == 200]
    g.ok(len(won) == 1 and sorted(answers.values()) == [200] + [409] * 7,
         "of eight that grow from one size one is cosigned", answers)
    g.same(knows(x), won[0], "and that is the last")

# --- lives ---
before = knows(log)
gate.stop()
gate.start()
g.same(knows(log), before, "a new life knows what the old one cosigned")
good(post(log.ask(16, 17)), log.text(17), "and goes on")


def pid(role):
    return gate.roles()[role][0][1]


def at_once(x, old, new):
    """Killed when the checkpoint is on the disk and the answer is not out."""
    file = f"{state}/witness/{hashlib.sha256(x.name.encode()).hexdigest()}"
    cosign, witness = pid("cosign"), pid("witness")
    os.kill(cosign, signal.SIGSTOP)
    s = socket.create_connection(("127.0.0.1", port), 10)
    body = x.ask(old, new).encode()
    s.sendall(f"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: "
              f"{len(body)}\r\n\r\n".encode() + body)
    time.sleep(0.2)  # it is with cosign now
    os.kill(witness, signal.SIGSTOP)
    os.kill(cosign, signal.SIGCONT)

    def there():
        try:
            with open(file, encoding="utf-8") as f:
                return f.read().split("\n")[1] == str(new)
        except OSError:
            return False

    kept = g.until(there, 5)
    os.kill(cosign, signal.SIGKILL)
    os.kill(witness, signal.SIGKILL)
    heard = s.recv(100)
    s.close()
    g.until(lambda: g.listening(port) and "cosign" in gate.roles(), 5)
    return kept, heard


for x, old, new in ((log, 17, 18), (fresh[6], 0, 4)):
    kept, heard = at_once(x, old, new)
    g.ok(kept and heard == b"", "killed after its disk and before its answer",
         f"{kept} {heard}")
    status = g.until(lambda: post(x.ask(old, new))[0] != 503 and
                     post(x.ask(old, new)), 5)
    g.ok(status and status[0] == 409 and status[2] == f"{new}\n",
         "the next life has cosigned it", status)
    other = notes.Log(x.key, fork=1)
    g.same(post(f"old {new}\n\n{other.note(new)}")[0], 422,
           "and no other of that size")
    good(post(x.ask(new, new + 1)), x.text(new + 1), "and goes on from it")

for i in range(6):  # wherever it is
    t = threading.Thread(target=lambda: [
        post_quiet(log) for _ in range(30)])
    seen = [0]

    def post_quiet(x):
        try:
            k = seen[0] or 19
            status, _, said = post(x.ask(k, k + 1))
            if status == 200:
                seen[0] = k + 1
            elif status == 409:
                g.ok(int(said) >= seen[0], "never back",
                     f"{said} after {seen[0]}") if int(said) < seen[0] \
                    else None
                seen[0] = int(said)
        except (OSError, http.client.HTTPException):
            time.sleep(0.02)

    t.start()
    time.sleep(0.05 + 0.02 * i)
    os.kill(pid("cosign"), signal.SIGKILL)
    t.join()
    g.until(lambda: "cosign" in gate.roles(), 5)
    last = g.until(lambda: post(log.ask(1, 2))[0] == 409 and knows(log), 5)
    g.ok(last and last >= seen[0], f"kill {i + 1}: what was answered is known",
         f"{last} of {seen[0]}")

# --- a state that was changed ---
last = knows(log)
file = f"{state}/witness/{name}"
gate.stop()
with open(file, encoding="utf-8") as f:
    kept = f.read()
for what, changed in (
        ("a smaller one without our cosignature", log.note(3)),
        ("one byte of it", kept.replace(f"\n{last}\n", f"\n{last - 1}\n")),
        ("half of it", kept[:len(kept) // 2])):
    with open(file, "w", encoding="utf-8") as f:
        f.write(changed)
    gate.start(wait=False)
    g.ok(g.until(lambda: "witness-broken" in gate.log(), 10),
         f"{what}: it does not serve", gate.log()[-500:])
    try:
        status = post(log.ask(3, 4))[0]
    except (OSError, http.client.HTTPException):
        status = 0
    g.ok(status in (0, 503), "and cosigns nothing", status)
    gate.stop()
    open(gate.log_path, "w").close()
with open(file, "w", encoding="utf-8") as f:
    f.write(kept)
gate.start()
g.same(knows(log), last, "restored, it serves")

# --- another key for the witness ---
gate.stop()
g.same(cli("keys", "rotate", state, "--witness").returncode, 0,
       "the witness gets a new key")
new = cli("keys", "show", state, "--witness").stdout.split("\n")[0]
g.ok(new.startswith("w.example/w1+") and new != vkey, "of the same name", new)
gate.start()
answer = post(log.ask(last, last + 1))
text = log.text(last + 1)
g.ok(answer[0] == 200 and answer[2].count("\n") == 2 and
     all(notes.cosigned(k, text + "\n" + answer[2]) for k in (vkey, new)),
     "both cosign", answer)
quiet = hashlib.sha256(fresh[2].name.encode()).hexdigest()
said = post(None, f"/{quiet}/checkpoint", "GET")[2]
g.ok(all(notes.cosigned(k, said) for k in (vkey, new)),
     "also what was cosigned before of logs that are silent", said)
gate.stop()
g.same(cli("keys", "rotate", state, "--retire", "--witness").returncode, 0,
       "the old one retires")
gate.start()
answer = post(log.ask(last + 1, last + 2))
text = log.text(last + 2)
g.ok(answer[0] == 200 and notes.cosigned(new, text + "\n" + answer[2]) and
     not notes.cosigned(vkey, text + "\n" + answer[2]),
     "the new one cosigns alone, and knows what the old one did", answer)
vkey = new

# --- what it says of itself ---
g.same(post(log.ask(last, last + 1))[0], 409, "one more is refused")
metrics = g.raw(gate.desk, f"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:"
                f"{gate.desk}\r\n\r\n".encode()).decode()
counted = dict(re.findall(r"^gatehouse_witness_(\w+)_total (\d+)$",
                          metrics, re.M))
g.same(counted, {"cosigned": "1", "refused": "1"}, "it counts")
seed = base64.b64decode(open(f"{state}/keys/witness.key").read()
                        .strip().split("+", 4)[4])[1:]
g.held_only_by(gate, seed, ["cosign"], "the witness's key")
gate.stop()

for what, logs, words in (
        ("no key", ["nonsense"], "witness.logs: no verifier key"),
        ("a witness's key", [vkey], "a witness's key, not a log's"),
        ("another ID", [log.key[0].vkey.replace("+", "+0", 1)[:-1]],
         "witness.logs")):
    said = g.refused_start({"witness": {"listen": f"127.0.0.1:{port}",
                                        "logs": logs}})
    g.ok(words in said, f"witness.logs with {what} is refused at the start", said)
g.done()
