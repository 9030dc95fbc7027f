/*
 * schema: JSON Schema 2020-12, complete, compiled, bounded.  A schema that is
 * a tape becomes an *image*: bytes without pointers, to be handed to another
 * process, opened there after a check, and asked about values.  Who asks needs
 * no parser of text: an image holds numbers, strings, and automata.
 *
 * Vocabularies (JSON Schema Core and Validation, 2020-12): core, applicator,
 * unevaluated, validation are judged; format is an annotation, unless asserted
 * by the caller or by the dialect; content and meta-data are annotations.
 * Dialects: 2020-12 (also where no $schema is named), 2019-09 and draft-07 as
 * far as their words go, and any whose meta-schema is among the documents
 * given.  A required vocabulary that is not one of these is refused.
 *
 * Nothing is ever fetched.  A $ref to what is neither in the schema, nor among
 * the documents given, nor a meta-schema of 2020-12 is an error of compiling.
 *
 * Numbers are exact: 1.0 is an integer, 0.3 is a multiple of 0.1, and
 * 9007199254740993 is not 9007199254740992.
 *
 * pattern and patternProperties are ECMA-262 with the flag u, run as automata
 * in time (length of text) x (length of pattern), look-around included.  A
 * back-reference cannot be: refused by name.
 *
 * Who owns what.  An image is the caller's buf; a struct schema is a view into
 * it.  The room keeps nothing between calls.
 */
#ifndef SCHEMA_H
#define SCHEMA_H

#include "json/json.h"

/* A document that a $ref may name; uri is absolute, without fragment. */
struct schema_doc {
	struct str uri;
	struct jv root;
};

/*
 * What compiling may cost.  What goes over is ERR_LIMIT.  Time is steps: one
 * for each value looked at, each string compared, each instruction made;
 * a step is some ten nanoseconds.
 */
struct schema_limits {
	uint32_t nodes;	  /* subschemas compiled */
	uint32_t image;	  /* bytes of the image */
	uint32_t pattern; /* instructions of one pattern, repeats written out */
	uint32_t paths;	  /* times that one value may be judged by the parts
			     of one schema: what a tower of allOf multiplies */
	uint64_t steps;
};
/* 20,000 nodes, 4 MiB, 4,000, 10,000 paths, 5 million steps */
extern const struct schema_limits schema_default;

/* The formats that can be asserted, as bits of schema_opts.formats. */
enum schema_format {
	SCHEMA_DATE_TIME,
	SCHEMA_DATE,
	SCHEMA_TIME,
	SCHEMA_DURATION,
	SCHEMA_EMAIL,
	SCHEMA_IDN_EMAIL,
	SCHEMA_HOSTNAME,
	SCHEMA_IPV4,
	SCHEMA_IPV6,
	SCHEMA_URI,
	SCHEMA_URI_REFERENCE,
	SCHEMA_IRI,
	SCHEMA_IRI_REFERENCE,
	SCHEMA_URI_TEMPLATE,
	SCHEMA_UUID,
	SCHEMA_JSON_POINTER,
	SCHEMA_RELATIVE_JSON_POINTER,
	SCHEMA_REGEX,
	SCHEMA_FORMATS, /* how many */
};
#define SCHEMA_ALL_FORMATS ((1U << SCHEMA_FORMATS) - 1)

/* The bit's number by its name in a schema ("date-time"); SCHEMA_FORMATS: a
 * format that this room does not know and so never asserts. */
enum schema_format schema_format_of(struct str name);

struct schema_opts {
	const struct schema_doc *docs; /* what $ref and $schema may name */
	size_t docs_n;
	struct str base;  /* URI of the schema itself; may be empty */
	uint32_t formats; /* those that are asserted; 0: only annotations */
	/*
	 * Members that no part of the schema names are refused, where an
	 * object schema names members and says nothing of others (neither
	 * additionalProperties nor unevaluatedProperties), at any depth.
	 */
	bool closed;
	const struct schema_limits *limits; /* NULL: schema_default */
};

/*
 * Appends the image of a checked tape to *image.  opts may be NULL.
 * ERR_SYNTAX: no schema, or one that means what cannot be judged: a keyword
 * with a value it may not have, an unknown $ref, dialect or vocabulary, a
 * pattern that is none, a $ref that comes back to itself without going into
 * the value.  ERR_LIMIT: over the limits, or a back-reference.  Then *image is
 * as before and *why (may be NULL) has a sentence that begins with the place in
 * the schema.
 */
NODISCARD enum err schema_compile(struct jv schema,
    const struct schema_opts *opts, struct buf *image, struct note *why);

/* A checked image.  The members are this room's. */
struct schema {
	const uint8_t *nodes, *code, *pool;
	uint32_t nodes_n, code_n, pool_n, root, dyns, dyns_n, program;
};

/*
 * Checks all of an image: every number in it, every string, value and
 * automaton.  ERR_SYNTAX: not one that schema_compile makes.  After OK no
 * schema_check reads outside it, whatever the value.  *out lives as long as
 * the bytes do.
 */
NODISCARD enum err schema_open(struct str image, struct schema *out);

/* Where and why a value does not conform. */
struct schema_fault {
	struct note at;	     /* JSON pointer (RFC 6901) into the value; empty:
				the value itself */
	struct note where;   /* place of the subschema: URI and JSON pointer */
	const char *keyword; /* "maximum"; "false" for a schema that is false */
	struct note why; /* a sentence; quotes the schema, never the value */
};
enum { SCHEMA_FAULTS = 8 };
struct schema_faults {
	size_t n;
	struct schema_fault v[SCHEMA_FAULTS]; /* the first */
};

/*
 * Does the value conform?  OK or ERR_SYNTAX.  The value is a tape that
 * json_parse made or tape_check let through.  ERR_LIMIT: it took more than
 * *steps, or more than SCHEMA_DEPTH subschemas inside one another, or a number
 * has an exponent of more than 15 digits; then nothing is known of the value.
 * A step is a subschema asked, a member or element, 16 bytes compared, a
 * state of an automaton: some ten nanoseconds.  *steps is what is left after.
 * Memory: eight bytes an element of the largest array where it must be
 * unique, a bit a member where unevaluated* asks, 16 bytes an instruction of
 * the largest pattern, and a bit a byte of the text for each look-around.
 * faults may be NULL; with it, what does not conform is gone over twice.
 */
enum { SCHEMA_DEPTH = 512 };
#define SCHEMA_STEPS 1000000 /* for a call or an answer: some ms at worst */
NODISCARD enum err schema_check(const struct schema *s, struct jv value,
    uint64_t *steps, struct schema_faults *faults);

#endif
