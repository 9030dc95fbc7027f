/*
 * side: bytes of the side store (doc/formats/side.md).  A reader believes a
 * head that has its digest and a content that opens; where a head has not, the
 * rest is what a crash left and is not read.
 */
#include "disclose/disclose.h"

#define START STR("GHSIDE01")
#define KEY_START STR("GHKEYS01")

/* Of an entry: length of the sealed part u32, state u8 and three zeros, cell
 * u32, key u32, seq u64, until u64, SHA-256 of all that without the state. */
enum {
	HEAD_ABOUT = 8,
	HEAD_SUM = 32,
	SEALED_MAX = SIDE_CONTENT_MAX + AEAD_EXTRA
};
/* Of a key: length of the subject u16 and again inverted, state u8 and three
 * zeros, the key, eight bytes of SHA-256(key, subject), the subject. */
enum { SLOT_KEY = 8, SLOT_SUM = 40, SUM_N = 8 };

struct str
side_start(void)
{
	return START;
}

struct str
side_key_start(void)
{
	return KEY_START;
}

/* ---- from judge to store ---- */

void
side_item_put(struct buf *b, const struct side_item *i)
{
	buf_u64(b, i->seq);
	buf_u64(b, i->until);
	buf_u16(b, (uint16_t)i->subject.n);
	buf_str(b, i->subject);
	buf_u32(b, (uint32_t)i->content.n);
	buf_str(b, i->content);
}

bool
side_item_next(struct cur *c, struct side_item *out, bool *bad)
{
	if (cur_left(c) == 0) {
		*bad = c->bad;
		return false;
	}
	out->seq = cur_u64(c);
	out->until = cur_u64(c);
	out->subject = cur_str(c, cur_u16(c));
	out->content = cur_str(c, cur_u32(c));
	*bad = c->bad || out->seq == 0 || out->subject.n == 0 ||
	       out->subject.n > SIDE_SUBJECT_MAX || out->content.n == 0 ||
	       out->content.n > SIDE_CONTENT_MAX;
	return !*bad;
}

/* ---- entries ---- */

static void
put_about(struct buf *b, const struct side_entry *e)
{
	buf_u32(b, e->cell);
	buf_u32(b, e->key);
	buf_u64(b, e->seq);
	buf_u64(b, e->until);
}

enum err
side_seal(struct aead *a, const unsigned char key[static AEAD_KEY],
    const unsigned char nonce[static AEAD_NONCE], const struct side_entry *e,
    struct str content, struct buf *out)
{
	const size_t before = out->n;
	unsigned char sum[SHA256_N];
	struct str about, length;
	enum err r;

	if (content.n > SIDE_CONTENT_MAX)
		return ERR_LIMIT;
	buf_u32(out, (uint32_t)(content.n + AEAD_EXTRA));
	buf_u32(out, SIDE_KEPT);
	put_about(out, e);
	if (buf_end(out) != OK)
		return ERR_LIMIT;
	length = (struct str){ out->p + before, 4 };
	about =
	    (struct str){ out->p + before + HEAD_ABOUT, HEAD_SUM - HEAD_ABOUT };
	sha256(length, about, sum);
	buf_put(out, sum, sizeof(sum));
	if (buf_room(out, content.n + AEAD_EXTRA) == NULL) {
		out->n = before;
		return ERR_LIMIT;
	}
	about.p = out->p + before + HEAD_ABOUT;
	r = aead_seal(a, key, nonce, about, content, out);
	if (r != OK)
		out->n = before;
	return r;
}

enum err
side_open(struct aead *a, const unsigned char key[static AEAD_KEY],
    const struct side_entry *e, struct buf *out)
{
	char room[HEAD_SUM - HEAD_ABOUT];
	struct buf about = {
		.p = room, .cap = sizeof(room), .max = sizeof(room)
	};

	put_about(&about, e);
	return aead_open(a, key, buf_view(&about), e->sealed, out);
}

static bool
begins(struct str file, struct str start, size_t *at, size_t *torn)
{
	*torn = 0;
	if (*at == 0 && !str_starts(file, start)) {
		*torn = file.n;
		return false;
	}
	if (*at == 0)
		*at = start.n;
	return *at < file.n;
}

bool
side_next(struct str file, size_t *at, struct side_entry *out, size_t *torn)
{
	struct str head;
	unsigned char sum[SHA256_N];
	struct cur c;
	uint32_t n, state;

	if (!begins(file, START, at, torn))
		return false;
	*torn = file.n - *at;
	head = str_sub(file, *at, SIDE_HEAD);
	c = cur_of(head.p, head.n);
	n = cur_u32(&c);
	state = cur_u32(&c);
	out->cell = cur_u32(&c);
	out->key = cur_u32(&c);
	out->seq = cur_u64(&c);
	out->until = cur_u64(&c);
	if (head.n < SIDE_HEAD || n < AEAD_EXTRA || n > SEALED_MAX ||
	    state > SIDE_EXPIRED || n > *torn - SIDE_HEAD)
		return false;
	sha256(str_sub(head, 0, 4),
	    str_sub(head, HEAD_ABOUT, HEAD_SUM - HEAD_ABOUT), sum);
	if (memcmp(sum, head.p + HEAD_SUM, sizeof(sum)) != 0)
		return false;
	out->state = (enum side_state)state;
	out->at = *at;
	out->sealed = str_sub(file, *at + SIDE_HEAD, n);
	*at += SIDE_HEAD + n;
	*torn = 0;
	return true;
}

/* ---- keys ---- */

static void
key_sum(const unsigned char key[static AEAD_KEY], struct str subject,
    unsigned char sum[static SHA256_N])
{
	sha256((struct str){ (const char *)key, AEAD_KEY }, subject, sum);
}

void
side_key_put(
    struct buf *b, const unsigned char key[static AEAD_KEY], struct str subject)
{
	const uint16_t n = (uint16_t)subject.n;
	unsigned char sum[SHA256_N];

	key_sum(key, subject, sum);
	buf_u16(b, n);
	buf_u16(b, (uint16_t)~n);
	buf_u32(b, SIDE_KEPT);
	buf_put(b, key, AEAD_KEY);
	buf_put(b, sum, SUM_N);
	buf_str(b, subject);
}

bool
side_key_next(struct str file, size_t *at, struct side_key *out, size_t *torn)
{
	struct str slot;
	unsigned char sum[SHA256_N];
	struct cur c;
	uint16_t n, again;

	if (!begins(file, KEY_START, at, torn))
		return false;
	*torn = file.n - *at;
	slot = str_sub(file, *at, SIDE_SLOT);
	c = cur_of(slot.p, slot.n);
	n = cur_u16(&c);
	again = cur_u16(&c);
	if (slot.n < SIDE_SLOT || (n ^ again) != UINT16_MAX || n == 0 ||
	    n > SIDE_SUBJECT_MAX || n > *torn - SIDE_SLOT)
		return false;
	memcpy(out->key, slot.p + SLOT_KEY, AEAD_KEY);
	out->subject = str_sub(file, *at + SIDE_SLOT, n);
	out->at = *at;
	out->n = SIDE_SLOT + n;
	key_sum(out->key, out->subject, sum);
	out->erased = cur_u32(&c) != SIDE_KEPT ||
		      memcmp(sum, slot.p + SLOT_SUM, SUM_N) != 0;
	*at += out->n;
	*torn = 0;
	return true;
}

void
side_key_blank(const struct side_key *k, struct buf *b)
{
	const uint16_t n = (uint16_t)(k->n - SIDE_SLOT);

	buf_u16(b, n);
	buf_u16(b, (uint16_t)~n);
	buf_u32(b, SIDE_ERASED);
	for (size_t i = 8; i < k->n; i++)
		buf_ch(b, '\0');
}
