/*
 * Schema text from anybody.  What is read must be written as JSON and as text
 * that are read again and give the same JSON; the rest must be refused with a
 * place.  After a NUL byte come policies, which are validated.
 */
#include "cedar/cedar.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
same_again(const struct cedar_schema *s, const struct buf *json)
{
	struct buf text = { .max = 1 << 26 }, again = { .max = 1 << 26 };
	struct cedar_schema *t = NULL;
	struct cedar_why why;

	cedar_schema_put(s, &text);
	BUG_ON(text.full);
	BUG_ON(cedar_schema_parse(buf_view(&text), &t, &why) != OK);
	cedar_schema_to_json(t, &again);
	BUG_ON(!str_eq(buf_view(json), buf_view(&again)));
	cedar_schema_free(t);
	buf_done(&text);
	buf_done(&again);
}

static void
check(struct str policies, const struct cedar_schema *s)
{
	struct cedar_policies *ps = cedar_policies_new();
	struct arena *a = arena_new(1 << 26);
	const struct cedar_finding *f;
	struct cedar_why why;

	if (cedar_policies_parse(ps, policies, &why) == OK)
		for (int mode = 0; mode < 2; mode++) {
			arena_reset(a);
			(void)!cedar_validate(
			    s, ps, (enum cedar_mode)mode, a, &f);
		}
	arena_free(a);
	cedar_policies_free(ps);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const struct str all = { (const char *)p, n };
	const size_t at = str_find(all, '\0');
	struct buf json = { .max = 1 << 26 };
	struct cedar_schema *s = NULL, *t = NULL;
	struct cedar_why why = { 0 };

	if (cedar_schema_parse(str_sub(all, 0, at), &s, &why) != OK) {
		BUG_ON(why.note.text[0] == '\0');
		return 0;
	}
	cedar_schema_to_json(s, &json);
	BUG_ON(cedar_schema_from_json(buf_view(&json), &t, &why) != OK);
	same_again(s, &json);
	if (at < n)
		check(str_sub(all, at + 1, n), s);
	cedar_schema_free(s);
	cedar_schema_free(t);
	buf_done(&json);
	return 0;
}
