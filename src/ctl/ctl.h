/*
 * ctl: the command line.  One table of commands; from it come the dispatcher,
 * help, the manual page and shell completion.  Primary output goes to stdout,
 * talk to stderr; --json makes stdout one JSON value (or one a line).
 *
 * Who owns what.  A struct ctl and all it points to is the caller's argv.
 */
#ifndef CTL_H
#define CTL_H

#include "base/base.h"

enum ctl_exit {
	CTL_YES = 0,	     /* yes, done, valid */
	CTL_NO = 1,	     /* no, invalid, refused */
	CTL_MISUSE = 2,	     /* the command line is wrong */
	CTL_UNREACHABLE = 3, /* whom it is about cannot be reached */
	CTL_FAILED = 4,	     /* the machine failed us */
};

/* An option of a command: "-c" or "--client"; arg is NULL for a flag. */
struct ctl_opt {
	const char *name, *arg, *help;
};
enum { CTL_OPTS_MAX = 16 };

struct ctl;
struct ctl_cmd {
	const char *words;	    /* "clients wrap" */
	const char *args;	    /* "NAME", "[FILE]"; "" for none */
	unsigned least, most;	    /* arguments after the words */
	const char *help;	    /* one line */
	const char *more;	    /* sentences, or NULL */
	const struct ctl_opt *opts; /* ends with a NULL name; or NULL */
	int (*run)(struct ctl *c);
	bool json;   /* knows --json */
	bool raw;    /* options end at the first argument */
	bool hidden; /* not for people */
};
extern const struct ctl_cmd ctl_cmds[];
extern const size_t ctl_cmds_n;

struct ctl {
	const struct ctl_cmd *cmd;
	const char *opt[CTL_OPTS_MAX]; /* by place in cmd->opts; NULL: absent */
	char **arg;		       /* NULL-terminated */
	int argc;
	bool json;
	bool colour; /* of stderr: a terminal, and no NO_COLOR */
};
const char *ctl_option(const struct ctl *c, const char *name);

/* All of `gatehouse`; returns the exit status. */
int ctl_main(int argc, char **argv);

/* Writes a buf to stdout and empties it; CTL_FAILED when that fails. */
int ctl_put(struct buf *b);
/* "gatehouse: ..." on stderr; returns status, so that one can return it. */
int ctl_say(const struct ctl *c, int status, const char *fmt, ...) PRINTF(3, 4);
/* Makes path absolute and without symlinks where it exists.  false: too long
 * or not there. */
bool ctl_absolute(const char *path, char out[static 4096]);

/* The commands, by file. */
int ctl_run(struct ctl *c); /* ctl-run.c */
int ctl_wrap(struct ctl *c);
int ctl_check(struct ctl *c); /* ctl-conf.c */
int ctl_config_example(struct ctl *c);
int ctl_token_new(struct ctl *c); /* ctl-token.c */
int ctl_status(struct ctl *c);	  /* ctl-desk.c */
int ctl_reload(struct ctl *c);
int ctl_stop(struct ctl *c);
int ctl_budgets(struct ctl *c);	  /* ctl-budgets.c */
int ctl_jail_show(struct ctl *c); /* ctl-jail.c */
int ctl_jail_test(struct ctl *c);
int ctl_man(struct ctl *c); /* ctl-docs.c */
int ctl_completion(struct ctl *c);
int ctl_clients_wrap(struct ctl *c); /* ctl-clients.c */
int ctl_clients_unwrap(struct ctl *c);
int ctl_clients_status(struct ctl *c);

/* Where what outlives a run is kept; false: nowhere. */
bool ctl_state_home(char out[static 4096]);
bool ctl_make_dirs(const char *path); /* mode 0700; errno tells why not */
/* The lock of a state directory, which a gateway that runs there holds; *fd is
 * the caller's to close.  ERR_GONE: there is none, so none runs; ERR_MORE: a
 * gateway, or another command, has it; ERR_OS: nobody knows, errno tells why.
 */
NODISCARD enum err ctl_lock(int dir, const char *path, int *fd);

/* gatehouse(1), mdoc; and the page a test compares. */
void ctl_man_page(struct buf *out);

#endif
