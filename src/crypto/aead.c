/* aead: AES-256-GCM; nonce, ciphertext and tag in one text. */
#include <openssl/evp.h>

#include "crypto/crypto.h"

enum { PLAIN_MAX = 1 << 30 }; /* the library counts in ints */

struct aead {
	EVP_CIPHER *cipher;
	EVP_CIPHER_CTX *ctx;
	unsigned char key[AEAD_KEY]; /* that ctx is set up for */
	int encrypt;		     /* and which way; -1: none yet */
};

struct aead *
aead_new(void)
{
	struct aead *a = mem_get(sizeof(*a));

	a->cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	a->ctx = EVP_CIPHER_CTX_new();
	a->encrypt = -1;
	if (a->cipher != NULL && a->ctx != NULL &&
	    EVP_CipherInit_ex2(a->ctx, a->cipher, NULL, NULL, 1, NULL) == 1)
		return a;
	aead_free(a);
	return NULL;
}

void
aead_free(struct aead *a)
{
	if (a == NULL)
		return;
	EVP_CIPHER_CTX_free(a->ctx);
	EVP_CIPHER_free(a->cipher);
	mem_wipe(a->key, sizeof(a->key));
	mem_free(a);
}

static const unsigned char *
bytes(struct str s)
{
	return (const unsigned char *)(s.n == 0 ? "" : s.p);
}

/* A cipher that is named again, and a key that is set up again, take longer
 * than a short text's own sealing. */
static bool
begin(struct aead *a, bool encrypt, const unsigned char *key,
    const unsigned char *nonce, struct str about)
{
	const bool again =
	    a->encrypt == encrypt && mem_same(a->key, key, AEAD_KEY);
	int n = 0;

	a->encrypt = -1; /* until it is */
	if (EVP_CipherInit_ex2(
		a->ctx, NULL, again ? NULL : key, nonce, encrypt, NULL) != 1)
		return false;
	memcpy(a->key, key, AEAD_KEY);
	a->encrypt = encrypt;
	return EVP_CipherUpdate(a->ctx, NULL, &n, bytes(about), (int)about.n) ==
	       1;
}

enum err
aead_seal(struct aead *a, const unsigned char key[static AEAD_KEY],
    const unsigned char nonce[static AEAD_NONCE], struct str about,
    struct str plain, struct buf *out)
{
	unsigned char *to;
	int n = 0;

	if (plain.n > PLAIN_MAX || about.n > PLAIN_MAX)
		return ERR_LIMIT;
	to = (unsigned char *)buf_room(out, plain.n + AEAD_EXTRA);
	if (to == NULL)
		return ERR_LIMIT;
	memcpy(to, nonce, AEAD_NONCE);
	to += AEAD_NONCE;
	if (!begin(a, true, key, nonce, about) ||
	    EVP_CipherUpdate(a->ctx, to, &n, bytes(plain), (int)plain.n) != 1 ||
	    EVP_CipherFinal_ex(a->ctx, to + plain.n, &n) != 1 ||
	    EVP_CIPHER_CTX_ctrl(
		a->ctx, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG, to + plain.n) != 1)
		return ERR_OS;
	buf_add(out, plain.n + AEAD_EXTRA);
	return OK;
}

enum err
aead_open(struct aead *a, const unsigned char key[static AEAD_KEY],
    struct str about, struct str sealed, struct buf *out)
{
	unsigned char tag[AEAD_TAG], *to;
	struct str in;
	int n = 0;

	if (sealed.n < AEAD_EXTRA)
		return ERR_DENIED;
	if (sealed.n > PLAIN_MAX || about.n > PLAIN_MAX)
		return ERR_LIMIT;
	in = str_sub(sealed, AEAD_NONCE, sealed.n - AEAD_EXTRA);
	memcpy(tag, sealed.p + sealed.n - AEAD_TAG, AEAD_TAG);
	to = (unsigned char *)buf_room(out, in.n + 1);
	if (to == NULL)
		return ERR_LIMIT;
	if (!begin(a, false, key, bytes(sealed), about) ||
	    EVP_CipherUpdate(a->ctx, to, &n, bytes(in), (int)in.n) != 1 ||
	    EVP_CIPHER_CTX_ctrl(a->ctx, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG, tag) !=
		1)
		return ERR_OS;
	if (EVP_CipherFinal_ex(a->ctx, to + in.n, &n) != 1) {
		mem_wipe(to, in.n);
		return ERR_DENIED;
	}
	buf_add(out, in.n);
	return OK;
}
