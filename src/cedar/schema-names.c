/*
 * schema-names: what may be declared, and what a name leads to.
 *
 * A name without "::" means what its own namespace declares, then what the
 * nameless one does, and a common type before an entity type in each.
 */
#include "cedar/resolve-in.h"

enum err
resolve_spent(struct resolver *r)
{
	return ast_fail(ERR_LIMIT, r->why, (struct ast_pos){ 0, 0 },
	    "the schema is too large");
}

/* Ns::name */
enum err
resolve_full(
    struct resolver *r, struct str ns, struct str name, struct str *out)
{
	char *p;

	if (ns.n == 0) {
		*out = name;
		return OK;
	}
	p = arena_alloc(r->a, ns.n + 2 + name.n);
	if (p == NULL)
		return resolve_spent(r);
	memcpy(p, ns.p, ns.n);
	p[ns.n] = ':';
	p[ns.n + 1] = ':';
	memcpy(p + ns.n + 2, name.p, name.n);
	*out = (struct str){ p, ns.n + 2 + name.n };
	return OK;
}

/* ---- declarations: what may be declared at all ---- */

static bool
common_may(struct str name)
{
	static const struct str taken[] = { STR_INIT("Bool"),
		STR_INIT("Boolean"), STR_INIT("Entity"), STR_INIT("Extension"),
		STR_INIT("Long"), STR_INIT("Record"), STR_INIT("Set"),
		STR_INIT("String") };

	for (size_t i = 0; i < countof(taken); i++)
		if (str_eq(name, taken[i]))
			return false;
	return true;
}

enum err
resolve_refuse(struct resolver *r, struct ast_pos pos, const char *what,
    struct str name, const char *why)
{
	return ast_fail(ERR_SYNTAX, r->why, pos, "%s \"%.*s\" %s", what,
	    (int)(name.n < 100 ? name.n : 100), name.p, why);
}

static enum err
check_ns(struct resolver *r, const struct schema_ns *ns)
{
	if (ns->name.n > NAME_MAX_BYTES ||
	    (ns->name.n > 0 && !ast_is_name(ns->name)))
		return resolve_refuse(r, ns->pos, "namespace", ns->name,
		    "has a name that is reserved or no name");
	for (size_t i = 0; i < ns->entity_n; i++) {
		const struct schema_entity *e = &ns->entity[i];

		if (!ast_is_ident(e->name))
			return resolve_refuse(r, e->pos, "entity type", e->name,
			    "has a name that is reserved or no name");
		if (str_eq(e->name, STR("Action")))
			return resolve_refuse(r, e->pos, "entity type", e->name,
			    "cannot be declared: it is the type of actions");
	}
	for (size_t i = 0; i < ns->common_n; i++) {
		const struct schema_common *c = &ns->common[i];

		if (!ast_is_ident(c->name) || !common_may(c->name))
			return resolve_refuse(r, c->pos, "common type", c->name,
			    "has a name that is reserved or no name");
	}
	return OK;
}

/* The lists belong to the arena; const is for those who read them later. */
static void *
own(const void *p)
{
	void *q;

	memcpy(&q, &p, sizeof(q));
	return q;
}

static enum err
sort_ns(struct resolver *r, const struct schema_ns *ns)
{
	const void *twice;

	if (!schema_sort(own(ns->entity), ns->entity_n,
		sizeof(struct schema_entity), &twice)) {
		const struct schema_entity *e = twice;

		return resolve_refuse(
		    r, e->pos, "entity type", e->name, "is declared twice");
	}
	if (!schema_sort(own(ns->common), ns->common_n,
		sizeof(struct schema_common), &twice)) {
		const struct schema_common *c = twice;

		return resolve_refuse(
		    r, c->pos, "common type", c->name, "is declared twice");
	}
	if (!schema_sort(own(ns->action), ns->action_n,
		sizeof(struct schema_action), &twice)) {
		const struct schema_action *x = twice;

		return resolve_refuse(
		    r, x->pos, "action", x->name, "is declared twice");
	}
	return OK;
}

static bool
declares_type(const struct schema_ns *ns, struct str name)
{
	return ns != NULL && (schema_find(ns->entity, ns->entity_n,
				  sizeof(ns->entity[0]), name) != NULL ||
				 schema_find(ns->common, ns->common_n,
				     sizeof(ns->common[0]), name) != NULL);
}

/* What the nameless namespace declares, no other may declare again. */
static enum err
check_shadows(struct resolver *r, const struct schema_ns *ns)
{
	static const char why[] = "is also declared without a namespace: a "
				  "name there cannot be declared again";

	if (r->nameless == NULL || ns == r->nameless)
		return OK;
	for (size_t i = 0; i < ns->entity_n; i++)
		if (declares_type(r->nameless, ns->entity[i].name))
			return resolve_refuse(r, ns->entity[i].pos,
			    "entity type", ns->entity[i].name, why);
	for (size_t i = 0; i < ns->common_n; i++)
		if (declares_type(r->nameless, ns->common[i].name))
			return resolve_refuse(r, ns->common[i].pos,
			    "common type", ns->common[i].name, why);
	for (size_t i = 0; i < ns->action_n; i++)
		if (schema_find(r->nameless->action, r->nameless->action_n,
			sizeof(ns->action[0]), ns->action[i].name) != NULL)
			return resolve_refuse(r, ns->action[i].pos, "action",
			    ns->action[i].name, why);
	return OK;
}

enum err
resolve_check(struct resolver *r)
{
	struct cedar_schema *s = r->s;
	const void *twice;

	if (!schema_sort(own(s->ns), s->ns_n, sizeof(s->ns[0]), &twice)) {
		const struct schema_ns *ns = twice;

		return resolve_refuse(
		    r, ns->pos, "namespace", ns->name, "is declared twice");
	}
	for (size_t i = 0; i < s->ns_n; i++) {
		TRY(check_ns(r, &s->ns[i]));
		TRY(sort_ns(r, &s->ns[i]));
	}
	if (s->ns_n > 0 && s->ns[0].name.n == 0)
		r->nameless = &s->ns[0];
	for (size_t i = 0; i < s->ns_n; i++)
		TRY(check_shadows(r, &s->ns[i]));
	return OK;
}

/* ---- full names ---- */

static enum err
list_defs(struct resolver *r, const struct schema_ns *ns)
{
	for (size_t i = 0; i < ns->common_n; i++) {
		struct common_def *c = &r->common[r->common_n++];

		*c = (struct common_def){ .decl = &ns->common[i], .ns = ns };
		TRY(resolve_full(r, ns->name, c->decl->name, &c->full));
	}
	for (size_t i = 0; i < ns->entity_n; i++) {
		struct entity_def *e = &r->entity[r->entity_n++];

		*e = (struct entity_def){ .decl = &ns->entity[i], .ns = ns };
		TRY(resolve_full(r, ns->name, e->decl->name, &e->full));
	}
	if (ns->action_n > 0) {
		struct entity_def *e = &r->entity[r->entity_n++];

		*e = (struct entity_def){ .ns = ns };
		TRY(resolve_full(r, ns->name, STR("Action"), &e->full));
	}
	return OK;
}

enum err
resolve_list(struct resolver *r)
{
	struct cedar_schema *s = r->s;
	const void *twice;
	size_t commons = 0, entities = 0;

	for (size_t i = 0; i < s->ns_n; i++) {
		commons += s->ns[i].common_n;
		entities += s->ns[i].entity_n + 1;
	}
	r->common = arena_alloc(r->a, (commons + 1) * sizeof(*r->common));
	r->entity = arena_alloc(r->a, (entities + 1) * sizeof(*r->entity));
	s->entity = arena_alloc(r->a, (entities + 1) * sizeof(*s->entity));
	if (r->common == NULL || r->entity == NULL || s->entity == NULL)
		return resolve_spent(r);
	for (size_t i = 0; i < s->ns_n; i++)
		TRY(list_defs(r, &s->ns[i]));
	/* Full names differ when names in a namespace do and namespaces do. */
	(void)schema_sort(r->common, r->common_n, sizeof(r->common[0]), &twice);
	(void)schema_sort(r->entity, r->entity_n, sizeof(r->entity[0]), &twice);
	for (size_t i = 0; i < r->entity_n; i++) {
		struct sc_entity *e = &s->entity[i];

		e->name = r->entity[i].full;
		e->place = (uint32_t)i;
		e->action = r->entity[i].decl == NULL;
		e->self_at[0] = e;
		e->self = (struct ty){ .kind = TY_ENTITY,
			.n = 1,
			.depth = 1,
			.weight = 1,
			.ety = e->self_at };
		e->attrs = &ty_no_attrs;
	}
	s->entity_n = r->entity_n;
	return OK;
}

/* ---- what a name leads to ---- */

static const struct ty *
builtin(struct str name)
{
	static const struct {
		struct str name;
		enum ty_kind kind;
	} prim[] = { { STR_INIT("Bool"), TY_BOOL },
		{ STR_INIT("Long"), TY_LONG },
		{ STR_INIT("String"), TY_STRING } };

	for (size_t i = 0; i < countof(prim); i++)
		if (str_eq(name, prim[i].name))
			return &ty_prim[prim[i].kind];
	for (size_t i = 0; i < TY_EXT__N; i++)
		if (str_eq(name, ty_ext_name[i]))
			return &ty_exts[i];
	return NULL;
}

static bool
find_full(
    struct resolver *r, struct str name, enum wanted w, struct target *out)
{
	const struct str own_ns = STR("__cedar::");

	*out = (struct target){ 0 };
	if (w & COMMON) {
		out->common = own(schema_find(
		    r->common, r->common_n, sizeof(r->common[0]), name));
		if (out->common != NULL)
			return true;
		if (str_starts(name, own_ns))
			out->type = builtin(str_sub(name, own_ns.n, name.n));
		else if (!declares_type(r->nameless, name))
			out->type = builtin(name);
		if (out->type != NULL)
			return true;
	}
	if (w & ENTITY)
		out->entity = schema_entity(r->s, name);
	if (out->entity != NULL)
		out->type = &out->entity->self;
	return out->entity != NULL;
}

enum err
resolve_find(struct resolver *r, const struct schema_ns *ns, struct str name,
    enum wanted w, struct ast_pos pos, struct target *out)
{
	static const char *const words[] = { [COMMON] = "a common type",
		[ENTITY] = "an entity type",
		[EITHER] = "an entity type or a common type" };
	struct str whole = { NULL, 0 };

	if (ns->name.n > 0 && str_find(name, ':') == name.n) {
		/* Not to be kept, but short; and most are found here. */
		TRY(resolve_full(r, ns->name, name, &whole));
		if (find_full(r, whole, w, out))
			return OK;
	}
	if (find_full(r, name, w, out))
		return OK;
	return ast_fail(ERR_SYNTAX, r->why, pos,
	    "\"%.*s\" is not declared as %s",
	    (int)(name.n < 100 ? name.n : 100), name.p, words[w]);
}
