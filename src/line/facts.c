/*
 * facts.c: what the judge knows of a session, for policies that ask
 * (context.session): which labels it has read, how much it did, how often it
 * was refused, and the time.
 *
 * A session is a legacy agent's session.  A modern agent has none, and one that
 * opens another must not be rid of what it has read; so the same is kept for
 * each principal in its cell, until it was silent for limits.session_idle.
 * Labels are those of both; counters are the session's where there is one.
 */
#include "line/line-in.h"

enum { NS_OF_MS = 1000000 };

static const struct str groups[RISK_MAX] = { STR_INIT("destructive"),
	STR_INIT("egress"), STR_INIT("money"), STR_INIT("read"),
	STR_INIT("write") };

/* ---- labels: names of policy's, bits of ours ---- */

/* Bits outlive a reload, so a name keeps the one that it had. */
static bool
bit_of(struct line *l, struct str name, uint8_t *out)
{
	size_t i = 0;

	while (i < l->label_n && !str_eq(l->label[i], name))
		i++;
	if (i == LABELS_MAX)
		return false;
	if (i == l->label_n)
		l->label[l->label_n++] = str_keep(name);
	*out = (uint8_t)i;
	return true;
}

enum err
facts_setup(struct line *l, const struct policy *p, struct note *why)
{
	uint8_t at[LABELS_MAX] = { 0 };
	struct str name;
	unsigned n = 0;

	for (; (name = policy_label(p, n)).n > 0; n++)
		if (!bit_of(l, name, &at[n])) {
			note_set(why,
			    "more than %d classifications since the start: "
			    "that needs a restart",
			    LABELS_MAX);
			return ERR_LIMIT;
		}
	memcpy(l->label_at, at, n);
	return OK;
}

void
facts_done(struct line *l)
{
	while (l->label_n > 0)
		drop(&l->label[--l->label_n]);
}

static uint64_t
ours(const struct line *l, uint64_t labels)
{
	uint64_t out = 0;

	for (unsigned i = 0; labels != 0; i++, labels >>= 1)
		if (labels & 1)
			out |= UINT64_C(1) << l->label_at[i];
	return out;
}

/* ---- telling policy ---- */

static bool
is_over(const struct line *l, const struct seen *s)
{
	return line_now(l) - s->last > l->session_idle_ns;
}

static void
put_number(struct buf *b, struct str key, uint64_t v)
{
	tape_key(b, key);
	tape_i64(b, (int64_t)v);
}

static void
put_labels(const struct line *l, struct buf *b, uint64_t labels)
{
	size_t m, n = 0;

	tape_key(b, STR("labels"));
	m = tape_arr(b);
	for (size_t i = 0; i < l->label_n; i++)
		if (labels >> i & 1) {
			tape_str(b, l->label[i]);
			n++;
		}
	tape_end(b, m, n);
}

/* Members in the order that JCS wants: it is recorded as it is. */
struct jv
facts_of(const struct line *l, const struct asked *a, struct arena *mem)
{
	static const struct seen nothing = { .last = 0 };
	const struct seen *own = &a->principal->seen;
	const struct seen *s;
	struct buf out = { .max = 1 << 16 }, *b = &out;
	struct str kept;
	size_t o, m;

	if ((policy_reads(l->policy) & READS_SESSION) == 0)
		return (struct jv){ NULL, 0 };
	if (is_over(l, own))
		own = &nothing;
	s = a->session != NULL ? &a->session->seen : own;
	o = tape_obj(b);
	put_number(b, STR("calls"), s->calls);
	put_labels(l, b, own->labels | s->labels);
	put_number(b, STR("now"), l->port.wall(l->port.arg) / NS_OF_MS);
	tape_key(b, STR("plan"));
	tape_str(b, plan_says(l, a));
	put_number(b, STR("refusals"), s->refusals);
	tape_key(b, STR("risk"));
	m = tape_obj(b);
	for (size_t i = 0; i < RISK_MAX; i++)
		put_number(b, groups[i], s->risk[i]);
	tape_end(b, m, RISK_MAX);
	tape_key(b, STR("sandbox"));
	tape_str(b, jv_str(jv_get(a->up->conf, STR("sandbox"))));
	put_number(
	    b, STR("servers"), (uint64_t)__builtin_popcountll(s->servers));
	tape_end(b, o, 8);
	kept = arena_str(mem, buf_view(b)); /* a spent arena denies the call */
	buf_done(b);
	return jv_of(kept);
}

/* ---- what was decided ---- */

static void
count_call(struct seen *s, const struct turn *t)
{
	struct call c = t->asked;

	if (t->verdict.effect != ALLOW) {
		s->refusals++;
		return;
	}
	if (c.guessed) /* who counts them is to see the worst of it */
		risk_assume(&c, RISK_ALL);
	s->calls++;
	s->labels |= t->labels;
	if (!t->own)
		s->servers |= UINT64_C(1) << t->target[0]->index;
	if (task_method(t->method)) /* its call was counted */
		return;
	for (size_t i = 0; i < c.risk_n; i++)
		for (size_t k = 0; k < RISK_MAX; k++)
			s->risk[k] += str_eq(c.risk[i], groups[k]);
}

/* Before the answer is there: a call that is allowed may bring it, and the next
 * one is decided in the light of that. */
void
facts_note(const struct line *l, struct turn *t)
{
	struct seen *own = &t->principal->seen;
	const struct task *k = t->task.n > 0 ? task_find(l, t, t->task) : NULL;

	if (is_over(l, own))
		*own = (struct seen){ .last = 0 };
	own->last = line_now(l);
	t->labels = ours(l, t->verdict.labels) | (k != NULL ? k->labels : 0);
	count_call(own, t);
	if (t->session != NULL)
		count_call(&t->session->seen, t);
}
