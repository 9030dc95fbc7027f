/*
 * mcp: tools of MCP servers (2025-11-25, server/tools) as actions of a schema,
 * and their calls as its contexts: the mapping of cedar-for-agents 0.6.0.
 */
#ifndef CEDAR_MCP_H
#define CEDAR_MCP_H

#include "base/base.h"
#include "cedar/values.h"

/*
 * A schema with one action for each tool of MCP servers.  stub: schema text of
 * one namespace with @mcp_principal and @mcp_resource on the entity types that
 * tools apply to, @mcp_action on the actions all are members of and
 * @mcp_context("name") on types in every context; empty: a small Gatehouse.
 * tools: JSON, an answer to tools/list, a list of tools or a tool.
 */
struct cedar_mcp_options {	 /* all false: as others do */
	bool outputs;		 /* context.output too */
	bool objects_as_records; /* where no other members may come */
	bool keep_annotations;	 /* the stub's @mcp_... */
	bool flatten;		 /* one namespace */
	bool numbers_as_decimal;
	bool json;    /* writes JSON and not text */
	bool lenient; /* what Cedar cannot say is Unknown, not an error */
	/* Is the tool in the stub's action that has @mcp_group?  NULL: no. */
	bool (*in_group)(void *arg, struct str tool, struct str action);
	void *arg;
};
NODISCARD enum err cedar_mcp_schema(struct str stub, struct str tools,
    const struct cedar_mcp_options *o, struct buf *out, struct cedar_why *why);
struct cedar_mcp_server { /* its tool "read" is action "NAME___read" */
	struct str name, tools;
};
NODISCARD enum err cedar_mcp_schema_of(struct str stub,
    const struct cedar_mcp_server *server, size_t n,
    const struct cedar_mcp_options *o, struct buf *out, struct cedar_why *why);

/* ---- calls of MCP tools ---- */

/*
 * What one tool takes, by the mapping of cedar_mcp_schema with
 * objects_as_records, numbers_as_decimal and lenient: made once, asked for each
 * call.  tool: tape of the tool as tools/list shows it; space and action as the
 * schema has them: "Gatehouse", "fs___read".  Keeps nothing of its arguments.
 * ERR_SYNTAX, ERR_LIMIT: the tool's schema has no types.
 */
struct cedar_mcp_input;
NODISCARD enum err cedar_mcp_input_new(struct str tool, struct str space,
    struct str action, struct cedar_mcp_input **out, struct cedar_why *why);
void cedar_mcp_input_free(struct cedar_mcp_input *in); /* NULL is fine */
/*
 * A call's arguments as context.input: a tape of an object, or absent, which is
 * an object without members.  open: members that the tool does not declare are
 * left out where its schema lets them come; else they are refused.  Objects
 * with named-type members of any name are entities with tags, added to es.
 * ERR_SYNTAX: a member that is missing, undeclared, of another type or not
 * exactly a value of its type, by its path; ERR_LIMIT: a is spent, or it is
 * nested too deeply or too large.  Text is not copied.
 */
struct cedar_mcp_given {
	struct str arguments;
	bool open;
};
NODISCARD enum err cedar_mcp_input_value(const struct cedar_mcp_input *in,
    struct cedar_mcp_given given, struct cedar_entities *es, struct arena *a,
    struct cedar_value *out, struct cedar_why *why);

#endif
