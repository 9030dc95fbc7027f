/*
 * roles.c: which roles this program has.  The list is apart from role.c so that
 * a test can bring roles of its own.
 */
#include "role/role.h"

static const struct role *const roles[ROLE__N] = {
	[ROLE_LOAD] = &role_load,
	[ROLE_DIAL] = &role_dial,
	[ROLE_LAUNCH] = &role_launch,
#if __has_include("role/front.c")
	[ROLE_FRONT] = &role_front,
#endif
#if __has_include("role/judge.c")
	[ROLE_JUDGE] = &role_judge,
#endif
#if __has_include("role/back.c")
	[ROLE_BACK] = &role_back,
#endif
#if __has_include("role/ledger-role.c")
	[ROLE_LEDGER] = &role_ledger,
#endif
#if __has_include("role/keys.c")
	[ROLE_KEYS] = &role_keys,
#endif
#if __has_include("role/desk.c")
	[ROLE_DESK] = &role_desk,
#endif
};

int
role_main(int argc, char **argv)
{
	return role_main_with(roles, argc, argv);
}
