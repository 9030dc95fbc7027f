/*
 * set-in: how policies get into a set, for those who read them.
 */
#ifndef CEDAR_SET_IN_H
#define CEDAR_SET_IN_H

#include "cedar/ast.h"

/* Into pol or tmpl by its slots.  ERR_SYNTAX when the id is taken. */
NODISCARD enum err set_add(
    struct cedar_policies *ps, struct ast_policy *p, struct cedar_why *why);
/* Gives the next policyN that nobody has. */
NODISCARD enum err set_number(
    struct cedar_policies *ps, struct ast_policy *p, struct cedar_why *why);
bool set_is_template(const struct ast_policy *p);
const struct ast_policy *set_find(
    const struct cedar_policies *ps, struct str id);

/* All or nothing: what has been added since the mark goes away. */
struct set_mark {
	size_t pol_n, tmpl_n;
	uint64_t next;
};
struct set_mark set_mark(const struct cedar_policies *ps);
void set_undo(struct cedar_policies *ps, struct set_mark m);

#endif
