/* fuzz-checkpoint: keys, notes, checkpoints, policies and proofs from anywhere.
 * What is accepted must be the same when written again. */
#include "checkpoint/checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
same(struct buf *b, struct str s)
{
	BUG_ON(!str_eq(buf_view(b), s));
	buf_done(b);
}

static void
key(struct str s)
{
	struct vkey k;
	struct note why;
	struct buf b = { .max = 4096 };

	if (vkey_of(s, &k, &why) != OK)
		return;
	vkey_put(&k, &b);
	same(&b, s);
}

static void
signing_key(struct str s)
{
	unsigned char seed[VKEY_SEED];
	struct vkey k;
	struct note why;
	struct buf b = { .max = 4096 };

	if (skey_of(s, &k, seed, &why) != OK)
		return;
	skey_put(&k, seed, &b);
	same(&b, s);
}

static void
checkpoint(struct str s)
{
	struct checkpoint c;
	struct note why;
	struct buf b = { .max = SIGNED_MAX };

	if (checkpoint_of(s, &c, &why) != OK)
		return;
	checkpoint_put(c.origin, c.size, &c.root, &b);
	buf_str(&b, c.extensions);
	same(&b, s);
}

static void
proof(struct str s)
{
	struct proof_file f;
	struct note why;
	struct buf b = { .max = 2 * SIGNED_MAX };

	if (proof_of(s, &f, &why) != OK || f.extra.n > 0)
		return;
	proof_put(f.index, &f.proof, f.checkpoint, &b);
	same(&b, s);
}

/* What a log sends a witness, and what comes back. */
static void
witness(struct str s)
{
	static struct growth g;
	static struct signed_note n;
	unsigned char sig[COSIGNATURE];
	struct checkpoint c;
	struct witness_last last = { .size = 0 };
	struct note why;
	struct vkey log, w;
	struct buf b = { .max = 2 * SIGNED_MAX };

	BUG_ON(
	    vkey_of(STR("example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6f"
			"ASMsq3rKNx280NI+oO5xCFkkSx"),
		&log, &why) != OK);
	w = log;
	if (growth_of(s, &g, &why) == OK) {
		growth_put(g.old, &g.proof, g.checkpoint, &b);
		same(&b, s);
		last.size = g.old;
		if (signed_parse(g.checkpoint, &n, &why) == OK &&
		    checkpoint_of(n.text, &c, &why) == OK)
			(void)witness_judge(&log, 1,
			    &(struct witness_asked){ &n, &c, g.old, &g.proof },
			    &last, &why);
	}
	if (cosignature_of(s, &w, sig, &why) == OK)
		cosignature_put(&w, sig, &b);
	buf_done(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const struct str s = { (const char *)p, n };
	static struct trust t, fixed;
	static struct signed_note note;
	struct trust_view v;
	struct note why;

	key(s);
	signing_key(s);
	checkpoint(s);
	proof(s);
	witness(s);
	if (fixed.logs == 0)
		BUG_ON(trust_of(
			   STR("log example.com/log/testdata+33d7b496+AeHTu4Q3"
			       "hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx\n"
			       "quorum none\n"),
			   &fixed, &why) != OK);
	if (trust_of(s, &t, &why) == OK)
		BUG_ON(t.nodes != t.witnesses + t.groups ||
		       (!t.any && t.quorum >= t.nodes));
	if (signed_parse(s, &note, &why) == OK) {
		BUG_ON(note.text.n >= s.n || note.lines == 0);
		(void)!trust_check(&fixed, &note, &v, &why);
	}
	return 0;
}
