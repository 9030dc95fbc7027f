/*
 * parent.c: the process that starts and minds all others.  Promises to read no
 * byte that comes from outside or from a role that reads such bytes, beyond the
 * few typed words of the table of messages.
 */
#include "role/parent-in.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "jail/jail.h"

struct house house = {
	.image_fd = -1,
	.launch_fd = -1,
	.state_dir = -1,
	.ledger_dir = -1,
	.lock = -1,
	.desk = -1,
	.control = -1,
	.witness = -1,
	.witness_dir = -1,
	.stdio = { -1, -1 },
	.pages_fd = -1,
	.stage = -1,
};
static uint64_t begun;

void
house_fail(const char *why)
{
	if (house.stage >= 0)
		return;
	log_line(LOG_ERROR, "start-failed", "%s", why);
	/* A wrong configuration is a plain no; the rest is a failure. */
	house.exit_status = jv_is(house.image, J_NONE) ? 1 : 4;
	house_kill();
}

/* ---- the start ---- */

static enum err
house_shape(struct note *why)
{
	int64_t cells = 0;

	house.servers = (unsigned)jv_count(jv_get(house.image, STR("servers")));
	if (jv_i64(jv_get(house.image, STR("cells")), &cells) != OK ||
	    cells < 1 || cells > PARENT_CELLS_MAX) {
		note_set(why, "cells must be 1 to %d", PARENT_CELLS_MAX);
		return ERR_SYNTAX;
	}
	house.cells = (unsigned)cells;
	for (unsigned c = 0; c < house.cells; c++) {
		house.cell[c].number = c;
		house.cell[c].agents = -1;
		house.cell[c].born = now_mono();
	}
	return OK;
}

/* The next segment is one after the last that load saw. */
static void
house_segments(void)
{
	struct jit it = jit_of(jv_get(house.image, STR("ledger")));
	int64_t last = 0;
	struct jv v;

	if (jv_i64(jv_get(house.image, STR("budget_log")), &last) == OK &&
	    last > 0)
		house.budget_last = (unsigned)last;
	house.budget_first = 1;

	for (unsigned c = 0; jit_next(&it, NULL, &v) && c < house.cells; c++) {
		int64_t n = 0;

		if (jv_i64(jv_get(v, STR("segment")), &n) == OK && n > 0)
			house.cell[c].segment = (unsigned)n;
	}
}

static enum err
house_open(struct note *why)
{
	TRY(house_shape(why));
	house_segments();
	TRY(open_state(why));
	for (unsigned c = 0; c < house.cells; c++)
		open_last_segment(&house.cell[c]);
	if (!house.wrap)
		TRY(open_listeners(why));
	TRY(log_open(why));
	TRY(secrets_read(why));
	TRY(procs_make(why));
	TRY(open_pages(house.procs_n + 1, why));
	house.pages[ROLE_PAGE_TAG] = 1 + ((uint64_t)ROLE_PARENT << 16);
	counters_at(house.pages);
	return OK;
}

void
house_start(void)
{
	struct note why = { .text = "" };

	if (house_open(&why) != OK) {
		house_fail(why.text);
		return;
	}
	for (size_t i = 0; i < house.procs_n; i++)
		if (proc_spawn(&house.procs[i], &why) != OK) {
			house_fail(why.text);
			return;
		}
	procs_link();
}

/* One line for whoever started us: scripts wait for it. */
static void
announce(void)
{
	const struct str at = str_of(house.addr_text);
	const bool tls = jv_is(jv_get(house.image, STR("tls")), J_OBJ);
	const unsigned ms = (unsigned)((now_mono() - begun) / MS(1));
	struct note lacks;

	jail_lacks(&lacks);
	if (lacks.text[0] != '\0')
		log_line(LOG_WARN, "jail", "%s", lacks.text);
	log_line(LOG_INFO, "serving",
	    "%u cells, %u servers, %zu processes, %u ms", house.cells,
	    house.servers, house.procs_n, ms);
	if (house.wrap || at.n == 0)
		return;
	(void)printf("gatehouse: serving on %s://%s/mcp (%u cells, %u "
		     "servers)%s%s\n",
	    tls ? "https" : "http", house.addr_text, house.cells, house.servers,
	    house.desk_text[0] ? ", desk on http://" : "", house.desk_text);
	(void)fflush(stdout);
}

void
house_ready(struct proc *p)
{
	if (p->id == ROLE_LOAD || house.stage >= 0)
		return;
	fronts_go();
	if (p->id == ROLE_JUDGE)
		tell_judge(p);
	if (house.serving) {
		tell_started(p);
		return;
	}
	for (size_t i = 0; i < house.procs_n; i++)
		if (house.procs[i].state != PROC_READY)
			return;
	house.serving = true;
	announce();
	tell_serving();
}

/* ---- words from desk ---- */

void
house_answer(struct str text, uint64_t ref)
{
	struct proc *desk = proc_find(ROLE_DESK, 0);
	struct msg m = msg_of(MSG_STATUS);

	msg_set_text(&m, F_TEXT, text);
	msg_set(&m, F_REF, ref);
	if (desk != NULL && proc_post(desk, &m) != OK)
		log_line(LOG_WARN, "desk", "not told: it is gone");
}

static void
status_put(struct buf *b)
{
	buf_fmt(b, "{\"serving\":%s,\"cells\":%u,\"listen\":\"%s\",",
	    house.serving && house.stage < 0 ? "true" : "false", house.cells,
	    house.addr_text);
	buf_str(b, STR("\"digest\":"));
	json_quote(jv_str(jv_get(house.image, STR("digest"))), b);
	buf_str(b, STR(",\"segments\":["));
	for (unsigned c = 0; c < house.cells; c++)
		buf_fmt(b, "%s%u", c > 0 ? "," : "", house.cell[c].segment);
	buf_str(b, STR("],\"roles\":["));
	for (size_t i = 0; i < house.procs_n; i++) {
		const struct proc *p = &house.procs[i];

		buf_fmt(b,
		    "%s{\"role\":\"%s\",\"instance\":%u,\"process\":%d,"
		    "\"ready\":%s,\"restarts\":%u}",
		    i > 0 ? "," : "", role_name(p->id), p->instance,
		    (int)p->pid, p->state == PROC_READY ? "true" : "false",
		    p->restarts);
	}
	buf_str(b, STR("]}"));
}

static void
reload(bool from_desk, uint64_t ref)
{
	if (house.wrap) {
		log_line(LOG_WARN, "reload", "there is no file to load");
		if (from_desk)
			house_answer(STR("there is no file to load"), ref);
		return;
	}
	if (from_desk) {
		house.reload_from_desk = true;
		house.reload_ref = ref;
	}
	load_want(LOAD_RELOAD, 0);
}

void
house_command(struct proc *p, const struct msg *m)
{
	const struct str name = msg_text(m, F_NAME);
	const uint64_t ref = msg_num(m, F_REF);
	struct buf b = { .max = 1 << 20 };

	(void)p;
	if (str_eq(name, STR("status"))) {
		status_put(&b);
		house_answer(buf_view(&b), ref);
	} else if (str_eq(name, STR("reload"))) {
		reload(true, ref);
	} else if (str_eq(name, STR("stop"))) {
		house_answer(STR("stopping"), ref);
		house_stop("asked to by a person");
	} else {
		house_answer(STR("unknown word"), ref);
	}
	buf_done(&b);
}

/* ---- signals ---- */

static void
signalled(struct watch *w, unsigned what)
{
	/* timeout(1) and some supervisors signal the process and its group:
	 * that is one wish, not a second one. */
	static uint64_t first;
	struct signalfd_siginfo s;

	(void)what;
	while (read(w->fd, &s, sizeof(s)) == (ssize_t)sizeof(s)) {
		if (s.ssi_signo == SIGHUP) {
			if (house.serving && house.stage < 0)
				reload(false, 0);
		} else if (house.stage < 0) {
			first = now_mono();
			house_stop(s.ssi_signo == SIGINT ? "interrupted"
							 : "terminated");
		} else if (now_mono() - first > MS(200)) {
			log_line(LOG_WARN, "stop", "at once");
			house_kill();
		}
	}
}

static enum err
signals_watch(struct note *why)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGHUP);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &set, NULL) == 0)
		house.signals.fd =
		    signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	house.signals.ready = signalled;
	if (house.signals.fd >= 0 &&
	    loop_watch(house.loop, &house.signals) == OK)
		return OK;
	note_set(why, "signals: %s", strerrordesc_np(errno));
	return ERR_OS;
}

/* ---- the whole ---- */

/* Descriptors on their way to a role count against our limit (unix(7)). */
static void
raise_files(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
		r.rlim_cur = r.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &r);
	}
}

/* The agent's lines belong to the front; here they are only kept for it. */
static enum err
wrap_begin(struct jv image, struct note *why)
{
	const int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int i = 0; i < 2; i++) {
		house.stdio[i] = fcntl(i, F_DUPFD_CLOEXEC, 3);
		if (house.stdio[i] < 0 || null < 0 || dup2(null, i) < 0) {
			note_set(why, "stdio: %s", strerrordesc_np(errno));
			return ERR_OS;
		}
	}
	if (memfd_of("image", jv_bytes(image), &house.image_fd) != OK) {
		note_set(why, "image: %s", strerrordesc_np(errno));
		return ERR_OS;
	}
	return OK;
}

static enum err
house_begin(struct jv image, struct note *why)
{
	raise_files();
	house.loop = loop_new();
	if (house.loop == NULL) {
		note_set(why, "no event loop");
		return ERR_OS;
	}
	loop_hooks(house.loop, chan_flush_all, chan_busy_any, NULL);
	if (house.wrap)
		TRY(wrap_begin(image, why));
	TRY(jail_enter(ROLE_PARENT, why));
	return signals_watch(why);
}

int
parent_main(struct jv image, const char *config_path, unsigned flags)
{
	struct note why = { .text = "" };

	(void)flags;
	begun = now_mono();
	house.config_path = config_path;
	house.wrap = config_path == NULL;
	log_never_waits();
	log_setup("parent", 0, house.wrap ? LOG_WARN : LOG_INFO);
	if (house_begin(image, &why) != OK) {
		log_line(LOG_ERROR, "start-failed", "%s", why.text);
		return 4;
	}
	load_want(LOAD_START, 0);
	loop_run(house.loop);
	open_done();
	return house.exit_status;
}
