/* JSON, written as it goes. Names are ours; texts may be anybody's. */
#ifndef REPORT_JSON_H
#define REPORT_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "base/str.h"

struct json {
    FILE *to;
    unsigned depth, flat; /* flat: the depth from which all is on one line; 0: not yet */
    bool begun;           /* something stands in the innermost object or array */
};

/* Each of these has the name that it stands under in an object, or NULL in an array and at the top. */
void json_object(struct json *json, const char *name);
void json_array(struct json *json, const char *name);
/* From the object or array that is begun next on, all of it is on one line. */
void json_flat(struct json *json);
void json_end_object(struct json *json);
void json_end_array(struct json *json);
void json_text(struct json *json, const char *name, struct str text); /* at == NULL: null */
void json_count(struct json *json, const char *name, uint64_t count);
/* A number that is written already: "34.11"; an empty one is null. */
void json_number(struct json *json, const char *name, struct str digits);
void json_bool(struct json *json, const char *name, bool value);

#endif
