/*
 * verdict.c: what several answers about one call come to: what it is obliged
 * to, and which approvals it needs.
 */
#include "authority/authority-in.h"

/* Obligations that the gateway meets.  What is not here denies. */
static const struct str met[] = {
	STR_INIT("log:full"), /* a decision and an outcome are always logged */
};

bool
words_add(struct words *w, struct str word)
{
	size_t at = 0;

	while (at < w->n && str_cmp(w->at[at], word) < 0)
		at++;
	if (at < w->n && str_eq(w->at[at], word))
		return true;
	if (w->n == VERDICT_MAX)
		return false;
	memmove(&w->at[at + 1], &w->at[at], (w->n++ - at) * sizeof(word));
	w->at[at] = word;
	return true;
}

static bool
words_join(struct words *w, const struct words *other)
{
	for (size_t i = 0; i < other->n; i++)
		if (!words_add(w, other->at[i]))
			return false;
	return true;
}

bool
obligations_add(struct words *must, struct str said, struct str *unmet)
{
	struct str w;

	while (str_split(&said, ' ', &w)) {
		bool is_met = w.n == 0;

		for (size_t i = 0; i < countof(met); i++)
			is_met = is_met || str_eq(met[i], w);
		*unmet = w;
		if (!is_met || (w.n > 0 && !words_add(must, w)))
			return false;
	}
	return true;
}

bool
obligations_met(struct str said)
{
	struct words must = { .n = 0 };
	struct str unmet;

	return obligations_add(&must, said, &unmet);
}

void
verdict_approvals(struct verdict *v)
{
	*v = (struct verdict){ .rule = STR("approvals"),
		.reason = STR("The call needs too many kinds of approval.") };
}

void
verdict_join(struct verdict *v, const struct verdict *of)
{
	if (v->effect == ALLOW && of->effect == ALLOW &&
	    !words_join(&v->must, &of->must))
		*v = (struct verdict){ .rule = STR("unknown-obligation"),
			.reason = STR("The call's obligations are too many.") };
	if (v->effect == HOLD && of->effect == HOLD &&
	    !words_join(&v->needs, &of->needs))
		verdict_approvals(v);
}
