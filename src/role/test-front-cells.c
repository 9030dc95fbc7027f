/*
 * test-front-cells: which cell a request goes to.  What somebody gave out (a
 * session, a sealed state, a task) comes back to the cell that gave it; what
 * names no cell stays in its own.
 */
#include "role/test-front.h"

enum { CELLS = 3, OWN = 1 };

static struct chan *cell[CELLS];
static int heard; /* the cell that the last request came to */

static void
cell_got(struct chan *c, const struct msg *m)
{
	for (int i = 0; i < CELLS; i++)
		if (cell[i] == c)
			heard = i;
	judge_got(c, m);
}

static void
cell_lost(struct chan *c)
{
	for (int i = 0; i < CELLS; i++)
		if (cell[i] == c)
			cell[i] = NULL;
	chan_free(c);
}

static void
cells_begin(void)
{
	static const char image[] =
	    "{\"hosts\":[\"h:1\"],\"origins\":[],\"tls\":null,"
	    "\"limits\":{\"body\":65536,\"head\":8192,\"depth\":8,"
	    "\"members\":1000,\"string\":65536,\"connections\":4,"
	    "\"streams\":8,\"idle_ms\":60000},"
	    "\"servers\":[{\"name\":\"fs\",\"kind\":\"http\"}],"
	    "\"endpoints\":[{\"path\":\"/mcp\",\"servers\":[0]}]}";
	static const struct chan_ops ops = { .got = cell_got,
		.lost = cell_lost };

	if (json_parse(str_of(image), &json_default, &image_tape, NULL) != OK)
		exit(1);
	front = front_new(loop, jv_of(buf_view(&image_tape)), OWN, CELLS);
	front->drained = on_drained;
	for (unsigned i = 0; i < CELLS; i++) {
		struct chan_fds a, b;

		if (chan_pair(true, &a, &b) != OK)
			exit(1);
		front_link(front, i, &a);
		cell[i] =
		    chan_new(loop, &b, ROLE_JUDGE, ROLE_FRONT, OWN, &ops, NULL);
	}
	judge = cell[OWN];
}

#define MODERN_HEADS                                                           \
	HOST JSON "MCP-Protocol-Version: 2026-07-28\r\n"                       \
		  "Mcp-Method: tools/call\r\nMcp-Name: x\r\n"
#define TASK_HEADS                                                             \
	HOST JSON "MCP-Protocol-Version: 2026-07-28\r\n"                       \
		  "Mcp-Method: tasks/get\r\n"
#define TASK(id)                                                               \
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tasks/get\",\"params\":{"  \
	"\"taskId\":\"" id "\"," META "}}"
#define LISTEN(ids)                                                            \
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"subscriptions/listen\","   \
	"\"params\":{\"notifications\":{\"taskIds\":[" ids "]}," META "}}"
#define LISTEN_HEADS                                                           \
	HOST JSON "MCP-Protocol-Version: 2026-07-28\r\n"                       \
		  "Mcp-Method: subscriptions/listen\r\n"

static const struct {
	const char *what, *heads, *body;
	int cell; /* -1: nobody hears of it */
} rows[] = {
	{ "a call", MODERN_HEADS, CALL("," META), OWN },
	{ "a state of cell 0", MODERN_HEADS,
	    CALL(",\"requestState\":\"0-abc\"," META), 0 },
	{ "a state of cell 2", MODERN_HEADS,
	    CALL(",\"requestState\":\"2-abc\"," META), 2 },
	{ "a state of its own cell", MODERN_HEADS,
	    CALL(",\"requestState\":\"1-abc\"," META), OWN },
	{ "a state of a cell that is none", MODERN_HEADS,
	    CALL(",\"requestState\":\"3-abc\"," META), OWN },
	{ "a state of a cell beyond numbers", MODERN_HEADS,
	    CALL(",\"requestState\":\"18446744073709551616-a\"," META), OWN },
	{ "a state of less than nothing", MODERN_HEADS,
	    CALL(",\"requestState\":\"-2-abc\"," META), OWN },
	{ "a state without a cell", MODERN_HEADS,
	    CALL(",\"requestState\":\"2\"," META), OWN },
	{ "an empty state", MODERN_HEADS, CALL(",\"requestState\":\"\"," META),
	    OWN },
	{ "a state that is no text", MODERN_HEADS,
	    CALL(",\"requestState\":2," META), OWN },
	{ "a state among the arguments", MODERN_HEADS,
	    CALL(",\"arguments\":{\"requestState\":\"2-abc\"}," META), OWN },
	{ "a legacy agent's request", HOST JSON "Mcp-Session-Id: 2-abc\r\n",
	    PING, 2 },
	{ "a legacy agent's own state means nothing",
	    HOST JSON "Mcp-Session-Id: 2-abc\r\n",
	    CALL(",\"requestState\":\"0-abc\""), 2 },
	{ "a session of a cell that is none",
	    HOST JSON "Mcp-Session-Id: 7-abc\r\n", PING, OWN },
	{ "a task of cell 2", TASK_HEADS "Mcp-Name: 2-t\r\n", TASK("2-t"), 2 },
	{ "a task of no cell", TASK_HEADS "Mcp-Name: t\r\n", TASK("t"), OWN },
	{ "news of a task of cell 0", LISTEN_HEADS, LISTEN("\"0-t\",\"2-t\""),
	    0 },
	{ "news of no task", LISTEN_HEADS, LISTEN(""), OWN },
};

static void
test_rows(void)
{
	for (size_t i = 0; i < countof(rows); i++) {
		heard = -1;
		agent_new();
		(void)agent_says(post(rows[i].heads, rows[i].body));
		ok(heard == rows[i].cell, "%s: cell %d", rows[i].what,
		    rows[i].cell);
	}
}

/* Its answer comes back to the agent all the same. */
static void
test_answer(void)
{
	agent_new();
	(void)agent_says(
	    post(MODERN_HEADS, CALL(",\"requestState\":\"2-abc\"," META)));
	judge = cell[2];
	answer("{\"content\":[]}");
	(void)agent_hears();
	ok(heard == 2 && status() == 200 && has("\"content\":[]"),
	    "another cell's answer");
	judge = cell[OWN];
}

/* A cell that is away is said to be: its states are nobody else's. */
static void
test_away(void)
{
	chan_free(cell[0]);
	cell[0] = NULL;
	spin();
	heard = -1;
	agent_new();
	(void)agent_says(
	    post(MODERN_HEADS, CALL(",\"requestState\":\"0-abc\"," META)));
	ok(heard == -1 && status() >= 500, "a cell that is not there");
	(void)agent_says(
	    post(MODERN_HEADS, CALL(",\"requestState\":\"2-abc\"," META)));
	ok(heard == 2, "the others serve");
}

int
main(void)
{
	loop = loop_new();
	loop_hooks(loop, chan_flush_all, chan_busy_any, NULL);
	cells_begin();
	test_rows();
	test_answer();
	test_away();
	(void)close(agent);
	front_free(front);
	spin();
	for (int i = 0; i < CELLS; i++)
		chan_free(cell[i]);
	loop_free(loop);
	buf_done(&image_tape);
	return tap_done();
}
