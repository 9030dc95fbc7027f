/*
 * tiles-store.c: in which order the log's files are written.  A file is written
 * beside its place and then put there, so a reader never sees half of one; it
 * is durable after a sync of all, and nothing is signed before.  What a full
 * tile replaces stays until it is settled that the tree goes on from there: a
 * checkpoint may speak of it, and the power may go.
 */
#include "role/tiles-in.h"

#include <stdio.h>

#define BESIDE "new"
/* Of tiles that stay: away from those that come and go, as a new file costs
 * more where files were removed (doc/why/0023-cpu-a-call.md). */
#define BESIDE_FULL "tile/new"

static struct tiles_store *
store_of(struct tlog_store *s)
{
	return (struct tiles_store *)(void *)s;
}

static enum err
store_read(struct tlog_store *s, struct str path, struct buf *out)
{
	char name[TLOG_PATH_MAX];

	(void)snprintf(name, sizeof(name), "%.*s", STR_ARG(path));
	return store_of(s)->disk->read(store_of(s)->disk, name, out);
}

/* The directories that a path names, made where they are not. */
static void
directories(struct tiles_disk *d, char *path)
{
	for (char *p = strchr(path, '/'); p != NULL; p = strchr(p + 1, '/')) {
		*p = '\0';
		d->make_dir(d, path);
		*p = '/';
	}
}

static enum err
store_write(struct tlog_store *s, struct str path, struct str bytes)
{
	struct tiles_store *st = store_of(s);
	struct tiles_disk *d = st->disk;
	const bool full = str_search(path, STR(".p/")) == path.n;
	const char *beside = full ? BESIDE_FULL : BESIDE;
	char name[TLOG_PATH_MAX];

	(void)snprintf(name, sizeof(name), "%.*s", STR_ARG(path));
	TRY(d->write(d, beside, bytes, false));
	if (d->rename(d, beside, name) != OK) {
		directories(d, name);
		TRY(d->rename(d, beside, name));
	}
	if (full) {
		buf_str(&st->full, path);
		buf_ch(&st->full, '\n');
	}
	return OK;
}

void
tiles_store_open(struct tiles_store *s, struct tiles_disk *d)
{
	*s = (struct tiles_store){ .s = { store_read, store_write, 0 },
		.disk = d,
		.full = { .max = SIZE_MAX / 4 } };
	d->make_dir(d, "tile");
	d->remove(d, BESIDE); /* of a life that ended in between */
	d->remove(d, BESIDE_FULL);
}

void
tiles_store_done(struct tiles_store *s)
{
	buf_done(&s->full);
}

/* Every narrower one, which anyone can cut from it (tlog-tiles, "Partial
 * Tiles"). */
void
tiles_settled(struct tiles_store *s)
{
	struct str rest = buf_view(&s->full), path = { NULL, 0 };
	char name[TLOG_PATH_MAX];

	while (str_split(&rest, '\n', &path) && path.n > 0) {
		(void)snprintf(name, sizeof(name), "%.*s", STR_ARG(path));
		s->disk->remove_partials(s->disk, name);
	}
	buf_clear(&s->full);
}

enum err
tiles_put(struct tiles_disk *d, const char *path, struct str bytes)
{
	TRY(d->write(d, BESIDE, bytes, true));
	TRY(d->rename(d, BESIDE, path));
	return d->sync_names(d);
}
