/*
 * front-turn: from the bytes of a body to one typed message.  Strict JSON, one
 * reading of the protocol, then REQUEST, NOTICE or REPLY to the judge of the
 * session's cell.  What does not stand is answered here and told to the judge,
 * so that it is recorded.  The bearer token ends here: a judge sees its digest.
 */
#include "role/front-in.h"

enum {
	TOLD_BURST = 100, /* refusals told to a judge in a second; the rest is
			     only counted, or junk would fill the ledger */
	IN_FLIGHT_STDIO = 1024,
};

/* What every message to a judge says of where it came from. */
struct from {
	unsigned char cred[32];
	unsigned judge;
};

/*
 * Which cell takes a request without a session.  A requestState names the cell
 * that gave it, and so does a task's id; who listens to tasks of many cells is
 * told of those of the first.  The children of a stdio server are a cell's own
 * and remember things, so a principal's calls to one go to one cell; the rest
 * stay here.
 */
static unsigned
cell_for(const struct source *s, const struct from *from, struct jv params)
{
	const struct jv state = jv_get(params, STR("requestState"));
	const struct jv task = jv_get(params, STR("taskId"));
	const size_t at = s->h->where;
	struct jit followed = jit_of(jv_at(params, "notifications/taskIds"));
	uint64_t who = 0;
	struct jv v;

	if (jv_is(state, J_STR))
		return front_cell_of(s->f, jv_str(state));
	if (jv_is(task, J_STR))
		return front_cell_of(s->f, jv_str(task));
	if (jit_next(&followed, NULL, &v) && jv_is(v, J_STR))
		return front_cell_of(s->f, jv_str(v));
	if (at >= 64 * countof(s->f->conf.pipes) ||
	    (s->f->conf.pipes[at / 64] >> at % 64 & 1) == 0)
		return s->f->cell;
	if (s->h->token.n > 0)
		memcpy(&who, from->cred, sizeof(who));
	return (unsigned)(who % s->f->cells);
}

static void
put_from(struct msg *m, struct from *from, const struct source *s,
    enum mcp_era era, uint64_t flags)
{
	const struct front_head *h = s->h;
	const bool legacy = era == MCP_LEGACY;

	from->judge = s->f->cell;
	if (s->c == NULL)
		flags |= MF_STDIO;
	if (h->sse)
		flags |= MF_STREAM;
	msg_set(m, F_WHERE, h->where);
	if (h->token.n > 0) {
		flags |= MF_CRED;
		if (head_digest(h->token, from->cred))
			msg_set_text(
			    m, F_CRED, (struct str){ (char *)from->cred, 32 });
	}
	if (legacy && h->heads.session.n > 0) {
		msg_set_text(m, F_SESSION, h->heads.session);
		from->judge = front_cell_of(s->f, h->heads.session);
	}
	if (h->heads.version.n > 0)
		msg_set_text(m, F_VERSION, h->heads.version);
	msg_set(m, F_FLAGS, flags);
}

/* ---- refusals ---- */

void
turn_refused(struct front *f, const struct front_head *h, unsigned status,
    int code, const char *why)
{
	const uint64_t now = loop_now(f->loop);
	struct msg m = msg_of(MSG_REFUSED);
	unsigned char cred[32];

	if (now - f->told_at > 1000 * FRONT_MS) {
		f->told_at = now;
		f->told_n = 0;
	}
	if (f->told_n++ >= TOLD_BURST)
		return;
	msg_set(&m, F_WHERE, h != NULL ? h->where : 0);
	msg_set(&m, F_STATUS, status);
	msg_set_text(&m, F_TEXT, str_of(why));
	if (code != 0)
		msg_set(&m, F_CODE, (uint64_t)(int64_t)code);
	if (h != NULL && h->token.n > 0 && head_digest(h->token, cred))
		msg_set_text(&m, F_CRED, (struct str){ (char *)cred, 32 });
	(void)!front_send(f, f->cell, &m);
}

static void
refuse(const struct source *s, const struct mcp_fail *fail)
{
	turn_refused(s->f, s->h, fail->status, fail->code, fail->why.text);
	answer_fail(s, fail);
}

static void
refuse_with(const struct source *s, unsigned status, int code, struct jv id,
    const char *why)
{
	struct mcp_fail *fail = &s->f->fail;

	buf_clear(&fail->data);
	fail->status = status;
	fail->code = code;
	fail->id = id;
	note_set(&fail->why, "%s", why);
	refuse(s, fail);
}

/* The judge is not there, or does not read: nothing was done. */
static void
unsent(const struct source *s, struct req *r, enum err e)
{
	if (r == NULL && s->c != NULL && !s->batch) {
		refuse_with(s, 503, MCP_E_BUSY, (struct jv){ NULL, 0 },
		    "too many requests wait");
	} else if (r != NULL) {
		answer_req_fail(s->f, r, 503,
		    e == ERR_GONE ? MCP_E_UPSTREAM : MCP_E_BUSY,
		    e == ERR_GONE ? "the gateway restarts a part of itself"
				  : "the gateway is too busy");
	}
}

static void
wait_for(const struct source *s, const struct req *r)
{
	if (s->c == NULL || s->c->mode != CONN_READ)
		return;
	s->c->mode = CONN_WAIT;
	s->c->deadline = 0;
	/* initialize: the session's id is a header of the answer */
	if (r->kind == REQ_CALL && r->sse && r->method != MCP_INITIALIZE)
		conn_deadline(
		    s->c, r->era == MCP_LEGACY ? FRONT_OPEN_NS : FRONT_BEAT_NS);
}

/* Sends m for r; on failure r is answered and gone. */
static void
send_for(const struct source *s, struct req *r, struct msg *m,
    const struct from *from)
{
	enum err e;

	r->judge = from->judge;
	r->sse = s->h->sse;
	msg_set(m, F_REF, r->ref);
	wait_for(s, r);
	e = front_send(s->f, from->judge, m);
	if (e != OK)
		unsent(s, r, e);
}

/* ---- the three kinds of message ---- */

/* A9, where the sender is one peer for sure; of sessions judges know. */
static bool
id_is_open(const struct source *s, struct jv id)
{
	if (s->c != NULL)
		return false;
	for (const struct req *r = s->f->stdio->reqs; r != NULL; r = r->next)
		if (r->kind == REQ_CALL && jv_same(req_id(r), id))
			return true;
	return false;
}

static bool
may_start(const struct source *s, const struct mcp_in *in)
{
	if (id_is_open(s, in->id))
		refuse_with(s, 400, MCP_E_REQUEST, in->id,
		    "this id is of a request that still waits");
	else if (in->method == MCP_LISTEN && s->c != NULL &&
		 s->f->stream_n >= s->f->conf.streams)
		refuse_with(
		    s, 429, MCP_E_BUSY, in->id, "too many streams are open");
	else if (s->c == NULL && s->f->req_n >= IN_FLIGHT_STDIO)
		refuse_with(
		    s, 429, MCP_E_BUSY, in->id, "too many requests wait");
	else
		return true;
	return false;
}

static void
put_params(struct front *f, struct msg *m, struct jv params)
{
	buf_clear(&f->params);
	mcp_params_canonical(params, &f->params);
	msg_set_text(m, F_PARAMS, buf_view(&f->params));
}

static void
put_optional(struct msg *m, enum msg_field field, struct jv v)
{
	if (!jv_is(v, J_NONE))
		msg_set_tree(m, field, v);
}

static void
put_request(const struct source *s, const struct mcp_in *in, struct msg *m)
{
	struct front *f = s->f;

	msg_set(m, F_ERA, in->era);
	msg_set(m, F_METHOD, in->method);
	msg_set_text(m, F_NAME, in->method_text);
	msg_set_tree(m, F_ID, in->id);
	put_params(f, m, in->params);
	put_optional(m, F_CAPS, in->caps);
	put_optional(m, F_INFO, in->info);
	if (in->log_level.n > 0)
		msg_set_text(m, F_TEXT, in->log_level);
	if (in->version.n > 0)
		msg_set_text(m, F_VERSION, in->version);
	buf_clear(&f->heads);
	if (in->era == MCP_MODERN && s->h->param) {
		front_param_heads(s->raw, &f->heads);
		msg_set_text(m, F_HEADS, buf_view(&f->heads));
	}
}

static void
send_request(const struct source *s, const struct mcp_in *in)
{
	const bool progress = !jv_is(in->token, J_NONE);
	struct msg m = msg_of(MSG_REQUEST);
	struct from from;
	struct req *r;

	if (!may_start(s, in))
		return;
	r = req_new(s->f, s->c, REQ_CALL);
	if (r == NULL) {
		unsent(s, NULL, ERR_LIMIT);
		return;
	}
	r->era = in->era;
	r->method = in->method;
	r->event = s->h->event;
	req_keep(r, in->id, in->token);
	put_from(&m, &from, s, in->era, progress ? MF_PROGRESS : 0);
	if (progress && in->era == MCP_LEGACY)
		msg_set_tree(&m, F_TOKEN, in->token); /* where it is resumed */
	if (in->era == MCP_MODERN)
		from.judge = cell_for(s, &from, in->params);
	put_request(s, in, &m);
	if (buf_end(&s->f->params) != OK || buf_end(&s->f->heads) != OK)
		answer_req_fail(
		    s->f, r, 413, MCP_E_REQUEST, "the message is too large");
	else
		send_for(s, r, &m, &from);
}

/* Notifications and answers: 202 once a judge has taken them. */
static void
send_other(const struct source *s, const struct mcp_in *in)
{
	const bool note = in->kind == MCP_NOTICE;
	struct msg m = msg_of(note ? MSG_NOTICE : MSG_REPLY);
	struct from from;
	struct req *r;

	put_from(&m, &from, s, in->era, 0);
	msg_set(&m, F_ERA, in->era);
	if (note) {
		msg_set(&m, F_METHOD, in->method);
		msg_set_text(&m, F_NAME, in->method_text);
		put_params(s->f, &m, in->params);
	} else {
		if (s->c == NULL)
			stdio_answered(s->f, in->id);
		msg_set_tree(&m, F_ID, in->id);
		put_optional(&m, F_RESULT, in->result);
		put_optional(&m, F_ERROR, in->error);
	}
	if (s->c == NULL || s->batch) { /* nobody reads an answer to it */
		(void)!front_send(s->f, from.judge, &m);
		return;
	}
	r = req_new(s->f, s->c, REQ_NOTICE);
	if (r == NULL) {
		unsent(s, NULL, ERR_LIMIT);
		return;
	}
	r->era = in->era;
	send_for(s, r, &m, &from);
}

static void
turn_one(const struct source *s, struct jv v)
{
	struct mcp_in in = { 0 };

	if (mcp_read_agent(v, &s->h->heads, &in, &s->f->fail) != OK) {
		refuse(s, &s->f->fail);
		return;
	}
	if (s->batch && in.era == MCP_MODERN) {
		refuse_with(s, 400, MCP_E_REQUEST, in.id,
		    "batches are of an older version");
		return;
	}
	if (s->c == NULL) {
		struct stdio *io = s->f->stdio;

		if (in.kind == MCP_REQUEST)
			io->modern = in.era == MCP_MODERN;
		else if (io->modern) /* it says no era of its own */
			in.era = MCP_MODERN;
	}
	if (in.kind == MCP_REQUEST)
		send_request(s, &in);
	else
		send_other(s, &in);
}

/* ---- batches: of 2025-03-26, in a session ---- */

static const struct str batch_version = STR_INIT("2025-03-26");

static bool
batch_may_be(const struct source *s, struct jv v)
{
	const struct mcp_heads *h = &s->h->heads;
	struct jit it = jit_of(v);
	struct jv one;

	if (s->c == NULL ? s->f->stdio->modern : h->session.n == 0)
		return false;
	if (jv_count(v) == 0 || jv_count(v) > FRONT_BATCH ||
	    !(h->version.n == 0 || str_eq(h->version, batch_version)))
		return false;
	while (jit_next(&it, NULL, &one))
		if (str_eq(
			jv_str(jv_get(one, STR("method"))), STR("initialize")))
			return false;
	return true;
}

static bool
has_request(struct jv v)
{
	struct jit it = jit_of(v);
	struct jv one;

	while (jit_next(&it, NULL, &one))
		if (!jv_is(jv_get(one, STR("method")), J_NONE) &&
		    !jv_is(jv_get(one, STR("id")), J_NONE))
			return true;
	return false;
}

/* Each element for itself, its answers as events of one stream.  The version
 * is said outright: a judge compares it with what the session agreed on. */
static void
turn_batch(const struct source *s, struct jv v)
{
	struct front_head h = *s->h;
	struct source one = *s;
	struct jit it = jit_of(v);
	struct conn *c = s->c;
	struct jv e;

	h.heads.version = batch_version;
	one.h = &h;
	one.batch = true;
	if (c == NULL) { /* on a pipe answers are messages like any other */
		while (jit_next(&it, NULL, &e))
			turn_one(&one, e);
		return;
	}
	c->batch = true;
	if (has_request(v)) {
		answer_stream_begin(c, (struct str){ NULL, 0 });
		conn_push(c, buf_view(&s->f->out));
	}
	while (!c->dead && jit_next(&it, NULL, &e))
		turn_one(&one, e);
	if (c->dead || c->reqs != NULL)
		return;
	if (c->mode == CONN_STREAM)
		answer_stream_end(c, 0);
	else
		answer_empty(c, 202);
}

/* ---- /v1/events ---- */

/* A statement is a call of the gateway's own tool, so it is admitted, decided
 * and recorded like one; of the session that it names, or of none. */
static void
turn_event(const struct source *s, struct jv v)
{
	struct front_head h = *s->h;
	struct source one = *s;
	struct buf id = { .max = 64 }, params = { .max = v.n + 128 };
	struct mcp_in in = { .kind = MCP_REQUEST,
		.era = h.heads.session.n > 0 ? MCP_LEGACY : MCP_MODERN,
		.method = MCP_TOOLS_CALL,
		.method_text = mcp_row(MCP_TOOLS_CALL)->text };

	if (!jv_is(v, J_OBJ)) {
		refuse_with(s, 400, MCP_E_PARAMS, (struct jv){ NULL, 0 },
		    "an event is an object with input, plan or both");
		return;
	}
	h.sse = h.param = false;
	one.h = &h;
	event_call(s->f->ref_last, v, &id, &params);
	in.id = jv_of(buf_view(&id));
	in.params = jv_of(buf_view(&params));
	send_request(&one, &in);
	buf_done(&id);
	buf_done(&params);
}

/* ---- what comes in ---- */

void
turn_post(const struct source *s, struct str body)
{
	struct front *f = s->f;
	struct note why = { "" };
	enum err e;
	struct jv v;

	buf_clear(&f->tape);
	e = json_parse(body, &f->conf.json, &f->tape, &why);
	if (e == OK)
		e = buf_end(&f->tape);
	if (e != OK) {
		refuse_with(s, 400, MCP_E_PARSE, (struct jv){ NULL, 0 },
		    why.text[0] != '\0' ? why.text : "the body is no JSON");
		return;
	}
	v = jv_of(buf_view(&f->tape));
	if (s->h->event)
		turn_event(s, v);
	else if (mcp_is_batch(v) && batch_may_be(s, v))
		turn_batch(s, v);
	else
		turn_one(s, v);
	if (f->tape.cap > 4 * FRONT_READ)
		buf_done(&f->tape);
	if (f->params.cap > 4 * FRONT_READ)
		buf_done(&f->params);
}

void
turn_line(struct front *f, struct str line)
{
	const struct source s = { .f = f, .h = &f->stdio->head };

	turn_post(&s, line);
}

static void
turn_session(const struct source *s, enum msg_kind kind, enum req_kind what)
{
	struct msg m = msg_of(kind);
	struct from from;
	struct req *r = req_new(s->f, s->c, what);

	if (r == NULL) {
		unsent(s, NULL, ERR_LIMIT);
		return;
	}
	put_from(&m, &from, s, MCP_LEGACY, 0);
	if (kind == MSG_STREAM && s->h->last_event.n > 0)
		msg_set_text(&m, F_EVENT, s->h->last_event);
	send_for(s, r, &m, &from);
}

void
turn_stream(const struct source *s)
{
	static const struct front_no full = { 429, 0,
		"too many streams are open" };

	if (s->f->stream_n >= s->f->conf.streams)
		answer_no(s->c, &full);
	else
		turn_session(s, MSG_STREAM, REQ_STREAM);
}

void
turn_close(const struct source *s)
{
	turn_session(s, MSG_CLOSE, REQ_CLOSE);
}

void
turn_no_answer(struct front *f, struct jv id)
{
	const struct source s = { .f = f, .h = &f->stdio->head };
	struct msg m = msg_of(MSG_REPLY);
	struct buf error = { .max = 256 };
	struct from from;
	size_t mark;

	mark = tape_obj(&error);
	tape_key(&error, STR("code"));
	tape_i64(&error, MCP_E_INTERNAL);
	tape_key(&error, STR("message"));
	tape_str(&error, STR("the agent does not answer any more"));
	tape_end(&error, mark, 2);
	put_from(&m, &from, &s, MCP_LEGACY, 0);
	msg_set(&m, F_ERA, MCP_LEGACY);
	msg_set_tree(&m, F_ID, id);
	msg_set_tree(&m, F_ERROR, jv_of(buf_view(&error)));
	(void)!front_send(f, from.judge, &m);
	buf_done(&error);
}

void
turn_eof(struct front *f)
{
	const struct source s = { .f = f, .h = &f->stdio->head };

	turn_session(&s, MSG_CLOSE, REQ_CLOSE);
}
