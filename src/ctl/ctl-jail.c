/* ctl-jail: "gatehouse jail": the table of what each role may. */
#include "ctl/ctl.h"
#include "jail/jail.h"
#include "role/role.h"

int
ctl_jail_show(struct ctl *c)
{
	struct buf b = { .max = 1024 * 1024 };

	jail_show(&b, c->json);
	return ctl_put(&b);
}

/* For t/: what the kernel says, in a word. */
int
ctl_jail_test(struct ctl *c)
{
	enum jail_result r = JAIL_UNKNOWN;

	for (unsigned i = 0; i < ROLE__N; i++)
		if (strcmp(role_name((enum role_id)i), c->arg[0]) == 0)
			r = jail_probe((enum role_id)i, c->arg[1]);
	(void)puts(jail_result_name(r));
	return r == JAIL_UNKNOWN   ? CTL_MISUSE
	       : r == JAIL_ALLOWED ? CTL_YES
				   : CTL_NO;
}
