/* tree: what the three readers share. */
#include "ctl/tree.h"

#include "json/json.h"

struct tree *
tree_new(struct arena *a, struct tree *up, enum tree_kind kind)
{
	struct tree *t = arena_alloc(a, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->kind = kind;
	t->up = up;
	if (up == NULL)
		return t;
	if (up->last == NULL)
		up->first = t;
	else
		up->last->next = t;
	up->last = t;
	up->count++;
	return t;
}

enum err
tree_fail(struct note *why, struct str text, size_t at, const char *what)
{
	size_t line = 1;

	for (size_t i = 0; i < at && i < text.n; i++)
		line += text.p[i] == '\n' ? 1 : 0;
	note_set(why, "line %zu: %s", line, what);
	return ERR_SYNTAX;
}

/* JSON's escapes are TOML's and YAML's common ones; others are refused, and
 * the entry then is left alone. */
enum err
tree_unquote(struct arena *a, struct str literal, struct str *out)
{
	struct buf tape = { .max = literal.n + 64 };
	struct str copy;

	if (json_parse(literal, &json_default, &tape, NULL) != OK ||
	    !jv_is(jv_of(buf_view(&tape)), J_STR)) {
		buf_done(&tape);
		return ERR_SYNTAX;
	}
	copy = arena_str(a, jv_str(jv_of(buf_view(&tape))));
	buf_done(&tape);
	if (copy.p == NULL)
		return ERR_LIMIT;
	*out = copy;
	return OK;
}

struct tree *
tree_get(const struct tree *map, const char *key)
{
	if (map == NULL || map->kind != TREE_MAP)
		return NULL;
	for (struct tree *t = map->first; t != NULL; t = t->next)
		if (str_eq(t->key, str_of(key)))
			return t;
	return NULL;
}

bool
tree_twice(const struct tree *map, const char *key)
{
	unsigned n = 0;

	for (struct tree *t = map->first; t != NULL; t = t->next)
		n += str_eq(t->key, str_of(key)) ? 1 : 0;
	return n > 1;
}

enum err
tree_read(enum tree_format f, struct str text, struct arena *a,
    struct tree **root, struct note *why)
{
	static enum err (*const readers[])(struct str text, struct arena * a,
	    struct tree * *root, struct note * why) = {
		[TREE_JSON] = tree_json,
		[TREE_TOML] = tree_toml,
		[TREE_YAML] = tree_yaml,
	};

	if (text.n > TREE_BYTES) {
		note_set(why, "the file is larger than 16 MiB");
		return ERR_LIMIT;
	}
	if (!utf8_ok(text) || str_find(text, '\0') != text.n) {
		note_set(why, "the file is not UTF-8 text");
		return ERR_SYNTAX;
	}
	return readers[f](text, a, root, why);
}
