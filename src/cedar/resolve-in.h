/*
 * resolve-in: what the three files that resolve a schema share: schema-names.c
 * says what may be declared and what a name leads to, schema-resolve.c makes
 * types, schema-tree.c hierarchies and actions.
 */
#ifndef CEDAR_RESOLVE_IN_H
#define CEDAR_RESOLVE_IN_H

#include "cedar/schema.h"

enum {
	/* Common types that name each other in a chain; each is a few frames
	 * of the stack. */
	CHAIN_MAX = 500,
	NAME_MAX_BYTES = 64 * 1024,
};

struct common_def {
	struct str full; /* first: lists are sorted by it */
	const struct schema_common *decl;
	const struct schema_ns *ns;
	const struct ty *type; /* NULL: not yet */
	bool busy;
};
struct entity_def {
	struct str full;
	const struct schema_entity *decl; /* NULL: an action type */
	const struct schema_ns *ns;
};

struct resolver {
	struct cedar_schema *s;
	struct arena *a;
	struct cedar_why *why;
	struct common_def *common;
	size_t common_n;
	struct entity_def *entity; /* in step with s->entity */
	size_t entity_n;
	const struct schema_ns *nameless; /* NULL: none */
	size_t chain;
};

/* What a name leads to: one of the two. */
struct target {
	struct common_def *common;
	const struct ty *type; /* of a built-in type or an entity */
	const struct sc_entity *entity;
};

enum wanted { COMMON = 1, ENTITY = 2, EITHER = 3 };

enum err resolve_spent(struct resolver *r);
enum err resolve_refuse(struct resolver *r, struct ast_pos pos,
    const char *what, struct str name, const char *why);
/* Ns::name */
enum err resolve_full(
    struct resolver *r, struct str ns, struct str name, struct str *out);
enum err resolve_check(struct resolver *r); /* what is declared; sorts */
enum err resolve_list(struct resolver *r);  /* full names */
enum err resolve_find(struct resolver *r, const struct schema_ns *ns,
    struct str name, enum wanted w, struct ast_pos pos, struct target *out);
enum err resolve_type(struct resolver *r, const struct schema_ns *ns,
    const struct st *t, const struct ty **out);
enum err resolve_common(
    struct resolver *r, struct common_def *c, struct ast_pos pos);
/* {} for none; what: who must be a record. */
enum err resolve_record_of(struct resolver *r, const struct schema_ns *ns,
    const struct st *t, const char *what, const struct ty **out);

#endif
