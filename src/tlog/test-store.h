/* test-store: a log's files in memory. */
#ifndef TEST_STORE_H
#define TEST_STORE_H

#include "base/tap.h"
#include "tlog/tlog.h"

struct mem_store {
	struct tlog_store s; /* first: one is the other */
	struct map *files;   /* path -> struct buf */
	unsigned reads, writes;
	const char *fails; /* a path that cannot be read or written */
};

static inline struct buf *
store_file(struct mem_store *m, const char *path)
{
	return map_get(m->files, str_of(path));
}

static inline enum err
store_read(struct tlog_store *s, struct str path, struct buf *out)
{
	struct mem_store *m = (struct mem_store *)s;
	const struct buf *f = map_get(m->files, path);

	m->reads++;
	if (m->fails != NULL && str_eq(path, str_of(m->fails)))
		return ERR_OS;
	if (f == NULL)
		return ERR_GONE;
	buf_str(out, buf_view(f));
	return buf_end(out);
}

static inline enum err
store_write(struct tlog_store *s, struct str path, struct str bytes)
{
	struct mem_store *m = (struct mem_store *)s;
	struct buf *f = map_get(m->files, path);

	m->writes++;
	if (m->fails != NULL && str_eq(path, str_of(m->fails)))
		return ERR_OS;
	if (f == NULL) {
		f = mem_get(sizeof(*f));
		f->max = 1 << 26;
		(void)map_put(m->files, path, f);
	}
	buf_clear(f);
	buf_str(f, bytes);
	return OK;
}

static inline struct mem_store
store_new(void)
{
	return (struct mem_store){ .s = { store_read, store_write },
		.files = map_new(1) };
}

static inline void
store_drop(struct mem_store *m, const char *path)
{
	struct buf *f = map_del(m->files, str_of(path));

	if (f != NULL)
		buf_done(f);
	mem_free(f);
}

static inline void
store_done(struct mem_store *m)
{
	struct str key;
	void *v;
	size_t at = 0;

	while (map_next(m->files, &at, &key, &v)) {
		buf_done(v);
		mem_free(v);
	}
	map_free(m->files);
}

/* Adds entries [from, to), "SALT N and a filler of changing length". */
static inline void
store_fill(struct tlog_writer *w, const char *salt, uint64_t from, uint64_t to)
{
	for (uint64_t i = from; i < to; i++) {
		char text[96];
		const int n = snprintf(text, sizeof(text), "%s %llu %.*s", salt,
		    (unsigned long long)i, (int)(i % 23),
		    "abcdefghijklmnopqrstuvwxyz");

		BUG_ON(tlog_add(w, (struct str){ text, (size_t)n }) != OK);
	}
}

static inline struct tlog_range
store_log(struct mem_store *m, const char *salt, uint64_t size)
{
	struct tlog_writer *w = NULL;
	struct tlog_range r;
	struct note why;

	BUG_ON(tlog_writer_new(&m->s, 0, &w, &why) != OK);
	store_fill(w, salt, 0, size);
	BUG_ON(tlog_flush(w) != OK);
	r = *tlog_writer_range(w);
	tlog_writer_free(w);
	return r;
}

#endif
