/*
 * test-tls-sign: a server whose key is elsewhere.  The one who signs sees the
 * whole content, may refuse, and a wrong signature ends the handshake.
 */
#include "wire/test-tls.h"

#include "base/tap.h"

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
	const char *type;
	unsigned scheme;
	bool fails, lies;
} remotes[] = {
	{ "P-256", "P-256", 0x0403, false, false },
	{ "P-384", "P-384", 0x0503, false, false },
	{ "Ed25519", "ED25519", 0x0807, false, false },
	{ "RSA-PSS", "RSA", 0x0804, false, false },
	{ "that refuses", "P-256", 0x0403, true, false },
	{ "that signs something else", "P-256", 0x0403, false, true },
	{ "RSA that signs something else", "RSA", 0x0804, false, true },
};

static void
test_remote(void)
{
	static const struct wish root = { "P-256", "root", NULL, NULL, -9, 99 };
	struct id ca = id_make(&root, NULL);
	const struct tls_setup cs = { .trust_pem = buf_view(&ca.cert_pem) };
	struct tls_ctx *c = ctx_make(&cs);

	for (size_t i = 0; i < countof(remotes); i++) {
		const bool want = !remotes[i].fails && !remotes[i].lies;
		const struct wish wish = { remotes[i].type, "x",
			"DNS:tool.example", NULL, -1, 9 };
		struct id d = id_make(&wish, &ca);
		struct elsewhere w = { .key = d.key,
			.fails = remotes[i].fails,
			.lies = remotes[i].lies };
		const struct tls_setup ss = { .server = true,
			.cert_pem = buf_view(&d.cert_pem),
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
		id_done(&d);
	}
	tls_ctx_free(c);
	id_done(&ca);
}

int
main(void)
{
	test_remote();
	return tap_done();
}
