/*
 * set: the policies, templates and links of one object, and what they say of
 * themselves.  An id is given once, to whatever kind.
 */
#include "cedar/set-in.h"

struct cedar_policies *
cedar_policies_new(void)
{
	struct cedar_policies *ps = mem_get(sizeof(*ps));

	ps->a = arena_new(AST_BUDGET);
	/* Ids come from the operator; the seed need not be secret. */
	ps->by_id = map_new(0x63656461723435);
	return ps;
}

void
cedar_policies_free(struct cedar_policies *ps)
{
	if (ps == NULL)
		return;
	map_free(ps->by_id);
	mem_free(ps->pol);
	mem_free(ps->tmpl);
	arena_free(ps->a);
	mem_free(ps);
}

/* ---- adding ---- */
bool
set_is_template(const struct ast_policy *p)
{
	return p->scope[AST_PRINCIPAL].slot || p->scope[AST_RESOURCE].slot;
}

static void
push(struct ast_policy ***v, size_t *n, size_t *cap, struct ast_policy *p)
{
	if (*n == *cap) {
		const size_t more = *cap == 0 ? 16 : 2 * *cap;

		*v = mem_more(*v, *cap * sizeof(**v), more * sizeof(**v));
		*cap = more;
	}
	(*v)[(*n)++] = p;
}

enum err
set_add(struct cedar_policies *ps, struct ast_policy *p, struct cedar_why *why)
{
	if (arena_spent(ps->a))
		return ast_fail(ERR_LIMIT, why, p->pos,
		    "there is no memory left in the budget for this policy");
	if (map_get(ps->by_id, p->id) != NULL)
		return ast_fail(ERR_SYNTAX, why, p->pos,
		    "there already is a policy or template with id %.*s",
		    (int)(p->id.n < 100 ? p->id.n : 100), p->id.p);
	(void)map_put(ps->by_id, p->id, p);
	p->seq = ps->seq++;
	p->at = (uint32_t)(set_is_template(p) ? ps->tmpl_n : ps->pol_n);
	if (set_is_template(p))
		push(&ps->tmpl, &ps->tmpl_n, &ps->tmpl_cap, p);
	else
		push(&ps->pol, &ps->pol_n, &ps->pol_cap, p);
	return OK;
}

enum err
set_number(
    struct cedar_policies *ps, struct ast_policy *p, struct cedar_why *why)
{
	char id[32];

	do {
		const int n = snprintf(
		    id, sizeof(id), "policy%llu", (unsigned long long)ps->next);

		p->id = (struct str){ id, (size_t)n };
		ps->next++;
	} while (map_get(ps->by_id, p->id) != NULL);
	p->id = arena_str(ps->a, p->id);
	return p->id.p == NULL ? ast_fail(ERR_LIMIT, why, p->pos,
				     "there is no memory left in the budget")
			       : OK;
}

struct set_mark
set_mark(const struct cedar_policies *ps)
{
	return (struct set_mark){ ps->pol_n, ps->tmpl_n, ps->next };
}

void
set_undo(struct cedar_policies *ps, struct set_mark m)
{
	while (ps->pol_n > m.pol_n)
		(void)map_del(ps->by_id, ps->pol[--ps->pol_n]->id);
	while (ps->tmpl_n > m.tmpl_n)
		(void)map_del(ps->by_id, ps->tmpl[--ps->tmpl_n]->id);
	ps->next = m.next;
}

/* ---- links ---- */
static enum err
fill(struct cedar_policies *ps, struct ast_scope *s, const char *slot,
    const struct cedar_uid *uid, struct cedar_why *why)
{
	const struct ast_pos none = { 0 };
	struct cedar_uid *copy;

	if (!s->slot)
		return uid == NULL ? OK
				   : ast_fail(ERR_SYNTAX, why, none,
					 "the template has no slot %s", slot);
	if (uid == NULL)
		return ast_fail(ERR_SYNTAX, why, none,
		    "the template's slot %s is not given", slot);
	if (!ast_is_name(uid->type) || !utf8_ok(uid->id))
		return ast_fail(ERR_SYNTAX, why, none,
		    "what is given for %s is no entity", slot);
	TRY(ast_alloc(ps->a, 1, sizeof(*copy), why, &copy));
	copy->type = arena_str(ps->a, uid->type);
	copy->id = arena_str(ps->a, uid->id);
	s->slot = false;
	s->uid = copy;
	s->n = 1;
	return OK;
}

enum err
cedar_policies_link(struct cedar_policies *ps, struct str template_id,
    struct str id, const struct cedar_uid *principal,
    const struct cedar_uid *resource, struct cedar_why *why)
{
	const struct ast_policy *t = set_find(ps, template_id);
	struct ast_policy *p;

	if (t == NULL || !set_is_template(t))
		return ast_fail(ERR_SYNTAX, why, (struct ast_pos){ 0 },
		    "there is no template with id %.*s",
		    (int)(template_id.n < 100 ? template_id.n : 100),
		    template_id.p);
	if (!utf8_ok(id))
		return ast_fail(ERR_SYNTAX, why, (struct ast_pos){ 0 },
		    "the id of a link is UTF-8");
	TRY(ast_alloc(ps->a, 1, sizeof(*p), why, &p));
	*p = *t;
	p->from = t;
	p->id = arena_str(ps->a, id);
	TRY(fill(ps, &p->scope[AST_PRINCIPAL], "?principal", principal, why));
	TRY(fill(ps, &p->scope[AST_RESOURCE], "?resource", resource, why));
	return set_add(ps, p, why);
}

/* ---- asking ---- */
const struct ast_policy *
set_find(const struct cedar_policies *ps, struct str id)
{
	return map_get(ps->by_id, id);
}

size_t
cedar_policies_count(const struct cedar_policies *ps)
{
	return ps->pol_n;
}

static bool
info_of(const struct ast_policy *p, struct cedar_policy_info *out)
{
	*out = (struct cedar_policy_info){ .id = p->id,
		.forbid = p->forbid,
		.line = p->pos.line,
		.col = p->pos.col };
	if (p->from != NULL)
		out->template_id = p->from->id;
	return true;
}

bool
cedar_policy_info(
    const struct cedar_policies *ps, size_t i, struct cedar_policy_info *out)
{
	return i < ps->pol_n && info_of(ps->pol[i], out);
}

bool
cedar_template_info(
    const struct cedar_policies *ps, size_t i, struct cedar_policy_info *out)
{
	return i < ps->tmpl_n && info_of(ps->tmpl[i], out);
}

bool
cedar_policy_find(const struct cedar_policies *ps, struct str id, size_t *i)
{
	const struct ast_policy *p = set_find(ps, id);

	if (p == NULL || set_is_template(p))
		return false;
	*i = p->at;
	return true;
}

size_t
cedar_policy_annotations(const struct cedar_policies *ps, size_t i)
{
	return i < ps->pol_n ? ps->pol[i]->note_n : 0;
}

bool
cedar_policy_annotation_at(const struct cedar_policies *ps, size_t i, size_t n,
    struct str *name, struct str *value)
{
	if (n >= cedar_policy_annotations(ps, i))
		return false;
	*name = ps->pol[i]->note[n].name;
	*value = ps->pol[i]->note[n].value;
	return true;
}

bool
cedar_policy_annotation(const struct cedar_policies *ps, size_t i,
    struct str name, struct str *value)
{
	const size_t n = cedar_policy_annotations(ps, i);
	struct str had, v;

	for (size_t k = 0; k < n; k++)
		if (cedar_policy_annotation_at(ps, i, k, &had, &v) &&
		    str_eq(had, name)) {
			*value = v;
			return true;
		}
	return false;
}
