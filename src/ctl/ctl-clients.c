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

static struct client_edit
edit_of(struct client_job *j, struct client_file *f, struct str text)
{
	return (struct client_edit){ .cl = f->cl,
		.text = text,
		.a = j->a,
		.why = &f->note,
		.gate = &j->gate };
}

/* Has the owner changed an entry that is reached by HTTP, so that its old url
 * would not get what it got then? */
static bool
http_drifted(const struct client_file *f)
{
	for (const struct entry *e = f->was.first; e != NULL; e = e->next)
		if (e->kind == ENTRY_HTTP && e->wrapped && e->done != NULL &&
		    !http_as_left(e->done, e))
			return true;
	return false;
}

/* The bytes without us: the kept ones when nobody changed the file since,
 * else what can be taken back entry by entry. */
static enum err
without_us(struct client_job *j, struct client_file *f,
    const struct client_state *st, bool force, struct buf *out)
{
	struct client_edit in = edit_of(j, f, buf_view(&f->text));
	char hash[65];

	TRY(sha_hex(buf_view(&f->text), hash));
	if (str_eq(st->wrapped, str_of(hash)) && !http_drifted(f)) {
		buf_str(out, st->original);
		return buf_end(out);
	}
	in.known = st->done;
	return clients_unwrap(&in, force, out, &f->left);
}

/* What of the entries reached by HTTP is now as wrap left it. */
static enum err
kept_of(
    struct client_job *j, const struct client_file *f, struct entry_done **out)
{
	for (const struct entry *e = f->was.first; e != NULL; e = e->next) {
		struct entry_done *d;

		if (e->kind != ENTRY_HTTP || !e->wrapped ||
		    !http_as_left(e->done, e))
			continue;
		d = arena_alloc(j->a, sizeof(*d));
		if (d == NULL)
			return ERR_LIMIT;
		*d = *e->done;
		d->next = *out;
		*out = d;
	}
	return OK;
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
wrap_file(struct client_job *j, struct client_file *f, struct str gateway,
    struct client_state *st, bool known)
{
	struct buf base = { .max = TREE_BYTES };
	struct entry_done *done = NULL, *kept = NULL;
	struct client_edit in;
	enum err e = kept_of(j, f, &kept);

	if (e == OK && known)
		e = without_us(j, f, st, false, &base);
	else if (e == OK)
		buf_str(&base, buf_view(&f->text));
	in = edit_of(j, f, buf_view(&base));
	in.known = st->done;
	in.kept = kept;
	if (e == OK)
		e = clients_wrap(&in, gateway, &f->after, &done);
	f->left = 0;
	if (e == OK && !str_eq(buf_view(&f->after), buf_view(&f->text)) &&
	    !j->dry) {
		e = state_save(f, buf_view(&base), done, &f->note);
		if (e == OK)
			e = file_put(f, &f->note);
	}
	st->done = done;
	buf_done(&base);
	return e;
}

static enum err
unwrap_file(
    struct client_job *j, struct client_file *f, const struct client_state *st)
{
	TRY(without_us(j, f, st, j->force, &f->after));
	if (j->dry)
		return OK;
	if (!str_eq(buf_view(&f->after), buf_view(&f->text)))
		TRY(file_put(f, &f->note));
	return f->left == 0 ? state_forget(f->real, &f->note) : OK;
}

/* What is known, and what that says of the entries there are. */
static enum err
look(struct client_job *j, struct client_file *f, struct client_state *st,
    bool *known)
{
	const enum err e = state_load(f->real, j->a, st, &f->note);

	*known = e == OK;
	if (e != OK && e != ERR_GONE && strcmp(j->verb, "status") != 0)
		return e;
	return clients_cover(&f->was, &j->gate, st->done, j->a);
}

static void
one_file(struct client_job *j, struct client_file *f, struct str gateway)
{
	struct client_state st = { .original = STR_INIT("") };
	bool known = false;
	enum err e = look(j, f, &st, &known);

	f->is = f->was;
	if (e == OK && strcmp(j->verb, "wrap") == 0)
		e = wrap_file(j, f, gateway, &st, known);
	else if (e == OK && strcmp(j->verb, "unwrap") == 0)
		e = unwrap_file(j, f, &st);
	if (e == OK && strcmp(j->verb, "status") != 0)
		e = clients_list(
		    f->cl, buf_view(&f->after), j->a, &f->is, &f->note);
	if (e == OK && strcmp(j->verb, "status") != 0)
		e = clients_cover(&f->is, &j->gate, st.done, j->a);
	f->failed = e == ERR_OS;
	f->refused = e != OK && e != ERR_OS;
	if (!f->failed && !f->refused)
		f->note.text[0] = '\0'; /* what some reader left there */
}

/* Exit status of a command line that cannot be right, or CTL_YES. */
static int
check_line(struct ctl *c)
{
	const char *name = ctl_option(c, "--client");

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
	return CTL_YES;
}

static int
all_files(struct client_job *j, struct str gateway)
{
	struct note why = { .text = "" };
	enum err e = gate_read(j->c, j->a, &j->gate, &why);
	int status;

	if (e != OK)
		return ctl_say(j->c, CTL_NO, "%s",
		    why.text[0] != '\0' ? why.text : err_name(e));
	e = files_find(j);
	for (struct client_file *f = j->first; f != NULL; f = f->next)
		if (!f->failed && !f->refused)
			one_file(j, f, gateway);
	status = report(j);
	if (e != OK)
		status =
		    ctl_say(j->c, e == ERR_GONE ? CTL_NO : CTL_FAILED, "%s",
			e == ERR_GONE ? "there is no such file" : err_name(e));
	files_done(j);
	return status;
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
	char gateway[4096];
	struct note why;
	int status = check_line(c);

	if (status != CTL_YES)
		return status;
	if (own_path(gateway, &why) != OK)
		return ctl_say(c, CTL_FAILED, "%s", why.text);
	j.a = arena_new(ARENA);
	status = all_files(&j, str_of(gateway));
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
