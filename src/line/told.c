/* told: what others saw and the record must have: role tiles (content that
 * it did not get, erased or pruned), the parent (roles that died, disks that
 * failed, the configuration that came into force), the end of this process. */
#include "line/line-in.h"

static uint64_t
record(struct line *l, bool strict)
{
	struct msg m = msg_of(MSG_RECORD);

	msg_set(&m, F_SEQ, l->seq + 1);
	msg_set(&m, F_FLAGS, strict ? MF_STRICT : 0);
	msg_set_text(&m, F_REC, buf_view(&l->rec));
	if (buf_end(&l->rec) != OK || !l->ledger_ok ||
	    l->port.ledger(l->port.arg, &m) != OK)
		return 0;
	return ++l->seq;
}

static void
number(struct buf *b, const char *key, uint64_t v)
{
	tape_key(b, str_of(key));
	tape_i64(b, (int64_t)v);
}

bool
line_content_lost(struct line *l, uint64_t first, uint64_t last, uint64_t n)
{
	struct buf *b = &l->rec;
	size_t o;

	buf_clear(b);
	o = tape_obj(b);
	number(b, "cell", l->cell);
	number(b, "count", n);
	number(b, "from", first);
	tape_key(b, STR("kind"));
	tape_str(b, STR("content"));
	tape_key(b, STR("not_established"));
	tape_str(b, STR("the side store did not confirm what was to be kept "
			"of these records"));
	number(b, "to", last);
	tape_end(b, o, 6);
	return record(l, false) != 0;
}

/* The kinds that others may tell, with their members in the order of JCS.  Each
 * has its type; what else there is does not come into a record. */
#define ANY J_NONE /* a value, or why there is none */
struct member {
	const char *key; /* cell and kind are ours */
	enum jtype type;
};
static const struct told {
	struct str kind;
	bool strict; /* who tells waits until it is durable */
	struct member has[16];
} tolds[] = {
	{ STR_INIT("configuration"), false,
	    { { "at", J_NUM }, { "before", J_STR }, { "cell", ANY },
		{ "changed", J_ARR }, { "config", J_STR }, { "event", J_NUM },
		{ "kind", ANY }, { "reason", J_STR }, { "status", J_STR },
		{ "unnamed", J_NUM } } },
	{ STR_INIT("credential"), false,
	    { { "at", J_NUM }, { "cell", ANY }, { "count", J_NUM },
		{ "event", J_NUM }, { "kind", ANY }, { "principal", J_STR },
		{ "status", J_STR } } },
	{ STR_INIT("erasure"), true,
	    { { "by", J_STR }, { "cell", ANY }, { "entries", J_NUM },
		{ "keys", J_NUM }, { "kind", ANY }, { "reason", J_STR },
		{ "records", J_ARR }, { "subject", J_STR },
		{ "uid", J_NUM } } },
	{ STR_INIT("failure"), false,
	    { { "at", J_NUM }, { "cell", ANY }, { "count", J_NUM },
		{ "event", J_NUM }, { "failed", J_STR }, { "followed", J_STR },
		{ "instance", J_NUM }, { "kind", ANY }, { "reason", J_STR },
		{ "role", J_STR }, { "server", J_STR } } },
	{ STR_INIT("prune"), true,
	    { { "before", J_NUM }, { "budget", J_NUM }, { "cell", ANY },
		{ "cells", J_ARR }, { "kind", ANY }, { "minimum", J_NUM } } },
	{ STR_INIT("role"), false,
	    { { "at", J_NUM }, { "build", ANY }, { "cell", ANY },
		{ "cells", J_NUM }, { "config", J_STR }, { "event", J_NUM },
		{ "instance", J_NUM }, { "kind", ANY }, { "lacks", J_STR },
		{ "program", J_STR }, { "restarts", J_NUM }, { "role", J_STR },
		{ "roles", J_OBJ }, { "server", J_STR },
		{ "status", J_STR } } },
	{ STR_INIT("stop"), false,
	    { { "cell", ANY }, { "kind", ANY }, { "reason", J_STR } } },
};

static const struct told *
told_of(struct str kind)
{
	for (size_t i = 0; i < countof(tolds); i++)
		if (str_eq(tolds[i].kind, kind))
			return &tolds[i];
	return NULL;
}

static size_t
put(const struct line *l, struct str kind, const struct member *m, struct jv v,
    struct buf *b)
{
	if (strcmp(m->key, "cell") == 0) {
		number(b, m->key, l->cell);
		return 1;
	}
	if (strcmp(m->key, "kind") == 0) {
		tape_key(b, STR("kind"));
		tape_str(b, kind);
		return 1;
	}
	if (jv_is(v, J_NONE) || (m->type != ANY && !jv_is(v, m->type)))
		return 0;
	tape_key(b, str_of(m->key));
	tape_copy(b, v);
	return 1;
}

uint64_t
line_told(struct line *l, struct str kind, struct jv said)
{
	const struct told *is = told_of(kind);
	struct buf *b = &l->rec;
	size_t o, n = 0;

	if (is == NULL)
		return 0;
	buf_clear(b);
	o = tape_obj(b);
	for (const struct member *m = is->has; m->key != NULL; m++)
		n += put(l, kind, m, jv_get(said, str_of(m->key)), b);
	tape_end(b, o, n);
	return record(l, is->strict);
}

uint64_t
line_stop(struct line *l, struct str why)
{
	struct buf b = { .max = 4096 };
	const size_t o = tape_obj(&b);
	uint64_t seq;

	record_folded(l);
	seldom_write(l, true);
	tape_key(&b, STR("reason"));
	tape_str(&b, why);
	tape_end(&b, o, 1);
	seq = line_told(l, STR("stop"), jv_of(buf_view(&b)));
	buf_done(&b);
	return seq;
}
