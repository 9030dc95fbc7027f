/*
 * test-in: what the tests of the line share.  The peers are here: messages out
 * are kept, and the ledger, the keys and the backs answer when a test lets
 * them.
 */
#ifndef LINE_TEST_IN_H
#define LINE_TEST_IN_H

#include "line/line-in.h"

#include "base/tap.h"

enum { OUT_MAX = 1024 };
static struct out {
	char to; /* f b l k */
	unsigned who;
	struct str bytes;
	struct msg m;
} outs[OUT_MAX];
static size_t outs_n;
static uint64_t clock_ns = 1000000000;
static bool back_here = true;

static inline enum err
keep_out(char to, unsigned who, const struct msg *m, enum role_id from,
    enum role_id peer)
{
	struct buf b = { .max = 1 << 22 };
	struct out *o = &outs[outs_n];
	struct note why = { "" };

	BUG_ON(outs_n == OUT_MAX);
	msg_encode(m, &b);
	o->to = to;
	o->who = who;
	o->bytes = str_keep(buf_view(&b));
	buf_done(&b);
	if (msg_decode(o->bytes, from, peer, &o->m, &why) != OK) {
		printf("# the table refuses: %s\n", why.text);
		ok(0, "message out keeps the table");
	}
	for (unsigned f = F_TREE0; f < F__N; f++) /* its peers trust it */
		if (msg_has(m, f) && tape_check(msg_text(m, f), &json_default))
			ok(0, "field %u of a message out is a tree", f);
	outs_n++;
	return OK;
}

static inline enum err
out_front(void *arg, unsigned who, const struct msg *m)
{
	(void)arg;
	return keep_out('f', who, m, ROLE_JUDGE, ROLE_FRONT);
}
static inline enum err
out_back(void *arg, unsigned who, const struct msg *m)
{
	(void)arg;
	if (!back_here)
		return ERR_GONE;
	return keep_out('b', who, m, ROLE_JUDGE, ROLE_BACK);
}
static inline enum err
out_ledger(void *arg, const struct msg *m)
{
	(void)arg;
	return keep_out('l', 0, m, ROLE_JUDGE, ROLE_JUDGE);
}
static inline enum err
out_keys(void *arg, const struct msg *m)
{
	(void)arg;
	return keep_out('k', 0, m, ROLE_JUDGE, ROLE_KEYS);
}
static inline enum err
out_desk(void *arg, const struct msg *m)
{
	(void)arg;
	return keep_out('d', 0, m, ROLE_JUDGE, ROLE_DESK);
}
static bool budget_here = true;
static inline enum err
out_budget(void *arg, const struct msg *m)
{
	(void)arg;
	return budget_here ? keep_out('u', 0, m, ROLE_JUDGE, ROLE_BUDGET)
			   : ERR_GONE;
}
static inline uint64_t
the_clock(void *arg)
{
	(void)arg;
	return clock_ns;
}
/* Saturday, 28 November 2026, 08:00 UTC, and on. */
static inline uint64_t
the_wall(void *arg)
{
	(void)arg;
	return UINT64_C(1795852800000000000) + clock_ns;
}
static inline void
no_random(void *p, size_t n)
{
	static uint32_t next;

	for (size_t i = 0; i < n; i++) {
		next = next * 1664525 + 1013904223;
		((unsigned char *)p)[i] = (unsigned char)(next >> 24);
	}
}

static inline void
forget(void)
{
	for (size_t i = 0; i < outs_n; i++)
		drop(&outs[i].bytes);
	outs_n = 0;
}

/* The newest message of this kind, or NULL. */
static inline struct msg *
sent(enum msg_kind k)
{
	for (size_t i = outs_n; i-- > 0;)
		if (outs[i].m.kind == k)
			return &outs[i].m;
	return NULL;
}

static inline struct jv
tape(const char *json)
{
	static struct buf keep[64];
	static size_t n;
	struct buf *b = &keep[n++ % countof(keep)];

	buf_done(b);
	b->max = 1 << 20;
	BUG_ON(json_parse(str_of(json), &json_default, b, NULL) != OK);
	return jv_of(buf_view(b));
}

static const char image_text[] =
    "{\"durability\":\"strict\",\"answers\":\"written\","
    "\"limits\":{\"body\":100000,\"sessions\":4,\"inflight\":8,\"rate\":0},"
    "\"principals\":[{\"name\":\"alice\",\"cred\":\"61616161616161616161616161"
    "61616161616161616161616161616161616161\"},{\"name\":\"bob\",\"cred\":\"626"
    "2626262626262626262626262626262626262626262626262626262626262\"}],"
    "\"anonymous\":\"\",\"servers\":[{\"name\":\"fs\",\"read_only\":[\"read\"]}"
    ",{\"name\":\"web\",\"read_only\":[]}],"
    "\"endpoints\":[{\"path\":\"/mcp\",\"servers\":[0,1]},"
    "{\"path\":\"/s/fs/mcp\",\"servers\":[0]}],"
    "\"rules\":[{\"effect\":\"deny\",\"principal\":\"*\",\"server\":\"fs\","
    "\"method\":\"*\",\"name\":\"write\",\"id\":\"no-write\",\"reason\":\"never"
    "\"},{\"effect\":\"allow\",\"principal\":\"alice\",\"server\":\"*\","
    "\"method\":\"*\",\"name\":\"*\",\"id\":\"all\",\"reason\":\"\"},"
    "{\"effect\":\"allow\",\"principal\":\"bob\",\"server\":\"web\","
    "\"method\":\"resources/read\",\"name\":\"*\",\"id\":\"bobs\","
    "\"reason\":\"\"}]}";

/* Where the ledger's numbering goes on. */
static inline void
first_word(struct line *l)
{
	struct msg m = msg_of(MSG_RECORDED);

	msg_set(&m, F_SEQ, 41);
	line_from_ledger(l, &m);
}

static inline struct line *
fresh_of(const char *text)
{
	static const struct line_ports ports = { .front = out_front,
		.back = out_back,
		.ledger = out_ledger,
		.keys = out_keys,
		.budget = out_budget,
		.desk = out_desk,
		.now = the_clock,
		.wall = the_wall,
		.random = no_random };
	static struct buf image = { .max = 1 << 20 };
	struct note why = { "" };
	struct line *l = NULL;

	buf_clear(&image);
	BUG_ON(json_parse(str_of(text), &json_default, &image, NULL) != OK);
	if (line_new(jv_of(buf_view(&image)), 0, &ports, &l, &why) != OK)
		printf("# %s\n", why.text);
	first_word(l);
	forget();
	back_here = true;
	return l;
}

static inline struct line *
fresh(void)
{
	return fresh_of(image_text);
}

static uint64_t next_ref = 100;
struct said { /* a request, field by field; zero: as usual */
	unsigned front, where;
	uint64_t ref, era, method, flags;
	const char *name, *params, *caps, *heads;
	char who;
};
static inline void
say(struct line *l, const struct said *s)
{
	const uint64_t ref = s->ref != 0 ? s->ref : next_ref++;
	struct msg m = msg_of(MSG_REQUEST);
	char cred[32];
	struct buf id = { .max = 64 };

	memset(cred, s->who == 0 ? 'a' : s->who, sizeof(cred));
	tape_i64(&id, (int64_t)ref);
	msg_set(&m, F_REF, ref);
	msg_set(&m, F_WHERE, s->where);
	msg_set(&m, F_ERA, s->era);
	msg_set(&m, F_METHOD,
	    s->method != 0 ? s->method : mcp_method_of(str_of(s->name)));
	msg_set_text(&m, F_NAME, str_of(s->name));
	msg_set_text(&m, F_CRED, (struct str){ cred, sizeof(cred) });
	msg_set(&m, F_FLAGS, MF_CRED | s->flags);
	msg_set_text(&m, F_ID, buf_view(&id));
	msg_set_tree(&m, F_PARAMS, tape(s->params));
	msg_set_tree(&m, F_CAPS,
	    tape(s->caps != NULL ? s->caps : "{\"elicitation\":{}}"));
	if (s->heads != NULL)
		msg_set_tree(&m, F_HEADS, tape(s->heads));
	line_from_front(l, s->front, &m);
	buf_done(&id);
}

static inline void
request(struct line *l, unsigned where, enum mcp_era era, const char *method,
    const char *params, char who)
{
	const struct said s = { .where = where,
		.era = era,
		.name = method,
		.params = params,
		.who = who };

	say(l, &s);
}

static inline void
ack(struct line *l, bool durable)
{
	const struct msg *r = sent(MSG_RECORD);
	struct msg m = msg_of(MSG_RECORDED);

	msg_set(&m, F_SEQ, r == NULL ? 0 : msg_num(r, F_SEQ));
	msg_set(&m, F_FLAGS, durable ? MF_STRICT : 0);
	line_from_ledger(l, &m);
}

static inline void
opened(struct line *l, enum mcp_era era, const char *caps)
{
	const struct msg *o = sent(MSG_HOP_OPEN);
	struct msg m = msg_of(MSG_HOP_OPENED);

	BUG_ON(o == NULL);
	msg_set(&m, F_HOP, msg_num(o, F_HOP));
	msg_set(&m, F_STATUS, 0);
	msg_set(&m, F_ERA, era);
	msg_set_tree(&m, F_CAPS, tape(caps));
	line_from_back(l, (unsigned)msg_num(o, F_WHERE), &m);
}

static inline void
answered(struct line *l, unsigned up, const char *result)
{
	const struct msg *c = sent(MSG_UP_CALL);
	struct msg m = msg_of(MSG_UP_ANSWER);
	struct buf images = { .max = 1 << 20 };

	BUG_ON(c == NULL);
	msg_set(&m, F_CALL, msg_num(c, F_CALL));
	msg_set_tree(&m, F_RESULT, tape(result));
	/* As role back does. */
	bounds_put(
	    jv_get(msg_tree(&m, F_RESULT), STR("tools")), false, &images);
	msg_set_text(&m, F_BYTES, buf_view(&images));
	line_from_back(l, up, &m);
	buf_done(&images);
}

/* A member of the newest record. */
static inline bool
record_has(const char *key, const char *want)
{
	const struct msg *r = sent(MSG_RECORD);

	return r != NULL &&
	       str_eq(jv_str(jv_get(msg_tree(r, F_REC), str_of(key))),
		   str_of(want));
}

static inline bool
result_has(const char *path, const char *want)
{
	const struct msg *a = sent(MSG_ANSWER);

	return a != NULL &&
	       str_eq(jv_str(jv_at(msg_tree(a, F_RESULT), path)), str_of(want));
}

static inline int64_t
error_code(void)
{
	const struct msg *a = sent(MSG_ANSWER);
	int64_t code = 0;

	if (a == NULL ||
	    jv_i64(jv_get(msg_tree(a, F_ERROR), STR("code")), &code) != OK)
		return 0;
	return code;
}

static inline void
begin_session_at(struct line *l, enum mcp_era era, const char *caps)
{
	struct msg n = msg_of(MSG_NOTICE);
	char cred[32];

	request(l, 1, MCP_LEGACY, "initialize",
	    "{\"protocolVersion\":\"2025-06-18\"}", 'a');
	ack(l, true);
	opened(l, era, caps);
	ack(l, false);
	memset(cred, 'a', sizeof(cred));
	msg_set(&n, F_WHERE, 1);
	msg_set(&n, F_ERA, MCP_LEGACY);
	msg_set(&n, F_METHOD, MCP_INITIALIZED);
	msg_set_text(&n, F_SESSION, msg_text(sent(MSG_ANSWER), F_SESSION));
	msg_set_text(&n, F_CRED, (struct str){ cred, sizeof(cred) });
	line_from_front(l, 0, &n);
}

static inline void
begin_session(struct line *l, const char *caps)
{
	begin_session_at(l, MCP_LEGACY, caps);
}

static inline void
legacy(struct line *l, const char *session, const char *method,
    const char *params, char who)
{
	struct msg m = msg_of(MSG_REQUEST);
	struct buf id = { .max = 64 };
	char cred[32];

	memset(cred, who, sizeof(cred));
	tape_i64(&id, (int64_t)next_ref);
	msg_set(&m, F_REF, next_ref++);
	msg_set(&m, F_WHERE, 1);
	msg_set(&m, F_ERA, MCP_LEGACY);
	msg_set(&m, F_METHOD, mcp_method_of(str_of(method)));
	msg_set_text(&m, F_NAME, str_of(method));
	msg_set_text(&m, F_CRED, (struct str){ cred, sizeof(cred) });
	msg_set_text(&m, F_SESSION, str_of(session));
	msg_set_text(&m, F_ID, buf_view(&id));
	msg_set_tree(&m, F_PARAMS, tape(params));
	line_from_front(l, 0, &m);
	buf_done(&id);
}

static inline void
session_name(char out[static 64])
{
	const struct str s = msg_text(sent(MSG_ANSWER), F_SESSION);

	(void)snprintf(out, 64, "%.*s", STR_ARG(s));
}

static inline void
server_asks_now(struct line *l, const char *method, bool about)
{
	const struct msg *c = sent(MSG_UP_CALL);
	struct msg m = msg_of(MSG_UP_EVENT);

	msg_set(&m, F_HOP, msg_num(c, F_HOP));
	if (about)
		msg_set(&m, F_CALL, msg_num(c, F_CALL));
	msg_set(&m, F_FLAGS, MF_REQUEST);
	msg_set_text(&m, F_NAME, str_of(method));
	msg_set_tree(&m, F_ID, tape("\"srv-0\""));
	msg_set_tree(&m, F_PARAMS, tape("{\"message\":\"name?\"}"));
	line_from_back(l, 0, &m);
}

static inline void
keys_say(struct line *l, enum msg_kind k, enum msg_field f, struct str s)
{
	const struct msg *q = sent(k == MSG_SEALED ? MSG_SEAL : MSG_UNSEAL);
	struct msg m = msg_of(k);

	BUG_ON(q == NULL);
	msg_set(&m, F_CALL, msg_num(q, F_CALL));
	msg_set_text(&m, f, s);
	line_from_keys(l, &m);
}

/* What alice's agent answers to the server request that was asked last. */
static inline void
reply(struct line *l, const char *session, int64_t no, const char *result)
{
	struct msg r = msg_of(MSG_REPLY);
	struct buf id = { .max = 64 };
	char cred[32];

	memset(cred, 'a', sizeof(cred));
	tape_i64(&id, no);
	msg_set(&r, F_WHERE, 1);
	msg_set(&r, F_ERA, MCP_LEGACY);
	msg_set_text(&r, F_ID, buf_view(&id));
	msg_set_text(&r, F_SESSION, str_of(session));
	msg_set_text(&r, F_CRED, (struct str){ cred, sizeof(cred) });
	if (result != NULL)
		msg_set_tree(&r, F_RESULT, tape(result));
	else
		msg_set_tree(&r, F_ERROR, tape("{\"code\":-1}"));
	line_from_front(l, 0, &r);
	buf_done(&id);
}

static inline void
gone(struct line *l, unsigned front, uint64_t ref)
{
	struct msg m = msg_of(MSG_GONE);

	msg_set(&m, F_REF, ref);
	line_from_front(l, front, &m);
}

static inline size_t
sent_n(enum msg_kind k)
{
	size_t n = 0;

	for (size_t i = 0; i < outs_n; i++)
		n += outs[i].m.kind == k;
	return n;
}

#endif
