/*
 * mcp-value: a call's arguments as values of the types that its tool declares.
 * What is not exactly of its type, is missing or was not declared refuses the
 * call by its path; nothing is rounded, cut or guessed.
 */
#include "cedar/mcp-in.h"

enum {
	DEPTH_MAX = 32,
	/* Values looked at in one call: a choice of types is tried in turn, so
	 * choices in choices could take forever. */
	STEPS_MAX = 200000,
	ALTERNATIVES_MAX = 64, /* of one choice */
};

struct at { /* where in the arguments */
	const struct at *up;
	struct str key; /* NULL: an array's element */
	size_t index;
};

struct run {
	const struct cedar_mcp_input *in;
	struct cedar_entities *es;
	struct arena *a;
	struct cedar_why *why;
	bool open;
	unsigned trying; /* alternatives: what is wrong there is not said */
	unsigned steps, entities;
};

/* ---- saying where ---- */

static void
put_place(struct buf *out, const struct at *at)
{
	if (at == NULL)
		return;
	put_place(out, at->up);
	if (at->key.p == NULL) {
		buf_fmt(out, "[%zu]", at->index);
		return;
	}
	buf_fmt(out, "%s%.*s", at->up ? "." : "",
	    (int)(at->key.n > 60 ? 60 : at->key.n), at->key.p);
}

static enum err
say(struct run *r, enum err e, const struct at *at, const char *what)
{
	struct buf path = { .max = 160 };

	if (r->why == NULL || (r->trying > 0 && e == ERR_SYNTAX))
		return e;
	put_place(&path, at);
	*r->why = (struct cedar_why){ 0 };
	if (path.n == 0)
		note_set(&r->why->note, "arguments: %s", what);
	else
		note_set(&r->why->note, "argument %.*s: %s", (int)path.n,
		    path.p, what);
	buf_done(&path);
	return e;
}

static enum err
wrong(struct run *r, const struct at *at, const char *what)
{
	return say(r, ERR_SYNTAX, at, what);
}

static enum err
spent(struct run *r, const struct at *at)
{
	return say(r, ERR_LIMIT, at, "too large for policies");
}

/* ---- values ---- */

static enum err value(struct run *r, const struct in_type *t, struct jv v,
    const struct at *at, unsigned depth, struct cedar_value *out);

/* {"from": a JSON text, "to": what Cedar has} of texts with a format. */
static struct cedar_value
text_of(enum prop_kind kind, struct str s, struct arena *a)
{
	static const struct cedar_value none = { 0 };

	if (kind == PROP_STRING)
		return cedar_string(s);
	if (kind == PROP_DATETIME)
		return s.n == 10 ? cedar_datetime_of(s)
				 : cedar_datetime_of_rfc3339(s);
	if (kind == PROP_DURATION)
		return cedar_duration_of_rfc3339(s);
	if (kind == PROP_DECIMAL)
		return cedar_decimal_of_number(s);
	return str_find(s, '/') < s.n ? none : cedar_ip_of(s, a);
}

static enum err
scalar(struct run *r, const struct in_type *t, struct jv v, const struct at *at,
    struct cedar_value *out)
{
	static const char *const what[] = { [PROP_BOOL] = "must be a boolean",
		[PROP_INTEGER] = "must be an integer that 64 bits hold",
		[PROP_NUMBER] = "must be a number that has at most four "
				"decimals and fits",
		[PROP_STRING] = "must be a string",
		[PROP_DECIMAL] = "must be a string: a number that has at most "
				 "four decimals and fits",
		[PROP_DATETIME] = "must be a string: a date, or a date-time to "
				  "the millisecond (RFC 3339)",
		[PROP_DURATION] = "must be a string: a duration without years "
				  "and months (RFC 3339)",
		[PROP_IP] = "must be a string: an IP address",
		[PROP_NULL] = "must be null" };
	const enum jtype type = jv_type(v);
	int64_t i;

	*out = (struct cedar_value){ 0 };
	if (t->kind == PROP_BOOL && (type == J_TRUE || type == J_FALSE))
		*out = cedar_bool(type == J_TRUE);
	else if (t->kind == PROP_INTEGER && jv_i64(v, &i) == OK)
		*out = cedar_long(i);
	else if (t->kind == PROP_NUMBER && type == J_NUM)
		*out = cedar_decimal_of_number(jv_str(v));
	else if (t->kind == PROP_NULL && type == J_NULL)
		*out = cedar_entity(&r->in->null);
	else if (t->kind >= PROP_STRING && t->kind < PROP_NULL && type == J_STR)
		*out = text_of(t->kind, jv_str(v), r->a);
	if (out->type != CEDAR_NONE)
		return OK;
	return arena_spent(r->a) ? spent(r, at) : wrong(r, at, what[t->kind]);
}

static enum err
entity(struct run *r, struct str type, struct str id, const struct at *at,
    struct cedar_value *out)
{
	struct cedar_ref *ref = arena_alloc(r->a, sizeof(*ref));

	if (ref == NULL || id.p == NULL)
		return spent(r, at);
	*ref = cedar_ref_of((struct cedar_uid){ type, id });
	*out = cedar_entity(ref);
	return OK;
}

/* Of no known type: only that it is this very value can be asked. */
static enum err
unknown(
    struct run *r, struct jv v, const struct at *at, struct cedar_value *out)
{
	struct buf text = { .max = v.n * 6 + 64 };
	enum err e;

	json_write(v, &text);
	e = buf_end(&text) != OK
		? spent(r, at)
		: entity(r, r->in->unknown, arena_str(r->a, buf_view(&text)),
		      at, out);
	buf_done(&text);
	return e;
}

static enum err
choice(struct run *r, const struct in_type *t, struct jv v, const struct at *at,
    struct cedar_value *out)
{
	size_t lo = 0, hi = t->n;

	while (jv_is(v, J_STR) && lo < hi) {
		const size_t mid = lo + (hi - lo) / 2;
		const int c = str_cmp(jv_str(v), t->choice[mid].uid.id);

		if (c == 0) {
			*out = cedar_entity(&t->choice[mid]);
			return OK;
		}
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return wrong(r, at, "must be one of the texts that the tool lists");
}

static enum err
set(struct run *r, const struct in_type *t, struct jv v, const struct at *at,
    unsigned depth, struct cedar_value *out)
{
	const size_t n = jv_count(v);
	struct cedar_value *el;
	struct jit it = jit_of(v);
	struct jv one;

	if (!jv_is(v, J_ARR))
		return wrong(r, at, "must be an array");
	el = arena_alloc(r->a, (n + 1) * sizeof(*el));
	if (el == NULL)
		return spent(r, at);
	for (size_t i = 0; i < n && jit_next(&it, NULL, &one); i++) {
		const struct at here = { at, { NULL, 0 }, i };

		TRY(value(r, t->el, one, &here, depth + 1, &el[i]));
	}
	*out = cedar_set_in(el, n, r->a);
	return out->type == CEDAR_NONE ? spent(r, at) : OK;
}

static enum err
tuple(struct run *r, const struct in_type *t, struct jv v, const struct at *at,
    unsigned depth, struct cedar_value *out)
{
	struct cedar_field *f;
	struct jit it = jit_of(v);
	struct jv one;

	if (!jv_is(v, J_ARR) || jv_count(v) != t->n)
		return wrong(
		    r, at, "must be an array of as many as the tool lists");
	f = arena_alloc(r->a, ((size_t)t->n + 1) * sizeof(*f));
	if (f == NULL)
		return spent(r, at);
	for (size_t i = 0; i < t->n && jit_next(&it, NULL, &one); i++) {
		const struct at here = { at, { NULL, 0 }, i };

		f[i].key = t->member[i].key;
		TRY(value(
		    r, t->member[i].type, one, &here, depth + 1, &f[i].v));
	}
	*out = cedar_record_in(f, t->n, r->a);
	return out->type == CEDAR_NONE ? spent(r, at) : OK;
}

/* The first type that the value is of. */
static enum err
one_of(struct run *r, const struct in_type *t, struct jv v, const struct at *at,
    unsigned depth, struct cedar_value *out)
{
	struct cedar_field f;

	if (t->n > ALTERNATIVES_MAX)
		return wrong(r, at, "the tool gives it too many types");
	for (size_t i = 0; i < t->n; i++) {
		enum err e;

		r->trying++;
		e = value(r, t->member[i].type, v, at, depth + 1, &f.v);
		r->trying--;
		if (e == ERR_SYNTAX)
			continue;
		if (e)
			return e;
		f.key = t->member[i].key;
		*out = cedar_record(&f, 1, r->a);
		return out->type == CEDAR_NONE ? spent(r, at) : OK;
	}
	return wrong(r, at, "must be of one of the types that the tool lists");
}

/* ---- objects ---- */

static const struct in_member *
member_of(const struct in_type *t, struct str key)
{
	size_t lo = 0, hi = t->n;

	while (lo < hi) {
		const size_t mid = lo + (hi - lo) / 2;
		const int c = str_cmp(key, t->member[mid].key);

		if (c == 0)
			return &t->member[mid];
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

static enum err
missing(
    struct run *r, const struct in_type *t, struct jv v, const struct at *at)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct at here = { at, t->member[i].key, 0 };

		if (t->member[i].required &&
		    jv_is(jv_get(v, t->member[i].key), J_NONE))
			return wrong(r, &here, "is missing");
	}
	return wrong(r, at, "something is missing");
}

/* An object whose further members have a type. */
static enum err
as_entity(struct run *r, const struct in_type *t, struct cedar_value attrs,
    struct cedar_value tags, const struct at *at, struct cedar_value *out)
{
	struct cedar_new_entity x = { .attrs = attrs, .tags = tags };
	char id[16];

	(void)snprintf(id, sizeof(id), "%u", r->entities++);
	TRY(entity(r, t->name, arena_str(r->a, str_of(id)), at, out));
	x.uid = out->ref->uid;
	if (attrs.type == CEDAR_NONE || tags.type == CEDAR_NONE ||
	    cedar_entities_add(r->es, &x) != OK)
		return spent(r, at);
	return OK;
}

/* Members and, after them, tags: both in one array of fields. */
struct filled {
	struct cedar_field *f;
	size_t all, members, tags;
};

static enum err
fields(struct run *r, const struct in_type *t, struct jv v, const struct at *at,
    unsigned depth, struct filled *x)
{
	struct jit it = jit_of(v);
	uint32_t required = 0;
	struct str key;
	struct jv one;

	while (jit_next(&it, &key, &one)) {
		const struct at here = { at, key, 0 };
		const struct in_member *m = member_of(t, key);
		struct cedar_field *to;

		if (m == NULL && t->more == NULL) {
			if (r->open && !t->closed)
				continue;
			return wrong(r, &here, "the tool does not declare it");
		}
		to = &x->f[m != NULL ? x->members++ : x->all - ++x->tags];
		to->key = key;
		required += m != NULL && m->required;
		TRY(value(r, m != NULL ? m->type : t->more, one, &here,
		    depth + 1, &to->v));
	}
	return required < t->required ? missing(r, t, v, at) : OK;
}

static enum err
object(struct run *r, const struct in_type *t, struct jv v, const struct at *at,
    unsigned depth, struct cedar_value *out)
{
	struct filled x = { .all = jv_count(v) };
	struct cedar_value rec;

	if (!jv_is(v, J_OBJ))
		return wrong(r, at, "must be an object");
	x.f = arena_alloc(r->a, (x.all + 1) * sizeof(*x.f));
	if (x.f == NULL)
		return spent(r, at);
	TRY(fields(r, t, v, at, depth, &x));
	rec = cedar_record_in(x.f, x.members, r->a);
	if (t->more != NULL)
		return as_entity(r, t, rec,
		    cedar_record_in(x.f + x.all - x.tags, x.tags, r->a), at,
		    out);
	*out = rec;
	return rec.type == CEDAR_NONE ? spent(r, at) : OK;
}

static enum err
value(struct run *r, const struct in_type *t, struct jv v, const struct at *at,
    unsigned depth, struct cedar_value *out)
{
	while (t->kind == PROP_REF)
		t = t->el;
	if (depth > DEPTH_MAX)
		return say(r, ERR_LIMIT, at, "nested too deeply for policies");
	if (++r->steps > STEPS_MAX)
		return spent(r, at);
	if (t->kind == PROP_UNKNOWN)
		return unknown(r, v, at, out);
	if (t->kind <= PROP_NULL)
		return scalar(r, t, v, at, out);
	if (t->kind == PROP_ENUM)
		return choice(r, t, v, at, out);
	if (t->kind == PROP_ARRAY)
		return set(r, t, v, at, depth, out);
	if (t->kind == PROP_TUPLE)
		return tuple(r, t, v, at, depth, out);
	if (t->kind == PROP_UNION)
		return one_of(r, t, v, at, depth, out);
	return object(r, t, v, at, depth, out);
}

enum err
cedar_mcp_input_value(const struct cedar_mcp_input *in,
    struct cedar_mcp_given given, struct cedar_entities *es, struct arena *a,
    struct cedar_value *out, struct cedar_why *why)
{
	static const uint8_t empty[] = { J_OBJ, 0, 0, 0, 0, 0, 0, 0, 0 };
	struct run r = {
		.in = in, .es = es, .a = a, .why = why, .open = given.open
	};
	struct jv v = jv_of(given.arguments);

	if (jv_is(v, J_NONE))
		v = (struct jv){ empty, sizeof(empty) };
	return value(&r, in->top, v, NULL, 0, out);
}
