/* What the files of the Sendmail dialect share: how it writes relays, addresses and replies, and what it
 * makes of a session. */
#ifndef COLLECT_DIALECT_SENDMAIL_H
#define COLLECT_DIALECT_SENDMAIL_H

#include "collect/builder.h"
#include "collect/dialect.h"
#include "collect/dialect/phrases.h"

/* ---- Text. */

/* A client: "mail.a.test [192.0.2.1]", "[192.0.2.1]" without a PTR, "mail.a.test [192.0.2.1] (may be forged)"
 * where the name does not lead back, "mail.a.test" when it has gone already; "root@localhost" is none. */
struct relay {
    struct str name; /* at == NULL: none */
    struct ip client;
    bool forged, local;
};
/* Takes a relay off the front; what follows is the rest. */
void cut_relay(struct str *rest, struct relay *relay);
/* "6AN8sdXN028368: ", "SAA12345: " before 8.10: an id ends with the digits of the pid. */
bool cut_message_name(struct str *rest, struct str *queue_id);
/* Whether this process made the id, not one that delivers. */
bool is_of_process(struct str queue_id, uint32_t pid);
/* "<"a>b"@c.test>" off the front, without its brackets. */
bool cut_bracketed(struct str *rest, struct str *address);
/* "550 5.7.1 <a@b>... Relaying denied": code, enhanced, and the text without the address. */
void read_sendmail_reply(struct str text, int16_t otherwise, struct reply *reply);

/* ---- Sessions. */

enum {
    RELAY_NAMED = 1 << 0,
    RELAY_NAMELESS = 1 << 1,
    RELAY_FORGED = 1 << 2,
    MESSAGE_LOST = 1 << 3, /* the message under way did not come to its end */
    PRE_GREETING = 1 << 4
};

/* One line, and whose it is. */
struct sendmail_line {
    const struct line *line;
    struct builder *builder;
    struct str queue_id; /* at == NULL: none */
};

/* The session of the process that logged the line, begun when there is none, or when the process serves
 * another client by now. `relay` may be NULL. NULL where the process is not known. */
struct open_session *sendmail_session(const struct sendmail_line *at, const struct relay *relay);
/* The line is of the session of its process, if there is one, and says nothing that matters. */
enum taken sendmail_belongs(const struct sendmail_line *at);
/* What can be said only when all of a session is known. */
void sendmail_conclude(struct builder *builder, struct open_session *open);
/* The transaction of the line's queue id, begun when there is none; an id is used again after a refused MAIL.
 * `sender`: at == NULL where the line does not tell. -1 where there is no room. */
int32_t sendmail_transaction(const struct sendmail_line *at, struct open_session *open, struct str sender);
/* A recipient that was answered so. */
int32_t sendmail_recipient(const struct sendmail_line *at, struct open_session *open, int32_t transaction,
                           struct str address);
void accept_recipient(struct recipient *recipient);
/* Recipients that were accepted, of whom only the number is known. */
void accept_recipients(const struct sendmail_line *at, struct open_session *open, int32_t transaction,
                       uint64_t count);
/* The accepted recipient that an address belongs to: the one that has it, or the first without one; else
 * WHOLE_TRANSACTION. */
int32_t accepted_recipient(const struct sendmail_line *at, struct open_session *open, int32_t transaction,
                           struct str address);

/* A refusal at `stage`, of a recipient where one is told, of the transaction from MAIL on. `saying` may be
 * NULL: what the words say. */
struct sendmail_refusal {
    enum stage stage;
    struct reply reply;
    struct str sender, address; /* at == NULL: not told */
    int64_t answer;             /* a DNS list's */
    const struct saying *saying;
};
void sendmail_refuse(const struct sendmail_line *at, struct open_session *open,
                     const struct sendmail_refusal *refusal);

static inline void reach(struct open_session *open, enum stage stage)
{
    if (open->session.stage < stage)
        open->session.stage = (uint8_t)stage;
}

/* ---- Lines. */

/* "from=<a@b>, size=..., relay=...": what came of a transaction. */
enum taken take_from(struct str rest, const struct sendmail_line *at);
/* "to=<a@b>, ..., stat=...": the fate of recipients. */
enum taken take_to(struct str rest, const struct sendmail_line *at);
/* "ruleset=check_rcpt, arg1=..., reject=...". */
enum taken take_ruleset(struct str rest, const struct sendmail_line *at);
/* "Milter: ..." and "milter=...". */
enum taken take_milter(struct str rest, const struct sendmail_line *at);
enum taken take_milter_step(struct str rest, const struct sendmail_line *at);
/* "<-- EHLO a", "--> 250 ...": LogLevel 15. */
enum taken take_command(struct str rest, const struct sendmail_line *at);
enum taken take_reply(struct str rest, const struct sendmail_line *at);
/* What is refused without a ruleset (sendmail_refuse.c). `rest` is what follows the words that the line is
 * known by. */
enum taken take_tcpwrappers(struct str rest, const struct sendmail_line *at);
enum taken take_disabled(struct str rest, const struct sendmail_line *at);
enum taken take_tempfailed(struct str rest, const struct sendmail_line *at);
enum taken take_unauthorized(struct str rest, const struct sendmail_line *at);
enum taken take_old_trick(struct str rest, const struct sendmail_line *at);
enum taken take_recipient(struct str rest, const struct sendmail_line *at);
enum taken take_too_many(const struct sendmail_line *at);
enum taken take_too_big(const struct sendmail_line *at);
enum taken take_headers(struct str rest, const struct sendmail_line *at);
enum taken take_collect(struct str rest, const struct sendmail_line *at);

/* dialect.h */
void sendmail_carry_notes(struct builder *builder, struct open_session *open, struct state_bytes *state);

extern const struct dialect dialect_sendmail;

#endif
