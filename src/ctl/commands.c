/* commands: the table.  A command is a row here and a function elsewhere. */
#include "ctl/ctl.h"

#include "ctl/ctl-cedar.h"
#include "ctl/ctl-inspect.h"
#include "ctl/ctl-json.h"
#include "ctl/ctl-jsonschema.h"
#include "ctl/ctl-ledger.h"
#include "ctl/ctl-policy.h"
#include "ctl/ctl-records.h"
#include "ctl/ctl-schema.h"
#include "ctl/ctl-side.h"
#include "ctl/ledger-filter.h"
#include "ctl/options.h"
#include "ctl/policy-in.h"
#include "ctl/tlog-dir.h"
#include "role/role.h"

static int
json_check(struct ctl *c)
{
	return ctl_json_check(c->arg[0], c->json);
}

static int
ledger_verify(struct ctl *c)
{
	return ctl_ledger_verify(c->arg[0], c->json);
}

static int
ledger_show(struct ctl *c)
{
	if (c->argc == 1)
		return ledger_list(
		    &(struct listing){ .dir = c->arg[0], .json = c->json });
	return ctl_ledger_show_one(c);
}

/* The words "gatehouse role" again, as role_main has them. */
static int
role(struct ctl *c)
{
	return role_main(c->argc + 2, c->arg - 2);
}

static const struct ctl_opt with_filters[] = { LEDGER_FILTERS,
	{ NULL, NULL, NULL } };

#define CLIENT                                                                 \
	{ "--client", "NAME", "this client alone" },                           \
	    { "--file", "PATH",                                                \
		    "this file alone; needs --client to tell its shape" },     \
	{                                                                      \
		"-c", "FILE", "the configuration; gatehouse.yaml by default"   \
	}
#define DRY                                                                    \
	{                                                                      \
		"--dry-run", NULL, "say what would be done, and do nothing"    \
	}
static const struct ctl_opt with_client[] = { CLIENT, { NULL, NULL, NULL } };
static const struct ctl_opt with_wrapping[] = { CLIENT, DRY,
	{ NULL, NULL, NULL } };
static const struct ctl_opt with_unwrapping[] = { CLIENT, DRY,
	{ "--force", NULL, "also entries that were changed since" },
	{ NULL, NULL, NULL } };

#define MANY 4096 /* arguments of a wrapped command */

const struct ctl_cmd ctl_cmds[] = {
	{ "run", "[FILE]", 0, 1, "Runs the gateway in the foreground",
	    "Reads the configuration, starts one confined process for each "
	    "role, and serves until stopped. SIGHUP reloads, SIGTERM drains "
	    "and stops.",
	    with_file, ctl_run, false, false, false },
	{ "check", "[FILE]", 0, 1,
	    "Checks a configuration and names each fault",
	    "Prints FILE:LINE:COLUMN, the key, what is wrong and the remedy. "
	    "Warnings are legal and probably not meant. Exit 0 valid, 1 "
	    "invalid, 4 not readable.",
	    with_file, ctl_check, true, false, false },
	{ "wrap", "-- COMMAND...", 1, MANY,
	    "Runs a tool server behind a gateway of its own",
	    "Speaks MCP on stdin and stdout in place of COMMAND, which it "
	    "starts with the same arguments, environment and directory. "
	    "Needs no configuration: whoever wraps a server chose to use it, "
	    "so the principal \"local\" is allowed all that it offers, and "
	    "the server may do all that its user may. What wrapping adds is "
	    "the strict protocol checks and the ledger, under "
	    "$XDG_STATE_HOME/gatehouse/wrap/NAME or "
	    "~/.local/state/gatehouse/wrap/NAME. For rules and sandboxes, "
	    "write a configuration and use \"gatehouse run\".",
	    with_wrap, ctl_wrap, false, true, false },
	{ "clients status", "", 0, 0,
	    "Shows which agents' tool servers are wrapped",
	    "Looks at the configuration files of known clients. Exit 0 when "
	    "every server that can be put behind the gateway is, 1 when one "
	    "is not. Of servers reached by HTTP that are not covered it says "
	    "why, and what to do.",
	    with_client, ctl_clients_status, true, false, false },
	{ "clients wrap", "", 0, 0,
	    "Puts the gateway before the tool servers of known agents",
	    "Changes only the commands of servers on stdio and the urls of "
	    "servers reached by HTTP, keeps comments and order, leaves a "
	    "backup beside the file. A url becomes the gateway's only when "
	    "the entry has no headers, no OAuth and nothing else that may "
	    "be a credential, when the configuration has a server of exactly "
	    "that url, and sets anonymous, because no token is written into "
	    "a client's file; all others are reported and left alone. What "
	    "is covered stays so when the configuration no longer has it, "
	    "until it is unwrapped.",
	    with_wrapping, ctl_clients_wrap, true, false, false },
	{ "clients unwrap", "", 0, 0, "Takes it away again",
	    "Restores the file byte for byte when nobody has changed it "
	    "since; otherwise entry by entry, and refuses entries that were "
	    "changed unless --force.",
	    with_unwrapping, ctl_clients_unwrap, true, false, false },
	{ "config example", "", 0, 0,
	    "Prints a configuration with every setting and its help", NULL,
	    NULL, ctl_config_example, false, false, false },
	{ "token new", "NAME", 1, 1,
	    "Makes a token for a principal and shows it once",
	    "The configuration keeps only its SHA-256; the line for it is "
	    "printed too.",
	    NULL, ctl_token_new, true, false, false },
	{ "status", "[FILE]", 0, 1, "Asks the running gateway how it is", NULL,
	    with_control, ctl_status, true, false, false },
	{ "reload", "[FILE]", 0, 1,
	    "Has the running gateway read its configuration again", NULL,
	    with_control, ctl_reload, true, false, false },
	{ "stop", "[FILE]", 0, 1, "Has the running gateway drain and stop",
	    NULL, with_control, ctl_stop, true, false, false },
	{ "budgets", "[FILE]", 0, 1, "Shows what budgets are used and left",
	    "Reads the configuration and what its gateway has written down; it "
	    "need not run. One line for each total: the budget, whose it is, "
	    "what is used, what is left. What a cell has taken ahead is used. "
	    "Exit 0 shown, 1 the configuration or the log is wrong, 3 nothing "
	    "is written down yet.",
	    with_file, ctl_budgets, true, false, false },
	{ "jail show", "", 0, 0,
	    "Prints what each role may do: the security architecture", NULL,
	    NULL, ctl_jail_show, true, false, false },
	{ "policy show", "", 0, 0,
	    "Prints all that decides, as Cedar, the rules too", NULL, with_conf,
	    ctl_policy_show, false, false, false },
	{ "policy check", "[SERVER=TOOLS.json...]", 0, 64,
	    "Checks the policies of a configuration",
	    "Validates the policies strictly against the names and types of "
	    "the servers' tools and what is declared of their arguments. "
	    "TOOLS.json is a server's answer to tools/list; without any, the "
	    "tools are those that the ledger of the state directory has seen, "
	    "and servers that it has not seen are named. Warns of policies "
	    "that are too broad, shadowed or unreachable, of conditions that "
	    "can never hold, of clauses that lists cannot ask, and of files "
	    "that others may write. Exit 0 valid, 1 not.",
	    with_conf, ctl_policy_check, true, false, false },
	{ "policy test", "CASES", 1, 1, "Tries the policies on calls in a file",
	    "CASES is YAML or JSON: cases, a list of calls, each with "
	    "principal, server, name, and if need be method, arguments and "
	    "session; with expect (allow, deny or hold), by, the policy "
	    "that decides, and needs, a list of all approvals that a held one "
	    "needs. Or calls: FILE.jsonl, one call a line. policies "
	    "names files of Cedar beside CASES, servers their facts and risk, "
	    "tools a file of each server's answer to tools/list; "
	    "without policies those of the configuration are tried. runs is a "
	    "list of all that. Exit 0 when every case is as expected, 1 when "
	    "one is not.",
	    with_conf, ctl_policy_test, true, false, false },
	{ "policy explain", "CALL", 1, 1, "Says why a call is decided as it is",
	    "CALL is a file with one call, as policy test has them. Names the "
	    "policies that decide, and of the others the part that is not so.",
	    with_conf, ctl_policy_explain, true, false, false },
	{ "policy map", "[SERVER=TOOLS.json...]", 0, 64,
	    "Shows who may do what to what, and where nobody may go",
	    "Every principal against every tool, and against the prompts, "
	    "resources, models and datasets of the inventory. TOOLS.json is "
	    "the server's answer to tools/list; without any, the tools are "
	    "those that the ledger has seen. may is allow, hold, forbidden "
	    "(a policy forbids it, and nothing lifts that), never (nothing "
	    "permits it) or undeclared, whatever the arguments and the "
	    "session are; else it is depends, and by names the first thing "
	    "that it depends on instead of the policy. A dataset is asked by "
	    "one call for each of its locations, made up from the first "
	    "value.",
	    with_conf, ctl_policy_map, true, false, false },
	{ "policy replay", "LEDGER", 1, 1,
	    "Says what other policies would have decided of what is on record",
	    "LEDGER is the state directory, or ledger in it; NEW a "
	    "configuration, or a file or directory of Cedar policies, which "
	    "replaces the rules and policies of the configuration that -c "
	    "names, or stands alone. Calls are counted by what changes, policy "
	    "and tool, with the records of some. Facts are made again from the "
	    "arguments that records keep (servers.NAME.keep) and from "
	    "disclosures: JSON lines with cell, seq and disclosures (RFC "
	    "9901), "
	    "each checked against what its record commits to. A call of which "
	    "the new policies read what nobody has is "
	    "not established, and what is missing is named. Exit 0 when "
	    "nothing would change, 1 when something would or is not "
	    "established, 3 no ledger there, 4 the ledger or a disclosure is "
	    "not valid.",
	    with_new, ctl_policy_replay, true, false, false },
	{ "policy learn", "LEDGER", 1, 1,
	    "Proposes the least policy that covers what was used",
	    "Prints a permit for each principal and tool, prompt or resource, "
	    "with how many calls it covers and what those calls had in common "
	    "where records keep it: directories of paths, hosts of URLs, verbs "
	    "of SQL. It is tried on the whole ledger before it is printed: it "
	    "permits nothing that was refused, and says what it leaves out for "
	    "that, and of which arguments it saw nothing. Nothing is applied. "
	    "Exit 0 when every allowed call is covered, 1 when not, 3 no "
	    "ledger there, 4 the ledger or a disclosure is not valid.",
	    with_learn, ctl_policy_learn, true, false, false },
	{ "ledger verify", "DIR", 1, 1,
	    "Checks every record of a ledger and names the first bad one",
	    "DIR is the state directory, or ledger in it. Reads every "
	    "segment of every cell and of the budgets, prints each log's root, "
	    "counts the calls whose outcome is unknown, holds each entry of "
	    "the "
	    "log of tiles beside it against its record and all of it against "
	    "the checkpoint, and ends with one line that says valid or names "
	    "the first bad record or entry. Exit 0 valid, 1 not, 3 no ledger "
	    "there.",
	    NULL, ledger_verify, true, false, false },
	{ "ledger tail", "DIR", 1, 1,
	    "Prints the newest records over all cells",
	    "One line each, oldest first; --json prints them as they stand. "
	    "An outcome is of the agent, session, tool and policy of its "
	    "decision. With --follow it goes on until it is stopped.",
	    with_tail, ctl_ledger_tail, true, false, false },
	{ "ledger grep", "DIR [TEXT]", 1, 2,
	    "Prints the records that options mean, or in which TEXT stands",
	    "Reads the whole ledger, in the order of time, and needs no "
	    "index. TEXT is looked for as records write it, in JSON. Exit 0 "
	    "some, 1 none or the ledger is not valid, 3 no ledger there.",
	    with_filters, ctl_ledger_grep, true, false, false },
	{ "ledger export", "DIR", 1, 1,
	    "Writes records in a format that others read",
	    "ocsf: an event a line. otlp-json: LogsData, a line for every 64 "
	    "records. cosai-containment: one evidence record of the decisions, "
	    "what was charged for them and their outcomes, signed with the "
	    "log's key, for \"gatehouse verify evidence\"; at most 16 MiB. "
	    "The same ledger gives the same bytes. Exit 0 done, 1 nothing to "
	    "write or the ledger is not valid, 3 no ledger there, 4 too large.",
	    with_export, ctl_ledger_export, false, false, false },
	{ "ledger query", "DIR WHAT [VALUE]", 1, 3,
	    "Answers questions about a ledger from an index of it",
	    "WHAT is agents, allowed, policies, kinds or approvals, session "
	    "ID, tool NAME, subject NAME, digest HEX, or records. The index "
	    "is brought up to date first, as \"ledger index\" does; a record "
	    "is read in the ledger and held against its leaf before it is "
	    "shown. With --json one object a line. Exit 0 some, 1 none or the "
	    "ledger is not valid, 3 no ledger there.",
	    with_query, ctl_ledger_query, true, false, false },
	{ "ledger index", "DIR", 1, 1,
	    "Makes the index of a ledger, or brings it up to date",
	    "An SQLite file under $XDG_CACHE_HOME/gatehouse/index or "
	    "~/.cache/gatehouse/index, derived and disposable: made anew when "
	    "it is missing, damaged, of another version or touched by "
	    "anything else. It knows how many records of each cell it was "
	    "built from and the root over them, and refuses when the ledger "
	    "no longer begins with those. Exit 0 done, 1 the ledger is not "
	    "valid or another, 3 no ledger there.",
	    with_index, ctl_ledger_index, true, false, false },
	{ "ledger show", "DIR [SEQ]", 1, 2,
	    "Prints one record and its leaf hash, or every record",
	    "After a decision it prints the records that it refers to, and its "
	    "outcome: unknown when there is none. With --disclose it prints "
	    "what the side store keeps of its content, held against what the "
	    "record commits to, or what became of it. Without SEQ it prints "
	    "all, as ledger tail does.",
	    with_cell, ledger_show, true, false, false },
	{ "ledger erase", "STATE", 1, 1,
	    "Erases what is kept of somebody, or of one record",
	    "Overwrites the content and the subject's keys in the side store; "
	    "the ledger stands, its proofs hold, and a record says what was "
	    "erased, why and by whom. Works beside a running gateway, and on "
	    "the state of a stopped one, which records it when it starts. A "
	    "disk that writes elsewhere, a snapshot or a backup may hold the "
	    "old bytes. Exit 0 erased, 1 there is nothing, 3 the gateway does "
	    "not answer: the request stays.",
	    with_erase, ctl_ledger_erase, true, false, false },
	{ "ledger head", "STATE", 1, 1,
	    "Shows how far the log is signed, and by whom cosigned",
	    "With -c FILE it looks for the witnesses and the quorum of that "
	    "configuration. Exit 0 the newest checkpoint counts, 1 it waits "
	    "for its witnesses, 3 there is none yet.",
	    with_witnesses, ctl_ledger_head, true, false, false },
	{ "ledger receipt", "STATE SEQ", 2, 2,
	    "Prints a receipt of one record: it is in the log",
	    "STATE is the state directory, SEQ the record's number in its "
	    "log. The receipt is checked by \"gatehouse verify receipt\" or "
	    "by web/verify, with no access to the gateway. A record comes "
	    "into the log about a second after it was written. Exit 0, 1 the "
	    "log does not have it, 4 its files are damaged.",
	    with_log, ctl_ledger_receipt, false, false, false },
	{ "ledger prune", "STATE", 1, 1, "Gives back the disk of old records",
	    "Of a stopped gateway, what is under a signed checkpoint, older "
	    "than --before TIME (2026-11-28, 90d) and not read by a start. It "
	    "is recorded; proofs of what is kept hold.",
	    with_before, ctl_ledger_prune, true, false, false },
	{ "keys show", "STATE", 1, 1, "Prints the log's verifier keys",
	    "Whoever checks receipts needs them. --trust prints a trust file.",
	    with_trust_file, ctl_keys_show, true, false, false },
	{ "keys init", "STATE NAME", 2, 2,
	    "Makes the log's key, before a first run",
	    "NAME is the log's for ever, as example.com/gatehouse; without "
	    "this the first run makes a key for a name of chance.",
	    with_trust_file, ctl_keys_init, true, false, false },
	{ "keys rotate", "STATE", 1, 1, "Gives the log another key",
	    "Takes effect at the next start. The older key signs beside it, so "
	    "that who knows only that still believes, until --retire, which is "
	    "refused before a start has signed with the newer.",
	    with_retire, ctl_keys_rotate, true, false, false },
	{ "ledger fsck", "DIR", 1, 1,
	    "Checks anyone's log of tiles against its checkpoint",
	    "DIR has checkpoint and tile/, as C2SP tlog-tiles has them. Says "
	    "which entries hold, which are changed, missing or not known, and "
	    "what an auditor may still conclude; the last line says valid or "
	    "names the first bad entry. Changes nothing. Exit 0 valid, 1 not, "
	    "3 no checkpoint there, 4 it is malformed.",
	    with_vkey, ctl_ledger_fsck, true, false, false },
	{ "ledger prove", "DIR INDEX", 2, 2,
	    "Prints an entry's proof out of a log of tiles",
	    "DIR has checkpoint and tile/, as C2SP tlog-tiles has them; INDEX "
	    "counts from 0. As C2SP tlog-proof has it, or with --receipt with "
	    "the record in one file. Exit 1 when there is no such entry or its "
	    "proof does not lead to the checkpoint.",
	    with_receipt, ctl_ledger_prove, false, false, false },
	{ "ledger vectors", "DIR", 1, 1,
	    "Judges the proofs' checks by published vectors",
	    "DIR has inclusion and consistency proofs as JSON files, good and "
	    "bad. Names each difference.",
	    NULL, ctl_ledger_vectors, false, false, false },
	{ "verify", "FILE", 1, 1,
	    "Verifies a receipt, an evidence record or an observed effect",
	    "Sees what kind FILE is of; \"gatehouse help verify KIND\" tells "
	    "more. Exit 0 yes, 1 no, 4 it cannot be judged.",
	    with_any, ctl_verify_any, true, false, false },
	{ "verify receipt", "FILE", 1, 1,
	    "Checks one record's receipt, with nothing but a trust file",
	    "FILE has the record, what is disclosed of it, its proof and a "
	    "checkpoint. The trust file says whose checkpoints count, as C2SP "
	    "tlog-policy has it. Exit 0 valid, 1 not, 4 malformed.",
	    with_trust, ctl_verify_receipt, true, false, false },
	{ "verify record", "FILE", 1, 1,
	    "Checks that the bytes of a file are logged",
	    "By a proof as C2SP tlog-proof has it. Exit 0 valid, 1 not, 4 "
	    "malformed.",
	    with_proof, ctl_verify_record, true, false, false },
	{ "verify evidence", "FILE", 1, 1,
	    "Checks a containment evidence record of CoSAI's format",
	    "Chain, digests, boundary, references, the thirteen fields of each "
	    "decision, and the checkpoint's signature. Without --signer the "
	    "key in the record is believed, and the answer says so. Names the "
	    "first bad entry. Exit 0 valid, 1 not, 4 malformed.",
	    with_signer, ctl_verify_evidence, true, false, false },
	{ "verify observed-effect", "FILE", 1, 1,
	    "Says what an observed effect is evidence enough for (RFC-189)",
	    "FILE is JSON: property and context, and the record as the text "
	    "evidence.envelope or with --record; or a case that has all that "
	    "as checker_input, of which nothing else is read. With --key FILE "
	    "is the record itself, and the question whether it is admissible. "
	    "Exit 0 pass, present or absent, 1 fail, not_established or "
	    "pending, 4 a failure of processing.",
	    with_record, ctl_verify_effect, true, false, false },
	{ "json check", "DIR", 1, 1,
	    "Judges the JSON reader by a directory of test files",
	    "Files are named y_ (must be read), n_ (must be refused), i_ "
	    "(either).",
	    NULL, json_check, true, false, false },
	{ "schema check", "SCHEMA FILE...", 2, MANY,
	    "Checks JSON files against a JSON Schema",
	    "SCHEMA is of 2020-12, 2019-09 or draft-07. Nothing is fetched: a "
	    "$ref may name what is in SCHEMA, in DIR, or the meta-schemas of "
	    "2020-12. Prints each fault as FILE: place in the value: what is "
	    "wrong (keyword, place in the schema). Exit 0 valid, 1 a FILE or "
	    "SCHEMA is not, 4 one cannot be read, or takes too long to judge.",
	    with_docs, ctl_schema_check, true, false, false },
	{ "schema suite", "DIR", 1, 1,
	    "Judges the JSON Schema room by the official suite",
	    "DIR has draft2020-12 and remotes of JSON-Schema-Test-Suite. Names "
	    "each test that fails; counts optional tests and formats apart; "
	    "the last line counts the required ones.",
	    NULL, ctl_schema_suite, true, false, false },
	{ "inspect", "", 0, 0,
	    "Says what is suspicious about tool definitions, answers, "
	    "arguments and prompts",
	    "Reads items from standard input, one JSON object a line: id, kind "
	    "(tool_description, tool_result, tool_arguments, user_prompt, "
	    "tools_list_change) and text or json. Prints for each its id, a "
	    "score from 0 to 1, action (none, flag or deny), the rules that "
	    "saw something, and microseconds; unscanned where not all could "
	    "be looked at. A finding never decides. Exit 0 all were looked "
	    "at, 1 a line is no item or a rule is wrong.",
	    with_items, ctl_inspect, false, false, false },
	{ "rules test", "", 0, 0,
	    "Tries the rules of inspection on their own cases",
	    "Each rule has texts that it must find and texts that it must not. "
	    "Exit 0 when all do, 1 when one does not or a rule is wrong; then "
	    "file and line are named.",
	    with_rules, ctl_rules_test, true, false, false },
	{ "rules bench", "", 0, 0, "Says what each rule costs",
	    "Nanoseconds a KB of a fixed text, each rule alone.", with_rules,
	    ctl_rules_bench, true, false, false },
	{ "rules explain", "ID", 1, 1, "Shows one rule", NULL, with_rules,
	    ctl_rules_explain, true, false, false },
	{ "cedar validate", "", 0, 0,
	    "Validates Cedar policies against a schema",
	    "Prints what is wrong, by file, line, column and policy. Exit 0 "
	    "valid, 1 not valid, 2 misuse, 4 a file cannot be read.",
	    with_schema, ctl_cedar_validate, true, false, false },
	{ "cedar schema-to-json", "FILE", 1, 1,
	    "Prints a Cedar schema in its JSON form", NULL, NULL,
	    ctl_cedar_schema_to_json, false, false, false },
	{ "cedar mcp-schema", "TOOLS.json", 1, 1,
	    "Makes a Cedar schema from an MCP server's tools",
	    "TOOLS.json is an answer to tools/list, a list of tools or a tool. "
	    "With --json the schema is in its JSON form.",
	    with_stub, ctl_cedar_mcp_schema, true, false, false },
	{ "cedar authorize", "", 0, 0,
	    "Decides one request by Cedar policies in a file",
	    "Prints the decision, the policies that made it and those that "
	    "failed. Exit 0 allow, 1 deny, 2 misuse, 4 something cannot be "
	    "read or is wrong.",
	    with_request, ctl_cedar_authorize, true, false, false },
	{ "cedar corpus", "FILE|DIR", 1, 1,
	    "Judges the Cedar room by published tests",
	    "FILE has a JSON object a line (id, test, policies, schema, "
	    "entities, validation, each the text of a file) and may be "
	    "compressed; DIR has JSON files that name the others. Names "
	    "each difference.",
	    NULL, ctl_cedar_corpus, false, false, false },
	{ "cedar format", "[FILE]", 0, 1, "Lays out Cedar policies",
	    "Keeps comments and changes white space alone, and a comma "
	    "before a closing bracket. Without FILE it reads standard input.",
	    with_format, ctl_cedar_format, false, false, false },
	{ "cedar to-json", "[FILE]", 0, 1,
	    "Prints Cedar policies in the JSON policy format",
	    "As a set of staticPolicies, templates and templateLinks.",
	    with_policy, ctl_cedar_to_json, false, false, false },
	{ "cedar from-json", "[FILE]", 0, 1,
	    "Prints policies in the JSON policy format as text",
	    "Takes a set, or one policy. Text has no ids: they count from "
	    "policy0 in its order, and a link to a template is refused.",
	    NULL, ctl_cedar_from_json, false, false, false },
	{ "man", "[DIR]", 0, 1,
	    "Writes the manual pages, gatehouse.1 and gatehouse.yaml.5",
	    "Into DIR, or man.", NULL, ctl_man, false, false, false },
	{ "completion", "bash|zsh|fish", 1, 1,
	    "Prints a completion script for a shell",
	    "bash: put it into /etc/bash_completion.d; zsh: into a directory "
	    "of $fpath as _gatehouse; fish: into "
	    "~/.config/fish/completions/gatehouse.fish.",
	    NULL, ctl_completion, false, false, false },
	{ "version", "", 0, 0, "Prints the version", NULL, NULL, NULL, true,
	    false, false },
	{ "help", "[COMMAND]", 0, 3, "Tells more of a command", NULL, NULL,
	    NULL, false, false, false },
	{ "jail test", "ROLE ACT", 2, 2,
	    "Tries one thing in the jail of a role", NULL, NULL, ctl_jail_test,
	    false, false, true },
	{ "role", "NAME INSTANCE", 2, 2, "Is one process of the gateway", NULL,
	    NULL, role, false, true, true },
};
const size_t ctl_cmds_n = countof(ctl_cmds);
