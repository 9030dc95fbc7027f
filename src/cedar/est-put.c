/*
 * est-put: trees to Cedar's JSON policy format.  Written as it goes, so depth
 * is the tree's; a chain of && nests to the left in JSON and is written without
 * recursion.
 */
#include "cedar/est-in.h"
#include "cedar/set-in.h"

static void
member(struct buf *out, const char *name)
{
	buf_ch(out, '"');
	buf_str(out, str_of(name));
	buf_str(out, STR("\":"));
}

static void
put_uid(struct buf *out, struct cedar_uid uid)
{
	buf_str(out, STR("{\"type\":"));
	json_quote(uid.type, out);
	buf_str(out, STR(",\"id\":"));
	json_quote(uid.id, out);
	buf_ch(out, '}');
}

/* ---- expressions ---- */
static void
put_value(struct buf *out, const struct ast_expr *e)
{
	buf_str(out, STR("{\"Value\":"));
	if (e->kind == AST_BOOL) {
		buf_str(out, e->i != 0 ? STR("true") : STR("false"));
	} else if (e->kind == AST_LONG) {
		buf_fmt(out, "%lld", (long long)e->i);
	} else if (e->kind == AST_STRING) {
		json_quote(e->s, out);
	} else {
		buf_str(out, STR("{\"__entity\":"));
		put_uid(out, e->uid);
		buf_ch(out, '}');
	}
	buf_ch(out, '}');
}

static void
put_list(struct buf *out, const struct ast_expr *e)
{
	buf_ch(out, '[');
	for (size_t i = 0; i < e->n; i++) {
		if (i > 0)
			buf_ch(out, ',');
		ast_expr_to_json(out, e->kid[i]);
	}
	buf_ch(out, ']');
}

static void
put_record(struct buf *out, const struct ast_expr *e)
{
	buf_ch(out, '{');
	for (size_t i = 0; i < e->n; i++) {
		if (i > 0)
			buf_ch(out, ',');
		json_quote(e->key[i], out);
		buf_ch(out, ':');
		ast_expr_to_json(out, e->kid[i]);
	}
	buf_ch(out, '}');
}

static void
put_pattern(struct buf *out, struct ast_pattern p)
{
	char ch[4] = { 0 };
	struct str one = { ch, 0 };

	buf_ch(out, '[');
	for (size_t i = 0; i < p.n; i++) {
		if (i > 0)
			buf_ch(out, ',');
		if (p.el[i] == AST_ANY) {
			buf_str(out, STR("\"Wildcard\""));
			continue;
		}
		buf_str(out, STR("{\"Literal\":"));
		one.n = ast_utf8(p.el[i], ch);
		json_quote(one, out);
		buf_ch(out, '}');
	}
	buf_ch(out, ']');
}

static void
put_path(struct buf *out, const struct ast_expr *e)
{
	if (e->path_n > 1)
		buf_ch(out, '[');
	for (size_t i = 0; i < e->path_n; i++) {
		if (i > 0)
			buf_ch(out, ',');
		json_quote(e->path[i], out);
	}
	if (e->path_n > 1)
		buf_ch(out, ']');
}

/* What a node has beside its left. */
static void
put_detail(struct buf *out, const struct ast_expr *e)
{
	if (e->kind == AST_GET) {
		buf_str(out, STR(",\"attr\":"));
		json_quote(e->s, out);
	} else if (e->kind == AST_HAS) {
		buf_str(out, STR(",\"attr\":"));
		put_path(out, e);
	} else if (e->kind == AST_LIKE) {
		buf_str(out, STR(",\"pattern\":"));
		put_pattern(out, e->pattern);
	} else if (e->kind == AST_IS) {
		buf_str(out, STR(",\"entity_type\":"));
		json_quote(e->s, out);
		if (e->n > 1) {
			buf_str(out, STR(",\"in\":"));
			ast_expr_to_json(out, e->kid[1]);
		}
	}
}

static void
put_chain(struct buf *out, const struct ast_expr *e)
{
	for (size_t i = 1; i < e->n; i++) {
		buf_ch(out, '{');
		member(out, est_names[e->kind].name);
		buf_str(out, STR("{\"left\":"));
	}
	ast_expr_to_json(out, e->kid[0]);
	for (size_t i = 1; i < e->n; i++) {
		buf_str(out, STR(",\"right\":"));
		ast_expr_to_json(out, e->kid[i]);
		buf_str(out, STR("}}"));
	}
}

static void
put_if(struct buf *out, const struct ast_expr *e)
{
	buf_str(out, STR("{\"if-then-else\":{\"if\":"));
	ast_expr_to_json(out, e->kid[0]);
	buf_str(out, STR(",\"then\":"));
	ast_expr_to_json(out, e->kid[1]);
	buf_str(out, STR(",\"else\":"));
	ast_expr_to_json(out, e->kid[2]);
	buf_str(out, STR("}}"));
}

static void
put_var(struct buf *out, const struct ast_expr *e)
{
	buf_str(out, STR("{\"Var\":"));
	json_quote(str_of(est_vars[e->var]), out);
	buf_ch(out, '}');
}

static void
put_named(struct buf *out, const struct ast_expr *e)
{
	const enum est_shape shape = est_names[e->kind].shape;

	buf_ch(out, '{');
	if (e->kind == AST_CALL) {
		json_quote(ast_fns[e->fn].name, out);
		buf_ch(out, ':');
	} else {
		member(out, est_names[e->kind].name);
	}
	if (shape == EST_ARG) {
		buf_str(out, STR("{\"arg\":"));
		ast_expr_to_json(out, e->kid[0]);
		buf_ch(out, '}');
	} else if (shape == EST_LEFT) {
		buf_str(out, STR("{\"left\":"));
		ast_expr_to_json(out, e->kid[0]);
		put_detail(out, e);
		buf_ch(out, '}');
	} else if (e->kind == AST_RECORD) {
		put_record(out, e);
	} else {
		put_list(out, e);
	}
	buf_ch(out, '}');
}

void
ast_expr_to_json(struct buf *out, const struct ast_expr *e)
{
	static void (*const putters[])(
	    struct buf * out, const struct ast_expr *e) = {
		[EST_VALUE] = put_value,
		[EST_VAR] = put_var,
		[EST_IF] = put_if,
		[EST_TWO] = put_chain,
		[EST_ARG] = put_named,
		[EST_LEFT] = put_named,
		[EST_MANY] = put_named,
	};

	if (!out->full)
		putters[est_names[e->kind].shape](out, e);
}

/* ---- policies ---- */
static void
put_entity_or_slot(struct buf *out, const struct ast_scope *s, unsigned var)
{
	if (s->slot) {
		buf_fmt(out, "\"slot\":\"?%s\"", est_vars[var]);
		return;
	}
	buf_str(out, STR("\"entity\":"));
	put_uid(out, s->uid[0]);
}

static void
put_scope(struct buf *out, const struct ast_scope *s, unsigned var)
{
	static const char *const ops[] = {
		[AST_SCOPE_ANY] = "All",
		[AST_SCOPE_EQ] = "==",
		[AST_SCOPE_IN] = "in",
		[AST_SCOPE_IN_LIST] = "in",
		[AST_SCOPE_IS] = "is",
		[AST_SCOPE_IS_IN] = "is",
	};

	buf_fmt(out, ",\"%s\":{\"op\":\"%s\"", est_vars[var], ops[s->op]);
	if (s->op == AST_SCOPE_EQ || s->op == AST_SCOPE_IN ||
	    (s->op == AST_SCOPE_IN_LIST && s->n == 1)) {
		buf_ch(out, ',');
		put_entity_or_slot(out, s, var);
	} else if (s->op == AST_SCOPE_IN_LIST) {
		buf_str(out, STR(",\"entities\":["));
		for (size_t i = 0; i < s->n; i++) {
			if (i > 0)
				buf_ch(out, ',');
			put_uid(out, s->uid[i]);
		}
		buf_ch(out, ']');
	} else if (s->op != AST_SCOPE_ANY) {
		buf_str(out, STR(",\"entity_type\":"));
		json_quote(s->type, out);
	}
	if (s->op == AST_SCOPE_IS_IN) {
		buf_str(out, STR(",\"in\":{"));
		put_entity_or_slot(out, s, var);
		buf_ch(out, '}');
	}
	buf_ch(out, '}');
}

static void
put_notes(struct buf *out, const struct ast_policy *p)
{
	buf_str(out, STR(",\"annotations\":{"));
	for (size_t i = 0; i < p->note_n; i++) {
		if (i > 0)
			buf_ch(out, ',');
		json_quote(p->note[i].name, out);
		buf_ch(out, ':');
		if (p->note[i].has_value)
			json_quote(p->note[i].value, out);
		else
			buf_str(out, STR("null"));
	}
	buf_ch(out, '}');
}

static void
put_policy_json(struct buf *out, const struct ast_policy *p)
{
	buf_str(out, p->forbid ? STR("{\"effect\":\"forbid\"")
			       : STR("{\"effect\":\"permit\""));
	for (unsigned i = 0; i < countof(p->scope); i++)
		put_scope(out, &p->scope[i], i);
	buf_str(out, STR(",\"conditions\":["));
	for (size_t i = 0; i < p->cond_n; i++) {
		if (i > 0)
			buf_ch(out, ',');
		buf_str(out, p->cond[i].unless
				 ? STR("{\"kind\":\"unless\",\"body\":")
				 : STR("{\"kind\":\"when\",\"body\":"));
		ast_expr_to_json(out, p->cond[i].expr);
		buf_ch(out, '}');
	}
	buf_ch(out, ']');
	if (p->note_n > 0)
		put_notes(out, p);
	buf_ch(out, '}');
}

static void
put_link(struct buf *out, const struct ast_policy *p)
{
	bool more = false;

	buf_str(out, STR("{\"templateId\":"));
	json_quote(p->from->id, out);
	buf_str(out, STR(",\"newId\":"));
	json_quote(p->id, out);
	buf_str(out, STR(",\"values\":{"));
	for (unsigned i = 0; i < countof(p->scope); i++) {
		if (!p->from->scope[i].slot)
			continue;
		buf_fmt(out, "%s\"?%s\":", more ? "," : "", est_vars[i]);
		put_uid(out, p->scope[i].uid[0]);
		more = true;
	}
	buf_str(out, STR("}}"));
}

static void
put_group(struct buf *out, struct ast_policy *const *p, size_t n)
{
	bool more = false;

	for (size_t i = 0; i < n; i++) {
		if (p[i]->from != NULL)
			continue;
		if (more)
			buf_ch(out, ',');
		json_quote(p[i]->id, out);
		buf_ch(out, ':');
		put_policy_json(out, p[i]);
		more = true;
	}
}

void
cedar_policies_to_json(const struct cedar_policies *ps, struct buf *out)
{
	bool more = false;

	buf_str(out, STR("{\"templates\":{"));
	put_group(out, ps->tmpl, ps->tmpl_n);
	buf_str(out, STR("},\"staticPolicies\":{"));
	put_group(out, ps->pol, ps->pol_n);
	buf_str(out, STR("},\"templateLinks\":["));
	for (size_t i = 0; i < ps->pol_n; i++) {
		if (ps->pol[i]->from == NULL)
			continue;
		if (more)
			buf_ch(out, ',');
		put_link(out, ps->pol[i]);
		more = true;
	}
	buf_str(out, STR("]}"));
}

enum err
cedar_policy_to_json(
    const struct cedar_policies *ps, struct str id, struct buf *out)
{
	const struct ast_policy *p = set_find(ps, id);
	const size_t before = out->n;

	if (p == NULL)
		return ERR_GONE;
	put_policy_json(out, p);
	if (buf_end(out) == OK)
		return OK;
	out->n = before;
	return ERR_LIMIT;
}
