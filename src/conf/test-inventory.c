/* test-inventory: the inventory's file: every refusal with its allowed twin,
 * what is said of what is not declared, and what the image holds. */
#include "conf/test-conf.h"

#define INV S A R "inventory: inv.yaml\n"
#define WHO "agents: {local: {}}\nservers: {fs: {}}\ntools: {\"*/*\": {}}\n"
#define FACTS                                                                  \
	"servers: {fs: {command: [x], facts: {read: {path: path}}}}\n" A R     \
	"inventory: inv.yaml\n"
#define DATA WHO "datasets:\n  d:\n    arguments:\n"

static const struct row {
	const char *what, *conf, *good, *bad;
	unsigned line, column;
	const char *says;
} rows[] = {
	{ "unknown kind", INV, WHO, WHO "agnts: {}\n", 4, 1,
	    "agnts: unknown key; did you mean \"agents\"?" },
	{ "unknown key", INV,
	    "agents: {local: {owner: x}}\nservers: {fs: {}}\n",
	    "agents: {local: {ower: x}}\n", 1, 18,
	    "agents.local.ower: unknown key; did you mean \"owner\"?" },
	{ "a key of another kind", INV, WHO, WHO "users: {u: {class: x}}\n", 4,
	    13, "users.u.class: unknown key" },
	{ "a key of gatehouse.yaml", INV, WHO, WHO "listen: none\n", 4, 1,
	    "unknown key; gatehouse.yaml(5)" },
	{ "not YAML", INV, WHO, "a: b: c\n", 1, 0, NULL },
	{ "empty", INV, WHO, "# nothing\n", 0, 0, "the file is empty" },
	{ "a list", INV, WHO, "[a]\n", 1, 1, "as \"agents: {alice: {}}\"" },
	{ "a key twice", INV, WHO, WHO "users: {}\nusers: {}\n", 5, 1,
	    "already on line 4" },
	{ "name of an agent", INV, WHO, WHO "users: {a b: {}}\n", 4, 9,
	    "a name is 1 to 64" },
	{ "name of a tool", INV, WHO, "tools: {read: {}}\n", 1, 9,
	    "a tool is SERVER/TOOL" },
	{ "a glob for servers", INV, WHO, "tools: {f*/read: {}}\n", 1, 9,
	    "a tool is SERVER/TOOL" },
	{ "name of a server", INV, WHO, "servers: {F: {}}\n", 1, 11,
	    "a server's name" },
	{ "one name for two", INV, WHO "users: {ann: {}}\n",
	    WHO "users: {local: {}}\n", 1, 10, "the name of a user too" },
	{ "acts_for nobody", INV,
	    "agents: {local: {acts_for: ann}}\nusers: {ann: {}}\n"
	    "servers: {fs: {}}\n",
	    "agents: {local: {acts_for: ann}}\n", 1, 28,
	    "agents.local.acts_for: there is no such user or agent" },
	{ "acts_for in a circle", INV,
	    "agents: {local: {acts_for: b}, b: {acts_for: c}, c: {}}\n"
	    "servers: {fs: {}}\n",
	    "agents: {local: {acts_for: b}, b: {acts_for: local}}\n", 1, 28,
	    "leads back" },
	{ "sponsor", INV,
	    WHO "datasets: {d: {sponsor: ann, resources: [x]}}\n"
		"users: {ann: {}}\n",
	    WHO "datasets: {d: {sponsor: ann, resources: [x]}}\n", 4, 25,
	    "datasets.d.sponsor: there is no such user" },
	{ "a dataset of nothing", INV, DATA "    - {server: fs}\n",
	    WHO "datasets: {d: {owner: x}}\n", 4, 12, "nothing touches it" },
	{ "a location is a map", INV, DATA "    - {server: fs}\n",
	    DATA "    - fs\n", 7, 7, "as \"- {server: fs}\"" },
	{ "a location without server", INV, DATA "    - {server: fs}\n",
	    DATA "    - {tool: read}\n", 7, 7, "needs server" },
	{ "a server that is not there", INV, DATA "    - {server: fs}\n",
	    DATA "    - {server: sf}\n", 7, 16, "there is no such server" },
	{ "values of what", INV,
	    DATA "    - {server: fs, argument: p, values: [a]}\n",
	    DATA "    - {server: fs, values: [a]}\n", 7, 7, "which one" },
	{ "a fact and no value", FACTS,
	    DATA "    - {server: fs, argument: path, fact: under, "
		 "values: [/a]}\n",
	    DATA "    - {server: fs, argument: path, fact: under}\n", 7, 42,
	    "needs values" },
	{ "a fact of what has none", FACTS,
	    DATA "    - {server: fs, tool: r*, argument: path, fact: under, "
		 "values: [/a]}\n",
	    DATA "    - {server: fs, tool: w*, argument: path, fact: under, "
		 "values: [/a]}\n",
	    7, 52, "servers.fs.facts" },
};

static const struct warning {
	const char *what, *conf, *inventory, *file;
	unsigned line;
	const char *says;
} warnings[] = {
	{ "nobody is declared", INV, "servers: {fs: {}}\n", "", 2,
	    "anonymous: is not declared under agents" },
	{ "a server is not declared", INV, "agents: {local: {}}\n", "", 1,
	    "servers.fs: is not declared under servers" },
	{ "a tool is not declared", FACTS,
	    "agents: {local: {}}\nservers: {fs: {}}\n", "", 1,
	    "servers.fs.facts.read: is not declared under tools" },
	{ "an agent is not configured", INV,
	    "agents: {local: {}, bob: {}}\nservers: {fs: {}}\n", "inv.yaml", 1,
	    "agents.bob: is no principal" },
	{ "a server is not configured", INV,
	    "agents: {local: {}}\nservers:\n  fs: {}\n  web: {}\n", "inv.yaml",
	    4, "servers.web: is no server" },
	{ "a tool's server is not configured", INV,
	    WHO "prompts: {web/x: {}}\n", "inv.yaml", 4,
	    "prompts.web/x: is of no server" },
};

static void
said(const struct tried *t, const char *what)
{
	printf("# %s: %s\n", what, err_name(t->e));
	for (size_t i = 0; i < t->n; i++)
		printf("#   %s:%u:%u: %s\n", t->at[i].file.text, t->at[i].line,
		    t->at[i].column, t->at[i].text.text);
}

static void
test_rows(void)
{
	for (size_t i = 0; i < countof(rows); i++) {
		const struct row *r = &rows[i];
		struct tried t = { .n = 0 };
		bool good;

		fake_inventory = r->good;
		try(r->conf, &t);
		good = t.e == OK && t.n == 0;
		if (!good)
			said(&t, "the twin");
		buf_done(&t.image);
		fake_inventory = r->bad;
		try(r->conf, &t);
		good &= t.e == ERR_SYNTAX && t.n > 0 && t.image.n == 0 &&
			strcmp(t.at[0].file.text, "inv.yaml") == 0 &&
			t.at[0].line == r->line &&
			(r->column == 0 || t.at[0].column == r->column) &&
			(r->says == NULL ||
			    strstr(t.at[0].text.text, r->says) != NULL);
		if (!good)
			said(&t, "refused");
		ok(good, "%s", r->what);
		buf_done(&t.image);
	}
}

static void
test_warnings(void)
{
	for (size_t i = 0; i < countof(warnings); i++) {
		const struct warning *w = &warnings[i];
		struct tried t = { .n = 0 };
		bool good;

		fake_inventory = w->inventory;
		try(w->conf, &t);
		good = t.e == OK && t.n == 1 && t.at[0].warning &&
		       strcmp(t.at[0].file.text, w->file) == 0 &&
		       t.at[0].line == w->line &&
		       strstr(t.at[0].text.text, w->says) != NULL;
		if (!good)
			said(&t, "warned");
		ok(good, "%s", w->what);
		buf_done(&t.image);
	}
}

static void
test_labels(void)
{
	struct buf b = { .max = 65536 };
	struct tried t = { .n = 0 };

	buf_str(&b, STR(WHO "users:\n"));
	for (int i = 0; i < 64; i++)
		buf_fmt(&b,
		    "  u%d: {classification: c%d}\n  v%d: "
		    "{classification: c%d}\n",
		    i, i, i, i);
	buf_ch(&b, '\0');
	fake_inventory = b.p;
	try(INV, &t);
	ok(t.e == OK && t.n == 0, "64 classifications");
	buf_done(&t.image);
	b.n--;
	buf_str(&b, STR("  w: {classification: c64}\n\0"));
	fake_inventory = b.p;
	try(INV, &t);
	ok(t.e == ERR_SYNTAX && t.at[0].line == 133, "65 are one too many");
	buf_done(&t.image);
	buf_done(&b);
}

static void
test_image(void)
{
	struct jv inv, d, a;
	struct tried t = { .n = 0 };

	try(S A R, &t);
	ok(t.e == OK &&
		jv_is(jv_get(jv_of(buf_view(&t.image)), STR("inventory")),
		    J_NULL),
	    "no inventory is null");
	buf_done(&t.image);
	fake_inventory =
	    "users: {ann: {}}\n"
	    "agents: {local: {version: \"1\", class: c, acts_for: ann}}\n"
	    "servers: {fs: {classification: internal}}\n"
	    "tools: {fs/*: {}}\n"
	    "datasets: {d: {resources: [\"file:///*\"], arguments: [{server: "
	    "fs, argument: p, values: [a, b]}]}}\n";
	try(INV, &t);
	inv = jv_get(jv_of(buf_view(&t.image)), STR("inventory"));
	a = nth(jv_get(inv, STR("agents")), 0);
	d = nth(jv_get(inv, STR("datasets")), 0);
	ok(t.e == OK && text_is(inv, "file", "inv.yaml") &&
		text_is(a, "id", "local") && text_is(a, "version", "1") &&
		text_is(a, "class", "c") && text_is(a, "acts_for", "ann") &&
		jv_is(jv_get(a, STR("owner")), J_NONE) &&
		jv_is(jv_get(a, STR("models")), J_NULL),
	    "an agent in the image");
	ok(!jv_true(jv_get(inv, STR("listed_models"))) &&
		jv_count(jv_get(d, STR("resources"))) == 1 &&
		text_is(nth(jv_get(d, STR("arguments")), 0), "tool", "*") &&
		num_is(nth(jv_get(d, STR("arguments")), 0), "line", 5),
	    "a dataset in the image");
	buf_done(&t.image);
}

/* Another inventory is another configuration. */
static void
test_digest(void)
{
	struct str digest[3];
	struct tried t[3];

	for (size_t i = 0; i < 3; i++) {
		fake_inventory = i == 2 ? WHO "# more\n" : WHO;
		try(INV, &t[i]);
		digest[i] =
		    jv_str(jv_get(jv_of(buf_view(&t[i].image)), STR("digest")));
	}
	ok(digest[0].n == 64 && str_eq(digest[0], digest[1]) &&
		!str_eq(digest[0], digest[2]),
	    "its bytes are part of the digest");
	for (size_t i = 0; i < 3; i++)
		buf_done(&t[i].image);
}

int
main(void)
{
	test_rows();
	test_warnings();
	test_labels();
	test_image();
	test_digest();
	return tap_done();
}
