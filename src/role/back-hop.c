/*
 * back-hop.c: upstream sessions.  A server may speak both eras, and is asked
 * for the agent's own first, so that nothing is bridged without need: for a
 * modern agent server/discover and then initialize, for a legacy one the other
 * way round.  What worked is kept for the life of the process.  A legacy
 * session is opened, kept and ended; a modern one is only a name.
 */
#include "role/back-in.h"

enum { HOPS_MAX = 8192 };

static void hop_go(struct hop *h);

struct hop *
hop_find(struct back *b, uint64_t num)
{
	struct hop *h = b->hops;

	while (h != NULL && h->num != num)
		h = h->next;
	return h;
}

static void
keep(struct buf *to, struct str s)
{
	buf_clear(to);
	buf_str(to, s);
}

/* Off every list; its calls and exchanges are gone or nameless already. */
static void
hop_free(struct hop *h)
{
	struct back *b = h->b;
	struct hop **at = &b->hops;

	while (*at != h)
		at = &(*at)->next;
	*at = h->next;
	b->hops_n--;
	loop_timer_off(b->loop, &h->again);
	if (b->prober == h)
		b->prober = NULL;
	buf_done(&h->caps);
	buf_done(&h->info);
	buf_done(&h->wish);
	buf_done(&h->opened);
	buf_done(&h->session);
	buf_done(&h->last_event);
	buf_done(&h->post_to);
	buf_done(&h->share);
	mem_free(h);
}

void
hop_close(struct hop *h, bool polite)
{
	struct back *b = h->b;

	calls_drop_hop(b, h);
	b->by->end(h, polite);
	hop_free(h);
	hops_go_on(b);
}

void
hop_lost(struct hop *h, const char *why)
{
	struct back *b = h->b;
	struct msg m = msg_of(MSG_HOP_LOST);

	calls_fail_hop(b, h, why);
	msg_set(&m, F_HOP, h->num);
	msg_set_text(&m, F_TEXT, str_of(why));
	back_tell(b, &m);
	hop_close(h, false);
}

void
hop_cannot(struct hop *h, unsigned status, const char *why)
{
	struct back *b = h->b;
	struct msg m = msg_of(MSG_HOP_OPENED);

	if (b->forced == ERA_UNKNOWN)
		b->era[h->modern] = ERA_UNKNOWN; /* ask again next time */
	if (h->reopening) {
		hop_lost(h, why);
		return;
	}
	msg_set(&m, F_HOP, h->num);
	msg_set(&m, F_STATUS, status == 504 ? 504 : 502);
	msg_set_text(&m, F_TEXT, str_of(why));
	back_tell(b, &m);
	hop_close(h, false);
}

/* ---- opening ---- */

/* Nobody's word is another's: a number, or a name after its sign. */
static void
share_word(struct hop *h, struct str principal)
{
	h->share.max = 512;
	if (h->b->sharing == SHARE_SESSION)
		buf_fmt(&h->share, "h%llu", (unsigned long long)h->num);
	else if (h->b->sharing == SHARE_PRINCIPAL)
		buf_fmt(&h->share, "p%.*s", STR_ARG(principal));
}

void
hop_open(struct back *b, const struct msg *m)
{
	struct hop *h;

	if (hop_find(b, msg_num(m, F_HOP)) != NULL)
		return; /* it is opening already */
	h = mem_get(sizeof(*h));
	h->b = b;
	h->num = msg_num(m, F_HOP);
	h->caps.max = h->info.max = h->opened.max = CHAN_MSG_MAX;
	h->wish.max = 64;
	h->session.max = SESSION_MAX;
	h->last_event.max = EVENT_ID_MAX;
	h->post_to.max = ENDPOINT_MAX * 2;
	h->next = b->hops;
	b->hops = h;
	b->hops_n++;
	keep(&h->caps, msg_text(m, F_CAPS));
	keep(&h->info, msg_text(m, F_INFO));
	keep(&h->wish, msg_text(m, F_VERSION));
	h->modern = mcp_version(buf_view(&h->wish)) < 0 ||
		    mcp_version(buf_view(&h->wish)) >= MCP_V_2026_07_28;
	share_word(h, msg_text(m, F_NAME));
	if (b->hops_n > HOPS_MAX)
		hop_cannot(h, 502, "too many upstream sessions");
	else
		hop_go(h);
}

static void
hop_go(struct hop *h)
{
	struct back *b = h->b;
	const enum era era = b->era[h->modern];

	if (b->cred_wait)
		return; /* HOP_WAIT */
	if (b->cred_why.text[0] != '\0') {
		hop_cannot(h, 502, b->cred_why.text);
		return;
	}
	if (era == ERA_UNKNOWN && b->prober != NULL)
		return;
	if (era == ERA_UNKNOWN)
		b->prober = h;
	h->state = era == ERA_LEGACY || (era == ERA_UNKNOWN && !h->modern)
		       ? HOP_INIT
		       : HOP_PROBE;
	h->era = h->state == HOP_INIT ? ERA_LEGACY : ERA_UNKNOWN;
	b->by->reach(h);
}

void
hops_go_on(struct back *b)
{
	struct hop *h = b->hops;

	if (b->going)
		return; /* a hop failed below us: the loop begins anew */
	b->going = true;
	while (h != NULL) {
		const bool goes =
		    h->state == HOP_WAIT && !b->cred_wait &&
		    (b->era[h->modern] != ERA_UNKNOWN || b->prober == NULL);

		if (goes) {
			hop_go(h);
			h = b->hops;
		} else {
			h = h->next;
		}
	}
	b->going = false;
}

void
hop_can_talk(struct hop *h)
{
	struct back *b = h->b;
	const bool probe = h->state == HOP_PROBE;
	/* Silence answers discover; initialize may be slow to come up. */
	const bool guess =
	    probe && h->modern && b->era[h->modern] == ERA_UNKNOWN;
	const uint64_t patience = b->call_ns < PROBE_NS ? b->call_ns : PROBE_NS;
	struct call *c = call_new(b, h, probe ? CALL_DISCOVER : CALL_INIT, 0,
	    guess ? patience : OPEN_NS);

	if (c == NULL) {
		hop_cannot(h, 502, "too many calls");
		return;
	}
	c->method = probe ? MCP_DISCOVER : MCP_INITIALIZE;
	if ((probe ? say_discover(c) : say_initialize(c)) != OK) {
		call_drop(c);
		hop_cannot(h, 502, "the client's capabilities are too large");
		return;
	}
	call_start(c);
}

/* The era that was asked for first is not spoken: the other one. */
static void
fall_back(struct hop *h, const char *why)
{
	struct back *b = h->b;
	const bool first = (h->state == HOP_PROBE) == h->modern;

	if (!first || b->era[h->modern] != ERA_UNKNOWN) {
		hop_cannot(h, 502, why);
		return;
	}
	h->state = h->modern ? HOP_INIT : HOP_PROBE;
	h->era = h->modern ? ERA_LEGACY : ERA_UNKNOWN;
	b->by->reach(h);
}

/* It is not of that age either. */
void
hop_sse_failed(struct hop *h, const char *why)
{
	struct back *b = h->b;

	calls_drop_hop(b, h);
	h->sse = SSE_NO;
	b->sse = false;
	if (h->state == HOP_INIT)
		fall_back(h, why);
	else
		hop_cannot(h, 502, why);
}

/* ---- open ---- */

static struct jv
result_of(const struct hop *h)
{
	return jv_of(buf_view(&h->opened));
}

static void
tell_opened(struct hop *h)
{
	const bool modern = h->era == ERA_MODERN;
	const struct jv r = result_of(h);
	const struct jv words = jv_get(r, STR("instructions"));
	struct jv info = jv_get(r, STR("serverInfo"));
	struct msg m = msg_of(MSG_HOP_OPENED);

	if (modern)
		info = jv_get(jv_get(r, STR("_meta")),
		    STR("io.modelcontextprotocol/serverInfo"));
	msg_set(&m, F_HOP, h->num);
	msg_set(&m, F_STATUS, 0);
	msg_set(&m, F_ERA, modern ? MCP_MODERN : MCP_LEGACY);
	msg_set_text(&m, F_VERSION,
	    modern ? MCP_MODERN_VERSION : mcp_version_text(h->version));
	msg_set_tree(&m, F_CAPS, jv_get(r, STR("capabilities")));
	msg_set_tree(&m, F_INFO, info);
	if (jv_is(words, J_STR))
		msg_set_text(&m, F_TEXT, jv_str(words));
	back_tell(h->b, &m);
}

static void
hop_up(struct hop *h)
{
	struct back *b = h->b;

	h->state = HOP_UP;
	if (b->prober == h)
		b->prober = NULL;
	if (b->era[h->modern] == ERA_UNKNOWN) {
		b->era[h->modern] = h->era;
		log_line(LOG_INFO, "upstream-era",
		    "%.*s speaks the %s era with %s agents", STR_ARG(b->name),
		    h->era == ERA_MODERN ? "modern" : "legacy",
		    h->modern ? "modern" : "legacy");
	}
	b->by->opened(h);
	tell_opened(h); /* again: the judge says again what it had set */
	if (h->reopening) {
		h->reopening = false;
		hop_release(h);
	}
	hops_go_on(b);
}

static void
told(struct hop *h, bool good)
{
	if (h->state != HOP_TOLD)
		return;
	if (good)
		hop_up(h);
	else
		hop_cannot(h, 502, "notifications/initialized was refused");
}

static bool
lists_modern(struct jv versions)
{
	struct jit it = jit_of(versions);
	struct jv v;

	while (jit_next(&it, NULL, &v))
		if (jv_is(v, J_STR) && str_eq(jv_str(v), MCP_MODERN_VERSION))
			return true;
	return false;
}

static void
discovered(struct hop *h, const struct mcp_in *in)
{
	const struct jv data = jv_get(in->error, STR("data"));
	int64_t code = 0;

	if (lists_modern(jv_get(in->result, STR("supportedVersions")))) {
		keep(&h->opened, jv_bytes(in->result));
		h->era = ERA_MODERN;
		hop_up(h);
		return;
	}
	if (jv_i64(jv_get(in->error, STR("code")), &code) != OK)
		code = 0;
	/* It refuses our version and names it: it is asked once more. */
	if (code == MCP_E_VERSION && !h->asked_twice &&
	    lists_modern(jv_get(data, STR("supported")))) {
		h->asked_twice = true;
		h->b->by->reach(h);
		return;
	}
	/* These two are only said by who understood the question. */
	if (code == MCP_E_HEADERS || code == MCP_E_CAPABILITY) {
		hop_cannot(h, 502, "server/discover was refused");
		return;
	}
	fall_back(h, "the upstream does not speak the modern era");
}

static void
initialized(struct hop *h, const struct mcp_in *in)
{
	const struct jv version = jv_get(in->result, STR("protocolVersion"));
	const int v = mcp_version(jv_str(version));
	struct note why;

	if (!jv_is(in->error, J_NONE)) {
		const struct str s = jv_str(jv_get(in->error, STR("message")));

		note_set(&why, "initialize was refused: %.*s",
		    s.n < 120 ? (int)s.n : 120, s.n > 0 ? s.p : "");
		fall_back(h, why.text);
		return;
	}
	if (!jv_is(version, J_STR) || v < 0 || v >= MCP_V_2026_07_28) {
		hop_cannot(h, 502, "the upstream chose an unknown version");
		return;
	}
	h->version = v;
	keep(&h->opened, jv_bytes(in->result));
	h->state = HOP_TOLD;
	say_notice(
	    h->b, mcp_row(MCP_INITIALIZED)->text, (struct jv){ NULL, 0 });
	h->b->by->post(h, told);
}

void
hop_opening_answer(const struct call *c, const struct mcp_in *in)
{
	if (c->kind == CALL_DISCOVER)
		discovered(c->hop, in);
	else
		initialized(c->hop, in);
}

/* 503: it was not reached at all, so it said nothing about its era. */
void
hop_opening_failed(const struct call *c, unsigned status, const char *why)
{
	if (status != 503 && !c->hop->reopening)
		fall_back(c->hop, why);
	else
		hop_cannot(c->hop, status, why);
}

void
hop_session_gone(struct hop *h)
{
	const uint64_t now = loop_now(h->b->loop);

	if (h->state != HOP_UP || h->reopening)
		return;
	if (h->reopened_at != 0 && now - h->reopened_at < SECOND) {
		hop_lost(h, "the upstream loses its sessions at once");
		return;
	}
	log_line(LOG_WARN, "session-lost", "%.*s: opening it again",
	    STR_ARG(h->b->name));
	h->reopened_at = now;
	h->reopening = true;
	h->state = HOP_INIT;
	buf_clear(&h->session);
	h->b->by->reach(h);
}
