"""What a message may look like: rows of mcp.md 12.1 about bodies."""
import gzip
import json
import zlib

import gatetest as g
from two import META, Two, call_text

# typed: what parsers are tried with, the tools do not declare
t = Two(server={"arguments": "typed"})


def post(body, headers=None, **kw):
    return lambda: t.post(body, headers, **kw)


fine = post(call_text())
t.allowed("the plain call", fine)

# Duplicates and variants: one reading for everyone, or none.
for name, body in (
        ("duplicate method", call_text(extra='"method":"tools/call",')),
        ("duplicate method, other value",
         call_text(extra='"method":"ping",')),
        ("duplicate params.name",
         call_text(params_extra='"name":"secret",')),
        ("duplicate params.name, header names the last",
         call_text(name='"secret"', params_extra='"name":"echo",')),
        ("duplicate id", call_text(extra='"id":1,')),
        ("duplicate deep in arguments",
         call_text(arguments='{"a":{"b":[{"c":1,"c":2}]}}')),
        ("duplicate by escape", call_text(
            params_extra='"n\\u0061me":"secret",')),
        ("case variant Name", call_text(params_extra='"Name":"secret",')),
        ("case variant Method", call_text(extra='"Method":"ping",')),
        ("case variant PARAMS", call_text(extra='"PARAMS":{},')),
        ("case variant Arguments",
         call_text(params_extra='"Arguments":{},'))):
    t.refused(name, post(body))
t.allowed("the same letter in two arguments that differ by case",
          post(call_text(arguments='{"text":"x","Text":"y"}')))

# Escapes: compared after unescaping.
t.refused("secret by escape", post(
    call_text(name='"s\\u0065cret"'), {"Mcp-Name": "secret"}), (200, 403))
t.allowed("an escaped method", post(
    call_text(method='"t\\u006fols/call"')))
t.allowed("an escaped name", post(call_text(name='"\\u0065cho"')))

# One object, no batch.
one = call_text()
t.refused("batch of one", post(f"[{one}]"))
t.refused("batch of two", post(f"[{one},{call_text(id='2')}]"))
t.refused("empty batch", post("[]"))
t.refused("a string", post('"tools/call"'))
t.refused("nothing", post(""))

# Identifiers.
for name, id in (("null", "null"), ("a fraction", "1.5"), ("true", "true"),
                 ("an object", "{}"), ("an exponent with a fraction",
                                       "1.5e0"), ("an exponent", "1e0"),
                 ("a fraction of nothing", "1.0")):
    t.refused(f"id is {name}", post(call_text(id=id)))
for id in ("9007199254740993", "-7", '"a"', '"1"', "9223372036854775807",
           '"\\u00e9"'):
    a = t.allowed(f"id {id}", post(call_text(id=id)))
    g.ok(a is not None and a.last.get("id") == json.loads(id) and
         (f'"id":{id}'.encode() in a.body.replace(b" ", b"") or
          "\\u" in id), f"id {id} comes back as it was", a)
t.refused("jsonrpc 1.0", post(call_text().replace('"2.0"', '"1.0"', 1)))
t.refused("no jsonrpc",
          post(call_text().replace('"jsonrpc":"2.0",', "", 1)))
t.refused("result beside method", post(call_text(extra='"result":{},')))

# Not JSON.
for name, body in (("trailing garbage", one + "x"),
                   ("two documents", one + one),
                   ("NaN", call_text(arguments='{"a":NaN}')),
                   ("a comment", "/**/" + one),
                   ("a trailing comma", call_text(arguments='{"a":1,}')),
                   ("single quotes", "{'jsonrpc':'2.0'}"),
                   ("cut short", one[:-1]),
                   ("a leading zero", call_text(arguments='{"a":01}')),
                   ("UTF-16 unannounced", one.encode("utf-16")),
                   ("a byte order mark", b"\xef\xbb\xbf" + one.encode()),
                   ("invalid UTF-8", call_text(
                       arguments='{"a":"?"}').encode().replace(
                           b"?", b"\xff")),
                   ("overlong UTF-8", call_text(
                       arguments='{"a":"?"}').encode().replace(
                           b"?", b"\xc0\xaf")),
                   ("lone surrogate",
                    call_text(arguments='{"a":"\\ud800"}')),
                   ("a raw control character",
                    call_text(arguments='{"a":"\x01"}'))):
    a = t.refused(name, post(body))
    if a is not None:
        g.ok(b"<html" not in a.body.lower() and b"    at " not in a.body,
             f"no page, no stack: {name}", a)
t.allowed("a pair of surrogates",
          post(call_text(arguments='{"text":"\\ud83d\\ude00"}')))
t.allowed("white space around", post(" \r\n\t" + one + "\n"))

# Media types and encodings.
for name, kind in (("charset utf-16", "application/json; charset=utf-16"),
                   ("charset utf-7", "application/json;charset=utf-7"),
                   ("text/plain", "text/plain"), ("none", None),
                   ("a form", "application/x-www-form-urlencoded"),
                   ("a near miss", "application/jsonx")):
    body = one.encode("utf-16") if "16" in name else one
    t.refused(f"content type: {name}",
              post(body, {"Content-Type": kind}), (400, 415))
for kind in ("Application/JSON", "application/json; charset=UTF-8",
             'application/json;charset="utf-8"'):
    t.allowed(f"content type {kind}", post(one, {"Content-Type": kind}))
for name, packed in (("gzip", gzip.compress(one.encode())),
                     ("deflate", zlib.compress(one.encode())),
                     ("br", one.encode())):
    t.refused(f"content encoding {name}",
              post(packed, {"Content-Encoding": name}), (400, 415))
t.allowed("content encoding identity",
          post(one, {"Content-Encoding": "identity"}))

# Sizes.
t.refused("5,000 deep",
          post(call_text(arguments='{"a":' + "[" * 5000 + "]" * 5000 + "}")),
          (400, 413))
t.allowed("20 deep",
          post(call_text(arguments='{"a":' + "[" * 20 + "]" * 20 + "}")))
t.refused("5 MB", post(call_text(arguments='{"a":"' + "x" * 5000000 +
                                 '"}')), (413,))
t.allowed("200 kB",
          post(call_text(arguments='{"text":"' + "x" * 200000 + '"}')))
t.refused("too many values", post(
    call_text(arguments='{"a":[' + "0," * 150000 + "0]}")), (400, 413))
t.allowed("1,000 values",
          post(call_text(arguments='{"a":[' + "0," * 999 + "0]}")))

# Lenient in what is asked for in return.
for accept in (None, "*/*", "application/json", "text/event-stream"):
    t.allowed(f"accept {accept}", post(one, {"Accept": accept}))

# Kept as it was.
odd = '{"z":1.10,"a":1e2,"m":[true,null,-0.0],"text":"\\u00e9/\\/"}'
a = t.allowed("numbers and order", post(call_text(arguments=odd)))
got = t.new.seen[-1]["body"].decode()
g.ok('"z":1.10' in got and '"a":1e2' in got and
     got.index('"z"') < got.index('"a":1e2'),
     "lexemes and order of arguments arrive as sent", got)

# Every refusal is on record, with a reason.
g.ok(t.gate.process.poll() is None, "still running")
t.all_recorded()
records = [r for r in t.gate.records() if r.get("verdict") == "deny"]
g.ok(records and all(r.get("reason") for r in records),
     "every refusal has a reason", [r for r in records
                                    if not r.get("reason")][:3])
t.stop()
assert META
g.done()
