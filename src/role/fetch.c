/*
 * fetch.c: the role that asks witnesses, and puts checkpoints where they are
 * published: HTTP/1.1 and TLS over sockets that dial connected.  Promises that
 * each POST of tiles has exactly one POSTED, within LATE_NS, and that of what
 * was answered only a status, a size and the bytes of one cosignature go on.
 * Nothing waits for it but the next checkpoint.
 */
#include <unistd.h>

#include "checkpoint/checkpoint.h"
#include "role/role.h"
#include "wire/wire.h"

enum {
	REMOTES_MAX = 24,
	HEAD_MAX = 8192,
	BODY_MAX = 64 * 1024,
	READ_MAX = 16384,
	IDLE_S = 20
};
static const uint64_t late_ns = UINT64_C(10) * 1000000000;

enum state { NONE, DIALING, OPENING, IDLE, BUSY };
struct remote {
	struct watch w; /* first: found from it */
	struct timer late;
	unsigned where;
	struct str host, authority, path;
	bool witness;
	struct vkey key;
	struct tls_ctx *ctx; /* NULL: plain */
	enum state state;
	uint64_t dialed; /* REF of what dial is asked */
	struct tls *tls;
	uint64_t since; /* IDLE */
	bool used;	/* it has answered before: it may have ended unseen */
	/* one exchange */
	uint64_t ref; /* of tiles; 0: none */
	struct buf request;
	struct buf in, out, plain, body;
	struct http_body reading;
	unsigned status; /* 0: no head yet */
	bool close;
};
static struct {
	struct role_env *env;
	struct chan *tiles, *dial;
	struct remote at[REMOTES_MAX];
	size_t n;
	uint64_t dials;
} f;

/* ---- the end of an exchange ---- */

static void
hang_up(struct remote *r)
{
	if (r->w.fd >= 0)
		loop_unwatch(f.env->loop, &r->w);
	fd_close(&r->w.fd);
	tls_free(r->tls);
	r->tls = NULL;
	r->state = NONE;
	r->used = false;
	buf_clear(&r->in);
	buf_clear(&r->out);
	buf_clear(&r->body);
	r->status = 0;
}

static void
posted(struct remote *r, struct msg *m)
{
	msg_set(m, F_WHERE, r->where);
	msg_set(m, F_REF, r->ref);
	r->ref = 0;
	loop_timer_off(f.env->loop, &r->late);
	if (f.tiles == NULL || chan_send(f.tiles, m) != OK)
		log_line(LOG_WARN, "fetch", "role tiles does not listen");
}

static void
failed(struct remote *r, const char *why)
{
	struct msg m = msg_of(MSG_POSTED);
	struct note words;

	note_set(&words, "%s", why); /* may be the connection's own */
	hang_up(r);
	if (r->ref == 0)
		return;
	msg_set(&m, F_STATUS, 0);
	msg_set_text(&m, F_TEXT, str_of(words.text));
	posted(r, &m);
}

/* "N", newline (tlog-witness). */
static bool
size_of(struct str body, uint64_t *out)
{
	return body.n > 1 && body.p[body.n - 1] == '\n' &&
	       (body.p[0] != '0' || body.n == 2) &&
	       str_u64(str_sub(body, 0, body.n - 1), out) == OK;
}

/* The whole answer is there. */
static void
answered(struct remote *r)
{
	unsigned char sig[COSIGNATURE];
	struct msg m = msg_of(MSG_POSTED);
	struct note why = { .text = "" };
	uint64_t size = 0;

	msg_set(&m, F_STATUS, r->status);
	if (r->witness && r->status == 200) {
		if (cosignature_of(buf_view(&r->body), &r->key, sig, &why) ==
		    OK) {
			msg_set_text(&m, F_BYTES,
			    (struct str){ (const char *)sig, sizeof(sig) });
		} else {
			msg_set(&m, F_STATUS, 0);
			msg_set_text(&m, F_TEXT, str_of(why.text));
		}
	} else if (r->witness && r->status == 409) {
		if (size_of(buf_view(&r->body), &size))
			msg_set(&m, F_SEQ, size);
	}
	buf_clear(&r->body);
	r->status = 0;
	if (r->close || r->out.n > 0 || r->in.n > 0) {
		hang_up(r);
	} else {
		r->state = IDLE;
		r->used = true;
		r->since = loop_now(f.env->loop);
	}
	posted(r, &m);
}

/* ---- the connection ---- */

static void
dial(struct remote *r)
{
	struct msg m = msg_of(MSG_DIAL);

	r->state = DIALING;
	r->dialed = ++f.dials;
	msg_set(&m, F_REF, r->dialed);
	msg_set(&m, F_WHERE, r->where);
	if (f.dial == NULL || chan_send(f.dial, &m) != OK)
		failed(r, "the dialer is not there");
}

/* A connection that was kept may have ended while the request was on its way;
 * what we ask can be asked twice. */
static void
lost(struct remote *r, const char *why)
{
	const bool again = r->used && r->ref != 0 && r->status == 0;

	if (!again) {
		failed(r, why);
		return;
	}
	hang_up(r);
	dial(r);
}

static enum err
flush(struct remote *r)
{
	while (r->out.n > 0) {
		size_t n = 0;
		const enum err e = fd_write(r->w.fd, buf_view(&r->out), &n);

		if (e == ERR_MORE)
			return OK; /* SYS_OUT comes */
		TRY(e);
		buf_drop(&r->out, n);
	}
	return OK;
}

static void
send_request(struct remote *r)
{
	enum err e = OK;

	r->state = BUSY;
	if (r->tls != NULL)
		e = tls_out(r->tls, buf_view(&r->request), &r->out);
	else
		buf_str(&r->out, buf_view(&r->request));
	if (e == OK)
		e = buf_end(&r->out);
	if (e == OK)
		e = flush(r);
	if (e != OK)
		lost(r, "the connection ended");
}

/* One head off r->in; OK when the body begins. */
static enum err
take_head(struct remote *r, struct note *why)
{
	struct http_head h;
	size_t used = 0;

	do {
		TRY(http_head_read(
		    buf_view(&r->in), true, HEAD_MAX, &h, &used, why));
		r->status = h.status;
		r->close = h.close;
		r->reading = http_body_of(&h, BODY_MAX);
		buf_drop(&r->in, used);
	} while (r->status < 200 && r->status != 101);
	return r->status == 101 ? ERR_SYNTAX : OK;
}

static enum err
take_body(struct remote *r, struct note *why)
{
	for (;;) {
		struct str data = { NULL, 0 };
		const size_t had = r->in.n;
		size_t used = 0;
		const enum err e =
		    http_body_read(&r->reading, buf_view(&r->in), &used, &data);

		buf_str(&r->body, data);
		buf_drop(&r->in, used);
		if (e != OK && e != ERR_MORE)
			note_set(why, "its body is malformed or too large");
		if (e != ERR_MORE || used == had)
			return e;
	}
}

/* Plain bytes are in r->in. */
static void
take(struct remote *r)
{
	struct note why = { .text = "its answer is malformed" };
	enum err e = OK;

	if (r->state != BUSY) {
		if (r->in.n > 0)
			hang_up(r); /* unasked */
		return;
	}
	if (r->status == 0)
		e = take_head(r, &why);
	if (e == OK)
		e = take_body(r, &why);
	if (e == OK)
		answered(r);
	else if (e != ERR_MORE || r->in.full)
		failed(r, why.text);
	else if (r->status < 200)
		r->status = 0; /* 100: the answer is still to come */
}

static void
ended(struct remote *r, bool clean)
{
	if (clean && r->state == BUSY && r->status != 0 &&
	    http_body_eof(&r->reading) == OK) {
		r->close = true;
		answered(r);
		return;
	}
	lost(r, "the connection ended");
}

static void
bytes(struct remote *r, struct str s)
{
	struct note why = { .text = "" };
	enum err e;

	if (r->tls == NULL) {
		buf_str(&r->in, s);
		take(r);
		return;
	}
	buf_clear(&r->plain);
	e = tls_in(r->tls, s, &r->plain, &r->out, &why);
	if (flush(r) != OK && e == OK)
		e = ERR_GONE;
	if (r->state == OPENING && tls_ready(r->tls) &&
	    (e == OK || e == ERR_MORE))
		send_request(r);
	if (r->w.fd >= 0 && r->plain.n > 0) {
		buf_str(&r->in, buf_view(&r->plain));
		take(r);
	}
	if (r->w.fd >= 0 && e == ERR_GONE)
		ended(r, true);
	else if (r->w.fd >= 0 && e != OK && e != ERR_MORE)
		failed(r, why.text[0] != '\0' ? why.text : "TLS ended");
}

static void
ready(struct watch *w, unsigned what)
{
	struct remote *r = (struct remote *)(void *)w;
	enum err e = OK;

	if ((what & SYS_OUT) != 0 && r->out.n > 0 && flush(r) != OK) {
		lost(r, "the connection ended");
		return;
	}
	while (e == OK && w->fd >= 0) {
		char room[READ_MAX];
		size_t n = 0;

		e = fd_read(w->fd, room, sizeof(room), &n);
		if (e == OK)
			bytes(r, (struct str){ room, n });
		else if (e != ERR_MORE) /* under TLS somebody else's doing */
			ended(r, r->tls == NULL);
	}
}

static void
opened(struct remote *r)
{
	struct note why = { .text = "TLS cannot begin" };
	enum err e;

	r->state = OPENING;
	if (r->ctx == NULL) {
		send_request(r);
		return;
	}
	e = tls_new(r->ctx, r->host, &r->tls);
	buf_clear(&r->plain);
	if (e == OK)
		e = tls_in(r->tls, STR(""), &r->plain, &r->out, &why);
	if (e == ERR_MORE)
		e = flush(r);
	if (e != OK)
		failed(r, why.text);
}

static void
dial_said(struct chan *c, const struct msg *m)
{
	struct remote *r = NULL;
	int fd = m->fd[0];
	char why[160];

	(void)c;
	for (size_t i = 0; i < f.n; i++)
		if (f.at[i].state == DIALING &&
		    f.at[i].dialed == msg_num(m, F_REF))
			r = &f.at[i];
	if (r == NULL) {
		fd_close(&fd);
		return;
	}
	(void)snprintf(why, sizeof(why), "%.*s",
	    STR_ARG(str_sub(msg_text(m, F_TEXT), 0, 150)));
	if (fd < 0 || msg_num(m, F_STATUS) != 0) {
		fd_close(&fd);
		failed(r, why);
		return;
	}
	r->w = (struct watch){ .fd = fd, .ready = ready };
	if (fd_nonblock(fd) != OK || loop_watch(f.env->loop, &r->w) != OK)
		failed(r, "its socket cannot be watched");
	else
		opened(r);
}

/* ---- what tiles asks for ---- */

static void
tiles_said(struct chan *c, const struct msg *m)
{
	const uint64_t where = msg_num(m, F_WHERE);
	const struct str body = msg_text(m, F_TEXT);
	struct remote *r = where < f.n ? &f.at[where] : NULL;

	(void)c;
	if (r == NULL || m->kind != MSG_POST)
		return;
	if (r->ref != 0) /* tiles was started anew: its question is gone */
		hang_up(r);
	r->ref = msg_num(m, F_REF);
	buf_clear(&r->request);
	buf_fmt(&r->request,
	    "%s %.*s HTTP/1.1\r\nHost: %.*s\r\nUser-Agent: gatehouse\r\n"
	    "Content-Type: text/plain\r\nContent-Length: %zu\r\n\r\n",
	    r->witness ? "POST" : "PUT", STR_ARG(r->path),
	    STR_ARG(r->authority), body.n);
	buf_str(&r->request, body);
	loop_timer(f.env->loop, &r->late, late_ns);
	if (r->state == IDLE &&
	    loop_now(f.env->loop) - r->since < IDLE_S * UINT64_C(1000000000) &&
	    fd_quiet(r->w.fd)) {
		send_request(r);
		return;
	}
	hang_up(r);
	dial(r);
}

static void
too_late(struct timer *t)
{
	char *at = (char *)t;

	failed(
	    (void *)(at - offsetof(struct remote, late)), "no answer in time");
}

/* ---- beginning ---- */

static void
tiles_lost(struct chan *c)
{
	chan_free(c);
	f.tiles = NULL;
}

static void
dial_lost(struct chan *c)
{
	chan_free(c);
	f.dial = NULL;
	for (size_t i = 0; i < f.n; i++)
		if (f.at[i].state == DIALING)
			failed(&f.at[i], "the dialer is not there");
}

static void
link_to(struct role_env *e, enum role_id peer, unsigned instance,
    struct chan_fds *fds)
{
	static const struct chan_ops tiles = { tiles_said, tiles_lost };
	static const struct chan_ops dialer = { dial_said, dial_lost };

	if (peer == ROLE_TILES)
		f.tiles = chan_new(
		    e->loop, fds, ROLE_FETCH, peer, instance, &tiles, NULL);
	else if (peer == ROLE_DIAL)
		f.dial = chan_new(
		    e->loop, fds, ROLE_FETCH, peer, instance, &dialer, NULL);
}

static enum err
remote_take(struct remote *r, struct jv v, struct note *why)
{
	const struct str url = jv_str(jv_get(v, STR("url")));
	const struct str key = jv_str(jv_get(v, STR("key")));
	const struct tls_setup tls = {
		.trust_pem = jv_str(jv_get(v, STR("ca"))),
	};
	struct str rest = str_sub(url, str_find(url, '/') + 2, url.n);

	*r = (struct remote){ .w.fd = -1,
		.where = (unsigned)(r - f.at),
		.late.fire = too_late,
		.host = jv_str(jv_get(v, STR("host"))),
		.path = jv_str(jv_get(v, STR("path"))),
		.witness = key.n > 0,
		.request = { .max = BODY_MAX + HEAD_MAX },
		.in = { .max = BODY_MAX + HEAD_MAX },
		.out = { .max = 4 * BODY_MAX },
		.plain = { .max = 4 * BODY_MAX },
		.body = { .max = BODY_MAX } };
	(void)str_split(&rest, '/', &r->authority);
	if (r->witness)
		TRY(vkey_of(key, &r->key, why));
	if (jv_true(jv_get(v, STR("tls"))))
		return tls_ctx_new(&tls, &r->ctx, why);
	return OK;
}

static enum err
prepare(struct role_env *e, struct note *why)
{
	struct jit it =
	    jit_of(jv_get(jv_get(e->image, STR("log")), STR("remotes")));
	struct jv v;

	f.env = e;
	while (f.n < REMOTES_MAX && jit_next(&it, NULL, &v))
		TRY(remote_take(&f.at[f.n++], v, why));
	role_links(e, link_to);
	return OK;
}

const struct role role_fetch = {
	.id = ROLE_FETCH,
	.prepare = prepare,
	.link = link_to,
};
