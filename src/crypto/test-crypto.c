/* test-crypto: published vectors: FIPS 180-4 examples, RFC 8032 s.7.1. */
#include "base/tap.h"
#include "crypto/crypto.h"

static const struct {
	const char *seed, *pub, *msg, *sig;
} ed[] = {
	{ "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
	    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
	    "",
	    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
	    "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100"
	    "b" },
	{ "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
	    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
	    "72",
	    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
	    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c0"
	    "0" },
};

static void
test_digest(void)
{
	unsigned char want[SHA256_N], got[SHA256_N];

	ok(hex_bytes(STR("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410"
			 "ff61f20015ad"),
	       want, sizeof(want)) == OK,
	    "the digest of abc");
	sha256(STR("a"), STR("bc"), got);
	ok(memcmp(got, want, sizeof(got)) == 0, "in two parts");
	sha256_tagged('a', STR("bc"), STR(""), got);
	ok(memcmp(got, want, sizeof(got)) == 0, "with its first byte as tag");
}

static void
test_sign(size_t i)
{
	unsigned char seed[ED25519_KEY], want[ED25519_KEY], pub[ED25519_KEY];
	unsigned char ws[ED25519_SIG], sig[ED25519_SIG], msg[8];
	const size_t n = strlen(ed[i].msg) / 2;
	const struct str m = { (const char *)msg, n };

	ok(hex_bytes(str_of(ed[i].seed), seed, sizeof(seed)) == OK &&
		hex_bytes(str_of(ed[i].pub), want, sizeof(want)) == OK &&
		hex_bytes(str_of(ed[i].msg), msg, n) == OK &&
		hex_bytes(str_of(ed[i].sig), ws, sizeof(ws)) == OK &&
		ed25519_public(seed, pub) == OK &&
		memcmp(pub, want, sizeof(pub)) == 0,
	    "RFC 8032 %zu: public key", i + 1);
	ok(ed25519_sign(seed, m, sig) == OK &&
		memcmp(sig, ws, sizeof(sig)) == 0,
	    "signature");
	ok(ed25519_good(pub, m, sig), "is good");
	for (size_t b = 0; b < sizeof(sig); b++) {
		sig[b] ^= 1;
		if (ed25519_good(pub, m, sig))
			break;
		sig[b] ^= 1;
		if (b + 1 == sizeof(sig))
			ok(true, "and not with any byte changed");
	}
	ok(!ed25519_good(pub, STR("other"), sig), "nor of another text");
	ok(!ed25519_good(seed, m, sig), "nor with another key");
}

/* S + L verifies where S is not compared with the order: it must not here. */
static void
test_malleable(void)
{
	static const unsigned char order[] = { 0xed, 0xd3, 0xf5, 0x5c, 0x1a,
		0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
		0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10 };
	unsigned char pub[ED25519_KEY], sig[ED25519_SIG];
	unsigned carry = 0;

	ok(hex_bytes(str_of(ed[0].pub), pub, sizeof(pub)) == OK &&
		hex_bytes(str_of(ed[0].sig), sig, sizeof(sig)) == OK &&
		ed25519_good(pub, STR(""), sig),
	    "S is good");
	for (size_t i = 0; i < sizeof(order); i++) {
		carry += (unsigned)sig[32 + i] + order[i];
		sig[32 + i] = (unsigned char)carry;
		carry >>= 8;
	}
	ok(!ed25519_good(pub, STR(""), sig), "S + L is not");
}

/* McGrew and Viega, "The Galois/Counter Mode of Operation", test case 16. */
static const char gcm_key[] =
    "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";
static const char gcm_nonce[] = "cafebabefacedbaddecaf888";
static const char gcm_plain[] =
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39";
static const char gcm_about[] = "feedfacedeadbeeffeedfacedeadbeefabaddad2";
static const char gcm_sealed[] =
    "cafebabefacedbaddecaf888"
    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
    "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
    "76fc6ece0f4e1768cddf8853bb2d551b";

static struct str
unhex(const char *hex, unsigned char *room)
{
	const size_t n = strlen(hex) / 2;

	BUG_ON(hex_bytes(str_of(hex), room, n) != OK);
	return (struct str){ (const char *)room, n };
}

static void
test_aead(void)
{
	unsigned char key[AEAD_KEY], nonce[AEAD_NONCE], room[3][128];
	const struct str plain = unhex(gcm_plain, room[0]);
	const struct str about = unhex(gcm_about, room[1]);
	const struct str want = unhex(gcm_sealed, room[2]);
	struct buf b = { .max = 1 << 10 }, back = { .max = 1 << 10 };
	struct aead *a = aead_new();
	unsigned opened = 0;

	(void)unhex(gcm_key, key);
	(void)unhex(gcm_nonce, nonce);
	ok(a != NULL && aead_seal(a, key, nonce, about, plain, &b) == OK &&
		str_eq(buf_view(&b), want),
	    "GCM test case 16");
	ok(aead_open(a, key, about, buf_view(&b), &back) == OK &&
		str_eq(buf_view(&back), plain),
	    "opens");
	for (size_t i = 0; i < b.n; i++) {
		b.p[i] ^= 1;
		opened += aead_open(a, key, about, buf_view(&b), &back) == OK;
		b.p[i] ^= 1;
	}
	opened += aead_open(a, key, STR(""), buf_view(&b), &back) == OK;
	opened += aead_open(a, key, about, str_sub(want, 0, 27), &back) == OK;
	key[0] ^= 1;
	opened += aead_open(a, key, about, buf_view(&b), &back) == OK;
	ok(opened == 0 && back.n == plain.n,
	    "not with a byte changed, about another thing, cut, or another "
	    "key");
	key[0] ^= 1;
	buf_clear(&b);
	ok(aead_seal(a, key, nonce, about, plain, &b) == OK &&
		aead_seal(a, key, nonce, about, plain, &b) == OK &&
		str_eq(str_sub(buf_view(&b), 0, want.n), want) &&
		str_eq(str_sub(buf_view(&b), want.n, want.n), want),
	    "the same again, under the key of before");
	key[0] ^= 1;
	buf_clear(&b);
	buf_clear(&back);
	ok(aead_seal(a, key, nonce, about, STR(""), &b) == OK &&
		b.n == AEAD_EXTRA &&
		aead_open(a, key, about, buf_view(&b), &back) == OK &&
		back.n == 0,
	    "nothing seals and opens as nothing");
	aead_free(a);
	buf_done(&b);
	buf_done(&back);
}

int
main(void)
{
	test_digest();
	test_aead();
	for (size_t i = 0; i < countof(ed); i++)
		test_sign(i);
	test_malleable();
	return tap_done();
}
