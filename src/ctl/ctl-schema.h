/* ctl-schema: the commands about Cedar schemas: what they are as JSON, what
 * policies are under them, which one a server's tools make. */
#ifndef CTL_SCHEMA_H
#define CTL_SCHEMA_H

struct ctl;
int ctl_cedar_validate(struct ctl *c);
int ctl_cedar_schema_to_json(struct ctl *c);
int ctl_cedar_mcp_schema(struct ctl *c);

#endif
