/* Bytes of a dialog as they come: lines, the end of a message, TLS records. */
#include "collect/capture/smtp_bytes.h"

#include <assert.h>
#include "base/memory.h"

bool part_cut_line(struct part_line *part, struct str *bytes, usec at, struct str *line, usec *began,
                   bool *bare)
{
    const char *newline = memchr(bytes->at, '\n', bytes->len);
    size_t n = newline ? (size_t)(newline - bytes->at) : bytes->len;
    *line = (struct str){ bytes->at, n < PART_LINE_BYTES ? n : PART_LINE_BYTES };
    *began = part->len ? part->began : at;
    if (part->len || !newline) {
        size_t room = PART_LINE_BYTES - part->len, more = n < room ? n : room;
        part->began = *began;
        mem_room(part->at, part->capacity, part->len + more + 1);
        memcpy(part->at + part->len, bytes->at, more);
        part->len += more;
        *line = (struct str){ part->at, part->len };
    }
    *bytes = str_skip(*bytes, newline ? n + 1 : n);
    if (!newline)
        return false;
    part->len = 0;
    *bare = !(line->len && line->at[line->len - 1] == '\r');
    line->len -= !*bare;
    return true;
}

/* Where in a message its reader stands. LINE is behind CRLF, BARE behind a lone LF. */
enum reading { LINE, TEXT, CR, LINE_DOT, LINE_DOT_CR, BARE, BARE_DOT, BARE_DOT_CR };
static_assert((int)BARE_DOT_CR == (int)MESSAGE_READING_MOST, "what is loaded is one of these");

/* RFC 5321 4.1.1.4 knows one end, <CRLF>.<CRLF>; those with a bare LF in them some servers take for one
 * besides. */
bool message_take(struct message *message, struct str *bytes)
{
    const char *at = bytes->at, *end = bytes->at + bytes->len;
    enum reading reading = (enum reading)message->reading;
    while (at < end) {
        char c = *at++;
        enum reading otherwise = c == '\r' ? CR : c == '\n' ? BARE : TEXT;
        switch (reading) {
        case TEXT:
            if (otherwise == TEXT) { /* most of it: on to the line's end */
                const char *next = memchr(at, '\n', (size_t)(end - at));
                at = next ? next : end;
                at -= at > bytes->at && at[-1] == '\r';
            }
            reading = otherwise;
            break;
        case CR:
            reading = c == '\n' ? LINE : otherwise;
            break;
        case LINE:
            reading = c == '.' ? LINE_DOT : otherwise;
            break;
        case LINE_DOT:
            message->loose_end |= c == '\n';
            message->size -= otherwise == TEXT; /* stuffed (4.5.2) */
            reading = c == '\r' ? LINE_DOT_CR : otherwise;
            break;
        case LINE_DOT_CR:
            if (c == '\n') {
                message->size += (uint64_t)(at - bytes->at) - 3;
                *bytes = str_range(at, end);
                return true;
            }
            reading = otherwise;
            break;
        case BARE:
            reading = c == '.' ? BARE_DOT : otherwise;
            break;
        case BARE_DOT:
            message->loose_end |= c == '\n';
            reading = c == '\r' ? BARE_DOT_CR : otherwise;
            break;
        case BARE_DOT_CR:
            message->loose_end |= c == '\n';
            reading = c == '\n' ? LINE : otherwise;
            break;
        }
    }
    message->reading = (uint8_t)reading;
    message->size += bytes->len;
    *bytes = str_range(end, end);
    return false;
}

void message_lost(struct message *message)
{
    message->reading = TEXT;
}

/* RFC 8446 5.1: type, version, length. Application data longer than an alert is sent only when the handshake
 * has come to its end: in TLS 1.3 the client's Finished is the first, in 1.2 a command. */
bool tls_take(struct tls_records *tls, struct str bytes)
{
    enum { LEAST_TYPE = 20, MOST_TYPE = 24, APPLICATION_DATA = 23, ALERT_MOST = 24 };
    bool done = false;
    while (bytes.len && !tls->lost) {
        if (tls->left) {
            size_t n = bytes.len < tls->left ? bytes.len : tls->left;
            tls->left -= (uint32_t)n;
            bytes = str_skip(bytes, n);
            continue;
        }
        tls->head[tls->head_len++] = (uint8_t)bytes.at[0];
        bytes = str_skip(bytes, 1);
        if (tls->head_len < sizeof tls->head)
            continue;
        tls->head_len = 0;
        tls->left = (uint32_t)tls->head[3] << 8 | tls->head[4];
        tls->lost = tls->head[0] < LEAST_TYPE || tls->head[0] > MOST_TYPE || tls->head[1] != 3;
        done |= !tls->lost && tls->head[0] == APPLICATION_DATA && tls->left > ALERT_MOST;
    }
    return done;
}

bool tls_is_hello(struct str bytes)
{
    return bytes.len >= 2 && bytes.at[0] == 0x16 && bytes.at[1] == 0x03;
}

bool tls_is_answer(struct str bytes)
{
    return tls_is_hello(bytes) || (bytes.len >= 2 && bytes.at[0] == 0x15 && bytes.at[1] == 0x03);
}
