/*
 * desk-page.c: what the desk shows, and to whom.  Pure: from the parent's words
 * and the counter pages to text.  Promises that "well" is said only when the
 * parent says that every process is ready and no ledger has stopped.
 */
#include "role/desk-in.h"

static uint64_t
sum(const struct desk_view *v, enum counter c)
{
	uint64_t n = 0;

	for (size_t i = 0; i < v->pages_n; i++)
		n += __atomic_load_n(
		    &v->pages[i * (ROLE_PAGE / 8) + c], __ATOMIC_RELAXED);
	return n;
}

/* load ends when it has loaded: it is never ready. */
static bool
is_down(struct jv role)
{
	return !jv_true(jv_get(role, STR("ready"))) &&
	       !str_eq(jv_str(jv_get(role, STR("role"))), STR("load"));
}

static void
down_put(struct jv roles, struct buf *out, bool *well)
{
	struct jit it = jit_of(roles);
	struct jv v;

	while (jit_next(&it, NULL, &v)) {
		if (!is_down(v))
			continue;
		buf_str(out, *well ? STR(",\"down\":[") : STR(","));
		*well = false;
		buf_str(out, STR("{\"role\":"));
		json_write(jv_get(v, STR("role")), out);
		buf_str(out, STR(",\"instance\":"));
		json_write(jv_get(v, STR("instance")), out);
		buf_ch(out, '}');
	}
	if (!*well)
		buf_ch(out, ']');
}

bool
desk_health(const struct desk_view *v, struct buf *out)
{
	const struct jv roles = jv_get(v->status, STR("roles"));
	const bool serving = jv_true(jv_get(v->status, STR("serving")));
	const uint64_t broken = sum(v, CNT_LEDGER_BROKEN);
	bool up = true, well;

	buf_fmt(out,
	    "{\"serving\":%s,\"ledgers_broken\":%llu,"
	    "\"log_waits_for_witnesses\":%s",
	    serving ? "true" : "false", (unsigned long long)broken,
	    sum(v, CNT_LOG_WAITS) > 0 ? "true" : "false");
	down_put(roles, out, &up);
	well = up && serving && broken == 0 && jv_count(roles) > 0;
	buf_fmt(out, ",\"ok\":%s}\n", well ? "true" : "false");
	return well && !out->full;
}

static void
help_put(struct buf *out, const char *name, const char *help, const char *type)
{
	buf_fmt(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void
role_lines(const struct desk_view *v, const char *name, const char *member,
    struct buf *out)
{
	struct jit it = jit_of(jv_get(v->status, STR("roles")));
	struct jv r;

	while (jit_next(&it, NULL, &r)) {
		const struct jv value = jv_get(r, str_of(member));
		const struct str role = jv_str(jv_get(r, STR("role")));

		buf_fmt(
		    out, "%s{role=\"%.*s\",instance=\"", name, STR_ARG(role));
		buf_str(out, jv_str(jv_get(r, STR("instance"))));
		buf_str(out, STR("\"} "));
		if (jv_is(value, J_NUM))
			buf_str(out, jv_str(value));
		else
			buf_ch(out, jv_true(value) ? '1' : '0');
		buf_ch(out, '\n');
	}
}

void
desk_metrics(const struct desk_view *v, struct buf *out)
{
	for (enum counter c = 0; c < CNT__N; c++) {
		const char *name = counter_name(c);
		const bool total = str_ends(str_of(name), STR("_total"));

		help_put(
		    out, name, counter_help(c), total ? "counter" : "gauge");
		buf_fmt(out, "%s %llu\n", name, (unsigned long long)sum(v, c));
	}
	help_put(out, "gatehouse_process_restarts_total",
	    "times this process died and was started again", "counter");
	role_lines(v, "gatehouse_process_restarts_total", "restarts", out);
	help_put(out, "gatehouse_process_ready",
	    "1 when this process is confined and serving", "gauge");
	role_lines(v, "gatehouse_process_ready", "ready", out);
}

/* AuthZEN "Policy Decision Point Metadata", and of its obligations profile what
 * is issued: obligations of our own. */
void
desk_metadata(struct str base, struct buf *out)
{
	buf_fmt(out,
	    "{\"policy_decision_point\":\"%.*s\","
	    "\"access_evaluation_endpoint\":\"%.*s/access/v1/evaluation\","
	    "\"access_evaluations_endpoint\":\"%.*s/access/v1/evaluations\","
	    "\"supported_obligations\":[\"custom\"]}\n",
	    STR_ARG(base), STR_ARG(base), STR_ARG(base));
}

static const struct {
	unsigned status;
	const char *words;
} reasons[] = { { 200, "OK" }, { 400, "Bad Request" }, { 401, "Unauthorized" },
	{ 403, "Forbidden" }, { 404, "Not Found" },
	{ 405, "Method Not Allowed" }, { 413, "Content Too Large" },
	{ 429, "Too Many Requests" }, { 503, "Service Unavailable" } };

void
desk_http(struct buf *out, unsigned status, const char *type, struct str body,
    const char *more)
{
	const char *words = "Refused";

	for (size_t i = 0; i < countof(reasons); i++)
		if (reasons[i].status == status)
			words = reasons[i].words;
	buf_fmt(out,
	    "HTTP/1.1 %u %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
	    "Cache-Control: no-store\r\nConnection: close\r\n%s\r\n",
	    status, words, type, body.n, more);
	buf_str(out, body);
}

bool
desk_request_id(const struct http_head *h, char id[static DESK_ID + 1])
{
	bool many = false;
	const struct str v = http_get(h, STR("x-request-id"), &many);

	id[0] = '\0';
	if (v.p == NULL)
		return !many;
	if (many || v.n > DESK_ID || v.n == 0)
		return false;
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] < ' ' || v.p[i] > '~')
			return false;
	(void)snprintf(id, DESK_ID + 1, "%.*s", STR_ARG(v));
	return true;
}

/* A page in a browser can be made to ask any name that resolves to here; it
 * cannot choose what its request calls the host. */
static bool
is_our_name(struct str host, const struct desk_names *n)
{
	static const char *const names[] = { "127.0.0.1", "localhost",
		"[::1]" };
	char own[64];

	if (str_ieq(host, n->listen) ||
	    (n->url.n > 0 && str_ieq(host, str_sub(n->url, 8, n->url.n))))
		return true;
	for (size_t i = 0; i < countof(names); i++) {
		(void)snprintf(own, sizeof(own), "%s:%u", names[i], n->port);
		if (str_ieq(host, str_of(own)))
			return true;
	}
	return false;
}

unsigned
desk_route(const struct http_head *h, const struct desk_names *names,
    enum desk_page *out)
{
	static const struct {
		struct str path;
		enum desk_page page;
	} pages[] = {
		{ STR_INIT("/healthz"), PAGE_HEALTH },
		{ STR_INIT("/metrics"), PAGE_METRICS },
		{ STR_INIT("/.well-known/authzen-configuration"),
		    PAGE_METADATA },
		{ STR_INIT("/access/v1/evaluation"), PAGE_EVALUATION },
		{ STR_INIT("/access/v1/evaluations"), PAGE_EVALUATIONS },
	};
	bool many = false, post;
	const struct str host = http_get(h, STR("host"), &many);

	if (host.n == 0 || many)
		return 400;
	if (!is_our_name(host, names) ||
	    http_get(h, STR("origin"), &many).n > 0 || many)
		return 403;
	for (size_t i = 0; i < countof(pages); i++) {
		if (!str_eq(h->target, pages[i].path))
			continue;
		*out = pages[i].page;
		post = pages[i].page >= PAGE_EVALUATION;
		if (!str_eq(h->method, post ? STR("POST") : STR("GET")))
			return 405;
		return post || h->length == 0 ? 0 : 413;
	}
	return 404;
}
