/* crypto: OpenSSL behind one door. */
#include "crypto/crypto.h"

/* The EVP calls look up, allocate and wipe for each digest, which takes as long
 * as a record's own hashing; the plain ones do only that. */
#define OPENSSL_API_COMPAT 0x10100000L
#include <openssl/evp.h>
#include <openssl/sha.h>

static void
digest(const unsigned char *tag, struct str a, struct str b,
    unsigned char out[static SHA256_N])
{
	SHA256_CTX c;

	BUG_ON(SHA256_Init(&c) != 1);
	if (tag != NULL)
		BUG_ON(SHA256_Update(&c, tag, 1) != 1);
	if (a.n > 0)
		BUG_ON(SHA256_Update(&c, a.p, a.n) != 1);
	if (b.n > 0)
		BUG_ON(SHA256_Update(&c, b.p, b.n) != 1);
	BUG_ON(SHA256_Final(out, &c) != 1);
}

void
sha256(struct str a, struct str b, unsigned char out[static SHA256_N])
{
	digest(NULL, a, b, out);
}

void
sha256_tagged(unsigned char tag, struct str a, struct str b,
    unsigned char out[static SHA256_N])
{
	digest(&tag, a, b, out);
}

bool
ed25519_good(const unsigned char pub[static ED25519_KEY], struct str msg,
    const unsigned char sig[static ED25519_SIG])
{
	EVP_PKEY *k = EVP_PKEY_new_raw_public_key(
	    EVP_PKEY_ED25519, NULL, pub, ED25519_KEY);
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	const bool good =
	    k != NULL && c != NULL &&
	    EVP_DigestVerifyInit(c, NULL, NULL, NULL, k) == 1 &&
	    EVP_DigestVerify(c, sig, ED25519_SIG,
		(const unsigned char *)(msg.n == 0 ? "" : msg.p), msg.n) == 1;

	EVP_MD_CTX_free(c);
	EVP_PKEY_free(k);
	return good;
}

static EVP_PKEY *
secret(const unsigned char seed[static ED25519_KEY])
{
	return EVP_PKEY_new_raw_private_key(
	    EVP_PKEY_ED25519, NULL, seed, ED25519_KEY);
}

enum err
ed25519_public(const unsigned char seed[static ED25519_KEY],
    unsigned char pub[static ED25519_KEY])
{
	EVP_PKEY *k = secret(seed);
	size_t n = ED25519_KEY;
	const bool good =
	    k != NULL && EVP_PKEY_get_raw_public_key(k, pub, &n) == 1;

	EVP_PKEY_free(k);
	return good ? OK : ERR_OS;
}

enum err
ed25519_sign(const unsigned char seed[static ED25519_KEY], struct str msg,
    unsigned char sig[static ED25519_SIG])
{
	EVP_PKEY *k = secret(seed);
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	unsigned char out[ED25519_SIG];
	size_t n = sizeof(out);
	const bool good =
	    k != NULL && c != NULL &&
	    EVP_DigestSignInit(c, NULL, NULL, NULL, k) == 1 &&
	    EVP_DigestSign(c, out, &n,
		(const unsigned char *)(msg.n == 0 ? "" : msg.p), msg.n) == 1;

	EVP_MD_CTX_free(c);
	EVP_PKEY_free(k);
	if (!good || n != sizeof(out))
		return ERR_OS;
	memcpy(sig, out, sizeof(out));
	return OK;
}
