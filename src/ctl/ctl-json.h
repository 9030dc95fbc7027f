/* ctl-json: "gatehouse json check DIR": the strictness suite over a directory
 * of test files, for people and for the build. */
#ifndef CTL_JSON_H
#define CTL_JSON_H

#include <stdbool.h>

/*
 * Runs every y_, n_ and i_ file under dir (must be read, must be refused,
 * either), and canonical form wherever a directory holds input/ and output/
 * (and outhex/).  Prints what is worth knowing and, last, "N passed, N failed";
 * as one JSON object when json is true.  0: nothing failed; 1: something did;
 * 3: dir cannot be read or holds no test.
 */
int ctl_json_check(const char *dir, bool json);

#endif
