/*
 * policy-replay: "policy replay LEDGER --with NEW": what other policies would
 * have decided of the calls that are on record.  A call of which nobody kept
 * what they read is not established: it is counted apart, with what is missing,
 * and never called unchanged.
 */
#include "ctl/policy-again.h"

#include <stdlib.h>

enum { EXAMPLES = 3, ROWS_MAX = 10000, KEY_MAX = 1024 };

enum change {
	NEWLY_DENIED,
	NEWLY_HELD,
	NEWLY_ALLOWED,
	NOT_ESTABLISHED,
	UNCHANGED,
	CHANGES
};
static const struct {
	const char *word, *json;
} words[CHANGES] = {
	[NEWLY_DENIED] = { "newly denied", "newly_denied" },
	[NEWLY_HELD] = { "newly held", "newly_held" },
	[NEWLY_ALLOWED] = { "newly allowed", "newly_allowed" },
	[NOT_ESTABLISHED] = { "not established", "not_established" },
	[UNCHANGED] = { "unchanged", "unchanged" },
};

/* Decisions that changed alike: by policy and tool. */
struct row {
	enum change change;
	enum effect was, now;
	struct str by; /* the policy, or what is missing; texts are ours */
	struct str server, name, who;
	bool several; /* principals */
	uint64_t count;
	struct {
		unsigned cell;
		uint64_t seq;
	} at[EXAMPLES];
};
struct replay {
	struct map *rows; /* key -> struct row */
	struct row rest;  /* of what has no row */
	uint64_t total[CHANGES], elsewhere;
};

static enum change
change_of(const struct past *p, const struct verdict *v, bool sure)
{
	static const enum change to[] = { [DENY] = NEWLY_DENIED,
		[ALLOW] = NEWLY_ALLOWED,
		[HOLD] = NEWLY_HELD };

	if (!sure)
		return NOT_ESTABLISHED;
	return p->was == v->effect ? UNCHANGED : to[v->effect];
}

static struct row *
row_of(struct replay *r, const struct row *like)
{
	struct buf key = { .max = KEY_MAX };
	struct row *at;

	buf_fmt(&key, "%d %d %d %.*s%c%.*s%c%.*s", like->change, like->was,
	    like->now, STR_ARG(like->by), 0, STR_ARG(like->server), 0,
	    STR_ARG(like->name));
	at = map_get(r->rows, buf_view(&key));
	if (at == NULL && !key.full && map_count(r->rows) < ROWS_MAX) {
		at = mem_get(sizeof(*at));
		*at = *like;
		at->by = str_keep(like->by);
		at->server = str_keep(like->server);
		at->name = str_keep(like->name);
		at->who = str_keep(like->who);
		(void)map_put(r->rows, buf_view(&key), at);
	}
	buf_done(&key);
	return at != NULL ? at : &r->rest;
}

static void
got(void *arg, struct again *g, const struct past *p, const struct verdict *v,
    bool sure)
{
	struct replay *r = arg;
	const struct call *c = &p->k.call;
	struct row *row, like;

	if (v == NULL) {
		r->elsewhere++;
		return;
	}
	like = (struct row){ .change = change_of(p, v, sure),
		.was = p->was,
		.now = sure ? v->effect : p->was,
		.by = sure ? v->rule : buf_view(&g->missing),
		.server = c->server,
		.name = c->name.n > 0 ? c->name : c->method,
		.who = c->principal };
	r->total[like.change]++;
	if (like.change == UNCHANGED)
		return;
	row = row_of(r, &like);
	row->several |= !str_eq(row->who, c->principal);
	if (row->count < EXAMPLES) {
		row->at[row->count].cell = p->cell;
		row->at[row->count].seq = p->seq;
	}
	row->count++;
}

/* ---- telling ---- */

static int
row_cmp(const void *a, const void *b)
{
	const struct row *x = *(const struct row *const *)a;
	const struct row *y = *(const struct row *const *)b;
	int d;

	if (x->change != y->change)
		return x->change < y->change ? -1 : 1;
	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	d = str_cmp(x->by, y->by);
	if (d == 0)
		d = str_cmp(x->server, y->server);
	return d != 0 ? d : str_cmp(x->name, y->name);
}

static struct row **
sorted(const struct replay *r, size_t *n)
{
	struct row **at =
	    mem_get((map_count(r->rows) + 1) * sizeof(struct row *));
	size_t walk = 0;
	void *v;

	*n = 0;
	while (map_next(r->rows, &walk, NULL, &v))
		at[(*n)++] = v;
	qsort(at, *n, sizeof(struct row *), row_cmp);
	return at;
}

/* Names are foreign: only what prints goes to a terminal. */
static void
put_text(struct buf *out, struct str s, size_t width)
{
	size_t n = 0;

	for (; n < s.n && n < 200; n++)
		buf_ch(out, s.p[n] < 0x20 || s.p[n] > 0x7e ? '?' : s.p[n]);
	do
		buf_ch(out, ' ');
	while (++n < width);
}

static void
put_examples(struct buf *out, const struct row *x)
{
	for (uint64_t i = 0; i < x->count && i < EXAMPLES; i++)
		buf_fmt(out, "%s%u/%llu", i > 0 ? " " : "", x->at[i].cell,
		    (unsigned long long)x->at[i].seq);
}

static void
put_row(struct buf *out, const struct row *x)
{
	struct buf tool = { .max = KEY_MAX };

	buf_fmt(out, "%-16s%-6s-> %-6s%7llu  ", words[x->change].word,
	    policy_effect(x->was),
	    x->change == NOT_ESTABLISHED ? "?" : policy_effect(x->now),
	    (unsigned long long)x->count);
	put_text(out, x->by, 24);
	buf_fmt(&tool, "%.*s%s%.*s", STR_ARG(x->server),
	    x->server.n > 0 ? "/" : "", STR_ARG(x->name));
	put_text(out, buf_view(&tool), 24);
	put_text(out, x->several ? STR("several") : x->who, 12);
	put_examples(out, x);
	buf_ch(out, '\n');
	buf_done(&tool);
}

static void
put_people(const struct again *g, const struct replay *r, struct buf *out)
{
	uint64_t all = 0;
	struct row **at;
	size_t n;

	at = sorted(r, &n);
	if (n > 0)
		buf_fmt(out, "%-16s%-6s   %-6s%7s  %-24s%-24s%-12s%s\n",
		    "change", "was", "now", "calls", "policy, or missing",
		    "tool", "who", "records");
	for (size_t i = 0; i < n; i++)
		put_row(out, at[i]);
	if (r->rest.count > 0)
		buf_fmt(out, "and %llu more, of other tools and policies\n",
		    (unsigned long long)r->rest.count);
	for (size_t i = 0; i < CHANGES; i++)
		all += r->total[i];
	buf_fmt(out, "%llu decisions:", (unsigned long long)all);
	for (size_t i = 0; i < CHANGES; i++)
		buf_fmt(out, "%s %s %llu", i > 0 ? "," : "", words[i].word,
		    (unsigned long long)r->total[i]);
	buf_ch(out, '\n');
	if (r->elsewhere > 0)
		buf_fmt(out,
		    "refused elsewhere than by policy, and so again: %llu\n",
		    (unsigned long long)r->elsewhere);
	if (g->past.folded > 0)
		buf_fmt(out,
		    "refusals that were counted and not recorded, so not "
		    "asked about: %llu\n",
		    (unsigned long long)g->past.folded);
	mem_free(at);
}

static void
put_member(struct buf *out, const char *key, struct str s)
{
	buf_fmt(out, "\"%s\":", key);
	json_quote(utf8_ok(s) ? s : STR("?"), out);
}

static void
put_row_json(struct buf *out, const struct row *x)
{
	const bool sure = x->change != NOT_ESTABLISHED;

	buf_fmt(out,
	    "{\"change\":\"%s\",\"was\":\"%s\",\"now\":", words[x->change].json,
	    policy_effect(x->was));
	json_quote(sure ? str_of(policy_effect(x->now)) : STR("unknown"), out);
	buf_ch(out, ',');
	put_member(out, sure ? "policy" : "missing", x->by);
	buf_ch(out, ',');
	put_member(out, "server", x->server);
	buf_ch(out, ',');
	put_member(out, "name", x->name);
	buf_fmt(out, ",\"count\":%llu,\"examples\":[",
	    (unsigned long long)x->count);
	for (uint64_t i = 0; i < x->count && i < EXAMPLES; i++)
		buf_fmt(out, "%s{\"cell\":%u,\"seq\":%llu}", i > 0 ? "," : "",
		    x->at[i].cell, (unsigned long long)x->at[i].seq);
	buf_str(out, STR("]}"));
}

static void
put_json(const struct again *g, const struct replay *r, struct buf *out)
{
	struct row **at;
	size_t n;

	at = sorted(r, &n);
	buf_ch(out, '{');
	for (size_t i = 0; i < CHANGES; i++)
		buf_fmt(out, "\"%s\":%llu,", words[i].json,
		    (unsigned long long)r->total[i]);
	buf_fmt(out,
	    "\"elsewhere\":%llu,\"folded\":%llu,\"without_row\":%llu,"
	    "\"rows\":[",
	    (unsigned long long)r->elsewhere,
	    (unsigned long long)g->past.folded,
	    (unsigned long long)r->rest.count);
	for (size_t i = 0; i < n; i++) {
		buf_str(out, i > 0 ? STR(",") : STR(""));
		put_row_json(out, at[i]);
	}
	buf_str(out, STR("]}\n"));
	mem_free(at);
}

static void
drop(struct str s)
{
	union {
		const char *in;
		void *out;
	} u = { s.p };

	mem_free(u.out);
}

static void
rows_free(struct replay *r)
{
	size_t at = 0;
	void *v;

	while (map_next(r->rows, &at, NULL, &v)) {
		struct row *x = v;

		drop(x->by);
		drop(x->server);
		drop(x->name);
		drop(x->who);
		mem_free(x);
	}
	map_free(r->rows);
}

int
ctl_policy_replay(struct ctl *c)
{
	const char *with = ctl_option(c, "--with");
	struct buf image = { 0 }, out = { .max = POLICY_BYTES };
	struct replay r = { .rows = map_new(0) };
	struct again g = { .got = got, .arg = &r };
	bool conf = false;
	int status, put = CTL_YES;

	status = with == NULL
		     ? ctl_say(c, CTL_MISUSE,
			   "--with NEW is needed: a configuration, or a file "
			   "or directory of Cedar policies")
		     : policy_image_new(c, with, &image, &conf);
	if (status == CTL_YES)
		status =
		    again_walk(&g, c, c->arg[0], ctl_option(c, "--disclosures"),
			jv_of(buf_view(&image)), conf);
	if (status == CTL_YES) {
		(c->json ? put_json : put_people)(&g, &r, &out);
		put = ctl_put(&out);
	}
	for (size_t i = 0; status == CTL_YES && i < UNCHANGED; i++)
		if (r.total[i] > 0)
			status = CTL_NO;
	rows_free(&r);
	buf_done(&image);
	buf_done(&out);
	return put != CTL_YES ? put : status;
}
