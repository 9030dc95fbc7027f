/* ctl-run: "run" and "wrap": becoming the parent of all roles. */
#include "ctl/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/conf.h"
#include "ctl/ctl-conf.h"
#include "role/role.h"
#include "sys/sys.h"

extern char **environ;

/* Role load reads the file, confined; this process, which becomes the parent,
 * never does. */
int
ctl_run(struct ctl *c)
{
	const char *path = ctl_config_path(c);
	char real[4096];

	if (!ctl_absolute(path, real))
		return ctl_say(c, CTL_FAILED,
		    "%s: %s; \"gatehouse config example\" prints one to begin "
		    "with",
		    path, strerror(errno));
	return parent_main((struct jv){ 0 }, real, 0);
}

enum err
ctl_lock(int dir, const char *path, int *fd)
{
	*fd = openat(dir, path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (*fd < 0)
		return errno == ENOENT ? ERR_GONE : ERR_OS;
	if (flock(*fd, LOCK_EX | LOCK_NB) == 0)
		return OK;
	return errno == EWOULDBLOCK ? ERR_MORE : ERR_OS;
}

/* ---- wrap ---- */

bool
ctl_make_dirs(const char *path)
{
	char part[4096];

	for (size_t i = 1; path[i - 1] != '\0' && i < sizeof(part); i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, 0700) < 0 && errno != EEXIST)
			return false;
	}
	return true;
}

/* $XDG_STATE_HOME/gatehouse, or ~/.local/state/gatehouse. */
bool
ctl_state_home(char out[static 4096])
{
	const char *xdg = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	int n;

	if (xdg != NULL && xdg[0] == '/')
		n = snprintf(out, 4096, "%s/gatehouse", xdg);
	else if (home != NULL && home[0] == '/')
		n = snprintf(out, 4096, "%s/.local/state/gatehouse", home);
	else
		return false;
	return n > 0 && n < 3900;
}

enum { SLOTS = 64 }; /* of one server at once; more is a runaway client */

/*
 * Clients start the same server many times over, and each run needs a ledger
 * of its own.  Takes the first free place NAME, NAME.2, NAME.3 ...; the lock
 * is held, on *fd, until this process ends, and then the place is free again.
 */
static enum err
take_place(const char *home, struct str name, char out[static 4096], int *fd,
    struct note *why)
{
	for (unsigned i = 1; i <= SLOTS; i++) {
		char lock[4200];
		int n =
		    snprintf(out, 4096, "%s/wrap/%.*s", home, STR_ARG(name));

		if (i > 1)
			(void)snprintf(out + n, 4096 - (size_t)n, ".%u", i);
		if (!ctl_make_dirs(out)) {
			note_set(why, "%s: %s", out, strerror(errno));
			return ERR_OS;
		}
		(void)snprintf(lock, sizeof(lock), "%s/.place", out);
		*fd =
		    open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (*fd < 0) {
			note_set(why, "%s: %s", lock, strerror(errno));
			return ERR_OS;
		}
		if (flock(*fd, LOCK_EX | LOCK_NB) == 0)
			return OK;
		fd_close(fd);
	}
	note_set(why, "%d of this server run already", SLOTS);
	return ERR_LIMIT;
}

static enum err
wrap_state(struct ctl *c, struct str name, char out[static 4096], int *fd,
    struct note *why)
{
	const char *given = ctl_option(c, "--state");
	char home[4096];

	if (given == NULL) {
		if (!ctl_state_home(home)) {
			note_set(why, "neither XDG_STATE_HOME nor HOME is "
				      "set; use --state DIR");
			return ERR_OS;
		}
		return take_place(home, name, out, fd, why);
	}
	if (!ctl_make_dirs(given) || !ctl_absolute(given, out)) {
		note_set(why, "%s: %s", given, strerror(errno));
		return ERR_OS;
	}
	return OK;
}

int
ctl_wrap(struct ctl *c)
{
	__attribute__((cleanup(fd_close))) int place = -1;
	const char *named = ctl_option(c, "--name");
	struct buf image = { .max = 16 * 1024 * 1024 };
	struct conf_wrapped w = { .argv = c->arg, .env = environ };
	char state[4096], cwd[4096], name[33];
	struct note why;
	int status;

	if (getcwd(cwd, sizeof(cwd)) == NULL)
		return ctl_say(c, CTL_FAILED, "the working directory: %s",
		    strerror(errno));
	w.name =
	    conf_wrap_name(str_of(named != NULL ? named : c->arg[0]), name);
	if (wrap_state(c, w.name, state, &place, &why) != OK)
		return ctl_say(c, CTL_FAILED, "%s", why.text);
	w.state = str_of(state);
	w.cwd = str_of(cwd);
	if (conf_wrap(&w, &image, &why) != OK)
		return ctl_say(c, CTL_NO, "%s", why.text);
	status = parent_main(jv_of(buf_view(&image)), NULL, 0);
	buf_done(&image);
	return status;
}
