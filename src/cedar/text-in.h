/*
 * text-in: what the two files that read schema text share: schema-type.c has
 * words, names, annotations and types; schema-text.c declarations.
 */
#ifndef CEDAR_TEXT_IN_H
#define CEDAR_TEXT_IN_H

#include "cedar/schema.h"

struct reader {
	struct ast_lex lx;
	struct ast_tok t; /* the token that is looked at */
	struct arena *a;
	struct cedar_why *why;
	struct buf tmp; /* for names of several words */
	size_t depth;
};

enum err text_spent(struct reader *r);
enum err text_next(struct reader *r);
bool text_is(const struct reader *r, const char *what);
/* "expected WANTED, found ..." */
enum err text_wrong(struct reader *r, const char *wanted);
enum err text_want(struct reader *r, const char *what, const char *words);
/* A word that may be a name.  __cedar is one, for "__cedar::Bool".  *out is
 * into the text; text_keep copies. */
enum err text_ident(struct reader *r, const char *wanted, struct str *out);
enum err text_keep(struct reader *r, struct str s, struct str *out);
/* After first: {"::" word}.  *text is set when it ends in ::"text". */
enum err text_path_rest(
    struct reader *r, struct str first, struct str *out, bool *text);
enum err text_path(struct reader *r, const char *wanted, struct str *out);
/* A name of an action or a member: a word or a string. */
enum err text_name(struct reader *r, const char *wanted, struct str *out);
enum err text_notes(
    struct reader *r, const struct ast_note **out, size_t *out_n);
/* From "{" to behind "}". */
enum err text_record(struct reader *r, const struct st **out);
enum err text_type(struct reader *r, const struct st **out);

#endif
