/*
 * tiles-prune.c: log.retention, while the gateway runs.  What is older, under a
 * checkpoint that counts and needed by no witness goes: first a judge records
 * it and that is durable, then "pruned" says it, then the tiles go, and the
 * parent removes segments.  So a crash leaves files that nobody reads, which
 * the next start removes, and never something gone that no record tells of.
 */
#include <stdio.h>

#include "role/tiles-in.h"

enum {
	BUNDLES = 256, /* of the tree at once: other work waits meanwhile */
	LEFT = 4096,   /* that an earlier life may have left */
	TIMES = 16,    /* looks in a retention */
	LONGEST_MS = 3600 * 1000,
	SHORTEST_MS = 1000
};

static struct {
	struct role_env *env;
	uint64_t retention;		     /* microseconds; 0: for ever */
	uint64_t next;			     /* look */
	struct ledger_counts asked, settled; /* of checkpoints */
	struct prune plan;
	bool recording, more, said;
} prune;

void
prune_open(struct role_env *e)
{
	int64_t ms = 0;

	prune.env = e;
	if (jv_i64(jv_get(jv_get(e->image, STR("log")), STR("retention_ms")),
		&ms) == OK &&
	    ms > 0)
		prune.retention = (uint64_t)ms * 1000;
}

static enum err
pruned_read(struct ledger_counts *out, struct note *why)
{
	struct buf text = { .max = LEDGER_COUNTS_MAX };
	enum err e = tiles_disk.read(&tiles_disk, "pruned", &text);

	*out = (struct ledger_counts){ .number = 0 };
	if (e == OK || e == ERR_GONE)
		e = ledger_counts_of(buf_view(&text), "minimum", out, why);
	buf_done(&text);
	return e;
}

/* The parent has the segments, and judges for itself. */
static void
tell_parent(const struct prune *p)
{
	struct buf tape = { .max = 1 << 16 };
	struct msg m = msg_of(MSG_PRUNE);

	prune_record(p, &tape);
	msg_set(&m, F_REF, 0);
	msg_set_text(&m, F_REC, buf_view(&tape));
	if (chan_send(prune.env->parent, &m) != OK)
		log_line(LOG_WARN, "prune", "the parent does not read");
	buf_done(&tape);
}

/* What an earlier life did not come to remove. */
void
prune_left(void)
{
	struct prune p = { .before = 0 };
	struct note why;
	const uint64_t most = (uint64_t)LEFT * TLOG_TILE;

	if (prune.retention == 0 || pruned_read(&p.kept, &why) != OK ||
	    (p.kept.number == 0 && p.kept.cells == 0))
		return;
	prune_tiles(
	    p.kept.number > most ? p.kept.number - most : 0, p.kept.number);
	tell_parent(&p);
}

void
prune_asked(const struct ledger_counts *of)
{
	prune.asked = *of;
}

void
prune_signed(uint64_t size)
{
	if (prune.asked.number == size)
		prune.settled = prune.asked;
}

/* Nothing that a witness still needs a proof from: one that has not answered
 * yet may know any size. */
static void
keep_for_witnesses(struct prune *p)
{
	const uint64_t known = head_known() / TLOG_TILE * TLOG_TILE;

	if (p->kept.number <= known)
		return;
	p->kept.number = known > p->old.number ? known : p->old.number;
	if (!prune.said)
		log_line(LOG_WARN, "prune",
		    "a witness has not cosigned what log.retention ended: "
		    "entries stay until it has");
	prune.said = true;
}

static bool
is_something(const struct prune *p)
{
	return p->segments > 0 || p->kept.number > p->old.number;
}

static void
look(void)
{
	const uint64_t now = now_wall() / 1000;
	struct prune *p = &prune.plan;
	struct note why = { .text = "" };

	*p = (struct prune){
		.before = now > prune.retention ? now - prune.retention : 0,
		.size = prune.settled.number,
		.merged = prune.settled
	};
	prune.more = false;
	if (pruned_read(&p->old, &why) != OK ||
	    prune_plan(p, BUNDLES, &why) != OK) {
		log_line(LOG_ERROR, "prune", "%s", why.text);
		return;
	}
	prune.more =
	    p->kept.number - p->old.number == (uint64_t)BUNDLES * TLOG_TILE;
	keep_for_witnesses(p);
	if (is_something(p))
		prune.recording = vault_prune(p);
}

void
prune_round(void)
{
	const uint64_t now = loop_now(prune.env->loop);
	uint64_t wait = prune.retention / 1000 / TIMES;

	if (prune.retention == 0 || prune.recording || now < prune.next ||
	    prune.settled.number == 0 || head_counts() != prune.settled.number)
		return;
	look();
	wait = wait > LONGEST_MS ? LONGEST_MS : wait;
	wait = wait < SHORTEST_MS || prune.more ? SHORTEST_MS : wait;
	prune.next = now + wait * 1000000;
}

/* The record is durable; or it could not be made: it is looked again. */
void
prune_recorded(bool good)
{
	const struct prune *p = &prune.plan;
	struct buf text = { .max = LEDGER_COUNTS_MAX };

	if (!prune.recording)
		return;
	prune.recording = false;
	if (!good)
		return;
	ledger_counts_put(&p->kept, "minimum", &text);
	if (tiles_put(&tiles_disk, "pruned", buf_view(&text)) == OK) {
		prune_tiles(p->old.number, p->kept.number);
		tell_parent(p);
		log_line(LOG_INFO, "prune",
		    "%llu entries of the log and %llu segments are over "
		    "log.retention and go",
		    (unsigned long long)(p->kept.number - p->old.number),
		    (unsigned long long)p->segments);
	} else {
		log_line(LOG_ERROR, "prune", "log/pruned not written");
	}
	buf_done(&text);
}
