#!/usr/bin/env python3
"""Cedar policies as text and as JSON, on the command line."""
import json
import os
import subprocess

import gatetest as g

LOOSE = "// why\n@id(\"a\")permit(principal,action,resource,)when{1<2};"
LAID = ("// why\n@id(\"a\")\npermit (principal, action, resource)\n"
        "when { 1 < 2 };\n")
LINK = {"templateId": "t", "newId": "l",
        "values": {"?principal": {"type": "U", "id": "b"}}}


def cedar(*args, text=None):
    r = subprocess.run([g.BINARY, "cedar", *args], input=text, text=True,
                       capture_output=True, check=False)
    return r.returncode, r.stdout, r.stderr


d = g.directory("cedar")
path = os.path.join(d, "p.cedar")
with open(path, "w") as f:
    f.write(LOOSE)

g.same(cedar("format", text=LOOSE), (0, LAID, ""), "a text is laid out")
g.same(cedar("format", "-", text=LAID), (0, LAID, ""), "and stays so")
code, out, err = cedar("format", "--check", path)
g.same((code, out), (1, ""), "a loose file is not formatted")
g.ok("not formatted" in err, "and it says so", err)
g.same(cedar("format", "--write", path), (0, "", ""), "it is written")
g.same(cedar("format", "--check", path), (0, "", ""), "and then is formatted")
g.same(cedar("format", "--write", text=LOOSE)[0], 2,
       "standard input cannot be written")

code, out, err = cedar("to-json", path)
whole = json.loads(out)
g.same((code, err, list(whole["staticPolicies"])), (0, "", ["policy0"]),
       "a set as JSON")
g.same(cedar("from-json", text=out), (0, LAID.split("\n", 1)[1], ""),
       "and back, without the comment")
code, one, err = cedar("to-json", "--policy", "policy0", path)
g.same(json.loads(one), whole["staticPolicies"]["policy0"], "one policy")
g.same(cedar("from-json", text=one), (0, LAID.split("\n", 1)[1], ""),
       "and back")
g.same(cedar("to-json", "--policy", "policy1", path)[0], 1, "none such")

code, out, err = cedar("to-json", text="permit(principal == ?principal,\n"
                       "action, resource);")
linked = json.loads(out)
linked["templates"] = {"t": linked["templates"]["policy0"]}
g.same(cedar("from-json", text=json.dumps(linked))[0], 0, "a template")
linked["templateLinks"] = [LINK]
code, out, err = cedar("from-json", text=json.dumps(linked))
g.ok((code, out) == (1, "") and "l is a link" in err,
     "a link is no text", err)

for what, text, want in [
        ("format", "permit(\n  everyone", "standard input:2:3: expected "
         "principal, found everyone"),
        ("to-json", "permit(principal, action, resource) when { a };",
         "standard input:1:44: a is no variable"),
        ("from-json", "{\"effect\":\"permit\"}",
         "at /principal: this member is missing"),
        ("from-json", "{", "byte")]:
    code, out, err = cedar(what, text=text)
    g.ok((code, out) == (1, "") and want in err, f"{what} says: {want}", err)
g.same(cedar("format", os.path.join(d, "absent"))[0], 4, "no such file")
g.done()
