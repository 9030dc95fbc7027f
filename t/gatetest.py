"""
gatetest: a small library for tests that drive the real program.  It starts
Gatehouse with a configuration, plays agents and tool servers against it, and
reads its ledger.  Standard library only; TAP on stdout; everything bounded in
time; only 127.0.0.1.

A test file makes a Gateway, plays agents (Agent for JSON-RPC over HTTP, raw()
for bytes), looks at what the fake upstream saw, and says ok() or refuse().
"""
import atexit
import http.client
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import readledger

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BINARY = os.path.abspath(os.environ.get(
    "GATEHOUSE", os.path.join(TOP, "build", "gatehouse")))
NODE_DIR = os.path.join(TOP, "t", "node")
MODERN = "2026-07-28"
LEGACY = "2025-11-25"
META = "io.modelcontextprotocol/"
# What any program of the system needs, for sandboxes.
SYSTEM = [p for p in ("/usr", "/lib", "/lib64", "/bin", "/etc", "/proc", "/dev")
          if os.path.exists(p)]
PATIENCE = 10.0  # seconds for anything that should happen at once

_count = 0
_failed = 0


def ok(condition, name, why=""):
    """One TAP line; why is said only when it fails."""
    global _count, _failed
    _count += 1
    name = name.replace("#", "").replace("\n", " ")
    print(f"{'ok' if condition else 'not ok'} {_count} - {name}", flush=True)
    if not condition:
        _failed += 1
        for line in str(why).splitlines()[:20]:
            print(f"#   {line[:400]}", flush=True)
    return bool(condition)


def same(got, want, name):
    return ok(got == want, name, f"got  {got!r}\nwant {want!r}")


def note(text):
    for line in str(text).splitlines():
        print(f"# {line}", flush=True)


def done():
    print(f"1..{_count}", flush=True)
    sys.exit(1 if _failed else 0)


def skip_all(reason):
    print(f"1..0 # SKIP {reason}")
    sys.exit(0)


def node():
    """The pinned node from npm, else the machine's when it is new enough."""
    for arch in ("x64", "arm64"):
        p = os.path.join(NODE_DIR, "node_modules", f"node-linux-{arch}",
                         "bin", "node")
        if os.path.exists(p):
            return p
    return "node"


def go_build(where, out):
    """Builds t/WHERE to out, or ends the program where that fails; the reason,
    when there is no go or its modules cannot be had."""
    cwd = os.path.join(TOP, "t", where)
    if shutil.which("go") is None:
        return "there is no go"
    had = subprocess.run(["go", "mod", "download"], cwd=cwd, text=True,
                         stderr=subprocess.PIPE)
    if had.returncode:
        return "modules cannot be had here: " + had.stderr.strip()[-200:]
    built = subprocess.run(["go", "build", "-buildvcs=false", "-mod=readonly",
                            "-o", out, "."], cwd=cwd)
    if built.returncode:
        sys.exit(f"FAIL t/{where} does not build")
    return ""


def free_port():
    """Below the ports that outgoing connections are given, so that none of
    them takes it between now and its listener's start."""
    while True:
        port = random.SystemRandom().randrange(10000, 32000)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def until(question, seconds=PATIENCE, every=0.02):
    """Asks until the answer is true; the last answer otherwise."""
    end = time.monotonic() + seconds
    while True:
        answer = question()
        if answer or time.monotonic() > end:
            return answer
        time.sleep(every)


def listening(port):
    try:
        with socket.create_connection(("127.0.0.1", port), 1):
            return True
    except OSError:
        return False


# --- processes -------------------------------------------------------------

_children = []


def _reap_all():
    for p in _children:
        if p.poll() is None:
            try:
                os.killpg(p.pid, signal.SIGKILL)
            except OSError:
                pass
            p.wait()


atexit.register(_reap_all)


def start(argv, **kw):
    """A child in a group of its own that dies with this test."""
    p = subprocess.Popen(argv, start_new_session=True, **kw)
    _children.append(p)
    return p


def stop(p, seconds=5):
    if p.poll() is None:
        p.terminate()
        try:
            p.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(p.pid, signal.SIGKILL)
            p.wait()
    return p.returncode


def descendants(pid):
    """All processes below pid as {pid: argv}, from /proc."""
    parents, argvs = {}, {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", "rb") as f:
                stat = f.read()
            with open(f"/proc/{entry}/cmdline", "rb") as f:
                argv = f.read().split(b"\0")[:-1]
        except OSError:
            continue
        if stat[stat.rindex(b")") + 2:].split()[0] == b"Z":
            continue
        parents[int(entry)] = int(stat[stat.rindex(b")") + 2:].split()[1])
        argvs[int(entry)] = [a.decode("utf-8", "replace") for a in argv]
    found = {}
    grew = True
    while grew:
        grew = False
        for child, parent in parents.items():
            if child not in found and (parent == pid or parent in found):
                found[child] = argvs[child]
                grew = True
    return found


def in_memory(pid, needle):
    """Does the process hold these bytes anywhere?  None: we may not look."""
    try:
        with open(f"/proc/{pid}/maps") as f:
            maps = [line.split() for line in f]
        with open(f"/proc/{pid}/mem", "rb", 0) as mem:
            for m in maps:
                if "r" not in m[1] or m[-1] in ("[vvar]", "[vsyscall]"):
                    continue
                lo, hi = (int(x, 16) for x in m[0].split("-"))
                try:
                    mem.seek(lo)
                    if needle in mem.read(hi - lo):
                        return True
                except OSError:
                    continue  # a guard page, or beyond a file's end
    except PermissionError:
        return None
    return False


def held_only_by(gate, needle, roles, what):
    """Of the house's processes these roles (and the parent, if named) hold the
    bytes, and no other does."""
    pids = {role: [p for _, p in row] for role, row in gate.roles().items()}
    pids["parent"] = [gate.process.pid]
    if in_memory(gate.process.pid, needle) is None:
        note(f"{what}: other processes' memory may not be read here: "
             "not looked at")
        return
    holders = {role for role, row in pids.items()
               if any(in_memory(p, needle) for p in row)}
    same(holders, set(roles), f"{what}: held by {', '.join(roles)} alone")


# --- the gateway -----------------------------------------------------------

def children(d):
    """Processes with an argument below d, whoever started them."""
    found = []
    for p in os.listdir("/proc"):
        try:
            with open(f"/proc/{p}/cmdline", "rb") as f:
                argv = f.read().split(b"\0")
        except OSError:
            continue
        if any(a.startswith(d.encode() + b"/") for a in argv):
            found.append(p)
    return found


def directory(name):
    """A new directory of this test's own, gone when it ends."""
    path = tempfile.mkdtemp(prefix=f"gatehouse-{name}-")
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


def token_hash(token):
    import hashlib
    return hashlib.sha256(token.encode()).hexdigest()


class Gateway:
    """One running Gatehouse, its directory, its ledger and its log.

    config is what gatehouse.yaml says, without listen and state (JSON is
    YAML).  Two cells, on any machine, unless it says otherwise, so that requests
    fall on another cell than their session's.  agents: {principal: token} adds token hashes.  By default calls
    without a token are the principal "local", and everything is allowed.
    """

    def __init__(self, config, agents=None, wait=True, env=None,
                 where=None, binary=None, under=(), start=True, **settings):
        self.dir = where or directory("t")
        self.port = free_port()
        self.state = os.path.join(self.dir, "state")
        os.makedirs(self.state, exist_ok=True)
        self.desk = free_port()
        self.config = {"listen": f"127.0.0.1:{self.port}",
                       "desk": f"127.0.0.1:{self.desk}",
                       "state": self.state, "cells": 2}
        if agents:
            self.config["principals"] = {
                name: {"token_sha256": token_hash(t)}
                for name, t in agents.items()}
        else:
            self.config["anonymous"] = "local"
        self.config["rules"] = [{"allow": {}, "id": "everything"}]
        self.config.update(config)
        self.config.update(settings)
        self.port = int(self.config["listen"].rsplit(":", 1)[1])
        self.path = os.path.join(self.dir, "gatehouse.yaml")
        self.log_path = os.path.join(self.dir, "log")
        self.env = dict(os.environ, **(env or {}))
        self.binary = binary or BINARY
        self.under = list(under)  # a program that runs it
        self.process = None
        self.write_config()
        if start:
            self.start(wait)

    def write_config(self):
        with open(self.path, "w") as f:
            json.dump(self.config, f, indent=1)

    def start(self, wait=True, stderr=None):
        with open(self.log_path, "ab") as log:
            self.process = start(
                [*self.under, self.binary, "run", self.path],
                stdin=subprocess.DEVNULL, stdout=log,
                stderr=log if stderr is None else stderr, env=self.env)
        if wait and not until(lambda: self.process.poll() is not None or
                              self.healthy()):
            note(self.log()[-2000:])
            raise RuntimeError("gatehouse does not listen")
        if wait and self.process.poll() is not None:
            note(self.log()[-2000:])
            raise RuntimeError(f"gatehouse ended: {self.process.returncode}")
        return self

    def healthy(self):
        """It says itself that it serves."""
        out = raw(self.desk, f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:"
                  f"{self.desk}\r\n\r\n".encode(), 1.0)
        return status_of(out) == 200

    def stop(self):
        return stop(self.process, 10)

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def roles(self):
        """{role: [(instance, pid)...]} of the roles that run now."""
        out = {}
        for pid, argv in descendants(self.process.pid).items():
            if len(argv) >= 4 and argv[1] == "role":
                out.setdefault(argv[2], []).append((int(argv[3]), pid))
        for row in out.values():
            row.sort()
        return out

    def agent(self, **kw):
        return Agent(self.port, **kw)

    def cli(self, *args, timeout=30):
        """Runs gatehouse ARGS; (exit code, stdout, stderr)."""
        p = subprocess.run([self.binary, *args], capture_output=True, text=True,
                           timeout=timeout, cwd=self.dir, env=self.env)
        return p.returncode, p.stdout, p.stderr

    def records(self):
        """All ledger records, as dicts, by time."""
        return sorted(readledger.records(self.state),
                      key=lambda r: (r["time"], r["cell"], r["seq"]))


def refused_start(config, seconds=PATIENCE):
    """What a gateway says that does not start with this; "" when it does."""
    gate = Gateway(config, wait=False)
    ended = until(lambda: gate.process.poll() is not None, seconds)
    said = gate.log() if ended and gate.process.returncode else ""
    gate.stop()
    return said


# --- agents ----------------------------------------------------------------

class Answer:
    """An HTTP answer: status, headers (lower case), body, messages."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = {k.lower(): v for k, v in headers}
        self.body = body

    @property
    def messages(self):
        """The JSON-RPC messages of a JSON or an SSE body."""
        if "event-stream" in self.headers.get("content-type", ""):
            return [json.loads(e["data"]) for e in sse_events(self.body)
                    if e.get("data")]
        try:
            return [json.loads(self.body)]
        except ValueError:
            return []

    @property
    def last(self):
        """The message that answers: the last one with a result or error."""
        for m in reversed(self.messages):
            if isinstance(m, dict) and ("result" in m or "error" in m):
                return m
        return {}

    @property
    def code(self):
        return (self.last.get("error") or {}).get("code")

    @property
    def result(self):
        return self.last.get("result")

    @property
    def text(self):
        content = (self.result or {}).get("content") or [{}]
        return content[0].get("text", "")

    @property
    def allowed(self):
        """A success that no policy refused."""
        return self.status == 200 and self.result is not None and \
            not self.result.get("isError")

    def __repr__(self):
        return f"<{self.status} {self.body[:300]!r}>"


def sse_events(body):
    """The events of an SSE body that arrived whole."""
    events = []
    for block in body.decode("utf-8", "replace").replace("\r\n", "\n") \
            .split("\n\n"):
        event = {}
        for line in block.split("\n"):
            if line == "" or line.startswith(":"):
                continue
            key, _, value = line.partition(":")
            value = value[1:] if value.startswith(" ") else value
            event[key] = event[key] + "\n" + value if key in event else value
        if event:
            events.append(event)
    return events


class Agent:
    """Speaks MCP over HTTP, one connection a request unless told."""

    def __init__(self, port, path="/mcp", token=None, timeout=PATIENCE,
                 host=None):
        self.port, self.path, self.token = port, path, token
        self.timeout, self.host = timeout, host
        self.session = None
        self.version = LEGACY
        self.next_id = 1

    def http(self, method="POST", body=b"", headers=None, path=None):
        c = http.client.HTTPConnection("127.0.0.1", self.port,
                                       timeout=self.timeout)
        try:
            c.request(method, path or self.path, body or None,
                      self.headers(headers or {}))
            r = c.getresponse()
            return Answer(r.status, r.getheaders(), r.read())
        finally:
            c.close()

    def stream(self, method="POST", body=b"", headers=None, path=None):
        """An open answer; read events with .events(), then .close()."""
        return Stream(self, method, path or self.path, body,
                      self.headers(headers or {}))

    def headers(self, more):
        h = {}
        if self.token is not None:
            h["Authorization"] = f"Bearer {self.token}"
        if self.host is not None:
            h["Host"] = self.host
        h.update({k: v for k, v in more.items() if v is not None})
        return h

    def id(self):
        self.next_id += 1
        return self.next_id

    # the modern era
    def modern_parts(self, method, params=None, headers=None, id=None,
                     capabilities=None, version=MODERN):
        params = dict(params or {})
        meta = {META + "protocolVersion": version,
                META + "clientInfo": {"name": "gatetest", "version": "1"},
                META + "clientCapabilities": capabilities or {}}
        meta.update(params.get("_meta") or {})
        params["_meta"] = meta
        h = {"Content-Type": "application/json",
             "Accept": "application/json, text/event-stream",
             "MCP-Protocol-Version": version, "Mcp-Method": method}
        name = params.get("name", params.get("uri"))
        if method in ("tools/call", "prompts/get", "resources/read") and \
                isinstance(name, str):
            h["Mcp-Name"] = name
        h.update(headers or {})
        message = {"jsonrpc": "2.0", "id": self.id() if id is None else id,
                   "method": method, "params": params}
        return h, message

    def modern(self, method, params=None, **kw):
        h, message = self.modern_parts(method, params, **kw)
        return self.http("POST", json.dumps(message).encode(), h)

    def call(self, tool, arguments=None, **kw):
        return self.modern("tools/call", {"name": tool,
                           "arguments": arguments or {}}, **kw)

    # the legacy era
    def legacy_headers(self, headers=None):
        h = {"Content-Type": "application/json",
             "Accept": "application/json, text/event-stream"}
        if self.session is not None:
            h["Mcp-Session-Id"] = self.session
            h["MCP-Protocol-Version"] = self.version
        h.update(headers or {})
        return h

    def legacy(self, method, params=None, id=None, headers=None, **kw):
        message = {"jsonrpc": "2.0", "method": method}
        if not method.startswith("notifications/"):
            message["id"] = self.id() if id is None else id
        if params is not None:
            message["params"] = params
        return self.http("POST", json.dumps(message).encode(),
                         self.legacy_headers(headers), **kw)

    def initialize(self, version=LEGACY, capabilities=None):
        self.session = None
        a = self.legacy("initialize", {
            "protocolVersion": version, "capabilities": capabilities or {},
            "clientInfo": {"name": "gatetest", "version": "1"}})
        self.session = a.headers.get("mcp-session-id")
        self.version = (a.result or {}).get("protocolVersion", version)
        if self.session is not None:
            self.legacy("notifications/initialized")
        return a

    def legacy_call(self, tool, arguments=None, **kw):
        return self.legacy("tools/call", {"name": tool,
                           "arguments": arguments or {}}, **kw)


class Stream:
    """An answer that is read while it is still coming."""

    def __init__(self, agent, method, path, body, headers):
        self.c = http.client.HTTPConnection("127.0.0.1", agent.port,
                                            timeout=agent.timeout)
        self.c.request(method, path, body or None, headers)
        self.r = self.c.getresponse()
        self.status = self.r.status
        self.headers = {k.lower(): v for k, v in self.r.getheaders()}
        self.pending = b""

    def event(self):
        """The next event with data or id as a dict; None at the end."""
        while True:
            cut = self.pending.replace(b"\r\n", b"\n").find(b"\n\n")
            if cut >= 0:
                whole = self.pending.replace(b"\r\n", b"\n")
                self.pending = whole[cut + 2:]
                events = sse_events(whole[:cut + 2])
                if events:
                    return events[0]
                continue
            piece = self.r.read1(65536)
            if not piece:
                return None
            self.pending += piece

    def message(self):
        """The next JSON-RPC message; None at the end."""
        while True:
            e = self.event()
            if e is None:
                return None
            if e.get("data"):
                return json.loads(e["data"])

    def close(self):
        # shutdown first: the answer object holds a reference of its own
        try:
            if self.c.sock is not None:
                self.c.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.c.close()


def raw(port, data, seconds=3.0, half_close=False):
    """Sends bytes as they are; what came back until close or silence."""
    out = b""
    try:
        s = socket.create_connection(("127.0.0.1", port), seconds)
    except OSError:
        return out
    with s:
        s.settimeout(seconds)
        try:
            s.sendall(data)
            if half_close:
                s.shutdown(socket.SHUT_WR)
            while True:
                piece = s.recv(65536)
                if not piece:
                    return out
                out += piece
                # Wait only a little once an answer is there.
                s.settimeout(0.3)
        except (TimeoutError, ConnectionError):
            return out


def status_of(answer):
    """The first status code of raw bytes, or 0."""
    parts = answer.split(b" ", 2)
    return int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else 0
