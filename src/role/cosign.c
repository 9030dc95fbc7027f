/*
 * cosign.c: the role that holds the key of the witness that this house is to
 * others' logs, and what it cosigned last of each.  Promises that a cosignature
 * leaves only for a checkpoint that a known key of its log has signed, that
 * grows from the last one, and that is on the disk here as the last one by
 * then.  It is asked one question at a time, in numbers and hashes (growth.h),
 * and puts together itself what it signs.
 *
 * Its directory holds, for each log, a file named by the SHA-256 of the log's
 * origin: the checkpoint cosigned last, as it is shown to monitors.  HASH.fork:
 * another checkpoint of the same size, signed by the log: proof of a fork.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "role/growth.h"
#include "role/tiles-in.h"

enum { LOGS_MAX = 256, KEYS_MAX = 4, NOTE_MAX = 64 * 1024 };

struct known {
	struct str origin;
	char file[2 * SHA256_N + 8];
	unsigned char hash[SHA256_N];
	struct witness_last last;
	struct buf note; /* the last, cosigned; empty: none */
};
static struct {
	struct role_env *env;
	struct timer begin;
	bool open;
	struct vkey log[LOGS_MAX];
	size_t logs;
	struct known at[LOGS_MAX];
	size_t n;
	enum err bad; /* of a key that came before prepare() */
	struct note why;
} w;
static struct {
	struct vkey key[KEYS_MAX];
	unsigned char seed[KEYS_MAX][VKEY_SEED];
	size_t n;
} own;

/* ---- its own keys ---- */

static enum err
own_take(struct str text, struct note *why)
{
	struct str rest = text, line = { NULL, 0 };

	while (str_split(&rest, '\n', &line)) {
		if (line.n == 0)
			continue;
		if (own.n == KEYS_MAX) {
			note_set(why, "keys/witness.key: too many keys");
			return ERR_LIMIT;
		}
		TRY(skey_of(line, &own.key[own.n], own.seed[own.n], why));
		own.key[own.n].name = str_keep(own.key[own.n].name);
		if (own.key[own.n++].type != VKEY_COSIGNATURE) {
			note_set(why, "keys/witness.key: not a witness's key");
			return ERR_SYNTAX;
		}
	}
	return own.n > 0 ? OK : ERR_SYNTAX;
}

static void
from_parent(struct role_env *e, const struct msg *m)
{
	(void)e;
	if (m->kind == MSG_SECRET && w.bad == OK)
		w.bad = own_take(msg_text(m, F_BYTES), &w.why);
}

/* Every line of ours below text. */
static enum err
own_sign(struct str text, struct buf *out, struct note *why)
{
	const uint64_t time = now_wall() / UINT64_C(1000000000);

	for (size_t i = 0; i < own.n; i++)
		TRY(signed_add(&own.key[i], own.seed[i], time, text, out, why));
	return OK;
}

/* ---- what was cosigned last ---- */

/* A key that came since signs it too, so that the older one can go. */
static enum err
last_renew(struct known *k, const struct signed_note *n, struct note *why)
{
	const uint64_t time = now_wall() / UINT64_C(1000000000);
	struct buf note = { .max = NOTE_MAX };
	size_t added = 0;
	enum err e = OK;

	buf_str(&note, buf_view(&k->note));
	for (size_t i = 0; e == OK && i < own.n; i++)
		if (signed_check(n, &own.key[i], NULL, why) == ERR_GONE) {
			e = signed_add(&own.key[i], own.seed[i], time, n->text,
			    &note, why);
			added++;
		}
	if (e == OK && added > 0)
		e = tiles_put(&tiles_disk, k->file, buf_view(&note));
	if (e == OK && added > 0) {
		buf_clear(&k->note);
		buf_str(&k->note, buf_view(&note));
	}
	buf_done(&note);
	return e;
}

/* OK also when there is none. */
static enum err
last_read(struct known *k, struct note *why)
{
	struct signed_note *n = mem_get(sizeof(*n));
	struct checkpoint c = { .size = 0 };
	enum err e = tiles_disk.read(&tiles_disk, k->file, &k->note);
	bool ours = false;

	note_set(why, "%s cannot be read", k->file);
	if (e == ERR_GONE) {
		mem_free(n);
		return OK;
	}
	if (e == OK)
		e = signed_parse(buf_view(&k->note), n, why);
	if (e == OK)
		e = checkpoint_of(n->text, &c, why);
	for (size_t i = 0; e == OK && i < own.n; i++)
		ours |= signed_check(n, &own.key[i], NULL, why) == OK;
	if (e == OK && (!ours || !str_eq(c.origin, k->origin))) {
		note_set(why,
		    "%s is no checkpoint of its log with a cosignature of ours",
		    k->file);
		e = ERR_DENIED;
	}
	k->last = (struct witness_last){ c.size, c.root };
	if (e == OK)
		e = last_renew(k, n, why);
	mem_free(n);
	return e;
}

/* Nothing is read before the walls stand, nor answered before all is read. */
static void
state_open(void)
{
	struct note why = { .text = "" };

	for (size_t i = 0; !w.open && i < w.n; i++)
		if (last_read(&w.at[i], &why) != OK) {
			log_line(LOG_ERROR, "witness-broken", "%s", why.text);
			_exit(4);
		}
	w.open = true;
}

static struct known *
known_of(struct str origin)
{
	for (size_t i = 0; i < w.n; i++)
		if (str_eq(w.at[i].origin, origin))
			return &w.at[i];
	return NULL;
}

/* ---- cosigning ---- */

struct request {
	struct grown g;
	struct str origin, extensions;
	uint64_t old, size;
	struct buf note, lines;
	struct signed_note parsed;
	struct checkpoint at;
};

/* Signatures by keys that are not known count for nothing. */
static void
sigs_known(struct request *r)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->g.sigs; i++)
		for (size_t k = 0; k < w.logs; k++)
			if (w.log[k].id == grown_sig_id(&r->g, i) &&
			    str_eq(w.log[k].name, r->origin)) {
				memmove(
				    r->g.sig[kept++], r->g.sig[i], GROWTH_SIG);
				break;
			}
	r->g.sigs = kept;
}

static enum err
request_build(struct request *r, const struct msg *m, struct note *why)
{
	r->note.max = NOTE_MAX;
	r->lines.max = NOTE_MAX;
	r->origin = msg_text(m, F_NAME);
	r->extensions = msg_text(m, F_TEXT);
	r->old = msg_num(m, F_WHERE);
	r->size = msg_num(m, F_SEQ);
	TRY(grown_of(msg_text(m, F_BYTES), &r->g));
	sigs_known(r);
	TRY(grown_note(&r->g, r->origin, r->size, r->extensions, &r->note));
	if (r->g.sigs > 0)
		TRY(signed_parse(buf_view(&r->note), &r->parsed, why));
	else
		r->parsed.text = str_sub(
		    buf_view(&r->note), 0, r->note.n > 0 ? r->note.n - 1 : 0);
	return checkpoint_of(r->parsed.text, &r->at, why);
}

/* Signed by the log as what we cosigned last is, and not the same. */
static void
fork_keep(const struct known *k, const struct request *r)
{
	char file[sizeof(k->file) + 8];

	(void)snprintf(file, sizeof(file), "%s.fork", k->file);
	if (access(file, F_OK) == 0)
		return;
	log_line(LOG_ERROR, "log-forked",
	    "%.*s signed two checkpoints of %llu entries: witness/%s and "
	    "witness/%s",
	    STR_ARG(r->origin), (unsigned long long)r->size, k->file, file);
	if (tiles_put(&tiles_disk, file, buf_view(&r->note)) != OK)
		log_line(LOG_ERROR, "witness", "%s cannot be written", file);
}

/* 200 once the checkpoint is on the disk. */
static unsigned
keep(struct known *k, struct request *r)
{
	struct note why = { .text = "" };

	if (own_sign(r->parsed.text, &r->lines, &why) != OK)
		return 500;
	buf_str(&r->note, buf_view(&r->lines));
	if (buf_end(&r->note) != OK)
		return 500;
	if (r->size == k->last.size && k->note.n > 0)
		return 200; /* only the time is another */
	if (tiles_put(&tiles_disk, k->file, buf_view(&r->note)) != OK) {
		log_line(LOG_ERROR, "witness", "witness/%s cannot be written",
		    k->file);
		return 503;
	}
	k->last = (struct witness_last){ r->size, r->g.root };
	buf_done(&k->note);
	k->note.max = NOTE_MAX;
	buf_str(&k->note, buf_view(&r->note));
	return 200;
}

static unsigned
judge(struct request *r, const struct msg *m, uint64_t *size)
{
	static const struct witness_last nothing = { .size = 0 };
	struct note why = { .text = "" };
	struct known *k = known_of(msg_text(m, F_NAME));
	unsigned status;

	if (request_build(r, m, &why) != OK)
		return 400;
	status = witness_judge(w.log, w.logs,
	    &(struct witness_asked){ &r->parsed, &r->at, r->old, &r->g.proof },
	    k == NULL ? &nothing : &k->last, &why);
	if (k == NULL)
		return status;
	*size = k->last.size;
	if (status == 422 && r->size == k->last.size &&
	    !tlog_same(&r->g.root, &k->last.root))
		fork_keep(k, r);
	return status == 200 ? keep(k, r) : status;
}

static void
say(struct chan *c, const struct msg *m)
{
	if (chan_send(c, m) != OK)
		log_line(LOG_WARN, "witness", "role witness does not read");
}

static void
on_cosign(struct chan *c, const struct msg *m)
{
	struct request *r = mem_get(sizeof(*r));
	struct msg a = msg_of(MSG_COSIGNED);
	uint64_t size = 0;
	const unsigned status = judge(r, m, &size);

	count(status == 200 ? CNT_COSIGNED : CNT_COSIGN_REFUSED);
	msg_set(&a, F_REF, msg_num(m, F_REF));
	msg_set(&a, F_STATUS, status);
	if (status == 409)
		msg_set(&a, F_SEQ, size);
	if (status == 200)
		msg_set_text(&a, F_TEXT, buf_view(&r->lines));
	say(c, &a);
	buf_done(&r->note);
	buf_done(&r->lines);
	mem_free(r);
}

static void
on_latest(struct chan *c, const struct msg *m)
{
	const struct str hash = msg_text(m, F_BYTES);
	struct msg a = msg_of(MSG_COSIGNED);
	const struct known *k = NULL;

	for (size_t i = 0; i < w.n; i++)
		if (hash.n == SHA256_N &&
		    memcmp(hash.p, w.at[i].hash, SHA256_N) == 0)
			k = &w.at[i];
	msg_set(&a, F_REF, msg_num(m, F_REF));
	msg_set(&a, F_STATUS, k != NULL && k->note.n > 0 ? 200 : 404);
	if (k != NULL && k->note.n > 0)
		msg_set_text(&a, F_TEXT, buf_view(&k->note));
	say(c, &a);
}

static void
got(struct chan *c, const struct msg *m)
{
	state_open();
	if (m->kind == MSG_COSIGN)
		on_cosign(c, m);
	else if (m->kind == MSG_LATEST)
		on_latest(c, m);
}

/* ---- beginning ---- */

static void
link_to(struct role_env *e, enum role_id peer, unsigned instance,
    struct chan_fds *fds)
{
	static const struct chan_ops ops = { .got = got, .lost = chan_free };

	if (chan_new(e->loop, fds, ROLE_COSIGN, peer, instance, &ops, NULL) ==
	    NULL)
		log_line(LOG_ERROR, "witness", "no channel to role witness");
}

static void
begin_fire(struct timer *t)
{
	(void)t;
	state_open();
}

static enum err
logs_take(struct jv image, struct note *why)
{
	struct jit it =
	    jit_of(jv_get(jv_get(image, STR("witness")), STR("logs")));
	struct jv v;

	while (w.logs < LOGS_MAX && jit_next(&it, NULL, &v)) {
		struct vkey *key = &w.log[w.logs];
		struct buf hex = { .max = 2 * SHA256_N };
		struct known *k = &w.at[w.n];

		TRY(vkey_of(jv_str(v), key, why));
		w.logs++;
		if (known_of(key->name) != NULL)
			continue;
		k->origin = key->name;
		k->note.max = NOTE_MAX;
		sha256(k->origin, STR(""), k->hash);
		buf_hex(&hex, (struct str){ (const char *)k->hash, SHA256_N });
		(void)snprintf(
		    k->file, sizeof(k->file), "%.*s", STR_ARG(buf_view(&hex)));
		buf_done(&hex);
		w.n++;
	}
	return OK;
}

/* Signs and checks once: all that the library loads is there then. */
static bool
try(void)
{
	struct buf b = { .max = 4096 };
	struct signed_note *n = mem_get(sizeof(*n));
	struct note why;
	bool good;

	buf_str(&b, STR("try\n\n"));
	good = own_sign(STR("try\n"), &b, &why) == OK &&
	       signed_parse(buf_view(&b), n, &why) == OK &&
	       signed_check(n, &own.key[0], NULL, &why) == OK;
	buf_done(&b);
	mem_free(n);
	(void)mlock(&own, sizeof(own));
	return good;
}

static enum err
prepare(struct role_env *e, struct note *why)
{
	w.env = e;
	if (w.bad != OK || own.n == 0) {
		note_set(why, "keys/witness.key: %s", w.why.text);
		return ERR_SYNTAX;
	}
	TRY(logs_take(e->image, why));
	if (!try()) {
		note_set(why, "the witness's key does not sign");
		return ERR_OS;
	}
	if (e->given_n != 1 || fchdir(e->given[0].fd[0]) < 0) {
		note_set(why, "no directory for what is cosigned");
		return ERR_OS;
	}
	role_links(e, link_to);
	w.begin.fire = begin_fire;
	loop_timer(e->loop, &w.begin, 0);
	return OK;
}

const struct role role_cosign = {
	.id = ROLE_COSIGN,
	.prepare = prepare,
	.link = link_to,
	.from_parent = from_parent,
};
