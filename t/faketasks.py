"""
faketasks: tasks of both eras for fakes.HttpUpstream, as its `behave`.

    tasks = faketasks.Tasks("legacy")
    up = fakes.HttpUpstream("legacy", behave=tasks)
    tasks.up = up

The tool "task" becomes a task where its caller can follow one.  A task is
"working" until the test says otherwise: tasks.set(id, "completed", result).
"""
import threading

import fakes

EXT = "io.modelcontextprotocol/tasks"
RELATED = "io.modelcontextprotocol/related-task"
WHEN = "2026-01-01T00:00:00Z"
OVER = ("completed", "failed", "cancelled")


class Tasks:
    def __init__(self, era, ttl=60000):
        self.era, self.ttl = era, ttl
        self.up = None
        self.tasks = {}  # id -> {status, result, inputs, event}
        self.updates = []
        self.lock = threading.Lock()

    # what the test says
    def set(self, id, status, result=None, inputs=None, error=None):
        t = self.tasks[id]
        t.update(status=status, result=result, inputs=inputs, error=error)
        if status in OVER:
            t["event"].set()

    def last(self):
        with self.lock:
            return list(self.tasks)[-1]

    def shape(self, id):
        t = self.tasks[id]
        ttl = "ttlMs" if self.era == "modern" else "ttl"
        got = {"taskId": id, "status": t["status"], "createdAt": WHEN,
               "lastUpdatedAt": WHEN, ttl: t["ttl"]}
        if self.era == "modern" and t["status"] == "completed":
            got["result"] = t["result"]
        if self.era == "modern" and t["status"] == "input_required":
            got["inputRequests"] = t["inputs"]
        if self.era == "modern" and t["status"] == "failed":
            got["error"] = t["error"]
        return got

    # what the server does
    def __call__(self, conn, r):
        m = r["message"]
        if r["verb"] != "POST" or not isinstance(m, dict) or "id" not in m:
            return False
        method, params = m.get("method"), m.get("params") or {}
        if method in ("initialize", "server/discover", "tools/list"):
            return self._opening(conn, m)
        if method == "tools/call" and params.get("name") == "task":
            return self._create(conn, m, params)
        if (method or "").startswith("tasks/"):
            return self._follow(conn, m, method, params)
        return False

    def _say(self, conn, m, **what):
        status = 200
        if self.era == "modern" and "error" in what:
            status = 400
        if self.era == "modern" and "result" in what:
            what["result"] = {"resultType": "complete", **what["result"]}
        return conn.json({"id": m["id"], **what}, status)

    def _opening(self, conn, m):
        if m["method"] == "initialize" and self.era != "legacy" or \
                m["method"] == "server/discover" and self.era != "modern":
            return False
        got = fakes.answer(self.era, m, self.up.state)
        head = {}
        caps = got["result"].get("capabilities")
        if caps is not None and self.era == "legacy":
            caps["tasks"] = {"list": {}, "cancel": {},
                             "requests": {"tools": {"call": {}}}}
            session = f"upstream-session-{len(self.up.sessions)}"
            self.up.sessions.add(session)
            head["Mcp-Session-Id"] = session
        elif caps is not None:
            caps["extensions"] = {EXT: {}}
        elif self.era == "legacy":
            got["result"]["tools"] = [
                {**t, "execution": {"taskSupport": "optional"}}
                if t["name"] == "task" else t for t in got["result"]["tools"]]
        return conn.json({"id": m["id"], **got}, 200, head)

    def _create(self, conn, m, params):
        caps = (params.get("_meta") or {}).get(
            fakes.META + "clientCapabilities") or {}
        if self.era == "modern" and EXT not in (caps.get("extensions") or {}):
            return self._say(conn, m, error={
                "code": -32021, "message": "needs tasks",
                "data": {"requiredCapabilities": {"extensions": {EXT: {}}}}})
        if self.era == "legacy" and "task" not in params:
            return False
        with self.lock:
            id = f"upstream-task-{len(self.tasks)}"
            ttl = self.ttl
            if self.era == "legacy":
                ttl = params["task"].get("ttl", self.ttl)
            self.tasks[id] = {"status": "working", "result": None, "ttl": ttl,
                              "inputs": None, "error": None,
                              "event": threading.Event()}
        if self.era == "legacy":
            return self._say(conn, m, result={"task": self.shape(id)})
        return self._say(conn, m, result={"resultType": "task",
                                          **self.shape(id)})

    def _follow(self, conn, m, method, params):
        id = params.get("taskId")
        if method == "tasks/list":
            return self._say(conn, m, result={
                "tasks": [self.shape(x) for x in self.tasks]})
        if id not in self.tasks:
            return self._say(conn, m, error={
                "code": -32602, "message": "Task not found"})
        t = self.tasks[id]
        if method == "tasks/cancel":
            if self.era == "legacy" and t["status"] in OVER:
                return self._say(conn, m, error={
                    "code": -32602, "message": "already terminal"})
            self.set(id, "cancelled")
            return self._say(conn, m, result=self.shape(id)
                             if self.era == "legacy" else {})
        if method == "tasks/update":
            self.updates.append(params.get("inputResponses"))
            return self._say(conn, m, result={})
        if method == "tasks/result":
            t["event"].wait(20)
            if t["error"]:
                return self._say(conn, m, error=t["error"])
            return self._say(conn, m, result={
                **(t["result"] or {}), "_meta": {RELATED: {"taskId": id}}})
        return self._say(conn, m, result=self.shape(id))
