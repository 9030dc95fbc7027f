/*
 * role: one file a process.  Every role starts the same way: the parent
 * re-executes the program as "gatehouse role NAME INSTANCE" with its channel
 * on descriptor 3, role_boot() collects image, links and descriptors until GO,
 * the role prepares, is confined, says READY, and the loop runs.
 *
 * What the parent gives, by role (given[] unless it says otherwise):
 *   every role  IMAGE (e->image); its page of counters (counters is set)
 *   front       LISTEN "agents" fd 0: the listening socket; or with MF_STDIO
 *               in flags fd 0 and fd 1: the agent's lines in and out
 *   desk        LISTEN "desk" and LISTEN "control": listening sockets;
 *               e->pages: the counter page of every role, read-only
 *   ledger      SEGMENT name "cell-0-000001", seq 1, fd 0
 *   budget      SEGMENT "budget-000001", ... with MF_RESUME in flags, fd 0: the
 *               newest segments of its log, to read; then one to append to
 *   tiles       LISTEN "log" fd 0: the directory that it works in; LISTEN
 *               "publish", as many as image.log.files: their directories
 *   witness     LISTEN "witness" fd 0: the listening socket
 *   cosign      LISTEN "witness" fd 0: the directory that it works in; SECRET
 *               "witness": its signing keys
 *   keys        SECRET "log": a signing key a line, and then as "log-last"
 *               the newest checkpoint that is known, if there is one; and
 *               SECRET straight to from_parent(), before prepare(): one for
 *               each of image.secrets, by its name ("tls", "server/NAME",
 *               "client/NAME"); copy it, the message is wiped afterwards
 *   launch      LISTEN "launch" fd 0: the image's member "launch", which no
 *               other role has
 *   load        IMAGE without a descriptor: the path of the configuration
 *
 * image.ledger, which load adds to what conf compiled: for each cell the object
 * that ledger_seen_put() makes; image.budget_log: the number of the last
 * segment of role budget's log, 0: there is none.
 */
#ifndef ROLE_H
#define ROLE_H

#include "base/base.h"
#include "disclose/disclose.h"
#include "ipc/ipc.h"
#include "ledger/ledger.h"

enum { ROLE_LINKS_MAX = 4096, ROLE_FDS_MAX = 16 };
enum { ROLE_PAGE = 4096, ROLE_PAGE_TAG = ROLE_PAGE / 8 - 1 };
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
	struct str why; /* it drains; empty: not said */
	/* Desk only: pages_n pages of ROLE_PAGE / 8 counters; at ROLE_PAGE_TAG
	 * 1 + (role << 16 | instance), or 0 while the page is nobody's. */
	const uint64_t *pages;
	size_t pages_n;
	struct str config_path; /* load only */
};
/* What a role provides; one row in roles[] of role.c. */
struct role {
	enum role_id id;
	/* Before confinement: take links, prepare. */
	enum err (*prepare)(struct role_env *e, struct note *why);
	/* A link that came later (a peer was restarted); may be NULL. */
	void (*link)(struct role_env *e, enum role_id peer, unsigned instance,
	    struct chan_fds *fds);
	/* A new image after SIGHUP; may be NULL.  The old one stays mapped. */
	void (*image)(struct role_env *e, struct jv image);
	/* A later LISTEN, SEGMENT, COMMAND or STATUS from the parent, and every
	 * SECRET; descriptors in m are the role's.  May be NULL. */
	void (*from_parent)(struct role_env *e, const struct msg *m);
	/* MF_DRAIN: end what runs, then loop_stop(); NULL: stop at once */
	void (*drain)(struct role_env *e);
};
extern const struct role role_front, role_judge, role_back, role_ledger,
    role_dial, role_keys, role_budget, role_launch, role_desk, role_tiles,
    role_fetch, role_witness, role_cosign, role_load;
int role_main(int argc, char **argv); /* "gatehouse role NAME INSTANCE" */
/* The same with other roles: table[ROLE__N], for tests. */
int role_main_with(
    const struct role *const *table, int argc, char *const *argv);
/* `gatehouse run` (config_path) and `gatehouse wrap` (image; path NULL; the
 * agent is on descriptors 0 and 1).  Returns the exit status. */
int parent_main(struct jv image, const char *config_path, unsigned flags);
/* Maps and checks an image. */
NODISCARD enum err role_image_map(int fd, struct jv *out);
/* Are the verifier keys of log.witnesses and witness.logs such keys, and each
 * witness's another?  ERR_SYNTAX, ERR_LIMIT: *why names the one that is not. */
NODISCARD enum err role_log_keys(struct jv image, struct note *why);
/* Gives every link of the boot to link, as later ones come to role->link. */
void role_links(
    struct role_env *e, void (*link)(struct role_env *e, enum role_id peer,
			    unsigned instance, struct chan_fds *fds));
/* Takes the link to (peer, instance) out of e->link. ERR_GONE when none. */
NODISCARD enum err role_link(struct role_env *e, enum role_id peer,
    unsigned instance, struct chan_fds *out);

/* ---- pruning (doc/formats/ledger.md), of the log in the working directory and
 * the segments in ../ledger; by role tiles, or who holds the state's lock ----
 */
struct prune {
	uint64_t before; /* microseconds since 1970 */
	uint64_t size;	 /* of the tree under the checkpoint that counts */
	struct ledger_counts merged;	   /* what of each log that tree has */
	struct ledger_counts old, kept;	   /* as "pruned" says, and is to say */
	uint64_t segments, bytes, records; /* that go */
};
/* From merged, old, size and before: what may go, at most so many bundles of
 * the tree; `old` that nothing may.  ERR_SYNTAX: a segment or a bundle is
 * damaged; ERR_OS; ERR_GONE: a bundle is missing. */
NODISCARD enum err prune_plan(struct prune *p, uint64_t most, struct note *why);
/* Its record, but for what the line adds: before, budget, cells, minimum. */
void prune_record(const struct prune *p, struct buf *tape);
/* Entry bundles and hash tiles of full width that end at the minimum index or
 * before and after `from`; they need not be there. */
void prune_tiles(uint64_t from, uint64_t minimum);

/* ---- the side store (doc/formats/side.md), in "side" of the state directory;
 * role tiles writes it, and who holds the state's lock may erase ---- */
struct side_reader;
/* Every file is mapped.  ERR_GONE: there is no store; ERR_OS: why. */
NODISCARD enum err side_reader_new(
    const char *path, struct side_reader **out, struct note *why);
void side_reader_free(struct side_reader *r); /* NULL is fine */
enum side_found {
	SIDE_NOTHING,	/* nothing was kept of this record */
	SIDE_FOUND,	/* *content has it, as content_of reads it */
	SIDE_IS_ERASED, /* it, or the key of its subject */
	SIDE_ENDED,	/* its class's retention is over */
	SIDE_DAMAGED	/* it is not what was written */
};
enum side_found side_read(const struct side_reader *r, unsigned cell,
    uint64_t seq, uint64_t now, struct buf *content);
struct side_target {
	struct str subject; /* empty: one record */
	unsigned cell;
	uint64_t seq;
};
enum { SIDE_LISTED_MAX = 2000 }; /* records of one erasure that are named */
struct side_erased {
	uint64_t entries, keys, listed;
	struct buf records; /* "0/12","0/15": elements of a JSON array */
};
/* Zeros over all content of the target, and over its subject's keys; on the
 * disk when it returns.  write false: says what would be.  ERR_OS: why; what
 * is erased by then stays so. */
NODISCARD enum err side_erase(int dir, const struct side_target *t, bool write,
    struct side_erased *out, struct note *why);
/* A request to erase, a file in that directory: it stays until the erasure is
 * on record.  ERR_SYNTAX, why.  target and texts are views into v. */
struct side_request {
	struct side_target target;
	struct str reason, who;
	struct jv done; /* once the content is gone: what the record says */
};
NODISCARD enum err side_request_of(
    struct jv v, struct side_request *out, struct note *why);
/* Member `done`: the erasure's record, but for what the line adds.  A subject
 * that is an argument's value is named by the argument alone. */
void side_done_put(struct buf *b, const struct side_request *r, uid_t owner,
    const struct side_erased *e);

#endif
