/* What a program of others may have of its own beside libgatehouse-cedar: these
 * names, which rooms of the library have too.  And it does by hand what
 * cedar_ask does at once, with JSON, a set that is kept and an answer read. */
#include <gatehouse/cedar.h>

#include <stdio.h>
#include <string.h>

#define MINE(name) const char *name(void)
#define IS_MINE(name)                                                          \
	MINE(name)                                                             \
	{                                                                      \
		return #name;                                                  \
	}

MINE(arena_new);
MINE(arena_free);
MINE(buf_done);
MINE(buf_put);
MINE(str_of);
MINE(err_name);
MINE(utf8_ok);
MINE(json_parse);
MINE(hash64);
MINE(map_new);
MINE(mem_get);
MINE(bug);
MINE(note_set);
MINE(ast_make);
IS_MINE(arena_new)
IS_MINE(arena_free)
IS_MINE(buf_done)
IS_MINE(buf_put)
IS_MINE(str_of)
IS_MINE(err_name)
IS_MINE(utf8_ok)
IS_MINE(json_parse)
IS_MINE(hash64)
IS_MINE(map_new)
IS_MINE(mem_get)
IS_MINE(bug)
IS_MINE(note_set)
IS_MINE(ast_make)

static const struct cedar_uid par[3] = {
	{ CEDAR_STR_INIT("User"), CEDAR_STR_INIT("alice") },
	{ CEDAR_STR_INIT("Action"), CEDAR_STR_INIT("read") },
	{ CEDAR_STR_INIT("File"), CEDAR_STR_INIT("plan.txt") },
};

/* The context from JSON, by way of a tape; the policy that decided is named. */
static int
decide(struct cedar_arena *a, const struct cedar_policies *ps,
    const struct cedar_engine *e, const struct cedar_entities *es)
{
	struct cedar_policy_info by;
	struct cedar_answer answer;
	struct cedar_request *r;
	struct cedar_value context;
	struct cedar_str tape;
	struct cedar_buf out = { .max = 1000 };

	if (cedar_tape_of_json(CEDAR_STR("{\"hour\": 9}"), a, &tape, NULL) ||
	    cedar_value_of_tape(tape, NULL, a, &context, NULL) ||
	    cedar_request_of(par, context, a, &r) ||
	    cedar_authorize(e, r, es, a, &answer) || answer.reason_n != 1 ||
	    !cedar_policy_info(ps, answer.reason[0], &by))
		return 1;
	cedar_value_put(&out, context);
	printf("%s %.*s by %.*s\n",
	    answer.decision == CEDAR_ALLOW ? "allow" : "deny",
	    CEDAR_STR_ARG(cedar_buf_view(&out)), CEDAR_STR_ARG(by.id));
	cedar_buf_done(&out);
	return 0;
}

int
main(void)
{
	struct cedar_policies *ps = cedar_policies_new();
	struct cedar_arena *a = cedar_arena_new(65536);
	struct cedar_entities *es = NULL;
	struct cedar_engine *e = NULL;
	struct cedar_why why = { 0 };
	int bad = 1;

	if (cedar_policies_parse(ps,
		CEDAR_STR("permit(principal in Group::\"staff\", action,"
			  " resource) when { context.hour < 18 };"),
		&why) == CEDAR_OK &&
	    cedar_engine_new(ps, &e, &why) == CEDAR_OK &&
	    cedar_entities_from_json(
		CEDAR_STR("[{\"uid\":{\"type\":\"User\",\"id\":\"alice\"},"
			  "\"attrs\":{},\"parents\":[{\"type\":\"Group\","
			  "\"id\":\"staff\"}]}]"),
		NULL, &es, &why) == CEDAR_OK)
		bad = decide(a, ps, e, es);
	cedar_engine_free(e);
	cedar_entities_free(es);
	cedar_policies_free(ps);
	cedar_arena_free(a);
	if (strcmp(arena_new(), "arena_new") != 0)
		return 2;
	return bad;
}
