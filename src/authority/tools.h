/*
 * tools: what servers show of their tools, and what follows for their calls and
 * for who writes policies.  The second half of the door: authority.h includes
 * it, and others include authority.h.
 */
#ifndef AUTHORITY_TOOLS_H
#define AUTHORITY_TOOLS_H

#include "authority/authority.h"
#include "mcp/mcp.h"

/* ---- what tools are ---- */

/*
 * A tool as its server's tools/list shows it (a tape), made ready for its
 * calls: context.input of action "SERVER___name" has the types of the schema
 * that policy_check validates with, and policy_decide denies what b's image
 * (mcp/bounds.h) does not let pass.  b NULL: types alone.  Keeps nothing of the
 * tape and of b. ERR_SYNTAX, ERR_LIMIT: its inputSchema has no types, or b no
 * image; *why says what is wrong.
 */
struct typed;
NODISCARD enum err typed_new(struct jv tool, struct str server,
    const struct bounds *b, struct typed **out, struct note *why);
/* The same for who may compile: people's commands. */
NODISCARD enum err typed_compile(struct jv tool, struct str server, bool open,
    struct typed **out, struct note *why);
void typed_free(struct typed *t); /* NULL is fine */
/* Can a policy that reads context.input apply to this tool?  Then its calls
 * should have types. */
bool policy_types(const struct policy *p, struct str server, struct str tool);
/* What the image says of one server's tools (image.servers[i], views). */
struct terms {
	struct jv facts, risk; /* by tool */
	bool trusted;	       /* its tools' annotations count */
	bool open, always;     /* servers.NAME.arguments */
};
struct terms terms_of(struct jv server);
/*
 * Fills facts, open, risk and guessed of a call to tool c->name, from that and
 * from the tool's own definition (absent: not known).  What the operator
 * declares wins; a tool's annotations count where the operator trusts them;
 * else nobody knows (guessed): the call is decided as if it were in no group
 * *and* as if it were in each that policies name, and the strictest verdict
 * stands.  So what a server says or leaves out never opens anything.
 */
void call_terms(const struct terms *d, struct jv tool, struct call *c);
/* As if it were in those, bits in the order read, write, destructive, egress,
 * money. */
enum { RISK_MONEY = 1 << (RISK_MAX - 1), RISK_ALL = (1 << RISK_MAX) - 1 };
void risk_assume(struct call *c, unsigned groups);

/* ---- checking, for people and for role load ---- */

/*
 * Servers' tools as the ledger has them: give it every record, in any order;
 * it takes kind "definition", the newest of each tool.  put: the tape of
 * {SERVER: [tool, ...]} for servers of the image that have any; a tool whose
 * definition was too long for a record is not there.
 */
struct pins;
struct pins *pins_new(void);
void pins_free(struct pins *p); /* NULL is fine */
void pins_take(struct pins *p, struct jv record);
void pins_put(const struct pins *p, struct jv image, struct buf *tape);

struct policy_finding {
	struct str file, policy; /* where; or, of a tool and its terms, */
	struct str server, tool; /* whose it is, and file is empty */
	uint32_t line, col;
	bool warning;
	struct note note;
};
struct policy_check {
	bool strict_only; /* not what is legal and rarely meant */
	void *arg;
	void (*got)(void *arg, const struct policy_finding *f);
};
/*
 * Every policy file of the image (with texts), validated strictly against the
 * tools there are, and asked for what is legal and rarely meant.  tools: tape
 * of {SERVER: [tool as tools/list has it, ...]}; absent or empty: names and
 * types are not checked.  Policies about a server that is not in it are not
 * checked and say so.  ERR_SYNTAX, ERR_LIMIT: it could not be done; *why.
 */
NODISCARD enum err policy_check(struct jv image, struct jv tools,
    const struct policy_check *to, struct note *why);

#endif
