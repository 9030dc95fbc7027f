/*
 * agent: one message of an agent: which era it belongs to, and whether it may
 * stand there.  A refusal comes out ready to send.  Knows nothing of
 * principals, policy, or which sessions live.
 */
#include "mcp/mcp-in.h"

/* Answers this refusal: status, code, and a sentence. */
#define REFUSE(f, st, cd, ...)                                                 \
	(note_set(&(f)->why, __VA_ARGS__), refuse((f), (st), (cd)))

static enum err
refuse(struct mcp_fail *f, unsigned status, int code)
{
	f->status = status;
	f->code = code;
	return ERR_SYNTAX;
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
	tape_str(d, asked.n <= 64 ? asked : STR("(too long)"));
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

	if (h->name.n == 0 && task && !mcp_tasks_ext(in->caps))
		return OK; /* the extension's rule, for who declared it */
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

/*
 * What a request that policy judges may say: another member would reach the
 * server without any rule, and any budget, having seen it.
 */
enum { MEMBERS_MAX = 6 };
static const struct {
	enum mcp_method method;
	const char *member[MEMBERS_MAX];
} judged[] = {
	{ MCP_TOOLS_CALL, { "_meta", "name", "arguments", "task",
			      "inputResponses", "requestState" } },
	{ MCP_PROMPTS_GET, { "_meta", "name", "arguments", "inputResponses",
			       "requestState" } },
	{ MCP_RESOURCES_READ,
	    { "_meta", "uri", "inputResponses", "requestState" } },
	{ MCP_SUBSCRIBE, { "_meta", "uri" } },
	{ MCP_UNSUBSCRIBE, { "_meta", "uri" } },
	{ MCP_COMPLETE, { "_meta", "ref", "argument", "context" } },
};

static bool
is_one_of(struct str key, const char *const member[static MEMBERS_MAX])
{
	for (size_t i = 0; i < MEMBERS_MAX && member[i] != NULL; i++)
		if (str_eq(key, str_of(member[i])))
			return true;
	return false;
}

static enum err
check_members(const struct mcp_in *in, struct mcp_fail *f)
{
	struct jit it = jit_of(in->params);
	struct str key;
	size_t i = 0;

	while (i < countof(judged) && judged[i].method != in->method)
		i++;
	if (in->kind != MCP_REQUEST || i == countof(judged) ||
	    !jv_is(in->params, J_OBJ))
		return OK;
	while (jit_next(&it, &key, NULL))
		if (!is_one_of(key, judged[i].member))
			return REFUSE(f, in->era == MCP_MODERN ? 400 : 200,
			    MCP_E_PARAMS, "params.%.*s is no member of it",
			    (int)(key.n < 60 ? key.n : 60), key.p);
	return OK;
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
	TRY(check_name(in, h, f));
	return check_members(in, f);
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
	TRY(check_name(in, h, f));
	return check_members(in, f);
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
		    "progressToken is not a string of at most 256 bytes or an "
		    "integer of 64 bits");
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
