/* test-authority: verdicts as cases, refusals of bad rules, and properties
 * over many random policies. */
#include "authority/authority.h"
#include "base/tap.h"

static const struct str keys[] = { STR_INIT("effect"), STR_INIT("principal"),
	STR_INIT("server"), STR_INIT("method"), STR_INIT("name"),
	STR_INIT("id"), STR_INIT("reason") };
enum { COLS = countof(keys) };

static void
image_of(struct buf *b, const char *const (*rule)[COLS], size_t n)
{
	const size_t top = tape_obj(b);
	size_t arr;

	tape_key(b, STR("rules"));
	arr = tape_arr(b);
	for (size_t i = 0; i < n; i++) {
		const size_t obj = tape_obj(b);

		for (size_t k = 0; k < COLS; k++) {
			tape_key(b, keys[k]);
			tape_str(b, str_of(rule[i][k]));
		}
		tape_end(b, obj, COLS);
	}
	tape_end(b, arr, n);
	tape_end(b, top, 1);
}

static struct call
call_of(
    const char *who, const char *server, const char *method, const char *name)
{
	return (struct call){ .principal = str_of(who),
		.server = str_of(server),
		.method = str_of(method),
		.name = str_of(name) };
}

static const char *const house[][COLS] = {
	{ "allow", "alice", "fs", "tools/call", "read_*", "read", "Reading." },
	{ "allow", "*", "fs", "tools/list", "*", "list", "Listing." },
	{ "deny", "*", "fs", "*", "*secret*", "no-secret", "Never." },
	{ "allow", "bob", "*", "*", "*", "bob", "Bob may." },
	{ "deny", "bob", "web", "*", "*", "no-web", "Not the web." },
};
static const struct {
	const char *who, *server, *method, *name;
	enum effect effect;
	const char *rule, *what;
} cases[] = {
	{ "alice", "fs", "tools/call", "read_file", ALLOW, "read", "glob" },
	{ "alice", "fs", "tools/call", "write_file", DENY, "default-deny",
	    "default deny" },
	{ "alice", "fs", "tools/call", "read_secret", DENY, "no-secret",
	    "deny wins over an earlier allow" },
	{ "alice", "web", "tools/call", "read_file", DENY, "default-deny",
	    "other server" },
	{ "alicea", "fs", "tools/call", "read_file", DENY, "default-deny",
	    "a longer principal is another" },
	{ "", "fs", "tools/list", "", DENY, "default-deny", "* is not no one" },
	{ "eve", "fs", "tools/list", "", ALLOW, "list", "* is anyone" },
	{ "bob", "mail", "tools/call", "send", ALLOW, "bob", "wide allow" },
	{ "bob", "web", "tools/call", "get", DENY, "no-web",
	    "narrow deny under a wide allow" },
	{ "Alice", "fs", "tools/call", "read_file", DENY, "default-deny",
	    "case is not folded" },
};

static void
test_cases(void)
{
	struct buf b = { .max = 65536 };
	struct policy *p = NULL;
	struct note why = { "" };

	image_of(&b, house, countof(house));
	ok(policy_new(jv_of(buf_view(&b)), &p, &why) == OK, "policy loads");
	for (size_t i = 0; i < countof(cases); i++) {
		const struct call c = call_of(cases[i].who, cases[i].server,
		    cases[i].method, cases[i].name);
		const struct verdict v = policy_decide(p, &c, NULL);

		ok(v.effect == cases[i].effect &&
			str_eq(v.rule, str_of(cases[i].rule)) && v.reason.n > 0,
		    "%s", cases[i].what);
	}
	policy_free(p);
	buf_done(&b);
}

static bool
loads(const char *json)
{
	struct buf b = { .max = 65536 };
	struct policy *p = NULL;
	struct note why = { "" };
	enum err e = json_parse(str_of(json), &json_default, &b, &why);

	if (!e)
		e = policy_new(jv_of(buf_view(&b)), &p, &why);
	if (!e && p == NULL)
		e = ERR_GONE;
	if (e && why.text[0] == '\0')
		printf("# no reason given\n");
	policy_free(p);
	buf_done(&b);
	return e == OK;
}
#define RULE(effect, rest)                                                     \
	"{\"rules\":[{\"effect\":" effect ",\"principal\":\"*\","              \
	"\"server\":\"*\",\"method\":\"*\",\"id\":\"x\",\"reason\":\"\"," rest \
	"}]}"

static void
test_refused(void)
{
	ok(loads(RULE("\"allow\"", "\"name\":\"*\"")), "a whole rule loads");
	ok(loads("{\"rules\":[]}"), "no rules load");
	ok(!loads("{}"), "no rules member");
	ok(!loads("{\"rules\":{}}"), "rules that are no array");
	ok(!loads("{\"rules\":[1]}"), "a rule that is no object");
	ok(!loads(RULE("\"allow\"", "\"nam\":\"*\"")), "misspelt member");
	ok(!loads(RULE("\"allow\"", "\"name\":\"*\",\"when\":\"x\"")),
	    "unknown member besides");
	ok(!loads(RULE("\"allow\"", "\"name\":1")), "a member that is no text");
	ok(!loads(RULE("\"Allow\"", "\"name\":\"*\"")), "unknown effect");
	ok(!loads(RULE("\"hold\"", "\"name\":\"*\"")), "hold is no rule yet");
	ok(!loads(RULE("null", "\"name\":\"*\"")), "null effect");
}

static void
test_empty(void)
{
	const struct call c = call_of("alice", "fs", "tools/call", "x");
	const struct verdict unset = { 0 };
	struct buf b = { .max = 4096 };
	struct policy *p = NULL;
	struct note why;

	ok(unset.effect == DENY, "a verdict nobody set denies");
	image_of(&b, NULL, 0);
	ok(policy_new(jv_of(buf_view(&b)), &p, &why) == OK &&
		policy_decide(p, &c, NULL).effect == DENY,
	    "an empty policy denies");
	policy_free(p);
	buf_done(&b);
}

/* xorshift: the same policies on every run */
static uint32_t state = 2463534242;
static uint32_t
rnd(uint32_t n)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state % n;
}
static const char *const words[] = { "*", "a", "b", "ab", "a*", "*b", "*a*",
	"a*b", "" };
static const char *const plain[] = { "a", "b", "ab", "aab", "ba", "x" };

static void
random_rule(const char *r[static COLS], size_t i)
{
	static const char *const ids[] = { "r0", "r1", "r2", "r3", "r4", "r5",
		"r6", "r7" };

	r[0] = rnd(2) ? "allow" : "deny";
	for (size_t k = 1; k < 5; k++)
		r[k] = words[rnd(countof(words))];
	r[5] = ids[i];
	r[6] = "";
}

static enum effect
effect_with(const char *const (*rule)[COLS], size_t n, const struct call *c)
{
	struct buf b = { .max = 65536 };
	struct policy *p = NULL;
	struct note why;
	enum effect v = HOLD;

	image_of(&b, rule, n);
	if (policy_new(jv_of(buf_view(&b)), &p, &why) == OK)
		v = policy_decide(p, c, NULL).effect;
	policy_free(p);
	buf_done(&b);
	return v;
}

/* What rules mean, in six lines: the oracle. */
static enum effect
meant(const char *const (*rule)[COLS], size_t n, const struct call *c)
{
	const struct str said[] = { c->principal, c->server, c->method,
		c->name };
	enum effect got = DENY;

	for (size_t i = 0; i < n; i++) {
		bool fits = true;

		for (size_t k = 0; k < 4; k++)
			fits &= str_glob(str_of(rule[i][k + 1]), said[k]);
		if (fits && strcmp(rule[i][0], "deny") == 0)
			return DENY;
		if (fits)
			got = ALLOW;
	}
	return got;
}

static void
test_properties(void)
{
	unsigned differs = 0;

	unsigned loosened = 0, reordered = 0, lost = 0, allowed = 0;

	for (unsigned run = 0; run < 4000; run++) {
		const size_t n = rnd(6);
		const char *rule[8][COLS], *turned[8][COLS];
		const struct call c = call_of(
		    plain[rnd(6)], plain[rnd(6)], plain[rnd(6)], plain[rnd(6)]);
		enum effect before, after;

		for (size_t i = 0; i <= n; i++)
			random_rule(rule[i], i);
		for (size_t i = 0; i < n; i++)
			memcpy(turned[i], rule[n - 1 - i], sizeof(rule[i]));
		before = effect_with((const char *const(*)[COLS])rule, n, &c);
		differs +=
		    before != meant((const char *const(*)[COLS])rule, n, &c);
		reordered +=
		    before !=
		    effect_with((const char *const(*)[COLS])turned, n, &c);
		rule[n][0] = "deny";
		after =
		    effect_with((const char *const(*)[COLS])rule, n + 1, &c);
		loosened += before == DENY && after != DENY;
		rule[n][0] = "allow";
		after =
		    effect_with((const char *const(*)[COLS])rule, n + 1, &c);
		lost += before == ALLOW && after != ALLOW;
		allowed += before == ALLOW;
	}
	ok(differs == 0, "Cedar says what the rules mean");
	ok(loosened == 0, "one more deny never allows more");
	ok(lost == 0, "one more allow never takes an allow away");
	ok(reordered == 0, "order does not change the effect");
	ok(allowed > 50, "some of the random calls were allowed (%u)", allowed);
}

int
main(void)
{
	test_empty();
	test_cases();
	test_refused();
	test_properties();
	return tap_done();
}
