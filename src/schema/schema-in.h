/*
 * schema-in: what the files of this room share: the layout of an image, exact
 * numbers, patterns, URIs.
 *
 * An image is words of 32 bits, little-endian, without alignment, and bytes:
 *   HEAD words  enum head
 *   nodes       NODE words each, enum node: a subschema
 *   code        words: the operations of each node up to OP_END, and the
 *               blocks they point to (names, programs, classes, lists)
 *   pool        bytes: strings and values
 * An operation is one word, enum op and 256 times its operands, and so many
 * words.  A node is named by its number, a block by its place in the code, a
 * string or value by two words: place in the pool and length.
 */
#ifndef SCHEMA_IN_H
#define SCHEMA_IN_H

#include "schema/schema.h"

enum head {
	H_MAGIC,
	H_SIZE, /* bytes of the image */
	H_NODES,
	H_CODE, /* words */
	H_POOL, /* bytes */
	H_ROOT, /* a node */
	H_DYNS, /* block: places of lists, one for each $dynamicRef name */
	H_DYNS_N,
	H_PROGRAM, /* instructions of the longest program */
	HEAD,
};
#define IMAGE_MAGIC 0x314a4847U /* "GHJ1" */

enum node {
	N_CODE,	    /* place of its operations */
	N_RESOURCE, /* number of the resource it belongs to */
	N_TRACKS,   /* 1: it asks which members no other keyword judged */
	N_WHERE,    /* its place in the schema, a string */
	N_WHERE_N,
	NODE,
};
enum { NODE_TRUE, NODE_FALSE, NODE_FIRST }; /* the first two are always there */
#define NONE UINT32_MAX /* no node, no limit, an empty slot */

/*
 * The operations, their keyword, and their operands:
 *   n node  N nodes to the end  u number  s string  # number value
 *   v value  V hash and value, to the end  p program  y index of a $dynamicRef
 *   name  f format  T set of types  m names  D pairs of strings to the end
 *   S string and node, to the end  P program and node, to the end
 *   o node or NONE
 */
#define OPS(X)                                                                 \
	X(OP_END, "", "")                                                      \
	X(OP_FALSE, "false", "")                                               \
	X(OP_TYPE, "type", "T")                                                \
	X(OP_CONST, "const", "v")                                              \
	X(OP_ENUM, "enum", "V")                                                \
	X(OP_MULTIPLE, "multipleOf", "#")                                      \
	X(OP_MAX, "maximum", "#")                                              \
	X(OP_XMAX, "exclusiveMaximum", "#")                                    \
	X(OP_MIN, "minimum", "#")                                              \
	X(OP_XMIN, "exclusiveMinimum", "#")                                    \
	X(OP_MAXLEN, "maxLength", "u")                                         \
	X(OP_MINLEN, "minLength", "u")                                         \
	X(OP_PATTERN, "pattern", "ps")                                         \
	X(OP_FORMAT, "format", "f")                                            \
	X(OP_MAXITEMS, "maxItems", "u")                                        \
	X(OP_MINITEMS, "minItems", "u")                                        \
	X(OP_UNIQUE, "uniqueItems", "")                                        \
	X(OP_ITEMS, "items", "oN")                                             \
	X(OP_CONTAINS, "contains", "nuu")                                      \
	X(OP_MAXPROPS, "maxProperties", "u")                                   \
	X(OP_MINPROPS, "minProperties", "u")                                   \
	X(OP_OBJECT, "properties", "moP")                                      \
	X(OP_PROPNAMES, "propertyNames", "n")                                  \
	X(OP_DEPREQ, "dependentRequired", "D")                                 \
	X(OP_DEPSCHEMA, "dependentSchemas", "S")                               \
	X(OP_REF, "$ref", "n")                                                 \
	X(OP_DYNREF, "$dynamicRef", "ny")                                      \
	X(OP_ALLOF, "allOf", "N")                                              \
	X(OP_ANYOF, "anyOf", "N")                                              \
	X(OP_ONEOF, "oneOf", "N")                                              \
	X(OP_NOT, "not", "n")                                                  \
	X(OP_IF, "if", "nnn")                                                  \
	X(OP_UNEVAL_ITEMS, "unevaluatedItems", "n")                            \
	X(OP_UNEVAL_PROPS, "unevaluatedProperties", "n")
#define OP_ENUM_ROW(op, keyword, operands) op,
enum op { OPS(OP_ENUM_ROW) OP__N };
struct op_row {
	const char *keyword, *operands;
};
extern const struct op_row op_rows[OP__N];

/* Types, as bits of OP_TYPE: 1 << enum jtype; TRUE stands for both booleans. */
enum { TYPE_INTEGER = 1 << 8, TYPE_ALL = 0x1ff & ~1, TYPES = 7 };
struct type_row {
	struct str name; /* as "type" says it */
	uint32_t bits;
};
extern const struct type_row type_rows[TYPES];

/* Names (properties and required): size, how many are required, then size
 * slots, a power of two, at least one of them empty. */
enum name_slot { S_KEY, S_KEY_N, S_NODE, S_REQUIRED, SLOT };
enum { NAMES_SIZE, NAMES_REQUIRED, NAMES };

/* A program: instructions, looks, then the looks (program, is it behind),
 * then the instructions, INST words each. */
enum { PROG_N, PROG_LOOKS, PROG };
enum { LOOK_PROG, LOOK_BEHIND, LOOK };
enum { INST_OP, INST_X, INST_Y, INST };
enum inst {
	I_MATCH,
	I_CHAR,	 /* x: code point */
	I_CLASS, /* x: block */
	I_SPLIT, /* x, y */
	I_JUMP,	 /* x */
	I_BEGIN,
	I_END,
	I_WORD, /* x: 1 is a border of words, 0 is none */
	I_LOOK, /* x: which; y: 1 must not match */
	I__N,
};
enum { LOOKS_MAX = 16 }; /* a bit for each byte of the text and each of them */
/* A class: four words of ASCII, a count, then pairs first and last. */
enum { CLASS_N = 4, CLASS };

static inline uint32_t
word(const uint8_t *p, size_t i)
{
	uint32_t v;

	p += 4 * i;
	v = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	    (uint32_t)p[3] << 24;
	return v;
}

static inline void
word_set(void *at, uint32_t v)
{
	uint8_t *p = at;

	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
	p[2] = (uint8_t)(v >> 16);
	p[3] = (uint8_t)(v >> 24);
}

/* ---- number.c: exact decimals of any length ---- */

/* 0.ddd times ten to the point; digits are those of the lexeme that are
 * neither leading nor trailing zeros.  n 0: zero. */
struct number {
	bool neg;
	size_t n; /* digits */
	int64_t point;
	const char *p, *end; /* first digit; behind the last: the dot is in
				between */
};
/* False: an exponent of more than 15 digits. */
bool number_read(struct str lexeme, struct number *out);
int number_cmp(const struct number *a, const struct number *b);
bool number_is_integer(const struct number *a);
enum { MULTIPLE_DIGITS = 18 };
/* b has at most MULTIPLE_DIGITS digits and is not 0. */
bool number_is_multiple(const struct number *a, const struct number *b);
uint32_t number_hash(const struct number *a);

/* ---- equal.c: values, as JSON Schema compares them ---- */

/* Both spend steps; nothing is known when they are spent.  A number that
 * cannot be read spends all. */
bool value_same(struct jv a, struct jv b, uint64_t *steps);
uint32_t value_hash(struct jv v, uint64_t *steps);
bool values_differ(struct jv array, uint64_t *steps);

static inline void
spend(uint64_t *steps, uint64_t n)
{
	*steps = *steps > n ? *steps - n : 0;
}

/* ---- regex-parse.c, regex-class.c, regex-make.c, regex-run.c ---- */

/* Compiles a pattern into code (words); *at is its place.  ERR_SYNTAX or
 * ERR_LIMIT with a sentence.  *longest grows to the instructions it has. */
NODISCARD enum err regex_make(struct str pattern, uint32_t most,
    struct buf *code, uint32_t *at, uint32_t *longest, struct note *why);
/* Memory for running programs of a length; mem_free(.p). */
struct regex_room {
	uint32_t *p;
	uint32_t most; /* instructions */
};
/* Is there a match anywhere?  Spends steps. */
bool regex_run(const uint8_t *code, uint32_t at, struct str text,
    struct regex_room *room, uint64_t *steps);
/* Are the words of a program well?  For images that others made.  Spends
 * steps, and says no when they are spent. */
bool regex_ok(const uint8_t *code, uint32_t code_n, uint32_t at, uint32_t most,
    uint64_t *steps);

/* The next code point; bytes that are not UTF-8 are their own value. */
static inline uint32_t
utf8_next(const char **at, const char *end)
{
	const uint8_t *p = (const uint8_t *)*at;
	const size_t left = (size_t)(end - *at);
	const size_t n = p[0] < 0xc0   ? 1
			 : p[0] < 0xe0 ? 2
			 : p[0] < 0xf0 ? 3
				       : 4;
	uint32_t c = p[0];

	if (n == 1 || n > left) {
		*at += 1;
		return c;
	}
	c &= 0x7fU >> n;
	for (size_t i = 1; i < n; i++)
		c = c << 6 | (p[i] & 0x3f);
	*at += n;
	return c;
}

/* ---- unicode.c: ranges of a property ---- */

/* Calls add(first, last) for each range of \p{name} or \p{name=value}; false:
 * not known. */
struct uni_name {
	struct str brief, full; /* "Lu", "Uppercase_Letter" */
};
typedef void range_add(void *arg, uint32_t first, uint32_t last);
bool unicode_ranges(
    struct str name, struct str value, range_add *add, void *arg);

/* ---- uri.c: RFC 3986, section 5 ---- */

struct uri {
	struct str scheme, authority, path, query, fragment;
	bool has_authority, has_query, has_fragment;
};
void uri_split(struct str s, struct uri *out);
/* Appends ref, resolved against base, without its fragment. */
void uri_resolve(struct str base, struct str ref, struct buf *out);

/* ---- format.c ---- */

/* What is no string is always of a format. */
bool format_ok(enum schema_format f, struct str s);
const char *format_name(enum schema_format f);

/* ---- meta.c: the meta-schemas of 2020-12, as text ---- */
struct str meta_text(struct str uri); /* empty: none of them */

#endif
