/*
 * explain.c: for people who write policies: what decides, as text, and why a
 * call is decided as it is.  To say which part of a policy did not fit, each
 * part is made a policy of its own and asked alone: slow, and without a second
 * evaluator that could differ from the one that decides.
 */
#include "authority/authority-in.h"

enum { TEXT_MAX = 16 << 20, ROOM = 16 << 20 };

enum err
policy_show(struct jv image, struct buf *out, struct note *why)
{
	struct cedar_policies *rules = cedar_policies_new();
	struct jit it = jit_of(jv_get(image, STR("policies")));
	const enum err e =
	    rules_compile(jv_get(image, STR("rules")), false, rules, why);
	struct jv v;

	if (!e && cedar_policies_count(rules) > 0) {
		buf_str(out, STR("// rules\n"));
		cedar_policies_put(rules, out);
	}
	while (!e && jit_next(&it, NULL, &v)) {
		buf_fmt(out, "%s// %.*s\n", out->n > 0 ? "\n" : "",
		    STR_ARG(jv_str(jv_get(v, STR("name")))));
		buf_str(out, jv_str(jv_get(v, STR("text"))));
	}
	cedar_policies_free(rules);
	return e;
}

/* ---- asking one part ---- */

static const struct str scopes[] = { STR_INIT("principal"), STR_INIT("action"),
	STR_INIT("resource") };
enum { SCOPES = 3 };

static void
put_all(struct buf *out)
{
	const size_t m = tape_obj(out);

	tape_key(out, STR("op"));
	tape_str(out, STR("All"));
	tape_end(out, m, 1);
}

/* A permit with one part of policy p: a scope (0 to 2), or a clause. */
static void
put_part(struct buf *out, struct jv p, size_t part, struct jv clause)
{
	const size_t m = tape_obj(out);
	size_t list;

	tape_key(out, STR("effect"));
	tape_str(out, STR("permit"));
	for (size_t i = 0; i < SCOPES; i++) {
		tape_key(out, scopes[i]);
		if (i == part)
			tape_copy(out, jv_get(p, scopes[i]));
		else
			put_all(out);
	}
	tape_key(out, STR("conditions"));
	list = tape_arr(out);
	if (part == SCOPES)
		tape_copy(out, clause);
	tape_end(out, list, part == SCOPES ? 1 : 0);
	tape_end(out, m, 5);
}

struct asked {
	const struct world *w;
	struct arena *a;
	struct buf *out;
	struct buf tape, text, words;
	size_t missed;
};

/* "when { ... }": what a policy's text says after its scope. */
static struct str
clause_of(struct str text)
{
	const size_t when = str_search(text, STR("when {"));
	const size_t unless = str_search(text, STR("unless {"));
	struct str s = str_sub(text, when < unless ? when : unless, text.n);

	while (s.n > 0 && (s.p[s.n - 1] == '\n' || s.p[s.n - 1] == ';'))
		s.n--;
	return s;
}

static void
put_missed(struct asked *k, struct str part, struct str error)
{
	const size_t m = tape_obj(k->out);

	tape_key(k->out, STR("part"));
	tape_str(k->out, part);
	tape_key(k->out, STR("error"));
	tape_str(k->out, error);
	tape_end(k->out, m, 2);
	k->missed++;
}

/* Does this part fit?  What does not is put into k->out. */
static enum err
ask(struct asked *k, struct jv p, size_t part, struct jv clause)
{
	struct cedar_policies *ps = cedar_policies_new();
	struct cedar_engine *engine = NULL;
	struct cedar_answer ans = { .decision = CEDAR_DENY };
	enum err e;

	buf_clear(&k->tape);
	buf_clear(&k->text);
	buf_clear(&k->words);
	put_part(&k->tape, p, part, clause);
	json_write(jv_of(buf_view(&k->tape)), &k->text);
	e = cedar_policies_from_json(ps, STR("part"), buf_view(&k->text), NULL);
	if (!e)
		e = cedar_engine_new(ps, &engine, NULL);
	if (!e)
		e = cedar_authorize(engine, k->w->r, k->w->es, k->a, &ans);
	if (!e && ans.decision != CEDAR_ALLOW) {
		cedar_policies_put(ps, &k->words);
		put_missed(k,
		    part < SCOPES ? scopes[part]
				  : clause_of(buf_view(&k->words)),
		    str_of(ans.error_n > 0 ? ans.error[0].note.text : ""));
	}
	cedar_engine_free(engine);
	cedar_policies_free(ps);
	return e;
}

static enum err
explain_one(struct asked *k, struct cedar_policy_info info, struct jv p)
{
	struct buf *out = k->out;
	const size_t m = tape_obj(out);
	struct jit it = jit_of(jv_get(p, STR("conditions")));
	struct jv clause = { NULL, 0 };
	bool scope;
	size_t list;

	tape_key(out, STR("id"));
	tape_str(out, info.id);
	tape_key(out, STR("effect"));
	tape_str(out, info.forbid ? STR("forbid") : STR("permit"));
	tape_key(out, STR("missed"));
	list = tape_arr(out);
	k->missed = 0;
	for (size_t i = 0; i < SCOPES; i++)
		TRY(ask(k, p, i, clause));
	scope = k->missed == 0;
	while (scope && jit_next(&it, NULL, &clause))
		TRY(ask(k, p, SCOPES, clause));
	tape_end(out, list, k->missed);
	tape_key(out, STR("scope"));
	tape_bool(out, scope);
	tape_key(out, STR("holds"));
	tape_bool(out, k->missed == 0);
	tape_end(out, m, 5);
	return OK;
}

static enum err
explain_all(struct asked *k, const struct cedar_policies *ps, struct note *why)
{
	struct buf text = { .max = TEXT_MAX }, tape = { .max = TEXT_MAX };
	const size_t n = cedar_policies_count(ps);
	const size_t list = tape_arr(k->out);
	enum err e = OK;

	for (size_t i = 0; !e && i < n; i++) {
		struct cedar_policy_info info;

		buf_clear(&text);
		buf_clear(&tape);
		e = cedar_policy_info(ps, i, &info) ? OK : ERR_SYNTAX;
		if (!e)
			e = est_of(ps, info.id, &text, &tape, why);
		if (!e)
			e = explain_one(k, info, jv_of(buf_view(&tape)));
	}
	tape_end(k->out, list, n);
	buf_done(&text);
	buf_done(&tape);
	return e;
}

/* ---- who, what, upon what ---- */

static void
put_uid(struct buf *out, struct cedar_uid uid)
{
	struct buf b = { .max = 64 << 10 };

	cedar_uid_put(&b, uid);
	tape_str(out, buf_view(&b));
	buf_done(&b);
}

static void
put_world(struct buf *out, const struct call *c, const struct world *w)
{
	struct str groups[RISK_MAX];
	const size_t n = groups_of(c, groups);
	size_t m;

	for (size_t i = 0; i < SCOPES; i++) {
		tape_key(out, scopes[i]);
		put_uid(out, w->par[i]);
	}
	tape_key(out, STR("groups"));
	m = tape_arr(out);
	for (size_t i = 0; i < n; i++)
		tape_str(out, groups[i]);
	tape_end(out, m, n);
}

enum err
policy_explain(
    struct jv image, const struct call *c, struct buf *tape, struct note *why)
{
	struct cedar_policies *ps = cedar_policies_new();
	struct arena *a = arena_new(ROOM);
	struct world w;
	struct asked k = { .w = &w,
		.a = a,
		.out = tape,
		.tape = { .max = TEXT_MAX },
		.text = { .max = TEXT_MAX },
		.words = { .max = TEXT_MAX } };
	struct inventory *inv = NULL;
	struct call full = *c;
	struct known known;
	enum err e = all_compile(image, ps, why);
	size_t m;

	if (!e)
		e = inventory_new(image, &inv, why);
	if (!e && !c->chained)
		e = chain_fill(inv, &full, why);
	if (!e)
		e = known_of(inv, &full, READS_ALL, a, &known, why);
	if (!e)
		e = world_of(c, false, &known, a, &w);
	if (!e) {
		m = tape_obj(tape);
		put_world(tape, c, &w);
		tape_key(tape, STR("policies"));
		e = explain_all(&k, ps, why);
		tape_end(tape, m, 5);
	}
	buf_done(&k.tape);
	buf_done(&k.text);
	buf_done(&k.words);
	inventory_free(inv);
	cedar_policies_free(ps);
	arena_free(a);
	return e;
}
