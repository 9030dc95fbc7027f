/*
 * ocsf: an event for each record.  A kind that has no class of its own here is
 * a base event, with the record in it: nothing is left out.
 */
#include "export/export-in.h"

#define SCHEMA "1.9.0-dev" /* what t/conform-export.py validates against */

enum { UNKNOWN = 0, OTHER = 99 };
enum severity { INFORMATIONAL = 1, LOW, MEDIUM, HIGH };

struct activity {
	int id;
	struct str name; /* of OTHER */
};
struct event {
	struct facts f;
	struct obj o;
	struct activity activity;
};

/* ---- parts ---- */

static void
put_entity(struct obj *o, const char *key, struct str name, struct str uid)
{
	struct obj e = obj_in(o, key);

	obj_str(&e, "name", name);
	obj_str(&e, "uid", uid);
	obj_end(&e);
}

static void
put_product(struct obj *o, const char *key)
{
	struct obj p = obj_in(o, key);

	obj_lit(&p, "name", "Gatehouse");
	obj_lit(&p, "vendor_name", "Gatehouse");
	obj_lit(&p, "version", GATEHOUSE_VERSION);
	obj_end(&p);
}

/* Who it is of, where a record names nobody: the ledger says as much. */
static struct str
agent_of(const struct facts *f)
{
	return f->agent.n > 0 ? f->agent : STR("not established");
}

/* An agent is an application that acts; the person, where one is known, is the
 * user. */
static void
put_actor(struct event *e)
{
	struct obj a = obj_in(&e->o, "actor");

	obj_str(&a, "app_name", agent_of(&e->f));
	if (e->f.session.n > 0) {
		struct obj s = obj_in(&a, "session");

		obj_str(&s, "uid", e->f.session);
		obj_end(&s);
	}
	if (e->f.subject.n > 0)
		put_entity(&a, "user", e->f.subject, STR(""));
	obj_end(&a);
}

static void
put_policy(struct obj *o, const char *key, const struct facts *f)
{
	struct obj p = obj_in(o, key);

	obj_str(&p, "name", f->rule);
	obj_str(&p, "uid", f->policy);
	obj_end(&p);
}

static void
put_resources(struct event *e)
{
	struct buf *b;
	size_t mark;
	struct obj r;

	if (e->f.name.n == 0)
		return;
	b = obj_key(&e->o, "resources");
	mark = tape_arr(b);
	r = obj_begin(b);
	obj_str(&r, "name", e->f.name);
	obj_str(&r, "namespace", e->f.server);
	obj_str(&r, "type", e->f.method);
	obj_end(&r);
	tape_end(b, mark, 1);
}

/* ---- API Activity ---- */

static struct activity
method_activity(const struct facts *f)
{
	static const struct str reads[] = { STR_INIT("/list"),
		STR_INIT("/read"), STR_INIT("/get"), STR_INIT("/result") };

	if (str_eq(f->kind, STR("evaluation")))
		return (struct activity){ OTHER, STR("Evaluate") };
	for (size_t i = 0; i < countof(reads); i++)
		if (str_ends(f->method, reads[i]))
			return (struct activity){ 2, STR("Read") };
	return (
	    struct activity){ OTHER, f->method.n > 0 ? f->method : f->kind };
}

/* What the gateway did about it.  A refusal has no verdict: it is one. */
static void
put_control(struct event *e)
{
	static const struct {
		struct str verdict;
		int action, disposition;
		const char *action_name, *disposition_name;
	} controls[] = {
		{ STR_INIT("allow"), 1, 1, "Allowed", "Allowed" },
		{ STR_INIT("deny"), 2, 2, "Denied", "Blocked" },
		{ STR_INIT("hold"), 2, 14, "Denied", "Delayed" },
	};
	const struct str verdict =
	    str_eq(e->f.kind, STR("refusal")) ? STR("deny") : e->f.verdict;

	for (size_t i = 0; i < countof(controls); i++)
		if (str_eq(controls[i].verdict, verdict)) {
			obj_num(&e->o, "action_id", controls[i].action);
			obj_lit(&e->o, "action", controls[i].action_name);
			obj_num(
			    &e->o, "disposition_id", controls[i].disposition);
			obj_lit(
			    &e->o, "disposition", controls[i].disposition_name);
		}
	if (e->f.policy.n > 0 || e->f.rule.n > 0)
		put_policy(&e->o, "policy", &e->f);
}

static void
put_api(struct event *e)
{
	struct obj a = obj_in(&e->o, "api"), r;

	obj_str(&a, "operation", e->f.method.n > 0 ? e->f.method : e->f.kind);
	if (e->f.server.n > 0)
		put_entity(&a, "service", e->f.server, STR(""));
	r = obj_in(&a, "request");
	obj_lit(&r, "uid", e->f.correlation);
	obj_end(&r);
	if (e->f.error.n > 0) {
		r = obj_in(&a, "response");
		obj_str(&r, "error", e->f.error);
		obj_end(&r);
	}
	obj_end(&a);
}

static void
put_call(struct event *e)
{
	put_actor(e);
	put_api(e);
	put_entity(&e->o, "src_endpoint", agent_of(&e->f), e->f.session);
	if (e->f.server.n > 0)
		put_entity(&e->o, "dst_endpoint", e->f.server, STR(""));
	put_resources(e);
	if (str_eq(e->f.kind, STR("decision")) ||
	    str_eq(e->f.kind, STR("refusal")))
		put_control(e);
	if (e->f.agent.n > 0)
		put_entity(&e->o, "ai_agent", e->f.agent, e->f.agent);
}

/* ---- the other classes ---- */

static struct activity
one(const struct facts *f)
{
	(void)f;
	return (struct activity){ 1, STR("Create") };
}

static void
put_finding(struct event *e)
{
	struct obj i = obj_in(&e->o, "finding_info");

	obj_lit(&i, "uid", e->f.uid);
	obj_str(&i, "title",
	    e->f.reason.n > 0 ? e->f.reason : STR("what a server showed"));
	if (e->f.verdict.n > 0) {
		struct buf *b = obj_key(&i, "types");
		const size_t mark = tape_arr(b);

		tape_str(b, e->f.verdict);
		tape_end(b, mark, 1);
	}
	obj_end(&i);
	put_resources(e);
}

static struct activity
shown(const struct facts *f)
{
	if (str_eq(f->verdict, STR("changed")) ||
	    str_eq(f->status, STR("rotated")) ||
	    str_eq(f->status, STR("changed")))
		return (struct activity){ 3, STR("Update") };
	if (str_eq(f->status, STR("removed")))
		return (struct activity){ 4, STR("Delete") };
	return (struct activity){ 1, STR("Create") };
}

static struct activity
activated(const struct facts *f)
{
	(void)f;
	return (struct activity){ 10, STR("Activate") };
}

/* A tool's definition, a set of policies, a boundary: by its digest. */
static void
put_managed(struct event *e)
{
	static const char *const digests[] = { "digest", "policy", "boundary",
		"config" };
	struct obj m = obj_in(&e->o, "entity");

	obj_str(&m, "name",
	    e->f.name.n > 0    ? e->f.name
	    : e->f.agent.n > 0 ? e->f.agent
			       : e->f.kind);
	obj_str(&m, "type", e->f.kind);
	for (size_t i = 0; i < countof(digests); i++) {
		const struct jv d = jv_get(e->f.v->rec, str_of(digests[i]));

		if (jv_is(d, J_STR)) {
			obj_str(&m, "uid", jv_str(d));
			break;
		}
	}
	obj_end(&m);
}

static struct activity
identified(const struct facts *f)
{
	(void)f;
	return (struct activity){ OTHER, STR("Identify") };
}

static void
put_identity(struct event *e)
{
	put_actor(e);
	put_entity(&e->o, "user", agent_of(&e->f), STR(""));
	put_entity(&e->o, "service", STR("Gatehouse"), STR(""));
}

static struct activity
knocked(const struct facts *f)
{
	(void)f;
	return (struct activity){ 1, STR("Logon") };
}

static struct activity
erred(const struct facts *f)
{
	(void)f;
	return (struct activity){ 1, STR("General Error") };
}

static struct activity
started(const struct facts *f)
{
	if (str_eq(f->kind, STR("start")) || str_eq(f->kind, STR("role")))
		return (struct activity){ 3, STR("Start") };
	if (str_eq(f->kind, STR("stop")))
		return (struct activity){ 4, STR("Stop") };
	return (struct activity){ OTHER, f->kind };
}

static void
put_app(struct event *e)
{
	struct obj a = obj_in(&e->o, "app");

	obj_lit(&a, "name", "Gatehouse");
	obj_lit(&a, "version", GATEHOUSE_VERSION);
	obj_end(&a);
}

static struct activity
unclassed(const struct facts *f)
{
	return (
	    struct activity){ OTHER, f->kind.n > 0 ? f->kind : STR("record") };
}

static void
put_nothing(struct event *e)
{
	(void)e;
}

/* ---- classes ---- */

struct class
{
	int category, uid;
	const char *name, *category_name;
	struct activity (*activity)(const struct facts *f);
	void (*put)(struct event *e);
	bool control, agent; /* profiles */
};
static const struct class call = { 6, 6003, "API Activity",
	"Application Activity", method_activity, put_call, true, true };
static const struct class finding = { 2, 2004, "Detection Finding", "Findings",
	one, put_finding, false, false };
static const struct class shows = { 3, 3004, "Entity Management",
	"Identity & Access Management", shown, put_managed, false, false };
static const struct class activates = { 3, 3004, "Entity Management",
	"Identity & Access Management", activated, put_managed, false, false };
static const struct class identifies = { 3, 3002, "Authentication",
	"Identity & Access Management", identified, put_identity, false,
	false };
static const struct class knocks = { 3, 3002, "Authentication",
	"Identity & Access Management", knocked, put_identity, false, false };
static const struct class errs = { 6, 6008, "Application Error",
	"Application Activity", erred, put_nothing, false, false };
static const struct class lifecycle = { 6, 6002, "Application Lifecycle",
	"Application Activity", started, put_app, false, false };
static const struct class base = { 0, 0, "Base Event", "Uncategorized",
	unclassed, put_nothing, false, false };

static const struct {
	struct str kind;
	const struct class *class;
	struct str status; /* alone; empty: any, the last row of its kind */
} kinds[] = {
	{ STR_INIT("decision"), &call, { NULL, 0 } },
	{ STR_INIT("outcome"), &call, { NULL, 0 } },
	{ STR_INIT("evaluation"), &call, { NULL, 0 } },
	{ STR_INIT("task"), &call, { NULL, 0 } },
	{ STR_INIT("refusal"), &call, { NULL, 0 } },
	{ STR_INIT("notice"), &call, { NULL, 0 } },
	{ STR_INIT("reply"), &call, { NULL, 0 } },
	{ STR_INIT("ask"), &call, { NULL, 0 } },
	{ STR_INIT("catalogue"), &call, { NULL, 0 } },
	{ STR_INIT("finding"), &finding, { NULL, 0 } },
	{ STR_INIT("definition"), &shows, { NULL, 0 } },
	{ STR_INIT("policy"), &activates, { NULL, 0 } },
	{ STR_INIT("boundary"), &activates, { NULL, 0 } },
	{ STR_INIT("configuration"), &activates, { NULL, 0 } },
	{ STR_INIT("credential"), &knocks, STR_INIT("refused") },
	{ STR_INIT("credential"), &shows, { NULL, 0 } },
	{ STR_INIT("identity"), &identifies, { NULL, 0 } },
	{ STR_INIT("failure"), &errs, { NULL, 0 } },
	{ STR_INIT("start"), &lifecycle, { NULL, 0 } },
	{ STR_INIT("stop"), &lifecycle, { NULL, 0 } },
	{ STR_INIT("role"), &lifecycle, { NULL, 0 } },
	{ STR_INIT("recovery"), &lifecycle, { NULL, 0 } },
};

static const struct class *
class_of(const struct facts *f)
{
	for (size_t i = 0; i < countof(kinds); i++)
		if (str_eq(kinds[i].kind, f->kind) &&
		    (kinds[i].status.n == 0 ||
			str_eq(kinds[i].status, f->status)))
			return kinds[i].class;
	return &base;
}

/* ---- the event ---- */

static enum severity
severity_of(const struct facts *f)
{
	if (str_eq(f->kind, STR("finding")) ||
	    str_eq(f->kind, STR("failure")) ||
	    str_eq(f->status, STR("refused")) ||
	    str_eq(f->verdict, STR("changed")))
		return MEDIUM;
	if (str_eq(f->kind, STR("decision")) || str_eq(f->kind, STR("refusal")))
		return str_eq(f->verdict, STR("allow"))	 ? INFORMATIONAL
		       : str_eq(f->verdict, STR("hold")) ? LOW
							 : MEDIUM;
	if (f->error.n > 0 || str_eq(f->kind, STR("recovery")))
		return LOW;
	return INFORMATIONAL;
}

/* A decision to allow is no success: what became of the call is not known
 * before its outcome. */
static void
put_status(struct event *e, const struct class *c)
{
	const struct facts *f = &e->f;
	const struct str word = f->status.n > 0 ? f->status : f->verdict;

	if (c == &finding) {
		obj_num(&e->o, "status_id", 1);
		obj_lit(&e->o, "status", "New");
	} else if (str_eq(f->status, STR("answered"))) {
		obj_num(&e->o, "status_id", 1);
		obj_lit(&e->o, "status", "Success");
	} else if (str_eq(word, STR("deny")) || str_eq(word, STR("error")) ||
		   str_eq(word, STR("failed")) ||
		   str_eq(word, STR("refused")) ||
		   str_eq(f->kind, STR("refusal"))) {
		obj_num(&e->o, "status_id", 2);
		obj_lit(&e->o, "status", "Failure");
	} else if (str_eq(word, STR("allow")) || word.n == 0) {
		obj_num(&e->o, "status_id", UNKNOWN);
		obj_lit(&e->o, "status", "Unknown");
	} else {
		obj_num(&e->o, "status_id", OTHER);
		obj_str(&e->o, "status", word);
	}
	obj_str(&e->o, "status_code", word);
	obj_str(&e->o, "status_detail", f->reason.n > 0 ? f->reason : f->error);
}

static void
put_metadata(struct event *e, const struct class *c)
{
	struct obj m = obj_in(&e->o, "metadata");
	struct buf *b;
	size_t mark, n = 0;

	obj_lit(&m, "correlation_uid", e->f.correlation);
	obj_str(&m, "event_code", e->f.kind);
	obj_lit(&m, "log_name", "ledger");
	put_product(&m, "product");
	b = obj_key(&m, "profiles");
	mark = tape_arr(b);
	if (c->agent) {
		tape_str(b, STR("ai_operation"));
		n++;
	}
	if (c->control) {
		tape_str(b, STR("security_control"));
		n++;
	}
	tape_end(b, mark, n);
	obj_num(&m, "sequence", (int64_t)e->f.v->seq);
	obj_lit(&m, "uid", e->f.uid);
	obj_lit(&m, "version", SCHEMA);
	obj_end(&m);
}

/* The record itself, with its leaf hash: who has the event can ask for its
 * receipt. */
static void
put_raw(struct event *e)
{
	struct buf hex = { .max = 64 };
	struct obj h;

	obj_str(&e->o, "raw_data", e->f.v->text);
	buf_hex(&hex, (struct str){ (const char *)e->f.v->leaf, 32 });
	h = obj_in(&e->o, "unmapped");
	put_named(&e->f, &h);
	obj_str(&h, "leaf_hash", buf_view(&hex));
	obj_end(&h);
	buf_done(&hex);
}

static void
put_head(struct event *e, const struct class *c)
{
	static const char *const severities[] = { "Unknown", "Informational",
		"Low", "Medium", "High" };
	const enum severity s = severity_of(&e->f);

	obj_num(&e->o, "activity_id", e->activity.id);
	obj_str(&e->o, "activity_name", e->activity.name);
	obj_num(&e->o, "category_uid", c->category);
	obj_lit(&e->o, "category_name", c->category_name);
	obj_num(&e->o, "class_uid", c->uid);
	obj_lit(&e->o, "class_name", c->name);
	obj_num(&e->o, "type_uid", (int64_t)c->uid * 100 + e->activity.id);
	obj_num(&e->o, "severity_id", s);
	obj_lit(&e->o, "severity", severities[s]);
	obj_num(&e->o, "time", e->f.time_us / 1000);
}

void
export_ocsf(const struct export_view *v, struct buf *out)
{
	struct buf tape = { .max = 1 << 24 }, text = { .max = 1 << 20 };
	struct event e;
	const struct class *c;

	export_facts(v, &e.f);
	c = class_of(&e.f);
	e.activity = c->activity(&e.f);
	e.o = obj_begin(&tape);
	put_head(&e, c);
	put_status(&e, c);
	put_message(&e.f, &text);
	obj_str(&e.o, "message", buf_view(&text));
	put_metadata(&e, c);
	c->put(&e);
	put_raw(&e);
	obj_end(&e.o);
	json_write(jv_of(buf_view(&tape)), out);
	buf_ch(out, '\n');
	buf_done(&tape);
	buf_done(&text);
}
