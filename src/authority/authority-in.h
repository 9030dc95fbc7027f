/* authority-in.h: what the files of this room share. */
#ifndef AUTHORITY_IN_H
#define AUTHORITY_IN_H

#include "authority/authority.h"
#include "cedar/cedar.h"
#include "facts/facts.h"

/* The names that policies are written with. */
#define NS "Gatehouse::"
#define A_REACH "reach"
#define A_CALL_TOOL "call_tool"

/* rules: of the image, as Cedar.  `list`: for the engine that answers what is
 * shown, which has one more policy a rule. */
NODISCARD enum err rules_compile(
    struct jv rules, bool list, struct cedar_policies *ps, struct note *why);
/* Every policy of `files` (not of rules) as the list engine needs it. */
NODISCARD enum err shown_compile(const struct cedar_policies *files,
    struct cedar_policies *list, struct note *why);
/* Rules and files in one set, by their ids. */
NODISCARD enum err all_compile(
    struct jv image, struct cedar_policies *all, struct note *why);
/* Records of the context, or none: not known, or no policy asks. */
struct known {
	struct cedar_value input, derived, session;
};
/* What is known of a call; input: also the arguments. */
NODISCARD enum err known_of(const struct call *c, bool input, struct arena *a,
    struct known *out, struct note *why);
/* READS_* of a policy in JSON. */
unsigned reads_of(struct jv est);

enum {
	DERIVED_MAX = 32,     /* declared arguments of one tool */
	INPUT_DEPTH_MAX = 32, /* of arguments that policies see */
};
/* One call for the engine; lives in the arena it was made in. */
struct world {
	struct cedar_uid par[3]; /* principal, action, resource */
	struct cedar_entities *es;
	struct cedar_request *r;
};
NODISCARD enum err world_of(const struct call *c, bool reach,
    const struct known *k, struct arena *a, struct world *out);
/* The arguments as a record; ERR_SYNTAX with the member's path. */
NODISCARD enum err input_of(struct jv arguments, struct arena *a,
    struct cedar_value *out, struct note *why);
NODISCARD enum err derived_of(struct jv declared, struct jv arguments,
    struct arena *a, struct cedar_value *out, struct note *why);

#endif
