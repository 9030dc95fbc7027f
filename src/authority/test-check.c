/* test-check: policies held against the tools there are: what is wrong, where,
 * and its twin that is right; and that what is checked with is what a call is.
 */
#include "authority/authority-in.h"

#include "authority/test-in.h"

static void
put(struct buf *b, const char *name, const char *text)
{
	const size_t o = tape_obj(b);

	tape_key(b, STR("name"));
	tape_str(b, str_of(name));
	tape_key(b, STR("text"));
	tape_str(b, str_of(text));
	tape_end(b, o, 2);
}

/* Two files: what is asked about, and one beside it. */
static struct jv
image(const char *text, const char *beside, struct buf *b)
{
	static const char servers[] =
	    "[{\"name\":\"fs\",\"facts\":{\"read\":{\"path\":\"path\"}},"
	    "\"risk\":{\"read\":[\"read\"]}},{\"name\":\"web\"}]";
	const size_t o = tape_obj(b);
	size_t list;

	tape_key(b, STR("rules"));
	tape_end(b, tape_arr(b), 0);
	tape_key(b, STR("principals"));
	tape_copy(b, json("[{\"name\":\"ann\"}]"));
	tape_key(b, STR("anonymous"));
	tape_str(b, STR("local"));
	tape_key(b, STR("servers"));
	tape_copy(b, json(servers));
	tape_key(b, STR("policies"));
	list = tape_arr(b);
	put(b, "a.cedar", text);
	put(b, "b.cedar", beside);
	tape_end(b, list, 2);
	tape_key(b, STR("budgets"));
	tape_copy(b, json("[{\"name\":\"per-day\"}]"));
	tape_end(b, o, 6);
	return jv_of(buf_view(b));
}

static const char tools[] =
    "{\"fs\":[{\"name\":\"read\",\"inputSchema\":{\"type\":\"object\","
    "\"properties\":{\"path\":{\"type\":\"string\"},\"mode\":{\"type\":"
    "\"string\",\"enum\":[\"slow\",\"fast\"]},\"n\":{\"type\":\"number\"}},"
    "\"required\":[\"path\",\"mode\",\"n\"]}},"
    "{\"name\":\"wipe\",\"inputSchema\":{\"type\":\"object\"}}]}";

struct got {
	size_t n, errors;
	struct policy_finding first;
	struct note text;
	char file[64];
};

static void
keep(void *arg, const struct policy_finding *f)
{
	struct got *g = arg;

	g->errors += !f->warning;
	if (g->n++ > 0)
		return;
	g->first = *f;
	(void)snprintf(g->file, sizeof(g->file), "%.*s", STR_ARG(f->file));
}

static struct got
check(const char *text, const char *beside, const char *with)
{
	struct buf b = { .max = 1 << 20 };
	struct got g = { 0 };
	const struct policy_check to = { .arg = &g, .got = keep };
	const struct jv known =
	    with == NULL ? (struct jv){ NULL, 0 } : json(with);

	if (policy_check(image(text, beside, &b), known, &to, &why) != OK)
		ok(0, "%s: %s", text, why.text);
	buf_done(&b);
	return g;
}

#define ACT(t) "action == Gatehouse::Action::\"" t "\""
#define ANN "principal == Gatehouse::Agent::\"ann\""
#define FS "resource in Gatehouse::Server::\"fs\""
#define READ(cond)                                                             \
	"@id(\"p\")\npermit (" ANN                                             \
	", " ACT("fs___read") ", resource)\nwhen { " cond " };"

static const struct {
	const char *bad, *good, *says;
	unsigned line;
	bool error, tools;
} rows[] = {
	{ READ("context.input.path == 7"), READ("context.input.path == \"7\""),
	    "", 3, true, true },
	{ READ("context.input.paht == \"x\""),
	    READ("context.input.path == \"x\""), "paht", 3, true, true },
	{ READ("context.input.n > 5"),
	    READ("context.input.n.lessThan(decimal(\"5.0\"))"), "", 3, true,
	    true },
	{ READ("context.input.mode == \"fast\""),
	    READ("context.input.mode == "
		 "Gatehouse::fs___read::Input::mode::\"fast\""),
	    "", 3, true, true },
	{ READ("context.input.mode == "
	       "Gatehouse::fs___read::Input::mode::\"quick\""),
	    READ("context.input.mode == "
		 "Gatehouse::fs___read::Input::mode::\"slow\""),
	    "none of the ids", 3, true, true },
	{ READ("context.derived.path.canonical like \"/x\""),
	    READ("context.derived has path && "
		 "context.derived.path.canonical like \"/x\""),
	    "\"path\" is optional", 3, true, true },
	{ READ("context.derived has path && "
	       "context.derived.path.canonicel like \"/x\""),
	    READ("context has derived && context.derived has path && "
		 "context.derived.path.canonical like \"/x\""),
	    "did you mean \"canonical\"", 3, true, true },
	{ "permit (" ANN ", action in Gatehouse::Action::\"mony\", resource);",
	    "permit (" ANN ", action in Gatehouse::Action::\"money\", "
	    "resource);",
	    "did you mean \"money\"", 1, true, true },
	{ READ("context.session.hour > \"5\""),
	    READ("context.session.hour > 5"), "", 3, true, true },
	{ READ("context has budget && context.budget has \"per-day\" && "
	       "context.budget[\"per-day\"].left > \"1\""),
	    READ("context has budget && context.budget has \"per-day\" && "
		 "context.budget[\"per-day\"].left > 1"),
	    "", 3, true, true },
	{ READ("context.labels.contains(5)"),
	    READ("context.labels.contains(\"private\")"), "", 3, true, true },
	{ READ("principal.owner == \"x\""),
	    READ("principal has owner && principal.owner == \"x\""), "owner", 3,
	    true, true },
	{ "permit (" ANN ", " ACT("fs___raed") ", resource);",
	    "permit (" ANN ", " ACT("fs___read") ", resource);", "fs___read", 1,
	    true, true },
	{ READ("context.call.name is String"),
	    READ("context.call.name == \"x\""), "", 3, true, true },
	/* A condition that can never hold. */
	{ READ("context.input has pth"), READ("context.input has path"),
	    "can never hold", 2, false, true },
	/* Too broad. */
	{ "permit (principal, action, resource);",
	    "permit (principal, action, " FS ");", "too broad", 1, false,
	    false },
	/* Unreachable. */
	{ "permit (" ANN ", action, " FS ");\nforbid (principal, action, " FS
	  ");",
	    "permit (" ANN ", action, " FS ");\nforbid (principal, action, " FS
	    ") when { context.call.name == \"x\" };",
	    "unreachable, it never permits: policy1 forbids", 1, false, false },
	{ "permit (" ANN ", action, " FS ");\nforbid (principal, action, " FS
	  ");",
	    "permit (" ANN ", action, " FS
	    ");\n@requestable(\"x\") forbid (principal, action, " FS ");",
	    "unreachable, it never permits", 1, false, false },
	{ "permit (principal == Gatehouse::Agent::\"an\", action, resource);",
	    "permit (principal == Gatehouse::Agent::\"local\", action, "
	    "resource);",
	    "unreachable: no principal", 1, false, false },
	{ "permit (" ANN
	  ", " ACT("fs___read") ", resource == "
				"Gatehouse::Tool::\"fs/write\");",
	    "permit (" ANN
	    ", " ACT("fs___read") ", resource == "
				  "Gatehouse::Tool::\"fs/read\");",
	    "unreachable: action fs___read", 1, false, false },
	/* Annotations. */
	{ "@requestable(\"x\") permit (" ANN ", action, resource);",
	    "@requestable(\"x\") forbid (" ANN ", action, resource);",
	    "nothing of a permit", 1, false, false },
	{ "@obligation(\"log:full\") forbid (" ANN ", action, resource);",
	    "@obligation(\"log:full\") permit (" ANN ", action, resource);",
	    "nothing of a forbid", 1, false, false },
	{ "@obligation(\"log:ful\") permit (" ANN ", action, resource);",
	    "@obligation(\"log:full\") permit (" ANN ", action, resource);",
	    "nobody here can do", 1, false, false },
	{ "@Requestable(\"x\") forbid (" ANN ", action, resource);",
	    "@note(\"x\") forbid (" ANN ", action, resource);",
	    "did you mean @requestable", 1, false, false },
	{ "@resaon(\"x\") forbid (" ANN ", action, resource);",
	    "@reason(\"x\") forbid (" ANN ", action, resource);",
	    "did you mean @reason", 1, false, false },
	/* Shadowed. */
	{ "@id(\"x\") permit (" ANN ", " ACT(
	      "fs___read") ", " FS ");\n@id(\"y\") permit (" ANN ", action in "
			   "Gatehouse::Action::\"call_tool\", resource);",
	    "@id(\"x\") permit (" ANN ", " ACT(
		"fs___read") ", " FS ");\n@id(\"y\") permit (" ANN ", action "
			     "in Gatehouse::Action::\"read\", resource);",
	    "shadowed, it adds nothing: y permits", 1, false, false },
	{ "forbid (principal, action, " FS
	  ");\nforbid (principal, action, resource == "
	  "Gatehouse::Tool::\"fs/x\");",
	    "forbid (principal, action, " FS
	    ");\nforbid (principal, action, resource == "
	    "Gatehouse::Tool::\"web/x\");",
	    "shadowed, it adds nothing: policy0 forbids", 2, false, false },
	{ "permit (" ANN ", action, " FS ");\npermit (" ANN ", action, " FS
	  ");",
	    "permit (" ANN ", action, " FS
	    ");\n@obligation(\"log:full\") permit (" ANN ", action, " FS ");",
	    "shadowed", 2, false, false },
	/* A field that is not there when a list is made. */
	{ READ("context.call.server == \"fs\" && context.input.path == \"x\""),
	    READ("context.call.server == \"fs\" }\nwhen { context.input.path "
		 "== \"x\""),
	    "does not exist at list time", 2, false, false },
};

static void
test_rows(void)
{
	for (size_t i = 0; i < countof(rows); i++) {
		const char *with = rows[i].tools ? tools : NULL;
		const struct got g = check(rows[i].bad, "", with);
		const struct got twin = check(rows[i].good, "", with);

		ok(g.n > 0 && (g.errors > 0) == rows[i].error &&
			strstr(g.first.note.text, rows[i].says) != NULL &&
			g.first.line == rows[i].line && g.first.col > 0 &&
			strcmp(g.file, "a.cedar") == 0,
		    "row %zu: %s:%u:%u: %s", i, g.file, g.first.line,
		    g.first.col, g.first.note.text);
		ok(twin.n == 0, "row %zu, its twin is right%s%s", i,
		    twin.n > 0 ? ": " : "",
		    twin.n > 0 ? twin.first.note.text : "");
	}
}

/* What is in another file counts. */
static void
test_files(void)
{
	const struct got g = check("permit (" ANN ", action, " FS ");",
	    "@id(\"no\") forbid (principal, action, resource);", NULL);

	ok(g.n == 1 && strcmp(g.file, "a.cedar") == 0 &&
		strstr(g.first.note.text, "no forbids all of it") != NULL,
	    "a forbid of another file: %s", g.first.note.text);
}

/* What nobody has shown yet cannot be right or wrong. */
static void
test_unknown(void)
{
	struct got g = check(
	    "permit (" ANN ", " ACT("web___get") ", resource);", "", tools);

	ok(g.n == 1 && g.errors == 0 &&
		strstr(g.first.note.text, "server web are not known") != NULL,
	    "a server that nobody has seen: %s", g.first.note.text);
	g = check(
	    "permit (" ANN ", " ACT("wbe___get") ", resource);", "", tools);
	ok(g.errors > 0, "one that is not configured: %s", g.first.note.text);
	g = check(READ("context.input.path == 7"), "", NULL);
	ok(g.n == 0, "without tools names and types are not looked at");
	g = check("permit (" ANN ", " ACT("fs___read") ", resource);", "",
	    "{\"fs\":[{\"name\":\"read\",\"inputSchema\":{\"type\":\"object\","
	    "\"properties\":{\"path\":{}}}},{\"name\":\"odd\",\"inputSchema\":"
	    "7}]}");
	ok(g.n == 1 && g.errors == 0 && str_eq(g.first.tool, STR("odd")) &&
		g.file[0] == '\0',
	    "a tool without types is named, and takes no other with it: %s",
	    g.first.note.text);
}

/* ---- what is checked with is what a call is ---- */

/* What the configuration says of tools and arguments that are not there. */
static void
test_terms(void)
{
	static const struct {
		const char *facts, *risk, *says;
	} at[] = {
		{ "{\"read\":{\"path\":\"path\"}}", "{\"read\":[\"read\"]}",
		    NULL },
		{ "{\"raed\":{\"path\":\"path\"}}", "{}",
		    "facts names a tool that the server does not show, raed; "
		    "did you mean read?" },
		{ "{}", "{\"remove\":[\"read\"]}",
		    "risk names a tool that the server does not show, remove" },
		{ "{\"read\":{\"paht\":\"path\"}}", "{}",
		    "facts names an argument that it does not have, paht; did "
		    "you mean path?" },
		{ "{\"read\":{\"n\":\"path\"}}", "{}",
		    "facts says of an argument what its type cannot be, so "
		    "every call with it is denied: n" },
		{ "{\"read\":{\"n\":\"money\"}}", "{}", NULL },
	};

	for (size_t i = 0; i < countof(at); i++) {
		struct buf b = { .max = 1 << 16 };
		struct got g = { 0 };
		const struct policy_check to = { .arg = &g, .got = keep };

		buf_fmt(&b,
		    "{\"servers\":[{\"name\":\"fs\",\"facts\":%s,\"risk\":%s}],"
		    "\"rules\":[],\"policies\":[]}",
		    at[i].facts, at[i].risk);
		buf_ch(&b, '\0');
		ok(policy_check(json(b.p), json(tools), &to, &why) == OK &&
			(at[i].says == NULL ? g.n == 0
					    : g.n == 1 && g.errors == 0 &&
						  strcmp(g.first.note.text,
						      at[i].says) == 0),
		    "facts %s, risk %s: %s", at[i].facts, at[i].risk,
		    g.n > 0 ? g.first.note.text : "nothing");
		buf_done(&b);
	}
}

static void
none(void *arg, const struct policy_finding *f)
{
	(void)arg;
	ok(0, "%s", f->note.text);
}

static void
test_conforms(void)
{
	static const char args[] =
	    "{\"arguments\":{\"path\":\"/x\",\"mode\":\"fast\",\"n\":1.5},"
	    "\"_meta\":{\"io.gatehouse/model\":\"m\"}}";
	struct buf b = { .max = 1 << 20 };
	const struct jv im = image("", "", &b);
	const struct policy_check to = { .got = none };
	const struct jv def = json(tools);
	struct cedar_schema *schema = NULL;
	struct inventory *v = NULL;
	struct arena *a = arena_new(1 << 20);
	struct call c = { .principal = STR("ann"),
		.server = STR("fs"),
		.method = STR("tools/call"),
		.name = STR("read"),
		.params = json(args),
		.budget = json("{\"per-day\":{\"left\":1,\"used\":2}}"),
		.session = json("{\"calls\":1,\"now\":1795852921000}") };
	struct jit it = jit_of(jv_get(def, STR("fs")));
	struct cedar_why at = { .line = 0 };
	struct typed *t = NULL;
	struct known k;
	struct world w;
	struct terms terms;
	struct jv tool;

	ok(schema_new(im, def, &to, &schema, &why) == OK &&
		inventory_new(im, &v, &why) == OK && jit_next(&it, NULL, &tool),
	    "a schema: %s", why.text);
	terms = terms_of(json("{\"facts\":{\"read\":{\"path\":\"path\"}}}"));
	call_terms(&terms, tool, &c);
	ok(typed_compile(tool, c.server, false, &t, &why) == OK, "and types");
	c.typed = t;
	ok(known_of(v, &c, READS_ALL, a, &k, &why) == OK &&
		world_of(&c, false, &k, a, &w) == OK &&
		cedar_request_check(schema, w.r, &at) == OK,
	    "a call with all that may be known conforms: %s%s", why.text,
	    at.note.text);
	typed_free(t);
	inventory_free(v);
	cedar_schema_free(schema);
	arena_free(a);
	buf_done(&b);
}

int
main(void)
{
	test_rows();
	test_files();
	test_unknown();
	test_terms();
	test_conforms();
	return tap_done();
}
