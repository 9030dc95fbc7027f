/*
 * est-expr: expressions from the JSON policy format, and the tools of its
 * reader.  Strict: a member that the format does not have is an error, and
 * each error says at which path.
 */
#include "cedar/est-in.h"

const struct est_name est_names[AST__N] = {
	[AST_BOOL] = { "Value", EST_VALUE },
	[AST_LONG] = { "Value", EST_VALUE },
	[AST_STRING] = { "Value", EST_VALUE },
	[AST_UID] = { "Value", EST_VALUE },
	[AST_VAR] = { "Var", EST_VAR },
	[AST_IF] = { "if-then-else", EST_IF },
	[AST_AND] = { "&&", EST_TWO },
	[AST_OR] = { "||", EST_TWO },
	[AST_NOT] = { "!", EST_ARG },
	[AST_NEG] = { "neg", EST_ARG },
	[AST_EQ] = { "==", EST_TWO },
	[AST_NE] = { "!=", EST_TWO },
	[AST_LT] = { "<", EST_TWO },
	[AST_LE] = { "<=", EST_TWO },
	[AST_GT] = { ">", EST_TWO },
	[AST_GE] = { ">=", EST_TWO },
	[AST_IN] = { "in", EST_TWO },
	[AST_ADD] = { "+", EST_TWO },
	[AST_SUB] = { "-", EST_TWO },
	[AST_MUL] = { "*", EST_TWO },
	[AST_CONTAINS] = { "contains", EST_TWO },
	[AST_CONTAINS_ALL] = { "containsAll", EST_TWO },
	[AST_CONTAINS_ANY] = { "containsAny", EST_TWO },
	[AST_GET_TAG] = { "getTag", EST_TWO },
	[AST_HAS_TAG] = { "hasTag", EST_TWO },
	[AST_IS_EMPTY] = { "isEmpty", EST_ARG },
	[AST_GET] = { ".", EST_LEFT },
	[AST_HAS] = { "has", EST_LEFT },
	[AST_LIKE] = { "like", EST_LEFT },
	[AST_IS] = { "is", EST_LEFT },
	[AST_SET] = { "Set", EST_MANY },
	[AST_RECORD] = { "Record", EST_MANY },
	[AST_CALL] = { "", EST_MANY },
};
const char *const est_vars[4] = { "principal", "action", "resource",
	"context" };

size_t
est_enter(struct est_reader *r, struct str name)
{
	const size_t was = r->path_n;

	if (name.n < sizeof(r->path) - was - 1) {
		r->path[r->path_n++] = '/';
		memcpy(r->path + r->path_n, name.p, name.n);
		r->path_n += name.n;
	}
	return was;
}

void
est_leave(struct est_reader *r, size_t was)
{
	r->path_n = was;
}

enum err
est_wrong(const struct est_reader *r, const char *what)
{
	return ast_fail(ERR_SYNTAX, r->why, (struct ast_pos){ 0 },
	    "at %.*s: %s", r->path_n == 0 ? 1 : (int)r->path_n,
	    r->path_n == 0 ? "/" : r->path, what);
}

enum err
est_shaped(
    struct est_reader *r, struct jv v, const struct est_member *s, size_t n)
{
	struct jit it = jit_of(v);
	struct str key;

	if (!jv_is(v, J_OBJ))
		return est_wrong(r, "expected an object");
	while (jit_next(&it, &key, NULL)) {
		size_t i = 0;

		while (i < n && !str_eq(key, str_of(s[i].name)))
			i++;
		if (i == n) {
			(void)est_enter(r, key);
			return est_wrong(r, "the format has no such member");
		}
	}
	for (size_t i = 0; i < n; i++)
		if (s[i].must &&
		    jv_type(jv_get(v, str_of(s[i].name))) == J_NONE) {
			(void)est_enter(r, str_of(s[i].name));
			return est_wrong(r, "this member is missing");
		}
	return OK;
}

enum err
est_text(struct est_reader *r, struct jv v, struct str *out)
{
	if (!jv_is(v, J_STR))
		return est_wrong(r, "expected a string");
	*out = arena_str(r->a, jv_str(v));
	return out->p == NULL
		   ? ast_fail(ERR_LIMIT, r->why, (struct ast_pos){ 0 },
			 "there is no memory left in the budget")
		   : OK;
}

enum err
est_type_name(struct est_reader *r, struct jv v, struct str *out)
{
	TRY(est_text(r, v, out));
	return ast_is_name(*out)
		   ? OK
		   : est_wrong(r, "expected the name of an entity type");
}

/* {"type","id"}, or that within {"__entity"}. */
enum err
est_uid(struct est_reader *r, struct jv v, struct cedar_uid *out)
{
	static const struct est_member s[] = { { "type", true },
		{ "id", true } };
	const struct jv inner = jv_get(v, STR("__entity"));

	if (jv_count(v) == 1 && jv_type(inner) != J_NONE)
		v = inner;
	TRY(est_shaped(r, v, s, countof(s)));
	TRY(est_type_name(r, jv_get(v, STR("type")), &out->type));
	return est_text(r, jv_get(v, STR("id")), &out->id);
}

/* ---- expressions ---- */
static enum err value(
    struct est_reader *r, struct jv v, const struct ast_expr **out);

static enum err
leaf(struct est_reader *r, const struct ast_expr *proto,
    const struct ast_expr **out)
{
	return ast_make(r->a, proto, NULL, 0, r->why, out);
}

static enum err
child(struct est_reader *r, struct jv of, const char *name,
    const struct ast_expr **out)
{
	const size_t was = est_enter(r, str_of(name));
	const struct jv v = jv_get(of, str_of(name));

	if (jv_type(v) == J_NONE)
		return est_wrong(r, "this member is missing");
	TRY(est_expr(r, v, out));
	est_leave(r, was);
	return OK;
}

/* All of an array or object, each read by `each`. */
static enum err
many(struct est_reader *r, struct ast_expr *proto, struct jv v,
    enum err (*each)(struct est_reader *, struct jv, const struct ast_expr **),
    const struct ast_expr **out)
{
	const bool obj = jv_is(v, J_OBJ);
	const struct ast_expr **kid;
	struct jit it = jit_of(v);
	struct str key, *keys = NULL;
	size_t n = 0;
	struct jv el;

	TRY(ast_alloc(r->a, jv_count(v), sizeof(*kid), r->why, &kid));
	if (obj)
		TRY(ast_alloc(r->a, jv_count(v), sizeof(*keys), r->why, &keys));
	while (jit_next(&it, &key, &el)) {
		char num[24];
		const size_t was = est_enter(r,
		    obj ? key
			: (struct str){ num,
			      (size_t)snprintf(num, sizeof(num), "%zu", n) });

		if (obj) {
			keys[n] = arena_str(r->a, key);
			if (keys[n].p == NULL)
				return ERR_LIMIT;
		}
		TRY(each(r, el, &kid[n++]));
		est_leave(r, was);
	}
	if (obj)
		proto->key = keys;
	return ast_make(r->a, proto, kid, n, r->why, out);
}

static enum err
call(struct est_reader *r, struct str name, struct jv args,
    enum err (*each)(struct est_reader *, struct jv, const struct ast_expr **),
    const struct ast_expr **out)
{
	struct ast_expr proto = { .kind = AST_CALL };
	enum ast_fn fn;

	if (!ast_fn_find(name, &fn))
		return est_wrong(r, "there is no function of this name");
	if (!jv_is(args, J_ARR))
		return est_wrong(r, "expected an array of arguments");
	if (ast_fns[fn].method && jv_count(args) == 0)
		return est_wrong(r, "a method needs what it is called on");
	proto.fn = (uint8_t)fn;
	return many(r, &proto, args, each, out);
}

/* {"fn":..,"arg":..} or {"fn":..,"args":[..]}. */
static enum err
value_extn(struct est_reader *r, struct jv v, const struct ast_expr **out)
{
	static const struct est_member s[] = { { "fn", true }, { "arg", false },
		{ "args", false } };
	struct ast_expr proto = { .kind = AST_CALL };
	const struct ast_expr *arg;
	enum ast_fn fn;

	TRY(est_shaped(r, v, s, countof(s)));
	if (jv_count(v) != 2)
		return est_wrong(r, "expected fn and either arg or args");
	if (jv_type(jv_get(v, STR("args"))) != J_NONE)
		return call(r, jv_str(jv_get(v, STR("fn"))),
		    jv_get(v, STR("args")), value, out);
	if (!ast_fn_find(jv_str(jv_get(v, STR("fn"))), &fn))
		return est_wrong(r, "there is no function of this name");
	proto.fn = (uint8_t)fn;
	TRY(value(r, jv_get(v, STR("arg")), &arg));
	return ast_make(r->a, &proto, &arg, 1, r->why, out);
}

static enum err
value_object(struct est_reader *r, struct jv v, const struct ast_expr **out)
{
	const struct jv entity = jv_get(v, STR("__entity"));
	const struct jv extn = jv_get(v, STR("__extn"));
	struct ast_expr proto = { .kind = AST_RECORD };

	if (jv_count(v) == 1 && jv_type(entity) != J_NONE) {
		proto.kind = AST_UID;
		TRY(est_uid(r, v, &proto.uid));
		return leaf(r, &proto, out);
	}
	if (jv_count(v) == 1 && jv_type(extn) != J_NONE)
		return value_extn(r, extn, out);
	if (jv_count(v) == 1 && jv_type(jv_get(v, STR("__expr"))) != J_NONE)
		return est_wrong(r, "__expr is not supported");
	return many(r, &proto, v, value, out);
}

static enum err
value_number(struct est_reader *r, struct jv v, const struct ast_expr **out)
{
	struct ast_expr proto = { .kind = AST_LONG };
	const struct str s = jv_str(v);

	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != '-' && (s.p[i] < '0' || s.p[i] > '9'))
			return est_wrong(r, "numbers are integers");
	if (jv_i64(v, &proto.i) != OK)
		return est_wrong(r, "this number is out of range");
	return leaf(r, &proto, out);
}

/* What stands under "Value". */
static enum err
value(struct est_reader *r, struct jv v, const struct ast_expr **out)
{
	struct ast_expr proto = { .kind = AST_BOOL };
	enum err e;

	if (r->depth == AST_DEPTH)
		return ast_fail(ERR_LIMIT, r->why, (struct ast_pos){ 0 },
		    "expressions nest more than %d deep", AST_DEPTH);
	r->depth++;
	if (jv_is(v, J_TRUE) || jv_is(v, J_FALSE)) {
		proto.i = jv_true(v);
		e = leaf(r, &proto, out);
	} else if (jv_is(v, J_NUM)) {
		e = value_number(r, v, out);
	} else if (jv_is(v, J_STR)) {
		proto.kind = AST_STRING;
		TRY(est_text(r, v, &proto.s));
		e = leaf(r, &proto, out);
	} else if (jv_is(v, J_ARR)) {
		proto.kind = AST_SET;
		e = many(r, &proto, v, value, out);
	} else if (jv_is(v, J_OBJ)) {
		e = value_object(r, v, out);
	} else {
		e = est_wrong(r, "null is no value");
	}
	r->depth--;
	return e;
}

/* What is at the left of a chain may have become a chain itself. */
static enum err
splice(struct est_reader *r, const struct ast_expr *proto,
    const struct ast_expr **kid, size_t n, const struct ast_expr **out)
{
	const struct ast_expr *first = kid[0];
	const struct ast_expr **all;

	if ((proto->kind != AST_AND && proto->kind != AST_OR) ||
	    first->kind != proto->kind)
		return ast_make(r->a, proto, kid, n, r->why, out);
	TRY(ast_alloc(r->a, first->n + n, sizeof(*all), r->why, &all));
	memcpy(all, first->kid, first->n * sizeof(*all));
	memcpy(all + first->n, kid + 1, (n - 1) * sizeof(*all));
	return ast_make(r->a, proto, all, first->n + n - 1, r->why, out);
}

/* {"left","right"}; chains of && and || nest to the left and become one. */
static enum err
two(struct est_reader *r, enum ast_kind kind, struct jv v,
    const struct ast_expr **out)
{
	static const struct est_member s[] = { { "left", true },
		{ "right", true } };
	const bool chain = kind == AST_AND || kind == AST_OR;
	const struct str name = str_of(est_names[kind].name);
	const struct ast_expr proto = { .kind = (uint8_t)kind };
	const struct ast_expr **kid;
	size_t n = 1;
	struct jv at;

	for (at = v; n < JSON_DEPTH_MAX; n++) {
		TRY(est_shaped(r, at, s, countof(s)));
		at = jv_get(at, STR("left"));
		if (!chain || jv_count(at) != 1 ||
		    jv_type(jv_get(at, name)) == J_NONE)
			break;
		at = jv_get(at, name);
	}
	TRY(ast_alloc(r->a, n + 1, sizeof(*kid), r->why, &kid));
	for (size_t i = n; i > 0; i--) {
		TRY(child(r, v, "right", &kid[i]));
		if (i > 1)
			v = jv_get(jv_get(v, STR("left")), name);
	}
	TRY(child(r, v, "left", &kid[0]));
	return splice(r, &proto, kid, n + 1, out);
}

static enum err
conditional(struct est_reader *r, struct jv v, const struct ast_expr **out)
{
	static const struct est_member s[] = { { "if", true }, { "then", true },
		{ "else", true } };
	const struct ast_expr proto = { .kind = AST_IF };
	const struct ast_expr *kid[3];

	TRY(est_shaped(r, v, s, countof(s)));
	for (size_t i = 0; i < countof(s); i++)
		TRY(child(r, v, s[i].name, &kid[i]));
	return ast_make(r->a, &proto, kid, 3, r->why, out);
}

static enum err
pattern(struct est_reader *r, struct jv v, struct ast_pattern *out)
{
	struct jit it = jit_of(v);
	size_t cap = 0, n = 0;
	struct jv el;
	uint32_t *p;

	if (!jv_is(v, J_ARR))
		return est_wrong(r, "expected an array");
	while (jit_next(&it, NULL, &el))
		cap +=
		    jv_is(el, J_STR) ? 1 : jv_str(jv_get(el, STR("Literal"))).n;
	TRY(ast_alloc(r->a, cap, sizeof(*p), r->why, &p));
	for (it = jit_of(v); jit_next(&it, NULL, &el);) {
		const struct jv lit = jv_get(el, STR("Literal"));

		if (jv_is(el, J_STR) && str_eq(jv_str(el), STR("Wildcard")))
			p[n++] = AST_ANY;
		else if (jv_is(lit, J_STR) && jv_count(el) == 1)
			n += ast_points(jv_str(lit), p + n);
		else
			return est_wrong(
			    r, "expected \"Wildcard\" or {\"Literal\": ...}");
	}
	*out = (struct ast_pattern){ p, n };
	return OK;
}

static enum err
path(struct est_reader *r, struct jv v, struct ast_expr *e)
{
	const size_t n = jv_is(v, J_ARR) ? jv_count(v) : 1;
	struct jit it = jit_of(v);
	struct str *p;
	struct jv el;

	if (n == 0 || n > AST_DEPTH)
		return est_wrong(r, "expected an attribute, or some");
	TRY(ast_alloc(r->a, n, sizeof(*p), r->why, &p));
	if (jv_is(v, J_ARR))
		for (size_t i = 0; jit_next(&it, NULL, &el); i++)
			TRY(est_text(r, el, &p[i]));
	else
		TRY(est_text(r, v, &p[0]));
	e->path = p;
	e->path_n = n;
	return OK;
}

/*
 * A path that text cannot write (x has "a b".c) is written out: x has "a b" &&
 * x["a b"] has c.
 */
static enum err
has(struct est_reader *r, const struct ast_expr *proto,
    const struct ast_expr *of, const struct ast_expr **out)
{
	const struct ast_expr and = { .kind = AST_AND };
	const struct ast_expr **kid;
	bool plain = true;

	for (size_t i = 0; i < proto->path_n; i++)
		plain = plain && ast_is_ident(proto->path[i]);
	if (plain || proto->path_n == 1)
		return ast_make(r->a, proto, &of, 1, r->why, out);
	TRY(ast_alloc(r->a, proto->path_n, sizeof(*kid), r->why, &kid));
	for (size_t i = 0; i < proto->path_n; i++) {
		const struct ast_expr get = { .kind = AST_GET,
			.s = proto->path[i] };
		struct ast_expr one = { .kind = AST_HAS };

		one.path = &proto->path[i];
		one.path_n = 1;
		TRY(ast_make(r->a, &one, &of, 1, r->why, &kid[i]));
		TRY(ast_make(r->a, &get, &of, 1, r->why, &of));
	}
	return ast_make(r->a, &and, kid, proto->path_n, r->why, out);
}

static enum err
left(struct est_reader *r, enum ast_kind kind, struct jv v,
    const struct ast_expr **out)
{
	static const struct est_member shapes[AST__N][3] = {
		[AST_GET] = { { "left", true }, { "attr", true } },
		[AST_HAS] = { { "left", true }, { "attr", true } },
		[AST_LIKE] = { { "left", true }, { "pattern", true } },
		[AST_IS] = { { "left", true }, { "entity_type", true },
		    { "in", false } },
	};
	struct ast_expr proto = { .kind = (uint8_t)kind };
	const struct ast_expr *kid[2];
	const struct jv in = jv_get(v, STR("in"));
	size_t n = 1;

	TRY(est_shaped(r, v, shapes[kind], kind == AST_IS ? 3 : 2));
	TRY(child(r, v, "left", &kid[0]));
	if (kind == AST_GET)
		TRY(est_text(r, jv_get(v, STR("attr")), &proto.s));
	if (kind == AST_HAS) {
		TRY(path(r, jv_get(v, STR("attr")), &proto));
		return has(r, &proto, kid[0], out);
	}
	if (kind == AST_LIKE)
		TRY(pattern(r, jv_get(v, STR("pattern")), &proto.pattern));
	if (kind == AST_IS)
		TRY(est_type_name(r, jv_get(v, STR("entity_type")), &proto.s));
	if (kind == AST_IS && jv_type(in) != J_NONE) {
		TRY(child(r, v, "in", &kid[1]));
		n = 2;
	}
	return ast_make(r->a, &proto, kid, n, r->why, out);
}

static enum err
arg(struct est_reader *r, enum ast_kind kind, struct jv v,
    const struct ast_expr **out)
{
	static const struct est_member s[] = { { "arg", true } };
	const struct ast_expr proto = { .kind = (uint8_t)kind };
	const struct ast_expr *kid;

	TRY(est_shaped(r, v, s, countof(s)));
	TRY(child(r, v, "arg", &kid));
	return ast_make(r->a, &proto, &kid, 1, r->why, out);
}

static enum err
variable(struct est_reader *r, struct jv v, const struct ast_expr **out)
{
	struct ast_expr proto = { .kind = AST_VAR };

	for (unsigned i = 0; i < countof(est_vars); i++)
		if (jv_is(v, J_STR) && str_eq(jv_str(v), str_of(est_vars[i]))) {
			proto.var = (uint8_t)i;
			return leaf(r, &proto, out);
		}
	return est_wrong(r, "expected principal, action, resource or context");
}

static enum err
operator(struct est_reader *r, struct str name, struct jv v,
    const struct ast_expr **out) {
	struct ast_expr proto = { 0 }; unsigned k = 0;

	while (k < AST__N && !str_eq(name, str_of(est_names[k].name))) k++;
	if (str_eq(name, STR("Slot"))) return est_wrong(
	    r, "a slot stands only in the scope");
	if (k == AST__N || name.n == 0) return call(r, name, v, est_expr, out);
	proto.kind = (uint8_t)k; switch (est_names[k].shape){
		case EST_VALUE : return value(r, v, out);
		case EST_VAR : return variable(r, v, out);
		case EST_IF : return conditional(r, v, out);
		case EST_TWO : return two(r, (enum ast_kind)k, v, out);
		case EST_ARG : return arg(r, (enum ast_kind)k, v, out);
		case EST_LEFT : return left(r, (enum ast_kind)k, v, out);
		case EST_MANY : break;
	}
if (!jv_is(v, k == AST_SET ? J_ARR : J_OBJ)) return est_wrong(
    r, k == AST_SET ? "expected an array" : "expected an object");
return many(r, &proto, v, est_expr, out);
}

enum err
est_expr(struct est_reader *r, struct jv v, const struct ast_expr **out)
{
	struct jit it = jit_of(v);
	struct str name;
	struct jv body;
	size_t was;

	if (r->depth == AST_DEPTH)
		return ast_fail(ERR_LIMIT, r->why, (struct ast_pos){ 0 },
		    "expressions nest more than %d deep", AST_DEPTH);
	if (!jv_is(v, J_OBJ) || jv_count(v) != 1 ||
	    !jit_next(&it, &name, &body))
		return est_wrong(
		    r, "an expression is an object with one member");
	r->depth++;
	was = est_enter(r, name);
	TRY(operator(r, name, body, out));
	est_leave(r, was);
	r->depth--;
	return OK;
}
