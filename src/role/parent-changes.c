/*
 * parent-changes.c: what a reload changed, by the names of settings, never by
 * their values: the record is not the place for them.
 */
#include "role/parent-in.h"

enum {
	NAMES_MAX = 128, /* more are counted */
	NAME_MAX_N = 256,
	CREDENTIALS_MAX = 256
};

/* Not settings: made of them, or of the ledger. */
static const struct str made[] = { STR_INIT("digest"), STR_INIT("engine"),
	STR_INIT("engine_list"), STR_INIT("policy_digest"), STR_INIT("ledger"),
	STR_INIT("budget_log"), STR_INIT("endpoints") };

struct changes {
	struct buf *out;
	size_t n, unnamed;
};

static void
changed(struct changes *c, const struct buf *path)
{
	if (c->n == NAMES_MAX || path->full) {
		c->unnamed++;
		return;
	}
	tape_str(c->out, buf_view(path));
	c->n++;
}

static bool
is_made(struct str key)
{
	for (size_t i = 0; i < countof(made); i++)
		if (str_eq(key, made[i]))
			return true;
	return false;
}

/* The name by which an element of a list is known; empty: by none. */
static struct str
name_of(struct jv v)
{
	static const struct str keys[] = { STR_INIT("name"), STR_INIT("id") };

	for (size_t i = 0; jv_is(v, J_OBJ) && i < countof(keys); i++)
		if (jv_is(jv_get(v, keys[i]), J_STR))
			return jv_str(jv_get(v, keys[i]));
	return (struct str){ NULL, 0 };
}

/* path, a point, key: the setting's name has no unit at its end. */
static struct buf
below(const struct buf *path, struct str key)
{
	struct buf b = { .max = NAME_MAX_N };

	buf_str(&b, buf_view(path));
	buf_str(&b, path->n > 0 ? STR(".") : STR(""));
	buf_str(
	    &b, str_ends(key, STR("_ms")) ? str_sub(key, 0, key.n - 3) : key);
	return b;
}

/* ---- lists whose elements have names ---- */

struct named {
	struct map *at; /* name -> its place in element, and one */
	struct jv *element;
};

static struct named
named_of(struct jv list)
{
	struct named n = { map_new(0),
		mem_get((jv_count(list) + 1) * sizeof(struct jv)) };
	struct jit it = jit_of(list);
	struct jv v;

	for (size_t i = 0; jit_next(&it, NULL, &v); i++) {
		n.element[i] = v;
		(void)map_put(n.at, name_of(v), &n.element[i]);
	}
	return n;
}

static void
named_done(struct named *n)
{
	map_free(n->at);
	mem_free(n->element);
}

static bool
has_names(struct jv list)
{
	struct jit it = jit_of(list);
	struct jv v;

	while (jit_next(&it, NULL, &v))
		if (name_of(v).n == 0)
			return false;
	return jv_is(list, J_ARR);
}

/* got: of an element that is new (was: none), gone (is: none) or another. */
static void
each_change(struct jv old, struct jv new,
    void (*got)(void *arg, struct str name, struct jv was, struct jv is),
    void *arg)
{
	struct named before = named_of(old), after = named_of(new);
	const struct jv none = { NULL, 0 };
	struct jit it = jit_of(new);
	struct jv v;

	while (jit_next(&it, NULL, &v)) {
		const struct jv *was = map_get(before.at, name_of(v));

		if (was == NULL || !jv_same(*was, v))
			got(arg, name_of(v), was == NULL ? none : *was, v);
	}
	it = jit_of(old);
	while (jit_next(&it, NULL, &v))
		if (map_get(after.at, name_of(v)) == NULL)
			got(arg, name_of(v), v, none);
	named_done(&before);
	named_done(&after);
}

/* ---- names of what changed ---- */

struct under {
	struct changes *c;
	const struct buf *path;
};

static void
element_changed(void *arg, struct str name, struct jv was, struct jv is)
{
	const struct under *u = arg;
	struct buf path = below(u->path, name);

	(void)was;
	(void)is;
	changed(u->c, &path);
	buf_done(&path);
}

static void members(
    struct changes *c, const struct buf *path, struct jv old, struct jv new);

static void
compare(struct changes *c, const struct buf *path, struct jv old, struct jv new)
{
	struct under u = { c, path };

	if (jv_same(old, new))
		return;
	if (jv_is(old, J_OBJ) && jv_is(new, J_OBJ))
		members(c, path, old, new);
	else if (has_names(old) && has_names(new))
		each_change(old, new, element_changed, &u);
	else
		changed(c, path);
}

/* As deep as the image is: it is ours. */
static void
members(struct changes *c, const struct buf *path, struct jv old, struct jv new)
{
	struct jit it = jit_of(new);
	struct str key;
	struct jv v;

	while (jit_next(&it, &key, &v)) {
		struct buf sub = below(path, key);

		if (path->n > 0 || !is_made(key))
			compare(c, &sub, jv_get(old, key), v);
		buf_done(&sub);
	}
}

void
config_changes(struct jv old, struct jv new, struct buf *out, size_t *unnamed)
{
	struct changes c = { .out = out };
	const struct buf top = { .max = NAME_MAX_N };
	const size_t mark = tape_arr(out);

	members(&c, &top, old, new);
	tape_end(out, mark, c.n);
	*unnamed = c.unnamed;
}

/* ---- credentials ---- */

static void
credential_changed(void *arg, struct str name, struct jv was, struct jv is)
{
	const struct jv old = jv_get(was, STR("cred"));
	const struct jv new = jv_get(is, STR("cred"));
	size_t *n = arg;

	if (jv_same(old, new) || ++*n > CREDENTIALS_MAX)
		return;
	tell_credential(jv_is(old, J_NONE)   ? "added"
			: jv_is(new, J_NONE) ? "removed"
					     : "rotated",
	    name, 0);
}

void
credential_changes(struct jv old, struct jv new)
{
	size_t n = 0;

	each_change(jv_get(old, STR("principals")),
	    jv_get(new, STR("principals")), credential_changed, &n);
	if (n > CREDENTIALS_MAX)
		tell_credential("changed", STR(""), n - CREDENTIALS_MAX);
}
