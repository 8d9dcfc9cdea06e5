/* One entry of a systemd journal. */
#include "collect/entry.h"

#include "collect/object.h"
#include "collect/syslog.h"

/* Rows in the order of their enum. */
static const struct str names[ENTRY_FIELDS] = {
    [ENTRY_MESSAGE] = STR_INIT("MESSAGE"),
    [ENTRY_SOURCE_TIME] = STR_INIT("_SOURCE_REALTIME_TIMESTAMP"),
    [ENTRY_TIME] = STR_INIT("__REALTIME_TIMESTAMP"),
    [ENTRY_HOST] = STR_INIT("_HOSTNAME"),
    [ENTRY_IDENTIFIER] = STR_INIT("SYSLOG_IDENTIFIER"),
    [ENTRY_COMMAND] = STR_INIT("_COMM"),
    [ENTRY_SYSLOG_PID] = STR_INIT("SYSLOG_PID"),
    [ENTRY_PID] = STR_INIT("_PID"),
    [ENTRY_TRANSPORT] = STR_INIT("_TRANSPORT"),
    [ENTRY_CONTAINER] = STR_INIT("CONTAINER_NAME"),
};

void entry_begin(struct entry *entry)
{
    memset(entry->value, 0, sizeof entry->value);
    entry->cut = false;
}

int entry_field(struct str name)
{
    for (int i = 0; i < ENTRY_FIELDS; i++)
        if (name.len == names[i].len && memcmp(name.at, names[i].at, name.len) == 0)
            return i;
    return ENTRY_NONE;
}

char *entry_room(struct entry *entry, int field, size_t *room)
{
    *room = entry->value[field].at ? 0 : field == ENTRY_MESSAGE ? LINE_MAX_BYTES : ENTRY_VALUE_BYTES;
    return field == ENTRY_MESSAGE ? entry->message : entry->small[field];
}

void entry_put(struct entry *entry, int field, size_t bytes)
{
    size_t room = 0;
    const char *at = entry_room(entry, field, &room);
    if (room == 0)
        return;
    entry->cut |= field == ENTRY_MESSAGE && bytes > room;
    entry->value[field] = (struct str){ at, bytes < room ? bytes : room };
}

void entry_copy(struct entry *entry, int field, struct str value)
{
    size_t room = 0;
    char *to = entry_room(entry, field, &room);
    if (value.len && room)
        memcpy(to, value.at, value.len < room ? value.len : room);
    entry_put(entry, field, value.len);
}

/* The end of year 9999, behind which no stamp of a line can lie. */
#define TIME_MOST 253402300799999999u

static usec time_in(struct str text)
{
    uint64_t at = 0;
    return str_number(text, &at) && at <= TIME_MOST ? (usec)at : USEC_NONE;
}

static usec time_of(const struct entry *entry)
{
    usec at = time_in(entry->value[ENTRY_SOURCE_TIME]);
    return at != USEC_NONE ? at : time_in(entry->value[ENTRY_TIME]);
}

/* All names of fields are in capitals. */
static bool is_fields(struct str key)
{
    return key.len && ((key.at[0] >= 'A' && key.at[0] <= 'Z') || key.at[0] == '_');
}

bool entry_from_json(struct entry *entry, struct str object)
{
    struct str key;
    struct object_value value;
    int got = 0;
    entry_begin(entry);
    if (!object_begin(&object))
        return false;
    while ((got = object_next(&object, &key, &value)) == 1 && is_fields(key)) {
        int field = entry_field(key);
        if (field == ENTRY_NONE)
            continue;
        size_t room = 0;
        char *to = entry_room(entry, field, &room);
        long len = object_text(&value, to, room);
        if (len >= 0)
            entry_put(entry, field, (size_t)len);
        else if (field == ENTRY_MESSAGE)
            entry->cut = true; /* null: it was over 4096 bytes, and journalctl was not called with --all */
    }
    return got == 0 && entry->value[ENTRY_TIME].at;
}

usec entry_json_time(struct str object)
{
    struct str key;
    struct object_value value;
    if (object_begin(&object))
        while (object_next(&object, &key, &value) == 1 && is_fields(key))
            if (str_eq(key, names[ENTRY_TIME]) && value.kind == VALUE_STRING)
                return time_in(value.raw);
    return USEC_NONE;
}

usec entry_line_time(struct str line)
{
    return cut_prefix(&line, names[ENTRY_TIME]) && cut_char(&line, '=') ? time_in(line) : USEC_NONE;
}

static uint32_t pid_of(const struct entry *entry)
{
    uint64_t pid = 0;
    if (!str_number(entry->value[ENTRY_SYSLOG_PID], &pid) && !str_number(entry->value[ENTRY_PID], &pid))
        return 0;
    return pid <= UINT32_MAX ? (uint32_t)pid : 0;
}

/* A program that writes to its standard output may put time, host and tag there itself. */
static bool has_own_stamp(const struct entry *entry)
{
    struct str text = entry->value[ENTRY_MESSAGE];
    struct stamp stamp;
    return str_eq(entry->value[ENTRY_TRANSPORT], STR("stdout")) && cut_stamp(&text, &stamp);
}

void entry_record(const struct entry *entry, struct record *record)
{
    const struct str *value = entry->value;
    struct str text = value[ENTRY_MESSAGE], program = value[ENTRY_IDENTIFIER];
    while (text.len && (text.at[text.len - 1] == '\n' || text.at[text.len - 1] == '\r'))
        text.len--;
    record->text = text.at ? text : STR("");
    record->cut = entry->cut;
    record->at = time_of(entry);
    record->host = value[ENTRY_CONTAINER].len ? value[ENTRY_CONTAINER] : value[ENTRY_HOST];
    if (value[ENTRY_CONTAINER].len || has_own_stamp(entry))
        return;
    if (!program.len)
        program = value[ENTRY_COMMAND];
    record->program = program.at ? program : STR("");
    record->pid = pid_of(entry);
}
