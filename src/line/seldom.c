/*
 * seldom: what peers can make happen as often as they like, and what is on
 * record all the same: failures of servers and of role budget, credentials that
 * are refused.  The first is recorded when it happens, those of the next minute
 * are counted, and the minute's end records how many.
 */
#include "line/line-in.h"

static const uint64_t quiet_ns = UINT64_C(60000000000);

/* How often it happened since it was told, and how the last time. */
static void
write_counted(struct line *l, struct seldom *s)
{
	struct fact f = s->fact;

	f.reason = s->reason.text;
	f.count = s->count;
	if (s->count > 0 && record_fact(l, &f)) {
		s->told = line_now(l);
		s->count = 0;
	}
}

void
seldom(struct line *l, struct seldom *s, const struct fact *f)
{
	const bool quiet = s->told == 0 || line_now(l) - s->told >= quiet_ns;

	if (s->count == 0 && quiet && record_fact(l, f)) {
		s->told = line_now(l);
		return;
	}
	s->fact = *f;
	note_set(&s->reason, "%s", f->reason);
	s->count++;
}

static void
look(struct line *l, struct seldom *s, bool now)
{
	if (s->count > 0 && (now || line_now(l) - s->told >= quiet_ns))
		write_counted(l, s);
}

void
seldom_write(struct line *l, bool now)
{
	for (size_t i = 0; i < l->up_n; i++)
		for (size_t k = 0; k < countof(l->up[i].failed); k++)
			look(l, &l->up[i].failed[k], now);
	for (size_t i = 0; i < countof(l->refused); i++)
		look(l, &l->refused[i], now);
	look(l, &l->budget_failed, now);
}

/* ---- what can fail ---- */

void
upstream_failed(
    struct line *l, struct upstream *u, const char *why, const char *followed)
{
	const struct fact f = { .kind = "failure",
		.failed = "upstream",
		.reason = why,
		.followed = followed,
		.server = u->name };

	seldom(l, &u->failed[0], &f);
}

/* A server's list that could not be had, or read. */
void
list_failed(struct line *l, const struct leg *g, const char *why)
{
	struct upstream *u = g->hop->up;
	const struct fact f = { .kind = "failure",
		.failed = "list",
		.reason = why,
		.followed =
		    g->learning
			? "its tools are not known: their calls are refused"
		    : g->turn->endpoint->aggregate
			? "the list is shown without what this server has"
			: "the list is refused",
		.server = u->name,
		.method = g->learning ? mcp_row(MCP_TOOLS_LIST)->text
				      : mcp_row(g->turn->method)->text };

	seldom(l, &u->failed[1], &f);
}

void
budget_failed(struct line *l, const char *why)
{
	const struct fact f = { .kind = "failure",
		.failed = "budget",
		.reason = why,
		.followed = "the calls that it is about are refused" };

	seldom(l, &l->budget_failed, &f);
}

/* ---- credentials ---- */

struct principal *
principal_here(struct line *l, const struct msg *m)
{
	static const char *const why[] = { "none came", "it is not known" };
	struct principal *p = principal_of(l, m);
	const bool came =
	    msg_text(m, F_CRED).n == 32 || (msg_num(m, F_FLAGS) & MF_CRED) != 0;

	if (p == NULL)
		credential_refused(l, came, why[came]);
	return p;
}

void
credential_refused(struct line *l, enum knock how, const char *why)
{
	const struct fact f = {
		.kind = "credential", .status = "refused", .reason = why
	};

	seldom(l, &l->refused[how], &f);
}
