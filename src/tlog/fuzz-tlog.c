/* fuzz-tlog: paths, bundles, and a log of files from anywhere.  First byte: the
 * log's size; then the bytes are every file that is asked for. */
#include "tlog/tlog-in.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

struct any {
	struct tlog_store s;
	struct str bytes;
	unsigned reads;
};

/* The file at a path is a piece of the input that its name chooses. */
static enum err
any_read(struct tlog_store *s, struct str path, struct buf *out)
{
	struct any *a = (struct any *)s;
	struct tlog_tile t;
	size_t from;

	BUG_ON(tlog_tile_of(path, &t) != OK);
	if (++a->reads > 4096 || a->bytes.n == 0)
		return ERR_GONE;
	from = (size_t)hash64(path, 1) % a->bytes.n;
	buf_str(out,
	    str_sub(a->bytes, from,
		t.level == TLOG_ENTRIES ? a->bytes.n : (size_t)t.width * 32));
	return buf_end(out);
}

static void
paths(struct str s)
{
	struct tlog_tile t;
	char path[TLOG_PATH_MAX];

	if (tlog_tile_of(s, &t) != OK)
		return;
	tlog_tile_path(t, path);
	BUG_ON(!str_eq(s, str_of(path)));
}

static void
bundle(struct str s)
{
	struct str rest = s, entry;
	bool bad = false;
	size_t n = 0;

	while (tlog_entry_next(&rest, &entry, &bad))
		n += 2 + entry.n;
	BUG_ON(n + rest.n != s.n || bad != (rest.n > 0));
}

static void
log_of(struct any *a, uint64_t size)
{
	struct tlog_hash root = { { 0 } };
	struct tlog_reader *r = tlog_reader_new(&a->s, size);
	struct tlog_proof p;
	struct tlog_found f;
	struct note why;

	if (r != NULL && size > 0 && tlog_root(r, size, &root, &why) == OK) {
		struct tlog_hash leaf = { { 0 } };

		BUG_ON(tlog_prove_inclusion(r, size / 2, &p, &why) == OK &&
		       tlog_check_inclusion(size / 2, size, &leaf, &p, &root) ==
			   ERR_SYNTAX);
		BUG_ON(
		    tlog_prove_consistency(r, (size + 1) / 2, &p, &why) == OK &&
		    tlog_check_consistency(
			(size + 1) / 2, size, &root, &root, &p) == ERR_SYNTAX);
	}
	tlog_reader_free(r);
	a->reads = 0;
	BUG_ON(tlog_judge(&a->s, size, &root, NULL, &f, &why) != OK);
	BUG_ON(f.count[0] + f.count[1] + f.count[2] + f.count[3] != size);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str s = { (const char *)p, n };
	struct any a = { .s = { any_read, NULL, 0 } };

	paths(s);
	bundle(s);
	if (n < 2)
		return 0;
	a.bytes = str_sub(s, 2, n);
	log_of(&a, (uint64_t)p[0] << (p[1] % 54));
	return 0;
}
