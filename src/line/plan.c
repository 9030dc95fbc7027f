/*
 * plan: what an agent says it works on and means to do.  Input and plan are its
 * claims: each goes on record as such, and nobody vouches for them.  It states
 * them in _meta of a tool's call, or to the gateway's own tool (own.c).  That a
 * call is outside the stated plan is on record and a fact for policies
 * (context.session.plan); a plan permits nothing.
 */
#include "line/commit-in.h"
#include "line/line-in.h"

#define META_INPUT "io.gatehouse/input"
#define META_PLAN "io.gatehouse/plan"
#define META_STEP "io.gatehouse/planStep"

static const struct str stated[] = { STR_INIT(META_INPUT), STR_INIT(META_PLAN),
	STR_INIT(META_STEP) };

/* ---- what may be said ---- */

static bool
is_text(struct jv v, size_t max)
{
	const struct str s = jv_str(v);

	return jv_is(v, J_STR) && s.n > 0 && s.n <= max && utf8_ok(s);
}

static bool
is_named_before(struct jv list, struct str step, size_t at)
{
	struct jit it = jit_of(list);
	struct jv v;

	for (size_t i = 0; i < at && jit_next(&it, NULL, &v); i++)
		if (str_eq(jv_str(jv_get(v, STR("step"))), step))
			return true;
	return false;
}

static const char *
step_wrong(struct jv list, struct jv v, size_t at)
{
	const struct jv why = jv_get(v, STR("why"));
	const size_t has_why = !jv_is(why, J_NONE);

	if (!jv_is(v, J_OBJ) || jv_count(v) != 2 + has_why)
		return "a step has step, tool and, if it likes, why";
	if (!is_text(jv_get(v, STR("step")), PLAN_STEP))
		return "a step's name is a text of 1 to 64 bytes";
	if (!is_text(jv_get(v, STR("tool")), PLAN_TOOL))
		return "a step's tool is a text of 1 to 256 bytes";
	if (has_why && !is_text(why, PLAN_WHY))
		return "why is a text of 1 to 1024 bytes";
	if (is_named_before(list, jv_str(jv_get(v, STR("step"))), at))
		return "two steps have one name";
	return NULL;
}

static const char *
plan_wrong(struct jv plan)
{
	struct jit it = jit_of(plan);
	const char *wrong = NULL;
	struct jv v;

	if (!jv_is(plan, J_ARR) || jv_count(plan) > PLAN_STEPS)
		return "a plan is a list of at most 64 steps";
	for (size_t i = 0; wrong == NULL && jit_next(&it, NULL, &v); i++)
		wrong = step_wrong(plan, v, i);
	return wrong;
}

static struct plan *
own_plan(const struct turn *t)
{
	return t->session != NULL ? &t->session->plan : &t->principal->plan;
}

/* A principal's own ends as its session would. */
static bool
is_over(const struct line *l, const struct plan *p)
{
	return p->last == 0 || line_now(l) - p->last > l->session_idle_ns;
}

void
plan_drop(struct plan *p)
{
	drop(&p->steps);
	*p = (struct plan){ .last = 0 };
}

/* ---- on record ---- */

/* Tools as the endpoint of all servers names them. */
static void
put_steps(const struct turn *t, struct jv plan, struct buf *b)
{
	struct jit it = jit_of(plan);
	const size_t m = tape_arr(b);
	struct buf name = { .max = 2 * PLAN_TOOL };
	size_t n = 0;
	struct jv v;

	for (; jit_next(&it, NULL, &v); n++) {
		const struct str tool = jv_str(jv_get(v, STR("tool")));
		const size_t o = tape_obj(b);

		buf_clear(&name);
		if (!t->endpoint->aggregate) {
			buf_str(&name, t->endpoint->up[0]->name);
			buf_str(&name, STR("___"));
		}
		buf_str(&name, tool);
		tape_key(b, STR("step"));
		tape_str(b, jv_str(jv_get(v, STR("step"))));
		tape_key(b, STR("tool"));
		tape_str(b, buf_view(&name));
		tape_end(b, o, 2);
	}
	tape_end(b, m, n);
	buf_done(&name);
}

static size_t
put_text(struct buf *b, const char *key, struct str s)
{
	tape_key(b, str_of(key));
	tape_str(b, s);
	return 1;
}

static size_t
put_number(struct buf *b, const char *key, uint64_t v)
{
	tape_key(b, str_of(key));
	tape_i64(b, (int64_t)v);
	return 1;
}

/* {kind: said}, which is committed to as params are. */
static struct request
request_of(struct turn *t, const char *kind, struct jv said)
{
	struct buf b = { .max = said.n + 64 };
	const size_t o = tape_obj(&b);
	struct request r = { .method = t->method,
		.principal = t->principal->name };

	tape_key(&b, str_of(kind));
	tape_copy(&b, said);
	tape_end(&b, o, 1);
	r.params = jv_of(arena_str(t->mem, buf_view(&b)));
	buf_done(&b);
	return r;
}

static enum err
unrecorded(struct turn *t)
{
	return turn_fail(
	    t, 503, MCP_E_LEDGER, "the ledger cannot write: nothing is done");
}

/* What was said is committed to; of a plan its steps stand as well. */
static enum err
record_claim(struct line *l, struct turn *t, const char *kind, struct jv said,
    struct str steps)
{
	const struct request r = request_of(t, kind, said);
	struct buf *b = &l->rec;
	struct msg m = msg_of(MSG_RECORD);
	size_t n, o;

	if (arena_spent(t->mem)) /* nothing could be committed to */
		return turn_fail(
		    t, 413, MCP_E_REQUEST, "the call is too large");
	if (!record_identity(l, t->principal))
		return unrecorded(t);
	buf_clear(b);
	commit_begin(l);
	commit_request(l, &r);
	o = tape_obj(b);
	n = put_number(b, "cell", l->cell);
	n += put_number(b, "identity", t->principal->identity);
	n += put_text(b, "kind", str_of(kind));
	n += commit_params(l, b);
	n += put_text(b, "principal", t->principal->name);
	n += put_text(b, "provenance", STR("unsigned-request-claim"));
	n += commit_redacted(l, b);
	if (t->session != NULL)
		n += put_text(b, "session", t->session->label);
	n += put_number(b, "session_seq", *record_sequence(l, t) + 1);
	if (steps.n > 0) {
		tape_key(b, STR("steps"));
		tape_copy(b, jv_of(steps));
		n++;
	}
	tape_end(b, o, n);
	msg_set(&m, F_SEQ, l->seq + 1);
	msg_set_text(&m, F_REC, buf_view(b));
	commit_send(l, &r, &m);
	if (buf_end(b) != OK || !l->ledger_ok ||
	    l->port.ledger(l->port.arg, &m) != OK)
		return unrecorded(t);
	++*record_sequence(l, t);
	l->seq++;
	return OK;
}

static enum err
keep_plan(struct line *l, struct turn *t, struct jv said)
{
	struct plan *p = own_plan(t);
	struct buf b = { .max = 1 << 20 };
	enum err e;

	put_steps(t, said, &b);
	e = buf_end(&b) != OK ? unrecorded(t)
			      : record_claim(l, t, "plan", said, buf_view(&b));
	if (e == OK) {
		drop(&p->steps);
		p->steps = str_keep(buf_view(&b));
		p->seq = l->seq;
	}
	buf_done(&b);
	return e;
}

enum err
plan_state(struct line *l, struct turn *t, struct jv input, struct jv plan)
{
	const bool has_input = !jv_is(input, J_NONE);
	const bool has_plan = !jv_is(plan, J_NONE);
	struct plan *p = own_plan(t);
	const char *wrong = has_plan ? plan_wrong(plan) : NULL;

	if (has_input && !is_text(input, INPUT_MAX))
		wrong = "an input is a text of 1 to 65536 bytes";
	if (wrong != NULL)
		return turn_fail(t, 0, MCP_E_PARAMS, "%s", wrong);
	if (t->session == NULL && is_over(l, p))
		plan_drop(p);
	if (p->since == 0 || line_now(l) - p->since > l->session_idle_ns) {
		p->since = line_now(l);
		p->stated = 0;
	}
	if (p->stated + has_input + has_plan > STATED_MAX)
		return turn_fail(t, 429, MCP_E_BUSY,
		    "it has stated as much as it may for now: %d inputs and "
		    "plans",
		    STATED_MAX);
	p->stated += (uint64_t)has_input + has_plan;
	p->last = line_now(l);
	if (has_input)
		TRY(record_claim(l, t, "input", input, STR("")));
	return has_plan ? keep_plan(l, t, plan) : OK;
}

/* What _meta of a tool's call says, before it is decided. */
enum err
step_state(struct line *l, struct turn *t)
{
	const struct jv meta = jv_get(t->params, STR("_meta"));
	struct plan *p = own_plan(t);
	struct jv said[countof(stated)];
	bool any = false;

	if (t->method != MCP_TOOLS_CALL || t->retry_of != 0)
		return OK;
	if (p->last != 0 && !is_over(l, p))
		p->last = line_now(l);
	for (size_t i = 0; i < countof(stated); i++) {
		said[i] = jv_get(meta, stated[i]);
		any |= !jv_is(said[i], J_NONE);
	}
	if (!any)
		return OK;
	t->stated = true;
	if (!jv_is(said[2], J_NONE) && !is_text(said[2], PLAN_STEP))
		return turn_fail(t, 0, MCP_E_PARAMS,
		    META_STEP " is a text of 1 to 64 bytes");
	return plan_state(l, t, said[0], said[1]);
}

struct jv
plan_stripped(struct turn *t, struct jv params)
{
	const struct jv meta = jv_get(params, STR("_meta"));
	struct buf b = { .max = params.n + 64 }, all = { .max = params.n + 64 };
	struct jit it = jit_of(meta);
	const size_t o = tape_obj(&b);
	struct str key;
	size_t n = 0;
	struct jv v;

	while (jit_next(&it, &key, &v)) {
		size_t i = 0;

		while (i < countof(stated) && !str_eq(key, stated[i]))
			i++;
		if (i < countof(stated))
			continue;
		tape_key(&b, key);
		tape_copy(&b, v);
		n++;
	}
	tape_end(&b, o, n);
	tape_with(&all, params, STR("_meta"), jv_of(buf_view(&b)));
	v = jv_of(arena_str(t->mem, buf_view(&all)));
	buf_done(&b);
	buf_done(&all);
	return v;
}

/* ---- is a call in it? ---- */

static bool
is_tool(struct str said, struct str server, struct str name)
{
	return said.n == server.n + 3 + name.n && str_starts(said, server) &&
	       str_eq(str_sub(said, server.n, 3), STR("___")) &&
	       str_ends(said, name);
}

static const struct plan *
plan_of(const struct line *l, const struct asked *a)
{
	const struct plan *p =
	    a->session != NULL ? &a->session->plan : &a->principal->plan;

	if (p->steps.n == 0 || (a->session == NULL && is_over(l, p)))
		return NULL;
	return p;
}

struct str
plan_says(const struct line *l, const struct asked *a)
{
	const struct plan *p = plan_of(l, a);
	struct jit it;
	struct jv v, step;

	if (p == NULL)
		return STR("absent");
	step = jv_get(jv_get(a->params, STR("_meta")), STR(META_STEP));
	it = jit_of(jv_of(p->steps));
	while (jit_next(&it, NULL, &v))
		if ((jv_is(step, J_NONE) ||
			str_eq(jv_str(jv_get(v, STR("step"))), jv_str(step))) &&
		    is_tool(
			jv_str(jv_get(v, STR("tool"))), a->up->name, a->name))
			return STR("inside");
	return STR("outside");
}

static bool
has_plan(const struct turn *t)
{
	return t->method == MCP_TOOLS_CALL && t->target_n == 1 && !t->own;
}

bool
plan_outside(const struct line *l, const struct turn *t)
{
	struct asked a;

	if (!has_plan(t) || t->principal == NULL)
		return false;
	a = asked_of(t);
	return str_eq(plan_says(l, &a), STR("outside"));
}

size_t
field_plan(const struct line *l, const struct turn *t, struct buf *b)
{
	const struct plan *p;
	struct asked a;
	struct jv step;
	size_t o, n = 1;

	if (!has_plan(t))
		return 0;
	a = asked_of(t);
	p = plan_of(l, &a);
	step = jv_get(jv_get(t->params, STR("_meta")), STR(META_STEP));
	if (!is_text(step, PLAN_STEP))
		step = (struct jv){ NULL, 0 };
	if (p == NULL && jv_is(step, J_NONE))
		return t->session == NULL && l->cells > 1
			   ? field_unknown(
				 b, "plan", "it may be stated to another cell")
			   : field_absent(b, "plan");
	tape_key(b, STR("plan"));
	o = tape_obj(b);
	if (p != NULL)
		n += put_number(b, "record", p->seq);
	put_text(b, "says", plan_says(l, &a));
	if (!jv_is(step, J_NONE))
		n += put_text(b, "step", jv_str(step));
	tape_end(b, o, n);
	return 1;
}
