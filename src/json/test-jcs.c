/* test-jcs: what a number is worth, and the canonical form. */
#include "json/json-in.h"

#include "base/tap.h"

enum { ROOM = 64 * 1024 * 1024 };

static enum err
parse(struct str text, struct buf *tape)
{
	return json_parse(text, &json_default, tape, NULL);
}

static const struct {
	struct str text;
	enum err want;
	int64_t v;
} ints[] = {
	{ STR_INIT("0"), OK, 0 },
	{ STR_INIT("-0"), OK, 0 },
	{ STR_INIT("0e999999999999"), OK, 0 },
	{ STR_INIT("1.0"), OK, 1 },
	{ STR_INIT("1.5"), ERR_LIMIT, 0 },
	{ STR_INIT("1e2"), OK, 100 },
	{ STR_INIT("1e-2"), ERR_LIMIT, 0 },
	{ STR_INIT("100e-2"), OK, 1 },
	{ STR_INIT("0.00012e5"), OK, 12 },
	{ STR_INIT("-12.50e1"), OK, -125 },
	{ STR_INIT("9007199254740993"), OK, 9007199254740993 },
	{ STR_INIT("9223372036854775807"), OK, INT64_MAX },
	{ STR_INIT("9223372036854775808"), ERR_LIMIT, 0 },
	{ STR_INIT("-9223372036854775808"), OK, INT64_MIN },
	{ STR_INIT("-9223372036854775809"), ERR_LIMIT, 0 },
	{ STR_INIT("9223372036854775807.0000000000000"), OK, INT64_MAX },
	{ STR_INIT("9223372036854775806.9999999999999"), ERR_LIMIT, 0 },
	{ STR_INIT("999999999999999999"), OK, 999999999999999999 },
	{ STR_INIT("-99999999999999999"), OK, -99999999999999999 },
	{ STR_INIT("-999999999999999999"), OK, -999999999999999999 },
	{ STR_INIT("-7"), OK, -7 },
	{ STR_INIT("1000000000000000000"), OK, 1000000000000000000 },
	{ STR_INIT("10000000000000000000"), ERR_LIMIT, 0 },
	{ STR_INIT("18446744073709551617"), ERR_LIMIT, 0 },
	{ STR_INIT("1e999999999999999999999"), ERR_LIMIT, 0 },
	{ STR_INIT("1e-999999999999999999999"), ERR_LIMIT, 0 },
	{ STR_INIT("\"1\""), ERR_SYNTAX, 0 },
	{ STR_INIT("true"), ERR_SYNTAX, 0 },
};

static void
test_ints(void)
{
	struct buf tape = { .max = ROOM };

	for (size_t i = 0; i < countof(ints); i++) {
		int64_t v = 77;
		enum err e;

		buf_clear(&tape);
		ok(parse(ints[i].text, &tape) == OK, "int %zu is JSON", i);
		e = jv_i64(jv_of(buf_view(&tape)), &v);
		ok(e == ints[i].want && v == (e ? 77 : ints[i].v), "int %.*s",
		    STR_ARG(ints[i].text));
	}
	buf_done(&tape);
}

/* text; its canonical form, or empty where it must be refused */
static const struct {
	struct str text, want;
} canon[] = {
	{ STR_INIT("0"), STR_INIT("0") },
	{ STR_INIT("-0"), STR_INIT("0") },
	{ STR_INIT("-0.0e5"), STR_INIT("0") },
	{ STR_INIT("-1"), STR_INIT("-1") },
	{ STR_INIT("10.0"), STR_INIT("10") },
	{ STR_INIT("0.1"), STR_INIT("0.1") },
	{ STR_INIT("1e2"), STR_INIT("100") },
	{ STR_INIT("-1.50E-1"), STR_INIT("-0.15") },
	{ STR_INIT("0.000001"), STR_INIT("0.000001") },
	{ STR_INIT("0.0000001"), STR_INIT("1e-7") },
	{ STR_INIT("123456e-11"), STR_INIT("0.00000123456") },
	{ STR_INIT("100000000000000000000"),
	    STR_INIT("100000000000000000000") },
	{ STR_INIT("1000000000000000000000"), STR_INIT("1e+21") },
	{ STR_INIT("1.2e21"), STR_INIT("1.2e+21") },
	{ STR_INIT("1e23"), STR_INIT("1e+23") },
	{ STR_INIT("999999999999999"), STR_INIT("999999999999999") },
	{ STR_INIT("-9999999999999999"), STR_INIT("") },
	{ STR_INIT("9007199254740992"), STR_INIT("9007199254740992") },
	{ STR_INIT("9007199254740993"), STR_INIT("") },
	{ STR_INIT("9007199254740994"), STR_INIT("9007199254740994") },
	{ STR_INIT("72057594037927952"), STR_INIT("") },
	{ STR_INIT("72057594037927950"), STR_INIT("72057594037927950") },
	{ STR_INIT("18446744073709551615"), STR_INIT("") },
	{ STR_INIT("18446744073709551616"), STR_INIT("") },
	{ STR_INIT("295147905179352830000"),
	    STR_INIT("295147905179352830000") },
	{ STR_INIT("333333333.33333329"), STR_INIT("333333333.3333333") },
	{ STR_INIT("333333333.333333291"), STR_INIT("") },
	{ STR_INIT("3e-324"), STR_INIT("") },
	{ STR_INIT("0.1000000000000000055511151231257827"), STR_INIT("") },
	{ STR_INIT("0.10000000000000001"), STR_INIT("0.1") },
	{ STR_INIT("0.10000000000000002"), STR_INIT("0.10000000000000002") },
	{ STR_INIT("0.10000000000000003"), STR_INIT("0.10000000000000003") },
	{ STR_INIT("0.100000000000000011"), STR_INIT("") },
	{ STR_INIT("5.684341886080802e-14"),
	    STR_INIT("5.684341886080802e-14") },
	{ STR_INIT("5.6843418860808015e-14"),
	    STR_INIT("5.684341886080802e-14") },
	{ STR_INIT("9.5367431640625e-7"), STR_INIT("9.5367431640625e-7") },
	{ STR_INIT("5e-324"), STR_INIT("5e-324") },
	{ STR_INIT("2e-324"), STR_INIT("") },
	{ STR_INIT("2.2250738585072014e-308"),
	    STR_INIT("2.2250738585072014e-308") },
	{ STR_INIT("1.7976931348623157e308"),
	    STR_INIT("1.7976931348623157e+308") },
	{ STR_INIT("1.8e308"), STR_INIT("") },
	{ STR_INIT("1e400"), STR_INIT("") },
	{ STR_INIT("1e-400"), STR_INIT("") },
	{ STR_INIT("1e99999999999999999999"), STR_INIT("") },
	{ STR_INIT("{ }"), STR_INIT("{}") },
	{ STR_INIT("[ 1 , null, true,false ]"),
	    STR_INIT("[1,null,true,false]") },
	{ STR_INIT("{\"eight bytes alike b\":1,\"eight bytes alike a\":2}"),
	    STR_INIT("{\"eight bytes alike a\":2,\"eight bytes alike b\":1}") },
	{ STR_INIT("{\"b\":1,\"a\":{\"d\":[],\"c\":{}}}"),
	    STR_INIT("{\"a\":{\"c\":{},\"d\":[]},\"b\":1}") },
	{ STR_INIT("{\"aa\":1,\"a\":2,\"\":3}"),
	    STR_INIT("{\"\":3,\"a\":2,\"aa\":1}") },
	{ STR_INIT("{\"\\ufb33\":1,\"\\ud83d\\ude02\":2,\"\\u20ac\":3}"),
	    STR_INIT("{\"\xe2\x82\xac\":3,\"\xf0\x9f\x98\x82\":2,"
		     "\"\xef\xac\xb3\":1}") },
	{ STR_INIT("\"\\/\\u000f\\u0008\\u007f\\u20ac\""),
	    STR_INIT("\"/\\u000f\\b\x7f\xe2\x82\xac\"") },
};

static void
test_jcs(void)
{
	struct buf tape = { .max = ROOM }, out = { .max = ROOM };

	for (size_t i = 0; i < countof(canon); i++) {
		const bool good = canon[i].want.n > 0;
		enum err e;

		buf_clear(&tape);
		buf_clear(&out);
		ok(parse(canon[i].text, &tape) == OK, "jcs %zu is JSON", i);
		e = json_jcs(jv_of(buf_view(&tape)), &out);
		ok(e == (good ? OK : ERR_LIMIT) &&
			str_eq(buf_view(&out), canon[i].want),
		    "jcs of %.*s is %.*s", STR_ARG(canon[i].text),
		    STR_ARG(buf_view(&out)));
	}
	ok(json_jcs((struct jv){ NULL, 0 }, &out) == ERR_SYNTAX,
	    "nothing has no canonical form");
	buf_done(&tape);
	buf_done(&out);
}

static void
test_jcs_many(void)
{
	struct buf tape = { .max = ROOM }, out = { .max = ROOM };
	struct buf again = { .max = ROOM };
	struct jit it;
	struct str k, last = STR("");
	size_t n = 0;

	buf_ch(&again, '{');
	for (size_t i = 0; i < 50000; i++)
		buf_fmt(&again, "%s\"k%zu\":%zu", i ? "," : "", i, i);
	buf_ch(&again, '}');
	ok(parse(buf_view(&again), &tape) == OK, "50000 members");
	ok(json_jcs(jv_of(buf_view(&tape)), &out) == OK, "made canonical");
	buf_clear(&tape);
	ok(parse(buf_view(&out), &tape) == OK, "read again");
	for (it = jit_of(jv_of(buf_view(&tape))); jit_next(&it, &k, NULL);) {
		n += str_cmp(last, k) < 0;
		last = k;
	}
	ok(n == 50000, "in order");
	buf_done(&tape);
	buf_done(&out);
	buf_done(&again);
}

/* The double's bits, and what ECMAScript writes for it. */
static const struct {
	uint64_t bits;
	const char *want;
} doubles[] = {
	{ 0, "0" },
	{ 0x8000000000000000, "0" },
	{ 0x0000000000000001, "5e-324" },
	{ 0x8000000000000001, "-5e-324" },
	{ 0x7fefffffffffffff, "1.7976931348623157e+308" },
	{ 0x4340000000000000, "9007199254740992" },
	{ 0xc340000000000000, "-9007199254740992" },
	{ 0x4430000000000000, "295147905179352830000" },
	{ 0x44b52d02c7e14af5, "9.999999999999997e+22" },
	{ 0x44b52d02c7e14af6, "1e+23" },
	{ 0x44b52d02c7e14af7, "1.0000000000000001e+23" },
	{ 0x444b1ae4d6e2ef4e, "999999999999999700000" },
	{ 0x444b1ae4d6e2ef4f, "999999999999999900000" },
	{ 0x444b1ae4d6e2ef50, "1e+21" },
	{ 0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7" },
	{ 0x3eb0c6f7a0b5ed8d, "0.000001" },
	{ 0x41b3de4355555555, "333333333.3333333" },
	{ 0xbecbf647612f3696, "-0.0000033333333333333333" },
	{ 0x43143ff3c1cb0959, "1424953923781206.2" },
	{ 0x3d30000000000000, "5.684341886080802e-14" },
};

static void
test_doubles(void)
{
	for (size_t i = 0; i < countof(doubles); i++) {
		char t[NUM_TEXT];
		struct dec d;
		double x;
		size_t n;

		memcpy(&x, &doubles[i].bits, sizeof(x));
		dec_shortest(x, &d);
		n = dec_text(&d, t);
		ok(str_eq((struct str){ t, n }, str_of(doubles[i].want)),
		    "double %s: %.*s", doubles[i].want, (int)n, t);
	}
}

int
main(void)
{
	test_ints();
	test_jcs();
	test_jcs_many();
	test_doubles();
	return tap_done();
}
