/* fuzz-index: any bytes as the file of an index.  SQLite reads them; what it
 * hands out must be taken for what it is, and all questions end. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "index/index.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static bool
got(void *arg, const struct index_row *row)
{
	unsigned *left = arg;

	for (size_t i = 0; i < row->n && i < INDEX_COLUMNS; i++)
		BUG_ON(!utf8_ok(row->at[i].s));
	return --*left > 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char path[64];
	struct index *x = NULL;
	struct index_cell cell[2];
	struct note why;
	size_t count;
	int fd;

	(void)snprintf(
	    path, sizeof(path), "/dev/shm/fuzz-index-%d", (int)getpid());
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || write(fd, data, n) != (ssize_t)n)
		return 0;
	(void)close(fd);
	if (index_open(path, &x, &why) == OK) {
		(void)!index_cells(x, cell, 2, &count, &why);
		for (size_t i = 0; i < index_queries_n; i++) {
			struct index_filter f = { .since = 1 };
			unsigned left = 100;

			f.by[INDEX_SUBJECT] = STR("ann");
			if (index_queries[i].arg != INDEX_BY__N)
				f.by[index_queries[i].arg] = STR("read");
			(void)!index_ask(
			    x, &index_queries[i], &f, got, &left, &why);
		}
		index_free(x);
	}
	(void)unlink(path);
	return 0;
}
