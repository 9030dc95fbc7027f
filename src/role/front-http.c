/*
 * front-http: what an agent's HTTP head must be before its body is looked at.
 * Pure: a head and the configuration in, views or a refusal out.  Headers that
 * are not named here are not heard; a token in a query is never heard.
 */
#include "role/front-in.h"

static uint64_t
limit(struct jv limits, const char *name, uint64_t otherwise)
{
	int64_t v;

	if (jv_i64(jv_get(limits, str_of(name)), &v) != OK || v <= 0)
		return otherwise;
	return (uint64_t)v;
}

static bool
any_stdio(struct jv servers, struct jv which)
{
	struct jit it = jit_of(which);
	struct jv i;

	while (jit_next(&it, NULL, &i)) {
		struct jit s = jit_of(servers);
		struct jv v = { NULL, 0 };
		int64_t n;

		if (jv_i64(i, &n) != OK)
			continue;
		while (n-- >= 0 && jit_next(&s, NULL, &v))
			;
		if (str_eq(jv_str(jv_get(v, STR("kind"))), STR("stdio")))
			return true;
	}
	return false;
}

static void
find_pipes(struct jv image, struct front_conf *out)
{
	const struct jv servers = jv_get(image, STR("servers"));
	struct jit it = jit_of(out->endpoints);
	struct jv v;

	for (size_t n = 0;
	     n < 64 * countof(out->pipes) && jit_next(&it, NULL, &v); n++)
		if (any_stdio(servers, jv_get(v, STR("servers"))))
			out->pipes[n / 64] |= UINT64_C(1) << n % 64;
}

void
front_conf_of(struct jv image, struct front_conf *out)
{
	const struct jv l = jv_get(image, STR("limits"));

	*out = (struct front_conf){
		.hosts = jv_get(image, STR("hosts")),
		.origins = jv_get(image, STR("origins")),
		.endpoints = jv_get(image, STR("endpoints")),
		.body = limit(l, "body", 4 << 20),
		.head = limit(l, "head", HTTP_HEAD_MAX),
		.connections = limit(l, "connections", 1024),
		.streams = limit(l, "streams", 256),
		.idle_ns = limit(l, "idle_ms", 60000) * FRONT_MS,
		.call_ns = limit(l, "call_max_ms", 600000) * FRONT_MS,
		.json = { limit(l, "depth", json_default.depth),
		    limit(l, "members", json_default.members),
		    limit(l, "string", json_default.string) },
		.tls = jv_is(jv_get(image, STR("tls")), J_OBJ),
		.events = jv_true(jv_get(image, STR("plans"))),
	};
	if (out->head > HTTP_HEAD_MAX)
		out->head = HTTP_HEAD_MAX;
	find_pipes(image, out);
}

static enum err
no(struct front_no *n, unsigned status, int code, const char *why)
{
	*n = (struct front_no){ status, code, why };
	return ERR_DENIED;
}

/* Where s stands in a list of texts, from 1; 0: nowhere. */
static size_t
listed(struct jv list, struct str s, bool fold)
{
	struct jit it = jit_of(list);
	struct jv v;
	size_t i = 0;

	while (jit_next(&it, NULL, &v)) {
		const struct str t = jv_str(v);

		i++;
		if (fold ? str_ieq(t, s) : str_eq(t, s))
			return i;
	}
	return 0;
}

/* A1 A2: against rebinding; on every request, whatever its method. */
static enum err
check_source(const struct front_conf *c, const struct http_head *h,
    struct front_head *out, struct front_no *n)
{
	bool many = false;
	const struct str host = http_get(h, STR("host"), NULL);
	size_t at;

	if (!listed(c->hosts, host, true))
		return no(n, 403, 0, "this Host is not served");
	out->origin = http_get(h, STR("origin"), &many);
	if (many)
		return no(n, 403, 0, "Origin twice");
	if (out->origin.p == NULL)
		return OK; /* not a browser */
	at = listed(c->origins, out->origin, false);
	if (at == 0 || at > UINT16_MAX)
		return no(n, 403, 0, "this Origin is not allowed");
	out->origin_at = (uint16_t)at;
	return OK;
}

/* Exactly: no folding, no unescaping, no trailing slash.  A query is not heard,
 * whatever it says. */
static enum err
check_path(const struct front_conf *c, const struct http_head *h,
    struct front_head *out, struct front_no *n)
{
	const struct str path = str_sub(h->target, 0, str_find(h->target, '?'));
	struct jit it = jit_of(c->endpoints);
	struct jv v;

	for (out->where = 0; jit_next(&it, NULL, &v); out->where++)
		if (str_eq(jv_str(jv_get(v, STR("path"))), path))
			return OK;
	out->where = 0; /* that of all servers */
	out->event = c->events && str_eq(path, STR("/v1/events"));
	return out->event ? OK : no(n, 404, 0, "no such endpoint");
}

static const struct {
	struct str method;
	enum front_verb verb;
} verbs[] = {
	{ STR_INIT("POST"), VERB_POST },
	{ STR_INIT("GET"), VERB_GET },
	{ STR_INIT("DELETE"), VERB_DELETE },
	{ STR_INIT("OPTIONS"), VERB_OPTIONS },
};

static enum err
check_method(
    const struct http_head *h, struct front_head *out, struct front_no *n)
{
	size_t i = 0;

	while (i < countof(verbs) && !str_eq(h->method, verbs[i].method))
		i++;
	if (i == countof(verbs))
		return no(n, 405, 0, "this method is not served");
	out->verb = verbs[i].verb;
	if (out->event && out->verb != VERB_POST && out->verb != VERB_OPTIONS)
		return no(n, 405, 0, "events are posted");
	if (out->verb == VERB_OPTIONS &&
	    (out->origin_at == 0 ||
		http_get(h, STR("access-control-request-method"), NULL).n == 0))
		return no(n, 405, 0, "OPTIONS is for preflights alone");
	if (out->verb != VERB_POST && h->length != 0)
		return no(n, 400, 0, "a body where none is read");
	return OK;
}

static enum err
check_token(
    const struct http_head *h, struct front_head *out, struct front_no *n)
{
	const char *why = "";
	const unsigned status = head_bearer(h, &out->token, &why);

	/* whether anonymous may is the judge's to say */
	return status == 0 ? OK : no(n, status, 0, why);
}

/* A4 A5 */
static enum err
check_type(const struct http_head *h, struct front_no *n)
{
	const char *why = "";

	return head_is_json(h, &why) ? OK : no(n, 415, 0, why);
}

/* A14: lenient; nothing said means both. */
static bool
accepts_events(const struct http_head *h)
{
	bool many = false;
	struct str rest = http_get(h, STR("accept"), &many), part;

	if (many || rest.n == 0)
		return true;
	while (str_split(&rest, ',', &part)) {
		const struct str t =
		    str_trim(str_sub(part, 0, str_find(part, ';')));

		if (str_ieq(t, STR("text/event-stream")) ||
		    str_eq(t, STR("*/*")) || str_ieq(t, STR("text/*")))
			return true;
	}
	return false;
}

static const struct str param = STR_INIT("mcp-param-");

static bool
is_param(struct str name)
{
	return name.n > param.n && str_ieq(str_sub(name, 0, param.n), param);
}

static void
read_heads(const struct http_head *h, struct front_head *out)
{
	struct mcp_heads *m = &out->heads;
	const struct {
		struct str name, *to;
	} take[] = {
		{ STR("mcp-protocol-version"), &m->version },
		{ STR("mcp-method"), &m->method },
		{ STR("mcp-name"), &m->name },
		{ STR("mcp-session-id"), &m->session },
		{ STR("last-event-id"), &out->last_event },
	};

	m->http = true;
	for (size_t i = 0; i < countof(take); i++) {
		bool many = false;

		*take[i].to = http_get(h, take[i].name, &many);
		m->repeated |= many;
	}
	for (size_t i = 0; i < h->n; i++)
		out->param |= is_param(h->at[i].name);
}

/* GET and DELETE are legacy, and about a session; an event may be. */
static enum err
check_session(const struct front_head *out, struct front_no *n)
{
	const struct mcp_heads *m = &out->heads;

	if (!out->event &&
	    (m->session.n == 0 || str_eq(m->version, MCP_MODERN_VERSION)))
		return no(n, 405, 0, "POST alone is served without a session");
	if (m->repeated || m->session.n > MCP_SESSION_MAX ||
	    out->last_event.n > MCP_SESSION_MAX ||
	    (m->version.n > 0 && mcp_version(m->version) < 0))
		return no(n, 400, 0, "a bad session, event or version header");
	for (size_t i = 0; i < m->session.n; i++)
		if (m->session.p[i] < 0x21 || m->session.p[i] > 0x7e)
			return no(n, 400, 0, "Mcp-Session-Id is malformed");
	if (out->verb == VERB_GET && !out->sse)
		return no(n, 406, 0, "a stream is text/event-stream");
	return OK;
}

NODISCARD enum err
front_head_check(const struct front_conf *c, const struct http_head *h,
    struct front_head *out, struct front_no *n)
{
	*out = (struct front_head){ 0 };
	TRY(check_source(c, h, out, n));
	TRY(check_path(c, h, out, n));
	TRY(check_method(h, out, n));
	if (out->verb == VERB_OPTIONS)
		return OK;
	TRY(check_token(h, out, n));
	if (out->verb == VERB_POST)
		TRY(check_type(h, n));
	out->sse = accepts_events(h);
	read_heads(h, out);
	if (out->verb != VERB_POST || out->event)
		TRY(check_session(out, n));
	if (out->verb == VERB_POST && h->length != (uint64_t)HTTP_CHUNKED &&
	    h->length > c->body)
		return no(n, 413, 0, "the body is too large");
	return OK;
}

/* The same name came before, or comes again. */
static bool
is_repeated(const struct http_head *h, size_t at)
{
	for (size_t i = 0; i < h->n; i++)
		if (i != at && str_ieq(h->at[i].name, h->at[at].name))
			return true;
	return false;
}

static bool
is_first(const struct http_head *h, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (str_ieq(h->at[i].name, h->at[at].name))
			return false;
	return true;
}

void
front_param_heads(const struct http_head *h, struct buf *tape)
{
	struct buf value = { .max = HTTP_HEAD_MAX };
	const size_t mark = tape_obj(tape);
	size_t n = 0;

	for (size_t i = 0; i < h->n; i++) {
		const struct http_header *f = &h->at[i];

		if (!is_param(f->name) || !is_first(h, i))
			continue;
		buf_clear(&value);
		tape_key(tape, str_sub(f->name, param.n, f->name.n));
		if (is_repeated(h, i) ||
		    mcp_head_decode(f->value, &value) != OK)
			tape_null(tape);
		else
			tape_str(tape, buf_view(&value));
		n++;
	}
	tape_end(tape, mark, n);
	buf_done(&value);
}

static const struct str allowed[] = {
	STR_INIT("content-type"),
	STR_INIT("accept"),
	STR_INIT("authorization"),
	STR_INIT("last-event-id"),
	STR_INIT("mcp-protocol-version"),
	STR_INIT("mcp-session-id"),
	STR_INIT("mcp-method"),
	STR_INIT("mcp-name"),
};

void
front_allow_headers(const struct http_head *h, struct buf *out)
{
	struct str rest =
	    http_get(h, STR("access-control-request-headers"), NULL);
	struct str one;

	for (size_t i = 0; i < countof(allowed); i++) {
		buf_str(out, i == 0 ? STR("") : STR(", "));
		buf_str(out, allowed[i]);
	}
	while (str_split(&rest, ',', &one)) {
		one = str_trim(one);
		if (!is_param(one) || !head_is_token68(one))
			continue;
		buf_str(out, STR(", "));
		buf_str(out, one);
	}
}
