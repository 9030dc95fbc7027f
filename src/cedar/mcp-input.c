/*
 * mcp-input: what one tool takes, made ready for its calls: the types that
 * mcp-types.c gives the schema, as a graph that mcp-value.c walks along a
 * call's arguments.  Names are made by the same functions, so what is typed
 * here conforms to the schema that policies are validated with; the fuzz
 * target holds the two against each other.
 */
#include "cedar/mcp-in.h"

enum {
	/* A tool's own text and what is made of it.  A list has thousands. */
	INPUT_ARENA = 4 * 1024 * 1024,
};

struct make {
	struct gen g; /* for its names */
	const struct cedar_mcp_input *in;
};

/* Names of $defs in sight, and the nodes they stand for. */
struct seen {
	struct scope sc;
	struct in_type *node; /* one for each of sc.defs */
	const struct seen *up;
};

static enum err node_fill(struct make *m, struct str ns, struct str name,
    const struct prop *p, const struct seen *up, struct in_type *out);

static enum err
node_of(struct make *m, struct str ns, struct str name, const struct prop *p,
    const struct seen *up, const struct in_type **out)
{
	struct in_type *t = arena_alloc(m->g.a, sizeof(*t));

	if (t == NULL || name.p == NULL || ns.p == NULL)
		return mcp_spent(&m->g);
	*out = t;
	return node_fill(m, ns, name, p, up, t);
}

static int
by_key(const void *x, const void *y)
{
	return str_cmp(((const struct in_member *)x)->key,
	    ((const struct in_member *)y)->key);
}

static int
by_id(const void *x, const void *y)
{
	return str_cmp(((const struct cedar_ref *)x)->uid.id,
	    ((const struct cedar_ref *)y)->uid.id);
}

static enum err
fill_members(struct make *m, struct str ns, const struct prop_list *l,
    const struct seen *up, struct in_type *out)
{
	struct in_member *p = arena_alloc(m->g.a, (l->n + 1) * sizeof(*p));

	if (p == NULL)
		return mcp_spent(&m->g);
	for (size_t i = 0; i < l->n; i++) {
		p[i].key = l->p[i].name;
		p[i].required = l->p[i].required;
		out->required += l->p[i].required;
		TRY(node_of(m, ns, mcp_type_name(&m->g, p[i].key), l->p[i].type,
		    up, &p[i].type));
	}
	if (l->n > 1)
		qsort(p, l->n, sizeof(*p), by_key);
	out->kind = PROP_OBJECT;
	out->member = p;
	out->n = (uint32_t)l->n;
	return OK;
}

static enum err
fill_object(struct make *m, struct str ns, struct str name,
    const struct prop *p, const struct seen *up, struct in_type *out)
{
	const struct str full = mcp_in_ns(&m->g, ns, name);
	const struct prop_list l = { .p = p->member, .n = p->n };

	if (full.p == NULL)
		return mcp_spent(&m->g);
	out->name = full;
	out->closed = p->closed;
	if (p->more != NULL)
		TRY(node_of(m, full, mcp_join(&m->g, name, STR(""), STR("Tag")),
		    p->more, up, &out->more));
	return fill_members(m, full, &l, up, out);
}

static enum err
fill_enum(struct make *m, struct str ns, struct str name, const struct prop *p,
    struct in_type *out)
{
	struct cedar_ref *ref =
	    arena_alloc(m->g.a, (p->choice.n + 1) * sizeof(*ref));

	out->name = mcp_in_ns(&m->g, ns, name);
	if (ref == NULL || out->name.p == NULL)
		return mcp_spent(&m->g);
	for (size_t i = 0; i < p->choice.n; i++)
		ref[i] = cedar_ref_of(
		    (struct cedar_uid){ out->name, p->choice.p[i] });
	if (p->choice.n > 1)
		qsort(ref, p->choice.n, sizeof(*ref), by_id);
	out->choice = ref;
	out->n = (uint32_t)p->choice.n;
	return OK;
}

/* typeChoice0, typeChoice1, ... or proj0, proj1, ... */
static enum err
fill_numbered(struct make *m, struct str ns, const struct prop *p,
    const struct seen *up, struct in_type *out)
{
	const bool tuple = p->kind == PROP_TUPLE;
	struct in_member *x = arena_alloc(m->g.a, (p->n + 1) * sizeof(*x));

	if (x == NULL || ns.p == NULL)
		return mcp_spent(&m->g);
	for (size_t i = 0; i < p->n; i++) {
		char lower[40], upper[40];

		(void)snprintf(lower, sizeof(lower), "%s%zu",
		    tuple ? "proj" : "typeChoice", i);
		(void)snprintf(upper, sizeof(upper), "%s%zu",
		    tuple ? "Proj" : "TypeChoice", i);
		x[i].key = arena_str(m->g.a, str_of(lower));
		TRY(node_of(m, ns, arena_str(m->g.a, str_of(upper)), p->type[i],
		    up, &x[i].type));
	}
	out->member = x;
	out->n = (uint32_t)p->n;
	return OK;
}

static enum err
fill_ref(
    struct make *m, struct str name, const struct seen *up, struct in_type *out)
{
	size_t at = 0;
	const struct scope *sc = mcp_find(&up->sc, name, &at);

	while (sc != NULL && &up->sc != sc)
		up = up->up;
	if (sc != NULL)
		out->el = &up->node[at];
	else
		out->kind = PROP_UNKNOWN;
	if (out->kind == PROP_UNKNOWN)
		out->name = m->in->unknown;
	return OK;
}

static enum err
node_fill(struct make *m, struct str ns, struct str name, const struct prop *p,
    const struct seen *up, struct in_type *out)
{
	out->kind = p->kind == PROP_FLOAT ? PROP_NUMBER : p->kind;
	if (p->kind == PROP_UNKNOWN)
		out->name = m->in->unknown;
	if (p->kind <= PROP_NULL)
		return OK;
	if (p->kind == PROP_ENUM)
		return fill_enum(m, ns, name, p, out);
	if (p->kind == PROP_ARRAY)
		return node_of(m, ns, name, p->el, up, &out->el);
	if (p->kind == PROP_OBJECT)
		return fill_object(m, ns, name, p, up, out);
	if (p->kind == PROP_REF)
		return fill_ref(m, p->ref, up, out);
	return fill_numbered(m, mcp_in_ns(&m->g, ns, name), p, up, out);
}

/* Types with names: all of them are there before one is filled. */
static enum err
defs_fill(struct make *m, struct seen *s)
{
	s->node = arena_alloc(m->g.a, (s->sc.defs->n + 1) * sizeof(*s->node));
	if (s->node == NULL)
		return mcp_spent(&m->g);
	for (size_t i = 0; i < s->sc.defs->n; i++) {
		const struct str name =
		    mcp_type_name(&m->g, s->sc.defs->p[i].name);

		if (name.p == NULL)
			return mcp_spent(&m->g);
		TRY(node_fill(
		    m, s->sc.ns, name, s->sc.defs->p[i].type, s, &s->node[i]));
	}
	return OK;
}

static enum err
tool_fill(struct make *m, const struct tool *t, struct str action,
    struct in_type *out)
{
	struct seen outer = { .sc.defs = &t->defs },
		    inner = { .sc.defs = &t->in.defs };

	outer.sc.ns = mcp_in_ns(&m->g, m->g.top, mcp_type_name(&m->g, action));
	inner.sc.ns = mcp_in_ns(&m->g, outer.sc.ns, STR("Input"));
	inner.sc.up = &outer.sc;
	inner.up = &outer;
	if (outer.sc.ns.p == NULL || inner.sc.ns.p == NULL)
		return mcp_spent(&m->g);
	TRY(defs_fill(m, &outer));
	TRY(defs_fill(m, &inner));
	out->closed = t->in.closed;
	return fill_members(m, inner.sc.ns, &t->in.params, &inner, out);
}

static enum err
input_fill(struct cedar_mcp_input *in, struct str tool, struct str space,
    struct str action, struct cedar_why *why)
{
	struct make m = { .g = { .a = in->a, .why = why }, .in = in };
	struct tool_reader r = { .a = in->a, .why = why, .lenient = true };
	struct tool t = { 0 };
	struct in_type *top = arena_alloc(in->a, sizeof(*top));

	m.g.top = arena_str(in->a, space);
	in->unknown = mcp_in_ns(&m.g, m.g.top, STR("Unknown"));
	in->null = cedar_ref_of((struct cedar_uid){
	    mcp_in_ns(&m.g, m.g.top, STR("Null")), STR("null") });
	if (top == NULL || in->unknown.p == NULL || in->null.uid.type.p == NULL)
		return mcp_spent(&m.g);
	TRY(tool_read(&r, jv_of(tool), &t));
	m.g.tool = r.tool;
	TRY(tool_fill(&m, &t, action, top));
	in->top = top;
	return OK;
}

enum err
cedar_mcp_input_new(struct str tool, struct str space, struct str action,
    struct cedar_mcp_input **out, struct cedar_why *why)
{
	struct cedar_mcp_input *in = mem_get(sizeof(*in));
	enum err e;

	in->a = arena_new(INPUT_ARENA);
	e = input_fill(in, tool, space, action, why);
	if (e) {
		cedar_mcp_input_free(in);
		return e;
	}
	*out = in;
	return OK;
}

void
cedar_mcp_input_free(struct cedar_mcp_input *in)
{
	if (in == NULL)
		return;
	arena_free(in->a);
	mem_free(in);
}
