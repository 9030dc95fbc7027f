/*
 * values: what Cedar computes with, and how a program that has no JSON makes
 * values, entities and requests.  A part of the door.
 *
 * Who owns what.  A value is 16 bytes, passed by copy; what it points to
 * (text, elements, fields) lives in the arena or the text it was made from.
 * Makers do not fail: they give CEDAR_NONE when the arena is spent or an input
 * is none or ill-formed, and what is built from a none is none; so ask once,
 * at the end.
 */
#ifndef CEDAR_VALUES_H
#define CEDAR_VALUES_H

#include "base/base.h"

struct cedar_uid {
	struct str type, id; /* "Ns::User", "alice" (unescaped) */
};

struct cedar_why;
struct cedar_entities;
struct cedar_schema;
struct cedar_request;

enum cedar_type {
	CEDAR_NONE, /* no value: an error, or absent */
	CEDAR_BOOL,
	CEDAR_LONG,
	CEDAR_STRING,
	CEDAR_ENTITY,
	CEDAR_SET,
	CEDAR_RECORD,
	CEDAR_DECIMAL,	/* i: ten-thousandths */
	CEDAR_DATETIME, /* i: milliseconds since 1970 */
	CEDAR_DURATION, /* i: milliseconds */
	CEDAR_IP,
	CEDAR_TYPE__N,
};
const char *cedar_type_name(enum cedar_type t);

/* An entity's name with its hash; whoever compares many makes it once. */
struct cedar_ref {
	uint64_t hash;
	struct cedar_uid uid;
};

struct cedar_value {
	uint8_t type; /* enum cedar_type */
	uint8_t bits; /* of an IP: the prefix */
	bool v6;      /* of an IP */
	uint32_t n;   /* bytes, elements, fields */
	union {
		int64_t i; /* BOOL: 0 or 1 */
		const char *p;
		const struct cedar_ref *ref;
		const struct cedar_value *el;	 /* in order, none twice */
		const struct cedar_field *field; /* in order of keys */
		const uint8_t *ip;		 /* 16 bytes; v4: first 4 */
	};
};
struct cedar_field {
	struct str key;
	struct cedar_value v;
};

struct cedar_value cedar_bool(bool b);
struct cedar_value cedar_long(int64_t i);
struct cedar_value cedar_string(struct str s); /* UTF-8; not copied */
struct cedar_value cedar_decimal(int64_t ten_thousandths);
struct cedar_value cedar_datetime(int64_t ms);
struct cedar_value cedar_duration(int64_t ms);
struct cedar_value cedar_entity(const struct cedar_ref *ref);
struct cedar_ref cedar_ref_of(struct cedar_uid uid); /* text not copied */
/* What the constructors decimal("..."), ip, datetime, duration accept. */
struct cedar_value cedar_decimal_of(struct str s);
struct cedar_value cedar_datetime_of(struct str s);
struct cedar_value cedar_duration_of(struct str s);
struct cedar_value cedar_ip_of(struct str s, struct arena *a);
/* A JSON number as a decimal: exactly, or none. */
struct cedar_value cedar_decimal_of_number(struct str number);
/* RFC 3339 (s.5.6): exact to the millisecond, or none; a duration without
 * years and months, whose length nobody knows. */
struct cedar_value cedar_datetime_of_rfc3339(struct str s);
struct cedar_value cedar_duration_of_rfc3339(struct str s);
/* Copies v; twice the same is once. */
struct cedar_value cedar_set(
    const struct cedar_value *v, size_t n, struct arena *a);
/* Copies f; a key twice is none. */
struct cedar_value cedar_record(
    const struct cedar_field *f, size_t n, struct arena *a);

/* The same of an array of the arena's own, which becomes the value's and is
 * put in order where it is: best by length of keys, then by bytes. */
struct cedar_value cedar_set_in(
    struct cedar_value *v, size_t n, struct arena *a);
struct cedar_value cedar_record_in(
    struct cedar_field *f, size_t n, struct arena *a);

struct str cedar_text(struct cedar_value v); /* of a STRING; else empty */
bool cedar_same(struct cedar_value a, struct cedar_value b); /* Cedar's == */
/* A total order, for sorting: < 0, 0, > 0; it means nothing more. */
int cedar_compare(struct cedar_value a, struct cedar_value b);
bool cedar_has(struct cedar_value set, struct cedar_value v);
/* Of a RECORD; NULL: no such. */
const struct cedar_value *cedar_get(struct cedar_value rec, struct str key);
void cedar_value_put(struct buf *out, struct cedar_value v); /* Cedar text */

/* ---- entities and requests ---- */

/* JSON text as the tape that some functions take: strict, at most 64 deep.  The
 * tape lives in a. */
NODISCARD enum err cedar_tape_of_json(
    struct str text, struct arena *a, struct str *tape, struct cedar_why *why);
/*
 * A value from a tape, which must live as long: strings are not copied.
 * type NULL: of any; else as the schema has the context of an action, or a
 * member of it (member not empty).
 */
struct cedar_member {
	const struct cedar_schema *schema;
	struct cedar_uid action;
	struct str member;
};
NODISCARD enum err cedar_value_of_tape(struct str tape,
    const struct cedar_member *type, struct arena *a, struct cedar_value *out,
    struct cedar_why *why);

/*
 * Without JSON: new, add, close.  The text of names and the values must live
 * as long as the store; cedar_entities_arena() is a place for them.  The same
 * entity twice is fine; ERR_SYNTAX: another of that name, or its own ancestor.
 */
struct cedar_new_entity {
	struct cedar_uid uid;
	struct cedar_value attrs, tags; /* records; or none */
	const struct cedar_uid *parent;
	size_t parent_n;
};
struct cedar_entities *cedar_entities_new(void);
struct arena *cedar_entities_arena(struct cedar_entities *es);
NODISCARD enum err cedar_entities_add(
    struct cedar_entities *es, const struct cedar_new_entity *x);
NODISCARD enum err cedar_entities_close(
    struct cedar_entities *es, struct cedar_why *why);
void cedar_entities_free(struct cedar_entities *es); /* NULL is fine */
/*
 * A call's own entities over a closed store that others share (or NULL): lives
 * in a, is added to parents first, needs no close and no free.  It hides what
 * the base has under the same name.  NULL: a is spent.
 */
struct cedar_entities *cedar_entities_over(
    const struct cedar_entities *base, struct arena *a);
/* A request from values, unchecked; context is a record.  ERR_LIMIT: a is
 * spent; ERR_SYNTAX: context is none. */
NODISCARD enum err cedar_request_of(const struct cedar_uid par[static 3],
    struct cedar_value context, struct arena *a, struct cedar_request **out);

#endif
