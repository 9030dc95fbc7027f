/*
 * partly-parts.c: what the conditions of a policy come to.  Each part that
 * reads only what is known is asked of the engine; what reads something unknown
 * may come to anything; && || ! and if put both together.
 */
#include "authority/partly-in.h"

/* ---- what is known ---- */

enum { PATH_KEPT = 2 };
struct path {
	struct str at[PATH_KEPT]; /* below context */
	size_t n;		  /* of all attributes, also beyond at */
	bool rooted;		  /* else it is another expression */
};

static void
path_add(struct path *p, struct jv attr)
{
	struct jit it = jit_of(attr);
	struct jv v;

	if (jv_is(attr, J_ARR)) { /* x has a.b */
		while (jit_next(&it, NULL, &v))
			path_add(p, v);
		return;
	}
	if (p->n < PATH_KEPT)
		p->at[p->n] = jv_str(attr);
	p->n++;
}

static struct path
path_of(struct jv e)
{
	struct path p = { .rooted = false };
	struct jv left = e, chain[JSON_DEPTH_MAX];
	size_t n = 0;

	while (n < countof(chain) && jv_is(jv_get(left, STR(".")), J_OBJ)) {
		chain[n++] = jv_get(left, STR("."));
		left = jv_get(chain[n - 1], STR("left"));
	}
	p.rooted = str_eq(jv_str(jv_get(left, STR("Var"))), STR("context"));
	while (p.rooted && n > 0)
		path_add(&p, jv_get(chain[--n], STR("attr")));
	return p;
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

static struct jv
argument(const struct partly *k, struct str name)
{
	return jv_get(jv_get(k->call.params, STR("arguments")), name);
}

bool
argument_known(const struct partly *k, struct str name)
{
	return k->whole || listed(k->absent, name) ||
	       !jv_is(argument(k, name), J_NONE);
}

static bool
input_known(const struct ask *q, const struct path *p)
{
	return p->n > 1 ? argument_known(q->k, p->at[1]) : q->k->whole;
}

static bool
derived_known(const struct ask *q, const struct path *p)
{
	const struct jv facts = q->k->call.facts;
	struct jit it = jit_of(facts);
	struct str arg;

	if (p->n > 1)
		return jv_is(jv_get(facts, p->at[1]), J_NONE) ||
		       argument_known(q->k, p->at[1]);
	while (jit_next(&it, &arg, NULL))
		if (!argument_known(q->k, arg))
			return false;
	return true;
}

static bool
session_known(const struct ask *q, const struct path *p)
{
	(void)p;
	return q->k->session;
}

/* Arguments say which datasets a tool's call touches. */
static bool
datasets_known(const struct ask *q, const struct path *p)
{
	const struct call *c = &q->k->call;
	const struct inventory *v = q->s->policy->inv;
	const struct locations *l = v->is && thing_on(c->method) == TOOL
					? map_get(v->locations, c->server)
					: NULL;

	(void)p;
	for (size_t i = 0; l != NULL && i < l->n; i++)
		if (l->at[i].argument.n > 0 &&
		    str_glob(l->at[i].tool, c->name) &&
		    !argument_known(q->k, l->at[i].argument))
			return false;
	return true;
}

static bool
budget_known(const struct ask *q, const struct path *p)
{
	(void)p;
	return q->k->budget;
}

static bool
always_known(const struct ask *q, const struct path *p)
{
	(void)q;
	(void)p;
	return true;
}

/* What the context has; a member that has no row is not known. */
static const struct {
	struct str member;
	bool (*known)(const struct ask *q, const struct path *p);
	bool there; /* always, when a policy reads it */
} members[] = {
	{ STR_INIT("call"), always_known, true },
	{ STR_INIT("input"), input_known, true },
	{ STR_INIT("derived"), derived_known, true },
	{ STR_INIT("session"), session_known, true },
	{ STR_INIT("datasets"), datasets_known, true },
	{ STR_INIT("labels"), datasets_known, true },
	{ STR_INIT("on_behalf_of"), always_known, true },
	{ STR_INIT("chain_depth"), always_known, true },
	{ STR_INIT("chain_agents"), always_known, true },
	{ STR_INIT("model"), always_known, true },
	{ STR_INIT("budget"), budget_known, false },
};

/* May a policy that reads this be asked?  has: it only asks whether it is
 * there; *sound: asking cannot fail. */
static bool
path_known(const struct ask *q, const struct path *p, bool has, bool *sound)
{
	*sound = false;
	for (size_t i = 0; p->n > 0 && i < countof(members); i++) {
		if (!str_eq(members[i].member, p->at[0]))
			continue;
		/* A record that may not be there itself can fail below. */
		*sound = has && p->n <= (members[i].there ? 2 : 1);
		return (has && p->n == 1 && members[i].there) ||
		       members[i].known(q, p);
	}
	return false;
}

static void
miss(struct ask *q, const struct path *p)
{
	if (q->missing->n > 0)
		return;
	buf_str(q->missing, STR("context"));
	for (size_t i = 0; i < p->n && i < PATH_KEPT; i++)
		buf_fmt(q->missing, ".%.*s", STR_ARG(p->at[i]));
}

/* The first part of e that reads something unknown; false: none.  *sound: it
 * is all of e, and cannot fail. */
static bool
reads_unknown(const struct ask *q, struct jv e, struct path *at, bool *sound)
{
	bool below;
	const struct jv has = jv_get(e, STR("has"));
	struct path p =
	    path_of(jv_is(has, J_OBJ) ? jv_get(has, STR("left")) : e);
	struct jit it = jit_of(e);
	struct str key;
	struct jv v;

	if (p.rooted) {
		if (jv_is(has, J_OBJ))
			path_add(&p, jv_get(has, STR("attr")));
		*at = p;
		return !path_known(q, &p, jv_is(has, J_OBJ), sound);
	}
	*sound = false;
	while (jit_next(&it, &key, &v))
		if ((!it.obj || !str_eq(key, STR("Value"))) &&
		    (jv_is(v, J_OBJ) || jv_is(v, J_ARR)) &&
		    reads_unknown(q, v, at, &below))
			return true;
	return false;
}

/* ---- asking the engine ---- */

static void
put_any(struct buf *b, const char *part)
{
	size_t m;

	tape_key(b, str_of(part));
	m = tape_obj(b);
	tape_key(b, STR("op"));
	tape_str(b, STR("All"));
	tape_end(b, m, 1);
}

/* permit (principal, action, resource) when { e }; */
static void
put_when(struct buf *b, struct jv e)
{
	const size_t m = tape_obj(b);
	size_t list, c;

	tape_key(b, STR("effect"));
	tape_str(b, STR("permit"));
	put_any(b, "principal");
	put_any(b, "action");
	put_any(b, "resource");
	tape_key(b, STR("conditions"));
	list = tape_arr(b);
	c = tape_obj(b);
	tape_key(b, STR("kind"));
	tape_str(b, STR("when"));
	tape_key(b, STR("body"));
	tape_copy(b, e);
	tape_end(b, c, 2);
	tape_end(b, list, 1);
	tape_end(b, m, 5);
}

static enum err
engine_of(struct partly_set *s, struct jv e, struct cedar_engine **out)
{
	struct buf tape = { .max = PARTLY_ONE_MAX },
		   text = { .max = PARTLY_ONE_MAX };
	struct cedar_policies *ps;
	enum err err;

	*out = map_get(s->parts, jv_bytes(e));
	if (*out != NULL)
		return OK;
	ps = cedar_policies_new();
	put_when(&tape, e);
	json_write(jv_of(buf_view(&tape)), &text);
	err = buf_end(&text);
	if (!err)
		err = cedar_policies_from_json(
		    ps, STR("part"), buf_view(&text), NULL);
	if (!err)
		err = cedar_engine_new(ps, out, NULL);
	if (!err)
		(void)map_put(s->parts, jv_bytes(e), *out);
	cedar_policies_free(ps);
	buf_done(&tape);
	buf_done(&text);
	return err;
}

/* What it is; all of it is known. */
static unsigned
leaf(struct ask *q, struct jv e)
{
	struct cedar_answer ans = { .decision = CEDAR_DENY };
	struct cedar_engine *engine = NULL;

	if (engine_of(q->s, e, &engine) != OK ||
	    cedar_authorize(engine, q->w.r, q->w.es, q->a, &ans) != OK)
		return MAYBE;
	if (ans.error_n > 0)
		return IS_E;
	return ans.decision == CEDAR_ALLOW ? IS_T : IS_F;
}

static unsigned come_to(struct ask *q, struct jv e);

static unsigned
negated(unsigned x)
{
	return (x & IS_E) | (x & IS_T ? IS_F : 0) | (x & IS_F ? IS_T : 0);
}

/* The left side decides whether the right one is asked: `on` goes on. */
static unsigned
chained(struct ask *q, struct jv two, unsigned on)
{
	const unsigned l = come_to(q, jv_get(two, STR("left")));

	if ((l & on) == 0)
		return l;
	return (l & ~on) | come_to(q, jv_get(two, STR("right")));
}

static unsigned
chosen(struct ask *q, struct jv three)
{
	const unsigned c = come_to(q, jv_get(three, STR("if")));
	unsigned got = c & IS_E;

	if (c & IS_T)
		got |= come_to(q, jv_get(three, STR("then")));
	if (c & IS_F)
		got |= come_to(q, jv_get(three, STR("else")));
	return got;
}

static unsigned
come_to(struct ask *q, struct jv e)
{
	const struct jv and = jv_get(e, STR("&&")), or = jv_get(e, STR("||")),
			not = jv_get(e, STR("!")),
			choice = jv_get(e, STR("if-then-else"));
	struct path p;
	bool sound;

	if (!reads_unknown(q, e, &p, &sound))
		return leaf(q, e);
	if (!jv_is(and, J_NONE))
		return chained(q, and, IS_T);
	if (!jv_is(or, J_NONE))
		return chained(q, or, IS_F);
	if (!jv_is(not, J_NONE))
		return negated(come_to(q, jv_get(not, STR("arg"))));
	if (!jv_is(choice, J_NONE))
		return chosen(q, choice);
	miss(q, &p);
	return sound ? IS_T | IS_F : MAYBE;
}

/* Of a policy whose scope fits. */
unsigned
policy_comes_to(struct ask *q, const struct one *o)
{
	struct jit it =
	    jit_of(jv_get(jv_of(buf_view(&o->tape)), STR("conditions")));
	unsigned got = IS_T;
	struct jv c;

	while ((got & IS_T) && jit_next(&it, NULL, &c)) {
		unsigned is = come_to(q, jv_get(c, STR("body")));

		if (str_eq(jv_str(jv_get(c, STR("kind"))), STR("unless")))
			is = negated(is);
		got = (got & ~(unsigned)IS_T) | is;
	}
	return got;
}
