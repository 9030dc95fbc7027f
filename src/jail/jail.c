/*
 * jail.c: the role table and the way into a row.  Promises that a role which
 * could not be confined hears so, and that nothing here can be undone.
 */
#include "jail/jail-in.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

const struct jail_row jail_rows[ROLE__N] = {
#define JAIL(                                                                  \
    id, faces, may, may_not, owned, rights, files, user, nofile, nproc, fsize) \
	[ROLE_##id] = { #id, faces, may, may_not, owned, rights, files, user,  \
		nofile, nproc, fsize },
#include "jail/roles.h"
#undef JAIL
};

static const char house_user[] = "gatehouse";

/* Read once: jail_enter() clears the environment. */
bool
jail_word(const char *word)
{
	static char words[32];
	static bool known;
	struct str rest, one;

	if (!known) {
		const char *e = getenv("GATEHOUSE_JAIL");

		(void)snprintf(words, sizeof(words), "%s", e ? e : "");
		known = true;
	}
	rest = str_of(words);
	while (str_split(&rest, ',', &one))
		if (str_eq(one, str_of(word)))
			return true;
	return false;
}

enum err
os_fail(struct note *why, const char *what)
{
	note_set(why, "%s: %s", what, strerrordesc_np(errno));
	return ERR_OS;
}

static enum err
limit(int what, rlim_t n, struct note *why)
{
	struct rlimit r;

	if (getrlimit((__rlimit_resource_t)what, &r) < 0)
		return os_fail(why, "getrlimit");
	if (n > r.rlim_max)
		n = r.rlim_max;
	r = (struct rlimit){ n, n };
	if (setrlimit((__rlimit_resource_t)what, &r) < 0)
		return os_fail(why, "setrlimit");
	return OK;
}

/* A log that is a file must be able to grow; the roles' own files must not. */
static enum err
limits(const struct jail_row *j, struct note *why)
{
	struct stat st;
	const bool log_file =
	    fstat(STDERR_FILENO, &st) == 0 && S_ISREG(st.st_mode);

	TRY(limit(RLIMIT_CORE, 0, why));
	TRY(limit(RLIMIT_NOFILE, j->nofile, why));
	if (j->nproc != NOLIMIT)
		TRY(limit(RLIMIT_NPROC, j->nproc, why));
	if (j->fsize != NOLIMIT && !log_file)
		TRY(limit(RLIMIT_FSIZE, j->fsize, why));
	return OK;
}

/* All but keep (a mask of the first 32), also from what an exec could get
 * back. */
NODISCARD enum err
caps_drop(uint32_t keep, struct note *why)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data) < 0)
		return os_fail(why, "capget");
	if (data[0].permitted == 0 && data[1].permitted == 0)
		return OK;
	for (unsigned long c = 0; c < 64; c++)
		if (prctl(PR_CAPBSET_READ, c, 0, 0, 0) == 1)
			(void)prctl(PR_CAPBSET_DROP, c, 0, 0, 0);
	for (size_t i = 0; i < countof(data); i++) {
		data[i].permitted &= i == 0 ? keep : 0;
		data[i].effective = data[i].permitted;
		data[i].inheritable = 0;
	}
	if (syscall(SYS_capset, &head, data) < 0)
		return os_fail(why, "capset");
	return OK;
}

/* Root becomes the house's own user, if there is one. */
static enum err
own_user(struct note *why)
{
	const struct passwd *u;

	if (geteuid() != 0)
		return OK;
	u = getpwnam(house_user);
	if (u == NULL)
		return OK; /* jail_lacks() says so, once */
	if (setgroups(0, NULL) < 0 ||
	    setresgid(u->pw_gid, u->pw_gid, u->pw_gid) < 0 ||
	    setresuid(u->pw_uid, u->pw_uid, u->pw_uid) < 0)
		return os_fail(why, "cannot become user gatehouse");
	return OK;
}

void
jail_lacks(struct note *out)
{
	const int abi = land_abi();

	const bool root = geteuid() == 0 && getpwnam(house_user) == NULL;

	note_set(out, "%s%s%s",
	    root ? "started as root and there is no user gatehouse: roles "
		   "stay root, confined"
		 : "",
	    root && abi < 3 ? "; " : "",
	    abi == 0  ? "no Landlock"
	    : abi < 3 ? "Landlock without truncation"
		      : "");
}

/* What holds for this thread alone. */
static enum err
thread_enter(enum role_id r, struct note *why)
{
	const struct jail_row *j = &jail_rows[r];
	/* load reads files of any owner; to map root into a namespace hand
	 * must hold what lets one set file capabilities (Linux 5.12). */
	const uint32_t keep = r == ROLE_LOAD   ? 1U << CAP_DAC_READ_SEARCH
			      : r == ROLE_HAND ? 1U << CAP_SETFCAP
					       : 0;

	TRY(caps_drop(keep, why));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return os_fail(why, "no_new_privs");
	return land_enter(j->files, (j->rights & R_DIAL) != 0, why);
}

/* "make V=open": a program without walls, to measure what they cost. */
#ifndef JAIL_OPEN
#define JAIL_OPEN 0
#endif

NODISCARD enum err
jail_enter(enum role_id r, struct note *why)
{
	const struct jail_row *j = &jail_rows[r];

	(void)jail_word(""); /* before the environment goes */
	(void)umask(077);
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return os_fail(why, "undumpable");
	if (r == ROLE_PARENT)
		return limit(RLIMIT_CORE, 0, why);
	if (r != ROLE_HAND && clearenv() != 0)
		return os_fail(why, "clearenv");
	if (JAIL_OPEN)
		return OK;
	TRY(limits(j, why));
	if (j->user == OWN)
		TRY(own_user(why));
	/* A change of user forgets who dies with whom, and undumpable. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return os_fail(why, "prctl");
	TRY(thread_enter(r, why));
	return filter_enter(j->rights, why);
}
