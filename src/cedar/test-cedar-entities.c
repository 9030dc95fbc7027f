/* test-cedar-entities: entities and requests from JSON, with and without a
 * schema: what is taken, what is refused and what the sentence says. */
#include "cedar/store.h"

#include "base/tap.h"

static const char schema_text[] =
    "entity G; entity U in [G] = { name?: String, age?: Long, ok?: Bool,"
    " boss?: U, ip?: ipaddr, score?: decimal, born?: datetime,"
    " ttl?: duration, set?: Set<G>, rec?: { must: Long, may?: ipaddr },"
    " colour?: Colour } tags ipaddr;"
    "entity Colour enum [\"red\", \"blue\"]; entity Must = { it: Long };"
    "action all; action read in all appliesTo { principal: U, resource: G,"
    " context: { n: Long, at?: datetime } };";

struct row {
	const char *what, *json;   /* of attrs, or of the whole entity */
	const char *plain, *typed; /* part of the refusal; NULL: taken */
};

/* Attributes of U::"a". */
static const struct row attrs[] = {
	{ "nothing", "{}", 0, 0 },
	{ "scalars", "{\"name\":\"x\",\"age\":-3,\"ok\":true}", 0, 0 },
	{ "the largest long", "{\"age\":9223372036854775807}", 0, 0 },
	{ "one more", "{\"age\":9223372036854775808}", "does not fit",
	    "does not fit" },
	{ "the least", "{\"age\":-9223372036854775808}", 0, 0 },
	{ "a fraction", "{\"age\":1.5}", "not an integer", "not an integer" },
	{ "1.0", "{\"age\":1.0}", "not an integer", "not an integer" },
	{ "-0", "{\"age\":-0}", "not an integer", "not an integer" },
	{ "1e2", "{\"age\":1e2}", "not an integer", "not an integer" },
	{ "null", "{\"age\":null}", "null is no value", "null is no value" },
	{ "null in a set", "{\"set\":[null]}", "null is no value",
	    "expected an entity" },
	{ "a string for a long", "{\"age\":\"1\"}", 0, "expected long" },
	{ "a long for a string", "{\"name\":1}", 0, "expected string" },
	{ "an unknown attribute", "{\"what\":1}", 0,
	    "what: not in the schema" },
	{ "a key twice", "{\"age\":1,\"age\":1}", "", "" },
	{ "__entity", "{\"boss\":{\"__entity\":{\"type\":\"U\",\"id\":\"b\"}}}",
	    0, 0 },
	{ "an implied entity", "{\"boss\":{\"type\":\"U\",\"id\":\"b\"}}", 0,
	    0 },
	{ "an entity of another type",
	    "{\"boss\":{\"type\":\"G\",\"id\":\"b\"}}", 0,
	    "expected U, found G" },
	{ "an entity with a bad type",
	    "{\"boss\":{\"__entity\":{\"type\":\"U U\",\"id\":\"b\"}}}",
	    "no name of a type", "no name of a type" },
	{ "__entity without id", "{\"boss\":{\"__entity\":{\"type\":\"U\"}}}",
	    0, "expected an entity" },
	{ "a uid as text", "{\"boss\":\"U::\\\"b\\\"\"}", 0,
	    "expected an entity" },
	{ "__expr", "{\"boss\":{\"__expr\":\"U::\\\"b\\\"\"}}",
	    "\"__expr\" is not supported", "\"__expr\" is not supported" },
	{ "__extn", "{\"ip\":{\"__extn\":{\"fn\":\"ip\",\"arg\":\"::1\"}}}", 0,
	    0 },
	{ "__extn with args",
	    "{\"ip\":{\"__extn\":{\"fn\":\"ip\",\"args\":[\"::1\"]}}}", 0, 0 },
	{ "fn and arg alone", "{\"ip\":{\"fn\":\"ip\",\"arg\":\"::1\"}}", 0,
	    0 },
	{ "an implied ip", "{\"ip\":\"1.2.3.4/8\"}", 0, 0 },
	{ "a bad ip", "{\"ip\":\"1.2.3\"}", 0, "\"1.2.3\" is no ipaddr" },
	{ "a bad explicit ip",
	    "{\"ip\":{\"__extn\":{\"fn\":\"ip\",\"arg\":\"1.2.3\"}}}",
	    "no ipaddr", "no ipaddr" },
	{ "a decimal for an ip",
	    "{\"ip\":{\"__extn\":{\"fn\":\"decimal\",\"arg\":\"1.0\"}}}", 0,
	    "expected ipaddr, found decimal" },
	{ "an unknown function",
	    "{\"ip\":{\"__extn\":{\"fn\":\"url\",\"arg\":\"1.0\"}}}",
	    "no function \"url\"", "no function \"url\"" },
	{ "too many arguments",
	    "{\"ip\":{\"__extn\":{\"fn\":\"ip\",\"args\":[\"::\",\"::\"]}}}",
	    "takes 1 argument", "takes 1 argument" },
	{ "no arguments", "{\"ip\":{\"__extn\":{\"fn\":\"ip\",\"args\":[]}}}",
	    "takes 1 argument", "takes 1 argument" },
	{ "a function of functions",
	    "{\"born\":{\"__extn\":{\"fn\":\"offset\",\"args\":[{\"__extn\":"
	    "{\"fn\":\"datetime\",\"arg\":\"1970-01-01\"}},{\"__extn\":{"
	    "\"fn\":\"duration\",\"arg\":\"5ms\"}}]}}}",
	    0, 0 },
	{ "the other implied ones",
	    "{\"score\":\"1.5\",\"born\":\"2024-01-01\",\"ttl\":\"1h\"}", 0,
	    0 },
	{ "a long for a decimal", "{\"score\":1}", 0, "expected decimal" },
	{ "a set",
	    "{\"set\":[{\"type\":\"G\",\"id\":\"x\"},{\"type\":\"G\","
	    "\"id\":\"x\"}]}",
	    0, 0 },
	{ "no set", "{\"set\":\"x\"}", 0, "expected set, found string" },
	{ "a record", "{\"rec\":{\"must\":1,\"may\":\"::\"}}", 0, 0 },
	{ "a record too short", "{\"rec\":{}}", 0, "\"must\" is missing" },
	{ "a record too long", "{\"rec\":{\"must\":1,\"x\":2}}", 0,
	    "rec.x: not in the schema" },
	{ "no record", "{\"rec\":[]}", 0, "expected record, found set" },
	{ "an id of an enum",
	    "{\"colour\":{\"type\":\"Colour\",\"id\":\"red\"}}", 0, 0 },
	{ "no id of an enum",
	    "{\"colour\":{\"type\":\"Colour\",\"id\":\"green\"}}", 0,
	    "none of the ids" },
};

/* Whole lists. */
static const struct row lists[] = {
	{ "no entities", "[]", 0, 0 },
	{ "no list", "{}", "expected a list", "expected a list" },
	{ "no JSON", "[", "", "" },
	{ "no attrs",
	    "[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"parents\":[]}]",
	    "expected {uid, attrs, parents, tags}",
	    "expected {uid, attrs, parents, tags}" },
	{ "no parents",
	    "[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{}}]",
	    "expected {uid", "expected {uid" },
	{ "no uid", "[{\"attrs\":{},\"parents\":[]}]", "uid: expected",
	    "uid: expected" },
	{ "more members",
	    "[{\"uid\":{\"type\":\"U\",\"id\":\"a\",\"x\":1},"
	    "\"attrs\":{},\"parents\":[],\"note\":1}]",
	    0, 0 },
	{ "tags",
	    "[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{},"
	    "\"parents\":[],\"tags\":{\"t\":\"::1\"}}]",
	    0, 0 },
	{ "a tag of a wrong type",
	    "[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{},"
	    "\"parents\":[],\"tags\":{\"t\":1}}]",
	    0, "tags.t: expected ipaddr" },
	{ "tags where there are none",
	    "[{\"uid\":{\"type\":\"G\",\"id\":\"a\"},\"attrs\":{},"
	    "\"parents\":[],\"tags\":{\"t\":1}}]",
	    0, "G has no tags" },
	{ "a type that is not there",
	    "[{\"uid\":{\"type\":\"X\",\"id\":\"a\"},\"attrs\":{},"
	    "\"parents\":[]}]",
	    0, "type X is not in the schema" },
	{ "a parent",
	    "[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{},"
	    "\"parents\":[{\"type\":\"G\",\"id\":\"g\"}]}]",
	    0, 0 },
	{ "a parent that may not be",
	    "[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{},"
	    "\"parents\":[{\"type\":\"U\",\"id\":\"g\"}]}]",
	    0, "U cannot be in U" },
	{ "an attribute that must be",
	    "[{\"uid\":{\"type\":\"Must\",\"id\":\"a\"},\"attrs\":{},"
	    "\"parents\":[]}]",
	    0, "\"it\" is missing" },
	{ "an action as the schema has it",
	    "[{\"uid\":{\"type\":\"Action\",\"id\":\"read\"},\"attrs\":{},"
	    "\"parents\":[{\"type\":\"Action\",\"id\":\"all\"}]}]",
	    0, 0 },
	{ "an action without its parent",
	    "[{\"uid\":{\"type\":\"Action\",\"id\":\"read\"},\"attrs\":{},"
	    "\"parents\":[]}]",
	    0, "not as the schema has it" },
	{ "an action of no schema",
	    "[{\"uid\":{\"type\":\"Action\",\"id\":\"x\"},\"attrs\":{},"
	    "\"parents\":[]}]",
	    0, "not in the schema" },
	{ "an action in a user",
	    "[{\"uid\":{\"type\":\"Action\",\"id\":\"all\"},\"attrs\":{},"
	    "\"parents\":[{\"type\":\"U\",\"id\":\"x\"}]}]",
	    "cannot be in a U", "cannot be in a U" },
	{ "the same twice",
	    "[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"age\":1},"
	    "\"parents\":[]},{\"uid\":{\"type\":\"U\",\"id\":\"a\"},"
	    "\"attrs\":{\"age\":1},\"parents\":[]}]",
	    0, 0 },
	{ "another of that name",
	    "[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"age\":1},"
	    "\"parents\":[]},{\"uid\":{\"type\":\"U\",\"id\":\"a\"},"
	    "\"attrs\":{\"age\":2},\"parents\":[]}]",
	    "is there twice", "is there twice" },
	{ "a cycle",
	    "[{\"uid\":{\"type\":\"G\",\"id\":\"a\"},\"attrs\":{},"
	    "\"parents\":[{\"type\":\"G\",\"id\":\"a\"}]}]",
	    "its own ancestor", "cannot be in" },
};

static void
judge(const char *what, const char *mode, const char *want, enum err e,
    const struct cedar_why *why)
{
	ok(want == NULL ? e == OK
			: e != OK && strstr(why->note.text, want) != NULL &&
			      why->note.text[0] != '\0',
	    "%s, %s: %s", what, mode, e ? why->note.text : "taken");
}

static void
test_list(const struct row *r, const char *text, const struct cedar_schema *s)
{
	struct cedar_entities *es = NULL;
	struct cedar_why why = { 0 };
	enum err e = cedar_entities_from_json(str_of(text), NULL, &es, &why);

	judge(r->what, "without schema", r->plain, e, &why);
	cedar_entities_free(es);
	es = NULL;
	why = (struct cedar_why){ 0 };
	e = cedar_entities_from_json(str_of(text), s, &es, &why);
	judge(r->what, "with one", r->typed, e, &why);
	cedar_entities_free(es);
}

struct ask {
	const char *p, *a, *r, *context, *why;
};
static const struct ask asks[] = {
	{ "U", "read", "G", "{\"n\":1}", 0 },
	{ "U", "read", "G", "{\"n\":1,\"at\":\"2024-01-01\"}", 0 },
	{ "U", "read", "G", "{}", "context: \"n\" is missing" },
	{ "U", "read", "G", "", "context: \"n\" is missing" },
	{ "U", "read", "G", "{\"n\":1,\"x\":1}", "context.x: not in the" },
	{ "U", "read", "G", "{\"n\":\"1\"}", "context.n: expected long" },
	{ "U", "read", "G", "[1]", "context: expected an object" },
	{ "U", "read", "G", "{", "" },
	{ "X", "read", "G", "{\"n\":1}", "principal: type X" },
	{ "G", "read", "G", "{\"n\":1}", "does not apply to G" },
	{ "U", "read", "U", "{\"n\":1}", "does not apply to U" },
	{ "U", "all", "G", "{\"n\":1}", "does not apply to U" },
	{ "U", "no", "G", "{\"n\":1}", "action: \"no\" is not" },
};

static void
test_requests(const struct cedar_schema *s)
{
	struct arena *a = arena_new(1024 * 1024);

	for (size_t i = 0; i < countof(asks); i++) {
		const struct cedar_uid par[3] = {
			{ str_of(asks[i].p), STR("x") },
			{ STR("Action"), str_of(asks[i].a) },
			{ str_of(asks[i].r), STR("y") },
		};
		struct cedar_request *r = NULL;
		struct cedar_why why = { 0 };
		const enum err e = cedar_request_new(
		    par, str_of(asks[i].context), s, a, &r, &why);

		judge(asks[i].context, "request", asks[i].why, e, &why);
		if (e == OK)
			ok(r->context.type == CEDAR_RECORD &&
				str_eq(r->var[0]->uid.id, STR("x")),
			    "and is what was asked");
	}
	arena_free(a);
}

/* Context that has crossed processes as a tape needs no text. */
static void
test_tapes(const struct cedar_schema *s)
{
	struct arena *a = arena_new(1024 * 1024);
	struct cedar_member type = { s, { STR("Action"), STR("read") },
		{ NULL, 0 } };
	const uint8_t tape[] = { 7, 1, 0, 0, 0, 11, 0, 0, 0, 1, 0, 0, 0, 'n', 4,
		1, 0, 0, 0, '8' };
	const struct str t = { (const char *)tape, sizeof(tape) };
	struct str made = { NULL, 0 };
	struct cedar_value v = { 0 };
	struct cedar_why why = { 0 };

	ok(cedar_value_of_tape(t, NULL, a, &v, &why) == OK &&
		v.type == CEDAR_RECORD && cedar_get(v, STR("n"))->i == 8,
	    "a tape is a value");
	ok(cedar_value_of_tape(t, &type, a, &v, &why) == OK,
	    "also of the type of an action's context");
	type.member = STR("n");
	ok(cedar_value_of_tape(t, &type, a, &v, &why) == ERR_SYNTAX,
	    "not of another: %s", why.note.text);
	ok(cedar_tape_of_json(STR("{\"n\":8}"), a, &made, &why) == OK &&
		str_eq(made, t),
	    "JSON becomes such a tape");
	ok(cedar_tape_of_json(STR("{\"n\":3"), a, &made, &why) == ERR_SYNTAX,
	    "or does not: %s", why.note.text);
	type.member = STR("zz");
	ok(cedar_value_of_tape(t, &type, a, &v, &why) == ERR_SYNTAX,
	    "nor of one that is not there: %s", why.note.text);
	arena_free(a);
}

/* One question from its texts. */
static const struct {
	const char *policies, *entities, *context;
	enum err e;
	enum cedar_decision may;
	const char *why; /* how the sentence begins */
	unsigned line;
} questions[] = {
	{ "permit(principal, action, resource);", "", "", OK, CEDAR_ALLOW, "",
	    0 },
	{ "", "", "", OK, CEDAR_DENY, "", 0 },
	{ "permit(principal in G::\"g\", action, resource) when "
	  "{context.n == 1};",
	    "[{\"uid\":{\"type\":\"U\",\"id\":\"x\"},\"attrs\":{},"
	    "\"parents\":[{\"type\":\"G\",\"id\":\"g\"}]}]",
	    "{\"n\":1}", OK, CEDAR_ALLOW, "", 0 },
	{ "permit(principal in G::\"g\", action, resource) when "
	  "{context.n == 1};",
	    "[]", "{\"n\":1}", OK, CEDAR_DENY, "", 0 },
	{ "permit(principal, action, resource);\nforbid(", "", "", ERR_SYNTAX,
	    CEDAR_DENY, "", 2 },
	{ "permit(principal, action, resource);", "{", "", ERR_SYNTAX,
	    CEDAR_DENY, "", 0 },
	{ "permit(principal, action, resource);", "", "[]", ERR_SYNTAX,
	    CEDAR_DENY, "context: ", 0 },
};

static void
test_questions(void)
{
	for (size_t i = 0; i < countof(questions); i++) {
		const struct cedar_question q = { str_of(questions[i].policies),
			str_of(questions[i].entities),
			str_of(questions[i].context), { STR("U"), STR("x") },
			{ STR("Action"), STR("a") }, { STR("R"), STR("y") } };
		enum cedar_decision may = CEDAR_DENY;
		struct cedar_why why;
		const enum err e = cedar_ask(&q, &may, &why);

		ok(e == questions[i].e && may == questions[i].may &&
			why.line == questions[i].line &&
			(e == OK) == (why.note.text[0] == '\0') &&
			str_starts(
			    str_of(why.note.text), str_of(questions[i].why)),
		    "question %zu, of its texts: %s", i, why.note.text);
	}
}

int
main(void)
{
	struct cedar_schema *s = NULL;
	struct cedar_why why = { 0 };
	char text[1024];

	if (cedar_schema_parse(str_of(schema_text), &s, &why) != OK)
		printf("# %u:%u: %s\n", why.line, why.col, why.note.text);
	for (size_t i = 0; i < countof(attrs); i++) {
		(void)snprintf(text, sizeof(text),
		    "[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":%s,"
		    "\"parents\":[]}]",
		    attrs[i].json);
		test_list(&attrs[i], text, s);
	}
	for (size_t i = 0; i < countof(lists); i++)
		test_list(&lists[i], lists[i].json, s);
	test_requests(s);
	test_tapes(s);
	test_questions();
	cedar_schema_free(s);
	return tap_done();
}
