/* test-number: decimals compared and divided exactly. */
#include "schema/schema-in.h"

#include "base/tap.h"

static const struct {
	const char *a, *b;
	int cmp;
} pairs[] = {
	{ "0", "-0", 0 },
	{ "0", "0.000", 0 },
	{ "0e5", "0", 0 },
	{ "1", "1.0", 0 },
	{ "100", "1e2", 0 },
	{ "1.5e1", "15", 0 },
	{ "0.001", "1e-3", 0 },
	{ "1", "2", -1 },
	{ "-1", "1", -1 },
	{ "-2", "-1", -1 },
	{ "10", "9", 1 },
	{ "0.1", "0.09", 1 },
	{ "1.01", "1.001", 1 },
	{ "0", "1e-400", -1 },
	{ "1e400", "9e399", 1 },
	{ "9007199254740993", "9007199254740992", 1 },
	{ "0.1", "0.1000000000000000055511151231257827", -1 },
	{ "123456789012345678901234567890", "123456789012345678901234567890.0",
	    0 },
	{ "123456789012345678901234567890", "123456789012345678901234567891",
	    -1 },
};

static const struct {
	const char *a, *of;
	bool is;
} multiples[] = {
	{ "0", "7", true },
	{ "10", "2", true },
	{ "7", "2", false },
	{ "-10", "5", true },
	{ "0.3", "0.1", true },
	{ "0.35", "0.1", false },
	{ "0.0075", "0.0001", true },
	{ "0.00751", "0.0001", false },
	{ "4.5", "1.5", true },
	{ "1e308", "0.123456789", false },
	{ "1e308", "0.5", true },
	{ "12391239123", "1e-8", true },
	{ "9007199254740993", "2", false },
	{ "9007199254740994", "2", true },
	{ "123456789012345678901234567890", "3", true },
	{ "123456789012345678901234567891", "3", false },
	{ "1e100000000", "7", false },
	{ "1e100000000", "256", true },
	{ "100", "30", false },
	{ "90", "30", true },
	{ "999999999999999999", "999999999999999999", true },
	{ "1e36", "999999999999999999", false },
};

static struct number
number_of(const char *text)
{
	struct number n = { 0 };

	ok(number_read(str_of(text), &n), "%s is read", text);
	return n;
}

int
main(void)
{
	struct number n;

	for (size_t i = 0; i < countof(pairs); i++) {
		const struct number a = number_of(pairs[i].a),
				    b = number_of(pairs[i].b);

		ok(number_cmp(&a, &b) == pairs[i].cmp &&
			number_cmp(&b, &a) == -pairs[i].cmp,
		    "%s and %s", pairs[i].a, pairs[i].b);
		ok(pairs[i].cmp != 0 || number_hash(&a) == number_hash(&b),
		    "equal, so hashed alike");
	}
	for (size_t i = 0; i < countof(multiples); i++) {
		const struct number a = number_of(multiples[i].a);
		const struct number of = number_of(multiples[i].of);

		ok(number_is_multiple(&a, &of) == multiples[i].is,
		    "%s is %sa multiple of %s", multiples[i].a,
		    multiples[i].is ? "" : "no ", multiples[i].of);
	}
	n = number_of("1.0");
	ok(number_is_integer(&n), "1.0 is an integer");
	n = number_of("1.5");
	ok(!number_is_integer(&n), "1.5 is none");
	n = number_of("1e400");
	ok(number_is_integer(&n), "1e400 is one");
	n = number_of("1e-1");
	ok(!number_is_integer(&n), "1e-1 is none");
	ok(number_read(STR("1e999999999999999"), &n), "15 digits are read");
	ok(!number_read(STR("1e1000000000000000"), &n), "16 are not");
	ok(!number_read(STR("1e-99999999999999999999"), &n), "nor 20");
	return tap_done();
}
