/*
 * touch.c: which datasets a call touches.  A dataset says where it is met: URIs
 * of resources, and arguments of tools, compared by their facts where they have
 * some.  In doubt a call touches: what cannot be compared might be it.
 */
#include "authority/inventory.h"

/* ---- opening ---- */

static struct str
text(struct jv v, const char *key)
{
	return jv_str(jv_get(v, str_of(key)));
}

static struct jv
server_named(struct jv image, struct str name)
{
	struct jit it = jit_of(jv_get(image, STR("servers")));
	struct jv v;

	while (jit_next(&it, NULL, &v))
		if (str_eq(text(v, "name"), name))
			return v;
	return (struct jv){ NULL, 0 };
}

/* Has a fact of this kind such a member, and is it one that texts are compared
 * with? */
static bool
kind_has(enum fact_kind k, struct str fact)
{
	size_t n = 0;
	const struct fact_shape *s = fact_shapes(k, &n);

	for (size_t i = 0; i < n; i++)
		if (str_eq(s[i].name, fact))
			return s[i].type != FACT_IP;
	return false;
}

static enum err
no_fact(const struct inventory *v, struct jv said, struct str fact,
    enum fact_kind k, struct note *why)
{
	struct buf names = { .max = 128 };
	const struct str kind = fact_kind_name(k);
	int64_t line = 0, column = 0;
	size_t n = 0;
	const struct fact_shape *s = fact_shapes(k, &n);

	(void)!jv_i64(jv_get(said, STR("line")), &line);
	(void)!jv_i64(jv_get(said, STR("column")), &column);
	for (size_t i = 0; i < n; i++)
		if (s[i].type != FACT_IP && names.n + s[i].name.n < 100)
			buf_fmt(&names, "%s%.*s", names.n > 0 ? ", " : "",
			    STR_ARG(s[i].name));
	note_set(why,
	    "%.*s:%d:%d: a %.*s has no fact \"%.*s\" to be compared; "
	    "it has %.*s",
	    STR_ARG(v->file), (int)line, (int)column, STR_ARG(kind),
	    STR_ARG(str_sub(fact, 0, 40)), STR_ARG(buf_view(&names)));
	buf_done(&names);
	return ERR_SYNTAX;
}

/* Every tool that it is about must have that fact of that argument. */
static enum err
fact_ok(const struct inventory *v, struct jv image, struct jv said,
    struct note *why)
{
	const struct str fact = text(said, "fact");
	const struct jv server = server_named(image, text(said, "server"));
	struct jit it = jit_of(jv_get(server, STR("facts")));
	struct str tool;
	struct jv arguments;

	while (fact.n > 0 && jit_next(&it, &tool, &arguments)) {
		struct str kind =
		    jv_str(jv_get(arguments, text(said, "argument")));
		enum fact_kind k;

		(void)fact_of_list(&kind); /* each element has it, or none */
		k = fact_kind_of(kind);

		if (k != FACT_NONE && str_glob(text(said, "tool"), tool) &&
		    !kind_has(k, fact))
			return no_fact(v, said, fact, k, why);
	}
	return OK;
}

static void
location_add(struct inventory *v, struct jv said, unsigned dataset)
{
	const struct str server = text(said, "server");
	struct locations *l = map_get(v->locations, server);

	if (l == NULL) {
		l = mem_get(sizeof(*l));
		(void)map_put(v->locations, server, l);
	}
	l->at =
	    mem_more(l->at, l->n * sizeof(*l->at), (l->n + 1) * sizeof(*l->at));
	l->at[l->n++] = (struct location){ .tool = text(said, "tool"),
		.argument = text(said, "argument"),
		.fact = text(said, "fact"),
		.values = jv_get(said, STR("values")),
		.dataset = dataset };
}

static enum err
dataset_open(struct inventory *v, struct jv image, unsigned i, struct note *why)
{
	const struct jv said = v->all[K_DATASET][i].said;
	const struct jv uris = jv_get(said, STR("resources"));
	struct jit it = jit_of(uris);
	struct jv x;

	v->uri = mem_more(v->uri, v->uri_n * sizeof(*v->uri),
	    (v->uri_n + jv_count(uris) + 1) * sizeof(*v->uri));
	while (jit_next(&it, NULL, &x))
		v->uri[v->uri_n++] = (struct uris_in){ jv_str(x), i };
	it = jit_of(jv_get(said, STR("arguments")));
	while (jit_next(&it, NULL, &x)) {
		TRY(fact_ok(v, image, x, why));
		location_add(v, x, i);
	}
	return OK;
}

enum err
touch_open(struct inventory *v, struct jv image, struct note *why)
{
	v->locations = map_new(0);
	for (size_t i = 0; i < v->n[K_DATASET]; i++)
		TRY(dataset_open(v, image, (unsigned)i, why));
	return OK;
}

void
touch_free(struct inventory *v)
{
	size_t at = 0;
	void *p;

	while (v->locations != NULL && map_next(v->locations, &at, NULL, &p)) {
		struct locations *l = p;

		mem_free(l->at);
		mem_free(l);
	}
	map_free(v->locations);
	mem_free(v->uri);
}

/* ---- one call ---- */

static bool
one_of(struct jv globs, struct str s)
{
	struct jit it = jit_of(globs);
	struct jv x;

	while (jit_next(&it, NULL, &x))
		if (str_glob(jv_str(x), s))
			return true;
	return false;
}

static struct str
word(bool is)
{
	return is ? STR("true") : STR("false");
}

/* The argument as it is: any element of a list; an object might be it. */
static bool
is_value(struct jv globs, struct jv v)
{
	struct jit it = jit_of(v);
	struct jv x;

	switch (jv_type(v)) {
	case J_STR:
	case J_NUM:
		return one_of(globs, jv_str(v));
	case J_TRUE:
	case J_FALSE:
		return one_of(globs, word(jv_true(v)));
	case J_ARR:
		while (jit_next(&it, NULL, &x))
			if (jv_is(x, J_ARR) || is_value(globs, x))
				return true;
		return false;
	case J_OBJ:
		return true;
	case J_NONE:
	case J_NULL:
		break;
	}
	return false;
}

static bool
is_fact(struct jv globs, const struct cedar_value *v)
{
	char number[24];
	int n;

	if (v->type == CEDAR_STRING)
		return one_of(globs, cedar_text(*v));
	if (v->type == CEDAR_BOOL)
		return one_of(globs, word(v->i != 0));
	if (v->type == CEDAR_LONG) {
		n = snprintf(number, sizeof(number), "%lld", (long long)v->i);
		return one_of(globs, (struct str){ number, (size_t)n });
	}
	for (size_t i = 0; v->type == CEDAR_SET && i < v->n; i++)
		if (is_fact(globs, &v->el[i]))
			return true;
	return v->type != CEDAR_SET;
}

static bool
touches(const struct location *l, struct jv arguments, const struct known *k)
{
	const struct jv v = jv_get(arguments, l->argument);
	const struct cedar_value *facts = NULL, *fact = NULL;

	if (l->argument.n == 0)
		return true;
	if (jv_is(v, J_NONE))
		return false;
	if (l->fact.n == 0)
		return jv_count(l->values) == 0 || is_value(l->values, v);
	if (k->derived.type == CEDAR_RECORD)
		facts = cedar_get(k->derived, l->argument);
	if (facts != NULL && facts->type == CEDAR_RECORD &&
	    cedar_get(*facts, STR("each")) != NULL) /* of a list */
		facts = cedar_get(*facts, STR("each"));
	if (facts != NULL && facts->type == CEDAR_RECORD)
		fact = cedar_get(*facts, l->fact);
	return fact == NULL || is_fact(l->values, fact);
}

static void
mark(const struct inventory *v, unsigned dataset, struct touched *t)
{
	if ((t->dataset[dataset / 64] & UINT64_C(1) << dataset % 64) == 0)
		t->n++;
	t->dataset[dataset / 64] |= UINT64_C(1) << dataset % 64;
	t->labels |= v->all[K_DATASET][dataset].label;
}

void
inventory_touch(const struct inventory *v, const struct call *c,
    const struct known *k, struct touched *out)
{
	const struct jv arguments = jv_get(c->params, STR("arguments"));
	const enum thing on = thing_on(c->method);
	const struct locations *l;

	*out = (struct touched){ .n = 0 };
	if (!v->is)
		return;
	out->labels = (k->what != NULL ? k->what->label : 0) |
		      (k->server != NULL ? k->server->label : 0);
	for (size_t i = 0; on == RESOURCE && i < v->uri_n; i++)
		if (str_glob(v->uri[i].glob, c->name))
			mark(v, v->uri[i].dataset, out);
	l = on == TOOL ? map_get(v->locations, c->server) : NULL;
	for (size_t i = 0; l != NULL && i < l->n; i++)
		if (str_glob(l->at[i].tool, c->name) &&
		    touches(&l->at[i], arguments, k))
			mark(v, l->at[i].dataset, out);
}

/* context.datasets */
struct cedar_value
touched_datasets(
    const struct inventory *v, const struct touched *t, struct arena *a)
{
	struct cedar_value *el = arena_alloc(a, (t->n + 1) * sizeof(*el));
	size_t n = 0;

	for (size_t i = 0; el != NULL && i < v->n[K_DATASET] && n < t->n; i++)
		if (t->dataset[i / 64] >> i % 64 & 1)
			el[n++] = cedar_entity(&v->dataset[i]);
	return cedar_set_in(el, n, a);
}

/* context.labels */
struct cedar_value
touched_labels(
    const struct inventory *v, const struct touched *t, struct arena *a)
{
	struct cedar_value *el = arena_alloc(a, (v->label_n + 1) * sizeof(*el));
	size_t n = 0;

	for (size_t i = 0; el != NULL && i < v->label_n; i++)
		if (t->labels >> i & 1)
			el[n++] = cedar_string(v->label[i]);
	return cedar_set_in(el, n, a);
}
