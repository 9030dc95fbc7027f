/*
 * url.c: URLs, hosts with a port, mail addresses and networks.  Where readers
 * of URLs are known to differ (backslashes, tabs, spaces, several @) nothing
 * is guessed: it is refused.
 */
#include "facts/facts-in.h"

static const struct scheme {
	struct str name;
	int64_t port;
} schemes[] = {
	{ STR_INIT("http"), 80 },
	{ STR_INIT("https"), 443 },
	{ STR_INIT("ws"), 80 },
	{ STR_INIT("wss"), 443 },
	{ STR_INIT("ftp"), 21 },
	{ STR_INIT("ftps"), 990 },
	{ STR_INIT("ssh"), 22 },
	{ STR_INIT("sftp"), 22 },
	{ STR_INIT("git"), 9418 },
	{ STR_INIT("ldap"), 389 },
	{ STR_INIT("ldaps"), 636 },
	{ STR_INIT("gopher"), 70 },
	{ STR_INIT("redis"), 6379 },
	{ STR_INIT("postgres"), 5432 },
	{ STR_INIT("postgresql"), 5432 },
	{ STR_INIT("mysql"), 3306 },
	{ STR_INIT("mongodb"), 27017 },
	{ STR_INIT("amqp"), 5672 },
	{ STR_INIT("smtp"), 25 },
};

static int64_t
port_of(struct str scheme)
{
	for (size_t i = 0; i < countof(schemes); i++)
		if (str_eq(schemes[i].name, scheme))
			return schemes[i].port;
	return 0;
}

struct url {
	struct str scheme, path;
	struct host host;
	int64_t port;
	bool query, userinfo;
};

static enum err
port_read(struct reading *r, struct str s, int64_t *out)
{
	uint64_t v;

	if (s.n > 5 || str_u64(s, &v) || v == 0 || v > 65535)
		return no(r, "a port is 1 to 65535");
	*out = (int64_t)v;
	return OK;
}

/* HOST, HOST:PORT, [V6], [V6]:PORT.  A port that is not said stays. */
static enum err
authority(struct reading *r, struct str s, struct host *host, int64_t *port)
{
	const bool six = s.n && s.p[0] == '[';
	size_t at = six ? str_find(s, ']') : 0;

	at += str_find(str_sub(s, at, s.n), ':');
	if (at + 1 < s.n)
		TRY(port_read(r, str_sub(s, at + 1, s.n), port));
	return host_parse(r, str_sub(s, 0, at), host);
}

static bool
scheme_ok(struct str s)
{
	if (s.n == 0 || s.n > 32 || !is_alpha(s.p[0]))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!is_alpha(s.p[i]) && !is_digit(s.p[i]) &&
		    !is_among(s.p[i], STR("+-.")))
			return false;
	return true;
}

static enum err
url_path(struct reading *r, struct str s, struct str *out)
{
	const struct str raw = s;
	struct parts parts;
	bool changed;
	enum err e;

	if (unpercent(r->a, s, &s, &changed))
		return no(r, "escapes in the path that decode to no text");
	if (changed && parts_agree(r->a, raw, false) != OK)
		return no(r, "escapes in the path that lead elsewhere for who "
			     "does not decode them");
	e = parts_of(r->a, s, &parts);
	if (e == ERR_SYNTAX)
		return no(r, "more than %d parts in the path", SET_MAX);
	if (e != OK)
		return e;
	*out = parts_text(r->a, STR("/"), &parts, NULL, NULL);
	return out->p == NULL ? ERR_LIMIT : OK;
}

/* What stands after "//", to the end. */
static enum err
hierarchy(struct reading *r, struct str s, struct url *u)
{
	size_t end = 0, at = 0;
	struct str host;

	while (
	    end < s.n && s.p[end] != '/' && s.p[end] != '?' && s.p[end] != '#')
		end++;
	host = str_sub(s, 0, end);
	at = str_find(host, '@');
	if (at < host.n) {
		u->userinfo = true;
		host = str_sub(host, at + 1, host.n);
		if (str_find(host, '@') < host.n)
			return no(r, "more than one @ before the host");
	}
	TRY(authority(r, host, &u->host, &u->port));
	s = str_sub(s, end, s.n);
	s = str_sub(s, 0, str_find(s, '#'));
	at = str_find(s, '?');
	u->query = at < s.n;
	return url_path(r, str_sub(s, 0, at), &u->path);
}

/* ":443"; empty when none is known. */
static struct str
port_text(char room[static 8], int64_t port)
{
	size_t at = 8;

	for (; port > 0; port /= 10)
		room[--at] = (char)('0' + port % 10);
	if (at < 8)
		room[--at] = ':';
	return (struct str){ room + at, 8 - at };
}

static void
put_url(struct reading *r, const struct url *u)
{
	const bool six = u->host.is_ip && u->host.ip.bits == 128;
	struct str host = u->host.name, whole, origin;
	const struct str text = str_sub(r->text, 0, str_find(r->text, '#'));
	const size_t at = str_find(text, '?');
	char room[8];

	if (six)
		host = join3(r->a, STR("["), host, STR("]"));
	origin = join3(r->a, join3(r->a, u->scheme, STR("://"), host),
	    port_text(room, u->port), STR(""));
	whole = join3(r->a, origin, u->path,
	    u->query ? str_sub(text, at, text.n) : STR(""));
	put_host(r, &u->host);
	put_text(r, STR("path"), u->path);
	put_long(r, STR("port"), u->port);
	put_is(r, STR("query"), u->query);
	put_text(r, STR("origin"), origin);
	put_text(r, STR("scheme"), u->scheme);
	put_above(r, &u->host);
	put_is(r, STR("userinfo"), u->userinfo);
	put_text(r, STR("canonical"), whole);
}

enum err
read_url(struct reading *r)
{
	const struct str s = r->text;
	const size_t at = str_find(s, ':');
	struct url u = { .port = 0 };

	if (!utf8_ok(s) || has_control(s) || str_find(s, ' ') < s.n)
		return no(r, "a space or control character in a URL");
	if (str_find(s, '\\') < s.n)
		return no(r, "a backslash in a URL: readers differ on it");
	if (at == s.n || !scheme_ok(str_sub(s, 0, at)) ||
	    !str_eq(str_sub(s, at + 1, 2), STR("//")))
		return no(r, "no URL: it does not begin with scheme://");
	u.scheme = lower(r->a, str_sub(s, 0, at));
	if (u.scheme.p == NULL)
		return ERR_LIMIT;
	u.port = port_of(u.scheme);
	TRY(hierarchy(r, str_sub(s, at + 3, s.n), &u));
	put_url(r, &u);
	return OK;
}

enum err
read_host(struct reading *r)
{
	struct host h;
	int64_t port = 0;
	struct ip ip;

	if (ip_parse(r->text, &ip) && ip.bits == 128) /* bare, no brackets */
		TRY(host_parse(
		    r, join3(r->a, STR("["), r->text, STR("]")), &h));
	else
		TRY(authority(r, r->text, &h, &port));
	put_host(r, &h);
	put_long(r, STR("port"), port);
	put_above(r, &h);
	return OK;
}

enum err
read_email(struct reading *r)
{
	const size_t at = str_find(r->text, '@');
	const struct str local = str_sub(r->text, 0, at);
	struct host h;

	if (at == r->text.n || local.n == 0 || local.n > 64)
		return no(r, "a mail address is local@domain");
	for (size_t i = 0; i < local.n; i++)
		if (!is_word(local.p[i]) &&
		    !is_among(local.p[i], STR(".!#$%&'*+-/=?^`{|}~")))
			return no(r, "a character that an address has not");
	TRY(host_parse(r, str_sub(r->text, at + 1, r->text.n), &h));
	put_host(r, &h);
	put_text(r, STR("local"), local);
	put_text(r, STR("address"), join3(r->a, local, STR("@"), h.name));
	put_above(r, &h);
	return OK;
}

enum err
read_cidr(struct reading *r)
{
	const size_t at = str_find(r->text, '/');
	struct str net;
	uint64_t prefix;
	struct ip ip;
	char end[8];
	int n;

	if (!ip_parse(str_sub(r->text, 0, at), &ip))
		return no(r, "a network is address/prefix");
	prefix = (uint64_t)ip.bits;
	if (at < r->text.n &&
	    (str_u64(str_sub(r->text, at + 1, r->text.n), &prefix) ||
		prefix > (uint64_t)ip.bits))
		return no(r, "a prefix is 0 to %d", ip.bits);
	ip_mask(&ip, (int)prefix);
	n = snprintf(end, sizeof(end), "/%u", (unsigned)prefix);
	net = join3(
	    r->a, ip_text(r->a, &ip), (struct str){ end, (size_t)n }, STR(""));
	put_text(r, STR("canonical"), net);
	put_ip(r, STR("network"), net);
	put_long(r, STR("prefix"), (int64_t)prefix);
	put_is(r, STR("private"), net_private(&ip, (int)prefix));
	return OK;
}
