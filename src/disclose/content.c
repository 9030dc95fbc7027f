/* content: what is kept of one record. */
#include "disclose/disclose.h"

enum { WHERE_MAX = 3 }; /* salt, "params", "arguments", name: one more */

/* [salt, where, ...]: texts, and something besides the salt. */
static bool
is_hidden(struct jv v)
{
	struct jit it = jit_of(v);
	size_t n = 0;
	struct jv t;

	if (!jv_is(v, J_ARR) || jv_count(v) < 2 || jv_count(v) > WHERE_MAX + 1)
		return false;
	for (; jit_next(&it, NULL, &t); n++)
		if (!jv_is(t, J_STR) || (n == 0 && jv_str(t).n != SALT_TEXT))
			return false;
	return true;
}

enum err
content_of(struct jv v, struct content *out, struct note *why)
{
	struct jit it = jit_of(v);
	struct jv e;

	out->disclosures = out->hiddens = 0;
	note_set(why, "what is kept of a record is an array of disclosures");
	if (!jv_is(v, J_ARR))
		return ERR_SYNTAX;
	if (jv_count(v) > DISCLOSURES_MAX)
		return ERR_LIMIT;
	while (jit_next(&it, NULL, &e)) {
		if (jv_is(e, J_STR))
			out->disclosure[out->disclosures++] = jv_str(e);
		else if (is_hidden(e))
			out->hidden[out->hiddens++] = e;
		else
			return ERR_SYNTAX;
	}
	return OK;
}
