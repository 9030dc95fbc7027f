/*
 * mcp-types: Cedar types for what tools take and give.
 *
 * A name that is no name in Cedar (max-results, in, String) keeps its spelling
 * where Cedar lets it, in quotes; where it must name a type it gets a mark of
 * its spelling, so that two never meet.
 */
#include "cedar/mcp-in.h"

enum err
mcp_bad(const struct gen *g, const char *what, struct str which)
{
	return ast_fail(ERR_SYNTAX, g->why, (struct ast_pos){ 0, 0 },
	    "%s%.*s%s%s \"%.*s\"", g->tool.n > 0 ? "tool " : "",
	    (int)(g->tool.n < 60 ? g->tool.n : 60),
	    g->tool.p == NULL ? "" : g->tool.p, g->tool.n > 0 ? ": " : "", what,
	    (int)(which.n < 60 ? which.n : 60), which.p == NULL ? "" : which.p);
}

enum err
mcp_spent(const struct gen *g)
{
	return ast_fail(ERR_LIMIT, g->why, (struct ast_pos){ 0, 0 },
	    "the tools are too many or too large for a schema");
}

/* ---- names ---- */

struct str
mcp_join(const struct gen *g, struct str x, struct str between, struct str y)
{
	char *p = arena_alloc(g->a, x.n + between.n + y.n + 1);

	if (p == NULL)
		return (struct str){ NULL, 0 };
	if (x.p != NULL && x.n > 0)
		memcpy(p, x.p, x.n);
	if (between.p != NULL && between.n > 0)
		memcpy(p + x.n, between.p, between.n);
	if (y.p != NULL && y.n > 0)
		memcpy(p + x.n + between.n, y.p, y.n);
	return (struct str){ p, x.n + between.n + y.n };
}

struct str
mcp_in_ns(const struct gen *g, struct str ns, struct str name)
{
	return mcp_join(g, ns, STR("::"), name);
}

static bool
is_free_name(struct str s)
{
	static const struct str taken[] = { STR_INIT("Action"),
		STR_INIT("Bool"), STR_INIT("Boolean"), STR_INIT("Entity"),
		STR_INIT("Extension"), STR_INIT("Long"), STR_INIT("Record"),
		STR_INIT("Set"), STR_INIT("String"), STR_INIT("decimal"),
		STR_INIT("datetime"), STR_INIT("duration"),
		STR_INIT("ipaddr") };

	for (size_t i = 0; i < countof(taken); i++)
		if (str_eq(s, taken[i]))
			return false;
	return ast_is_ident(s);
}

/* A name for a type from any name. */
struct str
mcp_type_name(const struct gen *g, struct str s)
{
	char *p;

	if (is_free_name(s))
		return s;
	p = arena_alloc(g->a, s.n + 32);
	if (p == NULL)
		return (struct str){ NULL, 0 };
	p[0] = '_';
	for (size_t i = 0; i < s.n; i++) {
		const char ch = s.p[i];

		p[i + 1] = (ch >= '0' && ch <= '9') ||
				   (ch >= 'A' && ch <= 'Z') ||
				   (ch >= 'a' && ch <= 'z')
			       ? ch
			       : '_';
	}
	(void)snprintf(
	    p + s.n + 1, 31, "_%016llx", (unsigned long long)hash64(s, 0));
	return str_of(p);
}

/* Top::a::b::c is Top::a_b_c in one namespace. */
static struct str
flat(const struct gen *g, struct str full)
{
	const size_t skip = g->top.n + 2;
	char *p;
	size_t n = 0;

	if (!g->o.flatten || full.n <= skip)
		return full;
	p = arena_alloc(g->a, full.n);
	if (p == NULL)
		return (struct str){ NULL, 0 };
	for (size_t i = 0; i < full.n; i++) {
		const bool colon = i >= skip && full.p[i] == ':';

		p[n++] = colon ? '_' : full.p[i];
		i += colon; /* the second one */
	}
	return (struct str){ p, n };
}

static void
split(struct str full, struct str *ns, struct str *base)
{
	size_t at = full.n;

	while (at > 0 && full.p[at - 1] != ':')
		at--;
	*base = str_sub(full, at, full.n);
	*ns = str_sub(full, 0, at < 2 ? 0 : at - 2);
}

/* ---- declarations ---- */

struct space *
mcp_space(struct gen *g, struct str name)
{
	struct space *s = map_get(g->spaces, name);
	struct space **at;

	if (s != NULL)
		return s;
	s = arena_alloc(g->a, sizeof(*s));
	at = vec_add(g->a, &g->order, sizeof(struct space *));
	if (s == NULL || at == NULL)
		return NULL;
	s->name = name;
	*at = s;
	map_put(g->spaces, name, s);
	return s;
}

/* An entity and a common type of one name: the second hides the first. */
static bool
is_hidden(const struct gen *g, struct str full, const char *kind)
{
	const char *other = kind[0] == 'e' ? "c" : "e";
	const struct str key = mcp_join(g, full, STR("/"), str_of(other));

	return (kind[0] == 'e' || kind[0] == 'c') && key.p != NULL &&
	       map_get(g->taken, key) != NULL;
}

/* Who comes twice: an error, or with again not added. */
enum err
mcp_claim(
    struct gen *g, struct str full, const char *kind, bool again, bool *is_new)
{
	const struct str key = mcp_join(g, full, STR("/"), str_of(kind));

	if (key.p == NULL)
		return mcp_spent(g);
	if (is_hidden(g, full, kind))
		return mcp_bad(g, "an entity and a type have the name", full);
	*is_new = map_put(g->taken, key, g) == NULL;
	if (*is_new || again)
		return OK;
	return mcp_bad(g, "two declarations have the name", full);
}

/* Where Ns::name is declared. */
static enum err
place_of(struct gen *g, struct str full, struct space **out, struct str *base)
{
	struct str ns;

	full = flat(g, full);
	if (full.p == NULL)
		return mcp_spent(g);
	split(full, &ns, base);
	*out = mcp_space(g, ns);
	return *out == NULL ? mcp_spent(g) : OK;
}

enum err
mcp_add_entity(
    struct gen *g, struct str full, const struct schema_entity *e, bool again)
{
	struct schema_entity *at;
	struct space *s = NULL;
	struct str base = { NULL, 0 };
	bool is_new = false;

	TRY(place_of(g, full, &s, &base));
	TRY(mcp_claim(g, flat(g, full), "e", again, &is_new));
	if (!is_new)
		return OK;
	at = vec_add(g->a, &s->entity, sizeof(*at));
	if (at == NULL)
		return mcp_spent(g);
	*at = *e;
	at->name = base;
	return OK;
}

enum err
mcp_add_common(struct gen *g, struct str full, const struct st *type)
{
	struct schema_common *at;
	struct space *s = NULL;
	struct str base = { NULL, 0 };
	bool is_new = false;

	/* A type that was declared as an entity of that name is there. */
	if (type->kind >= ST_ENTITY &&
	    (str_eq(type->name, flat(g, full)) || str_eq(type->name, full)))
		return OK;
	TRY(place_of(g, full, &s, &base));
	TRY(mcp_claim(g, flat(g, full), "c", false, &is_new));
	at = vec_add(g->a, &s->common, sizeof(*at));
	if (at == NULL)
		return mcp_spent(g);
	*at = (struct schema_common){ .name = base, .type = type };
	return OK;
}

/* ---- types ---- */

enum err
mcp_named(
    struct gen *g, enum st_kind kind, struct str name, const struct st **out)
{
	struct st *t = arena_alloc(g->a, sizeof(*t));

	if (t == NULL || name.p == NULL)
		return mcp_spent(g);
	t->kind = kind;
	t->name = name;
	*out = t;
	return OK;
}

/* Number, Null and so on: entity types without attributes, once. */
static enum err
opaque(struct gen *g, struct str name, const struct st **out)
{
	const struct str full = mcp_in_ns(g, g->top, name);

	if (full.p == NULL)
		return mcp_spent(g);
	TRY(mcp_add_entity(
	    g, full, &(struct schema_entity){ .is_enum = false }, true));
	return mcp_named(g, ST_ENTITY, full, out);
}

/* Names of ns itself are short within it. */
static enum err
shorten(struct gen *g, struct str ns, const struct st *t, const struct st **out)
{
	struct st *copy;
	struct str at, base;

	*out = t;
	if (t->kind < ST_SET)
		return OK;
	copy = arena_alloc(g->a, sizeof(*copy));
	if (copy == NULL)
		return mcp_spent(g);
	*copy = *t;
	*out = copy;
	if (t->kind == ST_SET)
		return shorten(g, ns, t->el, &copy->el);
	if (t->kind == ST_RECORD) {
		struct st_attr *p =
		    arena_alloc(g->a, ((size_t)t->n + 1) * sizeof(*p));

		if (p == NULL)
			return mcp_spent(g);
		for (uint32_t i = 0; i < t->n; i++) {
			p[i] = t->attr[i];
			TRY(shorten(g, ns, t->attr[i].type, &p[i].type));
		}
		copy->attr = p;
		return OK;
	}
	split(t->name, &at, &base);
	if (str_eq(at, ns))
		copy->name = base;
	return OK;
}

/* A record of n members that are sorted by name here. */
enum err
mcp_record(struct gen *g, struct st_attr *p, size_t n, const struct st **out)
{
	struct st *t = arena_alloc(g->a, sizeof(*t));
	const void *twice;

	if (t == NULL)
		return mcp_spent(g);
	if (!schema_sort(p, n, sizeof(*p), &twice))
		return mcp_bad(g, "two members have the name",
		    ((const struct st_attr *)twice)->name);
	t->kind = ST_RECORD;
	t->attr = p;
	t->n = (uint32_t)n;
	*out = t;
	return OK;
}

/* proj0 of type Proj0, typeChoice0 of TypeChoice0, ... */
static enum err
numbered(struct gen *g, struct str ns, const struct prop *p,
    const struct scope *sc, const struct st **out)
{
	const bool tuple = p->kind == PROP_TUPLE;
	struct st_attr *m = arena_alloc(g->a, (p->n + 1) * sizeof(*m));

	if (m == NULL)
		return mcp_spent(g);
	for (size_t i = 0; i < p->n; i++) {
		char lower[40], upper[40];

		(void)snprintf(lower, sizeof(lower), "%s%zu",
		    tuple ? "proj" : "typeChoice", i);
		(void)snprintf(upper, sizeof(upper), "%s%zu",
		    tuple ? "Proj" : "TypeChoice", i);
		m[i].name = arena_str(g->a, str_of(lower));
		m[i].optional = !tuple;
		TRY(mcp_type(g, ns, arena_str(g->a, str_of(upper)), p->type[i],
		    sc, &m[i].type));
	}
	return mcp_record(g, m, p->n, out);
}

enum err
mcp_members(struct gen *g, struct str ns, const struct prop_list *l,
    const struct scope *sc, const struct st **out)
{
	struct st_attr *m = arena_alloc(g->a, (l->n + 1) * sizeof(*m));

	if (m == NULL)
		return mcp_spent(g);
	for (size_t i = 0; i < l->n; i++) {
		m[i].name = l->p[i].name;
		m[i].optional = !l->p[i].required;
		TRY(mcp_type(g, ns, mcp_type_name(g, m[i].name), l->p[i].type,
		    sc, &m[i].type));
	}
	return mcp_record(g, m, l->n, out);
}

static enum err
object_of(struct gen *g, struct str ns, struct str name, const struct prop *p,
    const struct scope *sc, const struct st **out)
{
	const struct str full = mcp_in_ns(g, ns, name);
	const struct prop_list l = { .p = p->member, .n = p->n };
	const struct st *shape = NULL, *tags = NULL;
	bool record;

	if (full.p == NULL)
		return mcp_spent(g);
	if (p->more != NULL)
		TRY(mcp_type(g, full, mcp_join(g, name, STR(""), STR("Tag")),
		    p->more, sc, &tags));
	TRY(mcp_members(g, full, &l, sc, &shape));
	if (shape == NULL)
		return mcp_spent(g);
	TRY(shorten(g, ns, shape, &shape));
	record = g->o.objects_as_records && tags == NULL;
	if (record)
		TRY(mcp_add_common(g, full, shape));
	else
		TRY(mcp_add_entity(g, full,
		    &(struct schema_entity){ .shape = shape, .tags = tags },
		    false));
	return mcp_named(g, record ? ST_EITHER : ST_ENTITY, flat(g, full), out);
}

static enum err
enum_of(struct gen *g, struct str ns, struct str name, const struct prop *p,
    const struct st **out)
{
	const struct str full = mcp_in_ns(g, ns, name);

	if (full.p == NULL)
		return mcp_spent(g);
	TRY(mcp_add_entity(g, full,
	    &(struct schema_entity){ .is_enum = true, .choice = p->choice },
	    false));
	return mcp_named(g, ST_ENTITY, flat(g, full), out);
}

/* Where in sight a name of $defs is; NULL: nowhere, or it leads to itself and
 * is something unknown. */
const struct scope *
mcp_find(const struct scope *sc, struct str name, size_t *at)
{
	for (; sc != NULL; sc = sc->up)
		for (size_t i = 0; i < sc->defs->n; i++)
			if (str_eq(sc->defs->p[i].name, name)) {
				*at = i;
				return sc->defs->circle != NULL &&
					       sc->defs->circle[i]
					   ? NULL
					   : sc;
			}
	return NULL;
}

static enum err
ref_of(struct gen *g, struct str name, const struct scope *sc,
    const struct st **out)
{
	size_t at = 0;

	sc = mcp_find(sc, name, &at);
	if (sc != NULL)
		return mcp_named(g, ST_EITHER,
		    flat(g, mcp_in_ns(g, sc->ns, mcp_type_name(g, name))), out);
	if (g->o.lenient)
		return opaque(g, STR("Unknown"), out);
	return mcp_bad(g, "there is no type in $defs with the name", name);
}

static enum err
set_of(struct gen *g, struct str ns, struct str name, const struct prop *p,
    const struct scope *sc, const struct st **out)
{
	struct st *t = arena_alloc(g->a, sizeof(*t));

	if (t == NULL)
		return mcp_spent(g);
	t->kind = ST_SET;
	TRY(mcp_type(g, ns, name, p->el, sc, &t->el));
	*out = t;
	return OK;
}

enum err
mcp_type(struct gen *g, struct str ns, struct str name, const struct prop *p,
    const struct scope *sc, const struct st **out)
{
	static const struct str built_in[] = { [PROP_BOOL] = STR_INIT("Bool"),
		[PROP_INTEGER] = STR_INIT("Long"),
		[PROP_STRING] = STR_INIT("String"),
		[PROP_DECIMAL] = STR_INIT("decimal"),
		[PROP_DATETIME] = STR_INIT("datetime"),
		[PROP_DURATION] = STR_INIT("duration"),
		[PROP_IP] = STR_INIT("ipaddr"),
		[PROP_NULL] = { NULL, 0 } };
	static const struct str entity[] = { [PROP_UNKNOWN] =
						 STR_INIT("Unknown"),
		[PROP_FLOAT] = STR_INIT("Float"),
		[PROP_NUMBER] = STR_INIT("Number"),
		[PROP_NULL] = STR_INIT("Null") };

	if (name.p == NULL)
		return mcp_spent(g);
	if (g->o.numbers_as_decimal &&
	    (p->kind == PROP_FLOAT || p->kind == PROP_NUMBER))
		return mcp_named(g, ST_EITHER, STR("decimal"), out);
	if (p->kind <= PROP_NULL)
		return built_in[p->kind].p != NULL
			   ? mcp_named(g, ST_EITHER, built_in[p->kind], out)
			   : opaque(g, entity[p->kind], out);
	if (p->kind == PROP_ENUM)
		return enum_of(g, ns, name, p, out);
	if (p->kind == PROP_ARRAY)
		return set_of(g, ns, name, p, sc, out);
	if (p->kind == PROP_OBJECT)
		return object_of(g, ns, name, p, sc, out);
	if (p->kind == PROP_REF)
		return ref_of(g, p->ref, sc, out);
	return numbered(g, mcp_in_ns(g, ns, name), p, sc, out);
}
