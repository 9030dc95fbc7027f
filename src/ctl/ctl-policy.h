/* ctl-policy: the commands about the form of Cedar policies: laid out, as JSON,
 * from JSON. */
#ifndef CTL_POLICY_H
#define CTL_POLICY_H

struct ctl;
int ctl_cedar_format(struct ctl *c);
int ctl_cedar_to_json(struct ctl *c);
int ctl_cedar_from_json(struct ctl *c);

#endif
