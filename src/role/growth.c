/* growth.c: a request to cosign, without its text. */
#include "role/growth.h"

void
grown_put(const struct grown *g, struct buf *out)
{
	buf_u8(out, (uint8_t)g->proof.n);
	buf_put(out, g->root.b, TLOG_HASH);
	for (size_t i = 0; i < g->proof.n; i++)
		buf_put(out, g->proof.at[i].b, TLOG_HASH);
	for (size_t i = 0; i < g->sigs; i++)
		buf_put(out, g->sig[i], GROWTH_SIG);
}

static void
take(struct cur *c, void *to, size_t n)
{
	const struct str s = cur_str(c, n);

	if (s.n == n)
		memcpy(to, s.p, n);
}

enum err
grown_of(struct str bytes, struct grown *out)
{
	struct cur c = cur_of(bytes.p, bytes.n);
	const size_t hashes = cur_u8(&c);
	size_t left;

	if (hashes > TLOG_PROOF_MAX || cur_left(&c) < (1 + hashes) * TLOG_HASH)
		return ERR_SYNTAX;
	take(&c, out->root.b, TLOG_HASH);
	for (out->proof.n = 0; out->proof.n < hashes; out->proof.n++)
		take(&c, out->proof.at[out->proof.n].b, TLOG_HASH);
	left = cur_left(&c);
	if (left % GROWTH_SIG != 0 || left / GROWTH_SIG > GROWTH_SIGS)
		return ERR_SYNTAX;
	out->sigs = left / GROWTH_SIG;
	for (size_t i = 0; i < out->sigs; i++)
		take(&c, out->sig[i], GROWTH_SIG);
	return cur_end(&c);
}

bool
grown_sigs(const struct signed_note *n, struct str origin, struct grown *out)
{
	out->sigs = 0;
	for (size_t i = 0; i < n->lines; i++) {
		const struct signed_line *l = &n->line[i];
		struct buf b = { .max = GROWTH_SIG };
		unsigned char *sig;

		if (!str_eq(l->name, origin))
			continue;
		if (out->sigs == GROWTH_SIGS)
			return false;
		sig = out->sig[out->sigs++];
		/* One of another length stays one that is not good. */
		memset(sig, 0, GROWTH_SIG);
		for (unsigned k = 0; k < 4; k++)
			sig[k] = (unsigned char)(l->id >> (24 - 8 * k));
		if (base64_get(l->base64, &b) == OK && b.n == GROWTH_SIG)
			memcpy(sig, b.p, GROWTH_SIG);
		buf_done(&b);
	}
	return true;
}

uint32_t
grown_sig_id(const struct grown *g, size_t i)
{
	const unsigned char *s = g->sig[i];

	return (uint32_t)s[0] << 24 | (uint32_t)s[1] << 16 |
	       (uint32_t)s[2] << 8 | s[3];
}

enum err
grown_note(const struct grown *g, struct str origin, uint64_t size,
    struct str extensions, struct buf *out)
{
	checkpoint_put(origin, size, &g->root, out);
	buf_str(out, extensions);
	buf_ch(out, '\n');
	for (size_t i = 0; i < g->sigs; i++) {
		buf_str(out, STR("\xe2\x80\x94 "));
		buf_str(out, origin);
		buf_ch(out, ' ');
		base64_put(
		    out, (struct str){ (const char *)g->sig[i], GROWTH_SIG });
		buf_ch(out, '\n');
	}
	return buf_end(out);
}
