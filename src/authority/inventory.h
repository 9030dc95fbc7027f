/* inventory.h: what is declared, and what a call touches of it. */
#ifndef AUTHORITY_INVENTORY_H
#define AUTHORITY_INVENTORY_H

#include "authority/authority-in.h"

enum kind {
	K_AGENT,
	K_USER,
	K_SERVER,
	K_TOOL,
	K_PROMPT,
	K_RESOURCE,
	K_MODEL,
	K_DATASET,
	KINDS
};
struct str kind_word(enum kind k); /* "agent" */

enum {
	ATTRS = 6,	    /* that each may have */
	DATASETS_MAX = 256, /* as the settings say */
};

/* One declaration.  Texts are the image's. */
struct declared {
	enum kind kind;
	struct str id; /* or a glob */
	bool glob;
	struct cedar_field attr[ATTRS];
	size_t attr_n;
	uint64_t label;	     /* its classification's bit, or 0 */
	struct str acts_for; /* of an agent; or empty */
	struct jv said;
};

/* Calls of one server that touch datasets. */
struct location {
	struct str tool, argument, fact;
	struct jv values;
	unsigned dataset;
};
struct locations {
	struct location *at;
	size_t n;
};
/* URIs that are in datasets. */
struct uris_in {
	struct str glob;
	unsigned dataset;
};

struct inventory {
	bool is, listed_models; /* is: there is one */
	struct str file;
	struct declared *all[KINDS];
	size_t n[KINDS];
	struct map *exact[KINDS];
	bool globs[KINDS]; /* some are */
	struct cedar_entities *es;
	struct map *names; /* principals of the configuration */
	struct str label[LABELS_MAX];
	size_t label_n;
	/* touch.c */
	struct cedar_ref *dataset;
	struct map *locations; /* server -> struct locations */
	struct uris_in *uri;
	size_t uri_n;
};

/* NULL: not declared.  A glob declares what it matches. */
const struct declared *inventory_find(
    const struct inventory *v, enum kind k, struct str id);

NODISCARD enum err touch_open(
    struct inventory *v, struct jv image, struct note *why);
void touch_free(struct inventory *v);

#endif
