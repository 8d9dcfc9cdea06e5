/* Entries of a journal in the export format (systemd.io/JOURNAL_EXPORT_FORMATS): FIELD=value a line, or FIELD
 * alone, then the value's length as eight bytes, little end first, the value and a newline; an empty line
 * ends the entry. journalctl begins each with its cursor. */
#ifndef COLLECT_EXPORT_H
#define COLLECT_EXPORT_H

#include "collect/entry.h"
#include "collect/lines.h"

enum export_end {
    EXPORT_WHOLE,
    EXPORT_OTHER_LINE, /* a line that is not the entry's came instead of its end */
    EXPORT_CUT_OFF,    /* the input ends in it */
    EXPORT_FAILED
};

/* Whether an entry begins with this line. */
bool export_begins(struct str line);
/* Reads what follows an entry's first line, which has been read. *line is the one that came instead of an
 * end, or nothing of it; it lasts until the next line is read. */
enum export_end export_read(struct lines *in, struct entry *entry, struct str *line, struct why *why);

#endif
