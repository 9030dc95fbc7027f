/*
 * mcp-tools: what tools take and give, read from the JSON Schemas in tools/list
 * as far as Cedar can say it.  Strict: a schema that is none of the forms known
 * here is an error; lenient: it is something unknown.
 */
#include "cedar/mcp-in.h"

enum {
	MEMBERS_MAX = 4096, /* of one object, and of "required" */
	/* Of one "$defs": chains in it are followed from each. */
	DEFS_MAX = 512,
	/* Where any server's word is read: they are walked into as deep. */
	LENIENT_DEFS_MAX = 128,
};

static enum err
bad(const struct tool_reader *r, const char *what)
{
	return ast_fail(ERR_SYNTAX, r->why, (struct ast_pos){ 0, 0 },
	    "tool \"%.*s\": %s", (int)(r->tool.n < 80 ? r->tool.n : 80),
	    r->tool.p == NULL ? "" : r->tool.p, what);
}

static enum err
spent(const struct tool_reader *r)
{
	return ast_fail(ERR_LIMIT, r->why, (struct ast_pos){ 0, 0 },
	    "the list of tools is too large");
}

static enum err
text(
    const struct tool_reader *r, struct jv v, const char *what, struct str *out)
{
	struct str s;

	if (!jv_is(v, J_STR))
		return bad(r, what);
	s = arena_str(r->a, jv_str(v));
	if (s.p == NULL)
		return spent(r);
	*out = s;
	return OK;
}

static enum err prop(
    struct tool_reader *r, struct jv v, const struct prop **out);

/* The strings in list, each under itself.  false is a list of none. */
static enum err
required_of(struct tool_reader *r, struct jv list, struct map *out)
{
	struct jit it = jit_of(list);
	struct jv el;

	if (!jv_is(list, J_NONE) && !jv_is(list, J_ARR) &&
	    !jv_is(list, J_FALSE))
		return bad(r, "\"required\" must be a list of strings");
	if (jv_count(list) > MEMBERS_MAX)
		return bad(r, "it requires too many members");
	while (jv_is(list, J_ARR) && jit_next(&it, NULL, &el)) {
		if (!jv_is(el, J_STR))
			return bad(r, "\"required\" must be a list of strings");
		(void)map_put(out, jv_str(el), r);
	}
	return OK;
}

static enum err
members_of(struct tool_reader *r, struct jv v, const struct map *required,
    struct prop_list *out)
{
	struct jit it = jit_of(v);
	struct prop_member *p =
	    arena_alloc(r->a, (jv_count(v) + 1) * sizeof(*p));
	struct str key;
	struct jv val;
	size_t n = 0;

	if (p == NULL)
		return spent(r);
	for (; jit_next(&it, &key, &val); n++) {
		p[n].name = arena_str(r->a, key);
		if (p[n].name.p == NULL)
			return spent(r);
		p[n].required = map_get(required, key) != NULL;
		TRY(prop(r, val, &p[n].type));
	}
	*out = (struct prop_list){ .p = p, .n = n };
	return OK;
}

/* An object of named schemas. */
static enum err
members(struct tool_reader *r, struct jv v, struct jv required,
    const char *what, struct prop_list *out)
{
	struct map *names;
	enum err e;

	if (jv_is(v, J_NONE) || jv_is(v, J_FALSE))
		return OK;
	if (!jv_is(v, J_OBJ))
		return r->lenient ? OK : bad(r, what);
	if (jv_count(v) > MEMBERS_MAX)
		return bad(r, "an object has too many members");
	/* Names are the servers', and nothing shows the map's order. */
	names = map_new((uintptr_t)r->a);
	e = required_of(r, required, names);
	if (!e)
		e = members_of(r, v, names, out);
	map_free(names);
	return e;
}

static enum err
object(struct tool_reader *r, struct jv v, struct prop *out)
{
	const struct jv more = jv_get(v, STR("additionalProperties"));
	struct prop_list l = { .n = 0 };

	TRY(members(r, jv_get(v, STR("properties")), jv_get(v, STR("required")),
	    "\"properties\" must be an object", &l));
	out->kind = PROP_OBJECT;
	out->member = l.p;
	out->n = l.n;
	out->closed = jv_is(more, J_FALSE);
	if (!jv_is(more, J_NONE) && !jv_is(more, J_NULL) &&
	    !jv_is(more, J_TRUE) && !jv_is(more, J_FALSE))
		TRY(prop(r, more, &out->more));
	return OK;
}

static bool
same(const struct prop *x, const struct prop *y)
{
	if (x == NULL || y == NULL)
		return x == y;
	if (x->kind != y->kind || x->n != y->n || x->choice.n != y->choice.n ||
	    !str_eq(x->ref, y->ref) || !same(x->el, y->el) ||
	    !same(x->more, y->more))
		return false;
	for (size_t i = 0; i < x->choice.n; i++)
		if (!str_eq(x->choice.p[i], y->choice.p[i]))
			return false;
	for (size_t i = 0; i < x->n && x->type != NULL; i++)
		if (!same(x->type[i], y->type[i]))
			return false;
	for (size_t i = 0; i < x->n && x->member != NULL; i++)
		if (!str_eq(x->member[i].name, y->member[i].name) ||
		    x->member[i].required != y->member[i].required ||
		    !same(x->member[i].type, y->member[i].type))
			return false;
	return true;
}

/* A list of schemas. */
static enum err
several(struct tool_reader *r, struct jv v, struct prop *out)
{
	struct jit it = jit_of(v);
	const struct prop **p =
	    arena_alloc(r->a, (jv_count(v) + 1) * sizeof(*p));
	struct jv el;
	size_t n = 0;

	if (p == NULL)
		return spent(r);
	while (jit_next(&it, NULL, &el))
		TRY(prop(r, el, &p[n++]));
	out->type = p;
	out->n = n;
	return OK;
}

static const struct prop unknown = { .kind = PROP_UNKNOWN };

/* A tuple has exactly what prefixItems says; else all elements are alike. */
static enum err
array(struct tool_reader *r, struct jv v, struct prop *out)
{
	const struct jv prefix = jv_get(v, STR("prefixItems"));
	const struct jv items = jv_get(v, STR("items"));
	struct prop first = { 0 };

	if (jv_is(prefix, J_ARR))
		TRY(several(r, prefix, &first));
	if (jv_is(prefix, J_ARR) && jv_is(items, J_FALSE)) {
		*out = first;
		out->kind = PROP_TUPLE;
		return OK;
	}
	out->kind = PROP_ARRAY;
	out->el = &unknown;
	if (jv_is(items, J_OBJ))
		TRY(prop(r, items, &out->el));
	else if (!jv_is(prefix, J_ARR) && !r->lenient &&
		 (jv_is(items, J_ARR) || jv_is(items, J_STR) ||
		     jv_is(items, J_NUM)))
		return bad(r, "\"items\" must be a schema");
	for (size_t i = 0; i < first.n; i++)
		if (!same(first.type[i], out->el))
			out->el = &unknown;
	if (jv_is(prefix, J_ARR) && !jv_is(items, J_OBJ))
		out->el = &unknown;
	return OK;
}

static enum err
choices(struct tool_reader *r, struct jv v, struct prop *out)
{
	struct jit it = jit_of(v);
	struct str *p;
	struct jv el;
	size_t n = 0;

	if (!jv_is(v, J_ARR) || jv_count(v) == 0)
		return bad(r, "\"enum\" must be a list of at least one string");
	p = arena_alloc(r->a, jv_count(v) * sizeof(*p));
	if (p == NULL)
		return spent(r);
	while (jit_next(&it, NULL, &el))
		TRY(text(
		    r, el, "\"enum\" of a string must list strings", &p[n++]));
	out->kind = PROP_ENUM;
	out->choice = (struct schema_strs){ p, n };
	return OK;
}

struct word {
	struct str name;
	enum prop_kind kind;
};

/* false: not among them. */
static bool
kind_of(const struct word *w, size_t n, struct str name, enum prop_kind *out)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(w[i].name, name)) {
			*out = w[i].kind;
			return true;
		}
	return false;
}

static enum err
string(struct tool_reader *r, struct jv v, struct prop *out)
{
	static const struct word formats[] = {
		{ STR_INIT("date"), PROP_DATETIME },
		{ STR_INIT("date-time"), PROP_DATETIME },
		{ STR_INIT("duration"), PROP_DURATION },
		{ STR_INIT("ipv4"), PROP_IP },
		{ STR_INIT("ipv6"), PROP_IP },
		{ STR_INIT("decimal"), PROP_DECIMAL },
	};
	const struct jv choice = jv_get(v, STR("enum"));
	const struct jv format = jv_get(v, STR("format"));

	if (!jv_is(choice, J_NONE))
		return choices(r, choice, out);
	out->kind = PROP_STRING;
	if (jv_is(format, J_NONE))
		return OK;
	if (!jv_is(format, J_STR))
		return bad(r, "\"format\" must be a string");
	(void)kind_of(formats, countof(formats), jv_str(format), &out->kind);
	return OK;
}

/* alone: the type is the whole of "type", and enum and format count. */
static enum err
typed(struct tool_reader *r, struct str name, struct jv v, bool alone,
    struct prop *out)
{
	static const struct word simple[] = {
		{ STR_INIT("boolean"), PROP_BOOL },
		{ STR_INIT("integer"), PROP_INTEGER },
		{ STR_INIT("float"), PROP_FLOAT },
		{ STR_INIT("number"), PROP_NUMBER },
		{ STR_INIT("null"), PROP_NULL },
	};

	if (kind_of(simple, countof(simple), name, &out->kind))
		return OK;
	if (str_eq(name, STR("string"))) {
		out->kind = PROP_STRING;
		return alone ? string(r, v, out) : OK;
	}
	if (str_eq(name, STR("array")))
		return array(r, v, out);
	if (str_eq(name, STR("object")))
		return object(r, v, out);
	return r->lenient ? OK
			  : bad(r, "\"type\" must be boolean, integer, float, "
				   "number, string, null, array or object");
}

/* "type": ["string", "null"] */
static enum err
type_list(struct tool_reader *r, struct jv list, struct jv v, struct prop *out)
{
	struct jit it = jit_of(list);
	const struct prop **p;
	struct jv el;

	if (!jv_is(list, J_ARR))
		return jv_is(list, J_NUM) || jv_is(list, J_OBJ)
			   ? bad(r, "\"type\" must be a string or a list")
			   : OK; /* unknown */
	p = arena_alloc(r->a, (jv_count(list) + 1) * sizeof(*p));
	if (p == NULL)
		return spent(r);
	for (; jit_next(&it, NULL, &el); out->n++) {
		struct prop *one = arena_alloc(r->a, sizeof(*one));

		if (one == NULL)
			return spent(r);
		p[out->n] = one;
		if (jv_is(el, J_STR))
			TRY(typed(r, jv_str(el), v, false, one));
		else
			TRY(prop(r, el, &p[out->n]));
	}
	out->kind = PROP_UNION;
	out->type = p;
	return OK;
}

static enum err
reference(struct tool_reader *r, struct jv v, struct prop *out)
{
	const struct str prefix = STR("#/$defs/");

	if (!jv_is(v, J_STR) || !str_starts(jv_str(v), prefix))
		return r->lenient ? OK
				  : bad(r, "\"$ref\" must begin with #/$defs/");
	out->kind = PROP_REF;
	out->ref = arena_str(r->a, str_sub(jv_str(v), prefix.n, jv_str(v).n));
	return out->ref.p == NULL ? spent(r) : OK;
}

static enum err
fill(struct tool_reader *r, struct jv v, struct prop *out)
{
	const struct jv type = jv_get(v, STR("type"));
	struct jv any = jv_get(v, STR("anyOf"));

	if (!jv_is(v, J_OBJ))
		return r->lenient ? OK : bad(r, "a schema must be an object");
	if (jv_is(type, J_STR))
		return typed(r, jv_str(type), v, true, out);
	if (!jv_is(type, J_NONE))
		return type_list(r, type, v, out);
	if (jv_is(any, J_NONE))
		any = jv_get(v, STR("oneOf"));
	if (jv_is(any, J_ARR)) {
		out->kind = PROP_UNION;
		return several(r, any, out);
	}
	if (!jv_is(any, J_NONE))
		return bad(r, "\"anyOf\" and \"oneOf\" must be lists");
	if (!jv_is(jv_get(v, STR("$ref")), J_NONE))
		return reference(r, jv_get(v, STR("$ref")), out);
	return OK; /* unknown */
}

static enum err
prop(struct tool_reader *r, struct jv v, const struct prop **out)
{
	struct prop *p = arena_alloc(r->a, sizeof(*p));

	if (p == NULL)
		return spent(r);
	TRY(fill(r, v, p));
	*out = p;
	return OK;
}

/* ---- tools ---- */

/* A name that stands for itself over some steps has no meaning. */
static enum err
no_circle(struct tool_reader *r, const struct prop_list *defs)
{
	for (size_t i = 0; i < defs->n; i++) {
		const struct prop *at = defs->p[i].type;

		for (size_t step = 0; at != NULL && at->kind == PROP_REF;
		     step++) {
			const struct prop *to = NULL;

			if (step > defs->n)
				return bad(
				    r, "a type in \"$defs\" is only itself");
			for (size_t k = 0; k < defs->n; k++)
				if (str_eq(defs->p[k].name, at->ref))
					to = defs->p[k].type;
			at = to;
		}
	}
	return OK;
}

/* A walk into types by their names. */
struct walk {
	const struct prop_list *defs;
	struct map *index; /* name -> its bool in circle */
	bool *circle;
	unsigned char *state; /* WALK_* of each */
};
enum { WALK_NEW, WALK_OPEN, WALK_DONE };

static void walk_def(struct walk *w, size_t i);

static void
walk_prop(struct walk *w, const struct prop *p)
{
	if (p == NULL)
		return;
	walk_prop(w, p->el);
	walk_prop(w, p->more);
	for (size_t i = 0; i < p->n && p->type != NULL; i++)
		walk_prop(w, p->type[i]);
	for (size_t i = 0; i < p->n && p->member != NULL; i++)
		walk_prop(w, p->member[i].type);
	if (p->kind == PROP_REF) {
		bool *to = map_get(w->index, p->ref);

		if (to != NULL)
			walk_def(w, (size_t)(to - w->circle));
	}
}

static void
walk_def(struct walk *w, size_t i)
{
	if (w->state[i] == WALK_OPEN)
		w->circle[i] = true; /* it leads to itself */
	if (w->state[i] != WALK_NEW)
		return;
	w->state[i] = WALK_OPEN;
	walk_prop(w, w->defs->p[i].type);
	w->state[i] = WALK_DONE;
}

/* Records cannot contain themselves: in each circle of types one is marked,
 * and what names it is something unknown. */
static enum err
circles(struct tool_reader *r, struct prop_list *defs)
{
	struct walk w = { .defs = defs };

	w.circle = arena_alloc(r->a, defs->n + 1);
	w.state = arena_alloc(r->a, defs->n + 1);
	if (w.circle == NULL || w.state == NULL)
		return spent(r);
	w.index = map_new((uintptr_t)r->a);
	for (size_t i = 0; i < defs->n; i++)
		(void)map_put(w.index, defs->p[i].name, &w.circle[i]);
	for (size_t i = 0; i < defs->n; i++)
		walk_def(&w, i);
	map_free(w.index);
	defs->circle = w.circle;
	return OK;
}

static enum err
definitions(struct tool_reader *r, struct jv v, struct prop_list *out)
{
	const struct jv absent = { NULL, 0 };

	TRY(members(r, jv_get(v, STR("$defs")), absent,
	    "\"$defs\" must be an object", out));
	if (out->n > (r->lenient ? LENIENT_DEFS_MAX : DEFS_MAX))
		return bad(r, "\"$defs\" has too many types");
	return r->lenient ? circles(r, out) : no_circle(r, out);
}

static enum err
side(struct tool_reader *r, struct jv v, struct prop_side *out)
{
	const struct jv wrapped = jv_get(v, STR("json"));

	if (!jv_is(wrapped, J_NONE))
		v = wrapped;
	if (!jv_is(v, J_OBJ))
		return bad(r, "its schema must be an object");
	TRY(definitions(r, v, &out->defs));
	out->closed = jv_is(jv_get(v, STR("additionalProperties")), J_FALSE);
	return members(r, jv_get(v, STR("properties")),
	    jv_get(v, STR("required")), "\"properties\" must be an object",
	    &out->params);
}

enum err
tool_read(struct tool_reader *r, struct jv v, struct tool *out)
{
	struct jv in = jv_get(v, STR("parameters"));
	const struct jv outputs = jv_get(v, STR("outputSchema"));

	r->tool = STR("");
	TRY(text(r, jv_get(v, STR("name")),
	    "a tool must be an object with \"name\", a string", &out->name));
	r->tool = out->name;
	if (jv_is(in, J_NONE))
		in = jv_get(v, STR("inputSchema"));
	if (jv_is(in, J_NONE))
		return bad(r, "it has no \"inputSchema\"");
	TRY(side(r, in, &out->in));
	if (!jv_is(outputs, J_NONE))
		TRY(side(r, outputs, &out->out));
	return definitions(r, v, &out->defs);
}

/* One tool, a list of them, or an answer to tools/list. */
enum err
tools_read(struct tool_reader *r, struct jv top, struct tool_list *out)
{
	const struct jv result = jv_get(top, STR("result"));
	struct jv list = top;
	struct tool *p;
	struct jv el;
	size_t n = 0;

	if (jv_is(top, J_OBJ))
		list =
		    jv_get(jv_is(result, J_NONE) ? top : result, STR("tools"));
	if (jv_is(result, J_OBJ))
		TRY(definitions(r, result, &out->defs));
	if (jv_is(top, J_OBJ) && jv_is(list, J_NONE) && jv_is(result, J_NONE)) {
		p = arena_alloc(r->a, sizeof(*p));
		if (p == NULL)
			return spent(r);
		TRY(tool_read(r, top, p));
		n = 1;
	} else if (jv_is(list, J_ARR)) {
		struct jit it = jit_of(list);

		p = arena_alloc(r->a, (jv_count(list) + 1) * sizeof(*p));
		if (p == NULL)
			return spent(r);
		while (jit_next(&it, NULL, &el))
			TRY(tool_read(r, el, &p[n++]));
	} else {
		return bad(r,
		    "expected an answer to tools/list, a list of tools or a "
		    "tool");
	}
	out->p = p;
	out->n = n;
	return OK;
}
