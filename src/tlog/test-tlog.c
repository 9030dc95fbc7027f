/* test-tlog: proofs of every index of every size up to a few hundred, against
 * the recursive definitions of RFC 6962 s.2.1; files, names, going on. */
#include "tlog/test-store.h"
#include "tlog/tlog-in.h"

enum { SIZES = 300, BIG = 70000 };

static struct tlog_hash leaves[BIG + 1];

/* MTH as RFC 6962 s.2.1 defines it. */
static struct tlog_hash
mth(uint64_t lo, uint64_t hi)
{
	struct tlog_hash a, b;
	uint64_t k = 1;

	if (hi == lo) {
		const struct tlog_range none = { .size = 0 };

		return tlog_range_root(&none);
	}
	if (hi - lo == 1)
		return leaves[lo];
	while (2 * k < hi - lo)
		k *= 2;
	a = mth(lo, lo + k);
	b = mth(lo + k, hi);
	return tlog_node(&a, &b);
}

static void
leaves_make(void)
{
	for (uint64_t i = 0; i < BIG; i++) {
		char text[96];
		const int n = snprintf(text, sizeof(text), "t %llu %.*s",
		    (unsigned long long)i, (int)(i % 23),
		    "abcdefghijklmnopqrstuvwxyz");

		leaves[i] = tlog_leaf((struct str){ text, (size_t)n });
	}
}

/* RFC 6962's own test roots, published in many places, of 0 to 8 leaves. */
static void
test_known(void)
{
	static const struct {
		const char *leaf;
		size_t n;
	} in[] = { { "", 0 }, { "\x00", 1 }, { "\x10", 1 }, { "\x20\x21", 2 },
		{ "\x30\x31", 2 }, { "\x40\x41\x42\x43", 4 },
		{ "\x50\x51\x52\x53\x54\x55\x56\x57", 8 },
		{ "\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e"
		  "\x6f",
		    16 } };
	static const char *const root[] = {
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934c"
		"a495991b7852b855",
		"6e340b9cffb37a989ca544e6bb780a2c78901d3fb3373876"
		"8511a30617afa01d",
		"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd"
		"8d98662f00e3c125",
		"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba"
		"159158f329e06e77",
		"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe"
		"8b30cd95209614b7",
		"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612"
		"bfce4c13a86264d4",
		"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277"
		"b5232a127f2087ef",
		"ddb89be403809e325750d3d263cd78929c2942b7942a34b7"
		"7e122c9594a74c8c",
		"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960"
		"cfe370eff4604328",
	};
	struct tlog_range r = { .size = 0 };

	for (size_t i = 0; i <= countof(in); i++) {
		const struct tlog_hash got = tlog_range_root(&r);
		struct tlog_hash want = { { 0 } };

		ok(hex_bytes(str_of(root[i]), want.b, TLOG_HASH) == OK &&
			tlog_same(&got, &want),
		    "the published root of %zu leaves", i);
		if (i < countof(in)) {
			const struct tlog_hash h =
			    tlog_leaf((struct str){ in[i].leaf, in[i].n });

			tlog_range_add(&r, &h);
		}
	}
}

/* No proof of one place proves another: each is changed in every way. */
static unsigned
forged(uint64_t i, uint64_t size, const struct tlog_proof *p,
    const struct tlog_hash *root)
{
	const struct tlog_hash *leaf = leaves + i;
	struct tlog_proof q = *p;
	unsigned taken = 0;

	taken += tlog_check_inclusion(i, size, leaf + 1, p, root) == OK;
	taken +=
	    i > 0 && tlog_check_inclusion(i - 1, size, leaf, p, root) == OK;
	taken += i + 1 < size &&
		 tlog_check_inclusion(i + 1, size, leaf, p, root) == OK;
	taken += tlog_check_inclusion(size, size, leaf, p, root) == OK;
	if (q.n > 0) {
		q.n--;
		taken +=
		    tlog_check_inclusion(i, size, leaf, &q, root) != ERR_SYNTAX;
		q.n = p->n;
		q.at[size % q.n].b[i % TLOG_HASH] ^= 1;
		taken +=
		    tlog_check_inclusion(i, size, leaf, &q, root) != ERR_DENIED;
	}
	q = *p;
	q.at[q.n++] = *root;
	taken += tlog_check_inclusion(i, size, leaf, &q, root) != ERR_SYNTAX;
	return taken;
}

static void
test_inclusion(struct mem_store *m)
{
	unsigned wrong = 0, taken = 0, n = 0;

	for (uint64_t size = 1; size <= SIZES; size++) {
		struct tlog_reader *r = tlog_reader_new(&m->s, size);
		const struct tlog_hash root = mth(0, size);
		struct note why;
		struct tlog_hash h;

		wrong +=
		    tlog_root(r, size, &h, &why) != OK || !tlog_same(&h, &root);
		for (uint64_t i = 0; i < size; i++) {
			struct tlog_proof p;

			n++;
			if (tlog_prove_inclusion(r, i, &p, &why) != OK ||
			    tlog_check_inclusion(
				i, size, &leaves[i], &p, &root) != OK)
				wrong++;
			else
				taken += forged(i, size, &p, &root);
		}
		tlog_reader_free(r);
	}
	ok(n == SIZES * (SIZES + 1) / 2 && wrong == 0,
	    "every entry of every tree up to %d is proved: %u proofs", SIZES,
	    n);
	ok(taken == 0, "and none of them proves anything else");
}

static void
test_consistency(struct mem_store *m)
{
	unsigned wrong = 0, taken = 0, n = 0;

	for (uint64_t size = 1; size <= SIZES; size++) {
		struct tlog_reader *r = tlog_reader_new(&m->s, size);
		const struct tlog_hash root = mth(0, size);
		struct note why;

		for (uint64_t old = 1; old <= size; old++) {
			const struct tlog_hash was = mth(0, old);
			struct tlog_proof p;

			n++;
			if (tlog_prove_consistency(r, old, &p, &why) != OK ||
			    tlog_check_consistency(
				old, size, &was, &root, &p) != OK ||
			    tlog_check_growth(old, size, &was, &root, &p) !=
				OK) {
				wrong++;
				continue;
			}
			taken += tlog_check_consistency(
				     old, size, &root, &was, &p) == OK &&
				 old != size;
			taken += tlog_check_consistency(
				     old, size, &leaves[old], &root, &p) == OK;
			taken += tlog_check_consistency(
				     old - 1, size, &was, &root, &p) == OK;
			if (p.n > 0) {
				p.at[size % p.n].b[old % TLOG_HASH] ^= 4;
				taken += tlog_check_consistency(old, size, &was,
					     &root, &p) != ERR_DENIED;
			}
		}
		tlog_reader_free(r);
	}
	ok(n == SIZES * (SIZES + 1) / 2 && wrong == 0,
	    "every two trees up to %d are consistent: %u proofs", SIZES, n);
	ok(taken == 0, "and no proof says it of others");
}

static void
test_growth(void)
{
	const struct tlog_hash none = mth(0, 0), one = mth(0, 1);
	struct tlog_proof p = { .n = 0 };

	ok(tlog_check_growth(0, 1, &none, &one, &p) == OK &&
		tlog_check_growth(0, 0, &none, &none, &p) == OK,
	    "a witness lets everything grow from nothing");
	ok(tlog_check_growth(0, 1, &one, &one, &p) == ERR_DENIED &&
		tlog_check_growth(0, 0, &none, &one, &p) == ERR_DENIED,
	    "whose root must be the empty one");
	ok(tlog_check_consistency(0, 1, &none, &one, &p) == ERR_SYNTAX,
	    "as a proof it is none");
	p.n = 1;
	ok(tlog_check_growth(0, 1, &none, &one, &p) == ERR_SYNTAX,
	    "and has no hashes");
}

static const struct {
	struct tlog_tile t;
	const char *path;
} names[] = {
	{ { 0, 0, 256 }, "tile/0/000" },
	{ { 0, 1234067, 256 }, "tile/0/x001/x234/067" },
	{ { TLOG_ENTRIES, 1000, 7 }, "tile/entries/x001/000.p/7" },
	{ { 63, 999, 255 }, "tile/63/999.p/255" },
	{ { 1, UINT64_C(72057594037927935), 1 },
	    "tile/1/x072/x057/x594/x037/x927/935.p/1" },
};
static const char *const no_names[] = { "", "tile", "tile/", "tile/0",
	"tile/0/", "tile/64/000", "tile/00/000", "tile/-1/000", "tile/0/00",
	"tile/0/0000", "tile/0/x000/001", "tile/0/001/002", "tile/0/x001",
	"tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01",
	"tile/0/000.p/", "tile/0/000.p/1/2", "tile/0/000/", "/tile/0/000",
	"tile/entries", "tile/Entries/000", "tile/0/ 00", "tile/0/+00",
	"tile/0/x999/x999/x999/x999/x999/x999/x999/999" };

static void
test_names(void)
{
	char path[TLOG_PATH_MAX];
	struct tlog_tile t;

	for (size_t i = 0; i < countof(names); i++) {
		tlog_tile_path(names[i].t, path);
		ok(strcmp(path, names[i].path) == 0 &&
			tlog_tile_of(str_of(path), &t) == OK &&
			t.level == names[i].t.level && t.n == names[i].t.n &&
			t.width == names[i].t.width,
		    "%s", names[i].path);
	}
	for (size_t i = 0; i < countof(no_names); i++)
		ok(tlog_tile_of(str_of(no_names[i]), &t) == ERR_SYNTAX,
		    "no tile: \"%s\"", no_names[i]);
}

/* The example of tlog-tiles: 70,000 entries are 273 full tiles and so on. */
static void
test_files(void)
{
	static const char *const there[] = { "tile/0/272", "tile/0/273.p/112",
		"tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1",
		"tile/entries/272", "tile/entries/273.p/112" };
	static const char *const not [] = { "tile/0/273", "tile/0/274.p/0",
		"tile/1/001", "tile/2/000", "tile/3/000.p/0" };
	struct mem_store m = store_new();
	const struct tlog_range r = store_log(&m, "t", BIG);
	const struct tlog_hash want = mth(0, BIG), got = tlog_range_root(&r);
	struct tlog_reader *reader = tlog_reader_new(&m.s, BIG);
	struct buf e = { .max = 100 };
	struct tlog_proof p;
	struct note why;

	ok(tlog_same(&want, &got), "the root of 70,000 entries");
	for (size_t i = 0; i < countof(there); i++)
		ok(store_file(&m, there[i]) != NULL, "there is %s", there[i]);
	for (size_t i = 0; i < countof(not ); i++)
		ok(store_file(&m, not [i]) == NULL, "there is no %s", not [i]);
	ok(tlog_entry(reader, 69999, &e, &why) == OK &&
		str_starts(buf_view(&e), STR("t 69999 ")),
	    "the last entry");
	ok(tlog_entry(reader, BIG, &e, &why) == ERR_LIMIT &&
		tlog_prove_inclusion(reader, BIG, &p, &why) == ERR_LIMIT,
	    "and none after it");
	m.reads = 0;
	ok(tlog_prove_inclusion(reader, 12345, &p, &why) == OK &&
		tlog_check_inclusion(12345, BIG, &leaves[12345], &p, &want) ==
		    OK,
	    "a proof from it");
	ok(m.reads <= 6, "reads %u tiles", m.reads);
	store_drop(&m, "tile/0/048");
	ok(tlog_prove_inclusion(reader, 0, &p, &why) == OK &&
		tlog_prove_inclusion(reader, 12500, &p, &why) == ERR_GONE &&
		strstr(why.text, "tile/0/048") != NULL,
	    "one that is gone is named: %s", why.text);
	tlog_reader_free(reader);
	buf_done(&e);
	store_done(&m);
}

/* Writing on from any size gives the same files as writing at once. */
static void
test_resume(void)
{
	static const uint64_t at[] = { 1, 2, 255, 256, 257, 511, 512, 700 };
	struct mem_store whole = store_new();
	struct note why = { "" };

	(void)store_log(&whole, "t", 1000);
	for (size_t i = 0; i < countof(at); i++) {
		struct mem_store m = store_new();
		struct tlog_writer *w = NULL;
		struct str key;
		void *v;
		size_t walk = 0;
		bool same = true;

		(void)store_log(&m, "t", at[i]);
		ok(tlog_writer_new(&m.s, at[i], &w, &why) == OK,
		    "goes on at %llu %s", (unsigned long long)at[i], why.text);
		store_fill(w, "t", at[i], 1000);
		same = tlog_flush(w) == OK;
		while (map_next(whole.files, &walk, &key, &v)) {
			const struct buf *f = map_get(m.files, key);

			same = same && f != NULL &&
			       str_eq(buf_view(f), buf_view(v));
		}
		ok(same, "and the files are the same");
		tlog_writer_free(w);
		store_done(&m);
	}
	store_done(&whole);
}

static void
test_resume_refused(void)
{
	struct mem_store m = store_new();
	struct tlog_writer *w = NULL;
	struct note why = { "" };

	(void)store_log(&m, "t", 300);
	ok(tlog_writer_new(&m.s, 301, &w, &why) == ERR_GONE && w == NULL,
	    "not where the tiles are not: %s", why.text);
	store_file(&m, "tile/entries/001.p/44")->p[5] ^= 1;
	ok(tlog_writer_new(&m.s, 300, &w, &why) == ERR_SYNTAX,
	    "nor on another bundle: %s", why.text);
	store_file(&m, "tile/entries/001.p/44")->p[5] ^= 1;
	ok(tlog_writer_new(&m.s, 300, &w, &why) == OK, "but on this one");
	m.fails = "tile/entries/001";
	for (unsigned i = 300; i < 511; i++)
		BUG_ON(tlog_add(w, STR("x")) != OK);
	ok(tlog_add(w, STR("x")) == ERR_OS && tlog_add(w, STR("x")) == ERR_OS &&
		tlog_flush(w) == ERR_OS,
	    "after a failed write nothing more is written");
	tlog_writer_free(w);
	m.fails = NULL;
	store_done(&m);
}

static void
test_long(void)
{
	static char big[TLOG_ENTRY_MAX + 1];
	struct mem_store m = store_new();
	struct tlog_writer *w = NULL;
	struct note why;

	ok(tlog_writer_new(&m.s, 0, &w, &why) == OK &&
		tlog_add(w, (struct str){ big, TLOG_ENTRY_MAX }) == OK &&
		tlog_add(w, STR("")) == OK &&
		tlog_add(w, (struct str){ big, sizeof(big) }) == ERR_LIMIT &&
		tlog_writer_size(w) == 2,
	    "an entry has 0 to 65,535 bytes");
	tlog_writer_free(w);
	store_done(&m);
}

int
main(void)
{
	struct mem_store m = store_new();

	leaves_make();
	/* smaller partial tiles are read from the full ones */
	(void)store_log(&m, "t", 256);
	(void)store_log(&m, "t", 512);
	test_known();
	test_inclusion(&m);
	test_consistency(&m);
	test_growth();
	test_names();
	test_files();
	test_resume();
	test_resume_refused();
	test_long();
	store_done(&m);
	return tap_done();
}
