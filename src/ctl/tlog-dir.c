/* tlog-dir: files of a log, and JSON for answers. */
#include "ctl/tlog-dir.h"

#include <errno.h>
#include <unistd.h>

#include "ctl/ledger-print.h"
#include "ledger/ledger.h"
#include "sys/sys.h"

static enum err
dir_read(struct tlog_store *s, struct str path, struct buf *out)
{
	struct tlog_dir *d = (struct tlog_dir *)(void *)s;
	char full[4096 + TLOG_PATH_MAX];

	(void)snprintf(
	    full, sizeof(full), "%.4000s/%.*s", d->dir, STR_ARG(path));
	if (d->progress != NULL && str_starts(path, STR("tile/entries/")))
		progress_at(d->progress, ++d->bundles * TLOG_TILE, d->of);
	if (access(full, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR))
		return ERR_GONE;
	return file_read(full, out->max - out->n, out, &d->why);
}

struct tlog_dir
tlog_dir_of(const char *dir)
{
	struct tlog_dir d = { .s = { .read = dir_read }, .dir = dir };
	struct buf text = { .max = LEDGER_COUNTS_MAX };
	struct ledger_counts kept;
	struct note why;

	/* One that cannot be read prunes nothing: what is gone is missing. */
	if (dir_read(&d.s, STR("pruned"), &text) == OK &&
	    ledger_counts_of(buf_view(&text), "minimum", &kept, &why) == OK)
		d.s.minimum = kept.number;
	buf_done(&text);
	return d;
}

struct members
members_begin(struct buf *tape)
{
	return (struct members){ tape, tape_obj(tape), 0 };
}

void
member_str(struct members *m, const char *key, struct str s)
{
	tape_key(m->tape, str_of(key));
	tape_str(m->tape, utf8_ok(s) ? s : STR("?"));
	m->n++;
}

void
member_u64(struct members *m, const char *key, uint64_t v)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)v);
	tape_key(m->tape, str_of(key));
	tape_num(m->tape, str_of(text));
	m->n++;
}

void
member_bool(struct members *m, const char *key, bool v)
{
	tape_key(m->tape, str_of(key));
	tape_bool(m->tape, v);
	m->n++;
}

void
members_end(struct members *m)
{
	tape_end(m->tape, m->mark, m->n);
}

int
tape_print(struct buf *tape)
{
	struct buf text = { .max = SIZE_MAX / 4 };

	json_write(jv_of(buf_view(tape)), &text);
	buf_ch(&text, '\n');
	buf_done(tape);
	return ctl_put(&text);
}

void
put_shown(struct buf *out, struct str s)
{
	const bool utf8 = utf8_ok(s);

	for (size_t i = 0; i < s.n; i++) {
		const unsigned char ch = (unsigned char)s.p[i];

		buf_ch(out, ch < 0x20 || ch == 0x7f || (!utf8 && ch > 0x7e)
				? '?'
				: s.p[i]);
	}
}
