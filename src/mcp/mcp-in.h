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

#endif
