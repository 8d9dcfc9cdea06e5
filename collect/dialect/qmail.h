/* What the qmail family shares: tcpserver starts a process for each connection, and what that becomes
 * (rblsmtpd, spamdyke, qmail-smtpd) keeps its pid; so the pid is the session, in whatever log and under
 * whatever tag it stands. */
#ifndef COLLECT_DIALECT_QMAIL_H
#define COLLECT_DIALECT_QMAIL_H

#include "collect/builder.h"
#include "collect/dialect.h"

enum {
    RBLSMTPD_REFUSED = 1 << 0, /* all recipients will be */
    DIALOG_KNOWN = 1 << 1,     /* in whole or in part */
    SPAMDYKE = 1 << 2,
    CHKUSER_TOLD = 1 << 3, /* of a recipient or a sender, in the line before */
    NO_TCPSERVER = 1 << 4, /* no line tells when it ends */
    HOSTLESS = 1 << 5 /* its log does not tell the host: its server is the name that tcpserver was given */
};

session_key qmail_process(struct str host, uint64_t pid);
struct open_session *qmail_begin(struct builder *builder, const struct line *line, uint64_t pid);
/* The session of the process; a line through syslog has a host where multilog's have none. NULL: not known.
 */
struct open_session *qmail_session(struct builder *builder, const struct line *line, uint64_t pid);
/* The newest session of the client that still goes on, or NULL: for lines without a pid. */
struct open_session *qmail_session_of(struct builder *builder, const struct line *line,
                                      const struct ip *client);
/* The transaction under way if it has this sender, else a new one; -1 where there is no room. */
int32_t qmail_transaction(struct builder *builder, struct open_session *open, struct str sender, usec at);

/* recordio's lines: a whole dialog (qmail_dialog.c). */
enum taken take_recordio(const struct line *line, struct builder *builder);
/* What patched qmail-smtpds say (qmail_smtpd.c). */
enum taken take_qmail_smtpd(const struct line *line, struct builder *builder);
/* dialect.h */
void qmail_carry_notes(struct builder *builder, struct open_session *open, struct state_bytes *state);
extern const struct dialect dialect_qmail;

#endif
