/*
 * test-jail.c: every role against every act, asked of the kernel.  An act that
 * is refused somewhere must also be allowed somewhere, or the test would pass
 * on a machine where it never works.
 */
#include "jail/jail.h"

#include "base/tap.h"

/* What each role may do; everything else in the list of acts it may not. */
static const struct {
	enum role_id role;
	const char *may; /* words, blanks around each */
} table[] = {
	{ ROLE_LOAD, " read sendmsg map append dup seek open open-names memfd "
		     "ftruncate segment-read sync " },
	{ ROLE_TILES,
	    " read sendmsg map append sync seek store segment-read " },
	{ ROLE_FETCH, " read sendmsg map sockopt " },
	{ ROLE_WITNESS, " read sendmsg map accept sockopt " },
	{ ROLE_COSIGN, " read sendmsg map append sync seek store " },
	{ ROLE_FRONT, " read sendmsg map accept sockopt " },
	{ ROLE_JUDGE, " read sendmsg map append " },
	{ ROLE_BACK, " read sendmsg map sockopt " },
	{ ROLE_LEDGER, " read sendmsg map append sync " },
	{ ROLE_DIAL, " read sendmsg map sockopt dup seek open-names socket "
		     "socket-unix connect " },
	{ ROLE_KEYS, " read sendmsg map lock " },
	{ ROLE_LAUNCH, " read sendmsg map dup " },
	{ ROLE_BUDGET, " read sendmsg map append sync " },
	{ ROLE_DESK, " read sendmsg map accept sockopt " },
};

/* What the hand, whose filter its servers inherit, must not do. */
static const char hand_not[] = " socket-raw ptrace peek io-uring bpf new-call ";

/* Needs a right that this machine may not give even unconfined. */
static const char privileged[] =
    " socket-raw mount bpf io-uring unshare new-call ";

static bool
listed(const char *words, const char *word)
{
	const size_t n = strlen(word);

	for (const char *p = words; (p = strstr(p, word)) != NULL; p++)
		if (p[-1] == ' ' && p[n] == ' ')
			return true;
	return false;
}

static void
test_rows(void)
{
	for (size_t i = 0; i < countof(table); i++) {
		const char *act;

		for (size_t a = 0; (act = jail_act(a)) != NULL; a++) {
			const bool may = listed(table[i].may, act);
			const enum jail_result r =
			    jail_probe(table[i].role, act);

			ok(may ? r == JAIL_ALLOWED
			       : r == JAIL_KILLED || r == JAIL_REFUSED,
			    "%s %s %s: %s", role_name(table[i].role),
			    may ? "may" : "may not", act, jail_result_name(r));
		}
	}
}

static void
test_hand(void)
{
	const char *act;

	for (size_t a = 0; (act = jail_act(a)) != NULL; a++)
		if (listed(hand_not, act))
			ok(jail_probe(ROLE_HAND, act) == JAIL_REFUSED,
			    "the hand and its servers may not %s", act);
	ok(jail_probe(ROLE_HAND, "exec") == JAIL_ALLOWED, "the hand may exec");
	ok(jail_probe(ROLE_HAND, "fork") == JAIL_ALLOWED, "the hand may fork");
}

/* The twins: without a jail each act works. */
static void
test_twins(void)
{
	const char *act;

	for (size_t a = 0; (act = jail_act(a)) != NULL; a++) {
		const enum jail_result r = jail_probe(ROLE_PARENT, act);

		if (r != JAIL_ALLOWED && listed(privileged, act))
			printf("# unconfined %s is not possible here\n", act);
		else
			ok(r == JAIL_ALLOWED, "unconfined: %s works", act);
	}
}

static void
test_show(void)
{
	struct buf text = { .max = 1 << 20 }, tape = { .max = 1 << 20 };
	struct note why = { .text = "" };

	jail_show(&text, false);
	ok(str_search(buf_view(&text), STR("\nledger\n")) < text.n,
	    "the table names the ledger");
	buf_clear(&text);
	jail_show(&text, true);
	ok(json_parse(buf_view(&text), &json_default, &tape, &why) == OK,
	    "the JSON table is JSON %s", why.text);
	ok(jv_count(jv_at(jv_of(buf_view(&tape)), "roles")) == ROLE__N,
	    "and has a row for each role");
	ok(jail_probe(ROLE_FRONT, "no-such-act") == JAIL_UNKNOWN,
	    "an unknown act is said to be unknown");
	buf_done(&text);
	buf_done(&tape);
}

int
main(void)
{
	test_rows();
	test_hand();
	test_twins();
	test_show();
	return tap_done();
}
