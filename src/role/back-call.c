/*
 * back-call.c: what we asked an upstream and await.  Promises that every call
 * of the judge ends in exactly one UP_ANSWER unless the judge took it back, in
 * bounded time, and that an id is never used twice.
 */
#include "role/back-in.h"

#include <stdarg.h>

static void
chain_put(struct call *c)
{
	struct call **at = &c->b->chain[c->num % CALL_CHAINS];

	c->chain = *at;
	*at = c;
}

static void
chain_del(struct call *c)
{
	struct call **at = &c->b->chain[c->num % CALL_CHAINS];

	while (*at != NULL && *at != c)
		at = &(*at)->chain;
	if (*at != NULL)
		*at = c->chain;
}

/* Silence until `span` is allowed, and never past hard_at. */
static void
arm(struct call *c)
{
	const uint64_t now = loop_now(c->b->loop);
	const uint64_t left = c->hard_at > now ? c->hard_at - now : 0;

	if (c->span != 0)
		loop_timer(c->b->loop, &c->t, c->span < left ? c->span : left);
}

static void
late(struct timer *t)
{
	struct call *c = (struct call *)(void *)t;

	if (c->kind == CALL_JUDGE)
		call_cancel(c, STR("timeout"));
	call_fail(c, 504, "the upstream did not answer in time");
}

/* A slot keeps its place in every id it gives out: id % CALLS_MAX. */
static struct call *
slot(struct back *b)
{
	struct call *c = b->calls_free;

	if (b->calls == NULL)
		b->calls = mem_get(CALLS_MAX * sizeof(*b->calls));
	if (c != NULL) {
		b->calls_free = c->chain;
		return c;
	}
	if (b->calls_n == CALLS_MAX)
		return NULL;
	c = &b->calls[b->calls_n];
	c->id = b->calls_n++;
	return c;
}

struct call *
call_new(struct back *b, struct hop *h, enum call_kind kind, uint64_t num,
    uint64_t span)
{
	struct call *c = slot(b);
	uint64_t id;

	if (c == NULL)
		return NULL;
	id = c->id + CALLS_MAX;
	*c = (struct call){ .t.fire = late,
		.b = b,
		.hop = h,
		.kind = kind,
		.num = num,
		.id = id,
		.live = true,
		.span = span,
		.hard_at = UINT64_MAX };
	if (kind == CALL_JUDGE) {
		const uint64_t spent =
		    span < b->call_ns ? b->call_ns - span : 0;

		c->hard_at = loop_now(b->loop) + b->call_max_ns -
			     (spent < b->call_max_ns ? spent : b->call_max_ns);
		chain_put(c);
	}
	b->calls_live++;
	return c;
}

/* From here on nobody finds it. */
static void
release(struct call *c)
{
	struct back *b = c->b;

	loop_timer_off(b->loop, &c->t);
	if (c->kind == CALL_JUDGE)
		chain_del(c);
	c->live = false;
	c->x = NULL;
	c->kid = NULL;
	c->chain = b->calls_free;
	b->calls_free = c;
	b->calls_live--;
}

struct call *
call_by_id(struct back *b, struct jv id)
{
	int64_t n;
	struct call *c;

	if (!jv_is(id, J_NUM) || jv_i64(id, &n) != OK || n < CALLS_MAX)
		return NULL;
	if ((uint64_t)n % CALLS_MAX >= b->calls_n)
		return NULL;
	c = &b->calls[(uint64_t)n % CALLS_MAX];
	return c->live && c->id == (uint64_t)n ? c : NULL;
}

struct call *
call_by_num(struct back *b, uint64_t num)
{
	struct call *c = b->chain[num % CALL_CHAINS];

	while (c != NULL && c->num != num)
		c = c->chain;
	return c;
}

struct call *
call_alone(struct back *b, const struct kid *k)
{
	struct call *one = NULL;

	for (size_t i = 0; i < b->calls_n; i++) {
		if (!b->calls[i].live || b->calls[i].kid != k)
			continue;
		if (one != NULL)
			return NULL;
		one = &b->calls[i];
	}
	return one;
}

void
call_start(struct call *c)
{
	if (c->method == MCP_LISTEN)
		c->hard_at = UINT64_MAX; /* it lasts until it is cancelled */
	arm(c);
	c->b->by->request(c);
}

void
call_progress(struct call *c)
{
	if (c->span < c->b->call_ns) /* the first was what was left of it */
		c->span = c->b->call_ns;
	arm(c);
}

/* A server's schemas are compiled here, where its bytes are: the judge opens
 * images. */
static void
put_bounds(struct back *b, struct jv result, struct msg *m)
{
	buf_clear(&b->bounds);
	bounds_put(jv_get(result, STR("tools")), b->open, &b->bounds);
	msg_set_text(m, F_BYTES, buf_view(&b->bounds));
}

void
call_answer(struct call *c, const struct mcp_in *in)
{
	struct back *b = c->b;
	const struct call was = *c;
	struct msg m = msg_of(MSG_UP_ANSWER);

	if (c->x != NULL) { /* its exchange may still have bytes to read */
		c->x->call = NULL;
		c->x->answered = true;
	}
	release(c);
	if (was.kind != CALL_JUDGE) {
		hop_opening_answer(&was, in);
		return;
	}
	msg_set(&m, F_CALL, was.num);
	if (was.method == MCP_TOOLS_LIST)
		put_bounds(b, in->result, &m);
	msg_set_tree(&m, F_RESULT, in->result);
	msg_set_tree(&m, F_ERROR, in->error);
	back_tell(b, &m);
	back_idle(b);
}

void
call_fail(struct call *c, unsigned status, const char *fmt, ...)
{
	struct back *b = c->b;
	struct call was;
	struct note why;
	struct msg m = msg_of(MSG_UP_ANSWER);
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(why.text, sizeof(why.text), fmt, ap);
	va_end(ap);
	b->by->forget(c);
	was = *c;
	release(c);
	if (was.kind != CALL_JUDGE) {
		hop_opening_failed(&was, status, why.text);
		return;
	}
	count(CNT_UPSTREAM_FAIL);
	msg_set(&m, F_CALL, was.num);
	msg_set(&m, F_STATUS, status == 504 ? 504 : 502);
	msg_set_text(&m, F_TEXT, str_of(why.text));
	back_tell(b, &m);
	back_idle(b);
}

void
call_drop(struct call *c)
{
	struct back *b = c->b;

	b->by->forget(c);
	release(c);
	back_idle(b);
}

/* Legacy and pipes: a notification; modern HTTP: the stream's end says it. */
void
call_cancel(struct call *c, struct str reason)
{
	struct hop *h = c->hop;

	if (h->state != HOP_UP || (h->era == ERA_MODERN && c->b->http))
		return;
	say_cancelled(c->b, c->id, reason);
	c->b->by->post(h, NULL);
}

void
calls_fail_hop(struct back *b, struct hop *h, const char *why)
{
	for (size_t i = 0; i < b->calls_n; i++)
		if (b->calls[i].live && b->calls[i].hop == h &&
		    b->calls[i].kind == CALL_JUDGE)
			call_fail(&b->calls[i], 502, "%s", why);
}

void
calls_drop_hop(struct back *b, struct hop *h)
{
	for (size_t i = 0; i < b->calls_n; i++)
		if (b->calls[i].live && b->calls[i].hop == h)
			call_drop(&b->calls[i]);
}

void
calls_fail_kid(struct back *b, struct kid *k, const char *why)
{
	for (size_t i = 0; i < b->calls_n; i++)
		if (b->calls[i].live && b->calls[i].kid == k)
			call_fail(&b->calls[i], 502, "%s", why);
}

void
tell_stream(const struct call *c, uint64_t flags, uint64_t retry_ms)
{
	struct msg m = msg_of(MSG_UP_EVENT);

	if (c == NULL || c->kind != CALL_JUDGE || c->hop->era != ERA_LEGACY)
		return;
	msg_set(&m, F_HOP, c->hop->num);
	msg_set(&m, F_CALL, c->num);
	msg_set(&m, F_FLAGS, MF_STREAM | flags);
	msg_set(&m, F_TIME, retry_ms);
	msg_set_text(&m, F_NAME, STR("stream"));
	back_tell(c->b, &m);
}
