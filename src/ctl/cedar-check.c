/*
 * cedar-check: one test of a published Cedar corpus: what must be decided, by
 * which policies, with which failing; what the validator must say in both
 * modes; which entities and requests must be taken.
 */
#include "ctl/ctl-cedar.h"

#include <stdarg.h>

#include "cedar/cedar.h"
#include "json/json.h"

enum {
	TAPE_MAX = 64 * 1024 * 1024,
	ROOM = 64 * 1024 * 1024,
};

struct check {
	struct corpus *c;
	const struct corpus_test *t;
	struct buf test, verdicts, text;
	struct arena *a;
	struct cedar_policies *ps;
	struct cedar_schema *s;
	struct cedar_entities *es;
	struct cedar_engine *e;
	bool differs;
};

static void PRINTF(2, 3) differ(struct check *k, const char *fmt, ...)
{
	va_list ap;

	k->differs = true;
	printf("%.*s: ", STR_ARG(k->t->name));
	va_start(ap, fmt);
	(void)vprintf(fmt, ap);
	va_end(ap);
	(void)putchar('\n');
}

static struct jv
parse(struct check *k, struct str text, struct buf *tape)
{
	struct note why = { "" };

	tape->max = TAPE_MAX;
	if (json_parse(text, &json_default, tape, &why) == OK)
		return jv_of(buf_view(tape));
	differ(k, "not JSON: %s", why.text);
	return (struct jv){ NULL, 0 };
}

/* ---- requests ---- */
static struct str
name_of(const struct check *k, uint32_t place)
{
	struct cedar_policy_info info = { 0 };

	(void)cedar_engine_policy(k->e, place, &info);
	return info.id;
}

static bool
listed(struct jv list, struct str id)
{
	struct jit it = jit_of(list);
	struct jv v;

	while (jit_next(&it, NULL, &v))
		if (str_eq(jv_str(v), id))
			return true;
	return false;
}

static void
check_answer(struct check *k, struct jv want, const struct cedar_answer *got)
{
	const struct str name = jv_str(jv_get(want, STR("description")));
	const struct jv reason = jv_get(want, STR("reason"));
	const struct jv errors = jv_get(want, STR("errors"));
	const bool allow =
	    str_ieq(jv_str(jv_get(want, STR("decision"))), STR("allow"));
	bool same = jv_count(reason) == got->reason_n &&
		    jv_count(errors) == got->error_n;

	if (allow != (got->decision == CEDAR_ALLOW))
		differ(k, "%.*s: want %s", STR_ARG(name),
		    allow ? "allow, got deny" : "deny, got allow");
	for (size_t i = 0; i < got->reason_n; i++)
		same = same && listed(reason, name_of(k, got->reason[i]));
	for (size_t i = 0; i < got->error_n; i++)
		same = same && listed(errors, name_of(k, got->error[i].policy));
	if (!same)
		differ(k,
		    "%.*s: want %zu reasons and %zu errors, got %zu and "
		    "%zu%s%s",
		    STR_ARG(name), jv_count(reason), jv_count(errors),
		    got->reason_n, got->error_n, got->error_n > 0 ? ": " : "",
		    got->error_n > 0 ? got->error[0].note.text : "");
}

static struct cedar_uid
uid_of(struct jv v)
{
	if (jv_is(jv_get(v, STR("__entity")), J_OBJ))
		v = jv_get(v, STR("__entity"));
	return (struct cedar_uid){ jv_str(jv_get(v, STR("type"))),
		jv_str(jv_get(v, STR("id"))) };
}

static void
check_request(struct check *k, struct jv want)
{
	const struct cedar_uid par[3] = {
		uid_of(jv_get(want, STR("principal"))),
		uid_of(jv_get(want, STR("action"))),
		uid_of(jv_get(want, STR("resource"))),
	};
	const struct str name = jv_str(jv_get(want, STR("description")));
	const bool validate =
	    !jv_is(jv_get(want, STR("validateRequest")), J_FALSE);
	struct cedar_request *r = NULL;
	struct cedar_answer got;
	struct cedar_why why = { 0 };

	const bool refuse = !jv_is(jv_get(want, STR("refused")), J_NONE);
	bool refused;

	k->c->requests++;
	buf_clear(&k->text);
	json_write(jv_get(want, STR("context")), &k->text);
	refused =
	    k->es == NULL || cedar_request_new(par, buf_view(&k->text),
				 validate ? k->s : NULL, k->a, &r, &why) != OK;
	if (refused != refuse)
		differ(k, "%.*s: is %s%s", STR_ARG(name),
		    refused ? "refused: " : "not refused", why.note.text);
	else if (refused)
		return;
	else if (cedar_authorize(k->e, r, k->es, k->a, &got) != OK)
		differ(k, "%.*s: too large", STR_ARG(name));
	else
		check_answer(k, want, &got);
	arena_reset(k->a);
}

/* ---- verdicts ---- */

/* Is policy id (empty: every one) without a finding that is no warning? */
static bool
is_valid(const struct cedar_finding *f, struct str id)
{
	for (; f != NULL; f = f->next)
		if (!f->warning && (id.n == 0 || str_eq(f->policy, id)))
			return false;
	return true;
}

static void
check_verdict(struct check *k, const char *mode, struct str id, struct jv want,
    const struct cedar_finding *f)
{
	if (jv_is(want, J_NONE))
		return;
	k->c->verdicts++;
	if (jv_true(want) == is_valid(f, id))
		return;
	differ(k, "%s %.*s: want %s%s%s", mode, STR_ARG(id),
	    jv_true(want) ? "valid, got: " : "invalid",
	    jv_true(want) && f != NULL ? f->why.note.text : "", "");
}

static void
check_mode(struct check *k, enum cedar_mode mode, struct jv test, struct jv v)
{
	static const char *const names[] = { "strict", "permissive" };
	const struct jv all = jv_get(v, STR("policyValidation"));
	const struct str key = str_of(names[mode]);
	struct jit it = jit_of(jv_get(all, STR("perPolicy")));
	const struct cedar_finding *f = NULL;
	struct str id;
	struct jv one;

	if (cedar_validate(k->s, k->ps, mode, k->a, &f) != OK) {
		differ(k, "%s: the policies are too large", names[mode]);
		return;
	}
	if (mode == CEDAR_STRICT)
		check_verdict(k, "shouldValidate", STR(""),
		    jv_get(test, STR("shouldValidate")), f);
	check_verdict(k, names[mode], STR(""), jv_get(all, key), f);
	while (jit_next(&it, &id, &one))
		check_verdict(k, names[mode], id, jv_get(one, key), f);
}

/* Requests have verdicts too; those of the corpora do not depend on the mode.
 */
static void
check_requests(struct check *k, struct jv test, struct jv v)
{
	struct jit it = jit_of(jv_get(v, STR("requestValidation")));
	struct jit requests = jit_of(jv_get(test, STR("requests")));
	struct jv want, r;

	while (jit_next(&it, NULL, &want) && jit_next(&requests, NULL, &r)) {
		const struct cedar_uid par[3] = {
			uid_of(jv_get(r, STR("principal"))),
			uid_of(jv_get(r, STR("action"))),
			uid_of(jv_get(r, STR("resource"))),
		};
		struct cedar_request *got = NULL;
		bool good;

		buf_clear(&k->text);
		json_write(jv_get(r, STR("context")), &k->text);
		good = cedar_request_new(par, buf_view(&k->text), k->s, k->a,
			   &got, NULL) == OK;
		k->c->verdicts += 2;
		if (good != jv_true(jv_get(want, STR("strict"))) ||
		    good != jv_true(jv_get(want, STR("permissive"))))
			differ(k, "%.*s is %s",
			    STR_ARG(jv_str(jv_get(want, STR("description")))),
			    good ? "taken" : "refused");
		arena_reset(k->a);
	}
}

/* ---- entities ---- */

/* What perEntity says of an entity: {"success": bool}, or errors when it is
 * wrong and nothing when it is right. */
static bool
wants_entity(struct jv want)
{
	const struct jv success = jv_get(want, STR("success"));

	return jv_is(success, J_NONE) ? jv_count(want) == 0 : jv_true(success);
}

static void
check_entity(struct check *k, struct jv entity, struct jv wants)
{
	const struct cedar_uid uid = uid_of(jv_get(entity, STR("uid")));
	struct buf key = { .max = 1024 * 1024 };
	struct cedar_entities *es = NULL;
	struct cedar_why why = { 0 };
	struct jv want;
	bool good;

	buf_str(&key, uid.type);
	buf_str(&key, STR("::"));
	buf_str(&key, uid.id);
	want = jv_get(wants, buf_view(&key));
	buf_clear(&key);
	cedar_uid_put(&key, uid);
	buf_clear(&k->text);
	buf_ch(&k->text, '[');
	json_write(entity, &k->text);
	buf_ch(&k->text, ']');
	good =
	    cedar_entities_from_json(buf_view(&k->text), k->s, &es, &why) == OK;
	k->c->verdicts++;
	if (jv_is(want, J_NONE) ? good : good != wants_entity(want))
		differ(k, "%.*s is %s%s", STR_ARG(buf_view(&key)),
		    good ? "taken" : "refused: ", why.note.text);
	cedar_entities_free(es);
	buf_done(&key);
}

static bool
is_action(struct jv entity)
{
	const struct str type = uid_of(jv_get(entity, STR("uid"))).type;

	return str_eq(type, STR("Action")) || str_ends(type, STR("::Action"));
}

/* An action alone has not the ancestors that the others give it: actions are
 * judged with all. */
static void
check_entities(struct check *k, struct jv wants)
{
	struct buf tape = { .max = TAPE_MAX };
	struct jit it;
	struct jv e;

	if (json_parse(k->t->entities, &json_default, &tape, NULL) == OK) {
		it = jit_of(jv_of(buf_view(&tape)));
		while (jit_next(&it, NULL, &e))
			if (!is_action(e))
				check_entity(k, e, wants);
	}
	buf_done(&tape);
}

/* ---- a test ---- */
static bool
read_schema(struct check *k)
{
	struct cedar_why why = { 0 };

	if (k->t->schema.n == 0 ||
	    cedar_schema_parse(k->t->schema, &k->s, &why) == OK)
		return true;
	differ(k, "schema:%u:%u: %s", why.line, why.col, why.note.text);
	return false;
}

/* false: there is nothing to ask. */
static bool
read_policies(struct check *k)
{
	struct cedar_why why = { 0 };
	bool good;

	k->ps = cedar_policies_new();
	good = cedar_policies_parse(k->ps, k->t->policies, &why) == OK &&
	       cedar_engine_new(k->ps, &k->e, &why) == OK;
	if (good && k->t->refused.n > 0)
		differ(k, "the policies are not refused");
	if (!good && k->t->refused.n == 0)
		differ(
		    k, "policies:%u:%u: %s", why.line, why.col, why.note.text);
	return good && k->t->refused.n == 0;
}

static void
read_entities(struct check *k, bool may_fail)
{
	struct cedar_why why = { 0 };

	if (cedar_entities_from_json(k->t->entities, k->s, &k->es, &why) !=
		OK &&
	    !may_fail)
		differ(k, "entities: %s", why.note.text);
}

static void
check_deciding(struct check *k)
{
	const struct jv test = k->t->refused.n > 0
				   ? (struct jv){ NULL, 0 }
				   : parse(k, k->t->test, &k->test);
	const struct jv requests = jv_get(test, STR("requests"));
	struct jit it = jit_of(requests), first = it;
	struct jv r = { NULL, 0 }, v = { NULL, 0 };

	if (!read_schema(k) || !read_policies(k))
		return;
	(void)jit_next(&first, NULL, &r);
	read_entities(k, jv_is(jv_get(r, STR("refused")), J_STR));
	while (jit_next(&it, NULL, &r))
		check_request(k, r);
	if (k->t->validation.n > 0)
		v = parse(k, k->t->validation, &k->verdicts);
	if (k->s == NULL)
		return;
	check_mode(k, CEDAR_STRICT, test, v);
	check_mode(k, CEDAR_PERMISSIVE, test, v);
	arena_reset(k->a);
	if (k->t->validation.n == 0)
		return;
	check_requests(k, test, v);
	check_entities(k, jv_at(v, "entityValidation/perEntity"));
}

static void
check_parsing(struct check *k)
{
	const struct jv v = parse(k, k->t->parsing, &k->verdicts);
	const bool want = jv_true(jv_at(v, "allEntities/success"));
	struct cedar_why why = { 0 };
	bool good;

	if (!read_schema(k))
		return;
	good =
	    cedar_entities_from_json(k->t->entities, k->s, &k->es, &why) == OK;
	k->c->verdicts++;
	if (good != want)
		differ(k, "the entities are %s%s",
		    good ? "taken" : "refused: ", why.note.text);
	check_entities(k, jv_get(v, STR("perEntity")));
}

void
corpus_check(struct corpus *c, const struct corpus_test *t)
{
	struct check k = { .c = c, .t = t };

	k.text.max = TAPE_MAX;
	k.a = arena_new(ROOM);
	if (t->parsing.n > 0)
		check_parsing(&k);
	else
		check_deciding(&k);
	if (k.differs)
		c->failed++;
	else
		c->passed++;
	cedar_engine_free(k.e);
	cedar_entities_free(k.es);
	cedar_schema_free(k.s);
	cedar_policies_free(k.ps);
	arena_free(k.a);
	buf_done(&k.test);
	buf_done(&k.verdicts);
	buf_done(&k.text);
}
