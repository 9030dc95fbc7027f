"""Cedar policies: those that come with the program, what does not load, and
what a running gateway does with them."""
import glob
import json
import os
import re
import subprocess

import gatetest as g
import sdjwt
import writeledger

DIR = g.tempfile.mkdtemp(prefix="gatehouse-policy-")
g.atexit.register(g.shutil.rmtree, DIR, True)


def gatehouse(*args, cwd=DIR):
    r = subprocess.run([g.BINARY, *args], capture_output=True, text=True,
                       cwd=cwd, check=False, timeout=60)
    return r.returncode, r.stdout + r.stderr


def write(name, text):
    path = os.path.join(DIR, name)
    with open(path, "w") as f:
        f.write(text)
    return path


# What comes with the program does what its cases say.
shipped = sorted(glob.glob(os.path.join(g.TOP, "policies", "*.cases.yaml")) +
                 glob.glob(os.path.join(g.TOP, "policies", "incidents",
                                        "*.yaml")))
g.ok(len(shipped) >= 4, "policies come with cases")
for path in shipped:
    status, out = gatehouse("policy", "test", path)
    g.ok(status == 0, f"policy test {os.path.relpath(path, g.TOP)}", out)

# ... and is valid, strictly, with a schema of its own tools: what its cases
# call, what it declares of them, and the session's facts that it is told.
source = open(os.path.join(g.TOP, "src", "facts", "facts.c")).read()
host = re.search(r"#define HOST_FACTS(.*?)\nstatic", source, re.S)[1]
CEDAR = {"TEXT": "String", "BOOL": "Bool", "LONG": "Long", "IP": "ipaddr",
         "SET": "Set<String>"}
KINDS = {name: "{ " + ", ".join(
    f"{fact}{'?' if optional else ''}: {CEDAR[kind]}"
    for optional, fact, kind in re.findall(
        r'\b(?:F|(OPT))\("(\w+)", FACT_(\w+),',
        body.replace("HOST_FACTS", host))) + " }"
    for name, body in re.findall(
        r"fact_shape (\w+)_facts\[\] = \{(.*?)\n\};", source, re.S)}


def member_type(value):
    if isinstance(value, bool):
        return "Bool"
    if isinstance(value, list):
        return "Set<String>"
    return "Long" if isinstance(value, int) else "String"


def word(s):
    return s if re.fullmatch(r"[A-Za-z_]\w*", s) else json.dumps(s)


def flow(text):
    """The flow mappings and lists that our files use: names need no quotes."""
    return json.loads(re.sub(
        r'("(?:[^"\\]|\\.)*")|([^\[\]{},:\s][^\[\]{},:"]*)',
        lambda m: m[1] or json_word(m[2].strip()), text))


def json_word(w):
    return w if re.fullmatch(r"-?\d+|true|false|null", w) else json.dumps(w)


def parts(path):
    """(servers, calls) of a file of cases."""
    text = re.sub(r"^\s*#.*$", "", open(path).read(), flags=re.M)
    block = re.search(r"^servers:\n((?:  .*\n)+)", text, re.M)[1]
    servers, at = {}, None
    for line in block.splitlines():
        depth, name, rest = re.match(r"( +)([\w-]+): ?(.*)", line).groups()
        if len(depth) == 2:
            at = servers[name] = flow(rest) if rest else {}
        elif len(depth) == 4:
            inner = at[name] = flow(rest) if rest else {}
        else:
            inner[name] = flow(rest)
    calls = [flow(m) for m in re.findall(r"^  - (\{case.*\})$", text, re.M)]
    for name in set(re.findall(r"calls: (\S+)", text)):
        with open(os.path.join(os.path.dirname(path), name)) as f:
            calls += [json.loads(line) for line in f if line.strip()]
    return servers, calls


def schema(servers, calls):
    # What a session always says, and what these ones are told.
    always = {"labels": "Set<String>", "calls": "Long", "refusals": "Long"}
    tools, session = {}, {}
    for name, s in servers.items():
        for key in ("facts", "risk"):
            for tool in s.get(key, {}):
                tools[name, tool] = {}
    for c in calls:
        if c.get("method", "tools/call") == "tools/call":
            tools.setdefault((c["server"], c["name"]), {}).update(
                {k: member_type(v) for k, v in c.get("arguments", {}).items()
                 if not isinstance(v, dict)})
        session.update({k: member_type(v)
                        for k, v in c.get("session", {}).items()
                        if k not in always})
    out = ["namespace Gatehouse {",
           "entity Server = { server: String };",
           "entity Agent = { name: String };",
           "entity Tool, Prompt, Resource in [Server] = "
           "{ server: String, name: String };",
           "type Call = { principal: String, server: String, method: String, "
           "name: String };",
           "type Session = { " + ", ".join(
               [f"{k}: {t}" for k, t in always.items()] +
               [f"{k}?: {t}" for k, t in session.items()]) + " };",
           'action "call_tool", "read", "write", "destructive", "egress", '
           '"money";',
           'action "get_prompt" appliesTo { principal: [Agent], resource: '
           '[Prompt], context: { call: Call, session: Session } };',
           'action "read_resource" appliesTo { principal: [Agent], resource: '
           '[Resource], context: { call: Call, session: Session } };']
    for (server, tool), arguments in tools.items():
        s = servers.get(server, {})
        groups = ["call_tool"] + s.get("risk", {}).get(tool, [])
        facts = s.get("facts", {}).get(tool, {})
        derived = ", derived?: { " + ", ".join(
            f"{word(a)}?: {KINDS[k]}" for a, k in facts.items()) + " }" \
            if facts else ""
        out.append(f'action "{server}___{tool}" in [' +
                   ", ".join(f'"{x}"' for x in groups) + "] appliesTo { "
                   "principal: [Agent], resource: [Tool], context: { call: "
                   "Call, session: Session, input: { " + ", ".join(
                       f"{word(a)}?: {t}" for a, t in arguments.items()) +
                   f" }}{derived} }} }};")
    return "\n".join(out) + "\n}\n"


for path in shipped:
    name = os.path.relpath(path, g.TOP)
    servers, calls = parts(path)
    text = open(path).read()
    write("own.cedarschema", schema(servers, calls))
    sets = {p.strip() for m in re.findall(r"policies: \[(.*?)\]", text)
            for p in m.split(",")}
    for p in sorted(sets):
        status, out = gatehouse("cedar", "validate", "--schema",
                                "own.cedarschema", "--policies",
                                os.path.join(os.path.dirname(path), p))
        g.ok(status == 0, f"{name}: {p} is valid, strictly", out)
    if "incidents" in path:
        runs = set(re.findall(r"- run: (\w+)", text))
        g.ok(runs == {"undefended", "defended", "benign"} and
             re.search(r"run: undefended\n(?:.*\n)*?    expect: allow", text),
             f"{name} has an undefended, a defended and a benign run", runs)
g.same(len([p for p in shipped if "incidents" in p]), 10, "ten incidents")
# The same schema refuses what is wrong, so that being valid says something.
write("bad.cedar", 'permit (principal, action, resource) when '
      '{ context.session.labels.contains(7) };')
status, out = gatehouse("cedar", "validate", "--schema", "own.cedarschema",
                        "--policies", "bad.cedar")
g.ok(status == 1, "and what is not is refused", out)

for path in glob.glob(os.path.join(g.TOP, "policies", "*.cedar")):
    g.ok(os.path.exists(path[:-len("cedar")] + "cases.yaml"),
         f"{os.path.basename(path)} has cases")

# A case that is not as expected is a no, and so is one that is not a case.
CASE = """policies: [p.cedar]
servers: {fs: {facts: {read: {path: path}}}}
cases:
  - {principal: a, server: fs, name: read, arguments: {path: /x}, %s}
"""
write("p.cedar", '@id("p") permit (principal, action, resource);\n')
for row, want, says in (
        ("expect: allow, by: p", 0, "1 passed, 0 failed"),
        ("expect: deny", 1, "FAILED 1"),
        ("expect: allow, by: q", 1, "expected allow by q"),
        ("expect: maybe", 1, "expect must be"),
        ("expect: allow, sesion: {}", 1, 'unknown member "sesion"')):
    status, out = gatehouse("policy", "test", write("c.yaml", CASE % row))
    g.ok(status == want and says in out, f"policy test: {row}", out)
status, out = gatehouse("policy", "test", "--json", write(
    "c.yaml", CASE % "expect: deny"))
g.ok(status == 1 and json.loads(out)["effect"] == "allow", "as JSON", out)
g.same(gatehouse("policy", "test", "gone.yaml")[0], 4, "no such file")

# A policy that does not parse: where, and what was expected.
CONF = {"listen": "127.0.0.1:8642", "anonymous": "local",
        "servers": {"fs": {"command": ["/bin/cat"]}}, "policies": ["pol"]}
os.mkdir(os.path.join(DIR, "pol"))
write("gatehouse.yaml", json.dumps(CONF))
write("pol/a.cedar", '@id("a")\npermit (principal, action, resource);\n')
status, out = gatehouse("check")
g.ok(status == 0, "check: good policies", out)
status, out = gatehouse("policy", "show")
g.ok(status == 0 and "// pol/a.cedar" in out, "policy show", out)
write("pol/b.cedar", "permit (principal, action,\n  resorce);\n")
status, out = gatehouse("check")
g.ok(status == 1 and "pol/b.cedar:2:3: " in out, "check: a bad policy", out)
status, out = gatehouse("check", "--json")
g.ok(status == 1 and "pol/b.cedar:2:3: " in json.loads(
    out)["findings"][0]["text"], "check --json: a bad policy", out)
status, out = gatehouse("run", "gatehouse.yaml")
g.ok(status != 0 and "pol/b.cedar:2:3: " in out, "run refuses to start", out)
write("pol/b.cedar", '@id("a")\npermit (principal, action, resource);\n')
status, out = gatehouse("check")
g.ok(status == 1 and "pol/b.cedar:2:1: " in out and 'the id "a"' in out,
     "check: the same id twice, and where", out)
os.unlink(os.path.join(DIR, "pol/b.cedar"))

# Who else may write what decides: each is named with what to do, a twin is not.
write("inv.yaml", "agents: {local: {}}\nservers: {fs: {}}\ntools: {fs/*: {}}\n")
GUARDED = "Gatehouse-guard.yaml"
write(GUARDED, json.dumps(dict(CONF, inventory="inv.yaml")))
os.mkdir(os.path.join(DIR, "sticky"))
write("sticky/c.yaml", json.dumps(dict(CONF, policies=["../pol"])))


def guarded(config, *command):
    status, out = gatehouse(*command, *(("-c",) if command[0] == "policy"
                                        else ()), config)
    return status, [line for line in out.splitlines()
                    if "decide what is allowed" in line]


g.same(guarded(GUARDED, "check"), (0, []), "check: files of one's own")
for path, mode, who, do in (
        ("pol/a.cedar", 0o666, "every user can change it", "chmod go-w"),
        ("pol/a.cedar", 0o664, "its group can change it", "chmod g-w"),
        ("pol/a.cedar", 0o646, "every user can change it", "chmod o-w"),
        ("pol", 0o777, "every user can put another file", "chmod go-w"),
        ("pol", 0o1777, "every user can put another file", "chmod go-w"),
        ("inv.yaml", 0o662, "every user can change it", "chmod go-w"),
        (GUARDED, 0o660, "its group can change it", "chmod g-w"),
        (".", 0o770, "its group can put another file", "chmod g-w")):
    path = os.path.normpath(os.path.join(DIR, path))
    was = os.stat(path).st_mode & 0o7777
    os.chmod(path, mode)
    for command in (("check",), ("policy", "check")):
        status, lines = guarded(GUARDED, *command)
        g.ok(status == 0 and len(lines) == 1 and path + ": warning: " in
             lines[0] and who in lines[0] and do in lines[0],
             f"{' '.join(command)}: {path} with {mode:o}", lines)
    os.chmod(path, was)
os.chmod(os.path.join(DIR, "sticky"), 0o1777)
g.same(guarded("sticky/c.yaml", "check"), (0, []),
       "a sticky directory lets nobody replace a file")
if os.geteuid() == 0:
    for path in ("pol/a.cedar", "pol", "inv.yaml"):
        os.chown(os.path.join(DIR, path), 65534, -1)
        status, lines = guarded(GUARDED, "check")
        g.ok(len(lines) == 1 and "belongs to user 65534" in lines[0] and
             "chown" in lines[0], f"check: {path} is another user's", lines)
        os.chown(os.path.join(DIR, path), 0, -1)
else:
    print("# skipped: files of another user, chown needs root")
g.same(guarded(GUARDED, "check")[1], [], "and all is well again")
os.chmod(os.path.join(DIR, "pol", "a.cedar"), 0o666)
status, out = gatehouse("check", "--json", GUARDED)
finding = json.loads(out)
g.ok(finding["warnings"] == 1 and finding["findings"][0]["file"] ==
     os.path.join(DIR, "pol", "a.cedar"), "and in JSON", out)
gate = g.Gateway({"servers": {"fs": {"command": ["/bin/cat"]}},
                  "policies": [os.path.join(DIR, "pol")]})
g.ok("a.cedar: warning: every user can change it" in gate.log(),
     "a start warns too")
gate.stop()
os.chmod(os.path.join(DIR, "pol", "a.cedar"), 0o644)
gate = g.Gateway({"servers": {"fs": {"command": ["/bin/cat"]}},
                  "policies": [os.path.join(DIR, "pol")]})
g.ok("decide what is allowed" not in gate.log(),
     "and does not when there is nothing to warn of")
gate.stop()

# Why: the part that is not so.
write("pol/a.cedar", """@id("reads") permit (principal, action, resource)
when { context.input.path like "/srv/*" };
@id("not-bob") forbid (principal == Gatehouse::Agent::"bob", action, resource);
""")
call = write("call.json", json.dumps(
    {"principal": "alice", "server": "fs", "name": "read",
     "arguments": {"path": "/etc/x"}}))
status, out = gatehouse("policy", "explain", call)
g.ok(status == 0 and 'not so: when { context["input"]["path"] like' in
     out.replace("context.input.path", 'context["input"]["path"]') and
     "not so: principal" in out and "deny by default-deny" in out,
     "policy explain", out)
status, out = gatehouse("policy", "explain", "--json", call)
g.ok(status == 0 and len(json.loads(out)["why"]["policies"]) == 2,
     "policy explain --json", out)
# A condition whose halves cannot be so at once; its twin can.
never = write("never.json", json.dumps({"tools": [
    {"name": "read", "inputSchema": {"type": "object", "properties": {
        "path": {"type": "string"}, "n": {"type": "integer"}},
        "required": ["path", "n"]}}]}))
for clause, bad in (
        ('context.input.path == "a" && context.input.path == "b"', True),
        ('context.input.path == "a" && context.input.path == "a"', False),
        ('context.input.path == "a" || context.input.path == "b"', False),
        ("context.input.n > 5 && context.input.n < 6", True),
        ("context.input.n > 5 && context.input.n <= 6", False),
        ("context.input.n >= 5 && 5 >= context.input.n", False),
        ("context.input.n >= 5 && 4 >= context.input.n", True),
        ("context.input.n == 5 && context.input.n > 5", True),
        ("context.input.n == 5 && context.session.calls > 5", False),
        ("context.input.n > 9223372036854775807", True),
        ("context.input.n >= 9223372036854775807", False)):
    write("pol/a.cedar", 'permit (principal, action == '
          f'Gatehouse::Action::"fs___read", resource) when {{ {clause} }};')
    status, out = gatehouse("policy", "check", f"fs={never}")
    g.ok(status == 0 and ("can never hold" in out) == bad,
         f"policy check: {clause}", out)
# Held by several: an approval of one lifts none of the others.
write("pol/a.cedar", """permit (principal, action, resource);
@id("eyes") @requestable("two-eyes") forbid (principal, action, resource);
@id("money") @requestable("money") forbid (principal, action, resource)
when { context.input.path like "/etc/*" };
""")
status, out = gatehouse("policy", "explain", call)
g.ok(status == 0 and "what would lift it: approval: money\n" in out and
     "and approval: two-eyes\n" in out, "explain names each approval", out)
status, out = gatehouse("policy", "explain", "--json", call)
g.same(json.loads(out)["needs"], ["money", "two-eyes"], "and so in JSON")
held = {"principal": "alice", "server": "fs", "name": "read",
        "arguments": {"path": "/etc/x"}, "expect": "hold", "by": "money"}
for needs, good in ((["two-eyes", "money"], True), (["money"], False),
                    (["money", "x"], False), ([], False)):
    cases = write("held.yaml", json.dumps(
        {"cases": [dict(held, needs=needs)]}))
    status, out = gatehouse("policy", "test", cases)
    g.ok((status == 0) == good and "needs money and two-eyes" in out,
         f"policy test: held for {needs}", out)
status, out = gatehouse("policy", "test", "--json", cases)
g.same(json.loads(out.splitlines()[0])["needs"], ["money", "two-eyes"],
       "and so in JSON")
tools = write("tools.json", json.dumps({"tools": [
    {"name": "read", "inputSchema": {"type": "object", "properties": {
        "path": {"type": "string"}}, "required": ["path"]}}]}))
status, out = gatehouse("policy", "map", f"fs={tools}")
g.ok(status == 0 and "depends" in out, "policy map", out)
write("pol/a.cedar", '@id("a")\npermit (principal, action == '
      'Gatehouse::Action::"fs___read", resource)\n'
      'when { context.input.path == 7 };\n')
status, out = gatehouse("policy", "check", f"fs={tools}")
g.ok(status == 1 and "pol/a.cedar:3:" in out, "policy check: types", out)
write("pol/a.cedar", '@id("a")\npermit (principal, action, resource);\n'
      '@id("b")\nforbid (principal, action, resource);\n')
status, out = gatehouse("policy", "check")
g.ok(status == 0 and "permits everything" in out and "never permits: b" in out
     and "types were not checked" in out, "policy check: lint", out)

# Every example of the page for newcomers works as it stands.
os.mkdir(os.path.join(DIR, "doc"))
page = open(os.path.join(g.TOP, "doc", "policy.md")).read()
blocks = re.findall(r"^```(\w+)(?: file=(\S+))?\n(.*?)^```$", page,
                    re.M | re.S)
g.ok(len(blocks) >= 7, "doc/policy.md has examples")
for _, name, text in blocks:
    if name:
        write(os.path.join("doc", name), text)
# What happened there, as the page tells it.
READ = {"kind": "decision", "method": "tools/call", "policy": "d",
        "principal": "local", "server": "fs", "name": "read_file",
        "endpoint": "/s/fs/mcp", "facts": {"path": "path"}, "risk": ["read"]}


def record(path, **more):
    return dict(READ, kept={"path": path}, **more)


used = {"verdict": "allow", "rule": "read-workspace"}
writeledger.write(os.path.join(DIR, "doc", "state", "ledger"), [
    {"kind": "policy", "policy": "d", "reads": [], "rules": 0},
    record("/srv/workspace/docs/a.md", **used),
    record("/srv/workspace/docs/img/b.png", **used),
    record("/etc/passwd", verdict="deny", rule="default-deny", step="decide"),
    record("/srv/workspace/docs/a.md", **used),
    dict(READ, name="write_file", withheld=1, verdict="deny",
         rule="default-deny", step="decide", params={"arguments": {"_sd": [
             sdjwt.digest(d) for d in json.loads(dict(
                 (n, t) for _, n, t in blocks)["held.jsonl"])["disclosures"]
         ]}})])
status, out = gatehouse("policy", "learn", "state",
                        cwd=os.path.join(DIR, "doc"))
g.same(out, dict((n, t) for _, n, t in blocks if n)["learned.cedar"],
       "what the page says is learned is what is")
for kind, name, text in blocks:
    for line in text.splitlines() if kind == "sh" else ():
        status, out = gatehouse(*line.split()[1:],
                                cwd=os.path.join(DIR, "doc"))
        g.ok(status == 0, f"doc/policy.md: {line}", out)
g.done()
