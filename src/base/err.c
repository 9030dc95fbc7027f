/* err: names of errors, notes for people, and the end of a broken promise. */
#include "base/base.h"

#include <stdarg.h>

static const char *const err_names[] = {
	[OK] = "ok",
	[ERR_MORE] = "more",
	[ERR_SYNTAX] = "syntax",
	[ERR_LIMIT] = "limit",
	[ERR_DENIED] = "denied",
	[ERR_OS] = "os",
	[ERR_GONE] = "gone",
};

const char *
err_name(enum err e)
{
	BUG_ON((size_t)e >= countof(err_names));
	return err_names[e];
}

_Noreturn void
bug(const char *file, int line, const char *what)
{
	(void)fprintf(stderr, "BUG %s:%d: %s\n", file, line, what);
	abort();
}

void
note_set(struct note *n, const char *fmt, ...)
{
	va_list ap;

	if (n == NULL)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(n->text, sizeof(n->text), fmt, ap);
	va_end(ap);
}
