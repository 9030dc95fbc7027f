/* test-disclose: examples of RFC 9901 s.4.2, and what must not open. */
#include "base/tap.h"
#include "disclose/disclose.h"

static struct jv
tree(const char *text, struct buf *tape)
{
	buf_clear(tape);
	BUG_ON(json_parse(str_of(text), &json_default, tape, NULL) != OK);
	return jv_of(buf_view(tape));
}

/* The disclosures of s.4.2.1 and s.4.2.2, their digests of s.4.2.3 and
 * s.4.2.4.2. */
static const struct {
	const char *disclosure, *digest;
} vectors[] = {
	{ "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7Zia"
	  "XVzIl0",
	    "X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0" },
	{ "WyJsa2x4RjVqTVlsR1RQVW92TU5JdkNBIiwgIkZSIl0",
	    "w0I8EKcdCtUPkGCNUrfwVp2xEgNjtoIDlOxc9-PlOhs" },
};

static void
test_vectors(void)
{
	struct buf rec = { .max = 4096 }, list = { .max = 4096 };
	struct buf text = { .max = 4096 };
	const struct str given[] = { str_of(vectors[0].disclosure),
		str_of(vectors[1].disclosure) };
	char digest[COMMITMENT_N], record[400];
	struct opened *o = NULL;
	struct note why = { "" };

	for (size_t i = 0; i < countof(vectors); i++) {
		disclosure_digest(str_of(vectors[i].disclosure), digest);
		ok(memcmp(digest, vectors[i].digest, sizeof(digest)) == 0,
		    "RFC 9901 s.4.2, digest %zu", i + 1);
	}
	(void)snprintf(record, sizeof(record),
	    "{\"_sd\":[\"%s\"],\"nationalities\":[\"DE\",{\"...\":\"%s\"},"
	    "{\"...\":\"other\"}]}",
	    vectors[0].digest, vectors[1].digest);
	ok(opened_new(tree(record, &rec), given, 2, &o, &why) == OK,
	    "both open %s", why.text);
	opened_record(o, &list);
	json_write(jv_of(buf_view(&list)), &text);
	ok(str_eq(buf_view(&text), STR("{\"nationalities\":[\"DE\",\"FR\"],"
				       "\"family_name\":\"M\xc3\xb6"
				       "bius\"}")),
	    "s.7.1: the payload is %.*s", STR_ARG(buf_view(&text)));
	opened_free(o);
	ok(opened_new(tree(record, &rec), given, 0, &o, &why) == OK,
	    "none open as well");
	buf_clear(&list);
	buf_clear(&text);
	opened_record(o, &list);
	json_write(jv_of(buf_view(&list)), &text);
	ok(str_eq(buf_view(&text), STR("{\"nationalities\":[\"DE\"]}")),
	    "what is not disclosed is not there");
	opened_free(o);
	buf_done(&rec);
	buf_done(&list);
	buf_done(&text);
}

/* What the gateway makes: without spaces, the value as it was sent. */
static void
test_make(void)
{
	static const unsigned char salt[SALT_N] = { 0xff };
	struct buf out = { .max = 4096 }, work = { .max = 4096 };
	struct buf v = { .max = 4096 }, text = { .max = 4096 };

	disclosure_put(
	    &out, salt, STR("a\""), tree("{\"n\":1.50,\"m\":[]}", &v), &work);
	ok(base64url_get(buf_view(&out), &text) == OK &&
		str_eq(buf_view(&text), STR("[\"_wAAAAAAAAAAAAAAAAAAAA\",\"a"
					    "\\\"\",{\"n\":1.50,\"m\":[]}]")),
	    "%.*s", STR_ARG(buf_view(&text)));
	ok(!out.full, "it fits");
	buf_done(&out);
	out.max = 40;
	disclosure_put(&out, salt, STR("a"), jv_of(buf_view(&v)), &work);
	ok(out.full, "one that does not is not cut");
	buf_done(&out);
	buf_done(&work);
	buf_done(&v);
	buf_done(&text);
}

#define D0 "WyJzMCIsImEiLDFd"	 /* ["s0","a",1] */
#define D1 "WyJzMSIsImEiLDJd"	 /* ["s1","a",2] */
#define D2 "WyJzMiIsIl9zZCIsMV0" /* ["s2","_sd",1] */
#define D3 "WyJzMyIsIi4uLiIsMV0" /* ["s3","...",1] */
#define D4 "WyJzNCJd"		 /* ["s4"] */
#define D5 "WzEsImEiLDFd"	 /* [1,"a",1] */
#define D6 "eyJhIjoxfQ"		 /* {"a":1} */

static const struct {
	const char *record; /* %s: the digest of the first disclosure */
	const char *disclosure[2];
	enum err want;
} bad[] = {
	{ "{\"_sd\":[\"%s\"]}", { D0 }, OK },
	{ "{\"_sd\":[\"%s\"]}", { D0, D0 }, ERR_DENIED }, /* twice */
	{ "{\"_sd\":[\"%s\"]}", { D0, D1 }, ERR_DENIED }, /* unknown */
	{ "{\"_sd\":[\"%s\",\"%s\"]}", { D0 }, ERR_DENIED },
	{ "{\"_sd\":[\"%s\"],\"a\":3}", { D0 }, ERR_DENIED }, /* is there */
	{ "{\"b\":{\"_sd\":[\"%s\"]},\"a\":3}", { D0 }, OK },
	{ "{\"x\":[{\"...\":\"%s\"}]}", { D0 }, ERR_DENIED }, /* a member */
	{ "{\"_sd\":[\"%s\"],\"_sd_alg\":\"sha-256\"}", { D0 }, OK },
	{ "{\"_sd\":[\"%s\"],\"_sd_alg\":\"sha-512\"}", { D0 }, ERR_LIMIT },
	{ "{\"_sd\":[\"%s\"]}", { D2 }, ERR_SYNTAX },
	{ "{\"_sd\":[\"%s\"]}", { D3 }, ERR_SYNTAX },
	{ "{\"_sd\":[\"%s\"]}", { D4 }, ERR_SYNTAX },
	{ "{\"_sd\":[\"%s\"]}", { D5 }, ERR_SYNTAX },
	{ "{\"_sd\":[\"%s\"]}", { D6 }, ERR_SYNTAX },
	{ "{\"_sd\":[\"%s\"]}", { "WyJzMCIsImEiLDFd=" }, ERR_SYNTAX },
	{ "{\"_sd\":[\"%s\"]}", { "" }, ERR_SYNTAX },
};

static void
test_refusals(void)
{
	struct buf rec = { .max = 4096 };

	for (size_t i = 0; i < countof(bad); i++) {
		struct str given[2];
		char digest[COMMITMENT_N], text[300];
		struct opened *o = NULL;
		struct note why = { "" };
		size_t n = 0;
		enum err e;

		for (; n < 2 && bad[i].disclosure[n] != NULL; n++)
			given[n] = str_of(bad[i].disclosure[n]);
		disclosure_digest(given[0], digest);
		(void)snprintf(text, sizeof(text), "%s", bad[i].record);
		for (char *at = strstr(text, "%s"); at != NULL;
		     at = strstr(text, "%s")) {
			memmove(at + COMMITMENT_N, at + 2, strlen(at + 2) + 1);
			memcpy(at, digest, COMMITMENT_N);
		}
		e = opened_new(tree(text, &rec), given, n, &o, &why);
		ok(e == bad[i].want, "%s of %s: %s %s", bad[i].record,
		    bad[i].disclosure[0], err_name(e), why.text);
		opened_free(o);
	}
	buf_done(&rec);
}

/* A disclosure opens with its own salt, name and value alone. */
static void
test_bits(void)
{
	struct buf rec = { .max = 4096 };
	char text[] = D0, record[200], digest[COMMITMENT_N];
	struct str given = { text, sizeof(text) - 1 };
	unsigned opened = 0;
	struct jv v;

	disclosure_digest(given, digest);
	(void)snprintf(record, sizeof(record), "{\"_sd\":[\"%.*s\"]}",
	    COMMITMENT_N, digest);
	v = tree(record, &rec);
	for (size_t i = 0; i < 8 * given.n; i++) {
		struct opened *o = NULL;
		struct note why;

		text[i / 8] ^= (char)(1U << i % 8);
		opened += opened_new(v, &given, 1, &o, &why) == OK;
		opened_free(o);
		text[i / 8] ^= (char)(1U << i % 8);
	}
	ok(opened == 0, "with no bit changed does it open");
	buf_done(&rec);
}

/* Values commit to more; a chain of them is put together, to a depth. */
static void
test_chain(void)
{
	enum { LINKS = 200 };
	static char text[LINKS][400];
	struct buf rec = { .max = 1 << 16 }, list = { .max = 1 << 20 };
	struct buf b = { .max = 4096 };
	struct str given[LINKS];
	char inner[300] = "1", digest[COMMITMENT_N];
	struct opened *o = NULL;
	struct note why = { "" };
	size_t which = 0;

	for (size_t i = 0; i < LINKS; i++) {
		char json[400];

		(void)snprintf(
		    json, sizeof(json), "[\"s%zu\",\"a\",%s]", i, inner);
		buf_clear(&b);
		base64url_put(&b, str_of(json));
		(void)snprintf(
		    text[i], sizeof(text[i]), "%.*s", STR_ARG(buf_view(&b)));
		given[i] = str_of(text[i]);
		disclosure_digest(given[i], digest);
		(void)snprintf(inner, sizeof(inner),
		    "{\"b\":{\"_sd\":[\"%.*s\"]}}", COMMITMENT_N, digest);
	}
	ok(opened_new(tree(inner, &rec), given + LINKS - 20, 20, &o, &why) ==
		    OK &&
		opened_at(o, jv_get(jv_of(buf_view(&rec)), STR("b")), STR("a"),
		    &which) &&
		which == 19,
	    "the outermost of twenty stands where it is committed to %s",
	    why.text);
	opened_record(o, &list);
	ok(buf_end(&list) == OK &&
		jv_is(jv_at(jv_of(buf_view(&list)), "b/a/b/a/b/a/b"), J_OBJ),
	    "and all stand in each other");
	opened_free(o);
	o = NULL;
	ok(opened_new(tree(inner, &rec), given, LINKS, &o, &why) == OK, "%s",
	    why.text);
	buf_clear(&list);
	opened_record(o, &list);
	ok(buf_end(&list) == ERR_LIMIT, "two hundred are too deep to put in");
	opened_free(o);
	buf_done(&rec);
	buf_done(&list);
	buf_done(&b);
}

static void
test_content(void)
{
	static const struct {
		const char *text;
		enum err want;
	} row[] = {
		{ "[\"abc\",[\"1234567890123456789012\",\"params\",\"_meta\"]]",
		    OK },
		{ "[]", OK },
		{ "{}", ERR_SYNTAX },
		{ "[1]", ERR_SYNTAX },
		{ "[[\"1234567890123456789012\"]]", ERR_SYNTAX },
		{ "[[\"short\",\"params\"]]", ERR_SYNTAX },
		{ "[[\"1234567890123456789012\",1]]", ERR_SYNTAX },
		{ "[[\"1234567890123456789012\",\"a\",\"b\",\"c\",\"d\"]]",
		    ERR_SYNTAX },
	};
	struct buf b = { .max = 4096 };
	struct note why;
	static struct content c;

	for (size_t i = 0; i < countof(row); i++)
		ok(content_of(tree(row[i].text, &b), &c, &why) == row[i].want,
		    "content %s", row[i].text);
	buf_done(&b);
}

int
main(void)
{
	test_vectors();
	test_make();
	test_refusals();
	test_bits();
	test_chain();
	test_content();
	return tap_done();
}
