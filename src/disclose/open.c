/*
 * open: disclosures put where a record commits to them (RFC 9901, s.7.1).  One
 * may commit to more, so it goes on until nothing is found any more; what then
 * stands nowhere was never committed to.
 */
#include "disclose/disclose.h"

enum {
	TEXT_MAX = 16 * 1024 * 1024, /* of one disclosure, decoded */
	DEEP = 64,		     /* as deep as a message may be */
	COMMITMENTS_MAX = 2 * DISCLOSURES_MAX
};

/* A digest, and the object or array that it stands in. */
struct commitment {
	struct str digest;
	struct jv in;
	bool used;
};
struct one {
	struct str text;
	struct buf tape; /* of its JSON */
	struct str name; /* .p NULL: an element of an array */
	struct jv value;
	struct jv in;	   /* where it stands, once it is taken */
	struct str digest; /* the record's text of it */
	bool taken;
};
struct opened {
	struct jv record;
	struct commitment at[COMMITMENTS_MAX];
	size_t commitments;
	struct one one[DISCLOSURES_MAX];
	size_t n;
	struct note *why; /* while it is made */
};

static enum err
commit(struct opened *o, struct str digest, struct jv in)
{
	for (size_t i = 0; i < o->commitments; i++)
		if (str_eq(o->at[i].digest, digest)) {
			note_set(o->why, "a digest stands in the record twice");
			return ERR_DENIED;
		}
	if (o->commitments == COMMITMENTS_MAX) {
		note_set(o->why, "more than %d digests in the record",
		    COMMITMENTS_MAX);
		return ERR_LIMIT;
	}
	o->at[o->commitments++] = (struct commitment){ digest, in, false };
	return OK;
}

/* {"...": DIGEST} as an element of an array. */
static struct str
element_digest(struct jv v)
{
	return jv_count(v) == 1 ? jv_str(jv_get(v, STR("..."))) : STR("");
}

/* Every digest in v, whatever it is in. */
static enum err
commitments(struct opened *o, struct jv v, unsigned deep)
{
	struct jit it = jit_of(v);
	struct str key;
	struct jv e;

	if (deep > DEEP) {
		note_set(o->why, "the record is too deep");
		return ERR_LIMIT;
	}
	while (jit_next(&it, &key, &e)) {
		struct jit list = jit_of(e);
		struct jv digest;

		if (jv_is(v, J_ARR) && element_digest(e).n > 0) {
			TRY(commit(o, element_digest(e), v));
		} else if (jv_is(v, J_OBJ) && str_eq(key, STR("_sd"))) {
			while (jit_next(&list, NULL, &digest))
				TRY(commit(o, jv_str(digest), v));
		} else {
			TRY(commitments(o, e, deep + 1));
		}
	}
	return OK;
}

/* [salt, name, value], or [salt, value]. */
static const char *
parts(struct one *d, struct jv v)
{
	struct jit it = jit_of(v);
	const size_t n = jv_count(v);
	struct jv salt = { NULL, 0 }, name = { NULL, 0 };

	(void)jit_next(&it, NULL, &salt);
	if (n == 3)
		(void)jit_next(&it, NULL, &name);
	(void)jit_next(&it, NULL, &d->value);
	if (!jv_is(v, J_ARR) || !jv_is(salt, J_STR) || (n != 2 && n != 3))
		return "not [salt, name, value]";
	if (n == 2)
		return NULL;
	d->name = jv_str(name);
	if (!jv_is(name, J_STR) || str_eq(d->name, STR("_sd")) ||
	    str_eq(d->name, STR("...")))
		return "a name that it cannot have";
	return NULL;
}

static enum err
decode(struct opened *o, size_t i)
{
	struct one *d = &o->one[i];
	struct buf b = { .max = TEXT_MAX };
	struct note why = { "no base64url" };
	const char *what = NULL;
	enum err e = base64url_get(d->text, &b);

	d->tape.max = 2 * TEXT_MAX;
	if (e == OK)
		e = json_parse(buf_view(&b), &json_default, &d->tape, &why);
	buf_done(&b);
	if (e == OK)
		what = parts(d, jv_of(buf_view(&d->tape)));
	if (e == OK && what == NULL)
		return OK;
	note_set(o->why, "disclosure %zu: %s", i + 1,
	    what != NULL ? what : why.text);
	return e == ERR_LIMIT ? ERR_LIMIT : ERR_SYNTAX;
}

static const struct one *
standing(const struct opened *o, struct jv in, struct str name)
{
	for (size_t k = 0; k < o->n; k++) {
		const struct one *d = &o->one[k];

		if (d->taken && d->in.p == in.p && d->name.p != NULL &&
		    str_eq(d->name, name))
			return d;
	}
	return NULL;
}

/* May it stand at c?  A member in an object that has none of the name, an
 * element in an array. */
static bool
fits(const struct opened *o, const struct one *d, const struct commitment *c)
{
	const bool member = d->name.p != NULL;

	if (member != jv_is(c->in, J_OBJ))
		return false;
	return !member || (standing(o, c->in, d->name) == NULL &&
			      jv_is(jv_get(c->in, d->name), J_NONE));
}

/* Takes what is committed to; each may commit to more. */
static enum err
place(struct opened *o, struct one *d, bool *more)
{
	char digest[COMMITMENT_N];

	disclosure_digest(d->text, digest);
	for (size_t k = 0; k < o->commitments; k++) {
		struct commitment *c = &o->at[k];

		if (c->used ||
		    !str_eq(
			c->digest, (struct str){ digest, sizeof(digest) }) ||
		    !fits(o, d, c))
			continue;
		c->used = d->taken = *more = true;
		d->in = c->in;
		d->digest = c->digest;
		return commitments(o, d->value, 0);
	}
	return OK;
}

static enum err
place_all(struct opened *o)
{
	const struct jv alg = jv_get(o->record, STR("_sd_alg"));
	bool more = true;

	if (!jv_is(alg, J_NONE) && !str_eq(jv_str(alg), STR("sha-256"))) {
		note_set(o->why, "disclosures by another digest than sha-256");
		return ERR_LIMIT;
	}
	TRY(commitments(o, o->record, 0));
	for (size_t i = 0; i < o->n; i++)
		TRY(decode(o, i));
	while (more) {
		more = false;
		for (size_t i = 0; i < o->n; i++)
			if (!o->one[i].taken)
				TRY(place(o, &o->one[i], &more));
	}
	for (size_t i = 0; i < o->n; i++)
		if (!o->one[i].taken) {
			note_set(o->why,
			    "disclosure %zu is not one that the record commits "
			    "to",
			    i + 1);
			return ERR_DENIED;
		}
	return OK;
}

enum err
opened_new(struct jv record, const struct str *text, size_t n,
    struct opened **out, struct note *why)
{
	struct opened *o;
	enum err e;

	if (n > DISCLOSURES_MAX) {
		note_set(why, "more than %d disclosures", DISCLOSURES_MAX);
		return ERR_LIMIT;
	}
	o = mem_get(sizeof(*o));
	o->record = record;
	o->why = why;
	o->n = n;
	for (size_t i = 0; i < n; i++)
		o->one[i].text = text[i];
	e = place_all(o);
	o->why = NULL; /* the caller's, and not needed any more */
	if (e != OK)
		opened_free(o);
	else
		*out = o;
	return e;
}

void
opened_free(struct opened *o)
{
	if (o == NULL)
		return;
	for (size_t i = 0; i < o->n; i++)
		buf_done(&o->one[i].tape);
	mem_free(o);
}

void
opened_list(const struct opened *o, struct buf *tape)
{
	const size_t arr = tape_arr(tape);

	for (size_t i = 0; i < o->n; i++) {
		const size_t obj = tape_obj(tape);

		tape_key(tape, STR("name"));
		if (o->one[i].name.p != NULL)
			tape_str(tape, o->one[i].name);
		else
			tape_null(tape);
		tape_key(tape, STR("value"));
		tape_copy(tape, o->one[i].value);
		tape_end(tape, obj, 2);
	}
	tape_end(tape, arr, o->n);
}

bool
opened_at(
    const struct opened *o, struct jv object, struct str name, size_t *which)
{
	const struct one *d = standing(o, object, name);

	if (d != NULL)
		*which = (size_t)(d - o->one);
	return d != NULL;
}

/* ---- the record with what was disclosed ---- */

static void put(
    const struct opened *o, struct jv v, struct buf *tape, unsigned deep);

/* The disclosure that stands for this element of this array. */
static const struct one *
element(const struct opened *o, struct jv in, struct str digest)
{
	for (size_t i = 0; i < o->n; i++)
		if (o->one[i].taken && o->one[i].in.p == in.p &&
		    str_eq(o->one[i].digest, digest))
			return &o->one[i];
	return NULL;
}

static void
put_array(const struct opened *o, struct jv v, struct buf *tape, unsigned deep)
{
	const size_t m = tape_arr(tape);
	struct jit it = jit_of(v);
	size_t n = 0;
	struct jv e;

	while (jit_next(&it, NULL, &e)) {
		const struct str digest = element_digest(e);
		const struct one *d =
		    digest.n > 0 ? element(o, v, digest) : NULL;

		if (digest.n > 0 && d == NULL)
			continue;
		put(o, d != NULL ? d->value : e, tape, deep + 1);
		n++;
	}
	tape_end(tape, m, n);
}

static void
put_object(const struct opened *o, struct jv v, struct buf *tape, unsigned deep)
{
	const size_t m = tape_obj(tape);
	struct jit it = jit_of(v);
	struct str key;
	size_t n = 0;
	struct jv e;

	while (jit_next(&it, &key, &e)) {
		if (str_eq(key, STR("_sd")) ||
		    (v.p == o->record.p && str_eq(key, STR("_sd_alg"))))
			continue;
		tape_key(tape, key);
		put(o, e, tape, deep + 1);
		n++;
	}
	for (size_t i = 0; i < o->n; i++) {
		const struct one *d = &o->one[i];

		if (!d->taken || d->in.p != v.p || d->name.p == NULL)
			continue;
		tape_key(tape, d->name);
		put(o, d->value, tape, deep + 1);
		n++;
	}
	tape_end(tape, m, n);
}

/* A chain of disclosures can be deeper than any one of them. */
static void
put(const struct opened *o, struct jv v, struct buf *tape, unsigned deep)
{
	if (deep > JSON_DEPTH_MAX)
		tape->full = true;
	else if (jv_is(v, J_OBJ))
		put_object(o, v, tape, deep);
	else if (jv_is(v, J_ARR))
		put_array(o, v, tape, deep);
	else
		tape_copy(tape, v);
}

void
opened_record(const struct opened *o, struct buf *tape)
{
	put(o, o->record, tape, 0);
}
