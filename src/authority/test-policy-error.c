/*
 * test-policy-error: a policy that cannot be evaluated never lets a call
 * through.  Random sets of permits and forbids whose conditions hold, do not
 * hold, or fail in many ways; a model of a few lines says what must come out.
 */
#include "authority/authority.h"
#include "base/tap.h"

enum { NO, YES, FAILS };
/* Conditions about {"n":7,"s":"x"}, and what becomes of each. */
static const struct {
	const char *text;
	int is;
} atoms[] = {
	{ "true", YES },
	{ "context.input.n == 7", YES },
	{ "context.input.s like \"*\"", YES },
	{ "false", NO },
	{ "context.input.n > 7", NO },
	{ "context.input has gone", NO },
	{ "context.input.gone == 1", FAILS },
	{ "context.input.s < 3", FAILS },
	{ "context.input.n + 9223372036854775807 > 0", FAILS },
	{ "decimal(context.input.s).lessThan(decimal(\"1.0\"))", FAILS },
	{ "ip(context.input.s).isLoopback()", FAILS },
	{ "context.input.n.deep == 1", FAILS },
	{ "!context.input.n", FAILS },
};
enum { SETS = 2000, POLICIES = 6 };

static uint64_t seed;

static unsigned
dice(unsigned n)
{
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407U;
	return (unsigned)(seed >> 33) % n;
}

/* Left first; the right side only where it counts (Cedar, operators). */
static int
both(int l, int r, bool all)
{
	if (l == FAILS || l == (all ? NO : YES))
		return l;
	return r;
}

static int
condition(struct buf *b)
{
	const unsigned l = dice(countof(atoms)), r = dice(countof(atoms));
	const bool all = dice(2) != 0;

	if (dice(3) == 0) {
		buf_fmt(b, "%s", atoms[l].text);
		return atoms[l].is;
	}
	buf_fmt(
	    b, "(%s) %s (%s)", atoms[l].text, all ? "&&" : "||", atoms[r].text);
	return both(atoms[l].is, atoms[r].is, all);
}

/* Adds a set; what must become of the call. */
static bool
random_set(struct buf *b, bool *failing)
{
	const unsigned n = 1 + dice(POLICIES);
	bool permit = false, stop = false;

	*failing = false;
	for (unsigned i = 0; i < n; i++) {
		const bool forbid = dice(3) == 0;
		int is;

		buf_fmt(b, "@id(\"p%u\") %s (principal, action, resource)%s", i,
		    forbid ? "forbid" : "permit", " when { ");
		is = condition(b);
		buf_fmt(b, " };\n");
		permit |= !forbid && is == YES;
		stop |= forbid && is != NO;
		*failing |= forbid && is == FAILS;
	}
	return permit && !stop;
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
static struct buf params = { .max = 4096 };
static unsigned let, refused;

/* One random set; false: not what the model says. */
static bool
one_set(struct arena *a)
{
	const struct call c = { .principal = STR("ann"),
		.server = STR("fs"),
		.method = STR("tools/call"),
		.name = STR("pay"),
		.params = jv_of(buf_view(&params)) };
	struct policy *p = NULL;
	struct verdict v;
	struct note why;
	bool failing, want;

	buf_clear(&text);
	want = random_set(&text, &failing);
	if (policy_new(image_of(buf_view(&text), &image), &p, &why) != OK) {
		printf("# %s\n", why.text);
		return false;
	}
	arena_reset(a);
	v = policy_decide(p, &c, a);
	let += v.effect == ALLOW;
	refused += failing && v.effect == DENY;
	want = want == (v.effect == ALLOW) && v.effect != HOLD &&
	       (!failing || str_eq(v.rule, STR("policy-error"))) &&
	       (v.effect != ALLOW || policy_shows(p, &c));
	if (!want)
		printf("# got %d by %.*s of:\n%.*s\n", v.effect,
		    STR_ARG(v.rule), STR_ARG(buf_view(&text)));
	policy_free(p);
	return want;
}

int
main(void)
{
	const char *given = getenv("SEED");
	struct arena *a = arena_new(1 << 20);
	unsigned wrong = 0;

	seed = (uint64_t)(given ? atoll(given) : getpid());
	printf("# SEED=%llu\n", (unsigned long long)seed);
	BUG_ON(json_parse(STR("{\"arguments\":{\"n\":7,\"s\":\"x\"}}"),
		   &json_default, &params, NULL) != OK);
	for (unsigned i = 0; i < SETS && wrong < 5; i++)
		wrong += !one_set(a);
	ok(wrong == 0, "%d random sets decide as the model says", SETS);
	ok(let > SETS / 20, "calls were allowed too (%u)", let);
	ok(refused > SETS / 20, "failing forbids denied (%u)", refused);
	arena_free(a);
	buf_done(&text);
	buf_done(&image);
	buf_done(&params);
	return tap_done();
}
