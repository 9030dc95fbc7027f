/*
 * evaluations: who asks for decisions (AuthZEN), and what he is told.  Promises
 * that no decision is told before its record is written, nor a permission
 * before it is as durable as that of a call; and that who is not configured to
 * ask learns nothing but that.
 */
#include "line/line-in.h"
#include "line/record-in.h"

enum { WAITING_MAX = 256 }; /* requests whose records are on their way */

/* A request: its evaluations one after the other, then it waits for the
 * ledger.  A tool's is a turn that walks the steps before a decision (its
 * server may have to be asked what the tool is, and role budget what is left).
 */
struct due {
	struct due *next;
	uint64_t ref, seq; /* seq: of its last record, when all are decided */
	bool durable, many;
	bool waiting; /* for a turn */
	bool running; /* evaluations_go is below us */
	bool stopped; /* the rest is not evaluated, or cannot be */
	bool gone;    /* nobody is told */
	enum err bad;
	const struct principal *asker;
	struct str params, request; /* a tape; his name for it; kept */
	struct authzen_request r;
	struct jit next_one;
	size_t n, list, all; /* evaluated; marks in out */
	struct buf out;
};

/* ---- what they are told ---- */

static void
text(struct buf *b, size_t *n, const char *key, struct str s)
{
	if (s.n == 0)
		return;
	tape_key(b, str_of(key));
	tape_str(b, s);
	(*n)++;
}

/* AuthZEN obligations profile: ours are agreed on, not registered. */
static void
obligations(struct buf *b, size_t *n, const struct verdict *v)
{
	size_t a, o, p;

	if (v->must.n == 0)
		return;
	tape_key(b, STR("obligations"));
	a = tape_arr(b);
	for (size_t i = 0; i < v->must.n; i++) {
		o = tape_obj(b);
		tape_key(b, STR("id"));
		tape_str(b, v->must.at[i]);
		tape_key(b, STR("type"));
		tape_str(b, STR("custom"));
		tape_key(b, STR("properties"));
		p = tape_obj(b);
		tape_key(b, STR("vendor"));
		tape_str(b, STR("gatehouse"));
		tape_key(b, STR("action"));
		tape_str(b, v->must.at[i]);
		tape_end(b, p, 2);
		tape_end(b, o, 3);
	}
	tape_end(b, a, v->must.n);
	(*n)++;
}

static void
malformed(struct buf *b, size_t *n, struct str words)
{
	size_t o;

	tape_key(b, STR("error"));
	o = tape_obj(b);
	tape_key(b, STR("status"));
	tape_i64(b, 400);
	tape_key(b, STR("message"));
	tape_str(b, words);
	tape_end(b, o, 2);
	(*n)++;
}

/* reason is for programs, message for people; evaluation_id leads to the
 * record: its cell and its number there. */
static void
decision(const struct line *l, const struct evaluation *e, struct buf *b)
{
	const struct verdict *v = &e->verdict;
	char id[48];
	size_t o, c, n = 0;

	(void)snprintf(
	    id, sizeof(id), "%u-%llu", l->cell, (unsigned long long)l->seq);
	o = tape_obj(b);
	tape_key(b, STR("decision"));
	tape_bool(b, v->effect == ALLOW);
	tape_key(b, STR("context"));
	c = tape_obj(b);
	text(b, &n, "evaluation_id", str_of(id));
	text(b, &n, "reason",
	    e->malformed	 ? STR("bad_request")
	    : v->effect == ALLOW ? STR("permitted")
	    : v->effect == HOLD	 ? STR("approval_required")
				 : STR("policy_denied"));
	text(b, &n, "rule", v->rule);
	text(b, &n, "message", v->reason);
	text(b, &n, "on_behalf_of", v->link);
	put_list(b, &n, "requestable", v->needs.at, v->needs.n);
	put_list(b, &n, "policies", v->by, v->by_n);
	obligations(b, &n, v);
	if (e->malformed)
		malformed(b, &n, v->reason);
	tape_end(b, c, n);
	tape_end(b, o, 2);
}

static void
tell(struct line *l, uint64_t ref, unsigned status, struct str words,
    struct str result)
{
	struct msg m = msg_of(MSG_TOLD);

	msg_set(&m, F_REF, ref);
	if (status != 0)
		msg_set(&m, F_STATUS, status);
	if (words.n > 0)
		msg_set_text(&m, F_TEXT, words);
	if (result.n > 0)
		msg_set_text(&m, F_RESULT, result);
	(void)l->port.desk(l->port.arg, &m);
}

static void
due_free(struct line *l, struct due *t)
{
	buf_done(&t->out);
	drop(&t->params);
	drop(&t->request);
	mem_free(t);
	l->telling_n--;
	l->busy--;
}

static const struct str unwritten =
    STR_INIT("the ledger cannot write: nothing is decided");

void
evaluations_release(struct line *l, uint64_t upto, bool durable)
{
	struct due **at = &l->telling;

	while (*at != NULL) {
		struct due *t = *at;

		if (t->seq == 0 || t->seq > upto || (t->durable && !durable)) {
			at = &t->next;
			continue;
		}
		*at = t->next;
		tell(l, t->ref, 0, STR(""), buf_view(&t->out));
		due_free(l, t);
	}
}

void
evaluations_drop(struct line *l, bool say)
{
	while (l->telling != NULL) {
		struct due *t = l->telling;

		l->telling = t->next;
		if (say)
			tell(l, t->ref, 503, unwritten, STR(""));
		t->gone = true;
		if (!t->waiting && !t->running) /* else with its turn */
			due_free(l, t);
	}
}

/* ---- a request ---- */

/* Also who may not ask at all is on record, but nobody can fill a disk so. */
static void
refuse(struct line *l, const struct msg *m, struct principal *p,
    unsigned status, const char *words)
{
	const struct fact f = { .kind = "refusal",
		.verdict = "deny",
		.reason = words,
		.principal = p != NULL ? p->name : STR("") };

	count(CNT_EVALUATIONS_REFUSED);
	if (!record_folds(l, p))
		(void)record_fact(l, &f);
	tell(l, msg_num(m, F_REF), status, str_of(words), STR(""));
}

static bool
stops(enum authzen_semantic s, enum effect effect)
{
	return s == AUTHZEN_UNTIL_DENIED    ? effect != ALLOW
	       : s == AUTHZEN_UNTIL_ALLOWED ? effect == ALLOW
					    : false;
}

/* It is decided: on record, and appended to the answer. */
static void
decided(struct line *l, struct due *d, const struct evaluation *e)
{
	count(e->verdict.effect == ALLOW ? CNT_EVALUATIONS_ALLOWED
					 : CNT_EVALUATIONS_DENIED);
	if (record_evaluation(l, e, &d->durable)) {
		decision(l, e, &d->out);
		d->bad = buf_end(&d->out);
	} else {
		d->bad = ERR_GONE;
	}
	d->n++;
	d->stopped = d->bad != OK || stops(d->r.semantic, e->verdict.effect);
}

void
evaluations_decide(struct line *l, const struct turn *t)
{
	struct due *d = t->due;
	struct evaluation e = {
		.asker = d->asker, .request = d->request, .asked = asked_of(t)
	};
	struct call call;

	d->waiting = false;
	if (d->gone)
		return;
	if (t->failed == NULL && !t->dead)
		e.verdict = decide_named(l, &e.asked, &call, t->mem);
	else
		e.verdict = t->verdict;
	if (e.verdict.rule.n == 0) /* a step failed that says no rule */
		e.verdict = (struct verdict){ .rule = STR("unavailable"),
			.reason = str_of(t->why.text) };
	decided(l, d, &e);
}

static void
evaluate_one(struct line *l, struct due *d, struct jv item)
{
	struct arena *mem = arena_new((size_t)l->max_body * 4 + 65536);
	struct evaluation e = { .asker = d->asker, .request = d->request };
	struct authzen_one one = { .action = STR("") };
	struct note why = { "" };

	e.malformed = authzen_one(&d->r, item, &one, &why) != OK;
	note_words(&e.subject, one.subject);
	note_words(&e.action, one.action);
	note_words(&e.resource, one.resource);
	if (e.malformed) {
		e.verdict = (struct verdict){ .rule = STR("malformed"),
			.reason = str_of(why.text) };
	} else if (evaluation_of(l, &one, &e, mem)) {
		if (e.asked.method == MCP_TOOLS_CALL) {
			d->waiting = true;
			turn_ask(l, &e.asked, d);
			arena_free(mem);
			return;
		}
		evaluate(l, &e, mem);
	}
	decided(l, d, &e);
	arena_free(mem);
}

static void
due_unlink(struct line *l, const struct due *d)
{
	struct due **at = &l->telling;

	while (*at != d)
		at = &(*at)->next;
	*at = d->next;
}

static void
due_over(struct line *l, struct due *d)
{
	if (!jv_is(d->r.list, J_NONE)) {
		tape_end(&d->out, d->list, d->n);
		tape_end(&d->out, d->all, 1);
	}
	if (d->bad == OK && buf_end(&d->out) == OK) {
		d->seq = l->seq;
		return;
	}
	tell(l, d->ref, 503, unwritten, STR(""));
	due_unlink(l, d);
	due_free(l, d);
}

void
evaluations_go(struct line *l, struct due *d)
{
	struct jv item = d->r.body;

	if (d->running)
		return; /* it goes on by itself */
	d->running = true;
	while (!d->waiting && !d->gone && !d->stopped &&
	       (jv_is(d->r.list, J_NONE) ? d->n == 0
					 : jit_next(&d->next_one, NULL, &item)))
		evaluate_one(l, d, item);
	d->running = false;
	if (d->waiting)
		return;
	if (d->gone)
		due_free(l, d);
	else
		due_over(l, d);
}

static void
answer(struct line *l, const struct msg *m, const struct principal *asker)
{
	struct due *d = mem_get(sizeof(*d)), **at = &l->telling;
	struct note why;

	*d = (struct due){ .ref = msg_num(m, F_REF),
		.many = (msg_num(m, F_FLAGS) & MF_MANY) != 0,
		.asker = asker,
		.params = keep_tape(msg_tree(m, F_PARAMS)),
		.request = str_keep(msg_text(m, F_TEXT)),
		.out = { .max = ANSWER_MAX } };
	l->telling_n++;
	l->busy++;
	while (*at != NULL)
		at = &(*at)->next;
	*at = d;
	d->bad = authzen_read(jv_of(d->params), d->many, &d->r, &why);
	d->stopped = d->bad != OK; /* it stood a moment ago */
	d->next_one = jit_of(d->r.list);
	if (!jv_is(d->r.list, J_NONE)) {
		d->all = tape_obj(&d->out);
		tape_key(&d->out, STR("evaluations"));
		d->list = tape_arr(&d->out);
	}
	evaluations_go(l, d);
}

/* Who asks is looked at before what: a stranger learns nothing of either. */
void
evaluations_ask(struct line *l, const struct msg *m)
{
	const bool many = (msg_num(m, F_FLAGS) & MF_MANY) != 0;
	const struct str cred = msg_text(m, F_CRED);
	struct principal *p =
	    cred.n == 32 ? map_get(l->principals, cred) : NULL;
	struct authzen_request r;
	struct note why = { "" };
	enum err e;

	if (p == NULL) {
		credential_refused(l, KNOCK_UNKNOWN, "it is not known");
		refuse(l, m, NULL, 401, "unknown credential");
		return;
	}
	if (!p->evaluates) {
		refuse(l, m, p, 403,
		    "this principal may not ask for decisions of others");
		return;
	}
	e = authzen_read(msg_tree(m, F_PARAMS), many, &r, &why);
	if (e != OK)
		refuse(l, m, p, e == ERR_LIMIT ? 413 : 400, why.text);
	else if (r.size > l->max_body)
		refuse(l, m, p, 413,
		    "written out, the evaluations are larger than limits.body");
	else if (!rate_ok(l, p, r.n))
		refuse(l, m, p, 429,
		    "more evaluations in a second than limits.rate");
	else if (l->telling_n >= WAITING_MAX || l->busy >= TURNS_MAX)
		refuse(l, m, p, 503, "too many requests wait");
	else if (!l->ledger_ok)
		tell(l, msg_num(m, F_REF), 503, unwritten, STR(""));
	else
		answer(l, m, p);
}
