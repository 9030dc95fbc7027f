/*
 * authority: may this call be made?  Every decision is Cedar's: rules of
 * gatehouse.yaml are written as Cedar and compiled together with the policy
 * files.  Role load compiles (policy_compile), the judge opens what it made
 * (policy_new) and evaluates: it parses no policy and no text.
 *
 * Stricter than Cedar in three places.  A forbid that fails to evaluate denies;
 * an obligation that nobody here can meet denies; an argument that no type can
 * hold exactly, or that is not what it was declared to be, denies.
 *
 * What an inventory declares is all there is: the rest is refused
 * ("undeclared").  A call is authorised for its principal and for everyone on
 * whose behalf it is; the strictest answer stands.
 *
 * Names: Gatehouse::Agent::"<principal>"; Gatehouse::User::"<name>";
 * Gatehouse::Action::"<server>___<tool>" in "call_tool" and in risk groups;
 * Gatehouse::Tool::"<server>/<tool>" in Gatehouse::Server::"<server>";
 * context.call {principal, server, method, name}, context.input,
 * context.derived, context.datasets, context.labels, context.on_behalf_of,
 * context.chain_depth, context.chain_agents, context.model, context.session,
 * context.budget.  doc/policy.md is for who writes them.
 */
#ifndef AUTHORITY_H
#define AUTHORITY_H

#include "base/base.h"
#include "json/json.h"

enum effect { DENY = 0, ALLOW, HOLD };
enum { VERDICT_MAX = 8 }; /* of policies, obligations and approvals, kept */
struct words {		  /* in order, none twice */
	struct str at[VERDICT_MAX];
	size_t n;
};
enum { LABELS_MAX = 64 }; /* classifications of an inventory */
struct verdict {
	enum effect effect;
	struct str rule;    /* id of the first determining policy;
			       "default-deny", "policy-error", "arguments",
			       "undeclared", "delegation", "approvals" */
	struct str link;    /* of the chain, for whom it is so; or empty */
	uint64_t labels;    /* what it touches carries: policy_label */
	struct str reason;  /* a sentence */
	struct words needs; /* HOLD: each class must lift it, not one of them */
	struct str by[VERDICT_MAX]; /* every determining policy */
	size_t by_n;
	struct words must; /* ALLOW: obligations */
	unsigned assumed;  /* groups that nobody declared decided: these */
};

enum { RISK_MAX = 5 };	/* read, write, destructive, egress, money */
enum { CHAIN_MAX = 8 }; /* deeper is a mistake, or hides somebody */
/* What a request says of itself in _meta; nobody vouches for either. */
#define META_ON_BEHALF_OF "io.gatehouse/onBehalfOf" /* name, or [names] */
#define META_MODEL "io.gatehouse/model"
/* The gateway itself, with tools that change nothing: no server has its name.
 */
#define OWN_SERVER STR("gatehouse")
struct call {
	struct str principal, server, method, name;
	struct str also;   /* a method that must be allowed besides, or none */
	struct jv params;  /* as the agent sent them */
	struct jv facts;   /* {"ARG":"kind"} declared for it, or absent */
	struct jv session; /* what is known of the session, or absent */
	struct jv budget;  /* {"NAME":{"left":n,"used":n}} of its budgets */
	struct str risk[RISK_MAX]; /* groups that its tool is in */
	size_t risk_n;
	struct str chain[CHAIN_MAX]; /* whom the principal acts for, nearest
					first: as declared, then as claimed */
	size_t chain_n;
	size_t claimed; /* of them, the last: unsigned claims */
	bool chained;	/* policy_chain filled it */
	bool guessed;	/* nobody declared them: risk_n is 0, see below */
	/* How the tool's schema types the arguments; NULL: as JSON has them. */
	const struct typed *typed;
	bool open; /* what the schema lets come undeclared is left out */
};
struct policy;

/*
 * Compiles rules and policies of an image: one engine that decides, one for
 * what lists show.  Appends their bytes.  ERR_SYNTAX, ERR_LIMIT: *why names
 * the file with line and column, or the rule.
 */
NODISCARD enum err policy_compile(
    struct jv image, struct buf *decide, struct buf *list, struct note *why);
/* Opens image.engine and image.engine_list (base64); an image without them is
 * compiled first.  Views into image must stay. */
NODISCARD enum err policy_new(
    struct jv image, struct policy **out, struct note *why);
void policy_free(struct policy *p); /* NULL is fine */
/* What of the context some policy reads, of what costs something to make. */
enum {
	READS_INPUT = 1,
	READS_SESSION = 2,
	READS_DATASETS = 4, /* and labels */
	READS_CHAIN = 8,
	READS_MODEL = 16,
	READS_BUDGET = 32,
	READS_ALL = 255, /* the context as a whole */
};
unsigned policy_reads(const struct policy *p);
/* For people: all that decides as Cedar text, rules first. */
NODISCARD enum err policy_show(
    struct jv image, struct buf *out, struct note *why);
/*
 * Why a call is decided as it is; appends a tape: {"principal","action",
 * "groups":[],"resource","policies":[{"id","effect":"permit"|"forbid",
 * "scope":bool,"holds":bool,"missed":[{"part":"principal"|"action"|"resource"
 * |"when ...","error":""}]}]}.  Slow: each part of each policy is asked alone.
 */
NODISCARD enum err policy_explain(
    struct jv image, const struct call *c, struct buf *tape, struct note *why);

/*
 * Fills c's chain from the inventory and from _meta of its params.  ERR_DENIED:
 * a claim names whom nobody knows; ERR_SYNTAX: it is no claim; ERR_LIMIT: more
 * than CHAIN_MAX.  policy_decide asks by itself when nobody did.
 */
NODISCARD enum err policy_chain(
    const struct policy *p, struct call *c, struct note *why);
/* The classification behind a bit of verdict.labels; empty: no such. */
struct str policy_label(const struct policy *p, unsigned bit);
/* Are models declared at all? */
bool policy_lists_models(const struct policy *p);
/* Is it declared?  Of what lists show and servers ask for: *why names what is
 * not.  Always, without an inventory. */
bool policy_declares(
    const struct policy *p, const struct call *c, struct note *why);
/* What a call's arguments come to, by their declared facts. */
enum { CALL_HOSTS_MAX = 32 };
/* Minor units of `currency` in all arguments that are money; one that says no
 * currency is in it.  *n: how many there are.  ERR_SYNTAX: another currency, a
 * debt, or no amount; ERR_LIMIT: too large a sum; *why for people. */
NODISCARD enum err call_spend(const struct call *c, struct str currency,
    struct arena *a, uint64_t *minor, size_t *n, struct note *why);
/* Distinct hosts of its urls, hosts and addresses of mail.  Errors alike. */
NODISCARD enum err call_hosts(const struct call *c, struct arena *a,
    struct str out[static CALL_HOSTS_MAX], size_t *n, struct note *why);

/* The verdict's texts live in the policy or in a, the turn's arena; when that
 * is spent the verdict is DENY.  NULL: an arena of the policy's own, until the
 * next question. */
struct verdict policy_decide(
    const struct policy *p, const struct call *c, struct arena *a);
/* Is there some call like this, with some arguments, that may be made?  For
 * lists; needs no params. */
bool policy_shows(const struct policy *p, const struct call *c);
/* May this principal do `method`, one that names no object (a list, the
 * handshake), at this server?  Yes when some policy allows it anything there
 * and none forbids it the method altogether. */
bool policy_reaches(const struct policy *p, struct str principal,
    struct str server, struct str method);
/* The method that policies know as this action ("call_tool": "tools/call");
 * the word itself where they are the same. */
struct str policy_method(struct str action);
struct str policy_action(struct str method); /* the other way */
/* What must be allowed besides, where the method tells what a call of the tool
 * brings: that there is still some call of it that may be made, with whatever
 * arguments; or none. */
struct str policy_also(struct str method);
/* Does the call touch that dataset of the inventory? */
bool policy_touches(
    const struct policy *p, const struct call *c, struct str dataset);

/* ---- calls of which not everything is known: records keep few values ---- */
struct partly {
	struct call call; /* params: {"arguments":{those that are known}}, and
			     all that policies see of "_meta" */
	struct jv absent; /* names of arguments that it certainly had not */
	bool whole;	  /* it had no other arguments */
	bool exact;	  /* all of them, as values, were read without fault */
	struct jv read;	  /* {"ARG":"kind"}: facts that were */
	bool session;	  /* call.session is all there was */
	bool budget;	  /* call.budget likewise */
};
/* Policies for such questions; slower than a struct policy, and larger. */
struct partly_set;
NODISCARD enum err partly_new(
    struct jv image, struct partly_set **out, struct note *why);
void partly_free(struct partly_set *s); /* NULL is fine */
const struct policy *partly_policy(const struct partly_set *s);
/* True: the call is decided like this whatever the unknown values were; of the
 * verdict effect, rule and needs (those that are certain) are there.  False: it
 * depends; *missing gets the first member that is needed, as
 * "context.input.path".  Sound: never true where a value could change the
 * effect; it may be false where none could. */
bool partly_decide(struct partly_set *s, const struct partly *k,
    struct arena *a, struct verdict *out, struct buf *missing);

#include "authority/tools.h"

#endif
