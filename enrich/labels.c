/* Labels: what somebody says of mail, wanted or not. */
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "enrich/enrich.h"
#include "enrich/text_file.h"

enum { LABEL_BYTES_MOST = 1024, FIELDS_MOST = 32 };

/* The columns of a CSV file that are looked at, by the names in its first line. */
static const struct {
    const char *name;
    enum about about;
} key_columns[] = {
    { "session", ABOUT_SESSION },       { "id", ABOUT_SESSION },
    { "message-id", ABOUT_MESSAGE_ID }, { "sender", ABOUT_SENDER },
    { "message_id", ABOUT_MESSAGE_ID }, { "client", ABOUT_CLIENT },
    { "address", ABOUT_CLIENT },        { "client_ip", ABOUT_CLIENT },
};
enum { KEY_COLUMNS = sizeof key_columns / sizeof *key_columns };

static const struct {
    const char *word;
    enum tri wanted;
} label_words[] = {
    { "wanted", YES },
    { "unwanted", NO },
    { "ham", YES },
    { "spam", NO },
};

struct label {
    enum about about;
    struct ip client;
    struct str name, by;
    enum tri wanted;
};

struct form {
    char separator;     /* of CSV, or 0: blanks */
    int key, label, by; /* the columns; -1: none */
    enum about about;   /* of the key's column */
};

struct labelling {
    struct store *store;
    const char *path;
    const struct period *period;
    struct providing *providing[ABOUTS];
    struct enriched *enriched;
    usec at;
};

/* The mark that keeps a spreadsheet from running a field (report/escape.h: escape_csv) is no part of it. */
static struct str unmarked(struct str field)
{
    size_t marks = 0;
    while (marks < field.len && field.at[marks] == '\'')
        marks++;
    static const struct str formulas[] = { /* in full width, too */
                                           STR_INIT("="),
                                           STR_INIT("+"),
                                           STR_INIT("-"),
                                           STR_INIT("@"),
                                           STR_INIT("\t"),
                                           STR_INIT("\r"),
                                           STR_INIT("\xef\xbc\x9d"),
                                           STR_INIT("\xef\xbc\x8b"),
                                           STR_INIT("\xef\xbc\x8d"),
                                           STR_INIT("\xef\xbc\xa0")
    };
    for (size_t i = 0; marks && i < sizeof formulas / sizeof *formulas; i++)
        if (str_starts(str_skip(field, marks), formulas[i]))
            return str_skip(field, 1);
    return field;
}

/* Cuts a line into fields: by separators and quotes, or by blanks. What is quoted is unquoted in place. */
static size_t fields_of(struct str line, char separator, char text[LABEL_BYTES_MOST],
                        struct str field[FIELDS_MOST])
{
    size_t count = 0, to = 0;
    const char *at = line.at, *end = line.at + line.len;
    while (count < FIELDS_MOST && (at < end || (separator && count == 0))) {
        size_t begin = to;
        bool quoted = separator && at < end && *at == '"';
        for (at += quoted; at < end; at++) {
            if (quoted && *at == '"') {
                if (at + 1 == end || at[1] != '"') {
                    at++;
                    break;
                }
                at++;
            } else if (!quoted && (separator ? *at == separator : *at == ' ' || *at == '\t')) {
                break;
            }
            if (to < LABEL_BYTES_MOST)
                text[to++] = *at;
        }
        field[count] = (struct str){ text + begin, to - begin };
        field[count] = separator ? unmarked(field[count]) : field[count];
        count++;
        while (at < end && (separator ? *at != separator : *at == ' ' || *at == '\t'))
            at++;
        if (separator && at < end && ++at == end && count < FIELDS_MOST)
            field[count++] = (struct str){ text + to, 0 };
    }
    return count;
}

/* Whether the first line names columns. */
static bool is_header(struct form *form, char separator, struct str *field, size_t count)
{
    *form = (struct form){ .separator = separator, .key = -1, .label = -1, .by = -1 };
    for (size_t i = 0; i < count; i++) {
        if (str_eq_nocase(field[i], STR("label")))
            form->label = (int)i;
        if (str_eq_nocase(field[i], STR("by")))
            form->by = (int)i;
    }
    for (size_t k = 0; k < KEY_COLUMNS && form->key < 0; k++)
        for (size_t i = 0; i < count && form->key < 0; i++)
            if (str_eq_nocase(field[i], str_of(key_columns[k].name))) {
                form->key = (int)i;
                form->about = key_columns[k].about;
            }
    return form->key >= 0 && form->label >= 0;
}

/* What a key is of, by its shape: 1234, <x@y>, a@b, 192.0.2.1. */
static bool about_of(struct str key, struct label *label)
{
    uint64_t number;
    label->name = key;
    if (key.len > 2 && key.at[0] == '<' && key.at[key.len - 1] == '>') {
        label->about = ABOUT_MESSAGE_ID;
        return true;
    }
    if (str_number(key, &number)) {
        label->about = ABOUT_SESSION;
        return true;
    }
    if (ip_parse(key, &label->client)) {
        label->about = ABOUT_CLIENT;
        label->name = (struct str){ NULL, 0 };
        return true;
    }
    label->about = ABOUT_SENDER;
    return key.len && memchr(key.at, '@', key.len) != NULL;
}

static bool label_of(const struct form *form, struct str *field, size_t count, struct label *label)
{
    size_t at_key = form->key < 0 ? 0 : (size_t)form->key,
           at_label = form->label < 0 ? 1 : (size_t)form->label;
    size_t at_by = form->by >= 0 ? (size_t)form->by : form->separator ? FIELDS_MOST : 2;
    *label = (struct label){ .wanted = UNKNOWN };
    if (at_key >= count || at_label >= count || !about_of(field[at_key], label))
        return false;
    if (form->key >= 0 && form->about != label->about && form->about == ABOUT_MESSAGE_ID)
        label->about = ABOUT_MESSAGE_ID;
    for (size_t i = 0; i < sizeof label_words / sizeof *label_words; i++)
        if (str_eq_nocase(field[at_label], str_of(label_words[i].word)))
            label->wanted = label_words[i].wanted;
    label->by = at_by < count ? field[at_by] : (struct str){ NULL, 0 };
    return label->wanted != UNKNOWN && (form->key < 0 || form->about == label->about);
}

/* As the database has keys: in lower case; message ids without their brackets, as logs name them both ways.
 */
static struct str stored_key(const struct label *label, char key[LABEL_BYTES_MOST])
{
    struct str name = label->name;
    if (label->about == ABOUT_MESSAGE_ID && name.len > 2 && name.at[0] == '<')
        name = (struct str){ name.at + 1, name.len - 2 };
    for (size_t i = 0; i < name.len; i++)
        key[i] = ascii_lower(name.at[i]);
    return name.at ? (struct str){ key, name.len } : name;
}

static int add(struct labelling *labelling, const struct label *label, struct why *why)
{
    char key[LABEL_BYTES_MOST];
    struct provider provider = { .kind = KIND_LABEL,
                                 .origin = ORIGIN_LIST,
                                 .about = (uint8_t)label->about,
                                 .subject = STR("label"),
                                 .place = str_of(labelling->path),
                                 .from = labelling->period->from,
                                 .to = labelling->period->to,
                                 .taken = USEC_NONE };
    struct providing **providing = &labelling->providing[label->about];
    if (!*providing)
        *providing = store_provide(labelling->store, &provider, why);
    struct provided provided = { .client = label->client,
                                 .name = stored_key(label, key),
                                 .at = labelling->at,
                                 .state = (uint8_t)label->wanted,
                                 .detail = label->by };
    *(label->wanted == YES ? &labelling->enriched->yes : &labelling->enriched->no) += 1;
    return *providing ? providing_add(*providing, &provided, 0, why) : -1;
}

/* What a table program writes between fields: commas, or where those are in numbers semicolons. Takes the
 * mark of UTF-8 off the file's first line. */
static char separator_of(struct str *line)
{
    cut_prefix(line, STR("\xef\xbb\xbf"));
    return line->len && !memchr(line->at, ',', line->len) && memchr(line->at, ';', line->len) ? ';' : ',';
}

/* A row of a review that nobody has filled in, or an empty one. */
static bool is_unlabelled(const struct form *form, const struct str *field, size_t count)
{
    return form->label >= 0 && ((size_t)form->label >= count || str_trim(field[form->label]).len == 0);
}

int enrich_labels(struct store *store, const char *path, const struct period *period,
                  struct enriched *enriched, struct why *why)
{
    struct text_file file;
    struct str line, field[FIELDS_MOST];
    struct form form = { .key = -1, .label = -1, .by = -1 };
    struct labelling labelling = { .store = store, .path = path, .period = period, .enriched = enriched };
    char text[LABEL_BYTES_MOST];
    int result;
    *enriched = (struct enriched){ .taken = USEC_NONE };
    if (text_file_open(&file, path, why) < 0)
        return -1;
    enriched->taken = labelling.at = file.changed;
    for (bool first = true; (result = text_file_next(&file, &line, why)) > 0; first = false) {
        struct label label;
        char separator = first ? separator_of(&line) : form.separator;
        size_t count = fields_of(line, separator, text, field);
        if (first && is_header(&form, separator, field, count)) {
            file.whole = true;
            continue;
        }
        if (first) {
            form =
                (struct form){ .key = -1, .label = -1, .by = -1, .separator = count > 1 ? separator : '\0' };
            count = fields_of(line, form.separator, text, field);
        }
        if (is_unlabelled(&form, field, count)) {
            enriched->skipped++;
            continue;
        }
        enriched->entries++;
        if (!label_of(&form, field, count, &label)) {
            result = why_set(
                why, EX_DATAERR,
                "%s:%llu: \"%.*s\" is no label; write KEY wanted or KEY unwanted, where KEY is a session's "
                "number, a <message-id>, a sender or a client's address",
                path, (unsigned long long)file.line, STR_ARG(line));
            break;
        }
        result = add(&labelling, &label, why);
        if (result < 0)
            break;
    }
    text_file_close(&file);
    for (size_t i = 0; i < ABOUTS; i++)
        if (labelling.providing[i] &&
            providing_end(labelling.providing[i], result == 0, result == 0 ? why : NULL) < 0)
            result = -1;
    return result;
}
