/* Phrases out of a file. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/yaml.h"
#include "collect/phrasebook.h"
#include "collect/zone.h"

/* One phrase as it is read. */
struct row {
    struct site_phrase phrase;
    const yaml_node_t *zone; /* where it stands */
    bool named;              /* its measure has been filled in */
};

struct file {
    struct phrasebook *book;
    size_t unfilled;
};

static int row_pattern(struct reader *reader, yaml_node_t *value, void *into)
{
    struct row *row = into;
    if (read_text(reader, value, &row->phrase.pattern))
        return -1;
    if (phrase_pattern_is_enough(row->phrase.pattern))
        return 0;
    return reader_fail(reader, value, "\"%.*s\" fits too much; write some of the reply's words",
                       STR_ARG(row->phrase.pattern));
}

static int row_measure(struct reader *reader, yaml_node_t *value, void *into)
{
    struct row *row = into;
    uint32_t word = 0;
    const char *words[NAMED_COUNT]; /* without NAMED_NONE, and a NULL at the end */
    for (size_t i = 0; i < NAMED_COUNT; i++)
        words[i] = i + 1 < NAMED_COUNT ? named_measure[i + 1] : NULL;
    if (node_is_null(value))
        return 0;
    if (read_word(reader, value, words, &word))
        return -1;
    row->phrase.measure = (uint8_t)(word + 1);
    row->named = true;
    return 0;
}

static int row_zone(struct reader *reader, yaml_node_t *value, void *into)
{
    struct row *row = into;
    if (node_is_null(value))
        return 0;
    row->zone = value;
    if (read_text(reader, value, &row->phrase.zone))
        return -1;
    return zone_is_name(row->phrase.zone) ? 0 : reader_not_a(reader, value, "a zone", "zen.example.org");
}

static int row_stage(struct reader *reader, yaml_node_t *value, void *into)
{
    struct row *row = into;
    uint32_t word = 0;
    const char *words[STAGES + 1] = { NULL };
    memcpy(words, stage_name, sizeof stage_name);
    if (node_is_null(value))
        return 0;
    if (read_word(reader, value, words, &word))
        return -1;
    row->phrase.stage = (uint8_t)word;
    return 0;
}

static int row_code(struct reader *reader, yaml_node_t *value, void *into)
{
    struct row *row = into;
    uint64_t code = 0;
    if (node_is_null(value))
        return 0;
    if (read_count(reader, value, 400, 599, &code))
        return -1;
    row->phrase.code = (int16_t)code;
    return 0;
}

static const struct key row_keys[] = {
    { "pattern", row_pattern }, { "measure", row_measure }, { "zone", row_zone },
    { "stage", row_stage },     { "code", row_code },       { NULL, NULL },
};

static int take_row(struct reader *reader, yaml_node_t *item, void *state)
{
    struct file *file = state;
    struct row row = { .phrase = { .stage = STAGES } };
    if (item->type != YAML_MAPPING_NODE)
        return reader_not_a(reader, item, "a phrase",
                            "- { pattern: \"you are blocked here\", measure: dnsbl }");
    if (reader_mapping(reader, item, row_keys, &row))
        return -1;
    if (!row.phrase.pattern.at)
        return reader_fail(reader, item,
                           "a phrase without a pattern; write pattern: \"what the reply says\"");
    if (row.zone && row.named && row.phrase.measure != NAMED_DNSBL)
        return reader_fail(reader, row.zone, "only dnsbl has a zone; take it out, or write measure: dnsbl");
    if (row.named)
        phrasebook_add(file->book, &row.phrase);
    else
        file->unfilled++;
    return 0;
}

static int take_root(struct reader *reader, yaml_node_t *root, void *state)
{
    size_t count = 0;
    if (!node_is_null(root) && root->type != YAML_SEQUENCE_NODE)
        return reader_not_a(reader, root, "a list of phrases",
                            "- { pattern: \"you are blocked here\", measure: dnsbl }");
    return reader_items(reader, root, &count, take_row, state);
}

int phrasebook_parse(struct phrasebook *book, const char *origin, struct str yaml, size_t *unfilled,
                     struct why *why)
{
    struct file file = { .book = book };
    struct arena arena = { 0 };
    int result = reader_document(origin, "file of phrases", yaml, &arena, take_root, &file, why);
    *unfilled = file.unfilled;
    arena_free(&arena);
    return result;
}

int phrasebook_read(struct phrasebook *book, const char *path, size_t *unfilled, struct why *why)
{
    bool from_stdin = strcmp(path, "-") == 0;
    const char *origin = from_stdin ? "(stdin)" : path;
    int in = from_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    char *text = NULL;
    size_t len = 0;
    if (in < 0)
        return why_set(why, EX_NOINPUT, "%s: %s", path, strerror(errno));
    int result = reader_bytes(in, origin, &text, &len, why);
    if (!from_stdin)
        close(in);
    if (result == 0)
        result = phrasebook_parse(book, origin, (struct str){ text, len }, unfilled, why);
    free(text);
    return result;
}

/* What YAML does not take as it is, or takes for the end of a line (YAML 1.1, 5.1 and 5.4). */
static const struct {
    struct str bytes;
    const char *escaped;
} escapes[] = {
    { STR_INIT("\""), "\\\"" },
    { STR_INIT("\\"), "\\\\" },
    { STR_INIT("\xe2\x80\xa8"), "\\u2028" },
    { STR_INIT("\xe2\x80\xa9"), "\\u2029" },
    { STR_INIT("\xef\xbb\xbf"), "\\uFEFF" },
    { STR_INIT("\xef\xbf\xbe"), "\\uFFFE" },
    { STR_INIT("\xef\xbf\xbf"), "\\uFFFF" },
};

static void write_quoted(struct str text, FILE *to)
{
    fputc('"', to);
    while (text.len) {
        size_t i = 0;
        while (i < sizeof escapes / sizeof *escapes && !cut_prefix(&text, escapes[i].bytes))
            i++;
        if (i < sizeof escapes / sizeof *escapes) {
            fputs(escapes[i].escaped, to);
        } else if (text.len > 1 && (unsigned char)text.at[0] == 0xc2 && (unsigned char)text.at[1] < 0xa0) {
            fprintf(to, "\\x%02X", (unsigned char)text.at[1]);
            text = str_skip(text, 2);
        } else {
            fputc(text.at[0], to);
            text = str_skip(text, 1);
        }
    }
    fputc('"', to);
}

void phrase_write(const struct site_phrase *phrase, FILE *to)
{
    fputs("- pattern: ", to);
    write_quoted(phrase->pattern, to);
    fputc('\n', to);
    if (phrase->stage != STAGES)
        fprintf(to, "  stage: %s\n", stage_name[phrase->stage]);
    if (phrase->code)
        fprintf(to, "  code: %d\n", phrase->code);
    fprintf(to, phrase->measure ? "  measure: %s\n" : "  measure:\n", named_measure[phrase->measure]);
    if (phrase->zone.len)
        fprintf(to, "  zone: %.*s\n", STR_ARG(phrase->zone));
}
