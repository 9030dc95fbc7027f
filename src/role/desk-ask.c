/*
 * desk-ask.c: other enforcement points ask for decisions (AuthZEN).  A
 * request's bytes become one typed message to a judge; a judge's message
 * becomes the answer.  Promises that nothing is decided here, not even who may
 * ask; that of a token only its digest leaves; and that a request gets the
 * answer of the judge that it was put to, or none.
 */
#include "role/desk-in.h"

#include "role/head.h"

enum { TREE_MAX = 20 << 20 }; /* fits a message, with all that is beside it */
static const uint64_t answer_ns = UINT64_C(10) * 1000000000;

static uint64_t
limit(const char *name, uint64_t otherwise)
{
	const struct jv limits = jv_get(desk.env->image, STR("limits"));
	int64_t v;

	if (jv_i64(jv_get(limits, str_of(name)), &v) != OK || v <= 0)
		return otherwise;
	return (uint64_t)v;
}

/* ---- judges ---- */

/* An enforcement point always asks the same cell: its rate is one number, and
 * what it asked is one log. */
static unsigned
cell_of(const struct conn *c)
{
	uint64_t who;

	memcpy(&who, c->cred, sizeof(who));
	return (unsigned)(who % (desk.env->cells == 0 ? 1 : desk.env->cells));
}

static void
answer(struct conn *c, const struct msg *m)
{
	const unsigned status = (unsigned)msg_num(m, F_STATUS);
	struct buf body = { .max = DESK_OUT };
	char words[256];

	if (status != 0) {
		(void)snprintf(
		    words, sizeof(words), "%.*s", STR_ARG(msg_text(m, F_TEXT)));
		conn_refuse(c, status, words);
		return;
	}
	json_write(msg_tree(m, F_RESULT), &body);
	if (buf_end(&body) == OK)
		conn_answer(c, 200, "application/json", buf_view(&body), "");
	else
		conn_refuse(c, 503, "the answer is too large");
	buf_done(&body);
}

static void
got(struct chan *ch, const struct msg *m)
{
	struct conn *c = conn_asked(msg_num(m, F_REF));

	if (c == NULL || !c->posting || desk.judge[c->cell] != ch)
		return;
	c->asked = 0;
	answer(c, m);
}

static void
lost(struct chan *ch)
{
	const unsigned cell = chan_peer_instance(ch);

	if (desk.judge[cell] == ch)
		desk.judge[cell] = NULL;
	chan_free(ch);
	for (size_t i = 0; i < DESK_CONNS; i++) {
		struct conn *c = &desk.conn[i];

		if (c->w.fd >= 0 && c->posting && c->asked != 0 &&
		    c->cell == cell)
			ask_late(c);
	}
}

void
ask_link(struct role_env *e, enum role_id peer, unsigned instance,
    struct chan_fds *fds)
{
	static const struct chan_ops ops = { .got = got, .lost = lost };

	if (peer != ROLE_JUDGE || instance >= DESK_CELLS) {
		chan_fds_done(fds);
		return;
	}
	if (desk.judge[instance] != NULL) /* its end was not seen yet */
		lost(desk.judge[instance]);
	desk.judge[instance] =
	    chan_new(e->loop, fds, ROLE_DESK, peer, instance, &ops, NULL);
}

void
ask_late(struct conn *c)
{
	c->asked = 0;
	conn_refuse(c, 503, "no decision came in time");
}

/* ---- a request ---- */

/* All of it is there. */
static void
ask(struct conn *c)
{
	const struct json_limits lim = { limit("depth", json_default.depth),
		limit("members", json_default.members),
		limit("string", json_default.string) };
	struct buf tape = { .max = TREE_MAX };
	struct msg m = msg_of(MSG_ASK);
	struct note why = { "the body is no JSON" };
	struct chan *judge = desk.judge[c->cell];

	if (json_parse(buf_view(&c->body), &lim, &tape, &why) != OK) {
		count(CNT_EVALUATIONS_REFUSED);
		conn_refuse(c, 400, why.text);
		buf_done(&tape);
		return;
	}
	buf_done(&c->body);
	c->asked = ++desk.ref;
	msg_set(&m, F_REF, c->asked);
	msg_set(&m, F_FLAGS, c->page == PAGE_EVALUATIONS ? MF_MANY : 0);
	msg_set_text(&m, F_CRED, (struct str){ (char *)c->cred, 32 });
	if (c->id[0] != '\0')
		msg_set_text(&m, F_TEXT, str_of(c->id));
	msg_set_tree(&m, F_PARAMS, jv_of(buf_view(&tape)));
	loop_timer(desk.env->loop, &c->late, answer_ns);
	if (judge == NULL || chan_send(judge, &m) != OK)
		ask_late(c);
	buf_done(&tape);
}

void
ask_feed(struct conn *c)
{
	enum err e = ERR_MORE;
	size_t used = 1;

	while (e == ERR_MORE && used > 0) {
		struct str data = { NULL, 0 };

		used = 0;
		e = http_body_read(&c->reading, buf_view(&c->in), &used, &data);
		buf_str(&c->body, data);
		buf_drop(&c->in, used);
		if (e == ERR_MORE && c->in.n == 0)
			return;
	}
	if (e == OK && buf_end(&c->body) == OK) {
		ask(c);
	} else if (e != ERR_MORE) {
		count(CNT_EVALUATIONS_REFUSED);
		conn_refuse(c, e == ERR_SYNTAX ? 400 : 413,
		    e == ERR_SYNTAX ? "the body is malformed"
				    : "the body is too large");
	}
}

/* What a head must be before its body is looked at; 0, or the status. */
static unsigned
check(struct conn *c, const struct http_head *h, const char **why)
{
	struct str token;
	unsigned status = head_bearer(h, &token, why);

	if (status == 0 && token.n == 0) {
		*why = "an enforcement point shows its token: "
		       "Authorization: Bearer ...";
		status = 401;
	}
	if (status == 0 && !head_digest(token, c->cred)) {
		*why = "SHA-256 failed";
		status = 500;
	}
	if (status == 0 && !head_is_json(h, why))
		status = 400; /* as the specification has it */
	if (status == 0 && h->length != (uint64_t)HTTP_CHUNKED &&
	    h->length > c->body.max) {
		*why = "the body is too large";
		status = 413;
	}
	return status;
}

void
ask_begin(struct conn *c, const struct http_head *h)
{
	const char *why = "";
	unsigned status;

	c->body = (struct buf){ .max = limit("body", 4 << 20) };
	status = check(c, h, &why);
	if (status != 0) {
		count(CNT_EVALUATIONS_REFUSED);
		conn_refuse(c, status, why);
		return;
	}
	c->cell = cell_of(c);
	c->reading = http_body_of(h, c->body.max);
	c->posting = true;
	if (h->expect) {
		buf_str(&c->out, STR("HTTP/1.1 100 Continue\r\n\r\n"));
		conn_write(c);
	}
}
