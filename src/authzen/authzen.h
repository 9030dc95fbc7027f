/*
 * authzen: the two requests with which another enforcement point asks for
 * decisions, Access Evaluation and Access Evaluations of the OpenID AuthZEN
 * Authorization API 1.0.  A checked tape in, views of it out: what is asked,
 * how often, and what is not well formed.  What subjects, actions and resources
 * there are is somebody else's to know; so is the answer.
 *
 * Strict about the members that it knows, and deaf to all others, as the
 * specification wants (JSON Serialization: unknown fields MUST be ignored).
 * null is a value of the wrong type, never an absent one.
 *
 * Who owns what.  Everything is a view into the caller's tape.
 */
#ifndef AUTHZEN_H
#define AUTHZEN_H

#include "base/base.h"
#include "json/json.h"

enum {
	AUTHZEN_MAX = 100, /* evaluations of one request */
};

/* options.evaluations_semantic (Evaluations semantics): when to stop. */
enum authzen_semantic {
	AUTHZEN_ALL,	       /* execute_all; also when nothing is said */
	AUTHZEN_UNTIL_DENIED,  /* deny_on_first_deny */
	AUTHZEN_UNTIL_ALLOWED, /* permit_on_first_permit */
};

struct authzen_request {
	struct jv body; /* also the defaults of each evaluation */
	struct jv list; /* evaluations; J_NONE: the body is the only one */
	size_t n;	/* evaluations that are asked for; 1 without a list */
	size_t size;	/* tape bytes of all, each written out with defaults */
	enum authzen_semantic semantic;
};
/*
 * A whole request.  many: to the evaluations endpoint; to the other one
 * `evaluations` and `options` are unknown fields.  An absent or empty list is
 * the single request (Access Evaluations Request).  ERR_SYNTAX (the whole is a
 * bad request: no object; a member that it knows of the wrong type; an element
 * that is no object; an unknown semantic; without a list, a required member is
 * absent) or ERR_LIMIT (more than AUTHZEN_MAX), with a sentence for who asked
 * in *why.
 */
NODISCARD enum err authzen_read(
    struct jv body, bool many, struct authzen_request *out, struct note *why);

struct authzen_one {
	struct str subject_type, subject, action, resource_type, resource;
	struct jv properties; /* of the resource, an object or absent */
	struct jv context;    /* an object or absent */
	struct jv arguments;  /* context.arguments, an object or absent */
};
/*
 * One evaluation: an element of the list, or the body.  A member that it lacks
 * is the body's whole one (Default values).  ERR_SYNTAX: a required member is
 * absent, or one that it knows has the wrong type; *why says which.
 */
NODISCARD enum err authzen_one(const struct authzen_request *r, struct jv item,
    struct authzen_one *out, struct note *why);

#endif
