/*
 * ast: what the files of this room share about policies: the tree that text
 * and JSON are read into and that printer, validator and compiler walk.  All
 * of it lives in the arena of one struct cedar_policies and never changes once
 * it is in the set.
 *
 * The tree says what was written, not what it means: "!=", ">", ">=", "has
 * a.b", "is T in x" and "unless" have nodes of their own, because the printer
 * and JSON need them.  Depth is bounded by AST_DEPTH when the tree is made, so
 * whoever walks it may recurse.
 */
#ifndef CEDAR_AST_H
#define CEDAR_AST_H

#include "cedar/cedar.h"

enum {
	/* Nodes from a policy's root to a leaf.  A chain of && or of || is one
	 * node, however long; a.b.c and a + b + c are one each. */
	AST_DEPTH = 200,
	AST_TEXT_MAX = 64 * 1024 * 1024,
	AST_NOTES_MAX = 256,		 /* annotations of a policy */
	AST_BUDGET = 1024 * 1024 * 1024, /* of one object's arena */
};

struct ast_pos {
	uint32_t line, col; /* from 1; 0: not from a text */
};

/* Expressions.  "kids" names what is in kid[], in order. */
enum ast_kind {
	AST_BOOL,   /* i is 0 or 1 */
	AST_LONG,   /* i */
	AST_STRING, /* s */
	AST_UID,    /* uid */
	AST_VAR,    /* var */
	AST_IF,	    /* kids: test, then, else */
	AST_AND,    /* kids: two or more, left to right: a && b && c */
	AST_OR,
	AST_NOT, /* kids: what */
	AST_NEG,
	AST_EQ, /* kids: left, right; to AST_HAS_TAG all alike */
	AST_NE,
	AST_LT,
	AST_LE,
	AST_GT,
	AST_GE,
	AST_IN,
	AST_ADD,
	AST_SUB,
	AST_MUL,
	AST_CONTAINS, /* a.contains(b) */
	AST_CONTAINS_ALL,
	AST_CONTAINS_ANY,
	AST_GET_TAG,
	AST_HAS_TAG,
	AST_IS_EMPTY, /* kids: set */
	AST_GET,      /* kids: of what; s: attribute.  a.b and a["b"] */
	AST_HAS,      /* kids: of what; path, path_n >= 1: has a.b.c; > 1 is
			 "e has a && e.a has b && ..." */
	AST_LIKE,     /* kids: of what; pattern */
	AST_IS,	      /* kids: what, and for "is T in x" also x; s: type */
	AST_SET,      /* kids: elements */
	AST_RECORD,   /* kids: values; key[i] names kid[i]; no key twice */
	AST_CALL,     /* kids: arguments, receiver first; fn.  The count of kids
			 is NOT checked against the function's: the validator
			 and the evaluator do */
	AST__N,
};

enum ast_var { AST_PRINCIPAL, AST_ACTION, AST_RESOURCE, AST_CONTEXT };

/* Extension functions; ast_fns[] has a row for each. */
enum ast_fn {
	AST_FN_DECIMAL,
	AST_FN_IP,
	AST_FN_DATETIME,
	AST_FN_DURATION,
	AST_FN_LESS_THAN,
	AST_FN_LESS_THAN_OR_EQUAL,
	AST_FN_GREATER_THAN,
	AST_FN_GREATER_THAN_OR_EQUAL,
	AST_FN_IS_IPV4,
	AST_FN_IS_IPV6,
	AST_FN_IS_LOOPBACK,
	AST_FN_IS_MULTICAST,
	AST_FN_IS_IN_RANGE,
	AST_FN_OFFSET,
	AST_FN_DURATION_SINCE,
	AST_FN_TO_DATE,
	AST_FN_TO_TIME,
	AST_FN_TO_MILLISECONDS,
	AST_FN_TO_SECONDS,
	AST_FN_TO_MINUTES,
	AST_FN_TO_HOURS,
	AST_FN_TO_DAYS,
	AST_FN__N,
};
struct ast_fn_row {
	struct str name;
	uint8_t args; /* receiver included */
	bool method;  /* a.name(...); else name(...) */
};
extern const struct ast_fn_row ast_fns[AST_FN__N];
bool ast_fn_find(struct str name, enum ast_fn *out);

/* The methods that are nodes of their own: contains ... hasTag, isEmpty. */
struct ast_method_row {
	struct str name;
	uint8_t kind, args; /* receiver included */
};
extern const struct ast_method_row ast_methods[];
extern const size_t ast_methods_n;

/* A pattern of "like": code points, and AST_ANY for the wildcard. */
#define AST_ANY UINT32_MAX
struct ast_pattern {
	const uint32_t *el;
	size_t n;
};

struct ast_expr {
	uint8_t kind;	    /* enum ast_kind */
	uint8_t var;	    /* enum ast_var */
	uint8_t fn;	    /* enum ast_fn */
	uint8_t depth;	    /* 1 for a leaf */
	uint32_t n;	    /* kids */
	struct ast_pos pos; /* of its own word or operator, of a leaf's start */
	const struct ast_expr **kid;
	union {
		int64_t i;
		struct str s;
		struct cedar_uid uid;
		struct {
			const struct str *path;
			size_t path_n;
		};
		struct ast_pattern pattern;
		const struct str *key; /* n of them */
	};
};

/*
 * A scope constraint.  ANY: "principal".  EQ, IN: one uid or the slot.  IN_LIST
 * (action only): uid[0..n), may be none.  IS: type; IS_IN: type and uid or
 * slot. In a linked policy the slot is filled: slot is false and uid is there.
 */
enum ast_scope_op {
	AST_SCOPE_ANY,
	AST_SCOPE_EQ,
	AST_SCOPE_IN,
	AST_SCOPE_IN_LIST,
	AST_SCOPE_IS,
	AST_SCOPE_IS_IN,
};
struct ast_scope {
	enum ast_scope_op op;
	bool slot; /* ?principal or ?resource stands for the uid */
	struct str type;
	const struct cedar_uid *uid;
	size_t n; /* of uid */
	struct ast_pos pos, type_pos;
	const struct ast_pos *uid_pos; /* one a uid, of the slot too */
};

struct ast_note { /* an annotation */
	struct str name, value;
	bool has_value;
	struct ast_pos pos;
};

struct ast_cond {
	bool unless;
	const struct ast_expr *expr;
	struct ast_pos pos;
};

struct ast_policy {
	struct str id;
	uint32_t at;		       /* place in pol or tmpl */
	uint64_t seq;		       /* order over both */
	const struct ast_policy *from; /* the template, of a link */
	bool forbid;
	struct ast_scope scope[3];   /* by AST_PRINCIPAL, _ACTION, _RESOURCE */
	const struct ast_note *note; /* a link has its template's */
	size_t note_n;
	const struct ast_cond *cond;
	size_t cond_n;
	struct ast_pos pos;
};

/* pol: what is evaluated (static policies and links), tmpl: templates. */
struct cedar_policies {
	struct arena *a;
	struct ast_policy **pol, **tmpl;
	size_t pol_n, tmpl_n, pol_cap, tmpl_cap;
	struct map *by_id; /* of both kinds: an id is given once */
	uint64_t next;	   /* number of the next policyN */
	uint64_t seq;
};

/* ---- shared with the schema and entities files ---- */

/* Fills *why, which may be NULL. */
void ast_say(struct cedar_why *why, struct ast_pos pos, const char *fmt, ...)
    PRINTF(3, 4);
/* The same, worth e: "return ast_fail(ERR_SYNTAX, why, pos, ...)".  A macro, so
 * that analysers see that it is never OK. */
#define ast_fail(e, ...) (ast_say(__VA_ARGS__), (e))

/*
 * Makes a node of proto (kind, pos and what belongs to the kind) and kids,
 * which are copied.  ERR_LIMIT past AST_DEPTH and when a is spent.
 */
NODISCARD enum err ast_make(struct arena *a, const struct ast_expr *proto,
    const struct ast_expr *const *kid, size_t n, struct cedar_why *why,
    const struct ast_expr **out);
/* arena_alloc of n things, with the sentence when a is spent. */
NODISCARD enum err ast_alloc(struct arena *a, size_t n, size_t size,
    struct cedar_why *why, void *out_pointer);

/* [_a-zA-Z][_a-zA-Z0-9]* and not reserved (true false if then else in like has
 * is __cedar); the same joined by "::".  ast_is_word: reserved or not. */
bool ast_is_word(struct str s);
bool ast_is_ident(struct str s);
bool ast_is_name(struct str s);
bool ast_is_action(struct str type); /* Action, Ns::Action */

/* The tokens of Cedar: policies and schemas have the same. */
enum ast_token {
	TOK_END, /* of the text */
	TOK_WORD,
	TOK_NUMBER,
	TOK_STRING, /* raw: quotes and escapes as written */
	TOK_SLOT,   /* ?word */
	TOK_PUNCT,  /* @ . , ; : :: ( ) { } [ ] == != < <= >= > || && + - * / %
		       ! = ? */
};
struct ast_tok {
	enum ast_token kind;
	struct str s; /* as written; points into the text */
	struct ast_pos pos;
};
struct ast_lex {
	struct str text;
	size_t at;
	uint32_t line;
	size_t line_at; /* where the line begins */
	struct cedar_why *why;
};
void ast_lex_init(struct ast_lex *lx, struct str text, struct cedar_why *why);
NODISCARD enum err ast_lex_next(struct ast_lex *lx, struct ast_tok *out);
bool ast_tok_is(const struct ast_tok *t, const char *punct_or_word);
/* "found" for a sentence: the token cut to a short length, or "end of text". */
struct str ast_tok_show(const struct ast_tok *t, char room[static 48]);

/* What a TOK_STRING stands for; _pattern: with "\*" and wildcards. */
NODISCARD enum err ast_unescape(const struct ast_tok *t, struct arena *a,
    struct str *out, struct cedar_why *why);
NODISCARD enum err ast_unescape_pattern(const struct ast_tok *t,
    struct arena *a, struct ast_pattern *out, struct cedar_why *why);

/* Writing: a string literal with quotes; an attribute name bare or quoted. */
void ast_put_string(struct buf *out, struct str s);
void ast_put_pattern(struct buf *out, struct ast_pattern p);
/* Writes the code points of s, at most s.n; how many. */
size_t ast_points(struct str s, uint32_t *out);
size_t ast_utf8(uint32_t code_point, char out[static 4]);     /* its length */
void ast_put_expr(struct buf *out, const struct ast_expr *e); /* one line */

/* One expression by itself (tests, tools); all of it is a's. */
NODISCARD enum err ast_parse_expr(struct str text, struct arena *a,
    const struct ast_expr **out, struct cedar_why *why);
/* Its JSON form. */
void ast_expr_to_json(struct buf *out, const struct ast_expr *e);
bool ast_same(const struct ast_expr *x, const struct ast_expr *y);
bool ast_same_policy(const struct ast_policy *x, const struct ast_policy *y);

#endif
