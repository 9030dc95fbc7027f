/*
 * ctl-budgets: what is used of each budget and what is left, from the log that
 * role budget writes: the same records that it would itself begin from.
 */
#include "ctl/ctl-conf.h"

#include <dirent.h>
#include <errno.h>

#include "budget/budget.h"
#include "sys/sys.h"
#include "json/json.h"

enum { SEGMENTS_MAX = 16, OUT_MAX = 64 << 20, PATH_ROOM = 4200 };

struct log {
	char dir[4096];
	unsigned last; /* 0: there is none */
	struct budget_segment seg[SEGMENTS_MAX];
	size_t n;
};

/* ---- finding it ---- */

/* "budget-NNNNNN.seg" */
static bool
number_of(const char *file, unsigned *out)
{
	struct str s = str_of(file);
	uint64_t n;

	if (!str_starts(s, STR("budget-")) || !str_ends(s, STR(".seg")) ||
	    s.n != 17 || str_u64(str_sub(s, 7, 6), &n) != OK)
		return false;
	*out = (unsigned)n;
	return true;
}

static enum err
log_find(struct log *g, struct note *why)
{
	DIR *d = opendir(g->dir);
	const struct dirent *e;
	unsigned n;

	note_set(why, "%.200s: %s", g->dir, strerrordesc_np(errno));
	if (d == NULL)
		return errno == ENOENT ? ERR_GONE : ERR_OS;
	while ((e = readdir(d)) != NULL)
		if (number_of(e->d_name, &n) && n > g->last)
			g->last = n;
	(void)closedir(d);
	note_set(why, "%.200s: no budget was used yet", g->dir);
	return g->last == 0 ? ERR_GONE : OK;
}

static enum err
log_open(struct log *g, struct note *why)
{
	unsigned n = g->last < SEGMENTS_MAX ? 1 : g->last - SEGMENTS_MAX + 1;

	for (; n <= g->last; n++) {
		__attribute__((cleanup(fd_close))) int fd = -1;
		char path[PATH_ROOM];

		(void)snprintf(
		    path, sizeof(path), "%s/budget-%06u.seg", g->dir, n);
		TRY(file_open(path, false, &fd, why));
		note_set(why, "%.200s: %s", path, strerrordesc_np(errno));
		TRY(fd_map_ro(fd, &g->seg[g->n].bytes));
		g->seg[g->n++].number = n;
	}
	return OK;
}

static enum err
log_read(struct log *g, struct totals *t, struct note *why)
{
	struct ledger_seen *end = mem_get(sizeof(*end));
	struct note what = { "" };
	uint64_t over = 0;
	enum err e = log_find(g, why);

	if (!e)
		e = log_open(g, why);
	if (!e) {
		e = totals_from(g->seg, g->n, t, end, &over, &what);
		if (e) {
			note_set(why, "the budgets' log: %s", what.text);
			e = ERR_SYNTAX;
		}
	}
	while (g->n > 0)
		fd_unmap(g->seg[--g->n].bytes);
	mem_free(end);
	return e;
}

/* ---- saying it ---- */

struct total {
	struct str key;
	uint64_t used;
};
struct listing {
	const struct budget *b;
	struct total *at;
	size_t n, cap;
};

/* A window that was changed since is taken as it was written. */
static void
collect(void *arg, const struct charge *c)
{
	struct listing *l = arg;

	if (!str_eq(c->budget, l->b->name) || c->of != l->b->of)
		return;
	if (l->n == l->cap) {
		const size_t cap = l->cap == 0 ? 64 : 2 * l->cap;

		l->at = mem_more(
		    l->at, l->cap * sizeof(*l->at), cap * sizeof(*l->at));
		l->cap = cap;
	}
	l->at[l->n++] = (struct total){ c->key, c->used };
}

static int
by_key(const void *a, const void *b)
{
	return str_cmp(
	    ((const struct total *)a)->key, ((const struct total *)b)->key);
}

static void
put_key(struct buf *b, const char *key, uint64_t v)
{
	buf_fmt(b, "\"%s\":%llu", key, (unsigned long long)v);
}

static void
put_json(struct buf *b, const struct listing *l)
{
	buf_str(b, STR("{\"name\":"));
	json_quote(l->b->name, b);
	buf_fmt(b, ",\"of\":\"%.*s\",\"per\":\"%s\",",
	    STR_ARG(budget_word(l->b->of)),
	    l->b->subtree ? "subtree" : "principal");
	put_key(b, "limit", l->b->limit);
	buf_ch(b, ',');
	put_key(b, "window_ms", l->b->window);
	buf_str(b, STR(",\"totals\":["));
	for (size_t i = 0; i < l->n; i++) {
		const uint64_t used = l->at[i].used, limit = l->b->limit;

		buf_str(b, i > 0 ? STR(",{\"key\":") : STR("{\"key\":"));
		json_quote(l->at[i].key, b);
		buf_ch(b, ',');
		put_key(b, "used", used);
		buf_ch(b, ',');
		put_key(b, "left", limit > used ? limit - used : 0);
		buf_ch(b, '}');
	}
	buf_str(b, STR("]}"));
}

static void
put_text(struct buf *b, const struct listing *l)
{
	buf_fmt(b, "%.*s: %llu %.*s", STR_ARG(l->b->name),
	    (unsigned long long)l->b->limit, STR_ARG(budget_word(l->b->of)));
	if (l->b->currency.n > 0)
		buf_fmt(b, " of %.*s", STR_ARG(l->b->currency));
	if (l->b->window > 0)
		buf_fmt(
		    b, " in %llu s", (unsigned long long)(l->b->window / 1000));
	buf_fmt(b, " for each %s\n", l->b->subtree ? "subtree" : "principal");
	for (size_t i = 0; i < l->n; i++) {
		const uint64_t used = l->at[i].used, limit = l->b->limit;

		buf_fmt(b, "  %-24.*s used %llu, left %llu\n",
		    STR_ARG(l->at[i].key), (unsigned long long)used,
		    (unsigned long long)(limit > used ? limit - used : 0));
	}
	if (l->b->of == BUDGET_DEPTH)
		buf_str(b, STR("  nothing is used up of it\n"));
	else if (l->n == 0)
		buf_str(b, STR("  not used\n"));
}

static int
show(const struct budgets *all, struct totals *t, bool json)
{
	const uint64_t wall = now_wall() / 1000000;
	struct buf b = { .max = OUT_MAX };

	if (json)
		buf_str(&b, STR("{\"budgets\":["));
	for (size_t i = 0; i < all->n; i++) {
		struct listing l = { .b = &all->at[i] };

		totals_each(t, wall, collect, &l);
		if (l.n > 0)
			qsort(l.at, l.n, sizeof(*l.at), by_key);
		if (json && i > 0)
			buf_ch(&b, ',');
		(json ? put_json : put_text)(&b, &l);
		mem_free(l.at);
	}
	if (json)
		buf_str(&b, STR("]}\n"));
	return ctl_put(&b);
}

static int
show_log(const struct ctl *c, struct jv image)
{
	const struct str state = jv_str(jv_get(image, STR("state")));
	struct totals *t = totals_new();
	struct log g = { .last = 0 };
	struct budgets all;
	struct note why = { "" };
	enum err e;
	int status;

	(void)snprintf(g.dir, sizeof(g.dir), "%.*s/ledger", STR_ARG(state));
	e = budgets_of(image, &all, &why);
	if (!e)
		e = log_read(&g, t, &why);
	if (e)
		status = ctl_say(c,
		    e == ERR_GONE     ? CTL_UNREACHABLE
		    : e == ERR_SYNTAX ? CTL_NO
				      : CTL_FAILED,
		    "%s", why.text);
	else
		status = show(&all, t, c->json);
	totals_free(t);
	return status;
}

int
ctl_budgets(struct ctl *c)
{
	const char *path = ctl_config_path(c);
	struct ctl_reading r = { .n = 0 };
	struct buf b = { .max = 1 << 20 };
	int status;

	if (ctl_config_read(path, &r) == OK) {
		status = show_log(c, jv_of(buf_view(&r.image)));
	} else {
		ctl_put_findings(&b, path, &r);
		status = ctl_say(
		    c, CTL_NO, "%s%.*s", r.why.text, STR_ARG(buf_view(&b)));
		buf_done(&b);
	}
	ctl_reading_done(&r);
	return status;
}
