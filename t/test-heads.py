"""Heads: mirrored headers, eras, hosts, origins, paths, smuggling."""
import base64

import gatetest as g
from two import Two, call_text

CONSOLE = "https://console.example"
t = Two(origins=[CONSOLE])
one = call_text()


def post(headers, body=one, **kw):
    return lambda: t.post(body, headers, **kw)


def head(*lines, body=one, path="/s/new/mcp", verb="POST", host=None,
         version="HTTP/1.1", length=True):
    """The bytes of a request; lines replace the usual ones by name."""
    usual = {"host": f"Host: {host or '127.0.0.1:%d' % t.port}",
             "content-type": "Content-Type: application/json",
             "mcp-protocol-version": f"MCP-Protocol-Version: {g.MODERN}",
             "mcp-method": "Mcp-Method: tools/call",
             "mcp-name": "Mcp-Name: echo",
             "content-length": f"Content-Length: {len(body)}"}
    if not length:
        del usual["content-length"]
    for line in lines:
        usual.pop(line.split(":")[0].strip().lower(), None)
    all_lines = [*usual.values(), *lines]
    return (f"{verb} {path} {version}\r\n" + "\r\n".join(all_lines) +
            "\r\n\r\n" + body).encode("latin-1")


def refused_raw(name, data, status=(400,)):
    before = t.sent()
    out = g.raw(t.port, data)
    g.ok(g.status_of(out) in status and t.sent() == before,
         f"refused: {name}",
         f"{out[:200]!r}; sent upstream {t.sent() - before}")
    return out


def allowed_raw(name, data, times=1):
    before = t.sent()
    out = g.raw(t.port, data)
    g.ok(g.status_of(out) == 200 and t.sent() == before + times,
         f"allowed: {name}",
         f"{out[:200]!r}; sent upstream {t.sent() - before}")
    return out


allowed_raw("the plain call", head())

# Mirrored headers agree with the body, once each, before anything else.
for name, h in (("Mcp-Method differs", {"Mcp-Method": "tools/list"}),
                ("Mcp-Method in other case", {"Mcp-Method": "Tools/Call"}),
                ("Mcp-Method is missing", {"Mcp-Method": None}),
                ("Mcp-Name differs", {"Mcp-Name": "other"}),
                ("Mcp-Name is missing", {"Mcp-Name": None}),
                ("Mcp-Name is percent-encoded", {"Mcp-Name": "%65cho"}),
                ("sentinel in upper case", {
                    "Mcp-Name": "=?BASE64?ZWNobw==?="}),
                ("sentinel with bad padding", {
                    "Mcp-Name": "=?base64?ZWNobw=?="}),
                ("sentinel with bad letters", {
                    "Mcp-Name": "=?base64?ZWNo!!!bw==?="}),
                ("version differs", {"MCP-Protocol-Version": "2025-11-25"}),
                ("version is missing", {"MCP-Protocol-Version": None})):
    t.refused(name, post(h), code=-32020)
t.allowed("sentinel", post({"Mcp-Name": "=?base64?" + base64.b64encode(
    b"echo").decode() + "?="}))
t.allowed("space around the value", post({"Mcp-Name": "  echo  "}))
t.refused("header names what policy allows, body what it denies",
          post({"Mcp-Name": "echo"}, call_text(name='"secret"')),
          code=-32020)
t.refused("policy denies by the body",
          post({"Mcp-Name": "secret"}, call_text(name='"secret"')),
          (200, 403))
refused_raw("Mcp-Name twice, equal",
            head("Mcp-Name: echo", "Mcp-Name: echo"))
refused_raw("Mcp-Method twice",
            head("Mcp-Method: tools/call", "mcp-method: tools/call"))
refused_raw("version twice", head(f"MCP-Protocol-Version: {g.MODERN}",
                                  f"MCP-Protocol-Version: {g.MODERN}"))
allowed_raw("names in any case", head("mCP-nAME: echo"))

# Versions.
unknown = one.replace(g.MODERN, "1900-01-01")
a = t.refused("an unknown version", post(
    {"MCP-Protocol-Version": "1900-01-01"}, unknown), code=-32022)
g.ok(a is not None and
     g.MODERN in (a.last.get("error", {}).get("data", {})
                  .get("supported") or []), "it says what it supports", a)
t.refused("modern header, no envelope", post(
    {}, '{"jsonrpc":"2.0","id":1,"method":"tools/call",'
    '"params":{"name":"echo","arguments":{}}}'), code=-32602)
t.refused("an unknown method", lambda: t.modern.modern("no/such"),
          (404,), -32601)
for m in ("initialize", "ping", "logging/setLevel", "resources/subscribe",
          "tasks/list"):
    t.refused(f"{m} is gone in the modern era",
              lambda m=m: t.modern.modern(m), (404,), -32601)

# Ignored in the modern era.
for name, h in (("Mcp-Session-Id", {"Mcp-Session-Id": "whatever"}),
                ("Last-Event-ID", {"Last-Event-ID": "7"}),
                ("an unknown Mcp-Param", {"Mcp-Param-Foo": "x"})):
    a = t.allowed(f"{name} is ignored", post(h))
    g.ok(a is not None and "mcp-session-id" not in a.headers,
         f"no session is made of it: {name}", a)
g.ok(g.until(lambda: t.new.seen[-1]["headers"].get("mcp-param-foo") == "x"),
     "an unknown Mcp-Param goes on", t.new.seen[-1]["headers"])
g.ok(all("mcp-session-id" not in r["headers"] for r in t.new.seen),
     "no session id goes to a modern server")

# A mirrored argument.
body = call_text(name='"mirror"', arguments='{"region":"eu"}')
t.modern.modern("tools/list")
t.allowed("mirrored argument", post(
    {"Mcp-Name": "mirror", "Mcp-Param-Region": "eu"}, body))
t.refused("mirrored argument differs", post(
    {"Mcp-Name": "mirror", "Mcp-Param-Region": "us"}, body), code=-32020)
t.refused("mirrored argument without header", post(
    {"Mcp-Name": "mirror"}, body), code=-32020)

# Host and Origin, each alone and on every verb.
for name, host in (("evil host", "evil.example"),
                   ("evil host with our port", f"evil.example:{t.port}"),
                   ("a host that begins like ours", "127.0.0.1.evil.example"),
                   ("empty host", "")):
    refused_raw(name, head(f"Host: {host}"), (400, 403, 421))
refused_raw("no host", head("Host-Not: x").replace(
    f"Host: 127.0.0.1:{t.port}\r\n".encode(), b""), (400, 403))
refused_raw("two hosts", head(f"Host: 127.0.0.1:{t.port}",
                              f"Host: 127.0.0.1:{t.port}"))
allowed_raw("localhost", head(f"Host: localhost:{t.port}"))
for origin in ("http://evil.example", "null",
               f"http://127.0.0.1.evil.example:{t.port}", "file://"):
    refused_raw(f"origin {origin}", head(f"Origin: {origin}"), (403,))
allowed_raw("an origin that is configured", head(f"Origin: {CONSOLE}"))
refused_raw("it and another", head(f"Origin: {CONSOLE}", "Origin: null"), (403,))
g.same(t.new.seen[-1]["headers"]["host"], f"127.0.0.1:{t.new.port}",
       "the server is called by its own name, whatever the agent said")
for verb in ("GET", "DELETE", "OPTIONS"):
    out = g.raw(t.port, (f"{verb} /s/new/mcp HTTP/1.1\r\nHost: 127.0.0.1:"
                         f"{t.port}\r\nOrigin: http://evil.example\r\n"
                         "\r\n").encode())
    g.same(g.status_of(out), 403, f"refused: evil origin on {verb}")
    out = g.raw(t.port, (f"{verb} /s/new/mcp HTTP/1.1\r\n"
                         "Host: evil.example\r\n\r\n").encode())
    g.ok(g.status_of(out) in (400, 403, 421), f"refused: evil host, {verb}",
         out[:200])

# Paths: only the endpoints, byte by byte.
for path in ("/MCP", "/mcp/", "//mcp", "/s/new/MCP", "/s/new/mcp/",
             "//s/new/mcp", "/s/new//mcp",
             "/s/./new/mcp", "/s/old/../new/mcp", "/s/new/%6dcp",
             "/s/none/mcp", "/mcpx", "/", "/S/new/mcp"):
    refused_raw(f"path {path}", head(path=path), (400, 404))
allowed_raw("path with a query", head(path="/s/new/mcp?x=1"))

# Smuggling shapes: 400 and close.
two = head()
for name, data in (
        ("two lengths that differ", head("Content-Length: 5",
                                         f"Content-Length: {len(one)}")),
        ("two equal lengths", head(f"Content-Length: {len(one)}",
                                   f"Content-Length: {len(one)}")),
        ("a list of lengths", head(f"Content-Length: {len(one)}, "
                                   f"{len(one)}")),
        ("length with a sign", head(f"Content-Length: +{len(one)}")),
        ("length in hex", head(f"Content-Length: {hex(len(one))}")),
        ("length and chunked", head("Transfer-Encoding: chunked",
                                    f"Content-Length: {len(one)}")),
        ("transfer encoding twice", head(
            "Transfer-Encoding: chunked", "Transfer-Encoding: chunked",
            length=False)),
        ("an unknown transfer encoding", head(
            "Transfer-Encoding: xchunked", length=False)),
        ("chunked is not last", head(
            "Transfer-Encoding: chunked, identity", length=False)),
        ("space before the colon", head("Content-Type : application/json")),
        ("a folded line", head("X-A: b\r\n c: d")),
        ("a name with a space", head("X A: b")),
        ("an empty name", head(": b")),
        ("NUL in a value", head("X-A: a\0b")),
        ("CR in a value", head("X-A: a\rb")),
        ("bare LF lines", two.replace(b"\r\n", b"\n")),
        ("one bare LF", two.replace(b"Mcp-Name: echo\r\n",
                                    b"Mcp-Name: echo\n")),
        ("a bad version", head(version="HTTP/3.0")),
        ("no version", two.replace(b" HTTP/1.1", b"", 1)),
        ("absolute form of another host",
         head(path="http://evil.example/s/new/mcp")),
        ("TLS bytes", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" +
         b"\0" * 64)):
    refused_raw(name, data, (400, 403, 404, 405, 415, 501, 505))
out = g.raw(t.port, head("Content-Length: 5",
                         f"Content-Length: {len(one)}") + head())
g.ok(out.count(b"HTTP/1.1 ") == 1, "after a bad head nothing more is read",
     out[:300])


def chunked(data, last="0\r\n\r\n"):
    return head("Transfer-Encoding: chunked", body="",
                length=False) + data + last.encode()


half = len(one) // 2
parts = b"".join(f"{len(p):x}\r\n{p}\r\n".encode()
                 for p in (one[:half], one[half:]))
allowed_raw("chunks", chunked(parts))
allowed_raw("a trailer section is dropped",
            chunked(parts, "0\r\nX-T: a\r\n\r\n"))
for name, data in (
        ("a chunk size with a sign", b"+5\r\nhello\r\n"),
        ("a chunk size in spaces", b" 5 \r\nhello\r\n"),
        ("a huge chunk size", b"FFFFFFFFFFFFFFFFFF\r\nhello\r\n"),
        ("a chunk that ends wrong", b"5\r\nhelloXX0\r\n"),
        ("bare LF after a chunk size", b"5\nhello\r\n")):
    refused_raw(name, chunked(data), (400, 413))

# Sizes of heads.
refused_raw("a header of 64 kB", head("X-A: " + "a" * 65536), (400, 431))
refused_raw("2,000 headers", head(*[f"X-{i}: a" for i in range(2000)]),
            (400, 431))
refused_raw("a long path", head(path="/s/new/mcp?" + "a" * 70000),
            (400, 414, 431))
allowed_raw("20 more headers", head(*[f"X-{i}: a" for i in range(20)]))

# Kept alive, pipelined, expecting.
allowed_raw("two in one go", head() + head(), times=2)
out = g.raw(t.port, head("Expect: 100-continue"))
g.ok(b" 200 " in out, "100-continue is answered", out[:200])
refused_raw("an unknown expectation", head("Expect: the-worst"), (400, 417))
out = g.raw(t.port, head("Connection: close, X-Secret", "X-Secret: 1"))
g.ok(all("x-secret" not in r["headers"] for r in t.new.seen),
     "what Connection names goes nowhere")
g.ok(all("authorization" not in r["headers"] and "cookie" not in r["headers"]
         for r in t.new.seen), "no credential of the agent goes on")
t.refused("a wrong token", lambda: t.post(one, {
    "Authorization": "Bearer wrong"}), (401,))
h = t.post(one, {"Authorization": "Bearer wrong"}).headers
g.ok("bearer" in h.get("www-authenticate", "").lower(),
     "401 says how to come back", h)
g.ok(t.gate.process.poll() is None, "still running")
t.all_recorded()
t.stop()
g.done()
