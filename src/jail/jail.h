/*
 * jail: the role table (roles.h) and how a row is enforced: seccomp filter as
 * a raw BPF table (calls.h), Landlock, rlimits, no capabilities, own user,
 * no-new-privileges, no dump, clean environment.  `gatehouse jail show` prints
 * the table: that is the security architecture.
 *
 * GATEHOUSE_JAIL in the environment, words separated by commas: "try" lets a
 * kernel without Landlock pass; "trap" names a denied system call on stderr
 * before the process ends (it is denied all the same).
 */
#ifndef JAIL_H
#define JAIL_H

#include "base/base.h"
#include "ipc/ipc.h"

#include <sys/types.h>

/* Confines this process as the row of r says, for good.  Called after boot,
 * before the first byte from outside.  ERR_OS + why: the role must not serve.
 * A parent is only made undumpable: its filter would be every child's. Landlock
 * and capabilities belong to a thread: no role has another one by then. */
NODISCARD enum err jail_enter(enum role_id r, struct note *why);
/* A directory besides the row's own in which a role with FILES_LOG may make and
 * replace files: before jail_enter().  false: there are too many. */
enum { JAIL_STORES_MAX = 8 };
bool jail_store(int dir);
/* What this machine cannot do for the jail, one clause each, or empty. */
void jail_lacks(struct note *out);
void jail_show(struct buf *out, bool json);

/* Tries one forbidden or permitted thing in a child confined as r; ROLE_PARENT:
 * unconfined.  For tests and `gatehouse jail test ROLE ACT`. */
enum jail_result {
	JAIL_UNKNOWN, /* no such act, or the child could not be confined */
	JAIL_ALLOWED,
	JAIL_REFUSED, /* the call failed: Landlock, limits, permissions */
	JAIL_KILLED,  /* the filter ended the process */
};
enum jail_result jail_probe(enum role_id r, const char *act);
const char *jail_act(size_t i); /* NULL at the end */
const char *jail_result_name(enum jail_result r);

/* The sandbox template of a tool server, entered by the hand's child between
 * fork and exec: namespaces where the kernel has them, Landlock for what it
 * may read and write, rlimits, seccomp deny-list, pdeathsig, clean fds. */
struct jail_tool {
	const char *const *read; /* NULL-terminated paths; NULL: everything */
	const char *const *write;
	bool net;
	bool on;
	bool keep_tmp; /* it names something under /tmp: leave that as it is */
	/* set by jail_tool_fork(): what this child has */
	bool spaces;	  /* its own user, mount, pid and ipc namespaces */
	bool private_shm; /* /dev/shm is an empty one of its own */
	bool private_tmp; /* so is /tmp */
};
/* Forks a child of its own session and process group (its pid) that dies with
 * the caller; in namespaces where the kernel has them, and there under a small
 * first process that reaps.  Returns as fork does; -1: *why. */
pid_t jail_tool_fork(struct jail_tool *t, struct note *why);
/* In that child, last before exec; descriptors over 2 close on exec. */
NODISCARD enum err jail_tool_enter(const struct jail_tool *t, struct note *why);

#endif
