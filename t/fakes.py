"""
fakes: tool servers that remember all they were sent, for tests.  HttpUpstream
runs in this process; the stdio server is this file run as a program:

    python3 fakes.py ERA JOURNAL [BEHAVIOUR]

Both offer the same tools (see TOOLS).  A behaviour makes them bad on purpose.
"""
import json
import os
import socket
import sys
import threading
import time

META = "io.modelcontextprotocol/"
SERVER_INFO = {"name": "fake", "version": "1"}
CACHE = {"resultType": "complete", "ttlMs": 0, "cacheScope": "private"}
NAMES = ("echo", "ok_read", "secret", "slow", "ask", "big", "mirror", "task")
TOOLS = [{"name": n, "description": f"tool {n}", "inputSchema": {
    "type": "object", "properties": {"text": {"type": "string"}}}}
    for n in NAMES]
TOOLS[NAMES.index("mirror")]["inputSchema"]["properties"]["region"] = {
    "type": "string", "x-mcp-header": "Region"}
BIG = 3 * 1024 * 1024
# Not one from a home directory: a sandbox would not show it.
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") \
    else sys.executable
ASK = {"message": "ok?", "requestedSchema": {
    "type": "object", "properties": {"ok": {"type": "boolean"}}}}


def text(t):
    return {"content": [{"type": "text", "text": t}]}


def lists(method):
    """Answers to what asks for nothing in particular; None: not here."""
    return {
        "tools/list": {"tools": TOOLS},
        "prompts/list": {"prompts": [{"name": "hi", "description": "d"}]},
        "resources/list": {"resources": [
            {"uri": "test://a", "name": "a"}]},
        "resources/templates/list": {"resourceTemplates": []},
        "ping": {}, "logging/setLevel": {},
        "resources/subscribe": {}, "resources/unsubscribe": {},
        "completion/complete": {"completion": {"values": ["x"]}},
    }.get(method)


def answer(era, m, state):
    """The result or error of a request both eras have; None: special."""
    method, params = m.get("method"), m.get("params") or {}
    if method == "server/discover" and era == "modern":
        return {"result": {"supportedVersions": ["2026-07-28"],
                           "capabilities": {"tools": {"listChanged": True},
                                            "prompts": {}, "resources": {}},
                           "_meta": {META + "serverInfo": SERVER_INFO},
                           **CACHE}}
    if method == "initialize" and era == "legacy":
        asked = params.get("protocolVersion")
        known = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")
        return {"result": {
            "protocolVersion": asked if asked in known else known[0],
            "capabilities": {"tools": {"listChanged": True}, "prompts": {},
                             "resources": {"subscribe": True}, "logging": {}},
            "serverInfo": SERVER_INFO}}
    got = lists(method)
    if method == "prompts/get":
        got = {"messages": []}
    if method == "resources/read":
        got = {"contents": [{"uri": params.get("uri"), "text": "t"}]}
    if method == "tools/call":
        name = params.get("name")
        if name == "big":
            got = text("x" * BIG)
        elif name == "ask" and era == "modern" and \
                "inputResponses" not in params:
            return {"result": {"resultType": "input_required",
                               "inputRequests": {"go": {
                                   "method": "elicitation/create",
                                   "params": ASK}},
                               "requestState": "upstream-state-" +
                               str(state["calls"])}}
        elif name in NAMES:
            got = text(json.dumps({"tool": name,
                                   "arguments": params.get("arguments"),
                                   "state": params.get("requestState"),
                                   "responses": params.get("inputResponses"),
                                   "task": params.get("task")}))
        state["calls"] += 1
    if got is None:
        return {"error": {"code": -32601, "message": "Method not found"}}
    if era == "modern":
        got = {**CACHE, **got} if "content" not in got else \
            {"resultType": "complete", **got}
    return {"result": got}


class HttpUpstream:
    """A server on 127.0.0.1.  seen: everything it was sent, in order.

    behave(conn, request) may write raw bytes with conn.write() and return
    True when it has dealt with a request (a dict: verb, path, headers, body,
    message).  It runs before the normal answer.
    """

    def __init__(self, era="modern", behave=None, delay=0.0, tls=None):
        self.era, self.behave, self.delay = era, behave, delay
        self.seen, self.closed = [], []
        self.state = {"calls": 0}
        self.streams = {}  # session -> writers of GET streams
        self.answers = {}  # id of a server's request -> event and message
        self.sessions = set()
        self.lock = threading.Lock()
        self.tls = tls
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.listener.getsockname()[1]
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}/mcp"
        self.open = True
        self.acceptor = threading.Thread(target=self._accept, daemon=True)
        self.acceptor.start()

    def stop(self):
        """Nobody accepts for it any more: a number that is free again would
        be the next server's, and its connection come to this one."""
        if not self.open:
            return
        self.open = False
        self.listener.shutdown(socket.SHUT_RDWR)
        self.acceptor.join()
        self.listener.close()

    def calls(self, name=None):
        """The tools/call messages it saw."""
        with self.lock:
            return [r["message"] for r in self.seen
                    if isinstance(r["message"], dict) and
                    r["message"].get("method") == "tools/call" and
                    name in (None, (r["message"].get("params") or {})
                             .get("name"))]

    def requests(self, method):
        with self.lock:
            return [r for r in self.seen if isinstance(r["message"], dict) and
                    r["message"].get("method") == method]

    def _accept(self):
        while self.open:
            try:
                s, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(s,),
                             daemon=True).start()

    def _serve(self, s):
        try:
            if self.tls:
                s = self.tls.wrap_socket(s, server_side=True)
            conn = Conn(s)
            while True:
                r = conn.read_request()
                if r is None:
                    break
                with self.lock:
                    self.seen.append(r)
                if self.behave and self.behave(conn, r):
                    continue
                self._answer(conn, r)
        except (OSError, ValueError):
            pass
        finally:
            s.close()

    def _answer(self, conn, r):
        m, verb = r["message"], r["verb"]
        session = r["headers"].get("mcp-session-id")
        if verb == "GET" and self.era == "legacy":
            return self._stream(conn, session)
        if verb != "POST":
            return conn.reply(405 if verb != "DELETE" or
                              self.era == "modern" else 200)
        if not isinstance(m, dict):
            return conn.reply(400)
        if "method" not in m:  # an answer to a request of ours
            waiting = self.answers.pop(m.get("id"), None)
            if waiting:
                waiting["message"] = m
                waiting["event"].set()
            return conn.reply(202)
        if "id" not in m:
            return conn.reply(202)
        if self.era == "legacy" and m["method"] != "initialize" and \
                session not in self.sessions:
            return conn.json({"id": m["id"], "error": {
                "code": -32000, "message": "no session"}}, 400)
        time.sleep(self.delay)
        name = (m.get("params") or {}).get("name")
        if m["method"] == "tools/call" and name == "slow":
            return self._slow(conn, m)
        if m["method"] == "tools/call" and name == "ask" and \
                self.era == "legacy":
            return self._ask(conn, m)
        if m["method"] == "subscriptions/listen" and self.era == "modern":
            return self._listen(conn, m)
        got = answer(self.era, m, self.state)
        head = {}
        if m["method"] == "initialize" and "result" in got:
            session = f"upstream-session-{len(self.sessions)}"
            self.sessions.add(session)
            head["Mcp-Session-Id"] = session
        status = 200
        if "error" in got and self.era == "modern":
            status = 404
        return conn.json({"id": m["id"], **got}, status, head)

    def _slow(self, conn, m):
        """Progress, a second of nothing, the answer; notes who hung up."""
        token = (m["params"].get("_meta") or {}).get("progressToken")
        conn.sse()
        for i in range(1, 11):
            if token is not None:
                conn.event({"method": "notifications/progress", "params": {
                    "progressToken": token, "progress": i, "total": 10}})
            else:
                conn.comment()
            time.sleep(0.1)
            if conn.gone():
                with self.lock:
                    self.closed.append(m["id"])
                return None
        got = answer(self.era, m, self.state)
        conn.event({"id": m["id"], **got})
        return conn.end()

    def _ask(self, conn, m):
        """A legacy server asks the person in the middle of a call."""
        waiting = {"event": threading.Event(), "message": None}
        self.answers[0] = waiting
        conn.sse()
        conn.event({"id": 0, "method": "elicitation/create", "params": ASK})
        waiting["event"].wait(5)
        conn.event({"id": m["id"], "result": text(
            json.dumps((waiting["message"] or {}).get("result")))})
        return conn.end()

    def _listen(self, conn, m):
        meta = {META + "subscriptionId": m["id"]}
        conn.sse()
        conn.event({"method": "notifications/subscriptions/acknowledged",
                    "params": {"notifications":
                               m["params"].get("notifications"),
                               "_meta": meta}})
        with self.lock:
            self.streams.setdefault("listen", []).append((conn, meta))
        while not conn.gone():
            time.sleep(0.1)
            conn.comment()

    def _stream(self, conn, session):
        conn.sse()
        with self.lock:
            self.streams.setdefault(session, []).append((conn, None))
        while not conn.gone():
            time.sleep(0.1)
            conn.comment()

    def notify(self, method, params=None):
        """Tells every open stream."""
        with self.lock:
            rows = [x for s in self.streams.values() for x in s]
        for conn, meta in rows:
            p = dict(params or {})
            if meta:
                p["_meta"] = meta
            try:
                conn.event({"method": method, "params": p})
            except OSError:
                pass


class Conn:
    """One connection of HttpUpstream: requests in, raw or framed out."""

    def __init__(self, s):
        self.s, self.buffer = s, b""
        s.settimeout(30)

    def write(self, data):
        self.s.sendall(data)

    def gone(self):
        try:
            self.s.setblocking(False)
            return self.s.recv(1, socket.MSG_PEEK) == b""
        except (BlockingIOError, ValueError):
            return False
        except OSError:
            return True
        finally:
            self.s.settimeout(30)

    def fill(self):
        piece = self.s.recv(65536)
        self.buffer += piece
        return bool(piece)

    def take(self, n):
        while len(self.buffer) < n:
            if not self.fill():
                raise OSError("ended")
        out, self.buffer = self.buffer[:n], self.buffer[n:]
        return out

    def line(self):
        while b"\r\n" not in self.buffer:
            if not self.fill():
                raise OSError("ended")
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    def read_request(self):
        while b"\r\n\r\n" not in self.buffer:
            if not self.fill():
                return None
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        verb, path, _ = lines[0].split(" ", 2)
        pairs = [tuple(x.split(":", 1)) for x in lines[1:]]
        headers = {k.lower(): v.strip() for k, v in pairs}
        body = b""
        if "chunked" in headers.get("transfer-encoding", ""):
            while True:
                n = int(self.line(), 16)
                body += self.take(n)
                self.line()
                if n == 0:
                    break
        else:
            body = self.take(int(headers.get("content-length", "0")))
        try:
            message = json.loads(body) if body else None
        except ValueError:
            message = None
        return {"verb": verb, "path": path, "headers": headers,
                "names": [k for k, _ in pairs], "body": body,
                "message": message}

    def reply(self, status, body=b"", head=None):
        lines = "".join(f"{k}: {v}\r\n" for k, v in (head or {}).items())
        self.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n"
                   f"{lines}\r\n".encode() + body)
        return True

    def json(self, message, status=200, head=None):
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        return self.reply(status, body, {"Content-Type": "application/json",
                                         **(head or {})})

    def sse(self):
        self.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                   b"Cache-Control: no-cache\r\n"
                   b"Transfer-Encoding: chunked\r\n\r\n")

    def chunk(self, data):
        self.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def event(self, message):
        data = json.dumps({"jsonrpc": "2.0", **message})
        self.chunk(f"event: message\ndata: {data}\n\n".encode())

    def comment(self):
        self.chunk(b": .\n\n")

    def end(self):
        self.write(b"0\r\n\r\n")
        return True


# --- the stdio server ------------------------------------------------------

def stdio(era, journal, behaviour):
    state = {"calls": 0}
    out = sys.stdout

    def say(message):
        out.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        out.flush()

    log = open(journal, "a")
    log.write(json.dumps({"started": os.getpid(), "env": sorted(os.environ),
                          "fds": open_fds()}) + "\n")
    log.flush()
    if behaviour == "dead":
        sys.exit(1)
    pending = {}
    for line in sys.stdin:
        try:
            m = json.loads(line)
        except ValueError:
            log.write(json.dumps({"bad": line}) + "\n")
            log.flush()
            continue
        log.write(json.dumps(m) + "\n")
        log.flush()
        if "method" not in m and m.get("id") in pending:
            say({"id": pending.pop(m["id"]),
                 "result": text(json.dumps(m.get("result")))})
            continue
        if "id" not in m or "method" not in m:
            continue
        if not misbehave(behaviour, m, out):
            stdio_answer(era, m, state, pending, say)
    log.write(json.dumps({"eof": os.getpid()}) + "\n")
    log.flush()
    if behaviour == "stubborn":
        while True:
            time.sleep(1)


def open_fds():
    """What is open, but for the descriptor that looks and the journal."""
    found = []
    for n in os.listdir("/proc/self/fd"):
        try:
            found.append(os.readlink(f"/proc/self/fd/{n}"))
        except OSError:
            pass
    return [f for f in found if not f.startswith("/proc")]


def stdio_answer(era, m, state, pending, say):
    params = m.get("params") or {}
    if m["method"] == "tools/call" and params.get("name") == "ask" and \
            era == "legacy":
        pending[0] = m["id"]
        return say({"id": 0, "method": "elicitation/create", "params": ASK})
    if m["method"] == "tools/call" and params.get("name") == "slow":
        token = (params.get("_meta") or {}).get("progressToken")
        for i in range(1, 4):
            if token is not None:
                say({"method": "notifications/progress", "params": {
                    "progressToken": token, "progress": i, "total": 3}})
            time.sleep(0.1)
    return say({"id": m["id"], **answer(era, m, state)})


def misbehave(behaviour, m, out):
    """True when the answer is the misbehaviour itself."""
    if m["method"] != "tools/call":
        return False
    if behaviour == "hang":
        return True
    if behaviour == "die":
        os._exit(3)
    if behaviour == "junk":
        out.write("Listening for requests...\n\x1b[31mwarning\x1b[0m\n")
        out.flush()
        return False
    if behaviour == "huge":
        out.write("x" * (64 * 1024 * 1024) + "\n")
        out.flush()
        return True
    if behaviour == "babble":
        end = time.monotonic() + 1
        while time.monotonic() < end:
            out.write('{"jsonrpc":"2.0","method":"notifications/message",'
                      '"params":{"level":"info","data":"' + "b" * 2000 +
                      '"}}\n')
        out.flush()
        return False
    if behaviour == "stderr":
        sys.stderr.write("e" * (1024 * 1024) + "\n")
        sys.stderr.flush()
        return False
    if behaviour.startswith("connect:"):  # to a port of this machine
        try:
            socket.create_connection(
                ("127.0.0.1", int(behaviour.split(":")[1])), 2).close()
        except OSError:
            pass
        return False
    if behaviour == "wrongid":
        out.write('{"jsonrpc":"2.0","id":987654,"result":{}}\n')
        out.flush()
        return False
    return False


def stdio_command(era, journal, behaviour=""):
    """argv and sandbox of a stdio server for gatehouse.yaml."""
    here = os.path.dirname(os.path.abspath(__file__))
    import gatetest
    return {"command": [PYTHON, os.path.abspath(__file__), era,
                        journal, behaviour],
            "sandbox": {"read": [*gatetest.SYSTEM, here],
                        "write": [os.path.dirname(journal)]}}


def journal_of(path):
    try:
        with open(path) as f:
            return [json.loads(x) for x in f if x.endswith("\n")]
    except OSError:
        return []


if __name__ == "__main__":
    stdio(sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else "")
