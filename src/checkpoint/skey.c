/* skey: a signing key as text, as the Go note package writes it. */
#include "checkpoint/checkpoint.h"

#define PREFIX STR("PRIVATE+KEY+")

void
skey_put(const struct vkey *k, const unsigned char seed[static VKEY_SEED],
    struct buf *out)
{
	char raw[1 + VKEY_SEED];

	raw[0] = (char)k->type;
	memcpy(raw + 1, seed, VKEY_SEED);
	buf_fmt(out, "PRIVATE+KEY+%.*s+%08x+", STR_ARG(k->name), k->id);
	base64_put(out, (struct str){ raw, sizeof(raw) });
	mem_wipe(raw, sizeof(raw));
}

enum err
skey_of(struct str text, struct vkey *out, unsigned char seed[static VKEY_SEED],
    struct note *why)
{
	struct str rest = text, name = { NULL, 0 }, id = { NULL, 0 };
	struct buf raw = { .max = 2 + VKEY_SEED }, hex = { .max = 16 };
	enum err e = ERR_SYNTAX;
	struct vkey k = { .id = 0 };

	note_set(why, "no signing key: it is PRIVATE+KEY+NAME+ID+KEY");
	if (str_starts(rest, PREFIX)) {
		rest = str_sub(rest, PREFIX.n, rest.n);
		if (str_split(&rest, '+', &name) &&
		    str_split(&rest, '+', &id) &&
		    base64_get(rest, &raw) == OK && raw.n == 1 + VKEY_SEED &&
		    (raw.p[0] == VKEY_ED25519 || raw.p[0] == VKEY_COSIGNATURE))
			e = vkey_make(name, (enum vkey_type)raw.p[0],
			    (const unsigned char *)raw.p + 1, &k, why);
	}
	if (e == OK) {
		buf_fmt(&hex, "%08x", k.id);
		if (!str_eq(buf_view(&hex), id)) {
			note_set(why, "the signing key has not the id of its "
				      "name and key");
			e = ERR_SYNTAX;
		}
	}
	if (e == OK) {
		*out = k;
		memcpy(seed, raw.p + 1, VKEY_SEED);
	}
	if (raw.p != NULL)
		mem_wipe(raw.p, raw.n);
	buf_done(&raw);
	buf_done(&hex);
	return e;
}
