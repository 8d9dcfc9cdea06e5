/* DNS messages (RFC 1035 4), as far as answers about clients and senders go. */
#ifndef COLLECT_CAPTURE_DNS_H
#define COLLECT_CAPTURE_DNS_H

#include <stdbool.h>
#include <stdint.h>
#include "base/str.h"

enum dns_type { DNS_A = 1, DNS_PTR = 12, DNS_MX = 15, DNS_TXT = 16, DNS_AAAA = 28 };
enum dns_rcode { DNS_NOERROR = 0, DNS_NXDOMAIN = 3 }; /* others are failures of the day */

/* A name as text without the last dot, in lower case; a dot within a label has a backslash before it. The
 * root is the empty name. */
enum { DNS_NAME_BYTES = 1024 }; /* 255 bytes on the wire, each at most twice that here */

struct dns_name {
    size_t len;
    char text[DNS_NAME_BYTES];
};

/* One message. Its bytes are the caller's and must last as long as it is read. */
struct dns_message {
    uint16_t id, type; /* of the only question, which is of class IN */
    bool response, authoritative, recursive, truncated;
    uint8_t rcode; /* of the header: an extended one is not NOERROR either, as far as its low bits go */
    struct dns_name name;
    struct str bytes;
    size_t at; /* of the next record */
    unsigned answers, authorities;
};

struct dns_record {
    bool answer; /* else of the authority section */
    uint16_t type;
    uint32_t ttl;    /* seconds */
    struct str data; /* as it lies in the message */
    size_t at;       /* of the data in the message, for dns_data_name() */
};

/* Reads header and question. False where it is no query or answer to one of one question in class IN. */
bool dns_begin(struct dns_message *message, struct str bytes);
/* The next record of the answer and authority sections, in class IN; false when there are no more, or when
 * what follows is broken. */
bool dns_next(struct dns_message *message, struct dns_record *record);
/* The name that lies `skip` bytes into the record's data: of PTR (0), of MX (2). */
bool dns_data_name(const struct dns_message *message, const struct dns_record *record, size_t skip,
                   struct dns_name *name);
/* Whether TXT data begins with `prefix`, whatever the strings that it is cut into (RFC 7208 3.3). */
bool dns_text_starts(struct str data, struct str prefix);
/* The text of TXT data, joined: at most `most` bytes; returns their number. */
size_t dns_text(struct str data, char *to, size_t most);

static inline struct str dns_name_text(const struct dns_name *name)
{
    return (struct str){ name->text, name->len };
}

#endif
