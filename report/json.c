/* JSON, written as it goes. */
#include "report/json.h"

#include <inttypes.h>
#include "report/escape.h"

static void new_line(const struct json *json)
{
    if (json->flat && json->depth >= json->flat) {
        putc(' ', json->to);
        return;
    }
    putc('\n', json->to);
    for (unsigned i = 0; i < json->depth; i++)
        fputs("  ", json->to);
}

static void put_name(struct json *json, const char *name)
{
    if (json->begun)
        putc(',', json->to);
    if (json->depth)
        new_line(json);
    if (name) {
        escape_json(json->to, str_of(name));
        fputs(": ", json->to);
    }
    json->begun = true;
}

static void begin(struct json *json, const char *name, char bracket)
{
    put_name(json, name);
    putc(bracket, json->to);
    json->depth++;
    json->begun = false;
}

static void end(struct json *json, char bracket)
{
    bool flat = json->flat && json->depth >= json->flat;
    json->depth--;
    if (json->begun && flat)
        putc(' ', json->to);
    else if (json->begun)
        new_line(json);
    if (json->flat > json->depth)
        json->flat = 0;
    putc(bracket, json->to);
    json->begun = true;
    if (json->depth == 0)
        putc('\n', json->to);
}

void json_object(struct json *json, const char *name)
{
    begin(json, name, '{');
}

void json_array(struct json *json, const char *name)
{
    begin(json, name, '[');
}

void json_flat(struct json *json)
{
    if (!json->flat)
        json->flat = json->depth + 1;
}

void json_end_object(struct json *json)
{
    end(json, '}');
}

void json_end_array(struct json *json)
{
    end(json, ']');
}

void json_text(struct json *json, const char *name, struct str text)
{
    put_name(json, name);
    if (text.at)
        escape_json(json->to, text);
    else
        fputs("null", json->to);
}

void json_count(struct json *json, const char *name, uint64_t count)
{
    put_name(json, name);
    fprintf(json->to, "%" PRIu64, count);
}

void json_number(struct json *json, const char *name, struct str digits)
{
    put_name(json, name);
    if (digits.len)
        fprintf(json->to, "%.*s", STR_ARG(digits));
    else
        fputs("null", json->to);
}

void json_bool(struct json *json, const char *name, bool value)
{
    put_name(json, name);
    fputs(value ? "true" : "false", json->to);
}
