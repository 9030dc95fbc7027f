/*
 * parent-tell.c: what the parent alone sees (roles that die, disks that fail,
 * the configuration that comes into force) on its way to the record.  Any judge
 * that is there writes it; until one says that it is written it is kept, and
 * told again when that judge dies first.  So it may be on record twice: event
 * is its number in this life of the house.
 */
#include "role/parent-in.h"

#include <fcntl.h>

#include "crypto/crypto.h"
#include "jail/jail.h"

enum { TELL_MAX = 1024, TELL_BYTES = 64 * 1024 };

static struct {
	struct {
		uint64_t ref;
		struct buf rec;
		int to; /* the judge that was told; -1: none yet */
	} at[TELL_MAX];
	size_t n;
	uint64_t last; /* number of the last event */
} telling;

/* ---- to a judge ---- */

static struct proc *
any_judge(void)
{
	for (size_t i = 0; i < house.procs_n; i++)
		if (house.procs[i].id == ROLE_JUDGE &&
		    house.procs[i].state == PROC_READY)
			return &house.procs[i];
	return NULL;
}

static void
say_all(void)
{
	struct proc *judge = any_judge();

	for (size_t i = 0; judge != NULL && i < telling.n; i++) {
		struct msg m = msg_of(MSG_HAPPENED);

		if (telling.at[i].to >= 0)
			continue;
		msg_set(&m, F_REF, telling.at[i].ref);
		msg_set_text(&m, F_REC, buf_view(&telling.at[i].rec));
		if (proc_post(judge, &m) != OK)
			return; /* its end is about to be seen */
		telling.at[i].to = (int)judge->instance;
	}
}

void
tell_noted(const struct proc *judge, uint64_t ref)
{
	size_t left = 0;

	for (size_t i = 0; i < telling.n; i++)
		if (telling.at[i].to == (int)judge->instance &&
		    telling.at[i].ref <= ref)
			buf_done(&telling.at[i].rec);
		else
			telling.at[left++] = telling.at[i];
	telling.n = left;
	for (unsigned c = 0; c < house.cells; c++)
		house.cell[c].ill = false;
}

void
tell_judge(const struct proc *judge)
{
	for (size_t i = 0; i < telling.n; i++)
		if (judge->state == PROC_GONE &&
		    telling.at[i].to == (int)judge->instance)
			telling.at[i].to = -1;
	say_all();
}

/* ---- an event ---- */

struct event {
	struct buf b;
	size_t mark, n;
};

static void
word(struct event *e, const char *key, struct str s)
{
	if (s.n == 0)
		return;
	tape_key(&e->b, str_of(key));
	tape_str(&e->b, s);
	e->n++;
}

static void
number(struct event *e, const char *key, uint64_t v)
{
	tape_key(&e->b, str_of(key));
	tape_i64(&e->b, (int64_t)v);
	e->n++;
}

static struct event
begin(const char *kind)
{
	struct event e = { .b = { .max = TELL_BYTES } };

	e.mark = tape_obj(&e.b);
	word(&e, "kind", str_of(kind));
	number(&e, "at", now_wall() / 1000);
	number(&e, "event", ++telling.last);
	return e;
}

static void
end(struct event *e)
{
	tape_end(&e->b, e->mark, e->n);
	if (house.stage >= 0 || telling.n == TELL_MAX ||
	    buf_end(&e->b) != OK) { /* the next one's number shows it */
		buf_done(&e->b);
		return;
	}
	telling.at[telling.n].ref = telling.last;
	telling.at[telling.n].to = -1;
	telling.at[telling.n++].rec = e->b;
	say_all();
}

static struct str
server_of(const struct proc *p)
{
	struct jit it = jit_of(jv_get(house.image, STR("servers")));
	struct jv s = { NULL, 0 };

	for (unsigned i = 0;
	     p->id == ROLE_BACK && i <= p->instance % house.servers; i++)
		if (!jit_next(&it, NULL, &s))
			break;
	return jv_str(jv_get(s, STR("name")));
}

static void
who(struct event *e, const struct proc *p)
{
	word(e, "role", str_of(role_name(p->id)));
	number(e, "instance", p->instance);
	word(e, "server", server_of(p));
}

/* ---- failures ---- */

/* One that dies again and again is not told each time. */
static bool
is_told(unsigned deaths)
{
	return deaths < 8 || (deaths & (deaths - 1)) == 0;
}

void
tell_died(const struct proc *p, const char *how)
{
	const bool cell = p->id == ROLE_FRONT || p->id == ROLE_JUDGE;
	const unsigned deaths = cell ? house.cell[p->cell].deaths : p->deaths;
	struct event e;

	if (!is_told(deaths))
		return;
	e = begin("failure");
	word(&e, "failed", STR("role"));
	who(&e, p);
	word(&e, "reason", str_of(how));
	if (deaths > 1)
		number(&e, "count", deaths);
	word(&e, "followed",
	    cell ? STR("front, judge and backs of the cell end with it and "
		       "start again; calls under way are unknown")
		 : STR("it is started again; what waited for it is refused"));
	end(&e);
}

/* Nothing can be written: this is told by whoever can again. */
void
tell_disk(const struct proc *p, const char *how)
{
	bool *ill = p->cell < 0 ? &house.budget_ill : &house.cell[p->cell].ill;
	struct event e;

	if (*ill)
		return;
	*ill = true;
	e = begin("failure");
	word(&e, "failed", STR("disk"));
	who(&e, p);
	word(&e, "reason", str_of(how));
	word(&e, "followed",
	    STR("what needs it is refused until the disk takes records"));
	end(&e);
}

void
tell_load(struct str why)
{
	struct event e = begin("failure");

	word(&e, "failed", STR("load"));
	word(&e, "role", STR("load"));
	word(&e, "reason", why);
	word(&e, "followed", STR("its cell stays down, and it is tried again"));
	end(&e);
}

/* ---- roles ---- */

/* SHA-256 of the program that runs, as sha256sum says it of the file. */
static void
put_build(struct event *e)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	unsigned char sum[SHA256_N];
	struct buf hex = { .max = 2 * SHA256_N };
	struct str program = { NULL, 0 };
	size_t o;

	if (fd >= 0 && fd_map_ro(fd, &program) == OK) {
		sha256(program, STR(""), sum);
		buf_hex(&hex, (struct str){ (const char *)sum, sizeof(sum) });
		word(e, "build", buf_view(&hex));
		fd_unmap(program);
	} else {
		tape_key(&e->b, STR("build"));
		o = tape_obj(&e->b);
		tape_key(&e->b, STR("not_available"));
		tape_str(&e->b, STR("the program's file cannot be read"));
		tape_end(&e->b, o, 1);
		e->n++;
	}
	buf_done(&hex);
	fd_close(&fd);
}

static void
put_roles(struct event *e)
{
	size_t o, n = 0;

	tape_key(&e->b, STR("roles"));
	o = tape_obj(&e->b);
	for (unsigned r = 0; r < ROLE__N; r++) {
		int64_t many = 0;

		for (size_t i = 0; i < house.procs_n; i++)
			many += house.procs[i].id == r;
		if (many == 0)
			continue;
		tape_key(&e->b, str_of(role_name((enum role_id)r)));
		tape_i64(&e->b, many);
		n++;
	}
	tape_end(&e->b, o, n);
	e->n++;
}

void
tell_serving(void)
{
	struct event e = begin("role");
	struct note lacks;

	jail_lacks(&lacks);
	word(&e, "status", STR("serving"));
	word(&e, "program", STR("gatehouse " GATEHOUSE_VERSION));
	put_build(&e);
	number(&e, "cells", house.cells);
	put_roles(&e);
	word(&e, "lacks", str_of(lacks.text));
	end(&e);
	tell_config(NULL, NULL);
}

/* After the start; restarts counts its own deaths, not its cell's. */
void
tell_started(const struct proc *p)
{
	struct event e;

	if (!is_told(p->deaths))
		return;
	e = begin("role");
	word(&e, "status", STR("started"));
	who(&e, p);
	number(&e, "restarts", p->restarts);
	end(&e);
}

/* ---- the configuration ---- */

void
tell_config(const struct jv *old, const char *refused)
{
	const struct jv digest = jv_get(house.image, STR("digest"));
	struct event e = begin("configuration");
	size_t unnamed = 0;

	word(&e, "status", refused != NULL ? STR("refused") : STR("in force"));
	word(&e, "config", jv_str(digest));
	word(&e, "reason", str_of(refused));
	if (old != NULL) {
		word(&e, "before", jv_str(jv_get(*old, STR("digest"))));
		tape_key(&e.b, STR("changed"));
		config_changes(*old, house.image, &e.b, &unnamed);
		e.n++;
	}
	if (unnamed > 0)
		number(&e, "unnamed", unnamed);
	end(&e);
}

void
tell_credential(const char *status, struct str principal, uint64_t count)
{
	struct event e = begin("credential");

	word(&e, "status", str_of(status));
	word(&e, "principal", principal);
	if (count > 0)
		number(&e, "count", count);
	end(&e);
}
