/*
 * write-ledger: a ledger of any size, to measure what reads one:
 *   write-ledger DIR N [CELLS]
 * N records in DIR, in segments of at most 64 MiB: a start for each cell, then
 * decisions, one in ten a denial, the others with their outcomes, by 50 agents
 * on 200 tools of 10 servers, a session for every 20 calls.  What a gateway
 * writes beside them (policies, boundaries, identities, session_seq) is not in
 * it.  The same for the same N and CELLS, to the byte.
 */
#include <fcntl.h>
#include <unistd.h>

#include "ledger/ledger.h"
#include "json/json.h"

enum { SEGMENT = 64 * 1024 * 1024 - 128 * 1024, BATCH = 64 };

struct file {
	struct disk disk;
	int fd;
};
struct cell {
	struct file f;
	struct ledger *l;
	struct tlog_range tree;
	const char *dir;
	unsigned number, segment;
	struct buf tape, text;
};

static enum err
file_write(struct disk *d, struct str s)
{
	const struct file *f = (const struct file *)(const void *)d;

	while (s.n > 0) {
		const ssize_t n = write(f->fd, s.p, s.n);

		if (n <= 0)
			return ERR_OS;
		s = str_sub(s, (size_t)n, s.n);
	}
	return OK;
}

static enum err
file_sync(struct disk *d)
{
	(void)d;
	return OK;
}

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

static void
next_segment(struct cell *c)
{
	char name[64], path[4200];

	if (c->l != NULL) {
		if (ledger_write(c->l) != OK)
			die("write");
		c->tree = *ledger_tree(c->l);
		ledger_free(c->l);
		(void)close(c->f.fd);
	}
	(void)snprintf(
	    name, sizeof(name), "cell-%u-%06u", c->number, ++c->segment);
	(void)snprintf(path, sizeof(path), "%s/%s.seg", c->dir, name);
	c->f.disk = (struct disk){ file_write, file_sync };
	c->f.fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (c->f.fd < 0)
		die(path);
	c->l = ledger_new(&c->f.disk, str_of(name), &c->tree);
}

static uint64_t
noise(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9U;
	x = (x ^ x >> 27) * 0x94d049bb133111ebU;
	return x ^ x >> 31;
}

/* Appends a record; content gives it a digest of its own. */
static void
put(struct cell *c, uint64_t n, bool content)
{
	const uint64_t time = 1700000000000000000U + n * 1000000;
	struct buf args = { .max = 64 };
	struct jv rec;

	buf_clear(&c->tape);
	if (json_parse(buf_view(&c->text), &json_default, &c->tape, NULL) != OK)
		die("record");
	rec = jv_of(buf_view(&c->tape));
	tape_i64(&args, (int64_t)(noise(n) >> 16));
	if (ledger_stage(c->l, ledger_size(c->l) + 1, time, rec, "digest",
		content ? jv_of(buf_view(&args)) : (struct jv){ NULL, 0 }) !=
	    OK)
		die("stage");
	buf_done(&args);
	if (n % BATCH == 0 && ledger_write(c->l) != OK)
		die("write");
	if (ledger_bytes(c->l) > SEGMENT)
		next_segment(c);
	buf_clear(&c->text);
}

static void
put_decision(struct cell *c, uint64_t n, uint64_t call, bool allow)
{
	const uint64_t x = noise(call);
	const unsigned tool = (unsigned)(x % 200);

	buf_fmt(&c->text, "{\"cell\":%u,", c->number);
	if (x % 4 == 0)
		buf_fmt(&c->text,
		    "\"chain\":[{\"name\":\"person-%u\",\"provenance\":"
		    "\"connection-credential\",\"verified\":true}],",
		    (unsigned)(x >> 20) % 500);
	buf_fmt(&c->text,
	    "\"endpoint\":\"/mcp\",\"era\":\"2026-07-28\","
	    "\"kind\":\"decision\",\"method\":\"tools/call\",\"name\":"
	    "\"tool-%u\",\"policy\":\"%064x\",\"principal\":\"agent-%u\","
	    "\"reason\":\"%s\",\"rule\":\"rule-%u\",\"server\":\"server-%u\","
	    "\"session\":\"s%016llx\",\"step\":\"%s\",\"turn\":%llu,"
	    "\"verdict\":\"%s\"}",
	    tool, (unsigned)(n / 100000), (unsigned)(call / 20 % 50),
	    allow ? "permitted" : "no policy permits it", tool % 7, tool % 10,
	    (unsigned long long)noise(call / 20 + 1),
	    allow ? "dispatch" : "decide", (unsigned long long)call,
	    allow ? "allow" : "deny");
	put(c, n, true);
}

static void
fill(struct cell *c, size_t cells, uint64_t records)
{
	uint64_t n = 0;

	for (size_t i = 0; i < cells; i++) {
		buf_fmt(&c[i].text,
		    "{\"cell\":%u,\"config\":\"%064x\",\"kind\":\"start\"}",
		    c[i].number, 1U);
		put(&c[i], n++, false);
	}
	for (uint64_t call = 0; n < records; call++) {
		struct cell *k = &c[call % cells];
		const bool allow = call % 10 != 9;

		put_decision(k, n++, call, allow);
		if (!allow || n == records)
			continue;
		buf_fmt(&k->text,
		    "{\"cell\":%u,\"decision\":%llu,\"kind\":\"outcome\","
		    "\"status\":\"answered\",\"turn\":%llu}",
		    k->number, (unsigned long long)ledger_size(k->l),
		    (unsigned long long)call);
		put(k, n++, true);
	}
}

int
main(int argc, char **argv)
{
	enum { CELLS = 64 };
	static struct cell c[CELLS];
	uint64_t records = 0, cells = 1;

	if (argc < 3 || str_u64(str_of(argv[2]), &records) != OK ||
	    (argc > 3 && str_u64(str_of(argv[3]), &cells) != OK) ||
	    cells == 0 || cells > CELLS || records < cells) {
		(void)fputs("use: write-ledger DIR N [CELLS]\n", stderr);
		return 2;
	}
	for (unsigned i = 0; i < cells; i++) {
		c[i].number = i;
		c[i].dir = argv[1];
		c[i].tape.max = c[i].text.max = 1 << 16;
		next_segment(&c[i]);
	}
	fill(c, (size_t)cells, records);
	for (unsigned i = 0; i < cells; i++) {
		if (ledger_write(c[i].l) != OK)
			die("write");
		ledger_free(c[i].l);
		(void)close(c[i].f.fd);
		buf_done(&c[i].tape);
		buf_done(&c[i].text);
	}
	return 0;
}
