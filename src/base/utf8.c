/* utf8: is it well-formed (Unicode 15, table 3-7)?  ASCII goes by many. */
#include "base/base.h"

/* Length of the sequence at p, 0 when ill-formed. */
static size_t
step(const uint8_t *p, size_t n)
{
	const uint8_t a = p[0];
	uint8_t lo = 0x80, hi = 0xbf;
	size_t len;

	if (a < 0x80)
		return 1;
	if (a < 0xc2 || a > 0xf4)
		return 0;
	len = a < 0xe0 ? 2 : a < 0xf0 ? 3 : 4;
	if (n < len)
		return 0;
	if (a == 0xe0)
		lo = 0xa0;
	else if (a == 0xed)
		hi = 0x9f;
	else if (a == 0xf0)
		lo = 0x90;
	else if (a == 0xf4)
		hi = 0x8f;
	if (p[1] < lo || p[1] > hi)
		return 0;
	for (size_t i = 2; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

/* Most text is, and short: so the last bytes are not taken one by one. */
static bool
is_ascii(const uint8_t *p, size_t n)
{
	const uint64_t high = UINT64_MAX / 255 << 7;
	uint64_t v[4], all = 0;

	if (n < 8) {
		for (size_t i = 0; i < n; i++)
			all |= p[i];
		return (all & 0x80) == 0;
	}
	for (; n >= 32; p += 32, n -= 32) {
		memcpy(v, p, sizeof(v));
		if (((v[0] | v[1] | v[2] | v[3]) & high) != 0)
			return false;
	}
	for (; n >= 8; p += 8, n -= 8) {
		memcpy(v, p, 8);
		all |= v[0];
	}
	/* What is left, with bytes before it that were seen already. */
	memcpy(v, p + n - 8, 8);
	return ((all | v[0]) & high) == 0;
}

bool
utf8_ok(struct str s)
{
	const uint8_t *p = (const uint8_t *)s.p;
	size_t i = 0;

	if (is_ascii(p, s.n))
		return true;
	while (i < s.n) {
		uint64_t w;
		size_t len;

		while (s.n - i >= 8) {
			memcpy(&w, p + i, 8);
			if (w & 0x8080808080808080U)
				break;
			i += 8;
		}
		if (i == s.n)
			break;
		len = step(p + i, s.n - i);
		if (len == 0)
			return false;
		i += len;
	}
	return true;
}
