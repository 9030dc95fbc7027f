/*
 * read: one message of an agent or of a server: which era it belongs to, and
 * whether it may stand.  Promises that what it passes has one meaning for every
 * parser behind us.  Knows nothing of sessions, principals or policy.
 */
#include "mcp/mcp-in.h"

/* Answers this refusal: status, code, and a sentence. */
#define REFUSE(f, st, cd, ...)                                                 \
	(note_set(&(f)->why, __VA_ARGS__), refuse((f), (st), (cd)))

enum { KEY_FOLD_MAX = 48 }; /* longer than any protocol member */

static enum err
refuse(struct mcp_fail *f, unsigned status, int code)
{
	f->status = status;
	f->code = code;
	return ERR_SYNTAX;
}

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
		else if (str_starts(str_sub(key, i, 2), STR("\xc5\xbf")))
			ch = 's', i += 1;
		else if (str_starts(str_sub(key, i, 3), STR("\xe2\x84\xaa")))
			ch = 'k', i += 2;
		out[n++] = ch;
	}
	return n;
}

static bool
key_is_variant(struct str key)
{
	char t[KEY_FOLD_MAX];
	const size_t n = fold(key, t);
	const struct str f = { t, n };

	for (size_t i = 0; i < countof(members); i++)
		if (str_eq(f, members[i].folded))
			return !str_eq(key, members[i].exact);
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

struct parts {
	struct jv jsonrpc, id, method, params, result, error, meta;
};

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

static bool
is_none(struct jv v)
{
	return jv_is(v, J_NONE);
}

static bool
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
		note_set(why, "id is not a string or an integer");
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
		note_set(why, "id is not a string or an integer");
	else if (row->flags != 0 && note != is_none(p->id))
		note_set(why, note ? "a notification with an id"
				   : "a request without an id");
	else
		return OK;
	return ERR_SYNTAX;
}

/* What holds for every message, whoever sent it. */
static enum err
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

/* ---- modern: everything is said in each message ---- */

static enum err
bad_version(struct mcp_fail *f, struct str asked)
{
	struct buf *d = &f->data;
	const size_t mark = tape_obj(d);
	size_t list;

	tape_key(d, STR("supported"));
	list = tape_arr(d);
	for (int v = MCP_V__N - 1; v >= 0; v--)
		tape_str(d, mcp_version_text(v));
	tape_end(d, list, MCP_V__N);
	tape_key(d, STR("requested"));
	tape_str(d, asked);
	tape_end(d, mark, 2);
	return REFUSE(f, 400, MCP_E_VERSION, "Unsupported protocol version");
}

/* The name that Mcp-Name mirrors, decoded and compared (N1). */
static enum err
check_name_head(const struct mcp_in *in, const struct mcp_heads *h,
    struct str name, struct mcp_fail *f)
{
	struct buf got = { .max = h->name.n };
	const bool task = str_starts(in->method_text, STR("tasks/"));
	bool same;

	if (h->name.n == 0 && task)
		return OK; /* the extension's rule; old clients omit it */
	if (h->name.n == 0)
		return REFUSE(f, 400, MCP_E_HEADERS, "Mcp-Name is missing");
	if (head_is_plain(h->name) && str_eq(h->name, name))
		return OK;
	same = mcp_head_decode(h->name, &got) == OK &&
	       str_eq(buf_view(&got), name);
	buf_done(&got);
	if (!same)
		return REFUSE(
		    f, 400, MCP_E_HEADERS, "Mcp-Name does not match the body");
	return OK;
}

static enum err
check_heads(
    const struct mcp_in *in, const struct mcp_heads *h, struct mcp_fail *f)
{
	if (!h->http)
		return OK;
	if (h->method.n == 0 && in->kind == MCP_NOTICE)
		return OK; /* undefined for notifications: optional */
	if (h->method.n == 0)
		return REFUSE(f, 400, MCP_E_HEADERS, "Mcp-Method is missing");
	if (!str_eq(h->method, in->method_text))
		return REFUSE(f, 400, MCP_E_HEADERS,
		    "Mcp-Method does not match the body");
	return OK;
}

/* N5: the three fields, and the optional log level. */
static enum err
check_meta(const struct parts *p, struct mcp_in *in, struct mcp_fail *f)
{
	const struct jv level = jv_get(p->meta, META_LEVEL);

	in->caps = jv_get(p->meta, META_CAPS);
	in->info = jv_get(p->meta, META_INFO);
	in->log_level = jv_str(level);
	if (in->kind != MCP_REQUEST && is_none(in->caps))
		return OK; /* undefined for notifications */
	if (!jv_is(in->caps, J_OBJ))
		return REFUSE(f, 400, MCP_E_PARAMS,
		    "_meta clientCapabilities is missing or no object");
	if (!object_or_absent(in->info))
		return REFUSE(
		    f, 400, MCP_E_PARAMS, "_meta clientInfo is no object");
	if (!is_none(level) &&
	    !(jv_is(level, J_STR) && is_log_level(in->log_level)))
		return REFUSE(
		    f, 400, MCP_E_PARAMS, "_meta logLevel is no log level");
	return OK;
}

/* The member that names what the request is about must be a string. */
static enum err
check_name(
    const struct mcp_in *in, const struct mcp_heads *h, struct mcp_fail *f)
{
	const char *at = mcp_row(in->method)->name_at;
	const struct jv name = jv_get(in->params, str_of(at));
	const bool modern = in->era == MCP_MODERN;

	if (in->kind != MCP_REQUEST || at == NULL)
		return OK;
	if (!jv_is(name, J_STR) && modern && h->http && h->name.n > 0)
		return REFUSE(
		    f, 400, MCP_E_HEADERS, "Mcp-Name does not match the body");
	if (!jv_is(name, J_STR))
		return REFUSE(f, modern ? 400 : 200, MCP_E_PARAMS,
		    "params.%s is missing or no string", at);
	if (!modern || !h->http)
		return OK; /* nothing mirrored: the body alone counts */
	return check_name_head(in, h, jv_str(name), f);
}

static enum err
check_known(const struct mcp_in *in, struct mcp_fail *f)
{
	const unsigned era = in->era == MCP_MODERN ? MM : ML;
	const unsigned flags = mcp_row(in->method)->flags;

	if (in->kind != MCP_REQUEST)
		return OK; /* whoever does not know a notification drops it */
	if ((flags & era) != 0 && (flags & M_UP) != 0)
		return OK;
	return REFUSE(f, in->era == MCP_MODERN ? 404 : 200, MCP_E_METHOD,
	    "Method not found");
}

static enum err
read_modern(const struct parts *p, const struct mcp_heads *h, struct mcp_in *in,
    struct mcp_fail *f)
{
	const struct jv v = jv_get(p->meta, META_VERSION);

	in->era = MCP_MODERN;
	if (h->repeated)
		return REFUSE(f, 400, MCP_E_HEADERS, "a header is repeated");
	if (in->kind == MCP_REPLY)
		return REFUSE(f, 400, MCP_E_REQUEST,
		    "clients do not send responses in this version");
	if (is_none(v) && in->kind == MCP_REQUEST)
		return REFUSE(
		    f, 400, MCP_E_PARAMS, "_meta protocolVersion is missing");
	if (!is_none(v) && !jv_is(v, J_STR))
		return REFUSE(
		    f, 400, MCP_E_PARAMS, "_meta protocolVersion is no string");
	in->version = is_none(v) ? h->version : jv_str(v);
	if (h->http && !str_eq(h->version, in->version))
		return REFUSE(f, 400, MCP_E_HEADERS,
		    "MCP-Protocol-Version does not match the body");
	if (!str_eq(in->version, MCP_MODERN_VERSION))
		return bad_version(f, in->version);
	TRY(check_heads(in, h, f));
	TRY(check_meta(p, in, f));
	TRY(check_known(in, f));
	return check_name(in, h, f);
}

/* ---- legacy: a handshake, then a session ---- */

static bool
session_ok(struct str s)
{
	if (s.n > MCP_SESSION_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x21 || s.p[i] > 0x7e)
			return false;
	return true;
}

static enum err
read_initialize(struct mcp_in *in, struct mcp_fail *f)
{
	const struct jv v = jv_get(in->params, STR("protocolVersion"));

	in->caps = jv_get(in->params, STR("capabilities"));
	in->info = jv_get(in->params, STR("clientInfo"));
	if (!jv_is(v, J_STR) || !jv_is(in->caps, J_OBJ) ||
	    !jv_is(in->info, J_OBJ))
		return REFUSE(f, 400, MCP_E_PARAMS,
		    "initialize needs protocolVersion, capabilities and "
		    "clientInfo");
	in->version = jv_str(v);
	return OK;
}

static enum err
read_legacy(const struct mcp_heads *h, struct mcp_in *in, struct mcp_fail *f)
{
	in->era = MCP_LEGACY;
	in->version = h->version;
	if (h->repeated)
		return REFUSE(f, 400, MCP_E_REQUEST, "a header is repeated");
	if (h->version.n > 0 && mcp_version(h->version) < 0)
		return REFUSE(f, 400, MCP_E_REQUEST,
		    "MCP-Protocol-Version is not supported");
	if (in->kind == MCP_REQUEST && in->method == MCP_INITIALIZE)
		return read_initialize(in, f);
	if (h->http && h->session.n == 0)
		return REFUSE(f, 400, MCP_E_REQUEST,
		    "Mcp-Session-Id is missing: send initialize first");
	if (!session_ok(h->session))
		return REFUSE(
		    f, 400, MCP_E_REQUEST, "Mcp-Session-Id is malformed");
	TRY(check_known(in, f));
	return check_name(in, h, f);
}

/* A date that is not before the first modern version. */
static bool
is_modern_date(struct str v)
{
	return v.n == MCP_MODERN_VERSION.n && v.p[4] == '-' && v.p[7] == '-' &&
	       str_cmp(v, MCP_MODERN_VERSION) >= 0;
}

NODISCARD enum err
mcp_read_agent(struct jv body, const struct mcp_heads *h, struct mcp_in *out,
    struct mcp_fail *fail)
{
	struct parts p = { 0 };
	struct mcp_in in = { 0 };
	bool modern;

	buf_clear(&fail->data);
	fail->data.max = 1024; /* a version list and what was asked */
	fail->id = (struct jv){ NULL, 0 };
	if (check_shape(body, &p, true, &in, &fail->why))
		return refuse(fail, 400, MCP_E_REQUEST);
	if (in.kind == MCP_REQUEST)
		fail->id = in.id;
	in.token = jv_get(p.meta, META_TOKEN);
	if (!is_none(in.token) && !id_ok(in.token))
		return REFUSE(fail, 400, MCP_E_PARAMS,
		    "progressToken is not a string or an integer");
	modern = !is_none(jv_get(p.meta, META_VERSION)) ||
		 (h->http && is_modern_date(h->version));
	if (modern)
		TRY(read_modern(&p, h, &in, fail));
	else
		TRY(read_legacy(h, &in, fail));
	*out = in;
	return OK;
}

void
mcp_fail_cap(struct mcp_fail *f, const char *cap)
{
	struct buf *d = &f->data;
	size_t mark[8], n = 0;
	struct str rest = str_of(cap), step;

	d->max = 1024;
	buf_clear(d);
	mark[n++] = tape_obj(d);
	tape_key(d, STR("requiredCapabilities"));
	mark[n++] = tape_obj(d);
	while (n < countof(mark) && str_split(&rest, '/', &step)) {
		tape_key(d, step);
		mark[n++] = tape_obj(d);
	}
	tape_end(d, mark[--n], 0);
	while (n > 0)
		tape_end(d, mark[--n], 1);
	(void)REFUSE(f, 400, MCP_E_CAPABILITY,
	    "Missing required client capability: %s", cap);
}

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

/* What an input request may be, and what the agent must have declared. */
static bool
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
	note_set(why, "unknown resultType");
	return ERR_SYNTAX;
}
