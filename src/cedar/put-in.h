/*
 * put-in: printer and formatter, for each other.
 */
#ifndef CEDAR_PUT_IN_H
#define CEDAR_PUT_IN_H

#include "cedar/ast.h"

/* One policy: annotations on lines, all else on one. */
void put_policy(struct buf *out, const struct ast_policy *p);
/* Lays out a text that is known to parse. */
void format_tokens(struct str text, struct buf *out);

#endif
