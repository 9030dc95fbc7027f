/* log-keys.c: verifier keys of a configuration, before anything relies on them.
 * The room conf knows them as texts alone. */
#include "checkpoint/checkpoint.h"
#include "role/role.h"

enum { WITNESSES_MAX = 16 };

static enum err
witness_keys(struct jv remotes, struct note *why)
{
	struct vkey seen[WITNESSES_MAX];
	struct jit it = jit_of(remotes);
	struct note what;
	size_t n = 0;
	struct jv v;

	while (jit_next(&it, NULL, &v) && n < WITNESSES_MAX) {
		const struct str name = jv_str(jv_get(v, STR("name")));
		const struct str key = jv_str(jv_get(v, STR("key")));
		enum err e;

		if (key.n == 0)
			continue; /* a place to publish in */
		e = vkey_of(key, &seen[n], &what);
		if (e == OK && seen[n].type != VKEY_COSIGNATURE) {
			note_set(
			    &what, "a log's key, not a witness's (type 4)");
			e = ERR_SYNTAX;
		}
		for (size_t i = 0; e == OK && i < n; i++)
			if (memcmp(seen[i].pub, seen[n].pub, VKEY_PUB) == 0) {
				note_set(&what, "another witness's key too");
				e = ERR_SYNTAX;
			}
		if (e != OK)
			note_set(why, "log.witnesses.%.*s.key: %.180s",
			    STR_ARG(name), what.text);
		TRY(e);
		n++;
	}
	return OK;
}

enum err
role_log_keys(struct jv image, struct note *why)
{
	const struct jv log = jv_get(image, STR("log"));
	const struct jv logs =
	    jv_get(jv_get(image, STR("witness")), STR("logs"));
	struct jit it = jit_of(logs);
	struct note what;
	struct vkey k;
	struct jv v;

	TRY(witness_keys(jv_get(log, STR("remotes")), why));
	while (jit_next(&it, NULL, &v)) {
		enum err e = vkey_of(jv_str(v), &k, &what);

		if (e == OK && k.type != VKEY_ED25519) {
			note_set(&what, "%.*s: a witness's key, not a log's",
			    STR_ARG(str_sub(k.name, 0, 100)));
			e = ERR_SYNTAX;
		}
		if (e != OK)
			note_set(why, "witness.logs: %.200s", what.text);
		TRY(e);
	}
	return OK;
}
