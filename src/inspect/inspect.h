/*
 * inspect: what a call or an answer says, as findings.  It never decides: a
 * finding may only take authority away, so what is missed here opens nothing.
 *
 * Rules are data (doc/detection.md).  A rule matches patterns, or is one of the
 * detectors built in here; it names a plane, an action and a taxonomy, and has
 * cases of its own.  Text is made canonical before a pattern sees it (fold.c),
 * what is encoded is decoded and looked at again (decode.c), what a person
 * would not see is looked at more strictly (markup.c).
 *
 * No system call; the clock is given.  Time is bounded in steps and bytes; what
 * goes over is said: `unscanned`.
 *
 * Who owns what.  struct inspect_rules owns its patterns and texts; a struct
 * inspect borrows the rules and owns its working memory.
 */
#ifndef INSPECT_H
#define INSPECT_H

#include "json/json.h"

/* Where a text stands. */
enum inspect_plane {
	INSPECT_METADATA, /* definitions: names, descriptions, schemas */
	INSPECT_RESULT,	  /* what a tool or resource answered */
	INSPECT_ARGUMENT, /* one value of a call's arguments */
	INSPECT_PROMPT,	  /* what a person or a template says to the model */
	INSPECT_PLANES
};
struct str inspect_plane_name(enum inspect_plane p);

/* What a rule asks for.  A note counts only together with others. */
enum inspect_action { INSPECT_NOTE, INSPECT_FLAG, INSPECT_DENY };
struct str inspect_action_name(enum inspect_action a); /* "none" for a note */

/* ---- rules ---- */

struct inspect_rules;
struct inspect_rules *inspect_rules_new(void);
void inspect_rules_free(struct inspect_rules *r); /* NULL is fine */

/* What is wrong with a rule, and where: a value of a tape that was added. */
struct inspect_fault {
	struct jv at; /* J_NONE: the rules as a whole */
	struct note why;
};
/*
 * Adds the rules of one file: {"rules": [rule, ...]}, the members as
 * doc/detection.md has them.  The tape outlives the rules.  ERR_SYNTAX: not a
 * rule; ERR_LIMIT: too many.
 */
NODISCARD enum err inspect_rules_add(
    struct inspect_rules *r, struct jv file, struct inspect_fault *why);
/*
 * All are added: compiles them.  Each pattern alone first reads a fixed text
 * (INSPECT_TIMED bytes), timed with now() in nanoseconds; ERR_LIMIT: one takes
 * more than INSPECT_SLOW nanoseconds a KB, *why has its time.  now NULL: not
 * timed, for those who try rules that were timed before.
 */
enum { INSPECT_TIMED = 16 * 1024, INSPECT_SLOW = 4000 };
NODISCARD enum err inspect_rules_ready(
    struct inspect_rules *r, uint64_t (*now)(void), struct inspect_fault *why);

/* One rule, for people. */
struct inspect_rule {
	struct str id, what;
	int64_t revision;
	unsigned planes; /* 1 << enum inspect_plane */
	enum inspect_action action;
	unsigned score;
	uint64_t ns_kb; /* its patterns on the fixed text; 0: not timed */
	struct jv all;	/* as it was added */
};
size_t inspect_rules_n(const struct inspect_rules *r);
struct inspect_rule inspect_rules_at(const struct inspect_rules *r, size_t i);

/* ---- looking ---- */

enum { INSPECT_RULES_MAX = 1024, INSPECT_FOUND_MAX = 32 };
struct inspect_report {
	enum inspect_action action;
	unsigned score; /* 0 to 100 */
	bool unscanned; /* not all was looked at: policy decides */
	/* Which rules, each once, in order of first sight; no more than fit. */
	uint16_t found[INSPECT_FOUND_MAX];
	size_t found_n;
};

struct inspect;
/* NULL: out of memory for the automata. */
struct inspect *inspect_new(const struct inspect_rules *r);
void inspect_free(struct inspect *i); /* NULL is fine */

/* One text where it stands.  tool, key: of an argument, else empty. */
struct inspect_text {
	enum inspect_plane plane;
	struct str text, tool, key;
};
/* What may be spent on one item, all layers and all its texts together. */
enum { INSPECT_BYTES = 4 * 1024 * 1024, INSPECT_DEPTH = 3 };
/* Clears *out and looks at n texts as one item. */
void inspect_look(struct inspect *i, const struct inspect_text *v, size_t n,
    struct inspect_report *out);

/*
 * One item of kind tool_description, tool_result, tool_arguments, user_prompt
 * or tools_list_change, with `text` or `json`: the texts of it are looked at.
 * Of a change only what is new.  ERR_SYNTAX: no such kind.
 */
NODISCARD enum err inspect_item(
    struct inspect *i, struct jv item, struct inspect_report *out);

#endif
