/* fuzz-cedar-est: JSON policies that are read are written as JSON that is read
 * as the same, and print as text that is read as the same. */
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

static bool
any_link(const struct cedar_policies *x)
{
	for (size_t i = 0; i < x->pol_n; i++)
		if (x->pol[i]->from != NULL)
			return true;
	return false;
}

/* Text has no ids and no links: only what is not in them can be compared. */
static void
text(const struct cedar_policies *x)
{
	struct cedar_policies *y = cedar_policies_new();
	struct buf b = { .max = ROOM };

	cedar_policies_put(x, &b);
	BUG_ON(b.full);
	BUG_ON(cedar_policies_parse(y, buf_view(&b), NULL) != OK);
	if (!any_link(x))
		BUG_ON(x->pol_n != y->pol_n);
	BUG_ON(x->tmpl_n != y->tmpl_n);
	for (size_t i = 0; !any_link(x) && i < x->pol_n; i++) {
		y->pol[i]->id = x->pol[i]->id;
		BUG_ON(!ast_same_policy(x->pol[i], y->pol[i]));
	}
	buf_done(&b);
	cedar_policies_free(y);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct str source = { (const char *)data, size };
	struct cedar_policies *x = cedar_policies_new();
	struct cedar_policies *y = cedar_policies_new();
	const struct str ids[] = { STR_INIT("p"), STR_INIT("") };
	struct buf b = { .max = ROOM };
	struct cedar_why why = { 0 };

	for (size_t i = 0; i < countof(ids); i++) {
		enum err e = cedar_policies_from_json(x, ids[i], source, &why);

		BUG_ON(e != OK && why.note.text[0] == '\0');
		if (e != OK)
			continue;
		cedar_policies_to_json(x, &b);
		e = cedar_policies_from_json(y, STR(""), buf_view(&b), NULL);
		BUG_ON(e != OK && e != ERR_LIMIT);
		if (e == OK)
			same(x, y);
		text(x);
		break;
	}
	buf_done(&b);
	cedar_policies_free(x);
	cedar_policies_free(y);
	return 0;
}
