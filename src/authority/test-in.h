/* test-in.h: what tests of this room share. */
#ifndef AUTHORITY_TEST_IN_H
#define AUTHORITY_TEST_IN_H

#include "authority/authority.h"
#include "base/tap.h"

static struct note why;

/* A tape that stands until sixteen more were asked for. */
static inline struct jv
json(const char *text)
{
	static struct buf keep[16];
	static size_t n;
	struct buf *b = &keep[n++ % countof(keep)];

	buf_done(b);
	b->max = 1 << 20;
	BUG_ON(json_parse(str_of(text), &json_default, b, NULL) != OK);
	return jv_of(buf_view(b));
}

/* Policies from one text, "a.cedar", without rules. */
static inline enum err
policies_try(const char *text, struct policy **out)
{
	struct buf image = { .max = 1 << 20 };
	const size_t o = tape_obj(&image);
	size_t list, one;
	enum err e;

	tape_key(&image, STR("policies"));
	list = tape_arr(&image);
	one = tape_obj(&image);
	tape_key(&image, STR("name"));
	tape_str(&image, STR("a.cedar"));
	tape_key(&image, STR("text"));
	tape_str(&image, str_of(text));
	tape_end(&image, one, 2);
	tape_end(&image, list, 1);
	tape_key(&image, STR("rules"));
	tape_end(&image, tape_arr(&image), 0);
	tape_end(&image, o, 2);
	e = policy_new(jv_of(buf_view(&image)), out, &why);
	buf_done(&image);
	return e;
}

static inline struct policy *
policies(const char *text)
{
	struct policy *p = NULL;

	if (policies_try(text, &p) != OK) {
		(void)fprintf(stderr, "%s: %s\n", text, why.text);
		exit(1);
	}
	return p;
}

#endif
