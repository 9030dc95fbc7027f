/*
 * ctl-prune: "gatehouse ledger prune": gives back the disk that old records
 * take.  Promises that only what is under a signed checkpoint goes, nothing
 * that a start rebuilds from, that a record of it is durable before anything
 * is removed, and that what stays can be proved as before (C2SP tlog-tiles,
 * "Pruning"; doc/formats/ledger.md).
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/ledger-filter.h"
#include "ctl/ledger-tree.h"
#include "ctl/ledger-walk.h"
#include "ctl/tlog-dir.h"
#include "role/role.h"
#include "sys/sys.h"

enum { PATH = 4096 };

struct pruning {
	struct ctl *c;
	struct prune plan;
	char state[PATH], log_dir[PATH], ledger_dir[PATH];
	int lock;
	struct tlog_dir log;
	struct note why;
};

static void
segment_path(const struct pruning *p, unsigned cell, unsigned n,
    char out[static 2 * PATH])
{
	char name[LEDGER_SEGMENT];

	ledger_segment(cell, n, name);
	(void)snprintf(out, 2 * PATH, "%.4000s/%s.seg", p->ledger_dir, name);
}

/* ---- the record of it ---- */

struct file_disk {
	struct disk disk;
	int fd;
};

static enum err
file_write(struct disk *d, struct str s)
{
	const struct file_disk *f = (const struct file_disk *)(void *)d;

	while (s.n > 0) {
		size_t n = 0;

		TRY(fd_write(f->fd, s, &n));
		s = str_sub(s, n, s.n - n);
	}
	return OK;
}

static void
record_make(const struct pruning *p, struct buf *tape)
{
	struct buf said = { .max = 1 << 16 };
	const size_t mark = tape_obj(tape);
	struct str key;
	struct jit it;
	struct jv v;
	size_t n = 2;

	prune_record(&p->plan, &said);
	it = jit_of(jv_of(buf_view(&said)));
	for (; jit_next(&it, &key, &v); n++) {
		tape_key(tape, key);
		tape_copy(tape, v);
	}
	tape_key(tape, STR("cell"));
	tape_i64(tape, 0);
	tape_key(tape, STR("kind"));
	tape_str(tape, STR("prune"));
	tape_end(tape, mark, n);
	buf_done(&said);
}

/* Where cell 0's log ends: read from its newest segment that has a header, and
 * durable from here on, for the next one says so. */
static enum err
end_find(struct pruning *p, struct ledger_seen *seen, unsigned *next)
{
	struct ledger_places all = { .n = 0 };
	enum err e = ledger_places(p->ledger_dir, false, &all, &p->why);
	size_t n = 0;

	while (n < all.n && all.at[n].cell == 0)
		n++;
	*next = n == 0 ? 0 : all.at[n - 1].number + 1;
	for (bool found = false; e == OK && n > 0 && !found; n--) {
		__attribute__((cleanup(fd_close))) int fd = -1;
		struct str map = { NULL, 0 };
		char path[2 * PATH];

		segment_path(p, 0, all.at[n - 1].number, path);
		e = file_open(path, false, &fd, &p->why);
		if (e == OK && fd_map_ro(fd, &map) != OK)
			e = ERR_OS;
		if (e == OK && map.n > 0) {
			found = ledger_start(map, seen, &p->why) == OK;
			if (found)
				e = ledger_read(map, seen, NULL, NULL, &p->why);
		}
		fd_unmap(map);
		if (e == ERR_MORE)
			e = OK;
		if (e == OK && found && fdatasync(fd) < 0)
			e = ERR_OS;
	}
	mem_free(all.at);
	return *next == 0 ? ERR_GONE : e;
}

static enum err
dir_sync(const char *path)
{
	__attribute__((cleanup(fd_close))) int fd =
	    open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd >= 0 && fsync(fd) == 0 ? OK : ERR_OS;
}

/* In a segment of its own, as one more life of cell 0. */
static enum err
record_write(struct pruning *p)
{
	struct ledger_seen *seen = mem_get(sizeof(*seen));
	struct file_disk disk = { { file_write, NULL }, -1 };
	struct buf tape = { .max = 1 << 16 };
	struct ledger *l = NULL;
	char path[2 * PATH], name[LEDGER_SEGMENT];
	unsigned next = 0;
	enum err e = end_find(p, seen, &next);

	ledger_segment(0, next, name);
	segment_path(p, 0, next, path);
	if (e == OK) {
		disk.fd = open(path,
		    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
		l = ledger_new(&disk.disk, str_of(name), &seen->tree);
		e = disk.fd >= 0 && l != NULL ? OK : ERR_OS;
	}
	record_make(p, &tape);
	if (e == OK)
		e = ledger_stage(l, seen->tree.size + 1, now_wall(),
		    jv_of(buf_view(&tape)), "digest", (struct jv){ NULL, 0 });
	if (e == OK)
		e = ledger_write(l);
	if (e == OK && fdatasync(disk.fd) < 0)
		e = ERR_OS;
	if (e == OK)
		e = dir_sync(p->ledger_dir);
	if (e != OK)
		note_set(&p->why, "%s: the record of it cannot be written: %s",
		    path, err_name(e));
	fd_close(&disk.fd);
	ledger_free(l);
	buf_done(&tape);
	mem_free(seen);
	return e;
}

static enum err
pruned_write(struct pruning *p)
{
	struct buf text = { .max = LEDGER_COUNTS_MAX };
	char path[PATH + 16], beside[PATH + 16];
	struct file_disk f = { .fd = -1 };
	enum err e;

	(void)snprintf(path, sizeof(path), "%.4000s/pruned", p->log_dir);
	(void)snprintf(beside, sizeof(beside), "%.4000s/new", p->log_dir);
	ledger_counts_put(&p->plan.kept, "minimum", &text);
	f.fd = open(beside,
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	e = f.fd < 0 ? ERR_OS : file_write(&f.disk, buf_view(&text));
	if (e == OK && (fsync(f.fd) < 0 || rename(beside, path) < 0))
		e = ERR_OS;
	if (e == OK)
		e = dir_sync(p->log_dir);
	if (e != OK)
		note_set(&p->why, "%s: %s", path, strerrordesc_np(errno));
	fd_close(&f.fd);
	buf_done(&text);
	return e;
}

/* ---- what goes ---- */

static void
segments_remove(struct pruning *p, bool budgets)
{
	struct ledger_places all = { .n = 0 };

	if (ledger_places(p->ledger_dir, budgets, &all, &p->why) != OK)
		return;
	for (size_t i = 0; i < all.n; i++) {
		const struct ledger_place *at = &all.at[i];
		char path[2 * PATH];

		segment_path(p, at->cell, at->number, path);
		if (at->number < ledger_first(&p->plan.kept, at->cell))
			(void)unlink(path);
	}
	mem_free(all.at);
}

static int
say(struct pruning *p, bool done)
{
	struct buf b = { .max = 1 << 16 };
	struct members m;
	char at[25];

	if (p->c->json) {
		m = members_begin(&b);
		member_bool(&m, "pruned", done);
		member_u64(&m, "before", p->plan.before);
		member_u64(&m, "minimum", p->plan.kept.number);
		member_u64(
		    &m, "entries", p->plan.kept.number - p->plan.old.number);
		member_u64(&m, "segments", p->plan.segments);
		member_u64(&m, "segment_bytes", p->plan.bytes);
		member_u64(&m, "segment_records", p->plan.records);
		members_end(&m);
		return tape_print(&b);
	}
	buf_fmt(&b, "%s: records before %s\n",
	    done ? "pruned" : "would be pruned",
	    time_text(p->plan.before * 1000, at).p);
	buf_fmt(&b,
	    "  log: entries %llu to %llu of %llu: bundles and hash tiles; the "
	    "minimum index is %llu\n",
	    (unsigned long long)p->plan.old.number,
	    (unsigned long long)p->plan.kept.number,
	    (unsigned long long)p->plan.size,
	    (unsigned long long)p->plan.kept.number);
	buf_fmt(&b, "  ledger: %llu segments, %llu records, %llu bytes\n",
	    (unsigned long long)p->plan.segments,
	    (unsigned long long)p->plan.records,
	    (unsigned long long)p->plan.bytes);
	if (done)
		buf_str(&b, STR("proofs of what is kept hold as before; what "
				"went can be proved by whoever has a "
				"receipt of it\n"));
	return ctl_put(&b);
}

/* ---- the command ---- */

/* What it cannot hold it does not prune under. */
static int
lock(struct pruning *p)
{
	char path[PATH];
	enum err e;

	(void)snprintf(path, sizeof(path), "%.4000s/lock", p->state);
	e = ctl_lock(AT_FDCWD, path, &p->lock);
	if (e == ERR_MORE)
		return ctl_say(p->c, CTL_NO,
		    "%s: in use: stop the gateway first; what it writes to "
		    "must not go",
		    p->state);
	if (e == ERR_GONE)
		return ctl_say(p->c, CTL_NO,
		    "%s: no file lock there, which a gateway makes and holds: "
		    "STATE is its state directory, not a part or a copy of it",
		    p->state);
	if (e != OK)
		return ctl_say(
		    p->c, CTL_FAILED, "%s: %s", path, strerrordesc_np(errno));
	return CTL_YES;
}

static int
carry_out(struct pruning *p)
{
	const bool nothing =
	    p->plan.segments == 0 && p->plan.kept.number == p->plan.old.number;

	if (ctl_option(p->c, "--dry-run") != NULL)
		return say(p, false);
	if (!nothing && (record_write(p) != OK || pruned_write(p) != OK))
		return ctl_say(p->c, CTL_FAILED, "%s", p->why.text);
	segments_remove(p, false);
	segments_remove(p, true);
	prune_tiles(0, p->plan.kept.number); /* and what was left before */
	if (dir_sync(p->ledger_dir) != OK || dir_sync(p->log_dir) != OK)
		return ctl_say(p->c, CTL_FAILED, "cannot be synced: %s",
		    strerrordesc_np(errno));
	return say(p, true);
}

/* ---- what may go ---- */

static enum err
counts_read(struct pruning *p, const char *file, const char *name,
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
checkpoint_read(struct pruning *p)
{
	struct signed_note *n = mem_get(sizeof(*n));
	struct buf text = { .max = SIGNED_MAX };
	struct checkpoint at = { .size = 0 };
	bool good = false;

	note_set(
	    &p->why, "%s: no checkpoint: nothing is signed yet", p->log_dir);
	if (p->log.s.read(&p->log.s, STR("checkpoint"), &text) == OK &&
	    signed_parse(buf_view(&text), n, &p->why) == OK &&
	    checkpoint_of(n->text, &at, &p->why) == OK)
		good = log_signed(p->state, n, &at, &p->why) == OK;
	p->plan.size = at.size;
	buf_done(&text);
	mem_free(n);
	return good;
}

static int
plan(struct pruning *p)
{
	struct prune *at = &p->plan;

	if (counts_read(p, "merged", "size", &at->merged) != OK ||
	    counts_read(p, "pruned", "minimum", &at->old) != OK ||
	    !checkpoint_read(p))
		return ctl_say(p->c, CTL_FAILED, "%s", p->why.text);
	if (at->merged.number != at->size)
		return ctl_say(p->c, CTL_NO,
		    "%s: %llu entries are not under a signed checkpoint yet: "
		    "run the gateway until they are",
		    p->log_dir,
		    (unsigned long long)(at->merged.number - at->size));
	if (chdir(p->log_dir) < 0)
		return ctl_say(p->c, CTL_FAILED, "%s: %s", p->log_dir,
		    strerrordesc_np(errno));
	return prune_plan(at, UINT64_MAX, &p->why) == OK
		   ? CTL_YES
		   : ctl_say(p->c, CTL_FAILED, "%s", p->why.text);
}

int
ctl_ledger_prune(struct ctl *c)
{
	struct pruning *p = mem_get(sizeof(*p));
	const char *before = ctl_option(c, "--before");
	int status = CTL_YES;

	p->c = c;
	p->lock = -1;
	if (!ctl_absolute(c->arg[0], p->state))
		(void)snprintf(p->state, PATH, "%.4000s", c->arg[0]);
	(void)snprintf(p->log_dir, PATH, "%.4000s/log", p->state);
	(void)snprintf(p->ledger_dir, PATH, "%.4000s/ledger", p->state);
	p->log = tlog_dir_of(p->log_dir);
	if (before == NULL || ledger_when(str_of(before), now_wall() / 1000,
				  &p->plan.before) != OK)
		status = ctl_say(c, CTL_MISUSE,
		    "--before TIME is missing or none: 2026-11-28, or 90d for "
		    "what is older than 90 days");
	else if (access(p->ledger_dir, F_OK) != 0)
		status = ctl_say(c, CTL_UNREACHABLE,
		    "%s: no ledger there: STATE is the state directory",
		    p->state);
	else
		status = lock(p);
	if (status == CTL_YES)
		status = plan(p);
	if (status == CTL_YES)
		status = carry_out(p);
	fd_close(&p->lock);
	mem_free(p);
	return status;
}
