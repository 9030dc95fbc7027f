/* fuzz-clients: any bytes as any client's file.  What wraps, unwraps to the
 * bytes that were; wrapping again changes nothing. */
#include "ctl/clients.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
const char *__lsan_default_suppressions(void);

const char *
__lsan_default_suppressions(void)
{
	return "leak:libfyaml"; /* see src/conf/fuzz-conf.c */
}

static const struct gate_server servers[] = {
	{ STR_INIT("web"), STR_INIT("https://a.example/mcp"),
	    STR_INIT("http://127.0.0.1:8642/s/web/mcp") },
	{ STR_INIT("x"), STR_INIT("http://b/"),
	    STR_INIT("http://127.0.0.1:8642/s/x/mcp") },
};
static const struct gate gate = { "gatehouse.yaml", NULL, servers, 2 };

static void
there_and_back(const struct client *cl, struct str text)
{
	const struct str gateway = STR("/usr/bin/gatehouse");
	struct arena *a = arena_new(256 * 1024 * 1024);
	struct buf one = { .max = 4 * TREE_BYTES },
		   two = { .max = 4 * TREE_BYTES };
	struct entry_done *done, *again;
	struct note why;
	struct client_edit in = {
		.cl = cl, .text = text, .a = a, .why = &why, .gate = &gate
	};
	size_t left = 0;

	if (clients_wrap(&in, gateway, &one, &done) == OK) {
		BUG_ON(done == NULL && !str_eq(text, buf_view(&one)));
		in.text = buf_view(&one);
		BUG_ON(clients_wrap(&in, gateway, &two, &again) != OK);
		BUG_ON(!str_eq(buf_view(&one), buf_view(&two)));
		buf_clear(&two);
		in.known = done;
		BUG_ON(clients_unwrap(&in, false, &two, &left) != OK);
		if (done != NULL && cl->format != TREE_YAML)
			BUG_ON(left == 0 && !str_eq(text, buf_view(&two)));
	}
	buf_done(&one);
	buf_done(&two);
	arena_free(a);
}

/* The first byte chooses the client. */
int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	if (n < 1)
		return 0;
	there_and_back(&clients[p[0] % clients_n],
	    (struct str){ (const char *)p + 1, n - 1 });
	return 0;
}
