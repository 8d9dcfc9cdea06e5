/* What the files of the Postfix dialect share: how its programs write clients, queue ids and replies, what a
 * reply means, and what they remember of a session. */
#ifndef COLLECT_DIALECT_POSTFIX_H
#define COLLECT_DIALECT_POSTFIX_H

#include "collect/builder.h"
#include "collect/dialect.h"

/* ---- Text. */

/* A client as smtpd writes it: name[address], or name[address]:port (smtpd_client_port_logging); as
 * postscreen does: [address]:port. */
struct peer {
    struct str text, name, address;
    uint16_t port; /* 0: not logged */
};
bool cut_peer(struct str *rest, struct peer *peer);
struct ip peer_address(const struct peer *peer);

/* "6760916E5B2: " or "4Szxyz0bQ1z9vM: " (enable_long_queue_ids). */
bool cut_queue_id(struct str *rest, struct str *queue_id);
/* "to=<", text until the ">" that ends the address, quoted local parts minded. */
bool cut_address(struct str *rest, struct str *address);

/* What smtpd, cleanup and postscreen write behind a reply; at == NULL where it is not there. */
struct trailer {
    struct str from, to, proto, helo, user;
};
/* Takes the text of a reply and its trailer apart: "554 5.7.1 <a@b>: Relay access denied; from=<c@d> to=<a@b>
 * proto=ESMTP helo=<x>". The client wrote most of that, and may have put a forged trailer into an address:
 * what counts is the leftmost trailer that reads as one right to the end of the line. cleanup has ": text"
 * behind it, where `after` is not NULL. */
bool split_trailer(struct str text, struct str *reply, struct trailer *trailer, struct str *after);
/* "554 5.7.1 text"; either code may be missing, then it follows from the other, or from `otherwise`. */
void read_reply(struct str text, int16_t otherwise, struct reply *reply);
/* The same mailbox, quoted or not, whatever its case (policy servers write it in lower case, without quotes).
 */
bool same_address(struct str a, struct str b);
/* A spam scanner's score, "-1.95", in thousandths. */
bool read_score(struct str text, int64_t *score);

/* ---- Meaning. */

enum command {
    COMMAND_CONNECT,
    COMMAND_HELO,
    COMMAND_MAIL,
    COMMAND_RCPT,
    COMMAND_DATA,
    COMMAND_EOM,
    COMMAND_VRFY,
    COMMAND_OTHER /* ETRN, AUTH, STARTTLS, ...: no place in a transaction */
};
enum command command_of(struct str word);
enum stage command_stage(enum command command);

/* A row of the table of phrases (postfix_phrases.c). */
struct phrase {
    struct str says;
    uint8_t classes; /* in which it has this meaning, see postfix_phrases.c */
    bool anywhere;   /* else at the start of the reason */
    uint8_t named;   /* enum named */
    uint8_t kind;    /* enum kind of the evidence that it is; KINDS: none */
    uint8_t state;
    const char *subject; /* of the evidence; NULL: what the kind asks for */
    const char *source;  /* where the words come from */
};
/* The meaning of a refusal's text, without its codes. `name` is what stands in its brackets, where it has
 * any. *reason: what follows "<...>: Recipient address rejected: ". Never NULL. */
const struct phrase *phrase_of(struct str text, const struct trailer *trailer, struct str *reason);

/* ---- Sessions. */

enum {
    SAW_REFUSAL = 1 << 0,  /* of a command, by smtpd or postscreen */
    SAW_PREGREET = 1 << 1, /* postscreen */
    SAW_PIPELINING = 1 << 2,
    SAW_NON_SMTP = 1 << 3,
    SAW_AFTER_220 = 1 << 4, /* postscreen's dummy engine was talked to */
    SAW_DNSBL_RANK = 1 << 5,
    SAW_DENIED = 1 << 6,
    POSTSCREEN_PASSED = 1 << 7, /* handed to smtpd, whose lines are awaited */
    SMTPD_HAS_IT = 1 << 8,
    SAW_HELO_NAME = 1 << 9,
    REINJECTED = 1 << 10 /* from our own content filter */
};

/* Commands as disconnect counts them: all, and those that went well. */
struct command_counts {
    bool known;
    uint32_t helo, mail, mail_ok, rcpt_ok, data, data_ok, bdat, vrfy, quit;
    uint32_t rcpt, all;
};

struct postfix_notes {
    struct command_counts counts;
    uint32_t nrcpt, queued; /* recipients of messages that qmgr took, and how many messages */
    uint32_t vrfy_seen;
    uint8_t ended_at; /* enum stage of the last command, where the client did not say QUIT */
};
/* The notes of a session; never NULL. */
struct postfix_notes *postfix_notes(struct builder *builder, struct open_session *open);
/* dialect.h */
void postfix_carry_notes(struct builder *builder, struct open_session *open, struct state_bytes *state);
/* The last words before a session is handed over: what the counts tell beyond the lines. */
void postfix_conclude(struct builder *builder, struct open_session *open);

/* A session reached this stage. */
static inline void reach(struct open_session *open, enum stage stage)
{
    if (open->session.stage < stage)
        open->session.stage = (uint8_t)stage;
}

/* The transaction that a line with this queue id (at == NULL: NOQUEUE) and sender (at == NULL: not told) is
 * about, begun when it is a new one. -1 where there is no room. */
int32_t transaction_at(struct builder *builder, struct open_session *open, struct str host,
                       struct str queue_id, struct str sender, usec at);
/* A recipient of it that was asked for and not answered yet, begun when there is none; -1 where there is no
 * room. */
int32_t recipient_at(struct builder *builder, struct open_session *open, int32_t transaction,
                     struct str address, usec at);
void hear_helo(struct builder *builder, struct open_session *open, struct str helo);

struct refusal {
    const struct line *line;
    enum command command;
    bool warning;        /* reject_warning: it would have been one */
    struct str queue_id; /* at == NULL: NOQUEUE */
    struct reply reply;  /* code, enhanced, text; not kept yet */
    struct trailer trailer;
};
/* The session has come as far as the line's command, with the HELO name, the sender and the recipient that
 * its trailer tells: begins the transaction and the recipient where they are new. Indexes as in struct
 * evidence. */
void postfix_reach(struct builder *builder, struct open_session *open, const struct refusal *said,
                   int32_t *transaction, int32_t *recipient);
/* Notes a refusal in the session: reply, evidence, transaction, recipient. */
void postfix_refuse(struct builder *builder, struct open_session *open, const struct refusal *refusal,
                    const struct phrase *phrase, struct str reason);

/* ---- The programs. */

/* The session that the smtpd process of this line serves. A line whose client is another one is of a session
 * whose beginning is not in the record. */
struct open_session *smtpd_session(struct builder *builder, const struct line *line, const struct peer *peer);
/* Behind "warning: ". */
enum taken take_smtpd_warning(struct str rest, const struct line *line, struct builder *builder);

enum taken take_smtpd(const struct line *line, struct builder *builder);
enum taken take_postscreen(const struct line *line, struct builder *builder);
enum taken take_dnsblog(const struct line *line, struct builder *builder);
enum taken take_tlsproxy(const struct line *line, struct builder *builder);
enum taken take_cleanup(const struct line *line, struct builder *builder);
enum taken take_qmgr(const struct line *line, struct builder *builder);
enum taken take_delivery(const struct line *line, struct builder *builder);
enum taken take_bounce(const struct line *line, struct builder *builder);

extern const struct dialect dialect_postfix;

#endif
