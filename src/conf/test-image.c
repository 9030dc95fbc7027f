/* test-image: the image, its digest, the example, the defaults. */
#include "conf/test-conf.h"

static void
test_image_servers(struct jv im)
{
	struct jv s;

	s = nth(jv_get(im, STR("servers")), 0);
	ok(jv_count(s) == 21 && text_is(s, "kind", "stdio") &&
		jv_is(jv_get(s, STR("env")), J_NONE) &&
		jv_is(jv_get(s, STR("argv")), J_NONE),
	    "what every role may know of a stdio server");
	s = nth(jv_get(im, STR("launch")), 0);
	ok(jv_count(s) == 8 && text_is(s, "name", "fs") &&
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
		jv_str(jv_get(s, STR("ca"))).n > 20,
	    "an HTTP server");
	ok(jv_is(nth(jv_get(im, STR("launch")), 1), J_NULL),
	    "it is not started");
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
	s = nth(jv_get(im, STR("budgets")), 0);
	ok(jv_count(s) == 11 && text_is(s, "name", "out") &&
		text_is(s, "of", "bytes") && num_is(s, "limit", 1048576) &&
		num_is(s, "window_ms", 3600000) && num_is(s, "lease", 64) &&
		text_is(s, "per", "principal") && text_is(s, "tool", "*") &&
		str_eq(jv_str(nth(jv_get(s, STR("risk")), 0)), STR("egress")),
	    "a budget with what was left out");
	s = nth(jv_get(im, STR("budgets")), 1);
	ok(text_is(s, "of", "spend") && text_is(s, "currency", "EUR") &&
		num_is(s, "window_ms", 0) && text_is(s, "per", "subtree") &&
		jv_count(jv_get(s, STR("risk"))) == 0,
	    "a budget for ever");
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
	    "budgets:\n"
	    "  out: {bytes: 1MiB, window: 1h}\n"
	    "  pay: {spend: 5, currency: EUR, per: subtree}\n"
	    "rules:\n"
	    "  - allow: {principal: al, name: \"read_*\"}\n"
	    "  - deny: {server: web}\n    id: d\n    reason: words here\n",
	    &t);
	ok(t.e == OK && tape_check(buf_view(&t.image), &json_default) == OK,
	    "the image is a whole tape");
	im = jv_of(buf_view(&t.image));
	ok(jv_count(im) == 28, "the top has 28 members");
	ok(text_is(im, "listen", "127.0.0.1:9") &&
		text_is(im, "desk", "127.0.0.1:8643") &&
		text_is(im, "state", "/d/st") &&
		text_is(im, "control", "/d/st/control.sock") &&
		num_is(im, "cells", 2) && text_is(im, "anonymous", "local"),
	    "the top");
	ok(jv_is(
	       jv_get(nth(jv_get(im, STR("principals")), 0), STR("evaluates")),
	       J_FALSE),
	    "nobody asks for others unless it is said");
	ok(num_is(im, "limits/call_ms", 120000) &&
		num_is(im, "limits/body", 1048576) &&
		num_is(im, "limits/replay", 65536) &&
		jv_count(jv_get(im, STR("limits"))) == 20,
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

/* One cell for every two processors, at least one, at most four, and no more
 * than there may be processes for. */
static void
test_cells(void)
{
	static const struct {
		unsigned processors;
		size_t servers;
		unsigned cells;
	} rows[] = { { 0, 1, 1 }, { 1, 1, 1 }, { 2, 1, 1 }, { 3, 1, 1 },
		{ 4, 1, 2 }, { 7, 1, 3 }, { 8, 1, 4 }, { 128, 1, 4 },
		{ 8, 58, 4 }, { 8, 59, 3 }, { 8, 64, 3 }, { 8, 238, 1 } };

	for (size_t i = 0; i < countof(rows); i++)
		ok(image_cells(rows[i].processors, rows[i].servers) ==
			rows[i].cells,
		    "%u processors, %zu servers: %u cells", rows[i].processors,
		    rows[i].servers, rows[i].cells);
}

static void
test_policies(void)
{
	struct tried t = { .n = 0 };
	struct jv im, all, s;

	try("servers: {fs: {command: [x], facts: {t: {p: path, q: sql}}, "
	    "risk: {t: [read, egress]}, keep: {t: [p]}}}\n" A
	    "policies: [pol, z.cedar]\n",
	    &t);
	im = jv_of(buf_view(&t.image));
	all = jv_get(im, STR("policies"));
	ok(t.e == OK && t.n == 0, "policies without rules need no warning");
	ok(jv_count(all) == 3 && text_is(nth(all, 0), "name", "pol/a.cedar") &&
		text_is(nth(all, 0), "text", "// /d/pol/a.cedar\n") &&
		text_is(nth(all, 1), "name", "pol/b.cedar") &&
		text_is(nth(all, 2), "name", "z.cedar") &&
		jv_str(jv_get(nth(all, 2), STR("sha256"))).n == 64,
	    "policies in order of names, and nothing that is none");
	s = nth(jv_get(im, STR("servers")), 0);
	ok(text_is(s, "facts/t/p", "path") && text_is(s, "facts/t/q", "sql") &&
		jv_count(jv_at(s, "risk/t")) == 2 &&
		text_is(s, "data/t/p", "safe") &&
		jv_count(jv_at(s, "data/t")) == 1 &&
		text_is(im, "data/arguments", "commit"),
	    "facts, risk and kept arguments of tools");
	buf_done(&t.image);
	try(S A R, &t);
	im = jv_of(buf_view(&t.image));
	s = nth(jv_get(im, STR("servers")), 0);
	ok(jv_is(jv_get(im, STR("policies")), J_ARR) &&
		jv_is(jv_get(s, STR("facts")), J_OBJ) &&
		jv_is(jv_get(s, STR("risk")), J_OBJ) &&
		jv_is(jv_get(s, STR("data")), J_OBJ) &&
		jv_is(jv_get(s, STR("results")), J_OBJ) &&
		jv_is(jv_get(s, STR("subject")), J_OBJ),
	    "they are there when nothing is said");
	buf_done(&t.image);
}

static void
test_data(void)
{
	struct tried t = { .n = 0 };
	struct jv im, s;

	try("servers: {fs: {command: [x], keep: {t: [a, a], u: [c]}, data: {t: "
	    "{b: own}, \"*\": {pin: drop}}, results: {t-1: own}, subject: {t: "
	    "b}}}\ndata: {classes: {own: {do: keep, retention: 2s}, no: {do: "
	    "drop}}, arguments: redact, results: no, store: 1MiB}\n" A R,
	    &t);
	im = jv_of(buf_view(&t.image));
	s = nth(jv_get(im, STR("servers")), 0);
	ok(text_is(s, "data/t/a", "safe") && text_is(s, "data/t/b", "own") &&
		text_is(s, "data/*/pin", "drop") &&
		text_is(s, "data/u/c", "safe") &&
		jv_count(jv_at(s, "data/t")) == 2 &&
		jv_count(jv_get(s, STR("data"))) == 3,
	    "keep and data are one table");
	ok(text_is(s, "results/t-1", "own") && text_is(s, "subject/t", "b") &&
		text_is(im, "data/arguments", "redact") &&
		text_is(im, "data/results", "no"),
	    "answers, subjects and what holds for the rest");
	s = nth(jv_at(im, "data/classes"), 0);
	ok(text_is(s, "name", "own") && text_is(s, "do", "keep") &&
		str_eq(jv_str(jv_get(s, STR("retention_ms"))), STR("2000")),
	    "classes");
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
		all = all && (setting_is_inventory(&settings[i]) ||
				 strstr(out.p, key) != NULL);
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
		if (s->def[0] == '\0') /* it has none */
			continue;
		if (value_u64(s, str_of(s->def), &v, &why) != OK) {
			printf("# %s: %s\n", s->path, why.text);
			good = false;
		}
	}
	ok(good, "every default is in its range");
}

/* What the boundary's statement takes over from the operator. */
static void
test_excluded(void)
{
	struct tried t = { .n = 0 };
	static char text[20000];

	for (int n = 16384; n <= 16385; n++) {
		(void)snprintf(
		    text, sizeof(text), A R S "excluded: [\"%0*d\"]\n", n, 0);
		try(text, &t);
		ok((t.e == OK) == (n == 16384),
		    "%d bytes of what is excluded are %s", n,
		    n == 16384 ? "taken" : "too many");
		if (t.e == OK)
			ok(jv_count(jv_get(jv_of(buf_view(&t.image)),
			       STR("excluded"))) == 1,
			    "and are in the image");
		buf_done(&t.image);
	}
}

int
main(void)
{
	test_excluded();
	test_image();
	test_cells();
	test_policies();
	test_data();
	test_digest();
	test_example();
	test_defaults();
	return tap_done();
}
