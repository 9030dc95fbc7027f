/*
 * authority.c: from an image to engines.
 *
 * Three engines.  `all` decides.  `lifted` is all but the forbids that a person
 * may lift: what it allows and `all` denies is held.  `shown` answers for lists
 * (shown.c).  They are made by load, in one string of bytes each for `all` with
 * `lifted`, and for `shown`; nothing here changes after policy_new but the
 * scratch arena of lists.
 */
#include "authority/inventory.h"

enum {
	IMAGE_MAX = 64 << 20,
	SCRATCH = 256 << 10, /* of one question of a list */
};

/* ---- compiling ---- */

/* The name that records know policy i by. */
static struct str
id_of(const struct cedar_policies *ps, size_t i, struct cedar_policy_info *info)
{
	struct str id = STR("");

	if (!cedar_policy_info(ps, i, info))
		return id;
	if (!cedar_policy_annotation(ps, i, STR("id"), &id) || id.n == 0)
		id = info->id;
	return id;
}

/* Policies from place `from` on are of this file; seen: id -> where it was. */
static enum err
ids_new(const struct cedar_policies *ps, size_t from, struct str file,
    struct map *seen, struct note *why)
{
	struct cedar_policy_info info = { .line = 0 };

	for (size_t i = from; i < cedar_policies_count(ps); i++) {
		const struct str id = id_of(ps, i, &info);

		if (map_get(seen, id) != NULL) {
			note_set(why,
			    "%.*s:%u:%u: another policy or rule has the id "
			    "\"%.*s\"; give it one of its own",
			    STR_ARG(file), info.line, info.col, STR_ARG(id));
			return ERR_SYNTAX;
		}
		(void)map_put(seen, id, seen);
	}
	return OK;
}

static enum err
file_compile(
    struct jv v, struct cedar_policies *ps, struct map *seen, struct note *why)
{
	const struct str name = jv_str(jv_get(v, STR("name")));
	const size_t from = cedar_policies_count(ps);
	struct cedar_policy_info slots;
	struct cedar_why at = { .line = 0 };
	const enum err e =
	    cedar_policies_parse(ps, jv_str(jv_get(v, STR("text"))), &at);

	if (e == OK && cedar_template_info(ps, 0, &slots)) {
		note_set(why,
		    "%.*s:%u:%u: a template: nothing here fills ?principal "
		    "and ?resource; say who and what",
		    STR_ARG(name), slots.line, slots.col);
		return ERR_SYNTAX;
	}
	if (e == OK)
		return ids_new(ps, from, name, seen, why);
	note_set(why, "%.*s:%u:%u: %s", STR_ARG(name), at.line, at.col,
	    at.note.text);
	return e;
}

static enum err
files_compile(struct jv image, struct cedar_policies *ps, struct note *why)
{
	struct map *seen = map_new(0);
	struct jit it = jit_of(jv_get(image, STR("rules")));
	enum err e = OK;
	struct jv v;

	while (jit_next(&it, NULL, &v))
		(void)map_put(seen, jv_str(jv_get(v, STR("id"))), seen);
	it = jit_of(jv_get(image, STR("policies")));
	while (!e && jit_next(&it, NULL, &v))
		e = file_compile(v, ps, seen, why);
	map_free(seen);
	return e;
}

/* Copies policy i of `from` under its own id, and adds what it reads. */
static enum err
copy_one(const struct cedar_policies *from, size_t i, struct cedar_policies *to,
    struct reading *r, struct note *why)
{
	struct buf text = { .max = 1 << 20 }, tape = { .max = 4 << 20 };
	struct cedar_policy_info info = { .line = 0 };
	struct cedar_why at = { .line = 0 };
	struct str id;
	enum err e;

	id = id_of(from, i, &info);
	if (id.n == 0)
		return ERR_SYNTAX;
	e = est_of(from, info.id, &text, &tape, &at.note);
	if (!e)
		reading_add(r, jv_of(buf_view(&tape)));
	if (!e && to != NULL)
		e = cedar_policies_from_json(to, id, buf_view(&text), &at);
	if (e)
		note_set(why, "%u:%u: policy %.*s: %s", info.line, info.col,
		    STR_ARG(id), at.note.text);
	buf_done(&text);
	buf_done(&tape);
	return e;
}

static enum err
engine_put(const struct cedar_policies *ps, struct buf *out, struct note *why)
{
	struct cedar_engine *e;
	struct cedar_why at = { .line = 0 };
	const enum err err = cedar_engine_new(ps, &e, &at);

	if (err) {
		note_set(why, "%s", at.note.text);
		return err;
	}
	buf_u32(out, (uint32_t)cedar_engine_image(e).n);
	buf_str(out, cedar_engine_image(e));
	cedar_engine_free(e);
	return buf_end(out);
}

/* The sets under construction. */
struct sets {
	struct cedar_policies *files, *all, *lifted, *shown;
};

static enum err
sets_fill(struct sets *s, struct jv image, struct reading *r, struct note *why)
{
	const struct jv rules = jv_get(image, STR("rules"));
	struct str lifts;
	size_t n;

	TRY(files_compile(image, s->files, why));
	TRY(rules_compile(rules, false, s->all, why));
	TRY(rules_compile(rules, false, s->lifted, why));
	TRY(rules_compile(rules, true, s->shown, why));
	n = cedar_policies_count(s->files);
	for (size_t i = 0; i < n; i++) {
		enum err e = copy_one(s->files, i, s->all, r, why);

		if (!e && !cedar_policy_annotation(
			      s->files, i, STR("requestable"), &lifts))
			e = copy_one(s->files, i, s->lifted, r, why);
		if (e) {
			note_file(image, i, why);
			return e;
		}
	}
	return shown_compile(s->files, s->shown, why);
}

enum err
all_compile(struct jv image, struct cedar_policies *all, struct note *why)
{
	struct cedar_policies *files = cedar_policies_new();
	enum err e = files_compile(image, files, why);
	struct reading r = { .what = 0 };

	if (!e)
		e = rules_compile(jv_get(image, STR("rules")), false, all, why);
	for (size_t i = 0; !e && i < cedar_policies_count(files); i++) {
		e = copy_one(files, i, all, &r, why);
		if (e)
			note_file(image, i, why);
	}
	reading_done(&r);
	cedar_policies_free(files);
	return e;
}

enum err
policy_compile(
    struct jv image, struct buf *decide, struct buf *list, struct note *why)
{
	struct sets s = { cedar_policies_new(), cedar_policies_new(),
		cedar_policies_new(), cedar_policies_new() };
	struct inventory *inv = NULL;
	struct reading r = { .what = 0 };
	enum err e = inventory_new(image, &inv, why);

	inventory_free(inv); /* is it right?  The judge opens it by itself */
	if (!e)
		e = sets_fill(&s, image, &r, why);
	if (!e) {
		reading_put(&r, decide);
		e = engine_put(s.all, decide, why);
	}
	if (!e)
		e = engine_put(s.lifted, decide, why);
	if (!e)
		e = engine_put(s.shown, list, why);
	reading_done(&r);
	cedar_policies_free(s.files);
	cedar_policies_free(s.all);
	cedar_policies_free(s.lifted);
	cedar_policies_free(s.shown);
	return e;
}

/* ---- opening ---- */

static enum err
engine_get(struct cur *c, struct cedar_engine **out)
{
	const size_t n = cur_u32(c);
	const struct str bytes = cur_str(c, n);

	return c->bad ? ERR_SYNTAX : cedar_engine_open(bytes, out);
}

static void
rows_fill(struct policy *p)
{
	const size_t n = cedar_engine_count(p->all);

	p->row = mem_get((n + 1) * sizeof(*p->row));
	for (size_t i = 0; i < n; i++) {
		struct policy_row *r = &p->row[i];
		struct cedar_policy_info info = { .forbid = true };
		struct str name, value;

		(void)cedar_engine_policy(p->all, i, &info);
		r->id = info.id;
		r->forbid = info.forbid;
		r->reason = info.forbid ? STR("A policy forbids this call.")
					: STR("A policy permits this call.");
		for (size_t k = 0;
		     cedar_engine_annotation(p->all, i, k, &name, &value);
		     k++) {
			if (str_eq(name, STR("reason")) && value.n > 0)
				r->reason = value;
			if (str_eq(name, STR("requestable")))
				r->needs =
				    value.n > 0 ? value : STR("approval");
			if (str_eq(name, STR("obligation")))
				r->must = value;
		}
	}
}

static enum err
policy_open(struct str decide, struct str list, struct policy *p)
{
	struct cur c = cur_of(decide.p, decide.n);

	TRY(reading_get(&c, p));
	TRY(engine_get(&c, &p->all));
	TRY(engine_get(&c, &p->lifted));
	TRY(cur_end(&c));
	c = cur_of(list.p, list.n);
	TRY(engine_get(&c, &p->shown));
	TRY(cur_end(&c));
	rows_fill(p);
	return OK;
}

static enum err
engines_of(
    struct jv image, struct buf *decide, struct buf *list, struct note *why)
{
	const struct jv d = jv_get(image, STR("engine"));

	if (jv_type(d) == J_NONE)
		return policy_compile(image, decide, list, why);
	note_set(why, "the image's engines are broken");
	TRY(base64_get(jv_str(d), decide));
	return base64_get(jv_str(jv_get(image, STR("engine_list"))), list);
}

enum err
policy_new(struct jv image, struct policy **out, struct note *why)
{
	struct buf decide = { .max = IMAGE_MAX }, list = { .max = IMAGE_MAX };
	struct policy *p = mem_get(sizeof(*p));
	enum err e = engines_of(image, &decide, &list, why);

	if (!e)
		e = inventory_new(image, &p->inv, why);
	if (!e) {
		note_set(why, "the image's engines are broken");
		e = policy_open(buf_view(&decide), buf_view(&list), p);
	}
	buf_done(&decide);
	buf_done(&list);
	if (e) {
		policy_free(p);
		return e;
	}
	p->scratch = arena_new(SCRATCH);
	*out = p;
	return OK;
}

void
policy_free(struct policy *p)
{
	if (p == NULL)
		return;
	cedar_engine_free(p->all);
	cedar_engine_free(p->lifted);
	cedar_engine_free(p->shown);
	arena_free(p->scratch);
	map_free(p->typed);
	inventory_free(p->inv);
	mem_free(p->row);
	mem_free(p);
}
