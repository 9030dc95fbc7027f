/* Schemas from tools: what each form becomes, and what is refused. */
#include "cedar/cedar.h"

#include "base/tap.h"

struct form {
	const char *schema;  /* of the argument a */
	const char *becomes; /* in the schema; NULL: an error */
};
static const struct form forms[] = {
	{ "{\"type\":\"boolean\"}", "a: Bool" },
	{ "{\"type\":\"integer\"}", "a: Long" },
	{ "{\"type\":\"string\"}", "a: String" },
	{ "{\"type\":\"number\"}", "a: Gatehouse::Number" },
	{ "{\"type\":\"null\"}", "a: Gatehouse::Null" },
	{ "{}", "a: Gatehouse::Unknown" },
	{ "{\"type\":\"string\",\"format\":\"date-time\"}", "a: datetime" },
	{ "{\"type\":\"string\",\"format\":\"email\"}", "a: String" },
	{ "{\"type\":\"string\",\"enum\":[\"x\",\"y\"]}",
	    "entity a enum [\"x\", \"y\"]" },
	{ "{\"type\":\"string\",\"enum\":[]}", NULL },
	{ "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}",
	    "a: Set<String>" },
	{ "{\"type\":\"array\"}", "a: Set<Gatehouse::Unknown>" },
	{ "{\"type\":\"array\",\"items\":1}", NULL },
	{ "{\"type\":\"object\",\"properties\":{\"b\":{\"type\":\"string\"}}}",
	    "a: Gatehouse::t::Input::a" },
	{ "{\"type\":\"object\",\"additionalProperties\":{\"type\":"
	  "\"integer\"}}",
	    "entity a tags Long" },
	{ "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]}",
	    "typeChoice1?: Gatehouse::Null" },
	{ "{\"type\":[\"string\",\"integer\"]}", "typeChoice1?: Long" },
	{ "{\"$ref\":\"#/$defs/D\"}", "a: Gatehouse::t::Input::D" },
	{ "{\"$ref\":\"#/$defs/E\"}", NULL },
	{ "{\"$ref\":\"other.json\"}", NULL },
	{ "{\"type\":\"thing\"}", NULL },
	{ "{\"type\":\"object\",\"properties\":{\"max-n\":{\"type\":"
	  "\"integer\"},\"in\":{\"type\":\"string\"}}}",
	    "\"max-n\"?: Long" },
	{ "{\"type\":\"object\",\"properties\":{\"String\":{\"type\":"
	  "\"string\",\"enum\":[\"x\"]},\"b\":{\"type\":\"string\"}}}",
	    "b?: String" },
	{ "true", NULL },
};

static void
tool_text(struct buf *b, const char *name, const char *schema)
{
	buf_fmt(b,
	    "{\"name\":\"%s\",\"inputSchema\":{\"type\":\"object\",\"$defs\":{"
	    "\"D\":{\"type\":\"string\"}},\"required\":[\"a\"],"
	    "\"properties\":{\"a\":%s}}}",
	    name, schema);
}

static void
test_forms(void)
{
	static const struct cedar_mcp_options lenient = { .lenient = true };

	for (size_t i = 0; i < countof(forms); i++) {
		const struct form *f = &forms[i];
		struct buf in = { .max = 4096 }, out = { .max = 65536 };
		struct cedar_why why = { 0 };
		enum err e;

		tool_text(&in, "t", f->schema);
		e = cedar_mcp_schema(STR(""), buf_view(&in), NULL, &out, &why);
		ok((e == OK) == (f->becomes != NULL), "%s: %s", f->schema,
		    why.note.text);
		if (f->becomes != NULL)
			ok(str_search(buf_view(&out), str_of(f->becomes)) <
				out.n,
			    "%s becomes %s", f->schema, f->becomes);
		else
			ok(out.n == 0 && strstr(why.note.text, "tool ") != NULL,
			    "nothing is written, the tool is named");
		buf_done(&out);
		out.max = 65536;
		e = cedar_mcp_schema(
		    STR(""), buf_view(&in), &lenient, &out, &why);
		ok(e == OK || strstr(f->schema, "enum") != NULL, "lenient: %s",
		    why.note.text);
		buf_done(&in);
		buf_done(&out);
	}
}

/* A definition and an argument with tags are two declarations; under one name
 * the first would be read as the second. */
static void
test_one_name(void)
{
	static const struct cedar_mcp_options o = { .objects_as_records =
							true };
	static const char *const names[] = { "m", "n" };

	for (size_t i = 0; i < countof(names); i++) {
		struct buf in = { .max = 4096 }, out = { .max = 65536 };
		struct cedar_why why = { 0 };
		enum err e;

		buf_fmt(&in,
		    "{\"name\":\"t\",\"inputSchema\":{\"type\":\"object\","
		    "\"$defs\":{\"%s\":{\"type\":\"object\",\"properties\":{}}}"
		    ","
		    "\"properties\":{\"m\":{\"type\":\"object\","
		    "\"additionalProperties\":{\"type\":\"string\"}}}}}",
		    names[i]);
		e = cedar_mcp_schema(STR(""), buf_view(&in), &o, &out, &why);
		ok((e == OK) == (i == 1), "a definition %s: %s", names[i],
		    why.note.text);
		buf_done(&in);
		buf_done(&out);
	}
}

static bool
is_read(void *arg, struct str tool, struct str action)
{
	(void)arg;
	return str_eq(action, STR("reads")) &&
	       str_search(tool, STR("read")) < tool.n;
}

static void
test_servers(void)
{
	const struct str stub =
	    STR("namespace G { @mcp_principal entity Agent;"
		" @mcp_resource entity Tool; @mcp_action action call;"
		" @mcp_group action reads;"
		" @mcp_context(\"session\") type S = { n: Long }; }");
	struct buf one = { .max = 4096 }, two = { .max = 4096 };
	struct buf out = { .max = 65536 };
	struct cedar_mcp_server servers[2];
	const struct cedar_mcp_options o = { .in_group = is_read };
	struct cedar_why why = { 0 };
	struct str s;

	tool_text(&one, "read", "{\"type\":\"string\"}");
	tool_text(&two, "write-all", "{\"type\":\"integer\"}");
	servers[0] = (struct cedar_mcp_server){ STR("fs"), buf_view(&one) };
	servers[1] = (struct cedar_mcp_server){ STR("fs2"), buf_view(&two) };
	ok(cedar_mcp_schema_of(stub, servers, 2, &o, &out, &why) == OK,
	    "two servers: %s", why.note.text);
	s = buf_view(&out);
	ok(str_search(s, STR("action \"fs___read\" in [Action::\"call\", "
			     "Action::\"reads\"]")) < s.n,
	    "a tool is in its group");
	ok(str_search(s,
	       STR("action \"fs2___write-all\" in [Action::\"call\"]")) < s.n,
	    "and the other is not, and keeps its name");
	ok(str_search(s, STR("session: S")) < s.n, "what all contexts have");
	buf_clear(&out);
	servers[1] = servers[0];
	ok(cedar_mcp_schema_of(stub, servers, 2, &o, &out, &why) ==
		    ERR_SYNTAX &&
		out.n == 0,
	    "the same server twice is an error: %s", why.note.text);
	buf_done(&one);
	buf_done(&two);
	buf_done(&out);
}

static void
test_stubs(void)
{
	static const char *const bad[] = { "entity A;", "namespace N {}",
		"namespace N { @mcp_principal entity A; }",
		"namespace N { @mcp_resource entity A; }",
		"namespace N { @mcp_principal @mcp_resource entity A;"
		" action t; }",
		"namespace N { @mcp_principal @mcp_resource entity A; }"
		" namespace M {}" };
	struct buf in = { .max = 4096 }, out = { .max = 65536 };
	struct cedar_why why = { 0 };

	tool_text(&in, "t", "{\"type\":\"string\"}");
	for (size_t i = 0; i < countof(bad); i++)
		ok(cedar_mcp_schema(str_of(bad[i]), buf_view(&in), NULL, &out,
		       &why) == ERR_SYNTAX,
		    "%s: %s", bad[i], why.note.text);
	ok(cedar_mcp_schema(
	       STR("namespace N { @mcp_principal @mcp_resource entity A; }"),
	       buf_view(&in), NULL, &out, &why) == OK,
	    "one type may be both");
	buf_done(&in);
	buf_done(&out);
}

int
main(void)
{
	test_forms();
	test_one_name();
	test_servers();
	test_stubs();
	return tap_done();
}
