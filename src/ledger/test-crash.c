/*
 * test-crash: power loss.  What was written since the last sync is kept apart;
 * a crash keeps any subset of its sectors, and any length in between.  Half of
 * the lives write into room that was made before, zeros to the file's end.
 * After each crash the reader must see a crash (never a forgery), every record
 * that was acknowledged as durable, whole and in order, and nothing that was
 * never written.  A writer that acknowledges before the sync must be caught.
 *
 *	IMAGES=n    crash images (38,400)
 *	SEED=n      of the first run
 */
#include <stdlib.h>

#include "base/tap.h"
#include "ledger/test-disk.h"

enum { RUNS = 100, STEPS = 16, CRASHES = 8 };

struct power_disk {
	struct disk disk;
	struct buf b;  /* as written */
	size_t synced; /* bytes of it that a sync covered */
	size_t room;   /* so long is the file at least, zeros after b */
};

static enum err
power_write(struct disk *d, struct str s)
{
	struct power_disk *p = (struct power_disk *)(void *)d;

	buf_str(&p->b, s);
	return buf_end(&p->b);
}

static enum err
power_sync(struct disk *d)
{
	struct power_disk *p = (struct power_disk *)(void *)d;

	p->synced = p->b.n;
	return OK;
}

static uint64_t state;
static uint32_t
rnd(uint32_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 16) % n;
}

static void
put_zeros(struct buf *b, size_t n)
{
	static const char none[512];

	for (; n > sizeof(none); n -= sizeof(none))
		buf_put(b, none, sizeof(none));
	buf_put(b, none, n);
}

/* What a crash leaves in the file. */
static void
image_make(const struct power_disk *p, struct buf *img)
{
	const size_t room = p->room < p->b.n ? p->room : p->b.n;
	const size_t least = room > p->synced ? room : p->synced;
	const size_t n = least + rnd((uint32_t)(p->b.n - least) + 1);

	buf_clear(img);
	buf_put(img, p->b.p, p->synced);
	for (size_t at = p->synced; at < n;) {
		const size_t next = at / SECTOR * SECTOR + SECTOR;
		const size_t end = next < n ? next : n;
		char *to = buf_room(img, end - at);

		if (to == NULL)
			return;
		if (rnd(3) != 0)
			memcpy(to, p->b.p + at, end - at);
		else
			memset(to, 0, end - at);
		buf_add(img, end - at);
		at = end;
	}
	if (p->room > img->n)
		put_zeros(img, p->room - img->n);
}

struct tally {
	unsigned images, torn, clean, lost, invented, forged, changed;
};

static void
crash(const struct power_disk *p, const struct ledger_seen *before,
    uint64_t durable, uint64_t written, struct tally *t)
{
	static struct buf img = { .max = 1 << 22 };
	struct ledger_seen seen = *before;
	struct note why;
	enum err e;

	image_make(p, &img);
	e = ledger_read(buf_view(&img), &seen, NULL, NULL, &why);
	t->images++;
	t->torn += e == ERR_MORE;
	t->forged += e != OK && e != ERR_MORE;
	t->lost += seen.tree.size < durable;
	t->invented += seen.tree.size > written;
	t->changed += memcmp(img.p, p->b.p, seen.good) != 0;
	t->clean += e == OK && seen.good < img.n;
	if (e && e != ERR_MORE)
		printf("# %s\n", why.text);
}

/* One life of a writer, crashed at many points; then the next segment, which
 * must go on from what the reader found. */
static void
life(struct ledger_seen *seen, unsigned segment, bool too_soon, struct tally *t)
{
	const bool roomy = rnd(2) == 0;
	struct power_disk p = { .disk = { power_write, power_sync },
		.b = { .max = 1 << 22 } };
	uint64_t seq = seen->tree.size, durable = seq, written = seq;
	static char text[3000];
	struct ledger *l;
	char name[32];
	enum err e = OK;

	memset(text, 'x', sizeof(text));
	(void)snprintf(name, sizeof(name), "cell-0-%06u", segment);
	l = ledger_new(&p.disk, str_of(name), &seen->tree);
	for (int step = 0; step < STEPS && !e; step++) {
		for (uint32_t i = rnd(4); i > 0 && !e; i--)
			e = rec_stage(l, ++seq, "decision",
			    (struct str){ text, rnd(rnd(8) ? 300 : 3000) });
		if (!e)
			e = ledger_write(l);
		written = seq;
		if (roomy && rnd(2) == 0)
			p.room = p.b.n + rnd(3000);
		if (too_soon)
			durable = written;
		if (rnd(3) == 0 && !e) {
			e = p.disk.sync(&p.disk);
			durable = written;
		}
		for (int c = 0; c < CRASHES && !e; c++)
			crash(&p, seen, durable, written, t);
	}
	t->forged += e != OK;
	{
		struct buf img = { .max = 1 << 22 };
		struct note why;

		image_make(&p, &img);
		e = ledger_read(buf_view(&img), seen, NULL, NULL, &why);
		t->forged += e != OK && e != ERR_MORE;
		t->lost += seen->tree.size < durable;
		buf_done(&img);
	}
	ledger_free(l);
	buf_done(&p.b);
}

static struct tally
lives(uint64_t seed, uint64_t runs, bool too_soon)
{
	struct tally t = { .images = 0 };

	for (uint64_t run = seed; run < seed + runs; run++) {
		struct ledger_seen seen = { .good = 0 };

		state = run * 2654435761U + 88172645463325252U;
		for (unsigned s = 1; s <= 3; s++)
			life(&seen, s, too_soon, &t);
	}
	return t;
}

static uint64_t
number(const char *name, uint64_t otherwise)
{
	const char *s = getenv(name);
	uint64_t n = otherwise;

	return s != NULL && str_u64(str_of(s), &n) == OK ? n : otherwise;
}

int
main(void)
{
	const uint64_t each = (uint64_t)3 * STEPS * CRASHES;
	const uint64_t seed = number("SEED", 0);
	const uint64_t runs = (number("IMAGES", RUNS * each) + each - 1) / each;
	struct tally t = lives(seed, runs, false);

	ok(t.images == runs * each, "%u crash images from seed %llu", t.images,
	    (unsigned long long)seed);
	ok(t.torn > t.images / 10, "%u of them were torn", t.torn);
	ok(t.clean > t.images / 10, "%u ended in room, whole", t.clean);
	ok(t.lost == 0, "no record that was durable is lost");
	ok(t.invented == 0, "nothing is there that was never written");
	ok(t.changed == 0, "what is there is what was written");
	ok(t.forged == 0, "no crash is taken for a forgery");
	t = lives(seed, RUNS, true);
	ok(t.lost > 0, "acknowledging before the sync is caught (%u times)",
	    t.lost);
	return tap_done();
}
