/* The members of a JSON object that fills one line (RFC 8259), as containers and journalctl write them: a
 * cursor over the line, that builds nothing. Only what lies between the members it is asked for is checked,
 * and not more than is needed to find its end. */
#ifndef COLLECT_OBJECT_H
#define COLLECT_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include "base/str.h"

enum { OBJECT_DEPTH_MOST = 32 };

enum value_kind { VALUE_STRING, VALUE_ARRAY, VALUE_OBJECT, VALUE_OTHER /* a number, true, false, null */ };

struct object_value {
    enum value_kind kind;
    struct str raw;  /* of a string: what stands between the quotes */
    bool is_escaped; /* a string with backslashes in it */
};

/* Takes the { that an object begins with. */
bool object_begin(struct str *rest);
/* Takes the next member. Returns 1; 0 when the object has ended, then *rest is what follows it; -1 where what
 * is there is no JSON, or ends too soon. The key is as it stands, escapes and all. */
int object_next(struct str *rest, struct str *key, struct object_value *value);
/* Writes what a string says, or the first string of an array, or the bytes that an array of numbers lists, to
 * `to`, at most `room` bytes of it.
 * Returns how long it is, be that more than `room`; -1 where it is neither. */
long object_text(const struct object_value *value, char *to, size_t room);

#endif
