/*
 * tree-json: JSON as editors write it: with // and block comments, and with a
 * comma before a closing bracket.  Everything else is as strict as JSON.
 */
#include "ctl/tree.h"

struct scan {
	struct str s;
	size_t at;
	struct arena *a;
	struct note *why;
	struct tree *root;
	unsigned depth;
};

static enum err
fail(struct scan *c, const char *what)
{
	return tree_fail(c->why, c->s, c->at, what);
}

static char
look(const struct scan *c, size_t ahead)
{
	return c->at + ahead < c->s.n ? c->s.p[c->at + ahead] : '\0';
}

static void
skip_line(struct scan *c)
{
	while (c->at < c->s.n && c->s.p[c->at] != '\n')
		c->at++;
}

static enum err
skip_block(struct scan *c)
{
	const size_t end =
	    str_search(str_sub(c->s, c->at + 2, c->s.n), STR("*/"));

	if (end == c->s.n - c->at - 2)
		return fail(c, "a comment does not end");
	c->at += end + 4;
	return OK;
}

static enum err
skip(struct scan *c)
{
	for (;;) {
		const char ch = look(c, 0);

		if (ch == ' ' || ch == '\t' || ch == '\r' || ch == '\n')
			c->at++;
		else if (ch == '/' && look(c, 1) == '/')
			skip_line(c);
		else if (ch == '/' && look(c, 1) == '*')
			TRY(skip_block(c));
		else
			return OK;
	}
}

/* Moves over a literal, quotes included; out is what it says. */
static enum err
text(struct scan *c, struct str *out)
{
	const size_t from = c->at++;
	enum err e;

	while (c->at < c->s.n && c->s.p[c->at] != '"') {
		if (c->s.p[c->at] == '\n')
			return fail(c, "a text does not end");
		c->at += c->s.p[c->at] == '\\' ? 2 : 1;
	}
	if (c->at >= c->s.n)
		return fail(c, "a text does not end");
	c->at++;
	e = tree_unquote(c->a, str_sub(c->s, from, c->at - from), out);
	return e == ERR_SYNTAX ? fail(c, "a text has a bad escape") : e;
}

/* Of a member or element of up, or of all when up is NULL. */
static enum err value(
    struct scan *c, struct tree *up, struct str key, size_t key_at);

/* One member or element, after which a comma or the end must come. */
static enum err
member(struct scan *c, struct tree *t)
{
	struct str key = STR("");
	const size_t key_at = c->at;

	if (t->kind == TREE_MAP) {
		if (look(c, 0) != '"')
			return fail(c, "a key must be a text in quotes");
		TRY(text(c, &key));
		TRY(skip(c));
		if (look(c, 0) != ':')
			return fail(c, "a colon is missing");
		c->at++;
		TRY(skip(c));
	}
	TRY(value(c, t, key, key_at));
	return skip(c);
}

static enum err
inside(struct scan *c, struct tree *t)
{
	const char close = t->kind == TREE_MAP ? '}' : ']';

	if (++c->depth > TREE_DEPTH)
		return fail(c, "too deeply nested");
	c->at++;
	TRY(skip(c));
	while (look(c, 0) != close) {
		TRY(member(c, t));
		if (look(c, 0) == ',') {
			c->at++;
			TRY(skip(c));
		} else if (look(c, 0) != close) {
			return fail(c, "a comma or the end is missing");
		}
	}
	c->at++;
	c->depth--;
	return OK;
}

static bool
is_word(char ch)
{
	return (ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'z') ||
	       ch == 'E' || ch == '+' || ch == '-' || ch == '.';
}

static enum err
value(struct scan *c, struct tree *up, struct str key, size_t key_at)
{
	const char ch = look(c, 0);
	struct tree *t = tree_new(c->a, up,
	    ch == '{'	? TREE_MAP
	    : ch == '[' ? TREE_LIST
	    : ch == '"' ? TREE_TEXT
			: TREE_OTHER);

	if (t == NULL)
		return ERR_LIMIT;
	if (up == NULL)
		c->root = t;
	t->key = key;
	t->key_at = key_at;
	t->at = c->at;
	t->flow = true;
	if (ch == '{' || ch == '[')
		TRY(inside(c, t));
	else if (ch == '"')
		TRY(text(c, &t->text));
	else
		while (is_word(look(c, 0)))
			c->at++;
	if (c->at == t->at)
		return fail(c, "a value is missing");
	t->end = c->at;
	return OK;
}

enum err
tree_json(struct str s, struct arena *a, struct tree **root, struct note *why)
{
	struct scan c = { .s = s, .a = a, .why = why };

	if (str_starts(s, STR("\xef\xbb\xbf")))
		c.at = 3; /* some editors write a mark first */
	TRY(skip(&c));
	if (c.at == s.n)
		return fail(&c, "the file is empty");
	TRY(value(&c, NULL, STR(""), 0));
	TRY(skip(&c));
	if (c.at != s.n)
		return fail(&c, "something follows the end");
	*root = c.root;
	return OK;
}
