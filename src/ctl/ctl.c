/*
 * ctl: finds the command, reads its options, runs it.  The rows are in
 * commands.c; this file knows none of them.
 */
#include "ctl/ctl.h"

#include <limits.h>
#include <stdarg.h>
#include <unistd.h>

/* ---- saying things ---- */
int
ctl_say(const struct ctl *c, int status, const char *fmt, ...)
{
	const bool red = c != NULL && c->colour && status != CTL_YES;
	va_list ap;

	(void)fflush(stdout);
	(void)fputs(red ? "\033[31mgatehouse:\033[0m " : "gatehouse: ", stderr);
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
	return status;
}

int
ctl_put(struct buf *b)
{
	const bool cut = buf_end(b) != OK;
	const size_t n = b->n;
	const bool written = n == 0 || fwrite(b->p, 1, n, stdout) == n;

	buf_done(b);
	if (cut || !written || fflush(stdout) != 0)
		return ctl_say(NULL, CTL_FAILED, "cannot write the output");
	return CTL_YES;
}

bool
ctl_absolute(const char *path, char out[static 4096])
{
	char real[PATH_MAX];

	if (realpath(path, real) == NULL || strlen(real) >= 4096)
		return false;
	(void)snprintf(out, 4096, "%s", real);
	return true;
}

const char *
ctl_option(const struct ctl *c, const char *name)
{
	for (size_t i = 0; i < CTL_OPTS_MAX && c->cmd->opts != NULL &&
			   c->cmd->opts[i].name != NULL;
	     i++)
		if (strcmp(c->cmd->opts[i].name, name) == 0)
			return c->opt[i];
	return NULL;
}

/* ---- help ---- */
static void
put_usage(struct buf *b, const struct ctl_cmd *cmd)
{
	buf_fmt(b, "gatehouse %s", cmd->words);
	for (const struct ctl_opt *o = cmd->opts; o != NULL && o->name != NULL;
	     o++)
		buf_fmt(b, " [%s%s%s]", o->name, o->arg == NULL ? "" : " ",
		    o->arg == NULL ? "" : o->arg);
	if (cmd->json)
		buf_str(b, STR(" [--json]"));
	if (cmd->args[0] != '\0')
		buf_fmt(b, " %s", cmd->args);
	buf_ch(b, '\n');
}

/* Words in lines of at most 78. */
static void
put_prose(struct buf *b, const char *text)
{
	struct str rest = str_of(text), word;
	size_t at = 0;

	while (str_split(&rest, ' ', &word)) {
		if (at > 0 && at + 1 + word.n > 78) {
			buf_ch(b, '\n');
			at = 0;
		}
		if (at > 0)
			buf_ch(b, ' ');
		buf_str(b, word);
		at += word.n + 1;
	}
	buf_ch(b, '\n');
}

static int
help_one(const struct ctl_cmd *cmd)
{
	struct buf b = { .max = 65536 };

	put_usage(&b, cmd);
	buf_fmt(&b, "\n%s.\n", cmd->help);
	if (cmd->more != NULL) {
		buf_ch(&b, '\n');
		put_prose(&b, cmd->more);
	}
	buf_ch(&b, '\n');
	for (const struct ctl_opt *o = cmd->opts; o != NULL && o->name != NULL;
	     o++) {
		char left[64];

		(void)snprintf(left, sizeof(left), "%s %s", o->name,
		    o->arg == NULL ? "" : o->arg);
		buf_fmt(&b, "  %-18s %s\n", left, o->help);
	}
	if (cmd->json)
		buf_fmt(&b, "  %-18s %s\n", "--json",
		    "the answer as JSON on stdout");
	buf_fmt(&b, "  %-18s %s\n", "-h, --help", "this");
	return ctl_put(&b);
}

static void
put_commands(struct buf *b)
{
	for (size_t i = 0; i < ctl_cmds_n; i++) {
		const struct ctl_cmd *cmd = &ctl_cmds[i];
		char left[80];

		if (cmd->hidden)
			continue;
		(void)snprintf(
		    left, sizeof(left), "%s %s", cmd->words, cmd->args);
		buf_fmt(b, "  %-28s %s\n", left, cmd->help);
	}
}

static int
help_all(void)
{
	struct buf b = { .max = 65536 };

	buf_str(&b, STR("gatehouse: a security gateway for AI agents and their "
			"MCP tool servers\n\nUse: gatehouse COMMAND "
			"[ARGUMENTS]\n\n"));
	put_commands(&b);
	buf_str(&b, STR("\n\"gatehouse help COMMAND\" tells more. Exit status: "
			"0 yes, 1 no or invalid, 2 misuse,\n3 unreachable, 4 "
			"failure.\n"));
	return ctl_put(&b);
}

static int
version(bool json)
{
	struct buf b = { .max = 256 };

	buf_fmt(&b,
	    json ? "{\"name\":\"gatehouse\",\"version\":\"%s\"}\n"
		 : "gatehouse %s\n",
	    GATEHOUSE_VERSION);
	return ctl_put(&b);
}

/* ---- finding the command ---- */

/* How many of argv the words of cmd cover; 0: it is another command. */
static int
covers(const struct ctl_cmd *cmd, int argc, char *const *argv)
{
	struct str rest = str_of(cmd->words), word;
	int n = 0;

	while (str_split(&rest, ' ', &word)) {
		if (n >= argc || !str_eq(str_of(argv[n]), word))
			return 0;
		n++;
	}
	return n;
}

static const struct ctl_cmd *
find(int argc, char *const *argv, int *used)
{
	const struct ctl_cmd *best = NULL;

	*used = 0;
	for (size_t i = 0; i < ctl_cmds_n; i++) {
		const int n = covers(&ctl_cmds[i], argc, argv);

		if (n > *used) {
			*used = n;
			best = &ctl_cmds[i];
		}
	}
	return best;
}

/* Is it the first word of commands of two, as "clients" is? */
static bool
is_group(const char *word)
{
	for (size_t i = 0; i < ctl_cmds_n; i++) {
		struct str rest = str_of(ctl_cmds[i].words), first;

		(void)str_split(&rest, ' ', &first);
		if (!ctl_cmds[i].hidden && rest.n > 0 &&
		    str_eq(first, str_of(word)))
			return true;
	}
	return false;
}

static void
put_group(struct buf *b, const char *word)
{
	for (size_t i = 0; i < ctl_cmds_n; i++) {
		struct str words = str_of(ctl_cmds[i].words), first;

		(void)str_split(&words, ' ', &first);
		if (!ctl_cmds[i].hidden && str_eq(first, str_of(word)))
			put_usage(b, &ctl_cmds[i]);
	}
}

static int
help_group(const char *word)
{
	struct buf b = { .max = 65536 };

	put_group(&b, word);
	buf_fmt(&b, "\n\"gatehouse help %s WORD\" tells more.\n", word);
	return ctl_put(&b);
}

/* The command whose words are nearest to the ones given; NULL: none is. */
static const char *
near_command(const char *given)
{
	const char *best = NULL;
	unsigned least = 3; /* edits; more would be a guess */

	for (size_t i = 0; i < ctl_cmds_n; i++) {
		const unsigned d =
		    str_distance(str_of(ctl_cmds[i].words), str_of(given));

		if (!ctl_cmds[i].hidden && d < least && d < strlen(given)) {
			least = d;
			best = ctl_cmds[i].words;
		}
	}
	return best;
}

/* No command has these words: what was meant? */
static int
unknown(const struct ctl *c, int argc, char *const *argv)
{
	const bool group = is_group(argv[0]);
	char given[80];
	const char *near;
	struct buf b = { .max = 65536 };

	if (group && argc == 1) {
		put_group(&b, argv[0]);
		b.n--;
		(void)ctl_say(c, CTL_MISUSE, "%s needs one word more:\n%.*s",
		    argv[0], STR_ARG(buf_view(&b)));
		buf_done(&b);
		return CTL_MISUSE;
	}
	(void)snprintf(given, sizeof(given), "%.39s%s%.39s", argv[0],
	    argc > 1 ? " " : "", argc > 1 ? argv[1] : "");
	near = near_command(given);
	if (near == NULL && !group) {
		given[strcspn(given, " ")] = '\0';
		near = near_command(given);
	}
	if (near != NULL)
		return ctl_say(c, CTL_MISUSE,
		    "there is no command \"%s\"; did you mean \"%s\"?", given,
		    near);
	return ctl_say(c, CTL_MISUSE,
	    "there is no command \"%s\"; \"gatehouse help%s%s\" lists all",
	    given, group ? " " : "", group ? argv[0] : "");
}

/* ---- options ---- */
static int
misuse(const struct ctl *c, const char *what, const char *which)
{
	struct buf b = { .max = 4096 };

	put_usage(&b, c->cmd);
	b.n--; /* ctl_say ends the line */
	(void)ctl_say(c, CTL_MISUSE, "%s%s%s%s\nuse: %.*s", what,
	    which == NULL ? "" : " \"", which == NULL ? "" : which,
	    which == NULL ? "" : "\"", STR_ARG(buf_view(&b)));
	buf_done(&b);
	return CTL_MISUSE;
}

static int
no_option(const struct ctl *c, struct str name)
{
	const char *best = NULL;
	unsigned least = 3;
	char what[96];

	for (const struct ctl_opt *o = c->cmd->opts;
	     o != NULL && o->name != NULL; o++) {
		const unsigned d = str_distance(str_of(o->name), name);

		if (d < least && o->name[1] == '-') {
			least = d;
			best = o->name;
		}
	}
	if (c->cmd->json && str_distance(STR("--json"), name) < least)
		best = "--json";
	(void)snprintf(what, sizeof(what), "there is no option \"%.30s\"%s",
	    name.p, best == NULL ? "" : "; did you mean");
	return misuse(c, what, best);
}

/* argv[*i] is an option; takes its value too. */
static int
take_option(struct ctl *c, int argc, char **argv, int *i)
{
	const struct str name = str_of(argv[*i]);
	const size_t eq = str_find(name, '=');

	if (c->cmd->json && strcmp(argv[*i], "--json") == 0) {
		c->json = true;
		return CTL_YES;
	}
	for (size_t k = 0; c->cmd->opts != NULL && k < CTL_OPTS_MAX &&
			   c->cmd->opts[k].name != NULL;
	     k++) {
		const struct ctl_opt *o = &c->cmd->opts[k];

		if (!str_eq(str_of(o->name), str_sub(name, 0, eq)))
			continue;
		if (o->arg == NULL && eq < name.n)
			return misuse(
			    c, "this option takes no value:", argv[*i]);
		if (o->arg == NULL)
			c->opt[k] = "";
		else if (eq < name.n)
			c->opt[k] = argv[*i] + eq + 1;
		else if (*i + 1 < argc)
			c->opt[k] = argv[++*i];
		else
			return misuse(c, "this option needs a value:", o->name);
		return CTL_YES;
	}
	return no_option(c, name);
}

/* Options first or last; what is left moves to the front of argv. */
static int
parse(struct ctl *c, int argc, char **argv)
{
	int kept = 0, i = 0;

	for (; i < argc; i++) {
		int status;

		if (strcmp(argv[i], "--") == 0) {
			i++;
			break;
		}
		if (argv[i][0] != '-' || argv[i][1] == '\0') {
			if (c->cmd->raw)
				break;
			argv[kept++] = argv[i];
			continue;
		}
		status = take_option(c, argc, argv, &i);
		if (status != CTL_YES)
			return status;
	}
	while (i < argc)
		argv[kept++] = argv[i++];
	argv[kept] = NULL; /* argv[argc] was NULL already */
	c->arg = argv;
	c->argc = kept;
	if ((unsigned)kept < c->cmd->least)
		return misuse(c, "an argument is missing:", c->cmd->args);
	if ((unsigned)kept > c->cmd->most)
		return misuse(c, "one argument too many:", argv[c->cmd->most]);
	/* FILE is the configuration: -c names it a second time. */
	if (kept > 0 && strcmp(c->cmd->args, "[FILE]") == 0 &&
	    ctl_option(c, "-c") != NULL)
		return misuse(c, "one argument too many:", argv[0]);
	return CTL_YES;
}

static bool
wants_help(int argc, char *const *argv, bool raw)
{
	for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (raw && argv[i][0] != '-')
			return false;
		if (strcmp(argv[i], "--help") == 0 ||
		    strcmp(argv[i], "-h") == 0)
			return true;
	}
	return false;
}

static int
help(const struct ctl *c, int argc, char *const *argv)
{
	int used;
	const struct ctl_cmd *cmd = find(argc, argv, &used);

	if (argc == 0)
		return help_all();
	if (cmd == NULL && argc == 1 && is_group(argv[0]))
		return help_group(argv[0]);
	return cmd == NULL ? unknown(c, argc, argv) : help_one(cmd);
}

int
ctl_main(int argc, char **argv)
{
	struct ctl c = { .colour = isatty(STDERR_FILENO) == 1 &&
				   getenv("NO_COLOR") == NULL };
	int used, status;

	argc--, argv++;
	if (argc <= 0) {
		(void)help_all();
		return CTL_MISUSE;
	}
	if (strcmp(argv[0], "help") == 0)
		return help(&c, argc - 1, argv + 1);
	if (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0)
		return help_all();
	if (strcmp(argv[0], "--version") == 0 ||
	    strcmp(argv[0], "version") == 0)
		return version(argc > 1 && strcmp(argv[1], "--json") == 0);
	c.cmd = find(argc, argv, &used);
	if (c.cmd == NULL && is_group(argv[0]) &&
	    wants_help(argc - 1, argv + 1, false))
		return help_group(argv[0]);
	if (c.cmd == NULL)
		return unknown(&c, argc, argv);
	if (wants_help(argc - used, argv + used, c.cmd->raw))
		return help_one(c.cmd);
	status = parse(&c, argc - used, argv + used);
	return status == CTL_YES ? c.cmd->run(&c) : status;
}
