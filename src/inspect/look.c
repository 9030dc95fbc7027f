/*
 * look: one item through all layers, and what comes of what was seen.
 *
 * Order: hidden signs, canonical text, patterns, markup, what is encoded.  A
 * note counts with its neighbours: the window of WINDOW bytes in which
 * different notes say most gives their score.
 */
#include "inspect/inspect-in.h"

enum { ROOM = 16 * 1024 * 1024, WINDOW = 500, APART = 64, ENOUGH = 50 };

bool
pay(struct inspect *i, size_t n)
{
	if (n > i->left) {
		i->unscanned = true;
		i->left = 0;
		return false;
	}
	i->left -= n;
	return true;
}

static bool
is_hit(const struct inspect *i, size_t rule)
{
	return (i->hits[rule / 64] >> rule % 64 & 1) != 0;
}

void
saw_rule(struct inspect *i, size_t rule, size_t at)
{
	const struct rule *r = rules_at(i->r, rule);
	const uint32_t where = i->base + (uint32_t)at;

	if ((r->planes >> i->plane & 1) == 0 ||
	    (i->plane == INSPECT_ARGUMENT && (r->unless >> i->role & 1) != 0))
		return;
	if (is_hit(i, rule))
		for (size_t k = i->seen_n; k-- > 0;)
			if (i->seen[k].rule == rule) {
				if (where - i->seen[k].at < APART)
					return;
				break;
			}
	i->hits[rule / 64] |= UINT64_C(1) << rule % 64;
	if (i->seen_n == SEEN_MAX) {
		i->unscanned = true;
		return;
	}
	i->seen[i->seen_n++] = (struct seen){ (uint16_t)rule, where };
}

void
saw(struct inspect *i, enum detector d, size_t at)
{
	if (i->r->by_detector[d] != 0)
		saw_rule(i, i->r->by_detector[d] - 1U, at);
}

/* Names have no digits in them; what is random and long mostly has. */
enum { RANDOM = 30 };

static bool
is_secret(struct str token, unsigned bits)
{
	bool digit = bits < RANDOM;

	for (size_t k = 0; k < token.n; k++)
		digit = digit || (token.p[k] >= '0' && token.p[k] <= '9');
	return digit && entropy10(token) >= bits && !placeholder(token);
}

static int
matched(unsigned id, unsigned long long from, unsigned long long to,
    unsigned flags, void *arg)
{
	struct inspect *i = arg;
	const struct pattern *p = PATTERN_AT(i->r, id);
	const struct rule *r = rules_at(i->r, p->rule);
	const size_t end = (size_t)to;

	(void)from, (void)flags;
	if (p->after != NO_PART) {
		const struct part_seen *s = &i->parts[p->after];

		if (s->scan != i->scan || end - s->end < p->least ||
		    end - s->end > p->gap + (size_t)p->most)
			return 0;
	}
	i->parts[id] = (struct part_seen){ i->scan, (uint32_t)end };
	if (!p->last)
		return 0;
	if (r->entropy > 0) {
		const struct str all = { i->text, i->text_n };
		size_t begin = end;

		while (begin > 0 && end - begin < 200 &&
		       token_end(str_sub(all, begin - 1, 1), 0) == 1)
			begin--;
		const struct str token =
		    str_sub(all, begin, token_end(all, end) - begin);

		if (!is_secret(token, r->entropy))
			return 0;
	}
	saw_rule(i, p->rule, end);
	return 0;
}

static void
scan(struct inspect *i, enum view v, struct str s)
{
	if (i->r->db[v] == NULL || s.n == 0 || s.n > UINT32_MAX / 2)
		return;
	i->text = s.p;
	i->text_n = s.n;
	i->scan++;
	if (hs_scan(i->r->db[v], s.p, (unsigned)s.n, 0, i->scratch, matched,
		i) != HS_SUCCESS)
		i->unscanned = true;
}

void
look_inside(struct inspect *i, struct str s, size_t at, unsigned depth)
{
	struct buf *folded;
	const uint32_t base = i->base;
	bool plain;

	if (depth > INSPECT_DEPTH || !pay(i, s.n)) {
		i->unscanned = true;
		return;
	}
	i->base += (uint32_t)at;
	folded = &i->folded[depth];
	buf_clear(folded);
	plain = fold(s, folded);
	if (!plain)
		look_signs(i, s, depth);
	scan(i, VIEW_FOLDED, buf_view(folded));
	scan(i, VIEW_RAW, s);
	look_markup(i, s);
	if (depth < INSPECT_DEPTH)
		look_encoded(i, s, depth);
	i->base = base;
}

void
look_hidden(struct inspect *i, struct str s, size_t at)
{
	const uint32_t base = i->base;

	if (!pay(i, s.n))
		return;
	i->base += (uint32_t)at;
	buf_clear(&i->hidden);
	(void)fold(s, &i->hidden);
	scan(i, VIEW_HIDDEN, buf_view(&i->hidden));
	i->base = base;
}

/* ---- what comes of it ---- */

static bool
near(const struct inspect *i, size_t rule, uint32_t at, size_t within)
{
	for (size_t k = 0; k < i->seen_n; k++)
		if (i->seen[k].rule == rule &&
		    (i->seen[k].at > at ? i->seen[k].at - at
					: at - i->seen[k].at) <= within)
			return true;
	return false;
}

static void
conjunctions(struct inspect *i)
{
	for (size_t n = 0; n < rules_n(i->r); n++) {
		const struct rule *r = rules_at(i->r, n);
		bool all = r->needs_n > 0;

		for (size_t k = 0; all && k < r->needs_n; k++)
			all = is_hit(i, r->needs[k]);
		for (size_t s = 0; all && s < i->seen_n; s++) {
			bool here = i->seen[s].rule == r->needs[0];

			for (size_t k = 1; here && k < r->needs_n; k++)
				here = near(
				    i, r->needs[k], i->seen[s].at, r->within);
			if (here) {
				i->base = 0;
				saw_rule(i, n, i->seen[s].at);
				break;
			}
		}
	}
}

static int
by_place(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

/* 1 - (1 - a)(1 - b), in hundredths of a hundredth. */
static unsigned
join(unsigned a, unsigned b)
{
	return 10000 - (10000 - a) * (10000 - b) / 10000;
}

/* What the notes from seen[from] on say together, each rule once. */
static unsigned
window(const struct inspect *i, size_t from, size_t *to)
{
	uint64_t had[INSPECT_RULES_MAX / 64] = { 0 };
	unsigned sum = 0;
	size_t k = from;

	for (; k < i->seen_n && i->seen[k].at - i->seen[from].at <= WINDOW;
	     k++) {
		const uint16_t n = i->seen[k].rule;
		const struct rule *r = rules_at(i->r, n);

		if (r->action != INSPECT_NOTE || (had[n / 64] >> n % 64 & 1))
			continue;
		had[n / 64] |= UINT64_C(1) << n % 64;
		sum = join(sum, r->score * 100);
	}
	*to = k;
	return sum;
}

static void
found(struct inspect_report *out, uint16_t rule)
{
	for (size_t k = 0; k < out->found_n; k++)
		if (out->found[k] == rule)
			return;
	if (out->found_n < INSPECT_FOUND_MAX)
		out->found[out->found_n++] = rule;
}

static void
conclude(struct inspect *i, struct inspect_report *out)
{
	unsigned notes = 0, sum;
	size_t best = 0, best_end = 0, end;

	conjunctions(i);
	qsort(i->seen, i->seen_n, sizeof(i->seen[0]), by_place);
	for (size_t k = 0; k < i->seen_n; k++) {
		const unsigned w = window(i, k, &end);

		if (w > notes) {
			notes = w;
			best = k;
			best_end = end;
		}
	}
	sum = notes;
	if (notes >= ENOUGH * 100)
		out->action = INSPECT_FLAG;
	for (size_t n = 0; n < rules_n(i->r); n++) {
		const struct rule *r = rules_at(i->r, n);

		if (!is_hit(i, n) || r->action == INSPECT_NOTE)
			continue;
		found(out, (uint16_t)n);
		sum = join(sum, r->score * 100);
		if (r->action > out->action)
			out->action = r->action;
	}
	for (size_t k = best; k < best_end; k++)
		found(out, i->seen[k].rule);
	out->score = sum / 100;
	out->unscanned = i->unscanned;
}

void
inspect_look(struct inspect *i, const struct inspect_text *v, size_t n,
    struct inspect_report *out)
{
	memset(out, 0, sizeof(*out));
	memset(i->hits, 0, sizeof(i->hits));
	i->seen_n = 0;
	i->base = 0;
	i->left = INSPECT_BYTES;
	i->unscanned = false;
	for (size_t k = 0; k < n; k++) {
		i->plane = v[k].plane;
		i->role = role_of(v[k].tool, v[k].key);
		look_secrets(i, v[k].text);
		if (i->plane == INSPECT_ARGUMENT)
			look_argument(i, v[k].text);
		else
			look_inside(i, v[k].text, 0, 0);
		i->base += (uint32_t)v[k].text.n + 1;
	}
	conclude(i, out);
}

struct inspect *
inspect_new(const struct inspect_rules *r)
{
	struct inspect *i = mem_get(sizeof(*i));

	i->r = r;
	for (size_t k = 0; k <= INSPECT_DEPTH; k++)
		i->folded[k].max = i->plain[k].max = ROOM;
	i->hidden.max = ROOM;
	i->parts = mem_get((PATTERN_N(r) + 1) * sizeof(*i->parts));
	for (size_t v = 0; v < VIEWS; v++)
		if (r->db[v] != NULL &&
		    hs_alloc_scratch(r->db[v], &i->scratch) != HS_SUCCESS) {
			inspect_free(i);
			return NULL;
		}
	return i;
}

void
inspect_free(struct inspect *i)
{
	if (i == NULL)
		return;
	for (size_t k = 0; k <= INSPECT_DEPTH; k++) {
		buf_done(&i->folded[k]);
		buf_done(&i->plain[k]);
	}
	buf_done(&i->hidden);
	mem_free(i->parts);
	(void)hs_free_scratch(i->scratch);
	mem_free(i);
}
