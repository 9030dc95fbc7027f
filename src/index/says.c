/*
 * says: what a record says, wherever it says it: digests, subjects, and
 * whether a filter means it.  The index and a reader of the ledger itself ask
 * the same, and it stands here once.
 */
#include "index/index-in.h"

enum { DEEP = 80 }; /* as deep as a record can be */

/* ---- digests ---- */

static bool
base64url_digest(struct str s, unsigned char out[static LEDGER_HASH])
{
	struct buf b = { .max = 2 * LEDGER_HASH };
	const bool is = base64url_get(s, &b) == OK && b.n == LEDGER_HASH;

	if (is)
		memcpy(out, b.p, LEDGER_HASH);
	buf_done(&b);
	return is;
}

bool
index_digest_of(struct str s, unsigned char out[static LEDGER_HASH])
{
	if (s.n == 43)
		return base64url_digest(s, out);
	if (str_starts(s, STR("sha256:")))
		s = str_sub(s, 7, s.n);
	return s.n == (size_t)2 * LEDGER_HASH &&
	       hex_bytes(s, out, LEDGER_HASH) == OK;
}

int64_t
index_key(const unsigned char digest[static LEDGER_HASH])
{
	uint64_t k = 0;

	for (size_t i = 0; i < 8; i++)
		k = k << 8 | digest[i];
	return (int64_t)k;
}

static enum err
digests(struct jv v, unsigned deep, index_digest_got got, void *arg)
{
	unsigned char sum[LEDGER_HASH];
	struct jit it = jit_of(v);
	struct str key = { NULL, 0 };
	struct jv e;

	if (jv_is(v, J_STR) && index_digest_of(jv_str(v), sum))
		return got(arg, sum);
	/* the policy's is in nearly every record: it has a column */
	while (deep < DEEP && jit_next(&it, &key, &e))
		if (deep > 0 || !str_eq(key, STR("policy")))
			TRY(digests(e, deep + 1, got, arg));
	return OK;
}

enum err
index_digests(struct jv rec, index_digest_got got, void *arg)
{
	return digests(rec, 0, got, arg);
}

/* ---- subjects ---- */

/* A name: a text, or an object that has one.  In place of either a record may
 * say why there is none ("absent", {"not_established":...}): that is no name,
 * so a text counts only where bare is set. */
static enum err
subject(struct jv v, bool bare, index_subject_got got, void *arg)
{
	static const struct str names[] = { STR_INIT("id"), STR_INIT("name"),
		STR_INIT("subject"), STR_INIT("subject_id") };

	if (bare && jv_is(v, J_STR) && jv_str(v).n > 0)
		return got(arg, jv_str(v));
	for (size_t i = 0; jv_is(v, J_OBJ) && i < countof(names); i++)
		TRY(subject(jv_get(v, names[i]), true, got, arg));
	return OK;
}

/* For whom it is: whoever stands in the chain, whom a request names, whose
 * data a record says it is. */
enum err
index_subjects(struct jv rec, index_subject_got got, void *arg)
{
	static const struct {
		const char *path;
		bool list, bare;
	} places[] = { { "chain", true, false },
		{ "claims/on_behalf_of", false, true },
		{ "subject", false, false }, { "subjects", true, true } };

	for (size_t i = 0; i < countof(places); i++) {
		const struct jv v = jv_at(rec, places[i].path);
		struct jit it = jit_of(v);
		struct jv e;

		if (!places[i].list)
			TRY(subject(v, places[i].bare, got, arg));
		while (places[i].list && jv_is(v, J_ARR) &&
		       jit_next(&it, NULL, &e))
			TRY(subject(e, places[i].bare, got, arg));
	}
	return OK;
}

/* ---- a filter ---- */

struct wanted {
	struct str name;
	unsigned char digest[LEDGER_HASH];
};

static enum err
same_name(void *arg, struct str name)
{
	const struct wanted *w = arg;

	return str_eq(name, w->name) ? ERR_GONE : OK;
}

static enum err
same_digest(void *arg, const unsigned char digest[static LEDGER_HASH])
{
	const struct wanted *w = arg;

	return memcmp(digest, w->digest, LEDGER_HASH) == 0 ? ERR_GONE : OK;
}

static bool
has_subject(const struct index_filter *f, struct jv rec)
{
	struct wanted w = { .name = f->by[INDEX_SUBJECT] };

	return index_subjects(rec, same_name, &w) != OK;
}

static bool
has_digest(const struct index_filter *f, struct jv rec,
    const unsigned char leaf[static LEDGER_HASH])
{
	const struct str policy = jv_str(jv_get(rec, STR("policy")));
	unsigned char sum[LEDGER_HASH];
	struct wanted w = { .name = { NULL, 0 } };

	return index_digest_of(f->by[INDEX_DIGEST], w.digest) &&
	       (memcmp(leaf, w.digest, LEDGER_HASH) == 0 ||
		   (index_digest_of(policy, sum) &&
		       memcmp(sum, w.digest, LEDGER_HASH) == 0) ||
		   index_digests(rec, same_digest, &w) != OK);
}

/* own: not taken from the decision. */
static const struct {
	const char *name;
	bool own;
} members[INDEX_BY__N] = {
	[INDEX_AGENT] = { "principal", false },
	[INDEX_SESSION] = { "session", false },
	[INDEX_SERVER] = { "server", false },
	[INDEX_TOOL] = { "name", false },
	[INDEX_VERDICT] = { "verdict", true },
	[INDEX_POLICY] = { "policy", false },
	[INDEX_KIND] = { "kind", true },
};

const char *const index_accounting[INDEX_ACCOUNTING] = { "charge", "release",
	"total", "totals" };

bool
index_accounts(struct str kind)
{
	for (size_t i = 0; i < INDEX_ACCOUNTING; i++)
		if (str_eq(kind, str_of(index_accounting[i])))
			return true;
	return false;
}

bool
index_matches(const struct index_filter *f, const struct index_view *v)
{
	int64_t time = 0;

	if (jv_i64(jv_get(v->rec, STR("time")), &time) != OK)
		time = 0;
	if ((uint64_t)time < f->since ||
	    (f->until > 0 && (uint64_t)time >= f->until))
		return false;
	for (size_t i = 0; i < INDEX_BY__N; i++) {
		const struct str key = str_of(members[i].name);
		struct jv m = jv_get(v->rec, key);

		if (key.n == 0 || f->by[i].n == 0)
			continue;
		if (!members[i].own && jv_is(m, J_NONE))
			m = jv_get(v->decision, key);
		if (i == INDEX_KIND && str_eq(f->by[i], STR("accounting")) &&
		    index_accounts(jv_str(m)))
			continue;
		if (!jv_is(m, J_STR) || !str_eq(jv_str(m), f->by[i]))
			return false;
	}
	if (f->by[INDEX_SUBJECT].n > 0 && !has_subject(f, v->rec) &&
	    !has_subject(f, v->decision) && !has_subject(f, v->identity))
		return false;
	return f->by[INDEX_DIGEST].n == 0 || has_digest(f, v->rec, v->leaf);
}
