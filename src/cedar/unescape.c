/*
 * unescape: what a string literal stands for, and back.  Escapes: \n \r \t \\
 * \0 \' \" \xHH (up to 7F), \u{H...}; in a pattern also \* for a star that is
 * no wildcard.
 */
#include "cedar/ast.h"

static const struct {
	char letter;
	char means;
} plain[] = {
	{ 'n', '\n' },
	{ 'r', '\r' },
	{ 't', '\t' },
	{ '\\', '\\' },
	{ '0', '\0' },
	{ '\'', '\'' },
	{ '"', '"' },
};

/* Walks over the inside of a literal, one code point after the other. */
struct walk {
	struct str s;
	size_t at;
	const struct ast_tok *tok;
	struct cedar_why *why;
	bool pattern;
};

static int
hex(char ch)
{
	if (ch >= '0' && ch <= '9')
		return ch - '0';
	if (ch >= 'a' && ch <= 'f')
		return ch - 'a' + 10;
	return ch >= 'A' && ch <= 'F' ? ch - 'A' + 10 : -1;
}

/* The place of byte `at` of the inside: strings may span lines. */
static enum err
bad(const struct walk *w, size_t at, const char *what)
{
	struct ast_pos pos = w->tok->pos;

	pos.col++;
	for (size_t i = 0; i < at; i++) {
		pos.col++;
		if (w->s.p[i] == '\n')
			pos = (struct ast_pos){ pos.line + 1, 1 };
	}
	return ast_fail(ERR_SYNTAX, w->why, pos, "%s", what);
}

static enum err
escape_x(struct walk *w, size_t from, uint32_t *out)
{
	int hi = -1, lo = -1;

	if (w->s.n - w->at >= 2) {
		hi = hex(w->s.p[w->at]);
		lo = hex(w->s.p[w->at + 1]);
	}
	if (hi < 0 || lo < 0)
		return bad(w, from, "\\x needs two hexadecimal digits");
	if (hi > 7)
		return bad(
		    w, from, "\\x goes up to \\x7F; beyond, use \\u{..}");
	w->at += 2;
	*out = (uint32_t)(hi * 16 + lo);
	return OK;
}

/* Digits may be parted by underscores, but not begin with one. */
static enum err
escape_u(struct walk *w, size_t from, uint32_t *out)
{
	const struct str s = w->s;
	uint32_t v = 0;
	int n = 0;

	if (w->at >= s.n || s.p[w->at] != '{')
		return bad(w, from, "\\u needs a brace: \\u{1F600}");
	for (w->at++; w->at < s.n && s.p[w->at] != '}'; w->at++) {
		const int d = hex(s.p[w->at]);

		if (d < 0 && s.p[w->at] == '_' && n > 0)
			continue;
		if (d < 0 || ++n > 6)
			return bad(
			    w, from, "\\u{..} holds one to six hex digits");
		v = v << 4 | (uint32_t)d;
	}
	if (w->at >= s.n || n == 0)
		return bad(w, from, "\\u{..} holds one to six hex digits");
	if (v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff))
		return bad(w, from, "\\u{..} must name a Unicode character");
	w->at++;
	*out = v;
	return OK;
}

static enum err
escape(struct walk *w, uint32_t *out, bool *star)
{
	const size_t from = w->at++;
	char ch;

	if (w->at >= w->s.n)
		return bad(
		    w, from, "a backslash must be followed by something");
	ch = w->s.p[w->at++];
	for (size_t i = 0; i < countof(plain); i++)
		if (plain[i].letter == ch) {
			*out = (unsigned char)plain[i].means;
			return OK;
		}
	if (ch == 'x')
		return escape_x(w, from, out);
	if (ch == 'u')
		return escape_u(w, from, out);
	if (ch == '*' && w->pattern) {
		*star = false;
		*out = '*';
		return OK;
	}
	return bad(w, from,
	    ch == '*' ? "\\* is for patterns of \"like\" only"
		      : "no such escape; there are \\n \\r \\t \\\\ \\0 \\' "
			"\\\" \\x41 \\u{1F600}");
}

/* The text is UTF-8: that was asked before. */
static uint32_t
decode(struct walk *w)
{
	const unsigned char *p = (const unsigned char *)w->s.p + w->at;
	const size_t n = *p < 0x80 ? 1 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;
	uint32_t v = n == 1 ? *p : *p & (0x7fU >> n);

	for (size_t i = 1; i < n && i < w->s.n - w->at; i++)
		v = v << 6 | (p[i] & 0x3fU);
	w->at += n;
	return v;
}

static enum err
next(struct walk *w, uint32_t *out, bool *star)
{
	const char ch = w->s.p[w->at];

	*star = ch == '*' && w->pattern;
	if (ch == '\\')
		return escape(w, out, star);
	if (ch == '\r')
		return bad(w, w->at, "a carriage return is written \\r");
	*out = decode(w);
	return OK;
}

static size_t
encode(uint32_t v, char *p)
{
	const size_t n = v < 0x80 ? 1 : v < 0x800 ? 2 : v < 0x10000 ? 3 : 4;
	static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

	for (size_t i = n - 1; i > 0; i--) {
		p[i] = (char)(0x80 | (v & 0x3f));
		v >>= 6;
	}
	p[0] = (char)(lead[n] | v);
	return n;
}

static struct walk
walk_of(const struct ast_tok *t, struct cedar_why *why, bool pattern)
{
	return (struct walk){ str_sub(t->s, 1, t->s.n < 2 ? 0 : t->s.n - 2), 0,
		t, why, pattern };
}

/* An escape is never shorter than what it stands for. */
enum err
ast_unescape(const struct ast_tok *t, struct arena *a, struct str *out,
    struct cedar_why *why)
{
	struct walk w = walk_of(t, why, false);
	uint32_t v = 0;
	bool star;
	size_t n = 0;
	char *p;

	TRY(ast_alloc(a, w.s.n + 1, 1, why, &p));
	while (w.at < w.s.n) {
		TRY(next(&w, &v, &star));
		n += encode(v, p + n);
	}
	*out = (struct str){ p, n };
	return OK;
}

enum err
ast_unescape_pattern(const struct ast_tok *t, struct arena *a,
    struct ast_pattern *out, struct cedar_why *why)
{
	struct walk w = walk_of(t, why, true);
	uint32_t v = 0, *el;
	bool star;
	size_t n = 0;

	TRY(ast_alloc(a, w.s.n, sizeof(*el), why, &el));
	while (w.at < w.s.n) {
		TRY(next(&w, &v, &star));
		el[n++] = star ? AST_ANY : v;
	}
	*out = (struct ast_pattern){ el, n };
	return OK;
}

/* ---- back ---- */
static void
put_char(struct buf *out, uint32_t v, bool pattern)
{
	char p[4];

	for (size_t i = 0; i < countof(plain); i++)
		if (v == (unsigned char)plain[i].means && v != '\'') {
			buf_ch(out, '\\');
			buf_ch(out, plain[i].letter);
			return;
		}
	if (v < 0x20 || v == 0x7f)
		buf_fmt(out, "\\x%02X", v);
	else if (v == '*' && pattern)
		buf_str(out, STR("\\*"));
	else if (v >= 0x80 && v < 0xa0) /* controls, and U+0085 breaks lines */
		buf_fmt(out, "\\u{%X}", v);
	else if (v == 0x2028 || v == 0x2029 || (v >= 0x202a && v <= 0x202e) ||
		 (v >= 0x2066 && v <= 0x2069)) /* would mislead a reader */
		buf_fmt(out, "\\u{%X}", v);
	else
		buf_put(out, p, encode(v, p));
}

void
ast_put_string(struct buf *out, struct str s)
{
	struct walk w = { .s = s };

	buf_ch(out, '"');
	while (w.at < s.n)
		put_char(out, decode(&w), false);
	buf_ch(out, '"');
}

void
ast_put_pattern(struct buf *out, struct ast_pattern p)
{
	buf_ch(out, '"');
	for (size_t i = 0; i < p.n; i++)
		if (p.el[i] == AST_ANY)
			buf_ch(out, '*');
		else
			put_char(out, p.el[i], true);
	buf_ch(out, '"');
}

size_t
ast_utf8(uint32_t v, char out[static 4])
{
	return encode(v, out);
}

size_t
ast_points(struct str s, uint32_t *out)
{
	struct walk w = { .s = s };
	size_t n = 0;

	while (w.at < s.n)
		out[n++] = decode(&w);
	return n;
}
