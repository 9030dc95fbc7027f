/* Any bytes, from and to any role: decoded or refused; what is decoded encodes
 * to the same bytes again, and its trees can be walked. */
#include "ipc/ipc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
walk(struct jv v, int depth)
{
	struct jit it = jit_of(v);
	struct str key;
	struct jv val;

	BUG_ON(depth > 1000);
	(void)jv_str(v);
	while (jit_next(&it, &key, &val))
		walk(val, depth + 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct buf again = { .max = CHAN_MSG_MAX };
	struct note why;
	struct msg m;
	struct str in;

	if (size < 2)
		return 0;
	in = (struct str){ (const char *)data + 2, size - 2 };
	if (msg_decode(in, (enum role_id)(data[0] % ROLE__N),
		(enum role_id)(data[1] % ROLE__N), &m, &why) != OK)
		return 0;
	buf_clear(&again);
	msg_encode(&m, &again);
	BUG_ON(!str_eq(buf_view(&again), in));
	for (unsigned f = F_TREE0; f < F__N; f++)
		walk(msg_tree(&m, (enum msg_field)f), 0);
	return 0;
}
