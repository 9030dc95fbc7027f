/*
 * test-tls: both ends in one process, certificates made here.  Every refusal
 * has a twin that differs in the one thing that is refused.
 */
#include "base/tap.h"
#include "wire/wire-in.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

enum { DAY = 24 * 3600, BUF_MAX = 1 << 20 };

/* ---- certificates ---- */
struct id {
	EVP_PKEY *key;
	X509 *cert;
	struct buf cert_pem, key_pem;
};

static EVP_PKEY *
key_make(const char *type)
{
	if (str_eq(str_of(type), STR("RSA")))
		return EVP_RSA_gen(2048);
	if (str_eq(str_of(type), STR("ED25519")))
		return EVP_PKEY_Q_keygen(NULL, NULL, type);
	return EVP_EC_gen(type);
}

static void
extend(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_nconf_nid(NULL, NULL, nid, value);

	BUG_ON(e == NULL || X509_add_ext(x, e, -1) != 1);
	X509_EXTENSION_free(e);
}

static void
pem_of(struct buf *out, BIO *b)
{
	char *p;
	const long n = BIO_get_mem_data(b, &p);

	out->max = BUF_MAX;
	buf_put(out, p, (size_t)n);
	BIO_free(b);
}

struct wish {
	const char *type, *name, *san, *usage; /* san NULL: an authority */
	long from, until;		       /* days from now */
};

static struct id
id_make(const struct wish *w, const struct id *ca)
{
	static long serial = 1;
	struct id d = { .key = key_make(w->type), .cert = X509_new() };
	const EVP_MD *md =
	    str_eq(str_of(w->type), STR("ED25519")) ? NULL : EVP_sha256();
	EVP_PKEY *by = ca == NULL ? d.key : ca->key;
	X509_NAME *name = X509_get_subject_name(d.cert);
	BIO *c = BIO_new(BIO_s_mem()), *k = BIO_new(BIO_s_mem());

	X509_set_version(d.cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(d.cert), serial++);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	    (const unsigned char *)w->name, -1, -1, 0);
	X509_set_issuer_name(
	    d.cert, ca == NULL ? name : X509_get_subject_name(ca->cert));
	X509_gmtime_adj(X509_getm_notBefore(d.cert), w->from * DAY);
	X509_gmtime_adj(X509_getm_notAfter(d.cert), w->until * DAY);
	X509_set_pubkey(d.cert, d.key);
	extend(d.cert, NID_basic_constraints,
	    w->san == NULL ? "critical,CA:TRUE" : "critical,CA:FALSE");
	if (w->san != NULL && w->san[0] != '\0')
		extend(d.cert, NID_subject_alt_name, w->san);
	if (w->usage != NULL)
		extend(d.cert, NID_ext_key_usage, w->usage);
	if (by != NULL && ca != NULL &&
	    str_eq(str_of(EVP_PKEY_get0_type_name(by)), STR("ED25519")))
		md = NULL;
	else if (ca != NULL)
		md = EVP_sha256();
	BUG_ON(X509_sign(d.cert, by, md) <= 0);
	BUG_ON(PEM_write_bio_X509(c, d.cert) != 1);
	BUG_ON(
	    PEM_write_bio_PrivateKey(k, d.key, NULL, NULL, 0, NULL, NULL) != 1);
	pem_of(&d.cert_pem, c);
	pem_of(&d.key_pem, k);
	return d;
}

static void
id_done(struct id *d)
{
	EVP_PKEY_free(d->key);
	X509_free(d->cert);
	buf_done(&d->cert_pem);
	buf_done(&d->key_pem);
}

/* ---- two ends ---- */
struct ends {
	struct tls *client, *server;
	struct buf up, down; /* wire bytes on their way */
	struct buf at_server, at_client;
	enum err client_err, server_err;
	struct note client_why, server_why;
};

static void
ends_done(struct ends *e)
{
	struct buf *all[] = { &e->up, &e->down, &e->at_server, &e->at_client };

	tls_free(e->client);
	tls_free(e->server);
	for (size_t i = 0; i < countof(all); i++)
		buf_done(all[i]);
}

static bool
lives(enum err e)
{
	return e == OK || e == ERR_MORE;
}

/* Moves bytes, at most `step` a call, until nothing moves.  An end that failed
 * gets no more. */
static void
pump(struct ends *e, size_t step)
{
	for (size_t round = 0; round < 100000; round++) {
		struct str u = str_sub(buf_view(&e->up), 0, step);
		struct str d;

		if (e->up.n + e->down.n == 0 && round > 0)
			return;
		if (u.n > 0 && lives(e->server_err))
			e->server_err = tls_in(e->server, u, &e->at_server,
			    &e->down, &e->server_why);
		buf_drop(&e->up, u.n);
		d = str_sub(buf_view(&e->down), 0, step);
		if ((d.n > 0 || round == 0) && lives(e->client_err))
			e->client_err = tls_in(e->client, d, &e->at_client,
			    &e->up, &e->client_why);
		buf_drop(&e->down, d.n);
	}
}

static bool
ends_make(struct ends *e, struct tls_ctx *c, struct tls_ctx *s, struct str name)
{
	*e = (struct ends){ .up.max = BUF_MAX,
		.down.max = BUF_MAX,
		.at_server.max = BUF_MAX,
		.at_client.max = BUF_MAX };
	return tls_new(c, name, &e->client) == OK &&
	       tls_new(s, (struct str){ NULL, 0 }, &e->server) == OK;
}

static bool
talk(struct ends *e)
{
	return tls_out(e->client, STR("hello"), &e->up) == OK &&
	       tls_out(e->server, STR("world"), &e->down) == OK &&
	       (pump(e, SIZE_MAX), true) &&
	       str_eq(buf_view(&e->at_server), STR("hello")) &&
	       str_eq(buf_view(&e->at_client), STR("world"));
}

static struct tls_ctx *
ctx_make(const struct tls_setup *s)
{
	struct tls_ctx *c = NULL;
	struct note why = { "" };

	if (tls_ctx_new(s, &c, &why) != OK)
		printf("# %s\n", why.text);
	return c;
}

/* ---- who is who ---- */
static struct id ca, other_ca, ids[16];
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
	[AGENT_STRANGER] = { "P-256", "agent", "DNS:agent", "clientAuth", -1,
	    9 },
};

static void
ids_make(void)
{
	static const struct wish root = { "P-256", "root", NULL, NULL, -9, 99 };
	static const struct wish other = { "P-256", "other", NULL, NULL, -9,
		99 };

	ca = id_make(&root, NULL);
	other_ca = id_make(&other, NULL);
	for (size_t i = 0; i < WHO_N; i++)
		ids[i] = id_make(&wishes[i],
		    i == STRANGER || i == AGENT_STRANGER ? &other_ca : &ca);
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

/* ---- keys that are elsewhere ---- */
struct elsewhere {
	EVP_PKEY *key;
	unsigned scheme;
	size_t calls, hash_n;
	bool fails, lies, tbs_good;
};

static bool
tbs_check(struct elsewhere *w, struct str tbs)
{
	static const char words[] = "TLS 1.3, server CertificateVerify";

	for (size_t i = 0; i < 64; i++)
		if (tbs.n < 64 || tbs.p[i] != ' ')
			return false;
	if (!str_starts(str_sub(tbs, 64, tbs.n),
		(struct str){ words, sizeof(words) })) /* with its NUL */
		return false;
	w->hash_n = tbs.n - 64 - sizeof(words);
	return w->hash_n == 32 || w->hash_n == 48;
}

static enum err
sign_here(
    void *arg, unsigned scheme, struct str tbs, unsigned char *out, size_t *n)
{
	struct elsewhere *w = arg;
	EVP_MD_CTX *m = EVP_MD_CTX_new();
	EVP_PKEY_CTX *p = NULL;
	const EVP_MD *md = scheme == 0x0807			  ? NULL
			   : scheme == 0x0403 || scheme == 0x0804 ? EVP_sha256()
			   : scheme == 0x0503 || scheme == 0x0805
			       ? EVP_sha384()
			       : EVP_sha512();
	bool good;

	w->calls++;
	w->scheme = scheme;
	w->tbs_good = tbs_check(w, tbs);
	if (w->lies)
		tbs.n--;
	good = !w->fails && EVP_DigestSignInit(m, &p, md, NULL, w->key) == 1;
	if (good && EVP_PKEY_is_a(w->key, "RSA"))
		good = EVP_PKEY_CTX_set_rsa_padding(p, RSA_PKCS1_PSS_PADDING) ==
			   1 &&
		       EVP_PKEY_CTX_set_rsa_pss_saltlen(
			   p, RSA_PSS_SALTLEN_DIGEST) == 1;
	good = good && EVP_DigestSign(
			   m, out, n, (const unsigned char *)tbs.p, tbs.n) == 1;
	EVP_MD_CTX_free(m);
	return good ? OK : ERR_DENIED;
}

static const struct {
	const char *name;
	enum who who;
	unsigned scheme;
	bool fails, lies;
} remotes[] = {
	{ "P-256", GOOD, 0x0403, false, false },
	{ "P-384", P384, 0x0503, false, false },
	{ "Ed25519", ED, 0x0807, false, false },
	{ "RSA-PSS", RSA_ID, 0x0804, false, false },
	{ "that refuses", GOOD, 0x0403, true, false },
	{ "that signs something else", GOOD, 0x0403, false, true },
	{ "RSA that signs something else", RSA_ID, 0x0804, false, true },
};

static void
test_remote(void)
{
	const struct tls_setup cs = { .trust_pem = buf_view(&ca.cert_pem) };
	struct tls_ctx *c = ctx_make(&cs);

	for (size_t i = 0; i < countof(remotes); i++) {
		const bool want = !remotes[i].fails && !remotes[i].lies;
		struct elsewhere w = { .key = ids[remotes[i].who].key,
			.fails = remotes[i].fails,
			.lies = remotes[i].lies };
		const struct tls_setup ss = { .server = true,
			.cert_pem = buf_view(&ids[remotes[i].who].cert_pem),
			.sign = sign_here,
			.arg = &w };
		struct tls_ctx *s = ctx_make(&ss);
		struct ends e = { 0 };
		bool good =
		    s != NULL && ends_make(&e, c, s, STR("tool.example"));

		if (good) {
			pump(&e, SIZE_MAX);
			good = w.calls == 1 && w.scheme == remotes[i].scheme &&
			       w.tbs_good &&
			       want == (e.client_err == OK && talk(&e)) &&
			       want == tls_ready(e.client);
		}
		ok(good, "a key elsewhere: %s (%s, %s)", remotes[i].name,
		    e.client_why.text, e.server_why.text);
		ends_done(&e);
		tls_ctx_free(s);
	}
	tls_ctx_free(c);
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
	test_remote();
	test_versions();
	test_bytes();
	test_setup();
	for (size_t i = 0; i < WHO_N; i++)
		id_done(&ids[i]);
	id_done(&ca);
	id_done(&other_ca);
	return tap_done();
}
