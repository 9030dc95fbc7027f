/* signed: verifier keys and signed notes (C2SP signed-note), and the Ed25519
 * cosignature (C2SP tlog-cosignature). */
#include "checkpoint/checkpoint.h"
#include "crypto/crypto.h"

enum { ID = 4, TIME = 8, COSIGNED_HEAD_MAX = 64 };

/* ---- names ---- */

/* Unicode's White_Space beyond ASCII, as UTF-8. */
static const char *const spaces[] = { "\xc2\x85", "\xc2\xa0", "\xe1\x9a\x80",
	"\xe2\x80\x80", "\xe2\x80\x81", "\xe2\x80\x82", "\xe2\x80\x83",
	"\xe2\x80\x84", "\xe2\x80\x85", "\xe2\x80\x86", "\xe2\x80\x87",
	"\xe2\x80\x88", "\xe2\x80\x89", "\xe2\x80\x8a", "\xe2\x80\xa8",
	"\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80" };

static bool
name_ok(struct str s)
{
	if (s.n == 0 || s.n > VKEY_NAME_MAX || !utf8_ok(s))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == '+')
			return false;
	for (size_t i = 0; i < countof(spaces); i++)
		if (str_search(s, str_of(spaces[i])) < s.n)
			return false;
	return true;
}

/* ---- keys ---- */

static uint32_t
u32be(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

static struct str
typed(const struct vkey *k, unsigned char out[static 1 + VKEY_PUB])
{
	out[0] = (unsigned char)k->type;
	memcpy(out + 1, k->pub, VKEY_PUB);
	return (struct str){ (const char *)out, 1 + VKEY_PUB };
}

static uint32_t
id_of(const struct vkey *k)
{
	unsigned char sum[SHA256_N], key[2 + VKEY_PUB];
	struct str tail;

	key[0] = '\n';
	tail = typed(k, key + 1);
	tail = (struct str){ (const char *)key, tail.n + 1 };
	sha256(k->name, tail, sum);
	return u32be(sum);
}

static bool
hex_id(struct str s, uint32_t *out)
{
	unsigned char b[ID];

	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] >= 'A' && s.p[i] <= 'F')
			return false;
	if (hex_bytes(s, b, sizeof(b)) != OK)
		return false;
	*out = u32be(b);
	return true;
}

static enum err
key_bytes(struct str base64, struct vkey *k, struct note *why)
{
	struct buf b = { .max = 1 + VKEY_PUB };
	const bool whole = base64_get(base64, &b) == OK && b.n > 0;
	const unsigned type = whole ? (unsigned char)b.p[0] : 0;
	enum err e = OK;

	if (!whole && !b.full) {
		note_set(why, "a verifier key whose last part is no base64");
		e = ERR_SYNTAX;
	} else if (b.full ||
		   (type != VKEY_ED25519 && type != VKEY_COSIGNATURE)) {
		note_set(why, "a key that is not Ed25519: only signature types "
			      "0x01 and 0x04 are known");
		e = ERR_LIMIT;
	} else if (b.n != 1 + VKEY_PUB) {
		note_set(why, "an Ed25519 key of %zu bytes, not 32", b.n - 1);
		e = ERR_SYNTAX;
	} else {
		k->type = (enum vkey_type)type;
		memcpy(k->pub, b.p + 1, VKEY_PUB);
	}
	buf_done(&b);
	return e;
}

enum err
vkey_of(struct str text, struct vkey *out, struct note *why)
{
	struct str rest = text, id = { NULL, 0 };
	struct vkey k = { .id = 0 };

	if (!str_split(&rest, '+', &k.name) || !str_split(&rest, '+', &id) ||
	    !name_ok(k.name) || !hex_id(id, &k.id)) {
		note_set(why, "no verifier key: it is NAME+ID+KEY, ID in 8 "
			      "lowercase hex digits");
		return ERR_SYNTAX;
	}
	TRY(key_bytes(rest, &k, why));
	if (id_of(&k) != k.id) {
		note_set(why,
		    "the verifier key %.*s has not the id of its "
		    "name and key",
		    STR_ARG(str_sub(k.name, 0, 80)));
		return ERR_SYNTAX;
	}
	*out = k;
	return OK;
}

enum err
vkey_make(struct str name, enum vkey_type type,
    const unsigned char seed[static VKEY_SEED], struct vkey *out,
    struct note *why)
{
	struct vkey k = { .name = name, .type = type };

	if (!name_ok(name)) {
		note_set(why, "a key's name has no space and no plus sign");
		return ERR_SYNTAX;
	}
	TRY(ed25519_public(seed, k.pub));
	k.id = id_of(&k);
	*out = k;
	return OK;
}

void
vkey_put(const struct vkey *k, struct buf *out)
{
	unsigned char key[1 + VKEY_PUB];

	buf_str(out, k->name);
	buf_fmt(out, "+%08x+", k->id);
	base64_put(out, typed(k, key));
}

/* ---- notes ---- */

/* Base64 of id and at least a byte; *id is the first four. */
static bool
line_id(struct str base64, uint32_t *id)
{
	struct buf b = { .max = SIGNED_MAX };
	const bool good = base64_get(base64, &b) == OK && b.n > ID;

	if (good)
		*id = u32be((const unsigned char *)b.p);
	buf_done(&b);
	return good;
}

static enum err
line_of(struct str line, struct signed_line *out, struct note *why)
{
	static const char dash[] = "\xe2\x80\x94 ";
	struct str rest;

	if (!str_starts(line, STR(dash))) {
		note_set(why, "a signature line does not begin with an em dash "
			      "and a space");
		return ERR_SYNTAX;
	}
	rest = str_sub(line, sizeof(dash) - 1, line.n);
	if (!str_split(&rest, ' ', &out->name) || !name_ok(out->name) ||
	    !line_id(rest, &out->id)) {
		note_set(why, "a signature line is not a name and base64");
		return ERR_SYNTAX;
	}
	out->base64 = rest;
	return OK;
}

static bool
text_ok(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' && s.p[i] != '\n')
			return false;
	return s.n > 0 && s.p[s.n - 1] == '\n' && utf8_ok(s);
}

enum err
signed_parse(struct str s, struct signed_note *out, struct note *why)
{
	struct str rest, line;
	size_t at = s.n;

	if (s.n > SIGNED_MAX) {
		note_set(why, "a note of more than %d bytes", SIGNED_MAX);
		return ERR_LIMIT;
	}
	if (!text_ok(s)) {
		note_set(why, "a note is UTF-8 without control characters and "
			      "ends in a newline");
		return ERR_SYNTAX;
	}
	while (at > 1 && (s.p[at - 1] != '\n' || s.p[at - 2] != '\n'))
		at--;
	if (at < 2 || at == s.n) {
		note_set(why, "no signature after a blank line");
		return ERR_SYNTAX;
	}
	out->text = str_sub(s, 0, at - 1);
	out->lines = 0;
	rest = str_sub(s, at, s.n - at - 1); /* without the last newline */
	while (str_split(&rest, '\n', &line)) {
		if (out->lines == SIGNED_LINES_MAX) {
			note_set(
			    why, "more than %d signatures", SIGNED_LINES_MAX);
			return ERR_LIMIT;
		}
		TRY(line_of(line, &out->line[out->lines++], why));
	}
	return OK;
}

/* What a cosigner signs. */
static void
cosigned(uint64_t time, struct str text, struct buf *out)
{
	buf_fmt(out, "cosignature/v1\ntime %llu\n", (unsigned long long)time);
	buf_str(out, text);
}

static bool
good_cosignature(const struct vkey *k, const unsigned char *sig,
    struct str text, uint64_t *time)
{
	struct buf b = { .max = text.n + COSIGNED_HEAD_MAX };
	const uint64_t t = (uint64_t)u32be(sig) << 32 | u32be(sig + ID);
	bool good;

	cosigned(t, text, &b);
	good = t <= INT64_MAX && ed25519_good(k->pub, buf_view(&b), sig + TIME);
	buf_done(&b);
	if (good && t > *time)
		*time = t;
	return good;
}

/* One line of k's. */
static bool
good_line(const struct vkey *k, const struct signed_line *l, struct str text,
    uint64_t *time)
{
	struct buf b = { .max = SIGNED_MAX };
	const unsigned char *p;
	bool good = base64_get(l->base64, &b) == OK;

	p = (const unsigned char *)b.p + ID;
	if (k->type == VKEY_COSIGNATURE)
		good = good && b.n == ID + TIME + ED25519_SIG &&
		       good_cosignature(k, p, text, time);
	else
		good = good && b.n == ID + ED25519_SIG &&
		       ed25519_good(k->pub, text, p);
	buf_done(&b);
	return good;
}

enum err
signed_check(const struct signed_note *n, const struct vkey *k, uint64_t *time,
    struct note *why)
{
	uint64_t newest = 0;
	size_t found = 0;

	for (size_t i = 0; i < n->lines; i++) {
		const struct signed_line *l = &n->line[i];

		if (l->id != k->id || !str_eq(l->name, k->name))
			continue;
		found++;
		if (!good_line(k, l, n->text, &newest)) {
			note_set(why, "the signature by %.*s is not good",
			    STR_ARG(str_sub(k->name, 0, 120)));
			return ERR_DENIED;
		}
	}
	if (found == 0) {
		note_set(why, "there is no signature by %.*s",
		    STR_ARG(str_sub(k->name, 0, 120)));
		return ERR_GONE;
	}
	if (time != NULL)
		*time = newest;
	return OK;
}

enum err
signed_add(const struct vkey *k, const unsigned char seed[static VKEY_SEED],
    uint64_t time, struct str text, struct buf *out, struct note *why)
{
	const bool co = k->type == VKEY_COSIGNATURE;
	unsigned char sig[ID + TIME + ED25519_SIG];
	struct buf b = { .max = text.n + COSIGNED_HEAD_MAX };
	const size_t head = co ? ID + TIME : ID;
	enum err e;

	if (!text_ok(text) || time > INT64_MAX) {
		note_set(why, "this text or time cannot be signed");
		return ERR_SYNTAX;
	}
	for (unsigned i = 0; i < ID; i++)
		sig[i] = (unsigned char)(k->id >> (24 - 8 * i));
	for (unsigned i = 0; co && i < TIME; i++)
		sig[ID + i] = (unsigned char)(time >> (56 - 8 * i));
	if (co)
		cosigned(time, text, &b);
	e = ed25519_sign(seed, co ? buf_view(&b) : text, sig + head);
	buf_done(&b);
	if (e) {
		note_set(why, "signing failed");
		return e;
	}
	buf_str(out, STR("\xe2\x80\x94 "));
	buf_str(out, k->name);
	buf_ch(out, ' ');
	base64_put(out, (struct str){ (const char *)sig, head + ED25519_SIG });
	buf_ch(out, '\n');
	return buf_end(out);
}
