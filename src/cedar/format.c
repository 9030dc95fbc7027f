/*
 * format: lays out the tokens of a text, comments included.  It changes white
 * space and drops a comma before a closing bracket; it knows brackets, chains
 * and "if", and nothing of what they mean.
 *
 * What fits on a line of 80 stands on it; else a chain breaks after each of its
 * operators, an "if" before "then" and "else", a bracket after each comma.
 */
#include "cedar/put-in.h"
#include "cedar/set-in.h"

enum { LINE = 80, STEP = 2 };
#define NEVER SIZE_MAX /* a width no line has */

struct comment {
	struct str s;
	bool trailing; /* on the line of the token before */
	bool blank;    /* an empty line before it */
};
struct ftok {
	struct ast_tok t;
	size_t com, com_n; /* comments before it */
	bool blank;	   /* an empty line before it */
	size_t pair;	   /* of a bracket: the other one */
	bool unary;	   /* a minus that is a sign */
};
struct fmt {
	struct ftok *tok;
	size_t n, cap;
	struct comment *com;
	size_t com_n, com_cap;
	struct buf *out;
	size_t indent, col;
	bool fresh; /* nothing on this line yet */
	bool must;  /* the line has a comment: nothing may follow */
};

/* ---- reading ---- */
static void
add_comment(struct fmt *f, struct comment c)
{
	if (f->com_n == f->com_cap) {
		const size_t more = f->com_cap == 0 ? 16 : 2 * f->com_cap;

		f->com = mem_more(f->com, f->com_cap * sizeof(*f->com),
		    more * sizeof(*f->com));
		f->com_cap = more;
	}
	f->com[f->com_n++] = c;
}

static struct str
trim_end(struct str s)
{
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

/* What stands between two tokens: white space and comments. */
static void
read_gap(struct fmt *f, struct str gap, struct ftok *t)
{
	size_t lines = 0;

	t->com = f->com_n;
	for (size_t i = 0; i < gap.n; i++) {
		size_t n = 0;

		if (gap.p[i] == '\n')
			lines++;
		if (gap.p[i] != '/')
			continue;
		while (i + n < gap.n && gap.p[i + n] != '\n' &&
		       gap.p[i + n] != '\r')
			n++;
		add_comment(f, (struct comment){ trim_end(str_sub(gap, i, n)),
				   lines == 0 && f->n > 0 && f->com_n == t->com,
				   lines > 1 });
		lines = 0;
		i += n - 1;
	}
	t->blank = lines > 1;
	t->com_n = f->com_n - t->com;
}

static bool
is_any(const struct ast_tok *t, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (ast_tok_is(t, words[i]))
			return true;
	return false;
}
#define IS_ANY(t, ...)                                                         \
	is_any((t), (const char *const[]){ __VA_ARGS__ },                      \
	    countof(((const char *const[]){ __VA_ARGS__ })))

static bool
opens(const struct ast_tok *t)
{
	return IS_ANY(t, "(", "[", "{");
}

static bool
closes(const struct ast_tok *t)
{
	return IS_ANY(t, ")", "]", "}");
}

/* Could an operator follow it? */
static bool
ends_value(const struct ast_tok *t)
{
	if (t->kind == TOK_PUNCT)
		return closes(t);
	return !IS_ANY(t, "in", "has", "like", "is", "if", "then", "else");
}

static void
add_tok(struct fmt *f, struct ftok t)
{
	/* A last comma goes; its comments stay with the bracket. */
	if (closes(&t.t) && f->n > 0 && ast_tok_is(&f->tok[f->n - 1].t, ",")) {
		f->n--;
		if (f->tok[f->n].com_n > 0)
			for (size_t i = 0; i < t.com_n; i++)
				f->com[t.com + i].trailing = false;
		t.com_n += f->tok[f->n].com_n;
		t.com = f->tok[f->n].com;
	}
	if (f->n == f->cap) {
		const size_t more = f->cap == 0 ? 64 : 2 * f->cap;

		f->tok = mem_more(
		    f->tok, f->cap * sizeof(*f->tok), more * sizeof(*f->tok));
		f->cap = more;
	}
	t.unary = ast_tok_is(&t.t, "-") &&
		  !(f->n > 0 && ends_value(&f->tok[f->n - 1].t));
	f->tok[f->n++] = t;
}

/* The text parses, so brackets pair; the stack is a list through "pair". */
static void
pair_brackets(struct fmt *f)
{
	size_t top = NEVER;

	for (size_t i = 0; i < f->n; i++) {
		if (opens(&f->tok[i].t)) {
			f->tok[i].pair = top;
			top = i;
		} else if (closes(&f->tok[i].t) && top != NEVER) {
			const size_t below = f->tok[top].pair;

			f->tok[top].pair = i;
			f->tok[i].pair = top;
			top = below;
		}
	}
}

static bool
read_all(struct fmt *f, struct str text)
{
	struct ftok t = { 0 };
	struct ast_lex lx;
	size_t end = 0;

	ast_lex_init(&lx, text, NULL);
	do {
		if (ast_lex_next(&lx, &t.t) != OK)
			return false;
		read_gap(f, str_sub(text, end, lx.at - t.t.s.n - end), &t);
		end = lx.at;
		add_tok(f, t);
	} while (t.t.kind != TOK_END);
	pair_brackets(f);
	return true;
}

/* ---- writing ---- */
static void
text(struct fmt *f, struct str s)
{
	if (f->fresh)
		for (; f->col < f->indent; f->col++)
			buf_ch(f->out, ' ');
	f->fresh = false;
	buf_str(f->out, s);
	for (size_t i = 0; i < s.n; i++)
		if ((s.p[i] & 0xc0) != 0x80)
			f->col++;
}

static void
line(struct fmt *f)
{
	if (!f->fresh)
		buf_ch(f->out, '\n');
	f->fresh = true;
	f->must = false;
	f->col = 0;
}

static bool
spaced(const struct fmt *f, size_t k)
{
	const struct ast_tok *a, *b = &f->tok[k].t;

	if (k == 0)
		return false;
	a = &f->tok[k - 1].t;
	if (IS_ANY(a, "(", "[", ".", "::", "!", "@") || f->tok[k - 1].unary)
		return false;
	if (IS_ANY(b, ")", "]", ",", ";", ":", ".", "::"))
		return false;
	if (ast_tok_is(a, "{") && ast_tok_is(b, "}"))
		return false;
	if (IS_ANY(b, "(", "["))
		return !ends_value(a) || IS_ANY(a, "permit", "forbid");
	return true;
}

/* With the comments before it, and the one that stands behind it. */
static void
put_tok(struct fmt *f, size_t k, bool space)
{
	const struct ftok *t = &f->tok[k];

	for (size_t i = 0; i < t->com_n; i++) {
		if (f->com[t->com + i].trailing)
			continue;
		line(f);
		text(f, f->com[t->com + i].s);
		f->must = true;
	}
	if (f->must)
		line(f);
	if (space && !f->fresh)
		text(f, STR(" "));
	text(f, t->t.s);
	if (k + 1 < f->n && f->tok[k + 1].com_n > 0 &&
	    f->com[f->tok[k + 1].com].trailing) {
		text(f, STR(" "));
		text(f, f->com[f->tok[k + 1].com].s);
		f->must = true;
	}
}

static void
put_flat(struct fmt *f, size_t from, size_t to)
{
	for (size_t k = from; k < to; k++)
		put_tok(f, k, spaced(f, k));
}

static size_t
columns(struct str s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		if ((s.p[i] & 0xc0) != 0x80)
			n++;
	return n;
}

/* On one line; NEVER when comments or line ends are within. */
static size_t
width(const struct fmt *f, size_t from, size_t to)
{
	size_t n = 0;

	for (size_t k = from; k < to && n <= LINE; k++) {
		if (k > from && f->tok[k].com_n > 0)
			return NEVER;
		n += columns(f->tok[k].t.s) + (k > from && spaced(f, k));
	}
	return n > LINE ? NEVER : n;
}

static bool
fits(const struct fmt *f, size_t from, size_t to)
{
	const size_t n = width(f, from, to);
	const size_t col = f->fresh ? f->indent : f->col + 1;

	return n != NEVER && !f->must && col + n + 2 <= LINE;
}

/* ---- laying out ---- */
static void put_expr(struct fmt *f, size_t from, size_t to);

/* Where in [from, to), outside brackets, `sign` stands; to: nowhere. */
static size_t
find(const struct fmt *f, size_t from, size_t to, const char *sign)
{
	for (size_t k = from; k < to; k++) {
		if (ast_tok_is(&f->tok[k].t, sign))
			return k;
		if (opens(&f->tok[k].t))
			k = f->tok[k].pair;
	}
	return to;
}

/* a || b || c, a line each. */
static bool
put_chain(struct fmt *f, size_t from, size_t to, const char *sign)
{
	size_t k = find(f, from, to, sign);

	if (k == to)
		return false;
	for (;;) {
		put_expr(f, from, k);
		if (k == to)
			return true;
		put_tok(f, k, true);
		line(f);
		from = k + 1;
		k = find(f, from, to, sign);
	}
}

/* The then or else of the "if" at from, past those of ifs within. */
static size_t
find_branch(const struct fmt *f, size_t from, size_t to, const char *word)
{
	size_t inner = 0;

	for (size_t k = from + 1; k < to; k++) {
		if (opens(&f->tok[k].t))
			k = f->tok[k].pair;
		else if (ast_tok_is(&f->tok[k].t, "if"))
			inner++;
		else if (ast_tok_is(&f->tok[k].t, word) && inner-- == 0)
			return k;
	}
	return to;
}

static void
put_if(struct fmt *f, size_t from, size_t to)
{
	const size_t then = find_branch(f, from, to, "then");
	const size_t other = find_branch(f, from, to, "else");
	const size_t part[] = { from, then, other, to };

	for (size_t i = 0; i < 3; i++) {
		if (i > 0)
			line(f);
		put_tok(f, part[i], false);
		f->indent += STEP;
		put_expr(f, part[i] + 1, part[i + 1]);
		f->indent -= STEP;
	}
}

/* An element of a bracket; in a record its key goes before. */
static void
put_element(struct fmt *f, size_t from, size_t to)
{
	if (to - from > 2 && ast_tok_is(&f->tok[from + 1].t, ":")) {
		put_flat(f, from, from + 2);
		from += 2;
	}
	put_expr(f, from, to);
}

/* The bracket at `open`, a line for each element. */
static void
put_bracket(struct fmt *f, size_t open)
{
	const size_t close = f->tok[open].pair;

	put_tok(f, open, spaced(f, open));
	f->indent += STEP;
	line(f);
	for (size_t k = open + 1; k < close;) {
		const size_t end = find(f, k, close, ",");

		put_element(f, k, end);
		if (end < close)
			put_tok(f, end, false);
		line(f);
		k = end + 1;
	}
	f->indent -= STEP;
	put_tok(f, close, false);
}

/* No operator to break at: at brackets then, if any. */
static void
put_rest(struct fmt *f, size_t from, size_t to)
{
	for (size_t k = from; k < to; k++) {
		const size_t close = f->tok[k].pair;

		if (!opens(&f->tok[k].t) || close == k + 1) {
			put_tok(f, k, spaced(f, k));
		} else if (fits(f, k, close + 1)) {
			put_flat(f, k, close + 1);
			k = close;
		} else {
			put_bracket(f, k);
			k = close;
		}
	}
}

static void
put_expr(struct fmt *f, size_t from, size_t to)
{
	if (from >= to)
		return;
	if (fits(f, from, to))
		put_flat(f, from, to);
	else if (ast_tok_is(&f->tok[from].t, "if")) {
		if (!f->fresh)
			line(f);
		put_if(f, from, to);
	} else if (!put_chain(f, from, to, "||") &&
		   !put_chain(f, from, to, "&&"))
		put_rest(f, from, to);
}

/* ---- policies ---- */

/* From "when" to behind the brace. */
static void
put_condition(struct fmt *f, size_t from, size_t to)
{
	line(f);
	if (fits(f, from, to)) {
		put_flat(f, from, to);
		return;
	}
	put_flat(f, from, from + 2);
	f->indent += STEP;
	line(f);
	put_expr(f, from + 2, to - 1);
	f->indent -= STEP;
	line(f);
	put_tok(f, to - 1, false);
}

/* The comments before a policy keep their distances. */
static void
put_comments(struct fmt *f, size_t k, bool first)
{
	struct ftok *t = &f->tok[k];
	bool any = false;

	for (size_t i = 0; i < t->com_n; i++) {
		const struct comment *c = &f->com[t->com + i];

		if (c->trailing)
			continue;
		line(f);
		if (any ? c->blank
			: !first && (c->blank || t->t.kind != TOK_END))
			buf_ch(f->out, '\n');
		text(f, c->s);
		any = true;
	}
	line(f);
	if (t->t.kind != TOK_END && (any ? t->blank : !first))
		buf_ch(f->out, '\n');
	t->com_n = 0;
}

/* Where the policy at k ends: behind its semicolon. */
static size_t
put_policy_at(struct fmt *f, size_t k)
{
	const size_t end = find(f, k, f->n, ";");

	while (k < end && ast_tok_is(&f->tok[k].t, "@")) {
		const size_t value = k + 2;
		size_t to = value;

		if (ast_tok_is(&f->tok[value].t, "("))
			to = f->tok[value].pair + 1;
		line(f);
		put_flat(f, k, to);
		k = to;
	}
	line(f);
	if (fits(f, k, f->tok[k + 1].pair + 1))
		put_flat(f, k, f->tok[k + 1].pair + 1);
	else
		put_rest(f, k, f->tok[k + 1].pair + 1);
	k = f->tok[k + 1].pair + 1;
	while (k < end) {
		const size_t to = f->tok[k + 1].pair + 1;

		put_condition(f, k, to);
		k = to;
	}
	put_tok(f, end, false);
	return end + 1;
}

void
format_tokens(struct str source, struct buf *out)
{
	struct fmt f = { .out = out, .fresh = true };
	bool first = true;

	if (!read_all(&f, source)) {
		out->full = true;
	} else {
		for (size_t k = 0; k + 1 < f.n && !out->full;) {
			put_comments(&f, k, first);
			first = false;
			k = put_policy_at(&f, k);
		}
		put_comments(&f, f.n - 1, first);
	}
	mem_free(f.tok);
	mem_free(f.com);
}

enum err
cedar_format(struct str source, struct buf *out, struct cedar_why *why)
{
	struct cedar_policies *ps = cedar_policies_new();
	const size_t before = out->n;
	const enum err e = cedar_policies_parse(ps, source, why);

	cedar_policies_free(ps);
	TRY(e);
	format_tokens(source, out);
	if (buf_end(out) == OK)
		return OK;
	out->n = before;
	return ast_fail(ERR_LIMIT, why, (struct ast_pos){ 0 },
	    "the formatted text does not fit");
}
