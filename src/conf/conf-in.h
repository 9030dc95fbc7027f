/*
 * conf-in: what the files of this room share.  Text becomes a tree of nodes
 * with positions (yaml.c), the tree is checked against the table (check.c),
 * then against itself (cross.c), and becomes the image (image.c).  All of it
 * lives in one arena and dies with it.
 */
#ifndef CONF_IN_H
#define CONF_IN_H

/* The server that the gateway itself is, with the tool plan. */
#define CONF_OWN STR("gatehouse")

#include "base/base.h"
#include "conf/conf.h"
#include "json/json.h"

enum conf_type {
	C_SECTION, /* map with the keys of the table */
	C_NAMED,   /* map with names of the user's choosing */
	C_LISTOF,  /* list of maps */
	C_TEXT,
	C_NAME, /* text without spaces */
	C_GLOB, /* text; * matches any run */
	C_ADDR, /* host:port or "none" */
	C_PATH,
	C_PEM,	  /* path of a file that goes into the image */
	C_SECRET, /* path of a file that does not */
	C_URL,
	C_HASH, /* 64 hex digits */
	C_WORD,
	C_BOOL,
	C_INT,
	C_SIZE,
	C_TIME,
	C_LIST,	   /* of texts */
	C_PATHS,   /* list of paths */
	C_TEXTS,   /* map of texts with free keys */
	C_FACTS,   /* map of maps of words, with free keys */
	C_RISKS,   /* map of lists of words, with free keys */
	C_ARGS,	   /* map of lists of texts, with free keys */
	C_CLASSES, /* map of maps of names, with free keys */
	C_BYTOOL,  /* map of texts, with keys free even for a tool's name */
	C_FILE,	   /* path of a file with keys of its own, the rows below */
	C__N
};
enum conf_when { WHEN_START, WHEN_RELOAD };

struct setting {
	const char *path;
	enum conf_type type;
	const char *def;
	uint64_t min, max;
	const char *unit;
	enum conf_when when;
	const char *help;
};
extern const struct setting settings[];
extern const size_t settings_n;
const struct setting *setting_find(struct str path); /* NULL: no such row */
/* The row of key below the row (NULL: the top). */
const struct setting *setting_below(const struct setting *up, struct str key);
/* The key below up that was most likely meant; NULL: none is near. */
const char *setting_near(const struct setting *up, struct str key);
/* The last component of a row's path. */
const char *setting_key(const struct setting *s);
/* Is s directly below up? */
bool setting_is_below(const struct setting *up, const struct setting *s);

enum node_kind { N_NULL, N_TEXT, N_LIST, N_MAP };
struct node {
	enum node_kind kind;
	bool quoted;
	struct str text; /* of N_TEXT */
	struct str key;	 /* of a member; key of the element's list otherwise */
	unsigned line, column;	       /* of the value */
	unsigned key_line, key_column; /* of the key; 0 in a list */
	uint64_t num;		       /* checked INT, SIZE, TIME, BOOL */
	size_t count;
	struct node *up, *first, *last, *next;
	const struct setting *row; /* once checked */
};

/* Limits of the text; far beyond what people write by hand. */
enum {
	CONF_TEXT_MAX = 1024 * 1024,
	CONF_DEPTH_MAX = 12,
	CONF_NODES_MAX = 100000,
	CONF_KEYS_MAX = 8192, /* of one map */
	CONF_PEM_MAX = 256 * 1024,
	CONF_POLICY_MAX = 1024 * 1024,
	CONF_POLICIES_MAX = 1024, /* files */
	CONF_ARENA = 128 * 1024 * 1024,
};

/* Where files come from: a test or a fuzzer gives its own. */
struct conf_files {
	/* OK, or why not, as a sentence that does not name the path. */
	enum err (*read)(void *arg, const char *path, size_t max,
	    struct buf *out, struct note *why);
	/* Is it there, a file, and may we read it?  *shared: others may too.
	 * Never reads it. */
	enum err (*look)(
	    void *arg, const char *path, bool *shared, struct note *why);
	/* Names in a directory, each ended by a NUL, in any order; ERR_MORE: it
	 * is no directory. */
	enum err (*list)(
	    void *arg, const char *path, struct buf *names, struct note *why);
	void *arg;
};
extern const struct conf_files conf_files_real;

struct conf_job {
	struct arena *a;
	const struct conf_files *files;
	struct str dir;
	struct node *root;
	const struct setting *top; /* the row whose file it is; NULL: ours */
	struct str file;	   /* for findings; empty: gatehouse.yaml */
	struct conf_error *at;	   /* where findings go */
	size_t max, n;
	size_t errors;	    /* findings that are not warnings, stored or not */
	bool wrap;	    /* built by conf_wrap */
	struct buf sources; /* lines of sha256sum(1), for the digest */
};

/* yaml.c */
NODISCARD enum err yaml_read(struct conf_job *j, struct str text);
/* check.c: every key known, every value of its type and range. */
void check_tree(struct conf_job *j);
NODISCARD enum err value_u64(
    const struct setting *s, struct str text, uint64_t *out, struct note *why);
/* cross.c and servers.c: what spans keys. */
void check_cross(struct conf_job *j);
void check_servers(struct conf_job *j);
/* Does "principal" and "server" of this part name somebody? */
void check_who(struct conf_job *j, const struct node *part);
void check_what(struct conf_job *j, const struct node *part);
/* budgets.c */
void check_budgets(struct conf_job *j);
void put_budgets(struct conf_job *j, struct buf *b);
void put_limits(struct conf_job *j, struct buf *b);
/* data.c: classes of data */
void check_data(struct conf_job *j);
void put_data(struct conf_job *j, struct buf *b);
void put_server_data(const struct node *server, struct buf *b);
/* image.c */
NODISCARD enum err image_build(struct conf_job *j, struct buf *image);
bool image_readable(struct str path); /* without being asked for */
/* How many cells there are when nobody says: one for every two processors that
 * we may use, 1 to 4, and few enough for 240 processes with that many servers.
 * Calls of one cell share its wakes and its syncs, and servers, the kernel's
 * network work, syncs and tiles need processors too (doc/why/0017-cells.md). */
unsigned image_cells(unsigned processors, size_t servers);
bool image_path(struct str path, char z[static 4096]); /* false: too long */
/* The PEM file of a node, or "" when there is none. */
void image_pem(struct conf_job *j, const struct node *n, struct buf *b);
/* log.c */
void check_log(struct conf_job *j);
void put_log(struct conf_job *j, struct buf *b);
void put_witness(struct conf_job *j, struct buf *b);
/* policies.c: what Cedar is made of. */
void put_rules(struct conf_job *j, struct buf *b);
void put_policies(struct conf_job *j, struct buf *b);
void put_facts(const struct node *facts, struct buf *b);
void put_lists(const struct node *lists, struct buf *b);
/* inventory.c: the file that inventory: names, or null. */
void put_inventory(struct conf_job *j, struct buf *b);
/* Is the row one of the inventory's, and so not a key of gatehouse.yaml? */
bool setting_is_inventory(const struct setting *s);
/* The whole way, and the way from a tree on. */
NODISCARD enum err conf_build(
    struct conf_job *j, struct str yaml, struct buf *image);
NODISCARD enum err conf_build_tree(struct conf_job *j, struct buf *image);

/* Findings, at the value of n, with its path in front; n may be NULL for one
 * about the whole text.  key: at the key instead. */
void conf_bad(struct conf_job *j, const struct node *n, const char *fmt, ...)
    PRINTF(3, 4);
void conf_bad_key(struct conf_job *j, const struct node *n, const char *fmt,
    ...) PRINTF(3, 4);
void conf_warn(struct conf_job *j, const struct node *n, const char *fmt, ...)
    PRINTF(3, 4);

/* Notes that these bytes are part of what the image was made from. */
NODISCARD enum err conf_sha256(struct str s, unsigned char out[static 32]);
void conf_source(struct conf_job *j, struct str name, struct str bytes);

/* Reading the tree; absent gives NULL, or the default. */
void node_append(struct node *up, struct node *n);
struct node *node_named(const struct node *map, struct str key);
struct node *node_get(const struct node *map, const char *key);
struct node *node_at(const struct node *map, const char *path); /* "a.b" */
/* Of a checked leaf below map: the written value or the row's default. */
struct str node_text(
    const struct node *map, const char *key, const char *row_path);
uint64_t node_num(
    const struct node *map, const char *key, const char *row_path);
/* dir + path, when path is relative; "" stays "". */
struct str conf_path(struct conf_job *j, struct str path);
struct str conf_path_from(struct conf_job *j, struct str dir, struct str path);

/* net.c: addresses and urls, as text only. */
struct conf_addr {
	struct str host; /* without brackets */
	uint16_t port;
	bool v6, loopback, any;
};
NODISCARD enum err addr_parse(
    struct str text, struct conf_addr *out, struct note *why);
struct conf_url {
	bool tls, loopback;
	struct str host, path; /* path begins with a slash; query included */
	uint16_t port;
};
NODISCARD enum err url_parse(
    struct str text, struct conf_url *out, struct note *why);

#endif
