/*
 * test-cedar-eval: what expressions give, one row each, and how they fail; the
 * answer of the authorizer; that index and image change nothing.
 */
#include "cedar/code.h"

#include "base/tap.h"

static const char entities[] =
    "[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"n\":5,\"r\":{\"x\":"
    "{\"y\":1}},\"o\":{\"__entity\":{\"type\":\"U\",\"id\":\"zz\"}}},"
    "\"parents\":[{\"type\":\"G\",\"id\":\"g\"}],\"tags\":{\"t\":\"v\"}},"
    "{\"uid\":{\"type\":\"G\",\"id\":\"g\"},\"attrs\":{},\"parents\":"
    "[{\"type\":\"G\",\"id\":\"top\"}]}]";
static const char context[] =
    "{\"s\":\"h\\u00e9llo*\",\"set\":[3,1,2,1],\"big\":9223372036854775807,"
    "\"rec\":{\"a\":1,\"b c\":\"x\"},\"t\":true,"
    "\"ip\":{\"__extn\":{\"fn\":\"ip\",\"arg\":\"10.0.0.1\"}}}";

enum want { T, F, E }; /* true, false, error */
struct row {
	const char *text;
	enum want want;
	const char *why; /* in the message of an error */
};

static const struct row rows[] = {
	/* equality never fails */
	{ "1 == 1", T, 0 },
	{ "1 == true", F, 0 },
	{ "1 != \"1\"", T, 0 },
	{ "[] == {}", F, 0 },
	{ "[1, 2, 2] == [2, 1]", T, 0 },
	{ "{a: 1, \"b\": 2} == {b: 2, a: 1}", T, 0 },
	{ "{a: 1} == {a: 1, b: 2}", F, 0 },
	{ "U::\"a\" == U::\"a\"", T, 0 },
	{ "U::\"a\" == G::\"a\"", F, 0 },
	{ "decimal(\"1.0\") == decimal(\"1.0000\")", T, 0 },
	{ "decimal(\"1.0\") == 1", F, 0 },
	{ "duration(\"1s\") == datetime(\"1970-01-01T00:00:01Z\")", F, 0 },
	/* order */
	{ "1 < 2 && 2 <= 2 && 3 > 2 && 2 >= 2", T, 0 },
	{ "2 < 1 || 2 > 2", F, 0 },
	{ "-9223372036854775808 < 0", T, 0 },
	{ "1 < true", E, "expected long, found bool" },
	{ "\"a\" < \"b\"", E, "found string" },
	{ "decimal(\"1.0\") < decimal(\"2.0\")", E, "found decimal" },
	{ "duration(\"1s\") < duration(\"2s\")", T, 0 },
	{ "datetime(\"1970-01-01\") >= datetime(\"1970-01-02\")", F, 0 },
	{ "datetime(\"1970-01-01\") < duration(\"1s\")", E, "found duration" },
	/* arithmetic */
	{ "1 + 2 * 3 - 1 == 6", T, 0 },
	{ "context.big + 1 == 0", E, "9223372036854775807 + 1 overflows" },
	{ "-context.big - 2 == 0", E, "overflows" },
	{ "context.big * 2 == 0", E, "overflows" },
	{ "-(-9223372036854775808) == 0", E, "overflows" },
	{ "-(-9223372036854775807 - 1) == 0", E, "overflows" },
	{ "1 + true == 2", E, "expected long, found bool" },
	{ "-true == 1", E, "expected long" },
	/* and, or, not, if */
	{ "false && 1 == 1 + true", F, 0 },
	{ "true || 1 == 1 + true", T, 0 },
	{ "1 == 1 + true || true", E, "found bool" },
	{ "true && 1", E, "expected bool, found long" },
	{ "false || \"x\"", E, "expected bool, found string" },
	{ "1 && true", E, "expected bool" },
	{ "false && 1", F, 0 },
	{ "true && true && 1 == 2", F, 0 },
	{ "!false", T, 0 },
	{ "!1", E, "expected bool" },
	{ "if true then true else 1 + true == 2", T, 0 },
	{ "if 1 then true else true", E, "expected bool" },
	{ "if false then 1 else true", T, 0 },
	{ "7", E, "expected bool, found long" },
	/* the hierarchy */
	{ "principal in G::\"g\"", T, 0 },
	{ "principal in G::\"top\"", T, 0 },
	{ "principal in principal", T, 0 },
	{ "G::\"g\" in principal", F, 0 },
	{ "U::\"zz\" in U::\"zz\"", T, 0 },
	{ "U::\"zz\" in G::\"g\"", F, 0 },
	{ "principal in [G::\"no\", G::\"top\"]", T, 0 },
	{ "principal in []", F, 0 },
	{ "principal in [G::\"top\", 1]", E, "entity in the set" },
	{ "principal in 1", E, "found long" },
	{ "1 in principal", E, "expected entity" },
	{ "principal is U", T, 0 },
	{ "principal is G", F, 0 },
	{ "principal is U in G::\"g\"", T, 0 },
	{ "principal is G in 1", F, 0 },
	{ "principal is U in 1", E, "found long" },
	{ "1 is U", E, "expected entity" },
	/* attributes */
	{ "principal.n == 5", T, 0 },
	{ "principal.r.x.y == 1", T, 0 },
	{ "principal.m == 5", E, "entity has no attribute \"m\"" },
	{ "principal.o.n == 5", E, "U::\"zz\" does not exist" },
	{ "context.rec[\"b c\"] == \"x\"", T, 0 },
	{ "context.rec.c == 1", E, "record has no attribute \"c\"" },
	{ "context.s.c == 1", E, "expected record or entity" },
	{ "principal has n", T, 0 },
	{ "principal has m", F, 0 },
	{ "principal.o has n", F, 0 },
	{ "principal has r.x.y", T, 0 },
	{ "principal has r.z.y", F, 0 },
	{ "principal has o.n.z", F, 0 },
	{ "principal has n.x", E, "expected record or entity, found long" },
	{ "context has rec.a", T, 0 },
	{ "context.s has x", E, "found string" },
	{ "{a: 1}.a == 1 && {a: {b: 2}} has a.b", T, 0 },
	/* tags */
	{ "principal.hasTag(\"t\")", T, 0 },
	{ "principal.hasTag(\"u\")", F, 0 },
	{ "principal.o.hasTag(\"t\")", F, 0 },
	{ "principal.getTag(\"t\") == \"v\"", T, 0 },
	{ "principal.getTag(\"u\") == \"v\"", E, "no tag \"u\"" },
	{ "principal.o.getTag(\"t\") == \"v\"", E, "does not exist" },
	{ "context.hasTag(\"t\")", E, "expected entity" },
	{ "principal.hasTag(1)", E, "expected string" },
	/* sets */
	{ "context.set == [1, 2, 3]", T, 0 },
	{ "context.set.contains(2)", T, 0 },
	{ "context.set.contains(\"2\")", F, 0 },
	{ "context.set.containsAll([3, 1])", T, 0 },
	{ "context.set.containsAll([3, 4])", F, 0 },
	{ "context.set.containsAll([])", T, 0 },
	{ "context.set.containsAny([9, 2])", T, 0 },
	{ "context.set.containsAny([])", F, 0 },
	{ "[[1], [2]].contains([1, 1])", T, 0 },
	{ "[].isEmpty() && !context.set.isEmpty()", T, 0 },
	{ "context.s.contains(\"h\")", E, "expected set" },
	{ "context.set.containsAll(1)", E, "expected set" },
	{ "context.rec.isEmpty()", E, "expected set" },
	{ "[principal.n, principal.n + 1] == [6, 5]", T, 0 },
	{ "[principal.m].isEmpty()", E, "no attribute" },
	{ "{a: principal.n} == {a: 5}", T, 0 },
	/* patterns */
	{ "context.s like \"h\u00e9*\"", T, 0 },
	{ "context.s like \"*o\\*\"", T, 0 },
	{ "context.s like \"hello*\"", F, 0 },
	{ "\"abcbc\" like \"a*bc\"", T, 0 },
	{ "\"abc\" like \"ab*bc\"", F, 0 },
	{ "\"aXbYc\" like \"a*b*c\"", T, 0 },
	{ "\"ab\" like \"a**b\"", T, 0 },
	{ "\"\" like \"*\" && \"\" like \"\"", T, 0 },
	{ "\"\" like \"**a\"", F, 0 },
	{ "\"aaa\" like \"a*a*a*a\"", F, 0 },
	{ "1 like \"1\"", E, "expected string" },
	/* functions */
	{ "ip(\"10.1.1.1\").isInRange(ip(\"10.0.0.0/8\"))", T, 0 },
	{ "context.ip.isIpv4() && !context.ip.isIpv6()", T, 0 },
	{ "ip(\"127.0.0.1\").isLoopback()", T, 0 },
	{ "ip(\"224.0.0.1\").isMulticast()", T, 0 },
	{ "ip(\"10.1.1\").isIpv4()", E, "\"10.1.1\" is no ipaddr" },
	{ "ip(1).isIpv4()", E, "expected string, found long" },
	{ "context.s.isIpv4()", E, "expected ipaddr, found string" },
	{ "false && ip(\"x\").isIpv4()", F, 0 },
	{ "decimal(\"1.1\").lessThan(decimal(\"1.2\"))", T, 0 },
	{ "decimal(\"1.1\").lessThanOrEqual(decimal(\"1.1\"))", T, 0 },
	{ "decimal(\"1.1\").greaterThan(decimal(\"1.1\"))", F, 0 },
	{ "decimal(\"1.1\").greaterThanOrEqual(decimal(\"1.1\"))", T, 0 },
	{ "decimal(\"1.1\").lessThan(1)", E, "expected decimal" },
	{ "datetime(\"1970-01-02\").offset(duration(\"-1d\")) == "
	  "datetime(\"1970-01-01\")",
	    T, 0 },
	{ "datetime(\"1970-01-02\").offset(duration(\"9223372036854775807ms\"))"
	  " == datetime(\"1970-01-01\")",
	    E, "offset overflows" },
	{ "datetime(\"1970-01-02\").durationSince(datetime(\"1970-01-01\")) "
	  "== duration(\"24h\")",
	    T, 0 },
	{ "datetime(\"1969-12-31T23:00:00Z\").toDate() == "
	  "datetime(\"1969-12-31\")",
	    T, 0 },
	{ "datetime(\"1969-12-31T23:00:00Z\").toTime() == duration(\"23h\")", T,
	    0 },
	{ "duration(\"-1d1s\").toDays() == -1", T, 0 },
	{ "duration(\"-90s\").toMinutes() == -1", T, 0 },
	{ "duration(\"1h\").toSeconds() == 3600", T, 0 },
	{ "duration(\"1h\").toHours() == 1", T, 0 },
	{ "duration(\"1h\").toMilliseconds() == 3600000", T, 0 },
	{ "duration(\"1x\").toHours() == 1", E, "is no duration" },
};

struct fixture {
	struct cedar_entities *es;
	struct arena *a;
};

static struct cedar_engine *
engine_of(const char *text)
{
	struct cedar_policies *ps = cedar_policies_new();
	struct cedar_engine *e = NULL;
	struct cedar_why why = { 0 };

	if (cedar_policies_parse(ps, str_of(text), &why) != OK ||
	    cedar_engine_new(ps, &e, &why) != OK)
		printf("# %s: %s\n", text, why.note.text);
	cedar_policies_free(ps); /* the engine must not need it */
	return e;
}

static struct cedar_answer
ask(const struct fixture *x, const struct cedar_engine *e)
{
	const struct cedar_uid par[3] = { { STR("U"), STR("a") },
		{ STR("Action"), STR("go") }, { STR("R"), STR("r") } };
	struct cedar_request *r = NULL;
	struct cedar_answer got = { 0 };

	if (cedar_request_new(par, str_of(context), NULL, x->a, &r, NULL) == OK)
		(void)!cedar_authorize(e, r, x->es, x->a, &got);
	return got;
}

static void
test_rows(const struct fixture *x)
{
	char text[512];

	for (size_t i = 0; i < countof(rows); i++) {
		const struct row *r = &rows[i];
		struct cedar_engine *e;
		struct cedar_answer got;
		bool good;

		(void)snprintf(text, sizeof(text),
		    "permit(principal, action, resource) when { %s };",
		    r->text);
		e = engine_of(text);
		if (e == NULL) {
			ok(false, "%s", r->text);
			continue;
		}
		got = ask(x, e);
		good = got.error_n == (r->want == E) &&
		       (got.decision == CEDAR_ALLOW) == (r->want == T);
		if (r->want == E && got.error_n == 1)
			good = good &&
			       strstr(got.error[0].note.text, r->why) != NULL &&
			       got.error[0].note.text[0] == '1';
		ok(good, "%s: %s", r->text,
		    got.error_n > 0		  ? got.error[0].note.text
		    : got.decision == CEDAR_ALLOW ? "true"
						  : "false");
		cedar_engine_free(e);
		arena_reset(x->a);
	}
}

static void
test_answers(const struct fixture *x)
{
	struct cedar_engine *e = engine_of(
	    "permit(principal, action, resource);"
	    "permit(principal, action, resource) when { 1 + true == 1 };"
	    "forbid(principal, action, resource) when { false };"
	    "permit(principal is U, action, resource) unless { false };");
	struct cedar_answer got = ask(x, e);

	ok(got.decision == CEDAR_ALLOW && got.reason_n == 2 &&
		got.reason[0] == 0 && got.reason[1] == 3 && got.error_n == 1 &&
		got.error[0].policy == 1,
	    "permits that apply are the reason, in order");
	cedar_engine_free(e);
	e = engine_of(
	    "permit(principal, action, resource);"
	    "@id(\"no\") @why forbid(principal, action, resource);"
	    "forbid(principal, action, resource) when { context.nope };");
	got = ask(x, e);
	ok(got.decision == CEDAR_DENY && got.reason_n == 1 &&
		got.reason[0] == 1 && got.error_n == 1,
	    "a forbid that applies is the only reason");
	cedar_engine_free(e);
	e = engine_of("");
	got = ask(x, e);
	ok(got.decision == CEDAR_DENY && got.reason_n == 0 && got.error_n == 0,
	    "without policies nothing is allowed");
	cedar_engine_free(e);
}

static void
test_scopes(const struct fixture *x)
{
	static const struct row scopes[] = {
		{ "principal == U::\"a\", action, resource", T, 0 },
		{ "principal == U::\"b\", action, resource", F, 0 },
		{ "principal in G::\"top\", action, resource", T, 0 },
		{ "principal in U::\"a\", action, resource", T, 0 },
		{ "principal in G::\"no\", action, resource", F, 0 },
		{ "principal is U, action, resource", T, 0 },
		{ "principal is G, action, resource", F, 0 },
		{ "principal is U in G::\"g\", action, resource", T, 0 },
		{ "principal is G in G::\"g\", action, resource", F, 0 },
		{ "principal, action == Action::\"go\", resource", T, 0 },
		{ "principal, action in Action::\"go\", resource", T, 0 },
		{ "principal, action in Action::\"no\", resource", F, 0 },
		{ "principal, action in [Action::\"no\", Action::\"go\"], "
		  "resource",
		    T, 0 },
		{ "principal, action in [Action::\"go\", Action::\"go\"], "
		  "resource",
		    T, 0 },
		{ "principal, action in [], resource", F, 0 },
		{ "principal, action, resource == R::\"r\"", T, 0 },
		{ "principal, action, resource is R", T, 0 },
		{ "principal, action, resource in R::\"q\"", F, 0 },
		{ "principal is U, action == Action::\"go\", resource in "
		  "R::\"r\"",
		    T, 0 },
	};
	char text[256];

	for (size_t i = 0; i < countof(scopes); i++) {
		struct cedar_engine *e;
		struct cedar_answer got;

		(void)snprintf(
		    text, sizeof(text), "permit(%s);", scopes[i].text);
		e = engine_of(text);
		got = ask(x, e);
		ok((got.decision == CEDAR_ALLOW) == (scopes[i].want == T) &&
			got.reason_n == (scopes[i].want == T),
		    "(%s): %s", scopes[i].text,
		    scopes[i].want == T ? "applies" : "does not");
		cedar_engine_free(e);
	}
}

/* ---- index and image ---- */
struct dice {
	uint64_t x;
};

static unsigned
roll(struct dice *d, unsigned n)
{
	d->x ^= d->x << 13;
	d->x ^= d->x >> 7;
	d->x ^= d->x << 17;
	return (unsigned)(d->x >> 33) % n;
}

static void
put_scope(struct buf *b, struct dice *d, const char *var, bool action)
{
	const char *type = action ? "Action" : roll(d, 2) ? "U" : "G";
	const unsigned id = roll(d, 6);

	buf_str(b, str_of(var));
	switch (roll(d, action ? 4 : 6)) {
	case 0:
		buf_fmt(b, " == %s::\"%u\"", type, id);
		break;
	case 1:
		buf_fmt(b, " in %s::\"%u\"", type, id);
		break;
	case 2:
		if (action)
			buf_fmt(b, " in [%s::\"%u\", %s::\"%u\"]", type, id,
			    type, roll(d, 6));
		break;
	case 3:
		if (!action)
			buf_fmt(b, " is %s", type);
		break;
	case 4:
		buf_fmt(b, " is %s in G::\"%u\"", type, id);
		break;
	default:
		break;
	}
}

static struct cedar_entities *
random_entities(struct dice *d)
{
	static const char *const ids[] = { "0", "1", "2", "3", "4", "5" };
	static const char *const types[] = { "U", "G", "Action" };
	struct cedar_entities *es = cedar_entities_new();
	struct arena *a = cedar_entities_arena(es);

	for (unsigned t = 0; t < 3; t++)
		for (unsigned i = 0; i < 5; i++) {
			struct cedar_uid *p = arena_alloc(a, 2 * sizeof(*p));
			const struct cedar_new_entity x = {
				.uid = { str_of(types[t]), str_of(ids[i]) },
				.parent = p,
				.parent_n = roll(d, 3)
			};

			for (unsigned k = 0; k < 2; k++) {
				/* upwards only, so there is no cycle */
				p[k].type = str_of(t == 0 ? "G" : types[t]);
				p[k].id = str_of(ids[i + 1 + roll(d, 5 - i)]);
			}
			(void)!cedar_entities_add(es, &x);
		}
	(void)!cedar_entities_close(es, NULL);
	return es;
}

static bool
same_answers(const struct cedar_answer *x, const struct cedar_answer *y)
{
	bool same = x->decision == y->decision && x->reason_n == y->reason_n &&
		    x->error_n == y->error_n;

	for (size_t i = 0; same && i < x->reason_n; i++)
		same = x->reason[i] == y->reason[i];
	for (size_t i = 0; same && i < x->error_n; i++)
		same = x->error[i].policy == y->error[i].policy;
	return same;
}

/* One random set of policies; 40 random requests. */
static bool
index_round(struct dice *d, struct arena *a)
{
	struct buf text = { .max = 1024 * 1024 };
	struct cedar_entities *es = random_entities(d);
	struct cedar_engine *e, *copy = NULL;
	bool same = true;

	for (unsigned i = 0, n = roll(d, 60); i < n; i++) {
		buf_str(&text, roll(d, 4) ? STR("permit(") : STR("forbid("));
		put_scope(&text, d, "principal", false);
		buf_str(&text, STR(", "));
		put_scope(&text, d, "action", true);
		buf_str(&text, STR(", "));
		put_scope(&text, d, "resource", false);
		buf_str(&text,
		    roll(d, 8) ? STR(");") : STR(") when { context.no };"));
	}
	buf_ch(&text, '\0');
	e = engine_of(text.p);
	same =
	    e != NULL && cedar_engine_open(cedar_engine_image(e), &copy) == OK;
	for (int i = 0; same && i < 40; i++) {
		static const char *const ids[] = { "0", "1", "2", "3", "4",
			"5" };
		const struct cedar_uid par[3] = {
			{ roll(d, 2) ? STR("U") : STR("G"),
			    str_of(ids[roll(d, 6)]) },
			{ STR("Action"), str_of(ids[roll(d, 6)]) },
			{ roll(d, 2) ? STR("U") : STR("G"),
			    str_of(ids[roll(d, 6)]) },
		};
		const struct cedar_value none = { .type = CEDAR_RECORD };
		struct cedar_request *r = NULL;
		struct cedar_answer x, y, z;

		arena_reset(a);
		same = cedar_request_of(par, none, a, &r) == OK &&
		       cedar_authorize(e, r, es, a, &x) == OK &&
		       authorize_all(e, r, es, a, &y) == OK &&
		       cedar_authorize(copy, r, es, a, &z) == OK &&
		       same_answers(&x, &y) && same_answers(&x, &z);
	}
	cedar_engine_free(e);
	cedar_engine_free(copy);
	cedar_entities_free(es);
	buf_done(&text);
	return same;
}

static void
test_index(struct arena *a)
{
	struct dice d = { 0x5eed };
	int good = 0;

	for (int i = 0; i < 300; i++)
		good += index_round(&d, a);
	ok(good == 300,
	    "index and image agree with asking every policy: %d "
	    "of 300 sets",
	    good);
}

/* Whatever byte of an image is changed, it is refused or safe to ask. */
static void
test_images(const struct fixture *x)
{
	struct cedar_engine *e = engine_of(
	    "@id(\"one\") permit(principal in G::\"g\", action in "
	    "[Action::\"go\"], resource is R) when { context.set.contains(2) "
	    "&& [1, {a: \"b\"}].contains(3) || context.s like \"a*b\" || "
	    "ip(\"1.2.3.4\").isIpv4() && principal has r.x && "
	    "decimal(\"1.0\").lessThan(decimal(\"2.0\")) };");
	const struct str image = cedar_engine_image(e);
	struct buf bad = { .max = 1024 * 1024 };
	size_t refused = 0, taken = 0;
	struct cedar_engine *f = NULL;

	buf_str(&bad, image);
	for (size_t i = 0; i < image.n; i++)
		for (int k = 0; k < 4; k++) {
			static const char change[] = { 1, 0x10, -128, -1 };

			bad.p[i] = (char)(image.p[i] ^ change[k]);
			if (cedar_engine_open(buf_view(&bad), &f) == OK) {
				(void)ask(x, f);
				cedar_engine_free(f);
				arena_reset(x->a);
				taken++;
			} else {
				refused++;
			}
			bad.p[i] = image.p[i];
		}
	ok(refused > 0 && taken > 0, "%zu changed images refused, %zu safe",
	    refused, taken);
	for (size_t n = 0; n < image.n; n++)
		if (cedar_engine_open(str_sub(image, 0, n), &f) == OK)
			ok(false, "a cut image of %zu is refused", n);
	ok(cedar_engine_open(image, &f) == OK, "the whole one is taken");
	cedar_engine_free(f);
	cedar_engine_free(e);
	buf_done(&bad);
}

static void
test_info(void)
{
	struct cedar_engine *e =
	    engine_of("permit(principal, action, resource);\n @a(\"x\") @b\n "
		      "forbid(principal, action, resource);");
	struct cedar_policy_info info;
	struct str name, value;

	ok(cedar_engine_count(e) == 2 && cedar_engine_policy(e, 1, &info) &&
		info.forbid && str_eq(info.id, STR("policy1")) &&
		info.template_id.n == 0 && info.line > 1,
	    "an engine knows its policies");
	ok(!cedar_engine_policy(e, 2, &info), "and no more");
	ok(cedar_engine_annotation(e, 1, 0, &name, &value) &&
		str_eq(name, STR("a")) && str_eq(value, STR("x")) &&
		cedar_engine_annotation(e, 1, 1, &name, &value) &&
		str_eq(name, STR("b")) && value.n == 0 &&
		!cedar_engine_annotation(e, 1, 2, &name, &value) &&
		!cedar_engine_annotation(e, 0, 0, &name, &value),
	    "and their annotations");
	cedar_engine_free(e);
}

/* Too little memory is never an answer. */
static void
test_budget(const struct fixture *x)
{
	struct cedar_engine *e = engine_of(
	    "permit(principal, action, resource) when { [context.set, "
	    "[principal.n]].contains(context.set) };");
	const struct cedar_uid par[3] = { { STR("U"), STR("a") },
		{ STR("Action"), STR("go") }, { STR("R"), STR("r") } };
	struct cedar_request *r = NULL;
	struct cedar_answer got;
	size_t limits = 0, allows = 0;

	ok(cedar_request_new(par, str_of(context), NULL, x->a, &r, NULL) == OK,
	    "a request is made");
	for (size_t n = 16; n < 1024; n += 16) {
		struct arena *a = arena_new(n);
		const enum err bad = cedar_authorize(e, r, x->es, a, &got);

		limits += bad == ERR_LIMIT && got.decision == CEDAR_DENY;
		allows += bad == OK && got.decision == CEDAR_ALLOW;
		arena_free(a);
	}
	ok(limits > 0 && allows > 0 && limits + allows == 63,
	    "%zu budgets are too small and say so, %zu suffice", limits,
	    allows);
	cedar_engine_free(e);
}

int
main(void)
{
	struct fixture x = { NULL, arena_new(16 * 1024 * 1024) };
	struct cedar_why why = { 0 };

	if (cedar_entities_from_json(str_of(entities), NULL, &x.es, &why) != OK)
		printf("# %s\n", why.note.text);
	test_rows(&x);
	test_answers(&x);
	test_scopes(&x);
	test_index(x.a);
	test_images(&x);
	test_info();
	test_budget(&x);
	cedar_entities_free(x.es);
	arena_free(x.a);
	return tap_done();
}
