/*
 * parent-in: what the files of the parent share.  There is one house in a
 * process, so it is one variable.
 */
#ifndef PARENT_IN_H
#define PARENT_IN_H

#include "role/role.h"

enum {
	PARENT_CELLS_MAX = 64,
	PARENT_PROCS_MAX = 4096,
	PARENT_SECRETS_MAX = 160, /* two a server, and the agents' side's */
	PARENT_SEGMENTS_MAX = 16  /* of a cell, not known to be on the disk */
};
#define MS(n) ((uint64_t)(n)*UINT64_C(1000000))

enum proc_state { PROC_GONE, PROC_BOOT, PROC_READY };
struct proc {
	struct watch end; /* its pidfd; first: found from the watch */
	struct timer again;
	enum role_id id;
	unsigned instance;
	int cell;      /* -1: of no cell */
	unsigned slot; /* its page of counters */
	enum proc_state state;
	bool fresh;	   /* not yet linked */
	bool held;	   /* linked; a front that waits for those behind it */
	pid_t pid;	   /* 0: reaped */
	int status;	   /* as wait tells it */
	struct chan *chan; /* gone only when this and pid are */
	uint64_t born;
	unsigned deaths;   /* in a row, soon after birth */
	unsigned restarts; /* in all */
};

/* A cell whose front or judge died goes down and comes up as one, where load
 * found that its log ends. */
struct cell {
	struct timer again, room;
	unsigned number;
	bool down;
	bool loading;  /* load looks where its log ends */
	bool unsynced; /* a sync failed: its ledger knows no more either */
	bool ill;      /* that its disk failed is told */
	unsigned deaths;
	uint64_t born;
	int agents;	  /* its listening socket */
	unsigned segment; /* the newest of its ledger */
	struct {
		unsigned number;
		int fd;
	} open[PARENT_SEGMENTS_MAX]; /* for a new ledger to sync */
	size_t open_n;
};

enum load_for { LOAD_NOTHING, LOAD_START, LOAD_RELOAD, LOAD_LEDGER };
struct house {
	struct loop *loop;
	const char *config_path; /* NULL: wrap */
	bool wrap;
	bool serving;
	int exit_status;
	/* the image in force */
	struct jv image;
	int image_fd, launch_fd; /* the rest of it, for launch alone */
	unsigned cells, servers;
	/* role budget's log: its newest segment, the oldest that it needs */
	unsigned budget_last, budget_first;
	struct timer budget_room; /* it could not write: is there room again? */
	bool budget_ill;	  /* that is told */
	/* processes */
	struct proc *procs;
	size_t procs_n;
	struct cell cell[PARENT_CELLS_MAX];
	/* load */
	struct proc load;
	enum load_for load_for;
	bool load_said;		 /* it answered; its end is no news */
	bool want_reload;	 /* asked for while load was running */
	uint64_t want_ledger;	 /* bit per cell */
	uint64_t loading_ledger; /* those that the running load is for */
	uint64_t reload_ref;	 /* desk's number of its reload */
	bool reload_from_desk;
	/* what is held open */
	int state_dir, ledger_dir, log_dir, lock;
	int desk, control;
	int witness, witness_dir; /* -1: it is none */
	int publish[8];		  /* directories, as log.files has them */
	size_t publish_n;
	char control_path[108];
	int stdio[2]; /* wrap: the agent */
	int pages_fd; /* counters of all */
	uint64_t *pages;
	size_t pages_n;
	char addr_text[64], desk_text[64];
	/* stopping */
	int stage;	/* of stop_order; -1: not stopping */
	struct str why; /* it stops */
	bool killed;	/* no more asking */
	struct timer deadline;
	struct watch signals;
};
extern struct house house;

/* parent-open.c: what only the parent may open */
NODISCARD enum err open_state(struct note *why);
NODISCARD enum err open_listeners(struct note *why);
NODISCARD enum err open_pages(size_t n, struct note *why);
/* The next segment of c, or the last that another life left.  Kept open for
 * appending; writer: the descriptor that made it, at its first byte, the
 * caller's. */
NODISCARD enum err open_segment(struct cell *c, int *writer, struct note *why);
void open_last_segment(struct cell *c);
void segment_name(const struct cell *c, unsigned number, char out[static 64]);
/* A segment of role budget's log: to read, or a new one. */
NODISCARD enum err open_budget_segment(
    unsigned number, bool fresh, int *fd, struct note *why);
void segments_synced(struct cell *c, uint64_t before);
/* Does the ledger's disk take this many bytes, and keep them? */
bool ledger_room(size_t n);
/* A listening socket at "ADDRESS:PORT". */
NODISCARD enum err open_listener(struct str text, int *fd, struct note *why);
/* A directory of the state's, made where it is not. */
NODISCARD enum err open_dir(
    int at, const char *path, int *fd, struct note *why);
void open_done(void); /* removes the control socket */

/* parent-secrets.c: what role keys is given */
NODISCARD enum err secrets_read(struct note *why);
NODISCARD enum err secrets_give(struct proc *p);

/* parent-proc.c: processes, links */
NODISCARD enum err procs_make(struct note *why);
NODISCARD enum err proc_spawn(struct proc *p, struct note *why);
void procs_link(void); /* fresh ones to all they talk to; then they go */
void fronts_go(void);  /* those that nobody behind them keeps waiting */
struct proc *proc_find(enum role_id id, unsigned instance);
void proc_name(const struct proc *p, char out[static 32]);
/* A descriptor under a name. */
NODISCARD enum err post_fd(
    struct proc *p, const char *name, uint64_t flags, int fd0, int fd1);
/* Sends; waits a little for a process that does not read yet. */
NODISCARD enum err proc_post(struct proc *p, const struct msg *m);
/* A new segment for cell c: its judge writes, its ledger syncs. */
NODISCARD enum err cell_segment(struct cell *c, struct note *why);
void proc_kill(const struct proc *p, int sig);

/* parent-pin.c: this process, which is about to become p's, stays on the cores
 * that are p's */
void pin(const struct proc *p);

/* parent-budget.c: the log of role budget */
NODISCARD enum err budget_give(struct proc *p, struct note *why);
void budget_said(struct proc *p, const struct msg *m); /* FULL, SYNCED */
void prune_said(const struct msg *m); /* parent-prune.c, of tiles */

/* parent-log.c: what the log is given besides: places to publish in; and the
 * witness that this house is to others */
NODISCARD enum err log_open(struct note *why);
NODISCARD enum err log_give(struct proc *p);
bool log_remotes(void); /* is there anybody to ask? */

/* parent-watch.c: deaths and restarts */
void proc_ended(struct watch *w, unsigned what);
void proc_lost(struct chan *c);
void cells_start(uint64_t cells); /* the image knows where their logs end */
void cells_later(uint64_t cells); /* it could not be told: again */
/* Its judge cannot write, or (unsynced) its ledger not sync: down and up again
 * once the disk takes bytes. */
void cell_unwritten(struct cell *c, bool unsynced);
void restarts_off(void); /* none any more: the house ends */

/* parent-stop.c: the end */
void house_stop(const char *why);
void house_kill(void); /* now */
void stop_next(void);  /* somebody ended */

/* parent-load.c: images */
void load_want(enum load_for what, uint64_t cells);
void load_got(const struct msg *m);
void load_ended(void);

/* parent-tell.c: what goes on record through a judge */
void tell_judge(const struct proc *judge); /* it is ready, or gone */
void tell_noted(
    const struct proc *judge, uint64_t ref); /* written, up to ref */
void tell_died(const struct proc *p, const char *how);
void tell_disk(const struct proc *p, const char *how); /* it is p's */
void tell_load(struct str why);
void tell_serving(void);
void tell_started(const struct proc *p);
/* That in house.image is in force; old: instead of this one.  refused: another
 * one is not, and why. */
void tell_config(const struct jv *old, const char *refused);
/* count: of so many that are not named. */
void tell_credential(const char *status, struct str principal, uint64_t count);

/* parent-changes.c: what differs between two images */
/* An array of names of settings; *unnamed: how many more there are. */
void config_changes(
    struct jv old, struct jv new, struct buf *out, size_t *unnamed);
void credential_changes(struct jv old, struct jv new); /* each is told */

/* parent.c */
void house_start(void); /* the first image is there */
void house_ready(struct proc *p);
void house_command(struct proc *p, const struct msg *m);
void house_answer(struct str text, uint64_t ref);
void house_fail(const char *why); /* the start failed: end */

#endif
