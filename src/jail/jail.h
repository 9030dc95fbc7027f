/*
 * jail: the role table (roles.h) and how a row is enforced: seccomp filter as
 * a raw BPF table, Landlock, rlimits, no-new-privileges, no dump, clean
 * environment.  `gatehouse jail show` prints it: that is the security
 * architecture.
 */
#ifndef JAIL_H
#define JAIL_H

#include "base/base.h"
#include "ipc/ipc.h"

/* Confines this process as the row of r says, for good.  Called after boot,
 * before the first byte from outside.  ERR_OS + why: the role must not serve.
 * `try` in the environment GATEHOUSE_JAIL=try lets a missing Landlock pass. */
NODISCARD enum err jail_enter(enum role_id r, struct note *why);
void jail_show(struct buf *out, bool json);

/* The sandbox template of a tool server, entered by launch's child between
 * fork and exec: namespaces where the kernel has them, Landlock for what it
 * may read and write, rlimits, seccomp deny-list, pdeathsig, clean fds. */
struct jail_tool {
	const char *const *read; /* NULL-terminated paths; NULL: everything */
	const char *const *write;
	bool net;
	bool on;
};
NODISCARD enum err jail_tool_enter(const struct jail_tool *t, struct note *why);

#endif
