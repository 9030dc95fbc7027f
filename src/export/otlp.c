/*
 * otlp: OpenTelemetry's LogsData in JSON (opentelemetry-proto, logs/v1; the
 * JSON mapping of its specification: 64-bit numbers are texts).  A record is a
 * log record and not half a span: a decision without an outcome has no end, and
 * a span would have to be given one.
 */
#include "export/export-in.h"

enum { NUMBER_ROOM = 24 };

static void
attribute(struct buf *b, size_t *n, const char *key, struct str s)
{
	struct obj a, v;

	if (s.n == 0)
		return;
	a = obj_begin(b);
	obj_lit(&a, "key", key);
	v = obj_in(&a, "value");
	obj_str(&v, "stringValue", s);
	obj_end(&v);
	obj_end(&a);
	(*n)++;
}

static void
attribute_num(struct buf *b, size_t *n, const char *key, uint64_t number)
{
	char text[NUMBER_ROOM];
	struct obj a = obj_begin(b), v;

	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
	obj_lit(&a, "key", key);
	v = obj_in(&a, "value");
	obj_lit(&v, "intValue", text);
	obj_end(&v);
	obj_end(&a);
	(*n)++;
}

/* delegation_path: an array of texts. */
static void
attribute_path(struct buf *b, size_t *n, const struct facts *f)
{
	struct buf path = { .max = 1 << 16 };
	struct obj a = obj_begin(b), v, list;
	struct jit it;
	size_t mark, k = 0;
	struct jv e;

	put_path(f, &path);
	obj_lit(&a, "key", "delegation_path");
	v = obj_in(&a, "value");
	list = obj_in(&v, "arrayValue");
	mark = tape_arr(obj_key(&list, "values"));
	it = jit_of(jv_of(buf_view(&path)));
	while (jit_next(&it, NULL, &e)) {
		struct obj o = obj_begin(b);

		tape_copy(obj_key(&o, "stringValue"), e);
		obj_end(&o);
		k++;
	}
	tape_end(b, mark, k);
	obj_end(&list);
	obj_end(&v);
	obj_end(&a);
	buf_done(&path);
	(*n)++;
}

/* Names of the semantic conventions for MCP, then our own. */
static void
put_attributes(const struct facts *f, struct buf *b)
{
	static const struct {
		struct str method;
		const char *name;
	} named[] = { { STR_INIT("tools/call"), "gen_ai.tool.name" },
		{ STR_INIT("prompts/get"), "gen_ai.prompt.name" },
		{ STR_INIT("resources/read"), "mcp.resource.uri" } };
	const size_t mark = tape_arr(b);
	struct buf hex = { .max = 64 };
	size_t n = 0;

	attribute(b, &n, "mcp.method.name", f->method);
	attribute(b, &n, "mcp.session.id", f->session);
	for (size_t i = 0; i < countof(named); i++)
		if (str_eq(named[i].method, f->method))
			attribute(b, &n, named[i].name, f->name);
	if (str_eq(f->method, STR("tools/call")))
		attribute(b, &n, "gen_ai.operation.name", STR("execute_tool"));
	attribute(b, &n, "gen_ai.agent.name", f->agent);
	attribute(b, &n, "error.type",
	    str_eq(f->status, STR("error")) ? STR("tool_error") : f->error);
	attribute(b, &n, "correlation_id", str_of(f->correlation));
	attribute(b, &n, "mcp_method", f->method);
	attribute(b, &n, "mcp_name", f->name);
	attribute_path(b, &n, f);
	attribute(b, &n, "delegation_state", f->delegation);
	attribute(b, &n, "attestation_state", f->attestation);
	attribute(b, &n, "gatehouse.server", f->server);
	attribute(b, &n, "gatehouse.subject", f->subject);
	attribute(b, &n, "gatehouse.verdict", f->verdict);
	attribute(b, &n, "gatehouse.status", f->status);
	attribute(b, &n, "gatehouse.reason", f->reason);
	attribute(b, &n, "gatehouse.rule", f->rule);
	attribute(b, &n, "gatehouse.policy", f->policy);
	if (f->v->cell == EXPORT_BUDGETS)
		attribute(b, &n, "gatehouse.log", STR("budgets"));
	else
		attribute_num(b, &n, "gatehouse.cell", f->v->cell);
	attribute_num(b, &n, "gatehouse.seq", f->v->seq);
	buf_hex(&hex, (struct str){ (const char *)f->v->leaf, 32 });
	attribute(b, &n, "gatehouse.leaf_hash", buf_view(&hex));
	buf_done(&hex);
	tape_end(b, mark, n);
}

/* SeverityNumber of logs/v1: 9 INFO, 13 WARN. */
static bool
is_warning(const struct facts *f)
{
	static const struct str words[] = { STR_INIT("deny"), STR_INIT("hold"),
		STR_INIT("changed"), STR_INIT("hidden") };
	bool is = f->error.n > 0 || str_eq(f->kind, STR("refusal")) ||
		  str_eq(f->kind, STR("finding")) ||
		  str_eq(f->kind, STR("recovery"));

	for (size_t i = 0; i < countof(words); i++)
		is = is || str_eq(f->verdict, words[i]);
	return is;
}

void
export_otlp_put(struct export_otlp *o, const struct export_view *v)
{
	struct buf event = { .max = 1 << 16 };
	char nanos[NUMBER_ROOM];
	struct obj r, body;
	struct facts f;

	export_facts(v, &f);
	(void)snprintf(nanos, sizeof(nanos), "%lld000", (long long)f.time_us);
	buf_str(&event, STR("gatehouse."));
	buf_str(&event, f.kind.n > 0 ? f.kind : STR("record"));
	r = obj_begin(&o->tape);
	obj_lit(&r, "timeUnixNano", f.time_us == 0 ? "0" : nanos);
	obj_lit(&r, "observedTimeUnixNano", f.time_us == 0 ? "0" : nanos);
	obj_num(&r, "severityNumber", is_warning(&f) ? 13 : 9);
	obj_lit(&r, "severityText", is_warning(&f) ? "WARN" : "INFO");
	obj_str(&r, "eventName", buf_view(&event));
	body = obj_in(&r, "body");
	obj_str(&body, "stringValue", v->text);
	obj_end(&body);
	put_attributes(&f, obj_key(&r, "attributes"));
	obj_end(&r);
	o->n++;
	buf_done(&event);
}

void
export_otlp_flush(struct export_otlp *o, struct buf *out)
{
	struct buf tape = { .max = o->tape.n + 4096 };
	struct obj data = obj_begin(&tape), resource, part;
	size_t list, inner, records, n = 0;

	if (o->n == 0) {
		buf_done(&tape);
		return;
	}
	list = tape_arr(obj_key(&data, "resourceLogs"));
	resource = obj_begin(&tape);
	part = obj_in(&resource, "resource");
	inner = tape_arr(obj_key(&part, "attributes"));
	attribute(&tape, &n, "service.name", STR("gatehouse"));
	attribute(&tape, &n, "service.version", STR(GATEHOUSE_VERSION));
	tape_end(&tape, inner, n);
	obj_end(&part);
	inner = tape_arr(obj_key(&resource, "scopeLogs"));
	part = obj_begin(&tape);
	{
		struct obj scope = obj_in(&part, "scope");

		obj_lit(&scope, "name", "gatehouse.ledger");
		obj_lit(&scope, "version", GATEHOUSE_VERSION);
		obj_end(&scope);
	}
	records = tape_arr(obj_key(&part, "logRecords"));
	buf_str(&tape, buf_view(&o->tape));
	tape_end(&tape, records, o->n);
	obj_end(&part);
	tape_end(&tape, inner, 1);
	obj_end(&resource);
	tape_end(&tape, list, 1);
	obj_end(&data);
	json_write(jv_of(buf_view(&tape)), out);
	buf_ch(out, '\n');
	buf_done(&tape);
	buf_clear(&o->tape);
	o->n = 0;
}

void
export_otlp_done(struct export_otlp *o)
{
	buf_done(&o->tape);
	o->n = 0;
}
