/*
 * docs: the table as prose: the commented example and gatehouse.yaml(5).  What
 * the table cannot know is a plausible value for keys without a default; that
 * is samples[].  A test holds the example against the reader.
 */
#include "conf/conf-in.h"

/* live: without a comment sign, so that the example serves as it stands. */
static const struct sample {
	const char *path, *value;
	bool live;
} samples[] = {
	{ "listen", "127.0.0.1:8642", true },
	{ "state", "./state", true },
	{ "control", "./state/control.sock", false },
	{ "desk_url", "https://decisions.example", false },
	{ "log.witnesses.NAME.url", "https://witness.example", false },
	{ "log.witnesses.NAME.key", "\"<its verifier key>\"", false },
	{ "log.witnesses.NAME.ca", "witness-ca.pem", false },
	{ "log.publish.NAME.file", "/mnt/elsewhere/checkpoint", false },
	{ "log.publish.NAME.url", "https://heads.example/gatehouse", false },
	{ "log.publish.NAME.ca", "heads-ca.pem", false },
	{ "witness.listen", "127.0.0.1:8645", false },
	{ "witness.logs", "[\"<verifier key of a log>\"]", false },
	{ "tls.cert", "cert.pem", false },
	{ "tls.key", "key.pem", false },
	{ "tls.client_ca", "agents-ca.pem", false },
	{ "hosts", "[\"127.0.0.1:8642\", \"localhost:8642\"]", false },
	{ "origins", "[]", false },
	{ "excluded", "[]", false },
	{ "servers", NULL, true },
	{ "servers.NAME.command",
	    "[/usr/bin/my-tool-server, --root, /srv/data]", true },
	{ "servers.NAME.env", "{LOG_LEVEL: info}", false },
	{ "servers.NAME.sandbox", NULL, true },
	{ "servers.NAME.sandbox.read", "[/usr, /lib, /lib64, /etc]", false },
	{ "servers.NAME.sandbox.write", "[/srv/data]", true },
	{ "servers.NAME.url", "https://tools.example/mcp", false },
	{ "servers.NAME.credential_file", "tools.token", false },
	{ "servers.NAME.ca", "tools-ca.pem", false },
	{ "servers.NAME.client_cert", "gate.pem", false },
	{ "servers.NAME.client_key", "gate.key", false },
	{ "servers.NAME.read_only", "[read_file, \"list_*\"]", true },
	{ "servers.NAME.facts", "{read_file: {path: path}}", false },
	{ "servers.NAME.risk", "{send_mail: [egress]}", false },
	{ "servers.NAME.keep", "{read_file: [path]}", false },
	{ "servers.NAME.data", "{find_person: {name: personal}}", false },
	{ "servers.NAME.results", "{find_person: personal}", false },
	{ "servers.NAME.subject", "{find_person: person_id}", false },
	{ "data.classes.NAME.do", "keep", false },
	{ "data.classes.NAME.retention", "720h", false },
	{ "principals.NAME.token_sha256",
	    "\"<64 hex digits from: gatehouse token new alice>\"", false },
	{ "anonymous", "local", true },
	{ "budgets.NAME.calls", "1000", false },
	{ "budgets.NAME.bytes", "100MiB", false },
	{ "budgets.NAME.spend", "50000", false },
	{ "budgets.NAME.destinations", "20", false },
	{ "budgets.NAME.agents", "5", false },
	{ "budgets.NAME.depth", "3", false },
	{ "budgets.NAME.currency", "EUR", false },
	{ "budgets.NAME.window", "1h", false },
	{ "budgets.NAME.risk", "[egress]", false },
	{ "rules", NULL, true },
	{ "rules[].allow", NULL, true },
	{ "rules[].allow.principal", "local", true },
	{ "rules[].allow.server", "fs", true },
	{ "rules[].deny", NULL, true },
	{ "rules[].deny.server", "fs", true },
	{ "rules[].deny.method", "tools/call", true },
	{ "rules[].deny.name", "\"delete_*\"", true },
	{ "rules[].id", "no-deletes", true },
	{ "rules[].reason", "deleting needs a person", true },
	{ "policies", "[policies]", false },
	{ "inventory", "inventory.yaml", false },
};

static const struct sample *
sample_of(const struct setting *s)
{
	for (size_t i = 0; i < countof(samples); i++)
		if (strcmp(samples[i].path, s->path) == 0)
			return &samples[i];
	return NULL;
}

static bool
is_number(const struct setting *s)
{
	return s->type == C_INT || s->type == C_SIZE || s->type == C_TIME;
}

static bool
is_group(const struct setting *s)
{
	return s->type == C_SECTION || s->type == C_NAMED ||
	       s->type == C_LISTOF;
}

/* 4194304 as 4MiB, 600000 as 10m: exact, in the largest unit that is. */
static void
put_number(const struct setting *s, uint64_t v, struct buf *out)
{
	static const struct {
		enum conf_type type;
		uint64_t times;
		const char *name;
	} units[] = {
		{ C_SIZE, 1024 * 1024, "MiB" },
		{ C_SIZE, 1024, "KiB" },
		{ C_TIME, 24 * 3600 * 1000, "d" },
		{ C_TIME, 3600 * 1000, "h" },
		{ C_TIME, 60 * 1000, "m" },
		{ C_TIME, 1000, "s" },
		{ C_TIME, 1, "ms" },
	};

	for (size_t i = 0; i < countof(units); i++)
		if (units[i].type == s->type && v > 0 &&
		    v % units[i].times == 0) {
			buf_dec(out, v / units[i].times);
			buf_str(out, str_of(units[i].name));
			return;
		}
	buf_dec(out, v);
}

static void
put_range(const struct setting *s, struct buf *out)
{
	put_number(s, s->min, out);
	buf_str(out, STR(" to "));
	put_number(s, s->max, out);
	if (s->type == C_INT)
		buf_fmt(out, " %s", s->unit);
}

/* ---- the example ---- */
enum { WIDTH = 78 };

static void
put_comment(struct buf *out, size_t indent, struct str text)
{
	struct str word;
	size_t at = 0;

	while (str_split(&text, ' ', &word)) {
		if (at > 0 && at + 1 + word.n > WIDTH) {
			buf_ch(out, '\n');
			at = 0;
		}
		if (at == 0) {
			for (size_t i = 0; i < indent; i++)
				buf_ch(out, ' ');
			buf_ch(out, '#');
			at = indent + 1;
		}
		buf_ch(out, ' ');
		buf_str(out, word);
		at += 1 + word.n;
	}
	buf_ch(out, '\n');
}

static void
put_help(struct buf *out, size_t indent, const struct setting *s)
{
	struct buf text = { .max = 2048 };

	buf_str(&text, str_of(s->help));
	buf_str(&text, STR(" ("));
	if (is_number(s))
		put_range(s, &text);
	else
		buf_str(&text, str_of(s->type == C_BOOL ? "true|false"
				      : is_group(s)	? "group"
							: s->unit));
	if (s->when == WHEN_START)
		buf_str(&text, STR("; at start"));
	buf_ch(&text, ')');
	put_comment(out, indent, buf_view(&text));
	buf_done(&text);
}

/* Two spaces a level; NAME and [] are levels of their own. */
static size_t
indent_of(const struct setting *s)
{
	const struct str path = str_of(s->path);
	size_t n = 0;

	for (size_t i = 0; i < path.n; i++)
		n += path.p[i] == '.' || path.p[i] == '[' ? 2 : 0;
	return n;
}

static void
put_name(struct buf *out, const struct setting *s, size_t indent, bool live)
{
	static const struct {
		const char *path, *name;
	} names[] = { { "servers", "fs" }, { "budgets", "calls-an-hour" },
		{ "data.classes", "personal" }, { "log.witnesses", "w1" },
		{ "log.publish", "elsewhere" } };
	const char *name = "alice";

	for (size_t i = 0; i < countof(names); i++)
		if (strcmp(s->path, names[i].path) == 0)
			name = names[i].name;
	buf_fmt(out, "%s%*s%s:\n", live ? "" : "#", (int)indent, "", name);
}

static void
put_key(struct buf *out, const struct setting *s, size_t indent, bool live)
{
	const struct sample *x = sample_of(s);
	const char *value = x != NULL && x->value != NULL ? x->value : s->def;
	const bool star = value[0] == '*';

	if (!live) /* the sign takes the place of nothing: YAML ignores it */
		buf_ch(out, '#');
	for (size_t i = 0; i < indent; i++)
		buf_ch(out, ' ');
	if (s->type == C_SECTION && str_starts(str_of(s->path), STR("rules")))
		buf_fmt(out, "- %s:\n", setting_key(s));
	else if (is_group(s))
		buf_fmt(out, "%s:\n", setting_key(s));
	else
		buf_fmt(out, "%s: %s%s%s\n", setting_key(s), star ? "\"" : "",
		    value, star ? "\"" : "");
	if (s->type == C_NAMED)
		put_name(out, s, indent + 2, live);
}

void
conf_example(struct buf *out)
{
	put_comment(out, 0,
	    STR("gatehouse.yaml: every setting with its help. "
		"A key behind # shows its default, or what a "
		"value looks like; remove the # to set it. "
		"\"gatehouse check\" tells whether the file "
		"is right."));
	for (size_t i = 0; i < settings_n; i++) {
		const struct setting *s = &settings[i];
		const struct sample *x = sample_of(s);
		size_t indent = indent_of(s);

		if (setting_is_inventory(s))
			continue; /* of a file of its own */
		/* "- " is part of the level. */
		if (str_starts(str_of(s->path), STR("rules[].")) && is_group(s))
			indent -= 2;
		buf_ch(out, '\n');
		put_help(out, indent, s);
		put_key(out, s, indent, x != NULL && x->live);
	}
}

/* ---- gatehouse.yaml(5) ---- */

/* Text for mdoc: no line begins with a control character of roff. */
static void
put_roff(struct buf *out, struct str s)
{
	if (s.n > 0 && (s.p[0] == '.' || s.p[0] == '\''))
		buf_str(out, STR("\\&"));
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '\\')
			buf_str(out, STR("\\e"));
		else if (s.p[i] == '-')
			buf_str(out, STR("\\-"));
		else if (s.p[i] == '"')
			buf_str(out, STR("\\(dq"));
		else
			buf_ch(out, s.p[i]);
}

/* A sentence in lines of decent length. */
static void
put_prose(struct buf *out, struct str text)
{
	struct str word;
	size_t at = 0;

	while (str_split(&text, ' ', &word)) {
		if (at > 0)
			buf_ch(out, at > 60 ? '\n' : ' ');
		at = at > 60 ? 0 : at;
		put_roff(out, word);
		at += word.n + 1;
	}
	buf_str(out, STR(".\n"));
}

static void
put_man_row(struct buf *out, const struct setting *s)
{
	static const char *const words[C__N] = {
		[C_SECTION] = "group",
		[C_NAMED] = "group of names",
		[C_LISTOF] = "list of groups",
		[C_WORD] = "word",
		[C_BOOL] = "true or false",
		[C_INT] = "number",
		[C_SIZE] = "size",
		[C_TIME] = "time",
		[C_LIST] = "list",
		[C_PATHS] = "list of paths",
		[C_TEXTS] = "group of texts",
		[C_FACTS] = "tool, argument and kind",
		[C_RISKS] = "tool and list of groups",
		[C_ARGS] = "tool and list of arguments",
		[C_CLASSES] = "tool, argument and class",
		[C_BYTOOL] = "tool and text",
		[C_FILE] = "path",
	};
	const char *word = words[s->type] != NULL ? words[s->type] : s->unit;

	buf_str(out, STR(".It Ic "));
	put_roff(out, str_of(s->path));
	buf_str(out, STR(" Pq "));
	put_roff(out, str_of(word));
	buf_ch(out, '\n');
	put_prose(out, str_of(s->help));
	if (s->type == C_WORD || s->type == C_FACTS || s->type == C_RISKS) {
		buf_str(out, STR("One of "));
		put_roff(out, str_of(s->unit));
		buf_str(out, STR(".\n"));
	} else if (is_number(s)) {
		buf_str(out, STR("From "));
		put_range(s, out);
		buf_str(out, STR(".\n"));
	}
	if (s->def[0] != '\0') {
		buf_str(out, STR("Default: "));
		put_roff(out, str_of(s->def));
		buf_str(out, STR(".\n"));
	}
	if (s->when == WHEN_START && !is_group(s))
		buf_str(out, STR("A change needs a restart.\n"));
}

void
conf_man(struct buf *out)
{
	buf_str(out,
	    STR(".Dd November 23, 2026\n"
		".Dt GATEHOUSE.YAML 5\n"
		".Os\n"
		".Sh NAME\n"
		".Nm gatehouse.yaml\n"
		".Nd configuration of the security gateway gatehouse\n"
		".Sh DESCRIPTION\n"
		".Nm\n"
		"tells\n"
		".Xr gatehouse 1\n"
		"where agents connect, which tool servers there are, who may\n"
		"ask, and what they may do.\n"
		"It is one YAML document.\n"
		"Unknown keys, keys that are there twice, values of a wrong\n"
		"type or out of range, anchors, aliases, tags and merge keys\n"
		"are errors.\n"
		".Pp\n"
		"Sizes are written as 512, 64KiB or 4MiB; times as 500ms, "
		"60s,\n"
		"10m, 2h or 7d.\n"
		"Relative paths begin at the directory of the file.\n"
		"A\n"
		".Ar NAME\n"
		"in a key below stands for a name of your choosing, [] for an\n"
		"element of a list.\n"
		"Keys below inventory stand in the file that it names,\n"
		"without that word.\n"
		".Sh SETTINGS\n"
		".Bl -tag -width Ds\n"));
	for (size_t i = 0; i < settings_n; i++)
		put_man_row(out, &settings[i]);
	buf_str(out, STR(".El\n"
			 ".Sh FILES\n"
			 ".Bl -tag -width Ds\n"
			 ".It Pa gatehouse.yaml\n"
			 "is read from the working directory unless\n"
			 ".Fl c\n"
			 "names another file.\n"
			 ".El\n"
			 ".Sh EXAMPLES\n"
			 "The whole file with every key and its help:\n"
			 ".Pp\n"
			 ".Dl gatehouse config example > gatehouse.yaml\n"
			 ".Sh SEE ALSO\n"
			 ".Xr gatehouse 1\n"));
}
