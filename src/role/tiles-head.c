/*
 * tiles-head.c: from a checkpoint that keys signed to one that counts.  It is
 * kept as "signed", the witnesses are asked to cosign it, each from the size
 * that it knows, and with the quorum it takes the place of "checkpoint" and is
 * put where log.publish says.  Promises that a cosignature is checked before it
 * stands in a checkpoint, and that a witness or a place which does not answer
 * is asked again later and later, and held against nobody: no call waits for
 * any of this.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "checkpoint/checkpoint.h"
#include "jail/jail.h"
#include "role/tiles-in.h"

enum {
	WITNESSES_MAX = 16,
	PLACES_MAX = 16,
	NOTE_MAX = 32 * 1024,
	WAIT_S = 1, /* for the rest, once there is a quorum */
	LATER_MAX_S = 64
};
#define SECOND UINT64_C(1000000000)

/* Somebody to ask, and when again. */
struct peer {
	struct str name;
	unsigned where; /* remote of the image */
	uint64_t asked; /* REF; 0: nothing is under way */
	uint64_t next;	/* not before, after failures */
	unsigned failures;
};
struct witness {
	struct peer p;
	struct vkey key;
	uint64_t knows; /* the size it cosigned last, as far as is known */
	uint64_t about; /* the size it is asked about */
	bool again;	/* it said another size, and is asked from that */
	bool good;	/* it has cosigned the newest */
};
struct place {
	struct peer p;
	bool file;
	int dir;
	char base[256];
	uint64_t has, about; /* sizes */
};
static struct {
	struct role_env *env;
	struct chan *fetch;
	struct tiles_store store; /* for a moment */
	struct witness w[WITNESSES_MAX];
	size_t n;
	unsigned quorum, good;
	struct place place[PLACES_MAX];
	size_t places;
	uint64_t ref;
	/* the newest that was signed */
	uint64_t size, since;
	struct buf note;
	bool open;   /* witnesses are being asked about it */
	bool better; /* a cosignature came that is not published */
	/* the newest that counts */
	uint64_t counts;
	struct buf counting;
	struct signed_note parsed; /* for a moment */
} h;

uint64_t
head_signed(void)
{
	return h.size;
}

uint64_t
head_counts(void)
{
	return h.counts;
}

uint64_t
head_known(void)
{
	uint64_t least = h.counts;

	for (size_t i = 0; i < h.n; i++)
		least = h.w[i].knows < least ? h.w[i].knows : least;
	return least;
}

bool
head_busy(void)
{
	return h.open;
}

/* ---- peers ---- */

static void
peer_failed(struct peer *p, enum counter c, const char *what, const char *why)
{
	const unsigned shift = p->failures < 6 ? p->failures : 6;

	count(c);
	if (p->failures++ == 0)
		log_line(LOG_WARN, "log-head", "%s %.*s: %s", what,
		    STR_ARG(p->name), why);
	p->asked = 0;
	p->next = loop_now(h.env->loop) + (SECOND << shift);
}

static void
peer_good(struct peer *p, const char *what)
{
	if (p->failures > 0)
		log_line(LOG_INFO, "log-head", "%s %.*s is there again", what,
		    STR_ARG(p->name));
	p->failures = 0;
	p->next = 0;
	p->asked = 0;
}

static bool
peer_free(const struct peer *p)
{
	return p->asked == 0 && loop_now(h.env->loop) >= p->next;
}

static bool
peer_post(struct peer *p, struct str text)
{
	struct msg m = msg_of(MSG_POST);

	p->asked = ++h.ref;
	msg_set(&m, F_WHERE, p->where);
	msg_set(&m, F_REF, p->asked);
	msg_set_text(&m, F_TEXT, text);
	return h.fetch != NULL && chan_send(h.fetch, &m) == OK;
}

/* ---- publishing ---- */

static void
place_put(struct place *p)
{
	p->about = h.counts;
	if (!p->file) {
		if (!peer_post(&p->p, buf_view(&h.counting)))
			peer_failed(&p->p, CNT_PUBLISH_FAIL, "log.publish",
			    "role fetch is not there");
	} else if (tiles_put_at(p->dir, p->base, buf_view(&h.counting)) == OK) {
		p->has = p->about;
		count(CNT_PUBLISHED);
		peer_good(&p->p, "log.publish");
	} else {
		peer_failed(&p->p, CNT_PUBLISH_FAIL, "log.publish",
		    "the file cannot be written");
	}
}

/* What counts takes the place of the last. */
static void
publish(void)
{
	h.better = false;
	if (tiles_put(&tiles_disk, "checkpoint", buf_view(&h.note)) != OK) {
		log_line(LOG_ERROR, "log-broken", "checkpoint not written");
		return;
	}
	h.counts = h.size;
	buf_clear(&h.counting);
	buf_str(&h.counting, buf_view(&h.note));
	for (size_t i = 0; i < h.places; i++) {
		h.place[i].has = 0; /* the same size may have more signatures */
		if (peer_free(&h.place[i].p))
			place_put(&h.place[i]);
	}
}

/* ---- a round ---- */

static void
gauges(void)
{
	gauge(CNT_LOG_SIGNED, h.size);
	gauge(CNT_LOG_COUNTS, h.counts);
	gauge(CNT_LOG_WAITS, h.size > h.counts);
}

static bool
any_asked(void)
{
	for (size_t i = 0; i < h.n; i++)
		if (h.w[i].p.asked != 0 && h.w[i].about == h.size)
			return true;
	return false;
}

/* Over when all have answered, or enough have and the others had their time. */
static void
round_look(void)
{
	const bool enough = h.good >= h.quorum;
	const bool waited = loop_now(h.env->loop) - h.since >= WAIT_S * SECOND;

	if (h.open && (!any_asked() || (enough && waited))) {
		h.open = false;
		if (enough && h.better)
			publish();
	}
	gauges();
}

/* The proof from what it knows, and the checkpoint. */
static enum err
request(const struct witness *w, struct buf *out, struct note *why)
{
	struct tlog_proof p = { .n = 0 };
	struct tlog_reader *r;
	enum err e = OK;

	if (w->knows > h.size) {
		note_set(why,
		    "it has seen %llu entries of this log, which has %llu: was "
		    "the log rolled back?",
		    (unsigned long long)w->knows, (unsigned long long)h.size);
		return ERR_DENIED;
	}
	if (w->knows > 0) {
		tiles_store_open(&h.store, &tiles_disk);
		r = tlog_reader_new(&h.store.s, h.size);
		e = tlog_prove_consistency(r, w->knows, &p, why);
		tlog_reader_free(r);
		tiles_store_done(&h.store);
	}
	growth_put(w->knows, &p, buf_view(&h.note), out);
	return e != OK ? e : buf_end(out);
}

/* What it is thought to know may be what is wrong: asked from nothing, it says
 * what it does. */
static void
witness_failed(struct witness *w, const char *why)
{
	w->knows = 0;
	peer_failed(&w->p, CNT_WITNESS_FAIL, "witness", why);
}

static void
ask(struct witness *w)
{
	struct buf text = { .max = NOTE_MAX + 8192 };
	struct note why = { .text = "role fetch is not there" };

	w->about = h.size;
	if (request(w, &text, &why) != OK || !peer_post(&w->p, buf_view(&text)))
		witness_failed(w, why.text);
	buf_done(&text);
}

static void
round_begin(void)
{
	h.open = true;
	h.since = loop_now(h.env->loop);
	for (size_t i = 0; i < h.n; i++) {
		h.w[i].again = false;
		if (!h.w[i].good && peer_free(&h.w[i].p))
			ask(&h.w[i]);
	}
	round_look();
}

enum err
head_take(uint64_t size, struct str note)
{
	/* So that nobody has seen what an earlier life does not know of. */
	if (h.n > 0)
		TRY(tiles_put(&tiles_disk, "signed", note));
	else
		(void)unlinkat(AT_FDCWD, "signed", 0); /* of other settings */
	h.size = size;
	h.good = 0;
	h.better = true;
	buf_clear(&h.note);
	buf_str(&h.note, note);
	for (size_t i = 0; i < h.n; i++)
		h.w[i].good = false;
	round_begin();
	return OK;
}

/* ---- answers ---- */

/* Its cosignature, checked, into the note. */
static enum err
cosigned(struct witness *w, struct str sig, struct note *why)
{
	struct buf note = { .max = NOTE_MAX };
	uint64_t time = 0;
	enum err e = ERR_SYNTAX;

	note_set(why, "its answer holds no cosignature");
	if (sig.n == COSIGNATURE) {
		buf_str(&note, buf_view(&h.note));
		cosignature_put(&w->key, (const unsigned char *)sig.p, &note);
		e = buf_end(&note);
	}
	if (e == OK)
		e = signed_parse(buf_view(&note), &h.parsed, why);
	if (e == OK)
		e = signed_check(&h.parsed, &w->key, &time, why);
	if (e == OK && time == 0) {
		note_set(why, "its cosignature is without a time");
		e = ERR_DENIED;
	}
	if (e == OK) {
		buf_clear(&h.note);
		buf_str(&h.note, buf_view(&note));
	}
	buf_done(&note);
	return e;
}

static void
witness_said(struct witness *w, const struct msg *m)
{
	const uint64_t status = msg_num(m, F_STATUS);
	struct note why = { .text = "" };

	w->p.asked = 0;
	if (w->about != h.size) { /* too late to be of use */
		w->knows = status == 200 ? w->about : w->knows;
	} else if (status == 200 &&
		   cosigned(w, msg_text(m, F_BYTES), &why) == OK) {
		w->knows = h.size;
		w->good = h.better = true;
		h.good++;
		count(CNT_COSIGNATURES);
		peer_good(&w->p, "witness");
	} else if (status == 409 && msg_has(m, F_SEQ) && !w->again) {
		w->again = true;
		w->knows = msg_num(m, F_SEQ);
		ask(w);
	} else {
		if (why.text[0] == '\0' && status == 0)
			note_set(&why, "%.*s",
			    STR_ARG(str_sub(msg_text(m, F_TEXT), 0, 200)));
		else if (why.text[0] == '\0')
			note_set(&why, "it answered %llu",
			    (unsigned long long)status);
		witness_failed(w, why.text);
	}
	round_look();
}

static void
place_said(struct place *p, const struct msg *m)
{
	const uint64_t status = msg_num(m, F_STATUS);
	struct note why;

	if (status >= 200 && status < 300) {
		count(CNT_PUBLISHED);
		peer_good(&p->p, "log.publish");
		p->has = p->about;
		return;
	}
	if (status == 0)
		note_set(&why, "%.*s",
		    STR_ARG(str_sub(msg_text(m, F_TEXT), 0, 200)));
	else
		note_set(&why, "it answered %llu", (unsigned long long)status);
	peer_failed(&p->p, CNT_PUBLISH_FAIL, "log.publish", why.text);
}

void
head_posted(const struct msg *m)
{
	const uint64_t ref = msg_num(m, F_REF);

	for (size_t i = 0; i < h.n; i++)
		if (ref != 0 && h.w[i].p.asked == ref) {
			witness_said(&h.w[i], m);
			return;
		}
	for (size_t i = 0; i < h.places; i++)
		if (ref != 0 && h.place[i].p.asked == ref) {
			place_said(&h.place[i], m);
			return;
		}
}

void
head_tick(void)
{
	bool able = false;

	for (size_t i = 0; i < h.n; i++)
		able |= !h.w[i].good && peer_free(&h.w[i].p);
	if (!h.open && able && h.size > 0)
		round_begin();
	else
		round_look();
	for (size_t i = 0; i < h.places; i++)
		if (h.counts > 0 && h.place[i].has != h.counts &&
		    peer_free(&h.place[i].p))
			place_put(&h.place[i]);
}

void
head_fetch(struct chan *c)
{
	h.fetch = c;
	for (size_t i = 0; i < h.n && c == NULL; i++)
		if (h.w[i].p.asked != 0)
			witness_failed(&h.w[i], "role fetch ended");
	for (size_t i = 0; i < h.places && c == NULL; i++)
		if (h.place[i].p.asked != 0)
			peer_failed(&h.place[i].p, CNT_PUBLISH_FAIL,
			    "log.publish", "role fetch ended");
	round_look();
}

/* ---- beginning ---- */

static enum err
remotes_take(struct jv log, struct note *why)
{
	struct jit it = jit_of(jv_get(log, STR("remotes")));
	struct jv v;

	for (unsigned i = 0; jit_next(&it, NULL, &v); i++) {
		const struct str key = jv_str(jv_get(v, STR("key")));
		const struct peer p = { .name = jv_str(jv_get(v, STR("name"))),
			.where = i };

		if (key.n == 0 && h.places < PLACES_MAX) {
			h.place[h.places++] = (struct place){ .p = p };
		} else if (key.n > 0 && h.n < WITNESSES_MAX) {
			h.w[h.n].p = p;
			TRY(vkey_of(key, &h.w[h.n].key, why));
			h.n++;
		}
	}
	return OK;
}

/* The parent gives their directories in the order of the image. */
static enum err
files_take(const struct role_env *e, struct jv log, struct note *why)
{
	struct jit it = jit_of(jv_get(log, STR("files")));
	struct jv v;

	for (size_t i = 0; i < e->given_n; i++) {
		struct place *p = &h.place[h.places];
		const char *slash;
		struct str path;

		if (strcmp(e->given[i].name, "publish") != 0)
			continue;
		if (h.places == PLACES_MAX || !jit_next(&it, NULL, &v) ||
		    !jail_store(e->given[i].fd[0])) {
			note_set(why, "too many places to publish in");
			return ERR_LIMIT;
		}
		path = jv_str(v);
		slash = memrchr(path.p, '/', path.n);
		*p = (struct place){ .file = true, .dir = e->given[i].fd[0] };
		p->p.name = path;
		(void)snprintf(p->base, sizeof(p->base), "%.*s",
		    (int)(path.p + path.n - slash - 1), slash + 1);
		h.places++;
	}
	return OK;
}

enum err
head_prepare(struct role_env *e, struct note *why)
{
	const struct jv log = jv_get(e->image, STR("log"));
	int64_t quorum = 0;

	h.env = e;
	h.note.max = h.counting.max = NOTE_MAX;
	if (jv_i64(jv_get(log, STR("quorum")), &quorum) == OK)
		h.quorum = (unsigned)quorum;
	TRY(remotes_take(log, why));
	return files_take(e, log, why);
}
