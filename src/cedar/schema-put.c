/*
 * schema-put: a schema written out, as JSON and as text, from what was read.
 * What JSON says and text cannot (a shape that is the name of a common type,
 * the kinds of names) is written as the nearest that reads back to the same
 * resolved schema.
 */
#include "cedar/schema.h"

#include "json/json.h"

/* ---- JSON ---- */

static void
j_key(struct buf *out, bool *more, const char *key)
{
	if (*more)
		buf_ch(out, ',');
	*more = true;
	json_quote(str_of(key), out);
	buf_ch(out, ':');
}

static void
j_name(struct buf *out, bool *more, struct str name)
{
	if (*more)
		buf_ch(out, ',');
	*more = true;
	json_quote(name, out);
	buf_ch(out, ':');
}

static void
j_notes(struct buf *out, bool *more, const struct ast_note *note, size_t n)
{
	bool inner = false;

	if (n == 0)
		return;
	j_key(out, more, "annotations");
	buf_ch(out, '{');
	for (size_t i = 0; i < n; i++) {
		j_name(out, &inner, note[i].name);
		json_quote(note[i].value, out); /* without one: "" */
	}
	buf_ch(out, '}');
}

static void j_type(struct buf *out, bool *more, const struct st *t);

static void
j_record(struct buf *out, bool *more, const struct st *t)
{
	bool inner = false;

	j_key(out, more, "attributes");
	buf_ch(out, '{');
	for (size_t i = 0; i < t->n; i++) {
		const struct st_attr *m = &t->attr[i];
		bool within = false;

		j_name(out, &inner, m->name);
		buf_ch(out, '{');
		j_type(out, &within, m->type);
		j_notes(out, &within, m->note, m->note_n);
		if (m->optional) {
			j_key(out, &within, "required");
			buf_str(out, STR("false"));
		}
		buf_ch(out, '}');
	}
	buf_ch(out, '}');
}

/* The members of a type's object, without the braces. */
static void
j_type(struct buf *out, bool *more, const struct st *t)
{
	static const char *const names[] = { [ST_BOOL] = "Boolean",
		[ST_LONG] = "Long",
		[ST_STRING] = "String",
		[ST_SET] = "Set",
		[ST_RECORD] = "Record",
		[ST_ENTITY] = "Entity",
		[ST_COMMON] = NULL,
		[ST_EITHER] = "EntityOrCommon",
		[ST_EXT] = "Extension" };
	bool inner = false;

	j_key(out, more, "type");
	json_quote(
	    t->kind == ST_COMMON ? t->name : str_of(names[t->kind]), out);
	if (t->kind == ST_SET) {
		j_key(out, more, "element");
		buf_ch(out, '{');
		j_type(out, &inner, t->el);
		buf_ch(out, '}');
	} else if (t->kind == ST_RECORD) {
		j_record(out, more, t);
	} else if (t->kind > ST_RECORD && t->kind != ST_COMMON) {
		j_key(out, more, "name");
		json_quote(t->name, out);
	}
}

static void
j_typed(struct buf *out, bool *more, const char *key, const struct st *t)
{
	bool inner = false;

	j_key(out, more, key);
	buf_ch(out, '{');
	j_type(out, &inner, t);
	buf_ch(out, '}');
}

static void
j_strs(struct buf *out, bool *more, const char *key, struct schema_strs s)
{
	j_key(out, more, key);
	buf_ch(out, '[');
	for (size_t i = 0; i < s.n; i++) {
		if (i > 0)
			buf_ch(out, ',');
		json_quote(s.p[i], out);
	}
	buf_ch(out, ']');
}

static bool
is_empty(const struct st *t)
{
	return t == NULL || (t->kind == ST_RECORD && t->n == 0);
}

static void
j_entity(struct buf *out, const struct schema_entity *e)
{
	bool more = false;

	buf_ch(out, '{');
	if (e->is_enum)
		j_strs(out, &more, "enum", e->choice);
	if (e->parent.n > 0)
		j_strs(out, &more, "memberOfTypes", e->parent);
	if (!is_empty(e->shape))
		j_typed(out, &more, "shape", e->shape);
	if (e->tags != NULL)
		j_typed(out, &more, "tags", e->tags);
	j_notes(out, &more, e->note, e->note_n);
	buf_ch(out, '}');
}

static void
j_parents(struct buf *out, bool *more, const struct schema_action *x)
{
	j_key(out, more, "memberOf");
	buf_ch(out, '[');
	for (size_t i = 0; i < x->parent_n; i++) {
		bool inner = false;

		buf_str(out, i > 0 ? STR(",{") : STR("{"));
		j_key(out, &inner, "id");
		json_quote(x->parent[i].id, out);
		if (x->parent[i].type.n > 0) {
			j_key(out, &inner, "type");
			json_quote(x->parent[i].type, out);
		}
		buf_ch(out, '}');
	}
	buf_ch(out, ']');
}

static void
j_action(struct buf *out, const struct schema_action *x)
{
	bool more = false, inner = false;

	buf_ch(out, '{');
	if (x->applies) {
		j_key(out, &more, "appliesTo");
		buf_ch(out, '{');
		j_strs(out, &inner, "resourceTypes", x->resource);
		j_strs(out, &inner, "principalTypes", x->principal);
		if (!is_empty(x->context))
			j_typed(out, &inner, "context", x->context);
		buf_ch(out, '}');
	}
	if (x->has_parents)
		j_parents(out, &more, x);
	j_notes(out, &more, x->note, x->note_n);
	buf_ch(out, '}');
}

static void
j_commons(struct buf *out, bool *more, const struct schema_ns *ns)
{
	bool inner = false;

	if (ns->common_n == 0)
		return;
	j_key(out, more, "commonTypes");
	buf_ch(out, '{');
	for (size_t i = 0; i < ns->common_n; i++) {
		const struct schema_common *c = &ns->common[i];
		bool within = false;

		j_name(out, &inner, c->name);
		buf_ch(out, '{');
		j_type(out, &within, c->type);
		j_notes(out, &within, c->note, c->note_n);
		buf_ch(out, '}');
	}
	buf_ch(out, '}');
}

static void
j_ns(struct buf *out, const struct schema_ns *ns)
{
	bool more = false, inner = false;

	buf_ch(out, '{');
	j_commons(out, &more, ns);
	j_key(out, &more, "entityTypes");
	buf_ch(out, '{');
	for (size_t i = 0; i < ns->entity_n; i++) {
		j_name(out, &inner, ns->entity[i].name);
		j_entity(out, &ns->entity[i]);
	}
	buf_ch(out, '}');
	j_key(out, &more, "actions");
	buf_ch(out, '{');
	inner = false;
	for (size_t i = 0; i < ns->action_n; i++) {
		j_name(out, &inner, ns->action[i].name);
		j_action(out, &ns->action[i]);
	}
	buf_ch(out, '}');
	j_notes(out, &more, ns->note, ns->note_n);
	buf_ch(out, '}');
}

void
cedar_schema_to_json(const struct cedar_schema *s, struct buf *out)
{
	bool more = false;

	buf_ch(out, '{');
	for (size_t i = 0; i < s->ns_n; i++) {
		j_name(out, &more, s->ns[i].name);
		j_ns(out, &s->ns[i]);
	}
	buf_ch(out, '}');
}

/* ---- text ---- */

static void
t_indent(struct buf *out, unsigned by)
{
	while (by-- > 0)
		buf_str(out, STR("  "));
}

static void
t_notes(struct buf *out, unsigned by, const struct ast_note *note, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		t_indent(out, by);
		buf_ch(out, '@');
		buf_str(out, note[i].name);
		if (note[i].has_value) {
			buf_ch(out, '(');
			ast_put_string(out, note[i].value);
			buf_ch(out, ')');
		}
		buf_ch(out, '\n');
	}
}

static void t_type(struct buf *out, unsigned by, const struct st *t);

static void
t_record(struct buf *out, unsigned by, const struct st *t)
{
	buf_ch(out, '{');
	for (size_t i = 0; i < t->n; i++) {
		const struct st_attr *m = &t->attr[i];

		buf_str(out, i > 0 ? STR(",\n") : STR("\n"));
		t_notes(out, by + 1, m->note, m->note_n);
		t_indent(out, by + 1);
		if (ast_is_ident(m->name))
			buf_str(out, m->name);
		else
			ast_put_string(out, m->name);
		buf_str(out, m->optional ? STR("?: ") : STR(": "));
		t_type(out, by + 1, m->type);
	}
	if (t->n > 0) {
		buf_ch(out, '\n');
		t_indent(out, by);
	}
	buf_ch(out, '}');
}

static void
t_type(struct buf *out, unsigned by, const struct st *t)
{
	static const char *const prim[] = { [ST_BOOL] = "__cedar::Bool",
		[ST_LONG] = "__cedar::Long",
		[ST_STRING] = "__cedar::String" };

	if (t->kind <= ST_STRING) {
		buf_str(out, str_of(prim[t->kind]));
	} else if (t->kind == ST_SET) {
		buf_str(out, STR("Set<"));
		t_type(out, by, t->el);
		buf_ch(out, '>');
	} else if (t->kind == ST_RECORD) {
		t_record(out, by, t);
	} else {
		if (t->kind == ST_EXT)
			buf_str(out, STR("__cedar::"));
		buf_str(out, t->name);
	}
}

static void
t_names(struct buf *out, struct schema_strs s)
{
	buf_ch(out, '[');
	for (size_t i = 0; i < s.n; i++) {
		if (i > 0)
			buf_str(out, STR(", "));
		buf_str(out, s.p[i]);
	}
	buf_ch(out, ']');
}

static void
t_common(struct buf *out, unsigned by, const struct schema_common *c)
{
	t_notes(out, by, c->note, c->note_n);
	t_indent(out, by);
	buf_str(out, STR("type "));
	buf_str(out, c->name);
	buf_str(out, STR(" = "));
	t_type(out, by, c->type);
	buf_str(out, STR(";\n"));
}

static void
t_entity(struct buf *out, unsigned by, const struct schema_entity *e)
{
	t_notes(out, by, e->note, e->note_n);
	t_indent(out, by);
	buf_str(out, STR("entity "));
	buf_str(out, e->name);
	if (e->is_enum) {
		buf_str(out, STR(" enum ["));
		for (size_t i = 0; i < e->choice.n; i++) {
			if (i > 0)
				buf_str(out, STR(", "));
			ast_put_string(out, e->choice.p[i]);
		}
		buf_ch(out, ']');
	}
	if (e->parent.n > 0) {
		buf_str(out, STR(" in "));
		t_names(out, e->parent);
	}
	if (!is_empty(e->shape)) {
		buf_str(out, STR(" = "));
		t_type(out, by, e->shape);
	}
	if (e->tags != NULL) {
		buf_str(out, STR(" tags "));
		t_type(out, by, e->tags);
	}
	buf_str(out, STR(";\n"));
}

static void
t_applies(struct buf *out, unsigned by, const struct schema_action *x)
{
	buf_str(out, STR(" appliesTo {\n"));
	t_indent(out, by + 1);
	buf_str(out, STR("principal: "));
	t_names(out, x->principal);
	buf_str(out, STR(",\n"));
	t_indent(out, by + 1);
	buf_str(out, STR("resource: "));
	t_names(out, x->resource);
	buf_str(out, STR(",\n"));
	t_indent(out, by + 1);
	buf_str(out, STR("context: "));
	if (is_empty(x->context))
		buf_str(out, STR("{}"));
	else
		t_type(out, by + 1, x->context);
	buf_ch(out, '\n');
	t_indent(out, by);
	buf_ch(out, '}');
}

static void
t_action(struct buf *out, unsigned by, const struct schema_action *x)
{
	t_notes(out, by, x->note, x->note_n);
	t_indent(out, by);
	buf_str(out, STR("action "));
	ast_put_string(out, x->name);
	for (size_t i = 0; i < x->parent_n; i++) {
		buf_str(out, i == 0 ? STR(" in [") : STR(", "));
		buf_str(out, x->parent[i].type.n > 0 ? x->parent[i].type
						     : STR("Action"));
		buf_str(out, STR("::"));
		ast_put_string(out, x->parent[i].id);
	}
	if (x->parent_n > 0)
		buf_ch(out, ']');
	/* Text has no action that applies to principals and no resources. */
	if (x->principal.n > 0 && x->resource.n > 0)
		t_applies(out, by, x);
	buf_str(out, STR(";\n"));
}

static void
t_gap(struct buf *out, bool *more)
{
	if (*more)
		buf_ch(out, '\n');
	*more = true;
}

static void
t_ns(struct buf *out, unsigned by, const struct schema_ns *ns)
{
	bool more = false;

	for (size_t i = 0; i < ns->common_n; i++) {
		t_gap(out, &more);
		t_common(out, by, &ns->common[i]);
	}
	for (size_t i = 0; i < ns->entity_n; i++) {
		t_gap(out, &more);
		t_entity(out, by, &ns->entity[i]);
	}
	for (size_t i = 0; i < ns->action_n; i++) {
		t_gap(out, &more);
		t_action(out, by, &ns->action[i]);
	}
}

/* By the last word, then by those before: as others order them. */
static int
by_last_word(const void *x, const void *y)
{
	const struct str a = (*(const struct schema_ns *const *)x)->name;
	const struct str b = (*(const struct schema_ns *const *)y)->name;
	size_t i = a.n, k = b.n;
	int c;

	while (i > 0 && a.p[i - 1] != ':')
		i--;
	while (k > 0 && b.p[k - 1] != ':')
		k--;
	c = str_cmp(str_sub(a, i, a.n), str_sub(b, k, b.n));
	return c != 0 ? c : str_cmp(a, b);
}

static void
t_space(struct buf *out, const struct schema_ns *ns)
{
	if (ns->name.n == 0) {
		t_ns(out, 0, ns);
		return;
	}
	t_notes(out, 0, ns->note, ns->note_n);
	buf_str(out, STR("namespace "));
	buf_str(out, ns->name);
	buf_str(out, STR(" {\n"));
	t_ns(out, 1, ns);
	buf_str(out, STR("}\n"));
}

void
cedar_schema_put(const struct cedar_schema *s, struct buf *out)
{
	const struct schema_ns **at = mem_get((s->ns_n + 1) * sizeof(*at));
	bool more = false;

	for (size_t i = 0; i < s->ns_n; i++)
		at[i] = &s->ns[i];
	qsort(at, s->ns_n, sizeof(*at), by_last_word);
	for (size_t i = 0; i < s->ns_n; i++) {
		t_gap(out, &more);
		t_space(out, at[i]);
	}
	mem_free(at);
}
