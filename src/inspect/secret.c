/*
 * secret: what is a credential by its own arithmetic, and what is random.
 * Formats that need no arithmetic are rules (rules/secrets.yaml).
 * Sources: GitHub, "Behind GitHub's new authentication token formats" (CRC-32
 * in base 62 behind 30 signs; npm has the same); ISO/IEC 7812-1 annex B
 * (Luhn); RFC 7519 (JWT).
 */
#include "inspect/inspect-in.h"

enum { TOKEN_MAX = 512 };

size_t
token_end(struct str s, size_t at)
{
	while (at < s.n) {
		const char c = s.p[at];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			(c >= '0' && c <= '9') || c == '_' || c == '-' ||
			c == '+' || c == '/' || c == '.' || c == '~'))
			break;
		at++;
	}
	return at;
}

/* log2 of 0 to 16 sixteenths above 1, times 100: enough for a bound. */
static unsigned
log2_100(unsigned n)
{
	static const unsigned char part[] = { 0, 9, 17, 25, 32, 39, 46, 52, 58,
		64, 70, 75, 81, 86, 91, 95 };
	unsigned k = 0;

	while (n >> (k + 1) != 0)
		k++;
	return k * 100 + part[k >= 4 ? n >> (k - 4) & 15 : n << (4 - k) & 15];
}

unsigned
entropy10(struct str s)
{
	unsigned count[256] = { 0 }, sum = 0;
	const unsigned n = s.n > TOKEN_MAX ? TOKEN_MAX : (unsigned)s.n;

	if (n < 2)
		return 0;
	for (unsigned i = 0; i < n; i++)
		count[(unsigned char)s.p[i]]++;
	for (unsigned i = 0; i < 256; i++)
		if (count[i] > 0)
			sum += count[i] * log2_100(count[i]);
	return (log2_100(n) - sum / n) / 10;
}

/* Words that stand where a secret would, in small letters. */
static const struct str stand_ins[] = { STR_INIT("example"), STR_INIT("xxxx"),
	STR_INIT("your"), STR_INIT("changeme"), STR_INIT("placeholder"),
	STR_INIT("redacted"), STR_INIT("dummy"), STR_INIT("sample"),
	STR_INIT("0000000"), STR_INIT("1234567"), STR_INIT("abcdef"),
	STR_INIT("insert"), STR_INIT("replace"), STR_INIT("secret"),
	STR_INIT("password"), STR_INIT("token_here") };

bool
placeholder(struct str s)
{
	char small[128];
	size_t n = s.n < sizeof(small) ? s.n : sizeof(small);

	for (size_t i = 0; i < n; i++)
		small[i] = s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] + 32)
							  : s.p[i];
	for (size_t k = 0; k < countof(stand_ins); k++)
		if (str_search((struct str){ small, n }, stand_ins[k]) != n)
			return true;
	return false;
}

static uint32_t
crc32_of(struct str s)
{
	uint32_t c = UINT32_MAX;

	for (size_t i = 0; i < s.n; i++) {
		c ^= (unsigned char)s.p[i];
		for (int k = 0; k < 8; k++)
			c = c >> 1 ^ (c & 1 ? 0xedb88320U : 0);
	}
	return ~c;
}

/* Prefix, 30 signs, the CRC-32 of those in base 62 of six digits. */
static bool
crc_token(struct str s)
{
	static const char digits[] =
	    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	const size_t from = str_find(s, '_') + 1;
	uint32_t c;

	if (s.n != from + 36)
		return false;
	c = crc32_of(str_sub(s, from, 30));
	for (size_t i = 0; i < 6; i++, c /= 62)
		if (s.p[s.n - 1 - i] != digits[c % 62])
			return false;
	return true;
}

static const struct str crc_prefixes[] = { STR_INIT("ghp_"), STR_INIT("gho_"),
	STR_INIT("ghu_"), STR_INIT("ghs_"), STR_INIT("ghr_"),
	STR_INIT("npm_") };

/* A JWT: three parts, the first two JSON objects. */
static bool
is_jwt(struct str s)
{
	const size_t dot = str_find(s, '.');
	const struct str rest = str_sub(s, dot + 1, s.n);

	return str_starts(s, STR("eyJ")) && str_starts(rest, STR("eyJ")) &&
	       rest.n > 20 && str_find(rest, '.') + 20 < rest.n;
}

/* 13 to 19 digits, a payment card's first one, and Luhn's sum. */
static bool
is_card(const char *d, size_t n)
{
	unsigned sum = 0;

	if (n < 13 || n > 19 || d[0] < '3' || d[0] > '6')
		return false;
	for (size_t i = 0; i < n; i++) {
		unsigned v = (unsigned)(d[n - 1 - i] - '0');

		if (i % 2 == 1)
			v = v * 2 > 9 ? v * 2 - 9 : v * 2;
		sum += v;
	}
	return sum % 10 == 0;
}

static bool
checked(struct str t)
{
	for (size_t k = 0; k < countof(crc_prefixes); k++)
		if (str_starts(t, crc_prefixes[k]))
			return crc_token(t);
	return is_jwt(t);
}

/* 4111 1111 1111 1111, or with dashes: groups of four. */
static bool
card_at(struct str s, size_t at)
{
	char d[19];
	size_t n = 0, k = at;

	for (; k < s.n && n < sizeof(d); k++) {
		if (s.p[k] >= '0' && s.p[k] <= '9')
			d[n++] = s.p[k];
		else if ((s.p[k] != ' ' && s.p[k] != '-') || n % 4 != 0)
			break;
	}
	return k - at > n && n == 16 && is_card(d, n);
}

void
look_secrets(struct inspect *i, struct str s)
{
	for (size_t at = 0, end; at < s.n; at = end + 1) {
		const char c = s.p[at];

		end = token_end(s, at);
		if (end - at >= 36 && end - at <= 4096 &&
		    checked(str_sub(s, at, end - at)))
			saw(i, DET_SECRET, at);
		if (c >= '3' && c <= '6' && end - at >= 4 && card_at(s, at))
			saw(i, DET_SECRET, at);
	}
}
