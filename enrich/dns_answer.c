/* Answers of name servers, taken apart: RFC 1035 4. */
#define _GNU_SOURCE /* fd_set, which <ares.h> wants */
#include <ares.h>
#include <string.h>

#include "base/memory.h"
#include "enrich/resolver.h"

enum { HEADER_BYTES = 12, RECORD_BYTES = 10, TYPE_SOA = 6, RCODE_NO_NAME = 3, A_BYTES = 4, AAAA_BYTES = 16 };

struct message {
    const unsigned char *begin, *at, *end;
};

static uint16_t two(const unsigned char *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t four(const unsigned char *at)
{
    return (uint32_t)two(at) << 16 | two(at + 2);
}

/* A name at `at`; its length there, or 0 where it is none. */
static size_t name_at(const struct message *message, const unsigned char *at, struct arena *arena,
                      struct str *name)
{
    char *text = NULL;
    long taken = 0;
    if (at >= message->end || ares_expand_name(at, message->begin, (int)(message->end - message->begin),
                                               &text, &taken) != ARES_SUCCESS)
        return 0;
    if (name)
        *name = arena_str(arena, str_of(text));
    ares_free_string(text);
    return taken > 0 ? (size_t)taken : 0;
}

static bool skip_name(struct message *message)
{
    size_t taken = name_at(message, message->at, NULL, NULL);
    message->at += taken;
    return taken != 0;
}

/* Strings of a length and so many bytes each (RFC 1035 3.3.14). */
static struct str strings(const unsigned char *at, size_t bytes, struct arena *arena)
{
    char *text = arena_alloc(arena, bytes + 1), *to = text;
    for (const unsigned char *end = at + bytes; at < end; at += 1 + *at) {
        size_t len = *at < (size_t)(end - at) ? *at : (size_t)(end - at) - 1;
        memcpy(to, at + 1, len);
        to += len;
    }
    return str_range(text, to);
}

static bool take_data(const struct message *message, const unsigned char *data, size_t bytes,
                      enum dns_type type, struct arena *arena, struct dns_record *record)
{
    *record = (struct dns_record){ 0 };
    switch (type) {
    case DNS_A:
        record->ip = bytes == A_BYTES ? ip_from_v4(four(data)) : record->ip;
        return bytes == A_BYTES;
    case DNS_AAAA:
        if (bytes == AAAA_BYTES)
            memcpy(record->ip.octet, data, AAAA_BYTES);
        return bytes == AAAA_BYTES;
    case DNS_PTR:
        return name_at(message, data, arena, &record->text) != 0;
    case DNS_MX:
        record->preference = bytes > 2 ? two(data) : 0;
        return bytes > 2 && name_at(message, data + 2, arena, &record->text) != 0;
    case DNS_TXT:
        record->text = strings(data, bytes, arena);
        return bytes != 0;
    }
    return false;
}

/* The records of a section: those of `type` into the answer, and of all the shortest time that they last. */
static bool read_section(struct message *message, unsigned count, enum dns_type type, bool answers,
                         struct arena *arena, struct dns_answer *answer)
{
    for (unsigned i = 0; i < count; i++) {
        if (!skip_name(message) || message->end - message->at < RECORD_BYTES)
            return false;
        uint16_t is = two(message->at);
        uint32_t ttl = four(message->at + 4);
        size_t bytes = two(message->at + 8);
        const unsigned char *data = message->at + RECORD_BYTES;
        if ((size_t)(message->end - data) < bytes)
            return false;
        message->at = data + bytes;
        if (ttl > INT32_MAX)
            ttl = 0; /* RFC 2181 8 */
        if (!answers && is == TYPE_SOA && bytes >= 4 && four(data + bytes - 4) < ttl)
            ttl = four(data + bytes - 4); /* RFC 2308 5: the least of MINIMUM and the SOA's own */
        if ((answers || is == TYPE_SOA) && ttl < answer->ttl)
            answer->ttl = ttl;
        struct dns_record record;
        if (answers && is == type && answer->count < DNS_RECORDS_MOST &&
            take_data(message, data, bytes, type, arena, &record))
            answer->record[answer->count++] = record;
    }
    return true;
}

struct dns_answer dns_answer_parse(const unsigned char *bytes, size_t count, enum dns_type type,
                                   struct arena *arena)
{
    struct dns_answer answer = { .outcome = DNS_NOT_KNOWN, .ttl = UINT32_MAX };
    struct message message = { bytes, bytes + HEADER_BYTES, bytes + count };
    if (count < HEADER_BYTES || count > UINT16_MAX)
        return answer;
    unsigned code = bytes[3] & 15, questions = two(bytes + 4), answers = two(bytes + 6),
             authorities = two(bytes + 8);
    if (code != 0 && code != RCODE_NO_NAME)
        return answer;
    answer.record = arena_alloc(arena, DNS_RECORDS_MOST * sizeof *answer.record);
    while (questions-- > 0) {
        if (!skip_name(&message) || message.end - message.at < 4)
            return answer;
        message.at += 4;
    }
    if (!read_section(&message, answers, type, true, arena, &answer))
        return answer;
    answer.outcome = answer.count ? DNS_FOUND : code ? DNS_NO_NAME : DNS_NO_DATA;
    if (!answer.count)
        read_section(&message, authorities, type, false, arena, &answer);
    if (answer.ttl == UINT32_MAX)
        answer.ttl = 0;
    return answer;
}
