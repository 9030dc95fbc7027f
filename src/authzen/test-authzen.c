/* test-authzen: requests of the specification's shapes and of others. */
#include "authzen/authzen.h"

#include "base/tap.h"

static struct jv
tape(const char *text)
{
	static struct buf b = { .max = 1 << 20 };

	buf_clear(&b);
	BUG_ON(json_parse(str_of(text), &json_default, &b, NULL) != OK);
	return jv_of(buf_view(&b));
}

#define S "\"subject\":{\"type\":\"agent\",\"id\":\"a\"}"
#define A "\"action\":{\"name\":\"tools/call\"}"
#define R "\"resource\":{\"type\":\"tool\",\"id\":\"fs/read\"}"
#define ONE S "," A "," R

/* Every refused row has an allowed one beside it. */
static const struct {
	const char *json;
	bool many;
	const char *why; /* NULL: it stands */
} whole[] = {
	{ "{" ONE "}", false, NULL },
	{ "["
	  "{" ONE "}"
	  "]",
	    false, "the request is not an object" },
	{ "{" A "," R "}", false, "subject is missing" },
	{ "{" S "," R "}", false, "action is missing" },
	{ "{" S "," A "}", false, "resource is missing" },
	{ "{\"subject\":{\"id\":\"a\"}," A "," R "}", false,
	    "subject.type is missing" },
	{ "{\"subject\":{\"type\":\"agent\"}," A "," R "}", false,
	    "subject.id is missing" },
	{ "{" S ",\"action\":{}," R "}", false, "action.name is missing" },
	{ "{" S "," A ",\"resource\":{\"id\":\"x\"}}", false,
	    "resource.type is missing" },
	{ "{" S "," A ",\"resource\":{\"type\":\"tool\"}}", false,
	    "resource.id is missing" },
	{ "{\"subject\":\"a\"," A "," R "}", false,
	    "subject is not an object" },
	{ "{\"subject\":null," A "," R "}", false, "subject is not an object" },
	{ "{" S ",\"action\":{\"name\":123}," R "}", false,
	    "action.name is not a string" },
	{ "{" ONE ",\"context\":{}}", false, NULL },
	{ "{" ONE ",\"context\":[]}", false, "context is not an object" },
	{ "{" ONE ",\"context\":{\"arguments\":{\"a\":1}}}", false, NULL },
	{ "{" ONE ",\"context\":{\"arguments\":[1]}}", false,
	    "context.arguments is not an object" },
	{ "{\"subject\":{\"type\":\"t\",\"id\":\"a\",\"properties\":{}}," A
	  "," R "}",
	    false, NULL },
	{ "{\"subject\":{\"type\":\"t\",\"id\":\"a\",\"properties\":7}," A "," R
	  "}",
	    false, "subject.properties is not an object" },
	{ "{" ONE ",\"foo\":\"bar\",\"later\":{\"x\":null}}", false, NULL },
	/* The endpoint of one does not know the other's members ... */
	{ "{" ONE ",\"evaluations\":7,\"options\":7}", false, NULL },
	/* ... which that one does. */
	{ "{" ONE ",\"evaluations\":7}", true, "evaluations is not an array" },
	{ "{" ONE ",\"options\":7}", true, "options is not an object" },
	{ "{" ONE "}", true, NULL },
	{ "{" ONE ",\"evaluations\":[]}", true, NULL },
	{ "{" S "," A ",\"evaluations\":[]}", true, "resource is missing" },
	{ "{" S "," A ",\"evaluations\":[{" R "}]}", true, NULL },
	{ "{\"evaluations\":[{}]}", true, NULL },
	{ "{\"evaluations\":[{},1]}", true,
	    "an element of evaluations is not an object" },
	{ "{\"subject\":{\"type\":\"t\"},\"evaluations\":[{" ONE "}]}", true,
	    "subject.id is missing" },
	{ "{" ONE ",\"options\":{\"x\":1,\"evaluations_semantic\":"
	  "\"execute_all\"}}",
	    true, NULL },
	{ "{" ONE ",\"options\":{\"evaluations_semantic\":\"permit\"}}", true,
	    "options.evaluations_semantic is not execute_all, "
	    "deny_on_first_deny or permit_on_first_permit" },
	{ "{" ONE ",\"options\":{\"evaluations_semantic\":1}}", true,
	    "options.evaluations_semantic is not execute_all, "
	    "deny_on_first_deny or permit_on_first_permit" },
};

static void
test_whole(void)
{
	for (size_t i = 0; i < countof(whole); i++) {
		struct authzen_request r = { .n = 77 };
		struct note why = { "" };
		const enum err e =
		    authzen_read(tape(whole[i].json), whole[i].many, &r, &why);

		if (whole[i].why == NULL)
			ok(e == OK && r.n == 1, "stands: %s", whole[i].json);
		else
			ok(e == ERR_SYNTAX && r.n == 77 &&
				strcmp(why.text, whole[i].why) == 0,
			    "%s: %s", whole[i].json, why.text);
	}
}

static struct jv
element(const struct authzen_request *r, size_t i)
{
	struct jit it = jit_of(r->list);
	struct jv v = { NULL, 0 };

	while (i-- > 0 && jit_next(&it, NULL, &v))
		;
	return v;
}

static void
test_list(void)
{
	struct authzen_request r;
	struct authzen_one o;
	struct note why;

	ok(authzen_read(tape("{" S "," A ",\"context\":{\"arguments\":{\"p\":"
			     "1}},\"options\":{\"evaluations_semantic\":"
			     "\"permit_on_first_permit\"},\"evaluations\":[{" R
			     "},{\"subject\":{\"type\":\"user\",\"id\":\"b\"},"
			     "\"resource\":{\"type\":\"server\",\"id\":\"fs\","
			     "\"properties\":{\"k\":2}},\"context\":{}},{}]}"),
	       true, &r, &why) == OK &&
		r.n == 3 && r.semantic == AUTHZEN_UNTIL_ALLOWED,
	    "three of a list");
	ok(authzen_one(&r, element(&r, 1), &o, &why) == OK &&
		str_eq(o.subject_type, STR("agent")) &&
		str_eq(o.subject, STR("a")) &&
		str_eq(o.action, STR("tools/call")) &&
		str_eq(o.resource_type, STR("tool")) &&
		str_eq(o.resource, STR("fs/read")) &&
		jv_count(o.arguments) == 1 && jv_is(o.properties, J_NONE),
	    "the first takes subject, action and context from the whole");
	ok(authzen_one(&r, element(&r, 2), &o, &why) == OK &&
		str_eq(o.subject, STR("b")) &&
		str_eq(o.subject_type, STR("user")) &&
		str_eq(o.resource, STR("fs")) && jv_count(o.properties) == 1 &&
		jv_is(o.arguments, J_NONE),
	    "the second has its own, and nothing is merged");
	ok(authzen_one(&r, element(&r, 3), &o, &why) == ERR_SYNTAX &&
		strcmp(why.text, "resource is missing") == 0,
	    "the third lacks what nobody says");
	ok(r.size > 3 * jv_get(r.body, STR("subject")).n &&
		r.size > 2 * jv_get(r.body, STR("context")).n,
	    "defaults count for each: %zu", r.size);
	ok(authzen_read(tape("{" ONE "}"), true, &r, &why) == OK &&
		jv_is(r.list, J_NONE) && r.size == r.body.n &&
		authzen_one(&r, r.body, &o, &why) == OK &&
		str_eq(o.subject, STR("a")),
	    "without a list the whole is the one");
}

static void
test_limit(void)
{
	struct authzen_request r;
	struct note why;

	for (int n = AUTHZEN_MAX; n <= AUTHZEN_MAX + 1; n++) {
		struct buf b = { .max = 1 << 16 };
		enum err e;

		buf_str(&b, STR("{" ONE ",\"evaluations\":[{}"));
		for (int i = 1; i < n; i++)
			buf_str(&b, STR(",{}"));
		buf_str(&b, STR("]}"));
		buf_ch(&b, '\0');
		e = authzen_read(tape(b.p), true, &r, &why);
		ok(n > AUTHZEN_MAX ? e == ERR_LIMIT
				   : e == OK && r.n == AUTHZEN_MAX,
		    "%d evaluations", n);
		buf_done(&b);
	}
}

int
main(void)
{
	test_whole();
	test_list();
	test_limit();
	return tap_done();
}
