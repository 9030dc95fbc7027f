/*
 * style.c: how this code looks.  It compiles, and "make lint" checks it.  Where
 * it is silent, do as the nearest file does.  A file begins like this: what it
 * is for, what it promises, what it refuses to know.
 */
#include "base/base.h" /* the own room first, then the system, then doors */

/*
 * NAMES.  struct thing, thing_verb(thing, ...), CAPITALS for enum values and
 * limits; no typedef hides a struct.  init/done for what the caller holds,
 * new/free for what is allocated; free(NULL) is fine.
 */
struct key_shape {
	struct str prefix;
	size_t len; /* of the whole key, prefix included */
};

/* TABLES.  What varies is a line in a table; the code only walks it. */
static const struct key_shape shapes[] = {
	{ STR_INIT("AKIA"), 20 }, /* comments say why, not what */
	{ STR_INIT("ASIA"), 20 },
};

/* LIMITS are named, and each says why it is that number. */
enum { KEYS_MAX = 32 }; /* more in one text is a list of keys, not a leak */

/* FUNCTIONS do one thing.  A question returns bool and changes nothing. */
static bool
key_is_at(struct str s, size_t at, const struct key_shape *k)
{
	if (k->len > s.n - at) /* compare sizes by subtracting, never adding */
		return false;
	return str_starts(str_sub(s, at, s.n), k->prefix);
}

/*
 * ERRORS.  What can fail returns enum err and is NODISCARD; *out is untouched
 * unless it returns OK.  Fail early and leave.
 *   a peer's doing      -> an err, a denial, a record; we carry on
 *   the machine's doing -> an err; only a role's loop decides to exit
 *   our own mistake     -> BUG_ON; never for anything a peer can cause
 */
NODISCARD enum err keys_count(struct str s, size_t *out);

enum err
keys_count(struct str s, size_t *out)
{
	size_t n = 0;

	BUG_ON(out == NULL);
	for (size_t at = 0; at < s.n; at++)
		for (size_t k = 0; k < countof(shapes); k++)
			n += key_is_at(s, at, &shapes[k]);
	if (n > KEYS_MAX)
		return ERR_LIMIT;
	*out = n;
	return OK;
}
