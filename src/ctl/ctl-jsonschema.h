/* ctl-jsonschema: JSON Schema on the command line: values judged by a schema,
 * and the room judged by the official suite. */
#ifndef CTL_JSONSCHEMA_H
#define CTL_JSONSCHEMA_H

#include "schema/schema.h"

struct ctl;
int ctl_schema_check(struct ctl *c); /* ctl-jsonschema.c */
int ctl_schema_suite(struct ctl *c); /* ctl-suite.c */

/* Documents that schemas may refer to: every *.json under a directory. */
struct docs {
	struct schema_doc *v;
	size_t n;
	struct buf *tapes;   /* n of them */
	struct arena *names; /* of the URIs */
};
/*
 * Reads them; the URI of each is prefix and its path under dir, or with prefix
 * NULL its own $id (who has none is left out).  CTL_YES, or what was said on
 * stderr.
 */
int docs_read(
    struct ctl *c, const char *dir, const char *prefix, struct docs *out);
void docs_done(struct docs *d);
/* Reads a file as a tape; CTL_YES, or what was said on stderr. */
int json_file(struct ctl *c, const char *path, struct buf *tape);

#endif
