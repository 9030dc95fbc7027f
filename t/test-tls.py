"""TLS for agents: TLS 1.3 alone, a key the front never holds, streams."""
import json
import os
import socket
import ssl
import subprocess

import fakes
import gatetest as g

d = g.directory("tls")
subprocess.run(
    ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
     "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{d}/key.pem", "-out",
     f"{d}/cert.pem", "-days", "2", "-subj", "/CN=localhost", "-addext",
     "subjectAltName=DNS:localhost,IP:127.0.0.1"],
    check=True, capture_output=True)
os.chmod(f"{d}/key.pem", 0o600)
up = fakes.HttpUpstream("modern")
gate = g.Gateway({"servers": {"up": {"url": up.url, "era": "modern"}},
                  "tls": {"cert": f"{d}/cert.pem", "key": f"{d}/key.pem"}})
agent = gate.agent(path="/s/up/mcp")
trusting = ssl.create_default_context(cafile=f"{d}/cert.pem")


def opened(context=trusting):
    return context.wrap_socket(
        socket.create_connection(("127.0.0.1", gate.port), 5),
        server_hostname="localhost")


def request(tool, arguments, more="", meta=None):
    h, m = agent.modern_parts("tools/call", {
        "name": tool, "arguments": arguments, "_meta": meta or {}})
    body = json.dumps(m).encode()
    head = "".join(f"{k}: {v}\r\n" for k, v in h.items())
    return (f"POST /s/up/mcp HTTP/1.1\r\nHost: localhost:{gate.port}\r\n"
            f"{head}{more}Content-Length: {len(body)}\r\n\r\n").encode() + body


def rest(s):
    out = b""
    try:
        while True:
            piece = s.recv(65536)
            if not piece:
                return out
            out += piece
    except OSError:
        return out


def answer(s):
    out = b""
    while b"\r\n\r\n" not in out:
        out += s.recv(65536)
    head, body = out.split(b"\r\n\r\n", 1)
    n = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    while len(body) < n:
        body += s.recv(65536)
    return head, body


s = opened()
g.same(s.version(), "TLSv1.3", "TLS 1.3")
for i in range(3):
    s.sendall(request("echo", {"text": "x" * 30000}))
    head, body = answer(s)
    g.ok(head.startswith(b"HTTP/1.1 200 ") and body.count(b"x") >= 30000,
         f"call {i + 1} of one connection", head[:80])
s.sendall(b"no request\r\n\r\n")
g.ok(rest(s).startswith(b"HTTP/1.1 400 "),
     "what is malformed is answered, then the connection ends")
s = opened()
s.sendall(request("slow", {}, "Connection: close\r\n",
                  {"progressToken": "p"}))
out = rest(s)
g.ok(out.count(b'"progressToken":"p"') > 3 and out.endswith(b"0\r\n\r\n"),
     "events, the answer, the end", out[-200:])
old = ssl.create_default_context(cafile=f"{d}/cert.pem")
old.maximum_version = ssl.TLSVersion.TLSv1_2
try:
    opened(old).close()
    g.ok(False, "TLS 1.2 is refused")
except (ssl.SSLError, OSError):
    g.ok(True, "TLS 1.2 is refused")
out = g.raw(gate.port, b"POST /s/up/mcp HTTP/1.1\r\n\r\n")
g.ok(b"HTTP/1.1 " not in out, "plain HTTP gets no answer", out[:80])
s = opened()
s.sendall(request("echo", {"text": "after"}))
g.ok(answer(s)[0].startswith(b"HTTP/1.1 200 "), "it still serves")
g.ok(gate.process.poll() is None, "still running")
gate.stop()
up.stop()
g.done()
