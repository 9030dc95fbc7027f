/*
 * parent-proc.c: the processes of the house, what each is given and who may
 * talk to whom.  Promises that a process is linked to the peers of link_rules
 * and to nobody else, and starts with no descriptor and no environment but what
 * is listed here.
 */
#include "role/parent-in.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <unistd.h>

/* Who talks to whom.  kind: only backs of such servers. */
static const struct {
	enum role_id a, b;
	bool same_cell, ring;
	const char *kind;
} link_rules[] = {
	{ ROLE_FRONT, ROLE_JUDGE, false, true, NULL },
	{ ROLE_JUDGE, ROLE_BACK, true, true, NULL },
	{ ROLE_JUDGE, ROLE_LEDGER, true, true, NULL },
	{ ROLE_JUDGE, ROLE_KEYS, false, false, NULL },
	{ ROLE_JUDGE, ROLE_DESK, false, false, NULL },
	{ ROLE_JUDGE, ROLE_BUDGET, false, false, NULL },
	{ ROLE_JUDGE, ROLE_TILES, false, false, NULL },
	{ ROLE_FRONT, ROLE_KEYS, false, false, NULL },
	{ ROLE_BACK, ROLE_KEYS, false, false, "http" },
	{ ROLE_TILES, ROLE_KEYS, false, false, NULL },
	{ ROLE_TILES, ROLE_FETCH, false, false, NULL },
	{ ROLE_FETCH, ROLE_DIAL, false, false, NULL },
	{ ROLE_WITNESS, ROLE_COSIGN, false, false, NULL },
	{ ROLE_BACK, ROLE_DIAL, false, false, "http" },
	{ ROLE_BACK, ROLE_LAUNCH, false, false, "stdio" },
};

void
proc_name(const struct proc *p, char out[static 32])
{
	(void)snprintf(out, 32, "%s %u", role_name(p->id), p->instance);
}

struct proc *
proc_find(enum role_id id, unsigned instance)
{
	for (size_t i = 0; i < house.procs_n; i++)
		if (house.procs[i].id == id &&
		    house.procs[i].instance == instance)
			return &house.procs[i];
	return NULL;
}

void
proc_kill(const struct proc *p, int sig)
{
	if (p->state != PROC_GONE)
		(void)pidfd_send_signal(p->end.fd, sig, NULL, 0);
}

/* ---- the list ---- */

static void
add(enum role_id id, unsigned instance, int cell)
{
	struct proc *p = &house.procs[house.procs_n++];

	p->id = id;
	p->instance = instance;
	p->cell = cell;
	p->slot = (unsigned)house.procs_n; /* page 0 is the parent's */
}

static bool
any_server(const char *kind)
{
	struct jit it = jit_of(jv_get(house.image, STR("servers")));
	struct jv s;

	while (jit_next(&it, NULL, &s))
		if (str_eq(jv_str(jv_get(s, STR("kind"))), str_of(kind)))
			return true;
	return false;
}

/* Only what this image needs: no dial without an upstream to connect to. */
NODISCARD enum err
procs_make(struct note *why)
{
	const size_t n = (size_t)house.cells * (3 + house.servers) + 9;

	if (n > PARENT_PROCS_MAX) {
		note_set(
		    why, "%zu processes are more than %d", n, PARENT_PROCS_MAX);
		return ERR_LIMIT;
	}
	house.procs = mem_get(n * sizeof(*house.procs));
	for (unsigned c = 0; c < house.cells; c++) {
		add(ROLE_LEDGER, c, (int)c);
		add(ROLE_JUDGE, c, (int)c);
		add(ROLE_FRONT, c, (int)c);
		for (unsigned u = 0; u < house.servers; u++)
			add(ROLE_BACK, c * house.servers + u, (int)c);
	}
	add(ROLE_KEYS, 0, -1);
	if (jv_count(jv_get(house.image, STR("budgets"))) > 0)
		add(ROLE_BUDGET, 0, -1);
	add(ROLE_TILES, 0, -1);
	if (any_server("http") || log_remotes())
		add(ROLE_DIAL, 0, -1);
	if (log_remotes())
		add(ROLE_FETCH, 0, -1);
	if (house.witness >= 0) {
		add(ROLE_COSIGN, 0, -1);
		add(ROLE_WITNESS, 0, -1);
	}
	if (any_server("stdio"))
		add(ROLE_LAUNCH, 0, -1);
	if (house.desk >= 0 || house.control >= 0)
		add(ROLE_DESK, 0, -1);
	return OK;
}

/* ---- sending ---- */

/* During the boot of many a socket may be full for a moment. */
NODISCARD enum err
proc_post(struct proc *p, const struct msg *m)
{
	const uint64_t begun = now_mono();
	enum err e;

	if (p->chan == NULL)
		return ERR_GONE;
	for (;;) {
		e = chan_send(p->chan, m);
		chan_flush(p->chan);
		if (e != ERR_LIMIT || now_mono() - begun > MS(2000))
			return e;
		(void)usleep(500);
	}
}

enum err
post_fd(struct proc *p, const char *name, uint64_t flags, int fd0, int fd1)
{
	struct msg m = msg_of(MSG_LISTEN);

	msg_set_text(&m, F_NAME, str_of(name));
	msg_set(&m, F_FLAGS, flags);
	m.fd[0] = fd0;
	m.fd[1] = fd1;
	return proc_post(p, &m);
}

/* ---- what each role is given before it goes ---- */

static enum err
give_front(struct proc *p)
{
	if (house.wrap)
		return post_fd(
		    p, "agents", MF_STDIO, house.stdio[0], house.stdio[1]);
	if (house.cell[p->cell].agents < 0)
		return OK;
	return post_fd(p, "agents", 0, house.cell[p->cell].agents, -1);
}

static enum err
give_desk(struct proc *p)
{
	__attribute__((cleanup(fd_close))) int ro = -1;
	char path[48];

	if (house.desk >= 0)
		TRY(post_fd(p, "desk", 0, house.desk, -1));
	if (house.control >= 0)
		TRY(post_fd(p, "control", 0, house.control, -1));
	/* A second, read-only opening of the same memory. */
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", house.pages_fd);
	ro = open(path, O_RDONLY | O_CLOEXEC);
	if (ro < 0)
		return ERR_OS;
	return post_fd(p, "pages", house.pages_n, ro, -1);
}

static enum err
post_segment(struct proc *p, const struct cell *c, size_t i, int fd)
{
	struct msg m = msg_of(MSG_SEGMENT);
	char name[64];

	segment_name(c, c->open[i].number, name);
	msg_set_text(&m, F_NAME, str_of(name));
	msg_set(&m, F_SEQ, c->open[i].number);
	m.fd[0] = fd;
	return proc_post(p, &m);
}

NODISCARD enum err
cell_segment(struct cell *c, struct note *why)
{
	static const enum role_id to[] = { ROLE_LEDGER, ROLE_JUDGE };
	__attribute__((cleanup(fd_close))) int writer = -1;

	TRY(open_segment(c, &writer, why));
	for (size_t i = 0; i < countof(to); i++) {
		struct proc *p = proc_find(to[i], c->number);
		const int fd =
		    to[i] == ROLE_JUDGE ? writer : c->open[c->open_n - 1].fd;

		if (p->state == PROC_GONE)
			continue;
		if (post_segment(p, c, c->open_n - 1, fd) != OK)
			log_line(LOG_WARN, "segment", "%s %u was not told",
			    role_name(p->id), p->instance);
	}
	return OK;
}

/* What another ledger may have left unsynced; and a judge that goes on writes
 * to a new one, which no failed sync has touched. */
static enum err
give_ledger(struct proc *p)
{
	struct cell *c = &house.cell[p->cell];
	struct note why;

	for (size_t i = 0; i < c->open_n; i++)
		TRY(post_segment(p, c, i, c->open[i].fd));
	if (proc_find(ROLE_JUDGE, p->instance)->state != PROC_GONE &&
	    cell_segment(c, &why) != OK)
		log_line(LOG_WARN, "segment", "cell %d: %s", p->cell, why.text);
	return OK;
}

static enum err
give_load(struct proc *p)
{
	struct msg m = msg_of(MSG_IMAGE);

	/* For the ends of the ledger alone the image in force will do. */
	if (house.load_for != LOAD_LEDGER && house.config_path != NULL)
		msg_set_text(&m, F_TEXT, str_of(house.config_path));
	else
		m.fd[0] = house.image_fd;
	return proc_post(p, &m);
}

static enum err
give(struct proc *p, struct note *why)
{
	struct msg image = msg_of(MSG_IMAGE);

	note_set(why, "its channel broke");
	if (p->id == ROLE_LOAD)
		return give_load(p);
	image.fd[0] = house.image_fd;
	TRY(proc_post(p, &image));
	house.pages[p->slot * (ROLE_PAGE / 8) + ROLE_PAGE_TAG] =
	    1 + ((uint64_t)p->id << 16 | p->instance);
	TRY(post_fd(p, "counters", p->slot, house.pages_fd, -1));
	if (p->id == ROLE_FRONT)
		return give_front(p);
	if (p->id == ROLE_DESK)
		return give_desk(p);
	if (p->id == ROLE_KEYS)
		return secrets_give(p);
	if (p->id == ROLE_LAUNCH)
		return post_fd(p, "launch", 0, house.launch_fd, -1);
	if (p->id == ROLE_BUDGET)
		return budget_give(p, why);
	if (p->id == ROLE_TILES || p->id == ROLE_WITNESS ||
	    p->id == ROLE_COSIGN)
		return log_give(p);
	if (p->id == ROLE_LEDGER)
		return give_ledger(p);
	if (p->id == ROLE_JUDGE)
		return cell_segment(&house.cell[p->cell], why);
	return OK;
}

/* ---- starting one ---- */

/* Descriptors 0 and 1 are nothing, 2 the log, 3 the channel. */
static bool
child_fds(int sock)
{
	const int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0)
		return false;
	if (sock == 3)
		return fcntl(sock, F_SETFD, 0) == 0;
	return dup2(sock, 3) == 3;
}

/* launch passes PATH, HOME and LANG on; the others need nothing. */
static void
child_env(enum role_id id, char *out[static 6])
{
	static const char *const names[] = { "GATEHOUSE_JAIL", "GATEHOUSE_LOG",
		"PATH", "HOME", "LANG" };
	const size_t n = id == ROLE_LAUNCH ? countof(names) : 2;
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		const char *value = getenv(names[i]);
		struct buf b = { .max = 1 << 16 };

		if (value == NULL)
			continue;
		buf_fmt(&b, "%s=%s", names[i], value);
		buf_ch(&b, '\0');
		if (buf_end(&b) == OK)
			out[at++] = b.p;
	}
	out[at] = NULL;
}

static _Noreturn void
child(const struct proc *p, int sock, pid_t parent)
{
	char prog[] = "gatehouse", word[] = "role", name[16], instance[16];
	char *argv[] = { prog, word, name, instance, NULL };
	char *envp[6];
	sigset_t none;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != parent || !child_fds(sock))
		_exit(127);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	pin(p);
	(void)snprintf(name, sizeof(name), "%s", role_name(p->id));
	(void)snprintf(instance, sizeof(instance), "%u", p->instance);
	child_env(p->id, envp);
	(void)execve("/proc/self/exe", argv, envp);
	_exit(127);
}

static void role_got(struct chan *c, const struct msg *m);

static enum err
watch_child(struct proc *p, struct chan_fds *ours, struct note *why)
{
	static const struct chan_ops ops = { role_got, proc_lost };

	p->end = (struct watch){ pidfd_open(p->pid, 0), proc_ended };
	if (p->end.fd >= 0)
		p->chan = chan_new(
		    house.loop, ours, ROLE_PARENT, p->id, p->instance, &ops, p);
	if (p->chan != NULL && loop_watch(house.loop, &p->end) == OK) {
		p->state = PROC_BOOT;
		return OK;
	}
	note_set(why, "cannot watch it: %s", strerrordesc_np(errno));
	(void)kill(p->pid, SIGKILL);
	chan_free(p->chan);
	p->chan = NULL;
	fd_close(&p->end.fd);
	chan_fds_done(ours);
	return ERR_OS;
}

NODISCARD enum err
proc_spawn(struct proc *p, struct note *why)
{
	const pid_t parent = getpid();
	struct chan_fds ours, theirs;
	enum err e;

	BUG_ON(p->state != PROC_GONE);
	if (chan_pair(false, &ours, &theirs) != OK) {
		note_set(why, "channel: %s", strerrordesc_np(errno));
		return ERR_OS;
	}
	p->born = now_mono();
	p->pid = fork();
	if (p->pid == 0)
		child(p, theirs.sock, parent);
	chan_fds_done(&theirs);
	if (p->pid < 0) {
		note_set(why, "fork: %s", strerrordesc_np(errno));
		chan_fds_done(&ours);
		return ERR_OS;
	}
	TRY(watch_child(p, &ours, why));
	p->fresh = true;
	e = give(p, why);
	if (e != OK)
		proc_kill(p, SIGKILL); /* its end is seen as any other */
	return e;
}

/* ---- links ---- */

static bool
back_is(const struct proc *p, const char *kind)
{
	struct jit it = jit_of(jv_get(house.image, STR("servers")));
	struct jv s = { NULL, 0 };

	for (unsigned i = 0; i <= p->instance % house.servers; i++)
		if (!jit_next(&it, NULL, &s))
			return false;
	return str_eq(jv_str(jv_get(s, STR("kind"))), str_of(kind));
}

/* The rule under which x (as a) talks to y (as b), or -1. */
static int
rule_of(const struct proc *x, const struct proc *y)
{
	for (size_t i = 0; i < countof(link_rules); i++) {
		if (link_rules[i].a != x->id || link_rules[i].b != y->id)
			continue;
		if (link_rules[i].same_cell && x->cell != y->cell)
			return -1;
		if (link_rules[i].kind != NULL &&
		    !back_is(x, link_rules[i].kind))
			return -1;
		return (int)i;
	}
	return -1;
}

static void
link_two(struct proc *x, struct proc *y)
{
	const int rule = rule_of(x, y);
	struct chan_fds a, b;
	struct msg to_x, to_y;

	if (rule < 0)
		return;
	if (chan_pair(link_rules[rule].ring, &a, &b) != OK) {
		log_line(LOG_ERROR, "link", "%s %u to %s %u: %s",
		    role_name(x->id), x->instance, role_name(y->id),
		    y->instance, strerrordesc_np(errno));
		return;
	}
	to_x = chan_link_msg(&a, y->id, y->instance);
	to_y = chan_link_msg(&b, x->id, x->instance);
	/* One that cannot be told is about to be found dead. */
	if (proc_post(x, &to_x) != OK || proc_post(y, &to_y) != OK)
		log_line(LOG_WARN, "link", "%s %u to %s %u: one is gone",
		    role_name(x->id), x->instance, role_name(y->id),
		    y->instance);
	chan_fds_done(&a);
	chan_fds_done(&b);
}

static void
tell_go(struct proc *p)
{
	const struct msg go = msg_of(MSG_GO);

	if (proc_post(p, &go) != OK)
		log_line(LOG_WARN, "go", "%s %u is gone", role_name(p->id),
		    p->instance);
}

/* Two fresh ones meet once: when the earlier of them is x. */
void
procs_link(void)
{
	for (size_t i = 0; i < house.procs_n; i++) {
		struct proc *x = &house.procs[i];

		if (!x->fresh || x->state == PROC_GONE)
			continue;
		for (size_t j = 0; j < house.procs_n; j++) {
			struct proc *y = &house.procs[j];

			if (y == x || y->state == PROC_GONE ||
			    (y->fresh && j < i))
				continue;
			link_two(x, y);
			link_two(y, x);
		}
	}
	for (size_t i = 0; i < house.procs_n; i++) {
		struct proc *x = &house.procs[i];

		if (!x->fresh || x->state == PROC_GONE)
			continue;
		x->fresh = false;
		x->held = x->id == ROLE_FRONT;
		if (!x->held)
			tell_go(x);
	}
	fronts_go();
}

/* Somebody that f would send calls to, or they to, is not confined yet. */
static bool
must_wait(const struct proc *f)
{
	for (size_t i = 0; i < house.procs_n; i++) {
		const struct proc *p = &house.procs[i];

		if (p->state == PROC_BOOT && p->id != ROLE_FRONT &&
		    (p->cell < 0 || p->cell == f->cell))
			return true;
	}
	return false;
}

/* A front that goes too early would take calls that are refused for want of a
 * ledger that is only just coming. */
void
fronts_go(void)
{
	for (size_t i = 0; i < house.procs_n; i++) {
		struct proc *f = &house.procs[i];

		if (!f->held || f->state == PROC_GONE || must_wait(f))
			continue;
		f->held = false;
		tell_go(f);
	}
}

/* ---- what they say ---- */

static void
segment_full(struct cell *c, uint64_t number)
{
	struct note why;

	if (number != c->segment || house.stage >= 0)
		return;
	if (cell_segment(c, &why) != OK)
		log_line(
		    LOG_ERROR, "segment", "cell %u: %s", c->number, why.text);
}

static void
role_got(struct chan *c, const struct msg *m)
{
	struct proc *p = chan_owner(c);

	if (m->kind == MSG_READY) {
		p->state = PROC_READY;
		house_ready(p);
	} else if (m->kind == MSG_IMAGE) {
		load_got(m);
	} else if (m->kind == MSG_COMMAND) {
		house_command(p, m);
	} else if (m->kind == MSG_NOTED) {
		tell_noted(p, msg_num(m, F_REF));
	} else if (m->kind == MSG_PRUNE) {
		prune_said(m);
	} else if (p->id == ROLE_BUDGET) {
		budget_said(p, m);
	} else if (m->kind == MSG_FULL && msg_num(m, F_STATUS) != 0) {
		tell_disk(p,
		    p->id == ROLE_LEDGER ? "a sync failed" : "a write failed");
		cell_unwritten(&house.cell[p->cell], p->id == ROLE_LEDGER);
	} else if (m->kind == MSG_FULL && p->id == ROLE_JUDGE) {
		segment_full(&house.cell[p->cell], msg_num(m, F_SEQ));
	} else if (m->kind == MSG_SYNCED) {
		segments_synced(&house.cell[p->cell], msg_num(m, F_SEQ));
	}
}
