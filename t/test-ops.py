"""Running it: health, metrics, reload, drain, limits."""
import fcntl
import http.client
import json
import os
import signal
import socket
import threading
import time

import fakes
import gatetest as g

up = fakes.HttpUpstream("modern")
gate = g.Gateway({"servers": {"up": {"url": up.url, "era": "modern"}},
                  "rules": [{"allow": {"name": "echo"}, "id": "a"},
                            {"allow": {"name": "slow"}, "id": "b"},
                            {"allow": {"method": "tools/list"}, "id": "c"}]})
agent = gate.agent(path="/s/up/mcp")


def desk(path):
    c = http.client.HTTPConnection("127.0.0.1", gate.desk, timeout=5)
    try:
        c.request("GET", path)
        r = c.getresponse()
        return r.status, r.read().decode()
    except OSError as e:
        return 0, str(e)
    finally:
        c.close()


g.ok(g.until(lambda: desk("/healthz")[0] == 200), "healthz", desk("/healthz"))
agent.call("echo")
agent.call("ok_read")
status, text = desk("/metrics")
g.ok(status == 200 and "# TYPE" in text, "metrics", text[:300])
values = {line.split(" ")[0]: float(line.split(" ")[-1])
          for line in text.splitlines()
          if line and not line.startswith("#")}
g.ok(any("allowed" in k and v >= 1 for k, v in values.items()) and
     any("denied" in k and v >= 1 for k, v in values.items()),
     "they count what was allowed and denied", values)
g.ok(desk("/nothing")[0] == 404, "nothing else is there")
out = g.raw(gate.desk, b"GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n")
g.ok(g.status_of(out) in (400, 403, 421), "the desk checks Host too", out)

# Reload: new rules hold, an open stream goes on, a bad file changes nothing.
a = agent.call("ok_read")
g.ok(not a.allowed, "not yet allowed", a)
h, m = agent.modern_parts("tools/call", {"name": "slow", "arguments": {},
                          "_meta": {"progressToken": 1}})
s = agent.stream("POST", json.dumps(m).encode(), h)
first = s.message()
gate.config["rules"].append({"allow": {"name": "ok_*"}, "id": "d"})
gate.write_config()
gate.process.send_signal(signal.SIGHUP)
g.ok(g.until(lambda: agent.call("ok_read").allowed), "SIGHUP takes new rules",
     gate.log()[-500:])
got = [first]
while got[-1] is not None:
    got.append(s.message())
s.close()
g.ok(len(got) > 3 and "result" in (got[-2] or {}),
     "a stream that was open is served to its end", got[-2:])
with open(gate.path, "w") as f:
    f.write("rules: [{allow: {nme: x}}]\n")
gate.process.send_signal(signal.SIGHUP)
time.sleep(0.7)
g.ok(agent.call("ok_read").allowed, "a bad file changes nothing",
     gate.log()[-500:])
gate.write_config()

# Drain: what is under way ends well, what is new is refused, then it ends.
result = {}


def slow():
    result["a"] = agent.call("slow")


def connected():
    return socket.create_connection(("127.0.0.1", gate.port), 5)


def closes(s):
    """What is read to the end; None: reset."""
    out = b""
    try:
        while True:
            part = s.recv(65536)
            if not part:
                return out
            out += part
    except OSError:
        return None


h, m = agent.modern_parts("tools/call", {"name": "ok_read", "arguments": {}})
body = json.dumps(m).encode()
ask = (f"POST {agent.path} HTTP/1.1\r\nHost: 127.0.0.1:{gate.port}\r\n" +
       "".join(f"{k}: {v}\r\n" for k, v in h.items()) +
       f"Content-Length: {len(body)}\r\n\r\n").encode() + body
kept = connected()
kept.sendall(ask)
kept.recv(65536)
t = threading.Thread(target=slow)
t.start()
time.sleep(0.4)
fresh = [connected() for _ in range(8)]  # they have asked nothing yet
time.sleep(0.2)
fronts = [p for _, p in gate.roles()["front"]]
for p in fronts:
    os.kill(p, signal.SIGSTOP)
waiting = [connected() for _ in range(8)]  # nobody accepted them
for s in waiting:
    s.sendall(ask)
gate.process.send_signal(signal.SIGTERM)
time.sleep(0.2)
for p in fronts:
    os.kill(p, signal.SIGCONT)
time.sleep(0.2)
for s in fresh:
    s.sendall(ask)
got = [closes(s) for s in waiting + fresh]
g.same([(x or b"")[9:12] for x in got], [b"200"] * 16,
       "who is connected at SIGTERM is answered, before or after he asks")
g.ok(all(b"Connection: close" in (x or b"") for x in got),
     "and told that it was the last", got[0])
g.same(closes(kept), b"", "an idle connection that was served is closed")
t.join(10)
g.ok(result.get("a") is not None and result["a"].allowed,
     "a call under way ends well at SIGTERM", result)
try:
    code = gate.process.wait(10)
except Exception:
    code = None
g.same(code, 0, "it ends by itself")
g.ok(not g.listening(gate.port), "nobody listens any more")
code, out, err = gate.cli("ledger", "verify", gate.state)
g.ok(code == 0, "the ledger verifies", out + err)

# Limits: refused with the right status, and served again after.
gate = g.Gateway({"servers": {"up": {"url": up.url, "era": "modern"}},
                  "cells": 1, "limits": {"inflight": 2, "rate": 5}})
agent = gate.agent(path="/s/up/mcp")
held = []
for _ in range(2):
    h, m = agent.modern_parts("tools/call", {"name": "slow", "arguments": {},
                              "_meta": {"progressToken": 1}})
    s = agent.stream("POST", json.dumps(m).encode(), h)
    s.message()
    held.append(s)
a = agent.call("echo")
g.ok(a.status == 429 and not a.allowed, "a third call under way: 429", a)
for s in held:
    while s.message() is not None:
        pass
    s.close()
g.ok(g.until(lambda: agent.call("echo").allowed, 3), "then it is served")
time.sleep(1.1)
codes = [agent.call("echo").status for _ in range(60)]
g.ok(codes[0] == 200 and 429 in codes, "too many a second: 429", codes)
time.sleep(1.2)
g.ok(agent.call("echo").allowed, "a second later it is served")
gate.stop()
gate = g.Gateway({"servers": {"up": {"url": up.url, "era": "modern"}},
                  "cells": 1, "limits": {"connections": 4, "idle": "1s"}})
held = [socket.create_connection(("127.0.0.1", gate.port))
        for _ in range(8)]
time.sleep(0.3)


def closed(s):
    s.settimeout(0.05)
    try:
        return s.recv(4096) == b"" or True
    except TimeoutError:
        return False
    except OSError:
        return True


g.ok(sum(closed(s) for s in held) >= 4, "connections over the limit are shut")
g.ok(g.until(lambda: all(closed(s) for s in held), 5),
     "silent connections are closed")
g.ok(gate.agent(path="/s/up/mcp").call("echo").allowed, "others are served")
gate.stop()
g.ok(not os.path.exists(f"/proc/{gate.process.pid}"), "it is gone")

# Who reads the log may stop reading: nothing waits for it, and what was lost
# is counted and told when it reads on.
ends = os.pipe()
fcntl.fcntl(ends[1], fcntl.F_SETPIPE_SZ, 4096)
noisy = os.path.join(g.directory("noisy"), "journal")
gate = g.Gateway({"servers": {"io": fakes.stdio_command(
    "modern", noisy, "stderr")}, "cells": 1}, start=False)
gate.start(stderr=ends[1])
agent = gate.agent(path="/s/io/mcp")
g.ok(agent.call("echo").allowed, "the log is read: a call is answered")
full = os.open(f"/proc/self/fd/{ends[1]}", os.O_WRONLY | os.O_NONBLOCK)
try:
    while os.write(full, b"\n"):  # until not one byte more goes in
        pass
except BlockingIOError:
    pass
first = gate.roles()["tiles"][0][1]
answers = [agent.call("echo", {"text": str(i)}) for i in range(3)]
g.ok(all(a.allowed for a in answers),
     "nobody reads it: calls of a server that says much go on", answers)
os.kill(first, signal.SIGKILL)
g.ok(g.until(lambda: [p for _, p in gate.roles().get("tiles", ())] not in
             ([], [first])), "and a role that dies is started again")
g.ok(agent.call("echo").allowed, "and calls go on")
os.set_blocking(ends[0], False)
said = b""


def reads_on():
    """Calls until it is told what was lost."""
    global said
    agent.call("echo")
    try:
        said += os.read(ends[0], 65536)
    except BlockingIOError:
        pass
    return b'"log-lost"' in said


g.ok(g.until(reads_on), "it is read again: how many lines were lost is told",
     said[-500:])
lines = [x for x in said.split(b"\n") if x][:-1]
g.ok(lines and all(json.loads(x) for x in lines), "each line that came is whole")
g.ok("gatehouse_log_lines_lost_total " in desk("/metrics")[1],
     "and the metrics count them")
g.ok(agent.call("echo").allowed and gate.stop() == 0, "and it ends well")
for end in (*ends, full):
    os.close(end)
g.done()
