/*
 * ext: what the texts of decimal and ipaddr mean, and how values of all four
 * extension types are written.  Exactly the texts that Cedar accepts: no sign
 * but "-", no leading zeros in octets and prefixes, no IPv4 inside IPv6.
 */
#include "cedar/cedar.h"

#include "cedar/ext.h"

bool
ext_digits(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.n > 0;
}

/* s as a number at or below zero: there is one more of them. */
bool
ext_minus(struct str s, int64_t *out)
{
	int64_t v = 0;

	if (!ext_digits(s))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_sub_overflow(v, s.p[i] - '0', &v))
			return false;
	*out = v;
	return true;
}

bool
ext_sign(bool minus, int64_t below, int64_t *out)
{
	*out = below;
	return minus || !__builtin_sub_overflow(0, below, out);
}

/* ---- decimal ---- */
static const int64_t tens[] = { 10000, 1000, 100, 10, 1 };

struct cedar_value
cedar_decimal_of(struct str s)
{
	const struct cedar_value none = { 0 };
	const bool minus = s.n > 0 && s.p[0] == '-';
	const struct str text = str_sub(s, minus ? 1 : 0, s.n);
	const size_t dot = str_find(text, '.');
	const struct str right = str_sub(text, dot + 1, text.n);
	int64_t l, r, v;

	if (dot == text.n || right.n >= countof(tens) ||
	    !ext_minus(str_sub(text, 0, dot), &l) || !ext_minus(right, &r))
		return none;
	r *= tens[right.n];
	if (__builtin_mul_overflow(l, tens[0], &l) ||
	    __builtin_add_overflow(l, r, &l) || !ext_sign(minus, l, &v))
		return none;
	return cedar_decimal(v);
}

/* ---- ipaddr ---- */

/* A number of at most `most` digits without leading zeros. */
static bool
plain(struct str s, size_t most, unsigned max, unsigned *out)
{
	uint64_t v;

	if (s.n > most || !ext_digits(s) || (s.n > 1 && s.p[0] == '0'))
		return false;
	if (str_u64(s, &v) != OK || v > max)
		return false;
	*out = (unsigned)v;
	return true;
}

static bool
read_v4(struct str s, uint8_t *out)
{
	for (int i = 0; i < 4; i++) {
		const size_t dot = str_find(s, '.');
		unsigned v;

		if ((dot == s.n) != (i == 3) ||
		    !plain(str_sub(s, 0, dot), 3, 255, &v))
			return false;
		out[i] = (uint8_t)v;
		s = str_sub(s, dot + 1, s.n);
	}
	return true;
}

static bool
read_group(struct str s, uint8_t *out)
{
	unsigned v = 0;

	if (s.n == 0 || s.n > 4)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		const unsigned ch = (unsigned char)s.p[i];
		const unsigned low = ch | 0x20;

		if (ch >= '0' && ch <= '9')
			v = v * 16 + (ch - '0');
		else if (low >= 'a' && low <= 'f')
			v = v * 16 + (low - 'a' + 10);
		else
			return false;
	}
	out[0] = (uint8_t)(v >> 8);
	out[1] = (uint8_t)v;
	return true;
}

/* Groups between single colons; their number, or -1. */
static int
read_groups(struct str s, uint8_t *out)
{
	int n = 0;

	while (s.n > 0) {
		const size_t colon = str_find(s, ':');

		if (n == 8 || colon + 1 == s.n ||
		    !read_group(str_sub(s, 0, colon), out + 2 * n))
			return -1;
		n++;
		s = str_sub(s, colon + 1, s.n);
	}
	return n;
}

static bool
read_v6(struct str s, uint8_t *out)
{
	const size_t gap = str_search(s, STR("::"));
	uint8_t tail[16] = { 0 };
	int head_n, tail_n;

	memset(out, 0, 16);
	if (gap == s.n)
		return read_groups(s, out) == 8;
	head_n = read_groups(str_sub(s, 0, gap), out);
	tail_n = read_groups(str_sub(s, gap + 2, s.n), tail);
	if (head_n < 0 || tail_n < 0 || head_n + tail_n > 7)
		return false;
	memset(out + 2 * head_n, 0, 16U - 2U * (unsigned)head_n);
	memcpy(out + 16 - 2 * tail_n, tail, 2U * (unsigned)tail_n);
	return true;
}

struct cedar_value
cedar_ip_of(struct str s, struct arena *a)
{
	const size_t slash = str_find(s, '/');
	const struct str addr = str_sub(s, 0, slash);
	struct cedar_value v = { .type = CEDAR_IP };
	uint8_t bytes[16] = { 0 }, *keep;
	unsigned bits;

	if (!read_v4(addr, bytes)) {
		v.v6 = true;
		if (!read_v6(addr, bytes))
			return (struct cedar_value){ 0 };
	}
	bits = v.v6 ? 128 : 32;
	if (slash < s.n &&
	    !plain(str_sub(s, slash + 1, s.n), v.v6 ? 3 : 2, bits, &bits))
		return (struct cedar_value){ 0 };
	keep = arena_alloc(a, sizeof(bytes));
	if (keep == NULL)
		return (struct cedar_value){ 0 };
	memcpy(keep, bytes, sizeof(bytes));
	v.bits = (uint8_t)bits;
	v.ip = keep;
	return v;
}

/* Every address of in is one of net. */
bool
ext_ip_within(struct cedar_value in, struct cedar_value net)
{
	const size_t whole = net.bits / 8, rest = net.bits % 8;

	if (in.v6 != net.v6 || in.bits < net.bits ||
	    memcmp(in.ip, net.ip, whole) != 0)
		return false;
	return rest == 0 || (in.ip[whole] ^ net.ip[whole]) >> (8 - rest) == 0;
}

bool
ext_ip_loopback(struct cedar_value v)
{
	static const uint8_t one[16] = { [15] = 1 };

	return v.v6 ? v.bits == 128 && memcmp(v.ip, one, 16) == 0
		    : v.bits >= 8 && v.ip[0] == 127;
}

bool
ext_ip_multicast(struct cedar_value v)
{
	return v.v6 ? v.bits >= 8 && v.ip[0] == 0xff
		    : v.bits >= 4 && v.ip[0] >> 4 == 14;
}
