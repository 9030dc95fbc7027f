/*
 * role.c: how every role but the parent begins, lives and ends.  Promises that
 * no byte from outside is read before the process is confined, and that it ends
 * when its parent does.  It does not know what any role is for.
 */
#include "role/role.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "jail/jail.h"

enum {
	BOOT_FD = 3,
	BOOT_SECONDS = 30, /* a parent that needs longer is not coming */
	BOOT_MSG_MAX = 1 << 20,
};
static const struct json_limits image_limits = { 64, 4000000, 16U << 20 };

static struct role_env env;
static const struct role *self;

/* ---- what the parent sends ---- */

NODISCARD enum err
role_image_map(int fd, struct jv *out)
{
	struct str bytes;

	TRY(fd_map_ro(fd, &bytes));
	TRY(tape_check(bytes, &image_limits));
	*out = jv_of(bytes);
	return OK;
}

static enum err
take_image(const struct msg *m, struct note *why)
{
	int64_t cells = 0;

	if (msg_has(m, F_TEXT))
		env.config_path = str_keep(msg_text(m, F_TEXT));
	if (m->fd[0] < 0)
		return OK;
	if (role_image_map(m->fd[0], &env.image) != OK) {
		note_set(why, "the image is not a tree");
		return ERR_SYNTAX;
	}
	if (jv_i64(jv_get(env.image, STR("cells")), &cells) == OK)
		env.cells = (unsigned)cells;
	return OK;
}

/* FLAGS is the number of this role's page in the file of all pages.  The file
 * is closed here: what stays is the own page. */
static enum err
take_counters(const struct msg *m, struct note *why)
{
	const uint64_t slot = msg_num(m, F_FLAGS);
	void *p;

	p = mmap(NULL, ROLE_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, m->fd[0],
	    (off_t)(slot * ROLE_PAGE));
	if (slot > ROLE_LINKS_MAX || p == MAP_FAILED) {
		note_set(why, "counters: %s", strerrordesc_np(errno));
		return ERR_OS;
	}
	counters_at(p);
	return OK;
}

/* Everybody's pages, for reading.  FLAGS is how many. */
static enum err
take_pages(const struct msg *m, struct note *why)
{
	const uint64_t n = msg_num(m, F_FLAGS);
	void *p;

	p = mmap(
	    NULL, (size_t)n * ROLE_PAGE, PROT_READ, MAP_SHARED, m->fd[0], 0);
	if (p == MAP_FAILED) {
		note_set(why, "pages: %s", strerrordesc_np(errno));
		return ERR_OS;
	}
	env.pages = p;
	env.pages_n = (size_t)n;
	return OK;
}

static void
close_fds(const struct msg *m)
{
	for (size_t i = 0; i < MSG_FDS; i++)
		if (m->fd[i] >= 0)
			(void)close(m->fd[i]);
}

static enum err
take_given(const struct msg *m, struct note *why)
{
	const struct str name = msg_text(m, F_NAME);

	if (env.given_n == ROLE_FDS_MAX) {
		note_set(why, "too many descriptors");
		return ERR_LIMIT;
	}
	env.given[env.given_n].kind = m->kind;
	env.given[env.given_n].seq = msg_num(m, F_SEQ);
	env.given[env.given_n].flags = msg_num(m, F_FLAGS);
	for (size_t i = 0; i < countof(env.given[0].fd); i++)
		env.given[env.given_n].fd[i] = m->fd[i];
	(void)snprintf(env.given[env.given_n].name, sizeof(env.given[0].name),
	    "%.*s", STR_ARG(name));
	env.given_n++;
	return OK;
}

static enum err
take_listen(const struct msg *m, struct note *why)
{
	const struct str name = msg_text(m, F_NAME);
	const bool own = str_eq(name, STR("counters"));
	enum err e;

	if (!own && !str_eq(name, STR("pages")))
		return take_given(m, why);
	e = own ? take_counters(m, why) : take_pages(m, why);
	close_fds(m);
	return e;
}

static enum err
take_link(const struct msg *m, struct note *why)
{
	struct chan_fds f;
	enum role_id peer;
	unsigned instance;

	if (env.link_n == ROLE_LINKS_MAX) {
		note_set(why, "too many links");
		return ERR_LIMIT;
	}
	if (chan_link_take(m, &peer, &instance, &f) != OK) {
		note_set(why, "half a link");
		return ERR_SYNTAX;
	}
	env.link[env.link_n].peer = peer;
	env.link[env.link_n].instance = instance;
	env.link[env.link_n++].fds = f;
	return OK;
}

NODISCARD enum err
role_link(struct role_env *e, enum role_id peer, unsigned instance,
    struct chan_fds *out)
{
	for (size_t i = 0; i < e->link_n; i++) {
		if (e->link[i].peer != peer || e->link[i].instance != instance)
			continue;
		*out = e->link[i].fds;
		e->link[i] = e->link[--e->link_n];
		return OK;
	}
	return ERR_GONE;
}

void
role_links(
    struct role_env *e, void (*link)(struct role_env *e, enum role_id peer,
			    unsigned instance, struct chan_fds *fds))
{
	while (e->link_n > 0) {
		e->link_n--;
		link(e, e->link[e->link_n].peer, e->link[e->link_n].instance,
		    &e->link[e->link_n].fds);
	}
}

/* ---- after the boot ---- */

static void
later_image(const struct msg *m)
{
	struct jv image;

	if (m->fd[0] < 0)
		return;
	if (role_image_map(m->fd[0], &image) != OK) {
		log_line(LOG_ERROR, "image", "the new image is not a tree");
	} else {
		/* The old one stays mapped: policies and names point there. */
		env.image = image;
		if (self->image != NULL)
			self->image(&env, image);
	}
	close_fds(m);
}

static void
later_link(const struct msg *m)
{
	struct chan_fds f;
	enum role_id peer;
	unsigned instance;

	if (chan_link_take(m, &peer, &instance, &f) != OK)
		return;
	if (self->link != NULL)
		self->link(&env, peer, instance, &f);
	chan_fds_done(&f); /* what the role did not take */
}

static void
later_stop(const struct msg *m)
{
	const bool drain = (msg_num(m, F_FLAGS) & MF_DRAIN) != 0;

	if (env.draining && drain)
		return;
	env.draining = true;
	env.why = str_keep(msg_text(m, F_TEXT));
	if (drain && self->drain != NULL)
		self->drain(&env);
	else
		loop_stop(env.loop);
}

static void
got(struct chan *c, const struct msg *m)
{
	(void)c;
	if (m->kind == MSG_IMAGE)
		later_image(m);
	else if (m->kind == MSG_LINK)
		later_link(m);
	else if (m->kind == MSG_STOP)
		later_stop(m);
	else if (self->from_parent != NULL)
		self->from_parent(&env, m);
	else
		close_fds(m);
}

/* Without a parent nobody restarts, drains or stops us: end here. */
static void
lost(struct chan *c)
{
	(void)c;
	_exit(0);
}

/* ---- the boot ---- */

static enum err
boot_take(const struct msg *m, struct buf *scratch, struct note *why)
{
	enum err e = OK;

	switch ((int)m->kind) {
	case MSG_IMAGE:
		e = take_image(m, why);
		close_fds(m);
		return e;
	case MSG_LISTEN:
		return take_listen(m, why);
	case MSG_SEGMENT:
		return take_given(m, why);
	case MSG_LINK:
		return take_link(m, why);
	case MSG_SECRET:
		if (self->from_parent != NULL)
			self->from_parent(&env, m);
		mem_wipe(scratch->p, scratch->n);
		return OK;
	default:
		note_set(why, "%s during boot", msg_name(m->kind));
		return ERR_SYNTAX;
	}
}

static enum err
role_boot(struct note *why)
{
	struct buf scratch = { .max = BOOT_MSG_MAX };
	enum err e;

	for (;;) {
		struct msg m;

		e = chan_wait(env.parent, BOOT_SECONDS * UINT64_C(1000000000),
		    &scratch, &m);
		if (e != OK)
			note_set(why, "boot: %s", err_name(e));
		if (e != OK || m.kind == MSG_GO)
			break;
		if (m.kind == MSG_STOP)
			_exit(0);
		e = boot_take(&m, &scratch, why);
		if (e != OK)
			break;
	}
	buf_done(&scratch);
	return e;
}

static enum err
role_begin(struct note *why)
{
	static const struct chan_ops ops = { got, lost };
	struct chan_fds f = { BOOT_FD, -1, -1, -1, 1 };
	struct msg ready = msg_of(MSG_READY);

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	env.loop = loop_new();
	if (env.loop != NULL)
		env.parent =
		    chan_new(env.loop, &f, env.id, ROLE_PARENT, 0, &ops, NULL);
	if (env.parent == NULL) {
		note_set(why, "no channel on descriptor %d", BOOT_FD);
		return ERR_OS;
	}
	loop_hooks(env.loop, chan_flush_all, chan_busy_any, NULL);
	TRY(role_boot(why));
	TRY(self->prepare(&env, why));
	TRY(jail_enter(env.id, why));
	return chan_send(env.parent, &ready);
}

static enum role_id
role_of(const char *name)
{
	for (unsigned r = 0; r < ROLE__N; r++)
		if (strcmp(role_name((enum role_id)r), name) == 0)
			return (enum role_id)r;
	return ROLE__N;
}

static enum log_level
log_level(void)
{
	const char *e = getenv("GATEHOUSE_LOG");

	return e != NULL && strcmp(e, "debug") == 0 ? LOG_DEBUG : LOG_INFO;
}

int
role_main_with(const struct role *const *table, int argc, char *const *argv)
{
	struct note why = { .text = "" };
	uint64_t instance;

	if (argc != 4 || str_u64(str_of(argv[3]), &instance) != OK ||
	    instance > UINT16_MAX)
		return 2;
	env.id = role_of(argv[2]);
	env.instance = (unsigned)instance;
	self = env.id == ROLE__N ? NULL : table[env.id];
	if (self == NULL || fcntl(BOOT_FD, F_GETFD) < 0)
		return 2;
	log_setup(argv[2], (int)instance, log_level());
	(void)prctl(PR_SET_NAME, argv[2], 0, 0, 0);
	if (role_begin(&why) != OK) {
		log_line(LOG_ERROR, "role-failed", "%s", why.text);
		return 4;
	}
	loop_run(env.loop);
	chan_flush_all(NULL);
	/* Not through exit(): what libraries do there no role needs, and some
	 * of it no role may. */
	_exit(0);
}
