/*
 * land.c: Landlock, by raw system calls, because the headers of the oldest
 * system we build on know less than the kernels we run on.  Promises to take
 * away every right the kernel knows of and then give back what is listed.
 * Network and truncation by path came late to Landlock; the system call filter
 * does not rely on it for either.
 */
#include "jail/jail-in.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel's interface (linux/landlock.h of 6.15, ABI 1 to 7). */
enum {
	LAND_EXECUTE = 1 << 0,
	LAND_WRITE_FILE = 1 << 1,
	LAND_READ_FILE = 1 << 2,
	LAND_READ_DIR = 1 << 3,
	LAND_TRUNCATE = 1 << 14,
	LAND_IOCTL_DEV = 1 << 15,
	LAND_FILE = LAND_EXECUTE | LAND_WRITE_FILE | LAND_READ_FILE |
		    LAND_TRUNCATE |
		    LAND_IOCTL_DEV, /* what a plain file can have */
	LAND_NOT_STORE = LAND_EXECUTE | LAND_IOCTL_DEV,
	LAND_READ = LAND_EXECUTE | LAND_READ_FILE | LAND_READ_DIR,
	LAND_BIND_TCP = 1 << 0,
	LAND_CONNECT_TCP = 1 << 1,
	LAND_SCOPE_ABSTRACT = 1 << 0,
	LAND_SCOPE_SIGNAL = 1 << 1,
	LAND_RULE_PATH = 1,
	LAND_VERSION = 1,
};
struct land_rules {
	uint64_t fs, net, scoped;
};
struct land_path {
	uint64_t allowed;
	int32_t fd;
} __attribute__((packed));

/* By ABI: how many file rights, and how large the kernel takes the struct. */
static const struct {
	uint64_t fs;
	size_t size;
} abis[] = {
	{ 0, 0 }, { (1U << 13) - 1, 8 }, /* 1 */
	{ (1U << 14) - 1, 8 },		 /* 2: refer */
	{ (1U << 15) - 1, 8 },		 /* 3: truncate */
	{ (1U << 15) - 1, 16 },		 /* 4: TCP */
	{ (1U << 16) - 1, 16 },		 /* 5: ioctl of devices */
	{ (1U << 16) - 1, 24 },		 /* 6: scopes */
};

int
land_abi(void)
{
	const long v =
	    syscall(SYS_landlock_create_ruleset, NULL, 0, LAND_VERSION);

	return v < 0 ? 0 : (int)v;
}

/* Everything the kernel knows of is taken; masks say what of the rest. */
static enum err
rules_new(uint64_t net, uint64_t scoped, struct land_rules *r, int *fd,
    struct note *why)
{
	const size_t abi = (size_t)land_abi();
	const size_t at = abi < countof(abis) ? abi : countof(abis) - 1;

	*r = (struct land_rules){ abis[at].fs, 0, 0 };
	if (abis[at].size >= 16)
		r->net = net;
	if (abis[at].size >= 24)
		r->scoped = scoped;
	*fd = (int)syscall(SYS_landlock_create_ruleset, r, abis[at].size, 0);
	return *fd < 0 ? os_fail(why, "landlock") : OK;
}

/* A path that is not there needs no rule. */
static enum err
allow(int rules, const struct land_rules *r, const char *path, uint64_t rights,
    struct note *why)
{
	__attribute__((cleanup(fd_close))) int fd =
	    open(path, O_PATH | O_CLOEXEC);
	struct land_path p = { rights & r->fs, fd };
	struct stat st;

	if (fd < 0)
		return OK;
	if (fstat(fd, &st) < 0)
		return os_fail(why, path);
	if (!S_ISDIR(st.st_mode))
		p.allowed &= LAND_FILE;
	if (p.allowed == 0)
		return OK;
	if (syscall(SYS_landlock_add_rule, rules, LAND_RULE_PATH, &p, 0) < 0)
		return os_fail(why, path);
	return OK;
}

static int stores[JAIL_STORES_MAX];
static size_t stores_n;

bool
jail_store(int dir)
{
	if (stores_n == JAIL_STORES_MAX)
		return false;
	stores[stores_n++] = dir;
	return true;
}

/* The working directory, and those that were named besides. */
static enum err
allow_stores(int rules, const struct land_rules *r, struct note *why)
{
	const uint64_t rights = r->fs & ~(uint64_t)LAND_NOT_STORE;

	for (size_t i = 0; i < stores_n; i++) {
		const struct land_path p = { rights, stores[i] };

		if (syscall(SYS_landlock_add_rule, rules, LAND_RULE_PATH, &p,
			0) < 0)
			return os_fail(why, "landlock");
	}
	return allow(rules, r, ".", rights, why);
}

static enum err
restrict_self(int rules, struct note *why)
{
	if (syscall(SYS_landlock_restrict_self, rules, 0) < 0)
		return os_fail(why, "landlock");
	return OK;
}

/* Where the C library looks for names and how to find them. */
static const char *const name_files[] = { "/etc/hosts", "/etc/host.conf",
	"/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/gai.conf",
	"/etc/services", "/run/systemd/resolve", "/run/resolvconf",
	"/run/NetworkManager" };

NODISCARD enum err
land_enter(enum jail_files files, bool may_connect, struct note *why)
{
	__attribute__((cleanup(fd_close))) int fd = -1;
	const uint64_t net =
	    LAND_BIND_TCP | (may_connect ? 0U : LAND_CONNECT_TCP);
	struct land_rules r;

	if (files == FILES_ALL)
		return OK;
	if (land_abi() == 0) {
		if (jail_word("try"))
			return OK;
		note_set(why, "this kernel has no Landlock; GATEHOUSE_JAIL=try "
			      "starts without it");
		return ERR_OS;
	}
	TRY(rules_new(
	    net, LAND_SCOPE_ABSTRACT | LAND_SCOPE_SIGNAL, &r, &fd, why));
	if (files == FILES_READ)
		TRY(allow(fd, &r, "/", LAND_READ_FILE | LAND_READ_DIR, why));
	if (files == FILES_LOG) {
		TRY(allow(
		    fd, &r, "../ledger", LAND_READ_FILE | LAND_READ_DIR, why));
		TRY(allow(
		    fd, &r, "../side", r.fs & ~(uint64_t)LAND_NOT_STORE, why));
	}
	if (files == FILES_LOG || files == FILES_OWN)
		TRY(allow_stores(fd, &r, why));
	for (size_t i = 0; files == FILES_NAMES && i < countof(name_files); i++)
		TRY(allow(fd, &r, name_files[i], LAND_READ_FILE, why));
	return restrict_self(fd, why);
}

/* ---- tool servers ---- */

/* What a program finds by itself, besides what its template names; no secret of
 * the house is in it. */
static const char *const tool_reads[] = { "/etc/ld.so.cache", "/proc",
	"/sys/fs/cgroup", "/sys/devices/system/cpu", "/run/systemd/resolve",
	"/dev/urandom", "/dev/random", "/dev/zero", "/dev/null" };
static const char *const tool_writes[] = { "/dev/null", "/dev/zero",
	"/dev/full" };

static enum err
allow_reads(int fd, const struct land_rules *r, const char *const *read,
    struct note *why)
{
	if (read == NULL)
		return allow(fd, r, "/", LAND_READ, why);
	for (size_t i = 0; i < countof(tool_reads); i++)
		TRY(allow(fd, r, tool_reads[i], LAND_READ, why));
	for (size_t i = 0; read[i] != NULL; i++)
		TRY(allow(fd, r, read[i], LAND_READ, why));
	return OK;
}

static enum err
allow_tool(int fd, const struct land_rules *r, const struct jail_tool *t,
    struct note *why)
{
	const uint64_t all = r->fs & ~(uint64_t)LAND_IOCTL_DEV;

	TRY(allow_reads(fd, r, t->read, why));
	for (size_t i = 0; i < countof(tool_writes); i++)
		TRY(allow(fd, r, tool_writes[i],
		    LAND_READ_FILE | LAND_WRITE_FILE | LAND_TRUNCATE, why));
	for (size_t i = 0; t->write != NULL && t->write[i] != NULL; i++)
		TRY(allow(fd, r, t->write[i], all, why));
	if (t->private_shm)
		TRY(allow(fd, r, "/dev/shm", all, why));
	if (t->private_tmp)
		TRY(allow(fd, r, "/tmp", all, why));
	return OK;
}

NODISCARD enum err
land_tool(const struct jail_tool *t, struct note *why)
{
	__attribute__((cleanup(fd_close))) int fd = -1;
	struct land_rules r;

	if (land_abi() == 0) {
		if (jail_word("try"))
			return OK;
		note_set(why, "this kernel has no Landlock for the sandbox");
		return ERR_OS;
	}
	TRY(rules_new(t->net ? 0 : LAND_BIND_TCP | LAND_CONNECT_TCP,
	    LAND_SCOPE_ABSTRACT | LAND_SCOPE_SIGNAL, &r, &fd, why));
	TRY(allow_tool(fd, &r, t, why));
	return restrict_self(fd, why);
}
