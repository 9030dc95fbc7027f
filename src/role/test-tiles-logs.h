/* test-tiles-logs: the logs of cells and budgets on a disk that loses power, as
 * their writers write them and a start reads them. */
#ifndef TEST_TILES_LOGS_H
#define TEST_TILES_LOGS_H

#include "role/test-tiles-disk.h"

struct seg_disk {
	struct disk disk;
	struct sim *sim;
	int file;
};
struct log {
	char name[16];
	struct seg_disk disk;
	struct ledger *l;
	unsigned segment;
	uint64_t written, acked; /* records */
};
static inline void
segment_path(const struct log *g, unsigned n, char out[static 64])
{
	(void)snprintf(out, 64, "../ledger/%s-%06u.seg", g->name, n);
}

static inline enum err
seg_write(struct disk *d, struct str s)
{
	struct seg_disk *g = (struct seg_disk *)(void *)d;
	struct sim_file *f = &g->sim->file[g->file];

	BUG_ON(f->n + s.n + 8192 > f->cap);
	memcpy(f->p + f->n, s.p, s.n);
	f->n += s.n;
	if (rnd(4) == 0)
		f->room = f->n + rnd(4096);
	return OK;
}

static inline void
log_sync(struct log *g)
{
	struct sim_file *f = &g->disk.sim->file[g->disk.file];

	f->synced = f->n;
	g->acked = g->written;
}

/* As the parent: the name is durable before anybody writes. */
static inline void
log_segment(struct sim *s, struct log *g, const struct tlog_range *tree)
{
	struct ledger *last = g->l;
	char path[64], name[32];

	segment_path(g, ++g->segment, path);
	g->disk = (struct seg_disk){ { seg_write, NULL }, s,
		sim_file_new(s, FILE_MAX) };
	sim_set(s, path, g->disk.file);
	sim_settle(sim_find(s, path));
	(void)snprintf(name, sizeof(name), "%s-%06u", g->name, g->segment);
	g->l = ledger_new(&g->disk.disk, str_of(name), tree);
	ledger_free(last);
}

static inline void
log_append(struct log *g)
{
	static char text[600];
	struct buf tape = { .max = 4096 };
	size_t mark = tape_obj(&tape);

	memset(text, 'x', sizeof(text));
	tape_key(&tape, STR("log"));
	tape_str(&tape, str_of(g->name));
	tape_key(&tape, STR("text"));
	tape_str(&tape, (struct str){ text, rnd(rnd(16) ? 40 : 600) });
	tape_end(&tape, mark, 2);
	BUG_ON(ledger_stage(g->l, g->written + 1, 1700000000000000000U,
		   jv_of(buf_view(&tape)), "digest",
		   (struct jv){ NULL, 0 }) != OK);
	BUG_ON(ledger_write(g->l) != OK);
	g->written++;
	buf_done(&tape);
}

static inline bool
go_on(void *arg, uint64_t seq, struct str jcs, const struct tlog_hash *leaf)
{
	(void)arg;
	(void)seq;
	(void)jcs;
	(void)leaf;
	return true;
}

/* Most are read by mark and chain alone, which is all that a crash touches. */
static inline enum err
segment_read(struct str bytes, struct ledger_seen *seen, struct note *why)
{
	if (rnd(16) == 0)
		return ledger_read(bytes, seen, NULL, NULL, why);
	TRY(ledger_open(bytes, seen, why));
	return ledger_follow(bytes, seen, go_on, NULL, why);
}

static inline enum err
log_read(struct sim *s, const char *name, struct ledger_seen *seen,
    unsigned *segments, bool *torn, struct note *why)
{
	char path[64];
	int f;

	for (*segments = 0;; ++*segments) {
		enum err e;

		(void)snprintf(path, sizeof(path), "../ledger/%s-%06u.seg",
		    name, *segments + 1);
		f = sim_open(&s->disk, path);
		if (f < 0)
			return OK;
		if (sim_size(&s->file[f]) == 0)
			continue;
		e = segment_read(
		    (struct str){ s->file[f].p, sim_size(&s->file[f]) }, seen,
		    why);
		*torn |= e == ERR_MORE;
		if (e != OK && e != ERR_MORE)
			return e;
	}
}

#endif
