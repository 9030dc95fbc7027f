/* receipt: one record with all that it takes to believe it
 * (doc/formats/receipt.md).  Every byte of the file counts: a digest line
 * covers what no signature does. */
#include "evidence/evidence-in.h"

#define HEAD STR("gatehouse receipt v1\n")

enum { DIGEST_LINE = 7 + 2 * SHA256_N + 1 };

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
		if (out->disclosures == DISCLOSURES_MAX) {
			note_set(
			    why, "more than %d disclosures", DISCLOSURES_MAX);
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
	struct opened *o = NULL;
	struct buf record = { .max = EVIDENCE_MAX };
	const struct tlog_hash leaf = tlog_leaf(r->record);
	struct proof_file p;
	enum err e = record_of(r->record, &record, why);

	if (e == OK)
		e = proof_of(r->proof, &p, why);
	if (e == OK && p.extra.n > 0) {
		note_set(why, "a receipt's proof has no extra line: nothing "
			      "vouches for it");
		e = ERR_SYNTAX;
	}
	if (e == OK)
		e = opened_new(jv_of(buf_view(&record)), r->disclosure,
		    r->disclosures, &o, why);
	if (e == OK)
		e = proof_check(&p, &leaf, t, out, why);
	if (e == OK) {
		*index = p.index;
		buf_str(tape, buf_view(&record));
		opened_list(o, tape);
		e = buf_end(tape);
	}
	opened_free(o);
	buf_done(&record);
	return e;
}
