/*
 * schema: what the files of this room share about schemas.  A schema is kept
 * twice: as written (struct schema_ns: what printing and JSON need), and
 * resolved (names full, common types put in, hierarchies closed: what the
 * validator, entities and requests need).  Both live in the schema's arena and
 * never change once it is made.
 */
#ifndef CEDAR_SCHEMA_H
#define CEDAR_SCHEMA_H

#include "cedar/ast.h"

enum {
	/* Of a type as written, and of one with its common types put in. */
	SCHEMA_DEPTH = 100,
	/* Nodes of a type with its common types put in: a few lines that double
	 * a dozen times would else be a type that nobody can walk. */
	SCHEMA_WEIGHT = 100000,
	SCHEMA_TEXT_MAX = 64 * 1024 * 1024,
	SCHEMA_ARENA = 512 * 1024 * 1024,
};

/* ---- as written ---- */

enum st_kind {
	ST_BOOL, /* to ST_STRING: {"type": "Boolean"} and so on in JSON */
	ST_LONG,
	ST_STRING,
	ST_SET,	   /* el */
	ST_RECORD, /* attr */
	ST_ENTITY, /* name of an entity type */
	ST_COMMON, /* name of a common type */
	ST_EITHER, /* name of one or the other: every name in text */
	ST_EXT,	   /* name of an extension type */
};
struct st_attr;
struct st {
	enum st_kind kind;
	uint32_t n; /* of attr */
	struct ast_pos pos;
	union {
		struct str name;
		const struct st *el;
		const struct st_attr *attr; /* in order of names */
	};
};
struct st_attr {
	struct str name;
	const struct st *type;
	bool optional;
	const struct ast_note *note;
	size_t note_n;
	struct ast_pos pos;
};

struct schema_strs {
	const struct str *p;
	size_t n;
};
struct schema_common {
	struct str name;
	const struct st *type;
	const struct ast_note *note;
	size_t note_n;
	struct ast_pos pos;
};
struct schema_entity {
	struct str name;
	struct schema_strs parent;
	const struct st *shape; /* NULL: none was written */
	const struct st *tags;	/* NULL: none */
	bool is_enum;
	struct schema_strs choice;
	const struct ast_note *note;
	size_t note_n;
	struct ast_pos pos;
};
struct schema_action {
	struct str name;
	bool has_parents;		/* even when the list is empty */
	const struct cedar_uid *parent; /* type empty: Action */
	size_t parent_n;
	bool applies; /* false: no appliesTo, in JSON only */
	struct schema_strs principal, resource;
	const struct st *context; /* NULL: none was written */
	const struct ast_note *note;
	size_t note_n;
	struct ast_pos pos;
};
struct schema_ns {	 /* its lists in order of names */
	struct str name; /* empty: the nameless one */
	const struct schema_common *common;
	const struct schema_entity *entity;
	const struct schema_action *action;
	size_t common_n, entity_n, action_n;
	const struct ast_note *note;
	size_t note_n;
	struct ast_pos pos;
};

/* ---- resolved ---- */

enum ty_kind {
	TY_NEVER, /* of the elements of [] */
	TY_BOOL,
	TY_TRUE, /* only the validator makes these two */
	TY_FALSE,
	TY_LONG,
	TY_STRING,
	TY_ENTITY, /* ety[0..n): of one of these, in order of place */
	TY_SET,	   /* el */
	TY_RECORD, /* attr[0..n), in order of names */
	TY_EXT,	   /* ext */
};
enum ty_ext { TY_DECIMAL, TY_IPADDR, TY_DATETIME, TY_DURATION, TY_EXT__N };
extern const struct str ty_ext_name[TY_EXT__N];

struct ty_attr {
	struct str name;
	const struct ty *type;
	bool required;
};
struct sc_entity;
struct ty {
	uint8_t kind; /* enum ty_kind */
	uint8_t ext;  /* enum ty_ext */
	bool open;    /* a record that may have more: the validator's only */
	uint32_t n;
	uint32_t depth, weight;
	union {
		const struct ty *el;
		const struct ty_attr *attr;
		const struct sc_entity *const *ety;
	};
};

extern const struct ty ty_prim[TY_STRING + 1]; /* the simple ones, by kind */
extern const struct ty ty_exts[TY_EXT__N];
extern const struct ty ty_no_attrs; /* {} */

struct sc_entity {
	struct str name; /* "Ns::User" */
	uint32_t place;	 /* in cedar_schema.entity */
	bool action;	 /* "Action" or "Ns::Action": not declared */
	bool is_enum;	 /* choice: the ids that exist */
	struct ty self;	 /* the type of a reference to one */
	const struct sc_entity *self_at[1];
	const struct ty *attrs; /* a record */
	const struct ty *tags;	/* NULL: none */
	struct schema_strs choice;
	const uint32_t *up; /* places of all ancestors, in order */
	size_t up_n;	    /* itself only when it is its own ancestor */
};
struct sc_action {
	struct cedar_uid uid;
	uint32_t place;
	const struct sc_entity *type;
	const struct sc_entity *const *principal, *const
						      *resource; /* by place */
	size_t principal_n, resource_n;
	const struct ty *context; /* a record */
	const uint32_t *up;	  /* places of all ancestors, in order */
	size_t up_n;
};

struct cedar_schema {
	struct arena *a;
	const struct schema_ns *ns; /* in order of names */
	size_t ns_n;
	struct sc_entity *entity; /* in order of names; action types too */
	size_t entity_n;
	struct sc_action *action; /* in order of type, then id */
	size_t action_n;
};

/* NULL: not in the schema.  No allocation; log n. */
const struct sc_entity *schema_entity(
    const struct cedar_schema *s, struct str type);
const struct sc_action *schema_action(
    const struct cedar_schema *s, struct cedar_uid uid);
const struct ty_attr *ty_attr(const struct ty *record, struct str name);
/* Is anc an ancestor of e (not e itself)? */
bool schema_entity_under(
    const struct sc_entity *e, const struct sc_entity *anc);
bool schema_action_under(
    const struct sc_action *x, const struct sc_action *anc);
/* Is id one that may exist for type e?  (enum entities name theirs) */
bool schema_choice(const struct sc_entity *e, struct str id);
/* "Action" or "Ns::Action" */
bool schema_is_action_type(struct str type);

/* How people write it: "Set<String>", "{a: Long, b?: Ns::User}"; cut short. */
void ty_put(struct buf *out, const struct ty *t);

/* ---- between the files that make schemas ---- */

/* A list that grows in an arena. */
struct vec {
	void *p;
	size_t n, cap;
};
void *vec_add(struct arena *a, struct vec *v, size_t size); /* NULL: spent */
#define VEC_AT(v, type, i) (((type *)(v)->p)[i])

/* Sorts what was read and gives it names: the last step of both readers. */
NODISCARD enum err schema_resolve(
    struct cedar_schema *s, struct cedar_why *why);
/* In a list sorted by its first member, a struct str; NULL: not there. */
const void *schema_find(const void *p, size_t n, size_t size, struct str name);
/* Sorts lists by their first member, a struct str; the first two that are the
 * same are given to *twice. */
bool schema_sort(void *p, size_t n, size_t size, const void **twice);

#endif
