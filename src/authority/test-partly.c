/*
 * test-partly: what is said of a call of which not everything is known holds
 * whatever the unknown values are.  A table of what must be settled and what
 * must not; then random sets, calls and gaps against the real decision.
 */
#include "authority/authority.h"
#include "base/tap.h"

#include <stdlib.h>

enum { SETS = 1500, CALLS = 12, ROOM = 8 << 20 };

static uint64_t seed;

static unsigned
dice(unsigned n)
{
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407U;
	return (unsigned)(seed >> 33) % n;
}

static struct jv
image_of(struct str text, struct buf *b)
{
	size_t top, list, one;

	buf_clear(b);
	top = tape_obj(b);
	tape_key(b, STR("rules"));
	tape_end(b, tape_arr(b), 0);
	tape_key(b, STR("policies"));
	list = tape_arr(b);
	one = tape_obj(b);
	tape_key(b, STR("name"));
	tape_str(b, STR("a.cedar"));
	tape_key(b, STR("text"));
	tape_str(b, text);
	tape_end(b, one, 2);
	tape_end(b, list, 1);
	tape_end(b, top, 2);
	return jv_of(buf_view(b));
}

static struct buf text = { .max = 1 << 16 }, image = { .max = 1 << 17 };

static struct jv
tape(const char *json, struct buf *b)
{
	buf_clear(b);
	b->max = 1 << 16;
	if (json == NULL)
		return (struct jv){ NULL, 0 };
	BUG_ON(json_parse(str_of(json), &json_default, b, NULL) != OK);
	return jv_of(buf_view(b));
}

/* ---- what must be settled, and what must not ---- */

#define HERE "(principal, action, resource)"
static const struct row {
	const char *name, *policies;
	const char *kept, *absent; /* JSON */
	bool whole;
	const char *want; /* effect, or the member that is missing */
} rows[] = {
	{ "no policy reads anything", "permit" HERE ";", "{}", "[]", false,
	    "allow" },
	{ "the scope alone forbids",
	    "permit" HERE " when { context.input.x == 1 };"
	    "forbid (principal, action == Gatehouse::Action::\"fs___read\", "
	    "resource);",
	    "{}", "[]", false, "deny" },
	{ "no permit fits",
	    "permit (principal == Gatehouse::Agent::\"bob\", action, resource) "
	    "when { context.input.x == 1 };",
	    "{}", "[]", false, "deny" },
	{ "a value that is not there",
	    "permit" HERE " when { context.input.x == 1 };", "{}", "[]", false,
	    "context.input.x" },
	{ "a value that is there",
	    "permit" HERE " when { context.input.x == 1 };", "{\"x\":1}", "[]",
	    false, "allow" },
	{ "another value that is there",
	    "permit" HERE " when { context.input.x == 1 };", "{\"x\":2}", "[]",
	    false, "deny" },
	{ "an argument that was not there",
	    "permit" HERE " when { context.input has x && context.input.x == "
	    "1 };",
	    "{}", "[\"x\"]", false, "deny" },
	{ "nothing else was there",
	    "permit" HERE " unless { context.input has x };", "{}", "[]", true,
	    "allow" },
	{ "a path is asked for by has",
	    "permit" HERE ";forbid" HERE " when { context has input.x };", "{}",
	    "[]", false, "context.input.x" },
	{ "and it is there",
	    "permit" HERE ";forbid" HERE " when { context has input.x };",
	    "{\"x\":1}", "[]", false, "deny" },
	{ "false && unknown",
	    "permit" HERE ";forbid" HERE " when { context.input.y == 1 && "
	    "context.input.x == 1 };",
	    "{\"y\":2}", "[]", false, "allow" },
	{ "unknown && false may fail in a forbid",
	    "permit" HERE ";forbid" HERE " when { context.input.x == 1 && "
	    "context.input.y == 1 };",
	    "{\"y\":2}", "[]", false, "context.input.x" },
	{ "true || unknown",
	    "permit" HERE " when { context.input.y == 2 || context.input.x == "
	    "1 };",
	    "{\"y\":2}", "[]", false, "allow" },
	{ "if: the known way",
	    "permit" HERE " when { if context.input.y == 2 then true else "
	    "context.input.x == 1 };",
	    "{\"y\":2}", "[]", false, "allow" },
	{ "if: both ways end alike",
	    "permit" HERE " when { if context.input has x then true else true "
	    "};",
	    "{}", "[]", false, "allow" },
	{ "not unknown", "permit" HERE " when { !(context.input has x) };",
	    "{}", "[]", false, "context.input.x" },
	{ "the facts of a kept argument",
	    "permit" HERE " when { context.derived has path && "
	    "context.derived.path.under.contains(\"/a\") };",
	    "{\"path\":\"/b/../a/c\"}", "[]", false, "allow" },
	{ "the facts of one that is not",
	    "permit" HERE " when { context.derived has path && "
	    "context.derived.path.under.contains(\"/a\") };",
	    "{}", "[]", false, "context.derived.path" },
	{ "facts that nobody declared",
	    "permit" HERE " unless { context.derived has other };", "{}", "[]",
	    false, "allow" },
	{ "a session that nobody recorded",
	    "permit" HERE " unless { context.session has s };", "{}", "[]",
	    true, "context.session.s" },
	{ "that there is one is no question",
	    "permit" HERE " when { context has session };", "{}", "[]", true,
	    "allow" },
	{ "held whatever is unknown",
	    "permit" HERE ";@requestable(\"w\") forbid" HERE
	    " when { context.input.y == 2 };",
	    "{\"y\":2}", "[]", false, "hold" },
	{ "held, or forbidden by what is unknown",
	    "permit" HERE ";@requestable(\"w\") forbid" HERE
	    " when { context.input.y == 2 }; forbid" HERE
	    " when { context.input has x };",
	    "{\"y\":2}", "[]", false, "context.input.x" },
	{ "an obligation that nobody can meet",
	    "@obligation(\"dance\") permit" HERE
	    " when { context.input.y == 2 }; permit" HERE
	    " when { context.input has x };",
	    "{\"y\":2}", "[]", false, "deny" },
	{ "facts of a tool that has none declared",
	    "permit" HERE ";forbid" HERE " when { context has derived && "
	    "context.derived has text && context.derived.text.name == \"b\" };",
	    "{}", "[]", false, "allow" },
	{ "context as a whole", "permit" HERE " when { context == {} };", "{}",
	    "[]", false, "context" },
};

static const char *
told(const struct row *r, bool exact)
{
	static struct buf miss = { .max = 256 }, p = { .max = 1 << 16 };
	static struct buf params, absent, facts;
	struct arena *a = arena_new(ROOM);
	struct partly_set *s = NULL;
	struct note why;
	struct verdict v;
	struct partly k = { .whole = r->whole, .exact = exact };

	buf_clear(&p);
	buf_clear(&miss);
	buf_fmt(&p, "{\"arguments\":%s}%c", r->kept, 0);
	k.call = (struct call){ .principal = STR("alice"),
		.server = STR("fs"),
		.method = STR("tools/call"),
		.name = STR("read"),
		.params = tape(p.p, &params),
		.facts = tape("{\"path\":\"path\"}", &facts) };
	k.read = k.call.facts;
	k.absent = tape(r->absent, &absent);
	BUG_ON(partly_new(image_of(str_of(r->policies), &image), &s, &why));
	if (partly_decide(s, &k, a, &v, &miss)) {
		buf_clear(&miss);
		buf_fmt(&miss, "%s",
		    v.effect == ALLOW  ? "allow"
		    : v.effect == HOLD ? "hold"
				       : "deny");
	}
	buf_ch(&miss, '\0');
	partly_free(s);
	arena_free(a);
	return miss.p;
}

static void
test_rows(void)
{
	static const struct row inexact = { "",
		"permit" HERE " when { context.input.y == 2 };", "{\"y\":2}",
		"[]", false, "" };

	for (size_t i = 0; i < countof(rows); i++) {
		const char *got = told(&rows[i], true);

		ok(strcmp(got, rows[i].want) == 0, "%s: %s", rows[i].name, got);
	}
	ok(strstr(told(&inexact, false), "do all fit the types") != NULL,
	    "a value that nobody looked at may be no value: %s",
	    told(&inexact, false));
}

/* ---- at random ---- */

static const char *const names[] = { "a", "b", "c", "path" };
static const char *const values[] = { "1", "2", "\"x\"", "{\"k\":1}", "true",
	"\"/a/b\"", "\"/a/../c\"" };
/* What a condition may ask; %s is an argument's name. */
static const char *const atoms[] = { "context.input.%s == 1",
	"context.input.%s == \"x\"", "context.input has %s",
	"context has input.%s.k", "context.input.%s has k",
	"context.input.%s like \"/a*\"", "context.input.%s < 2",
	"context.input.%s", "context.derived has %s",
	"context.derived.%s.under.contains(\"/a\")",
	"(if context.input has %s then context.input.a == 1 else true)",
	"[1, 2].contains(context.input.%s)", "context has session",
	"context.session has s", "context.session.s == 1",
	"context.call.name == \"read\"", "principal.name == \"bob\"", "true" };
static const char *const scopes[] = { "(principal, action, resource)",
	"(principal, action == Gatehouse::Action::\"fs___read\", resource)",
	"(principal == Gatehouse::Agent::\"bob\", action, resource)",
	"(principal, action in Gatehouse::Action::\"write\", resource)",
	"(principal, action in Gatehouse::Action::\"read\", resource)" };
static const char *const marks[] = { "", "", "@requestable(\"w\") ",
	"@requestable(\"v\") ", "@obligation(\"dance\") ",
	"@obligation(\"log:full\") " };

static void
put_atom(struct buf *b)
{
	const char *a = atoms[dice(countof(atoms))], *at = strstr(a, "%s");
	const char *name = names[dice(countof(names))];

	if (dice(4) == 0)
		buf_ch(b, '!');
	if (at == NULL)
		buf_fmt(b, "(%s)", a);
	else
		buf_fmt(b, "(%.*s%s%s)", (int)(at - a), a, name, at + 2);
}

static void
put_condition(struct buf *b)
{
	const unsigned n = 1 + dice(4);

	buf_ch(b, '(');
	for (unsigned i = 0; i < n; i++) {
		if (i > 0)
			buf_fmt(b, dice(2) ? ") && (" : ") || (");
		if (i == 0)
			buf_ch(b, '(');
		put_atom(b);
	}
	buf_fmt(b, "))");
}

static void
random_set(struct buf *b)
{
	const unsigned n = 1 + dice(5);

	buf_clear(b);
	for (unsigned i = 0; i < n; i++) {
		buf_fmt(b, "%s@id(\"p%u\") %s %s", marks[dice(countof(marks))],
		    i, dice(3) == 0 ? "forbid" : "permit",
		    scopes[dice(countof(scopes))]);
		for (unsigned c = dice(3); c > 0; c--) {
			buf_fmt(b, dice(3) ? " when { " : " unless { ");
			put_condition(b);
			buf_fmt(b, " }");
		}
		buf_fmt(b, ";\n");
	}
}

/* A call, and what is left of it when some of it is forgotten. */
struct pair {
	struct buf full, part, absent, session, facts;
	struct call call;
	struct partly k;
};

static void
put_arg(struct buf *b, size_t *n, const char *name, const char *json)
{
	tape_key(b, str_of(name));
	BUG_ON(json_parse(str_of(json), &json_default, b, NULL) != OK);
	(*n)++;
}

static void
random_call(struct pair *p, bool session_told)
{
	size_t of, op, n = 0, kept = 0, gone = 0, m[2], list;
	bool whole = true;

	buf_clear(&p->full);
	buf_clear(&p->part);
	buf_clear(&p->absent);
	m[0] = tape_obj(&p->full);
	m[1] = tape_obj(&p->part);
	tape_key(&p->full, STR("arguments"));
	tape_key(&p->part, STR("arguments"));
	of = tape_obj(&p->full);
	op = tape_obj(&p->part);
	list = tape_arr(&p->absent);
	for (size_t i = 0; i < countof(names); i++) {
		const char *json = values[dice(countof(values))];

		/* a path is always one that can be read, as records say */
		if (i == 3)
			json = values[5 + dice(2)];
		if (dice(3) == 0) {
			if (dice(2) != 0) {
				tape_str(&p->absent, str_of(names[i]));
				gone++;
			}
			continue;
		}
		put_arg(&p->full, &n, names[i], json);
		if (dice(2) != 0)
			put_arg(&p->part, &kept, names[i], json);
		else
			whole = false;
	}
	tape_end(&p->full, of, n);
	tape_end(&p->part, op, kept);
	tape_end(&p->full, m[0], 1);
	tape_end(&p->part, m[1], 1);
	tape_end(&p->absent, list, gone);
	p->call = (struct call){ .principal = STR("alice"),
		.server = STR("fs"),
		.method = STR("tools/call"),
		.name = STR("read"),
		.params = jv_of(buf_view(&p->full)),
		.facts = tape("{\"path\":\"path\"}", &p->facts) };
	if (dice(8) == 0) { /* of a task, which needs two answers */
		p->call.method = STR("tasks/result");
		p->call.also = policy_also(p->call.method);
	}
	p->call.session = tape(dice(3) == 0   ? NULL
			       : dice(2) == 0 ? "{\"s\":1}"
					      : "{\"t\":1}",
	    &p->session);
	p->k = (struct partly){ .call = p->call,
		.absent = jv_of(buf_view(&p->absent)),
		.whole = whole && n > 0,
		.exact = true,
		.read = p->call.facts,
		.session = session_told };
	p->k.call.params = jv_of(buf_view(&p->part));
	if (!session_told)
		p->k.call.session = (struct jv){ NULL, 0 };
}

/* Of approvals those that are certain. */
static bool
same(const struct verdict *got, const struct verdict *want)
{
	size_t found = 0;

	for (size_t i = 0; i < got->needs.n; i++)
		for (size_t k = 0; k < want->needs.n; k++)
			found += str_eq(got->needs.at[i], want->needs.at[k]);
	return got->effect == want->effect && found == got->needs.n &&
	       (got->needs.n > 0) == (want->needs.n > 0);
}

static void
test_random(void)
{
	static struct pair p = { .full = { .max = 65536 },
		.part = { .max = 65536 },
		.absent = { .max = 65536 } };
	struct arena *a = arena_new(ROOM), *mem = arena_new(ROOM);
	struct buf miss = { .max = 256 };
	unsigned settled = 0, open = 0, wrong = 0, all = 0;

	for (unsigned i = 0; i < SETS; i++) {
		struct partly_set *s = NULL;
		struct note why;

		random_set(&text);
		if (partly_new(image_of(buf_view(&text), &image), &s, &why)) {
			printf(
			    "# %s\n%.*s", why.text, STR_ARG(buf_view(&text)));
			wrong++;
			continue;
		}
		for (unsigned c = 0; c < CALLS; c++) {
			struct verdict got, want;
			bool sure;

			random_call(&p, dice(3) != 0);
			buf_clear(&miss);
			arena_reset(a);
			arena_reset(mem);
			want = policy_decide(partly_policy(s), &p.call, mem);
			sure = partly_decide(s, &p.k, a, &got, &miss);
			all++;
			settled += sure;
			open += !sure && miss.n > 0;
			if (!sure || same(&got, &want))
				continue;
			if (wrong++ < 3)
				printf("# %d instead of %d:\n%.*s", got.effect,
				    want.effect, STR_ARG(buf_view(&text)));
		}
		partly_free(s);
	}
	ok(wrong == 0, "of %u calls %u are settled, and rightly", all, settled);
	ok(settled + open == all, "the others name what is missing");
	ok(settled > all / 3 && open > all / 20, "there are both: %u, %u",
	    settled, open);
	buf_done(&p.full);
	buf_done(&p.part);
	buf_done(&p.absent);
	buf_done(&p.session);
	buf_done(&p.facts);
	buf_done(&miss);
	arena_free(a);
	arena_free(mem);
}

int
main(int argc, char **argv)
{
	seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
	test_rows();
	test_random();
	buf_done(&text);
	buf_done(&image);
	return tap_done();
}
