/*
 * json-in: what the files that read entities and requests from JSON share.
 */
#ifndef CEDAR_JSON_IN_H
#define CEDAR_JSON_IN_H

#include "cedar/eval.h"
#include "cedar/schema.h"
#include "json/json.h"

/* Where one is, for messages: frames on the C stack. */
struct json_at {
	const struct json_at *up;
	struct str key;
};
struct json_in {
	struct arena *a;
	const struct cedar_schema *s; /* or NULL */
	struct cedar_why *why;
};

/* A JSON text as a tape in in->a, so that strings need no copies. */
NODISCARD enum err json_in_text(
    struct json_in *in, struct str text, size_t members, struct jv *out);
/* Says why, with the path; gives e. */
enum err json_in_fail(struct json_in *in, enum err e, const struct json_at *at,
    const char *fmt, ...) PRINTF(4, 5);
/* {"type", "id"} or {"__entity": that} */
NODISCARD enum err json_in_uid(struct json_in *in, struct jv v,
    const struct json_at *at, struct cedar_uid *out);
/*
 * A value of type t; t NULL: of any, by its escapes alone.  With a type what
 * comes out has it, and names only entities that the schema lets exist.
 */
NODISCARD enum err json_in_value(struct json_in *in, struct jv v,
    const struct ty *t, const struct json_at *at, struct cedar_value *out);
/* Each member of object v, typed by t (the attributes of a record). */
NODISCARD enum err json_in_record(struct json_in *in, struct jv v,
    const struct ty *t, const struct json_at *at, struct cedar_value *out);
/* May uid exist by the schema? (enum entities, actions) */
NODISCARD enum err json_in_exists(
    struct json_in *in, struct cedar_uid uid, const struct json_at *at);

#endif
