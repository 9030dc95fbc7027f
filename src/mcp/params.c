/*
 * params: what crosses from one hop to the next: params, results and errors,
 * rebuilt from the checked tree with this hop's own protocol members, and the
 * JSON text of whole messages.  Everything else is kept, in order, number by
 * its text.
 */
#include "mcp/mcp-in.h"

static bool
is_obj(struct jv v)
{
	return jv_is(v, J_OBJ);
}

/* Copies the members of obj for which drop() is false; returns how many. */
static size_t
copy_members(struct buf *t, struct jv obj,
    bool (*drop)(const void *arg, struct str key), const void *arg)
{
	struct jit it = jit_of(obj);
	struct str key;
	struct jv v;
	size_t n = 0;

	if (!is_obj(obj))
		return 0;
	while (jit_next(&it, &key, &v)) {
		if (drop(arg, key))
			continue;
		tape_key(t, key);
		tape_copy(t, v);
		n++;
	}
	return n;
}

static bool
drop_ours(const void *unused, struct str key)
{
	(void)unused;
	return meta_is_ours(key);
}

static bool
drop_meta(const void *unused, struct str key)
{
	(void)unused;
	return str_eq(key, STR("_meta"));
}

/* Tasks are of the core in one era and an extension in the other. */
static bool
drop_cap(const void *arg, struct str key)
{
	const enum mcp_era *era = arg;

	return str_eq(
	    key, *era == MCP_MODERN ? STR("tasks") : STR("extensions"));
}

void
mcp_caps_out(enum mcp_era era, struct jv caps, struct buf *tape)
{
	const size_t mark = tape_obj(tape);

	tape_end(tape, mark, copy_members(tape, caps, drop_cap, &era));
}

/* The _meta of an upstream request: the agent's own keys, then this hop's. */
static size_t
put_meta(struct buf *t, struct jv meta, const struct mcp_out *o)
{
	size_t n = copy_members(t, meta, drop_ours, NULL);

	if (o == NULL)
		return n;
	if (o->token != 0) {
		tape_key(t, META_TOKEN);
		tape_i64(t, (int64_t)(o->token & INT64_MAX));
		n++;
	}
	if (o->era != MCP_MODERN)
		return n;
	tape_key(t, META_VERSION);
	tape_str(t, MCP_MODERN_VERSION);
	tape_key(t, META_CAPS);
	mcp_caps_out(MCP_MODERN, o->caps, t);
	n += 2;
	if (is_obj(o->info)) {
		tape_key(t, META_INFO);
		tape_copy(t, o->info);
		n++;
	}
	if (o->log_level.n > 0) {
		tape_key(t, META_LEVEL);
		tape_str(t, o->log_level);
		n++;
	}
	return n;
}

static bool
meta_is_needed(struct jv meta, const struct mcp_out *o)
{
	struct jit it = jit_of(meta);
	struct str key;

	if (o != NULL && (o->era == MCP_MODERN || o->token != 0))
		return true;
	if (is_obj(meta))
		while (jit_next(&it, &key, NULL))
			if (!meta_is_ours(key))
				return true;
	return false;
}

/* Members stay where they were; a _meta that was not there comes last. */
static void
put_params(struct buf *t, struct jv params, const struct mcp_out *o)
{
	const struct jv meta = jv_get(params, STR("_meta"));
	size_t mark = tape_obj(t), inner, n;

	n = copy_members(t, params, drop_meta, NULL);
	if (meta_is_needed(meta, o)) {
		tape_key(t, STR("_meta"));
		inner = tape_obj(t);
		tape_end(t, inner, put_meta(t, meta, o));
		n++;
	}
	tape_end(t, mark, n);
}

void
mcp_params_canonical(struct jv params, struct buf *tape)
{
	/* most calls carry no _meta: one copy */
	if (is_obj(params) && jv_is(jv_get(params, STR("_meta")), J_NONE))
		tape_copy(tape, params);
	else
		put_params(tape, params, NULL);
}

void
mcp_params_out(struct jv params, const struct mcp_out *o, struct buf *tape)
{
	put_params(tape, params, o);
}

/* ---- results ---- */

struct result_how {
	enum mcp_era agent;
	bool cache;
};

static bool
drop_result(const void *arg, struct str key)
{
	const struct result_how *h = arg;

	if (str_eq(key, STR("resultType")))
		return h->agent == MCP_LEGACY;
	if (str_eq(key, STR("ttlMs")) || str_eq(key, STR("cacheScope")))
		return h->cache; /* written anew, or taken away */
	return false;
}

/* ttlMs as the upstream said if it can be meant, else 0: do not cache. */
static void
put_cache(struct buf *t, struct jv result)
{
	const struct jv ttl = jv_get(result, STR("ttlMs"));
	int64_t ms;

	tape_key(t, STR("ttlMs"));
	if (jv_is(ttl, J_NUM) && jv_i64(ttl, &ms) == OK && ms >= 0)
		tape_copy(t, ttl);
	else
		tape_i64(t, 0);
	/* What a policy filtered for one principal is nobody else's (N15). */
	tape_key(t, STR("cacheScope"));
	tape_str(t, STR("private"));
}

void
mcp_result_for(
    enum mcp_era agent, enum mcp_method m, struct jv result, struct buf *tape)
{
	const struct result_how how = { agent,
		(mcp_row(m)->flags & M_CACHE) != 0 };
	size_t mark, n;

	if (agent == MCP_LEGACY && is_obj(result) && !how.cache &&
	    jv_is(jv_get(result, STR("resultType")), J_NONE)) {
		tape_copy(tape, result);
		return;
	}
	mark = tape_obj(tape);
	n = copy_members(tape, result, drop_result, &how);
	if (agent == MCP_MODERN && how.cache) {
		put_cache(tape, result);
		n += 2;
	}
	if (agent == MCP_MODERN &&
	    !jv_is(jv_get(result, STR("resultType")), J_STR)) {
		tape_key(tape, STR("resultType"));
		tape_str(tape, STR("complete"));
		n++;
	}
	tape_end(tape, mark, n);
}

/* ---- errors ---- */

/* Codes that mean something in one era only, and what the other era hears.
 * MCP_E_INTERNAL: the code speaks of the upstream hop, not of the agent's. */
static const struct {
	int code, legacy, modern;
} code_map[] = {
	{ MCP_E_NO_RESOURCE, MCP_E_NO_RESOURCE, MCP_E_PARAMS },
	{ MCP_E_URL_FIRST, MCP_E_URL_FIRST, MCP_E_INTERNAL },
	{ MCP_E_HEADERS, MCP_E_INTERNAL, MCP_E_HEADERS },
	{ MCP_E_CAPABILITY, MCP_E_INTERNAL, MCP_E_CAPABILITY },
	{ MCP_E_VERSION, MCP_E_INTERNAL, MCP_E_VERSION },
};

static int64_t
code_for(enum mcp_era agent, struct jv error)
{
	int64_t code;

	if (jv_i64(jv_get(error, STR("code")), &code))
		return MCP_E_INTERNAL;
	for (size_t i = 0; i < countof(code_map); i++)
		if (code_map[i].code == code)
			return agent == MCP_MODERN ? code_map[i].modern
						   : code_map[i].legacy;
	if (code <= -32020 && code >= -32099)
		return MCP_E_INTERNAL; /* reserved, and without a meaning */
	return code;
}

void
mcp_error_for(
    enum mcp_era agent, enum mcp_method m, struct jv error, struct buf *tape)
{
	const struct jv text = jv_get(error, STR("message"));
	const struct jv data = jv_get(error, STR("data"));
	const size_t mark = tape_obj(tape);
	size_t n = 2;

	(void)m; /* no code depends on the method yet */
	tape_key(tape, STR("code"));
	tape_i64(tape, code_for(agent, error));
	tape_key(tape, STR("message"));
	tape_str(tape, jv_is(text, J_STR) ? jv_str(text) : STR("error"));
	if (!jv_is(data, J_NONE)) {
		tape_key(tape, STR("data"));
		tape_copy(tape, data);
		n++;
	}
	tape_end(tape, mark, n);
}

void
mcp_error_tape(struct buf *tape, int code, struct str message, struct jv data)
{
	const size_t mark = tape_obj(tape);
	const bool more = !jv_is(data, J_NONE);

	tape_key(tape, STR("code"));
	tape_i64(tape, code);
	tape_key(tape, STR("message"));
	tape_str(tape, message);
	if (more) {
		tape_key(tape, STR("data"));
		tape_copy(tape, data);
	}
	tape_end(tape, mark, more ? 3 : 2);
}

/* ---- the text of a message ---- */

static void
put_head(struct buf *out, struct jv id)
{
	buf_str(out, STR("{\"jsonrpc\":\"2.0\""));
	if (!jv_is(id, J_NONE)) {
		buf_str(out, STR(",\"id\":"));
		json_write(id, out);
	}
}

void
mcp_write_request(
    struct buf *out, struct jv id, struct str method, struct jv params)
{
	put_head(out, id);
	buf_str(out, STR(",\"method\":"));
	json_quote(method, out);
	if (!jv_is(params, J_NONE)) {
		buf_str(out, STR(",\"params\":"));
		json_write(params, out);
	}
	buf_ch(out, '}');
}

void
mcp_write_result(struct buf *out, struct jv id, struct jv result)
{
	put_head(out, id);
	buf_str(out, STR(",\"result\":"));
	json_write(result, out);
	buf_ch(out, '}');
}

void
mcp_write_error(struct buf *out, struct jv id, struct jv error)
{
	put_head(out, id);
	buf_str(out, STR(",\"error\":"));
	json_write(error, out);
	buf_ch(out, '}');
}
