/*
 * test-keys-tls: the signer alone, then a whole handshake whose key is in a
 * child process behind a channel.
 */
#include "role/keys-tls.h"

#include "base/tap.h"
#include "role/tls-remote.h"
#include "wire/wire.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DAY = 24 * 3600, TEXT_MAX = 1 << 16 };

static EVP_PKEY *
key_make(const char *type)
{
	if (str_eq(str_of(type), STR("RSA")))
		return EVP_RSA_gen(2048);
	if (str_eq(str_of(type), STR("RSA-1024")))
		return EVP_RSA_gen(1024);
	if (str_eq(str_of(type), STR("ED25519")) ||
	    str_eq(str_of(type), STR("X25519")))
		return EVP_PKEY_Q_keygen(NULL, NULL, type);
	return EVP_EC_gen(type);
}

static void
take_pem(struct buf *out, BIO *b)
{
	char *p;
	const long n = BIO_get_mem_data(b, &p);

	buf_clear(out);
	out->max = TEXT_MAX;
	buf_put(out, p, (size_t)n);
	BIO_free(b);
}

static void
key_pem(EVP_PKEY *key, struct buf *out)
{
	BIO *b = BIO_new(BIO_s_mem());

	BUG_ON(
	    PEM_write_bio_PrivateKey(b, key, NULL, NULL, 0, NULL, NULL) != 1);
	take_pem(out, b);
}

static void
cert_pem(EVP_PKEY *key, struct buf *out)
{
	X509 *x = X509_new();
	X509_EXTENSION *e = X509V3_EXT_nconf_nid(
	    NULL, NULL, NID_subject_alt_name, "DNS:gate.example");
	X509_NAME *name = X509_get_subject_name(x);
	BIO *b = BIO_new(BIO_s_mem());

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_NAME_add_entry_by_txt(
	    name, "CN", MBSTRING_ASC, (const unsigned char *)"gate", -1, -1, 0);
	X509_set_issuer_name(x, name);
	X509_gmtime_adj(X509_getm_notBefore(x), -DAY);
	X509_gmtime_adj(X509_getm_notAfter(x), DAY);
	X509_set_pubkey(x, key);
	X509_add_ext(x, e, -1);
	BUG_ON(X509_sign(x, key, EVP_sha256()) <= 0);
	BUG_ON(PEM_write_bio_X509(b, x) != 1);
	take_pem(out, b);
	X509_EXTENSION_free(e);
	X509_free(x);
}

static const char hash32[] = "0123456789abcdef0123456789abcdef";
static const char hash48[] = "0123456789abcdef0123456789abcdef0123456789abcdef";
#define SPACES16 "                "
#define TBS SPACES16 SPACES16 SPACES16 SPACES16

static const struct str server_words =
    STR_INIT("TLS 1.3, server CertificateVerify\0");
static const struct str client_words =
    STR_INIT("TLS 1.3, client CertificateVerify\0");

static bool
verifies(EVP_PKEY *key, const char *md, struct str words, const char *hash,
    struct str sig)
{
	struct buf tbs = { .max = 256 };
	EVP_MD_CTX *m = EVP_MD_CTX_new();
	EVP_PKEY_CTX *p = NULL;
	bool good;

	buf_str(&tbs, STR(TBS));
	buf_str(&tbs, words);
	buf_str(&tbs, str_of(hash));
	good = EVP_DigestVerifyInit_ex(m, &p, md, NULL, NULL, key, NULL) == 1;
	if (good && EVP_PKEY_is_a(key, "RSA"))
		good = EVP_PKEY_CTX_set_rsa_padding(p, RSA_PKCS1_PSS_PADDING) ==
			   1 &&
		       EVP_PKEY_CTX_set_rsa_pss_saltlen(
			   p, RSA_PSS_SALTLEN_DIGEST) == 1;
	good = good && EVP_DigestVerify(m, (const unsigned char *)sig.p, sig.n,
			   (const unsigned char *)tbs.p, tbs.n) == 1;
	EVP_MD_CTX_free(m);
	buf_done(&tbs);
	return good;
}

static const struct {
	const char *type, *md;
	unsigned scheme;
	const char *hash;
	enum err e;
} signs[] = {
	{ "P-256", "SHA256", 0x0403, hash32, OK },
	{ "P-256", "SHA256", 0x0403, hash48, OK },
	{ "P-384", "SHA384", 0x0503, hash32, OK },
	{ "ED25519", NULL, 0x0807, hash48, OK },
	{ "RSA", "SHA256", 0x0804, hash32, OK },
	{ "RSA", "SHA384", 0x0805, hash32, OK },
	{ "RSA", "SHA512", 0x0806, hash32, OK },
	{ "P-256", NULL, 0x0503, hash32, ERR_DENIED },
	{ "P-384", NULL, 0x0403, hash32, ERR_DENIED },
	{ "P-256", NULL, 0x0804, hash32, ERR_DENIED },
	{ "RSA", NULL, 0x0401, hash32, ERR_DENIED },
	{ "RSA", NULL, 0, hash32, ERR_DENIED },
	{ "P-256", NULL, 0x0403, "0123456789abcdef0123456789abcde",
	    ERR_DENIED },
	{ "P-256", NULL, 0x0403, "", ERR_DENIED },
	{ "P-256", NULL, 0x0403, TBS "TLS 1.3, client", ERR_DENIED },
};

static void
test_sign(void)
{
	for (size_t i = 0; i < countof(signs); i++) {
		EVP_PKEY *key = key_make(signs[i].type);
		struct buf pem = { 0 }, sig = { .max = 2048 };
		struct keys_tls *k = NULL;
		enum err e;

		key_pem(key, &pem);
		e = keys_tls_new(buf_view(&pem), KEYS_TLS_SERVER, &k, NULL);
		if (!e)
			e = keys_tls_sign(
			    k, signs[i].scheme, str_of(signs[i].hash), &sig);
		ok(e == signs[i].e &&
			(e != OK || verifies(key, signs[i].md, server_words,
					signs[i].hash, buf_view(&sig))) &&
			(e == OK || sig.n == 0),
		    "%s, scheme %04x, %zu bytes: %s", signs[i].type,
		    signs[i].scheme, strlen(signs[i].hash), err_name(e));
		keys_tls_free(k);
		EVP_PKEY_free(key);
		buf_done(&pem);
		buf_done(&sig);
	}
}

/* A key signs for its side and no other; it knows its certificate. */
static void
test_sides(void)
{
	const struct str words[] = { server_words, client_words };
	EVP_PKEY *key = key_make("P-256"), *other = key_make("P-256");
	struct buf pem = { 0 }, cert = { 0 }, sig = { .max = 2048 };

	key_pem(key, &pem);
	for (int side = KEYS_TLS_SERVER; side <= KEYS_TLS_CLIENT; side++) {
		struct keys_tls *k = NULL;

		buf_clear(&sig);
		ok(keys_tls_new(buf_view(&pem), (enum keys_tls_side)side, &k,
		       NULL) == OK &&
			keys_tls_sign(k, 0x0403, str_of(hash32), &sig) == OK,
		    "side %d signs", side);
		ok(verifies(key, "SHA256", words[side], hash32, buf_view(&sig)),
		    "as itself");
		ok(!verifies(
		       key, "SHA256", words[1 - side], hash32, buf_view(&sig)),
		    "not as the other");
		cert_pem(key, &cert);
		ok(keys_tls_is_of(k, buf_view(&cert)), "its certificate");
		cert_pem(other, &cert);
		ok(!keys_tls_is_of(k, buf_view(&cert)), "another's");
		ok(!keys_tls_is_of(k, STR("none")), "none");
		keys_tls_free(k);
	}
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
	buf_done(&pem);
	buf_done(&cert);
	buf_done(&sig);
}

static void
test_keys(void)
{
	static const char *const bad[] = { "RSA-1024", "P-521", "X25519" };
	struct keys_tls *k = NULL;
	struct note why;

	ok(keys_tls_new(STR("garbage"), KEYS_TLS_SERVER, &k, &why) ==
		ERR_SYNTAX,
	    "garbage: %s", why.text);
	for (size_t i = 0; i < countof(bad); i++) {
		EVP_PKEY *key = key_make(bad[i]);
		struct buf pem = { 0 };

		key_pem(key, &pem);
		ok(keys_tls_new(buf_view(&pem), KEYS_TLS_SERVER, &k, &why) ==
			ERR_SYNTAX,
		    "%s: %s", bad[i], why.text);
		EVP_PKEY_free(key);
		buf_done(&pem);
	}
}

/* ---- over a channel ---- */
enum manner { SIGNS, REFUSES, SILENT, LATE, LEAVES };

static void
nothing_got(struct chan *c, const struct msg *m)
{
	(void)c;
	(void)m;
}

static void
nothing_lost(struct chan *c)
{
	(void)c;
}
static const struct chan_ops ops = { nothing_got, nothing_lost };

/* The child: answers one SIGN in its manner, then ends. */
static _Noreturn void
be_keys(struct chan_fds *f, struct str pem, enum manner how)
{
	struct chan *c =
	    chan_new(loop_new(), f, ROLE_KEYS, ROLE_FRONT, 0, &ops, NULL);
	struct buf scratch = { .max = 4096 }, sig = { .max = 2048 };
	struct keys_tls *k = NULL;
	struct msg m, reply = msg_of(MSG_SIGNED);
	const uint64_t second = UINT64_C(1000000000);

	if (keys_tls_new(pem, KEYS_TLS_SERVER, &k, NULL) != OK ||
	    chan_wait(c, 10 * second, &scratch, &m) != OK || how == LEAVES)
		_exit(1);
	msg_set(&reply, F_REF, msg_num(&m, F_REF));
	if (how == LATE) { /* an answer to an older request comes first */
		msg_set(&reply, F_REF, msg_num(&m, F_REF) - 1);
		msg_set_text(&reply, F_BYTES, STR("old"));
		if (chan_send(c, &reply) != OK)
			_exit(1);
		msg_set(&reply, F_REF, msg_num(&m, F_REF));
	}
	if (how == REFUSES)
		msg_set(&reply, F_STATUS, 1);
	else if (keys_tls_sign(k, (unsigned)msg_num(&m, F_FLAGS),
		     msg_text(&m, F_BYTES), &sig) == OK)
		msg_set_text(&reply, F_BYTES, buf_view(&sig));
	if (how != SILENT && chan_send(c, &reply) != OK)
		_exit(1);
	chan_flush(c);
	/* until the other side is gone */
	_exit(chan_wait(c, 10 * second, &scratch, &m) == ERR_GONE ? 0 : 1);
}

/* A handshake in memory; true when both ends are ready. */
static bool
handshake(struct tls_ctx *client, struct tls_ctx *server)
{
	struct buf up = { .max = TEXT_MAX }, down = { .max = TEXT_MAX };
	struct buf plain = { .max = TEXT_MAX };
	struct tls *c = NULL, *s = NULL;
	enum err e = ERR_MORE, f = ERR_MORE;
	bool good = tls_new(client, STR("gate.example"), &c) == OK &&
		    tls_new(server, (struct str){ NULL, 0 }, &s) == OK;

	for (int i = 0; good && i < 4; i++) {
		if (e == OK || e == ERR_MORE)
			e = tls_in(c, buf_view(&down), &plain, &up, NULL);
		buf_clear(&down);
		if (f == OK || f == ERR_MORE)
			f = tls_in(s, buf_view(&up), &plain, &down, NULL);
		buf_clear(&up);
	}
	good = good && e == OK && f == OK && tls_ready(c) && tls_ready(s);
	tls_free(c);
	tls_free(s);
	buf_done(&up);
	buf_done(&down);
	buf_done(&plain);
	return good;
}

static void
test_remote(enum manner how, const char *name)
{
	EVP_PKEY *key = key_make("P-256");
	struct buf pem = { 0 }, cert = { 0 };
	struct loop *l = loop_new();
	struct chan_fds a, b;
	struct tls_remote r;
	struct tls_ctx *cc = NULL, *sc = NULL;
	pid_t child;
	int how_it_ended = -1;

	key_pem(key, &pem);
	cert_pem(key, &cert);
	BUG_ON(chan_pair(false, &a, &b) != OK);
	(void)fflush(stdout);
	child = fork();
	if (child == 0) {
		chan_fds_done(&a);
		be_keys(&b, buf_view(&pem), how);
	}
	chan_fds_done(&b);
	tls_remote_init(
	    &r, chan_new(l, &a, ROLE_FRONT, ROLE_KEYS, 0, &ops, NULL));
	if (how == SILENT)
		r.timeout_ns = UINT64_C(50000000);
	{
		const struct tls_setup client = { .trust_pem =
						      buf_view(&cert) };
		const struct tls_setup server = { .server = true,
			.cert_pem = buf_view(&cert),
			.sign = tls_remote_sign,
			.arg = &r };

		ok(tls_ctx_new(&client, &cc, NULL) == OK &&
			tls_ctx_new(&server, &sc, NULL) == OK,
		    "two contexts");
	}
	ok(handshake(cc, sc) == (how == SIGNS || how == LATE), "keys %s", name);
	tls_ctx_free(cc);
	tls_ctx_free(sc);
	chan_free(r.keys);
	tls_remote_done(&r);
	loop_free(l);
	ok(child > 0 && waitpid(child, &how_it_ended, 0) == child &&
		how_it_ended == (how == LEAVES ? 256 : 0),
	    "it ends");
	EVP_PKEY_free(key);
	buf_done(&pem);
	buf_done(&cert);
}

static void
test_content(void)
{
	static const struct {
		const char *name;
		struct str tbs;
	} cases[] = {
		{ "a client's content",
		    STR_INIT(TBS "TLS 1.3, client CertificateVerify\0"
				 "0123456789abcdef0123456789abcdef") },
		{ "a short hash",
		    STR_INIT(TBS "TLS 1.3, server CertificateVerify\0"
				 "0123456789abcdef") },
		{ "too few spaces", STR_INIT("TLS 1.3, server "
					     "CertificateVerify\0"
					     "0123456789abcdef") },
		{ "nothing", STR_INIT("") },
	};
	struct loop *l = loop_new();
	struct chan_fds a, b;
	struct tls_remote r;
	unsigned char out[64];
	size_t n = sizeof(out);

	BUG_ON(chan_pair(false, &a, &b) != OK);
	tls_remote_init(
	    &r, chan_new(l, &a, ROLE_FRONT, ROLE_KEYS, 0, &ops, NULL));
	for (size_t i = 0; i < countof(cases); i++)
		ok(tls_remote_sign(&r, 0x0403, cases[i].tbs, out, &n) ==
			    ERR_SYNTAX &&
			r.ref == 0,
		    "not asked: %s", cases[i].name);
	chan_free(r.keys);
	r.keys = NULL;
	ok(tls_remote_sign(&r, 0x0403, cases[0].tbs, out, &n) == ERR_GONE,
	    "no keys");
	tls_remote_done(&r);
	chan_fds_done(&b);
	loop_free(l);
}

int
main(void)
{
	test_sign();
	test_sides();
	test_keys();
	test_content();
	test_remote(SIGNS, "signs");
	test_remote(REFUSES, "refuses");
	test_remote(SILENT, "says nothing");
	test_remote(LATE, "answers something old first");
	test_remote(LEAVES, "leaves");
	return tap_done();
}
