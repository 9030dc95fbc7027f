/*
 * commit: a record says of its call's or answer's content that it was this and
 * no other, and nothing of what it was: a salted commitment for each member of
 * the params or the result, and for each argument of its own (RFC 9901).  What
 * the classes of the configuration let be kept is gathered for the side store.
 * A value that cannot be kept is committed to all the same.
 */
#include "line/commit-in.h"

enum {
	EACH_MAX = 32,	      /* arguments apart; more are one commitment */
	CLASSES_MAX = 5 + 64, /* ours and the configuration's */
	SALTS = 256	      /* random bytes are got for so many at once */
};

struct named_class {
	struct str name;
	struct data_class c;
};
/* The commitments of one object. */
struct digests {
	char text[EACH_MAX + 1][COMMITMENT_N];
	size_t n;
};
struct committing {
	struct named_class class[CLASSES_MAX];
	size_t classes;
	struct data_class arguments, results; /* without a class of their own */
	unsigned char salt[SALTS * SALT_N];
	size_t salts; /* of them left */
	/* of the record that is being written */
	struct buf content, disclosure, work;
	struct buf subject;
	uint64_t retention;	  /* the shortest; 0: none ends */
	struct digests own, each; /* of the params, of their arguments */
	struct str redacted[EACH_MAX];
	size_t redacteds;
};

/* ---- classes ---- */

static const struct {
	struct str name;
	enum doing doing;
} words[] = {
	{ STR_INIT("commit"), DO_COMMIT },
	{ STR_INIT("safe"), DO_CLEAR },
	{ STR_INIT("keep"), DO_KEEP },
	{ STR_INIT("redact"), DO_REDACT },
	{ STR_INIT("drop"), DO_DROP },
};

/* An unknown name is the default: conf has refused it. */
static struct data_class
class_named(const struct committing *c, struct str name)
{
	for (size_t i = 0; i < c->classes; i++)
		if (str_eq(c->class[i].name, name))
			return c->class[i].c;
	return (struct data_class){ DO_COMMIT, 0 };
}

static void
class_add(struct committing *c, struct str name, enum doing d, int64_t ms)
{
	if (c->classes < CLASSES_MAX)
		c->class[c->classes++] = (struct named_class){ name,
			{ d, ms > 0 ? (uint64_t)ms / 1000 : 0 } };
}

void
commit_setup(struct line *l)
{
	const struct jv data = jv_get(l->image, STR("data"));
	struct jit it = jit_of(jv_get(data, STR("classes")));
	struct committing *c = l->commit;
	struct jv v;

	if (c == NULL) {
		c = l->commit = mem_get(sizeof(*c));
		c->content.max = SIDE_CONTENT_MAX;
		c->disclosure.max = c->work.max = WORK_MAX;
		c->subject.max = SIDE_SUBJECT_MAX;
	}
	c->classes = 0;
	for (size_t i = 0; i < countof(words); i++)
		class_add(c, words[i].name, words[i].doing, 0);
	while (jit_next(&it, NULL, &v)) {
		int64_t ms = 0;

		if (jv_i64(jv_get(v, STR("retention_ms")), &ms) != OK)
			ms = 0;
		class_add(c, jv_str(jv_get(v, STR("name"))),
		    class_named(c, jv_str(jv_get(v, STR("do")))).doing, ms);
	}
	c->arguments = class_named(c, jv_str(jv_get(data, STR("arguments"))));
	c->results = class_named(c, jv_str(jv_get(data, STR("results"))));
}

void
commit_done(struct line *l)
{
	struct committing *c = l->commit;

	if (c == NULL)
		return;
	mem_wipe(c->salt, sizeof(c->salt));
	buf_done(&c->content);
	buf_done(&c->disclosure);
	buf_done(&c->work);
	buf_done(&c->subject);
	mem_free(c);
}

/* The nearest that is said: of the tool and the argument, of either. */
struct data_class
class_of(const struct line *l, const struct upstream *u, struct str tool,
    struct str argument)
{
	const struct str star = STR("*");
	const struct jv of = u == NULL ? (struct jv){ NULL, 0 } : u->data;
	struct jv v;

	if (jv_count(of) == 0)
		return l->commit->arguments;
	v = jv_get(jv_get(of, tool), argument);
	if (jv_is(v, J_NONE))
		v = jv_get(jv_get(of, tool), star);
	if (jv_is(v, J_NONE))
		v = jv_get(jv_get(of, star), argument);
	if (jv_is(v, J_NONE))
		v = jv_get(jv_get(of, star), star);
	return jv_is(v, J_NONE) ? l->commit->arguments
				: class_named(l->commit, jv_str(v));
}

bool
class_clear(const struct line *l, const struct upstream *u)
{
	return jv_count(u->data) > 0 || l->commit->arguments.doing == DO_CLEAR;
}

/* What takes less away comes first. */
static unsigned
strictness(enum doing d)
{
	static const unsigned char of[] = { [DO_CLEAR] = 0,
		[DO_KEEP] = 1,
		[DO_COMMIT] = 2,
		[DO_REDACT] = 3,
		[DO_DROP] = 4 };

	return of[d];
}

/* ---- one commitment ---- */

void
commit_begin(struct line *l)
{
	struct committing *c = l->commit;

	buf_clear(&c->content);
	c->retention = 0;
	c->redacteds = 0;
	c->own.n = c->each.n = 0;
}

static unsigned char *
salt_next(struct line *l)
{
	struct committing *c = l->commit;

	if (c->salts == 0) {
		l->port.random(c->salt, sizeof(c->salt));
		c->salts = SALTS;
	}
	return c->salt + --c->salts * SALT_N;
}

static void
content_next(struct buf *b)
{
	buf_ch(b, b->n == 0 ? '[' : ',');
}

/* Where it stands, two places or one, and its salt: ["SALT" is how what was
 * committed to begins. */
static void
keep_salt(struct committing *c, const struct str *at, size_t n)
{
	struct buf *b = &c->content;
	const size_t before = b->n;

	content_next(b);
	buf_str(b, str_sub(buf_view(&c->work), 0, SALT_TEXT + 3));
	for (size_t i = 0; i < n; i++) {
		buf_ch(b, ',');
		json_quote(at[i], b);
	}
	buf_ch(b, ']');
	if (b->full) { /* so far it stands */
		b->full = false;
		b->n = before;
	}
}

static bool
keep_whole(struct committing *c)
{
	struct buf *b = &c->content;

	/* what comes after it must find room for salts yet */
	if (b->n + c->disclosure.n + 4 > SIDE_CONTENT_MAX - EACH_MAX * 1024)
		return false;
	content_next(b);
	buf_ch(b, '"');
	buf_str(b, buf_view(&c->disclosure));
	buf_ch(b, '"');
	return true;
}

static void
digest_add(struct digests *d, struct str disclosure)
{
	char digest[COMMITMENT_N];
	size_t at = d->n++;

	disclosure_digest(disclosure, digest);
	/* sorted, so that their order says nothing (s.4.2.4.1) */
	for (; at > 0 && memcmp(digest, d->text[at - 1], COMMITMENT_N) < 0;
	     at--)
		memcpy(d->text[at], d->text[at - 1], COMMITMENT_N);
	memcpy(d->text[at], digest, COMMITMENT_N);
}

static void
put_digests(struct buf *b, const struct digests *d)
{
	size_t m;

	tape_key(b, STR("_sd"));
	m = tape_arr(b);
	for (size_t i = 0; i < d->n; i++)
		tape_str(b, (struct str){ d->text[i], COMMITMENT_N });
	tape_end(b, m, d->n);
}

/* at: where it stands, its own name last. */
static void
commit(struct line *l, struct digests *d, const struct str *at, size_t n,
    struct jv v, struct data_class is)
{
	struct committing *c = l->commit;
	unsigned char *salt;

	if (is.doing == DO_DROP)
		return;
	if (is.doing == DO_REDACT) {
		if (c->redacteds < EACH_MAX)
			c->redacted[c->redacteds++] = at[n - 1];
		return;
	}
	salt = salt_next(l);
	buf_clear(&c->disclosure);
	disclosure_put(&c->disclosure, salt, at[n - 1], v, &c->work);
	/* No room for the longest of messages: not even a digest of it. */
	if (c->disclosure.full)
		return;
	digest_add(d, buf_view(&c->disclosure));
	if (is.doing != DO_KEEP || !keep_whole(c))
		keep_salt(c, at, n);
	else if (is.retention != 0 &&
		 (c->retention == 0 || is.retention < c->retention))
		c->retention = is.retention;
	mem_wipe(salt, SALT_N);
}

/* ---- requests ---- */

/* Whose data it is: the argument that the configuration names, or the
 * principal. */
static void
subject(struct buf *b, const struct request *r)
{
	const struct jv args = jv_get(r->params, STR("arguments"));
	const struct str arg =
	    r->up == NULL ? STR("") : jv_str(jv_get(r->up->subject, r->name));
	const struct jv v =
	    arg.n == 0 ? (struct jv){ NULL, 0 } : jv_get(args, arg);
	unsigned char sum[SHA256_N];

	buf_clear(b);
	if (jv_str(v).n == 0) {
		buf_str(b, r->principal.n > 0 ? r->principal : STR("-"));
		return;
	}
	buf_str(b, arg);
	buf_ch(b, '=');
	if (arg.n + jv_str(v).n < SIDE_SUBJECT_MAX) {
		buf_str(b, jv_str(v));
		return;
	}
	sha256(jv_str(v), STR(""), sum);
	buf_str(b, STR("sha256:"));
	buf_hex(b, (struct str){ (const char *)sum, sizeof(sum) });
}

/* The params' own name for what stands in the record anyway. */
static bool
is_named(const struct request *r, struct str key, struct jv v)
{
	return (str_eq(key, STR("name")) || str_eq(key, STR("uri"))) &&
	       r->name.n > 0 && str_ends(jv_str(v), r->name);
}

/* What holds for all arguments together: the strictest. */
static struct data_class
class_of_all(const struct line *l, const struct request *r, struct jv args)
{
	struct data_class most = { DO_KEEP, 0 };
	struct jit it = jit_of(args);
	struct str key;

	if (r->method != MCP_TOOLS_CALL || jv_count(args) == 0)
		return l->commit->arguments;

	while (jit_next(&it, &key, NULL)) {
		const struct data_class c = class_of(l, r->up, r->name, key);

		if (strictness(c.doing) > strictness(most.doing))
			most = c;
	}
	return most;
}

/* Each argument apart; out: the commitments of the params themselves. */
static void
arguments(struct line *l, const struct request *r, struct jv args,
    struct digests *out, struct digests *each)
{
	struct str at[] = { STR("params"), STR("arguments"), STR("") };
	struct jit it = jit_of(args);
	struct jv v;

	if (!jv_is(args, J_OBJ) || r->method != MCP_TOOLS_CALL ||
	    jv_count(args) > EACH_MAX) {
		commit(l, out, at, 2, args, class_of_all(l, r, args));
		return;
	}
	while (jit_next(&it, &at[2], &v)) {
		if (jv_is(jv_get(r->kept, at[2]), J_NONE))
			commit(l, each, at, 3, v,
			    class_of(l, r->up, r->name, at[2]));
	}
}

void
commit_request(struct line *l, const struct request *r)
{
	struct str at[] = { STR("params"), STR("") };
	struct digests *own = &l->commit->own, *each = &l->commit->each;
	struct jit it = jit_of(r->params);
	struct jv v;

	if (jv_count(r->params) > EACH_MAX) { /* one, of all that it is */
		at[1] = at[0];
		it = jit_of((struct jv){ NULL, 0 });
		commit(l, own, at, 2, r->params,
		    class_of_all(l, r, jv_get(r->params, STR("arguments"))));
	}
	while (jit_next(&it, &at[1], &v)) {
		if (str_eq(at[1], STR("arguments")))
			arguments(l, r, v, own, each);
		else if (!is_named(r, at[1], v))
			commit(l, own, at, 2, v, l->commit->arguments);
	}
}

bool
commit_any(const struct line *l)
{
	return l->commit->own.n > 0 || l->commit->each.n > 0;
}

size_t
commit_params(const struct line *l, struct buf *b)
{
	const struct digests *own = &l->commit->own, *each = &l->commit->each;
	size_t m, o, n = 0;

	if (!commit_any(l))
		return 0;
	tape_key(b, STR("params"));
	m = tape_obj(b);
	if (own->n > 0) {
		put_digests(b, own);
		n++;
	}
	if (each->n > 0) {
		tape_key(b, STR("arguments"));
		o = tape_obj(b);
		put_digests(b, each);
		tape_end(b, o, 1);
		n++;
	}
	tape_end(b, m, n);
	return 1;
}

size_t
commit_redacted(const struct line *l, struct buf *b)
{
	const struct committing *c = l->commit;
	size_t m;

	if (c->redacteds == 0)
		return 0;
	tape_key(b, STR("redacted"));
	m = tape_arr(b);
	for (size_t i = 0; i < c->redacteds; i++)
		tape_str(b, c->redacted[i]);
	tape_end(b, m, c->redacteds);
	return 1;
}

/* ---- answers ---- */

size_t
commit_answer(struct line *l, const struct upstream *u, struct str tool,
    struct jv result, struct buf *b)
{
	const struct jv of = u == NULL ? (struct jv){ NULL, 0 } : u->results;
	struct str at[] = { STR("result"), STR("") };
	struct data_class is = l->commit->results;
	struct digests *d = &l->commit->own;
	struct jit it = jit_of(result);
	struct jv v = jv_get(of, tool);
	size_t o;

	if (jv_is(v, J_NONE))
		v = jv_get(of, STR("*"));
	if (!jv_is(v, J_NONE))
		is = class_named(l->commit, jv_str(v));
	if (is.doing == DO_CLEAR)
		is.doing = DO_KEEP; /* an answer never stands in a record */
	if (jv_count(result) > EACH_MAX || !jv_is(result, J_OBJ)) {
		at[1] = at[0];
		it = jit_of((struct jv){ NULL, 0 });
		commit(l, d, at, 2, result, is);
	}
	while (jit_next(&it, &at[1], &v))
		commit(l, d, at, 2, v, is);
	if (d->n == 0)
		return 0;
	tape_key(b, STR("result"));
	o = tape_obj(b);
	put_digests(b, d);
	tape_end(b, o, 1);
	return 1;
}

void
commit_send(struct line *l, const struct request *r, struct msg *m)
{
	struct committing *c = l->commit;

	if (c->content.n == 0)
		return;
	buf_ch(&c->content, ']');
	subject(&c->subject, r);
	if (buf_end(&c->content) != OK || buf_end(&c->subject) != OK)
		return;
	msg_set_text(m, F_BYTES, buf_view(&c->content));
	msg_set_text(m, F_NAME, buf_view(&c->subject));
	if (c->retention != 0)
		msg_set(m, F_TIME,
		    l->port.wall(l->port.arg) / 1000000000 + c->retention);
}
