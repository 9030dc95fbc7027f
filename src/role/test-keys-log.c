/* test-keys-log: the log's key signs checkpoints of a log that only grows. */
#include "base/tap.h"

#include "checkpoint/checkpoint.h"
#include "role/keys-log.h"

static struct vkey key[2];
static struct note why;

static struct str
lines(struct buf *b)
{
	for (size_t i = 0; i < 2; i++) {
		unsigned char seed[VKEY_SEED] = { 7, (unsigned char)i };

		BUG_ON(vkey_make(STR("example.com/log"), VKEY_ED25519, seed,
			   &key[i], &why) != OK);
		skey_put(&key[i], seed, b);
		buf_ch(b, '\n');
	}
	return buf_view(b);
}

static enum err
sign(uint64_t size, char root, struct buf *out)
{
	char h[32] = { root };

	buf_clear(out);
	return keys_log_sign(size, (struct str){ h, sizeof(h) }, out, &why);
}

static bool
is_signed(struct str note, uint64_t size)
{
	struct signed_note *n = mem_get(sizeof(*n));
	struct checkpoint c;
	const bool good = signed_parse(note, n, &why) == OK &&
			  checkpoint_of(n->text, &c, &why) == OK &&
			  c.size == size &&
			  signed_check(n, &key[0], NULL, &why) == OK &&
			  signed_check(n, &key[1], NULL, &why) == OK;

	mem_free(n);
	return good;
}

int
main(void)
{
	struct buf keys = { .max = 4096 }, out = { .max = 8192 };
	struct buf last = { .max = 8192 };

	ok(sign(1, 1, &out) == ERR_GONE, "without a key nothing is signed");
	ok(keys_log_try(), "and nothing is missing");
	ok(keys_log_take(STR("PRIVATE+KEY+x\n"), &why) == ERR_SYNTAX,
	    "no key is refused: %s", why.text);
	ok(keys_log_take(lines(&keys), &why) == OK && keys_log_try(),
	    "two keys of one name sign");
	ok(sign(5, 1, &last) == OK && is_signed(buf_view(&last), 5),
	    "a checkpoint, by both");
	ok(sign(5, 1, &out) == OK, "the same again");
	ok(sign(5, 2, &out) == ERR_DENIED, "another root of that size is not");
	ok(sign(4, 1, &out) == ERR_DENIED, "nor a smaller tree: %s", why.text);
	ok(sign(6, 2, &out) == OK && is_signed(buf_view(&out), 6),
	    "a larger one is");
	buf_clear(&out);
	ok(keys_log_sign(7, STR("short"), &out, &why) == ERR_SYNTAX,
	    "a root has 32 bytes");
	ok(keys_log_last(buf_view(&last), &why) == OK,
	    "a checkpoint of an earlier life is taken");
	last.p[last.n / 2] ^= 1;
	ok(keys_log_last(buf_view(&last), &why) == ERR_DENIED,
	    "changed it is not: %s", why.text);
	ok(keys_log_last(STR("no note"), &why) == ERR_DENIED, "nor no note");
	buf_done(&keys);
	buf_done(&out);
	buf_done(&last);
	return tap_done();
}
