/* What Haraka's lines share: taken apart from each of its formats (logger.js), and what its plugins say. */
#ifndef COLLECT_DIALECT_HARAKA_H
#define COLLECT_DIALECT_HARAKA_H

#include "collect/dialect/dialog.h"
#include "collect/dialect/phrases.h"

enum { HARAKA_ROOM = 2048, HARAKA_DENIED = 4 };

/* A line, whatever its format. */
struct haraka_line {
    struct str level, uuid, origin; /* uuid without the transaction's number */
    uint32_t transaction;           /* its number, from 1; 0: none */
    struct str message, fields;
    bool is_json;
    size_t used;
    char room[HARAKA_ROOM]; /* for values that had escapes in them */
};

/* Takes a line's text apart; false where it is none of Haraka's. Views into the text and into *said. */
bool haraka_read(struct str text, struct haraka_line *said);
/* The value of a field behind the message. */
bool haraka_field(struct haraka_line *said, struct str name, struct str *value);
/* What a plugin says to the client: reply->text from the field "msg" (untouched where that is missing or
 * empty), and the code that it has of its own, where it is a DSN (haraka-dsn) that has another than
 * `reply->code`. */
void haraka_words(struct haraka_line *said, struct reply *reply);

struct haraka_denied {
    uint64_t words; /* hash of what a plugin said when it refused */
    uint8_t plugin; /* its row in the table of plugins, from 1; 0: not in it */
};

/* A session's notes. */
struct haraka_notes {
    struct dialog dialog;
    struct haraka_denied denied[HARAKA_DENIED];
    uint8_t next_denied;
};

/* A plugin has refused with these words, now or, with delay_deny, later. */
void haraka_note_denied(struct haraka_notes *notes, struct str plugin, struct str said);
/* dialect.h */
void haraka_carry_notes(struct builder *builder, struct open_session *open, struct state_bytes *state);
/* dialog_style.meaning */
const struct saying *haraka_meaning(struct open_session *open, const struct reply *reply);
/* A plugin's own line about the session or the transaction under way: what it found. False: nothing that is
 * evidence. */
bool haraka_plugin_said(const struct line *line, struct haraka_line *said, struct builder *builder,
                        struct open_session *open);

/* open_session.flags */
enum {
    DIALOG_KNOWN = 1 << 0,
    HOOKS_KNOWN = 1 << 1,  /* level=info: each plugin's decision is told */
    VOUCHED = 1 << 2,      /* a plugin has said OK to the recipient under way */
    HOOK_REFUSED = 1 << 3, /* by a plugin's line, which delay_deny may take back */
    SERVER_ENDS = 1 << 4
};

/* A session reached this stage. */
static inline void haraka_reach(struct open_session *open, enum stage stage)
{
    if (open->session.stage < stage)
        open->session.stage = (uint8_t)stage;
}

/* Notes a refusal; of `reply`, code, stage and text are filled in. Indexes are as in struct refused. */
void haraka_refuse(const struct line *line, struct builder *builder, struct open_session *open,
                   struct reply *reply, int32_t transaction, int32_t recipient);
/* A recipient for whom no plugin has spoken is logged as OK, and refused: connection.js, rcpt_respond(). */
void haraka_refuse_unspoken(const struct line *line, struct builder *builder, struct open_session *open,
                            int32_t transaction, int32_t recipient);

/* "connect": a session begins; NULL where the line has no address. */
struct open_session *haraka_connected(const struct line *line, struct haraka_line *said,
                                      struct builder *builder, session_key key);
/* "HAProxy": the client that a proxy speaks for. */
void haraka_proxied(struct haraka_line *said, struct builder *builder, struct open_session *open);
/* A line that may tell how the client left. */
void haraka_leaving(struct haraka_line *said, struct open_session *open);
/* "disconnect": the session ends. */
void haraka_disconnected(const struct line *line, struct haraka_line *said, struct builder *builder,
                         struct open_session *open, struct haraka_notes *notes);

extern const struct dialect dialect_haraka;

#endif
