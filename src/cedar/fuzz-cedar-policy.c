/* fuzz-cedar-policy: what is read prints, formats and goes through JSON as the
 * same; what is refused has a place and a sentence. */
#include "cedar/set-in.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = 64 * 1024 * 1024 };

static void
same(const struct cedar_policies *x, const struct cedar_policies *y)
{
	BUG_ON(x->pol_n != y->pol_n || x->tmpl_n != y->tmpl_n);
	for (size_t i = 0; i < x->pol_n; i++)
		BUG_ON(!ast_same_policy(x->pol[i], y->pol[i]));
	for (size_t i = 0; i < x->tmpl_n; i++)
		BUG_ON(!ast_same_policy(x->tmpl[i], y->tmpl[i]));
}

static void
again(const struct cedar_policies *x, struct str text)
{
	struct cedar_policies *y = cedar_policies_new();

	BUG_ON(cedar_policies_parse(y, text, NULL) != OK);
	same(x, y);
	cedar_policies_free(y);
}

/* JSON nests deeper than text, so it may be too deep to be read. */
static void
json(const struct cedar_policies *x)
{
	struct cedar_policies *y = cedar_policies_new();
	struct buf b = { .max = ROOM };
	enum err e;

	cedar_policies_to_json(x, &b);
	BUG_ON(b.full);
	e = cedar_policies_from_json(y, STR(""), buf_view(&b), NULL);
	BUG_ON(e != OK && e != ERR_LIMIT);
	if (e == OK)
		same(x, y);
	buf_done(&b);
	cedar_policies_free(y);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct str text = { (const char *)data, size };
	struct cedar_policies *x = cedar_policies_new();
	struct buf a = { .max = ROOM }, b = { .max = ROOM };
	struct cedar_why why = { 0 };

	if (cedar_policies_parse(x, text, &why) == OK) {
		cedar_policies_put(x, &a);
		again(x, buf_view(&a));
		buf_clear(&a);
		BUG_ON(cedar_format(text, &a, NULL) != OK);
		again(x, buf_view(&a));
		BUG_ON(cedar_format(buf_view(&a), &b, NULL) != OK);
		BUG_ON(!str_eq(buf_view(&a), buf_view(&b)));
		json(x);
	} else {
		BUG_ON(why.note.text[0] == '\0');
		BUG_ON(x->pol_n + x->tmpl_n + map_count(x->by_id) != 0);
	}
	buf_done(&a);
	buf_done(&b);
	cedar_policies_free(x);
	return 0;
}
