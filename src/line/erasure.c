/* erasure: what the side store has to say for the record: content that it did
 * not get, and content that was erased, why and by whom. */
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

/* Members of ours, each of the type that it has; what else there is does not
 * come into a record. */
uint64_t
line_erasure(struct line *l, struct jv said)
{
	static const struct {
		struct str key;
		enum jtype type;
	} members[] = {
		{ STR_INIT("by"), J_STR },
		{ STR_INIT("cell"), J_NONE },
		{ STR_INIT("entries"), J_NUM },
		{ STR_INIT("keys"), J_NUM },
		{ STR_INIT("kind"), J_NONE },
		{ STR_INIT("reason"), J_STR },
		{ STR_INIT("records"), J_ARR },
		{ STR_INIT("subject"), J_STR },
		{ STR_INIT("uid"), J_NUM },
	};
	struct buf *b = &l->rec;
	size_t o, n = 0;

	buf_clear(b);
	o = tape_obj(b);
	for (size_t i = 0; i < countof(members); i++) {
		const struct str key = members[i].key;
		const struct jv v = jv_get(said, key);

		if (members[i].type != J_NONE && !jv_is(v, members[i].type))
			continue;
		tape_key(b, key);
		if (str_eq(key, STR("cell")))
			tape_i64(b, (int64_t)l->cell);
		else if (str_eq(key, STR("kind")))
			tape_str(b, STR("erasure"));
		else
			tape_copy(b, v);
		n++;
	}
	tape_end(b, o, n);
	return record(l, true);
}
