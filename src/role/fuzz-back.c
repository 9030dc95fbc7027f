/*
 * Any bytes as the answer of an upstream, over HTTP or a pipe: one call goes
 * out, the bytes come back, and the call ends exactly once.  The byte 0xff
 * stands for the request's id, so that answers can be found.
 */
#include "role/test-back.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct world *worlds[2]; /* HTTP, pipe */
static struct peer *asked_by;
static long id;

static const char found[] =
    "{\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":{}}";

static void
over_http(struct world *w, struct peer *p)
{
	if (asks(p, "server/discover")) {
		http_result(p, "", found);
		return;
	}
	w->n = 1;
	asked_by = p;
	id = id_of(p);
}

static void
over_pipe(struct world *w, struct peer *p)
{
	char text[256];

	if (!asks(p, "server/discover")) {
		over_http(w, p);
		return;
	}
	(void)snprintf(text, sizeof(text),
	    "{\"jsonrpc\":\"2.0\",\"id\":%ld,\"result\":%s}\n", id_of(p),
	    found);
	say(p, text);
}

static void
begin(void)
{
	loop_begin();
	log_setup("fuzz", 0, (enum log_level)(LOG_ERROR + 1));
	for (size_t i = 0; i < 2; i++) {
		worlds[i] = world_new(i == 0, ",\"era\":\"modern\"",
		    i == 0 ? over_http : over_pipe);
		hop_open(worlds[i], 1);
		BUG_ON(!hop_is_open(worlds[i], 1, MCP_MODERN));
	}
}

static void
answer_with(struct peer *p, const uint8_t *data, size_t size, bool pipe)
{
	static struct buf b = { .max = 1 << 20 };
	size_t ends = 0;

	buf_clear(&b);
	for (size_t i = 0; i < size; i++) {
		/* A hundred lines of junk end a tool server, with a pause. */
		if (pipe && data[i] == '\n' && ++ends > 60)
			break;
		if (data[i] == 0xff)
			buf_fmt(&b, "%ld", id);
		else
			buf_ch(&b, (char)data[i]);
	}
	raw(p, buf_view(&b));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint64_t num = 1;
	const bool pipe = size > 0 && (data[0] & 1) != 0;
	struct world *w;
	size_t n = 0;
	char text[128];

	if (size < 2 || size > 8192)
		return 0;
	if (worlds[0] == NULL)
		begin();
	w = worlds[pipe];
	w->n = 0;
	w->seen_n = 0;
	if (!pipe)
		w->peers = 0; /* every one was hung up */
	call(w, 1, ++num, MCP_TOOLS_CALL, "{\"name\":\"x\"}", MF_PROGRESS);
	for (int i = 0; i < 100 && w->n == 0; i++)
		loop_once(lp, 1000000);
	BUG_ON(w->n == 0);
	answer_with(asked_by, data + 1, size - 1, pipe);
	if (pipe) {
		(void)snprintf(text, sizeof(text),
		    "\n{\"jsonrpc\":\"2.0\",\"id\":%ld,\"result\":{}}\n", id);
		say(asked_by, text);
	} else {
		hang_up(asked_by);
	}
	for (int i = 0; i < 200 && answer(w, num) == NULL; i++)
		loop_once(lp, 1000000);
	for (int i = 0; i < 3; i++)
		loop_once(lp, 0);
	for (size_t i = 0; i < w->seen_n && i < SEEN_MAX; i++)
		n += w->seen[i].m.kind == MSG_UP_ANSWER;
	BUG_ON(n != 1 && w->seen_n <= SEEN_MAX);
	return 0;
}
