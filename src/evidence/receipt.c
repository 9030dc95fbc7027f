/* receipt: one record with all that it takes to believe it
 * (doc/formats/receipt.md).  Every byte of the file counts: a digest line
 * covers what no signature does. */
#include "evidence/evidence-in.h"

#define HEAD STR("gatehouse receipt v1\n")

enum { DIGEST_LINE = 7 + 2 * SHA256_N + 1, DEEP = 16 };

static void
digest_line(struct str body, char out[static DIGEST_LINE + 1])
{
	unsigned char sum[SHA256_N];
	struct buf b = { .max = DIGEST_LINE };

	sha256(body, STR(""), sum);
	buf_str(&b, STR("sha256 "));
	buf_hex(&b, (struct str){ (const char *)sum, sizeof(sum) });
	buf_ch(&b, '\n');
	memcpy(out, b.p, DIGEST_LINE);
	out[DIGEST_LINE] = '\0';
	buf_done(&b);
}

/* Takes a line "WORD value" off *rest; false: it is another one. */
static bool
take(struct str *rest, struct str word, struct str *value)
{
	const size_t at = str_find(*rest, '\n');

	if (!str_starts(*rest, word) || at == rest->n)
		return false;
	*value = str_sub(*rest, word.n, at - word.n);
	*rest = str_sub(*rest, at + 1, rest->n);
	return true;
}

enum err
receipt_of(struct str text, struct receipt *out, struct note *why)
{
	struct str rest, body, digest, empty;
	char want[DIGEST_LINE + 1];
	struct str more = { NULL, 0 };

	if (text.n > EVIDENCE_MAX) {
		note_set(why, "a receipt of more than %d bytes", EVIDENCE_MAX);
		return ERR_LIMIT;
	}
	rest = str_sub(text, HEAD.n, text.n);
	if (!utf8_ok(text)) {
		note_set(why, "a receipt is UTF-8");
		return ERR_SYNTAX;
	}
	if (!str_starts(text, HEAD) || !take(&rest, STR("sha256 "), &digest)) {
		note_set(why, "a receipt begins with \"gatehouse receipt v1\" "
			      "and a line \"sha256 DIGEST\"");
		return ERR_SYNTAX;
	}
	body = rest;
	out->disclosures = 0;
	if (!take(&rest, STR("record "), &out->record)) {
		note_set(why, "the line \"record RECORD\" is missing");
		return ERR_SYNTAX;
	}
	while (take(&rest, STR("disclosure "), &more)) {
		if (out->disclosures == RECEIPT_DISCLOSED_MAX) {
			note_set(why, "more than %d disclosures",
			    RECEIPT_DISCLOSED_MAX);
			return ERR_LIMIT;
		}
		out->disclosure[out->disclosures++] = more;
	}
	if (!take(&rest, STR(""), &empty) || empty.n > 0) {
		note_set(why, "there is no empty line before the proof");
		return ERR_SYNTAX;
	}
	out->proof = rest;
	digest_line(body, want);
	if (!str_eq(digest, str_sub(str_of(want), 7, 2 * SHA256_N))) {
		note_set(why, "the receipt was changed after it was written: "
			      "its digest is another");
		return ERR_DENIED;
	}
	return OK;
}

enum err
receipt_put(const struct receipt *r, struct buf *out, struct note *why)
{
	struct buf body = { .max = EVIDENCE_MAX };
	char digest[DIGEST_LINE + 1];
	struct receipt again;
	const size_t begun = out->n;
	enum err e;

	buf_str(&body, STR("record "));
	buf_str(&body, r->record);
	for (size_t i = 0; i < r->disclosures; i++) {
		buf_str(&body, STR("\ndisclosure "));
		buf_str(&body, r->disclosure[i]);
	}
	buf_str(&body, STR("\n\n"));
	buf_str(&body, r->proof);
	digest_line(buf_view(&body), digest);
	buf_str(out, HEAD);
	buf_str(out, str_of(digest));
	buf_str(out, buf_view(&body));
	e = body.full || out->full ? ERR_LIMIT : OK;
	buf_done(&body);
	if (e) {
		note_set(why, "the receipt becomes too long");
		return e;
	}
	return receipt_of(str_sub(buf_view(out), begun, out->n), &again, why);
}

/* ---- disclosures (RFC 9901) ---- */

/* A digest in the record, and the object or array that it stands in. */
struct commitment {
	struct str digest;
	struct jv in;
	bool used;
};
struct sd {
	struct commitment at[2 * RECEIPT_DISCLOSED_MAX];
	size_t n;
	struct buf tape[RECEIPT_DISCLOSED_MAX]; /* of each disclosure's JSON */
	struct str name[RECEIPT_DISCLOSED_MAX];
	struct jv in[RECEIPT_DISCLOSED_MAX]; /* where it was, when accepted */
	bool taken[RECEIPT_DISCLOSED_MAX];
	struct note *why;
};

static enum err
commit(struct sd *s, struct str digest, struct jv in)
{
	for (size_t i = 0; i < s->n; i++)
		if (str_eq(s->at[i].digest, digest)) {
			note_set(s->why, "a digest stands in the record twice");
			return ERR_DENIED;
		}
	if (s->n == countof(s->at)) {
		note_set(s->why, "more than %zu digests in the record",
		    countof(s->at));
		return ERR_LIMIT;
	}
	s->at[s->n++] = (struct commitment){ digest, in, false };
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
commitments(struct sd *s, struct jv v, unsigned deep)
{
	struct jit it = jit_of(v);
	struct str key;
	struct jv e;

	if (deep > DEEP) {
		note_set(s->why, "the record is too deep");
		return ERR_LIMIT;
	}
	while (jit_next(&it, &key, &e)) {
		struct jit list = jit_of(e);
		struct jv digest;

		if (jv_is(v, J_ARR) && element_digest(e).n > 0) {
			TRY(commit(s, element_digest(e), v));
		} else if (jv_is(v, J_OBJ) && str_eq(key, STR("_sd"))) {
			while (jit_next(&list, NULL, &digest))
				TRY(commit(s, jv_str(digest), v));
		} else {
			TRY(commitments(s, e, deep + 1));
		}
	}
	return OK;
}

/* Decodes disclosure i: [salt, name, value], or [salt, value]. */
static enum err
decode(struct sd *s, size_t i, struct str text)
{
	struct buf b = { .max = EVIDENCE_MAX };
	struct note why = { "no base64url" };
	enum err e = base64url_get(text, &b);
	struct jit it;
	struct jv salt = { NULL, 0 }, name = { NULL, 0 };

	s->tape[i].max = EVIDENCE_MAX;
	if (e == OK)
		e = json_parse(buf_view(&b), &json_default, &s->tape[i], &why);
	buf_done(&b);
	it = jit_of(jv_of(buf_view(&s->tape[i])));
	(void)jit_next(&it, NULL, &salt);
	(void)jit_next(&it, NULL, &name);
	if (e == OK && (!jv_is(jv_of(buf_view(&s->tape[i])), J_ARR) ||
			   !jv_is(salt, J_STR))) {
		note_set(&why, "not [salt, name, value]");
		e = ERR_SYNTAX;
	}
	switch (e ? 0 : jv_count(jv_of(buf_view(&s->tape[i])))) {
	case 3:
		s->name[i] = jv_str(name);
		if (jv_is(name, J_STR) && !str_eq(s->name[i], STR("_sd")) &&
		    !str_eq(s->name[i], STR("...")))
			return OK;
		note_set(&why, "a name that it cannot have");
		break;
	case 2:
		return OK;
	default:
		break;
	}
	note_set(s->why, "disclosure %zu: %s", i + 1, why.text);
	return e == ERR_LIMIT ? ERR_LIMIT : ERR_SYNTAX;
}

static struct jv
value_of(const struct sd *s, size_t i)
{
	struct jit it = jit_of(jv_of(buf_view(&s->tape[i])));
	struct jv v = { NULL, 0 };

	while (jit_next(&it, NULL, &v))
		;
	return v;
}

/* May disclosure i stand at c?  A member in an object that has none of the
 * name, an element in an array. */
static bool
fits(const struct sd *s, size_t i, const struct commitment *c)
{
	const bool member = s->name[i].p != NULL;

	if (member != jv_is(c->in, J_OBJ))
		return false;
	if (!member)
		return true;
	for (size_t k = 0; k < RECEIPT_DISCLOSED_MAX; k++)
		if (s->taken[k] && s->in[k].p == c->in.p &&
		    str_eq(s->name[k], s->name[i]))
			return false;
	return jv_is(jv_get(c->in, s->name[i]), J_NONE);
}

/* Accepts what is committed to; each may commit to more. */
static enum err
accept(struct sd *s, size_t i, struct str text, bool *more)
{
	unsigned char sum[SHA256_N];
	struct buf b = { .max = 64 };
	enum err e = OK;

	sha256(text, STR(""), sum);
	base64url_put(&b, (struct str){ (const char *)sum, sizeof(sum) });
	for (size_t k = 0; k < s->n && !s->taken[i]; k++) {
		struct commitment *c = &s->at[k];

		if (c->used || !str_eq(c->digest, buf_view(&b)) ||
		    !fits(s, i, c))
			continue;
		c->used = s->taken[i] = *more = true;
		s->in[i] = c->in;
		e = commitments(s, value_of(s, i), 0);
	}
	buf_done(&b);
	return e;
}

static enum err
disclosures(struct sd *s, const struct receipt *r, struct jv record)
{
	const struct jv alg = jv_get(record, STR("_sd_alg"));
	bool more = true;

	if (!jv_is(alg, J_NONE) && !str_eq(jv_str(alg), STR("sha-256"))) {
		note_set(s->why, "disclosures by another digest than sha-256");
		return ERR_LIMIT;
	}
	TRY(commitments(s, record, 0));
	for (size_t i = 0; i < r->disclosures; i++)
		TRY(decode(s, i, r->disclosure[i]));
	while (more) {
		more = false;
		for (size_t i = 0; i < r->disclosures; i++)
			if (!s->taken[i])
				TRY(accept(s, i, r->disclosure[i], &more));
	}
	for (size_t i = 0; i < r->disclosures; i++)
		if (!s->taken[i]) {
			note_set(s->why,
			    "disclosure %zu is not one that the "
			    "record commits to",
			    i + 1);
			return ERR_DENIED;
		}
	return OK;
}

static void
disclosed_put(const struct sd *s, size_t n, struct buf *tape)
{
	const size_t arr = tape_arr(tape);

	for (size_t i = 0; i < n; i++) {
		const size_t obj = tape_obj(tape);

		tape_key(tape, STR("name"));
		if (s->name[i].p != NULL)
			tape_str(tape, s->name[i]);
		else
			tape_null(tape);
		tape_key(tape, STR("value"));
		tape_copy(tape, value_of(s, i));
		tape_end(tape, obj, 2);
	}
	tape_end(tape, arr, n);
}

/* ---- the whole ---- */

/* The record as a tape; it must be an object and its own canonical form. */
static enum err
record_of(struct str text, struct buf *tape, struct note *why)
{
	struct buf again = { .max = EVIDENCE_MAX };
	struct note what;
	enum err e = json_parse(text, &json_default, tape, &what);

	if (e) {
		note_set(why, "the record: %s", what.text);
		return e;
	}
	e = json_jcs(jv_of(buf_view(tape)), &again);
	if (e || !str_eq(buf_view(&again), text) ||
	    !jv_is(jv_of(buf_view(tape)), J_OBJ)) {
		note_set(why, "the record is no JSON object in canonical form");
		e = ERR_SYNTAX;
	}
	buf_done(&again);
	return e;
}

enum err
receipt_check(const struct receipt *r, const struct trust *t,
    struct trust_view *out, uint64_t *index, struct buf *tape, struct note *why)
{
	struct sd *s = mem_get(sizeof(*s));
	struct buf record = { .max = EVIDENCE_MAX };
	const struct tlog_hash leaf = tlog_leaf(r->record);
	struct proof_file p;
	enum err e = record_of(r->record, &record, why);

	s->why = why;
	if (e == OK)
		e = proof_of(r->proof, &p, why);
	if (e == OK && p.extra.n > 0) {
		note_set(why, "a receipt's proof has no extra line: nothing "
			      "vouches for it");
		e = ERR_SYNTAX;
	}
	if (e == OK)
		e = disclosures(s, r, jv_of(buf_view(&record)));
	if (e == OK)
		e = proof_check(&p, &leaf, t, out, why);
	if (e == OK) {
		*index = p.index;
		buf_str(tape, buf_view(&record));
		disclosed_put(s, r->disclosures, tape);
		e = buf_end(tape);
	}
	for (size_t i = 0; i < r->disclosures; i++)
		buf_done(&s->tape[i]);
	buf_done(&record);
	mem_free(s);
	return e;
}
