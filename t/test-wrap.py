"""gatehouse wrap -- COMMAND: one server, both on pipes, no configuration."""
import json
import os
import subprocess
import threading
import time

import fakes
import gatetest as g

d = g.directory("wrap")


class Wrapped:
    def __init__(self, era, behaviour=""):
        self.journal = os.path.join(d, f"{era}-{behaviour}-{time.time()}")
        self.home = g.directory("home")
        env = {"HOME": self.home, "PATH": "/usr/bin:/bin",
               "GIVEN_BY_THE_CLIENT": "x"}
        self.p = g.start([g.BINARY, "wrap", "--", fakes.PYTHON,
                          os.path.join(g.TOP, "t", "fakes.py"), era,
                          self.journal, behaviour], env=env, text=True,
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE)
        self.lines = []
        threading.Thread(target=self._read, daemon=True).start()
        self.err = []
        threading.Thread(target=self._read_err, daemon=True).start()

    def _read(self):
        for line in self.p.stdout:
            self.lines.append(line)

    def _read_err(self):
        for line in self.p.stderr:
            self.err.append(line)

    def send(self, message):
        line = message if isinstance(message, str) else json.dumps(message)
        self.p.stdin.write(line + "\n")
        self.p.stdin.flush()

    def answer(self, id, seconds=g.PATIENCE):
        """The answer with this id; {} when none comes."""
        def look():
            for line in list(self.lines):
                try:
                    m = json.loads(line)
                except ValueError:
                    continue
                if m.get("id") == id and ("result" in m or "error" in m):
                    return m
            return None
        return g.until(look, seconds) or {}

    def ask(self, id, method, params=None):
        self.send({"jsonrpc": "2.0", "id": id, "method": method,
                   "params": params or {}})
        return self.answer(id)

    def calls(self):
        return [m for m in fakes.journal_of(self.journal)
                if m.get("method") == "tools/call"]


def gone(w):
    """Is no process left whose command line names its journal?"""
    for p in os.listdir("/proc"):
        try:
            with open(f"/proc/{p}/cmdline", "rb") as f:
                if w.journal.encode() in f.read():
                    return False
        except OSError:
            continue
    return True


HELLO = {"protocolVersion": g.LEGACY, "capabilities": {"elicitation": {}},
         "clientInfo": {"name": "t", "version": "1"}}
ENVELOPE = {g.META + "protocolVersion": g.MODERN,
            g.META + "clientInfo": {"name": "t", "version": "1"},
            g.META + "clientCapabilities": {}}

for era in ("legacy", "modern"):
    w = Wrapped(era)
    m = w.ask(1, "initialize", HELLO)
    g.ok("result" in m, f"a legacy agent opens a {era} server",
         f"{m} {''.join(w.err)[-800:]}")
    w.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
    m = w.ask(2, "tools/list")
    g.ok((m.get("result") or {}).get("tools"), f"lists a {era} server", m)
    names = [x["name"] for x in (m.get("result") or {}).get("tools", [])]
    g.ok("echo" in names, "under its own names", names)
    m = w.ask("three", "tools/call", {"name": "echo",
                                      "arguments": {"text": "hi"}})
    g.ok("result" in m and len(w.calls()) == 1, f"calls a {era} server", m)
    g.ok(all("\n" == x[-1] and json.loads(x) for x in w.lines),
         "one message a line, nothing else", w.lines[-3:])
    for name, line in (
            ("not JSON", "hello"), ("a batch", '[{"jsonrpc":"2.0","id":9,'
             '"method":"tools/call","params":{"name":"echo"}}]'),
            ("a duplicate", '{"jsonrpc":"2.0","id":9,"method":"ping",'
             '"method":"tools/call","params":{"name":"echo"}}'),
            ("a null id", '{"jsonrpc":"2.0","id":null,"method":"tools/call",'
             '"params":{"name":"echo"}}')):
        before = len(w.calls())
        w.send(line)
        m = w.ask(f"after {name}", "ping")
        g.ok(len(w.calls()) == before and "result" in m,
             f"refused: {name}; the next one is served", m)
    born = [m for m in fakes.journal_of(w.journal) if "started" in m]
    g.ok(born and "GIVEN_BY_THE_CLIENT" in born[0]["env"],
         "the server gets the environment that the client gave", born[:1])
    extra = [f for f in (born or [{"fds": []}])[0]["fds"]
             if "memfd" in f or "anon_inode" in f or "cell-" in f]
    g.ok(not extra, "and none of our descriptors", extra)
    w.p.stdin.close()
    try:
        code = w.p.wait(10)
    except subprocess.TimeoutExpired:
        code = None
    g.same(code, 0, "it ends with its input")
    g.ok(g.until(lambda: gone(w), 5), "and so does the server")

# Batches: of 2025-03-26, each message for itself.
TWO = [{"jsonrpc": "2.0", "id": f"b{i}", "method": "tools/call",
        "params": {"name": "echo", "arguments": {}}} for i in (1, 2)]
w = Wrapped("legacy")
w.ask(1, "initialize", {**HELLO, "protocolVersion": "2025-03-26"})
w.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
w.send(TWO)
got = [w.answer("b1"), w.answer("b2")]
g.ok(all("result" in x for x in got) and len(w.calls()) == 2,
     "allowed: a batch of 2025-03-26 on a pipe", got)
w.send([{**TWO[0], "id": "b3", "params": {"name": "echo",
                                          "_meta": ENVELOPE}}])
w.ask("after a modern one in a batch", "ping")
g.same(len(w.calls()), 2, "refused: a modern message in a batch")
w.p.stdin.close()

w = Wrapped("modern")
m = w.ask("p", "server/discover", {"_meta": ENVELOPE})
g.ok(g.MODERN in (m.get("result") or {}).get("supportedVersions", []),
     "a modern agent discovers", m)
m = w.ask("q", "tools/call", {"name": "echo", "arguments": {"text": "x"},
                              "_meta": ENVELOPE})
g.ok((m.get("result") or {}).get("resultType") == "complete",
     "and calls", m)
w.p.stdin.close()

# A client starts all its servers at once, and speaks before they can hear.
crowd = []
for i in range(24):
    crowd.append(Wrapped("legacy", f"many-{i}"))
    crowd[-1].send({"jsonrpc": "2.0", "id": 1, "method": "initialize",
                    "params": HELLO})
answers = [w.answer(1, 30) for w in crowd]
bad = [i for i, m in enumerate(answers) if "result" not in m]
g.ok(not bad, "24 at once, and each is answered",
     [(answers[i], crowd[i].err[-1:]) for i in bad])
for w in crowd:
    w.p.stdin.close()
g.same([w.p.wait(15) for w in crowd], [0] * 24, "and each ends")

# The input ends while a server waits for an answer of the agent's, and one
# that will not end by itself.
for behaviour in ("plain", "stubborn"):
    w = Wrapped("legacy", behaviour)
    w.ask(1, "initialize", HELLO)
    w.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
    w.send({"jsonrpc": "2.0", "id": 2, "method": "tools/call",
            "params": {"name": "ask", "arguments": {}}})
    g.ok(g.until(lambda: any("elicitation/create" in x for x in w.lines)),
         f"a {behaviour} server asks, and is not answered", w.lines)
    w.p.stdin.close()
    g.ok("result" in w.answer(2), "the call is answered all the same", w.lines)
    try:
        code = w.p.wait(15)
    except subprocess.TimeoutExpired:
        code = None
    g.same(code, 0, f"it ends with its input before a {behaviour} server")
    g.ok(g.until(lambda: gone(w), 5), f"and the {behaviour} server is gone")
g.done()
