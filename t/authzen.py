"""
authzen: an enforcement point that asks a decision point over HTTP, and the
sections of OpenID's AuthZEN certification scenario as a list of checks.

The scenario's fixture speaks of records; Gatehouse decides calls of tools.  So
its words are translated: reading record-1 is a call of the tool records/read
with the argument id, and what the scenario says in `properties` are arguments
too, for that is what policies here read.  POLICY is the scenario's policy in
those words.  Everything else is as the scenario has it.
"""
import http.client
import json
import re

POLICY = """
@id("read") permit (principal, action == Gatehouse::Action::"records___read", resource)
when { context.input.id == "record-1" };
@id("write")
permit (principal == Gatehouse::Agent::"alice", action == Gatehouse::Action::"records___write", resource)
unless { context.input has status && context.input.status == "archived" };
@id("admin") permit (principal, action == Gatehouse::Action::"records___write", resource)
when { context.input has role && context.input.role == "admin" &&
       context.input has status && context.input.status == "archived" };
@id("delete")
permit (principal == Gatehouse::Agent::"alice", action == Gatehouse::Action::"records___delete", resource)
when { context.input has soft && context.input.soft };
"""
# What the server of records shows: arguments have the types of its tools.
ARGUMENTS = {"type": "object", "required": ["id"], "properties": {
    **{k: {"type": "string"} for k in ("id", "status", "role", "owner",
                                       "department", "method")},
    "soft": {"type": "boolean"}}}
TOOLS = [{"name": n, "inputSchema": ARGUMENTS}
         for n in ("read", "write", "delete")]
# The scenario's sections about what is not offered here, and is not claimed in
# the metadata either.
SEARCH = tuple(f"c-4-{a}-{b}" for a, n in
               ((2, 4), (3, 4), (4, 3), (5, 4), (6, 2), (7, 2))
               for b in range(1, n + 1))


class Pdp:
    """A decision point: post(path, body) -> (status, headers, JSON or text)."""

    def __init__(self, port, token=None, host=None, timeout=10):
        self.port, self.token, self.timeout = port, token, timeout
        self.host = host or f"127.0.0.1:{port}"

    def request(self, method, path, body=None, headers=None):
        h = {"Host": self.host}
        if body is not None:
            h["Content-Type"] = "application/json"
        if self.token is not None:
            h["Authorization"] = f"Bearer {self.token}"
        for k, v in (headers or {}).items():
            h.pop(k, None)
            if v is not None:
                h[k] = v
        c = http.client.HTTPConnection("127.0.0.1", self.port,
                                       timeout=self.timeout)
        try:
            c.request(method, path, body, h)
            r = c.getresponse()
            data = r.read()
            heads = {k.lower(): v for k, v in r.getheaders()}
        finally:
            c.close()
        if heads.get("content-type") == "application/json":
            return r.status, heads, json.loads(data)
        return r.status, heads, data.decode()

    def post(self, path, body, headers=None):
        if not isinstance(body, (str, bytes)):
            body = json.dumps(body)
        return self.request("POST", path, body, headers)

    def one(self, body, headers=None):
        return self.post("/access/v1/evaluation", body, headers)

    def many(self, body, headers=None):
        return self.post("/access/v1/evaluations", body, headers)


def call(who, tool, arguments=None, **context):
    """The request for one call of a tool, SERVER/TOOL."""
    if arguments is not None:
        context["arguments"] = arguments
    r = {"subject": {"type": "agent", "id": who},
         "action": {"name": "tools/call"},
         "resource": {"type": "tool", "id": tool}}
    if context:
        r["context"] = context
    return r


# --- the scenario ----------------------------------------------------------

def translated(item, top):
    """An evaluation of the scenario, in our words.  What it lacks it takes from
    top, as a decision point would; what nobody says stays away."""
    have = {k: item.get(k, top.get(k)) for k in
            ("subject", "action", "resource", "context")}
    out = {k: v for k, v in item.items() if k not in have}
    if isinstance(have["subject"], dict):
        out["subject"] = have["subject"]
    name = (have["action"] or {}).get("name")
    if name is not None:
        out["action"] = dict(have["action"], name=f"records___{name}")
    resource = have["resource"]
    if resource is not None:
        out["resource"] = dict(resource)
        if resource.get("type") == "record":
            out["resource"]["type"] = "tool"
        if "id" in resource:
            out["resource"]["id"] = f"records/{name}"
    arguments = {"id": (resource or {}).get("id")}
    for part in ("subject", "action", "resource"):
        arguments.update((have[part] or {}).get("properties", {}))
    out["context"] = dict(have["context"] or {}, arguments=arguments)
    return out


def ask(subject=None, action=None, resource=None, context=None, **more):
    """Parts in short: "bob", {"id":..} as they are; "record-2" a record."""
    r = dict(more)
    if subject is not None:
        r["subject"] = {"type": "user", "id": subject} \
            if isinstance(subject, str) else subject
    if action is not None:
        r["action"] = {"name": action} if isinstance(action, str) else action
    if resource is not None:
        r["resource"] = {"type": "record", "id": resource} \
            if isinstance(resource, str) else resource
    if context is not None:
        r["context"] = context
    return r


def record(name, **properties):
    return {"type": "record", "id": name, "properties": properties}


ADMIN = {"type": "user", "id": "bob", "properties": {"role": "admin"}}
WHEN = {"time": "2026-01-01T10:00:00Z", "ip": "192.0.2.1"}
GOOD = ask("alice", "read", "record-1")
# section, request, decision or None: any
ONE = (
    ("c-2-2-1", GOOD, True),
    ("c-2-2-2", ask("bob", "write", "record-1"), False),
    ("c-2-2-3", ask("alice", "read", "record-1", WHEN), True),
    ("c-2-2-4", ask("alice", "write", record("record-2", status="archived")),
     False),
    ("c-2-2-5", ask(ADMIN, "write", record("record-2", status="archived")),
     True),
    ("c-2-2-6", ask("alice", {"name": "delete", "properties": {"soft": True}},
                    "record-1"), True),
    ("c-2-2-7", ask("alice", {"name": "delete", "properties": {"soft": False}},
                    "record-1"), False),
    ("c-2-2-8", ask({"type": "user", "id": "alice",
                     "properties": {"department": "Sales"}},
                    {"name": "read", "properties": {"method": "GET"}},
                    record("record-1", owner="bob")), True),
    ("c-2-2-9", ask("alice", "read", "record-1", foo="bar",
                    later={"nested": True}), True),
    ("c-2-3-1", ask("bob", "read", "record-1"), True),
    ("c-2-3-2", ask("bob", "delete", "record-1"), None),
)
# section, defaults, evaluations, decisions
MANY = (
    ("c-3-2-1", ask("alice", "read"),
     (ask(resource="record-1"), ask(resource="record-2")), (None, None)),
    ("c-3-2-2", ask("bob", resource="record-1"),
     (ask(action="read"), ask(action="write")), (True, False)),
    ("c-3-2-3", ask("alice", "write"),
     (ask(resource=record("record-1", status="active")),
      ask(resource=record("record-2", status="archived"))), (True, False)),
    ("c-3-2-4", ask(action="write",
                    resource=record("record-2", status="archived")),
     (ask("alice"), ask(ADMIN)), (False, True)),
    ("c-3-2-5", {}, (GOOD, ask("bob", "write", "record-1")), (True, False)),
    ("c-3-2-6", ask("alice", "read", context=WHEN),
     (ask(resource="record-1"),
      ask(resource="record-2", context={"source": "own"})), (None, None)),
    ("c-3-2-7", ask("alice", "write", record("record-1", status="active")),
     ({}, ask(resource=record("record-2", status="archived"))), (True, False)),
    ("c-3-3-1", ask("alice", "read"),
     tuple(ask(resource=f"record-{i}") for i in range(1, 6)), (None,) * 5),
    ("c-3-3-2", ask(resource="record-1"),
     (ask("bob", "write"), ask("alice", "write"), ask("bob", "read")),
     (False, True, True)),
    ("c-3-4-1", ask("alice", "read",
                    options={"evaluations_semantic": "execute_all"}),
     (ask(resource="record-1"), {}), (True, False)),
)


def without(part, key=None):
    r = json.loads(json.dumps(GOOD))
    if key is None:
        del r[part]
    else:
        del r[part][key]
    return r


BAD = (
    ("c-2-4-1", tuple(without(p) for p in ("subject", "action", "resource"))),
    ("c-2-4-2", tuple(without(p, k) for p, k in (
        ("subject", "type"), ("subject", "id"), ("action", "name"),
        ("resource", "type"), ("resource", "id")))),
    ("c-2-4-6", (dict(GOOD, subject="alice"),
                 dict(GOOD, action={"name": 123}))),
)


def well_formed(answer):
    return isinstance(answer, dict) and \
        isinstance(answer.get("decision"), bool) and \
        isinstance(answer.get("context", {}), dict)


def singles(pdp, ok):
    for section, request, want in ONE:
        status, heads, a = pdp.one(translated(request, {}))
        ok(status == 200 and heads["content-type"] == "application/json" and
           well_formed(a) and want in (None, a["decision"]), section, a)
    for section, requests in BAD:
        answers = [pdp.one(translated(r, {}) if r.get("subject") != "alice"
                           and r.get("action") != {"name": 123} else r)
                   for r in requests]
        ok(all(s == 400 for s, _, _ in answers), section, answers)
    good = json.dumps(translated(GOOD, {}))
    s, _, a = pdp.one(good, {"Content-Type": "text/plain"})
    ok(s == 400, "c-2-4-3", a)
    s, _, a = pdp.one(good[:-1])
    ok(s == 400, "c-2-4-4", a)
    s, _, a = pdp.one("")
    ok(s == 400, "c-2-4-5", a)
    s, h, _ = pdp.one(good, {"X-Request-ID": "bfe9-1"})
    ok(s == 200 and h.get("x-request-id") == "bfe9-1", "c-2-5-1", h)
    s, h, _ = pdp.one(good)
    ok(s == 200, "c-2-5-2", h)
    ok({pdp.one(good)[2]["decision"] for _ in range(5)} == {True}, "c-2-6")


def batch(top, items):
    """In our words the resource is named by the action as well, so each
    evaluation says both; what else it leaves to the whole is left to it."""
    whole = all(k in top for k in ("subject", "action", "resource"))
    body = translated(top, {}) if whole else \
        {k: v for k, v in top.items() if k not in ("action", "resource")}
    body["evaluations"] = []
    for item in items:
        own = translated(item, top) if item or not whole else {}
        if "subject" not in item:
            own.pop("subject", None)
        body["evaluations"].append(own)
    return body


def batches(pdp, ok):
    for section, top, items, want in MANY:
        body = batch(top, items)
        status, _, a = pdp.many(body)
        got = a.get("evaluations") if status == 200 else None
        good = isinstance(got, list) and len(got) == len(want) and \
            all(well_formed(x) for x in got) and \
            all(w in (None, x["decision"]) for w, x in zip(want, got))
        ok(good, section, a)
        if section == "c-3-3-2":
            ok(good, "c-3-3-3", a)
            ok("decision" not in a, "c-3-3-4", a)
    for section, more in (("c-3-4-2", {}), ("c-3-4-3", {"evaluations": []})):
        status, _, a = pdp.many(dict(translated(GOOD, {}), **more))
        ok(status == 200 and a.get("decision") is True and
           "evaluations" not in a, section, a)


def discovery(pdp, base, ok):
    status, heads, meta = pdp.request(
        "GET", "/.well-known/authzen-configuration",
        headers={"Authorization": None})
    ok(status == 200, "c-6-1", meta)
    ok(heads["content-type"] == "application/json", "c-6-2", heads)
    ok(meta.get("policy_decision_point") == base and
       meta.get("access_evaluation_endpoint") == base + "/access/v1/evaluation",
       "c-6-3", meta)
    known = {"policy_decision_point", "access_evaluation_endpoint",
             "access_evaluations_endpoint", "supported_obligations"}
    ok(set(meta) <= known, "c-6-4", meta)
    ok(all(re.fullmatch(r"https://[a-z0-9.:-]+(/access/v1/evaluations?)?",
                        v) for k, v in meta.items() if isinstance(v, str)),
       "c-6-5", meta)
    # c-6-6: where there is no metadata the default paths serve; they are these.
    ok(all(pdp.post(p, "{}")[0] == 400 for p in
           ("/access/v1/evaluation", "/access/v1/evaluations")), "c-6-6")


def transport(pdp, ok):
    good = translated(GOOD, {})
    s, h, a = pdp.one(dict(good, unknown={"x": [1]}), {"X-Request-ID": "t5"})
    ok(s == 200 and h["content-type"] == "application/json" and
       h.get("x-request-id") == "t5" and a["decision"] is True, "c-5", a)


def scenario(pdp, base, say, note):
    """Every section that applies, by say(condition, name, why)."""
    seen = set()

    def ok(condition, section, why=""):
        seen.add(section)
        say(condition, f"scenario {section}", why)

    singles(pdp, ok)
    batches(pdp, ok)
    transport(pdp, ok)
    discovery(pdp, base, ok)
    for kind in ("subject", "resource", "action"):
        s, _, _ = pdp.post(f"/access/v1/search/{kind}", "{}")
        say(s == 404, f"search of {kind}s is not offered", s)
    note(f"not offered, and not in the metadata: search ({len(SEARCH)} "
         f"sections: {', '.join(SEARCH)})")
    numbered = [s for s in seen if s.count("-") == 3 and s[2] in "23"]
    say(len(numbered) + len(SEARCH) == 52,
        "all 52 numbered sections are shown or named", sorted(numbered))
