/*
 * export: a record of the ledger in the words of others: OCSF events, log
 * records of OpenTelemetry's protocol, entries of CoSAI's containment evidence
 * record.  Pure: the same record gives the same bytes.  What a record does not
 * say is not made up: it is said to be absent, or not established and why.
 * What becomes what: doc/formats/export.md.
 *
 * Who owns what.  A view's values are the caller's and outlive the call.
 */
#ifndef EXPORT_H
#define EXPORT_H

#include "base/base.h"
#include "json/json.h"

enum { EXPORT_BUDGETS = UINT16_MAX };
/* A record, and what it names and does not say itself; J_NONE: not at hand. */
struct export_view {
	unsigned cell; /* EXPORT_BUDGETS: the log of budgets */
	uint64_t seq;
	struct str text;	   /* the record, as it is in the ledger */
	const unsigned char *leaf; /* its hash, 32 bytes */
	struct jv rec;
	struct jv decision; /* that an outcome is of, or a task comes from */
	uint64_t decision_seq;
	struct jv identity, boundary, start;
};

/* Appends one event as a line of JSON.  A buf that is too small is full. */
void export_ocsf(const struct export_view *v, struct buf *out);

/*
 * Log records, so many to a line as were put: each line is a whole LogsData, as
 * an OTLP/HTTP body or a line of OTLP's file format.  Zeroed but for max of
 * tape to begin with; done frees.
 */
struct export_otlp {
	struct buf tape; /* log records that wait */
	size_t n;
};
void export_otlp_put(struct export_otlp *o, const struct export_view *v);
/* Appends the line of what was put, if something was. */
void export_otlp_flush(struct export_otlp *o, struct buf *out);
void export_otlp_done(struct export_otlp *o);

/*
 * The value of an entry of an evidence record, without index and hashes:
 * appended to *tape as one object.  false: the record is none of its kinds
 * (only decisions about calls, what was charged for them, and outcomes are).
 * decision_hash: for a decision empty; else entry_hash of its entry.
 */
enum export_entry { EXPORT_DECISION, EXPORT_ACCOUNTING, EXPORT_OUTCOME };
bool export_evidence(const struct export_view *v, enum export_entry kind,
    struct str decision_hash, struct buf *tape);
/* "CELL/SEQ" of the decision that a record is, or is of. */
void export_action(const struct export_view *v, char out[static 48]);

#endif
