/* authority-in.h: what the files of this room share. */
#ifndef AUTHORITY_IN_H
#define AUTHORITY_IN_H

#include "authority/authority.h"
#include "cedar/cedar.h"
#include "facts/facts.h"
#include "schema/schema.h"

/* The names that policies are written with. */
#define NS "Gatehouse::"
#define A_REACH "reach"
#define A_CALL_TOOL "call_tool"

/* rules: of the image, as Cedar.  `list`: for the engine that answers what is
 * shown, which has one more policy a rule. */
NODISCARD enum err rules_compile(
    struct jv rules, bool list, struct cedar_policies *ps, struct note *why);
/* Every policy of `files` (not of rules) as the list engine needs it. */
NODISCARD enum err shown_compile(const struct cedar_policies *files,
    struct cedar_policies *list, struct note *why);
/* Rules and files in one set, by their ids. */
NODISCARD enum err all_compile(
    struct jv image, struct cedar_policies *all, struct note *why);
unsigned reads_of(struct jv est); /* of a policy in JSON */
unsigned reads_of_member(struct str name);
/* What all policies read, while they are compiled. */
struct reading {
	unsigned what;			 /* READS_* */
	unsigned risk_scope, risk_asked; /* groups: scopes and conditions */
	bool any;			 /* context.input: of any tool, */
	struct buf
	    tools; /* or of these: "SERVER___TOOL" with its length each */
};
void reading_add(struct reading *r, struct jv est);
/* JSON that this house wrote itself may be as deep as any tape is. */
extern const struct json_limits own_limits;
/* A policy's JSON form (EST), as text and as a tape. */
NODISCARD enum err est_of(const struct cedar_policies *ps, struct str id,
    struct buf *text, struct buf *tape, struct note *why);
/* Puts the file's name before what is wrong with policy i of all files. */
void note_file(struct jv image, size_t i, struct note *why);
void reading_put(const struct reading *r, struct buf *out);
void reading_done(struct reading *r);
struct policy;
NODISCARD enum err reading_get(struct cur *c, struct policy *p);

struct inventory;
struct declared;
struct policy_row { /* what a policy says of itself */
	struct str id, reason, needs, must;
	bool forbid;
};
struct policy {
	struct cedar_engine *all, *lifted, *shown;
	struct policy_row *row; /* of `all`, by place */
	struct arena *scratch;
	struct inventory *inv;
	unsigned reads;	     /* READS_* of all policies */
	unsigned risk_scope; /* groups of risk that scopes alone name, */
	unsigned risk_asked; /* and those that conditions do */
	struct map *typed; /* tools whose input some policy reads, by action; */
	bool typed_any;	   /* or all tools */
};

/* Records of the context, or none: not known, or no policy asks. */
struct known {
	struct cedar_value input, derived;
	/* of the inventory; NULL: there is none */
	const struct cedar_entities *base; /* entities of all calls */
	const struct declared *who, *server, *what;
	bool user;	 /* the principal is one */
	uint64_t labels; /* of what it touches */
	size_t more_n;
	struct cedar_field more[12]; /* other members of the context; last, as
					known_of clears what lies before it */
};
struct touched {
	uint64_t dataset[4], labels;
	size_t n; /* bits of dataset */
};
/* What is known of a call whose chain is filled, as far as somebody reads it.
 * ERR_DENIED: something is not declared; ERR_SYNTAX: an argument is not what
 * it should be; ERR_LIMIT: it is too large; why says so. */
NODISCARD enum err known_of(const struct inventory *v, const struct call *c,
    unsigned reads, struct arena *a, struct known *out, struct note *why);

/* ---- inventory.c, touch.c ---- */
NODISCARD enum err inventory_new(
    struct jv image, struct inventory **out, struct note *why);
void inventory_free(struct inventory *v); /* NULL is fine */
/* Are agent, server and object declared?  Fills k's part of it. */
NODISCARD enum err inventory_declares(const struct inventory *v,
    const struct call *c, struct arena *a, struct known *k, struct note *why);
/* May the agent k->who run on that model? */
NODISCARD enum err inventory_model(const struct inventory *v,
    const struct known *k, struct str model, struct note *why);
void inventory_touch(const struct inventory *v, const struct call *c,
    const struct known *k, struct touched *out);
struct cedar_value touched_datasets(
    const struct inventory *v, const struct touched *t, struct arena *a);
struct cedar_value touched_labels(
    const struct inventory *v, const struct touched *t, struct arena *a);

/* ---- chain.c, context.c ---- */
NODISCARD enum err chain_fill(
    const struct inventory *v, struct call *c, struct note *why);
/* Do policies read of the chain what is only claimed?  Then the call must be
 * allowed without its claims as well: they can only take away. */
bool chain_is_read(const struct policy *p, const struct call *c);
struct call chain_unclaimed(const struct call *c);
void chain_join(struct verdict *v, const struct verdict *of, struct str link,
    struct arena *a);
/* k as the link of the chain sees it: another principal. */
void chain_link(const struct inventory *v, struct str link, struct known *k);
void context_chain(const struct inventory *v, const struct call *c,
    struct arena *a, struct known *k);
void context_touched(const struct inventory *v, const struct touched *t,
    struct arena *a, struct known *k);
NODISCARD enum err context_model(const struct inventory *v,
    const struct call *c, bool read, struct arena *a, struct known *k,
    struct note *why);
/* A session's facts; what is not said is nothing. */
NODISCARD enum err session_of(
    struct jv said, struct arena *a, struct cedar_value *out, struct note *why);

/* ---- verdict.c ---- */
bool words_add(struct words *w, struct str word); /* false: it is full */
/* The words of an @obligation; false: *unmet, or one too many. */
bool obligations_add(struct words *must, struct str said, struct str *unmet);
/* Can all that an @obligation says be done here? */
bool obligations_met(struct str said);
/* Denies: more kinds of approval than a verdict can name. */
void verdict_approvals(struct verdict *v);
/* v stands: is it allowed, with of's obligations too; is it held, for of's
 * approvals too.  More than it can name denies. */
void verdict_join(struct verdict *v, const struct verdict *of);

/* What an expression in JSON (EST) asks of. */
enum {
	ASKS_PRINCIPAL = 1,
	ASKS_OTHER = 2,	  /* resource, action, context.call */
	ASKS_CONTEXT = 4, /* context, but for context.call */
};
unsigned asks(struct jv est, unsigned depth);
unsigned names_risk(struct jv est); /* the groups of risk that it names */

/* bounds.c: *out points into *image, the caller's. */
NODISCARD enum err bounds_new(const struct bounds *b, struct schema *out,
    struct buf *image, struct note *why);
/* ERR_SYNTAX: not so; by its path. */
NODISCARD enum err bounds_check(
    const struct schema *s, struct jv arguments, struct note *why);

/* typed.c */
extern const struct str risk_groups[RISK_MAX];
/* The groups of a tool that nobody declared, from 0, which is none.  False:
 * there is no such guess. */
bool risk_guess(const struct policy *p, unsigned i, struct call *c);
unsigned risk_mask(const struct call *c); /* as risk_assume takes it */
/* k->input by the tool's schema, or as JSON has it; ERR_SYNTAX: an argument is
 * not what it should be, by its path. */
NODISCARD enum err call_input(
    const struct call *c, struct arena *a, struct known *k, struct note *why);

/* schema.c: what policies may name; *to is told of tools without types.
 * tools: {SERVER:[tool, ...]}. */
NODISCARD enum err schema_new(struct jv image, struct jv tools,
    const struct policy_check *to, struct cedar_schema **out, struct note *why);

/* check.c, lint.c */
enum { CHECK_BYTES = 16 << 20, LINT_MAX = 2000 };
struct lint {	      /* of all files */
	struct bare { /* a policy that nothing limits or lifts */
		struct str file;
		uint32_t line;
		bool forbid;
		struct buf id, tape;
	} * at;
	size_t n;
};
struct checking {
	struct jv image, tools;
	const struct policy_check *to;
	struct cedar_schema *schema; /* NULL: no tools were given */
	const struct lint *all;
};
void check_say(const struct checking *k, struct str file,
    const struct cedar_why *at, struct str policy, bool warning);
struct str check_name(const struct cedar_policies *ps, struct str id);
struct jv check_est(
    const struct cedar_policies *ps, struct str id, struct buf *tape);
void lint_add(struct lint *l, struct str file, struct str policies);
void lint_done(struct lint *l);
void lint_terms(const struct checking *k); /* facts, risk, keep */
/* Does a policy (EST) ask for what cannot be at once? */
bool lint_never(struct jv policy);
void lint_file(
    const struct checking *k, struct str file, const struct cedar_policies *ps);

enum { INPUT_DEPTH_MAX = 32 }; /* of arguments that policies see */
/* What a method acts upon. */
enum thing { TOOL, PROMPT, RESOURCE, SERVER, MODEL };
enum thing thing_on(struct str method);
/* Groups that c's action is in: its method's own, or its tool's. */
size_t groups_of(const struct call *c, struct str out[static RISK_MAX]);
/* Is c->also to be decided?  Who follows a task sends no arguments: where some
 * call may be made it is not.  Empties p's own arena. */
bool also_asked(const struct policy *p, const struct call *c);
/* One call for the engine; lives in the arena it was made in. */
struct world {
	struct cedar_uid par[3]; /* principal, action, resource */
	struct cedar_entities *es;
	struct cedar_request *r;
};
NODISCARD enum err world_of(const struct call *c, bool reach,
    const struct known *k, struct arena *a, struct world *out);
/* The arguments as a record; ERR_SYNTAX with the member's path. */
NODISCARD enum err input_of(struct jv arguments, struct arena *a,
    struct cedar_value *out, struct note *why);
struct fact_value fact_value_of(struct jv v);
struct cedar_value fact_as_value(const struct fact *f, struct arena *a);
/* listed.c: of a list, each element a k. */
NODISCARD enum err derived_list(enum fact_kind k, struct str arg, struct jv v,
    struct arena *a, struct cedar_value *out, struct note *why);
NODISCARD enum err derived_of(struct jv declared, struct jv arguments,
    struct arena *a, struct cedar_value *out, struct note *why);

#endif
