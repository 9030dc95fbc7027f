/* test-cedar-ext: which texts the four extension types accept, and what they
 * mean. */
#include "cedar/ext.h"

#include "base/tap.h"

struct row {
	const char *text;
	bool good;
	int64_t i;
};

static const struct row decimals[] = {
	{ "0.0", true, 0 },
	{ "1.23", true, 12300 },
	{ "-1.23", true, -12300 },
	{ "-0.5", true, -5000 },
	{ "0.0001", true, 1 },
	{ "00012.3400", true, 123400 },
	{ "922337203685477.5807", true, INT64_MAX },
	{ "-922337203685477.5808", true, INT64_MIN },
	{ "922337203685477.5808", false, 0 },
	{ "-922337203685477.5809", false, 0 },
	{ "9223372036854775807.0", false, 0 },
	{ "99999999999999999999999.1", false, 0 },
	{ "000000000000000000000000000000001.5", true, 15000 },
	{ "1", false, 0 },
	{ "1.", false, 0 },
	{ ".1", false, 0 },
	{ "1.23456", false, 0 },
	{ "1.00000", false, 0 },
	{ "+1.2", false, 0 },
	{ "-.2", false, 0 },
	{ "-", false, 0 },
	{ "--1.0", false, 0 },
	{ "1.-2", false, 0 },
	{ "1.2.3", false, 0 },
	{ " 1.2", false, 0 },
	{ "1.2 ", false, 0 },
	{ "1e2.0", false, 0 },
	{ "\xd9\xa1.2", false, 0 },
	{ "", false, 0 },
};

static const struct row datetimes[] = {
	{ "1970-01-01", true, 0 },
	{ "1970-01-01T00:00:00Z", true, 0 },
	{ "1970-01-01T00:00:00.001Z", true, 1 },
	{ "1969-12-31T23:59:59.999Z", true, -1 },
	{ "2024-10-15", true, 1728950400000 },
	{ "2024-10-15T11:35:00Z", true, 1728992100000 },
	{ "2024-10-15T11:35:00.000+0100", true, 1728988500000 },
	{ "2024-10-15T11:35:00-0130", true, 1728997500000 },
	{ "2024-02-29", true, 1709164800000 },
	{ "2000-02-29", true, 951782400000 },
	{ "0000-01-01", true, -62167219200000 },
	{ "9999-12-31T23:59:59.999Z", true, 253402300799999 },
	{ "9999-12-31T23:59:59.999-2359", true, 253402387139999 },
	{ "2023-02-29", false, 0 },
	{ "1900-02-29", false, 0 },
	{ "2024-04-31", false, 0 },
	{ "2024-13-01", false, 0 },
	{ "2024-00-01", false, 0 },
	{ "2024-01-00", false, 0 },
	{ "2024-01-01T24:00:00Z", false, 0 },
	{ "2024-01-01T23:60:00Z", false, 0 },
	{ "2016-12-31T23:59:60Z", false, 0 },
	{ "2024-01-01T00:00:00", false, 0 },
	{ "2024-01-01T00:00Z", false, 0 },
	{ "2024-01-01T00:00:00.1Z", false, 0 },
	{ "2024-01-01T00:00:00.1234Z", false, 0 },
	{ "2024-01-01T00:00:00,123Z", false, 0 },
	{ "2024-01-01T00:00:00z", false, 0 },
	{ "2024-01-01t00:00:00Z", false, 0 },
	{ "2024-01-01 00:00:00Z", false, 0 },
	{ "2024-01-01T00:00:00+2400", false, 0 },
	{ "2024-01-01T00:00:00+0060", false, 0 },
	{ "2024-01-01T00:00:00+01:00", false, 0 },
	{ "2024-01-01T00:00:00+01", false, 0 },
	{ "2024-01-01T00:00:00ZZ", false, 0 },
	{ "2024-1-1", false, 0 },
	{ "24-01-01", false, 0 },
	{ "-2024-01-01", false, 0 },
	{ "+2024-01-01", false, 0 },
	{ "12024-01-01", false, 0 },
	{ "2024-01-01T", false, 0 },
	{ "2024-01-01Z", false, 0 },
	{ " 2024-01-01", false, 0 },
	{ "", false, 0 },
};

static const struct row durations[] = {
	{ "1ms", true, 1 },
	{ "0ms", true, 0 },
	{ "-0ms", true, 0 },
	{ "1s", true, 1000 },
	{ "1m", true, 60000 },
	{ "1h", true, 3600000 },
	{ "1d", true, 86400000 },
	{ "1d2h3m4s5ms", true, 93784005 },
	{ "-1d2h3m4s5ms", true, -93784005 },
	{ "1m5ms", true, 60005 },
	{ "3d5ms", true, 259200005 },
	{ "0001s", true, 1000 },
	{ "9223372036854775807ms", true, INT64_MAX },
	{ "-9223372036854775808ms", true, INT64_MIN },
	{ "-9223372036854775s808ms", true, INT64_MIN },
	{ "9223372036854775808ms", false, 0 },
	{ "-9223372036854775809ms", false, 0 },
	{ "106751991168d", false, 0 },
	{ "106751991167d", true, 9223372036828800000 },
	{ "99999999999999999999999999s", false, 0 },
	{ "1", false, 0 },
	{ "d", false, 0 },
	{ "ms", false, 0 },
	{ "-", false, 0 },
	{ "--1s", false, 0 },
	{ "+1s", false, 0 },
	{ "1s-1ms", false, 0 },
	{ "1s1m", false, 0 },
	{ "1ms1s", false, 0 },
	{ "1d1d", false, 0 },
	{ "1w", false, 0 },
	{ "1D", false, 0 },
	{ "1.5s", false, 0 },
	{ "1 s", false, 0 },
	{ "1s ", false, 0 },
	{ "", false, 0 },
};

struct ip_row {
	const char *text;
	bool good, v6;
	uint8_t bits, first, last;
};
static const struct ip_row ips[] = {
	{ "127.0.0.1", true, false, 32, 127, 1 },
	{ "0.0.0.0/0", true, false, 0, 0, 0 },
	{ "255.255.255.255/32", true, false, 32, 255, 255 },
	{ "10.0.0.0/8", true, false, 8, 10, 0 },
	{ "::", true, true, 128, 0, 0 },
	{ "::1", true, true, 128, 0, 1 },
	{ "1::", true, true, 128, 0, 0 },
	{ "ff00::/8", true, true, 8, 255, 0 },
	{ "FFEE::aB/64", true, true, 64, 255, 0xab },
	{ "1:2:3:4:5:6:7:8", true, true, 128, 0, 8 },
	{ "1:2:3:4:5:6:7::", true, true, 128, 0, 0 },
	{ "::2:3:4:5:6:7:8", true, true, 128, 0, 8 },
	{ "1:2:3::6:7:8/128", true, true, 128, 0, 8 },
	{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128", true, true, 128, 255,
	    255 },
	{ "1:2:3:4:5:6:7:8::", false, false, 0, 0, 0 },
	{ "::1:2:3:4:5:6:7:8", false, false, 0, 0, 0 },
	{ "1:2:3:4:5:6:7", false, false, 0, 0, 0 },
	{ "1::2::3", false, false, 0, 0, 0 },
	{ ":::", false, false, 0, 0, 0 },
	{ ":1", false, false, 0, 0, 0 },
	{ "1:", false, false, 0, 0, 0 },
	{ "12345::", false, false, 0, 0, 0 },
	{ "g::", false, false, 0, 0, 0 },
	{ "::ffff:1.2.3.4", false, false, 0, 0, 0 },
	{ "::1%lo", false, false, 0, 0, 0 },
	{ "[::1]", false, false, 0, 0, 0 },
	{ "1.2.3", false, false, 0, 0, 0 },
	{ "1.2.3.4.5", false, false, 0, 0, 0 },
	{ "1.2.3.256", false, false, 0, 0, 0 },
	{ "1.2.3.04", false, false, 0, 0, 0 },
	{ "1.2.3.", false, false, 0, 0, 0 },
	{ ".1.2.3", false, false, 0, 0, 0 },
	{ "0x1.2.3.4", false, false, 0, 0, 0 },
	{ "1.2.3.4/", false, false, 0, 0, 0 },
	{ "1.2.3.4/33", false, false, 0, 0, 0 },
	{ "1.2.3.4/08", false, false, 0, 0, 0 },
	{ "1.2.3.4/032", false, false, 0, 0, 0 },
	{ "1.2.3.4/-1", false, false, 0, 0, 0 },
	{ "1.2.3.4/8/8", false, false, 0, 0, 0 },
	{ "::/129", false, false, 0, 0, 0 },
	{ "::/064", false, false, 0, 0, 0 },
	{ " 1.2.3.4", false, false, 0, 0, 0 },
	{ "1.2.3.4 ", false, false, 0, 0, 0 },
	{ "/8", false, false, 0, 0, 0 },
	{ "", false, false, 0, 0, 0 },
};

static void
test_rows(const char *what, const struct row *r, size_t n,
    struct cedar_value (*make)(struct str))
{
	for (size_t i = 0; i < n; i++) {
		const struct cedar_value v = make(str_of(r[i].text));

		ok((v.type != CEDAR_NONE) == r[i].good &&
			(!r[i].good || v.i == r[i].i),
		    "%s(\"%s\") is %s", what, r[i].text,
		    r[i].good ? "read" : "refused");
	}
}

static void
test_ip(struct arena *a)
{
	for (size_t i = 0; i < countof(ips); i++) {
		const struct ip_row *r = &ips[i];
		const struct cedar_value v = cedar_ip_of(str_of(r->text), a);

		ok((v.type == CEDAR_IP) == r->good &&
			(!r->good || (v.v6 == r->v6 && v.bits == r->bits &&
					 v.ip[0] == r->first &&
					 v.ip[r->v6 ? 15 : 3] == r->last)),
		    "ip(\"%s\") is %s", r->text, r->good ? "read" : "refused");
	}
}

struct within {
	const char *in, *net;
	bool is;
};
static const struct within nets[] = {
	{ "10.1.2.3", "10.0.0.0/8", true },
	{ "11.1.2.3", "10.0.0.0/8", false },
	{ "10.1.2.3/16", "10.0.0.0/8", true },
	{ "10.0.0.0/8", "10.1.2.3/16", false },
	{ "10.1.2.3", "10.255.0.0/8", true },
	{ "1.2.3.4", "0.0.0.0/0", true },
	{ "::1", "0.0.0.0/0", false },
	{ "1.2.3.4", "::/0", false },
	{ "2001:db8::1", "2001:db8::/33", true },
	{ "2001:db8:8000::1", "2001:db8::/33", false },
	{ "1.2.3.4/31", "1.2.3.5/32", false },
	{ "1.2.3.5/32", "1.2.3.4/31", true },
	{ "1.2.3.4", "1.2.3.4", true },
};

static void
test_nets(struct arena *a)
{
	for (size_t i = 0; i < countof(nets); i++)
		ok(ext_ip_within(cedar_ip_of(str_of(nets[i].in), a),
		       cedar_ip_of(str_of(nets[i].net), a)) == nets[i].is,
		    "%s in %s: %s", nets[i].in, nets[i].net,
		    nets[i].is ? "yes" : "no");
	ok(ext_ip_loopback(cedar_ip_of(STR("127.9.9.9/8"), a)), "127/8 loops");
	ok(!ext_ip_loopback(cedar_ip_of(STR("127.0.0.1/7"), a)), "/7 does not");
	ok(ext_ip_loopback(cedar_ip_of(STR("::1"), a)), "::1 loops");
	ok(!ext_ip_loopback(cedar_ip_of(STR("::1/127"), a)), "/127 does not");
	ok(!ext_ip_loopback(cedar_ip_of(STR("::2"), a)), "nor does ::2");
	ok(ext_ip_multicast(cedar_ip_of(STR("239.1.1.1"), a)), "239 is many");
	ok(!ext_ip_multicast(cedar_ip_of(STR("224.0.0.0/3"), a)), "/3 is not");
	ok(ext_ip_multicast(cedar_ip_of(STR("ff02::1"), a)), "ff02 is many");
	ok(!ext_ip_multicast(cedar_ip_of(STR("fe80::1"), a)), "fe80 is one");
	ok(!cedar_same(cedar_ip_of(STR("127.0.0.1/8"), a),
	       cedar_ip_of(STR("127.0.0.2/8"), a)),
	    "a net is not equal to another way of writing it");
	ok(cedar_same(cedar_ip_of(STR("::1"), a),
	       cedar_ip_of(STR("0:0:0:0:0:0:0:1/128"), a)),
	    "::1 is equal to its long form");
}

static void
test_midnight(void)
{
	int64_t d = 7;

	ok(ext_midnight(EXT_DAY + 5, &d) && d == EXT_DAY, "after 1970");
	ok(ext_midnight(-1, &d) && d == -EXT_DAY, "before 1970");
	ok(ext_midnight(-EXT_DAY, &d) && d == -EXT_DAY, "at midnight itself");
	ok(!ext_midnight(INT64_MIN, &d), "no midnight before the first ms");
	ok(ext_since_midnight(-1) == EXT_DAY - 1 &&
		ext_since_midnight(INT64_MIN) >= 0,
	    "time of day is never negative");
}

int
main(void)
{
	struct arena *a = arena_new(1024 * 1024);

	test_rows("decimal", decimals, countof(decimals), cedar_decimal_of);
	test_rows("datetime", datetimes, countof(datetimes), cedar_datetime_of);
	test_rows("duration", durations, countof(durations), cedar_duration_of);
	test_ip(a);
	test_nets(a);
	test_midnight();
	arena_free(a);
	return tap_done();
}
