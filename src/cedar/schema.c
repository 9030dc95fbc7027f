/*
 * schema: finding things in a schema, and its end.  It knows the resolved form
 * alone; how a schema came to be is for the readers.
 */
#include "cedar/schema.h"

#include <stdlib.h>
#include <string.h>

const struct str ty_ext_name[TY_EXT__N] = {
	[TY_DECIMAL] = STR_INIT("decimal"),
	[TY_IPADDR] = STR_INIT("ipaddr"),
	[TY_DATETIME] = STR_INIT("datetime"),
	[TY_DURATION] = STR_INIT("duration"),
};

const struct ty ty_prim[TY_STRING + 1] = {
	[TY_NEVER] = { .kind = TY_NEVER, .depth = 1, .weight = 1 },
	[TY_BOOL] = { .kind = TY_BOOL, .depth = 1, .weight = 1 },
	[TY_TRUE] = { .kind = TY_TRUE, .depth = 1, .weight = 1 },
	[TY_FALSE] = { .kind = TY_FALSE, .depth = 1, .weight = 1 },
	[TY_LONG] = { .kind = TY_LONG, .depth = 1, .weight = 1 },
	[TY_STRING] = { .kind = TY_STRING, .depth = 1, .weight = 1 },
};
const struct ty ty_exts[TY_EXT__N] = {
	{ .kind = TY_EXT, .ext = TY_DECIMAL, .depth = 1, .weight = 1 },
	{ .kind = TY_EXT, .ext = TY_IPADDR, .depth = 1, .weight = 1 },
	{ .kind = TY_EXT, .ext = TY_DATETIME, .depth = 1, .weight = 1 },
	{ .kind = TY_EXT, .ext = TY_DURATION, .depth = 1, .weight = 1 },
};
const struct ty ty_no_attrs = { .kind = TY_RECORD, .depth = 1, .weight = 1 };

void
cedar_schema_free(struct cedar_schema *s)
{
	if (s == NULL)
		return;
	arena_free(s->a); /* s lives in it */
}

void *
vec_add(struct arena *a, struct vec *v, size_t size)
{
	if (v->n == v->cap) {
		const size_t cap = v->cap == 0 ? 4 : v->cap * 2;
		char *p = arena_alloc(a, cap * size);

		if (p == NULL)
			return NULL;
		if (v->n > 0)
			memcpy(p, v->p, v->n * size);
		v->p = p;
		v->cap = cap;
	}
	return (char *)v->p + v->n++ * size;
}

static int
by_name(const void *x, const void *y)
{
	return str_cmp(*(const struct str *)x, *(const struct str *)y);
}

bool
schema_sort(void *p, size_t n, size_t size, const void **twice)
{
	const char *at = p;

	if (n > 1)
		qsort(p, n, size, by_name);
	for (size_t i = 1; i < n; i++)
		if (by_name(at + (i - 1) * size, at + i * size) == 0) {
			*twice = at + i * size;
			return false;
		}
	return true;
}

const void *
schema_find(const void *p, size_t n, size_t size, struct str name)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		const size_t mid = lo + (hi - lo) / 2;
		const char *at = (const char *)p + mid * size;
		const int c =
		    str_cmp(name, *(const struct str *)(const void *)at);

		if (c == 0)
			return at;
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

const struct sc_entity *
schema_entity(const struct cedar_schema *s, struct str type)
{
	return schema_find(s->entity, s->entity_n, sizeof(s->entity[0]), type);
}

static int
uid_cmp(struct cedar_uid x, struct cedar_uid y)
{
	const int c = str_cmp(x.type, y.type);

	return c != 0 ? c : str_cmp(x.id, y.id);
}

const struct sc_action *
schema_action(const struct cedar_schema *s, struct cedar_uid uid)
{
	size_t lo = 0, hi = s->action_n;

	while (lo < hi) {
		const size_t mid = lo + (hi - lo) / 2;
		const int c = uid_cmp(uid, s->action[mid].uid);

		if (c == 0)
			return &s->action[mid];
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

const struct ty_attr *
ty_attr(const struct ty *record, struct str name)
{
	return schema_find(
	    record->attr, record->n, sizeof(record->attr[0]), name);
}

static bool
has_place(const uint32_t *p, size_t n, uint32_t place)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		const size_t mid = lo + (hi - lo) / 2;

		if (p[mid] == place)
			return true;
		if (place < p[mid])
			hi = mid;
		else
			lo = mid + 1;
	}
	return false;
}

bool
schema_entity_under(const struct sc_entity *e, const struct sc_entity *anc)
{
	return has_place(e->up, e->up_n, anc->place);
}

bool
schema_action_under(const struct sc_action *x, const struct sc_action *anc)
{
	return has_place(x->up, x->up_n, anc->place);
}

bool
schema_choice(const struct sc_entity *e, struct str id)
{
	if (!e->is_enum)
		return true;
	for (size_t i = 0; i < e->choice.n; i++)
		if (str_eq(e->choice.p[i], id))
			return true;
	return false;
}

bool
schema_is_action_type(struct str type)
{
	return str_eq(type, STR("Action")) || str_ends(type, STR("::Action"));
}
