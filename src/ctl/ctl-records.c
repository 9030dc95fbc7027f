/* ctl-records: "gatehouse ledger tail|grep|export", and show without a number.
 */
#include "ctl/ctl-records.h"

#include <time.h>

#include "ctl/ledger-filter.h"
#include "ctl/ledger-print.h"
#include "ctl/ledger-walk.h"
#include "sys/sys.h"

enum { POLL_NS = 200 * 1000 * 1000, LOOK_EVERY = 4096 };

struct list {
	const struct listing *l;
	struct feed *feed;
	struct matcher *matcher;
	struct printer *printer;
	struct feed_record *ring; /* of the newest, before they are printed */
	uint64_t found;
};

static void
take(struct list *k, const struct feed_record *r)
{
	if (!matcher_wants(k->matcher, r))
		return;
	if (k->ring == NULL)
		printer_put(k->printer, r, k->matcher);
	else
		k->ring[k->found % k->l->newest] = *r;
	k->found++;
}

static void
ring_print(struct list *k)
{
	const size_t newest = k->l->newest;
	const uint64_t n = k->found < newest ? k->found : newest;

	for (uint64_t i = 0; k->ring != NULL && i < n; i++)
		printer_put(k->printer, &k->ring[(k->found - n + i) % newest],
		    k->matcher);
	mem_free(k->ring);
	k->ring = NULL;
}

static int
blame(const struct feed *f)
{
	const struct feed_cell *c = feed_first_bad(f);
	char log[LEDGER_WHOSE];

	if (c == NULL)
		return CTL_YES;
	return ctl_say(NULL, CTL_NO,
	    "this ledger is not valid: %s, record %llu: %s: see "
	    "\"gatehouse ledger verify\"",
	    ledger_log(feed_number(c), log),
	    (unsigned long long)feed_seen(c)->tree.size + 1, feed_bad(c));
}

/* What comes, until the reader goes away. */
static int
follow(struct list *k)
{
	const struct timespec pause = { .tv_nsec = POLL_NS };
	struct feed_record r;
	struct note why = { "" };
	int status = printer_end(k->printer);

	while (status == CTL_YES) {
		(void)nanosleep(&pause, NULL);
		if (feed_again(k->feed, &why) != OK)
			return ctl_say(NULL, CTL_FAILED, "%s", why.text);
		while (feed_next(k->feed, &r))
			take(k, &r);
		status = printer_end(k->printer);
		if (status == CTL_YES)
			status = blame(k->feed);
	}
	return status;
}

static int
list(struct list *k)
{
	const uint64_t bytes = feed_bytes(k->feed);
	struct progress at = { .off = k->l->json };
	struct feed_record r;
	int status;

	for (uint64_t n = 0; feed_next(k->feed, &r); n++) {
		take(k, &r);
		if (n % LOOK_EVERY == 0)
			progress_at(&at, feed_bytes_read(k->feed), bytes);
	}
	progress_done(&at);
	ring_print(k);
	status = printer_end(k->printer);
	if (status == CTL_YES)
		status = blame(k->feed);
	if (status == CTL_YES && k->l->follow)
		status = follow(k);
	if (status == CTL_YES && k->l->search && k->found == 0)
		status = CTL_NO;
	return status;
}

int
ledger_list(const struct listing *l)
{
	struct list k = { .l = l };
	struct note why = { "" };
	const enum err e = feed_open(l->dir, &k.feed, &why);
	int status;

	if (e != OK)
		return ctl_say(NULL,
		    e == ERR_GONE ? CTL_UNREACHABLE : CTL_FAILED, "%s",
		    why.text);
	k.matcher = matcher_new(&l->filter, l->text);
	k.printer = printer_new(l->json, l->format);
	if (l->newest > 0)
		k.ring = mem_get(l->newest * sizeof(*k.ring));
	status = list(&k);
	printer_free(k.printer);
	matcher_free(k.matcher);
	feed_free(k.feed);
	return status;
}

int
ctl_ledger_tail(struct ctl *c)
{
	const char *n = ctl_option(c, "-n");
	struct listing l = { .dir = c->arg[0],
		.json = c->json,
		.follow = ctl_option(c, "--follow") != NULL };
	const char *format = ctl_option(c, "--format");
	uint64_t newest = 10;
	const int status = ledger_filter_of(c, now_wall() / 1000, &l.filter);

	if (status != CTL_YES)
		return status;
	if ((n != NULL && str_u64(str_of(n), &newest) != OK) || newest == 0 ||
	    newest > 100000)
		return ctl_say(c, CTL_MISUSE, "-n is 1 to 100000");
	l.newest = (size_t)newest;
	if (format != NULL &&
	    (!print_format_of(format, &l.format) || l.format == PRINT_COSAI))
		return ctl_say(c, CTL_MISUSE,
		    "--format is ocsf or otlp-json; \"ledger export\" has "
		    "cosai-containment");
	return ledger_list(&l);
}

int
ctl_ledger_grep(struct ctl *c)
{
	struct listing l = { .dir = c->arg[0],
		.json = c->json,
		.search = true,
		.text = c->argc > 1 ? str_of(c->arg[1]) : STR("") };
	const int status = ledger_filter_of(c, now_wall() / 1000, &l.filter);

	return status == CTL_YES ? ledger_list(&l) : status;
}

int
ctl_ledger_export(struct ctl *c)
{
	struct listing l = { .dir = c->arg[0] };
	const char *format = ctl_option(c, "--format");
	const int status = ledger_filter_of(c, now_wall() / 1000, &l.filter);

	if (status != CTL_YES)
		return status;
	if (format == NULL || !print_format_of(format, &l.format))
		return ctl_say(c, CTL_MISUSE,
		    "--format is ocsf, otlp-json or cosai-containment");
	return l.format == PRINT_COSAI ? ctl_export_cosai(c, &l)
				       : ledger_list(&l);
}
