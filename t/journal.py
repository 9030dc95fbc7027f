"""
journal: what an agent and a server write down for themselves, synced before
they act on it, so that what Gatehouse's ledger says can be held against it.
"""
import http.client
import json
import os
import threading

import fakes
import gatetest as g


class Journal:
    """A synced list of words, one a line."""

    def __init__(self, path):
        self.path = path
        self.fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def add(self, word):
        os.write(self.fd, word.encode() + b"\n")
        os.fdatasync(self.fd)

    def words(self):
        with open(self.path) as f:
            return {x.rstrip("\n") for x in f if x.endswith("\n")}


# A server whose calls are to be told apart has this among its settings: the
# ledger keeps their words, for they are declared safe.
KEEP = {"keep": {"echo": ["text"]}}


def call(word):
    return {"name": "echo", "arguments": {"text": word}}


class Upstream(fakes.HttpUpstream):
    """Journals the word of each call before it answers."""

    def __init__(self, path):
        self.journal = Journal(path)
        super().__init__("modern", self.note)

    def note(self, conn, r):
        m = r["message"]
        if isinstance(m, dict) and m.get("method") == "tools/call":
            self.journal.add(m["params"]["arguments"]["text"])
        with self.lock:
            del self.seen[:]  # this runs for long
        return False


class Agents:
    """Threads that call, each call with a word never used before."""

    def __init__(self, gate, servers, path, seed, threads=6):
        self.gate, self.servers, self.seed = gate, servers, seed
        self.journal = Journal(path)
        self.lock = threading.Lock()
        self.n = 0
        self.good = {s: 0 for s in servers}
        self.bad = 0
        self.run = True
        self.threads = [threading.Thread(target=self._work, args=(i,),
                                         daemon=True) for i in range(threads)]
        for t in self.threads:
            t.start()

    def stop(self):
        self.run = False
        for t in self.threads:
            t.join(15)

    def word(self):
        with self.lock:
            self.n += 1
            return f"{self.seed}-{self.n}"

    def _work(self, i):
        server = self.servers[i % len(self.servers)]
        c = None
        while self.run:
            word = self.word()
            try:
                if c is None:
                    c = http.client.HTTPConnection(
                        "127.0.0.1", self.gate.port, timeout=5)
                if self.call(c, server, word):
                    with self.lock:
                        self.journal.add(word)
                        self.good[server] += 1
                    continue
            except (OSError, http.client.HTTPException, ValueError):
                if c is not None:
                    c.close()
                c = None
            with self.lock:
                self.bad += 1
            threading.Event().wait(0.01)

    def call(self, c, server, word):
        """True when the server's answer to this very call came."""
        a = self.gate.agent(path=f"/s/{server}/mcp")
        h, m = a.modern_parts("tools/call", call(word))
        c.request("POST", a.path, json.dumps(m).encode(), h)
        r = c.getresponse()
        answer = g.Answer(r.status, r.getheaders(), r.read())
        return answer.allowed and word in answer.text


def violations(gate, agents, upstreams):
    """Holds the ledger against the journals: words of calls that a server
    saw without a decision to allow, words of answers that the agent got
    without an outcome; whether it verifies, what verify said, and how many
    of each there were."""
    decided, ended = {}, set()
    for r in gate.records():
        if r.get("kind") == "decision" and r.get("verdict") == "allow":
            decided[r["cell"], r["seq"]] = r.get("kept", {}).get("text")
        if r.get("kind") == "outcome":
            ended.add((r["cell"], r["decision"]))
    allowed = set(decided.values())
    answered = {decided.get(key) for key in ended}
    saw = set().union(*(u.journal.words() for u in upstreams))
    got = agents.journal.words()
    code, out, err = gate.cli("ledger", "verify", gate.state)
    return (sorted(saw - allowed), sorted(got - answered),
            code == 0, out + err, len(saw), len(got))
