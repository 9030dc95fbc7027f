/* test-run: the program run in a child, in a directory of its own. */
#ifndef TEST_RUN_H
#define TEST_RUN_H

#include "ctl/ctl.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/tap.h"
#include "sys/sys.h"

static char dir[] = "/tmp/gatehouse-ctl-XXXXXX";
static char repo[4096];	 /* where the tests run */
static char program[64]; /* what to execute; "": ctl_main */

struct ran {
	int status;
	struct buf out, err;
};

static UNUSED void
slurp(const char *path, struct buf *out)
{
	struct note why;

	buf_clear(out);
	out->max = 1024 * 1024;
	if (file_read(path, out->max, out, &why) != OK)
		printf("# %s\n", why.text);
}

/* line is split at spaces: no case needs a space in an argument. */
static UNUSED void
run(struct ran *r, const char *line)
{
	char text[512], *argv[32] = { 0 };
	int argc = 0, status = 0;
	pid_t pid;

	(void)snprintf(text, sizeof(text), "gatehouse %s", line);
	for (char *p = text; *p != '\0' && argc < 31; argc++) {
		argv[argc] = p;
		p += strcspn(p, " ");
		if (*p == ' ')
			*p++ = '\0';
	}
	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		const int out = open("out", O_WRONLY | O_CREAT | O_TRUNC, 0600);
		const int err = open("err", O_WRONLY | O_CREAT | O_TRUNC, 0600);

		if (dup2(out, 1) < 0 || dup2(err, 2) < 0)
			_exit(99);
		if (program[0] != '\0')
			(void)execv(program, argv);
		exit(ctl_main(argc, argv));
	}
	(void)waitpid(pid, &status, 0);
	r->status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	slurp("out", &r->out);
	slurp("err", &r->err);
}

static UNUSED bool
has(const struct buf *b, const char *what)
{
	return str_search(buf_view(b), str_of(what)) < b->n;
}

static UNUSED void
put_file(const char *path, const char *text)
{
	struct note why;

	if (file_replace(path, str_of(text), 0600, &why) != OK)
		printf("# %s\n", why.text);
}

static int
gone(const char *path, const struct stat *st, int kind, struct FTW *f)
{
	(void)st, (void)kind, (void)f;
	return remove(path);
}

static bool
begin(void)
{
	return getcwd(repo, sizeof(repo)) != NULL && mkdtemp(dir) != NULL &&
	       chdir(dir) == 0;
}

static int
end(void)
{
	(void)nftw(dir, gone, 16, FTW_DEPTH | FTW_PHYS);
	return tap_done();
}

#endif
