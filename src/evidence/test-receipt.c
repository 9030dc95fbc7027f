/* test-receipt: a receipt is accepted, and nothing that differs from it in any
 * bit is; t/receipts has it as a file, for other verifiers (RECEIPTS=DIR writes
 * it anew). */
#include "base/tap.h"
#include "evidence/evidence-in.h"

enum { KEYS = 4, RECORDS = 5, AT = 3 };

static const char *const names[KEYS] = { "gatehouse.example/log",
	"witness.example/w1", "witness.example/w2", "witness.example/w3" };

struct world {
	unsigned char seed[KEYS][VKEY_SEED];
	struct vkey key[KEYS];
	struct buf policy, record[RECORDS], checkpoint, proof, receipt;
	struct buf disclosure[4];
	struct tlog_proof path;
};

/* A disclosure and its digest. */
static void
disclose(struct buf *out, const char *json, char digest[static 64])
{
	unsigned char sum[SHA256_N];
	struct buf b = { .max = 60 };

	out->max = 1024;
	base64url_put(out, str_of(json));
	sha256(buf_view(out), STR(""), sum);
	base64url_put(&b, (struct str){ (const char *)sum, sizeof(sum) });
	(void)snprintf(digest, 64, "%.*s", STR_ARG(buf_view(&b)));
	buf_done(&b);
}

static void
records(struct world *w)
{
	char d[4][64], text[256];

	disclose(&w->disclosure[0],
	    "[\"2GLC42sKQveCfGfryNRN9w\",\"amount\",120]", d[0]);
	disclose(&w->disclosure[2],
	    "[\"eluV5Og3gSNII8EYnsxA_A\",\"iban\",\"DE89 3704 \\u00fc\"]",
	    d[2]);
	(void)snprintf(text, sizeof(text),
	    "[\"6Ij7tM-a5iVPGboS5tmvVA\",\"payee\",{\"_sd\":[\"%s\"],"
	    "\"name\":\"A\"}]",
	    d[2]);
	disclose(&w->disclosure[1], text, d[1]);
	disclose(
	    &w->disclosure[3], "[\"Qg_O64zqAxe412a108iroA\",\"line\"]", d[3]);
	for (unsigned i = 0; i < RECORDS; i++) {
		w->record[i].max = 4096;
		if (i == AT)
			buf_fmt(&w->record[i],
			    "{\"_sd\":[\"%s\",\"%s\"],\"_sd_alg\":\"sha-256\","
			    "\"kind\":\"decision\",\"lines\":[{\"...\":\"%s\"}]"
			    ",\"name\":\"pay\",\"seq\":%u,\"verdict\":"
			    "\"allow\"}",
			    d[0], d[1], d[3], i + 1);
		else
			buf_fmt(&w->record[i],
			    "{\"kind\":\"outcome\",\"seq\":%u}", i + 1);
	}
}

static void
tree(struct world *w, struct tlog_hash *root)
{
	struct tlog_hash h[RECORDS], ab;
	struct tlog_range r = { .size = 0 };

	for (unsigned i = 0; i < RECORDS; i++) {
		h[i] = tlog_leaf(buf_view(&w->record[i]));
		tlog_range_add(&r, &h[i]);
	}
	ab = tlog_node(&h[0], &h[1]);
	w->path.n = 3; /* c, (a b), e for d of five */
	w->path.at[0] = h[2];
	w->path.at[1] = ab;
	w->path.at[2] = h[4];
	*root = tlog_range_root(&r);
}

static void
world_init(struct world *w)
{
	struct note why;
	struct buf text = { .max = 1000 };
	struct tlog_hash root;

	memset(w, 0, sizeof(*w));
	w->policy.max = w->checkpoint.max = w->proof.max = w->receipt.max =
	    1 << 16;
	records(w);
	tree(w, &root);
	for (unsigned i = 0; i < KEYS; i++) {
		memset(w->seed[i], (int)i + 1, VKEY_SEED);
		BUG_ON(vkey_make(str_of(names[i]),
			   i == 0 ? VKEY_ED25519 : VKEY_COSIGNATURE, w->seed[i],
			   &w->key[i], &why) != OK);
		if (i == 0)
			buf_str(&w->policy, STR("log "));
		else
			buf_fmt(&w->policy, "witness W%u ", i);
		vkey_put(&w->key[i], &w->policy);
		buf_ch(&w->policy, '\n');
	}
	buf_str(&w->policy, STR("group two 2 W1 W2 W3\nquorum two\n"));
	checkpoint_put(str_of(names[0]), RECORDS, &root, &text);
	buf_str(&w->checkpoint, buf_view(&text));
	buf_ch(&w->checkpoint, '\n');
	for (unsigned i = 0; i < KEYS; i++)
		BUG_ON(
		    i != 2 && signed_add(&w->key[i], w->seed[i], 1764316800 + i,
				  buf_view(&text), &w->checkpoint, &why) != OK);
	proof_put(AT, &w->path, buf_view(&w->checkpoint), &w->proof);
	buf_done(&text);
}

static void
world_done(struct world *w)
{
	for (unsigned i = 0; i < RECORDS; i++)
		buf_done(&w->record[i]);
	for (unsigned i = 0; i < 4; i++)
		buf_done(&w->disclosure[i]);
	buf_done(&w->policy);
	buf_done(&w->checkpoint);
	buf_done(&w->proof);
	buf_done(&w->receipt);
}

static struct receipt
parts(const struct world *w, size_t disclosed)
{
	struct receipt r = { .record = buf_view(&w->record[AT]),
		.proof = buf_view(&w->proof) };

	for (r.disclosures = 0; r.disclosures < disclosed; r.disclosures++)
		r.disclosure[r.disclosures] =
		    buf_view(&w->disclosure[r.disclosures]);
	return r;
}

static enum err
check(
    const struct world *w, struct str text, struct buf *tape, struct note *why)
{
	static struct trust t;
	static struct receipt r;
	struct trust_view v;
	uint64_t index = 0;
	enum err e;

	BUG_ON(trust_of(buf_view(&w->policy), &t, why) != OK);
	e = receipt_of(text, &r, why);
	buf_clear(tape);
	if (e == OK)
		e = receipt_check(&r, &t, &v, &index, tape, why);
	BUG_ON(e == OK && (index != AT || v.at.size != RECORDS));
	return e;
}

static void
test_good(struct world *w, struct buf *tape)
{
	struct note why = { "" };
	struct buf text = { .max = 4096 };

	for (size_t n = 0; n <= 4; n++) {
		const struct receipt r = parts(w, n);

		buf_clear(&w->receipt);
		ok(receipt_put(&r, &w->receipt, &why) == OK &&
			check(w, buf_view(&w->receipt), tape, &why) == OK,
		    "a receipt that discloses %zu %s", n, why.text);
	}
	json_write(
	    jv_of(str_sub(buf_view(tape), jv_of(buf_view(tape)).n, tape->n)),
	    &text);
	ok(str_starts(buf_view(&text),
	       STR("[{\"name\":\"amount\",\"value\":120},{\"name\":\"payee\"")),
	    "%.*s", STR_ARG(buf_view(&text)));
	buf_done(&text);
}

/* No bit can be another, no byte can be gone, nothing can come after. */
static void
test_bits(const struct world *w, struct buf *tape)
{
	struct buf b = { .max = 1 << 16 };
	struct note why;
	unsigned taken = 0;

	buf_str(&b, buf_view(&w->receipt));
	for (size_t i = 0; i < 8 * b.n; i++) {
		b.p[i / 8] ^= (char)(1U << i % 8);
		taken += check(w, buf_view(&b), tape, &why) == OK;
		b.p[i / 8] ^= (char)(1U << i % 8);
	}
	ok(taken == 0, "none of %zu flipped bits passes", 8 * b.n);
	for (size_t i = 0; i < b.n; i++)
		taken +=
		    check(w, str_sub(buf_view(&b), 0, i), tape, &why) == OK;
	buf_ch(&b, '\n');
	taken += check(w, buf_view(&b), tape, &why) == OK;
	ok(taken == 0, "nor less, nor more");
	buf_done(&b);
}

/* The same with a digest line made right again: then the signatures, the tree
 * and the commitments decide. */
static void
test_resealed(const struct world *w, struct buf *tape)
{
	struct buf b = { .max = 1 << 16 };
	const struct str whole = buf_view(&w->receipt);
	const size_t from = 21 + 7 + 64 + 1;
	struct note why;
	unsigned taken = 0, malformed = 0, denied = 0;

	for (size_t i = 8 * from; i < 8 * whole.n; i++) {
		unsigned char sum[SHA256_N];
		enum err e;

		buf_clear(&b);
		buf_str(&b, whole);
		b.p[i / 8] ^= (char)(1U << i % 8);
		sha256(str_sub(buf_view(&b), from, b.n), STR(""), sum);
		b.n = 28;
		buf_hex(&b, (struct str){ (const char *)sum, sizeof(sum) });
		b.n = whole.n;
		e = check(w, buf_view(&b), tape, &why);
		taken += e == OK;
		malformed += e == ERR_SYNTAX || e == ERR_LIMIT;
		denied += e == ERR_DENIED;
	}
	ok(taken == 0 && denied > 1000 && malformed > 1000,
	    "nor does any when the digest is made again: %u malformed, %u not "
	    "valid",
	    malformed, denied);
	buf_done(&b);
}

/* What is well-formed and false, and what is malformed, in words. */
static void
test_wrong(struct world *w, struct buf *tape)
{
	struct note why = { "" };
	struct receipt r = parts(w, 2);
	struct buf other = { .max = 4096 };

	r.disclosure[1] = r.disclosure[0];
	buf_clear(&w->receipt);
	ok(receipt_put(&r, &w->receipt, &why) == OK &&
		check(w, buf_view(&w->receipt), tape, &why) == ERR_DENIED,
	    "the same disclosure twice: %s", why.text);
	r = parts(w, 0);
	r.disclosure[r.disclosures++] = buf_view(&w->disclosure[2]);
	buf_clear(&w->receipt);
	ok(receipt_put(&r, &w->receipt, &why) == OK &&
		check(w, buf_view(&w->receipt), tape, &why) == ERR_DENIED,
	    "one whose commitment is not disclosed: %s", why.text);
	r.disclosure[0] = STR("WyJhIl0");
	buf_clear(&w->receipt);
	ok(receipt_put(&r, &w->receipt, &why) == OK &&
		check(w, buf_view(&w->receipt), tape, &why) == ERR_SYNTAX,
	    "one that is none: %s", why.text);
	r = parts(w, 0);
	r.record = buf_view(&w->record[0]);
	buf_clear(&w->receipt);
	ok(receipt_put(&r, &w->receipt, &why) == OK &&
		check(w, buf_view(&w->receipt), tape, &why) == ERR_DENIED,
	    "another record of the log: %s", why.text);
	buf_str(&other, STR("{\"b\":1,\"a\":2}"));
	r.record = buf_view(&other);
	buf_clear(&w->receipt);
	ok(receipt_put(&r, &w->receipt, &why) == OK &&
		check(w, buf_view(&w->receipt), tape, &why) == ERR_SYNTAX,
	    "a record that is not canonical: %s", why.text);
	buf_clear(&other);
	buf_str(&other, STR("c2sp.org/tlog-proof@v1\nextra YQ==\n"));
	buf_str(&other, str_sub(buf_view(&w->proof), 23, w->proof.n));
	r = parts(w, 0);
	r.proof = buf_view(&other);
	buf_clear(&w->receipt);
	ok(receipt_put(&r, &w->receipt, &why) == OK &&
		check(w, buf_view(&w->receipt), tape, &why) == ERR_SYNTAX,
	    "an extra line: %s", why.text);
	buf_done(&other);
}

static void
test_trust(struct world *w, struct buf *tape)
{
	struct note why = { "" };
	const struct receipt r = parts(w, 4);

	buf_clear(&w->receipt);
	ok(receipt_put(&r, &w->receipt, &why) == OK, "a receipt");
	w->policy.n -= 4;
	buf_str(&w->policy, STR("W2\n"));
	ok(check(w, buf_view(&w->receipt), tape, &why) == ERR_DENIED,
	    "a witness that has not cosigned: %s", why.text);
	w->policy.n -= 3;
	buf_str(&w->policy, STR("two\n"));
	ok(check(w, buf_view(&w->receipt), tape, &why) == OK, "two that have");
}

/* t/receipts/good.receipt is this one, and trust.policy this trust. */
static void
test_file(const struct world *w, const char *name, struct str want)
{
	const char *dir = getenv("RECEIPTS");
	char path[256], text[1 << 14];
	FILE *f;
	size_t n;

	(void)snprintf(path, sizeof(path), "%s/%s",
	    dir == NULL ? "t/receipts" : dir, name);
	(void)w;
	f = fopen(path, dir == NULL ? "r" : "w+");
	if (f == NULL) {
		ok(false, "%s cannot be opened", path);
		return;
	}
	if (dir != NULL)
		(void)fwrite(want.p, 1, want.n, f);
	rewind(f);
	n = fread(text, 1, sizeof(text), f);
	(void)fclose(f);
	ok(str_eq((struct str){ text, n }, want), "%s is what is made here",
	    path);
}

int
main(void)
{
	struct world w;
	struct buf tape = { .max = 1 << 20 };

	world_init(&w);
	test_good(&w, &tape);
	test_bits(&w, &tape);
	test_resealed(&w, &tape);
	test_file(&w, "good.receipt", buf_view(&w.receipt));
	test_file(&w, "trust.policy", buf_view(&w.policy));
	test_wrong(&w, &tape);
	test_trust(&w, &tape);
	buf_done(&tape);
	world_done(&w);
	return tap_done();
}
