/*
 * clients-file: finds the files of known clients and replaces them.  A link
 * that leads out of the user's own directories is not followed, a file of
 * somebody else is not touched, and a file that changed under our hands is
 * left as it is.
 */
#include "ctl/clients-in.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/sys.h"

static bool
below(struct str path, const char *dir)
{
	char real[4096];

	if (dir == NULL || !ctl_absolute(dir, real))
		return false;
	return str_starts(path, str_of(real)) &&
	       (strcmp(real, "/") == 0 || path.p[strlen(real)] == '/');
}

/* Why the file shall not be edited, or OK. */
static enum err
may_edit(struct client_file *f, bool named)
{
	char path[4096];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%.*s", STR_ARG(f->real));
	if (stat(path, &st) < 0) {
		note_set(&f->note, "%s", strerror(errno));
		return ERR_OS;
	}
	f->mode = st.st_mode & 07777;
	if (!S_ISREG(st.st_mode))
		note_set(&f->note, "not a regular file");
	else if (st.st_uid != geteuid())
		note_set(&f->note, "belongs to another user; run this as that "
				   "user");
	else if (!named && !below(f->real, getenv("HOME")) &&
		 !below(f->real, "."))
		note_set(&f->note,
		    "leads out of your directories, to %s; name "
		    "that with --file if it is meant",
		    path);
	else
		return OK;
	return ERR_DENIED;
}

static enum err
add_file(
    struct client_job *j, const struct client *cl, const char *path, bool named)
{
	struct client_file *f;
	char real[4096];
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR ? ERR_GONE : ERR_OS;
	if (!ctl_absolute(path, real))
		return ERR_GONE;
	for (f = j->first; f != NULL; f = f->next)
		if (str_eq(f->real, str_of(real)))
			return OK; /* two names of one file */
	f = arena_alloc(j->a, sizeof(*f));
	if (f == NULL)
		return ERR_LIMIT;
	f->cl = cl;
	f->path = arena_str(j->a, str_of(path));
	f->real = arena_str(j->a, str_of(real));
	f->link = S_ISLNK(st.st_mode);
	f->text.max = f->after.max = TREE_BYTES;
	if (j->last == NULL)
		j->first = f;
	else
		j->last->next = f;
	j->last = f;
	if (may_edit(f, named) != OK)
		f->refused = true;
	else if (file_read(real, TREE_BYTES, &f->text, &f->note) != OK)
		f->failed = true;
	else if (clients_list(
		     cl, buf_view(&f->text), j->a, &f->was, &f->note) != OK)
		f->refused = true;
	return OK;
}

enum err
files_find(struct client_job *j)
{
	const char *name = ctl_option(j->c, "--client");
	const char *file = ctl_option(j->c, "--file");
	char path[4096];

	for (size_t i = 0; i < clients_n; i++) {
		const struct client *cl = &clients[i];

		if (name != NULL && strcmp(name, cl->name) != 0)
			continue;
		if (file != NULL)
			return add_file(j, cl, file, true);
		for (size_t k = 0; k < CLIENT_FILES && cl->files[k] != NULL;
		     k++)
			if (client_path(cl->files[k], path)) {
				const enum err e = add_file(j, cl, path, false);

				if (e != OK && e != ERR_GONE)
					return e;
			}
	}
	return OK;
}

void
files_done(struct client_job *j)
{
	for (struct client_file *f = j->first; f != NULL; f = f->next) {
		buf_done(&f->text);
		buf_done(&f->after);
	}
}

/* Clients write their files too: is it still what we read? */
static enum err
unchanged(const struct client_file *f, const char *real, struct note *why)
{
	struct buf now = { .max = TREE_BYTES };
	enum err e = file_read(real, TREE_BYTES, &now, why);

	if (e == OK && !str_eq(buf_view(&now), buf_view(&f->text))) {
		note_set(why, "the client changed it just now; close the "
			      "client and try again");
		e = ERR_DENIED;
	}
	buf_done(&now);
	return e;
}

/* FILE.20261123T180000Z.bak, and .2.bak when that second has one already. */
static enum err
backup(struct client_file *f, const char *real, struct note *why)
{
	char when[25], more[16] = "";

	(void)time_text(now_wall(), when);
	for (unsigned i = 1; i < 100; i++) {
		if (i > 1)
			(void)snprintf(more, sizeof(more), ".%u", i);
		(void)snprintf(f->backup, sizeof(f->backup),
		    "%s.%.4s%.2s%.2sT%.2s%.2s%.2sZ%s.bak", real, when, when + 5,
		    when + 8, when + 11, when + 14, when + 17, more);
		if (access(f->backup, F_OK) < 0)
			return file_replace(
			    f->backup, buf_view(&f->text), f->mode, why);
	}
	note_set(why, "%s: too many of them", f->backup);
	return ERR_LIMIT;
}

enum err
file_put(struct client_file *f, struct note *why)
{
	char real[4096];

	(void)snprintf(real, sizeof(real), "%.*s", STR_ARG(f->real));
	TRY(unchanged(f, real, why));
	TRY(backup(f, real, why));
	TRY(unchanged(f, real, why));
	TRY(file_replace(real, buf_view(&f->after), f->mode, why));
	f->changed = true;
	return OK;
}
