/*
 * schema.c: the schema that policies are checked with: the gateway's own types,
 * an action for each tool that a server shows, and the facts that the
 * configuration declares.  It says what world.c and typed.c build for a call.
 */
#include "authority/authority-in.h"

enum { SCHEMA_BYTES = 64 << 20 };

/* What an inventory may say of each. */
#define SAID                                                                   \
	"version?: String, owner?: String, sponsor?: String, purpose?: "       \
	"String, environment?: String, classification?: String };\n"
#define NAMED "= { name: String, " SAID
#define THING "in [Server] = { server: String, name: String, " SAID
#define ON(res)                                                                \
	" appliesTo { principal: [Agent, User], resource: [" res "], "         \
	"context: Context };\n"
/* Tools that nobody has shown yet may be in each. */
#define GROUP(name) "@mcp_group action \"" name "\"" ON("Tool")
static const char stub_context[] = /* up to what others may know */
    "namespace Gatehouse {\n"
    "@mcp_context(\"call\") type Call = { principal: String, server: String, "
    "method: String, name: String };\n"
    "type Risk = { read: Long, write: Long, destructive: Long, egress: Long, "
    "money: Long };\n"
    "@mcp_context(\"session\") type Session = { labels: Set<String>, calls: "
    "Long, refusals: Long, servers: Long, risk: Risk, sandbox: String, plan: "
    "String, now: datetime, hour: Long, weekday: Long };\n"
    "@mcp_context(\"datasets\") type Datasets = Set<Dataset>;\n"
    "@mcp_context(\"labels\") type Labels = Set<String>;\n"
    "@mcp_context(\"chain_agents\") type Agents = Set<Agent>;\n"
    "@mcp_context(\"chain_depth\") type Depth = Long;\n"
    "type Context = { call: Call, session: Session, datasets: Datasets, "
    "labels: Labels, chain_agents: Agents, chain_depth: Depth, on_behalf_of?: "
    "User, model?: Model";
/* ... and then */
static const char stub_rest[] =
    " };\n"
    "entity AgentClass; entity Null;\n"
    "@mcp_principal entity User " NAMED
    "@mcp_principal entity Agent in [AgentClass, User] " NAMED
    "entity Dataset " NAMED "entity Model in [Server] " NAMED
    "entity Server = { server: String, " SAID "@mcp_resource entity Tool " THING
    "entity Prompt " THING "entity Resource " THING
    "@mcp_action action \"call_tool\"" ON("Tool") GROUP("read") GROUP(
	"write") GROUP("destructive") GROUP("egress")
	GROUP("money") "action \"get_prompt\"" ON(
	    "Prompt") "action \"read_resource\", \"subscribe\", "
		      "\"unsubscribe\", "
		      "\"complete\"" ON("Resource") "action \"use_model\"" ON(
			  "Model") "action \"get_task\", \"get_task_result\" "
				   "in [\"read\"]" ON(
				       "Tool") "action "
					       "\"update_task\", "
					       "\"cancel_task\" in "
					       "[\"write\"]" ON("Tool") "}\n";

/* ---- what is added to each tool's context ---- */

static struct jv
server_named(struct jv image, struct str name)
{
	struct jit it = jit_of(jv_get(image, STR("servers")));
	struct jv v;

	while (jit_next(&it, NULL, &v))
		if (str_eq(jv_str(jv_get(v, STR("name"))), name))
			return v;
	return (struct jv){ NULL, 0 };
}

struct making {
	struct jv image, tools;
};

static struct jv
definition(struct jv tools, struct str server, struct str name)
{
	struct jit it = jit_of(jv_get(tools, server));
	struct jv v;

	while (jit_next(&it, NULL, &v))
		if (str_eq(jv_str(jv_get(v, STR("name"))), name))
			return v;
	return (struct jv){ NULL, 0 };
}

/* What the configuration says of action "fs___read" under key. */
static struct jv
said_of(struct jv image, struct str action, const char *key)
{
	const size_t at = str_search(action, STR("___"));
	const struct jv s = server_named(image, str_sub(action, 0, at));

	if (at == action.n)
		return (struct jv){ NULL, 0 };
	return jv_get(
	    jv_get(s, str_of(key)), str_sub(action, at + 3, action.n));
}

/* Groups that the tool may be in: all of the worst case where nobody says. */
static bool
in_group(void *arg, struct str tool, struct str action)
{
	const struct making *k = arg;
	const size_t at = str_search(tool, STR("___"));
	const struct str server = str_sub(tool, 0, at);
	struct call c = { .name = str_sub(tool, at + 3, tool.n) };

	const struct terms d = terms_of(server_named(k->image, server));

	call_terms(&d, definition(k->tools, server, c.name), &c);
	if (c.guessed)
		risk_assume(&c, RISK_ALL);
	for (size_t i = 0; i < c.risk_n; i++)
		if (str_eq(c.risk[i], action))
			return true;
	return false;
}

/* "key": {"type": ..., "required": ...} with a plain type, or a set of one. */
static void
put_member(
    struct buf *b, struct str key, enum fact_type t, bool set, bool required)
{
	static const struct str types[] = {
		[FACT_BOOL] = STR_INIT("__cedar::Bool"),
		[FACT_LONG] = STR_INIT("__cedar::Long"),
		[FACT_TEXT] = STR_INIT("__cedar::String"),
		[FACT_SET] = STR_INIT("__cedar::String"),
		[FACT_IP] = STR_INIT("__cedar::ipaddr"),
	};
	size_t o, el;

	tape_key(b, key);
	o = tape_obj(b);
	tape_key(b, STR("type"));
	tape_str(b, set ? STR("Set") : STR("EntityOrCommon"));
	if (set) {
		tape_key(b, STR("element"));
		el = tape_obj(b);
		tape_key(b, STR("type"));
		tape_str(b, STR("EntityOrCommon"));
		tape_key(b, STR("name"));
		tape_str(b, types[t]);
		tape_end(b, el, 2);
	} else {
		tape_key(b, STR("name"));
		tape_str(b, types[t]);
	}
	tape_key(b, STR("required"));
	tape_bool(b, required);
	tape_end(b, o, 3);
}

static void
put_type(struct buf *b, struct str key, enum fact_type t, bool required)
{
	put_member(b, key, t, t == FACT_SET, required);
}

static size_t
record_open(struct buf *b, struct str key, bool required, size_t *attrs)
{
	size_t o;

	tape_key(b, key);
	o = tape_obj(b);
	tape_key(b, STR("type"));
	tape_str(b, STR("Record"));
	tape_key(b, STR("required"));
	tape_bool(b, required);
	tape_key(b, STR("attributes"));
	*attrs = tape_obj(b);
	return o;
}

/* The facts of one value. */
static void
put_one(struct buf *b, struct str arg, enum fact_kind k)
{
	size_t shapes_n = 0, attrs;
	const struct fact_shape *s = fact_shapes(k, &shapes_n);
	const size_t o = record_open(b, arg, false, &attrs);

	for (size_t i = 0; i < shapes_n; i++)
		put_type(b, s[i].name, s[i].type, !s[i].optional);
	tape_end(b, attrs, shapes_n);
	tape_end(b, o, 3);
}

/* Those of a list: listed.c. */
static void
put_list(struct buf *b, struct str arg, enum fact_kind k)
{
	size_t shapes_n = 0, attrs, of, in, n = 0;
	const struct fact_shape *s = fact_shapes(k, &shapes_n);
	const size_t o = record_open(b, arg, false, &attrs);

	put_type(b, STR("n"), FACT_LONG, true);
	of = record_open(b, STR("each"), true, &in);
	for (size_t i = 0; i < shapes_n; i++)
		put_member(b, s[i].name, s[i].type, true, !s[i].optional);
	tape_end(b, in, shapes_n);
	tape_end(b, of, 3);
	of = record_open(b, STR("all"), true, &in);
	for (size_t i = 0; i < shapes_n; i++)
		if (s[i].type == FACT_SET) {
			put_type(b, s[i].name, FACT_SET, true);
			n++;
		}
	tape_end(b, in, n);
	tape_end(b, of, 3);
	tape_end(b, attrs, 3);
	tape_end(b, o, 3);
}

static void
put_derived(struct buf *b, struct jv facts)
{
	struct jit it = jit_of(facts);
	const size_t most = jv_count(facts);
	size_t attrs;
	const size_t o = record_open(b, STR("derived"), true, &attrs);
	struct str arg;
	struct jv v;

	while (jit_next(&it, &arg, &v)) {
		struct str kind = jv_str(v);
		const bool list = fact_of_list(&kind);

		(list ? put_list : put_one)(b, arg, fact_kind_of(kind));
	}
	tape_end(b, attrs, most);
	tape_end(b, o, 3);
}

/* An entity that some calls have. */
static void
put_entity(struct buf *b, const char *key, const char *type)
{
	size_t o;

	tape_key(b, str_of(key));
	o = tape_obj(b);
	tape_key(b, STR("type"));
	tape_str(b, STR("EntityOrCommon"));
	tape_key(b, STR("name"));
	tape_str(b, str_of(type));
	tape_key(b, STR("required"));
	tape_bool(b, false);
	tape_end(b, o, 3);
}

/* What budgets say, when one is about the call. */
static void
put_budgets(struct buf *b, struct jv budgets)
{
	size_t attrs, own;
	const size_t o = record_open(b, STR("budget"), false, &attrs);
	struct jit it = jit_of(budgets);
	struct jv v;

	while (jit_next(&it, NULL, &v)) {
		const size_t one =
		    record_open(b, jv_str(jv_get(v, STR("name"))), false, &own);

		put_type(b, STR("left"), FACT_LONG, true);
		put_type(b, STR("used"), FACT_LONG, true);
		tape_end(b, own, 2);
		tape_end(b, one, 3);
	}
	tape_end(b, attrs, jv_count(budgets));
	tape_end(b, o, 3);
}

/* ---- the schema ---- */

/* Where a copy of the schema's JSON is: a namespace, its actions, ... */
enum {
	AT_TOP,
	AT_SPACE,
	AT_ACTIONS,
	AT_ACTION,
	AT_APPLIES,
	AT_CONTEXT,
	AT_ATTRS,
	AT_OTHER
};
static const char *const next_at[] = { "Gatehouse", "actions", NULL,
	"appliesTo", "context", "attributes" };

static void
put_schema(
    struct buf *b, struct jv v, int at, struct jv image, struct str action)
{
	struct jit it = jit_of(v);
	struct str key;
	struct jv val;
	size_t m, n = 0;

	if (at == AT_OTHER || !jv_is(v, J_OBJ)) {
		tape_copy(b, v);
		return;
	}
	m = tape_obj(b);
	while (jit_next(&it, &key, &val)) {
		const bool on =
		    at < AT_ATTRS &&
		    (next_at[at] == NULL || str_eq(key, str_of(next_at[at])));

		tape_key(b, key);
		put_schema(b, val, on ? at + 1 : AT_OTHER, image,
		    at == AT_ACTIONS ? key : action);
		n++;
	}
	if (at == AT_ATTRS && str_search(action, STR("___")) < action.n) {
		put_entity(b, "on_behalf_of", NS "User");
		put_entity(b, "model", NS "Model");
		put_budgets(b, jv_get(image, STR("budgets")));
		n += 3;
		if (jv_count(said_of(image, action, "facts")) > 0) {
			put_derived(b, said_of(image, action, "facts"));
			n++;
		}
	}
	tape_end(b, m, n);
}

/* The text that the tools' actions are added to. */
static void
put_stub(struct buf *b, struct jv budgets)
{
	struct jit it = jit_of(budgets);
	size_t n = 0;
	struct jv v;

	buf_str(b, str_of(stub_context));
	buf_str(b, STR(", budget?: {"));
	while (jit_next(&it, NULL, &v)) {
		buf_str(b, n++ > 0 ? STR(", ") : STR(" "));
		json_quote(jv_str(jv_get(v, STR("name"))), b);
		buf_str(b, STR("?: { left: Long, used: Long }"));
	}
	buf_str(b, STR(" }"));
	buf_str(b, str_of(stub_rest));
}

static const struct cedar_mcp_options options = { .objects_as_records = true,
	.numbers_as_decimal = true,
	.json = true,
	.lenient = true,
	.in_group = in_group };

/* The stub has no tool: JSON without actions of their own. */
static enum err
make(struct making *k, const struct cedar_mcp_server *server, size_t n,
    struct cedar_schema **out, struct cedar_why *why)
{
	struct cedar_mcp_options o = options;
	struct buf text = { .max = SCHEMA_BYTES },
		   tape = { .max = SCHEMA_BYTES };
	struct buf full = { .max = SCHEMA_BYTES }, stub = { .max = 1 << 20 };
	enum err e;

	o.arg = k;
	put_stub(&stub, jv_get(k->image, STR("budgets")));
	e = cedar_mcp_schema_of(buf_view(&stub), server, n, &o, &text, why);
	buf_done(&stub);
	if (!e)
		e = json_parse(buf_view(&text), &own_limits, &tape, &why->note);
	if (!e) {
		put_schema(
		    &full, jv_of(buf_view(&tape)), AT_TOP, k->image, STR(""));
		buf_clear(&text);
		json_write(jv_of(buf_view(&full)), &text);
		e = cedar_schema_from_json(buf_view(&text), out, why);
	}
	buf_done(&full);
	buf_done(&tape);
	buf_done(&text);
	return e;
}

/* Alone, so that one tool without types does not take the others with it. */
static bool
tool_fits(struct making *k, struct str server, struct jv tool, struct note *why)
{
	struct buf text = { .max = SCHEMA_BYTES };
	struct cedar_mcp_server s = { .name = server };
	struct cedar_schema *schema = NULL;
	struct cedar_why at = { .line = 0 };
	struct typed *t = NULL;
	bool fits = typed_new(tool, server, NULL, &t, why) == OK;

	typed_free(t);
	buf_ch(&text, '[');
	json_write(tool, &text);
	buf_ch(&text, ']');
	s.tools = buf_view(&text);
	if (fits && make(k, &s, 1, &schema, &at) != OK) {
		*why = at.note;
		fits = false;
	}
	cedar_schema_free(schema);
	buf_done(&text);
	return fits;
}

/* It has types, and still its calls are denied where arguments are judged. */
static bool
tool_judged(
    const struct making *k, struct str server, struct jv tool, struct note *why)
{
	const struct terms d = terms_of(server_named(k->image, server));
	struct typed *t = NULL;
	const bool is = typed_compile(tool, server, d.open, &t, why) == OK;

	typed_free(t);
	return is;
}

static void
put_tools(struct making *k, struct str server, struct jv tools,
    const struct policy_check *to, struct buf *text)
{
	struct map *seen = map_new(0);
	struct jit it = jit_of(tools);
	size_t n = 0;
	struct jv v;

	buf_ch(text, '[');
	while (jit_next(&it, NULL, &v)) {
		struct policy_finding f = { .server = server,
			.tool = jv_str(jv_get(v, STR("name"))),
			.warning = true };

		if (map_put(seen, f.tool, k) != NULL)
			continue; /* a name twice: the first one */
		if (!tool_fits(k, server, v, &f.note)) {
			to->got(to->arg, &f);
			continue;
		}
		if (!tool_judged(k, server, v, &f.note))
			to->got(to->arg, &f);
		buf_str(text, n++ > 0 ? STR(",") : STR(""));
		json_write(v, text);
	}
	buf_ch(text, ']');
	map_free(seen);
}

enum err
schema_new(struct jv image, struct jv tools, const struct policy_check *to,
    struct cedar_schema **out, struct note *why)
{
	struct making k = { image, tools };
	const size_t n = jv_count(tools);
	struct cedar_mcp_server *server = mem_get((n + 1) * sizeof(*server));
	struct buf *text = mem_get((n + 1) * sizeof(*text));
	struct cedar_why at = { .line = 0 };
	struct jit it = jit_of(tools);
	enum err e;
	struct jv v;

	for (size_t i = 0; i < n && jit_next(&it, &server[i].name, &v); i++) {
		text[i].max = SCHEMA_BYTES;
		put_tools(&k, server[i].name, v, to, &text[i]);
		server[i].tools = buf_view(&text[i]);
	}
	e = make(&k, server, n, out, &at);
	if (e)
		note_set(why, "the tools make no schema: %.200s", at.note.text);
	for (size_t i = 0; i < n; i++)
		buf_done(&text[i]);
	mem_free(server);
	mem_free(text);
	return e;
}
