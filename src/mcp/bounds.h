/*
 * bounds: what tools let their arguments be.  The second half of the door:
 * mcp.h includes it, and others include mcp.h.
 */
#ifndef MCP_BOUNDS_H
#define MCP_BOUNDS_H

#include "json/json.h"

/*
 * What the inputSchema of each tool of a list asks (JSON Schema 2020-12:
 * maximum, enum, pattern, ...), an entry a tool, in their order: an image of
 * room schema, or why there is none.  For role back, which reads what its
 * server writes; who judges only opens images.  open: members that no part of
 * the schema names pass where it says nothing of others.  Time is bounded by
 * the list's size, some 200 ns a byte at worst.  Appends 256 KiB a tool and
 * some 6 MiB at most; what is larger has a reason instead.
 */
void bounds_put(struct jv tools, bool open, struct buf *out);
struct bounds {
	struct str image, why; /* one of them, or neither; views */
};
/* The next entry.  False: there is none, and *out is empty. */
bool bounds_next(struct cur *c, struct bounds *out);

#endif
