/* witness: what a log and its witness say to each other (C2SP tlog-witness,
 * "add-checkpoint"), and what the witness must answer. */
#include "checkpoint/checkpoint.h"

enum { PROOF_LINES_MAX = 63, HASH_BASE64 = 44 };

/* ---- the request ---- */

static bool
decimal(struct str s, uint64_t *out)
{
	return s.n > 0 && (s.n == 1 || s.p[0] != '0') &&
	       str_u64(s, out) == OK && *out <= INT64_MAX;
}

static bool
hash_line(struct str line, struct tlog_hash *out)
{
	struct buf b = { .max = TLOG_HASH };
	const bool good = line.n == HASH_BASE64 && base64_get(line, &b) == OK &&
			  b.n == TLOG_HASH;

	if (good)
		memcpy(out->b, b.p, TLOG_HASH);
	buf_done(&b);
	return good;
}

enum err
growth_of(struct str body, struct growth *out, struct note *why)
{
	const struct str word = STR("old ");
	struct str rest = body, line = { NULL, 0 };

	out->proof.n = 0;
	if (str_find(rest, '\n') == rest.n || !str_split(&rest, '\n', &line) ||
	    !str_starts(line, word) ||
	    !decimal(str_sub(line, word.n, line.n), &out->old)) {
		note_set(why, "it begins with \"old \" and a size");
		return ERR_SYNTAX;
	}
	for (;;) {
		if (str_find(rest, '\n') == rest.n) {
			note_set(why, "no empty line after the proof");
			return ERR_SYNTAX;
		}
		(void)str_split(&rest, '\n', &line);
		if (line.n == 0)
			break;
		if (out->proof.n == PROOF_LINES_MAX) {
			note_set(why, "a proof of more than %d lines",
			    PROOF_LINES_MAX);
			return ERR_SYNTAX;
		}
		if (!hash_line(line, &out->proof.at[out->proof.n++])) {
			note_set(why, "a line of the proof is no hash");
			return ERR_SYNTAX;
		}
	}
	out->checkpoint = rest;
	return OK;
}

void
growth_put(uint64_t old, const struct tlog_proof *p, struct str checkpoint,
    struct buf *out)
{
	buf_fmt(out, "old %llu\n", (unsigned long long)old);
	for (size_t i = 0; i < p->n; i++) {
		base64_put(
		    out, (struct str){ (const char *)p->at[i].b, TLOG_HASH });
		buf_ch(out, '\n');
	}
	buf_ch(out, '\n');
	buf_str(out, checkpoint);
}

/* ---- the answer ---- */

/* 404, 403, or 200 so far. */
static unsigned
signed_by(const struct vkey *keys, size_t n, const struct signed_note *note,
    struct str origin, struct note *why)
{
	bool known = false, found = false;

	for (size_t i = 0; i < n; i++) {
		enum err e;

		if (!str_eq(keys[i].name, origin))
			continue;
		known = true;
		e = signed_check(note, &keys[i], NULL, why);
		if (e != OK && e != ERR_GONE)
			return 403;
		found = found || e == OK;
	}
	if (!known)
		note_set(why, "this origin is not known here");
	else if (!found)
		note_set(why, "not signed by a key known for this origin");
	return !known ? 404 : found ? 200 : 403;
}

unsigned
witness_judge(const struct vkey *keys, size_t n, const struct witness_asked *a,
    const struct witness_last *last, struct note *why)
{
	const unsigned status = signed_by(keys, n, a->note, a->at->origin, why);
	const struct tlog_range none = { .size = 0 };
	const struct tlog_hash empty = tlog_range_root(&none);

	if (status != 200)
		return status;
	if (a->old > a->at->size) {
		note_set(why, "the old size is larger than the checkpoint's");
		return 400;
	}
	if (a->old != last->size) {
		note_set(why, "the last size cosigned is %llu",
		    (unsigned long long)last->size);
		return 409;
	}
	if (tlog_check_growth(a->old, a->at->size,
		a->old == 0 ? &empty : &last->root, &a->at->root,
		a->proof) != OK) {
		note_set(why, "the proof does not lead from the one cosigned "
			      "last to this one");
		return 422;
	}
	return 200;
}

/* ---- cosignatures out of an answer, and back into a note ---- */

enum { ID = 4 };

enum err
cosignature_of(struct str lines, const struct vkey *k,
    unsigned char out[static COSIGNATURE], struct note *why)
{
	struct buf text = { .max = SIGNED_MAX }, b = { .max = SIGNED_MAX };
	struct signed_note *n = mem_get(sizeof(*n));
	enum err e;

	buf_str(&text, STR("-\n\n"));
	buf_str(&text, lines);
	e = buf_end(&text);
	if (e == OK)
		e = signed_parse(buf_view(&text), n, why);
	else
		note_set(why, "an answer of more than %d bytes", SIGNED_MAX);
	for (size_t i = 0; e == OK && i < n->lines && b.n == 0; i++)
		if (n->line[i].id == k->id && str_eq(n->line[i].name, k->name))
			e = base64_get(n->line[i].base64, &b);
	if (e == OK && b.n != ID + COSIGNATURE) {
		note_set(why, b.n == 0 ? "no cosignature of that key"
				       : "a cosignature of another length");
		e = b.n == 0 ? ERR_GONE : ERR_SYNTAX;
	}
	if (e == OK)
		memcpy(out, b.p + ID, COSIGNATURE);
	buf_done(&b);
	buf_done(&text);
	mem_free(n);
	return e;
}

void
cosignature_put(const struct vkey *k,
    const unsigned char sig[static COSIGNATURE], struct buf *out)
{
	unsigned char raw[ID + COSIGNATURE];

	for (unsigned i = 0; i < ID; i++)
		raw[i] = (unsigned char)(k->id >> (24 - 8 * i));
	memcpy(raw + ID, sig, COSIGNATURE);
	buf_str(out, STR("\xe2\x80\x94 "));
	buf_str(out, k->name);
	buf_ch(out, ' ');
	base64_put(out, (struct str){ (const char *)raw, sizeof(raw) });
	buf_ch(out, '\n');
}
