/*
 * test-tls: both ends in one process, certificates made here.  Every refusal
 * has a twin that differs in the one thing that is refused.
 */
#include "wire/test-tls.h"

#include "base/tap.h"

/* ---- who is who ---- */
static struct id ca, other_ca, middle, ids[16];
enum who {
	GOOD,
	EXPIRED,
	FUTURE,
	CN_ONLY,
	CLIENT_USE,
	STRANGER,
	WILD,
	P384,
	ED,
	RSA_ID,
	AGENT,
	AGENT_OLD,
	AGENT_STRANGER,
	BELOW, /* an authority between */
	WHO_N
};
static const struct wish wishes[] = {
	[GOOD] = { "P-256", "x", "DNS:tool.example,IP:127.0.0.1,IP:::1", NULL,
	    -1, 9 },
	[EXPIRED] = { "P-256", "x", "DNS:tool.example", NULL, -9, -1 },
	[FUTURE] = { "P-256", "x", "DNS:tool.example", NULL, 1, 9 },
	[CN_ONLY] = { "P-256", "tool.example", "", NULL, -1, 9 },
	[CLIENT_USE] = { "P-256", "x", "DNS:tool.example", "clientAuth", -1,
	    9 },
	[STRANGER] = { "P-256", "x", "DNS:tool.example", NULL, -1, 9 },
	[WILD] = { "P-256", "x", "DNS:*.tool.example", NULL, -1, 9 },
	[P384] = { "P-384", "x", "DNS:tool.example", NULL, -1, 9 },
	[ED] = { "ED25519", "x", "DNS:tool.example", NULL, -1, 9 },
	[RSA_ID] = { "RSA", "x", "DNS:tool.example", NULL, -1, 9 },
	[AGENT] = { "P-256", "agent", "DNS:agent", "clientAuth", -1, 9 },
	[AGENT_OLD] = { "P-256", "agent", "DNS:agent", "clientAuth", -9, -1 },
	[BELOW] = { "P-256", "x", "DNS:tool.example", NULL, -1, 9 },
	[AGENT_STRANGER] = { "P-256", "agent", "DNS:agent", "clientAuth", -1,
	    9 },
};

static void
ids_make(void)
{
	static const struct wish root = { "P-256", "root", NULL, NULL, -9, 99 };
	static const struct wish other = { "P-256", "other", NULL, NULL, -9,
		99 };

	static const struct wish between = { "P-256", "middle", NULL, NULL, -9,
		99 };

	ca = id_make(&root, NULL);
	middle = id_make(&between, &ca);
	other_ca = id_make(&other, NULL);
	for (size_t i = 0; i < WHO_N; i++)
		ids[i] = id_make(&wishes[i],
		    i == BELOW				   ? &middle
		    : i == STRANGER || i == AGENT_STRANGER ? &other_ca
							   : &ca);
}

static const struct {
	const char *name, *host;
	enum who who;
	enum err e;
} servers[] = {
	{ "the right name", "tool.example", GOOD, OK },
	{ "the right name in capitals", "TOOL.example", GOOD, OK },
	{ "with the root's dot", "tool.example.", GOOD, OK },
	{ "an address", "127.0.0.1", GOOD, OK },
	{ "a longer address", "[::1]", GOOD, OK },
	{ "a wrong name", "fool.example", GOOD, ERR_DENIED },
	{ "a name below it", "a.tool.example", GOOD, ERR_DENIED },
	{ "a wrong address", "127.0.0.2", GOOD, ERR_DENIED },
	{ "a longer wrong address", "::2", GOOD, ERR_DENIED },
	{ "a wildcard", "a.tool.example", WILD, OK },
	{ "two labels for a wildcard", "a.b.tool.example", WILD, ERR_DENIED },
	{ "no label for a wildcard", "tool.example", WILD, ERR_DENIED },
	{ "an expired one", "tool.example", EXPIRED, ERR_DENIED },
	{ "one of the future", "tool.example", FUTURE, ERR_DENIED },
	{ "a common name alone", "tool.example", CN_ONLY, ERR_DENIED },
	{ "a client's one", "tool.example", CLIENT_USE, ERR_DENIED },
	{ "an unknown authority's", "tool.example", STRANGER, ERR_DENIED },
	{ "P-384", "tool.example", P384, OK },
	{ "Ed25519", "tool.example", ED, OK },
	{ "RSA", "tool.example", RSA_ID, OK },
};

static void
test_server_certs(void)
{
	const struct tls_setup cs = { .trust_pem = buf_view(&ca.cert_pem) };
	struct tls_ctx *c = ctx_make(&cs);

	for (size_t i = 0; i < countof(servers); i++) {
		const struct id *d = &ids[servers[i].who];
		const struct tls_setup ss = { .server = true,
			.cert_pem = buf_view(&d->cert_pem),
			.key_pem = buf_view(&d->key_pem) };
		struct tls_ctx *s = ctx_make(&ss);
		struct ends e;
		unsigned char hash[32];
		bool good = ends_make(&e, c, s, str_of(servers[i].host));

		pump(&e, i % 2 == 0 ? SIZE_MAX : 1);
		good = good && e.client_err == servers[i].e;
		if (servers[i].e == OK)
			good = good && e.server_err == OK && talk(&e) &&
			       tls_ready(e.client) && tls_ready(e.server) &&
			       tls_peer_digest(e.client, hash) &&
			       !tls_peer_digest(e.server, hash);
		else
			good = good && !tls_ready(e.client) &&
			       e.server_err == ERR_DENIED &&
			       tls_out(e.client, STR("x"), &e.up) != OK;
		ok(good, "server certificate: %s (%s)", servers[i].name,
		    e.client_why.text);
		ends_done(&e);
		tls_ctx_free(s);
	}
	tls_ctx_free(c);
}

static const struct {
	const char *name;
	int who; /* -1: none */
	bool need;
	enum err e; /* the server's */
} clients[] = {
	{ "a good one", AGENT, true, OK },
	{ "a good one that was not needed", AGENT, false, OK },
	{ "none though needed", -1, true, ERR_DENIED },
	{ "none, none needed", -1, false, OK },
	{ "an expired one", AGENT_OLD, true, ERR_DENIED },
	{ "an expired one though none needed", AGENT_OLD, false, ERR_DENIED },
	{ "an unknown authority's", AGENT_STRANGER, true, ERR_DENIED },
};

static void
test_client_certs(void)
{
	for (size_t i = 0; i < countof(clients); i++) {
		struct tls_setup cs = { .trust_pem = buf_view(&ca.cert_pem) };
		const struct tls_setup ss = { .server = true,
			.cert_pem = buf_view(&ids[GOOD].cert_pem),
			.key_pem = buf_view(&ids[GOOD].key_pem),
			.trust_pem = buf_view(&ca.cert_pem),
			.need_client_cert = clients[i].need };
		unsigned char hash[32], want[32];
		struct tls_ctx *c, *s = ctx_make(&ss);
		struct ends e;
		bool good;

		if (clients[i].who >= 0) {
			cs.cert_pem = buf_view(&ids[clients[i].who].cert_pem);
			cs.key_pem = buf_view(&ids[clients[i].who].key_pem);
		}
		c = ctx_make(&cs);
		good = ends_make(&e, c, s, STR("tool.example"));
		pump(&e, SIZE_MAX);
		good = good && e.server_err == clients[i].e;
		if (clients[i].e == OK)
			good = good && talk(&e) &&
			       tls_peer_digest(e.server, hash) ==
				   (clients[i].who >= 0);
		else
			good = good && e.client_err == ERR_DENIED;
		if (good && clients[i].e == OK && clients[i].who >= 0)
			good = X509_digest(ids[clients[i].who].cert,
				   EVP_sha256(), want, NULL) == 1 &&
			       memcmp(hash, want, 32) == 0;
		ok(good, "client certificate: %s (%s)", clients[i].name,
		    e.server_why.text);
		ends_done(&e);
		tls_ctx_free(c);
		tls_ctx_free(s);
	}
}

/* ---- strangers that speak otherwise ---- */
static void
test_versions(void)
{
	static const struct {
		const char *name;
		int version;
		const char *alpn;
		bool good;
	} cases[] = {
		{ "TLS 1.3", TLS1_3_VERSION, NULL, true },
		{ "TLS 1.2", TLS1_2_VERSION, NULL, false },
		{ "ALPN http/1.1", TLS1_3_VERSION, "\x08http/1.1", true },
		{ "ALPN h2 and http/1.1", TLS1_3_VERSION, "\x02h2\x08http/1.1",
		    true },
		{ "ALPN h2 alone", TLS1_3_VERSION, "\x02h2", false },
	};
	const struct tls_setup ss = { .server = true,
		.cert_pem = buf_view(&ids[GOOD].cert_pem),
		.key_pem = buf_view(&ids[GOOD].key_pem) };
	struct tls_ctx *s = ctx_make(&ss);

	for (size_t i = 0; i < countof(cases); i++) {
		SSL_CTX *x = SSL_CTX_new(TLS_client_method());
		SSL *c = SSL_new(x);
		struct buf plain = { .max = BUF_MAX },
			   down = { .max = BUF_MAX };
		struct note why = { "" };
		struct tls *t = NULL;
		enum err e = tls_new(s, (struct str){ NULL, 0 }, &t);

		SSL_set_max_proto_version(c, cases[i].version);
		SSL_set_bio(c, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
		if (cases[i].alpn != NULL)
			SSL_set_alpn_protos(c,
			    (const unsigned char *)cases[i].alpn,
			    (unsigned)strlen(cases[i].alpn));
		for (int k = 0; k < 4; k++) {
			char *p;
			long n;

			(void)SSL_connect(c);
			n = BIO_get_mem_data(SSL_get_wbio(c), &p);
			if (n > 0)
				e = tls_in(t, (struct str){ p, (size_t)n },
				    &plain, &down, &why);
			(void)BIO_reset(SSL_get_wbio(c));
			if (down.n > 0)
				BIO_write(SSL_get_rbio(c), down.p, (int)down.n);
			buf_clear(&down);
		}
		ok(cases[i].good
			? e == OK && tls_ready(t) && SSL_is_init_finished(c)
			: e == ERR_SYNTAX && !tls_ready(t),
		    "%s (%s)", cases[i].name, why.text);
		tls_free(t);
		SSL_free(c);
		SSL_CTX_free(x);
		buf_done(&plain);
		buf_done(&down);
	}
	tls_ctx_free(s);
}

/* ---- bytes ---- */
static void
test_bytes(void)
{
	const struct tls_setup cs = { .trust_pem = buf_view(&ca.cert_pem) };
	const struct tls_setup ss = { .server = true,
		.cert_pem = buf_view(&ids[GOOD].cert_pem),
		.key_pem = buf_view(&ids[GOOD].key_pem) };
	struct tls_ctx *c = ctx_make(&cs), *s = ctx_make(&ss);
	struct buf big = { .max = BUF_MAX }, tiny = { .max = 8 };
	struct ends e;

	for (int i = 0; i < 100000; i++)
		buf_ch(&big, (char)i);
	ok(ends_make(&e, c, s, STR("tool.example")) &&
		tls_out(e.client, STR("x"), &e.up) == ERR_MORE,
	    "nothing is sent before the handshake ends");
	pump(&e, 7);
	ok(tls_ready(e.client) && tls_ready(e.server), "in bits of seven");
	ok(tls_out(e.client, buf_view(&big), &e.up) == OK && e.up.n > big.n,
	    "many records out");
	pump(&e, 1000);
	ok(str_eq(buf_view(&e.at_server), buf_view(&big)), "and in");
	tls_bye(e.client, &e.up);
	ok(e.up.n > 0, "a goodbye");
	pump(&e, SIZE_MAX);
	ok(e.server_err == ERR_GONE, "is understood");
	ends_done(&e);
	(void)ends_make(&e, c, s, STR("tool.example"));
	pump(&e, SIZE_MAX);
	ok(tls_out(e.client, STR("hello"), &e.up) == OK, "one record");
	e.up.p[e.up.n - 1] ^= 1;
	pump(&e, SIZE_MAX);
	ok(e.server_err == ERR_SYNTAX && e.at_server.n == 0,
	    "a flipped bit (%s)", e.server_why.text);
	ok(tls_in(e.server, STR("x"), &e.at_server, &e.down, NULL) ==
		ERR_SYNTAX,
	    "it stays broken");
	ends_done(&e);
	(void)ends_make(&e, c, s, STR("tool.example"));
	ok(tls_in(e.server, STR("GET / HTTP/1.1\r\n\r\n"), &e.at_server,
	       &e.down, &e.server_why) == ERR_SYNTAX,
	    "plain HTTP (%s)", e.server_why.text);
	ends_done(&e);
	(void)ends_make(&e, c, s, STR("tool.example"));
	ok(tls_in(e.client, STR(""), &e.at_client, &tiny, &e.client_why) ==
		ERR_LIMIT,
	    "no room to write");
	ends_done(&e);
	buf_done(&tiny);
	(void)ends_make(&e, c, s, STR("tool.example"));
	pump(&e, SIZE_MAX);
	tiny.max = 8;
	ok(tls_out(e.client, buf_view(&big), &e.up) == OK &&
		tls_in(e.server, buf_view(&e.up), &tiny, &e.down, NULL) ==
		    ERR_LIMIT,
	    "no room to read");
	ends_done(&e);
	buf_done(&tiny);
	buf_done(&big);
	tls_ctx_free(c);
	tls_ctx_free(s);
}

/* A chain of three, with and without its middle. */
static void
test_chain(void)
{
	const struct tls_setup cs = { .trust_pem = buf_view(&ca.cert_pem) };
	struct tls_ctx *c = ctx_make(&cs);
	struct buf pem = { .max = BUF_MAX };

	for (int whole = 0; whole < 2; whole++) {
		struct tls_setup ss = { .server = true,
			.key_pem = buf_view(&ids[BELOW].key_pem) };
		struct tls_ctx *s;
		struct ends e;

		buf_clear(&pem);
		buf_str(&pem, buf_view(&ids[BELOW].cert_pem));
		if (whole)
			buf_str(&pem, buf_view(&middle.cert_pem));
		ss.cert_pem = buf_view(&pem);
		s = ctx_make(&ss);
		(void)ends_make(&e, c, s, STR("tool.example"));
		pump(&e, SIZE_MAX);
		ok(e.client_err == (whole ? OK : ERR_DENIED),
		    "a chain %s its middle (%s)", whole ? "with" : "without",
		    e.client_why.text);
		ends_done(&e);
		tls_ctx_free(s);
	}
	tls_ctx_free(c);
	buf_done(&pem);
}

static void
test_setup(void)
{
	static const char encrypted[] =
	    "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n"
	    "-----END ENCRYPTED PRIVATE KEY-----\n";
	const struct str cert = buf_view(&ids[GOOD].cert_pem);
	const struct str key = buf_view(&ids[GOOD].key_pem);
	const struct {
		const char *name;
		struct tls_setup s;
		bool good;
	} cases[] = {
		{ "a server",
		    { .server = true, .cert_pem = cert, .key_pem = key },
		    true },
		{ "without a certificate", { .server = true }, false },
		{ "without a key", { .server = true, .cert_pem = cert },
		    false },
		{ "with another's key",
		    { .server = true,
			.cert_pem = cert,
			.key_pem = buf_view(&ids[P384].key_pem) },
		    false },
		{ "with garbage for a certificate",
		    { .server = true, .cert_pem = STR("x"), .key_pem = key },
		    false },
		{ "with an encrypted key",
		    { .server = true,
			.cert_pem = cert,
			.key_pem = STR(encrypted) },
		    false },
		{ "that needs clients nobody vouches for",
		    { .server = true,
			.cert_pem = cert,
			.key_pem = key,
			.need_client_cert = true },
		    false },
		{ "a client", { .trust_pem = cert }, true },
		{ "with garbage for trust", { .trust_pem = STR("x") }, false },
	};
	struct tls *t = NULL;
	struct tls_ctx *c;

	for (size_t i = 0; i < countof(cases); i++) {
		struct note why = { "" };

		c = NULL;
		ok((tls_ctx_new(&cases[i].s, &c, &why) == OK) == cases[i].good,
		    "setup: %s (%s)", cases[i].name, why.text);
		tls_ctx_free(c);
	}
	c = ctx_make(&cases[7].s);
	ok(tls_new(c, STR(""), &t) == ERR_SYNTAX, "no name to check");
	ok(tls_new(c, STR("a\0b"), &t) == ERR_SYNTAX, "a name with NUL");
	tls_ctx_free(c);
}

int
main(void)
{
	ids_make();
	test_server_certs();
	test_client_certs();
	test_versions();
	test_bytes();
	test_chain();
	test_setup();
	for (size_t i = 0; i < WHO_N; i++)
		id_done(&ids[i]);
	id_done(&ca);
	id_done(&middle);
	id_done(&other_ca);
	return tap_done();
}
