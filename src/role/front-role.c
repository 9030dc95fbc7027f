/*
 * front-role: the role that faces agents, one for each cell.  It turns bytes
 * into typed messages and back, answers itself what is malformed, and decides
 * nothing: whatever stands goes to a judge, and only a judge's message is ever
 * written to an agent as an answer.
 */
#include "role/front-in.h"

#include "role/role.h"

static struct front *the_front; /* of this process */

static void
role_drained(struct front *f)
{
	loop_stop(f->loop);
}

static enum err
take_given(struct role_env *e, struct note *why)
{
	for (size_t i = 0; i < e->given_n; i++) {
		int *fd = e->given[i].fd;

		if (e->given[i].kind != MSG_LISTEN)
			continue;
		if ((e->given[i].flags & MF_STDIO) != 0) {
			stdio_start(the_front, fd[0], fd[1]);
		} else if (front_listen(the_front, fd[0]) != OK) {
			note_set(why, "cannot watch the listening socket");
			return ERR_OS;
		}
		fd[0] = fd[1] = -1;
	}
	return OK;
}

static void
link_to(struct role_env *e, enum role_id peer, unsigned instance,
    struct chan_fds *fds)
{
	(void)e;
	if (peer == ROLE_JUDGE)
		front_link(the_front, instance, fds);
	else if (peer == ROLE_KEYS)
		front_keys(the_front, fds);
	else
		chan_fds_done(fds);
}

static enum err
prepare(struct role_env *e, struct note *why)
{
	struct chan_fds fds;

	if (!head_ready()) {
		note_set(why, "SHA-256 is not there");
		return ERR_OS;
	}
	the_front = front_new(e->loop, e->image, e->instance, e->cells);
	the_front->drained = role_drained;
	for (unsigned cell = 0; cell < e->cells; cell++)
		if (role_link(e, ROLE_JUDGE, cell, &fds) == OK)
			front_link(the_front, cell, &fds);
	if (role_link(e, ROLE_KEYS, 0, &fds) == OK)
		front_keys(the_front, &fds);
	TRY(front_tls(the_front, e->image, why));
	return take_given(e, why);
}

static void
image(struct role_env *e, struct jv fresh)
{
	(void)e;
	front_image(the_front, fresh);
}

static void
drain(struct role_env *e)
{
	(void)e;
	front_drain(the_front);
}

const struct role role_front = {
	.id = ROLE_FRONT,
	.prepare = prepare,
	.link = link_to,
	.image = image,
	.drain = drain,
};
