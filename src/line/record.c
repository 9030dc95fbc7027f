/*
 * record: what is written down, and waiting for it.  Members are written in
 * the order that JCS wants (sorted), so the ledger need not sort.
 */
#include "line/budget-in.h"
#include "line/commit-in.h"

void
field_text(struct buf *b, size_t *n, const char *key, struct str v)
{
	if (v.n == 0)
		return;
	tape_key(b, str_of(key));
	tape_str(b, v);
	(*n)++;
}

void
field_number(struct buf *b, size_t *n, const char *key, uint64_t v)
{
	tape_key(b, str_of(key));
	tape_i64(b, (int64_t)v);
	(*n)++;
}

static void
flag(struct buf *b, size_t *n, const char *key, bool is)
{
	if (!is)
		return;
	tape_key(b, str_of(key));
	tape_bool(b, true);
	(*n)++;
}

static void
tree(struct buf *b, size_t *n, const char *key, struct jv v)
{
	if (jv_is(v, J_NONE))
		return;
	tape_key(b, str_of(key));
	tape_copy(b, v);
	(*n)++;
}

enum err
record_send(struct line *l, const struct msg *m)
{
	if (!l->ledger_ok)
		return ERR_GONE;
	return l->port.ledger(l->port.arg, m);
}

static void
park(struct queue *q, struct turn *t, uint64_t seq)
{
	t->wait_seq = seq;
	t->wait_next = NULL;
	if (q->last != NULL)
		q->last->wait_next = t;
	else
		q->first = t;
	q->last = t;
}

static enum err
unrecorded(struct turn *t)
{
	return turn_fail(
	    t, 503, MCP_E_LEDGER, "the ledger cannot write: nothing is done");
}

static enum err
unknown(struct turn *t)
{
	return turn_fail(t, 503, MCP_E_LEDGER,
	    "the outcome cannot be recorded: it is unknown");
}

const struct str effect_words[] = {
	[DENY] = STR_INIT("deny"),
	[ALLOW] = STR_INIT("allow"),
	[HOLD] = STR_INIT("hold"),
};

bool
call_reads(enum mcp_method m, const struct upstream *u, struct str name)
{
	struct jit it;
	struct jv v;

	if (m == MCP_TASKS_CANCEL || m == MCP_TASKS_UPDATE)
		return false;
	if (m != MCP_TOOLS_CALL)
		return true; /* every other request reads */
	it = jit_of(jv_get(
	    u == NULL ? (struct jv){ NULL, 0 } : u->conf, STR("read_only")));
	while (jit_next(&it, NULL, &v))
		if (str_glob(jv_str(v), name))
			return true;
	return false;
}

/* Must the record be durable, or may it be written and synced within 5 ms? */
static bool
strict(const struct line *l, const struct turn *t)
{
	return t->failed == NULL && /* else nothing leaves: no need to wait */
	       !(l->batch &&
		   call_reads(t->method, t->target_n == 1 ? t->target[0] : NULL,
		       t->name));
}

void
put_list(
    struct buf *b, size_t *n, const char *key, const struct str *s, size_t s_n)
{
	size_t m;

	if (s_n == 0)
		return;
	tape_key(b, str_of(key));
	m = tape_arr(b);
	for (size_t i = 0; i < s_n; i++)
		tape_str(b, s[i]);
	tape_end(b, m, s_n);
	(*n)++;
}

/* What policy was told; null: nothing. */
static void
put_told(struct buf *b, size_t *n, const char *key, struct jv v)
{
	tape_key(b, str_of(key));
	if (jv_is(v, J_NONE))
		tape_null(b);
	else
		tape_copy(b, v);
	(*n)++;
}

/* Records of a session are counted, those of an agent without one as its own
 * sequence in this process. */
uint64_t *
record_sequence(struct line *l, const struct turn *t)
{
	return t->session != NULL     ? &t->session->recorded
	       : t->principal != NULL ? &t->principal->recorded
				      : &l->nobody.recorded;
}

/* kept: arguments that stand in the record. */
static struct request
request_of(const struct turn *t, struct jv kept)
{
	return (struct request){ .up = t->target_n == 1 ? t->target[0] : NULL,
		.method = t->method,
		.name = t->name,
		.principal =
		    t->principal != NULL ? t->principal->name : STR(""),
		.params = t->params,
		.kept = kept };
}

static void
decision_tape(struct line *l, const struct turn *t)
{
	const struct kept k = keep_arguments(l, t);
	const struct request r = request_of(t, k.values);
	struct note why = { "" };
	struct call own;
	const struct call *of = chain_of(l, t, &own, &why);
	struct buf *b = &l->rec;
	size_t n = 0, o;

	commit_begin(l);
	commit_request(l, &r);
	buf_clear(b);
	o = tape_obj(b);
	tree(b, &n, "absent", k.absent);
	n += field_actor(t, b);
	field_text(b, &n, "also", t->asked.also);
	n += field_boundary(l, b);
	n += budget_tape(l, t, b);
	if (keeps(l, t, READS_BUDGET))
		put_told(b, &n, "budget_facts", t->asked.budget);
	n += field_catalogue(l, t, b);
	field_number(b, &n, "cell", l->cell);
	n += field_chain(l, t->principal, of, &why, b);
	tree(b, &n, "claims", k.claims);
	n += field_covers(l, t->params, b);
	if (t->endpoint != NULL)
		field_text(b, &n, "endpoint", t->endpoint->path);
	field_text(
	    b, &n, "era", t->era == MCP_MODERN ? STR("modern") : STR("legacy"));
	tree(b, &n, "facts", t->asked.facts);
	flag(b, &n, "guessed", t->asked.guessed);
	if (t->principal != NULL)
		field_number(b, &n, "identity", t->principal->identity);
	tree(b, &n, "kept", k.values);
	field_text(b, &n, "kind", STR("decision"));
	field_text(b, &n, "link", t->verdict.link);
	field_text(b, &n, "method", t->method_text);
	field_text(b, &n, "name", t->name);
	put_list(b, &n, "needs", t->verdict.needs.at, t->verdict.needs.n);
	if (t->origin != 0)
		field_number(b, &n, "origin", t->origin);
	n += commit_params(l, b);
	n += field_plan(l, t, b);
	field_text(b, &n, "policy", l->policy_digest);
	n += field_principal(t, b);
	tape_key(b, STR("reason")); /* empty: a rule that gives none */
	tape_str(b,
	    t->verdict.reason.n > 0 ? t->verdict.reason : str_of(t->why.text));
	n++;
	n += commit_redacted(l, b);
	put_list(b, &n, "risk", t->asked.risk, t->asked.risk_n);
	field_text(b, &n, "rule", t->verdict.rule);
	if (t->target_n == 1)
		field_text(b, &n, "server", t->target[0]->name);
	if (t->session != NULL)
		field_text(b, &n, "session", t->session->label);
	if (keeps(l, t, READS_SESSION))
		put_told(b, &n, "session_facts", t->asked.session);
	field_number(b, &n, "session_seq", *record_sequence(l, t) + 1);
	field_text(b, &n, "step", str_of(t->failed));
	n += field_subject(l, t->principal, of, &why, b);
	field_text(b, &n, "task", t->task);
	field_number(b, &n, "turn", t->id);
	flag(b, &n, "typed", t->asked.typed != NULL);
	field_text(b, &n, "verdict",
	    effect_words[t->failed != NULL ? DENY : t->verdict.effect]);
	if (k.withheld > 0)
		field_number(b, &n, "withheld", k.withheld);
	tape_end(b, o, n);
}

static void
record_outside(struct line *l, const struct turn *t)
{
	const struct fact f = { .kind = "finding",
		.verdict = "outside",
		.reason = "the call is outside the plan that was stated",
		.principal =
		    t->principal != NULL ? t->principal->name : STR(""),
		.server = t->target_n == 1 ? t->target[0]->name : STR(""),
		.method = t->method_text,
		.name = t->name,
		.decision = t->decision };

	if ((t->failed == NULL || strcmp(t->failed, "decide") == 0) &&
	    plan_outside(l, t))
		(void)record_fact(l, &f); /* the decision says it as well */
}

static enum err
record_decision(struct line *l, struct turn *t)
{
	const struct request r = request_of(t, (struct jv){ NULL, 0 });
	struct msg m = msg_of(MSG_RECORD);
	const bool sync = strict(l, t);

	if (!record_identity(l, t->principal))
		return unrecorded(t);
	decision_tape(l, t);
	count(t->failed != NULL ? CNT_DENIED : CNT_ALLOWED);
	msg_set(&m, F_SEQ, l->seq + 1);
	msg_set(&m, F_FLAGS, sync ? MF_STRICT : 0);
	msg_set_text(&m, F_REC, buf_view(&l->rec));
	commit_send(l, &r, &m);
	if (buf_end(&l->rec) != OK || record_send(l, &m) != OK)
		return unrecorded(t);
	++*record_sequence(l, t);
	t->decision = ++l->seq;
	park(sync ? &l->durable : &l->written, t, l->seq);
	record_outside(l, t);
	return ERR_MORE;
}

/* The planted bug of "make V=plant": torture must catch it. */
#ifndef FORWARD_FIRST
#define FORWARD_FIRST 0
#endif

/* Refusals are answered whatever their number; a disk is not filled with them.
 * Only of those that nothing was done for: an allowed call has its record. */
bool
record_folds(struct line *l, struct principal *p)
{
	const uint64_t now = line_now(l);

	if (p == NULL)
		p = &l->nobody;
	if (l->max_refusals == 0 || !l->ledger_ok)
		return false;
	if (now - p->denied_since >= UINT64_C(1000000000)) {
		p->denied_since = now;
		p->denied = 0;
	}
	if (++p->denied <= l->max_refusals)
		return false;
	p->folded++;
	count(CNT_DENIED);
	return true;
}

static void
write_folded(struct line *l, struct principal *p)
{
	const struct fact f = { .kind = "refusals",
		.verdict = "deny",
		.reason = "more than limits.refusals in a second: counted",
		.principal = p->name,
		.count = p->folded };

	if (p->folded > 0 && record_fact(l, &f))
		p->folded = 0;
}

void
record_folded(struct line *l)
{
	void *v;

	write_folded(l, &l->nobody);
	for (size_t at = 0; map_next(l->names, &at, NULL, &v);)
		write_folded(l, v);
}

enum err
step_record(struct line *l, struct turn *t)
{
	if (t->failed != NULL && record_folds(l, t->principal))
		return OK;
	if (FORWARD_FIRST && t->failed == NULL)
		return OK;
	return record_decision(l, t);
}

static void
outcome_tape(
    struct line *l, struct turn *t, struct str status, const struct buf *answer)
{
	const bool call = t->method == MCP_TOOLS_CALL && t->target_n == 1;
	struct buf *b = &l->rec;
	size_t n = 0, o;

	commit_begin(l);
	buf_clear(b);
	o = tape_obj(b);
	n += field_shown(l, t, b);
	field_number(b, &n, "cell", l->cell);
	field_number(b, &n, "decision", t->decision);
	if (t->failed != NULL || t->is_error)
		field_text(b, &n, "error", str_of(t->why.text));
	field_text(b, &n, "kind", STR("outcome"));
	n += field_observed(t, status, b);
	if (answer != NULL && answer->n > 0)
		n += commit_answer(l, call ? t->target[0] : NULL,
		    call ? t->name : STR(""), jv_of(buf_view(answer)), b);
	field_text(b, &n, "status", status);
	field_text(b, &n, "step", str_of(t->failed));
	field_text(b, &n, "task", t->task);
	field_number(b, &n, "turn", t->id);
	tape_end(b, o, n);
}

/* The answer was a question, and the call goes on: nobody waits for this. */
void
record_continued(struct line *l, struct turn *t)
{
	const struct request r = request_of(t, (struct jv){ NULL, 0 });
	struct msg m = msg_of(MSG_RECORD);

	outcome_tape(
	    l, t, STR("continued"), t->legs != NULL ? &t->legs->out : NULL);
	msg_set(&m, F_SEQ, l->seq + 1);
	msg_set_text(&m, F_REC, buf_view(&l->rec));
	commit_send(l, &r, &m);
	if (buf_end(&l->rec) == OK && record_send(l, &m) == OK)
		l->seq++;
}

enum err
step_outcome(struct line *l, struct turn *t)
{
	const struct request r = request_of(t, (struct jv){ NULL, 0 });
	struct buf *b = &l->rec;
	struct msg m = msg_of(MSG_RECORD);

	if (FORWARD_FIRST && t->decision == 0)
		return record_decision(l, t);
	outcome_tape(l, t,
	    t->retry_of != 0	? STR("continued")
	    : t->dead		? STR("cancelled")
	    : t->failed != NULL ? STR("failed")
	    : t->is_error	? STR("error")
				: STR("answered"),
	    &t->out);
	t->over = true;
	msg_set(&m, F_SEQ, l->seq + 1);
	msg_set(&m, F_FLAGS, l->answers_durable ? MF_STRICT : 0);
	msg_set_text(&m, F_REC, buf_view(b));
	commit_send(l, &r, &m);
	if (buf_end(b) != OK || record_send(l, &m) != OK)
		return unknown(t);
	l->seq++;
	park(l->answers_durable ? &l->durable : &l->written, t, l->seq);
	return ERR_MORE;
}

static void
fact_tape(struct line *l, const struct fact *f)
{
	struct buf *b = &l->rec;
	size_t n = 0, o;

	buf_clear(b);
	o = tape_obj(b);
	field_number(b, &n, "cell", l->cell);
	if (f->count > 0)
		field_number(b, &n, "count", f->count);
	if (f->decision > 0)
		field_number(b, &n, "decision", f->decision);
	field_text(b, &n, "failed", str_of(f->failed));
	field_text(b, &n, "followed", str_of(f->followed));
	field_text(b, &n, "kind", str_of(f->kind));
	field_text(b, &n, "method", f->method);
	field_text(b, &n, "name", f->name);
	field_text(b, &n, "principal", f->principal);
	field_text(b, &n, "reason", str_of(f->reason));
	field_text(b, &n, "server", f->server);
	field_text(b, &n, "status", str_of(f->status));
	field_text(b, &n, "verdict", str_of(f->verdict));
	tape_end(b, o, n);
}

/* A fact that no turn waits for: a notice, a refusal by a front, a loss. */
bool
record_fact(struct line *l, const struct fact *f)
{
	struct msg m = msg_of(MSG_RECORD);

	fact_tape(l, f);
	msg_set(&m, F_SEQ, l->seq + 1);
	msg_set_text(&m, F_REC, buf_view(&l->rec));
	if (buf_end(&l->rec) != OK || record_send(l, &m) != OK)
		return false;
	l->seq++;
	return true;
}

enum err
record_first(struct line *l, struct turn *t, const struct fact *f)
{
	struct msg m = msg_of(MSG_RECORD);

	fact_tape(l, f);
	msg_set(&m, F_SEQ, l->seq + 1);
	msg_set(&m, F_FLAGS, l->batch ? 0 : MF_STRICT);
	msg_set_text(&m, F_REC, buf_view(&l->rec));
	if (buf_end(&l->rec) != OK || record_send(l, &m) != OK)
		return unrecorded(t);
	park(l->batch ? &l->written : &l->durable, t, ++l->seq);
	return ERR_MORE;
}

bool
record_task(struct line *l, const struct task *k, struct jv result)
{
	const struct request r = { .principal = k->principal->name };
	struct buf *b = &l->rec;
	struct msg m = msg_of(MSG_RECORD);
	size_t n = 0, o;

	commit_begin(l);
	buf_clear(b);
	o = tape_obj(b);
	field_number(b, &n, "cell", l->cell);
	field_text(b, &n, "kind", STR("task"));
	field_text(b, &n, "name", k->tool);
	field_number(b, &n, "origin", k->origin);
	field_text(b, &n, "principal", k->principal->name);
	if (jv_type(result) != J_NONE)
		n += commit_answer(l, k->up, k->tool, result, b);
	field_text(b, &n, "server", k->up->name);
	field_text(b, &n, "task", k->id);
	tape_end(b, o, n);
	msg_set(&m, F_SEQ, l->seq + 1);
	msg_set_text(&m, F_REC, buf_view(b));
	commit_send(l, &r, &m);
	if (buf_end(b) != OK || record_send(l, &m) != OK)
		return false;
	l->seq++;
	return true;
}

static void
release(struct line *l, struct queue *q, uint64_t upto, enum err how)
{
	while (q->first != NULL && q->first->wait_seq <= upto) {
		struct turn *t = q->first;

		q->first = t->wait_next;
		if (q->first == NULL)
			q->last = NULL;
		t->wait_seq = 0;
		if (how != OK && t->over)
			(void)unknown(t);
		else if (how != OK)
			(void)unrecorded(t);
		turn_resume(l, t, how);
	}
}

void
record_ack(struct line *l, const struct msg *m)
{
	const uint64_t seq = msg_num(m, F_SEQ);

	if (msg_num(m, F_STATUS) != 0) {
		record_lost(l);
		return;
	}
	if (!l->ledger_ok) { /* its first word: where the numbering goes on */
		l->seq = seq;
		l->start = msg_num(m, F_WHERE);
		l->ledger_ok = true;
		record_boundary(l);
		record_policy(l);
		return;
	}
	release(l, &l->written, seq, OK);
	if (msg_num(m, F_FLAGS) & MF_STRICT)
		release(l, &l->durable, seq, OK);
	evaluations_release(l, seq, (msg_num(m, F_FLAGS) & MF_STRICT) != 0);
}

void
record_lost(struct line *l)
{
	l->ledger_ok = false;
	release(l, &l->written, UINT64_MAX, ERR_GONE);
	release(l, &l->durable, UINT64_MAX, ERR_GONE);
	evaluations_drop(l, true);
}
