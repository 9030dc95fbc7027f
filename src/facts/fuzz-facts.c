/* fuzz-facts.c: any text as any kind: no crash, and every kind's record holds
 * exactly what its shape says; a URI in normal form climbs for no reader. */
#include "facts/facts.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
check(enum fact_kind k, const struct facts *f)
{
	size_t n, seen = 0;
	const struct fact_shape *s = fact_shapes(k, &n);

	for (size_t i = 0; i < n; i++) {
		const struct fact *v = fact_get(f, s[i].name);

		BUG_ON(v == NULL && !s[i].optional);
		BUG_ON(v != NULL && v->type != s[i].type);
		seen += v != NULL;
	}
	BUG_ON(seen != f->n);
}

static void
check_uri(struct str s, const struct facts *path)
{
	const struct fact *climbs = fact_get(path, STR("climbs"));

	if (!uri_plain(s) || str_find(s, '?') < s.n || str_find(s, '#') < s.n)
		return;
	BUG_ON(climbs == NULL || climbs->is);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena *a;
	struct fact_value v = { .of = FACT_OF_TEXT };
	struct facts f;
	struct note why = { "" };
	enum fact_kind k;

	if (n < 2)
		return 0;
	k = (enum fact_kind)(1 + p[0] % (FACT_KINDS - 1));
	v.of = p[1] & 1 ? FACT_OF_NUMBER : FACT_OF_TEXT;
	v.text = (struct str){ (const char *)p + 2, n - 2 };
	a = arena_new(1 << 20);
	if (facts_read(k, &v, a, &f, &why) == OK) {
		check(k, &f);
		if (k == FACT_PATH)
			check_uri(v.text, &f);
		else
			(void)uri_plain(v.text);
	}
	arena_free(a);
	return 0;
}
