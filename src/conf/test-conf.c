/* test-conf: every refusal with its allowed twin, and what is warned of. */
#include "conf/test-conf.h"

struct row {
	const char *what;
	const char *good; /* the twin */
	const char *bad;
	unsigned line, column;
	const char *says; /* part of the first finding */
};
static const struct row rows[] = {
	{ "unknown key", S A R, S A R "listn: 127.0.0.1:1\n", 4, 1,
	    "listn: unknown key; did you mean \"listen\"?" },
	{ "unknown key far from all", S A R, S A R "zzzzzzzz: 1\n", 4, 1,
	    "config example" },
	{ "unknown key of a server", S A R,
	    "servers:\n  fs:\n    comand: [x]\n", 3, 5,
	    "servers.fs.comand: unknown key; did you mean \"command\"?" },
	{ "duplicate key", S A R, S A R "anonymous: other\n", 4, 1,
	    "already on line 2" },
	{ "duplicate server", S A R,
	    "servers:\n  fs: {command: [x]}\n  fs: {command: [y]}\n" A R, 3, 3,
	    "already on line 2" },
	{ "wrong type: text for a list", S A R,
	    "servers:\n  fs:\n    command: node\n" A R, 3, 14,
	    "servers.fs.command: must be a list" },
	{ "wrong type: list for a text", S A R, S R "anonymous: [a]\n", 3, 12,
	    "anonymous: must be a name" },
	{ "no value", S A R, S A R "listen:\n", 4, 1, "has no value" },
	{ "bool",
	    S A R "tls: {cert: c.pem, key: k.pem, need_client_cert: "
		  "false}\n",
	    S A R "tls: {cert: c.pem, key: k.pem, need_client_cert: yes}\n", 4,
	    50, "true or false" },
	{ "quoted number", S A R "cells: 1\n", S A R "cells: \"1\"\n", 4, 8,
	    "remove the quotes" },
	{ "range", S A R "cells: 16\n", S A R "cells: 17\n", 4, 8,
	    "out of range" },
	{ "size over its most", S A R "limits: {body: 16MiB}\n",
	    S A R "limits: {body: 17MiB}\n", 4, 16, "out of range" },
	{ "size that overflows", S A R "limits: {body: 16777216}\n",
	    S A R "limits: {body: 18446744073709551615GiB}\n", 4, 16,
	    "out of range" },
	{ "size unit", S A R "limits: {body: 64KiB}\n",
	    S A R "limits: {body: 64KB}\n", 4, 16, "64KiB" },
	{ "time without unit", S A R "limits: {call: 10s}\n",
	    S A R "limits: {call: 10}\n", 4, 16, "unit" },
	{ "budget of an unknown principal",
	    S A R "budgets: {b: {calls: 1, principal: local}}\n",
	    S A R "budgets: {b: {calls: 1, principal: lokal}}\n", 4, 36,
	    "budgets.b.principal: there is no such principal" },
	{ "budget of an unknown server",
	    S A R "budgets: {b: {calls: 1, server: fs}}\n",
	    S A R "budgets: {b: {calls: 1, server: sf}}\n", 4, 33,
	    "budgets.b.server: there is no such server" },
#define W "w: {url: \"https://w.example/\", key: a}"
	{ "a quorum of those there are",
	    S A R "log: {witnesses: {" W "}, quorum: 1}\n",
	    S A R "log: {witnesses: {" W "}, quorum: 2}\n", 4, 68,
	    "log.quorum: is more than the 1 witnesses" },
	{ "a witness without a key", S A R "log: {witnesses: {" W "}}\n",
	    S A R "log: {witnesses: {w: {url: \"https://w.example/\"}}}\n", 4,
	    19, "needs url and key" },
	{ "one key twice",
	    S A R "log: {witnesses: {" W
		  ", v: {url: \"https://v.example/\", key: b}}}\n",
	    S A R "log: {witnesses: {" W
		  ", v: {url: \"https://v.example/\", key: a}}}\n",
	    4, 95, "is the key of w too" },
	{ "a prefix with a query", S A R "log: {witnesses: {" W "}}\n",
	    S A R "log: {witnesses: {w: {url: \"https://w.example/?a\", key: "
		  "a}}}\n",
	    4, 28, "has no query" },
	{ "a place that is two", S A R "log: {publish: {p: {file: a}}}\n",
	    S A R "log: {publish: {p: {file: a, url: \"https://p.example\"}}}"
		  "\n",
	    4, 17, "exactly one of file and url" },
	{ "authorities without TLS",
	    S A R "log: {publish: {p: {url: \"http://p.example\"}}}\n",
	    S A R "log: {publish: {p: {url: \"http://p.example\", ca: c.pem}}}"
		  "\n",
	    4, 50, "means nothing without https" },
	{ "a witness needs no servers",
	    "witness: {listen: \"127.0.0.1:1\", logs: [a]}\n" A,
	    "witness: {listen: \"127.0.0.1:1\"}\n" A, 1, 1,
	    "needs listen and logs" },
	{ "a witness listens apart",
	    S A R "witness: {listen: \"127.0.0.1:1\", logs: [a]}\n",
	    S A R "witness: {listen: \"127.0.0.1:8643\", logs: [a]}\n", 4, 19,
	    "is an address that is in use" },
#undef W
	{ "budget of two things", S A R "budgets: {b: {bytes: 1MiB}}\n",
	    S A R "budgets: {b: {bytes: 1MiB, calls: 1}}\n", 4, 11,
	    "budgets.b: needs exactly one of calls, bytes" },
	{ "budget of nothing", S A R "budgets: {b: {calls: 0}}\n",
	    S A R "budgets: {b: {window: 1h}}\n", 4, 11,
	    "budgets.b: needs exactly one of calls, bytes" },
	{ "spend without a currency",
	    S A R "budgets: {b: {spend: 1, currency: EUR}}\n",
	    S A R "budgets: {b: {spend: 1}}\n", 4, 22,
	    "budgets.b.spend: needs currency" },
	{ "currency of calls",
	    S A R "budgets: {b: {spend: 1, currency: EUR}}\n",
	    S A R "budgets: {b: {calls: 1, currency: EUR}}\n", 4, 35,
	    "budgets.b.currency: is for spend alone" },
	{ "currency that is none",
	    S A R "budgets: {b: {spend: 1, currency: EUR}}\n",
	    S A R "budgets: {b: {spend: 1, currency: eur}}\n", 4, 35,
	    "budgets.b.currency: must be a code" },
	{ "risk group of a budget",
	    S A R "budgets: {b: {calls: 1, risk: [write]}}\n",
	    S A R "budgets: {b: {calls: 1, risk: [writes]}}\n", 4, 32,
	    "must be one of read|write|destructive|egress|money" },
	{ "agents of nobody's subtree",
	    S A R "budgets: {b: {agents: 3, per: subtree}}\n",
	    S A R "budgets: {b: {agents: 3}}\n", 4, 23,
	    "budgets.b.agents: needs per: subtree" },
	{ "window of a depth", S A R "budgets: {b: {depth: 3}}\n",
	    S A R "budgets: {b: {depth: 3, window: 1h}}\n", 4, 33,
	    "budgets.b.window: means nothing" },
	{ "window too short", S A R "budgets: {b: {calls: 1, window: 1s}}\n",
	    S A R "budgets: {b: {calls: 1, window: 999ms}}\n", 4, 33,
	    "out of range" },
	{ "word", S A R "durability: strict\n", S A R "durability: strct\n", 4,
	    13, "did you mean \"strict\"?" },
	{ "kind of a fact",
	    "servers: {fs: {command: [x], facts: {t: {p: "
	    "path, q: url}, u: {}}}}\n" A R,
	    "servers: {fs: {command: [x], facts: {t: {p: paht}}}}\n" A R, 1, 45,
	    "servers.fs.facts.t.p: must be one of path|url|email|host|cidr|sql|"
	    "shell|money|size|count|secret|hash|path*|url*|email*|host*|"
	    "cidr*|sql*|shell*|money*|size*|count*|secret*|hash*; did you mean "
	    "\"path\"?" },
	{ "facts of a tool are a map",
	    "servers: {fs: {command: [x], facts: {t: {}}}}\n" A R,
	    "servers: {fs: {command: [x], facts: {t: path}}}\n" A R, 1, 41,
	    "servers.fs.facts.t: must hold arguments" },
	{ "a kind is one word",
	    "servers: {fs: {command: [x], facts: {t: {p: sql}}}}\n" A R,
	    "servers: {fs: {command: [x], facts: {t: {p: [sql]}}}}\n" A R, 1,
	    45, "must be one of" },
	{ "group of risk",
	    "servers: {fs: {command: [x], risk: {t: [write, money]}}}\n" A R,
	    "servers: {fs: {command: [x], risk: {t: [write, mony]}}}\n" A R, 1,
	    48, "did you mean \"money\"?" },
	{ "groups of risk are a list",
	    "servers: {fs: {command: [x], risk: {t: []}}}\n" A R,
	    "servers: {fs: {command: [x], risk: {t: write}}}\n" A R, 1, 40,
	    "servers.fs.risk.t: must be a list" },
	{ "kept arguments are a list",
	    "servers: {fs: {command: [x], keep: {t: [a, b]}}}\n" A R,
	    "servers: {fs: {command: [x], keep: {t: a}}}\n" A R, 1, 40,
	    "servers.fs.keep.t: must be a list, as [path]" },
	{ "a kept argument has a name",
	    "servers: {fs: {command: [x], keep: {t: [a]}}}\n" A R,
	    "servers: {fs: {command: [x], keep: {t: [[a]]}}}\n" A R, 1, 41,
	    "must be an argument's name" },
	{ "a class of data",
	    S A "data: {classes: {x: {do: keep}}, results: x}\n",
	    S A "data: {classes: {x: {do: keep}}, results: y}\n", 3, 43,
	    "data.results: is no class of data.classes" },
	{ "an argument's class",
	    "servers: {fs: {command: [x], data: {t: {a: drop}}}}\n" A R,
	    "servers: {fs: {command: [x], data: {t: {a: dropp}}}}\n" A R, 1, 44,
	    "servers.fs.data.t.a: is no class" },
	{ "an answer's class",
	    "servers: {fs: {command: [x], results: {\"*\": keep}}}\n" A R,
	    "servers: {fs: {command: [x], results: {\"*\": none}}}\n" A R, 1,
	    45, "is no class" },
	{ "one argument, one class",
	    "servers: {fs: {command: [x], data: {t: {a: drop}}, keep: {t: "
	    "[b]}}}\n" A R,
	    "servers: {fs: {command: [x], data: {t: {a: drop}}, keep: {t: "
	    "[a]}}}\n" A R,
	    1, 63, "has a class in data already" },
	{ "names of classes that are taken",
	    S A "data: {classes: {kept: {do: keep}}}\n",
	    S A "data: {classes: {keep: {do: drop}}}\n", 3, 18,
	    "is there already" },
	{ "retention is of what is kept",
	    S A "data: {classes: {x: {do: keep, retention: 1h}}}\n",
	    S A "data: {classes: {x: {do: drop, retention: 1h}}}\n", 3, 43,
	    "is for classes that keep" },
	{ "policies is a list", S A "policies: [a.cedar]\n",
	    S A "policies: a.cedar\n", 3, 11, "must be a list of paths" },
	{ "a policy file that is not there", S A "policies: [pol]\n",
	    S A "policies: [nopol]\n", 3, 12, "no such file" },
	{ "a directory without policies", S A "policies: [pol]\n",
	    S A "policies: [pol, empty]\n", 3, 17, "holds no file" },
	{ "a policy that is not UTF-8", S A "policies: [a.cedar]\n",
	    S A "policies: [bad.cedar]\n", 3, 12, "is not UTF-8, line 2" },
	{ "anchor", S A R, "servers: {fs: {command: &a [x]}}\n" A R, 1, 28,
	    "anchors are refused" },
	{ "alias", S A R, S "anonymous: *a\n" R, 2, 0, NULL },
	{ "merge key", S A R, S A R "<<: {listen: x}\n", 4, 1,
	    "merge keys are refused" },
	{ "tag", S A R, S "anonymous: !!str local\n" R, 2, 0,
	    "tags are refused" },
	{ "second document", S A R, S A R "---\nlisten: 127.0.0.1:1\n", 4, 1,
	    "second document" },
	{ "not YAML", S A R, "a: b: c\n", 1, 0, NULL },
	{ "empty file", S A R, "# nothing\n", 0, 0, "empty" },
	{ "control character", S A R, S A R "listen: \x01\n", 4, 9,
	    "control character" },
	{ "not UTF-8", S A R, S A R "# \xff\n", 0, 0, "UTF-8" },
	{ "NUL by escape", "servers: {fs: {command: [x, \"a\\n\"]}}\n" A R,
	    "servers: {fs: {command: [x, \"a\\0\"]}}\n" A R, 1, 30, "NUL" },
	{ "key that is a list", S A R, S A R "? [a]\n: b\n", 4, 0,
	    "plain word" },
	{ "deep nesting", S A R,
	    S A R "hosts: [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]\n", 4, 0,
	    "too deeply" },
	{ "server name", "servers: {a-1: {command: [x]}}\n" A R,
	    "servers: {a___b: {command: [x]}}\n" A R, 1, 11,
	    "a server's name" },
	{ "server name length",
	    "servers: {aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: {command: [x]}}\n" A R,
	    "servers: {aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: {command: [x]}}\n" A
		R,
	    1, 11, "a server's name" },
	{ "no servers", S A R, A R, 0, 0, "at least one" },
	{ "neither command nor url", S A R, "servers: {fs: {era: auto}}\n" A R,
	    1, 11, "exactly one" },
	{ "command and url", "servers: {w: {url: \"http://127.0.0.1/\"}}\n" A R,
	    "servers: {w: {command: [x], url: \"http://127.0.0.1/\"}}\n" A R, 1,
	    11, "exactly one" },
	{ "url with env", "servers: {w: {command: [x], env: {A: b}}}\n" A R,
	    "servers: {w: {url: \"http://127.0.0.1/\", env: {A: b}}}\n" A R, 1,
	    41, "belongs to servers with command" },
	{ "scheme", "servers: {w: {url: \"https://h.example/x\"}}\n" A R,
	    "servers: {w: {url: \"ftp://h.example/x\"}}\n" A R, 1, 20,
	    "http://" },
	{ "password in url",
	    "servers: {w: {url: \"https://h.example/@\"}}\n" A R,
	    "servers: {w: {url: \"https://u:p@h.example/\"}}\n" A R, 1, 20,
	    "credential_file" },
	{ "fragment", "servers: {w: {url: \"https://h.example/a?b\"}}\n" A R,
	    "servers: {w: {url: \"https://h.example/a#b\"}}\n" A R, 1, 20,
	    "fragment" },
	{ "url port", "servers: {w: {url: \"https://h.example:65535\"}}\n" A R,
	    "servers: {w: {url: \"https://h.example:65536\"}}\n" A R, 1, 20,
	    "port" },
	{ "credential in the clear",
	    "servers: {w: {url: \"https://h.example/\", credential_file: tok}}"
	    "\n" A R,
	    "servers: {w: {url: \"http://h.example/\", credential_file: tok}}"
	    "\n" A R,
	    1, 58, "in the clear" },
	{ "missing credential",
	    "servers: {w: {url: \"https://h.example/\", credential_file: tok}}"
	    "\n" A R,
	    "servers: {w: {url: \"https://h.example/\", credential_file: no}}"
	    "\n" A R,
	    1, 59, "no such file" },
	{ "ca that is no PEM",
	    "servers: {w: {url: \"https://h.example/\", ca: c.pem}}\n" A R,
	    "servers: {w: {url: \"https://h.example/\", ca: junk}}\n" A R, 1,
	    46, "no PEM certificate" },
	{ "state in reach of a server",
	    "servers: {w: {command: [x], sandbox: {write: [/data]}}}\n" A R,
	    "servers: {w: {command: [x], sandbox: {write: [.]}}}\n" A R, 1, 46,
	    "could change the ledger" },
	{ "listen beyond loopback without tls",
	    "listen: 0.0.0.0:1\nhosts: [g.example]\n" TLS S P R,
	    "listen: 0.0.0.0:1\nhosts: [g.example]\n" S P R, 1, 9,
	    "needs tls" },
	{ "listen beyond loopback without principals",
	    "listen: 10.1.2.3:1\n" TLS S P R, "listen: 10.1.2.3:1\n" TLS S R, 1,
	    9, "needs principals" },
	{ "a server of the gateway's own name", S A R,
	    "servers: {gatehouse: {command: [/usr/bin/x]}}\n" A R, 1, 11,
	    "own name" },
	{ "a rule about the gateway's own tool",
	    S A "rules: [{allow: {server: gatehouse, name: plan}}]\n",
	    S A "rules: [{allow: {server: gatehous, name: plan}}]\n", 3, 26,
	    "no such server" },
	{ "client certificate without its key",
	    "servers: {w: {url: \"https://h.example/\", client_cert: c.pem, "
	    "client_key: k.pem}}\n" A R,
	    "servers: {w: {url: \"https://h.example/\", client_cert: c.pem}}"
	    "\n" A R,
	    1, 55, "go together" },
	{ "client key without its certificate",
	    "servers: {w: {url: \"https://h.example/\", client_cert: c.pem, "
	    "client_key: k.pem}}\n" A R,
	    "servers: {w: {url: \"https://h.example/\", client_key: k.pem}}"
	    "\n" A R,
	    1, 54, "go together" },
	{ "client certificate in the clear",
	    "servers: {w: {url: \"https://h.example/\", client_cert: c.pem, "
	    "client_key: k.pem}}\n" A R,
	    "servers: {w: {url: \"http://127.0.0.1:1/\", client_cert: c.pem, "
	    "client_key: k.pem}}\n" A R,
	    1, 56, "means nothing for http" },
	{ "client certificate of a program", S A R,
	    "servers: {w: {command: [/bin/true], client_cert: c.pem, "
	    "client_key: k.pem}}\n" A R,
	    1, 37, "belongs to servers with url" },
	{ "sharing of what is not a process",
	    "servers: {w: {command: [/bin/true], sharing: all}}\n" A R,
	    "servers: {w: {url: \"https://h.example/\", sharing: all}}\n" A R,
	    1, 42, "belongs to servers with command" },
	{ "listen beyond loopback with anonymous",
	    "listen: 10.1.2.3:1\n" TLS S P R,
	    "listen: 10.1.2.3:1\n" TLS S P A R, 5, 12,
	    "is refused while listen" },
	{ "desk url in the clear", S A R "desk_url: https://d.example\n",
	    S A R "desk_url: http://d.example\n", 4, 11, "must be https" },
	{ "desk url with a path", S A R "desk_url: https://d.example:1\n",
	    S A R "desk_url: https://d.example:1/\n", 4, 11, "without a path" },
	{ "desk url without a desk",
	    S A R "desk: 127.0.0.1:1\ndesk_url: https://d.example\n",
	    S A R "desk: none\ndesk_url: https://d.example\n", 5, 11,
	    "needs desk" },
	{ "evaluates is no bool",
	    S R "principals: {al: {evaluates: true, token_sha256: \"" HEX64
		"\"}}\n",
	    S R "principals: {al: {evaluates: yes, token_sha256: \"" HEX64
		"\"}}\n",
	    3, 30, "true or false" },
	{ "listen on every address without hosts",
	    "listen: \"[::]:1\"\nhosts: [g.example]\n" TLS S P R,
	    "listen: \"[::]:1\"\n" TLS S P R, 1, 9, "list in hosts" },
	{ "listen on a name", S A R "listen: localhost:1\n",
	    S A R "listen: gate.example:1\n", 4, 9, "numeric" },
	{ "listen none", S A R "desk: none\n", S A R "listen: none\n", 4, 9,
	    "gatehouse wrap" },
	{ "desk beyond loopback", S A R "desk: 127.9.9.9:1\n",
	    S A R "desk: 10.0.0.1:1\n", 4, 7, "loopback" },
	{ "desk on listen", S A R "desk: 127.0.0.1:8641\n",
	    S A R "desk: 127.0.0.1:8642\n", 4, 7, "the same address" },
	{ "tls without key", S A R TLS, S A R "tls: {cert: c.pem}\n", 4, 6,
	    "both cert and key" },
	{ "client certificates from nobody",
	    S A R "tls: {cert: c.pem, key: k.pem, client_ca: c.pem, "
		  "need_client_cert: true}\n",
	    S A R "tls: {cert: c.pem, key: k.pem, need_client_cert: true}\n", 4,
	    50, "needs client_ca" },
	{ "cert that is not there", S A R TLS,
	    S A R "tls: {cert: gone.pem, key: k.pem}\n", 4, 13, "no such" },
	{ "plain token", S P R, S R "principals: {al: {token: hunter2}}\n", 3,
	    19, "token_sha256 only" },
	{ "token where the hash belongs", S P R,
	    S R "principals: {al: {token_sha256: hunter2}}\n", 3, 33,
	    "never the token itself" },
	{ "principal without a token", S P R, S R "principals: {al: {}}\n", 3,
	    14, "needs token_sha256" },
	{ "one token for two",
	    S R "principals: {al: {token_sha256: \"" HEX64
		"\"}, bo: {token_sha256: \"" HEX65 "\"}}\n",
	    S R "principals: {al: {token_sha256: \"" HEX64
		"\"}, bo: {token_sha256: \"" HEX64 "\"}}\n",
	    3, 0, "is the token of al too" },
	{ "rule without effect", S A "rules: [{deny: {}, id: x}]\n",
	    S A "rules: [{id: x}]\n", 3, 9, "exactly one of allow and deny" },
	{ "rule with both effects", S A "rules: [{allow: {}}, {deny: {}}]\n",
	    S A "rules: [{allow: {}, deny: {}}]\n", 3, 9, "exactly one" },
	{ "rule for an unknown principal",
	    S A "rules: [{deny: {principal: local}}]\n",
	    S A "rules: [{deny: {principal: locl}}]\n", 3, 28,
	    "no such principal" },
	{ "rule for an unknown server", S A "rules: [{deny: {server: fs}}]\n",
	    S A "rules: [{deny: {server: f}}]\n", 3, 25, "no such server" },
	{ "rule with a list", S A "rules: [{deny: {name: a}}]\n",
	    S A "rules: [{deny: {name: [a, b]}}]\n", 3, 23, "second rule" },
	{ "rule id twice",
	    S A "rules: [{allow: {}, id: a}, {deny: {}, id: b}]\n",
	    S A "rules: [{allow: {}, id: a}, {deny: {}, id: a}]\n", 3, 44,
	    "another rule too" },
	{ "rule id of our own", S A "rules: [{allow: {}, id: r}]\n",
	    S A "rules: [{allow: {}, id: default-deny}]\n", 3, 25,
	    "choose another" },
	{ "call over call_max", S A R "limits: {call: 10m}\n",
	    S A R "limits: {call: 11m}\n", 4, 9, "call_max" },
	{ "too many processes", S A R "cells: 16\n",
	    "cells: 16\nservers: {a: {command: [x]}, b: {command: [x]}, c: "
	    "{command: [x]}, d: {command: [x]}, e: {command: [x]}, f: "
	    "{command: [x]}, g: {command: [x]}, h: {command: [x]}, i: "
	    "{command: [x]}, j: {command: [x]}, k: {command: [x]}, l: "
	    "{command: [x]}, m: {command: [x]}, n: {command: [x]}}\n" A R,
	    1, 8, "too many processes" },
	{ "origin with a path", S A R "origins: [\"https://a.example\"]\n",
	    S A R "origins: [\"https://a.example/x\"]\n", 4, 11,
	    "without a path" },
	{ "host with a slash", S A R "hosts: [\"a.example:1\"]\n",
	    S A R "hosts: [\"a.example/\"]\n", 4, 9, "Host header" },
	{ "name of a variable",
	    "servers: {w: {command: [x], env: {A_1: b}}}\n" A R,
	    "servers: {w: {command: [x], env: {A=B: b}}}\n" A R, 1, 35,
	    "environment variable" },
	{ "control too long", S A R "control: /run/g.sock\n",
	    S A R "control: /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		  "aa\n",
	    4, 10, "107 bytes" },
};

static size_t
errors_in(const struct tried *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		n += t->at[i].warning ? 0 : 1;
	return n;
}

static const struct conf_error *
first_error(const struct tried *t)
{
	for (size_t i = 0; i < t->n; i++)
		if (!t->at[i].warning)
			return &t->at[i];
	return NULL;
}

static void
test_rows(void)
{
	struct tried t = { .n = 0 };

	for (size_t i = 0; i < countof(rows); i++) {
		const struct row *r = &rows[i];
		const struct conf_error *e;

		try(r->good, &t);
		ok(t.e == OK && errors_in(&t) == 0, "%s: the twin is allowed",
		    r->what);
		if (t.n > 0 && t.e != OK)
			printf("# %u:%u %s\n", t.at[0].line, t.at[0].column,
			    t.at[0].text.text);
		buf_done(&t.image);
		try(r->bad, &t);
		e = first_error(&t);
		ok(t.e == ERR_SYNTAX && e != NULL && t.image.n == 0 &&
			e->line == r->line &&
			(r->column == 0 || e->column == r->column) &&
			(r->says == NULL ||
			    strstr(e->text.text, r->says) != NULL),
		    "%s: refused", r->what);
		if (e != NULL)
			printf(
			    "# %u:%u %s\n", e->line, e->column, e->text.text);
		buf_done(&t.image);
	}
}

static const struct {
	const char *yaml, *says;
} warned[] = {
	{ S A, "every call is denied" },
	{ S A "rules: []\n", "every call is denied" },
	{ S R, "nobody can call" },
	{ S A R "durability: batch\n", "read_only tools alone" },
	{ S A "rules: [{allow: {server: \"x*\"}}]\n", "matches no server" },
	{ S A "rules: [{allow: {principal: \"x*\"}}]\n",
	    "matches no principal" },
	{ "servers: {w: {url: \"http://h.example/\"}}\n" A R, "in the clear" },
	{ "servers: {w: {command: [x], sandbox: {mode: \"off\"}}}\n" A R,
	    "all that its user may" },
	{ "servers: {w: {command: [x], sandbox: {read: [/]}}}\n" A R,
	    "read the ledger" },
	{ S R "desk: none\nprincipals: {al: {evaluates: true, token_sha256: "
	      "\"" HEX64 "\"}}\n",
	    "no desk to ask" },
	{ "servers: {w: {command: [node, s.js]}}\n" A R, "sandbox hides" },
	{ "servers: {w: {url: \"https://h/\", credential_file: shared}}\n" A R,
	    "chmod 600" },
};

static void
test_warnings(void)
{
	struct tried t = { .n = 0 };

	for (size_t i = 0; i < countof(warned); i++) {
		try(warned[i].yaml, &t);
		ok(t.e == OK && t.n == 1 && t.at[0].warning &&
			strstr(t.at[0].text.text, warned[i].says) != NULL,
		    "warned: %s", warned[i].says);
		for (size_t k = 0; k < t.n; k++)
			printf("# %s\n", t.at[k].text.text);
		buf_done(&t.image);
	}
	try("servers: {w: {command: [node, s.js], sandbox: {read: [.]}}}\n"
	    "state: /var/s\n" A R,
	    &t);
	ok(t.e == OK && t.n == 0, "a script in reach is no warning");
	buf_done(&t.image);
	try(S A R "durability: batch\n", &t);
	buf_done(&t.image);
}

int
main(void)
{
	test_rows();
	test_warnings();
	return tap_done();
}
