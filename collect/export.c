/* Entries of a journal in the export format. */
#include "collect/export.h"

enum {
    LINES_MOST = 2048, /* of an entry: journald takes 1024 fields (journald-native.c) */
    LENGTH_BYTES = 8,
    NAME_BYTES_MOST = 64 /* journal_field_valid() in journal-file.c */
};

bool export_begins(struct str line)
{
    return line.len && line.at[0] == '_' && str_starts(line, STR("__CURSOR="));
}

static bool is_field_name(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        if ((c < 'A' || c > 'Z') && c != '_' && !is_digit(c))
            return false;
    }
    return name.len > 0 && name.len <= NAME_BYTES_MOST;
}

/* Takes a value that is given by its length. As lines_bytes(). */
static int take_bytes(struct lines *in, struct entry *entry, int field, struct why *why)
{
    unsigned char length[LENGTH_BYTES] = { 0 };
    uint64_t bytes = 0;
    char end = '\n';
    size_t room = 0;
    char *to = field == ENTRY_NONE ? NULL : entry_room(entry, field, &room);
    int got = lines_bytes(in, sizeof length, (char *)length, sizeof length, why);
    if (got != 1)
        return got;
    for (size_t i = LENGTH_BYTES; i > 0; i--)
        bytes = bytes << 8 | length[i - 1];
    got = lines_bytes(in, bytes, to, room, why);
    if (got == 1 && field != ENTRY_NONE)
        entry_put(entry, field, bytes);
    return got == 1 ? lines_bytes(in, 1, &end, 1, why) : got;
}

enum export_end export_read(struct lines *in, struct entry *entry, struct str *line, struct why *why)
{
    entry_begin(entry);
    for (unsigned i = 0; i < LINES_MOST; i++) {
        int got = lines_next(in, line, why);
        if (got != 1)
            return got < 0 ? EXPORT_FAILED : EXPORT_CUT_OFF;
        if (line->len == 0)
            return EXPORT_WHOLE;
        struct str value = *line, name;
        if (in->unended)
            return EXPORT_CUT_OFF;
        bool has_value = cut_until_char(&value, '=', &name);
        if (!is_field_name(has_value ? name : value) || (has_value && export_begins(*line)))
            return EXPORT_OTHER_LINE;
        int field = entry_field(has_value ? name : value);
        if (has_value && field != ENTRY_NONE) {
            entry_copy(entry, field, value);
            entry->cut |= field == ENTRY_MESSAGE && in->was_cut;
        } else if (!has_value) {
            got = take_bytes(in, entry, field, why);
            if (got != 1)
                return got < 0 ? EXPORT_FAILED : EXPORT_CUT_OFF;
        }
    }
    return EXPORT_WHOLE;
}
