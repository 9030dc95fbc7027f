/*
 * back-tcp.c: connections to the upstream: dialed by role dial, kept alive,
 * last used first.  Promises that a connection carries one exchange at a time,
 * and that one which says anything unasked is closed: an answer can never
 * belong to somebody else's question.
 */
#include "role/back-in.h"

static void tcp_fail(struct tcp *c, enum err e, const char *why);

/* ---- life ---- */

static void
pool_del(struct tcp *c)
{
	struct tcp **at = &c->b->pool;

	while (*at != NULL && *at != c)
		at = &(*at)->below;
	if (*at == c)
		*at = c->below;
}

static void
tcp_free(struct tcp *c)
{
	buf_done(&c->in);
	buf_done(&c->out);
	mem_free(c);
}

void
tcp_close(struct tcp *c)
{
	struct back *b = c->b;

	if (c->gone)
		return;
	c->gone = true;
	if (c->state == TCP_IDLE)
		pool_del(c);
	if (c->state == TCP_DIALING)
		b->dialing--;
	loop_unwatch(b->loop, &c->w);
	loop_timer_off(b->loop, &c->again);
	fd_close(&c->w.fd);
	tls_free(c->tls);
	c->tls = NULL;
	if (c->next != NULL)
		c->next->prev = c->prev;
	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		b->conns = c->next;
	b->conns_n--;
	if (c->busy == 0)
		tcp_free(c);
}

static void
leave(struct tcp *c)
{
	if (--c->busy == 0 && c->gone)
		tcp_free(c);
}

/* ---- writing ---- */

static enum err
flush(struct tcp *c)
{
	while (c->out_at < c->out.n) {
		size_t n;
		const enum err e = fd_write(c->w.fd,
		    (struct str){ c->out.p + c->out_at, c->out.n - c->out_at },
		    &n);

		if (e == ERR_MORE)
			return OK; /* SYS_OUT comes */
		TRY(e);
		c->out_at += n;
	}
	c->out_at = 0;
	buf_clear(&c->out);
	if (c->out.cap > 4 * READ_MAX)
		buf_done(&c->out);
	return OK;
}

/* Head and body in one write; what the socket does not take waits in out. */
static enum err
send_plain(struct tcp *c, struct str head, struct str body, bool *touched)
{
	size_t n = 0;
	const enum err e = fd_write2(c->w.fd, head, body, &n);

	if (e != OK && e != ERR_MORE)
		return e;
	*touched = true;
	if (n < head.n)
		buf_str(&c->out, str_sub(head, n, head.n));
	n = n > head.n ? n - head.n : 0;
	buf_str(&c->out, str_sub(body, n, body.n));
	return buf_end(&c->out);
}

static enum err
send_request(struct tcp *c, struct xch *x, bool *touched)
{
	struct back *b = c->b;

	xch_head_text(x);
	TRY(buf_end(&b->head));
	if (c->tls == NULL)
		return send_plain(
		    c, buf_view(&b->head), buf_view(&x->body), touched);
	TRY(tls_out(c->tls, buf_view(&b->head), &c->out));
	TRY(tls_out(c->tls, buf_view(&x->body), &c->out));
	*touched = true;
	return flush(c);
}

/* ---- giving connections to exchanges ---- */

static struct tcp *
pool_take(struct back *b)
{
	const uint64_t now = loop_now(b->loop);

	while (b->pool != NULL) {
		struct tcp *c = b->pool;
		const uint64_t idle = now - c->since;

		/* The upstream may have ended it, and the news be on the way;
		 * after a second of silence it is worth a look. */
		if (idle < c->idle_ns && (idle < SECOND || fd_quiet(c->w.fd))) {
			b->pool = c->below;
			return c;
		}
		tcp_close(c);
	}
	return NULL;
}

static void
dial(struct back *b)
{
	struct msg m = msg_of(MSG_DIAL);
	struct tcp *c = mem_get(sizeof(*c));

	c->b = b;
	c->w.fd = -1;
	c->ref = ++b->last_ref;
	c->state = TCP_DIALING;
	c->since = loop_now(b->loop);
	c->idle_ns = IDLE_NS;
	c->in.max = b->head_max + READ_MAX;
	c->out.max = 4 * CHAN_MSG_MAX;
	c->next = b->conns;
	if (c->next != NULL)
		c->next->prev = c;
	b->conns = c;
	b->conns_n++;
	b->dialing++;
	if (b->sweep.at == 0)
		loop_timer(b->loop, &b->sweep, 2 * SECOND);
	msg_set(&m, F_REF, c->ref);
	msg_set(&m, F_WHERE, b->where);
	if (b->dial == NULL || chan_send(b->dial, &m) != OK)
		tcp_fail(c, ERR_GONE, "the dialer is not there");
}

void
tcp_queue(struct back *b, struct xch *x)
{
	x->next = NULL;
	x->queued = true;
	if (b->queue == NULL)
		b->queue_end = &b->queue;
	*b->queue_end = x;
	b->queue_end = &x->next;
	b->queue_n++;
}

void
tcp_unqueue(struct back *b, struct xch *x)
{
	struct xch **at = &b->queue;

	while (*at != x)
		at = &(*at)->next;
	*at = x->next;
	if (x->next == NULL)
		b->queue_end = at;
	x->next = NULL;
	x->queued = false;
	b->queue_n--;
}

static struct xch *
queue_take(struct back *b)
{
	struct xch *x = b->queue;

	tcp_unqueue(b, x);
	return x;
}

/* Starts x on c; c is closed when it turns out dead. */
static void
give(struct tcp *c, struct xch *x)
{
	bool touched = false;
	enum err e;

	c->state = TCP_BUSY;
	c->in_body = c->close = false;
	c->x = x;
	x->conn = c;
	c->busy++;
	e = send_request(c, x, &touched);
	c->touched = touched;
	if (e != OK)
		tcp_fail(c, e, "the connection ended");
	c->used = true;
	leave(c);
}

void
tcp_serve(struct back *b)
{
	struct tcp *c;

	if (b->serving)
		return; /* a give() or dial() failed: we go on below */
	b->serving = true;
	while (b->queue != NULL && (c = pool_take(b)) != NULL)
		give(c, queue_take(b));
	while (b->dialing < b->queue_n && b->dialing < DIALING_MAX &&
	       b->conns_n < CONNS_MAX)
		dial(b);
	b->serving = false;
}

/* Fails the exchange that waits longest: its connection could not be made. */
static void
unreached(struct back *b, const char *why)
{
	if (b->queue != NULL)
		xch_unreached(queue_take(b), why);
}

static void
tcp_fail(struct tcp *c, enum err e, const char *why)
{
	struct back *b = c->b;
	struct xch *x = c->x;
	const bool fresh = c->state <= TCP_OPENING;
	const bool used = c->used, touched = c->touched;
	struct note words;

	note_set(&words, "%s", why); /* may be the connection's own */
	c->x = NULL;
	tcp_close(c);
	if (x == NULL) {
		if (fresh) {
			unreached(b, words.text);
			tcp_serve(b); /* the next that waits may dial */
		}
		return;
	}
	x->conn = NULL;
	if (used && xch_may_repeat(x, touched)) {
		x->retried = true;
		xch_start(x);
	} else {
		xch_end(x, e, words.text);
	}
}

/* ---- opening ---- */

static void
tcp_idle(struct tcp *c)
{
	struct back *b = c->b;

	c->state = TCP_IDLE;
	c->since = loop_now(b->loop);
	c->below = b->pool;
	b->pool = c;
	if (b->queue != NULL)
		tcp_serve(b);
}

static void ready(struct watch *w, unsigned what);

static void
more(struct timer *t)
{
	struct tcp *c = OWNER(t, struct tcp, again);

	ready(&c->w, SYS_IN | SYS_HUP); /* until there is no more */
}

static void
tls_begin(struct tcp *c)
{
	struct back *b = c->b;
	struct note why = { "TLS cannot begin" };
	enum err e = tls_new(b->tls, b->host, &c->tls);

	buf_clear(&b->plain);
	if (e == OK)
		e = tls_in(c->tls, STR(""), &b->plain, &c->out, &why);
	if (e == ERR_MORE)
		e = flush(c);
	if (e != OK)
		tcp_fail(c, e, why.text);
}

void
tcp_dialed(struct back *b, const struct msg *m)
{
	const uint64_t ref = msg_num(m, F_REF);
	struct tcp *c = b->conns;
	int fd = m->fd[0];
	struct note why;

	while (c != NULL && (c->ref != ref || c->state != TCP_DIALING))
		c = c->next;
	if (c == NULL) {
		fd_close(&fd);
		return;
	}
	note_set(&why, "%.*s", STR_ARG(str_sub(msg_text(m, F_TEXT), 0, 200)));
	c->busy++;
	if (fd < 0 || msg_num(m, F_STATUS) != 0) {
		fd_close(&fd);
		tcp_fail(c, ERR_GONE, why.text);
		leave(c);
		return;
	}
	b->dialing--;
	c->state = TCP_OPENING;
	c->w = (struct watch){ .fd = fd, .ready = ready };
	c->again.fire = more;
	if (fd_nonblock(fd) != OK || loop_watch(b->loop, &c->w) != OK)
		tcp_fail(c, ERR_OS, "its socket cannot be watched");
	else if (b->tls == NULL)
		tcp_idle(c);
	else
		tls_begin(c);
	leave(c);
}

/* ---- reading ---- */

/* "Keep-Alive: timeout=5": use it a second less, or not at all. */
static void
note_keep_alive(struct tcp *c, const struct http_head *h)
{
	bool many = false;
	struct str s = http_get(h, STR("keep-alive"), &many), part;

	while (str_split(&s, ',', &part)) {
		const struct str t = str_trim(part);
		uint64_t n;

		if (str_starts(t, STR("timeout=")) &&
		    str_u64(str_sub(t, 8, t.n), &n) == OK)
			c->idle_ns = n == 0   ? 0
				     : n > 60 ? IDLE_NS
					      : (n - 1) * SECOND + SECOND / 2;
	}
}

/* The exchange has all it gets; the connection lives if nothing is left over
 * and nothing is still to be sent. */
static void
complete(struct tcp *c, bool left_over)
{
	struct xch *x = c->x;

	c->x = NULL;
	x->conn = NULL;
	if (c->close || left_over || c->out.n > 0 || c->gone)
		tcp_close(c);
	else
		tcp_idle(c);
	xch_end(x, OK, NULL);
}

/* One head off *s; OK when the body begins. */
static enum err
take_head(struct tcp *c, struct str *s, struct note *why)
{
	struct back *b = c->b;
	struct http_head *h = &b->parsed;
	size_t used;

	if (c->in.n > 0) {
		buf_str(&c->in, *s);
		TRY(buf_end(&c->in));
		*s = buf_view(&c->in);
	}
	for (;;) {
		const enum err e =
		    http_head_read(*s, true, b->head_max, h, &used, why);

		if (e == ERR_MORE && c->in.n == 0)
			buf_str(&c->in, *s);
		else if (e == ERR_MORE && s->n < c->in.n)
			buf_drop(&c->in, c->in.n - s->n);
		TRY(e);
		*s = str_sub(*s, used, s->n);
		if (h->status >= 200)
			break;
		if (h->status == 101) {
			note_set(why, "it switched protocols unasked");
			return ERR_SYNTAX;
		}
	}
	buf_clear(&c->in); /* *s may point into it: nothing is added before
			      the body is through */
	c->x->began = true;
	TRY(xch_head(c->x, h, why));
	note_keep_alive(c, h);
	c->close = h->close;
	c->in_body = true;
	c->body = http_body_of(h, c->x->sse_on ? UINT64_MAX : b->answer_max);
	return OK;
}

static enum err
take_body(struct tcp *c, struct str *s, struct note *why)
{
	for (;;) {
		struct str data = { NULL, 0 };
		size_t used = 0;
		const enum err e = http_body_read(&c->body, *s, &used, &data);

		if (e != OK && e != ERR_MORE) {
			note_set(why, "its body is malformed or too large");
			return e;
		}
		*s = str_sub(*s, used, s->n);
		if (data.n > 0 || e == OK)
			TRY(xch_data(c->x, data, e == OK, why));
		if (e == OK || s->n == 0)
			return e;
	}
}

static void
plain_bytes(struct tcp *c, struct str s)
{
	struct note why = { "" };
	enum err e = OK;

	if (c->x == NULL || c->state != TCP_BUSY) {
		if (s.n > 0)
			tcp_close(c); /* unasked */
		return;
	}
	if (!c->in_body)
		e = take_head(c, &s, &why);
	if (e == OK)
		e = take_body(c, &s, &why);
	if (e == OK)
		complete(c, s.n > 0);
	else if (e != ERR_MORE)
		tcp_fail(c, e, why.text);
}

/* The stream is over.  clean: nobody can have cut it short. */
static void
ended(struct tcp *c, bool clean, const char *words)
{
	struct note why = { "" };
	struct xch *x = c->x;

	c->close = true;
	if (clean && x != NULL && c->in_body && http_body_eof(&c->body) == OK) {
		if (xch_data(x, (struct str){ NULL, 0 }, true, &why) == OK)
			complete(c, false);
		else
			tcp_fail(c, ERR_SYNTAX, why.text);
		return;
	}
	tcp_fail(c, ERR_GONE, words);
}

static void
bytes(struct tcp *c, struct str s)
{
	struct back *b = c->b;
	struct note why = { "" };
	enum err e;

	if (c->tls == NULL) {
		plain_bytes(c, s);
		return;
	}
	buf_clear(&b->plain);
	e = tls_in(c->tls, s, &b->plain, &c->out, &why);
	if (flush(c) != OK && e == OK)
		e = ERR_GONE;
	if (c->state == TCP_OPENING && tls_ready(c->tls) &&
	    (e == OK || e == ERR_MORE))
		tcp_idle(c);
	if (!c->gone && b->plain.n > 0)
		plain_bytes(c, buf_view(&b->plain));
	if (!c->gone && e != OK && e != ERR_MORE)
		ended(c, e == ERR_GONE,
		    why.text[0] != '\0' ? why.text : "TLS ended");
}

static void
ready(struct watch *w, unsigned what)
{
	struct tcp *c = (struct tcp *)(void *)w;
	struct back *b = c->b;

	c->busy++;
	if ((what & SYS_OUT) != 0 && c->out.n > 0 && flush(c) != OK)
		tcp_fail(c, ERR_GONE, "the connection ended");
	for (int i = 0; !c->gone && (what & (SYS_IN | SYS_HUP)) != 0; i++) {
		size_t n = 0;
		enum err e;

		if (i == READS_MAX || back_full(b)) {
			loop_timer(
			    b->loop, &c->again, back_full(b) ? FULL_NS : 0);
			break;
		}
		e = fd_read(c->w.fd, b->read, READ_MAX, &n);
		if (e == ERR_MORE)
			break;
		if (e != OK) {
			/* Under TLS this may be somebody else's doing. */
			ended(c, c->tls == NULL, "the connection ended");
			break;
		}
		bytes(c, (struct str){ b->read, n });
		/* Less than there was room for: the socket is empty, and what
		 * comes later is a new edge. */
		if (n < READ_MAX && (what & SYS_HUP) == 0)
			break;
	}
	leave(c);
}

/* ---- housekeeping ---- */

void
tcp_sweep(struct timer *t)
{
	struct back *b = OWNER(t, struct back, sweep);
	const uint64_t now = loop_now(b->loop);
	struct tcp *next;

	for (struct tcp *c = b->conns; c != NULL; c = next) {
		next = c->next;
		if (c->state == TCP_IDLE && now - c->since >= c->idle_ns)
			tcp_close(c);
	}
	for (struct tcp *c = b->conns; c != NULL; c = c->next) {
		if (c->state <= TCP_OPENING && now - c->since >= DIAL_NS) {
			tcp_fail(c, ERR_GONE, "no connection in time");
			break; /* the list may be another now */
		}
	}
	if (b->conns != NULL)
		loop_timer(b->loop, t, 2 * SECOND);
}

void
tcp_dialer_lost(struct back *b)
{
	struct tcp *c = b->conns;

	while (c != NULL) {
		if (c->state == TCP_DIALING) {
			tcp_fail(c, ERR_GONE, "the dialer is not there");
			c = b->conns;
		} else {
			c = c->next;
		}
	}
}
