/*
 * inventory.c: who and what is declared.  Load checks it (inventory_new, as
 * part of policy_compile), the judge opens it from the same image and only
 * asks: is this declared, what does the call touch, whom does this agent act
 * for.  Entities that every call shares are made once, here.
 */
#include "authority/inventory.h"

static const struct str section[KINDS] = {
	[K_AGENT] = STR_INIT("agents"),
	[K_USER] = STR_INIT("users"),
	[K_SERVER] = STR_INIT("servers"),
	[K_TOOL] = STR_INIT("tools"),
	[K_PROMPT] = STR_INIT("prompts"),
	[K_RESOURCE] = STR_INIT("resources"),
	[K_MODEL] = STR_INIT("models"),
	[K_DATASET] = STR_INIT("datasets"),
};
static const struct str type_of[KINDS] = {
	[K_AGENT] = STR_INIT(NS "Agent"),
	[K_USER] = STR_INIT(NS "User"),
	[K_SERVER] = STR_INIT(NS "Server"),
	[K_TOOL] = STR_INIT(NS "Tool"),
	[K_PROMPT] = STR_INIT(NS "Prompt"),
	[K_RESOURCE] = STR_INIT(NS "Resource"),
	[K_MODEL] = STR_INIT(NS "Model"),
	[K_DATASET] = STR_INIT(NS "Dataset"),
};
static const struct str attributes[ATTRS] = { STR_INIT("version"),
	STR_INIT("owner"), STR_INIT("sponsor"), STR_INIT("purpose"),
	STR_INIT("environment"), STR_INIT("classification") };

struct str
kind_word(enum kind k)
{
	return str_sub(section[k], 0, section[k].n - 1);
}

/* ---- opening ---- */

/* Its classification as a bit; conf let no more than 64 of them in. */
static enum err
label_of(struct inventory *v, struct str name, uint64_t *out, struct note *why)
{
	unsigned i = 0;

	if (name.n == 0)
		return OK;
	while (i < v->label_n && !str_eq(v->label[i], name))
		i++;
	if (i == LABELS_MAX) {
		note_set(
		    why, "inventory: more than %d classifications", LABELS_MAX);
		return ERR_LIMIT;
	}
	v->label[i] = name;
	v->label_n += i == v->label_n;
	*out = UINT64_C(1) << i;
	return OK;
}

static enum err
object_fill(struct inventory *v, enum kind k, struct jv x, struct declared *d,
    struct note *why)
{
	d->kind = k;
	d->id = jv_str(jv_get(x, STR("id")));
	d->said = x;
	d->glob =
	    str_find(d->id, '*') < d->id.n &&
	    (k == K_TOOL || k == K_PROMPT || k == K_RESOURCE || k == K_MODEL);
	d->acts_for = jv_str(jv_get(x, STR("acts_for")));
	for (size_t i = 0; i < ATTRS; i++) {
		const struct str s = jv_str(jv_get(x, attributes[i]));

		if (s.n > 0)
			d->attr[d->attr_n++] =
			    (struct cedar_field){ attributes[i],
				    cedar_string(s) };
	}
	return label_of(
	    v, jv_str(jv_get(x, STR("classification"))), &d->label, why);
}

static enum err
kind_fill(struct inventory *v, enum kind k, struct jv all, struct note *why)
{
	const size_t n = jv_count(all);
	struct jit it = jit_of(all);
	struct jv x;
	size_t i = 0;

	v->all[k] = mem_get((n + 1) * sizeof(*v->all[k]));
	v->exact[k] = map_new(0);
	while (i < n && jit_next(&it, NULL, &x)) {
		struct declared *d = &v->all[k][i++];

		v->n[k] = i;
		TRY(object_fill(v, k, x, d, why));
		if (!d->glob)
			(void)map_put(v->exact[k], d->id, d);
		else
			v->globs[k] = true;
	}
	return OK;
}

/* Agents of a class, of their sponsor, and of the user they act for. */
static size_t
parents_of(const struct inventory *v, const struct declared *d,
    struct cedar_uid out[3])
{
	const struct str sponsor = jv_str(jv_get(d->said, STR("sponsor")));
	const struct str class = jv_str(jv_get(d->said, STR("class")));
	size_t n = 0;

	if (d->kind != K_AGENT)
		return 0;
	if (class.n > 0)
		out[n++] = (struct cedar_uid){ STR(NS "AgentClass"), class };
	if (sponsor.n > 0)
		out[n++] = (struct cedar_uid){ STR(NS "User"), sponsor };
	if (d->acts_for.n > 0 && !str_eq(d->acts_for, sponsor) &&
	    inventory_find(v, K_USER, d->acts_for) != NULL)
		out[n++] = (struct cedar_uid){ STR(NS "User"), d->acts_for };
	return n;
}

/* What every call may meet: principals, servers, datasets, models. */
static enum err
entity_add(struct inventory *v, const struct declared *d)
{
	struct arena *a = cedar_entities_arena(v->es);
	struct cedar_field f[ATTRS + 1];
	struct cedar_uid up[3];
	const size_t up_n = parents_of(v, d, up);

	f[0] = (struct cedar_field){ d->kind == K_SERVER ? STR("server")
							 : STR("name"),
		cedar_string(d->id) };
	memcpy(&f[1], d->attr, d->attr_n * sizeof(*f));
	return cedar_entities_add(v->es,
	    &(struct cedar_new_entity){ .uid = { type_of[d->kind], d->id },
		.attrs = cedar_record(f, 1 + d->attr_n, a),
		.parent = up,
		.parent_n = up_n });
}

static enum err
entities_fill(struct inventory *v, struct note *why)
{
	static const enum kind shared[] = { K_AGENT, K_USER, K_SERVER, K_MODEL,
		K_DATASET };
	struct cedar_why at = { .line = 0 };

	v->es = cedar_entities_new();
	for (size_t i = 0; i < countof(shared); i++)
		for (size_t k = 0; k < v->n[shared[i]]; k++)
			TRY(entity_add(v, &v->all[shared[i]][k]));
	if (cedar_entities_close(v->es, &at) != OK) {
		note_set(why, "inventory: %s", at.note.text);
		return ERR_SYNTAX;
	}
	v->dataset = mem_get((v->n[K_DATASET] + 1) * sizeof(*v->dataset));
	for (size_t k = 0; k < v->n[K_DATASET]; k++)
		v->dataset[k] = cedar_ref_of((struct cedar_uid){
		    type_of[K_DATASET], v->all[K_DATASET][k].id });
	return OK;
}

/* Nobody's chain is longer than a call can carry. */
static enum err
chains_ok(const struct inventory *v, struct note *why)
{
	for (size_t i = 0; i < v->n[K_AGENT]; i++) {
		const struct declared *d = &v->all[K_AGENT][i];
		size_t n = 0;

		while (d != NULL && d->acts_for.n > 0 && n++ <= CHAIN_MAX)
			d = inventory_find(v, K_AGENT, d->acts_for);
		if (n > CHAIN_MAX) {
			note_set(why,
			    "%.*s: agent %.*s acts for more than %d others, "
			    "one behind the other",
			    STR_ARG(v->file), STR_ARG(v->all[K_AGENT][i].id),
			    CHAIN_MAX);
			return ERR_LIMIT;
		}
	}
	return OK;
}

static void
names_fill(struct inventory *v, struct jv image)
{
	struct jit it = jit_of(jv_get(image, STR("principals")));
	const struct str anon = jv_str(jv_get(image, STR("anonymous")));
	struct jv x;

	v->names = map_new(0);
	while (jit_next(&it, NULL, &x))
		(void)map_put(v->names, jv_str(jv_get(x, STR("name"))), v);
	if (anon.n > 0)
		(void)map_put(v->names, anon, v);
}

enum err
inventory_new(struct jv image, struct inventory **out, struct note *why)
{
	const struct jv said = jv_get(image, STR("inventory"));
	struct inventory *v = mem_get(sizeof(*v));
	enum err e = OK;

	names_fill(v, image);
	v->is = jv_is(said, J_OBJ);
	v->file = jv_str(jv_get(said, STR("file")));
	v->listed_models = jv_true(jv_get(said, STR("listed_models")));
	for (size_t k = 0; !e && v->is && k < KINDS; k++)
		e = kind_fill(v, (enum kind)k, jv_get(said, section[k]), why);
	if (!e && v->n[K_DATASET] > DATASETS_MAX) {
		note_set(why, "inventory: more than %d datasets", DATASETS_MAX);
		e = ERR_LIMIT;
	}
	if (!e && v->is)
		e = entities_fill(v, why);
	if (!e && v->is)
		e = chains_ok(v, why);
	if (!e && v->is)
		e = touch_open(v, image, why);
	if (e) {
		inventory_free(v);
		return e;
	}
	*out = v;
	return OK;
}

void
inventory_free(struct inventory *v)
{
	if (v == NULL)
		return;
	touch_free(v);
	for (size_t k = 0; k < KINDS; k++) {
		mem_free(v->all[k]);
		map_free(v->exact[k]);
	}
	cedar_entities_free(v->es);
	map_free(v->names);
	mem_free(v->dataset);
	mem_free(v);
}

/* ---- asking ---- */

const struct declared *
inventory_find(const struct inventory *v, enum kind k, struct str id)
{
	const struct declared *d =
	    v->exact[k] == NULL ? NULL : map_get(v->exact[k], id);

	for (size_t i = 0; d == NULL && v->globs[k] && i < v->n[k]; i++)
		if (v->all[k][i].glob && str_glob(v->all[k][i].id, id))
			d = &v->all[k][i];
	return d;
}

/* Nobody declared it: a sentence that names it. */
static enum err
undeclared(enum kind k, struct str id, struct note *why)
{
	const struct str word = kind_word(k);

	note_set(why, "The inventory declares no %.*s \"%.*s\".", STR_ARG(word),
	    (int)(id.n > 150 ? 150 : id.n), id.p);
	return ERR_DENIED;
}

/* server/name */
static struct str
thing_name(const struct call *c, struct arena *a)
{
	const size_t n = c->server.n + 1 + c->name.n;
	char *p = arena_alloc(a, n + 1);

	if (p == NULL)
		return (struct str){ NULL, 0 };
	memcpy(p, c->server.p, c->server.n);
	p[c->server.n] = '/';
	memcpy(p + c->server.n + 1, c->name.p, c->name.n);
	return (struct str){ p, n };
}

static enum err
thing_declared(const struct inventory *v, const struct call *c, struct arena *a,
    struct known *k, struct note *why)
{
	static const enum kind kinds[] = { [TOOL] = K_TOOL,
		[PROMPT] = K_PROMPT,
		[RESOURCE] = K_RESOURCE,
		[MODEL] = K_MODEL };
	const enum thing on = thing_on(c->method);
	struct str id = c->name;

	if (on == SERVER) {
		k->what = k->server;
		return OK;
	}
	/* Of a completion what it is for is asked besides. */
	if (str_eq(c->method, STR("completion/complete")) ||
	    (on == MODEL && !v->listed_models))
		return OK;
	if (on == TOOL || on == PROMPT)
		id = thing_name(c, a);
	if (id.p == NULL)
		return ERR_LIMIT;
	k->what = inventory_find(v, kinds[on], id);
	return k->what != NULL ? OK : undeclared(kinds[on], id, why);
}

enum err
inventory_declares(const struct inventory *v, const struct call *c,
    struct arena *a, struct known *k, struct note *why)
{
	if (!v->is)
		return OK;
	k->base = v->es;
	k->who = inventory_find(v, K_AGENT, c->principal);
	if (k->who == NULL)
		return undeclared(K_AGENT, c->principal, why);
	k->server = inventory_find(v, K_SERVER, c->server);
	if (k->server == NULL)
		return undeclared(K_SERVER, c->server, why);
	return thing_declared(v, c, a, k, why);
}

static bool
is_one_of(struct jv globs, struct str name)
{
	struct jit it = jit_of(globs);
	struct jv x;

	while (jit_next(&it, NULL, &x))
		if (str_glob(jv_str(x), name))
			return true;
	return false;
}

enum err
inventory_model(const struct inventory *v, const struct known *k,
    struct str model, struct note *why)
{
	struct jv own;

	if (v->listed_models && inventory_find(v, K_MODEL, model) == NULL)
		return undeclared(K_MODEL, model, why);
	if (k->who == NULL)
		return OK;
	own = jv_get(k->who->said, STR("models"));
	if (!jv_is(own, J_ARR) || is_one_of(own, model))
		return OK;
	note_set(why,
	    "The inventory does not let agent \"%.*s\" run on model "
	    "\"%.*s\".",
	    STR_ARG(k->who->id), (int)(model.n > 100 ? 100 : model.n), model.p);
	return ERR_DENIED;
}
