/* seen: where a cell's log ends, as load tells it to role ledger. */
#include "ledger/ledger-in.h"

enum { RANGE_MAX = 64 * LEDGER_HASH };

static void
put_num(struct buf *tape, struct str key, uint64_t v)
{
	tape_key(tape, key);
	tape_i64(tape, (int64_t)v);
}

static void
put_hex(struct buf *tape, struct str key, struct str bytes)
{
	struct buf hex = { .max = 2 * RANGE_MAX };

	buf_hex(&hex, bytes);
	tape_key(tape, key);
	tape_str(tape, buf_view(&hex));
	buf_done(&hex);
}

void
ledger_seen_put(const struct ledger_seen *s, unsigned cell, unsigned segment,
    struct buf *tape)
{
	const size_t mark = tape_obj(tape);
	struct buf range = { .max = RANGE_MAX };
	const struct tlog_hash root = tlog_range_root(&s->tree);

	for (size_t i = 0; i < 64; i++)
		if ((s->tree.size >> i & 1) != 0)
			buf_put(&range, s->tree.node[i].b, LEDGER_HASH);
	put_num(tape, STR("cell"), cell);
	put_num(tape, STR("good"), s->good);
	put_hex(tape, STR("range"), buf_view(&range));
	put_hex(tape, STR("root"), hash_str(root.b));
	put_num(tape, STR("segment"), segment);
	put_num(tape, STR("seq"), s->tree.size);
	put_num(tape, STR("size"), s->tree.size);
	tape_key(tape, STR("torn"));
	tape_bool(tape, s->torn > 0);
	tape_end(tape, mark, 8);
	buf_done(&range);
}

static enum err
range_of(struct str hex, struct tlog_range *t)
{
	unsigned char range[RANGE_MAX];
	const size_t n = (size_t)__builtin_popcountll(t->size);
	size_t at = 0;

	TRY(hex_bytes(hex, range, n * LEDGER_HASH));
	for (size_t i = 0; i < 64; i++)
		if ((t->size >> i & 1) != 0)
			memcpy(t->node[i].b, range + LEDGER_HASH * at++,
			    LEDGER_HASH);
	return OK;
}

enum err
ledger_seen_of(struct jv v, struct ledger_seen *out)
{
	struct tlog_hash root, said;
	struct ledger_seen s = { .good = 0 };
	int64_t size = 0, good = 0, seq = 0;

	TRY(jv_i64(jv_get(v, STR("size")), &size));
	TRY(jv_i64(jv_get(v, STR("seq")), &seq));
	TRY(jv_i64(jv_get(v, STR("good")), &good));
	if (size < 0 || good < 0 || seq != size)
		return ERR_SYNTAX;
	s.tree.size = (uint64_t)size;
	s.good = (size_t)good;
	s.torn = jv_true(jv_get(v, STR("torn"))) ? 1 : 0;
	TRY(range_of(jv_str(jv_get(v, STR("range"))), &s.tree));
	TRY(hex_bytes(jv_str(jv_get(v, STR("root"))), said.b, sizeof(said.b)));
	root = tlog_range_root(&s.tree);
	if (!tlog_same(&root, &said))
		return ERR_SYNTAX;
	*out = s;
	return OK;
}
