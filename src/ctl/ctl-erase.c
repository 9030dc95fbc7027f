/*
 * ctl-erase.c: "gatehouse ledger erase": a request in the side store's own
 * directory.  A running gateway's role tiles takes it up within a second,
 * erases and has it recorded; where none runs, it is erased here and now, and
 * recorded by the next start, which finds the request.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "ctl/ctl-side.h"
#include "sys/sys.h"

enum { PATIENCE_MS = 15000, LOOK_MS = 50 };

static const char promise[] =
    "The content and its keys are overwritten with zeros and the files synced. "
    "A disk that writes elsewhere (flash, a file system that copies on write), "
    "a snapshot or a backup may hold the old bytes still: erase those too. The "
    "ledger is not changed: its proofs hold, and it says what was erased.\n";

struct erase {
	struct ctl *c;
	char dir[4096], name[96], done[96];
	int fd;
	struct side_target target;
	const char *reason;
	struct buf request;
};

static void
put_request(struct erase *x, const struct buf *done)
{
	const struct passwd *who = getpwuid(getuid());
	struct buf *b = &x->request;

	buf_clear(b);
	buf_str(b, STR("{\"by\":"));
	json_quote(str_of(who == NULL ? "" : who->pw_name), b);
	buf_fmt(b, ",\"cell\":%u", x->target.cell);
	if (done != NULL)
		buf_fmt(b, ",\"done\":%.*s", STR_ARG(buf_view(done)));
	buf_str(b, STR(",\"reason\":"));
	json_quote(str_of(x->reason), b);
	if (x->target.subject.n > 0) {
		buf_str(b, STR(",\"subject\":"));
		json_quote(x->target.subject, b);
	} else {
		buf_fmt(b, ",\"seq\":%llu", (unsigned long long)x->target.seq);
	}
	buf_str(b, STR("}\n"));
}

static int
options(struct erase *x)
{
	const struct ctl *c = x->c;
	const char *subject = ctl_option(c, "--subject");
	const char *record = ctl_option(c, "--record");
	const char *cell = ctl_option(c, "--cell");
	uint64_t n = 0;

	x->reason = ctl_option(c, "--reason");
	if ((subject == NULL) == (record == NULL))
		return ctl_say(c, CTL_MISUSE,
		    "one of --subject NAME and --record SEQ says what");
	if (x->reason == NULL || x->reason[0] == '\0' ||
	    strlen(x->reason) > 1000 || !utf8_ok(str_of(x->reason)))
		return ctl_say(c, CTL_MISUSE,
		    "--reason TEXT is needed: it goes on record, so put "
		    "nobody's data into it");
	if (subject != NULL &&
	    (subject[0] == '\0' || strlen(subject) > SIDE_SUBJECT_MAX ||
		!utf8_ok(str_of(subject))))
		return ctl_say(c, CTL_MISUSE,
		    "--subject is a principal's name, or ARGUMENT=VALUE");
	if (record != NULL && (str_u64(str_of(record), &n) != OK || n == 0))
		return ctl_say(c, CTL_MISUSE, "--record is a record's number");
	x->target.seq = n;
	n = 0;
	if (cell != NULL && (str_u64(str_of(cell), &n) != OK || n > 9999))
		return ctl_say(c, CTL_MISUSE, "--cell is a cell's number");
	x->target.cell = (unsigned)n;
	x->target.subject = str_of(subject);
	return CTL_YES;
}

/* What would go; CTL_NO: nothing. */
static int
look(struct erase *x, struct side_erased *would)
{
	struct note why = { "" };

	if (side_erase(x->fd, &x->target, false, would, &why) != OK)
		return ctl_say(x->c, CTL_FAILED, "%s", why.text);
	if (would->entries == 0 && would->keys == 0)
		return ctl_say(x->c, CTL_NO,
		    "nothing is kept of that: there is nothing to erase");
	return CTL_YES;
}

static bool
agreed(const struct erase *x, const struct side_erased *would)
{
	char line[16];

	if (ctl_option(x->c, "--yes") != NULL)
		return true;
	(void)fprintf(stderr,
	    "This erases what is kept of %llu records and %llu keys, for "
	    "ever. %sErase? [y/N] ",
	    (unsigned long long)would->entries, (unsigned long long)would->keys,
	    promise);
	return fgets(line, sizeof(line), stdin) != NULL &&
	       (line[0] == 'y' || line[0] == 'Y');
}

static enum err
place(const struct erase *x, struct note *why)
{
	char path[4200];

	(void)snprintf(path, sizeof(path), "%.4000s/%s", x->dir, x->name);
	return file_replace(path, buf_view(&x->request), 0600, why);
}

static int
report(const struct erase *x, struct str how, const struct side_erased *e)
{
	struct buf b = { .max = 1 << 20 };

	if (x->c->json)
		buf_fmt(&b, "{\"entries\":%llu,\"keys\":%llu,%.*s}\n",
		    (unsigned long long)e->entries, (unsigned long long)e->keys,
		    STR_ARG(how));
	else
		buf_fmt(&b,
		    "erased: what was kept of %llu records, and %llu keys; "
		    "%.*s\n%s",
		    (unsigned long long)e->entries, (unsigned long long)e->keys,
		    STR_ARG(how), promise);
	return ctl_put(&b);
}

/* The request names whom it is about: it goes after the answer came. */
static bool
answered(const struct erase *x, struct buf *text)
{
	struct note why = { "" };
	char path[4200];

	buf_clear(text);
	(void)snprintf(path, sizeof(path), "%.4000s/%s", x->dir, x->done);
	return faccessat(x->fd, x->name, F_OK, 0) != 0 &&
	       file_read(path, text->max, text, &why) == OK;
}

/* The gateway says where it is recorded. */
static int
wait_for(const struct erase *x, const struct side_erased *would)
{
	struct buf text = { .max = 2 << 20 }, tape = { .max = 8 << 20 };
	struct buf how = { .max = 256 };
	struct note why = { "" };
	int64_t cell = 0, seq = 0;
	int status, left = PATIENCE_MS;

	while (left > 0 && !answered(x, &text)) {
		const struct timespec t = { 0, LOOK_MS * 1000000L };

		(void)nanosleep(&t, NULL);
		left -= LOOK_MS;
	}
	if (left <= 0)
		return ctl_say(x->c, CTL_UNREACHABLE,
		    "the gateway did not answer in %d s: the request stays in "
		    "%s/%s and is carried out when it can be",
		    PATIENCE_MS / 1000, x->dir, x->name);
	(void)unlinkat(x->fd, x->done, 0);
	if (json_parse(buf_view(&text), &json_default, &tape, &why) != OK ||
	    jv_i64(jv_at(jv_of(buf_view(&tape)), "cell"), &cell) != OK ||
	    jv_i64(jv_at(jv_of(buf_view(&tape)), "seq"), &seq) != OK)
		status = ctl_say(x->c, CTL_FAILED, "its answer is not JSON");
	else {
		buf_fmt(&how,
		    x->c->json ? "\"cell\":%lld,\"seq\":%lld"
			       : "recorded as %lld/%lld",
		    (long long)cell, (long long)seq);
		status = report(x, buf_view(&how), would);
	}
	buf_done(&text);
	buf_done(&tape);
	buf_done(&how);
	return status;
}

/* Nobody runs: what is to go is written down, then it goes. */
static int
here_and_now(struct erase *x, const struct side_erased *would)
{
	struct side_erased e = { .records = { .max = 1 << 16 } };
	const struct passwd *who = getpwuid(getuid());
	struct side_request r = { .target = x->target,
		.reason = str_of(x->reason),
		.who = str_of(who == NULL ? "" : who->pw_name) };
	struct buf done = { .max = 1 << 17 };
	struct note why = { "" };
	int status = CTL_YES;

	side_done_put(&done, &r, getuid(), would);
	put_request(x, &done);
	if (place(x, &why) != OK ||
	    side_erase(x->fd, &x->target, true, &e, &why) != OK)
		status = ctl_say(x->c, CTL_FAILED, "%s", why.text);
	else
		status = report(x,
		    x->c->json ? STR("\"recorded\":false")
			       : STR("the gateway records it when it starts"),
		    would);
	buf_done(&e.records);
	buf_done(&done);
	return status;
}

static int
carry_out(struct erase *x, const struct side_erased *would)
{
	__attribute__((cleanup(fd_close))) int lock = -1;
	const enum err e = ctl_lock(x->fd, "../lock", &lock);
	struct note why = { "" };

	(void)snprintf(x->name, sizeof(x->name), "erase-%llx-%x.json",
	    (unsigned long long)now_wall(), (unsigned)getpid());
	(void)snprintf(x->done, sizeof(x->done), "done-%s", x->name + 6);
	if (e == ERR_OS)
		return ctl_say(x->c, CTL_FAILED,
		    "%s/../lock: %s: it cannot be told whether a gateway runs: "
		    "nothing is erased",
		    x->dir, strerrordesc_np(errno));
	if (e != ERR_MORE)
		return here_and_now(x, would);
	put_request(x, NULL);
	if (place(x, &why) != OK)
		return ctl_say(x->c, CTL_FAILED, "%s", why.text);
	return wait_for(x, would);
}

int
ctl_ledger_erase(struct ctl *c)
{
	struct erase x = { .c = c, .fd = -1, .request = { .max = 1 << 18 } };
	struct side_erased would = { .records = { .max = 1 << 16 } };
	int status = options(&x);

	(void)snprintf(x.dir, sizeof(x.dir), "%.4000s/side", c->arg[0]);
	if (status == CTL_YES) {
		x.fd = open(x.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (x.fd < 0)
			status = ctl_say(c, CTL_UNREACHABLE, "%s: %s", x.dir,
			    strerrordesc_np(errno));
	}
	if (status == CTL_YES)
		status = look(&x, &would);
	if (status == CTL_YES && !agreed(&x, &would))
		status = ctl_say(c, CTL_NO, "nothing is erased");
	else if (status == CTL_YES)
		status = carry_out(&x, &would);
	fd_close(&x.fd);
	buf_done(&x.request);
	buf_done(&would.records);
	return status;
}
