/* emit-apply: the keywords that have schemas in them (Core, sections 8 to 11):
 * references, applicators, unevaluated. */
#include "schema/compile-in.h"

/* The keyword is absent (false) or of this type; if not, it is refused. */
static bool
is_type(struct unit *u, enum keyword k, enum jtype t)
{
	if (!unit_has(u, k))
		return false;
	if (jv_is(u->kw[k], t))
		return true;
	unit_bad(u, ERR_SYNTAX, keyword_name(k), "must be an %s",
	    t == J_OBJ ? "object" : "array");
	return false;
}

static uint32_t
child(struct unit *u, enum keyword k, bool same)
{
	const struct step s = { k, { NULL, 0 }, NONE, same };

	return unit_child(u, u->kw[k], s);
}

/* ---- objects ---- */

struct names {
	uint32_t *slot; /* SLOT words each */
	uint32_t size, required;
};

/* The slot of a name, put in if need be. */
static uint32_t *
name_slot(struct unit *u, struct names *n, struct str key)
{
	uint32_t i = (uint32_t)hash64(key, 0) & (n->size - 1);
	uint32_t *s = n->slot + (size_t)SLOT * i;

	while (s[S_KEY] != NONE && unit_spend(u, 1)) {
		if (str_eq(
			(struct str){ u->pool.p + s[S_KEY], s[S_KEY_N] }, key))
			return s;
		i = (i + 1) & (n->size - 1);
		s = n->slot + (size_t)SLOT * i;
	}
	s[S_KEY] = unit_pool(u, key);
	s[S_KEY_N] = (uint32_t)key.n;
	s[S_NODE] = NONE;
	s[S_REQUIRED] = 0;
	return s;
}

static void
fill_names(struct unit *u, struct names *n)
{
	struct jit it = jit_of(u->kw[K_PROPS]);
	struct str key;
	struct jv v;

	while (!u->err && jit_next(&it, &key, &v)) {
		const uint32_t node = unit_child(
		    u, v, (struct step){ K_PROPS, key, NONE, false });

		name_slot(u, n, key)[S_NODE] = node;
	}
	it = jit_of(u->kw[K_REQUIRED]);
	while (!u->err && jit_next(&it, NULL, &v)) {
		uint32_t *s;

		if (!jv_is(v, J_STR)) {
			unit_bad(u, ERR_SYNTAX, "required",
			    "must be an array of strings");
			return;
		}
		s = name_slot(u, n, jv_str(v));
		n->required += s[S_REQUIRED] == 0;
		s[S_REQUIRED] = 1;
	}
}

/* The block of names; its place. */
static uint32_t
names_block(struct unit *u)
{
	const size_t count =
	    jv_count(u->kw[K_PROPS]) + jv_count(u->kw[K_REQUIRED]);
	struct names n = { .size = 1 };
	uint32_t at;

	while (n.size < 2 * count)
		n.size *= 2;
	if (!unit_spend(u, n.size))
		return 0;
	n.slot = mem_get(4 * (size_t)SLOT * n.size);
	memset(n.slot, 0xff, 4 * (size_t)SLOT * n.size);
	fill_names(u, &n);
	at = (uint32_t)(u->code.n / 4);
	buf_u32(&u->code, n.size);
	buf_u32(&u->code, n.required);
	for (size_t i = 0; i < (size_t)SLOT * n.size; i++)
		buf_u32(&u->code, n.slot[i]);
	mem_free(n.slot);
	return at;
}

static bool
applies_in_place(const struct unit *u)
{
	static const enum keyword in_place[] = { K_REF, K_DYNAMIC_REF,
		K_RECURSIVE_REF, K_ALLOF, K_ANYOF, K_ONEOF, K_IF, K_DEPSCHEMA,
		K_DEPS };

	for (size_t i = 0; i < countof(in_place); i++)
		if (unit_has(u, in_place[i]))
			return true;
	return false;
}

/* Closed, where nothing but this node speaks of the object: what it does not
 * name is refused at once. */
static bool
closes_here(const struct unit *u)
{
	return u->place.closed && unit_has(u, K_PROPS) &&
	       !unit_has(u, K_ADDPROPS) && !unit_has(u, K_UNPROPS) &&
	       !applies_in_place(u);
}

static void
emit_object(struct unit *u)
{
	const bool props = is_type(u, K_PROPS, J_OBJ);
	const bool pats = is_type(u, K_PATPROPS, J_OBJ);
	const bool required = is_type(u, K_REQUIRED, J_ARR);
	struct jit it = jit_of(u->kw[K_PATPROPS]);
	uint32_t names, rest = NONE;
	struct str key;
	struct jv v;
	size_t mark;

	if (u->err ||
	    (!props && !pats && !required && !unit_has(u, K_ADDPROPS)))
		return;
	names = names_block(u);
	if (unit_has(u, K_ADDPROPS))
		rest = child(u, K_ADDPROPS, false);
	else if (closes_here(u))
		rest = NODE_FALSE;
	mark = op_begin(u, OP_OBJECT);
	op_word(u, names);
	op_word(u, rest);
	while (!u->err && jit_next(&it, &key, &v)) {
		op_word(u, emit_program(u, K_PATPROPS, key));
		op_word(u, unit_child(u, v,
			       (struct step){ K_PATPROPS, key, NONE, false }));
	}
	op_end(u, mark);
}

/* Lists of names by name; of dependencies those that are lists. */
static void
emit_needs(struct unit *u, enum keyword k)
{
	const size_t mark = op_begin(u, OP_DEPREQ);
	struct jit it = jit_of(u->kw[k]), names;
	struct str key;
	struct jv v, name;

	while (!u->err && jit_next(&it, &key, &v)) {
		if (k == K_DEPS && !jv_is(v, J_ARR))
			continue;
		if (!jv_is(v, J_ARR))
			unit_bad(u, ERR_SYNTAX, keyword_name(k),
			    "must have arrays of strings");
		names = jit_of(v);
		while (!u->err && jit_next(&names, NULL, &name)) {
			if (!jv_is(name, J_STR))
				unit_bad(u, ERR_SYNTAX, keyword_name(k),
				    "must have arrays of strings");
			op_str(u, key);
			op_str(u, jv_str(name));
		}
	}
	op_end(u, mark);
}

static void
emit_depends(struct unit *u, enum keyword k)
{
	const size_t mark = op_begin(u, OP_DEPSCHEMA);
	struct jit it = jit_of(u->kw[k]);
	struct str key;
	struct jv v;

	while (!u->err && jit_next(&it, &key, &v)) {
		if (k == K_DEPS && jv_is(v, J_ARR))
			continue;
		op_str(u, key);
		op_word(
		    u, unit_child(u, v, (struct step){ k, key, NONE, true }));
	}
	op_end(u, mark);
}

/* ---- arrays ---- */

static void
emit_list(struct unit *u, enum keyword k, bool same)
{
	struct jit it = jit_of(u->kw[k]);
	uint32_t i = 0;
	struct jv v;

	while (!u->err && jit_next(&it, NULL, &v)) {
		const struct step s = { k, { NULL, 0 }, i++, same };

		op_word(u, unit_child(u, v, s));
	}
}

static void
emit_items(struct unit *u)
{
	const struct resource *r =
	    UNIT_AT(u->resources, struct resource, u->place.resource);
	const bool old = r->dialect != D_2020 && jv_is(u->kw[K_ITEMS], J_ARR);
	const enum keyword list = old ? K_ITEMS : K_PREFIX;
	const enum keyword rest = old ? K_ADDITEMS : K_ITEMS;
	size_t mark;

	if (!unit_has(u, list) && !unit_has(u, rest))
		return;
	if (unit_has(u, list) && !is_type(u, list, J_ARR))
		return;
	if (rest == K_ITEMS && jv_is(u->kw[K_ITEMS], J_ARR)) {
		unit_bad(u, ERR_SYNTAX, "items",
		    "must be a schema; a list of schemas is prefixItems in "
		    "2020-12");
		return;
	}
	mark = op_begin(u, OP_ITEMS);
	op_word(u, unit_has(u, rest) ? child(u, rest, false) : NONE);
	emit_list(u, list, false);
	op_end(u, mark);
}

static void
emit_contains(struct unit *u)
{
	uint32_t min, max;
	size_t mark;

	if (!unit_has(u, K_CONTAINS) ||
	    !emit_count_of(u, K_MINCONTAINS, 1, &min) ||
	    !emit_count_of(u, K_MAXCONTAINS, NONE, &max))
		return;
	mark = op_begin(u, OP_CONTAINS);
	op_word(u, child(u, K_CONTAINS, false));
	op_word(u, min);
	op_word(u, max);
	op_end(u, mark);
}

/* ---- references ---- */

static bool
target_of(struct unit *u, enum keyword k, struct target *t)
{
	const struct str ref = jv_str(u->kw[k]);

	if (!jv_is(u->kw[k], J_STR))
		unit_bad(u, ERR_SYNTAX, keyword_name(k), "must be a string");
	else if (!scan_target(u, ref, t))
		unit_bad(u, ERR_SYNTAX, keyword_name(k),
		    "%.*s is not in what was given, and nothing is fetched",
		    STR_ARG(str_sub(ref, 0, 100)));
	return !u->err;
}

static void
emit_ref(struct unit *u, enum keyword k)
{
	struct target t = { .anchor = NONE };
	size_t mark;
	uint32_t node;

	if (!unit_has(u, k) || !target_of(u, k, &t))
		return;
	node = unit_ref(u, &t, jv_str(u->kw[k]), true);
	mark = op_begin(u, OP_REF);
	op_word(u, node);
	op_end(u, mark);
}

/* The anchor of $recursiveAnchor in the resource, if it has one. */
static uint32_t
recursive(struct unit *u, uint32_t resource)
{
	for (uint32_t i = 0; i < UNIT_N(u->anchors, struct anchor); i++) {
		const struct anchor *a = UNIT_AT(u->anchors, struct anchor, i);

		if (a->resource == resource && a->name.n == 0 && a->dynamic)
			return i;
	}
	return NONE;
}

static void
emit_dynamic(struct unit *u, enum keyword k)
{
	struct target t = { .anchor = NONE };
	uint32_t node, name;
	size_t mark;

	if (!unit_has(u, k) || !target_of(u, k, &t))
		return;
	if (k == K_RECURSIVE_REF)
		t.anchor = recursive(u, t.resource);
	if (t.anchor == NONE ||
	    !UNIT_AT(u->anchors, struct anchor, t.anchor)->dynamic) {
		emit_ref(u, k);
		return;
	}
	node = unit_ref(u, &t, jv_str(u->kw[k]), false);
	name = unit_dyn(u, UNIT_AT(u->anchors, struct anchor, t.anchor)->name);
	mark = op_begin(u, OP_DYNREF);
	op_word(u, node);
	op_word(u, name);
	op_end(u, mark);
}

/* ---- the same value ---- */

static void
emit_all(struct unit *u, enum keyword k, enum op op)
{
	size_t mark;

	if (!is_type(u, k, J_ARR))
		return;
	if (jv_count(u->kw[k]) == 0)
		unit_bad(u, ERR_SYNTAX, keyword_name(k),
		    "must have at least one schema");
	mark = op_begin(u, op);
	emit_list(u, k, true);
	op_end(u, mark);
}

static void
emit_one(struct unit *u, enum keyword k, enum op op, bool same)
{
	size_t mark;

	if (!unit_has(u, k))
		return;
	mark = op_begin(u, op);
	op_word(u, child(u, k, same));
	op_end(u, mark);
}

static void
emit_if(struct unit *u)
{
	size_t mark;

	if (!unit_has(u, K_IF))
		return;
	mark = op_begin(u, OP_IF);
	op_word(u, child(u, K_IF, true));
	op_word(u, unit_has(u, K_THEN) ? child(u, K_THEN, true) : NODE_TRUE);
	op_word(u, unit_has(u, K_ELSE) ? child(u, K_ELSE, true) : NODE_TRUE);
	op_end(u, mark);
}

/* ---- closed objects ---- */

enum { FAR = 16 }; /* references and branches followed */

static bool declares(
    struct unit *u, struct jv v, uint32_t resource, unsigned far);

static bool
declares_under(struct unit *u, struct jv v, uint32_t resource, unsigned far)
{
	static const enum keyword one[] = { K_IF, K_THEN, K_ELSE };
	static const enum keyword many[] = { K_ALLOF, K_ANYOF, K_ONEOF,
		K_DEPSCHEMA };
	bool does = false;
	struct jv sub;

	for (size_t i = 0; i < countof(one) && !does; i++)
		does = declares(
		    u, jv_get(v, keyword_rows[one[i]].name), resource, far);
	for (size_t i = 0; i < countof(many) && !does; i++) {
		struct jit it = jit_of(jv_get(v, keyword_rows[many[i]].name));

		while (!does && jit_next(&it, NULL, &sub))
			does = declares(u, sub, resource, far);
	}
	return does;
}

/* Does a schema, or what judges the same value for it, name members? */
static bool
declares(struct unit *u, struct jv v, uint32_t resource, unsigned far)
{
	const struct jv ref = jv_get(v, STR("$ref"));
	struct target t = { .anchor = NONE };

	if (far == 0 || !jv_is(v, J_OBJ) || !unit_spend(u, jv_count(v)))
		return false;
	if (jv_count(jv_get(v, STR("properties"))) > 0)
		return true;
	if (jv_is(ref, J_STR) &&
	    scan_target_from(u, resource, jv_str(ref), &t) &&
	    declares(u, t.v, t.resource, far - 1))
		return true;
	return declares_under(u, v, resource, far - 1);
}

static void
emit_closed(struct unit *u)
{
	size_t mark;

	if (!u->place.closed || unit_has(u, K_ADDPROPS) ||
	    unit_has(u, K_UNPROPS) || !applies_in_place(u) ||
	    !declares(u, u->place.v, u->place.resource, FAR))
		return;
	mark = op_begin(u, OP_UNEVAL_PROPS);
	op_word(u, NODE_FALSE);
	op_end(u, mark);
}

void
emit_applicators(struct unit *u)
{
	emit_items(u);
	emit_contains(u);
	emit_object(u);
	emit_one(u, K_PROPNAMES, OP_PROPNAMES, false);
	if (is_type(u, K_DEPREQ, J_OBJ))
		emit_needs(u, K_DEPREQ);
	if (is_type(u, K_DEPSCHEMA, J_OBJ))
		emit_depends(u, K_DEPSCHEMA);
	if (is_type(u, K_DEPS, J_OBJ)) {
		emit_needs(u, K_DEPS);
		emit_depends(u, K_DEPS);
	}
	emit_ref(u, K_REF);
	emit_dynamic(u, K_DYNAMIC_REF);
	emit_dynamic(u, K_RECURSIVE_REF);
	emit_all(u, K_ALLOF, OP_ALLOF);
	emit_all(u, K_ANYOF, OP_ANYOF);
	emit_all(u, K_ONEOF, OP_ONEOF);
	emit_one(u, K_NOT, OP_NOT, true);
	emit_if(u);
	emit_one(u, K_UNITEMS, OP_UNEVAL_ITEMS, false);
	emit_one(u, K_UNPROPS, OP_UNEVAL_PROPS, false);
	emit_closed(u);
}
