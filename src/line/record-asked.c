/* record-asked: the record of an evaluation: what would be decided of a call
 * that goes elsewhere.  Of the evidence fields it has what there is here, and
 * says of the others why not. */
#include "line/commit-in.h"

/* Who asks; the decision is his to carry out. */
static size_t
evaluation_asker(struct line *l, const struct evaluation *e, struct buf *b)
{
	size_t n = 0;

	field_text(b, &n, "asker", e->asker->name);
	n += field_boundary(l, b);
	n += field_unavailable(b, "budget",
	    "a question charges nothing: what it reserved is given back");
	n += field_unavailable(b, "catalogue",
	    "what the agent was shown elsewhere is not seen here");
	field_number(b, &n, "cell", l->cell);
	return n;
}

static void
evaluation_tape(
    struct line *l, const struct evaluation *e, const struct request *r)
{
	const struct asked *a = &e->asked;
	struct buf *b = &l->rec;
	size_t n, o;

	commit_begin(l);
	commit_request(l, r);
	buf_clear(b);
	o = tape_obj(b);
	n = field_asked(l, a, b, ASKED_ACTOR);
	n += evaluation_asker(l, e, b);
	n += field_asked(l, a, b, ASKED_CHAIN);
	n += field_covers(l, r->params, b);
	field_text(b, &n, "kind", STR("evaluation"));
	field_text(b, &n, "link", e->verdict.link);
	field_text(b, &n, "method",
	    a->method != MCP_UNKNOWN ? mcp_row(a->method)->text
				     : str_of(e->action.text));
	field_text(
	    b, &n, "name", a->up != NULL ? a->name : str_of(e->resource.text));
	put_list(b, &n, "needs", e->verdict.needs.at, e->verdict.needs.n);
	n += field_unavailable(b, "outcome",
	    "whoever asked carries it out, or not: nothing is seen here");
	n += commit_params(l, b);
	field_text(b, &n, "policy", l->policy_digest);
	field_text(b, &n, "principal",
	    a->principal != NULL ? a->principal->name
				 : str_of(e->subject.text));
	tape_key(b, STR("reason")); /* empty: a rule that gives none */
	tape_str(b, e->verdict.reason);
	n++;
	n += commit_redacted(l, b);
	field_text(b, &n, "request", e->request);
	field_text(b, &n, "rule", e->verdict.rule);
	if (a->up != NULL)
		field_text(b, &n, "server", a->up->name);
	n += field_asked(l, a, b, ASKED_SUBJECT);
	field_text(b, &n, "verdict", effect_words[e->verdict.effect]);
	tape_end(b, o, n);
}

bool
record_evaluation(struct line *l, const struct evaluation *e, bool *durable)
{
	const struct asked *a = &e->asked;
	const bool sync = e->verdict.effect == ALLOW &&
			  !(l->batch && call_reads(a->method, a->up, a->name));
	const struct request r = { .up = a->up,
		.method = a->method,
		.name = a->name,
		.principal =
		    a->principal != NULL ? a->principal->name : STR(""),
		.params = a->params };
	struct msg m = msg_of(MSG_RECORD);

	evaluation_tape(l, e, &r);
	msg_set(&m, F_SEQ, l->seq + 1);
	msg_set(&m, F_FLAGS, sync ? MF_STRICT : 0);
	msg_set_text(&m, F_REC, buf_view(&l->rec));
	commit_send(l, &r, &m);
	if (buf_end(&l->rec) != OK || record_send(l, &m) != OK)
		return false;
	l->seq++;
	*durable = *durable || sync;
	return true;
}
