/*
 * back.c: role back, the tool side: one process for one upstream in one cell.
 * It faces that upstream's bytes and nobody else's.  Promises that a request it
 * sends is built from the judge's typed message alone, and that what it reports
 * was parsed and checked.  It knows no agent, no policy and no other upstream.
 */
#include "role/back-in.h"

static struct back *self; /* the process is one role */

/* ---- to the judge ---- */

void
back_tell(struct back *b, const struct msg *m)
{
	struct msg small = msg_of(MSG_UP_ANSWER);
	enum err e;

	if (b->judge == NULL)
		return;
	e = chan_send(b->judge, m);
	if (e != ERR_LIMIT || m->kind != MSG_UP_ANSWER)
		return;
	/* Too large to pass on: say that instead. */
	msg_set(&small, F_CALL, msg_num(m, F_CALL));
	msg_set(&small, F_STATUS, 502);
	msg_set_text(&small, F_TEXT, STR("the answer is too large"));
	if (chan_send(b->judge, &small) != OK)
		log_line(LOG_ERROR, "judge-full", "an answer was lost");
}

/* What upstreams send unasked is the only thing without a bound of its own, so
 * it has this one; calls and their answers are bounded by who asked. */
bool
back_event_ok(struct back *b)
{
	const uint64_t now = loop_now(b->loop);
	const double more =
	    (double)(now - b->event_at) / (double)SECOND * EVENTS_A_SECOND;

	b->event_at = now;
	b->events =
	    b->events + more > EVENTS_BURST ? EVENTS_BURST : b->events + more;
	b->muted = b->muted && b->events < EVENTS_BURST / 2.0;
	if (b->events >= 1) {
		b->events -= 1;
		return true;
	}
	if (!b->muted)
		log_line(LOG_WARN, "upstream-babbles",
		    "%.*s: messages over %d a second are dropped",
		    STR_ARG(b->name), EVENTS_A_SECOND);
	b->muted = true;
	return false;
}

bool
back_full(const struct back *b)
{
	return b->judge != NULL && chan_pending(b->judge) > JUDGE_FULL;
}

static void
refuse_call(struct back *b, uint64_t num, const char *why)
{
	struct msg m = msg_of(MSG_UP_ANSWER);

	msg_set(&m, F_CALL, num);
	msg_set(&m, F_STATUS, 502);
	msg_set_text(&m, F_TEXT, str_of(why));
	back_tell(b, &m);
}

/* ---- from the judge ---- */

static void
on_call(struct back *b, const struct msg *m)
{
	const uint64_t num = msg_num(m, F_CALL);
	const enum mcp_method method = (enum mcp_method)msg_num(m, F_METHOD);
	struct hop *h = hop_find(b, msg_num(m, F_HOP));
	uint64_t first = msg_num(m, F_TIME);
	struct call *c;

	if (first == 0 && method != MCP_LISTEN)
		first = b->call_ns;
	if (h == NULL || (h->state != HOP_UP && !h->reopening)) {
		refuse_call(b, num, "no such upstream session");
		return;
	}
	c = call_new(b, h, CALL_JUDGE, num, first);
	if (c == NULL) {
		refuse_call(b, num, "too many calls at this upstream");
		return;
	}
	c->method = method < MCP__N ? method : MCP_UNKNOWN;
	c->progress = (msg_num(m, F_FLAGS) & MF_PROGRESS) != 0;
	if (say_call(c, m) != OK)
		call_fail(c, 502, "the request cannot be written");
	else
		call_start(c);
}

static void
on_notice(struct back *b, const struct msg *m)
{
	const enum mcp_method method = (enum mcp_method)msg_num(m, F_METHOD);
	struct hop *h = hop_find(b, msg_num(m, F_HOP));

	if (h == NULL || h->state != HOP_UP || h->era == ERA_MODERN)
		return; /* the modern era has none but cancel, which is ours */
	say_notice(b,
	    method == MCP_UNKNOWN || method >= MCP__N ? msg_text(m, F_NAME)
						      : mcp_row(method)->text,
	    msg_tree(m, F_PARAMS));
	if (buf_end(&b->text) == OK)
		b->by->post(h, NULL);
}

static void
on_reply(struct back *b, const struct msg *m)
{
	struct hop *h = hop_find(b, msg_num(m, F_HOP));
	const struct jv error = msg_tree(m, F_ERROR);

	if (h == NULL || h->state != HOP_UP || h->era == ERA_MODERN)
		return;
	buf_clear(&b->heads);
	buf_clear(&b->text);
	if (jv_is(error, J_NONE))
		mcp_write_result(
		    &b->text, msg_tree(m, F_ID), msg_tree(m, F_RESULT));
	else
		mcp_write_error(&b->text, msg_tree(m, F_ID), error);
	if (buf_end(&b->text) == OK)
		b->by->post(h, NULL);
}

static void
on_cancel(struct back *b, const struct msg *m)
{
	struct call *c = call_by_num(b, msg_num(m, F_CALL));

	if (c == NULL)
		return; /* its answer is on the way already */
	call_cancel(c, msg_text(m, F_TEXT));
	call_drop(c);
}

static void
on_close(struct back *b, const struct msg *m)
{
	struct hop *h = hop_find(b, msg_num(m, F_HOP));

	if (h != NULL)
		hop_close(h, true);
}

/* ---- from keys ---- */

/* A credential stands in a header: visible ASCII, and not without end. */
static bool
cred_ok(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x21 || s.p[i] > 0x7e)
			return false;
	return s.n > 0 && s.n <= 8192;
}

static void
on_cred(struct back *b, const struct msg *m)
{
	const struct str s = msg_text(m, F_BYTES);

	if (!b->cred_wait || msg_num(m, F_WHERE) != b->where)
		return;
	b->cred_wait = false;
	if (msg_num(m, F_STATUS) != 0 || !cred_ok(s)) {
		note_set(&b->cred_why, "the upstream's credential is missing "
				       "or not printable");
	} else {
		b->cred_why.text[0] = '\0';
		buf_clear(&b->cred);
		buf_str(&b->cred, s);
	}
	hops_go_on(b);
}

static void
want_cred(struct back *b)
{
	struct msg m = msg_of(MSG_WANT_CRED);

	msg_set(&m, F_WHERE, b->where);
	if (b->keys == NULL || chan_send(b->keys, &m) != OK)
		log_line(LOG_WARN, "no-keys", "the credential must wait");
}

/* ---- links ---- */

static const struct {
	enum msg_kind kind;
	void (*got)(struct back *b, const struct msg *m);
} handlers[] = {
	{ MSG_UP_CALL, on_call },
	{ MSG_UP_NOTICE, on_notice },
	{ MSG_UP_REPLY, on_reply },
	{ MSG_UP_CANCEL, on_cancel },
	{ MSG_HOP_OPEN, hop_open },
	{ MSG_HOP_CLOSE, on_close },
	{ MSG_DIALED, tcp_dialed },
	{ MSG_LAUNCHED, kid_launched },
	{ MSG_LAUNCH_GONE, kid_exited },
	{ MSG_CRED, on_cred },
};

static void
got(struct chan *c, const struct msg *m)
{
	struct back *b = chan_owner(c);

	for (size_t i = 0; i < countof(handlers); i++)
		if (handlers[i].kind == m->kind)
			handlers[i].got(b, m);
}

static struct chan **
link_of(struct back *b, enum role_id peer)
{
	return peer == ROLE_JUDGE    ? &b->judge
	       : peer == ROLE_DIAL   ? &b->dial
	       : peer == ROLE_LAUNCH ? &b->launch
	       : peer == ROLE_KEYS   ? &b->keys
				     : NULL;
}

static void
lost(struct chan *c)
{
	struct back *b = chan_owner(c);
	struct chan **at = link_of(b, chan_peer(c));

	if (chan_peer(c) == ROLE_JUDGE)
		while (b->hops != NULL) /* nobody owns them any more */
			hop_close(b->hops, true);
	if (at != NULL && *at == c) {
		*at = NULL;
		b->remote.keys = b->keys;
	}
	if (chan_peer(c) == ROLE_DIAL)
		tcp_dialer_lost(b);
	if (chan_peer(c) == ROLE_LAUNCH)
		kid_launcher_lost(b);
	chan_free(c);
}

static void
link_take(
    struct back *b, enum role_id peer, unsigned instance, struct chan_fds *fds)
{
	static const struct chan_ops ops = { got, lost };
	struct chan **at = link_of(b, peer);

	if (at == NULL)
		return;
	if (*at != NULL)
		lost(*at);
	*at = chan_new(b->loop, fds, ROLE_BACK, peer, instance, &ops, b);
	b->remote.keys = b->keys;
	if (peer == ROLE_KEYS && b->cred_wait)
		want_cred(b);
}

static void
back_link(struct role_env *e, enum role_id peer, unsigned instance,
    struct chan_fds *f)
{
	(void)e;
	link_take(self, peer, instance, f);
}

/* ---- start ---- */

static uint64_t
number(struct jv obj, const char *path)
{
	int64_t n = 0;

	return jv_i64(jv_at(obj, path), &n) == OK && n > 0 ? (uint64_t)n : 0;
}

static void
limits(struct back *b, struct jv image)
{
	const uint64_t body = number(image, "limits/body");

	b->lim = (struct json_limits){
		.depth = (size_t)number(image, "limits/depth"),
		.members = (size_t)number(image, "limits/members"),
		.string = (size_t)number(image, "limits/string"),
	};
	/* Answers are larger than questions, but must fit one message. */
	b->answer_max =
	    (size_t)(body < CHAN_MSG_MAX / 5 ? body * 4 : CHAN_MSG_MAX * 4 / 5);
	if (b->lim.string < b->answer_max)
		b->lim.string = b->answer_max; /* one text may be most of it */
	b->head_max = (size_t)number(image, "limits/head");
	if (b->head_max < HTTP_HEAD_MAX)
		b->head_max = HTTP_HEAD_MAX;
	b->call_ns = number(image, "limits/call_ms") * MS;
	b->call_max_ns = number(image, "limits/call_max_ms") * MS;
	b->tape.max = b->text.max = b->params.max = 2 * CHAN_MSG_MAX;
	b->heads.max = b->head.max = 256 * 1024;
	b->prefix.max = 64 * 1024;
	b->bounds.max = CHAN_MSG_MAX / 3;
	b->plain.max = 4 * READ_MAX + CHAN_MSG_MAX;
	b->cred.max = 16384;
}

/* "https://host:port/path" -> "host:port", as Host wants it. */
static struct str
authority(struct str url)
{
	const size_t at = str_search(url, STR("://"));
	const struct str rest = str_sub(url, at + 3, url.n);

	return str_sub(rest, 0, str_find(rest, '/'));
}

static enum err
setup_http(struct back *b, struct jv server, struct note *why)
{
	const struct str own = jv_str(jv_get(server, STR("client_cert")));
	const struct tls_setup tls = {
		.cert_pem = own,
		.trust_pem = jv_str(jv_get(server, STR("ca"))),
		.sign = own.n > 0 ? tls_remote_sign : NULL,
		.arg = &b->remote,
	};

	b->http = true;
	b->by = &carrier_http;
	b->path = jv_str(jv_get(server, STR("path")));
	b->host = jv_str(jv_get(server, STR("host")));
	b->authority = authority(jv_str(jv_get(server, STR("url"))));
	if (b->path.n == 0)
		b->path = STR("/");
	tls_remote_init(&b->remote, NULL);
	b->remote.client = true;
	if (jv_true(jv_get(server, STR("tls"))))
		return tls_ctx_new(&tls, &b->tls, why);
	return OK;
}

static struct jv
server_at(struct jv image, uint64_t where)
{
	struct jit it = jit_of(jv_get(image, STR("servers")));
	struct jv v = { NULL, 0 };

	for (uint64_t i = 0; i <= where; i++)
		if (!jit_next(&it, NULL, &v))
			return (struct jv){ NULL, 0 };
	return v;
}

static enum err
setup(struct back *b, struct jv server, struct note *why)
{
	const struct str era = jv_str(jv_get(server, STR("era")));
	const struct str kind = jv_str(jv_get(server, STR("kind")));
	const struct str sharing = jv_str(jv_get(server, STR("sharing")));

	b->sharing = str_eq(sharing, STR("all"))	 ? SHARE_ALL
		     : str_eq(sharing, STR("principal")) ? SHARE_PRINCIPAL
							 : SHARE_SESSION;
	b->name = jv_str(jv_get(server, STR("name")));
	b->open = str_eq(jv_str(jv_get(server, STR("arguments"))), STR("open"));
	b->forced = str_eq(era, STR("legacy"))	 ? ERA_LEGACY
		    : str_eq(era, STR("modern")) ? ERA_MODERN
						 : ERA_UNKNOWN;
	b->era[0] = b->era[1] = b->forced;
	b->cred_wait = jv_true(jv_get(server, STR("credential")));
	b->sweep.fire = tcp_sweep;
	if (str_eq(kind, STR("http")))
		return setup_http(b, server, why);
	b->by = &carrier_kid;
	return OK;
}

static enum err
back_prepare(struct role_env *e, struct note *why)
{
	static const enum role_id peers[] = { ROLE_DIAL, ROLE_LAUNCH, ROLE_KEYS,
		ROLE_JUDGE };
	const size_t servers = jv_count(jv_get(e->image, STR("servers")));
	struct back *b = mem_get(sizeof(*b));

	if (servers == 0) {
		note_set(why, "no servers are configured");
		mem_free(b);
		return ERR_SYNTAX;
	}
	b->env = e;
	b->loop = e->loop;
	b->where = e->instance % servers;
	limits(b, e->image);
	self = b;
	TRY(setup(b, server_at(e->image, b->where), why));
	for (size_t i = 0; i < countof(peers); i++) {
		const unsigned instance = peers[i] == ROLE_JUDGE
					      ? e->instance / (unsigned)servers
					      : 0;
		struct chan_fds fds;

		if (role_link(e, peers[i], instance, &fds) == OK)
			link_take(b, peers[i], instance, &fds);
	}
	return OK;
}

/* What may change without a restart and concerns us: the limits. */
static void
back_image(struct role_env *e, struct jv image)
{
	(void)e;
	limits(self, image);
}

/* ---- the end ---- */

static void
end_now(struct timer *t)
{
	struct back *b = OWNER(t, struct back, end);

	loop_stop(b->loop);
}

void
back_idle(struct back *b)
{
	if (!b->env->draining || b->ending || b->calls_live > 0)
		return;
	b->ending = true;
	while (b->hops != NULL)
		hop_close(b->hops, true);
	b->end.fire = end_now; /* the farewells need a moment to leave */
	loop_timer(b->loop, &b->end, 300 * MS);
}

static void
back_drain(struct role_env *e)
{
	e->draining = true;
	back_idle(self);
}

const struct role role_back = {
	.id = ROLE_BACK,
	.prepare = back_prepare,
	.link = back_link,
	.image = back_image,
	.drain = back_drain,
};
