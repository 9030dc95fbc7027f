/*
 * ctl-export: "gatehouse ledger export --format cosai-containment": decisions,
 * what was charged for them and their outcomes, as one signed record of CoSAI's
 * format.  It is made in memory, as far as its verifiers take it, and written
 * when it is whole: a record without its checkpoint is none.
 */
#include "checkpoint/checkpoint.h"
#include "ctl/ctl-records.h"
#include "ctl/ledger-filter.h"
#include "evidence/evidence.h"
#include "sys/sys.h"

enum { KEY_FILE_MAX = 4096, HASH_ROOM = 80, LOOK_EVERY = 4096 };

struct exporting {
	struct ctl *c;
	const struct listing *l;
	struct cosai_writer w;
	struct buf out, tape;
	struct map *hashes; /* "cell/seq" of a decision -> its entry's hash */
	uint64_t orphans;   /* outcomes of decisions that are not in it */
	char first[65];	    /* leaf of the first decision */
	enum err e;
};

/* ---- the key ---- */

/* The log's key in use.  A checkpoint of CoSAI's is one line of JSON and a
 * note's text has several, so neither signature stands for the other. */
static int
read_key(struct ctl *c, struct vkey *key, unsigned char seed[static VKEY_SEED],
    struct buf *text)
{
	struct note why = { "" };
	struct str rest, line = { NULL, 0 };
	char path[4096];

	(void)snprintf(path, sizeof(path), "%.4000s/keys/log.key", c->arg[0]);
	if (file_read(path, KEY_FILE_MAX, text, &why) != OK)
		return ctl_say(c, CTL_UNREACHABLE,
		    "%s; DIR must be the state directory here, with the log's "
		    "key: the first \"gatehouse run\" makes it, or \"gatehouse "
		    "keys init\"",
		    why.text);
	rest = buf_view(text);
	(void)str_split(&rest, '\n', &line);
	if (skey_of(line, key, seed, &why) != OK)
		return ctl_say(c, CTL_FAILED, "%s: %s", path, why.text);
	return CTL_YES;
}

/* ---- entries ---- */

static void
add(struct exporting *x, const struct export_view *v, enum export_entry kind,
    struct str decision_hash)
{
	buf_clear(&x->tape);
	if (x->e == OK && export_evidence(v, kind, decision_hash, &x->tape))
		x->e = cosai_add(&x->w, jv_of(buf_view(&x->tape)));
}

static void
decision(struct exporting *x, const struct export_view *v, struct str action)
{
	struct buf hex = { .max = 64 };
	char *hash;

	add(x, v, EXPORT_DECISION, STR(""));
	if (x->e != OK)
		return;
	hash = mem_get(HASH_ROOM);
	(void)snprintf(hash, HASH_ROOM, "%s", x->w.last);
	mem_free(map_put(x->hashes, action, hash));
	if (x->first[0] == '\0') {
		buf_hex(&hex, (struct str){ (const char *)v->leaf, 32 });
		(void)snprintf(x->first, sizeof(x->first), "%.*s",
		    STR_ARG(buf_view(&hex)));
		buf_done(&hex);
	}
	add(x, v, EXPORT_ACCOUNTING, str_of(hash));
}

/* An answer that is continued is not the last word. */
static void
outcome(struct exporting *x, const struct export_view *v, struct str action)
{
	const struct str status = jv_str(jv_get(v->rec, STR("status")));
	char *hash;

	if (str_eq(status, STR("continued")))
		return;
	hash = map_del(x->hashes, action);
	if (hash == NULL)
		x->orphans++;
	else
		add(x, v, EXPORT_OUTCOME, str_of(hash));
	mem_free(hash);
}

static void
take(struct exporting *x, const struct feed_record *r, struct matcher *m)
{
	const struct str kind = jv_str(jv_get(r->rec, STR("kind")));
	struct export_view v;
	char action[48];

	view_of(r, m, &v);
	export_action(&v, action);
	if (str_eq(kind, STR("decision"))) {
		/* its own: one that a task comes from is another action */
		v.decision_seq = 0;
		export_action(&v, action);
		decision(x, &v, str_of(action));
	} else if (str_eq(kind, STR("outcome"))) {
		outcome(x, &v, str_of(action));
	}
}

/* ---- the whole ---- */

static void
declare(const struct exporting *x, struct str name, struct buf *out)
{
	static const char *const words[INDEX_BY__N] = { [INDEX_AGENT] = "agent",
		[INDEX_SESSION] = "session",
		[INDEX_SERVER] = "server",
		[INDEX_TOOL] = "tool",
		[INDEX_VERDICT] = "verdict",
		[INDEX_POLICY] = "policy",
		[INDEX_KIND] = "kind",
		[INDEX_SUBJECT] = "subject",
		[INDEX_DIGEST] = "digest" };
	const struct index_filter *f = &x->l->filter;

	buf_str(out, STR("every decision about a call in the ledger of "));
	buf_str(out, name);
	buf_str(out, STR(", and what its records say became of it"));
	for (size_t i = 0; i < INDEX_BY__N; i++)
		if (f->by[i].n > 0) {
			buf_fmt(out, "; of %s ", words[i]);
			buf_str(out, f->by[i]);
		}
	if (f->since > 0)
		buf_fmt(out, "; since %llu us", (unsigned long long)f->since);
	if (f->until > 0)
		buf_fmt(out, "; until %llu us", (unsigned long long)f->until);
}

static int
finish(struct exporting *x, const struct vkey *key,
    const unsigned char seed[static VKEY_SEED])
{
	struct buf declared = { .max = 1 << 16 }, id = { .max = 1024 };
	struct cosai_scope scope = {
		.none_omitted =
		    STR("a decision is written down before its call "
			"leaves, so no call is without one")
	};

	buf_str(&id, STR("seq:"));
	buf_str(&id, key->name);
	buf_fmt(&id, "/%.16s", x->first);
	declare(x, key->name, &declared);
	scope.id = buf_view(&id);
	scope.declared = buf_view(&declared);
	if (x->e == OK && x->w.n > 0)
		x->e = cosai_end(&x->w, &scope, seed);
	buf_done(&declared);
	buf_done(&id);
	if (x->e == ERR_LIMIT)
		return ctl_say(x->c, CTL_FAILED,
		    "more than %d MiB, which no verifier takes as one record: "
		    "take a part of it, with --session, --since and --until",
		    EVIDENCE_MAX / 1024 / 1024);
	if (x->e != OK)
		return ctl_say(
		    x->c, CTL_FAILED, "cannot sign: %s", err_name(x->e));
	if (x->w.n == 0)
		return ctl_say(
		    x->c, CTL_NO, "no decision is so: nothing is written");
	if (x->orphans > 0)
		(void)ctl_say(x->c, CTL_YES,
		    "%llu outcomes are left out: their decisions are not "
		    "among what is meant",
		    (unsigned long long)x->orphans);
	return put_json(&x->out);
}

static int
read_all(struct exporting *x, struct feed *f)
{
	struct matcher *m = matcher_new(&x->l->filter, STR(""));
	const uint64_t bytes = feed_bytes(f);
	struct progress at = { .shown = false };
	const struct feed_cell *bad;
	struct feed_record r;

	for (uint64_t n = 0; x->e == OK && feed_next(f, &r); n++) {
		if (matcher_wants(m, &r))
			take(x, &r, m);
		if (n % LOOK_EVERY == 0)
			progress_at(&at, feed_bytes_read(f), bytes);
	}
	progress_done(&at);
	matcher_free(m);
	bad = feed_first_bad(f);
	if (bad == NULL)
		return CTL_YES;
	return ctl_say(x->c, CTL_NO,
	    "this ledger is not valid: cell %u, record %llu: %s: nothing is "
	    "signed: see \"gatehouse ledger verify\"",
	    feed_number(bad), (unsigned long long)feed_seen(bad)->tree.size + 1,
	    feed_bad(bad));
}

static void
forget(struct map *hashes)
{
	struct str key;
	size_t at = 0;
	void *v;

	while (map_next(hashes, &at, &key, &v))
		mem_free(v);
	map_free(hashes);
}

int
ctl_export_cosai(struct ctl *c, const struct listing *l)
{
	struct exporting x = { .c = c,
		.l = l,
		.out = { .max = EVIDENCE_MAX },
		.tape = { .max = EVIDENCE_MAX } };
	struct buf key_text = { .max = KEY_FILE_MAX };
	unsigned char seed[VKEY_SEED];
	struct feed *f = NULL;
	struct note why = { "" };
	struct vkey key = { .id = 0 };
	enum err e = feed_open(l->dir, &f, &why);
	int status;

	if (e != OK)
		return ctl_say(c, e == ERR_GONE ? CTL_UNREACHABLE : CTL_FAILED,
		    "%s", why.text);
	x.hashes = map_new(0); /* its keys are numbers of ours */
	status = read_key(c, &key, seed, &key_text);
	if (status == CTL_YES) {
		cosai_begin(&x.w, STR("gatehouse " GATEHOUSE_VERSION), &x.out);
		status = read_all(&x, f);
	}
	if (status == CTL_YES)
		status = finish(&x, &key, seed);
	mem_wipe(seed, sizeof(seed));
	if (key_text.p != NULL)
		mem_wipe(key_text.p, key_text.n);
	buf_done(&key_text);
	buf_done(&x.out);
	buf_done(&x.tape);
	forget(x.hashes);
	feed_free(f);
	return status;
}
