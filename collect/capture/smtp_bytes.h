/* Bytes of a dialog as they come, in whatever pieces: lines, the end of a message, TLS records. For smtp.c
 * only. */
#ifndef COLLECT_CAPTURE_SMTP_BYTES_H
#define COLLECT_CAPTURE_SMTP_BYTES_H

#include "base/clock.h"
#include "base/str.h"

/* Kept of a line; RFC 5321 4.5.3.1.4 has 512 for commands, and AUTH (RFC 4954 4) up to 12,288. */
enum { PART_LINE_BYTES = 4096 };

/* A line of which only a part has come. */
struct part_line {
    char *at;
    size_t len, capacity;
    usec began;
};

/* Takes bytes up to and with the next newline. True when a line is whole: it is in *line without its newline,
 * until the next call; *began: when its first byte came; *bare: there was no CR. What is over PART_LINE_BYTES
 * is dropped. */
bool part_cut_line(struct part_line *part, struct str *bytes, usec at, struct str *line, usec *began,
                   bool *bare);

/* The message after DATA. Zero-initialise to begin with. */
struct message {
    uint64_t size;   /* so far, without stuffed dots and its end (RFC 1870 3) */
    bool loose_end;  /* something came that some servers take for its end */
    uint8_t reading; /* where in a line */
};

enum { MESSAGE_READING_MOST = 7 }; /* of `reading` */

/* Takes bytes up to the message's end, and returns whether that has come. */
bool message_take(struct message *message, struct str *bytes);
/* Some of it is missing here. */
void message_lost(struct message *message);

/* TLS is passed over, but for its records' heads: whether the handshake came to its end. */
struct tls_records {
    uint8_t head[5];
    unsigned head_len;
    uint32_t left;
    bool lost;
};

/* Returns whether the client's bytes show that the handshake had come to its end. */
bool tls_take(struct tls_records *tls, struct str bytes);
bool tls_is_hello(struct str bytes);
/* A handshake's record, or an alert. */
bool tls_is_answer(struct str bytes);

#endif
