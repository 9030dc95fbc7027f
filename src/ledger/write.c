/*
 * write: staging records and handing them to the disk in one write.  Promises
 * that a record is either staged whole or not at all, and that after a failed
 * write nothing is ever staged or written again.  It refuses to know what a
 * record means and when it is durable.
 */
#include "ledger/ledger-in.h"

enum {
	STAGED_MAX = 64 * 1024 * 1024,	/* a round's records; the role writes
					   long before that */
	CONTENT_MAX = 64 * 1024 * 1024, /* over twice the largest message */
	KEEP_MAX = 1024 * 1024		/* scratch over this is given back */
};

struct ledger {
	struct disk *disk;
	struct tlog_range tree;
	unsigned char chain[LEDGER_HASH];
	struct buf staged;
	struct buf content;
	uint64_t written;
	bool broken;
};

static void
put_header(struct ledger *l, struct str name)
{
	static const char zeros[NAME_ROOM];
	struct buf *b = &l->staged;
	const struct tlog_hash root = tlog_range_root(&l->tree);

	buf_str(b, LEDGER_MAGIC);
	buf_u32(b, LEDGER_VERSION);
	buf_u32(b, (uint32_t)__builtin_popcountll(l->tree.size));
	buf_u64(b, l->tree.size);
	buf_put(b, root.b, sizeof(root.b));
	buf_str(b, name);
	buf_put(b, zeros, NAME_ROOM - name.n);
	for (size_t i = 0; i < 64; i++)
		if ((l->tree.size >> i & 1) != 0)
			buf_put(b, l->tree.node[i].b, LEDGER_HASH);
	sha256(buf_view(b), STR(""), l->chain);
	buf_put(b, l->chain, LEDGER_HASH);
}

struct ledger *
ledger_new(struct disk *d, struct str segment, const struct tlog_range *prev)
{
	struct ledger *l;

	if (segment.n == 0 || segment.n > LEDGER_NAME_MAX ||
	    str_find(segment, '\0') != segment.n)
		return NULL;
	l = mem_get(sizeof(*l));
	l->disk = d;
	l->staged.max = STAGED_MAX;
	l->content.max = CONTENT_MAX;
	l->tree = *prev;
	put_header(l, segment);
	return l;
}

void
ledger_free(struct ledger *l)
{
	if (l == NULL)
		return;
	buf_done(&l->staged);
	buf_done(&l->content);
	mem_free(l);
}

static void
extra_add(struct extras *x, struct str key, bool quote, struct str value)
{
	size_t at = x->n++;
	struct extra *e;

	for (; at > 0 && str_cmp(key, x->at[at - 1].key) < 0; at--)
		x->at[at] = x->at[at - 1];
	e = &x->at[at];
	e->key = key;
	e->n = value.n + (quote ? 2 : 0);
	BUG_ON(e->n > sizeof(e->value));
	e->value[0] = e->value[e->n - 1] = '"';
	memcpy(e->value + quote, value.p, value.n);
}

static void
extra_dec(struct extras *x, struct str key, uint64_t v)
{
	char room[20]; /* a buf on the stack: this is the hot path */
	struct buf b = { .p = room, .cap = sizeof(room), .max = sizeof(room) };

	buf_dec(&b, v);
	extra_add(x, key, false, buf_view(&b));
}

/* The digest of content that is not kept, and what was digested: JCS where it
 * can be had, else the JSON text as it stands, else (a text that is not UTF-8)
 * the tape.  A hostile end must not be able to stop the ledger with it. */
static struct str
content_digest(
    struct ledger *l, struct jv v, unsigned char sum[static LEDGER_HASH])
{
	static const struct str form[] = { STR_INIT("jcs"), STR_INIT("json"),
		STR_INIT("tape") };
	struct str text = jv_bytes(v);
	size_t at = 0;

	buf_clear(&l->content);
	if (json_jcs(v, &l->content) || l->content.full) {
		at = 1;
		buf_clear(&l->content);
		json_write(v, &l->content);
	}
	if (l->content.full)
		at = 2;
	else
		text = buf_view(&l->content);
	sha256(text, STR(""), sum);
	if (l->content.cap > KEEP_MAX)
		buf_done(&l->content);
	return form[at];
}

static void
extra_content(struct ledger *l, struct extras *x, const char *name,
    struct str form_name, struct jv content)
{
	unsigned char sum[LEDGER_HASH];
	const struct str form = content_digest(l, content, sum);
	char room[2 * LEDGER_HASH];
	struct buf hex = {
		.p = room, .cap = sizeof(room), .max = sizeof(room)
	};

	buf_hex(&hex, hash_str(sum));
	extra_add(x, str_of(name), true, buf_view(&hex));
	extra_add(x, form_name, true, form);
}

/* The text is in l->staged after `at`, with room for the head before it. */
static void
record_close(struct ledger *l, size_t at)
{
	const struct str text = { l->staged.p + at + REC_HEAD,
		l->staged.n - at - REC_HEAD };
	const uint32_t len = (uint32_t)text.n;
	const uint32_t mark = record_mark(l->chain, len);
	const struct tlog_hash leaf = tlog_leaf(text);
	char *head = l->staged.p + at;

	for (size_t i = 0; i < 4; i++) {
		head[i] = (char)(len >> 8 * i);
		head[4 + i] = (char)(mark >> 8 * i);
	}
	sha256_tagged(CHAIN, hash_str(l->chain), hash_str(leaf.b), l->chain);
	tlog_range_add(&l->tree, &leaf);
	buf_put(&l->staged, l->chain, LEDGER_HASH);
}

enum err
ledger_stage(struct ledger *l, uint64_t seq, uint64_t time, struct jv rec,
    const char *content_name, struct jv content)
{
	const size_t at = l->staged.n;
	struct extras x = { .n = 0 };
	char form_name[40];
	struct buf form = { .p = form_name,
		.cap = sizeof(form_name),
		.max = sizeof(form_name) };
	enum err e;

	if (l->broken)
		return ERR_OS;
	if (seq != l->tree.size + 1)
		return ERR_SYNTAX;
	if (l->staged.max - at < LEDGER_RECORD_MAX + REC_EXTRA)
		return ERR_LIMIT;
	extra_dec(&x, STR("seq"), seq);
	extra_dec(&x, STR("time"), time / 1000);
	if (!jv_is(content, J_NONE)) {
		buf_str(&form, str_of(content_name));
		buf_str(&form, STR("_form"));
		BUG_ON(form.full);
		extra_content(l, &x, content_name, buf_view(&form), content);
	}
	buf_u64(&l->staged, 0); /* the head, when the length is known */
	e = record_text(rec, &x, &l->staged);
	if (e) {
		l->staged.n = at;
		return e;
	}
	record_close(l, at);
	return OK;
}

enum err
ledger_write(struct ledger *l)
{
	enum err e;

	if (l->broken)
		return ERR_OS;
	if (l->staged.n == 0)
		return OK;
	e = l->disk->write(l->disk, buf_view(&l->staged));
	if (e) {
		l->broken = true;
		return e;
	}
	l->written += l->staged.n;
	buf_clear(&l->staged);
	return OK;
}

uint64_t
ledger_bytes(const struct ledger *l)
{
	return l->written + l->staged.n;
}

uint64_t
ledger_size(const struct ledger *l)
{
	return l->tree.size;
}

const struct tlog_range *
ledger_tree(const struct ledger *l)
{
	return &l->tree;
}
