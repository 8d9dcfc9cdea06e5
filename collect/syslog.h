/* What syslog puts in front of a message: time, host, program and pid, in each form that log files have.
 *
 *     Nov 23 09:07:12 mx postfix/smtpd[15649]: text                                 traditional (RFC 3164)
 *     2026-11-23T09:07:12.057203+01:00 mx postfix/smtpd[15649]: text                RFC 3339 stamps
 *     <22>1 2026-11-23T09:07:12.057203Z mx postfix/smtpd 15649 - [id a="b"] text    RFC 5424
 *
 * and what programs that log past syslog put there, without a host and perhaps without a tag (untagged.h):
 *
 *     @400000006b0402182bddf524 tcpserver: text                                     multilog's TAI64N
 *     2026-11-23 09:07:12.057203 tcpserver: text                                    tai64nlocal
 *     2026-11-23 09:07:12.057 +0100 [15649] text                                    Exim's own log
 *     Nov 23 09:07:12 mx qmail: 1795424832.057203 new msg 1287386                   splogger
 *     2026-11-23 09:07:12,057 mx postfix/smtpd[15649]: text                         log frameworks
 *     1795424832.057203 tcpserver: text                                             seconds since 1970
 *     2026-11-23T09:07:12.057Z [NOTICE] [-] [core] text                             Haraka's log
 *     2026-11-23T09:07:12.057Z,MX01\Default MX01,08D892B7A9441226,...               Exchange's logs
 *
 * and what journalctl puts there:
 *
 *     Mon 2026-11-23 09:07:12 CET mx postfix/smtpd[15649]: text                     -o short-full
 *     1795424832.057203 mx postfix/smtpd[15649]: text                               -o short-unix
 */
#ifndef COLLECT_SYSLOG_H
#define COLLECT_SYSLOG_H

#include <stdbool.h>
#include "base/clock.h"
#include "base/str.h"
#include "collect/dialect.h"
#include "collect/wall.h"

/* A time as a line has it. */
struct stamp {
    int64_t year; /* of traditional ones: 0, they do not tell */
    unsigned month, day;
    usec of_day; /* since 00:00, fraction included */
    usec zone;   /* what is east of Greenwich is ahead; 0 where they do not tell it */
    bool zoned;  /* they do */
};

/* The time of a stamp in the year that it tells, or in `year` where it tells none; without a zone, as if it
 * were UTC: see wall.h. */
usec stamp_time(const struct stamp *stamp, int64_t year);
struct stamp stamp_of(usec at);
/* Takes a stamp in any form off the front of a line, with what stands before it (priority, version) and the
 * blank behind it. */
bool cut_stamp(struct str *rest, struct stamp *stamp);

/* The last line's beginning, since the next one's is mostly the same and need not be worked out again.
 * Zero-initialise, then syslog_begin(). */
struct syslog {
    usec last;    /* the time of the last line that had one, or USEC_NONE */
    int64_t year; /* for a first line without one */
    usec second;  /* the time of `stamp`: of its whole second where it is an RFC 3339 one */
    usec zone;
    unsigned char stamp_len, zone_len, host_len;
    char stamp[20];          /* "Nov 23 09:07:12 " or "2026-11-23T09:07:12" */
    char zone_text[8];       /* "+01:00 " */
    char host[64];           /* with the blank behind it */
    bool dated;              /* the last line's stamp told its year and its zone */
    const struct wall *wall; /* the clock of stamps without a zone; NULL: one that shows UTC */
    struct wall_span span;   /* of the last of them */
    usec about;              /* when the input begins, if it is known */
};

/* Begins an input. Stamps without a year follow `last`, the time of the line before (years.h), where that is
 * known; where it is USEC_NONE, the first such stamp is of `year`. */
void syslog_begin(struct syslog *syslog, usec last, int64_t year);
/* Then: whose clock stamps without a zone are of, and where no line came before, when the first one is if the
 * clock showed its time twice (or USEC_NONE: it is the first of the two). */
void syslog_wall(struct syslog *syslog, const struct wall *wall, usec about);
/* Takes `text` apart: fills at, host, program, pid and text of *line, with views into `text` (the
 * program of a line without a tag is a literal). False where it
 * does not begin with a time; then *line is as it was. A line without a program tag ("last message repeated 2
 * times") has an empty program. */
bool syslog_parse(struct syslog *syslog, struct str text, struct line *line);
/* Takes a stamp and the blank behind it off the front of *rest. */
bool syslog_stamp(struct syslog *syslog, struct str *rest, usec *at);
/* A line that someone else has told the time of: takes "program[pid]: text" apart. Fills host (there is
 * none), program, pid and text. */
void syslog_parse_untimed(struct str text, struct line *line);
/* Takes off the text what stands before the program's own words, where all else of *line is known. */
void syslog_parse_text(struct line *line);

#endif
