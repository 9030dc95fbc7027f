/*
 * ext: what the files of this room share about extension values.
 */
#ifndef CEDAR_EXT_H
#define CEDAR_EXT_H

#include "cedar/cedar.h"

bool ext_digits(struct str s); /* one or more, nothing else */
/* Digits as a number at or below zero; false: no digits, or too many. */
bool ext_minus(struct str s, int64_t *out);
/* From such a number the one that is meant; false: it does not fit. */
bool ext_sign(bool minus, int64_t below, int64_t *out);

bool ext_ip_within(struct cedar_value in, struct cedar_value net);
bool ext_ip_loopback(struct cedar_value v);
bool ext_ip_multicast(struct cedar_value v);

enum { EXT_DAY = 24 * 60 * 60 * 1000 }; /* milliseconds */
/* Midnight before ms; false: there is none in range. */
bool ext_midnight(int64_t ms, int64_t *out);
int64_t ext_since_midnight(int64_t ms);

#endif
