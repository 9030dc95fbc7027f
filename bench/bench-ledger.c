/*
 * bench-ledger: what it costs that a record is durable, through the code that
 * the gateway runs: the judge's pen in this process, role ledger in another,
 * joined by a ring as always.
 *
 *   bench-ledger sync DIR             append 600 bytes and fdatasync, alone
 *   bench-ledger group DIR CALLERS S  CALLERS wait for a record each and then
 *                                     have the next one, for S seconds
 *   bench-ledger state STATE N        a state directory with N records of 600
 *                                     bytes in cell 0, in the log and under a
 *                                     checkpoint; its key must be there
 *
 * Each prints one JSON object.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench-in.h"
#include "role/judge-pen.h"
#include "role/keys-log.h"
#include "role/tiles-in.h"

enum { RECORD = 600, SYNCS = 2000, SLOTS = 1 << 20, BATCH = 2000 };
static const uint64_t segment_full = UINT64_C(64) << 20;

static _Noreturn void
die(const char *what)
{
	perror(what);
	exit(1);
}

static const char *dir;

static int
file_at(const char *name, int flags)
{
	char path[4096];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);
	if (fd < 0)
		die(path);
	return fd;
}

static double
quantile(double *us, size_t n, double q)
{
	qsort(us, n, sizeof(*us), bench_by_size);
	return us[(size_t)((double)(n - 1) * q)];
}

/* ---- sync ---- */

static int
bare_sync(void)
{
	static char bytes[RECORD];
	static double us[SYNCS];
	const int fd = file_at("sync", O_APPEND);
	size_t n = 0;

	memset(bytes, 'x', sizeof(bytes));
	for (; n < SYNCS; n++) {
		uint64_t t;

		if (write(fd, bytes, sizeof(bytes)) != sizeof(bytes))
			die("write");
		t = bench_now();
		if (fdatasync(fd) < 0)
			die("fdatasync");
		us[n] = (double)(bench_now() - t) / 1000;
	}
	(void)close(fd);
	printf("{\"p50_us\":%.1f,\"p99_us\":%.1f}\n", quantile(us, n, 0.5),
	    quantile(us, n, 0.99));
	return 0;
}

/* ---- records ---- */

/* What the ledger adds brings it to RECORD bytes, give or take digits. */
static void
record_make(struct buf *tape)
{
	static char text[RECORD];
	const size_t mark = tape_obj(tape);

	memset(text, 'x', sizeof(text));
	tape_key(tape, STR("cell"));
	tape_i64(tape, 0);
	tape_key(tape, STR("kind"));
	tape_str(tape, STR("decision"));
	tape_key(tape, STR("method"));
	tape_str(tape, STR("tools/call"));
	tape_key(tape, STR("name"));
	tape_str(tape, STR("echo"));
	tape_key(tape, STR("principal"));
	tape_str(tape, STR("local"));
	tape_key(tape, STR("reason"));
	tape_str(tape, (struct str){ text, RECORD - 166 });
	tape_key(tape, STR("server"));
	tape_str(tape, STR("up"));
	tape_key(tape, STR("verdict"));
	tape_str(tape, STR("allow"));
	tape_end(tape, mark, 8);
}

/* ---- group ---- */

static struct {
	struct role_env env;
	struct chan *ledger; /* the judge's to role ledger */
	struct chan *house;  /* the parent's to role ledger */
	struct buf image, rec;
	uint64_t segment, next, durable, end_ns, began[SLOTS];
	size_t callers;
	double *us;
	size_t done, cap;
	bool over;
} b = { .image = { .max = 1 << 16 }, .rec = { .max = 1 << 16 } };

static void
segment_name(uint64_t n, char out[static 64])
{
	(void)snprintf(out, 64, "cell-0-%06llu", (unsigned long long)n);
}

static void
segment_to_ledger(uint64_t n)
{
	struct msg m = msg_of(MSG_SEGMENT);
	char name[64];

	segment_name(n, name);
	msg_set(&m, F_SEQ, n);
	msg_set_text(&m, F_NAME, str_of(name));
	m.fd[0] = file_at(name, O_APPEND);
	if (chan_send(b.house, &m) != OK)
		die("segment");
}

/* The next records of those who got theirs. */
static void
call(uint64_t now)
{
	struct msg m = msg_of(MSG_RECORD);

	msg_set(&m, F_FLAGS, MF_STRICT);
	msg_set_text(&m, F_REC, buf_view(&b.rec));
	while (b.next <= b.durable + b.callers) {
		msg_set(&m, F_SEQ, b.next);
		if (pen_record(&m) != OK)
			die("record");
		b.began[b.next++ % SLOTS] = now;
	}
}

static void
heard(const struct msg *m)
{
	const uint64_t now = bench_now(), seq = msg_num(m, F_SEQ);

	if (msg_num(m, F_STATUS) != 0)
		die("the ledger broke");
	if (b.next == 0) { /* its first word: where the numbering goes on */
		b.durable = seq;
		b.next = seq + 1;
	} else if ((msg_num(m, F_FLAGS) & MF_STRICT) != 0) {
		for (; b.durable < seq; b.durable++)
			if (b.began[(b.durable + 1) % SLOTS] != 0 &&
			    b.done < b.cap)
				b.us[b.done++] =
				    (double)(now -
					     b.began[(b.durable + 1) % SLOTS]) /
				    1000;
	} else {
		return;
	}
	if (now < b.end_ns)
		call(now);
	else
		b.over = true;
}

static enum err
ask(const struct msg *m)
{
	return chan_send(b.ledger, m);
}

static void
ledger_got(struct chan *c, const struct msg *m)
{
	(void)c;
	pen_ledger_said(m);
}

/* What the judge asks of the parent, and what role ledger tells it. */
static void
house_got(struct chan *c, const struct msg *m)
{
	char name[64];

	if (m->kind != MSG_FULL || chan_peer(c) != ROLE_JUDGE)
		return;
	segment_name(++b.segment, name);
	pen_segment(b.segment, str_of(name), file_at(name, O_EXCL));
	segment_to_ledger(b.segment);
}

static void
gone(struct chan *c)
{
	(void)c;
	if (!b.over)
		die("a channel");
}

static void
flush(void *unused)
{
	pen_flush();
	chan_flush_all(unused);
}

/* Role ledger, as role.c runs it but for the walls. */
static void
ledger_from_parent(struct chan *c, const struct msg *m)
{
	(void)c;
	role_ledger.from_parent(&b.env, m);
}

static void
ledger_lost(struct chan *c)
{
	(void)c;
	_exit(0);
}

static void
ledger_life(struct chan_fds *judge, struct chan_fds *house)
{
	static const struct chan_ops ops = { ledger_from_parent, ledger_lost };
	struct note why;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	b.env.id = ROLE_LEDGER;
	b.env.loop = loop_new();
	b.env.parent = chan_new(
	    b.env.loop, house, ROLE_LEDGER, ROLE_PARENT, 0, &ops, NULL);
	b.env.link[0].peer = ROLE_JUDGE;
	b.env.link[0].fds = *judge;
	b.env.link_n = 1;
	b.env.given[0].kind = MSG_SEGMENT;
	b.env.given[0].seq = 1;
	b.env.given[0].fd[0] = file_at("cell-0-000001", O_APPEND);
	b.env.given_n = 1;
	if (role_ledger.prepare(&b.env, &why) != OK)
		_exit(1);
	loop_run(b.env.loop);
	_exit(0);
}

static void
image_make(void)
{
	const struct ledger_seen none = { .good = 0 };
	const size_t top = tape_obj(&b.image);
	size_t arr;

	tape_key(&b.image, STR("digest"));
	tape_str(&b.image, STR("bench"));
	tape_key(&b.image, STR("ledger"));
	arr = tape_arr(&b.image);
	ledger_seen_put(&none, 0, 0, &b.image);
	tape_end(&b.image, arr, 1);
	tape_end(&b.image, top, 2);
	b.env.image = jv_of(buf_view(&b.image));
}

static void
judge_life(struct chan_fds *ledger, struct chan_fds *house)
{
	static const struct chan_ops ops = { ledger_got, gone };
	static const struct chan_ops house_ops = { house_got, gone };
	static const struct pen_ops pen = { ask, heard };
	struct chan_fds ours, its;
	struct note why = { .text = "" };

	b.env.id = ROLE_JUDGE;
	b.env.loop = loop_new();
	if (chan_pair(false, &ours, &its) != OK)
		die("channel");
	b.env.parent = chan_new(
	    b.env.loop, &ours, ROLE_JUDGE, ROLE_PARENT, 0, &house_ops, NULL);
	(void)chan_new(
	    b.env.loop, &its, ROLE_PARENT, ROLE_JUDGE, 0, &house_ops, NULL);
	b.house = chan_new(
	    b.env.loop, house, ROLE_PARENT, ROLE_LEDGER, 0, &house_ops, NULL);
	b.ledger = chan_new(
	    b.env.loop, ledger, ROLE_JUDGE, ROLE_LEDGER, 0, &ops, NULL);
	image_make();
	record_make(&b.rec);
	b.env.given[0].kind = MSG_SEGMENT;
	b.env.given[0].seq = b.segment = 1;
	segment_name(1, b.env.given[0].name);
	b.env.given[0].fd[0] = file_at("cell-0-000001", 0);
	b.env.given_n = 1;
	if (pen_begin(&b.env, &pen, &why) != OK)
		die(why.text);
	loop_hooks(b.env.loop, flush, chan_busy_any, NULL);
	while (!b.over)
		loop_once(b.env.loop, 1000000000);
}

static int
group(size_t callers, unsigned seconds)
{
	struct chan_fds a, z, pa, pz;
	uint64_t start;
	double s;
	pid_t pid;

	if (callers == 0 || callers > SLOTS / 2)
		return 2;
	b.callers = callers;
	b.cap = (size_t)seconds * 2000000;
	b.us = mem_get(b.cap * sizeof(*b.us));
	if (chan_pair(true, &a, &z) != OK || chan_pair(false, &pa, &pz) != OK)
		die("channel");
	pid = fork();
	if (pid == 0)
		ledger_life(&z, &pz);
	start = bench_now();
	b.end_ns = start + seconds * UINT64_C(1000000000);
	judge_life(&a, &pa);
	s = (double)(bench_now() - start) / 1e9;
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	printf("{\"callers\":%zu,\"records\":%zu,\"per_s\":%.0f,\"p50_us\":"
	       "%.1f,\"p99_us\":%.1f,\"segments\":%llu}\n",
	    callers, b.done, (double)b.done / s, quantile(b.us, b.done, 0.5),
	    quantile(b.us, b.done, 0.99), (unsigned long long)b.segment);
	return 0;
}

/* ---- state ---- */

struct file_disk {
	struct disk disk;
	int fd;
};

static enum err
file_write(struct disk *d, struct str s)
{
	const struct file_disk *f = (const struct file_disk *)(void *)d;

	while (s.n > 0) {
		size_t n = 0;

		TRY(fd_write(f->fd, s, &n));
		s = str_sub(s, n, s.n - n);
	}
	return OK;
}

static void
cell_write(uint64_t records)
{
	struct file_disk disk = { { file_write, NULL }, -1 };
	struct tlog_range tree = { .size = 0 };
	struct ledger *l = NULL;
	struct buf rec = { .max = 1 << 16 };
	unsigned segment = 0;

	record_make(&rec);
	for (uint64_t seq = 1; seq <= records; seq++) {
		if (l == NULL || ledger_bytes(l) >= segment_full) {
			char name[64], path[80];

			if (l != NULL && ledger_write(l) != OK)
				die("segment");
			if (l != NULL)
				tree = *ledger_tree(l);
			ledger_free(l);
			fd_close(&disk.fd);
			segment_name(++segment, name);
			(void)snprintf(
			    path, sizeof(path), "ledger/%s.seg", name);
			disk.fd = file_at(path, O_EXCL);
			l = ledger_new(&disk.disk, str_of(name), &tree);
		}
		if (ledger_stage(l, seq, 1700000000000000000U + seq * 100000,
			jv_of(buf_view(&rec)), "digest",
			(struct jv){ NULL, 0 }) != OK ||
		    (seq % BATCH == 0 && ledger_write(l) != OK))
			die("record");
	}
	if (l != NULL && ledger_write(l) != OK)
		die("segment");
	ledger_free(l);
	fd_close(&disk.fd);
	buf_done(&rec);
}

/* Role tiles' own code makes the log, role keys' signs it. */
static double
log_write(void)
{
	const uint64_t start = bench_now();
	struct buf key = { .max = 1 << 16 }, out = { .max = 1 << 16 };
	struct merge *m = NULL;
	struct note why = { .text = "" };
	struct tlog_hash root;
	bool more = true;
	double s;

	if (chdir(dir) < 0 || file_read("keys/log.key", key.max, &key, &why))
		die("keys/log.key");
	if (chdir("log") < 0 || merge_open(1, &tiles_disk, &m, &why) != OK)
		die(why.text);
	while (more)
		if (merge_some(m, 500000, &more, &why) != OK)
			die(why.text);
	s = (double)(bench_now() - start) / 1e9;
	root = merge_root(m);
	if (keys_log_take(buf_view(&key), &why) != OK ||
	    keys_log_sign(merge_size(m),
		(struct str){ (const char *)root.b, sizeof(root.b) }, &out,
		&why) != OK ||
	    tiles_put(&tiles_disk, "checkpoint", buf_view(&out)) != OK)
		die(why.text);
	s = (double)merge_size(m) / s;
	merge_free(m);
	return s;
}

static int
state(uint64_t records)
{
	char path[4096];
	double merged;

	for (size_t i = 0; i < 2; i++) {
		(void)snprintf(
		    path, sizeof(path), "%s/%s", dir, i ? "log" : "ledger");
		if (mkdir(path, 0700) < 0)
			die(path);
	}
	cell_write(records);
	merged = log_write();
	printf("{\"records\":%llu,\"merged_per_s\":%.0f}\n",
	    (unsigned long long)records, merged);
	return 0;
}

int
main(int argc, char **argv)
{
	static uint64_t page[ROLE_PAGE / 8];

	counters = page;
	dir = argc > 2 ? argv[2] : "";
	if (argc == 3 && strcmp(argv[1], "sync") == 0)
		return bare_sync();
	if (argc == 5 && strcmp(argv[1], "group") == 0)
		return group(strtoul(argv[3], NULL, 10),
		    (unsigned)strtoul(argv[4], NULL, 10));
	if (argc == 4 && strcmp(argv[1], "state") == 0)
		return state(strtoull(argv[3], NULL, 10));
	return 2;
}
