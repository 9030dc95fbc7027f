/*
 * roles.c: which roles this program has.  The list is apart from role.c so that
 * a test can bring roles of its own.
 */
#include "role/role.h"

static const struct role *const roles[ROLE__N] = {
	[ROLE_LOAD] = &role_load,
	[ROLE_DIAL] = &role_dial,
	[ROLE_LAUNCH] = &role_launch,
	[ROLE_FRONT] = &role_front,
	[ROLE_JUDGE] = &role_judge,
	[ROLE_BACK] = &role_back,
	[ROLE_LEDGER] = &role_ledger,
	[ROLE_KEYS] = &role_keys,
	[ROLE_DESK] = &role_desk,
	[ROLE_BUDGET] = &role_budget,
	[ROLE_TILES] = &role_tiles,
	[ROLE_FETCH] = &role_fetch,
	[ROLE_WITNESS] = &role_witness,
	[ROLE_COSIGN] = &role_cosign,
};

int
role_main(int argc, char **argv)
{
	return role_main_with(roles, argc, argv);
}
