/*
 * prune-plan: what may go.  Only what is under a checkpoint that this state's
 * key signed, older than was asked, and nothing that a start reads.
 */
#include <sys/stat.h>

#include "ctl/prune-in.h"
#include "role/role.h"

enum { KEY_FILE_MAX = 4096 };

/* ---- what there is ---- */

/* Is the checkpoint signed by a key of this state directory? */
static bool
is_signed(struct prune *p, const struct signed_note *n)
{
	struct buf text = { .max = KEY_FILE_MAX };
	unsigned char seed[VKEY_SEED];
	struct str rest, line = { NULL, 0 };
	char path[PATH];
	struct vkey key;
	bool good = false;

	(void)snprintf(path, sizeof(path), "%.4000s/keys/log.key", p->state);
	if (file_read(path, text.max, &text, &p->why) != OK)
		return false;
	rest = buf_view(&text);
	while (str_split(&rest, '\n', &line) && !good)
		good = line.n > 0 && skey_of(line, &key, seed, &p->why) == OK &&
		       str_eq(key.name, p->at.origin) &&
		       signed_check(n, &key, NULL, &p->why) == OK;
	mem_wipe(seed, sizeof(seed));
	mem_wipe(text.p, text.n);
	buf_done(&text);
	if (!good)
		note_set(&p->why, "log/checkpoint is not signed by "
				  "keys/log.key");
	return good;
}

static enum err
counts_read(struct prune *p, const char *file, const char *name,
    struct ledger_counts *out)
{
	struct buf text = { .max = LEDGER_COUNTS_MAX };
	enum err e = p->log.s.read(&p->log.s, str_of(file), &text);

	if (e == OK || e == ERR_GONE)
		e = ledger_counts_of(buf_view(&text), name, out, &p->why);
	buf_done(&text);
	return e;
}

static bool
checkpoint_read(struct prune *p)
{
	struct signed_note *n = mem_get(sizeof(*n));
	struct buf text = { .max = SIGNED_MAX };
	bool good = false;

	note_set(
	    &p->why, "%s: no checkpoint: nothing is signed yet", p->log_dir);
	if (p->log.s.read(&p->log.s, STR("checkpoint"), &text) == OK &&
	    signed_parse(buf_view(&text), n, &p->why) == OK &&
	    checkpoint_of(n->text, &p->at, &p->why) == OK)
		good = is_signed(p, n);
	p->at.origin = STR(""); /* it pointed into text */
	buf_done(&text);
	mem_free(n);
	return good;
}

/* ---- segments ---- */

void
prune_path(const struct prune *p, const char *log, unsigned n,
    char out[static 2 * PATH])
{
	(void)snprintf(
	    out, 2 * PATH, "%.4000s/%s-%06u.seg", p->ledger_dir, log, n);
}

struct newest {
	uint64_t time; /* of all records */
};
static void
newest_got(void *arg, uint64_t seq, struct str jcs, struct jv rec)
{
	struct newest *n = arg;
	int64_t t = 0;

	(void)seq;
	(void)jcs;
	if (jv_i64(jv_get(rec, STR("time")), &t) != OK || t < 0)
		t = INT64_MAX; /* of no known age: it stays */
	n->time = (uint64_t)t > n->time ? (uint64_t)t : n->time;
}

/* One segment by itself: what it ends at, its newest record, its size. */
static enum err
segment_look(struct prune *p, const char *log, unsigned n, uint64_t *end,
    uint64_t *newest, uint64_t *bytes)
{
	__attribute__((cleanup(fd_close))) int fd = -1;
	struct ledger_seen seen = { .good = 0 };
	struct newest at = { 0 };
	struct str map = { NULL, 0 };
	struct note why = { "" };
	char path[2 * PATH];
	enum err e;

	prune_path(p, log, n, path);
	TRY(file_open(path, false, &fd, &p->why));
	if (fd_map_ro(fd, &map) != OK)
		return ERR_OS;
	*bytes = map.n;
	e = map.n == 0 ? OK : ledger_start(map, &seen, &why);
	if (e == OK && map.n > 0)
		e = ledger_read(map, &seen, newest_got, &at, &why);
	fd_unmap(map);
	if (e == ERR_MORE)
		e = OK; /* a torn end; what is before it counts */
	if (e != OK)
		note_set(&p->why,
		    "%s-%06u.seg: %s; see \"gatehouse ledger "
		    "verify\"",
		    log, n, why.text);
	*end = map.n == 0 ? 0 : seen.tree.size;
	*newest = at.time;
	return e;
}

/* The oldest segment that a start may read: load's last bytes of a cell, the
 * parent's last files of role budget. */
static size_t
read_back(struct prune *p, const char *log, const struct ledger_place *at,
    size_t n, bool budgets)
{
	uint64_t bytes = 0;
	size_t i = n;

	if (budgets)
		return n > ROLE_FDS_MAX ? n - ROLE_FDS_MAX : 0;
	for (; i > 0 && bytes <= LEDGER_READ_BACK; i--) {
		char path[2 * PATH];
		struct stat st;

		prune_path(p, log, at[i - 1].number, path);
		if (stat(path, &st) == 0)
			bytes += (uint64_t)st.st_size;
	}
	return i;
}

/* The first segment of this log that stays. */
static enum err
log_plan(struct prune *p, const char *log, const struct ledger_place *at,
    size_t n, uint64_t in_tree, uint64_t *kept)
{
	const size_t most =
	    read_back(p, log, at, n, strcmp(log, "budget") == 0);
	uint64_t last = 0;

	*kept = at[0].number;
	for (size_t i = 0; i < most; i++) {
		uint64_t end = 0, newest = 0, bytes = 0;

		TRY(segment_look(p, log, at[i].number, &end, &newest, &bytes));
		if (end > in_tree || newest >= p->before)
			break;
		*kept = at[i + 1].number;
		p->segments++;
		p->bytes += bytes;
		p->records += end > last ? end - last : 0;
		last = end;
	}
	return OK;
}

static enum err
logs_plan(struct prune *p, bool budgets)
{
	struct ledger_places all = { .n = 0 };
	enum err e = ledger_places(p->ledger_dir, budgets, &all, &p->why);

	if (e == ERR_GONE && budgets)
		e = OK; /* nothing was ever charged */
	for (size_t i = 0, n; i < all.n && e == OK; i += n) {
		const unsigned cell = all.at[i].cell;
		char log[32] = "budget";

		for (n = 1; i + n < all.n && all.at[i + n].cell == cell;)
			n++;
		if (!budgets && cell >= LEDGER_CELLS_MAX)
			continue;
		if (!budgets)
			(void)snprintf(log, sizeof(log), "cell-%u", cell);
		e = log_plan(p, log, all.at + i, n,
		    budgets ? p->merged.budget : p->merged.cell[cell],
		    budgets ? &p->kept.budget : &p->kept.cell[cell]);
		if (!budgets && cell >= p->kept.cells)
			p->kept.cells = cell + 1;
	}
	mem_free(all.at);
	return e;
}

/* ---- the tree ---- */

/* Are all entries of this full bundle older? */
static enum err
bundle_is_old(
    struct prune *p, uint64_t n, struct buf *bytes, struct buf *tape, bool *old)
{
	char path[TLOG_PATH_MAX];
	struct str rest, entry;
	bool bad = false;

	tlog_tile_path((struct tlog_tile){ TLOG_ENTRIES, n, TLOG_TILE }, path);
	buf_clear(bytes);
	TRY(p->log.s.read(&p->log.s, str_of(path), bytes));
	rest = buf_view(bytes);
	*old = true;
	while (*old && tlog_entry_next(&rest, &entry, &bad)) {
		int64_t t = INT64_MAX;

		buf_clear(tape);
		TRY(json_parse(entry, &json_default, tape, &p->why));
		*old = jv_i64(jv_get(jv_of(buf_view(tape)), STR("time")), &t) ==
			   OK &&
		       t >= 0 && (uint64_t)t < p->before;
	}
	return bad ? ERR_SYNTAX : OK;
}

static enum err
tree_plan(struct prune *p)
{
	struct buf bytes = { .max = 1 << 25 }, tape = { .max = 1 << 20 };
	uint64_t n = p->old.number / TLOG_TILE;
	enum err e = OK;
	bool old = true;

	while (e == OK && (n + 1) * TLOG_TILE <= p->at.size) {
		e = bundle_is_old(p, n, &bytes, &tape, &old);
		if (e != OK || !old)
			break;
		n++;
	}
	if (e != OK)
		note_set(&p->why,
		    "%s: bundle %llu is missing or damaged; see \"gatehouse "
		    "ledger fsck\"",
		    p->log_dir, (unsigned long long)n);
	p->kept.number = n * TLOG_TILE;
	buf_done(&bytes);
	buf_done(&tape);
	return e;
}

int
prune_plan(struct prune *p)
{
	enum err e;

	if (counts_read(p, "merged", "size", &p->merged) != OK ||
	    counts_read(p, "pruned", "minimum", &p->old) != OK ||
	    !checkpoint_read(p))
		return ctl_say(p->c, CTL_FAILED, "%s", p->why.text);
	if (p->merged.number != p->at.size)
		return ctl_say(p->c, CTL_NO,
		    "%s: %llu entries are not under a signed checkpoint yet: "
		    "run the gateway until they are",
		    p->log_dir,
		    (unsigned long long)(p->merged.number - p->at.size));
	p->kept = p->old;
	e = logs_plan(p, false);
	if (e == OK)
		e = logs_plan(p, true);
	if (e == OK)
		e = tree_plan(p);
	return e == OK ? CTL_YES : ctl_say(p->c, CTL_FAILED, "%s", p->why.text);
}
