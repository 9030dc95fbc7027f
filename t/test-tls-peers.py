"""TLS: names, chains, expiry, versions, client certificates, both sides."""
import json
import os
import socket
import ssl
import subprocess
import time

import fakes
import gatetest as g

d = g.directory("tls")


def openssl(*args):
    subprocess.run(["openssl", *args], check=True, capture_output=True, cwd=d)


def authority(name):
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt",
            "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key",
            "-out", f"{name}.pem", "-days", "2", "-subj", f"/CN={name}")


P256 = ("ec", "-pkeyopt", "ec_paramgen_curve:P-256")


def certificate(name, ca, san, days="2", use="serverAuth", key=P256):
    """days "-1": expired."""
    with open(os.path.join(d, f"{name}.ext"), "w") as f:
        f.write(f"subjectAltName={san}\nextendedKeyUsage={use}\n"
                "basicConstraints=CA:FALSE\n")
    openssl("req", "-newkey", *key, "-nodes", "-keyout", f"{name}.key",
            "-out", f"{name}.csr",
            "-subj", f"/CN={name}")
    openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{ca}.pem",
            "-CAkey", f"{ca}.key", "-CAcreateserial", "-out", f"{name}.pem",
            "-days", days, "-extfile", f"{name}.ext")


def path(name):
    return os.path.join(d, name)


def server_tls(name, least=None, most=None, client_ca=None):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    c.load_cert_chain(path(f"{name}.pem"), path(f"{name}.key"))
    if client_ca:
        c.load_verify_locations(path(f"{client_ca}.pem"))
        c.verify_mode = ssl.CERT_REQUIRED
    if least:
        c.minimum_version = least
    if most:
        c.maximum_version = most
    return c


authority("ca")
authority("other")
certificate("good", "ca", "IP:127.0.0.1,DNS:localhost")
certificate("name", "ca", "DNS:elsewhere.example")
certificate("stranger", "other", "IP:127.0.0.1")
certificate("late", "ca", "IP:127.0.0.1", days="-1")
certificate("client", "ca", "DNS:agent", use="clientAuth")
certificate("fake", "other", "DNS:agent", use="clientAuth")
certificate("rsa", "ca", "DNS:agent", use="clientAuth", key=("rsa:2048",))

# Servers behind TLS: only the good one is spoken to.
ups = {n: fakes.HttpUpstream("modern", tls=server_tls(n))
       for n in ("good", "name", "stranger", "late")}
ups["old"] = fakes.HttpUpstream("modern", tls=server_tls(
    "good", most=ssl.TLSVersion.TLSv1_2))
ups["plain"] = fakes.HttpUpstream("modern")
servers = {n: {"url": u.url.replace("http:", "https:"), "era": "modern",
               "ca": path("ca.pem")} for n, u in ups.items()}
gate = g.Gateway({"servers": servers, "limits": {"call": "3s"}})
a = gate.agent(path="/s/good/mcp").call("echo", {"text": "x"})
g.ok(a.allowed and len(ups["good"].calls()) == 1,
     "a server with a good certificate is spoken to", a)
for n, why in (("name", "another name"), ("stranger", "an unknown authority"),
               ("late", "an expired certificate"),
               ("old", "TLS 1.2"), ("plain", "no TLS")):
    start = time.monotonic()
    a = gate.agent(path=f"/s/{n}/mcp", timeout=30).call("echo")
    took = time.monotonic() - start
    g.ok(took < 4.5, f"and its caller an error in time: {why}", took)
    g.ok(not a.allowed and not ups[n].seen and a.last.get("id") is not None,
         f"a server with {why} gets nothing", a)
a = gate.agent(path="/s/good/mcp").call("echo", {"text": "x"})
g.ok(a.allowed, "the good one goes on", a)
gate.stop()

# Upstreams that ask who we are.
asks = fakes.HttpUpstream("modern", tls=server_tls("good", client_ca="ca"))
servers = {n: {"url": asks.url, "era": "modern", "ca": path("ca.pem"),
               **({"client_cert": path(f"{c}.pem"),
                   "client_key": path(f"{c}.key")} if c else {})}
           for n, c in (("known", "client"), ("wrong", "fake"),
                        ("silent", None), ("again", "rsa"))}
token = path("token")
with open(token, "w") as f:
    f.write("tool-token\n")
servers["known"]["credential_file"] = token
gate = g.Gateway({"servers": servers, "limits": {"call": "3s"}})
for n in ("known", "again"):
    a = gate.agent(path=f"/s/{n}/mcp").call("echo", {"text": "x"})
    g.ok(a.allowed and len(asks.calls()) == 1,
         f"a certificate that it knows is accepted: {n}", a)
    asks.seen.clear()
a = gate.agent(path="/s/known/mcp").call("echo", {"text": "x"})
g.ok(a.allowed and asks.seen[-1]["headers"].get("authorization") ==
     "Bearer tool-token", "with the credential as well", asks.seen)
asks.seen.clear()
for n in ("wrong", "silent"):
    a = gate.agent(path=f"/s/{n}/mcp", timeout=30).call("echo")
    g.ok(not a.allowed and not asks.seen, f"{n} is refused", a)
a = gate.agent(path="/s/known/mcp").call("echo", {"text": "x"})
g.ok(a.allowed and len(asks.calls()) == 1, "the known one goes on", a)
with open(path("client.key")) as f:
    lines = [x for x in f.read().splitlines() if "-----" not in x]
g.held_only_by(gate, lines[1].encode(), ["parent"],
               "the text of the client's key")
gate.stop()
mixed = {"good": dict(servers["known"], client_key=path("good.key"))}
g.ok("is not that of the certificate" in g.refused_start(
    {"servers": mixed}), "a key of another certificate is said at the start")

# Agents over TLS.
up = fakes.HttpUpstream("modern")


def listener(**tls):
    return g.Gateway(
        {"servers": {"up": {"url": up.url, "era": "modern"}},
         "tls": {"cert": path("good.pem"), "key": path("good.key"), **tls}},
        agents={"alice": "token"})


def call(gate, certificate=None, most=None, name="localhost"):
    """The answer of one call over TLS; an error's text otherwise."""
    c = ssl.create_default_context(cafile=path("ca.pem"))
    if most:
        c.maximum_version = most
    if certificate:
        c.load_cert_chain(path(f"{certificate}.pem"),
                          path(f"{certificate}.key"))
    agent = gate.agent(path="/s/up/mcp", token="token")
    h, m = agent.modern_parts("tools/call", {"name": "echo",
                                             "arguments": {}})
    body = json.dumps(m).encode()
    head = "".join(f"{k}: {v}\r\n" for k, v in agent.headers(h).items())
    try:
        with socket.create_connection(("127.0.0.1", gate.port), 5) as s, \
                c.wrap_socket(s, server_hostname=name) as t:
            t.sendall((f"POST /s/up/mcp HTTP/1.1\r\nHost: 127.0.0.1:"
                       f"{gate.port}\r\n{head}Connection: close\r\n"
                       f"Content-Length: {len(body)}\r\n\r\n").encode() +
                      body)
            out = b""
            while True:
                piece = t.recv(65536)
                if not piece:
                    return out, t.version()
                out += piece
    except OSError as e:
        return str(e).encode(), None


gate = listener()
out, version = call(gate)
g.ok(b" 200 " in out and b"echo" in out, "an agent over TLS is served", out)
g.same(version, "TLSv1.3", "with TLS 1.3")
out, version = call(gate, most=ssl.TLSVersion.TLSv1_2)
g.ok(b" 200 " not in out, "TLS 1.2 is refused", out)
before = len(up.calls())
out = g.raw(gate.port, b"POST /s/up/mcp HTTP/1.1\r\nHost: x\r\n\r\n")
g.ok(b" 200 " not in out and len(up.calls()) == before,
     "plain HTTP is refused", out)
out, version = call(gate)
g.ok(b" 200 " in out, "the next one is served", out)
pids = [p for row in gate.roles().values() for _, p in row]
with open(path("good.key")) as f:
    inner = f.read().splitlines()[1][:40].encode()
for role, row in gate.roles().items():
    for _, pid in row:
        with open(f"/proc/{pid}/environ", "rb") as f:
            g.ok(inner not in f.read(),
                 f"no key in the environment of {role}")
        break
gate.stop()

gate = listener(client_ca=path("ca.pem"), need_client_cert=True)
out, _ = call(gate, certificate="client")
g.ok(b" 200 " in out, "a client certificate of our authority", out)
for who in (None, "fake"):
    before = len(up.calls())
    out, _ = call(gate, certificate=who)
    g.ok(b" 200 " not in out and len(up.calls()) == before,
         f"client certificate {who}: refused", out)
gate.stop()
refused = [r for r in gate.records() if r["kind"] == "credential"]
g.ok(sum(r.get("count", 1) for r in refused) == 2 and
     all(r["status"] == "refused" and r["reason"] for r in refused),
     "and both are on record", refused)
g.done()
