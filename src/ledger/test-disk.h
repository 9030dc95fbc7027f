/* test-disk: a disk in memory and made-up records, for this room's tests. */
#ifndef LEDGER_TEST_DISK_H
#define LEDGER_TEST_DISK_H

#include "ledger/ledger-in.h"

struct mem_disk {
	struct disk disk;
	struct buf b;
	unsigned writes;
	bool fail;
};

static enum err
mem_write(struct disk *d, struct str s)
{
	struct mem_disk *m = (struct mem_disk *)(void *)d;

	if (m->fail)
		return ERR_OS;
	m->writes++;
	buf_str(&m->b, s);
	return buf_end(&m->b);
}

static enum err
mem_sync(struct disk *d)
{
	return ((struct mem_disk *)(void *)d)->fail ? ERR_OS : OK;
}

static inline void
mem_disk_init(struct mem_disk *m)
{
	*m = (struct mem_disk){ .disk = { mem_write, mem_sync },
		.b = { .max = 1 << 26 } };
}

/* A record as the judge makes them: members in order. */
static inline void
rec_make(struct buf *tape, const char *kind, struct str text)
{
	const size_t mark = tape_obj(tape);

	tape_key(tape, STR("call"));
	tape_i64(tape, 7);
	tape_key(tape, STR("kind"));
	tape_str(tape, str_of(kind));
	tape_key(tape, STR("principal"));
	tape_str(tape, text);
	tape_end(tape, mark, 3);
}

static inline enum err
rec_stage(struct ledger *l, uint64_t seq, const char *kind, struct str text)
{
	struct buf tape = { .max = 1 << 24 };
	enum err e;

	rec_make(&tape, kind, text);
	e = ledger_stage(l, seq, 1700000000123456789U + seq * 1000,
	    jv_of(buf_view(&tape)), "digest", (struct jv){ NULL, 0 });
	buf_done(&tape);
	return e;
}

#endif
