/*
 * schema-type: the words, names, annotations and types of schema text.
 *
 * Beyond the grammar this refuses a record that names a member twice; the last
 * one would else win in silence.
 */
#include "cedar/text-in.h"

enum err
text_spent(struct reader *r)
{
	return ast_fail(ERR_LIMIT, r->why, r->t.pos, "the schema is too large");
}

enum err
text_next(struct reader *r)
{
	return ast_lex_next(&r->lx, &r->t);
}

bool
text_is(const struct reader *r, const char *what)
{
	return ast_tok_is(&r->t, what);
}

enum err
text_wrong(struct reader *r, const char *wanted)
{
	char room[48];
	const struct str found = ast_tok_show(&r->t, room);

	return ast_fail(ERR_SYNTAX, r->why, r->t.pos, "expected %s, found %.*s",
	    wanted, STR_ARG(found));
}

enum err
text_want(struct reader *r, const char *what, const char *words)
{
	return text_is(r, what) ? text_next(r) : text_wrong(r, words);
}

/* A word that may be a name.  __cedar is one, for "__cedar::Bool". */
enum err
text_ident(struct reader *r, const char *wanted, struct str *out)
{
	if (r->t.kind != TOK_WORD)
		return text_wrong(r, wanted);
	if (!ast_is_ident(r->t.s) && !str_eq(r->t.s, STR("__cedar")))
		return ast_fail(ERR_SYNTAX, r->why, r->t.pos,
		    "\"%.*s\" is a reserved word and cannot be a name",
		    STR_ARG(r->t.s));
	*out = r->t.s; /* into the text; copied by who keeps it */
	return text_next(r);
}

enum err
text_keep(struct reader *r, struct str s, struct str *out)
{
	const struct str copy = arena_str(r->a, s);

	if (copy.p == NULL)
		return text_spent(r);
	*out = copy;
	return OK;
}

/* After first: {"::" word}.  *text is set when it ends in ::"text". */
enum err
text_path_rest(struct reader *r, struct str first, struct str *out, bool *text)
{
	struct str word = { NULL, 0 };

	buf_clear(&r->tmp);
	buf_str(&r->tmp, first);
	*text = false;
	while (text_is(r, "::")) {
		TRY(text_next(r));
		if (r->t.kind == TOK_STRING) {
			*text = true;
			break;
		}
		TRY(text_ident(r, "a name after \"::\"", &word));
		buf_str(&r->tmp, STR("::"));
		buf_str(&r->tmp, word);
	}
	if (buf_end(&r->tmp))
		return ast_fail(
		    ERR_LIMIT, r->why, r->t.pos, "this name is too long");
	return text_keep(r, buf_view(&r->tmp), out);
}

enum err
text_path(struct reader *r, const char *wanted, struct str *out)
{
	struct str first = { NULL, 0 };
	bool text;

	TRY(text_ident(r, wanted, &first));
	TRY(text_path_rest(r, first, out, &text));
	return text ? text_wrong(r, "a name after \"::\"") : OK;
}

/* A name of an action or a member: a word or a string. */
enum err
text_name(struct reader *r, const char *wanted, struct str *out)
{
	struct str word = { NULL, 0 };

	if (r->t.kind == TOK_STRING) {
		TRY(ast_unescape(&r->t, r->a, out, r->why));
		return text_next(r);
	}
	TRY(text_ident(r, wanted, &word));
	return text_keep(r, word, out);
}

static enum err
one_note(struct reader *r, struct ast_note *out)
{
	struct ast_note n = { .pos = r->t.pos };

	TRY(text_next(r)); /* @ */
	if (r->t.kind != TOK_WORD)
		return text_wrong(r, "the name of an annotation after \"@\"");
	TRY(text_keep(r, r->t.s, &n.name));
	TRY(text_next(r));
	if (text_is(r, "(")) {
		TRY(text_next(r));
		if (r->t.kind != TOK_STRING)
			return text_wrong(r, "a string: @name(\"text\")");
		TRY(ast_unescape(&r->t, r->a, &n.value, r->why));
		n.has_value = true;
		TRY(text_next(r));
		TRY(text_want(r, ")", "\")\" after the annotation's text"));
	}
	*out = n;
	return OK;
}

enum err
text_notes(struct reader *r, const struct ast_note **out, size_t *out_n)
{
	struct vec v = { 0 };
	const void *twice;

	while (text_is(r, "@")) {
		struct ast_note *n = vec_add(r->a, &v, sizeof(*n));

		if (n == NULL)
			return text_spent(r);
		TRY(one_note(r, n));
	}
	if (!schema_sort(v.p, v.n, sizeof(struct ast_note), &twice)) {
		const struct ast_note *n = twice;

		return ast_fail(ERR_SYNTAX, r->why, n->pos,
		    "annotation @%.*s is given twice", STR_ARG(n->name));
	}
	*out = v.p;
	*out_n = v.n;
	return OK;
}

/* ---- types ---- */

static enum err
member(struct reader *r, struct st_attr *out)
{
	struct st_attr m = { .pos = r->t.pos };

	TRY(text_notes(r, &m.note, &m.note_n));
	m.pos = r->t.pos;
	TRY(text_name(r, "the name of a member or \"}\"", &m.name));
	if (text_is(r, "?")) {
		m.optional = true;
		TRY(text_next(r));
	}
	TRY(text_want(r, ":", "\":\" and a type after the member's name"));
	TRY(text_type(r, &m.type));
	*out = m;
	return OK;
}

/* From "{" to behind "}". */
enum err
text_record(struct reader *r, const struct st **out)
{
	struct st *t = arena_alloc(r->a, sizeof(*t));
	struct vec v = { 0 };
	const void *twice;

	if (t == NULL)
		return text_spent(r);
	t->kind = ST_RECORD;
	t->pos = r->t.pos;
	TRY(text_next(r));
	while (!text_is(r, "}")) {
		struct st_attr *m = vec_add(r->a, &v, sizeof(*m));

		if (m == NULL)
			return text_spent(r);
		TRY(member(r, m));
		if (!text_is(r, ","))
			break;
		TRY(text_next(r));
	}
	TRY(text_want(r, "}", "\",\" or \"}\" after the member"));
	if (!schema_sort(v.p, v.n, sizeof(struct st_attr), &twice)) {
		const struct st_attr *m = twice;

		return ast_fail(ERR_SYNTAX, r->why, m->pos,
		    "member \"%.*s\" is given twice", STR_ARG(m->name));
	}
	t->attr = v.p;
	t->n = (uint32_t)v.n;
	*out = t;
	return OK;
}

static enum err
named_type(struct reader *r, const struct st **out)
{
	struct st *t = arena_alloc(r->a, sizeof(*t));
	struct str word = { NULL, 0 };
	bool text;

	if (t == NULL)
		return text_spent(r);
	t->pos = r->t.pos;
	TRY(text_ident(r, "a type: a name, Set<...> or {...}", &word));
	if (str_eq(word, STR("Set")) && text_is(r, "<")) {
		TRY(text_next(r));
		t->kind = ST_SET;
		TRY(text_type(r, &t->el));
		TRY(text_want(r, ">", "\">\" after the type of the elements"));
	} else {
		t->kind = ST_EITHER;
		TRY(text_path_rest(r, word, &t->name, &text));
		if (text)
			return text_wrong(r, "a name after \"::\"");
	}
	*out = t;
	return OK;
}

enum err
text_type(struct reader *r, const struct st **out)
{
	enum err e;

	if (r->depth == SCHEMA_DEPTH)
		return ast_fail(ERR_LIMIT, r->why, r->t.pos,
		    "types are nested more than %d deep", SCHEMA_DEPTH);
	r->depth++;
	e = text_is(r, "{") ? text_record(r, out) : named_type(r, out);
	r->depth--;
	return e;
}
