/*
 * role: one file a process.  Every role starts the same way: the parent
 * re-executes the program as "gatehouse role NAME INSTANCE" with its channel
 * on descriptor 3, role_boot() collects image, links and descriptors until GO,
 * confines the process, says READY, and the role's serve function runs.
 */
#ifndef ROLE_H
#define ROLE_H

#include "base/base.h"
#include "ipc/ipc.h"

enum { ROLE_LINKS_MAX = 256, ROLE_FDS_MAX = 16 };
struct role_env {
	enum role_id id;
	unsigned instance; /* cell for front, judge, ledger; for back:
			      cell * servers + upstream */
	struct loop *loop;
	struct chan *parent;
	struct jv image; /* the configuration */
	unsigned cells;
	struct { /* LISTEN, SEGMENT descriptors, in order of arrival */
		enum msg_kind kind;
		char name[64];
		uint64_t seq, flags;
		int fd[3];
	} given[ROLE_FDS_MAX];
	size_t given_n;
	/* Links wait here until the role takes them with role_link(). */
	struct {
		enum role_id peer;
		unsigned instance;
		struct chan_fds fds;
	} link[ROLE_LINKS_MAX];
	size_t link_n;
	bool draining;
};
/* What a role provides; one row in roles[] of role.c. */
struct role {
	enum role_id id;
	/* Before confinement: take links, prepare. */
	enum err (*prepare)(struct role_env *e, struct note *why);
	/* A link that came later (a peer was restarted); may be NULL. */
	void (*link)(struct role_env *e, enum role_id peer, unsigned instance,
	    struct chan_fds *fds);
	/* A new image after SIGHUP; may be NULL. */
	void (*image)(struct role_env *e, struct jv image);
	/* A later LISTEN, SEGMENT, SECRET, COMMAND or STATUS from the parent.
	 */
	void (*from_parent)(struct role_env *e, const struct msg *m);
	void (*drain)(struct role_env *e); /* MF_DRAIN; NULL: stop at once */
};
extern const struct role role_front, role_judge, role_back, role_ledger,
    role_dial, role_keys, role_launch, role_desk, role_load;
int role_main(int argc, char **argv); /* "gatehouse role NAME INSTANCE" */
int parent_main(struct jv image, const char *config_path, unsigned flags);
/* Takes the link to (peer, instance) out of e->link. ERR_GONE when none. */
NODISCARD enum err role_link(struct role_env *e, enum role_id peer,
    unsigned instance, struct chan_fds *out);

#endif
