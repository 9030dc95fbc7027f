/* ctl-docs: manual pages and completion, from the table of commands. */
#include "ctl/ctl.h"

#include <errno.h>
#include <sys/stat.h>

#include "conf/conf.h"
#include "sys/sys.h"

/* ---- gatehouse(1) ---- */

/* Text for roff: newlines begin sentences, so a line never begins with a
 * control character; quotes and hyphens are themselves. */
static void
put_roff(struct buf *b, struct str s)
{
	char last = '\n';

	for (size_t i = 0; i < s.n; i++) {
		if (last == '\n' && (s.p[i] == '.' || s.p[i] == '\''))
			buf_str(b, STR("\\&"));
		if (s.p[i] == '\\')
			buf_str(b, STR("\\e"));
		else if (s.p[i] == '-')
			buf_str(b, STR("\\-"));
		else if (s.p[i] == '"')
			buf_str(b, STR("\\(dq"));
		else if (s.p[i] == '~')
			buf_str(b, STR("\\(ti"));
		else
			buf_ch(b, s.p[i]);
		last = s.p[i];
	}
}

/* A new sentence on a new line, as mdoc wants it, and no line too long. */
static void
put_sentences(struct buf *b, const char *text)
{
	struct str rest = str_of(text), word;
	size_t at = 0;

	while (str_split(&rest, ' ', &word)) {
		if (at > 0)
			buf_ch(b, at + word.n > 70 ? '\n' : ' ');
		at = at + word.n > 70 ? 0 : at;
		put_roff(b, word);
		at += word.n + 1;
		if (str_ends(word, STR("."))) {
			buf_ch(b, '\n');
			at = 0;
		}
	}
	if (at > 0)
		buf_ch(b, '\n');
}

static void
put_options(struct buf *b, const struct ctl_cmd *cmd)
{
	if (cmd->opts == NULL)
		return;
	buf_str(b, STR(".Bl -tag -width Ds\n"));
	for (const struct ctl_opt *o = cmd->opts; o->name != NULL; o++) {
		buf_str(b, STR(".It Fl "));
		put_roff(b, str_of(o->name + 1));
		if (o->arg != NULL)
			buf_fmt(b, " Ar %s", o->arg);
		buf_ch(b, '\n');
		put_roff(b, str_of(o->help));
		buf_str(b, STR(".\n"));
	}
	buf_str(b, STR(".El\n"));
}

static void
put_command(struct buf *b, const struct ctl_cmd *cmd)
{
	buf_fmt(b, ".It Cm %s", cmd->words);
	if (cmd->json)
		buf_str(b, STR(" Oo Fl \\-json Oc"));
	if (cmd->args[0] != '\0') {
		buf_str(b, STR(" Ar "));
		put_roff(b, str_of(cmd->args));
	}
	buf_ch(b, '\n');
	put_roff(b, str_of(cmd->help));
	buf_str(b, STR(".\n"));
	if (cmd->more != NULL)
		put_sentences(b, cmd->more);
	put_options(b, cmd);
}

static const char man_head[] =
    ".Dd November 23, 2026\n"
    ".Dt GATEHOUSE 1\n"
    ".Os\n"
    ".Sh NAME\n"
    ".Nm gatehouse\n"
    ".Nd security gateway for AI agents and their tool servers\n"
    ".Sh SYNOPSIS\n"
    ".Nm\n"
    ".Ar command\n"
    ".Op Ar argument ...\n"
    ".Sh DESCRIPTION\n"
    ".Nm\n"
    "stands between agents and the MCP tool servers they use.\n"
    "It lets through what its rules allow and writes every\n"
    "decision to a tamper\\-evident ledger before it acts.\n"
    "The configuration is described in\n"
    ".Xr gatehouse.yaml 5 .\n"
    ".Pp\n"
    "The commands are:\n"
    ".Bl -tag -width Ds\n";
static const char man_tail[] =
    ".El\n"
    ".Pp\n"
    "With\n"
    ".Fl \\-json\n"
    "the output is JSON.\n"
    ".Sh ENVIRONMENT\n"
    ".Bl -tag -width Ds\n"
    ".It Ev NO_COLOR\n"
    "No colours, whatever its value.\n"
    ".It Ev XDG_STATE_HOME\n"
    "Where\n"
    ".Cm wrap\n"
    "and\n"
    ".Cm clients\n"
    "keep what outlives them;\n"
    ".Pa \\(ti/.local/state\n"
    "when unset.\n"
    ".El\n"
    ".Sh FILES\n"
    ".Bl -tag -width Ds\n"
    ".It Pa gatehouse.yaml\n"
    "The configuration, in the current directory unless told otherwise.\n"
    ".It Pa state/ledger\n"
    "The ledger, below the directory of the setting\n"
    ".Ic state .\n"
    ".It Pa state/control.sock\n"
    "Where\n"
    ".Cm status ,\n"
    ".Cm reload\n"
    "and\n"
    ".Cm stop\n"
    "reach the running gateway.\n"
    ".It Pa \\(ti/.local/state/gatehouse\n"
    "Ledgers of\n"
    ".Cm wrap\n"
    "and what\n"
    ".Cm clients\n"
    "needs to undo itself.\n"
    ".El\n"
    ".Sh SIGNALS\n"
    ".Bl -tag -width Ds -compact\n"
    ".It Dv SIGHUP\n"
    "reads the configuration again; a bad one changes nothing\n"
    ".It Dv SIGTERM , SIGINT\n"
    "finishes what runs, then stops; a second one stops at once\n"
    ".El\n"
    ".Sh EXIT STATUS\n"
    ".Bl -tag -width Ds -compact\n"
    ".It 0\nyes, done, valid\n"
    ".It 1\nno, invalid, refused\n"
    ".It 2\nthe command line is wrong\n"
    ".It 3\nthe gateway cannot be reached\n"
    ".It 4\na file or the system failed\n"
    ".El\n"
    ".Sh EXAMPLES\n"
    "A configuration to begin with, checked and run:\n"
    ".Bd -literal -offset indent\n"
    "gatehouse config example > gatehouse.yaml\n"
    "gatehouse check\n"
    "gatehouse run\n"
    ".Ed\n"
    ".Pp\n"
    "One tool server, without a configuration:\n"
    ".Pp\n"
    ".Dl gatehouse wrap \\-\\- npx \\-y some\\-mcp\\-server\n"
    ".Sh SEE ALSO\n"
    ".Xr gatehouse.yaml 5\n";

void
ctl_man_page(struct buf *b)
{
	buf_str(b, STR(man_head));
	for (size_t i = 0; i < ctl_cmds_n; i++)
		if (!ctl_cmds[i].hidden)
			put_command(b, &ctl_cmds[i]);
	buf_str(b, STR(man_tail));
}

static int
write_page(struct ctl *c, const char *dir, const char *file, struct buf *b)
{
	struct note why;
	char path[4096];
	int status = CTL_YES;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, file);
	if (buf_end(b) != OK ||
	    file_replace(path, buf_view(b), 0644, &why) != OK)
		status = ctl_say(c, CTL_FAILED, "%s", why.text);
	buf_done(b);
	if (status == CTL_YES)
		printf("%s\n", path);
	return status;
}

int
ctl_man(struct ctl *c)
{
	const char *dir = c->argc > 0 ? c->arg[0] : "man";
	struct buf one = { .max = 1024 * 1024 }, five = { .max = 1024 * 1024 };
	int status;

	if (mkdir(dir, 0755) < 0 && errno != EEXIST)
		return ctl_say(c, CTL_FAILED, "%s: %s", dir, strerror(errno));
	ctl_man_page(&one);
	conf_man(&five);
	status = write_page(c, dir, "gatehouse.1", &one);
	if (status == CTL_YES)
		status = write_page(c, dir, "gatehouse.yaml.5", &five);
	buf_done(&five);
	return status;
}

/* ---- completion ---- */

/* The words that may follow "first" ("" for the first word itself). */
static void
put_words(struct buf *b, struct str first)
{
	struct str before = STR("");

	for (size_t i = 0; i < ctl_cmds_n; i++) {
		struct str rest = str_of(ctl_cmds[i].words), word;

		if (ctl_cmds[i].hidden)
			continue;
		(void)str_split(&rest, ' ', &word);
		if (first.n > 0 && !str_eq(first, word))
			continue;
		if (first.n > 0)
			word = rest;
		if (word.n == 0 || str_eq(word, before))
			continue;
		buf_fmt(b, "%s%.*s", before.n == 0 ? "" : " ", STR_ARG(word));
		before = word;
	}
}

static void
put_flags(struct buf *b, const struct ctl_cmd *cmd)
{
	for (const struct ctl_opt *o = cmd->opts; o != NULL && o->name != NULL;
	     o++)
		buf_fmt(b, " %s", o->name);
	if (cmd->json)
		buf_str(b, STR(" --json"));
	if (strcmp(cmd->words, "completion") == 0)
		buf_str(b, STR(" bash zsh fish"));
}

/* One case for each command: "run", "clients wrap", ... */
static void
put_cases(struct buf *b)
{
	struct str before = STR("");

	for (size_t i = 0; i < ctl_cmds_n; i++) {
		if (ctl_cmds[i].hidden)
			continue;
		buf_fmt(b, "\t\"%s\") list=\" ", ctl_cmds[i].words);
		put_flags(b, &ctl_cmds[i]);
		buf_str(b, STR("\" ;;\n"));
	}
	for (size_t i = 0; i < ctl_cmds_n; i++) {
		struct str rest = str_of(ctl_cmds[i].words), first;

		(void)str_split(&rest, ' ', &first);
		if (rest.n == 0 || ctl_cmds[i].hidden || str_eq(first, before))
			continue;
		before = first;
		buf_fmt(b, "\t\"%.*s\") list=\"", STR_ARG(first));
		put_words(b, first);
		buf_str(b, STR("\" ;;\n"));
	}
}

static void
complete_bash(struct buf *b)
{
	buf_str(b, STR("# bash completion of gatehouse\n"
		       "_gatehouse() {\n"
		       "\tlocal cur=${COMP_WORDS[COMP_CWORD]} list= hide= at\n"
		       "\t[[ $cur == -* ]] || hide='-*'\n"
		       "\tlocal two=\"${COMP_WORDS[1]} ${COMP_WORDS[2]}\"\n"
		       "\tif [ \"$COMP_CWORD\" -le 1 ]; then\n"
		       "\t\tCOMPREPLY=($(compgen -W \""));
	put_words(b, STR(""));
	buf_str(b, STR("\" -- \"$cur\"))\n"
		       "\t\treturn\n"
		       "\tfi\n"
		       "\t[ \"$COMP_CWORD\" -gt 2 ] || two=\n"
		       "\tfor at in \"$two\" \"${COMP_WORDS[1]}\"; do\n"
		       "\tcase $at in\n"));
	put_cases(b);
	buf_str(b, STR("\tesac\n"
		       "\t[ -z \"$list\" ] || break\n"
		       "\tdone\n"
		       "\tCOMPREPLY=($(compgen -W \"$list\" -X "
		       "\"$hide\" -- \"$cur\"))\n"
		       "\t[ \"${#COMPREPLY[@]}\" -gt 0 ] || "
		       "COMPREPLY=($(compgen -f -- \"$cur\"))\n"
		       "}\n"
		       "complete -o filenames -F _gatehouse gatehouse\n"));
}

static void
complete_zsh(struct buf *b)
{
	buf_str(b, STR("#compdef gatehouse\n"
		       "_gatehouse() {\n"
		       "\tlocal at list=\"\"\n"
		       "\tif (( CURRENT == 2 )); then\n"
		       "\t\tcompadd -- "));
	put_words(b, STR(""));
	buf_str(b, STR("\n\t\treturn\n"
		       "\tfi\n"
		       "\tfor at in \"$words[2] $words[3]\" \"$words[2]\"; do\n"
		       "\t(( CURRENT > 3 )) || at=$words[2]\n"
		       "\tcase $at in\n"));
	put_cases(b);
	buf_str(b, STR("\tesac\n"
		       "\t[[ -z $list ]] || break\n"
		       "\tdone\n"
		       "\tcompadd -- ${=list}\n"
		       "\t_files\n"
		       "}\n"
		       "compdef _gatehouse gatehouse\n"));
}

static void
put_fish_quoted(struct buf *b, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\'' || *text == '\\')
			buf_ch(b, '\\');
		buf_ch(b, *text);
	}
}

static void
put_fish_flag(struct buf *b, struct str word, const struct ctl_opt *o)
{
	const bool one = o->name[1] != '-';

	buf_fmt(b,
	    "complete -c gatehouse -n "
	    "'__fish_seen_subcommand_from %.*s' -%c %s%s -d '",
	    STR_ARG(word), one ? 's' : 'l', o->name + (one ? 1 : 2),
	    o->arg == NULL ? "" : " -r");
	put_fish_quoted(b, o->help);
	buf_str(b, STR("'\n"));
}

static void
complete_fish(struct buf *b)
{
	static const struct ctl_opt json = { "--json", NULL, "JSON" };

	buf_str(b, STR("# fish completion of gatehouse\n"));
	for (size_t i = 0; i < ctl_cmds_n; i++) {
		const struct ctl_cmd *cmd = &ctl_cmds[i];
		struct str rest = str_of(cmd->words), first;

		if (cmd->hidden)
			continue;
		(void)str_split(&rest, ' ', &first);
		if (rest.n == 0)
			buf_fmt(b,
			    "complete -c gatehouse -n __fish_use_"
			    "subcommand -a %.*s -d '",
			    STR_ARG(first));
		else
			buf_fmt(b,
			    "complete -c gatehouse -n __fish_use_subcommand "
			    "-f -a %.*s\ncomplete -c gatehouse -n "
			    "'__fish_seen_subcommand_from %.*s' -f -a %.*s "
			    "-d '",
			    STR_ARG(first), STR_ARG(first), STR_ARG(rest));
		put_fish_quoted(b, cmd->help);
		buf_str(b, STR("'\n"));
		if (rest.n == 0)
			rest = first;
		for (const struct ctl_opt *o = cmd->opts;
		     o != NULL && o->name != NULL; o++)
			put_fish_flag(b, rest, o);
		if (cmd->json)
			put_fish_flag(b, rest, &json);
	}
}

int
ctl_completion(struct ctl *c)
{
	static const struct {
		const char *shell;
		void (*put)(struct buf *b);
	} shells[] = {
		{ "bash", complete_bash },
		{ "zsh", complete_zsh },
		{ "fish", complete_fish },
	};
	struct buf b = { .max = 1024 * 1024 };

	for (size_t i = 0; i < countof(shells); i++)
		if (strcmp(shells[i].shell, c->arg[0]) == 0) {
			shells[i].put(&b);
			return ctl_put(&b);
		}
	return ctl_say(c, CTL_MISUSE,
	    "no completion for \"%s\"; there are "
	    "bash, zsh and fish",
	    c->arg[0]);
}
