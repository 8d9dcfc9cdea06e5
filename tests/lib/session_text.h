/* Sessions as text, to be held against what a test expects: one that says something other has another text.
 */
#ifndef TESTS_LIB_SESSION_TEXT_H
#define TESTS_LIB_SESSION_TEXT_H

#include <stdio.h>
#include "collect/session.h"

/*     session 198.51.100.4:25 mail4.good.test by mx postfix/smtpd, 1.5 s, helo=x tls user=u, rcpt, quit:
 * deferred greylist reply 450 4.2.0 rcpt greylist "text" mail <a@b> id=X message-id=M size=9: deferred rcpt
 * <c@d> 450 greylist, valid yes: deferred evidence rdns yes ... What is not known is not there. */
void session_write(FILE *to, const struct session *session);
/* A sink that writes all it gets, evidence that is late too, to a stream. */
struct sink session_text_sink(FILE *to);

#endif
