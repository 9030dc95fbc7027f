/*
 * witness.c: the role that others' logs talk to (C2SP tlog-witness): HTTP and
 * text in, numbers and hashes to role cosign, its answer out.  Promises that a
 * connection is bounded in bytes and time and asks one thing at a time.  It
 * knows no key and decides nothing but what is malformed.
 *
 *   POST /add-checkpoint        the submission prefix is /
 *   GET /HASH/checkpoint        the monitoring prefix likewise
 */
#include <unistd.h>

#include "role/growth.h"
#include "role/role.h"
#include "wire/wire.h"

enum {
	CONNS = 256,
	HEAD_MAX = 8192,
	BODY_MAX = 64 * 1024,
	OUT_MAX = 2 * BODY_MAX,
	HASH = 32
};
static const uint64_t patience_ns = UINT64_C(30) * 1000000000;
static const uint64_t linger_ns = UINT64_C(1) * 1000000000;

struct conn {
	struct watch w; /* first: found from it */
	struct timer late;
	struct buf in, out, body;
	struct http_body reading;
	uint64_t asked; /* REF of what is under way; 0 none */
	bool posting;	/* its head is read, its body is on its way */
	bool last;	/* its head says so */
	bool close;	/* nothing more is read: close when all is written */
	bool over;	/* answered; what still comes is not read */
	bool eof;
};
static struct {
	struct role_env *env;
	struct watch listener;
	struct conn conn[CONNS];
	struct chan *cosign;
	uint64_t ref;
} w;

/* ---- answers ---- */

static void
conn_close(struct conn *c)
{
	loop_unwatch(w.env->loop, &c->w);
	loop_timer_off(w.env->loop, &c->late);
	fd_close(&c->w.fd);
	buf_done(&c->in);
	buf_done(&c->out);
	buf_done(&c->body);
	c->asked = 0;
}

static void
conn_write(struct conn *c)
{
	while (c->out.n > 0) {
		size_t n = 0;
		const enum err e = fd_write(c->w.fd, buf_view(&c->out), &n);

		if (e == ERR_MORE)
			return; /* the next edge goes on */
		if (e != OK) {
			conn_close(c);
			return;
		}
		buf_drop(&c->out, n);
	}
	if (c->asked != 0 || !(c->close || c->eof) || c->over)
		return;
	if (c->eof) {
		conn_close(c);
		return;
	}
	/* Closed at once, what it still sends would take the answer back. */
	fd_shut(c->w.fd);
	c->over = true;
	buf_done(&c->in);
	loop_timer(w.env->loop, &c->late, linger_ns);
}

static const struct {
	unsigned status;
	const char *words;
} reasons[] = { { 200, "OK" }, { 400, "Bad Request" }, { 403, "Forbidden" },
	{ 404, "Not Found" }, { 405, "Method Not Allowed" },
	{ 409, "Conflict" }, { 413, "Content Too Large" },
	{ 422, "Unprocessable Entity" }, { 431, "Head Too Large" },
	{ 500, "Internal Server Error" }, { 503, "Service Unavailable" } };

static void
answer(struct conn *c, unsigned status, const char *type, struct str body)
{
	const char *words = "Refused";

	c->close = c->close || c->last;
	for (size_t i = 0; i < countof(reasons); i++)
		if (reasons[i].status == status)
			words = reasons[i].words;
	buf_fmt(&c->out,
	    "HTTP/1.1 %u %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
	    "%s%s\r\n",
	    status, words, type, body.n,
	    status == 405 ? "Allow: GET, POST\r\n" : "",
	    c->close ? "Connection: close\r\n" : "");
	buf_str(&c->out, body);
	c->posting = false;
	buf_done(&c->body);
	if (c->out.full) {
		conn_close(c);
		return;
	}
	loop_timer(w.env->loop, &c->late, patience_ns);
	conn_write(c);
}

/* What was refused before cosign heard of it. */
static void
refuse(struct conn *c, unsigned status, const char *why)
{
	struct buf body = { .max = 512 };

	count(CNT_COSIGN_REFUSED);
	buf_fmt(&body, "%s\n", why);
	answer(c, status, "text/plain", buf_view(&body));
	buf_done(&body);
}

/* Where its bytes end is not known any more, or not worth reading. */
static void
refuse_last(struct conn *c, unsigned status, const char *why)
{
	c->close = true;
	refuse(c, status, why);
}

/* ---- to cosign and back ---- */

static void
send(struct conn *c, struct msg *m)
{
	c->asked = ++w.ref;
	msg_set(m, F_REF, c->asked);
	if (w.cosign != NULL && chan_send(w.cosign, m) == OK)
		return;
	c->asked = 0;
	refuse(c, 503, "try again");
}

/* The whole body is there. */
static void
ask_cosign(struct conn *c)
{
	struct signed_note *n = mem_get(sizeof(*n));
	struct grown *g = mem_get(sizeof(*g));
	struct buf bytes = { .max = 8192 };
	struct msg m = msg_of(MSG_COSIGN);
	struct note why = { .text = "" };
	struct growth body;
	struct checkpoint at;
	enum err e = growth_of(buf_view(&c->body), &body, &why);

	if (e == OK)
		e = signed_parse(body.checkpoint, n, &why);
	if (e == OK)
		e = checkpoint_of(n->text, &at, &why);
	if (e == OK && !grown_sigs(n, at.origin, g)) {
		note_set(
		    &why, "more than %d signatures of its log", GROWTH_SIGS);
		e = ERR_LIMIT;
	}
	if (e != OK) {
		refuse(c, 400, why.text);
	} else {
		g->root = at.root;
		g->proof = body.proof;
		grown_put(g, &bytes);
		msg_set_text(&m, F_NAME, at.origin);
		msg_set_text(&m, F_TEXT, at.extensions);
		msg_set_text(&m, F_BYTES, buf_view(&bytes));
		msg_set(&m, F_WHERE, body.old);
		msg_set(&m, F_SEQ, at.size);
		send(c, &m);
	}
	buf_done(&bytes);
	mem_free(g);
	mem_free(n);
}

static void conn_take(struct conn *c);

static void
cosign_said(struct chan *ch, const struct msg *m)
{
	const unsigned status = (unsigned)msg_num(m, F_STATUS);
	struct buf body = { .max = BODY_MAX };
	struct conn *c = NULL;

	(void)ch;
	for (size_t i = 0; i < CONNS; i++)
		if (w.conn[i].w.fd >= 0 && w.conn[i].asked != 0 &&
		    w.conn[i].asked == msg_num(m, F_REF))
			c = &w.conn[i];
	if (c == NULL)
		return; /* it did not wait */
	c->asked = 0;
	if (status == 409)
		buf_fmt(&body, "%llu\n", (unsigned long long)msg_num(m, F_SEQ));
	else if (status == 200)
		buf_str(&body, msg_text(m, F_TEXT));
	answer(c, status, status == 409 ? "text/x.tlog.size" : "text/plain",
	    buf_view(&body));
	buf_done(&body);
	if (c->w.fd >= 0)
		conn_take(c); /* the next may have come already */
}

static void
cosign_lost(struct chan *ch)
{
	chan_free(ch);
	w.cosign = NULL;
	for (size_t i = 0; i < CONNS; i++) {
		struct conn *c = &w.conn[i];

		if (c->w.fd < 0 || c->asked == 0)
			continue;
		c->asked = 0;
		refuse_last(c, 503, "try again");
	}
}

/* ---- requests ---- */

/* "/HASH/checkpoint". */
static bool
is_latest(struct str target, unsigned char hash[static HASH])
{
	const struct str hex = str_sub(target, 1, (size_t)2 * HASH);

	return str_eq(str_sub(target, 1 + (size_t)2 * HASH, target.n),
		   STR("/checkpoint")) &&
	       hex_bytes(hex, hash, HASH) == OK;
}

/* A whole head is there. */
static void
begin(struct conn *c, const struct http_head *h)
{
	const bool post = str_eq(h->target, STR("/add-checkpoint"));
	unsigned char hash[HASH];
	const bool get = !post && is_latest(h->target, hash);
	struct msg m = msg_of(MSG_LATEST);

	c->last = h->close;
	if (!post && !get) {
		refuse_last(c, 404, "not here");
	} else if (!str_eq(h->method, post ? STR("POST") : STR("GET"))) {
		refuse_last(c, 405, "POST /add-checkpoint, GET the others");
	} else if (get && h->length != 0) {
		refuse_last(c, 413, "no body, please");
	} else if (get) {
		msg_set_text(&m, F_BYTES,
		    (struct str){ (const char *)hash, sizeof(hash) });
		send(c, &m);
	} else {
		if (h->expect)
			buf_str(&c->out, STR("HTTP/1.1 100 Continue\r\n\r\n"));
		c->posting = true;
		c->reading = http_body_of(h, BODY_MAX);
		c->body.max = BODY_MAX;
		conn_write(c);
	}
}

/* As much of the body as is there. */
static void
feed(struct conn *c)
{
	enum err e = ERR_MORE;

	while (e == ERR_MORE) {
		struct str data = { NULL, 0 };
		size_t used = 0;
		const size_t had = c->in.n;

		e = http_body_read(&c->reading, buf_view(&c->in), &used, &data);
		buf_str(&c->body, data);
		buf_drop(&c->in, used);
		if (e == ERR_MORE && used == had)
			return;
	}
	if (e != OK)
		refuse_last(c, e == ERR_LIMIT ? 413 : 400, "malformed body");
	else
		ask_cosign(c);
}

static void
conn_take(struct conn *c)
{
	struct http_head h;
	struct note why = { .text = "" };

	while (c->w.fd >= 0 && c->asked == 0 && !c->close && !c->over) {
		size_t used = 0;
		enum err e;

		if (c->posting) {
			feed(c);
			if (c->posting && c->asked == 0)
				return; /* for more */
			continue;
		}
		if (c->in.n == 0)
			return;
		e = http_head_read(
		    buf_view(&c->in), false, HEAD_MAX, &h, &used, &why);
		if (e == ERR_MORE && !c->in.full)
			return;
		if (e != OK) {
			refuse_last(
			    c, e == ERR_MORE ? 431 : h.status, why.text);
			return;
		}
		begin(c, &h);
		if (c->w.fd >= 0 && !c->over)
			buf_drop(&c->in, used);
	}
}

/* ---- bytes ---- */

static void
conn_late(struct timer *t)
{
	char *at = (char *)t;

	conn_close((void *)(at - offsetof(struct conn, late)));
}

static void
conn_ready(struct watch *watch, unsigned what)
{
	struct conn *c = (struct conn *)(void *)watch;
	enum err e = OK;

	while (e == OK && watch->fd >= 0) {
		char room[4096];
		size_t n = 0;

		e = fd_read(watch->fd, room, sizeof(room), &n);
		if (e != OK || c->over)
			continue;
		buf_put(&c->in, room, n);
		if (c->in.full) { /* it sends without waiting for answers */
			conn_close(c);
			return;
		}
		conn_take(c);
	}
	if (watch->fd < 0)
		return;
	c->eof = e != ERR_MORE;
	if (c->over && c->eof)
		conn_close(c);
	else if (c->eof || (what & SYS_OUT) != 0)
		conn_write(c);
}

static void
accept_all(struct watch *listener, unsigned what)
{
	int fd = -1;

	(void)what;
	while (fd_accept(listener->fd, &fd) == OK) {
		struct conn *c = w.conn;

		while (c < w.conn + CONNS && c->w.fd >= 0)
			c++;
		if (c == w.conn + CONNS) {
			fd_close(&fd);
			continue;
		}
		*c = (struct conn){ .w = { .fd = fd, .ready = conn_ready },
			.late = { .fire = conn_late },
			.in = { .max = HEAD_MAX + BODY_MAX },
			.out = { .max = OUT_MAX } };
		if (loop_watch(w.env->loop, &c->w) != OK)
			conn_close(c);
		else
			loop_timer(w.env->loop, &c->late, patience_ns);
	}
}

/* ---- beginning ---- */

static void
link_to(struct role_env *e, enum role_id peer, unsigned instance,
    struct chan_fds *fds)
{
	static const struct chan_ops ops = { cosign_said, cosign_lost };

	if (peer != ROLE_COSIGN)
		return;
	if (w.cosign != NULL)
		cosign_lost(w.cosign);
	w.cosign =
	    chan_new(e->loop, fds, ROLE_WITNESS, peer, instance, &ops, NULL);
}

static enum err
prepare(struct role_env *e, struct note *why)
{
	w.env = e;
	for (size_t i = 0; i < CONNS; i++)
		w.conn[i].w.fd = -1;
	role_links(e, link_to);
	if (e->given_n != 1) {
		note_set(why, "no listening socket");
		return ERR_OS;
	}
	w.listener = (struct watch){ e->given[0].fd[0], accept_all };
	if (fd_nonblock(w.listener.fd) != OK ||
	    loop_watch(e->loop, &w.listener) != OK) {
		note_set(why, "the listening socket cannot be used");
		return ERR_OS;
	}
	return OK;
}

const struct role role_witness = {
	.id = ROLE_WITNESS,
	.prepare = prepare,
	.link = link_to,
};
