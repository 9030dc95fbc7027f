/*
 * crypto: the digests, signatures and ciphers that evidence is made of, and
 * nothing about what they mean: SHA-256 (FIPS 180-4), pure Ed25519 (RFC 8032),
 * AES-256-GCM (NIST SP 800-38D).  One place to look for what OpenSSL is trusted
 * with here.  TLS is wire's own.
 *
 * Who owns what.  Nothing is kept: each call takes views and fills what the
 * caller holds.  A seed is the caller's secret; mem_wipe is the caller's too.
 */
#ifndef CRYPTO_H
#define CRYPTO_H

#include "base/base.h"

enum { SHA256_N = 32, ED25519_KEY = 32, ED25519_SIG = 64 };

/* SHA-256 of a, then b; either may be empty.  Cannot fail. */
void sha256(struct str a, struct str b, unsigned char out[static SHA256_N]);
/* The same with one byte before a: what RFC 6962 s.2.1 calls 0x00 and 0x01. */
void sha256_tagged(unsigned char tag, struct str a, struct str b,
    unsigned char out[static SHA256_N]);

/* Is sig, ED25519_SIG bytes, pub's signature of msg?  RFC 8032 s.5.1.7 with
 * the check that S is below the group's order.  No for a pub that is no point.
 * Says nothing of whose key it is. */
bool ed25519_good(const unsigned char pub[static ED25519_KEY], struct str msg,
    const unsigned char sig[static ED25519_SIG]);
/* The public key of a seed (RFC 8032 s.5.1.5).  ERR_OS: the library failed. */
NODISCARD enum err ed25519_public(const unsigned char seed[static ED25519_KEY],
    unsigned char pub[static ED25519_KEY]);
/* Signs; deterministic.  ERR_OS: the library failed, sig is untouched. */
NODISCARD enum err ed25519_sign(const unsigned char seed[static ED25519_KEY],
    struct str msg, unsigned char sig[static ED25519_SIG]);

/* ---- AES-256-GCM ---- */
enum { AEAD_KEY = 32, AEAD_NONCE = 12, AEAD_TAG = 16 };
enum { AEAD_EXTRA = AEAD_NONCE + AEAD_TAG }; /* sealed text is so much longer */
/* What sealing needs of the library, got once; NULL: it cannot be had. */
struct aead;
struct aead *aead_new(void);
void aead_free(struct aead *a); /* NULL is fine; wipes */
/*
 * Appends nonce, ciphertext and tag.  The nonce is the caller's: never the same
 * twice under one key.  `about` is vouched for and not in it.  ERR_OS,
 * ERR_LIMIT (it does not fit, or is over 1 GiB): *out is as before.
 */
NODISCARD enum err aead_seal(struct aead *a,
    const unsigned char key[static AEAD_KEY],
    const unsigned char nonce[static AEAD_NONCE], struct str about,
    struct str plain, struct buf *out);
/* Appends what was sealed.  ERR_DENIED: not under this key, not about this, or
 * changed; ERR_OS, ERR_LIMIT.  *out is then as before. */
NODISCARD enum err aead_open(struct aead *a,
    const unsigned char key[static AEAD_KEY], struct str about,
    struct str sealed, struct buf *out);

#endif
