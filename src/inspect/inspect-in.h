/* inspect-in: what the files of this room share. */
#ifndef INSPECT_IN_H
#define INSPECT_IN_H

#include "inspect/inspect.h"

#include <hs/hs.h>

/* What a pattern reads. */
enum view {
	VIEW_FOLDED, /* canonical: one case, one script, no hidden signs */
	VIEW_RAW,    /* the bytes as they came */
	VIEW_HIDDEN, /* canonical, and only what a person does not see */
	VIEWS
};

/* What an argument is for, guessed from its name and its tool's. */
enum role {
	ROLE_OTHER,
	ROLE_SHELL,
	ROLE_SQL,
	ROLE_BODY, /* text, code, templates that are meant to be anything */
	ROLE_PATH,
	ROLE_URL,
	ROLES
};
enum role role_of(struct str tool, struct str key);
bool role_by_name(struct str name, enum role *out);

/* ---- detectors: what no pattern can say ---- */
#define DETECTORS(X)                                                           \
	X(DET_TAGS, "hidden-tags")                                             \
	X(DET_BIDI, "hidden-bidi")                                             \
	X(DET_ZERO, "hidden-zero-width")                                       \
	X(DET_VARIATION, "hidden-variation")                                   \
	X(DET_CONTROL, "control-sequence")                                     \
	X(DET_MIXED, "mixed-script")                                           \
	X(DET_ENCODED, "encoded-text")                                         \
	X(DET_HIDDEN, "hidden-markup")                                         \
	X(DET_CARRY, "data-carrying-link")                                     \
	X(DET_ENCODED_DOTS, "path-encoded")                                    \
	X(DET_CLIMB, "path-climbs")                                            \
	X(DET_INTERNAL, "url-internal")                                        \
	X(DET_SECRET, "secret-checked")
enum detector {
#define DETECTOR_ENUM(id, name) id,
	DETECTORS(DETECTOR_ENUM)
#undef DETECTOR_ENUM
	    DETECTOR_N
};
enum detector detector_by_name(struct str name); /* DETECTOR_N: none */

/* ---- rules.c ---- */
enum { NEEDS_MAX = 4 };
struct rule {
	struct str id, what;
	int64_t revision;
	unsigned planes, unless; /* 1 << plane, 1 << role */
	enum inspect_action action;
	unsigned score;
	enum view view;
	uint16_t needs[NEEDS_MAX]; /* all of them, within `within` bytes */
	size_t needs_n, within;
	unsigned entropy; /* bits a sign times 10 that a match must have */
	uint64_t ns_kb;
	struct jv all;
};
/* A pattern, or a part of one: see parts.c. */
#define NO_PART UINT32_MAX
struct pattern {
	struct str text;
	uint16_t rule;
	bool last;	      /* the rule has seen something when this has */
	uint32_t after;	      /* the part before; NO_PART: none */
	uint32_t gap;	      /* at most so many bytes behind it */
	uint32_t least, most; /* bytes that it matches */
	struct jv at;
};
struct inspect_rules {
	struct buf rules, patterns;	  /* struct rule, struct pattern */
	hs_database_t *db[VIEWS];	  /* NULL: no pattern reads that */
	uint16_t by_detector[DETECTOR_N]; /* rule + 1; 0: none */
};
struct rule *rules_at(const struct inspect_rules *r, size_t i);
size_t rules_n(const struct inspect_rules *r);
#define PATTERN_AT(r, i) ((struct pattern *)(void *)(r)->patterns.p + (i))
#define PATTERN_N(r) ((r)->patterns.n / sizeof(struct pattern))

/* ---- parts.c ---- */

/* Adds one pattern of a rule, in parts.  false: brackets do not match. */
bool parts_add(
    struct inspect_rules *r, uint16_t rule, struct str text, struct jv at);

/* Fills n bytes with the fixed text that patterns are timed on. */
void timed_text(char *p, size_t n);

/* ---- an item being looked at ---- */
enum { SEEN_MAX = 256 };
struct seen {
	uint16_t rule;
	uint32_t at; /* in the item: texts one after another */
};
struct inspect {
	const struct inspect_rules *r;
	hs_scratch_t *scratch;
	struct buf folded[INSPECT_DEPTH + 1], plain[INSPECT_DEPTH + 1], hidden;
	/* of the item */
	struct seen seen[SEEN_MAX];
	size_t seen_n, left; /* bytes that may still be read */
	uint32_t base;
	bool unscanned;
	/* of the text */
	enum inspect_plane plane;
	enum role role;
	const char *text; /* that hs is reading now */
	size_t text_n;
	struct part_seen {
		uint32_t scan, end;
	} * parts; /* where each part was seen last, and in which scan */
	uint32_t scan;
	uint64_t hits[INSPECT_RULES_MAX / 64];
};
/* A detector, or a rule, saw something at a byte of the text. */
void saw(struct inspect *i, enum detector d, size_t at);
void saw_rule(struct inspect *i, size_t rule, size_t at);
/* Looks at a text inside the text: decoded, or hidden. */
void look_inside(struct inspect *i, struct str s, size_t at, unsigned depth);
void look_hidden(struct inspect *i, struct str s, size_t at);
/* Pays for n bytes; false: spent. */
bool pay(struct inspect *i, size_t n);

/* ---- fold.c: canonical text ---- */

/* One sign of UTF-8; bad bytes are taken one by one, as U+FFFD. */
uint32_t utf8_next(const unsigned char *p, size_t n, size_t *used);
void utf8_put(struct buf *b, uint32_t c);
/* Looks like a Latin letter and is none. */
bool sign_alike(uint32_t c);
/* Appends s: ASCII letters small, look-alikes as what they look like, what is
 * invisible left out, any white space as one space.  True: all was printable
 * ASCII, so no sign hides anything. */
bool fold(struct str s, struct buf *out);
/* The same of what has percent escapes, entities and comments of SQL in it, as
 * the furthest reader would see it. */
void unescape(struct str s, struct buf *out);

/* ---- hidden.c, decode.c, markup.c, path.c, secret.c ---- */
void look_signs(struct inspect *i, struct str s, unsigned depth);
void look_encoded(struct inspect *i, struct str s, unsigned depth);
void look_markup(struct inspect *i, struct str s);
void look_argument(struct inspect *i, struct str s);
void look_secrets(struct inspect *i, struct str s);
/* Bits a sign, times 10. */
unsigned entropy10(struct str s);
/* Is it what people write where a secret would be? */
bool placeholder(struct str s);
/* The end of the token that goes on at `at`. */
size_t token_end(struct str s, size_t at);

#endif
