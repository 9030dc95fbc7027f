/* clients-report: what was found and done, for eyes and for programs.  Of a
 * command only the program is shown: arguments may hold tokens. */
#include "ctl/clients-in.h"

static const char not_covered[] =
    "Not covered: configuration that an administrator manages, plugins and "
    "packaged extensions, account\nconnectors, dev containers, WSL and "
    "remote hosts, project files of other directories, and servers\nadded "
    "after this (run it again).";

/* Foreign text for a terminal. */
static void
put_tame(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		buf_ch(b, (unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f
			      ? '?'
			      : s.p[i]);
}

static void
put_http(const struct client_job *j, const struct entry *was,
    const struct entry *is, struct buf *b)
{
	const bool undo = strcmp(j->verb, "unwrap") == 0;

	buf_str(b, STR("reached by HTTP, "));
	if (!is->wrapped && was->wrapped)
		buf_str(b,
		    j->dry ? STR("would be uncovered") : STR("uncovered now"));
	else if (!is->wrapped && is->why == NULL)
		buf_str(b, undo ? STR("not covered")
				: STR("not covered; \"gatehouse clients "
				      "wrap\" covers it"));
	else if (!is->wrapped)
		buf_fmt(b, "not covered: %s", is->why);
	else if (undo && is->done != NULL)
		buf_str(b, STR("changed since it was covered, left alone; "
			       "--force puts its old url back, and what was "
			       "added beside the url then goes there"));
	else if (undo)
		buf_str(b, STR("the gateway's url was not put there by "
			       "\"clients wrap\"; left alone"));
	else if (is->server == NULL)
		buf_fmt(b, "covered by an earlier wrap, but: %s", is->why);
	else
		buf_fmt(b, "%s, as %.*s of the gateway",
		    was->wrapped ? "covered"
		    : j->dry	 ? "would be covered"
				 : "covered now",
		    STR_ARG(is->server->name));
}

static const char *
said(
    const struct client_job *j, const struct entry *was, const struct entry *is)
{
	if (is->kind == ENTRY_OTHER)
		return is->why;
	if (is->wrapped && !was->wrapped)
		return j->dry ? "would be wrapped" : "wrapped now";
	if (!is->wrapped && was->wrapped)
		return j->dry ? "would be unwrapped" : "unwrapped now";
	if (is->wrapped && strcmp(j->verb, "unwrap") == 0)
		return "changed since it was wrapped, left alone; --force "
		       "unwraps it all the same";
	return is->wrapped ? "wrapped" : "not wrapped";
}

static void
put_said(const struct client_job *j, const struct entry *was,
    const struct entry *is, struct buf *b)
{
	if (is->kind == ENTRY_HTTP)
		put_http(j, was, is, b);
	else
		buf_str(b, str_of(said(j, was, is)));
}

static struct str
program(const struct entry *e)
{
	if (e->kind != ENTRY_STDIO)
		return STR("");
	return e->words[e->wrapped ? e->prefix : 0];
}

static void
put_file(struct client_job *j, const struct client_file *f, struct buf *b)
{
	const struct entry *was = f->was.first, *is = f->is.first;
	struct buf text = { .max = 65536 };

	buf_fmt(b, "%s  ", f->cl->title);
	put_tame(b, f->path);
	if (f->link) {
		buf_str(b, STR(" -> "));
		put_tame(b, f->real);
	}
	buf_ch(b, '\n');
	for (; was != NULL && is != NULL; was = was->next, is = is->next) {
		buf_str(b, STR("  "));
		put_tame(b, is->where);
		if (program(is).n > 0) {
			buf_str(b, STR(" ("));
			put_tame(b, program(is));
			buf_ch(b, ')');
		}
		buf_str(b, STR(": "));
		buf_clear(&text);
		put_said(j, was, is, &text);
		put_tame(b, buf_view(&text));
		buf_ch(b, '\n');
	}
	buf_done(&text);
	if (f->was.count == 0 && !f->refused && !f->failed)
		buf_str(b, STR("  no tool servers\n"));
	if (f->note.text[0] != '\0') {
		buf_str(b, STR("  "));
		put_tame(b, str_of(f->note.text));
		buf_ch(b, '\n');
	}
	if (f->changed) {
		buf_str(b, STR("  the old file is "));
		put_tame(b, str_of(f->backup));
		buf_ch(b, '\n');
	}
	if (f->cl->note != NULL)
		buf_fmt(b, "  not in this file: %s\n", f->cl->note);
}

static void
put_entry_json(const struct client_job *j, const struct entry *was,
    const struct entry *is, struct buf *b)
{
	static const char *const kinds[] = { "other", "stdio", "http" };
	struct buf text = { .max = 65536 };

	buf_str(b, STR("{\"where\":"));
	json_quote(is->where, b);
	buf_fmt(b, ",\"kind\":\"%s\",\"program\":", kinds[is->kind]);
	json_quote(program(is), b);
	buf_fmt(b, ",\"was_wrapped\":%s,\"wrapped\":%s,\"text\":",
	    was->wrapped ? "true" : "false", is->wrapped ? "true" : "false");
	put_said(j, was, is, &text);
	json_quote(buf_view(&text), b);
	buf_done(&text);
	buf_ch(b, '}');
}

static void
put_file_json(struct client_job *j, const struct client_file *f, struct buf *b)
{
	const struct entry *was = f->was.first, *is = f->is.first;

	buf_fmt(b, "{\"client\":\"%s\",\"file\":", f->cl->name);
	json_quote(f->path, b);
	buf_str(b, STR(",\"real\":"));
	json_quote(f->real, b);
	buf_fmt(b, ",\"changed\":%s,\"ok\":%s,\"note\":",
	    f->changed ? "true" : "false",
	    f->failed || f->refused ? "false" : "true");
	json_quote(str_of(f->note.text), b);
	buf_str(b, STR(",\"backup\":"));
	json_quote(str_of(f->changed ? f->backup : ""), b);
	buf_str(b, STR(",\"entries\":["));
	for (; was != NULL && is != NULL; was = was->next, is = is->next) {
		if (is != f->is.first)
			buf_ch(b, ',');
		put_entry_json(j, was, is, b);
	}
	buf_str(b, STR("]}"));
}

/* An entry that could be before the gateway and is not, or is before one that
 * does not serve it. */
static bool
amiss(const struct entry *e)
{
	if (e->kind == ENTRY_HTTP)
		return e->wrapped ? e->server == NULL : e->server != NULL;
	return e->kind == ENTRY_STDIO && !e->wrapped;
}

/* 0: all is as the verb wants it. */
static int
verdict(const struct client_job *j)
{
	int status = CTL_YES;

	for (const struct client_file *f = j->first; f != NULL; f = f->next) {
		if (f->failed)
			return CTL_FAILED;
		if (f->refused || f->left > 0)
			status = CTL_NO;
		for (const struct entry *e = f->is.first; e != NULL;
		     e = e->next)
			if (strcmp(j->verb, "unwrap") != 0 && !j->dry &&
			    amiss(e))
				status = CTL_NO;
	}
	return status;
}

int
report(struct client_job *j)
{
	struct buf b = { .max = 64 * 1024 * 1024 };

	if (j->c->json)
		buf_str(&b, STR("{\"files\":["));
	for (const struct client_file *f = j->first; f != NULL; f = f->next)
		if (j->c->json) {
			if (f != j->first)
				buf_ch(&b, ',');
			put_file_json(j, f, &b);
		} else {
			put_file(j, f, &b);
		}
	if (j->c->json) {
		buf_str(&b, STR("],\"not_covered\":"));
		json_quote(str_of(not_covered), &b);
		buf_str(&b, STR("}\n"));
	} else if (j->first == NULL) {
		buf_str(&b, STR("No known client has a configuration here.\n"));
	} else {
		buf_fmt(&b, "\n%s\n", not_covered);
	}
	if (ctl_put(&b) != CTL_YES)
		return CTL_FAILED;
	return verdict(j);
}
