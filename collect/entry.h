/* One entry of a systemd journal, whatever way it comes: the fields that matter, as
 * systemd.journal-fields(7) has them. */
#ifndef COLLECT_ENTRY_H
#define COLLECT_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include "base/str.h"
#include "collect/lines.h"
#include "collect/record.h"

enum entry_field {
    ENTRY_MESSAGE,
    ENTRY_SOURCE_TIME, /* when the program said it; microseconds, as the next */
    ENTRY_TIME,        /* when the journal got it */
    ENTRY_HOST,
    ENTRY_IDENTIFIER,
    ENTRY_COMMAND,
    ENTRY_SYSLOG_PID,
    ENTRY_PID,
    ENTRY_TRANSPORT,
    ENTRY_CONTAINER,
    ENTRY_FIELDS,
    ENTRY_NONE = -1
};

enum { ENTRY_VALUE_BYTES = 256 /* of all but the message, which has LINE_MAX_BYTES */ };

struct entry {
    struct str value[ENTRY_FIELDS]; /* at == NULL: it has none; views on what follows */
    bool cut;                       /* the message was longer, or has been left out */
    char small[ENTRY_FIELDS][ENTRY_VALUE_BYTES];
    char message[LINE_MAX_BYTES];
};

void entry_begin(struct entry *entry);
/* The field of that name, or ENTRY_NONE. */
int entry_field(struct str name);
/* Where its value goes, and how much has room there. */
char *entry_room(struct entry *entry, int field, size_t *room);
/* `bytes` of the value have been put there, be it more than had room. Of a field that comes twice the first
 * counts. */
void entry_put(struct entry *entry, int field, size_t bytes);
void entry_copy(struct entry *entry, int field, struct str value);
/* Fills the entry from an object of journalctl -o json; false where it is none. */
bool entry_from_json(struct entry *entry, struct str object);
/* When such an object, or a line of the export format, says that the journal got the entry; USEC_NONE where
 * it does not. */
usec entry_json_time(struct str object);
usec entry_line_time(struct str line);
/* Fills in what the entry says; text, host and program are views on it. */
void entry_record(const struct entry *entry, struct record *record);

#endif
