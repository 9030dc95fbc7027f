/* banned: C library calls that must not compile here, and why not: each can
 * overrun, truncate in silence, share hidden state or run a shell. */
#ifndef BANNED_H
#define BANNED_H

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifndef BANNED_OK
#undef sprintf /* a macro with clang */
#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf gets strtok
#pragma GCC poison atoi atol atof gmtime localtime ctime asctime system popen
#pragma GCC poison tmpnam mktemp setenv putenv
#endif

#endif
