/* test-wrap: the image that needs no configuration. */
#include "conf/test-conf.h"

static void
test_wrap(void)
{
	char npx[] = "npx", y[] = "-y", pkg[] = "@scope/server";
	char e1[] = "TOKEN=s\"e\ncret", e2[] = "BASH_FUNC_x%%=() { :; }",
	     e3[] = "TOKEN=second", bad[] = "a\xff";
	char *argv[] = { npx, y, pkg, NULL }, *env[] = { e1, e2, e3, NULL };
	char *none[] = { NULL }, *odd[] = { npx, bad, NULL };
	struct conf_wrapped w = { argv, env, STR("My Server"), STR("/s"),
		STR("/home/u") };
	struct buf b = { .max = 1024 * 1024 };
	struct note why;
	struct jv im, s;
	char name[33];

	ok(conf_wrap(&w, &b, &why) == OK, "wrap makes an image");
	im = jv_of(buf_view(&b));
	ok(text_is(im, "listen", "") && text_is(im, "desk", "") &&
		text_is(im, "anonymous", "local") && num_is(im, "cells", 1) &&
		text_is(im, "state", "/s") &&
		text_is(im, "control", "/s/control.sock"),
	    "wrap listens nowhere");
	s = nth(jv_get(im, STR("launch")), 0);
	ok(text_is(s, "name", "my-server") && text_is(s, "cwd", "/home/u") &&
		jv_count(jv_get(s, STR("argv"))) == 3 &&
		text_is(s, "env/TOKEN", "s\"e\ncret") &&
		jv_count(jv_get(s, STR("env"))) == 1 &&
		text_is(s, "sandbox", "off"),
	    "wrap keeps command, directory and environment");
	s = nth(jv_get(im, STR("rules")), 0);
	ok(text_is(s, "effect", "allow") && text_is(s, "principal", "local") &&
		text_is(s, "id", "wrapped"),
	    "wrap allows, and says so in a rule");
	buf_clear(&b);
	w.argv = none;
	ok(conf_wrap(&w, &b, &why) == ERR_SYNTAX && b.n == 0,
	    "wrap of nothing is refused");
	w.argv = odd;
	ok(conf_wrap(&w, &b, &why) == ERR_SYNTAX, "bytes are no argument");
	ok(str_eq(
	       conf_wrap_name(STR("/usr/bin/Node.JS"), name), STR("node-js")) &&
		str_eq(conf_wrap_name(STR("___"), name), STR("server")) &&
		conf_wrap_name(
		    STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), name)
			.n == 32,
	    "names of wrapped servers");
	buf_done(&b);
}

int
main(void)
{
	test_wrap();
	return tap_done();
}
