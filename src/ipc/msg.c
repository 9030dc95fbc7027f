/*
 * msg.c: the table of kinds and the codec.  Promises that what decode lets
 * through is what its row permits from that peer, with whole fields and
 * walkable trees.  It does not know what the fields mean.
 *
 * One message, in this machine's byte order (both ends run on it), unaligned:
 *   kind u32, has u32 (bit per field), then the fields in order of their
 * number: scalars u64; texts and trees len u32, bytes.
 */
#include "ipc/ipc-in.h"

#define B(field) (1U << F_##field)
#define R(role) (1U << ROLE_##role)
#define R_ALL ((1U << ROLE__N) - 1 - R(PARENT) - R(HAND))
#define FDS(n) ((uint32_t)(n) << 29)
#define FIELDS ((1U << F__N) - 1)
_Static_assert(F__N <= 29, "the field bits and FDS share a word");

const struct msg_row msg_rows[MSG__N] = {
	[MSG_NONE] = { "NONE", 0, 0, 0, 0, 0, "never sent" },
#define MESSAGE(id, from, to, must, may, help)                                 \
	[MSG_##id] = { #id, from, to, must, (may)&FIELDS, (may) >> 29, help },
#include "ipc/messages.h"
#undef MESSAGE
};

static const char *const role_names[ROLE__N] = {
	[ROLE_PARENT] = "parent",
	[ROLE_LOAD] = "load",
	[ROLE_FRONT] = "front",
	[ROLE_JUDGE] = "judge",
	[ROLE_BACK] = "back",
	[ROLE_LEDGER] = "ledger",
	[ROLE_DIAL] = "dial",
	[ROLE_KEYS] = "keys",
	[ROLE_LAUNCH] = "launch",
	[ROLE_DESK] = "desk",
	[ROLE_BUDGET] = "budget",
	[ROLE_TILES] = "tiles",
	[ROLE_FETCH] = "fetch",
	[ROLE_WITNESS] = "witness",
	[ROLE_COSIGN] = "cosign",
	[ROLE_HAND] = "hand",
};

static const char *const field_names[F__N] = {
	"ref",
	"call",
	"hop",
	"where",
	"era",
	"method",
	"status",
	"code",
	"flags",
	"seq",
	"time",
	"peer",
	"session",
	"version",
	"name",
	"text",
	"cred",
	"event",
	"bytes",
	"id",
	"params",
	"result",
	"error",
	"caps",
	"info",
	"heads",
	"rec",
	"token",
};

const char *
role_name(enum role_id r)
{
	return (unsigned)r < ROLE__N ? role_names[r] : "?";
}

const char *
msg_name(enum msg_kind k)
{
	return (unsigned)k < MSG__N ? msg_rows[k].name : "?";
}

/* ---- building and asking ---- */

uint64_t
msg_num(const struct msg *m, enum msg_field f)
{
	return f < F_TEXT0 && msg_has(m, f) ? m->num[f] : 0;
}

struct str
msg_text(const struct msg *m, enum msg_field f)
{
	if (f < F_TEXT0 || !msg_has(m, f))
		return (struct str){ NULL, 0 };
	return m->text[f - F_TEXT0];
}

struct jv
msg_tree(const struct msg *m, enum msg_field f)
{
	if (f < F_TREE0)
		return (struct jv){ NULL, 0 };
	return jv_of(msg_text(m, f));
}

struct msg
msg_of(enum msg_kind kind)
{
	return (struct msg){ .kind = kind, .fd = { -1, -1, -1, -1 } };
}

void
msg_set(struct msg *m, enum msg_field f, uint64_t v)
{
	BUG_ON(f >= F_TEXT0);
	m->has |= 1U << f;
	m->num[f] = v;
}

void
msg_set_text(struct msg *m, enum msg_field f, struct str s)
{
	BUG_ON(f < F_TEXT0 || f >= F__N);
	m->has |= 1U << f;
	m->text[f - F_TEXT0] = s;
}

void
msg_set_tree(struct msg *m, enum msg_field f, struct jv v)
{
	BUG_ON(f < F_TREE0);
	if (v.p != NULL) /* an absent value is an absent field */
		msg_set_text(m, f, jv_bytes(v));
}

/* ---- the codec ---- */

static size_t
encoded_size(const struct msg *m)
{
	size_t n = 8;

	for (uint32_t left = m->has; left != 0; left &= left - 1) {
		const unsigned f = (unsigned)__builtin_ctz(left);

		n += f < F_TEXT0 ? 8 : 4 + m->text[f - F_TEXT0].n;
	}
	return n;
}

static char *
put(char *p, const void *from, size_t n)
{
	if (n > 0)
		memcpy(p, from, n);
	return p + n;
}

void
msg_encode(const struct msg *m, struct buf *out)
{
	const uint32_t head[2] = { (uint32_t)m->kind, m->has };
	const size_t n = encoded_size(m);
	char *p;

	/* A length that does not fit its field must not be cut to fit. */
	p = n > CHAN_MSG_MAX ? buf_room(out, SIZE_MAX) : buf_room(out, n);
	if (p == NULL)
		return;
	p = put(p, head, sizeof(head));
	for (uint32_t left = m->has; left != 0; left &= left - 1) {
		const unsigned f = (unsigned)__builtin_ctz(left);

		if (f < F_TEXT0) {
			p = put(p, &m->num[f], 8);
		} else {
			const struct str s = m->text[f - F_TEXT0];
			const uint32_t len = (uint32_t)s.n;

			p = put(p, &len, 4);
			p = put(p, s.p, s.n);
		}
	}
	buf_add(out, n);
}

/* May a `from` send this to a `to`, with these fields? */
NODISCARD enum err
msg_row_check(uint32_t kind, uint32_t has, enum role_id from, enum role_id to,
    struct note *why)
{
	const struct msg_row *r;

	if (kind == MSG_NONE || kind >= MSG__N) {
		note_set(why, "unknown kind %u", kind);
		return ERR_SYNTAX;
	}
	r = &msg_rows[kind];
	if ((r->from >> from & 1U) == 0 || (r->to >> to & 1U) == 0) {
		note_set(why, "%s may not send %s to %s", role_name(from),
		    r->name, role_name(to));
		return ERR_SYNTAX;
	}
	if ((has & r->must) != r->must || (has & ~(r->must | r->may)) != 0) {
		note_set(why, "%s with fields %#x", r->name, has);
		return ERR_SYNTAX;
	}
	return OK;
}

/* Wider than what the ends read (json_default, or limits of the image): the
 * judge wraps what they sent, and its peers must not drop it for that. */
static const struct json_limits tree_limits = {
	.depth = 128,
	.members = 1000000,
	.string = CHAN_MSG_MAX,
};

static enum err
tree_check(struct str s, unsigned f, struct note *why)
{
	if (tape_check(s, &tree_limits) == OK)
		return OK;
	note_set(why, "%s is not a tree", field_names[f]);
	return ERR_SYNTAX;
}

/* As cur_*, but inlined: every message of every call passes here. */
static inline void
take(struct cur *c, void *to, size_t n)
{
	if (c->bad || (size_t)(c->end - c->p) < n) {
		c->bad = true;
		return;
	}
	memcpy(to, c->p, n);
	c->p += n;
}

static inline struct str
take_text(struct cur *c)
{
	uint32_t len = 0;
	struct str s = { NULL, 0 };

	take(c, &len, 4);
	if (c->bad || (size_t)(c->end - c->p) < len) {
		c->bad = true;
		return s;
	}
	s = (struct str){ (const char *)c->p, len };
	c->p += len;
	return s;
}

static enum err
fields_read(struct cur *c, struct msg *m, bool check, struct note *why)
{
	for (uint32_t left = m->has; left != 0; left &= left - 1) {
		const unsigned f = (unsigned)__builtin_ctz(left);

		if (f < F_TEXT0) {
			take(c, &m->num[f], 8);
			continue;
		}
		m->text[f - F_TEXT0] = take_text(c);
		if (f >= F_TREE0 && check && !c->bad)
			TRY(tree_check(m->text[f - F_TEXT0], f, why));
	}
	if (cur_end(c) == OK)
		return OK;
	note_set(why, "%s has a wrong length", msg_name(m->kind));
	return ERR_SYNTAX;
}

NODISCARD enum err
msg_decode(struct str bytes, enum role_id from, enum role_id to,
    struct msg *out, struct note *why)
{
	struct cur c = cur_of(bytes.p, bytes.n);
	uint32_t head[2] = { MSG_NONE, 0 };
	struct msg m;

	take(&c, head, sizeof(head));
	TRY(msg_row_check(head[0], head[1], from, to, why));
	m = msg_of((enum msg_kind)head[0]);
	m.has = head[1];
	/* The judge has checked what it passes on, and whoever hears it is
	 * nearer to the outside than it is.  On a tape that is none, walking
	 * ends early and writing refuses; neither leaves its bytes. */
	TRY(fields_read(&c, &m, from != ROLE_JUDGE, why));
	*out = m;
	return OK;
}

/* ---- the table, for people ---- */

static void
names(struct buf *out, uint32_t mask, const char *const *of, size_t n)
{
	bool first = true;

	for (size_t i = 0; i < n; i++) {
		if ((mask >> i & 1U) == 0)
			continue;
		buf_fmt(out, "%s%s", first ? "" : ",", of[i]);
		first = false;
	}
	if (first)
		buf_ch(out, '-');
}

void
msg_table(struct buf *out)
{
	buf_str(out, STR("kind from to must may descriptors meaning\n"));
	for (size_t k = MSG_NONE + 1; k < MSG__N; k++) {
		const struct msg_row *r = &msg_rows[k];

		buf_fmt(out, "%s ", r->name);
		names(out, r->from, role_names, ROLE__N);
		buf_ch(out, ' ');
		if (r->to == R_ALL)
			buf_str(out, STR("all"));
		else
			names(out, r->to, role_names, ROLE__N);
		buf_ch(out, ' ');
		names(out, r->must, field_names, F__N);
		buf_ch(out, ' ');
		names(out, r->may, field_names, F__N);
		buf_fmt(out, " %u %s\n", r->fds, r->help);
	}
}
