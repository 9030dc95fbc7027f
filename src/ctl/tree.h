/*
 * tree: a client's configuration as a tree that knows where each byte of it
 * is, so that an editor can change some and keep the rest.  JSON with comments
 * and trailing commas (tree-json.c), TOML (tree-toml.c), YAML (tree-yaml.c).
 *
 * Who owns what.  Everything lives in the caller's arena and points into the
 * caller's text.
 */
#ifndef TREE_H
#define TREE_H

#include "base/base.h"

enum tree_format { TREE_JSON, TREE_TOML, TREE_YAML };
enum tree_kind {
	TREE_OTHER, /* number, boolean, null, date, a text of many lines */
	TREE_TEXT,
	TREE_MAP,
	TREE_LIST,
};
struct tree {
	enum tree_kind kind;
	bool flow;	 /* MAP, LIST: with brackets, as JSON has them */
	bool odd;	 /* anchor, alias, tag: never edited */
	struct str text; /* TEXT: what it says */
	struct str key;	 /* in a MAP */
	size_t key_at;	 /* where that key begins, quote included */
	size_t at, end;	 /* the value's bytes; not of a TOML table */
	struct tree *up, *first, *last, *next;
	size_t count;
};
enum { TREE_DEPTH = 64, TREE_BYTES = 16 * 1024 * 1024 };

/* ERR_SYNTAX or ERR_LIMIT with line and reason in *why. */
NODISCARD enum err tree_read(enum tree_format f, struct str text,
    struct arena *a, struct tree **root, struct note *why);
/* NULL: no such member; the first of that name otherwise. */
struct tree *tree_get(const struct tree *map, const char *key);
bool tree_twice(const struct tree *map, const char *key);

/* For the three readers. */
NODISCARD enum err tree_json(
    struct str text, struct arena *a, struct tree **root, struct note *why);
NODISCARD enum err tree_toml(
    struct str text, struct arena *a, struct tree **root, struct note *why);
NODISCARD enum err tree_yaml(
    struct str text, struct arena *a, struct tree **root, struct note *why);
struct tree *tree_new(struct arena *a, struct tree *up, enum tree_kind kind);
/* The words of a double-quoted literal, quotes included. */
NODISCARD enum err tree_unquote(
    struct arena *a, struct str literal, struct str *out);
/* "line N: what" */
enum err tree_fail(
    struct note *why, struct str text, size_t at, const char *what);

#endif
