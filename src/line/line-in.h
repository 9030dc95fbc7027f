/*
 * line-in: the structs of the line, for its own files only.
 *
 *   session 1--n hop      a legacy agent's session has its own hops
 *   turn    1--n leg      a call has one leg, a list over n servers has n
 *   leg     n--1 hop      a leg travels on a hop
 *   ask     n--1 hop      a server's request on its way to the agent
 */
#ifndef LINE_IN_H
#define LINE_IN_H

#include "authority/authority.h"
#include "authzen/authzen.h"
#include "budget/budget.h"
#include "ledger/ledger.h"
#include "line/fact-in.h"
#include "line/line.h"
#include "mcp/mcp.h"
#include "json/json.h"

/* Under the sanitizers nothing is reused: a stale pointer shows. */
#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
static const size_t pool_max = 0;
#else
static const size_t pool_max = 256; /* finished turns and legs kept */
#endif

enum {
	KEEP_MAX = 16384, /* bytes of a kept one's answer that stay */
	SERVERS_MAX = 64,
	ASKS_MAX = 32,	   /* open server requests of one session */
	PAGES_MAX = 64,	   /* of one upstream list */
	NAME_MAX_N = 8192, /* bytes of a tool's name or a URI: it is recorded */
	TOOL_NAME_MAX = 2000, /* a longer one is not shown */
	URI_MAX = 2048,	      /* a longer one is not learned from a list */
	URIS_MAX = 50000,     /* resources an endpoint knows, and templates */
	LISTEN_URIS = 256,    /* resources that one request or hop follows */
	LISTEN_TASKS = 256,   /* tasks that one request follows */
	GIVEN_MAX = 64,	      /* an agent's own tasks that its servers know */
	LEGS_OWN = 1 << 19,   /* of all legs; a turn's always find a place */
	TURNS_MAX = 8192,     /* with SERVERS_MAX legs each: the other half */
	LEVEL_MAX = 16, /* bytes of a log level; "emergency" is the longest */
	WORK_MAX = 48 << 20,   /* two whole messages */
	ANSWER_MAX = 20 << 20, /* fits a message, with all that is beside it */
	HEADS_MAX = 4096,      /* bytes of one tool's x-mcp-headers */
	FINDINGS_MAX = 16,     /* recorded of one list */
	ASK_ID_MAX =
	    1024,	  /* a tape: four times what the protocol room allows */
	HOPS_MAX = 16,	  /* shared ones of a principal at one server */
	HOP_IDLE_S = 300, /* an unused shared hop is closed after this */
	HOP_OPEN_S = 120, /* a server needs no longer to start */
	GRACE_S = 30,	  /* that a peer may be later than its own deadline */
	HOP_WORDS = 65536, /* bytes of its capabilities, or of its info */
	REPLAY_BYTES = 256 * 1024, /* of one session's kept events */
	ROUNDS_MAX = 8, /* that a server wants nothing but to be asked again */
	ASK_AGAIN_S = 10, /* for tools that a server did not show */
	HELD_S = 300,	  /* an agent must come back with its inputs */
};

/* Handles that survive reuse: index | generation << 20. */
struct slab {
	struct slab_slot {
		void *p;
		uint32_t gen, next; /* next: index + 1 of the next free one */
	} * at;
	uint32_t n, cap, free, used;
};
uint64_t slab_add(struct slab *s, void *p);
void *slab_get(const struct slab *s, uint64_t h); /* NULL: stale or foreign */
void slab_del(struct slab *s, uint64_t h);
void slab_done(struct slab *s);

/* What a session did: facts.c. */
struct seen {
	uint64_t labels, servers; /* bits: line.label, upstream.index */
	uint64_t calls, refusals, risk[RISK_MAX];
	uint64_t last;
};

/* What an agent stated: plan.c. */
struct plan {
	struct str steps; /* tape of its plan: [{"step","tool"}]; or none */
	uint64_t seq;	  /* of the plan's record */
	uint64_t stated;  /* inputs and plans, */
	uint64_t since;	  /* since then */
	uint64_t last;	  /* when it stated or called; 0: never */
};

struct principal {
	struct str name;
	struct plan plan;    /* where it has no session */
	struct shown *shown; /* by endpoint, where it has no session; or NULL */
	uint64_t recorded;   /* in its own sequence, in this process */
	uint64_t identity;   /* sequence of the record of who it is; 0: none */
	struct seen seen;    /* in this cell, while it is not silent for long */
	unsigned inflight;
	uint64_t sessions;
	bool known;		 /* the image has a credential for it */
	bool evaluates;		 /* it may ask what others may do */
	uint64_t tokens, filled; /* rate bucket: thousandths, and when filled */
	uint64_t denied_since, denied, folded; /* of this second; not written */
	struct task *tasks;		       /* newest first */
	size_t tasks_n;
};

/* A call that its server answers later. */
struct task {
	struct task *next;	 /* of its principal */
	struct str id;		 /* ours, in line.tasks */
	struct str theirs, tool; /* the server's id; the tool's local name */
	struct upstream *up;
	struct session *session; /* NULL: of a modern agent */
	struct principal *principal;
	struct endpoint *endpoint;
	uint64_t origin; /* sequence of the creating call's decision */
	uint64_t labels; /* of what that call touched */
	uint64_t born, until;
	bool over, taken; /* it ended; the agent was told how */
};

struct tool;
struct upstream {
	unsigned index;
	struct str name;
	struct jv conf, data, results, subject; /* the last three by tool */
	struct terms terms;
	bool http;
	struct map *tools;	 /* name -> struct tool */
	size_t definitions;	 /* bytes of theirs that are kept */
	bool listed;		 /* all of them are in tools */
	struct seldom failed[2]; /* itself, a list of it */
	uint64_t asked;		 /* when we last asked for them; 0: never */
	/* Which era it spoke last: with a legacy agent, with a modern one. */
	enum { SPEAKS_UNKNOWN, SPEAKS_LEGACY, SPEAKS_MODERN } speaks[2];
};

struct endpoint {
	struct str path;
	struct upstream *up[SERVERS_MAX];
	size_t n;
	bool aggregate;
	struct map *claims;	     /* by principal: whose lists show what */
	size_t claimed[SERVERS_MAX]; /* by each of up */
};

struct hop {
	uint64_t id;
	struct str key; /* in line.hops */
	struct upstream *up;
	struct session *session; /* NULL: shared by a principal's calls */
	struct principal *principal;
	enum { HOP_NEW, HOP_OPENING, HOP_OPEN } state;
	enum mcp_era era;
	struct str caps, info, text; /* tapes; instructions */
	struct leg *legs;	     /* newest first */
	uint64_t used, since;	     /* since: it is opening */
};

/* A server's request that waits for the agent. */
struct ask {
	uint64_t no; /* JSON-RPC id towards the agent; 0: a free place */
	uint64_t hop;
	struct str id; /* tape of the server's id; bridged: the input's key */
	struct str method, params; /* while it cannot be sent yet */
	uint64_t turn;		   /* the turn it is about, or 0 */
	bool bridged;		   /* from a modern server's input_required */
	bool tasked;		   /* the agent may make a task of it */
	bool sent;
};

struct replay_event {
	struct replay_event *next;
	uint64_t stream, seq;
	struct str bytes; /* encoded ANSWER or EVENT */
};

struct session {
	struct str id;
	struct str label;  /* what records call it */
	uint64_t recorded; /* records of it so far */
	struct shown shown;
	struct principal *principal;
	struct endpoint *endpoint;
	unsigned front; /* of the stream, or of stdio */
	uint64_t stream_ref;
	bool has_stream, stdio, ready; /* ready: initialized came */
	int version;
	struct str caps, info, level; /* tapes; level is text */
	struct map *subs; /* upstream index and URI -> upstream; or NULL */
	struct hop *hop[SERVERS_MAX]; /* by upstream index */
	struct ask ask[ASKS_MAX];
	uint64_t ask_no;
	struct turn *turns;
	struct replay_event *replay, *replay_last;
	size_t replay_bytes, replay_n;
	uint64_t stream_seq;
	uint64_t used;
	struct seen seen;
	struct plan plan;
	struct given {
		struct str id;
		uint64_t hop;
	} * given; /* the agent's own tasks, and for which server; or NULL */
	size_t given_n;
};

struct leg {
	uint64_t id;
	struct turn *turn; /* NULL: the session's own subscription */
	struct hop *hop;
	struct leg *next;		 /* of the turn */
	struct leg *hop_next, *hop_prev; /* of the hop */
	enum { LEG_WAITS, LEG_SENT, LEG_DONE } state;
	bool learning;	/* it asks for the catalogue, and nothing else */
	bool tasked;	/* it asked for a task */
	bool tasks;	/* its agent can follow tasks there */
	struct buf out; /* result or error tape */
	struct buf all; /* items of earlier pages, tape values */
	size_t all_n;
	bool is_error;
	enum mcp_era era; /* of the hop it went on */
	unsigned status;  /* the upstream failed: 502, 504 */
	struct note why;
	unsigned pages;
	struct str uri; /* own subscription: of this resource */
};

struct turn {
	uint64_t id;
	unsigned front;
	uint64_t ref;
	bool attached; /* the agent's request is still open */
	bool dead;     /* cancelled: no answer leaves */
	bool over;     /* it waits for its outcome record, or has it */
	bool stdio, held, progress, queued;
	bool cred_came; /* known or not */
	bool stated;	/* its _meta states something */
	bool own;	/* it calls the gateway's own tool */
	bool sent;	/* it left, to one server at least */
	enum mcp_era era;
	enum mcp_method method;
	struct endpoint *endpoint;
	struct principal *principal;
	struct session *session;
	struct turn *s_next, *s_prev; /* of the session */
	struct turn *free_next;
	struct arena *mem;
	struct str method_text, version, level, session_id, cred;
	struct jv id_tape, params, caps, info, heads, token;
	size_t step;
	/* route */
	struct upstream *target[SERVERS_MAX];
	size_t target_n;
	struct str name; /* local name, or URI */
	struct str task; /* our id of the task it is about, or made */
	uint64_t origin; /* decision of the call that made that */
	bool no_tasks;	 /* the server was told so: there is no room */
	/* reserve */
	struct spent *spent; /* of each budget that it is about */
	size_t spent_n;
	uint64_t reservation; /* 0: none, or the call has left */
	uint64_t reserve_at;  /* since when it waits for role budget; 0: no */
	bool held_units;      /* units of leases go back if it does not leave */
	struct jv budget;     /* what policies are told */
	bool counted;	      /* which budgets it is about is known */
	/* decide, record */
	struct call asked; /* of policy; without a principal: nothing */
	struct verdict verdict;
	uint64_t labels;   /* of what it touches: bits of line.label */
	uint64_t decision; /* sequence of the decision record */
	uint64_t wait_seq;
	struct turn *wait_next;
	char *list_sum; /* digest of the list that it shows, or NULL */
	unsigned list_kind;
	/* legs and answer */
	struct leg *legs;
	size_t pending;
	unsigned status; /* HTTP status of the answer; 0: 200 */
	struct buf out;	 /* result or error tape */
	bool is_error;
	const char *failed; /* the step that refused, or NULL */
	struct note why;
	int code;
	uint64_t seq;	 /* events sent on this turn's stream */
	struct due *due; /* it ends when that can be told what it would be */
	uint64_t since;	 /* its server has limits.call from here to answer */
	uint64_t born, until; /* parked no longer; 0: as long as it likes */
	/* bridge */
	struct ask ask[8]; /* modern agent: what a legacy server wants */
	size_t asks_open;
	struct buf inputs; /* legacy agent: inputResponses, members so far */
	size_t inputs_n;
	unsigned rounds;
	uint64_t retry_of; /* a held turn that this request brings inputs to */
	bool sealing;
	struct str bound; /* digest that came with an opened requestState */
	/* listen */
	bool listening;
	unsigned listen;       /* LISTEN_* */
	struct jv uris, tasks; /* tasks: our ids */
	struct turn *l_next;
};
enum { LISTEN_TOOLS = 1, LISTEN_PROMPTS = 2, LISTEN_RESOURCES = 4 };

struct queue {
	struct turn *first, *last;
};

struct line {
	unsigned cell, cells; /* of how many */
	struct line_ports port;
	struct jv image;
	struct policy *policy;
	struct str policy_digest; /* of the image; empty: a test's */
	bool policy_told;	  /* its record is written */
	char boundary[65];	  /* digest of the statement, hexadecimal */
	uint64_t boundary_told;	  /* sequence of its record; 0: not written */
	uint64_t start;		  /* sequence of this process' start record */
	struct str label[LABELS_MAX]; /* all since the start */
	uint8_t label_at[LABELS_MAX]; /* of a bit of policy's: ours */
	size_t label_n;
	struct map *reported;	/* what is not declared and is on record */
	struct map *principals; /* 32 bytes of credential digest -> principal */
	struct map *names;	/* name -> principal; owns them */
	struct principal *anonymous,
	    nobody; /* nobody: of unknown credentials */
	struct upstream up[SERVERS_MAX];
	size_t up_n;
	struct upstream own;	      /* own.c */
	struct str own_conf, own_def; /* tapes */
	bool plans;		      /* its tool is offered */
	struct endpoint *endpoint;
	size_t endpoint_n;
	struct map *sessions, *hops, *tasks;
	struct slab turns, legs, hop_ids;
	struct turn *turn_free;
	size_t turn_free_n;
	struct leg *leg_free;
	size_t leg_free_n;
	struct turn *listens;
	struct map *refs; /* front, ref -> turn of an open request */
	bool ledger_ok;
	uint64_t seq;
	struct budgets budgets;
	struct map *leases; /* by budget and key */
	uint64_t budget_ns; /* role budget must answer in this time */
	size_t reserving;   /* turns that wait for it */
	struct seldom budget_failed, refused[3]; /* credentials: enum knock */
	struct queue written, durable; /* turns that wait for the ledger */
	struct buf rec, work, work2;
	struct committing *commit; /* commit.c's */
	struct due *telling;	   /* decisions that wait for it */
	size_t telling_n;
	bool batch, answers_durable;
	uint64_t max_body, max_sessions, max_inflight, rate, call_ns,
	    call_max_ns, session_idle_ns, max_replay, max_tasks, task_ms,
	    max_refusals, own_sessions; /* of one principal, in this cell */
	size_t busy;
};

static inline uint64_t
line_now(const struct line *l)
{
	return l->port.now(l->port.arg);
}
static inline struct jv
tape_of(struct str s)
{
	return jv_of(s);
}
struct str keep_tape(struct jv v); /* str_keep of its bytes; empty for none */
void drop(struct str *s);	   /* frees what str_keep gave */
/* A peer's words, as far as they are text and fit. */
void note_words(struct note *n, struct str s);

/* turn.c */
void turn_start(struct line *l, unsigned front, const struct msg *m);
void turn_run(struct line *l, struct turn *t); /* until parked or over */
void turn_resume(struct line *l, struct turn *t, enum err how);
/* The turn will be answered with this, and recorded as refused if nothing was
 * decided yet.  code 0: an HTTP status alone.  Returns ERR_DENIED. */
COLD enum err turn_fail(struct turn *t, unsigned status, int code,
    const char *fmt, ...) PRINTF(4, 5);
void turn_over(struct line *l, struct turn *t);
void turn_gone(struct line *l, unsigned front, uint64_t ref);
void turn_cancel(struct line *l, struct turn *t, const char *why);
void turn_late(struct line *l, struct turn *t);
void turn_detach(struct line *l, struct turn *t);
void turn_attach(struct line *l, struct turn *t, unsigned front, uint64_t ref);
void turn_again(struct line *l, struct turn *t);
struct asked;
/* One that walks the steps before a decision, for d to be told of it. */
void turn_ask(struct line *l, const struct asked *a, struct due *d);
struct turn *turn_by_id(const struct session *s, struct jv id);
enum err step_reply(struct line *l, struct turn *t);

/* admit.c */
enum err step_admit(struct line *l, struct turn *t);
struct principal *principal_of(struct line *l, const struct msg *m);
/* For n calls at once. */
bool rate_ok(const struct line *l, struct principal *p, size_t n);
NODISCARD enum err admit_setup(struct line *l, struct note *why);
void admit_done(struct line *l);

/* route.c */
enum err step_route(struct line *l, struct turn *t);
enum err step_decide(struct line *l, struct turn *t);
struct call turn_call(const struct line *l, const struct turn *t);
/* A request that names one object, whoever wants to know: a turn, or somebody
 * who asks what a turn would be told. */
struct asked {
	const struct principal *principal;
	const struct session *session; /* or NULL */
	const struct upstream *up;
	enum mcp_method method;
	struct str name; /* as its server calls it; a URI */
	struct jv params;
	struct jv budget; /* what policies are told of it, or none */
};
struct asked asked_of(const struct turn *t);
/* *call: what policy was asked.  Texts of the verdict live in the policy or in
 * mem. */
struct verdict decide_named(const struct line *l, const struct asked *a,
    struct call *call, struct arena *mem);
/* A request that names none: may p do it at all at u? */
struct verdict decide_reach(const struct line *l, const struct principal *p,
    const struct upstream *u, enum mcp_method m);
const struct upstream *upstream_named(const struct line *l, struct str name);
NODISCARD enum err route_setup(struct line *l, struct note *why);
void route_done(struct line *l);
/* Is it shown in lists?  Too much rather than too little. */
bool may(const struct line *l, const struct principal *p,
    const struct upstream *u, struct str method, struct str name);
/* Is it allowed, without arguments?  As strict as a call. */
bool may_use(const struct line *l, const struct principal *p,
    const struct upstream *u, struct str method, struct str name);

/* evaluations.c */
void evaluations_ask(struct line *l, const struct msg *m);
/* t of its due knows all that it can, or failed: it is decided.  Then t is
 * over, and its due goes on. */
void evaluations_decide(struct line *l, const struct turn *t);
void evaluations_go(struct line *l, struct due *d);
void evaluations_release(struct line *l, uint64_t upto, bool durable);
void evaluations_drop(struct line *l, bool say);

/* facts.c: what is known of a session.  A tape in mem, when policy reads it. */
struct jv facts_of(
    const struct line *l, const struct asked *a, struct arena *mem);
void facts_note(const struct line *l, struct turn *t); /* it was decided */
NODISCARD enum err facts_setup(
    struct line *l, const struct policy *p, struct note *why);
void facts_done(struct line *l);

/* declared.c */
void declared_report(struct line *l, const struct turn *t,
    const struct upstream *u, struct str method, struct str name);
/* False, and why: a model that is named may not be used. */
struct wants { /* who is asked, by which server */
	const struct principal *principal;
	const struct upstream *up;
};
bool models_ok(
    struct line *l, const struct wants *w, struct jv params, struct note *why);
enum err models_wanted(struct line *l, struct turn *t, struct jv result);

/* uris.c: of an endpoint of all servers */
void uris_forget(const struct line *l, struct endpoint *e,
    const struct principal *p, const struct upstream *u, bool template);
void uri_claim(const struct line *l, struct endpoint *e,
    const struct principal *p, const struct upstream *u, struct str uri,
    bool template);
/* NULL: n servers show it, none or several. */
struct upstream *uri_owner(const struct line *l, struct endpoint *e,
    const struct principal *p, struct str uri, bool template, size_t *n);
/* False: it is another one's, or several show it. */
bool uri_may_be(const struct line *l, struct endpoint *e,
    const struct principal *p, const struct upstream *u, struct str uri);
void uris_done(struct endpoint *e);

/* evaluate.c */
struct evaluation {
	const struct principal *asker;
	struct str request; /* his own name for it, or empty */
	struct note subject, action, resource; /* his words */
	struct asked asked; /* as far as his words are ours */
	bool malformed;	    /* reason says how */
	struct verdict verdict;
};
/* Fills asked; false: it is none of ours, and the verdict says why. */
bool evaluation_of(struct line *l, const struct authzen_one *one,
    struct evaluation *e, struct arena *mem);
/* The verdict of what is no tool's call: that of a turn. */
void evaluate(struct line *l, struct evaluation *e, struct arena *mem);
/* hop.c */
struct hop *hop_for(/* NULL: it has too many */
    struct line *l, struct turn *t, struct upstream *u);
struct hop *hop_known(/* NULL: there is none */
    struct line *l, const struct turn *t, const struct upstream *u);
void hop_opened(struct line *l, const struct msg *m);
void hop_end(struct line *l, struct hop *h, bool tell, const char *why);
bool hops_tick(struct line *l); /* true: calls wait for one to open */
bool hop_cap(const struct hop *h, const char *cap);

/* leg.c */
enum err step_dispatch(struct line *l, struct turn *t);
enum err hops_full(struct turn *t, const struct upstream *u);
uint64_t call_end(const struct line *l); /* of one that leaves now */
uint64_t call_left(const struct line *l, const struct turn *t);
struct leg *leg_new(struct line *l, struct turn *t, struct hop *h);
void leg_go(struct line *l, struct leg *g); /* sends, or opens the hop first */
void leg_answer(struct line *l, const struct msg *m);
void leg_done(struct line *l, struct leg *g);
void leg_drop(struct line *l, struct leg *g);

/* answer.c */
enum err leg_failed(struct turn *t, const struct leg *g);
enum err step_merge(struct line *l, struct turn *t);
void put_renamed(
    struct buf *b, struct jv item, const char *key, struct str server);

#include "line/task-in.h" /* task.c, task-say.c */

/* session.c */
enum err session_new(struct line *l, struct turn *t);
enum err session_room(const struct line *l, struct turn *t);
struct session *session_get(
    struct line *l, struct str id, bool stdio, unsigned front);
struct session *session_checked(
    struct line *l, unsigned front, const struct msg *m);
void session_end(struct line *l, struct session *s, const char *why);
void session_notice(struct line *l, unsigned front, const struct msg *m);
void session_stream(struct line *l, unsigned front, const struct msg *m);
void session_close(struct line *l, unsigned front, const struct msg *m);
/* To the related turn's stream, the session's own, or stdio.  False: nowhere.
 */
bool session_event(
    struct line *l, struct session *s, struct turn *related, struct msg *m);
void sessions_tick(struct line *l);
void accepted(struct line *l, unsigned front, uint64_t ref, unsigned status);
void refuse_ref(struct line *l, unsigned front, uint64_t ref, unsigned status,
    int code, const char *text);

/* replay.c */
void stream_emit(
    struct line *l, struct session *s, struct turn *t, struct msg *m);
void stream_prime(struct line *l, struct session *s, struct turn *t);
void stream_mirror(struct line *l, struct turn *t, const struct msg *m);
void stream_end(struct line *l, unsigned front, uint64_t ref);
void replay_clear(struct session *s);
bool replay_from(struct line *l, struct session *s, struct str event,
    unsigned front, uint64_t ref);

/* bridge.c */
void up_event(struct line *l, const struct msg *m);
void agent_reply(struct line *l, unsigned front, const struct msg *m);
enum err bridge_retry(struct line *l, struct turn *t);
enum err bridge_inputs(struct line *l, struct turn *t, struct leg *g);
enum err step_unseal(struct line *l, struct turn *t);
enum err step_seal(struct line *l, struct turn *t);
void seal_hold(struct line *l, struct turn *t);
enum err bound_ok(struct turn *t);
void seal_came(struct line *l, const struct msg *m);
void asks_flush(struct line *l, struct session *s);
void asks_drop(struct line *l, const struct hop *h);
void asks_forget(struct turn *t);

/* again.c */
void again_note(struct line *l, const struct turn *t);
void again_say(struct line *l, struct hop *h);

/* listen.c */
void listen_legacy(struct line *l, struct hop *h, struct jv uris);
enum err listen_start(struct line *l, struct turn *t);
void listen_event(struct line *l, struct hop *h, enum mcp_method m,
    struct str name, struct jv params);
void listen_task(
    struct line *l, struct hop *h, struct str name, struct jv params);
bool listen_needs(const struct line *l, const struct hop *h);
void listen_over(struct line *l, struct turn *t);
void listen_session(struct line *l, struct session *s, struct hop *h);
NODISCARD bool listen_uri(/* false: too many */
    struct line *l, struct session *s, struct hop *h, struct str uri, bool on);
void listen_result(struct turn *t);
bool told(const struct line *l, struct endpoint *e, const struct hop *h,
    enum mcp_method m, struct jv params);
void tape_with(struct buf *b, struct jv obj, struct str key, struct jv v);

#include "line/plan-in.h"   /* plan.c, own.c */
#include "line/record-in.h" /* record.c, keep.c, fields.c, boundary.c */
#include "line/tools-in.h"

#endif
