/*
 * side-files.c: the side store's directory: finding, reading and erasing.  Two
 * files a segment: entries, and the keys of the subjects that they are about.
 * To erase is to write zeros over what was there and to see them on the disk.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "role/side.h"

void
side_name(unsigned n, const char *ext, char out[static SIDE_PATH])
{
	(void)snprintf(out, SIDE_PATH, "%06u.%s", n, ext);
}

/* Not opendir: it asks for what role tiles may not (fcntl's F_GETFL). */
NODISCARD enum err
side_names(int dir, void (*got)(void *arg, const char *name), void *arg)
{
	__attribute__((cleanup(fd_close))) int fd =
	    openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	_Alignas(struct dirent64) char room[8192];
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT ? ERR_GONE : ERR_OS;
	while ((n = getdents64(fd, room, sizeof(room))) > 0)
		for (ssize_t at = 0; at < n;) {
			const struct dirent64 *e = (const void *)(room + at);

			got(arg, e->d_name);
			at += e->d_reclen;
		}
	return n == 0 ? OK : ERR_OS;
}

static void
range_name(void *arg, const char *name)
{
	unsigned *range = arg;
	const struct str s = str_of(name);
	uint64_t n;

	if (s.n != 10 || !str_ends(s, STR(".seg")) ||
	    str_u64(str_sub(s, 0, 6), &n) != OK || n == 0)
		return;
	if (n > range[1])
		range[1] = (unsigned)n;
	if (range[0] == 0 || n < range[0])
		range[0] = (unsigned)n;
}

NODISCARD enum err
side_range(int dir, unsigned *first, unsigned *last)
{
	unsigned range[2] = { 0, 0 };
	const enum err e = side_names(dir, range_name, range);

	*first = range[0];
	*last = range[1];
	return e;
}

NODISCARD enum err
side_write_at(int fd, size_t at, struct str bytes)
{
	if (lseek(fd, (off_t)at, SEEK_SET) < 0)
		return ERR_OS;
	while (bytes.n > 0) {
		size_t n = 0;

		if (fd_write(fd, bytes, &n) != OK)
			return ERR_OS;
		bytes = str_sub(bytes, n, bytes.n - n);
	}
	return OK;
}

/* Both files of a segment, to read and to write in. */
struct segment {
	int seg, key;
	struct str bytes, keys; /* mapped; empty: nothing to be had */
	struct side_key *all;	/* of keys */
	size_t all_n;
};

static void
segment_close(struct segment *s)
{
	fd_unmap(s->bytes);
	fd_unmap(s->keys);
	if (s->all != NULL)
		mem_wipe(s->all, s->all_n * sizeof(*s->all));
	mem_free(s->all);
	fd_close(&s->seg);
	fd_close(&s->key);
}

static void
keys_read(struct segment *s)
{
	size_t at = 0, torn, cap = 0;
	struct side_key k;

	while (
	    s->all_n < SIDE_KEY_MAX && side_key_next(s->keys, &at, &k, &torn)) {
		if (s->all_n == cap) {
			const size_t more = cap == 0 ? 16 : 2 * cap;

			s->all = mem_more(s->all, cap * sizeof(*s->all),
			    more * sizeof(*s->all));
			cap = more;
		}
		s->all[s->all_n++] = k;
	}
	mem_wipe(k.key, sizeof(k.key));
}

static bool
segment_open(int dir, unsigned n, bool write, struct segment *s)
{
	const int flags = (write ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW;
	char name[SIDE_PATH];

	*s = (struct segment){ .seg = -1, .key = -1 };
	side_name(n, "seg", name);
	s->seg = openat(dir, name, flags);
	side_name(n, "key", name);
	s->key = openat(dir, name, flags);
	if (s->seg < 0)
		return false;
	if (fd_map_ro(s->seg, &s->bytes) != OK)
		s->bytes = (struct str){ NULL, 0 };
	if (s->key < 0 || fd_map_ro(s->key, &s->keys) != OK)
		s->keys = (struct str){ NULL, 0 };
	keys_read(s);
	return true;
}

/* NULL: erased, or never written. */
static const struct side_key *
key_at(const struct segment *s, uint32_t number)
{
	return number < s->all_n && !s->all[number].erased ? &s->all[number]
							   : NULL;
}

/* ---- erasing ---- */

static enum err
entry_blank(
    const struct segment *s, const struct side_entry *e, enum side_state now)
{
	const char state = (char)now;
	struct buf zeros = { .max = e->sealed.n };
	enum err r;

	for (size_t i = 0; i < e->sealed.n; i++)
		buf_ch(&zeros, '\0');
	r = side_write_at(
	    s->seg, e->at + SIDE_STATE, (struct str){ &state, 1 });
	if (r == OK)
		r = side_write_at(s->seg, e->at + SIDE_HEAD, buf_view(&zeros));
	buf_done(&zeros);
	return r;
}

static bool
is_meant(const struct side_target *t, const struct segment *s,
    const struct side_entry *e)
{
	const struct side_key *k = key_at(s, e->key);

	if (t->subject.n == 0)
		return e->cell == t->cell && e->seq == t->seq;
	return k != NULL && str_eq(k->subject, t->subject);
}

static enum err
key_blank(const struct segment *s, const struct side_key *k)
{
	struct buf b = { .max = SIDE_SLOT + SIDE_SUBJECT_MAX };
	enum err e;

	side_key_blank(k, &b);
	e = side_write_at(s->key, k->at, buf_view(&b));
	buf_done(&b);
	return e;
}

/* subject empty: every one. */
static enum err
keys_blank(const struct segment *s, struct str subject, bool write, uint64_t *n)
{
	for (size_t i = 0; i < s->all_n; i++) {
		const struct side_key *k = &s->all[i];

		if (k->erased ||
		    (subject.n > 0 && !str_eq(k->subject, subject)))
			continue;
		if (write)
			TRY(key_blank(s, k));
		(*n)++;
	}
	return !write || s->key < 0 || fsync(s->key) == 0 ? OK : ERR_OS;
}

/* write false: only what would be erased is told. */
static enum err
segment_erase(const struct segment *s, const struct side_target *t, bool write,
    struct side_erased *out)
{
	struct side_entry e;
	size_t at = 0, torn;

	while (side_next(s->bytes, &at, &e, &torn)) {
		if (e.state != SIDE_KEPT || !is_meant(t, s, &e))
			continue;
		if (write && entry_blank(s, &e, SIDE_ERASED) != OK)
			return ERR_OS;
		out->entries++;
		if (out->listed == SIDE_LISTED_MAX)
			continue;
		buf_fmt(&out->records, "%s\"%u/%llu\"",
		    out->listed++ > 0 ? "," : "", e.cell,
		    (unsigned long long)e.seq);
	}
	return t->subject.n == 0 ? OK
				 : keys_blank(s, t->subject, write, &out->keys);
}

NODISCARD enum err
side_erase(int dir, const struct side_target *t, bool write,
    struct side_erased *out, struct note *why)
{
	unsigned first, last;
	enum err e = side_range(dir, &first, &last);

	out->entries = out->keys = out->listed = 0;
	buf_clear(&out->records);
	note_set(why, "the side store: %s", strerrordesc_np(errno));
	for (unsigned n = first; e == OK && n > 0 && n <= last; n++) {
		struct segment s;

		if (!segment_open(dir, n, write, &s))
			continue;
		e = segment_erase(&s, t, write, out);
		if (e == OK && write && fsync(s.seg) < 0)
			e = ERR_OS;
		if (e != OK)
			note_set(why, "segment %06u of the side store: %s", n,
			    strerrordesc_np(errno));
		segment_close(&s);
	}
	return e == ERR_GONE ? OK : e;
}

NODISCARD enum err
side_remove(int dir, unsigned n)
{
	char name[SIDE_PATH];
	struct segment s;
	uint64_t blanked = 0;
	enum err e = OK;

	if (segment_open(dir, n, true, &s)) {
		e = keys_blank(&s, STR(""), true, &blanked);
		segment_close(&s);
	}
	side_name(n, "key", name);
	if (e == OK && unlinkat(dir, name, 0) < 0 && errno != ENOENT)
		e = ERR_OS;
	side_name(n, "seg", name);
	if (e == OK && unlinkat(dir, name, 0) < 0 && errno != ENOENT)
		e = ERR_OS;
	return e;
}

/* left: entries that can still be read. */
static enum err
segment_sweep(
    const struct segment *s, uint64_t now, uint64_t *next, size_t *left)
{
	struct side_entry e;
	size_t at = 0, torn;

	while (side_next(s->bytes, &at, &e, &torn)) {
		if (e.state != SIDE_KEPT)
			continue;
		if (e.until != 0 && e.until <= now) {
			TRY(entry_blank(s, &e, SIDE_EXPIRED));
			continue;
		}
		(*left)++;
		if (e.until != 0 && (*next == 0 || e.until < *next))
			*next = e.until;
	}
	return fsync(s->seg) == 0 ? OK : ERR_OS;
}

NODISCARD enum err
side_sweep(int dir, uint64_t now, unsigned open, uint64_t *next)
{
	unsigned first, last;
	enum err r = side_range(dir, &first, &last);

	*next = 0;
	for (unsigned n = first; r == OK && n > 0 && n <= last; n++) {
		struct segment s;
		size_t left = 0;

		if (!segment_open(dir, n, true, &s))
			continue;
		r = segment_sweep(&s, now, next, &left);
		segment_close(&s);
		if (r == OK && left == 0 && n != open)
			r = side_remove(dir, n);
	}
	return r == ERR_GONE ? OK : r;
}

/* ---- requests ---- */

NODISCARD enum err
side_request_of(struct jv v, struct side_request *out, struct note *why)
{
	int64_t cell = 0, seq = 0;

	*out = (struct side_request){
		.target = { .subject = jv_str(jv_get(v, STR("subject"))) },
		.reason = jv_str(jv_get(v, STR("reason"))),
		.who = jv_str(jv_get(v, STR("by"))),
		.done = jv_get(v, STR("done"))
	};
	note_set(why, "a request to erase needs a subject, or cell and seq of "
		      "a record, and a reason");
	if (!jv_is(jv_get(v, STR("seq")), J_NONE) &&
	    (jv_i64(jv_get(v, STR("seq")), &seq) != OK || seq < 1))
		return ERR_SYNTAX;
	if (!jv_is(jv_get(v, STR("cell")), J_NONE) &&
	    (jv_i64(jv_get(v, STR("cell")), &cell) != OK || cell < 0 ||
		cell > UINT16_MAX))
		return ERR_SYNTAX;
	if ((out->target.subject.n == 0) == (seq == 0) ||
	    out->target.subject.n > SIDE_SUBJECT_MAX || out->reason.n == 0 ||
	    out->reason.n > 1000 || out->who.n > 200)
		return ERR_SYNTAX;
	out->target.cell = (unsigned)cell;
	out->target.seq = (uint64_t)seq;
	return OK;
}

void
side_done_put(struct buf *b, const struct side_request *r, uid_t owner,
    const struct side_erased *x)
{
	const size_t is = str_find(r->target.subject, '=');

	buf_str(b, STR("{\"by\":"));
	json_quote(r->who, b);
	buf_fmt(b, ",\"entries\":%llu,\"keys\":%llu,\"reason\":",
	    (unsigned long long)x->entries, (unsigned long long)x->keys);
	json_quote(r->reason, b);
	buf_fmt(b, ",\"records\":[%.*s]", STR_ARG(buf_view(&x->records)));
	if (r->target.subject.n > 0) {
		/* ARGUMENT=VALUE: the value is what must not be told */
		buf_str(b, STR(",\"subject\":"));
		json_quote(str_sub(r->target.subject, 0, is), b);
	}
	buf_fmt(b, ",\"uid\":%u}", (unsigned)owner);
}

/* ---- reading ---- */

struct place {
	unsigned segment; /* index in reader.at */
	struct side_entry e;
};
struct side_reader {
	struct segment *at;
	size_t n;
	struct map *places; /* "cell/seq" -> struct place */
	struct aead *aead;
};

static struct str
place_key(unsigned cell, uint64_t seq, char out[static 48])
{
	const int n =
	    snprintf(out, 48, "%u/%llu", cell, (unsigned long long)seq);

	return (struct str){ out, (size_t)n };
}

static void
reader_segment(struct side_reader *r, int dir, unsigned n)
{
	struct segment *s = &r->at[r->n];
	struct side_entry e;
	size_t at = 0, torn;
	char key[48];

	if (!segment_open(dir, n, false, s))
		return;
	r->n++;
	while (side_next(s->bytes, &at, &e, &torn)) {
		struct place *p = mem_get(sizeof(*p));

		*p = (struct place){ (unsigned)(r->n - 1), e };
		mem_free(map_put(r->places, place_key(e.cell, e.seq, key), p));
	}
}

NODISCARD enum err
side_reader_new(const char *path, struct side_reader **out, struct note *why)
{
	__attribute__((cleanup(fd_close))) int dir =
	    open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct side_reader *r;
	unsigned first = 0, last = 0;

	note_set(why, "%.200s: %s", path, strerrordesc_np(errno));
	if (dir < 0)
		return errno == ENOENT ? ERR_GONE : ERR_OS;
	TRY(side_range(dir, &first, &last));
	r = mem_get(sizeof(*r));
	r->places = map_new(0);
	r->aead = aead_new();
	r->at = mem_get((last - first + 1) * sizeof(*r->at));
	for (unsigned n = first; n > 0 && n <= last; n++)
		reader_segment(r, dir, n);
	*out = r;
	return OK;
}

void
side_reader_free(struct side_reader *r)
{
	size_t at = 0;
	void *v;

	if (r == NULL)
		return;
	while (map_next(r->places, &at, NULL, &v))
		mem_free(v);
	map_free(r->places);
	for (size_t i = 0; i < r->n; i++)
		segment_close(&r->at[i]);
	mem_free(r->at);
	aead_free(r->aead);
	mem_free(r);
}

enum side_found
side_read(const struct side_reader *r, unsigned cell, uint64_t seq,
    uint64_t now, struct buf *content)
{
	char key[48];
	const struct place *p =
	    r == NULL ? NULL : map_get(r->places, place_key(cell, seq, key));
	const struct side_key *k;
	enum err e;

	if (p == NULL)
		return SIDE_NOTHING;
	if (p->e.state == SIDE_EXPIRED ||
	    (p->e.until != 0 && p->e.until <= now))
		return SIDE_ENDED;
	if (p->e.state == SIDE_ERASED)
		return SIDE_IS_ERASED;
	k = key_at(&r->at[p->segment], p->e.key);
	if (k == NULL)
		return SIDE_IS_ERASED;
	e = side_open(r->aead, k->key, &p->e, content);
	return e == OK ? SIDE_FOUND : SIDE_DAMAGED;
}
