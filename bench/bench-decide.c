/*
 * bench-decide: what the judge's whole decision costs: policy_decide() of room
 * authority with 100 policies that have conditions on arguments and on facts
 * derived from them, over 10,000 calls of which no two are alike; no answer is
 * kept.
 *
 * Method.  A call is what step `decide` has: its params as a tape, the declared
 * kinds of its arguments, its groups of risk, its tool's types.  Timed is all
 * from there to the verdict with its reasons: input by the tool's schema, the
 * facts of a path, a URL and a size by their extractors, context, entities, the
 * decision.  Figures are the median of 21 rounds of 2,000 decisions; p50 and
 * p99 are of 50,000 single ones, each with two readings of the clock.
 *
 *   bench-decide [--json]
 */
#include <stdarg.h>

#include "authority/authority.h"
#include "authority/tools.h"
#include "json/json.h"

#include "bench-in.h"

enum { TOOLS = 25, AGENTS = 200, CALLS = 10000, SLICE = 2000, ROOM = 1 << 28 };

static struct bench {
	struct arena *keep, *a;
	struct policy *p;
	struct jv facts;
	struct typed *typed[TOOLS];
	struct call call[CALLS];
	size_t next, allowed, failed;
} bench;

static void
fail(const char *what, const char *why)
{
	(void)fprintf(stderr, "bench-decide: %s: %s\n", what, why);
	exit(1);
}

static struct str PRINTF(1, 2) text(const char *fmt, ...)
{
	char room[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(room, sizeof(room), fmt, ap);
	va_end(ap);
	return arena_str(bench.keep, str_of(room));
}

/* JSON text to a tape that stays. */
static struct jv
tape(struct str json)
{
	struct buf b = { .max = ROOM };
	struct note why = { "" };
	struct jv v;

	if (json_parse(json, &json_default, &b, &why) != OK)
		fail("JSON", why.text);
	v = jv_of(arena_str(bench.keep, buf_view(&b)));
	buf_done(&b);
	return v;
}

/* ---- policies ---- */

static void
put_tool(struct buf *out, unsigned t)
{
	buf_fmt(out,
	    "@id(\"a%u\") permit(principal, action == Gatehouse::Action::"
	    "\"srv___tool_%u\", resource in Gatehouse::Server::\"srv\")\n"
	    "when { context.derived.path.under.contains(\"/srv/team-%u\") && "
	    "context.input.limit <= %u };\n",
	    t, t, t % 7, 50 + t);
	buf_fmt(out,
	    "@id(\"b%u\") forbid(principal, action == Gatehouse::Action::"
	    "\"srv___tool_%u\", resource)\nwhen { context.input.amount > %u && "
	    "principal.name like \"agent-1*\" };\n",
	    t, t, 9000 + t);
	buf_fmt(out,
	    "@id(\"c%u\") permit(principal, action == Gatehouse::Action::"
	    "\"srv___tool_%u\", resource)\nwhen { context.derived.bytes.bytes "
	    "< %u && context.input.tags.containsAny([\"t%u\", \"t%u\"]) };\n",
	    t, t, 500 + t, t % 5, 3 + t % 4);
	buf_fmt(out,
	    "@id(\"d%u\") forbid(principal, action in Gatehouse::Action::"
	    "\"%s\", resource)\nunless { context.derived.url.host == "
	    "\"h%u.example\" || context.derived.url.port == 443 || "
	    "!(context.input has recursive && context.input.recursive) };\n",
	    t, t % 3 ? "egress" : "write", t % 10);
}

static void
load(void)
{
	struct buf policies = { .max = ROOM };
	struct buf json = { .max = ROOM };
	struct note why = { "" };

	for (unsigned t = 0; t < TOOLS; t++)
		put_tool(&policies, t);
	buf_str(&json, STR("{\"rules\":[],\"policies\":[{\"name\":\"bench."
			   "cedar\",\"text\":"));
	json_quote(buf_view(&policies), &json);
	buf_str(&json, STR("}]}"));
	if (policy_new(tape(buf_view(&json)), &bench.p, &why) != OK)
		fail("policies", why.text);
	buf_done(&policies);
	buf_done(&json);
}

/* ---- calls ---- */

static void
types(void)
{
	struct note why = { "" };

	for (unsigned t = 0; t < TOOLS; t++)
		if (typed_compile(
			tape(text("{\"name\":\"tool_%u\",\"inputSchema\":{"
				  "\"type\":\"object\",\"properties\":{"
				  "\"path\":{\"type\":\"string\"},"
				  "\"url\":{\"type\":\"string\"},"
				  "\"bytes\":{\"type\":\"integer\"},"
				  "\"limit\":{\"type\":\"integer\"},"
				  "\"amount\":{\"type\":\"integer\"},"
				  "\"recursive\":{\"type\":\"boolean\"},"
				  "\"tags\":{\"type\":\"array\",\"items\":{"
				  "\"type\":\"string\"}}},\"required\":["
				  "\"path\",\"url\",\"bytes\",\"limit\","
				  "\"amount\",\"tags\"]}}",
			    t)),
			STR("srv"), false, &bench.typed[t], &why) != OK)
			fail("types", why.text);
}

static void
call_make(struct call *c, unsigned i)
{
	const unsigned t = i % TOOLS;

	*c = (struct call){ .principal = text("agent-%u", i * 7 % AGENTS),
		.server = STR("srv"),
		.method = STR("tools/call"),
		.name = text("tool_%u", t),
		.facts = bench.facts,
		.typed = bench.typed[t] };
	c->risk[c->risk_n++] = t % 2 ? STR("read") : STR("write");
	if (t % 3 == 0)
		c->risk[c->risk_n++] = STR("egress");
	c->params = tape(text(
	    "{\"name\":\"tool_%u\",\"arguments\":{\"path\":\"/srv/./team-%u/"
	    "src/file-%u.c\",\"url\":\"https://h%u.example%s/x/%u\","
	    "\"bytes\":%u,\"limit\":%u,\"amount\":%u,\"tags\":[\"t%u\","
	    "\"t%u\",\"t%u\"]%s}}",
	    t, i % 9 ? t % 7 : 9, i, i % 13, i % 4 ? ":8443" : "", i, i % 1100,
	    i % 120, i % 9200, i % 11, (i + 1) % 11, (i + 4) % 11,
	    i % 4   ? ""
	    : i % 8 ? ",\"recursive\":false"
		    : ",\"recursive\":true"));
}

static void
one(struct bench *b)
{
	struct verdict v;

	arena_reset(b->a);
	v = policy_decide(b->p, &b->call[b->next], b->a);
	b->allowed += v.effect == ALLOW;
	b->failed += str_eq(v.rule, STR("policy-error")) ||
		     str_eq(v.rule, STR("arguments"));
	b->next = (b->next + 1) % CALLS;
}

static void
slice(void *arg)
{
	for (int i = 0; i < SLICE; i++)
		one(arg);
}

static void
report(struct bench *b, bool json)
{
	double *ns = mem_get(5 * CALLS * sizeof(*ns)), best, mean, p50, p99;

	mean = bench_ns(slice, b, 1, &best) / SLICE;
	for (int i = 0; i < 5 * CALLS; i++) {
		const uint64_t t = bench_now();

		one(b);
		ns[i] = (double)(bench_now() - t);
	}
	qsort(ns, 5 * CALLS, sizeof(*ns), bench_by_size);
	p50 = ns[5 * CALLS / 2] / 1000;
	p99 = ns[5 * CALLS / 100 * 99] / 1000;
	mem_free(ns);
	printf(json ? "{\"decide_ns\":%.0f,\"p50_us\":%.2f,\"p99_us\":%.2f}\n"
		    : "whole decision: %.0f ns, p50 %.2f us, p99 %.2f us\n",
	    mean, p50, p99);
}

int
main(int argc, char **argv)
{
	struct bench *b = &bench;

	b->keep = arena_new(ROOM);
	b->a = arena_new(1 << 20);
	b->facts =
	    tape(STR("{\"path\":\"path\",\"url\":\"url\",\"bytes\":\"size\"}"));
	load();
	types();
	for (unsigned i = 0; i < CALLS; i++)
		call_make(&b->call[i], i);
	for (int i = 0; i < CALLS; i++)
		one(b);
	/* Both answers, or it would not be the decision that is timed. */
	if (b->allowed < CALLS / 10 || b->allowed > CALLS * 9 / 10 ||
	    b->failed > 0) {
		char why[80];

		(void)snprintf(why, sizeof(why), "%zu allowed, %zu failed",
		    b->allowed, b->failed);
		fail("the calls", why);
	}
	report(b, argc > 1 && strcmp(argv[1], "--json") == 0);
	for (unsigned t = 0; t < TOOLS; t++)
		typed_free(b->typed[t]);
	policy_free(b->p);
	arena_free(b->a);
	arena_free(b->keep);
	return 0;
}
