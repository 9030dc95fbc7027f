/*
 * mcp-in: between the files of the generator: mcp-tools.c reads tools/list into
 * these, mcp-types.c makes types of them, mcp-schema.c a schema.
 */
#ifndef CEDAR_MCP_IN_H
#define CEDAR_MCP_IN_H

#include "cedar/schema.h"

#include "json/json.h"

enum prop_kind {
	PROP_UNKNOWN,
	PROP_BOOL,
	PROP_INTEGER,
	PROP_FLOAT,
	PROP_NUMBER,
	PROP_STRING,
	PROP_DECIMAL,
	PROP_DATETIME,
	PROP_DURATION,
	PROP_IP,
	PROP_NULL,
	PROP_ENUM,   /* choice */
	PROP_ARRAY,  /* el */
	PROP_TUPLE,  /* type[0..n) */
	PROP_UNION,  /* type[0..n) */
	PROP_OBJECT, /* member[0..n), more */
	PROP_REF,    /* ref */
};
struct prop_member;
struct prop {
	enum prop_kind kind;
	size_t n;
	struct schema_strs choice;
	const struct prop *el;
	const struct prop *const *type;
	const struct prop_member *member;
	const struct prop *more; /* additionalProperties; NULL: no schema */
	bool closed;		 /* additionalProperties: false */
	struct str ref;		 /* a name in $defs */
};
struct prop_member {
	struct str name;
	bool required;
	const struct prop *type;
};
/* member: the parameters, or named types of $defs. */
struct prop_list {
	const struct prop_member *p;
	size_t n;
	const bool *circle; /* of types: it leads to itself; lenient alone */
};
struct prop_side {
	struct prop_list params, defs;
	bool closed; /* additionalProperties: false */
};
struct tool {
	struct str name;
	struct prop_side in, out;
	struct prop_list defs;
};
struct tool_list {
	const struct tool *p;
	size_t n;
	struct prop_list defs;
};

struct tool_reader {
	struct arena *a;
	struct cedar_why *why;
	struct str tool; /* for sentences */
	bool lenient;	 /* what has no meaning here is PROP_UNKNOWN */
};
NODISCARD enum err tool_read(
    struct tool_reader *r, struct jv v, struct tool *out);
/* One tool, a list of them, or an answer to tools/list. */
NODISCARD enum err tools_read(
    struct tool_reader *r, struct jv top, struct tool_list *out);

/* ---- making ---- */

/* A namespace that is being made. */
struct space {
	struct str name;
	struct vec common, entity, action;
	const struct ast_note *note;
	size_t note_n;
};

/* Names of $defs in sight, the nearest first. */
struct scope {
	const struct prop_list *defs;
	struct str ns;
	const struct scope *up;
};

struct gen {
	struct arena *a;
	struct cedar_why *why;
	struct cedar_mcp_options o;
	struct str top;
	const struct schema_ns *stub;
	struct map *spaces; /* by name */
	struct map *taken;  /* "Ns::name/t": who is declared */
	struct vec order;   /* of struct space * */
	struct schema_strs principal, resource;
	struct vec context; /* of struct st_attr */
	struct str tool;    /* for sentences */
};

enum err mcp_bad(const struct gen *g, const char *what, struct str which);
enum err mcp_spent(const struct gen *g);
/* .p NULL: spent, and so is what is made of such. */
struct str mcp_join(
    const struct gen *g, struct str x, struct str between, struct str y);
struct str mcp_in_ns(const struct gen *g, struct str ns, struct str name);
/* A name for a type from any name. */
struct str mcp_type_name(const struct gen *g, struct str s);
struct space *mcp_space(struct gen *g, struct str name);
/* Who comes twice: an error, or with again not added. */
enum err mcp_claim(
    struct gen *g, struct str full, const char *kind, bool again, bool *is_new);
enum err mcp_add_entity(
    struct gen *g, struct str full, const struct schema_entity *e, bool again);
enum err mcp_add_common(struct gen *g, struct str full, const struct st *type);
enum err mcp_named(
    struct gen *g, enum st_kind kind, struct str name, const struct st **out);
/* name: of the entity type, if it needs one; in ns. */
enum err mcp_type(struct gen *g, struct str ns, struct str name,
    const struct prop *p, const struct scope *sc, const struct st **out);
/* A record of n members that are sorted by name here. */
enum err mcp_record(
    struct gen *g, struct st_attr *p, size_t n, const struct st **out);
/* Where in sight a name of $defs is; NULL: nowhere, or it leads to itself and
 * is something unknown. */
const struct scope *mcp_find(
    const struct scope *sc, struct str name, size_t *at);
enum err mcp_members(struct gen *g, struct str ns, const struct prop_list *l,
    const struct scope *sc, const struct st **out);

/* ---- calls ---- */

struct in_member;
/* A type of prop_kind that a call's value is held against; never PROP_FLOAT. */
struct in_type {
	enum prop_kind kind;
	uint32_t n;	   /* of choice or member */
	uint32_t required; /* OBJECT: how many of the members are */
	bool closed;	   /* OBJECT: others may not come */
	struct str name;   /* of the entity type that it is, or would be */
	const struct cedar_ref *choice; /* ENUM: by id */
	const struct in_member *member; /* OBJECT: by key; UNION, TUPLE */
	const struct in_type *el;	/* ARRAY; REF: what it stands for */
	const struct in_type *more;	/* OBJECT: it is an entity with tags */
};
struct in_member {
	struct str key;
	bool required;
	const struct in_type *type;
};
struct cedar_mcp_input {
	struct arena *a;
	const struct in_type *top; /* an OBJECT, and a record */
	struct str unknown;
	struct cedar_ref null;
};

#endif
