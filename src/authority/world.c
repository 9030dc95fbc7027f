/*
 * world.c: a call as Cedar sees it: who (an agent), what (an action), upon what
 * (a tool, a prompt, a resource of a server), and the context.  One row a
 * method says which action and which type.
 */
#include "authority/inventory.h"

/* ---- methods ---- */

static const struct str thing_type[] = {
	[TOOL] = STR_INIT(NS "Tool"),
	[PROMPT] = STR_INIT(NS "Prompt"),
	[RESOURCE] = STR_INIT(NS "Resource"),
	[SERVER] = STR_INIT(NS "Server"),
	[MODEL] = STR_INIT(NS "Model"),
};

#define NONE                                                                   \
	{                                                                      \
		NULL, 0                                                        \
	}
/* A method that has no row acts upon the server, under its own name.  group:
 * that it is in itself, whatever its tool is in; also: see policy_also. */
static const struct row {
	struct str method, action;
	enum thing on;
	struct str group, also;
} rows[] = {
	{ STR_INIT("tools/call"), STR_INIT(A_CALL_TOOL), TOOL, NONE, NONE },
	{ STR_INIT("prompts/get"), STR_INIT("get_prompt"), PROMPT, NONE, NONE },
	{ STR_INIT("resources/read"), STR_INIT("read_resource"), RESOURCE, NONE,
	    NONE },
	{ STR_INIT("resources/subscribe"), STR_INIT("subscribe"), RESOURCE,
	    NONE, NONE },
	{ STR_INIT("resources/unsubscribe"), STR_INIT("unsubscribe"), RESOURCE,
	    NONE, NONE },
	{ STR_INIT("completion/complete"), STR_INIT("complete"), RESOURCE, NONE,
	    NONE },
	{ STR_INIT("tasks/get"), STR_INIT("get_task"), TOOL, STR_INIT("read"),
	    STR_INIT("tools/call") },
	{ STR_INIT("tasks/result"), STR_INIT("get_task_result"), TOOL,
	    STR_INIT("read"), STR_INIT("tools/call") },
	{ STR_INIT("tasks/update"), STR_INIT("update_task"), TOOL,
	    STR_INIT("write"), STR_INIT("tools/call") },
	{ STR_INIT("tasks/cancel"), STR_INIT("cancel_task"), TOOL,
	    STR_INIT("write"), NONE },
	{ STR_INIT("sampling/createMessage"), STR_INIT("use_model"), MODEL,
	    NONE, NONE },
};

static struct row
row_of(struct str method)
{
	for (size_t i = 0; i < countof(rows); i++)
		if (str_eq(rows[i].method, method))
			return rows[i];
	return (struct row){ .method = method, .action = method, .on = SERVER };
}

enum thing
thing_on(struct str method)
{
	return row_of(method).on;
}

struct str
policy_action(struct str method)
{
	return row_of(method).action;
}

struct str
policy_also(struct str method)
{
	return row_of(method).also;
}

size_t
groups_of(const struct call *c, struct str out[static RISK_MAX])
{
	const struct str own = row_of(c->method).group;
	size_t n = 0;

	if (own.n > 0)
		out[n++] = own;
	for (size_t i = 0; own.n == 0 && i < c->risk_n && n < RISK_MAX; i++)
		out[n++] = c->risk[i];
	return n;
}

struct str
policy_method(struct str action)
{
	for (size_t i = 0; i < countof(rows); i++)
		if (str_eq(rows[i].action, action))
			return rows[i].method;
	return action;
}

/* ---- text ---- */

static struct str
joined(struct arena *a, struct str x, struct str between, struct str y)
{
	char *p = arena_alloc(a, x.n + between.n + y.n + 1);

	if (p == NULL)
		return (struct str){ NULL, 0 };
	if (x.n > 0)
		memcpy(p, x.p, x.n);
	memcpy(p + x.n, between.p, between.n);
	if (y.n > 0)
		memcpy(p + x.n + between.n, y.p, y.n);
	return (struct str){ p, x.n + between.n + y.n };
}

static struct str
thing_id(const struct call *c, enum thing on, struct arena *a)
{
	if (on == SERVER)
		return c->server;
	return on == RESOURCE || on == MODEL
		   ? c->name
		   : joined(a, c->server, STR("/"), c->name);
}

/* ---- the entities of one call ---- */

static enum err
add_agent(const struct call *c, const struct known *k,
    struct cedar_entities *es, struct arena *a)
{
	const struct cedar_field f[] = { { STR("name"),
	    cedar_string(c->principal) } };

	if (k->who != NULL) /* k->base has it */
		return OK;
	return cedar_entities_add(
	    es, &(struct cedar_new_entity){
		    .uid = { STR(NS "Agent"), c->principal },
		    .attrs = cedar_record(f, 1, a) });
}

static enum err
add_action(const struct call *c, struct cedar_uid uid, struct str group,
    struct cedar_entities *es)
{
	struct cedar_uid parents[1 + RISK_MAX];
	struct str groups[RISK_MAX];
	const size_t groups_n = groups_of(c, groups);
	size_t n = 0;

	if (!str_eq(uid.id, group))
		parents[n++] = (struct cedar_uid){ STR(NS "Action"), group };
	for (size_t i = 0; i < groups_n; i++)
		parents[n++] =
		    (struct cedar_uid){ STR(NS "Action"), groups[i] };
	return cedar_entities_add(
	    es, &(struct cedar_new_entity){
		    .uid = uid, .parent = parents, .parent_n = n });
}

static enum err
add_thing(const struct call *c, struct cedar_uid uid, bool server,
    const struct known *k, struct cedar_entities *es, struct arena *a)
{
	const struct cedar_uid parent = { STR(NS "Server"), c->server };
	struct cedar_field f[2 + ATTRS] = {
		{ STR("name"), cedar_string(c->name) },
		{ STR("server"), cedar_string(c->server) },
	};
	size_t n = 2;

	if (server) /* its name is its id */
		f[0] = f[--n];
	for (size_t i = 0; k->what != NULL && i < k->what->attr_n; i++)
		f[n++] = k->what->attr[i];
	return cedar_entities_add(es, &(struct cedar_new_entity){ .uid = uid,
					  .attrs = cedar_record(f, n, a),
					  .parent = &parent,
					  .parent_n = server ? 0 : 1 });
}

/* ---- the context ---- */

static struct cedar_value
call_record(const struct call *c, struct arena *a)
{
	const struct cedar_field f[] = {
		{ STR("name"), cedar_string(c->name) },
		{ STR("method"), cedar_string(c->method) },
		{ STR("server"), cedar_string(c->server) },
		{ STR("principal"), cedar_string(c->principal) },
	};

	return cedar_record(f, countof(f), a);
}

enum err
world_of(const struct call *c, bool reach, const struct known *k,
    struct arena *a, struct world *out)
{
	const struct row row = row_of(c->method);
	const enum thing on = reach ? SERVER : row.on;
	struct cedar_uid par[3];
	struct cedar_field *f =
	    arena_alloc(a, (3 + countof(k->more)) * sizeof(*f));
	size_t n = 0;

	out->es = cedar_entities_over(k->base, a);
	if (out->es == NULL || f == NULL)
		return ERR_LIMIT;
	par[0] = (struct cedar_uid){ k->user ? STR(NS "User") : STR(NS "Agent"),
		c->principal };
	par[1] = (struct cedar_uid){ STR(NS "Action"),
		reach ? STR(A_REACH) : row.action };
	if (!reach && str_eq(row.action, STR(A_CALL_TOOL)))
		par[1].id = joined(a, c->server, STR("___"), c->name);
	par[2] = (struct cedar_uid){ thing_type[on], thing_id(c, on, a) };
	memcpy(out->par, par, sizeof(par));
	TRY(add_agent(c, k, out->es, a));
	TRY(add_action(c, par[1], reach ? par[1].id : row.action, out->es));
	TRY(add_thing(c, par[2], on == SERVER, k, out->es, a));
	f[n++] = (struct cedar_field){ STR("call"), call_record(c, a) };
	if (k->input.type != CEDAR_NONE)
		f[n++] = (struct cedar_field){ STR("input"), k->input };
	if (k->derived.type != CEDAR_NONE)
		f[n++] = (struct cedar_field){ STR("derived"), k->derived };
	memcpy(&f[n], k->more, k->more_n * sizeof(*f));
	n += k->more_n;
	TRY(cedar_request_of(par, cedar_record_in(f, n, a), a, &out->r));
	return arena_spent(a) ? ERR_LIMIT : OK;
}

/* ---- arguments ---- */

static enum err
number_of(struct jv v, struct cedar_value *out)
{
	int64_t i;

	*out = jv_i64(v, &i) == OK ? cedar_long(i)
				   : cedar_decimal_of_number(jv_str(v));
	return out->type == CEDAR_NONE ? ERR_SYNTAX : OK;
}

/* Where in the arguments, for the sentence. */
struct place {
	const struct place *up;
	struct str key;
};

static void
place_put(const struct place *at, struct buf *out)
{
	if (at == NULL)
		return;
	place_put(at->up, out);
	buf_fmt(out, "%s%.*s", at->up ? "." : "",
	    (int)(at->key.n > 60 ? 60 : at->key.n), at->key.p);
}

static enum err
refuse(const struct place *at, const char *what, struct note *why)
{
	struct buf path = { .max = 160 };

	place_put(at, &path);
	note_set(
	    why, "argument %.*s: %s", (int)path.n, path.p ? path.p : "", what);
	buf_done(&path);
	return ERR_SYNTAX;
}

static enum err value_of(struct jv v, const struct place *at, unsigned depth,
    struct arena *a, struct cedar_value *out, struct note *why);

static enum err
list_of(struct jv v, const struct place *at, unsigned depth, struct arena *a,
    struct cedar_value *out, struct note *why)
{
	const size_t n = jv_count(v);
	struct cedar_value *el = arena_alloc(a, (n + 1) * sizeof(*el));
	struct jit it = jit_of(v);
	struct jv val;

	if (el == NULL)
		return ERR_LIMIT;
	for (size_t i = 0; i < n && jit_next(&it, NULL, &val); i++)
		TRY(value_of(val, at, depth, a, &el[i], why));
	*out = cedar_set_in(el, n, a);
	return out->type == CEDAR_NONE ? ERR_LIMIT : OK;
}

static enum err
object_of(struct jv v, const struct place *at, unsigned depth, struct arena *a,
    struct cedar_value *out, struct note *why)
{
	const size_t n = jv_count(v);
	struct cedar_field *f = arena_alloc(a, (n + 1) * sizeof(*f));
	struct jit it = jit_of(v);
	struct str key;
	struct jv val;

	if (f == NULL)
		return ERR_LIMIT;
	for (size_t i = 0; i < n && jit_next(&it, &key, &val); i++) {
		const struct place here = { at, key };

		f[i].key = key;
		TRY(value_of(val, &here, depth, a, &f[i].v, why));
	}
	*out = cedar_record_in(f, n, a);
	return out->type == CEDAR_NONE ? ERR_LIMIT : OK;
}

static enum err
value_of(struct jv v, const struct place *at, unsigned depth, struct arena *a,
    struct cedar_value *out, struct note *why)
{
	static const struct cedar_uid null = { STR_INIT(NS "Null"),
		STR_INIT("null") };
	struct cedar_ref *ref;

	if (depth == INPUT_DEPTH_MAX)
		return refuse(at, "nested too deeply for policies", why);
	switch (jv_type(v)) {
	case J_STR:
		*out = cedar_string(jv_str(v));
		return OK;
	case J_TRUE:
	case J_FALSE:
		*out = cedar_bool(jv_true(v));
		return OK;
	case J_NUM:
		if (number_of(v, out) == OK)
			return OK;
		return refuse(at,
		    "a number that no type of the policy language holds "
		    "exactly",
		    why);
	case J_ARR:
		return list_of(v, at, depth + 1, a, out, why);
	case J_OBJ:
		return object_of(v, at, depth + 1, a, out, why);
	case J_NULL:
	case J_NONE:
		break;
	}
	ref = arena_alloc(a, sizeof(*ref));
	if (ref == NULL)
		return ERR_LIMIT;
	*ref = cedar_ref_of(null);
	*out = cedar_entity(ref);
	return OK;
}

enum err
input_of(struct jv arguments, struct arena *a, struct cedar_value *out,
    struct note *why)
{
	enum err e;

	if (!jv_is(arguments, J_OBJ)) {
		*out = cedar_record(NULL, 0, a);
		return out->type == CEDAR_NONE ? ERR_LIMIT : OK;
	}
	e = object_of(arguments, NULL, 0, a, out, why);
	if (e == ERR_LIMIT)
		note_set(why, "the arguments are too large for policies");
	return e;
}

/* ---- derived facts ---- */

struct fact_value
fact_value_of(struct jv v)
{
	switch (jv_type(v)) {
	case J_STR:
		return (struct fact_value){ FACT_OF_TEXT, jv_str(v), 0 };
	case J_NUM:
		return (struct fact_value){ FACT_OF_NUMBER, jv_str(v), 0 };
	case J_ARR:
		return (
		    struct fact_value){ FACT_OF_LIST, STR(""), jv_count(v) };
	case J_NONE:
	case J_NULL:
	case J_FALSE:
	case J_TRUE:
	case J_OBJ:
		break;
	}
	return (struct fact_value){ FACT_OF_OTHER, STR(""), 0 };
}

struct cedar_value
fact_as_value(const struct fact *f, struct arena *a)
{
	struct cedar_value *el;

	switch (f->type) {
	case FACT_BOOL:
		return cedar_bool(f->is);
	case FACT_LONG:
		return cedar_long(f->n);
	case FACT_TEXT:
		return cedar_string(f->text);
	case FACT_IP:
		return cedar_ip_of(f->text, a);
	case FACT_SET:
		break;
	}
	el = arena_alloc(a, (f->set_n + 1) * sizeof(*el));
	if (el == NULL)
		return (struct cedar_value){ .type = CEDAR_NONE };
	for (size_t i = 0; i < f->set_n; i++)
		el[i] = cedar_string(f->set[i]);
	return cedar_set_in(el, f->set_n, a);
}

static enum err
facts_record(const struct facts *f, struct arena *a, struct cedar_value *out)
{
	struct cedar_field *field = arena_alloc(a, f->n * sizeof(*field));

	if (field == NULL)
		return ERR_LIMIT;
	for (size_t i = 0; i < f->n; i++)
		field[i] = (struct cedar_field){ f->v[i].name,
			fact_as_value(&f->v[i], a) };
	*out = cedar_record_in(field, f->n, a);
	return out->type == CEDAR_NONE ? ERR_LIMIT : OK;
}

/* One argument of a declared kind. */
static enum err
derived_one(struct str arg, struct str kind, struct jv v, struct arena *a,
    struct cedar_value *out, struct note *why)
{
	const bool list = fact_of_list(&kind);
	const enum fact_kind k = fact_kind_of(kind);
	const struct fact_value fv = fact_value_of(v);
	const struct place at = { NULL, arg };
	/* Written before it is read: clearing both costs a decision's tenth. */
	__attribute__((uninitialized)) struct facts got;
	__attribute__((uninitialized)) struct note what;

	got.n = 0;
	what.text[0] = '\0';
	if (k == FACT_NONE)
		return refuse(&at, "no fact of that kind", why);
	if (list)
		return derived_list(k, arg, v, a, out, why);
	if (facts_read(k, &fv, a, &got, &what))
		return refuse(&at, what.text, why);
	return facts_record(&got, a, out);
}

/* declared: {"ARG":"path", ...} of this tool. */
enum err
derived_of(struct jv declared, struct jv arguments, struct arena *a,
    struct cedar_value *out, struct note *why)
{
	const size_t most = jv_count(declared);
	struct cedar_field *f = arena_alloc(a, most * sizeof(*f));
	struct jit it = jit_of(declared);
	struct str arg;
	struct jv kind;
	size_t n = 0;

	if (f == NULL)
		return ERR_LIMIT;
	while (n < most && jit_next(&it, &arg, &kind)) {
		const struct jv v = jv_get(arguments, arg);

		if (jv_type(v) == J_NONE)
			continue;
		f[n].key = arg;
		TRY(derived_one(arg, jv_str(kind), v, a, &f[n].v, why));
		n++;
	}
	*out = cedar_record_in(f, n, a);
	return out->type == CEDAR_NONE ? ERR_LIMIT : OK;
}
