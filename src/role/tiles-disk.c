/* tiles-disk.c: what role tiles asks of the operating system. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "role/tiles-in.h"

static enum err
disk_read(struct tiles_disk *d, const char *path, struct buf *out)
{
	__attribute__((cleanup(fd_close))) int fd =
	    open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	size_t n = 0;
	enum err e = OK;

	(void)d;
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

static enum err
write_at(int dir, const char *path, struct str bytes, bool sync)
{
	__attribute__((cleanup(fd_close))) int fd = openat(dir, path,
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

static enum err
disk_write(struct tiles_disk *d, const char *path, struct str bytes, bool sync)
{
	(void)d;
	return write_at(AT_FDCWD, path, bytes, sync);
}

enum err
tiles_put_at(int dir, const char *name, struct str bytes)
{
	char beside[300];

	(void)snprintf(beside, sizeof(beside), "%s.new", name);
	TRY(write_at(dir, beside, bytes, true));
	return renameat(dir, beside, dir, name) == 0 && fsync(dir) == 0
		   ? OK
		   : ERR_OS;
}

static enum err
disk_rename(struct tiles_disk *d, const char *from, const char *to)
{
	(void)d;
	return renameat(AT_FDCWD, from, AT_FDCWD, to) == 0 ? OK : ERR_OS;
}

static void
disk_make_dir(struct tiles_disk *d, const char *path)
{
	(void)d;
	(void)mkdirat(AT_FDCWD, path, 0700);
}

static void
disk_remove(struct tiles_disk *d, const char *path)
{
	(void)d;
	(void)unlinkat(AT_FDCWD, path, 0);
}

static void
disk_remove_partials(struct tiles_disk *d, const char *path)
{
	char name[TLOG_PATH_MAX + 16];
	struct stat st;

	(void)snprintf(name, sizeof(name), "%s.p", path);
	if (fstatat(AT_FDCWD, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return;
	for (unsigned w = 1; w < TLOG_TILE; w++) {
		(void)snprintf(name, sizeof(name), "%s.p/%u", path, w);
		disk_remove(d, name);
	}
	(void)snprintf(name, sizeof(name), "%s.p", path);
	(void)unlinkat(AT_FDCWD, name, AT_REMOVEDIR);
}

static int
directory(void)
{
	return openat(AT_FDCWD, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static enum err
disk_sync_all(struct tiles_disk *d)
{
	__attribute__((cleanup(fd_close))) int fd = directory();

	(void)d;
	return fd >= 0 && syncfs(fd) == 0 ? OK : ERR_OS;
}

static enum err
disk_sync_names(struct tiles_disk *d)
{
	__attribute__((cleanup(fd_close))) int fd = directory();

	(void)d;
	return fd >= 0 && fsync(fd) == 0 ? OK : ERR_OS;
}

static int
disk_open(struct tiles_disk *d, const char *path)
{
	(void)d;
	return open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

static void
disk_close(struct tiles_disk *d, int *fd)
{
	(void)d;
	fd_close(fd);
}

static enum err
disk_map(struct tiles_disk *d, int fd, struct str *out)
{
	(void)d;
	return fd_map_ro(fd, out);
}

static void
disk_unmap(struct tiles_disk *d, struct str bytes)
{
	(void)d;
	fd_unmap(bytes);
}

static enum err
disk_sync(struct tiles_disk *d, int fd)
{
	(void)d;
	return fdatasync(fd) == 0 ? OK : ERR_OS;
}

struct tiles_disk tiles_disk = {
	.read = disk_read,
	.write = disk_write,
	.rename = disk_rename,
	.make_dir = disk_make_dir,
	.remove = disk_remove,
	.remove_partials = disk_remove_partials,
	.sync_all = disk_sync_all,
	.sync_names = disk_sync_names,
	.open = disk_open,
	.close = disk_close,
	.map = disk_map,
	.unmap = disk_unmap,
	.sync = disk_sync,
};
