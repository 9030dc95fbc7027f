/* fuzz-ledger: a segment from anywhere.  The reader must stay in bounds, count
 * what it accepted, and accept the same again from the same bytes; and what it
 * accepted must be canonical. */
#include "ledger/ledger-in.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

struct walk {
	uint64_t n;
	struct buf jcs;
};

static void
check_one(void *arg, uint64_t seq, struct str jcs, struct jv rec)
{
	struct walk *w = arg;

	w->n++;
	buf_clear(&w->jcs);
	BUG_ON(json_jcs(rec, &w->jcs) != OK);
	BUG_ON(!str_eq(buf_view(&w->jcs), jcs));
	BUG_ON(seq == 0);
}

/* Most random bytes end at the header's digest; so it is made right first, and
 * the reader is led to the records. */
static void
mend(char *p, size_t n)
{
	unsigned char sum[LEDGER_HASH];
	size_t at;

	if (n < HEAD_FIXED + LEDGER_HASH || p[0] != 'G')
		return;
	at = HEAD_FIXED + (size_t)((uint8_t)p[12] & 63) * LEDGER_HASH;
	if (n - LEDGER_HASH < at)
		return;
	sha256((struct str){ p, at }, STR(""), sum);
	memcpy(p + at, sum, sizeof(sum));
}

static void
walk_twice(struct str bytes)
{
	struct walk w = { .jcs = { .max = LEDGER_RECORD_MAX } };
	struct ledger_seen a = { .good = 0 }, b;
	struct tlog_hash ra, rb;
	struct note why;
	enum err e;

	if (ledger_start(bytes, &a, &why))
		a = (struct ledger_seen){ .good = 0 };
	b = a;
	e = ledger_read(bytes, &a, check_one, &w, &why);
	BUG_ON(e != OK && a.good + a.torn != bytes.n);
	for (size_t i = a.good; e == OK && i < bytes.n; i++)
		BUG_ON(bytes.p[i] != '\0'); /* room for records to come */
	BUG_ON(w.n != a.tree.size - b.tree.size);
	BUG_ON(e == OK && a.torn != 0);
	BUG_ON(ledger_read(bytes, &b, NULL, NULL, NULL) != e);
	ra = tlog_range_root(&a.tree);
	rb = tlog_range_root(&b.tree);
	BUG_ON(a.tree.size != b.tree.size || !tlog_same(&ra, &rb));
	buf_done(&w.jcs);
}

/* What is read is what is written of it. */
static void
counts(struct str text)
{
	struct buf out = { .max = LEDGER_COUNTS_MAX };
	struct ledger_counts a, b;
	struct note why;

	if (ledger_counts_of(text, "size", &a, &why) != OK)
		return;
	ledger_counts_put(&a, "size", &out);
	BUG_ON(ledger_counts_of(buf_view(&out), "size", &b, &why) != OK);
	BUG_ON(a.number != b.number || a.budget != b.budget ||
	       a.cells != b.cells ||
	       memcmp(a.cell, b.cell, sizeof(a.cell)) != 0);
	buf_done(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct buf b = { .max = 1 << 20 };

	if (n > 1 << 20)
		return 0;
	buf_put(&b, p, n);
	counts(buf_view(&b));
	walk_twice(buf_view(&b));
	if (n > 0)
		mend(b.p, b.n);
	walk_twice(buf_view(&b));
	buf_done(&b);
	return 0;
}
