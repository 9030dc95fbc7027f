/* test-bounds: what tools ask of arguments, as it crosses. */
#include "mcp/mcp.h"

#include "base/tap.h"
#include "schema/schema.h"

static struct buf tape = { .max = 8 << 20 }, out = { .max = 16 << 20 };

static struct cur
put(const char *tools, bool open)
{
	struct note why = { "" };

	buf_clear(&tape);
	buf_clear(&out);
	if (json_parse(str_of(tools), &json_default, &tape, &why) != OK)
		ok(0, "%s: %s", tools, why.text);
	bounds_put(jv_of(buf_view(&tape)), open, &out);
	return cur_of(out.p, out.n);
}

static bool
lets(struct str image, const char *value)
{
	struct buf v = { .max = 1 << 16 };
	uint64_t steps = SCHEMA_STEPS;
	struct schema s;
	bool is;

	if (json_parse(str_of(value), &json_default, &v, NULL) != OK)
		ok(0, "%s", value);
	is = schema_open(image, &s) == OK &&
	     schema_check(&s, jv_of(buf_view(&v)), &steps, NULL) == OK;
	buf_done(&v);
	return is;
}

static void
test_order(void)
{
	struct cur c =
	    put("[{\"inputSchema\":{\"properties\":{\"a\":{\"maximum\":"
		"1}}}},{\"name\":\"none\"},{\"inputSchema\":{"
		"\"properties\":{\"a\":{\"pattern\":\"(a)\\\\1\"}}}},"
		"{\"inputSchema\":{\"minProperties\":1}}]",
		false);
	struct bounds b;

	ok(bounds_next(&c, &b) && b.why.n == 0 && lets(b.image, "{\"a\":1}") &&
		!lets(b.image, "{\"a\":2}") && !lets(b.image, "{\"b\":1}"),
	    "the first tool's");
	ok(bounds_next(&c, &b) && b.image.n == 0 && b.why.n > 0,
	    "one without: %.*s", STR_ARG(b.why));
	ok(bounds_next(&c, &b) && b.image.n == 0 &&
		str_search(b.why, STR("/properties/a")) < b.why.n,
	    "one that cannot be: %.*s", STR_ARG(b.why));
	ok(bounds_next(&c, &b) && lets(b.image, "{\"a\":1}") &&
		!lets(b.image, "{}"),
	    "and the next again");
	ok(!bounds_next(&c, &b) && b.image.n == 0 && b.why.n == 0, "then none");
	c = put("[{\"inputSchema\":{\"properties\":{\"a\":{}}}}]", true);
	ok(bounds_next(&c, &b) && lets(b.image, "{\"b\":1}"),
	    "open: what is not declared passes");
	c = put("{}", true);
	ok(!bounds_next(&c, &b), "no list, no entries");
}

static void
test_cut(void)
{
	const struct cur whole =
	    put("[{\"inputSchema\":{\"minProperties\":1}}]", false);
	struct bounds b;

	for (size_t n = 0; n < (size_t)(whole.end - whole.p); n++) {
		struct cur c = cur_of(whole.p, n);

		if (bounds_next(&c, &b) || b.image.n > 0)
			ok(0, "cut at %zu", n);
	}
	out.p[0] = 7;
	ok(!bounds_next(&(struct cur){ whole.p, whole.end, false }, &b),
	    "of no kind; and cut anywhere it is none");
	out.p[0] = 0;
	ok(bounds_next(&(struct cur){ whole.p, whole.end, false }, &b),
	    "whole it is one");
}

/* A list takes what its size pays for: 1,000 patterns that swell. */
static void
test_much(void)
{
	struct buf text = { .max = 1 << 20 };
	size_t images = 0, reasons = 0;
	struct bounds b;
	struct cur c;

	buf_ch(&text, '[');
	for (int i = 0; i < 1000; i++)
		buf_fmt(&text,
		    "%s{\"inputSchema\":{\"properties\":{\"a\":{\"pattern\":"
		    "\"(\\\\p{L}{30}){%d}\"}}}}",
		    i > 0 ? "," : "", 1 + i % 40);
	buf_str(&text, STR("]"));
	buf_ch(&text, '\0');
	c = put(text.p, false);
	while (bounds_next(&c, &b))
		*(b.image.n > 0 ? &images : &reasons) += 1;
	ok(images + reasons == 1000 && images > 0 && reasons > 0 &&
		out.n < (7 << 20),
	    "%zu images and %zu reasons in %zu bytes", images, reasons, out.n);
	buf_done(&text);
}

int
main(void)
{
	test_order();
	test_cut();
	test_much();
	buf_done(&tape);
	buf_done(&out);
	return tap_done();
}
