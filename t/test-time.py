"""limits.call bounds all of a call: connecting, TLS, opening, answering."""
import socket
import subprocess
import sys
import threading
import time

import fakes
import gatetest as g

CALL = 2.0  # limits.call of every gateway here
LATE = 1.5  # a loaded machine, and nothing like the next limit above


class Deaf:
    """Accepts connections and never says a word."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.kept = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                self.kept.append(self.listener.accept()[0])
            except OSError:
                return

    def stop(self):
        self.listener.close()
        for s in self.kept:
            s.close()


def silent_on(method):
    """An upstream's behaviour: this one method is never answered."""
    def behave(conn, r):
        if not isinstance(r["message"], dict) or \
                r["message"].get("method") != method:
            return False
        while not conn.gone():
            time.sleep(0.1)
        return True
    return behave


d = g.directory("time")
deaf = Deaf()
opening = fakes.HttpUpstream("legacy", behave=silent_on("initialize"))
listing = fakes.HttpUpstream("modern", behave=silent_on("tools/list"))
calling = fakes.HttpUpstream("modern", behave=silent_on("tools/call"))
good = fakes.HttpUpstream("modern")
# Never ready, and says nothing on its pipes.
mute = {"command": [sys.executable, "-c", "import time; time.sleep(60)"],
        "sandbox": {"read": g.SYSTEM}}
gate = g.Gateway({
    "limits": {"call": f"{CALL:.0f}s", "call_max": "6s"},
    "servers": {
        "modern": {"url": f"http://127.0.0.1:{deaf.port}/", "era": "modern"},
        "legacy": {"url": f"http://127.0.0.1:{deaf.port}/", "era": "legacy"},
        "auto": {"url": f"http://127.0.0.1:{deaf.port}/"},
        "tls": {"url": f"https://127.0.0.1:{deaf.port}/"},
        "opening": {"url": opening.url, "era": "legacy"},
        "listing": {"url": listing.url, "era": "modern"},
        "calling": {"url": calling.url, "era": "modern"},
        "mute": mute, "mute-old": {**mute, "era": "legacy"},
        "good": {"url": good.url, "era": "modern"}}})


def timed(what, send):
    before = len(gate.records())
    start = time.monotonic()
    a = send()
    took = time.monotonic() - start
    g.ok(took < CALL + LATE, f"{what}: answered in time", f"{took:.1f} s {a}")
    g.ok(a.status in (502, 504) and a.code == -31003,
         f"{what}: with an error that says so", a)
    new = gate.records()[before:]
    g.ok(any(r["kind"] == "outcome" and r.get("status") == "failed" or
             r["kind"] == "decision" and r["verdict"] == "deny"
             for r in new), f"{what}: and it is on record", new)


for name in ("modern", "legacy", "auto", "tls", "opening", "listing",
             "calling", "mute", "mute-old"):
    timed(f"modern agent, server {name}",
          lambda n=name: gate.agent(path=f"/s/{n}/mcp", timeout=30)
          .call("echo", {"text": "x"}))
    timed(f"modern agent, server {name}, once more",
          lambda n=name: gate.agent(path=f"/s/{n}/mcp", timeout=30)
          .call("echo", {"text": "x"}))
for name in ("legacy", "tls", "opening", "mute-old"):
    timed(f"legacy agent, server {name}",
          lambda n=name: gate.agent(path=f"/s/{n}/mcp", timeout=30)
          .initialize())
start = time.monotonic()
a = gate.agent(timeout=30).modern("tools/list")
took = time.monotonic() - start
names = [x["name"] for x in (a.result or {}).get("tools", [])]
g.ok("good___echo" in names and took < CALL + LATE,
     "a list of all has what came in time", f"{took:.1f} s {a}")
a = gate.agent(path="/s/good/mcp").call("echo", {"text": "x"})
g.ok(a.allowed, "a good server is served all the while", a)

# Progress extends a call, up to its greatest length.
a = gate.agent(path="/s/good/mcp", timeout=30)
start = time.monotonic()
b = a.call("slow", {}, id=7)
g.ok(b.allowed, "a slow call within its time is answered", b)
gate.stop()
for up in (deaf, opening, listing, calling, good):
    up.stop()
g.done()
