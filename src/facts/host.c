/*
 * host.c: addresses and names of hosts.  Every way in which programs write an
 * address becomes the address: octal, hexadecimal, a single number, IPv4 in
 * IPv6.  A name is not resolved: that is for who connects.
 */
#include "facts/facts-in.h"

/* --- IPv4 ----------------------------------------------------------------- */

static bool
ip4_strict(struct str s, uint8_t b[4])
{
	struct str part;
	int n = 0;

	while (str_split(&s, '.', &part)) {
		uint64_t v;

		if (n == 4 || part.n > 3 || (part.n > 1 && part.p[0] == '0') ||
		    str_u64(part, &v) || v > 255)
			return false;
		b[n++] = (uint8_t)v;
	}
	return n == 4;
}

/* One number as inet_aton(3) reads it: 0x hexadecimal, 0 octal. */
static bool
loose_number(struct str s, uint64_t *out)
{
	unsigned base = 10;
	uint64_t v = 0;

	if (s.n > 1 && s.p[0] == '0') {
		base = (s.p[1] | 32) == 'x' ? 16 : 8;
		s = str_sub(s, base == 16 ? 2 : 1, s.n);
	}
	if (s.n == 0 && base != 16)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		const unsigned d = is_hex(s.p[i]) ? hex_of(s.p[i]) : 99;

		if (d >= base || v > UINT32_MAX)
			return false;
		v = v * base + d;
	}
	*out = v;
	return v <= UINT32_MAX;
}

bool
ip4_loose(struct str s, struct ip *out)
{
	uint64_t v[4], sum = 0;
	struct str part;
	int n = 0;

	if (s.n && s.p[s.n - 1] == '.')
		s.n--;
	while (str_split(&s, '.', &part))
		if (n == 4 || !loose_number(part, &v[n++]))
			return false;
	if (n == 0)
		return false;
	for (int i = 0; i < n - 1; i++) {
		if (v[i] > 255)
			return false;
		sum |= v[i] << (24 - 8 * i);
	}
	if (v[n - 1] >> (8 * (5 - n)))
		return false;
	sum |= v[n - 1];
	*out = (struct ip){ .bits = 32 };
	for (int i = 0; i < 4; i++)
		out->b[i] = (uint8_t)(sum >> (24 - 8 * i));
	return true;
}

/* --- IPv6 ----------------------------------------------------------------- */

struct six {
	uint8_t head[16], tail[16];
	size_t head_n, tail_n;
	bool gap;
};

static bool
six_add(struct six *x, const uint8_t *b, size_t n)
{
	uint8_t *to = x->gap ? x->tail : x->head;
	size_t *at = x->gap ? &x->tail_n : &x->head_n;

	if (x->head_n + x->tail_n + n > 16)
		return false;
	memcpy(to + *at, b, n);
	*at += n;
	return true;
}

static bool
six_group(struct six *x, struct str part)
{
	unsigned v = 0;
	uint8_t b[2];

	if (part.n == 0 || part.n > 4)
		return false;
	for (size_t i = 0; i < part.n; i++) {
		if (!is_hex(part.p[i]))
			return false;
		v = v << 4 | hex_of(part.p[i]);
	}
	b[0] = (uint8_t)(v >> 8);
	b[1] = (uint8_t)v;
	return six_add(x, b, 2);
}

static bool
ip6_parse(struct str s, uint8_t b[16])
{
	struct six x = { .gap = false };
	uint8_t four[4];
	bool want = false; /* a group must follow */

	while (s.n) {
		const size_t at = str_find(s, ':');
		const struct str part = str_sub(s, 0, at);

		if (at == 0) { /* "::" */
			if (s.n < 2 || s.p[1] != ':' || x.gap || want)
				return false;
			x.gap = true;
			s = str_sub(s, 2, s.n);
			continue;
		}
		want = false;
		if (at == s.n && ip4_strict(part, four))
			return six_add(&x, four, 4) &&
			       (x.gap ? x.head_n + x.tail_n < 16
				      : x.head_n == 16) &&
			       (memcpy(b, x.head, 16),
				   memcpy(b + 16 - x.tail_n, x.tail, x.tail_n),
				   true);
		if (!six_group(&x, part))
			return false;
		if (at == s.n)
			break;
		want = s.n - at < 2 || s.p[at + 1] != ':';
		s = str_sub(s, want ? at + 1 : at, s.n);
	}
	if (want || (x.gap ? x.head_n + x.tail_n > 14 : x.head_n != 16))
		return false;
	memcpy(b, x.head, 16);
	memcpy(b + 16 - x.tail_n, x.tail, x.tail_n);
	return true;
}

bool
ip_parse(struct str s, struct ip *out)
{
	struct ip ip = { .bits = 32 };

	if (!ip4_strict(s, ip.b)) {
		if (!ip6_parse(s, ip.b))
			return false;
		ip.bits = 128;
	}
	*out = ip;
	return true;
}

/* The longest run of zero groups, two at least, the first of equals. */
static int
longest_zeros(const struct ip *ip, int *len)
{
	int best = -1, n = 0;

	*len = 1;
	for (int i = 0; i < 8; i++) {
		n = ip->b[2 * i] || ip->b[2 * i + 1] ? 0 : n + 1;
		if (n > *len) {
			*len = n;
			best = i - n + 1;
		}
	}
	return best;
}

struct str
ip_text(struct arena *a, const struct ip *ip)
{
	char *p = arena_alloc(a, 48);
	int n = 0, len;
	const int gap = longest_zeros(ip, &len);

	if (p == NULL)
		return (struct str){ NULL, 0 };
	if (ip->bits == 32) {
		n = snprintf(p, 48, "%u.%u.%u.%u", ip->b[0], ip->b[1], ip->b[2],
		    ip->b[3]);
		return (struct str){ p, (size_t)n };
	}
	for (int i = 0; i < 8; i++) {
		const unsigned v =
		    (unsigned)ip->b[2 * i] << 8 | ip->b[2 * i + 1];

		if (i == gap) {
			n += snprintf(p + n, (size_t)(48 - n), "::");
			i += len - 1;
			continue;
		}
		n += snprintf(p + n, (size_t)(48 - n), "%s%x",
		    n && p[n - 1] != ':' ? ":" : "", v);
	}
	return (struct str){ p, (size_t)n };
}

void
ip_mask(struct ip *ip, int prefix)
{
	for (int i = prefix; i < ip->bits; i++)
		ip->b[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
}

/* --- what is not public ----------------------------------------------------
 */

/* IANA special-purpose address registries (RFC 6890 and its successors) and
 * multicast; sources are named by their RFC. */
static const struct block {
	uint8_t b[8];
	int bits, prefix;
} blocks[] = {
	{ { 0 }, 32, 8 },		   /* this network, RFC 791 */
	{ { 10 }, 32, 8 },		   /* RFC 1918 */
	{ { 100, 64 }, 32, 10 },	   /* shared, RFC 6598 */
	{ { 127 }, 32, 8 },		   /* loopback */
	{ { 169, 254 }, 32, 16 },	   /* link local: cloud metadata */
	{ { 172, 16 }, 32, 12 },	   /* RFC 1918 */
	{ { 192, 0, 0 }, 32, 24 },	   /* RFC 6890 */
	{ { 192, 0, 2 }, 32, 24 },	   /* documentation */
	{ { 192, 88, 99 }, 32, 24 },	   /* 6to4 relays, RFC 7526 */
	{ { 192, 168 }, 32, 16 },	   /* RFC 1918 */
	{ { 198, 18 }, 32, 15 },	   /* benchmarks, RFC 2544 */
	{ { 198, 51, 100 }, 32, 24 },	   /* documentation */
	{ { 203, 0, 113 }, 32, 24 },	   /* documentation */
	{ { 224 }, 32, 4 },		   /* multicast */
	{ { 240 }, 32, 4 },		   /* reserved, broadcast */
	{ { 0x01, 0 }, 128, 64 },	   /* discard, RFC 6666 */
	{ { 0x20, 0x01, 0, 0 }, 128, 23 }, /* protocols, Teredo */
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 128, 32 }, /* documentation */
	{ { 0x20, 0x02 }, 128, 16 },		 /* 6to4 */
	{ { 0x3f, 0xff }, 128, 20 },		 /* documentation */
	{ { 0x5f, 0 }, 128, 16 },		 /* segment routing */
	{ { 0xfc }, 128, 7 },			 /* unique local */
	{ { 0xfe, 0x80 }, 128, 10 },		 /* link local */
	{ { 0xfe, 0xc0 }, 128, 10 },		 /* site local */
	{ { 0xff }, 128, 8 },			 /* multicast */
};

static bool
overlaps(const struct ip *ip, int prefix, const struct block *k)
{
	if (ip->bits != k->bits)
		return false;
	for (int i = 0; i < k->prefix && i < prefix; i++) {
		const uint8_t bit = (uint8_t)(0x80 >> i % 8);

		if ((ip->b[i / 8] & bit) != (k->b[i / 8] & bit))
			return false;
	}
	return true;
}

/* IPv4 inside: ::/96 and ::ffff:0:0/96 (RFC 4291), 64:ff9b::/96 (RFC 6052). */
static bool
embedded4(const struct ip *ip, struct ip *out)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	static const uint8_t nat64[12] = { 0, 0x64, 0xff, 0x9b };
	static const uint8_t zero[12] = { 0 };

	if (ip->bits != 128 ||
	    (memcmp(ip->b, mapped, 12) != 0 && memcmp(ip->b, nat64, 12) != 0 &&
		memcmp(ip->b, zero, 12) != 0))
		return false;
	*out = (struct ip){ .bits = 32 };
	memcpy(out->b, ip->b + 12, 4);
	return true;
}

bool
net_private(const struct ip *ip, int prefix)
{
	struct ip four;

	if (prefix >= 96 && embedded4(ip, &four))
		return net_private(&four, prefix - 96);
	for (size_t i = 0; i < countof(blocks); i++)
		if (overlaps(ip, prefix, &blocks[i]))
			return true;
	return false;
}

bool
ip_private(const struct ip *ip)
{
	return net_private(ip, ip->bits);
}

/* --- a host --------------------------------------------------------------- */

static const struct str private_names[] = { /* RFC 6761, 6762, 8375, 9476 */
	STR_INIT("localhost"), STR_INIT("local"), STR_INIT("internal"),
	STR_INIT("home.arpa"), STR_INIT("test"), STR_INIT("invalid"),
	STR_INIT("onion"), STR_INIT("alt"), STR_INIT("lan"), STR_INIT("corp"),
	STR_INIT("home"), STR_INIT("intranet"), STR_INIT("private"),
	STR_INIT("localdomain")
};

static bool
name_private(struct str s)
{
	if (str_find(s, '.') == s.n)
		return true; /* a single label: found by a search list */
	for (size_t i = 0; i < countof(private_names); i++) {
		const struct str p = private_names[i];

		if (str_ends(s, p) && (s.n == p.n || s.p[s.n - p.n - 1] == '.'))
			return true;
	}
	return false;
}

/* What else a name may hold is mapped before it is looked up, and to digits and
 * dots too (UTS #46): it would be another host than the one compared. */
static bool
is_ascii(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] & 0x80)
			return false;
	return true;
}

static bool
name_ok(struct str s)
{
	struct str label;

	if (s.n == 0 || s.n > 253)
		return false;
	while (str_split(&s, '.', &label)) {
		if (label.n == 0 || label.n > 63)
			return false;
		for (size_t i = 0; i < label.n; i++)
			if (!is_word(label.p[i]) && label.p[i] != '-')
				return false;
	}
	return true;
}

/* Does the last label look like a number?  Then it must be an address. */
static bool
ends_in_number(struct str s)
{
	size_t at;

	if (s.n && s.p[s.n - 1] == '.')
		s.n--;
	at = s.n;
	while (at > 0 && s.p[at - 1] != '.')
		at--;
	s = str_sub(s, at, s.n);
	return s.n && is_digit(s.p[0]);
}

static enum err
host_ip(struct reading *r, const struct ip *ip, struct host *out)
{
	struct ip v = *ip, four;

	if (embedded4(&v, &four) && v.b[11] == 0xff)
		v = four; /* the same machine, so the same name */
	*out = (struct host){ ip_text(r->a, &v), true, v, ip_private(&v) };
	return out->name.p ? OK : ERR_LIMIT;
}

enum err
host_parse(struct reading *r, struct str s, struct host *out)
{
	struct ip ip;
	bool decoded, number;

	if (s.n > 2 && s.p[0] == '[' && s.p[s.n - 1] == ']') {
		if (!ip_parse(str_sub(s, 1, s.n - 2), &ip) || ip.bits != 128)
			return no(r, "brackets without an IPv6 address");
		return host_ip(r, &ip, out);
	}
	if (unpercent(r->a, s, &s, &decoded))
		return no(r, "escapes in the host that decode to no text");
	if (!is_ascii(s))
		return no(r, "a host that is not ASCII: write the name that is "
			     "looked up, xn--...");
	if (s.n && s.p[s.n - 1] == '.')
		s.n--;
	number = ends_in_number(s);
	if ((number || str_find(s, ':') < s.n) &&
	    (ip_parse(s, &ip) || ip4_loose(s, &ip)))
		return host_ip(r, &ip, out);
	if (number || !name_ok(s))
		return no(r, "'%.*s' is no name of a host",
		    (int)(s.n < 80 ? s.n : 80), s.p);
	s = lower(r->a, s);
	if (s.p == NULL)
		return ERR_LIMIT;
	*out = (struct host){ .name = s, .private = name_private(s) };
	return OK;
}

void
put_host(struct reading *r, const struct host *h)
{
	if (h->is_ip)
		put_ip(r, STR("ip"), h->name);
	put_text(r, STR("host"), h->name);
}

void
put_above(struct reading *r, const struct host *h)
{
	struct fset *above = fset_new(r);

	if (above == NULL)
		return;
	fset_add(above, h->name);
	for (size_t i = 0; i < h->name.n && !h->is_ip; i++)
		if (h->name.p[i] == '.')
			fset_add(above, str_sub(h->name, i + 1, h->name.n));
	put_fset(r, STR("domains"), above);
	put_is(r, STR("private"), h->private);
}
