/*
 * schema-tree: entities and actions resolved, and their hierarchies closed.
 */
#include "cedar/resolve-in.h"

/* ---- entities ---- */

static enum err
declared_entity(struct resolver *r, const struct schema_ns *ns, struct str name,
    struct ast_pos pos, const struct sc_entity **out)
{
	struct target to;

	TRY(resolve_find(r, ns, name, ENTITY, pos, &to));
	if (to.entity->action)
		return resolve_refuse(r, pos, "entity type", to.entity->name,
		    "is the type of actions and cannot stand here");
	*out = to.entity;
	return OK;
}

/* Direct parents by place; kept only until the hierarchy is closed. */
struct ups {
	uint32_t *p;
	size_t n;
};

static enum err
entity_parents(struct resolver *r, size_t i, struct ups *out)
{
	const struct entity_def *d = &r->entity[i];

	out->p = arena_alloc(r->a, (d->decl->parent.n + 1) * sizeof(*out->p));
	if (out->p == NULL)
		return resolve_spent(r);
	for (size_t k = 0; k < d->decl->parent.n; k++) {
		const struct sc_entity *e = r->s->entity;

		TRY(declared_entity(
		    r, d->ns, d->decl->parent.p[k], d->decl->pos, &e));
		out->p[out->n++] = e->place;
	}
	return OK;
}

/* Places, each once, in order: by their marks or, when few, by insertion. */
static void
in_order(
    uint32_t *p, const bool *mark, const uint32_t *list, size_t n, size_t total)
{
	if (n > 64) { /* in order without sorting */
		for (size_t at = 0, w = 0; at < total; at++)
			if (mark[at])
				p[w++] = (uint32_t)at;
	} else {
		for (size_t at = 0; at < n; at++) {
			size_t w = at;

			for (; w > 0 && p[w - 1] > list[at]; w--)
				p[w] = p[w - 1];
			p[w] = list[at];
		}
	}
}

/* n places; mark and list hold one of each, mark is false between uses. */
struct graph {
	const struct ups *direct;
	bool *mark;
	uint32_t *list;
	size_t n;
};

/* All that is reached from i over one or more steps, in order of place. */
static enum err
reach(struct resolver *r, const struct graph *g, size_t i, struct ups *out)
{
	const struct ups *direct = g->direct;
	const size_t total = g->n;
	bool *mark = g->mark;
	uint32_t *list = g->list;
	size_t n = 0, k = 0;
	uint32_t *p;

	for (uint32_t at = (uint32_t)i;;) {
		for (size_t j = 0; j < direct[at].n; j++) {
			const uint32_t up = direct[at].p[j];

			if (!mark[up]) {
				mark[up] = true;
				list[n++] = up;
			}
		}
		if (k == n)
			break;
		at = list[k++];
	}
	p = arena_alloc(r->a, (n + 1) * sizeof(*p));
	if (p == NULL)
		return resolve_spent(r);
	in_order(p, mark, list, n, total);
	for (size_t at = 0; at < n; at++)
		mark[list[at]] = false;
	*out = (struct ups){ p, n };
	return OK;
}

static enum err
close_entities(struct resolver *r)
{
	struct cedar_schema *s = r->s;
	struct ups *direct =
	    arena_alloc(r->a, (s->entity_n + 1) * sizeof(*direct));
	bool *mark = arena_alloc(r->a, s->entity_n + 1);
	uint32_t *list = arena_alloc(r->a, (s->entity_n + 1) * sizeof(*list));
	const struct graph g = { direct, mark, list, s->entity_n };

	if (direct == NULL || mark == NULL || list == NULL)
		return resolve_spent(r);
	for (size_t i = 0; i < s->entity_n; i++)
		if (r->entity[i].decl != NULL)
			TRY(entity_parents(r, i, &direct[i]));
	for (size_t i = 0; i < s->entity_n; i++) {
		struct ups all = { NULL, 0 };

		TRY(reach(r, &g, i, &all));
		s->entity[i].up = all.p;
		s->entity[i].up_n = all.n;
	}
	return OK;
}

static enum err
fill_entities(struct resolver *r)
{
	for (size_t i = 0; i < r->entity_n; i++) {
		const struct entity_def *d = &r->entity[i];
		struct sc_entity *e = &r->s->entity[i];

		if (d->decl == NULL)
			continue;
		e->is_enum = d->decl->is_enum;
		e->choice = d->decl->choice;
		TRY(resolve_record_of(r, d->ns, d->decl->shape,
		    "the shape of an entity", &e->attrs));
		if (d->decl->tags != NULL)
			TRY(resolve_type(r, d->ns, d->decl->tags, &e->tags));
	}
	return OK;
}

/* ---- actions ---- */

static int
ptr_cmp(const void *x, const void *y)
{
	const struct sc_entity *a = *(const struct sc_entity *const *)x;
	const struct sc_entity *b = *(const struct sc_entity *const *)y;

	return a->place < b->place ? -1 : a->place > b->place;
}

/* In order of place, each once. */
static enum err
apply_list(struct resolver *r, const struct schema_ns *ns,
    const struct schema_strs *names, struct ast_pos pos,
    const struct sc_entity *const **out, size_t *out_n)
{
	const struct sc_entity **p =
	    arena_alloc(r->a, (names->n + 1) * sizeof(*p));
	size_t n = 0;

	if (p == NULL)
		return resolve_spent(r);
	for (size_t i = 0; i < names->n; i++)
		TRY(declared_entity(r, ns, names->p[i], pos, &p[i]));
	if (names->n > 1)
		qsort(p, names->n, sizeof(*p), ptr_cmp);
	for (size_t i = 0; i < names->n; i++)
		if (n == 0 || p[n - 1] != p[i])
			p[n++] = p[i];
	*out = p;
	*out_n = n;
	return OK;
}

/* Ns::Action::"id" or, without a type, this namespace's and the nameless. */
static enum err
parent_action(struct resolver *r, const struct schema_ns *ns,
    const struct cedar_uid *want, struct ast_pos pos, uint32_t *out)
{
	const struct str type = want->type.n > 0 ? want->type : STR("Action");
	const struct sc_action *x = NULL;
	struct cedar_uid uid = { type, want->id };

	if (ns->name.n > 0 && str_find(type, ':') == type.n) {
		TRY(resolve_full(r, ns->name, type, &uid.type));
		x = schema_action(r->s, uid);
	}
	if (x == NULL) {
		uid.type = type;
		x = schema_action(r->s, uid);
	}
	if (x == NULL)
		return resolve_refuse(
		    r, pos, "action", want->id, "is named but not declared");
	*out = x->place;
	return OK;
}

static enum err
fill_action(struct resolver *r, const struct schema_ns *ns,
    const struct schema_action *decl, struct sc_action *x)
{
	TRY(apply_list(r, ns, &decl->principal, decl->pos, &x->principal,
	    &x->principal_n));
	TRY(apply_list(
	    r, ns, &decl->resource, decl->pos, &x->resource, &x->resource_n));
	return resolve_record_of(
	    r, ns, decl->context, "the context of an action", &x->context);
}

static enum err
action_parents(struct resolver *r, const struct schema_ns *ns,
    const struct schema_action *decl, struct ups *out)
{
	out->p = arena_alloc(r->a, (decl->parent_n + 1) * sizeof(*out->p));
	if (out->p == NULL)
		return resolve_spent(r);
	for (size_t i = 0; i < decl->parent_n; i++, out->n++)
		TRY(parent_action(
		    r, ns, &decl->parent[i], decl->pos, &out->p[i]));
	return OK;
}

/*
 * Namespaces are in order of names and their actions too, but "A" before
 * "A::B" is not "A::Action" before "A::B::Action": sort by type first.
 */
struct action_def {
	struct str type; /* first: sorted by it */
	const struct schema_ns *ns;
};

static enum err
list_actions(struct resolver *r, struct action_def *by_type, size_t *n)
{
	struct cedar_schema *s = r->s;
	const void *twice;
	size_t total = 0;

	for (size_t i = 0; i < s->ns_n; i++) {
		if (s->ns[i].action_n == 0)
			continue;
		total += s->ns[i].action_n;
		by_type[*n].ns = &s->ns[i];
		TRY(resolve_full(
		    r, s->ns[i].name, STR("Action"), &by_type[*n].type));
		++*n;
	}
	(void)schema_sort(by_type, *n, sizeof(*by_type), &twice);
	s->action = arena_alloc(r->a, (total + 1) * sizeof(*s->action));
	if (s->action == NULL)
		return resolve_spent(r);
	for (size_t i = 0; i < *n; i++)
		for (size_t k = 0; k < by_type[i].ns->action_n; k++) {
			struct sc_action *x = &s->action[s->action_n];

			x->place = (uint32_t)s->action_n++;
			x->type = schema_entity(s, by_type[i].type);
			x->uid.type = by_type[i].type;
			x->uid.id = by_type[i].ns->action[k].name;
		}
	return OK;
}

static enum err
close_actions(struct resolver *r, const struct ups *direct)
{
	struct cedar_schema *s = r->s;
	bool *mark = arena_alloc(r->a, s->action_n + 1);
	uint32_t *list = arena_alloc(r->a, (s->action_n + 1) * sizeof(*list));
	const struct graph g = { direct, mark, list, s->action_n };

	if (mark == NULL || list == NULL)
		return resolve_spent(r);
	for (size_t i = 0; i < s->action_n; i++) {
		struct ups all = { NULL, 0 };

		TRY(reach(r, &g, i, &all));
		s->action[i].up = all.p;
		s->action[i].up_n = all.n;
		if (schema_action_under(&s->action[i], &s->action[i]))
			return resolve_refuse(r, (struct ast_pos){ 0, 0 },
			    "action", s->action[i].uid.id,
			    "is a member of itself");
	}
	return OK;
}

static enum err
fill_actions(struct resolver *r)
{
	struct cedar_schema *s = r->s;
	struct action_def *by_type =
	    arena_alloc(r->a, (s->ns_n + 1) * sizeof(*by_type));
	struct ups *direct;
	size_t n = 0, at = 0;

	if (by_type == NULL)
		return resolve_spent(r);
	TRY(list_actions(r, by_type, &n));
	direct = arena_alloc(r->a, (s->action_n + 1) * sizeof(*direct));
	if (direct == NULL)
		return resolve_spent(r);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < by_type[i].ns->action_n; k++, at++) {
			const struct schema_ns *ns = by_type[i].ns;

			TRY(fill_action(r, ns, &ns->action[k], &s->action[at]));
			TRY(action_parents(r, ns, &ns->action[k], &direct[at]));
		}
	return close_actions(r, direct);
}

enum err
schema_resolve(struct cedar_schema *s, struct cedar_why *why)
{
	struct resolver r = { .s = s, .a = s->a, .why = why };

	TRY(resolve_check(&r));
	TRY(resolve_list(&r));
	for (size_t i = 0; i < r.common_n; i++)
		TRY(resolve_common(&r, &r.common[i], r.common[i].decl->pos));
	TRY(fill_entities(&r));
	TRY(close_entities(&r));
	return fill_actions(&r);
}
