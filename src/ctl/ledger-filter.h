/*
 * ledger-filter: which records are meant, by the options --agent, --session and
 * so on; over a stream, where an outcome is its decision's: of every record the
 * place is remembered, eight bytes, and nothing else.
 */
#ifndef LEDGER_FILTER_H
#define LEDGER_FILTER_H

#include "ctl/ctl.h"
#include "ctl/ledger-feed.h"
#include "index/index.h"

/* The options, for a command's row. */
#define LEDGER_FILTERS                                                         \
	{ "--agent", "NAME", "of this principal" },                            \
	    { "--session", "ID", "of this session" },                          \
	    { "--server", "NAME", "of this tool server" },                     \
	    { "--tool", "NAME", "about this tool, prompt or resource" },       \
	    { "--verdict", "WORD", "decided so: allow, deny or hold" },        \
	    { "--policy", "DIGEST", "decided under this set of policies" },    \
	    { "--kind", "WORD",                                                \
		    "of this kind: decision, outcome, ...; accounting: what "  \
		    "budgets were charged" },                                  \
	    { "--subject", "NAME", "for this person or data subject" },        \
	    { "--digest", "DIGEST", "that hold this digest, or have it" },     \
	    { "--since", "TIME",                                               \
		    "not before: 2026-11-28T09:00:00Z, 2026-11-28, 90m, 2d" }, \
	{                                                                      \
		"--until", "TIME", "before this time, written likewise"        \
	}

/* Reads the command's options.  now_us: for "90m", so long ago. */
NODISCARD int ledger_filter_of(
    const struct ctl *c, uint64_t now_us, struct index_filter *out);
/* RFC 3339, a day of UTC, or a number with s, m, h or d: so long before now.
 * Microseconds since 1970; ERR_SYNTAX. */
NODISCARD enum err ledger_when(struct str s, uint64_t now_us, uint64_t *out);

struct matcher; /* over one stream, every record in order */
/* text: it must stand in the record as it is written; empty: any. */
struct matcher *matcher_new(const struct index_filter *f, struct str text);
void matcher_free(struct matcher *m);
/* Is it meant?  Of every record, in its order, asked once. */
bool matcher_wants(struct matcher *m, const struct feed_record *r);

/* What a record names and does not say itself, of those that came before it in
 * its cell; J_NONE where there is none.  Until the next call with m. */
struct matcher_view {
	struct index_view v;
	uint64_t decision_seq; /* 0: none */
	struct jv boundary, start;
};
void matcher_look(
    struct matcher *m, const struct feed_record *r, struct matcher_view *out);

#endif
