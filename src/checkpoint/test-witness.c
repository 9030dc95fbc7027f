/* test-witness: what a witness answers, refusal by refusal, each with what is
 * allowed beside it; the request and the answer as text. */
#include "base/tap.h"
#include "checkpoint/checkpoint.h"

static struct vkey log_key, log_new, other, mine;
static unsigned char seeds[4][VKEY_SEED];
static struct tlog_hash root[4], leaf[4], fork2;

static void
make(void)
{
	struct note why;

	for (unsigned char i = 0; i < 4; i++) {
		memset(seeds[i], i + 1, VKEY_SEED);
		leaf[i] = tlog_leaf((struct str){ (const char *)&i, 1 });
	}
	ok(vkey_make(STR("a.example"), VKEY_ED25519, seeds[0], &log_key,
	       &why) == OK &&
		vkey_make(STR("a.example"), VKEY_ED25519, seeds[1], &log_new,
		    &why) == OK &&
		vkey_make(STR("b.example"), VKEY_ED25519, seeds[2], &other,
		    &why) == OK &&
		vkey_make(STR("w.example"), VKEY_COSIGNATURE, seeds[3], &mine,
		    &why) == OK,
	    "keys");
	root[0] = tlog_range_root(&(struct tlog_range){ .size = 0 });
	root[1] = leaf[0];
	root[2] = tlog_node(&leaf[0], &leaf[1]);
	root[3] = tlog_node(&root[2], &leaf[2]);
	fork2 = tlog_node(&leaf[0], &leaf[3]);
}

/* A checkpoint, signed by these keys; by: bits of seeds. */
static void
note_make(struct str origin, uint64_t size, const struct tlog_hash *r,
    unsigned by, struct buf *out)
{
	const struct vkey *const keys[] = { &log_key, &log_new, &other };
	struct buf text = { .max = 1024 };
	struct note why;

	checkpoint_put(origin, size, r, &text);
	buf_str(out, buf_view(&text));
	buf_ch(out, '\n');
	for (unsigned i = 0; i < countof(keys); i++)
		if ((by >> i & 1U) != 0 &&
		    signed_add(
			keys[i], seeds[i], 0, buf_view(&text), out, &why) != OK)
			ok(false, "signing");
	buf_done(&text);
}

enum { A = 1, A_NEW = 2, B = 4 };
static const struct {
	const char *what, *origin;
	uint64_t old, size;
	const struct tlog_hash *root, *proof;
	unsigned by, flip, want;
	uint64_t last;
} cases[] = {
	{ "the first checkpoint", "a.example", 0, 2, &root[2], NULL, A, 0, 200,
	    0 },
	{ "the empty tree", "a.example", 0, 0, &root[0], NULL, A, 0, 200, 0 },
	{ "the empty tree with another root", "a.example", 0, 0, &root[1], NULL,
	    A, 0, 422, 0 },
	{ "one that grows", "a.example", 2, 3, &root[3], &leaf[2], A, 0, 200,
	    2 },
	{ "the same again", "a.example", 2, 2, &root[2], NULL, A, 0, 200, 2 },
	{ "one signed by the log's new key too", "a.example", 2, 3, &root[3],
	    &leaf[2], A | A_NEW, 0, 200, 2 },
	{ "one signed by the new key alone", "a.example", 2, 3, &root[3],
	    &leaf[2], A_NEW, 0, 200, 2 },
	{ "an unknown origin", "c.example", 0, 2, &root[2], NULL, A, 0, 404,
	    0 },
	{ "one that no known key signed", "b.example", 0, 2, &root[2], NULL, A,
	    0, 403, 0 },
	{ "one that its own key signed", "b.example", 0, 2, &root[2], NULL, B,
	    0, 200, 0 },
	{ "a signature of a known key that is not good", "a.example", 0, 2,
	    &root[2], NULL, A, 1, 403, 0 },
	{ "one bad beside one good", "a.example", 0, 2, &root[2], NULL,
	    A | A_NEW, 1, 403, 0 },
	{ "an old size over the new one", "a.example", 3, 2, &root[2], NULL, A,
	    0, 400, 3 },
	{ "an old size that is not ours", "a.example", 1, 3, &root[3], &leaf[2],
	    A, 0, 409, 2 },
	{ "nothing asked of what we know", "a.example", 0, 3, &root[3], NULL, A,
	    0, 409, 2 },
	{ "a proof from nothing", "a.example", 0, 2, &root[2], &leaf[1], A, 0,
	    422, 0 },
	{ "no proof", "a.example", 2, 3, &root[3], NULL, A, 0, 422, 2 },
	{ "a proof of something else", "a.example", 2, 3, &root[3], &leaf[1], A,
	    0, 422, 2 },
	{ "a fork of the same size", "a.example", 2, 2, &fork2, NULL, A, 0, 422,
	    2 },
	{ "the same with a proof", "a.example", 2, 2, &root[2], &leaf[1], A, 0,
	    422, 2 },
};

static void
test_judge(void)
{
	const struct vkey keys[] = { log_key, log_new, other };

	for (size_t i = 0; i < countof(cases); i++) {
		struct buf b = { .max = 4096 };
		struct growth g = { .old = cases[i].old };
		struct signed_note n;
		struct checkpoint at;
		struct note why = { "" };
		const struct witness_last last = { cases[i].last,
			root[cases[i].last] };
		unsigned got = 0;

		if (cases[i].proof != NULL)
			g.proof.at[g.proof.n++] = *cases[i].proof;
		note_make(str_of(cases[i].origin), cases[i].size, cases[i].root,
		    cases[i].by, &b);
		if (cases[i].flip) /* in the middle of the last signature */
			b.p[b.n - 40] = b.p[b.n - 40] == 'A' ? 'B' : 'A';
		if (signed_parse(buf_view(&b), &n, &why) == OK &&
		    checkpoint_of(n.text, &at, &why) == OK)
			got = witness_judge(keys, countof(keys),
			    &(struct witness_asked){ &n, &at, g.old, &g.proof },
			    &last, &why);
		ok(got == cases[i].want, "%s: %u %s", cases[i].what, got,
		    why.text);
		buf_done(&b);
	}
}

#define HASH "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
static const struct {
	const char *text;
	enum err want;
} bodies[] = {
	{ "old 0\n\nrest", OK },
	{ "old 20852014\n" HASH HASH "\nrest\n", OK },
	{ "old 9223372036854775807\n\n", OK },
	{ "", ERR_SYNTAX },
	{ "old 0", ERR_SYNTAX },
	{ "old 0\n", ERR_SYNTAX },
	{ "old  0\n\n", ERR_SYNTAX },
	{ "old 00\n\n", ERR_SYNTAX },
	{ "old 01\n\n", ERR_SYNTAX },
	{ "old -1\n\n", ERR_SYNTAX },
	{ "old \n\n", ERR_SYNTAX },
	{ "old 9223372036854775808\n\n", ERR_SYNTAX },
	{ "old 0\r\n\r\n", ERR_SYNTAX },
	{ "new 0\n\n", ERR_SYNTAX },
	{ "old 1\nAAAA\n\n", ERR_SYNTAX },
	{ "old 1\n" HASH, ERR_SYNTAX },
	{ "old 1\n CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n",
	    ERR_SYNTAX },
	{ "old 1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n\n",
	    ERR_SYNTAX },
};

static void
test_bodies(void)
{
	struct buf b = { .max = 8192 };
	struct growth g;
	struct note why;

	for (size_t i = 0; i < countof(bodies); i++) {
		const struct str s = str_of(bodies[i].text);

		why.text[0] = '\0';
		ok(growth_of(s, &g, &why) == bodies[i].want, "body %zu: %s", i,
		    why.text);
		if (bodies[i].want != OK)
			continue;
		growth_put(g.old, &g.proof, g.checkpoint, &b);
		ok(str_eq(buf_view(&b), s), "and is written as it was");
		buf_clear(&b);
	}
	for (unsigned lines = 63; lines <= 64; lines++) {
		buf_clear(&b);
		buf_str(&b, STR("old 5\n"));
		for (unsigned i = 0; i < lines; i++)
			buf_str(&b, STR(HASH));
		buf_str(&b, STR("\n"));
		ok((growth_of(buf_view(&b), &g, &why) == OK) == (lines == 63),
		    "%u lines of proof", lines);
	}
	buf_done(&b);
}

static void
test_answer(void)
{
	struct buf b = { .max = 4096 }, line = { .max = 1024 };
	unsigned char sig[COSIGNATURE] = { 0 };
	const struct str text = STR("a.example\n1\nAA\n");
	struct signed_note n;
	struct note why = { "" };
	uint64_t time = 0;

	ok(signed_add(&other, seeds[2], 0, text, &b, &why) == OK &&
		signed_add(&mine, seeds[3], 77, text, &b, &why) == OK &&
		cosignature_of(buf_view(&b), &mine, sig, &why) == OK,
	    "a cosignature is found among others %s", why.text);
	buf_str(&line, text);
	buf_ch(&line, '\n');
	cosignature_put(&mine, sig, &line);
	ok(signed_parse(buf_view(&line), &n, &why) == OK &&
		signed_check(&n, &mine, &time, &why) == OK && time == 77,
	    "and stands in a note: %s", why.text);
	sig[30] ^= 1;
	line.n = text.n + 1;
	cosignature_put(&mine, sig, &line);
	ok(signed_parse(buf_view(&line), &n, &why) == OK &&
		signed_check(&n, &mine, &time, &why) == ERR_DENIED,
	    "changed it is not good");
	buf_clear(&b);
	ok(signed_add(&other, seeds[2], 0, text, &b, &why) == OK &&
		cosignature_of(buf_view(&b), &mine, sig, &why) == ERR_GONE,
	    "an answer without ours");
	ok(cosignature_of(STR(""), &mine, sig, &why) == ERR_SYNTAX &&
		cosignature_of(STR("<html>\n"), &mine, sig, &why) == ERR_SYNTAX,
	    "an answer that is none");
	buf_done(&b);
	buf_done(&line);
}

int
main(void)
{
	make();
	test_judge();
	test_bodies();
	test_answer();
	return tap_done();
}
