/* test-ledger: the text of records, and segments written and read back. */
#include "base/tap.h"
#include "ledger/test-disk.h"

/* ---- text ---- */
struct caught {
	struct buf text;
	uint64_t n, last;
};

static void
catch_one(void *arg, uint64_t seq, struct str jcs, struct jv rec)
{
	struct caught *c = arg;

	buf_clear(&c->text);
	buf_str(&c->text, jcs);
	c->n += jv_is(rec, J_OBJ);
	c->last = seq;
}

/* Stages one record given as JSON text into a fresh segment and reads it. */
static enum err
one(const char *rec, const char *content, struct buf *out)
{
	const struct tlog_range none = { .size = 0 };
	struct ledger_seen seen = { .good = 0 };
	struct caught c = { .text = { .max = 1 << 20 } };
	struct buf r = { .max = 1 << 24 }, k = { .max = 1 << 24 };
	struct mem_disk d;
	struct ledger *l;
	struct note why;
	enum err e, w;

	mem_disk_init(&d);
	l = ledger_new(&d.disk, STR("cell-0-000001"), &none);
	e = json_parse(str_of(rec), &json_default, &r, NULL);
	if (!e && content != NULL)
		e = json_parse(str_of(content), &json_default, &k, NULL);
	if (!e)
		e = ledger_stage(l, 1, 1700000000123456789U,
		    jv_of(buf_view(&r)), "digest", jv_of(buf_view(&k)));
	if (!e) {
		w = ledger_write(l);
		e = w ? w
		      : ledger_read(buf_view(&d.b), &seen, catch_one, &c, &why);
		buf_clear(out);
		buf_str(out, buf_view(&c.text));
	}
	ledger_free(l);
	buf_done(&d.b);
	buf_done(&c.text);
	buf_done(&r);
	buf_done(&k);
	return e;
}

#define TIME "\"time\":1700000000123456"
#define SUM_EMPTY_OBJECT                                                       \
	"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
static const struct {
	const char *rec, *content, *want, *what;
} texts[] = {
	{ "{}", NULL, "{\"seq\":1," TIME "}", "an empty record" },
	{ "{\"a\":1,\"kind\":\"x\",\"z\":null}", NULL,
	    "{\"a\":1,\"kind\":\"x\",\"seq\":1," TIME ",\"z\":null}",
	    "ours are merged in between" },
	{ "{\"z\":null,\"a\":1}", NULL,
	    "{\"a\":1,\"seq\":1," TIME ",\"z\":null}", "out of order" },
	{ "{\"a\":\"x\\ny\\u00e9\\\"\\\\\"}", NULL,
	    "{\"a\":\"x\\ny\xc3\xa9\\\"\\\\\",\"seq\":1," TIME "}",
	    "escapes as JCS has them" },
	{ "{\"a\":[1.50,{\"c\":1,\"b\":2}]}", NULL,
	    "{\"a\":[1.5,{\"b\":2,\"c\":1}],\"seq\":1," TIME "}",
	    "values inside are sorted too" },
	{ "{\"a\":-0,\"b\":1e2,\"c\":123456789012345}", NULL,
	    "{\"a\":0,\"b\":100,\"c\":123456789012345,\"seq\":1," TIME "}",
	    "numbers as JCS has them" },
	{ "{\"kind\":\"x\"}", "{}",
	    "{\"digest\":\"" SUM_EMPTY_OBJECT
	    "\",\"digest_form\":\"jcs\",\"kind\":\"x\",\"seq\":1," TIME "}",
	    "the digest of content" },
	{ "{\"\xc3\xa9\":1,\"digest-\":2}", "{ }",
	    "{\"digest\":\"" SUM_EMPTY_OBJECT
	    "\",\"digest-\":2,\"digest_form\":\"jcs\",\"seq\":1," TIME
	    ",\"\xc3\xa9\":1}",
	    "a key that is not ASCII" },
};

static void
test_text(void)
{
	struct buf got = { .max = 1 << 20 };
	struct buf a = { .max = 1 << 20 };

	for (size_t i = 0; i < countof(texts); i++) {
		const enum err e = one(texts[i].rec, texts[i].content, &got);

		ok(e == OK && str_eq(buf_view(&got), str_of(texts[i].want)),
		    "text: %s", texts[i].what);
		if (e || !str_eq(buf_view(&got), str_of(texts[i].want)))
			printf("# %s: %.*s\n", err_name(e),
			    STR_ARG(buf_view(&got)));
	}
	ok(one("{\"seq\":5}", NULL, &got) == ERR_SYNTAX,
	    "a record may not bring a seq");
	ok(one("{\"a\":1,\"time\":5}", NULL, &got) == ERR_SYNTAX, "nor a time");
	ok(one("{\"digest\":\"x\"}", "1", &got) == ERR_SYNTAX,
	    "nor a digest beside ours");
	ok(one("{\"digest\":\"x\"}", NULL, &got) == OK,
	    "a digest of its own is fine");
	ok(one("[1]", NULL, &got) == ERR_SYNTAX, "a record is an object");
	ok(one("{\"k\":1}", "123456789012345678901", &got) == OK &&
		str_search(buf_view(&got), STR("\"digest_form\":\"json\"")) <
		    got.n,
	    "content that JCS refuses is digested as JSON");
	ok(one("{\"k\":1}", "{\"b\":1,\"a\":1.0}", &a) == OK &&
		one("{\"k\":1}", " {\"a\" : 1, \"b\":1}", &got) == OK &&
		str_eq(buf_view(&a), buf_view(&got)),
	    "the digest does not depend on order and spaces");
	ok(one("{\"k\":1}", "{\"a\":2,\"b\":1}", &a) == OK &&
		!str_eq(buf_view(&a), buf_view(&got)),
	    "but on the content");
	buf_done(&got);
	buf_done(&a);
}

/* A record with one member of n bytes, and what becomes of it. */
static void
test_cut(void)
{
	struct buf rec = { .max = 1 << 20 }, got = { .max = 1 << 20 };
	const char *bad = "{\"a\":123456789012345678901}";

	buf_str(&rec, STR("{\"kind\":\"x\",\"name\":\""));
	for (size_t i = 0; i < 50000; i++)
		buf_ch(&rec, 'n');
	buf_put(&rec, "\"}", 3);
	ok(one(rec.p, NULL, &got) == OK && got.n > 50000,
	    "a long text stays when the record fits");
	buf_clear(&rec);
	buf_str(&rec, STR("{\"kind\":\"x\",\"name\":\""));
	for (size_t i = 0; i < 40000; i++)
		buf_str(&rec, STR("\xc3\xa9"));
	buf_put(&rec, "\"}", 3);
	ok(one(rec.p, NULL, &got) == OK && got.n < 1000 &&
		str_search(buf_view(&got),
		    STR("\"name\":{\"cut_bytes\":80000,\"sha256\":\"")) < got.n,
	    "a text too long for a record becomes a digest");
	ok(one(bad, NULL, &got) == OK &&
		str_search(buf_view(&got), STR("cut_bytes")) < got.n,
	    "so does a number that JCS refuses");
	buf_done(&rec);
	buf_done(&got);
}

static void
test_hostile_tape(void)
{
	const struct tlog_range none = { .size = 0 };
	struct ledger_seen seen = { .good = 0 };
	struct caught c = { .text = { .max = 1 << 20 } };
	struct buf b = { .max = 4096 }, k = { .max = 4096 };
	struct mem_disk d;
	struct ledger *l;
	struct note why;

	mem_disk_init(&d);
	l = ledger_new(&d.disk, STR("cell-0-000001"), &none);
	rec_make(&b, "decision", STR("not utf-8 ??"));
	memset(b.p + str_search(buf_view(&b), STR("??")), 0xff, 2);
	tape_str(&k, STR("nor this"));
	k.p[k.n - 1] = '\xc0';
	ok(ledger_stage(l, 1, 0, jv_of(buf_view(&b)), "digest",
	       jv_of(buf_view(&k))) == OK &&
		ledger_write(l) == OK,
	    "texts that are not UTF-8 cannot stop the ledger");
	ok(ledger_read(buf_view(&d.b), &seen, catch_one, &c, &why) == OK &&
		str_search(buf_view(&c.text), STR("\"digest_form\":\"tape\"")) <
		    c.text.n &&
		str_search(buf_view(&c.text),
		    STR("\"principal\":{\"cut_bytes\":12")) < c.text.n,
	    "they are recorded by digest");

	buf_clear(&b);
	{
		const size_t mark = tape_obj(&b);

		tape_key(&b, STR("a"));
		tape_null(&b);
		tape_key(&b, STR("a"));
		tape_null(&b);
		tape_end(&b, mark, 2);
	}
	ok(ledger_stage(l, 2, 0, jv_of(buf_view(&b)), "digest",
	       jv_of(STR(""))) == ERR_SYNTAX &&
		ledger_size(l) == 1,
	    "a repeated member is refused, and nothing staged");
	ok(rec_stage(l, 2, "decision", STR("x")) == OK,
	    "the next record is as welcome as before");
	ledger_free(l);
	buf_done(&d.b);
	buf_done(&c.text);
	buf_done(&b);
	buf_done(&k);
}

/* ---- segments ---- */
static void
test_segments(void)
{
	struct tlog_range tree = { .size = 0 };
	struct ledger_seen seen = { .good = 0 }, back = { .good = 0 };
	struct caught c = { .text = { .max = 1 << 20 } };
	struct buf tape = { .max = 1 << 16 };
	struct tlog_hash want = { { 0 } }, got;
	struct mem_disk d;
	char name[32];
	uint64_t seq = 0;
	enum err e = OK;

	for (unsigned i = 1; i <= 12 && !e; i++) {
		struct ledger *l;
		struct note why = { "" };

		mem_disk_init(&d);
		(void)snprintf(name, sizeof(name), "cell-3-%06u", i);
		l = ledger_new(&d.disk, str_of(name), &tree);
		for (unsigned k = 0; k < i * 3 && !e; k++)
			e = rec_stage(l, ++seq, "decision", STR("alice"));
		if (!e)
			e = ledger_write(l);
		if (!e && d.writes != 1)
			e = ERR_LIMIT;
		tree = *ledger_tree(l);
		want = tlog_range_root(&tree);
		if (!e && ledger_bytes(l) != d.b.n)
			e = ERR_GONE;
		if (!e)
			e = ledger_read(
			    buf_view(&d.b), &seen, catch_one, &c, &why);
		if (e)
			printf("# %s\n", why.text);
		ledger_free(l);
		buf_done(&d.b);
	}
	got = tlog_range_root(&seen.tree);
	ok(e == OK, "twelve segments, each written at once and read back");
	ok(seen.tree.size == seq && c.last == seq && c.n == seq,
	    "every record was seen");
	ok(tlog_same(&want, &got), "with the writer's root");
	ok(strcmp(seen.segment, "cell-3-000012") == 0 && seen.first == 199,
	    "the reader knows where it is");
	ledger_seen_put(&seen, 3, 12, &tape);
	ok(ledger_seen_of(jv_of(buf_view(&tape)), &back) == OK,
	    "the state crosses as a tape");
	got = tlog_range_root(&back.tree);
	ok(tlog_same(&want, &got), "and its tree");
	ok(jv_count(jv_of(buf_view(&tape))) == 8 && back.torn == 0,
	    "with every member and nothing torn");
	tape.p[str_search(buf_view(&tape), STR("range")) + 12] ^= 1;
	ok(ledger_seen_of(jv_of(buf_view(&tape)), &back) != OK,
	    "a changed range is refused");
	buf_done(&tape);
	buf_done(&c.text);
}

/* Reads the segment in d from the start of its log. */
static enum err
read_again(const struct mem_disk *d, struct ledger_seen *seen)
{
	struct note why;

	*seen = (struct ledger_seen){ .good = 0 };
	return ledger_read(buf_view(&d->b), seen, NULL, NULL, &why);
}

/* Zeros behind the last record are room; with anything behind them they are
 * what a crash left. */
static void
test_room(void)
{
	const struct tlog_range none = { .size = 0 };
	struct ledger_seen seen;
	struct mem_disk d;
	struct ledger *l;
	unsigned wrong = 0;
	size_t n;

	mem_disk_init(&d);
	l = ledger_new(&d.disk, STR("cell-0-000001"), &none);
	ok(rec_stage(l, 1, "decision", STR("alice")) == OK &&
		ledger_write(l) == OK,
	    "a record");
	n = d.b.n;
	for (unsigned i = 0; i < 10000; i++) {
		buf_ch(&d.b, '\0');
		wrong += read_again(&d, &seen) != OK || seen.torn != 0 ||
			 seen.good != n || seen.tree.size != 1;
	}
	ok(wrong == 0, "any number of zeros behind it is room");
	buf_ch(&d.b, 'x');
	ok(read_again(&d, &seen) == ERR_MORE && seen.torn == 10001 &&
		seen.good == n,
	    "zeros with something behind are a torn end");
	d.b.n = n;
	ok(rec_stage(l, 2, "decision", STR("bob")) == OK &&
		ledger_write(l) == OK && read_again(&d, &seen) == OK,
	    "another record");
	memset(d.b.p + n + 40, 0, d.b.n - n - 40);
	ok(read_again(&d, &seen) == ERR_MORE && seen.torn == d.b.n - n,
	    "half of it with zeros behind is torn too");
	d.b.n = 100;
	memset(d.b.p, 0, 100);
	ok(read_again(&d, &seen) == ERR_MORE, "room alone is no segment");
	ledger_free(l);
	buf_done(&d.b);
}

static void
test_refused(void)
{
	const struct tlog_range none = { .size = 0 };
	struct tlog_range later = { .size = 5 };
	struct ledger_seen seen = { .good = 0 };
	struct mem_disk d;
	struct ledger *l;
	struct note why;

	mem_disk_init(&d);
	ok(ledger_new(&d.disk, STR(""), &none) == NULL, "a segment has a name");
	l = ledger_new(&d.disk, STR("cell-0-000002"), &later);
	ok(rec_stage(l, 5, "x", STR("a")) == ERR_SYNTAX, "seq repeated");
	ok(rec_stage(l, 7, "x", STR("a")) == ERR_SYNTAX, "seq skipped");
	ok(rec_stage(l, 6, "x", STR("a")) == OK && ledger_write(l) == OK,
	    "seq as it must be");
	ok(ledger_read(buf_view(&d.b), &seen, NULL, NULL, &why) == ERR_SYNTAX,
	    "earlier segments are missing");
	ok(ledger_start(buf_view(&d.b), &seen, &why) == OK &&
		ledger_read(buf_view(&d.b), &seen, NULL, NULL, &why) == OK &&
		seen.tree.size == 6,
	    "unless the reader is told to start there");
	ok(ledger_read(buf_view(&d.b), &seen, NULL, NULL, &why) == ERR_SYNTAX,
	    "the same segment again does not follow");
	d.fail = true;
	ok(rec_stage(l, 7, "x", STR("a")) == OK && ledger_write(l) == ERR_OS,
	    "a failed write says so");
	d.fail = false;
	ok(ledger_write(l) != OK && rec_stage(l, 8, "x", STR("a")) != OK,
	    "and is final");
	ledger_free(l);
	buf_done(&d.b);
}

int
main(void)
{
	test_text();
	test_cut();
	test_hostile_tape();
	test_segments();
	test_room();
	test_refused();
	return tap_done();
}
