/*
 * guard: who else may write what decides.  Whoever writes a file of policies,
 * or puts another in its place, decides what is allowed; so the files that an
 * image was made from, and all directories above them, should be the
 * gateway's user's or root's alone.  A directory that is sticky (as /tmp is)
 * lets others put no file in another's place; but it lets them add policies.
 */
#include "conf/conf-in.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct guard {
	struct conf_error *at;
	size_t max, n;
	bool adds; /* what is new in the file's directory counts too */
};

static bool
told(const struct guard *g, const char *path)
{
	for (size_t i = 0; i < g->n; i++)
		if (strcmp(g->at[i].file.text, path) == 0)
			return true;
	return false;
}

static void PRINTF(3, 4)
    tell(struct guard *g, const char *path, const char *fmt, ...)
{
	struct conf_error *e;
	va_list ap;

	if (g->n == g->max || told(g, path))
		return;
	e = &g->at[g->n++];
	*e = (struct conf_error){ .warning = true };
	note_set(&e->file, "%s", path);
	va_start(ap, fmt);
	(void)vsnprintf(e->text.text, sizeof(e->text.text), fmt, ap);
	va_end(ap);
}

/* first: the file itself, or its own directory. */
static void
look(struct guard *g, const char *path, bool first)
{
	const char *what;
	struct stat st;
	unsigned others;

	if (stat(path, &st) != 0)
		return; /* who could not read it has said so */
	what = S_ISDIR(st.st_mode) ? "put another file in place of one"
				   : "change it";
	if (st.st_uid != 0 && st.st_uid != geteuid())
		tell(g, path,
		    "belongs to user %u, who can %s and so decide what is "
		    "allowed; chown it to root or to the gateway's user",
		    (unsigned)st.st_uid, what);
	others = st.st_mode & (S_IWGRP | S_IWOTH);
	if (S_ISDIR(st.st_mode) && (st.st_mode & S_ISVTX) != 0 &&
	    !(first && g->adds))
		others = 0;
	if (others != 0)
		tell(g, path,
		    "%s can %s and so decide what is allowed; chmod %s it",
		    (others & S_IWOTH) != 0 ? "every user" : "its group", what,
		    (others & S_IWOTH) == 0   ? "g-w"
		    : (others & S_IWGRP) == 0 ? "o-w"
					      : "go-w");
}

static void
walk(struct guard *g, char *path)
{
	bool first = true;
	char *slash;

	look(g, path, true);
	while ((slash = strrchr(path, '/')) != NULL && slash[1] != '\0') {
		slash[slash == path ? 1 : 0] = '\0';
		look(g, path, first);
		first = false;
	}
}

/* As it is named, and where that leads. */
static void
both(struct guard *g, const char *dir, struct str name)
{
	char named[PATH_MAX], real[PATH_MAX];
	const bool whole = name.n > 0 && name.p[0] == '/';
	const int n = snprintf(named, sizeof(named), "%s%s%.*s",
	    whole ? "" : dir, whole ? "" : "/", STR_ARG(name));

	if (n <= 0 || (size_t)n >= sizeof(named))
		return;
	if (realpath(named, real) != NULL)
		walk(g, real);
	walk(g, named);
}

void
conf_guard(const char *path, struct jv image, struct conf_error *at, size_t max,
    size_t *n)
{
	struct guard g = { .at = at, .max = max, .n = *n };
	const struct str inventory =
	    jv_str(jv_get(jv_get(image, STR("inventory")), STR("file")));
	struct jit it = jit_of(jv_get(image, STR("policies")));
	char dir[PATH_MAX], *slash;
	struct jv v;

	if (realpath(path, dir) == NULL)
		return;
	both(&g, "", str_of(dir));
	slash = strrchr(dir, '/');
	*slash = '\0';
	if (inventory.n > 0)
		both(&g, dir, inventory);
	g.adds = true;
	while (jit_next(&it, NULL, &v))
		both(&g, dir, jv_str(jv_get(v, STR("name"))));
	*n = g.n;
}
