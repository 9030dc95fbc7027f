/* test-cedar-value: equality, sets and records whatever order they come in,
 * and the entity store. */
#include "cedar/store.h"

#include "base/tap.h"

static struct cedar_value
num(int64_t i)
{
	return cedar_long(i);
}

static void
test_sets(struct arena *a)
{
	struct cedar_value v[1000], w[1000], s, t;

	for (int i = 0; i < 1000; i++) {
		v[i] = num(i * 7919 % 1000 / 2);
		w[999 - i] = v[i];
	}
	s = cedar_set(v, 1000, a);
	t = cedar_set(w, 1000, a);
	ok(s.type == CEDAR_SET && s.n == 500, "a set has nothing twice");
	ok(cedar_same(s, t), "sets are equal whatever the order");
	ok(cedar_has(s, num(499)) && !cedar_has(s, num(500)) &&
		!cedar_has(s, cedar_bool(true)),
	    "a big set knows what it has");
	ok(cedar_has(cedar_set(v, 3, a), v[2]) &&
		!cedar_has(cedar_set(v, 3, a), num(-1)),
	    "a small one too");
	ok(cedar_set(v, 0, a).type == CEDAR_SET, "a set may be empty");
	v[1] = (struct cedar_value){ 0 };
	ok(cedar_set(v, 3, a).type == CEDAR_NONE, "not of none");
	v[0] = num(1);
	v[1] = cedar_bool(true);
	v[2] = cedar_decimal(1);
	v[3] = cedar_duration(1);
	v[4] = cedar_datetime(1);
	ok(cedar_set(v, 5, a).n == 5, "equal numbers of five types differ");
	v[0] = cedar_set(v, 5, a);
	v[1] = cedar_set(w, 5, a);
	ok(!cedar_same(v[0], v[1]) && cedar_set(v, 2, a).n == 2,
	    "sets of sets");
	for (size_t n = 0; n < 200; n++) {
		uint64_t h = n;
		bool sorted = true;

		for (size_t i = 0; i < n; i++)
			v[i] = num((int64_t)((h = hash64(STR("x"), h)) % 97));
		s = cedar_set(v, n, a);
		for (size_t i = 0; i < n; i++)
			sorted = sorted && cedar_has(s, v[i]);
		for (size_t i = 1; i < s.n; i++)
			sorted = sorted && s.el[i - 1].i < s.el[i].i;
		if (!sorted)
			ok(false, "a set of %zu is in order", n);
	}
	ok(true, "sets of 0 to 199 are in order");
}

static void
test_records(struct arena *a)
{
	static char key[100][12];
	struct cedar_field f[100];
	struct cedar_value r, q;
	bool all = true;

	for (int i = 0; i < 100; i++) {
		(void)snprintf(key[i], sizeof(key[i]), "%d", i * 37 % 100);
		f[i].key = str_of(key[i]);
		f[i].v = num(i);
	}
	r = cedar_record(f, 100, a);
	for (int i = 0; i < 100; i++) {
		const struct cedar_value *v = cedar_get(r, str_of(key[i]));

		all = all && v != NULL && v->i == i;
	}
	ok(r.type == CEDAR_RECORD && all, "a big record finds each field");
	ok(cedar_get(r, STR("100")) == NULL, "and no other");
	q = cedar_record(f, 5, a);
	ok(cedar_get(q, f[4].key) != NULL && cedar_get(q, f[5].key) == NULL,
	    "a small one too");
	f[3].key = f[1].key;
	ok(cedar_record(f, 5, a).type == CEDAR_NONE, "no key twice, small");
	ok(cedar_record(f, 100, a).type == CEDAR_NONE, "no key twice, big");
	ok(cedar_record(f, 0, a).type == CEDAR_RECORD, "a record may be empty");
	ok(!cedar_same(cedar_record(f, 0, a), cedar_set(NULL, 0, a)),
	    "an empty record is no empty set");
	f[1].v = (struct cedar_value){ 0 };
	ok(cedar_record(f, 3, a).type == CEDAR_NONE, "nor of none");
}

static void
test_budget(void)
{
	struct arena *a = arena_new(64);
	struct cedar_value v[20];

	for (int i = 0; i < 20; i++)
		v[i] = num(i);
	ok(cedar_set(v, 20, a).type == CEDAR_NONE, "a spent arena gives none");
	arena_free(a);
}

static struct cedar_uid
uid(const char *type, const char *id)
{
	return (struct cedar_uid){ str_of(type), str_of(id) };
}

static enum err
add(struct cedar_entities *es, struct cedar_uid u, const struct cedar_uid *p,
    size_t n)
{
	const struct cedar_new_entity x = {
		.uid = u, .parent = p, .parent_n = n
	};

	return cedar_entities_add(es, &x);
}

static bool
under(const struct cedar_entities *es, struct cedar_uid x, struct cedar_uid y)
{
	const struct cedar_ref a = cedar_ref_of(x), b = cedar_ref_of(y);

	return entity_under(store_find(es, &a), &b);
}

static void
test_closure(struct arena *a)
{
	struct cedar_entities *es = cedar_entities_new(), *over;
	const struct cedar_uid u = uid("U", "u"), g = uid("G", "g"),
			       h = uid("G", "h"), top = uid("G", "top"),
			       call = uid("C", "c");
	const struct cedar_uid two[] = { g, h };

	ok(add(es, u, two, 2) == OK && add(es, g, &top, 1) == OK &&
		add(es, h, NULL, 0) == OK,
	    "entities are added");
	ok(add(es, h, NULL, 0) == OK, "the same once more is fine");
	ok(add(es, h, &g, 1) == ERR_SYNTAX, "another of its name is not");
	ok(cedar_entities_close(es, NULL) == OK, "and closed");
	ok(under(es, u, g) && under(es, u, h) && under(es, u, top),
	    "ancestors are parents and theirs, also those not there");
	ok(!under(es, g, u) && !under(es, u, u) && !under(es, top, g) &&
		!under(es, call, g),
	    "and nothing else");
	over = cedar_entities_over(es, a);
	ok(over != NULL && add(over, call, &u, 1) == OK &&
		under(over, call, u) && under(over, call, top),
	    "over a base ancestors go on in it");
	ok(add(over, u, &g, 1) == OK && under(over, u, top) &&
		!under(over, u, h) && under(es, u, h),
	    "what lies over the base hides it and changes nothing");
	cedar_entities_free(es);
	over = cedar_entities_over(NULL, a);
	ok(over != NULL && add(over, g, &top, 1) == OK &&
		add(over, u, &g, 1) == OK && under(over, u, top),
	    "a call may do without a base");
}

static void
test_cycles(void)
{
	static char id[3000][12];
	struct cedar_entities *es = cedar_entities_new();
	const struct cedar_uid x = uid("T", "x"), y = uid("T", "y");
	struct cedar_why why = { 0 };
	bool all = true;

	ok(add(es, x, &y, 1) == OK && add(es, y, &x, 1) == OK &&
		cedar_entities_close(es, &why) == ERR_SYNTAX,
	    "a cycle is refused: %s", why.note.text);
	cedar_entities_free(es);
	es = cedar_entities_new();
	ok(add(es, x, &x, 1) == OK &&
		cedar_entities_close(es, NULL) == ERR_SYNTAX,
	    "so is one's own parent");
	cedar_entities_free(es);
	es = cedar_entities_new();
	for (int i = 0; i < 3000; i++) {
		struct cedar_uid up = { STR("T"), { NULL, 0 } };

		(void)snprintf(id[i], sizeof(id[i]), "%d", i);
		if (i > 0)
			up.id = str_of(id[i - 1]);
		all = all && add(es, uid("T", id[i]), &up, i > 0) == OK;
	}
	ok(all && cedar_entities_close(es, NULL) == OK &&
		under(es, uid("T", "2999"), uid("T", "0")) &&
		!under(es, uid("T", "0"), uid("T", "2999")),
	    "a chain of 3000 is no recursion");
	cedar_entities_free(es);
}

int
main(void)
{
	struct arena *a = arena_new(4 * 1024 * 1024);

	test_sets(a);
	test_records(a);
	test_budget();
	test_closure(a);
	test_cycles();
	arena_free(a);
	return tap_done();
}
