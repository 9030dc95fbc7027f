/* task-in.h: tasks; a part of line-in.h, which includes it. */
#ifndef LINE_TASK_IN_H
#define LINE_TASK_IN_H

#include "line/line-in.h"

/* task.c */
bool task_method(enum mcp_method m);
bool task_between(const struct turn *t, const struct hop *h);
bool session_tasks(const struct session *s);
struct task *task_find(
    const struct line *l, const struct turn *t, struct str id);
struct task *task_theirs(
    const struct hop *h, const struct endpoint *e, struct str id);
bool task_room(const struct line *l, const struct principal *p);
void tasks_drop(struct line *l, const struct hop *h);
void tasks_tick(struct line *l, bool all);
bool tasks_open(const struct line *l, const struct principal *p,
    const struct upstream *u, const struct session *s);
enum err task_spoken(const struct line *l, struct turn *t);
enum err task_route(const struct line *l, struct turn *t);
enum err task_wanted(const struct line *l, struct turn *t);
struct jv task_params(struct line *l, struct leg *g, struct jv params);
bool task_lost(const struct line *l, struct leg *g);
struct jv task_caps_now(const struct line *l, struct turn *t, struct jv caps);
enum err task_merge(struct line *l, struct turn *t, const struct leg *g);
enum err task_refused(struct turn *t);
void task_failed(const struct line *l, const struct turn *t);

/* task-say.c */
size_t task_put_client(struct buf *b, struct jv caps);
size_t task_put_caps(const struct line *l, struct buf *b, const struct turn *t,
    struct hop *const *hops);
bool task_hide(struct buf *b, struct jv tool);
void task_related(struct buf *b, struct jv obj, struct str id, bool add);
void task_show(const struct line *l, struct buf *b, struct jv v,
    const struct task *k, enum mcp_era era);
bool task_item(
    struct line *l, struct turn *t, const struct upstream *u, struct jv item);
bool task_told(const struct line *l, const struct task *k);
bool task_status(struct line *l, const struct hop *h, struct jv params);
struct jv task_down(struct line *l, const struct hop *h, struct jv params);
const char *task_ask(const struct session *s, const struct hop *h,
    enum mcp_method m, struct jv params);
struct jv task_ask_params(struct line *l, const struct session *s,
    enum mcp_method m, struct jv params, bool *tasked);
struct jv task_up(struct line *l, struct session *s, const struct hop *h,
    const struct ask *a, struct jv result);
struct hop *task_hop(struct line *l, const struct session *s, struct jv params);
void given_done(struct session *s);

#endif
