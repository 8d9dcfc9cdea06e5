/* An SMTP dialog that a log tells line by line, what the client said and what the server answered: commands
 * and replies paired, and what they say made into the session. A client may send several commands at once, so
 * each waits for its reply in order. (A capture, where the bytes are and nothing is left out, has its own:
 * collect/capture/smtp.h.) */
#ifndef COLLECT_DIALECT_DIALOG_H
#define COLLECT_DIALECT_DIALOG_H

#include "collect/builder.h"

struct saying;
struct state_bytes;

/* How a log tells it. */
struct dialog_style {
    bool has_bodies;              /* the lines of messages are among the client's */
    bool has_tls;                 /* what is said under TLS is told too */
    bool has_valid;               /* who accepts a recipient knows that there is one */
    /* What a refusal means where the program's words are known; NULL: they are not. May be NULL itself. */
    const struct saying *(*meaning)(struct open_session *open, const struct reply *reply);
    /* A message was accepted with this reply: for its id. The verdict is there already. May be NULL. */
    void (*accepted)(struct builder *builder, struct open_session *open, int32_t transaction,
                     const struct reply *reply);
};

struct dialog_asked;

/* The first thing in the notes of a session that has one (builder_notes()), zeroed to begin with; the row of its keeper
 * has a carry_notes() that is, or calls, dialog_carry(). */
struct dialog {
    struct dialog_asked *first, *last, *unused; /* commands that wait for their replies */
    usec spoke, banner; /* when client and server did so first, after the session began; 0: not yet */
    bool greeted, timed_out;
    bool in_message, in_auth; /* the client's next line is no command */
    bool is_opaque;           /* encrypted from here on, or there is no memory */
    uint8_t auth_step, mechanism_len;
    char mechanism[16];
};

/* A line that the client sent, or the server, without its end. */
void dialog_client(const struct dialog_style *style, struct builder *builder, struct open_session *open,
                   struct str text, const struct line *line);
void dialog_server(const struct dialog_style *style, struct builder *builder, struct open_session *open,
                   struct str text, const struct line *line);
/* Carries what waits for replies (dialect.h, carry_notes). */
void dialog_carry(struct builder *builder, struct open_session *open, struct state_bytes *state);

#endif
