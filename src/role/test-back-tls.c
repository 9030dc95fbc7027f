/* Role back before an https upstream: who it is must be proved first. */
#include "role/test-back.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

struct id {
	EVP_PKEY *key;
	X509 *cert;
	struct buf cert_pem, key_pem;
};

static void
pem(struct buf *out, BIO *b)
{
	char *p;
	const long n = BIO_get_mem_data(b, &p);

	out->max = 65536;
	buf_put(out, p, (size_t)n);
	BIO_free(b);
}

/* An authority when by is NULL, else a server named by `san`. */
static struct id
id_make(const char *san, const struct id *by, long days)
{
	static long serial = 1;
	struct id d = { .key = EVP_EC_gen("P-256"), .cert = X509_new() };
	X509_NAME *name = X509_get_subject_name(d.cert);
	const struct id *ca = by == NULL ? &d : by;
	BIO *c = BIO_new(BIO_s_mem()), *k = BIO_new(BIO_s_mem());
	X509_EXTENSION *e = X509V3_EXT_nconf_nid(NULL, NULL,
	    by == NULL ? NID_basic_constraints : NID_subject_alt_name,
	    by == NULL ? "critical,CA:TRUE" : san);

	(void)X509_set_version(d.cert, 2);
	(void)ASN1_INTEGER_set(X509_get_serialNumber(d.cert), ++serial);
	(void)X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	    (const unsigned char *)(by == NULL ? "root" : "leaf"), -1, -1, 0);
	(void)X509_set_issuer_name(d.cert, X509_get_subject_name(ca->cert));
	(void)X509_gmtime_adj(X509_getm_notBefore(d.cert), -9L * 86400);
	(void)X509_gmtime_adj(X509_getm_notAfter(d.cert), days * 86400);
	(void)X509_set_pubkey(d.cert, d.key);
	(void)X509_add_ext(d.cert, e, -1);
	X509_EXTENSION_free(e);
	if (X509_sign(d.cert, ca->key, EVP_sha256()) <= 0 ||
	    PEM_write_bio_X509(c, d.cert) != 1 ||
	    PEM_write_bio_PrivateKey(k, d.key, NULL, NULL, 0, NULL, NULL) != 1)
		abort();
	pem(&d.cert_pem, c);
	pem(&d.key_pem, k);
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

static unsigned heard_n;

static void
modern(struct world *w, struct peer *p)
{
	(void)w;
	heard_n++;
	http_result(p, "",
	    asks(p, "server/discover")
		? "{\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":{}}"
		: "{\"tools\":[]}");
}

/* A world whose upstream is `leaf` and which trusts `ca`. */
static struct world *
world_tls(const struct id *leaf, const struct id *ca)
{
	struct buf more = { .max = 16384 };
	const struct tls_setup s = { .server = true,
		.cert_pem = buf_view(&leaf->cert_pem),
		.key_pem = buf_view(&leaf->key_pem) };
	struct note why;
	struct world *w;

	buf_str(&more, STR(",\"credential\":true,\"tls\":true,\"ca\":"));
	json_quote(buf_view(&ca->cert_pem), &more);
	buf_ch(&more, '\0');
	w = world_new(true, more.p, modern);
	buf_done(&more);
	if (tls_ctx_new(&s, &w->tls, &why) != OK)
		abort();
	return w;
}

static void
refused(const char *name, const struct id *leaf, const struct id *ca)
{
	struct world *w = world_tls(leaf, ca);

	heard_n = 0;
	hop_open(w, 1);
	ok(opened(w, 1) != NULL && msg_num(opened(w, 1), F_STATUS) == 502,
	    "%s: no session", name);
	printf("# %.*s\n", STR_ARG(msg_text(opened(w, 1), F_TEXT)));
	ok(heard_n == 0, "%s: it is sent nothing", name);
}

int
main(void)
{
	struct id ca = id_make(NULL, NULL, 9), other = id_make(NULL, NULL, 9);
	struct id good = id_make("IP:127.0.0.1", &ca, 9);
	struct id named = id_make("DNS:tool.example", &ca, 9);
	struct id old = id_make("IP:127.0.0.1", &ca, -1);
	struct id *all[] = { &ca, &other, &good, &named, &old };
	struct world *w;

	loop_begin();
	w = world_tls(&good, &ca);
	hop_open(w, 1);
	ok(hop_is_open(w, 1, MCP_MODERN), "a server we can trust: a session");
	for (uint64_t i = 1; i <= 20; i++) {
		call(w, 1, i, MCP_TOOLS_LIST, NULL, 0);
		UNTIL(answer(w, i) != NULL);
	}
	ok(result_is(w, 20, "{\"tools\":[]}") && w->peers == 1,
	    "20 calls over one connection");
	hang_up(&w->peer[0]);
	call(w, 1, 21, MCP_TOOLS_LIST, NULL, 0);
	ok(result_is(w, 21, "{\"tools\":[]}") && w->peers == 2,
	    "after its end, over a second");
	refused("an authority we do not know", &good, &other);
	refused("another name", &named, &ca);
	refused("expired", &old, &ca);
	w = world_new(true, "", modern);
	hop_open(w, 1);
	ok(hop_is_open(w, 1, MCP_MODERN), "plain, where so configured");
	for (size_t i = 0; i < countof(all); i++)
		id_done(all[i]);
	return tap_done();
}
