/* facts: what a record says of who, what and why, for every format alike. */
#include "export/export-in.h"

/* ---- objects ---- */

struct obj
obj_begin(struct buf *b)
{
	return (struct obj){ b, tape_obj(b), 0 };
}

struct buf *
obj_key(struct obj *o, const char *key)
{
	tape_key(o->b, str_of(key));
	o->n++;
	return o->b;
}

struct obj
obj_in(struct obj *o, const char *key)
{
	return obj_begin(obj_key(o, key));
}

void
obj_end(struct obj *o)
{
	tape_end(o->b, o->mark, o->n);
}

void
obj_str(struct obj *o, const char *key, struct str s)
{
	if (s.n > 0)
		tape_str(obj_key(o, key), s);
}

void
obj_lit(struct obj *o, const char *key, const char *s)
{
	obj_str(o, key, str_of(s));
}

void
obj_num(struct obj *o, const char *key, int64_t v)
{
	tape_i64(obj_key(o, key), v);
}

void
obj_bool(struct obj *o, const char *key, bool v)
{
	tape_bool(obj_key(o, key), v);
}

/* ---- states ---- */

struct str
state_of(struct jv v, struct str *why)
{
	static const struct str states[] = { STR_INIT("not_established"),
		STR_INIT("not_available") };

	*why = STR("");
	if (jv_is(v, J_NONE)) {
		*why = STR("the record does not say");
		return STR("not_established");
	}
	if (jv_is(v, J_STR) && (str_eq(jv_str(v), STR("absent")) ||
				   str_eq(jv_str(v), STR("pending"))))
		return jv_str(v);
	for (size_t i = 0; i < countof(states); i++)
		if (jv_count(v) == 1 && jv_is(jv_get(v, states[i]), J_STR)) {
			*why = jv_str(jv_get(v, states[i]));
			return states[i];
		}
	return STR("present");
}

/* ---- facts ---- */

static struct str
text(struct jv rec, const char *key)
{
	const struct jv v = jv_get(rec, str_of(key));

	return jv_is(v, J_STR) ? jv_str(v) : STR("");
}

/* Its own word, else its decision's. */
static struct str
said(const struct export_view *v, const char *key)
{
	return jv_is(jv_get(v->rec, str_of(key)), J_NONE)
		   ? text(v->decision, key)
		   : text(v->rec, key);
}

/* A member that the identity's record says where the decision does not. */
static struct jv
of_identity(const struct export_view *v, const char *key)
{
	const struct jv from[] = { v->rec, v->decision, v->identity };

	for (size_t i = 0; i < countof(from); i++)
		if (!jv_is(jv_get(from[i], str_of(key)), J_NONE))
			return jv_get(from[i], str_of(key));
	return (struct jv){ NULL, 0 };
}

static void
place(unsigned cell, uint64_t seq, char out[static 48])
{
	if (cell == EXPORT_BUDGETS)
		(void)snprintf(
		    out, 48, "budgets/%llu", (unsigned long long)seq);
	else
		(void)snprintf(
		    out, 48, "%u/%llu", cell, (unsigned long long)seq);
}

void
export_action(const struct export_view *v, char out[static 48])
{
	place(v->cell, v->decision_seq > 0 ? v->decision_seq : v->seq, out);
}

void
export_facts(const struct export_view *v, struct facts *out)
{
	struct str why;

	*out = (struct facts){ .v = v,
		.kind = text(v->rec, "kind"),
		.agent = said(v, "principal"),
		.server = said(v, "server"),
		.method = said(v, "method"),
		.name = said(v, "name"),
		.session = said(v, "session"),
		.policy = said(v, "policy"),
		.verdict = text(v->rec, "verdict"),
		.reason = text(v->rec, "reason"),
		.rule = text(v->rec, "rule"),
		.status = text(v->rec, "status"),
		.error = text(v->rec, "error") };
	if (jv_i64(jv_get(v->rec, STR("time")), &out->time_us) != OK)
		out->time_us = 0;
	place(v->cell, v->seq, out->uid);
	export_action(v, out->correlation);
	out->chain = of_identity(v, "chain");
	out->delegation = state_of(out->chain, &why);
	if (!jv_is(out->chain, J_ARR))
		out->chain = (struct jv){ NULL, 0 };
	out->subject = text(of_identity(v, "subject"), "id");
	out->attestation = state_of(jv_get(v->start, STR("runtime")), &why);
	if (str_eq(out->kind, STR("start")))
		out->attestation =
		    state_of(jv_get(v->rec, STR("runtime")), &why);
}

/* The chain is nearest first. */
void
put_path(const struct facts *f, struct buf *b)
{
	enum { LINKS_MAX = 64 };
	struct str name[LINKS_MAX];
	const size_t mark = tape_arr(b);
	struct jit it = jit_of(f->chain);
	size_t n = 0, put = 0;
	struct jv e;

	while (n < LINKS_MAX && jit_next(&it, NULL, &e)) {
		name[n] = text(e, "name");
		n += name[n].n > 0;
	}
	while (n > 0) {
		tape_str(b, name[--n]);
		put++;
	}
	if (f->agent.n > 0) {
		tape_str(b, f->agent);
		put++;
	}
	tape_end(b, mark, put);
}

void
put_message(const struct facts *f, struct buf *out)
{
	const struct str words[] = { f->verdict, f->status, f->agent,
		f->method };

	buf_str(out, f->kind);
	for (size_t i = 0; i < countof(words); i++)
		if (words[i].n > 0) {
			buf_ch(out, ' ');
			buf_str(out, words[i]);
		}
	if (f->server.n > 0 || f->name.n > 0) {
		buf_ch(out, ' ');
		buf_str(out, f->server);
		buf_str(
		    out, f->server.n > 0 && f->name.n > 0 ? STR("/") : STR(""));
		buf_str(out, f->name);
	}
	if (f->reason.n > 0 || f->error.n > 0) {
		buf_str(out, STR(": "));
		buf_str(out, f->reason.n > 0 ? f->reason : f->error);
	}
}

void
put_named(const struct facts *f, struct obj *o)
{
	obj_lit(o, "correlation_id", f->correlation);
	obj_str(o, "mcp_method", f->method);
	obj_str(o, "mcp_name", f->name);
	put_path(f, obj_key(o, "delegation_path"));
	obj_str(o, "delegation_state", f->delegation);
	obj_str(o, "attestation_state", f->attestation);
}
