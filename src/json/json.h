/*
 * json: strict JSON and nothing else.  Text is read into a *tape*, a flat
 * checked tree that crosses processes as it is; a tape is walked without
 * parsing, built, copied, and written back as JSON text or as JCS.
 *
 * Refused: duplicate members, lone surrogates, invalid UTF-8, BOM, trailing
 * bytes, depth and counts over the limits (RFC 8259; RFC 7493 s.2).  A number
 * keeps its text; who needs a value asks for it and may be refused.
 *
 * Tape bytes, one value (all integers little-endian, no alignment):
 *   tag u8 = enum jtype
 *   NULL FALSE TRUE  nothing more
 *   NUM STR          len u32, bytes (NUM: the JSON lexeme; STR: unescaped
 * UTF-8) ARR              count u32, size u32 of what follows, values OBJ count
 * u32, size u32 of what follows, members: keylen u32, key bytes, value
 *
 * Who owns what.  A struct jv is a view into somebody's bytes.  Builders
 * append to the caller's buf; a failed builder leaves the buf full.
 */
#ifndef JSON_H
#define JSON_H

#include "base/base.h"

enum jtype {
	J_NONE, /* absent: what jv_get gives when there is no such member */
	J_NULL,
	J_FALSE,
	J_TRUE,
	J_NUM,
	J_STR,
	J_ARR,
	J_OBJ,
};

struct jv {
	const uint8_t *p; /* at the tag; NULL when absent */
	size_t n;	  /* bytes of this value, tag included */
};

struct json_limits {
	size_t depth;	/* nesting of arrays and objects */
	size_t members; /* values in the whole text */
	size_t string;	/* bytes of one string, unescaped */
};
extern const struct json_limits json_default; /* 64, 100000, 8 MiB */
/* No limit of anybody's is deeper: what recurses over a tape stops here. */
enum { JSON_DEPTH_MAX = 256 };

/*
 * Reads exactly one JSON text.  Appends its tape to *tape.  ERR_SYNTAX or
 * ERR_LIMIT with a sentence and byte offset in *why (may be NULL); on error
 * tape->n is as before.
 */
NODISCARD enum err json_parse(struct str text, const struct json_limits *lim,
    struct buf *tape, struct note *why);

/*
 * Checks a tape that another process sent for all that json_parse promises:
 * bounds, tags, counts, exact size, depth and the other limits, UTF-8, number
 * grammar, no duplicate members.  ERR_SYNTAX, ERR_LIMIT.  After OK it may be
 * walked, judged and written; walking never reads outside even without.
 */
NODISCARD enum err tape_check(struct str bytes, const struct json_limits *lim);

/* Walking.  On J_NONE every question has the empty answer. */
struct jv jv_of(struct str tape); /* of one whole value; empty: J_NONE */
struct str jv_bytes(struct jv v);
enum jtype jv_type(struct jv v);
bool jv_is(struct jv v, enum jtype t);
size_t jv_count(struct jv v);	/* members or elements */
struct str jv_str(struct jv v); /* STR or NUM text; else empty */
bool jv_true(struct jv v);	/* is exactly true */
struct jv jv_get(struct jv obj, struct str key);
struct jv jv_at(struct jv obj, const char *path); /* "a/b/c", members only */
bool jv_same(struct jv a, struct jv b);		  /* equal bytes */
/* Exact or refused (ERR_SYNTAX not a number, ERR_LIMIT not exact): 1.0 and 1e2
 * are integers. */
NODISCARD enum err jv_i64(struct jv v, int64_t *out);

struct jit {
	const uint8_t *p, *end;
	bool obj;
};
struct jit jit_of(struct jv v); /* of an array or object; else ends at once */
/* key is empty for arrays; either pointer may be NULL. */
bool jit_next(struct jit *it, struct str *key, struct jv *val);

/*
 * Building.  tape_obj/tape_arr open a container; between open and tape_end
 * write members (tape_key then a value) or values; marks nest by the C stack.
 * A key or string that is not UTF-8 and a lexeme that is no number mark the
 * buf full; that no key comes twice is the builder's own promise.
 */
size_t tape_obj(struct buf *b); /* returns a mark for tape_end */
size_t tape_arr(struct buf *b);
void tape_end(struct buf *b, size_t mark, size_t count);
void tape_key(struct buf *b, struct str key);
void tape_str(struct buf *b, struct str s);
void tape_num(struct buf *b, struct str lexeme);
void tape_i64(struct buf *b, int64_t v);
void tape_bool(struct buf *b, bool v);
void tape_null(struct buf *b);
void tape_copy(struct buf *b, struct jv v); /* J_NONE writes null */

/*
 * JSON text: no spaces, members in order, number text kept, only what must be
 * escaped is escaped.  J_NONE writes null.  When it does not fit, or the tape
 * is hostile (a string not UTF-8, a lexeme no number), nothing is written and
 * the buf is marked full.
 */
void json_write(struct jv v, struct buf *out);
/* A JSON string literal with quotes; the same on what is not UTF-8. */
void json_quote(struct str s, struct buf *out);
/*
 * RFC 8785.  On error *out is as before: ERR_SYNTAX for J_NONE and a broken
 * tape; ERR_LIMIT when it does not fit or a number cannot stand for its text.
 * A number may be written when the text JCS gives its double has exactly the
 * value of the lexeme (0.1, 1e2, 4.50, 9007199254740992, not ...993, not
 * 1e400), or when it is a fraction of at most 17 significant digits with a
 * normal double (333333333.33333329, written 333333333.3333333).
 */
NODISCARD enum err json_jcs(struct jv v, struct buf *out);

#endif
