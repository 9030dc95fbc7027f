/*
 * est-in: the names of the JSON policy format, for its reader and its writer.
 */
#ifndef CEDAR_EST_IN_H
#define CEDAR_EST_IN_H

#include "cedar/ast.h"
#include "json/json.h"

/* How a node looks in JSON: {"name": ...}. */
enum est_shape {
	EST_VALUE, /* a literal */
	EST_VAR,
	EST_IF,
	EST_TWO,  /* {"left":..,"right":..} */
	EST_ARG,  /* {"arg":..} */
	EST_LEFT, /* {"left":.., and more} */
	EST_MANY, /* [..], or {..} for a record */
};
struct est_name {
	const char *name;
	enum est_shape shape;
};
extern const struct est_name est_names[AST__N];
extern const char *const est_vars[4];

/* Where the reader is: the path of members, cut when it grows too long. */
struct est_reader {
	struct arena *a;
	struct cedar_why *why;
	char path[120];
	size_t path_n;
	unsigned depth;
};

size_t est_enter(struct est_reader *r, struct str name);
void est_leave(struct est_reader *r, size_t was);
/* "at PATH: what" */
NODISCARD enum err est_wrong(const struct est_reader *r, const char *what);

/* The members an object may have, and those it must. */
struct est_member {
	const char *name;
	bool must;
};
NODISCARD enum err est_shaped(
    struct est_reader *r, struct jv v, const struct est_member *s, size_t n);
NODISCARD enum err est_text(struct est_reader *r, struct jv v, struct str *out);
NODISCARD enum err est_type_name(
    struct est_reader *r, struct jv v, struct str *out);
/* {"type","id"}, or that within {"__entity"}. */
NODISCARD enum err est_uid(
    struct est_reader *r, struct jv v, struct cedar_uid *out);
NODISCARD enum err est_expr(
    struct est_reader *r, struct jv v, const struct ast_expr **out);

#endif
