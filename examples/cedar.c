/* cedar: may alice read?  cc cedar.c $(pkg-config --cflags --libs
 * gatehouse-cedar) */
#include <cedar/cedar.h>

static const struct cedar_uid par[3] = {
	{ STR_INIT("User"), STR_INIT("alice") },
	{ STR_INIT("Action"), STR_INIT("read") },
	{ STR_INIT("File"), STR_INIT("plan.txt") },
};

int
main(void)
{
	const struct str text = STR("permit(principal, action, resource)"
				    " when { context.hour < 18 };");
	struct cedar_policies *ps = cedar_policies_new();
	struct cedar_entities *es = NULL;
	struct cedar_engine *e = NULL;
	struct cedar_request *r = NULL;
	struct arena *a = arena_new(65536);
	struct cedar_answer answer = { 0 };
	struct cedar_why why = { 0 };

	if (cedar_policies_parse(ps, text, &why) ||
	    cedar_engine_new(ps, &e, &why) ||
	    cedar_entities_from_json(STR("[]"), NULL, &es, &why) ||
	    cedar_request_new(par, STR("{\"hour\":9}"), NULL, a, &r, &why) ||
	    cedar_authorize(e, r, es, a, &answer))
		printf("%u:%u: %s\n", why.line, why.col, why.note.text);
	puts(answer.decision == CEDAR_ALLOW ? "allow" : "deny");
	cedar_engine_free(e);
	cedar_entities_free(es);
	cedar_policies_free(ps);
	arena_free(a);
	return answer.decision == CEDAR_ALLOW ? 0 : 1;
}
