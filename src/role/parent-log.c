/*
 * parent-log.c: what only the parent may open for the log's sake: directories
 * that checkpoints are published in, and, where this house is a witness to
 * others, its listening socket and the directory of what it cosigned last.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "role/parent-in.h"

static enum err
publish_open(struct str file, int *fd, struct note *why)
{
	char path[PATH_MAX], *slash;

	(void)snprintf(path, sizeof(path), "%.*s", STR_ARG(file));
	slash = strrchr(path, '/');
	if (slash == NULL || file.n >= sizeof(path)) {
		note_set(why, "log.publish: not a path of a file");
		return ERR_SYNTAX;
	}
	slash[slash == path ? 1 : 0] = '\0';
	*fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd >= 0)
		return OK;
	note_set(why, "log.publish: %.150s: %s", path, strerrordesc_np(errno));
	return ERR_OS;
}

enum err
log_open(struct note *why)
{
	const struct jv log = jv_get(house.image, STR("log"));
	const struct jv witness = jv_get(house.image, STR("witness"));
	struct jit it = jit_of(jv_get(log, STR("files")));
	struct note what = { .text = "" };
	struct jv v;

	while (jit_next(&it, NULL, &v) &&
	       house.publish_n < countof(house.publish)) {
		TRY(publish_open(
		    jv_str(v), &house.publish[house.publish_n], why));
		house.publish_n++;
	}
	if (!jv_is(witness, J_OBJ))
		return OK;
	TRY(open_dir(house.state_dir, "witness", &house.witness_dir, why));
	if (open_listener(jv_str(jv_get(witness, STR("listen"))),
		&house.witness, &what) == OK)
		return OK;
	note_set(why, "witness: %s", what.text);
	return ERR_OS;
}

bool
log_remotes(void)
{
	return jv_count(
		   jv_get(jv_get(house.image, STR("log")), STR("remotes"))) > 0;
}

enum err
log_give(struct proc *p)
{
	if (p->id == ROLE_WITNESS)
		return post_fd(p, "witness", 0, house.witness, -1);
	if (p->id == ROLE_COSIGN) {
		TRY(post_fd(p, "witness", 0, house.witness_dir, -1));
		return secrets_give(p);
	}
	TRY(post_fd(p, "log", 0, house.log_dir, -1));
	for (size_t i = 0; i < house.publish_n; i++)
		TRY(post_fd(p, "publish", i, house.publish[i], -1));
	return OK;
}
