/*
 * tree-toml: TOML 1.0 as far as an editor of commands must know it: tables,
 * arrays of tables, dotted and quoted keys, the four kinds of texts, arrays and
 * inline tables over several lines.  Numbers and dates are passed over.
 */
#include "ctl/tree.h"

struct scan {
	struct str s;
	size_t at;
	struct arena *a;
	struct note *why;
	unsigned depth;
};

static enum err
fail(struct scan *c, const char *what)
{
	return tree_fail(c->why, c->s, c->at, what);
}

static char
look(const struct scan *c)
{
	return c->at < c->s.n ? c->s.p[c->at] : '\0';
}

static bool
ahead(const struct scan *c, const char *what)
{
	return str_starts(str_sub(c->s, c->at, c->s.n), str_of(what));
}

static void
blanks(struct scan *c)
{
	while (look(c) == ' ' || look(c) == '\t')
		c->at++;
}

/* Blanks, line ends and comments. */
static void
skip(struct scan *c)
{
	for (;;) {
		blanks(c);
		if (look(c) == '#')
			while (c->at < c->s.n && look(c) != '\n')
				c->at++;
		if (look(c) == '\r' || look(c) == '\n')
			c->at++;
		else
			return;
	}
}

/* After a statement its line must end. */
static enum err
line_end(struct scan *c)
{
	blanks(c);
	if (c->at < c->s.n && look(c) != '#' && look(c) != '\n' &&
	    !ahead(c, "\r\n"))
		return fail(c, "something follows a value");
	skip(c);
	return OK;
}

/* """...""" and '''...''': passed over, never edited. */
static enum err
long_text(struct scan *c, struct tree *t, const char *mark)
{
	const bool escapes = mark[0] == '"';

	for (c->at += 3; !ahead(c, mark); c->at++) {
		if (c->at >= c->s.n)
			return fail(c, "a text does not end");
		if (escapes && look(c) == '\\')
			c->at++;
	}
	c->at += 3;
	while (look(c) == mark[0]) /* up to two quotes more belong to it */
		c->at++;
	t->kind = TREE_OTHER;
	return OK;
}

static enum err
short_text(struct scan *c, struct str *out)
{
	const size_t from = c->at;
	const char mark = look(c);
	enum err e;

	for (c->at++; c->at < c->s.n && look(c) != mark; c->at++) {
		if (look(c) == '\n')
			return fail(c, "a text does not end");
		if (mark == '"' && look(c) == '\\')
			c->at++;
	}
	if (c->at >= c->s.n)
		return fail(c, "a text does not end");
	c->at++;
	if (mark == '\'') {
		*out = str_sub(c->s, from + 1, c->at - from - 2);
		return OK;
	}
	e = tree_unquote(c->a, str_sub(c->s, from, c->at - from), out);
	return e == ERR_SYNTAX ? fail(c, "a text has an escape that is not "
					 "known here")
			       : e;
}

static bool
is_bare(char ch)
{
	return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
	       (ch >= '0' && ch <= '9') || ch == '_' || ch == '-';
}

static enum err
key_part(struct scan *c, struct str *out)
{
	const size_t from = c->at;

	if (look(c) == '"' || look(c) == '\'')
		return short_text(c, out);
	while (is_bare(look(c)))
		c->at++;
	if (c->at == from)
		return fail(c, "a key is missing");
	*out = str_sub(c->s, from, c->at - from);
	return OK;
}

static struct tree *
child(const struct tree *map, struct str key)
{
	for (struct tree *t = map->first; t != NULL; t = t->next)
		if (str_eq(t->key, key))
			return t;
	return NULL;
}

/* The table below map; made when it is not there.  Of an array of tables, the
 * last. */
static enum err
descend(struct scan *c, struct tree *map, struct str key, struct tree **out)
{
	struct tree *t = child(map, key);

	if (t == NULL) {
		t = tree_new(c->a, map, TREE_MAP);
		if (t == NULL)
			return ERR_LIMIT;
		t->key = key;
		t->key_at = c->at;
	}
	if (t->kind == TREE_LIST && !t->flow && t->last != NULL)
		t = t->last;
	if (t->kind != TREE_MAP || t->flow)
		return fail(c, "a key is there twice");
	*out = t;
	return OK;
}

/* a.b.c: all but the last part are tables. */
static enum err
key_path(struct scan *c, struct tree *from, struct tree **map, struct str *last)
{
	for (unsigned depth = 0; depth < TREE_DEPTH; depth++) {
		TRY(key_part(c, last));
		blanks(c);
		if (look(c) != '.') {
			*map = from;
			return OK;
		}
		c->at++;
		blanks(c);
		TRY(descend(c, from, *last, &from));
	}
	return fail(c, "too deeply nested");
}

static enum err value(struct scan *c, struct tree *t);

static enum err
statement(struct scan *c, struct tree *table)
{
	const size_t key_at = c->at;
	struct tree *map = NULL, *t;
	struct str key = STR("");

	TRY(key_path(c, table, &map, &key));
	if (look(c) != '=')
		return fail(c, "an = is missing");
	c->at++;
	blanks(c);
	if (child(map, key) != NULL)
		return fail(c, "a key is there twice");
	t = tree_new(c->a, map, TREE_OTHER);
	if (t == NULL)
		return ERR_LIMIT;
	t->key = key;
	t->key_at = key_at;
	return value(c, t);
}

static enum err
element(struct scan *c, struct tree *t)
{
	struct tree *v;

	if (t->kind == TREE_MAP)
		return statement(c, t);
	v = tree_new(c->a, t, TREE_OTHER);
	return v == NULL ? ERR_LIMIT : value(c, v);
}

static enum err
inside(struct scan *c, struct tree *t)
{
	const char close = look(c) == '{' ? '}' : ']';

	if (++c->depth > TREE_DEPTH)
		return fail(c, "too deeply nested");
	t->kind = close == '}' ? TREE_MAP : TREE_LIST;
	c->at++;
	skip(c);
	while (look(c) != close) {
		/* Not yet flow: its own statements may still fill it. */
		TRY(element(c, t));
		skip(c);
		if (look(c) == ',') {
			c->at++;
			skip(c);
		} else if (look(c) != close) {
			return fail(c, "a comma or the end is missing");
		}
	}
	t->flow = true;
	c->at++;
	c->depth--;
	return OK;
}

static enum err
value(struct scan *c, struct tree *t)
{
	t->at = c->at;
	if (ahead(c, "\"\"\""))
		TRY(long_text(c, t, "\"\"\""));
	else if (ahead(c, "'''"))
		TRY(long_text(c, t, "'''"));
	else if (look(c) == '"' || look(c) == '\'') {
		t->kind = TREE_TEXT;
		TRY(short_text(c, &t->text));
	} else if (look(c) == '{' || look(c) == '[')
		TRY(inside(c, t));
	else
		while (c->at < c->s.n && strchr(",]}#\r\n", look(c)) == NULL)
			c->at++;
	while (c->at > t->at &&
	       (c->s.p[c->at - 1] == ' ' || c->s.p[c->at - 1] == '\t'))
		c->at--;
	if (c->at == t->at)
		return fail(c, "a value is missing");
	t->end = c->at;
	return OK;
}

/* [a.b] and [[a.b]] */
static enum err
header(struct scan *c, struct tree *root, struct tree **table)
{
	const bool list = ahead(c, "[[");
	struct tree *map = NULL, *t;
	struct str key = STR("");

	c->at += list ? 2 : 1;
	blanks(c);
	TRY(key_path(c, root, &map, &key));
	if (!ahead(c, list ? "]]" : "]"))
		return fail(c, "a ] is missing");
	c->at += list ? 2 : 1;
	t = child(map, key);
	if (!list) {
		TRY(descend(c, map, key, table));
		return line_end(c);
	}
	if (t == NULL) {
		t = tree_new(c->a, map, TREE_LIST);
		if (t == NULL)
			return ERR_LIMIT;
		t->key = key;
	}
	if (t->kind != TREE_LIST || t->flow)
		return fail(c, "a key is there twice");
	t = tree_new(c->a, t, TREE_MAP);
	if (t == NULL)
		return ERR_LIMIT;
	*table = t;
	return line_end(c);
}

enum err
tree_toml(struct str s, struct arena *a, struct tree **root, struct note *why)
{
	struct scan c = { .s = s, .a = a, .why = why };
	struct tree *top = tree_new(a, NULL, TREE_MAP), *table = top;

	if (top == NULL)
		return ERR_LIMIT;
	if (str_starts(s, STR("\xef\xbb\xbf")))
		c.at = 3;
	for (skip(&c); c.at < s.n; skip(&c)) {
		if (look(&c) == '[') {
			TRY(header(&c, top, &table));
			continue;
		}
		TRY(statement(&c, table));
		TRY(line_end(&c));
	}
	*root = top;
	return OK;
}
