/* learn-seen.c: facts of arguments, call by call. */
#include "ctl/learn-in.h"

#include "sys/sys.h"

/* ---- one fact ---- */

static void
value_add(struct seen_fact *f, struct str s)
{
	if (map_get(f->value, s) != NULL)
		return;
	f->many |= map_count(f->value) == SEEN_VALUES;
	if (!f->many)
		(void)map_put(f->value, s, f);
}

static void
long_add(struct seen_fact *f, int64_t n)
{
	if (f->n == 0 || n < f->least)
		f->least = n;
	if (f->n == 0 || n > f->most)
		f->most = n;
}

/* "/a/b" of "/a/b/c"; a path that has no directory but the root is its own. */
static struct str
directory(struct str path)
{
	size_t n = path.n;

	while (n > 0 && path.p[n - 1] != '/')
		n--;
	return n <= 1 ? path : str_sub(path, 0, n - 1);
}

static struct str
top_of(struct str path)
{
	struct str rest = path;
	size_t n = rest.n > 0 && rest.p[0] == '/' ? 1 : 0;

	while (n < rest.n && rest.p[n] != '/')
		n++;
	return str_sub(path, 0, n);
}

/* The longest directory that both are in or are. */
static struct str
common(struct str x, struct str y)
{
	size_t n = 0, whole = 0;

	while (n < x.n && n < y.n && x.p[n] == y.p[n])
		if (x.p[n++] == '/')
			whole = n - 1;
	if ((n == x.n && (n == y.n || y.p[n] == '/')) ||
	    (n == y.n && x.p[n] == '/'))
		whole = n;
	return str_sub(x, 0, whole);
}

static void
dir_add(struct seen_fact *f, struct str path)
{
	const struct str d = directory(path);

	for (size_t i = 0; i < f->dir_n; i++) {
		const struct str old = buf_view(&f->dir[i]);

		if (!str_eq(top_of(old), top_of(d)))
			continue;
		f->dir[i].n = common(old, d).n;
		return;
	}
	f->wide |= f->dir_n == SEEN_FEW;
	if (f->wide)
		return;
	f->dir[f->dir_n] = (struct buf){ .max = 1 << 16 };
	buf_str(&f->dir[f->dir_n++], d);
}

static struct seen_fact *
fact_of(struct seen_arg *a, struct str name, enum fact_type type)
{
	struct seen_fact *f;

	for (size_t i = 0; i < a->n; i++)
		if (str_eq(a->fact[i].name, name)) {
			a->fact[i].mixed |= a->fact[i].type != type;
			return &a->fact[i];
		}
	if (a->n == SEEN_FACTS)
		return NULL;
	f = &a->fact[a->n++];
	*f = (struct seen_fact){
		.name = str_keep(name), .type = type, .value = map_new(0)
	};
	return f;
}

static void
fact_add(struct seen_arg *a, const struct fact *x)
{
	struct seen_fact *f = fact_of(a, x->name, x->type);

	if (f == NULL)
		return;
	if (x->type == FACT_BOOL)
		*(x->is ? &f->yes : &f->no) = true;
	else if (x->type == FACT_LONG)
		long_add(f, x->n);
	else if (x->type == FACT_SET)
		for (size_t i = 0; i < x->set_n; i++)
			value_add(f, x->set[i]);
	else
		value_add(f, x->text);
	if (a->kind == FACT_PATH && str_eq(x->name, STR("canonical")))
		dir_add(f, x->text);
	f->n++;
}

/* ---- one argument ---- */

static struct fact_value
value_of(struct jv v)
{
	if (jv_is(v, J_STR))
		return (struct fact_value){ FACT_OF_TEXT, jv_str(v), 0 };
	if (jv_is(v, J_NUM))
		return (struct fact_value){ FACT_OF_NUMBER, jv_str(v), 0 };
	if (jv_is(v, J_ARR))
		return (
		    struct fact_value){ FACT_OF_LIST, STR(""), jv_count(v) };
	return (struct fact_value){ FACT_OF_OTHER, STR(""), 0 };
}

/* The argument itself, where it is a plain value. */
static void
plain_add(struct seen_arg *a, struct jv v)
{
	struct fact x = { .type = FACT_TEXT };
	struct seen_fact *f;

	if (jv_is(v, J_STR)) {
		x.text = jv_str(v);
	} else if (jv_is(v, J_TRUE) || jv_is(v, J_FALSE)) {
		x.type = FACT_BOOL;
		x.is = jv_true(v);
	} else if (jv_i64(v, &x.n) == OK) {
		x.type = FACT_LONG;
	} else {
		f = fact_of(a, STR(""), FACT_SET);
		if (f != NULL)
			f->mixed = true; /* nothing is said of lists, objects */
		return;
	}
	fact_add(a, &x);
}

static void
arg_add(struct seen_arg *a, struct jv v, struct arena *mem)
{
	const struct fact_value fv = value_of(v);
	const struct fact_shape *shape;
	const struct fact *f;
	struct facts got;
	size_t n;
	struct note why = { "" };

	a->there++;
	if (a->kind == FACT_NONE) {
		plain_add(a, v);
		return;
	}
	if (facts_read(a->kind, &fv, mem, &got, &why) != OK)
		return;
	shape = fact_shapes(a->kind, &n);
	for (size_t i = 0; i < n; i++) { /* in the order that people read */
		f = fact_get(&got, shape[i].name);
		if (f != NULL)
			fact_add(a, f);
	}
}

static struct seen_arg *
arg_of(struct seen_args *s, struct str name, enum fact_kind kind)
{
	struct seen_arg *a;

	for (size_t i = 0; i < s->n; i++)
		if (str_eq(s->arg[i].name, name))
			return &s->arg[i];
	if (s->n == SEEN_ARGS)
		return NULL;
	a = &s->arg[s->n++];
	/* calls before this one: it was not known of them */
	*a = (struct seen_arg){
		.name = str_keep(name), .kind = kind, .unknown = s->calls
	};
	return a;
}

static bool
listed(struct jv list, struct str name)
{
	struct jit it = jit_of(list);
	struct jv v;

	while (jit_next(&it, NULL, &v))
		if (str_eq(jv_str(v), name))
			return true;
	return false;
}

void
seen_add(struct seen_args *s, const struct sample *x, struct arena *mem)
{
	struct jit it = jit_of(x->arguments);
	struct str name;
	struct jv v;

	while (jit_next(&it, &name, &v))
		(void)arg_of(
		    s, name, fact_kind_of(jv_str(jv_get(x->facts, name))));
	it = jit_of(x->facts);
	while (jit_next(&it, &name, &v))
		(void)arg_of(s, name, fact_kind_of(jv_str(v)));
	for (size_t i = 0; i < s->n; i++) {
		struct seen_arg *a = &s->arg[i];

		v = jv_get(x->arguments, a->name);
		if (!jv_is(v, J_NONE))
			arg_add(a, v, mem);
		else if (x->whole || listed(x->absent, a->name))
			a->gone++;
		else
			a->unknown++;
	}
	s->calls++;
}

static void
drop(struct str s)
{
	union {
		const char *in;
		void *out;
	} u = { s.p };

	mem_free(u.out);
}

void
seen_done(struct seen_args *s)
{
	for (size_t i = 0; i < s->n; i++) {
		struct seen_arg *a = &s->arg[i];

		for (size_t k = 0; k < a->n; k++) {
			map_free(a->fact[k].value);
			drop(a->fact[k].name);
			for (size_t d = 0; d < a->fact[k].dir_n; d++)
				buf_done(&a->fact[k].dir[d]);
		}
		drop(a->name);
	}
	s->n = 0;
}
