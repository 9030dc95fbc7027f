/*
 * policy-in: the commands about policies: what they are (show), whether they
 * are right (check), what they decide (test, explain, map).
 */
#ifndef POLICY_IN_H
#define POLICY_IN_H

#include "authority/authority.h"
#include "ctl/ctl.h"
#include "json/json.h"

int ctl_policy_show(struct ctl *c);
int ctl_policy_check(struct ctl *c);
int ctl_policy_test(struct ctl *c);
int ctl_policy_explain(struct ctl *c);
int ctl_policy_map(struct ctl *c);
int ctl_policy_replay(struct ctl *c);
int ctl_policy_learn(struct ctl *c);

enum { POLICY_BYTES = 64 * 1024 * 1024, POLICY_ROOM = 16 * 1024 * 1024 };

/* ---- policy-read.c ---- */

/* YAML (so JSON too), or one JSON value a line when path ends in .jsonl: then
 * an array of them.  What is wrong is said; CTL_YES, CTL_NO, CTL_FAILED. */
int policy_slurp(const struct ctl *c, const char *path, struct buf *tape);
/* name beside path, unless absolute.  false: too long. */
bool policy_beside(const char *path, struct str name, char out[static 4096]);
/* {"rules":[],"policies":[...],"servers":[...]} of what a file of cases says
 * of itself: policies: [files, beside it], servers: {NAME: {facts, risk}}. */
int policy_image_of(const struct ctl *c, const char *path, struct jv policies,
    struct jv servers, struct buf *image);
/* That of the configuration. */
int policy_image_conf(const struct ctl *c, struct buf *image);
/* What may come: a configuration, or a file or directory of Cedar, which
 * replaces the rules and policies of the configuration that -c names, or
 * stands alone.  *conf: what image declares of tools and principals holds. */
int policy_image_new(
    const struct ctl *c, const char *path, struct buf *image, bool *conf);
/* The call that v describes, with what the image says of its server and the
 * tool of itself (absent: not known).  false: a member is missing or wrong,
 * named in *why. */
bool policy_call_of(struct jv image, struct jv v, struct jv tool,
    struct call *out, struct note *why);
/* What its arguments are held against, as the line would: *out stays NULL where
 * nothing asks for it or the tool is not known. */
NODISCARD enum err policy_typed(struct jv image, const struct policy *p,
    struct jv tool, const struct call *c, struct typed **out, struct note *why);
const char *policy_effect(enum effect e);
void policy_put_list(struct buf *out, const struct str *s, size_t n); /* JSON */

/* ---- policy-tools.c ---- */

/* {SERVER:[tool, ...]}: the tools of the SERVER=FILE arguments; without any,
 * those of the ledger in the image's state directory. */
int policy_tools(const struct ctl *c, struct jv image, struct buf *tape);
int policy_pins(const struct ctl *c, struct jv image, struct buf *tape);
/* The tool that a call names, or absent. */
struct jv policy_tool_of(struct jv tools, struct jv call);
/* The tools in a list, an answer to tools/list or its result. */
struct jv policy_tools_in(struct jv v);

/* ---- policy-check.c ---- */
void policy_put_finding(struct buf *out, const struct policy_finding *f);

#endif
