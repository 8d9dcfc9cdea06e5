/* Golden sessions of a dialect: lines, and the sessions that they are, in FOLDER/NAME.case; and beside them
 * FOLDER/shapes.table (shapes.h).
 *
 *     # what it is about
 *     10:00:00.5 postfix/smtpd[100]: connect from ...      a line, of host mx
 *     10:00:00.5 @mx2 postfix/smtpd[100]: ...              one of another host; "@ " of none
 *     ? 10:00:01 postfix/smtpd[100]: ...                   one that must be skipped
 *     - 10:00:01 postfix/smtpd[100]: ...                   one that is passed over, without a session
 *     =                                                    now the sessions, in the order in which they end
 *     session 198.51.100.4 ...
 *     (blank line)
 *
 * The lines are those of real runs (sample-logs/labs) or are written after the program's source; the sessions
 * were worked out by hand from what the lines say. A line may have no tag, as some programs have none
 * (untagged.h). */
#ifndef TESTS_LIB_CASES_H
#define TESTS_LIB_CASES_H

#include "base/memory.h"
#include "base/str.h"
#include "collect/dialect.h"

/* Runs the cases of all files in the folder; the test program's exit status. SHOW_CASES in the environment
 * prints what was found instead of comparing it. */
int cases_main(const char *folder_of_cases);

/* "10:00:00.5 @mx2 postfix/smtpd[100]: text"; views into `text`. */
struct line case_line(struct str text);
/* All of a file, in the arena. */
struct str case_file(const char *path, struct arena *arena);

#endif
