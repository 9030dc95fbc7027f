/*
 * load.c: the role that reads local files.  Compiles the configuration, its
 * policies and the ends of the ledger into one image, hands it over and exits.
 * Promises that an image is whole or not sent, and that a damaged ledger is no
 * start: going on behind it would bury the damage.
 */
#include "role/merged.h"
#include "role/role.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "authority/authority.h"
#include "checkpoint/checkpoint.h"
#include "conf/conf.h"
#include "ledger/ledger.h"

enum {
	LOAD_CONFIG_MAX = 4 << 20, /* 4096 principals and 10000 rules fit */
	LOAD_IMAGE_MAX = 64 << 20,
	LOAD_ERRORS = 20, /* more do not help who mends them */
	LOAD_SEGMENTS = 999999,
	/* Newest bytes of a cell's log that every start reads through, also
	 * that of one judge alone, whose cell waits for it; the rest is what
	 * `gatehouse ledger verify` is for. */
	LOAD_VERIFY = 8 << 20,
	/* As many when policies are read anew: servers' tools are in them. */
	LOAD_PINS = LEDGER_READ_BACK,
};

static struct timer work;
static struct role_env *env;
static struct pins *pins; /* NULL: nobody asks for the servers' tools */

/* ---- the ledger's ends ---- */

/* Segments of one cell: the numbers are consecutive, or one is missing. */
struct segments {
	unsigned first, last, count; /* 0: none */
};

static bool
segment_number(const char *file, const char *prefix, unsigned *out)
{
	struct str s = str_of(file), number;
	uint64_t n;

	if (!str_starts(s, str_of(prefix)) || !str_ends(s, STR(".seg")))
		return false;
	number = str_sub(s, strlen(prefix), s.n - strlen(prefix) - 4);
	if (number.n != 6 || str_u64(number, &n) != OK || n == 0)
		return false;
	*out = (unsigned)n;
	return true;
}

static enum err
segments_find(
    const char *dir, const char *log, struct segments *out, struct note *why)
{
	struct segments s = { 0, 0, 0 };
	const struct dirent *d;
	DIR *list = opendir(dir);
	unsigned n;

	if (list == NULL && errno == ENOENT) {
		*out = s; /* a first start */
		return OK;
	}
	if (list == NULL) {
		note_set(why, "%s: %s", dir, strerrordesc_np(errno));
		return ERR_OS;
	}
	while ((d = readdir(list)) != NULL) {
		if (!segment_number(d->d_name, log, &n))
			continue;
		s.first = s.count == 0 || n < s.first ? n : s.first;
		s.last = n > s.last ? n : s.last;
		s.count++;
	}
	(void)closedir(list);
	if (s.count > 0 && s.last - s.first + 1 != s.count) {
		note_set(why, "%ssegments: of %u to %u some are gone", log,
		    s.first, s.last);
		return ERR_SYNTAX;
	}
	*out = s;
	return OK;
}

static enum err
segment_open(
    const char *dir, const char *log, unsigned n, int *fd, struct note *why)
{
	char path[PATH_MAX + 64];

	(void)snprintf(path, sizeof(path), "%s/%s%06u.seg", dir, log, n);
	return file_open(path, false, fd, why);
}

/* The oldest segment that still lies within the newest bytes. */
static enum err
verify_from(const char *dir, const char *log, const struct segments *s,
    unsigned *out, struct note *why)
{
	const uint64_t most = pins != NULL ? LOAD_PINS : LOAD_VERIFY;
	uint64_t bytes = 0;
	unsigned n = s->last;

	for (; n > s->first; n--) {
		__attribute__((cleanup(fd_close))) int fd = -1;
		struct stat st;

		TRY(segment_open(dir, log, n, &fd, why));
		if (fstat(fd, &st) < 0)
			return ERR_OS;
		bytes += (uint64_t)st.st_size;
		/* A start needs a header, which an empty file has not. */
		if (bytes > most && st.st_size > 0)
			break;
	}
	*out = n;
	return OK;
}

static void
record_got(void *arg, uint64_t seq, struct str jcs, struct jv rec)
{
	(void)seq;
	(void)jcs;
	pins_take(arg, rec);
}

static enum err
segment_read(int fd, bool start, struct ledger_seen *seen, struct note *why)
{
	struct str bytes = { NULL, 0 };
	enum err e = OK;

	if (fd_map_ro(fd, &bytes) != OK) {
		note_set(why, "cannot map: %s", strerrordesc_np(errno));
		return ERR_OS;
	}
	if (start)
		e = ledger_start(bytes, seen, why);
	if (e == OK)
		e = ledger_read(
		    bytes, seen, pins != NULL ? record_got : NULL, pins, why);
	fd_unmap(bytes);
	return e == ERR_MORE ? OK : e; /* torn: what is before it stands */
}

/* A next segment's header says what is in these: it must not be on the disk
 * before they are.  (A killed gateway may have left them to the page cache.) */
static enum err
segment_sync(int fd, struct note *why)
{
	if (fdatasync(fd) == 0)
		return OK;
	note_set(why, "cannot be synced: %s", strerrordesc_np(errno));
	return ERR_OS;
}

/* log: "cell-0-" and the like; *last: its last segment, 0 none. */
static enum err
log_end(const char *dir, const char *log, struct ledger_seen *seen,
    unsigned *last, struct note *why)
{
	struct segments s;
	struct note what = { .text = "" };
	unsigned from;

	TRY(segments_find(dir, log, &s, why));
	*last = s.last;
	if (s.count == 0)
		return OK;
	TRY(verify_from(dir, log, &s, &from, why));
	for (unsigned n = from; n <= s.last; n++) {
		__attribute__((cleanup(fd_close))) int fd = -1;

		TRY(segment_open(dir, log, n, &fd, why));
		if (segment_read(fd, n == from && n > 1, seen, &what) != OK ||
		    segment_sync(fd, &what) != OK) {
			note_set(why, "ledger, segment %s%06u: %s", log, n,
			    what.text);
			return ERR_SYNTAX;
		}
		if (seen->torn > 0)
			log_line(LOG_WARN, "ledger-torn",
			    "segment %s%06u: %zu bytes after the last whole "
			    "record",
			    log, n, seen->torn);
	}
	return OK;
}

/* A file of the log's directory; none of that name is an empty one. */
static enum err
log_file(const char *state, const char *name, size_t max, struct buf *out,
    struct note *why)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%.4000s/log/%s", state, name);
	return access(path, F_OK) == 0 ? file_read(path, max, out, why) : OK;
}

/* Asked before the ledger is looked at, for both may grow meanwhile. */
static enum err
tree_read(const char *state, struct ledger_counts *out, struct note *why)
{
	static const char *const files[] = { "checkpoint", "signed" };
	struct buf at[countof(files)] = { { .max = SIGNED_MAX },
		{ .max = SIGNED_MAX } };
	struct buf text = { .max = LEDGER_COUNTS_MAX };
	enum err e = OK;

	for (size_t i = 0; i < countof(files) && e == OK; i++)
		e = log_file(state, files[i], SIGNED_MAX, &at[i], why);
	if (e == OK)
		e = log_file(state, "merged", LEDGER_COUNTS_MAX, &text, why);
	if (e == OK)
		e = ledger_counts_of(buf_view(&text), "size", out, why);
	for (size_t i = 0; i < countof(files) && e == OK; i++)
		e = merged_holds(out, buf_view(&at[i]), why);
	for (size_t i = 0; i < countof(files); i++)
		buf_done(&at[i]);
	buf_done(&text);
	return e;
}

static enum err
cell_end(const char *dir, unsigned cell, uint64_t merged, struct buf *tape,
    struct note *why)
{
	struct ledger_seen seen = { .good = 0 };
	unsigned last = 0;
	char log[32];

	(void)snprintf(log, sizeof(log), "cell-%u-", cell);
	TRY(log_end(dir, log, &seen, &last, why));
	ledger_seen_put(&seen, cell, last, tape);
	(void)snprintf(log, sizeof(log), "cell %u", cell);
	return merged_log_holds(log, seen.tree.size, merged, why);
}

/* Role budget reads its own log; a damaged one is no start all the same. */
static enum err
budget_end(const char *dir, uint64_t merged, struct buf *tape, struct note *why)
{
	struct ledger_seen seen = { .good = 0 };
	unsigned last = 0;

	TRY(log_end(dir, "budget-", &seen, &last, why));
	tape_key(tape, STR("budget_log"));
	tape_i64(tape, last);
	return merged_log_holds("budgets", seen.tree.size, merged, why);
}

/* ---- the image ---- */

/* The digest of what "policy show" prints: anybody can make it again. */
static enum err
put_digest(struct jv image, struct buf *text, struct buf *out, struct note *why)
{
	unsigned char d[SHA256_DIGEST_LENGTH];
	struct buf hex = { .max = 2 * sizeof(d) };

	buf_clear(text);
	TRY(policy_show(image, text, why));
	note_set(why, "the policies are over %d bytes", LOAD_IMAGE_MAX);
	TRY(buf_end(text));
	(void)SHA256((const unsigned char *)text->p, text->n, d);
	buf_hex(&hex, (struct str){ (const char *)d, sizeof(d) });
	tape_str(out, buf_view(&hex));
	buf_done(&hex);
	return OK;
}

/* What decides: engines for the judge.  Of the texts they were made from the
 * names and digests are kept: nobody parses policies after load. */
static enum err
put_policies(struct jv image, struct buf *out, struct note *why)
{
	struct buf decide = { .max = LOAD_IMAGE_MAX };
	struct buf list = { .max = LOAD_IMAGE_MAX };
	struct buf text = { .max = LOAD_IMAGE_MAX };
	struct jit it = jit_of(jv_get(image, STR("policies")));
	const size_t m = tape_arr(out);
	size_t n = 0;
	struct jv v;
	enum err e = policy_compile(image, &decide, &list, why);

	for (; jit_next(&it, NULL, &v); n++) {
		const size_t o = tape_obj(out);

		tape_key(out, STR("name"));
		tape_copy(out, jv_get(v, STR("name")));
		tape_key(out, STR("sha256"));
		tape_copy(out, jv_get(v, STR("sha256")));
		tape_end(out, o, 2);
	}
	tape_end(out, m, n);
	base64_put(&text, buf_view(&decide));
	tape_key(out, STR("engine"));
	tape_str(out, buf_view(&text));
	buf_clear(&text);
	base64_put(&text, buf_view(&list));
	tape_key(out, STR("engine_list"));
	tape_str(out, buf_view(&text));
	tape_key(out, STR("policy_digest"));
	if (e == OK)
		e = put_digest(image, &text, out, why);
	buf_done(&text);
	buf_done(&decide);
	buf_done(&list);
	return e;
}

/* An image that was loaded before, for the ledger's ends alone, has engines. */
static bool
is_compiled(struct jv image)
{
	return !jv_is(jv_get(image, STR("engine")), J_NONE);
}

/* Members that are made here. */
static bool
is_ours(struct str key, bool compiled)
{
	if (str_eq(key, STR("policies")))
		return !compiled;
	return str_eq(key, STR("ledger")) || str_eq(key, STR("launch")) ||
	       str_eq(key, STR("budget_log"));
}

/* What conf compiled, with the engines and the ledger's ends as its last
 * members and without what launch alone is to have. */
static enum err
with_ledger(struct jv image, struct buf *out, struct note *why)
{
	const struct str state = jv_str(jv_get(image, STR("state")));
	const bool compiled = is_compiled(image);
	struct jit it = jit_of(image);
	struct str key;
	struct jv val;
	int64_t cells = 0;
	struct ledger_counts merged;
	char dir[PATH_MAX];
	size_t n = 0, m, list;

	if (jv_i64(jv_get(image, STR("cells")), &cells) != OK || cells < 1 ||
	    cells > LEDGER_CELLS_MAX || state.n > sizeof(dir) - 8) {
		note_set(why, "cells or state out of bounds");
		return ERR_SYNTAX;
	}
	(void)snprintf(dir, sizeof(dir), "%.*s", STR_ARG(state));
	TRY(tree_read(dir, &merged, why));
	(void)snprintf(dir, sizeof(dir), "%.*s/ledger", STR_ARG(state));
	m = tape_obj(out);
	while (jit_next(&it, &key, &val)) {
		if (is_ours(key, compiled))
			continue;
		tape_key(out, key);
		tape_copy(out, val);
		n++;
	}
	if (!compiled) {
		tape_key(out, STR("policies"));
		TRY(put_policies(image, out, why));
	}
	tape_key(out, STR("ledger"));
	list = tape_arr(out);
	for (unsigned c = 0; c < (unsigned)cells; c++)
		TRY(cell_end(dir, c, merged.cell[c], out, why));
	tape_end(out, list, (size_t)cells);
	TRY(budget_end(dir, merged.budget, out, why));
	tape_end(out, m, n + (compiled ? 2 : 6));
	if (buf_end(out) != OK) {
		note_set(why, "the image is over %d bytes", LOAD_IMAGE_MAX);
		return ERR_LIMIT;
	}
	return OK;
}

/* ---- policies against the tools that the ledger has seen ---- */

static void
policy_said(void *arg, const struct policy_finding *f)
{
	if (!f->warning)
		buf_fmt(arg, "%.*s:%u:%u: policy %.*s: %s\n", STR_ARG(f->file),
		    f->line, f->col, STR_ARG(f->policy), f->note.text);
}

/* A policy that does not fit the tools is no policy: no start, no reload. */
static enum err
policies_fit(struct jv image, struct buf *said)
{
	const struct policy_check to = {
		.strict_only = true, .arg = said, .got = policy_said
	};
	const size_t before = said->n;
	struct buf tools = { .max = LOAD_IMAGE_MAX };
	struct note why = { .text = "" };
	enum err e;

	pins_put(pins, image, &tools);
	e = policy_check(image, jv_of(buf_view(&tools)), &to, &why);
	if (e != OK)
		buf_fmt(said, "policies: %s\n", why.text);
	buf_done(&tools);
	if (e == OK && said->n > before) {
		buf_fmt(said,
		    "the policies do not fit the servers' tools as the ledger "
		    "has them; \"gatehouse policy check\" says more\n");
		e = ERR_SYNTAX;
	}
	return e;
}

/* One line for each finding, as compilers print them. */
static void
findings_put(
    const char *path, const struct conf_error *at, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n; i++) {
		buf_str(
		    out, str_of(at[i].file.text[0] ? at[i].file.text : path));
		if (at[i].line > 0)
			buf_fmt(out, ":%u:%u", at[i].line, at[i].column);
		buf_fmt(out, ": %s%s\n", at[i].warning ? "warning: " : "",
		    at[i].text.text);
	}
}

static enum err
compile(const char *path, struct buf *image, struct buf *said)
{
	struct conf_error at[LOAD_ERRORS];
	struct buf yaml = { .max = LOAD_CONFIG_MAX };
	struct note why = { .text = "" };
	char dir[PATH_MAX], *slash;
	size_t n = 0;
	enum err e;

	if (realpath(path, dir) == NULL) {
		buf_fmt(said, "%s: %s\n", path, strerrordesc_np(errno));
		return ERR_OS;
	}
	slash = strrchr(dir, '/');
	slash[slash == dir ? 1 : 0] = '\0';
	e = file_read(path, LOAD_CONFIG_MAX, &yaml, &why);
	if (e != OK) {
		buf_fmt(said, "%s\n", why.text);
		return e;
	}
	e = conf_read(buf_view(&yaml), str_of(dir), image, at, countof(at), &n);
	conf_guard(path, jv_of(buf_view(image)), at, countof(at), &n);
	findings_put(path, at, n, said);
	buf_done(&yaml);
	return e;
}

/* The answer: an image, or why there is none; words for people either way. */
static void
answer(enum err e, const struct buf *image, struct jv launch, struct buf *said)
{
	struct msg m = msg_of(MSG_IMAGE);
	struct jv v = jv_of(buf_view(image));
	int fd[2] = { -1, -1 };

	if (e == OK && memfd_of("image", buf_view(image), &fd[0]) != OK)
		e = ERR_OS;
	if (e == OK && !jv_is(launch, J_NONE) &&
	    memfd_of("launch", jv_bytes(launch), &fd[1]) != OK)
		e = ERR_OS;
	if (e == ERR_OS && fd[1] < 0 && said->n == 0)
		buf_fmt(said, "image: %s\n", strerrordesc_np(errno));
	msg_set(&m, F_STATUS, (uint64_t)e);
	msg_set_text(&m, F_TEXT, buf_view(said));
	msg_set_text(&m, F_BYTES, jv_str(jv_get(v, STR("digest"))));
	m.fd[0] = fd[0];
	m.fd[1] = fd[1];
	if (chan_send(env->parent, &m) != OK)
		log_line(LOG_ERROR, "load", "the parent does not listen");
	chan_flush(env->parent);
	fd_close(&fd[0]);
	fd_close(&fd[1]);
	loop_stop(env->loop);
}

static void
work_fire(struct timer *t)
{
	struct buf conf = { .max = LOAD_IMAGE_MAX };
	struct buf image = { .max = LOAD_IMAGE_MAX };
	struct buf said = { .max = 64 << 10 };
	struct note why = { .text = "" };
	struct jv v = env->image;
	enum err e = OK;

	(void)t;
	if (env->config_path.n > 0) {
		e = compile(env->config_path.p, &conf, &said);
		v = jv_of(buf_view(&conf));
	}
	if (e == OK && jv_count(jv_get(v, STR("policies"))) > 0 &&
	    !is_compiled(v))
		pins = pins_new();
	if (e == OK) {
		e = with_ledger(v, &image, &why);
		if (e != OK)
			buf_fmt(&said, "%s\n", why.text);
	}
	if (e == OK) {
		e = role_log_keys(v, &why);
		if (e != OK)
			buf_fmt(&said, "%s\n", why.text);
	}
	if (e == OK && pins != NULL)
		e = policies_fit(v, &said);
	pins_free(pins);
	pins = NULL;
	answer(e, &image, jv_get(v, STR("launch")), &said);
	buf_done(&conf);
	buf_done(&image);
	buf_done(&said);
}

/* The work waits for the loop: nothing is read before the confinement. */
static enum err
load_prepare(struct role_env *e, struct note *why)
{
	env = e;
	if (e->config_path.n == 0 && jv_is(e->image, J_NONE)) {
		note_set(why, "neither a path nor an image to load");
		return ERR_SYNTAX;
	}
	work.fire = work_fire;
	loop_timer(e->loop, &work, 0);
	return OK;
}

const struct role role_load = { .id = ROLE_LOAD, .prepare = load_prepare };
