"""Cedar policies: those that come with the program, what does not load, and
what a running gateway does with them."""
import glob
import json
import os
import re
import subprocess

import gatetest as g

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
g.ok(status == 1, "check: the same id twice", out)
os.unlink(os.path.join(DIR, "pol/b.cedar"))

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
for kind, name, text in blocks:
    for line in text.splitlines() if kind == "sh" else ():
        status, out = gatehouse(*line.split()[1:],
                                cwd=os.path.join(DIR, "doc"))
        g.ok(status == 0, f"doc/policy.md: {line}", out)
g.done()
