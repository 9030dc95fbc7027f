/* test-checkpoint: what others published is read; what is made is read; every
 * byte of what is signed counts. */
#include "base/tap.h"
#include "checkpoint/checkpoint.h"

#define DASH "\xe2\x80\x94 "

/* The example of signed-note. */
static const char *const foo_key =
    "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
static const char *const foo_note =
    "This is an example message.\n\n" DASH
    "example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Zt"
    "g1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";
/* A checkpoint of Tessera's test log, and its key. */
static const char *const tessera_key =
    "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5"
    "xCFkkSx";
static const char *const tessera_note =
    "example.com/log/testdata\n15\n"
    "rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=\n\n" DASH
    "example.com/log/testdata M9e0luh4jTG+UMBqOUo9/q+yAEvx1ilBEniMvjf1zfcBOh"
    "g+CKubMt53MvIt/uEWP6zdkdIQzd/fmwlM/dlPWF74ewI=\n";

static void
test_published(const char *key, const char *text)
{
	struct vkey k;
	struct signed_note n;
	struct note why = { "" };
	struct buf b = { .max = 200 };

	ok(vkey_of(str_of(key), &k, &why) == OK &&
		signed_parse(str_of(text), &n, &why) == OK && n.lines == 1 &&
		signed_check(&n, &k, NULL, &why) == OK,
	    "a published note of %.*s %s", STR_ARG(k.name), why.text);
	vkey_put(&k, &b);
	ok(str_eq(buf_view(&b), str_of(key)), "and its key, written again");
	buf_done(&b);
	k.pub[0] ^= 1;
	ok(signed_check(&n, &k, NULL, &why) == ERR_DENIED,
	    "not under another key: %s", why.text);
	k.id ^= 1;
	ok(signed_check(&n, &k, NULL, &why) == ERR_GONE,
	    "which of another id is unknown: %s", why.text);
}

/* No byte of a note with one signature can be another. */
static void
test_bytes(void)
{
	struct buf b = { .max = 4096 };
	struct signed_note n;
	struct note why;
	struct vkey k;
	unsigned taken = 0, tried = 0;

	buf_str(&b, str_of(tessera_note));
	ok(vkey_of(str_of(tessera_key), &k, &why) == OK, "a key");
	for (size_t i = 0; i < b.n; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			b.p[i] ^= (char)(1U << bit);
			tried++;
			taken += signed_parse(buf_view(&b), &n, &why) == OK &&
				 signed_check(&n, &k, NULL, &why) == OK;
			b.p[i] ^= (char)(1U << bit);
		}
	ok(taken == 0, "none of %u flipped bits passes", tried);
	buf_done(&b);
}

static const char *const no_keys[] = { "", "a", "a+b", "a+00000000+",
	"example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
	"example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
	"example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2",
	"example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U==",
	"example.com foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
	"+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
	"\xe2\x80\xa8+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k" };

static const char *const no_notes[] = { "", "\n", "\n\n", "text\n", "text\n\n",
	"text\n\n\n", "text\n\nname AAAAAAA=\n", "text\n\n" DASH "name\n",
	"text\n\n" DASH "name AAAAAAA\n", "text\n\n" DASH "name AAAAAA==\n",
	"text\n\n" DASH "name AAAAAA=\n", "text\n\n" DASH " AAAAAAA=\n",
	"text\n\n" DASH "na+me AAAAAAA=\n",
	"text\n\n" DASH "name AAAAAAA=", "text\n\n" DASH "name  AAAAAAA=\n",
	"te\txt\n\n" DASH "name AAAAAAA=\n",
	"te\xffxt\n\n" DASH "name AAAAAAA=\n",
	"text\n\n" DASH "name AAAAAAA= \n",
	"text\n\n" DASH "na\xc2\xa0me AAAAAAA=\n" };

static void
test_malformed(void)
{
	struct vkey k;
	struct signed_note n;
	struct note why;
	struct buf b = { .max = 1 << 16 };
	enum err e = OK;

	for (size_t i = 0; i < countof(no_keys); i++)
		ok(vkey_of(str_of(no_keys[i]), &k, &why) == ERR_SYNTAX,
		    "no key: \"%s\"", no_keys[i]);
	ok(vkey_of(STR("a+00000000+BgAAAAA="), &k, &why) == ERR_LIMIT,
	    "a key of another kind: %s", why.text);
	for (size_t i = 0; i < countof(no_notes); i++)
		ok(signed_parse(str_of(no_notes[i]), &n, &why) == ERR_SYNTAX,
		    "no note %zu: %s", i, why.text);
	ok(signed_parse(STR("\n\n" DASH "name AAAAAAA=\n"), &n, &why) == OK &&
		str_eq(n.text, STR("\n")),
	    "a note of one empty line is one");
	ok(signed_parse(STR("a\n\nb\n\n" DASH "n AAAAAAA=\n"), &n, &why) ==
		    OK &&
		str_eq(n.text, STR("a\n\nb\n")),
	    "the last blank line separates");
	buf_str(&b, STR("text\n\n"));
	for (unsigned i = 0; i <= SIGNED_LINES_MAX; i++) {
		e = signed_parse(buf_view(&b), &n, &why);
		if (i == SIGNED_LINES_MAX)
			ok(e == OK && n.lines == SIGNED_LINES_MAX,
			    "%d signatures", SIGNED_LINES_MAX);
		buf_str(&b, STR(DASH "name AAAAAAA=\n"));
	}
	ok(signed_parse(buf_view(&b), &n, &why) == ERR_LIMIT, "and not more");
	buf_done(&b);
}

static const char *const no_checkpoints[] = { "", "o\n1\n",
	"\n1\nrKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=\n",
	"o\n01\nrKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=\n",
	"o\n-1\nrKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=\n",
	"o\n\nrKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=\n",
	"o\n1\nrKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs\n",
	"o\n1\nrKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383c==\n",
	"o\n1\nrKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=",
	"o\n1\nrKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=\n\n",
	"o\n1\nrKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=\nx\n\ny\n" };

static void
test_checkpoints(void)
{
	struct checkpoint c;
	struct note why = { "" };
	struct buf b = { .max = 1000 };
	struct str text = str_of(tessera_note);

	text = str_sub(text, 0, str_search(text, STR("\n\n")) + 1);
	ok(checkpoint_of(text, &c, &why) == OK && c.size == 15 &&
		c.extensions.n == 0,
	    "a checkpoint %s", why.text);
	checkpoint_put(c.origin, c.size, &c.root, &b);
	ok(str_eq(buf_view(&b), text), "written again");
	buf_str(&b, STR("more\nand more\n"));
	ok(checkpoint_of(buf_view(&b), &c, &why) == OK &&
		str_eq(c.extensions, STR("more\nand more\n")),
	    "extension lines");
	for (size_t i = 0; i < countof(no_checkpoints); i++)
		ok(checkpoint_of(str_of(no_checkpoints[i]), &c, &why) ==
			ERR_SYNTAX,
		    "no checkpoint %zu: %s", i, why.text);
	ok(checkpoint_of(STR("o\n4611686018427387905\nrKbDipCvhuX1GZ7g5BBe8sA6"
			     "BbJ7ja/1nk427v383cs=\n"),
	       &c, &why) == ERR_LIMIT,
	    "too many entries");
	ok(checkpoint_of(STR("o\n18446744073709551616\nrKbDipCvhuX1GZ7g5BBe8sA"
			     "6BbJ7ja/1nk427v383cs=\n"),
	       &c, &why) == ERR_SYNTAX,
	    "and a size that is no number of 64 bits");
	buf_done(&b);
}

/* ---- a log, three witnesses ---- */

struct world {
	unsigned char seed[4][VKEY_SEED];
	struct vkey key[4]; /* the log's first */
	struct buf policy, note;
	struct tlog_range range;
};

static void
world_init(struct world *w, const char *quorum)
{
	static const char *const names[] = { "log.example", "w1.example",
		"w2.example", "w3.example" };
	struct note why;

	memset(w, 0, sizeof(*w));
	w->policy.max = w->note.max = 1 << 16;
	for (unsigned i = 0; i < 4; i++) {
		memset(w->seed[i], (int)i + 1, VKEY_SEED);
		BUG_ON(vkey_make(str_of(names[i]),
			   i == 0 ? VKEY_ED25519 : VKEY_COSIGNATURE, w->seed[i],
			   &w->key[i], &why) != OK);
		if (i == 0)
			buf_str(&w->policy, STR("# trust\nlog "));
		else
			buf_fmt(&w->policy, "witness W%u ", i);
		vkey_put(&w->key[i], &w->policy);
		buf_str(&w->policy, STR("\thttps://x.example/ \n"));
	}
	buf_str(&w->policy, STR("group G 2 W1 W2 W3\n"));
	buf_fmt(&w->policy, "quorum %s\n", quorum);
	for (unsigned i = 0; i < 9; i++) {
		const struct tlog_hash h =
		    tlog_leaf((struct str){ &"abcdefghi"[i], 1 });

		tlog_range_add(&w->range, &h);
	}
}

/* A note of the log, cosigned by the witnesses in `by`. */
static struct str
world_note(struct world *w, unsigned by)
{
	const struct tlog_hash root = tlog_range_root(&w->range);
	struct note why;
	struct buf text = { .max = 1000 };

	checkpoint_put(STR("log.example"), w->range.size, &root, &text);
	buf_clear(&w->note);
	buf_str(&w->note, buf_view(&text));
	buf_ch(&w->note, '\n');
	BUG_ON(signed_add(&w->key[0], w->seed[0], 0, buf_view(&text), &w->note,
		   &why) != OK);
	for (unsigned i = 1; i < 4; i++)
		if ((by >> i & 1) != 0)
			BUG_ON(signed_add(&w->key[i], w->seed[i], 1000 + i,
				   buf_view(&text), &w->note, &why) != OK);
	buf_done(&text);
	return buf_view(&w->note);
}

static void
world_done(struct world *w)
{
	buf_done(&w->policy);
	buf_done(&w->note);
}

static enum err
judged(struct world *w, unsigned by, struct trust_view *v, struct note *why)
{
	static struct trust t;
	static struct signed_note n;

	TRY(trust_of(buf_view(&w->policy), &t, why));
	TRY(signed_parse(world_note(w, by), &n, why));
	return trust_check(&t, &n, v, why);
}

static void
test_quorum(const char *quorum, unsigned yes)
{
	struct world w;
	struct note why = { "" };
	struct trust_view v;
	unsigned wrong = 0;

	world_init(&w, quorum);
	for (unsigned by = 0; by < 16; by += 2) {
		const enum err e = judged(&w, by, &v, &why);
		const bool want = (yes >> (by / 2) & 1) != 0;

		wrong += e != (want ? OK : ERR_DENIED);
		if (e == OK)
			wrong += v.cosignatures !=
				     (unsigned)__builtin_popcount(by) ||
				 v.unknown != 0 ||
				 (by == 14 && v.newest != 1003);
	}
	ok(wrong == 0, "quorum %s, all sets of witnesses %s", quorum, why.text);
	world_done(&w);
}

/* Every bit of a note whose every signature is needed. */
static void
test_quorum_bytes(void)
{
	struct world w;
	struct trust t;
	struct signed_note n;
	struct trust_view v;
	struct note why;
	unsigned taken = 0;
	struct buf b = { .max = 4096 };

	world_init(&w, "G");
	ok(trust_of(buf_view(&w.policy), &t, &why) == OK, "a policy");
	buf_str(&b, world_note(&w, 6));
	ok(signed_parse(buf_view(&b), &n, &why) == OK &&
		trust_check(&t, &n, &v, &why) == OK,
	    "two of three");
	for (size_t i = 0; i < 8 * b.n; i++) {
		b.p[i / 8] ^= (char)(1U << i % 8);
		taken += signed_parse(buf_view(&b), &n, &why) == OK &&
			 trust_check(&t, &n, &v, &why) == OK;
		b.p[i / 8] ^= (char)(1U << i % 8);
	}
	ok(taken == 0, "none of %zu flipped bits passes", 8 * b.n);
	buf_done(&b);
	world_done(&w);
}

static const char *const no_policies[] = { "", "quorum none",
	"log x\nquorum none\n", "quorum none\nquorum none\n", "quorum X\n",
	"quorum\n", "quorum none x\n", "group G 1\nquorum none\n",
	"group G 1 X\nquorum none\n", "logs\nquorum none\n", "quorum none\r\n",
	"witness none KEY\nquorum none\n", "\n" };
/* After a witness W1 and W2. */
static const char *const no_groups[] = { "group G 0 W1\n", "group G 3 W1 W2\n",
	"group G 01 W1\n", "group G all\n", "group G any W1 W1\n",
	"group W1 any W2\n", "group G some W1\n",
	"group G any W1\ngroup H any W1 W2\n", "group G any G\n",
	"group none any W1\n", "group G\n", "group\n" };

static void
test_policies(void)
{
	static struct trust t;
	struct note why;
	struct world w;
	struct buf b = { .max = 4096 };
	const char *const good = "group G all W1 W2\nquorum G\n";
	struct str two;

	for (size_t i = 0; i < countof(no_policies); i++)
		ok(trust_of(str_of(no_policies[i]), &t, &why) == ERR_SYNTAX,
		    "no policy %zu: %s", i, why.text);
	ok(trust_of(STR("quorum none\n"), &t, &why) == OK && t.any,
	    "the least one");
	world_init(&w, "G");
	two = str_sub(buf_view(&w.policy), 0,
	    str_search(buf_view(&w.policy), STR("witness W3")));
	buf_str(&b, two);
	buf_str(&b, str_of(good));
	ok(trust_of(buf_view(&b), &t, &why) == OK && t.nodes == 3 &&
		t.quorum == 2,
	    "a group: %s", why.text);
	for (size_t i = 0; i < countof(no_groups); i++) {
		buf_clear(&b);
		buf_str(&b, two);
		buf_str(&b, str_of(no_groups[i]));
		buf_str(&b, STR("quorum none\n"));
		ok(trust_of(buf_view(&b), &t, &why) == ERR_SYNTAX,
		    "no group %zu: %s", i, why.text);
	}
	buf_clear(&b);
	buf_str(&b, buf_view(&w.policy));
	buf_str(
	    &b, str_sub(buf_view(&w.policy), 8,
		    str_find(str_sub(buf_view(&w.policy), 8, 999), '\n') + 1));
	ok(trust_of(buf_view(&b), &t, &why) == ERR_SYNTAX,
	    "the same log twice: %s", why.text);
	buf_done(&b);
	world_done(&w);
}

/* ---- proofs as files ---- */

static void
proof_of_e(struct world *w, struct tlog_proof *p)
{
	/* entry 4 of 9, from its tree: f, (g h), (a..d), i */
	struct tlog_hash h[9], gh;

	for (unsigned i = 0; i < 9; i++)
		h[i] = tlog_leaf((struct str){ &"abcdefghi"[i], 1 });
	gh = tlog_node(&h[6], &h[7]);
	p->n = 4;
	p->at[0] = h[5];
	p->at[1] = gh;
	{
		const struct tlog_hash ab = tlog_node(&h[0], &h[1]);
		const struct tlog_hash cd = tlog_node(&h[2], &h[3]);

		p->at[2] = tlog_node(&ab, &cd);
	}
	p->at[3] = h[8];
	(void)w;
}

static void
test_proof(void)
{
	struct world w;
	struct tlog_proof p;
	struct proof_file f;
	struct trust t;
	struct trust_view v;
	struct note why = { "" };
	struct buf b = { .max = 8192 };
	const struct tlog_hash leaf = tlog_leaf(STR("e")),
			       other = tlog_leaf(STR("f"));
	unsigned taken = 0;

	world_init(&w, "G");
	proof_of_e(&w, &p);
	proof_put(4, &p, world_note(&w, 12), &b);
	ok(trust_of(buf_view(&w.policy), &t, &why) == OK &&
		proof_of(buf_view(&b), &f, &why) == OK && f.index == 4 &&
		f.proof.n == 4 && proof_check(&f, &leaf, &t, &v, &why) == OK &&
		v.at.size == 9,
	    "a proof as a file %s", why.text);
	ok(proof_check(&f, &other, &t, &v, &why) == ERR_DENIED,
	    "not of another entry: %s", why.text);
	for (size_t i = 0; i < 8 * b.n; i++) {
		b.p[i / 8] ^= (char)(1U << i % 8);
		taken += proof_of(buf_view(&b), &f, &why) == OK &&
			 proof_check(&f, &leaf, &t, &v, &why) == OK;
		b.p[i / 8] ^= (char)(1U << i % 8);
	}
	ok(taken == 0, "none of %zu flipped bits passes", 8 * b.n);
	for (size_t n = 0; n < b.n; n++)
		taken +=
		    proof_of(str_sub(buf_view(&b), 0, n), &f, &why) == OK &&
		    proof_check(&f, &leaf, &t, &v, &why) == OK;
	ok(taken == 0, "nor a beginning of it");
	buf_done(&b);
	world_done(&w);
}

static const char *const no_proofs[] = { "", "c2sp.org/tlog-proof@v1",
	"c2sp.org/tlog-proof@v1\n", "c2sp.org/tlog-proof@v2\nindex 0\n\nx\n",
	"c2sp.org/tlog-proof@v1\nindex 00\n\nx\n",
	"c2sp.org/tlog-proof@v1\nindex\n\nx\n",
	"c2sp.org/tlog-proof@v1\nindex 0\n",
	"c2sp.org/tlog-proof@v1\nindex 0\n\n",
	"c2sp.org/tlog-proof@v1\nindex 0\nabc\n\nx\n",
	"c2sp.org/tlog-proof@v1\nextra \nindex 0\n\nx\n",
	"c2sp.org/tlog-proof@v1\nextra !\nindex 0\n\nx\n",
	"c2sp.org/tlog-proof@v1\nindex 0\nextra YQ==\n\nx\n" };

static void
test_proofs_malformed(void)
{
	struct proof_file f;
	struct note why;

	for (size_t i = 0; i < countof(no_proofs); i++)
		ok(proof_of(str_of(no_proofs[i]), &f, &why) == ERR_SYNTAX,
		    "no proof %zu: %s", i, why.text);
	ok(proof_of(STR("c2sp.org/tlog-proof@v1\nextra YQ==\nindex 0\n\nx\n"),
	       &f, &why) == OK &&
		str_eq(f.extra, STR("YQ==")) && f.proof.n == 0,
	    "what is extra is carried");
}

int
main(void)
{
	test_published(foo_key, foo_note);
	test_published(tessera_key, tessera_note);
	test_bytes();
	test_malformed();
	test_checkpoints();
	test_quorum("none", 0xff);
	test_quorum("W2", 0xcc);
	test_quorum("G", 0xe8);
	test_quorum_bytes();
	test_policies();
	test_proof();
	test_proofs_malformed();
	return tap_done();
}
