/*
 * cedar: the Cedar policy language, version 4.5, and nothing else: policies
 * (text and JSON), templates and links, schemas (text and JSON), validator,
 * entities, requests, authorizer.  No system call, no global that changes; a
 * library of its own (libgatehouse-cedar) with rooms base and json inside.  The
 * door has three parts: values.h, mcp.h and this, which includes them.
 *
 * Who owns what.  Each object owns all it hands out (every struct str and
 * pointer lives as long as the object) and keeps nothing of the text it was
 * read from.  Objects do not change while others read them, so threads may
 * share one that is finished.  Every free takes NULL.
 *
 * Failure.  ERR_SYNTAX: the text is wrong; ERR_LIMIT: too deep or too large;
 * both with place and a sentence in *why, which may be NULL.  What was being
 * built is then as before.
 */
#ifndef CEDAR_H
#define CEDAR_H

#include "base/base.h"
#include "cedar/mcp.h"
#include "cedar/values.h"

struct cedar_policies;
struct cedar_schema;
struct cedar_engine;

/* Where and why.  line and col count from 1; 0: about no place in a text. */
struct cedar_why {
	uint32_t line, col; /* col in bytes */
	struct note note;
};

/* Reads and writes Ns::User::"alice"; the parts live in a. */
NODISCARD enum err cedar_uid_parse(struct str text, struct arena *a,
    struct cedar_uid *out, struct cedar_why *why);
void cedar_uid_put(struct buf *out, struct cedar_uid uid);

/* ---- policies ---- */
struct cedar_policies *cedar_policies_new(void);
void cedar_policies_free(struct cedar_policies *ps);
/*
 * Adds what a text holds: static policies and templates.  Ids are policy0,
 * policy1, ... in order of addition, over all texts.
 */
NODISCARD enum err cedar_policies_parse(
    struct cedar_policies *ps, struct str text, struct cedar_why *why);
/* One policy or template under an id of the caller's. */
NODISCARD enum err cedar_policy_parse(struct cedar_policies *ps, struct str id,
    struct str text, struct cedar_why *why);
/*
 * Adds from JSON: one policy or template (an object with "effect") under id,
 * or, with id empty, a policy set (staticPolicies, templates, templateLinks).
 * The sentence names the byte, or the member by its path; line and col are 0.
 */
NODISCARD enum err cedar_policies_from_json(struct cedar_policies *ps,
    struct str id, struct str text, struct cedar_why *why);
/* Gives the slots of a template; NULL for a slot it does not have. */
NODISCARD enum err cedar_policies_link(struct cedar_policies *ps,
    struct str template_id, struct str id, const struct cedar_uid *principal,
    const struct cedar_uid *resource, struct cedar_why *why);

/* Cedar text, formatted; templates too, links not (text has no links). */
void cedar_policies_put(const struct cedar_policies *ps, struct buf *out);
/* The same, keeping comments: formats a text and not what it means. */
NODISCARD enum err cedar_format(
    struct str text, struct buf *out, struct cedar_why *why);
/* The whole set; one policy (static, template, or link) as JSON. */
void cedar_policies_to_json(const struct cedar_policies *ps, struct buf *out);
NODISCARD enum err cedar_policy_to_json(
    const struct cedar_policies *ps, struct str id, struct buf *out);

/* Static policies and links by place, then by id, and templates by place; what
 * they say of themselves.  false: no such. */
struct cedar_policy_info {
	struct str id, template_id; /* template_id empty: static */
	bool forbid;
	uint32_t line, col;
};
size_t cedar_policies_count(const struct cedar_policies *ps);
bool cedar_policy_info(
    const struct cedar_policies *ps, size_t i, struct cedar_policy_info *out);
bool cedar_template_info(
    const struct cedar_policies *ps, size_t i, struct cedar_policy_info *out);
bool cedar_policy_find(
    const struct cedar_policies *ps, struct str id, size_t *i);
/* @name("value"); value empty when there is none in the text. */
bool cedar_policy_annotation(const struct cedar_policies *ps, size_t i,
    struct str name, struct str *value);
size_t cedar_policy_annotations(const struct cedar_policies *ps, size_t i);
bool cedar_policy_annotation_at(const struct cedar_policies *ps, size_t i,
    size_t n, struct str *name, struct str *value);

/* ---- schema ---- */
NODISCARD enum err cedar_schema_parse(
    struct str text, struct cedar_schema **out, struct cedar_why *why);
NODISCARD enum err cedar_schema_from_json(
    struct str text, struct cedar_schema **out, struct cedar_why *why);
void cedar_schema_free(struct cedar_schema *s);
void cedar_schema_put(const struct cedar_schema *s, struct buf *out); /* text */
void cedar_schema_to_json(const struct cedar_schema *s, struct buf *out);

enum cedar_mode { CEDAR_STRICT, CEDAR_PERMISSIVE };
struct cedar_finding {
	struct str policy; /* id of a static policy, template or link */
	bool warning;
	struct cedar_why why;
	const struct cedar_finding *next;
};
/*
 * Validates every policy and template.  *out is the first finding or NULL,
 * carved from a; valid means no finding that is not a warning.  ERR_LIMIT
 * when a is spent: then nothing is known.
 */
NODISCARD enum err cedar_validate(const struct cedar_schema *s,
    const struct cedar_policies *ps, enum cedar_mode mode, struct arena *a,
    const struct cedar_finding **out);

/* Does what was made from values conform?  ERR_SYNTAX: no, at this member. */
NODISCARD enum err cedar_request_check(const struct cedar_schema *s,
    const struct cedar_request *r, struct cedar_why *why);
NODISCARD enum err cedar_entity_check(const struct cedar_schema *s,
    const struct cedar_new_entity *x, struct cedar_why *why);

/* ---- entities and requests ---- */

/* From entities JSON; s may be NULL.  With one, attributes follow it, unknown
 * ones are errors and its actions are added. */
NODISCARD enum err cedar_entities_from_json(struct str text,
    const struct cedar_schema *s, struct cedar_entities **out,
    struct cedar_why *why);
/*
 * A request lives in a; par: principal, action, resource; context is a JSON
 * object's text (empty: {}).  With a schema it must conform.
 */
NODISCARD enum err cedar_request_new(const struct cedar_uid par[static 3],
    struct str context, const struct cedar_schema *s, struct arena *a,
    struct cedar_request **out, struct cedar_why *why);
/* ---- deciding ---- */

/* Policies compiled and indexed: needs ps no more, and its places are those of
 * ps.  Never changes. */
NODISCARD enum err cedar_engine_new(const struct cedar_policies *ps,
    struct cedar_engine **out, struct cedar_why *why);
void cedar_engine_free(struct cedar_engine *e);
/* The engine as bytes for another process on this machine.  Opening checks
 * them (ERR_SYNTAX) and copies what it needs. */
struct str cedar_engine_image(const struct cedar_engine *e);
NODISCARD enum err cedar_engine_open(
    struct str image, struct cedar_engine **out);
/* As cedar_policies_count, cedar_policy_info, cedar_policy_annotation. */
size_t cedar_engine_count(const struct cedar_engine *e);
bool cedar_engine_policy(
    const struct cedar_engine *e, size_t i, struct cedar_policy_info *out);
bool cedar_engine_annotation(const struct cedar_engine *e, size_t i, size_t n,
    struct str *name, struct str *value); /* the nth; false: no such */

enum cedar_decision { CEDAR_DENY, CEDAR_ALLOW }; /* zero is deny */
struct cedar_failed {
	uint32_t policy; /* place of the policy */
	struct note note;
};
struct cedar_answer {
	enum cedar_decision decision;
	const uint32_t *reason; /* places of the determining policies */
	size_t reason_n;
	const struct cedar_failed *error;
	size_t error_n;
};
/* All memory is a's; when that is spent the answer is DENY and ERR_LIMIT. */
NODISCARD enum err cedar_authorize(const struct cedar_engine *e,
    const struct cedar_request *r, const struct cedar_entities *es,
    struct arena *a, struct cedar_answer *out);

/* One question, all of it text, for who asks seldom: what asks often keeps the
 * engine.  A place in *why is one in policies. */
struct cedar_question {
	struct str policies, entities,
	    context; /* JSON the last two; or empty */
	struct cedar_uid principal, action, resource;
};
NODISCARD enum err cedar_ask(const struct cedar_question *q,
    enum cedar_decision *out, struct cedar_why *why);

#endif
