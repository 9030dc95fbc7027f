/* regex-parse: the grammar of ECMA-262, 22.2.1, with the flag u, to a tree. */
#include <stdarg.h>

#include "schema/regex-in.h"

enum {
	NEST = 100,	     /* groups in groups */
	TREE = 1024 * 1024,  /* bytes of a tree */
	REPEAT_MAX = 100000, /* any more would not fit in a program either */
};

void
regex_bad(struct regex *r, enum err e, const char *fmt, ...)
{
	char text[160];
	va_list ap;

	if (r->err)
		return;
	r->err = e;
	if (r->why == NULL)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	note_set(r->why, "%s (byte %zu of the pattern)", text,
	    (size_t)(r->p - r->start));
}

uint32_t
regex_node(struct regex *r, enum rkind kind, uint32_t x)
{
	const struct rnode n = { kind, x, 0, 0, NONE, NONE, NONE, NONE };

	buf_put(&r->nodes, &n, sizeof(n));
	if (r->nodes.full) {
		regex_bad(r, ERR_LIMIT, "the pattern is too long");
		return NONE;
	}
	return (uint32_t)(r->nodes.n / sizeof(n)) - 1;
}

static void
append(struct regex *r, uint32_t parent, uint32_t child)
{
	struct rnode *p;

	if (r->err || parent == NONE || child == NONE)
		return;
	p = rnode(r, parent);
	rnode(r, child)->prev = p->last;
	if (p->last == NONE)
		p->first = child;
	else
		rnode(r, p->last)->next = child;
	p->last = child;
}

static uint32_t alternatives(struct regex *r);

/* Behind the parenthesis: name, look or neither; what it is. */
static void
group_kind(struct regex *r, struct rlook *look, bool *is_look)
{
	*is_look = false;
	if (!takes(r, '?') || takes(r, ':'))
		return;
	look->behind = takes(r, '<');
	if (at(r, '=') || at(r, '!')) {
		look->negative = *r->p++ == '!';
		*is_look = true;
		return;
	}
	if (!look->behind) {
		regex_bad(r, ERR_SYNTAX, "(? is followed by none of : = ! <");
		return;
	}
	look->behind = false;
	if (at(r, '>'))
		regex_bad(r, ERR_SYNTAX, "a group has an empty name");
	while (r->p < r->end && *r->p != '>' && *r->p != ')')
		r->p++;
	if (!takes(r, '>'))
		regex_bad(r, ERR_SYNTAX, "(?< without its >");
}

static uint32_t
group(struct regex *r, bool *repeats)
{
	struct rlook look = { 0 };
	uint32_t sub;
	bool is_look;

	if (++r->depth > NEST)
		regex_bad(r, ERR_LIMIT, "groups are nested too deeply");
	group_kind(r, &look, &is_look);
	sub = r->err ? NONE : alternatives(r);
	r->depth--;
	if (!takes(r, ')'))
		regex_bad(r, ERR_SYNTAX, "( without its )");
	if (!is_look || r->err)
		return sub;
	*repeats = false;
	if (r->looks == LOOKS_MAX) {
		regex_bad(r, ERR_LIMIT, "more than %d look-arounds", LOOKS_MAX);
		return NONE;
	}
	look.sub = sub;
	r->look[r->looks] = look;
	return regex_node(r, R_LOOK, r->looks++);
}

static uint32_t
escape(struct regex *r, bool *repeats)
{
	uint32_t c;

	if (at(r, 'b') || at(r, 'B')) {
		*repeats = false;
		return regex_node(r, R_WORD, *r->p++ == 'b');
	}
	if (class_escape(r, &c, false))
		return regex_node(r, R_CLASS, class_end(r, false));
	return regex_node(r, R_CHAR, c);
}

/* One thing that may be repeated, or (*repeats false) may not. */
static uint32_t
atom(struct regex *r, bool *repeats)
{
	*repeats = true;
	if (takes(r, '('))
		return group(r, repeats);
	if (takes(r, '['))
		return regex_node(r, R_CLASS, class_bracket(r));
	if (takes(r, '.'))
		return regex_node(r, R_CLASS, class_dot(r));
	if (takes(r, '\\'))
		return escape(r, repeats);
	if (at(r, '^') || at(r, '$')) {
		*repeats = false;
		return regex_node(r, *r->p++ == '^' ? R_BEGIN : R_END, 0);
	}
	if (strchr("*+?{}]", *r->p) != NULL) {
		regex_bad(r, ERR_SYNTAX, "%c must be escaped here", *r->p);
		return NONE;
	}
	return regex_node(r, R_CHAR, utf8_next(&r->p, r->end));
}

static bool
count(struct regex *r, uint32_t *out)
{
	uint32_t v = 0;
	const char *from = r->p;

	while (r->p < r->end && *r->p >= '0' && *r->p <= '9' && v < REPEAT_MAX)
		v = v * 10 + (uint32_t)(*r->p++ - '0');
	if (v >= REPEAT_MAX)
		regex_bad(
		    r, ERR_LIMIT, "a repeat counts to %d or more", REPEAT_MAX);
	*out = v;
	return r->p > from;
}

/* A quantifier; false: there is none. */
static bool
quantifier(struct regex *r, uint32_t *min, uint32_t *max)
{
	*min = 0;
	*max = NONE;
	if (takes(r, '+')) {
		*min = 1;
	} else if (takes(r, '?')) {
		*max = 1;
	} else if (takes(r, '{')) {
		if (!count(r, min))
			regex_bad(r, ERR_SYNTAX, "{ without a number");
		if (!takes(r, ','))
			*max = *min;
		else if (!at(r, '}'))
			(void)count(r, max);
		if (!takes(r, '}') || *max < *min)
			regex_bad(r, ERR_SYNTAX, "{ } is no repeat");
	} else if (!takes(r, '*')) {
		return false;
	}
	(void)takes(r, '?'); /* lazy: the same texts match */
	return true;
}

static uint32_t
sequence(struct regex *r)
{
	const uint32_t cat = regex_node(r, R_CAT, 0);

	while (!r->err && r->p < r->end && *r->p != '|' && *r->p != ')') {
		bool repeats;
		uint32_t a = atom(r, &repeats), min, max;

		if (r->err)
			break;
		if (repeats && quantifier(r, &min, &max)) {
			const uint32_t rep = regex_node(r, R_REPEAT, 0);

			if (r->err)
				break;
			rnode(r, rep)->min = min;
			rnode(r, rep)->max = max;
			append(r, rep, a);
			a = rep;
		}
		append(r, cat, a);
	}
	return cat;
}

static uint32_t
alternatives(struct regex *r)
{
	const uint32_t alt = regex_node(r, R_ALT, 0);

	do
		append(r, alt, sequence(r));
	while (!r->err && takes(r, '|'));
	return alt;
}

uint32_t
regex_tree(struct regex *r)
{
	uint32_t root;

	r->nodes.max = r->ranges.max = TREE;
	root = alternatives(r);
	if (!r->err && r->p < r->end)
		regex_bad(r, ERR_SYNTAX, ") without its (");
	if (r->refers != '\0')
		regex_bad(r, ERR_LIMIT,
		    "\\%c is a back-reference, which cannot be matched in "
		    "bounded time",
		    r->refers);
	return r->err ? NONE : root;
}
