/* test-conf: every refusal with its allowed twin, the image, the example. */
#include "conf/conf-in.h"

#include "base/tap.h"

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define HEX65 "1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define S "servers: {fs: {command: [/usr/bin/x]}}\n"
#define A "anonymous: local\n"
#define R "rules: [{allow: {}}]\n"
#define P "principals: {al: {token_sha256: \"" HEX64 "\"}}\n"
#define TLS "tls: {cert: c.pem, key: k.pem}\n"

/* Files that exist: c.pem (PEM), k.pem and tok (secret), junk, shared. */
static enum err
fake_look(void *arg, const char *path, bool *shared, struct note *why)
{
	static const char *const there[] = { "/d/k.pem", "/d/tok", "/d/shared",
		"/d/s.js", "/srv/x.js" };

	(void)arg;
	*shared = strcmp(path, "/d/shared") == 0;
	for (size_t i = 0; i < countof(there); i++)
		if (strcmp(there[i], path) == 0)
			return OK;
	note_set(why, "%s: no such file", path);
	return ERR_OS;
}

static enum err
fake_read(
    void *arg, const char *path, size_t max, struct buf *out, struct note *why)
{
	(void)arg, (void)max;
	if (strcmp(path, "/d/c.pem") == 0)
		buf_str(out, STR("-----BEGIN CERTIFICATE-----\nAA==\n"
				 "-----END CERTIFICATE-----\n"));
	else if (strcmp(path, "/d/junk") == 0)
		buf_str(out, STR("junk"));
	else {
		note_set(why, "%s: no such file", path);
		return ERR_OS;
	}
	return OK;
}

static const struct conf_files fake = { .read = fake_read, .look = fake_look };

struct tried {
	enum err e;
	struct conf_error at[16];
	size_t n;
	struct buf image;
};

static void
try(const char *yaml, struct tried *t)
{
	struct conf_job j = {
		.a = arena_new(CONF_ARENA),
		.files = &fake,
		.dir = STR("/d"),
		.at = t->at,
		.max = countof(t->at),
		.sources = { .max = CONF_TEXT_MAX },
	};

	memset(t, 0, sizeof(*t));
	t->image.max = 4 * 1024 * 1024;
	t->e = conf_build(&j, str_of(yaml), &t->image);
	t->n = j.n;
	buf_done(&j.sources);
	arena_free(j.a);
}

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
	{ "word", S A R "durability: strict\n", S A R "durability: strct\n", 4,
	    13, "did you mean \"strict\"?" },
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
	{ "listen beyond loopback with anonymous",
	    "listen: 10.1.2.3:1\n" TLS S P R,
	    "listen: 10.1.2.3:1\n" TLS S P A R, 5, 12,
	    "is refused while listen" },
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
	{ "servers: {w: {command: [node, s.js]}}\n" A R, "sandbox hides" },
	{ "servers: {w: {url: \"https://h/\", sharing: all}}\n" A R,
	    "not offered yet" },
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

static bool
text_is(struct jv image, const char *path, const char *want)
{
	const bool same = str_eq(jv_str(jv_at(image, path)), str_of(want));

	if (!same)
		printf("# %s is %.*s\n", path,
		    STR_ARG(jv_str(jv_at(image, path))));
	return same;
}

static bool
num_is(struct jv image, const char *path, int64_t want)
{
	int64_t v;

	return jv_i64(jv_at(image, path), &v) == OK && v == want;
}

static struct jv
nth(struct jv list, size_t n)
{
	struct jit it = jit_of(list);
	struct jv v = { 0 };

	for (size_t i = 0; i <= n; i++)
		if (!jit_next(&it, NULL, &v))
			return (struct jv){ 0 };
	return v;
}

static void
test_image_servers(struct jv im)
{
	struct jv s;

	s = nth(jv_get(im, STR("servers")), 0);
	ok(jv_count(s) == 20 && text_is(s, "kind", "stdio") &&
		text_is(s, "cwd", "/d/w") && text_is(s, "env/K", "v") &&
		str_eq(
		    jv_str(nth(jv_get(s, STR("argv")), 0)), STR("/d/run.sh")) &&
		str_eq(jv_str(nth(jv_get(s, STR("argv")), 1)), STR("8080")) &&
		text_is(s, "sandbox", "on") && !jv_true(jv_get(s, STR("net"))),
	    "a stdio server");
	ok(str_eq(jv_str(nth(jv_get(s, STR("read")), 7)), STR("/d/w")) &&
		jv_count(jv_get(s, STR("read"))) == 8 &&
		jv_count(jv_get(s, STR("write"))) == 0,
	    "a written working directory may be read");
	s = nth(jv_get(im, STR("servers")), 1);
	ok(text_is(s, "kind", "http") && text_is(s, "host", "h.example") &&
		num_is(s, "port", 9) && text_is(s, "path", "/mcp?a=b") &&
		jv_true(jv_get(s, STR("tls"))) &&
		jv_true(jv_get(s, STR("credential"))) &&
		jv_str(jv_get(s, STR("ca"))).n > 20 &&
		jv_count(jv_get(s, STR("argv"))) == 0,
	    "an HTTP server");
}

static void
test_image_rest(struct jv im)
{
	struct jv s;

	ok(jv_count(jv_get(im, STR("endpoints"))) == 3 &&
		text_is(nth(jv_get(im, STR("endpoints")), 0), "path", "/mcp") &&
		text_is(
		    nth(jv_get(im, STR("endpoints")), 2), "path", "/s/web/mcp"),
	    "endpoints");
	s = nth(jv_get(im, STR("rules")), 0);
	ok(text_is(s, "effect", "allow") && text_is(s, "principal", "al") &&
		text_is(s, "server", "*") && text_is(s, "method", "*") &&
		text_is(s, "name", "read_*") && text_is(s, "id", "rule-1") &&
		text_is(s, "reason", ""),
	    "a rule with what was left out");
	s = nth(jv_get(im, STR("rules")), 1);
	ok(text_is(s, "effect", "deny") && text_is(s, "id", "d") &&
		text_is(s, "reason", "words here"),
	    "a rule with all");
	s = jv_get(im, STR("secrets"));
	ok(jv_count(s) == 2 && text_is(nth(s, 0), "name", "tls") &&
		text_is(nth(s, 0), "path", "/d/k.pem") &&
		text_is(nth(s, 1), "name", "server/web") &&
		text_is(nth(s, 1), "path", "/d/tok"),
	    "secrets are paths");
	ok(jv_str(jv_get(im, STR("digest"))).n == 64, "the digest is there");
}

static void
test_image(void)
{
	struct tried t = { .n = 0 };
	struct jv im;

	try("listen: 127.0.0.1:9\nstate: st\ncells: 2\n" TLS P A
	    "limits: {call: 2m, body: 1MiB}\n"
	    "servers:\n"
	    "  fs: {command: [./run.sh, 8080], env: {K: v}, cwd: w}\n"
	    "  web: {url: \"https://h.example:9/mcp?a=b\", ca: c.pem,\n"
	    "        credential_file: tok, read_only: [\"*\"]}\n"
	    "rules:\n"
	    "  - allow: {principal: al, name: \"read_*\"}\n"
	    "  - deny: {server: web}\n    id: d\n    reason: words here\n",
	    &t);
	ok(t.e == OK && tape_check(buf_view(&t.image), &json_default) == OK,
	    "the image is a whole tape");
	im = jv_of(buf_view(&t.image));
	ok(jv_count(im) == 18, "the top has 18 members");
	ok(text_is(im, "listen", "127.0.0.1:9") &&
		text_is(im, "desk", "127.0.0.1:8643") &&
		text_is(im, "state", "/d/st") &&
		text_is(im, "control", "/d/st/control.sock") &&
		num_is(im, "cells", 2) && text_is(im, "anonymous", "local"),
	    "the top");
	ok(num_is(im, "limits/call_ms", 120000) &&
		num_is(im, "limits/body", 1048576) &&
		num_is(im, "limits/replay", 65536) &&
		jv_count(jv_get(im, STR("limits"))) == 15,
	    "limits, written and default");
	ok(jv_count(jv_get(im, STR("hosts"))) == 3 &&
		str_eq(
		    jv_str(nth(jv_get(im, STR("hosts")), 2)), STR("[::1]:9")),
	    "hosts by default are the loopback names");
	test_image_servers(im);
	test_image_rest(im);
	ok(str_search(buf_view(&t.image), STR("hunter2")) == t.image.n,
	    "nothing secret is in it");
	buf_done(&t.image);
}

/* Same bytes, same digest; another PEM or another text, another one. */
static void
test_digest(void)
{
	struct tried a = { .n = 0 }, b = { .n = 0 }, c = { .n = 0 };

	try(S A R, &a);
	try(S A R, &b);
	try(S A R "\n", &c);
	ok(str_eq(buf_view(&a.image), buf_view(&b.image)),
	    "the image depends on its sources alone");
	ok(!str_eq(jv_str(jv_get(jv_of(buf_view(&a.image)), STR("digest"))),
	       jv_str(jv_get(jv_of(buf_view(&c.image)), STR("digest")))),
	    "another text has another digest");
	buf_done(&a.image);
	buf_done(&b.image);
	buf_done(&c.image);
}

static void
test_example(void)
{
	struct buf out = { .max = 1024 * 1024 }, man = { .max = 1024 * 1024 };
	struct buf file = { .max = 1024 * 1024 };
	struct tried t = { .n = 0 };
	bool all = true, in_man = true;
	FILE *f = fopen("gatehouse.yaml", "rb");
	char part[4096];

	conf_example(&out);
	conf_man(&man);
	buf_ch(&out, '\0');
	try(out.p, &t);
	ok(t.e == OK && t.n == 0, "the example is right as it stands");
	for (size_t i = 0; i < t.n; i++)
		printf("# %u: %s\n", t.at[i].line, t.at[i].text.text);
	for (size_t i = 0; i < settings_n; i++) {
		char key[80];

		(void)snprintf(
		    key, sizeof(key), " %s:", setting_key(&settings[i]));
		if (strchr(settings[i].path, '.') == NULL)
			(void)snprintf(
			    key, sizeof(key), "%s:", settings[i].path);
		all = all && strstr(out.p, key) != NULL;
		(void)snprintf(
		    key, sizeof(key), ".It Ic %s Pq", settings[i].path);
		in_man =
		    in_man && str_search(buf_view(&man), str_of(key)) < man.n;
	}
	ok(all, "every setting is in the example");
	ok(in_man, "every setting is in the manual page");
	out.n--;
	for (size_t n; f != NULL && (n = fread(part, 1, sizeof(part), f)) > 0;)
		buf_put(&file, part, n);
	if (f != NULL)
		(void)fclose(f);
	ok(str_eq(buf_view(&file), buf_view(&out)),
	    "gatehouse.yaml is what \"gatehouse config example\" prints");
	buf_done(&t.image);
	buf_done(&out);
	buf_done(&man);
	buf_done(&file);
}

/* Every default reads as a value of its own type. */
static void
test_defaults(void)
{
	struct note why;
	uint64_t v;
	bool good = true;

	for (size_t i = 0; i < settings_n; i++) {
		const struct setting *s = &settings[i];

		if (s->type != C_INT && s->type != C_SIZE && s->type != C_TIME)
			continue;
		if (value_u64(s, str_of(s->def), &v, &why) != OK) {
			printf("# %s: %s\n", s->path, why.text);
			good = false;
		}
	}
	ok(good, "every default is in its range");
	ok(word_distance(STR("listen"), STR("listn")) == 1 &&
		word_distance(STR("abc"), STR("abc")) == 0 &&
		word_distance(STR("abc"), STR("xyzzyx")) == 4,
	    "the distance of words");
}

int
main(void)
{
	test_rows();
	test_warnings();
	test_image();
	test_digest();
	test_example();
	test_defaults();
	return tap_done();
}
