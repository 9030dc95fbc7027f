/*
 * JSON schemas and lists of tools from anybody: read or refused with a
 * sentence; what is read must be written as JSON that reads back to the same.
 */
#include "cedar/cedar.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
tools(struct str text)
{
	for (int i = 0; i < 4; i++) {
		const struct cedar_mcp_options o = { .outputs = i & 1,
			.objects_as_records = i & 1,
			.flatten = (i & 2) != 0,
			.lenient = (i & 2) != 0,
			.json = i & 1 };
		struct buf out = { .max = 1 << 26 };
		struct cedar_why why = { 0 };

		if (cedar_mcp_schema(STR(""), text, &o, &out, &why) != OK)
			BUG_ON(why.note.text[0] == '\0' || out.n != 0);
		buf_done(&out);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const struct str text = { (const char *)p, n };
	struct buf one = { .max = 1 << 26 }, two = { .max = 1 << 26 };
	struct cedar_schema *s = NULL, *t = NULL;
	struct cedar_why why = { 0 };

	tools(text);
	if (cedar_schema_from_json(text, &s, &why) != OK) {
		BUG_ON(why.note.text[0] == '\0');
		return 0;
	}
	cedar_schema_to_json(s, &one);
	BUG_ON(cedar_schema_from_json(buf_view(&one), &t, &why) != OK);
	cedar_schema_to_json(t, &two);
	BUG_ON(!str_eq(buf_view(&one), buf_view(&two)));
	cedar_schema_put(s, &two);
	cedar_schema_free(s);
	cedar_schema_free(t);
	buf_done(&one);
	buf_done(&two);
	return 0;
}
