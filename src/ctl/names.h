/* names: what is in a directory, in order of bytes, without what begins with
 * a dot. */
#ifndef NAMES_H
#define NAMES_H

#include "base/base.h"

struct names {
	char **v;
	size_t n;
};
/* ERR_OS when it is no directory, or may not be read; *out is untouched. */
NODISCARD enum err names_of(const char *dir, struct names *out);
void names_done(struct names *l);

#endif
