/*
 * mcp: the tables of the protocol: versions, methods, error codes, and the
 * small questions asked of them.  Nothing here parses or writes.
 */
#include "mcp/mcp-in.h"

static const struct str versions[] = {
	[MCP_V_2024_11_05] = STR_INIT("2024-11-05"),
	[MCP_V_2025_03_26] = STR_INIT("2025-03-26"),
	[MCP_V_2025_06_18] = STR_INIT("2025-06-18"),
	[MCP_V_2025_11_25] = STR_INIT("2025-11-25"),
	[MCP_V_2026_07_28] = STR_INIT("2026-07-28"),
};

static const struct mcp_row rows[] = {
	{ STR_INIT(""), 0, NULL, NULL },
#define METHOD(id, text, flags, name, cap)                                     \
	{ STR_INIT(text), (flags), (name), (cap) },
#include "mcp/methods.h"
#undef METHOD
};

/* RFC 5424 severities, as logging/setLevel names them. */
static const struct str levels[] = {
	STR_INIT("debug"),
	STR_INIT("info"),
	STR_INIT("notice"),
	STR_INIT("warning"),
	STR_INIT("error"),
	STR_INIT("critical"),
	STR_INIT("alert"),
	STR_INIT("emergency"),
};

/* What a modern error code means to HTTP; legacy answers stay 200. */
static const struct {
	int code;
	unsigned legacy, modern;
} statuses[] = {
	{ MCP_E_PARSE, 400, 400 },
	{ MCP_E_REQUEST, 400, 400 },
	{ MCP_E_METHOD, 200, 404 },
	{ MCP_E_HEADERS, 400, 400 },
	{ MCP_E_CAPABILITY, 200, 400 },
	{ MCP_E_VERSION, 400, 400 },
};

int
mcp_version(struct str text)
{
	for (size_t i = 0; i < countof(versions); i++)
		if (str_eq(text, versions[i]))
			return (int)i;
	return -1;
}

struct str
mcp_version_text(int v)
{
	if (v < 0 || v >= MCP_V__N)
		return (struct str){ NULL, 0 };
	return versions[v];
}

const struct mcp_row *
mcp_row(enum mcp_method m)
{
	/* m may come from another process: outside the table is unknown */
	return (size_t)m < countof(rows) ? &rows[m] : &rows[MCP_UNKNOWN];
}

enum mcp_method
mcp_method_of(struct str text)
{
	for (size_t i = 1; i < countof(rows); i++)
		if (str_eq(text, rows[i].text))
			return (enum mcp_method)i;
	return MCP_UNKNOWN;
}

bool
is_log_level(struct str s)
{
	for (size_t i = 0; i < countof(levels); i++)
		if (str_eq(s, levels[i]))
			return true;
	return false;
}

unsigned
mcp_error_status(enum mcp_era agent, int code)
{
	for (size_t i = 0; i < countof(statuses); i++)
		if (statuses[i].code == code)
			return agent == MCP_MODERN ? statuses[i].modern
						   : statuses[i].legacy;
	return 200;
}

bool
meta_is_ours(struct str key)
{
	return str_eq(key, META_TOKEN) || str_eq(key, META_VERSION) ||
	       str_eq(key, META_INFO) || str_eq(key, META_CAPS) ||
	       str_eq(key, META_LEVEL);
}

/* Integers keep their lexeme: digits, perhaps a sign; no fraction or
 * exponent, and nothing longer than 64 bits need. */
static bool
is_integer(struct str s)
{
	size_t i = s.n > 0 && s.p[0] == '-' ? 1 : 0;

	if (s.n == i || s.n - i > 19)
		return false;
	for (; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return true;
}

bool
id_ok(struct jv id)
{
	const struct str s = jv_str(id);
	int64_t unused;

	if (jv_is(id, J_STR))
		return s.n <= MCP_ID_MAX;
	return jv_is(id, J_NUM) && is_integer(s) && jv_i64(id, &unused) == OK;
}

bool
mcp_cap(struct jv caps, const char *cap)
{
	const struct jv v = jv_at(caps, cap);

	return jv_is(v, J_OBJ) || jv_true(v);
}

bool
mcp_is_batch(struct jv body)
{
	return jv_is(body, J_ARR);
}
