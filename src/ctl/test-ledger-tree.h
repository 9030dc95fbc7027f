/*
 * test-ledger-tree: a state directory of two cells' logs and the budgets', as
 * their writers write it, or with one thing in it another.
 */
#ifndef TEST_LEDGER_TREE_H
#define TEST_LEDGER_TREE_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/tap.h"
#include "ctl/ledger-tree.h"
#include "ctl/ledger-walk.h"
#include "sys/sys.h"
#include "tlog/tlog.h"

enum { LOGS = 3, SEGS = 2, EACH = 50, RECORDS = SEGS * EACH };
enum { TOTAL = LOGS * RECORDS, NONE = -1 };

static const unsigned cell_of[LOGS] = { 0, 1, LEDGER_BUDGETS };
static char state[] = "/tmp/gatehouse-tree-XXXXXX";
static uint64_t seed = 1;

static unsigned
rnd(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)((seed >> 16) % n);
}

/* ---- files ---- */

static void
put(const char *name, struct str bytes)
{
	char path[256];
	size_t n = 0;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", state, name);
	for (char *p = strchr(path + sizeof(state), '/'); p != NULL;
	     p = strchr(p + 1, '/')) {
		*p = '\0';
		BUG_ON(mkdir(path, 0700) < 0 && errno != EEXIST);
		*p = '/';
	}
	/* Not O_TRUNC: some file systems then write it out at once. */
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	BUG_ON(fd < 0 || fd_write(fd, bytes, &n) != OK || n != bytes.n ||
	       ftruncate(fd, (off_t)n) < 0);
	fd_close(&fd);
}

static int
gone(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

/* ---- segments ---- */

struct segment {
	struct disk disk; /* first: it is cast back */
	struct buf b;
	size_t at[EACH + 1]; /* where each record begins; the end */
};
struct side { /* the segments of all logs */
	struct segment seg[LOGS][SEGS];
	struct str text[LOGS][RECORDS]; /* views */
};

static enum err
segment_write(struct disk *d, struct str s)
{
	struct segment *g = (struct segment *)(void *)d;

	buf_str(&g->b, s);
	return buf_end(&g->b);
}

static void
stage(struct ledger *l, unsigned log, uint64_t seq, unsigned which)
{
	struct buf tape = { .max = 4096 };
	const size_t mark = tape_obj(&tape);
	const bool charge = cell_of[log] == LEDGER_BUDGETS;

	tape_key(&tape, STR("cell"));
	tape_i64(&tape, charge ? 0 : cell_of[log]);
	tape_key(&tape, STR("kind"));
	tape_str(&tape, charge ? STR("charge") : STR("decision"));
	tape_key(&tape, STR("which"));
	tape_i64(&tape, which);
	tape_end(&tape, mark, 3);
	BUG_ON(ledger_stage(l, seq, 1700000000000000000U + seq * 1000,
		   jv_of(buf_view(&tape)), "digest",
		   (struct jv){ NULL, 0 }) != OK);
	buf_done(&tape);
}

static void
segment_path(unsigned log, unsigned s, char out[static 64])
{
	char name[LEDGER_SEGMENT];

	ledger_segment(cell_of[log], s + 1, name);
	(void)snprintf(out, 64, "ledger/%s.seg", name);
}

static void
texts(struct side *side, unsigned log)
{
	for (unsigned i = 0; i < RECORDS; i++) {
		const struct segment *g = &side->seg[log][i / EACH];
		const size_t at = g->at[i % EACH], to = g->at[i % EACH + 1];

		side->text[log][i] =
		    (struct str){ g->b.p + at + 8, to > at ? to - at - 40 : 0 };
	}
}

/* A log as one writer writes it: record `other` has another word, and `drop` is
 * left out, so that those after it have its number and so on. */
static void
side_log(struct side *side, unsigned log, int other, int drop)
{
	struct tlog_range tree = { .size = 0 };
	uint64_t seq = 0;

	for (unsigned s = 0; s < SEGS; s++) {
		struct segment *g = &side->seg[log][s];
		char name[LEDGER_SEGMENT];
		struct ledger *l;

		buf_clear(&g->b);
		g->disk = (struct disk){ segment_write, NULL };
		g->b.max = 1 << 20;
		ledger_segment(cell_of[log], s + 1, name);
		l = ledger_new(&g->disk, str_of(name), &tree);
		for (int i = (int)s * EACH; i < (int)(s + 1) * EACH; i++) {
			g->at[i % EACH] = (size_t)ledger_bytes(l);
			if (i != drop)
				stage(l, log, ++seq,
				    (unsigned)i + (i == other ? 1000 : 0));
		}
		g->at[EACH] = (size_t)ledger_bytes(l);
		BUG_ON(ledger_write(l) != OK);
		tree = *ledger_tree(l);
		ledger_free(l);
	}
	texts(side, log);
}

static void
side_put(const struct side *side, unsigned log)
{
	for (unsigned s = 0; s < SEGS; s++) {
		char path[64];

		segment_path(log, s, path);
		put(path, buf_view(&side->seg[log][s].b));
	}
}

/* ---- the log of tiles ---- */

static struct {
	unsigned log, i;
} order[TOTAL];
static unsigned index_of[LOGS][RECORDS];

static void
order_make(void)
{
	unsigned next[LOGS] = { 0 };

	for (unsigned at = 0; at < TOTAL; at++) {
		unsigned log = rnd(LOGS);

		while (next[log] == RECORDS)
			log = (log + 1) % LOGS;
		order[at].log = log;
		order[at].i = next[log];
		index_of[log][next[log]++] = at;
	}
}

static enum err
tile_read(struct tlog_store *s, struct str path, struct buf *out)
{
	(void)s;
	(void)path;
	(void)out;
	return ERR_GONE;
}

static enum err
tile_write(struct tlog_store *s, struct str path, struct str bytes)
{
	char name[80];

	(void)s;
	(void)snprintf(name, sizeof(name), "log/%.*s", STR_ARG(path));
	put(name, bytes);
	return OK;
}

static void
merged_put(uint64_t size, const uint64_t counts[static LOGS])
{
	struct ledger_counts c = { .number = size,
		.cell = { counts[0], counts[1] },
		.budget = counts[2],
		.cells = 2 };
	struct buf text = { .max = 4096 };

	ledger_counts_put(&c, "size", &text);
	put("log/merged", buf_view(&text));
	buf_done(&text);
}

static void
checkpoint_sign(const struct tlog_range *r, unsigned char whose)
{
	unsigned char key[VKEY_SEED] = { whose };
	struct tlog_hash root = tlog_range_root(r);
	struct buf text = { .max = 4096 }, out = { .max = 4096 };
	struct note why;
	struct vkey v;

	BUG_ON(vkey_make(STR("example.com/t"), VKEY_ED25519, key, &v, &why));
	checkpoint_put(v.name, r->size, &root, &text);
	buf_str(&out, buf_view(&text));
	buf_ch(&out, '\n');
	BUG_ON(signed_add(&v, key, 0, buf_view(&text), &out, &why) != OK);
	put("log/checkpoint", buf_view(&out));
	buf_clear(&out);
	skey_put(&v, key, &out);
	buf_ch(&out, '\n');
	if (whose == 7)
		put("keys/log.key", buf_view(&out));
	buf_done(&text);
	buf_done(&out);
}

/* The whole tree, signed by its own key: entry `other` is of other text, `drop`
 * left out, a and b exchanged. */
static void
tree_put(const struct side *side, int other, int drop, int a, int b)
{
	struct tlog_store store = { tile_read, tile_write, 0 };
	const uint64_t counts[LOGS] = { RECORDS, RECORDS, RECORDS };
	struct tlog_writer *w = NULL;
	struct note why;

	BUG_ON(tlog_writer_new(&store, 0, &w, &why) != OK);
	for (int at = 0; at < TOTAL; at++) {
		const int from = at == a ? b : at == b ? a : at;
		struct buf text = { .max = 4096 };

		if (at == drop)
			continue;
		buf_str(&text, side->text[order[from].log][order[from].i]);
		if (at == other)
			text.p[str_search(buf_view(&text), STR("which")) + 7] ^=
			    1;
		BUG_ON(tlog_add(w, buf_view(&text)) != OK);
		buf_done(&text);
	}
	BUG_ON(tlog_flush(w) != OK);
	merged_put(tlog_writer_range(w)->size, counts);
	checkpoint_sign(tlog_writer_range(w), 7);
	tlog_writer_free(w);
}

#endif
