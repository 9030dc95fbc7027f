/*
 * json-value: values from JSON.  What JSON cannot say is escaped: {"__entity":
 * {"type", "id"}} and {"__extn": {"fn", "arg"}}; where the schema says what is
 * expected the escape may be left out.  A number must be written as an integer
 * and fit; null is nothing.
 */
#include "cedar/json-in.h"

#include <stdarg.h>

enum {
	IN_TAPE_MAX = 1024 * 1024 * 1024,
	IN_STRING_MAX = 16 * 1024 * 1024,
};

/* ---- saying where ---- */
static void
put_path(struct buf *out, const struct json_at *at)
{
	if (at == NULL)
		return;
	put_path(out, at->up); /* as deep as STORE_DEPTH */
	if (at->up != NULL && at->key.n > 0)
		buf_ch(out, '.');
	buf_str(out, at->key);
}

enum err
json_in_fail(struct json_in *in, enum err e, const struct json_at *at,
    const char *fmt, ...)
{
	struct buf path = { .max = 64 * 1024 };
	char text[160];
	va_list ap;

	if (in->why == NULL)
		return e;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	put_path(&path, at);
	*in->why = (struct cedar_why){ 0 };
	note_set(&in->why->note, "%.*s%s%s", (int)(path.n < 120 ? path.n : 120),
	    path.n == 0 ? "" : path.p, path.n == 0 ? "" : ": ", text);
	buf_done(&path);
	return e;
}

static enum err
spent(struct json_in *in, const struct json_at *at)
{
	return json_in_fail(in, ERR_LIMIT, at, "too large");
}

enum err
json_in_text(
    struct json_in *in, struct str text, size_t members, struct jv *out)
{
	const struct json_limits lim = { STORE_DEPTH, members, IN_STRING_MAX };
	struct buf tape = { .max = IN_TAPE_MAX };
	struct note note = { 0 };
	const enum err e = json_parse(text, &lim, &tape, &note);
	struct str kept = { NULL, 0 };

	if (e == OK)
		kept = arena_str(in->a, buf_view(&tape));
	buf_done(&tape);
	if (e)
		return json_in_fail(in, e, NULL, "%s", note.text);
	if (kept.p == NULL)
		return spent(in, NULL);
	*out = jv_of(kept);
	return OK;
}

/* ---- entities ---- */
enum err
json_in_exists(
    struct json_in *in, struct cedar_uid uid, const struct json_at *at)
{
	const struct sc_entity *e;

	if (in->s == NULL)
		return OK;
	e = schema_entity(in->s, uid.type);
	if (e != NULL && !schema_choice(e, uid.id))
		return json_in_fail(in, ERR_SYNTAX, at,
		    "\"%.*s\" is none of the ids that %.*s has",
		    STR_ARG(uid.id), STR_ARG(uid.type));
	if (schema_is_action_type(uid.type) &&
	    schema_action(in->s, uid) == NULL)
		return json_in_fail(in, ERR_SYNTAX, at,
		    "action \"%.*s\" is not in the schema", STR_ARG(uid.id));
	return OK;
}

static bool
names_entity(struct jv v)
{
	return jv_is(jv_get(v, STR("type")), J_STR) &&
	       jv_is(jv_get(v, STR("id")), J_STR);
}

enum err
json_in_uid(struct json_in *in, struct jv v, const struct json_at *at,
    struct cedar_uid *out)
{
	const struct jv inner = jv_get(v, STR("__entity"));
	struct cedar_uid uid;

	if (jv_is(jv_get(v, STR("__expr")), J_STR))
		return json_in_fail(
		    in, ERR_SYNTAX, at, "\"__expr\" is not supported");
	if (names_entity(inner))
		v = inner;
	if (!names_entity(v))
		return json_in_fail(in, ERR_SYNTAX, at,
		    "expected an entity: {\"type\": ..., \"id\": ...}");
	uid.type = jv_str(jv_get(v, STR("type")));
	uid.id = jv_str(jv_get(v, STR("id")));
	if (!ast_is_name(uid.type))
		return json_in_fail(in, ERR_SYNTAX, at,
		    "\"%.*s\" is no name of a type", STR_ARG(uid.type));
	*out = uid;
	return OK;
}

static enum err
read_entity(struct json_in *in, struct jv v, const struct ty *t,
    const struct json_at *at, struct cedar_value *out)
{
	struct cedar_ref *ref = arena_alloc(in->a, sizeof(*ref));
	struct cedar_uid uid = { { NULL, 0 }, { NULL, 0 } };
	bool fits = t == NULL;

	if (ref == NULL)
		return spent(in, at);
	TRY(json_in_uid(in, v, at, &uid));
	for (uint32_t i = 0; t != NULL && i < t->n; i++)
		fits = fits || str_eq(t->ety[i]->name, uid.type);
	if (!fits)
		return json_in_fail(in, ERR_SYNTAX, at,
		    "expected %.*s, found %.*s", STR_ARG(t->ety[0]->name),
		    STR_ARG(uid.type));
	TRY(json_in_exists(in, uid, at));
	*ref = cedar_ref_of(uid);
	*out = cedar_entity(ref);
	return OK;
}

/* ---- extension values ---- */
static bool
names_call(struct jv v)
{
	return jv_is(jv_get(v, STR("fn")), J_STR) &&
	       (!jv_is(jv_get(v, STR("arg")), J_NONE) ||
		   jv_is(jv_get(v, STR("args")), J_ARR));
}

/* {"fn": name, "arg": value} or {"fn": name, "args": [values]} */
static enum err
read_call(struct json_in *in, struct jv v, const struct json_at *at,
    struct cedar_value *out)
{
	const struct str name = jv_str(jv_get(v, STR("fn")));
	const struct jv one = jv_get(v, STR("arg"));
	struct jit it = jit_of(jv_get(v, STR("args")));
	struct cedar_value arg[2] = { 0 }, got;
	struct note why = { 0 };
	struct jv x;
	uint32_t n = 0;
	enum ast_fn fn;

	if (!ast_fn_find(name, &fn))
		return json_in_fail(in, ERR_SYNTAX, at,
		    "there is no function \"%.*s\"", STR_ARG(name));
	if (!jv_is(one, J_NONE)) {
		TRY(json_in_value(in, one, NULL, at, &arg[n++]));
	} else {
		while (jit_next(&it, NULL, &x) && n < countof(arg))
			TRY(json_in_value(in, x, NULL, at, &arg[n++]));
		n = (uint32_t)jv_count(jv_get(v, STR("args")));
	}
	got = ext_call(fn, arg, n, in->a, &why);
	if (got.type == CEDAR_NONE)
		return arena_spent(in->a)
			   ? spent(in, at)
			   : json_in_fail(in, ERR_SYNTAX, at, "%s", why.text);
	*out = got;
	return OK;
}

/* A plain value where an extension value is expected is what its constructor
 * takes. */
static enum err
read_implied(struct json_in *in, struct jv v, const struct ty *t,
    const struct json_at *at, struct cedar_value *out)
{
	static const uint8_t fns[TY_EXT__N] = {
		[TY_DECIMAL] = AST_FN_DECIMAL,
		[TY_IPADDR] = AST_FN_IP,
		[TY_DATETIME] = AST_FN_DATETIME,
		[TY_DURATION] = AST_FN_DURATION,
	};
	struct cedar_value arg = { 0 }, got;
	struct note why = { 0 };

	TRY(json_in_value(in, v, NULL, at, &arg));
	if (arg.type != CEDAR_STRING) { /* {"__extn": ...} has been made */
		*out = arg;
		return OK;
	}
	got = ext_call(fns[t->ext], &arg, 1, in->a, &why);
	if (got.type == CEDAR_NONE)
		return arena_spent(in->a)
			   ? spent(in, at)
			   : json_in_fail(in, ERR_SYNTAX, at, "%s", why.text);
	*out = got;
	return OK;
}

static enum err
read_ext(struct json_in *in, struct jv v, const struct ty *t,
    const struct json_at *at, struct cedar_value *out)
{
	const struct jv inner = jv_get(v, STR("__extn"));

	if (names_call(inner))
		return read_call(in, inner, at, out);
	if (names_call(v))
		return read_call(in, v, at, out);
	return read_implied(in, v, t, at, out);
}

/* ---- sets, records, the rest ---- */
static enum err
read_set(struct json_in *in, struct jv v, const struct ty *el,
    const struct json_at *at, struct cedar_value *out)
{
	const size_t n = jv_count(v);
	struct cedar_value *x = arena_alloc(in->a, n * sizeof(*x)), set;
	struct jit it = jit_of(v);
	struct jv e;

	if (x == NULL)
		return spent(in, at);
	for (size_t i = 0; i < n && jit_next(&it, NULL, &e); i++)
		TRY(json_in_value(in, e, el, at, &x[i]));
	set = cedar_set_in(x, n, in->a);
	if (set.type == CEDAR_NONE)
		return spent(in, at);
	*out = set;
	return OK;
}

static enum err
all_there(struct json_in *in, struct jv v, const struct ty *t,
    const struct json_at *at)
{
	for (uint32_t i = 0; t != NULL && i < t->n; i++)
		if (t->attr[i].required &&
		    jv_is(jv_get(v, t->attr[i].name), J_NONE))
			return json_in_fail(in, ERR_SYNTAX, at,
			    "\"%.*s\" is missing", STR_ARG(t->attr[i].name));
	return OK;
}

enum err
json_in_record(struct json_in *in, struct jv v, const struct ty *t,
    const struct json_at *at, struct cedar_value *out)
{
	const size_t n = jv_count(v);
	struct cedar_field *f = arena_alloc(in->a, n * sizeof(*f));
	struct cedar_value rec;
	struct jit it = jit_of(v);
	struct jv e;

	if (f == NULL)
		return spent(in, at);
	TRY(all_there(in, v, t, at));
	for (size_t i = 0; i < n && jit_next(&it, &f[i].key, &e); i++) {
		const struct json_at here = { at, f[i].key };
		const struct ty_attr *ta =
		    t == NULL ? NULL : ty_attr(t, f[i].key);

		if (t != NULL && ta == NULL)
			return json_in_fail(
			    in, ERR_SYNTAX, &here, "not in the schema");
		TRY(json_in_value(
		    in, e, ta == NULL ? NULL : ta->type, &here, &f[i].v));
	}
	rec = cedar_record_in(f, n, in->a);
	if (rec.type == CEDAR_NONE)
		return spent(in, at);
	*out = rec;
	return OK;
}

/* An object is one of the escapes when that is all that is in it. */
static enum err
read_object(struct json_in *in, struct jv v, const struct json_at *at,
    struct cedar_value *out)
{
	const struct jv entity = jv_get(v, STR("__entity"));
	const struct jv call = jv_get(v, STR("__extn"));

	if (jv_count(v) == 1 && names_entity(entity))
		return read_entity(in, entity, NULL, at, out);
	if (jv_count(v) == 1 && names_call(call))
		return read_call(in, call, at, out);
	if (jv_count(v) == 1 && jv_is(jv_get(v, STR("__expr")), J_STR))
		return json_in_fail(
		    in, ERR_SYNTAX, at, "\"__expr\" is not supported");
	return json_in_record(in, v, NULL, at, out);
}

static enum err
read_number(struct json_in *in, struct jv v, const struct json_at *at,
    struct cedar_value *out)
{
	const struct str s = jv_str(v);
	int64_t i;

	if (str_eq(s, STR("-0")))
		return json_in_fail(in, ERR_SYNTAX, at, "-0 is not an integer");
	for (size_t k = 0; k < s.n; k++)
		if ((s.p[k] < '0' || s.p[k] > '9') && (s.p[k] != '-' || k > 0))
			return json_in_fail(in, ERR_SYNTAX, at,
			    "%.*s is not an integer", STR_ARG(s));
	if (jv_i64(v, &i) != OK)
		return json_in_fail(in, ERR_SYNTAX, at,
		    "%.*s does not fit 64 bits", STR_ARG(s));
	*out = cedar_long(i);
	return OK;
}

static enum err
read_any(struct json_in *in, struct jv v, const struct json_at *at,
    struct cedar_value *out)
{
	const enum jtype j = jv_type(v);

	if (j == J_OBJ)
		return read_object(in, v, at, out);
	if (j == J_ARR)
		return read_set(in, v, NULL, at, out);
	if (j == J_NUM)
		return read_number(in, v, at, out);
	if (j == J_NULL || j == J_NONE)
		return json_in_fail(in, ERR_SYNTAX, at, "null is no value");
	*out = j == J_STR ? cedar_string(jv_str(v)) : cedar_bool(j == J_TRUE);
	return OK;
}

static const uint8_t type_of_ty[] = {
	[TY_NEVER] = CEDAR_NONE,
	[TY_BOOL] = CEDAR_BOOL,
	[TY_TRUE] = CEDAR_BOOL,
	[TY_FALSE] = CEDAR_BOOL,
	[TY_LONG] = CEDAR_LONG,
	[TY_STRING] = CEDAR_STRING,
	[TY_ENTITY] = CEDAR_ENTITY,
	[TY_SET] = CEDAR_SET,
	[TY_RECORD] = CEDAR_RECORD,
	[TY_EXT] = CEDAR_NONE,
};
static const uint8_t type_of_ext[TY_EXT__N] = {
	[TY_DECIMAL] = CEDAR_DECIMAL,
	[TY_IPADDR] = CEDAR_IP,
	[TY_DATETIME] = CEDAR_DATETIME,
	[TY_DURATION] = CEDAR_DURATION,
};

/* Recursion: as deep as the JSON (STORE_DEPTH). */
enum err
json_in_value(struct json_in *in, struct jv v, const struct ty *t,
    const struct json_at *at, struct cedar_value *out)
{
	enum cedar_type want;
	struct cedar_value got = { 0 };

	if (t == NULL)
		return read_any(in, v, at, out);
	want = t->kind == TY_EXT ? type_of_ext[t->ext] : type_of_ty[t->kind];
	if (t->kind == TY_ENTITY)
		return read_entity(in, v, t, at, out);
	if (t->kind == TY_SET && jv_is(v, J_ARR))
		return read_set(in, v, t->el, at, out);
	if (t->kind == TY_RECORD && jv_is(v, J_OBJ))
		return json_in_record(in, v, t, at, out);
	if (t->kind == TY_EXT)
		TRY(read_ext(in, v, t, at, &got));
	else
		TRY(read_any(in, v, at, &got));
	if (got.type != want || want == CEDAR_NONE || want == CEDAR_SET ||
	    want == CEDAR_RECORD)
		return json_in_fail(in, ERR_SYNTAX, at, "expected %s, found %s",
		    cedar_type_name(want), cedar_type_name(got.type));
	*out = got;
	return OK;
}
