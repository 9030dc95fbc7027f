/* names: what is in a directory, in order. */
#include "ctl/names.h"

#include <dirent.h>

static int
by_name(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

void
names_done(struct names *l)
{
	for (size_t i = 0; i < l->n; i++)
		mem_free(l->v[i]);
	mem_free(l->v);
}

enum err
names_of(const char *dir, struct names *out)
{
	DIR *d = opendir(dir);
	struct names l = { NULL, 0 };
	const struct dirent *e;

	if (d == NULL)
		return ERR_OS;
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		l.v =
		    mem_more(l.v, l.n * sizeof(*l.v), (l.n + 1) * sizeof(*l.v));
		l.v[l.n] = mem_get(strlen(e->d_name) + 1);
		memcpy(l.v[l.n++], e->d_name, strlen(e->d_name));
	}
	(void)closedir(d);
	if (l.n > 0)
		qsort(l.v, l.n, sizeof(*l.v), by_name);
	*out = l;
	return OK;
}
