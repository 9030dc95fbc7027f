/*
 * net: addresses and urls as text.  Nothing is looked up: an address to listen
 * on is numeric or "localhost", a url's host is a name or a numeric address.
 */
#include "conf/conf-in.h"

#include <arpa/inet.h>

static bool
port_ok(struct str s, uint16_t *out)
{
	uint64_t v;

	if (s.n == 0 || s.n > 5 || str_u64(s, &v) || v > UINT16_MAX)
		return false;
	*out = (uint16_t)v;
	return true;
}

/* The four or sixteen bytes of a numeric host. */
static bool
numeric(struct str host, bool v6, unsigned char out[static 16])
{
	char z[64];

	if (host.n >= sizeof(z) || memchr(host.p, '\0', host.n) != NULL)
		return false;
	memcpy(z, host.p, host.n);
	z[host.n] = '\0';
	return inet_pton(v6 ? AF_INET6 : AF_INET, z, out) == 1;
}

static bool
all_zero(const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != 0)
			return false;
	return true;
}

static bool
is_loopback(const unsigned char *b, bool v6)
{
	return v6 ? all_zero(b, 15) && b[15] == 1 : b[0] == 127;
}

/* Takes "[v6]" or "host" off the front; the rest begins with ':' or '/'. */
static enum err
take_host(struct str *rest, struct str *host, bool *v6, struct note *why)
{
	size_t n;

	*v6 = rest->n > 0 && rest->p[0] == '[';
	if (*v6) {
		n = str_find(*rest, ']');
		if (n == rest->n) {
			note_set(
			    why, "the ] after the IPv6 address is missing");
			return ERR_SYNTAX;
		}
		*host = str_sub(*rest, 1, n - 1);
		*rest = str_sub(*rest, n + 1, rest->n);
		return OK;
	}
	for (n = 0; n < rest->n; n++)
		if (rest->p[n] == ':' || rest->p[n] == '/' || rest->p[n] == '?')
			break;
	*host = str_sub(*rest, 0, n);
	*rest = str_sub(*rest, n, rest->n);
	return OK;
}

enum err
addr_parse(struct str text, struct conf_addr *out, struct note *why)
{
	struct conf_addr a = { .port = 0 };
	unsigned char b[16] = { 0 };
	struct str rest = text;

	TRY(take_host(&rest, &a.host, &a.v6, why));
	if (rest.n < 2 || rest.p[0] != ':' ||
	    !port_ok(str_sub(rest, 1, rest.n), &a.port)) {
		note_set(why, "must be ADDRESS:PORT, as 127.0.0.1:8642 or "
			      "[::1]:8642");
		return ERR_SYNTAX;
	}
	if (!a.v6 && str_eq(a.host, STR("localhost")))
		a.host = STR("127.0.0.1");
	if (!numeric(a.host, a.v6, b)) {
		note_set(why, "the address must be numeric, or localhost");
		return ERR_SYNTAX;
	}
	a.loopback = is_loopback(b, a.v6);
	a.any = all_zero(b, a.v6 ? 16 : 4);
	*out = a;
	return OK;
}

static bool
label_char(char ch)
{
	return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
	       (ch >= '0' && ch <= '9') || ch == '-' || ch == '_';
}

/* RFC 1123 labels, and the underscore that networks use all the same. */
static bool
host_ok(struct str host)
{
	struct str rest = host, label;

	if (host.n == 0 || host.n > 253)
		return false;
	while (str_split(&rest, '.', &label)) {
		if (label.n == 0 || label.n > 63)
			return false;
		for (size_t i = 0; i < label.n; i++)
			if (!label_char(label.p[i]))
				return false;
	}
	return true;
}

static bool
path_ok(struct str path)
{
	for (size_t i = 0; i < path.n; i++) {
		const unsigned char ch = (unsigned char)path.p[i];

		if (ch <= 0x20 || ch >= 0x7f || ch == '#' || ch == '"' ||
		    ch == '<' || ch == '>' || ch == '\\' || ch == '^' ||
		    ch == '`' || ch == '{' || ch == '|' || ch == '}')
			return false;
	}
	return true;
}

static enum err
url_host(struct str *rest, struct conf_url *u, struct note *why)
{
	unsigned char b[16] = { 0 };
	bool v6;

	TRY(take_host(rest, &u->host, &v6, why));
	if (v6 ? !numeric(u->host, true, b) : !host_ok(u->host)) {
		note_set(why, "the host is not a host name or an address");
		return ERR_SYNTAX;
	}
	if (v6 || numeric(u->host, false, b))
		u->loopback = is_loopback(b, v6);
	else
		u->loopback = str_ieq(u->host, STR("localhost"));
	return OK;
}

static enum err
url_port(struct str *rest, struct conf_url *u, struct note *why)
{
	size_t n;

	u->port = u->tls ? 443 : 80;
	if (rest->n == 0 || rest->p[0] != ':')
		return OK;
	for (n = 1; n < rest->n; n++)
		if (rest->p[n] == '/' || rest->p[n] == '?')
			break;
	if (!port_ok(str_sub(*rest, 1, n - 1), &u->port) || u->port == 0) {
		note_set(why, "the port must be 1 to 65535");
		return ERR_SYNTAX;
	}
	*rest = str_sub(*rest, n, rest->n);
	return OK;
}

enum err
url_parse(struct str text, struct conf_url *out, struct note *why)
{
	struct conf_url u = { .tls = str_starts(text, STR("https://")) };
	struct str rest, host;

	if (!u.tls && !str_starts(text, STR("http://"))) {
		note_set(why, "must begin with http:// or https://");
		return ERR_SYNTAX;
	}
	rest = str_sub(text, u.tls ? 8 : 7, text.n);
	/* user:password@ would look like a host with a port. */
	host = str_sub(rest, 0, str_find(rest, '/'));
	if (str_find(host, '@') != host.n) {
		note_set(why, "a user or password in the url is refused; use "
			      "credential_file");
		return ERR_SYNTAX;
	}
	TRY(url_host(&rest, &u, why));
	TRY(url_port(&rest, &u, why));
	if (rest.n > 0 && rest.p[0] != '/') {
		note_set(why, "the path must begin with /");
		return ERR_SYNTAX;
	}
	if (!path_ok(rest)) {
		note_set(why, "a fragment, a space or a character that a url "
			      "cannot hold; percent-encode it");
		return ERR_SYNTAX;
	}
	u.path = rest.n == 0 ? STR("/") : rest;
	*out = u;
	return OK;
}
