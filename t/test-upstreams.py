"""Bad servers: each gets its caller an error in time, and nobody else."""
import json
import os
import signal
import socket
import threading
import time

import fakes
import gatetest as g

BAD = {}


def bad(name):
    def add(f):
        BAD[name] = f
        return f
    return add


def is_call(r):
    m = r["message"]
    return isinstance(m, dict) and m.get("method") == "tools/call"


def raw_answer(body, head="Content-Type: application/json\r\n", status=200):
    return (f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n{head}"
            "\r\n").encode() + (body if isinstance(body, bytes)
                                else body.encode())


@bad("html404")
def _(c, r):
    c.write(raw_answer("<html><h1>Not Found</h1></html>",
                       "Content-Type: text/html\r\n", 404))


@bad("html502")
def _(c, r):
    c.write(raw_answer("<html>bad gateway</html>",
                       "Content-Type: text/html\r\n", 502))


@bad("notjson")
def _(c, r):
    c.write(raw_answer("hello there"))


@bad("duplicate")
def _(c, r):
    i = json.dumps(r["message"]["id"])
    c.write(raw_answer(f'{{"jsonrpc":"2.0","id":{i},"result":{{"content":[]}},'
                       f'"id":{i}}}'))


@bad("wrongid")
def _(c, r):
    c.write(raw_answer('{"jsonrpc":"2.0","id":"other","result":'
                       '{"content":[],"resultType":"complete"}}'))


@bad("both")
def _(c, r):
    i = json.dumps(r["message"]["id"])
    c.write(raw_answer(f'{{"jsonrpc":"2.0","id":{i},"result":{{}},'
                       '"error":{"code":1,"message":"x"}}'))


@bad("neither")
def _(c, r):
    i = json.dumps(r["message"]["id"])
    c.write(raw_answer(f'{{"jsonrpc":"2.0","id":{i}}}'))


@bad("empty")
def _(c, r):
    c.write(raw_answer(""))


@bad("surrogate")
def _(c, r):
    i = json.dumps(r["message"]["id"])
    c.write(raw_answer(f'{{"jsonrpc":"2.0","id":{i},"result":{{"content":'
                       '[{"type":"text","text":"\\ud800"}],'
                       '"resultType":"complete"}}'))


@bad("latin1")
def _(c, r):
    i = json.dumps(r["message"]["id"])
    c.write(raw_answer((f'{{"jsonrpc":"2.0","id":{i},"result":{{"content":'
                        '[{"type":"text","text":"\xe9"}]}}').encode(
                            "latin-1")))


@bad("hangup")
def _(c, r):
    c.s.shutdown(socket.SHUT_RDWR)
    raise OSError("gone")


@bad("short")
def _(c, r):
    c.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            b"Content-Length: 5000\r\n\r\n{\"jsonrpc\":")
    raise OSError("gone")


@bad("twolengths")
def _(c, r):
    c.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x")


@bad("lengthandchunked")
def _(c, r):
    c.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"2\r\n{}\r\n0\r\n\r\n")


@bad("gzip")
def _(c, r):
    c.write(raw_answer("\x1f", "Content-Type: application/json\r\n"
                       "Content-Encoding: gzip\r\n"))


@bad("redirect")
def _(c, r):
    c.write(raw_answer("", "Location: http://127.0.0.1:1/\r\n", 307))


@bad("bigheads")
def _(c, r):
    c.write(b"HTTP/1.1 200 OK\r\n" + b"X-A: " + b"a" * 100000 + b"\r\n\r\n")


@bad("endless")
def _(c, r):
    c.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n")
    for _ in range(400):
        c.chunk(b" " * 65536)


@bad("ssenojson")
def _(c, r):
    c.sse()
    c.chunk(b"data: hello\n\n")
    c.end()


@bad("sseends")
def _(c, r):
    c.sse()
    c.chunk(b": nothing comes\n\n")
    c.end()


@bad("asks")
def _(c, r):
    c.sse()
    c.event({"id": 1, "method": "sampling/createMessage", "params": {}})
    c.end()


@bad("nottype")
def _(c, r):
    i = r["message"]["id"]
    c.json({"id": i, "result": {"content": [], "resultType": "strange"}})


@bad("garbage")
def _(c, r):
    c.write(os.urandom(4096).replace(b"HTTP", b"XXXX"))
    raise OSError("gone")


@bad("silent")
def _(c, r):
    time.sleep(6)
    raise OSError("gone")


def behaviour(name):
    def behave(c, r):
        if not is_call(r) or r["message"]["params"].get("name") != "echo":
            return False
        BAD[name](c, r)
        return True
    return behave


good = fakes.HttpUpstream("modern")
ups = {n: fakes.HttpUpstream("modern", behaviour(n)) for n in BAD}
d = g.directory("bad")
STDIO = ("dead", "die", "hang", "junk", "huge", "babble", "stderr", "wrongid",
         "stubborn")
journal = {n: os.path.join(d, n) for n in STDIO}
servers = {n: {"url": u.url, "era": "modern"} for n, u in ups.items()}
servers["good"] = {"url": good.url}
servers["down"] = {"url": f"http://127.0.0.1:{g.free_port()}/mcp"}
servers.update({f"io-{n}": fakes.stdio_command("legacy", journal[n], n)
                for n in STDIO})
gate = g.Gateway({"servers": servers, "cells": 1,
                  "limits": {"call": "2s", "call_max": "4s"}})
fine = gate.agent(path="/s/good/mcp")


def neighbour(name):
    a = fine.call("echo", {"text": name})
    g.ok(a.allowed, f"another server goes on beside {name}", a)


def error_in_time(name, seconds=5.0):
    start = time.monotonic()
    try:
        a = gate.agent(path=f"/s/{name}/mcp").call("echo", {"text": "x"})
    except OSError as e:
        g.ok(False, f"{name} gets an error", repr(e))
        return
    took = time.monotonic() - start
    e = a.last.get("error")
    is_error = e is not None or (a.result or {}).get("isError")
    g.ok(is_error and took < seconds and a.last.get("id") is not None,
         f"{name}: an error for the caller in time", f"{took:.1f} s {a!r}")
    g.ok(b"<html" not in a.body and b"<h1" not in a.body,
         f"{name}: the server's page is not passed on", a)


for n in (*BAD, "down"):
    error_in_time(n)
neighbour("all bad HTTP servers")
for n in BAD:
    if n in ("silent", "endless"):
        continue
    a = gate.agent(path=f"/s/{n}/mcp").call("ok_read", {"text": "y"})
    g.ok(a.allowed, f"{n}: its next good answer is passed on", a)
for n in ("dead", "die", "hang", "huge"):
    error_in_time(f"io-{n}", 8)
    neighbour(f"io-{n}")
for n in ("junk", "babble", "stderr", "wrongid", "stubborn"):
    a = gate.agent(path=f"/s/io-{n}/mcp", timeout=15).call(
        "echo", {"text": n})
    g.ok(a.allowed, f"io-{n}: the answer comes through all the same", a)
neighbour("all bad stdio servers")

# Split and odd event streams that are right all the same.
PIECES = (b"\xef\xbb\xbf: bom\r\n\r\n", b"event: message\r", b"\nid: 7\r\n",
          b"da", b"ta: {\"jsonrpc\":\"2.0\",\r\n", b"data: \"id\":%ID%,\r",
          b"data:\"result\":{\"resultType\":\"complete\",\r\n",
          b"data: \"content\":[{\"type\":\"text\",\"text\":\"caf\xc3",
          b"\xa9\"}]}}\r\n", b"\r\n")


def pieces(c, r):
    if not is_call(r):
        return False
    c.sse()
    for p in PIECES:
        c.chunk(p.replace(b"%ID%", json.dumps(
            r["message"]["id"]).encode()))
        time.sleep(0.02)
    return c.end()


odd = fakes.HttpUpstream("modern", pieces)
g2 = g.Gateway({"servers": {"odd": {"url": odd.url, "era": "modern"}}})
a = g2.agent(path="/s/odd/mcp").call("echo")
g.ok(a.allowed and a.text == "caf\u00e9",
     "an event cut anywhere, with CR, CRLF and many data lines", a)
g2.stop()

# Many calls at one moment: each is on a connection to the server at once.
MANY = 150
together = threading.Barrier(MANY)


def meets(c, r):
    if is_call(r):
        try:
            together.wait(6)  # the last one lets all go
        except threading.BrokenBarrierError:
            pass
    return False


busy = fakes.HttpUpstream("modern", meets)
g3 = g.Gateway({"servers": {"busy": {"url": busy.url, "era": "modern"}},
                "cells": 1, "limits": {"inflight": 1024}})
a = g3.agent(path="/s/busy/mcp")
a.modern("tools/list")
h, m = a.modern_parts("tools/call", {"name": "echo", "arguments": {}})
body = json.dumps(m).encode()
data = ("POST /s/busy/mcp HTTP/1.1\r\nHost: 127.0.0.1:" + str(g3.port) +
        "\r\n" + "".join(f"{k}: {v}\r\n" for k, v in h.items()) +
        f"Content-Length: {len(body)}\r\n\r\n").encode() + body
dial = g3.roles()["dial"][0][1]
os.kill(dial, signal.SIGSTOP)  # so that it is asked for all of them at once
conns = [socket.create_connection(("127.0.0.1", g3.port), 10)
         for _ in range(MANY)]
for s in conns:
    s.sendall(data)
time.sleep(1)
os.kill(dial, signal.SIGCONT)
got = [s.recv(65536)[9:12] for s in conns]
g.same(got.count(b"200"), MANY, f"{MANY} calls at once: all answered")
g.ok(not together.broken, "all of them were with the server at once",
     g3.log()[-2000:])
g3.stop()

# The largest answer that is allowed is passed on whole.
a = fine.call("big")
g.ok(a.allowed and len(a.text) == fakes.BIG, "3 MiB are passed on whole",
     len(a.text))
start = time.monotonic()
gate.stop()
g.ok(time.monotonic() - start < 12, "it ends although a child will not")
g.ok(g.until(lambda: not g.children(d), 5), "no child is left", g.children(d))
g.done()
