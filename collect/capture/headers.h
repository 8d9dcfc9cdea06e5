/* A few fields of a message's header (RFC 5322), where the user asks for them: Message-ID, the domain of
 * From, and Subject. For smtp.c only. */
#ifndef COLLECT_CAPTURE_HEADERS_H
#define COLLECT_CAPTURE_HEADERS_H

#include <stdbool.h>
#include "base/str.h"

/* RFC 5322 2.1.1 has 998 bytes a line; of a field that is folded no more is kept. */
enum { HEADERS_FIELD_BYTES = 1000, HEADERS_TEXT_BYTES = 250 };

/* Zero-initialise for each message. */
struct headers {
    bool ended; /* the empty line has come, or something is missing */
    bool line;  /* some bytes of this line have come */
    size_t len; /* of field[] */
    size_t message_id_len, from_len, subject_len;
    char field[HEADERS_FIELD_BYTES];
    char message_id[HEADERS_TEXT_BYTES], from[HEADERS_TEXT_BYTES], subject[HEADERS_TEXT_BYTES];
};

/* Takes the message's bytes as they come; cheap once the header has ended. */
void headers_take(struct headers *headers, struct str bytes);

#endif
