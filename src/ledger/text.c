/*
 * text: the JCS text of one record.  The judge writes its members in order,
 * so the members of this room are merged in while the text is written; a
 * record that is out of order, holds what JCS refuses, or is too long goes the
 * slow way: long or unwritable values become a digest, and json_jcs sorts.
 */
#include "ledger/ledger-in.h"

enum {
	MEMBERS_MAX = 64, /* three times what the longest record has */
	CUT_OVER = 256,	  /* bytes of a value that stay when a record is cut */
	CUT_START = 64	  /* of a cut text, kept for people */
};

static bool
is_plain_byte(char c)
{
	return c >= 0x20 && c <= 0x7e && c != '"' && c != '\\';
}

/* Is any of eight bytes not plain?  Bit 7 says so: of the byte itself, of one
 * below 0x20 (subtracting borrows), and of one that x-or made zero. */
static bool
any_odd(const char *p)
{
	const uint64_t ones = UINT64_MAX / 255, high = ones << 7;
	uint64_t w, quote, back, del;

	memcpy(&w, p, sizeof(w));
	quote = w ^ ones * '"';
	back = w ^ ones * '\\';
	del = w ^ ones * 0x7f;
	return ((w | (w - ones * 0x20) | (quote - ones) | (back - ones) |
		    (del - ones)) &
		   high) != 0;
}

static bool
is_plain(struct str s)
{
	size_t i = 0;

	while (s.n - i >= 8 && !any_odd(s.p + i))
		i += 8;
	while (i < s.n && is_plain_byte(s.p[i]))
		i++;
	return i == s.n;
}

/* An integer that JCS writes as it stands. */
static bool
is_short_int(struct str s)
{
	if (s.n == 0 || s.n > 15 || (s.p[0] == '0' && s.n > 1))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return true;
}

static bool
value_text(struct jv v, struct buf *out)
{
	const struct str s = jv_str(v);

	if (jv_is(v, J_STR) && is_plain(s)) {
		char *to = buf_room(out, s.n + 2);

		if (to == NULL)
			return false;
		to[0] = to[s.n + 1] = '"';
		if (s.n > 0)
			memcpy(to + 1, s.p, s.n);
		buf_add(out, s.n + 2);
		return true;
	}
	if (jv_is(v, J_NUM) && is_short_int(s)) {
		buf_str(out, s);
		return true;
	}
	return json_jcs(v, out) == OK;
}

static void
key_text(struct str key, struct buf *out, bool *first)
{
	char *to = buf_room(out, key.n + 4);

	if (to == NULL)
		return;
	to[0] = *first ? '{' : ',';
	to[1] = to[key.n + 2] = '"';
	to[key.n + 3] = ':';
	if (key.n > 0)
		memcpy(to + 2, key.p, key.n);
	buf_add(out, key.n + 4);
	*first = false;
}

static void
extra_text(const struct extra *x, struct buf *out, bool *first)
{
	key_text(x->key, out, first);
	buf_put(out, x->value, x->n);
}

/* False: not in order, a member of ours among them, or not writable; out then
 * holds rubbish. */
static bool
text_merged(struct jv rec, const struct extras *x, struct buf *out)
{
	struct str key, last = { NULL, 0 };
	struct jit it = jit_of(rec);
	bool first = true;
	struct jv v;
	size_t at = 0;

	while (jit_next(&it, &key, &v)) {
		if (!is_plain(key) || (last.p && str_cmp(last, key) >= 0))
			return false;
		last = key;
		while (at < x->n && str_cmp(x->at[at].key, key) < 0)
			extra_text(&x->at[at++], out, &first);
		if (at < x->n && str_eq(x->at[at].key, key))
			return false;
		key_text(key, out, &first);
		if (!value_text(v, out))
			return false;
	}
	while (at < x->n)
		extra_text(&x->at[at++], out, &first);
	buf_ch(out, '}');
	return !out->full;
}

static struct str
text_start(struct str s)
{
	struct str start = str_sub(s, 0, CUT_START);

	while (!utf8_ok(start))
		start.n--;
	return start;
}

/* What stands for a value that is too long or cannot be written. */
static void
tape_cut(struct buf *b, struct jv v)
{
	const bool text = jv_is(v, J_STR);
	const struct str s = text ? jv_str(v) : jv_bytes(v);
	const size_t mark = tape_obj(b);
	unsigned char sum[LEDGER_HASH];
	struct buf hex = { .max = 2 * LEDGER_HASH };

	sha256(s, STR(""), sum);
	buf_hex(&hex, hash_str(sum));
	tape_key(b, STR("cut_bytes"));
	tape_i64(b, (int64_t)s.n);
	tape_key(b, STR("sha256"));
	tape_str(b, buf_view(&hex));
	if (text) {
		tape_key(b, STR("start"));
		tape_str(b, text_start(s));
	}
	tape_end(b, mark, text ? 3 : 2);
	buf_done(&hex);
}

static bool
is_repeated(struct jv rec, struct str key, size_t nr)
{
	struct jit it = jit_of(rec);
	struct str k;

	for (size_t i = 0; i < nr && jit_next(&it, &k, NULL); i++)
		if (str_eq(k, key))
			return true;
	return false;
}

/* rec and extras as one tape, values over `keep` bytes cut. */
static enum err
tape_whole(struct jv rec, const struct extras *x, size_t keep, struct buf *b)
{
	const size_t mark = tape_obj(b);
	struct buf trial = { .max = LEDGER_RECORD_MAX };
	struct jit it = jit_of(rec);
	enum err e = OK;
	struct str key;
	struct jv v;
	size_t n = 0;

	for (; !e && jit_next(&it, &key, &v); n++) {
		buf_clear(&trial);
		if (!utf8_ok(key) || key.n > CUT_OVER ||
		    is_repeated(rec, key, n))
			e = ERR_SYNTAX;
		tape_key(b, key);
		if (json_jcs(v, &trial) || trial.full || trial.n > keep)
			tape_cut(b, v);
		else
			tape_copy(b, v);
	}
	for (size_t i = 0; i < x->n; i++) {
		const struct str s = { x->at[i].value, x->at[i].n };

		tape_key(b, x->at[i].key);
		if (s.p[0] == '"')
			tape_str(b, str_sub(s, 1, s.n - 2));
		else
			tape_num(b, s);
	}
	tape_end(b, mark, n + x->n);
	buf_done(&trial);
	return e ? e : buf_end(b);
}

static enum err
text_slowly(struct jv rec, const struct extras *x, size_t keep, struct buf *out)
{
	struct buf tape = { .max = 4 * LEDGER_RECORD_MAX };
	enum err e = tape_whole(rec, x, keep, &tape);

	if (!e)
		e = json_jcs(jv_of(buf_view(&tape)), out);
	buf_done(&tape);
	return e ? e : buf_end(out);
}

static bool
has_extra(struct jv rec, const struct extras *x)
{
	for (size_t i = 0; i < x->n; i++)
		if (!jv_is(jv_get(rec, x->at[i].key), J_NONE))
			return true;
	return false;
}

enum err
record_text(struct jv rec, const struct extras *x, struct buf *out)
{
	const size_t before = out->n;
	enum err e;

	if (!jv_is(rec, J_OBJ) || jv_count(rec) > MEMBERS_MAX)
		return ERR_SYNTAX;
	if (text_merged(rec, x, out) && out->n - before <= LEDGER_RECORD_MAX)
		return OK;
	out->n = before;
	out->full = false;
	if (has_extra(rec, x))
		return ERR_SYNTAX;
	e = text_slowly(rec, x, LEDGER_RECORD_MAX, out);
	if (!e && out->n - before <= LEDGER_RECORD_MAX)
		return OK;
	out->n = before;
	out->full = false;
	e = text_slowly(rec, x, CUT_OVER, out);
	if (!e && out->n - before > LEDGER_RECORD_MAX)
		e = ERR_LIMIT;
	if (e) {
		out->n = before;
		out->full = false;
	}
	return e;
}
