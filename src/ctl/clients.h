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
	bool typed; /* a url without a type is not Streamable HTTP */
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

/* What gatehouse.yaml has for clients: its servers that are reached by HTTP. */
struct gate_server {
	struct str name, url;
	struct str at; /* the gateway's url for it */
};
struct gate {
	const char *path; /* of the configuration, for people */
	const char *why;  /* why nothing can be put behind it, or NULL */
	const struct gate_server *server;
	size_t n;
};

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
	const char *why;  /* OTHER; HTTP: not covered, or no longer served */
	bool wrapped;  /* a "gatehouse wrap", or the gateway's url, already */
	size_t prefix; /* words before the old command, when wrapped */
	struct str *words; /* command and arguments; HTTP: the url */
	size_t words_n;
	struct tree *node, *command, *args, *url;
	/* HTTP, by clients_cover(): */
	bool clean; /* nothing beside the url would go to somebody else */
	const struct gate_server *server; /* that is, or can be, before it */
	const struct entry_done *done;	  /* what was done to it */
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
	/* HTTP: the url's bytes before, and what they said; "" otherwise */
	struct str literal, url;
};
/* Says of each HTTP entry whether it is covered, or can be, or why not. */
NODISCARD enum err clients_cover(const struct entries *all,
    const struct gate *g, const struct entry_done *known, struct arena *a);
/* A file to edit: whose, its bytes, and where what is found lives. */
struct client_edit {
	const struct client *cl;
	struct str text;
	struct arena *a;
	struct note *why;
	const struct gate *gate;
	/* What is known from before; kept: of it, what stays covered though
	 * the gateway does not serve it now: nothing is uncovered unasked. */
	const struct entry_done *known, *kept;
};
/* Puts every STDIO entry that is not wrapped behind `gateway`, and every HTTP
 * entry of which the gateway has the server. */
NODISCARD enum err clients_wrap(const struct client_edit *in,
    struct str gateway, struct buf *out, struct entry_done **done);
/* Takes back what in->known says was done and is still as it was left; with
 * force, every entry that we wrapped.  *left: wrapped entries that stay. */
NODISCARD enum err clients_unwrap(
    const struct client_edit *in, bool force, struct buf *out, size_t *left);

/* clients-http.c, for the others */
struct tree *http_url(const struct tree *node); /* or NULL */
NODISCARD enum err http_classify(
    const struct client *cl, struct arena *a, struct entry *e);
/* What was done to the HTTP entry of that name, or NULL. */
const struct entry_done *http_done(
    const struct entry_done *known, struct str where);
bool http_as_left(const struct entry_done *d, const struct entry *e);

#endif
