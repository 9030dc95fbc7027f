/*
 * amounts.c: what a call's arguments come to, for budgets: how much money, and
 * to which hosts.  By the facts that are declared of them, as policies see
 * them; what cannot be told is refused, never taken for nothing.
 */
#include "authority/authority-in.h"

/* One declared argument that is there, or one element of it. */
struct declared_arg {
	struct str name;
	struct jv v;
	enum fact_kind kind;
};
struct walk {
	struct jit args, elements;
};

static bool
next_arg(const struct call *c, struct walk *w, struct declared_arg *out)
{
	const struct jv args = jv_get(c->params, STR("arguments"));
	struct jv kind;

	if (jit_next(&w->elements, NULL, &out->v))
		return true;
	while (jit_next(&w->args, &out->name, &kind)) {
		struct str said = jv_str(kind);
		const bool list = fact_of_list(&said);

		out->kind = fact_kind_of(said);
		out->v = jv_get(args, out->name);
		if (list && jv_is(out->v, J_ARR)) {
			w->elements = jit_of(out->v);
			if (jit_next(&w->elements, NULL, &out->v))
				return true;
		} else if (!jv_is(out->v, J_NONE)) {
			return true;
		}
	}
	return false;
}

static enum err
bad(const struct declared_arg *d, const char *what, struct note *why)
{
	note_set(why, "argument %.*s: %s",
	    (int)(d->name.n > 60 ? 60 : d->name.n), d->name.p, what);
	return ERR_SYNTAX;
}

static enum err
read_arg(const struct declared_arg *d, const struct fact_value *v,
    struct arena *a, struct facts *out, struct note *why)
{
	struct note what = { "" };

	if (facts_read(d->kind, v, a, out, &what) == OK)
		return OK;
	return bad(d, what.text, why);
}

/* An amount alone is read again with the currency: how many digits it has after
 * the point depends on that. */
static enum err
with_currency(const struct declared_arg *d, struct str currency,
    struct arena *a, struct facts *out, struct note *why)
{
	struct fact_value v = fact_value_of(d->v);
	const struct fact *code;
	char *text;

	TRY(read_arg(d, &v, a, out, why));
	code = fact_get(out, STR("currency"));
	if (code == NULL || code->text.n == 0) {
		text = arena_alloc(a, v.text.n + currency.n + 1);
		if (text == NULL)
			return bad(d, "too large", why);
		memcpy(text, v.text.p, v.text.n);
		memcpy(text + v.text.n, currency.p, currency.n);
		v = (struct fact_value){ FACT_OF_TEXT,
			{ text, v.text.n + currency.n }, 0 };
		return read_arg(d, &v, a, out, why);
	}
	return str_eq(code->text, currency)
		   ? OK
		   : bad(d, "another currency than the budget's", why);
}

enum err
call_spend(const struct call *c, struct str currency, struct arena *a,
    uint64_t *minor, size_t *n, struct note *why)
{
	struct walk w = { jit_of(c->facts), jit_of((struct jv){ NULL, 0 }) };
	struct declared_arg d = { .kind = FACT_NONE };
	uint64_t sum = 0;

	*n = 0;
	while (next_arg(c, &w, &d)) {
		const struct fact *f;
		struct facts got;

		if (d.kind != FACT_MONEY)
			continue;
		TRY(with_currency(&d, currency, a, &got, why));
		f = fact_get(&got, STR("minor"));
		if (f == NULL || f->n < 0)
			return bad(&d, "less than nothing", why);
		if (__builtin_add_overflow(sum, (uint64_t)f->n, &sum))
			return ERR_LIMIT;
		(*n)++;
	}
	*minor = sum;
	return OK;
}

static bool
names_host(enum fact_kind k)
{
	return k == FACT_URL || k == FACT_EMAIL || k == FACT_HOST;
}

enum err
call_hosts(const struct call *c, struct arena *a,
    struct str out[static CALL_HOSTS_MAX], size_t *n, struct note *why)
{
	struct walk w = { jit_of(c->facts), jit_of((struct jv){ NULL, 0 }) };
	struct declared_arg d = { .kind = FACT_NONE };

	*n = 0;
	while (next_arg(c, &w, &d)) {
		const struct fact_value v = fact_value_of(d.v);
		const struct fact *f;
		struct facts got;
		bool again = false;

		if (!names_host(d.kind))
			continue;
		TRY(read_arg(&d, &v, a, &got, why));
		f = fact_get(&got, STR("host"));
		if (f == NULL || f->text.n == 0)
			return bad(&d, "it names no host", why);
		for (size_t i = 0; i < *n; i++)
			again |= str_eq(out[i], f->text);
		if (again)
			continue;
		if (*n == CALL_HOSTS_MAX)
			return bad(&d, "more hosts than can be counted", why);
		out[(*n)++] = f->text;
	}
	return OK;
}
