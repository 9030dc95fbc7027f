/*
 * ctl-head: "gatehouse ledger head": how far the log is, how far it is signed,
 * and whether the newest checkpoint counts: who has cosigned it, of those that
 * a configuration names.
 */
#include "checkpoint/checkpoint.h"
#include "ctl/ctl-conf.h"
#include "ctl/tlog-dir.h"
#include "ledger/ledger.h"
#include "sys/sys.h"

enum { WITNESSES_MAX = 16 };

struct head {
	struct tlog_dir dir;
	struct buf note;
	struct signed_note parsed;
	struct checkpoint at; /* what counts; size 0: nothing does */
	uint64_t entries, newest_signed;
	struct {
		struct str name;
		bool good;
		uint64_t time;
	} w[WITNESSES_MAX];
	size_t witnesses, good;
	int64_t quorum;
	struct note why;
};

/* ---- the files ---- */

/* Appends the file; ERR_GONE: none is there. */
static enum err
checkpoint_read(struct head *h, struct str file, struct checkpoint *out)
{
	enum err e;

	buf_clear(&h->note);
	e = h->dir.s.read(&h->dir.s, file, &h->note);
	if (e != OK) {
		note_set(&h->why, "%s: %.*s cannot be read", h->dir.dir,
		    STR_ARG(file));
		return e;
	}
	TRY(signed_parse(buf_view(&h->note), &h->parsed, &h->why));
	return checkpoint_of(h->parsed.text, out, &h->why);
}

static enum err
entries_read(struct head *h)
{
	struct buf text = { .max = LEDGER_COUNTS_MAX };
	struct ledger_counts merged = { .number = 0 };
	enum err e = h->dir.s.read(&h->dir.s, STR("merged"), &text);

	note_set(&h->why, "%s: merged cannot be read", h->dir.dir);
	if (e == OK)
		e = ledger_counts_of(buf_view(&text), "size", &merged, &h->why);
	h->entries = merged.number;
	buf_done(&text);
	return e;
}

/* "signed" is there while a quorum may be wanted; what counts is read last, for
 * its witnesses are looked for. */
static enum err
files_read(struct head *h)
{
	struct checkpoint c = { .size = 0 };
	enum err e;

	TRY(entries_read(h));
	e = checkpoint_read(h, STR("signed"), &c);
	if (e != OK && e != ERR_GONE)
		return e;
	h->newest_signed = c.size;
	e = checkpoint_read(h, STR("checkpoint"), &h->at);
	if (e == ERR_GONE) {
		h->at = (struct checkpoint){ .size = 0 };
		h->parsed.lines = 0;
		return h->newest_signed > 0 ? OK : ERR_GONE;
	}
	if (h->at.size > h->newest_signed)
		h->newest_signed = h->at.size;
	return e;
}

/* A cosignature that is not good is none. */
static enum err
witnesses_look(struct head *h, struct jv log)
{
	struct jit it = jit_of(jv_get(log, STR("remotes")));
	struct jv v;

	(void)!jv_i64(jv_get(log, STR("quorum")), &h->quorum);
	while (jit_next(&it, NULL, &v) && h->witnesses < WITNESSES_MAX) {
		const struct str key = jv_str(jv_get(v, STR("key")));
		const size_t i = h->witnesses;
		struct vkey k;

		if (key.n == 0)
			continue; /* a place to publish in */
		TRY(vkey_of(key, &k, &h->why));
		h->w[i].name = jv_str(jv_get(v, STR("name")));
		h->w[i].good =
		    signed_check(&h->parsed, &k, &h->w[i].time, &h->why) == OK;
		h->good += h->w[i].good;
		h->witnesses++;
	}
	return OK;
}

/* ---- what is said ---- */

static bool
counts(const struct head *h)
{
	return h->at.size == h->newest_signed && h->at.size > 0 &&
	       (int64_t)h->good >= h->quorum;
}

static int
put_text(const struct head *h)
{
	struct buf b = { .max = 1 << 16 };
	char time[25];
	int status;

	if (h->at.size > 0)
		buf_fmt(&b, "log         %.*s\n", STR_ARG(h->at.origin));
	buf_fmt(&b, "entries     %llu\nsigned      %llu\npublished   %llu\n",
	    (unsigned long long)h->entries,
	    (unsigned long long)h->newest_signed,
	    (unsigned long long)h->at.size);
	for (size_t i = 0; i < h->witnesses; i++) {
		buf_fmt(&b, "witness     %.*s: %s", STR_ARG(h->w[i].name),
		    h->w[i].good ? "cosigned at " : "has not cosigned\n");
		if (h->w[i].good)
			buf_fmt(&b, "%.*s\n",
			    STR_ARG(time_text(
				h->w[i].time * UINT64_C(1000000000), time)));
	}
	if (h->quorum > 0)
		buf_fmt(&b, "quorum      %lld of %zu\n", (long long)h->quorum,
		    h->witnesses);
	buf_str(&b, counts(h) ? STR("the newest signed checkpoint counts\n")
			      : STR("the newest signed checkpoint waits for "
				    "its witnesses\n"));
	status = ctl_put(&b);
	buf_done(&b);
	return status;
}

static int
put_json(const struct head *h)
{
	struct buf tape = { .max = 1 << 16 };
	struct members m = members_begin(&tape);
	size_t list;

	member_str(&m, "log", h->at.size > 0 ? h->at.origin : STR(""));
	member_u64(&m, "entries", h->entries);
	member_u64(&m, "signed", h->newest_signed);
	member_u64(&m, "published", h->at.size);
	member_u64(&m, "quorum_needs", (uint64_t)h->quorum);
	member_bool(&m, "quorum", counts(h));
	tape_key(m.tape, STR("witnesses"));
	list = tape_arr(m.tape);
	for (size_t i = 0; i < h->witnesses; i++) {
		struct members w = members_begin(&tape);

		member_str(&w, "name", h->w[i].name);
		member_bool(&w, "cosigned", h->w[i].good);
		if (h->w[i].good)
			member_u64(&w, "time", h->w[i].time);
		members_end(&w);
	}
	tape_end(m.tape, list, h->witnesses);
	m.n++;
	members_end(&m);
	return tape_print(&tape);
}

int
ctl_ledger_head(struct ctl *c)
{
	struct head *h = mem_get(sizeof(*h));
	struct ctl_reading r = { .n = 0 };
	const char *config = ctl_option(c, "-c");
	char path[4096];
	int status = CTL_YES;
	enum err e;

	(void)snprintf(path, sizeof(path), "%.4000s/log", c->arg[0]);
	h->dir = tlog_dir_of(path);
	h->note.max = SIGNED_MAX;
	e = files_read(h);
	if (e == ERR_GONE)
		status =
		    ctl_say(c, CTL_UNREACHABLE, "%s: no checkpoint yet", path);
	else if (config != NULL && ctl_config_read(config, &r) != OK)
		status = ctl_say(c, CTL_MISUSE,
		    "%s: not a valid configuration; \"gatehouse check\" says "
		    "more",
		    config);
	else if (e == OK)
		e = witnesses_look(
		    h, jv_get(jv_of(buf_view(&r.image)), STR("log")));
	if (status == CTL_YES && e != OK)
		status = ctl_say(c, CTL_FAILED, "%s",
		    h->why.text[0] ? h->why.text : err_name(e));
	if (status == CTL_YES)
		status = c->json ? put_json(h) : put_text(h);
	if (status == CTL_YES && !counts(h))
		status = CTL_NO;
	ctl_reading_done(&r);
	buf_done(&h->note);
	mem_free(h);
	return status;
}
