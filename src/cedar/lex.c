/*
 * lex: Cedar text to tokens, for policies and schemas alike.  Every token is
 * a view of the text and knows its line and column.  White space is Unicode's;
 * comments run from two slashes to the end of the line.
 */
#include "cedar/ast.h"

/* White space outside ASCII, in UTF-8. */
static const struct str spaces[] = {
	STR_INIT("\xc2\x85"),
	STR_INIT("\xc2\xa0"),
	STR_INIT("\xe1\x9a\x80"),
	STR_INIT("\xe2\x80\x80"),
	STR_INIT("\xe2\x80\x81"),
	STR_INIT("\xe2\x80\x82"),
	STR_INIT("\xe2\x80\x83"),
	STR_INIT("\xe2\x80\x84"),
	STR_INIT("\xe2\x80\x85"),
	STR_INIT("\xe2\x80\x86"),
	STR_INIT("\xe2\x80\x87"),
	STR_INIT("\xe2\x80\x88"),
	STR_INIT("\xe2\x80\x89"),
	STR_INIT("\xe2\x80\x8a"),
	STR_INIT("\xe2\x80\xa8"),
	STR_INIT("\xe2\x80\xa9"),
	STR_INIT("\xe2\x80\xaf"),
	STR_INIT("\xe2\x81\x9f"),
	STR_INIT("\xe3\x80\x80"),
};

/* Longer ones first. */
static const struct str puncts[] = {
	STR_INIT("::"),
	STR_INIT("=="),
	STR_INIT("!="),
	STR_INIT("<="),
	STR_INIT(">="),
	STR_INIT("||"),
	STR_INIT("&&"),
	STR_INIT("@"),
	STR_INIT("."),
	STR_INIT(","),
	STR_INIT(";"),
	STR_INIT(":"),
	STR_INIT("("),
	STR_INIT(")"),
	STR_INIT("{"),
	STR_INIT("}"),
	STR_INIT("["),
	STR_INIT("]"),
	STR_INIT("<"),
	STR_INIT(">"),
	STR_INIT("+"),
	STR_INIT("-"),
	STR_INIT("*"),
	STR_INIT("/"),
	STR_INIT("%"),
	STR_INIT("!"),
	STR_INIT("="),
	STR_INIT("?"),
};

static const struct str reserved[] = {
	STR_INIT("true"),
	STR_INIT("false"),
	STR_INIT("if"),
	STR_INIT("then"),
	STR_INIT("else"),
	STR_INIT("in"),
	STR_INIT("like"),
	STR_INIT("has"),
	STR_INIT("is"),
	STR_INIT("__cedar"),
};

/* ---- words ---- */
static bool
is_letter(char ch)
{
	return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
	       ch == '_';
}

static bool
is_digit(char ch)
{
	return ch >= '0' && ch <= '9';
}

/* Bytes of the word that s begins with; 0: none. */
static size_t
word_len(struct str s)
{
	size_t n = 0;

	while (n < s.n && (is_letter(s.p[n]) || (n > 0 && is_digit(s.p[n]))))
		n++;
	return n;
}

bool
ast_is_word(struct str s)
{
	return s.n > 0 && word_len(s) == s.n;
}

bool
ast_is_ident(struct str s)
{
	for (size_t i = 0; i < countof(reserved); i++)
		if (str_eq(s, reserved[i]))
			return false;
	return ast_is_word(s);
}

bool
ast_is_name(struct str s)
{
	size_t at;

	while ((at = str_search(s, STR("::"))) < s.n) {
		if (!ast_is_ident(str_sub(s, 0, at)))
			return false;
		s = str_sub(s, at + 2, s.n);
	}
	return ast_is_ident(s);
}

/* ---- tokens ---- */
void
ast_lex_init(struct ast_lex *lx, struct str text, struct cedar_why *why)
{
	*lx = (struct ast_lex){ .text = text, .line = 1, .why = why };
}

static struct ast_pos
here(const struct ast_lex *lx)
{
	return (
	    struct ast_pos){ lx->line, (uint32_t)(lx->at - lx->line_at) + 1 };
}

static void
new_line(struct ast_lex *lx, size_t after)
{
	lx->line++;
	lx->line_at = after;
}

static size_t
space_len(struct str s)
{
	const char ch = s.p[0];

	if (ch == ' ' || (ch >= '\t' && ch <= '\r'))
		return 1;
	if ((unsigned char)ch < 0xc2)
		return 0;
	for (size_t i = 0; i < countof(spaces); i++)
		if (str_starts(s, spaces[i]))
			return spaces[i].n;
	return 0;
}

static bool
ends_line(char ch)
{
	return ch == '\n' || ch == '\r';
}

static void
skip(struct ast_lex *lx)
{
	const struct str t = lx->text;
	size_t n;

	while (lx->at < t.n) {
		if (str_starts(str_sub(t, lx->at, 2), STR("//"))) {
			while (lx->at < t.n && !ends_line(t.p[lx->at]))
				lx->at++;
			continue;
		}
		n = space_len(str_sub(t, lx->at, 3));
		if (n == 0)
			return;
		lx->at += n;
		if (t.p[lx->at - 1] == '\n')
			new_line(lx, lx->at);
	}
}

/* At the opening quote. */
static enum err
string(struct ast_lex *lx, struct ast_tok *out)
{
	const struct str t = lx->text;
	size_t i = lx->at + 1;

	while (i < t.n && t.p[i] != '"') {
		if (t.p[i] == '\\')
			i++;
		if (i < t.n && t.p[i] == '\n') {
			if (t.p[i - 1] == '\\')
				return ast_fail(ERR_SYNTAX, lx->why, out->pos,
				    "a string cannot have a backslash at the "
				    "end of a line");
			new_line(lx, i + 1);
		}
		i++;
	}
	if (i >= t.n)
		return ast_fail(ERR_SYNTAX, lx->why, out->pos,
		    "this string has no closing quote");
	out->kind = TOK_STRING;
	out->s = str_sub(t, lx->at, i + 1 - lx->at);
	return OK;
}

static enum err
unknown(const struct ast_lex *lx, const struct ast_tok *t)
{
	const unsigned char ch = (unsigned char)lx->text.p[lx->at];

	if (ch == '&' || ch == '|')
		return ast_fail(ERR_SYNTAX, lx->why, t->pos,
		    "found one %c; \"and\" is written &&, \"or\" ||", ch);
	if (ch == '\'')
		return ast_fail(ERR_SYNTAX, lx->why, t->pos,
		    "found '; strings have double quotes");
	if (str_starts(lx->text, STR("\xef\xbb\xbf")) && lx->at == 0)
		return ast_fail(ERR_SYNTAX, lx->why, t->pos,
		    "found a byte order mark; save the text without");
	if (ch < 0x20 || ch >= 0x7f)
		return ast_fail(ERR_SYNTAX, lx->why, t->pos,
		    "found byte 0x%02x, which begins no word or sign", ch);
	return ast_fail(ERR_SYNTAX, lx->why, t->pos,
	    "found %c, which is no sign of the language", ch);
}

static size_t
number_len(struct str s)
{
	size_t n = 0;

	while (n < s.n && is_digit(s.p[n]))
		n++;
	return n;
}

static size_t
punct_len(struct str s)
{
	for (size_t i = 0; i < countof(puncts); i++)
		if (str_starts(s, puncts[i]))
			return puncts[i].n;
	return 0;
}

static void
take(struct ast_lex *lx, enum ast_token kind, size_t n, struct ast_tok *out)
{
	out->kind = kind;
	out->s = str_sub(lx->text, lx->at, n);
}

enum err
ast_lex_next(struct ast_lex *lx, struct ast_tok *out)
{
	struct ast_tok t = { .kind = TOK_END };
	struct str rest;
	size_t n;

	skip(lx);
	t.pos = here(lx);
	rest = str_sub(lx->text, lx->at, lx->text.n);
	if (rest.n == 0)
		t.s = rest;
	else if ((n = word_len(rest)) > 0)
		take(lx, TOK_WORD, n, &t);
	else if ((n = number_len(rest)) > 0)
		take(lx, TOK_NUMBER, n, &t);
	else if (rest.p[0] == '"')
		TRY(string(lx, &t));
	else if (rest.p[0] == '?' && (n = word_len(str_sub(rest, 1, rest.n))))
		take(lx, TOK_SLOT, n + 1, &t);
	else if ((n = punct_len(rest)) > 0)
		take(lx, TOK_PUNCT, n, &t);
	else
		return unknown(lx, &t);
	lx->at += t.s.n;
	*out = t;
	return OK;
}

bool
ast_tok_is(const struct ast_tok *t, const char *punct_or_word)
{
	return (t->kind == TOK_PUNCT || t->kind == TOK_WORD) &&
	       str_eq(t->s, str_of(punct_or_word));
}

struct str
ast_tok_show(const struct ast_tok *t, char room[static 48])
{
	enum { SHOWN = 32 };
	size_t n = t->s.n;
	int len;

	if (t->kind == TOK_END)
		return STR("the end of the text");
	if (n > SHOWN) /* not in the middle of a character */
		for (n = SHOWN; n > 0 && (t->s.p[n] & 0xc0) == 0x80;)
			n--;
	len = snprintf(
	    room, 48, "%.*s%s", (int)n, t->s.p, n < t->s.n ? "..." : "");
	return (struct str){ room, len < 0 ? 0 : (size_t)len };
}
