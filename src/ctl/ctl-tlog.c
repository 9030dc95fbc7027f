/*
 * ctl-tlog: "gatehouse ledger vectors|fsck": published proofs against our
 * checks, and anyone's log of tiles against its own checkpoint.
 */
#include <dirent.h>
#include <sys/stat.h>

#include "checkpoint/checkpoint.h"
#include "ctl/ledger-print.h"
#include "ctl/tlog-dir.h"
#include "sys/sys.h"

enum { FILE_MAX = 1024 * 1024, DEEP = 8, PATH = 4096, RUNS_MAX = 1000 };

/* ---- vectors ---- */

struct vectors {
	size_t passed, failed;
	struct buf text, tape;
};

/* A hash in base64.  A root of another length stands for itself: only whether
 * it is the same matters, so its digest takes its place. */
static bool
hash_of(struct jv v, bool root, struct tlog_hash *out)
{
	struct buf b = { .max = FILE_MAX };
	bool good = base64_get(jv_str(v), &b) == OK;

	if (good && b.n == TLOG_HASH)
		memcpy(out->b, b.p, TLOG_HASH);
	else if (good && root)
		*out = tlog_leaf(buf_view(&b));
	else
		good = false;
	buf_done(&b);
	return good;
}

static bool
u64_of(struct jv v, uint64_t *out)
{
	return jv_is(v, J_NUM) && str_u64(jv_str(v), out) == OK;
}

static bool
proof_of_vector(struct jv list, struct tlog_proof *out)
{
	struct jit it = jit_of(list);
	struct jv v;

	out->n = 0;
	while (jit_next(&it, NULL, &v))
		if (out->n == TLOG_PROOF_MAX ||
		    !hash_of(v, false, &out->at[out->n++]))
			return false;
	return true;
}

/* Does the vector say that we must refuse, and do we? */
static bool
inclusion(struct jv v, bool *refused)
{
	struct tlog_hash leaf, root;
	struct tlog_proof p;
	uint64_t index, size;

	if (!u64_of(jv_get(v, STR("leafIdx")), &index) ||
	    !u64_of(jv_get(v, STR("treeSize")), &size))
		return false;
	*refused = !hash_of(jv_get(v, STR("leafHash")), false, &leaf) ||
		   !hash_of(jv_get(v, STR("root")), true, &root) ||
		   !proof_of_vector(jv_get(v, STR("proof")), &p) ||
		   tlog_check_inclusion(index, size, &leaf, &p, &root) != OK;
	return true;
}

static bool
consistency(struct jv v, bool *refused)
{
	struct tlog_hash old_root, root;
	struct tlog_proof p;
	uint64_t old, size;

	if (!u64_of(jv_get(v, STR("size1")), &old) ||
	    !u64_of(jv_get(v, STR("size2")), &size))
		return false;
	*refused =
	    !hash_of(jv_get(v, STR("root1")), true, &old_root) ||
	    !hash_of(jv_get(v, STR("root2")), true, &root) ||
	    !proof_of_vector(jv_get(v, STR("proof")), &p) ||
	    tlog_check_consistency(old, size, &old_root, &root, &p) != OK;
	return true;
}

static void
vector(struct vectors *s, const char *path)
{
	struct note why = { "" };
	struct jv v;
	bool refused = false, known;

	buf_clear(&s->text);
	buf_clear(&s->tape);
	if (file_read(path, FILE_MAX, &s->text, &why) != OK ||
	    json_parse(buf_view(&s->text), &json_default, &s->tape, &why) !=
		OK) {
		printf("FAIL %s: %s\n", path, why.text);
		s->failed++;
		return;
	}
	v = jv_of(buf_view(&s->tape));
	known = jv_is(jv_get(v, STR("size1")), J_NUM) ? consistency(v, &refused)
						      : inclusion(v, &refused);
	if (known && refused == jv_true(jv_get(v, STR("wantErr")))) {
		s->passed++;
		return;
	}
	s->failed++;
	printf("FAIL %s: %s\n", path,
	    !known    ? "is neither an inclusion nor a consistency proof"
	    : refused ? "was refused"
		      : "was not refused");
}

/* false: the directory cannot be read. */
static bool
vectors_in(struct vectors *s, const char *dir, unsigned deep)
{
	struct dirent **names = NULL;
	const int n = scandir(dir, &names, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		char path[PATH];
		struct stat st;

		(void)snprintf(
		    path, sizeof(path), "%.3800s/%s", dir, names[i]->d_name);
		if (names[i]->d_name[0] != '.' && lstat(path, &st) == 0) {
			if (S_ISDIR(st.st_mode) && deep < DEEP)
				(void)vectors_in(s, path, deep + 1);
			else if (S_ISREG(st.st_mode) &&
				 str_ends(str_of(path), STR(".json")))
				vector(s, path);
		}
		free(names[i]);
	}
	free(names);
	return n >= 0;
}

int
ctl_ledger_vectors(struct ctl *c)
{
	struct vectors s = { .text = { .max = FILE_MAX },
		.tape = { .max = 4 * FILE_MAX } };
	const bool there = vectors_in(&s, c->arg[0], 0);

	buf_done(&s.text);
	buf_done(&s.tape);
	if (!there || s.passed + s.failed == 0)
		return ctl_say(c, CTL_UNREACHABLE,
		    "%s: no vectors there: it needs the directories "
		    "inclusion and consistency of JSON files",
		    c->arg[0]);
	printf("%zu passed, %zu failed\n", s.passed, s.failed);
	return s.failed == 0 ? CTL_YES : CTL_NO;
}

/* ---- fsck ---- */

struct fsck {
	struct ctl *c;
	struct checkpoint at;
	struct vkey key;
	bool trusted; /* the checkpoint is signed by key */
	struct note sign;
	struct tlog_found found;
	struct buf runs; /* text lines, or a tape of objects */
	size_t runs_n;
	uint64_t more; /* runs that are not listed */
};

static const char *const states[] = { [TLOG_UNKNOWN] = "unknown",
	[TLOG_HOLDS] = "hold",
	[TLOG_CHANGED] = "changed",
	[TLOG_MISSING] = "missing",
	[TLOG_PRUNED] = "pruned" };

static void
told(void *arg, const struct tlog_run *r)
{
	struct fsck *f = arg;

	if (f->runs_n == RUNS_MAX) {
		f->more++;
		return;
	}
	f->runs_n++;
	if (f->c->json) {
		struct members m = members_begin(&f->runs);

		member_u64(&m, "from", r->from);
		member_u64(&m, "to", r->to - 1);
		member_str(&m, "state", str_of(states[r->state]));
		members_end(&m);
	} else if (r->to - r->from == 1) {
		buf_fmt(&f->runs, "entry %llu: %s%s\n",
		    (unsigned long long)r->from, states[r->state],
		    r->state == TLOG_HOLDS ? "s" : "");
	} else {
		buf_fmt(&f->runs, "entries %llu to %llu: %s\n",
		    (unsigned long long)r->from, (unsigned long long)r->to - 1,
		    states[r->state]);
	}
}

/* What remains when not all is well. */
static void
conclude(const struct fsck *f, struct buf *b)
{
	const uint64_t *n = f->found.count;

	buf_str(b, STR("what an auditor may still conclude:\n"));
	if (!f->trusted)
		buf_str(b, STR("- nothing against the holder of the key: the "
			       "checkpoint is not its; what follows is under "
			       "the checkpoint's root alone\n"));
	buf_fmt(b,
	    "- %llu of %llu entries are, each at its index, those "
	    "under the checkpoint's root\n",
	    (unsigned long long)n[TLOG_HOLDS], (unsigned long long)f->at.size);
	if (n[TLOG_CHANGED] > 0)
		buf_fmt(b,
		    "- in place of %llu changed entries there were "
		    "others: their hashes are known, their text is "
		    "not here\n",
		    (unsigned long long)n[TLOG_CHANGED]);
	if (n[TLOG_MISSING] > 0)
		buf_fmt(b,
		    "- %llu missing entries were there: lost, or "
		    "pruned; whoever has a copy can prove it by its "
		    "hash\n",
		    (unsigned long long)n[TLOG_MISSING]);
	if (n[TLOG_UNKNOWN] > 0)
		buf_fmt(b,
		    "- of %llu entries nothing: what is here in their "
		    "place may be false, and any of it\n",
		    (unsigned long long)n[TLOG_UNKNOWN]);
	if (f->found.tiles_bad > 0)
		buf_str(b, STR("- damaged hash tiles are derived: they can be "
			       "made again where the entries hold\n"));
}

/* Nothing is wrong, and yet not all can be said. */
static void
conclude_pruned(const struct fsck *f, struct buf *b)
{
	buf_fmt(b,
	    "what an auditor may still conclude of %llu pruned entries:\n"
	    "- that there were so many, and the hash of all of them: it stands "
	    "under the checkpoint\n"
	    "- of any of them whoever has a receipt can prove what it was\n"
	    "- that its operator pruned them says the file \"pruned\"; in a "
	    "log of Gatehouse a record of kind \"prune\" must say so too\n",
	    (unsigned long long)f->found.count[TLOG_PRUNED]);
}

static bool
valid(const struct fsck *f)
{
	return f->trusted && f->found.sound && f->found.tiles_bad == 0;
}

/* The first entry that cannot be relied on, and why. */
static uint64_t
first_bad(const struct fsck *f, const char **why)
{
	*why = !f->trusted ? f->sign.text : f->found.why.text;
	return !f->trusted ? 0 : f->found.first_bad;
}

static int
fsck_text(struct fsck *f)
{
	struct buf b = { .max = 1 << 24 };
	const char *why;
	const uint64_t bad = first_bad(f, &why);

	buf_str(&b, STR("checkpoint of "));
	put_shown(&b, f->at.origin);
	buf_fmt(&b, ": %llu entries, root ", (unsigned long long)f->at.size);
	base64_put(&b, (struct str){ (const char *)f->at.root.b, TLOG_HASH });
	buf_fmt(&b, ", %s\n", f->trusted ? "signed" : "NOT signed by the key");
	buf_str(&b, buf_view(&f->runs));
	if (f->more > 0)
		buf_fmt(&b, "and %llu more such lines\n",
		    (unsigned long long)f->more);
	if (f->found.tiles_bad > 0)
		buf_fmt(&b, "damaged: %llu hash tiles or bundles, first: %s\n",
		    (unsigned long long)f->found.tiles_bad, f->found.tile.text);
	if (!valid(f))
		conclude(f, &b);
	if (f->found.count[TLOG_PRUNED] > 0)
		conclude_pruned(f, &b);
	if (valid(f))
		buf_fmt(&b, "valid: %llu entries are those that were signed\n",
		    (unsigned long long)(f->at.size -
					 f->found.count[TLOG_PRUNED]));
	else if (f->trusted && f->found.sound)
		buf_str(&b, STR("NOT valid: all entries hold, but files made "
				"from them are damaged\n"));
	else
		buf_fmt(&b, "NOT valid from entry %llu on: %s\n",
		    (unsigned long long)bad, why);
	return ctl_put(&b);
}

static int
fsck_json(struct fsck *f)
{
	struct buf tape = { .max = 1 << 26 }, root = { .max = 64 };
	struct members m = members_begin(&tape);
	const char *why;
	const uint64_t bad = first_bad(f, &why);
	size_t list;

	base64_put(
	    &root, (struct str){ (const char *)f->at.root.b, TLOG_HASH });
	member_bool(&m, "valid", valid(f));
	member_bool(&m, "signed", f->trusted);
	member_str(&m, "origin", f->at.origin);
	member_u64(&m, "size", f->at.size);
	member_str(&m, "root", buf_view(&root));
	buf_done(&root);
	for (unsigned s = 0; s < countof(states); s++)
		member_u64(&m, states[s], f->found.count[s]);
	member_u64(&m, "damaged_files", f->found.tiles_bad);
	if (f->found.tiles_bad > 0)
		member_str(&m, "first_damaged", str_of(f->found.tile.text));
	if (!f->trusted || !f->found.sound) {
		member_u64(&m, "first_bad", bad);
		member_str(&m, "why", str_of(why));
	}
	member_u64(&m, "runs_not_listed", f->more);
	tape_key(&tape, STR("runs"));
	list = tape_arr(&tape);
	buf_str(&tape, buf_view(&f->runs));
	tape_end(&tape, list, f->runs_n);
	m.n++;
	members_end(&m);
	return tape_print(&tape);
}

/* Reads the checkpoint, and asks whose it is. */
static int
fsck_checkpoint(struct fsck *f, struct buf *text, struct signed_note *n)
{
	const char *given = ctl_option(f->c, "--checkpoint");
	char path[PATH];
	struct note why = { "" };
	enum err e;

	(void)snprintf(path, sizeof(path), "%.4000s/checkpoint", f->c->arg[0]);
	if (given == NULL)
		given = path;
	if (file_read(given, SIGNED_MAX, text, &why) != OK)
		return ctl_say(f->c, CTL_UNREACHABLE,
		    "%s; a log of tiles has its checkpoint there, or name it "
		    "with --checkpoint",
		    why.text);
	e = signed_parse(buf_view(text), n, &why);
	if (e == OK)
		e = checkpoint_of(n->text, &f->at, &why);
	if (e != OK)
		return ctl_say(f->c, CTL_FAILED, "%s: %s", given, why.text);
	f->trusted = signed_check(n, &f->key, NULL, &f->sign) == OK;
	if (f->trusted && !str_eq(f->at.origin, f->key.name)) {
		f->trusted = false;
		note_set(&f->sign, "the checkpoint is of another log than the "
				   "key's name says");
	}
	return CTL_YES;
}

static int
fsck_files(struct fsck *f)
{
	struct tlog_dir d = tlog_dir_of(f->c->arg[0]);
	const struct tlog_told tell = { told, f };
	struct progress at = { .off = f->c->json, .what = "entries" };
	struct note why = { "" };
	int status;
	enum err e;

	d.progress = &at;
	d.of = f->at.size;
	e = tlog_judge(&d.s, f->at.size, &f->at.root, &tell, &f->found, &why);
	progress_done(&at);
	if (e != OK)
		return ctl_say(
		    f->c, CTL_FAILED, "%s: %s", why.text, d.why.text);
	status = f->c->json ? fsck_json(f) : fsck_text(f);
	return status != CTL_YES ? status : valid(f) ? CTL_YES : CTL_NO;
}

int
ctl_ledger_fsck(struct ctl *c)
{
	struct fsck f = { .c = c, .runs = { .max = 1 << 24 } };
	struct signed_note *n = mem_get(sizeof(*n));
	struct buf text = { .max = SIGNED_MAX };
	struct note why = { "" };
	const char *key = ctl_option(c, "--vkey");
	int status;

	if (key == NULL)
		status = ctl_say(c, CTL_MISUSE,
		    "--vkey KEY is missing: the log's verifier key, as its "
		    "operator publishes it");
	else if (vkey_of(str_of(key), &f.key, &why) != OK)
		status = ctl_say(c, CTL_MISUSE, "--vkey: %s", why.text);
	else
		status = fsck_checkpoint(&f, &text, n);
	if (status == CTL_YES)
		status = fsck_files(&f);
	buf_done(&f.runs);
	buf_done(&text);
	mem_free(n);
	return status;
}
