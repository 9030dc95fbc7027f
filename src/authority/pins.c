/*
 * pins.c: servers' tools as the ledger has them.  The judge writes a tool's
 * definition when it first sees it and when it is another than before
 * (doc/formats/ledger.md, kind definition); of each the newest counts here,
 * whichever cell wrote it.
 */
#include "authority/authority-in.h"

enum { PINS_MAX = 100000 };

struct pin {
	struct buf server, tool; /* text; tape, empty: it was too long */
	int64_t time;
};
struct pins {
	struct map *by_name; /* "server/tool" -> struct pin */
};

struct pins *
pins_new(void)
{
	struct pins *p = mem_get(sizeof(*p));

	p->by_name = map_new(0);
	return p;
}

void
pins_free(struct pins *p)
{
	void *v;

	if (p == NULL)
		return;
	for (size_t at = 0; map_next(p->by_name, &at, NULL, &v);) {
		struct pin *pin = v;

		buf_done(&pin->server);
		buf_done(&pin->tool);
		mem_free(pin);
	}
	map_free(p->by_name);
	mem_free(p);
}

static struct pin *
pin_of(struct pins *p, struct str server, struct str name)
{
	struct buf key = { .max = 1 << 20 };
	struct pin *pin;

	buf_str(&key, server);
	buf_ch(&key, '/'); /* no server's name has one */
	buf_str(&key, name);
	pin = map_get(p->by_name, buf_view(&key));
	if (pin == NULL && map_count(p->by_name) < PINS_MAX) {
		pin = mem_get(sizeof(*pin));
		pin->time = INT64_MIN;
		pin->server.max = pin->tool.max = 1 << 20;
		buf_str(&pin->server, server);
		(void)map_put(p->by_name, buf_view(&key), pin);
	}
	buf_done(&key);
	return pin;
}

void
pins_take(struct pins *p, struct jv record)
{
	const struct str name = jv_str(jv_get(record, STR("name")));
	const struct jv tool = jv_get(record, STR("definition"));
	struct pin *pin;
	int64_t time = 0;

	if (!str_eq(jv_str(jv_get(record, STR("kind"))), STR("definition")) ||
	    jv_i64(jv_get(record, STR("time")), &time) != OK)
		return;
	pin = pin_of(p, jv_str(jv_get(record, STR("server"))), name);
	if (pin == NULL || time < pin->time)
		return;
	pin->time = time;
	buf_clear(&pin->tool);
	/* What is too long for a record is replaced by its digest. */
	if (str_eq(jv_str(jv_get(tool, STR("name"))), name))
		buf_str(&pin->tool, jv_bytes(tool));
}

static size_t
put_server(const struct pins *p, struct str server, struct buf *out)
{
	size_t n = 0;
	void *v;

	for (size_t at = 0; map_next(p->by_name, &at, NULL, &v);) {
		const struct pin *pin = v;

		if (!str_eq(buf_view(&pin->server), server) || pin->tool.n == 0)
			continue;
		tape_copy(out, jv_of(buf_view(&pin->tool)));
		n++;
	}
	return n;
}

void
pins_put(const struct pins *p, struct jv image, struct buf *out)
{
	struct jit it = jit_of(jv_get(image, STR("servers")));
	const size_t top = tape_obj(out);
	size_t servers = 0;
	struct jv v;

	while (jit_next(&it, NULL, &v)) {
		const struct str name = jv_str(jv_get(v, STR("name")));
		struct buf list = { .max = CHECK_BYTES };
		const size_t m = tape_arr(&list);
		const size_t n = put_server(p, name, &list);

		tape_end(&list, m, n);
		if (n > 0) {
			tape_key(out, name);
			tape_copy(out, jv_of(buf_view(&list)));
			servers++;
		}
		buf_done(&list);
	}
	tape_end(out, top, servers);
}
