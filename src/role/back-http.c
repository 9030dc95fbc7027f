/*
 * back-http.c: HTTP exchanges, one request of ours each: their life, their head
 * and body, and the order in which they wait for connections.
 */
#include "role/back-in.h"

/* ---- life ---- */

static void detach(struct xch *x);

static void
fire(struct timer *t)
{
	struct xch *x = (struct xch *)(void *)t;
	void (*sent)(struct hop * h, bool good) = x->sent;
	struct hop *h = x->hop;

	if (x->waiting) { /* its next try */
		x->waiting = false;
		xch_start(x);
		return;
	}
	if (x->kind == X_SSE && h != NULL) {
		detach(x);
		sse_ended(x, "it named no endpoint in time");
		return;
	}
	xch_drop(x);
	if (sent != NULL && h != NULL)
		sent(h, false);
}

static struct xch *
xch_new(struct hop *h, enum xch_kind kind)
{
	struct back *b = h->b;
	struct xch *x = b->xchs_free;

	if (x != NULL)
		b->xchs_free = x->next;
	else
		x = mem_get(sizeof(*x));
	*x = (struct xch){ .t.fire = fire,
		.b = b,
		.hop = h,
		.kind = kind,
		.body = x->body,
		.heads = x->heads,
		.got = x->got,
		.last_event = x->last_event,
		.retry_ms = RETRY_MS,
		.all = b->xchs };
	x->body.max = x->heads.max = 2 * CHAN_MSG_MAX;
	x->got.max = b->answer_max;
	x->last_event.max = EVENT_ID_MAX;
	buf_clear(&x->body);
	buf_clear(&x->heads);
	buf_clear(&x->got);
	buf_clear(&x->last_event);
	b->xchs = x;
	if (x->all != NULL)
		x->all->all_back = x;
	return x;
}

/* Small buffers stay for the next one: no allocation in steady state. */
static void
spare(struct buf *buf)
{
	if (buf->cap > READ_MAX)
		buf_done(buf);
}

void
xch_free(struct xch *x)
{
	struct back *b = x->b;

	loop_timer_off(b->loop, &x->t);
	if (x->sse_on)
		sse_done(&x->sse);
	if (x->hop != NULL && x->hop->stream == x)
		x->hop->stream = NULL;
	spare(&x->body);
	spare(&x->heads);
	spare(&x->got);
	if (x->all != NULL)
		x->all->all_back = x->all_back;
	if (x->all_back != NULL)
		x->all_back->all = x->all;
	else
		b->xchs = x->all;
	x->next = b->xchs_free;
	b->xchs_free = x;
}

static void
unhold(struct hop *h, struct xch *x)
{
	struct xch **at = &h->held;

	while (*at != NULL && *at != x)
		at = &(*at)->next;
	if (*at == x)
		*at = x->next;
	x->next = NULL;
	x->held = false;
}

static void
detach(struct xch *x)
{
	struct tcp *c = x->conn;

	if (x->queued)
		tcp_unqueue(x->b, x);
	if (x->held && x->hop != NULL)
		unhold(x->hop, x);
	x->held = false;
	x->conn = NULL;
	if (c != NULL) {
		c->x = NULL;
		tcp_close(c);
	}
}

void
xch_drop(struct xch *x)
{
	detach(x);
	xch_free(x);
}

/* In order of arrival, if a connection is free or can be had. */
void
xch_start(struct xch *x)
{
	x->status = 0;
	x->ctype = CT_NONE;
	x->began = x->broken = false;
	buf_clear(&x->got);
	if (x->sse_on)
		sse_done(&x->sse);
	x->sse_on = false;
	tcp_queue(x->b, x);
	tcp_serve(x->b);
}

void
xch_hold(struct xch *x)
{
	x->held = true;
	x->next = x->hop->held;
	x->hop->held = x;
}

void
hop_release(struct hop *h)
{
	while (h->held != NULL) {
		struct xch *x = h->held;

		h->held = x->next;
		x->held = false;
		xch_start(x);
	}
}

/* ---- the request's head ---- */

static void
head_line(struct buf *out, struct str name, struct str value)
{
	buf_str(out, name);
	buf_str(out, value);
	buf_str(out, STR("\r\n"));
}

/* What every head of this upstream says. */
static void
make_prefix(struct back *b)
{
	head_line(&b->prefix, STR(" HTTP/1.1\r\nHost: "), b->authority);
	head_line(&b->prefix, STR("User-Agent: "), STR("gatehouse"));
	if (b->cred.n > 0)
		head_line(&b->prefix, STR("Authorization: Bearer "),
		    buf_view(&b->cred));
}

void
xch_head_text(struct xch *x)
{
	static const struct str verbs[] = {
		[X_CALL] = STR_INIT("POST "),
		[X_POST] = STR_INIT("POST "),
		[X_STREAM] = STR_INIT("GET "),
		[X_RESUME] = STR_INIT("GET "),
		[X_DELETE] = STR_INIT("DELETE "),
		[X_SSE] = STR_INIT("GET "),
	};
	struct back *b = x->b;
	struct buf *out = &b->head;
	const bool post = x->kind == X_CALL || x->kind == X_POST;

	if (b->prefix.n == 0)
		make_prefix(b);
	buf_clear(out);
	buf_str(out, verbs[x->kind]);
	buf_str(out, post && x->hop != NULL && x->hop->sse == SSE_OPEN
			 ? buf_view(&x->hop->post_to)
			 : b->path);
	buf_str(out, buf_view(&b->prefix));
	if (post) {
		buf_str(out, STR("Content-Type: application/json\r\n"
				 "Accept: application/json, text/event-stream"
				 "\r\nContent-Length: "));
		buf_dec(out, x->body.n);
		buf_str(out, STR("\r\n"));
	} else if (x->kind != X_DELETE) {
		buf_str(out, STR("Accept: text/event-stream\r\n"));
	}
	if (!post && x->last_event.n > 0)
		head_line(
		    out, STR("Last-Event-ID: "), buf_view(&x->last_event));
	if (x->version.n > 0)
		head_line(out, STR("MCP-Protocol-Version: "), x->version);
	if (x->hop != NULL && x->kind != X_DELETE) {
		x->session_sent = x->hop->session.n > 0;
		x->session_n = x->hop->session_n;
		if (x->session_sent)
			head_line(out, STR("Mcp-Session-Id: "),
			    buf_view(&x->hop->session));
	}
	buf_str(out, buf_view(&x->heads));
	buf_str(out, STR("\r\n"));
}

/* ---- the carrier: calls and posts ---- */

/* The version this hop speaks; none before it is agreed. */
static struct str
version_of(const struct hop *h)
{
	if (h->state == HOP_PROBE || h->era == ERA_MODERN)
		return MCP_MODERN_VERSION;
	if (h->state == HOP_INIT)
		return (struct str){ NULL, 0 };
	return mcp_version_text(h->version);
}

static void
swap(struct buf *a, struct buf *b)
{
	const struct buf t = *a;

	*a = *b;
	*b = t;
}

/* Takes b->text and b->heads over. */
static struct xch *
outgoing(struct hop *h, enum xch_kind kind)
{
	struct xch *x = xch_new(h, kind);

	if (h->sse != SSE_OPEN) /* it knows no such header */
		x->version = version_of(h);
	swap(&x->body, &h->b->text);
	swap(&x->heads, &h->b->heads);
	return x;
}

static void
http_reach(struct hop *h)
{
	struct xch *x;

	if (h->sse == SSE_NO && !(h->b->sse && h->state == HOP_INIT)) {
		hop_can_talk(h);
		return;
	}
	x = xch_new(h, X_SSE);
	h->sse = SSE_ASKED;
	h->stream = x;
	loop_timer(h->b->loop, &x->t, POST_NS);
	xch_start(x);
}

static void
http_request(struct call *c)
{
	struct xch *x = outgoing(c->hop, X_CALL);

	x->call = c;
	c->x = x;
	if (c->hop->reopening && c->kind == CALL_JUDGE)
		xch_hold(x);
	else
		xch_start(x);
}

static void
http_post(struct hop *h, void (*sent)(struct hop *h, bool good))
{
	struct xch *x = outgoing(h, X_POST);

	x->sent = sent;
	loop_timer(h->b->loop, &x->t, POST_NS);
	xch_start(x);
}

static void
http_forget(struct call *c)
{
	struct xch *x = c->x;

	c->x = NULL;
	if (x != NULL)
		xch_drop(x);
}

static void
open_stream(struct hop *h)
{
	struct xch *x = xch_new(h, X_STREAM);

	x->version = version_of(h);
	h->stream = x;
	xch_start(x);
}

static void
http_opened(struct hop *h)
{
	if (h->sse == SSE_OPEN)
		h->b->sse = true;
	if (h->era == ERA_LEGACY && h->stream == NULL)
		open_stream(h);
}

static void
http_end(struct hop *h, bool polite)
{
	struct back *b = h->b;

	if (h->stream != NULL && h->stream->reading) {
		h->stream->hop = NULL; /* it ends by what it says */
		loop_timer(b->loop, &h->stream->t, 0);
		h->stream = NULL;
	} else if (h->stream != NULL) {
		xch_drop(h->stream);
	}
	if (polite && h->session.n > 0) {
		struct xch *x = outgoing(h, X_DELETE);

		buf_clear(&x->body);
		buf_clear(&x->heads);
		head_line(
		    &x->heads, STR("Mcp-Session-Id: "), buf_view(&h->session));
		loop_timer(b->loop, &x->t, POST_NS);
		xch_start(x);
	}
	for (struct xch *x = b->xchs; x != NULL; x = x->all)
		if (x->hop == h)
			x->hop = NULL; /* it may end, but tells nobody */
}

const struct carrier carrier_http = {
	.reach = http_reach,
	.request = http_request,
	.post = http_post,
	.forget = http_forget,
	.opened = http_opened,
	.end = http_end,
};
