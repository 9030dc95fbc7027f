/*
 * test-es6: the shortest text of a double against the published digests of the
 * number test of RFC 8785: lines of a double's bits and ECMAScript's text for
 * it, in a fixed sequence of edge cases and then hashes.  ES6_LINES says how
 * many (10,000 unless told; make torture runs ten million).  Each text also
 * goes through num_jcs, which must keep it.
 */
#include "json/json-in.h"

#include <math.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include "base/tap.h"

enum { SERIAL = 2000, LINE = 64 };

/* The sequence begins with these, then thirds below and above 0, then edges. */
static const uint64_t zeros[] = { 0, 0x8000000000000000, 1,
	0x8000000000000001 };
static const uint64_t thirds[] = {
	0x446696695dbd1cc3,
	0x443211ede4974a35,
	0x43fce97ca0f21056,
	0x43c7213080c1a6ac,
	0x439280f39a348556,
	0x435d9b1f5d20d557,
	0x4327af4c4a80aaac,
	0x42f2f2a36ecd5556,
	0x42be51057e155558,
	0x428840d131aaaaac,
	0x4253670dc1555557,
	0x421f0b4935555557,
	0x41e8d5d42aaaaaac,
	0x41b3de4355555556,
	0x417fca0555555556,
	0x41496e6aaaaaaaab,
	0x4114585555555555,
	0x40e046aaaaaaaaab,
	0x40aa0aaaaaaaaaaa,
	0x4074d55555555555,
	0x4040aaaaaaaaaaab,
	0x400aaaaaaaaaaaab,
	0x3fd5555555555555,
	0x3fa1111111111111,
	0x3f6b4e81b4e81b4f,
	0x3f35d867c3ece2a5,
	0x3f0179ec9cbd821e,
	0x3ecbf647612f3696,
	0x3e965e9f80f29212,
	0x3e61e54c672874db,
	0x3e2ca213d840baf8,
	0x3df6e80fe033c8c6,
	0x3dc2533fe68fd3d2,
	0x3d8d51ffd74c861c,
	0x3d5774ccac3d3817,
	0x3d22c3d6f030f9ac,
	0x3cee0624b3818f79,
	0x3cb804ea293472c7,
	0x3c833721ba905bd3,
	0x3c4ebe9c5db3c61e,
	0x3c18987d17c304e5,
	0x3be3ad30dfcf371d,
	0x3baf7b816618582f,
	0x3b792f9ab81379bf,
	0x3b442615600f9499,
	0x3b101e77800c76e1,
	0x3ad9ca58cce0be35,
	0x3aa4a1e0a3e6fe90,
	0x3a708180831f320d,
	0x3a3a68cd9e985016,
};
static const uint64_t edges[] = {
	0x4024000000000000,
	0x4014000000000000,
	0x3fe0000000000000,
	0x3fa999999999999a,
	0x3f747ae147ae147b,
	0x3f40624dd2f1a9fc,
	0x3f0a36e2eb1c432d,
	0x3ed4f8b588e368f1,
	0x3ea0c6f7a0b5ed8d,
	0x3e6ad7f29abcaf48,
	0x3e35798ee2308c3a,
	0x3ed539223589fa95,
	0x3ed4ff26cd5a7781,
	0x3ed4f95a762283ff,
	0x3ed4f8c60703520c,
	0x3ed4f8b72f19cd0d,
	0x3ed4f8b5b31c0c8d,
	0x3ed4f8b58d1c461a,
	0x3ed4f8b5894f7f0e,
	0x3ed4f8b588ee37f3,
	0x3ed4f8b588e47da4,
	0x3ed4f8b588e3849c,
	0x3ed4f8b588e36bb5,
	0x3ed4f8b588e36937,
	0x3ed4f8b588e368f8,
	0x3ed4f8b588e368f1,
	0x3ff0000000000000,
	0xbff0000000000000,
	0xbfeffffffffffffa,
	0xbfeffffffffffffb,
	0x3feffffffffffffa,
	0x3feffffffffffffb,
	0x3feffffffffffffc,
	0x3feffffffffffffe,
	0xbfefffffffffffff,
	0xbfefffffffffffff,
	0x3fefffffffffffff,
	0x3fefffffffffffff,
	0x3fd3333333333332,
	0x3fd3333333333333,
	0x3fd3333333333334,
	0x0010000000000000,
	0x000ffffffffffffd,
	0x000fffffffffffff,
	0x7fefffffffffffff,
	0xffefffffffffffff,
	0x4340000000000000,
	0xc340000000000000,
	0x4430000000000000,
	0x44b52d02c7e14af5,
	0x44b52d02c7e14af6,
	0x44b52d02c7e14af7,
	0x444b1ae4d6e2ef4e,
	0x444b1ae4d6e2ef4f,
	0x444b1ae4d6e2ef50,
	0x3eb0c6f7a0b5ed8c,
	0x3eb0c6f7a0b5ed8d,
	0x41b3de4355555553,
	0x41b3de4355555554,
	0x41b3de4355555555,
	0x41b3de4355555556,
	0x41b3de4355555557,
	0xbecbf647612f3696,
	0x43143ff3c1cb0959,
};

static const struct {
	unsigned long lines;
	const char *sha256;
} published[] = {
	{ 1000, "be18b62b6f69cdab33a7e0dae0d9cfa8"
		"69fda80ddc712221570f9f40a5878687" },
	{ 10000, "b9f7a8e75ef22a835685a52ccba7f7d6"
		 "bdc99e34b010992cbc5864cd12be6892" },
	{ 100000, "22776e6d4b49fa294a0d0f349268e5c2"
		  "8808fe7e0cb2bcbe28f63894e494d4c7" },
	{ 1000000, "49415fee2c56c77864931bd3624faad4"
		   "25c3c577d6d74e89a83bc725506dad16" },
	{ 10000000, "b9f8a44a91d46813b21b9602e72f1126"
		    "13c91408db0b8341fb94603d9db135e0" },
	{ 100000000, "0f7dda6b0837dde083c5d6b896f7d623"
		     "40c8a2415b0c7121d83145e08a755272" },
};

struct sequence {
	unsigned long n;
	unsigned char block[32];
	size_t used; /* of the block */
};

static double
of_bits(uint64_t bits)
{
	double x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

/* Eight bytes of the hash of the hash of ... of 32 zeros, lowest first; what
 * is 0 or not finite is passed over. */
static uint64_t
by_hash(struct sequence *q)
{
	uint64_t bits;

	do {
		if (q->used == sizeof(q->block)) {
			(void)SHA256(q->block, sizeof(q->block), q->block);
			q->used = 0;
		}
		bits = 0;
		for (int i = 7; i >= 0; i--)
			bits = bits << 8 | q->block[q->used + (size_t)i];
		q->used += 8;
	} while (
	    !isfinite(of_bits(bits)) || fpclassify(of_bits(bits)) == FP_ZERO);
	return bits;
}

static uint64_t
next(struct sequence *q)
{
	unsigned long i = q->n++;

	if (i < countof(zeros))
		return zeros[i];
	i -= countof(zeros);
	if (i < countof(thirds))
		return thirds[i] | 0x8000000000000000;
	i -= countof(thirds);
	if (i < countof(thirds))
		return thirds[i];
	i -= countof(thirds);
	if (i < countof(edges))
		return edges[i];
	i -= countof(edges);
	if (i < SERIAL)
		return 0x0010000000000000 + i;
	return by_hash(q);
}

/* "bits,text\n" */
static size_t
line_of(uint64_t bits, char out[static LINE], struct str *text)
{
	struct dec d;
	size_t n = (size_t)snprintf(
		   out, LINE, "%llx,", (unsigned long long)bits),
	       from = n;

	dec_shortest(of_bits(bits), &d);
	n += dec_text(&d, out + n);
	*text = (struct str){ out + from, n - from };
	out[n++] = '\n';
	return n;
}

static bool
is_kept(struct str text)
{
	char t[NUM_TEXT];
	size_t n;

	return num_jcs(text, t, &n) == OK && str_eq((struct str){ t, n }, text);
}

static bool
digest_is(const EVP_MD_CTX *so_far, const char *want)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	unsigned char md[EVP_MAX_MD_SIZE];
	char hex[65];
	bool done;

	done = c != NULL && EVP_MD_CTX_copy_ex(c, so_far) == 1 &&
	       EVP_DigestFinal_ex(c, md, NULL) == 1;
	EVP_MD_CTX_free(c);
	for (size_t i = 0; done && i < 32; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", md[i]);
	if (done && strcmp(hex, want) != 0)
		printf("# %s\n", hex);
	return done && strcmp(hex, want) == 0;
}

int
main(void)
{
	const char *lines = getenv("ES6_LINES");
	const unsigned long most =
	    lines == NULL ? 10000 : strtoul(lines, NULL, 10);
	struct sequence q = { .used = 32 };
	unsigned long lost = 0;
	EVP_MD_CTX *c = EVP_MD_CTX_new();

	if (c == NULL || EVP_DigestInit_ex(c, EVP_sha256(), NULL) != 1)
		return 1;
	for (size_t i = 0; i < countof(published); i++) {
		if (published[i].lines > most)
			break;
		while (q.n < published[i].lines) {
			char line[LINE];
			struct str text;

			(void)EVP_DigestUpdate(
			    c, line, line_of(next(&q), line, &text));
			lost += is_kept(text) ? 0 : 1;
		}
		ok(digest_is(c, published[i].sha256),
		    "the published digest of %lu lines", published[i].lines);
		ok(lost == 0, "and JCS keeps each text (%lu lost)", lost);
	}
	ok(q.n > 0, "%lu lines were asked for", most);
	EVP_MD_CTX_free(c);
	return tap_done();
}
