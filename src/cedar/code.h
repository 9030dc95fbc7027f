/*
 * code: what compiler, image and evaluator share: policies as flat arrays
 * without pointers.  The compiler writes an image; opening one checks every
 * number in it and makes the tables that hold pointers.  There is no other way
 * to an engine, so what another process opens is what this one tested.
 */
#ifndef CEDAR_CODE_H
#define CEDAR_CODE_H

#include "cedar/ast.h"
#include "cedar/store.h"

enum code_op {
	OP_CONST, /* a: constant */
	OP_VAR,	  /* x: enum ast_var */
	OP_IF,	  /* a: list of three nodes */
	OP_AND,	  /* a: list of n nodes */
	OP_OR,	  /* a: list of n nodes */
	OP_NOT,	  /* a: node */
	OP_NEG,	  /* a: node */
	OP_EQ,	  /* a, b: nodes; so to OP_HAS_TAG */
	OP_NE,
	OP_LT,
	OP_LE,
	OP_GT,
	OP_GE,
	OP_IN,
	OP_ADD,
	OP_SUB,
	OP_MUL,
	OP_CONTAINS,
	OP_CONTAINS_ALL,
	OP_CONTAINS_ANY,
	OP_GET_TAG,
	OP_HAS_TAG,
	OP_IS_EMPTY, /* a: node */
	OP_GET,	     /* a: node; b: string */
	OP_HAS,	     /* a: node; b: list of n strings */
	OP_LIKE,     /* a: node; b: list of n strings, "*" between them */
	OP_IS,	     /* a: node; b: string */
	OP_IS_IN,    /* a, b: nodes; n: string */
	OP_SET,	     /* a: list of n nodes */
	OP_RECORD,   /* a: list of n pairs of string and node */
	OP_CALL,     /* a: list of n nodes; x: enum ast_fn */
	OP__N,
};

struct code_node {
	uint8_t op;
	uint8_t x;
	uint16_t zero;
	uint32_t n, a, b;
};
struct code_const {
	uint8_t type; /* enum cedar_type */
	uint8_t zero[3];
	uint32_t n; /* SET, RECORD: how many */
	int64_t i;  /* the number; else place of string, uid, list */
};
struct code_span {
	uint32_t at, n; /* bytes of a string; also type and id of a uid */
};
struct code_scope {
	uint32_t op;   /* enum ast_scope_op */
	uint32_t type; /* string */
	uint32_t uid;  /* list of n uids */
	uint32_t n;
};
struct code_policy {
	uint32_t id, from; /* strings; from empty: no template */
	struct ast_pos pos;
	struct code_scope scope[3];
	uint32_t forbid;
	uint32_t cond, cond_n; /* list of nodes, all of which must be true */
	uint32_t note, note_n; /* list of pairs of strings */
	uint32_t zero;
};

enum code_sec {
	SEC_NODE,
	SEC_POS, /* of nodes, one each */
	SEC_LIST,
	SEC_CONST,
	SEC_UID,
	SEC_STR,
	SEC_POLICY,
	SEC_BYTE,
	SEC__N,
};
struct code_head {
	uint64_t magic;
	uint32_t n[SEC__N];
};
#define CODE_MAGIC UINT64_C(0x3172616465634847)
extern const uint8_t code_size[SEC__N]; /* of an element */

enum {
	CODE_DEPTH = AST_DEPTH + 8, /* a condition adds a node or two */
	CODE_IMAGE_MAX = 1024 * 1024 * 1024,
	CODE_COUNT_MAX = 64 * 1024 * 1024, /* of any section but bytes */
};

/* A bucket of the index: policies that may apply when its key is asked. */
struct code_slot {
	uint64_t key;
	uint32_t at, n; /* of index.pol; n 0: empty */
};
enum code_key { KEY_EQ, KEY_IN, KEY_IS, KEY__N };
struct code_index {
	struct code_slot *slot;
	size_t mask;
	uint32_t *pol;
	uint32_t any, any_n; /* of pol: those that no key can find */
	bool has[3][KEY__N]; /* is there any such key */
};

struct cedar_engine {
	struct arena *a;
	struct buf image;
	uint32_t n[SEC__N];
	const struct code_node *node;
	const struct ast_pos *pos;
	const uint32_t *list;
	const struct code_policy *policy;
	struct cedar_value *konst;
	struct cedar_ref *uid;
	struct str *str;
	uint32_t *slot; /* of nodes: which attribute path it is, or 0 */
	struct code_index index;
};

/* compile.c */
NODISCARD enum err code_compile(
    const struct cedar_policies *ps, struct buf *image, struct cedar_why *why);
/* check.c: is every number of e in its range and every tree a tree? */
bool code_check(const struct cedar_engine *e, struct arena *tmp);
/* slots.c: fills e->slot. */
NODISCARD enum err code_slots_make(struct cedar_engine *e);
/* index.c */
NODISCARD enum err code_index_make(struct cedar_engine *e);
uint64_t code_key(unsigned var, enum code_key kind, uint64_t hash);
const struct code_slot *code_index_find(
    const struct code_index *x, uint64_t key);

/* authorize.c: cedar_authorize without the index, to compare with. */
NODISCARD enum err authorize_all(const struct cedar_engine *e,
    const struct cedar_request *r, const struct cedar_entities *es,
    struct arena *a, struct cedar_answer *out);

#endif
