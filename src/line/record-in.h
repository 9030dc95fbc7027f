/*
 * record-in: what is written down, for the files of the line: decisions and
 * outcomes, what they keep, what they never leave out, and other facts.
 */
#ifndef RECORD_IN_H
#define RECORD_IN_H

#include "line/line-in.h"

/* record.c: a list of texts as a member; none: no member. */
void put_list(
    struct buf *b, size_t *n, const char *key, const struct str *s, size_t s_n);

/* keep.c: what a decision record keeps so that policy can be asked again */
struct kept {
	struct jv absent, values; /* of arguments declared safe; or none */
	struct jv claims;	  /* what the request says of itself */
	uint64_t withheld;	  /* arguments whose value is not there */
};
struct kept keep_arguments(const struct line *l, const struct turn *t);
bool keeps(const struct line *l, const struct turn *t, unsigned read);
void record_policy(struct line *l); /* which set decides from here on */

/* fields.c: members of a decision record; each appends one, or says how many */
size_t field_absent(struct buf *b, const char *key);
size_t field_unknown(struct buf *b, const char *key, const char *premise);
size_t field_unavailable(struct buf *b, const char *key, const char *why);
/* Of an evaluation: of whom it is asked, as its asker says. */
enum asked_field { ASKED_ACTOR, ASKED_CHAIN, ASKED_SUBJECT };
size_t field_asked(const struct line *l, const struct asked *a, struct buf *b,
    enum asked_field which);
size_t field_actor(const struct turn *t, struct buf *b);
size_t field_boundary(const struct line *l, struct buf *b);
size_t field_principal(const struct turn *t, struct buf *b);
/* On whose behalf t is, in *own where policy was not asked; NULL: why. */
const struct call *chain_of(const struct line *l, const struct turn *t,
    struct call *own, struct note *why);
size_t field_chain(const struct line *l, const struct principal *p,
    const struct call *c, const struct note *why, struct buf *b);
size_t field_subject(const struct line *l, const struct principal *p,
    const struct call *c, const struct note *why, struct buf *b);
/* Who p is, once; false: it cannot be recorded. */
bool record_identity(struct line *l, struct principal *p);
/* Of an outcome: what is known of the call's effect. */
size_t field_observed(const struct turn *t, struct str status, struct buf *b);
size_t field_covers(const struct line *l, struct jv params, struct buf *b);
size_t field_catalogue(
    const struct line *l, const struct turn *t, struct buf *b);
/* Of an outcome: the digest of the list that it shows, if it does. */
size_t field_shown(const struct line *l, struct turn *t, struct buf *b);
void shown_keep(const struct line *l, const struct turn *t); /* it is sent */

/* boundary.c: what this gateway claims to stand before, and what it does not */
NODISCARD enum err boundary_setup(struct line *l, struct note *why);
void record_boundary(struct line *l); /* until it is written */

/* record.c; a member of a record that is being written: *n counts them */
void field_text(struct buf *b, size_t *n, const char *key, struct str v);
void field_number(struct buf *b, size_t *n, const char *key, uint64_t v);
extern const struct str effect_words[];
/* Does it change nothing, as far as the configuration says? */
bool call_reads(enum mcp_method m, const struct upstream *u, struct str name);
enum err record_send(struct line *l, const struct msg *m);
/* How many records t's session has, or its principal without one. */
uint64_t *record_sequence(struct line *l, const struct turn *t);
enum err step_record(struct line *l, struct turn *t);
enum err step_outcome(struct line *l, struct turn *t);
void record_continued(struct line *l, struct turn *t);
/* A fact that the turn waits for: ERR_MORE. */
enum err record_first(struct line *l, struct turn *t, const struct fact *f);
bool record_fact(/* false: it cannot be recorded */
    struct line *l, const struct fact *f);
/* record-asked.c.  False: it cannot be recorded.  *durable is set when the
 * record must be. */
bool record_evaluation(
    struct line *l, const struct evaluation *e, bool *durable);
/* A task's news outside of an answer; false: it cannot be recorded. */
bool record_task(struct line *l, const struct task *k, struct jv result);
/* Is this refusal one too many for this second, to be counted only? */
bool record_folds(struct line *l, struct principal *p);
void record_folded(struct line *l); /* what was counted is written */
/* seldom.c: f, at most once a minute; else it is counted */
void seldom(struct line *l, struct seldom *s, const struct fact *f);
void seldom_write(struct line *l, bool now); /* what was counted */
void upstream_failed(
    struct line *l, struct upstream *u, const char *why, const char *followed);
void list_failed(struct line *l, const struct leg *g, const char *why);
void budget_failed(struct line *l, const char *why);
enum knock { KNOCK_NONE, KNOCK_UNKNOWN, KNOCK_TLS };
void credential_refused(struct line *l, enum knock how, const char *why);
/* principal_of, and NULL goes on record. */
struct principal *principal_here(struct line *l, const struct msg *m);
void record_ack(struct line *l, const struct msg *m);
void record_lost(struct line *l);

#endif
