/*
 * table: the rows of settings.h and how they are found.  A path in the table
 * has NAME where the user chooses a name, and [] where a list has elements.
 */
#include "conf/conf-in.h"

#define START WHEN_START
#define RELOAD WHEN_RELOAD
const struct setting settings[] = {
#define SETTING(path, type, def, min, max, unit, when, help)                   \
	{ path, C_##type, def, min, max, unit, when, help },
#include "conf/settings.h"
#undef SETTING
};
const size_t settings_n = countof(settings);

/* A NAMED row has rows below NAME, a list rows below []. */
static struct str
prefix_of(const struct setting *up, char out[static 64])
{
	int n;

	if (up == NULL)
		return STR("");
	n = snprintf(out, 64, "%s%s", up->path,
	    up->type == C_NAMED	   ? ".NAME."
	    : up->type == C_LISTOF ? "[]."
				   : ".");
	BUG_ON(n < 0 || n >= 64);
	return (struct str){ out, (size_t)n };
}

/* The rest of the row's path when the row is directly below prefix. */
static struct str
rest_below(const struct setting *s, struct str prefix)
{
	const struct str path = str_of(s->path);
	struct str rest;

	if (!str_starts(path, prefix))
		return STR("");
	rest = str_sub(path, prefix.n, path.n);
	if (str_find(rest, '.') != rest.n)
		return STR("");
	return rest;
}

bool
setting_is_below(const struct setting *up, const struct setting *s)
{
	char text[64];

	return rest_below(s, prefix_of(up, text)).n > 0;
}

const struct setting *
setting_find(struct str path)
{
	for (size_t i = 0; i < settings_n; i++)
		if (str_eq(str_of(settings[i].path), path))
			return &settings[i];
	return NULL;
}

#define INVENTORY "inventory."
bool
setting_is_inventory(const struct setting *s)
{
	return str_starts(str_of(s->path), STR(INVENTORY));
}

/* What every kind of thing in the inventory says of itself stands once. */
static const struct setting *
row_below(const struct setting *up, size_t i, struct str *rest)
{
	const struct setting *s = &settings[i];
	char text[64];

	*rest = rest_below(s, prefix_of(up, text));
	if (rest->n == 0 && up != NULL && up->type == C_NAMED &&
	    setting_is_inventory(up))
		*rest = rest_below(s, STR(INVENTORY "KIND.NAME."));
	return s;
}

const struct setting *
setting_below(const struct setting *up, struct str key)
{
	struct str rest;

	for (size_t i = 0; i < settings_n; i++) {
		const struct setting *s = row_below(up, i, &rest);

		if (rest.n > 0 && str_eq(rest, key))
			return s;
	}
	return NULL;
}

const char *
setting_key(const struct setting *s)
{
	const char *dot = strrchr(s->path, '.');

	return dot == NULL ? s->path : dot + 1;
}

const char *
setting_near(const struct setting *up, struct str key)
{
	const char *best = NULL;
	unsigned least = STR_FAR;
	struct str rest;

	for (size_t i = 0; i < settings_n; i++) {
		const struct setting *s = row_below(up, i, &rest);
		const unsigned d =
		    rest.n == 0 ? STR_FAR : str_distance(rest, key);

		if (d < least && d < rest.n) {
			least = d;
			best = setting_key(s);
		}
	}
	return best;
}
