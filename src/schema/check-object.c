/* check-object: operations that ask other nodes of members.  properties,
 * patternProperties, additionalProperties and required are one operation, so
 * that each member is looked up once. */
#include "schema/check-in.h"

struct entry {
	struct str key;
	struct jv v;
};

static bool
member(struct run *r, const struct ctx *c, uint32_t node, const struct entry *e)
{
	const struct spot s = { c->spot, e->key, 0 };

	return check_node(r, node, e->v, &s, c->scope, NULL);
}

/* The slot of a name in a block of names, or NULL. */
static const uint8_t *
slot_of(struct run *r, const uint8_t *names, struct str key)
{
	const uint32_t mask = word(names, NAMES_SIZE) - 1;
	uint32_t i = (uint32_t)hash64(key, 0) & mask;

	for (;; i = (i + 1) & mask) {
		const uint8_t *s = names + 4 * (NAMES + SLOT * (size_t)i);

		spend(r->steps, 1);
		if (word(s, S_KEY) == NONE)
			return NULL;
		if (word(s, S_KEY_N) == key.n &&
		    str_eq(op_string(r, s, S_KEY), key))
			return s;
	}
}

static bool
required_fault(struct run *r, const struct ctx *c, const uint8_t *names)
{
	const uint32_t size = word(names, NAMES_SIZE);

	for (uint32_t i = 0; i < size && check_goes_on(r); i++) {
		const uint8_t *s = names + 4 * (NAMES + SLOT * (size_t)i);
		struct str key;

		if (word(s, S_KEY) == NONE || word(s, S_REQUIRED) == 0)
			continue;
		key = op_string(r, s, S_KEY);
		if (jv_is(jv_get(c->v, key), J_NONE))
			(void)check_fault_at(r, c, c->spot, "required",
			    "member \"%.*s\" is missing",
			    STR_ARG(str_sub(key, 0, 180)));
	}
	return false;
}

/* What the names do not name: the patterns it matches, else the rest. */
static bool
unnamed(struct run *r, const struct ctx *c, const uint8_t *p, uint32_t n,
    const struct entry *e, bool *judged)
{
	const struct spot s = { c->spot, e->key, 0 };
	const uint32_t rest = word(p, 1);
	bool good = true;

	for (uint32_t i = 2; i < n; i += 2) {
		if (!regex_run(
			r->s->code, word(p, i), e->key, &r->room, r->steps))
			continue;
		*judged = true;
		good &= member(r, c, word(p, i + 1), e);
		if (!good && !check_goes_on(r))
			return false;
	}
	if (*judged || rest == NONE)
		return good;
	*judged = true;
	if (rest == NODE_FALSE)
		return check_fault_at(r, c, &s, "additionalProperties",
		    "the schema has no such member and allows no others");
	return good & member(r, c, rest, e);
}

bool
check_object(struct run *r, const struct ctx *c, const uint8_t *p, uint32_t n)
{
	const uint8_t *names = r->s->code + 4 * (size_t)word(p, 0);
	struct jit it = jit_of(c->v);
	uint32_t required = 0;
	bool good = true;
	struct entry e;

	if (c->t != J_OBJ)
		return true;
	for (size_t i = 0; *r->steps > 0 && jit_next(&it, &e.key, &e.v); i++) {
		const uint8_t *s = slot_of(r, names, e.key);
		const uint32_t node = s == NULL ? NONE : word(s, S_NODE);
		bool judged = node != NONE;

		required += s != NULL && word(s, S_REQUIRED) == 1;
		if (judged)
			good &= member(r, c, node, &e);
		if (good || check_goes_on(r))
			good &= unnamed(r, c, p, n, &e, &judged);
		if (!good && !check_goes_on(r))
			return false;
		if (judged)
			track_mark(r, c->track, i);
	}
	if (required < word(names, NAMES_REQUIRED))
		return required_fault(r, c, names);
	return good && *r->steps > 0;
}

bool
check_uneval_props(
    struct run *r, const struct ctx *c, const uint8_t *p, uint32_t n)
{
	struct jit it = jit_of(c->v);
	bool good = true;
	struct entry e;

	(void)n;
	if (c->t != J_OBJ)
		return true;
	if (c->track == NULL)
		*r->steps = 0; /* no image of ours */
	for (size_t i = 0; *r->steps > 0 && jit_next(&it, &e.key, &e.v); i++) {
		const struct spot s = { c->spot, e.key, 0 };

		spend(r->steps, 1);
		if (track_has(r, c->track, i))
			continue;
		if (word(p, 0) == NODE_FALSE)
			good = check_fault_at(r, c, &s, "unevaluatedProperties",
			    "no schema allows this member");
		else
			good &= member(r, c, word(p, 0), &e);
		if (!good && !check_goes_on(r))
			return false;
		track_mark(r, c->track, i);
	}
	return good;
}

bool
check_propnames(
    struct run *r, const struct ctx *c, const uint8_t *p, uint32_t n)
{
	struct jit it = jit_of(c->v);
	bool good = true;
	struct str key;

	(void)n;
	if (c->t != J_OBJ)
		return true;
	while (*r->steps > 0 && jit_next(&it, &key, NULL)) {
		const struct spot s = { c->spot, key, 0 };

		spend(r->steps, 1 + key.n / 16);
		buf_clear(&r->key);
		tape_str(&r->key, key);
		good &= check_node(r, word(p, 0), jv_of(buf_view(&r->key)), &s,
		    c->scope, NULL);
		if (!good && !check_goes_on(r))
			return false;
	}
	return good;
}

bool
check_depreq(struct run *r, const struct ctx *c, const uint8_t *p, uint32_t n)
{
	bool good = true;

	if (c->t != J_OBJ)
		return true;
	for (uint32_t i = 0; i < n; i += 4) {
		const struct str key = op_string(r, p, i);
		const struct str needs = op_string(r, p, i + 2);

		spend(r->steps, 1 + jv_count(c->v) / 4);
		if (*r->steps == 0)
			return false;
		if (jv_is(jv_get(c->v, key), J_NONE) ||
		    !jv_is(jv_get(c->v, needs), J_NONE))
			continue;
		good = check_fault(r, c, OP_DEPREQ,
		    "member \"%.*s\" is missing, which \"%.*s\" needs",
		    STR_ARG(str_sub(needs, 0, 90)),
		    STR_ARG(str_sub(key, 0, 90)));
		if (!check_goes_on(r))
			return false;
	}
	return good;
}

bool
check_depschema(
    struct run *r, const struct ctx *c, const uint8_t *p, uint32_t n)
{
	bool good = true;

	if (c->t != J_OBJ)
		return true;
	for (uint32_t i = 0; i < n; i += 3) {
		spend(r->steps, 1 + jv_count(c->v) / 4);
		if (*r->steps == 0)
			return false;
		if (jv_is(jv_get(c->v, op_string(r, p, i)), J_NONE))
			continue;
		good &= check_node(
		    r, word(p, i + 2), c->v, c->spot, c->scope, c->track);
		if (!good && !check_goes_on(r))
			return false;
	}
	return good;
}
