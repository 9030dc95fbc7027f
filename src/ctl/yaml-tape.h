/* yaml-tape: YAML as a tape, with the line of each value. */
#ifndef YAML_TAPE_H
#define YAML_TAPE_H

#include "json/json.h"

/* Appends the tape of one document.  lines (may be NULL): a u32 for each value,
 * in the order of the tape.  ERR_SYNTAX with a sentence. */
NODISCARD enum err yaml_tape(
    struct str text, struct buf *tape, struct buf *lines, struct note *why);
/* The line of a value of that tape; 0: it is none of it. */
unsigned yaml_line(struct str tape, const struct buf *lines, struct jv at);

#endif
