/*
 * index-file: place, lock, seal, refresh.
 *
 * The seal is a file beside the database that says its size, inode and time of
 * change, as they were when this program was done with it.  It goes before the
 * database is written to and comes back after, so what was damaged by a crash,
 * edited, or restored from somewhere is not believed, and no journal is needed.
 * Whoever can write both as the owner can withhold records from an answer, and
 * never forge one: what is shown is read in the ledger.
 */
#include "ctl/index-file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "ctl/ledger-print.h"
#include "ctl/ledger-walk.h"
#include "sys/sys.h"

enum { LOOK_EVERY = 4096, CELLS_MAX = 4096, SEAL_MAX = 256 };

/* ---- where ---- */

static int
home_of(struct ctl *c, char out[static 4096])
{
	const char *given = ctl_option(c, "--index");
	const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	struct stat st;
	int n;

	if (given != NULL)
		n = snprintf(out, 4096, "%s", given);
	else if (xdg != NULL && xdg[0] == '/')
		n = snprintf(out, 4096, "%s/gatehouse/index", xdg);
	else if (home != NULL && home[0] == '/')
		n = snprintf(out, 4096, "%s/.cache/gatehouse/index", home);
	else
		return ctl_say(c, CTL_MISUSE,
		    "neither XDG_CACHE_HOME nor HOME is set; use --index DIR");
	if (n <= 0 || n > 4000 || !ctl_make_dirs(out) || stat(out, &st) != 0)
		return ctl_say(c, CTL_FAILED, "%.4000s: %s", out,
		    n > 4000 ? "too long" : strerrordesc_np(errno));
	if (st.st_uid != geteuid() || (st.st_mode & 022) != 0)
		return ctl_say(c, CTL_FAILED,
		    "%s: others can write there, and could keep records from "
		    "you: use --index DIR, a directory of your own",
		    out);
	return CTL_YES;
}

/* One index for each ledger, by its directory. */
static int
place_of(struct ctl *c, struct index_file *f)
{
	unsigned char sum[SHA256_N];
	struct buf hex = { .max = 64 };
	char home[4096], dir[4096];
	int status = home_of(c, home);

	if (status != CTL_YES)
		return status;
	if (!ctl_absolute(feed_dir(f->feed), dir))
		return ctl_say(c, CTL_FAILED, "%s: %s", feed_dir(f->feed),
		    strerrordesc_np(errno));
	sha256(str_of(dir), STR(""), sum);
	buf_hex(&hex, (struct str){ (const char *)sum, 16 });
	(void)snprintf(f->path, sizeof(f->path), "%.4000s/%.*s.sqlite", home,
	    STR_ARG(buf_view(&hex)));
	buf_done(&hex);
	return CTL_YES;
}

static void
beside(const struct index_file *f, const char *what, char out[static 4112])
{
	(void)snprintf(out, 4112, "%s%s", f->path, what);
}

static int
lock(struct ctl *c, struct index_file *f)
{
	char path[4112];

	beside(f, ".lock", path);
	f->lock = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (f->lock < 0 || flock(f->lock, LOCK_EX) != 0)
		return ctl_say(
		    c, CTL_FAILED, "%s: %s", path, strerrordesc_np(errno));
	return CTL_YES;
}

/* ---- seal ---- */

static bool
seal_text(const struct index_file *f, char out[static SEAL_MAX])
{
	struct stat st;

	if (stat(f->path, &st) != 0)
		return false;
	(void)snprintf(out, SEAL_MAX, "%lld %llu %lld.%09ld\n",
	    (long long)st.st_size, (unsigned long long)st.st_ino,
	    (long long)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
	return true;
}

static bool
sealed(const struct index_file *f)
{
	struct buf b = { .max = SEAL_MAX };
	char path[4112], want[SEAL_MAX];
	struct note why;
	bool same;

	beside(f, ".seal", path);
	same = seal_text(f, want) &&
	       file_read(path, SEAL_MAX, &b, &why) == OK &&
	       str_eq(buf_view(&b), str_of(want));
	buf_done(&b);
	return same;
}

static void
unseal(const struct index_file *f)
{
	char path[4112];

	beside(f, ".seal", path);
	(void)unlink(path);
}

static enum err
seal(const struct index_file *f, struct note *why)
{
	char path[4112], text[SEAL_MAX];

	beside(f, ".seal", path);
	if (!seal_text(f, text)) {
		note_set(why, "%s: %s", f->path, strerrordesc_np(errno));
		return ERR_OS;
	}
	return file_replace(path, str_of(text), 0600, why);
}

/* ---- opening ---- */

static struct feed_cell *
cell_of(const struct index_file *f, unsigned cell)
{
	for (size_t i = 0; i < feed_cells(f->feed); i++)
		if (feed_number(feed_cell(f->feed, i)) == cell)
			return feed_cell(f->feed, i);
	return NULL;
}

/* Does a cell still go on from where the index is?  ERR_DENIED: no; ERR_SYNTAX:
 * it does, but the index has what is not there any more. */
static enum err
resume_cell(struct index_file *f, const struct index_cell *at, struct note *why)
{
	struct feed_cell *c = cell_of(f, at->cell);
	char log[LEDGER_WHOSE];
	enum err e = OK;

	if (c == NULL) {
		note_set(why, "%s is gone", ledger_log(at->cell, log));
		return ERR_DENIED;
	}
	/* what is pruned whole cannot be held against anything */
	if (at->seen.tree.size > at->before && feed_first(c) <= at->segment)
		e = feed_resume(c, at->segment, &at->seen, why);
	if (e == OK && feed_first(c) > at->first) {
		note_set(why, "records of %s were pruned since",
		    ledger_log(at->cell, log));
		e = ERR_SYNTAX;
	}
	return e == ERR_GONE ? ERR_DENIED : e;
}

/* All cells are looked at: a pruned one must not hide one that was rolled
 * back. */
static enum err
resume_cells(struct index_file *f, uint64_t *sum, struct note *why)
{
	enum err pruned = OK;

	for (size_t i = 0; i < f->had_n; i++) {
		struct note one = { "" };
		const enum err e = resume_cell(f, &f->had[i], &one);

		*sum += f->had[i].seen.tree.size - f->had[i].before;
		if (e != OK && (e != ERR_SYNTAX || pruned == OK))
			*why = one;
		if (e == ERR_SYNTAX)
			pruned = e;
		else if (e != OK)
			return e;
	}
	return pruned;
}

/* Does the ledger still begin with what the index was built from?  ERR_DENIED:
 * no; ERR_SYNTAX: the index is not whole, or has what was pruned. */
static enum err
resume(struct index_file *f, struct note *why)
{
	uint64_t size = 0, sum = 0;
	enum err e;

	f->had = mem_get(CELLS_MAX * sizeof(*f->had));
	e = index_cells(f->x, f->had, CELLS_MAX, &f->had_n, why);
	if (e == OK && f->had_n > CELLS_MAX) {
		note_set(why, "more than %d cells", CELLS_MAX);
		e = ERR_LIMIT;
	}
	if (e == OK)
		e = resume_cells(f, &sum, why);
	if (e == OK)
		e = index_size(f->x, &size, why);
	if (e == OK && size != sum) {
		note_set(why, "it has %llu of %llu records",
		    (unsigned long long)size, (unsigned long long)sum);
		e = ERR_SYNTAX;
	}
	return e;
}

/* An index that can be gone on from.  ERR_SYNTAX: there is none; made_why says
 * why, if there is something. */
static enum err
open_old(struct index_file *f, struct note *why)
{
	struct stat st;
	enum err e;

	if (lstat(f->path, &st) != 0)
		return ERR_SYNTAX;
	if (!sealed(f)) {
		note_set(&f->made_why,
		    "it was changed, or its making was interrupted");
		return ERR_SYNTAX;
	}
	e = index_open(f->path, &f->x, why);
	if (e == OK)
		e = resume(f, why);
	if (e == ERR_SYNTAX)
		f->made_why = *why;
	if (e != OK) {
		index_free(f->x);
		f->x = NULL;
		f->had_n = 0;
	}
	return e;
}

static enum err
open_new(struct index_file *f, struct note *why)
{
	static const char *const parts[] = { "", "-journal", "-wal", "-shm",
		".seal" };
	char path[4112];
	mode_t mask;
	enum err e;

	feed_rewind(f->feed); /* what had been gone on from is read again */
	for (size_t i = 0; i < countof(parts); i++) {
		beside(f, parts[i], path);
		if (unlink(path) != 0 && errno != ENOENT) {
			note_set(why, "%s: %s", path, strerrordesc_np(errno));
			return ERR_OS;
		}
	}
	mask = umask(077);
	e = index_new(f->path, &f->x, why);
	(void)umask(mask);
	f->made = true;
	return e;
}

/* ---- filling ---- */

static enum err
add(struct index_file *f, const struct feed_record *r, struct note *why)
{
	struct index_place p = { .cell = r->cell,
		.segment = r->segment,
		.seq = r->seq,
		.at = r->at };

	if (f->added++ == 0 && !f->made) {
		unseal(f);
		TRY(index_begin(f->x, why));
	}
	memcpy(p.leaf, r->leaf, sizeof(p.leaf));
	return index_add(f->x, &p, r->rec, why);
}

static enum err
cell_done(struct index_file *f, const struct feed_cell *c, struct note *why)
{
	struct index_cell done = { .cell = feed_number(c),
		.segment = feed_segment(c),
		.first = feed_first(c),
		.before = feed_pruned(c),
		.seen = *feed_seen(c) };

	for (size_t i = 0; i < f->had_n; i++)
		if (f->had[i].cell == done.cell) {
			done.first = f->had[i].first;
			done.before = f->had[i].before;
		}
	return index_set_cell(f->x, &done, why);
}

static enum err
add_all(struct index_file *f, struct note *why)
{
	const uint64_t bytes = feed_bytes(f->feed);
	struct progress at = { .off = f->quiet };
	struct feed_record r;
	enum err e = OK;

	for (size_t i = 0; i < feed_cells(f->feed) && e == OK; i++) {
		struct feed_cell *c = feed_cell(f->feed, i);
		const uint64_t before = f->added;

		while (e == OK && feed_cell_next(c, &r)) {
			e = add(f, &r, why);
			if (f->added % LOOK_EVERY == 0)
				progress_at(
				    &at, feed_bytes_read(f->feed), bytes);
		}
		if (e == OK && f->added > before)
			e = cell_done(f, c, why);
		f->bad = f->bad || feed_bad(c) != NULL;
	}
	progress_done(&at);
	return e;
}

static enum err
refresh(struct index_file *f, struct note *why)
{
	if (f->made)
		TRY(index_begin(f->x, why));
	TRY(add_all(f, why));
	if (f->made || f->added > 0)
		TRY(index_end(f->x, why));
	if (f->bad)
		unseal(f); /* where it ends is not certain: not gone on from */
	else if (f->made || f->added > 0)
		TRY(seal(f, why));
	return index_size(f->x, &f->records, why);
}

static void
say_bad(struct ctl *c, const struct index_file *f)
{
	const struct feed_cell *bad = feed_first_bad(f->feed);
	char log[LEDGER_WHOSE];

	if (bad != NULL)
		(void)ctl_say(c, CTL_NO,
		    "this ledger is not valid: %s, record %llu: %s: what "
		    "follows there is not in the answer: see \"gatehouse "
		    "ledger verify\"",
		    ledger_log(feed_number(bad), log),
		    (unsigned long long)feed_seen(bad)->tree.size + 1,
		    feed_bad(bad));
}

static int
bring_up(struct ctl *c, struct index_file *f)
{
	struct note why = { "" };
	enum err e =
	    ctl_option(c, "--rebuild") == NULL ? open_old(f, &why) : ERR_SYNTAX;

	if (e == ERR_DENIED)
		return ctl_say(c, CTL_NO,
		    "the ledger no longer begins with what the index was built "
		    "from: %s: it was rolled back, cut or replaced; to index "
		    "what is there all the same: \"gatehouse ledger index "
		    "--rebuild\"",
		    why.text);
	if (e == ERR_SYNTAX)
		e = open_new(f, &why);
	if (e == OK && f->made_why.text[0] != '\0')
		(void)ctl_say(
		    c, CTL_YES, "the index is made anew: %s", f->made_why.text);
	if (e == OK)
		e = refresh(f, &why);
	if (e != OK)
		return ctl_say(c, CTL_FAILED, "%s: %s", f->path, why.text);
	say_bad(c, f);
	return CTL_YES;
}

int
index_file_open(struct ctl *c, const char *dir, struct index_file *out)
{
	struct note why = { "" };
	enum err e;
	int status;

	*out = (struct index_file){ .lock = -1, .quiet = c->json };
	e = feed_open(dir, &out->feed, &why);
	if (e != OK)
		return ctl_say(c, e == ERR_GONE ? CTL_UNREACHABLE : CTL_FAILED,
		    "%s", why.text);
	status = place_of(c, out);
	if (status == CTL_YES)
		status = lock(c, out);
	if (status == CTL_YES)
		status = bring_up(c, out);
	if (status != CTL_YES)
		index_file_close(out);
	return status;
}

void
index_file_close(struct index_file *f)
{
	index_free(f->x);
	mem_free(f->had);
	feed_free(f->feed);
	fd_close(&f->lock);
	*f = (struct index_file){ .lock = -1 };
}
