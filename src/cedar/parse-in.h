/*
 * parse-in: what the files of the policy parser share.  One token of
 * lookahead; a first mistake ends it.
 */
#ifndef CEDAR_PARSE_IN_H
#define CEDAR_PARSE_IN_H

#include "cedar/ast.h"

struct parser {
	struct ast_lex lx;
	struct ast_tok tok; /* the next one, not yet taken */
	struct arena *a;
	struct cedar_why *why;
	unsigned depth; /* of expressions within expressions */
};

NODISCARD enum err parser_init(
    struct parser *p, struct str text, struct arena *a, struct cedar_why *why);
NODISCARD enum err parser_next(struct parser *p);
/* Takes the token if it is that one; false: it stays. */
static inline bool
parser_at(const struct parser *p, const char *punct_or_word)
{
	return ast_tok_is(&p->tok, punct_or_word);
}
NODISCARD enum err parser_need(struct parser *p, const char *punct_or_word);
/* "expected WHAT, found TOKEN", at the token. */
NODISCARD enum err parser_want(const struct parser *p, const char *what);

/* A name, and whether :: and a string come after it; the string at hand. */
NODISCARD enum err parser_name_or_uid(
    struct parser *p, struct str *out, bool *string_follows);
NODISCARD enum err parser_uid_id(struct parser *p, struct cedar_uid *out);
NODISCARD enum err parser_name(struct parser *p, struct str *out);
NODISCARD enum err parser_uid(struct parser *p, struct cedar_uid *out);
/* a or "a", before a colon or after has. */
NODISCARD enum err parser_key(struct parser *p, struct str *out);
NODISCARD enum err parser_number(
    struct parser *p, bool negative, const struct ast_expr **out);
/* A primary with its accesses. */
NODISCARD enum err parser_member(struct parser *p, const struct ast_expr **out);
NODISCARD enum err parser_expr(struct parser *p, const struct ast_expr **out);

/* Things that grow in the arena. */
struct pile {
	void *v;
	size_t n, cap;
};
NODISCARD enum err pile_add(
    struct parser *p, struct pile *l, size_t size, const void *thing);
NODISCARD enum err parser_kid(
    struct parser *p, struct pile *kids, const struct ast_expr *e);
NODISCARD enum err parser_make(struct parser *p, const struct ast_expr *proto,
    const struct pile *kids, const struct ast_expr **out);

#endif
