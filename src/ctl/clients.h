/*
 * clients: which agents keep tool servers in which file, and how an entry is
 * put behind the gateway and taken back.  Bytes in, bytes out: files, state
 * and people are ctl-clients.c's business.
 *
 * Who owns what.  What clients_list() finds lives in the caller's arena and
 * points into the caller's text.
 */
#ifndef CLIENTS_H
#define CLIENTS_H

#include "base/base.h"
#include "ctl/tree.h"
#include "json/json.h"

/* How an entry names its program. */
enum client_shape {
	SHAPE_ARGS,  /* command: text, args: list */
	SHAPE_ARRAY, /* command: list */
	SHAPE_CMD,   /* cmd: text, args: list */
};
enum { CLIENT_FILES = 4, CLIENT_KEYS = 2 };
struct client {
	const char *name, *title;
	enum tree_format format;
	enum client_shape shape;
	/* "~/" is HOME, "./" the working directory, "$NAME/" a variable */
	const char *files[CLIENT_FILES];
	const char *keys[CLIENT_KEYS]; /* "a.*.b": maps or lists of entries */
	const char *note; /* what the files do not cover, or NULL */
};
extern const struct client clients[];
extern const size_t clients_n;
const struct client *client_find(const char *name);
/* One of files[] for this user; false: not set, or too long. */
bool client_path(const char *pattern, char out[static 4096]);

enum entry_kind {
	ENTRY_OTHER, /* not understood: why says it */
	ENTRY_STDIO,
	ENTRY_HTTP,
};
struct entry {
	struct entry *next;
	enum entry_kind kind;
	struct str name;  /* "fs" */
	struct str where; /* "mcpServers.fs" */
	const char *why;
	bool wrapped;	   /* is a "gatehouse wrap" already */
	size_t prefix;	   /* words before the old command, when wrapped */
	struct str *words; /* command and arguments */
	size_t words_n;
	struct tree *node, *command, *args;
};
struct entries {
	struct entry *first, *last;
	size_t count;
};
NODISCARD enum err clients_list(const struct client *cl, struct str text,
    struct arena *a, struct entries *out, struct note *why);

/* What was done to an entry, as the state keeps it. */
struct entry_done {
	struct entry_done *next;
	struct str where;
	struct str *words; /* after */
	size_t words_n;
	bool bare; /* it had no args before */
};
/* A file to edit: whose, its bytes, and where what is found lives. */
struct client_edit {
	const struct client *cl;
	struct str text;
	struct arena *a;
	struct note *why;
};
/* Puts every STDIO entry that is not wrapped behind `gateway`. */
NODISCARD enum err clients_wrap(const struct client_edit *in,
    struct str gateway, struct buf *out, struct entry_done **done);
/* Takes back what `known` says was done and is still as it was left; with
 * force, every wrapped entry.  *left: wrapped entries that stay. */
NODISCARD enum err clients_unwrap(const struct client_edit *in,
    const struct entry_done *known, bool force, struct buf *out, size_t *left);

#endif
