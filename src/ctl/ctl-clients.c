/*
 * ctl-clients: "clients wrap", "clients unwrap", "clients status".  The order
 * of writing is: state, backup, file; whatever stops in between, unwrap finds
 * its way back.
 */
#include "ctl/clients-in.h"

#include <errno.h>
#include <unistd.h>

#include "sys/sys.h"

enum { ARENA = 1024 * 1024 * 1024 }; /* a tree of 16 MiB of braces */

/* The bytes without us: the kept ones when nobody changed the file since,
 * else what can be taken back entry by entry. */
static enum err
without_us(struct client_job *j, struct client_file *f,
    const struct client_state *st, bool force, struct buf *out)
{
	char hash[65];

	TRY(sha_hex(buf_view(&f->text), hash));
	if (str_eq(st->wrapped, str_of(hash))) {
		buf_str(out, st->original);
		return buf_end(out);
	}
	return clients_unwrap(
	    &(struct client_edit){ f->cl, buf_view(&f->text), j->a, &f->note },
	    st->done, force, out, &f->left);
}

static enum err
own_path(char out[static 4096], struct note *why)
{
	const ssize_t n = readlink("/proc/self/exe", out, 4095);

	if (n <= 0 || n >= 4095) {
		note_set(
		    why, "cannot tell where gatehouse is: %s", strerror(errno));
		return ERR_OS;
	}
	out[n] = '\0';
	if (!str_ends(str_of(out), STR("/gatehouse"))) {
		note_set(why,
		    "this program is %s; entries are recognised by "
		    "the name gatehouse, so install it as that",
		    out);
		return ERR_DENIED;
	}
	return OK;
}

static enum err
wrap_file(struct client_job *j, struct client_file *f, struct str gateway)
{
	struct client_state st = { .done = NULL };
	struct buf base = { .max = TREE_BYTES };
	struct entry_done *done = NULL;
	enum err e = state_load(f->real, j->a, &st, &f->note);

	if (e == OK)
		e = without_us(j, f, &st, false, &base);
	else if (e == ERR_GONE) {
		buf_str(&base, buf_view(&f->text));
		e = OK;
	}
	if (e == OK)
		e = clients_wrap(&(struct client_edit){ f->cl, buf_view(&base),
				     j->a, &f->note },
		    gateway, &f->after, &done);
	f->left = 0;
	if (e == OK && !str_eq(buf_view(&f->after), buf_view(&f->text)) &&
	    !j->dry) {
		e = state_save(f, buf_view(&base), done, &f->note);
		if (e == OK)
			e = file_put(f, &f->note);
	}
	buf_done(&base);
	return e;
}

static enum err
unwrap_file(struct client_job *j, struct client_file *f)
{
	struct client_state st = { .original = STR_INIT("") };
	enum err e = state_load(f->real, j->a, &st, &f->note);

	if (e != OK && e != ERR_GONE)
		return e;
	e = without_us(j, f, &st, j->force, &f->after);
	if (e != OK || j->dry)
		return e;
	if (!str_eq(buf_view(&f->after), buf_view(&f->text)))
		TRY(file_put(f, &f->note));
	return f->left == 0 ? state_forget(f->real, &f->note) : OK;
}

static void
one_file(struct client_job *j, struct client_file *f, struct str gateway)
{
	enum err e = OK;

	f->is = f->was;
	if (strcmp(j->verb, "wrap") == 0)
		e = wrap_file(j, f, gateway);
	else if (strcmp(j->verb, "unwrap") == 0)
		e = unwrap_file(j, f);
	if (e == OK && strcmp(j->verb, "status") != 0)
		e = clients_list(
		    f->cl, buf_view(&f->after), j->a, &f->is, &f->note);
	f->failed = e == ERR_OS;
	f->refused = e != OK && e != ERR_OS;
	if (!f->failed && !f->refused)
		f->note.text[0] = '\0'; /* what some reader left there */
}

static int
act(struct ctl *c, const char *verb)
{
	struct client_job j = {
		.c = c,
		.dry = ctl_option(c, "--dry-run") != NULL,
		.force = ctl_option(c, "--force") != NULL,
		.verb = verb,
	};
	const char *name = ctl_option(c, "--client");
	char gateway[4096];
	struct note why;
	int status;
	enum err e;

	if (name != NULL && client_find(name) == NULL) {
		(void)ctl_say(
		    c, CTL_MISUSE, "no client \"%s\"; there are:", name);
		for (size_t i = 0; i < clients_n; i++)
			(void)fprintf(stderr, "  %-16s %s\n", clients[i].name,
			    clients[i].title);
		return CTL_MISUSE;
	}
	if (ctl_option(c, "--file") != NULL && name == NULL)
		return ctl_say(c, CTL_MISUSE,
		    "--file needs --client, which tells the file's shape");
	if (own_path(gateway, &why) != OK)
		return ctl_say(c, CTL_FAILED, "%s", why.text);
	j.a = arena_new(ARENA);
	e = files_find(&j);
	for (struct client_file *f = j.first; f != NULL; f = f->next)
		if (!f->failed && !f->refused)
			one_file(&j, f, str_of(gateway));
	status = report(&j);
	if (e != OK)
		status = ctl_say(c, e == ERR_GONE ? CTL_NO : CTL_FAILED, "%s",
		    e == ERR_GONE ? "there is no such file" : err_name(e));
	files_done(&j);
	arena_free(j.a);
	return status;
}

int
ctl_clients_status(struct ctl *c)
{
	return act(c, "status");
}

int
ctl_clients_wrap(struct ctl *c)
{
	return act(c, "wrap");
}

int
ctl_clients_unwrap(struct ctl *c)
{
	return act(c, "unwrap");
}
