/*
 * compile-in: what the files of the compiler share.  A schema is first walked
 * for what can be named (resources, anchors: scan.c); then nodes are compiled
 * one after another, each asking for those it needs (emit*.c), until no more
 * are asked for (compile.c).
 */
#ifndef COMPILE_IN_H
#define COMPILE_IN_H

#include "schema/schema-in.h"

/* Vocabularies, and dialects, as bits. */
enum {
	V_CORE = 1,
	V_APPLICATOR = 2,
	V_UNEVALUATED = 4,
	V_VALIDATION = 8,
	V_FORMAT = 16, /* an annotation */
	V_ASSERT = 32, /* format is asserted */
	V_NOTE = 64,   /* content, meta-data */
	V_ALL = 127 & ~V_ASSERT,
};
enum {
	D_2020 = 1,
	D_2019 = 2,
	D_07 = 4,
	D_NEW = D_2020 | D_2019,
	D_OLD = D_2019 | D_07,
	D_ALL = 7
};
/* Where a keyword's value has schemas. */
enum sub { SUB_NONE, SUB_ONE, SUB_LIST, SUB_MAP, SUB_EITHER };

/* keyword, vocabulary, dialects, where it has schemas */
#define KEYWORDS(X)                                                            \
	X(K_ID, "$id", V_CORE, D_ALL, SUB_NONE)                                \
	X(K_SCHEMA, "$schema", V_CORE, D_ALL, SUB_NONE)                        \
	X(K_REF, "$ref", V_CORE, D_ALL, SUB_NONE)                              \
	X(K_ANCHOR, "$anchor", V_CORE, D_NEW, SUB_NONE)                        \
	X(K_DYNAMIC_REF, "$dynamicRef", V_CORE, D_2020, SUB_NONE)              \
	X(K_DYNAMIC_ANCHOR, "$dynamicAnchor", V_CORE, D_2020, SUB_NONE)        \
	X(K_RECURSIVE_REF, "$recursiveRef", V_CORE, D_2019, SUB_NONE)          \
	X(K_RECURSIVE_ANCHOR, "$recursiveAnchor", V_CORE, D_2019, SUB_NONE)    \
	X(K_VOCABULARY, "$vocabulary", V_CORE, D_NEW, SUB_NONE)                \
	X(K_DEFS, "$defs", V_CORE, D_NEW, SUB_MAP)                             \
	X(K_DEFINITIONS, "definitions", V_CORE, D_ALL, SUB_MAP)                \
	X(K_TYPE, "type", V_VALIDATION, D_ALL, SUB_NONE)                       \
	X(K_CONST, "const", V_VALIDATION, D_ALL, SUB_NONE)                     \
	X(K_ENUM, "enum", V_VALIDATION, D_ALL, SUB_NONE)                       \
	X(K_MULTIPLE, "multipleOf", V_VALIDATION, D_ALL, SUB_NONE)             \
	X(K_MAX, "maximum", V_VALIDATION, D_ALL, SUB_NONE)                     \
	X(K_XMAX, "exclusiveMaximum", V_VALIDATION, D_ALL, SUB_NONE)           \
	X(K_MIN, "minimum", V_VALIDATION, D_ALL, SUB_NONE)                     \
	X(K_XMIN, "exclusiveMinimum", V_VALIDATION, D_ALL, SUB_NONE)           \
	X(K_MAXLEN, "maxLength", V_VALIDATION, D_ALL, SUB_NONE)                \
	X(K_MINLEN, "minLength", V_VALIDATION, D_ALL, SUB_NONE)                \
	X(K_PATTERN, "pattern", V_VALIDATION, D_ALL, SUB_NONE)                 \
	X(K_FORMAT, "format", V_FORMAT | V_ASSERT, D_ALL, SUB_NONE)            \
	X(K_MAXITEMS, "maxItems", V_VALIDATION, D_ALL, SUB_NONE)               \
	X(K_MINITEMS, "minItems", V_VALIDATION, D_ALL, SUB_NONE)               \
	X(K_UNIQUE, "uniqueItems", V_VALIDATION, D_ALL, SUB_NONE)              \
	X(K_MAXCONTAINS, "maxContains", V_VALIDATION, D_NEW, SUB_NONE)         \
	X(K_MINCONTAINS, "minContains", V_VALIDATION, D_NEW, SUB_NONE)         \
	X(K_MAXPROPS, "maxProperties", V_VALIDATION, D_ALL, SUB_NONE)          \
	X(K_MINPROPS, "minProperties", V_VALIDATION, D_ALL, SUB_NONE)          \
	X(K_REQUIRED, "required", V_VALIDATION, D_ALL, SUB_NONE)               \
	X(K_DEPREQ, "dependentRequired", V_VALIDATION, D_NEW, SUB_NONE)        \
	X(K_PREFIX, "prefixItems", V_APPLICATOR, D_2020, SUB_LIST)             \
	X(K_ITEMS, "items", V_APPLICATOR, D_ALL, SUB_EITHER)                   \
	X(K_ADDITEMS, "additionalItems", V_APPLICATOR, D_OLD, SUB_ONE)         \
	X(K_CONTAINS, "contains", V_APPLICATOR, D_ALL, SUB_ONE)                \
	X(K_PROPS, "properties", V_APPLICATOR, D_ALL, SUB_MAP)                 \
	X(K_PATPROPS, "patternProperties", V_APPLICATOR, D_ALL, SUB_MAP)       \
	X(K_ADDPROPS, "additionalProperties", V_APPLICATOR, D_ALL, SUB_ONE)    \
	X(K_PROPNAMES, "propertyNames", V_APPLICATOR, D_ALL, SUB_ONE)          \
	X(K_DEPSCHEMA, "dependentSchemas", V_APPLICATOR, D_NEW, SUB_MAP)       \
	X(K_DEPS, "dependencies", V_APPLICATOR, D_ALL, SUB_MAP)                \
	X(K_ALLOF, "allOf", V_APPLICATOR, D_ALL, SUB_LIST)                     \
	X(K_ANYOF, "anyOf", V_APPLICATOR, D_ALL, SUB_LIST)                     \
	X(K_ONEOF, "oneOf", V_APPLICATOR, D_ALL, SUB_LIST)                     \
	X(K_NOT, "not", V_APPLICATOR, D_ALL, SUB_ONE)                          \
	X(K_IF, "if", V_APPLICATOR, D_ALL, SUB_ONE)                            \
	X(K_THEN, "then", V_APPLICATOR, D_ALL, SUB_ONE)                        \
	X(K_ELSE, "else", V_APPLICATOR, D_ALL, SUB_ONE)                        \
	X(K_UNITEMS, "unevaluatedItems", V_UNEVALUATED, D_NEW, SUB_ONE)        \
	X(K_UNPROPS, "unevaluatedProperties", V_UNEVALUATED, D_NEW, SUB_ONE)   \
	X(K_CONTENT, "contentSchema", V_NOTE, D_NEW, SUB_ONE)
#define KEYWORD_ENUM(k, name, vocabulary, dialects, sub) k,
enum keyword { KEYWORDS(KEYWORD_ENUM) K__N };
struct keyword_row {
	struct str name;
	unsigned vocabulary, dialects;
	enum sub sub;
};
extern const struct keyword_row keyword_rows[K__N];
enum keyword keyword_of(struct str name); /* K__N: none */
const char *keyword_name(enum keyword k);

/* What has a URI of its own. */
struct resource {
	struct str uri; /* absolute as far as its base is; no fragment */
	struct jv root;
	struct str schema;		/* $schema, or what encloses it has */
	uint32_t doc;			/* which document it stands in */
	unsigned vocabularies, dialect; /* 0: not looked up yet */
	bool entered;			/* a node of it is compiled */
};
struct anchor {
	uint32_t resource;
	struct str name; /* "": $recursiveAnchor */
	struct jv at;
	bool dynamic;
	uint32_t node; /* NONE: not compiled */
};
/* A subschema to be compiled. */
struct place {
	struct jv v;
	uint32_t resource;
	bool closed; /* see schema_opts.closed */
};
struct edge {
	uint32_t from, to; /* judged on the same value */
};
/* What a reference names. */
struct target {
	struct jv v;
	uint32_t resource, anchor; /* anchor NONE: none */
};

struct unit {
	const struct schema_opts *opts;
	struct schema_limits lim;
	uint64_t steps;
	enum err err;
	struct note *why;
	struct arena *arena;
	struct buf resources, anchors, places, edges, dyns;
	struct buf metas[8]; /* tapes of meta-schemas that were asked for */
	uint32_t metas_n;
	struct map *seen;	      /* bytes of a value, closed -> node + 1 */
	struct buf heads, code, pool; /* of the image */
	struct buf ops;		      /* of the node being compiled */
	uint32_t program;
	/* the node being compiled */
	uint32_t node;
	struct place place;
	struct jv kw[K__N];
};

/* One element of a buf of structs. */
#define UNIT_AT(buf, type, i) ((type *)(void *)(buf).p + (i))
#define UNIT_N(buf, type) ((uint32_t)((buf).n / sizeof(type)))

/* Says why not, once; nothing is compiled after it.  The place of the node
 * being compiled, and the keyword if any, come before the sentence. */
void unit_bad(struct unit *u, enum err e, const char *keyword, const char *fmt,
    ...) PRINTF(4, 5);
bool unit_spend(struct unit *u, uint64_t n); /* false: spent */
/* The node being compiled has this keyword. */
bool unit_has(const struct unit *u, enum keyword k);
/* In the pool: a string, the bytes of a value. */
uint32_t unit_pool(struct unit *u, struct str s);

/* ---- scan.c ---- */

/* Notes a document and all in it that can be named. */
void scan_document(struct unit *u, struct str uri, struct jv root);
bool scan_target(struct unit *u, struct str ref, struct target *out);
/* The same from within another resource than that of the node. */
bool scan_target_from(
    struct unit *u, uint32_t resource, struct str ref, struct target *out);
/* The resource that a value begins, or NONE. */
uint32_t scan_root(struct unit *u, struct jv v);
/* Dialect and vocabularies of a resource, looked up once. */
void scan_dialect(struct unit *u, uint32_t resource);

/* ---- compile.c ---- */

/* The node of a subschema of the one being compiled.  key: a name, or empty
 * and index unless NONE.  Same: it judges the same value. */
struct step {
	enum keyword keyword;
	struct str key;
	uint32_t index;
	bool same;
};
uint32_t unit_child(struct unit *u, struct jv v, struct step step);
/* The node of what a reference names; same: judged there on this value. */
uint32_t unit_ref(
    struct unit *u, const struct target *t, struct str ref, bool same);
/* The number of a name that $dynamicRef asks for. */
uint32_t unit_dyn(struct unit *u, struct str name);

/* An operation: begin, words, end. */
size_t op_begin(struct unit *u, enum op op);
void op_word(struct unit *u, uint32_t w);
void op_str(struct unit *u, struct str s);
void op_end(struct unit *u, size_t mark);

/* ---- paths.c ---- */

/* Are the edges without a circle, and the ways along them few enough? */
void paths_count(struct unit *u);

/* ---- emit.c, emit-apply.c ---- */

void emit_validation(struct unit *u);
void emit_applicators(struct unit *u);
/* The program of a pattern; 0 and u->err. */
uint32_t emit_program(struct unit *u, enum keyword k, struct str pattern);
/* A keyword that counts; false and u->err. */
bool emit_count_of(
    struct unit *u, enum keyword k, uint32_t otherwise, uint32_t *out);

#endif
