/*
 * authorize: which policies apply, and what follows: a permit that applies and
 * no forbid that does is ALLOW, everything else DENY.  A policy that fails
 * applies to nothing and is named in the answer.
 */
#include "cedar/eval.h"

/* Places of policies, in order, that grow in an arena. */
struct places {
	uint32_t *v;
	size_t n, cap;
};

struct deciding {
	struct ev ev;
	struct places permit, forbid;
	uint64_t *may; /* a bit for each policy: those that the index found */
	struct failure *failed, **failed_end;
	size_t failed_n;
};

struct failure {
	struct cedar_failed f;
	struct failure *next;
};

enum err
cedar_request_of(const struct cedar_uid par[static 3],
    struct cedar_value context, struct arena *a, struct cedar_request **out)
{
	struct cedar_request *r;

	if (context.type != CEDAR_RECORD)
		return ERR_SYNTAX;
	r = arena_alloc(a, sizeof(*r));
	if (r == NULL)
		return ERR_LIMIT;
	for (int i = 0; i < 3; i++) {
		r->ref[i] = cedar_ref_of(par[i]);
		r->var[i] = &r->ref[i];
	}
	r->context = context;
	*out = r;
	return OK;
}

static bool
place_add(struct arena *a, struct places *p, uint32_t place)
{
	if (p->n == p->cap) {
		const size_t cap = p->cap == 0 ? 8 : 2 * p->cap;
		uint32_t *v = arena_alloc(a, cap * sizeof(*v));

		if (v == NULL)
			return false;
		if (p->n > 0)
			memcpy(v, p->v, p->n * sizeof(*v));
		p->v = v;
		p->cap = cap;
	}
	p->v[p->n++] = place;
	return true;
}

static bool
failed_add(struct deciding *d, uint32_t place)
{
	struct failure *f = arena_alloc(d->ev.a, sizeof(*f));

	if (f == NULL)
		return false;
	f->f = (struct cedar_failed){ place, d->ev.note };
	*d->failed_end = f;
	d->failed_end = &f->next;
	d->failed_n++;
	return true;
}

/* ---- one policy ---- */
static bool
scope_holds(struct ev *ev, const struct code_scope *s, unsigned var)
{
	const struct cedar_ref *ref = ev->r->var[var], *uid = ev->e->uid;
	const uint32_t *list = ev->e->list + s->uid;

	if ((s->op == AST_SCOPE_IS || s->op == AST_SCOPE_IS_IN) &&
	    !str_eq(ref->uid.type, ev->e->str[s->type]))
		return false;
	if (s->op == AST_SCOPE_ANY || s->op == AST_SCOPE_IS)
		return true;
	if (s->op == AST_SCOPE_EQ)
		return ref_same(ref, &uid[list[0]]);
	for (uint32_t i = 0; i < s->n; i++)
		if (ref_same(ref, &uid[list[i]]) ||
		    entity_under(ev->own[var], &uid[list[i]]))
			return true;
	return false;
}

enum outcome { HOLDS_NOT, HOLDS, FAILS };

static enum outcome
conditions(struct ev *ev, const struct code_policy *p)
{
	for (uint32_t i = 0; i < p->cond_n; i++) {
		const uint32_t at = ev->e->list[p->cond + i];
		const struct cedar_value v = ev_node(ev, at);

		if (v.type == CEDAR_NONE)
			return FAILS;
		if (v.type != CEDAR_BOOL) {
			(void)ev_wrong(ev, &ev->e->node[at], "bool", v);
			return FAILS;
		}
		if (!v.i)
			return HOLDS_NOT;
	}
	return HOLDS;
}

static bool
decide_one(struct deciding *d, uint32_t place)
{
	const struct code_policy *p = &d->ev.e->policy[place];
	enum outcome o;

	for (unsigned var = 0; var < 3; var++)
		if (p->scope[var].op != AST_SCOPE_ANY &&
		    !scope_holds(&d->ev, &p->scope[var], var))
			return true;
	o = conditions(&d->ev, p);
	if (d->ev.spent)
		return false;
	if (o == FAILS)
		return failed_add(d, place);
	if (o == HOLDS)
		return place_add(
		    d->ev.a, p->forbid ? &d->forbid : &d->permit, place);
	return true;
}

/* ---- all that may apply ---- */
static void
mark(struct deciding *d, uint32_t at, uint32_t n)
{
	const uint32_t *pol = d->ev.e->index.pol + at;

	for (uint32_t i = 0; i < n; i++)
		d->may[pol[i] / 64] |= UINT64_C(1) << pol[i] % 64;
}

static void
mark_key(struct deciding *d, unsigned var, enum code_key kind, uint64_t hash)
{
	const struct code_slot *s =
	    code_index_find(&d->ev.e->index, code_key(var, kind, hash));

	mark(d, s->at, s->n);
}

static void
mark_var(struct deciding *d, unsigned var)
{
	const struct cedar_ref *ref = d->ev.r->var[var];
	const struct entity *own = d->ev.own[var];
	const bool *has = d->ev.e->index.has[var];

	if (has[KEY_EQ])
		mark_key(d, var, KEY_EQ, ref->hash);
	if (has[KEY_IS])
		mark_key(d, var, KEY_IS, hash64(ref->uid.type, 0));
	if (!has[KEY_IN])
		return;
	mark_key(d, var, KEY_IN, ref->hash);
	for (size_t i = 0; own != NULL && own->up != NULL && i <= own->up_mask;
	     i++)
		if (own->up[i] != NULL)
			mark_key(d, var, KEY_IN, own->up[i]->hash);
}

/* In order of place, each once, though a policy with several actions may have
 * been found under two of them. */
static bool
decide_marked(struct deciding *d, size_t words)
{
	for (size_t w = 0; w < words; w++)
		for (uint64_t bits = d->may[w]; bits != 0; bits &= bits - 1)
			if (!decide_one(d, (uint32_t)(w * 64) +
					       (uint32_t)__builtin_ctzll(bits)))
				return false;
	return true;
}

static bool
decide(struct deciding *d, bool indexed)
{
	const struct cedar_engine *e = d->ev.e;
	const size_t words = (e->n[SEC_POLICY] + 63) / 64;

	if (!indexed) {
		for (uint32_t i = 0; i < e->n[SEC_POLICY]; i++)
			if (!decide_one(d, i))
				return false;
		return true;
	}
	d->may = arena_alloc(d->ev.a, words * sizeof(*d->may));
	if (d->may == NULL)
		return false;
	mark(d, e->index.any, e->index.any_n);
	for (unsigned var = 0; var < 3; var++)
		mark_var(d, var);
	return decide_marked(d, words);
}

/* ---- the answer ---- */
static enum err
answer(struct deciding *d, struct cedar_answer *out)
{
	struct cedar_answer got = { 0 };
	struct cedar_failed *f;
	const struct places *reason;

	if (d->permit.n > 0 && d->forbid.n == 0)
		got.decision = CEDAR_ALLOW;
	reason = got.decision == CEDAR_ALLOW ? &d->permit : &d->forbid;
	got.reason = reason->v;
	got.reason_n = reason->n;
	if (d->failed_n > 0) {
		size_t n = 0;

		f = arena_alloc(d->ev.a, d->failed_n * sizeof(*f));
		if (f == NULL)
			return ERR_LIMIT;
		for (const struct failure *x = d->failed; x != NULL;
		     x = x->next)
			f[n++] = x->f;
		got.error = f;
		got.error_n = n;
	}
	*out = got;
	return OK;
}

static enum err
authorize(const struct cedar_engine *e, const struct cedar_request *r,
    const struct cedar_entities *es, struct arena *a, struct cedar_answer *out,
    bool indexed)
{
	struct deciding d = { .ev = { .e = e, .r = r, .es = es, .a = a } };
	/* A value is written before its slot is: not cleared each time. */
	__attribute__((uninitialized)) struct ev_kept kept;

	memset(kept.slot, 0, sizeof(kept.slot));
	d.ev.kept = &kept;
	d.failed_end = &d.failed;
	*out = (struct cedar_answer){ 0 };
	for (int i = 0; i < 3 && es != NULL; i++)
		d.ev.own[i] = store_find(es, r->var[i]);
	if (!decide(&d, indexed))
		return ERR_LIMIT;
	return answer(&d, out);
}

enum err
cedar_authorize(const struct cedar_engine *e, const struct cedar_request *r,
    const struct cedar_entities *es, struct arena *a, struct cedar_answer *out)
{
	return authorize(e, r, es, a, out, true);
}

enum err
authorize_all(const struct cedar_engine *e, const struct cedar_request *r,
    const struct cedar_entities *es, struct arena *a, struct cedar_answer *out)
{
	return authorize(e, r, es, a, out, false);
}
