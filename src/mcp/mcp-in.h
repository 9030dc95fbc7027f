/*
 * mcp-in: what the files of room mcp share and nobody else sees.
 */
#ifndef MCP_IN_H
#define MCP_IN_H

#include "mcp/mcp.h"

#define META_VERSION STR("io.modelcontextprotocol/protocolVersion")
#define META_INFO STR("io.modelcontextprotocol/clientInfo")
#define META_CAPS STR("io.modelcontextprotocol/clientCapabilities")
#define META_LEVEL STR("io.modelcontextprotocol/logLevel")
#define META_TOKEN STR("progressToken")

/* Is this _meta key the protocol's own, to be set anew on every hop? */
bool meta_is_ours(struct str key);
/* A string or an integer lexeme of bounded length. */
bool id_ok(struct jv id);
bool is_log_level(struct str s);
/* May this value stand in a header as it is? */
bool head_is_plain(struct str v);

/* A message taken apart; members the protocol does not name are not looked
 * at again. */
struct parts {
	struct jv jsonrpc, id, method, params, result, error, meta;
};
bool is_none(struct jv v);
bool object_or_absent(struct jv v);
/* What an input request may be, and what the agent must have declared. */
bool input_ok(struct jv req, struct jv caps, struct note *why);
NODISCARD enum err check_shape(struct jv body, struct parts *p, bool from_agent,
    struct mcp_in *in, struct note *why);

#endif
