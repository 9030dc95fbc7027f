/*
 * parts: a pattern with `.{0,60}` in it is several patterns and a distance.
 * An automaton that counts the distance itself is large and slow to make, one
 * for the parts is neither, and the distance is looked at when a part is seen
 * (look.c).  What stands between bars at the top is several patterns too.
 */
#include "inspect/inspect-in.h"

/* Where the next thing at the top begins: a bar, a gap, or the end. */
struct top {
	size_t at, used;
	uint64_t gap;
	bool bar;
};

/* .{0,N} at s: its bytes; 0: it is none. */
static size_t
gap_at(struct str s, uint64_t *gap)
{
	const size_t end = str_find(s, '}');

	if (!str_starts(s, STR(".{0,")) || end == s.n ||
	    str_u64(str_sub(s, 4, end - 4), gap) != OK || *gap > 1000)
		return 0;
	return end + 1;
}

/* The bytes of a class with its brackets; 1 when it does not end. */
static size_t
class_at(struct str s)
{
	size_t i = s.n > 1 && s.p[1] == '^' ? 2 : 1;

	for (i++; i < s.n && s.p[i] != ']'; i++)
		i += s.p[i] == '\\';
	return i < s.n ? i + 1 : s.n;
}

static bool
next_top(struct str s, struct top *t)
{
	size_t depth = 0, i = 0, used;

	*t = (struct top){ s.n, 0, 0, false };
	while (i < s.n) {
		const char c = s.p[i];

		if (c == '\\') {
			i += 2;
			continue;
		}
		if (c == '[') {
			i += class_at(str_sub(s, i, s.n));
			continue;
		}
		if (c == ')' && depth == 0)
			return false;
		depth += c == '(';
		depth -= c == ')';
		used = depth == 0 ? gap_at(str_sub(s, i, s.n), &t->gap) : 0;
		if (depth == 0 && (c == '|' || used > 0)) {
			t->at = i;
			t->used = used > 0 ? used : 1;
			t->bar = c == '|';
			return true;
		}
		i++;
	}
	return depth == 0;
}

static void
part_add(struct inspect_rules *r, struct pattern *p, struct str text)
{
	p->text = text;
	buf_put(&r->patterns, p, sizeof(*p));
}

/* (?i) at the beginning holds for all parts, and may stand only once: so what
 * has it is not taken apart. */
bool
parts_add(struct inspect_rules *r, uint16_t rule, struct str text, struct jv at)
{
	struct pattern p = { .rule = rule, .at = at, .after = NO_PART };
	struct top t;

	if (str_starts(text, STR("(?i)"))) {
		p.last = true;
		part_add(r, &p, text);
		return true;
	}
	for (;;) {
		if (!next_top(text, &t))
			return false;
		p.last = t.at == text.n || t.bar;
		part_add(r, &p, str_sub(text, 0, t.at));
		if (t.at == text.n)
			return true;
		p.after = t.bar ? NO_PART : (uint32_t)PATTERN_N(r) - 1;
		p.gap = (uint32_t)t.gap;
		text = str_sub(text, t.at + t.used, text.n);
	}
}
