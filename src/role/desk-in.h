/* desk-in: what desk.c (connections, words) and desk-page.c (what is shown)
 * share. */
#ifndef DESK_IN_H
#define DESK_IN_H

#include "role/role.h"

/* What desk knows when a page is asked for: the parent's status (J_NONE: it
 * did not answer) and the counter pages. */
struct desk_view {
	struct jv status;
	const uint64_t *pages;
	size_t pages_n;
};
/* The body of /healthz; false: not well. */
bool desk_health(const struct desk_view *v, struct buf *out);
/* The body of /metrics, Prometheus text format 0.0.4. */
void desk_metrics(const struct desk_view *v, struct buf *out);
/* A whole answer; the connection ends after it. */
void desk_http(
    struct buf *out, unsigned status, const char *type, struct str body);
/* Looks at a whole head; 0: a page of ours, *health says which; else the
 * status to refuse with. */
enum desk_page { PAGE_HEALTH, PAGE_METRICS };
struct http_head;
unsigned desk_route(const struct http_head *h, unsigned port, struct str listen,
    enum desk_page *out);

#endif
