/*
 * test-tls.h: certificates made in memory and two ends in one process, for
 * the TLS tests and benchmarks of this room.
 */
#ifndef TEST_TLS_H
#define TEST_TLS_H

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

static inline EVP_PKEY *
key_make(const char *type)
{
	if (str_eq(str_of(type), STR("RSA")))
		return EVP_RSA_gen(2048);
	if (str_eq(str_of(type), STR("ED25519")))
		return EVP_PKEY_Q_keygen(NULL, NULL, type);
	return EVP_EC_gen(type);
}

static inline void
extend(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_nconf_nid(NULL, NULL, nid, value);

	BUG_ON(e == NULL || X509_add_ext(x, e, -1) != 1);
	X509_EXTENSION_free(e);
}

static inline void
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

static inline struct id
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

static inline void
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

static inline void
ends_done(struct ends *e)
{
	struct buf *all[] = { &e->up, &e->down, &e->at_server, &e->at_client };

	tls_free(e->client);
	tls_free(e->server);
	for (size_t i = 0; i < countof(all); i++)
		buf_done(all[i]);
}

static inline bool
lives(enum err e)
{
	return e == OK || e == ERR_MORE;
}

/* Moves bytes, at most `step` a call, until nothing moves.  An end that failed
 * gets no more. */
static inline void
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

static inline bool
ends_make(struct ends *e, struct tls_ctx *c, struct tls_ctx *s, struct str name)
{
	*e = (struct ends){ .up.max = BUF_MAX,
		.down.max = BUF_MAX,
		.at_server.max = BUF_MAX,
		.at_client.max = BUF_MAX };
	return tls_new(c, name, &e->client) == OK &&
	       tls_new(s, (struct str){ NULL, 0 }, &e->server) == OK;
}

static inline bool
talk(struct ends *e)
{
	return tls_out(e->client, STR("hello"), &e->up) == OK &&
	       tls_out(e->server, STR("world"), &e->down) == OK &&
	       (pump(e, SIZE_MAX), true) &&
	       str_eq(buf_view(&e->at_server), STR("hello")) &&
	       str_eq(buf_view(&e->at_client), STR("world"));
}

static inline struct tls_ctx *
ctx_make(const struct tls_setup *s)
{
	struct tls_ctx *c = NULL;
	struct note why = { "" };

	if (tls_ctx_new(s, &c, &why) != OK)
		printf("# %s\n", why.text);
	return c;
}

#endif
