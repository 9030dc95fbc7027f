/*
 * mcp: the Model Context Protocol in both eras, as pure functions over tapes:
 * what a message is, whether it may stand, how it is said in the other era.
 * Legacy: 2024-11-05 to 2025-11-25.  Modern: 2026-07-28.  No state: sessions
 * are the line's.
 */
#ifndef MCP_H
#define MCP_H

#include "base/base.h"
#include "json/json.h"

enum mcp_era { MCP_LEGACY, MCP_MODERN };
enum {
	MCP_V_2024_11_05,
	MCP_V_2025_03_26,
	MCP_V_2025_06_18,
	MCP_V_2025_11_25,
	MCP_V_2026_07_28,
	MCP_V__N
};
#define MCP_LATEST_LEGACY STR("2025-11-25")
#define MCP_MODERN_VERSION STR("2026-07-28")
int mcp_version(struct str text); /* MCP_V_*, -1 unknown */
struct str mcp_version_text(int v);

enum mcp_method {
	MCP_UNKNOWN,
#define METHOD(id, text, ...) MCP_##id,
#include "mcp/methods.h"
#undef METHOD
	MCP__N
};
enum {
	ML = 1,	      /* exists in the legacy era */
	MM = 2,	      /* exists in the modern era */
	M_NOTE = 4,   /* is a notification */
	M_UP = 8,     /* an agent may send it */
	M_DOWN = 16,  /* a server may send it */
	M_LIST = 32,  /* paged list: cursor, ttlMs, cacheScope */
	M_CACHE = 64, /* result needs ttlMs and cacheScope (modern) */
	M_MRTR = 128, /* may answer input_required (modern) */
};
struct mcp_row {
	struct str text;
	unsigned flags;
	const char
	    *name_at; /* params member that Mcp-Name mirrors; NULL none */
	const char
	    *client_cap; /* capability the agent must have declared for a
			    server to send it: "sampling", ...; or NULL */
};
const struct mcp_row *mcp_row(enum mcp_method m);
enum mcp_method mcp_method_of(struct str text);

enum mcp_kind { MCP_REQUEST, MCP_NOTICE, MCP_REPLY };
enum {
	MCP_ID_MAX = 256, /* bytes of a request id: it is kept and echoed */
	MCP_SESSION_MAX = 128, /* ours are far shorter */
};
/* Error codes of the protocol, and ours (outside its reserved ranges). */
enum {
	MCP_E_PARSE = -32700,
	MCP_E_REQUEST = -32600,
	MCP_E_METHOD = -32601,
	MCP_E_PARAMS = -32602,
	MCP_E_INTERNAL = -32603,
	MCP_E_HEADERS = -32020,
	MCP_E_CAPABILITY = -32021,
	MCP_E_VERSION = -32022,
	MCP_E_NO_RESOURCE = -32002, /* legacy only */
	MCP_E_URL_FIRST = -32042,   /* 2025-11-25 only */
	MCP_E_DENIED = -31001,	    /* policy */
	MCP_E_BUSY = -31002,	    /* a limit of the gateway */
	MCP_E_UPSTREAM = -31003,    /* the upstream failed */
	MCP_E_AUTH = -31004,	    /* no or unknown credential */
	MCP_E_LEDGER = -31005,	    /* it cannot be recorded */
	MCP_E_STATE = -31006,	    /* no such session, event or held call */
};

/* What the transport saw beside the body.  Empty str: header absent. */
struct mcp_heads {
	bool http;
	struct str version, method, name, session;
	bool repeated; /* one of them came more than once */
};
/* A refusal, ready to be sent: HTTP status and JSON-RPC error. */
struct mcp_fail {
	unsigned status; /* HTTP */
	int code;	 /* JSON-RPC; 0: status alone, no body */
	struct note why;
	struct buf data; /* tape of error.data, or empty; caller: buf_done */
	struct jv id; /* of the request, to echo; J_NONE: could not be read */
};
struct mcp_in {
	enum mcp_kind kind;
	enum mcp_era era;
	enum mcp_method method;
	struct str method_text;
	struct str version; /* as declared: _meta, header, or initialize's */
	struct jv id, params, result, error, token, caps, info;
	struct str log_level; /* modern _meta.logLevel */
};
/* An array body: only a legacy session of 2025-03-26 may send one; its
 * elements are then read one by one. */
bool mcp_is_batch(struct jv body);
/*
 * Classifies and checks one message of an agent (mcp.md 1.1, 4.1 A5-A8, 4.3
 * N1 N5 N7, 5).  `body` is a parsed tape.  OK or ERR_SYNTAX with *fail filled
 * (data's old bytes are dropped).  Views point into body and h.  A request or
 * notification that came over HTTP without a session is legacy only as
 * initialize.
 */
NODISCARD enum err mcp_read_agent(struct jv body, const struct mcp_heads *h,
    struct mcp_in *out, struct mcp_fail *fail);
/* The same for a message of a server; era is the hop's.  ERR_SYNTAX + why. */
NODISCARD enum err mcp_read_server(
    struct jv body, enum mcp_era era, struct mcp_in *out, struct note *why);

/* A result of an upstream of era `hop` for a call of method m by an agent with
 * these capabilities: its resultType and what it asks for (N10, N18). */
NODISCARD enum err mcp_result_check(enum mcp_era hop, enum mcp_method m,
    struct jv result, struct jv caps, struct note *why);
/* Has the agent declared it?  cap is a path: "elicitation/url". */
bool mcp_cap(struct jv caps, const char *cap);
/* The -32021 answer: data.requiredCapabilities (N8). */
void mcp_fail_cap(struct mcp_fail *fail, const char *cap);

/* ---- tasks: of either era, or ERR_SYNTAX + why ---- */
#define MCP_EXT_TASKS STR("io.modelcontextprotocol/tasks")
#define MCP_META_TASK STR("io.modelcontextprotocol/related-task")
enum { MCP_TASK_ID_MAX = 1024 };
/* Do these capabilities, of an agent or a server, name the extension? */
bool mcp_tasks_ext(struct jv caps);
void mcp_tasks_missing(struct buf *tape); /* data of its -32021 */
struct mcp_task {
	struct str id;	 /* a view */
	bool over;	 /* its status is terminal */
	uint64_t ttl_ms; /* UINT64_MAX: without end */
};
NODISCARD enum err mcp_task_read(
    enum mcp_era era, struct jv task, struct mcp_task *out, struct note *why);
struct str mcp_task_ttl(enum mcp_era era); /* "ttl", "ttlMs" */
/* What a modern task carries: the inputs it wants, its result, its error. */
NODISCARD enum err mcp_task_detail(
    struct jv task, struct jv caps, struct note *why);
/* Client capabilities as a server of this era knows them. */
void mcp_caps_out(enum mcp_era era, struct jv caps, struct buf *tape);

/* Params for the judge: a copy without the protocol's own _meta keys (modern)
 * and without progressToken, everything else kept in order. */
void mcp_params_canonical(struct jv params, struct buf *tape);
/* Params for an upstream.  era, then for modern: version, caps, info, level;
 * token: progress token number or 0. */
struct mcp_out {
	enum mcp_era era;
	struct jv caps, info;
	struct str log_level;
	uint64_t token;
};
void mcp_params_out(
    struct jv params, const struct mcp_out *o, struct buf *tape);
/* A result as the agent's era wants it: resultType, ttlMs, cacheScope added or
 * taken away (mcp.md 4.7). */
void mcp_result_for(
    enum mcp_era agent, enum mcp_method m, struct jv result, struct buf *tape);
/* An error object likewise: codes mapped (-32002 and -32602, -32042). */
void mcp_error_for(
    enum mcp_era agent, enum mcp_method m, struct jv error, struct buf *tape);

/* HTTP status of a JSON-RPC error when nobody chose one. */
unsigned mcp_error_status(enum mcp_era agent, int code);

/* JSON text of one message. id J_NONE where none. */
void mcp_write_request(
    struct buf *out, struct jv id, struct str method, struct jv params);
void mcp_write_result(struct buf *out, struct jv id, struct jv result);
void mcp_write_error(struct buf *out, struct jv id, struct jv error);
void mcp_error_tape(
    struct buf *tape, int code, struct str message, struct jv data);

/* Headers (modern).  Mcp-Name and Mcp-Param values: plain where allowed, else
 * =?base64?...?= (2026-07-28 streamable-http, Value Encoding). */
void mcp_head_encode(struct str value, struct buf *out);
NODISCARD enum err mcp_head_decode(struct str value, struct buf *out);
/* x-mcp-header of an inputSchema: {"path/of~1arg": "Header-Name"} (~0 is ~, ~1
 * is /); ERR_SYNTAX + why when invalid: the tool must not be shown (N4). */
NODISCARD enum err mcp_tool_headers(
    struct jv input_schema, struct buf *tape, struct note *why);
/* N2: heads as received, decoded {"Name": "value"}, against arguments.  Name is
 * without "Mcp-Param-"; a value that repeats or does not decode is null there,
 * which agrees with nothing. */
NODISCARD enum err mcp_heads_agree(struct jv tool_headers, struct jv arguments,
    struct jv heads, struct note *why);
/* Legacy agent -> modern tool: the Mcp-Param headers for these arguments. */
void mcp_heads_make(
    struct jv tool_headers, struct jv arguments, struct buf *tape);
#include "mcp/bounds.h"
#endif
