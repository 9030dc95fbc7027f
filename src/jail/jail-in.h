/* jail-in: what the files of room jail share. */
#ifndef JAIL_IN_H
#define JAIL_IN_H

#include "jail/jail.h"

#if defined(__SANITIZE_ADDRESS__)
#define JAIL_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define JAIL_SANITIZED 1
#endif
#endif

/* Rights: groups of rows in calls.h, one bit each. */
enum right {
	R_BASE = 1,
	R_DUP = 2,
	R_SOCK = 4,
	R_ACCEPT = 8,
	R_SYNC = 16,
	R_LOCK = 32,
	R_DIAL = 64,
	R_READ = 128,
	R_IMAGE = 256,
	R_DENYLIST = 512,
	R_STORE = 1024,
};
enum jail_files {
	FILES_NONE,  /* nothing, not even by path to what is open */
	FILES_NAMES, /* what the resolver reads */
	FILES_READ,  /* everything, read-only */
	FILES_LOG, /* the working directory and ../side; ../ledger, read-only */
	FILES_OWN, /* the working directory */
	FILES_ALL, /* no Landlock: it would forbid mounting to children */
};
enum jail_user { KEEP, OWN };
#define NOLIMIT (~0U)

struct jail_row {
	const char *name, *faces, *may, *may_not, *owned;
	unsigned rights;
	enum jail_files files;
	enum jail_user user;
	unsigned nofile, nproc, fsize;
};
extern const struct jail_row jail_rows[ROLE__N];
bool jail_word(const char *word); /* is it in GATEHOUSE_JAIL? */

/* filter.c */
enum call_test { CALL_ANY, CALL_VALUE, CALL_MASK, CALL_OWN };
struct call_row {
	enum right right;
	const char *name;
	int nr; /* -1: this machine has no such call */
	enum call_test test;
	unsigned arg;
	uint32_t value;
};
extern const struct call_row call_rows[];
extern const size_t call_rows_n;
struct deny_row {
	const char *name;
	int nr, code;
};
extern const struct deny_row deny_rows[];
extern const size_t deny_rows_n;
NODISCARD enum err filter_enter(unsigned rights, struct note *why);
/* The denied list and what only tool servers are refused besides. */
NODISCARD enum err filter_tool(bool net, struct note *why);

/* land.c */
int land_abi(void); /* 0: this kernel has none */
NODISCARD enum err land_enter(
    enum jail_files files, bool may_connect, struct note *why);
NODISCARD enum err land_tool(const struct jail_tool *t, struct note *why);

/* acts.c: jail_act(i) by name; made possible before the door falls shut. */
bool acts_prepare(pid_t victim);
bool act_try(size_t i);

/* jail.c */
NODISCARD enum err caps_drop(uint32_t keep, struct note *why);
enum err os_fail(struct note *why, const char *what);

#endif
