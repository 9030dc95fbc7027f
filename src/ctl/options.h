/* options: of the commands in commands.c, which alone includes this. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "ctl/ctl.h"
#include "ctl/ledger-filter.h"

static const struct ctl_opt with_file[] = {
	{ "-c", "FILE", "the configuration; gatehouse.yaml by default" },
	{ NULL, NULL, NULL },
};
#define RULES_DIR                                                              \
	{                                                                      \
		"--rules", "DIR",                                              \
		    "the rules; rules, or those that came with the program"    \
	}
static const struct ctl_opt with_rules[] = { RULES_DIR, { NULL, NULL, NULL } };
static const struct ctl_opt with_items[] = {
	{ "--jsonl", NULL, "items come as one JSON object a line" }, RULES_DIR,
	{ NULL, NULL, NULL }
};
static const struct ctl_opt with_conf[] = {
	{ "-c", "FILE", "the configuration; gatehouse.yaml by default" },
	{ NULL, NULL, NULL },
};
static const struct ctl_opt with_new[] = {
	{ "--with", "NEW", "the policies to be tried" },
	{ "--disclosures", "FILE", "disclosures that you hold, FILE.jsonl" },
	{ "-c", "FILE", "a configuration whose policies NEW replaces" },
	{ NULL, NULL, NULL },
};
static const struct ctl_opt with_learn[] = {
	{ "--with-denied", NULL, "learn from calls that were refused too" },
	{ "--disclosures", "FILE", "disclosures that you hold, FILE.jsonl" },
	{ "-c", "FILE", "a configuration: its facts, groups and inventory" },
	{ NULL, NULL, NULL },
};
static const struct ctl_opt with_control[] = {
	{ "-c", "FILE", "the configuration that the gateway runs with" },
	{ "--control", "PATH", "its control socket, instead" },
	{ NULL, NULL, NULL },
};
static const struct ctl_opt with_wrap[] = {
	{ "--name", "NAME", "of the server, in records" },
	{ "--state", "DIR", "where its ledger is kept" },
	{ NULL, NULL, NULL },
};
static const struct ctl_opt with_tail[] = {
	{ "-n", "N", "how many; 10 by default" },
	{ "--follow", NULL, "go on with what comes" },
	{ "--format", "NAME", "as ocsf or otlp-json" },
	LEDGER_FILTERS,
	{ NULL, NULL, NULL },
};
static const struct ctl_opt with_export[] = {
	{ "--format", "NAME", "ocsf, otlp-json or cosai-containment" },
	LEDGER_FILTERS,
	{ NULL, NULL, NULL },
};
static const struct ctl_opt with_index[] = {
	{ "--index", "DIR", "where the index is kept" },
	{ "--rebuild", NULL, "make it anew" },
	{ NULL, NULL, NULL },
};
static const struct ctl_opt with_query[] = {
	{ "-n", "N", "at most so many; all by default" },
	{ "--index", "DIR", "where the index is kept" },
	{ "--rebuild", NULL, "make it anew" },
	LEDGER_FILTERS,
	{ NULL, NULL, NULL },
};
static const struct ctl_opt with_vkey[] = {
	{ "--vkey", "KEY", "the log's verifier key: NAME+ID+KEY" },
	{ "--checkpoint", "FILE", "this one instead of DIR's own" },
	{ NULL, NULL, NULL },
};
static const struct ctl_opt with_receipt[] = {
	{ "--receipt", NULL, "a receipt: the record, its proof, a checkpoint" },
	{ "--disclose", "FILE", "in it, these disclosures, one a line" },
	{ NULL, NULL, NULL },
};
static const struct ctl_opt with_trust_file[] = {
	{ "--trust", NULL, "as a trust file" },
	{ "-c", "FILE", "in it, the witnesses and the quorum of this one" },
	{ "--witness", NULL, "the key by which it is a witness to others" },
	{ NULL, NULL, NULL },
};
static const struct ctl_opt with_witnesses[] = {
	{ "-c", "FILE", "the configuration: its witnesses and its quorum" },
	{ NULL, NULL, NULL },
};
static const struct ctl_opt with_retire[] = {
	{ "--retire", NULL, "make no key: the older ones sign no more" },
	{ "--trust", NULL, "as a trust file" },
	{ "-c", "FILE", "in it, the witnesses and the quorum of this one" },
	{ "--witness", NULL, "the key by which it is a witness to others" },
	{ NULL, NULL, NULL },
};
static const struct ctl_opt with_trust[] = {
	{ "--trust", "FILE", "logs, witnesses and the quorum that count" },
	{ NULL, NULL, NULL },
};
static const struct ctl_opt with_proof[] = {
	{ "--proof", "FILE", "the proof, a .tlog-proof" },
	{ "--trust", "FILE", "logs, witnesses and the quorum that count" },
	{ NULL, NULL, NULL },
};
static const struct ctl_opt with_signer[] = {
	{ "--signer", "KEY",
	    "whose it must be: as keys show has it, or base64url" },
	{ NULL, NULL, NULL },
};
static const struct ctl_opt with_record[] = {
	{ "--record", "FILE", "the record: a DSSE envelope" },
	{ "--blob", "FILE", "bytes that it says were read" },
	{ "--key", "HEX", "the observer's key; then FILE is the record" },
	{ NULL, NULL, NULL },
};
static const struct ctl_opt with_any[] = {
	{ "--trust", "FILE", "for a receipt: the logs and witnesses" },
	{ "--signer", "KEY", "for an evidence record: whose it must be" },
	{ "--record", "FILE", "for an observed effect: the record" },
	{ NULL, NULL, NULL },
};
static const struct ctl_opt with_cell[] = {
	{ "--cell", "N", "whose log; 0 by default" },
	{ "--disclose", NULL, "and what is kept of its content" },
	{ NULL, NULL, NULL },
};
static const struct ctl_opt with_erase[] = {
	{ "--subject", "NAME", "all of a principal, or of ARGUMENT=VALUE" },
	{ "--record", "SEQ", "one record" },
	{ "--cell", "N", "whose log it is in; 0 by default" },
	{ "--reason", "TEXT", "why; it goes on record" },
	{ "--yes", NULL, "do not ask" },
	{ NULL, NULL, NULL },
};
static const struct ctl_opt with_before[] = {
	{ "--before", "TIME", "what is older" },
	{ "--dry-run", NULL, "say what would go, and change nothing" },
	{ NULL, NULL, NULL },
};
static const struct ctl_opt with_log[] = {
	{ "--cell", "N", "whose log; 0 by default" },
	{ "--budgets", NULL, "of the budgets' log" },
	{ "--disclose", "NAMES", "values to show: members' names, by commas" },
	{ NULL, NULL, NULL },
};
static const struct ctl_opt with_schema[] = {
	{ "--schema", "FILE", "a Cedar schema, text or JSON" },
	{ "--policies", "FILE", "Cedar policies, text or JSON" },
	{ "--permissive", NULL, "allow what cannot fail but is odd" },
	{ NULL, NULL, NULL },
};
static const struct ctl_opt with_stub[] = {
	{ "--stub", "FILE", "schema text with the principals and resources" },
	{ "--include-outputs", NULL, "context.output too" },
	{ "--objects-as-records", NULL, "where no other members may come" },
	{ "--keep-annotations", NULL, "the stub's @mcp_..." },
	{ "--flatten-namespaces", NULL, "one namespace" },
	{ "--numbers-as-decimal", NULL, "number is decimal, not Number" },
	{ "--lenient", NULL, "what Cedar cannot say is Unknown" },
	{ NULL, NULL, NULL },
};
static const struct ctl_opt with_request[] = {
	{ "--policies", "FILE", "Cedar text, or its JSON form" },
	{ "--entities", "FILE", "entities, JSON" },
	{ "--schema", "FILE", "text or JSON; then all must conform to it" },
	{ "--principal", "UID", "who asks, as Type::\"id\"" },
	{ "--action", "UID", "for what" },
	{ "--resource", "UID", "on what" },
	{ "--context", "FILE", "a JSON object; {} by default" },
	{ NULL, NULL, NULL },
};
static const struct ctl_opt with_format[] = {
	{ "--write", NULL, "into FILE itself, and print nothing" },
	{ "--check", NULL, "only ask whether it is formatted: 0 yes, 1 no" },
	{ NULL, NULL, NULL },
};
static const struct ctl_opt with_policy[] = {
	{ "--policy", "ID", "only this policy or template: policy0, ..." },
	{ NULL, NULL, NULL },
};
static const struct ctl_opt with_docs[] = {
	{ "--docs", "DIR", "schemas that $ref may name by their $id" },
	{ "--formats", NULL, "assert formats; else they are annotations" },
	{ "--closed", NULL,
	    "refuse members that an object's schema does not name" },
	{ NULL, NULL, NULL },
};

#endif
