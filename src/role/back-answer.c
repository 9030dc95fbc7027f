/*
 * back-answer.c: what an upstream makes of an HTTP request of ours: JSON, an
 * event stream, a bare status, silence.  A legacy stream that ends too early is
 * resumed; a tool call is never sent twice once a byte of it left.
 */
#include "role/back-in.h"

/* ---- the answer ---- */

static enum ctype
ctype_of(const struct http_head *h)
{
	bool many = false;
	struct str s = http_get(h, STR("content-type"), &many);

	s = str_trim(str_sub(s, 0, str_find(s, ';')));
	if (many)
		return CT_OTHER;
	if (s.n == 0)
		return CT_NONE;
	return str_ieq(s, STR("application/json"))    ? CT_JSON
	       : str_ieq(s, STR("text/event-stream")) ? CT_EVENTS
						      : CT_OTHER;
}

static bool
visible(struct str s, char least)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < least || s.p[i] > 0x7e)
			return false;
	return s.n > 0;
}

/* The session's name comes with the answer to initialize, and only there. */
static enum err
take_session(struct xch *x, const struct http_head *h, struct note *why)
{
	bool many = false;
	const struct str s = http_get(h, STR("mcp-session-id"), &many);

	if (x->call == NULL || x->call->kind != CALL_INIT || x->hop == NULL)
		return OK;
	if (many || s.n > SESSION_MAX || (s.n > 0 && !visible(s, 0x21))) {
		note_set(why, "its session id is malformed");
		return ERR_SYNTAX;
	}
	buf_clear(&x->hop->session);
	buf_str(&x->hop->session, s);
	x->hop->session_n++;
	return OK;
}

NODISCARD enum err
xch_head(struct xch *x, const struct http_head *h, struct note *why)
{
	bool many = false;
	const struct str coding = http_get(h, STR("content-encoding"), &many);

	x->status = h->status;
	x->ctype = ctype_of(h);
	if (many || (coding.n > 0 && !str_ieq(coding, STR("identity")))) {
		note_set(why, "it encoded its answer, which nobody asked for");
		return ERR_SYNTAX;
	}
	if (x->ctype == CT_EVENTS && x->status == 200) {
		sse_init(&x->sse, x->b->answer_max);
		x->sse_on = true;
	}
	return take_session(x, h, why);
}

static uint64_t
clamp(uint64_t v, uint64_t least, uint64_t most)
{
	return v < least ? least : v > most ? most : v;
}

static void
event(void *arg, const struct sse_event *e)
{
	struct xch *x = arg;

	if (x->broken)
		return;
	if (e->has_id) {
		/* An id that cannot stand in a header cannot be resumed. */
		buf_clear(&x->last_event);
		if (e->id.n <= EVENT_ID_MAX && visible(e->id, 0x20))
			buf_str(&x->last_event, e->id);
		x->news = true;
	}
	if (e->retry != UINT64_MAX)
		x->retry_ms = clamp(e->retry, RETRY_MIN_MS, RETRY_MAX_MS);
	if (e->has_id && e->data.n == 0 && x->kind == X_CALL && !x->primed) {
		x->primed = true;
		tell_stream(x->call, 0, x->retry_ms);
	}
	if (!e->has_data || e->data.n == 0 || x->answered || x->hop == NULL)
		return;
	if (x->kind == X_SSE && str_eq(e->event, STR("endpoint"))) {
		sse_named(x, e->data);
		return;
	}
	if (e->event.n > 0 && !str_eq(e->event, STR("message")))
		return;
	x->news = true;
	if (hear(x->b, x->hop, x->call, NULL, e->data, &x->why) != OK)
		x->broken = true;
	if (x->answered) /* the stream should end now by itself */
		loop_timer(x->b->loop, &x->t, 2 * SECOND);
}

static enum err
json_data(struct xch *x, struct str s, bool last, struct note *why)
{
	struct str all = s;

	if (!last || x->got.n > 0) {
		buf_str(&x->got, s);
		all = buf_view(&x->got);
	}
	if (buf_end(&x->got) != OK) {
		note_set(why, "its answer is over the limit");
		return ERR_LIMIT;
	}
	if (!last || x->call == NULL || x->hop == NULL)
		return OK;
	if (x->status == 404 && x->session_sent)
		return OK; /* the session is gone, whatever it says */
	if (hear(x->b, x->hop, x->call, NULL, all, &x->why) != OK &&
	    x->status < 300)
		x->broken = true; /* an error page need not be JSON */
	return OK;
}

NODISCARD enum err
xch_data(struct xch *x, struct str s, bool last, struct note *why)
{
	if (x->sse_on) {
		enum err e;

		x->reading = true;
		e = sse_read(&x->sse, s, event, x);
		x->reading = false;
		if (e != OK) {
			note_set(why, "an event over the limit");
			return ERR_LIMIT;
		}
	} else if (x->ctype == CT_JSON) {
		TRY(json_data(x, s, last, why));
	}
	if (x->broken) {
		*why = x->why;
		return ERR_SYNTAX;
	}
	return OK;
}

/* ---- what it meant ---- */

/* Sending twice must do nothing twice: lists, reads and our own requests. */
static bool
repeatable(const struct xch *x)
{
	const struct call *c = x->call;

	if (x->kind == X_POST)
		return false;
	if (c == NULL || c->kind != CALL_JUDGE)
		return true;
	return (mcp_row(c->method)->flags & (M_LIST | M_CACHE)) != 0 ||
	       c->method == MCP_PROMPTS_GET || c->method == MCP_COMPLETE;
}

bool
xch_may_repeat(const struct xch *x, bool touched)
{
	return !x->began && !x->answered && !x->retried &&
	       (!touched || repeatable(x));
}

/* Try again a little later; false: tried often enough. */
static bool
try_later(struct xch *x)
{
	uint64_t ms = x->retry_ms;

	x->tries = x->news ? 1 : x->tries + 1;
	x->news = false;
	if (x->tries > RESUMES_MAX)
		return false;
	for (unsigned i = 1; i < x->tries && ms < RETRY_MAX_MS; i++)
		ms *= 2;
	x->waiting = true;
	loop_timer(
	    x->b->loop, &x->t, clamp(ms, RETRY_MIN_MS, RETRY_MAX_MS) * MS);
	return true;
}

/* A legacy answer's stream ended early, but can be asked for again. */
static bool
resume(struct xch *x)
{
	if (!x->sse_on && x->kind != X_RESUME)
		return false;
	if (x->hop->era != ERA_LEGACY || x->hop->state != HOP_UP ||
	    x->last_event.n == 0 || x->broken ||
	    (x->status != 200 && x->status != 0 && x->status < 500))
		return false;
	x->kind = X_RESUME;
	buf_clear(&x->body); /* a GET has none: its bytes would be a request */
	return try_later(x);
}

/* Why there is no answer, in words for people. */
static void
fail_words(const struct xch *x, enum err e, const char *why, struct note *out)
{
	if (x->broken || e != OK)
		note_set(out, "the upstream's answer was refused: %s",
		    x->broken ? x->why.text : why);
	else if (x->status == 401 || x->status == 403)
		note_set(out, "the upstream refused our credential (HTTP %u)",
		    x->status);
	else if (x->status >= 300)
		note_set(out, "the upstream answered HTTP %u", x->status);
	else if (x->ctype == CT_OTHER)
		note_set(out, "the upstream answered with neither JSON nor "
			      "events");
	else
		note_set(out, "the upstream ended without an answer");
}

/* 404 to a session: what may be repeated waits for the next session. */
static void
session_gone(struct xch *x)
{
	struct hop *h = x->hop;
	const bool old = x->session_n != h->session_n; /* of an earlier one */

	if (x->retried || !repeatable(x)) {
		call_fail(x->call, 502,
		    "the upstream had lost its session; it is being opened "
		    "again; the call was not repeated");
	} else {
		x->retried = true;
		xch_hold(x);
	}
	if (!old)
		hop_session_gone(h);
	else if (!h->reopening)
		hop_release(h);
}

static void
call_end(struct xch *x, enum err e, const char *why)
{
	struct call *c = x->call;
	struct hop *h = x->hop;
	struct note words;

	if (c == NULL) {
		xch_free(x);
		return;
	}
	if (x->status == 404 && x->session_sent && h->state >= HOP_INIT) {
		session_gone(x);
		return;
	}
	if (sse_begins(x, e) || sse_posted(x, e))
		return;
	if (resume(x)) {
		if (x->primed)
			tell_stream(c, MF_FINAL, x->retry_ms);
		return;
	}
	fail_words(x, e, why, &words);
	x->call = NULL;
	c->x = NULL;
	xch_free(x);
	call_fail(c, 502, "%s", words.text);
}

static void
post_end(struct xch *x, enum err e)
{
	void (*sent)(struct hop * h, bool good) = x->sent;
	struct hop *h = x->hop;
	const bool good = e == OK && x->status >= 200 && x->status < 300;
	const bool gone = x->status == 404 && x->session_sent && h != NULL &&
			  x->session_n == h->session_n;

	xch_free(x);
	if (h == NULL)
		return;
	if (sent != NULL)
		sent(h, good);
	else if (gone)
		hop_session_gone(h);
}

/* The session's own stream: opened again while the upstream offers one. */
static void
stream_end(struct xch *x)
{
	if (x->hop == NULL || x->status != 200 || !x->sse_on || !try_later(x))
		xch_free(x);
}

void
xch_end(struct xch *x, enum err e, const char *why)
{
	switch (x->kind) {
	case X_CALL:
	case X_RESUME:
		call_end(x, e, why);
		break;
	case X_POST:
		post_end(x, e);
		break;
	case X_STREAM:
		stream_end(x);
		break;
	case X_SSE:
		sse_ended(x, why);
		break;
	case X_DELETE:
		xch_free(x);
		break;
	}
}

void
xch_unreached(struct xch *x, const char *why)
{
	struct call *c = x->call;

	if (c == NULL) {
		xch_end(x, ERR_GONE, why);
		return;
	}
	if (x->kind == X_RESUME && resume(x))
		return;
	x->call = NULL;
	c->x = NULL;
	xch_free(x);
	call_fail(c, 503, "the upstream cannot be reached: %s", why);
}
