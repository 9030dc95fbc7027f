/* export-in: what the files of this room share. */
#ifndef EXPORT_IN_H
#define EXPORT_IN_H

#include "export/export.h"

/* ---- objects on a tape ---- */
struct obj {
	struct buf *b;
	size_t mark, n;
};
struct obj obj_begin(struct buf *b);
struct obj obj_in(struct obj *o, const char *key); /* a member, an object */
void obj_end(struct obj *o);
void obj_str(struct obj *o, const char *key, struct str s); /* empty: none */
void obj_lit(struct obj *o, const char *key, const char *s);
void obj_num(struct obj *o, const char *key, int64_t v);
void obj_bool(struct obj *o, const char *key, bool v);
/* The member's key, for a value that the caller appends. */
struct buf *obj_key(struct obj *o, const char *key);

/* ---- what a record says, its decision's word where it has none ---- */
struct facts {
	const struct export_view *v;
	struct str kind, agent, subject, server, method, name, session, policy;
	struct str verdict, reason, rule, status, error; /* its own alone */
	char uid[48], correlation[48];
	int64_t time_us;
	struct str attestation; /* a state: "present", "absent", ... */
	struct str delegation;	/* likewise */
	struct jv chain;	/* an array, or none */
};
void export_facts(const struct export_view *v, struct facts *out);
/* The state of a value that a record may replace by why it is not there:
 * "present", "absent", "pending", "not_established", "not_available"; *why:
 * the premise or reason, or empty. */
struct str state_of(struct jv v, struct str *why);
/* Names from whom the delegation begins to who acts, as an array. */
void put_path(const struct facts *f, struct buf *b);
/* "deny robot tools/call files/read: reason" */
void put_message(const struct facts *f, struct buf *out);
/* What the log writer's format members are called in every format. */
void put_named(const struct facts *f, struct obj *o);

#endif
