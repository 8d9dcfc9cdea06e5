/* What the files of the Exim dialect share: how a line is taken apart, which session it belongs to, and what
 * is noted of it there. Sources: Exim's smtp_in.c, receive.c, acl.c, host.c, tls.c, deliver.c, log.c, and its
 * specification's chapter on log files. */
#ifndef COLLECT_DIALECT_EXIM_H
#define COLLECT_DIALECT_EXIM_H

#include "collect/dialect/phrases.h"

/* ---- Text (exim_text.c). */

/* The client as Exim writes it (host.c, host_build_sender_fullhost(); host_and_ident() puts "I=" and "U="
 * behind): "name (helo) [address]:port I=[address]:port U=ident Ci=pid". The name is there when it was looked
 * up and led back, the HELO name when it differs from it, the ports with log_selector = +incoming_port, I=
 * with +incoming_interface, Ci= with +connection_id (4.98). */
struct exim_host {
    struct str name, helo; /* at == NULL: not told */
    struct ip address, interface;
    uint16_t port, interface_port;
    uint32_t pid; /* of the process that serves it; 0: not told */
};
/* "H=" must be off. Addresses within the HELO name, which strangers write, are not taken for the client's. */
bool cut_exim_host(struct str *rest, struct exim_host *host);

/* HELO has been said by now (a MAIL was taken, or refused for another reason): where no name is told it is
 * that of the host. */
static inline void exim_greeted(struct exim_host *host)
{
    if (!host->helo.at && host->name.at)
        host->helo = host->name;
}

/* What may follow the host: "X=cipher CV=no DN="…" SNI="…" A=authenticator:user F=<sender>", in any order. */
struct exim_clauses {
    struct str tls, user, sender, authenticator; /* at == NULL: not told */
};
void cut_exim_clauses(struct str *rest, struct exim_clauses *clauses);

/* "<a@b>", quoted local parts minded; what is in it. */
bool cut_exim_path(struct str *rest, struct str *path);
/* A message's id and the blank behind it: "1xVPn9-00073A-2L", of 23 characters since 4.97. *pid is that of
 * the process that took the message in: it stands in the middle, to the base of 62. */
bool cut_exim_id(struct str *rest, struct str *id, uint32_t *pid);
/* " D=2s", " D=0.001s", wherever it stands; -1: not there. */
usec exim_duration(struct str rest);

/* ---- Sessions (exim_session.c). */

/* A line, as far as what is in front of its message goes. */
struct exim_line {
    const struct line *line;
    struct str id;            /* of a message; at == NULL: none */
    uint32_t pid;             /* of the process that logs; 0: not told */
    uint32_t id_pid;          /* of that which took the message in; 0: no id */
    const struct line *first; /* where `line` is but the last part of what is said; else NULL */
    bool is_last; /* says how a session ended: it may belong to one of which that was said already */
};

enum {
    EXIM_FRESH = 1 << 0,    /* nothing but a connection is known yet */
    EXIM_END_SAID = 1 << 1, /* how it ended has been told */
    EXIM_COUNTED = 1 << 2,  /* the log tells when connections come and go (+smtp_connection) */
    EXIM_CALLOUT = 1 << 3   /* the sender's own server refused it: not its domain's fault */
};

/* The session that a line about this client belongs to, begun where there is none. `sender` (at == NULL: not
 * told) and `recipient` tell apart sessions of one client that the log does not: nobody is refused the same
 * twice in one. */
struct open_session *exim_session(struct builder *builder, const struct exim_line *exim,
                                  const struct exim_host *host, struct str sender, struct str recipient);
/* A new one. */
struct open_session *exim_begin(struct builder *builder, const struct exim_line *exim,
                                const struct exim_host *host);
/* Whether the session is one that this host's Exim began: another server may have the same client. */
bool exim_has_begun(const struct open_session *open, const struct exim_line *exim);
/* dialect.h */
void exim_carry_notes(struct builder *builder, struct open_session *open, struct state_bytes *state);
/* It ended so. */
void exim_end(struct open_session *open, const struct exim_line *exim, enum closed closed);
/* The transaction of a line with this sender (at == NULL: not told), begun where there is none; -1: no room.
 */
int32_t exim_transaction(struct builder *builder, struct open_session *open, const struct exim_line *exim,
                         struct str sender);
/* What the clauses behind the host tell of the session. */
void exim_note_clauses(struct builder *builder, struct open_session *open, usec at,
                       const struct exim_clauses *clauses);

static inline void exim_reach(struct open_session *open, enum stage stage)
{
    if (open->session.stage < stage)
        open->session.stage = (uint8_t)stage;
}

/* ---- Lines about clients (exim_reject.c, exim_smtp.c, exim_refuse.c) and messages (exim_message.c). `rest`
 * is what follows the words that a line is known by. */

typedef enum taken exim_take_fn(struct builder *builder, const struct exim_line *exim, struct str rest);

exim_take_fn exim_take_smtp, exim_take_message;
/* `rest` is what follows the client, which "H=" told, its clauses and a blank. */
enum taken exim_take_host(struct builder *builder, const struct exim_line *exim, struct exim_host *host,
                          const struct exim_clauses *clauses, struct str rest);
exim_take_fn exim_take_synchronization, exim_take_refused, exim_take_refused_host, exim_take_rejected,
    exim_take_too_many, exim_take_unqualified, exim_take_temporarily, exim_take_options, exim_take_local_scan,
    exim_take_overlong;

/* "HOST", with "H=" before it or without. */
bool exim_cut_client(struct str *rest, struct exim_host *host);
/* The client behind what it sent, which stands in quotes that are not escaped: `" H=` and a client, the last
 * such, since quotes in what follows it are. */
bool exim_cut_client_behind(struct str *rest, struct str mark, struct exim_host *host);
/* Evidence, if what was sent is another protocol's: "GET / HTTP/1.1". */
void exim_note_foreign(struct builder *builder, struct open_session *open, usec at, struct str command);

extern const struct dialect dialect_exim;

#endif
