/*
 * server: one message of a tool server, and whether a result may ask what it
 * asks.  A server that oversteps is an error of that hop, never of the house.
 */
#include "mcp/mcp-in.h"

/* ---- a message of a server ---- */

NODISCARD enum err
mcp_read_server(
    struct jv body, enum mcp_era era, struct mcp_in *out, struct note *why)
{
	struct parts p = { 0 };
	struct mcp_in in = { 0 };
	const unsigned must = M_DOWN | (era == MCP_MODERN ? MM : ML);
	unsigned flags;

	TRY(check_shape(body, &p, false, &in, why));
	in.era = era;
	flags = mcp_row(in.method)->flags;
	if (in.kind == MCP_REQUEST && era == MCP_MODERN) {
		note_set(why, "servers do not send requests in this version");
		return ERR_SYNTAX;
	}
	if (flags != 0 && (flags & must) != must) {
		note_set(why, "%.*s is not for a server to send",
		    STR_ARG(in.method_text));
		return ERR_SYNTAX;
	}
	if (in.method == MCP_PROGRESS)
		in.token = jv_get(in.params, META_TOKEN);
	*out = in;
	return OK;
}

bool
input_ok(struct jv req, struct jv caps, struct note *why)
{
	const struct jv text = jv_get(req, STR("method"));
	const enum mcp_method m =
	    jv_is(text, J_STR) ? mcp_method_of(jv_str(text)) : MCP_UNKNOWN;
	const char *cap = mcp_row(m)->client_cap;

	if (cap == NULL || !object_or_absent(jv_get(req, STR("params")))) {
		note_set(why, "an input request of an unknown kind");
		return false;
	}
	if (!mcp_cap(caps, cap)) {
		note_set(why, "an input request needs %s, not declared", cap);
		return false;
	}
	return true;
}

static enum err
check_input(
    enum mcp_method m, struct jv result, struct jv caps, struct note *why)
{
	const struct jv want = jv_get(result, STR("inputRequests"));
	const struct jv state = jv_get(result, STR("requestState"));
	struct jit it = jit_of(want);
	struct jv v;

	if ((mcp_row(m)->flags & M_MRTR) == 0) {
		note_set(why, "input_required is not for this method");
		return ERR_SYNTAX;
	}
	if ((is_none(want) && is_none(state)) || !object_or_absent(want) ||
	    !(is_none(state) || jv_is(state, J_STR))) {
		note_set(why, "input_required without a usable request");
		return ERR_SYNTAX;
	}
	while (jit_next(&it, NULL, &v))
		if (!input_ok(v, caps, why))
			return ERR_SYNTAX;
	return OK;
}

NODISCARD enum err
mcp_result_check(enum mcp_era hop, enum mcp_method m, struct jv result,
    struct jv caps, struct note *why)
{
	const struct jv type = jv_get(result, STR("resultType"));
	const struct str t = jv_str(type);

	if (!jv_is(result, J_OBJ)) {
		note_set(why, "result is not an object");
		return ERR_SYNTAX;
	}
	if (is_none(type) || (jv_is(type, J_STR) && str_eq(t, STR("complete"))))
		return OK;
	if (hop == MCP_MODERN && jv_is(type, J_STR) &&
	    str_eq(t, STR("input_required")))
		return check_input(m, result, caps, why);
	if (hop == MCP_MODERN && m == MCP_TOOLS_CALL && jv_is(type, J_STR) &&
	    str_eq(t, STR("task")) && mcp_tasks_ext(caps))
		return OK;
	note_set(why, "unknown resultType");
	return ERR_SYNTAX;
}
