/* DNS messages (RFC 1035 4). Whoever asked for a client's name reads what the client's own DNS server says,
 * so every length and pointer is a stranger's word. */
#include "collect/capture/dns.h"

enum { HEADER_BYTES = 12, NAME_BYTES_MOST = 255, CLASS_IN = 1, OPCODE_QUERY = 0 };

static unsigned byte_at(struct str bytes, size_t at)
{
    return (unsigned char)bytes.at[at];
}

static unsigned two_at(struct str bytes, size_t at)
{
    return byte_at(bytes, at) << 8 | byte_at(bytes, at + 1);
}

static uint32_t four_at(struct str bytes, size_t at)
{
    return (uint32_t)two_at(bytes, at) << 16 | two_at(bytes, at + 2);
}

/* Takes the name at *at, and moves *at behind it. `name` may be NULL. A pointer (4.1.4) leads back, to before
 * where the part began that has it: so this comes to an end. */
static bool cut_name(struct str bytes, size_t *at, struct dns_name *name)
{
    size_t here = *at, part = *at, wire = 0, len = 0;
    bool jumped = false;
    for (;;) {
        if (here >= bytes.len)
            return false;
        size_t label = byte_at(bytes, here);
        if (label >> 6 == 3) {
            if (here + 2 > bytes.len)
                return false;
            size_t to = two_at(bytes, here) & 0x3fff;
            if (to >= part)
                return false;
            if (!jumped)
                *at = here + 2;
            jumped = true;
            here = part = to;
            continue;
        }
        wire += label + 1;
        if (label >> 6 || here + 1 + label > bytes.len || wire > NAME_BYTES_MOST)
            return false;
        here++;
        if (label == 0)
            break;
        if (name && len)
            name->text[len++] = '.';
        for (size_t i = 0; name && i < label; i++) {
            char c = bytes.at[here + i];
            if (c == '.' || c == '\\')
                name->text[len++] = '\\';
            name->text[len++] = ascii_lower(c);
        }
        here += label;
    }
    if (!jumped)
        *at = here;
    if (name)
        name->len = len;
    return true;
}

bool dns_begin(struct dns_message *message, struct str bytes)
{
    if (bytes.len < HEADER_BYTES)
        return false;
    unsigned flags = two_at(bytes, 2);
    message->id = (uint16_t)two_at(bytes, 0);
    message->response = flags >> 15;
    message->authoritative = flags >> 10 & 1;
    message->truncated = flags >> 9 & 1;
    message->recursive = flags >> 7 & 1;
    message->rcode = flags & 15;
    message->answers = two_at(bytes, 6);
    message->authorities = two_at(bytes, 8);
    message->bytes = bytes;
    message->at = HEADER_BYTES;
    if ((flags >> 11 & 15) != OPCODE_QUERY || two_at(bytes, 4) != 1 ||
        !cut_name(bytes, &message->at, &message->name) || bytes.len - message->at < 4 ||
        two_at(bytes, message->at + 2) != CLASS_IN)
        return false;
    message->type = (uint16_t)two_at(bytes, message->at);
    message->at += 4;
    return true;
}

bool dns_next(struct dns_message *message, struct dns_record *record)
{
    struct str bytes = message->bytes;
    while (message->answers || message->authorities) {
        record->answer = message->answers > 0;
        --*(message->answers ? &message->answers : &message->authorities);
        if (!cut_name(bytes, &message->at, NULL) || bytes.len - message->at < 10)
            break;
        size_t len = two_at(bytes, message->at + 8);
        bool in = two_at(bytes, message->at + 2) == CLASS_IN;
        record->type = (uint16_t)two_at(bytes, message->at);
        record->ttl = four_at(bytes, message->at + 4);
        record->at = message->at + 10;
        if (bytes.len - record->at < len)
            break;
        record->data = (struct str){ bytes.at + record->at, len };
        message->at = record->at + len;
        if (in)
            return true;
    }
    message->answers = message->authorities = 0;
    return false;
}

bool dns_data_name(const struct dns_message *message, const struct dns_record *record, size_t skip,
                   struct dns_name *name)
{
    size_t at = record->at + skip;
    return skip < record->data.len && cut_name(message->bytes, &at, name) &&
           at == record->at + record->data.len;
}

size_t dns_text(struct str data, char *to, size_t most)
{
    size_t len = 0;
    while (data.len) {
        size_t n = byte_at(data, 0);
        data = str_skip(data, 1);
        if (n > data.len)
            n = data.len;
        size_t taken = n < most - len ? n : most - len;
        memcpy(to + len, data.at, taken);
        len += taken;
        data = str_skip(data, n);
    }
    return len;
}

bool dns_text_starts(struct str data, struct str prefix)
{
    char text[32];
    size_t len = dns_text(data, text, prefix.len < sizeof text ? prefix.len : sizeof text);
    return str_eq_nocase((struct str){ text, len }, prefix);
}
