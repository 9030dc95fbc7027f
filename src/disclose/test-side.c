/* test-side: the side store's bytes: what was sealed opens, and nothing else;
 * a torn end is known as one; what is erased stays between what is not. */
#include "base/tap.h"
#include "disclose/disclose.h"

enum { ENTRIES = 5 };
static unsigned char key[AEAD_KEY] = { 1, 2, 3 };
static const unsigned char nonce[AEAD_NONCE] = { 9 };
static struct aead *a;

static void
file_make(struct buf *f)
{
	struct buf text = { .max = 4096 };

	buf_str(f, side_start());
	for (unsigned i = 0; i < ENTRIES; i++) {
		const struct side_entry e = {
			.cell = 1, .seq = 10 + i, .until = i * 100, .key = i
		};

		buf_clear(&text);
		buf_fmt(&text, "content %u", i);
		BUG_ON(side_seal(a, key, nonce, &e, buf_view(&text), f) != OK);
	}
	buf_done(&text);
}

/* How many entries open as they were written; all others must not. */
static unsigned
opens(struct str file, unsigned *seen, size_t *torn)
{
	struct buf out = { .max = 4096 }, want = { .max = 64 };
	struct side_entry e;
	unsigned good = 0;
	size_t at = 0;

	*seen = 0;
	while (side_next(file, &at, &e, torn)) {
		buf_clear(&out);
		buf_clear(&want);
		buf_fmt(&want, "content %u", (unsigned)(e.seq - 10));
		if (e.state == SIDE_KEPT && side_open(a, key, &e, &out) == OK) {
			good++;
			BUG_ON(!str_eq(buf_view(&out), buf_view(&want)));
		}
		(*seen)++;
	}
	buf_done(&out);
	buf_done(&want);
	return good;
}

static void
test_entries(const struct buf *f)
{
	struct buf b = { .max = 1 << 16 };
	unsigned seen = 0, bad = 0;
	size_t torn = 0;

	ok(opens(buf_view(f), &seen, &torn) == ENTRIES && torn == 0,
	    "what was sealed opens");
	key[0] ^= 1;
	ok(opens(buf_view(f), &seen, &torn) == 0 && seen == ENTRIES,
	    "not under another key");
	key[0] ^= 1;
	buf_str(&b, buf_view(f));
	for (size_t i = 0; i < 8 * b.n; i++) {
		b.p[i / 8] ^= (char)(1U << i % 8);
		bad += opens(buf_view(&b), &seen, &torn) == ENTRIES;
		b.p[i / 8] ^= (char)(1U << i % 8);
	}
	ok(bad == 0, "with any bit changed one at least does not");
	for (size_t n = 0; n < f->n; n++) {
		const struct str cut = str_sub(buf_view(f), 0, n);
		size_t end;

		(void)opens(cut, &seen, &torn);
		end = n - torn;
		bad += torn == 0 && seen == ENTRIES;
		bad += end > 0 &&
		       opens(str_sub(cut, 0, end), &seen, &torn) != seen;
	}
	ok(bad == 0, "cut anywhere, what is before the cut stands");
	memset(b.p + b.n - 30, 0, 30);
	ok(opens(buf_view(&b), &seen, &torn) == ENTRIES - 1,
	    "a sector that was not written opens as nothing");
	buf_done(&b);
}

static void
test_moved(const struct buf *f)
{
	struct side_entry e, other;
	struct buf out = { .max = 4096 };
	size_t at = 0, torn;

	BUG_ON(!side_next(buf_view(f), &at, &e, &torn) ||
	       !side_next(buf_view(f), &at, &other, &torn));
	other.sealed = e.sealed;
	ok(side_open(a, key, &other, &out) == ERR_DENIED,
	    "content moved to another record does not open");
	ok(side_open(a, key, &e, &out) == OK, "where it was it does");
	buf_done(&out);
}

static void
test_erased(const struct buf *f)
{
	struct buf b = { .max = 1 << 16 };
	struct side_entry e;
	unsigned seen = 0;
	size_t at = 0, torn = 0;

	buf_str(&b, buf_view(f));
	for (unsigned i = 0; i < 3; i++)
		BUG_ON(!side_next(buf_view(&b), &at, &e, &torn));
	b.p[e.at + SIDE_STATE] = SIDE_ERASED;
	ok(opens(buf_view(&b), &seen, &torn) == ENTRIES - 1 &&
		seen == ENTRIES && torn == 0,
	    "its state alone: erased, and the others stand");
	memset(b.p + (e.sealed.p - b.p), 0, e.sealed.n);
	ok(opens(buf_view(&b), &seen, &torn) == ENTRIES - 1 &&
		seen == ENTRIES && torn == 0,
	    "with its content");
	b.p[e.at + SIDE_STATE] = SIDE_KEPT;
	ok(opens(buf_view(&b), &seen, &torn) == ENTRIES - 1 &&
		seen == ENTRIES && torn == 0,
	    "its content alone");
	buf_done(&b);
}

static void
test_keys(void)
{
	struct buf f = { .max = 4096 }, blank = { .max = 4096 };
	struct side_key k;
	size_t at = 0, torn = 0, n = 0;

	buf_str(&f, side_key_start());
	side_key_put(&f, key, STR("alice"));
	side_key_put(&f, key, STR("b"));
	side_key_put(&f, key, STR("carol"));
	for (; side_key_next(buf_view(&f), &at, &k, &torn); n++) {
		ok(!k.erased && memcmp(k.key, key, sizeof(key)) == 0,
		    "key %zu of %.*s", n, STR_ARG(k.subject));
		if (n == 1)
			side_key_blank(&k, &blank);
	}
	ok(n == 3 && torn == 0, "all three");
	at = 0;
	(void)side_key_next(buf_view(&f), &at, &k, &torn);
	ok(blank.n == SIDE_SLOT + 1, "what goes over the second");
	memcpy(f.p + at, blank.p, blank.n);
	n = 0;
	for (at = 0; side_key_next(buf_view(&f), &at, &k, &torn); n++)
		ok(k.erased == (n == 1), "the second is erased, %zu", n);
	ok(n == 3 && str_find(buf_view(&blank), 'b') == blank.n &&
		str_search(buf_view(&f), STR("b")) == f.n,
	    "it keeps its number, and nothing of its name");
	memset(f.p + f.n - 20, 0, 10);
	n = 0;
	for (at = 0; side_key_next(buf_view(&f), &at, &k, &torn); n++)
		;
	ok(n == 3 && k.erased, "a damaged key is none");
	at = 0;
	ok(!side_key_next(str_sub(buf_view(&f), 0, 40), &at, &k, &torn) &&
		torn == 32,
	    "a torn one is not read");
	at = 0;
	ok(!side_key_next(side_start(), &at, &k, &torn) && torn == 8,
	    "nor another file");
	buf_done(&f);
	buf_done(&blank);
}

static void
test_items(void)
{
	const struct side_item in[] = {
		{ 7, 0, STR_INIT("alice"), STR_INIT("[]") },
		{ 8, 99, STR_INIT("bob"), STR_INIT("[\"x\"]") },
	};
	struct buf b = { .max = 4096 };
	struct side_item out;
	bool bad = true;
	struct cur c;
	size_t n = 0;

	for (size_t i = 0; i < countof(in); i++)
		side_item_put(&b, &in[i]);
	c = cur_of(b.p, b.n);
	for (; side_item_next(&c, &out, &bad); n++)
		ok(out.seq == in[n].seq && out.until == in[n].until &&
			str_eq(out.subject, in[n].subject) &&
			str_eq(out.content, in[n].content),
		    "item %zu", n);
	ok(n == 2 && !bad, "two, and the end");
	n = 0;
	for (size_t i = 1; i < b.n; i++) {
		c = cur_of(b.p, i);
		while (side_item_next(&c, &out, &bad))
			;
		n += !bad;
	}
	ok(n == 1, "cut anywhere but between them it is bad");
	buf_done(&b);
}

int
main(void)
{
	struct buf f = { .max = 1 << 16 };

	a = aead_new();
	file_make(&f);
	test_entries(&f);
	test_moved(&f);
	test_erased(&f);
	test_keys();
	test_items();
	aead_free(a);
	buf_done(&f);
	return tap_done();
}
