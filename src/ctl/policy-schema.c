/*
 * policy-schema: the schema that policies are checked with: the gateway's own
 * types, an action for each tool of the given tools/list answers, and the facts
 * that the configuration declares.  It says what the judge really builds: texts
 * are String whatever their format, objects are records.
 */
#include "ctl/policy-in.h"

#include "cedar/cedar.h"
#include "facts/facts.h"

enum { DEPTH_MAX = 60 };

#define THING "= { server: String, name: String };\n"
#define ON(res)                                                                \
	" appliesTo { principal: [Agent], resource: [" res "], "               \
	"context: { call: Call } };\n"
static const char stub[] =
    "namespace Gatehouse {\n"
    "@mcp_context(\"call\") type Call = { principal: String, server: String, "
    "method: String, name: String };\n"
    "entity AgentClass; entity User; entity Null;\n"
    "@mcp_principal entity Agent in [AgentClass] = { name: String };\n"
    "entity Dataset; entity Model;\n"
    "entity Server = { server: String };\n"
    "@mcp_resource entity Tool in [Server, Dataset] " THING
    "entity Prompt in [Server, Dataset] " THING
    "entity Resource in [Server, Dataset] " THING
    "@mcp_action action \"call_tool\";\n"
    "@mcp_group action \"read\";\n@mcp_group action \"write\";\n"
    "@mcp_group action \"destructive\";\n@mcp_group action \"egress\";\n"
    "@mcp_group action \"money\";\n"
    "action \"get_prompt\"" ON(
	"Prompt") "action \"read_resource\", \"subscribe\", \"unsubscribe\", "
		  "\"complete\"" ON("Resource") "action \"get_task\", "
						"\"get_task_result\", "
						"\"update_task\", "
						"\"cancel_task\"" ON(
						    "Tool") "}\n";

/* ---- tools as the judge sees their arguments ---- */

static bool
is_left_out(struct str key)
{
	return str_eq(key, STR("enum")) || str_eq(key, STR("format")) ||
	       str_eq(key, STR("outputSchema")) ||
	       str_eq(key, STR("additionalProperties"));
}

/* props: the members are arguments and not words of JSON Schema. */
static void
put_plain(struct buf *b, struct jv v, bool props, unsigned depth)
{
	const bool obj = jv_is(v, J_OBJ);
	const bool closed =
	    !props && !jv_is(jv_get(v, STR("properties")), J_NONE);
	struct jit it = jit_of(v);
	struct str key;
	struct jv val;
	size_t m, n = 0;

	if ((!obj && !jv_is(v, J_ARR)) || depth == DEPTH_MAX) {
		tape_copy(b, v);
		return;
	}
	m = obj ? tape_obj(b) : tape_arr(b);
	while (jit_next(&it, &key, &val)) {
		if (obj && !props && is_left_out(key) &&
		    (closed || !str_eq(key, STR("additionalProperties"))))
			continue;
		if (obj)
			tape_key(b, key);
		put_plain(b, val,
		    obj && !props && str_eq(key, STR("properties")), depth + 1);
		n++;
	}
	if (closed) {
		tape_key(b, STR("additionalProperties"));
		tape_bool(b, false);
		n++;
	}
	tape_end(b, m, n);
}

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

static bool
in_group(void *arg, struct str tool, struct str action)
{
	const struct jv *image = arg;
	struct jit it = jit_of(said_of(*image, tool, "risk"));
	struct jv v;

	while (jit_next(&it, NULL, &v))
		if (str_eq(jv_str(v), action))
			return true;
	return false;
}

/* "key": {"type": ..., "required": ...} with a plain type, or a set of text. */
static void
put_type(struct buf *b, struct str key, enum fact_type t, bool required)
{
	static const struct {
		struct str type, name;
	} types[] = {
		[FACT_BOOL] = { STR_INIT("EntityOrCommon"),
		    STR_INIT("__cedar::Bool") },
		[FACT_LONG] = { STR_INIT("EntityOrCommon"),
		    STR_INIT("__cedar::Long") },
		[FACT_TEXT] = { STR_INIT("EntityOrCommon"),
		    STR_INIT("__cedar::String") },
		[FACT_IP] = { STR_INIT("EntityOrCommon"),
		    STR_INIT("__cedar::ipaddr") },
		[FACT_SET] = { STR_INIT("Set"), STR_INIT("") },
	};
	size_t o, el;

	tape_key(b, key);
	o = tape_obj(b);
	tape_key(b, STR("type"));
	tape_str(b, types[t].type);
	if (t == FACT_SET) {
		tape_key(b, STR("element"));
		el = tape_obj(b);
		tape_key(b, STR("type"));
		tape_str(b, STR("EntityOrCommon"));
		tape_key(b, STR("name"));
		tape_str(b, STR("__cedar::String"));
		tape_end(b, el, 2);
	} else {
		tape_key(b, STR("name"));
		tape_str(b, types[t].name);
	}
	tape_key(b, STR("required"));
	tape_bool(b, required);
	tape_end(b, o, 3);
}

static size_t
record_open(struct buf *b, struct str key, size_t *attrs)
{
	size_t o;

	tape_key(b, key);
	o = tape_obj(b);
	tape_key(b, STR("type"));
	tape_str(b, STR("Record"));
	tape_key(b, STR("required"));
	tape_bool(b, false);
	tape_key(b, STR("attributes"));
	*attrs = tape_obj(b);
	return o;
}

static void
put_derived(struct buf *b, struct jv facts)
{
	struct jit it = jit_of(facts);
	size_t attrs, arg_attrs, n = 0, o, arg_o;
	struct str arg;
	struct jv kind;

	o = record_open(b, STR("derived"), &attrs);
	while (jit_next(&it, &arg, &kind)) {
		size_t shapes_n = 0;
		const struct fact_shape *s =
		    fact_shapes(fact_kind_of(jv_str(kind)), &shapes_n);

		arg_o = record_open(b, arg, &arg_attrs);
		for (size_t i = 0; i < shapes_n; i++)
			put_type(b, s[i].name, s[i].type, !s[i].optional);
		tape_end(b, arg_attrs, shapes_n);
		tape_end(b, arg_o, 3);
		n++;
	}
	tape_end(b, attrs, n);
	tape_end(b, o, 3);
}

/* What a session may say, when something is known of it. */
static void
put_session(struct buf *b)
{
	size_t attrs;
	const size_t o = record_open(b, STR("session"), &attrs);

	put_type(b, STR("labels"), FACT_SET, false);
	put_type(b, STR("calls"), FACT_LONG, false);
	tape_end(b, attrs, 2);
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
	if (at == AT_ATTRS) {
		put_session(b);
		n++;
		if (jv_count(said_of(image, action, "facts")) > 0) {
			put_derived(b, said_of(image, action, "facts"));
			n++;
		}
	}
	tape_end(b, m, n);
}

static int
schema_of(const struct ctl *c, struct jv image,
    const struct cedar_mcp_server *server, size_t n, struct cedar_schema **out)
{
	const struct cedar_mcp_options o = { .objects_as_records = true,
		.numbers_as_decimal = true,
		.json = true,
		.lenient = true,
		.in_group = in_group,
		.arg = &image };
	struct buf text = { .max = POLICY_BYTES },
		   tape = { .max = POLICY_BYTES };
	struct buf full = { .max = POLICY_BYTES };
	struct cedar_why why = { .line = 0 };
	enum err e =
	    cedar_mcp_schema_of(str_of(stub), server, n, &o, &text, &why);

	if (!e)
		e = json_parse(
		    buf_view(&text), &json_default, &tape, &why.note);
	if (!e) {
		put_schema(
		    &full, jv_of(buf_view(&tape)), AT_TOP, image, STR(""));
		buf_clear(&text);
		json_write(jv_of(buf_view(&full)), &text);
		e = cedar_schema_from_json(buf_view(&text), out, &why);
	}
	buf_done(&full);
	buf_done(&tape);
	buf_done(&text);
	return e == OK ? CTL_YES
		       : ctl_say(c, CTL_NO, "the tools make no schema: %s",
			     why.note.text);
}

static int
tools_read(const struct ctl *c, const char *arg, struct jv image,
    struct cedar_mcp_server *s, struct buf *text)
{
	const char *eq = strchr(arg, '=');
	struct buf tape = { 0 }, plain = { .max = POLICY_BYTES };
	int status;

	if (eq == NULL)
		return ctl_say(c, CTL_MISUSE, "%s: write SERVER=FILE", arg);
	s->name = (struct str){ arg, (size_t)(eq - arg) };
	if (jv_is(server_named(image, s->name), J_NONE))
		return ctl_say(c, CTL_NO, "%s: there is no such server", arg);
	status = policy_slurp(c, eq + 1, &tape);
	if (status == CTL_YES) {
		put_plain(&plain, jv_of(buf_view(&tape)), false, 0);
		json_write(jv_of(buf_view(&plain)), text);
		s->tools = buf_view(text);
	}
	buf_done(&plain);
	buf_done(&tape);
	return status;
}

int
policy_schema(const struct ctl *c, struct jv image, struct cedar_schema **out)
{
	struct cedar_mcp_server server[64] = { 0 };
	struct buf text[64] = { 0 };
	const size_t n = (size_t)c->argc;
	int status = CTL_YES;

	for (size_t i = 0; status == CTL_YES && i < n; i++) {
		text[i].max = POLICY_BYTES;
		status = tools_read(c, c->arg[i], image, &server[i], &text[i]);
	}
	if (status == CTL_YES)
		status = schema_of(c, image, server, n, out);
	for (size_t i = 0; i < n; i++)
		buf_done(&text[i]);
	return status;
}
