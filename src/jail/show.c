/*
 * show.c: the role table for people and programs.  It prints the very rows the
 * filter is made of, so the page cannot say more than the kernel enforces.
 */
#include "jail/jail-in.h"

#include "json/json.h"

static const char *const files_text[] = {
	[FILES_NONE] = "none",
	[FILES_NAMES] = "the resolver's, read-only",
	[FILES_READ] = "all, read-only",
	[FILES_LOG] = "log, side (its own), log.publish's; ledger, read-only",
	[FILES_OWN] = "its own directory",
	[FILES_ALL] = "all",
};

static void
lower(struct buf *out, const char *s)
{
	for (; *s != '\0'; s++)
		buf_ch(out, *s >= 'A' && *s <= 'Z' ? (char)(*s + 32) : *s);
}

/* "mmap" or "mmap(arg 2 without 0x4)" */
static void
call(struct buf *out, const struct call_row *c)
{
	buf_str(out, str_of(c->name));
	if (c->test == CALL_VALUE)
		buf_fmt(out, "(arg %u is %u)", c->arg, c->value);
	else if (c->test == CALL_MASK)
		buf_fmt(out, "(arg %u without %#x)", c->arg, c->value);
	else if (c->test == CALL_OWN)
		buf_fmt(out, "(arg %u is itself)", c->arg);
}

static void
calls(struct buf *out, unsigned rights, const char *between, const char *quote)
{
	bool first = true;

	for (size_t i = 0; i < call_rows_n; i++) {
		const struct call_row *c = &call_rows[i];

		if ((c->right & rights) == 0 || c->nr < 0)
			continue;
		if (!first)
			buf_str(out, str_of(between));
		buf_str(out, str_of(quote));
		call(out, c);
		buf_str(out, str_of(quote));
		first = false;
	}
}

static void
denied(struct buf *out, const char *between, const char *quote)
{
	for (size_t i = 0; i < deny_rows_n; i++) {
		if (i > 0)
			buf_str(out, str_of(between));
		buf_fmt(out, "%s%s%s", quote, deny_rows[i].name, quote);
	}
}

static void
number(struct buf *out, unsigned n)
{
	if (n == NOLIMIT)
		buf_str(out, STR("-"));
	else
		buf_dec(out, n);
}

static void
row_text(struct buf *out, const struct jail_row *j)
{
	lower(out, j->name);
	buf_fmt(
	    out, "\n  faces        %s\n  may          %s\n", j->faces, j->may);
	buf_fmt(out, "  may not      %s\n  if owned     %s\n", j->may_not,
	    j->owned);
	buf_fmt(out, "  files        %s\n  user         %s\n",
	    files_text[j->files], j->user == OWN ? "gatehouse" : "the caller");
	if (j->rights == 0) {
		buf_str(out, STR("  calls        all: its filter would be "
				 "every role's\n"));
		return;
	}
	buf_str(out, STR("  limits       files "));
	number(out, j->nofile);
	buf_str(out, STR(", processes "));
	number(out, j->nproc);
	buf_str(out, STR(", bytes a file "));
	number(out, j->fsize);
	if ((j->rights & R_DENYLIST) != 0) {
		buf_str(out, STR("\n  calls        all up to Linux 6.10 but "));
		denied(out, " ", "");
	} else {
		buf_str(out, STR("\n  calls        "));
		calls(out, j->rights, " ", "");
	}
	buf_ch(out, '\n');
}

static void
member(struct buf *out, const char *key, const char *value)
{
	buf_fmt(out, ",\"%s\":", key);
	json_quote(str_of(value), out);
}

static void
row_json(struct buf *out, const struct jail_row *j)
{
	const bool list = (j->rights & R_DENYLIST) != 0;

	buf_str(out, STR("{\"role\":\""));
	lower(out, j->name);
	buf_ch(out, '"');
	member(out, "faces", j->faces);
	member(out, "may", j->may);
	member(out, "may_not", j->may_not);
	member(out, "if_owned", j->owned);
	member(out, "files", files_text[j->files]);
	member(out, "user", j->user == OWN ? "gatehouse" : "");
	buf_fmt(out, ",\"%s\":[", list ? "calls_denied" : "calls");
	if (list)
		denied(out, ",", "\"");
	else
		calls(out, j->rights, ",", "\"");
	buf_fmt(out, "],\"unfiltered\":%s}", j->rights == 0 ? "true" : "false");
}

void
jail_show(struct buf *out, bool json)
{
	if (json)
		buf_str(out, STR("{\"roles\":["));
	for (size_t i = 0; i < ROLE__N; i++) {
		if (!json) {
			row_text(out, &jail_rows[i]);
			continue;
		}
		if (i > 0)
			buf_ch(out, ',');
		row_json(out, &jail_rows[i]);
	}
	if (json)
		buf_str(out, STR("]}\n"));
}
