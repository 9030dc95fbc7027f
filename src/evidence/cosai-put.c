/* cosai-put: writes CoSAI's containment evidence record, entry by entry. */
#include "evidence/evidence-in.h"

static const char hash_word[] =
    "sha256 over the RFC 8785 canonical form of the entry without its "
    "entry_hash member";
static const char chain_word[] =
    "each entry's prev_hash is the previous entry's entry_hash; index 0 has an "
    "empty prev_hash";

void
cosai_begin(struct cosai_writer *w, struct str software, struct buf *out)
{
	*w = (struct cosai_writer){ .out = out };
	buf_str(out, STR("{\"record_format\":"));
	json_quote(str_of(cosai_format), out);
	buf_str(out, STR(",\"producer\":{\"platform\":\"software-only\","
			 "\"software\":"));
	json_quote(software, out);
	buf_str(out, STR("},\"entries\":["));
}

/* The entry's members, then those that chain it. */
enum err
cosai_add(struct cosai_writer *w, struct jv entry)
{
	struct buf tape = { .max = EVIDENCE_MAX }, hash = { .max = 80 };
	const size_t mark = tape_obj(&tape);
	struct jit it = jit_of(entry);
	struct str key;
	size_t n = 0;
	struct jv v;
	enum err e;

	while (jit_next(&it, &key, &v)) {
		tape_key(&tape, key);
		tape_copy(&tape, v);
		n++;
	}
	tape_key(&tape, STR("index"));
	tape_i64(&tape, (int64_t)w->n);
	tape_key(&tape, STR("prev_hash"));
	tape_str(&tape, str_of(w->last));
	tape_end(&tape, mark, n + 2);
	e = tape.full ? ERR_LIMIT
		      : digest_without(
			    jv_of(buf_view(&tape)), STR("entry_hash"), &hash);
	if (e == OK && !hash.full) {
		(void)snprintf(
		    w->last, sizeof(w->last), "%.*s", STR_ARG(buf_view(&hash)));
		tape_key(&tape, STR("entry_hash"));
		tape_str(&tape, buf_view(&hash));
		tape_end(&tape, mark, n + 3);
		buf_str(w->out, w->n++ == 0 ? STR("") : STR(","));
		json_write(jv_of(buf_view(&tape)), w->out);
		e = buf_end(w->out);
	}
	buf_done(&tape);
	buf_done(&hash);
	return e;
}

static void
put_member(struct buf *tape, size_t *n, const char *key, struct str s)
{
	tape_key(tape, str_of(key));
	tape_str(tape, s);
	(*n)++;
}

static void
put_bounds(const struct cosai_writer *w, struct buf *tape)
{
	const size_t mark = tape_obj(tape);

	tape_key(tape, STR("first_index"));
	tape_i64(tape, 0);
	tape_key(tape, STR("last_index"));
	tape_i64(tape, (int64_t)w->n - 1);
	tape_end(tape, mark, 2);
}

static void
put_scope(const struct cosai_scope *s, struct buf *tape)
{
	size_t mark = tape_obj(tape), inner, n = 0, k = 0;

	put_member(tape, &n, "declared", s->declared);
	tape_key(tape, STR("omitted_before_recording"));
	inner = tape_obj(tape);
	put_member(tape, &k, "status", STR("absent"));
	put_member(tape, &k, "reason", s->none_omitted);
	tape_end(tape, inner, k);
	tape_end(tape, mark, n + 1);
}

/* The checkpoint without its signature, open: *mark and *n. */
static void
put_checkpoint(const struct cosai_writer *w, const struct cosai_scope *s,
    struct buf *tape, size_t *mark, size_t *n)
{
	*n = 0;
	*mark = tape_obj(tape);
	put_member(tape, n, "sequence_id", s->id);
	tape_key(tape, STR("index"));
	tape_i64(tape, (int64_t)w->n - 1);
	put_member(tape, n, "entry_hash", str_of(w->last));
	tape_key(tape, STR("collection_scope"));
	put_scope(s, tape);
	tape_key(tape, STR("expected_boundaries"));
	put_bounds(w, tape);
	*n += 3;
	tape_end(tape, *mark, *n);
}

static enum err
sign(struct jv checkpoint, const unsigned char seed[static ED25519_KEY],
    struct buf *x, struct buf *value)
{
	struct buf text = { .max = EVIDENCE_MAX };
	unsigned char pub[ED25519_KEY], sig[ED25519_SIG];
	enum err e = jcs_without(checkpoint, STR("signature"), &text);

	if (e == OK)
		e = ed25519_public(seed, pub);
	if (e == OK)
		e = ed25519_sign(seed, buf_view(&text), sig);
	if (e == OK) {
		base64url_put(
		    x, (struct str){ (const char *)pub, sizeof(pub) });
		base64url_put(
		    value, (struct str){ (const char *)sig, sizeof(sig) });
	}
	buf_done(&text);
	return e;
}

static void
put_signature(struct str x, struct str value, struct buf *tape)
{
	const size_t mark = tape_obj(tape);
	size_t n = 0, inner, k = 0;

	put_member(tape, &n, "alg", STR("EdDSA"));
	put_member(tape, &n, "value", value);
	tape_key(tape, STR("signer"));
	inner = tape_obj(tape);
	put_member(tape, &k, "kty", STR("OKP"));
	put_member(tape, &k, "crv", STR("Ed25519"));
	put_member(tape, &k, "x", x);
	tape_end(tape, inner, k);
	tape_end(tape, mark, n + 1);
}

enum err
cosai_end(struct cosai_writer *w, const struct cosai_scope *s,
    const unsigned char seed[static 32])
{
	struct buf tape = { .max = 1 << 20 }, x = { .max = 64 },
		   value = { .max = 128 };
	size_t mark, n;
	enum err e;

	put_checkpoint(w, s, &tape, &mark, &n);
	e = tape.full ? ERR_LIMIT
		      : sign(jv_of(buf_view(&tape)), seed, &x, &value);
	if (e == OK) {
		tape_key(&tape, STR("signature"));
		put_signature(buf_view(&x), buf_view(&value), &tape);
		tape_end(&tape, mark, n + 1);
		buf_str(w->out, STR("],\"sequence\":{\"id\":"));
		json_quote(s->id, w->out);
		buf_str(w->out, STR(",\"hash\":"));
		json_quote(str_of(hash_word), w->out);
		buf_str(w->out, STR(",\"chain\":"));
		json_quote(str_of(chain_word), w->out);
		buf_str(w->out, STR(",\"checkpoint\":"));
		json_write(jv_of(buf_view(&tape)), w->out);
		buf_str(w->out, STR("}}\n"));
		e = buf_end(w->out);
	}
	buf_done(&tape);
	buf_done(&x);
	buf_done(&value);
	return e;
}
