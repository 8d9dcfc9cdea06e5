/* From bytes to a YAML document. */
#define _POSIX_C_SOURCE 200809L
#include "base/yaml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum {
    NEST_MOST = 20,     /* levels of YAML: a policy has seven */
    ANCHORS_MOST = 1000 /* libyaml looks each alias up from the first anchor on */
};

/* What libyaml complained about, in our form. */
static int syntax_error(const char *origin, struct str yaml, const yaml_parser_t *parser, struct why *why)
{
    size_t line = parser->problem_mark.line + 1, column = parser->problem_mark.column + 1;
    const char *problem = parser->problem ? parser->problem : "it cannot be read", *cure = "";
    if (parser->error == YAML_READER_ERROR) {
        size_t at = parser->problem_offset < yaml.len ? parser->problem_offset : yaml.len;
        line = column = 1;
        for (size_t i = 0; i < at; i++, column++)
            if (yaml.at[i] == '\n') {
                line++;
                column = 0;
            }
        return why_set(why, EX_DATAERR, "%s:%zu:%zu: not UTF-8 text (%s); save the file as UTF-8", origin,
                       line, column, problem);
    }
    if (parser->problem_mark.index < yaml.len && yaml.at[parser->problem_mark.index] == '\t')
        cure = "; indent with blanks, not tabs";
    if (parser->context)
        return why_set(why, EX_DATAERR, "%s:%zu:%zu: not YAML: %s %s that begins at %zu:%zu%s", origin, line,
                       column, problem, parser->context, parser->context_mark.line + 1,
                       parser->context_mark.column + 1,
                       *cure ? cure : "; look at the indentation, the brackets and the quotes");
    return why_set(why, EX_DATAERR, "%s:%zu:%zu: not YAML: %s%s", origin, line, column, problem,
                   *cure ? cure : "; look at the indentation, the brackets and the quotes");
}

static int shape_error(const char *origin, const yaml_event_t *event, const char *text, struct why *why)
{
    return why_set(why, EX_DATAERR, "%s:%zu:%zu: %s", origin, event->start_mark.line + 1,
                   event->start_mark.column + 1, text);
}

/* Looks through the text once before a document is made of it: its depth, its anchors, its end. */
static int check_shape(const char *origin, struct str yaml, struct why *why)
{
    yaml_parser_t parser;
    size_t depth = 0, anchors = 0, documents = 0;
    int result = 0;
    if (!yaml_parser_initialize(&parser))
        return why_set(why, EX_OSERR, "%s: out of memory", origin);
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)yaml.at, yaml.len);
    for (bool more = true; more && result == 0;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            result = syntax_error(origin, yaml, &parser, why);
            break;
        }
        const yaml_char_t *anchor = NULL;
        switch (event.type) {
        case YAML_DOCUMENT_START_EVENT:
            if (++documents > 1)
                result = shape_error(origin, &event, "a second document; a file holds one", why);
            break;
        case YAML_SCALAR_EVENT:
            anchor = event.data.scalar.anchor;
            break;
        case YAML_SEQUENCE_START_EVENT:
            anchor = event.data.sequence_start.anchor;
            depth++;
            break;
        case YAML_MAPPING_START_EVENT:
            anchor = event.data.mapping_start.anchor;
            depth++;
            break;
        case YAML_SEQUENCE_END_EVENT:
        case YAML_MAPPING_END_EVENT:
            depth--;
            break;
        case YAML_STREAM_END_EVENT:
            more = false;
            break;
        default:
            break;
        }
        if (depth > NEST_MOST)
            result = shape_error(origin, &event, "nested too deep; close the brackets before", why);
        if (anchor && ++anchors > ANCHORS_MOST)
            result =
                shape_error(origin, &event, "too many anchors (&name); write the values themselves", why);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return result;
}

int reader_document(const char *origin, const char *what, struct str yaml, struct arena *arena,
                    int (*take)(struct reader *reader, yaml_node_t *root, void *state), void *state,
                    struct why *why)
{
    yaml_parser_t parser;
    yaml_document_t document;
    if (yaml.len > READER_BYTES_MOST)
        return why_set(why, EX_DATAERR, "%s: more than 1 MB; that is not a %s", origin, what);
    if (check_shape(origin, yaml, why))
        return -1;
    if (!yaml_parser_initialize(&parser))
        return why_set(why, EX_OSERR, "%s: out of memory", origin);
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)yaml.at, yaml.len);
    int result = -1;
    if (!yaml_parser_load(&parser, &document)) {
        syntax_error(origin, yaml, &parser, why);
    } else {
        struct reader reader = { .origin = origin, .document = &document, .arena = arena, .why = why };
        result = take(&reader, yaml_document_get_root_node(&document), state);
        yaml_document_delete(&document);
    }
    yaml_parser_delete(&parser);
    return result;
}

int reader_bytes(int in, const char *path, char **text, size_t *len, struct why *why)
{
    char *bytes = mem_alloc(READER_BYTES_MOST + 1);
    size_t have = 0;
    while (have <= READER_BYTES_MOST) {
        ssize_t got = read(in, bytes + have, READER_BYTES_MOST + 1 - have);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            free(bytes);
            return why_set(why, EX_IOERR, "%s: %s", path, strerror(errno));
        }
        if (got == 0)
            break;
        have += (size_t)got;
    }
    *text = bytes;
    *len = have;
    return 0;
}
