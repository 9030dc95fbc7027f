/*
 * mcp-schema: a Cedar schema from what tools say of themselves, by the mapping
 * that other gateways use: one action a tool, its arguments typed in
 * context.input, objects and enumerations as entity types in a namespace of the
 * tool, numbers and null as entity types of their own.
 */
#include "cedar/mcp-in.h"

enum { MCP_ARENA = 256 * 1024 * 1024 };

/* ---- tools ---- */

static enum err
define_all(struct gen *g, const struct scope *sc)
{
	for (size_t i = 0; i < sc->defs->n; i++) {
		const struct str name = mcp_type_name(g, sc->defs->p[i].name);
		const struct st *t = NULL;

		TRY(mcp_type(g, sc->ns, name, sc->defs->p[i].type, sc, &t));
		TRY(mcp_add_common(g, mcp_in_ns(g, sc->ns, name), t));
	}
	return OK;
}

/* What goes in or comes out: type toolInput, and its place in the context. */
static enum err
side_of(struct gen *g, struct str tool, bool output,
    const struct prop_side *side, const struct scope *up, struct st_attr *out)
{
	const struct str suffix = output ? STR("Output") : STR("Input");
	const struct scope sc = { &side->defs, mcp_in_ns(g, up->ns, suffix),
		up };
	const struct str type = mcp_join(g, tool, STR(""), suffix);
	const struct st *t = NULL;

	if (sc.ns.p == NULL || type.p == NULL)
		return mcp_spent(g);
	TRY(define_all(g, &sc));
	TRY(mcp_members(g, sc.ns, &side->params, &sc, &t));
	TRY(mcp_add_common(g, mcp_in_ns(g, g->top, type), t));
	*out = (struct st_attr){ .name = output ? STR("output") : STR("input"),
		.optional = output };
	return mcp_named(g, ST_COMMON, type, &out->type);
}

static bool
has_note(const struct ast_note *note, size_t n, const char *name)
{
	return schema_find(note, n, sizeof(*note), str_of(name)) != NULL;
}

/* The stub's actions that the tool is a member of. */
static enum err
parents_of(struct gen *g, struct schema_action *x)
{
	struct vec v = { 0 };

	for (size_t i = 0; i < g->stub->action_n; i++) {
		const struct schema_action *s = &g->stub->action[i];
		struct cedar_uid *at;

		if (!has_note(s->note, s->note_n, "mcp_action") &&
		    !(has_note(s->note, s->note_n, "mcp_group") &&
			g->o.in_group != NULL &&
			g->o.in_group(g->o.arg, x->name, s->name)))
			continue;
		at = vec_add(g->a, &v, sizeof(*at));
		if (at == NULL)
			return mcp_spent(g);
		at->id = s->name;
	}
	x->has_parents = v.n > 0;
	x->parent = v.p;
	x->parent_n = v.n;
	return OK;
}

static enum err
action_of(struct gen *g, struct str name, const struct st_attr *side, size_t n)
{
	const size_t shared = g->context.n;
	struct st_attr *m = arena_alloc(g->a, (shared + n) * sizeof(*m));
	struct schema_action x = { .name = name,
		.applies = true,
		.principal = g->principal,
		.resource = g->resource };
	struct space *s = mcp_space(g, g->top);
	struct schema_action *at;
	bool is_new = false;

	if (m == NULL || s == NULL)
		return mcp_spent(g);
	if (shared > 0)
		memcpy(m, g->context.p, shared * sizeof(*m));
	memcpy(m + shared, side, n * sizeof(*m));
	TRY(mcp_record(g, m, shared + n, &x.context));
	TRY(mcp_claim(g, name, "a", false, &is_new));
	TRY(parents_of(g, &x));
	at = vec_add(g->a, &s->action, sizeof(*at));
	if (at == NULL)
		return mcp_spent(g);
	*at = x;
	return OK;
}

static enum err
add_tool(struct gen *g, const struct tool *t, struct str prefix,
    const struct scope *server)
{
	const struct str name =
	    prefix.n > 0 ? mcp_join(g, prefix, STR("___"), t->name) : t->name;
	const struct str ident = mcp_type_name(g, name);
	const struct scope sc = { &t->defs, mcp_in_ns(g, g->top, ident),
		server };
	struct st_attr side[2];

	g->tool = name;
	if (name.p == NULL || ident.p == NULL || sc.ns.p == NULL)
		return mcp_spent(g);
	TRY(define_all(g, &sc));
	TRY(side_of(g, ident, false, &t->in, &sc, &side[0]));
	if (g->o.outputs)
		TRY(side_of(g, ident, true, &t->out, &sc, &side[1]));
	return action_of(g, name, side, g->o.outputs ? 2 : 1);
}

static enum err
add_tools(struct gen *g, struct jv top, struct str prefix)
{
	struct tool_reader r = {
		.a = g->a, .why = g->why, .lenient = g->o.lenient
	};
	struct tool_list l = { 0 };
	struct scope sc = { &l.defs, g->top, NULL };

	TRY(tools_read(&r, top, &l));
	if (prefix.n > 0 && l.defs.n > 0) {
		sc.ns = mcp_in_ns(g, g->top, mcp_type_name(g, prefix));
		if (sc.ns.p == NULL)
			return mcp_spent(g);
	}
	TRY(define_all(g, &sc));
	for (size_t i = 0; i < l.n; i++)
		TRY(add_tool(g, &l.p[i], prefix, &sc));
	g->tool = STR("");
	return OK;
}

/* ---- the stub ---- */

static bool
is_ours(struct str name)
{
	return str_starts(name, STR("mcp_"));
}

/* The notes without those that were for the generator. */
static enum err
filter(struct gen *g, const struct ast_note **note, size_t *n)
{
	struct ast_note *p = arena_alloc(g->a, (*n + 1) * sizeof(*p));
	size_t kept = 0;

	if (p == NULL)
		return mcp_spent(g);
	for (size_t i = 0; i < *n; i++)
		if (g->o.keep_annotations || !is_ours((*note)[i].name))
			p[kept++] = (*note)[i];
	*note = p;
	*n = kept;
	return OK;
}

static enum err
add_context(
    struct gen *g, const struct ast_note *note, size_t n, struct str type)
{
	const struct ast_note *found =
	    schema_find(note, n, sizeof(*note), STR("mcp_context"));
	struct st_attr *m;

	if (found == NULL || !found->has_value)
		return OK;
	m = vec_add(g->a, &g->context, sizeof(*m));
	if (m == NULL)
		return mcp_spent(g);
	m->name = found->value;
	return mcp_named(g, ST_EITHER, type, &m->type);
}

static enum err
stub_entities(struct gen *g)
{
	struct vec principal = { 0 }, resource = { 0 };

	for (size_t i = 0; i < g->stub->entity_n; i++) {
		struct schema_entity e = g->stub->entity[i];
		const bool in[] = { has_note(e.note, e.note_n, "mcp_principal"),
			has_note(e.note, e.note_n, "mcp_resource") };
		struct vec *const to[] = { &principal, &resource };

		for (size_t k = 0; k < 2; k++) {
			struct str *at =
			    in[k] ? vec_add(g->a, to[k], sizeof(*at)) : NULL;

			if (in[k] && at == NULL)
				return mcp_spent(g);
			if (in[k])
				*at = e.name;
		}
		TRY(add_context(g, e.note, e.note_n, e.name));
		TRY(filter(g, &e.note, &e.note_n));
		TRY(mcp_add_entity(g, mcp_in_ns(g, g->top, e.name), &e, false));
	}
	g->principal = (struct schema_strs){ principal.p, principal.n };
	g->resource = (struct schema_strs){ resource.p, resource.n };
	if (principal.n == 0 || resource.n == 0)
		return mcp_bad(g, "the stub has no entity type with",
		    principal.n == 0 ? STR("@mcp_principal")
				     : STR("@mcp_resource"));
	return OK;
}

static enum err
stub_rest(struct gen *g, struct space *s)
{
	bool is_new = false;

	for (size_t i = 0; i < g->stub->common_n; i++) {
		struct schema_common *at =
		    vec_add(g->a, &s->common, sizeof(*at));

		if (at == NULL)
			return mcp_spent(g);
		*at = g->stub->common[i];
		TRY(add_context(g, at->note, at->note_n, at->name));
		TRY(filter(g, &at->note, &at->note_n));
		TRY(mcp_claim(
		    g, mcp_in_ns(g, g->top, at->name), "c", false, &is_new));
	}
	for (size_t i = 0; i < g->stub->action_n; i++) {
		struct schema_action *at =
		    vec_add(g->a, &s->action, sizeof(*at));

		if (at == NULL)
			return mcp_spent(g);
		*at = g->stub->action[i];
		TRY(filter(g, &at->note, &at->note_n));
		TRY(mcp_claim(g, at->name, "a", false, &is_new));
	}
	return OK;
}

static enum err
take_stub(struct gen *g, const struct cedar_schema *stub)
{
	struct space *s;

	if (stub->ns_n != 1 || stub->ns[0].name.n == 0)
		return ast_fail(ERR_SYNTAX, g->why, (struct ast_pos){ 0, 0 },
		    "the stub must be one namespace with a name");
	g->stub = &stub->ns[0];
	g->top = g->stub->name;
	s = mcp_space(g, g->top);
	if (s == NULL)
		return mcp_spent(g);
	s->note = g->stub->note;
	s->note_n = g->stub->note_n;
	TRY(stub_entities(g));
	return stub_rest(g, s);
}

/* ---- the result ---- */

static enum err
finish(struct gen *g, struct buf *out)
{
	struct schema_ns *ns =
	    arena_alloc(g->a, (g->order.n + 1) * sizeof(*ns));
	struct cedar_schema all = { .ns = ns, .ns_n = g->order.n };
	struct cedar_schema *check;
	const void *twice;
	const size_t before = out->n;
	struct str made;
	enum err e;

	if (ns == NULL)
		return mcp_spent(g);
	for (size_t i = 0; i < g->order.n; i++) {
		const struct space *s = VEC_AT(&g->order, struct space *, i);

		/* Nothing comes twice: all that is added was claimed. */
		(void)schema_sort(s->common.p, s->common.n,
		    sizeof(struct schema_common), &twice);
		(void)schema_sort(s->entity.p, s->entity.n,
		    sizeof(struct schema_entity), &twice);
		(void)schema_sort(s->action.p, s->action.n,
		    sizeof(struct schema_action), &twice);
		ns[i] = (struct schema_ns){ s->name, s->common.p, s->entity.p,
			s->action.p, s->common.n, s->entity.n, s->action.n,
			s->note, s->note_n, { 0, 0 } };
	}
	if (g->o.json)
		cedar_schema_to_json(&all, out);
	else
		cedar_schema_put(&all, out);
	if (buf_end(out))
		return mcp_spent(g);
	made = str_sub(buf_view(out), before, out->n);
	e = g->o.json ? cedar_schema_from_json(made, &check, g->why)
		      : cedar_schema_parse(made, &check, g->why);
	if (e)
		return e;
	cedar_schema_free(check);
	return OK;
}

static const struct json_limits limits = {
	.depth = 64, .members = 1000000, .string = 1024 * 1024
};

static enum err
add_server(struct gen *g, const struct cedar_mcp_server *s)
{
	struct buf tape = { .max = 64 * 1024 * 1024 };
	struct note note = { 0 };
	enum err e = json_parse(s->tools, &limits, &tape, &note);

	if (e)
		e = ast_fail(e, g->why, (struct ast_pos){ 0, 0 },
		    "the list of tools: %s", note.text);
	else
		e = add_tools(g, jv_of(buf_view(&tape)), s->name);
	buf_done(&tape);
	return e;
}

static const char small_stub[] = "namespace Gatehouse {\n"
				 "@mcp_principal entity Agent;\n"
				 "@mcp_resource entity Tool;\n"
				 "@mcp_action action call_tool;\n"
				 "}\n";

static enum err
generate(struct gen *g, const struct cedar_schema *stub,
    const struct cedar_mcp_server *server, size_t n, struct buf *out)
{
	TRY(take_stub(g, stub));
	for (size_t i = 0; i < n; i++)
		TRY(add_server(g, &server[i]));
	return finish(g, out);
}

enum err
cedar_mcp_schema_of(struct str stub, const struct cedar_mcp_server *server,
    size_t n, const struct cedar_mcp_options *o, struct buf *out,
    struct cedar_why *why)
{
	struct gen g = { .why = why };
	const size_t before = out->n;
	struct cedar_schema *s;
	enum err e;

	if (o != NULL)
		g.o = *o;
	TRY(cedar_schema_parse(
	    stub.n > 0 ? stub : str_of(small_stub), &s, why));
	g.a = arena_new(MCP_ARENA);
	/* Names are the servers': where memory lies is no secret worth much,
	 * but more than a constant, and the order of a map shows nowhere. */
	g.spaces = map_new((uintptr_t)g.a ^ (uintptr_t)&g);
	g.taken = map_new((uintptr_t)s ^ (uintptr_t)&g);
	e = generate(&g, s, server, n, out);
	if (e && out->n > before)
		out->n = before;
	map_free(g.spaces);
	map_free(g.taken);
	arena_free(g.a);
	cedar_schema_free(s);
	return e;
}

enum err
cedar_mcp_schema(struct str stub, struct str tools,
    const struct cedar_mcp_options *o, struct buf *out, struct cedar_why *why)
{
	const struct cedar_mcp_server one = { .tools = tools };

	return cedar_mcp_schema_of(stub, &one, 1, o, out, why);
}
