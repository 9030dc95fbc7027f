/*
 * A tool from any server and a call from any agent, one JSON text each, a line
 * end between them: what is typed conforms to the schema that the tool makes.
 */
#include "cedar/cedar.h"

#include "json/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const char stub[] = "namespace Gatehouse { @mcp_principal entity P;"
			   "@mcp_resource entity R; entity Null; "
			   "@mcp_action action all; }";

static struct cedar_schema *
schema_of(struct str tool)
{
	static const struct cedar_mcp_options o = { .objects_as_records = true,
		.numbers_as_decimal = true,
		.lenient = true };
	struct buf out = { .max = 1 << 22 }, list = { .max = 1 << 20 };
	struct cedar_mcp_server s = { .name = STR("s") };
	struct cedar_schema *schema = NULL;

	buf_ch(&list, '[');
	buf_str(&list, tool);
	buf_ch(&list, ']');
	s.tools = buf_view(&list);
	if (cedar_mcp_schema_of(str_of(stub), &s, 1, &o, &out, NULL) == OK)
		BUG_ON(cedar_schema_parse(buf_view(&out), &schema, NULL) != OK);
	buf_done(&out);
	buf_done(&list);
	return schema;
}

static void
conforms(const struct cedar_schema *schema, struct str action,
    struct cedar_value input, struct arena *a)
{
	const struct cedar_uid par[3] = { { STR("Gatehouse::P"), STR("p") },
		{ STR("Gatehouse::Action"), action },
		{ STR("Gatehouse::R"), STR("r") } };
	const struct cedar_field f = { STR("input"), input };
	struct cedar_request *r = NULL;

	if (cedar_request_of(par, cedar_record(&f, 1, a), a, &r) == OK)
		BUG_ON(cedar_request_check(schema, r, NULL) != OK);
}

static void
call(const struct cedar_mcp_input *in, const struct cedar_schema *schema,
    struct str action, struct str args)
{
	for (int open = 0; open < 2; open++) {
		struct arena *a = arena_new(1 << 22);
		struct cedar_entities *es = cedar_entities_over(NULL, a);
		struct cedar_why why = { 0 };
		struct cedar_value v;
		const enum err e = cedar_mcp_input_value(in,
		    (struct cedar_mcp_given){ args, open == 1 }, es, a, &v,
		    &why);

		BUG_ON(e != OK && why.note.text[0] == '\0');
		if (e == OK && schema != NULL)
			conforms(schema, action, v, a);
		arena_free(a);
	}
}

static void
take(struct str tool, struct str tape, struct str args)
{
	struct buf action = { .max = 1 << 20 };
	struct cedar_mcp_input *in = NULL;
	struct cedar_why why = { 0 };
	struct cedar_schema *schema;

	buf_fmt(&action, "s___");
	buf_str(&action, jv_str(jv_get(jv_of(tape), STR("name"))));
	if (cedar_mcp_input_new(
		tape, STR("Gatehouse"), buf_view(&action), &in, &why) != OK) {
		BUG_ON(why.note.text[0] == '\0' || in != NULL);
	} else {
		schema = schema_of(tool);
		call(in, schema, buf_view(&action), args);
		cedar_schema_free(schema);
	}
	cedar_mcp_input_free(in);
	buf_done(&action);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str rest = { (const char *)p, n }, tool;
	struct buf tape = { .max = 1 << 20 }, args = { .max = 1 << 20 };

	if (str_split(&rest, '\n', &tool) && rest.p != NULL &&
	    json_parse(tool, &json_default, &tape, NULL) == OK &&
	    json_parse(rest, &json_default, &args, NULL) == OK)
		take(tool, buf_view(&tape), buf_view(&args));
	buf_done(&tape);
	buf_done(&args);
	return 0;
}
