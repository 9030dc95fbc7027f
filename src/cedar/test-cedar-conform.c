/* Values against a schema: each rule with what breaks it and what does not. */
#include "cedar/store.h"

#include "base/tap.h"

static const char schema[] =
    "entity G; entity U in [G] = { n: String, c?: Color } tags Long;\n"
    "entity Color enum [\"red\"]; entity Doc;\n"
    "action all; action read in all appliesTo { principal: U, resource: Doc,\n"
    "  context: { input: { path: String, sizes?: Set<Long>, by?: U,\n"
    "    cost?: decimal } } };\n"
    "action none;\n";

struct fixture {
	struct cedar_schema *s;
	struct arena *a;
	struct cedar_why why;
};

static struct cedar_value
input(struct fixture *x, struct str key, struct cedar_value v)
{
	const struct cedar_field in[] = {
		{ STR_INIT("path"), cedar_string(STR("/a")) }, { key, v }
	};
	const bool path = str_eq(key, STR("path"));
	struct cedar_field out = { STR_INIT("input"),
		cedar_record(path ? in + 1 : in, path ? 1 : 2, x->a) };

	return cedar_record(&out, 1, x->a);
}

static bool
asked(struct fixture *x, const char *p, const char *act, const char *r,
    struct cedar_value context)
{
	struct cedar_request q = { .context = context };

	q.ref[0] = cedar_ref_of((struct cedar_uid){ str_of(p), STR_INIT("a") });
	q.ref[1] =
	    cedar_ref_of((struct cedar_uid){ STR_INIT("Action"), str_of(act) });
	q.ref[2] = cedar_ref_of((struct cedar_uid){ str_of(r), STR_INIT("d") });
	for (size_t i = 0; i < 3; i++)
		q.var[i] = &q.ref[i];
	x->why = (struct cedar_why){ 0 };
	return context.type != CEDAR_NONE &&
	       cedar_request_check(x->s, &q, &x->why) == OK;
}

static bool
with(struct fixture *x, const char *key, struct cedar_value v)
{
	return asked(x, "U", "read", "Doc", input(x, str_of(key), v));
}

static void
test_requests(struct fixture *x)
{
	const struct cedar_value path = cedar_string(STR("/a"));
	const struct cedar_value good = input(x, STR("path"), path);
	const struct cedar_value one = cedar_long(1);
	const struct cedar_ref u =
	    cedar_ref_of((struct cedar_uid){ STR_INIT("U"), STR_INIT("b") });
	const struct cedar_ref g =
	    cedar_ref_of((struct cedar_uid){ STR_INIT("G"), STR_INIT("b") });

	ok(asked(x, "U", "read", "Doc", good), "conforms: %s",
	    x->why.note.text);
	ok(!asked(x, "G", "read", "Doc", good), "principal: %s",
	    x->why.note.text);
	ok(!asked(x, "U", "read", "U", good), "resource: %s", x->why.note.text);
	ok(!asked(x, "U", "raed", "Doc", good), "action: %s", x->why.note.text);
	ok(!asked(x, "U", "none", "Doc", good), "applies to nothing: %s",
	    x->why.note.text);
	ok(!asked(x, "U", "read", "Doc", cedar_record(NULL, 0, x->a)),
	    "required: %s", x->why.note.text);
	ok(!with(x, "path", one), "type: %s", x->why.note.text);
	ok(strstr(x->why.note.text, "context.input.path") != NULL,
	    "names the member");
	ok(!with(x, "more", one), "unknown: %s", x->why.note.text);
	ok(with(x, "sizes", cedar_set(&one, 1, x->a)), "a set: %s",
	    x->why.note.text);
	ok(!with(x, "sizes", cedar_set(&path, 1, x->a)), "not of these: %s",
	    x->why.note.text);
	ok(with(x, "sizes", cedar_set(NULL, 0, x->a)), "an empty one");
	ok(with(x, "by", cedar_entity(&u)), "an entity: %s", x->why.note.text);
	ok(!with(x, "by", cedar_entity(&g)), "of its type: %s",
	    x->why.note.text);
	ok(with(x, "cost", cedar_decimal(15000)), "decimal: %s",
	    x->why.note.text);
	ok(!with(x, "cost", cedar_duration(15000)), "not duration: %s",
	    x->why.note.text);
}

static bool
entity(struct fixture *x, struct cedar_new_entity e)
{
	x->why = (struct cedar_why){ 0 };
	return cedar_entity_check(x->s, &e, &x->why) == OK;
}

static void
test_entities(struct fixture *x)
{
	static const struct cedar_uid group = { STR_INIT("G"), STR_INIT("g") };
	static const struct cedar_uid doc = { STR_INIT("Doc"), STR_INIT("d") };
	static const struct cedar_uid all = { STR_INIT("Action"),
		STR_INIT("all") };
	const struct cedar_uid u = { STR_INIT("U"), STR_INIT("a") };
	const struct cedar_uid red = { STR_INIT("Color"), STR_INIT("red") };
	const struct cedar_uid green = { STR_INIT("Color"), STR_INIT("green") };
	const struct cedar_uid read = { STR_INIT("Action"), STR_INIT("read") };
	const struct cedar_ref rr = cedar_ref_of(red);
	const struct cedar_ref gr = cedar_ref_of(green);
	const struct cedar_field n = { STR_INIT("n"), cedar_string(STR("x")) };
	const struct cedar_field t = { STR_INIT("t"), cedar_long(1) };
	struct cedar_field c[2] = { n, { STR_INIT("c"), cedar_entity(&rr) } };
	const struct cedar_value some = cedar_record(&n, 1, x->a);

	ok(entity(x, (struct cedar_new_entity){ .uid = u, .attrs = some }),
	    "conforms: %s", x->why.note.text);
	ok(!entity(x, (struct cedar_new_entity){ .uid = u }), "required: %s",
	    x->why.note.text);
	ok(entity(x, (struct cedar_new_entity){ u, some,
			 cedar_record(&t, 1, x->a), &group, 1 }),
	    "tags and a parent: %s", x->why.note.text);
	ok(!entity(x,
	       (struct cedar_new_entity){
		   .uid = u, .attrs = some, .parent = &doc, .parent_n = 1 }),
	    "not that parent: %s", x->why.note.text);
	ok(!entity(x, (struct cedar_new_entity){ u, some, some, NULL, 0 }),
	    "tags of their type: %s", x->why.note.text);
	ok(!entity(x, (struct cedar_new_entity){ .uid = group,
			  .tags = cedar_record(&t, 1, x->a) }),
	    "no tags: %s", x->why.note.text);
	ok(entity(x, (struct cedar_new_entity){ .uid = red }), "an enum: %s",
	    x->why.note.text);
	ok(!entity(x, (struct cedar_new_entity){ .uid = green }),
	    "not of its ids: %s", x->why.note.text);
	ok(entity(x, (struct cedar_new_entity){ .uid = u,
			 .attrs = cedar_record(c, 2, x->a) }),
	    "named: %s", x->why.note.text);
	c[1].v = cedar_entity(&gr);
	ok(!entity(x, (struct cedar_new_entity){ .uid = u,
			  .attrs = cedar_record(c, 2, x->a) }),
	    "nor named: %s", x->why.note.text);
	ok(entity(x,
	       (struct cedar_new_entity){
		   .uid = read, .parent = &all, .parent_n = 1 }),
	    "an action: %s", x->why.note.text);
	ok(!entity(x,
	       (struct cedar_new_entity){
		   .uid = all, .parent = &read, .parent_n = 1 }),
	    "not as declared: %s", x->why.note.text);
	ok(!entity(x, (struct cedar_new_entity){ .uid = read, .attrs = some }),
	    "without attributes: %s", x->why.note.text);
}

int
main(void)
{
	struct fixture x = { .a = arena_new(1 << 22) };

	ok(cedar_schema_parse(str_of(schema), &x.s, &x.why) == OK, "schema: %s",
	    x.why.note.text);
	if (x.s != NULL) {
		test_requests(&x);
		test_entities(&x);
	}
	cedar_schema_free(x.s);
	arena_free(x.a);
	return tap_done();
}
