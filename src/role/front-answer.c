/*
 * front-answer: what is written to an agent.  A judge's answer becomes one JSON
 * body when it comes first, and the last event of a stream when events came
 * before it.  The id of the request and its progress token are put back here,
 * byte for byte; nothing else an agent sent is ever repeated to it.
 */
#include "role/front-in.h"

/* ---- the head ---- */

static const struct {
	unsigned status;
	const char *text;
} reasons[] = {
	{ 200, "OK" },
	{ 202, "Accepted" },
	{ 204, "No Content" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 406, "Not Acceptable" },
	{ 408, "Request Timeout" },
	{ 409, "Conflict" },
	{ 413, "Content Too Large" },
	{ 415, "Unsupported Media Type" },
	{ 417, "Expectation Failed" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 502, "Bad Gateway" },
	{ 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },
	{ 505, "HTTP Version Not Supported" },
};

static const char *
reason_of(unsigned status)
{
	for (size_t i = 0; i < countof(reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].text;
	return "Unknown";
}

/* What some statuses must say besides. */
static const struct {
	unsigned status;
	struct str line;
} extras[] = {
	{ 401, STR_INIT("WWW-Authenticate: Bearer\r\n") },
	{ 405, STR_INIT("Allow: POST, GET, DELETE\r\n") },
	{ 429, STR_INIT("Retry-After: 1\r\n") },
	{ 503, STR_INIT("Retry-After: 1\r\n") },
};

/* RFC 9110 s.5.6.7, once a second: civil date from days since 1970. */
static struct str
date_text(struct front *f)
{
	static const char days[] = "ThuFriSatSunMonTueWed";
	static const char months[] = "MarAprMayJunJulAugSepOctNovDecJanFeb";
	const uint64_t now = now_wall() / 1000000000;
	const uint64_t s = now % 86400, day = now / 86400;
	const uint64_t z = day + 719468, era = z / 146097, doe = z % 146097;
	const uint64_t yoe =
	    (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	const uint64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	const uint64_t mp = (5 * doy + 2) / 153;
	const uint64_t year = yoe + era * 400 + (mp >= 10);

	if (now != f->date_at)
		(void)snprintf(f->date, sizeof(f->date),
		    "%.3s, %02u %.3s %u %02u:%02u:%02u GMT", days + day % 7 * 3,
		    (unsigned)(doy - (153 * mp + 2) / 5 + 1), months + mp * 3,
		    (unsigned)year, (unsigned)(s / 3600),
		    (unsigned)(s / 60 % 60), (unsigned)(s % 60));
	f->date_at = now;
	return str_of(f->date);
}

static void
put_origin(struct buf *b, const struct conn *c)
{
	struct jit it = jit_of(c->f->conf.origins);
	struct jv v = { NULL, 0 };

	if (c->origin_at == 0)
		return;
	for (unsigned i = 0; i < c->origin_at; i++)
		if (!jit_next(&it, NULL, &v))
			return; /* the list has changed since */
	buf_str(b, STR("Access-Control-Allow-Origin: "));
	buf_str(b, jv_str(v));
	buf_str(b, STR("\r\nVary: Origin\r\nAccess-Control-Expose-Headers: "
		       "Mcp-Session-Id, WWW-Authenticate\r\n"));
}

static void
put_status(struct buf *b, const struct conn *c, unsigned status)
{
	buf_str(b, STR("HTTP/1.1 "));
	buf_dec(b, status);
	buf_ch(b, ' ');
	buf_str(b, str_of(reason_of(status)));
	buf_str(b, STR("\r\nDate: "));
	buf_str(b, date_text(c->f));
	buf_str(b, STR("\r\n"));
	for (size_t i = 0; i < countof(extras); i++)
		if (extras[i].status == status)
			buf_str(b, extras[i].line);
	put_origin(b, c);
	if (c->last || c->f->draining)
		buf_str(b, STR("Connection: close\r\n"));
}

static void
put_session(struct buf *b, struct str session)
{
	for (size_t i = 0; i < session.n; i++)
		if (session.p[i] < 0x21 || session.p[i] > 0x7e)
			return;
	if (session.n == 0)
		return;
	buf_str(b, STR("Mcp-Session-Id: "));
	buf_str(b, session);
	buf_str(b, STR("\r\n"));
}

/* One whole answer, in one write. */
static void
put_answer(struct conn *c, unsigned status, struct str type, struct str body,
    struct str session)
{
	struct buf *b = &c->f->out;

	buf_clear(b);
	put_status(b, c, status);
	put_session(b, session);
	if (type.n > 0) {
		buf_str(b, STR("Content-Type: "));
		buf_str(b, type);
		buf_str(b, STR("\r\n"));
	}
	if (status != 204) {
		buf_str(b, STR("Content-Length: "));
		buf_dec(b, body.n);
		buf_str(b, STR("\r\n"));
	}
	buf_str(b, STR("\r\n"));
	buf_str(b, body);
	if (b->full)
		conn_close(c); /* half an answer is none */
	else
		conn_push(c, buf_view(b));
	if (b->cap > 4 * FRONT_READ)
		buf_done(b);
}

static const struct str json_type = STR_INIT("application/json");
static const struct str none = { NULL, 0 };

void
answer_empty(struct conn *c, unsigned status)
{
	put_answer(c, status, none, none, none);
	conn_answered(c);
}

void
answer_preflight(struct conn *c, const struct http_head *h)
{
	struct buf *b = &c->f->out;

	buf_clear(b);
	put_status(b, c, 204);
	buf_str(b, STR("Access-Control-Allow-Methods: POST, GET, DELETE\r\n"
		       "Access-Control-Max-Age: 600\r\n"
		       "Access-Control-Allow-Headers: "));
	front_allow_headers(h, b);
	buf_str(b, STR("\r\n\r\n"));
	conn_push(c, buf_view(b));
	conn_answered(c);
}

/* ---- errors of our own ---- */

/* The JSON text of an error message, in f->json. */
static struct str
error_text(
    struct front *f, struct jv id, int code, struct str text, struct jv data)
{
	buf_clear(&f->work);
	mcp_error_tape(&f->work, code, text, data);
	buf_clear(&f->json);
	mcp_write_error(&f->json, id, jv_of(buf_view(&f->work)));
	return buf_view(&f->json);
}

void
answer_no(struct conn *c, const struct front_no *no)
{
	struct buf *b = &c->f->json;

	count(CNT_BAD_INPUT);
	if (no->code != 0) {
		(void)error_text(c->f, (struct jv){ NULL, 0 }, no->code,
		    str_of(no->why), (struct jv){ NULL, 0 });
		put_answer(c, no->status, json_type, buf_view(b), none);
	} else {
		buf_clear(b);
		buf_str(b, str_of(no->why));
		buf_ch(b, '\n');
		put_answer(c, no->status, STR("text/plain; charset=utf-8"),
		    buf_view(b), none);
	}
	conn_answered(c);
}

/* ---- events ---- */

void
answer_stream_begin(struct conn *c, struct str session)
{
	struct buf *b = &c->f->out;

	buf_clear(b);
	put_status(b, c, 200);
	put_session(b, session);
	buf_str(b, STR("Content-Type: text/event-stream\r\n"
		       "Cache-Control: no-cache\r\n"
		       "X-Accel-Buffering: no\r\n"
		       "Transfer-Encoding: chunked\r\n\r\n"));
	c->mode = CONN_STREAM;
	c->f->stream_n++;
	conn_deadline(c, FRONT_BEAT_NS);
}

static void
put_chunk(struct buf *b, struct str data)
{
	char size[20];
	const int n = snprintf(size, sizeof(size), "%zx\r\n", data.n);

	buf_put(b, size, (size_t)n);
	buf_str(b, data);
	buf_str(b, STR("\r\n"));
}

static void
push_out(struct conn *c)
{
	struct buf *b = &c->f->out;

	if (b->full)
		conn_close(c);
	else if (b->n > 0)
		conn_push(c, buf_view(b));
	buf_clear(b);
	if (b->cap > 4 * FRONT_READ)
		buf_done(b);
}

static void
put_sse(struct front *f, const struct sse_event *e)
{
	buf_clear(&f->sse);
	sse_write(&f->sse, e);
	if (f->sse.full)
		f->out.full = true;
	put_chunk(&f->out, buf_view(&f->sse));
	if (f->sse.cap > 4 * FRONT_READ)
		buf_done(&f->sse);
}

/* Begins the stream of r if there is none yet, with the event that primes it:
 * an id to come back to, and no message. */
static void
stream_of(struct conn *c, const struct req *r)
{
	const struct sse_event prime = { .id = { r->prime, r->prime_n },
		.retry = r->retry,
		.has_data = true };

	if (c->mode == CONN_STREAM)
		return;
	answer_stream_begin(c, none);
	if (r->prime_n > 0)
		put_sse(c->f, &prime);
}

static void
put_message(
    struct conn *c, const struct req *r, struct str json, struct str event_id)
{
	const struct sse_event e = { .event = STR("message"),
		.data = json,
		.id = event_id,
		.retry = UINT64_MAX,
		.has_data = true };

	buf_clear(&c->f->out);
	if (r != NULL)
		stream_of(c, r);
	put_sse(c->f, &e);
	push_out(c);
	if (!c->dead && c->out.n == 0)
		conn_deadline(c, FRONT_BEAT_NS);
}

void
answer_beat(struct conn *c)
{
	buf_clear(&c->f->out);
	put_chunk(&c->f->out, STR(":\n\n"));
	push_out(c);
}

void
answer_open(struct conn *c)
{
	const struct req *r = c->reqs;

	c->deadline = 0;
	if (r == NULL)
		return;
	buf_clear(&c->f->out);
	stream_of(c, r);
	if (r->prime_n == 0) /* so that the head is followed by something */
		put_chunk(&c->f->out, STR(":\n\n"));
	push_out(c);
}

void
answer_stream_end(struct conn *c, uint64_t retry_ms)
{
	const struct sse_event e = { .retry = retry_ms };

	buf_clear(&c->f->out);
	if (c->mode != CONN_STREAM && !c->dead)
		answer_stream_begin(c, none);
	if (retry_ms > 0)
		put_sse(c->f, &e);
	buf_str(&c->f->out, STR("0\r\n\r\n"));
	push_out(c);
	conn_answered(c);
}

/* ---- one request's answer ---- */

/* Over HTTP: a body, or the stream's next event. */
static void
say(struct conn *c, unsigned status, struct str json, struct str event_id,
    struct str session)
{
	if (c->mode == CONN_STREAM)
		put_message(c, NULL, json, event_id);
	else
		put_answer(
		    c, status, json.n > 0 ? json_type : none, json, session);
}

/* The request has its answer; the connection goes on when all have. */
static void
over(struct front *f, struct req *r)
{
	struct conn *c = r->c;

	if (r->prev == NULL)
		return; /* it died with its connection while we wrote */
	req_free(f, r);
	if (c == NULL || c->reqs != NULL)
		return;
	if (c->feeding && c->batch)
		return; /* more of the batch may come */
	if (c->mode == CONN_STREAM)
		answer_stream_end(c, 0);
	else
		conn_answered(c);
}

void
answer_fail(const struct source *s, const struct mcp_fail *fail)
{
	const struct jv data = jv_of(buf_view(&fail->data));
	struct str json = none;

	count(CNT_BAD_INPUT);
	if (fail->code != 0)
		json = error_text(
		    s->f, fail->id, fail->code, str_of(fail->why.text), data);
	if (s->c == NULL) {
		stdio_line(s->f, json);
		return;
	}
	say(s->c, fail->status, json, none, none);
	if (!s->batch)
		conn_answered(s->c);
}

void
answer_req_fail(
    struct front *f, struct req *r, unsigned status, int code, const char *why)
{
	const struct jv id = req_id(r);
	const struct str json =
	    error_text(f, id, code, str_of(why), (struct jv){ NULL, 0 });

	if (r->c != NULL)
		say(r->c, status, json, none, none);
	else if (r->kind == REQ_CALL)
		stdio_line(f, json);
	over(f, r);
}

/* The JSON text of an ANSWER, in f->json; empty when it has no body. */
static struct str
answer_text(struct front *f, const struct req *r, const struct msg *m)
{
	const struct jv own = msg_tree(m, F_ID);
	const struct jv id = jv_is(own, J_NONE) ? req_id(r) : own;
	const enum mcp_method method =
	    msg_has(m, F_METHOD) ? (enum mcp_method)msg_num(m, F_METHOD)
				 : r->method;

	buf_clear(&f->json);
	buf_clear(&f->work);
	if (msg_has(m, F_ERROR)) {
		mcp_error_for(r->era, method, msg_tree(m, F_ERROR), &f->work);
		mcp_write_error(&f->json, id, jv_of(buf_view(&f->work)));
	} else if (msg_has(m, F_RESULT)) {
		mcp_result_for(r->era, method, msg_tree(m, F_RESULT), &f->work);
		mcp_write_result(&f->json, id, jv_of(buf_view(&f->work)));
	}
	if (f->json.full || f->work.full) /* larger than can be written */
		return error_text(f, id, MCP_E_INTERNAL,
		    STR("the answer is too large"), (struct jv){ NULL, 0 });
	return buf_view(&f->json);
}

static unsigned
answer_status(const struct req *r, const struct msg *m)
{
	int64_t code;

	if (msg_has(m, F_STATUS)) {
		const uint64_t s = msg_num(m, F_STATUS);

		return s >= 200 && s <= 599 ? (unsigned)s : 500;
	}
	if (msg_has(m, F_ERROR) &&
	    jv_i64(jv_get(msg_tree(m, F_ERROR), STR("code")), &code) == OK &&
	    code >= INT32_MIN && code <= INT32_MAX)
		return mcp_error_status(r->era, (int)code);
	return 200;
}

static void
got_answer(struct front *f, const struct msg *m, struct req *r)
{
	struct conn *c = r->c;
	struct str json;
	unsigned status;

	if (r->event)
		r->era = MCP_MODERN; /* whose errors have statuses */
	status = answer_status(r, m);
	json = r->event ? event_text(f, m, &status) : answer_text(f, r, m);
	if (c == NULL) {
		if (r->kind == REQ_CALL && json.n > 0)
			stdio_line(f, json);
		over(f, r);
		return;
	}
	say(c, status, json, msg_text(m, F_EVENT), msg_text(m, F_SESSION));
	/* a session's own stream outlives an answer that was sent on it */
	if (r->kind != REQ_STREAM || c->mode != CONN_STREAM ||
	    (msg_num(m, F_FLAGS) & MF_FINAL) != 0)
		over(f, r);
}

/* Progress carries the token of the agent that waits, in front. */
static struct jv
with_token(struct front *f, const struct req *r, struct jv params)
{
	struct jit it = jit_of(params);
	struct str key;
	struct jv v;
	size_t n = 1, mark;

	buf_clear(&f->work);
	mark = tape_obj(&f->work);
	tape_key(&f->work, STR("progressToken"));
	tape_copy(&f->work, req_token(r));
	while (jit_next(&it, &key, &v)) {
		if (str_eq(key, STR("progressToken")))
			continue;
		tape_key(&f->work, key);
		tape_copy(&f->work, v);
		n++;
	}
	tape_end(&f->work, mark, n);
	return jv_of(buf_view(&f->work));
}

static void
got_event(struct front *f, const struct msg *m, struct req *r)
{
	const bool ask = (msg_num(m, F_FLAGS) & MF_REQUEST) != 0;
	const struct str name = msg_text(m, F_NAME);
	const struct jv id = ask ? msg_tree(m, F_ID) : (struct jv){ NULL, 0 };
	struct jv params = msg_tree(m, F_PARAMS);

	if (r != NULL && str_eq(name, STR("notifications/progress"))) {
		/* A stream taken up again is of a call that it never saw: its
		 * judge knows the token. */
		if (r->token_n > 0)
			params = with_token(f, r, params);
		else if (r->kind != REQ_STREAM ||
			 jv_is(jv_get(params, STR("progressToken")), J_NONE))
			return; /* nobody asked for it */
	}
	if (r != NULL && r->c != NULL && !r->sse && !ask)
		return; /* it reads one JSON answer, nothing else */
	if (ask && (r == NULL || r->c == NULL) && !stdio_asked(f, id)) {
		turn_no_answer(f, id);
		return;
	}
	buf_clear(&f->json);
	mcp_write_request(&f->json, id, name, params);
	if (f->json.full)
		return;
	if (r == NULL || r->c == NULL)
		stdio_line(f, buf_view(&f->json));
	else
		put_message(r->c, r, buf_view(&f->json), msg_text(m, F_EVENT));
}

/* 202; or a session's stream is open; or a request may become one, and this is
 * how it would begin. */
static void
got_accepted(struct front *f, const struct msg *m, struct req *r)
{
	const struct str id = msg_text(m, F_EVENT);
	struct conn *c = r->c;

	if (r->kind == REQ_NOTICE || r->kind == REQ_CLOSE) {
		if (c != NULL && c->mode != CONN_STREAM)
			put_answer(c,
			    msg_has(m, F_STATUS) ? answer_status(r, m) : 202,
			    none, none, none);
		over(f, r);
		return;
	}
	if (c == NULL || c->mode == CONN_STREAM)
		return;
	r->retry = msg_num(m, F_TIME);
	r->prime_n = id.n <= sizeof(r->prime) ? (uint16_t)id.n : 0;
	if (r->prime_n > 0)
		memcpy(r->prime, id.p, id.n);
	if (r->kind == REQ_STREAM ||
	    ((msg_num(m, F_FLAGS) & MF_STREAM) != 0 && r->sse))
		answer_open(c);
}

static void
got_end(struct front *f, const struct msg *m, struct req *r)
{
	struct conn *c = r->c;

	req_free(f, r);
	if (c != NULL && c->reqs == NULL)
		answer_stream_end(c, msg_num(m, F_TIME));
}

void
answer_got(struct front *f, const struct msg *m, struct req *r)
{
	if (r == NULL && !(f->stdio != NULL && m->kind == MSG_EVENT))
		return; /* its agent has gone */
	if (m->kind == MSG_ANSWER)
		got_answer(f, m, r);
	else if (m->kind == MSG_EVENT)
		got_event(f, m, r);
	else if (m->kind == MSG_ACCEPTED)
		got_accepted(f, m, r);
	else if (m->kind == MSG_END)
		got_end(f, m, r);
	if (f->json.cap > 4 * FRONT_READ)
		buf_done(&f->json);
	if (f->work.cap > 4 * FRONT_READ)
		buf_done(&f->work);
}
