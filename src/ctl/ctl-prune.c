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
#include "ctl/prune-in.h"

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
record_make(const struct prune *p, struct buf *tape)
{
	const size_t mark = tape_obj(tape);
	size_t list;

	tape_key(tape, STR("before"));
	tape_i64(tape, (int64_t)p->before);
	tape_key(tape, STR("budget"));
	tape_i64(tape, (int64_t)p->kept.budget);
	tape_key(tape, STR("cell"));
	tape_i64(tape, 0);
	tape_key(tape, STR("cells"));
	list = tape_arr(tape);
	for (unsigned i = 0; i < p->kept.cells; i++)
		tape_i64(tape, (int64_t)p->kept.cell[i]);
	tape_end(tape, list, p->kept.cells);
	tape_key(tape, STR("kind"));
	tape_str(tape, STR("prune"));
	tape_key(tape, STR("minimum"));
	tape_i64(tape, (int64_t)p->kept.number);
	tape_end(tape, mark, 6);
}

/* Where cell 0's log ends: read from its newest segment that has a header, and
 * durable from here on, for the next one says so. */
static enum err
end_find(struct prune *p, struct ledger_seen *seen, unsigned *next)
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

		prune_path(p, "cell-0", all.at[n - 1].number, path);
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
record_write(struct prune *p)
{
	struct ledger_seen *seen = mem_get(sizeof(*seen));
	struct file_disk disk = { { file_write, NULL }, -1 };
	struct buf tape = { .max = 1 << 16 };
	struct ledger *l = NULL;
	char path[2 * PATH], name[32];
	unsigned next = 0;
	enum err e = end_find(p, seen, &next);

	(void)snprintf(name, sizeof(name), "cell-0-%06u", next);
	prune_path(p, "cell-0", next, path);
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
pruned_write(struct prune *p)
{
	struct buf text = { .max = LEDGER_COUNTS_MAX };
	char path[PATH + 16], beside[PATH + 16];
	struct file_disk f = { .fd = -1 };
	enum err e;

	(void)snprintf(path, sizeof(path), "%.4000s/pruned", p->log_dir);
	(void)snprintf(beside, sizeof(beside), "%.4000s/new", p->log_dir);
	ledger_counts_put(&p->kept, "minimum", &text);
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
segments_remove(struct prune *p, bool budgets)
{
	struct ledger_places all = { .n = 0 };

	if (ledger_places(p->ledger_dir, budgets, &all, &p->why) != OK)
		return;
	for (size_t i = 0; i < all.n; i++) {
		const unsigned cell = all.at[i].cell;
		char log[32] = "budget", path[2 * PATH];

		if (cell >= p->kept.cells && !budgets)
			continue;
		if (!budgets)
			(void)snprintf(log, sizeof(log), "cell-%u", cell);
		prune_path(p, log, all.at[i].number, path);
		if (all.at[i].number <
		    (budgets ? p->kept.budget : p->kept.cell[cell]))
			(void)unlink(path);
	}
	mem_free(all.at);
}

/* Also what an earlier pruning that was ended left. */
static void
tiles_remove(struct prune *p)
{
	for (int l = TLOG_ENTRIES; l < TLOG_LEVELS; l++)
		for (uint64_t n = 0; tlog_tile_end(l, n) <= p->kept.number;
		     n++) {
			char path[PATH + TLOG_PATH_MAX], tile[TLOG_PATH_MAX];

			tlog_tile_path(
			    (struct tlog_tile){ l, n, TLOG_TILE }, tile);
			(void)snprintf(
			    path, sizeof(path), "%.4000s/%s", p->log_dir, tile);
			(void)unlink(path);
		}
}

static int
say(struct prune *p, bool done)
{
	struct buf b = { .max = 1 << 16 };
	struct members m;
	char at[25];

	if (p->c->json) {
		m = members_begin(&b);
		member_bool(&m, "pruned", done);
		member_u64(&m, "before", p->before);
		member_u64(&m, "minimum", p->kept.number);
		member_u64(&m, "entries", p->kept.number - p->old.number);
		member_u64(&m, "segments", p->segments);
		member_u64(&m, "segment_bytes", p->bytes);
		member_u64(&m, "segment_records", p->records);
		members_end(&m);
		return tape_print(&b);
	}
	buf_fmt(&b, "%s: records before %s\n",
	    done ? "pruned" : "would be pruned",
	    time_text(p->before * 1000, at).p);
	buf_fmt(&b,
	    "  log: entries %llu to %llu of %llu: bundles and hash tiles; the "
	    "minimum index is %llu\n",
	    (unsigned long long)p->old.number,
	    (unsigned long long)p->kept.number, (unsigned long long)p->at.size,
	    (unsigned long long)p->kept.number);
	buf_fmt(&b, "  ledger: %llu segments, %llu records, %llu bytes\n",
	    (unsigned long long)p->segments, (unsigned long long)p->records,
	    (unsigned long long)p->bytes);
	if (done)
		buf_str(&b, STR("proofs of what is kept hold as before; what "
				"went can be proved by whoever has a "
				"receipt of it\n"));
	return ctl_put(&b);
}

/* ---- the command ---- */

/* What it cannot hold it does not prune under. */
static int
lock(struct prune *p)
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
carry_out(struct prune *p)
{
	const bool nothing =
	    p->segments == 0 && p->kept.number == p->old.number;

	if (ctl_option(p->c, "--dry-run") != NULL)
		return say(p, false);
	if (!nothing && (record_write(p) != OK || pruned_write(p) != OK))
		return ctl_say(p->c, CTL_FAILED, "%s", p->why.text);
	segments_remove(p, false);
	segments_remove(p, true);
	tiles_remove(p);
	if (dir_sync(p->ledger_dir) != OK || dir_sync(p->log_dir) != OK)
		return ctl_say(p->c, CTL_FAILED, "cannot be synced: %s",
		    strerrordesc_np(errno));
	return say(p, true);
}

int
ctl_ledger_prune(struct ctl *c)
{
	struct prune *p = mem_get(sizeof(*p));
	const char *before = ctl_option(c, "--before");
	int status = CTL_YES;

	*p = (struct prune){ .c = c, .state = c->arg[0], .lock = -1 };
	(void)snprintf(p->log_dir, PATH, "%.4000s/log", p->state);
	(void)snprintf(p->ledger_dir, PATH, "%.4000s/ledger", p->state);
	p->log = tlog_dir_of(p->log_dir);
	if (before == NULL ||
	    ledger_when(str_of(before), now_wall() / 1000, &p->before) != OK)
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
		status = prune_plan(p);
	if (status == CTL_YES)
		status = carry_out(p);
	fd_close(&p->lock);
	mem_free(p);
	return status;
}
