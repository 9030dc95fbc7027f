/*
 * parent-prune.c: segments that log.retention ended go.  Role tiles says from
 * which on they stay, and could say anything: only what was not written to for
 * that long goes, and nothing that a start reads or somebody holds open.
 */
#include "role/parent-in.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "role/side.h"

struct pruning {
	uint64_t cells[LEDGER_CELLS_MAX], budget; /* the first that stays */
	time_t before;
	unsigned gone;
};

/* The oldest segment of a cell that a start may read. */
static uint64_t
floor_of(const struct cell *c)
{
	uint64_t bytes = 0, n = (uint64_t)c->segment + 1;

	while (n > 1 && bytes <= LEDGER_READ_BACK) {
		char name[64], file[72];
		struct stat st;

		segment_name(c, (unsigned)--n, name);
		(void)snprintf(file, sizeof(file), "%s.seg", name);
		if (fstatat(house.ledger_dir, file, &st, AT_SYMLINK_NOFOLLOW) ==
		    0)
			bytes += (uint64_t)st.st_size;
	}
	return c->open_n > 0 && c->open[0].number < n ? c->open[0].number : n;
}

static void
file_look(void *arg, const char *name)
{
	struct pruning *p = arg;
	unsigned long cell, n = 0;
	uint64_t first = 0;
	char same[72] = "", *end;
	struct stat st;

	/* Read loosely: what the numbers do not give again is no segment. */
	if (str_starts(str_of(name), STR("cell-"))) {
		cell = strtoul(name + 5, &end, 10);
		n = *end == '-' ? strtoul(end + 1, &end, 10) : 0;
		first = cell < LEDGER_CELLS_MAX ? p->cells[cell] : 0;
		(void)snprintf(
		    same, sizeof(same), "cell-%lu-%06lu.seg", cell, n);
	} else if (str_starts(str_of(name), STR("budget-"))) {
		n = strtoul(name + 7, &end, 10);
		first = p->budget;
		(void)snprintf(same, sizeof(same), "budget-%06lu.seg", n);
	}
	if (n == 0 || n >= first || strcmp(name, same) != 0 ||
	    fstatat(house.ledger_dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    st.st_mtime >= p->before)
		return;
	p->gone += unlinkat(house.ledger_dir, name, 0) == 0;
}

static uint64_t
least(int64_t said, uint64_t most)
{
	return said < 0 ? 0 : (uint64_t)said < most ? (uint64_t)said : most;
}

void
prune_said(const struct msg *m)
{
	const struct jv log = jv_get(house.image, STR("log"));
	const struct jv rec = msg_tree(m, F_REC);
	struct jit it = jit_of(jv_get(rec, STR("cells")));
	struct pruning p = { .gone = 0 };
	int64_t ms = 0, n = 0;
	struct jv v;

	if (jv_i64(jv_get(log, STR("retention_ms")), &ms) != OK || ms <= 0)
		return;
	p.before = (time_t)(now_wall() / 1000000000) - (time_t)(ms / 1000);
	for (unsigned i = 0; jit_next(&it, NULL, &v) && i < LEDGER_CELLS_MAX;
	     i++) {
		/* one that no cell of this life has: no start reads it */
		const uint64_t most =
		    i < house.cells ? floor_of(&house.cell[i]) : UINT64_MAX;

		if (jv_i64(v, &n) == OK)
			p.cells[i] = least(n, most);
	}
	if (jv_i64(jv_get(rec, STR("budget")), &n) == OK)
		p.budget = least(n, house.budget_first);
	if (side_names(house.ledger_dir, file_look, &p) != OK ||
	    fsync(house.ledger_dir) < 0)
		log_line(LOG_WARN, "prune", "the ledger's directory: %s",
		    strerrordesc_np(errno));
	if (p.gone > 0)
		log_line(LOG_INFO, "prune", "%u segments removed", p.gone);
}
