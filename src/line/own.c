/*
 * own: the gateway's own tool.  gatehouse___plan stands in lists of the
 * endpoint of all servers, where the setting plans says so and policy lets the
 * agent use it; a call of it is admitted, decided and recorded as any other, as
 * tool "plan" of server "gatehouse", and answered here.
 */
#include "line/line-in.h"

static const struct str own_tool = STR_INIT("plan");

/* As a server's row of the image. */
static const char conf_text[] =
    "{\"annotations\":\"ignored\",\"arguments\":\"typed\",\"read_only\":"
    "[\"plan\"],\"sandbox\":\"closed\"}";

static const char tool_text[] =
    "{\"name\":\"plan\",\"title\":\"State input and plan\",\"description\":"
    "\"Tells the gateway what you work on (input) and which tools you mean to "
    "call (plan), before you do. It is recorded as your own statement and "
    "permits nothing. A new plan takes the place of the last.\","
    "\"inputSchema\":{\"type\":\"object\",\"additionalProperties\":false,"
    "\"properties\":{\"input\":{\"type\":\"string\",\"description\":\"What you "
    "were asked to do\"},\"plan\":{\"type\":\"array\",\"description\":\"The "
    "steps, in order; name one in _meta as io.gatehouse/planStep when you "
    "call its tool\",\"items\":{\"type\":\"object\",\"additionalProperties\":"
    "false,\"properties\":{\"step\":{\"type\":\"string\",\"description\":\"Its "
    "name\"},\"tool\":{\"type\":\"string\",\"description\":\"The tool, as "
    "listed\"},\"why\":{\"type\":\"string\",\"description\":\"What it is "
    "for\"}},\"required\":[\"step\",\"tool\"]}}}}}";

static struct str
tape_kept(const char *json)
{
	struct buf b = { .max = 1 << 16 };
	struct str kept;

	BUG_ON(json_parse(str_of(json), &json_default, &b, NULL) != OK);
	kept = str_keep(buf_view(&b));
	buf_done(&b);
	return kept;
}

void
own_setup(struct line *l)
{
	struct upstream *u = &l->own;

	l->own_conf = tape_kept(conf_text);
	l->own_def = tape_kept(tool_text);
	u->index = SERVERS_MAX; /* no other's, and no bit */
	u->name = OWN_SERVER;
	u->conf = jv_of(l->own_conf);
	u->terms = terms_of(u->conf);
	u->tools = map_new(0);
	u->listed = true;
}

void
own_done(struct line *l)
{
	size_t at = 0;
	void *v;

	while (l->own.tools != NULL && map_next(l->own.tools, &at, NULL, &v))
		tool_free(v);
	map_free(l->own.tools);
	drop(&l->own_conf);
	drop(&l->own_def);
}

bool
own_is(const struct line *l, const struct turn *t, struct str name)
{
	return l->plans && t->endpoint->aggregate &&
	       t->method == MCP_TOOLS_CALL &&
	       str_eq(name, STR("gatehouse___plan"));
}

/* Its definition goes on record like every other tool's. */
static void
learn(struct line *l)
{
	unsigned found = 0;
	const struct learning how = { true, NULL, &found };

	tool_learn(l, &l->own, jv_of(l->own_def), &how);
}

enum err
own_route(struct line *l, struct turn *t)
{
	learn(l);
	t->own = true;
	t->name = own_tool;
	t->target[t->target_n++] = &l->own;
	return bound_ok(t);
}

bool
own_shown(struct line *l, struct turn *t)
{
	if (!l->plans || !may(l, t->principal, &l->own,
			     mcp_row(MCP_TOOLS_CALL)->text, own_tool))
		return false;
	learn(l);
	put_renamed(&t->out, jv_of(l->own_def), "name", OWN_SERVER);
	return true;
}

/* {"content":[{"type":"text","text":...}],"structuredContent":{...}} */
static void
answer(const struct line *l, struct buf *b, uint64_t seq)
{
	const size_t o = tape_obj(b);
	struct note text;
	size_t m, i;

	note_set(&text, "recorded: cell %u, record %llu", l->cell,
	    (unsigned long long)seq);
	tape_key(b, STR("content"));
	m = tape_arr(b);
	i = tape_obj(b);
	tape_key(b, STR("type"));
	tape_str(b, STR("text"));
	tape_key(b, STR("text"));
	tape_str(b, str_of(text.text));
	tape_end(b, i, 2);
	tape_end(b, m, 1);
	tape_key(b, STR("structuredContent"));
	i = tape_obj(b);
	tape_key(b, STR("cell"));
	tape_i64(b, (int64_t)l->cell);
	tape_key(b, STR("record"));
	tape_i64(b, (int64_t)seq);
	tape_end(b, i, 2);
	tape_end(b, o, 2);
}

enum err
own_call(struct line *l, struct turn *t)
{
	const struct jv args = jv_get(t->params, STR("arguments"));
	const struct jv input = jv_get(args, STR("input"));
	const struct jv plan = jv_get(args, STR("plan"));
	const size_t n = !jv_is(input, J_NONE) + (size_t)!jv_is(plan, J_NONE);

	if (n == 0 || !jv_is(args, J_OBJ) || jv_count(args) != n)
		return turn_fail(t, 0, MCP_E_PARAMS,
		    "the arguments are input, plan or both");
	TRY(plan_state(l, t, input, plan));
	answer(l, &t->out, l->seq);
	return buf_end(&t->out);
}
