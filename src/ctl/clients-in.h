/* clients-in: what the files of "gatehouse clients" share. */
#ifndef CLIENTS_IN_H
#define CLIENTS_IN_H

#include <sys/types.h>

#include "ctl/clients.h"
#include "ctl/ctl.h"

/* One client's file, what was found in it and what was done. */
struct client_file {
	struct client_file *next;
	const struct client *cl;
	struct str path, real; /* as found; where it really is */
	mode_t mode;
	bool link;		/* path is a symbolic link */
	struct buf text, after; /* the bytes before, and after or instead */
	struct entries was, is;
	bool changed, failed, refused;
	size_t left;	   /* wrapped entries that unwrap left */
	char backup[4200]; /* where the old bytes are; "" */
	struct note note;  /* why it failed, or what to know */
};
struct client_job {
	struct ctl *c;
	struct arena *a;
	struct client_file *first, *last;
	bool dry, force;
	struct gate gate;
	const char *verb; /* "status", "wrap", "unwrap" */
};

/* clients-state.c: what is known of a file that was wrapped. */
struct client_state {
	struct str original; /* its bytes before */
	struct str wrapped;  /* hex SHA-256 of its bytes after */
	struct entry_done *done;
};
/* ERR_GONE: nothing is known. */
NODISCARD enum err state_load(struct str real, struct arena *a,
    struct client_state *out, struct note *why);
NODISCARD enum err state_save(const struct client_file *f, struct str original,
    const struct entry_done *done, struct note *why);
NODISCARD enum err state_forget(struct str real, struct note *why);
NODISCARD enum err sha_hex(struct str s, char out[static 65]);

/* clients-file.c: the files themselves. */
NODISCARD enum err files_find(struct client_job *j);
void files_done(struct client_job *j);
/* Backup, then the new bytes in one rename. */
NODISCARD enum err file_put(struct client_file *f, struct note *why);

/* clients-gate.c: the servers live in the arena. */
NODISCARD enum err gate_read(
    struct ctl *c, struct arena *a, struct gate *g, struct note *why);

/* clients-report.c */
int report(struct client_job *j);

#endif
