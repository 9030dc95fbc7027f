/*
 * desk-page.c: what the desk shows, and to whom.  Pure: from the parent's words
 * and the counter pages to text.  Promises that "well" is said only when the
 * parent says that every process is ready and no ledger has stopped.
 */
#include "role/desk-in.h"
#include "wire/wire.h"

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

	buf_fmt(out, "{\"serving\":%s,\"ledgers_broken\":%llu",
	    serving ? "true" : "false", (unsigned long long)broken);
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

static const struct {
	unsigned status;
	const char *words;
} reasons[] = { { 200, "OK" }, { 400, "Bad Request" }, { 403, "Forbidden" },
	{ 404, "Not Found" }, { 405, "Method Not Allowed" },
	{ 413, "Content Too Large" }, { 503, "Service Unavailable" } };

void
desk_http(struct buf *out, unsigned status, const char *type, struct str body)
{
	const char *words = "Refused";

	for (size_t i = 0; i < countof(reasons); i++)
		if (reasons[i].status == status)
			words = reasons[i].words;
	buf_fmt(out,
	    "HTTP/1.1 %u %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
	    "Cache-Control: no-store\r\nConnection: close\r\n%s\r\n",
	    status, words, type, body.n, status == 405 ? "Allow: GET\r\n" : "");
	buf_str(out, body);
}

/* A page in a browser can be made to ask any name that resolves to here; it
 * cannot choose what its request calls the host. */
static bool
is_our_name(struct str host, unsigned port, struct str listen)
{
	static const char *const names[] = { "127.0.0.1", "localhost",
		"[::1]" };
	char own[64];

	if (str_ieq(host, listen))
		return true;
	for (size_t i = 0; i < countof(names); i++) {
		(void)snprintf(own, sizeof(own), "%s:%u", names[i], port);
		if (str_ieq(host, str_of(own)))
			return true;
	}
	return false;
}

unsigned
desk_route(const struct http_head *h, unsigned port, struct str listen,
    enum desk_page *out)
{
	static const struct {
		struct str path;
		enum desk_page page;
	} pages[] = { { STR_INIT("/healthz"), PAGE_HEALTH },
		{ STR_INIT("/metrics"), PAGE_METRICS } };
	bool many = false;
	const struct str host = http_get(h, STR("host"), &many);

	if (host.n == 0 || many)
		return 400;
	if (!is_our_name(host, port, listen) ||
	    http_get(h, STR("origin"), &many).n > 0 || many)
		return 403;
	if (h->length != 0)
		return 413;
	for (size_t i = 0; i < countof(pages); i++) {
		if (!str_eq(h->target, pages[i].path))
			continue;
		*out = pages[i].page;
		return str_eq(h->method, STR("GET")) ? 0 : 405;
	}
	return 404;
}
