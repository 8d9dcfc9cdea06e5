/* One session's story as text: what `explain` prints. */
#ifndef REPORT_EXPLAIN_TEXT_H
#define REPORT_EXPLAIN_TEXT_H

#include <stdio.h>
#include "analyze/replay.h"
#include "collect/session.h"
#include "report/table.h"

/* Who came when, what they asked for and what the server answered. */
void explain_session(const struct session *session, FILE *to);
/* A log line as it stands in the input; `to` is a FILE, so that it fits collect_trace(). */
void explain_line(void *to, struct str line);
/* A table of what the record says, in order of time. */
int explain_evidence(const struct session *session, FILE *to, struct why *why);
/* Each attempt with each measure's verdict and why. */
int explain_story(const struct policy *policy, const struct session_story *story, FILE *to, struct why *why);

/* Where several sessions are meant: a list to choose from. table_open() with these, a row a session,
 * table_close(). */
enum { SESSION_COLUMNS = 9 };
extern const struct column session_columns[SESSION_COLUMNS];
void session_row(struct table *table, const struct session *session);

#endif
