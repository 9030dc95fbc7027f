/*
 * back-hear.c: one message of an upstream: parsed, checked against its era and
 * passed on as typed fields.  What does not belong to anything we asked or
 * opened is dropped here; what breaks the protocol is its sender's failure.
 */
#include "role/back-in.h"

static const struct jv none = { NULL, 0 };

/* params as the judge gets them: without the token, and without the _meta keys
 * that are only this hop's. */
static struct jv
params_up(struct back *b, struct jv params)
{
	const struct str token = STR("progressToken");
	struct jit it = jit_of(params);
	struct str key;
	struct jv v;
	size_t mark, n = 0;

	if (!jv_is(params, J_OBJ))
		return none;
	if (jv_is(jv_get(params, token), J_NONE) &&
	    jv_is(jv_get(params, STR("_meta")), J_NONE))
		return params;
	buf_clear(&b->text);
	mark = tape_obj(&b->text);
	while (jit_next(&it, &key, &v)) {
		if (str_eq(key, token))
			continue;
		tape_key(&b->text, key);
		tape_copy(&b->text, v);
		n++;
	}
	tape_end(&b->text, mark, n);
	buf_clear(&b->params);
	mcp_params_canonical(jv_of(buf_view(&b->text)), &b->params);
	return buf_end(&b->params) == OK ? jv_of(buf_view(&b->params)) : none;
}

/* Nobody will answer this request: its sender is told. */
static void
too_many(struct back *b, struct hop *h, const struct mcp_in *in)
{
	buf_clear(&b->params);
	mcp_error_tape(&b->params, MCP_E_BUSY, STR("too many requests"), none);
	buf_clear(&b->heads);
	buf_clear(&b->text);
	mcp_write_error(&b->text, in->id, jv_of(buf_view(&b->params)));
	b->by->post(h, NULL);
}

static void
tell_event(struct back *b, struct hop *h, const struct call *c,
    const struct mcp_in *in, bool request)
{
	struct msg m = msg_of(MSG_UP_EVENT);

	if (h->state != HOP_UP && h->state != HOP_TOLD)
		return; /* nobody could have asked for it yet */
	if (!back_event_ok(b)) {
		if (request)
			too_many(b, h, in);
		return;
	}
	msg_set(&m, F_HOP, h->num);
	msg_set_text(&m, F_NAME, in->method_text);
	if (c != NULL && c->kind == CALL_JUDGE)
		msg_set(&m, F_CALL, c->num);
	msg_set_tree(&m, F_PARAMS, params_up(b, in->params));
	if (request) {
		msg_set(&m, F_FLAGS, MF_REQUEST);
		msg_set_tree(&m, F_ID, in->id);
	}
	back_tell(b, &m);
}

/* ---- replies ---- */

static enum err
hear_reply(struct back *b, const struct hop *h, struct call *c, struct kid *k,
    const struct mcp_in *in, struct note *why)
{
	const bool nameless = !jv_is(in->id, J_NUM) && !jv_is(in->id, J_STR);

	if (k != NULL) {
		c = nameless ? call_alone(b, k) : call_by_id(b, in->id);
		if (c == NULL || c->kid != k)
			return OK; /* late: nobody waits for it any more */
	} else if (c == NULL && h != NULL && h->sse == SSE_OPEN) {
		c = call_by_id(b, in->id);
		if (c == NULL || c->hop != h)
			return OK; /* late */
	} else if (c == NULL) {
		return OK; /* a stream carries no answers */
	} else if (!nameless && call_by_id(b, in->id) != c) {
		note_set(why, "an answer to something else");
		return ERR_SYNTAX;
	}
	call_answer(c, in);
	return OK;
}

/* ---- requests ---- */

static enum err
hear_request(struct back *b, struct hop *h, struct call *c,
    const struct mcp_in *in, struct note *why)
{
	if (h == NULL || h->era == ERA_MODERN) {
		note_set(why, "servers do not ask in this era");
		return ERR_SYNTAX;
	}
	if (in->method != MCP_PING) {
		tell_event(b, h, c, in, true);
		return OK;
	}
	buf_clear(&b->params);
	tape_end(&b->params, tape_obj(&b->params), 0);
	buf_clear(&b->heads);
	buf_clear(&b->text);
	mcp_write_result(&b->text, in->id, jv_of(buf_view(&b->params)));
	b->by->post(h, NULL);
	return OK;
}

/* ---- notifications ---- */

static bool
number(struct jv v, double *out)
{
	const struct str s = jv_str(v);
	char text[64];

	if (!jv_is(v, J_NUM) || s.n >= sizeof(text))
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	*out = strtod(text, NULL);
	return true;
}

/* Only of a call that asked, still runs, and always forward (L15). */
static void
hear_progress(struct back *b, struct hop *h, const struct call *of,
    const struct kid *k, const struct mcp_in *in)
{
	struct call *c;
	int64_t token;
	double at;

	if (jv_i64(in->token, &token) != OK || token <= 0)
		return;
	c = call_by_num(b, (uint64_t)token);
	if (c == NULL || !c->progress || c->kid != k ||
	    (h != NULL && c->hop != h))
		return;
	if (of != NULL && of != c && of->hop->era == ERA_MODERN)
		return; /* this stream is another call's */
	if (!number(jv_get(in->params, STR("progress")), &at) ||
	    (c->progressed && !(at > c->at)))
		return;
	c->progressed = true;
	c->at = at;
	call_progress(c);
	tell_event(b, c->hop, c, in, false);
}

/* Whose it is, where a shared pipe carries everybody's messages. */
static struct call *
call_meant(struct back *b, struct kid *k, const struct mcp_in *in)
{
	struct call *c = call_by_id(b, jv_get(jv_get(in->params, STR("_meta")),
					   STR("io.modelcontextprotocol/"
					       "subscriptionId")));

	if (c == NULL && in->method == MCP_MESSAGE)
		c = call_alone(b, k);
	return c != NULL && c->kid == k ? c : NULL;
}

static enum err
hear_notice(struct back *b, struct hop *h, struct call *c, struct kid *k,
    const struct mcp_in *in, struct note *why)
{
	if (in->method == MCP_PROGRESS) {
		hear_progress(b, h, c, k, in);
		return OK;
	}
	if (in->method == MCP_CANCELLED &&
	    (h == NULL || h->era == ERA_MODERN)) {
		struct call *x =
		    call_by_id(b, jv_get(in->params, STR("requestId")));

		if (k == NULL) {
			note_set(why, "the request was cancelled there");
			return ERR_SYNTAX;
		}
		if (x != NULL && x->kid == k)
			call_fail(x, 502, "the upstream cancelled the request");
		return OK;
	}
	if (k != NULL && h == NULL) {
		c = call_meant(b, k, in);
		if (c == NULL)
			return OK; /* nobody's: it must not reach everybody */
		h = c->hop;
	}
	tell_event(b, h, c, in, false);
	return OK;
}

static enum err
hear_one(struct back *b, struct hop *h, struct call *c, struct kid *k,
    struct jv v, struct note *why)
{
	enum mcp_era era =
	    h == NULL || h->era == ERA_MODERN ? MCP_MODERN : MCP_LEGACY;
	struct mcp_in in;

	TRY(mcp_read_server(v, era, &in, why));
	if (in.kind == MCP_REPLY)
		return hear_reply(b, h, c, k, &in, why);
	if (in.kind == MCP_REQUEST)
		return hear_request(b, h, c, &in, why);
	if (h == NULL && k == NULL)
		return OK;
	return hear_notice(b, h, c, k, &in, why);
}

/* Only 2025-03-26 has batches, and its opening is none. */
static bool
batch_may_be(const struct hop *h, struct jv v)
{
	return mcp_is_batch(v) && h != NULL && h->era == ERA_LEGACY &&
	       h->version == MCP_V_2025_03_26 &&
	       (h->state == HOP_UP || h->state == HOP_TOLD) &&
	       jv_count(v) > 0 && jv_count(v) <= BATCH_MAX;
}

NODISCARD enum err
hear(struct back *b, struct hop *h, struct call *c, struct kid *k,
    struct str json, struct note *why)
{
	struct jit it;
	struct jv v;

	buf_clear(&b->tape);
	if (json_parse(json, &b->lim, &b->tape, why) != OK)
		return ERR_SYNTAX;
	v = jv_of(buf_view(&b->tape));
	if (!batch_may_be(h, v))
		return hear_one(b, h, c, k, v, why);
	it = jit_of(v);
	while (jit_next(&it, NULL, &v)) {
		TRY(hear_one(b, h, c, k, v, why));
		if (c != NULL && !c->live)
			c = NULL; /* answered; the rest is not about it */
	}
	return OK;
}
