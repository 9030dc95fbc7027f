/*
 * fd.c: descriptors and files.  Promises that a short answer of the kernel is
 * never mistaken for the end, and that half a file is never acted on.
 */
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

void
fd_close(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

/* What errno means after a failed read or write. */
static enum err
io_err(void)
{
	if (errno == EAGAIN)
		return ERR_MORE;
	if (errno == ECONNRESET || errno == EPIPE || errno == ENOTCONN)
		return ERR_GONE;
	return ERR_OS;
}

NODISCARD enum err
fd_read(int fd, void *p, size_t cap, size_t *n)
{
	ssize_t got;

	do
		got = read(fd, p, cap);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return io_err();
	if (got == 0 && cap > 0)
		return ERR_GONE;
	*n = (size_t)got;
	return OK;
}

NODISCARD enum err
fd_write(int fd, struct str s, size_t *n)
{
	ssize_t put;

	do
		put = write(fd, s.p, s.n);
	while (put < 0 && errno == EINTR);
	if (put < 0)
		return io_err();
	*n = (size_t)put;
	return OK;
}

NODISCARD enum err
fd_write2(int fd, struct str a, struct str b, size_t *n)
{
	union {
		const void *in;
		void *out;
	} pa = { a.p }, pb = { b.p }; /* writev does not write through them */
	const struct iovec v[2] = { { pa.out, a.n }, { pb.out, b.n } };
	ssize_t put;

	do
		put = writev(fd, v, 2);
	while (put < 0 && errno == EINTR);
	if (put < 0)
		return io_err();
	*n = (size_t)put;
	return OK;
}

NODISCARD enum err
fd_nonblock(int fd)
{
	const int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return ERR_OS;
	if ((flags & O_NONBLOCK) != 0)
		return OK;
	return fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? ERR_OS : OK;
}

bool
fd_quiet(int fd)
{
	char ch;

	return recv(fd, &ch, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

/* ---- files ---- */

static enum err
file_fail(struct note *why, const char *what, const char *path)
{
	note_set(why, "%s %s: %s", what, path, strerrordesc_np(errno));
	return ERR_OS;
}

/* Reads until the end; never trusts the size the file claimed. */
static enum err
read_all(
    int fd, const char *path, size_t max, struct buf *out, struct note *why)
{
	const size_t begun = out->n;
	char part[8192];

	for (;;) {
		size_t n;
		const enum err e = fd_read(fd, part, sizeof(part), &n);

		if (e == ERR_GONE)
			return OK;
		if (e != OK)
			return file_fail(why, "cannot read", path);
		if (n > max - (out->n - begun)) {
			note_set(why, "%s is larger than %zu bytes", path, max);
			return ERR_LIMIT;
		}
		buf_put(out, part, n);
		if (out->full) {
			note_set(why, "%s is larger than its room", path);
			return ERR_LIMIT;
		}
	}
}

bool
fd_said(int fd, struct note *why)
{
	struct note said = { .text = "" };
	size_t n = 0, got = 0;

	while (
	    n < sizeof(said.text) - 1 &&
	    fd_read(fd, said.text + n, sizeof(said.text) - 1 - n, &got) == OK)
		n += got;
	if (n > 0)
		*why = said;
	return n > 0;
}

NODISCARD enum err
file_open(const char *path, bool follow, int *out, struct note *why)
{
	__attribute__((cleanup(fd_close))) int fd = -1;
	struct stat st;

	/* NONBLOCK: a FIFO in place of the file must not hang us. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK |
			    (follow ? 0 : O_NOFOLLOW));
	if (fd < 0)
		return file_fail(why, "cannot open", path);
	if (fstat(fd, &st) < 0)
		return file_fail(why, "cannot look at", path);
	if (!S_ISREG(st.st_mode)) {
		note_set(why, "%s is not a regular file", path);
		return ERR_DENIED;
	}
	*out = fd;
	fd = -1; /* NOLINT(clang-analyzer-deadcode.DeadStores): for cleanup */
	return OK;
}

NODISCARD enum err
file_read(const char *path, size_t max, struct buf *out, struct note *why)
{
	__attribute__((cleanup(fd_close))) int fd = -1;
	const size_t begun = out->n;
	enum err e;

	TRY(file_open(path, true, &fd, why));
	e = read_all(fd, path, max, out, why);
	if (e != OK && !out->full)
		out->n = begun;
	return e;
}

static enum err
write_all(int fd, struct str s)
{
	while (s.n > 0) {
		size_t n;

		TRY(fd_write(fd, s, &n));
		s.p += n;
		s.n -= n;
	}
	return OK;
}

/* The directory's entry must be on disk too, or the rename may be undone. */
static enum err
sync_dir(const char *path)
{
	__attribute__((cleanup(fd_close))) int fd = -1;
	const char *slash = strrchr(path, '/');
	const size_t n = slash == NULL ? 0 : (size_t)(slash - path);
	char dir[4096];

	if (n >= sizeof(dir))
		return ERR_LIMIT;
	memcpy(dir, path, n);
	dir[n] = '\0';
	if (n == 0)
		memcpy(dir, slash == NULL ? "." : "/", 2);
	fd = open(dir, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
	if (fd < 0)
		return ERR_OS;
	return fsync(fd) < 0 ? ERR_OS : OK;
}

NODISCARD enum err
file_replace(const char *path, struct str s, mode_t mode, struct note *why)
{
	__attribute__((cleanup(fd_close))) int fd = -1;
	char tmp[4096];
	struct stat st;
	int n;

	n = snprintf(tmp, sizeof(tmp), "%s.new", path);
	if (n < 0 || (size_t)n >= sizeof(tmp)) {
		note_set(why, "the path is too long");
		return ERR_LIMIT;
	}
	if (stat(path, &st) == 0)
		mode = st.st_mode & 07777;
	(void)unlink(tmp); /* of a writer that was killed */
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
	    mode & 0700);
	if (fd < 0)
		return file_fail(why, "cannot create", tmp);
	if (fchmod(fd, mode) < 0 || write_all(fd, s) != OK || fsync(fd) < 0 ||
	    rename(tmp, path) < 0) {
		const enum err e = file_fail(why, "cannot write", tmp);

		(void)unlink(tmp);
		return e;
	}
	if (sync_dir(path) != OK)
		return file_fail(why, "cannot sync the directory of", path);
	return OK;
}

/* ---- memory files ---- */

NODISCARD enum err
memfd_of(const char *name, struct str s, int *fd)
{
	int m = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (m < 0)
		return ERR_OS;
	if (write_all(m, s) != OK ||
	    fcntl(m, F_ADD_SEALS,
		F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0) {
		fd_close(&m);
		return ERR_OS;
	}
	*fd = m;
	return OK;
}

NODISCARD enum err
fd_map_ro(int fd, struct str *out)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st) < 0)
		return ERR_OS;
	if (st.st_size <= 0) {
		*out = (struct str){ NULL, 0 };
		return OK;
	}
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return ERR_OS;
	*out = (struct str){ p, (size_t)st.st_size };
	return OK;
}

void
fd_unmap(struct str s)
{
	union {
		const char *in;
		void *out;
	} p = { s.p };

	if (s.n > 0)
		(void)munmap(p.out, s.n);
}
