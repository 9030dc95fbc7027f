/*
 * fuzz-disclose: everything this room reads.  The first byte says which: a
 * record and disclosures, content, entries, keys, items.  What opens must have
 * been committed to; what a walk says is whole must lie in the text.
 */
#include "disclose/disclose.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* Lines: a record, then disclosures. */
static void
one_record(struct str text)
{
	struct str given[DISCLOSURES_MAX], line;
	struct buf rec = { .max = 1 << 20 }, out = { .max = 1 << 20 };
	struct opened *o = NULL;
	struct note why;
	char digest[COMMITMENT_N];
	size_t k = 0, which;

	if (!str_split(&text, '\n', &line) ||
	    json_parse(line, &json_default, &rec, NULL) != OK) {
		buf_done(&rec);
		return;
	}
	while (k < DISCLOSURES_MAX && str_split(&text, '\n', &given[k]))
		k++;
	if (opened_new(jv_of(buf_view(&rec)), given, k, &o, &why) == OK) {
		opened_list(o, &out);
		opened_record(o, &out);
		(void)opened_at(o, jv_of(buf_view(&rec)), STR("a"), &which);
		for (size_t i = 0; i < k; i++)
			disclosure_digest(given[i], digest);
		BUG_ON(k == 1 &&
		       str_search(line, (struct str){ digest, COMMITMENT_N }) ==
			   line.n);
	}
	opened_free(o);
	buf_done(&rec);
	buf_done(&out);
}

static void
content(struct str text)
{
	static struct content c;
	struct buf tape = { .max = 1 << 20 };
	struct note why;

	if (json_parse(text, &json_default, &tape, NULL) == OK &&
	    content_of(jv_of(buf_view(&tape)), &c, &why) == OK)
		BUG_ON(c.disclosures + c.hiddens > DISCLOSURES_MAX);
	buf_done(&tape);
}

static void
inside(struct str all, struct str part)
{
	BUG_ON(part.p < all.p || part.p + part.n > all.p + all.n);
}

static void
files(struct str text)
{
	static const unsigned char key[AEAD_KEY];
	struct buf out = { .max = 1 << 20 };
	struct aead *a = aead_new();
	struct side_entry e;
	struct side_key k;
	size_t at = 0, torn = 0;

	while (side_next(text, &at, &e, &torn)) {
		inside(text, e.sealed);
		BUG_ON(side_open(a, key, &e, &out) == OK && out.n == 0 &&
		       e.sealed.n > AEAD_EXTRA);
	}
	BUG_ON(torn > text.n);
	at = 0;
	while (side_key_next(text, &at, &k, &torn)) {
		inside(text, k.subject);
		BUG_ON(k.at + k.n > text.n);
	}
	BUG_ON(torn > text.n);
	aead_free(a);
	buf_done(&out);
}

static void
items(struct str text)
{
	struct cur c = cur_of(text.p, text.n);
	struct side_item i;
	bool bad = false;

	while (side_item_next(&c, &i, &bad)) {
		inside(text, i.subject);
		inside(text, i.content);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static void (*const run[])(
	    struct str) = { one_record, content, files, items };

	if (n > 0)
		run[p[0] % countof(run)](
		    (struct str){ (const char *)p + 1, n - 1 });
	return 0;
}
