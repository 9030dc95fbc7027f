/*
 * shape: what holds for every message, whoever sent it: one object, known
 * members spelt one way, an id with one meaning, exactly one kind.  Knows
 * nothing of eras or transports.
 */
#include "mcp/mcp-in.h"

enum { KEY_FOLD_MAX = 48 }; /* longer than any protocol member */

/* ---- members that differ from the protocol's only by case (A7) ---- */

/* Lower case here: a peer that folds names would read either spelling. */
static const struct {
	struct str folded, exact;
} members[] = {
	{ STR_INIT("jsonrpc"), STR_INIT("jsonrpc") },
	{ STR_INIT("id"), STR_INIT("id") },
	{ STR_INIT("method"), STR_INIT("method") },
	{ STR_INIT("params"), STR_INIT("params") },
	{ STR_INIT("result"), STR_INIT("result") },
	{ STR_INIT("error"), STR_INIT("error") },
	{ STR_INIT("name"), STR_INIT("name") },
	{ STR_INIT("uri"), STR_INIT("uri") },
	{ STR_INIT("arguments"), STR_INIT("arguments") },
	{ STR_INIT("_meta"), STR_INIT("_meta") },
	{ STR_INIT("taskid"), STR_INIT("taskId") },
	{ STR_INIT("requeststate"), STR_INIT("requestState") },
	{ STR_INIT("inputresponses"), STR_INIT("inputResponses") },
	{ STR_INIT("cursor"), STR_INIT("cursor") },
	{ STR_INIT("requestid"), STR_INIT("requestId") },
	{ STR_INIT("progresstoken"), STR_INIT("progressToken") },
	{ STR_INIT("protocolversion"), STR_INIT("protocolVersion") },
	{ STR_INIT("capabilities"), STR_INIT("capabilities") },
	{ STR_INIT("io.modelcontextprotocol/protocolversion"),
	    STR_INIT("io.modelcontextprotocol/protocolVersion") },
	{ STR_INIT("io.modelcontextprotocol/clientinfo"),
	    STR_INIT("io.modelcontextprotocol/clientInfo") },
	{ STR_INIT("io.modelcontextprotocol/clientcapabilities"),
	    STR_INIT("io.modelcontextprotocol/clientCapabilities") },
	{ STR_INIT("io.modelcontextprotocol/loglevel"),
	    STR_INIT("io.modelcontextprotocol/logLevel") },
};

/*
 * Simple case folding as far as it reaches our names: ASCII, and the two
 * letters beyond it that fold into ASCII (U+017F to s, U+212A to k).
 */
static size_t
fold(struct str key, char out[static KEY_FOLD_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < key.n; i++) {
		char ch = key.p[i];

		if (n == KEY_FOLD_MAX)
			return 0;
		if (ch >= 'A' && ch <= 'Z')
			ch = (char)(ch - 'A' + 'a');
		else if (ch == '\xc5' &&
			 str_starts(str_sub(key, i, 2), STR("\xc5\xbf")))
			ch = 's', i += 1;
		else if (ch == '\xe2' &&
			 str_starts(str_sub(key, i, 3), STR("\xe2\x84\xaa")))
			ch = 'k', i += 2;
		out[n++] = ch;
	}
	return n;
}

static bool
key_is_variant(struct str key)
{
	char t[KEY_FOLD_MAX];
	struct str f;

	for (size_t i = 0; i < countof(members); i++) /* nearly always */
		if (str_eq(key, members[i].exact))
			return false;
	f = (struct str){ t, fold(key, t) };
	for (size_t i = 0; i < countof(members); i++)
		if (str_eq(f, members[i].folded))
			return true;
	return false;
}

static bool
has_variant(struct jv obj, struct str *which)
{
	struct jit it = jit_of(obj);
	struct str key;

	if (!jv_is(obj, J_OBJ))
		return false;
	while (jit_next(&it, &key, NULL))
		if (key_is_variant(key)) {
			*which = key;
			return true;
		}
	return false;
}

/* ---- the message itself ---- */

/* Only members the protocol names are ever looked at again. */
static void
parts_of(struct jv body, struct parts *p)
{
	p->jsonrpc = jv_get(body, STR("jsonrpc"));
	p->id = jv_get(body, STR("id"));
	p->method = jv_get(body, STR("method"));
	p->params = jv_get(body, STR("params"));
	p->result = jv_get(body, STR("result"));
	p->error = jv_get(body, STR("error"));
	p->meta = jv_get(p->params, STR("_meta"));
}

bool
is_none(struct jv v)
{
	return jv_is(v, J_NONE);
}

bool
object_or_absent(struct jv v)
{
	return is_none(v) || jv_is(v, J_OBJ);
}

/* Every object in which a peer could mistake one member for another. */
static bool
any_variant(struct jv body, const struct parts *p, struct str *which)
{
	return has_variant(body, which) || has_variant(p->params, which) ||
	       has_variant(p->meta, which) || has_variant(p->error, which) ||
	       has_variant(jv_get(p->params, STR("ref")), which) ||
	       has_variant(jv_get(p->params, STR("argument")), which);
}

static enum err
check_error(struct jv error, struct note *why)
{
	int64_t code;

	if (!jv_is(error, J_OBJ) ||
	    jv_i64(jv_get(error, STR("code")), &code) != OK ||
	    !jv_is(jv_get(error, STR("message")), J_STR)) {
		note_set(why, "error is not an object with code and message");
		return ERR_SYNTAX;
	}
	return OK;
}

/* A8 for an answer: an id, and exactly one of result and error. */
static enum err
check_reply(const struct parts *p, bool from_agent, struct note *why)
{
	const bool r = !is_none(p->result), e = !is_none(p->error);

	if (r == e) {
		note_set(why, "neither a method nor one of result and error");
		return ERR_SYNTAX;
	}
	if (!id_ok(p->id) &&
	    (from_agent || r || !(is_none(p->id) || jv_is(p->id, J_NULL)))) {
		note_set(why, "id is not a string of at most 256 bytes or an "
			      "integer of 64 bits");
		return ERR_SYNTAX;
	}
	if (e)
		return check_error(p->error, why);
	if (!jv_is(p->result, J_OBJ)) {
		note_set(why, "result is not an object");
		return ERR_SYNTAX;
	}
	return OK;
}

static enum err
check_method(const struct parts *p, struct note *why)
{
	const struct str name = jv_str(p->method);
	const struct mcp_row *row = mcp_row(mcp_method_of(name));
	const bool note = (row->flags & M_NOTE) != 0;

	if (!jv_is(p->method, J_STR) || name.n == 0 || name.n > MCP_ID_MAX)
		note_set(why, "method is not a short string");
	else if (!is_none(p->result) || !is_none(p->error))
		note_set(why, "a method beside result or error");
	else if (!object_or_absent(p->params))
		note_set(why, "params is not an object");
	else if (!object_or_absent(p->meta))
		note_set(why, "_meta is not an object");
	else if (!is_none(p->id) && !id_ok(p->id))
		note_set(why, "id is not a string of at most 256 bytes or an "
			      "integer of 64 bits");
	else if (row->flags != 0 && note != is_none(p->id))
		note_set(why, note ? "a notification with an id"
				   : "a request without an id");
	else
		return OK;
	return ERR_SYNTAX;
}

/* What holds for every message, whoever sent it. */
NODISCARD enum err
check_shape(struct jv body, struct parts *p, bool from_agent, struct mcp_in *in,
    struct note *why)
{
	struct str which = { NULL, 0 };

	if (!jv_is(body, J_OBJ)) {
		note_set(why, "%s",
		    jv_is(body, J_ARR) ? "batches are not accepted"
				       : "a message is an object");
		return ERR_SYNTAX;
	}
	parts_of(body, p);
	if (any_variant(body, p, &which)) {
		note_set(why,
		    "member \"%.*s\" differs from the protocol's "
		    "only by case",
		    STR_ARG(which));
		return ERR_SYNTAX;
	}
	if (!jv_is(p->jsonrpc, J_STR) ||
	    !str_eq(jv_str(p->jsonrpc), STR("2.0"))) {
		note_set(why, "jsonrpc is not \"2.0\"");
		return ERR_SYNTAX;
	}
	*in = (struct mcp_in){ .kind = MCP_REPLY, .id = p->id };
	if (is_none(p->method)) {
		in->result = p->result;
		in->error = p->error;
		return check_reply(p, from_agent, why);
	}
	TRY(check_method(p, why));
	in->kind = is_none(p->id) ? MCP_NOTICE : MCP_REQUEST;
	in->method_text = jv_str(p->method);
	in->method = mcp_method_of(in->method_text);
	in->params = p->params;
	return OK;
}
