/*
 * context.c: what policies see besides the call itself: the datasets it
 * touches, on whose behalf it is, the model behind it, and the session it
 * belongs to.  Each is made only when some policy reads it (reads_of).
 */
#include "authority/inventory.h"

enum {
	MS_OF_HOUR = 3600 * 1000,
	HOURS_OF_DAY = 24,
	THURSDAY = 3, /* 1970-01-01, counted from Monday as 0 */
};

/* ---- what is read ---- */

static const struct {
	struct str member;
	unsigned reads;
} members[] = {
	{ STR_INIT("input"), READS_INPUT },
	{ STR_INIT("session"), READS_SESSION },
	{ STR_INIT("datasets"), READS_DATASETS },
	{ STR_INIT("labels"), READS_DATASETS },
	{ STR_INIT("on_behalf_of"), READS_CHAIN },
	{ STR_INIT("chain_depth"), READS_CHAIN },
	{ STR_INIT("chain_agents"), READS_CHAIN },
	{ STR_INIT("model"), READS_MODEL },
	{ STR_INIT("budget"), READS_BUDGET },
};

unsigned
reads_of_member(struct str name)
{
	for (size_t i = 0; i < countof(members); i++)
		if (str_eq(members[i].member, name))
			return members[i].reads;
	return 0;
}

static void
put(struct known *k, struct str key, struct cedar_value v)
{
	BUG_ON(k->more_n == countof(k->more));
	k->more[k->more_n++] = (struct cedar_field){ key, v };
}

/* ---- on whose behalf ---- */

static struct cedar_value
entity(const char *type, struct str id, struct arena *a)
{
	struct cedar_ref *ref = arena_alloc(a, sizeof(*ref));

	if (ref == NULL)
		return (struct cedar_value){ .type = CEDAR_NONE };
	*ref = cedar_ref_of((struct cedar_uid){ str_of(type), id });
	return cedar_entity(ref);
}

void
context_chain(const struct inventory *v, const struct call *c, struct arena *a,
    struct known *k)
{
	struct cedar_value agents[CHAIN_MAX] = { { .type = CEDAR_NONE } };
	struct str user = { NULL, 0 };
	size_t n = 0;

	for (size_t i = 0; i < c->chain_n; i++)
		if (!v->is || inventory_find(v, K_AGENT, c->chain[i]) != NULL)
			agents[n++] = entity(NS "Agent", c->chain[i], a);
		else if (user.p == NULL)
			user = c->chain[i];
	put(k, STR("chain_agents"), cedar_set(agents, n, a));
	put(k, STR("chain_depth"), cedar_long((int64_t)c->chain_n));
	if (user.p != NULL)
		put(k, STR("on_behalf_of"), entity(NS "User", user, a));
}

/* ---- datasets, model ---- */

void
context_touched(const struct inventory *v, const struct touched *t,
    struct arena *a, struct known *k)
{
	put(k, STR("datasets"), touched_datasets(v, t, a));
	put(k, STR("labels"), touched_labels(v, t, a));
}

/* What the agent says of itself; checked, when models are declared. */
enum err
context_model(const struct inventory *v, const struct call *c, bool read,
    struct arena *a, struct known *k, struct note *why)
{
	const struct jv said =
	    jv_get(jv_get(c->params, STR("_meta")), STR(META_MODEL));

	if (jv_is(said, J_NONE))
		return OK;
	if (!jv_is(said, J_STR) || jv_str(said).n == 0) {
		note_set(why, "%s is no text.", META_MODEL);
		return ERR_SYNTAX;
	}
	TRY(inventory_model(v, k, jv_str(said), why));
	if (read)
		put(k, STR("model"), entity(NS "Model", jv_str(said), a));
	return OK;
}

/* ---- resources ---- */

/* They are compared as text: one that can be written in two ways would be
 * forbidden in one and read in the other. */
static enum err
context_uri(const struct call *c, struct note *why)
{
	if (thing_on(c->method) != RESOURCE || uri_plain(c->name))
		return OK;
	note_set(why,
	    "The URI can be written in another way: without . and .., without "
	    "escapes that it does not need, its scheme in small letters.");
	return ERR_SYNTAX;
}

/* ---- the session ---- */

/* What a session has when nothing is known of it. */
enum { S_SET, S_LONG, S_TEXT, S_RISK, S_PLAN };
static const struct {
	struct str name;
	int type;
} of_session[] = {
	{ STR_INIT("labels"), S_SET },
	{ STR_INIT("calls"), S_LONG },
	{ STR_INIT("refusals"), S_LONG },
	{ STR_INIT("servers"), S_LONG },
	{ STR_INIT("risk"), S_RISK },
	{ STR_INIT("sandbox"), S_TEXT },
	{ STR_INIT("plan"), S_PLAN },
};
enum { SESSION_MORE = countof(of_session) + 3 };

static struct cedar_value
risk_of(const struct cedar_value *said, struct arena *a)
{
	struct cedar_field f[RISK_MAX];

	if (said != NULL && said->type == CEDAR_RECORD && said->n == RISK_MAX)
		return *said;
	for (size_t i = 0; i < RISK_MAX; i++) {
		const struct cedar_value *v =
		    said != NULL && said->type == CEDAR_RECORD
			? cedar_get(*said, risk_groups[i])
			: NULL;

		f[i] = (struct cedar_field){ risk_groups[i],
			v != NULL ? *v : cedar_long(0) };
	}
	return cedar_record(f, RISK_MAX, a);
}

static struct cedar_value
nothing(int type, struct arena *a)
{
	if (type == S_SET)
		return cedar_set(NULL, 0, a);
	if (type == S_LONG)
		return cedar_long(0);
	if (type == S_PLAN)
		return cedar_string(STR("absent"));
	return type == S_TEXT ? cedar_string(STR("")) : risk_of(NULL, a);
}

/* now: milliseconds, or a text as datetime() takes it. */
static size_t
clock_of(const struct cedar_value *now, struct cedar_field f[3])
{
	struct cedar_value at;
	int64_t hours;

	at = now->type == CEDAR_LONG ? cedar_datetime(now->i)
				     : cedar_datetime_of(cedar_text(*now));
	f[0] = (struct cedar_field){ STR("now"), at };
	if (at.type == CEDAR_NONE || at.i < 0)
		return 1;
	hours = at.i / MS_OF_HOUR;
	f[1] = (struct cedar_field){ STR("hour"),
		cedar_long(hours % HOURS_OF_DAY) };
	f[2] = (struct cedar_field){ STR("weekday"),
		cedar_long((hours / HOURS_OF_DAY + THURSDAY) % 7 + 1) };
	return 3;
}

static bool
is_ours(struct str key)
{
	return str_eq(key, STR("now")) || str_eq(key, STR("risk")) ||
	       str_eq(key, STR("hour")) || str_eq(key, STR("weekday"));
}

enum err
session_of(
    struct jv said, struct arena *a, struct cedar_value *out, struct note *why)
{
	struct cedar_value all;
	const struct cedar_value *now;
	struct cedar_field *f;
	size_t n = 0;

	TRY(input_of(said, a, &all, why));
	f = arena_alloc(a, (all.n + SESSION_MORE) * sizeof(*f));
	if (f == NULL)
		return ERR_LIMIT;
	for (size_t i = 0; i < all.n; i++)
		if (!is_ours(all.field[i].key))
			f[n++] = all.field[i];
	for (size_t i = 0; i < countof(of_session); i++) {
		const struct cedar_value *v =
		    cedar_get(all, of_session[i].name);

		if (of_session[i].type == S_RISK)
			f[n++] = (struct cedar_field){ of_session[i].name,
				risk_of(v, a) };
		else if (v == NULL)
			f[n++] = (struct cedar_field){ of_session[i].name,
				nothing(of_session[i].type, a) };
	}
	now = cedar_get(all, STR("now"));
	if (now != NULL)
		n += clock_of(now, &f[n]);
	*out = cedar_record_in(f, n, a);
	if (out->type != CEDAR_NONE)
		return OK;
	note_set(why, "The session's facts are no such facts.");
	return ERR_SYNTAX;
}

/* ---- all of it ---- */

static enum err
known_read(const struct inventory *v, const struct call *c, unsigned reads,
    struct arena *a, struct known *k, struct note *why)
{
	const struct jv args = jv_get(c->params, STR("arguments"));
	struct touched t;

	TRY(inventory_declares(v, c, a, k, why));
	TRY(context_uri(c, why));
	TRY(context_model(v, c, reads & READS_MODEL, a, k, why));
	if (reads & READS_INPUT)
		TRY(call_input(c, a, k, why));
	if (!jv_is(c->facts, J_NONE))
		TRY(derived_of(c->facts, args, a, &k->derived, why));
	inventory_touch(v, c, k, &t);
	k->labels = t.labels;
	if (reads & READS_DATASETS)
		context_touched(v, &t, a, k);
	if (reads & READS_CHAIN)
		context_chain(v, c, a, k);
	if (reads & READS_SESSION) {
		struct cedar_field *f = &k->more[k->more_n++];

		f->key = STR("session");
		TRY(session_of(c->session, a, &f->v, why));
	}
	if (!jv_is(c->budget, J_NONE)) {
		struct cedar_field *f = &k->more[k->more_n++];

		f->key = STR("budget");
		TRY(input_of(c->budget, a, &f->v, why));
	}
	return OK;
}

/* Only what fails needs a sentence. */
enum err
known_of(const struct inventory *v, const struct call *c, unsigned reads,
    struct arena *a, struct known *out, struct note *why)
{
	enum err e;

	why->text[0] = '\0';
	memset(out, 0, offsetof(struct known, more));
	e = known_read(v, c, reads, a, out, why);
	if (e && why->text[0] == '\0')
		note_set(why, "The call is too large for its policies.");
	return e;
}
