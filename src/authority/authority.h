/*
 * authority: may this call be made?  First policy: ordered rules from the
 * image by principal, server, method and name, with allow and deny.  A deny
 * that matches wins over every allow; nothing matching is deny; no rules is
 * deny.  Replaced by Cedar in the Authority issue: this door stays.
 */
#ifndef AUTHORITY_H
#define AUTHORITY_H

#include "base/base.h"
#include "json/json.h"

enum effect { DENY = 0, ALLOW, HOLD };
struct verdict {
	enum effect effect;
	struct str rule;   /* id of the deciding rule; "default-deny" */
	struct str reason; /* a sentence */
};
struct call {
	struct str principal, server, method, name;
	struct jv params;
};
struct policy;
/* Compiles image.rules; ERR_SYNTAX + why.  Views into image must stay. */
NODISCARD enum err policy_new(
    struct jv image, struct policy **out, struct note *why);
void policy_free(struct policy *p);
struct verdict policy_decide(const struct policy *p, const struct call *c);
/* May this principal do `method`, one that names no object (a list, the
 * handshake), at this server?  Yes when some rule allows it anything there and
 * no deny covers the method for every name. */
bool policy_reaches(const struct policy *p, struct str principal,
    struct str server, struct str method);

#endif
