/* test-json: what is read, what is refused (each beside a twin that is not),
 * and that a tape survives the way out and back. */
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
} texts[] = {
	{ STR_INIT("null"), OK },
	{ STR_INIT("nul"), ERR_SYNTAX },
	{ STR_INIT("nulll"), ERR_SYNTAX },
	{ STR_INIT(" \t\r\n[ true , false ] "), OK },
	{ STR_INIT("\v[]"), ERR_SYNTAX },
	{ STR_INIT(""), ERR_SYNTAX },
	{ STR_INIT(" "), ERR_SYNTAX },
	{ STR_INIT("\xef\xbb\xbf{}"), ERR_SYNTAX },
	{ STR_INIT("{}"), OK },
	{ STR_INIT("{} x"), ERR_SYNTAX },
	{ STR_INIT("{}{}"), ERR_SYNTAX },
	{ STR_INIT("[1,2]"), OK },
	{ STR_INIT("[1,]"), ERR_SYNTAX },
	{ STR_INIT("[,1]"), ERR_SYNTAX },
	{ STR_INIT("[1 2]"), ERR_SYNTAX },
	{ STR_INIT("[1"), ERR_SYNTAX },
	{ STR_INIT("["), ERR_SYNTAX },
	{ STR_INIT("]"), ERR_SYNTAX },
	{ STR_INIT("[1}"), ERR_SYNTAX },
	{ STR_INIT("{\"a\":1}"), OK },
	{ STR_INIT("{\"a\":1,}"), ERR_SYNTAX },
	{ STR_INIT("{\"a\" 1}"), ERR_SYNTAX },
	{ STR_INIT("{\"a\":}"), ERR_SYNTAX },
	{ STR_INIT("{\"a\"}"), ERR_SYNTAX },
	{ STR_INIT("{a:1}"), ERR_SYNTAX },
	{ STR_INIT("{1:1}"), ERR_SYNTAX },
	{ STR_INIT("{\"a\":1"), ERR_SYNTAX },
	{ STR_INIT("{\"a\":1]"), ERR_SYNTAX },
	{ STR_INIT("{\"a\":1,\"b\":1}"), OK },
	{ STR_INIT("{\"a\":1,\"a\":1}"), ERR_SYNTAX },
	{ STR_INIT("{\"a\":1,\"\\u0061\":1}"), ERR_SYNTAX },
	{ STR_INIT("{\"\":1,\"\\u0000\":1}"), OK },
	{ STR_INIT("{\"\":1,\"\":1}"), ERR_SYNTAX },
	{ STR_INIT("{\"a\":{\"a\":{\"a\":1}}}"), OK },
	{ STR_INIT("[{\"a\":1},{\"a\":1}]"), OK },
	{ STR_INIT("{\"abcdefghX12345678\":1,\"abcdefghY12345678\":1}"), OK },
	{ STR_INIT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), OK },
	{ STR_INIT("\"\\x\""), ERR_SYNTAX },
	{ STR_INIT("\"\\"), ERR_SYNTAX },
	{ STR_INIT("\"\\\""), ERR_SYNTAX },
	{ STR_INIT("\"\x7f\""), OK },
	{ STR_INIT("\"\x1f\""), ERR_SYNTAX },
	{ STR_INIT("\"a\nb\""), ERR_SYNTAX },
	{ STR_INIT("\"sixteen bytes..\x01\""), ERR_SYNTAX },
	{ STR_INIT("\"no end"), ERR_SYNTAX },
	{ STR_INIT("'a'"), ERR_SYNTAX },
	{ STR_INIT("\"\\u00e9\\uFFFF\""), OK },
	{ STR_INIT("\"\\u00g9\""), ERR_SYNTAX },
	{ STR_INIT("\"\\u00e\""), ERR_SYNTAX },
	{ STR_INIT("\"\\u00"), ERR_SYNTAX },
	{ STR_INIT("\"\\ud83d\\ude02\""), OK },
	{ STR_INIT("\"\\ud83d\""), ERR_SYNTAX },
	{ STR_INIT("\"\\ud83d\\u0041\""), ERR_SYNTAX },
	{ STR_INIT("\"\\ude02\\ud83d\""), ERR_SYNTAX },
	{ STR_INIT("\"\\ud83dxude02\""), ERR_SYNTAX },
	{ STR_INIT("\"\\ud83d\\ud83d\""), ERR_SYNTAX },
	{ STR_INIT("\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x82\""), OK },
	{ STR_INIT("\"\xc3\""), ERR_SYNTAX },
	{ STR_INIT("\"\xe2\\u0082\xac\""), ERR_SYNTAX },
	{ STR_INIT("\"\xc0\xaf\""), ERR_SYNTAX },
	{ STR_INIT("\"\xed\xa0\x80\""), ERR_SYNTAX },
	{ STR_INIT("{\"\xff\":1}"), ERR_SYNTAX },
	{ STR_INIT("\"a long enough run of ASCII and then \xff\""),
	    ERR_SYNTAX },
	{ STR_INIT("0"), OK },
	{ STR_INIT("-0"), OK },
	{ STR_INIT("-"), ERR_SYNTAX },
	{ STR_INIT("+1"), ERR_SYNTAX },
	{ STR_INIT("01"), ERR_SYNTAX },
	{ STR_INIT("0.5"), OK },
	{ STR_INIT(".5"), ERR_SYNTAX },
	{ STR_INIT("5."), ERR_SYNTAX },
	{ STR_INIT("1e5"), OK },
	{ STR_INIT("1E+05"), OK },
	{ STR_INIT("1e"), ERR_SYNTAX },
	{ STR_INIT("1e-"), ERR_SYNTAX },
	{ STR_INIT("0x1"), ERR_SYNTAX },
	{ STR_INIT("NaN"), ERR_SYNTAX },
	{ STR_INIT("1e99999"), OK },
};

static void
test_texts(void)
{
	struct buf tape = { .max = ROOM }, again = { .max = ROOM };
	struct buf out = { .max = ROOM };

	for (size_t i = 0; i < countof(texts); i++) {
		enum err e;

		buf_clear(&tape);
		buf_clear(&again);
		buf_clear(&out);
		buf_str(&tape, STR("x"));
		e = parse(texts[i].text, &tape);
		ok(e == texts[i].want, "text %zu: %s", i, err_name(e));
		if (e) {
			ok(tape.n == 1, "text %zu leaves the buf as it was", i);
			continue;
		}
		buf_drop(&tape, 1);
		json_write(jv_of(buf_view(&tape)), &out);
		ok(tape_check(buf_view(&tape), &json_default) == OK &&
			parse(buf_view(&out), &again) == OK &&
			str_eq(buf_view(&tape), buf_view(&again)),
		    "text %zu goes out and comes back", i);
	}
	buf_done(&tape);
	buf_done(&again);
	buf_done(&out);
}

/* open, n times; middle; close, n times */
static struct str
nested(struct buf *b, const char *open, const char *close, size_t n)
{
	buf_clear(b);
	for (size_t i = 0; i < n; i++)
		buf_str(b, str_of(open));
	buf_str(b, STR("1"));
	for (size_t i = 0; i < n; i++)
		buf_str(b, str_of(close));
	return buf_view(b);
}

static void
test_limits(void)
{
	struct json_limits lim = json_default, few = { 3, 5, 4 };
	struct buf tape = { .max = ROOM }, t = { .max = ROOM };
	struct buf tight = { .max = 9 + 6 };
	struct note why;

	ok(parse(nested(&t, "[", "]", 64), &tape) == OK, "64 deep");
	ok(parse(nested(&t, "[", "]", 65), &tape) == ERR_LIMIT, "not 65");
	ok(parse(nested(&t, "{\"a\":", "}", 64), &tape) == OK, "objects too");
	ok(parse(nested(&t, "{\"a\":", "}", 65), &tape) == ERR_LIMIT,
	    "objects neither");
	lim.depth = 100000;
	ok(json_parse(
	       nested(&t, "[", "]", JSON_DEPTH_MAX), &lim, &tape, NULL) == OK,
	    "the deepest there is");
	ok(json_parse(nested(&t, "[", "]", JSON_DEPTH_MAX + 1), &lim, &tape,
	       NULL) == ERR_LIMIT,
	    "whatever the limits say");
	ok(parse(nested(&t, "[", "", 100000), &tape) == ERR_LIMIT,
	    "a hundred thousand brackets");
	ok(json_parse(STR("[1,2,3,4]"), &few, &tape, NULL) == OK, "5 values");
	ok(json_parse(STR("[1,2,3,4,5]"), &few, &tape, NULL) == ERR_LIMIT,
	    "not 6");
	ok(json_parse(STR("\"\\u00e9ab\""), &few, &tape, NULL) == OK,
	    "4 bytes unescaped");
	ok(json_parse(STR("\"\\u00e9abc\""), &few, &tape, NULL) == ERR_LIMIT,
	    "not 5");
	ok(json_parse(STR("{\"abcde\":1}"), &few, &tape, NULL) == ERR_LIMIT,
	    "keys are strings");
	ok(parse((struct str){ NULL, 0 }, &tape) == ERR_SYNTAX, "no text");
	ok(parse(STR("[1]"), &tight) == OK && tight.n == 15, "fits exactly");
	buf_clear(&tight);
	ok(parse(STR("[12]"), &tight) == ERR_LIMIT && tight.n == 0 &&
		!tight.full,
	    "one byte more does not");
	ok(json_parse(STR("[1, 2 3]"), &json_default, &tape, &why) ==
		    ERR_SYNTAX &&
		strcmp(why.text, "byte 6: no , or ] here") == 0,
	    "the note says where and what: %s", why.text);
	buf_done(&tape);
	buf_done(&t);
	buf_done(&tight);
}

/* {"k0":0,...}; the last member repeats number `twice` */
static struct str
members(struct buf *b, size_t n, size_t twice)
{
	buf_clear(b);
	buf_ch(b, '{');
	for (size_t i = 0; i < n; i++)
		buf_fmt(b, "%s\"k%zu\":%zu", i ? "," : "",
		    i + 1 == n ? twice : i, i);
	buf_ch(b, '}');
	return buf_view(b);
}

static void
test_duplicates(void)
{
	static const size_t sizes[] = { 2, 15, 16, 17, 18, 33, 1000, 50000 };
	struct buf tape = { .max = ROOM }, t = { .max = ROOM };
	struct jv v;

	for (size_t i = 0; i < countof(sizes); i++) {
		const size_t n = sizes[i];

		buf_clear(&tape);
		ok(parse(members(&t, n, n - 1), &tape) == OK,
		    "%zu different members", n);
		v = jv_of(buf_view(&tape));
		ok(jv_count(v) == n, "all %zu counted", n);
		ok(tape_check(buf_view(&tape), &json_default) == OK,
		    "tape of %zu members", n);
		ok(parse(members(&t, n, 0), &tape) == ERR_SYNTAX,
		    "%zu members, the last is the first", n);
		ok(parse(members(&t, n, n / 2 - (n == 2)), &tape) == ERR_SYNTAX,
		    "%zu members, the last is the middle one", n);
	}
	buf_done(&tape);
	buf_done(&t);
}

/* Keys that share their first slot in a table of 4096: what somebody who knows
 * the hash would send. */
static void
test_flood(void)
{
	enum { N = 1100 };
	struct buf t = { .max = ROOM }, tape = { .max = ROOM };
	char first[16] = "", key[16];
	size_t n = 0;

	buf_ch(&t, '{');
	for (size_t i = 0; n < N; i++) {
		uint64_t h;

		(void)snprintf(key, sizeof(key), "k%zu", i);
		h = hash64(str_of(key), 0);
		if (((h ^ h >> 32) & 4095) != 0)
			continue;
		if (n == 0)
			memcpy(first, key, sizeof(key));
		buf_fmt(&t, "\"%s\":1,", key);
		n++;
	}
	t.p[t.n - 1] = '}';
	ok(parse(buf_view(&t), &tape) == OK, "a flood of keys is read");
	ok(tape_check(buf_view(&tape), &json_default) == OK, "and checked");
	t.n--;
	buf_fmt(&t, ",\"%s\":1}", first);
	ok(parse(buf_view(&t), &tape) == ERR_SYNTAX, "a double in it is found");
	buf_done(&t);
	buf_done(&tape);
}

static void
test_walk(void)
{
	struct buf tape = { .max = ROOM };
	struct jv v;
	struct jit it;
	struct str k;
	size_t n = 0;

	ok(parse(
	       STR("{\"a\":{\"b\":[1,\"two\",true,null]},\"c\":\"d\\u0000\"}"),
	       &tape) == OK,
	    "a tree to walk");
	v = jv_of(buf_view(&tape));
	ok(jv_is(v, J_OBJ) && jv_count(v) == 2, "two members");
	ok(jv_count(jv_at(v, "a/b")) == 4, "path");
	ok(jv_is(jv_at(v, "a/x/b"), J_NONE), "path to nowhere");
	ok(jv_str(jv_get(v, STR("c"))).n == 2, "a NUL is a character");
	ok(jv_is(jv_get(v, STR("b")), J_NONE), "get is not deep");
	ok(jv_is(jv_get(jv_at(v, "a/b"), STR("")), J_NONE),
	    "an array has no members");
	for (it = jit_of(jv_at(v, "a/b")); jit_next(&it, &k, &v); n++)
		ok(k.n == 0, "elements have no key");
	ok(n == 4 && jv_is(v, J_NULL), "four elements, the last is null");
	ok(!jit_next(&it, NULL, NULL), "and no more");
	v = (struct jv){ NULL, 0 };
	it = jit_of(v);
	ok(jv_type(v) == J_NONE && jv_count(v) == 0 && jv_str(v).n == 0 &&
		!jv_true(v) && jv_type(jv_at(v, "a")) == J_NONE &&
		!jit_next(&it, NULL, NULL),
	    "nothing has nothing");
	buf_done(&tape);
}

static void
test_build(void)
{
	struct buf b = { .max = ROOM }, out = { .max = ROOM };
	size_t o = tape_obj(&b), a;

	tape_key(&b, STR("n"));
	tape_i64(&b, INT64_MIN);
	tape_key(&b, STR("a"));
	a = tape_arr(&b);
	tape_null(&b);
	tape_bool(&b, true);
	tape_bool(&b, false);
	tape_num(&b, STR("1.50"));
	tape_str(&b, STR("q\"\n\x01\xc3\xa9"));
	tape_copy(&b, (struct jv){ NULL, 0 });
	tape_end(&b, a, 6);
	tape_end(&b, o, 2);
	ok(tape_check(buf_view(&b), &json_default) == OK, "built well");
	json_write(jv_of(buf_view(&b)), &out);
	ok(str_eq(buf_view(&out),
	       STR("{\"n\":-9223372036854775808,\"a\":[null,true,false,1.50,"
		   "\"q\\\"\\n\\u0001\xc3\xa9\",null]}")),
	    "and written: %.*s", STR_ARG(buf_view(&out)));
	buf_clear(&b);
	tape_num(&b, STR("NaN"));
	ok(b.full, "NaN is no number");
	buf_clear(&b);
	tape_str(&b, STR("\xff"));
	ok(b.full, "a string is UTF-8");
	buf_clear(&b);
	tape_key(&b, STR("\xff"));
	ok(b.full, "a key too");
	buf_done(&b);
	buf_done(&out);
}

static void
test_write(void)
{
	struct buf tape = { .max = ROOM }, out = { .max = 12 };

	ok(parse(STR("[\"\\u0001abc\"]"), &tape) == OK, "an escape");
	json_write(jv_of(buf_view(&tape)), &out);
	ok(out.full && out.n == 0, "13 bytes do not fit in 12");
	buf_done(&out);
	out.max = 13;
	json_write(jv_of(buf_view(&tape)), &out);
	ok(!out.full && out.n == 13, "in 13 they do");
	buf_clear(&out);
	json_write((struct jv){ NULL, 0 }, &out);
	ok(str_eq(buf_view(&out), STR("null")), "nothing is null");
	buf_clear(&out);
	json_quote(STR("a\tb"), &out);
	ok(str_eq(buf_view(&out), STR("\"a\\tb\"")), "quoted");
	buf_clear(&out);
	json_quote(STR("\xff"), &out);
	ok(out.full, "quoting what is not UTF-8 is refused");
	buf_clear(&out);
	json_quote((struct str){ NULL, 0 }, &out);
	ok(str_eq(buf_view(&out), STR("\"\"")), "an empty string is a string");
	buf_done(&tape);
	buf_done(&out);
}

/* Tapes by hand: tag, then words of four bytes. */
static const struct {
	const char *name;
	struct str bytes;
	enum err want;
} tapes[] = {
	{ "null", STR_INIT("\1"), OK },
	{ "empty", STR_INIT(""), ERR_SYNTAX },
	{ "tag 0", STR_INIT("\0"), ERR_SYNTAX },
	{ "tag 8", STR_INIT("\10"), ERR_SYNTAX },
	{ "two values", STR_INIT("\1\1"), ERR_SYNTAX },
	{ "string", STR_INIT("\5\2\0\0\0ab"), OK },
	{ "string cut", STR_INIT("\5\2\0\0\0a"), ERR_SYNTAX },
	{ "string with a tail", STR_INIT("\5\1\0\0\0ab"), ERR_SYNTAX },
	{ "string of 4 GB", STR_INIT("\5\377\377\377\377ab"), ERR_SYNTAX },
	{ "length cut", STR_INIT("\5\0\0"), ERR_SYNTAX },
	{ "string not UTF-8", STR_INIT("\5\1\0\0\0\xff"), ERR_SYNTAX },
	{ "number", STR_INIT("\4\2\0\0\0-1"), OK },
	{ "number empty", STR_INIT("\4\0\0\0\0"), ERR_SYNTAX },
	{ "number with a comma", STR_INIT("\4\3\0\0\0001,2"), ERR_SYNTAX },
	{ "number 01", STR_INIT("\4\2\0\0\00001"), ERR_SYNTAX },
	{ "array", STR_INIT("\6\1\0\0\0\1\0\0\0\1"), OK },
	{ "array counts less", STR_INIT("\6\0\0\0\0\1\0\0\0\1"), ERR_SYNTAX },
	{ "array counts more", STR_INIT("\6\2\0\0\0\1\0\0\0\1"), ERR_SYNTAX },
	{ "array of 4 G", STR_INIT("\6\377\377\377\377\1\0\0\0\1"), ERR_LIMIT },
	{ "array cut", STR_INIT("\6\1\0\0\0\2\0\0\0\1"), ERR_SYNTAX },
	{ "array sticks out", STR_INIT("\6\1\0\0\0\6\0\0\0\5\2\0\0\0a"),
	    ERR_SYNTAX },
	{ "object", STR_INIT("\7\2\0\0\0\14\0\0\0\1\0\0\0a\1\1\0\0\0b\1"), OK },
	{ "object with a member twice",
	    STR_INIT("\7\2\0\0\0\14\0\0\0\1\0\0\0a\1\1\0\0\0a\2"), ERR_SYNTAX },
	{ "object without value", STR_INIT("\7\1\0\0\0\5\0\0\0\1\0\0\0a"),
	    ERR_SYNTAX },
	{ "object, key cut", STR_INIT("\7\1\0\0\0\5\0\0\0\2\0\0\0a"),
	    ERR_SYNTAX },
	{ "object, key length cut", STR_INIT("\7\1\0\0\0\3\0\0\0\0\0\0"),
	    ERR_SYNTAX },
	{ "object, key not UTF-8", STR_INIT("\7\1\0\0\0\6\0\0\0\1\0\0\0\xff\1"),
	    ERR_SYNTAX },
};

static void
test_tapes(void)
{
	struct buf t = { .max = ROOM }, tape = { .max = ROOM };
	struct buf out = { .max = ROOM };
	struct json_limits few = { 3, 5, 4 };

	for (size_t i = 0; i < countof(tapes); i++)
		ok(tape_check(tapes[i].bytes, &json_default) == tapes[i].want,
		    "tape: %s", tapes[i].name);
	ok(parse(nested(&t, "[", "]", 4), &tape) == OK, "4 deep");
	ok(tape_check(buf_view(&tape), &json_default) == OK, "is well");
	ok(tape_check(buf_view(&tape), &few) == ERR_LIMIT, "not for few");
	buf_clear(&tape);
	ok(parse(STR("\"abcde\""), &tape) == OK, "5 bytes");
	ok(tape_check(buf_view(&tape), &few) == ERR_LIMIT, "not for few");
	buf_clear(&tape);
	ok(parse(STR("[[1,1],[1,1]]"), &tape) == OK, "7 values");
	ok(tape_check(buf_view(&tape), &few) == ERR_LIMIT, "not for few");
	json_write(jv_of(STR("\5\1\0\0\0\xff")), &out);
	ok(out.full && out.n == 0, "no bad UTF-8 goes out");
	buf_clear(&out);
	json_write(jv_of(STR("\4\3\0\0\0001,2")), &out);
	ok(out.full && out.n == 0, "no lexeme smuggles a comma");
	buf_clear(&out);
	json_write(jv_of(STR("\6\1\0\0\0\6\0\0\0\5\2\0\0\0a")), &out);
	ok(out.full, "nothing that sticks out is written");
	buf_clear(&out);
	ok(json_jcs(jv_of(STR("\5\1\0\0\0\xff")), &out) == ERR_SYNTAX &&
		out.n == 0,
	    "nor made canonical");
	buf_done(&t);
	buf_done(&tape);
	buf_done(&out);
}

/* Every length of plain run against every place of what ends it: the sixteen
 * byte loop has the most edges here. */
static void
test_runs(void)
{
	struct buf t = { .max = ROOM }, tape = { .max = ROOM };
	struct buf out = { .max = ROOM };
	size_t good = 0, bad = 0;

	for (size_t n = 0; n < 50; n++) {
		for (size_t at = 0; at <= n; at++) {
			char s[64];

			memset(s, 'x', sizeof(s));
			s[at] = '\n';
			buf_clear(&t);
			buf_clear(&tape);
			buf_clear(&out);
			json_quote((struct str){ s, n }, &t);
			good += parse(buf_view(&t), &tape) == OK &&
				str_eq(jv_str(jv_of(buf_view(&tape))),
				    (struct str){ s, n });
			json_write(jv_of(buf_view(&tape)), &out);
			good += str_eq(buf_view(&t), buf_view(&out));
			buf_clear(&t);
			buf_fmt(&t, "\"%.*s\"", (int)n + 1, s);
			buf_clear(&tape);
			bad += parse(buf_view(&t), &tape) == ERR_SYNTAX;
		}
	}
	ok(good == 2 * 1275, "every escape found, every run copied");
	ok(bad == 1275, "every bare control refused");
	buf_done(&t);
	buf_done(&tape);
	buf_done(&out);
}

/* One text with everything in it. */
static const struct str rich = STR_INIT(
    " { \"a long enough key to be compared\" : [ 1 , -2.5e3 , true, false,"
    "null ,\"\\u00e9\\ud83d\\ude02\\n\\u0001\", \"Ã© and a long plain run"
    " of sixteen and more\" ] ,\"a long enough key to be different\":{},"
    "\"b\":[],\"c\":{\"d\":{\"e\":[[0.1]]}}}");

static void
test_budgets(void)
{
	struct buf tape = { .max = ROOM }, one = { .max = ROOM };
	size_t cut = 0, parsed = 0, checked = 0, wrote = 0, jcs = 0;
	size_t n, m;
	struct jv v;

	ok(parse(rich, &tape) == OK, "a rich text");
	v = jv_of(buf_view(&tape));
	for (n = 0; n < rich.n; n++) {
		struct buf b = { .max = ROOM };
		char *copy = mem_get(n); /* exactly */

		memcpy(copy, rich.p, n);
		cut += parse((struct str){ copy, n }, &b) == ERR_SYNTAX &&
		       b.n == 0;
		mem_free(copy);
		buf_done(&b);
	}
	ok(cut == rich.n, "no part of it is a text");
	for (n = 0; n < tape.n; n++) {
		struct buf b = { .max = n };

		parsed += parse(rich, &b) == ERR_LIMIT && b.n == 0 && !b.full;
		checked += tape_check(str_sub(buf_view(&tape), 0, n),
			       &json_default) == ERR_SYNTAX;
		buf_done(&b);
	}
	ok(parsed == tape.n, "no smaller tape holds it");
	ok(checked == tape.n, "no part of its tape is a tape");
	json_write(v, &one);
	m = one.n;
	for (n = 0; n < m; n++) {
		struct buf b = { .max = n };

		json_write(v, &b);
		wrote += b.full && b.n == 0;
		buf_done(&b);
	}
	ok(wrote == m, "no smaller buf takes its text");
	buf_clear(&one);
	ok(json_jcs(v, &one) == OK, "it has a canonical form");
	m = one.n;
	for (n = 0; n < m; n++) {
		struct buf b = { .max = n };

		jcs += json_jcs(v, &b) == ERR_LIMIT && b.n == 0;
		buf_done(&b);
	}
	ok(jcs == m, "no smaller buf takes that");
	buf_done(&one);
	one.max = tape.n;
	ok(parse(rich, &one) == OK && jv_same(v, jv_of(buf_view(&one))),
	    "just enough is enough");
	buf_clear(&one);
	tape_copy(&one, v);
	ok(str_eq(jv_bytes(v), buf_view(&one)), "and a copy is the same");
	buf_done(&tape);
	buf_done(&one);
}

int
main(void)
{
	test_texts();
	test_limits();
	test_duplicates();
	test_flood();
	test_walk();
	test_build();
	test_write();
	test_tapes();
	test_runs();
	test_budgets();
	return tap_done();
}
