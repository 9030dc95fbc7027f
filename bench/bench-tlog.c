/*
 * bench-tlog: what checking a log costs.  Method: a log of 200,000 entries of
 * 600 bytes in a directory is judged whole, its files read anew each round
 * (they are in the page cache; the digests are what costs); then proofs of
 * random entries out of the tiles of 10 million, each tile file dropped from
 * the cache before its proof.  Medians; p99 of the proofs too.
 *
 *   bench-tlog [--json] [--quick] [DIR]
 *   bench-tlog --write DIR N      a log of N entries with a checkpoint, and
 *                                 proofs, for clients of others
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench-in.h"
#include "checkpoint/checkpoint.h"
#include "tlog/tlog.h"

enum { ENTRY = 600, JUDGED = 200000, TREE = 10000000, PROOFS = 1000 };

struct dir {
	struct tlog_store s;
	const char *path;
	bool tiles_alone; /* bundles are not kept */
	bool cold;	  /* what is read leaves the cache first */
};

static void
full_path(const struct dir *d, struct str path, char out[static 4096])
{
	(void)snprintf(out, 4096, "%s/%.*s", d->path, STR_ARG(path));
}

static enum err
dir_read(struct tlog_store *s, struct str path, struct buf *out)
{
	const struct dir *d = (const struct dir *)(void *)s;
	char full[4096], *to = NULL;
	struct stat st;
	ssize_t n = -1;
	int fd;

	full_path(d, path, full);
	fd = open(full, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return ERR_GONE;
	if (d->cold)
		(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	if (fstat(fd, &st) == 0)
		to = buf_room(out, (size_t)st.st_size);
	if (to != NULL)
		n = read(fd, to, (size_t)st.st_size);
	if (n > 0)
		buf_add(out, (size_t)n);
	(void)close(fd);
	return out->full ? ERR_LIMIT : n < 0 || n != st.st_size ? ERR_OS : OK;
}

static enum err
dir_write(struct tlog_store *s, struct str path, struct str bytes)
{
	const struct dir *d = (const struct dir *)(void *)s;
	char full[4096];
	ssize_t n;
	int fd;

	if (d->tiles_alone && str_starts(path, STR("tile/entries/")))
		return OK;
	full_path(d, path, full);
	fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 && errno == ENOENT) {
		for (char *p = full + strlen(d->path) + 1;
		     (p = strchr(p, '/')) != NULL; *p++ = '/') {
			*p = '\0';
			(void)mkdir(full, 0755);
		}
		fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	}
	if (fd < 0)
		return ERR_OS;
	n = write(fd, bytes.p, bytes.n);
	(void)close(fd);
	return n == (ssize_t)bytes.n ? OK : ERR_OS;
}

static struct dir
dir_of(const char *path)
{
	(void)mkdir(path, 0755);
	return (struct dir){ .s = { dir_read, dir_write }, .path = path };
}

/* Entry i, always the same. */
static struct str
entry(uint64_t i, size_t n, char out[static ENTRY])
{
	const int len = snprintf(
	    out, ENTRY, "{\"seq\":%llu,\"text\":\"", (unsigned long long)i + 1);

	memset(out + len, 'a' + (int)(i % 26), n - (size_t)len);
	memcpy(out + n - 2, "\"}", 2);
	return (struct str){ out, n };
}

static struct tlog_range
write_log(struct dir *d, uint64_t n, size_t bytes)
{
	struct tlog_writer *w = NULL;
	struct tlog_range r;
	struct note why;
	char text[ENTRY];

	BUG_ON(tlog_writer_new(&d->s, 0, &w, &why) != OK);
	for (uint64_t i = 0; i < n; i++)
		BUG_ON(tlog_add(w, entry(i, bytes, text)) != OK);
	BUG_ON(tlog_flush(w) != OK);
	r = *tlog_writer_range(w);
	tlog_writer_free(w);
	return r;
}

/* ---- measuring ---- */

/* Entries a second. */
static double
judging(const char *path, uint64_t n)
{
	struct dir d = dir_of(path);
	const struct tlog_range r = write_log(&d, n, ENTRY);
	const struct tlog_hash root = tlog_range_root(&r);
	double ns[5];

	for (size_t i = 0; i < countof(ns); i++) {
		const uint64_t from = bench_now();
		struct tlog_found f;
		struct note why;

		BUG_ON(tlog_judge(&d.s, n, &root, NULL, &f, &why) != OK);
		BUG_ON(!f.sound || f.tiles_bad > 0);
		ns[i] = (double)(bench_now() - from);
	}
	qsort(ns, countof(ns), sizeof(ns[0]), bench_by_size);
	return (double)n * 1e9 / ns[countof(ns) / 2];
}

static void
proving(const char *path, uint64_t n, double *p50_ms, double *p99_ms)
{
	struct dir d = dir_of(path);
	struct tlog_range r;
	struct tlog_hash root;
	static double ns[PROOFS];
	uint64_t seed = 88172645463325252U;

	d.tiles_alone = true;
	r = write_log(&d, n, 64);
	root = tlog_range_root(&r);
	sync(); /* only what is written can leave the cache */
	d.cold = true;
	for (size_t i = 0; i < PROOFS; i++) {
		struct tlog_reader *reader;
		struct tlog_proof p;
		struct tlog_hash leaf;
		struct note why;
		char text[ENTRY];
		uint64_t at, from;

		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		at = seed % n;
		from = bench_now();
		reader = tlog_reader_new(&d.s, n);
		BUG_ON(tlog_prove_inclusion(reader, at, &p, &why) != OK);
		tlog_reader_free(reader);
		ns[i] = (double)(bench_now() - from);
		leaf = tlog_leaf(entry(at, 64, text));
		BUG_ON(tlog_check_inclusion(at, n, &leaf, &p, &root) != OK);
	}
	qsort(ns, PROOFS, sizeof(ns[0]), bench_by_size);
	*p50_ms = ns[PROOFS / 2] / 1e6;
	*p99_ms = ns[PROOFS * 99 / 100] / 1e6;
}

/* ---- writing for others ---- */

static void
save(const struct dir *d, const char *name, struct buf *b)
{
	BUG_ON(dir_write((struct tlog_store *)(uintptr_t)&d->s, str_of(name),
		   buf_view(b)) != OK);
	buf_clear(b);
}

static void
note_of(const struct vkey keys[static 2], unsigned char seeds[2][VKEY_SEED],
    uint64_t size, const struct tlog_hash *root, struct buf *out)
{
	struct buf text = { .max = 4096 };
	struct note why;

	checkpoint_put(keys[0].name, size, root, &text);
	buf_str(out, buf_view(&text));
	buf_ch(out, '\n');
	for (unsigned i = 0; i < 2; i++)
		BUG_ON(signed_add(&keys[i], seeds[i], 1764316800,
			   buf_view(&text), out, &why) != OK);
	buf_done(&text);
}

/* Files vkey, cosigner, checkpoint, proof-N.tlog-proof and, a hash a line as a
 * tlog-proof has them, consistency-N from every size up to 40 and a few more.
 */
static void
write_for_others(const char *path, uint64_t n)
{
	struct dir d = dir_of(path);
	const struct tlog_range r = write_log(&d, n, 100);
	const struct tlog_hash root = tlog_range_root(&r);
	unsigned char seeds[2][VKEY_SEED] = { { 1 }, { 2 } };
	struct vkey keys[2];
	struct buf b = { .max = 1 << 20 }, note = { .max = 1 << 16 };
	struct tlog_reader *reader = tlog_reader_new(&d.s, n);
	struct tlog_proof p;
	struct note why;

	BUG_ON(vkey_make(STR("gatehouse.example/log"), VKEY_ED25519, seeds[0],
		   &keys[0], &why) != OK);
	BUG_ON(vkey_make(STR("witness.example"), VKEY_COSIGNATURE, seeds[1],
		   &keys[1], &why) != OK);
	vkey_put(&keys[0], &b);
	save(&d, "vkey", &b);
	vkey_put(&keys[1], &b);
	save(&d, "cosigner", &b);
	note_of(keys, seeds, n, &root, &note);
	buf_str(&b, buf_view(&note));
	save(&d, "checkpoint", &b);
	for (uint64_t i = 0; i < n; i += i < 40 ? 1 : i / 7) {
		char name[64];

		BUG_ON(tlog_prove_inclusion(reader, i, &p, &why) != OK);
		proof_put(i, &p, buf_view(&note), &b);
		(void)snprintf(name, sizeof(name), "proof-%llu.tlog-proof",
		    (unsigned long long)i);
		save(&d, name, &b);
		BUG_ON(tlog_prove_consistency(reader, i + 1, &p, &why) != OK);
		for (size_t k = 0; k < p.n; k++) {
			base64_put(&b,
			    (struct str){ (const char *)p.at[k].b, TLOG_HASH });
			buf_ch(&b, '\n');
		}
		(void)snprintf(name, sizeof(name), "consistency-%llu",
		    (unsigned long long)i + 1);
		save(&d, name, &b);
	}
	tlog_reader_free(reader);
	buf_done(&b);
	buf_done(&note);
}

static int
removed(const char *path, const struct stat *st, int kind, struct FTW *f)
{
	(void)st;
	(void)kind;
	(void)f;
	return remove(path);
}

int
main(int argc, char **argv)
{
	bool json = false, quick = false;
	char top[4096] = "/tmp/gatehouse-tlog-XXXXXX", judged[4200],
	     proved[4200];
	uint64_t tree = TREE, entries = JUDGED;
	double rate, p50, p99;

	if (argc == 4 && strcmp(argv[1], "--write") == 0) {
		write_for_others(argv[2], strtoull(argv[3], NULL, 10));
		return 0;
	}
	for (; argc > 1 && argv[1][0] == '-'; argc--, argv++) {
		json = json || strcmp(argv[1], "--json") == 0;
		quick = quick || strcmp(argv[1], "--quick") == 0;
	}
	if (argc == 2)
		(void)snprintf(top, sizeof(top), "%.4000s", argv[1]);
	else
		BUG_ON(mkdtemp(top) == NULL);
	if (quick)
		tree /= 10, entries /= 4;
	(void)snprintf(judged, sizeof(judged), "%s/judged", top);
	(void)snprintf(proved, sizeof(proved), "%s/proved", top);
	rate = judging(judged, entries);
	proving(proved, tree, &p50, &p99);
	printf(json ? "{\"judged_per_s\":%.0f,\"tree\":%llu,\"proof_p50_ms\":"
		      "%.4f,\"proof_p99_ms\":%.4f}\n"
		    : "%.0f entries/s judged; in a tree of %llu a proof takes "
		      "p50 %.3f ms, p99 %.3f ms\n",
	    rate, (unsigned long long)tree, p50, p99);
	if (argc != 2) /* ours */
		(void)nftw(top, removed, 16, FTW_DEPTH | FTW_PHYS);
	return 0;
}
