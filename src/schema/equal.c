/*
 * equal: values as JSON Schema compares them: numbers by what they are worth,
 * objects without order, no value of one type with one of another.
 */
#include "schema/schema-in.h"

enum { CHUNK = 16 }; /* bytes compared in a step */

static bool
numbers_same(struct jv a, struct jv b, uint64_t *steps)
{
	const struct str s = jv_str(a), t = jv_str(b);
	struct number x, y;

	spend(steps, (s.n + t.n) / CHUNK);
	if (str_eq(s, t))
		return true;
	if (!number_read(s, &x) || !number_read(t, &y)) {
		*steps = 0;
		return false;
	}
	return number_cmp(&x, &y) == 0;
}

/* jv_get, paid for.  In the place where b has it, mostly. */
static struct jv
member(struct jv obj, struct str key, struct jit *hint, uint64_t *steps)
{
	struct jit it = *hint;
	struct str k;
	struct jv v;

	if (jit_next(&it, &k, &v) && str_eq(k, key)) {
		*hint = it;
		return v;
	}
	spend(steps, jv_count(obj));
	return *steps == 0 ? (struct jv){ NULL, 0 } : jv_get(obj, key);
}

static bool
trees_same(struct jv a, struct jv b, uint64_t *steps)
{
	struct jit i = jit_of(a), k = jit_of(b);
	struct str key;
	struct jv x, y;

	if (jv_count(a) != jv_count(b))
		return false;
	while (jit_next(&i, &key, &x)) {
		if (i.obj)
			y = member(b, key, &k, steps);
		else if (!jit_next(&k, NULL, &y))
			return false;
		if (jv_is(y, J_NONE) || !value_same(x, y, steps))
			return false;
	}
	return true;
}

bool
value_same(struct jv a, struct jv b, uint64_t *steps)
{
	const enum jtype t = jv_type(a);

	spend(steps, 1);
	if (*steps == 0 || t != jv_type(b))
		return false;
	if (t >= J_ARR)
		return trees_same(a, b, steps);
	if (t == J_NUM)
		return numbers_same(a, b, steps);
	if (t == J_STR)
		spend(steps, jv_str(a).n / CHUNK);
	return t != J_STR || str_eq(jv_str(a), jv_str(b));
}

static uint64_t
mix(uint64_t h)
{
	h ^= h >> 31;
	h *= 0x9e3779b97f4a7c15ULL;
	return h ^ h >> 29;
}

uint32_t
value_hash(struct jv v, uint64_t *steps)
{
	const enum jtype t = jv_type(v);
	const struct str s = jv_str(v);
	struct jit it = jit_of(v);
	uint64_t h = t;
	struct number num;
	struct str key;
	struct jv one;

	spend(steps, 1 + s.n / CHUNK);
	if (*steps == 0)
		return 0;
	if (t == J_STR)
		return (uint32_t)hash64(s, t);
	if (t == J_NUM) {
		if (number_read(s, &num))
			return number_hash(&num);
		*steps = 0;
		return 0;
	}
	while (jit_next(&it, &key, &one)) {
		const uint64_t k = value_hash(one, steps);

		/* Members in any order, elements in theirs. */
		if (it.obj)
			h += mix(hash64(key, 7) ^ k);
		else
			h = mix(h + k);
	}
	return (uint32_t)mix(h);
}

struct slot {
	uint32_t hash;
	uint32_t at; /* of the value from the array's first byte; 0: empty */
};

static struct jv
element(struct jv array, uint32_t at)
{
	return jv_of((struct str){ (const char *)array.p + at, array.n - at });
}

/* An open table; who makes hashes collide pays each comparison. */
static bool
put(struct slot *slot, size_t mask, struct jv array, struct jv v,
    uint64_t *steps)
{
	const uint32_t hash = value_hash(v, steps);
	size_t i = hash & mask;

	for (; slot[i].at != 0; i = (i + 1) & mask) {
		spend(steps, 1);
		if (*steps == 0)
			return true;
		if (slot[i].hash == hash &&
		    value_same(element(array, slot[i].at), v, steps))
			return false;
	}
	slot[i] = (struct slot){ hash, (uint32_t)(v.p - array.p) };
	return true;
}

bool
values_differ(struct jv array, uint64_t *steps)
{
	struct jit it = jit_of(array);
	struct slot near[64] = { 0 }, *slot = near;
	const size_t n = jv_count(array);
	size_t size = countof(near);
	bool differ = true;
	struct jv v;

	while (size < 2 * n)
		size *= 2;
	spend(steps, size / countof(near));
	if (size > countof(near) && *steps > 0)
		slot = mem_get(size * sizeof(*slot));
	while (differ && *steps > 0 && jit_next(&it, NULL, &v))
		differ = put(slot, size - 1, array, v, steps);
	if (slot != near)
		mem_free(slot);
	return differ;
}
