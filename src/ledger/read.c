/*
 * read: one segment, from its bytes to its records.  Promises that what it
 * hands out is what a writer staged, in that order and place, and that it
 * stops at the first byte that is not.  It refuses to guess what stood there.
 *
 * Room is made for records before they are written, so after the last one the
 * file may go on with zeros: they are its end.  A crash leaves some sectors
 * unwritten since the last sync, and they read as zeros, or the file ends
 * early.  That is a torn tail; everything else that is wrong was done by
 * someone.  Zeros can be done by someone too: what a cut end hides is for the
 * next header, or a checkpoint kept elsewhere, to show.
 */
#include "ledger/ledger-in.h"

/* One level more than a record's values may have. */
static const struct json_limits record_limits = {
	.depth = 80, .members = LEDGER_RECORD_MAX, .string = LEDGER_RECORD_MAX
};

enum { TAPE_MAX = 8 * LEDGER_RECORD_MAX }; /* "0," is two bytes, a tape's 6 */

struct reader {
	struct str bytes;
	size_t at;
	struct buf tape, jcs;
	struct ledger_seen *seen;
	struct note *why;
};

/*
 * Does some sector's part of [from, to) look unwritten?  `from` begins a write
 * or lies in one, so what is lost of a sector goes to its end: the whole part,
 * or after a short write at least the end of it.
 */
static bool
is_hole(struct str b, size_t from, size_t to)
{
	if (to > b.n)
		to = b.n;
	while (from < to) {
		const size_t next = from / SECTOR * SECTOR + SECTOR;
		const size_t end = next < to ? next : to;
		size_t z = end;

		while (z > from && b.p[z - 1] == '\0')
			z--;
		if (z == from || end - z >= 8)
			return true;
		from = end;
	}
	return false;
}

/* Where the zeros begin that the bytes end with. */
static size_t
zeros_at(struct str b)
{
	static const char none[4096];

	while (b.n >= sizeof(none) &&
	       memcmp(b.p + b.n - sizeof(none), none, sizeof(none)) == 0)
		b.n -= sizeof(none);
	while (b.n > 0 && b.p[b.n - 1] == '\0')
		b.n--;
	return b.n;
}

/* Is all that follows room that was never written to?  A record begins with
 * its length, which is not zero. */
static bool
is_room(const struct reader *r)
{
	static const char none[4];
	const struct str rest = str_sub(r->bytes, r->at, r->bytes.n - r->at);
	const size_t n = rest.n < sizeof(none) ? rest.n : sizeof(none);

	return memcmp(rest.p, none, n) == 0 && zeros_at(rest) == 0;
}

/* What [at, at + need) not being right means. */
static enum err
broken(struct reader *r, size_t need, const char *what)
{
	const size_t left = r->bytes.n - r->at;
	const bool torn = need > left || is_hole(r->bytes, r->at, r->at + need);
	const uint64_t nr = r->seen->tree.size + 1;

	if (torn)
		note_set(r->why,
		    "the end is torn at byte %zu: record %llu is not whole",
		    r->at, (unsigned long long)nr);
	else if (r->at == 0)
		note_set(r->why, "header: %s", what);
	else
		note_set(r->why, "record %llu at byte %zu: %s",
		    (unsigned long long)nr, r->at, what);
	return torn ? ERR_MORE : ERR_SYNTAX;
}

/* ---- header ---- */
struct header {
	struct tlog_range tree;
	char name[NAME_ROOM];
	unsigned char sum[LEDGER_HASH];
	size_t n;
};

static enum err
header_of(struct reader *r, struct cur *c, struct header *h)
{
	uint32_t version, nodes;
	struct str root, name;
	struct tlog_hash sum;

	if (!str_eq(cur_str(c, 8), LEDGER_MAGIC))
		return broken(r, 8, "not a ledger segment");
	version = cur_u32(c);
	nodes = cur_u32(c);
	h->tree.size = cur_u64(c);
	root = cur_str(c, LEDGER_HASH);
	name = cur_str(c, NAME_ROOM);
	if (c->bad)
		return broken(r, HEAD_FIXED + LEDGER_HASH, "too short");
	if (version != LEDGER_VERSION)
		return broken(r, HEAD_FIXED + LEDGER_HASH, "another version");
	if (nodes != (uint32_t)__builtin_popcountll(h->tree.size))
		return broken(
		    r, HEAD_FIXED + LEDGER_HASH, "size and nodes disagree");
	h->n = HEAD_FIXED + (nodes + 1) * LEDGER_HASH;
	for (size_t i = 0; i < 64; i++)
		if ((h->tree.size >> i & 1) != 0) {
			const struct str s = cur_str(c, LEDGER_HASH);

			if (s.n == LEDGER_HASH)
				memcpy(h->tree.node[i].b, s.p, LEDGER_HASH);
		}
	if (cur_left(c) < LEDGER_HASH)
		return broken(r, h->n, "too short");
	sha256(str_sub(r->bytes, 0, h->n - LEDGER_HASH), STR(""), h->sum);
	if (!str_eq(cur_str(c, LEDGER_HASH), hash_str(h->sum)))
		return broken(r, h->n, "its digest does not fit");
	sum = tlog_range_root(&h->tree);
	if (!str_eq(root, hash_str(sum.b)) || str_find(name, '\0') == 0 ||
	    name.p[NAME_ROOM - 1] != '\0')
		return broken(r, 0, "root or name is impossible");
	memcpy(h->name, name.p, NAME_ROOM);
	return OK;
}

static enum err
header_read(struct reader *r, struct header *h)
{
	struct cur c = cur_of(r->bytes.p, r->bytes.n);

	*h = (struct header){ .n = 0 };
	if (r->bytes.n == 0)
		return broken(r, 1, "");
	return header_of(r, &c, h);
}

static bool
is_later(struct str name, struct str last)
{
	return name.n != last.n ? name.n > last.n : str_cmp(name, last) > 0;
}

/* Does the segment go on from where the reader is? */
static bool
is_same(const struct tlog_range *a, const struct tlog_range *b)
{
	const struct tlog_hash x = tlog_range_root(a), y = tlog_range_root(b);

	return a->size == b->size && tlog_same(&x, &y);
}

static enum err
header_follows(struct reader *r, const struct header *h)
{
	const struct ledger_seen *s = r->seen;

	if (!is_later(str_of(h->name), str_of(s->segment))) {
		note_set(
		    r->why, "header: %s cannot follow %s", h->name, s->segment);
		return ERR_SYNTAX;
	}
	if (!is_same(&h->tree, &s->tree)) {
		note_set(r->why,
		    "header: %s follows record %llu with another root or size "
		    "than the %llu records before it",
		    h->name, (unsigned long long)h->tree.size,
		    (unsigned long long)s->tree.size);
		return ERR_SYNTAX;
	}
	return OK;
}

/* ---- records ---- */
/* The text must be what a writer makes of it: then two readers agree. */
static enum err
record_parse(struct reader *r, struct str text, struct jv *out)
{
	int64_t seq = 0;
	struct jv v;

	buf_clear(&r->tape);
	buf_clear(&r->jcs);
	if (json_parse(text, &record_limits, &r->tape, NULL))
		return broken(r, 0, "not JSON");
	v = jv_of(buf_view(&r->tape));
	if (!jv_is(v, J_OBJ) || json_jcs(v, &r->jcs) ||
	    !str_eq(buf_view(&r->jcs), text))
		return broken(r, 0, "not an object in JCS form");
	if (jv_i64(jv_get(v, STR("seq")), &seq) || seq < 0 ||
	    (uint64_t)seq != r->seen->tree.size + 1)
		return broken(r, 0, "its seq is not its place");
	*out = v;
	return OK;
}

/* The next record by its mark and chain value; *chain: what the next one is
 * held against.  The reader stays before it until record_take. */
static enum err
record_find(struct reader *r, struct str *text, struct tlog_hash *leaf,
    unsigned char chain[static LEDGER_HASH])
{
	struct cur c = cur_of(r->bytes.p + r->at, r->bytes.n - r->at);
	const uint32_t len = cur_u32(&c);
	const uint32_t mark = cur_u32(&c);
	const struct ledger_seen *s = r->seen;
	struct str stored;
	size_t need;

	if (c.bad)
		return broken(r, REC_HEAD, "");
	if (len == 0 || len > LEDGER_RECORD_MAX ||
	    mark != record_mark(s->chain, len))
		return broken(
		    r, REC_HEAD, "its length is not what was written");
	need = len + (size_t)REC_EXTRA;
	*text = cur_str(&c, len);
	stored = cur_str(&c, LEDGER_HASH);
	if (c.bad)
		return broken(r, need, "");
	*leaf = tlog_leaf(*text);
	sha256_tagged(CHAIN, hash_str(s->chain), hash_str(leaf->b), chain);
	if (!str_eq(stored, hash_str(chain)))
		return broken(r, need, "it was changed or is not from here");
	return OK;
}

static void
record_take(struct reader *r, struct str text, const struct tlog_hash *leaf,
    const unsigned char chain[static LEDGER_HASH])
{
	struct ledger_seen *s = r->seen;

	memcpy(s->chain, chain, LEDGER_HASH);
	tlog_range_add(&s->tree, leaf);
	r->at += text.n + REC_EXTRA;
	s->good = r->at;
}

static enum err
record_read(struct reader *r, struct str *text, struct jv *rec)
{
	unsigned char chain[LEDGER_HASH];
	struct tlog_hash leaf;

	TRY(record_find(r, text, &leaf, chain));
	TRY(record_parse(r, *text, rec));
	record_take(r, *text, &leaf, chain);
	return OK;
}

static enum err
segment_open(struct reader *r)
{
	struct header h;

	r->seen->good = 0;
	TRY(header_read(r, &h));
	TRY(header_follows(r, &h));
	memcpy(r->seen->segment, h.name, NAME_ROOM);
	memcpy(r->seen->chain, h.sum, LEDGER_HASH);
	r->seen->first = h.tree.size + 1;
	r->at = r->seen->good = h.n;
	return OK;
}

static enum err
segment_read(struct reader *r,
    void (*got)(void *arg, uint64_t seq, struct str jcs, struct jv rec),
    void *arg)
{
	struct str text = { NULL, 0 };
	struct jv rec = { NULL, 0 };

	TRY(segment_open(r));
	while (r->at < r->bytes.n && !is_room(r)) {
		TRY(record_read(r, &text, &rec));
		if (got != NULL)
			got(arg, r->seen->tree.size, text, rec);
	}
	return OK;
}

static void
reader_init(struct reader *r, struct str bytes, struct ledger_seen *state,
    struct note *why)
{
	*r = (struct reader){ .bytes = bytes, .seen = state, .why = why };
	r->tape.max = TAPE_MAX;
	r->jcs.max = LEDGER_RECORD_MAX;
}

static void
reader_done(struct reader *r)
{
	buf_done(&r->tape);
	buf_done(&r->jcs);
}

enum err
ledger_read(struct str bytes, struct ledger_seen *state,
    void (*got)(void *arg, uint64_t seq, struct str jcs, struct jv rec),
    void *arg, struct note *why)
{
	struct reader r;
	struct note unread;
	enum err e;

	reader_init(&r, bytes, state, why == NULL ? &unread : why);
	e = segment_read(&r, got, arg);
	state->torn = e == OK ? 0 : bytes.n - state->good;
	reader_done(&r);
	return e;
}

enum err
ledger_open(struct str bytes, struct ledger_seen *state, struct note *why)
{
	struct reader r;
	struct note unread;
	enum err e;

	reader_init(&r, bytes, state, why == NULL ? &unread : why);
	e = segment_open(&r);
	reader_done(&r);
	return e;
}

static enum err
follow(struct reader *r,
    bool (*got)(
	void *arg, uint64_t seq, struct str jcs, const struct tlog_hash *leaf),
    void *arg)
{
	unsigned char chain[LEDGER_HASH];
	struct tlog_hash leaf;
	struct str text = { NULL, 0 };

	while (r->at < r->bytes.n && !is_room(r)) {
		TRY(record_find(r, &text, &leaf, chain));
		if (!got(arg, r->seen->tree.size + 1, text, &leaf))
			break;
		record_take(r, text, &leaf, chain);
	}
	return OK;
}

enum err
ledger_follow(struct str bytes, struct ledger_seen *state,
    bool (*got)(
	void *arg, uint64_t seq, struct str jcs, const struct tlog_hash *leaf),
    void *arg, struct note *why)
{
	struct reader r;
	struct note unread;
	enum err e;

	reader_init(&r, bytes, state, why == NULL ? &unread : why);
	r.at = state->good < bytes.n ? state->good : bytes.n;
	e = follow(&r, got, arg);
	reader_done(&r);
	return e;
}

enum err
ledger_start(struct str bytes, struct ledger_seen *state, struct note *why)
{
	struct ledger_seen fresh = { .good = 0 };
	struct header h;
	struct reader r;
	struct note unread;
	enum err e;

	reader_init(&r, bytes, &fresh, why == NULL ? &unread : why);
	e = header_read(&r, &h);
	reader_done(&r);
	if (e)
		return e;
	fresh.tree = h.tree;
	*state = fresh;
	return OK;
}
