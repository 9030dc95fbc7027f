/*
 * admit: who is it, and may this message stand at all?  Credentials, rates,
 * sessions.  A session is not authentication: every request is checked, and a
 * session of somebody else, or of another endpoint, does not exist.
 */
#include "line/line-in.h"

/* NULL: unknown, or none given where none is allowed. */
struct principal *
principal_of(struct line *l, const struct msg *m)
{
	const struct str cred = msg_text(m, F_CRED);

	if (cred.n == 32)
		return map_get(l->principals, cred);
	return msg_num(m, F_FLAGS) & MF_CRED ? NULL : l->anonymous;
}

static struct principal *
principal_named(struct line *l, struct str name)
{
	struct principal *p = map_get(l->names, name);

	if (p == NULL) {
		p = mem_get(sizeof(*p));
		p->name = str_keep(name);
		p->tokens = l->rate * 1000;
		p->filled = line_now(l);
		(void)map_put(l->names, name, p);
	}
	return p;
}

static void
mark_known(struct line *l)
{
	struct jit it = jit_of(jv_get(l->image, STR("principals")));
	struct principal *p;
	size_t at = 0;
	void *v = NULL;
	struct jv row;

	while (map_next(l->names, &at, NULL, &v)) {
		p = v;
		BUG_ON(p == NULL); /* map_put takes no NULL */
		p->known = p == l->anonymous;
		p->evaluates = false;
		p->identity = 0; /* whom it acts for may have changed */
	}
	for (at = 0; map_next(l->principals, &at, NULL, &v);) {
		p = v;
		p->known = true;
	}
	while (jit_next(&it, NULL, &row)) {
		p = map_get(l->names, jv_str(jv_get(row, STR("name"))));
		BUG_ON(p == NULL);
		p->evaluates = jv_true(jv_get(row, STR("evaluates")));
	}
}

/* Names outlive a reload: sessions and calls point at them. */
enum err
admit_setup(struct line *l, struct note *why)
{
	const struct str nobody = jv_str(jv_get(l->image, STR("anonymous")));
	struct jit it = jit_of(jv_get(l->image, STR("principals")));
	struct map *creds = map_new(0);
	struct jv v;

	if (l->names == NULL)
		l->names = map_new(0);
	while (jit_next(&it, NULL, &v)) {
		const struct str name = jv_str(jv_get(v, STR("name")));
		unsigned char cred[32];

		if (hex_bytes(jv_str(jv_get(v, STR("cred"))), cred,
			sizeof(cred)) != OK) {
			note_set(why, "principal %.*s: bad credential digest",
			    STR_ARG(name));
			map_free(creds);
			return ERR_SYNTAX;
		}
		(void)map_put(creds, (struct str){ (char *)cred, 32 },
		    principal_named(l, name));
	}
	map_free(l->principals);
	l->principals = creds;
	l->anonymous = nobody.n == 0 ? NULL : principal_named(l, nobody);
	mark_known(l);
	return OK;
}

void
admit_done(struct line *l)
{
	size_t at = 0;
	void *v;

	while (l->names != NULL && map_next(l->names, &at, NULL, &v)) {
		struct principal *p = v;

		drop(&p->name);
		mem_free(p->shown);
		plan_drop(&p->plan);
		mem_free(p);
	}
	map_free(l->names);
	map_free(l->principals);
}

/* A bucket that holds one second's worth of calls. */
bool
rate_ok(const struct line *l, struct principal *p, size_t n)
{
	const uint64_t now = line_now(l);
	const uint64_t full = l->rate * 1000;
	uint64_t gain;

	if (l->rate == 0)
		return true;
	gain = (now - p->filled) / 1000 * l->rate / 1000;
	if (gain > 0) {
		p->tokens = p->tokens + gain > full ? full : p->tokens + gain;
		p->filled = now;
	}
	if (p->tokens < 1000 * (uint64_t)n)
		return false;
	p->tokens -= 1000 * (uint64_t)n;
	return true;
}

static void
join(struct session *s, struct turn *t, const struct line *l)
{
	t->session = s;
	t->s_next = s->turns;
	t->s_prev = NULL;
	if (s->turns != NULL)
		s->turns->s_prev = t;
	s->turns = t;
	s->used = line_now(l);
}

static enum err
admit_session(struct line *l, struct turn *t)
{
	struct session *s;

	if (t->method == MCP_INITIALIZE)
		return session_room(l, t);
	if (t->session_id.n == 0 && !t->stdio)
		return turn_fail(
		    t, 400, MCP_E_REQUEST, "Mcp-Session-Id is missing");
	s = session_get(l, t->session_id, t->stdio, t->front);
	if (s == NULL && t->stdio && t->method == MCP_PING)
		return OK;
	if (s == NULL || s->principal != t->principal ||
	    s->endpoint != t->endpoint)
		return turn_fail(
		    t, t->stdio ? 400 : 404, MCP_E_STATE, "no such session");
	if (t->version.n > 0 && mcp_version(t->version) != s->version)
		return turn_fail(t, 400, MCP_E_REQUEST,
		    "MCP-Protocol-Version differs from the session's");
	if (turn_by_id(s, t->id_tape) != NULL)
		return turn_fail(t, 400, MCP_E_REQUEST,
		    "this request id is still unanswered");
	join(s, t, l);
	return OK;
}

enum err
step_admit(struct line *l, struct turn *t)
{
	const struct mcp_row *row = mcp_row(t->method);
	const unsigned era = t->era == MCP_MODERN ? MM : ML;

	if (t->endpoint == NULL)
		return turn_fail(t, 404, 0, "no such endpoint");
	if (t->principal == NULL)
		return turn_fail(t, 401, MCP_E_AUTH, "unknown credential");
	if (!rate_ok(l, t->principal, 1))
		return turn_fail(t, 429, MCP_E_BUSY, "rate limit");
	if (t->principal->inflight >= l->max_inflight)
		return turn_fail(t, 429, MCP_E_BUSY, "too many open requests");
	t->principal->inflight++;
	t->queued = true;
	if (t->era == MCP_LEGACY)
		TRY(admit_session(l, t));
	if (t->method == MCP_UNKNOWN ||
	    (row->flags & (era | M_UP)) != (era | M_UP) ||
	    (row->flags & M_NOTE))
		return turn_fail(t, t->era == MCP_MODERN ? 404 : 200,
		    MCP_E_METHOD, "Method not found");
	return OK;
}
