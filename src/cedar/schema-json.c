/*
 * schema-json: schemas as JSON (.cedarschema.json) into the same tree that text
 * is read into.  A member that the format does not know is an error, and so is
 * one that does not belong to its type: what was meant by it would be lost.
 */
#include "cedar/schema.h"

#include "json/json.h"

struct jreader {
	struct arena *a;
	struct cedar_why *why;
	struct str ns, kind, name; /* where we are, for sentences */
	size_t depth;
};

static enum err
no(const struct jreader *r, enum err e, const char *what, struct str which)
{
	char at[120] = "";

	if (r->kind.n > 0)
		(void)snprintf(at, sizeof(at),
		    "%.*s \"%.40s%.*s\": ", STR_ARG(r->kind), "",
		    (int)(r->name.n < 60 ? r->name.n : 60),
		    r->name.p == NULL ? "" : r->name.p);
	return ast_fail(e, r->why, (struct ast_pos){ 0, 0 }, "%s%s%s%.*s%s", at,
	    what, which.n > 0 ? " \"" : "", (int)(which.n < 60 ? which.n : 60),
	    which.p == NULL ? "" : which.p, which.n > 0 ? "\"" : "");
}

static enum err
bad(const struct jreader *r, const char *what, struct str which)
{
	return no(r, ERR_SYNTAX, what, which);
}

static enum err
spent(const struct jreader *r)
{
	return no(r, ERR_LIMIT, "the schema is too large", STR(""));
}

/* known: names with a space before and after each. */
static enum err
only(const struct jreader *r, struct jv obj, struct str known)
{
	struct jit it = jit_of(obj);
	struct str key;

	if (!jv_is(obj, J_OBJ))
		return bad(r, "an object was expected", STR(""));
	while (jit_next(&it, &key, NULL)) {
		struct str rest = known, word;
		bool found = false;

		while (!found && str_split(&rest, ' ', &word))
			found = str_eq(word, key);
		if (!found)
			return bad(r, "unknown member", key);
	}
	return OK;
}

static bool
given(struct jv v)
{
	return !jv_is(v, J_NONE) && !jv_is(v, J_NULL);
}

static enum err
text(const struct jreader *r, struct jv v, const char *what, struct str *out)
{
	struct str s;

	if (!jv_is(v, J_STR))
		return bad(r, what, STR(""));
	s = arena_str(r->a, jv_str(v));
	if (s.p == NULL)
		return spent(r);
	*out = s;
	return OK;
}

/* A name as written: words that are not reserved, or __cedar, with "::". */
static bool
is_reference(struct str s)
{
	struct str rest = s;

	for (;;) {
		const size_t at = str_search(rest, STR("::"));
		const struct str word = str_sub(rest, 0, at);

		if (!ast_is_ident(word) && !str_eq(word, STR("__cedar")))
			return false;
		if (at == rest.n)
			return true;
		rest = str_sub(rest, at + 2, rest.n);
	}
}

static enum err
reference(const struct jreader *r, struct jv v, struct str *out)
{
	if (!jv_is(v, J_STR))
		return bad(r, "a name (a string) was expected", STR(""));
	if (!is_reference(jv_str(v)))
		return bad(r, "this is no name of a type:", jv_str(v));
	return text(r, v, "", out);
}

static enum err
references(const struct jreader *r, struct jv v, struct schema_strs *out)
{
	struct jit it = jit_of(v);
	struct jv el;
	struct str *p;
	size_t n = 0;

	if (!jv_is(v, J_ARR))
		return bad(r, "a list of names was expected", STR(""));
	p = arena_alloc(r->a, (jv_count(v) + 1) * sizeof(*p));
	if (p == NULL)
		return spent(r);
	while (jit_next(&it, NULL, &el))
		TRY(reference(r, el, &p[n++]));
	*out = (struct schema_strs){ p, n };
	return OK;
}

static enum err
notes(const struct jreader *r, struct jv v, const struct ast_note **out,
    size_t *out_n)
{
	struct jit it = jit_of(v);
	struct ast_note *p;
	struct str key;
	struct jv val;
	const void *twice;
	size_t n = 0;

	if (jv_is(v, J_NONE))
		return OK;
	if (!jv_is(v, J_OBJ))
		return bad(r, "annotations are an object", STR(""));
	p = arena_alloc(r->a, (jv_count(v) + 1) * sizeof(*p));
	if (p == NULL)
		return spent(r);
	while (jit_next(&it, &key, &val)) {
		if (!ast_is_word(key))
			return bad(r, "this is no annotation's name:", key);
		p[n].name = arena_str(r->a, key);
		p[n].has_value = given(val);
		if (p[n].name.p == NULL)
			return spent(r);
		if (p[n].has_value)
			TRY(text(r, val, "an annotation is a string or null",
			    &p[n].value));
		n++;
	}
	if (!schema_sort(p, n, sizeof(*p), &twice))
		return bad(r, "an annotation is given twice", STR(""));
	*out = p;
	*out_n = n;
	return OK;
}

/* ---- types ---- */

static enum err type(
    struct jreader *r, struct jv v, struct str known, const struct st **out);

static enum err
member(struct jreader *r, struct str key, struct jv v, struct st_attr *out)
{
	const struct jv required = jv_get(v, STR("required"));
	struct st_attr m = { 0 };

	if (!jv_is(v, J_OBJ))
		return bad(r, "an attribute is an object:", key);
	if (!jv_is(required, J_NONE) && !jv_is(required, J_TRUE) &&
	    !jv_is(required, J_FALSE))
		return bad(r, "\"required\" is true or false in", key);
	m.optional = jv_is(required, J_FALSE);
	m.name = arena_str(r->a, key);
	if (m.name.p == NULL)
		return spent(r);
	TRY(notes(r, jv_get(v, STR("annotations")), &m.note, &m.note_n));
	TRY(type(r, v, STR("required annotations "), &m.type));
	*out = m;
	return OK;
}

static enum err
record(struct jreader *r, struct jv v, struct st *t)
{
	const struct jv attrs = jv_get(v, STR("attributes"));
	struct jit it = jit_of(attrs);
	struct st_attr *p;
	struct str key;
	struct jv val;
	const void *twice;
	size_t n = 0;

	if (!jv_is(attrs, J_OBJ))
		return bad(
		    r, "a Record has \"attributes\", an object", STR(""));
	if (!jv_is(jv_get(v, STR("additionalAttributes")), J_NONE) &&
	    !jv_is(jv_get(v, STR("additionalAttributes")), J_FALSE))
		return bad(r, "records cannot be open (additionalAttributes)",
		    STR(""));
	p = arena_alloc(r->a, (jv_count(attrs) + 1) * sizeof(*p));
	if (p == NULL)
		return spent(r);
	while (jit_next(&it, &key, &val))
		TRY(member(r, key, val, &p[n++]));
	if (!schema_sort(p, n, sizeof(*p), &twice))
		return bad(r, "an attribute is given twice", STR(""));
	t->attr = p;
	t->n = (uint32_t)n;
	return OK;
}

static enum err
set(struct jreader *r, struct jv v, struct st *t)
{
	const struct jv el = jv_get(v, STR("element"));

	if (jv_is(el, J_NONE))
		return bad(r, "a Set has \"element\", a type", STR(""));
	return type(r, el, STR(""), &t->el);
}

static enum err
named(struct jreader *r, struct jv v, struct st *t)
{
	return reference(r, jv_get(v, STR("name")), &t->name);
}

static enum err
simple(struct jreader *r, struct jv v, struct st *t)
{
	(void)r, (void)v, (void)t;
	return OK;
}

struct json_kind {
	struct str name;
	enum st_kind kind;
	struct str known; /* members that it may have */
	enum err (*read)(struct jreader *r, struct jv v, struct st *t);
};
static const struct json_kind kinds[] = {
	{ STR_INIT("Boolean"), ST_BOOL, STR_INIT("type "), simple },
	{ STR_INIT("Long"), ST_LONG, STR_INIT("type "), simple },
	{ STR_INIT("String"), ST_STRING, STR_INIT("type "), simple },
	{ STR_INIT("Set"), ST_SET, STR_INIT("type element "), set },
	{ STR_INIT("Record"), ST_RECORD,
	    STR_INIT("type attributes additionalAttributes "), record },
	{ STR_INIT("Entity"), ST_ENTITY, STR_INIT("type name "), named },
	{ STR_INIT("EntityOrCommon"), ST_EITHER, STR_INIT("type name "),
	    named },
	{ STR_INIT("Extension"), ST_EXT, STR_INIT("type name "), named },
};

/* also: members beside those of the type, each with a space behind. */
static enum err
type_body(struct jreader *r, struct jv v, struct str also, struct st *t)
{
	const struct jv name = jv_get(v, STR("type"));
	char known[120];

	if (!jv_is(v, J_OBJ) || !jv_is(name, J_STR))
		return bad(
		    r, "a type is an object with \"type\", a string", STR(""));
	for (size_t i = 0; i < countof(kinds); i++) {
		if (!str_eq(jv_str(name), kinds[i].name))
			continue;
		(void)snprintf(known, sizeof(known), "%.*s%.*s",
		    STR_ARG(kinds[i].known), STR_ARG(also));
		TRY(only(r, v, str_of(known)));
		t->kind = kinds[i].kind;
		return kinds[i].read(r, v, t);
	}
	(void)snprintf(known, sizeof(known), "type %.*s", STR_ARG(also));
	TRY(only(r, v, str_of(known)));
	t->kind = ST_COMMON;
	return reference(r, name, &t->name);
}

static enum err
type(struct jreader *r, struct jv v, struct str also, const struct st **out)
{
	struct st *t = arena_alloc(r->a, sizeof(*t));

	if (t == NULL)
		return spent(r);
	if (r->depth == SCHEMA_DEPTH)
		return no(r, ERR_LIMIT, "types are nested too deep", STR(""));
	r->depth++;
	TRY(type_body(r, v, also, t)); /* depth: an error ends it all */
	r->depth--;
	*out = t;
	return OK;
}

/* ---- declarations ---- */

static enum err
common(struct jreader *r, struct jv v, struct schema_common *c)
{
	TRY(notes(r, jv_get(v, STR("annotations")), &c->note, &c->note_n));
	return type(r, v, STR("annotations "), &c->type);
}

static enum err
choices(struct jreader *r, struct jv v, struct schema_entity *e)
{
	struct jit it = jit_of(v);
	struct str *p;
	struct jv el;
	size_t n = 0;

	if (!jv_is(v, J_ARR) || jv_count(v) == 0)
		return bad(r, "enum is a list of at least one id", STR(""));
	p = arena_alloc(r->a, jv_count(v) * sizeof(*p));
	if (p == NULL)
		return spent(r);
	while (jit_next(&it, NULL, &el))
		TRY(text(r, el, "enum is a list of strings", &p[n++]));
	e->is_enum = true;
	e->choice = (struct schema_strs){ p, n };
	return OK;
}

static enum err
entity(struct jreader *r, struct jv v, struct schema_entity *e)
{
	const struct jv choice = jv_get(v, STR("enum"));
	struct jv x;

	TRY(notes(r, jv_get(v, STR("annotations")), &e->note, &e->note_n));
	if (!jv_is(choice, J_NONE)) {
		TRY(only(r, v, STR("enum annotations ")));
		return choices(r, choice, e);
	}
	TRY(only(r, v, STR("memberOfTypes shape tags annotations ")));
	x = jv_get(v, STR("memberOfTypes"));
	if (!jv_is(x, J_NONE))
		TRY(references(r, x, &e->parent));
	x = jv_get(v, STR("shape"));
	if (!jv_is(x, J_NONE))
		TRY(type(r, x, STR(""), &e->shape));
	x = jv_get(v, STR("tags"));
	if (!jv_is(x, J_NONE))
		TRY(type(r, x, STR(""), &e->tags));
	return OK;
}

static enum err
parents(struct jreader *r, struct jv v, struct schema_action *x)
{
	struct jit it = jit_of(v);
	struct cedar_uid *p;
	struct jv el;
	size_t n = 0;

	if (!jv_is(v, J_ARR))
		return bad(r, "memberOf is a list of actions", STR(""));
	p = arena_alloc(r->a, (jv_count(v) + 1) * sizeof(*p));
	if (p == NULL)
		return spent(r);
	for (; jit_next(&it, NULL, &el); n++) {
		TRY(only(r, el, STR("id type ")));
		TRY(text(r, jv_get(el, STR("id")),
		    "an action in memberOf has \"id\", a string", &p[n].id));
		if (given(jv_get(el, STR("type"))))
			TRY(reference(r, jv_get(el, STR("type")), &p[n].type));
	}
	x->has_parents = true;
	x->parent = p;
	x->parent_n = n;
	return OK;
}

static enum err
action(struct jreader *r, struct jv v, struct schema_action *x)
{
	const struct jv apply = jv_get(v, STR("appliesTo"));
	struct jv c;

	TRY(only(r, v, STR("attributes appliesTo memberOf annotations ")));
	TRY(notes(r, jv_get(v, STR("annotations")), &x->note, &x->note_n));
	if (given(jv_get(v, STR("attributes"))))
		return bad(r, "actions have no attributes", STR(""));
	if (given(jv_get(v, STR("memberOf"))))
		TRY(parents(r, jv_get(v, STR("memberOf")), x));
	if (!given(apply))
		return OK;
	x->applies = true;
	TRY(only(r, apply, STR("principalTypes resourceTypes context ")));
	TRY(references(r, jv_get(apply, STR("principalTypes")), &x->principal));
	TRY(references(r, jv_get(apply, STR("resourceTypes")), &x->resource));
	c = jv_get(apply, STR("context"));
	return jv_is(c, J_NONE) ? OK : type(r, c, STR(""), &x->context);
}

/* ---- namespaces ---- */

/* Each member of list, with its name, through read. */
static enum err
each(struct jreader *r, struct jv list, size_t size,
    enum err (*read)(struct jreader *r, struct jv v, void *at), struct vec *out)
{
	struct jit it = jit_of(list);
	struct str key;
	struct jv val;

	if (!jv_is(list, J_OBJ))
		return bad(r, "an object was expected", STR(""));
	while (jit_next(&it, &key, &val)) {
		struct str *at = vec_add(r->a, out, size);

		if (at == NULL)
			return spent(r);
		*at = arena_str(r->a, key); /* the name is first in all three */
		if (at->p == NULL)
			return spent(r);
		r->name = *at;
		if (!jv_is(val, J_OBJ))
			return bad(r, "an object was expected", STR(""));
		TRY(read(r, val, at));
	}
	return OK;
}

static enum err
read_common(struct jreader *r, struct jv v, void *at)
{
	return common(r, v, at);
}

static enum err
read_entity(struct jreader *r, struct jv v, void *at)
{
	return entity(r, v, at);
}

static enum err
read_action(struct jreader *r, struct jv v, void *at)
{
	return action(r, v, at);
}

static enum err
space(struct jreader *r, struct jv v, struct schema_ns *ns)
{
	struct vec c = { 0 }, e = { 0 }, x = { 0 };
	const struct jv commons = jv_get(v, STR("commonTypes"));

	r->kind = STR("namespace");
	r->name = ns->name;
	TRY(only(r, v, STR("commonTypes entityTypes actions annotations ")));
	TRY(notes(r, jv_get(v, STR("annotations")), &ns->note, &ns->note_n));
	if (ns->name.n == 0 && ns->note_n > 0)
		return bad(r, "the nameless one has no annotations", STR(""));
	if (!jv_is(jv_get(v, STR("entityTypes")), J_OBJ) ||
	    !jv_is(jv_get(v, STR("actions")), J_OBJ))
		return bad(r, "entityTypes and actions must be there", STR(""));
	r->kind = STR("common type");
	if (!jv_is(commons, J_NONE))
		TRY(each(
		    r, commons, sizeof(struct schema_common), read_common, &c));
	r->kind = STR("entity type");
	TRY(each(r, jv_get(v, STR("entityTypes")), sizeof(struct schema_entity),
	    read_entity, &e));
	r->kind = STR("action");
	TRY(each(r, jv_get(v, STR("actions")), sizeof(struct schema_action),
	    read_action, &x));
	ns->common = c.p, ns->common_n = c.n;
	ns->entity = e.p, ns->entity_n = e.n;
	ns->action = x.p, ns->action_n = x.n;
	return OK;
}

static enum err
read_all(struct jreader *r, struct jv top, struct cedar_schema *s)
{
	struct jit it = jit_of(top);
	struct schema_ns *ns;
	struct str key;
	struct jv val;
	size_t n = 0;

	if (!jv_is(top, J_OBJ))
		return bad(r, "a schema is an object of namespaces", STR(""));
	ns = arena_alloc(r->a, (jv_count(top) + 1) * sizeof(*ns));
	if (ns == NULL)
		return spent(r);
	while (jit_next(&it, &key, &val)) {
		ns[n].name = arena_str(r->a, key);
		if (ns[n].name.p == NULL)
			return spent(r);
		TRY(space(r, val, &ns[n++]));
	}
	s->ns = ns;
	s->ns_n = n;
	return schema_resolve(s, r->why);
}

static const struct json_limits limits = {
	.depth = JSON_DEPTH_MAX, .members = 8000000, .string = 8 * 1024 * 1024
};

static enum err
read_text(struct str text, struct jreader *r, struct cedar_schema *s)
{
	struct buf tape = { .max = (size_t)4 * SCHEMA_TEXT_MAX };
	struct note note = { 0 };
	enum err e = json_parse(text, &limits, &tape, &note);

	if (e)
		e = ast_fail(
		    e, r->why, (struct ast_pos){ 0, 0 }, "%s", note.text);
	else
		e = read_all(r, jv_of(buf_view(&tape)), s);
	buf_done(&tape);
	return e;
}

enum err
cedar_schema_from_json(
    struct str text, struct cedar_schema **out, struct cedar_why *why)
{
	struct jreader r = { .why = why };
	struct cedar_schema *s;
	enum err e;

	if (text.n > SCHEMA_TEXT_MAX)
		return ast_fail(ERR_LIMIT, why, (struct ast_pos){ 0, 0 },
		    "the schema is larger than %d bytes", SCHEMA_TEXT_MAX);
	r.a = arena_new(SCHEMA_ARENA);
	s = arena_alloc(r.a, sizeof(*s));
	BUG_ON(s == NULL);
	s->a = r.a;
	e = read_text(text, &r, s);
	if (e) {
		cedar_schema_free(s);
		return e;
	}
	*out = s;
	return OK;
}
