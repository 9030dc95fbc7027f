/* Schemas: every rule with a text that breaks it and a twin that does not. */
#include "cedar/cedar.h"

#include "base/tap.h"
#include "json/json.h"

struct pair {
	const char *what;
	const char *good, *bad;
	const char *says; /* in the sentence about bad */
};

static const struct pair texts[] = {
	{ "a semicolon ends a declaration", "entity A;", "entity A", "\";\"" },
	{ "only declarations", "type T = Long;", "thing A;", "namespace" },
	{ "no reserved words as names", "entity inn;", "entity in;",
	    "reserved" },
	{ "words of the grammar are names",
	    "entity entity, type, enum, tags, namespace;", "entity true;",
	    "reserved" },
	{ "__cedar is not declared", "type T = __cedar::Long;",
	    "namespace __cedar { entity A; }", "reserved" },
	{ "names of types are declared", "entity A in B; entity B;",
	    "entity A in B;", "\"B\" is not declared as an entity type" },
	{ "a member's type is declared", "type T = { a: Long };",
	    "type T = { a: Longg };", "Longg" },
	{ "a common type is no parent", "entity T; entity A in T;",
	    "type T = {}; entity A in T;", "entity type" },
	{ "common types are not made of themselves",
	    "type A = { b: B }; type B = Set<Long>;",
	    "type A = { b: B }; type B = Set<A>;", "made of itself" },
	{ "nor directly", "type A = Long;", "type A = A;", "itself" },
	{ "entities may be", "entity A { a: A };", "type A = { a: A };",
	    "itself" },
	{ "no entity twice", "entity A; entity B;", "entity A; entity A;",
	    "twice" },
	{ "no type twice", "type A = Long; type B = Long;",
	    "type A = Long; type A = Long;", "twice" },
	{ "no action twice", "action a, b;", "action a, \"a\";", "twice" },
	{ "no namespace twice", "namespace A {} namespace B {}",
	    "namespace A {} namespace A {}", "twice" },
	{ "an entity and a type of one name", "entity A; type A = Long;",
	    "entity A; entity A;", "twice" },
	{ "a member once", "type T = { a: Long, b: Long };",
	    "type T = { a: Long, \"a\": Long };", "twice" },
	{ "an annotation once", "@a @b entity A;", "@a @a(\"\") entity A;",
	    "twice" },
	{ "no shadows", "entity A; namespace N { entity B; }",
	    "entity A; namespace N { entity A; }", "without a namespace" },
	{ "nor of types", "type A = Long; namespace N { type B = A; }",
	    "entity A; namespace N { type A = Long; }", "without a namespace" },
	{ "nor of actions", "action a; namespace N { action b; }",
	    "action a; namespace N { action a; }", "without a namespace" },
	{ "Action is not declared", "entity Actions;", "entity Action;",
	    "type of actions" },
	{ "String is not declared as a common type", "entity String;",
	    "type String = Long;", "reserved" },
	{ "a trailing comma in a record", "type T = { a: Long, };",
	    "type T = { a: Long,, };", "member" },
	{ "none in lists", "entity A; entity B in [A];",
	    "entity A; entity B in [A,];", "expected" },
	{ "enum has ids", "entity A enum [\"a\"];", "entity A enum [];",
	    "string" },
	{ "ids are strings", "entity A enum [\"a\", \"b\"];",
	    "entity A enum [a];", "string" },
	{ "tags have a type", "entity A tags Set<String>;", "entity A tags;",
	    "type" },
	{ "principal and resource",
	    "entity A; action a appliesTo { principal: A, resource: [A] };",
	    "entity A; action a appliesTo { principal: A };",
	    "lacks \"resource\"" },
	{ "not an empty list",
	    "entity A; action a appliesTo { principal: A, resource: A, };",
	    "entity A; action a appliesTo { principal: [], resource: A };",
	    "no entity type" },
	{ "not twice",
	    "entity A; action a appliesTo { principal: A, resource: A };",
	    "entity A; action a appliesTo { principal: A, resource: A, "
	    "principal: A };",
	    "twice" },
	{ "a context is a record",
	    "entity A; type C = {}; action a appliesTo { principal: A, "
	    "resource: A, context: C };",
	    "entity A; type C = Long; action a appliesTo { principal: A, "
	    "resource: A, context: C };",
	    "record" },
	{ "a context is no entity",
	    "entity A; action a appliesTo { principal: A, resource: A, "
	    "context: {} };",
	    "entity A; action a appliesTo { principal: A, resource: A, "
	    "context: A };",
	    "common type" },
	{ "actions apply to entities",
	    "entity A; action a appliesTo { principal: A, resource: A };",
	    "entity A; action a appliesTo { principal: Action, resource: A };",
	    "type of actions" },
	{ "a parent action is declared", "action a; action b in a;",
	    "action b in a;", "not declared" },
	{ "a parent with its type",
	    "namespace N { action a; } action b in N::Action::\"a\";",
	    "namespace N { action a; } action b in M::Action::\"a\";",
	    "not declared" },
	{ "actions in no circle", "action a; action b in [a];",
	    "action a in b; action b in a;", "member of itself" },
	{ "entities may be in a circle", "entity A in A;", "action a in a;",
	    "member of itself" },
	{ "no attributes of actions", "action a attributes {};",
	    "action a attributes { a: Long };", "no attributes" },
	{ "UTF-8", "@n(\"\xc3\xa9\") entity A;", "@n(\"\xc3\") entity A;",
	    "UTF-8" },
	{ "comments", "// x\nentity A; // y", "/* x */ entity A;", "1:1" },
};

static bool
reads(const char *text, struct cedar_why *why)
{
	struct cedar_schema *s = NULL;
	const enum err e = cedar_schema_parse(str_of(text), &s, why);

	cedar_schema_free(s);
	return e == OK;
}

static void
test_texts(void)
{
	for (size_t i = 0; i < countof(texts); i++) {
		const struct pair *p = &texts[i];
		struct cedar_why why = { 0 };
		char said[300];

		ok(reads(p->good, &why), "%s: %s", p->what, p->good);
		ok(!reads(p->bad, &why), "%s: not %s", p->what, p->bad);
		snprintf(said, sizeof(said), "%u:%u %s", why.line, why.col,
		    why.note.text);
		ok(strstr(said, p->says) != NULL, "%s: %s", p->what, said);
	}
}

static const struct pair jsons[] = {
	{ "an object", "{}", "[]", "object" },
	{ "of namespaces", "{\"\":{\"entityTypes\":{},\"actions\":{}}}",
	    "{\"\":{\"entityTypes\":{}}}", "actions must be there" },
	{ "names of namespaces",
	    "{\"A::B\":{\"entityTypes\":{},\"actions\":{}}}",
	    "{\"A:B\":{\"entityTypes\":{},\"actions\":{}}}", "A:B" },
	{ "known members", "{\"A\":{\"entityTypes\":{},\"actions\":{}}}",
	    "{\"A\":{\"entityTypes\":{},\"actions\":{},\"x\":1}}", "x" },
	{ "members of a type",
	    "{\"A\":{\"entityTypes\":{\"E\":{\"tags\":{\"type\":\"Set\","
	    "\"element\":{\"type\":\"Long\"}}}},\"actions\":{}}}",
	    "{\"A\":{\"entityTypes\":{\"E\":{\"tags\":{\"type\":\"Long\","
	    "\"element\":{\"type\":\"Long\"}}}},\"actions\":{}}}",
	    "element" },
	{ "closed records",
	    "{\"A\":{\"entityTypes\":{\"E\":{\"shape\":{\"type\":\"Record\","
	    "\"attributes\":{}}}},\"actions\":{}}}",
	    "{\"A\":{\"entityTypes\":{\"E\":{\"shape\":{\"type\":\"Record\","
	    "\"attributes\":{},\"additionalAttributes\":true}}},\"actions\":{}}"
	    "}",
	    "open" },
	{ "enum or shape",
	    "{\"A\":{\"entityTypes\":{\"E\":{\"enum\":[\"a\"]}},\"actions\":{"
	    "}}}",
	    "{\"A\":{\"entityTypes\":{\"E\":{\"enum\":[\"a\"],\"memberOfTypes\""
	    ":[]}},\"actions\":{}}}",
	    "memberOfTypes" },
	{ "extension types",
	    "{\"A\":{\"entityTypes\":{\"E\":{\"tags\":{\"type\":\"Extension\","
	    "\"name\":\"ipaddr\"}}},\"actions\":{}}}",
	    "{\"A\":{\"entityTypes\":{\"E\":{\"tags\":{\"type\":\"Extension\","
	    "\"name\":\"ip\"}}},\"actions\":{}}}",
	    "does not exist" },
	{ "actions without attributes",
	    "{\"A\":{\"entityTypes\":{},\"actions\":{\"a\":{\"attributes\":"
	    "null}}}}",
	    "{\"A\":{\"entityTypes\":{},\"actions\":{\"a\":{\"attributes\":{}}}"
	    "}}",
	    "no attributes" },
	{ "no names twice", "{\"A\":{\"entityTypes\":{},\"actions\":{}}}",
	    "{\"A\":{\"entityTypes\":{},\"actions\":{}},\"A\":{}}", "" },
};

static bool
reads_json(const char *text, struct cedar_why *why)
{
	struct cedar_schema *s = NULL;
	const enum err e = cedar_schema_from_json(str_of(text), &s, why);

	cedar_schema_free(s);
	return e == OK;
}

static void
test_jsons(void)
{
	for (size_t i = 0; i < countof(jsons); i++) {
		const struct pair *p = &jsons[i];
		struct cedar_why why = { 0 };

		ok(reads_json(p->good, &why), "JSON: %s", p->what);
		ok(!reads_json(p->bad, &why), "JSON: %s, or not", p->what);
		ok(strstr(why.note.text, p->says) != NULL, "JSON: %s: %s",
		    p->what, why.note.text);
	}
}

/* Text to JSON to text to JSON is the same. */
static const char whole[] =
    "@note(\"n\") namespace N::M {\n"
    "  type T = { \"a b\"?: Set<String>, @x c: { d: decimal } };\n"
    "  entity A, B in [C] = { t: T } tags __cedar::Long;\n"
    "  entity C; entity E enum [\"x\", \"\\\"\"];\n"
    "  action \"do it\", read in [Action::\"all\"] appliesTo {\n"
    "    principal: [A, C], resource: B, context: { e?: E }\n"
    "  };\n"
    "  action all;\n"
    "}\n";

static void
test_round(void)
{
	struct buf one = { .max = 65536 }, two = { .max = 65536 };
	struct buf text = { .max = 65536 };
	struct cedar_schema *s = NULL, *t = NULL;
	struct cedar_why why = { 0 };

	ok(cedar_schema_parse(str_of(whole), &s, &why) == OK, "reads: %s",
	    why.note.text);
	cedar_schema_to_json(s, &one);
	cedar_schema_free(s);
	ok(cedar_schema_from_json(buf_view(&one), &s, &why) == OK, "JSON: %s",
	    why.note.text);
	cedar_schema_put(s, &text);
	ok(cedar_schema_parse(buf_view(&text), &t, &why) == OK, "text: %s",
	    why.note.text);
	cedar_schema_to_json(t, &two);
	ok(str_eq(buf_view(&one), buf_view(&two)), "the same JSON again");
	cedar_schema_free(s);
	cedar_schema_free(t);
	buf_done(&one);
	buf_done(&two);
	buf_done(&text);
}

/* A few lines that would be a type of 2^40 members. */
static void
test_bombs(void)
{
	struct buf b = { .max = 1 << 20 };
	struct cedar_why why = { 0 };

	buf_str(&b, STR("type T0 = Long;"));
	for (int i = 1; i <= 40; i++)
		buf_fmt(&b, "type T%d = { a: T%d, b: T%d };", i, i - 1, i - 1);
	buf_ch(&b, '\0');
	ok(!reads(b.p, &why) && strstr(why.note.text, "too large") != NULL,
	    "doubling types: %s", why.note.text);
	buf_clear(&b);
	buf_str(&b, STR("type T0 = Long;"));
	for (int i = 1; i <= 10; i++)
		buf_fmt(&b, "type T%d = { a: T%d, b: T%d };", i, i - 1, i - 1);
	buf_ch(&b, '\0');
	ok(reads(b.p, &why), "ten of them are fine");
	buf_clear(&b);
	buf_str(&b, STR("type T = "));
	for (int i = 0; i < 100000; i++)
		buf_str(&b, STR("Set<"));
	buf_ch(&b, '\0');
	ok(!reads(b.p, &why) && strstr(why.note.text, "deep") != NULL,
	    "deep types: %s", why.note.text);
	buf_clear(&b);
	buf_str(&b, STR("type T0 = Long;"));
	for (int i = 1; i <= 20000; i++)
		buf_fmt(&b, "type T%d = T%d;", i, i - 1);
	buf_ch(&b, '\0');
	ok(!reads(b.p, &why) && strstr(why.note.text, "chain") != NULL,
	    "long chains: %s", why.note.text);
	buf_done(&b);
}

int
main(void)
{
	test_texts();
	test_jsons();
	test_round();
	test_bombs();
	return tap_done();
}
