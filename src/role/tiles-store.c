/*
 * tiles-store.c: the log's files.  A file is written beside its place and then
 * put there, so a reader never sees half of one; it is durable after
 * tiles_sync(), one sync for all, and nothing is signed before.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "role/tiles-in.h"

#define BESIDE "new"

static enum err
store_read(struct tlog_store *s, struct str path, struct buf *out)
{
	char name[TLOG_PATH_MAX];
	__attribute__((cleanup(fd_close))) int fd = -1;
	size_t n = 0;
	enum err e = OK;

	(void)s;
	(void)snprintf(name, sizeof(name), "%.*s", STR_ARG(path));
	fd = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? ERR_GONE : ERR_OS;
	while (e == OK) {
		char part[8192];

		e = fd_read(fd, part, sizeof(part), &n);
		if (e == OK)
			buf_put(out, part, n);
	}
	return e == ERR_GONE ? buf_end(out) : e;
}

/* The directories that a path names, made where they are not. */
static void
directories(char *path)
{
	for (char *p = strchr(path, '/'); p != NULL; p = strchr(p + 1, '/')) {
		*p = '\0';
		(void)mkdirat(AT_FDCWD, path, 0700);
		*p = '/';
	}
}

static enum err
write_whole(const char *path, struct str bytes, bool sync)
{
	__attribute__((cleanup(fd_close))) int fd = openat(AT_FDCWD, path,
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return ERR_OS;
	while (bytes.n > 0) {
		size_t n = 0;

		if (fd_write(fd, bytes, &n) != OK)
			return ERR_OS;
		bytes = str_sub(bytes, n, bytes.n - n);
	}
	return !sync || fsync(fd) == 0 ? OK : ERR_OS;
}

/* What a full tile replaces: every narrower one, which anyone can cut from it
 * (tlog-tiles, "Partial Tiles"). */
static void
partials_remove(const char *path)
{
	char name[TLOG_PATH_MAX + 16];

	for (unsigned w = 1; w < TLOG_TILE; w++) {
		(void)snprintf(name, sizeof(name), "%s.p/%u", path, w);
		(void)unlinkat(AT_FDCWD, name, 0);
	}
	(void)snprintf(name, sizeof(name), "%s.p", path);
	(void)unlinkat(AT_FDCWD, name, AT_REMOVEDIR);
}

static enum err
store_write(struct tlog_store *s, struct str path, struct str bytes)
{
	char name[TLOG_PATH_MAX];
	struct stat st;

	(void)s;
	(void)snprintf(name, sizeof(name), "%.*s", STR_ARG(path));
	TRY(write_whole(BESIDE, bytes, false));
	if (renameat(AT_FDCWD, BESIDE, AT_FDCWD, name) < 0) {
		directories(name);
		if (renameat(AT_FDCWD, BESIDE, AT_FDCWD, name) < 0)
			return ERR_OS;
	}
	(void)snprintf(name, sizeof(name), "%.*s.p", STR_ARG(path));
	if (strstr(name, ".p/") == NULL &&
	    fstatat(AT_FDCWD, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		name[path.n] = '\0';
		partials_remove(name);
	}
	return OK;
}

struct tlog_store tiles_store = { store_read, store_write };

enum err
tiles_sync(void)
{
	__attribute__((cleanup(fd_close))) int fd =
	    openat(AT_FDCWD, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd >= 0 && syncfs(fd) == 0 ? OK : ERR_OS;
}

enum err
tiles_put(const char *path, struct str bytes)
{
	__attribute__((cleanup(fd_close))) int dir =
	    openat(AT_FDCWD, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	TRY(write_whole(BESIDE, bytes, true));
	if (dir < 0 || renameat(AT_FDCWD, BESIDE, AT_FDCWD, path) < 0 ||
	    fsync(dir) < 0)
		return ERR_OS;
	return OK;
}
