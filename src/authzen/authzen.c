/*
 * authzen.c: requests.  One table says which members an evaluation has, which
 * of them it must have, and of what type; the code walks it.
 */
#include "authzen/authzen.h"

static const struct part {
	const char *member, *inner; /* inner NULL: the member itself */
	enum jtype type;
	bool must;
} parts[] = {
	{ "subject", NULL, J_OBJ, true },
	{ "subject", "type", J_STR, true },
	{ "subject", "id", J_STR, true },
	{ "subject", "properties", J_OBJ, false },
	{ "action", NULL, J_OBJ, true },
	{ "action", "name", J_STR, true },
	{ "action", "properties", J_OBJ, false },
	{ "resource", NULL, J_OBJ, true },
	{ "resource", "type", J_STR, true },
	{ "resource", "id", J_STR, true },
	{ "resource", "properties", J_OBJ, false },
	{ "context", NULL, J_OBJ, false },
	{ "context", "arguments", J_OBJ, false },
};
/* What an element takes from the body when it does not say it. */
static const char *const defaults[] = { "subject", "action", "resource",
	"context" };

static enum err
bad(struct note *why, const struct part *p, const char *what)
{
	note_set(why, "%s%s%s %s", p->member, p->inner ? "." : "",
	    p->inner ? p->inner : "", what);
	return ERR_SYNTAX;
}

/* An absent member lacks nothing inside it: its own row speaks of it. */
static enum err
part_ok(const struct part *p, struct jv member, bool whole, struct note *why)
{
	const bool outer = p->inner == NULL;
	const struct jv v = outer ? member : jv_get(member, str_of(p->inner));

	if (jv_is(v, p->type) || (!outer && jv_is(member, J_NONE)))
		return OK;
	if (!jv_is(v, J_NONE))
		return bad(why, p,
		    p->type == J_OBJ ? "is not an object" : "is not a string");
	return p->must && (whole || !outer) ? bad(why, p, "is missing") : OK;
}

static struct jv
member_of(const struct authzen_request *r, struct jv item, const char *name)
{
	const struct jv own = jv_get(item, str_of(name));

	return jv_is(own, J_NONE) ? jv_get(r->body, str_of(name)) : own;
}

/* whole: what must be there must be there. */
static enum err
parts_ok(const struct authzen_request *r, struct jv item, bool whole,
    struct note *why)
{
	for (size_t i = 0; i < countof(parts); i++)
		TRY(part_ok(&parts[i], member_of(r, item, parts[i].member),
		    whole, why));
	return OK;
}

static enum err
semantic_of(struct jv body, enum authzen_semantic *out, struct note *why)
{
	static const char *const words[] = {
		[AUTHZEN_ALL] = "execute_all",
		[AUTHZEN_UNTIL_DENIED] = "deny_on_first_deny",
		[AUTHZEN_UNTIL_ALLOWED] = "permit_on_first_permit",
	};
	const struct jv options = jv_get(body, STR("options"));
	const struct jv v = jv_get(options, STR("evaluations_semantic"));

	if (!jv_is(options, J_OBJ) && !jv_is(options, J_NONE)) {
		note_set(why, "options is not an object");
		return ERR_SYNTAX;
	}
	*out = AUTHZEN_ALL;
	if (jv_is(v, J_NONE))
		return OK;
	for (size_t i = 0; jv_is(v, J_STR) && i < countof(words); i++)
		if (str_eq(jv_str(v), str_of(words[i]))) {
			*out = (enum authzen_semantic)i;
			return OK;
		}
	note_set(why, "options.evaluations_semantic is not execute_all, "
		      "deny_on_first_deny or permit_on_first_permit");
	return ERR_SYNTAX;
}

static enum err
list_of(struct jv body, struct authzen_request *r, struct note *why)
{
	const struct jv list = jv_get(body, STR("evaluations"));
	struct jit it = jit_of(list);
	struct jv v;

	if (!jv_is(list, J_ARR) && !jv_is(list, J_NONE)) {
		note_set(why, "evaluations is not an array");
		return ERR_SYNTAX;
	}
	if (jv_count(list) > AUTHZEN_MAX) {
		note_set(why, "more than %d evaluations", AUTHZEN_MAX);
		return ERR_LIMIT;
	}
	while (jit_next(&it, NULL, &v)) {
		if (!jv_is(v, J_OBJ)) {
			note_set(why, "an element of evaluations is not an "
				      "object");
			return ERR_SYNTAX;
		}
		for (size_t i = 0; i < countof(defaults); i++)
			r->size += member_of(r, v, defaults[i]).n;
	}
	if (jv_count(list) > 0) {
		r->list = list;
		r->n = jv_count(list);
	}
	return OK;
}

enum err
authzen_read(
    struct jv body, bool many, struct authzen_request *out, struct note *why)
{
	struct authzen_request r = { .body = body, .n = 1 };

	if (!jv_is(body, J_OBJ)) {
		note_set(why, "the request is not an object");
		return ERR_SYNTAX;
	}
	if (many) {
		TRY(semantic_of(body, &r.semantic, why));
		TRY(list_of(body, &r, why));
	}
	TRY(parts_ok(&r, body, jv_is(r.list, J_NONE), why));
	if (r.size == 0)
		r.size = body.n;
	*out = r;
	return OK;
}

enum err
authzen_one(const struct authzen_request *r, struct jv item,
    struct authzen_one *out, struct note *why)
{
	const struct jv s = member_of(r, item, "subject");
	const struct jv a = member_of(r, item, "action");
	const struct jv o = member_of(r, item, "resource");
	const struct jv c = member_of(r, item, "context");

	TRY(parts_ok(r, item, true, why));
	*out = (struct authzen_one){ .subject_type =
					 jv_str(jv_get(s, STR("type"))),
		.subject = jv_str(jv_get(s, STR("id"))),
		.action = jv_str(jv_get(a, STR("name"))),
		.resource_type = jv_str(jv_get(o, STR("type"))),
		.resource = jv_str(jv_get(o, STR("id"))),
		.properties = jv_get(o, STR("properties")),
		.context = c,
		.arguments = jv_get(c, STR("arguments")) };
	return OK;
}
