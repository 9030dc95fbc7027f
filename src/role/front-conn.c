/*
 * front-conn: connections.  Bytes come in, whole requests go on, answers go
 * out in order; one request of a connection is with a judge at a time and what
 * was pipelined behind it waits unread.  An idle connection holds no buffer.
 *
 * Every wait has a deadline: a head, a body, a silence, a peer that does not
 * read.  After the last answer of a connection what still comes is eaten for a
 * moment, or the agent's kernel would throw our answer away.
 */
#include "role/front-in.h"

#include <stddef.h>

enum { OUT_MAX = 4 * CHAN_MSG_MAX };

/* ---- deadlines: the timer is armed late and looks again ---- */

void
conn_deadline(struct conn *c, uint64_t ns)
{
	c->deadline = loop_now(c->f->loop) + ns;
	if (c->t.at == 0 || c->t.at > c->deadline)
		loop_timer(c->f->loop, &c->t, ns);
}

static void
conn_overdue(struct conn *c)
{
	static const struct front_no late = { 408, 0, "too slow" };

	if (c->out.n > 0) {
		conn_close(c); /* it does not read */
	} else if (c->mode == CONN_WAIT) {
		answer_open(c); /* how long a call may take judges say */
	} else if (c->mode == CONN_STREAM) {
		answer_beat(c);
		conn_deadline(c, FRONT_BEAT_NS);
	} else if (c->mode == CONN_READ && c->partial) {
		c->last = true;
		answer_no(c, &late);
	} else {
		conn_close(c);
	}
}

static void
conn_timer(struct timer *t)
{
	char *p = (char *)t;
	struct conn *c = (void *)(p - offsetof(struct conn, t));
	struct front *f = c->f;
	const uint64_t now = loop_now(f->loop);

	if (c->deadline == 0)
		return;
	if (c->deadline > now)
		loop_timer(f->loop, &c->t, c->deadline - now);
	else
		conn_overdue(c);
	conn_bury(f);
	front_drain_check(f);
}

/* ---- ends ---- */

void
conn_close(struct conn *c)
{
	struct front *f = c->f;

	if (c->dead)
		return;
	c->dead = true;
	while (c->reqs != NULL) {
		struct req *r = c->reqs;
		struct msg m = msg_of(MSG_GONE);

		msg_set(&m, F_REF, r->ref);
		(void)!front_send(f, r->judge, &m);
		req_free(f, r);
	}
	if (c->mode == CONN_STREAM)
		f->stream_n--;
	loop_timer_off(f->loop, &c->t);
	loop_unwatch(f->loop, &c->w);
	fd_close(&c->w.fd);
	*c->prev = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	c->next = f->graves;
	f->graves = c;
	f->conn_n--;
}

/* Nobody on the stack points at them any more. */
void
conn_bury(struct front *f)
{
	while (f->graves != NULL) {
		struct conn *c = f->graves;

		f->graves = c->next;
		tls_free(c->tls);
		buf_done(&c->in);
		buf_done(&c->out);
		mem_free(c);
	}
}

static void conn_resume(struct conn *c);

/* At a drain.  A request that is there already is heard, and who has asked
 * nothing yet has a second to: to close on him would be a reset. */
void
conn_idle_close(struct front *f)
{
	struct conn *c = f->conns, *next;

	for (; c != NULL; c = next) {
		next = c->next;
		c->readable = true;
		conn_resume(c);
		if (c->dead || c->mode != CONN_READ || c->partial ||
		    c->out.n > 0)
			continue;
		if (c->asked)
			conn_close(c);
		else
			conn_deadline(c, FRONT_LINGER_NS);
	}
	conn_bury(f);
}

/* ---- bytes out ---- */

static void
conn_linger(struct conn *c)
{
	c->ending = false;
	c->mode = CONN_LINGER;
	if (!c->feeding) /* else what is being read lies in there */
		buf_done(&c->in);
	if (c->tls != NULL && c->out.n == 0) {
		tls_bye(c->tls, &c->out);
		if (c->out.n > 0) {
			size_t n;

			(void)!fd_write(c->w.fd, buf_view(&c->out), &n);
			buf_done(&c->out);
		}
	}
	fd_shut(c->w.fd);
	c->readable = true;
	conn_deadline(c, FRONT_LINGER_NS);
}

static void
conn_flush(struct conn *c)
{
	size_t n;

	while (c->out.n > 0) {
		const enum err e = fd_write(c->w.fd, buf_view(&c->out), &n);

		if (e == ERR_MORE)
			return;
		if (e != OK) {
			conn_close(c);
			return;
		}
		buf_drop(&c->out, n);
		conn_deadline(c, FRONT_STALL_NS);
	}
	buf_done(&c->out);
	if (c->ending)
		conn_linger(c);
	else if (c->mode == CONN_STREAM)
		conn_deadline(c, FRONT_BEAT_NS);
	else
		conn_deadline(c, c->f->conf.idle_ns);
}

void
conn_push(struct conn *c, struct str s)
{
	size_t n = 0;
	enum err e = OK;

	if (c->dead)
		return;
	if (c->tls != NULL) {
		if (tls_out(c->tls, s, &c->out) != OK)
			conn_close(c);
		else
			conn_flush(c);
		return;
	}
	if (c->out.n == 0)
		e = fd_write(c->w.fd, s, &n);
	if (e != OK && e != ERR_MORE) {
		conn_close(c);
		return;
	}
	if (n == s.n)
		return;
	if (c->out.n == 0)
		conn_deadline(c, FRONT_STALL_NS);
	buf_str(&c->out, str_sub(s, n, s.n));
	if (c->out.full ||
	    (c->mode == CONN_STREAM && c->out.n > FRONT_STREAM_BACKLOG))
		conn_close(c); /* a slow reader is not waited for */
}

/* ---- bytes in ---- */

static bool
conn_takes(const struct conn *c)
{
	return c->mode == CONN_READ && !c->dead && !c->ending && c->out.n == 0;
}

static void
refuse(struct conn *c, unsigned status, const char *why)
{
	const struct front_no no = { status, 0, why };

	c->last = true; /* where the next message begins is not known */
	turn_refused(c->f, NULL, status, 0, why);
	answer_no(c, &no);
}

/*
 * Body bytes are moved down to stand right behind the head, so that head and
 * body stay one run of memory.  *left: bytes at p; shortened to what is kept
 * on ERR_MORE.  OK: *used is where the next message begins.
 */
static enum err
conn_body(struct conn *c, char *p, size_t *left, size_t *used)
{
	size_t raw = c->head_n + c->body_n;
	enum err e;

	for (;;) {
		const struct str in = { p + raw, *left - raw };
		char *to = p + c->head_n + c->body_n;
		struct str data = { NULL, 0 };
		size_t eaten = 0;

		e = http_body_read(&c->body, in, &eaten, &data);
		if (data.n > 0 && data.p != to)
			memmove(to, data.p, data.n);
		c->body_n += (uint32_t)data.n;
		raw += eaten;
		if (e != ERR_MORE || raw == *left)
			break;
	}
	if (e == ERR_MORE)
		*left = c->head_n + c->body_n;
	*used = raw;
	return e;
}

static void
conn_request(struct conn *c, const struct http_head *raw,
    const struct front_head *h, struct str body)
{
	const struct source s = { .f = c->f, .c = c, .h = h, .raw = raw };

	c->partial = false;
	c->asked = true;
	c->head_n = c->body_n = 0;
	c->last |= raw->close || c->f->draining;
	if (h->verb == VERB_POST)
		turn_post(&s, body);
	else if (h->verb == VERB_GET)
		turn_stream(&s);
	else if (h->verb == VERB_DELETE)
		turn_close(&s);
	else
		answer_preflight(c, raw);
}

/* A head was refused.  Without a body the connection may go on. */
static bool
conn_head_no(struct conn *c, const struct http_head *raw,
    const struct front_head *h, const struct front_no *no)
{
	c->last |= raw->close || raw->length != 0;
	c->origin_at = h->origin_at;
	c->partial = false;
	c->head_n = c->body_n = 0;
	turn_refused(c->f, h, no->status, no->code, no->why);
	answer_no(c, no);
	return !c->last;
}

static bool
conn_more(struct conn *c, uint64_t ns)
{
	if (!c->partial || ns == FRONT_BODY_NS)
		conn_deadline(c, ns);
	c->partial = true;
	return false;
}

/* One message at p.  False: not whole yet, or the connection ends. */
static bool
conn_one(struct conn *c, char *p, size_t *left, size_t *used)
{
	static const struct str go_on = STR_INIT("HTTP/1.1 100 Continue\r\n"
						 "\r\n");
	const bool first = c->head_n == 0;
	struct http_head raw;
	struct front_head h;
	struct front_no no;
	struct note why;
	size_t head_n = 0;
	enum err e = http_head_read((struct str){ p, *left }, false,
	    c->f->conf.head, &raw, &head_n, &why);

	if (e == ERR_MORE)
		return conn_more(c, FRONT_HEAD_NS);
	if (e != OK) {
		refuse(c, raw.status, why.text);
		return false;
	}
	if (front_head_check(&c->f->conf, &raw, &h, &no) != OK) {
		*used = head_n;
		return conn_head_no(c, &raw, &h, &no);
	}
	if (first) {
		c->origin_at = h.origin_at;
		c->head_n = (uint32_t)head_n;
		c->body = http_body_of(&raw, c->f->conf.body);
		c->continued = !raw.expect;
	}
	e = conn_body(c, p, left, used);
	if (e == ERR_MORE && !c->continued) {
		c->continued = true;
		conn_push(c, go_on);
	}
	if (e == ERR_MORE)
		return conn_more(c, first ? FRONT_BODY_NS : 0);
	if (e != OK) {
		refuse(c, e == ERR_LIMIT ? 413 : 400,
		    e == ERR_LIMIT ? "the body is too large"
				   : "the body is malformed");
		return false;
	}
	conn_request(c, &raw, &h, (struct str){ p + head_n, c->body_n });
	return true;
}

/* own: p is c->in.  What is left over stays in, or goes to, c->in. */
static void
conn_feed(struct conn *c, char *p, size_t n, bool own)
{
	size_t at = 0, left = n;

	c->feeding = true;
	while (left > 0 && conn_takes(c)) {
		size_t used = 0;

		if (!conn_one(c, p + at, &left, &used))
			break;
		at += used;
		left -= used;
	}
	c->feeding = false;
	if (c->dead)
		return;
	if (c->ending || c->mode == CONN_LINGER || left == 0) {
		buf_done(&c->in);
	} else if (own) {
		c->in.n = at + left;
		buf_drop(&c->in, at);
	} else {
		buf_put(&c->in, p + at, left);
	}
}

/* A read's worth of wire bytes through TLS. */
static enum err
conn_untls(struct conn *c, size_t n)
{
	struct front *f = c->f;
	struct note why;
	enum err e;

	buf_clear(&f->plain);
	e = tls_in(
	    c->tls, (struct str){ f->read, n }, &f->plain, &c->out, &why);
	if (c->out.n > 0)
		conn_flush(c);
	if (e == ERR_DENIED) /* its certificate: there will be no request */
		turn_refused(f, NULL, 0, 0, why.text);
	if (c->dead)
		return ERR_GONE;
	if (e != OK && e != ERR_MORE && f->plain.n == 0)
		return ERR_GONE;
	if (c->in.n > 0 || !conn_takes(c)) {
		buf_str(&c->in, buf_view(&f->plain));
		conn_feed(c, c->in.p, c->in.n, true);
	} else {
		conn_feed(c, f->plain.p, f->plain.n, false);
	}
	return e == OK || e == ERR_MORE ? OK : ERR_GONE;
}

static enum err
conn_read_once(struct conn *c)
{
	struct front *f = c->f;
	const bool plain = c->tls == NULL && c->in.n > 0;
	char *p = f->read;
	size_t n = 0;

	if (plain) {
		p = buf_room(&c->in, FRONT_READ / 4);
		if (p == NULL)
			return ERR_LIMIT;
	}
	TRY(fd_read(c->w.fd, p, plain ? FRONT_READ / 4 : FRONT_READ, &n));
	/* a short read empties a stream: the next bytes are a new event */
	if (n < (plain ? FRONT_READ / 4 : FRONT_READ) && !c->hup)
		c->readable = false;
	if (c->tls != NULL)
		return conn_untls(c, n);
	if (plain) {
		buf_add(&c->in, n);
		conn_feed(c, c->in.p, c->in.n, true);
	} else {
		conn_feed(c, p, n, false);
	}
	return OK;
}

static void
conn_eat(struct conn *c)
{
	while (c->readable && !c->dead) {
		size_t n;
		const enum err e = fd_read(c->w.fd, c->f->read, FRONT_READ, &n);

		if (e == ERR_MORE)
			c->readable = false;
		else if (e != OK)
			conn_close(c);
	}
}

static void
conn_read(struct conn *c)
{
	while (c->readable && conn_takes(c)) {
		const enum err e = conn_read_once(c);

		if (e == ERR_MORE)
			c->readable = false;
		else if (e != OK)
			conn_close(c);
	}
	if (c->mode == CONN_LINGER)
		conn_eat(c);
}

static void
conn_resume(struct conn *c)
{
	if (c->in.n > 0 && conn_takes(c))
		conn_feed(c, c->in.p, c->in.n, true);
	conn_read(c);
}

void
conn_answered(struct conn *c)
{
	if (c->dead)
		return;
	if (c->mode == CONN_STREAM)
		c->f->stream_n--;
	c->mode = CONN_READ;
	c->batch = false;
	c->last |= c->f->draining;
	if (c->last && c->out.n > 0) {
		c->ending = true;
	} else if (c->last) {
		conn_linger(c);
	} else {
		if (c->out.n == 0)
			conn_deadline(c, c->f->conf.idle_ns);
		if (!c->feeding)
			conn_resume(c);
	}
}

static void
conn_ready(struct watch *w, unsigned what)
{
	struct conn *c = (struct conn *)(void *)w; /* its first member */
	struct front *f = c->f;

	if ((what & (SYS_IN | SYS_HUP)) != 0)
		c->readable = true;
	if ((what & SYS_HUP) != 0)
		c->hup = true;
	if ((what & SYS_OUT) != 0 && c->out.n > 0)
		conn_flush(c);
	if (!c->dead)
		conn_resume(c);
	if (c->hup && !c->dead && c->mode != CONN_READ)
		conn_close(c); /* nobody waits for this answer any more */
	conn_bury(f);
	front_drain_check(f);
}

/* ---- birth ---- */

void
conn_new(struct front *f, int fd)
{
	static const struct str busy =
	    STR_INIT("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n"
		     "Connection: close\r\nContent-Length: 0\r\n\r\n");
	struct conn *c;
	size_t n;

	if (f->conn_n >= f->conf.connections) {
		if (f->tls == NULL)
			(void)!fd_write(fd, busy, &n);
		fd_close(&fd);
		return;
	}
	c = mem_get(sizeof(*c));
	c->w = (struct watch){ .fd = fd, .ready = conn_ready };
	c->t.fire = conn_timer;
	c->f = f;
	c->in.max = HTTP_HEAD_MAX + (size_t)f->conf.body + 4 * FRONT_READ;
	c->out.max = OUT_MAX;
	if (loop_watch(f->loop, &c->w) != OK ||
	    (f->tls != NULL &&
		tls_new(f->tls, (struct str){ NULL, 0 }, &c->tls) != OK)) {
		loop_unwatch(f->loop, &c->w);
		fd_close(&fd);
		mem_free(c);
		return;
	}
	c->next = f->conns;
	c->prev = &f->conns;
	if (f->conns != NULL)
		f->conns->prev = &c->next;
	f->conns = c;
	f->conn_n++;
	count(CNT_CONNS);
	conn_deadline(c, f->tls != NULL ? FRONT_HEAD_NS : f->conf.idle_ns);
}

void
conn_accept(struct watch *w, unsigned what)
{
	char *p = (char *)w;
	struct front *f = (void *)(p - offsetof(struct front, listening));
	enum err e = OK;

	(void)what;
	while (e == OK && !f->draining) {
		int fd;

		e = fd_accept(w->fd, &fd);
		if (e == OK)
			conn_new(f, fd);
	}
	if (e == ERR_LIMIT && !f->full) {
		f->full = true;
		log_line(LOG_WARN, "accept", "no descriptor is left");
	}
	if (e == ERR_LIMIT) /* edge-triggered: nobody would wake us */
		loop_timer(f->loop, &f->again, 100 * FRONT_MS);
}
