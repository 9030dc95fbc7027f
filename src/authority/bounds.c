/*
 * bounds.c: a call's arguments against what its tool's inputSchema lets them
 * be, beyond the types that policies see: limits, patterns, choices, what
 * depends on what.  Role back compiled it (mcp/bounds.c); here is only an
 * image, which is checked, and asked.
 */
#include "authority/authority-in.h"

enum err
bounds_new(const struct bounds *b, struct schema *out, struct buf *image,
    struct note *why)
{
	enum err e;

	if (b->image.n == 0) {
		const struct str s =
		    b->why.n > 0
			? b->why
			: STR("nothing came that bounds its arguments");

		note_set(why, "%.*s", (int)(s.n > 230 ? 230 : s.n), s.p);
		return ERR_SYNTAX;
	}
	*image = (struct buf){ .max = b->image.n };
	buf_str(image, b->image);
	e = schema_open(buf_view(image), out);
	if (e)
		note_set(why, "what bounds its arguments is broken");
	return e;
}

/* Only what is refused is gone over again, for its sentence. */
static COLD enum err
refuse(const struct schema *s, struct jv arguments, struct note *why)
{
	struct schema_faults f = { .n = 0 };
	uint64_t steps = SCHEMA_STEPS;
	const enum err e = schema_check(s, arguments, &steps, &f);

	if (f.n == 0 || e == ERR_LIMIT)
		note_set(why, "the arguments take too long to judge");
	else if (f.v[0].at.text[0] == '\0')
		note_set(why, "arguments: %.200s", f.v[0].why.text);
	else
		note_set(why, "argument %.100s: %.120s", f.v[0].at.text,
		    f.v[0].why.text);
	return ERR_SYNTAX;
}

enum err
bounds_check(const struct schema *s, struct jv arguments, struct note *why)
{
	static const uint8_t empty[] = { J_OBJ, 0, 0, 0, 0, 0, 0, 0, 0 };
	uint64_t steps = SCHEMA_STEPS;

	if (jv_is(arguments, J_NONE))
		arguments = (struct jv){ empty, sizeof(empty) };
	if (schema_check(s, arguments, &steps, NULL) == OK)
		return OK;
	return refuse(s, arguments, why);
}
