/*
 * parent-load.c: where images come from.  Role load is run at the start, when a
 * person asks for a reload and when a judge died; one run at a time.  Promises
 * that a bad configuration changes nothing.
 */
#include "role/parent-in.h"

#include <fcntl.h>

/* What may change while the house stands: the roles read these at each use or
 * are told.  All else decides which processes there are. */
static const struct str free_members[] = { STR_INIT("principals"),
	STR_INIT("rules"), STR_INIT("limits"), STR_INIT("hosts"),
	STR_INIT("excluded"), STR_INIT("plans"), STR_INIT("origins"),
	STR_INIT("policies"), STR_INIT("inventory"), STR_INIT("engine"),
	STR_INIT("engine_list"), STR_INIT("policy_digest"), STR_INIT("digest"),
	STR_INIT("ledger"), STR_INIT("budgets"), STR_INIT("budget_log") };

static bool
may_change(struct str key)
{
	for (size_t i = 0; i < countof(free_members); i++)
		if (str_eq(key, free_members[i]))
			return true;
	return false;
}

/* The first ones need a role that there is not; without any it has no work. */
static bool
has_budgets(struct jv image)
{
	return jv_count(jv_get(image, STR("budgets"))) > 0;
}

/* The first member that differs and may not, or empty. */
static struct str
needs_restart(struct jv old, struct jv new)
{
	struct jit it = jit_of(new);
	struct str key;
	struct jv v;

	while (jit_next(&it, &key, &v))
		if (!may_change(key) && !jv_same(v, jv_get(old, key)))
			return key;
	if (has_budgets(old) != has_budgets(new))
		return STR("budgets");
	return (struct str){ NULL, 0 };
}

/* Launch's part is none of the parent's business: it is kept, passed on, and
 * compared here as bytes, without leaving a trace in this process. */
static bool
launch_same(int fd)
{
	struct str a = STR(""), b = STR("");
	bool same;

	if (fd < 0 || house.launch_fd < 0)
		return fd == house.launch_fd;
	same = fd_map_ro(fd, &a) == OK &&
	       fd_map_ro(house.launch_fd, &b) == OK && str_eq(a, b);
	fd_unmap(a);
	fd_unmap(b);
	return same;
}

/* fd[1] is there when the sources were read anew. */
static enum err
adopt(const int fd[2], struct jv image)
{
	const int own = fcntl(fd[0], F_DUPFD_CLOEXEC, 3);
	const int launch = fd[1] < 0 ? -1 : fcntl(fd[1], F_DUPFD_CLOEXEC, 3);

	if (own < 0 || (launch < 0 && fd[1] >= 0))
		return ERR_OS;
	fd_close(&house.image_fd);
	house.image_fd = own;
	house.image = image; /* the old mapping stays: names point there */
	if (launch >= 0) {
		fd_close(&house.launch_fd);
		house.launch_fd = launch;
	}
	return OK;
}

/* ---- the three reasons to load ---- */

static void
done_start(const int fd[2], struct jv image)
{
	if (adopt(fd, image) == OK)
		house_start();
	else
		house_fail("the image cannot be kept");
}

static void
reload_answer(const char *text)
{
	if (house.reload_from_desk)
		house_answer(str_of(text), house.reload_ref);
	house.reload_from_desk = false;
}

static void
done_reload(const int fd[2], struct jv image)
{
	struct str key = needs_restart(house.image, image);
	const struct jv old = house.image;
	struct msg m = msg_of(MSG_IMAGE);
	struct note say;

	if (key.n == 0 && fd[1] >= 0 && !launch_same(fd[1]))
		key = STR("servers");
	if (key.n > 0 || adopt(fd, image) != OK) {
		note_set(&say,
		    "%.*s changed: that needs a restart; the old "
		    "configuration stays",
		    STR_ARG(key));
		log_line(LOG_WARN, "reload", "%s", say.text);
		tell_config(NULL, say.text);
		reload_answer(say.text);
		return;
	}
	m.fd[0] = house.image_fd;
	for (size_t i = 0; i < house.procs_n; i++) {
		struct proc *p = &house.procs[i];

		if (p->state != PROC_GONE && proc_post(p, &m) != OK)
			log_line(LOG_WARN, "reload", "%s %u was not told",
			    role_name(p->id), p->instance);
	}
	log_line(LOG_INFO, "reload", "configuration %.*s is in force",
	    STR_ARG(jv_str(jv_get(image, STR("digest")))));
	tell_config(&old, NULL);
	credential_changes(old, image);
	reload_answer("reloaded");
}

static void
done_ledger(const int fd[2], struct jv image)
{
	if (adopt(fd, image) == OK)
		cells_start(house.loading_ledger);
	else
		cells_later(house.loading_ledger);
}

static void
failed(struct str text)
{
	struct note say;

	note_set(&say, "%.*s", STR_ARG(text));
	if (house.load_for == LOAD_START) {
		/* What load found was printed in full; what it was that kept
		 * load from looking was not. */
		house_fail(house.load_said
			       ? "no start with this configuration and ledger"
			       : say.text);
		return;
	}
	log_line(LOG_ERROR, "load", "%.*s", STR_ARG(text));
	if (house.load_for == LOAD_RELOAD) {
		tell_config(NULL, say.text);
		reload_answer(say.text);
	} else {
		tell_load(str_of(say.text));
		cells_later(house.loading_ledger);
	}
}

void
load_got(const struct msg *m)
{
	const struct str text = msg_text(m, F_TEXT);
	struct jv image;
	int fd[2] = { m->fd[0], m->fd[1] };

	house.load_said = true;
	if (house.stage >= 0) {
		fd_close(&fd[0]);
		fd_close(&fd[1]);
		return;
	}
	if (house.load_for != LOAD_LEDGER && text.n > 0)
		(void)fprintf(stderr, "%.*s", STR_ARG(text));
	if (msg_num(m, F_STATUS) != OK)
		failed(text);
	else if (fd[0] < 0 || role_image_map(fd[0], &image) != OK)
		failed(STR("load sent no image"));
	else if (house.load_for == LOAD_START)
		done_start(fd, image);
	else if (house.load_for == LOAD_RELOAD)
		done_reload(fd, image);
	else
		done_ledger(fd, image);
	fd_close(&fd[0]);
	fd_close(&fd[1]);
}

/* ---- running it ---- */

static void
load_next(void)
{
	const struct msg go = msg_of(MSG_GO);
	struct note why = { .text = "" };

	if (house.load.state != PROC_GONE || house.stage >= 0)
		return;
	if (house.want_ledger != 0)
		house.load_for = LOAD_LEDGER;
	else if (house.want_reload)
		house.load_for = LOAD_RELOAD;
	else if (house.load_for != LOAD_START)
		return;
	if (house.load_for == LOAD_LEDGER) {
		house.loading_ledger = house.want_ledger;
		house.want_ledger = 0;
	} else if (house.load_for == LOAD_RELOAD) {
		house.want_reload = false;
	}
	house.load_said = false;
	house.load.id = ROLE_LOAD;
	house.load.cell = -1;
	if (proc_spawn(&house.load, &why) == OK &&
	    proc_post(&house.load, &go) == OK)
		return;
	if (house.load.state == PROC_GONE) /* else its end tells */
		failed(str_of(why.text));
}

void
load_want(enum load_for what, uint64_t cells)
{
	if (what == LOAD_START)
		house.load_for = LOAD_START;
	if (what == LOAD_RELOAD)
		house.want_reload = true;
	house.want_ledger |= cells;
	load_next();
}

void
load_ended(void)
{
	if (house.stage >= 0) {
		stop_next();
		return;
	}
	if (!house.load_said)
		failed(STR("load ended without an answer"));
	house.load_for = LOAD_NOTHING;
	load_next();
}
