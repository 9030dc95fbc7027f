/*
 * parent-open.c: what only the parent may open: the state directory and its
 * lock, ledger segments, listening sockets, the pages of counters.
 * Promises that a segment is new, written from its start on by the one that
 * gets its only descriptor that does not append, and known to the directory
 * before anyone writes to it.  It reads nothing.
 */
#include "role/parent-in.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static enum err
fail(struct note *why, const char *what)
{
	note_set(why, "%s: %s", what, strerrordesc_np(errno));
	return ERR_OS;
}

/* ---- state ---- */

/* Only its parent's entry is made: a wrong path shall not grow a tree.  Where
 * everybody may write, anybody could put a log of their own. */
enum err
open_dir(int at, const char *path, int *out, struct note *why)
{
	const int made = mkdirat(at, path, 0700);
	struct stat st;

	if (made < 0 && errno != EEXIST)
		return fail(why, path);
	*out = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*out < 0 || fstat(*out, &st) < 0)
		return fail(why, path);
	if (st.st_mode & S_IWOTH) {
		note_set(why,
		    "%s: everybody may write to this directory: chmod o-w",
		    path);
		return ERR_DENIED;
	}
	return OK;
}

/* ext4 looks for a new file's inode past every one that was freed in its
 * directory's group in the last minutes, here or by a neighbour.  Directories
 * below a "top" one get groups of their own, where files that stay are by
 * themselves.  Other file systems refuse, and need none of it. */
static void
spread(int dir)
{
	int flags = 0;

	if (ioctl(dir, FS_IOC_GETFLAGS, &flags) < 0 ||
	    (flags & FS_TOPDIR_FL) != 0)
		return;
	flags |= FS_TOPDIR_FL;
	(void)ioctl(dir, FS_IOC_SETFLAGS, &flags);
}

NODISCARD enum err
open_state(struct note *why)
{
	const struct str state = jv_str(jv_get(house.image, STR("state")));
	char path[PATH_MAX];
	int side = -1;

	if (state.n == 0 || state.n >= sizeof(path)) {
		note_set(why, "no state directory");
		return ERR_SYNTAX;
	}
	(void)snprintf(path, sizeof(path), "%.*s", STR_ARG(state));
	TRY(open_dir(AT_FDCWD, path, &house.state_dir, why));
	house.lock = openat(house.state_dir, "lock",
	    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (house.lock < 0)
		return fail(why, "lock");
	if (flock(house.lock, LOCK_EX | LOCK_NB) < 0) {
		note_set(why, "%s is in use by another gatehouse", path);
		return ERR_DENIED;
	}
	TRY(open_dir(house.state_dir, "ledger", &house.ledger_dir, why));
	TRY(open_dir(house.state_dir, "log", &house.log_dir, why));
	spread(house.log_dir);
	TRY(open_dir(house.state_dir, "side", &side, why));
	fd_close(&side); /* role tiles finds it beside the log */
	if (fsync(house.state_dir) < 0)
		return fail(why, path);
	return OK;
}

void
segment_name(const struct cell *c, unsigned number, char out[static 64])
{
	(void)snprintf(out, 64, "cell-%u-%06u", c->number, number);
}

static int
segment_fd(const struct cell *c, unsigned number, int flags)
{
	char name[64], file[72];

	segment_name(c, number, name);
	(void)snprintf(file, sizeof(file), "%s.seg", name);
	return openat(house.ledger_dir, file,
	    O_WRONLY | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
}

NODISCARD enum err
open_segment(struct cell *c, int *writer, struct note *why)
{
	__attribute__((cleanup(fd_close))) int fd = -1;
	int own;

	if (c->open_n == PARENT_SEGMENTS_MAX) {
		note_set(why, "%zu segments are not synced yet", c->open_n);
		return ERR_LIMIT;
	}
	fd = segment_fd(c, c->segment + 1, O_CREAT | O_EXCL);
	if (fd < 0)
		return fail(why, "segment");
	c->segment++; /* whatever comes now, that name is taken */
	if (fsync(house.ledger_dir) < 0)
		return fail(why, "ledger");
	own = segment_fd(c, c->segment, O_APPEND);
	if (own < 0)
		return fail(why, "segment");
	c->open[c->open_n].number = c->segment;
	c->open[c->open_n++].fd = own;
	*writer = fd;
	fd = -1; /* NOLINT(clang-analyzer-deadcode.DeadStores): for cleanup */
	return OK;
}

bool
ledger_room(size_t n)
{
	static const char zeros[65536];
	struct str left = { zeros, 0 };
	size_t some = 0;
	int fd = openat(house.ledger_dir, "room",
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	bool good = fd >= 0;

	for (; good && n > 0; n -= some) {
		left.n = n < sizeof(zeros) ? n : sizeof(zeros);
		good = fd_write(fd, left, &some) == OK;
	}
	good = good && fsync(fd) == 0;
	fd_close(&fd);
	(void)unlinkat(house.ledger_dir, "room", 0);
	return good;
}

void
open_last_segment(struct cell *c)
{
	const int fd =
	    c->segment == 0 ? -1 : segment_fd(c, c->segment, O_APPEND);

	if (fd < 0)
		return; /* none there, or load said all that can be said */
	c->open[c->open_n].number = c->segment;
	c->open[c->open_n++].fd = fd;
}

NODISCARD enum err
open_budget_segment(unsigned number, bool fresh, int *fd, struct note *why)
{
	char file[72];

	(void)snprintf(file, sizeof(file), "budget-%06u.seg", number);
	*fd = openat(house.ledger_dir, file,
	    (fresh ? O_WRONLY | O_APPEND | O_CREAT | O_EXCL : O_RDONLY) |
		O_CLOEXEC | O_NOFOLLOW,
	    0600);
	if (*fd < 0)
		return fail(why, file);
	if (fresh)
		house.budget_last = number; /* that name is taken now */
	if (fresh && fsync(house.ledger_dir) < 0)
		return fail(why, "ledger");
	return OK;
}

void
segments_synced(struct cell *c, uint64_t before)
{
	while (c->open_n > 1 && c->open[0].number < before) {
		fd_close(&c->open[0].fd);
		memmove(
		    &c->open[0], &c->open[1], --c->open_n * sizeof(c->open[0]));
	}
}

/* ---- listening ---- */

union addr {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

/* "127.0.0.1:8642", "[::1]:8642", "localhost:8642".  No name is asked for. */
static enum err
addr_of(struct str text, union addr *a, socklen_t *n, struct note *why)
{
	char host[INET6_ADDRSTRLEN] = "127.0.0.1";
	uint64_t port = 0;
	size_t colon = text.n;
	struct str h;

	while (colon > 0 && text.p[colon - 1] != ':')
		colon--;
	h = str_sub(text, 0, colon > 0 ? colon - 1 : 0);
	if (h.n > 2 && h.p[0] == '[' && h.p[h.n - 1] == ']')
		h = str_sub(h, 1, h.n - 2);
	memset(a, 0, sizeof(*a));
	if (h.n == 0 || h.n >= sizeof(host) ||
	    str_u64(str_sub(text, colon, text.n), &port) != OK ||
	    port > UINT16_MAX) {
		note_set(why, "%.*s is no address:port", STR_ARG(text));
		return ERR_SYNTAX;
	}
	if (!str_eq(h, STR("localhost")))
		(void)snprintf(host, sizeof(host), "%.*s", STR_ARG(h));
	*n = sizeof(a->in);
	a->in.sin_family = AF_INET;
	a->in.sin_port = htons((uint16_t)port);
	if (inet_pton(AF_INET, host, &a->in.sin_addr) == 1)
		return OK;
	*n = sizeof(a->in6);
	a->in6.sin6_family = AF_INET6;
	a->in6.sin6_port = htons((uint16_t)port);
	if (inet_pton(AF_INET6, host, &a->in6.sin6_addr) == 1)
		return OK;
	note_set(why, "%.*s is no numeric address", STR_ARG(h));
	return ERR_SYNTAX;
}

static void
addr_text(const union addr *a, char *out, size_t n)
{
	char host[INET6_ADDRSTRLEN] = "?";
	const bool six = a->sa.sa_family == AF_INET6;

	if (six)
		(void)inet_ntop(
		    AF_INET6, &a->in6.sin6_addr, host, sizeof(host));
	else
		(void)inet_ntop(AF_INET, &a->in.sin_addr, host, sizeof(host));
	(void)snprintf(out, n, six ? "[%s]:%u" : "%s:%u", host,
	    ntohs(six ? a->in6.sin6_port : a->in.sin_port));
}

/* One more socket at *a; port 0 becomes the one the kernel chose. */
static enum err
listen_at(union addr *a, socklen_t n, bool shared, int *out, struct note *why)
{
	__attribute__((cleanup(fd_close))) int fd = socket(
	    a->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	const int on = 1;
	char text[sizeof(house.addr_text)];

	if (fd < 0)
		return fail(why, "socket");
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (shared &&
	    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) < 0)
		return fail(why, "SO_REUSEPORT");
	if (bind(fd, &a->sa, n) < 0 || listen(fd, SOMAXCONN) < 0 ||
	    getsockname(fd, &a->sa, &n) < 0) {
		addr_text(a, text, sizeof(text));
		return fail(why, text);
	}
	*out = fd;
	fd = -1; /* NOLINT(clang-analyzer-deadcode.DeadStores): for cleanup */
	return OK;
}

/*
 * One socket a cell: the kernel spreads connections over them, and would over
 * another gateway's too, so one that does not share must come to stand first.
 */
static enum err
listen_agents(struct str text, struct note *why)
{
	int alone = -1;
	union addr a;
	socklen_t n;

	if (text.n == 0)
		return OK;
	TRY(addr_of(text, &a, &n, why));
	TRY(listen_at(&a, n, false, &alone, why));
	fd_close(&alone);
	for (unsigned c = 0; c < house.cells; c++)
		TRY(listen_at(
		    &a, n, house.cells > 1, &house.cell[c].agents, why));
	addr_text(&a, house.addr_text, sizeof(house.addr_text));
	return OK;
}

/* We hold the lock, so a socket that lies there is a dead one's. */
static enum err
listen_control(struct str path, struct note *why)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct stat st;
	mode_t mask;
	int r;

	if (path.n == 0)
		return OK;
	if (path.n >= sizeof(a.sun_path)) {
		note_set(why, "control: the path is over %zu bytes",
		    sizeof(a.sun_path) - 1);
		return ERR_LIMIT;
	}
	memcpy(a.sun_path, path.p, path.n);
	house.control =
	    socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (house.control < 0)
		return fail(why, "socket");
	if (lstat(a.sun_path, &st) == 0 && S_ISSOCK(st.st_mode))
		(void)unlink(a.sun_path);
	mask = umask(0177);
	r = bind(house.control, (const struct sockaddr *)&a, sizeof(a));
	(void)umask(mask);
	if (r < 0 || listen(house.control, 16) < 0)
		return fail(why, a.sun_path);
	memcpy(house.control_path, a.sun_path, sizeof(a.sun_path));
	return OK;
}

NODISCARD enum err
open_listener(struct str text, int *fd, struct note *why)
{
	union addr a;
	socklen_t n;

	TRY(addr_of(text, &a, &n, why));
	return listen_at(&a, n, false, fd, why);
}

NODISCARD enum err
open_listeners(struct note *why)
{
	const struct str desk = jv_str(jv_get(house.image, STR("desk")));
	struct note what = { .text = "" };
	union addr a;
	socklen_t n;

	if (listen_agents(jv_str(jv_get(house.image, STR("listen"))), &what)) {
		note_set(why, "listen: %s", what.text);
		return ERR_OS;
	}
	if (desk.n > 0) {
		TRY(addr_of(desk, &a, &n, why));
		if (listen_at(&a, n, false, &house.desk, &what) != OK) {
			note_set(why, "desk: %s", what.text);
			return ERR_OS;
		}
		addr_text(&a, house.desk_text, sizeof(house.desk_text));
	}
	return listen_control(jv_str(jv_get(house.image, STR("control"))), why);
}

void
open_done(void)
{
	if (house.control_path[0] != '\0')
		(void)unlink(house.control_path);
	house.control_path[0] = '\0';
}

/* ---- counters ---- */

NODISCARD enum err
open_pages(size_t n, struct note *why)
{
	const size_t size = n * ROLE_PAGE;
	void *p;

	house.pages_fd =
	    memfd_create("counters", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (house.pages_fd < 0 || ftruncate(house.pages_fd, (off_t)size) < 0 ||
	    fcntl(house.pages_fd, F_ADD_SEALS,
		F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return fail(why, "counters");
	p = mmap(
	    NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, house.pages_fd, 0);
	if (p == MAP_FAILED)
		return fail(why, "counters");
	house.pages = p;
	house.pages_n = n;
	return OK;
}
