/*
 * fuzz-inspect: the first byte says where the text stands and how its argument
 * is named.  Whatever it is, it ends, says the same twice, and stays inside.
 * A text that is JSON is tried as a file of rules too.
 */
#include "inspect/inspect-in.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REST                                                                   \
	"\"revision\":1,\"score\":40,\"what\":\"w\",\"plane\":[\"result\","    \
	"\"metadata\",\"argument\",\"prompt\"],\"find\":[\"x\"],\"miss\":["    \
	"\"y\"],\"taxonomy\":{\"cosai\":[\"MCP-T4\"]}}"
#define DETECT(id, name)                                                       \
	"{\"id\":\"" name "\"," NOTE "\"detect\":\"" name "\"," REST ","
#define NOTE "\"action\":\"note\","

static const char rules_text[] = "{\"rules\":[" DETECTORS(
    DETECT) "{\"id\":\"a\"," NOTE "\"match\":[\"alpha.{0,9}beta|gamma\"]," REST
	    ","
	    "{\"id\":\"b\"," NOTE
	    "\"view\":\"hidden\",\"match\":[\"beta\"]," REST ","
	    "{\"id\":\"c\"," NOTE "\"view\":\"raw\",\"entropy\":30,"
	    "\"match\":[\"tok_\\\\w{8}\"]," REST ","
	    "{\"id\":\"d\"," NOTE "\"needs\":[\"a\",\"b\"]," REST "]}";
static const char *const names[] = { "path", "url", "command", "content", "" };

static struct inspect *
ready(void)
{
	static struct buf tape = { .max = 1 << 20 };
	struct inspect_rules *r = inspect_rules_new();
	struct inspect_fault why;

	BUG_ON(json_parse(STR(rules_text), &json_default, &tape, NULL) != OK);
	BUG_ON(inspect_rules_add(r, jv_of(buf_view(&tape)), &why) != OK);
	BUG_ON(inspect_rules_ready(r, NULL, &why) != OK);
	return inspect_new(r);
}

static void
as_rules(struct str text)
{
	struct buf tape = { .max = 1 << 20 };
	struct inspect_rules *r = inspect_rules_new();
	struct inspect_fault why;

	if (json_parse(text, &json_default, &tape, NULL) == OK &&
	    inspect_rules_add(r, jv_of(buf_view(&tape)), &why) == OK &&
	    text.n < 400)
		(void)!inspect_rules_ready(r, NULL, &why);
	inspect_rules_free(r);
	buf_done(&tape);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct inspect *look;
	struct inspect_report one, two;
	struct inspect_text t;
	char *exact;

	if (size < 1)
		return 0;
	if (look == NULL)
		look = ready();
	exact = mem_get(size);
	memcpy(exact, data + 1, size - 1);
	t = (struct inspect_text){ data[0] % INSPECT_PLANES,
		{ exact, size - 1 }, STR("tool"),
		str_of(names[data[0] / 4 % countof(names)]) };
	inspect_look(look, &t, 1, &one);
	inspect_look(look, &t, 1, &two);
	BUG_ON(memcmp(&one, &two, sizeof(one)) != 0);
	as_rules(t.text);
	mem_free(exact);
	return 0;
}
