/*
 * ty: which types are part of which, and the least that holds two.  Strict: of
 * the same shape.  Permissive: records may lack members that the other has, and
 * entities of different types go together.
 */
#include "cedar/typer.h"

bool
ty_has_entity(const struct ty *t, const struct sc_entity *e)
{
	for (uint32_t i = 0; i < t->n; i++)
		if (t->ety[i] == e)
			return true;
	return false;
}

static bool
entities_sub(const struct ty *x, const struct ty *y, bool strict)
{
	if (strict && x->n != y->n)
		return false;
	for (uint32_t i = 0; i < x->n; i++)
		if (!ty_has_entity(y, x->ety[i]))
			return false;
	return true;
}

static bool
member_sub(const struct ty_attr *x, const struct ty_attr *y, bool strict)
{
	if (strict ? x->required != y->required : !x->required && y->required)
		return false;
	return ty_sub(x->type, y->type, strict);
}

static bool
records_sub(const struct ty *x, const struct ty *y, bool strict)
{
	const bool wider = y->open && !strict;

	if ((x->open && !y->open) || (!wider && x->n != y->n))
		return false;
	for (uint32_t i = 0; i < y->n; i++) {
		const struct ty_attr *m = ty_attr(x, y->attr[i].name);

		if (m == NULL || !member_sub(m, &y->attr[i], strict))
			return false;
	}
	return true;
}

bool
ty_sub(const struct ty *x, const struct ty *y, bool strict)
{
	if (x == y || x->kind == TY_NEVER)
		return true;
	if (y->kind == TY_BOOL && (x->kind == TY_TRUE || x->kind == TY_FALSE))
		return true;
	if (x->kind != y->kind)
		return false;
	if (x->kind == TY_SET)
		return ty_sub(x->el, y->el, strict);
	if (x->kind == TY_RECORD)
		return records_sub(x, y, strict);
	if (x->kind == TY_ENTITY)
		return entities_sub(x, y, strict);
	return x->kind != TY_EXT || x->ext == y->ext;
}

const struct ty *
ty_set_of(struct arena *a, const struct ty *el)
{
	struct ty *t = arena_alloc(a, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->kind = TY_SET;
	t->el = el;
	return t;
}

static const struct ty *
join_sets(struct arena *a, const struct ty *x, const struct ty *y, bool strict)
{
	const struct ty *el = ty_join(a, x->el, y->el, strict);

	return el == NULL ? NULL : ty_set_of(a, el);
}

/* Merges two lists that are in order of place. */
static const struct ty *
join_entities(struct arena *a, const struct ty *x, const struct ty *y)
{
	const struct sc_entity **p =
	    arena_alloc(a, ((size_t)x->n + y->n) * sizeof(*p));
	struct ty *t = arena_alloc(a, sizeof(*t));
	uint32_t i = 0, k = 0;

	if (p == NULL || t == NULL)
		return NULL;
	t->kind = TY_ENTITY;
	t->ety = p;
	while (i < x->n || k < y->n) {
		const uint32_t xp = i < x->n ? x->ety[i]->place : UINT32_MAX;
		const uint32_t yp = k < y->n ? y->ety[k]->place : UINT32_MAX;

		p[t->n++] = xp <= yp ? x->ety[i] : y->ety[k];
		i += xp <= yp;
		k += yp <= xp;
	}
	return t;
}

static const struct ty *
join_records(
    struct arena *a, const struct ty *x, const struct ty *y, bool strict)
{
	struct ty_attr *p = arena_alloc(a, ((size_t)x->n + 1) * sizeof(*p));
	struct ty *t = arena_alloc(a, sizeof(*t));

	if (p == NULL || t == NULL || (strict && x->n != y->n))
		return NULL;
	t->kind = TY_RECORD;
	t->attr = p;
	for (uint32_t i = 0; i < x->n; i++) {
		const struct ty_attr *m = &x->attr[i];
		const struct ty_attr *o = ty_attr(y, m->name);
		const struct ty *both =
		    o == NULL ? NULL : ty_join(a, m->type, o->type, strict);

		if (both != NULL && !(strict && m->required != o->required))
			p[t->n++] = (struct ty_attr){ m->name, both,
				m->required && o->required };
		else if (strict)
			return NULL;
	}
	t->open = x->open || y->open || t->n != x->n || t->n != y->n;
	return t;
}

const struct ty *
ty_join(struct arena *a, const struct ty *x, const struct ty *y, bool strict)
{
	if (ty_sub(x, y, strict))
		return y;
	if (ty_sub(y, x, strict))
		return x;
	if ((x->kind == TY_TRUE || x->kind == TY_FALSE) &&
	    (y->kind == TY_TRUE || y->kind == TY_FALSE))
		return &ty_prim[TY_BOOL];
	if (x->kind != y->kind)
		return NULL;
	if (x->kind == TY_SET)
		return join_sets(a, x, y, strict);
	if (x->kind == TY_RECORD)
		return join_records(a, x, y, strict);
	if (x->kind == TY_ENTITY && !strict)
		return join_entities(a, x, y);
	return NULL;
}

const struct ty *
ty_attrs_of(struct arena *a, const struct ty *entity)
{
	const struct ty *t = entity->ety[0]->attrs;

	for (uint32_t i = 1; i < entity->n && t != NULL; i++)
		t = join_records(a, t, entity->ety[i]->attrs, false);
	return t;
}

/* ---- for sentences ---- */

enum { SHOW_MAX = 200 };

static void
put(struct buf *out, const struct ty *t, unsigned depth)
{
	static const char *const simple[] = { [TY_NEVER] = "nothing",
		[TY_BOOL] = "Bool",
		[TY_TRUE] = "Bool (always true)",
		[TY_FALSE] = "Bool (always false)",
		[TY_LONG] = "Long",
		[TY_STRING] = "String" };

	if (out->n > SHOW_MAX || depth > 4) {
		buf_str(out, STR("..."));
	} else if (t->kind <= TY_STRING) {
		buf_str(out, str_of(simple[t->kind]));
	} else if (t->kind == TY_EXT) {
		buf_str(out, ty_ext_name[t->ext]);
	} else if (t->kind == TY_SET) {
		buf_str(out, STR("Set<"));
		put(out, t->el, depth + 1);
		buf_ch(out, '>');
	} else if (t->kind == TY_ENTITY) {
		for (uint32_t i = 0; i < t->n && out->n <= SHOW_MAX; i++) {
			if (i > 0)
				buf_str(out, STR(" or "));
			buf_str(out, t->ety[i]->name);
		}
	} else {
		buf_ch(out, '{');
		for (uint32_t i = 0; i < t->n && out->n <= SHOW_MAX; i++) {
			if (i > 0)
				buf_str(out, STR(", "));
			buf_str(out, t->attr[i].name);
			buf_str(
			    out, t->attr[i].required ? STR(": ") : STR("?: "));
			put(out, t->attr[i].type, depth + 1);
		}
		buf_ch(out, '}');
	}
}

void
ty_put(struct buf *out, const struct ty *t)
{
	put(out, t, 0);
}

const char *
show_ty(struct shown *room, const struct ty *t)
{
	struct buf b = { .max = 16 * 1024 * 1024 };
	const size_t most = sizeof(room->text) - 1;

	put(&b, t, 0);
	if (b.n > most)
		(void)snprintf(room->text, sizeof(room->text), "%.*s...",
		    (int)most - 3, b.p);
	else
		(void)snprintf(room->text, sizeof(room->text), "%.*s", (int)b.n,
		    b.p == NULL ? "" : b.p);
	buf_done(&b);
	return room->text;
}
