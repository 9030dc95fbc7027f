"""
two: what most protocol tests need: Gatehouse before a modern and a legacy
fake, with a policy that lets some tools through and not others, and the two
questions every row asks: was it refused with nothing sent on, and does its
honest twin go through.
"""
import json

import gatetest as g
import fakes

RULES = [
    {"deny": {"method": "tools/call", "name": "secret"}, "id": "no-secret",
     "reason": "secret stays secret"},
    {"allow": {"principal": "local"}, "id": "the-rest"},
    {"allow": {"principal": "alice"}, "id": "alice-may"},
    {"allow": {"principal": "bob", "server": "new"}, "id": "bob-new"},
]


class Two:
    def __init__(self, agents=None, server=None, **settings):
        self.new = fakes.HttpUpstream("modern")
        self.old = fakes.HttpUpstream("legacy")
        self.gate = g.Gateway({
            "servers": {"new": {"url": self.new.url, "era": "modern",
                                **(server or {})},
                        "old": {"url": self.old.url, "era": "legacy",
                                **(server or {})}},
            "rules": [r for r in RULES if "allow" not in r or
                      r["allow"]["principal"] in (agents or ["local"])]},
            agents=agents, **settings)
        self.modern = self.gate.agent(path="/s/new/mcp")
        self.legacy = self.gate.agent(path="/s/old/mcp")
        self.port = self.gate.port
        self.unrecorded = []

    def stop(self):
        self.gate.stop()
        self.new.stop()
        self.old.stop()

    def denials(self):
        """How many refusals the ledger holds."""
        return sum(r.get("verdict") == "deny" for r in self.gate.records())

    def all_recorded(self):
        g.ok(not self.unrecorded, "every refusal is on record",
             self.unrecorded)

    def sent(self):
        return len(self.new.calls()) + len(self.old.calls())

    def post(self, body, headers=None, path="/s/new/mcp", **kw):
        """A modern tools/call head with any body."""
        h = {"Content-Type": "application/json",
             "Accept": "application/json, text/event-stream",
             "MCP-Protocol-Version": g.MODERN, "Mcp-Method": "tools/call",
             "Mcp-Name": "echo"}
        h.update(headers or {})
        body = body.encode() if isinstance(body, str) else body
        return self.modern.http("POST", body, h, path=path, **kw)

    def refused(self, name, send, status=(400,), code=None):
        """send() is refused with one of status, and nothing goes upstream."""
        before, on_record = self.sent(), self.denials()
        try:
            a = send()
        except OSError as e:
            g.ok(False, f"refused: {name}", f"no answer: {e}")
            return None
        if not g.until(lambda: self.denials() > on_record, 0.5):
            self.unrecorded.append(name)
        good = a.status in status and not a.allowed and \
            (code is None or a.code == code) and self.sent() == before
        g.ok(good, f"refused: {name}",
             f"{a!r}\nwant status {status} code {code}; "
             f"sent upstream: {self.sent() - before}")
        return a

    def allowed(self, name, send, times=1):
        """send() succeeds and reaches an upstream."""
        before = self.sent()
        try:
            a = send()
        except OSError as e:
            g.ok(False, f"allowed: {name}", f"no answer: {e}")
            return None
        g.ok(a.allowed and self.sent() == before + times, f"allowed: {name}",
             f"{a!r}\nsent upstream: {self.sent() - before}")
        return a


META = json.dumps({fakes.META + "protocolVersion": g.MODERN,
                   fakes.META + "clientInfo": {"name": "t", "version": "1"},
                   fakes.META + "clientCapabilities": {}})


def call_text(name='"echo"', id="1", method='"tools/call"', extra="",
              arguments='{"text":"x"}', params_extra=""):
    """The text of a modern call, each part as it is to be written."""
    return (f'{{"jsonrpc":"2.0","id":{id},"method":{method},{extra}'
            f'"params":{{"name":{name},{params_extra}'
            f'"arguments":{arguments},"_meta":{META}}}}}')
