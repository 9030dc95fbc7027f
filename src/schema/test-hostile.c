/*
 * test-hostile: 10,000 random schemas made to cost: towers, circles, repeats of
 * repeats, long lists, deep nesting; each compiled and asked about values made
 * to cost.  Whatever comes out, it comes out within the budgets, and the
 * slowest is printed.  Always the same ones.
 */
#include "schema/schema.h"

#include "base/tap.h"

enum { ROOM = 16 * 1024 * 1024, SCHEMAS = 10000, STEPS = 100000 };

static uint64_t
roll(uint64_t *state, uint64_t n)
{
	*state = *state * UINT64_C(6364136223846793005) + 1442695040888963407U;
	return (*state >> 33) % n;
}

static const char *const patterns[] = { "(a+)+$", "((a{1,60}){1,60}){1,60}",
	"(?=.*a)(?=.*b)(?!.*c)^(a|aa)*$", "\\\\p{L}{1,40}$", "(.*){1,32}x",
	"[^\\\\p{Lu}]*(?<=(a*)*)b", "(((a?){30}){30}){3}a{90}" };

static void value(struct buf *b, uint64_t *r, unsigned depth);

static void
values(struct buf *b, uint64_t *r, unsigned depth, bool object)
{
	const uint64_t n = roll(r, depth == 4 ? 60 : 5);

	buf_ch(b, object ? '{' : '[');
	for (uint64_t i = 0; i < n; i++) {
		buf_str(b, i ? STR(",") : STR(""));
		if (object)
			buf_fmt(b, "\"m%zu\":", (size_t)i);
		value(b, r, depth - 1);
	}
	buf_ch(b, object ? '}' : ']');
}

static void
value(struct buf *b, uint64_t *r, unsigned depth)
{
	const uint64_t kind = roll(r, 8);

	if (kind < 5 && depth > 0) {
		values(b, r, depth, kind < 2);
	} else if (kind == 5) {
		buf_ch(b, '"');
		for (uint64_t n = roll(r, 300); n > 0; n--)
			buf_ch(b, 'a');
		buf_ch(b, '"');
	} else {
		buf_fmt(b, "%d.%d", (int)roll(r, 100), (int)roll(r, 10));
	}
}

static void schema(struct buf *b, uint64_t *r, unsigned depth);

static void
list(struct buf *b, uint64_t *r, unsigned depth, const char *keyword)
{
	buf_fmt(b, "\"%s\":[", keyword);
	for (uint64_t n = roll(r, 4) + 1, i = 0; i < n; i++) {
		buf_str(b, i ? STR(",") : STR(""));
		schema(b, r, depth - 1);
	}
	buf_ch(b, ']');
}

static void
keyword(struct buf *b, uint64_t *r, unsigned depth, size_t k)
{
	static const char *const lists[] = { "allOf", "anyOf", "oneOf",
		"prefixItems" };
	static const char *const ones[] = { "not", "items", "contains",
		"additionalProperties", "unevaluatedProperties",
		"unevaluatedItems", "propertyNames", "if", "then", "else" };

	if (k < countof(lists)) {
		list(b, r, depth, lists[k]);
	} else if (k < countof(lists) + countof(ones)) {
		buf_fmt(b, "\"%s\":", ones[k - countof(lists)]);
		schema(b, r, depth - 1);
	} else if (k == 14) {
		buf_fmt(b, "\"$ref\":\"#/$defs/d%d\"", (int)roll(r, 6));
	} else if (k == 15) {
		buf_fmt(b, "\"pattern\":\"%s\"",
		    patterns[roll(r, countof(patterns))]);
	} else if (k == 16) {
		buf_fmt(b, "\"patternProperties\":{\"%s\":",
		    patterns[roll(r, countof(patterns))]);
		schema(b, r, depth - 1);
		buf_ch(b, '}');
	} else if (k == 17) {
		buf_str(b, STR("\"uniqueItems\":true"));
	} else if (k == 18) {
		buf_str(b, STR("\"$dynamicRef\":\"#dyn\""));
	} else {
		buf_str(b, STR("\"enum\":["));
		value(b, r, 3);
		buf_ch(b, ']');
	}
}

static void
schema(struct buf *b, uint64_t *r, unsigned depth)
{
	const size_t first = (size_t)roll(r, 20);

	if (depth == 0) {
		buf_str(b, STR("{\"type\":[\"array\",\"object\",\"string\"]}"));
		return;
	}
	buf_ch(b, '{');
	for (size_t i = 0, n = roll(r, 3) + 1; i < n; i++) {
		buf_str(b, i ? STR(",") : STR(""));
		keyword(b, r, depth, (first + 7 * i) % 20);
	}
	buf_ch(b, '}');
}

static void
whole(struct buf *b, uint64_t *r)
{
	buf_str(b, STR("{\"$dynamicAnchor\":\"dyn\",\"$defs\":{"));
	for (int i = 0; i < 6; i++) {
		buf_fmt(b, "%s\"d%d\":", i ? "," : "", i);
		schema(b, r, 3);
	}
	buf_str(b, STR("},\"allOf\":["));
	schema(b, r, 4);
	buf_str(b, STR("]}"));
}

struct slowest {
	uint64_t compile, check; /* ns */
	size_t refused, unknown, checked;
};

static uint64_t
now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

static bool
one(struct slowest *slow, uint64_t *r, struct buf *text, struct buf *tape)
{
	struct buf image = { .max = ROOM };
	uint64_t steps = STEPS, took = now();
	bool good = true;
	struct schema s;
	struct note why;
	enum err e;

	e = schema_compile(jv_of(buf_view(tape)), NULL, &image, &why);
	took = now() - took;
	slow->compile = took > slow->compile ? took : slow->compile;
	slow->refused += e != OK;
	if (e == OK) {
		BUG_ON(schema_open(buf_view(&image), &s) != OK);
		buf_clear(text);
		buf_clear(tape);
		value(text, r, 4);
		BUG_ON(json_parse(buf_view(text), &json_default, tape, NULL));
		took = now();
		e = schema_check(&s, jv_of(buf_view(tape)), &steps, NULL);
		took = now() - took;
		slow->check = took > slow->check ? took : slow->check;
		slow->unknown += e == ERR_LIMIT;
		slow->checked++;
		good = (e == ERR_LIMIT) == (steps == 0);
	}
	buf_done(&image);
	return good;
}

int
main(void)
{
	struct buf text = { .max = ROOM }, tape = { .max = ROOM };
	struct slowest slow = { 0 };
	size_t good = 0;

	for (uint64_t i = 0; i < SCHEMAS; i++) {
		uint64_t r = i * 2654435761U + 1;

		buf_clear(&text);
		buf_clear(&tape);
		whole(&text, &r);
		BUG_ON(json_parse(buf_view(&text), &json_default, &tape, NULL));
		good += one(&slow, &r, &text, &tape);
	}
	printf("# %zu refused, %zu checked, of these %zu unknown within %d "
	       "steps; slowest compile %.1f ms, slowest check %.1f ms\n",
	    slow.refused, slow.checked, slow.unknown, STEPS,
	    (double)slow.compile / 1e6, (double)slow.check / 1e6);
	ok(good == SCHEMAS, "%zu of %d hostile schemas within their budgets",
	    good, SCHEMAS);
	ok(slow.refused > 100 && slow.checked > 1000 && slow.unknown > 10,
	    "some are refused, some judged, some given up");
	/* A step is some ten nanoseconds; a machine may be very busy. */
	ok(slow.compile < 2000000000U, "no compile takes seconds");
	ok(slow.check < 500000000U, "no check takes half a second");
	buf_done(&text);
	buf_done(&tape);
	return tap_done();
}
