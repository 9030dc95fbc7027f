/*
 * keep: what a record says so that policy can be asked again later ("policy
 * replay"): which set decided, and the values of arguments that the operator
 * declared safe.  No other argument's value is written anywhere.
 */
#include "line/commit-in.h"

enum { KEPT_MAX = 4096 }; /* bytes of one call's kept values, as a tape */

/* Does the record give the same value back?  JCS rounds large numbers and
 * writes 1.50 as 1.5, where extractors read what was written. */
static bool
is_exact(struct jv v, unsigned depth)
{
	struct buf b = { .max = 64 };
	struct jit it = jit_of(v);
	struct str key;
	bool good = true;
	struct jv val;

	if (jv_is(v, J_STR))
		return utf8_ok(jv_str(v));
	if (jv_is(v, J_NUM)) {
		good = json_jcs(v, &b) == OK && str_eq(buf_view(&b), jv_str(v));
		buf_done(&b);
		return good;
	}
	if (!jv_is(v, J_OBJ) && !jv_is(v, J_ARR))
		return true;
	while (good && jit_next(&it, &key, &val))
		good = depth < JSON_DEPTH_MAX && is_exact(val, depth + 1) &&
		       (!it.obj || utf8_ok(key));
	return good;
}

static bool
is_clear(const struct line *l, const struct turn *t, struct str argument)
{
	return class_of(l, t->target[0], t->name, argument).doing == DO_CLEAR;
}

/* Arguments that stand in the record; picked: how many. */
static struct jv
values(const struct line *l, const struct turn *t, struct jv args,
    uint64_t *picked)
{
	struct buf b = { .max = 2 * KEPT_MAX };
	const size_t m = tape_obj(&b);
	struct jit it = jit_of(args);
	struct jv v, out = { NULL, 0 };
	struct str key;
	size_t n = 0;

	while (jit_next(&it, &key, &v)) {
		if (!is_clear(l, t, key) ||
		    b.n + key.n + jv_bytes(v).n > KEPT_MAX || !is_exact(v, 0))
			continue;
		tape_key(&b, key);
		tape_copy(&b, v);
		n++;
	}
	tape_end(&b, m, n);
	if (n > 0 && buf_end(&b) == OK)
		out = jv_of(arena_str(t->mem, buf_view(&b)));
	*picked = jv_is(out, J_NONE) ? 0 : n;
	buf_done(&b);
	return out;
}

/* Those that would, had the call had them. */
static struct jv
absent(const struct line *l, const struct turn *t, struct jv args)
{
	struct jit it = jit_of(jv_get(t->target[0]->data, t->name));
	struct buf b = { .max = 2 * KEPT_MAX };
	const size_t m = tape_arr(&b);
	struct jv out = { NULL, 0 };
	struct str key;
	size_t n = 0;

	while (jit_next(&it, &key, NULL)) {
		if (str_eq(key, STR("*")) || !is_clear(l, t, key) ||
		    !jv_is(jv_get(args, key), J_NONE) || b.n + key.n > KEPT_MAX)
			continue;
		tape_str(&b, key);
		n++;
	}
	tape_end(&b, m, n);
	if (n > 0 && buf_end(&b) == OK)
		out = jv_of(arena_str(t->mem, buf_view(&b)));
	buf_done(&b);
	return out;
}

/* On whose behalf, and by which model: policy sees both. */
static struct jv
claims(const struct turn *t)
{
	static const struct {
		struct str member, at;
	} of[] = {
		{ STR_INIT("model"), STR_INIT(META_MODEL) },
		{ STR_INIT("on_behalf_of"), STR_INIT(META_ON_BEHALF_OF) },
	};
	const struct jv meta = jv_get(t->asked.params, STR("_meta"));
	struct buf b = { .max = KEPT_MAX };
	struct jv out = { NULL, 0 };
	size_t m, n = 0;

	if (jv_is(jv_get(meta, of[0].at), J_NONE) &&
	    jv_is(jv_get(meta, of[1].at), J_NONE))
		return out;
	m = tape_obj(&b);
	for (size_t i = 0; i < countof(of); i++) {
		const struct jv v = jv_get(meta, of[i].at);

		if (jv_is(v, J_NONE))
			continue;
		tape_key(&b, of[i].member);
		if (is_exact(v, 0) && jv_bytes(v).n < KEPT_MAX / 4)
			tape_copy(&b, v);
		else
			tape_null(&b); /* there is one, and it is no name */
		n++;
	}
	tape_end(&b, m, n);
	if (buf_end(&b) == OK)
		out = jv_of(arena_str(t->mem, buf_view(&b)));
	buf_done(&b);
	return out;
}

struct kept
keep_arguments(const struct line *l, const struct turn *t)
{
	const struct jv args = jv_get(t->asked.params, STR("arguments"));
	struct kept k = { .claims = claims(t),
		.withheld = jv_is(args, J_OBJ) ? jv_count(args) : 0 };
	uint64_t n = 0;

	if (t->method != MCP_TOOLS_CALL || t->target_n != 1 ||
	    k.withheld == 0 || !class_clear(l, t->target[0]))
		return k;
	k.values = values(l, t, args, &n);
	k.withheld -= n;
	if (k.withheld > 0)
		k.absent = absent(l, t, args);
	return k;
}

/* Does some policy read it, so that it belongs on record? */
bool
keeps(const struct line *l, const struct turn *t, unsigned read)
{
	return t->asked.principal.n > 0 &&
	       (policy_reads(l->policy) & read) != 0;
}

/* ---- the set in force ---- */

static void
policy_tape(const struct line *l, struct buf *b)
{
	static const struct {
		unsigned bit;
		struct str member;
	} read[] = {
		{ READS_INPUT, STR_INIT("input") },
		{ READS_SESSION, STR_INIT("session") },
	};
	const unsigned reads = policy_reads(l->policy);
	const struct jv files = jv_get(l->image, STR("policies"));
	const size_t o = tape_obj(b);
	size_t m, n = 0;

	tape_key(b, STR("cell"));
	tape_i64(b, (int64_t)l->cell);
	tape_key(b, STR("files"));
	if (jv_is(files, J_ARR))
		tape_copy(b, files);
	else
		tape_end(b, tape_arr(b), 0);
	tape_key(b, STR("kind"));
	tape_str(b, STR("policy"));
	tape_key(b, STR("policy"));
	tape_str(b, l->policy_digest);
	tape_key(b, STR("reads"));
	m = tape_arr(b);
	for (size_t i = 0; i < countof(read); i++)
		if (reads & read[i].bit) {
			tape_str(b, read[i].member);
			n++;
		}
	tape_end(b, m, n);
	tape_key(b, STR("rules"));
	tape_i64(b, (int64_t)jv_count(jv_get(l->image, STR("rules"))));
	tape_end(b, o, 6);
}

/* Until it is written: with the ledger's first word, or at the next tick. */
void
record_policy(struct line *l)
{
	struct msg m = msg_of(MSG_RECORD);

	if (l->policy_told || !l->ledger_ok || l->policy_digest.n == 0)
		return;
	buf_clear(&l->rec);
	policy_tape(l, &l->rec);
	msg_set(&m, F_SEQ, l->seq + 1);
	msg_set_text(&m, F_REC, buf_view(&l->rec));
	if (buf_end(&l->rec) != OK || l->port.ledger(l->port.arg, &m) != OK)
		return;
	l->seq++;
	l->policy_told = true;
}
