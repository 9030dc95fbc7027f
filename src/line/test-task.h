/* test-task.h: what the tests of tasks ask of messages and of the record. */
#ifndef TEST_TASK_H
#define TEST_TASK_H

#include "line/test-in.h"

#define EXT "{\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}}"
#define RELATED "\"_meta\":{\"io.modelcontextprotocol/related-task\":"
#define OFFERS                                                                 \
	"{\"tools\":{},\"tasks\":{\"list\":{},\"cancel\":{},\"requests\":"     \
	"{\"tools\":{\"call\":{}}}}}"

static char shown[64]; /* the id that the agent knows */

static inline struct jv
result(const char *path)
{
	return jv_at(msg_tree(sent(MSG_ANSWER), F_RESULT), path);
}

static inline struct jv
up_param(const char *path)
{
	return jv_at(msg_tree(sent(MSG_UP_CALL), F_PARAMS), path);
}

static inline bool
same(struct jv v, const char *text)
{
	return jv_is(v, J_STR) && str_eq(jv_str(v), str_of(text));
}

static inline bool
in_record(const char *what)
{
	const struct str rec = msg_text(sent(MSG_RECORD), F_REC);

	return str_search(rec, str_of(what)) < rec.n;
}

static inline void
keep_shown(struct jv id)
{
	(void)snprintf(shown, sizeof(shown), "%.*s", STR_ARG(jv_str(id)));
}

static inline const char *
about(const char *more)
{
	static char text[256];

	(void)snprintf(
	    text, sizeof(text), "{\"taskId\":\"%s\"%s}", shown, more);
	return text;
}

#endif
