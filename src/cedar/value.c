/*
 * value: making, comparing and finding values.  Sets are kept in one order
 * with nothing twice, records in order of their keys: equality is a walk and
 * membership a search, whatever the order an attacker chose.
 */
#include "cedar/cedar.h"

static const char *const type_names[CEDAR_TYPE__N] = {
	"nothing",
	"bool",
	"long",
	"string",
	"entity",
	"set",
	"record",
	"decimal",
	"datetime",
	"duration",
	"ipaddr",
};

const char *
cedar_type_name(enum cedar_type t)
{
	BUG_ON((size_t)t >= CEDAR_TYPE__N);
	return type_names[t];
}

static struct cedar_value
number(enum cedar_type t, int64_t i)
{
	struct cedar_value v = { .type = (uint8_t)t };

	v.i = i;
	return v;
}

struct cedar_value
cedar_bool(bool b)
{
	return number(CEDAR_BOOL, b);
}

struct cedar_value
cedar_long(int64_t i)
{
	return number(CEDAR_LONG, i);
}

struct cedar_value
cedar_decimal(int64_t ten_thousandths)
{
	return number(CEDAR_DECIMAL, ten_thousandths);
}

struct cedar_value
cedar_datetime(int64_t ms)
{
	return number(CEDAR_DATETIME, ms);
}

struct cedar_value
cedar_duration(int64_t ms)
{
	return number(CEDAR_DURATION, ms);
}

struct cedar_value
cedar_string(struct str s)
{
	struct cedar_value v = { .type = CEDAR_STRING, .n = (uint32_t)s.n };

	if (s.n > UINT32_MAX)
		return (struct cedar_value){ 0 };
	v.p = s.p;
	return v;
}

struct str
cedar_text(struct cedar_value v)
{
	return v.type == CEDAR_STRING ? (struct str){ v.p, v.n }
				      : (struct str){ "", 0 };
}

struct cedar_ref
cedar_ref_of(struct cedar_uid uid)
{
	return (struct cedar_ref){ hash64(uid.id, hash64(uid.type, 0)), uid };
}

struct cedar_value
cedar_entity(const struct cedar_ref *ref)
{
	struct cedar_value v = { .type = CEDAR_ENTITY };

	if (ref == NULL)
		return (struct cedar_value){ 0 };
	v.ref = ref;
	return v;
}

/* ---- order ---- */
static int
by_length(struct str a, struct str b)
{
	if (a.n != b.n)
		return a.n < b.n ? -1 : 1;
	if (a.n == 0)
		return 0;
	if (a.p[0] != b.p[0]) /* mostly */
		return (uint8_t)a.p[0] < (uint8_t)b.p[0] ? -1 : 1;
	return memcmp(a.p, b.p, a.n);
}

static int
by_number(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static int
by_ref(const struct cedar_ref *a, const struct cedar_ref *b)
{
	int c;

	if (a == b)
		return 0;
	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	c = by_length(a->uid.id, b->uid.id);
	return c != 0 ? c : by_length(a->uid.type, b->uid.type);
}

static int
by_ip(struct cedar_value a, struct cedar_value b)
{
	if (a.v6 != b.v6)
		return a.v6 ? 1 : -1;
	if (a.bits != b.bits)
		return a.bits < b.bits ? -1 : 1;
	return memcmp(a.ip, b.ip, a.v6 ? 16 : 4);
}

static int
by_elements(struct cedar_value a, struct cedar_value b)
{
	for (uint32_t i = 0; i < a.n; i++) {
		const int c = cedar_compare(a.el[i], b.el[i]);

		if (c != 0)
			return c;
	}
	return 0;
}

static int
by_fields(struct cedar_value a, struct cedar_value b)
{
	for (uint32_t i = 0; i < a.n; i++) {
		const int k = by_length(a.field[i].key, b.field[i].key);
		const int c =
		    k != 0 ? k : cedar_compare(a.field[i].v, b.field[i].v);

		if (c != 0)
			return c;
	}
	return 0;
}

/* Recursion: as deep as the values are, which their makers bound. */
int
cedar_compare(struct cedar_value a, struct cedar_value b)
{
	if (a.type != b.type)
		return a.type < b.type ? -1 : 1;
	if (a.type == CEDAR_ENTITY)
		return by_ref(a.ref, b.ref);
	if (a.type == CEDAR_IP)
		return by_ip(a, b);
	if (a.n != b.n)
		return a.n < b.n ? -1 : 1;
	if (a.type == CEDAR_STRING)
		return a.n == 0 ? 0 : memcmp(a.p, b.p, a.n);
	if (a.type == CEDAR_SET)
		return by_elements(a, b);
	if (a.type == CEDAR_RECORD)
		return by_fields(a, b);
	return by_number(a.i, b.i);
}

bool
cedar_same(struct cedar_value a, struct cedar_value b)
{
	if (a.type == CEDAR_STRING && b.type == CEDAR_STRING)
		return str_eq(cedar_text(a), cedar_text(b));
	return cedar_compare(a, b) == 0;
}

/* ---- sets ---- */
enum { FEW = 8 }; /* up to here a walk beats a search */

/* Merges the sorted runs [0, mid) and [mid, n) of v by way of tmp. */
static void
merge(struct cedar_value *v, size_t mid, size_t n, struct cedar_value *tmp)
{
	size_t i = 0, j = mid, k = mid;

	memcpy(tmp, v, mid * sizeof(*v));
	for (k = 0; i < mid; k++)
		if (j < n && cedar_compare(v[j], tmp[i]) < 0)
			v[k] = v[j++];
		else
			v[k] = tmp[i++];
}

static void
sort_few(struct cedar_value *v, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		const struct cedar_value x = v[i];
		size_t j = i;

		for (; j > 0 && cedar_compare(x, v[j - 1]) < 0; j--)
			v[j] = v[j - 1];
		v[j] = x;
	}
}

static bool
sort(struct cedar_value *v, size_t n, struct arena *a)
{
	struct cedar_value *tmp;

	if (n <= FEW) {
		sort_few(v, n);
		return true;
	}
	tmp = arena_alloc(a, n * sizeof(*tmp));
	if (tmp == NULL)
		return false;
	for (size_t i = 0; i < n; i += FEW)
		sort_few(v + i, n - i < FEW ? n - i : FEW);
	for (size_t run = FEW; run < n; run *= 2)
		for (size_t i = 0; i < n && run < n - i; i += 2 * run)
			merge(
			    v + i, run, n - i < 2 * run ? n - i : 2 * run, tmp);
	return true;
}

static size_t
unique(struct cedar_value *v, size_t n)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++)
		if (k == 0 || !cedar_same(v[k - 1], v[i]))
			v[k++] = v[i];
	return k;
}

struct cedar_value
cedar_set_in(struct cedar_value *v, size_t n, struct arena *a)
{
	struct cedar_value set = { .type = CEDAR_SET };
	bool sorted = true;

	if (n > UINT32_MAX / sizeof(*v))
		return (struct cedar_value){ 0 };
	for (size_t i = 0; i < n; i++) {
		if (v[i].type == CEDAR_NONE)
			return (struct cedar_value){ 0 };
		sorted =
		    sorted && (i == 0 || cedar_compare(v[i - 1], v[i]) < 0);
	}
	if (!sorted && !sort(v, n, a))
		return (struct cedar_value){ 0 };
	set.n = (uint32_t)(sorted ? n : unique(v, n));
	set.el = v;
	return set;
}

struct cedar_value
cedar_set(const struct cedar_value *v, size_t n, struct arena *a)
{
	struct cedar_value *el = NULL;

	if (n <= UINT32_MAX / sizeof(*el))
		el = arena_alloc(a, n * sizeof(*el));
	if (el == NULL)
		return (struct cedar_value){ 0 };
	if (n > 0)
		memcpy(el, v, n * sizeof(*el));
	return cedar_set_in(el, n, a);
}

bool
cedar_has(struct cedar_value set, struct cedar_value v)
{
	size_t lo = 0, hi = set.n;

	if (set.type != CEDAR_SET)
		return false;
	if (set.n <= FEW) {
		for (; lo < hi; lo++)
			if (cedar_same(set.el[lo], v))
				return true;
		return false;
	}
	while (lo < hi) {
		const size_t mid = lo + (hi - lo) / 2;
		const int c = cedar_compare(v, set.el[mid]);

		if (c == 0)
			return true;
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return false;
}

/* ---- records ---- */

/* Keys go where they belong one by one: few, or nearly in order, is usual; a
 * record of many is sorted by halves. */
static bool
sort_fields(struct cedar_field *f, size_t n, struct arena *a)
{
	struct cedar_field *tmp;
	size_t i = 0, j, k = 0, mid = n / 2;

	if (n <= FEW) {
		for (i = 1; i < n; i++) {
			const struct cedar_field x = f[i];

			for (j = i; j > 0 && by_length(x.key, f[j - 1].key) < 0;
			     j--)
				f[j] = f[j - 1];
			f[j] = x;
		}
		return true;
	}
	tmp = arena_alloc(a, mid * sizeof(*tmp));
	if (tmp == NULL || !sort_fields(f, mid, a) ||
	    !sort_fields(f + mid, n - mid, a))
		return false;
	memcpy(tmp, f, mid * sizeof(*f));
	for (i = 0, j = mid; i < mid; k++)
		if (j < n && by_length(f[j].key, tmp[i].key) < 0)
			f[k] = f[j++];
		else
			f[k] = tmp[i++];
	return true;
}

/* Each key after the one before it: sorted, and none twice. */
static bool
in_order(const struct cedar_field *f, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (by_length(f[i - 1].key, f[i].key) >= 0)
			return false;
	return true;
}

struct cedar_value
cedar_record_in(struct cedar_field *f, size_t n, struct arena *a)
{
	struct cedar_value rec = { .type = CEDAR_RECORD, .n = (uint32_t)n };

	if (n > UINT32_MAX / sizeof(*f))
		return (struct cedar_value){ 0 };
	for (size_t i = 0; i < n; i++)
		if (f[i].v.type == CEDAR_NONE)
			return (struct cedar_value){ 0 };
	if (!in_order(f, n) && (!sort_fields(f, n, a) || !in_order(f, n)))
		return (struct cedar_value){ 0 };
	rec.field = f;
	return rec;
}

struct cedar_value
cedar_record(const struct cedar_field *f, size_t n, struct arena *a)
{
	struct cedar_field *to = NULL;

	if (n <= UINT32_MAX / sizeof(*to))
		to = arena_alloc(a, n * sizeof(*to));
	if (to == NULL)
		return (struct cedar_value){ 0 };
	if (n > 0)
		memcpy(to, f, n * sizeof(*to));
	return cedar_record_in(to, n, a);
}

const struct cedar_value *
cedar_get(struct cedar_value rec, struct str key)
{
	size_t lo = 0, hi = rec.n;

	if (rec.type != CEDAR_RECORD)
		return NULL;
	if (rec.n <= FEW) {
		for (; lo < hi; lo++)
			if (str_eq(rec.field[lo].key, key))
				return &rec.field[lo].v;
		return NULL;
	}
	while (lo < hi) {
		const size_t mid = lo + (hi - lo) / 2;
		const int c = by_length(key, rec.field[mid].key);

		if (c == 0)
			return &rec.field[mid].v;
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}
