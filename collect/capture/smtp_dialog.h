/* The dialog's inside, for its own files: smtp.c takes bytes, the others what they say. */
#ifndef COLLECT_CAPTURE_SMTP_DIALOG_H
#define COLLECT_CAPTURE_SMTP_DIALOG_H

#include "collect/capture/headers.h"
#include "collect/capture/smtp.h"
#include "collect/capture/smtp_bytes.h"
#include "collect/smtp_text.h"

enum { REPLY_BYTES = 1000 /* kept of a reply's text */, MECHANISM_BYTES = 16 };

enum command {
    C_BANNER, /* none: the first reply comes by itself */
    C_HELO,
    C_EHLO,
    C_MAIL,
    C_RCPT,
    C_DATA,
    C_BDAT,
    C_BDAT_LAST,
    C_MESSAGE, /* the end of one */
    C_RSET,
    C_STARTTLS,
    C_AUTH,
    C_VRFY,
    C_QUIT,
    C_OTHER,
    C_FOREIGN, /* another protocol's */
    C_UNKNOWN
};

/* What the client's next bytes are. */
enum state {
    COMMAND,
    WAIT_DATA, /* hangs on the reply */
    WAIT_TLS,
    WAIT_AUTH,
    MESSAGE,
    CHUNK,
    AUTH_LINE,
    OPAQUE
};

/* A command that waits for its reply. */
struct pending {
    uint8_t command;                /* enum command */
    int32_t transaction, recipient; /* indices, or WHOLE_... */
};

/* A reply, its lines joined. */
struct answer {
    int16_t code;
    struct str text; /* behind the code */
    usec at;
};

struct smtp {
    struct smtp_world *world;
    struct open_session *open; /* NULL: handed over already */
    usec connected;            /* the handshake's end */
    usec seen;                 /* when it was heard of last */
    bool lost, resync, quit, pipelining, implicit_tls;
    bool astray; /* since something was lost, commands and replies may have been taken for each other's */
    bool server_spoke; /* last */
    bool server_lost;  /* and of that something was lost */
    uint8_t state;     /* enum state */
    bool told;         /* the reply to the message came before its end */
    bool last_chunk, server_opaque, timed_out;
    bool farewell;       /* 421 came unasked, and is what the next command reads for its reply */
    int32_t transaction; /* under way, or -1 */
    struct message message;
    struct headers *headers; /* of the message that is being read; NULL: not wanted */
    bool injected;           /* something plain came behind STARTTLS */
    uint64_t chunk_left;
    usec spoke, banner, replied, tls_at; /* USEC_NONE: not yet */
    bool early;                          /* the client spoke before the banner */
    bool early_told, ahead, bare_newline, commands;
    struct tls_records tls;
    struct part_line line[2];
    struct pending *pending;
    size_t pending_first, pending_count, pending_capacity;
    int16_t code;               /* of the reply that is being read; 0: none */
    size_t reply_len, said_len; /* of that one; of the last whole one */
    char mechanism[MECHANISM_BYTES];
    unsigned auth_step;
    size_t user_len;
    char user[SMTP_USER_BYTES];
    char reply[REPLY_BYTES];
};

/* ---- smtp_session.c */

struct evidence smtp_evidence(enum kind kind, enum tri state, usec at);
void smtp_reach(struct smtp *smtp, enum stage stage);
/* The times of first talk and banner, after the handshake, so that any wait can be replayed. A port that
 * begins with TLS shows neither. */
void smtp_add_early_talker(struct smtp *smtp, struct builder *builder, struct open_session *open);
/* The client talks another protocol; noted once. */
void smtp_note_foreign(struct smtp *smtp, struct str what, usec at);
void smtp_note_unanswered(struct smtp *smtp, const struct connection *connection);
/* Notes a refusal, if it is one: the reply, the measure that it names, the evidence that this is. */
void smtp_refused(struct smtp *smtp, const struct answer *answer, enum stage stage, int32_t transaction,
                  int32_t recipient);
/* The builder's last call before it hands the session over, be it that it has no room or patience for more.
 */
void smtp_conclude(struct builder *builder, struct open_session *open);

/* ---- smtp_command.c */

/* Commands may come ahead of replies where the server offered PIPELINING, up to one that must be a group's
 * last (RFC 2920 3.1), and never ahead of the banner: notes where this one, which came at `at`, does. */
void smtp_note_ahead(struct smtp *smtp, usec at);
/* Whether a line of which so much has come is a command, of SMTP or of another protocol, or may become one.
 */
bool smtp_may_be_command(struct str part);
/* How much of such a line is before what AUTH sends as a response with it: where there is none, all. */
size_t smtp_before_response(struct str part);
/* Whether a line is a command of SMTP. */
bool smtp_is_command(struct str line);
/* A reply is awaited to this. */
void smtp_ask(struct smtp *smtp, enum command command, int32_t transaction, int32_t recipient);
/* One command line, of which the first byte came at `at`. */
void smtp_command(struct smtp *smtp, struct str line, usec at);
/* One line of what follows AUTH (RFC 4954 4). */
void smtp_auth_line(struct smtp *smtp, struct str line);

/* ---- smtp_message.c */

/* Begins what follows DATA. */
void smtp_begin_message(struct smtp *smtp);
void smtp_end_message(struct smtp *smtp);
/* Of BDAT (RFC 3030 2). */
void smtp_begin_chunk(struct smtp *smtp, uint64_t bytes, bool last);
void smtp_end_chunk(struct smtp *smtp);

/* ---- smtp_reply.c */

/* One line of a reply (RFC 5321 4.2.1). */
void smtp_reply_line(struct smtp *smtp, const struct connection *connection, struct str line, usec at);
/* A whole one. */
void smtp_answered(struct smtp *smtp, const struct connection *connection, const struct answer *answer);
/* What follows is TLS. */
void smtp_begin_tls(struct smtp *smtp);

/* ---- smtp_loss.c */

/* Replies that have been lost, as far as can be known: what they would have ended has ended. */
void smtp_forget_pending(struct smtp *smtp);
/* The client's next bytes hang on a reply that is not to be had: they must tell themselves what they are. */
void smtp_guess(struct smtp *smtp, struct str bytes);
/* The client speaks; if it has heard the server before, and something was lost, it may be found again. */
void smtp_begin_turn(struct smtp *smtp);

#endif
