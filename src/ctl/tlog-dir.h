/*
 * tlog-dir: a transparency log's files in a directory, to read; and the small
 * things that commands about logs and evidence share.
 */
#ifndef TLOG_DIR_H
#define TLOG_DIR_H

#include "ctl/ctl.h"
#include "tlog/tlog.h"
#include "json/json.h"

struct tlog_dir {
	struct tlog_store s; /* first: one is the other */
	const char *dir;
	struct note why; /* of the last ERR_OS */
	struct progress
	    *progress;	      /* of ledger-print.h, over bundles; or NULL */
	uint64_t bundles, of; /* read, and how many entries there are */
};
/* Its minimum index is what the file "pruned" there says. */
struct tlog_dir tlog_dir_of(const char *dir);

/* An object of a few members, in the order they are put. */
struct members {
	struct buf *tape;
	size_t mark, n;
};
struct members members_begin(struct buf *tape);
void member_str(struct members *m, const char *key, struct str s);
void member_u64(struct members *m, const char *key, uint64_t v);
void member_bool(struct members *m, const char *key, bool v);
void members_end(struct members *m);
/* Writes a tape as one line of JSON to stdout and empties it. */
int tape_print(struct buf *tape);
/* Text that came from elsewhere, for a terminal: control characters and bytes
 * that are not UTF-8 become '?'. */
void put_shown(struct buf *out, struct str s);

/* ctl-tlog.c */
int ctl_ledger_vectors(struct ctl *c);
int ctl_ledger_fsck(struct ctl *c);
int ctl_ledger_prove(struct ctl *c); /* ctl-prove.c */

/* ctl-receipt.c */
int ctl_ledger_receipt(struct ctl *c);

/* ctl-head.c */
int ctl_ledger_head(struct ctl *c);

/* ctl-prune.c */
int ctl_ledger_prune(struct ctl *c);

/* ctl-keys.c */
int ctl_keys_show(struct ctl *c);
int ctl_keys_init(struct ctl *c);
int ctl_keys_rotate(struct ctl *c);

/* ctl-verify.c */
int ctl_verify_receipt(struct ctl *c);
int ctl_verify_record(struct ctl *c);
int ctl_verify_any(struct ctl *c);

/* ctl-evidence.c */
int ctl_verify_evidence(struct ctl *c);
int ctl_verify_effect(struct ctl *c);

#endif
