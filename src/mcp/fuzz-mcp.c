/*
 * fuzz-mcp: any JSON text as an agent's and a server's message in every mode,
 * and whatever stands is carried over a hop and must be a good tape again.
 */
#include "mcp/mcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static struct buf tape = { .max = 1 << 20 }, out = { .max = 1 << 22 };
static struct mcp_fail fail;

static void
must_be_good(struct buf *b)
{
	if (b->full)
		return;
	BUG_ON(tape_check(buf_view(b), &json_default) != OK);
	buf_clear(b);
}

static void
carry(const struct mcp_in *in)
{
	const struct mcp_out how = { in->era, in->caps, in->info, in->log_level,
		7 };
	struct note why;

	mcp_params_canonical(in->params, &out);
	must_be_good(&out);
	mcp_params_out(in->params, &how, &out);
	must_be_good(&out);
	for (int era = MCP_LEGACY; era <= MCP_MODERN; era++) {
		mcp_result_for((enum mcp_era)era, in->method, in->result, &out);
		must_be_good(&out);
		mcp_error_for((enum mcp_era)era, in->method, in->error, &out);
		must_be_good(&out);
		(void)!mcp_result_check(
		    (enum mcp_era)era, in->method, in->result, in->caps, &why);
	}
	buf_clear(&out);
}

/* The message's own strings serve as headers: so they can agree. */
static void
as_agent(struct jv v, bool http, bool modern)
{
	struct mcp_heads h = { .http = http };
	struct mcp_in in;

	h.version = modern ? MCP_MODERN_VERSION : STR("2025-11-25");
	h.session = STR("0-x");
	h.method = jv_str(jv_get(v, STR("method")));
	h.name = jv_str(jv_at(v, "params/name"));
	if (mcp_read_agent(v, &h, &in, &fail) == OK)
		carry(&in);
	else if (fail.data.n > 0)
		BUG_ON(tape_check(buf_view(&fail.data), &json_default) != OK);
}

static void
heads(struct jv v, struct str text)
{
	struct note why;
	struct buf h = { .max = 1 << 16 };

	if (mcp_tool_headers(v, &h, &why) == OK) {
		mcp_heads_make(jv_of(buf_view(&h)), v, &out);
		must_be_good(&out);
		(void)!mcp_heads_agree(jv_of(buf_view(&h)), v, v, &why);
	}
	buf_clear(&h);
	mcp_head_encode(text, &out);
	if (!out.full && utf8_ok(text)) {
		BUG_ON(mcp_head_decode(buf_view(&out), &h) != OK &&
		       text.n < 1 << 15);
		BUG_ON(!h.full && !str_eq(buf_view(&h), text));
	}
	buf_clear(&out);
	buf_done(&h);
}

/* Compiled, it is read again whole; any bytes are read to their end. */
static void
bounded(struct jv v, struct str text)
{
	struct buf b = { .max = 8 << 20 };
	struct jv arr = jv_is(v, J_ARR) ? v : jv_get(v, STR("tools"));
	struct bounds one;
	struct cur c;
	size_t n = 0;

	bounds_put(arr, (text.n & 1) != 0, &b);
	c = cur_of(b.p, b.n);
	while (bounds_next(&c, &one))
		n++;
	BUG_ON(n != (jv_is(arr, J_ARR) ? jv_count(arr) : n));
	c = cur_of(text.p, text.n);
	while (bounds_next(&c, &one))
		BUG_ON(one.image.n + one.why.n > text.n);
	buf_done(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const struct str text = { (const char *)p, n };
	struct mcp_in in;
	struct note why;
	struct jv v;

	buf_clear(&tape);
	if (json_parse(text, &json_default, &tape, &why) != OK)
		return 0;
	v = jv_of(buf_view(&tape));
	as_agent(v, true, true);
	as_agent(v, true, false);
	as_agent(v, false, false);
	for (int era = MCP_LEGACY; era <= MCP_MODERN; era++)
		if (mcp_read_server(v, (enum mcp_era)era, &in, &why) == OK)
			carry(&in);
	heads(v, text);
	bounded(v, text);
	return 0;
}
