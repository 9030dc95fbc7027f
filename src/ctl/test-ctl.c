/* test-ctl: the command line from outside: what is printed and how it ends.
 * Each case runs in a child of its own, in a directory of its own. */
#include "ctl/test-run.h"

#include <openssl/evp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/sys.h"
#include "json/json.h"

static const struct {
	const char *line;
	int status;
	const char *out, *err; /* a part of each, or NULL */
} cases[] = {
	{ "", CTL_MISUSE, "check", NULL },
	{ "help", CTL_YES, "wrap -- COMMAND", NULL },
	{ "--help", CTL_YES, "Exit status", NULL },
	{ "help check", CTL_YES, "gatehouse check [-c FILE] [--json] [FILE]",
	    NULL },
	{ "help nonsense", CTL_MISUSE, NULL, "there is no command" },
	{ "check --help", CTL_YES, "Checks a configuration", NULL },
	{ "nonsense", CTL_MISUSE, NULL, "there is no command \"nonsense\"" },
	{ "config", CTL_MISUSE, NULL, "gatehouse config example" },
	{ "config --help", CTL_YES, "gatehouse config example", NULL },
	{ "help clients", CTL_YES, "gatehouse clients unwrap", NULL },
	{ "clients -h", CTL_YES, "gatehouse clients unwrap", NULL },
	{ "chekc", CTL_MISUSE, NULL,
	    "no command \"chekc\"; did you mean \"check\"?" },
	{ "ledger tial d", CTL_MISUSE, NULL,
	    "no command \"ledger tial\"; did you mean \"ledger tail\"?" },
	{ "ledgr tail d", CTL_MISUSE, NULL, "did you mean \"ledger tail\"?" },
	{ "ledger nonsense", CTL_MISUSE, NULL,
	    "\"gatehouse help ledger\" lists all" },
	{ "rnu nowhere.yaml", CTL_MISUSE, NULL,
	    "no command \"rnu\"; did you mean \"run\"?" },
	{ "clients wrap --dryrun", CTL_MISUSE, NULL,
	    "no option \"--dryrun\"; did you mean \"--dry-run\"" },
	{ "clients status --force", CTL_MISUSE, NULL,
	    "no option \"--force\"\nuse: gatehouse clients status" },
	{ "check --jsno", CTL_MISUSE, NULL, "did you mean \"--json\"" },
	{ "check --help", CTL_YES, "--json             the answer", NULL },
	{ "--version", CTL_YES, "gatehouse " GATEHOUSE_VERSION, NULL },
	{ "version --json", CTL_YES, "\"version\":\"" GATEHOUSE_VERSION "\"",
	    NULL },
	{ "check --nonsense", CTL_MISUSE, NULL, "there is no option" },
	{ "check -c", CTL_MISUSE, NULL, "needs a value" },
	{ "check --json=1", CTL_MISUSE, NULL, "there is no option" },
	{ "check a b", CTL_MISUSE, NULL, "too many" },
	{ "check -c a b", CTL_MISUSE, NULL, "too many" },
	{ "status -c a b", CTL_MISUSE, NULL, "too many" },
	{ "check good.yaml", CTL_YES, "good.yaml: valid", NULL },
	{ "check -c good.yaml", CTL_YES, "good.yaml: valid", NULL },
	{ "check -c=good.yaml", CTL_YES, "good.yaml: valid", NULL },
	{ "check -- good.yaml", CTL_YES, "good.yaml: valid", NULL },
	{ "check bad.yaml", CTL_NO,
	    "bad.yaml:2:1: error: listn: unknown key; did you mean \"listen\"",
	    NULL },
	{ "check warned.yaml", CTL_YES, "warning: there are no rules", NULL },
	{ "check missing.yaml", CTL_FAILED, NULL, "config example" },
	{ "run missing.yaml", CTL_FAILED, NULL, "config example" },
	{ "token new", CTL_MISUSE, NULL, "missing" },
	{ "token new a/b", CTL_MISUSE, NULL, "a principal's name" },
	{ "status good.yaml", CTL_UNREACHABLE, NULL, "no gateway answers" },
	{ "status bad.yaml", CTL_NO, NULL, "unknown key" },
	{ "wrap", CTL_MISUSE, NULL, "missing" },
	{ "wrap --", CTL_MISUSE, NULL, "missing" },
	{ "wrap --nonsense -- true", CTL_MISUSE, NULL, "there is no option" },
	{ "completion tcsh", CTL_MISUSE, NULL, "bash, zsh and fish" },
	{ "completion bash", CTL_YES, "complete -o filenames", NULL },
	{ "completion zsh", CTL_YES, "#compdef gatehouse", NULL },
	{ "completion fish", CTL_YES, "complete -c gatehouse", NULL },
	{ "ledger tail nowhere", CTL_UNREACHABLE, NULL, "nowhere" },
	{ "ledger tail nowhere --format cosai-containment", CTL_MISUSE, NULL,
	    "ledger export" },
	{ "ledger grep nowhere", CTL_UNREACHABLE, NULL, "nowhere" },
	{ "ledger grep nowhere --since 2026-13-01", CTL_MISUSE, NULL,
	    "--since and --until" },
	{ "ledger query nowhere", CTL_MISUSE, NULL, "everything in one" },
	{ "ledger query nowhere agents", CTL_UNREACHABLE, NULL, "nowhere" },
	{ "ledger query nowhere tool", CTL_MISUSE, NULL, "needs a value" },
	{ "ledger index nowhere", CTL_UNREACHABLE, NULL, "nowhere" },
	{ "ledger export nowhere", CTL_MISUSE, NULL, "otlp-json" },
	{ "ledger export nowhere --format ocsf", CTL_UNREACHABLE, NULL,
	    "nowhere" },
	{ "json check nowhere", CTL_UNREACHABLE, NULL, NULL },
	{ "schema suite nowhere", CTL_UNREACHABLE, NULL, "draft2020-12" },
	{ "inspect", CTL_MISUSE, NULL, "--jsonl" },
	{ "inspect --jsonl --rules nowhere", CTL_UNREACHABLE, NULL, "--rules" },
	{ "rules test --rules nowhere", CTL_UNREACHABLE, NULL, "nowhere" },
	{ "rules bench --rules nowhere", CTL_UNREACHABLE, NULL, "nowhere" },
	{ "rules explain", CTL_MISUSE, NULL, "missing" },
	{ "schema check one.json", CTL_MISUSE, NULL, "missing" },
	{ "schema check nowhere.json nothing.json", CTL_FAILED, NULL,
	    "nowhere.json" },
};

static void
test_cases(void)
{
	struct ran r = { .status = 0 };

	for (size_t i = 0; i < countof(cases); i++) {
		run(&r, cases[i].line);
		ok(r.status == cases[i].status &&
			(cases[i].out == NULL || has(&r.out, cases[i].out)) &&
			(cases[i].err == NULL || has(&r.err, cases[i].err)) &&
			!has(&r.err, "\033"),
		    "gatehouse %s", cases[i].line);
		if (r.status != cases[i].status)
			printf("# status %d: %.*s\n", r.status,
			    STR_ARG(buf_view(&r.err)));
	}
	buf_done(&r.out);
	buf_done(&r.err);
}

/* Every command is in help, in the manual page and in each completion. */
static void
test_tables(void)
{
	static const char *const shells[] = { "completion bash",
		"completion zsh", "completion fish" };
	struct ran r = { .status = 0 };
	struct buf page = { .max = 1024 * 1024 };

	ctl_man_page(&page);
	run(&r, "help");
	for (size_t i = 0; i < ctl_cmds_n; i++) {
		char it[64];

		(void)snprintf(it, sizeof(it), ".It Cm %s", ctl_cmds[i].words);
		ok(ctl_cmds[i].hidden !=
			(has(&r.out, ctl_cmds[i].words) && has(&page, it)),
		    "%s is in help and manual unless hidden",
		    ctl_cmds[i].words);
		ok(ctl_cmds[i].help[0] >= 'A' && ctl_cmds[i].help[0] <= 'Z',
		    "%s has help", ctl_cmds[i].words);
	}
	for (size_t s = 0; s < countof(shells); s++) {
		bool all = true;

		run(&r, shells[s]);
		for (size_t i = 0; i < ctl_cmds_n; i++) {
			const char *last = strrchr(ctl_cmds[i].words, ' ');

			last = last == NULL ? ctl_cmds[i].words : last + 1;
			all = all && (ctl_cmds[i].hidden || has(&r.out, last));
		}
		ok(all, "%s knows every command", shells[s]);
	}
	buf_done(&page);
	buf_done(&r.out);
	buf_done(&r.err);
}

static void
test_json(void)
{
	struct ran r = { .status = 0 };
	struct buf tape = { .max = 1024 * 1024 };
	struct jv v;
	struct jit it;

	run(&r, "check --json bad.yaml");
	ok(r.status == CTL_NO &&
		json_parse(str_trim(str_sub(buf_view(&r.out), 0, r.out.n - 1)),
		    &json_default, &tape, NULL) == OK,
	    "check --json is one JSON value");
	v = jv_of(buf_view(&tape));
	it = jit_of(jv_get(v, STR("findings")));
	ok(jv_is(jv_get(v, STR("valid")), J_FALSE) && jit_next(&it, NULL, &v) &&
		str_eq(jv_str(jv_get(v, STR("line"))), STR("2")) &&
		str_eq(jv_str(jv_get(v, STR("level"))), STR("error")),
	    "with line and level");
	buf_done(&tape);
	buf_done(&r.out);
	buf_done(&r.err);
}

/* The printed hash is that of the printed token, and no two are alike. */
static void
test_token(void)
{
	struct ran a = { .status = 0 }, b = { .status = 0 };
	struct buf tape = { .max = 65536 }, hex = { .max = 64 };
	unsigned char d[32];
	unsigned int n = sizeof(d);
	struct jv v;
	struct str token;

	run(&a, "token new al --json");
	run(&b, "token new al --json");
	ok(a.status == CTL_YES && !str_eq(buf_view(&a.out), buf_view(&b.out)),
	    "tokens differ");
	ok(json_parse(str_sub(buf_view(&a.out), 0, a.out.n - 1), &json_default,
	       &tape, NULL) == OK,
	    "token new --json is JSON");
	v = jv_of(buf_view(&tape));
	token = jv_str(jv_get(v, STR("token")));
	ok(token.n == 67 &&
		EVP_Digest(token.p, token.n, d, &n, EVP_sha256(), NULL) == 1,
	    "the token has 256 bits");
	buf_hex(&hex, (struct str){ (char *)d, sizeof(d) });
	ok(str_eq(jv_str(jv_get(v, STR("token_sha256"))), buf_view(&hex)),
	    "the hash is the token's");
	run(&a, "token new al");
	ok(has(&a.out, "al: { token_sha256: \""), "and the line is printed");
	buf_done(&tape);
	buf_done(&hex);
	buf_done(&a.out);
	buf_done(&a.err);
	buf_done(&b.out);
	buf_done(&b.err);
}

/* A gateway's control socket, for one question. */
static pid_t
answer_once(const char *path, const char *word, const char *line)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t pid;

	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	(void)unlink(path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    listen(fd, 1) < 0)
		return -1;
	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		char got[64] = "";
		int c;

		(void)alarm(20);
		c = accept(fd, NULL, NULL);
		if (c < 0 || read(c, got, sizeof(got) - 1) <= 0 ||
		    strncmp(got, word, strlen(word)) != 0 ||
		    strcmp(got + strlen(word), "\n") != 0)
			_exit(1);
		_exit(write(c, line, strlen(line)) != (ssize_t)strlen(line));
	}
	(void)close(fd);
	return pid;
}

static void
test_control(void)
{
	static const struct {
		const char *answer, *line;
		int status;
		const char *out;
	} t[] = {
		{ "{\"serving\":true,\"roles\":[{\"role\":\"front\",\"n\":0},"
		  "{\"role\":\"keys\"}]}\n",
		    "status --control c.sock", CTL_YES,
		    "serving: true\nroles: role front, n 0\n"
		    "roles: role keys\n" },
		{ "{\"serving\":true}\n", "status --json --control c.sock",
		    CTL_YES, "{\"serving\":true}\n" },
		{ "{\"error\":\"no\"}\n", "status --control=c.sock", CTL_NO,
		    "error: no\n" },
		{ "{\"answer\":\"reloaded\"}\n", "reload --control c.sock",
		    CTL_YES, "answer: reloaded\n" },
		{ "{\"answer\":\"listn: unknown key\"}\n",
		    "reload --control c.sock", CTL_NO, "unknown key" },
		{ "{\"answer\":\"stopping\"}\n", "stop --control c.sock",
		    CTL_YES, "answer: stopping\n" },
		{ "{\"a\":\"\\u001b[31m\"}\n", "status --control c.sock",
		    CTL_YES, "a: ?[31m\n" },
		{ "nonsense\n", "status --control c.sock", CTL_FAILED, NULL },
		{ "{\"ok\":tr", "status --control c.sock", CTL_UNREACHABLE,
		    NULL },
	};
	struct ran r = { .status = 0 };

	for (size_t i = 0; i < countof(t); i++) {
		const size_t n = strcspn(t[i].line, " ");
		char word[16] = "";
		pid_t pid;
		int status = -1;

		memcpy(word, t[i].line, n);
		pid = answer_once("c.sock", word, t[i].answer);

		run(&r, t[i].line);
		(void)waitpid(pid, &status, 0);
		ok(status == 0 && r.status == t[i].status &&
			(t[i].out == NULL || has(&r.out, t[i].out)),
		    "an answer: %.*s", (int)strcspn(t[i].answer, "\n"),
		    t[i].answer);
	}
	buf_done(&r.out);
	buf_done(&r.err);
}

/* What the repository holds is what the program prints. */
static void
test_generated(void)
{
	static const char *const pages[] = { "gatehouse.1",
		"gatehouse.yaml.5" };
	struct ran r = { .status = 0 };
	struct buf a = { .max = 1 }, b = { .max = 1 };
	char path[4200];

	run(&r, "man pages");
	for (size_t i = 0; i < countof(pages); i++) {
		(void)snprintf(path, sizeof(path), "%s/man/%s", repo, pages[i]);
		slurp(path, &a);
		(void)snprintf(path, sizeof(path), "pages/%s", pages[i]);
		slurp(path, &b);
		ok(r.status == CTL_YES && a.n > 0 &&
			str_eq(buf_view(&a), buf_view(&b)),
		    "man/%s is what \"gatehouse man\" writes", pages[i]);
	}
	run(&r, "config example");
	(void)snprintf(path, sizeof(path), "%s/gatehouse.yaml", repo);
	slurp(path, &a);
	ok(str_eq(buf_view(&a), buf_view(&r.out)),
	    "gatehouse.yaml is what \"gatehouse config example\" prints");
	buf_done(&a);
	buf_done(&b);
	buf_done(&r.out);
	buf_done(&r.err);
}

int
main(void)
{
	if (!begin())
		return 1;
	put_file("good.yaml", "servers: {fs: {command: [/usr/bin/true]}}\n"
			      "anonymous: local\nrules: [{allow: {}}]\n");
	put_file("bad.yaml",
	    "servers: {fs: {command: [/usr/bin/true]}}\nlistn: x\n");
	put_file("warned.yaml",
	    "servers: {fs: {command: [/usr/bin/true]}}\nanonymous: local\n");
	test_cases();
	test_tables();
	test_json();
	test_token();
	test_control();
	test_generated();
	return end();
}
