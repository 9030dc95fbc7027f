/*
 * tiles-side.c: the side store behind the judges.  What they send is sealed
 * under the key of its subject and appended; judges hear what is on the disk.
 * Requests to erase are files in its directory (gatehouse ledger erase): what
 * is to go is written down, then it goes, then a judge records it, and only
 * then the request goes.  So a crash leaves an erasure to be ended, never one
 * that nothing tells of.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "role/side.h"
#include "role/tiles-in.h"

enum {
	CELLS = 256,
	SEGMENT_MAX = 16 << 20,
	REQUEST_MAX = 1 << 20,
	BATCH_MAX = 8 << 20, /* of a judge, sealed at once */
	NONCES = 256	     /* random bytes are got for so many at once */
};
#define DIRECTORY "../side"
#define PRUNE_REF UINT64_MAX /* of what is no erasure */

struct subject {
	uint32_t number;
	unsigned char key[AEAD_KEY];
};
static struct vault {
	struct role_env *env;
	struct chan *judge[CELLS];
	uint64_t batch[CELLS], told[CELLS]; /* written, and said to be synced */
	struct aead *aead;
	unsigned char nonce[NONCES * AEAD_NONCE];
	size_t nonces;	      /* of them left */
	struct map *subjects; /* of the open segment */
	uint32_t keys;
	int dir, seg, key;
	unsigned number; /* of the open segment; 0: none */
	size_t bytes, max;
	uint64_t next_end; /* when something's retention ends; 0: never */
	char asked[64];	   /* the request that a judge is recording */
	struct buf done;   /* and what it is told of it */
	struct map *gone;  /* requests that this process carried out */
	uint64_t ref;
	bool dirty, swept;
} vault = { .done = { .max = REQUEST_MAX }, .dir = -1, .seg = -1, .key = -1 };

static void
complain(const char *what)
{
	log_line(
	    LOG_ERROR, "side-store", "%s: %s", what, strerrordesc_np(errno));
}

/* ---- segments ---- */

static void
segment_end(void)
{
	size_t at = 0;
	void *v;

	while (
	    vault.subjects != NULL && map_next(vault.subjects, &at, NULL, &v)) {
		mem_wipe(v, sizeof(struct subject));
		mem_free(v);
	}
	map_free(vault.subjects);
	vault.subjects = NULL;
	fd_close(&vault.seg);
	fd_close(&vault.key);
	vault.number = 0;
	vault.keys = 0;
}

static int
make_file(unsigned n, const char *ext, struct str start)
{
	char name[SIDE_PATH];
	int fd;

	side_name(n, ext, name);
	fd = openat(vault.dir, name,
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0 && side_write_at(fd, 0, start) != OK)
		fd_close(&fd);
	return fd;
}

/* The store is bounded: the oldest goes. */
static void
make_room(void)
{
	unsigned first, last;
	uint64_t all = 0;

	if (side_range(vault.dir, &first, &last) != OK)
		return;
	for (unsigned n = last; n >= first && n > 0; n--) {
		char name[SIDE_PATH];
		struct stat st;

		side_name(n, "seg", name);
		if (fstatat(vault.dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		all += (uint64_t)st.st_size;
		if (all + vault.bytes > vault.max && n != vault.number &&
		    side_remove(vault.dir, n) != OK)
			complain("the oldest segment could not be removed");
	}
}

static bool
segment_begin(void)
{
	unsigned first, last;

	if (side_range(vault.dir, &first, &last) != OK)
		return false;
	vault.seg = make_file(last + 1, "seg", side_start());
	vault.key = make_file(last + 1, "key", side_key_start());
	if (vault.seg < 0 || vault.key < 0 || fsync(vault.dir) < 0) {
		segment_end();
		return false;
	}
	vault.number = last + 1;
	vault.bytes = SIDE_START;
	vault.subjects = map_new(0);
	make_room();
	return true;
}

/* ---- content ---- */

/* The subject's key in this segment; a new one is appended to keys. */
static struct subject *
subject_of(struct str name, struct buf *keys)
{
	struct subject *s = map_get(vault.subjects, name);

	if (s != NULL || vault.keys == SIDE_KEY_MAX)
		return s;
	s = mem_get(sizeof(*s));
	s->number = vault.keys++;
	random_bytes(s->key, sizeof(s->key));
	side_key_put(keys, s->key, name);
	(void)map_put(vault.subjects, name, s);
	return s;
}

static const unsigned char *
nonce_next(void)
{
	if (vault.nonces == 0) {
		random_bytes(vault.nonce, sizeof(vault.nonce));
		vault.nonces = NONCES;
	}
	return vault.nonce + --vault.nonces * AEAD_NONCE;
}

/* False: it cannot be kept. */
static bool
take(unsigned cell, struct str bytes, struct buf *keys, struct buf *entries)
{
	struct cur c = cur_of(bytes.p, bytes.n);
	struct side_item i;
	bool bad = false;

	while (side_item_next(&c, &i, &bad)) {
		const struct subject *s = subject_of(i.subject, keys);
		const struct side_entry e = { .cell = cell,
			.seq = i.seq,
			.until = i.until,
			.key = s == NULL ? 0 : s->number };

		if (s == NULL)
			return false;
		if (side_seal(vault.aead, s->key, nonce_next(), &e, i.content,
			entries) != OK)
			return false;
		if (i.until != 0 &&
		    (vault.next_end == 0 || i.until < vault.next_end))
			vault.next_end = i.until;
	}
	return !bad;
}

static bool
append(int fd, const struct buf *b)
{
	return buf_end(b) == OK &&
	       (b->n == 0 || side_write_at(fd, (size_t)lseek(fd, 0, SEEK_END),
				 buf_view(b)) == OK);
}

static void
tell(unsigned cell, uint64_t batch, enum err status)
{
	struct msg m = msg_of(MSG_KEPT);

	msg_set(&m, F_SEQ, batch);
	if (status != OK)
		msg_set(&m, F_STATUS, (uint64_t)status);
	if (vault.judge[cell] != NULL && chan_send(vault.judge[cell], &m) == OK)
		vault.told[cell] = batch;
}

static void
content(unsigned cell, const struct msg *m)
{
	struct buf keys = { .max = BATCH_MAX }, entries = { .max = BATCH_MAX };
	bool good = vault.number != 0 || segment_begin();

	/* Keys first: content without one can be read by nobody, and a key
	 * without content is none of anything. */
	good = good && take(cell, msg_text(m, F_BYTES), &keys, &entries) &&
	       append(vault.key, &keys) && append(vault.seg, &entries);
	mem_wipe(keys.p, keys.n);
	vault.bytes += entries.n;
	buf_done(&keys);
	buf_done(&entries);
	vault.batch[cell] = msg_num(m, F_SEQ);
	vault.dirty = vault.dirty || good;
	if (!good) {
		complain("content was not kept");
		segment_end(); /* what its end is, is not known */
		tell(cell, msg_num(m, F_SEQ), ERR_OS);
	}
}

static void
sync_all(void)
{
	bool good;

	if (!vault.dirty)
		return;
	vault.dirty = false;
	good = vault.number != 0 && fdatasync(vault.key) == 0 &&
	       fdatasync(vault.seg) == 0;
	for (unsigned i = 0; i < CELLS; i++)
		if (vault.batch[i] > vault.told[i])
			tell(i, vault.batch[i], good ? OK : ERR_OS);
	if (!good || vault.bytes > SEGMENT_MAX || vault.bytes > vault.max / 4)
		segment_end();
}

/* ---- erasing ---- */

static enum err
request_read(const char *name, struct buf *tape, uid_t *owner)
{
	__attribute__((cleanup(fd_close))) int fd = openat(
	    vault.dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct buf text = { .max = REQUEST_MAX };
	struct stat st;
	enum err e = OK;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return ERR_OS;
	*owner = st.st_uid;
	while (e == OK) {
		char part[8192];
		size_t n = 0;

		e = fd_read(fd, part, sizeof(part), &n);
		if (e == OK)
			buf_put(&text, part, n);
	}
	e = e == ERR_GONE ? buf_end(&text) : e;
	if (e == OK)
		e = json_parse(buf_view(&text), &json_default, tape, NULL);
	buf_done(&text);
	return e;
}

static void
request_put(struct buf *b, const struct side_request *r, struct str done)
{
	buf_str(b, STR("{\"by\":"));
	json_quote(r->who, b);
	buf_fmt(b, ",\"cell\":%u,\"done\":%.*s,\"reason\":", r->target.cell,
	    STR_ARG(done));
	json_quote(r->reason, b);
	if (r->target.subject.n > 0) {
		buf_str(b, STR(",\"subject\":"));
		json_quote(r->target.subject, b);
	} else {
		buf_fmt(b, ",\"seq\":%llu", (unsigned long long)r->target.seq);
	}
	buf_str(b, STR("}\n"));
}

/* Of what is written down as done, only this process's own is known to be:
 * another one may have died between, so it is done again.  Not each round, for
 * what came since then is not in the list. */
static enum err
erase_now(const char *name, const struct side_request *r)
{
	struct side_erased x = { .records = { .max = 1 << 16 } };
	struct note why = { "" };
	enum err e;

	segment_end(); /* what comes after this has another key */
	e = side_erase(vault.dir, &r->target, true, &x, &why);
	if (e == OK)
		(void)map_put(vault.gone, str_of(name), &vault);
	else
		log_line(LOG_ERROR, "erase", "%s", why.text);
	buf_done(&x.records);
	return e;
}

/* What is to go is written down before it goes. */
static enum err
erase_first(const char *name, const struct side_request *r, uid_t owner)
{
	struct side_erased x = { .records = { .max = 1 << 16 } };
	struct buf done = { .max = 1 << 17 }, text = { .max = 1 << 18 };
	struct note why = { "" };
	enum err e = side_erase(vault.dir, &r->target, false, &x, &why);

	if (e == OK) {
		side_done_put(&done, r, owner, &x);
		request_put(&text, r, buf_view(&done));
		e = tiles_put_at(vault.dir, name, buf_view(&text));
	}
	if (e == OK)
		e = erase_now(name, r);
	else
		log_line(LOG_ERROR, "erase", "%s", why.text);
	buf_done(&x.records);
	buf_done(&done);
	buf_done(&text);
	return e;
}

static void
ask_judge(const char *name, const struct side_request *r)
{
	const unsigned cell = r->target.cell < CELLS ? r->target.cell : 0;
	struct chan *c = vault.judge[cell];
	struct msg m = msg_of(MSG_ERASE);

	for (unsigned i = 0; c == NULL && i < CELLS; i++)
		c = vault.judge[i];
	if (c == NULL || vault.asked[0] != '\0')
		return;
	msg_set(&m, F_REF, ++vault.ref);
	msg_set_tree(&m, F_REC, r->done);
	buf_clear(&vault.done);
	json_write(r->done, &vault.done);
	if (chan_send(c, &m) == OK)
		(void)snprintf(vault.asked, sizeof(vault.asked), "%s", name);
}

/* Any judge's log will do. */
bool
vault_prune(const struct prune *p)
{
	struct buf tape = { .max = 1 << 16 };
	struct chan *c = NULL;
	struct msg m = msg_of(MSG_PRUNE);
	bool sent;

	for (unsigned i = 0; c == NULL && i < CELLS; i++)
		c = vault.judge[i];
	prune_record(p, &tape);
	msg_set(&m, F_REF, PRUNE_REF);
	msg_set_text(&m, F_REC, buf_view(&tape));
	sent = c != NULL && chan_send(c, &m) == OK;
	buf_done(&tape);
	return sent;
}

static void
request_take(const char *name)
{
	struct buf tape = { .max = REQUEST_MAX };
	struct side_request r;
	struct note why = { "it is not JSON" };
	uid_t owner = 0;
	enum err e = request_read(name, &tape, &owner);

	if (e == OK)
		e = side_request_of(jv_of(buf_view(&tape)), &r, &why);
	if (e == OK && jv_is(r.done, J_NONE))
		e = erase_first(name, &r, owner); /* recorded next round */
	else if (e == OK && map_get(vault.gone, str_of(name)) == NULL)
		e = erase_now(name, &r);
	else if (e == OK)
		ask_judge(name, &r);
	if (e != OK && e != ERR_OS) {
		log_line(
		    LOG_ERROR, "erase", "a request is dropped: %s", why.text);
		(void)unlinkat(vault.dir, name, 0);
	}
	buf_done(&tape);
}

static void
request_name(void *arg, const char *name)
{
	const struct str s = str_of(name);

	(void)arg;
	if (vault.asked[0] == '\0' && str_starts(s, STR("erase-")) &&
	    str_ends(s, STR(".json")) && s.n < sizeof(vault.asked))
		request_take(name);
}

/* It is on record, durably: who asked is told, and the request goes. */
static void
erased(unsigned cell, const struct msg *m)
{
	struct buf text = { .max = 2 * REQUEST_MAX };
	char name[128];

	if (msg_num(m, F_REF) != vault.ref || vault.asked[0] == '\0')
		return;
	(void)snprintf(name, sizeof(name), "done-%s", vault.asked + 6);
	buf_fmt(&text, "{\"cell\":%u,\"erased\":%.*s,\"seq\":%llu}\n", cell,
	    STR_ARG(buf_view(&vault.done)),
	    (unsigned long long)msg_num(m, F_SEQ));
	if (msg_num(m, F_STATUS) == 0 && buf_end(&text) == OK &&
	    tiles_put_at(vault.dir, name, buf_view(&text)) == OK)
		if (unlinkat(vault.dir, vault.asked, 0) == 0)
			(void)map_del(vault.gone, str_of(vault.asked));
	buf_done(&text);
	vault.asked[0] = '\0';
}

/* ---- the door ---- */

static void
judge_said(struct chan *c, const struct msg *m)
{
	const unsigned cell = chan_peer_instance(c);

	if (m->kind == MSG_CONTENT && vault.dir >= 0)
		content(cell, m);
	else if (m->kind == MSG_ERASED && msg_num(m, F_REF) == PRUNE_REF)
		prune_recorded(msg_num(m, F_STATUS) == 0);
	else if (m->kind == MSG_ERASED)
		erased(cell, m);
}

static void
judge_lost(struct chan *c)
{
	const unsigned cell = chan_peer_instance(c);

	if (vault.judge[cell] == c)
		vault.judge[cell] = NULL;
	vault.asked[0] = '\0'; /* asked again in the next round */
	prune_recorded(false);
	chan_free(c);
}

void
vault_link(struct role_env *e, unsigned cell, struct chan_fds *fds)
{
	static const struct chan_ops ops = { judge_said, judge_lost };

	if (cell >= CELLS) {
		chan_fds_done(fds);
		return;
	}
	if (vault.judge[cell] != NULL)
		judge_lost(vault.judge[cell]);
	vault.batch[cell] = vault.told[cell] = 0;
	vault.judge[cell] =
	    chan_new(e->loop, fds, ROLE_TILES, ROLE_JUDGE, cell, &ops, NULL);
}

void
vault_open(struct role_env *e)
{
	const struct jv data = jv_get(e->image, STR("data"));
	int64_t max = 0;

	vault.env = e;
	vault.max = jv_i64(jv_get(data, STR("store")), &max) == OK && max > 0
			? (size_t)max
			: 1 << 20;
	vault.aead = aead_new();
	vault.gone = map_new(0);
	vault.dir = open(DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (vault.dir < 0 || vault.aead == NULL)
		complain("no content is kept");
	/* What was begun is ended before content comes that no list has. */
	else if (side_names(vault.dir, request_name, NULL) != OK)
		complain("requests to erase are not seen");
}

bool
vault_quiet(void)
{
	for (unsigned i = 0; i < CELLS; i++)
		if (vault.judge[i] != NULL)
			return false;
	sync_all();
	return true;
}

void
vault_round(void)
{
	const uint64_t now = now_wall() / 1000000000;

	if (vault.dir < 0)
		return;
	sync_all();
	if (side_names(vault.dir, request_name, NULL) != OK)
		complain("requests to erase are not seen");
	if (vault.swept && (vault.next_end == 0 || now < vault.next_end))
		return;
	vault.swept = true;
	if (side_sweep(vault.dir, now, vault.number, &vault.next_end) != OK)
		complain("what ended could not be erased");
}
