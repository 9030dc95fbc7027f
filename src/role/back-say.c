/*
 * back-say.c: the text of what we send, into b->text, and of the modern era's
 * mirrored headers, into b->heads.  Built from typed trees alone: no byte that
 * arrived is ever copied to the other side.
 */
#include "role/back-in.h"

/* What we are, where the judge gave no clientInfo. */
static void
put_self(struct buf *t)
{
	const size_t mark = tape_obj(t);

	tape_key(t, STR("name"));
	tape_str(t, STR("gatehouse"));
	tape_key(t, STR("version"));
	tape_str(t, STR("1"));
	tape_end(t, mark, 2);
}

/* b->params holds the params' tape from 0, then the id's. */
static enum err
write_request(struct call *c, struct str method, bool bare)
{
	struct back *b = c->b;
	const size_t at = b->params.n;
	struct str all;

	tape_i64(&b->params, (int64_t)c->id);
	TRY(buf_end(&b->params));
	all = buf_view(&b->params);
	buf_clear(&b->text);
	mcp_write_request(&b->text, jv_of(str_sub(all, at, all.n - at)), method,
	    bare ? (struct jv){ NULL, 0 } : jv_of(str_sub(all, 0, at)));
	return buf_end(&b->text);
}

/* ---- mirrored headers ---- */

static bool
is_token(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f ||
		    strchr("\"(),/:;<=>?@[\\]{}", s.p[i]) != NULL)
			return false;
	return s.n > 0;
}

static void
put_head(struct buf *out, struct str name, struct str value)
{
	buf_str(out, name);
	buf_str(out, STR(": "));
	mcp_head_encode(value, out);
	buf_str(out, STR("\r\n"));
}

/* Mcp-Method, Mcp-Name and Mcp-Param-*, from the params that are sent. */
static enum err
mirror(struct back *b, enum mcp_method m, struct str method, struct jv params,
    struct jv heads)
{
	const struct mcp_row *row = mcp_row(m);
	struct jit it = jit_of(heads);
	struct str key;
	struct jv v;

	buf_clear(&b->heads);
	put_head(&b->heads, STR("Mcp-Method"), method);
	if (row->name_at != NULL)
		put_head(&b->heads, STR("Mcp-Name"),
		    jv_str(jv_get(params, str_of(row->name_at))));
	while (jit_next(&it, &key, &v)) {
		if (!is_token(key) || !jv_is(v, J_STR))
			return ERR_SYNTAX;
		buf_str(&b->heads, STR("Mcp-Param-"));
		put_head(&b->heads, key, jv_str(v));
	}
	return buf_end(&b->heads);
}

/* ---- messages ---- */

static struct str
method_text(const struct msg *m)
{
	const enum mcp_method k = (enum mcp_method)msg_num(m, F_METHOD);

	if (k == MCP_UNKNOWN || k >= MCP__N)
		return msg_text(m, F_NAME);
	return mcp_row(k)->text;
}

NODISCARD enum err
say_call(struct call *c, const struct msg *m)
{
	struct back *b = c->b;
	const struct jv params = msg_tree(m, F_PARAMS);
	const bool modern = c->hop->era == ERA_MODERN;
	const struct mcp_out o = {
		.era = modern ? MCP_MODERN : MCP_LEGACY,
		.caps = msg_tree(m, F_CAPS),
		.info = msg_tree(m, F_INFO),
		.log_level = msg_text(m, F_TEXT),
		.token = c->progress ? c->num : 0,
	};
	const struct str method = method_text(m);
	const bool bare = !modern && !c->progress && jv_is(params, J_NONE);

	if (method.n == 0)
		return ERR_SYNTAX;
	buf_clear(&b->params);
	mcp_params_out(params, &o, &b->params);
	TRY(buf_end(&b->params));
	buf_clear(&b->heads);
	if (modern && b->http)
		TRY(mirror(b, c->method, method, jv_of(buf_view(&b->params)),
		    msg_tree(m, F_HEADS)));
	return write_request(c, method, bare);
}

NODISCARD enum err
say_discover(struct call *c)
{
	struct back *b = c->b;
	const struct mcp_out o = {
		.era = MCP_MODERN,
		.caps = jv_of(buf_view(&c->hop->caps)),
		.info = jv_of(buf_view(&c->hop->info)),
	};

	buf_clear(&b->params);
	mcp_params_out((struct jv){ NULL, 0 }, &o, &b->params);
	TRY(mirror(b, MCP_DISCOVER, mcp_row(MCP_DISCOVER)->text,
	    jv_of(buf_view(&b->params)), (struct jv){ NULL, 0 }));
	return write_request(c, mcp_row(MCP_DISCOVER)->text, false);
}

/* The agent's own version when it has one we can ask for, else our latest. */
static struct str
version_to_ask(const struct hop *h)
{
	const struct str wish = buf_view(&h->wish);
	const int v = mcp_version(wish);

	return v >= 0 && v < MCP_V_2026_07_28 ? wish : MCP_LATEST_LEGACY;
}

NODISCARD enum err
say_initialize(struct call *c)
{
	struct back *b = c->b;
	const struct hop *h = c->hop;
	size_t mark;

	buf_clear(&b->params);
	mark = tape_obj(&b->params);
	tape_key(&b->params, STR("protocolVersion"));
	tape_str(&b->params, version_to_ask(h));
	tape_key(&b->params, STR("capabilities"));
	mcp_caps_out(MCP_LEGACY, jv_of(buf_view(&h->caps)), &b->params);
	tape_key(&b->params, STR("clientInfo"));
	if (h->info.n > 0)
		tape_copy(&b->params, jv_of(buf_view(&h->info)));
	else
		put_self(&b->params);
	tape_end(&b->params, mark, 3);
	buf_clear(&b->heads);
	return write_request(c, mcp_row(MCP_INITIALIZE)->text, false);
}

void
say_notice(struct back *b, struct str method, struct jv params)
{
	buf_clear(&b->heads);
	buf_clear(&b->text);
	mcp_write_request(&b->text, (struct jv){ NULL, 0 }, method, params);
}

void
say_cancelled(struct back *b, uint64_t id, struct str reason)
{
	size_t mark;

	buf_clear(&b->params);
	mark = tape_obj(&b->params);
	tape_key(&b->params, STR("requestId"));
	tape_i64(&b->params, (int64_t)id);
	if (reason.n > 0) {
		tape_key(&b->params, STR("reason"));
		tape_str(&b->params, reason);
	}
	tape_end(&b->params, mark, reason.n > 0 ? 2 : 1);
	say_notice(
	    b, mcp_row(MCP_CANCELLED)->text, jv_of(buf_view(&b->params)));
}
