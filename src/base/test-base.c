/* test-base: what every other room trusts. */
#include "base/base.h"

#include "base/tap.h"

static void
test_str(void)
{
	struct str rest = STR("a,b,,c"), part;
	uint64_t v = 7;
	size_t n = 0;

	while (str_split(&rest, ',', &part))
		n++;
	ok(n == 4, "split gives every part");
	ok(str_glob(STR("read_*"), STR("read_file")), "glob matches a tail");
	ok(!str_glob(STR("read_*"), STR("write_read_")), "glob is anchored");
	ok(str_glob(STR("*a*b*"), STR("xxaxxbxx")), "glob with three stars");
	ok(!str_glob(STR("*a*b"), STR("xxaxxbxx")), "glob wants its end");
	ok(str_glob(STR(""), STR("")) && !str_glob(STR(""), STR("a")),
	    "empty glob matches only nothing");
	ok(str_u64(STR("18446744073709551615"), &v) == OK && v == UINT64_MAX,
	    "largest u64");
	ok(str_u64(STR("18446744073709551616"), &v) != OK && v == UINT64_MAX,
	    "one more is refused and out stays");
	ok(str_u64(STR("-1"), &v) && str_u64(STR(""), &v), "no sign, no void");
	ok(str_search(STR("hello"), STR("llo")) == 2, "search finds");
	ok(str_search(STR("hello"), STR("lz")) == 5, "search: absent is n");
	ok(str_eq(str_trim(STR(" \tx y ")), STR("x y")), "trim");
}

static void
test_utf8(void)
{
	static const struct {
		struct str s;
		bool good;
	} t[] = {
		{ STR_INIT("plain ascii that is long enough"), true },
		{ STR_INIT("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"), true },
		{ STR_INIT("\xf4\x8f\xbf\xbf"), true },
		{ STR_INIT("\xf4\x90\x80\x80"), false },
		{ STR_INIT("\xed\x9f\xbf"), true },
		{ STR_INIT("\xed\xa0\x80"), false },
		{ STR_INIT("\xc0\xaf"), false },
		{ STR_INIT("\xe0\x9f\xbf"), false },
		{ STR_INIT("abcdefgh\x80"), false },
		{ STR_INIT("\xe2\x82"), false },
	};

	for (size_t i = 0; i < countof(t); i++)
		ok(utf8_ok(t[i].s) == t[i].good, "utf8 case %zu", i);
}

static void
test_buf(void)
{
	struct buf b = { .max = 1000 }, c = { .max = 100 };
	struct cur r;

	buf_u8(&b, 1);
	buf_u16(&b, 0x1234);
	buf_u32(&b, 0xdeadbeef);
	buf_u64(&b, 0x0102030405060708U);
	buf_str(&b, STR("end"));
	r = cur_of(b.p, b.n);
	ok(cur_u8(&r) == 1 && cur_u16(&r) == 0x1234 &&
		cur_u32(&r) == 0xdeadbeef &&
		cur_u64(&r) == 0x0102030405060708U &&
		str_eq(cur_str(&r, 3), STR("end")) && cur_end(&r) == OK,
	    "what buf writes cur reads");
	ok(cur_u8(&r) == 0 && r.bad && cur_end(&r) == ERR_SYNTAX,
	    "past the end is bad and stays so");
	buf_put(&c, b.p, 18);
	for (int i = 0; i < 10; i++)
		buf_put(&c, b.p, 18);
	ok(c.full && c.n <= 100 && buf_end(&c) == ERR_LIMIT, "max holds");
	buf_clear(&c);
	buf_fmt(&c, "%d-%s", 12, "x");
	ok(str_eq(buf_view(&c), STR("12-x")) && buf_end(&c) == OK,
	    "clear makes it usable, fmt works");
	buf_clear(&c);
	buf_dec(&c, UINT64_MAX);
	ok(str_eq(buf_view(&c), STR("18446744073709551615")), "dec");
	buf_done(&b);
	buf_done(&c);
}

#define WORDS "\xfb\xff\xfe a text longer than a word."
#define DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
/* What they and the last two stand for, in their order. */
#define ALL_DIGITS                                                             \
	"\x00\x10\x83\x10\x51\x87\x20\x92\x8b\x30\xd3\x8f"                     \
	"\x41\x14\x93\x51\x55\x97\x61\x96\x9b\x71\xd7\x9f"                     \
	"\x82\x18\xa3\x92\x59\xa7\xa2\x9a\xab\xb2\xdb\xaf"                     \
	"\xc3\x1c\xb3\xd3\x5d\xb7\xe3\x9e\xbb\xf3\xdf\xbf"

static void
test_base64(void)
{
	static const char *const bad[] = { "QQ=", "QR==", "QUJ=", "Q===",
		"QQ==QQ==", "Q Q=", "QUI-", "QUI====", "QUJD====" };
	static const char *const bad_url[] = { "QQ==", "Q", "QR", "QUJDQ",
		"QU J", "+/8", "QUI=" };
	struct buf b = { .max = 200 }, d = { .max = 200 };

	for (size_t n = 0; n < 8; n++) {
		buf_clear(&b);
		buf_clear(&d);
		base64_put(&b, str_sub(STR("\x00\xffgatehs"), 0, n));
		ok(base64_get(buf_view(&b), &d) == OK &&
			str_eq(
			    buf_view(&d), str_sub(STR("\x00\xffgatehs"), 0, n)),
		    "base64 round trip of %zu", n);
	}
	buf_clear(&b);
	base64_put(&b, STR("\xff\xef\xbe many hands make light work.."));
	ok(str_eq(buf_view(&b),
	       STR("/+++IG1hbnkgaGFuZHMgbWFrZSBsaWdodCB3b3JrLi4=")),
	    "base64 of more than a word");
	buf_clear(&b);
	base64url_put(&b, STR("\xff\xef\xbe many hands make light work.."));
	ok(str_eq(buf_view(&b),
	       STR("_---IG1hbnkgaGFuZHMgbWFrZSBsaWdodCB3b3JrLi4")),
	    "base64url of more than a word");
	for (size_t n = 8; n < 33; n++) {
		buf_clear(&b);
		buf_clear(&d);
		base64url_put(&b, str_sub(STR(WORDS), 0, n));
		ok(base64url_get(buf_view(&b), &d) == OK &&
			str_eq(buf_view(&d), str_sub(STR(WORDS), 0, n)),
		    "base64url round trip of %zu", n);
	}
	for (size_t i = 0; i < countof(bad); i++)
		ok(base64_get(str_of(bad[i]), &d) == ERR_SYNTAX,
		    "base64 refuses %s", bad[i]);
	for (size_t n = 0; n < 8; n++) {
		buf_clear(&b);
		buf_clear(&d);
		base64url_put(&b, str_sub(STR("\xfb\xff\xfehsga"), 0, n));
		ok(base64url_get(buf_view(&b), &d) == OK &&
			str_find(buf_view(&b), '=') == b.n &&
			str_eq(buf_view(&d),
			    str_sub(STR("\xfb\xff\xfehsga"), 0, n)),
		    "base64url round trip of %zu", n);
	}
	buf_clear(&d);
	ok(base64url_get(STR("-_8"), &d) == OK && d.n == 2, "its own digits");
	for (size_t n = 0; n < 96; n++) {
		const struct str twice =
		    str_sub(STR(ALL_DIGITS ALL_DIGITS), n, 96);

		buf_clear(&b);
		buf_clear(&d);
		base64url_put(&b, twice);
		ok(base64url_get(buf_view(&b), &d) == OK &&
			str_eq(buf_view(&d), twice),
		    "base64url round trip of all digits but %zu bytes", n);
	}
	buf_clear(&b);
	base64_put(&b, STR(ALL_DIGITS ALL_DIGITS));
	ok(str_eq(buf_view(&b), STR(DIGITS "+/" DIGITS "+/")),
	    "base64: every digit, also where many go at once");
	buf_clear(&b);
	base64url_put(&b, STR(ALL_DIGITS ALL_DIGITS));
	ok(str_eq(buf_view(&b), STR(DIGITS "-_" DIGITS "-_")),
	    "base64url: every digit, also where many go at once");
	for (size_t i = 0; i < countof(bad_url); i++)
		ok(base64url_get(str_of(bad_url[i]), &d) == ERR_SYNTAX,
		    "base64url refuses %s", bad_url[i]);
	buf_done(&b);
	buf_done(&d);
}

static void
test_map(void)
{
	struct map *m = map_new(42);
	static int v[2000];
	char key[40]; /* short ones lie in the table, long ones do not */
	size_t at = 0, n = 0;
	bool good = true;
	void *p;

	for (int i = 0; i < 2000; i++) {
		(void)snprintf(key, sizeof(key),
		    i % 3 ? "k%d" : "a-key-of-more-than-16-%d", i);
		(void)map_put(m, str_of(key), &v[i]);
	}
	for (int i = 0; i < 2000; i += 2) {
		(void)snprintf(key, sizeof(key),
		    i % 3 ? "k%d" : "a-key-of-more-than-16-%d", i);
		good &= map_del(m, str_of(key)) == &v[i];
	}
	ok(good && map_count(m) == 1000, "delete gives the values back");
	for (int i = 0; i < 2000; i++) {
		(void)snprintf(key, sizeof(key),
		    i % 3 ? "k%d" : "a-key-of-more-than-16-%d", i);
		good &= map_get(m, str_of(key)) == (i % 2 ? &v[i] : NULL);
	}
	ok(good, "half are there, half are not");
	while (map_next(m, &at, NULL, &p))
		n++;
	ok(n == 1000, "walk sees each");
	ok(map_del(m, STR("nothing")) == NULL, "deleting nothing is fine");
	map_free(m);
}

static void
test_arena(void)
{
	struct arena *a = arena_new(40000);
	char *p = arena_alloc(a, 0);

	ok(p != NULL && !arena_spent(a), "no bytes at all are some");
	p = arena_alloc(a, 100);
	ok(p != NULL && p[0] == 0 && p[99] == 0, "memory is zeroed");
	memset(p, 1, 100);
	ok(arena_alloc(a, 30000) != NULL, "a big one fits the budget");
	ok(arena_alloc(a, 20000) == NULL && arena_spent(a), "over it does not");
	ok(arena_alloc(a, 1) == NULL, "spent stays spent");
	arena_reset(a);
	p = arena_alloc(a, 100);
	ok(p != NULL && p[0] == 0 && p[99] == 0 && !arena_spent(a),
	    "reset begins anew");
	ok(arena_alloc(a, 0) != NULL && arena_alloc(a, SIZE_MAX) == NULL &&
		arena_alloc(a, 0) == NULL && arena_spent(a),
	    "nothing is little, everything too much");
	for (int round = 0, dirty = 0; round < 3; round++) {
		arena_reset(a);
		for (size_t n = 1; n < 20000; n *= 3) { /* several chunks */
			p = arena_alloc(a, n);
			for (size_t i = 0; i < n; i++)
				dirty |= p[i];
			memset(p, 0xff, n);
		}
		ok(dirty == 0 && !arena_spent(a), "zeroed in every turn");
	}
	arena_free(a);
	ok(mem_same("abc", "abc", 3) && !mem_same("abc", "abd", 3), "same");
}

static void
test_distance(void)
{
	ok(str_distance(STR("listen"), STR("listn")) == 1 &&
		str_distance(STR("abc"), STR("abc")) == 0 &&
		str_distance(STR("abc"), STR("acb")) == 2 &&
		str_distance(STR("abc"), STR("xyzzyx")) == STR_FAR,
	    "the distance of words");
}

int
main(void)
{
	unsigned char out[2] = { 0 };

	test_str();
	test_utf8();
	test_buf();
	test_base64();
	test_map();
	test_arena();
	ok(hex_bytes(STR("fF00"), out, 2) == OK && out[0] == 255, "hex");
	ok(hex_bytes(STR("fg00"), out, 2) && hex_bytes(STR("ff0"), out, 2),
	    "hex is strict");
	test_distance();
	return tap_done();
}
