/* cedar POLICIES: may alice read plan.txt at nine o'clock?
 * cc -o cedar cedar.c $(pkg-config --cflags --libs gatehouse-cedar) */
#include <gatehouse/cedar.h>
#include <stdio.h>
int
main(int argc, char **argv)
{
	const struct cedar_question q = {
		.policies = cedar_str_of(argc > 1 ? argv[1] : NULL),
		.principal = { CEDAR_STR("User"), CEDAR_STR("alice") },
		.action = { CEDAR_STR("Action"), CEDAR_STR("read") },
		.resource = { CEDAR_STR("File"), CEDAR_STR("plan.txt") },
		.context = CEDAR_STR("{\"hour\": 9}") };
	enum cedar_decision may = CEDAR_DENY;
	struct cedar_why why;

	if (cedar_ask(&q, &may, &why) != CEDAR_OK)
		return printf("%u:%u: %s\n", why.line, why.col, why.note.text), 2;
	return puts(may == CEDAR_ALLOW ? "allow" : "deny"), may != CEDAR_ALLOW;
}
