/* tools-in: the tools that servers show, for the line's own files: line-in.h
 * includes it. */
#ifndef LINE_TOOLS_IN_H
#define LINE_TOOLS_IN_H

#include "line/line-in.h"

/* What is known of a tool. */
struct tool {
	struct str heads;      /* tape of its x-mcp-headers, as last seen */
	bool seen;	       /* and what follows is as first seen */
	struct str definition; /* a tape; empty: too large */
	struct typed *typed;   /* NULL: it has no types, */
	struct note why;       /* for this reason */
	unsigned char last[LEDGER_HASH]; /* digest of the one last recorded */
};

/* catalogue.c */
/* One definition, from a list. */
struct learning {
	bool modern;		     /* the server that shows it */
	const struct bounds *bounds; /* NULL: our own needs none */
	unsigned *found;	     /* findings of this list */
};
void tool_learn(struct line *l, struct upstream *u, struct jv tool,
    const struct learning *how);
/* Learns each tool of an answer to tools/list, when it comes. */
void tools_came(struct line *l, const struct leg *g, const struct msg *m);
/* False: a modern agent must not be shown it (its x-mcp-header is invalid). */
bool tool_heads(struct line *l, struct jv tool, struct note *why);
bool types_matter(
    const struct line *l, const struct upstream *u, struct str tool);
/* False: the tool's calls must have types and it has none: the denial. */
bool types_known(const struct line *l, const struct upstream *u,
    struct str name, struct verdict *why);
/* Into work2: the Mcp-Param headers of this call. */
void catalogue_heads(struct line *l, struct jv known, struct turn *t);
enum err step_learn(struct line *l, struct turn *t);
enum err step_fetch(struct line *l, struct turn *t);
enum err step_agree(struct line *l, struct turn *t);
enum err catalogue_had(struct turn *t); /* is the fetched list there? */
void catalogue_ask(struct line *l, struct leg *g);
void catalogue_came(struct line *l, struct leg *g, const struct msg *m);

/* definition.c */
void definition_seen(struct line *l, struct upstream *u, struct tool *k,
    struct jv def, const struct learning *how);
void tool_free(struct tool *k);

#endif
