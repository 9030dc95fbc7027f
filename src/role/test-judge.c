/*
 * test-judge.c: role judge in its jail, with this program as its parent, its
 * ledger and its fronts: agents speak before the ledger has.
 */
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf/conf.h"
#include "ledger/ledger.h"
#include "mcp/mcp.h"
#include "role/role.h"

#include "base/tap.h"

enum { PATIENCE = 400 }; /* rounds of at most 25 ms: a bound, not a measure */

static struct loop *loop;
static struct chan *judge, *ledger, *fronts[2];
static pid_t judge_pid;
static bool ready;
static struct {
	unsigned answers;
	int64_t code; /* of the error; 0: a result */
} heard[2];

static void
post(struct chan *c, struct msg m)
{
	if (chan_send(c, &m) != OK)
		printf("# cannot send\n");
	chan_flush(c);
}

static void
synced(uint64_t seq)
{
	struct msg m = msg_of(MSG_RECORDED);

	msg_set(&m, F_SEQ, seq);
	msg_set(&m, F_FLAGS, MF_STRICT);
	post(ledger, m);
}

static void
got(struct chan *c, const struct msg *m)
{
	if (c == judge) {
		ready = ready || m->kind == MSG_READY;
	} else if (m->kind == MSG_SYNC) {
		synced(msg_num(m, F_SEQ));
	} else if (c != ledger && m->kind == MSG_ANSWER) {
		const unsigned i = c == fronts[1];

		heard[i].answers++;
		if (jv_i64(jv_get(msg_tree(m, F_ERROR), STR("code")),
			&heard[i].code) != OK)
			heard[i].code = 0;
	}
}

static void
lost(struct chan *c)
{
	(void)c;
}

static const struct chan_ops ops = { got, lost };

/* ---- what a judge is given ---- */

static void
give_image(void)
{
	static const char yaml[] = "state: ./state\nservers:\n  fs: {command: "
				   "[/bin/true]}\nanonymous: local\nrules:\n"
				   "  - allow: {server: fs}\n";
	static const struct ledger_seen none;
	struct buf compiled = { .max = 1 << 20 }, image = { .max = 1 << 20 };
	struct conf_error at[4];
	struct msg m = msg_of(MSG_IMAGE);
	size_t n = 0, members = 0, mark, arr;
	struct str key;
	struct jv v;
	struct jit it;

	ok(conf_read(STR(yaml), STR("/tmp"), &compiled, at, countof(at), &n) ==
		OK,
	    "an image%s%s", n > 0 ? ": " : "", n > 0 ? at[0].text.text : "");
	mark = tape_obj(&image);
	it = jit_of(jv_of(buf_view(&compiled)));
	while (jit_next(&it, &key, &v)) {
		tape_key(&image, key);
		tape_copy(&image, v);
		members++;
	}
	tape_key(&image, STR("ledger"));
	arr = tape_arr(&image);
	ledger_seen_put(&none, 0, 0, &image);
	tape_end(&image, arr, 1);
	tape_end(&image, mark, members + 1);
	ok(memfd_of("image", buf_view(&image), &m.fd[0]) == OK, "is given");
	post(judge, m);
	fd_close(&m.fd[0]);
	buf_done(&compiled);
	buf_done(&image);
}

static void
give_segment(void)
{
	char path[] = "/tmp/gatehouse-judge-XXXXXX";
	struct msg m = msg_of(MSG_SEGMENT);

	m.fd[0] = mkostemp(path, O_APPEND | O_CLOEXEC);
	ok(m.fd[0] >= 0 && unlink(path) == 0, "a segment");
	msg_set_text(&m, F_NAME, STR("cell-0-000001"));
	msg_set(&m, F_SEQ, 1);
	post(judge, m);
	fd_close(&m.fd[0]);
}

static struct chan *
give_link(enum role_id id, unsigned instance)
{
	struct chan_fds ours, its;
	struct chan *c;

	if (chan_pair(true, &ours, &its) != OK)
		exit(1);
	c = chan_new(loop, &ours, id, ROLE_JUDGE, 0, &ops, NULL);
	post(judge, chan_link_msg(&its, id, instance));
	chan_fds_done(&its);
	return c;
}

/* A question that the judge answers by itself, once it may record. */
static void
ask(unsigned front)
{
	struct buf id = { .max = 64 }, params = { .max = 64 };
	struct msg m = msg_of(MSG_REQUEST);

	tape_i64(&id, 1);
	tape_end(&params, tape_obj(&params), 0);
	msg_set(&m, F_REF, 1);
	msg_set(&m, F_WHERE, 0);
	msg_set(&m, F_ERA, MCP_MODERN);
	msg_set(&m, F_METHOD, mcp_method_of(STR("server/discover")));
	msg_set_text(&m, F_NAME, STR("server/discover"));
	msg_set_text(&m, F_ID, buf_view(&id));
	msg_set_text(&m, F_PARAMS, buf_view(&params));
	heard[front].answers = 0;
	post(fronts[front], m);
	buf_done(&id);
	buf_done(&params);
}

static bool
answered(unsigned front)
{
	for (int i = 0; i < PATIENCE && heard[front].answers == 0; i++)
		loop_once(loop, 25000000);
	printf("# front %u: %u answers, error %lld\n", front,
	    heard[front].answers, (long long)heard[front].code);
	return heard[front].answers == 1;
}

static void
ledger_says(enum err status)
{
	struct msg m = msg_of(MSG_RECORDED);

	msg_set(&m, F_SEQ, 0);
	if (status != OK)
		msg_set(&m, F_STATUS, (uint64_t)status);
	post(ledger, m);
}

/* ---- its life ---- */

static void
judge_start(void)
{
	char prog[] = "test", word[] = "role", name[] = "judge", zero[] = "0";
	char *argv[] = { prog, word, name, zero, NULL };
	struct chan_fds a, b;

	(void)fflush(stdout);
	if (chan_pair(false, &a, &b) != OK)
		exit(1);
	judge_pid = fork();
	if (judge_pid == 0) {
		if (b.sock == 3 ? fcntl(3, F_SETFD, 0) < 0
				: dup2(b.sock, 3) < 0)
			_exit(127);
		(void)execv("/proc/self/exe", argv);
		_exit(127);
	}
	chan_fds_done(&b);
	ready = false;
	judge = chan_new(loop, &a, ROLE_PARENT, ROLE_JUDGE, 0, &ops, NULL);
	give_image();
	give_segment();
	ledger = give_link(ROLE_LEDGER, 0);
	fronts[0] = give_link(ROLE_FRONT, 0);
	ask(0);
	post(judge, msg_of(MSG_GO));
	for (int i = 0; i < PATIENCE && !ready; i++)
		loop_once(loop, 25000000);
	ok(ready, "the judge is ready, its ledger has not spoken");
	fronts[1] = give_link(ROLE_FRONT, 1); /* another cell's, restarted */
	ask(1);
}

static void
judge_end(void)
{
	int status = -1;

	post(judge, msg_of(MSG_STOP));
	ok(waitpid(judge_pid, &status, 0) == judge_pid && status == 0,
	    "the judge stops when told");
	chan_free(judge);
	chan_free(ledger);
	chan_free(fronts[0]);
	chan_free(fronts[1]);
}

static void
test_hold(void)
{
	judge_start();
	ledger_says(OK);
	ok(answered(0) && heard[0].code != MCP_E_LEDGER,
	    "a call from before the ledger's first word is heard after it");
	ok(answered(1) && heard[1].code != MCP_E_LEDGER,
	    "and one of a front that was linked meanwhile");
	ask(0);
	ok(answered(0) && heard[0].code != MCP_E_LEDGER, "and a later one");
	chan_free(ledger);
	ledger = NULL;
	judge_end();
}

static void
test_dead(void)
{
	judge_start();
	chan_free(ledger);
	ledger = NULL;
	ok(answered(0) && heard[0].code == MCP_E_LEDGER,
	    "a ledger that is gone: the call is refused");
	ok(answered(1) && heard[1].code == MCP_E_LEDGER, "and the other");
	judge_end();
}

static void
test_broken(void)
{
	judge_start();
	ledger_says(ERR_OS);
	ok(answered(0) && heard[0].code == MCP_E_LEDGER,
	    "a ledger that cannot sync: the call is refused");
	judge_end();
}

static void
test_silent(void)
{
	judge_start();
	ok(answered(0) && heard[0].code == MCP_E_LEDGER,
	    "a ledger that never speaks: the call is refused in the end");
	judge_end();
}

static const struct role *const roles_here[ROLE__N] = {
	[ROLE_JUDGE] = &role_judge,
};

int
main(int argc, char **argv)
{
	if (argc == 4)
		return role_main_with(roles_here, argc, argv);
	loop = loop_new();
	loop_hooks(loop, chan_flush_all, chan_busy_any, NULL);
	test_hold();
	test_dead();
	test_broken();
	test_silent();
	return tap_done();
}
