/* keys-tls.c: signatures of TLS 1.3 ends, over content that is built here. */
#include "role/keys-tls.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

enum { PAD = 64, RSA_BITS_MIN = 2048, GROUP_NAME_MAX = 40 };
/* With its NUL, which separates it from the hash. */
enum { CONTEXT = sizeof("TLS 1.3, server CertificateVerify") };
static const char context[][CONTEXT] = {
	[KEYS_TLS_SERVER] = "TLS 1.3, server CertificateVerify",
	[KEYS_TLS_CLIENT] = "TLS 1.3, client CertificateVerify",
};

static const struct scheme {
	unsigned id;
	const char *type, *group, *md;
} schemes[] = {
	{ 0x0403, "EC", "prime256v1", "SHA256" },
	{ 0x0503, "EC", "secp384r1", "SHA384" },
	{ 0x0804, "RSA", NULL, "SHA256" }, /* PSS, as the next two */
	{ 0x0805, "RSA", NULL, "SHA384" },
	{ 0x0806, "RSA", NULL, "SHA512" },
	{ 0x0807, "ED25519", NULL, NULL },
};

struct keys_tls {
	EVP_PKEY *key;
	enum keys_tls_side side;
};

static bool
fits(const EVP_PKEY *key, const struct scheme *s)
{
	char group[GROUP_NAME_MAX] = "";
	size_t n = 0;

	if (!EVP_PKEY_is_a(key, s->type))
		return false;
	if (s->group == NULL)
		return s->md == NULL || EVP_PKEY_get_bits(key) >= RSA_BITS_MIN;
	return EVP_PKEY_get_group_name(key, group, sizeof(group), &n) == 1 &&
	       str_eq(str_of(group), str_of(s->group));
}

/* NULL: not for this key. */
static const struct scheme *
scheme_find(const EVP_PKEY *key, unsigned id)
{
	for (size_t i = 0; i < countof(schemes); i++)
		if (schemes[i].id == id && fits(key, &schemes[i]))
			return &schemes[i];
	return NULL;
}

static bool
sign_begin(EVP_MD_CTX *m, EVP_PKEY *key, const struct scheme *s)
{
	EVP_PKEY_CTX *p = NULL;

	if (EVP_DigestSignInit_ex(m, &p, s->md, NULL, NULL, key, NULL) != 1)
		return false;
	return !EVP_PKEY_is_a(key, "RSA") ||
	       (EVP_PKEY_CTX_set_rsa_padding(p, RSA_PKCS1_PSS_PADDING) == 1 &&
		   EVP_PKEY_CTX_set_rsa_pss_saltlen(
		       p, RSA_PSS_SALTLEN_DIGEST) == 1);
}

enum err
keys_tls_sign(const struct keys_tls *k, unsigned scheme,
    struct str transcript_hash, struct buf *out)
{
	const struct scheme *s = scheme_find(k->key, scheme);
	unsigned char tbs[PAD + CONTEXT + 48];
	const size_t tbs_n = PAD + CONTEXT + transcript_hash.n;
	unsigned char sig[KEYS_TLS_SIGNATURE_MAX];
	size_t n = sizeof(sig);
	EVP_MD_CTX *m;
	bool good;

	if (s == NULL || (transcript_hash.n != 32 && transcript_hash.n != 48))
		return ERR_DENIED;
	memset(tbs, ' ', PAD);
	memcpy(tbs + PAD, context[k->side], CONTEXT);
	memcpy(tbs + PAD + CONTEXT, transcript_hash.p, transcript_hash.n);
	m = EVP_MD_CTX_new();
	good = m != NULL && sign_begin(m, k->key, s) &&
	       EVP_DigestSign(m, sig, &n, tbs, tbs_n) == 1;
	EVP_MD_CTX_free(m);
	ERR_clear_error();
	if (!good)
		return ERR_LIMIT;
	buf_put(out, sig, n);
	return buf_end(out);
}

/* OpenSSL's pem_password_cb: its form is not ours to choose. */
static int /* NOLINTNEXTLINE(readability-non-const-parameter) */
no_password(char *buf, int size, int rwflag, void *arg)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	(void)arg;
	return -1; /* and never ask the terminal */
}

/* Signs with every scheme there is for the key; false when none is. */
static bool
try_all(const struct keys_tls *k)
{
	static const char zeros[32];
	struct buf out = { .max = KEYS_TLS_SIGNATURE_MAX };
	size_t good = 0;

	for (size_t i = 0; i < countof(schemes); i++) {
		buf_clear(&out);
		good += keys_tls_sign(k, schemes[i].id,
			    (struct str){ zeros, sizeof(zeros) }, &out) == OK;
	}
	buf_done(&out);
	return good > 0;
}

enum err
keys_tls_new(struct str pem, enum keys_tls_side side, struct keys_tls **out,
    struct note *why)
{
	struct keys_tls *k = mem_get(sizeof(*k));
	BIO *b = NULL;

	k->side = side;
	(void)OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	if (pem.n <= INT32_MAX)
		b = BIO_new_mem_buf(pem.p, (int)pem.n);
	if (b != NULL)
		k->key = PEM_read_bio_PrivateKey_ex(
		    b, NULL, no_password, NULL, NULL, NULL);
	BIO_free(b);
	ERR_clear_error();
	if (k->key == NULL || !try_all(k)) {
		note_set(why, k->key == NULL ? "not a private key in PEM"
					     : "a key that TLS 1.3 "
					       "does not sign with");
		keys_tls_free(k);
		return ERR_SYNTAX;
	}
	*out = k;
	return OK;
}

bool
keys_tls_is_of(const struct keys_tls *k, struct str cert_pem)
{
	BIO *b = NULL;
	X509 *x = NULL;
	bool good;

	if (cert_pem.n <= INT32_MAX)
		b = BIO_new_mem_buf(cert_pem.p, (int)cert_pem.n);
	if (b != NULL)
		x = PEM_read_bio_X509(b, NULL, no_password, NULL);
	good = x != NULL && EVP_PKEY_eq(X509_get0_pubkey(x), k->key) == 1;
	X509_free(x);
	BIO_free(b);
	ERR_clear_error();
	return good;
}

void
keys_tls_free(struct keys_tls *k)
{
	if (k == NULL)
		return;
	EVP_PKEY_free(k->key);
	mem_free(k);
}
