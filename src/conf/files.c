/* files: the machine's files as conf sees them: PEM and policies
 * read, secrets looked at. */
#include "conf/conf-in.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/sys.h"

static enum err
look_real(void *arg, const char *path, bool *shared, struct note *why)
{
	struct stat st;

	(void)arg;
	if (stat(path, &st) < 0 || access(path, R_OK) < 0) {
		note_set(why, "%s: %s", path, strerror(errno));
		return ERR_OS;
	}
	if (!S_ISREG(st.st_mode)) {
		note_set(why, "%s is not a regular file", path);
		return ERR_OS;
	}
	*shared = (st.st_mode & (S_IRGRP | S_IROTH)) != 0;
	return OK;
}

static enum err
read_real(
    void *arg, const char *path, size_t max, struct buf *out, struct note *why)
{
	(void)arg;
	return file_read(path, max, out, why);
}

static enum err
list_real(void *arg, const char *path, struct buf *names, struct note *why)
{
	DIR *d = opendir(path);
	const struct dirent *e;

	(void)arg;
	if (d == NULL && errno == ENOTDIR)
		return ERR_MORE;
	if (d == NULL) {
		note_set(why, "%s: %s", path, strerror(errno));
		return ERR_OS;
	}
	while ((e = readdir(d)) != NULL)
		buf_put(names, e->d_name, strlen(e->d_name) + 1);
	(void)closedir(d);
	return buf_end(names);
}

const struct conf_files conf_files_real = {
	.read = read_real,
	.look = look_real,
	.list = list_real,
};
