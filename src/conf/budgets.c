/*
 * budgets.c: limits and budgets.  A budget that could never say no to what it
 * is about is refused here.
 */
#include "conf/conf-in.h"

#define KEY(lit) tape_key(b, STR(lit))
#define BUDGET(key) node_text(n, key, "budgets.NAME." key)

static const char *const kinds[] = { "calls", "bytes", "spend", "destinations",
	"agents", "depth" };
static const struct str groups[] = { STR_INIT("read"), STR_INIT("write"),
	STR_INIT("destructive"), STR_INIT("egress"), STR_INIT("money") };

/* The one key that says what is counted; NULL: none or several. */
static const struct node *
kind_of(const struct node *n)
{
	const struct node *found = NULL;

	for (size_t i = 0; i < countof(kinds); i++) {
		const struct node *k = node_get(n, kinds[i]);

		if (k != NULL && found != NULL)
			return NULL;
		found = k != NULL ? k : found;
	}
	return found;
}

static void
check_groups(struct conf_job *j, const struct node *risk)
{
	for (const struct node *n = risk == NULL ? NULL : risk->first;
	     n != NULL; n = n->next) {
		bool known = false;

		for (size_t i = 0; i < countof(groups); i++)
			known |= str_eq(groups[i], n->text);
		if (!known)
			conf_bad(j, n,
			    "must be one of "
			    "read|write|destructive|egress|money");
	}
}

static void
check_budget(struct conf_job *j, const struct node *n)
{
	const struct node *kind = kind_of(n);
	const struct node *currency = node_get(n, "currency");

	check_who(j, n);
	check_what(j, n);
	check_groups(j, node_get(n, "risk"));
	if (kind == NULL) {
		conf_bad_key(j, n,
		    "needs exactly one of calls, bytes, spend, destinations, "
		    "agents and depth");
		return;
	}
	if (str_eq(kind->key, STR("spend")) && currency == NULL)
		conf_bad(j, kind, "needs currency beside it, as EUR");
	if (!str_eq(kind->key, STR("spend")) && currency != NULL)
		conf_bad(j, currency, "is for spend alone");
	for (size_t i = 0; currency != NULL && i < currency->text.n; i++)
		if (currency->text.p[i] < 'A' || currency->text.p[i] > 'Z') {
			conf_bad(j, currency, "must be a code, as EUR");
			break;
		}
	if (str_eq(kind->key, STR("agents")) &&
	    !str_eq(BUDGET("per"), STR("subtree")))
		conf_bad(j, kind,
		    "needs per: subtree beside it: whose delegates are they?");
	if (str_eq(kind->key, STR("depth")) && node_get(n, "window") != NULL)
		conf_bad(j, node_get(n, "window"),
		    "means nothing beside depth; remove it");
}

void
check_budgets(struct conf_job *j)
{
	const struct node *all = node_get(j->root, "budgets");

	for (const struct node *n = all == NULL ? NULL : all->first; n != NULL;
	     n = n->next)
		check_budget(j, n);
}

static void
put_groups(const struct node *n, const struct node *kind, struct buf *b)
{
	const struct node *risk = node_get(n, "risk");
	const size_t m = tape_arr(b);

	if (risk == NULL && str_eq(kind->key, STR("bytes"))) {
		tape_str(b, STR("egress"));
		tape_end(b, m, 1);
		return;
	}
	for (const struct node *r = risk == NULL ? NULL : risk->first;
	     r != NULL; r = r->next)
		tape_str(b, r->text);
	tape_end(b, m, risk == NULL ? 0 : risk->count);
}

static void
put_budget(const struct node *n, struct buf *b)
{
	const struct node *kind = kind_of(n), *window = node_get(n, "window");
	const size_t o = tape_obj(b);

	BUG_ON(kind == NULL); /* else check_budget refused it */
	KEY("name");
	tape_str(b, n->key);
	KEY("of");
	tape_str(b, kind->key);
	KEY("limit");
	tape_i64(b, (int64_t)kind->num);
	KEY("window_ms");
	tape_i64(b, window == NULL ? 0 : (int64_t)window->num);
	KEY("currency");
	tape_str(b, BUDGET("currency"));
	KEY("per");
	tape_str(b, BUDGET("per"));
	KEY("principal");
	tape_str(b, BUDGET("principal"));
	KEY("server");
	tape_str(b, BUDGET("server"));
	KEY("tool");
	tape_str(b, BUDGET("tool"));
	KEY("risk");
	put_groups(n, kind, b);
	KEY("lease");
	tape_i64(b, (int64_t)node_num(n, "lease", "budgets.NAME.lease"));
	tape_end(b, o, 11);
}

void
put_budgets(struct conf_job *j, struct buf *b)
{
	const struct node *all = node_get(j->root, "budgets");
	const size_t m = tape_arr(b);

	for (const struct node *n = all == NULL ? NULL : all->first; n != NULL;
	     n = n->next)
		put_budget(n, b);
	tape_end(b, m, all == NULL ? 0 : all->count);
}

/* ---- limits ---- */

/* Image member <- row.  The order is that of conf.h. */
static const struct {
	const char *name, *key;
} limits_of[] = {
	{ "body", "body" },
	{ "head", "head" },
	{ "depth", "depth" },
	{ "members", "members" },
	{ "string", "string" },
	{ "connections", "connections" },
	{ "streams", "streams" },
	{ "sessions", "sessions" },
	{ "principal_sessions", "principal_sessions" },
	{ "inflight", "inflight" },
	{ "rate", "rate" },
	{ "call_ms", "call" },
	{ "call_max_ms", "call_max" },
	{ "idle_ms", "idle" },
	{ "session_idle_ms", "session_idle" },
	{ "refusals", "refusals" },
	{ "replay", "replay" },
	{ "tasks", "tasks" },
	{ "task_ttl_ms", "task_ttl" },
	{ "budget_ms", "budget" },
};

void
put_limits(struct conf_job *j, struct buf *b)
{
	const struct node *limits = node_get(j->root, "limits");
	const size_t o = tape_obj(b);

	for (size_t i = 0; i < countof(limits_of); i++) {
		char path[64];

		(void)snprintf(
		    path, sizeof(path), "limits.%s", limits_of[i].key);
		tape_key(b, str_of(limits_of[i].name));
		tape_i64(b, (int64_t)node_num(limits, limits_of[i].key, path));
	}
	tape_end(b, o, countof(limits_of));
}
