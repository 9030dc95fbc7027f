/* ledger-filter: options to a filter, and a stream's records against it. */
#include "ctl/ledger-filter.h"

/* ---- times ---- */

static bool
digits(struct str *s, size_t n, unsigned *out)
{
	uint64_t v = 0;

	if (s->n < n || str_u64(str_sub(*s, 0, n), &v) != OK)
		return false;
	for (size_t i = 0; i < n; i++)
		if (s->p[i] < '0' || s->p[i] > '9')
			return false;
	*out = (unsigned)v;
	*s = str_sub(*s, n, s->n);
	return true;
}

static bool
mark(struct str *s, const char *one_of)
{
	if (s->n == 0 || s->p[0] == '\0' || strchr(one_of, s->p[0]) == NULL)
		return false;
	*s = str_sub(*s, 1, s->n);
	return true;
}

/* Days since 1970 of a date of the Gregorian calendar. */
static int64_t
days_of(unsigned year, unsigned month, unsigned day)
{
	const int64_t y = (int64_t)year - (month <= 2);
	const int64_t shifted = (month + 9) % 12;

	return 365 * y + y / 4 - y / 100 + y / 400 + (153 * shifted + 2) / 5 +
	       day - 719469;
}

static bool
date_of(struct str *s, int64_t *days)
{
	static const unsigned char longest[12] = { 31, 29, 31, 30, 31, 30, 31,
		31, 30, 31, 30, 31 };
	unsigned y, m, d;

	if (!digits(s, 4, &y) || !mark(s, "-") || !digits(s, 2, &m) ||
	    !mark(s, "-") || !digits(s, 2, &d) || y < 1970 || m < 1 || m > 12 ||
	    d < 1 || d > longest[m - 1] ||
	    (m == 2 && d == 29 &&
		(y % 4 != 0 || (y % 100 == 0 && y % 400 != 0))))
		return false;
	*days = days_of(y, m, d);
	return true;
}

/* "hh:mm:ss", a fraction of at most six digits, "Z" or "+hh:mm". */
static bool
clock_of(struct str *s, int64_t *us)
{
	unsigned h, m, sec, fraction = 0, zh = 0, zm = 0;
	bool minus;

	if (!digits(s, 2, &h) || !mark(s, ":") || !digits(s, 2, &m) ||
	    !mark(s, ":") || !digits(s, 2, &sec) || h > 23 || m > 59 ||
	    sec > 59)
		return false;
	if (mark(s, "."))
		for (unsigned unit = 100000, d = 0; digits(s, 1, &d);
		     unit /= 10)
			fraction += d * unit;
	if (!mark(s, "Zz")) {
		minus = s->n > 0 && s->p[0] == '-';
		if (!mark(s, "+-") || !digits(s, 2, &zh) || !mark(s, ":") ||
		    !digits(s, 2, &zm) || zh > 23 || zm > 59)
			return false;
	} else {
		minus = false;
	}
	*us = (int64_t)h * 3600 + m * 60 + sec;
	*us += (minus ? 1 : -1) * ((int64_t)zh * 3600 + zm * 60);
	*us = *us * 1000000 + fraction;
	return true;
}

static bool
ago_of(struct str s, uint64_t now_us, uint64_t *out)
{
	static const struct {
		char unit;
		uint64_t us;
	} units[] = { { 's', 1000000 }, { 'm', 60000000 }, { 'h', 3600000000 },
		{ 'd', 86400000000 } };
	uint64_t n = 0;

	for (size_t i = 0; i < countof(units) && s.n > 1; i++)
		if (s.p[s.n - 1] == units[i].unit &&
		    str_u64(str_sub(s, 0, s.n - 1), &n) == OK &&
		    n <= now_us / units[i].us) {
			*out = now_us - n * units[i].us;
			return true;
		}
	return false;
}

enum err
ledger_when(struct str s, uint64_t now_us, uint64_t *out)
{
	const int64_t day = 86400000000;
	int64_t days = 0, us = 0;

	if (ago_of(s, now_us, out))
		return OK;
	if (!date_of(&s, &days))
		return ERR_SYNTAX;
	if (s.n > 0 && (!mark(&s, "Tt ") || !clock_of(&s, &us) || s.n > 0))
		return ERR_SYNTAX;
	if (days * day + us < 0)
		return ERR_SYNTAX;
	*out = (uint64_t)(days * day + us);
	return OK;
}

/* ---- options ---- */

int
ledger_filter_of(const struct ctl *c, uint64_t now_us, struct index_filter *out)
{
	static const char *const options[INDEX_BY__N] = { [INDEX_AGENT] =
							      "--agent",
		[INDEX_SESSION] = "--session",
		[INDEX_SERVER] = "--server",
		[INDEX_TOOL] = "--tool",
		[INDEX_VERDICT] = "--verdict",
		[INDEX_POLICY] = "--policy",
		[INDEX_KIND] = "--kind",
		[INDEX_SUBJECT] = "--subject",
		[INDEX_DIGEST] = "--digest" };
	const char *since = ctl_option(c, "--since");
	const char *until = ctl_option(c, "--until");
	unsigned char sum[LEDGER_HASH];

	*out = (struct index_filter){ .since = 0 };
	for (size_t i = 0; i < INDEX_BY__N; i++) {
		const char *v = ctl_option(c, options[i]);

		if (v != NULL && (v[0] == '\0' || !utf8_ok(str_of(v))))
			return ctl_say(c, CTL_MISUSE,
			    "%s needs a text that is UTF-8", options[i]);
		out->by[i] = str_of(v);
	}
	if (out->by[INDEX_DIGEST].n > 0 &&
	    !index_digest_of(out->by[INDEX_DIGEST], sum))
		return ctl_say(c, CTL_MISUSE,
		    "--digest is 64 hexadecimal digits or 43 of base64url");
	if ((since != NULL &&
		ledger_when(str_of(since), now_us, &out->since) != OK) ||
	    (until != NULL &&
		ledger_when(str_of(until), now_us, &out->until) != OK))
		return ctl_say(c, CTL_MISUSE,
		    "--since and --until take a time, as "
		    "2026-11-28T09:00:00Z, a day, as 2026-11-28, or how long "
		    "ago, as 90m or 2d");
	return CTL_YES;
}

/* ---- a stream ---- */

/* Where each record's text begins, by seq after `before`, which were pruned:
 * eight bytes a record. */
struct cell_places {
	unsigned cell;
	uint64_t before;
	const char **at;
	size_t n, cap;
	uint64_t *start; /* of each process's first record */
	size_t starts;
};
/* A record that was parsed last of its sort. */
struct looked_up {
	const char *p;
	struct buf tape;
};
struct matcher {
	const struct index_filter *f;
	struct str text;
	struct cell_places *cells;
	size_t cells_n;
	struct looked_up last[4];
};

struct matcher *
matcher_new(const struct index_filter *f, struct str text)
{
	struct matcher *m = mem_get(sizeof(*m));

	m->f = f;
	m->text = text;
	for (size_t i = 0; i < countof(m->last); i++)
		m->last[i].tape.max = (size_t)8 * LEDGER_RECORD_MAX;
	return m;
}

void
matcher_free(struct matcher *m)
{
	if (m == NULL)
		return;
	for (size_t i = 0; i < m->cells_n; i++) {
		mem_free(m->cells[i].at);
		mem_free(m->cells[i].start);
	}
	for (size_t i = 0; i < countof(m->last); i++)
		buf_done(&m->last[i].tape);
	mem_free(m->cells);
	mem_free(m);
}

static struct cell_places *
places_of(struct matcher *m, unsigned cell)
{
	for (size_t i = 0; i < m->cells_n; i++)
		if (m->cells[i].cell == cell)
			return &m->cells[i];
	m->cells = mem_more(m->cells, m->cells_n * sizeof(*m->cells),
	    (m->cells_n + 1) * sizeof(*m->cells));
	m->cells[m->cells_n].cell = cell;
	return &m->cells[m->cells_n++];
}

static void
remember(struct matcher *m, const struct feed_record *r)
{
	struct cell_places *p = places_of(m, r->cell);

	if (p->n == p->cap) {
		const size_t cap = p->cap == 0 ? 4096 : 2 * p->cap;

		p->at = mem_more(p->at, p->cap * sizeof(const char *),
		    cap * sizeof(const char *));
		p->cap = cap;
	}
	if (p->n == 0)
		p->before = r->seq - 1;
	if (r->seq == p->before + p->n + 1)
		p->at[p->n++] = r->text.p;
	if (!str_eq(jv_str(jv_get(r->rec, STR("kind"))), STR("start")))
		return;
	p->start = mem_more(p->start, p->starts * sizeof(*p->start),
	    (p->starts + 1) * sizeof(*p->start));
	p->start[p->starts++] = r->seq;
}

/* An earlier record of this kind.  A text in a segment has its length before
 * its mark (doc/formats/ledger.md). */
static struct jv
look_up(struct looked_up *l, const struct cell_places *p, uint64_t seq,
    uint64_t before, struct str kind)
{
	const struct jv none = { NULL, 0 };
	const char *text;
	struct cur c;
	struct jv v;

	if (seq <= p->before || seq >= before || seq > p->before + p->n)
		return none;
	text = p->at[seq - 1 - p->before];
	c = cur_of(text - 8, 8);
	if (l->p != text) {
		l->p = NULL;
		buf_clear(&l->tape);
		if (json_parse((struct str){ text, cur_u32(&c) }, &json_default,
			&l->tape, NULL) != OK)
			return none;
		l->p = text;
	}
	v = jv_of(buf_view(&l->tape));
	return str_eq(jv_str(jv_get(v, STR("kind"))), kind) ? v : none;
}

static uint64_t
refers(struct jv rec, struct str member)
{
	int64_t seq = 0;

	return jv_i64(jv_get(rec, member), &seq) == OK && seq > 0
		   ? (uint64_t)seq
		   : 0;
}

/* Of the process that wrote it. */
static uint64_t
start_of(const struct cell_places *p, uint64_t seq)
{
	for (size_t i = p->starts; i > 0; i--)
		if (p->start[i - 1] < seq)
			return p->start[i - 1];
	return 0;
}

void
matcher_look(
    struct matcher *m, const struct feed_record *r, struct matcher_view *out)
{
	const struct cell_places *p = places_of(m, r->cell);
	struct jv of;
	uint64_t seq = refers(r->rec, STR("decision"));

	if (seq == 0)
		seq = refers(r->rec, STR("origin"));
	out->v.rec = r->rec;
	out->v.leaf = r->leaf;
	out->v.decision = look_up(&m->last[0], p, seq, r->seq, STR("decision"));
	out->decision_seq = jv_is(out->v.decision, J_NONE) ? 0 : seq;
	of = jv_is(jv_get(r->rec, STR("identity")), J_NONE) ? out->v.decision
							    : r->rec;
	out->v.identity = look_up(&m->last[1], p, refers(of, STR("identity")),
	    r->seq, STR("identity"));
	out->boundary = look_up(&m->last[2], p, refers(of, STR("boundary")),
	    r->seq, STR("boundary"));
	out->start =
	    look_up(&m->last[3], p, start_of(p, r->seq), r->seq, STR("start"));
}

bool
matcher_wants(struct matcher *m, const struct feed_record *r)
{
	struct matcher_view view;

	remember(m, r);
	matcher_look(m, r, &view);
	return index_matches(m->f, &view.v) &&
	       (m->text.n == 0 || str_search(r->text, m->text) < r->text.n);
}
