/*
 * test-tiles-disk: a disk in memory that loses power.  A file keeps what was
 * synced of it, and of the rest any sectors; a name keeps what it was at the
 * last sync, or anything that it has been since, each by itself.
 */
#ifndef TEST_TILES_DISK_H
#define TEST_TILES_DISK_H

#include <limits.h>

#include "role/tiles-in.h"

enum {
	SECTOR = 512,
	FILE_MAX = 1 << 18,
	FILES = 4096,
	NAMES = 1024,
	FORMS = 12, /* that a name has had since it was synced */
	NONE = -1,
	DIR = -2
};
struct sim_file {
	char *p;
	size_t n, synced, cap;
	size_t room; /* so long is the file at least, zeros after n */
};
struct sim_name {
	char path[64];
	int form[FORMS]; /* index of a file, NONE or DIR; [0] is durable */
	unsigned forms;
};
struct sim {
	struct tiles_disk disk; /* first: it is cast back */
	struct sim_file file[FILES];
	int files;
	struct sim_name name[NAMES];
	unsigned names;
	/* What happens between any two operations; may be NULL. */
	void (*tick)(void *arg);
	void *arg;
	int fail; /* operations until one fails; 0: none does */
	enum { LIES_NONE, LIES_ALL, LIES_FILE, LIES_NAMES, LIES_SEGMENT } lies;
};

static uint64_t sim_state;
static inline uint32_t
rnd(uint32_t n)
{
	sim_state ^= sim_state << 13;
	sim_state ^= sim_state >> 7;
	sim_state ^= sim_state << 17;
	return (uint32_t)(sim_state >> 16) % n;
}

static inline struct sim *
sim_of(struct tiles_disk *d)
{
	return (struct sim *)(void *)d;
}

static inline bool
sim_tick(struct sim *s)
{
	if (s->tick != NULL)
		s->tick(s->arg);
	return s->fail == 0 || --s->fail > 0;
}

static inline int
sim_file_new(struct sim *s, size_t cap)
{
	struct sim_file *f = &s->file[s->files];

	BUG_ON(s->files == FILES);
	*f = (struct sim_file){ .p = mem_get(cap), .cap = cap };
	return s->files++;
}

static inline struct sim_name *
sim_find(struct sim *s, const char *path)
{
	for (unsigned i = 0; i < s->names; i++)
		if (strcmp(s->name[i].path, path) == 0)
			return &s->name[i];
	return NULL;
}

static inline int
sim_now(struct sim *s, const char *path)
{
	const struct sim_name *n = sim_find(s, path);

	return n == NULL ? NONE : n->form[n->forms - 1];
}

static inline void
sim_push(struct sim_name *n, int form)
{
	if (n->forms == FORMS) /* one that was between is forgotten */
		memmove(&n->form[1], &n->form[2],
		    (--n->forms - 1) * sizeof(n->form[0]));
	n->form[n->forms++] = form;
}

static inline void
sim_set(struct sim *s, const char *path, int form)
{
	struct sim_name *n = sim_find(s, path);

	if (n == NULL) {
		BUG_ON(s->names == NAMES);
		n = &s->name[s->names++];
		*n = (struct sim_name){ .forms = 1, .form = { NONE } };
		(void)snprintf(n->path, sizeof(n->path), "%s", path);
	}
	sim_push(n, form);
}

static inline void
sim_settle(struct sim_name *n)
{
	n->form[0] = n->form[n->forms - 1];
	n->forms = 1;
}

/* A name below a directory that is not there is not there either. */
static inline bool
sim_has_dirs(struct sim *s, const char *path)
{
	char up[64];

	if (path[0] == '.')
		return true;
	(void)snprintf(up, sizeof(up), "%s", path);
	for (char *p = strrchr(up, '/'); p != NULL; p = strrchr(up, '/')) {
		*p = '\0';
		if (sim_now(s, up) != DIR)
			return false;
	}
	return true;
}

/* ---- the operations ---- */

static inline enum err
sim_read(struct tiles_disk *d, const char *path, struct buf *out)
{
	struct sim *s = sim_of(d);
	const int f = sim_now(s, path);

	if (f < 0)
		return ERR_GONE;
	buf_put(out, s->file[f].p, s->file[f].n);
	return buf_end(out);
}

static inline enum err
sim_write(struct tiles_disk *d, const char *path, struct str bytes, bool sync)
{
	struct sim *s = sim_of(d);
	int f = sim_now(s, path);

	if (!sim_tick(s))
		return ERR_OS;
	if (f < 0 || s->file[f].cap < bytes.n) {
		f = sim_file_new(s, bytes.n + 64);
		sim_set(s, path, f);
	}
	s->file[f].synced = 0;
	memcpy(s->file[f].p, bytes.p, bytes.n);
	s->file[f].n = bytes.n;
	if (!sim_tick(s))
		return ERR_OS;
	if (sync && s->lies != LIES_FILE)
		s->file[f].synced = bytes.n;
	return OK;
}

static inline enum err
sim_rename(struct tiles_disk *d, const char *from, const char *to)
{
	struct sim *s = sim_of(d);
	const int f = sim_now(s, from);

	if (f < 0 || !sim_has_dirs(s, to))
		return ERR_OS;
	if (!sim_tick(s))
		return ERR_OS;
	sim_set(s, to, f);
	sim_set(s, from, NONE);
	return OK;
}

static inline void
sim_make_dir(struct tiles_disk *d, const char *path)
{
	if (sim_has_dirs(sim_of(d), path) && sim_now(sim_of(d), path) == NONE)
		sim_set(sim_of(d), path, DIR);
	(void)sim_tick(sim_of(d));
}

static inline void
sim_remove(struct tiles_disk *d, const char *path)
{
	if (sim_now(sim_of(d), path) >= 0) {
		sim_set(sim_of(d), path, NONE);
		(void)sim_tick(sim_of(d));
	}
}

static inline void
sim_remove_partials(struct tiles_disk *d, const char *path)
{
	struct sim *s = sim_of(d);
	const size_t n = strlen(path);

	for (unsigned i = 0; i < s->names; i++) {
		struct sim_name *m = &s->name[i];

		if (strncmp(m->path, path, n) == 0 &&
		    strncmp(m->path + n, ".p/", 3) == 0 &&
		    m->form[m->forms - 1] >= 0)
			sim_push(m, NONE);
	}
	(void)sim_tick(s);
}

static inline enum err
sim_sync_all(struct tiles_disk *d)
{
	struct sim *s = sim_of(d);

	if (!sim_tick(s))
		return ERR_OS;
	if (s->lies == LIES_ALL)
		return OK;
	for (unsigned i = 0; i < s->names; i++) {
		struct sim_name *n = &s->name[i];
		const int f = n->form[n->forms - 1];

		/* Segments may lie on another file system. */
		if (n->path[0] == '.')
			continue;
		if (f >= 0)
			s->file[f].synced = s->file[f].n;
		sim_settle(n);
		if (n->form[0] == NONE)
			s->name[i--] = s->name[--s->names];
	}
	(void)sim_tick(s);
	return OK;
}

static inline enum err
sim_sync_names(struct tiles_disk *d)
{
	struct sim *s = sim_of(d);

	if (!sim_tick(s))
		return ERR_OS;
	for (unsigned i = 0; i < s->names && s->lies != LIES_NAMES; i++)
		if (strchr(s->name[i].path, '/') == NULL)
			sim_settle(&s->name[i]);
	return OK;
}

static inline int
sim_open(struct tiles_disk *d, const char *path)
{
	const int f = sim_now(sim_of(d), path);

	return f < 0 ? -1 : f;
}

static inline void
sim_close(struct tiles_disk *d, int *fd)
{
	(void)d;
	*fd = -1;
}

static inline size_t
sim_size(const struct sim_file *f)
{
	return f->room > f->n ? f->room : f->n;
}

/* What is written later into the room shows, as in a mapping. */
static inline enum err
sim_map(struct tiles_disk *d, int fd, struct str *out)
{
	const struct sim_file *f = &sim_of(d)->file[fd];

	*out = (struct str){ f->p, sim_size(f) };
	(void)sim_tick(sim_of(d));
	return OK;
}

static inline void
sim_unmap(struct tiles_disk *d, struct str bytes)
{
	(void)bytes;
	(void)sim_tick(sim_of(d));
}

static inline enum err
sim_sync(struct tiles_disk *d, int fd)
{
	struct sim *s = sim_of(d);

	if (!sim_tick(s))
		return ERR_OS;
	if (s->lies != LIES_SEGMENT)
		s->file[fd].synced = s->file[fd].n;
	(void)sim_tick(s);
	return OK;
}

static inline struct sim *
sim_new(void)
{
	struct sim *s = mem_get(sizeof(*s));

	s->disk = (struct tiles_disk){ sim_read, sim_write, sim_rename,
		sim_make_dir, sim_remove, sim_remove_partials, sim_sync_all,
		sim_sync_names, sim_open, sim_close, sim_map, sim_unmap,
		sim_sync };
	return s;
}

static inline void
sim_free(struct sim *s)
{
	for (int i = 0; i < s->files; i++)
		mem_free(s->file[i].p);
	mem_free(s);
}

/* ---- power loss ---- */

/* What is left of a file: what was synced, and of the rest any sectors. */
static inline void
sim_lose(const struct sim_file *f, struct sim_file *out)
{
	const size_t room = f->room < f->n ? f->room : f->n;
	const size_t least = room > f->synced ? room : f->synced;
	const size_t n = least + rnd((uint32_t)(f->n - least) + 1);

	memcpy(out->p, f->p, f->synced);
	for (size_t at = f->synced; at < n;) {
		const size_t next = at / SECTOR * SECTOR + SECTOR;
		const size_t end = next < n ? next : n;

		if (rnd(3) != 0)
			memcpy(out->p + at, f->p + at, end - at);
		at = end;
	}
	out->room = f->room;
	out->n = out->synced = n > f->room ? n : f->room;
}

/* The disk as the next start finds it. */
static inline struct sim *
sim_crash(const struct sim *s)
{
	static int moved[FILES];
	struct sim *out = sim_new();

	for (int i = 0; i < s->files; i++)
		moved[i] = NONE;
	for (unsigned i = 0; i < s->names; i++) {
		const struct sim_name *n = &s->name[i];
		int f = n->form[rnd(n->forms)];

		if (f >= 0) {
			if (moved[f] == NONE) {
				const size_t cap = sim_size(&s->file[f]) + 64;

				moved[f] = sim_file_new(out, cap);
				sim_lose(&s->file[f], &out->file[moved[f]]);
			}
			f = moved[f];
		}
		if (f == NONE)
			continue;
		sim_set(out, n->path, f);
		sim_settle(&out->name[out->names - 1]);
	}
	/* What hangs below a directory that is lost is lost. */
	for (unsigned i = 0; i < out->names; i++)
		if (!sim_has_dirs(out, out->name[i].path)) {
			out->name[i] = out->name[--out->names];
			i = UINT_MAX; /* look again from the start */
		}
	return out;
}

#endif
