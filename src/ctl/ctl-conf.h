/* ctl-conf: reading the configuration, for the commands that need it. */
#ifndef CTL_CONF_H
#define CTL_CONF_H

#include "conf/conf.h"
#include "ctl/ctl.h"

enum { CTL_FINDINGS = 64 };
struct ctl_reading {
	struct buf image;
	struct conf_error at[CTL_FINDINGS];
	size_t n;
	struct note why;    /* when there is no finding */
	struct note policy; /* FILE:LINE:COL: what is wrong with a policy */
};
const char *ctl_config_path(const struct ctl *c); /* -c FILE, FILE, default */
NODISCARD enum err ctl_config_read(const char *path, struct ctl_reading *r);
void ctl_reading_done(struct ctl_reading *r);
void ctl_put_findings(
    struct buf *b, const char *path, const struct ctl_reading *r);

#endif
